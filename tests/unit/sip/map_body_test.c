/* message/cpim, notifications and composing, between the body of a MESSAGE and the record. */
#include "bench.h"

static unsigned take(struct bench *b, const char *type, const char *body)
{
	static const struct sip_sender stranger = {0};
	struct sip_scan                scan = {0};
	struct sip_message             in;
	struct sip_mandatory           known = {0};
	char                           text[16384];
	int                            n = snprintf(text, sizeof(text),
						    "MESSAGE sip:+4671@example.org SIP/2.0\r\n"
									       "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: 1\r\n"
									       "CSeq: 1 MESSAGE\r\nFrom: <sip:+4670@x>;tag=1\r\nTo: <sip:+4671@x>\r\n"
									       "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
						    type, strlen(body), body);
	uint8_t                       *exact = test_copy(text, (size_t)n);
	struct cur                     c = cur_of(exact, (size_t)n);
	unsigned                       status;

	msg_reset(b->m);
	assert_int_equal(sip_message_next(&scan, &c, SIP_DATAGRAM, &in, &b->why), PULL_ITEM);
	assert_int_equal(sip_mandatory_parse(&in, &known), REASON_NONE);
	status = sip_map_in(&b->map, &in, &known, &stranger, b->m, &b->why);
	free(exact);
	return status;
}

static const struct sip_way to_peer = {
	.domain = {"example.org", 11}, .host = {"ims.example", 11}, .cpim = true};

static const char *give(struct bench *b, const struct sip_way *way)
{
	static char text[70000];
	struct put  w = put_to(text, sizeof(text) - 1);

	b->why = sip_map_out(&b->map, b->m, way, &(struct sip_names){STR("tag1"), STR("id1")}, &w);
	assert_false(w.failed);
	text[put_size(&w)] = '\0';
	return text;
}

/* The body of what was given, whose length must be the one told. */
static const char *body_of(const char *request)
{
	const char *length = strstr(request, "Content-Length: ");
	const char *body = strstr(request, "\r\n\r\n");

	assert_non_null(length);
	assert_non_null(body);
	body += 4;
	assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
	return body;
}

static bool is(struct bench *b, struct msg_part part, const char *text)
{
	uint8_t room[9000];

	return part.size == strlen(text) &&
	       memcmp(msg_view(b->m, part, room), text, part.size) == 0;
}

#define CPIM                                                                                       \
	"From: <sip:eve@x>\r\nTo: <sip:+4671@x>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"            \
	"imdn.Message-ID: abc\r\nDateTime: 2026-09-21T14:13:20Z\r\nSubject: hi\r\n"

static void a_wrapped_text_is_a_text_and_says_what_its_sender_wants_to_know(void **state)
{
	static const struct {
		const char *body, *text, *id;
		uint8_t     wants;
	} cases[] = {
		{CPIM "imdn.Disposition-Notification: positive-delivery, display\r\n\r\n"
		      "Content-Type: text/plain;charset=utf-8\r\n\r\nhej \xc3\xa5",
		 "hej \xc3\xa5", "abc", MSG_WANT_SUCCESS | MSG_WANT_READ},
		{CPIM "imdn.Disposition-Notification: negative-delivery, processing\r\n\r\n"
		      "Content-Type: text/plain\r\n\r\nx",
		 "x", "abc", MSG_WANT_FAILURE | MSG_WANT_INTERMEDIATE},
		{CPIM "\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		      "aGVq",
		 "hej", "abc", 0},
		{"From: <sip:eve@x>\r\n\r\nContent-Type: text/plain\r\n\r\n", "", "", 0},
		/* as equipment has been seen to write it */
		{"From: <tel:+4670>\r\nTo: <tel:+4671>\r\nNS: imdn<urn:ietf:params:imdn>\r\n"
		 "imdn.Message-ID: q\r\nimdn.Disposition-Notification: display\r\n\r\n"
		 "Content-Type: text/plain\r\n\r\n\r\nx\r\n",
		 "\r\nx\r\n", "q", MSG_WANT_READ},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, "message/cpim", cases[i].body), 200);
		assert_int_equal(b->m->kind, MSG_TEXT);
		assert_int_equal(b->m->coding, MSG_CODING_UTF8);
		assert_true(is(b, b->m->body, cases[i].text));
		assert_true(is(b, b->m->origin_id, cases[i].id));
		assert_int_equal(b->m->wants, cases[i].wants);
		assert_true(str_eq(msg_addr(b->m, &b->m->from), STR("+4670"))); /* not eve */
	}
	bench_free(b);
}

