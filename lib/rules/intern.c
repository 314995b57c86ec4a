#include "rules/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ROOM_FIRST 256u

static struct intern_entry *place(struct intern_entry *entries, uint32_t room, uint32_t kind,
				  struct str text)
{
	struct hash_key key = {kind, 0};
	uint32_t        at = (uint32_t)hash_sip(&key, text.p, text.n) & (room - 1);

	while (entries[at].text != NULL &&
	       !(entries[at].kind == kind &&
		 str_eq(text, (struct str){entries[at].text, entries[at].size})))
		at = (at + 1) & (room - 1);
	return &entries[at];
}

/* Never more than half full, so that a search is short. */
static bool widen(struct intern *t)
{
	uint32_t             room = t->room > 0 ? t->room * 2 : ROOM_FIRST;
	struct intern_entry *entries;

	if (t->count < t->room / 2)
		return true;
	entries = calloc(room, sizeof(*entries));
	if (entries == NULL)
		return false;
	for (uint32_t i = 0; i < t->room; i++) {
		const struct intern_entry *e = &t->entries[i];

		if (e->text != NULL)
			*place(entries, room, e->kind, (struct str){e->text, e->size}) = *e;
	}
	free(t->entries);
	t->entries = entries;
	t->room = room;
	return true;
}

struct intern_entry *intern_word(struct intern *t, uint32_t kind, struct str text, bool *fresh)
{
	struct intern_entry *e;

	if (!widen(t))
		return NULL;
	e = place(t->entries, t->room, kind, text);
	*fresh = e->text == NULL;
	if (!*fresh)
		return e;
	e->text = malloc(text.n + 1);
	if (e->text == NULL)
		return NULL;
	str_copy(e->text, text.n + 1, text);
	e->size = (uint32_t)text.n;
	e->kind = kind;
	e->number = 0;
	t->count++;
	return e;
}

void intern_free(struct intern *t)
{
	for (uint32_t i = 0; i < t->room; i++)
		free(t->entries[i].text);
	free(t->entries);
	memset(t, 0, sizeof(*t));
}
