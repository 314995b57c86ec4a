/*
 * Rosters, subscriptions and block lists as control keeps them: what each question answers and
 * leaves behind, and the way of questions over the channel.
 */
#include "appliance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_call.h"
#include "db_roster.h"
#include "db_sql.h"
#include "dp_link.h"
#include "notices.h"
#include "roster.h"
#include "test.h"

#define USER(number, name)                                                                         \
	"{\"address\": \"+4670123456" number "\", \"xmpp\": \"" name                               \
	"@example.org\", \"password\": \"secret" number "\"}"
#define ALICE "alice@example.org"
#define BOB "bob@example.org"
#define EVE "eve@far.example"

static struct appliance appliance;
static uint8_t          room[ROSTER_ANSWER_SIZE_MAX], question[ROSTER_QUESTION_SIZE_MAX];
static char             told[65536];
static struct cur       answer;

static int start(void **state)
{
	appliance_make(&appliance);
	dataplane_start(&appliance);
	control_start(&appliance);
	until_in_step(&appliance);
	assert_int_equal(apply_one(&appliance, CONF_SUBSCRIBER, USER("1", "alice")),
			 CHANGE_IN_FORCE);
	assert_int_equal(apply_one(&appliance, CONF_SUBSCRIBER, USER("2", "bob")), CHANGE_IN_FORCE);
	*state = &appliance;
	return 0;
}

static int stop(void **state)
{
	appliance_remove(*state);
	return 0;
}

static size_t question_of(const struct roster_question *q)
{
	struct put w = put_to(question, sizeof(question));

	roster_question_put(&w, q);
	assert_false(w.failed);
	return put_size(&w);
}

/* As control does it: a transaction of one question. */
static enum reason ask(const struct roster_question *q)
{
	struct put  w = put_to(room, sizeof(room));
	size_t      n = question_of(q);
	enum reason why;

	assert_int_equal(db_begin(appliance.control->db), 0);
	why = roster_answer(appliance.control, cur_of(question, n), &w);
	assert_int_equal(db_commit(appliance.control->db), 0);
	answer = cur_of(room, put_size(&w));
	return why;
}

static void say(const char *format, ...)
{
	size_t  n = strlen(told);
	va_list args;

	va_start(args, format);
	vsnprintf(told + n, sizeof(told) - n, format, args);
	va_end(args);
}

static void say_list(struct str list)
{
	struct cur c = cur_of(list.p, list.n);
	struct str text;

	while (roster_text_next(&c, &text))
		say(" [%.*s]", STR_ARG(text));
}

static const char *const subscriptions[] = {"none", "to", "from", "both", "remove"};

static void say_item(const struct roster_item *item)
{
	say("%.*s %s%s%s", STR_ARG(item->jid), subscriptions[item->subscription],
	    item->ask ? " ask" : "", item->approved ? " approved" : "");
	if (item->name.n > 0)
		say(" \"%.*s\"", STR_ARG(item->name));
	say_list(item->groups);
}

/* The effects of the last answer, a line each. */
static const char *effects(void)
{
	static const char *const types[] = {"subscribe",    "subscribed", "unsubscribe",
					    "unsubscribed", "available",  "unavailable"};
	struct roster_effect     e;

	told[0] = '\0';
	while (roster_effect_next(&answer, &e)) {
		switch (e.kind) {
		case ROSTER_EFFECT_PUSH:
			say("push %.*s: ", STR_ARG(e.to));
			say_item(&e.item);
			break;
		case ROSTER_EFFECT_PRESENCE:
			say("%s %.*s -> %.*s%s", types[e.type], STR_ARG(e.from), STR_ARG(e.to),
			    e.to_is_local ? " here" : "");
			if (e.payload.n > 0)
				say(" %.*s", STR_ARG(e.payload));
			break;
		case ROSTER_EFFECT_BLOCKED:
		case ROSTER_EFFECT_UNBLOCKED:
			say("%s %.*s:", e.kind == ROSTER_EFFECT_BLOCKED ? "block" : "unblock",
			    STR_ARG(e.to));
			say_list(e.jids);
			break;
		case ROSTER_EFFECT_COUNT:
			break;
		}
		say("\n");
	}
	assert_false(answer.failed);
	return told;
}