static void a_wrapping_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *type, *body;
		unsigned    status;
		enum reason why;
	} cases[] = {
		{"message/cpim", "", 400, REASON_SIP_CONTENT},
		{"message/cpim", "hej", 400, REASON_SIP_CONTENT},
		{"message/cpim", "From: <sip:a@b>\nTo: x\n\n\n", 400, REASON_SIP_CONTENT},
		{"message/cpim", "From: <sip:a@b>\r\nFrom: <sip:c@d>\r\n\r\n\r\nx", 400,
		 REASON_SIP_CONTENT},
		{"message/cpim", CPIM "\r\nContent-Type: image/png\r\n\r\nx", 415, REASON_CODING},
		{"message/cpim", CPIM "\r\nContent-Type: message/cpim\r\n\r\n" CPIM, 415,
		 REASON_CODING},
		{"message/cpim",
		 CPIM "\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-y\r\n\r\nx",
		 415, REASON_CODING},
		{"message/cpim",
		 CPIM "\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n*",
		 400, REASON_SIP_CONTENT},
		{"message/cpim",
		 "From: <sip:a@b>\r\nNS: My <urn:x>\r\nRequire: My.Vital\r\nMy.Vital: 1\r\n\r\n"
		 "Content-Type: text/plain\r\n\r\nx",
		 415, REASON_CODING},
		{"message/imdn+xml", "<imdn/>", 400, REASON_SIP_CONTENT},
		{"application/im-iscomposing+xml", "x", 400, REASON_SIP_CONTENT},
	};
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, cases[i].type, cases[i].body), cases[i].status);
		assert_int_equal(b->why, cases[i].why);
	}
	bench_free(b);
}

#define IMDN(kind, status)                                                                         \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">"   \
	"<message-id>abc</message-id><datetime>2026-09-21T14:13:20Z</datetime>"                    \
	"<" kind "><status><" status "/></status></" kind "></imdn>"

/* RFC 5438, 8: else two of us would never be done. */
static void no_notification_is_asked_for_about_a_notification(void **state)
{
	static const struct {
		const char *content;
		uint8_t     kind;
	} cases[] = {
		{"Content-Type: message/imdn+xml\r\n\r\n" IMDN("delivery-notification",
							       "delivered"),
		 MSG_RECEIPT},
		{"Content-Type: message/imdn+xml\r\n\r\n" IMDN("display-notification", "displayed"),
		 MSG_READ_REPORT},
		{"Content-Type: application/im-iscomposing+xml\r\n\r\n"
		 "<isComposing "
		 "xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state>"
		 "</isComposing>",
		 MSG_COMPOSING},
	};
	struct bench *b = bench_new();
	char          body[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "%s%s%s", CPIM,
			 "imdn.Disposition-Notification: positive-delivery, negative-delivery, "
			 "processing, display\r\n\r\n",
			 cases[i].content);
		assert_int_equal(take(b, "message/cpim", body), 200);
		assert_int_equal(b->m->kind, cases[i].kind);
		assert_int_equal(b->m->wants, 0);
		assert_int_equal(b->m->origin_id.size, 0);
	}
	bench_free(b);
}

