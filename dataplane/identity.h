/*
 * Keys and certificates of signed identities, as cpm.yaml names them (stir/store.h). Main thread,
 * at the start; each worker gets a store of its own.
 */
#pragma once

#include <assert.h>

#include "conf/conf.h"
#include "stir/store.h"

static_assert(CONF_CERTIFICATES_MAX <= STIR_CERTIFICATES_MAX, "all of a file fit");

/* False: error says why. *store: the caller's; NULL: there are neither. */
bool identity_open(const struct conf_file *file, struct stir **store, char error[STIR_ERROR_SIZE]);
/* Tells of those that are not valid at the time. */
void identity_warn(const struct stir *store, uint64_t wall_ms);