static const char *roster_of(const char *owner)
{
	struct roster_head head;
	struct roster_item item;

	assert_int_equal(ask(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_GET,
						       .owner = str_of(owner)}),
			 REASON_NONE);
	told[0] = '\0';
	assert_true(roster_head_read(&answer, &head));
	while (roster_item_next(&answer, &item)) {
		say_item(&item);
		say("\n");
	}
	return told;
}

static const char *audience_of(const char *owner)
{
	struct roster_contact c;

	assert_int_equal(
		ask(&(struct roster_question){.ask = ROSTER_ASK_AUDIENCE, .owner = str_of(owner)}),
		REASON_NONE);
	told[0] = '\0';
	while (roster_contact_next(&answer, &c))
		say("%.*s%s%s%s%s%.*s\n", STR_ARG(c.jid), c.watches ? " watches" : "",
		    c.watched ? " watched" : "", c.local ? " here" : "", c.request ? " asks " : "",
		    STR_ARG(c.payload));
	return told;
}

static enum reason sends(const char *owner, const char *contact, enum roster_presence type)
{
	return ask(&(struct roster_question){
		.ask = ROSTER_ASK_SUBSCRIPTION_OUT,
		.owner = str_of(owner),
		.contact = str_of(contact),
		.type = type,
		.payload = type == ROSTER_SUBSCRIBE ? STR("<status>hi</status>") : STR("")});
}

static enum reason gets(const char *owner, const char *contact, enum roster_presence type)
{
	return ask(&(struct roster_question){.ask = ROSTER_ASK_SUBSCRIPTION_IN,
					     .owner = str_of(owner),
					     .contact = str_of(contact),
					     .type = type});
}

static enum reason sets(const char *owner, const char *contact, const char *name, const char *group)
{
	char                   list[256];
	struct put             w = put_to(list, sizeof(list));
	struct roster_question q = {.ask = ROSTER_ASK_ROSTER_SET,
				    .owner = str_of(owner),
				    .item = {.jid = str_of(contact), .name = str_of(name)}};

	if (group[0] != '\0')
		roster_text_put(&w, str_of(group));
	q.item.groups = (struct str){list, put_size(&w)};
	return ask(&q);
}

static enum reason removes(const char *owner, const char *contact)
{
	return ask(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_REMOVE,
					     .owner = str_of(owner),
					     .contact = str_of(contact)});
}

static enum reason blocks(const char *owner, enum roster_ask what, const char *jid)
{
	char       list[4096];
	struct put w = put_to(list, sizeof(list));

	if (jid[0] != '\0')
		roster_text_put(&w, str_of(jid));
	return ask(&(struct roster_question){
		.ask = what, .owner = str_of(owner), .jids = {list, put_size(&w)}});
}

static bool told_nothing; /* which is all that one hears who is blocked */

static bool may_see(const char *owner, const char *contact)
{
	assert_int_equal(ask(&(struct roster_question){.ask = ROSTER_ASK_MAY_SEE,
						       .owner = str_of(owner),
						       .contact = str_of(contact)}),
			 REASON_NONE);
	told_nothing = cur_left(&answer) == 0;
	return roster_verdict_read(&answer);
}

/* ---- rosters ---- */

