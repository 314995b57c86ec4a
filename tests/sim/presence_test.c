/* Presence through the whole dataplane, of clients at one worker and at two. */
#include "chat.h"

#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/ask.h"
#include "dataplane/query.h"
#include "dataplane/registered.h"
#include "roster/question.h"

static void the_clients_of_an_account_know_of_each_other(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *tablet;

	(void)state;
	phone_send(phone, "<presence><show>away</show></presence>");
	chat_expects(phone, "<presence from=\"alice@example.org/phone\" "
			    "to=\"alice@example.org/phone\"><show>away</show></presence>");
	tablet = chat_bound(ALICE, "tablet");
	phone_send(tablet, "<presence><priority>-1</priority></presence>");
	chat_expects(tablet, "<presence from=\"alice@example.org/tablet\" "
			     "to=\"alice@example.org/tablet\"><priority>-1</priority></presence>");
	chat_expects(tablet, "<presence from=\"alice@example.org/phone\" "
			     "to=\"alice@example.org/tablet\"><show>away</show></presence>");
	chat_expects(phone, "<presence from=\"alice@example.org/tablet\" "
			    "to=\"alice@example.org/phone\"><priority>-1</priority></presence>");
	phone_send(tablet, "<presence type='unavailable'><status>bed</status></presence>");
	chat_expects(phone, "<presence type=\"unavailable\" from=\"alice@example.org/tablet\" "
			    "to=\"alice@example.org/phone\"><status>bed</status></presence>");
	chat_hears_nothing(phone);
	chat_hears_nothing(tablet);
}

/* Without a word: its connection is reset. */
static void a_client_that_breaks_off_is_said_to_be_gone(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *tablet = chat_client(ALICE, "tablet");
	struct phone *desk = chat_client(CAROL, "desk"), *mobile = chat_client(CAROL, "mobile");
	uint64_t      open;

	(void)state;
	phone_send(phone, "<presence to='carol@example.org/desk'/>");
	chat_expects(desk, "<presence from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"></presence>");
	open = sim_metric(&sim, METRIC_sessions_open);
	phone_reset(phone);
	chat_expects(tablet, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			     "to=\"alice@example.org/tablet\"></presence>");
	chat_expects(desk, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"></presence>");
	chat_hears_nothing(mobile);
	sim_pass(&sim, 120 * US_PER_SECOND); /* control is not there to say who else */
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), open - 1);
	phone_send(desk, "<message to='alice@example.org/phone' id='m'><body>x</body></message>");
	chat_expects(tablet, "<body>x</body>");
}

static void a_client_that_comes_back_at_once_is_not(void **state)
{
	struct phone *phone = chat_client(ALICE, "phone"), *tablet = chat_client(ALICE, "tablet");
	struct phone *again;

	(void)state;
	again = chat_client(ALICE, "phone");
	chat_closes(phone);
	sim_pass(&sim, 10 * US_PER_SECOND);
	phone_send(again, "<presence><show>dnd</show></presence>");
	chat_expects(tablet, "<presence from=\"alice@example.org/phone\" "
			     "to=\"alice@example.org/tablet\"><show>dnd</show></presence>");
	chat_hears_nothing(tablet);
}

static void presence_and_headlines_for_an_account_reach_all_its_clients(void **state)
{
	struct phone *alice = chat_client(ALICE, "phone"), *desk = chat_client(CAROL, "desk");
	struct phone *mobile = chat_client(CAROL, "mobile"), *hidden = chat_bound(CAROL, "hidden");

	(void)state;
	phone_send(hidden, "<presence><priority>-5</priority></presence>");
	sim_pass(&sim, 100 * US_PER_MS);
	phones_forget_presence();
	phone_send(alice, "<presence to='carol@example.org'><show>chat</show></presence>");
	chat_expects(desk, "to=\"carol@example.org/desk\"><show>chat</show></presence>");
	chat_expects(mobile, "to=\"carol@example.org/mobile\"><show>chat</show></presence>");
	chat_expects(hidden, "to=\"carol@example.org/hidden\"><show>chat</show></presence>");
	phone_send(alice, "<message to='carol@example.org' type='headline'><body>News</body>"
			  "</message>");
	chat_expects(desk, "<body>News</body>");
	chat_expects(desk, "</message>");
	chat_expects(mobile, "<body>News</body>");
	chat_expects(mobile, "</message>");
	phone_send(alice, "<message to='carol@example.org' type='chat'><body>Hi</body></message>");
	chat_hears_nothing(hidden);
	chat_hears_nothing(alice);
}

