/* Chats that we open toward a device of session mode, for who has short messages alone, through the
 * whole dataplane: what opens one, what waits for it, and what becomes of that where there is none.
 * One worker, but where it says two. */
#include "test.h"

#include "sip_world.h"

#define NL "\r\n"
#define THEIR_PATH "msrp://198.18.0.2:7654/theirs;tcp"
#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."
#define ALICE "+46731234567"
#define SENDER "+46701234567"

struct chat {
	struct phone *phone, *stream;
	char          ours[256], theirs[256], id[64], target[256], path[512];
	unsigned      cseq;
};

static void registers(struct phone *alice, const char *features)
{
	sequence++;
	phone_send(alice,
		   "REGISTER sip:example.org SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKr%u" NL "Max-Forwards: 70" NL
		   "From: <sip:alice@example.org>;tag=f" NL "To: <sip:alice@example.org>" NL
		   "Call-ID: reg%u" NL "CSeq: 1 REGISTER" NL
		   "Contact: <sip:alice@198.18.0.2:%u>%s" NL "Content-Length: 0" NL NL,
		   alice->port, sequence, sequence, alice->port, features);
	assert_status(next_of(alice), "200");
}

static struct phone *registered(void)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	registers(alice, ";+g.3gpp.icsi-ref=\"" ICSI "session\"");
	return alice;
}

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

/* The peer is asked how it is meanwhile. */
static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < 10 * seconds; i++) {
		sim_pass(&sim, US_PER_SECOND / 10);
		assert_null(ims_take());
	}
}

static const char *request_within(struct phone *p, unsigned seconds)
{
	for (unsigned i = 0; i < 10 * seconds; i++) {
		const char *text = phone_take(p);

		if (text != NULL)
			return text;
		sim_pass(&sim, US_PER_SECOND / 10);
		assert_null(ims_take());
	}
	return NULL;
}

static void assert_nothing_left(void)
{
	pass(70);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
}

static const char *assert_request(struct phone *p, const char *method)
{
	const char *text = next_of(p);

	assert_non_null(text);
	if (strncmp(text, method, strlen(method)) != 0)
		print_error("%s\n", text);
	assert_memory_equal(text, method, strlen(method));
	return text;
}

/* What an INVITE says is kept. */
static void invited(struct chat *c, struct phone *p, const char *text)
{
	const char *at;

	*c = (struct chat){.phone = p};
	snprintf(c->ours, sizeof(c->ours), "%s", phone_header(text, "From"));
	snprintf(c->theirs, sizeof(c->theirs), "%s;tag=phone", phone_header(text, "To"));
	snprintf(c->id, sizeof(c->id), "%s", phone_header(text, "Call-ID"));
	at = strchr(phone_header(text, "Contact"), '<') + 1;
	snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(at, ">"), at);
	at = strstr(text, "a=path:");
	assert_non_null(at);
	snprintf(c->path, sizeof(c->path), "%.*s", (int)strcspn(at + 7, "\r"), at + 7);
}

/* Answered, and acknowledged; the stream is to come. */
static void accept_as(struct chat *c, struct phone *p, const char *invite, const char *setup)
{
	char sdp[1024], via[256];

	invited(c, p, invite);
	snprintf(via, sizeof(via), "%s", phone_header(invite, "Via"));
	snprintf(sdp, sizeof(sdp),
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message 7654 TCP/MSRP *" NL
		 "a=accept-types:message/cpim application/im-iscomposing+xml" NL
		 "a=accept-wrapped-types:*" NL "a=path:" THEIR_PATH NL "a=setup:%s" NL
		 "a=sendrecv" NL,
		 setup);
	phone_send(p,
		   "SIP/2.0 200 OK" NL "Via: %s" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL
		   "CSeq: 1 INVITE" NL "Contact: <sip:alice@198.18.0.2:%u>" NL
		   "Content-Type: application/sdp" NL "Content-Length: %zu" NL NL "%s",
		   via, c->ours, c->theirs, c->id, p->port, strlen(sdp), sdp);
	assert_request(p, "ACK ");
}

