/*
 * Where the recipient of a message is registered: its addresses of record in every protocol, looked
 * up in the directory. Worker; what is lent is lent until the worker is quiescent.
 */
#pragma once

#include <stdbool.h>

#include "proto/proto.h"

struct worker;
struct conn;

#define REGISTERED_MAX 16u

struct registered {
	struct session_ref session; /* that reaches it */
	uint32_t           binding;
};

/* Best first; returns how many. */
unsigned registered_find(const struct worker *w, const struct msg *m,
			 struct registered places[REGISTERED_MAX]);
/* One of them, for the session of the protocol that submits to it. False: it is gone. */
bool registered_target(const struct worker *w, unsigned protocol, const struct msg *m,
		       uint32_t binding, struct proto_target *target);
/* What a session of this worker asks the directory for; and the answers that have come, for their
 * sessions. Returns how many. */
void     registered_change(struct worker *w, struct conn *c, const struct proto_registration *r);
unsigned registered_answers(struct worker *w);
/* Is it an address in a domain of one of our listeners? Then it needs no route. */
bool registered_here(const struct worker *w, struct str address);
