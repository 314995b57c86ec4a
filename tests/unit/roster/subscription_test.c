/*
 * The tables of RFC 6121, appendix A, as they stand there: a row a state, in the order of the RFC:
 * is it routed or delivered, and the state that follows ("" where it says "no state change").
 */
#include "test.h"

#include <stdio.h>

#include "roster/subscription.h"

static const char *const names[ROSTER_STATE_COUNT] = {
	[ROSTER_NONE] = "None",
	[ROSTER_NONE_OUT] = "None + Pending Out",
	[ROSTER_NONE_IN] = "None + Pending In",
	[ROSTER_NONE_OUT_IN] = "None + Pending Out+In",
	[ROSTER_TO] = "To",
	[ROSTER_TO_IN] = "To + Pending In",
	[ROSTER_FROM] = "From",
	[ROSTER_FROM_OUT] = "From + Pending Out",
	[ROSTER_BOTH] = "Both",
};

struct row {
	const char *from;
	bool        passes;
	const char *to;
};

struct table {
	enum roster_direction direction;
	enum roster_presence  type;
	struct row            rows[ROSTER_STATE_COUNT];
};

static const struct table tables[] = {
	{ROSTER_OUT,
	 ROSTER_SUBSCRIBE,
	 {{"None", true, "None + Pending Out"},
	  {"None + Pending Out", true, ""},
	  {"None + Pending In", true, "None + Pending Out+In"},
	  {"None + Pending Out+In", true, ""},
	  {"To", true, ""},
	  {"To + Pending In", true, ""},
	  {"From", true, "From + Pending Out"},
	  {"From + Pending Out", true, ""},
	  {"Both", true, ""}}},
	{ROSTER_OUT,
	 ROSTER_UNSUBSCRIBE,
	 {{"None", true, ""},
	  {"None + Pending Out", true, "None"},
	  {"None + Pending In", true, ""},
	  {"None + Pending Out+In", true, "None + Pending In"},
	  {"To", true, "None"},
	  {"To + Pending In", true, "None + Pending In"},
	  {"From", true, ""},
	  {"From + Pending Out", true, "From"},
	  {"Both", true, "From"}}},
	{ROSTER_OUT,
	 ROSTER_SUBSCRIBED,
	 {{"None", false, ""},
	  {"None + Pending Out", false, ""},
	  {"None + Pending In", true, "From"},
	  {"None + Pending Out+In", true, "From + Pending Out"},
	  {"To", false, ""},
	  {"To + Pending In", true, "Both"},
	  {"From", false, ""},
	  {"From + Pending Out", false, ""},
	  {"Both", false, ""}}},
	{ROSTER_OUT,
	 ROSTER_UNSUBSCRIBED,
	 {{"None", false, ""},
	  {"None + Pending Out", false, ""},
	  {"None + Pending In", true, "None"},
	  {"None + Pending Out+In", true, "None + Pending Out"},
	  {"To", false, ""},
	  {"To + Pending In", true, "To"},
	  {"From", true, "None"},
	  {"From + Pending Out", true, "None + Pending Out"},
	  {"Both", true, "To"}}},
	{ROSTER_IN,
	 ROSTER_SUBSCRIBE,
	 {{"None", true, "None + Pending In"},
	  {"None + Pending Out", true, "None + Pending Out+In"},
	  {"None + Pending In", false, ""},
	  {"None + Pending Out+In", false, ""},
	  {"To", true, "To + Pending In"},
	  {"To + Pending In", false, ""},
	  {"From", false, ""},
	  {"From + Pending Out", false, ""},
	  {"Both", false, ""}}},
	{ROSTER_IN,
	 ROSTER_UNSUBSCRIBE,
	 {{"None", false, ""},
	  {"None + Pending Out", false, ""},
	  {"None + Pending In", true, "None"},
	  {"None + Pending Out+In", true, "None + Pending Out"},
	  {"To", false, ""},
	  {"To + Pending In", true, "To"},
	  {"From", true, "None"},
	  {"From + Pending Out", true, "None + Pending Out"},
	  {"Both", true, "To"}}},
	{ROSTER_IN,
	 ROSTER_SUBSCRIBED,
	 {{"None", false, ""},
	  {"None + Pending Out", true, "To"},
	  {"None + Pending In", false, ""},
	  {"None + Pending Out+In", true, "To + Pending In"},
	  {"To", false, ""},
	  {"To + Pending In", false, ""},
	  {"From", false, ""},
	  {"From + Pending Out", true, "Both"},
	  {"Both", false, ""}}},
	{ROSTER_IN,
	 ROSTER_UNSUBSCRIBED,
	 {{"None", false, ""},
	  {"None + Pending Out", true, "None"},
	  {"None + Pending In", false, ""},
	  {"None + Pending Out+In", true, "None + Pending In"},
	  {"To", true, "None"},
	  {"To + Pending In", true, "None + Pending In"},
	  {"From", false, ""},
	  {"From + Pending Out", true, "From"},
	  {"Both", true, "From"}}},
};

static void every_cell_is_that_of_the_rfc(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (unsigned i = 0; i < ROSTER_STATE_COUNT; i++) {
			const struct row  *row = &tables[t].rows[i];
			struct roster_step step = roster_step(tables[t].direction, tables[t].type,
							      (enum roster_state)i, false);

			assert_string_equal(row->from, names[i]);
			assert_string_equal(names[step.state],
					    row->to[0] != '\0' ? row->to : row->from);
			assert_int_equal(step.passes, row->passes);
		}
	}
}

