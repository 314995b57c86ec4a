/*
 * The dataplane process as a whole: what its workers share, and that is little (DESIGN.md 2.4): the
 * published world, link-state lines, leased buckets, rings. Made on the main thread before the
 * workers start, read by all, freed after they have stopped.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/transport.h"
#include "conf/conf.h"
#include "limit/limit.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "proto/proto.h"
#include "world/world.h"

#include "chats.h"
#include "directory_store.h"
#include "link.h"
#include "world_ref.h"

#define DATAPLANE_ERROR_SIZE 512u

struct directory;
struct ledger;
struct worker;
struct port;

/* Where packets come from and go to: the ports of DPDK in production, a wire in virtual time under
 * test. */
struct worker_io {
	unsigned (*receive)(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			    unsigned n);
	unsigned (*transmit)(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			     unsigned n);
	unsigned (*turn)(void *context, unsigned worker,
			 unsigned port); /* other work of the port, once a turn; returns how much
					    there was */
	void *context;
};

/* What all workers change of an account, by its slot. */
struct account_shared {
	struct limit_bucket rate;
	_Atomic uint32_t    sessions; /* relaxed: a count, nothing is published by it */
};

struct listener { /* of cpm.yaml */
	const struct conf_listener *conf;
	struct net_addr             address;
	uint16_t                    port;
};

struct dataplane_config {
	const struct conf_file *file;
	unsigned                workers;
	struct metrics         *metrics; /* one array per worker, zeroed */
	unsigned                port_count;
	struct net_port_config  ports[NET_PORTS_MAX]; /* profiles of the ports as opened */
	struct port            *devices; /* [port_count], lent; NULL: packets come otherwise */
	unsigned                steer_entries;          /* of struct net_config */
	struct rte_mempool     *pools[NET_WORKERS_MAX]; /* packets of each worker */
	struct worker_io        io;
	const struct ledger *ledger; /* or NULL: peers of a killed dataplane find out themselves */
	uint64_t             seed, shared_seed; /* shared: of struct net_config and the ports */
	uint8_t              kept_secret[PROTO_KEPT_SECRET_SIZE];
	uint64_t             sequence_first, sequence_end;
	const char          *state_dir; /* where registrations are kept; NULL: they are not */
	struct now           now;       /* at the start, by both clocks */
};

struct dataplane {
	const struct conf_file *file;
	struct world_ref        world;
	struct port            *ports; /* [port_count], or NULL under test */
	unsigned                port_count;
	unsigned                worker_count;
	struct worker          *workers[NET_WORKERS_MAX];
	struct metrics         *metrics;
	struct link_lines      *links;
	struct directory       *directory;
	struct account_shared  *accounts;    /* [WORLD_ACCOUNTS_MAX] */
	struct limit_bucket    *peer_rates;  /* [WORLD_PEERS_MAX] */
	struct limit_bucket    *rule_limits; /* [WORLD_RULE_LIMITS_MAX] */
	unsigned                listener_count;
	struct listener         listeners[CONF_LISTENERS_MAX];
	struct store_place      places[CONF_LISTENERS_MAX]; /* of those of datagrams */
	_Atomic bool            stopping;       /* workers: part with everybody and end */
	uint64_t                sequence_first; /* of message ids in this run */
	_Atomic uint64_t sequence_end;  /* leased so far: no worker goes beyond; the management
					   thread raises it */
	uint64_t          domain_seed;  /* which worker has which domain */
	_Atomic uint64_t *domain_marks; /* [DOMAIN_MARKS]: when one was heard of, us; relaxed */
	uint64_t          started_ms;
	struct chats      chats;
	const uint64_t   *clock_us; /* that the workers go by, lent for good; NULL: the machine's */
	size_t   answer_bytes; /* of questions; management thread, as the worker that is next */
	unsigned asks_turn;
};

/* 0 or -errno with a sentence. Allocates all that the workers will ever use. */
int  dataplane_init(struct dataplane *dp, const struct dataplane_config *config,
		    char error[DATAPLANE_ERROR_SIZE]);
void dataplane_free(struct dataplane *dp);

static inline bool listener_speaks(const struct listener *l, enum transport transport)
{
	return (l->conf->transport & TRANSPORT_BIT(transport)) != 0;
}

struct flow listener_flow(const struct listener *l);
/* The same of its WebSockets; port 0: there are none. */
struct flow listener_ws(const struct listener *l);
/* The session of its datagrams: the same index at every worker. */
uint32_t listener_session(const struct dataplane *dp, const struct listener *l);
/* Where the listener takes streams of media for a worker; port 0: nowhere. */
struct flow listener_media(const struct listener *l, unsigned worker);
/* The same of the first listener of the protocol and family that has such a place. */
struct flow listeners_media(const struct dataplane *dp, unsigned protocol, bool ip6,
			    unsigned worker);

/* Is it a domain of one of the protocol's listeners? Any case. */
bool dataplane_serves(const struct dataplane *dp, unsigned protocol, struct str domain);
/* What a peer of the protocol is told of us: where the first listener of that family is, and what
 * domain it serves; the family's unspecified address and an empty one where there is none. */
void listeners_name(const struct dataplane *dp, unsigned protocol, bool ip6, struct flow *local,
		    struct str *domain);
/* The first domain of the first listener of that kind (enum link_kind), else of any of the
 * protocol; empty: there is none. */
struct str listeners_domain(const struct dataplane *dp, unsigned protocol, unsigned link);

/* Management thread, after a publication: rates and limits of accounts, peers and rules follow the
 * world. */
void dataplane_published(struct dataplane *dp, const struct world *world);
