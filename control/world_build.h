/* From objects at rest to what the dataplane gets: secrets in the form it checks, deltas, images.
 * Main thread of control. */
#pragma once

#include "world/world.h"

#include "control.h"

/* Put the object (its secret sealed) into a delta. 0, -EBADMSG (its secret cannot be opened). */
int world_build_put(struct control *c, struct world_delta *d, enum conf_kind kind, const char *key,
		    void *object);
/* What it adds to the world's checksum: the digest of what the dataplane gets. Rules: 0, as their
 * image counts. */
int world_build_digest(struct control *c, enum conf_kind kind, const char *key, void *object,
		       uint64_t *digest);

/* The whole world as committed; and from an earlier version that db_version_reaches(). The caller
 * frees d, whatever is returned. */
int world_build_image(struct control *c, struct world_delta *d);
int world_build_since(struct control *c, uint64_t version, struct world_delta *d);
