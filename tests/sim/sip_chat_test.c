/* Chats of devices (session mode of CPM) with who has short messages alone, through the whole
 * dataplane: INVITE, messages both ways on one stream, and how it ends. One worker, but where it
 * says two. */
#include "test.h"

#include "sip_world.h"

#define NL "\r\n"
#define THEIR_PATH "msrp://198.18.0.2:7654/theirs;tcp"
#define CHAT_TAG "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\""

struct chat {
	struct phone *phone, *stream;
	char          to[512], target[512], path[512], id[32];
	unsigned      cseq, branch;
};

static const char *answer_of(struct phone *p)
{
	const char *answer;

	do
		answer = next_of(p);
	while (answer != NULL && strncmp(answer, "SIP/2.0 1", 9) == 0);
	return answer;
}

static void request(struct chat *c, const char *method, const char *uri, const char *more,
		    const char *body)
{
	phone_send(c->phone,
		   "%s %s SIP/2.0" NL "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKc%u" NL
		   "Max-Forwards: 70" NL "From: <sip:alice@example.org>;tag=%s" NL "To: %s" NL
		   "Call-ID: %s" NL "CSeq: %u %s" NL "Contact: <sip:alice@198.18.0.2:%u>" NL
		   "%sContent-Length: %zu" NL NL "%s",
		   method, uri, c->phone->port, ++sequence, c->id, c->to, c->id, c->cseq, method,
		   c->phone->port, more, strlen(body), body);
}

static void put_sdp(char room[1024], const char *direction)
{
	snprintf(room, 1024,
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message 7654 TCP/MSRP *" NL
		 "a=accept-types:message/cpim application/im-iscomposing+xml" NL
		 "a=accept-wrapped-types:*" NL "a=path:" THEIR_PATH NL "a=setup:actpass" NL
		 "a=%s" NL,
		 direction);
}

static const char *invite_with(struct chat *c, struct phone *p, const char *direction,
			       const char *lines)
{
	char sdp[1024], more[1024];

	*c = (struct chat){.phone = p, .cseq = 1};
	snprintf(c->to, sizeof(c->to), "<tel:+46701234567>");
	snprintf(c->id, sizeof(c->id), "chat%u", ++sequence);
	put_sdp(sdp, direction);
	snprintf(more, sizeof(more),
		 "Accept-Contact: *;%s" NL "Conversation-ID: chosen-by-alice" NL
		 "Contribution-ID: c1" NL "%sContent-Type: application/sdp" NL,
		 CHAT_TAG, lines);
	c->branch = sequence + 1;
	request(c, "INVITE", "tel:+46701234567", more, sdp);
	return answer_of(p);
}

static const char *invite(struct chat *c, struct phone *p, const char *direction)
{
	return invite_with(c, p, direction, "");
}

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

/* The 200 to its INVITE is here: ACK. */
static void accepted(struct chat *c, const char *answer)
{
	const char *at;

	assert_status(answer, "200");
	assert_non_null(strstr(phone_header(answer, "Contact"), CHAT_TAG));
	assert_non_null(strstr(answer, NL "a=sendrecv" NL));
	assert_non_null(strstr(answer, "message/cpim application/im-iscomposing+xml" NL));
	snprintf(c->to, sizeof(c->to), "%s", phone_header(answer, "To"));
	at = strchr(phone_header(answer, "Contact"), '<') + 1;
	snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(at, ">"), at);
	at = strstr(answer, "a=path:") + 7;
	snprintf(c->path, sizeof(c->path), "%.*s", (int)strcspn(at, "\r"), at);
	request(c, "ACK", c->target, "", "");
}

static void connected(struct chat *c)
{
	c->stream = waited = phone_msrp(&sim.host, (uint16_t)strtoul(c->path + 18, NULL, 10));
	assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
}

static void establish(struct chat *c, const char *answer)
{
	accepted(c, answer);
	connected(c);
}

static void begin(struct chat *c, struct phone *p, const char *direction)
{
	establish(c, invite(c, p, direction));
}

