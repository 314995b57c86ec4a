/* Where peers are found: put by control as it learns it, and kept while their hosts stay the same.
 */
#include "world/change.h"

#include <stdlib.h>
#include <string.h>

static bool put_copy(struct world_change *c, uint32_t slot, const struct world_addresses *addresses)
{
	struct world_addresses *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return change_short_of_memory(c);
	*copy = *addresses;
	return change_made(c, PART_BLOCK, copy) && pages_addresses(c, slot, copy);
}

bool addresses_apply(struct world_change *c, const struct delta_op *op)
{
	struct cur                    bytes = op->bytes;
	uint8_t                       size = cur_u8(&bytes);
	struct str                    name = {(const char *)cur_bytes(&bytes, size), size};
	const struct world_peer      *peer;
	const struct world_addresses *before;
	struct world_addresses        addresses;

	if (bytes.failed || !world_addresses_unpack(&bytes, &addresses) || cur_left(&bytes) > 0)
		return change_refuse(c, "%s", "addresses of a peer in the delta cannot be read");
	peer = world_peer_find(c->world, name);
	if (peer == NULL)
		return change_refuse(c, "peer %.*s: there is none that could have addresses",
				     (int)(name.n < 64 ? name.n : 64), name.p);
	before = world_peer_addresses(c->world, peer->slot);
	return (before != NULL && world_addresses_equal(before, &addresses)) ||
	       put_copy(c, peer->slot, &addresses);
}

bool addresses_follow(struct world_change *c, const struct world_peer *peer,
		      const struct world_peer *before)
{
	const struct world_addresses *known = c->from != NULL && before != NULL
						      ? world_peer_addresses(c->from, before->slot)
						      : NULL;
	bool same = before != NULL && strcmp(before->conf->host, peer->conf->host) == 0;

	if (known == NULL)
		return true;
	if (!c->image)
		return same || pages_addresses(c, peer->slot, NULL);
	return !same || put_copy(c, peer->slot, known);
}
