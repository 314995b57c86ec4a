#include "bench.h"

static const struct sip_sender stranger = {0};

/* A MESSAGE of these lines, which end each with CRLF, and this body. */
static unsigned take(struct bench *b, const char *uri, const char *lines, const char *body,
		     const struct sip_sender *from)
{
	struct sip_scan      scan = {0};
	struct sip_message   in;
	struct sip_mandatory known = {0};
	char                 text[8192];
	int                  n = snprintf(
				 text, sizeof(text),
				 "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: 1\r\n"
						  "CSeq: 1 MESSAGE\r\nTo: <%s>\r\n%sContent-Length: %zu\r\n\r\n%s",
				 uri, uri, lines, strlen(body), body);
	uint8_t   *exact = test_copy(text, (size_t)n);
	struct cur c = cur_of(exact, (size_t)n);
	unsigned   status;

	msg_reset(b->m);
	assert_int_equal(sip_message_next(&scan, &c, SIP_DATAGRAM, &in, &b->why), PULL_ITEM);
	assert_int_equal(in.fault, REASON_NONE);
	assert_int_equal(sip_mandatory_parse(&in, &known), REASON_NONE);
	status = sip_map_in(&b->map, &in, &known, from, b->m, &b->why);
	free(exact);
	return status;
}

static const char *give(struct bench *b, const struct sip_way *way)
{
	static char text[70000];
	struct put  w = put_to(text, sizeof(text) - 1);

	b->why = sip_map_uri(b->m, way, &w);
	put_str(&w, STR("\r\n"));
	if (b->why == REASON_NONE)
		b->why = sip_map_out(&b->map, b->m, way,
				     &(struct sip_names){STR("tag1"), STR("id1")}, &w);
	assert_false(w.failed);
	text[put_size(&w)] = '\0';
	return text;
}

static const struct sip_way to_peer = {.domain = {"example.org", 11}, .host = {"ims.example", 11}};

#define FROM_BOB "From: <sip:bob@else.example>;tag=1\r\n"

static void an_address_has_one_normal_form(void **state)
{
	static const struct {
		const char    *uri, *text;
		enum addr_kind kind;
	} cases[] = {
		{"sip:+46701234567@example.org", "+46701234567", ADDR_E164},
		{"sip:+46701234567@else.example;user=phone", "+46701234567", ADDR_E164},
		{"sip:+46-70-123.45.67@else.example", "+46701234567", ADDR_E164},
		{"sip:+46701234567;phone-context=x@else.example", "+46701234567", ADDR_E164},
		{"sip:%2B46701234567@else.example", "+46701234567", ADDR_E164},
		{"tel:+46-70-1234567", "+46701234567", ADDR_E164},
		{"tel:7123;phone-context=example.org", "7123", ADDR_SHORT},
		{"sip:7123@example.org", "7123", ADDR_SHORT},
		{"sip:7123@else.example;user=phone", "7123", ADDR_SHORT},
		{"sip:7123@else.example", "sip:7123@else.example", ADDR_URI},
		{"sip:Alice@Example.ORG:5070;transport=tcp", "sip:Alice@example.org", ADDR_URI},
		{"sips:alice@example.org", "sip:alice@example.org", ADDR_URI},
		{"sip:+@else.example", "sip:+@else.example", ADDR_URI},
		{"sip:+46x@else.example", "sip:+46x@else.example", ADDR_URI},
		{"sip:else.example", "sip:else.example", ADDR_URI},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, cases[i].uri, FROM_BOB, "x", &stranger), 200);
		assert_int_equal(b->m->to.kind, cases[i].kind);
		assert_true(str_eq(msg_addr(b->m, &b->m->to), str_of(cases[i].text)));
		assert_true(str_eq(msg_addr(b->m, &b->m->from), STR("sip:bob@else.example")));
	}
	bench_free(b);
}

static void a_destination_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *uri;
		unsigned    status;
	} cases[] = {
		{"mailto:bob@else.example", 416},
		{"urn:service:sos", 416},
		{"sip:anonymous@anonymous.invalid", 404},
		{"tel:+467012345670123456789012345", 404},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, cases[i].uri, FROM_BOB, "x", &stranger), cases[i].status);
		assert_int_equal(b->why, REASON_DESTINATION);
	}
	bench_free(b);
}