static struct phone *registered(void)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	phone_send(alice,
		   "REGISTER sip:example.org SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:6001;rport;branch=z9hG4bKr%u" NL
		   "Max-Forwards: 70" NL "From: <sip:alice@example.org>;tag=f" NL
		   "To: <sip:alice@example.org>" NL "Call-ID: reg%u" NL "CSeq: 1 REGISTER" NL
		   "Contact: <sip:alice@198.18.0.2:6001>;"
		   "+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.msg,"
		   "urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.session\"" NL
		   "Content-Length: 0" NL NL,
		   sequence + 1, sequence + 1);
	sequence++;
	assert_status(next_of(alice), "200");
	return alice;
}

/* One SEND of all of a content. */
static void say_as(struct chat *c, const char *type, const char *more, const char *content)
{
	sequence++;
	phone_send(c->stream,
		   "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "Message-ID: message-%u" NL "Byte-Range: 1-%zu/%zu" NL "%s"
		   "Content-Type: %s" NL NL "%s" NL "-------tr-%u$" NL,
		   sequence, c->path, sequence, strlen(content), strlen(content), more, type,
		   content, sequence);
}

static void say(struct chat *c, const char *headers, const char *text)
{
	char content[2048];

	snprintf(content, sizeof(content),
		 "From: <sip:anonymous@anonymous.invalid>" NL
		 "To: <sip:anonymous@anonymous.invalid>" NL "NS: imdn <urn:ietf:params:imdn>" NL
		 "%sDateTime: 2026-11-27T12:00:00Z" NL        NL
		 "Content-Type: text/plain; charset=utf-8" NL NL "%s",
		 headers, text);
	say_as(c, "message/cpim", "", content);
}

static void assert_msrp(const char *answer, unsigned status)
{
	char wanted[16];

	assert_non_null(answer);
	snprintf(wanted, sizeof(wanted), " %u ", status);
	if (strstr(answer, wanted) == NULL)
		print_error("%s\n", answer);
	assert_non_null(strstr(answer, wanted));
}

/* What came on the stream is taken. */
static void take(struct chat *c, const char *chunk)
{
	phone_send(c->stream,
		   "MSRP %.*s 200 OK" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "-------%.*s$" NL,
		   (int)strcspn(chunk + 5, " "), chunk + 5, c->path, (int)strcspn(chunk + 5, " "),
		   chunk + 5);
}

static void bye(struct chat *c)
{
	c->cseq++;
	request(c, "BYE", c->target, "", "");
	assert_status(answer_of(c->phone), "200");
}

/* The peer is asked how it is meanwhile. */
static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		sim_pass(&sim, US_PER_SECOND);
		assert_null(ims_take());
	}
}

static void assert_nothing_left(void)
{
	pass(70);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
}

static void what_is_said_in_a_chat_are_short_messages_and_the_answers_are_said_there(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *said;

	(void)state;
	begin(&c, alice, "sendrecv");
	for (unsigned i = 1; i <= 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "hej %u", i);
		say(&c, "", text);
		assert_msrp(next_of(c.stream), 200);
		assert_int_equal(centre.count, i);
		assert_string_equal(centre.from, "+46731234567");
		assert_string_equal(centre.to, "+46701234567");
		assert_string_equal(centre.text, text);
	}
	for (unsigned i = 1; i <= 3; i++) {
		centre_sends_text("+46701234567", "+46731234567", "svar");
		said = next_of(c.stream);
		assert_non_null(said);
		assert_memory_equal(said, "MSRP ", 5);
		assert_string_equal(phone_header(said, "To-Path"), THEIR_PATH);
		assert_string_equal(phone_header(said, "From-Path"), c.path);
		assert_string_equal(phone_header(said, "Content-Type"), "message/cpim");
		assert_non_null(strstr(said, NL NL "svar" NL "-------"));
		take(&c, said);
	}
	sim_pass(&sim, US_PER_SECOND);
	assert_null(phone_take(alice)); /* nothing beside the chat */
	/* Somebody else is not in it. */
	centre_sends_text("+46709999999", "+46731234567", "spam");
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "MESSAGE ", 8);
	phone_answer(alice, said, "200 OK", "");
	bye(&c);
	/* And after it everything comes as it would without. */
	centre_sends_text("+46701234567", "+46731234567", "late");
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "MESSAGE ", 8);
	assert_string_equal(phone_header(said, "Conversation-ID"), "chosen-by-alice");
	phone_answer(alice, said, "200 OK", "");
	phone_reset(c.stream);
	assert_nothing_left();
}

