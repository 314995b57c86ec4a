/* What comes over a stream to one worker and is about a dialog or a short message of another,
 * through the whole dataplane of two. Streams are dealt out by their ports: of six, each worker has
 * some. */
#include "test.h"

#include "sip_world.h"

#define STREAMS 6u

static void stream_request(struct phone *p, const char *method, const char *uri, const char *to,
			   const char *call_id, const char *more, const void *body, size_t n)
{
	char head[2048];

	sequence++;
	snprintf(head, sizeof(head),
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/TCP 198.18.0.2:5060;branch=z9hG4bKh%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=from\r\nTo: %s\r\n"
		 "Call-ID: %s\r\nCSeq: %s\r\n%s",
		 method, uri, sequence, to, call_id,
		 strcmp(method, "ACK") == 0      ? "1 ACK"
		 : strcmp(method, "BYE") == 0    ? "3 BYE"
		 : strcmp(method, "INVITE") == 0 ? "2 INVITE"
						 : "1 MESSAGE",
		 more);
	phone_send_body(p, head, body, n);
}

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\n"
			  "t=0 0\r\nm=message 7654 TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
			  "a=accept-wrapped-types:*\r\na=path:msrp://198.18.0.2:7654/theirs;tcp\r\n"
			  "a=setup:actpass\r\na=sendonly\r\n";

static char path_said[256], media_said[64]; /* of the last 200 with a description */

static const char *line_of(const char *text, const char *name, char *room, size_t size)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	snprintf(room, size, "%.*s", (int)strcspn(at, "\r"), at);
	return room;
}

/* By datagrams, to whichever worker its Call-ID leads; To of the 200, with our tag. */
static void call(struct phone *p, unsigned number, char call_id[32], char to[256])
{
	const char *answer;
	char        head[1024];

	snprintf(call_id, 32, "handed%u", number);
	snprintf(head, sizeof(head),
		 "INVITE sip:+46701234567@example.org;user=phone SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKi%u\r\nMax-Forwards: 70\r\n"
		 "From: <sip:alice@example.org>;tag=from\r\nTo: <sip:+46701234567@example.org>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@198.18.0.2:%u>\r\n"
		 "Content-Type: application/sdp\r\n",
		 p->port, ++sequence, call_id, p->port);
	phone_send_body(p, head, sdp, sizeof(sdp) - 1);
	do
		answer = next_of(p);
	while (answer != NULL && strncmp(answer, "SIP/2.0 1", 9) == 0);
	assert_status(answer, "200");
	snprintf(to, 256, "%s", phone_header(answer, "To"));
	line_of(answer, "a=path:", path_said, sizeof(path_said));
	line_of(answer, "m=message ", media_said, sizeof(media_said));
}

/* Of another session. */
static const char other_sdp[] = "v=0\r\no=- 1 2 IN IP4 198.18.0.2\r\ns=-\r\nc=IN IP4 198.18.0.2\r\n"
				"t=0 0\r\nm=message 7654 TCP/MSRP *\r\n"
				"a=accept-types:message/cpim\r\n"
				"a=path:msrp://198.18.0.2:7654/others;tcp\r\n";

static void requests_of_a_dialog_reach_its_worker_over_any_stream(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 5080), *stream;
	const char   *said;
	char          call_id[32], to[256];

	(void)state;
	for (unsigned i = 0; i < STREAMS; i++) {
		stream = phone_tcp(&sim.host);
		call(alice, i, call_id, to);
		stream_request(stream, "ACK", "sip:198.18.0.1", to, call_id, "", "", 0);
		sim_pass(&sim, 2 * US_PER_SECOND); /* the 200 is not sent again */
		assert_null(phone_take(alice));
		stream_request(
			stream, "INVITE", "sip:198.18.0.1", to, call_id,
			"Contact: <sip:alice@198.18.0.2>\r\nContent-Type: application/sdp\r\n",
			other_sdp, sizeof(other_sdp) - 1);
		said = next_of(stream);
		assert_status(said, "488");
		stream_request(stream, "BYE", "sip:198.18.0.1", to, call_id, "", "", 0);
		assert_status(next_of(stream), "200");
		stream_request(stream, "BYE", "sip:198.18.0.1", to, call_id, "", "", 0);
		assert_status(next_of(stream), "481");
	}
	assert_in_range(sim_metric(&sim, METRIC_items_handed_over), 1, 4 * STREAMS - 1);
	sim_pass(&sim, 40 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 0);
}

