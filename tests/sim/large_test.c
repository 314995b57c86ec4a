/* Large messages through the whole dataplane: INVITE, MSRP, BYE, both ways to and from SMPP. */
#include "test.h"

#include "sip_world.h"

#define NL "\r\n"
#define THEIR_PORT 7654
#define THEIR_PATH "msrp://198.18.0.2:7654/theirs;tcp"

static char text[65536];

static const char *text_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i % 60 == 59 ? ' ' : 'a' + (i * 7 + i / 60) % 26);
	text[n] = '\0';
	return text;
}

/* ---- one call of a device, by text ---- */

struct call {
	struct phone *phone, *stream;
	char          to[512], target[512], path[512], id[32];
	unsigned      port, cseq;
};

static const char *answer_of(struct phone *p)
{
	const char *answer;

	do
		answer = next_of(p);
	while (answer != NULL && strncmp(answer, "SIP/2.0 1", 9) == 0);
	return answer;
}

static const char *attribute(const char *sdp, const char *name)
{
	static char room[512];
	char        line[64];
	const char *at;

	snprintf(line, sizeof(line), "\na=%s:", name);
	at = strstr(sdp, line);
	if (at == NULL)
		return "";
	at += strlen(line);
	snprintf(room, sizeof(room), "%.*s", (int)strcspn(at, "\r\n"), at);
	return room;
}

static const char *offer(const char *setup, const char *more)
{
	static char room[1024];

	snprintf(room, sizeof(room),
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message %u TCP/MSRP *" NL "a=accept-types:message/cpim" NL
		 "a=accept-wrapped-types:*" NL "a=path:" THEIR_PATH NL "%s%s%s"
		 "a=sendonly" NL "%s",
		 THEIR_PORT, *setup != '\0' ? "a=setup:" : "", setup, *setup != '\0' ? NL : "",
		 more);
	return room;
}

static void request(struct call *c, const char *method, const char *uri, const char *more,
		    const char *body)
{
	phone_send(c->phone,
		   "%s %s SIP/2.0" NL "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bK%s%u" NL
		   "Max-Forwards: 70" NL "From: <sip:+46705559999@example.org>;tag=%s" NL
		   "To: %s" NL "Call-ID: %s" NL "CSeq: %u %s" NL
		   "Contact: <sip:carol@198.18.0.2:%u>" NL "%sContent-Length: %zu" NL NL "%s",
		   method, uri, c->phone->port, c->id, ++sequence, c->id, c->to, c->id, c->cseq,
		   method, c->phone->port, more, strlen(body), body);
}

/* Its final answer. */
static const char *invite(struct call *c, struct phone *p, const char *number, const char *sdp)
{
	char uri[128];

	*c = (struct call){.phone = p, .cseq = 1};
	snprintf(uri, sizeof(uri), "sip:%s@example.org;user=phone", number);
	snprintf(c->to, sizeof(c->to), "<%s>", uri);
	snprintf(c->id, sizeof(c->id), "call%u", ++sequence);
	request(c, "INVITE", uri,
		"Conversation-ID: conversation-1" NL "Content-Type: application/sdp" NL, sdp);
	return answer_of(p);
}

/* The 200 is here: ACK. */
static void accepted(struct call *c, const char *answer)
{
	const char *contact;

	assert_status(answer, "200");
	snprintf(c->to, sizeof(c->to), "%s", phone_header(answer, "To"));
	contact = strchr(phone_header(answer, "Contact"), '<');
	assert_non_null(contact);
	snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(contact + 1, ">"), contact + 1);
	snprintf(c->path, sizeof(c->path), "%s", attribute(phone_body(answer), "path"));
	assert_memory_equal(c->path, "msrp://198.18.0.1:", 18);
	c->port = (unsigned)strtoul(c->path + 18, NULL, 10);
	request(c, "ACK", c->target, "", "");
}

static bool          stream_open(struct sim *s);
static struct phone *waited;

static struct phone *opened(struct phone *p)
{
	waited = p;
	assert_true(sim_until(&sim, stream_open, 5 * US_PER_SECOND));
	return p;
}

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

static bool stream_over(struct sim *s)
{
	(void)s;
	return !waited->open;
}

static void over(struct phone *p, uint64_t within_us)
{
	waited = p;
	assert_true(sim_until(&sim, stream_over, within_us));
}