static void a_receipt_is_told_in_the_chat_and_a_refusal_by_its_answer(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *said;

	(void)state;
	begin(&c, alice, "sendrecv");
	say(&c,
	    "imdn.Message-ID: 34jk324j" NL "imdn.Disposition-Notification: positive-delivery" NL,
	    "is it there?");
	assert_msrp(next_of(c.stream), 200);
	assert_true((centre.wants & MSG_WANT_SUCCESS) != 0);
	centre_sends_receipt("+46701234567", "+46731234567", "1");
	said = next_of(c.stream);
	assert_non_null(said);
	assert_non_null(strstr(said, "<message-id>34jk324j</message-id>"));
	assert_non_null(strstr(said, "<delivered/>"));
	take(&c, said);
	/* A message that cannot be taken does not end the chat. */
	say_as(&c, "message/cpim", "", "no headers at all");
	assert_msrp(next_of(c.stream), 400);
	say_as(&c, "image/png", "", "no text");
	assert_msrp(next_of(c.stream), 415);
	say(&c, "", "and on");
	assert_msrp(next_of(c.stream), 200);
	assert_string_equal(centre.text, "and on");
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

/* Several may be under way: each answer names its own request. */
static void messages_may_follow_each_other_without_waiting(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	unsigned      first;

	(void)state;
	begin(&c, alice, "sendrecv");
	first = sequence + 1;
	for (unsigned i = 0; i < 8; i++)
		say(&c, "", "one of many");
	for (unsigned i = 0; i < 8; i++) {
		const char *answer = next_of(c.stream);
		unsigned    transaction;

		assert_msrp(answer, 200);
		assert_int_equal(sscanf(answer, "MSRP tr-%u ", &transaction), 1);
		assert_in_range(transaction, first, first + 7);
	}
	assert_int_equal(centre.count, 8);
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

static void writing_is_told_and_costs_no_short_message(void **state)
{
	struct phone *alice = registered();
	struct chat   c;

	(void)state;
	begin(&c, alice, "sendrecv");
	say_as(&c, "application/im-iscomposing+xml", "",
	       "<?xml version=\"1.0\"?><isComposing "
	       "xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></"
	       "isComposing>");
	assert_non_null(next_of(c.stream));
	assert_int_equal(centre.count, 0);
	say(&c, "", "hej");
	assert_msrp(next_of(c.stream), 200);
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

/* A message that was given to a stream that breaks has no known outcome, and one after it comes as
 * a MESSAGE. */
static void a_chat_ends_with_its_stream_or_when_nobody_says_anything(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *said;

	(void)state;
	begin(&c, alice, "sendrecv");
	say(&c, "", "hej");
	assert_msrp(next_of(c.stream), 200);
	phone_reset(c.stream);
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "BYE ", 4);
	phone_answer(alice, said, "200 OK", "");
	centre_sends_text("+46701234567", "+46731234567", "late");
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "MESSAGE ", 8);
	phone_answer(alice, said, "200 OK", "");
	assert_nothing_left();
	begin(&c, alice, "sendrecv");
	say(&c, "", "first");
	assert_msrp(next_of(c.stream), 200);
	pass(100);
	say(&c, "", "still there");
	assert_msrp(next_of(c.stream), 200);
	pass(118);
	assert_null(phone_take(alice));
	pass(3);
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "BYE ", 4);
	phone_answer(alice, said, "200 OK", "");
	assert_nothing_left();
}

