/*
 * A condition tree laid out as tests, and its triggers chosen. Negation needs no test of its own:
 * it exchanges where a test goes next. The layout is by position: a part takes as many tests as it
 * has bits, so where each part begins is known before it is written.
 */
#include "base/assert.h"
#include "rules/language.h"

/* How often a bit of the field may be set, as a guess: words of a text are rare, parties, accounts
 * and what else a message is are not. */
#define COST_TEXT 1u
#define COST_OTHER 100u
#define COST_NONE UINT64_MAX /* no triggers: can hold with no bit set */

struct layout {
	struct language *l;
	uint32_t         start; /* of the rule's tests in the table */
};

static void lay(struct layout *y, uint32_t node, uint32_t at, uint32_t holds, uint32_t fails)
{
	const struct node *n = &y->l->nodes[node];
	struct image_test *test;

	switch ((enum node_kind)n->kind) {
	case NODE_BIT:
		test = &image_items(&y->l->image, test)[y->start + at];
		*test = (struct image_test){n->bit, holds, fails};
		return;
	case NODE_NOT:
		lay(y, n->first, at, fails, holds);
		return;
	case NODE_ALL:
	case NODE_ANY:
		for (uint32_t c = n->first; c != NODE_NONE; c = y->l->nodes[c].next) {
			uint32_t after = at + y->l->nodes[c].tests;
			bool     last = y->l->nodes[c].next == NODE_NONE;

			if (n->kind == NODE_ALL)
				lay(y, c, at, last ? holds : after, fails);
			else
				lay(y, c, at, holds, last ? fails : after);
			at = after;
		}
		return;
	}
}

static uint64_t cost(const struct language *l, uint32_t node, bool negated);

/* Of the children: the least of them, or all together. */
static uint64_t cost_of_children(const struct language *l, const struct node *n, bool negated,
				 bool least, uint32_t *best)
{
	uint64_t total = least ? COST_NONE : 0;

	for (uint32_t c = n->first; c != NODE_NONE; c = l->nodes[c].next) {
		uint64_t one = cost(l, c, negated);

		if (least && one < total) {
			total = one;
			*best = c;
		} else if (!least) {
			total = one == COST_NONE || total == COST_NONE ? COST_NONE : total + one;
		}
	}
	return total;
}

static bool needs_all(const struct node *n, bool negated)
{
	return (n->kind == NODE_ALL) != negated;
}

static uint64_t cost(const struct language *l, uint32_t node, bool negated)
{
	const struct node *n = &l->nodes[node];
	uint32_t           best = NODE_NONE;

	if (n->kind == NODE_NOT)
		return cost(l, n->first, !negated);
	if (n->kind == NODE_BIT && negated)
		return COST_NONE;
	if (n->kind == NODE_BIT)
		return n->field == RULES_FIELD_TEXT ? COST_TEXT : COST_OTHER;
	return cost_of_children(l, n, negated, needs_all(n, negated), &best);
}

static void add_triggers(struct language *l, uint32_t node, bool negated, uint32_t *count)
{
	const struct node    *n = &l->nodes[node];
	uint32_t              best = NODE_NONE;
	struct image_trigger *trigger;

	if (n->kind == NODE_BIT) {
		ASSERT(!negated);
		trigger = image_add(&l->image, IMAGE_trigger);
		if (trigger != NULL)
			trigger->bit = n->bit;
		(*count)++;
	} else if (n->kind == NODE_NOT) {
		add_triggers(l, n->first, !negated, count);
	} else if (needs_all(n, negated)) {
		cost_of_children(l, n, negated, true, &best);
		add_triggers(l, best, negated, count);
	} else {
		for (uint32_t c = n->first; c != NODE_NONE; c = l->nodes[c].next)
			add_triggers(l, c, negated, count);
	}
}

void program_add(struct language *l, uint32_t root, struct image_rule *rule)
{
	struct layout y = {l, image_count(&l->image, test)};

	rule->test_count = l->nodes[root].tests;
	for (uint32_t i = 0; i < rule->test_count; i++)
		if (image_add(&l->image, IMAGE_test) == NULL)
			return;
	if (rule->test_count == 0)
		return;
	lay(&y, root, 0, IMAGE_NEXT_HOLDS, IMAGE_NEXT_FAILS);
	if (cost(l, root, false) != COST_NONE)
		add_triggers(l, root, false, &rule->trigger_count);
}