struct refresh {
	struct phone *stream;
	const char   *to, *call_id;
	unsigned      cseq;
};

static const char *refresh(struct refresh *r, const char *method, const char *more,
			   const char *body)
{
	const char *answer;

	phone_send(r->stream,
		   "%s sip:198.18.0.1 SIP/2.0\r\n"
		   "Via: SIP/2.0/TCP 198.18.0.2:5060;branch=z9hG4bKf%u\r\nMax-Forwards: 70\r\n"
		   "From: <sip:alice@example.org>;tag=from\r\nTo: %s\r\nCall-ID: %s\r\n"
		   "CSeq: %u %s\r\nContact: <sip:alice@198.18.0.2:5999>\r\n"
		   "Supported: timer\r\n%sContent-Length: %zu\r\n\r\n%s",
		   method, ++sequence, r->to, r->call_id,
		   strcmp(method, "ACK") == 0 ? r->cseq : ++r->cseq, method, more, strlen(body),
		   body);
	if (strcmp(method, "ACK") == 0)
		return NULL;
	do
		answer = next_of(r->stream);
	while (answer != NULL && strncmp(answer, "SIP/2.0 1", 9) == 0);
	assert_non_null(answer);
	return answer;
}

/* Is it as it was when the session began? */
static void assert_described(const char *answer, const char *direction)
{
	char room[256];

	assert_string_equal(line_of(answer, "a=path:", room, sizeof(room)), path_said);
	assert_string_equal(line_of(answer, "m=message ", room, sizeof(room)), media_said);
	assert_non_null(strstr(answer, direction));
	assert_non_null(strstr(answer, "\r\na=accept-types:message/cpim\r\n"));
	assert_string_equal(phone_header(answer, "Content-Type"), "application/sdp");
	assert_string_equal(phone_header(answer, "Session-Expires"), "90;refresher=uac");
	assert_string_equal(phone_header(answer, "Require"), "timer");
	assert_memory_equal(phone_header(answer, "Contact"), "<sip:198.18.0.1:5060", 20);
}

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

#define ASKS "Session-Expires: 90;refresher=uac\r\n"
#define IS_SDP "Content-Type: application/sdp\r\n"

static void a_refresh_reaches_its_dialog_over_any_stream_and_the_answer_says_all(void **state)
{
	static const struct {
		const char *method, *more, *body, *status, *header, *value;
	} refused[] = {
		{"UPDATE", "Session-Expires: 60\r\n", "", "422", "Min-SE", "90"},
		{"INVITE", "Session-Expires: 60\r\n" IS_SDP, sdp, "422", "Min-SE", "90"},
		{"UPDATE", "Session-Expires: soon\r\n", "", "400", "Min-SE", ""},
		{"UPDATE", IS_SDP, sdp, "488", "Content-Type", ""},
		{"INVITE", IS_SDP, other_sdp, "488", "Content-Type", ""},
	};
	struct phone *alice = phone_udp(&sim.host, 5080);
	char          call_id[32], to[256];
	const char   *answer;

	(void)state;
	for (unsigned i = 0; i < STREAMS; i++) {
		struct refresh r = {phone_tcp(&sim.host), to, call_id, 1};

		waited = r.stream;
		assert_true(sim_until(&sim, stream_open, US_PER_SECOND));
		call(alice, i, call_id, to);
		refresh(&r, "ACK", "", "");
		for (size_t k = 0; k < sizeof(refused) / sizeof(refused[0]); k++) {
			answer = refresh(&r, refused[k].method, refused[k].more, refused[k].body);
			assert_status(answer, refused[k].status);
			assert_string_equal(phone_header(answer, refused[k].header),
					    refused[k].value);
			if (strcmp(refused[k].status, "488") == 0)
				assert_memory_equal(phone_header(answer, "Warning"), "370 ", 4);
		}
		answer = refresh(&r, "UPDATE", ASKS, "");
		assert_status(answer, "200");
		assert_string_equal(phone_header(answer, "Session-Expires"), "90;refresher=uac");
		assert_memory_equal(phone_header(answer, "Contact"), "<sip:198.18.0.1:5060", 20);
		assert_string_equal(phone_body(answer), "");
		answer = refresh(&r, "INVITE", ASKS IS_SDP, sdp);
		assert_status(answer, "200");
		assert_described(answer, "\r\na=recvonly\r\n");
		refresh(&r, "ACK", "", "");
		answer = refresh(&r, "INVITE", ASKS, "");
		assert_status(answer, "200");
		assert_described(answer, "\r\na=recvonly\r\n");
		refresh(&r, "ACK", "", "");
		sim_pass(&sim, 2 * US_PER_SECOND); /* the 200 is not sent again */
		assert_null(phone_take(r.stream));
		/* Nobody comes, and the other side is called by its last Contact. */
		for (unsigned second = 0; second < 10 && (answer = phone_take(alice)) == NULL;
		     second++) {
			sim_pass(&sim, US_PER_SECOND);
			assert_null(ims_take());
		}
		assert_non_null(answer);
		assert_memory_equal(answer, "BYE sip:alice@198.18.0.2:5999 ", 30);
		phone_answer(alice, answer, "200 OK", "");
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_refreshes_in), 3 * STREAMS);
	assert_in_range(sim_metric(&sim, METRIC_items_handed_over), 11, 11 * STREAMS - 1);
	assert_int_equal(sim_metric(&sim, METRIC_sip_answers_unacknowledged), 0);
	for (unsigned second = 0; second < 40; second++) {
		sim_pass(&sim, US_PER_SECOND);
		assert_null(ims_take());
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 0);
}