/* A call that is accepted, and the stream that the device opens for it. */
static void called(struct call *c, struct phone *p, const char *number)
{
	accepted(c, invite(c, p, number, offer("actpass", "")));
	c->stream = opened(phone_msrp(&sim.host, (uint16_t)c->port));
}

static void bye(struct call *c)
{
	c->cseq++;
	request(c, "BYE", c->target, "", "");
	assert_status(answer_of(c->phone), "200");
}

/* Bytes first .. last of a content, 1 .. */
static void send_chunk(struct call *c, const char *content, size_t first, size_t last, size_t total,
		       const char *more)
{
	sequence++;
	phone_send(c->stream,
		   "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "Message-ID: m-%s" NL "Byte-Range: %zu-%zu/%zu" NL "%s"
		   "Content-Type: message/cpim" NL NL "%.*s" NL "-------tr-%u%c" NL,
		   sequence, c->path, c->id, first, last, total, more, (int)(last - first + 1),
		   content + first - 1, sequence, last == total ? '$' : '+');
}

static const char *content_of(const char *number, const char *body)
{
	static char room[70000];

	snprintf(room, sizeof(room),
		 "From: <sip:carol@example.org>" NL "To: <tel:%s>" NL NL
		 "Content-Type: text/plain; charset=utf-8" NL         NL "%s",
		 number, body);
	return room;
}

