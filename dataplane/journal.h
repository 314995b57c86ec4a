/*
 * A file of state_dir to which records are appended, so that a process that is killed has a
 * successor that knows them: a head, then records of bytes, each with its size and a checksum,
 * 0600. Records wait in memory until journal_flush(), one write for many; there they outlive the
 * process, and a machine as far as its disk does. What is torn or damaged ends the file: nothing
 * after it is read.
 *
 * The file grows until a new one takes its place: journal_renew(), then whoever knows which records
 * are of use adds them over as many turns as he likes, with journal_append() going to both, then
 * journal_renewed(). Errors are logged, once each time that they begin; while there are any,
 * nothing is kept, and the next renewal ends that. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"

#define JOURNAL_RECORD_MAX 16384u

struct journal_file {
	int      fd; /* -1: none */
	uint64_t size;
	size_t   used; /* bytes of room that are not written yet */
	uint8_t *room;
};

struct journal {
	int                 dir;
	char                name[32], next_name[40];
	struct journal_file file, next;
	uint64_t            renewed_size; /* of the file when it was new */
};

/* Of the folder; reads what is there, each record in order, lent; take() returns false for one that
 * is none of its own, which ends the reading as damage does. *lost: bytes that were not read. 0 or
 * -errno. */
int  journal_open(struct journal *j, const char *dir, const char *name,
		  bool (*take)(void *user, struct cur record), void *user, uint64_t *lost);
void journal_close(struct journal *j); /* what was not flushed is lost */

void journal_append(struct journal *j, const void *bytes, size_t n);
void journal_flush(struct journal *j);

/* Is it more than twice what it was when new, and not small; or is there none? */
bool               journal_is_long(const struct journal *j);
bool               journal_renew(struct journal *j); /* false: it failed */
static inline bool journal_is_renewing(const struct journal *j)
{
	return j->next.fd >= 0;
}
/* A record that is of use, while it is being renewed. */
void journal_renew_append(struct journal *j, const void *bytes, size_t n);
void journal_renewed(struct journal *j);