static void an_item_is_added_changed_and_removed(void **state)
{
	(void)state;
	assert_int_equal(sets(ALICE, EVE, "Eve", "Friends"), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " EVE " none \"Eve\" [Friends]\n");
	assert_string_equal(roster_of(ALICE), EVE " none \"Eve\" [Friends]\n");
	assert_int_equal(sets(ALICE, EVE, "", ""), REASON_NONE);
	assert_string_equal(roster_of(ALICE), EVE " none\n");
	assert_string_equal(roster_of(BOB), "");
	assert_int_equal(removes(ALICE, EVE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " EVE " remove\n");
	assert_string_equal(roster_of(ALICE), "");
	assert_int_equal(removes(ALICE, EVE), REASON_ROSTER_ITEM);
}

static uint64_t number_of(struct str text)
{
	char digits[32];

	assert_true(str_copy(digits, sizeof(digits), text));
	return strtoull(digits, NULL, 10);
}

static uint64_t version_of(const char *owner)
{
	struct roster_head head;

	roster_of(owner);
	answer = cur_of(room, sizeof(room));
	assert_true(roster_head_read(&answer, &head));
	return number_of(head.version);
}

static void a_client_that_has_the_last_version_gets_no_items(void **state)
{
	uint64_t           version, then;
	char               text[32];
	struct roster_head head;

	(void)state;
	then = version_of(ALICE);
	assert_int_equal(sets(ALICE, EVE, "Eve", ""), REASON_NONE);
	version = version_of(ALICE);
	assert_true(version > then);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
	assert_int_equal(ask(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_GET,
						       .owner = STR(ALICE),
						       .version = str_of(text)}),
			 REASON_NONE);
	assert_true(roster_head_read(&answer, &head));
	assert_true(head.same);
	assert_int_equal(cur_left(&answer), 0);
	assert_int_equal(sets(ALICE, EVE, "Eva", ""), REASON_NONE);
	assert_true(version_of(ALICE) > version);
	assert_int_equal(version_of(BOB), 0);
}

static void only_a_subscriber_has_a_roster(void **state)
{
	(void)state;
	assert_int_equal(sets("nobody@example.org", EVE, "", ""), REASON_ROSTER_OWNER);
	assert_int_equal(gets("nobody@example.org", EVE, ROSTER_SUBSCRIBE), REASON_ROSTER_OWNER);
}

static void a_question_that_is_damaged_is_refused(void **state)
{
	struct put w = put_to(room, sizeof(room));
	size_t     n = question_of(
		    &(struct roster_question){.ask = ROSTER_ASK_AUDIENCE, .owner = STR(ALICE)});

	(void)state;
	assert_int_equal(roster_answer(appliance.control, cur_of(question, n - 1), &w),
			 REASON_ROSTER_QUESTION);
}

/* ---- subscriptions ---- */

static void two_subscribers_see_each_other_after_both_have_said_so(void **state)
{
	(void)state;
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " BOB " none ask\n"
				       "subscribe " ALICE " -> " BOB " here <status>hi</status>\n");
	assert_string_equal(audience_of(BOB), ALICE " here asks <status>hi</status>\n");
	assert_string_equal(roster_of(BOB), "");
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "");
	assert_int_equal(sends(BOB, ALICE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "push " BOB ": " ALICE " from\n"
				       "push " ALICE ": " BOB " to\n"
				       "subscribed " BOB " -> " ALICE " here\n"
				       "available " BOB " -> " ALICE " here\n");
	assert_string_equal(audience_of(BOB), ALICE " watches here\n");
	assert_string_equal(audience_of(ALICE), BOB " watched here\n");
	assert_true(may_see(BOB, ALICE));
	assert_false(may_see(ALICE, BOB));
	assert_false(told_nothing);
	assert_int_equal(sends(BOB, ALICE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_string_equal(roster_of(ALICE), BOB " both\n");
	assert_string_equal(roster_of(BOB), ALICE " both\n");
	assert_int_equal(sends(ALICE, BOB, ROSTER_UNSUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " BOB " from\n"
				       "push " BOB ": " ALICE " to\n"
				       "unsubscribe " ALICE " -> " BOB " here\n"
				       "unavailable " BOB " -> " ALICE " here\n");
}

static void a_request_is_kept_until_it_is_answered(void **state)
{
	(void)state;
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "subscribe " EVE " -> " ALICE " here\n");
	assert_string_equal(audience_of(ALICE), EVE " asks \n");
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "");
	assert_int_equal(sends(ALICE, EVE, ROSTER_UNSUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "unsubscribed " ALICE " -> " EVE "\n");
	assert_string_equal(audience_of(ALICE), "");
	assert_string_equal(roster_of(ALICE), "");
}

static void a_contact_of_another_server_is_asked_there(void **state)
{
	(void)state;
	assert_int_equal(sends(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " EVE " none ask\n"
				       "subscribe " ALICE " -> " EVE " <status>hi</status>\n");
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " EVE " to\n"
				       "subscribed " EVE " -> " ALICE " here\n");
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_int_equal(sends(ALICE, EVE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " EVE " both\n"
				       "subscribed " ALICE " -> " EVE "\n"
				       "available " ALICE " -> " EVE "\n");
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "subscribed " ALICE " -> " EVE "\n"
				       "available " ALICE " -> " EVE "\n");
}

static void nobody_is_asked_who_is_no_user_of_a_domain_of_ours(void **state)
{
	(void)state;
	assert_int_equal(ask(&(struct roster_question){.ask = ROSTER_ASK_SUBSCRIPTION_OUT,
						       .owner = STR(ALICE),
						       .contact = STR("nobody@example.org"),
						       .type = ROSTER_SUBSCRIBE,
						       .contact_is_local = true}),
			 REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": nobody@example.org none ask\n");
	assert_int_equal(sends(ALICE, ALICE, ROSTER_SUBSCRIBE), REASON_ROSTER_QUESTION);
}

static void who_is_let_in_before_asking_is_let_in_at_once(void **state)
{
	(void)state;
	assert_int_equal(sends(BOB, ALICE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "push " BOB ": " ALICE " none approved\n");
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " BOB " none ask\n"
				       "push " BOB ": " ALICE " from approved\n"
				       "push " ALICE ": " BOB " to\n"
				       "subscribed " BOB " -> " ALICE " here\n"
				       "available " BOB " -> " ALICE " here\n");
	assert_int_equal(sends(BOB, ALICE, ROSTER_UNSUBSCRIBED), REASON_NONE);
	assert_string_equal(effects(), "push " BOB ": " ALICE " none\n"
				       "push " ALICE ": " BOB " none\n"
				       "unsubscribed " BOB " -> " ALICE " here\n"
				       "unavailable " BOB " -> " ALICE " here\n");
}

static void befriend(void)
{
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_int_equal(sends(BOB, ALICE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_int_equal(sends(BOB, ALICE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBED), REASON_NONE);
}

static void removing_an_item_ends_both_subscriptions(void **state)
{
	(void)state;
	befriend();
	assert_int_equal(removes(ALICE, BOB), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " BOB " remove\n"
				       "push " BOB ": " ALICE " to\n"
				       "unsubscribe " ALICE " -> " BOB " here\n"
				       "unavailable " BOB " -> " ALICE " here\n"
				       "push " BOB ": " ALICE " none\n"
				       "unsubscribed " ALICE " -> " BOB " here\n"
				       "unavailable " ALICE " -> " BOB " here\n");
	assert_string_equal(roster_of(ALICE), "");
	assert_string_equal(roster_of(BOB), ALICE " none\n");
	assert_string_equal(audience_of(ALICE), "");
	assert_string_equal(audience_of(BOB), "");
}

/* ---- block lists ---- */

static const char *blocked_of(const char *owner)
{
	struct str jid;

	assert_int_equal(
		ask(&(struct roster_question){.ask = ROSTER_ASK_BLOCK_GET, .owner = str_of(owner)}),
		REASON_NONE);
	told[0] = '\0';
	while (roster_text_next(&answer, &jid))
		say("%.*s\n", STR_ARG(jid));
	return told;
}

static void who_is_blocked_sees_the_user_go_and_come_again(void **state)
{
	(void)state;
	befriend();
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_ADD, BOB), REASON_NONE);
	assert_string_equal(effects(), "block " ALICE ": [" BOB "]\n"
				       "unavailable " ALICE " -> " BOB " here\n");
	assert_string_equal(blocked_of(ALICE), BOB "\n");
	assert_string_equal(audience_of(ALICE), BOB " watched here\n");
	assert_string_equal(audience_of(BOB), ALICE " watches watched here\n");
	assert_false(may_see(ALICE, BOB));
	assert_true(told_nothing);
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_ADD, "example.org"), REASON_NONE);
	assert_string_equal(effects(), "block " ALICE ": [example.org]\n");
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_REMOVE, BOB), REASON_NONE);
	assert_string_equal(effects(), "unblock " ALICE ": [" BOB "]\n");
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_REMOVE, ""), REASON_NONE);
	assert_string_equal(effects(), "unblock " ALICE ":\n"
				       "available " ALICE " -> " BOB " here\n");
	assert_string_equal(blocked_of(ALICE), "");
	assert_true(may_see(ALICE, BOB));
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_ADD, ""), REASON_ROSTER_QUESTION);
}

