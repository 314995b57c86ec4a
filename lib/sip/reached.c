#include "sip/reached.h"

#include <assert.h>

static_assert((SIP_REACHED_SIZE & (SIP_REACHED_SIZE - 1)) == 0,
	      "a hash names an entry by its bits");

/* Ports do not count: what is flooded is the host. */
static uint64_t hash_of(const struct sip_reached *r, const struct flow *f)
{
	return hash_sip(&r->key, f->address, sizeof(f->address));
}

void sip_reached_init(struct sip_reached *r, struct hash_key key)
{
	r->key = key;
}

void sip_reached_add(struct sip_reached *r, struct now now, const struct flow *from)
{
	uint64_t address = hash_of(r, from);
	uint32_t at = address & (SIP_REACHED_SIZE - 1);

	r->entries[at].address = address;
	r->entries[at].until_us = now.us + SIP_REACHED_US;
}

bool sip_reached_find(const struct sip_reached *r, struct now now, const struct flow *from)
{
	uint64_t address = hash_of(r, from);
	uint32_t at = address & (SIP_REACHED_SIZE - 1);

	return r->entries[at].address == address && r->entries[at].until_us > now.us;
}