/* All of it, in chunks as long as one text of the phone may be; the answer to the last. */
static const char *send_content(struct call *c, const char *content)
{
	size_t      total = strlen(content);
	const char *answer = NULL;

	for (size_t at = 0; at < total; at += 3000) {
		send_chunk(c, content, at + 1, at + 3000 < total ? at + 3000 : total, total, "");
		answer = next_of(c->stream);
		assert_non_null(answer);
		if (at + 3000 < total)
			assert_non_null(strstr(answer, " 200 OK" NL));
	}
	return answer;
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

/* ---- from a device ---- */

static void assert_nothing_left(void)
{
	sim_pass(&sim, 40 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
}

static void a_long_text_of_a_device_reaches_a_message_centre(void **state)
{
	static const size_t sizes[] = {1, 10000, 60000};
	struct phone       *carol = phone_udp(&sim.host, 5080);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct call c;

		called(&c, carol, "+46701234567");
		assert_true(c.port == 9100 || c.port == 9101);
		assert_msrp(send_content(&c, content_of("+46701234567", text_of(sizes[i]))), 200);
		assert_int_equal(centre.count, i + 1);
		assert_string_equal(centre.to, "+46701234567");
		assert_string_equal(centre.text, text);
		bye(&c);
		phone_reset(c.stream);
	}
	assert_nothing_left();
}

/* By their Call-ID dialogs are spread over workers, and each has its own port. */
static void each_worker_takes_messages_at_its_own_port(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	unsigned      at[2] = {0};

	(void)state;
	for (unsigned n = 0; n < 5 || at[0] == 0 || at[1] == 0; n++) {
		struct call c;

		assert_true(n < 40);
		accepted(&c, invite(&c, carol, "+46701234567", offer("actpass", "")));
		at[c.port - 9100]++;
		bye(&c);
	}
	assert_nothing_left();
}

static void who_offers_to_wait_is_connected_to(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct call   c;
	const char   *hello;
	char          transaction[64];

	(void)state;
	c.stream = phone_msrp_listen(&sim.host, THEIR_PORT);
	{
		struct phone *stream = c.stream;

		accepted(&c, invite(&c, carol, "+46701234567", offer("passive", "")));
		c.stream = opened(stream);
	}
	hello = next_of(c.stream);
	assert_non_null(hello);
	assert_string_equal(phone_header(hello, "To-Path"), THEIR_PATH);
	assert_string_equal(phone_header(hello, "From-Path"), c.path);
	snprintf(transaction, sizeof(transaction), "%.*s", (int)strcspn(hello + 5, " "), hello + 5);
	phone_send(c.stream,
		   "MSRP %s 200 OK" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL "-------%s$" NL,
		   transaction, c.path, transaction);
	assert_msrp(send_content(&c, content_of("+46701234567", text_of(5000))), 200);
	assert_string_equal(centre.text, text);
	bye(&c);
	assert_nothing_left();
}

/* ---- a middlebox that anchors streams (RFC 6714): c= and m= are its own, the path stays ---- */

#define BOX_PORT 7655
#define INSIDE_PATH "msrp://10.1.1.1:7654/theirs;tcp"

/* Of a device that the box hides: what it says of itself, and what the box puts in its place. */
static const char *through_box(const char *setup, const char *address, bool cema)
{
	static char room[1024];

	snprintf(room, sizeof(room),
		 "v=0" NL "o=- 1 1 IN IP4 10.1.1.1" NL "s=-" NL "c=IN IP4 10.1.1.1" NL "t=0 0" NL
		 "m=message %u TCP/MSRP *" NL "c=IN IP4 %s" NL "a=accept-types:message/cpim" NL
		 "a=accept-wrapped-types:*" NL "a=path:" INSIDE_PATH NL "a=setup:%s" NL "%s"
		 "a=sendonly" NL,
		 BOX_PORT, address, setup, cema ? "a=msrp-cema" NL : "");
	return room;
}

static void a_stream_goes_to_the_middlebox_of_who_offers_and_names_the_path_within(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct phone *box = phone_msrp_listen(&sim.host, BOX_PORT);
	struct call   c;
	const char   *hello, *answer;
	char          transaction[64];

	(void)state;
	c.stream = box;
	answer = invite(&c, carol, "+46701234567", through_box("passive", "198.18.0.2", true));
	assert_non_null(strstr(answer, NL "a=msrp-cema" NL));
	accepted(&c, answer);
	c.stream = opened(box);
	hello = next_of(c.stream);
	assert_non_null(hello);
	assert_string_equal(phone_header(hello, "To-Path"), INSIDE_PATH);
	assert_string_equal(phone_header(hello, "From-Path"), c.path);
	snprintf(transaction, sizeof(transaction), "%.*s", (int)strcspn(hello + 5, " "), hello + 5);
	phone_send(c.stream,
		   "MSRP %s 200 OK" NL "To-Path: %s" NL "From-Path: " INSIDE_PATH NL
		   "-------%s$" NL,
		   transaction, c.path, transaction);
	assert_msrp(send_content(&c, content_of("+46701234567", text_of(5000))), 200);
	assert_string_equal(centre.text, text);
	bye(&c);
	assert_nothing_left();
}

/* Ours is rewritten likewise: the box comes from its own port, by our m= line. */
static void a_stream_comes_from_the_middlebox_of_who_calls_us(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct call   c;
	const char   *answer, *medium;

	(void)state;
	answer = invite(&c, carol, "+46701234567", through_box("active", "198.18.0.2", true));
	assert_status(answer, "200");
	assert_non_null(strstr(answer, NL "c=IN IP4 198.18.0.1" NL));
	assert_non_null(strstr(answer, NL "a=msrp-cema" NL));
	medium = strstr(answer, NL "m=message ");
	assert_non_null(medium);
	medium += 12;
	c.port = (unsigned)strtoul(medium, NULL, 10);
	accepted(&c, answer);
	c.stream = opened(phone_msrp(&sim.host, (uint16_t)c.port));
	assert_msrp(send_content(&c, content_of("+46701234567", text_of(5000))), 200);
	assert_string_equal(centre.text, text);
	bye(&c);
	assert_nothing_left();
}

static bool bye_came(struct sim *s)
{
	(void)s;
	return waited->got_count > 0;
}

/* Nobody is there. */
static void who_does_not_say_that_it_has_cema_is_where_its_path_says(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct phone *box = phone_msrp_listen(&sim.host, BOX_PORT);
	struct call   c;
	const char   *answer, *said;

	(void)state;
	answer = invite(&c, carol, "+46701234567", through_box("passive", "198.18.0.2", false));
	assert_status(answer, "200");
	assert_null(strstr(answer, "msrp-cema"));
	accepted(&c, answer);
	waited = carol;
	assert_true(sim_until(&sim, bye_came, 12 * US_PER_SECOND));
	said = next_of(carol);
	assert_memory_equal(said, "BYE ", 4);
	phone_answer(carol, said, "200 OK", "");
	assert_false(box->open);
	assert_nothing_left();
}

static void an_offer_that_waits_where_nobody_can_be_is_refused(void **state)
{
	static const char *const addresses[] = {"233.252.0.1/127", "nobody.example"};
	struct phone            *carol = phone_udp(&sim.host, 5080);

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct call c;

		assert_status(invite(&c, carol, "+46701234567",
				     through_box("passive", addresses[i], true)),
			      "488");
		request(&c, "ACK", "sip:+46701234567@example.org", "", "");
	}
	assert_nothing_left();
}

