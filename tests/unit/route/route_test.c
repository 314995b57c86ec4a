#include "route/route.h"

#include <errno.h>
#include <stdio.h>

#include "base/random.h"
#include "test.h"

#define SEED 20260611u

static int put_one(struct route_edit *e, const char *to, uint16_t priority, uint32_t slot)
{
	struct route_target t = {.slot = slot, .weight = 1, .kind = ROUTE_PEER};

	return route_edit_put(e, str_of(to), priority, false, &t, 1);
}

static const struct route_table *table_of(const char *const to[], unsigned n)
{
	struct route_edit        *e = route_edit_begin(NULL);
	const struct route_table *t;

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(put_one(e, to[i], 100, i), 0);
	t = route_edit_table(e);
	route_edit_reclaim(e);
	return t;
}

static const char *found(const struct route_table *t, const char *to)
{
	char                   *exact = (char *)test_copy(to, strlen(to));
	const struct route_set *set = route_find(t, (struct str){exact, strlen(to)});

	free(exact);
	return set != NULL ? set->to : "none";
}

static void the_exact_entry_wins_then_the_longest_prefix(void **state)
{
	static const char *const entries[] = {"+",
					      "+46",
					      "+4670",
					      "=+46701234567",
					      "+46701234567",
					      "=71234",
					      "7",
					      "=ACME",
					      "AC",
					      "+1",
					      "=+1",
					      "=+4670",
					      "@",
					      "ACME Sweden",
					      "ACME Swed"};
	static const struct {
		const char *to, *entry;
	} cases[] = {
		{"+46701234567", "=+46701234567"},
		{"+467012345678", "+46701234567"},
		{"+46701234566", "+4670"},
		{"+4670", "=+4670"},
		{"+467", "+46"},
		{"+46", "+46"},
		{"+4", "+"},
		{"+", "+"},
		{"+1", "=+1"},
		{"+12", "+1"},
		{"46701234567", "none"},
		{"71234", "=71234"},
		{"712345", "7"},
		{"7123", "7"},
		{"ACME", "=ACME"},
		{"ACMES", "AC"},
		{"ACME Swe", "AC"},
		{"ACME Swed", "ACME Swed"},
		{"ACME Sweden AB", "ACME Sweden"},
		{"A", "none"},
		{"", "none"},
		{"BCME", "none"},
		{"@", "@"},
	};
	const struct route_table *t = table_of(entries, sizeof(entries) / sizeof(entries[0]));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(found(t, cases[i].to), cases[i].entry);
	assert_int_equal(route_table_count(t), sizeof(entries) / sizeof(entries[0]));
	assert_string_equal(route_table_get(t, STR("+4670"))->to, "+4670");
	assert_string_equal(route_table_get(t, STR("=+4670"))->to, "=+4670");
	assert_null(route_table_get(t, STR("+467")));
	assert_null(route_table_get(t, STR("")));
	assert_null(route_table_get(t, STR("=7")));
	route_table_free(t);
}