static void connected(struct chat *c)
{
	c->stream = waited = phone_msrp(&sim.host, (uint16_t)strtoul(c->path + 18, NULL, 10));
	assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
}

static void take(struct chat *c, const char *chunk)
{
	int n = (int)strcspn(chunk + 5, " ");

	phone_send(c->stream,
		   "MSRP %.*s 200 OK" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "-------%.*s$" NL,
		   n, chunk + 5, c->path, n, chunk + 5);
}

/* It is the device's to say whose stream it is (RFC 4975, 5.4). */
static void hello(struct chat *c)
{
	sequence++;
	phone_send(c->stream,
		   "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "Message-ID: hello-%u" NL "-------tr-%u$" NL,
		   sequence, c->path, sequence, sequence);
	assert_non_null(strstr(next_of(c->stream), " 200 "));
}

static void assert_said(struct chat *c, const char *text)
{
	char        wanted[128];
	const char *said = next_of(c->stream);

	assert_non_null(said);
	assert_memory_equal(said, "MSRP ", 5);
	assert_string_equal(phone_header(said, "From-Path"), c->path);
	assert_string_equal(phone_header(said, "Content-Type"), "message/cpim");
	snprintf(wanted, sizeof(wanted), NL NL "%s" NL "-------", text);
	if (strstr(said, wanted) == NULL)
		print_error("%s\n", said);
	assert_non_null(strstr(said, wanted));
	take(c, said);
}

static void say_as(struct chat *c, const char *type, const char *content)
{
	sequence++;
	phone_send(c->stream,
		   "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH               NL
		   "Message-ID: message-%u" NL "Byte-Range: 1-%zu/%zu" NL "Content-Type: %s" NL NL
		   "%s" NL "-------tr-%u$" NL,
		   sequence, c->path, sequence, strlen(content), strlen(content), type, content,
		   sequence);
}

static void say(struct chat *c, const char *type, const char *text)
{
	char content[2048];

	snprintf(content, sizeof(content),
		 "From: <sip:anonymous@anonymous.invalid>" NL
		 "To: <sip:anonymous@anonymous.invalid>" NL "NS: imdn <urn:ietf:params:imdn>" NL
		 "DateTime: 2026-11-27T12:00:00Z" NL NL "Content-Type: %s" NL NL "%s",
		 type, text);
	say_as(c, "message/cpim", content);
}

static void inside(struct chat *c, const char *method)
{
	sequence++;
	phone_send(c->phone,
		   "%s %s SIP/2.0" NL "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKc%u" NL
		   "Max-Forwards: 70" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL "CSeq: %u %s" NL
		   "Content-Length: 0" NL NL,
		   method, c->target, c->phone->port, sequence, c->theirs, c->ours, c->id,
		   ++c->cseq, method);
	assert_status(next_of(c->phone), "200");
}

/* The request of ours, with the tag that it has. */
static void answer_inside(struct phone *p, const char *asks, const char *status)
{
	char via[256];

	snprintf(via, sizeof(via), "%s", phone_header(asks, "Via"));
	phone_send(p,
		   "SIP/2.0 %s" NL "Via: %s" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL
		   "CSeq: %s" NL "Content-Length: 0" NL NL,
		   status, via, phone_header(asks, "From"), phone_header(asks, "To"),
		   phone_header(asks, "Call-ID"), phone_header(asks, "CSeq"));
}

static void bye(struct chat *c)
{
	inside(c, "BYE");
	phone_reset(c->stream);
}

static void text_from(const char *from, const char *text)
{
	centre_sends_text(from, ALICE, text);
}

/* ---- one that is opened ---- */