/* Alice and carol see each other; nobody else has a roster. */
static void friends(struct sim *s)
{
	uint8_t    room[1024];
	uint64_t   id;
	struct cur question;

	while (asks_next(&s->dp, s->now.us, &id, &question)) {
		struct put             w = put_to(room, sizeof(room));
		struct roster_question q;
		bool                   alice;

		assert_true(roster_question_read(question, &q));
		alice = str_eq(q.owner, STR("alice@example.org"));
		if (q.ask == ROSTER_ASK_AUDIENCE)
			roster_contact_put(&w, &(struct roster_contact){
						       .jid = alice ? STR("carol@example.org")
								    : STR("alice@example.org"),
						       .watches = true,
						       .watched = true,
						       .local = true});
		assert_false(w.failed);
		asks_told(&s->dp, id, REASON_NONE, cur_of(room, put_size(&w)));
		s->busy = true;
	}
}

static void contacts_hear_of_each_other(void **state)
{
	struct phone *phone, *desk, *mobile;

	(void)state;
	sim.control = friends;
	phone = chat_client(ALICE, "phone");
	phone_send(phone, "<presence><show>away</show></presence>");
	sim_pass(&sim, 100 * US_PER_MS);
	phones_forget_presence();
	desk = chat_bound(CAROL, "desk");
	phone_send(desk, "<presence/>");
	chat_expects(phone, "<presence from=\"carol@example.org/desk\" "
			    "to=\"alice@example.org/phone\"></presence>");
	chat_expects(desk, "<presence from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"><show>away</show></presence>");
	mobile = chat_client(CAROL, "mobile");
	phone_reset(phone);
	chat_expects(desk, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"></presence>");
	chat_expects(mobile, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			     "to=\"carol@example.org/mobile\"></presence>");
	chat_hears_nothing(desk);
	chat_hears_nothing(mobile);
}

#define BARE_ALICE STR("alice@example.org")
#define BARE_CAROL STR("carol@example.org")

/* What is left to the one when an operator took it from the roster of the other. */
static void effects_put(struct put *w, struct str to, struct str contact,
			enum roster_subscription subscription)
{
	roster_effect_put(
		w, &(struct roster_effect){.kind = ROSTER_EFFECT_PUSH,
					   .to = to,
					   .item = {.jid = contact, .subscription = subscription},
					   .version = STR("9")});
	roster_effect_put(w, &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						     .from = contact,
						     .to = to,
						     .type = ROSTER_UNAVAILABLE,
						     .to_is_local = true});
}

static void an_operator_parts_them(struct sim *s)
{
	uint8_t    room[8192];
	uint64_t   id;
	struct cur question;

	while (asks_next(&s->dp, s->now.us, &id, &question)) {
		struct put             w = put_to(room, sizeof(room));
		struct roster_question q;

		assert_true(roster_question_read(question, &q));
		if (q.ask == ROSTER_ASK_ROSTER_GET)
			roster_head_put(&w, &(struct roster_head){.version = STR("8")});
		if (q.ask == ROSTER_ASK_EFFECTS && str_eq(q.owner, BARE_ALICE))
			effects_put(&w, BARE_ALICE, BARE_CAROL, ROSTER_SUBSCRIPTION_REMOVE);
		else if (q.ask == ROSTER_ASK_EFFECTS)
			effects_put(&w, BARE_CAROL, BARE_ALICE, ROSTER_SUBSCRIPTION_NONE);
		assert_false(w.failed);
		asks_told(&s->dp, id, REASON_NONE, cur_of(room, put_size(&w)));
		s->busy = true;
	}
}

static struct {
	json_t     *reply;
	int         err;
	atomic_bool over;
} notices;

/* On a thread of its own, as the management thread does, while the workers take turns. */
static void *management(void *users)
{
	char error[256];

	notices.err = query_run(&sim.dp, "notices", users, &notices.reply, error);
	atomic_store(&notices.over, true);
	return NULL;
}

/* Returns who is not there, as text; freed. */
static char *control_has_something(const char *users)
{
	json_t   *args = json_loads(users, 0, NULL);
	pthread_t thread;
	char     *away;

	atomic_store(&notices.over, false);
	assert_int_equal(pthread_create(&thread, NULL, management, args), 0);
	while (!atomic_load(&notices.over))
		sim_step(&sim, 100);
	pthread_join(thread, NULL);
	assert_int_equal(notices.err, 0);
	away = json_dumps(json_object_get(notices.reply, "rows"), JSON_COMPACT);
	json_decref(notices.reply);
	json_decref(args);
	return away;
}

static struct phone *reader(const char *proof, const char *resource)
{
	struct phone *p = chat_client(proof, resource);