static void nobody_is_who_he_only_says_he_is(void **state)
{
	static const struct sip_sender alice = {.proven = {"sip:alice@example.org", 21},
						.number = {"+46701234567", 12}},
				       bob = {.proven = {"sip:bob@example.org", 19}},
				       peer = {.trusted = true};
	static const struct {
		const struct sip_sender *sender;
		const char              *lines;
		unsigned                 status;
		const char              *from; /* normal form; "": withheld */
	} cases[] = {
		{&alice, "From: <sip:alice@example.org>;tag=1\r\n", 200, "+46701234567"},
		{&bob, "From: <sip:bob@example.org>;tag=1\r\n", 200, "sip:bob@example.org"},
		{&bob, "From: <sip:alice@example.org>;tag=1\r\n", 403, NULL},
		{&bob, "From: <tel:+46701234567>;tag=1\r\n", 403, NULL},
		{&alice, "From: <sip:alice@EXAMPLE.org:5060>;tag=1\r\n", 200, "+46701234567"},
		{&alice, "From: <sip:+46701234567@example.org>;tag=1\r\n", 200, "+46701234567"},
		{&alice, "From: <sip:bob@example.org>;tag=1\r\n", 403, NULL},
		{&alice, "From: <sip:alice@else.example>;tag=1\r\n", 403, NULL},
		{&alice, "From: <sip:+46700000000@example.org>;tag=1\r\n", 403, NULL},
		{&alice, "From: <tel:+46700000000>;tag=1\r\n", 403, NULL},
		{&alice, "From: <sip:anonymous@anonymous.invalid>;tag=1\r\n", 200, ""},
		{&alice, "From: <sip:bob@example.org>;tag=1\r\nPrivacy: id\r\n", 200, ""},
		/* what a subscriber asserts is nothing */
		{&alice,
		 "From: <sip:alice@example.org>;tag=1\r\n"
		 "P-Asserted-Identity: <sip:bob@example.org>\r\n",
		 200, "+46701234567"},
		{&stranger, FROM_BOB "P-Asserted-Identity: <sip:alice@example.org>\r\n", 200,
		 "sip:bob@else.example"},
		{&peer, FROM_BOB "P-Asserted-Identity: <sip:alice@example.org>\r\n", 200,
		 "+46701234567"}, /* hers is the number that all can answer */
		{&peer, FROM_BOB "P-Asserted-Identity: <sip:a@example.org>, <tel:+46701234567>\r\n",
		 200, "+46701234567"},
		{&peer, FROM_BOB, 200, "sip:bob@else.example"},
		{&peer, FROM_BOB "P-Asserted-Identity: <tel:+4670>\r\nPrivacy: id\r\n", 200, ""},
		{&peer, FROM_BOB "P-Asserted-Identity: <tel:+4670>\r\nPrivacy: none\r\n", 200,
		 "+4670"},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, "sip:x@y", cases[i].lines, "x", cases[i].sender),
				 cases[i].status);
		if (cases[i].status == 200)
			assert_true(str_eq(msg_addr(b->m, &b->m->from), str_of(cases[i].from)));
		else
			assert_int_equal(b->why, REASON_SENDER);
	}
	bench_free(b);
}

static void a_body_that_is_not_taken_is_refused(void **state)
{
	static char big[2002];
	const struct {
		const char *lines, *body;
		unsigned    status;
		enum reason why;
	} cases[] = {
		{FROM_BOB "Content-Type: text/plain\r\n", "x", 200, REASON_NONE},
		{FROM_BOB "Content-Type: TEXT/Plain; charset=\"utf-8\"\r\n", "x", 200, REASON_NONE},
		{FROM_BOB, "x", 200, REASON_NONE},
		{FROM_BOB "Content-Type: text/plain\r\n", "", 200, REASON_NONE},
		{FROM_BOB "Content-Type: text/plain;charset=koi8-r\r\n", "x", 415, REASON_CODING},
		{FROM_BOB "Content-Type: application/octet-stream\r\n", "x", 415, REASON_CODING},
		{FROM_BOB "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x", 400,
		 REASON_SIP_CONTENT},
		{FROM_BOB "Content-Type: text/plain\r\nContent-Encoding: br\r\n", "x", 415,
		 REASON_CODING},
		{FROM_BOB "Content-Type: text/plain\r\nContent-Encoding: identity\r\n", "x", 200,
		 REASON_NONE},
		{FROM_BOB, big, 413, REASON_MESSAGE_SIZE},
	};
	struct bench *b = bench_new();

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, "sip:x@y", cases[i].lines, cases[i].body, &stranger),
				 cases[i].status);
		assert_int_equal(b->why, cases[i].why);
	}
	bench_free(b);
}

