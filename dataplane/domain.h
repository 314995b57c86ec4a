/*
 * Open federation: domains that a peer with domain "*" stands for. Each belongs to one worker, by
 * its name, which has the one stream to it: messages of all workers for its users come there by the
 * ring of links, so that their order holds. A domain is connected when there is something for it
 * (search.h), what comes meanwhile waits, and its stream is closed when nothing was sent for long.
 *
 * A domain that could not be reached is not tried for DOMAIN_REST_US, twice as long each time that
 * follows, up to DOMAIN_REST_MAX_US, with up to an eighth more or less drawn: what comes for it is
 * refused at once with the same reason. Its own server proving it here, or an operator, ends that.
 *
 * Never reached, nor let in: domains that listeners serve, of components, of other peers, and those
 * of `except`. All tables are made at start and take memory where they are used; the oldest domain
 * without a stream makes room for a new one. The worker that has the domain, but for domain_heard()
 * and domain_session().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "limit/limit.h"
#include "msg/msg.h"
#include "proto/proto.h"
#include "route/route.h"
#include "world/address.h"
#include "world/world.h"

struct conn;
struct dataplane;
struct worker;

#define DOMAINS_MAX 4096u /* of a worker */
#define DOMAIN_WAITING_MAX 100u
#define DOMAIN_WAITING_BYTES_MAX 262144u
#define DOMAIN_REST_US (30 * US_PER_SECOND)
#define DOMAIN_REST_MAX_US (600 * US_PER_SECOND)
#define DOMAIN_SESSION UINT32_MAX /* index in struct session_ref: whichever leads to the domain */
#define DOMAIN_CONNS_SHARE 4u     /* of all connections, those to domains; as many from them */
#define DOMAIN_MARKS 4096u        /* of domains that were heard of, by their hash */

enum domain_state { DOMAIN_IDLE, DOMAIN_CONNECTING, DOMAIN_UP, DOMAIN_FAILED };

struct domain {
	struct limit_bucket rate; /* of the peer, for this domain alone */
	struct limit_lease  lease;
	struct list         idle; /* without a stream; the one that was used last is the last */
	uint64_t            failed_us, retry_us;
	uint32_t            conn; /* 1 + index; 0: none */
	uint32_t            next; /* 1 + place, of the same bucket */
	uint32_t            failures, waiting_bytes;
	uint8_t             state, why, size; /* why: enum reason, of the last failure */
	char                name[WORLD_DOMAIN_SIZE_MAX];
};

struct domains {
	struct domain *table; /* [DOMAINS_MAX], zeroed pages */
	uint32_t       used;
	uint32_t       buckets[DOMAINS_MAX]; /* 1 + place of the first */
	struct list    idle;
	uint32_t       conns; /* to them */
	uint32_t       peer;  /* slot of the one that stands for all servers, or MSG_SLOT_NONE */
};

int  domains_init(struct worker *w); /* 0 or -ENOMEM */
void domains_free(struct worker *w);

/* ---- routes ---- */

/* Does the target stand for domains? */
bool domains_are_of(const struct worker *w, const struct route_target *target);
/* The target for an address that no route matches and that is not ours. False: there is none. */
bool domains_target(const struct worker *w, struct str to, struct route_target *target);
/* The same of a world, which the caller may read: the domain, and the peer that stands for it.
 * Empty: none does. */
struct str domains_explain(const struct world *world, struct str to,
			   const struct world_peer **peer);
/* Who takes a message for such a target. False: its recipient has no domain. */
bool domain_session(const struct worker *w, const struct msg *m, struct session_ref *to);
/* The peer that stands for all servers; NULL: none does. */
const struct world_peer *domains_peer(const struct worker *w);
/* Is this a domain that is reached and let in here? */
bool domains_admit(const struct worker *w, unsigned protocol, struct str domain);

/* ---- streams ---- */

/* The connection that the message waits for, or goes by. NULL: *result says why not. */
struct conn *domain_conn(struct worker *w, const struct msg *m, struct result *result);
struct str   domain_name(const struct worker *w, const struct conn *c);
bool         domain_rate_allows(struct worker *w, const struct conn *c);
/* The other side has let us in. */
void domain_up(struct worker *w, struct conn *c);
/* It is over, or could not be made: c goes to no domain any more, and says what waits for it why.
 */
void domain_ended(struct worker *w, struct conn *c, enum reason why);

/* Accounts or peers changed; may the connection stay? */
void domains_follow_world(struct worker *w);
bool domain_follows(const struct worker *w, const struct conn *c);

/* The server of the domain has proven it here: it is there. Any worker. */
void domain_heard(struct dataplane *dp, struct str domain, struct now now);
/* A failure is forgotten. False: the domain is not known here. */
bool domain_retry(struct worker *w, struct str domain);
/* The worker that has the domain. Any thread. */
unsigned domain_home(const struct dataplane *dp, struct str domain);
