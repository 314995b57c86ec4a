/*
 * An IMS core that uses the appliance as its gateway of short messages (IP-SM-GW, TS 24.341) and as
 * its messaging gateway: the S-CSCF is the trusted peer `ims`, which says who is registered there,
 * and through which its users are reached.
 */
#include "sip_world.h"

#include <jansson.h>

#include "../../dataplane/query.h"

#define ROUTE "<sip:198.18.0.2:5070;lr>"
#define CAROLS "+46731111111" /* no subscriber of ours */
#define CAROL "sip:+46731111111@home.example;user=phone"
#define CPM ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\""

/* Of a device with those tags; NULL: nothing is enclosed. */
static void core_registers(const char *user, unsigned expires, const char *tags)
{
	char device[1024] = "";

	if (tags != NULL)
		snprintf(device, sizeof(device),
			 "REGISTER sip:home.example SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKd\r\nFrom: <%s>;tag=d\r\n"
			 "To: <%s>\r\nCall-ID: d\r\nCSeq: 1 REGISTER\r\n"
			 "Contact: <sip:10.0.0.1>%s\r\nContent-Length: 0\r\n\r\n",
			 user, user, tags);
	sequence++;
	phone_send(ims,
		   "REGISTER sip:198.18.0.1 SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKc%u\r\nMax-Forwards: 70\r\n"
		   "From: <sip:198.18.0.2:5070>;tag=c%u\r\nTo: <%s>\r\nCall-ID: core%u\r\n"
		   "CSeq: %u REGISTER\r\nContact: <sip:198.18.0.2:5070>\r\nExpires: %u\r\n"
		   "Content-Type: message/sip\r\nContent-Length: %zu\r\n\r\n%s",
		   sequence, sequence, user, sequence, sequence, expires, strlen(device), device);
	assert_status(next_of(ims), "200");
}

static const char *core_gets(const char *to, const char *text)
{
	const char *request;

	submit(to, text, 0);
	request = next_of(ims);
	assert_non_null(request);
	assert_memory_equal(request, "MESSAGE ", 8);
	assert_string_equal(phone_header(request, "Route"), ROUTE);
	return request;
}

static void esme_has(uint8_t why)
{
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answers, 1);
	assert_int_equal(esme_answer.why, why);
	esme_answers = 0;
}

static bool is_to(const char *request, const char *user)
{
	char line[256];

	snprintf(line, sizeof(line), "MESSAGE %s SIP/2.0\r\n", user);
	return strncmp(request, line, strlen(line)) == 0;
}

/* What the user's device says of one of ours. */
static void core_reports(const char *user, const char *id, const uint8_t rpdu[2])
{
	char head[1024];

	sequence++;
	snprintf(head, sizeof(head),
		 "MESSAGE sip:example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKs%u\r\nMax-Forwards: 70\r\n"
		 "From: <%s>;tag=f\r\nTo: <sip:example.org>\r\nP-Asserted-Identity: <%s>\r\n"
		 "Call-ID: sms%u\r\nCSeq: 1 MESSAGE\r\nIn-Reply-To: %s\r\n"
		 "Content-Type: application/vnd.3gpp.sms\r\n",
		 sequence, user, user, sequence, id);
	phone_send_body(ims, head, rpdu, 2);
}

/* TS 24.341, 5.3.3.4 and B.7: to the user, by way of its S-CSCF. */
static void a_short_message_goes_to_the_user_by_way_of_its_s_cscf(void **state)
{
	static const uint8_t ack[] = {2, 0};
	uint8_t              answer[2];
	const char          *request;
	char                 id[128];

	(void)state;
	esme_begin();
	core_registers(CAROL, 600000, ";+g.3gpp.smsip");
	request = core_gets(CAROLS, "hello");
	assert_true(is_to(request, CAROL));
	assert_string_equal(phone_header(request, "To"), "<" CAROL ">");
	assert_string_equal(phone_header(request, "Content-Type"), "application/vnd.3gpp.sms");
	assert_string_equal(phone_header(request, "Request-Disposition"), "no-fork");
	assert_string_equal(phone_header(request, "Accept-Contact"),
			    "*;+g.3gpp.smsip;require;explicit");
	assert_string_equal(phone_header(request, "P-Asserted-Identity"), "<sip:example.org>");
	memcpy(answer, ack, sizeof(ack));
	answer[1] = (uint8_t)phone_body(request)[1];
	snprintf(id, sizeof(id), "%s", phone_header(request, "Call-ID"));
	phone_answer(ims, request, "202 Accepted", "");
	sim_pass(&sim, US_PER_SECOND / 10);
	assert_int_equal(esme_answers, 0);
	core_reports(CAROL, id, answer);
	assert_status(next_of(ims), "202");
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, 0);
}