	phone_send(p, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	chat_expects(p, "</query></iq>");
	return p;
}

static void what_an_operator_takes_from_a_roster_both_clients_see_at_once(void **state)
{
	struct phone *phone, *desk;
	char         *away;

	(void)state;
	sim.control = an_operator_parts_them;
	phone = reader(ALICE, "phone");
	desk = reader(CAROL, "desk");
	away = control_has_something("{\"users\": [\"alice@example.org\", \"carol@example.org\", "
				     "\"nobody@example.org\"]}");
	assert_string_equal(away, "[[\"nobody@example.org\"]]");
	free(away);
	chat_expects(phone,
		     "from=\"alice@example.org\" to=\"alice@example.org/phone\"><query "
		     "xmlns=\"jabber:iq:roster\" ver=\"9\"><item "
		     "jid=\"carol@example.org\" subscription=\"remove\"></item></query></iq>");
	chat_expects(phone, "<presence type=\"unavailable\" from=\"carol@example.org/desk\" "
			    "to=\"alice@example.org/phone\"></presence>");
	chat_expects(desk, "from=\"carol@example.org\" to=\"carol@example.org/desk\"><query "
			   "xmlns=\"jabber:iq:roster\" ver=\"9\"><item jid=\"alice@example.org\" "
			   "subscription=\"none\"></item></query></iq>");
	chat_expects(desk, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"></presence>");
	chat_hears_nothing(phone);
	chat_hears_nothing(desk);
}

static void *erases(void *unused)
{
	registered_gone(&sim.dp, STR("xmpp:alice@example.org"));
	atomic_store(&notices.over, true);
	return NULL;
}

static void who_is_erased_is_said_to_be_gone(void **state)
{
	struct phone *phone, *desk;
	pthread_t     thread;

	(void)state;
	sim.control = friends;
	phone = chat_client(ALICE, "phone");
	desk = chat_client(CAROL, "desk");
	atomic_store(&notices.over, false);
	assert_int_equal(pthread_create(&thread, NULL, erases, NULL), 0);
	while (!atomic_load(&notices.over))
		sim_step(&sim, 100);
	pthread_join(thread, NULL);
	chat_expects(desk, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\"></presence>");
	chat_closes(phone);
	chat_hears_nothing(desk);
}

/* It is there, and does not answer. */
static void control_hangs(struct sim *s)
{
}

static void control_that_hangs_holds_nothing_up(void **state)
{
	struct phone *desk = chat_client(CAROL, "desk"), *phone;

	(void)state;
	sim.control = control_hangs;
	phone = chat_bound(ALICE, "phone");
	phone_send(phone, "<message to='carol@example.org/desk' type='chat'><body>Hi</body>"
			  "</message>");
	chat_expects(desk, "<body>Hi</body>");
	chat_expects(desk, "</message>");
	phone_send(desk, "<message to='alice@example.org/phone' type='chat'><body>One</body>"
			 "</message><message to='alice@example.org/phone' type='chat'>"
			 "<body>Two</body></message>");
	sim_pass(&sim, US_PER_SECOND);
	assert_null(strstr(phone->in, "<body>")); /* carol may be blocked */
	sim_pass(&sim, 4 * US_PER_SECOND);
	chat_expects(phone, "<body>One</body>");
	chat_expects(phone, "<body>Two</body>");
	chat_expects(phone, "</message>");
	chat_hears_nothing(phone);
	chat_hears_nothing(desk);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, world_open, world_end)
#define OF_TWO(test)                                                                               \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN(the_clients_of_an_account_know_of_each_other),
		OPEN(a_client_that_breaks_off_is_said_to_be_gone),
		OPEN(a_client_that_comes_back_at_once_is_not),
		OPEN(presence_and_headlines_for_an_account_reach_all_its_clients),
		OPEN(contacts_hear_of_each_other),
		OPEN(what_an_operator_takes_from_a_roster_both_clients_see_at_once),
		OF_TWO(what_an_operator_takes_from_a_roster_both_clients_see_at_once),
		OPEN(who_is_erased_is_said_to_be_gone),
		OF_TWO(who_is_erased_is_said_to_be_gone),
		OPEN(control_that_hangs_holds_nothing_up),
		OF_TWO(control_that_hangs_holds_nothing_up),
		OF_TWO(contacts_hear_of_each_other),
		OF_TWO(the_clients_of_an_account_know_of_each_other),
		OF_TWO(a_client_that_breaks_off_is_said_to_be_gone),
		OF_TWO(a_client_that_comes_back_at_once_is_not),
		OF_TWO(presence_and_headlines_for_an_account_reach_all_its_clients),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
