#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rules/set.h"

#define WORDS(bits) (((bits) + 63u) / 64u)

/* Parts that follow each other: takes the next `count` of at most `total`. */
static bool take(uint32_t *at, uint32_t count, uint32_t total)
{
	if (count > total - *at)
		return false;
	*at += count;
	return true;
}

static bool load_tests(struct rules *r, uint32_t rule, uint32_t bit_count)
{
	const struct set_rule   *s = &r->rules[rule];
	const struct image_test *from = image_items(&r->image, test) + s->test_first;
	struct set_test         *to = r->tests + s->test_first;

	for (uint32_t i = 0; i < s->test_count; i++) {
		const uint32_t next[2] = {from[i].next_if_set, from[i].next_if_not};

		for (unsigned n = 0; n < 2; n++) /* forward only: so every evaluation ends */
			if (next[n] != IMAGE_NEXT_HOLDS && next[n] != IMAGE_NEXT_FAILS &&
			    (next[n] <= i || next[n] >= s->test_count))
				return false;
		if (from[i].bit >= bit_count)
			return false;
		to[i] = (struct set_test){from[i].bit, (uint16_t)next[0], (uint16_t)next[1]};
	}
	return true;
}

/* Is the argument of the action one that the scan and the readers of the verdict may use? */
static bool load_action(struct rules *r, uint32_t number)
{
	const struct image_action *from = &image_items(&r->image, action)[number];
	struct set_action         *to = &r->actions[number];

	if (from->action >= ACTION_COUNT)
		return false;
	*to = (struct set_action){from->action, from->argument, {NULL, 0}};
	switch ((enum action)from->action) {
	case ACTION_reject:
		return from->argument < REASON_COUNT;
	case ACTION_drop:
		return true;
	case ACTION_route:
		return from->argument < image_count(&r->image, route);
	case ACTION_tag:
		return from->argument < image_count(&r->image, tag);
	case ACTION_limit:
		return from->argument < image_count(&r->image, limit);
	case ACTION_rewrite_from:
	case ACTION_rewrite_to:
		if (from->argument >= r->image.names_size)
			return false;
		to->text = str_of(image_name_at(&r->image, from->argument));
		return true;
	case ACTION_COUNT:
		break;
	}
	return false;
}

static bool load_rules(struct rules *r)
{
	const struct image_rule *from = image_items(&r->image, rule);
	uint32_t                 tests = 0, actions = 0, triggers = 0;

	for (uint32_t i = 0; i < r->rule_count; i++) {
		r->rules[i] = (struct set_rule){tests, actions, (uint16_t)from[i].test_count,
						(uint16_t)from[i].action_count};
		if (from[i].test_count > IMAGE_TESTS_MAX || from[i].action_count > UINT16_MAX ||
		    from[i].name >= r->image.names_size ||
		    !take(&tests, from[i].test_count, image_count(&r->image, test)) ||
		    !take(&actions, from[i].action_count, image_count(&r->image, action)) ||
		    !take(&triggers, from[i].trigger_count, image_count(&r->image, trigger)) ||
		    !load_tests(r, i, r->bit_count))
			return false;
	}
	for (uint32_t a = 0; a < actions; a++)
		if (!load_action(r, a))
			return false;
	return tests == image_count(&r->image, test) && actions == image_count(&r->image, action) &&
	       triggers == image_count(&r->image, trigger);
}

static void mark(struct set_candidates *c, uint32_t rule)
{
	c->words[rule / 64] |= 1ull << rule % 64;
	c->summary[rule / 4096] |= 1ull << rule / 64 % 64;
}

/* From each bit to the rules that it calls for; the rules that nothing calls for are tried always.
 */
static bool load_triggers(struct rules *r)
{
	const struct image_rule    *rule = image_items(&r->image, rule);
	const struct image_trigger *trigger = image_items(&r->image, trigger);
	uint32_t                    count = image_count(&r->image, trigger), at = 0;

	for (uint32_t t = 0; t < count; t++) {
		if (trigger[t].bit >= r->bit_count)
			return false;
		r->called_first[trigger[t].bit + 1]++;
	}
	for (uint32_t b = 0; b < r->bit_count; b++)
		r->called_first[b + 1] += r->called_first[b];
	for (uint32_t i = 0; i < r->rule_count; i++) {
		if (rule[i].trigger_count == 0) {
			mark(&r->always, i);
			r->always_any = true;
		}
		for (uint32_t t = 0; t < rule[i].trigger_count; t++)
			r->called[r->called_first[trigger[at++].bit]++] = i;
	}
	for (uint32_t b = r->bit_count; b > 0; b--) /* each had moved to the start of the next */
		r->called_first[b] = r->called_first[b - 1];
	r->called_first[0] = 0;
	return true;
}

