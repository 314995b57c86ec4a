#include "route/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "route/trie.h"

bool set_has(const struct route_set *set, uint16_t priority)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->choices[i]->priority == priority)
			return true;
	return false;
}

static size_t choice_size(unsigned targets)
{
	return sizeof(struct route_choice) + targets * sizeof(struct route_target);
}

/* Room for a set of so many choices, and these bytes of choices; `to` is written. */
static struct route_set *set_new(struct str to, unsigned count, size_t choices_size, uint64_t made)
{
	size_t            head = sizeof(struct route_set) + count * sizeof(struct route_choice *);
	struct route_set *set = malloc(head + choices_size + to.n + 1);
	char             *name;

	if (set == NULL)
		return NULL;
	name = (char *)set + head + choices_size;
	memcpy(name, to.p, to.n);
	name[to.n] = '\0';
	set->count = 0;
	set->to_size = (uint8_t)to.n;
	set->made_high = (uint8_t)(made >> 32);
	set->made_low = (uint32_t)made;
	set->to = name;
	return set;
}

/* The next choice is written at *room. */
static void set_append(struct route_set *set, char **room, const struct set_choice *c)
{
	struct route_choice *choice = (struct route_choice *)(void *)*room;

	choice->priority = c->priority;
	choice->weighted = c->weighted;
	choice->count = c->count;
	memcpy(choice->targets, c->targets, c->count * sizeof(struct route_target));
	*room += choice_size(c->count);
	set->choices[set->count++] = choice;
}

static void set_append_copy(struct route_set *set, char **room, const struct route_choice *c)
{
	struct set_choice same = {c->priority, c->weighted, c->count, c->targets};

	set_append(set, room, &same);
}

struct route_set *set_with(const struct route_set *from, struct str to, const struct set_choice *c,
			   uint64_t made)
{
	unsigned          count = 1, i = 0;
	size_t            size = choice_size(c->count);
	struct route_set *set;
	char             *room;

	for (unsigned k = 0; from != NULL && k < from->count; k++) {
		if (from->choices[k]->priority != c->priority) {
			size += choice_size(from->choices[k]->count);
			count++;
		}
	}
	set = set_new(to, count, size, made);
	if (set == NULL)
		return NULL;
	room = (char *)&set->choices[count];
	for (; from != NULL && i < from->count && from->choices[i]->priority < c->priority; i++)
		set_append_copy(set, &room, from->choices[i]);
	set_append(set, &room, c);
	for (; from != NULL && i < from->count; i++)
		if (from->choices[i]->priority != c->priority)
			set_append_copy(set, &room, from->choices[i]);
	ASSERT(set->count == count && room == set->to);
	return set;
}

struct route_set *set_without(const struct route_set *from, uint16_t priority, uint64_t made)
{
	size_t            size = 0;
	struct route_set *set;
	char             *room;

	for (unsigned i = 0; i < from->count; i++)
		if (from->choices[i]->priority != priority)
			size += choice_size(from->choices[i]->count);
	set = set_new(trie_to(from), from->count - 1u, size, made);
	if (set == NULL)
		return NULL;
	room = (char *)&set->choices[from->count - 1u];
	for (unsigned i = 0; i < from->count; i++)
		if (from->choices[i]->priority != priority)
			set_append_copy(set, &room, from->choices[i]);
	ASSERT(room == set->to);
	return set;
}
