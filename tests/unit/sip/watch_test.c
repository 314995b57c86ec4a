/* Watching the registrations of an S-CSCF's users (RFC 3680, RFC 6665; TS 24.341, 5.3.3.2). */
#include "side.h"

#include "sip/branch.h"
#include "sip/watch.h"

#define USER "sip:+46731234567@home.example"
#define SCSCF "sip:192.0.2.9:5060"
#define SMSIP "<unknown-param name=\"+g.3gpp.smsip\"/>"
#define CPM                                                                                        \
	"<unknown-param name=\"+g.3gpp.icsi-ref\">"                                                \
	"\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"</unknown-param>"

static const struct flow core = {.address = {0x090200c0}, .port = 5060};
static unsigned          number;
static char              asked[4096]; /* the last SUBSCRIBE */

static struct side *listener(void)
{
	struct side *s = side_new(1);

	s->services.has_peer = s->services.peer_trusted = s->services.peer_watched = true;
	s->services.peer = core;
	side_listen(s, false);
	return s;
}

static void end(struct side *s)
{
	side_end(s, s->session);
	assert_int_equal(side_metric(s, METRIC_sip_watches_open), 0);
	side_free(s);
}

static const char *field(const char *message, const char *name)
{
	static char     room[4][512];
	static unsigned next;
	char           *to = room[next++ % 4], label[64];
	const char     *at;

	snprintf(label, sizeof(label), "\r\n%s: ", name);
	at = strstr(message, label);
	to[0] = '\0';
	if (at != NULL) {
		at += strlen(label);
		snprintf(to, 512, "%.*s", (int)(strstr(at, "\r\n") - at), at);
	}
	return to;
}

/* The next SUBSCRIBE that is sent. */
static bool asks(struct side *s)
{
	struct flow to;
	const char *text = side_heard(s, &to);

	if (text == NULL)
		return false;
	assert_memory_equal(text, "SUBSCRIBE ", 10);
	assert_true(flow_eq(&to, &core));
	snprintf(asked, sizeof(asked), "%s", text);
	return true;
}

static bool asks_within(struct side *s, unsigned seconds)
{
	for (uint64_t last = s->now.us + seconds * US_PER_SECOND; s->now.us < last;) {
		side_at(s, s->now.us + US_PER_SECOND);
		side_tick(s);
		if (asks(s))
			return true;
	}
	return false;
}

static unsigned tells(struct side *s, unsigned expires)
{
	char text[1024];

	number++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "192.0.2.9:5060;branch=z9hG4bKr%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <" SCSCF ">;tag=a\r\nTo: <" USER ">\r\nCall-ID: r%u\r\n"
		 "CSeq: %u REGISTER\r\nContact: <" SCSCF
		 ">\r\nExpires: %u\r\nContent-Length: 0\r\n\r\n",
		 number, number, number, expires);
	return side_status(side_say(s, &core, text));
}

static void answers(struct side *s, const char *status, const char *more)
{
	char      text[2048];
	enum pull last;

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: <" USER ">;tag=core\r\nCall-ID: %s\r\n"
		 "CSeq: %s\r\nContact: <" SCSCF ">\r\n%sContent-Length: 0\r\n\r\n",
		 status, field(asked, "Via"), field(asked, "From"), field(asked, "Call-ID"),
		 field(asked, "CSeq"), more);
	side_feed(s, &core, text, strlen(text), &last);
}

/* The registration of the user in a document of that version. */
static const char *document(unsigned version, const char *state, const char *contacts)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" state=\"%s\">"
		 "<registration aor=\"sip:else@home.example\" id=\"0\" state=\"active\">"
		 "<contact id=\"9\" state=\"active\">%s</contact></registration>%s</reginfo>",
		 version, state, CPM, contacts);
	return text;
}

#define REGISTRATION(state, contacts)                                                              \
	"<registration aor=\"tel:+46-73-1234567\" id=\"1\" state=\"" state "\">" contacts          \
	"</registration>"
#define CONTACT(id, state, params)                                                                 \
	"<contact id=\"" id "\" state=\"" state "\"><uri>sip:d</uri>" params "</contact>"

struct notice {
	const char *state, *event, *type, *body, *tag, *call_id;
	unsigned    sequence;
};

