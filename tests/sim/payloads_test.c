/* What clients of XMPP say beside a text, or in place of one, and what becomes of it where the
 * recipient has XMPP, SMPP or SIP: a row for each, through the whole dataplane. */
#include "chat.h"

#define HINTS "xmlns='urn:xmpp:hints'/>"
#define STATES "xmlns='http://jabber.org/protocol/chatstates'/>"

static const struct row {
	const char *says;      /* the payloads */
	const char *client;    /* the same, as the other client hears it */
	const char *sms;       /* the text that the message centre gets; NULL: nothing */
	const char *sms_error; /* the condition that the sender is told; NULL: none */
	const char *sip;       /* in the MESSAGE that the device gets; NULL: nothing */
	const char *sip_error;
} rows[] = {
	/* XEP-0308: without the rest it is a text of its own */
	{"<body>better</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>",
	 "<body>better</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>", "better", NULL,
	 "\r\n\r\nbetter", NULL},
	/* XEP-0334: hints are for archives and copies, none of which is a carrier's */
	{"<body>a</body><no-store " HINTS, "<body>a</body><no-store " HINTS, "a", NULL, "\r\n\r\na",
	 NULL},
	{"<body>b</body><no-permanent-store " HINTS, "<body>b</body><no-permanent-store " HINTS,
	 "b", NULL, "\r\n\r\nb", NULL},
	{"<body>c</body><store " HINTS, "<body>c</body><store " HINTS, "c", NULL, "\r\n\r\nc",
	 NULL},
	{"<body>d</body><no-copy " HINTS, "<body>d</body><no-copy " HINTS, "d", NULL, "\r\n\r\nd",
	 NULL},
	{"<store " HINTS, "<store " HINTS, NULL, "service-unavailable", NULL,
	 "service-unavailable"},
	/* XEP-0428: the fallback is for who knows the text alone */
	{"<body>> hi\nyes</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
	 "<body start='0' end='5'/></fallback>",
	 "<body>&gt; hi&#10;yes</body><fallback xmlns='urn:xmpp:fallback:0' "
	 "for='urn:xmpp:reply:0'><body start='0' end='5'/></fallback>",
	 "> hi\nyes", NULL, "\r\n\r\n> hi\nyes", NULL},
	/* XEP-0353: a call, which is no text */
	{"<propose xmlns='urn:xmpp:jingle-message:0' id='c1'><description "
	 "xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>",
	 "<propose xmlns='urn:xmpp:jingle-message:0' id='c1'><description "
	 "xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>",
	 NULL, "service-unavailable", NULL, "service-unavailable"},
	/* XEP-0085: that it has no place there is no news */
	{"<composing " STATES, "<composing " STATES, NULL, NULL, "<state>active</state>", NULL},
	{"<paused " STATES, "<paused " STATES, NULL, NULL, "<state>idle</state>", NULL},
	{"<body>e</body><active " STATES, "<body>e</body><active " STATES, "e", NULL, "\r\n\r\ne",
	 NULL},
};

/* The sender is told so, or nothing. */
static void is_told(struct phone *alice, unsigned row, const char *condition)
{
	char want[256];

	if (condition == NULL) {
		chat_hears_nothing(alice);
		return;
	}
	snprintf(want, sizeof(want), "<message type=\"error\" id=\"r%u\"", row);
	chat_expects(alice, want);
	snprintf(want, sizeof(want), "<%s xmlns", condition);
	chat_expects(alice, want);
	chat_expects(alice, "</message>");
}

static void says(struct phone *p, const char *to, unsigned row)
{
	char text[1024];

	snprintf(text, sizeof(text), "<message to='%s' id='r%u' type='chat'>%s</message>", to, row,
		 rows[row].says);
	phone_send(p, "%s", text);
}

static void what_stands_beside_a_text_goes_to_clients_and_the_text_everywhere(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *carol = chat_client(CAROL, "desk");
	struct phone *dave = phone_udp(&sim.host, 5080);

	(void)state;
	send_register(dave, "sip:dave@example.org", "sip:dave@198.18.0.2:5080", "");
	assert_status(next_of(dave), "200");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned    before = centre.count;
		uint64_t    refused = sim_metric(&sim, METRIC_REFUSED + REASON_CODING);
		const char *text;

		says(alice, "carol@example.org", i);
		chat_expects(carol, rows[i].client);
		chat_expects(carol, "</message>");
		chat_hears_nothing(alice);

		says(alice, "+46701234567@example.org", i);
		sim_pass(&sim, 100 * US_PER_MS);
		is_told(alice, i, rows[i].sms_error);
		assert_int_equal(centre.count, before + (rows[i].sms != NULL));
		if (rows[i].sms != NULL)
			assert_string_equal(centre.text, rows[i].sms);
		else if (rows[i].sms_error == NULL) /* in silence, but counted */
			assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_CODING),
					 refused + 1);

		says(alice, "dave@example.org", i);
		sim_pass(&sim, 100 * US_PER_MS);
		text = phone_take(dave);
		assert_int_equal(text != NULL, rows[i].sip != NULL);
		if (text != NULL) {
			assert_non_null(strstr(text, rows[i].sip));
			phone_answer(dave, text, "200 OK", "");
		}
		is_told(alice, i, rows[i].sip_error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_stands_beside_a_text_goes_to_clients_and_the_text_everywhere,
			world_open, world_end),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
