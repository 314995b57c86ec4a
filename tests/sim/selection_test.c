/* Selection of how a message goes on (OMA CPM, interworking selection): rules by what it carries,
 * how long it is and what it costs, and where its recipient is reached. */
#include "chat.h"

#include <jansson.h>

#include "dataplane/query.h"
#include "smpp/pdu.h"

#define ALICES_NUMBER "+46731234567"

static unsigned centre_had;

static void site_with(const char *rules)
{
	char site[2048];

	snprintf(site, sizeof(site),
		 "accounts:\n"
		 "  - {name: esme1, password: secret1, window: 10}\n"
		 "peers:\n"
		 "  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
		 "  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, transport: udp, "
		 "trusted: true}\n"
		 "routes:\n"
		 "  - {to: \"+4673\", via: [registered, smsc1]}\n"
		 "rules:\n%s"
		 "subscribers:\n"
		 "  - {address: \"" ALICES_NUMBER "\", sip: \"sip:alice@example.org\", xmpp: "
		 "\"xmpp:alice@example.org\", password: secret}\n",
		 rules);
	sim_apply(&sim, site);
}

static void begin_with(const char *rules)
{
	site_with(rules);
	esme_begin();
	centre_had = 0;
}

static bool centre_has_more(struct sim *s)
{
	(void)s;
	return centre.count > centre_had;
}

static void answer_is(uint32_t status)
{
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answers, 1);
	assert_int_equal(esme_answer.peer_status, status);
	esme_answers = 0;
}

static void centre_gets(const char *to, const char *text)
{
	submit(to, text, 0);
	assert_true(sim_until(&sim, centre_has_more, US_PER_SECOND));
	assert_string_equal(centre.text, text);
	answer_is(SMPP_ROK);
	centre_had = centre.count;
}

static void is_refused(const char *to, const char *text, uint32_t status)
{
	submit(to, text, 0);
	answer_is(status);
	assert_int_equal(centre.count, centre_had);
}

static struct phone *device_comes(void)
{
	struct phone *device = phone_udp(&sim.host, 6001);

	send_register(device, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(device), "200");
	return device;
}

static void device_gets(struct phone *device, const char *text)
{
	const char *request;

	submit(ALICES_NUMBER, text, 0);
	request = next_of(device);
	assert_non_null(request);
	assert_non_null(strstr(request, text));
	phone_answer(device, request, "200 OK", "");
	answer_is(SMPP_ROK);
}

static void client_is_refused(struct phone *client, const char *text)
{
	phone_send(client,
		   "<message to='+46730@example.org' id='no' type='chat'><body>%s</body></message>",
		   text);
	chat_expects(client, "<message type=\"error\" id=\"no\"");
	chat_expects(client, "</message>");
	assert_int_equal(centre.count, centre_had);
}

/* In how many parts it comes is the message centre's link's to say. */
static void client_is_not_refused(struct phone *client, const char *text)
{
	phone_send(
		client,
		"<message to='+46730@example.org' id='yes' type='chat'><body>%s</body></message>",
		text);
	assert_true(sim_until(&sim, centre_has_more, US_PER_SECOND));
	sim_pass(&sim, 100 * US_PER_MS);
	centre_had = centre.count;
	chat_hears_nothing(client);
}

static void a_text_is_selected_by_its_bytes(void **state)
{
	struct phone *client;

	(void)state;
	begin_with("  - {name: long, when: {size: {over: 10}}, then: {reject: message-size}}\n"
		   "  - {name: none, when: {size: {under: 2}}, then: {reject: forbidden}}\n");
	centre_gets("+46730", "0123456789");
	is_refused("+46730", "0123456789a", SMPP_RINVMSGLEN);
	is_refused("+46730", "0", SMPP_RPROHIBITED);
	client = chat_client(ALICE, "desk");
	client_is_refused(client, "012345678\u00e5"); /* 11 bytes, 10 characters */
	client_is_not_refused(client, "\u00e5");
}

/* 160 characters of GSM 7 bit are one, 71 of UCS-2 two. */
static void a_text_is_selected_by_what_it_costs(void **state)
{
	struct phone *client;
	char          text[256];

	(void)state;
	begin_with("  - {name: dear, when: {parts: {over: 1}}, then: {reject: forbidden}}\n");
	client = chat_client(ALICE, "desk");
	memset(text, 'a', sizeof(text));
	text[161] = '\0';
	client_is_refused(client, text);
	text[160] = '\0';
	client_is_not_refused(client, text);
	strcpy(text + 70, "\u0416");
	client_is_refused(client, text);
	strcpy(text + 69, "\u0416");
	client_is_not_refused(client, text);
}

static void where_the_recipient_is_selects_and_changes_as_it_does(void **state)
{
	struct phone *device, *client;

	(void)state;
	begin_with("  - {name: away, when: {reached: nobody}, then: {reject: forbidden}}\n"
		   "  - {name: phone, when: {reached: sip, not: {reached: xmpp}}, then: {route: "
		   "smsc1}}\n");
	is_refused(ALICES_NUMBER, "one", SMPP_RPROHIBITED);
	client = chat_client(ALICE, "desk");
	submit(ALICES_NUMBER, "two", 0);
	chat_expects(client, "<body>two</body>");
	answer_is(SMPP_ROK);
	device = device_comes();
	device_gets(device, "three"); /* in both: no rule holds */
	phone_send(client, "<presence type='unavailable'/>");
	sim_pass(&sim, 100 * US_PER_MS);
	centre_gets(ALICES_NUMBER, "four");
	assert_null(phone_take(device));
}

