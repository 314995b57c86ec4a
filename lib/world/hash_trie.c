#include "world/hash_trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define BITS 6u
#define LEVELS_PER_HASH (60u / BITS)
/* Two texts whose four hashes are all alike are not met; whoever makes some has no right to both.
 */
#define LEVELS_MAX (4u * LEVELS_PER_HASH)

struct hash_node {
	uint64_t  made;
	uint64_t  places;  /* bit k: these six bits of the hash have a slot */
	uintptr_t slots[]; /* by rising place: 0 never, a node, or a leaf with the lowest bit on */
};

/* The places of a text, level by level; a new hash when one is used up. */
struct hash_path {
	struct str text;
	uint64_t   hash;
	unsigned   level;
};

static inline unsigned hash_path_next(struct hash_path *p)
{
	unsigned place;

	if (p->level % LEVELS_PER_HASH == 0) {
		struct hash_key key = {0x7375627363726962ull, p->level / LEVELS_PER_HASH};

		p->hash = hash_sip(&key, p->text.p, p->text.n);
	}
	place = (unsigned)(p->hash >> (p->level % LEVELS_PER_HASH * BITS)) & 63u;
	p->level++;
	return place;
}

static struct hash_path hash_path_at(struct str text, unsigned level)
{
	struct hash_path p = {.text = text, .level = level - level % LEVELS_PER_HASH};

	while (p.level < level)
		hash_path_next(&p);
	return p;
}

static inline bool is_leaf(uintptr_t at)
{
	return (at & 1u) != 0;
}

static inline struct hash_node *node_of(uintptr_t at)
{
	return (struct hash_node *)at;
}

static inline struct world_subscriber *leaf_of(uintptr_t at)
{
	return (struct world_subscriber *)(at & ~(uintptr_t)1);
}

static inline unsigned node_index(const struct hash_node *node, unsigned place)
{
	return (unsigned)__builtin_popcountll(node->places & ((1ull << place) - 1));
}

static inline unsigned node_size(const struct hash_node *node)
{
	return (unsigned)__builtin_popcountll(node->places);
}

const struct world_subscriber *hash_trie_find(uintptr_t root, enum subscriber_text which,
					      struct str text)
{
	struct hash_path p = {.text = text};
	uintptr_t        at = root;

	while (at != 0 && !is_leaf(at)) {
		const struct hash_node *node = node_of(at);
		unsigned                place = hash_path_next(&p);

		if ((node->places >> place & 1) == 0)
			return NULL;
		at = node->slots[node_index(node, place)];
	}
	return at != 0 && str_eq(subscriber_text(leaf_of(at), which), text) ? leaf_of(at) : NULL;
}

static struct hash_node *node_new(struct world_change *c, uint64_t places)
{
	unsigned          size = (unsigned)__builtin_popcountll(places);
	struct hash_node *node = malloc(sizeof(*node) + size * sizeof(node->slots[0]));

	if (node == NULL) {
		change_short_of_memory(c);
		return NULL;
	}
	node->made = c->index->made;
	node->places = places;
	return node;
}

/* The node at *at as this change's own. NULL: memory is short. */
static struct hash_node *node_own(struct world_change *c, uintptr_t *at)
{
	struct hash_node *old = node_of(*at), *node;

	if (old->made == c->index->made)
		return old;
	node = node_new(c, old->places);
	if (node == NULL || !change_replaced(c, PART_BLOCK, old)) {
		free(node);
		return NULL;
	}
	memcpy(node->slots, old->slots, node_size(old) * sizeof(node->slots[0]));
	*at = (uintptr_t)node;
	return node;
}

/* Our own node at *at gets a slot where it has none. */
static bool node_insert(struct world_change *c, uintptr_t *at, unsigned place, uintptr_t what)
{
	struct hash_node *node = node_of(*at);
	unsigned          size = node_size(node), index = node_index(node, place);

	node = realloc(node, sizeof(*node) + (size + 1) * sizeof(node->slots[0]));
	if (node == NULL)
		return change_short_of_memory(c);
	memmove(&node->slots[index + 1], &node->slots[index],
		(size - index) * sizeof(node->slots[0]));
	node->slots[index] = what;
	node->places |= 1ull << place;
	*at = (uintptr_t)node;
	return true;
}