static void a_subject_of_another_protocol_has_no_line_of_its_own(void **state)
{
	struct bench *b = bench_new();
	const char   *out;

	(void)state;
	assert_int_equal(take(b, "sip:+4670@x", FROM_BOB, "hej", &stranger), 200);
	b->m->native_protocol = 200;
	assert_true(msg_extra_add(b->m, MSG_COMMON, MSG_COMMON_SUBJECT, "a\r\nX: y\t\x7f", 9));
	assert_true(msg_extra_add(b->m, MSG_COMMON, MSG_COMMON_LANGUAGE, "s\nv", 3));
	out = give(b, &to_peer);
	assert_int_equal(b->why, REASON_NONE);
	assert_non_null(strstr(out, "Subject: a  X: y  \r\n"));
	assert_null(strstr(out, "Content-Language"));
	bench_free(b);
}

static void a_message_from_sip_leaves_by_sip_as_it_came(void **state)
{
	static const char *const lines[] = {
		"Subject: Hej, du",
		"Conversation-ID: f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"Contribution-ID: abcdef",
		"InReplyTo-Contribution-ID: 01234",
		"In-Reply-To: a@b, c@d",
		"Content-Language: sv",
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3Aoma.cpm.msg\"",
		"Request-Disposition: no-fork",
		"Priority: urgent",
	};
	static const struct {
		const char *type, *body;
	} bodies[] = {
		{"text/plain", "hej"},
		{"text/plain;charset=ISO-8859-1", "\xe5\xe4\xf6"},
		{"text/plain; charset=utf-8; format=flowed", "a \r\nb"},
		{"application/vnd.gsma.rcspushlocation+xml", "<rcsenvelope/>"},
	};
	struct bench *b = bench_new();
	char          text[4096] = FROM_BOB "Max-Forwards: 12\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		strcat(strcat(text, lines[i]), "\r\n");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char        head[4200], tail[256];
		const char *out;

		snprintf(head, sizeof(head), "%sContent-Type: %s\r\n", text, bodies[i].type);
		assert_int_equal(take(b, "sip:+4670@x", head, bodies[i].body, &stranger), 200);
		assert_int_equal(b->m->hops, MSG_HOPS_MAX - 12);
		assert_int_equal(sip_map_forwards(&b->map, b->m), 11);
		out = give(b, &to_peer);
		assert_int_equal(b->why, REASON_NONE);
		for (size_t l = 0; l < sizeof(lines) / sizeof(lines[0]); l++)
			assert_non_null(strstr(out, lines[l]));
		snprintf(tail, sizeof(tail), "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
			 bodies[i].type, strlen(bodies[i].body), bodies[i].body);
		assert_non_null(strstr(out, tail));
		assert_non_null(strstr(out, "From: <sip:bob@else.example>;tag=tag1\r\n"));
		assert_true(str_starts(str_of(out), STR("sip:+4670@ims.example;user=phone\r\n")));
		assert_non_null(strstr(out, "To: <sip:+4670@ims.example;user=phone>\r\n"));
	}
	bench_free(b);
}