static unsigned notifies(struct side *s, struct notice n)
{
	char        text[8192], to[256];
	const char *body = n.body != NULL ? n.body : "";

	number++;
	snprintf(to, sizeof(to), "%s", field(asked, "From"));
	snprintf(text, sizeof(text),
		 "NOTIFY sip:192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "192.0.2.9:5060;branch=z9hG4bKn%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <" USER ">;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
		 "CSeq: %u NOTIFY\r\nContact: <" SCSCF
		 ";x>\r\nRecord-Route: <sip:edge.example;lr>\r\n"
		 "Event: %s\r\n%s%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
		 number, n.tag != NULL ? n.tag : "core", to,
		 n.call_id != NULL ? n.call_id : field(asked, "Call-ID"),
		 n.sequence != 0 ? n.sequence : number, n.event != NULL ? n.event : "reg",
		 n.state == NULL || n.state[0] != '\0' ? "Subscription-State: " : "X: y",
		 n.state == NULL      ? "active;expires=600000\r\n"
		 : n.state[0] != '\0' ? n.state
				      : "\r\n",
		 n.type != NULL ? n.type : "application/reginfo+xml", strlen(body), body);
	return side_status(side_say(s, &core, text));
}

static const struct proto_binding *binding(const struct side *s)
{
	return &s->services.records[s->services.record_count - 1]->bindings[0];
}

static uint16_t features(const struct side *s)
{
	return binding(s)->features & ~PROTO_BINDING_AT_PEER;
}

/* Registered, asked and granted. */
static struct side *watching(void)
{
	struct side *s = listener();

	assert_int_equal(tells(s, 600000), 200);
	assert_true(asks(s));
	answers(s, "200 OK", "Expires: 600000\r\n");
	return s;
}

static struct side *told(const char *contacts)
{
	struct side *s = watching();

	assert_int_equal(notifies(s, (struct notice){.body = document(1, "full", contacts)}), 200);
	return s;
}

static void a_registration_that_is_in_force_is_asked_about(void **state)
{
	struct side *s = listener();

	(void)state;
	assert_int_equal(tells(s, 600000), 200);
	assert_true(asks(s));
	assert_memory_equal(asked, "SUBSCRIBE " USER " SIP/2.0\r\n",
			    strlen("SUBSCRIBE " USER " SIP/2.0\r\n"));
	assert_string_equal(field(asked, "Route"), "<" SCSCF ";lr>");
	assert_string_equal(field(asked, "To"), "<" USER ">");
	assert_memory_equal(field(asked, "From"), "<sip:example.org>;tag=", 22);
	assert_string_equal(field(asked, "Contact"), "<sip:192.0.2.1:5060>");
	assert_string_equal(field(asked, "P-Asserted-Identity"), "<sip:example.org>");
	assert_string_equal(field(asked, "Event"), "reg");
	assert_string_equal(field(asked, "Accept"), "application/reginfo+xml");
	assert_string_equal(field(asked, "Expires"), "600000");
	assert_string_equal(field(asked, "CSeq"), "1 SUBSCRIBE");
	answers(s, "200 OK", "Expires: 600000\r\n");
	/* A refresh of what is watched asks nothing. */
	assert_int_equal(tells(s, 600000), 200);
	assert_false(asks(s));
	assert_int_equal(side_metric(s, METRIC_sip_watches_open), 1);
	end(s);
}

static void who_is_not_to_be_asked_is_not(void **state)
{
	struct side *s = listener();

	(void)state;
	s->services.peer_watched = false;
	assert_int_equal(tells(s, 600000), 200);
	assert_false(asks_within(s, 60));
	end(s);
	s = listener();
	s->registered.why = REASON_REGISTRATIONS_FULL;
	assert_int_equal(tells(s, 600000), 403);
	assert_false(asks_within(s, 60)); /* what is not in force */
	assert_int_equal(side_metric(s, METRIC_sip_watches_open), 0);
	end(s);
}