/* A leaf gets a neighbour: nodes with one slot as far as their hashes agree, then one with two. */
static bool put_beside(struct world_change *c, uintptr_t *at, struct hash_path mine,
		       enum subscriber_text which, uintptr_t leaf)
{
	struct hash_path its = hash_path_at(subscriber_text(leaf_of(*at), which), mine.level);

	while (mine.level < LEVELS_MAX) {
		unsigned          a = hash_path_next(&mine), b = hash_path_next(&its);
		struct hash_node *node = node_new(c, 1ull << a | 1ull << b);

		if (node == NULL)
			return false;
		node->slots[a > b] = leaf;
		node->slots[a < b] = *at;
		*at = (uintptr_t)node;
		if (a != b)
			return true;
		at = &node->slots[0];
	}
	return change_refuse(c, "a subscriber cannot be told from another by its hash");
}

bool hash_trie_put(struct world_change *c, enum subscriber_text which,
		   const struct world_subscriber *s, const struct world_subscriber **old)
{
	uintptr_t       *at = &c->index->subscribers[which], leaf = (uintptr_t)s | 1u;
	struct hash_path p = {.text = subscriber_text(s, which)};

	*old = NULL;
	while (*at != 0 && !is_leaf(*at)) {
		struct hash_node *node = node_own(c, at);
		unsigned          place = hash_path_next(&p);

		if (node == NULL)
			return false;
		if ((node->places >> place & 1) == 0)
			return node_insert(c, at, place, leaf);
		at = &node->slots[node_index(node, place)];
	}
	if (*at != 0 && !str_eq(subscriber_text(leaf_of(*at), which), p.text))
		return put_beside(c, at, p, which, leaf);
	*old = *at != 0 ? leaf_of(*at) : NULL;
	*at = leaf;
	return true;
}

/* Our own node at *at loses a slot; it has another. */
static void node_remove(uintptr_t *at, unsigned place)
{
	struct hash_node *node = node_of(*at), *less;
	unsigned          size = node_size(node), index = node_index(node, place);

	memmove(&node->slots[index], &node->slots[index + 1],
		(size - index - 1) * sizeof(node->slots[0]));
	node->places &= ~(1ull << place);
	less = realloc(node, sizeof(*node) + (size - 1) * sizeof(node->slots[0]));
	if (less != NULL)
		*at = (uintptr_t)less;
}

bool hash_trie_take(struct world_change *c, enum subscriber_text which, struct str text)
{
	uintptr_t       *at = &c->index->subscribers[which], *nodes[LEVELS_MAX];
	unsigned         places[LEVELS_MAX], n = 0;
	struct hash_path p = {.text = text};

	for (; !is_leaf(*at); n++) {
		struct hash_node *node = node_own(c, at);

		if (node == NULL)
			return false;
		nodes[n] = at;
		places[n] = hash_path_next(&p);
		ASSERT((node->places >> places[n] & 1) != 0);
		at = &node->slots[node_index(node, places[n])];
	}
	ASSERT(str_eq(subscriber_text(leaf_of(*at), which), text));
	if (n == 0) {
		*at = 0;
		return true;
	}
	node_remove(nodes[n - 1], places[n - 1]);
	while (n-- > 0) { /* a leaf that is alone hangs higher */
		struct hash_node *node = node_of(*nodes[n]);

		if (node_size(node) > 1 || !is_leaf(node->slots[0]))
			break;
		*nodes[n] = node->slots[0];
		free(node);
	}
	return true;
}

void hash_trie_free(uintptr_t root, uint64_t since, bool leaves_too)
{
	struct hash_node *node = node_of(root);

	if (root == 0)
		return;
	if (is_leaf(root)) {
		if (leaves_too && leaf_of(root)->made >= since)
			free(leaf_of(root));
		return;
	}
	if (node->made < since)
		return;
	for (unsigned i = 0; i < node_size(node); i++)
		if (leaves_too || !is_leaf(node->slots[i]))
			hash_trie_free(node->slots[i], since, leaves_too);
	free(node);
}

bool hash_trie_each(uintptr_t root, bool (*visit)(void *user, const struct world_subscriber *s),
		    void     *user)
{
	const struct hash_node *node = node_of(root);

	if (root == 0)
		return true;
	if (is_leaf(root))
		return visit(user, leaf_of(root));
	for (unsigned i = 0; i < node_size(node); i++)
		if (!hash_trie_each(node->slots[i], visit, user))
			return false;
	return true;
}
