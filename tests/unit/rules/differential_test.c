/*
 * Random sets of rules over random messages, against an evaluator that walks the JSON for each rule
 * in turn and asks regexec(3) for each pattern: no bits, no triggers, no sharing.
 */
#include <regex.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include "base/random.h"
#include "msg/msg.h"
#include "rules_test.h"

#define SETS 150u
#define RULES 24u
#define MESSAGES 40u
#define JSON_SIZE_MAX 8192u

static const char *const patterns[] = {
	"a",       "b",    "c",      "ab",    "bc",      "ca",    "abc",    "cab",
	"aa",      "^a",   "b$",     "a.b",   "a+b",     "[ab]c", "a{2,3}", "ab|ca",
	"(ab|b)c", "c.*a", "^.{3}$", "[^a]b", "^[^c]+$", "bb?a",
};
static const char *const accounts[] = {"a", "b", "ab", "c"};

struct writing {
	struct random *r;
	char           text[JSON_SIZE_MAX];
	size_t         n;
};

static void say(struct writing *w, const char *text)
{
	size_t n = strlen(text);

	assert_true(w->n + n < JSON_SIZE_MAX);
	memcpy(w->text + w->n, text, n + 1);
	w->n += n;
}

static void say_one(struct writing *w, bool account)
{
	say(w, "\"");
	say(w, account ? accounts[random_below(w->r, COUNT(accounts))]
		       : patterns[random_below(w->r, COUNT(patterns))]);
	say(w, "\"");
}

static void say_field(struct writing *w, const char *field)
{
	bool     account = strcmp(field, "account") == 0;
	unsigned n = random_below(w->r, 4);

	say(w, "\"");
	say(w, field);
	say(w, "\": ");
	if (n == 0) {
		say_one(w, account);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		say(w, i == 0 ? "[" : ", ");
		say_one(w, account);
	}
	say(w, "]");
}

static void say_beside(struct writing *w, const char *field)
{
	static const char *const reached[] = {"sip", "xmpp", "nobody"};
	unsigned                 n = random_below(w->r, 6);
	char                     text[96];

	if (field[0] == 'c')
		snprintf(text, sizeof(text), "\"content\": [\"%s\", \"%s\"]",
			 msg_content_word(random_below(w->r, MSG_CONTENT_COUNT)),
			 msg_content_word(random_below(w->r, MSG_CONTENT_COUNT)));
	else if (field[0] == 'r')
		snprintf(text, sizeof(text), "\"reached\": \"%s\"", reached[random_below(w->r, 3)]);
	else if (field[0] == 'd')
		snprintf(text, sizeof(text), "\"device\": [\"%s\", \"%s\"]",
			 msg_ability_word(random_below(w->r, MSG_ABILITY_COUNT)),
			 msg_ability_word(random_below(w->r, MSG_ABILITY_COUNT)));
	else if (field[0] == 'i')
		snprintf(text, sizeof(text), "\"identity\": \"%s\"",
			 msg_identity_word(random_below(w->r, MSG_IDENTITY_COUNT)));
	else if (random_below(w->r, 2) == 0)
		snprintf(text, sizeof(text), "\"%s\": {\"over\": %u}", field, n);
	else
		snprintf(text, sizeof(text), "\"%s\": {\"under\": %u, \"over\": %u}", field,
			 n + 2 + random_below(w->r, 3), n);
	say(w, text);
}

static void say_condition(struct writing *w, unsigned depth)
{
	static const char *const fields[] = {"from", "to", "account", "text"};
	unsigned                 members = 0;
	static const char *const lists[] = {"all", "any"};
	static const char *const beside[] = {"size",    "parts",  "content",
					     "reached", "device", "identity"};

	say(w, "{");
	for (unsigned f = 0; f < 4; f++) {
		if (random_below(w->r, 4) == 0) {
			say(w, members++ > 0 ? ", " : "");
			say_field(w, fields[f]);
		}
	}
	for (unsigned f = 0; f < COUNT(beside); f++) {
		if (random_below(w->r, 8) == 0) {
			say(w, members++ > 0 ? ", " : "");
			say_beside(w, beside[f]);
		}
	}
	for (unsigned l = 0; l < 2 && depth > 0; l++) {
		unsigned n = 1 + random_below(w->r, 3);

		if (random_below(w->r, 3) != 0)
			continue;
		say(w, members++ > 0 ? ", \"" : "\"");
		say(w, lists[l]);
		for (unsigned i = 0; i < n; i++) {
			say(w, i == 0 ? "\": [" : ", ");
			say_condition(w, depth - 1);
		}
		say(w, "]");
	}
	if (depth > 0 && random_below(w->r, 4) == 0) {
		say(w, members++ > 0 ? ", \"not\": " : "\"not\": ");
		say_condition(w, depth - 1);
	}
	if (members == 0)
		say_field(w, "text");
	say(w, "}");
}