static void who_only_talks_hears_by_message(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *said;

	(void)state;
	begin(&c, alice, "sendonly");
	centre_sends_text("+46701234567", "+46731234567", "listen");
	said = next_of(alice);
	assert_non_null(said);
	assert_memory_equal(said, "MESSAGE ", 8);
	phone_answer(alice, said, "200 OK", "");
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

/* chat_sessions is 3 in this world. */
static void there_are_no_more_chats_than_may_be(void **state)
{
	struct phone *alice = registered();
	struct chat   c[4];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		begin(&c[i], alice, "sendrecv");
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 3);
	assert_status(invite(&c[3], alice, "sendrecv"), "486");
	sequence = c[3].branch - 1; /* its ACK is of the same transaction */
	request(&c[3], "ACK", "tel:+46701234567", "", "");
	sequence += 100;
	bye(&c[0]);
	sim_pass(&sim, US_PER_SECOND);
	begin(&c[3], alice, "sendrecv");
	for (unsigned i = 1; i < 4; i++)
		bye(&c[i]);
	assert_nothing_left();
}

/* ---- session timers (RFC 4028) ---- */

/* The next request that is none for the health of the peer, within so many seconds; NULL: none. */
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

/* A device's answer inside the dialog: To has its tag. */
static void answer_inside(struct phone *p, const char *asks, const char *status, const char *more,
			  const char *body)
{
	char via[256];

	snprintf(via, sizeof(via), "%s", phone_header(asks, "Via"));
	phone_send(p,
		   "SIP/2.0 %s" NL "Via: %s" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL
		   "CSeq: %s" NL "Contact: <sip:alice@198.18.0.2:6001>" NL
		   "%sContent-Length: %zu" NL NL "%s",
		   status, via, phone_header(asks, "From"), phone_header(asks, "To"),
		   phone_header(asks, "Call-ID"), phone_header(asks, "CSeq"), more, strlen(body),
		   body);
}

static void a_device_that_refreshes_its_chat_keeps_it_and_one_that_stops_loses_it(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;
	char          sdp[1024];
	unsigned      waited_s = 0;

	(void)state;
	text = invite_with(&c, alice, "sendrecv", "Supported: timer" NL "Session-Expires: 90" NL);
	assert_string_equal(phone_header(text, "Session-Expires"), "90;refresher=uac");
	assert_string_equal(phone_header(text, "Require"), "timer");
	establish(&c, text);
	put_sdp(sdp, "sendrecv");
	for (unsigned i = 0; i < 3; i++) {
		say(&c, "", "still here");
		assert_msrp(next_of(c.stream), 200);
		assert_null(request_within(alice, 45));
		c.cseq++;
		if (i == 0) {
			request(&c, "UPDATE", c.target,
				"Supported: timer" NL "Session-Expires: 90;refresher=uac" NL, "");
			text = answer_of(alice);
			assert_status(text, "200");
			assert_non_null(strstr(phone_header(text, "Contact"), CHAT_TAG));
		} else {
			request(&c, "INVITE", c.target,
				i == 1 ? "Supported: timer" NL
					 "Session-Expires: 90;refresher=uac" NL
					 "Content-Type: application/sdp" NL
				       : "Supported: timer" NL "Session-Expires: 90" NL,
				i == 1 ? sdp : "");
			text = answer_of(alice);
			assert_status(text, "200");
			assert_non_null(strstr(text, NL "a=sendrecv" NL));
			assert_non_null(strstr(text, c.path));
			request(&c, "ACK", c.target, "", "");
		}
		assert_string_equal(phone_header(text, "Session-Expires"), "90;refresher=uac");
	}
	say(&c, "", "and last");
	assert_msrp(next_of(c.stream), 200);
	while ((text = request_within(alice, 1)) == NULL)
		waited_s++;
	assert_memory_equal(text, "BYE ", 4);
	assert_in_range(waited_s, 58, 71);
	answer_inside(alice, text, "200 OK", "", "");
	assert_int_equal(sim_metric(&sim, METRIC_sip_refreshes_in), 3);
	assert_int_equal(sim_metric(&sim, METRIC_sip_sessions_expired), 1);
	assert_nothing_left();
}

