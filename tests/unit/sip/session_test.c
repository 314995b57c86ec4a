#include "side.h"

static struct msg *text_new(struct side *s, const char *from, const char *to, const char *body)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, from[0] == '+' ? ADDR_E164 : ADDR_URI, 0, 0, str_of(from),
				    &m->from));
	assert_true(
		msg_append_addr(m, to[0] == '+' ? ADDR_E164 : ADDR_URI, 0, 0, str_of(to), &m->to));
	assert_true(msg_append(m, body, strlen(body), &m->body));
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_UTF8;
	m->native_protocol = 0xff;
	return m;
}

/* Two gateways that are each other's peer. */
struct pair {
	struct side *a, *b;
};

static struct pair datagrams(bool trusted)
{
	struct pair p = {side_new(1), side_new(2)};

	p.a->services.peer = p.b->address;
	p.b->services.peer = p.a->address;
	p.a->services.has_peer = p.b->services.has_peer = true;
	p.a->services.peer_trusted = p.b->services.peer_trusted = trusted;
	side_listen(p.a, false);
	side_listen(p.b, false);
	side_peer(p.a, p.b, trusted);
	side_peer(p.b, p.a, trusted);
	return p;
}

static struct pair stream(bool trusted)
{
	struct pair       p = {side_new(1), side_new(2)};
	struct proto_open how = side_how(p.a, PROTO_CONNECTING);

	p.b->services.peer = p.a->address;
	p.b->services.has_peer = true;
	p.b->services.peer_trusted = trusted;
	how.remote = p.b->address;
	how.host = STR("peer.example");
	how.trusted = trusted;
	side_open_as(p.a, p.a->session, &how);
	how = side_how(p.b, PROTO_ACCEPTED);
	how.remote = p.a->address;
	side_open_as(p.b, p.b->session, &how);
	return p;
}

static void pair_free(struct pair *p)
{
	side_free(p->a);
	side_free(p->b);
}

static void *way(struct side *s)
{
	return s->peer != NULL ? s->peer : s->session;
}

static void a_peer_over_datagrams_is_up_when_it_has_answered(void **state)
{
	struct pair p = datagrams(true);

	(void)state;
	assert_false(sip_ops.ready(p.a->peer));
	assert_null(side_last(p.a, EVENT_UP));
	sides_pump(p.a, p.b);
	assert_non_null(side_last(p.a, EVENT_UP));
	assert_ptr_equal(side_last(p.a, EVENT_UP)->session, p.a->peer);
	assert_true(sip_ops.ready(p.a->peer));
	assert_int_equal(sip_ops.window_used(p.a->peer), 0);
	pair_free(&p);
}

static void a_peer_over_a_stream_is_up_at_once(void **state)
{
	struct pair p = stream(true);

	(void)state;
	side_tick(p.a);
	assert_non_null(side_last(p.a, EVENT_UP));
	assert_true(sip_ops.ready(p.a->session));
	pair_free(&p);
}

static void exchange(struct pair *p)
{
	struct msg        *m = text_new(p->a, "+46701234567", "+46709999999", "Hej \xc3\xa5 du");
	struct side_event *e;
	struct result      refused;
	uint8_t            room[64];

	sides_pump(p->a, p->b);
	assert_int_equal(side_submit_to(p->a, way(p->a), m, NULL, 77, &refused), SUBMIT_SENT);
	assert_int_equal(sip_ops.window_used(way(p->a)), 1);
	sides_pump(p->a, p->b);
	e = side_last(p->b, EVENT_MSG);
	assert_non_null(e);
	assert_true(str_eq(msg_addr(e->msg, &e->msg->from), STR("+46701234567")));
	assert_true(str_eq(msg_addr(e->msg, &e->msg->to), STR("+46709999999")));
	assert_int_equal(e->msg->from.kind, ADDR_E164);
	assert_int_equal(e->msg->coding, MSG_CODING_UTF8);
	assert_int_equal(e->msg->body.size, m->body.size);
	assert_memory_equal(msg_view(e->msg, e->msg->body, room), "Hej \xc3\xa5 du", m->body.size);
	assert_int_equal(e->peer, 3);
	assert_null(side_last(p->a, EVENT_RESULT));
	side_answer(p->b, e, &(struct result){.msg_id = 5, .delivered = true});
	sides_pump(p->a, p->b);
	e = side_last(p->a, EVENT_RESULT);
	assert_non_null(e);
	assert_int_equal(e->token, 77);
	assert_int_equal(e->result.why, REASON_NONE);
	assert_true(e->result.delivered);
	assert_ptr_equal(e->session, way(p->a));
	assert_int_equal(sip_ops.window_used(way(p->a)), 0);
	msg_free(m);
}

