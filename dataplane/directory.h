/*
 * The directory: where every address of record is reached now (struct proto_record). One lock-free
 * hash table of immutable records, read by all workers under RCU and written by one thread, which
 * takes changes from the workers and from the management thread by ring, publishes them, waits
 * until every worker has seen them and then confirms; a worker answers the peer only then. The
 * thread also ends what expires, and what was reached over a stream that is gone (RFC 5626, 4.2).
 * In a simulation its turns are taken by the one thread there is.
 *
 * Registrations over datagrams outlive the process: the thread writes them to a journal before it
 * confirms them, and a successor begins with them (directory_store.h). Those over streams end with
 * their connections.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/now.h"
#include "net/net.h"
#include "proto/proto.h"

#include "directory_store.h"

struct directory;

#define DIRECTORY_CHANGES_MAX 1024u /* of one worker, not yet confirmed */
#define DIRECTORY_ENDED_MAX 1024u   /* streams of one worker, not yet taken */

/* producers: workers and the management thread; max: addresses. NULL: no memory. */
struct directory *directory_new(unsigned producers, uint32_t max, uint64_t seed);
void              directory_free(struct directory *d);

/*
 * Before any other call but directory_new(): registrations are kept in a folder, and those that a
 * predecessor kept there are found from here on. places: lent for good; now: with the wall clock.
 * What cannot be read is told in the log. 0, or -errno: nothing is kept. Main thread, registered or
 * not.
 */
int directory_keep(struct directory *d, const char *folder, const struct store_places *places,
		   struct now now);

/* ---- reading: any registered thread between its quiescent states ---- */

const struct proto_record  *directory_find(const struct directory *d, unsigned protocol,
					   struct str address);
const struct proto_binding *directory_binding(const struct proto_record *r, uint32_t id);

/* ---- a producer: worker k is producer k, the management thread the last ---- */

/* Ask for a change by the session `origin`, over which its bindings are reached; stream: over it
 * alone. NONE: one answer follows. QUEUE_FULL: too many are asked for; MESSAGE_SIZE: more text than
 * a record takes. */
enum reason directory_ask(struct directory *d, unsigned producer, unsigned protocol,
			  struct session_ref origin, bool stream,
			  const struct proto_registration *r);

/* A stream is gone, and with it what is reached over it, also what was asked for before; no answer
 * follows. False: there are too many, ask again later. */
bool directory_ended(struct directory *d, unsigned producer, struct session_ref session);

struct directory_answer {
	struct session_ref origin;
	uint64_t           token;
	enum reason        why; /* NONE: it is in force */
	bool               has_lost;
	struct session_ref lost;       /* whose binding was taken over */
	bool               hands_over; /* as was asked */
	uint64_t           word;
};
/* Returns how many, at most max. */
unsigned directory_answers(struct directory *d, unsigned producer,
			   struct directory_answer answers[], unsigned max);

/* ---- management thread ---- */

/* Forget an address of record, in the journal too within a minute, and wait (at most a second)
 * until that is in force. False: there is none. */
bool directory_remove(struct directory *d, unsigned producer, unsigned protocol,
		      struct str address);
/* Each record; visit() returns false to stop. A moment's view of each. */
void     directory_each(const struct directory *d,
			bool (*visit)(void *user, unsigned protocol, const struct proto_record *r),
			void *user);
uint64_t directory_addresses(const struct directory *d);
uint64_t directory_bindings(const struct directory *d);
/* Addresses that are telephone numbers; any thread. */
uint64_t directory_numbers(const struct directory *d);

/* ---- the writer ---- */

/* Take what is there, publish, confirm, expire. Returns whether there was anything. */
bool       directory_turn(struct directory *d, struct now now);
struct now directory_now(void); /* by both clocks of the machine */
/* The thread: turns until *stop, asleep at most a millisecond while idle. */
struct directory_thread {
	struct directory   *directory;
	const _Atomic bool *stop;
};
void *directory_run(void *thread);
