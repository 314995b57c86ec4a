/* SIP messages taken from bytes: framing, header lines, limits, and what is refused. */
#include "test.h"

#include <stdio.h>

#include "sip/message.h"

#define HEAD                                                                                       \
	"Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa\r\n"                                      \
	"From: <sip:alice@example.org>;tag=1\r\n"                                                  \
	"To: <sip:bob@example.org>\r\n"                                                            \
	"Call-ID: a@192.0.2.1\r\n"                                                                 \
	"CSeq: 1 MESSAGE\r\n"
#define REQUEST "MESSAGE sip:bob@example.org SIP/2.0\r\n"
#define WHOLE REQUEST HEAD "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

static struct sip_message m;
static enum reason        why;

static enum pull next(const void *bytes, size_t n, enum sip_framing framing)
{
	uint8_t        *exact = test_copy(bytes, n);
	struct cur      in = cur_of(exact, n);
	struct sip_scan scan = {0};
	enum pull       pull = sip_message_next(&scan, &in, framing, &m, &why);

	free(exact); /* only kinds, numbers and reasons are looked at after this */
	return pull;
}

static void assert_str(struct str got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void a_message_is_split_into_its_parts(void **state)
{
	static const char bytes[] = WHOLE "MESSAGE";
	struct cur        in = cur_of(bytes, sizeof(bytes) - 1);
	struct sip_scan   scan = {0};
	struct str        value;

	(void)state;
	assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
	assert_int_equal(m.kind, SIP_REQUEST);
	assert_int_equal(m.fault, REASON_NONE);
	assert_int_equal(m.method, SIP_METHOD_MESSAGE);
	assert_str(m.uri, "sip:bob@example.org");
	assert_int_equal(m.header_count, 7);
	assert_true(sip_header_find(&m, SIP_CALL_ID, &value));
	assert_str(value, "a@192.0.2.1");
	assert_false(sip_header_find(&m, SIP_EXPIRES, &value));
	assert_int_equal(cur_left(&m.body), 5);
	assert_memory_equal(m.body.p, "hello", 5);
	assert_int_equal(m.whole.n, sizeof(WHOLE) - 1);
	assert_int_equal(cur_left(&in), 7);
	assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_MORE);
}

static void a_stream_cut_at_any_byte_waits_for_more(void **state)
{
	static const char whole[] = WHOLE;

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		uint8_t        *exact = test_copy(whole, sizeof(whole) - 1);
		uint8_t        *part = test_copy(whole, cut);
		struct cur      in = cur_of(part, cut);
		struct sip_scan scan = {0};

		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_MORE);
		assert_ptr_equal(in.p, part);
		assert_true(scan.need > cut && scan.need <= sizeof(whole) - 1);
		free(part);
		in = cur_of(exact, sizeof(whole) - 1);
		assert_int_equal(sip_message_next(&scan, &in, SIP_STREAM, &m, &why), PULL_ITEM);
		assert_int_equal(m.fault, REASON_NONE);
		assert_int_equal(m.header_count, 7);
		assert_int_equal(cur_left(&in), 0);
		free(exact);
	}
}

static void a_datagram_that_ends_before_its_body_is_a_fault(void **state)
{
	(void)state;
	assert_int_equal(next(WHOLE, sizeof(WHOLE) - 2, SIP_DATAGRAM), PULL_ITEM);
	assert_int_equal(m.fault, REASON_SIP_BODY_SHORT);
	assert_int_equal(sip_fault_status(m.fault), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_split_into_its_parts),
		cmocka_unit_test(a_stream_cut_at_any_byte_waits_for_more),
		cmocka_unit_test(a_datagram_that_ends_before_its_body_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
