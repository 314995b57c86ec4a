#include "subscriber.h"

#define REGISTRAR "sip:example.org"
#define ALICE "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"

static struct side *registrar_new(bool open_to_all)
{
	struct side *s = side_new(1);

	side_listen(s, open_to_all);
	return s;
}

static void a_subscriber_registers_and_asks_and_is_told_what_is_there(void **state)
{
	struct side                *s = registrar_new(false);
	struct subscriber           alice = subscriber_alice();
	const struct proto_binding *b;
	const struct proto_record  *r;
	const char                 *answer;

	(void)state;
	s->services.has_peer = true;
	s->services.peer = alice.flow;
	answer =
		subscriber_prove(s, &alice, "REGISTER", REGISTRAR,
				 ALICE "Contact: <sip:alice@10.0.0.1:5080;ob>;q=0.5;expires=600\r\n"
				       "Supported: path\r\nPath: <sip:edge.example;lr>\r\n",
				 "");
	assert_int_equal(side_status(answer), 200);
	assert_non_null(
		strstr(answer, "Contact: <sip:alice@10.0.0.1:5080;ob>;expires=600;q=0.500\r\n"));
	assert_non_null(strstr(answer, "Path: <sip:edge.example;lr>\r\n"));
	assert_non_null(strstr(answer, "Date: "));
	assert_int_equal(s->services.record_count, 1);
	r = s->services.records[0];
	b = &r->bindings[0];
	assert_true(str_eq(r->address, STR("sip:alice@example.org")));
	assert_true(str_eq(proto_binding_text(r, b, BINDING_CONTACT),
			   STR("sip:alice@10.0.0.1:5080;ob")));
	assert_true(str_eq(proto_binding_text(r, b, BINDING_PATH), STR("<sip:edge.example;lr>")));
	assert_true(str_eq(proto_binding_text(r, b, BINDING_CALL), STR("alice@x")));
	assert_int_equal(b->sequence, alice.sequence);
	assert_int_equal(b->expires_us, s->now.us + 600 * US_PER_SECOND);
	assert_int_equal(b->priority, 500);
	assert_true(flow_eq(&b->flow, &alice.flow));
	side_at(s, s->now.us + 100 * US_PER_SECOND);
	answer = subscriber_say(s, &alice, "REGISTER", REGISTRAR, ALICE, "");
	assert_int_equal(side_status(answer), 200);
	assert_non_null(strstr(answer, "expires=500;"));
	assert_int_equal(s->services.record_count, 1);
	side_free(s);
}

#define SERVICE_ROUTE "<sip:edge.example.org;lr>, <sip:orig@192.0.2.1;lr>"

/* RFC 3608, 6.3: in every 200, also to one that only asks; and then requests come with it. */
static void who_registers_is_told_the_way_here_and_its_requests_by_it_are_taken(void **state)
{
	struct side      *s = side_new(1);
	struct subscriber alice = subscriber_alice();
	struct proto_open how;
	const char       *answer;

	(void)state;
	s->datagram = true;
	how = side_how(s, PROTO_DATAGRAM);
	how.service_route = STR(SERVICE_ROUTE);
	side_open_as(s, s->session, &how);
	answer = subscriber_prove(s, &alice, "REGISTER", REGISTRAR,
				  ALICE "Contact: <sip:alice@192.0.2.50>\r\n", "");
	assert_int_equal(side_status(answer), 200);
	assert_non_null(strstr(answer, "\r\nService-Route: " SERVICE_ROUTE "\r\n"));
	answer = subscriber_say(s, &alice, "REGISTER", REGISTRAR, ALICE, "");
	assert_int_equal(side_status(answer), 200);
	assert_non_null(strstr(answer, "\r\nService-Route: " SERVICE_ROUTE "\r\n"));
	assert_null(subscriber_say(
		s, &alice, "MESSAGE", "sip:+4670@example.org",
		"Route: <sip:orig@192.0.2.1;lr>\r\n" ALICE "Content-Type: text/plain\r\n", "hej"));
	assert_non_null(side_last(s, EVENT_MSG));
	assert_true(
		str_eq(msg_addr(side_last(s, EVENT_MSG)->msg, &side_last(s, EVENT_MSG)->msg->to),
		       STR("+4670")));
	side_answer(s, side_last(s, EVENT_MSG), &(struct result){0});
	side_free(s);
}