/* A tag that somebody has made up names a worker, even one that is not there, and no dialog. */
static void a_tag_that_is_not_ours_ends_nothing_anywhere(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 5080), *stream[STREAMS];
	char          call_id[32], to[256];
	size_t        n;

	(void)state;
	for (unsigned i = 0; i < STREAMS; i++)
		stream[i] = phone_tcp(&sim.host);
	sim_pass(&sim, 100000);
	call(alice, 0, call_id, to);
	n = strlen(to);
	for (unsigned i = 0; i < STREAMS; i++) {
		for (unsigned back = 1; back <= 24; back++) {
			char made[256];

			strcpy(made, to);
			made[n - back] = made[n - back] == 'a' ? 'b' : 'a';
			stream_request(stream[i], "BYE", "sip:198.18.0.1", made, call_id, "", "",
				       0);
			assert_status(next_of(stream[i]), "481");
		}
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_large_open), 1);
	stream_request(stream[0], "BYE", "sip:198.18.0.1", to, call_id, "", "", 0);
	assert_status(next_of(stream[0]), "200");
}

static void what_a_device_says_of_a_short_message_reaches_its_worker(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001), *stream;

	(void)state;
	phone_send(
		alice,
		"REGISTER sip:example.org SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 198.18.0.2:6001;rport;branch=z9hG4bKr\r\nMax-Forwards: 70\r\n"
		"From: <sip:alice@example.org>;tag=f\r\nTo: <sip:alice@example.org>\r\n"
		"Call-ID: reg\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:alice@198.18.0.2:6001>;+g.3gpp.smsip\r\nContent-Length: 0\r\n\r\n");
	assert_status(next_of(alice), "200");
	esme_begin();
	for (unsigned i = 0; i < STREAMS; i++) {
		const char *text;
		char        more[256];
		uint8_t     ack[2] = {2};

		stream = phone_tcp(&sim.host);
		esme_answers = 0;
		submit("+46731234567", "hello", 0);
		text = next_of(alice);
		assert_non_null(text);
		ack[1] = (uint8_t)phone_body(text)[1];
		snprintf(more, sizeof(more),
			 "In-Reply-To: %s\r\nContent-Type: application/vnd.3gpp.sms\r\n",
			 phone_header(text, "Call-ID"));
		phone_answer(alice, text, "200 OK", "");
		sim_pass(&sim, 100000);
		assert_int_equal(esme_answers, 0);
		stream_request(stream, "MESSAGE", "sip:smsc@example.org", "<sip:smsc@example.org>",
			       "report", more, ack, sizeof(ack));
		assert_status(next_of(stream), "202");
		assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
		assert_int_equal(esme_answer.why, REASON_NONE);
		assert_int_equal(centre.count, 0);
	}
	assert_in_range(sim_metric(&sim, METRIC_items_handed_over), 1, STREAMS - 1);
	assert_int_equal(sim_metric(&sim, METRIC_sip_sms_reports_stray), 0);
}

int main(void)
{
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
	const struct CMUnitTest tests[] = {
		TWO(requests_of_a_dialog_reach_its_worker_over_any_stream),
		TWO(a_refresh_reaches_its_dialog_over_any_stream_and_the_answer_says_all),
		TWO(a_tag_that_is_not_ours_ends_nothing_anywhere),
		TWO(what_a_device_says_of_a_short_message_reaches_its_worker),
	};

	sim_eal();
	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