/* RFC 3323, 4.1.1.3: nothing of a sender that is withheld is in the wrapping either. */
static void a_sender_that_is_withheld_is_anonymous_in_the_wrapping(void **state)
{
	struct bench *b = bench_new();
	const char   *out;

	(void)state;
	assert_int_equal(take(b, "message/cpim", CPIM "\r\nContent-Type: text/plain\r\n\r\nhello"),
			 200);
	b->m->from.kind = ADDR_NONE;
	b->m->from.size = 0;
	out = give(b, &to_peer);
	assert_int_equal(b->why, REASON_NONE);
	assert_non_null(strstr(out, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>"));
	assert_non_null(strstr(body_of(out), "From: <sip:anonymous@anonymous.invalid>\r\n"));
	assert_null(strstr(out, "eve"));
	assert_null(strstr(out, "+4670"));
	bench_free(b);
}

static void a_message_of_cpm_says_so_to_who_chooses_by_it(void **state)
{
	static const char tag[] = "\r\nAccept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-"
				  "service.ims.icsi.oma.cpm.msg\"\r\n",
			  service[] = "\r\nP-Asserted-Service: "
				      "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg\r\n";
	struct bench  *b = bench_new();
	struct sip_way way = to_peer;

	(void)state;
	assert_int_equal(take(b, "message/cpim", CPIM "\r\nContent-Type: text/plain\r\n\r\nhello"),
			 200);
	for (unsigned trusted = 0; trusted < 2; trusted++) {
		const char *out;

		way.trusted = trusted;
		out = give(b, &way);
		assert_non_null(strstr(out, tag));
		assert_int_equal(strstr(out, service) != NULL, trusted);
	}
	assert_int_equal(take(b, "text/plain", "hello"), 200); /* not of CPM */
	assert_null(strstr(give(b, &way), "Accept-Contact"));
	assert_null(strstr(give(b, &way), "P-Asserted-Service"));
	bench_free(b);
}

static void a_notification_is_a_receipt_and_a_receipt_a_notification(void **state)
{
	static const struct {
		const char *body, *word;
		uint8_t     kind, state, intermediate;
	} cases[] = {
		{IMDN("delivery-notification", "delivered"), "<delivered/>", MSG_RECEIPT,
		 MSG_STATE_DELIVERED, 0},
		{IMDN("delivery-notification", "failed"), "<failed/>", MSG_RECEIPT,
		 MSG_STATE_UNDELIVERABLE, 0},
		{IMDN("delivery-notification", "forbidden"), "<forbidden/>", MSG_RECEIPT,
		 MSG_STATE_REJECTED, 0},
		{IMDN("processing-notification", "processed"), "<processed/>", MSG_RECEIPT,
		 MSG_STATE_ACCEPTED, 1},
		{IMDN("processing-notification", "stored"), "<stored/>", MSG_RECEIPT,
		 MSG_STATE_ENROUTE, 1},
		{IMDN("display-notification", "displayed"), "<displayed/>", MSG_READ_REPORT,
		 MSG_STATE_DELIVERED, 0},
		{IMDN("display-notification", "forbidden"), "<error/>", MSG_READ_REPORT,
		 MSG_STATE_REJECTED, 0},
	};
	struct bench *b = bench_new();
	char          wrapped[2048];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t      n = i / 2;
		const char *out;

		snprintf(wrapped, sizeof(wrapped),
			 CPIM "imdn.Disposition-Notification: display\r\n\r\n"
			      "Content-Type: message/imdn+xml\r\n"
			      "Content-Disposition: notification\r\n\r\n%s",
			 cases[n].body);
		assert_int_equal(i % 2 ? take(b, "message/cpim", wrapped)
				       : take(b, "message/imdn+xml", cases[n].body),
				 200);
		assert_int_equal(b->m->kind, cases[n].kind);
		assert_int_equal(b->m->receipt.state, cases[n].state);
		assert_int_equal(b->m->receipt.intermediate, cases[n].intermediate);
		assert_true(is(b, b->m->receipt.remote_id, "abc"));
		assert_int_equal(b->m->wants, 0); /* no notification of a notification */
		give(b, &to_peer);
		assert_int_equal(b->why, REASON_RECEIPT_UNKNOWN); /* of whose message? */
		assert_true(msg_append(b->m, "theirs", 6, &b->m->origin_id));
		out = body_of(give(b, &to_peer));
		assert_int_equal(b->why, REASON_NONE);
		assert_non_null(strstr(out, "<message-id>theirs</message-id>"));
		assert_non_null(strstr(out, cases[n].word));
		assert_non_null(strstr(out, "Content-Type: message/imdn+xml\r\n"));
		assert_non_null(strstr(out, "Content-Disposition: notification\r\n"));
		assert_null(strstr(out, "Disposition-Notification"));
	}
	bench_free(b);
}

static void a_wrapped_message_leaves_wrapped_where_that_is_understood(void **state)
{
	struct sip_way plain = to_peer;
	struct bench  *b = bench_new();
	const char    *out;

	(void)state;
	plain.cpim = false;
	assert_int_equal(take(b, "message/cpim",
			      CPIM "imdn.Disposition-Notification: display\r\n"
				   "NS: My <urn:x>\r\nMy.Thing: 1\r\n\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n\r\nhej"),
			 200);
	out = give(b, &to_peer);
	assert_non_null(strstr(out, "Content-Type: message/cpim\r\n"));
	out = body_of(out);
	assert_non_null(strstr(out, "From: <sip:+4670@example.org;user=phone>\r\n"));
	assert_non_null(strstr(out, "To: <sip:+4671@ims.example;user=phone>\r\n"));
	assert_non_null(strstr(out, "DateTime: 2026-09-21T14:13:20Z\r\n"));
	assert_non_null(strstr(out, "Subject: hi\r\n"));
	assert_non_null(strstr(out, "imdn.Message-ID: id1\r\n"));
	assert_non_null(strstr(out, "imdn.Disposition-Notification: display\r\n"));
	assert_non_null(strstr(out, "Thing: 1\r\n"));
	assert_null(strstr(out, "eve"));
	assert_null(strstr(out, "abc"));
	assert_non_null(strstr(out, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(out, "\r\n\r\nhej"));
	assert_true(sip_map_notified(b->m, &to_peer));
	out = give(b, &plain);
	assert_non_null(strstr(out, "Content-Type: text/plain; charset=utf-8\r\n"));
	assert_string_equal(body_of(out), "hej");
	assert_false(sip_map_notified(b->m, &plain));
	bench_free(b);
}

/* What goes out and comes in again is the same. */
static void a_message_of_another_protocol_keeps_its_wishes_over_sip(void **state)
{
	struct bench *b = bench_new();
	char          body[4096];

	(void)state;
	for (uint8_t wants = 1; wants < 32; wants++) {
		msg_reset(b->m);
		assert_true(msg_append_addr(b->m, ADDR_E164, 0, 0, STR("+4670"), &b->m->from));
		assert_true(msg_append_addr(b->m, ADDR_E164, 0, 0, STR("+4671"), &b->m->to));
		assert_true(msg_append(b->m, "h\xe5j", 3, &b->m->body));
		b->m->coding = MSG_CODING_LATIN1;
		b->m->wants = wants;
		snprintf(body, sizeof(body), "%s", body_of(give(b, &to_peer)));
		assert_int_equal(take(b, "message/cpim", body), 200);
		assert_int_equal(b->m->wants, wants);
		assert_true(is(b, b->m->body, "h\xc3\xa5j"));
		assert_true(is(b, b->m->origin_id, "id1"));
	}
	bench_free(b);
}

static void somebody_who_writes_is_told_of(void **state)
{
#define COMPOSING(inside)                                                                          \
	"<?xml version=\"1.0\"?><isComposing "                                                     \
	"xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">" inside "</isComposing>"
	static const struct {
		const char *body, *state, *with;
	} cases[] = {
		{COMPOSING("<state>active</state><refresh>90</refresh>"), "active",
		 "<refresh>90</refresh>"},
		{COMPOSING("<state>idle</state>"), "idle", "<state>idle</state>"},
	};
	struct bench *b = bench_new();
	const char   *out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(take(b, "application/im-iscomposing+xml", cases[i].body), 200);
		assert_int_equal(b->m->kind, MSG_COMPOSING);
		assert_true(is(b, b->m->body, cases[i].state));
		out = give(b, &to_peer);
		assert_non_null(strstr(out, "Content-Type: application/im-iscomposing+xml\r\n"));
		assert_non_null(strstr(body_of(out), cases[i].with));
	}
	bench_free(b);
}

static void a_body_cut_at_any_byte_is_refused_or_taken_and_never_overread(void **state)
{
	static const char whole[] = CPIM
		"imdn.Disposition-Notification: positive-delivery\r\n\r\n"
		"Content-Type: message/imdn+xml\r\n\r\n" IMDN("delivery-notification", "delivered");
	struct bench *b = bench_new();
	char          text[sizeof(whole)];

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		unsigned status;

		memcpy(text, whole, cut);
		text[cut] = '\0';
		status = take(b, "message/cpim", text);
		assert_true(status == 200 || status == 400 || status == 415);
		assert_true(status != 200 || cut + 1 == sizeof(whole) || b->m->kind == MSG_TEXT);
	}
	bench_free(b);
}