static bool load_accounts(struct rules *r)
{
	const struct image_account *from = image_items(&r->image, account);
	uint32_t                    count = image_count(&r->image, account), room = 16;

	if (count == 0)
		return true;
	while (room < count * 2)
		room *= 2;
	r->accounts = calloc(room, sizeof(*r->accounts));
	if (r->accounts == NULL)
		return false;
	r->account_room = room;
	r->fields |= RULES_FIELD_ACCOUNT;
	for (uint32_t i = 0; i < count; i++) {
		struct str name;

		if (from[i].name >= r->image.names_size || from[i].bit >= r->bit_count)
			return false;
		name = str_of(image_name_at(&r->image, from[i].name));
		*set_account_place(r, name) = (struct set_account){name, from[i].bit};
	}
	return true;
}

static bool load_facts(struct rules *r)
{
	static const unsigned fields[] = {RULES_FIELD_SIZE,    RULES_FIELD_PARTS,
					  RULES_FIELD_CONTENT, RULES_FIELD_REACHED,
					  RULES_FIELD_DEVICE,  RULES_FIELD_IDENTITY};

	r->facts = image_items(&r->image, fact);
	r->fact_count = image_count(&r->image, fact);
	for (uint32_t i = 0; i < r->fact_count; i++) {
		unsigned f = 0;

		while (f < sizeof(fields) / sizeof(fields[0]) && fields[f] != r->facts[i].field)
			f++;
		if (f == sizeof(fields) / sizeof(fields[0]) || r->facts[i].bit >= r->bit_count)
			return false;
		r->fields |= r->facts[i].field;
	}
	return true;
}

static bool load_names(struct rules *r)
{
	const struct image_tag    *tag = image_items(&r->image, tag);
	const struct image_limit  *limit = image_items(&r->image, limit);
	const struct image_route  *route = image_items(&r->image, route);
	const struct image_target *target = image_items(&r->image, target);
	uint32_t                   targets = 0;

	for (uint32_t i = 0; i < image_count(&r->image, tag); i++)
		if (tag[i].name >= r->image.names_size)
			return false;
	for (uint32_t i = 0; i < image_count(&r->image, limit); i++)
		if (limit[i].name >= r->image.names_size)
			return false;
	for (uint32_t i = 0; i < image_count(&r->image, target); i++)
		if (target[i].name >= r->image.names_size)
			return false;
	for (uint32_t i = 0; i < image_count(&r->image, route); i++) {
		r->target_first[i] = targets;
		if (route[i].target_count > RULES_TARGETS_MAX ||
		    !take(&targets, route[i].target_count, image_count(&r->image, target)))
			return false;
		r->target_first[i + 1] = targets;
	}
	return targets == image_count(&r->image, target);
}

static bool load_database(struct rules *r, uint32_t number, char error[256])
{
	uint32_t        field = image_items(&r->image, database)[number].field;
	struct cur      bytes = r->image.databases[number];
	hs_database_t **db = field == RULES_FIELD_FROM   ? &r->from
			     : field == RULES_FIELD_TO   ? &r->to
			     : field == RULES_FIELD_TEXT ? &r->text
							 : NULL;
	hs_error_t      err;

	if (db == NULL || *db != NULL)
		return false;
	err = hs_deserialize_database((const char *)bytes.p, cur_left(&bytes), db);
	if (err != HS_SUCCESS) {
		*db = NULL;
		snprintf(error, 256,
			 "Hyperscan refuses a database of the rules (error %d); compile them again",
			 err);
		return false;
	}
	r->fields |= field;
	return true;
}

static bool candidates_new(struct set_candidates *c, const struct rules *r)
{
	c->words = calloc(r->summary_count * 64u, sizeof(*c->words));
	c->summary = calloc(r->summary_count, sizeof(*c->summary));
	return c->words != NULL && c->summary != NULL;
}

static bool tables_new(struct rules *r)
{
	size_t triggers = image_count(&r->image, trigger);

	r->rules = calloc(r->rule_count + 1u, sizeof(*r->rules));
	r->tests = calloc(image_count(&r->image, test) + 1u, sizeof(*r->tests));
	r->actions = calloc(image_count(&r->image, action) + 1u, sizeof(*r->actions));
	r->called_first = calloc(r->bit_count + 1u, sizeof(*r->called_first));
	r->called = calloc(triggers + 1u, sizeof(*r->called));
	r->target_first = calloc(image_count(&r->image, route) + 1u, sizeof(*r->target_first));
	return r->rules != NULL && r->tests != NULL && r->actions != NULL &&
	       r->called_first != NULL && r->called != NULL && r->target_first != NULL &&
	       candidates_new(&r->always, r);
}

