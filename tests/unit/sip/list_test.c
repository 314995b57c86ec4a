/* One request for many recipients (RFC 5365), and what a CANCEL does to requests. */
#include "side.h"

static const struct flow asker = {.address = {0x090200c0}, .port = 6001};

#define DOCUMENT(entries)                                                                          \
	"<?xml version=\"1.0\"?><resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">"  \
	"<list>" entries "</list></resource-lists>"
#define ENTRY(uri) "<entry uri=\"" uri "\"/>"

static struct side *listener(void)
{
	struct side *s = side_new(1);

	s->services.has_peer = true;
	s->services.peer = asker;
	s->services.peer_trusted = true;
	s->settings.window_max = 100;
	side_listen(s, false);
	return s;
}

static const char *request(struct side *s, const char *id, const char *type, const char *text,
			   const char *document)
{
	char body[16384], all[20000];
	int  n = snprintf(body, sizeof(body),
			  "--b\r\nContent-Type: %s\r\n\r\n%s\r\n--b\r\n"
			   "Content-Type: application/resource-lists+xml\r\n"
			   "Content-Disposition: recipient-list\r\n\r\n%s\r\n--b--\r\n",
			  type, text, document);

	snprintf(all, sizeof(all),
		 "MESSAGE sip:list@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		 "From: <sip:+46701111111@example.org>;tag=a\r\nTo: <sip:list@example.org>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\nRequire: recipient-list-message\r\n"
		 "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %d\r\n\r\n%s",
		 id, id, n, body);
	return side_say(s, &asker, all);
}

static unsigned messages(const struct side *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->event_count; i++)
		n += s->events[i].kind == EVENT_MSG;
	return n;
}

static void each_recipient_gets_a_message_of_its_own(void **state)
{
	static const char *const to[] = {"+46702222222", "+46703333333", "sip:bob@example.net"};
	struct side             *s = listener();
	uint8_t                  room[64];

	(void)state;
	assert_int_equal(
		side_status(request(
			s, "one", "text/plain", "hello",
			DOCUMENT(ENTRY("sip:+46702222222@example.org") ENTRY("tel:+46-70-333-33-33")
					 ENTRY("tel:+46702222222") ENTRY("sip:bob@example.net")))),
		202);
	side_tick(s);
	assert_int_equal(messages(s), 3); /* one of the four stands there twice */
	for (unsigned i = 0; i < 3; i++) {
		const struct msg *m = s->events[i].msg;

		assert_true(str_eq(msg_addr(m, &m->to), str_of(to[i])));
		assert_true(str_eq(msg_addr(m, &m->from), STR("+46701111111")));
		assert_int_equal(m->body.size, 5);
		assert_memory_equal(msg_view(m, m->body, room), "hello", 5);
		assert_int_equal(s->events[i].peer, 3);
	}
	/* The transaction is over with the last answer, and says nothing more. */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(side_metric(s, METRIC_sip_transactions_open), 1);
		side_answer(s, &s->events[i],
			    &(struct result){.why = i == 1 ? REASON_NO_ROUTE : REASON_NONE});
	}
	assert_int_equal(s->sent_size, 0);
	assert_int_equal(side_metric(s, METRIC_sip_transactions_open), 0);
	assert_int_equal(side_metric(s, METRIC_sip_list_messages_failed), 1);
	side_free(s);
}