static void a_request_of_who_is_blocked_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(blocks(BOB, ROSTER_ASK_BLOCK_ADD, ALICE), REASON_NONE);
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_string_equal(effects(), "push " ALICE ": " BOB " none ask\n");
	assert_string_equal(audience_of(BOB), "");
}

/* ---- limits ---- */

static void limits_are_kept_and_what_would_break_one_leaves_nothing(void **state)
{
	char contact[64];

	(void)state;
	for (unsigned i = 0; i < ROSTER_ITEMS_MAX; i++) {
		snprintf(contact, sizeof(contact), "c%u@far.example", i);
		assert_int_equal(sets(ALICE, contact, "", ""), REASON_NONE);
	}
	assert_int_equal(sets(ALICE, "one-more@far.example", "", ""), REASON_ROSTER_FULL);
	assert_int_equal(sends(ALICE, BOB, ROSTER_SUBSCRIBE), REASON_ROSTER_FULL);
	assert_string_equal(audience_of(BOB), ""); /* nor on the other side */
	assert_null(strstr(roster_of(ALICE), "one-more"));
	assert_int_equal(sets(ALICE, "c0@far.example", "still", ""), REASON_NONE);
	for (unsigned i = 0; i < ROSTER_REQUESTS_MAX; i++) {
		snprintf(contact, sizeof(contact), "r%u@far.example", i);
		assert_int_equal(gets(BOB, contact, ROSTER_SUBSCRIBE), REASON_NONE);
	}
	assert_int_equal(gets(BOB, EVE, ROSTER_SUBSCRIBE), REASON_ROSTER_FULL);
	for (unsigned i = 0; i < ROSTER_BLOCKED_MAX; i++) {
		snprintf(contact, sizeof(contact), "b%u@far.example", i);
		assert_int_equal(blocks(BOB, ROSTER_ASK_BLOCK_ADD, contact), REASON_NONE);
	}
	assert_int_equal(blocks(BOB, ROSTER_ASK_BLOCK_ADD, EVE), REASON_ROSTER_FULL);
	assert_null(strstr(blocked_of(BOB), EVE));
}