static void what_the_devices_take_is_the_form_of_a_message(void **state)
{
	const char *request;

	(void)state;
	esme_begin();
	core_registers(CAROL, 600, CPM);
	request = core_gets(CAROLS, "one");
	assert_true(is_to(request, CAROL));
	assert_true(strstr(phone_header(request, "Accept-Contact"), "oma.cpm.msg") != NULL);
	assert_string_not_equal(phone_header(request, "Conversation-ID"), "");
	assert_string_equal(phone_header(request, "P-Asserted-Service"),
			    "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg");
	assert_string_equal(phone_header(request, "P-Asserted-Identity"),
			    "<sip:+4611111@example.org;user=phone>, <tel:+4611111>");
	assert_string_equal(phone_header(request, "P-Called-Party-ID"), "");
	phone_answer(ims, request, "200 OK", "");
	esme_has(REASON_NONE);
	core_registers(CAROL, 600, ";+g.3gpp.smsip");
	request = core_gets(CAROLS, "two");
	assert_string_equal(phone_header(request, "Content-Type"), "application/vnd.3gpp.sms");
	phone_answer(ims, request, "480 Temporarily Unavailable", "");
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, 1);
}

/* Whose S-CSCF has said nothing of its devices is written to as the peer is. */
static void without_a_word_of_the_devices_the_form_is_the_peers(void **state)
{
	const char *request;

	(void)state;
	esme_begin();
	peer_with(", body: sms");
	core_registers(CAROL, 600, NULL);
	request = core_gets(CAROLS, "short");
	assert_true(is_to(request, CAROL));
	assert_string_equal(phone_header(request, "Content-Type"), "application/vnd.3gpp.sms");
	phone_answer(ims, request, "202 Accepted", "");
	core_registers(CAROL, 600, CPM);
	request = core_gets(CAROLS, "long");
	assert_memory_equal(phone_header(request, "Content-Type"), "text/plain", 10);
	phone_answer(ims, request, "200 OK", "");
}

static void who_is_gone_or_refused_there_gets_it_by_the_next_target(void **state)
{
	const char *request;

	(void)state;
	esme_begin();
	core_registers(CAROL, 600, CPM);
	request = core_gets(CAROLS, "one");
	phone_answer(ims, request, "480 Temporarily Unavailable", "");
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, 1);
	core_registers(CAROL, 0, NULL);
	submit(CAROLS, "two", 0);
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, 2);
	core_registers(CAROL, 2, CPM);
	sim_pass(&sim, 3 * US_PER_SECOND);
	submit(CAROLS, "three", 0);
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, 3);
}

/* A subscriber by the number that its S-CSCF knows, with a device of ours beside. */
static void a_subscriber_is_found_by_the_number_too(void **state)
{
	const char *request;

	(void)state;
	esme_begin();
	core_registers("sip:+46736666666@home.example", 600, "");
	request = core_gets("+46736666666", "hello");
	assert_true(is_to(request, "sip:+46736666666@home.example"));
	phone_answer(ims, request, "200 OK", "");
	esme_has(REASON_NONE);
	send_message(ims, "sip:dave@example.org", "sip:+46721111111@home.example", "", "hej");
	request = next_of(ims);
	assert_non_null(request);
	assert_true(is_to(request, "sip:+46736666666@home.example"));
	phone_answer(ims, request, "200 OK", "");
	assert_status(next_of(ims), "200");
}

static void the_way_there_is_explained(void **state)
{
	json_t *args = json_pack("{s:s, s:s}", "from", "+46701", "to", CAROLS), *reply = NULL, *row;
	char    error[256] = "", line[400] = "";
	size_t  i;

	(void)state;
	core_registers(CAROL, 600, "");
	assert_int_equal(query_run(&sim.dp, "route_explain", args, &reply, error), 0);
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *words[3];

		assert_int_equal(json_unpack(row, "[s, s, s]", &words[0], &words[1], &words[2]), 0);
		if (strstr(words[1], "registered") == words[1])
			snprintf(line, sizeof(line), "%s: %s", words[1], words[2]);
	}
	assert_string_equal(line,
			    "registered " CAROLS ": " CAROL ", by its peer at " ROUTE ": taken");
	json_decref(args);
	json_decref(reply);
}