static void an_address_finds_itself_then_its_domain_each_with_its_scheme_first(void **state)
{
	static const char *const entries[] = {"=sip:alice@example.org",
					      "=alice@example.org",
					      "sip:*@example.org",
					      "*@example.org",
					      "*@chat.example",
					      "=bob@chat.example",
					      "sip:*@ims.example",
					      "sip:*@s.example",
					      "=+4670",
					      "+46",
					      "x"};
	static const struct {
		const char *to, *entry;
	} cases[] = {
		{"sip:alice@example.org", "=sip:alice@example.org"},
		{"SIP:alice@Example.ORG", "=sip:alice@example.org"},
		{"sip:Alice@example.org", "sip:*@example.org"}, /* users differ by case */
		{"sip:bob@example.org", "sip:*@example.org"},
		{"xmpp:alice@example.org", "=alice@example.org"},
		{"xmpp:bob@example.org", "*@example.org"},
		{"alice@example.org", "=alice@example.org"},
		{"bob@EXAMPLE.org", "*@example.org"},
		{"bob@chat.example", "=bob@chat.example"},
		{"sip:bob@chat.example", "=bob@chat.example"},
		{"carol@chat.example", "*@chat.example"},
		{"sip:anyone@ims.example", "sip:*@ims.example"},
		{"sip:*@ims.example", "sip:*@ims.example"},
		{"anyone@ims.example", "none"},
		{"sip:anyone@ims.example.evil.example", "none"},
		{"sip:anyone@evil.ims.example", "none"},
		{"sip:anyone@ims.exampl", "none"},
		{"sip:+4670@ims.example", "sip:*@ims.example"},
		{"+4670@s.example", "none"}, /* no prefix of a number */
		{"x@other.example", "none"},
		{"sip:ims.example", "none"},
		{"sip:@ims.example", "none"},
		{"sip:a@ims.example:5060", "none"},
		{"@", "none"},
		{"+4670", "=+4670"},
	};
	const struct route_table *t = table_of(entries, sizeof(entries) / sizeof(entries[0]));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(found(t, cases[i].to), cases[i].entry) != 0)
			fail_msg("%s: %s", cases[i].to, found(t, cases[i].to));
	assert_string_equal(route_table_get(t, STR("sip:*@ims.example"))->to, "sip:*@ims.example");
	assert_null(route_table_get(t, STR("*@ims.example")));
	assert_null(route_table_get(t, STR("=sip:*@ims.example")));
	route_table_free(t);
}

static void a_domain_of_xmpp_alone_finds_itself_then_the_routes_of_its_users(void **state)
{
	static const char *const entries[] = {
		"=xmpp:transport.example", "xmpp:*@transport.example", "xmpp:*@conference.example",
		"*@any.example",           "sip:*@ims.example",        "=plain.example"};
	const struct route_table *t = table_of(entries, sizeof(entries) / sizeof(entries[0]));

	(void)state;
	assert_string_equal(found(t, "xmpp:transport.example"), entries[0]);
	assert_string_equal(found(t, "XMPP:Transport.example"), entries[0]);
	assert_string_equal(found(t, "xmpp:a@transport.example"), entries[1]);
	assert_string_equal(found(t, "xmpp:conference.example"), entries[2]);
	assert_string_equal(found(t, "xmpp:any.example"), entries[3]);
	assert_string_equal(found(t, "xmpp:ims.example"), "none");
	assert_string_equal(found(t, "sip:ims.example"), "none");
	assert_string_equal(found(t, "xmpp:plain.example"), "none");
	route_table_free(t);
}

static void users_are_found_whatever_their_scheme_lets_them_have(void **state)
{
	static const char *const entries[] = {
		"=xmpp:d\\27artagnan@x.example", "=sip:o'hara@x.example", "xmpp:*@x.example",
		"xmpp:*@münchen.example",        "sip:*@x.example",       "*@münchen.example",
		"sip:*@xn--bcher-kva.example"};
	const struct route_table *t = table_of(entries, sizeof(entries) / sizeof(entries[0]));

	(void)state;
	assert_string_equal(found(t, "xmpp:d\\27artagnan@x.example"), entries[0]);
	assert_string_equal(found(t, "sip:o'hara@x.example"), entries[1]);
	assert_string_equal(found(t, "xmpp:user\\40gmail.com@x.example"), entries[2]);
	assert_string_equal(found(t, "xmpp:a[1]@x.example"), entries[2]);
	assert_string_equal(found(t, "xmpp:jürgen@x.example"), entries[2]);
	assert_string_equal(found(t, "xmpp:bob@münchen.example"), entries[3]);
	assert_string_equal(found(t, "xmpp:münchen.example"), entries[3]);
	assert_string_equal(found(t, "sip:j%C3%BCrgen@x.example"), entries[4]);
	assert_string_equal(found(t, "sip:jürgen@x.example"), "none");
	assert_string_equal(found(t, "sip:bob@xn--mnchen-3ya.example"), entries[5]);
	assert_string_equal(found(t, "sip:bob@xn--bcher-kva.example"), entries[6]);
	route_table_free(t);
}

