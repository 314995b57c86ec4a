/* REGISTER of an S-CSCF about its users (TS 24.229, 5.4.1.7; TS 24.341, 5.3.3.2). */
#include "side.h"

#define SCSCF "sip:scscf1.home.example:5060"
#define USER "sip:+46731234567@home.example;user=phone"
#define NUMBER "+46731234567"
#define SMSIP ";+g.3gpp.smsip"

static const struct flow core = {.address = {0x090200c0}, .port = 5060};

static struct side *listener(bool trusted)
{
	struct side *s = side_new(1);

	s->services.has_peer = true;
	s->services.peer_trusted = trusted;
	s->services.peer = core;
	side_listen(s, false);
	return s;
}

struct told {
	const char *from, *to, *contact, *more, *body;
};

static unsigned cseq;

static const char *tell(struct side *s, struct told t)
{
	static char text[8192];
	const char *contact = t.contact != NULL ? t.contact : "Contact: <" SCSCF ">\r\n";

	cseq++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:ipsmgw.home.example SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n"
		 "From: <%s>;tag=a\r\nTo: <%s>\r\nCall-ID: core\r\nCSeq: %u REGISTER\r\n%s%s"
		 "Content-Length: %zu\r\n\r\n%s",
		 cseq, t.from != NULL ? t.from : SCSCF, t.to != NULL ? t.to : USER, cseq, contact,
		 t.more != NULL ? t.more : "Expires: 600000\r\n",
		 t.body != NULL ? strlen(t.body) : 0, t.body != NULL ? t.body : "");
	return side_say(s, &core, text);
}

static const struct proto_record *last(const struct side *s)
{
	assert_true(s->services.record_count > 0);
	return s->services.records[s->services.record_count - 1];
}

static struct str text_of(const struct side *s, enum proto_binding_text which)
{
	return proto_binding_text(last(s), &last(s)->bindings[0], which);
}

static void the_user_is_the_binding_and_the_way_leads_to_its_s_cscf(void **state)
{
	struct side                *s = listener(true);
	const struct proto_binding *b;
	const char                 *answer;

	(void)state;
	answer = tell(s, (struct told){0});
	assert_int_equal(side_status(answer), 200);
	assert_non_null(strstr(answer, "\r\nContact: <" SCSCF ";lr>;expires=600000\r\n"));
	assert_null(strstr(answer, "Service-Route"));
	assert_true(str_eq(last(s)->address, STR(NUMBER)));
	assert_int_equal(last(s)->count, 1);
	b = &last(s)->bindings[0];
	assert_int_equal(b->features, PROTO_BINDING_AT_PEER);
	assert_int_equal(b->expires_us, s->now.us + 600000 * US_PER_SECOND);
	assert_true(flow_eq(&b->flow, &core));
	assert_true(str_eq(text_of(s, BINDING_CONTACT), STR(USER)));
	assert_true(str_eq(text_of(s, BINDING_PATH), STR("<" SCSCF ";lr>")));
	side_free(s);
}

/* By what somebody is found: its address as a subscriber, its number, its address where that is
 * ours. */
