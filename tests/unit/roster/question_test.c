#include "test.h"

#include "roster/question.h"

#define OWNER STR("alice@example.org")
#define CONTACT STR("bob@elsewhere.example")

static uint8_t room[ROSTER_ANSWER_SIZE_MAX];

static struct str texts(char *at, size_t size, unsigned count, size_t each)
{
	struct put w = put_to(at, size);
	char       text[65536];

	memset(text, 'g', sizeof(text));
	for (unsigned i = 0; i < count; i++)
		roster_text_put(&w, (struct str){text, each});
	assert_false(w.failed);
	return (struct str){at, put_size(&w)};
}

static struct str long_text(size_t n)
{
	static char text[65536];

	memset(text, 'x', sizeof(text));
	return (struct str){text, n};
}

static struct roster_question sample(enum roster_ask ask, char *lists, size_t size)
{
	struct put             w = put_to(lists, size);
	struct roster_question q = {.ask = ask,
				    .owner = OWNER,
				    .contact = CONTACT,
				    .version = STR("17"),
				    .item = {.jid = CONTACT, .name = STR("Bob")},
				    .type = ROSTER_UNSUBSCRIBE,
				    .contact_is_local = true,
				    .payload = STR("<status>hello</status>")};

	roster_text_put(&w, STR("Friends"));
	roster_text_put(&w, STR("Work"));
	q.item.groups = q.jids = (struct str){lists, put_size(&w)};
	return q;
}

static void assert_str(struct str is, struct str wanted)
{
	assert_int_equal(is.n, wanted.n);
	assert_memory_equal(is.p, wanted.p, wanted.n);
}

/* What of it travels is there again, and what does not is empty. */
static void assert_question(const struct roster_question *is, const struct roster_question *wanted,
			    enum roster_ask ask)
{
	bool contact = ask == ROSTER_ASK_ROSTER_REMOVE || ask == ROSTER_ASK_SUBSCRIPTION_OUT ||
		       ask == ROSTER_ASK_SUBSCRIPTION_IN || ask == ROSTER_ASK_MAY_SEE;
	bool presence = ask == ROSTER_ASK_SUBSCRIPTION_OUT || ask == ROSTER_ASK_SUBSCRIPTION_IN;
	bool item = ask == ROSTER_ASK_ROSTER_SET;
	bool jids = ask == ROSTER_ASK_BLOCK_ADD || ask == ROSTER_ASK_BLOCK_REMOVE;

	assert_int_equal(is->ask, ask);
	assert_str(is->owner, OWNER);
	assert_str(is->contact, contact ? CONTACT : STR(""));
	assert_str(is->version, ask == ROSTER_ASK_ROSTER_GET ? STR("17") : STR(""));
	assert_str(is->item.jid, item ? CONTACT : STR(""));
	assert_str(is->item.name, item ? STR("Bob") : STR(""));
	assert_str(is->item.groups, item ? wanted->item.groups : STR(""));
	assert_int_equal(is->type, presence ? ROSTER_UNSUBSCRIBE : 0);
	assert_int_equal(is->contact_is_local, ask == ROSTER_ASK_SUBSCRIPTION_OUT);
	assert_str(is->payload, presence ? wanted->payload : STR(""));
	assert_str(is->jids, jids ? wanted->jids : STR(""));
}

static void a_question_arrives_as_it_was_asked(void **state)
{
	char lists[64];

	(void)state;
	for (unsigned ask = 0; ask < ROSTER_ASK_COUNT; ask++) {
		struct roster_question q = sample((enum roster_ask)ask, lists, sizeof(lists)), read;
		struct put             w = put_to(room, ROSTER_QUESTION_SIZE_MAX);

		roster_question_put(&w, &q);
		assert_false(w.failed);
		uint8_t *exact = test_copy(room, put_size(&w));

		assert_true(roster_question_read(cur_of(exact, put_size(&w)), &read));
		assert_question(&read, &q, (enum roster_ask)ask);
		free(exact);
	}
}