static void what_all_devices_take_is_what_the_user_takes(void **state)
{
	static const struct {
		const char *state, *contacts;
		uint16_t    features;
	} steps[] = {
		{"full", REGISTRATION("active", CONTACT("1", "active", SMSIP)), SIP_FEATURE_SMSIP},
		{"partial", REGISTRATION("active", CONTACT("2", "active", CPM)),
		 SIP_FEATURE_SMSIP | SIP_FEATURE_CPM},
		{"partial", REGISTRATION("active", CONTACT("1", "terminated", "")),
		 SIP_FEATURE_CPM},
		{"partial", REGISTRATION("active", CONTACT("2", "active", CPM SMSIP)),
		 SIP_FEATURE_SMSIP | SIP_FEATURE_CPM},
		{"partial", "", SIP_FEATURE_SMSIP | SIP_FEATURE_CPM},
		{"full", REGISTRATION("active", CONTACT("3", "active", "")), 0},
	};
	struct side *s = watching();
	uint64_t     expires = binding(s)->expires_us;

	(void)state;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(notifies(s, (struct notice){.body = document(i, steps[i].state,
									      steps[i].contacts)}),
				 200);
		assert_int_equal(features(s), steps[i].features);
		assert_int_equal(binding(s)->expires_us, expires);
	}
	end(s);
}

/* RFC 6665, 4.1.2.4: a NOTIFY may be here before the answer is. */
static void a_notice_may_come_before_the_answer(void **state)
{
	struct side *s = listener();

	(void)state;
	assert_int_equal(tells(s, 600000), 200);
	assert_true(asks(s));
	assert_int_equal(
		notifies(s, (struct notice){.body = document(
						    1, "full",
						    REGISTRATION("active",
								 CONTACT("1", "active", SMSIP)))}),
		200);
	assert_int_equal(features(s), SIP_FEATURE_SMSIP);
	answers(s, "202 Accepted", "");
	assert_false(asks_within(s, 3600));
	end(s);
}

/* RFC 3680, 5.1 */
static void an_old_version_is_passed_over_and_after_a_gap_all_is_asked_for(void **state)
{
	struct side *s = told(REGISTRATION("active", CONTACT("1", "active", SMSIP)));

	(void)state;
	assert_int_equal(
		notifies(s, (struct notice){.body = document(
						    1, "partial",
						    REGISTRATION("active",
								 CONTACT("1", "active", CPM)))}),
		200);
	assert_int_equal(features(s), SIP_FEATURE_SMSIP);
	assert_int_equal(
		notifies(s, (struct notice){.body = document(
						    3, "partial",
						    REGISTRATION("active",
								 CONTACT("2", "active", CPM)))}),
		200);
	assert_int_equal(features(s), SIP_FEATURE_SMSIP);
	assert_true(asks_within(s, 20));
	answers(s, "200 OK", "Expires: 600000\r\n");
	assert_int_equal(
		notifies(s, (struct notice){.body = document(
						    4, "full",
						    REGISTRATION("active",
								 CONTACT("2", "active", CPM)))}),
		200);
	assert_int_equal(features(s), SIP_FEATURE_CPM);
	end(s);
}

static void the_end_of_the_last_device_is_the_end_of_the_binding(void **state)
{
	static const char *const last[] = {
		REGISTRATION("terminated", CONTACT("1", "terminated", "")),
		REGISTRATION("init", ""),
		REGISTRATION("active", CONTACT("1", "terminated", "")),
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct side *s = told(REGISTRATION("active", CONTACT("1", "active", SMSIP)));

		assert_int_equal(
			notifies(s, (struct notice){.state = "terminated;reason=noresource\r\n",
						    .body = document(2, "partial", last[i])}),
			200);
		assert_true(binding(s)->expires_us <= s->now.us);
		assert_int_equal(side_metric(s, METRIC_sip_watches_open), 0);
		assert_int_equal(notifies(s, (struct notice){0}), 481);
		end(s);
	}
}

