#include "sip/nonce.h"

#include <assert.h>
#include <stddef.h>

static_assert(sizeof(struct sip_nonce_set) == 128, "five nonces in two cache lines");

#define UNIT_SHIFT 16u /* 2^32 of them are 8.9 years */
#define WINDOW 64u

/* In units. Workers read the clock each in its own turn, so that a nonce of another may be from a
 * little later than now: it is new. */
static uint32_t age(uint32_t now, uint32_t then)
{
	uint32_t units = now - then;

	return units <= UINT32_MAX / 2 ? units : 0;
}

static bool mark(struct sip_nonce_use *u, uint32_t nc)
{
	uint32_t behind;

	if (nc > u->highest) {
		uint32_t ahead = nc - u->highest;

		u->window = ahead < WINDOW ? u->window << ahead | 1 : 1;
		u->highest = nc;
		return true;
	}
	behind = u->highest - nc;
	if (behind >= WINDOW || (u->window >> behind & 1) != 0)
		return false;
	u->window |= 1ull << behind;
	return true;
}

/* A place for another nonce: free, of one whose time is over, or of the one issued first. */
static struct sip_nonce_use *place(struct sip_nonce_set *set, uint32_t now, uint32_t life)
{
	struct sip_nonce_use *first = &set->use[0];

	for (unsigned i = 0; i < SIP_NONCE_WAYS; i++) {
		struct sip_nonce_use *u = &set->use[i];

		if (u->id == 0 || age(now, u->issued) > life)
			return u;
		if (age(now, u->issued) > age(now, first->issued))
			first = u;
	}
	if (!set->bound || age(now, first->issued) < age(now, set->floor))
		set->floor = first->issued;
	set->bound = true;
	return first;
}

bool sip_nonce_use(struct sip_nonce_set *set, uint64_t id, uint64_t issued_us, uint32_t nc,
		   uint64_t now_us, uint64_t life_us)
{
	uint32_t              now = (uint32_t)(now_us >> UNIT_SHIFT);
	uint32_t              issued = (uint32_t)(issued_us >> UNIT_SHIFT);
	uint32_t              life = (uint32_t)(life_us >> UNIT_SHIFT) + 1;
	struct sip_nonce_use *u;

	for (unsigned i = 0; i < SIP_NONCE_WAYS; i++)
		if (set->use[i].id == id && set->use[i].issued == issued)
			return mark(&set->use[i], nc);
	if (set->bound && age(now, set->floor) > life)
		set->bound = false;
	if (set->bound && age(now, issued) >= age(now, set->floor))
		return false;
	u = place(set, now, life);
	*u = (struct sip_nonce_use){.id = id, .window = 1, .highest = nc, .issued = issued};
	return true;
}