static void a_roster_of_the_largest_items_has_room_in_an_answer(void **state)
{
	char        contact[ROSTER_BARE_SIZE_MAX + 1], name[ROSTER_TEXT_SIZE_MAX + 1];
	unsigned    n = 0;
	enum reason why;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(contact, 'c', sizeof(contact) - 1);
	memcpy(contact + 1000, "@far.example", 13);
	do {
		snprintf(contact, 8, "%07u", n);
		contact[7] = 'c';
		why = sets(ALICE, contact, name, name);
		n += why == REASON_NONE;
	} while (why == REASON_NONE);
	assert_int_equal(why, REASON_ROSTER_FULL);
	assert_true(n > 50 && n < ROSTER_ITEMS_MAX);
	roster_of(ALICE);
	assert_false(answer.failed);
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_ADD, "far.example"), REASON_NONE);
}

/* ---- those who go ---- */

static bool is_in_files(const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -qaF -e '%s' %s/state/*", text, appliance.dir);
	return system(command) == 0;
}

static void nothing_is_left_of_what_an_erased_subscriber_made(void **state)
{
	uint64_t version;

	(void)state;
	befriend();
	assert_int_equal(sets(ALICE, EVE, "Evelyn", "Enemies"), REASON_NONE);
	assert_int_equal(sets(BOB, EVE, "Evita", ""), REASON_NONE);
	assert_int_equal(blocks(ALICE, ROSTER_ASK_BLOCK_ADD, "mallory@far.example"), REASON_NONE);
	assert_int_equal(blocks(BOB, ROSTER_ASK_BLOCK_ADD, ALICE "/phone"), REASON_NONE);
	assert_true(is_in_files("Evelyn"));
	version = version_of(BOB);
	assert_int_equal(remove_one(&appliance, CONF_SUBSCRIBER, "+46701234561"), CHANGE_IN_FORCE);
	assert_false(is_in_files("Evelyn"));
	assert_false(is_in_files("Enemies"));
	assert_false(is_in_files("mallory@far.example"));
	assert_string_equal(roster_of(BOB), EVE " none \"Evita\"\n");
	assert_true(version_of(BOB) > version);
	assert_string_equal(blocked_of(BOB), "");
	assert_int_equal(apply_one(&appliance, CONF_SUBSCRIBER, USER("1", "alice")),
			 CHANGE_IN_FORCE);
	assert_string_equal(roster_of(ALICE), "");
}

static void who_takes_the_address_of_another_gets_nothing_of_what_that_one_made(void **state)
{
	struct change *ch = change_begin(appliance.control, "test");

	(void)state;
	assert_int_equal(sets(ALICE, EVE, "Evelyn", ""), REASON_NONE);
	assert_int_equal(sets(BOB, EVE, "Evita", ""), REASON_NONE);
	assert_int_equal(apply_one(&appliance, CONF_SUBSCRIBER,
				   "{\"address\": \"+46701234562\", \"xmpp\": \"bob@example.org\", "
				   "\"password\": \"another\"}"),
			 CHANGE_IN_FORCE);
	assert_string_equal(roster_of(BOB), EVE " none \"Evita\"\n");
	put(ch, CONF_SUBSCRIBER, USER("1", "bob"));
	put(ch, CONF_SUBSCRIBER, USER("2", "alice"));
	assert_int_equal(finish(ch, false, NULL), CHANGE_IN_FORCE);
	assert_string_equal(roster_of(ALICE), "");
	assert_string_equal(roster_of(BOB), "");
}

/* ---- what an operator changes ---- */

static void operator_removes(const char *address, const char *contact)
{
	struct api_call call = {.control = appliance.control, .who = "test", .status = API_OK};

	call.args = json_pack("{s:s, s:s}", "address", address, "contact", contact);
	api_roster_remove(&call);
	assert_int_equal(call.status, API_OK);
	json_decref(call.args);
	json_decref(call.reply);
}

static const char *effects_for(const char *owner)
{
	assert_int_equal(
		ask(&(struct roster_question){.ask = ROSTER_ASK_EFFECTS, .owner = str_of(owner)}),
		REASON_NONE);
	return effects();
}

static void a_contact_that_an_operator_removes_is_pushed_to_both(void **state)
{
	(void)state;
	befriend();
	assert_string_equal(dataplane_noticed(&appliance), ""); /* clients do that themselves */
	operator_removes("+46701234561", BOB);
	assert_string_equal(dataplane_noticed(&appliance), ALICE " " BOB " " ALICE " " BOB " ");
	assert_string_equal(effects_for(ALICE), "push " ALICE ": " BOB " remove\n"
						"unavailable " BOB " -> " ALICE " here\n");
	assert_string_equal(effects_for(BOB), "push " BOB ": " ALICE " none\n"
					      "unsubscribe " ALICE " -> " BOB " here\n"
					      "push " BOB ": " ALICE " none\n"
					      "unsubscribed " ALICE " -> " BOB " here\n"
					      "unavailable " ALICE " -> " BOB " here\n");
	assert_string_equal(effects_for(ALICE), ""); /* once */
	assert_string_equal(effects_for(BOB), "");
}

static void the_server_of_a_contact_hears_it_from_the_user(void **state)
{
	(void)state;
	assert_int_equal(sends(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	operator_removes("+46701234561", EVE);
	assert_string_equal(effects_for(ALICE), "push " ALICE ": " EVE " remove\n"
						"unsubscribe " ALICE " -> " EVE "\n");
}

static void nothing_is_kept_for_who_is_not_there(void **state)
{
	(void)state;
	befriend();
	dataplane_away(&appliance, BOB);
	operator_removes("+46701234561", BOB);
	assert_string_equal(dataplane_noticed(&appliance), ALICE " " ALICE " ");
	assert_string_equal(effects_for(BOB), "");
	assert_string_not_equal(effects_for(ALICE), "");
}

/* Between the operator's change and the push the client makes one of its own. */
static void a_push_has_the_item_as_it_is(void **state)
{
	uint64_t             version;
	struct roster_effect e;

	(void)state;
	assert_int_equal(sets(ALICE, EVE, "Eve", ""), REASON_NONE);
	operator_removes("+46701234561", EVE);
	assert_int_equal(sets(ALICE, EVE, "Evelyn", ""), REASON_NONE);
	version = version_of(ALICE);
	assert_int_equal(
		ask(&(struct roster_question){.ask = ROSTER_ASK_EFFECTS, .owner = STR(ALICE)}),
		REASON_NONE);
	assert_true(roster_effect_next(&answer, &e));
	assert_true(str_eq(e.item.name, STR("Evelyn")));
	assert_int_equal(e.item.subscription, ROSTER_SUBSCRIPTION_NONE);
	assert_int_equal(number_of(e.version), version);
}

static void who_is_erased_is_taken_from_the_rosters_of_others_and_says_that_it_is_gone(void **state)
{
	(void)state;
	befriend();
	assert_int_equal(gets(ALICE, EVE, ROSTER_SUBSCRIBE), REASON_NONE);
	assert_int_equal(sends(ALICE, EVE, ROSTER_SUBSCRIBED), REASON_NONE);
	assert_int_equal(remove_one(&appliance, CONF_SUBSCRIBER, "+46701234561"), CHANGE_IN_FORCE);
	assert_string_equal(dataplane_noticed(&appliance), BOB " ");
	assert_string_equal(effects_for(BOB), "push " BOB ": " ALICE " remove\n");
	assert_string_equal(audience_of(ALICE), BOB " watches here\n" EVE " watches\n");
	assert_string_equal(audience_of(ALICE),
			    BOB " watches here\n" EVE " watches\n"); /* each of its streams asks */
	assert_int_equal(
		ask(&(struct roster_question){.ask = ROSTER_ASK_EFFECTS, .owner = STR(ALICE)}),
		REASON_ROSTER_OWNER);
	assert_int_equal(apply_one(&appliance, CONF_SUBSCRIBER, USER("1", "alice")),
			 CHANGE_IN_FORCE);
	assert_string_equal(audience_of(ALICE), "");
}

static void a_change_that_is_not_made_is_told_to_nobody(void **state)
{
	struct change *ch = change_begin(appliance.control, "test");

	(void)state;
	befriend();
	change_remove(ch, CONF_SUBSCRIBER, "+46701234561");
	assert_int_equal(finish(ch, true, NULL), CHANGE_DRY);
	assert_string_equal(dataplane_noticed(&appliance), "");
	assert_string_equal(effects_for(BOB), "");
	operator_removes("+46701234562", ALICE); /* and nothing of it comes with the next */
	assert_string_equal(effects_for(ALICE), "push " ALICE ": " BOB " none\n"
						"unsubscribe " BOB " -> " ALICE " here\n"
						"push " ALICE ": " BOB " none\n"
						"unsubscribed " BOB " -> " ALICE " here\n"
						"unavailable " BOB " -> " ALICE " here\n");
}

static bool count_effect(void *context, const struct roster_effect *e)
{
	++*(unsigned *)context;
	return true;
}

static unsigned taken(uint64_t now_ms, const char *user)
{
	unsigned n = 0;

	notices_take(appliance.control->notices, now_ms, str_of(user), count_effect, &n);
	return n;
}

static void what_is_kept_is_bounded_in_bytes_and_in_time(void **state)
{
	static char          payload[ROSTER_PAYLOAD_SIZE_MAX];
	struct roster_effect e = {.kind = ROSTER_EFFECT_PRESENCE,
				  .from = STR(EVE),
				  .to = STR(ALICE),
				  .payload = {payload, sizeof(payload)}};
	struct notices      *n = appliance.control->notices;
	uint64_t             now_ms = control_wall_ms();

	(void)state;
	memset(payload, 'p', sizeof(payload));
	for (unsigned i = 0; i < 2000; i++)
		notices_add(n, now_ms, STR(ALICE), false, &e);
	notices_send(n);
	assert_in_range(taken(now_ms, ALICE), 200, NOTICES_BYTES_MAX / sizeof(payload));
	notices_add(n, now_ms, STR(ALICE), false, &e);
	notices_add(n, now_ms, STR(BOB), false, &e);
	notices_send(n);
	assert_int_equal(taken(now_ms + NOTICES_MS - 1, ALICE), 1);
	assert_int_equal(taken(now_ms + NOTICES_MS, BOB), 0);
}

/* ---- the channel ---- */

static unsigned asks(const struct roster_question *q)
{
	return dataplane_ask(&appliance, question, question_of(q));
}

static unsigned asks_set(unsigned i)
{
	char contact[64];

	snprintf(contact, sizeof(contact), "c%u@far.example", i);
	return asks(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_SET,
					      .owner = STR(ALICE),
					      .item = {.jid = str_of(contact)}});
}

static void questions_are_answered_over_the_channel_in_their_order(void **state)
{
	unsigned             last = 0;
	struct roster_effect e;
	uint64_t             version = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		last = asks_set(i);
	assert_int_equal(until_told(&appliance, last, &answer), REASON_NONE);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(until_told(&appliance, i, &answer), REASON_NONE);
		assert_true(roster_effect_next(&answer, &e));
		assert_true(number_of(e.version) > version);
		version = number_of(e.version);
	}
}

static void a_large_answer_comes_whole(void **state)
{
	char               name[ROSTER_TEXT_SIZE_MAX + 1], contact[64];
	struct roster_head head;
	struct roster_item item;
	unsigned           n = 0;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 600; i++) {
		snprintf(contact, sizeof(contact), "c%u@far.example", i);
		assert_int_equal(sets(ALICE, contact, name, ""), REASON_NONE);
	}
	assert_int_equal(until_told(&appliance,
				    asks(&(struct roster_question){.ask = ROSTER_ASK_ROSTER_GET,
								   .owner = STR(ALICE)}),
				    &answer),
			 REASON_NONE);
	assert_true(cur_left(&answer) > 65536); /* by memfd */
	assert_true(roster_head_read(&answer, &head));
	while (roster_item_next(&answer, &item))
		n++;
	assert_int_equal(n, 600);
}