static void all_types_are_asked_about_both_ways(void **state)
{
	unsigned seen[ROSTER_DIRECTION_COUNT][ROSTER_SUBSCRIPTION_TYPES] = {{0}};

	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		seen[tables[t].direction][tables[t].type]++;
	for (unsigned d = 0; d < ROSTER_DIRECTION_COUNT; d++)
		for (unsigned t = 0; t < ROSTER_SUBSCRIPTION_TYPES; t++)
			assert_int_equal(seen[d][t], 1);
}

/* A.3.1, note 1: who is let in already is told so again, by the server alone. */
static void a_request_of_who_is_let_in_is_answered_and_nothing_else_is(void **state)
{
	(void)state;
	for (unsigned d = 0; d < ROSTER_DIRECTION_COUNT; d++) {
		for (unsigned t = 0; t < ROSTER_SUBSCRIPTION_TYPES; t++) {
			for (unsigned s = 0; s < ROSTER_STATE_COUNT; s++) {
				struct roster_step step = roster_step(d, t, s, false);
				bool               in = s == ROSTER_FROM || s == ROSTER_FROM_OUT ||
					  s == ROSTER_BOTH;

				assert_int_equal(step.answers,
						 d == ROSTER_IN && t == ROSTER_SUBSCRIBE && in);
				assert_false(step.answers && step.passes);
			}
		}
	}
}

/* RFC 6121, 3.4. */
static void who_was_let_in_before_asking_is_never_shown(void **state)
{
	static const enum roster_state then[ROSTER_STATE_COUNT] = {
		[ROSTER_NONE] = ROSTER_FROM,       [ROSTER_NONE_OUT] = ROSTER_FROM_OUT,
		[ROSTER_NONE_IN] = ROSTER_NONE_IN, [ROSTER_NONE_OUT_IN] = ROSTER_NONE_OUT_IN,
		[ROSTER_TO] = ROSTER_BOTH,         [ROSTER_TO_IN] = ROSTER_TO_IN,
		[ROSTER_FROM] = ROSTER_FROM,       [ROSTER_FROM_OUT] = ROSTER_FROM_OUT,
		[ROSTER_BOTH] = ROSTER_BOTH,
	};

	(void)state;
	for (unsigned s = 0; s < ROSTER_STATE_COUNT; s++) {
		struct roster_step step = roster_step(ROSTER_IN, ROSTER_SUBSCRIBE, s, true);

		assert_int_equal(step.state, then[s]);
		assert_false(step.passes);
		assert_int_equal(step.answers, !roster_pending_in(s));
	}
	assert_true(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBED, ROSTER_NONE, false).approves);
	assert_true(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBED, ROSTER_NONE_OUT, false).approves);
	assert_true(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBED, ROSTER_TO, false).approves);
	assert_false(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBED, ROSTER_NONE_IN, false).approves);
	assert_false(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBED, ROSTER_FROM, false).approves);
	assert_false(roster_step(ROSTER_OUT, ROSTER_SUBSCRIBE, ROSTER_NONE, false).approves);
}

/*
 * Two servers of ours, each with its own side of one relation: whatever the two users do, what one
 * says "from" about is what the other says "to" about, once all that is routed has arrived.
 */
static void both_sides_agree_whatever_their_users_do(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 8 * 8 * 8 * 8 * 8; seed++) {
		enum roster_state side[2] = {ROSTER_NONE, ROSTER_NONE};
		unsigned          moves = seed;

		for (unsigned i = 0; i < 5; i++, moves /= 8) {
			unsigned             who = moves & 1;
			enum roster_presence type = (moves >> 1) & 3;
			struct roster_step   out = roster_step(ROSTER_OUT, type, side[who], false);
			struct roster_step   in;

			side[who] = out.state;
			if (!out.passes)
				continue;
			in = roster_step(ROSTER_IN, type, side[!who], false);
			side[!who] = in.state;
			if (in.answers)
				side[who] =
					roster_step(ROSTER_IN, ROSTER_SUBSCRIBED, side[who], false)
						.state;
		}
		for (unsigned who = 0; who < 2; who++) {
			enum roster_subscription mine = roster_subscription_of(side[who]);
			enum roster_subscription its = roster_subscription_of(side[!who]);
			bool                     to =
				mine == ROSTER_SUBSCRIPTION_TO || mine == ROSTER_SUBSCRIPTION_BOTH;
			bool from =
				its == ROSTER_SUBSCRIPTION_FROM || its == ROSTER_SUBSCRIPTION_BOTH;

			if (to != from ||
			    roster_pending_out(side[who]) != roster_pending_in(side[!who]))
				fail_msg("moves %u: %s and %s", seed, names[side[0]],
					 names[side[1]]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_that_of_the_rfc),
		cmocka_unit_test(all_types_are_asked_about_both_ways),
		cmocka_unit_test(a_request_of_who_is_let_in_is_answered_and_nothing_else_is),
		cmocka_unit_test(who_was_let_in_before_asking_is_never_shown),
		cmocka_unit_test(both_sides_agree_whatever_their_users_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