static void what_the_pipeline_refuses_is_told_in_words_of_msrp_and_ended(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct call   c;
	const char   *said;

	(void)state;
	called(&c, carol, "+46991234567"); /* no route */
	assert_msrp(send_content(&c, content_of("+46991234567", text_of(5000))), 403);
	said = next_of(carol);
	assert_non_null(said);
	assert_memory_equal(said, "BYE ", 4);
	phone_answer(carol, said, "200 OK", "");
	phone_reset(c.stream);
	assert_nothing_left();
}

static void more_than_was_said_or_may_be_is_refused(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct call   c;

	(void)state;
	assert_status(invite(&c, carol, "+46701234567",
			     offer("actpass", "a=file-selector:size:1000000" NL)),
		      "413");
	called(&c, carol, "+46701234567");
	send_chunk(&c, content_of("+46701234567", text_of(60000)), 1, 2000, 1000000, "");
	assert_msrp(next_of(c.stream), 413);
	assert_memory_equal(next_of(carol), "BYE ", 4);
	assert_int_equal(centre.count, 0);
}

static void what_is_no_offer_of_a_message_is_refused(void **state)
{
	static const struct {
		const char *find, *put, *status;
	} cases[] = {
		{"TCP/MSRP", "TCP/TLS/MSRP", "488"},
		{"m=message", "m=audio", "488"},
		{"a=path:msrp", "a=nopath:msrp", "488"},
		{"a=sendonly", "a=recvonly", "488"},
		{"v=0", "x=0", "400"},
		{"a=path:msrp:", "a=path:http:", "488"},
	};
	struct phone *carol = phone_udp(&sim.host, 5080);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct call c;
		char        sdp[1024];
		const char *good = offer("actpass", ""), *at = strstr(good, cases[i].find);

		snprintf(sdp, sizeof(sdp), "%.*s%s%s", (int)(at - good), good, cases[i].put,
			 at + strlen(cases[i].find));
		assert_status(invite(&c, carol, "+46701234567", sdp), cases[i].status);
		request(&c, "ACK", "sip:+46701234567@example.org", "", "");
	}
	assert_nothing_left();
}

static void a_connection_cut_in_the_middle_ends_the_dialog_and_delivers_nothing(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080);
	struct call   c;
	const char   *said;

	(void)state;
	called(&c, carol, "+46701234567");
	send_chunk(&c, content_of("+46701234567", text_of(20000)), 1, 3000, 20100, "");
	assert_msrp(next_of(c.stream), 200);
	phone_reset(c.stream);
	said = next_of(carol);
	assert_non_null(said);
	assert_memory_equal(said, "BYE ", 4);
	assert_string_equal(phone_header(said, "Call-ID"), c.id);
	phone_answer(carol, said, "200 OK", "");
	assert_nothing_left();
	assert_int_equal(centre.count, 0);
}

static void whoever_stands_still_or_does_not_come_is_given_up(void **state)
{
	static const struct {
		bool     comes;
		uint64_t within_us;
	} cases[] = {{false, 11 * US_PER_SECOND}, {true, 61 * US_PER_SECOND}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct phone *carol = phone_udp(&sim.host, (uint16_t)(5080 + i));
		struct call   c;

		if (cases[i].comes) {
			called(&c, carol, "+46701234567");
			send_chunk(&c, content_of("+46701234567", text_of(20000)), 1, 3000, 20100,
				   "");
			assert_msrp(next_of(c.stream), 200);
		} else {
			accepted(&c, invite(&c, carol, "+46701234567", offer("actpass", "")));
		}
		waited = carol;
		assert_false(sim_until(&sim, bye_came, cases[i].within_us - 2 * US_PER_SECOND));
		assert_true(sim_until(&sim, bye_came, 4 * US_PER_SECOND));
		assert_memory_equal(next_of(carol), "BYE ", 4);
	}
}