struct message {
	char               fields[4][24]; /* from, to, account, text */
	struct rules_input beside;
};

/* Compiled once for the whole run. */
static regex_t compiled[COUNT(patterns)];

static bool matches(const char *pattern, const char *text)
{
	size_t i = 0;

	while (strcmp(patterns[i], pattern) != 0)
		i++;
	return text[0] != '\0' && regexec(&compiled[i], text, 0, NULL, 0) == 0;
}

static bool naive_strings(const json_t *value, const char *field, bool account)
{
	size_t  i;
	json_t *item;

	if (json_is_string(value))
		return account ? strcmp(json_string_value(value), field) == 0
			       : matches(json_string_value(value), field);
	json_array_foreach((json_t *)value, i,
			   item) if (naive_strings(item, field, account)) return true;
	return false;
}

static bool naive_range(const json_t *value, uint32_t n)
{
	const json_t *over = json_object_get(value, "over"),
		     *under = json_object_get(value, "under");

	return (over == NULL || n > json_integer_value(over)) &&
	       (under == NULL || n < json_integer_value(under));
}

static bool naive_words(const json_t *value, const struct message *m)
{
	uint32_t    reached = m->beside.reached;
	const char *word = json_string_value(value);

	if (word != NULL)
		return strcmp(word, "nobody") == 0 ? reached == 1u << RULES_NOBODY
		       : strcmp(word, "sip") == 0  ? (reached & 2) != 0
						   : (reached & 4) != 0;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (strcmp(json_string_value(json_array_get(value, i)),
			   msg_content_word(m->beside.content)) == 0)
			return true;
	return false;
}

static bool naive_device(const json_t *value, const struct message *m)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		for (unsigned a = 0; a < MSG_ABILITY_COUNT; a++)
			if ((m->beside.device >> a & 1) != 0 &&
			    strcmp(json_string_value(json_array_get(value, i)),
				   msg_ability_word(a)) == 0)
				return true;
	return false;
}

static bool naive(const json_t *when, const struct message *m)
{
	const char *key;
	json_t     *value, *item;
	size_t      i;

	json_object_foreach((json_t *)when, key, value)
	{
		bool met = false;

		if (strcmp(key, "from") == 0 || strcmp(key, "to") == 0 ||
		    strcmp(key, "text") == 0) {
			met = naive_strings(value,
					    m->fields[key[0] == 'f'   ? 0
						      : key[1] == 'o' ? 1
								      : 3],
					    false);
		} else if (strcmp(key, "account") == 0) {
			met = naive_strings(value, m->fields[2], true);
		} else if (strcmp(key, "size") == 0) {
			met = naive_range(value, m->beside.size);
		} else if (strcmp(key, "parts") == 0) {
			met = naive_range(value, m->beside.parts);
		} else if (strcmp(key, "content") == 0 || strcmp(key, "reached") == 0) {
			met = naive_words(value, m);
		} else if (strcmp(key, "device") == 0) {
			met = naive_device(value, m);
		} else if (strcmp(key, "identity") == 0) {
			met = strcmp(json_string_value(value),
				     msg_identity_word(m->beside.identity)) == 0;
		} else if (strcmp(key, "not") == 0) {
			met = !naive(value, m);
		} else if (strcmp(key, "any") == 0) {
			json_array_foreach(value, i, item) met = met || naive(item, m);
		} else {
			met = true;
			json_array_foreach(value, i, item) met = met && naive(item, m);
		}
		if (!met)
			return false;
	}
	return true;
}

