/* SIP messages taken from bytes: framing, header lines, limits, and what is refused. */
#include "test.h"

#include <stdio.h>

#include "base/put.h"
#include "sip/message.h"

#define VIA "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa\r\n"
#define FROM "From: <sip:alice@example.org>;tag=1\r\n"
#define TO "To: <sip:bob@example.org>\r\n"
#define CALL_ID "Call-ID: a@192.0.2.1\r\n"
#define CSEQ "CSeq: 1 MESSAGE\r\n"
#define HEAD VIA FROM TO CALL_ID CSEQ
#define REQUEST "MESSAGE sip:bob@example.org SIP/2.0\r\n"
#define TEXT "Content-Type: text/plain\r\n"
#define WHOLE REQUEST HEAD TEXT "Content-Length: 5\r\n\r\nhello"
#define WHOLE_HEADERS 7
#define BYTES(literal) literal, sizeof(literal) - 1

static struct sip_message m;
static enum reason        why;

/* One call over these bytes; kinds, numbers and reasons may be looked at after it, texts not. */
static enum pull next(const void *bytes, size_t n, enum sip_framing framing)
{
	uint8_t        *exact = test_copy(bytes, n);
	struct cur      in = cur_of(exact, n);
	struct sip_scan scan = {0};
	enum pull       pull = sip_message_next(&scan, &in, framing, &m, &why);

	assert_int_equal(pull == PULL_ITEM, in.p != exact || n == 0);
	free(exact);
	return pull;
}

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void assert_whole(void)
{
	assert_int_equal(m.kind, SIP_REQUEST);
	assert_int_equal(m.fault, REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_MESSAGE);
	assert_int_equal(m.header_count, WHOLE_HEADERS);
	assert_int_equal(m.whole.n, sizeof(WHOLE) - 1);
	assert_int_equal(cur_left(&m.body), 5);
}

static void a_message_is_split_into_its_parts(void **state)
{
	static const char bytes[] = WHOLE "MESSAGE";
	struct cur        in = cur_of(BYTES(bytes));
	struct sip_scan   scan = {0};
	struct str        value;

	(void)state;
	assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
	assert_whole();
	assert_str(m.method_text, "MESSAGE");
	assert_str(m.uri, "sip:bob@example.org");
	assert_true(sip_header_find(&m, SIP_CALL_ID, &value));
	assert_str(value, "a@192.0.2.1");
	assert_false(sip_header_find(&m, SIP_EXPIRES, &value));
	assert_memory_equal(m.body.p, "hello", 5);
	assert_int_equal(cur_left(&in), 7);
	assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_MORE);
}

static void a_response_has_a_status_and_maybe_a_reason(void **state)
{
	static const struct {
		const char *line;
		unsigned    status;
		const char *reason;
		enum reason fault;
	} lines[] = {
		{"SIP/2.0 200 OK", 200, "OK", REASON_NONE},
		{"sip/2.0 404 Not  Found ", 404, "Not  Found ", REASON_NONE},
		{"SIP/2.0 100 ", 100, "", REASON_NONE},
		{"SIP/2.0 699 ", 699, "", REASON_NONE},
		{"SIP/2.0 699", 0, "", REASON_SIP_START_LINE},
		{"SIP/2.0 99 Low", 0, "Low", REASON_SIP_START_LINE},
		{"SIP/2.0 700 High", 0, "High", REASON_SIP_START_LINE},
		{"SIP/2.0 0200 Zero", 0, "Zero", REASON_SIP_START_LINE},
		{"SIP/2.0 2x0 OK", 0, "OK", REASON_SIP_START_LINE},
		{"SIP/2.0  200 OK", 0, "200 OK", REASON_SIP_START_LINE},
		{"SIP/2.1 200 OK", 200, "OK", REASON_SIP_VERSION},
	};
	char bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct sip_scan scan = {0};
		struct cur      in;

		in = cur_of(bytes, (size_t)snprintf(bytes, sizeof(bytes), "%s\r\n" HEAD "\r\n",
						    lines[i].line));
		assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
		assert_int_equal(m.kind, SIP_RESPONSE);
		assert_int_equal(m.fault, lines[i].fault);
		assert_int_equal(m.status, lines[i].status);
		assert_str(m.reason, lines[i].reason);
	}
}