static void it_is_asked_again_in_its_dialog_before_it_ends(void **state)
{
	struct side *s = told(REGISTRATION("active", CONTACT("1", "active", SMSIP)));
	char         call_id[64];

	(void)state;
	snprintf(call_id, sizeof(call_id), "%s", field(asked, "Call-ID"));
	notifies(s, (struct notice){.state = "active;expires=1800\r\n"});
	assert_false(asks_within(s, 1190));
	assert_true(asks_within(s, 20));
	assert_memory_equal(asked, "SUBSCRIBE " SCSCF ";x SIP/2.0\r\n",
			    strlen("SUBSCRIBE " SCSCF ";x SIP/2.0\r\n"));
	assert_string_equal(field(asked, "Route"), "<sip:edge.example;lr>");
	assert_string_equal(field(asked, "To"), "<" USER ">;tag=core");
	assert_string_equal(field(asked, "Call-ID"), call_id);
	assert_string_equal(field(asked, "CSeq"), "2 SUBSCRIBE");
	/* What is gone there begins anew at once (RFC 6665, 4.1.2.2). */
	answers(s, "481 Call/Transaction Does Not Exist", "");
	assert_true(asks(s));
	assert_string_equal(field(asked, "To"), "<" USER ">");
	assert_string_not_equal(field(asked, "Call-ID"), call_id);
	assert_string_equal(field(asked, "CSeq"), "1 SUBSCRIBE");
	end(s);
}

static void a_refusal_ends_it_or_is_tried_again_in_time(void **state)
{
	static const struct {
		const char *status, *more;
		unsigned    after; /* seconds; 0: never */
	} rows[] = {
		{"403 Forbidden", "", 0},
		{"489 Bad Event", "", 0},
		{"481 Call/Transaction Does Not Exist", "", 0},
		{"600 Busy Everywhere", "", 0},
		{"401 Unauthorized", "", 0},
		{"423 Interval Too Brief", "Min-Expires: 700000\r\n", 1},
		{"503 Service Unavailable", "Retry-After: 200\r\n", 200},
		{"480 Temporarily Unavailable", "", 60},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener();

		tells(s, 600000);
		assert_true(asks(s));
		answers(s, rows[i].status, rows[i].more);
		if (rows[i].after == 0) {
			assert_int_equal(side_metric(s, METRIC_sip_watches_open), 0);
			assert_int_equal(side_metric(s, METRIC_sip_watches_refused), 1);
			assert_false(asks_within(s, 600));
			assert_int_equal(tells(s, 600000), 200); /* the next REGISTER asks again */
			assert_true(asks(s));
		} else {
			assert_false(asks_within(s, rows[i].after - 1));
			assert_true(asks_within(s, 21));
			assert_string_equal(field(asked, "Expires"), i == 5 ? "700000" : "600000");
		}
		end(s);
	}
}

static void who_never_answers_is_asked_so_often_and_no_more(void **state)
{
	struct side *s = listener();
	unsigned     times = 1;

	(void)state;
	tells(s, 600000);
	assert_true(asks(s));
	while (side_metric(s, METRIC_sip_watches_open) > 0) {
		side_at(s, s->now.us + US_PER_SECOND);
		side_tick(s);
		while (asks(s)) { /* also what is sent again */
			if (strcmp(field(asked, "CSeq"), "1 SUBSCRIBE") != 0)
				times = (unsigned)atoi(field(asked, "CSeq"));
		}
		assert_true(s->now.us < 3600 * US_PER_SECOND);
	}
	assert_int_equal(times, SIP_WATCH_TRIES_MAX + 1);
	assert_int_equal(side_metric(s, METRIC_sip_watches_refused), 1);
	end(s);
}

/* Timer N. */
static void who_grants_it_and_tells_nothing_is_asked_again(void **state)
{
	struct side *s = watching();

	(void)state;
	assert_false(asks_within(s, 90));
	assert_true(asks_within(s, 30));
	end(s);
}

static void a_notice_that_is_wrong_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		struct notice n;
		unsigned      status;
	} rows[] = {
		{{.call_id = "else"}, 481},   {{.tag = "else"}, 481},
		{{.event = "presence"}, 489}, {{.event = "regx"}, 489},
		{{.state = ""}, 400},         {{.body = "x", .type = "text/plain"}, 415},
		{{.body = "<reginfo"}, 400},  {{.sequence = 1}, 500},
		{{.event = "reg;id=1"}, 200}, {{.state = "pending\r\n"}, 200},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = told(REGISTRATION("active", CONTACT("1", "active", SMSIP)));
		const char  *more =
			document(2, "full", REGISTRATION("active", CONTACT("1", "active", "")));
		struct notice n = rows[i].n;

		if (n.body == NULL && rows[i].status != 200)
			n.body = more;
		assert_int_equal(notifies(s, n), rows[i].status);
		assert_int_equal(features(s), SIP_FEATURE_SMSIP);
		assert_int_equal(side_metric(s, METRIC_sip_watches_open), 1);
		end(s);
	}
}

