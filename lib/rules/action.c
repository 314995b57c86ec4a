/* The readers of actions. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rules/language.h"

#define ADDRESS_SIZE_MAX 255u
#define E164_DIGITS_MAX 20u

static void add(struct language *l, enum action action, uint32_t argument)
{
	struct image_action *item = image_add(&l->image, IMAGE_action);

	if (item != NULL)
		*item = (struct image_action){action, argument};
}

static bool refusal(enum reason why)
{
	return reason_class(why) == REASON_CLASS_TEMPORARY ||
	       reason_class(why) == REASON_CLASS_PERMANENT;
}

/* A reason's name as people write it: lower case, with - or _. */
static bool names_reason(struct str word, const char *name)
{
	if (word.n != strlen(name))
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i] == '-' ? '_' : (char)toupper((unsigned char)word.p[i]);

		if (c != name[i])
			return false;
	}
	return true;
}

void action_reject(struct language *l, const json_t *json)
{
	struct str word = language_string(l, json);

	if (word.p == NULL)
		return;
	for (unsigned why = 0; why < REASON_COUNT; why++) {
		if (names_reason(word, reason_name(why)) && refusal(why)) {
			add(l, ACTION_reject, why);
			return;
		}
	}
	language_fault(l,
		       "\"%.*s\" is no reason to refuse; write spam, forbidden, or another word of "
		       "the list of reasons",
		       STR_ARG(language_cut(word, 40)));
}

void action_drop(struct language *l, const json_t *json)
{
	if (json_is_true(json))
		add(l, ACTION_drop, 0);
	else
		language_fault(
			l, "can only be true; leave it out if the message is not to be dropped");
}

static void add_target(struct language *l, struct str name, void *user)
{
	struct image_target *target = image_add(&l->image, IMAGE_target);

	if (target != NULL)
		target->name = image_name(&l->image, name);
}

void action_route(struct language *l, const json_t *json)
{
	uint32_t            before = image_count(&l->image, target);
	struct image_route *route;

	if (language_strings(l, json, RULES_TARGETS_MAX, add_target, NULL) == 0)
		return;
	add(l, ACTION_route, image_count(&l->image, route));
	route = image_add(&l->image, IMAGE_route);
	if (route != NULL)
		route->target_count = image_count(&l->image, target) - before;
}

static void add_tag(struct language *l, struct str word, void *user)
{
	uint32_t          next = image_count(&l->image, tag);
	bool              fresh;
	uint32_t          bit = language_word(l, WORD_TAG, word, next, &fresh);
	struct image_tag *tag;

	if (bit >= RULES_TAGS_MAX) {
		language_fault(l, "is the %uth word; a set of rules has at most %u", bit + 1,
			       RULES_TAGS_MAX);
		return;
	}
	if (fresh) {
		tag = image_add(&l->image, IMAGE_tag);
		if (tag != NULL)
			tag->name = image_name(&l->image, word);
	}
	add(l, ACTION_tag, bit);
}

void action_tag(struct language *l, const json_t *json)
{
	language_strings(l, json, RULES_TAGS_MAX, add_tag, NULL);
}

/* Normal form of an address: "+" and digits, or anything printable without blanks. */
static bool address(struct str text)
{
	bool number = text.p[0] == '+';

	if (text.n > ADDRESS_SIZE_MAX || (number && (text.n < 2 || text.n > 1 + E164_DIGITS_MAX)))
		return false;
	for (size_t i = number ? 1 : 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20 || c == 0x7f || (number && !isdigit(c)))
			return false;
	}
	return true;
}

static void rewrite(struct language *l, const json_t *json, enum action action)
{
	struct str text = language_string(l, json);

	if (text.p == NULL)
		return;
	if (address(text))
		add(l, action, image_name(&l->image, text));
	else
		language_fault(l,
			       "is not an address; write + and 1 to %u digits, a short code, or a "
			       "name of at most %u bytes",
			       E164_DIGITS_MAX, ADDRESS_SIZE_MAX);
}

void action_rewrite_from(struct language *l, const json_t *json)
{
	rewrite(l, json, ACTION_rewrite_from);
}

void action_rewrite_to(struct language *l, const json_t *json)
{
	rewrite(l, json, ACTION_rewrite_to);
}

/* A number, or a text of digits with or without "/s" after them; 0 when it is neither. */
static uint64_t rate(const json_t *json)
{
	const char *text = json_string_value(json);
	char       *end;
	uint64_t    n;

	if (json_is_integer(json))
		return json_integer_value(json) > 0 ? (uint64_t)json_integer_value(json) : 0;
	if (text == NULL || !isdigit((unsigned char)text[0]))
		return 0;
	n = strtoull(text, &end, 10);
	return *end == '\0' || strcmp(end, "/s") == 0 ? n : 0;
}

void action_limit(struct language *l, const json_t *json)
{
	uint64_t            n = rate(json);
	uint32_t            number = image_count(&l->image, limit);
	struct image_limit *limit;

	if (n == 0 || n > UINT32_MAX) {
		language_fault(l,
			       "is not a rate; write a number of messages a second from 1 to %u, "
			       "as 50 or \"50/s\"",
			       UINT32_MAX);
		return;
	}
	if (number == RULES_LIMIT_RULES_MAX) {
		language_fault(l, "there are more than %u rules with a limit",
			       RULES_LIMIT_RULES_MAX);
		return;
	}
	limit = image_add(&l->image, IMAGE_limit);
	if (limit != NULL)
		*limit = (struct image_limit){image_name(&l->image, str_of(l->rule_name)),
					      (uint32_t)n};
	add(l, ACTION_limit, number);
}