#define ICSI "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."
#define IARI "+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs."

/* One more place of alice's, with what it takes. */
static void device_of(uint16_t port, const char *tags)
{
	struct phone *device = phone_udp(&sim.host, port);

	sequence++;
	phone_send(device,
		   "REGISTER sip:example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\n"
		   "From: <sip:alice@example.org>;tag=f\r\nTo: <sip:alice@example.org>\r\n"
		   "Call-ID: reg%u\r\nCSeq: %u REGISTER\r\n"
		   "Contact: <sip:alice@198.18.0.2:%u>;%s\r\nContent-Length: 0\r\n\r\n",
		   port, sequence, port, sequence, port, tags);
	assert_status(next_of(device), "200");
}

static const char *explained(const char *content, const char *step);

/* One device that takes it is enough, and it counts where it wants to be reached alone. */
static void what_the_devices_take_selects_and_is_explained(void **state)
{
	(void)state;
	begin_with(
		"  - {name: plain, when: {not: {device: [sms, cpm]}}, then: {reject: forbidden}}\n"
		"  - {name: rich, when: {device: file}, then: {reject: message-size}}\n"
		"  - {name: rest, when: {text: o}, then: {route: smsc1}}\n");
	is_refused(ALICES_NUMBER, "one", SMPP_RPROHIBITED);
	device_of(6001, "expires=600");
	is_refused(ALICES_NUMBER, "two", SMPP_RPROHIBITED);
	device_of(6002, "+g.3gpp.smsip");
	centre_gets(ALICES_NUMBER, "once more");
	assert_string_equal(
		explained("text", "message"),
		"text of 5 bytes, 1 short message: the recipient is reached in sip; its "
		"devices take sms");
	device_of(6003, ICSI "msg,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\";" IARI
			     "fthttp\"");
	is_refused(ALICES_NUMBER, "four", SMPP_RINVMSGLEN);
	assert_string_equal(
		explained("text", "message"),
		"text of 5 bytes, 1 short message: the recipient is reached in sip; its "
		"devices take sms, cpm, chat, file");
	assert_string_equal(explained("text", "rules"), "rich: rejects it");
}

/* Nobody is told that somebody writes by a short message, which a rule may say. */
static void what_a_message_carries_selects(void **state)
{
	struct phone *client;

	(void)state;
	begin_with("  - {name: quiet, when: {content: composing}, then: {drop: true}}\n"
		   "  - {name: words, when: {content: text, from: carol}, then: {reject: spam}}\n"
		   "  - {name: others, when: {content: [file, location]}, then: {reject: "
		   "forbidden}}\n");
	client = chat_client(ALICE, "desk");
	phone_send(client, "<message to='+46730@example.org' type='chat'><composing "
			   "xmlns='http://jabber.org/protocol/chatstates'/></message>");
	phone_send(client, "<message to='+46730@example.org' type='chat' id='t'><body>said</body>"
			   "</message>");
	assert_true(sim_until(&sim, centre_has_more, US_PER_SECOND));
	assert_string_equal(centre.text, "said");
	assert_int_equal(sim_metric(&sim, METRIC_messages_dropped_by_rule), 1);
	chat_hears_nothing(client);
}

static const char *explained(const char *content, const char *step)
{
	static char line[300];
	json_t     *args = json_pack("{s:s, s:s, s:s, s:s}", "from", "+46701", "to", ALICES_NUMBER,
				     "text", "hello", "content", content);
	json_t     *reply = NULL, *row;
	char        error[256] = "";
	size_t      i;

	line[0] = '\0';
	if (query_run(&sim.dp, "route_explain", args, &reply, error) != 0)
		snprintf(line, sizeof(line), "%s", error);
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *words[3];

		assert_int_equal(json_unpack(row, "[s, s, s]", &words[0], &words[1], &words[2]), 0);
		if (strcmp(words[0], step) == 0)
			snprintf(line, sizeof(line), "%s: %s", words[1], words[2]);
	}
	json_decref(args);
	json_decref(reply);
	return line;
}

static void what_rules_ask_is_explained(void **state)
{
	(void)state;
	site_with("  - {name: words, when: {text: hello}, then: {tag: hi}}\n");
	assert_string_equal(explained("text", "message"), "");
	site_with("  - {name: links, when: {content: file, reached: [xmpp, nobody]}, then: "
		  "{reject: forbidden}}\n");
	assert_string_equal(explained("text", "message"),
			    "text of 5 bytes, 1 short message: the recipient is reached nowhere "
			    "here");
	assert_string_equal(explained("text", "rules"), "pass: no rule matches");
	assert_string_equal(explained("file", "rules"), "links: rejects it");
	chat_client(ALICE, "desk");
	assert_string_equal(explained("file", "message"),
			    "file of 5 bytes, 1 short message: the recipient is reached in xmpp");
	assert_string_equal(explained("picture", "message"),
			    "'picture' is no content; cpm-apply(5) has the words of `content`");
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(a_text_is_selected_by_its_bytes),
		OPEN(a_text_is_selected_by_what_it_costs),
		OPEN(where_the_recipient_is_selects_and_changes_as_it_does),
		TWO(where_the_recipient_is_selects_and_changes_as_it_does),
		OPEN(what_the_devices_take_selects_and_is_explained),
		OPEN(what_a_message_carries_selects),
		OPEN(what_rules_ask_is_explained),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