static void a_second_stream_for_a_session_is_refused_and_the_first_goes_on(void **state)
{
	struct phone *carol = phone_udp(&sim.host, 5080), *first;
	struct call   c;
	const char   *content = content_of("+46701234567", text_of(5000));
	size_t        total = strlen(content);

	(void)state;
	called(&c, carol, "+46701234567");
	send_chunk(&c, content, 1, 3000, total, "");
	assert_msrp(next_of(c.stream), 200);
	first = c.stream;
	c.stream = opened(phone_msrp(&sim.host, (uint16_t)c.port));
	send_chunk(&c, content, 3001, total, total, "");
	assert_msrp(next_of(c.stream), 506);
	over(c.stream, US_PER_SECOND);
	c.stream = first;
	send_chunk(&c, content, 3001, total, total, "");
	assert_msrp(next_of(c.stream), 200);
	assert_string_equal(centre.text, text);
	bye(&c);
}

static void a_session_that_is_not_there_is_told_at_the_port_of_either_worker(void **state)
{
	(void)state;
	for (uint16_t port = 9100; port <= 9101; port++) {
		struct phone *p = opened(phone_msrp(&sim.host, port));

		phone_send(p,
			   "MSRP a786hjs2 SEND" NL "To-Path: msrp://198.18.0.1:%u/nobody;tcp" NL
			   "From-Path: " THEIR_PATH NL "Message-ID: 87652491" NL
			   "-------a786hjs2$" NL,
			   port);
		assert_msrp(next_of(p), 481);
		over(p, US_PER_SECOND);
	}
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_MSRP_SESSION), 4);
}

static void a_stream_that_says_something_else_or_nothing_is_closed(void **state)
{
	struct phone *p = opened(phone_msrp(&sim.host, 9101));

	(void)state;
	phone_send(p, "GET / HTTP/1.1" NL NL);
	over(p, US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_MSRP_START_LINE), 1);
	p = opened(phone_msrp(&sim.host, 9100));
	over(p, 10 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_BIND_TIMEOUT), 1);
}

/* ---- to a device ---- */

#define ALICE "+46731234567"
#define FEATURE                                                                                    \
	"+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.msg,"                    \
	"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.largemsg\""

static struct phone *registered(void)
{
	struct phone *p = phone_udp(&sim.host, 5080);

	sequence++;
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0" NL
		   "Via: SIP/2.0/UDP 198.18.0.2:5080;rport;branch=z9hG4bKr%u" NL
		   "Max-Forwards: 70" NL "From: <sip:alice@example.org>;tag=f%u" NL
		   "To: <sip:alice@example.org>" NL "Call-ID: reg%u" NL "CSeq: %u REGISTER" NL
		   "Contact: <sip:alice@198.18.0.2:5080>;" FEATURE NL "Content-Length: 0" NL NL,
		   sequence, sequence, sequence, sequence);
	assert_status(next_of(p), "200");
	return p;
}

/* The device's answer to the INVITE, with whom ->stream says it waits or goes for. */
static void answer_invite_at(struct call *c, struct phone *p, const char *invitation, unsigned port,
			     const char *setup, const char *more)
{
	char sdp[1024], vias[512];

	*c = (struct call){.phone = p};
	assert_non_null(invitation);
	assert_memory_equal(invitation, "INVITE ", 7);
	snprintf(c->path, sizeof(c->path), "%s", attribute(phone_body(invitation), "path"));
	c->port = (unsigned)strtoul(c->path + 18, NULL, 10);
	assert_non_null(strstr(invitation, "\na=setup:actpass\r"));
	assert_non_null(strstr(invitation, "\na=sendonly\r"));
	assert_non_null(strstr(invitation, "\na=msrp-cema\r"));
	assert_non_null(strstr(phone_header(invitation, "Accept-Contact"), "cpm.largemsg"));
	assert_int_equal(strlen(phone_header(invitation, "Conversation-ID")), 32);
	snprintf(vias, sizeof(vias), "%s", phone_header(invitation, "Via"));
	snprintf(sdp, sizeof(sdp),
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message %u TCP/MSRP *" NL "a=accept-types:message/cpim" NL
		 "a=path:" THEIR_PATH NL "%s%s%s"
		 "a=recvonly" NL "%s",
		 port, *setup != '\0' ? "a=setup:" : "", setup, *setup != '\0' ? NL : "", more);
	phone_send(p,
		   "SIP/2.0 200 OK" NL "Via: %s" NL "From: %s" NL "To: %s;tag=phone" NL
		   "Call-ID: %s" NL "CSeq: %s" NL "Contact: <sip:alice@198.18.0.2:5080>" NL
		   "Content-Type: application/sdp" NL "Content-Length: %zu" NL NL "%s",
		   vias, phone_header(invitation, "From"), phone_header(invitation, "To"),
		   phone_header(invitation, "Call-ID"), phone_header(invitation, "CSeq"),
		   strlen(sdp), sdp);
}