static void nobody_is_told_a_way_that_is_not_configured(void **state)
{
	struct side      *s = registrar_new(true);
	struct subscriber alice = subscriber_alice();

	(void)state;
	assert_null(strstr(subscriber_say(s, &alice, "REGISTER", REGISTRAR,
					  ALICE "Contact: <sip:alice@192.0.2.50>\r\n", ""),
			   "Service-Route"));
	side_free(s);
}

static void a_listener_may_offer_md5_alone(void **state)
{
	struct side      *s = side_new(1);
	struct subscriber alice = subscriber_alice();
	struct proto_open how;
	const char       *answer;

	(void)state;
	s->datagram = true;
	how = side_how(s, PROTO_DATAGRAM);
	how.md5_alone = true;
	side_open_as(s, s->session, &how);
	answer = subscriber_say(s, &alice, "REGISTER", REGISTRAR, ALICE, "");
	assert_int_equal(side_status(answer), 401);
	assert_null(strstr(answer, "SHA-256"));
	assert_non_null(strstr(answer, "algorithm=MD5"));
	side_free(s);
}

static void what_a_contact_may_not_say_is_refused(void **state)
{
	static const struct {
		const char *lines;
		unsigned    status;
		const char *with;
	} cases[] = {
		{ALICE "Contact: <sip:a@h>;expires=59\r\n", 423, "Min-Expires: 60\r\n"},
		{ALICE "Contact: <sip:a@h>\r\nExpires: 1\r\n", 423, "Min-Expires: 60\r\n"},
		{ALICE "Contact: <sip:a@h>;expires=60\r\n", 200, ";expires=60\r\n"},
		{ALICE "Contact: <sip:a@h>\r\n", 200, ";expires=3600\r\n"},
		{ALICE "Contact: <sip:a@h>;expires=7200\r\n", 200, ";expires=3600\r\n"},
		{ALICE "Contact: <sip:a@h>;expires=junk\r\n", 200, ";expires=3600\r\n"},
		{ALICE "Contact: <sip:a@h>\r\nExpires: 4294967299\r\n", 200, ";expires=3600\r\n"},
		{ALICE "Contact: <mailto:a@h>\r\n", 400, ""},
		{ALICE "Contact: <sip:a@h>;q=2\r\n", 400, ""},
		{ALICE "Contact: *\r\n", 400, ""},
		{ALICE "Contact: *\r\nExpires: 60\r\n", 400, ""},
		{ALICE "Contact: *, <sip:a@h>\r\nExpires: 0\r\n", 400, ""},
		{ALICE "Contact: *\r\nExpires: 0\r\n", 200, ""},
		{ALICE "Contact: <sip:a@h>;reg-id=0;+sip.instance=\"<urn:x>\"\r\n", 400, ""},
		{ALICE "Contact: <sip:a@h>;reg-id=1;+sip.instance=\"<urn:x>\", <sip:b@h>\r\n"
		       "Supported: outbound\r\n",
		 400, ""},
		{ALICE "Contact: <sip:a@h>\r\nRequire: gruu, path\r\n", 420,
		 "Unsupported: gruu\r\n"},
		{ALICE "Contact: <sip:1@h>, <sip:2@h>, <sip:3@h>, <sip:4@h>, <sip:5@h>,<sip:6@h>,"
		       "<sip:7@h>,<sip:8@h>,<sip:9@h>,<sip:10@h>,<sip:11@h>\r\n",
		 403, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = registrar_new(true);
		struct subscriber alice = subscriber_alice();
		const char       *answer =
			subscriber_say(s, &alice, "REGISTER", REGISTRAR, cases[i].lines, "");

		assert_int_equal(side_status(answer), cases[i].status);
		assert_non_null(strstr(answer, cases[i].with));
		side_free(s);
	}
}

static void a_star_removes_all_and_a_zero_removes_one(void **state)
{
	struct side      *s = registrar_new(true);
	struct subscriber alice = subscriber_alice();

	(void)state;
	s->hold = true;
	assert_null(subscriber_say(s, &alice, "REGISTER", REGISTRAR,
				   ALICE "Contact: *\r\nExpires: 0\r\n", ""));
	assert_non_null(side_last(s, EVENT_BINDING));
	side_answer(s, side_last(s, EVENT_BINDING), &(struct result){0});
	s->hold = false;
	s->sent_size = 0;
	subscriber_say(s, &alice, "REGISTER", REGISTRAR, ALICE "Contact: <sip:a@h>;expires=0\r\n",
		       "");
	assert_int_equal(s->services.records[0]->bindings[0].expires_us, s->now.us);
	side_free(s);
}

static void an_outbound_registration_is_known_by_its_device(void **state)
{
	struct side                *s = registrar_new(true);
	struct subscriber           alice = subscriber_alice();
	const struct proto_binding *b[3];
	const char                 *answer;

	(void)state;
	answer = subscriber_say(
		s, &alice, "REGISTER", REGISTRAR,
		ALICE
		"Contact: <sip:a@h:1>;reg-id=2;+sip.instance=\"<urn:uuid:1>\";+g.3gpp.smsip\r\n"
		"Supported: outbound\r\n",
		"");
	assert_non_null(strstr(answer, "Require: outbound\r\n"));
	assert_non_null(strstr(answer, ";+sip.instance=\"<urn:uuid:1>\";reg-id=2\r\n"));
	subscriber_say(s, &alice, "REGISTER", REGISTRAR,
		       ALICE "Contact: <sip:a@h:2>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"\r\n"
			     "Supported: outbound\r\n",
		       "");
	subscriber_say(s, &alice, "REGISTER", REGISTRAR,
		       ALICE "Contact: <sip:a@h:2>;reg-id=3;+sip.instance=\"<urn:uuid:1>\"\r\n"
			     "Supported: outbound\r\n",
		       "");
	for (unsigned i = 0; i < 3; i++)
		b[i] = &s->services.records[i]->bindings[0];
	assert_int_equal(b[0]->key, b[1]->key);
	assert_int_not_equal(b[1]->key, b[2]->key);
	assert_int_equal(b[0]->features, SIP_FEATURE_SMSIP | 2u << SIP_FEATURE_REG_ID_SHIFT);
	side_free(s);
}

/* RCC.07, 2.6; a value may have several elements, and a tag may come more than once. */
static void what_a_device_takes_is_read_from_its_tags(void **state)
{
#define ICSI "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi."
#define IARI "+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari."
	static const struct {
		const char *tags;
		uint16_t    features;
	} rows[] = {
		{ICSI "oma.cpm.msg\"", SIP_FEATURE_CPM},
		{ICSI "oma.cpm.largemsg\"", SIP_FEATURE_LARGE},
		{ICSI "oma.cpm.session\"", SIP_FEATURE_SESSION},
		{ICSI "oma.cpm.msg,urn%3aurn-7%3a3gpp-service.ims.icsi.oma.cpm.session\"",
		 SIP_FEATURE_CPM | SIP_FEATURE_SESSION},
		{ICSI "oma.cpm.msg\";" ICSI "oma.cpm.largemsg\"",
		 SIP_FEATURE_CPM | SIP_FEATURE_LARGE},
		{"+g.3gpp.icsi-ref=\"<urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg> , "
		 "<urn:urn-7:3gpp-service.ims.icsi.mmtel>\"",
		 SIP_FEATURE_CPM},
		{IARI "rcs.fthttp,urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.geopush\"",
		 SIP_FEATURE_FILE | SIP_FEATURE_LOCATION},
		{"+g.3gpp.smsip;" IARI "rcs.geopush\"", SIP_FEATURE_SMSIP | SIP_FEATURE_LOCATION},
		{"+G.3GPP.SMSIP", SIP_FEATURE_SMSIP},
		{ICSI "oma.cpm.msg.group\"", 0},
		{ICSI "oma.cpm.session.group\"", 0},
		{IARI "rcs.ft\"", 0},
		{"+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"", 0},
		{"+g.3gpp.icsi-ref", 0},
		{"+g.3gpp.icsi-ref=\"\"", 0},
		{"+g.3gpp.icsi-ref=\",,%3A\"", 0},
		{"+g.3gpp.smsip2", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side      *s = registrar_new(true);
		struct subscriber alice = subscriber_alice();
		char              lines[512];

		snprintf(lines, sizeof(lines), "%sContact: <sip:a@h:1>;%s\r\n", ALICE,
			 rows[i].tags);
		assert_int_equal(
			side_status(subscriber_say(s, &alice, "REGISTER", REGISTRAR, lines, "")),
			200);
		if (s->services.records[0]->bindings[0].features != rows[i].features)
			fail_msg("%s: %x", rows[i].tags,
				 s->services.records[0]->bindings[0].features);
		side_free(s);
	}
}

/* What the directory reads of a binding is not for a device to say. */
static void a_reg_id_is_no_ability(void **state)
{
	static const struct {
		unsigned reg_id, status;
	} rows[] = {{1, 200}, {SIP_REG_ID_MAX, 200}, {SIP_REG_ID_MAX + 1, 400}, {128, 400}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side      *s = registrar_new(true);
		struct subscriber alice = subscriber_alice();
		char              lines[512];

		snprintf(lines, sizeof(lines),
			 ALICE "Contact: <sip:a@h:1>;reg-id=%u;+sip.instance=\"<urn:uuid:1>\"\r\n"
			       "Supported: outbound\r\n",
			 rows[i].reg_id);
		assert_int_equal(
			side_status(subscriber_say(s, &alice, "REGISTER", REGISTRAR, lines, "")),
			rows[i].status);
		assert_true(rows[i].status != 200 || s->services.records[0]->bindings[0].features ==
							     rows[i].reg_id
								     << SIP_FEATURE_REG_ID_SHIFT);
		side_free(s);
	}
}

static void who_may_register_whom(void **state)
{
	static const struct {
		const char *lines;
		unsigned    status;
	} cases[] = {
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n", 200},
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@EXAMPLE.org:5060>\r\n",
		 200},
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:+46701234567@example.org>\r\n",
		 200},
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\n", 403},
		{"From: <sip:bob@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\n", 403},
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@else.example>\r\n", 404},
		{"From: <sip:alice@example.org>;tag=1\r\nTo: <tel:+46701234567>\r\n", 404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = registrar_new(false);
		struct subscriber alice = subscriber_alice();
		char              lines[512];

		snprintf(lines, sizeof(lines), "%sContact: <sip:a@h>\r\n", cases[i].lines);
		assert_int_equal(
			side_status(subscriber_prove(s, &alice, "REGISTER", REGISTRAR, lines, "")),
			cases[i].status);
		assert_int_equal(s->services.record_count, cases[i].status == 200);
		side_free(s);
	}
}

static void a_peer_cannot_register_somebody_without_his_password(void **state)
{
	struct side      *s = registrar_new(false);
	struct subscriber alice = subscriber_alice();

	(void)state;
	s->services.has_peer = s->services.peer_trusted = true;
	s->services.peer = alice.flow;
	assert_int_equal(side_status(subscriber_say(s, &alice, "REGISTER", REGISTRAR,
						    ALICE "Contact: <sip:a@h>\r\n", "")),
			 401);
	side_free(s);
}

static void a_wrong_password_is_challenged_again_and_registers_nothing(void **state)
{
	struct side      *s = registrar_new(false);
	struct subscriber alice = subscriber_alice();

	(void)state;
	alice.password = "queen";
	for (int i = 0; i < 3; i++)
		assert_int_equal(side_status(subscriber_prove(s, &alice, "REGISTER", REGISTRAR,
							      ALICE "Contact: <sip:a@h>\r\n", "")),
				 401);
	assert_int_equal(s->services.record_count, 0);
	assert_int_equal(side_refused(s, REASON_PASSWORD), 3);
	side_free(s);
}

/* Its answer was lost: the same comes again, is no replay, and changes nothing a second time. */
static void a_registration_that_comes_again_gets_the_same_answer(void **state)
{
	struct side      *s = registrar_new(false);
	struct subscriber alice = subscriber_alice();
	char              text[4096], first[4096];
	const char       *answer;

	(void)state;
	answer = subscriber_say(s, &alice, "REGISTER", REGISTRAR,
				ALICE "Contact: <sip:a@h>\r\nPath: <sip:192.0.2.50;lr>\r\n", "");
	subscriber_challenged(&alice, answer);
	subscriber_request(&alice, "REGISTER", REGISTRAR,
			   ALICE "Contact: <sip:a@h>\r\nPath: <sip:192.0.2.50;lr>\r\n", "", text,
			   sizeof(text));
	strcpy(first, side_say(s, &alice.flow, text));
	assert_int_equal(side_status(first), 200);
	assert_string_equal(side_say(s, &alice.flow, text), first);
	assert_int_equal(s->services.record_count, 1);
	side_free(s);
}

static void the_directory_has_the_last_word(void **state)
{
	static const struct {
		enum reason why;
		unsigned    status;
	} cases[] = {
		{REASON_NONE, 200},
		{REASON_REGISTRATIONS_FULL, 403},
		{REASON_REGISTRATION_ORDER, 400},
		{REASON_QUEUE_FULL, 503},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = registrar_new(true);
		struct subscriber alice = subscriber_alice();

		s->registered.why = (uint8_t)cases[i].why;
		assert_int_equal(side_status(subscriber_say(s, &alice, "REGISTER", REGISTRAR,
							    ALICE "Contact: <sip:a@h>\r\n", "")),
				 cases[i].status);
		side_free(s);
	}
}

/* Datagrams go where the registration came from: a Contact that names a third is of no use against
 * it. */
static void a_contact_elsewhere_does_not_turn_messages_on_somebody_else(void **state)
{
	static const struct {
		const char *contact;
		uint16_t    port;
	} cases[] = {
		{"<sip:a@198.51.100.1:5060>", 40000},
		{"<sip:a@victim.example>", 40000},
		{"<sip:a@192.0.2.50:5099>", 5099}, /* the same host, another port of it */
		{"<sip:a@192.0.2.50>", 5060},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side       *s = registrar_new(true);
		struct subscriber  alice = subscriber_alice();
		const struct flow  want = side_flow(50, cases[i].port);
		const struct flow *is;
		char               lines[256];

		snprintf(lines, sizeof(lines), ALICE "Contact: %s\r\n", cases[i].contact);
		subscriber_say(s, &alice, "REGISTER", REGISTRAR, lines, "");
		is = &s->services.records[0]->bindings[0].flow;
		assert_true(flow_eq(is, &want));
		side_free(s);
	}
}

/* A trusted peer speaks for others. What it names is looked up, and a name that nobody knows is
 * told at once: later nobody would know why no message comes. */
static void a_trusted_peer_says_where_messages_go_by_path_or_contact(void **state)
{
	static const struct {
		const char *lines;
		unsigned    status;
		uint8_t     last;
		uint16_t    port;
	} cases[] = {
		{"Contact: <sip:a@10.0.0.1>\r\nPath: <sip:192.0.2.60:5070;lr>, <sip:p;lr>\r\n", 200,
		 60, 5070},
		{"Contact: <sip:a@10.0.0.1>\r\nPath: <sip:192.0.2.60;lr>\r\n", 200, 60, 5060},
		{"Contact: <sip:a@10.0.0.1>\r\nPath: <sip:Edge.Example:5090;lr>\r\n", 200, 61,
		 5090},
		{"Contact: <sip:a@192.0.2.62:5071>\r\n", 200, 62, 5071},
		{"Contact: <sip:a@edge.example>\r\n", 200, 61, 5060},
		{"Contact: <sip:a@edge.example;transport=tcp>\r\n", 200, 50, 40000},
		{"Contact: <sip:a@nowhere.example>\r\n", 400, 0, 0},
		{"Contact: <sip:a@[2001:db8::1]>\r\n", 400, 0, 0},
		{"Contact: <sip:a@192.0.2.62>\r\nPath: <sip:nowhere.example;lr>\r\n", 400, 0, 0},
		{"Contact: <sip:a@nowhere.example>;expires=0\r\n", 200, 50, 40000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = registrar_new(true);
		struct subscriber alice = subscriber_alice();
		const struct flow want = side_flow(cases[i].last, cases[i].port);
		char              lines[512];
		const char       *answer;

		s->services.has_peer = s->services.peer_trusted = true;
		s->services.peer = alice.flow;
		s->services.host = "edge.example";
		s->services.host_at = side_flow(61, 0);
		snprintf(lines, sizeof(lines), ALICE "%s", cases[i].lines);
		answer = subscriber_say(s, &alice, "REGISTER", REGISTRAR, lines, "");
		assert_int_equal(side_status(answer), cases[i].status);
		assert_int_equal(s->services.record_count, cases[i].status == 200);
		if (cases[i].status == 200)
			assert_true(flow_eq(&s->services.records[0]->bindings[0].flow, &want));
		else
			assert_non_null(
				strstr(answer, " 400 The host of a Path or Contact is not known"));
		side_free(s);
	}
}

/* RFC 3327, 6 */
static void a_path_is_recorded_from_a_peer_or_from_where_it_leads(void **state)
{
	static const struct {
		const char *path;
		bool        peer;
		unsigned    status;
	} cases[] = {
		{"<sip:192.0.2.50:5070;lr>, <sip:core.example;lr>", false, 200},
		{"<sip:edge.example;lr>", false, 200},
		{"<sip:192.0.2.51;lr>", false, 403},
		{"<sip:192.0.2.51;lr>, <sip:192.0.2.50;lr>", false, 403},
		{"<sip:nowhere.example;lr>", false, 403},
		{"<sip:192.0.2.51;lr>", true, 200},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = registrar_new(false);
		struct subscriber alice = subscriber_alice();
		char              lines[512];
		const char       *answer;

		s->services.has_peer = cases[i].peer;
		s->services.peer = alice.flow;
		s->services.host = "edge.example";
		s->services.host_at = alice.flow;
		snprintf(lines, sizeof(lines), ALICE "Contact: <sip:a@10.0.0.1>\r\nPath: %s\r\n",
			 cases[i].path);
		answer = subscriber_prove(s, &alice, "REGISTER", REGISTRAR, lines, "");
		assert_int_equal(side_status(answer), cases[i].status);
		assert_int_equal(s->services.record_count, cases[i].status == 200);
		assert_int_equal(side_refused(s, REASON_SIP_PATH), cases[i].status == 403);
		if (cases[i].status == 200) { /* where it came from all the same */
			assert_true(
				flow_eq(&s->services.records[0]->bindings[0].flow, &alice.flow));
			assert_non_null(strstr(answer, cases[i].path));
		}
		side_free(s);
	}
}

static void a_message_goes_to_the_registration_by_its_path(void **state)
{
	struct side        *s = registrar_new(true);
	struct subscriber   alice = subscriber_alice();
	struct msg         *m = msg_new(s->pool);
	struct proto_target at;
	struct result       refused;
	struct flow         to;
	const char         *sent;

	(void)state;
	subscriber_say(s, &alice, "REGISTER", REGISTRAR,
		       ALICE "Contact: <sip:alice@10.0.0.1:5080;ob>\r\n"
			     "Path: <sip:edge.example;lr>, <sip:core.example;lr>\r\n",
		       "");
	at = (struct proto_target){s->services.records[0], &s->services.records[0]->bindings[0]};
	assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+4670"), &m->from));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, STR("sip:alice@example.org"), &m->to));
	assert_true(msg_append(m, "hej", 3, &m->body));
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_ASCII;
	assert_int_equal(side_submit_to(s, s->session, m, &at, 1, &refused), SUBMIT_SENT);
	sent = side_heard(s, &to);
	assert_true(flow_eq(&to, &alice.flow));
	assert_true(
		str_starts(str_of(sent), STR("MESSAGE sip:alice@10.0.0.1:5080;ob SIP/2.0\r\n")));
	assert_non_null(strstr(sent, "Route: <sip:edge.example;lr>, <sip:core.example;lr>\r\n"));
	assert_non_null(strstr(sent, "To: <sip:alice@example.org>\r\n"));
	assert_non_null(strstr(sent, "From: <sip:+4670@example.org;user=phone>;tag="));
	assert_null(strstr(sent, "P-Asserted-Identity"));
	msg_free(m);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_registers_and_asks_and_is_told_what_is_there),
		cmocka_unit_test(
			who_registers_is_told_the_way_here_and_its_requests_by_it_are_taken),
		cmocka_unit_test(nobody_is_told_a_way_that_is_not_configured),
		cmocka_unit_test(a_listener_may_offer_md5_alone),
		cmocka_unit_test(what_a_contact_may_not_say_is_refused),
		cmocka_unit_test(a_star_removes_all_and_a_zero_removes_one),
		cmocka_unit_test(an_outbound_registration_is_known_by_its_device),
		cmocka_unit_test(what_a_device_takes_is_read_from_its_tags),
		cmocka_unit_test(a_reg_id_is_no_ability),
		cmocka_unit_test(who_may_register_whom),
		cmocka_unit_test(a_peer_cannot_register_somebody_without_his_password),
		cmocka_unit_test(a_wrong_password_is_challenged_again_and_registers_nothing),
		cmocka_unit_test(a_registration_that_comes_again_gets_the_same_answer),
		cmocka_unit_test(the_directory_has_the_last_word),
		cmocka_unit_test(a_contact_elsewhere_does_not_turn_messages_on_somebody_else),
		cmocka_unit_test(a_trusted_peer_says_where_messages_go_by_path_or_contact),
		cmocka_unit_test(a_path_is_recorded_from_a_peer_or_from_where_it_leads),
		cmocka_unit_test(a_message_goes_to_the_registration_by_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
