/* content, reached, device and identity: words of a list that is known, each a bit; one of those
 * that are named must be set. */
#include "rules/language.h"

#include <stdio.h>

#include "msg/msg.h"

#define NOBODY "nobody"
#define WORDS_TEXT 256u

static const char *const *protocols;

void rules_protocols_set(const char *const names[])
{
	protocols = names;
}

static const char *reached_word(unsigned number)
{
	if (number == RULES_NOBODY)
		return NOBODY;
	return protocols != NULL && number < RULES_PROTOCOLS_MAX ? protocols[number] : NULL;
}

struct gathering {
	const char *(*word)(unsigned number); /* of a bit; NULL: it has none */
	const char *what;
	uint32_t    mask;
};

static void say_words(const struct gathering *g, char room[WORDS_TEXT])
{
	size_t n = 0;

	room[0] = '\0';
	for (unsigned i = 0; i < 32 && n < WORDS_TEXT; i++)
		if (g->word(i) != NULL)
			n += (size_t)snprintf(room + n, WORDS_TEXT - n, "%s%s", n > 0 ? ", " : "",
					      g->word(i));
}

static void add_word(struct language *l, struct str text, void *user)
{
	struct gathering *g = user;
	char              words[WORDS_TEXT];

	for (unsigned i = 0; i < 32; i++) {
		if (g->word(i) != NULL && str_eq(text, str_of(g->word(i)))) {
			g->mask |= 1u << i;
			return;
		}
	}
	say_words(g, words);
	language_fault(l, "\"%.*s\" is no %s; write of %s", STR_ARG(language_cut(text, 40)),
		       g->what, words);
}

static uint32_t read_words(struct language *l, const json_t *json, unsigned field,
			   struct gathering g)
{
	language_strings(l, json, 32, add_word, &g);
	return g.mask != 0 ? language_fact(l, field, g.mask, 0) : NODE_NONE;
}

uint32_t type_content(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return read_words(l, json, field, (struct gathering){msg_content_word, "content", 0});
}

uint32_t type_reached(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return read_words(l, json, field, (struct gathering){reached_word, "way to be reached", 0});
}

uint32_t type_device(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return read_words(l, json, field,
			  (struct gathering){msg_ability_word, "ability of a device", 0});
}

uint32_t type_identity(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	return read_words(l, json, field,
			  (struct gathering){msg_identity_word, "state of an identity", 0});
}