static void nobody_gets_anything_of_a_list_that_has_a_fault(void **state)
{
	static const struct {
		const char *type, *document;
		unsigned    status;
	} rows[] = {
		{"text/plain", DOCUMENT(""), 400},
		{"text/plain", "no document", 400},
		{"text/plain", DOCUMENT(ENTRY("sip:a@b") "<entry/>"), 400},
		{"text/plain", DOCUMENT(ENTRY("sip:a@b") ENTRY("mailto:a@b")), 404},
		{"text/plain", DOCUMENT(ENTRY("sip:a@b") ENTRY("no uri")), 404},
		{"image/png", DOCUMENT(ENTRY("sip:a@b")), 415},
		{"application/resource-lists+xml", DOCUMENT(ENTRY("sip:a@b")), 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener();
		unsigned     status =
			side_status(request(s, "bad", rows[i].type, "hello", rows[i].document));

		side_tick(s);
		if (status != rows[i].status || messages(s) != 0)
			fail_msg("row %zu: %u", i, status);
		side_free(s);
	}
}

static const char *document_of(unsigned n)
{
	static char document[12000];
	size_t      at = (size_t)snprintf(document, sizeof(document), "%s",
					  "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-"
					       "lists\"><list>");

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(document + at, sizeof(document) - at,
				       "<entry uri=\"tel:+467%08u\"/>", i);
	snprintf(document + at, sizeof(document) - at, "</list></resource-lists>");
	return document;
}

static void a_hundred_are_taken_a_few_in_a_turn_and_no_more(void **state)
{
	struct side *s = listener();
	unsigned     turns = 0;

	(void)state;
	assert_int_equal(side_status(request(s, "many", "text/plain", "x", document_of(101))), 413);
	assert_int_equal(side_status(request(s, "most", "text/plain", "x", document_of(100))), 202);
	for (; messages(s) < 100; turns++) {
		unsigned before = messages(s);

		side_tick(s);
		assert_in_range(messages(s) - before, 1, 16);
		side_at(s, s->now.us + 1);
	}
	assert_in_range(turns, 7, 100);
	side_tick(s);
	assert_int_equal(messages(s), 100);
	assert_int_equal(side_status(request(s, "again", "text/plain", "x", document_of(2))), 202);
	side_tick(s);
	assert_int_equal(messages(s), 102);
	side_free(s);
}

static unsigned of_text(const struct side *s, char c)
{
	unsigned n = 0;
	uint8_t  room[8];

	for (unsigned i = 0; i < s->event_count; i++)
		n += *msg_view(s->events[i].msg, s->events[i].msg->body, room) == c;
	return n;
}

/* A short list is not held up by long ones. */
static void lists_of_a_session_take_turns(void **state)
{
	struct side *s = listener();
	char         id[8];

	(void)state;
	assert_int_equal(side_status(request(s, "long", "text/plain", "l", document_of(60))), 202);
	assert_int_equal(side_status(request(s, "short", "text/plain", "s", document_of(5))), 202);
	side_tick(s);
	assert_int_equal(of_text(s, 's'), 5);
	assert_int_equal(of_text(s, 'l'), 11);
	while (of_text(s, 'l') < 60) {
		side_at(s, s->now.us + 1);
		side_tick(s);
	}
	assert_int_equal(messages(s), 65);
	side_forget_events(s);
	for (unsigned i = 0; i <= 24; i++) { /* one too many at a time */
		snprintf(id, sizeof(id), "n%u", i);
		assert_int_equal(side_status(request(s, id, "text/plain", "n", document_of(4))),
				 i < 24 ? 202 : 503);
	}
	assert_int_equal(side_refused(s, REASON_WINDOW), 1);
	while (messages(s) < 24 * 4) {
		side_at(s, s->now.us + 1);
		side_tick(s);
	}
	side_at(s, s->now.us + 1);
	side_tick(s);
	assert_int_equal(messages(s), 24 * 4);
	assert_int_equal(side_status(request(s, "after", "text/plain", "n", document_of(1))), 202);
	side_free(s); /* also with one open */
}

static const char *plain(struct side *s, const char *method, const char *branch)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "%s sip:+46702222222@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		 "From: <sip:+46701111111@example.org>;tag=a\r\nTo: <sip:x@example.org>\r\n"
		 "Call-ID: c\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		 method, branch, method);
	return side_say(s, &asker, text);
}

/* RFC 3261, 9.2 */
static void a_cancel_of_a_message_is_answered_and_changes_nothing(void **state)
{
	struct side *s = listener();
	struct flow  to;

	(void)state;
	assert_int_equal(side_status(plain(s, "CANCEL", "m")), 481);
	assert_null(plain(s, "MESSAGE", "m"));
	assert_int_equal(side_status(plain(s, "CANCEL", "m")), 200);
	assert_int_equal(side_status(plain(s, "CANCEL", "other")), 481);
	assert_int_equal(messages(s), 1);
	side_answer(s, &s->events[0], &(struct result){.delivered = true});
	assert_int_equal(side_status(side_heard(s, &to)), 200);
	assert_int_equal(side_status(plain(s, "CANCEL", "m")), 200); /* it was answered */
	side_free(s);
}

/* ---- bodies that are all parts ---- */

#define BOMB 60000u

/* So many parts after each other, of nothing, between the message and the list. */
static void parts_put(struct put *w, unsigned n)
{
	put_str(w, STR("--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"));
	for (unsigned i = 0; i < n && put_room(w) > 600; i++)
		put_str(w, STR("--b\r\n\r\n\r\n"));
	put_str(w, STR("--b\r\nContent-Type: application/resource-lists+xml\r\n\r\n" DOCUMENT(
			   ENTRY("sip:bob@example.org")) "\r\n--b--\r\n"));
}

/* A multipart in a multipart, so deep, and the list at the end of the outermost. */
static void nested_put(struct put *w, unsigned depth)
{
	char type[64];

	for (unsigned i = 0; i < depth && put_room(w) > 700; i++) {
		put_str(w, i == 0 ? STR("--b\r\n") : (struct str){type, strlen(type)});
		snprintf(type, sizeof(type), "--n%u\r\n", i);
		put_str(w, STR("Content-Type: multipart/mixed;boundary="));
		put_bytes(w, type + 2, strlen(type) - 4);
		put_str(w, STR("\r\n\r\n"));
	}
	put_str(w, STR("x\r\n"));
	parts_put(w, 0);
}