static void random_message(struct random *r, struct message *m)
{
	for (unsigned f = 0; f < 4; f++) {
		unsigned n = random_below(r, f == 3 ? 12 : 4);

		for (unsigned i = 0; i < n; i++)
			m->fields[f][i] = "abcd"[random_below(r, 4)];
		m->fields[f][n] = '\0';
	}
	m->beside = (struct rules_input){.size = random_below(r, 9),
					 .parts = random_below(r, 9),
					 .content = random_below(r, MSG_CONTENT_COUNT),
					 .reached = random_below(r, 4) << 1,
					 .device = random_below(r, 1u << MSG_ABILITY_COUNT),
					 .identity = random_below(r, MSG_IDENTITY_COUNT)};
	if (m->beside.reached == 0)
		m->beside.reached = 1u << RULES_NOBODY;
}

/* What the rules should say: tag bits of the rules before the one that ends it, and that one. */
static void judge(json_t *const when[], const bool ends[], const struct message *m, uint16_t *tags,
		  uint32_t *last)
{
	*tags = 0;
	*last = UINT32_MAX;
	for (uint32_t i = 0; i < RULES && *last == UINT32_MAX; i++) {
		if (!naive(when[i], m))
			continue;
		if (ends[i])
			*last = i;
		else
			*tags |= (uint16_t)(1u << i % 16);
	}
}

struct set {
	struct rules_source source[RULES];
	struct writing      when[RULES];
	char                then[RULES][32], name[RULES][8];
	json_t             *json[RULES];
	bool                ends[RULES];
};

/* The first sixteen rules tag, each with its own bit in order; later ones tag again or end it. */
static void random_set(struct random *r, struct set *s)
{
	for (uint32_t i = 0; i < RULES; i++) {
		s->when[i] = (struct writing){.r = r};
		say_condition(&s->when[i], random_below(r, 4));
		s->ends[i] = i >= 16 && random_below(r, 2) == 0;
		snprintf(s->name[i], sizeof(s->name[i]), "r%u", i);
		snprintf(s->then[i], sizeof(s->then[i]),
			 s->ends[i] ? "{\"drop\": true}" : "{\"tag\": \"t%u\"}", i % 16);
		s->source[i] = (struct rules_source){s->name[i], s->when[i].text, s->then[i]};
		s->json[i] = json_loads(s->when[i].text, 0, NULL);
		assert_non_null(s->json[i]);
	}
}

static void compare(const struct rules *r, const struct set *s, const struct message *m)
{
	struct rules_verdict v = test_scan_beside(r, m->fields[0], m->fields[1], m->fields[2],
						  m->fields[3], m->beside);
	uint16_t             tags;
	uint32_t             last;

	judge(s->json, s->ends, m, &tags, &last);
	if (v.tags != tags || v.rule != last)
		fail_msg("from \"%s\" to \"%s\" account \"%s\" text \"%s\": tags %04x rule %d, "
			 "should be "
			 "%04x %d",
			 m->fields[0], m->fields[1], m->fields[2], m->fields[3], v.tags,
			 (int)v.rule, tags, (int)last);
}

static void random_rules_say_what_a_naive_evaluator_says(void **state)
{
	uint64_t      seed = (uint64_t)time(NULL);
	struct random r;
	struct set   *s = malloc(sizeof(*s));

	(void)state;
	assert_non_null(s);
	if (getenv("SEED") != NULL)
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)seed);
	random_seed(&r, seed);
	for (size_t i = 0; i < COUNT(patterns); i++)
		assert_int_equal(regcomp(&compiled[i], patterns[i], REG_EXTENDED | REG_NOSUB), 0);
	for (unsigned set = 0; set < SETS; set++) {
		struct rules *rules;

		random_set(&r, s);
		rules = test_rules(s->source, RULES);
		for (unsigned i = 0; i < MESSAGES; i++) {
			struct message m;

			random_message(&r, &m);
			compare(rules, s, &m);
		}
		rules_free(rules);
		for (unsigned i = 0; i < RULES; i++)
			json_decref(s->json[i]);
	}
	for (size_t i = 0; i < COUNT(patterns); i++)
		regfree(&compiled[i]);
	free(s);
}

int main(void)
{
	rules_protocols_set(test_protocols);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_say_what_a_naive_evaluator_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
