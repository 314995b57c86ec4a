/*
 * What those who can choose it call their conversation (Conversation-ID of CPM), so that an answer
 * that comes by a protocol without conversations goes on in the same one. By the pair of addresses,
 * in normal form and whichever order; the last choice holds.
 *
 * Each worker has all of it: the one that learns an id tells the others by ring, and nobody asks.
 * It is bounded in entries, the longest unused go first, and in time. An id that is not known here,
 * because it was forgotten, was too long or a ring was full, costs no message: the conversation has
 * the id that follows from the two addresses alone. A crash forgets all. Worker.
 */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/str.h"

struct worker;
struct conversation;

#define CONVERSATION_ID_MAX 64u                             /* bytes; a UUID has 36 */
#define CONVERSATION_LIFETIME_US UINT64_C(259200000000)     /* since it was learnt: 72 hours */
#define CONVERSATION_TOLD_US (CONVERSATION_LIFETIME_US / 4) /* when it is learnt anew */

struct conversation_note { /* as it travels between workers */
	uint64_t key_low, key_high;
	uint8_t  id_size;
	char     id[CONVERSATION_ID_MAX];
};

struct conversations {
	struct hash_key      key_low, key_high; /* the same at all workers */
	struct conversation *table;             /* zeroed pages, touched as they are used */
	uint32_t            *buckets;           /* index + 1; 0: empty */
	uint32_t             max, bucket_mask, count;
	struct list          by_use; /* the longest unused first */
};

/* 0 or -ENOMEM. */
int  conversations_init(struct conversations *c, uint32_t max, uint64_t shared_seed);
void conversations_free(struct conversations *c);

/* One of the two calls it so. */
void conversation_learn(struct worker *w, struct str one, struct str other, struct str id);
/* Empty: nobody has. Lent until the next call. */
struct str conversation_find(struct worker *w, struct str one, struct str other);

/* What another worker has learnt. */
void conversations_note(struct worker *w, const struct conversation_note *note);