static void a_long_address_finds_its_domain(void **state)
{
	char                      to[300];
	const char               *entries[] = {"sip:*@example.org"};
	const struct route_table *t = table_of(entries, 1);

	(void)state;
	for (size_t user = 1; user < 256; user++) {
		memset(to, 'u', sizeof(to));
		memcpy(to, "sip:", 4);
		strcpy(to + 4 + user, "@example.org");
		assert_string_equal(found(t, to), entries[0]);
	}
	memset(to, 'u', sizeof(to));
	memcpy(to, "sip:a@", 6);
	to[6 + 253] = '\0';
	assert_string_equal(found(t, to), "none");
	route_table_free(t);
}

static void a_destination_longer_than_any_entry_still_finds_its_prefix(void **state)
{
	char                      longest[ROUTE_TO_MAX + 1], exact[ROUTE_TO_MAX + 1], longer[200];
	const char               *entries[2] = {longest, exact};
	const struct route_table *t;

	(void)state;
	memset(longest, 'x', ROUTE_TO_MAX);
	longest[ROUTE_TO_MAX] = '\0';
	memset(exact, 'x', ROUTE_TO_MAX);
	exact[0] = '=';
	exact[ROUTE_TO_MAX] = '\0';
	t = table_of(entries, 2);
	memset(longer, 'x', sizeof(longer));
	for (size_t n = 0; n <= sizeof(longer); n++) {
		const struct route_set *set = route_find(t, (struct str){longer, n});

		if (n < ROUTE_TO_MAX - 1)
			assert_null(set);
		else
			assert_string_equal(set->to, n == ROUTE_TO_MAX - 1 ? exact : longest);
	}
	route_table_free(t);
}

static void a_bad_destination_is_refused(void **state)
{
	char                long_to[ROUTE_TO_MAX + 2];
	const char         *bad[] = {"",
				     "=",
				     "+46a",
				     "=+46 70",
				     "+1234567890123456",
				     "\x1f",
				     "a\x7f",
				     long_to,
				     "sip:*@Example.org",
				     "SIP:*@a",
				     "=sip:alice@A",
				     "=sip:*@a",
				     "=*@a",
				     "*@",
				     "sip:*@a b",
				     "=@a",
				     "=a@",
				     "*@a..b"};
	struct route_edit  *e = route_edit_begin(NULL);
	struct route_target targets[ROUTE_TARGETS_MAX + 1] = {{.slot = 1}};

	(void)state;
	memset(long_to, '1', sizeof(long_to) - 1);
	long_to[sizeof(long_to) - 1] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(put_one(e, bad[i], 100, 1), -EINVAL);
	assert_int_equal(put_one(e, "+123456789012345", 100, 1), 0);
	assert_int_equal(route_edit_put(e, STR("+1"), 1, false, targets, 0), -EINVAL);
	assert_int_equal(route_edit_put(e, STR("+1"), 1, false, targets, ROUTE_TARGETS_MAX + 1),
			 -EINVAL);
	assert_int_equal(route_edit_remove(e, STR("+1"), 1), -ENOENT);
	assert_int_equal(route_edit_remove(e, STR("+123456789012345"), 101), -ENOENT);
	assert_int_equal(route_table_count(route_edit_table(e)), 1);
	route_edit_abandon(e);
}

