/*
 * How a record of the directory changes: a plan of what the next one holds, then the record written
 * in one piece. Pure; the directory's writer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "proto/proto.h"

/* Is it reached over this stream? */
static inline bool binding_is_over(const struct proto_binding *b, const struct session_ref *stream)
{
	return b->stream && b->session.index == stream->index &&
	       b->session.generation == stream->generation && b->session.worker == stream->worker &&
	       b->session.protocol == stream->protocol;
}

struct record_plan { /* bindings lent from the old record and from the change */
	unsigned count;
	struct {
		struct proto_binding binding;
		const char          *text; /* that its offsets are of */
	} items[PROTO_BINDINGS_MAX];
};

/*
 * old: may be NULL. What has expired is left out; a binding of a key that is there takes its place
 * and its id, others get an id of *ids; that of change->remove_id is left out, and
 * change->features_alone is what it says. REGISTRATION_ORDER: the change is older than what is
 * there (same call, sequence not higher: RFC 3261 10.3.7); REGISTRATIONS_FULL: too many bindings or
 * too much text. Then *plan is not to be used.
 */
enum reason record_plan(struct record_plan *plan, const struct proto_record *old,
			const struct proto_registration *change, uint64_t now_us, uint32_t *ids);

/* What is left of a record when a stream is gone. */
void record_plan_without(struct record_plan *plan, const struct proto_record *old,
			 const struct session_ref *stream, uint64_t now_us);

/* Bytes of the record, address and all. */
size_t record_size(const struct record_plan *plan, struct str address);
void   record_write(struct proto_record *r, const struct record_plan *plan, struct str address);
