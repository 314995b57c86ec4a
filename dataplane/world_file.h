/*
 * The world in force, kept so that the dataplane starts alone: state_dir/world.img (an image,
 * replaced by rename) and state_dir/world.log (the deltas since, appended before they are in
 * force). What is written survives the death of the process at any point; a record that was cut by
 * it is cut off at the next start, which leaves an earlier version whole. Management thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"

struct world_file {
	int      dir, log; /* descriptors */
	uint64_t id; /* of the image; the log begins with the id of the image that it continues */
	uint64_t image_size, log_size; /* bytes of content */
	bool     behind;   /* a write failed: what is kept is older than what is in force */
	bool     unsynced; /* written, and not yet asked to be on disk */
};

/* 0 or -errno. */
int  world_file_open(struct world_file *f, const char *state_dir);
void world_file_close(struct world_file *f);

/*
 * Calls apply for the image, then for each delta, until it returns false: what it did not take is
 * cut off. Returns how many it took; damaged counts what was cut (a torn record, an image of a
 * wrong checksum).
 */
unsigned world_file_load(struct world_file *f, bool (*apply)(void *user, struct cur bytes),
			 void *user, unsigned *damaged);

/* 0 or -errno; after a failure `behind` is set until an image is written. */
int world_file_append(struct world_file *f, struct cur delta);
int world_file_replace(struct world_file *f, struct cur image);

/* Has the log grown so large beside its image that a new image is due? */
bool world_file_is_long(const struct world_file *f);
/* To the disk: may take long; the file system has begun by itself when the image was written. */
void world_file_sync(struct world_file *f);
