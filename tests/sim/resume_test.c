/* Clients whose connection breaks and who go on where they were (XEP-0198, 5), through the whole
 * dataplane: what each saw is counted, so that nothing is lost and nothing comes twice. */
#include "chat.h"

#include "base/date.h"

#define SM " xmlns='urn:xmpp:sm:3'"
#define MESSAGES 8u
#define NAME_SIZE 17

static unsigned count(struct phone *p, const char *what)
{
	unsigned n = 0;

	p->in[p->in_size] = '\0';
	for (const char *at = p->in; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void quoted(struct phone *p, const char *before, char *text, size_t size)
{
	const char *end;

	chat_expects(p, before);
	end = strchr(p->in, '"');
	assert_non_null(end);
	assert_true((size_t)(end - p->in) < size);
	memcpy(text, p->in, (size_t)(end - p->in));
	text[end - p->in] = '\0';
}

static void enable(struct phone *p, char name[NAME_SIZE])
{
	phone_send(p, "<enable" SM " resume='true'/>");
	quoted(p, "<enabled xmlns=\"urn:xmpp:sm:3\" id=\"", name, NAME_SIZE);
	chat_expects(p, " resume=\"true\" max=\"120\"/>");
}

static struct phone *resumable(const char *proof, const char *resource, char name[NAME_SIZE])
{
	struct phone *p = chat_client(proof, resource);

	enable(p, name);
	return p;
}

/* On a new stream; returns what we say that we got. */
static unsigned resume(struct phone *p, const char *name, unsigned h)
{
	char number[16];

	phone_send(p, "<resume" SM " previd='%s' h='%u'/>", name, h);
	chat_expects(p, "<resumed xmlns=\"urn:xmpp:sm:3\" previd=\"");
	assert_memory_equal(p->in, name, NAME_SIZE - 1);
	quoted(p, " h=\"", number, sizeof(number));
	chat_expects(p, "/>");
	return (unsigned)atoi(number);
}

static void acknowledge(struct phone *p, unsigned h)
{
	phone_send(p, "<a" SM " h='%u'/>", h);
}

static unsigned      seen_wanted;
static struct phone *seen_by;

static bool seen(struct sim *s)
{
	return count(seen_by, "</message>") >= seen_wanted;
}

static bool sees(struct phone *p, unsigned n)
{
	seen_by = p;
	seen_wanted = n;
	return sim_until(&sim, seen, 5 * US_PER_SECOND);
}

static void bodies_add(struct phone *p, unsigned bodies[2 * MESSAGES])
{
	char what[32];

	for (unsigned i = 0; i < 2 * MESSAGES; i++) {
		snprintf(what, sizeof(what), "<body>%u</body>", i);
		bodies[i] += count(p, what);
	}
}

/* The connection is cut when the client has seen so many of eight messages, of which it has
 * acknowledged all but so many; eight more come before it goes on. */
struct cut {
	unsigned seen, unacknowledged;
	bool     open; /* nobody has noticed: the old stream is there when the new one comes */
};

static void go_on_after(const struct cut *stage)
{
	char          name[NAME_SIZE];
	unsigned      bodies[2 * MESSAGES] = {0}, h;
	struct phone *carol = chat_client(CAROL, "desk"), *phone = resumable(ALICE, "phone", name);
	struct phone *next;

	for (unsigned i = 0; i < MESSAGES; i++)
		phone_send(carol,
			   "<message to='alice@example.org/phone' id='m%u' type='chat'>"
			   "<body>%u</body></message>",
			   i, i);
	if (stage->seen > 0)
		assert_true(sees(phone, stage->seen));
	h = count(phone, "</message>");
	if (h > stage->unacknowledged)
		acknowledge(phone, h - stage->unacknowledged);
	if (!stage->open) {
		if (h > stage->unacknowledged)
			sim_pass(&sim, 20 * US_PER_MS);
		h = count(phone, "</message>");
		phone_reset(phone);
	}
	bodies_add(phone, bodies);
	if (!stage->open)
		sim_pass(&sim, 50 * US_PER_MS);
	for (unsigned i = MESSAGES; i < 2 * MESSAGES; i++)
		phone_send(carol,
			   "<message to='alice@example.org' id='m%u' type='chat'>"
			   "<body>%u</body></message>",
			   i, i);
	if (!stage->open)
		sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	if (stage->open) { /* it was seen until the new stream was up */
		memset(bodies, 0, sizeof(bodies));
		h = count(phone, "</message>");
		bodies_add(phone, bodies);
	}
	resume(next, name, h);
	assert_true(sees(next, 2 * MESSAGES - h));
	sim_pass(&sim, 200 * US_PER_MS);
	acknowledge(next, 2 * MESSAGES);
	sim_pass(&sim, 200 * US_PER_MS);
	bodies_add(next, bodies);
	for (unsigned i = 0; i < 2 * MESSAGES; i++)
		assert_int_equal(bodies[i], 1);
	assert_int_equal(count(next, "</message>"), 2 * MESSAGES - h);
	if (stage->open)
		chat_expects(phone, "<stream:error><conflict ");
	chat_hears_nothing(carol);
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_resumed), 1);
	assert_int_equal(sim_metric(&sim, METRIC_messages_open), 0);
}

