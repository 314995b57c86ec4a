/*
 * Inside lib/world: a persistent index of subscribers by one of their texts. Six bits of the text's
 * hash choose a slot of each node, of which only those in use are there; a subscriber hangs as high
 * as it is alone. A change copies the nodes on its path, changes its own in place, and puts older
 * ones on its list of what was replaced.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "world/change.h"

/* NULL: none has the text. */
const struct world_subscriber *hash_trie_find(uintptr_t root, enum subscriber_text which,
					      struct str text);

/* Hangs s under its text, in place of *old that had the same (NULL: none had). False: it refused,
 * and s hangs nowhere. */
bool hash_trie_put(struct world_change *c, enum subscriber_text which,
		   const struct world_subscriber *s, const struct world_subscriber **old);

/* Takes out the one with the text, which must be there. False: memory is short. */
bool hash_trie_take(struct world_change *c, enum subscriber_text which, struct str text);

/* Frees the nodes made since, and where asked to the subscribers made since as well. Where a
 * node is older, all below it is. */
void hash_trie_free(uintptr_t root, uint64_t since, bool leaves_too);

/* Every subscriber, until visit returns false, which is then the result. */
bool hash_trie_each(uintptr_t root, bool (*visit)(void *user, const struct world_subscriber *s),
		    void     *user);