static void a_question_that_comes_while_control_waits_is_answered_afterwards(void **state)
{
	unsigned first = asks_set(0);
	json_t  *args = json_pack("{s:s}", "x", "y");

	(void)state;
	for (unsigned i = 1; i < 60; i++)
		asks_set(i);
	for (unsigned i = 0; i < 50; i++) {
		json_t *reply = NULL;
		char    error[256];

		assert_int_equal(control_query(appliance.control, "echo", args, &reply, error), 0);
		json_decref(reply);
	}
	json_decref(args);
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(until_told(&appliance, first + i, &answer), REASON_NONE);
}

static void control_that_goes_answers_nothing_and_keeps_what_it_answered(void **state)
{
	unsigned open;

	(void)state;
	assert_int_equal(until_told(&appliance, asks_set(0), &answer), REASON_NONE);
	open = asks_set(1);
	control_stop(&appliance);
	assert_int_equal(until_told(&appliance, open, &answer), REASON_CONTROL_DOWN);
	open = asks_set(2);
	assert_int_equal(until_told(&appliance, open, &answer), REASON_CONTROL_DOWN);
	control_start(&appliance);
	until_in_step(&appliance);
	assert_string_equal(roster_of(ALICE), "c0@far.example none\n");
	assert_int_equal(until_told(&appliance, asks_set(3), &answer), REASON_NONE);
}