static void nothing_is_lost_and_nothing_comes_twice(void **state)
{
	go_on_after(*state);
}

static void what_the_client_sends_is_taken_once(void **state)
{
	char          name[NAME_SIZE];
	struct phone *carol = chat_client(CAROL, "desk"), *phone = resumable(ALICE, "phone", name);
	struct phone *next;
	unsigned      handled;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		phone_send(phone,
			   "<message to='carol@example.org' type='chat'><body>%u</body>"
			   "</message>",
			   i);
	phone_send(phone, "<message to='carol@example.org' type='chat'><bo");
	assert_true(sees(carol, 3));
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	handled = resume(next, name, 0);
	assert_int_equal(handled, 3);
	for (unsigned i = handled; i < 6; i++)
		phone_send(next,
			   "<message to='carol@example.org' type='chat'><body>%u</body>"
			   "</message>",
			   i);
	assert_true(sees(carol, 6));
	for (unsigned i = 0; i < 6; i++) {
		char what[32];

		snprintf(what, sizeof(what), "<body>%u</body>", i);
		assert_int_equal(count(carol, what), 1);
	}
	phone_send(next, "<r" SM "/>");
	chat_expects(next, "<a xmlns=\"urn:xmpp:sm:3\" h=\"6\"/>");
}

/* Answers of ours, and failures that came while there was no stream. */
static void what_we_said_ourselves_comes_again(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *next;

	(void)state;
	phone_send(phone, "<iq type='get' id='i1'><ping xmlns='urn:xmpp:ping'/></iq>");
	chat_expects(phone, "id=\"i1\"");
	chat_expects(phone, "</iq>");
	phone_send(phone, "<iq type='get' id='i2'><ping xmlns='urn:xmpp:ping'/></iq>"
			  "<message to='+4999@example.org' id='e1'><body>x</body></message>");
	chat_expects(phone, "id=\"e1\"");
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	assert_int_equal(resume(next, name, 1), 3);
	chat_expects(next, "<iq type=\"result\" id=\"i2\" from=\"example.org\"></iq>");
	chat_expects(next, "<message type=\"error\" id=\"e1\" from=\"+4999@example.org\"><error");
	chat_expects(next, "</message>");
	acknowledge(next, 3);
	phone_reset(next);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	assert_int_equal(resume(next, name, 3), 3);
	chat_hears_nothing(next);
}

static void a_session_goes_on_again_and_again(void **state)
{
	char          name[NAME_SIZE];
	struct phone *carol = chat_client(CAROL, "desk"), *phone = resumable(ALICE, "phone", name);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		char body[32];

		phone_reset(phone);
		phone_send(carol,
			   "<message to='alice@example.org' type='chat'><body>%u</body>"
			   "</message>",
			   i);
		sim_pass(&sim, 50 * US_PER_MS);
		phone = chat_authenticated(ALICE);
		resume(phone, name, i);
		snprintf(body, sizeof(body), "<body>%u</body>", i);
		chat_expects(phone, body);
		chat_expects(phone, "</message>");
		acknowledge(phone, i + 1);
	}
	chat_hears_nothing(carol);
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_resumed), 5);
}

