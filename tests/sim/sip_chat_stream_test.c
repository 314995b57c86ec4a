/* Chats that we open toward a device that registered over a stream, which they end with, through
 * the whole dataplane of two workers. */
#include "test.h"

#include "sip_world.h"

#define NL "\r\n"
#define THEIR_PATH "msrp://198.18.0.2:7654/theirs;tcp"
#define ALICE "+46731234567"

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

static struct phone *opened(struct phone *p)
{
	waited = p;
	assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
	return p;
}

static struct phone *registered(void)
{
	struct phone *p = opened(phone_tcp(&sim.host));

	sequence++;
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0" NL
		   "Via: SIP/2.0/TCP 198.18.0.2:5060;branch=z9hG4bKr%u" NL "Max-Forwards: 70" NL
		   "From: <sip:alice@example.org>;tag=f" NL "To: <sip:alice@example.org>" NL
		   "Call-ID: reg%u" NL "CSeq: 1 REGISTER" NL
		   "Contact: <sip:alice@198.18.0.2;transport=tcp>;+g.3gpp.icsi-ref="
		   "\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi.oma.cpm.session\"" NL
		   "Content-Length: 0" NL NL,
		   sequence, sequence);
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

static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		sim_pass(&sim, US_PER_SECOND);
		assert_null(ims_take());
	}
}

/* Its stream of MSRP, on which it has said hello; *path: ours. */
static struct phone *accepts(struct phone *p, char path[512])
{
	const char   *invite = heard(p, "INVITE "), *at;
	struct phone *stream;
	char          sdp[1024], via[256];

	snprintf(via, sizeof(via), "%s", phone_header(invite, "Via"));
	at = strstr(invite, "a=path:") + 7;
	snprintf(path, 512, "%.*s", (int)strcspn(at, "\r"), at);
	snprintf(sdp, sizeof(sdp),
		 "v=0" NL "o=- 1 1 IN IP4 198.18.0.2" NL "s=-" NL "c=IN IP4 198.18.0.2" NL
		 "t=0 0" NL "m=message 7654 TCP/MSRP *" NL "a=accept-types:message/cpim" NL
		 "a=path:" THEIR_PATH NL "a=setup:active" NL "a=sendrecv" NL);
	phone_send(p,
		   "SIP/2.0 200 OK" NL "Via: %s" NL "From: %s" NL "To: %s;tag=phone" NL
		   "Call-ID: %s" NL "CSeq: 1 INVITE" NL
		   "Contact: <sip:alice@198.18.0.2;transport=tcp>" NL
		   "Content-Type: application/sdp" NL "Content-Length: %zu" NL NL "%s",
		   via, phone_header(invite, "From"), phone_header(invite, "To"),
		   phone_header(invite, "Call-ID"), strlen(sdp), sdp);
	heard(p, "ACK ");
	stream = opened(phone_msrp(&sim.host, (uint16_t)strtoul(path + 18, NULL, 10)));
	phone_send(stream,
		   "MSRP hello SEND" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "Message-ID: hello" NL "-------hello$" NL,
		   path);
	assert_non_null(strstr(next_of(stream), " 200 "));
	return stream;
}

static void take(struct phone *stream, const char *path, const char *text)
{
	const char *said = next_of(stream);
	int         n;

	assert_non_null(said);
	assert_non_null(strstr(said, text));
	n = (int)strcspn(said + 5, " ");
	phone_send(stream,
		   "MSRP %.*s 200 OK" NL "To-Path: %s" NL "From-Path: " THEIR_PATH NL
		   "-------%.*s$" NL,
		   n, said + 5, path, n, said + 5);
}

static void assert_nothing_left(void)
{
	pass(70);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 0);
}

static void a_chat_goes_over_the_stream_of_the_registration_and_ends_with_it(void **state)
{
	(void)state;
	esme_begin();
	for (unsigned i = 0; i < 3; i++) { /* to either worker */
		struct phone *alice = registered(), *stream;
		char          path[512];

		esme_answers = 0;
		submit(ALICE, "one", 0);
		submit(ALICE, "two", 0);
		sim_pass(&sim, US_PER_SECOND / 10);
		stream = accepts(alice, path);
		take(stream, path, NL NL "one" NL);
		take(stream, path, NL NL "two" NL);
		centre_sends_text("+4611111", ALICE, "three");
		take(stream, path, NL NL "three" NL);
		pass(1);
		assert_int_equal(esme_answers, 3);
		assert_int_equal(esme_answer.why, REASON_NONE);
		assert_null(phone_take(alice));
		assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 1);
		phone_reset(alice);
		pass(1);
		assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 0);
		phone_reset(stream);
		pass(1);
	}
	assert_nothing_left();
}

static void what_waits_for_a_chat_has_a_result_when_the_stream_breaks(void **state)
{
	struct phone *alice = registered();

	(void)state;
	esme_begin();
	for (unsigned i = 0; i < 5; i++)
		submit(ALICE, "waits", 0);
	heard(alice, "INVITE ");
	sim_pass(&sim, US_PER_SECOND / 10);
	assert_int_equal(esme_answers, 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_chats_open), 1);
	phone_reset(alice);
	pass(1);
	assert_int_equal(esme_answers, 5);
	assert_int_not_equal(esme_answer.why, REASON_NONE);
	assert_nothing_left();
}

int main(void)
{
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
	const struct CMUnitTest tests[] = {
		TWO(a_chat_goes_over_the_stream_of_the_registration_and_ends_with_it),
		TWO(what_waits_for_a_chat_has_a_result_when_the_stream_breaks),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip_chat_stream", tests, NULL, NULL);
}