static void a_database_from_before_rosters_is_brought_up_to_date(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_exec(appliance.control->db->sqlite,
				      "DROP TABLE roster; DROP TABLE roster_versions; "
				      "DROP TABLE blocked; PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	control_stop(&appliance);
	control_start(&appliance);
	until_in_step(&appliance);
	assert_int_equal(sets(ALICE, EVE, "Eve", ""), REASON_NONE);
	assert_string_equal(roster_of(ALICE), EVE " none \"Eve\"\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(an_item_is_added_changed_and_removed),
		TEST(a_client_that_has_the_last_version_gets_no_items),
		TEST(only_a_subscriber_has_a_roster),
		TEST(a_question_that_is_damaged_is_refused),
		TEST(two_subscribers_see_each_other_after_both_have_said_so),
		TEST(a_request_is_kept_until_it_is_answered),
		TEST(a_contact_of_another_server_is_asked_there),
		TEST(nobody_is_asked_who_is_no_user_of_a_domain_of_ours),
		TEST(who_is_let_in_before_asking_is_let_in_at_once),
		TEST(removing_an_item_ends_both_subscriptions),
		TEST(who_is_blocked_sees_the_user_go_and_come_again),
		TEST(a_request_of_who_is_blocked_is_not_taken),
		TEST(limits_are_kept_and_what_would_break_one_leaves_nothing),
		TEST(a_roster_of_the_largest_items_has_room_in_an_answer),
		TEST(nothing_is_left_of_what_an_erased_subscriber_made),
		TEST(who_takes_the_address_of_another_gets_nothing_of_what_that_one_made),
		TEST(a_contact_that_an_operator_removes_is_pushed_to_both),
		TEST(the_server_of_a_contact_hears_it_from_the_user),
		TEST(nothing_is_kept_for_who_is_not_there),
		TEST(a_push_has_the_item_as_it_is),
		TEST(who_is_erased_is_taken_from_the_rosters_of_others_and_says_that_it_is_gone),
		TEST(a_change_that_is_not_made_is_told_to_nobody),
		TEST(what_is_kept_is_bounded_in_bytes_and_in_time),
		TEST(questions_are_answered_over_the_channel_in_their_order),
		TEST(a_large_answer_comes_whole),
		TEST(a_question_that_comes_while_control_waits_is_answered_afterwards),
		TEST(control_that_goes_answers_nothing_and_keeps_what_it_answered),
		TEST(a_database_from_before_rosters_is_brought_up_to_date),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