/* What nearly is a delimiter, over and over, and one at the end. */
static void near_put(struct put *w, unsigned n)
{
	put_str(w, STR("--b\r\nContent-Type: text/plain\r\n\r\n"));
	for (unsigned i = 0; i < n && put_room(w) > 600; i++)
		put_str(w, STR("\r\n--b-"));
	put_str(w, STR("\r\n"));
	parts_put(w, n);
}

/* No delimiter at all. */
static void preamble_put(struct put *w, unsigned n)
{
	for (unsigned i = 0; i < n && put_room(w) > 600; i++)
		put_str(w, STR("\r\n--"));
}

static void empty_headers_put(struct put *w, unsigned n)
{
	put_str(w, STR("--b\r\n"));
	for (unsigned i = 0; i < n && put_room(w) > 600; i++)
		put_str(w, STR("x:\r\n"));
	put_str(w, STR("\r\nhello\r\n"));
	parts_put(w, 0);
}

static void a_body_of_nothing_but_parts_gets_a_refusal_and_leaves_nothing_behind(void **state)
{
	static const struct {
		void (*put)(struct put *w, unsigned n);
		unsigned n, status; /* as a list */
	} bombs[] = {
		{parts_put, 0, 202},
		{parts_put, 15, 400},
		{parts_put, 100000, 400},
		{nested_put, 1, 400},
		{nested_put, 3, 400},
		{nested_put, 100000, 400},
		{near_put, 100000, 400},
		{preamble_put, 100000, 400},
		{empty_headers_put, 100000, 400},
	};
	static const struct {
		const char *lines, *before;
		bool        list;
	} ways[] = {
		{"Require: recipient-list-message\r\nContent-Type: multipart/mixed;boundary=b\r\n",
		 "", true},
		{"Content-Type: multipart/mixed;boundary=b\r\n", "", false},
		{"Content-Type: message/cpim\r\n",
		 "From: <sip:a@example.org>\r\n\r\nContent-Type: "
		 "multipart/mixed;boundary=b\r\n\r\n",
		 false},
	};
	static char body[BOMB], all[BOMB + 1024];

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
			struct side *s = listener();
			struct put   w = put_to(body, sizeof(body));
			unsigned     want = ways[k].list ? bombs[i].status : 415;
			const char  *answer;

			put_str(&w, str_of(ways[k].before));
			bombs[i].put(&w, bombs[i].n);
			assert_false(w.failed);
			snprintf(
				all, sizeof(all),
				"MESSAGE sip:list@example.org SIP/2.0\r\n"
				"Via: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bKbomb\r\n"
				"Max-Forwards: 70\r\nFrom: <sip:+46701111111@example.org>;tag=a\r\n"
				"To: <sip:list@example.org>\r\nCall-ID: bomb\r\nCSeq: 1 MESSAGE\r\n"
				"%sContent-Length: %zu\r\n\r\n%.*s",
				ways[k].lines, put_size(&w), (int)put_size(&w), body);
			answer = side_say(s, &asker, all);
			if (side_status(answer) != want)
				fail_msg("bomb %zu, way %zu: %.40s", i, k, answer);
			side_tick(s);
			assert_int_equal(messages(s), want == 202);
			if (want != 202)
				assert_int_equal(side_refused(s, want == 400 ? REASON_SIP_CONTENT
									     : REASON_CODING),
						 1);
			if (want == 202)
				side_answer(s, side_last(s, EVENT_MSG), &(struct result){0});
			side_at(s, s->now.us + 64 * US_PER_SECOND);
			side_tick(s);
			assert_int_equal(side_metric(s, METRIC_sip_transactions_open), 0);
			side_forget_events(s);
			assert_int_equal(
				side_status(request(s, "next", "text/plain", "hello",
						    DOCUMENT(ENTRY("sip:bob@example.net")))),
				202); /* and it goes on */
			side_free(s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_recipient_gets_a_message_of_its_own),
		cmocka_unit_test(nobody_gets_anything_of_a_list_that_has_a_fault),
		cmocka_unit_test(lists_of_a_session_take_turns),
		cmocka_unit_test(a_hundred_are_taken_a_few_in_a_turn_and_no_more),
		cmocka_unit_test(a_cancel_of_a_message_is_answered_and_changes_nothing),
		cmocka_unit_test(
			a_body_of_nothing_but_parts_gets_a_refusal_and_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("sip list", tests, NULL, NULL);
}