static void a_message_goes_over_datagrams_and_its_answer_comes_back(void **state)
{
	struct pair p = datagrams(true);

	(void)state;
	exchange(&p);
	pair_free(&p);
}

static void a_message_goes_over_a_stream_and_its_answer_comes_back(void **state)
{
	struct pair p = stream(false);

	(void)state;
	exchange(&p);
	pair_free(&p);
}

static void what_is_lost_comes_again_and_is_delivered_once(void **state)
{
	struct pair   p = datagrams(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;
	unsigned      messages = 0;

	(void)state;
	sides_pump(p.a, p.b);
	side_forget_events(p.b);
	assert_int_equal(side_submit_to(p.a, p.a->peer, m, NULL, 1, &refused), SUBMIT_SENT);
	p.a->lose = 2; /* the request, twice */
	for (uint64_t us = 1000000; us < 9000000; us += 100000) {
		sides_at(p.a, p.b, us);
		sides_pump(p.a, p.b);
		if (us == 5000000) {
			p.b->lose = 1; /* the answer */
			side_answer(p.b, side_last(p.b, EVENT_MSG), &(struct result){0});
		}
	}
	for (unsigned i = 0; i < p.b->event_count; i++)
		messages += p.b->events[i].kind == EVENT_MSG;
	assert_int_equal(messages, 1);
	assert_non_null(side_last(p.a, EVENT_RESULT));
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_NONE);
	assert_false(side_last(p.a, EVENT_RESULT)->result.delivered); /* 202 */
	msg_free(m);
	pair_free(&p);
}

static void an_answer_that_never_comes_is_an_unknown_outcome(void **state)
{
	struct pair   p = stream(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;

	(void)state;
	sides_pump(p.a, p.b);
	assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 9, &refused), SUBMIT_SENT);
	sides_pump(p.a, p.b);
	sides_at(p.a, p.b, 1000000 + 9999999);
	side_tick(p.a);
	assert_null(side_last(p.a, EVENT_RESULT));
	sides_at(p.a, p.b, 1000000 + 10000000);
	side_tick(p.a);
	assert_non_null(side_last(p.a, EVENT_RESULT));
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_UNKNOWN_OUTCOME);
	assert_true(side_last(p.a, EVENT_RESULT)->result.maybe_sent);
	msg_free(m);
	pair_free(&p);
}

static void two_options_without_answer_end_the_peer(void **state)
{
	struct pair p = datagrams(true);
	uint64_t    us;

	(void)state;
	p.a->settings.keepalive_us = 30 * US_PER_SECOND;
	sip_ops.settings(p.a->peer, &p.a->settings);
	sides_pump(p.a, p.b);
	assert_non_null(side_last(p.a, EVENT_UP));
	p.a->lose = 1000000;
	for (us = 1000000; side_last(p.a, EVENT_CLOSE) == NULL && us < 100000000; us += 100000) {
		side_at(p.a, us);
		side_tick(p.a);
		p.a->sent_size = 0;
	}
	assert_non_null(side_last(p.a, EVENT_CLOSE));
	assert_int_equal(side_last(p.a, EVENT_CLOSE)->why, REASON_LINK_DEAD);
	assert_true(us >= 51000000 && us < 51500000); /* 30 s of silence, twice 10 s */
	pair_free(&p);
}

static void a_refused_options_is_an_answer_too(void **state)
{
	struct side *a = side_new(1), *b = side_new(2);
	struct flow  to;
	const char  *request, *via, *end;
	char         response[2048];
	enum pull    last;
	int          n;

	(void)state;
	side_listen(a, false);
	side_peer(a, b, true);
	request = side_heard(a, &to);
	assert_true(flow_eq(&to, &b->address));
	via = strstr(request, "Via:");
	end = strstr(request, "\r\nAccept:");
	assert_non_null(via);
	assert_non_null(end);
	n = snprintf(response, sizeof(response),
		     "SIP/2.0 503 Service Unavailable\r\n%.*s\r\nContent-Length: 0\r\n\r\n",
		     (int)(end - via), via);
	side_feed(a, &b->address, response, (size_t)n, &last);
	assert_non_null(side_last(a, EVENT_UP));
	side_listen(b, false);
	side_free(a);
	side_free(b);
}

