/*
 * Where the recipient of a message is registered: its addresses of record in every protocol, looked
 * up in the directory. What is lent is lent until the thread is quiescent.
 */
#pragma once

#include <stdbool.h>

#include "proto/proto.h"
#include "world/world.h"

struct conn;
struct dataplane;
struct worker;

#define REGISTERED_MAX 16u

/* Streams that are gone and of which the directory does not know yet, in order. */
struct registered_ended {
	struct session_ref *list; /* [max] */
	uint32_t            max, first, count;
};

int  registered_init(struct worker *w, uint32_t streams_max); /* 0 or -ENOMEM */
void registered_free(struct worker *w);

struct registered {
	const struct proto_record  *record;
	const struct proto_binding *binding;
	unsigned                    protocol;
};

/* The places where somebody is reached, in the order in which they are tried. */
struct registered_places {
	unsigned n;
	unsigned first;          /* so many of them before the next targets of a route, the rest
				    after those */
	bool              alone; /* the next targets are not for this recipient */
	struct registered at[REGISTERED_MAX];
};

/* Whose address in normal form this is: a number, or an address of record in any protocol. Of a
 * user and domain that nobody has in its own, who has them in another. NULL: nobody's. */
const struct world_subscriber *registered_subscriber(const struct world *world, struct str to);

/* Of an address in normal form, in the order of its subscriber (reach), of one without in the
 * protocol of the address first; in each protocol best first. Any registered thread. */
void registered_find(const struct dataplane *dp, const struct world *world, struct str to,
		     uint64_t now_us, struct registered_places *found);
/* All of them, whatever the order says, and those that are only for messages which name them. */
void registered_all(const struct dataplane *dp, const struct world *world, struct str of,
		    uint64_t now_us, struct registered_places *found);
/* In which protocols that is: bits by index, as rules ask (RULES_NOBODY: in none). *abilities: what
 * is taken at one of them at least, bits of enum msg_ability. */
uint32_t registered_in(const struct dataplane *dp, const struct world *world, struct str to,
		       uint64_t now_us, uint32_t *abilities);
/* Are they addresses of one recipient? */
bool registered_same(const struct world *world, struct str one, struct str other);

/* Whose registrations a message goes to. */
static inline struct str registered_address(const struct msg *m)
{
	return msg_addr(m, m->copy == MSG_COPY_SENT ? &m->from : &m->to);
}

/* The same of whom a message is for, and before all others the place that it names (to_place). A
 * MSG_NATIVE goes to its own protocol alone, and to no place but the one that it names, and so does
 * what is for that place (there); a copy to that place alone; to all of them the order says
 * nothing.
 */
void registered_find_for(const struct dataplane *dp, const struct world *world, const struct msg *m,
			 uint64_t now_us, struct registered_places *found);
/* The session to which a worker hands a message of somebody for there: of the one that has their
 * chat, else of its own, where that does as well. */
struct session_ref registered_session(const struct worker *w, const struct registered *place,
				      struct str from);
/* One of them, for the session of the protocol that submits to it. False: it is gone. */
bool registered_target(const struct worker *w, unsigned protocol, struct str to, uint32_t binding,
		       struct proto_target *target);
/* What a session of this worker asks the directory for; and the answers that have come, for their
 * sessions. Returns how many. */
void     registered_change(struct worker *w, struct conn *c, const struct proto_registration *r);
unsigned registered_answers(struct worker *w);
/* Another session has its place: it ends, or hands over. */
struct registered_loss {
	struct session_ref lost, by; /* by: who is answered when it has handed over */
	uint64_t           token, word;
	bool               hands_over;
};
void registered_replaced(struct worker *w, const struct registered_loss *loss);
/* A message to one of them came back: it leads nowhere any more, and ends. Where the directory has
 * no room for the question, that is found out by the next message. */
void registered_way_gone(struct worker *w, struct conn *c, const struct msg *m, uint32_t binding);
/* A stream over which something registered is gone. */
void registered_ended(struct worker *w, struct conn *c);
/* Management thread: the address is nobody's any more, or somebody else's: it is registered
 * nowhere, and the sessions that logged in as it end. */
void registered_gone(struct dataplane *dp, struct str address);
/* Control has something for the user of the address: one of its streams is told. *told: there is
 * one. False: a worker does not answer. */
bool registered_notice(struct dataplane *dp, struct str address, bool *told);
/* Is it an address in a domain of one of our listeners? Then it needs no route. */
bool registered_here(const struct dataplane *dp, struct str address);