static void routes_of_one_destination_stand_by_priority_and_have_a_limit(void **state)
{
	struct route_edit      *e = route_edit_begin(NULL);
	const struct route_set *set;

	(void)state;
	for (unsigned i = 0; i < ROUTE_CHOICES_MAX; i++)
		assert_int_equal(put_one(e, "+46", (uint16_t)(i * 7 % 16), i), 0);
	assert_int_equal(put_one(e, "+46", 100, 1), -E2BIG);
	assert_int_equal(put_one(e, "+46", 3, 77), 0); /* replaced */
	set = route_find(route_edit_table(e), STR("+4670"));
	assert_int_equal(set->count, ROUTE_CHOICES_MAX);
	for (unsigned i = 0; i < set->count; i++)
		assert_int_equal(set->choices[i]->priority, i);
	assert_int_equal(set->choices[3]->targets[0].slot, 77);
	assert_int_equal(route_edit_remove(e, STR("+46"), 3), 0);
	set = route_find(route_edit_table(e), STR("+4670"));
	assert_int_equal(set->count, ROUTE_CHOICES_MAX - 1);
	assert_int_equal(set->choices[3]->priority, 4);
	assert_int_equal(route_table_count(route_edit_table(e)), ROUTE_CHOICES_MAX - 1);
	route_edit_abandon(e);
}

/* The second opinion: a list, looked through from end to end. */
struct naive {
	char     to[ROUTE_TO_MAX + 1];
	uint16_t priority;
	uint32_t slot;
	bool     live;
};

#define NAIVE_MAX 600u

/* "sip:alice@a": the entries that lead there, the best first. */
static const struct naive *naive_find_address(const struct naive list[], struct str to)
{
	const char         *at = memchr(to.p, '@', to.n), *user = memchr(to.p, ':', to.n);
	int                 n = (int)to.n, scheme = user != NULL ? (int)(user + 1 - to.p) : 0;
	int                 domain = (int)(at - to.p);
	char                forms[4][2 * ROUTE_TO_MAX];
	const struct naive *best = NULL;

	snprintf(forms[0], sizeof(forms[0]), "=%.*s", n, to.p);
	snprintf(forms[1], sizeof(forms[1]), "=%.*s", n - scheme, to.p + scheme);
	snprintf(forms[2], sizeof(forms[2]), "%.*s*%.*s", scheme, to.p, n - domain, at);
	snprintf(forms[3], sizeof(forms[3]), "*%.*s", n - domain, at);
	for (unsigned f = 0; f < 4 && best == NULL; f++)
		for (unsigned i = 0; i < NAIVE_MAX; i++)
			if (list[i].live && strcmp(list[i].to, forms[f]) == 0 &&
			    (best == NULL || list[i].priority < best->priority))
				best = &list[i];
	return best;
}

static const struct naive *naive_find(const struct naive list[], struct str to)
{
	const struct naive *best = NULL;

	if (memchr(to.p, '@', to.n) != NULL)
		return naive_find_address(list, to);

	for (unsigned i = 0; i < NAIVE_MAX; i++) {
		const struct naive *n = &list[i];
		struct str          entry = str_of(n->to);
		struct str          of_best = best != NULL ? str_of(best->to) : STR("");
		bool                best_exact = best != NULL && best->to[0] == '=';

		if (!n->live)
			continue;
		if (n->to[0] == '=' ? !str_eq(str_skip(entry, 1), to) : !str_starts(to, entry))
			continue;
		if (best == NULL || (n->to[0] == '=' && !best_exact) ||
		    (n->to[0] != '=' && !best_exact && entry.n > of_best.n) ||
		    (str_eq(entry, of_best) && n->priority < best->priority))
			best = n;
	}
	return best;
}

static struct naive *naive_get(struct naive list[], const char *to, uint16_t priority)
{
	for (unsigned i = 0; i < NAIVE_MAX; i++)
		if (list[i].live && list[i].priority == priority && strcmp(list[i].to, to) == 0)
			return &list[i];
	return NULL;
}

/* Few symbols and all lengths, so that entries are each other's prefixes, split labels, and chains
 * come and go. */