/* ---- what the S-CSCF says when it is asked (RFC 3680) ---- */

static char asked[PHONE_TEXT_MAX]; /* the last SUBSCRIBE */

static void core_is_asked(void)
{
	const char *text = next_of(ims);

	assert_non_null(text);
	assert_memory_equal(text, "SUBSCRIBE ", 10);
	snprintf(asked, sizeof(asked), "%s", text);
}

#define SMSIP "<unknown-param name=\"+g.3gpp.smsip\"/>"
#define PAGER                                                                                      \
	"<unknown-param name=\"+g.3gpp.icsi-ref\">"                                                \
	"\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"</unknown-param>"

/* By the peer's datagrams, or over a stream of it. */
static void core_says(struct phone *by, unsigned version, const char *contact)
{
	char body[1024], to[256];

	snprintf(body, sizeof(body),
		 "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" state=\"full\">"
		 "<registration aor=\"tel:" CAROLS "\" id=\"1\" state=\"%s\">%s</registration>"
		 "</reginfo>",
		 version, contact[0] != '\0' ? "active" : "terminated", contact);
	snprintf(to, sizeof(to), "%s", phone_header(asked, "From"));
	sequence++;
	phone_send(by,
		   "NOTIFY sip:198.18.0.1:5060 SIP/2.0\r\n"
		   "Via: SIP/2.0/%s 198.18.0.2:5070;branch=z9hG4bKn%u\r\nMax-Forwards: 70\r\n"
		   "From: <%s>;tag=core\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u NOTIFY\r\n"
		   "Contact: <sip:198.18.0.2:5070>\r\nEvent: reg\r\n"
		   "Subscription-State: active;expires=600000\r\n"
		   "Content-Type: application/reginfo+xml\r\nContent-Length: %zu\r\n\r\n%s",
		   by == ims ? "UDP" : "TCP", sequence, CAROL, to, phone_header(asked, "Call-ID"),
		   sequence, strlen(body), body);
	assert_status(next_of(by), "200");
	sim_pass(&sim, 10000); /* into the directory */
}

#define DEVICE(params) "<contact id=\"1\" state=\"active\"><uri>sip:d</uri>" params "</contact>"

static void form_is(const char *type)
{
	const char *request = core_gets(CAROLS, "hello");

	assert_true(is_to(request, CAROL));
	assert_memory_equal(phone_header(request, "Content-Type"), type, strlen(type));
	phone_answer(ims, request, "480 Temporarily Unavailable", "");
	esme_has(REASON_NONE);
}

#define SHORT_MESSAGE "application/vnd.3gpp.sms"

static void what_the_s_cscf_tells_changes_the_form_of_the_next_message(void **state)
{
	unsigned had;

	(void)state;
	esme_begin();
	peer_with(", reg_event: true");
	core_registers(CAROL, 600000, "");
	core_is_asked();
	assert_memory_equal(asked + 10, CAROL, strlen(CAROL));
	assert_string_equal(phone_header(asked, "Route"), ROUTE);
	phone_answer(ims, asked, "200 OK", "Expires: 600000\r\n");
	core_says(ims, 1, DEVICE(SMSIP));
	form_is(SHORT_MESSAGE);
	core_says(ims, 2, DEVICE(SMSIP PAGER));
	form_is("text/plain");
	core_says(ims, 3, DEVICE(SMSIP));
	form_is(SHORT_MESSAGE);
	/* A refresh does not undo it, and does not ask again. */
	core_registers(CAROL, 600000, PAGER);
	form_is(SHORT_MESSAGE);
	had = centre.count;
	core_says(ims, 4, "");
	submit(CAROLS, "gone", 0);
	esme_has(REASON_NONE);
	assert_int_equal(centre.count, had + 1);
	assert_null(ims_take());
}