static void a_request_line_has_three_parts_and_two_spaces(void **state)
{
	static const struct {
		const char *line;
		enum reason fault; /* OK of SIP_KIND; COUNT: it is not SIP at all */
	} lines[] = {
		{"OPTIONS sip:a@b SIP/2.0", REASON_NONE},
		{"OPTIONS sip:a@b sip/2.0", REASON_NONE},
		{"x!%*_+`'~.- sip:a@b SIP/2.0", REASON_NONE},
		{"OPTIONS sip:a@b SIP/3.0", REASON_SIP_VERSION},
		{"OPTIONS  sip:a@b SIP/2.0", REASON_SIP_START_LINE},
		{"OPTIONS sip:a@b SIP/2.0 ", REASON_SIP_START_LINE},
		{"OPTIONS sip:a@b;x y SIP/2.0", REASON_SIP_URI},
		{"OPTIONS sip:a\"@b SIP/2.0", REASON_SIP_URI},
		{"OPTIONS sip:\xc3\xa4@b SIP/2.0", REASON_SIP_URI},
		{"OPTIONS sip:a@b", REASON_COUNT},
		{"OPTIONS SIP/2.0", REASON_COUNT},
		{"OPTIONS\tsip:a@b SIP/2.0", REASON_COUNT},
		{"OPT(ONS sip:a@b SIP/2.0", REASON_COUNT},
		{" OPTIONS sip:a@b SIP/2.0", REASON_COUNT},
		{"GET / HTTP/1.1", REASON_COUNT},
		{"OPTIONS sip:a@b SIP/2.0x", REASON_COUNT},
		{"OPTIONS sip:a@b SIP/2.0\r\n fold", REASON_COUNT},
		{"OPTIONS sip:a@b SIP/2.", REASON_COUNT},
		{"OPTIONS sip:a\x01@b SIP/2.0", REASON_COUNT},
		{"SIP/2.0 200 O\x01K", REASON_COUNT},
		{"SIP/2.0 200 OK\r\n folded", REASON_COUNT},
		{"\x16\x03\x01\x02", REASON_COUNT},
	};
	char bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool   sip = lines[i].fault != REASON_COUNT;
		size_t n =
			(size_t)snprintf(bytes, sizeof(bytes),
					 "%s\r\n" HEAD "Content-Length: 0\r\n\r\n", lines[i].line);

		for (unsigned framing = SIP_STREAM; framing <= SIP_DATAGRAM; framing++) {
			assert_int_equal(next(bytes, n, framing), sip ? PULL_ITEM : PULL_BAD);
			assert_int_equal(sip ? m.fault : why,
					 sip ? lines[i].fault : REASON_SIP_START_LINE);
			assert_int_equal(m.kind, sip ? SIP_REQUEST : SIP_NOTHING);
		}
	}
}

static void a_stream_cut_at_any_byte_waits_for_more(void **state)
{
	static const char whole[] = WHOLE;

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		uint8_t        *exact = test_copy(BYTES(whole));
		uint8_t        *part = test_copy(whole, cut);
		struct cur      in = cur_of(part, cut);
		struct sip_scan scan = {0};

		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_MORE);
		assert_ptr_equal(in.p, part);
		assert_int_equal(m.kind, SIP_NOTHING);
		assert_true(scan.need > cut && scan.need <= sizeof(whole) - 1);
		free(part);
		in = cur_of(exact, sizeof(whole) - 1);
		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
		assert_whole();
		assert_int_equal(cur_left(&in), 0);
		free(exact);
	}
}