/* A proxy asks for the timer, and the device knows none: we refresh (RFC 4028, 9). */
static void a_chat_of_a_device_without_timers_is_refreshed_by_us(void **state)
{
	static const struct {
		const char *allow, *method;
	} cases[] = {{"", "INVITE "}, {"Allow: INVITE, UPDATE" NL, "UPDATE "}};
	struct phone *alice = registered();
	char          sdp[1024], lines[128];

	(void)state;
	put_sdp(sdp, "sendrecv");
	for (unsigned i = 0; i < 2; i++) {
		struct chat c;
		const char *text;

		snprintf(lines, sizeof(lines), "Session-Expires: 90" NL "%s", cases[i].allow);
		text = invite_with(&c, alice, "sendrecv", lines);
		assert_string_equal(phone_header(text, "Session-Expires"), "90;refresher=uas");
		assert_string_equal(phone_header(text, "Require"), "");
		establish(&c, text);
		for (unsigned k = 0; k < 2; k++) {
			say(&c, "", "hej");
			assert_msrp(next_of(c.stream), 200);
			text = request_within(alice, 46);
			assert_non_null(text);
			assert_memory_equal(text, cases[i].method, 7);
			assert_string_equal(phone_header(text, "Session-Expires"),
					    "90;refresher=uac");
			assert_string_equal(phone_header(text, "Supported"), "timer");
			assert_string_equal(phone_header(text, "Call-ID"), c.id);
			if (i == 1) {
				assert_string_equal(phone_body(text), "");
				answer_inside(alice, text, "200 OK",
					      "Session-Expires: 90;refresher=uac" NL, "");
				continue;
			}
			assert_non_null(strstr(text, c.path));
			answer_inside(alice, text, "200 OK",
				      "Session-Expires: 90;refresher=uac" NL
				      "Content-Type: application/sdp" NL,
				      sdp);
			text = next_of(alice);
			assert_non_null(text);
			assert_memory_equal(text, "ACK ", 4);
		}
		/* It knows the dialog no more. */
		say(&c, "", "hej");
		assert_msrp(next_of(c.stream), 200);
		text = request_within(alice, 46);
		assert_non_null(text);
		answer_inside(alice, text, "481 Gone", "", "");
		do
			text = next_of(alice);
		while (text != NULL && memcmp(text, "ACK ", 4) == 0);
		assert_non_null(text);
		assert_memory_equal(text, "BYE ", 4);
		answer_inside(alice, text, "481 Gone", "", "");
		phone_reset(c.stream);
		pass(40);
		assert_null(phone_take(alice));
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_refreshes_out), 6);
	assert_int_equal(sim_metric(&sim, METRIC_sip_sessions_expired), 2);
	assert_nothing_left();
}