/* Scratch for every database: allocated for each in turn, it grows to hold the largest. */
static bool scratch_new(struct rules *r, struct scratch *s, const struct scratch *model)
{
	hs_database_t *dbs[] = {r->from, r->to, r->text};

	if (model != NULL && model->hs != NULL &&
	    hs_clone_scratch(model->hs, &s->hs) != HS_SUCCESS) {
		s->hs = NULL;
		return false;
	}
	for (unsigned d = 0; model == NULL && d < sizeof(dbs) / sizeof(dbs[0]); d++)
		if (dbs[d] != NULL && hs_alloc_scratch(dbs[d], &s->hs) != HS_SUCCESS)
			return false;
	s->bit_count = r->bit_count;
	s->bits = calloc(WORDS(r->bit_count) + 1u, sizeof(*s->bits));
	s->touched = calloc(r->bit_count + 1u, sizeof(*s->touched));
	s->hits = calloc(r->rule_count + 1u, sizeof(*s->hits));
	return s->bits != NULL && s->touched != NULL && s->hits != NULL &&
	       candidates_new(&s->candidates, r);
}

static bool scratches_new(struct rules *r, unsigned count)
{
	r->scratches = aligned_alloc(RULES_CACHE_LINE, count * sizeof(*r->scratches));
	if (r->scratches == NULL)
		return false;
	memset(r->scratches, 0, count * sizeof(*r->scratches));
	r->scratch_count = count;
	for (unsigned s = 0; s < count; s++)
		if (!scratch_new(r, &r->scratches[s], s > 0 ? &r->scratches[0] : NULL))
			return false;
	return true;
}

/* Tables that live on in another form. */
static void forget(struct rules *r)
{
	static const enum image_section done[] = {IMAGE_test, IMAGE_trigger, IMAGE_action,
						  IMAGE_account};

	for (unsigned i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
		free(r->image.tables[done[i]].words);
		r->image.tables[done[i]] = (struct image_table){0};
	}
	memset(r->image.databases, 0, sizeof(r->image.databases)); /* they were lent */
}

static bool load(struct rules *r, struct cur bytes, unsigned scratches, char error[256])
{
	if (!image_read(&r->image, bytes, error))
		return false;
	r->bit_count = r->image.bit_count;
	r->rule_count = image_count(&r->image, rule);
	r->summary_count = (r->rule_count + 4095u) / 4096u + (r->rule_count == 0);
	snprintf(error, 256, "memory is short");
	if (!tables_new(r))
		return false;
	snprintf(error, 256, "the image contradicts itself, or memory is short");
	if (!load_rules(r) || !load_triggers(r) || !load_accounts(r) || !load_facts(r) ||
	    !load_names(r))
		return false;
	for (uint32_t d = 0; d < image_count(&r->image, database); d++)
		if (!load_database(r, d, error))
			return false;
	forget(r);
	snprintf(error, 256, "memory is short");
	if (!scratches_new(r, scratches))
		return false;
	error[0] = '\0';
	return true;
}

struct rules *rules_load(struct cur image, unsigned scratches, char error[256])
{
	struct rules *r = calloc(1, sizeof(*r));

	ASSERT(scratches > 0);
	if (r == NULL) {
		snprintf(error, 256, "memory is short");
		return NULL;
	}
	if (!load(r, image, scratches, error)) {
		rules_free(r);
		return NULL;
	}
	return r;
}

void rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (unsigned s = 0; s < r->scratch_count; s++) {
		hs_free_scratch(r->scratches[s].hs);
		free(r->scratches[s].bits);
		free(r->scratches[s].touched);
		free(r->scratches[s].hits);
		free(r->scratches[s].candidates.words);
		free(r->scratches[s].candidates.summary);
	}
	free(r->scratches);
	hs_free_database(r->from);
	hs_free_database(r->to);
	hs_free_database(r->text);
	free(r->rules);
	free(r->tests);
	free(r->actions);
	free(r->called_first);
	free(r->called);
	free(r->target_first);
	free(r->accounts);
	free(r->always.words);
	free(r->always.summary);
	image_free(&r->image);
	free(r);
}
