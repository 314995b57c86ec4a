/*
 * Message ids: a zero bit, the node in 7 bits, the worker in 8, a sequence in 48. As text an id is
 * decimal without leading zeros, at most 19 digits: it fits every protocol's field. 0 is no id.
 * Pure; any thread. DESIGN.md 3.3.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define MSG_ID_NODE_MAX 127u
#define MSG_ID_WORKER_MAX 255u
#define MSG_ID_SEQUENCE_MAX ((UINT64_C(1) << 48) - 1)
#define MSG_ID_TEXT_SIZE_MAX 19u

/* The parts must be within their limits: who leases sequences sees to it. */
uint64_t msg_id_make(unsigned node, unsigned worker, uint64_t sequence);

static inline unsigned msg_id_node(uint64_t id)
{
	return (unsigned)(id >> 56);
}

static inline unsigned msg_id_worker(uint64_t id)
{
	return (unsigned)(id >> 48) & 0xff;
}

static inline uint64_t msg_id_sequence(uint64_t id)
{
	return id & MSG_ID_SEQUENCE_MAX;
}

/* Writes the decimal form, without NUL, and returns its size. */
size_t msg_id_text(uint64_t id, char room[MSG_ID_TEXT_SIZE_MAX]);

/* The whole of s as msg_id_text() writes it; false for anything else: empty, a sign, a leading
 * zero, above 63 bits. */
bool msg_id_parse(struct str s, uint64_t *id);