static void a_full_window_says_later_and_then_ready(void **state)
{
	struct pair   p = stream(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;

	(void)state;
	p.a->settings.window_max = 2;
	sip_ops.settings(p.a->session, &p.a->settings);
	sides_pump(p.a, p.b);
	assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 1, &refused), SUBMIT_SENT);
	assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 2, &refused), SUBMIT_SENT);
	assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 3, &refused), SUBMIT_LATER);
	side_tick(p.a);
	assert_null(side_last(p.a, EVENT_READY));
	sides_pump(p.a, p.b);
	side_answer(p.b, side_last(p.b, EVENT_MSG), &(struct result){0});
	sides_pump(p.a, p.b);
	assert_non_null(side_last(p.a, EVENT_READY));
	msg_free(m);
	pair_free(&p);
}

static void too_many_open_messages_of_one_side_are_put_off(void **state)
{
	struct pair   p = stream(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;

	(void)state;
	p.b->settings.window_max = 1;
	sip_ops.settings(p.b->session, &p.b->settings);
	sides_pump(p.a, p.b);
	side_submit_to(p.a, p.a->session, m, NULL, 1, &refused);
	side_submit_to(p.a, p.a->session, m, NULL, 2, &refused);
	sides_pump(p.a, p.b);
	assert_non_null(side_last(p.a, EVENT_RESULT));
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_PEER_BUSY);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.peer_status, 503);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.retry_after_ms, 5000);
	assert_int_equal(side_refused(p.b, REASON_WINDOW), 1);
	msg_free(m);
	pair_free(&p);
}

static void a_request_too_long_for_a_datagram_is_refused_and_goes_over_a_stream(void **state)
{
	struct pair   p = datagrams(true), q = stream(true);
	char          body[1301];
	struct msg   *m, *n;
	struct result refused;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	m = text_new(p.a, "+4670", "+4671", body);
	n = text_new(q.a, "+4670", "+4671", body);
	sides_pump(p.a, p.b);
	sides_pump(q.a, q.b);
	assert_int_equal(side_submit_to(p.a, p.a->peer, m, NULL, 1, &refused), SUBMIT_REFUSED);
	assert_int_equal(refused.why, REASON_DATAGRAM_SIZE);
	assert_int_equal(p.a->sent_size, 0);
	assert_int_equal(side_submit_to(q.a, q.a->session, n, NULL, 1, &refused), SUBMIT_SENT);
	sides_pump(q.a, q.b);
	assert_non_null(side_last(q.b, EVENT_MSG));
	msg_free(m);
	msg_free(n);
	pair_free(&p);
	pair_free(&q);
}

static void too_little_room_says_later_and_leaves_nothing(void **state)
{
	struct pair   p = stream(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;

	(void)state;
	sides_pump(p.a, p.b);
	for (p.a->room_max = 0; p.a->room_max < 400; p.a->room_max += 13) {
		assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 1, &refused),
				 SUBMIT_LATER);
		assert_int_equal(p.a->sent_size, 0);
		side_tick(p.a);
		assert_null(side_last(p.a, EVENT_READY));
	}
	p.a->room_max = 4096;
	side_tick(p.a);
	assert_non_null(side_last(p.a, EVENT_READY));
	assert_int_equal(side_submit_to(p.a, p.a->session, m, NULL, 1, &refused), SUBMIT_SENT);
	msg_free(m);
	pair_free(&p);
}

