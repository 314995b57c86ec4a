/* Inside lib/world: how a delta's bytes are laid out, and how they are verified and read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "conf/model.h"

#define DELTA_MAGIC 0x43504d57u /* "CPMW" */
#define DELTA_FORMAT 1u
#define DELTA_HEADER_SIZE 40u
#define DELTA_HASH_SIZE 8u
#define DELTA_OP_SIZE 6u /* before its bytes: what, kind, size */

enum delta_what { DELTA_PUT = 1, DELTA_REMOVE, DELTA_RULES, DELTA_ADDRESSES };

struct delta {
	uint64_t   from_version, to_version, checksum_after;
	struct cur ops;
};

struct delta_op {
	enum delta_what what;
	enum conf_kind  kind;
	struct cur      bytes;
};

/* Length, hash and the frames of all operations. NULL: good; else what is wrong. */
const char *delta_read(struct cur in, struct delta *delta);

/* The next operation of a delta that delta_read() found good; false at the end. */
bool delta_next(struct cur *ops, struct delta_op *op);
