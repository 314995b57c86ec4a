/* from, to and text: patterns. The same pattern over the same field is one bit, however many rules
 * have it. */
#include <stdlib.h>
#include <string.h>

#include "rules/language.h"
#include "rules/pattern.h"

struct adding {
	uint32_t any;
	uint8_t  field;
};

static enum word word_of(uint8_t field)
{
	return field == RULES_FIELD_FROM ? WORD_FROM
	       : field == RULES_FIELD_TO ? WORD_TO
					 : WORD_TEXT;
}

static struct pattern *pattern_new(struct language *l, struct str text, uint8_t field)
{
	struct pattern *p;

	if (l->pattern_count == l->pattern_room) {
		uint32_t room = l->pattern_room > 0 ? l->pattern_room * 2 : 64;

		p = realloc(l->patterns, room * sizeof(*p));
		if (p == NULL)
			return NULL;
		l->patterns = p;
		l->pattern_room = room;
	}
	p = &l->patterns[l->pattern_count++];
	*p = (struct pattern){.text = strndup(text.p, text.n),
			      .path = strdup(l->path),
			      .bit = l->image.bit_count,
			      .field = field,
			      .rule = (uint32_t)l->rule};
	return p->text != NULL && p->path != NULL ? p : NULL;
}

static void add_pattern(struct language *l, struct str text, void *user)
{
	struct adding *a = user;
	bool           fresh;
	uint32_t       number = language_word(l, word_of(a->field), text, l->pattern_count, &fresh);
	struct pattern *p;
	char            fault[400];

	if (l->failed)
		return;
	if (fresh) {
		p = l->image.bit_count < RULES_BITS_MAX ? pattern_new(l, text, a->field) : NULL;
		if (p == NULL) {
			l->failed = true;
			return;
		}
		l->image.bit_count++;
		if (!pattern_check(p, fault)) {
			p->fault = strdup(fault);
			l->failed = p->fault == NULL;
		}
	}
	p = &l->patterns[number];
	if (p->fault != NULL)
		language_fault(l, "%s", p->fault);
	language_append(l, a->any, language_bit(l, a->field, p->bit));
}

uint32_t type_pattern(struct language *l, const json_t *json, unsigned field, unsigned depth)
{
	struct adding a = {language_node(l, NODE_ANY), (uint8_t)field};

	language_strings(l, json, LANGUAGE_LIST_MAX, add_pattern, &a);
	return a.any;
}