static void what_strangers_assert_goes_no_further(void **state)
{
	static const char              lines[] = FROM_BOB "P-Asserted-Service: urn:urn-7:x\r\n"
							  "P-Asserted-Identity: <tel:+4670>\r\n";
	static const struct sip_sender peer = {.trusted = true};
	struct sip_way                 way = to_peer;
	struct bench                  *b = bench_new();

	(void)state;
	for (unsigned in = 0; in < 2; in++) {
		for (unsigned out = 0; out < 2; out++) {
			way.trusted = out;
			assert_int_equal(take(b, "sip:x@y", lines, "x", in ? &peer : &stranger),
					 200);
			assert_int_equal(strstr(give(b, &way), "P-Asserted-Service") != NULL,
					 in && out);
			assert_int_equal(strstr(give(b, &way),
						"P-Asserted-Identity: "
						"<sip:+4670@example.org;user=phone>, "
						"<tel:+4670>\r\n") != NULL,
					 in && out);
		}
	}
	bench_free(b);
}

static struct msg *foreign(struct bench *b, enum addr_kind kind, const char *from,
			   enum addr_kind to_kind, const char *to, enum msg_coding coding,
			   const void *body, size_t n)
{
	msg_reset(b->m);
	assert_true(msg_append_addr(b->m, kind, 0, 0, str_of(from), &b->m->from));
	assert_true(msg_append_addr(b->m, to_kind, 0, 0, str_of(to), &b->m->to));
	assert_true(msg_append(b->m, body, n, &b->m->body));
	b->m->kind = MSG_TEXT;
	b->m->coding = (uint8_t)coding;
	return b->m;
}

static void a_text_of_another_protocol_leaves_as_utf8(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *body;
		size_t          n;
		uint8_t         udh;
		const char     *utf8;
	} cases[] = {
		{MSG_CODING_GSM7, "\x00@hej", 5, 0, "@\xc2\xa1hej"},
		{MSG_CODING_ASCII, "hej", 3, 0, "hej"},
		{MSG_CODING_LATIN1, "\xe5", 1, 0, "\xc3\xa5"},
		{MSG_CODING_UCS2, "\x00h\x20\xac", 4, 0, "h\xe2\x82\xac"},
		{MSG_CODING_UTF8, "\xc3\xa5", 2, 0, "\xc3\xa5"},
		{MSG_CODING_GSM7, "\x05\x00\x03\x07\x02\x01hej", 9, 6, "hej"},
		{MSG_CODING_UTF8, "\x05\x00\x03\x07\x02\x01\xc3\xa5", 8, 6, "\xc3\xa5"},
	};
	struct bench *b = bench_new();
	char          tail[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		foreign(b, ADDR_E164, "+4670", ADDR_E164, "+4671", cases[i].coding, cases[i].body,
			cases[i].n);
		b->m->udh_size = cases[i].udh;
		snprintf(tail, sizeof(tail),
			 "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(cases[i].utf8), cases[i].utf8);
		assert_non_null(strstr(give(b, &to_peer), tail));
	}
	bench_free(b);
}

static void an_address_of_another_protocol_becomes_a_uri(void **state)
{
	static const struct {
		enum addr_kind kind;
		const char    *text, *from;
	} cases[] = {
		{ADDR_E164, "+4670", "From: <sip:+4670@example.org;user=phone>;tag=tag1\r\n"},
		{ADDR_SHORT, "7123", "From: <sip:7123@example.org;user=phone>;tag=tag1\r\n"},
		{ADDR_ALPHA, "My \"Bank\"",
		 "From: \"My \\\"Bank\\\"\"<sip:My%20%22Bank%22@example.org>;tag=tag1\r\n"},
		{ADDR_NONE, "",
		 "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=tag1\r\n"},
		{ADDR_URI, "bob@xmpp.example", "From: <sip:bob@xmpp.example>;tag=tag1\r\n"},
		{ADDR_URI, "sip:bob@else.example", "From: <sip:bob@else.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:bob@x.example", "From: <sip:bob@x.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:jürgen@x.example", /* RFC 7247, 5 */
		 "From: <sip:j%C3%BCrgen@x.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:d\\27artagnan@x.example",
		 "From: <sip:d'artagnan@x.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:a#b@x.example", "From: <sip:a%23b@x.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:user\\40host@x.example",
		 "From: <sip:user%40host@x.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:bob@münchen.example",
		 "From: <sip:bob@xn--mnchen-3ya.example>;tag=tag1\r\n"},
		{ADDR_URI, "xmpp:transport.example", "From: <sip:transport.example>;tag=tag1\r\n"},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		foreign(b, cases[i].kind, cases[i].text, ADDR_E164, "+4671", MSG_CODING_ASCII, "x",
			1);
		assert_non_null(strstr(give(b, &to_peer), cases[i].from));
	}
	bench_free(b);
}

