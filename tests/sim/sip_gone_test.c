/* How a chat of a device with a client of XMPP ends (RFC 7573), through the whole dataplane: BYE is
 * a chat state there, and that chat state is BYE. */
#include "chat.h"

#define NL "\r\n"
#define THEIR_PATH "msrp://198.18.0.2:7654/theirs;tcp"
#define STATE(word) "<" word " xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"
#define GONE STATE("gone")
#define COMPOSING STATE("composing")
#define ACTIVE STATE("active")

struct device {
	struct phone *phone, *stream;
	char          ours[256], theirs[256], id[64], target[256], path[512];
};

static struct phone *registered(void)
{
	struct phone *p = phone_udp(&sim.host, 6001);

	phone_send(p, "REGISTER sip:example.org SIP/2.0" NL
		      "Via: SIP/2.0/UDP 198.18.0.2:6001;rport;branch=z9hG4bKr" NL
		      "Max-Forwards: 70" NL "From: <sip:alice@example.org>;tag=f" NL
		      "To: <sip:alice@example.org>" NL "Call-ID: reg" NL "CSeq: 1 REGISTER" NL
		      "Contact: <sip:alice@198.18.0.2:6001>;+g.3gpp.icsi-ref="
		      "\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.session\"" NL
		      "Content-Length: 0" NL NL);
	assert_status(next_of(p), "200");
	return p;
}

static const char *heard(struct phone *p, const char *method)
{
	const char *text = next_of(p);

	assert_non_null(text);
	assert_memory_equal(text, method, strlen(method));
	return text;
}

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

/* The INVITE that opens a chat is answered, and its stream there. */
static void accepts(struct device *d, struct phone *p)
{
	const char *invite = heard(p, "INVITE "), *at;
	char        sdp[1024], via[256];

	d->phone = p;
	snprintf(d->ours, sizeof(d->ours), "%s", phone_header(invite, "From"));
	snprintf(d->theirs, sizeof(d->theirs), "%s;tag=phone", phone_header(invite, "To"));
	snprintf(d->id, sizeof(d->id), "%s", phone_header(invite, "Call-ID"));
	snprintf(via, sizeof(via), "%s", phone_header(invite, "Via"));
	at = strchr(phone_header(invite, "Contact"), '<') + 1;
	snprintf(d->target, sizeof(d->target), "%.*s", (int)strcspn(at, ">"), at);
	at = strstr(invite, "a=path:") + 7;
	snprintf(d->path, sizeof(d->path), "%.*s", (int)strcspn(at, "\r"), at);
	snprintf(sdp, sizeof(sdp),
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message 7654 TCP/MSRP *" NL
		 "a=accept-types:message/cpim application/im-iscomposing+xml" NL
		 "a=path:" THEIR_PATH NL "a=setup:active" NL "a=sendrecv" NL);
	phone_send(p,
		   "SIP/2.0 200 OK" NL "Via: %s" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL
		   "CSeq: 1 INVITE" NL "Contact: <sip:alice@198.18.0.2:6001>" NL
		   "Content-Type: application/sdp" NL "Content-Length: %zu" NL NL "%s",
		   via, d->ours, d->theirs, d->id, strlen(sdp), sdp);
	heard(p, "ACK ");
	d->stream = waited = phone_msrp(&sim.host, (uint16_t)strtoul(d->path + 18, NULL, 10));
	assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
	phone_send(d->stream,
		   "MSRP hello SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "Message-ID: hello" NL "-------hello$" NL,
		   d->path);
	assert_non_null(strstr(next_of(d->stream), " 200 "));
}

static void take(struct device *d, const char *chunk)
{
	int n = (int)strcspn(chunk + 5, " ");

	phone_send(d->stream,
		   "MSRP %.*s 200 OK" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "-------%.*s$" NL,
		   n, chunk + 5, d->path, n, chunk + 5);
}

static void assert_said(struct device *d, const char *text)
{
	const char *said = next_of(d->stream);

	assert_non_null(said);
	assert_non_null(strstr(said, text));
	take(d, said);
}

static void says(struct device *d, const char *type, const char *content)
{
	sequence++;
	phone_send(d->stream,
		   "MSRP tr-%u SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH               NL
		   "Message-ID: message-%u" NL "Byte-Range: 1-%zu/%zu" NL "Content-Type: %s" NL NL
		   "%s" NL "-------tr-%u$" NL,
		   sequence, d->path, sequence, strlen(content), strlen(content), type, content,
		   sequence);
	assert_non_null(strstr(next_of(d->stream), " 200 "));
}