static void who_is_withheld_is_told_only_to_those_who_are_trusted(void **state)
{
	static const char text[] =
		"MESSAGE sip:+4671@example.org;user=phone SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1;rport\r\n"
		"From: <sip:anonymous@anonymous.invalid>;tag=1\r\n"
		"To: <sip:+4671@example.org>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n"
		"P-Asserted-Identity: <tel:+46701234567>\r\nPrivacy: id\r\n"
		"Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx";

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		struct pair       p = datagrams(true);
		const struct flow c = side_flow(9, 5060);
		struct result     refused;
		struct flow       to;
		const char       *sent;
		enum pull         last;

		sides_pump(p.a, p.b);
		side_feed(p.a, &p.b->address, text, strlen(text), &last);
		assert_non_null(side_last(p.a, EVENT_MSG));
		assert_int_equal(side_last(p.a, EVENT_MSG)->msg->from.kind, ADDR_NONE);
		side_end(p.a, p.a->peer);
		memset(p.a->peer, 0, sip_ops.session_size);
		{
			struct proto_open how = side_how(p.a, PROTO_CONNECTING);

			how.datagram = false;
			how.remote = c;
			how.host = STR("next.example");
			how.trusted = trusted;
			side_open_as(p.a, p.a->peer, &how);
			side_tick(p.a);
		}
		p.a->datagram = false;
		assert_int_equal(side_submit_to(p.a, p.a->peer, side_last(p.a, EVENT_MSG)->msg,
						NULL, 1, &refused),
				 SUBMIT_SENT);
		sent = side_heard(p.a, &to);
		assert_non_null(
			strstr(sent, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>"));
		assert_int_equal(strstr(sent, "46701234567") != NULL, trusted);
		assert_int_equal(strstr(sent, "Privacy: id") != NULL, trusted);
		p.a->datagram = true;
		pair_free(&p);
	}
}

/* Our peer takes us for one of its subscribers. */
static void a_peer_that_asks_for_credentials_gets_them_and_is_not_asked_twice(void **state)
{
	(void)state;
	for (int streams = 0; streams < 2; streams++) {
		struct pair   p = streams ? stream(false) : datagrams(false);
		struct msg   *m = text_new(p.a, "sip:alice@example.org", "+4671", "x");
		struct result refused;

		p.b->services.has_peer = false;
		sides_pump(p.a, p.b);
		for (uint64_t token = 1; token <= 2; token++) {
			assert_int_equal(side_submit_to(p.a, way(p.a), m, NULL, token, &refused),
					 SUBMIT_SENT);
			sides_pump(p.a, p.b);
			assert_non_null(side_last(p.b, EVENT_MSG));
			assert_int_equal(side_last(p.b, EVENT_MSG)->msg->from.kind, ADDR_E164);
			assert_int_equal(side_metric(p.b, METRIC_sip_challenges_out), 1);
			side_answer(p.b, side_last(p.b, EVENT_MSG), &(struct result){0});
			sides_pump(p.a, p.b);
			assert_int_equal(side_last(p.a, EVENT_RESULT)->token, token);
			assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_NONE);
		}
		/* and again when the nonce is too old */
		sides_at(p.a, p.b, 400 * US_PER_SECOND);
		side_submit_to(p.a, way(p.a), m, NULL, 3, &refused);
		sides_pump(p.a, p.b);
		assert_int_equal(side_metric(p.b, METRIC_sip_challenges_out), 2);
		side_answer(p.b, side_last(p.b, EVENT_MSG), &(struct result){0});
		sides_pump(p.a, p.b);
		assert_int_equal(side_last(p.a, EVENT_RESULT)->token, 3);
		msg_free(m);
		pair_free(&p);
	}
}

static void a_peer_that_does_not_know_us_is_asked_once_and_no_more(void **state)
{
	struct pair       p = {side_new(1), side_new(2)};
	struct proto_open how;
	struct msg       *m = text_new(p.a, "sip:alice@example.org", "+4671", "x");
	struct result     refused;

	(void)state;
	how = side_how(p.a, PROTO_CONNECTING);
	how.secret = STR("queen");
	how.remote = p.b->address;
	side_open_as(p.a, p.a->session, &how);
	how = side_how(p.b, PROTO_ACCEPTED);
	side_open_as(p.b, p.b->session, &how);
	sides_pump(p.a, p.b);
	side_submit_to(p.a, p.a->session, m, NULL, 1, &refused);
	sides_pump(p.a, p.b);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_PEER_TEMPORARY);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.peer_status, 401);
	assert_int_equal(side_metric(p.b, METRIC_sip_challenges_out), 2);
	assert_null(side_last(p.b, EVENT_MSG));
	msg_free(m);
	pair_free(&p);
}

/* A server that gives everybody the same nonce challenges a request of ours. */
static void challenge_of(struct side *a, const struct side *b, const char *request,
			 const char *more)
{
	char        response[2048];
	const char *via = strstr(request, "Via:"), *end = strstr(request, "\r\nContent-Length:");
	enum pull   last;
	int         n;

	assert_non_null(via);
	assert_non_null(end);
	n = snprintf(response, sizeof(response),
		     "SIP/2.0 407 Proxy Authentication Required\r\n%.*s\r\nProxy-Authenticate: "
		     "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"%s\r\nContent-Length: 0\r\n\r\n",
		     (int)(end - via), via, more);
	side_feed(a, &b->address, response, (size_t)n, &last);
}

