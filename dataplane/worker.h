/*
 * A worker: one poll-mode loop that owns its connections, its messages and its transport instances.
 * All functions that take a struct worker run on that worker's thread (or in the one thread of a
 * simulation); `now` and `world` hold for one turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/now.h"
#include "limit/limit.h"
#include "metrics/metrics.h"
#include "msg/msg.h"
#include "net/net.h"
#include "proto/proto.h"
#include "registry/registry.h"
#include "tcp/tcp.h"
#include "world/world.h"

#include "ask.h"
#include "conflict.h"
#include "conn.h"
#include "conversations.h"
#include "dataplane.h"
#include "deliver.h"
#include "domain.h"
#include "drain.h"
#include "flight.h"
#include "ledger.h"
#include "mailbox.h"
#include "parts.h"
#include "pipeline.h"
#include "receipts.h"
#include "registered.h"
#include "search.h"
#include "services.h"
#include "session.h"
#include "xcore.h"

#define WORKER_BURST 64u
#define WORKER_EVENTS 256u /* of connections, handled in one turn */
#define WORKER_OUT_SIZE                                                                            \
	(160u *                                                                                    \
	 1024u) /* the largest that one hook writes, and what a session answers while it parts */
#define WORKER_POOL_RESERVE 256u /* message blocks below which nobody is read from */

struct worker {
	/* Written each turn. */
	struct now          now;
	const struct world *world; /* lent for the turn; NULL before the first */
	struct metrics     *metrics;
	struct net         *net;
	struct tcp         *tcp;
	struct msg_pool    *msgs;
	struct msg         *spare; /* an empty record for the next feed(), or NULL */
	bool pool_low; /* the spare is of the reserve: for answers to be read, not for messages */
	unsigned          number;
	uint64_t          sequence; /* of the next message id */
	struct dataplane *dp;
	struct worker_io  io;
	unsigned          port_count;

	struct conns            conns;
	struct pipeline         pipeline;
	struct flights          flights;
	struct deliveries       deliveries;
	struct receipts         receipts;
	struct parts            parts;
	struct conversations    conversations;
	struct xcore            xcore;
	struct mailbox          mailbox;
	struct conflict         conflict;
	struct sources          sources;
	struct registered_ended ended;
	struct asks             asks;
	struct searches         searches;
	struct domains          domains;
	struct following        following;

	struct inheritance inheritance; /* of a predecessor that was killed */

	struct limit_lease   *account_leases, *peer_leases, *rule_leases;
	void                 *instances[PROTO_COUNT], *blocks[PROTO_COUNT];
	void                 *remembered[PROTO_COUNT];
	size_t                block_bytes[PROTO_COUNT], remembered_bytes[PROTO_COUNT];
	struct proto_services services; /* for the instances */
	void                 *pool_memory;
	uint64_t              parties_seen;   /* world->parties_version that the sessions follow */
	uint64_t              addresses_seen; /* the same for world->addresses_made */
	uint64_t              peers_next_us;  /* next look at peers that are to be connected */
	uint8_t              *out_room;       /* [WORKER_OUT_SIZE] */
	char                 *text_room;      /* for the rules: UTF-8 of one message */
	uint8_t              *body_room;      /* for bodies that straddle blocks */
	struct drain          drain;
	struct stir          *stir; /* or NULL */
};

/* Of two deadlines. */
static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct worker_config {
	struct dataplane            *dp;
	unsigned                     number;
	const struct conf_dataplane *conf;
	const struct net_config     *net;
	const struct ledger         *ledger; /* or NULL */
	unsigned                     workers;
	struct rte_mempool          *pool;
	struct worker_io             io;
	uint64_t                     seed, shared_seed;
	const uint8_t               *kept_secret; /* [PROTO_KEPT_SECRET_SIZE] */
	struct stir                 *stir;        /* the worker takes it; NULL: none */
};

/* On the main thread before the worker runs. 0 or -ENOMEM. */
int  worker_init(struct worker *w, const struct worker_config *config);
void worker_free(struct worker *w);

/* One turn. Returns whether there was work. *next_us: when something is due even if nothing
 * arrives. */
bool worker_turn(struct worker *w, struct now now, const struct world *world, uint64_t *next_us);

/* The loop of an lcore: turns until dp->stopping, and everybody has been parted from (drain.h).
 * idle_sleeps: DESIGN.md 2.3. */
void worker_run(struct worker *w, bool idle_sleeps);