static void random_number(struct random *r, char room[ROUTE_TO_MAX])
{
	static const char *const alphabets[] = {"01", "0123456789", "0",
						"aB", "+0a",        "0000000000000001"};
	const char              *alphabet = alphabets[random_below(r, 6)];
	bool                     plus = random_below(r, 3) == 0;
	unsigned                 n = 1 + random_below(r, random_below(r, 4) == 0 ? 60 : 12);

	if (plus) {
		alphabet = alphabets[random_below(r, 3)];
		n = 1 + n % 15;
	}
	if (alphabet[0] == '+')
		alphabet++;
	for (unsigned i = 0; i < n; i++)
		room[i] = alphabet[random_below(r, (uint32_t)strlen(alphabet))];
	if (plus)
		room[0] = '+';
	room[n] = '\0';
}

/* As it is written in a route, or as it stands in a message. */
static void random_address(struct random *r, char room[ROUTE_TO_MAX], bool written)
{
	static const char *const schemes[] = {"sip:", "", "x:"}, *const users[] = {"a", "ab", "7"},
				 *const domains[] = {"a", "b", "a.b"};
	bool                            all = written && random_below(r, 2) == 0;

	snprintf(room, ROUTE_TO_MAX, "%s%s%s@%s", written && !all ? "=" : "",
		 schemes[random_below(r, 3)], all ? "*" : users[random_below(r, 3)],
		 domains[random_below(r, 3)]);
}

static void random_operation(struct random *r, struct naive list[], struct route_edit *e)
{
	struct naive *n = &list[random_below(r, NAIVE_MAX)], *same;
	char          to[ROUTE_TO_MAX + 1];

	if (n->live) {
		assert_int_equal(route_edit_remove(e, str_of(n->to), n->priority), 0);
		assert_int_equal(route_edit_remove(e, str_of(n->to), n->priority), -ENOENT);
		n->live = false;
		return;
	}
	to[0] = '=';
	random_number(r, to + 1);
	memmove(n->to, to + random_below(r, 2), sizeof(to) - 1);
	if (random_below(r, 4) == 0)
		random_address(r, n->to, true);
	n->priority = (uint16_t)random_below(r, 3);
	n->slot = (uint32_t)random_next(r);
	same = naive_get(list, n->to, n->priority);
	assert_int_equal(put_one(e, n->to, n->priority, n->slot), 0);
	if (same != NULL)
		same->slot = n->slot;
	else
		n->live = true;
}

static void check_against(const struct naive list[], const struct route_table *t, struct random *r)
{
	char                    to[40][ROUTE_TO_MAX + 1];
	struct str              strs[40];
	const struct route_set *sets[40];
	unsigned                n = 1 + random_below(r, 40);

	for (unsigned i = 0; i < n; i++) {
		const struct naive *near = &list[random_below(r, NAIVE_MAX)];

		random_number(r, to[i]);
		if (random_below(r, 2) == 0)
			strcpy(to[i], near->to + (near->to[0] == '='));
		if (random_below(r, 4) == 0)
			strncat(to[i], "0", sizeof(to[i]) - strlen(to[i]) - 1);
		if (memchr(to[i], '@', strlen(to[i])) != NULL || random_below(r, 4) == 0)
			random_address(r, to[i], false);
		strs[i] = str_of(to[i]);
	}
	route_find_burst(t, strs, n, sets);
	for (unsigned i = 0; i < n; i++) {
		const struct naive *want = naive_find(list, strs[i]);

		assert_ptr_equal(sets[i], route_find(t, strs[i]));
		assert_int_equal(sets[i] != NULL, want != NULL);
		if (want == NULL)
			continue;
		assert_string_equal(sets[i]->to, want->to);
		assert_int_equal(sets[i]->choices[0]->priority, want->priority);
		assert_int_equal(sets[i]->choices[0]->targets[0].slot, want->slot);
	}
}

