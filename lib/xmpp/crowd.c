#include "xmpp/crowd.h"

#include "base/assert.h"

static uint16_t *place(struct xmpp_crowd *crowd, unsigned row, uint64_t hash)
{
	return &crowd->counts[row][(row == 0 ? hash : hash >> 32) % XMPP_CROWD_PLACES];
}

bool xmpp_crowd_enter(struct xmpp_crowd *crowd, uint64_t hash, uint16_t max)
{
	uint16_t *one = place(crowd, 0, hash), *other = place(crowd, 1, hash);

	if ((*one < *other ? *one : *other) >= max || *one == UINT16_MAX || *other == UINT16_MAX)
		return false;
	(*one)++;
	(*other)++;
	return true;
}

void xmpp_crowd_leave(struct xmpp_crowd *crowd, uint64_t hash)
{
	uint16_t *one = place(crowd, 0, hash), *other = place(crowd, 1, hash);

	ASSERT(*one > 0 && *other > 0);
	(*one)--;
	(*other)--;
}