static void a_message_for_a_device_of_session_mode_alone_opens_a_chat(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;

	(void)state;
	text_from(SENDER, "one");
	text = assert_request(alice, "INVITE sip:alice@198.18.0.2:6001 ");
	assert_string_equal(phone_header(text, "Accept-Contact"),
			    "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."
			    "session\"");
	assert_non_null(strstr(phone_header(text, "Contact"), "cpm.session\""));
	assert_non_null(strstr(phone_header(text, "From"), "sip:+46701234567@example.org"));
	assert_string_equal(phone_header(text, "To"), "<sip:alice@example.org>");
	assert_string_equal(phone_header(text, "P-Called-Party-ID"), "<sip:alice@example.org>");
	assert_int_equal(strlen(phone_header(text, "Conversation-ID")), 32);
	assert_int_equal(strlen(phone_header(text, "Contribution-ID")), 32);
	assert_string_equal(phone_header(text, "Session-Expires"), "1800");
	assert_string_equal(phone_header(text, "Content-Type"), "application/sdp");
	assert_non_null(strstr(text, NL "a=sendrecv" NL));
	assert_non_null(strstr(text, NL "a=setup:actpass" NL));
	assert_non_null(strstr(text, NL "a=accept-types:message/cpim "
					"application/im-iscomposing+xml" NL));
	assert_null(strstr(text, "file-selector"));
	text_from(SENDER, "two");
	text_from(SENDER, "three");
	sim_pass(&sim, US_PER_SECOND / 5);
	assert_null(phone_take(alice)); /* they wait */
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 1);
	accept_as(&c, alice, text, "active");
	assert_int_equal(esme_answers, 0);
	connected(&c);
	hello(&c);
	assert_said(&c, "one");
	assert_said(&c, "two");
	assert_said(&c, "three");
	pass(1);
	assert_int_equal(esme_answers, 3);
	assert_int_equal(esme_answer.why, REASON_NONE);
	text_from(SENDER, "four");
	assert_said(&c, "four");
	assert_null(phone_take(alice));
	/* What the device says is a short message to who is in the chat. */
	say(&c, "text/plain; charset=utf-8", "svar");
	assert_non_null(strstr(next_of(c.stream), " 200 "));
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.from, ALICE);
	assert_string_equal(centre.to, SENDER);
	assert_string_equal(centre.text, "svar");
	bye(&c);
	assert_nothing_left();
	text_from(SENDER, "later");
	text = assert_request(alice, "INVITE ");
	accept_as(&c, alice, text, "active");
	connected(&c);
	hello(&c);
	assert_said(&c, "later");
	bye(&c);
	assert_nothing_left();
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_opened), 2);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_refused), 0);
}

static void we_connect_to_a_device_that_waits_for_it(void **state)
{
	struct phone *alice = registered(), *stream = phone_msrp_listen(&sim.host, 7654);
	struct chat   c;
	const char   *text;

	(void)state;
	text_from(SENDER, "one");
	text_from(SENDER, "two");
	accept_as(&c, alice, assert_request(alice, "INVITE "), "passive");
	c.stream = waited = stream;
	assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
	text = next_of(c.stream);
	assert_non_null(text);
	assert_null(strstr(text, "Content-Type")); /* whose stream it is */
	take(&c, text);
	assert_said(&c, "one");
	assert_said(&c, "two");
	bye(&c);
	assert_nothing_left();
}

static void notifications_and_writing_are_told_in_the_chat(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *said, *id;
	char          imdn[1024];

	(void)state;
	esme_begin();
	submit(ALICE, "is it there?", MSG_WANT_SUCCESS);
	accept_as(&c, alice, assert_request(alice, "INVITE "), "active");
	connected(&c);
	hello(&c);
	said = next_of(c.stream);
	assert_non_null(said);
	assert_non_null(strstr(said, "imdn.Disposition-Notification: positive-delivery"));
	id = strstr(said, "imdn.Message-ID: ");
	assert_non_null(id);
	id += 17;
	snprintf(imdn, sizeof(imdn),
		 "<?xml version=\"1.0\"?><imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">"
		 "<message-id>%.*s</message-id><datetime>2026-11-27T12:00:00Z</datetime>"
		 "<delivery-notification><status><delivered/></status></delivery-notification>"
		 "</imdn>",
		 (int)strcspn(id, "\r"), id);
	take(&c, said);
	pass(1);
	assert_int_equal(esme_answers, 1);
	assert_int_equal(receipt.count, 0);
	say(&c, "message/imdn+xml\r\nContent-Disposition: notification", imdn);
	assert_non_null(strstr(next_of(c.stream), " 200 "));
	pass(1);
	assert_int_equal(receipt.count, 1);
	assert_int_equal(receipt.state, MSG_STATE_DELIVERED);
	say_as(&c, "application/im-iscomposing+xml",
	       "<?xml version=\"1.0\"?><isComposing "
	       "xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></"
	       "isComposing>");
	assert_non_null(next_of(c.stream));
	assert_int_equal(centre.count, 0);
	bye(&c);
	assert_nothing_left();
}