static void requests_on_their_way_may_be_challenged_with_one_nonce(void **state)
{
	struct pair   p = datagrams(true);
	struct msg   *m = text_new(p.a, "sip:alice@example.org", "+4671", "x");
	char         *requests[3];
	struct result refused;
	struct flow   to;

	(void)state;
	sides_pump(p.a, p.b);
	for (unsigned i = 0; i < 3; i++) {
		side_submit_to(p.a, p.a->peer, m, NULL, i, &refused);
		requests[i] = strdup(side_heard(p.a, &to));
		assert_null(strstr(requests[i], "Proxy-Authorization"));
	}
	for (unsigned i = 0; i < 3; i++) {
		char        count[16];
		const char *again;

		challenge_of(p.a, p.b, requests[i], "");
		again = side_heard(p.a, &to);
		assert_non_null(again);
		snprintf(count, sizeof(count), "nc=%08x", i + 1);
		assert_non_null(strstr(again, count));
		free(requests[i]);
	}
	assert_null(side_last(p.a, EVENT_RESULT));
	msg_free(m);
	pair_free(&p);
}

static void who_calls_every_nonce_stale_is_not_asked_for_ever(void **state)
{
	struct pair   p = datagrams(true);
	struct msg   *m = text_new(p.a, "sip:alice@example.org", "+4671", "x");
	const char   *request;
	struct result refused;
	struct flow   to;
	unsigned      requests = 0;

	(void)state;
	sides_pump(p.a, p.b);
	side_submit_to(p.a, p.a->peer, m, NULL, 1, &refused);
	while (requests < 10 && (request = side_heard(p.a, &to)) != NULL) {
		requests++;
		challenge_of(p.a, p.b, request, ", stale=true");
	}
	assert_int_equal(requests, 4);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.peer_status, 407);
	msg_free(m);
	pair_free(&p);
}

static void a_notification_finds_the_message_that_it_is_for(void **state)
{
	struct pair        p = datagrams(true);
	struct msg        *m = text_new(p.a, "+4670", "+4671", "x"), *receipt;
	struct side_event *e;
	struct result      refused, result;
	uint8_t            room[64];

	(void)state;
	m->wants = MSG_WANT_SUCCESS | MSG_WANT_READ;
	sides_pump(p.a, p.b);
	assert_int_equal(side_submit_to(p.a, p.a->peer, m, NULL, 1, &refused), SUBMIT_SENT);
	sides_pump(p.a, p.b);
	e = side_last(p.b, EVENT_MSG);
	assert_int_equal(e->msg->wants, MSG_WANT_SUCCESS | MSG_WANT_READ);
	side_answer(p.b, e, &(struct result){.delivered = true});
	sides_pump(p.a, p.b);
	result = side_last(p.a, EVENT_RESULT)->result;
	assert_int_equal(result.why, REASON_NONE);
	assert_false(result.delivered); /* that is still to come */
	assert_int_equal(result.remote_id_size, e->msg->origin_id.size);
	assert_memory_equal(result.remote_id, msg_view(e->msg, e->msg->origin_id, room),
			    result.remote_id_size);
	receipt = text_new(p.b, "+4671", "+4670", "");
	receipt->kind = MSG_READ_REPORT;
	receipt->receipt.state = MSG_STATE_DELIVERED;
	assert_true(msg_append(receipt, msg_view(e->msg, e->msg->origin_id, room),
			       e->msg->origin_id.size, &receipt->origin_id));
	assert_int_equal(side_submit_to(p.b, p.b->peer, receipt, NULL, 2, &refused), SUBMIT_SENT);
	sides_pump(p.a, p.b);
	e = side_last(p.a, EVENT_MSG);
	assert_int_equal(e->msg->kind, MSG_READ_REPORT);
	assert_int_equal(e->msg->receipt.remote_id.size, result.remote_id_size);
	assert_memory_equal(msg_view(e->msg, e->msg->receipt.remote_id, room), result.remote_id,
			    result.remote_id_size);
	msg_free(m);
	msg_free(receipt);
	pair_free(&p);
}

static void a_stream_that_is_opened_and_not_used_is_closed(void **state)
{
	struct pair p = stream(true);

	(void)state;
	side_at(p.b, 1000000 + 4999999);
	side_tick(p.b);
	assert_null(side_last(p.b, EVENT_CLOSE));
	assert_int_equal(p.b->due, 6000000);
	side_at(p.b, 6000000);
	side_tick(p.b);
	assert_int_equal(side_last(p.b, EVENT_CLOSE)->why, REASON_BIND_TIMEOUT);
	pair_free(&p);
}

