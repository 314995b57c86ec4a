/*
 * The path of a message. Patterns set bits; the bits call for the rules that could hold; these are
 * tried in order. What a message costs beyond Hyperscan grows with what it matches, not with the
 * number of rules.
 */
#include "base/assert.h"
#include "base/hash.h"
#include "rules/set.h"

struct set_account *set_account_place(const struct rules *r, struct str name)
{
	static const struct hash_key key = {0x6163636f756e7473, 0};
	uint32_t at = (uint32_t)hash_sip(&key, name.p, name.n) & (r->account_room - 1);

	/* At most half full, so the search ends. */
	while (r->accounts[at].name.p != NULL && !str_eq(r->accounts[at].name, name))
		at = (at + 1) & (r->account_room - 1);
	return &r->accounts[at];
}

static inline void set_bit(struct scratch *s, uint32_t bit)
{
	uint64_t mask = 1ull << bit % 64;

	if (bit >= s->bit_count || (s->bits[bit / 64] & mask) != 0)
		return;
	s->bits[bit / 64] |= mask;
	s->touched[s->touched_count++] = bit;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *context)
{
	set_bit(context, id);
	return 0;
}

static inline void scan_field(const hs_database_t *db, struct scratch *s, struct str field)
{
	hs_error_t err;

	if (db == NULL || field.n == 0) /* no pattern matches where nothing is */
		return;
	err = hs_scan(db, field.p, (unsigned)field.n, 0, s->hs, on_match, s);
	ASSERT(err == HS_SUCCESS);
}

static inline bool fact_holds(const struct image_fact *f, const struct rules_input *in)
{
	if (f->field == RULES_FIELD_SIZE)
		return in->size >= f->low && in->size <= f->high;
	if (f->field == RULES_FIELD_PARTS)
		return in->parts >= f->low && in->parts <= f->high;
	if (f->field == RULES_FIELD_CONTENT)
		return in->content < 32 && (f->low >> in->content & 1) != 0;
	if (f->field == RULES_FIELD_IDENTITY)
		return in->identity < 32 && (f->low >> in->identity & 1) != 0;
	return (f->low & (f->field == RULES_FIELD_DEVICE ? in->device : in->reached)) != 0;
}

static bool holds(const struct rules *r, const struct set_rule *rule, const uint64_t *bits)
{
	const struct set_test *tests = r->tests + rule->test_first;
	unsigned               at = rule->test_count > 0 ? 0 : IMAGE_NEXT_HOLDS;

	while (at < IMAGE_NEXT_FAILS)
		at = (bits[tests[at].bit / 64] >> tests[at].bit % 64 & 1) != 0
			     ? tests[at].next_if_set
			     : tests[at].next_if_not;
	return at == IMAGE_NEXT_HOLDS;
}

/* Returns true when it ends the rules. */
static bool act(const struct set_action *a, struct rules_verdict *v)
{
	switch ((enum action)a->action) {
	case ACTION_reject:
		v->outcome = RULES_REJECT;
		v->why = (enum reason)a->argument;
		return true;
	case ACTION_drop:
		v->outcome = RULES_DROP;
		return true;
	case ACTION_route:
		v->outcome = RULES_ROUTE;
		v->route = a->argument;
		return true;
	case ACTION_tag:
		v->tags |= (uint16_t)(1u << a->argument);
		return false;
	case ACTION_rewrite_from:
		v->from = a->text;
		return false;
	case ACTION_rewrite_to:
		v->to = a->text;
		return false;
	case ACTION_limit:
		if (v->limit_count < RULES_LIMITS_MAX) {
			v->limits[v->limit_count++] = a->argument;
			return false;
		}
		v->outcome = RULES_REJECT; /* one limit too many to be kept must not let it pass */
		v->why = REASON_RULE_LIMIT;
		return true;
	case ACTION_COUNT:
		break;
	}
	return false;
}

/* Returns true when the rule holds and ends the rules. */
static bool try_rule(const struct rules *r, struct scratch *s, uint32_t number,
		     struct rules_verdict *v)
{
	const struct set_rule *rule = &r->rules[number];

	if (!holds(r, rule, s->bits))
		return false;
	v->hit = true;
	/* Relaxed: one writer; pairs with the load in rules_hits(). */
	__atomic_store_n(&s->hits[number], s->hits[number] + 1, __ATOMIC_RELAXED);
	for (unsigned a = 0; a < rule->action_count; a++) {
		if (act(&r->actions[rule->action_first + a], v)) {
			v->rule = number;
			return true;
		}
	}
	return false;
}

static void call_rules(const struct rules *r, struct scratch *s)
{
	for (uint32_t t = 0; t < s->touched_count; t++) {
		uint32_t bit = s->touched[t];

		for (uint32_t c = r->called_first[bit]; c < r->called_first[bit + 1]; c++) {
			uint32_t rule = r->called[c];

			s->candidates.words[rule / 64] |= 1ull << rule % 64;
			s->candidates.summary[rule / 4096] |= 1ull << rule / 64 % 64;
		}
	}
}

static void try_candidates(const struct rules *r, struct scratch *s, struct rules_verdict *v)
{
	for (uint32_t i = 0; i < r->summary_count; i++) {
		uint64_t words = s->candidates.summary[i] | r->always.summary[i];

		for (; words != 0; words &= words - 1) {
			uint32_t w = i * 64 + (uint32_t)__builtin_ctzll(words);
			uint64_t rules = s->candidates.words[w] | r->always.words[w];

			for (; rules != 0; rules &= rules - 1)
				if (try_rule(r, s, w * 64 + (uint32_t)__builtin_ctzll(rules), v))
					return;
		}
	}
}

static void clear(const struct rules *r, struct scratch *s)
{
	for (uint32_t t = 0; t < s->touched_count; t++)
		s->bits[s->touched[t] / 64] = 0;
	s->touched_count = 0;
	for (uint32_t i = 0; i < r->summary_count; i++) {
		uint64_t words = s->candidates.summary[i];

		for (; words != 0; words &= words - 1)
			s->candidates.words[i * 64 + (uint32_t)__builtin_ctzll(words)] = 0;
		s->candidates.summary[i] = 0;
	}
}

void rules_scan(const struct rules *r, unsigned scratch, const struct rules_input *input,
		struct rules_verdict *verdict)
{
	struct scratch *s = &r->scratches[scratch];

	ASSERT_HOT(scratch < r->scratch_count && s->touched_count == 0);
	*verdict = (struct rules_verdict){.outcome = RULES_PASS, .rule = UINT32_MAX};
	scan_field(r->from, s, input->from);
	scan_field(r->to, s, input->to);
	scan_field(r->text, s, input->text);
	if (r->accounts != NULL) {
		const struct set_account *account = set_account_place(r, input->account);

		if (account->name.p != NULL)
			set_bit(s, account->bit);
	}
	for (uint32_t i = 0; i < r->fact_count; i++)
		if (fact_holds(&r->facts[i], input))
			set_bit(s, r->facts[i].bit);
	if (s->touched_count == 0 && !r->always_any)
		return;
	call_rules(r, s);
	try_candidates(r, s, verdict);
	clear(r, s);
}