static void a_chat_in_which_nothing_is_said_is_ended(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;

	(void)state;
	text_from(SENDER, "one");
	accept_as(&c, alice, assert_request(alice, "INVITE "), "active");
	connected(&c);
	hello(&c);
	assert_said(&c, "one");
	pass(118);
	assert_null(phone_take(alice));
	text = request_within(alice, 4);
	assert_non_null(text);
	assert_memory_equal(text, "BYE ", 4);
	assert_string_equal(phone_header(text, "CSeq"), "2 BYE");
	assert_string_equal(phone_header(text, "To"), c.theirs);
	answer_inside(alice, text, "200 OK");
	assert_nothing_left();
}

/* ---- which devices ---- */

static void a_device_that_takes_single_messages_gets_those(void **state)
{
	static const char *const features[] = {
		"",
		";+g.3gpp.icsi-ref=\"" ICSI "msg," ICSI "session\"",
		";+g.3gpp.smsip;+g.3gpp.icsi-ref=\"" ICSI "session\"",
		";+g.3gpp.icsi-ref=\"" ICSI "session.group\"",
	};

	struct phone *alice = phone_udp(&sim.host, 6001);

	(void)state;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const char *text;

		registers(alice, features[i]);
		text_from(SENDER, "hej");
		text = assert_request(alice, "MESSAGE ");
		phone_answer(alice, text, "200 OK", "");
		pass(1);
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_opened), 0);
}

static void where_chats_go_first_every_device_of_session_mode_gets_one(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	struct chat   c;

	(void)state;
	registers(alice, ";+g.3gpp.icsi-ref=\"" ICSI "msg," ICSI "session\"");
	text_from(SENDER, "hej");
	accept_as(&c, alice, assert_request(alice, "INVITE "), "active");
	connected(&c);
	hello(&c);
	assert_said(&c, "hej");
	/* Who cannot be answered has no chat. */
	centre_sends_text("Shop", ALICE, "sale");
	phone_answer(alice, assert_request(alice, "MESSAGE "), "200 OK", "");
	bye(&c);
	assert_nothing_left();
}

/* chat_sessions is 3 in this world. */
static void there_are_no_more_chats_than_may_be(void **state)
{
	struct phone *alice = registered();
	struct chat   c[3];
	char          from[16];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "+4670123456%u", i);
		text_from(from, "hej");
		accept_as(&c[i], alice, assert_request(alice, "INVITE "), "active");
		connected(&c[i]);
		hello(&c[i]);
		assert_said(&c[i], "hej");
	}
	text_from("+46701234569", "one too many");
	phone_answer(alice, assert_request(alice, "MESSAGE "), "200 OK", "");
	for (unsigned i = 0; i < 3; i++)
		bye(&c[i]);
	assert_nothing_left();
}

/* ---- where there is none ---- */