static void a_user_is_known_by_its_number_or_by_an_address_of_ours(void **state)
{
	static const struct {
		const char *to, *address; /* NULL: 404 */
	} rows[] = {
		{USER, NUMBER},
		{"tel:+46-73-123%20", NULL},
		{"tel:+46-73-1234567", NUMBER},
		{"sip:+46731234567@example.org", NUMBER},
		{"sip:alice@example.org", "sip:alice@example.org"},
		{"sip:carol@EXAMPLE.org:5060", "sip:carol@example.org"},
		{"sip:carol@home.example", NULL},
		{"sip:scscf2@192.0.2.7", NULL},
		{"im:carol@example.org", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener(true);
		unsigned     status = side_status(tell(s, (struct told){.to = rows[i].to}));

		if (rows[i].address == NULL) {
			assert_true(status == 404 || status == 400);
			assert_int_equal(s->services.record_count, 0);
		} else {
			assert_int_equal(status, 200);
			assert_true(str_eq(last(s)->address, str_of(rows[i].address)));
			assert_true(str_eq(text_of(s, BINDING_CONTACT), str_of(rows[i].to)));
		}
		side_free(s);
	}
}

static void only_who_is_believed_registers_others(void **state)
{
	struct side *s = listener(false);

	(void)state;
	assert_int_equal(side_status(tell(s, (struct told){0})), 401);
	assert_int_equal(s->services.record_count, 0);
	s->services.peer_trusted = true;
	/* And of itself even a peer proves what it says, as its devices do. */
	assert_int_equal(side_status(tell(s, (struct told){.from = "sip:alice@example.org",
							   .to = "sip:alice@example.org"})),
			 401);
	assert_int_equal(s->services.record_count, 0);
	side_free(s);
}

#define DEVICE(more)                                                                               \
	"REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKd\r\n"       \
	"From: <" USER ">;tag=d\r\nTo: <" USER ">\r\nCall-ID: d\r\nCSeq: 1 REGISTER\r\n"           \
	"Contact: <sip:10.0.0.1:5062>;+sip.instance=\"<urn:uuid:1>\"" more "\r\n"                  \
	"Content-Length: 0\r\n\r\n"
#define ANSWER                                                                                     \
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKd\r\n"                          \
	"From: <" USER ">;tag=d\r\nTo: <" USER ">;tag=e\r\nCall-ID: d\r\nCSeq: 1 REGISTER\r\n"     \
	"Contact: <sip:10.0.0.1:5062>" SMSIP "\r\nContent-Length: 0\r\n\r\n"
#define MESSAGE_SIP "Content-Type: message/sip\r\n"
#define MIXED "Content-Type: multipart/mixed;boundary=b\r\n"

static void what_the_device_takes_is_in_its_own_register(void **state)
{
	static const struct {
		const char *more, *body;
		uint16_t    features;
	} rows[] = {
		{MESSAGE_SIP, DEVICE(SMSIP), SIP_FEATURE_SMSIP},
		{MESSAGE_SIP, DEVICE(""), 0},
		{MESSAGE_SIP,
		 DEVICE(";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\","
			"<sip:10.0.0.2>" SMSIP),
		 SIP_FEATURE_SMSIP | SIP_FEATURE_CPM},
		{MIXED,
		 "--b\r\nContent-Type: application/3gpp-ims+xml\r\n\r\n<ims-3gpp/>\r\n"
		 "--b\r\nContent-Type: message/sip\r\n\r\n" ANSWER "\r\n"
		 "--b\r\nContent-Type: message/sip\r\n\r\n" DEVICE(SMSIP) "\r\n--b--\r\n",
		 SIP_FEATURE_SMSIP},
		{MIXED, "--b\r\nContent-Type: message/sip\r\n\r\n" ANSWER "\r\n--b--\r\n", 0},
		{MIXED, "--b\r\nContent-Type: message/sip\r\n\r\nnothing\r\n--b--\r\n", 0},
		{MIXED, "--c\r\n", 0},
		{MESSAGE_SIP, "SIP", 0},
		{"Content-Type: application/3gpp-ims+xml\r\n", "<ims-3gpp/>", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener(true);
		char         more[256];

		snprintf(more, sizeof(more), "Expires: 600\r\n%s", rows[i].more);
		assert_int_equal(
			side_status(tell(s, (struct told){.more = more, .body = rows[i].body})),
			200);
		assert_int_equal(last(s)->bindings[0].features,
				 rows[i].features | PROTO_BINDING_AT_PEER);
		side_free(s);
	}
}

/* What is enclosed may end anywhere: the user is registered all the same. */
static void a_register_inside_may_be_cut_anywhere(void **state)
{
	static const char whole[] = DEVICE(SMSIP);

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		struct side *s = listener(true);
		char         body[sizeof(whole)];

		snprintf(body, n + 1, "%s", whole);
		assert_int_equal(
			side_status(tell(s, (struct told){.more = "Expires: 60\r\n" MESSAGE_SIP,
							  .body = body})),
			200);
		assert_int_equal(last(s)->bindings[0].features & ~SIP_FEATURE_SMSIP,
				 PROTO_BINDING_AT_PEER);
		side_free(s);
	}
}

static void a_refresh_without_the_devices_register_changes_nothing_of_what_it_takes(void **state)
{
	struct side *s = listener(true);
	uint64_t     key;

	(void)state;
	tell(s, (struct told){.more = "Expires: 600\r\n" MESSAGE_SIP, .body = DEVICE(SMSIP)});
	key = last(s)->bindings[0].key;
	side_at(s, s->now.us + 300 * US_PER_SECOND);
	assert_int_equal(side_status(tell(s, (struct told){.more = "Expires: 600\r\n"})), 200);
	assert_int_equal(s->services.record_count, 2);
	assert_int_equal(last(s)->bindings[0].key, key);
	assert_int_equal(last(s)->bindings[0].features, SIP_FEATURE_SMSIP | PROTO_BINDING_AT_PEER);
	assert_int_equal(last(s)->bindings[0].expires_us, s->now.us + 600 * US_PER_SECOND);
	side_free(s);
}

static void another_s_cscf_takes_the_place_and_the_first_ends_nothing_of_it(void **state)
{
	struct side *s = listener(true);
	uint64_t     key;

	(void)state;
	tell(s, (struct told){0});
	key = last(s)->bindings[0].key;
	tell(s, (struct told){.from = "sip:scscf2.home.example",
			      .contact = "Contact: <sip:scscf2.home.example;x=1>\r\n"});
	assert_int_equal(s->services.record_count, 2);
	assert_int_equal(last(s)->bindings[0].key, key);
	assert_true(str_eq(text_of(s, BINDING_PATH), STR("<sip:scscf2.home.example;x=1;lr>")));
	/* The first ends what is its own no more. */
	assert_int_equal(side_status(tell(s, (struct told){.more = "Expires: 0\r\n"})), 200);
	assert_int_equal(s->services.record_count, 2);
	tell(s, (struct told){.from = "sip:scscf2.home.example",
			      .contact = "Contact: <sip:scscf2.home.example;x=1>\r\n",
			      .more = "Expires: 0\r\n"});
	assert_int_equal(s->services.record_count, 3);
	assert_int_equal(last(s)->bindings[0].expires_us, s->now.us);
	side_free(s);
}

static void what_an_s_cscf_cannot_mean_is_refused(void **state)
{
	static const struct {
		const char *contact;
		unsigned    status;
	} rows[] = {
		{"Contact: *\r\n", 400},
		{"Contact: <tel:+4670>\r\n", 400},
		{"Contact: <sip:a.example>, <sip:b.example>\r\n", 400},
		{"Contact: <sip:a.example?Subject=x>\r\n", 400},
		{"Contact: <sip:a.example;lr>;expires=60\r\n", 200},
		{"", 200}, /* it only asks */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener(true);

		assert_int_equal(side_status(tell(s, (struct told){.contact = rows[i].contact})),
				 rows[i].status);
		assert_int_equal(s->services.record_count, i == 4);
		side_free(s);
	}
}

static void a_time_is_taken_as_it_is_up_to_a_month(void **state)
{
	static const struct {
		const char *expires;
		uint64_t    seconds;
	} rows[] = {
		{"Expires: 1\r\n", 1},
		{"Expires: 600000\r\n", 600000},
		{"Expires: 4294967295\r\n", SIP_EXPIRES_PEER_MAX},
		{"", SIP_EXPIRES_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side *s = listener(true);

		assert_int_equal(side_status(tell(s, (struct told){.more = rows[i].expires})), 200);
		assert_int_equal(last(s)->bindings[0].expires_us,
				 s->now.us + rows[i].seconds * US_PER_SECOND);
		side_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_user_is_the_binding_and_the_way_leads_to_its_s_cscf),
		cmocka_unit_test(a_user_is_known_by_its_number_or_by_an_address_of_ours),
		cmocka_unit_test(only_who_is_believed_registers_others),
		cmocka_unit_test(what_the_device_takes_is_in_its_own_register),
		cmocka_unit_test(a_register_inside_may_be_cut_anywhere),
		cmocka_unit_test(
			a_refresh_without_the_devices_register_changes_nothing_of_what_it_takes),
		cmocka_unit_test(another_s_cscf_takes_the_place_and_the_first_ends_nothing_of_it),
		cmocka_unit_test(what_an_s_cscf_cannot_mean_is_refused),
		cmocka_unit_test(a_time_is_taken_as_it_is_up_to_a_month),
	};

	return cmocka_run_group_tests_name("sip third party", tests, NULL, NULL);
}