static void answer_invite(struct call *c, struct phone *p, const char *invitation,
			  const char *setup, const char *more)
{
	answer_invite_at(c, p, invitation, THEIR_PORT, setup, more);
}

static void respond(struct call *c, const char *chunk, const char *status)
{
	int n = (int)strcspn(chunk + 5, " ");

	phone_send(c->stream,
		   "MSRP %.*s %s" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL "-------%.*s$" NL,
		   n, chunk + 5, status, c->path, n, chunk + 5);
}

/* All chunks, in order, answered; their text. */
static const char *taken(struct call *c)
{
	static char content[70000];
	size_t      size = 0;

	for (bool last = false; !last;) {
		const char *chunk = next_of(c->stream), *body, *end;

		assert_non_null(chunk);
		assert_string_equal(phone_header(chunk, "To-Path"), THEIR_PATH);
		assert_int_equal(strtoul(phone_header(chunk, "Byte-Range"), NULL, 10), size + 1);
		body = phone_body(chunk);
		end = strstr(body, "\r\n-------");
		assert_non_null(end);
		memcpy(content + size, body, (size_t)(end - body));
		size += (size_t)(end - body);
		last = strchr(end + 9, '$') != NULL;
		respond(c, chunk, "200 OK");
	}
	content[size] = '\0';
	return phone_body(
		phone_body(content)); /* behind the headers of CPIM and of what it wraps */
}

static void ended_by_bye(struct phone *p)
{
	const char *said = next_of(p);

	assert_non_null(said);
	assert_memory_equal(said, "BYE ", 4);
	phone_answer(p, said, "200 OK", "");
}

static void a_long_text_of_an_esme_goes_to_a_device_whoever_connects(void **state)
{
	static const struct {
		const char *setup;
		bool        comes; /* it connects */
	} cases[] = {{"active", true}, {"passive", false}, {"", false}};
	struct phone *alice = registered(), *listener = phone_msrp_listen(&sim.host, THEIR_PORT);

	(void)state;
	esme_begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct call c;

		esme_answers = 0;
		listener->open = false;
		submit(ALICE, text_of(3000 + 20000 * i), 0);
		answer_invite(&c, alice, next_of(alice), cases[i].setup, "");
		assert_memory_equal(next_of(alice), "ACK ", 4);
		c.stream =
			opened(cases[i].comes ? phone_msrp(&sim.host, (uint16_t)c.port) : listener);
		if (cases[i].comes) {
			phone_send(c.stream,
				   "MSRP hello1 SEND" NL "To-Path: %s" NL
				   "From-Path: " THEIR_PATH NL "Message-ID: m-hello" NL
				   "-------hello1$" NL,
				   c.path);
			assert_msrp(next_of(c.stream), 200);
		}
		assert_string_equal(taken(&c), text);
		assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
		assert_int_equal(esme_answer.why, REASON_NONE);
		ended_by_bye(alice);
	}
	assert_nothing_left();
}

/* At the port of the path somebody else waits, who must hear nothing. */
static void a_long_text_goes_to_the_middlebox_of_the_device_that_answers(void **state)
{
	static const char *const setups[] = {"passive", ""};
	struct phone            *alice = registered();
	struct phone            *wrong = phone_msrp_listen(&sim.host, THEIR_PORT);
	struct phone            *box = phone_msrp_listen(&sim.host, BOX_PORT);

	(void)state;
	esme_begin();
	for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
		struct call c;

		esme_answers = 0;
		box->open = false;
		submit(ALICE, text_of(3000), 0);
		answer_invite_at(&c, alice, next_of(alice), BOX_PORT, setups[i], "a=msrp-cema" NL);
		assert_memory_equal(next_of(alice), "ACK ", 4);
		c.stream = opened(box);
		assert_string_equal(taken(&c), text);
		assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
		assert_int_equal(esme_answer.why, REASON_NONE);
		ended_by_bye(alice);
		assert_false(wrong->open);
	}
	assert_nothing_left();
}