static void
what_a_device_declines_a_chat_for_goes_by_message_and_if_it_is_away_elsewhere(void **state)
{
	static const struct {
		const char *status;
		bool        elsewhere;
	} cases[] = {{"486 Busy Here", false},     {"488 Not Acceptable Here", false},
		     {"603 Decline", false},       {"415 Unsupported", false},
		     {"405 Not Allowed", false},   {"480 Temporarily Unavailable", true},
		     {"408 Request Timeout", true}};
	struct phone *alice = registered();

	(void)state;
	esme_begin();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *invite, *text;

		esme_answers = 0;
		centre.count = 0;
		submit(ALICE, "one", 0);
		invite = assert_request(alice, "INVITE ");
		submit(ALICE, "two", 0);
		sim_pass(&sim, US_PER_SECOND / 5);
		phone_answer(alice, invite, cases[i].status, "");
		assert_request(alice, "ACK ");
		for (unsigned k = 0; k < 2 && !cases[i].elsewhere; k++) {
			text = assert_request(alice, "MESSAGE ");
			assert_string_equal(phone_body(text), k == 0 ? "one" : "two");
			phone_answer(alice, text, "200 OK", "");
		}
		pass(1);
		assert_int_equal(esme_answers, 2);
		assert_int_equal(esme_answer.why, REASON_NONE);
		assert_int_equal(centre.count, cases[i].elsewhere ? 2 : 0);
		if (!cases[i].elsewhere) { /* it is not asked again for a while */
			submit(ALICE, "three", 0);
			phone_answer(alice, assert_request(alice, "MESSAGE "), "200 OK", "");
		}
		pass(61);
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_refused), 5);
	assert_nothing_left();
}

static void
a_chat_that_only_rings_is_cancelled_and_one_that_nobody_hears_goes_elsewhere(void **state)
{
	struct phone *alice = registered();
	const char   *text;
	char          invite[4096];

	(void)state;
	esme_begin();
	submit(ALICE, "hej", 0);
	snprintf(invite, sizeof(invite), "%s", assert_request(alice, "INVITE "));
	phone_answer(alice, invite, "180 Ringing", "");
	text = request_within(alice, 11);
	assert_non_null(text);
	assert_memory_equal(text, "CANCEL ", 7);
	phone_answer(alice, text, "200 OK", "");
	phone_answer(alice, invite, "487 Request Terminated", "");
	do {
		text = next_of(alice);
	} while (text != NULL && strncmp(text, "ACK ", 4) == 0);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	phone_answer(alice, text, "200 OK", "");
	pass(61);
	assert_int_equal(esme_answers, 1);
	assert_int_equal(centre.count, 0);
	while (phone_take(alice) != NULL)
		continue;
	submit(ALICE, "silence", 0);
	pass(11);
	assert_int_equal(esme_answers, 2);
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(centre.count, 1);
	while ((text = phone_take(alice)) != NULL)
		assert_memory_equal(text, "INVITE ", 7);
	assert_nothing_left();
}

static void a_chat_whose_stream_does_not_come_is_given_up(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;

	(void)state;
	text_from(SENDER, "hej");
	accept_as(&c, alice, assert_request(alice, "INVITE "), "active");
	text = request_within(alice, 11);
	assert_non_null(text);
	assert_memory_equal(text, "BYE ", 4);
	answer_inside(alice, text, "200 OK");
	phone_answer(alice, assert_request(alice, "MESSAGE "), "200 OK", "");
	pass(1);
	assert_int_equal(esme_answers, 1);
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_nothing_left();
}

static void no_more_wait_for_a_chat_than_may(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *invite;
	char          text[16];

	(void)state;
	esme_begin();
	submit(ALICE, "0", 0);
	invite = assert_request(alice, "INVITE ");
	for (unsigned i = 1; i < 18; i++) {
		snprintf(text, sizeof(text), "%u", i);
		if (i < 9)
			submit(ALICE, text, 0);
		else
			centre_sends_text("+4611111", ALICE, text);
		sim_pass(&sim, US_PER_SECOND / 100);
	}
	sim_pass(&sim, US_PER_SECOND / 100);
	assert_int_equal(esme_answers, 2);
	accept_as(&c, alice, invite, "active");
	connected(&c);
	hello(&c);
	for (unsigned i = 0; i < 16; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_said(&c, text);
	}
	pass(1);
	assert_int_equal(esme_answers, 18);
	bye(&c);
	assert_nothing_left();
}