static void copies_and_presence_are_as_they_were(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *carol = chat_client(CAROL, "desk");
	struct phone *tablet = chat_client(ALICE, "tablet"), *next;

	(void)state;
	phone_send(phone, "<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
	chat_expects(phone, "id=\"c1\"/>");
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	resume(next, name, 1);
	phone_send(carol, "<message to='alice@example.org/tablet' type='chat'><body>a</body>"
			  "</message>");
	chat_expects(tablet, "<body>a</body>");
	chat_expects(next, "<received xmlns=\"urn:xmpp:carbons:2\">");
	phone_send(tablet, "</stream:stream>");
	chat_closes(tablet);
	sim_pass(&sim, 50 * US_PER_MS);
	phone_send(carol, "<message to='alice@example.org' type='chat'><body>b</body></message>");
	chat_expects(next, "<body>b</body>");
}

static void others_see_the_presence_that_it_had(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *desk = chat_client(CAROL, "desk");
	struct phone *tablet, *next;

	(void)state;
	phone_send(phone, "<presence><show>away</show><status>Out</status></presence>"
			  "<presence to='carol@example.org/desk'/>");
	chat_expects(desk, "from=\"alice@example.org/phone\"");
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	resume(next, name, 0);
	tablet = chat_bound(ALICE, "tablet");
	phone_send(tablet, "<presence/>");
	chat_expects(tablet, "from=\"alice@example.org/phone\" to=\"alice@example.org/tablet\">"
			     "<show>away</show><status>Out</status></presence>");
	phone_send(next, "</stream:stream>");
	chat_expects(desk, "<presence type=\"unavailable\" from=\"alice@example.org/phone\" "
			   "to=\"carol@example.org/desk\">");
	chat_expects(tablet, "<presence type=\"unavailable\" from=\"alice@example.org/phone\"");
}

static void only_who_may_goes_on(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *carol, *alice;

	(void)state;
	carol = chat_authenticated(CAROL);
	phone_send(carol, "<resume" SM " previd='%s' h='0'/>", name);
	chat_expects(carol, "<failed xmlns=\"urn:xmpp:sm:3\"><item-not-found ");
	phone_send(phone, "<resume" SM " previd='%s' h='0'/>", name);
	chat_expects(phone, "<failed xmlns=\"urn:xmpp:sm:3\"><unexpected-request ");
	alice = chat_authenticated(ALICE);
	phone_send(alice, "<resume" SM " previd='aaaaaaaaaaaaaaaa' h='0'/>");
	chat_expects(alice, "<item-not-found ");
	phone_send(alice, "<resume" SM " previd='%s'/>", name);
	chat_expects(alice, "<unexpected-request ");
	phone_send(alice, "<resume" SM " previd='%s' h='1000'/>", name);
	chat_expects(alice, "<failed xmlns=\"urn:xmpp:sm:3\" h=\"0\"><item-not-found ");
	chat_expects(phone, "<conflict ");
	chat_closes(phone);
	phone_send(alice, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
			  "<resource>phone</resource></bind></iq>");
	chat_expects(alice, "</jid></bind></iq>");
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_resumed), 0);
}

static void a_session_is_over_when_its_time_is(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *carol = chat_client(CAROL, "desk");
	struct phone *next;
	uint64_t      sessions;

	(void)state;
	sessions = sim_metric(&sim, METRIC_sessions_open);
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	phone_send(carol, "<message to='alice@example.org' id='w' type='chat'><body>a</body>"
			  "</message>");
	sim_pass(&sim, 30 * US_PER_SECOND);
	chat_expects(carol, "<message type=\"error\" id=\"w\" from=\"alice@example.org\"><error "
			    "type=\"wait\">");
	sim_pass(&sim, 91 * US_PER_SECOND);
	phone_send(carol, "<message to='alice@example.org' id='g' type='chat'><body>a</body>"
			  "</message>");
	chat_expects(carol, "<message type=\"error\" id=\"g\" from=\"alice@example.org\"><error "
			    "type=\"cancel\"><service-unavailable");
	sim_pass(&sim, 61 * US_PER_SECOND); /* in which control, who is not there, was asked */
	next = chat_authenticated(ALICE);
	phone_send(next, "<resume" SM " previd='%s' h='0'/>", name);
	chat_expects(next, "<failed xmlns=\"urn:xmpp:sm:3\"><item-not-found ");
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), sessions);
}