static void a_question_that_is_cut_or_longer_is_refused(void **state)
{
	char lists[64];

	(void)state;
	for (unsigned ask = 0; ask < ROSTER_ASK_COUNT; ask++) {
		struct roster_question q = sample((enum roster_ask)ask, lists, sizeof(lists)), read;
		struct put             w = put_to(room, ROSTER_QUESTION_SIZE_MAX);

		roster_question_put(&w, &q);
		put_u8(&w, 0);
		for (size_t cut = 0; cut <= put_size(&w); cut++) {
			uint8_t *exact = test_copy(room, cut);

			assert_int_equal(roster_question_read(cur_of(exact, cut), &read),
					 cut == put_size(&w) - 1);
			free(exact);
		}
	}
}

static void a_kind_of_question_that_there_is_not_is_refused(void **state)
{
	struct roster_question q;
	uint8_t                bytes[] = {ROSTER_ASK_COUNT, 0, 1, 'a'};

	(void)state;
	assert_false(roster_question_read(cur_of(bytes, sizeof(bytes)), &q));
	bytes[0] = ROSTER_ASK_BLOCK_GET;
	assert_true(roster_question_read(cur_of(bytes, sizeof(bytes)), &q));
}

/* The largest of each kind has room, and one byte more is not written. */
static void every_limit_holds_where_it_is_written(void **state)
{
	static char groups[4096], blocked[65535];
	static const struct {
		enum roster_ask ask;
		size_t          owner, contact, version, name, group, payload;
		unsigned        groups;
		bool            fits;
	} table[] = {
#define ROW(ask, owner, contact, version, name, groups, group, payload, fits)                      \
	{ROSTER_ASK_##ask, owner, contact, version, name, group, payload, groups, fits}
		ROW(SUBSCRIPTION_OUT, 2047, 2047, 0, 0, 0, 0, 1024, true),
		ROW(SUBSCRIPTION_OUT, 2048, 2047, 0, 0, 0, 0, 1024, false),
		ROW(SUBSCRIPTION_OUT, 2047, 2048, 0, 0, 0, 0, 1024, false),
		ROW(SUBSCRIPTION_OUT, 2047, 2047, 0, 0, 0, 0, 1025, false),
		ROW(SUBSCRIPTION_OUT, 0, 2047, 0, 0, 0, 0, 0, false),
		ROW(SUBSCRIPTION_OUT, 2047, 0, 0, 0, 0, 0, 0, false),
		ROW(ROSTER_GET, 2047, 0, 20, 0, 0, 0, 0, true),
		ROW(ROSTER_GET, 2047, 0, 21, 0, 0, 0, 0, false),
		ROW(ROSTER_SET, 2047, 2047, 0, 128, 8, 128, 0, true),
		ROW(ROSTER_SET, 2047, 2048, 0, 128, 8, 128, 0, false),
		ROW(ROSTER_SET, 2047, 2047, 0, 129, 8, 128, 0, false),
		ROW(ROSTER_SET, 2047, 2047, 0, 128, 9, 128, 0, false),
		ROW(ROSTER_SET, 2047, 2047, 0, 128, 8, 129, 0, false),
		ROW(BLOCK_ADD, 2047, 0, 0, 0, 200, 20, 0, true),
		ROW(BLOCK_ADD, 2047, 0, 0, 0, 201, 20, 0, false),
		ROW(BLOCK_ADD, 2047, 0, 0, 0, 1, 3071, 0, true),
		ROW(BLOCK_ADD, 2047, 0, 0, 0, 1, 3072, 0, false),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct roster_question q = {.ask = table[i].ask,
					    .owner = long_text(table[i].owner),
					    .contact = long_text(table[i].contact),
					    .version = long_text(table[i].version),
					    .payload = long_text(table[i].payload),
					    .item = {.jid = long_text(table[i].contact),
						     .name = long_text(table[i].name)}};
		struct put             w = put_to(room, ROSTER_QUESTION_SIZE_MAX);

		if (q.ask == ROSTER_ASK_BLOCK_ADD)
			q.jids = texts(blocked, sizeof(blocked), table[i].groups, table[i].group);
		else
			q.item.groups =
				texts(groups, sizeof(groups), table[i].groups, table[i].group);
		roster_question_put(&w, &q);
		if (w.failed == table[i].fits)
			fail_msg("row %zu", i);
	}
}

static void limits_hold_where_it_is_read(void **state)
{
	struct roster_question q;
	struct put             w = put_to(room, sizeof(room));

	(void)state;
	put_u8(&w, ROSTER_ASK_SUBSCRIPTION_IN);
	put_be16(&w, 1);
	put_u8(&w, 'o');
	put_be16(&w, 1);
	put_u8(&w, 'c');
	put_u8(&w, ROSTER_AVAILABLE); /* is not about subscriptions */
	put_be16(&w, 0);
	assert_false(roster_question_read(cur_of(room, put_size(&w)), &q));
	room[7] = ROSTER_UNSUBSCRIBED;
	assert_true(roster_question_read(cur_of(room, put_size(&w)), &q));
	w.p -= 2;
	put_be16(&w, ROSTER_PAYLOAD_SIZE_MAX + 1);
	put_str(&w, long_text(ROSTER_PAYLOAD_SIZE_MAX + 1));
	assert_false(roster_question_read(cur_of(room, put_size(&w)), &q));
}

static void a_list_gives_its_texts_in_order(void **state)
{
	struct put w = put_to(room, sizeof(room));
	struct cur c;
	struct str text;

	(void)state;
	roster_text_put(&w, STR("one"));
	roster_text_put(&w, STR("two"));
	c = cur_of(room, put_size(&w));
	assert_true(roster_text_next(&c, &text));
	assert_str(text, STR("one"));
	assert_true(roster_text_next(&c, &text));
	assert_str(text, STR("two"));
	assert_false(roster_text_next(&c, &text));
	assert_false(c.failed);
	c = cur_of(room, put_size(&w) - 1);
	assert_true(roster_text_next(&c, &text));
	assert_false(roster_text_next(&c, &text));
	assert_true(c.failed);
	roster_text_put(&w, STR(""));
	assert_true(w.failed);
}

static void a_roster_is_read_item_by_item(void **state)
{
	struct roster_head head = {.same = false, .version = STR("4")}, read_head;
	struct roster_item item = {.jid = CONTACT,
				   .subscription = ROSTER_SUBSCRIPTION_FROM,
				   .ask = true,
				   .name = STR("Bob")},
			   read;
	struct put w = put_to(room, sizeof(room));
	struct cur answer;

	(void)state;
	roster_head_put(&w, &head);
	roster_item_put(&w, &item);
	item.ask = false;
	item.approved = true;
	roster_item_put(&w, &item);
	answer = cur_of(room, put_size(&w));
	assert_true(roster_head_read(&answer, &read_head));
	assert_false(read_head.same);
	assert_str(read_head.version, STR("4"));
	assert_true(roster_item_next(&answer, &read));
	assert_str(read.jid, CONTACT);
	assert_int_equal(read.subscription, ROSTER_SUBSCRIPTION_FROM);
	assert_true(read.ask && !read.approved);
	assert_true(roster_item_next(&answer, &read));
	assert_true(!read.ask && read.approved);
	assert_false(roster_item_next(&answer, &read));
	assert_false(answer.failed);
}

static void contacts_say_what_they_are(void **state)
{
	struct put            w = put_to(room, sizeof(room));
	struct roster_contact c = {.jid = CONTACT}, read;
	struct cur            answer;

	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		c.watches = (bits & 1) != 0;
		c.watched = (bits & 2) != 0;
		c.local = (bits & 4) != 0;
		c.request = (bits & 8) != 0;
		c.payload = c.request ? STR("<status>let me in</status>") : STR("");
		roster_contact_put(&w, &c);
	}
	answer = cur_of(room, put_size(&w));
	for (unsigned bits = 0; bits < 16; bits++) {
		assert_true(roster_contact_next(&answer, &read));
		assert_int_equal(bits, (read.watches ? 1 : 0) | (read.watched ? 2 : 0) |
					       (read.local ? 4 : 0) | (read.request ? 8 : 0));
		assert_int_equal(read.payload.n > 0, read.request);
	}
	assert_false(roster_contact_next(&answer, &read));
}

