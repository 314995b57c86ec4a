/*
 * Registrations that outlive the process: those that are reached by datagrams, which need nothing
 * of it but an address of ours to be sent from. One record of the journal holds what an address of
 * record has of them after a change; the last one counts. Times are kept by the wall clock, and no
 * registration lives longer than it would have, however the clock is set. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/now.h"
#include "base/put.h"
#include "proto/proto.h"

#define STORE_RECORD_MAX 16384u

/* Where datagrams of a protocol come in, and the session that they come to in this run. */
struct store_place {
	struct flow        local;
	struct session_ref session; /* ->protocol: whose */
};

struct store_places {
	unsigned                  count;
	const struct store_place *list;
};

/* How many of its bindings are kept; r may be NULL. */
unsigned store_count(const struct proto_record *r);
/* r: NULL when the address is gone. At most STORE_RECORD_MAX bytes. */
void store_write(const struct store_places *places, struct now now, unsigned protocol,
		 struct str address, const struct proto_record *r, struct put *w);

/*
 * False: it is no such record. Bindings that have expired, or whose place is no more, are left out.
 * The texts are lent from the record.
 */
bool store_read(const struct store_places *places, struct now now, struct cur record,
		unsigned *protocol, struct proto_registration *r);
