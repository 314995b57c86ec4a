/*
 * Addresses that what we sent has reached: something came back from there that only who got it can
 * say. To all others over UDP goes no more than comes from there and one answer, as whoever sends
 * may have forged where it comes from. A table of fixed size, each address at one place; who is put
 * out of it, or has not been heard of for SIP_REACHED_US, is one of the others. One worker;
 * constant time.
 */
#pragma once

#include <stdbool.h>

#include "base/hash.h"
#include "base/now.h"
#include "proto/flow.h"

#define SIP_REACHED_SIZE 1024u
#define SIP_REACHED_US (600 * US_PER_SECOND)

struct sip_reached {
	struct hash_key key; /* so that nobody chooses whom he puts out */
	struct {
		uint64_t address; /* hashed */
		uint64_t until_us;
	} entries[SIP_REACHED_SIZE];
};

void sip_reached_init(struct sip_reached *r, struct hash_key key); /* zeroed */
void sip_reached_add(struct sip_reached *r, struct now now, const struct flow *from);
bool sip_reached_find(const struct sip_reached *r, struct now now, const struct flow *from);