static void a_stream_byte_by_byte_costs_no_more_than_its_bytes(void **state)
{
	static char     whole[SIP_MESSAGE_SIZE_MAX];
	struct sip_scan scan = {0};
	size_t          n;

	(void)state;
	n = (size_t)snprintf(whole, sizeof(whole), REQUEST HEAD);
	while (n < SIP_HEAD_SIZE_MAX - 200)
		n += (size_t)snprintf(
			whole + n, sizeof(whole) - n,
			"X-Long: and yet another header field that is folded\r\n"
			"\tand goes on for quite a while, so that few lines fill it\r\n"
			" (few of those that are counted)\r\n"
			" as they may\r\n");
	n += (size_t)snprintf(whole + n, sizeof(whole) - n, "l: 40000\r\n\r\n");
	memset(whole + n, '\n', 40000);
	n += 40000;
	for (size_t given = 1; given <= n; given++) {
		uint8_t   *exact = test_copy(whole, given < 200 || given == n ? given : 0);
		struct cur in = cur_of(given < 200 || given == n ? exact : (uint8_t *)whole, given);

		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why),
				 given < n ? PULL_MORE : PULL_ITEM);
		free(exact);
	}
	assert_int_equal(m.fault, REASON_NONE);
	assert_true(scan.steps < 8 * SIP_HEAD_SIZE_MAX);
}

static void a_truncated_datagram_is_never_a_good_message(void **state)
{
	static const char whole[] = WHOLE;

	(void)state;
	for (size_t cut = 1; cut < sizeof(whole) - 1; cut++) {
		enum pull pull = next(whole, cut, SIP_DATAGRAM);

		if (cut < sizeof(whole) - 1 - 5) {
			assert_int_equal(pull, PULL_BAD);
			assert_int_equal(why, REASON_SIP_HEAD_END);
		} else {
			assert_int_equal(pull, PULL_ITEM);
			assert_int_equal(m.fault, REASON_SIP_BODY_SHORT);
		}
	}
}

static void a_datagram_may_be_longer_than_its_body_or_say_no_length(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES(WHOLE " and noise"), SIP_DATAGRAM), PULL_ITEM);
	assert_whole();
	assert_int_equal(next(BYTES("\r\n\r\n" WHOLE), SIP_DATAGRAM), PULL_ITEM);
	assert_whole();
	assert_int_equal(next(BYTES(REQUEST HEAD TEXT "\r\nhello"), SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_NONE);
	assert_int_equal(cur_left(&m.body), 5);
}

