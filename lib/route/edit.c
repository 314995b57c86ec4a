#include "route/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/aor.h"
#include "base/assert.h"
#include "route/set.h"
#include "route/trie.h"

/*
 * A change goes down from the root, making each node on its way its own: what an older table made
 * is copied and the original retired, what this edit made is changed in place. At every step the
 * new table is whole and says the same as before, until one store at the end changes it; so a
 * change that runs out of memory on its way has changed nothing.
 */
#define RETIRED_PER_CHANGE (TRIE_NIBBLES_MAX + 4u)

struct route_edit {
	const struct route_table *old;
	struct route_table *new;
	void **retired; /* of the old table only: nodes and sets */
	size_t retired_count, retired_room;
};

struct change { /* one put */
	struct str        to;
	bool              exact;
	struct trie_key   key;
	struct set_choice choice;
};

/* Room to retire all that one change can replace, so that nothing can fail half way. */
static int reserve(struct route_edit *e)
{
	size_t room = e->retired_room * 2 + RETIRED_PER_CHANGE;
	void **grown;

	if (e->retired_room - e->retired_count >= RETIRED_PER_CHANGE)
		return 0;
	grown = realloc(e->retired, room * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	e->retired = grown;
	e->retired_room = room;
	return 0;
}

/* It is no longer in the new table. */
static void drop(struct route_edit *e, void *what, uint64_t made)
{
	if (made == e->new->made) {
		free(what);
		return;
	}
	ASSERT(e->retired_count < e->retired_room);
	e->retired[e->retired_count++] = what;
}

/* One route to this destination more or less. */
static void count(struct route_edit *e, struct str to, int by)
{
	enum trie_form form = trie_form_of(to);

	e->new->count += (uint64_t)(int64_t)by;
	if (form != TRIE_FORMS)
		e->new->forms[form] += (uint64_t)(int64_t)by;
}

static void drop_node(struct route_edit *e, struct trie_node *node)
{
	drop(e, node, node->made);
}

static void drop_set(struct route_edit *e, struct route_set *set)
{
	drop(e, set, trie_set_made(set));
}

static struct trie_node *node_new(struct route_edit *e, unsigned slots)
{
	struct trie_node *node = malloc(sizeof(*node) + slots * sizeof(node->slots[0]));

	if (node != NULL)
		node->made = e->new->made;
	return node;
}

/* The node at *at as our own. NULL: memory is short. */
static struct trie_node *node_own(struct route_edit *e, uintptr_t *at)
{
	struct trie_node *old = trie_node_of(*at), *node;
	unsigned          size = trie_size(old);

	if (old->made == e->new->made)
		return old;
	node = node_new(e, size);
	if (node == NULL)
		return NULL;
	memcpy(node, old, sizeof(*node) + size * sizeof(node->slots[0]));
	node->made = e->new->made;
	*at = (uintptr_t)node;
	drop_node(e, old);
	return node;
}

/* Give the node at *at a slot at a place where it has none. */
static int node_insert(struct route_edit *e, uintptr_t *at, unsigned place, uintptr_t what)
{
	struct trie_node *node = node_own(e, at);
	unsigned          size, index;

	if (node == NULL)
		return -ENOMEM;
	size = trie_size(node);
	index = trie_index(node, place);
	node = realloc(node, sizeof(*node) + (size + 1) * sizeof(node->slots[0]));
	if (node == NULL)
		return -ENOMEM;
	memmove(&node->slots[index + 1], &node->slots[index],
		(size - index) * sizeof(node->slots[0]));
	node->slots[index] = what;
	node->places |= 1ull << place;
	*at = (uintptr_t)node;
	return 0;
}

/* Where an entry of this key belongs in a node that ends at this depth. */
static unsigned place_of(const struct trie_key *key, bool exact, unsigned depth)
{
	if (depth == key->n)
		return exact ? TRIE_EXACT : TRIE_PREFIX;
	return TRIE_CHILD + trie_nibble(key, depth);
}

static struct trie_node *node_of_two(struct route_edit *e, uint64_t label, unsigned skip,
				     const unsigned places[2], const uintptr_t what[2])
{
	struct trie_node *node = node_new(e, 2);
	unsigned          first = places[0] < places[1] ? 0 : 1;

	if (node == NULL)
		return NULL;
	ASSERT(places[0] != places[1] && skip <= TRIE_SKIP_MAX);
	node->label = trie_first(label, skip);
	node->skip = skip;
	node->places = 1ull << places[0] | 1ull << places[1];
	node->slots[0] = what[first];
	node->slots[1] = what[1 - first];
	return node;
}

/* How many of the next nibbles of the key are those of the label. */
static unsigned label_same(const struct trie_node *node, const struct trie_key *key, unsigned depth)
{
	uint64_t differ = trie_window(key, depth) ^ node->label;
	unsigned same = differ == 0 ? 16 : (unsigned)__builtin_clzll(differ) / 4;
	unsigned most = node->skip < key->n - depth ? node->skip : key->n - depth;

	return same < most ? same : most;
}

static struct route_set *change_set(struct route_edit *e, const struct change *c,
				    const struct route_set *from)
{
	return set_with(from, c->to, &c->choice, e->new->made);
}

/* The set in the slot is replaced by one with the change. */
static int put_same(struct route_edit *e, uintptr_t *at, const struct change *c)
{
	struct route_set *old = trie_set_of(*at), *set;
	bool              has = set_has(old, c->choice.priority);

	if (!has && old->count >= ROUTE_CHOICES_MAX)
		return -E2BIG;
	set = change_set(e, c, old);
	if (set == NULL)
		return -ENOMEM;
	*at = trie_leaf_of(set);
	drop_set(e, old);
	if (!has)
		count(e, c->to, 1);
	return 0;
}

static unsigned keys_same(const struct trie_key *a, const struct trie_key *b, unsigned depth)
{
	unsigned n = a->n < b->n ? a->n : b->n, at = depth;

	while (at < n && trie_nibble(a, at) == trie_nibble(b, at))
		at++;
	return at - depth;
}

/* A leaf gets a neighbour: a node for both, under a chain of nodes with one child where they share
 * more than a node can skip. */
static int put_beside(struct route_edit *e, uintptr_t *at, unsigned depth, const struct change *c)
{
	struct route_set *there = trie_set_of(*at), *set = change_set(e, c, NULL);
	struct trie_key   other;
	struct trie_node *made[TRIE_NIBBLES_MAX / (TRIE_SKIP_MAX + 1) + 1] = {NULL};
	unsigned          same, chain, end;
	uintptr_t         below;

	trie_key_of(&other, trie_body(trie_to(there)));
	same = keys_same(&other, &c->key, depth);
	chain = same / (TRIE_SKIP_MAX + 1);
	end = depth + same;
	for (unsigned i = 0; set != NULL && i < chain; i++) {
		made[i] = node_new(e, 1);
		if (made[i] == NULL)
			goto undo;
	}
	if (set != NULL)
		made[chain] = node_of_two(
			e, trie_window(&c->key, depth + chain * (TRIE_SKIP_MAX + 1)),
			same % (TRIE_SKIP_MAX + 1),
			(unsigned[2]){place_of(&other, trie_is_exact(trie_to(there)), end),
				      place_of(&c->key, c->exact, end)},
			(uintptr_t[2]){*at, trie_leaf_of(set)});
	if (made[chain] == NULL)
		goto undo;
	below = (uintptr_t)made[chain];
	for (unsigned i = chain; i-- > 0; below = (uintptr_t)made[i]) {
		unsigned start = depth + i * (TRIE_SKIP_MAX + 1);

		made[i]->label = trie_window(&c->key, start);
		made[i]->skip = TRIE_SKIP_MAX;
		made[i]->places = 1ull
				  << (TRIE_CHILD + trie_nibble(&c->key, start + TRIE_SKIP_MAX));
		made[i]->slots[0] = below;
	}
	*at = below;
	count(e, c->to, 1);
	return 0;
undo:
	for (unsigned i = 0; i < chain; i++)
		free(made[i]);
	free(set);
	return -ENOMEM;
}

/* The key leaves a node's label after `same` nibbles: a node for both above it. */
static int put_split(struct route_edit *e, uintptr_t *at, unsigned depth, unsigned same,
		     const struct change *c)
{
	struct trie_node *node = node_own(e, at), *above;
	struct route_set *set = change_set(e, c, NULL);
	unsigned          nibble;

	if (node == NULL || set == NULL)
		goto undo;
	nibble = (unsigned)(node->label >> (60 - 4 * same)) & 15u;
	above = node_of_two(
		e, node->label, same,
		(unsigned[2]){TRIE_CHILD + nibble, place_of(&c->key, c->exact, depth + same)},
		(uintptr_t[2]){(uintptr_t)node, trie_leaf_of(set)});
	if (above == NULL)
		goto undo;
	node->label = same + 1 < 16 ? node->label << 4 * (same + 1) : 0;
	node->skip -= same + 1;
	*at = (uintptr_t)above;
	count(e, c->to, 1);
	return 0;
undo:
	free(set);
	return -ENOMEM;
}

static int put_new(struct route_edit *e, uintptr_t *at, unsigned place, const struct change *c)
{
	struct route_set *set = change_set(e, c, NULL);

	if (set == NULL)
		return -ENOMEM;
	if (*at == 0) { /* the first of all */
		*at = trie_leaf_of(set);
	} else if (node_insert(e, at, place, trie_leaf_of(set)) < 0) {
		free(set);
		return -ENOMEM;
	}
	count(e, c->to, 1);
	return 0;
}

static int put(struct route_edit *e, const struct change *c)
{
	uintptr_t        *at = &e->new->root;
	unsigned          depth = 0, same, place;
	struct trie_node *node;

	while (*at != 0 && !trie_is_leaf(*at)) {
		node = trie_node_of(*at);
		same = label_same(node, &c->key, depth);
		if (same < node->skip)
			return put_split(e, at, depth, same, c);
		depth += same;
		place = place_of(&c->key, c->exact, depth);
		if (!trie_has(node, place))
			return put_new(e, at, place, c);
		node = node_own(e, at);
		if (node == NULL)
			return -ENOMEM;
		at = &node->slots[trie_index(node, place)];
		depth++;
	}
	if (*at == 0)
		return put_new(e, at, 0, c);
	if (str_eq(trie_to(trie_set_of(*at)), c->to))
		return put_same(e, at, c);
	return put_beside(e, at, depth, c);
}

/* In normal form, so that what is looked for finds it. An exact entry for the user "*" would be the
 * domain's. */
static bool address_is_valid(struct str body, bool exact)
{
	char       room[ROUTE_TO_MAX + 1];
	struct aor a;

	return aor_split(body, &a) && aor_is_all_users(&a) != exact &&
	       str_eq(body, (struct str){room, aor_write(room, sizeof(room), &a)});
}

static bool to_is_valid(struct str to)
{
	struct str body = trie_body(to);

	if (body.n == 0 || to.n > ROUTE_TO_MAX)
		return false;
	if (trie_form_of(to) != TRIE_FORMS)
		return address_is_valid(body, to.p[0] == '=');
	if (body.p[0] == '+' && body.n > 16)
		return false;
	for (size_t i = 0; i < body.n; i++) {
		unsigned char b = (unsigned char)body.p[i];

		if (b < ' ' || b == 0x7f)
			return false;
		if (body.p[0] == '+' && i > 0 && (b < '0' || b > '9'))
			return false;
	}
	return true;
}

int route_edit_put(struct route_edit *e, struct str to, uint16_t priority, bool weighted,
		   const struct route_target targets[], unsigned n)
{
	struct change c = {.to = to,
			   .exact = trie_is_exact(to),
			   .choice = {priority, weighted, (uint8_t)n, targets}};

	if (!to_is_valid(to) || n == 0 || n > ROUTE_TARGETS_MAX)
		return -EINVAL;
	if (reserve(e) < 0)
		return -ENOMEM;
	trie_key_of(&c.key, trie_body(to));
	return put(e, &c);
}

/* A node that has one slot left is needed no more: its only set, or its only child with a longer
 * label, takes its place. */
static void node_fold(struct route_edit *e, uintptr_t *at)
{
	struct trie_node *node = trie_node_of(*at), *child;
	unsigned          place, shift = 4 * (unsigned)(node->skip + 1);
	uint64_t          above;

	if (trie_size(node) > 1)
		return;
	if (trie_is_leaf(node->slots[0])) {
		*at = node->slots[0];
		drop_node(e, node);
		return;
	}
	if (node->skip + 1u + trie_node_of(node->slots[0])->skip > TRIE_SKIP_MAX)
		return;
	child = node_own(e, &node->slots[0]);
	if (child == NULL)
		return; /* it stays as a chain, which is right too */
	place = (unsigned)__builtin_ctzll(node->places);
	above = node->label | (uint64_t)(place - TRIE_CHILD) << (64 - shift);
	child->label = above | (shift < 64 ? child->label >> shift : 0);
	child->skip += node->skip + 1u;
	*at = (uintptr_t)child;
	drop_node(e, node);
}

/* Take the slot out of our own node. */
static void node_remove(uintptr_t *at, unsigned place)
{
	struct trie_node *node = trie_node_of(*at), *less;
	unsigned          size = trie_size(node), index = trie_index(node, place);

	memmove(&node->slots[index], &node->slots[index + 1],
		(size - index - 1) * sizeof(node->slots[0]));
	node->places &= ~(1ull << place);
	less = realloc(node, sizeof(*node) + (size - 1) * sizeof(node->slots[0]));
	if (less != NULL)
		*at = (uintptr_t)less;
}

/* Own every node down to the entry, which is there. path: where they hang, the entry last. Returns
 * their number; 0: memory is short. */
static unsigned own_path(struct route_edit *e, struct str to, uintptr_t *path[], unsigned places[])
{
	struct trie_key key;
	uintptr_t      *at = &e->new->root;
	unsigned        depth = 0, n = 0;

	trie_key_of(&key, trie_body(to));
	for (path[n++] = at; !trie_is_leaf(*at); path[n++] = at) {
		struct trie_node *node = node_own(e, at);

		if (node == NULL)
			return 0;
		depth += node->skip;
		places[n - 1] = place_of(&key, trie_is_exact(to), depth++);
		at = &node->slots[trie_index(node, places[n - 1])];
	}
	return n;
}

int route_edit_remove(struct route_edit *e, struct str to, uint16_t priority)
{
	struct route_set *old = (struct route_set *)route_table_get(e->new, to), *less = NULL;
	uintptr_t        *path[TRIE_NIBBLES_MAX + 2];
	unsigned          places[TRIE_NIBBLES_MAX + 2], n;

	if (old == NULL || !set_has(old, priority))
		return -ENOENT;
	if (reserve(e) < 0)
		return -ENOMEM;
	if (old->count > 1) {
		less = set_without(old, priority, e->new->made);
		if (less == NULL)
			return -ENOMEM;
	}
	n = own_path(e, to, path, places);
	if (n == 0) {
		free(less);
		return -ENOMEM;
	}
	count(e, to, -1);
	if (less != NULL || n == 1) {
		*path[n - 1] = less != NULL ? trie_leaf_of(less) : 0;
	} else {
		node_remove(path[n - 2], places[n - 2]);
		for (unsigned i = n - 1; i-- > 0;)
			node_fold(e, path[i]);
	}
	drop_set(e, old);
	return 0;
}

struct route_edit *route_edit_begin(const struct route_table *from)
{
	struct route_edit *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->old = from;
	e->new = malloc(sizeof(*e->new));
	if (e->new == NULL) {
		free(e);
		return NULL;
	}
	*e->new = from != NULL ? *from : (struct route_table){.root = 0};
	e->new->made++;
	ASSERT(e->new->made < 1ull << TRIE_MADE_BITS);
	return e;
}

const struct route_table *route_edit_table(const struct route_edit *e)
{
	return e->new;
}

/* What hangs here and was made since: where a node is older, all below it is. Depth is bounded by
 * the longest destination. */
static void free_made_since(uintptr_t at, uint64_t since)
{
	struct trie_node *node = trie_node_of(at);

	if (at == 0)
		return;
	if (trie_is_leaf(at)) {
		if (trie_set_made(trie_set_of(at)) >= since)
			free(trie_set_of(at));
		return;
	}
	if (node->made < since)
		return;
	for (unsigned i = 0; i < trie_size(node); i++)
		free_made_since(node->slots[i], since);
	free(node);
}

static void edit_free(struct route_edit *e)
{
	free(e->retired);
	free(e);
}

void route_edit_reclaim(struct route_edit *e)
{
	for (size_t i = 0; i < e->retired_count; i++)
		free(e->retired[i]);
	free((void *)e->old);
	edit_free(e);
}

void route_edit_abandon(struct route_edit *e)
{
	free_made_since(e->new->root, e->new->made);
	free(e->new);
	edit_free(e);
}

void route_table_free(const struct route_table *table)
{
	if (table == NULL)
		return;
	free_made_since(table->root, 0);
	free((void *)table);
}

static bool each_below(uintptr_t at, bool (*visit)(void *user, const struct route_set *set),
		       void     *user)
{
	const struct trie_node *node = trie_node_of(at);

	if (at == 0)
		return true;
	if (trie_is_leaf(at))
		return visit(user, trie_set_of(at));
	for (unsigned i = 0; i < trie_size(node); i++)
		if (!each_below(node->slots[i], visit, user))
			return false;
	return true;
}

bool route_table_each(const struct route_table *table,
		      bool (*visit)(void *user, const struct route_set *set), void *user)
{
	return table == NULL || each_below(table->root, visit, user);
}