/* RFC 6665, 4.1.3 */
static void why_it_ended_says_whether_it_is_asked_again(void **state)
{
	static const struct {
		const char *state;
		unsigned    after; /* seconds; 0: never */
	} rows[] = {
		{"terminated;reason=deactivated\r\n", 1},
		{"terminated;reason=timeout\r\n", 1},
		{"terminated;reason=probation;retry-after=120\r\n", 120},
		{"terminated;reason=giveup\r\n", 60},
		{"terminated\r\n", 60},
		{"terminated;reason=rejected\r\n", 0},
		{"terminated;reason=noresource\r\n", 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = told(REGISTRATION("active", CONTACT("1", "active", SMSIP)));

		assert_int_equal(notifies(s, (struct notice){.state = rows[i].state}), 200);
		assert_int_equal(features(s), SIP_FEATURE_SMSIP);
		assert_int_equal(side_metric(s, METRIC_sip_watches_open), rows[i].after > 0);
		if (rows[i].after > 0) {
			assert_false(asks_within(s, rows[i].after - 1));
			assert_true(asks_within(s, 21));
			assert_string_equal(field(asked, "To"), "<" USER ">");
		}
		end(s);
	}
}

static void it_is_over_with_the_registration(void **state)
{
	struct side *s = watching();

	(void)state;
	assert_int_equal(tells(s, 0), 200);
	assert_false(asks_within(s, 60));
	assert_int_equal(side_metric(s, METRIC_sip_watches_open), 0);
	assert_int_equal(notifies(s, (struct notice){0}), 481);
	end(s);
}

/* The registration holds without. */
static void what_no_block_is_left_for_is_not_watched(void **state)
{
	struct side *s = listener();
	char         text[1024];

	(void)state;
	for (unsigned i = 0; i < SIDE_BLOCKS; i++) {
		while (s->services.record_count > 0)
			free(s->services.records[--s->services.record_count]);
		snprintf(text, sizeof(text),
			 "REGISTER sip:example.org SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKm%u\r\nMax-Forwards: 70\r\n"
			 "From: <" SCSCF ">;tag=a\r\nTo: <sip:+4673%u@home.example>\r\n"
			 "Call-ID: m%u\r\nCSeq: 1 REGISTER\r\nContact: <" SCSCF ">\r\n"
			 "Expires: 600\r\nContent-Length: 0\r\n\r\n",
			 i, 1000000 + i, i);
		assert_int_equal(side_status(side_say(s, &core, text)), 200);
		if (!asks(s))
			break;
		answers(s, "202 Accepted", "Expires: 600\r\n");
	}
	assert_true(side_metric(s, METRIC_sip_watches_full) > 0);
	assert_true(side_metric(s, METRIC_sip_watches_open) > 8);
	assert_true(side_metric(s, METRIC_sip_watches_open) <= SIDE_BLOCKS / 4);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registration_that_is_in_force_is_asked_about),
		cmocka_unit_test(who_is_not_to_be_asked_is_not),
		cmocka_unit_test(what_all_devices_take_is_what_the_user_takes),
		cmocka_unit_test(a_notice_may_come_before_the_answer),
		cmocka_unit_test(an_old_version_is_passed_over_and_after_a_gap_all_is_asked_for),
		cmocka_unit_test(the_end_of_the_last_device_is_the_end_of_the_binding),
		cmocka_unit_test(it_is_asked_again_in_its_dialog_before_it_ends),
		cmocka_unit_test(a_refusal_ends_it_or_is_tried_again_in_time),
		cmocka_unit_test(who_never_answers_is_asked_so_often_and_no_more),
		cmocka_unit_test(who_grants_it_and_tells_nothing_is_asked_again),
		cmocka_unit_test(a_notice_that_is_wrong_is_refused_and_changes_nothing),
		cmocka_unit_test(why_it_ended_says_whether_it_is_asked_again),
		cmocka_unit_test(it_is_over_with_the_registration),
		cmocka_unit_test(what_no_block_is_left_for_is_not_watched),
	};

	return cmocka_run_group_tests_name("sip watch", tests, NULL, NULL);
}