static void keepalives_are_items_of_their_own(void **state)
{
	static const char          bytes[] = "\r\n\r\n\r\n" WHOLE "\r\n";
	static const enum sip_kind kinds[] = {SIP_PONG, SIP_PING, SIP_PONG, SIP_REQUEST, SIP_PONG};

	(void)state;
	for (size_t step = 1; step < sizeof(bytes); step++) { /* however the bytes are cut */
		struct cur      in = cur_of(bytes, 0);
		struct sip_scan scan = {0};
		unsigned        items = 0;

		while (cur_left(&in) > 0 || in.end < (const uint8_t *)bytes + sizeof(bytes) - 1) {
			size_t left = (size_t)((const uint8_t *)bytes + sizeof(bytes) - 1 - in.end);

			in.end += left < step ? left : step;
			while (sip_message_next(&scan, &in, SIP_STREAM, &m, &why) == PULL_ITEM)
				assert_int_equal(m.kind, kinds[items++]);
			assert_int_equal(why, REASON_NONE);
		}
		assert_int_equal(items, 5);
	}
	assert_int_equal(next(BYTES("\r\n\r\n"), SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.kind, SIP_PING);
	assert_int_equal(next(BYTES("\r\n"), SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.kind, SIP_PONG);
	assert_int_equal(next("", 0, SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.kind, SIP_PONG);
}

static void heads_that_are_refused_are_refused_by_name(void **state)
{
	static const struct {
		const char *lines;
		size_t      n;
		enum reason fault;
		bool        lost; /* on a stream the frame is lost, too */
	} heads[] = {
		{BYTES("Content-Length: -1\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length: five\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length: 0x0\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length: +0\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length: 0, 0\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length:\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("Content-Length: 0\r\nl: 5\r\n"), REASON_SIP_CONTENT_LENGTH, true},
		{BYTES("l: 0\r\nContent-Length: 0\r\n"), REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\nContent-Length: 00\r\n"), REASON_SIP_CONTENT_LENGTH, false},
		{BYTES("Content-Length: 0000000000000000000\r\n"), REASON_NONE, false},
		{BYTES("l: 0\r\nTo\x01: <sip:eve@example.org>\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX\x7f: y\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX\0: y\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX\r: y\r\n"), REASON_SIP_HEADER_NAME, true},
		{BYTES("l: 0\r\nX\n: y\r\n"), REASON_SIP_HEADER_NAME, true},
		{BYTES("l: 0\r\nX\r\n : y\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\n: y\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX y: z\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nno colon\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX\xc3\xa4: y\r\n"), REASON_SIP_HEADER_NAME, false},
		{BYTES("l: 0\r\nX \t : y\r\n"), REASON_NONE, false},
		{BYTES("l: 0\r\nX: a\nTo: b\r\n"), REASON_SIP_LINE_END, true},
		{BYTES("l: 0\r\nX: a\rTo: b\r\n"), REASON_SIP_LINE_END, true},
		{BYTES("l: 0\r\nX: a\n\r\n"), REASON_SIP_LINE_END, true},
		{BYTES("l: 0\r\nX: a\r\r\n"), REASON_SIP_LINE_END, true},
		{BYTES("l: 0\r\nX: a\0b\r\n"), REASON_SIP_CONTROL, false},
		{BYTES("l: 0\r\nX: a\x1b[31m\r\n"), REASON_SIP_CONTROL, false},
		{BYTES("l: 0\r\nX: \"\\\0\" b\r\n"), REASON_NONE, false},
		{BYTES("l: 0\r\nX: \"\\\0 b\r\n"), REASON_SIP_CONTROL, false},
		{BYTES("l: 0\r\nX: \"\0\" b\r\n"), REASON_SIP_CONTROL, false},
		{BYTES("l: 0\r\nX: \t\r\n \r\n\t y\r\n"), REASON_NONE, false},
		{BYTES("l: 0\r\nX: \xc3\xa4\r\n"), REASON_NONE, false},
		{BYTES("l: 0\r\nt: <sip:c@d>\r\n"), REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\nF: <sip:c@d>\r\n"), REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\nI: b\r\n"), REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\ncseq: 1 MESSAGE\r\n"), REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\nMax-Forwards: 1\r\nmax-forwards: 1\r\n"),
		 REASON_SIP_HEADER_REPEATED, false},
		{BYTES("l: 0\r\nZ: y\r\nz: z\r\nv: SIP/2.0/UDP a\r\n"), REASON_NONE, false},
	};
	char bytes[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t n = (size_t)snprintf(bytes, sizeof(bytes), REQUEST HEAD);
		bool   lost;

		memcpy(bytes + n, heads[i].lines, heads[i].n);
		n += heads[i].n;
		n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "\r\n");
		assert_int_equal(next(bytes, n, SIP_DATAGRAM), PULL_ITEM);
		if (m.fault != heads[i].fault)
			fail_msg("%s: %s", heads[i].lines, reason_name(m.fault));
		lost = next(bytes, n, SIP_STREAM) == PULL_BAD;
		if (lost != heads[i].lost || (!lost && m.fault != heads[i].fault))
			fail_msg("%s: %s", heads[i].lines, reason_name(lost ? why : m.fault));
		assert_int_equal(m.kind, SIP_REQUEST);
	}
}

static void each_mandatory_field_is_missed(void **state)
{
	static const char *const without[] = {
		REQUEST FROM TO CALL_ID CSEQ "\r\n",     REQUEST VIA TO CALL_ID CSEQ "\r\n",
		REQUEST VIA FROM CALL_ID CSEQ "\r\n",    REQUEST VIA FROM TO CSEQ "\r\n",
		REQUEST VIA FROM TO           CALL_ID "\r\n",      REQUEST "X: y\r\n\r\n",
		"SIP/2.0 200 OK\r\n" VIA FROM TO "\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		assert_int_equal(next(without[i], strlen(without[i]), SIP_DATAGRAM), PULL_ITEM);
		assert_int_equal(m.fault, REASON_SIP_HEADER_MISSING);
	}
}

static void a_stream_needs_a_length_where_there_is_a_body(void **state)
{
	(void)state;
	assert_int_equal(next(BYTES(REQUEST HEAD "\r\n"), SIP_STREAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_NONE);
	assert_int_equal(cur_left(&m.body), 0);
	assert_int_equal(next(BYTES(REQUEST HEAD TEXT "\r\nhello"), SIP_STREAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_NO_CONTENT_LENGTH);
}

/* lines header lines of size bytes each after the mandatory ones; no end of the head. */
static size_t long_head(char *bytes, unsigned lines, size_t size)
{
	size_t n = (size_t)sprintf(bytes, REQUEST HEAD);

	for (unsigned i = 0; i < lines; i++) {
		memset(bytes + n, 'z', size);
		bytes[n + 1] = ':';
		n += size;
		memcpy(bytes + n - 2, "\r\n", 2);
	}
	return n;
}

static void limits_hold_before_more_is_waited_for(void **state)
{
	static char bytes[2 * SIP_MESSAGE_SIZE_MAX];
	size_t      n;

	(void)state;
	memset(bytes, 'x', sizeof(bytes)); /* no start line */
	assert_int_equal(next(bytes, SIP_START_LINE_MAX, SIP_STREAM), PULL_MORE);
	assert_int_equal(next(bytes, SIP_START_LINE_MAX + 1, SIP_STREAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_START_LINE);
	assert_int_equal(next("MESS\x01", 5, SIP_STREAM), PULL_BAD); /* nor ever one */
	assert_int_equal(next("GET / HTTP/1.1\r\n", 16, SIP_STREAM), PULL_BAD);
	assert_int_equal(next("A\n", 2, SIP_STREAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_LINE_END);

	n = long_head(bytes, SIP_HEADERS_MAX - 5, 16);
	assert_int_equal(next(bytes, n, SIP_STREAM), PULL_MORE);
	memcpy(bytes + n, "\r\n", 2);
	assert_int_equal(next(bytes, n + 2, SIP_STREAM), PULL_ITEM);
	assert_int_equal(m.header_count, SIP_HEADERS_MAX);
	n = long_head(bytes, SIP_HEADERS_MAX - 3, 16);
	assert_int_equal(next(bytes, n, SIP_STREAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_HEADER_COUNT);
	memcpy(bytes + n, "\r\n", 2);
	assert_int_equal(next(bytes, n + 2, SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_SIP_HEADER_COUNT);

	n = long_head(bytes, 1, SIP_HEAD_SIZE_MAX - sizeof(REQUEST HEAD) + 1 - 2);
	memcpy(bytes + n, "\r\n", 2);
	assert_int_equal(n + 2, SIP_HEAD_SIZE_MAX);
	assert_int_equal(next(bytes, n + 1, SIP_STREAM), PULL_MORE);
	assert_int_equal(next(bytes, n + 2, SIP_STREAM), PULL_ITEM);
	n = long_head(bytes, 1, SIP_HEAD_SIZE_MAX);
	assert_int_equal(next(bytes, SIP_HEAD_SIZE_MAX - 1, SIP_STREAM), PULL_MORE);
	assert_int_equal(next(bytes, SIP_HEAD_SIZE_MAX, SIP_STREAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_HEAD_SIZE);
	memcpy(bytes + n, "\r\n", 2);
	assert_int_equal(next(bytes, n + 2, SIP_DATAGRAM), PULL_BAD);
	assert_int_equal(why, REASON_SIP_HEAD_SIZE);
}

static void a_length_above_the_limit_ends_a_stream(void **state)
{
	static const char *const lengths[] = {
		"65536",      "2147483648",           "4294967296",
		"4294967291", "18446744073709551616", "99999999999999999999999999999999999"};
	char bytes[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = (size_t)snprintf(bytes, sizeof(bytes),
					    REQUEST HEAD "Content-Length: %s\r\n\r\n", lengths[i]);

		assert_int_equal(next(bytes, n, SIP_STREAM), PULL_BAD);
		assert_int_equal(why, REASON_MESSAGE_SIZE);
		assert_int_equal(m.kind, SIP_REQUEST);
		assert_int_equal(sip_fault_status(m.fault), 413);
		assert_int_equal(next(bytes, n, SIP_DATAGRAM), PULL_ITEM);
		assert_int_equal(m.fault, REASON_SIP_BODY_SHORT);
	}
}

static void a_long_uri_is_a_fault_of_its_own(void **state)
{
	char   bytes[4096], uri[SIP_URI_MAX + 2];
	size_t n;

	(void)state;
	memset(uri, 'a', sizeof(uri));
	memcpy(uri, "sip:", 4);
	n = (size_t)snprintf(bytes, sizeof(bytes), "MESSAGE %.*s SIP/2.0\r\n" HEAD "\r\n",
			     (int)SIP_URI_MAX, uri);
	assert_int_equal(next(bytes, n, SIP_STREAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_NONE);
	n = (size_t)snprintf(bytes, sizeof(bytes), "MESSAGE %.*s SIP/2.0\r\n" HEAD "\r\n",
			     (int)SIP_URI_MAX + 1, uri);
	assert_int_equal(next(bytes, n, SIP_STREAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_SIP_URI_SIZE);
	assert_int_equal(sip_fault_status(m.fault), 414);
}

/* A head is looked at in blocks: what it is does not depend on where they begin and end. */
static void a_head_is_the_same_wherever_its_bytes_lie(void **state)
{
	static const struct str odd[] = {
		{BYTES("")},
		{BYTES("X: a\tb\r\n")},
		{BYTES("X: a\r\n\tb\r\n c\r\n")},
		{BYTES("X: a\rb\r\n")},
		{BYTES("X: a\nb: c\r\n")},
		{BYTES("X: a\r\r\nY: b\r\n")},
		{BYTES("X: a\n\rY: b\r\n")},
		{BYTES("X: a\0b\r\n")},
		{BYTES("X: \"\\\x7f\"\r\n")},
		{BYTES("X: \x7f\r\n")},
		{BYTES("X\r\n")},
		{BYTES("\r")},
		{BYTES("\n")},
		{BYTES("\r\n\r")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		enum reason fault = REASON_NONE, said = REASON_NONE;
		enum pull   pull = PULL_MORE;
		unsigned    headers = 0;

		for (size_t pad = 0; pad < 200; pad++) {
			char       text[1024];
			struct put w = put_to(text, sizeof(text));
			enum pull  got;

			put_str(&w, STR("MESSAGE sip:"));
			for (size_t n = 0; n <= pad; n++)
				put_u8(&w, 'a');
			put_str(&w, STR("@b SIP/2.0\r\n" HEAD));
			put_str(&w, odd[i]);
			put_str(&w, STR("Content-Length: 5\r\n\r\nhe\rlo"));
			got = next(text, put_size(&w), SIP_DATAGRAM);
			if (pad == 0) {
				pull = got;
				fault = m.fault;
				said = why;
				headers = m.header_count;
			}
			if (got != pull || m.fault != fault || why != said ||
			    m.header_count != headers)
				fail_msg("the text at %zu, moved by %zu", i, pad);
		}
	}
}

static void every_name_is_found_in_any_case_and_its_compact_form(void **state)
{
	static const struct {
		const char         *name;
		char                compact;
		enum sip_header_how how;
	} headers[] = {
#define SIP_HEADER(id, name, compact, how) [SIP_##id] = {name, compact, SIP_HEADER_##how},
#include "sip/headers.def"
#undef SIP_HEADER
	};
	char   room[64];
	size_t longest = 0;

	(void)state;
	for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
		struct str name = str_of(headers[id].name);

		assert_true(name.n >= longest); /* the order that the look-up needs */
		longest = name.n;
		assert_int_equal(sip_header_classify(name), id);
		assert_string_equal(sip_header_name(id), headers[id].name);
		assert_int_equal(sip_header_how(id), headers[id].how);
		for (size_t i = 0; i <= name.n; i++)
			room[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] ^ 0x20
									      : name.p[i]);
		assert_int_equal(sip_header_classify((struct str){room, name.n}), id);
		if (name.n > 2)
			assert_int_not_equal(sip_header_classify((struct str){room, name.n - 1}),
					     id);
		room[name.n] = 'x';
		assert_int_not_equal(sip_header_classify((struct str){room, name.n + 1}), id);
		if (headers[id].compact == 0)
			continue;
		assert_int_equal(sip_header_classify((struct str){&headers[id].compact, 1}), id);
		room[0] = (char)(headers[id].compact ^ 0x20);
		assert_int_equal(sip_header_classify((struct str){room, 1}), id);
	}
	for (unsigned c = 0; c < 256; c++) { /* 'v' and 'V' but not 0x56 ^ 0x40 */
		room[0] = (char)c;
		if ((c | 0x20) < 'a' || (c | 0x20) > 'z')
			assert_int_equal(sip_header_classify((struct str){room, 1}),
					 SIP_HEADER_OTHER);
	}
	assert_int_equal(sip_header_classify(STR("")), SIP_HEADER_OTHER);
}

static void methods_are_known_by_their_exact_names(void **state)
{
	(void)state;
	for (unsigned i = 1; i < SIP_METHOD_COUNT; i++)
		assert_int_equal(sip_method_classify(str_of(sip_method_name(i))), i);
	assert_int_equal(sip_method_classify(STR("message")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_classify(STR("MESSAG")), SIP_METHOD_OTHER);
	assert_null(sip_method_name(SIP_METHOD_OTHER));
}

static void lists_are_read_over_all_their_lines(void **state)
{
	static const char bytes[] = REQUEST HEAD "Route: <sip:a,b@c;lr>, \"x, \\\"y\" <sip:d>\r\n"
						 "X: y\r\n"
						 "Supported:\r\n"
						 "Route:\r\n <sip:e>\r\n , <sip:f>\r\n"
						 "Supported: a\t,b\r\n\r\n";
	static const char *const routes[] = {"<sip:a,b@c;lr>", "\"x, \\\"y\" <sip:d>", "<sip:e>",
					     "<sip:f>"};
	static const char *const supported[] = {"a", "b"};
	struct cur               in = cur_of(BYTES(bytes));
	struct sip_scan          scan = {0};
	struct sip_list          l;
	struct str               element;
	unsigned                 n = 0;

	(void)state;
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why), PULL_ITEM);
	for (sip_list_init(&l, &m, SIP_ROUTE); sip_list_next(&l, &element);)
		assert_str(element, routes[n++]);
	assert_int_equal(n, 4);
	assert_false(l.failed);
	for (sip_list_init(&l, &m, SIP_SUPPORTED), n = 0; sip_list_next(&l, &element);)
		assert_str(element, supported[n++]);
	assert_int_equal(n, 2);
	sip_list_init(&l, &m, SIP_ALLOW);
	assert_false(sip_list_next(&l, &element));
	assert_false(l.failed);
}

static void lists_with_holes_or_open_ends_fail(void **state)
{
	static const char *const lists[] = {",",      "a,",     ",a",      "a,,b", "a, ,b",  "\"a",
					    "a, \"b", "<sip:a", "<a>, <b", "\"\\", "\"a\\\""};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		uint8_t        *exact = test_copy(lists[i], strlen(lists[i]));
		struct sip_list l;
		struct str      element;

		sip_list_of(&l, (struct str){(char *)exact, strlen(lists[i])});
		while (sip_list_next(&l, &element))
			;
		assert_true(l.failed);
		free(exact);
	}
}

static void assert_same_text(struct str a, struct str b)
{
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
}

static void what_came_before_changes_nothing_of_what_comes(void **state)
{
#define LINES_FEW "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
#define LINES_REST "Call-ID:  1\r\nCSeq: 1 MESSAGE\r\n\r\n"
	static const char *const texts[] = {
		REQUEST LINES_FEW "To: <sip:b@c>\r\n" LINES_REST,
		REQUEST LINES_FEW "To:<sip:b@c>\r\nP-Asserted-Identity: <sip:a@b>\r\n" LINES_REST,
		REQUEST LINES_FEW "T: <sip:b@c>\r\nX-Other: 1\r\n" LINES_REST,
		REQUEST LINES_FEW "to: <sip:b@c>\r\nP-Asserted-Identity : <sip:a@b>\r\n" LINES_REST,
		REQUEST LINES_FEW "To: \r\n <sip:b@c>\r\nP-Asserted-Identit: 1\r\n" LINES_REST,
		REQUEST "To: <sip:b@c>\r\n" LINES_FEW "Tone: 1\r\nSubject: \r\n" LINES_REST,
		"SIP/2.0 200 OK\r\n" LINES_FEW "To: <sip:b@c>\r\nTo \r\n" LINES_REST,
		"SIP/2.0 200 OK\r\nTo: \t<sip:b@c>\r\n" LINES_FEW LINES_REST,
	};
	static struct sip_message alone;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			struct cur      before = cur_of(texts[i], strlen(texts[i]));
			struct cur      after = cur_of(texts[k], strlen(texts[k])), again = after;
			struct sip_scan scan = {0}, fresh = {0};

			sip_message_next(&scan, &before, SIP_DATAGRAM, &m, &why);
			sip_message_next(&scan, &after, SIP_DATAGRAM, &m, &why);
			sip_message_next(&fresh, &again, SIP_DATAGRAM, &alone, &why);
			assert_int_equal(m.fault, alone.fault);
			assert_int_equal(m.header_count, alone.header_count);
			for (unsigned h = 0; h < m.header_count; h++) {
				assert_int_equal(m.headers[h].id, alone.headers[h].id);
				assert_int_equal(m.headers[h].next, alone.headers[h].next);
				assert_same_text(m.headers[h].name, alone.headers[h].name);
				assert_same_text(m.headers[h].value, alone.headers[h].value);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_split_into_its_parts),
		cmocka_unit_test(a_response_has_a_status_and_maybe_a_reason),
		cmocka_unit_test(a_request_line_has_three_parts_and_two_spaces),
		cmocka_unit_test(a_stream_cut_at_any_byte_waits_for_more),
		cmocka_unit_test(a_stream_byte_by_byte_costs_no_more_than_its_bytes),
		cmocka_unit_test(a_truncated_datagram_is_never_a_good_message),
		cmocka_unit_test(a_datagram_may_be_longer_than_its_body_or_say_no_length),
		cmocka_unit_test(keepalives_are_items_of_their_own),
		cmocka_unit_test(heads_that_are_refused_are_refused_by_name),
		cmocka_unit_test(each_mandatory_field_is_missed),
		cmocka_unit_test(a_stream_needs_a_length_where_there_is_a_body),
		cmocka_unit_test(limits_hold_before_more_is_waited_for),
		cmocka_unit_test(a_length_above_the_limit_ends_a_stream),
		cmocka_unit_test(a_long_uri_is_a_fault_of_its_own),
		cmocka_unit_test(a_head_is_the_same_wherever_its_bytes_lie),
		cmocka_unit_test(every_name_is_found_in_any_case_and_its_compact_form),
		cmocka_unit_test(methods_are_known_by_their_exact_names),
		cmocka_unit_test(lists_are_read_over_all_their_lines),
		cmocka_unit_test(lists_with_holes_or_open_ends_fail),
		cmocka_unit_test(what_came_before_changes_nothing_of_what_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