static void a_message_that_cannot_go_out_says_why(void **state)
{
	static const struct {
		enum addr_kind from_kind, to_kind;
		const char    *from, *to;
		enum reason    why;
	} cases[] = {
		{ADDR_E164, ADDR_ALPHA, "+4670", "BANK", REASON_DESTINATION},
		{ADDR_E164, ADDR_NONE, "+4670", "", REASON_DESTINATION},
		{ADDR_E164, ADDR_URI, "+4670", "a b@c", REASON_DESTINATION},
		{ADDR_E164, ADDR_URI, "+4670", "a>@c", REASON_DESTINATION},
		{ADDR_URI, ADDR_E164, "a\r\nX: y@c", "+4670", REASON_SENDER},
		{ADDR_URI, ADDR_E164, "sip:", "+4670", REASON_SENDER},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		foreign(b, cases[i].from_kind, cases[i].from, cases[i].to_kind, cases[i].to,
			MSG_CODING_ASCII, "x", 1);
		give(b, &to_peer);
		assert_int_equal(b->why, cases[i].why);
	}
	foreign(b, ADDR_E164, "+4670", ADDR_E164, "+4671", MSG_CODING_BINARY, "x", 1);
	b->m->kind = MSG_BINARY;
	give(b, &to_peer);
	assert_int_equal(b->why, REASON_CODING);
	bench_free(b);
}

static void a_pool_that_runs_dry_in_the_middle_refuses_for_now(void **state)
{
	struct bench *b = bench_new();
	char          body[1900];
	unsigned      refused = 0, status;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	do {
		struct msg *held[BENCH_POOL];
		unsigned    n = 0;

		msg_reset(b->m);
		while (msg_pool_free_count(b->pool) > refused)
			held[n++] = msg_new(b->pool);
		status = take(b, "sip:x@y", FROM_BOB "Subject: long\r\n", body, &stranger);
		while (n > 0)
			msg_free(held[--n]);
		if (status != 200) {
			assert_int_equal(status, 503);
			assert_int_equal(b->why, REASON_POOL);
			refused++;
		}
	} while (status != 200);
	assert_true(refused > 0);
	bench_free(b);
}

static void a_validity_goes_from_hop_to_hop(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	assert_int_equal(take(b, "sip:x@y", FROM_BOB "Expires: 120\r\n", "x", &stranger), 200);
	assert_int_equal(b->m->expires_us, 1000000 + 120 * US_PER_SECOND);
	b->map.now.us += 20 * US_PER_SECOND;
	assert_non_null(strstr(give(b, &to_peer), "\r\nExpires: 100\r\n"));
	assert_int_equal(take(b, "sip:x@y", FROM_BOB, "x", &stranger), 200);
	assert_int_equal(b->m->expires_us, 0);
	assert_null(strstr(give(b, &to_peer), "Expires"));
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_one_normal_form),
		cmocka_unit_test(a_destination_that_is_none_is_refused),
		cmocka_unit_test(nobody_is_who_he_only_says_he_is),
		cmocka_unit_test(a_body_that_is_not_taken_is_refused),
		cmocka_unit_test(a_subject_of_another_protocol_has_no_line_of_its_own),
		cmocka_unit_test(a_message_from_sip_leaves_by_sip_as_it_came),
		cmocka_unit_test(what_strangers_assert_goes_no_further),
		cmocka_unit_test(a_text_of_another_protocol_leaves_as_utf8),
		cmocka_unit_test(an_address_of_another_protocol_becomes_a_uri),
		cmocka_unit_test(a_message_that_cannot_go_out_says_why),
		cmocka_unit_test(a_pool_that_runs_dry_in_the_middle_refuses_for_now),
		cmocka_unit_test(a_validity_goes_from_hop_to_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