#define TEXT(text)                                                                                 \
	"From: <sip:anonymous@anonymous.invalid>" NL "To: <sip:anonymous@anonymous.invalid>" NL NL \
	"Content-Type: text/plain; charset=utf-8" NL NL                                         text
#define WRITING(more)                                                                              \
	"<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state>" more    \
	"</isComposing>"

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

static void a_device_that_ends_a_chat_is_gone_to_the_client(void **state)
{
	struct phone *alice = registered(), *carol = chat_client(CAROL, "desk");
	struct device d;

	(void)state;
	phone_send(carol, "<message to='alice@example.org' type='chat'><body>hej</body></message>");
	accepts(&d, alice);
	assert_said(&d, NL NL "hej" NL);
	says(&d, "message/cpim", TEXT("svar"));
	chat_expects(carol, "<body>svar</body>");
	phone_send(alice,
		   "BYE %s SIP/2.0" NL "Via: SIP/2.0/UDP 198.18.0.2:6001;rport;branch=z9hG4bKb" NL
		   "Max-Forwards: 70" NL "From: %s" NL "To: %s" NL "Call-ID: %s" NL "CSeq: 1 BYE" NL
		   "Content-Length: 0" NL NL,
		   d.target, d.theirs, d.ours, d.id);
	assert_status(next_of(alice), "200");
	chat_expects(carol, GONE);
	phone_reset(d.stream);
	assert_nothing_left();
}

static void a_client_that_is_gone_ends_the_chat_that_was_opened_for_it(void **state)
{
	struct phone *alice = registered(), *carol = chat_client(CAROL, "desk");
	struct device d;
	const char   *text;

	(void)state;
	phone_send(carol, "<message to='alice@example.org' type='chat'><body>hej</body></message>");
	accepts(&d, alice);
	assert_said(&d, NL NL "hej" NL);
	phone_send(carol, "<message to='alice@example.org' type='chat'><composing "
			  "xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_said(&d, "<state>active</state>");
	sim_pass(&sim, US_PER_SECOND);
	assert_null(phone_take(alice));
	phone_send(carol, "<message to='alice@example.org' type='chat'><gone "
			  "xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_said(&d, "<state>idle</state>");
	text = heard(alice, "BYE ");
	assert_string_equal(phone_header(text, "Call-ID"), d.id);
	phone_answer(alice, text, "200 OK", "");
	phone_reset(d.stream);
	chat_hears_nothing(carol); /* that it ends is what it has said */
	assert_nothing_left();
}

static void who_says_no_more_that_it_writes_has_stopped(void **state)
{
	struct phone *alice = registered(), *carol = chat_client(CAROL, "desk");
	struct device d;

	(void)state;
	phone_send(carol, "<message to='alice@example.org' type='chat'><body>hej</body></message>");
	accepts(&d, alice);
	assert_said(&d, NL NL "hej" NL);
	says(&d, "application/im-iscomposing+xml", WRITING("<refresh>60</refresh>"));
	chat_expects(carol, COMPOSING);
	pass(58);
	chat_hears_nothing(carol);
	pass(3);
	chat_expects(carol, ACTIVE);
	/* Again, and a message: nothing more is to be told. */
	says(&d, "application/im-iscomposing+xml", WRITING("<refresh>60</refresh>"));
	chat_expects(carol, COMPOSING);
	says(&d, "message/cpim", TEXT("svar"));
	chat_expects(carol, "<body>svar</body>");
	chat_expects(carol, "</message>");
	chat_hears_nothing(carol);
	pass(62);
	chat_hears_nothing(carol);
	phone_reset(d.stream);
	phone_answer(alice, heard(alice, "BYE "), "200 OK", "");
	assert_nothing_left();
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, world_chat, world_end)
	const struct CMUnitTest tests[] = {
		ONE(a_device_that_ends_a_chat_is_gone_to_the_client),
		ONE(a_client_that_is_gone_ends_the_chat_that_was_opened_for_it),
		ONE(who_says_no_more_that_it_writes_has_stopped),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip_gone", tests, NULL, NULL);
}
