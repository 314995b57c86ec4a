/*
 * Which worker has the chat of a device with somebody (proto.h: chat_begun()), so that what another
 * one has for the device is handed to it and said there. All workers share one word for each of
 * CHATS_MARKS hashes of a pair. A word is a hint: two pairs may want the same one, and who began
 * last has it; whoever follows one that is wrong finds no chat, and nothing else is different.
 * Worker.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

#define CHATS_MARKS 65536u

struct worker;

struct chats {
	struct hash_key   key;
	_Atomic uint64_t *marks; /* [CHATS_MARKS]: hash, and number of the worker + 1 in its lowest
				    byte; 0: none */
	_Atomic uint32_t open;   /* marks that were made and not yet taken back */
};

int  chats_init(struct chats *c, uint64_t shared_seed); /* 0 or -ENOMEM */
void chats_free(struct chats *c);

/* This worker has it. The result is for chats_over(), once. device: its address of record; other:
 * in normal form, the same whatever protocol it is of; of what is longer than an address may be
 * there is no mark. */
uint64_t chats_begun(struct worker *w, struct str device, struct str other);
/* another: this worker has one more of the same two, whose mark it is, too. */
void chats_over(struct worker *w, uint64_t mark, bool another);
/* Has another worker the same two since? */
bool chats_taken(const struct worker *w, uint64_t mark);
/* Who has it; this worker, where nobody is known to. */
unsigned chats_worker(const struct worker *w, struct str device, struct str other);