static void random_changes_agree_with_a_plain_list(void **state)
{
	static struct naive       list[NAIVE_MAX], before[NAIVE_MAX];
	const struct route_table *t = NULL;
	struct random             r;
	unsigned                  operations = 0, live = 0;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	while (operations < 100000) {
		struct route_edit *e = route_edit_begin(t);
		unsigned           n = 1 + random_below(&r, random_below(&r, 10) == 0 ? 400 : 4);

		memcpy(before, list, sizeof(list));
		for (unsigned i = 0; i < n; i++)
			random_operation(&r, list, e);
		operations += n;
		check_against(list, route_edit_table(e), &r);
		check_against(before, t, &r); /* the older version says what it said */
		if (random_below(&r, 5) == 0) {
			memcpy(list, before, sizeof(list));
			route_edit_abandon(e);
			check_against(list, t, &r);
		} else {
			t = route_edit_table(e);
			route_edit_reclaim(e);
		}
	}
	for (unsigned i = 0; i < NAIVE_MAX; i++)
		live += list[i].live;
	assert_int_equal(route_table_count(t), live);
	route_table_free(t);
}

#define VERSIONS 40u

static void versions_stand_while_older_ones_are_reclaimed_in_any_order(void **state)
{
	static struct naive       lists[VERSIONS + 1][NAIVE_MAX];
	struct route_edit        *edits[VERSIONS];
	const struct route_table *tables[VERSIONS + 1] = {NULL};
	bool                      gone[VERSIONS] = {false};
	struct random             r;

	(void)state;
	random_seed(&r, SEED + 1);
	for (unsigned v = 0; v < VERSIONS; v++) {
		memcpy(lists[v + 1], lists[v], sizeof(lists[v]));
		edits[v] = route_edit_begin(tables[v]);
		for (unsigned i = 0; i < 100; i++)
			random_operation(&r, lists[v + 1], edits[v]);
		tables[v + 1] = route_edit_table(edits[v]);
	}
	for (unsigned left = VERSIONS, oldest = 0; left > 0;) {
		unsigned v = random_below(&r, VERSIONS);

		if (gone[v])
			continue;
		route_edit_reclaim(edits[v]); /* nobody reads version v or an older one now */
		gone[v] = true;
		left--;
		oldest = v + 1 > oldest ? v + 1 : oldest;
		for (unsigned k = oldest; k <= VERSIONS; k++)
			check_against(lists[k], tables[k], &r);
	}
	route_table_free(tables[VERSIONS]);
}

static bool count_set(void *user, const struct route_set *set)
{
	unsigned *left = user;

	assert_non_null(set->to);
	return --*left > 0;
}

static void every_set_is_visited_until_told_to_stop(void **state)
{
	static const char *const  entries[] = {"+46", "+4670", "=+4670", "+4671", "=7", "x"};
	const struct route_table *t = table_of(entries, 6);
	unsigned                  left = 100;

	(void)state;
	assert_true(route_table_each(t, count_set, &left));
	assert_int_equal(left, 94);
	left = 3;
	assert_false(route_table_each(t, count_set, &left));
	assert_int_equal(left, 0);
	assert_true(route_table_each(NULL, count_set, &left));
	route_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exact_entry_wins_then_the_longest_prefix),
		cmocka_unit_test(
			an_address_finds_itself_then_its_domain_each_with_its_scheme_first),
		cmocka_unit_test(a_domain_of_xmpp_alone_finds_itself_then_the_routes_of_its_users),
		cmocka_unit_test(users_are_found_whatever_their_scheme_lets_them_have),
		cmocka_unit_test(a_long_address_finds_its_domain),
		cmocka_unit_test(a_destination_longer_than_any_entry_still_finds_its_prefix),
		cmocka_unit_test(a_bad_destination_is_refused),
		cmocka_unit_test(routes_of_one_destination_stand_by_priority_and_have_a_limit),
		cmocka_unit_test(random_changes_agree_with_a_plain_list),
		cmocka_unit_test(versions_stand_while_older_ones_are_reclaimed_in_any_order),
		cmocka_unit_test(every_set_is_visited_until_told_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