static void who_says_goodbye_is_gone(void **state)
{
	char          name[NAME_SIZE];
	struct phone *phone = resumable(ALICE, "phone", name), *next;

	(void)state;
	phone_send(phone, "</stream:stream>");
	chat_closes(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	next = chat_authenticated(ALICE);
	phone_send(next, "<resume" SM " previd='%s' h='0'/>", name);
	chat_expects(next, "<item-not-found ");
	assert_int_equal(sim_metric(&sim, METRIC_xmpp_detached), 0);
}

static void a_message_for_a_session_without_stream_finds_another_place(void **state)
{
	char          name[NAME_SIZE];
	struct phone *tablet = chat_client(ALICE, "tablet"), *carol = chat_client(CAROL, "desk");
	struct phone *phone = resumable(ALICE, "phone", name);

	(void)state;
	phone_reset(phone);
	sim_pass(&sim, 50 * US_PER_MS);
	phone_send(carol, "<message to='alice@example.org/phone' id='w' type='chat'><body>a</body>"
			  "</message>");
	sim_pass(&sim, 16 * US_PER_SECOND);
	chat_expects(tablet, "<body>a</body>");
	chat_hears_nothing(carol);
}

/* The wall's time, as it stands in a stanza. */
static void stamp_of(char text[128])
{
	struct put w = put_to(text, 127);

	put_str(&w, STR("<delay xmlns=\"urn:xmpp:delay\" from=\"example.org\" stamp=\""));
	date_put(&w, sim.now.wall_ms);
	put_str(&w, STR("\"/>"));
	text[put_size(&w)] = '\0';
}

/* The first delay behind the text is this one; in whatever order they come. */
static void waited_since(struct phone *p, const char *text, const char *delay)
{
	const char *at = strstr(p->in, text);

	assert_non_null(at);
	at = strstr(at, "<delay");
	assert_non_null(at);
	assert_memory_equal(at, delay, strlen(delay));
}

/* XEP-0203: one it had seen and not acknowledged, and one that waited meanwhile. */
static void what_comes_again_says_when_it_was_first_taken(void **state)
{
	char          name[NAME_SIZE], first[128], second[128];
	struct phone *carol = chat_client(CAROL, "desk"), *phone = resumable(ALICE, "phone", name);
	struct phone *next;

	(void)state;
	sim_pass(&sim,
		 US_PER_SECOND - sim.now.wall_ms % 1000 * US_PER_MS); /* all within a second */
	stamp_of(first);
	phone_send(carol, "<message to='alice@example.org/phone' type='chat'><body>1</body>"
			  "</message>");
	assert_true(sees(phone, 1));
	assert_int_equal(count(phone, "<delay"), 0);
	phone_reset(phone);
	sim_pass(&sim, 1 * US_PER_SECOND);
	sim_pass(&sim, US_PER_SECOND - sim.now.wall_ms % 1000 * US_PER_MS);
	stamp_of(second);
	assert_string_not_equal(first, second);
	phone_send(carol, "<message to='alice@example.org/phone' type='chat'><body>2</body>"
			  "</message>");
	sim_pass(&sim, 6 * US_PER_SECOND);
	next = chat_authenticated(ALICE);
	resume(next, name, 0);
	assert_true(sees(next, 2));
	assert_int_equal(count(next, "<delay"), 2);
	waited_since(next, "<body>1</body>", first);
	waited_since(next, "<body>2</body>", second);
}

#define CASE(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, world_open, world_end),                              \
	{                                                                                          \
#test "_of_two_workers", test, world_of_two, world_end, NULL                       \
	}
#define STAGE(...)                                                                                 \
	{                                                                                          \
		"nothing_is_lost_and_nothing_comes_twice " #__VA_ARGS__,                           \
			nothing_is_lost_and_nothing_comes_twice, world_of_two, world_end,          \
			&(struct cut)                                                              \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE(0, 0, false),
		STAGE(1, 0, false),
		STAGE(1, 1, false),
		STAGE(2, 1, false),
		STAGE(4, 4, false),
		STAGE(4, 0, false),
		STAGE(5, 3, false),
		STAGE(7, 7, false),
		STAGE(8, 0, false),
		STAGE(8, 8, false),
		STAGE(0, 0, true),
		STAGE(3, 1, true),
		STAGE(8, 8, true),
		CASE(what_the_client_sends_is_taken_once),
		CASE(what_we_said_ourselves_comes_again),
		CASE(what_comes_again_says_when_it_was_first_taken),
		CASE(a_session_goes_on_again_and_again),
		CASE(copies_and_presence_are_as_they_were),
		CASE(others_see_the_presence_that_it_had),
		CASE(only_who_may_goes_on),
		CASE(a_session_is_over_when_its_time_is),
		CASE(who_says_goodbye_is_gone),
		CASE(a_message_for_a_session_without_stream_finds_another_place),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