static void an_answer_without_a_timer_ends_it_and_a_larger_one_is_kept(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;

	(void)state;
	text = invite_with(&c, alice, "sendrecv",
			   "Session-Expires: 90" NL "Allow: INVITE, UPDATE" NL);
	establish(&c, text);
	say(&c, "", "hej");
	assert_msrp(next_of(c.stream), 200);
	text = request_within(alice, 46);
	assert_non_null(text);
	assert_memory_equal(text, "UPDATE ", 7);
	answer_inside(alice, text, "422 Too Small", "Min-SE: 200" NL, "");
	text = request_within(alice, 11);
	assert_non_null(text);
	assert_string_equal(phone_header(text, "Session-Expires"), "200;refresher=uac");
	answer_inside(alice, text, "200 OK", "", "");
	say(&c, "", "hej");
	assert_msrp(next_of(c.stream), 200);
	assert_null(request_within(alice, 115));
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

static void an_interval_that_is_too_small_is_refused_with_the_least(void **state)
{
	struct phone *alice = registered();
	struct chat   c;
	const char   *text;
	char          sdp[1024];

	(void)state;
	text = invite_with(&c, alice, "sendrecv", "Supported: timer" NL "Session-Expires: 60" NL);
	assert_status(text, "422");
	assert_string_equal(phone_header(text, "Min-SE"), "90");
	sequence = c.branch - 1; /* its ACK is of the same transaction */
	request(&c, "ACK", "tel:+46701234567", "", "");
	sequence += 100;
	begin(&c, alice, "sendrecv");
	put_sdp(sdp, "sendrecv");
	for (unsigned i = 0; i < 4; i++) {
		static const struct {
			const char *method, *more, *status;
			bool        offers;
		} cases[] = {
			{"UPDATE", "Supported: timer" NL "Session-Expires: 60" NL, "422", false},
			{"UPDATE", "Session-Expires: soon" NL, "400", false},
			{"UPDATE", "Content-Type: application/sdp" NL, "488", true},
			{"INVITE", "Supported: timer" NL "Session-Expires: 60" NL, "422", false},
		};

		c.cseq++;
		request(&c, cases[i].method, c.target, cases[i].more, cases[i].offers ? sdp : "");
		assert_status(answer_of(alice), cases[i].status);
		if (strcmp(cases[i].method, "INVITE") == 0)
			request(&c, "ACK", c.target, "", "");
	}
	/* Another path is another session. */
	c.cseq++;
	memcpy(strstr(sdp, "theirs"), "others", 6);
	request(&c, "INVITE", c.target, "Content-Type: application/sdp" NL, sdp);
	assert_status(answer_of(alice), "488");
	request(&c, "ACK", c.target, "", "");
	say(&c, "", "the chat goes on");
	assert_msrp(next_of(c.stream), 200);
	bye(&c);
	phone_reset(c.stream);
	assert_nothing_left();
}

/* ---- two workers: a chat is where its Call-ID leads, what comes where the centre's link is ----
 */

static unsigned worker_of(const struct chat *c)
{
	return (unsigned)strtoul(c->path + 18, NULL, 10) - 9100;
}

/* Until there is one at that worker; others end. */
static void begin_at(struct chat *c, struct phone *p, unsigned worker)
{
	for (unsigned i = 0; i < 40; i++) {
		accepted(c, invite(c, p, "sendrecv"));
		if (worker_of(c) == worker) {
			connected(c);
			say(c, "", "which names the stream");
			assert_msrp(next_of(c->stream), 200);
			return;
		}
		bye(c);
	}
	fail_msg("none of 40 chats is at worker %u", worker);
}

static void assert_said(struct chat *c, const char *text)
{
	char        wanted[64];
	const char *said;

	centre_sends_text("+46701234567", "+46731234567", text);
	said = next_of(c->stream);
	assert_non_null(said);
	assert_memory_equal(said, "MSRP ", 5);
	snprintf(wanted, sizeof(wanted), NL NL "%s" NL "-------", text);
	assert_non_null(strstr(said, wanted));
	take(c, said);
}

static void assert_by_message(struct phone *p, const char *from, const char *text)
{
	const char *said;

	centre_sends_text(from, "+46731234567", text);
	said = next_of(p);
	assert_non_null(said);
	assert_memory_equal(said, "MESSAGE ", 8);
	phone_answer(p, said, "200 OK", "");
}

static void what_one_worker_has_is_said_in_the_chat_of_another(void **state)
{
	struct phone *alice = registered();

	(void)state;
	for (unsigned worker = 0; worker < 2; worker++) {
		struct chat c;

		begin_at(&c, alice, worker);
		assert_said(&c, "svar");
		say(&c,
		    "imdn.Message-ID: 34jk324j" NL
		    "imdn.Disposition-Notification: positive-delivery" NL,
		    "is it there?");
		assert_msrp(next_of(c.stream), 200);
		assert_said(&c, "and again");
		sim_pass(&sim, US_PER_SECOND);
		assert_null(phone_take(alice)); /* nothing beside the chat */
		assert_by_message(alice, "+46709999999", "of somebody else");
		bye(&c);
		assert_by_message(alice, "+46701234567", "late");
		phone_reset(c.stream);
	}
	assert_nothing_left();
}

/* At each worker two of the same; the one with the index ends first. */
static void end_one_of_two(unsigned ends)
{
	struct phone *alice = registered();

	for (unsigned worker = 0; worker < 2; worker++) {
		struct chat chats[2], *left = &chats[1 - ends];

		for (unsigned i = 0; i < 2; i++)
			begin_at(&chats[i], alice, worker);
		bye(&chats[ends]);
		assert_said(left, "still here");
		bye(left);
		assert_by_message(alice, "+46701234567", "late");
	}
	assert_nothing_left();
}

static void the_later_of_two_chats_at_one_worker_hears_when_the_earlier_ended(void **state)
{
	(void)state;
	end_one_of_two(0);
}

static void the_earlier_of_two_chats_at_one_worker_hears_when_the_later_ended(void **state)
{
	(void)state;
	end_one_of_two(1);
}

/* The only one that is there; NULL: none. */
static _Atomic uint64_t *mark_there(void)
{
	_Atomic uint64_t *there = NULL;

	for (size_t i = 0; i < CHATS_MARKS; i++) {
		if (atomic_load(&sim.dp.chats.marks[i]) == 0)
			continue;
		assert_null(there);
		there = &sim.dp.chats.marks[i];
	}
	return there;
}

/* What comes is said where the message is at the chat's worker, else it is a MESSAGE, and the chat
 * does not take the other pair's mark with it. */
static void a_chat_whose_mark_another_pair_has_taken_is_found_by_its_own_worker_alone(void **state)
{
	struct phone *alice = registered();
	unsigned      said_count = 0;

	(void)state;
	for (unsigned worker = 0; worker < 2; worker++) {
		struct chat       c;
		_Atomic uint64_t *mark;
		uint64_t          theirs;
		const char       *said;

		begin_at(&c, alice, worker);
		mark = mark_there();
		assert_non_null(mark);
		theirs = atomic_load(mark) ^ UINT64_C(1) << 63;
		atomic_store(mark, theirs);
		centre_sends_text("+46701234567", "+46731234567", "svar");
		sim_pass(&sim, US_PER_SECOND / 5); /* less than T1 */
		said = phone_take(c.stream);
		if (said != NULL) {
			said_count++;
			take(&c, said);
			assert_null(phone_take(alice));
		} else {
			said = phone_take(alice);
			assert_non_null(said);
			assert_memory_equal(said, "MESSAGE ", 8);
			phone_answer(alice, said, "200 OK", "");
		}
		bye(&c);
		sim_pass(&sim, US_PER_SECOND);
		assert_true(atomic_load(mark) == theirs);
		atomic_store(mark, 0);
		assert_int_equal(atomic_load(&sim.dp.chats.open), 0);
	}
	assert_int_equal(said_count, 1);
	assert_nothing_left();
}

int main(void)
{
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
#define ONE(f) cmocka_unit_test_setup_teardown(f, world_chat, world_end)
	const struct CMUnitTest tests[] = {
		ONE(what_is_said_in_a_chat_are_short_messages_and_the_answers_are_said_there),
		ONE(a_receipt_is_told_in_the_chat_and_a_refusal_by_its_answer),
		ONE(messages_may_follow_each_other_without_waiting),
		ONE(writing_is_told_and_costs_no_short_message),
		ONE(a_chat_ends_with_its_stream_or_when_nobody_says_anything),
		ONE(who_only_talks_hears_by_message),
		ONE(there_are_no_more_chats_than_may_be),
		ONE(a_device_that_refreshes_its_chat_keeps_it_and_one_that_stops_loses_it),
		ONE(a_chat_of_a_device_without_timers_is_refreshed_by_us),
		ONE(an_answer_without_a_timer_ends_it_and_a_larger_one_is_kept),
		ONE(an_interval_that_is_too_small_is_refused_with_the_least),
		TWO(what_one_worker_has_is_said_in_the_chat_of_another),
		TWO(a_chat_whose_mark_another_pair_has_taken_is_found_by_its_own_worker_alone),
		TWO(the_later_of_two_chats_at_one_worker_hears_when_the_earlier_ended),
		TWO(the_earlier_of_two_chats_at_one_worker_hears_when_the_later_ended),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip_chat", tests, NULL, NULL);
}