/* It has the subscription at one worker, and a stream leads to either. */
static void what_comes_over_a_stream_finds_the_worker_that_asked(void **state)
{
	struct phone *streams[4];

	(void)state;
	esme_begin();
	peer_with(", reg_event: true");
	core_registers(CAROL, 600000, "");
	core_is_asked();
	phone_answer(ims, asked, "200 OK", "Expires: 600000\r\n");
	for (unsigned i = 0; i < 4; i++)
		streams[i] = phone_tcp(&sim.host);
	sim_pass(&sim, 10000);
	for (unsigned i = 0; i < 4; i++) {
		core_says(streams[i], 2 * i, DEVICE(SMSIP));
		form_is(SHORT_MESSAGE);
		core_says(ims, 2 * i + 1, DEVICE(PAGER));
		form_is("text/plain");
	}
	assert_true(sim_metric(&sim, METRIC_items_handed_over) > 0);
}

/* A UE's request comes by its S-CSCF; the report on it goes back the same way. */
static void a_short_message_of_a_user_is_reported_by_way_of_its_s_cscf(void **state)
{
	static const uint8_t submit_hello[] = {0x00, 0x2a, 0x00, 0x07, 0x91, 0x64, 0x07, 0x05,
					       0x80, 0x99, 0xf9, 0x12, 0x21, 0x05, 0x0b, 0x91,
					       0x64, 0x07, 0x21, 0x43, 0x65, 0xf7, 0x00, 0x00,
					       0x05, 0xe8, 0x32, 0x9b, 0xfd, 0x06};
	const char          *report;

	(void)state;
	core_registers("sip:alice@example.org", 600, ";+g.3gpp.smsip");
	phone_send_body(
		ims,
		"MESSAGE sip:sc@example.org SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKmo\r\nMax-Forwards: 70\r\n"
		"From: <sip:alice@example.org>;tag=f\r\nTo: <sip:sc@example.org>\r\n"
		"P-Asserted-Identity: <sip:alice@example.org>, <tel:+46731234567>\r\n"
		"Call-ID: mo\r\nCSeq: 1 MESSAGE\r\nContent-Type: application/vnd.3gpp.sms\r\n",
		submit_hello, sizeof(submit_hello));
	assert_status(next_of(ims), "202");
	report = next_of(ims);
	assert_non_null(report);
	assert_true(is_to(report, "sip:alice@example.org"));
	assert_string_equal(phone_header(report, "Route"), ROUTE);
	assert_string_equal(phone_header(report, "In-Reply-To"), "mo");
	assert_string_equal(centre.from, "+46731234567");
	phone_answer(ims, report, "200 OK", "");
}

/* Beyond 1,300 bytes it goes over the stream beside the peer's datagrams. */
static void a_long_message_goes_over_the_stream_of_the_peer(void **state)
{
	struct phone *stream = phone_tcp_listen(&sim.host, 5070);
	static char   text[1400];
	const char   *request;

	(void)state;
	core_registers("sip:dave@example.org", 600, "");
	memset(text, 'x', sizeof(text) - 1);
	send_message(ims, "sip:dave@example.org", "sip:+46721111111@home.example", "", text);
	request = next_of(stream);
	assert_non_null(request);
	assert_true(is_to(request, "sip:dave@example.org"));
	assert_string_equal(phone_header(request, "Route"), ROUTE);
	assert_string_equal(phone_body(request), text);
	phone_answer(stream, request, "200 OK", "");
	assert_status(next_of(ims), "200");
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define CLOSED(f) cmocka_unit_test_setup_teardown(f, world_closed, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		CLOSED(a_short_message_goes_to_the_user_by_way_of_its_s_cscf),
		TWO(a_short_message_goes_to_the_user_by_way_of_its_s_cscf),
		CLOSED(what_the_devices_take_is_the_form_of_a_message),
		TWO(what_the_devices_take_is_the_form_of_a_message),
		CLOSED(without_a_word_of_the_devices_the_form_is_the_peers),
		CLOSED(who_is_gone_or_refused_there_gets_it_by_the_next_target),
		CLOSED(a_subscriber_is_found_by_the_number_too),
		CLOSED(the_way_there_is_explained),
		CLOSED(what_the_s_cscf_tells_changes_the_form_of_the_next_message),
		TWO(what_the_s_cscf_tells_changes_the_form_of_the_next_message),
		TWO(what_comes_over_a_stream_finds_the_worker_that_asked),
		CLOSED(a_short_message_of_a_user_is_reported_by_way_of_its_s_cscf),
		CLOSED(a_long_message_goes_over_the_stream_of_the_peer),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