/* ---- both sides at once ---- */

static void put_offer(char room[1024])
{
	snprintf(room, 1024,
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message 7654 TCP/MSRP *" NL
		 "a=accept-types:message/cpim application/im-iscomposing+xml" NL
		 "a=accept-wrapped-types:*" NL "a=path:" THEIR_PATH NL "a=setup:active" NL
		 "a=sendrecv" NL);
}

/* The device's own INVITE, and its 200. */
static void device_opens(struct chat *c, struct phone *p)
{
	char        sdp[1024];
	const char *text, *at;

	*c = (struct chat){.phone = p};
	put_offer(sdp);
	sequence++;
	snprintf(c->theirs, sizeof(c->theirs), "<sip:alice@example.org>;tag=own%u", sequence);
	snprintf(c->id, sizeof(c->id), "own%u", sequence);
	phone_send(p,
		   "INVITE tel:" SENDER " SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKo%u" NL "Max-Forwards: 70" NL
		   "From: %s" NL "To: <tel:" SENDER ">" NL "Call-ID: %s" NL "CSeq: %u INVITE" NL
		   "Contact: <sip:alice@198.18.0.2:%u>" NL
		   "Accept-Contact: *;+g.3gpp.icsi-ref=\"%s\"" NL "Content-Type: application/sdp" NL
		   "Content-Length: %zu" NL NL "%s",
		   p->port, sequence, c->theirs, c->id, ++c->cseq, p->port, ICSI "session",
		   strlen(sdp), sdp);
	do
		text = next_of(p);
	while (text != NULL && strncmp(text, "SIP/2.0 1", 9) == 0);
	assert_status(text, "200");
	snprintf(c->ours, sizeof(c->ours), "%s", phone_header(text, "To"));
	at = strchr(phone_header(text, "Contact"), '<') + 1;
	snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(at, ">"), at);
	at = strstr(text, "a=path:") + 7;
	snprintf(c->path, sizeof(c->path), "%.*s", (int)strcspn(at, "\r"), at);
	sequence++;
	phone_send(p,
		   "ACK %s SIP/2.0" NL "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKo%u" NL
		   "Max-Forwards: 70" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL
		   "CSeq: %u ACK" NL "Content-Length: 0" NL NL,
		   c->target, p->port, sequence, c->theirs, c->ours, c->id, c->cseq);
}

static void when_both_open_one_at_once_the_devices_is_the_one(void **state)
{
	enum { REFUSES, ACCEPTS, RINGS, CASES };
	struct phone *alice = registered();

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		struct chat own, c;
		char        invite[4096];
		const char *text;

		text_from(SENDER, "one");
		snprintf(invite, sizeof(invite), "%s", assert_request(alice, "INVITE "));
		text_from(SENDER, "two");
		if (i == RINGS)
			phone_answer(alice, invite, "180 Ringing", "");
		sim_pass(&sim, US_PER_SECOND / 100);
		device_opens(&own, alice);
		text_from(SENDER, "three");
		sim_pass(&sim, US_PER_SECOND / 100);
		if (i == RINGS) {
			text = assert_request(alice, "CANCEL ");
			phone_answer(alice, text, "200 OK", "");
			phone_answer(alice, invite, "487 Request Terminated", "");
			assert_request(alice, "ACK ");
		} else if (i == ACCEPTS) {
			accept_as(&c, alice, invite, "active");
			text = assert_request(alice, "BYE ");
			assert_string_equal(phone_header(text, "Call-ID"), c.id);
			answer_inside(alice, text, "200 OK");
		} else {
			phone_answer(alice, invite, "486 Busy Here", "");
			assert_request(alice, "ACK ");
		}
		connected(&own);
		hello(&own);
		assert_said(&own, "one");
		assert_said(&own, "two");
		assert_said(&own, "three");
		assert_null(phone_take(alice));
		bye(&own);
		assert_nothing_left();
	}
	assert_int_equal(esme_answers, 9);
	assert_int_equal(esme_answer.why, REASON_NONE);
}