static void a_ping_on_a_stream_gets_a_pong(void **state)
{
	struct pair p = stream(true);
	enum pull   last;

	(void)state;
	side_feed(p.b, &p.a->address, "\r\n", 2, &last);
	assert_int_equal(p.b->sent_size, 0);
	side_feed(p.b, &p.a->address, "\r\n", 2, &last);
	assert_int_equal(p.b->sent_size, 2);
	assert_memory_equal(p.b->sent, "\r\n", 2);
	pair_free(&p);
}

static void a_side_that_parts_finishes_what_is_open(void **state)
{
	struct pair       p = stream(true);
	struct msg       *m = text_new(p.a, "+4670", "+4671", "x");
	struct result     refused;
	struct side_event message;
	struct out        out;

	(void)state;
	sides_pump(p.a, p.b);
	side_submit_to(p.a, p.a->session, m, NULL, 1, &refused);
	sides_pump(p.a, p.b);
	message = *side_last(p.b, EVENT_MSG);
	out = side_out(p.b);
	sip_ops.part(p.b->session, p.b->now, &out);
	side_submit_to(p.a, p.a->session, m, NULL, 2, &refused);
	sides_pump(p.a, p.b);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.peer_status, 503);
	assert_null(side_last(p.b, EVENT_CLOSE));
	side_answer(p.b, &message, &(struct result){0});
	sides_pump(p.a, p.b);
	assert_int_equal(side_last(p.a, EVENT_RESULT)->result.why, REASON_NONE);
	assert_int_equal(side_last(p.b, EVENT_CLOSE)->why, REASON_UNBOUND);
	msg_free(m);
	pair_free(&p);
}

static void the_end_of_a_session_gives_the_tokens_of_all_that_is_open(void **state)
{
	struct pair   p = datagrams(true);
	struct msg   *m = text_new(p.a, "+4670", "+4671", "x");
	struct result refused;
	uint64_t      token, sum = 0;

	(void)state;
	sides_pump(p.a, p.b);
	for (uint64_t i = 1; i <= 3; i++)
		side_submit_to(p.a, p.a->peer, m, NULL, i, &refused);
	sip_ops.close(p.a->peer, p.a->now, REASON_SHUTDOWN, NULL);
	while (sip_ops.drain(p.a->peer, &token))
		sum += token;
	assert_int_equal(sum, 6);
	msg_free(m);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_over_datagrams_is_up_when_it_has_answered),
		cmocka_unit_test(a_peer_over_a_stream_is_up_at_once),
		cmocka_unit_test(a_message_goes_over_datagrams_and_its_answer_comes_back),
		cmocka_unit_test(a_message_goes_over_a_stream_and_its_answer_comes_back),
		cmocka_unit_test(what_is_lost_comes_again_and_is_delivered_once),
		cmocka_unit_test(an_answer_that_never_comes_is_an_unknown_outcome),
		cmocka_unit_test(two_options_without_answer_end_the_peer),
		cmocka_unit_test(a_refused_options_is_an_answer_too),
		cmocka_unit_test(a_full_window_says_later_and_then_ready),
		cmocka_unit_test(too_many_open_messages_of_one_side_are_put_off),
		cmocka_unit_test(
			a_request_too_long_for_a_datagram_is_refused_and_goes_over_a_stream),
		cmocka_unit_test(too_little_room_says_later_and_leaves_nothing),
		cmocka_unit_test(who_is_withheld_is_told_only_to_those_who_are_trusted),
		cmocka_unit_test(a_peer_that_asks_for_credentials_gets_them_and_is_not_asked_twice),
		cmocka_unit_test(a_peer_that_does_not_know_us_is_asked_once_and_no_more),
		cmocka_unit_test(requests_on_their_way_may_be_challenged_with_one_nonce),
		cmocka_unit_test(who_calls_every_nonce_stale_is_not_asked_for_ever),
		cmocka_unit_test(a_notification_finds_the_message_that_it_is_for),
		cmocka_unit_test(a_stream_that_is_opened_and_not_used_is_closed),
		cmocka_unit_test(a_ping_on_a_stream_gets_a_pong),
		cmocka_unit_test(a_side_that_parts_finishes_what_is_open),
		cmocka_unit_test(the_end_of_a_session_gives_the_tokens_of_all_that_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
