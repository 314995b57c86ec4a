/*
 * A secret that stays the same over restarts and that nobody else has: 32 random bytes in
 * state_dir/dataplane.key (0600), made when there is none. What is derived from it (the salts that
 * users who do not exist seem to have) does not tell who does. Main thread, at the start.
 */
#pragma once

#include "proto/proto.h"

/* Where it cannot be kept, which is logged, it is another one in each run. 0; or -errno: there is
 * none at all. */
int kept_secret_open(const char *state_dir, uint8_t secret[PROTO_KEPT_SECRET_SIZE]);