/* ---- two workers ---- */

/* What each of two links has for the device goes into the one chat, whichever worker opens it. */
static void what_two_workers_have_goes_into_one_chat(void **state)
{
	struct phone *alice = registered();
	struct chat   c;

	(void)state;
	esme_begin();
	centre_sends_text("+4611111", ALICE, "of the centre");
	accept_as(&c, alice, assert_request(alice, "INVITE "), "active");
	submit(ALICE, "of the other", 0);
	sim_pass(&sim, US_PER_SECOND / 100);
	connected(&c);
	hello(&c);
	assert_said(&c, "of the centre");
	assert_said(&c, "of the other");
	for (unsigned i = 0; i < 3; i++) {
		submit(ALICE, "svar", 0);
		assert_said(&c, "svar");
		centre_sends_text("+4611111", ALICE, "hej");
		assert_said(&c, "hej");
	}
	assert_null(phone_take(alice));
	bye(&c);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_opened), 1);
	assert_nothing_left();
}

/* Its Call-ID leads the device's to either worker. */
static void when_both_open_one_at_two_workers_nothing_is_lost(void **state)
{
	struct phone *alice = registered();
	unsigned      elsewhere = 0;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct chat own, c;
		char        invite[4096];
		const char *text;
		bool        same;

		text_from(SENDER, "one");
		snprintf(invite, sizeof(invite), "%s", assert_request(alice, "INVITE "));
		device_opens(&own, alice);
		invited(&c, alice, invite);
		same = strncmp(c.path, own.path, 22) == 0; /* the port of the worker */
		elsewhere += !same;
		if (i % 2 == 0) {
			accept_as(&c, alice, invite, "active");
			text = assert_request(alice, "BYE ");
			assert_string_equal(phone_header(text, "Call-ID"), c.id);
			answer_inside(alice, text, "200 OK");
		} else {
			phone_answer(alice, invite, "486 Busy Here", "");
			assert_request(alice, "ACK ");
		}
		sim_pass(&sim, US_PER_SECOND / 100);
		connected(&own);
		hello(&own);
		assert_said(&own, "one");
		text_from(SENDER, "two");
		assert_said(&own, "two");
		assert_null(phone_take(alice));
		bye(&own);
		pass(1);
		assert_int_equal(esme_answers, 2 * (i + 1));
		assert_int_equal(esme_answer.why, REASON_NONE);
	}
	assert_in_range(elsewhere, 1, 7);
	assert_nothing_left();
}

int main(void)
{
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
#define ONE(f) cmocka_unit_test_setup_teardown(f, world_chat, world_end)
	const struct CMUnitTest tests[] = {
		ONE(a_message_for_a_device_of_session_mode_alone_opens_a_chat),
		ONE(we_connect_to_a_device_that_waits_for_it),
		ONE(notifications_and_writing_are_told_in_the_chat),
		ONE(a_chat_in_which_nothing_is_said_is_ended),
		ONE(a_device_that_takes_single_messages_gets_those),
		cmocka_unit_test_setup_teardown(
			where_chats_go_first_every_device_of_session_mode_gets_one,
			world_chat_first, world_end),
		ONE(there_are_no_more_chats_than_may_be),
		ONE(what_a_device_declines_a_chat_for_goes_by_message_and_if_it_is_away_elsewhere),
		ONE(a_chat_that_only_rings_is_cancelled_and_one_that_nobody_hears_goes_elsewhere),
		ONE(a_chat_whose_stream_does_not_come_is_given_up),
		ONE(no_more_wait_for_a_chat_than_may),
		ONE(when_both_open_one_at_once_the_devices_is_the_one),
		TWO(what_two_workers_have_goes_into_one_chat),
		TWO(when_both_open_one_at_two_workers_nothing_is_lost),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip_chat_out", tests, NULL, NULL);
}
