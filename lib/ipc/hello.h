/* The greeting of the channel: what each side is, and where it stands. Pure. DESIGN.md 5. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/put.h"

struct ipc_platform { /* hs_platform_info_t, field by field */
	uint32_t tune;
	uint64_t features, reserved[2];
};

struct ipc_hello {
	uint64_t            channel;                       /* ipc_version() */
	uint64_t            objects;                       /* ipc_objects_version() */
	uint64_t            boot_id;                       /* random at each start */
	uint64_t            world_version, world_checksum; /* 0: none */
	uint32_t            workers; /* arrays in the counters' memfd; 0 from control */
	struct ipc_platform platform;
	char                hyperscan[64];
};

/* Hash of keys.def: the form in which objects travel. */
uint64_t ipc_objects_version(void);

bool ipc_hello_pack(const struct ipc_hello *hello, struct put *to);
/* false: damaged. A hello of another channel version gives its version and nothing else. */
bool ipc_hello_unpack(struct cur from, struct ipc_hello *hello);