static void what_a_device_refuses_is_told_to_the_sender(void **state)
{
	struct phone *alice = registered(), *listener = phone_msrp_listen(&sim.host, THEIR_PORT);
	struct call   c;
	const char   *chunk;

	(void)state;
	esme_begin();
	submit(ALICE, text_of(3000), 0);
	answer_invite(&c, alice, next_of(alice), "passive", "");
	assert_memory_equal(next_of(alice), "ACK ", 4);
	c.stream = opened(listener);
	chunk = next_of(c.stream);
	assert_non_null(chunk);
	respond(&c, chunk, "413 Too much");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_not_equal(esme_answer.why, REASON_NONE);
	ended_by_bye(alice);
	assert_nothing_left();
}

static void a_refused_invite_and_one_that_is_too_small_are_told_to_the_sender(void **state)
{
	struct phone *alice = registered();
	struct call   c;
	const char   *invitation;

	(void)state;
	esme_begin();
	submit(ALICE, text_of(3000), 0);
	invitation = next_of(alice);
	assert_non_null(invitation);
	phone_answer(alice, invitation, "603 Decline", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_not_equal(esme_answer.why, REASON_NONE);
	assert_memory_equal(next_of(alice), "ACK ", 4);
	esme_answers = 0;
	submit(ALICE, text_of(3000), 0);
	answer_invite(&c, alice, next_of(alice), "passive", "a=max-size:2000" NL);
	assert_memory_equal(next_of(alice), "ACK ", 4);
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_not_equal(esme_answer.why, REASON_NONE);
	ended_by_bye(alice);
	assert_nothing_left();
}

static void what_a_device_cannot_get_goes_to_the_next_target(void **state)
{
	struct phone *alice = registered(), *listener;
	struct call   c;

	(void)state;
	esme_begin();
	submit(ALICE, text_of(3000), 0);
	answer_invite(&c, alice, next_of(alice), "passive", ""); /* nobody listens */
	assert_memory_equal(next_of(alice), "ACK ", 4);
	assert_true(sim_until(&sim, esme_answered, 10 * US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.text, text);
	ended_by_bye(alice);
	listener = phone_msrp_listen(&sim.host, THEIR_PORT);
	esme_answers = 0;
	submit(ALICE, text_of(60000), 0);
	answer_invite(&c, alice, next_of(alice), "passive", "");
	assert_memory_equal(next_of(alice), "ACK ", 4);
	c.stream = opened(listener);
	respond(&c, next_of(c.stream), "200 OK");
	phone_reset(c.stream);
	assert_true(sim_until(&sim, esme_answered, 2 * US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(centre.count, 2);
	assert_string_equal(centre.text, text);
	ended_by_bye(alice);
	assert_nothing_left();
}

int main(void)
{
#define LARGE(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
	const struct CMUnitTest tests[] = {
		LARGE(a_long_text_of_a_device_reaches_a_message_centre),
		LARGE(each_worker_takes_messages_at_its_own_port),
		LARGE(who_offers_to_wait_is_connected_to),
		LARGE(a_stream_goes_to_the_middlebox_of_who_offers_and_names_the_path_within),
		LARGE(a_stream_comes_from_the_middlebox_of_who_calls_us),
		LARGE(who_does_not_say_that_it_has_cema_is_where_its_path_says),
		LARGE(an_offer_that_waits_where_nobody_can_be_is_refused),
		LARGE(what_the_pipeline_refuses_is_told_in_words_of_msrp_and_ended),
		LARGE(more_than_was_said_or_may_be_is_refused),
		LARGE(what_is_no_offer_of_a_message_is_refused),
		LARGE(a_connection_cut_in_the_middle_ends_the_dialog_and_delivers_nothing),
		LARGE(whoever_stands_still_or_does_not_come_is_given_up),
		LARGE(a_second_stream_for_a_session_is_refused_and_the_first_goes_on),
		LARGE(a_session_that_is_not_there_is_told_at_the_port_of_either_worker),
		LARGE(a_stream_that_says_something_else_or_nothing_is_closed),
		LARGE(a_long_text_of_an_esme_goes_to_a_device_whoever_connects),
		LARGE(a_long_text_goes_to_the_middlebox_of_the_device_that_answers),
		LARGE(what_a_device_refuses_is_told_to_the_sender),
		LARGE(a_refused_invite_and_one_that_is_too_small_are_told_to_the_sender),
		LARGE(what_a_device_cannot_get_goes_to_the_next_target),
	};

	sim_eal();
	return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
