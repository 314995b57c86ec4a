/* A client of XMPP, by what a server says to it. */
#include "test.h"

#include "chat_client.h"

#define OFFERS(mechanisms)                                                                         \
	"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" mechanisms        \
	"</mechanisms></stream:features>"
#define HEAD                                                                                       \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='1' version='1.0' "          \
	"xmlns:stream='http://etherx.jabber.org/streams' from='example.org'>"
#define BOUND                                                                                      \
	"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" HEAD                                 \
	"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"      \
	"<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"              \
	"<jid>alice@example.org/cpm</jid></bind></iq>"
#define UP HEAD OFFERS("<mechanism>PLAIN</mechanism>") BOUND

static struct chat_shared shared;
static struct chat_client client;
static char               room[4096];
static struct put         said;

static void begin(void)
{
	said = put_to(room, sizeof(room) - 1);
	random_seed(&shared.random, 1);
	chat_client_begin(&client,
			  &(struct chat_who){.user = STR("alice"),
					     .domain = STR("example.org"),
					     .resource = STR("cpm"),
					     .password = STR("pencil")},
			  &said);
}

static uint8_t *lender; /* of the item that was given last */

/* What happens last that matters; each call gets so many bytes more. */
static enum chat_event hear(const char *text, size_t step, struct chat_item *last)
{
	size_t          n = strlen(text), from = 0;
	enum chat_event event = CHAT_NOTHING;

	free(lender);
	lender = NULL;
	for (size_t to = step < n ? step : n; from < n; to = to + step < n ? to + step : n) {
		uint8_t         *exact = test_copy(text + from, to - from);
		struct cur       in = cur_of(exact, to - from);
		struct chat_item item;

		while (cur_left(&in) > 0 &&
		       chat_client_next(&client, &shared, &in, &said, &item) == PULL_ITEM) {
			if (item.event != CHAT_NOTHING)
				event = item.event;
			if (item.event != CHAT_NOTHING && last != NULL)
				*last = item;
		}
		from += (size_t)(in.p - exact);
		if (to == n && from < n)
			fail_msg("the rest is not an item: %s", text + from);
		if (last == NULL || to < n)
			free(exact);
		else
			lender = exact;
	}
	return event;
}

static bool has_said(const char *text)
{
	room[put_size(&said)] = '\0';
	return strstr(room, text) != NULL;
}

static void a_client_logs_in_however_the_bytes_are_cut(void **state)
{
	(void)state;
	for (size_t step = 1; step < sizeof(UP); step++) {
		begin();
		assert_int_equal(hear(UP, step, NULL), CHAT_IS_UP);
		assert_false(said.failed);
		assert_true(has_said("mechanism='PLAIN'>AGFsaWNlAHBlbmNpbA==</auth>"));
		assert_true(has_said("<resource>cpm</resource></bind></iq><presence/>"));
	}
}