static void effects_come_in_their_order(void **state)
{
	static char          blocked[64];
	struct str           jids = texts(blocked, sizeof(blocked), 2, 20);
	struct roster_effect effects[] = {
		{.kind = ROSTER_EFFECT_PUSH,
		 .to = OWNER,
		 .item = {.jid = CONTACT, .subscription = ROSTER_SUBSCRIPTION_REMOVE},
		 .version = STR("18")},
		{.kind = ROSTER_EFFECT_PRESENCE,
		 .from = OWNER,
		 .to = CONTACT,
		 .type = ROSTER_UNAVAILABLE,
		 .to_is_local = true,
		 .payload = STR("<x/>")},
		{.kind = ROSTER_EFFECT_BLOCKED, .to = OWNER, .jids = jids},
		{.kind = ROSTER_EFFECT_UNBLOCKED, .to = OWNER}};
	struct put           w = put_to(room, sizeof(room));
	struct roster_effect read;
	struct cur           answer;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		roster_effect_put(&w, &effects[i]);
	assert_false(w.failed);
	answer = cur_of(room, put_size(&w));
	assert_true(roster_effect_next(&answer, &read));
	assert_int_equal(read.kind, ROSTER_EFFECT_PUSH);
	assert_str(read.to, OWNER);
	assert_str(read.item.jid, CONTACT);
	assert_int_equal(read.item.subscription, ROSTER_SUBSCRIPTION_REMOVE);
	assert_str(read.version, STR("18"));
	assert_true(roster_effect_next(&answer, &read));
	assert_int_equal(read.kind, ROSTER_EFFECT_PRESENCE);
	assert_str(read.from, OWNER);
	assert_str(read.to, CONTACT);
	assert_int_equal(read.type, ROSTER_UNAVAILABLE);
	assert_true(read.to_is_local);
	assert_str(read.payload, STR("<x/>"));
	assert_true(roster_effect_next(&answer, &read));
	assert_int_equal(read.kind, ROSTER_EFFECT_BLOCKED);
	assert_str(read.jids, jids);
	assert_true(roster_effect_next(&answer, &read));
	assert_int_equal(read.kind, ROSTER_EFFECT_UNBLOCKED);
	assert_int_equal(read.jids.n, 0);
	assert_false(roster_effect_next(&answer, &read));
	assert_false(answer.failed);
}