/* RFC 5438: a recipient sends its notification along the recorded route, and names our id in it. */
static void what_recorded_its_route_before_us_is_not_asked_for_the_notification(void **state)
{
	struct bench *b = bench_new();
	const char   *body;

	(void)state;
	assert_int_equal(take(b, "message/cpim",
			      "From: <sip:a@x>\r\nTo: <sip:b@x>\r\n"
			      "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m1\r\n"
			      "imdn.Disposition-Notification: positive-delivery\r\n"
			      "imdn.IMDN-Record-Route: <sip:relay.example.com>\r\n\r\n"
			      "Content-Type: text/plain\r\n\r\nhello"),
			 200);
	body = body_of(give(b, &to_peer));
	assert_non_null(strstr(body, "imdn.Message-ID: id1\r\n"));
	assert_null(strstr(body, "relay.example.com"));
	bench_free(b);
}

/* RFC 5438, 7.2.1.1: in the same order, and to the first of them. */
static void a_notification_of_ours_goes_the_way_that_was_recorded(void **state)
{
	static const struct {
		const char *recorded, *routes, *uri;
		unsigned    dropped;
	} cases[] = {
		{"", NULL, "sip:+4670@ims.example;user=phone", 0},
		{"imdn.IMDN-Record-Route: <sip:relay.example.com>\r\n",
		 "imdn.IMDN-Route: <sip:relay.example.com>\r\n", "sip:relay.example.com", 0},
		{"imdn.IMDN-Record-Route: \"B\" <sip:b@relay.example>\r\n"
		 "imdn.IMDN-Record-Route: <im:a@relay.example>\r\n",
		 "imdn.IMDN-Route: <sip:b@relay.example>\r\nimdn.IMDN-Route: "
		 "<im:a@relay.example>\r\n",
		 "sip:b@relay.example", 0},
		{"imdn.IMDN-Record-Route: <im:a@relay.example>\r\n",
		 "imdn.IMDN-Route: <im:a@relay.example>\r\n", "sip:+4670@ims.example;user=phone",
		 0},
		/* more than is kept: none */
		{"imdn.IMDN-Record-Route: "
		 "<sip:a-relay-with-a-name-of-about-this-length.relays.example>\r\n"
		 "imdn.IMDN-Record-Route: "
		 "<sip:another-with-a-name-of-about-this-length.relays.example>\r\n"
		 "imdn.IMDN-Record-Route: "
		 "<sip:a-third-with-a-name-of-about-this-length.relays.example>\r\n"
		 "imdn.IMDN-Record-Route: "
		 "<sip:a-fourth-with-a-name-of-about-this-length.relays.example>\r\n",
		 NULL, "sip:+4670@ims.example;user=phone", 1},
	};
	struct bench *b = bench_new();
	uint8_t       room[MSG_ORIGIN_ID_MAX];
	char          body[2048], uri_room[SIP_URI_MAX], origin[MSG_ORIGIN_ID_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t dropped = b->metrics.value[METRIC_sip_headers_dropped];
		struct put     uri = put_to(uri_room, sizeof(uri_room));
		const char    *out;
		size_t         n;

		snprintf(body, sizeof(body),
			 "%simdn.Disposition-Notification: positive-delivery\r\n%s\r\n"
			 "Content-Type: text/plain\r\n\r\nhello",
			 CPIM, cases[i].recorded);
		assert_int_equal(take(b, "message/cpim", body), 200);
		assert_int_equal(b->metrics.value[METRIC_sip_headers_dropped] - dropped,
				 cases[i].dropped);
		n = b->m->origin_id.size;
		memcpy(origin, msg_view(b->m, b->m->origin_id, room), n);
		msg_reset(b->m);
		assert_true(msg_append_addr(b->m, ADDR_E164, 0, 0, STR("+4671"), &b->m->from));
		assert_true(msg_append_addr(b->m, ADDR_E164, 0, 0, STR("+4670"), &b->m->to));
		assert_true(msg_append(b->m, origin, n, &b->m->origin_id));
		b->m->kind = MSG_RECEIPT;
		b->m->receipt.state = MSG_STATE_DELIVERED;
		out = body_of(give(b, &to_peer));
		assert_int_equal(b->why, REASON_NONE);
		assert_non_null(strstr(out, "<message-id>abc</message-id>"));
		if (cases[i].routes != NULL)
			assert_non_null(strstr(out, cases[i].routes));
		else
			assert_null(strstr(out, "IMDN-Route"));
		assert_int_equal(sip_map_uri(b->m, &to_peer, &uri), REASON_NONE);
		assert_int_equal(put_size(&uri), strlen(cases[i].uri));
		assert_memory_equal(uri_room, cases[i].uri, put_size(&uri));
	}
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notification_of_ours_goes_the_way_that_was_recorded),
		cmocka_unit_test(
			what_recorded_its_route_before_us_is_not_asked_for_the_notification),
		cmocka_unit_test(a_wrapped_text_is_a_text_and_says_what_its_sender_wants_to_know),
		cmocka_unit_test(a_wrapping_that_is_none_is_refused),
		cmocka_unit_test(no_notification_is_asked_for_about_a_notification),
		cmocka_unit_test(a_sender_that_is_withheld_is_anonymous_in_the_wrapping),
		cmocka_unit_test(a_message_of_cpm_says_so_to_who_chooses_by_it),
		cmocka_unit_test(a_notification_is_a_receipt_and_a_receipt_a_notification),
		cmocka_unit_test(a_wrapped_message_leaves_wrapped_where_that_is_understood),
		cmocka_unit_test(a_message_of_another_protocol_keeps_its_wishes_over_sip),
		cmocka_unit_test(somebody_who_writes_is_told_of),
		cmocka_unit_test(a_body_cut_at_any_byte_is_refused_or_taken_and_never_overread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