/* RFC 5802, 5. */
static void the_example_of_the_standard_is_answered_as_there(void **state)
{
	struct scram_client s;
	struct scram_salted salted = {0};
	char                text[512];
	struct put          w = put_to(text, sizeof(text));

	(void)state;
	assert_true(scram_client_begin(&s, STR("user"), STR("fyko+d2lbbFgONRv9qkxdawL"), &w));
	assert_memory_equal(text, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", put_size(&w));
	for (unsigned again = 0; again < 2; again++) {
		w = put_to(text, sizeof(text));
		assert_true(scram_client_answer(
			&s, &salted, STR("pencil"),
			STR("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,"
			    "i=4096"),
			&w));
		put_u8(&w, 0);
		assert_string_equal(text, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
					  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
	}
	assert_true(scram_client_proves(&s, STR("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")));
	assert_false(scram_client_proves(&s, STR("v=rmF9pqV8S7suAoZWja4dJRkFsKR=")));
	assert_false(scram_client_proves(&s, STR("")));
}

static void a_challenge_of_somebody_else_is_not_answered(void **state)
{
	static const char *const wrong[] = {
		"r=other3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"r=mine1,s=QSXCR+Q6sek8bf92,i=0",
		"r=mine1,s=QSXCR+Q6sek8bf92,i=99999999999",
		"r=mine1,s=QSX,i=4096",
		"r=mine1,s=QSXCR+Q6sek8bf92",
		"m=x,r=mine1,s=QSXCR+Q6sek8bf92,i=4096",
		"",
	};
	struct scram_client s;
	struct scram_salted salted = {0};
	char                text[512];
	struct put          w = put_to(text, sizeof(text));

	(void)state;
	assert_true(scram_client_begin(&s, STR("a=b,c"), STR("mine"), &w));
	assert_memory_equal(text, "n,,n=a=3Db=2Cc,r=mine", put_size(&w));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		w = put_to(text, sizeof(text));
		assert_false(scram_client_answer(&s, &salted, STR("pencil"), str_of(wrong[i]), &w));
	}
}

static void scram_is_taken_where_it_is_offered(void **state)
{
	(void)state;
	begin();
	hear(HEAD OFFERS("<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism>"), 1000,
	     NULL);
	assert_true(has_said("mechanism='SCRAM-SHA-1'"));
	begin();
	client.plain = true;
	hear(HEAD OFFERS("<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism>"), 1000,
	     NULL);
	assert_true(has_said("mechanism='PLAIN'"));
}

static void who_may_not_log_in_is_told_why(void **state)
{
	struct chat_item item;

	(void)state;
	begin();
	assert_int_equal(hear(HEAD OFFERS("<mechanism>EXTERNAL</mechanism>"), 1000, &item),
			 CHAT_REFUSED);
	begin();
	assert_int_equal(
		hear(HEAD OFFERS("<mechanism>PLAIN</mechanism>") "<failure xmlns='urn:ietf:params:"
								 "xml:ns:xmpp-sasl'><account-"
								 "disabled/></failure>",
		     1000, &item),
		CHAT_REFUSED);
	assert_memory_equal(item.body.p, "account-disabled", item.body.n);
}

static void what_comes_is_told_apart(void **state)
{
	struct chat_item item;

	(void)state;
	begin();
	hear(UP, 10000, NULL);
	assert_int_equal(hear("<message from='bob@example.org/a' id='7' type='chat'><body>1 &lt; "
			      "2</body><request xmlns='urn:xmpp:receipts'/></message>",
			      1000, &item),
			 CHAT_MESSAGE);
	assert_memory_equal(item.body.p, "1 < 2", item.body.n);
	assert_memory_equal(item.id.p, "7", item.id.n);
	assert_true(item.wants_receipt);
	assert_int_equal(hear("<message from='bob@example.org/a'><received id='9' "
			      "xmlns='urn:xmpp:receipts'/></message>",
			      1000, &item),
			 CHAT_RECEIPT);
	assert_memory_equal(item.id.p, "9", item.id.n);
	assert_int_equal(
		hear("<message type='error' id='8'><body>x</body><error type='cancel'><service-"
		     "unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		     1000, &item),
		CHAT_ERROR);
	assert_int_equal(item.condition, XMPP_SERVICE_UNAVAILABLE);
	assert_int_equal(hear("<message from='bob@example.org/a'><composing "
			      "xmlns='http://jabber.org/protocol/chatstates'/></message>",
			      1000, &item),
			 CHAT_NOTHING);
	assert_int_equal(hear("</stream:stream>", 1000, &item), CHAT_END);
}

static void requests_of_the_server_are_answered(void **state)
{
	(void)state;
	begin();
	hear(UP "<iq type='get' id='p1' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>"
		"<iq type='get' id='q1' from='example.org'><query xmlns='x'/></iq>"
		"<iq type='result' id='r1' from='example.org'/>",
	     10000, NULL);
	assert_true(has_said("<iq type=\"result\" id=\"p1\" to=\"example.org\"/>"));
	assert_true(has_said("<iq type=\"error\" id=\"q1\" to=\"example.org\""));
	assert_false(has_said("r1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_logs_in_however_the_bytes_are_cut),
		cmocka_unit_test(the_example_of_the_standard_is_answered_as_there),
		cmocka_unit_test(a_challenge_of_somebody_else_is_not_answered),
		cmocka_unit_test(scram_is_taken_where_it_is_offered),
		cmocka_unit_test(who_may_not_log_in_is_told_why),
		cmocka_unit_test(what_comes_is_told_apart),
		cmocka_unit_test(requests_of_the_server_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