/* A worker goes through any bytes to their end. */
static void a_damaged_answer_is_over(void **state)
{
	struct put           w = put_to(room, sizeof(room));
	struct roster_effect e = {.kind = ROSTER_EFFECT_PUSH,
				  .to = OWNER,
				  .item = {.jid = CONTACT},
				  .version = STR("1")};

	(void)state;
	roster_effect_put(&w, &e);
	for (size_t cut = 1; cut < put_size(&w); cut++) {
		uint8_t   *exact = test_copy(room, cut);
		struct cur answer = cur_of(exact, cut);

		assert_false(roster_effect_next(&answer, &e));
		assert_true(answer.failed);
		assert_int_equal(cur_left(&answer), 0);
		free(exact);
	}
}

static void a_verdict_that_is_not_there_is_no(void **state)
{
	struct put w = put_to(room, sizeof(room));
	struct cur answer;

	(void)state;
	roster_verdict_put(&w, true);
	roster_verdict_put(&w, false);
	answer = cur_of(room, put_size(&w));
	assert_true(roster_verdict_read(&answer));
	assert_false(roster_verdict_read(&answer));
	assert_false(roster_verdict_read(&answer));
	room[0] = 2;
	answer = cur_of(room, 1);
	assert_false(roster_verdict_read(&answer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_arrives_as_it_was_asked),
		cmocka_unit_test(a_question_that_is_cut_or_longer_is_refused),
		cmocka_unit_test(a_kind_of_question_that_there_is_not_is_refused),
		cmocka_unit_test(every_limit_holds_where_it_is_written),
		cmocka_unit_test(limits_hold_where_it_is_read),
		cmocka_unit_test(a_list_gives_its_texts_in_order),
		cmocka_unit_test(a_roster_is_read_item_by_item),
		cmocka_unit_test(contacts_say_what_they_are),
		cmocka_unit_test(effects_come_in_their_order),
		cmocka_unit_test(a_damaged_answer_is_over),
		cmocka_unit_test(a_verdict_that_is_not_there_is_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
