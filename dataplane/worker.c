#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "base/hash.h"
#include "rcu/rcu.h"

#include "datagram.h"
#include "identity.h"
#include "pages.h"
#include "registered.h"

#define IDLE_SLEEP_NS 50000
#define IDLE_AFTER_US 200u

static_assert(PROTO_CONTACTS_MAX == CONF_CONTACTS_MAX, "those of all listeners have room");

static uint32_t contacts_of(const struct dataplane *dp, unsigned protocol,
			    struct str contacts[PROTO_CONTACTS_MAX])
{
	uint32_t n = 0;

	for (unsigned i = 0; i < dp->file->listener_count; i++) {
		const struct conf_listener *l = &dp->file->listeners[i];

		for (uint32_t c = 0; l->protocol == protocol && c < l->contacts.n; c++) {
			ASSERT(n < PROTO_CONTACTS_MAX);
			contacts[n++] = str_of(l->contacts.items[c]);
		}
	}
	return n;
}

static int instances_init(struct worker *w, const struct worker_config *config)
{
	w->services = services_template;
	w->services.context = w;
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		struct str                   contacts[PROTO_CONTACTS_MAX];
		const struct proto_ops      *ops = registry_ops(p);
		struct proto_instance_config pc = {.metrics = w->metrics,
						   .block_count = config->conf->messages_max * 2,
						   .federated_max = config->conf->connections_max /
								    DOMAIN_CONNS_SHARE,
						   .protocol = (uint8_t)p,
						   .worker = (uint8_t)config->number,
						   .seed = hash_mix(config->seed + p),
						   .shared_seed = hash_mix(config->shared_seed + p),
						   .services = &w->services,
						   .messages = w->msgs,
						   .stir = w->stir,
						   .contacts = contacts};

		pc.contact_count = contacts_of(config->dp, p, contacts);

		memcpy(pc.kept_secret, config->kept_secret, sizeof(pc.kept_secret));
		w->block_bytes[p] = pc.block_count * ops->block_size;
		if (ops->remembered_size > 0) {
			pc.remembered_count = config->conf->answers_max;
			w->remembered_bytes[p] = pc.remembered_count * ops->remembered_size;
			w->remembered[p] = pc.remembered = pages_new(w->remembered_bytes[p]);
			if (pc.remembered == NULL)
				return -ENOMEM;
		}
		w->instances[p] = calloc(1, ops->instance_size);
		w->blocks[p] = pc.blocks = pages_new(w->block_bytes[p]);
		if (w->instances[p] == NULL || pc.blocks == NULL ||
		    ops->instance_init(w->instances[p], &pc) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int rooms_init(struct worker *w, const struct worker_config *config)
{
	w->pool_memory =
		aligned_alloc(64, (msg_pool_size(config->conf->messages_max) + 63) / 64 * 64);
	w->out_room = malloc(WORKER_OUT_SIZE);
	w->body_room = malloc(MSG_SIZE_MAX);
	w->text_room = malloc(3 * MSG_SIZE_MAX);
	w->account_leases = calloc(WORLD_ACCOUNTS_MAX, sizeof(w->account_leases[0]));
	w->peer_leases = calloc(WORLD_PEERS_MAX, sizeof(w->peer_leases[0]));
	w->rule_leases = calloc(WORLD_RULE_LIMITS_MAX, sizeof(w->rule_leases[0]));
	if (w->pool_memory == NULL || w->out_room == NULL || w->body_room == NULL ||
	    w->text_room == NULL || w->account_leases == NULL || w->peer_leases == NULL ||
	    w->rule_leases == NULL)
		return -ENOMEM;
	w->msgs = msg_pool_init(w->pool_memory, config->conf->messages_max);
	return 0;
}

int worker_init(struct worker *w, const struct worker_config *config)
{
	const struct conf_dataplane *conf = config->conf;
	struct tcp_config            tc = {.pool = config->pool,
					   .connections_max = conf->connections_max,
					   .time_wait_max = conf->connections_max,
					   .rto_min_ms = conf->rto_min,
					   .ledger = ledger_of(config->ledger, config->number),
					   .seed = hash_mix(config->seed + 100),
					   .shared_seed = config->shared_seed};

	w->dp = config->dp;
	w->stir = config->stir;
	w->number = config->number;
	w->io = config->io;
	w->port_count = config->net->port_count;
	w->metrics = &config->dp->metrics[config->number];
	w->sequence = config->dp->sequence_first;
	w->net = net_new(config->net);
	tc.net = w->net;
	tc.metrics = w->metrics;
	w->tcp = w->net != NULL ? tcp_new(&tc) : NULL;
	if (w->tcp == NULL || rooms_init(w, config) < 0 || instances_init(w, config) < 0)
		return -ENOMEM;
	if (sources_init(&w->sources) < 0 || conns_init(w, conf->connections_max) < 0 ||
	    registered_init(w, conf->connections_max) < 0 ||
	    flights_init(&w->flights, conf->messages_max) < 0 ||
	    deliveries_init(&w->deliveries, conf->messages_max * 2) < 0 ||
	    receipts_init(&w->receipts, conf->receipts_max, config->shared_seed) < 0 ||
	    asks_init(w) < 0 || searches_init(w) < 0 || domains_init(w) < 0 ||
	    parts_init(&w->parts, w->metrics, hash_mix(config->seed + 200)) < 0 ||
	    conversations_init(&w->conversations, conf->conversations_max, config->shared_seed) < 0)
		return -ENOMEM;
	inheritance_init(&w->inheritance, config->ledger, config->number, config->workers);
	if (w->inheritance.lines != NULL)
		tcp_hush(w->tcp, true);
	return conns_listen(w);
}

void worker_free(struct worker *w)
{
	stir_free(w->stir);
	conversations_free(&w->conversations);
	parts_free(&w->parts);
	domains_free(w);
	searches_free(w);
	asks_free(w);
	receipts_free(&w->receipts);
	deliveries_free(&w->deliveries);
	flights_free(&w->flights);
	registered_free(w);
	conns_free(w);
	sources_free(&w->sources);
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		free(w->instances[p]);
		pages_free(w->blocks[p], w->block_bytes[p]);
		pages_free(w->remembered[p], w->remembered_bytes[p]);
	}
	free(w->rule_leases);
	free(w->peer_leases);
	free(w->account_leases);
	free(w->text_room);
	free(w->body_room);
	free(w->out_room);
	free(w->pool_memory);
	if (w->tcp != NULL)
		tcp_free(w->tcp);
	if (w->net != NULL)
		net_free(w->net);
}

static unsigned receive(struct worker *w)
{
	struct rte_mbuf *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX];
	unsigned         total = 0;

	/* One burst a turn: what it sets off (hundreds of PDUs) stays in the cache, and no turn is
	 * long. */
	for (unsigned p = 0; p < w->port_count; p++) {
		unsigned n = w->io.receive(w->io.context, w->number, p, pkts, NET_BURST_MAX);

		if (n > 0) {
			tcp_input_burst(w->tcp, w->now, tcp,
					net_input_burst(w->net, w->now, p, pkts, n, tcp));
			datagrams_receive(w);
			xcore_packets_out(w);
		}
		total += n + w->io.turn(w->io.context, w->number, p);
	}
	metric_add(w->metrics, METRIC_packets_in, total);
	return total;
}

static unsigned transmit(struct worker *w)
{
	unsigned total = 0;

	for (unsigned p = 0; p < w->port_count; p++) {
		unsigned          n, sent;
		struct rte_mbuf **pkts = net_tx_peek(w->net, p, &n);

		if (n == 0)
			continue;
		sent = w->io.transmit(w->io.context, w->number, p, pkts, n);
		net_tx_sent(w->net, p, sent);
		total += sent;
	}
	metric_add(w->metrics, METRIC_packets_out, total);
	return total;
}

/* One at a time: what an event leads to (its user is set, it is closed) holds for the next event of
 * the same connection. */
static unsigned events(struct worker *w)
{
	struct tcp_event event;
	unsigned         total = 0;

	while (total < WORKER_EVENTS && tcp_events(w->tcp, &event, 1) == 1) {
		conn_tcp_event(w, &event);
		total++;
	}
	return total;
}

/* Peers of a predecessor are reset before anybody is listened to. */
static unsigned inherit(struct worker *w)
{
	if (w->inheritance.lines == NULL)
		return 0;
	if (!inheritance_turn(w))
		tcp_hush(w->tcp, false);
	return 1;
}

bool worker_turn(struct worker *w, struct now now, const struct world *world, uint64_t *next_us)
{
	unsigned work;

	w->now = now;
	w->world = world;
	if (world != NULL && (world->parties_version != w->parties_seen ||
			      world->addresses_made != w->addresses_seen)) {
		w->parties_seen = world->parties_version;
		w->addresses_seen = world->addresses_made;
		sources_follow_world(w);
		sessions_follow_world(w);
	}
	work = sessions_follow_some(w);
	work += receive(w);
	work += xcore_turn(w);
	datagrams_receive(w);
	work += registered_answers(w);
	*next_us = earlier(tcp_tick(w->tcp, now), net_tick(w->net, now));
	work += asks_turn(w, next_us);
	work += w->conns.again_count;
	conns_again(w);
	work += events(w);
	pipeline_run(w);
	conns_tick(w);
	*next_us = earlier(*next_us, earlier(flights_tick(w), earlier(receipts_tick(w),
								      parts_tick(&w->parts, now))));
	work += w->conns.dirty_count;
	conns_end_turn(w);
	pipeline_run(w);
	work += inherit(w);
	drain_turn(w);
	tcp_flush(w->tcp, now);
	xcore_packets_out(w);
	work += transmit(w);
	mailbox_turn(w);
	*next_us = earlier(*next_us, conns_next_us(w));
	w->world = NULL;
	return work > 0;
}

static struct now clock_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	return (struct now){(uint64_t)mono.tv_sec * US_PER_SECOND + (uint64_t)mono.tv_nsec / 1000,
			    (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000};
}

/* Nothing to do for a while: a grace period and the machine need not wait for us. */
static void doze(void)
{
	const struct timespec sleep = {.tv_nsec = IDLE_SLEEP_NS};

	rcu_offline();
	nanosleep(&sleep, NULL);
	rcu_online();
}

void worker_run(struct worker *w, bool idle_sleeps)
{
	uint64_t busy_us = 0, next_us;

	rcu_thread_begin();
	while (!drain_done(w)) {
		uint64_t start = rte_rdtsc();
		bool busy = worker_turn(w, clock_now(), rcu_read(w->dp->world.current), &next_us);

		rcu_quiescent();
		metric_inc(w->metrics, METRIC_turns);
		if (busy) {
			metric_inc(w->metrics, METRIC_turns_busy);
			metric_add(w->metrics, METRIC_busy_cycles, rte_rdtsc() - start);
			busy_us = w->now.us;
		} else if (idle_sleeps && w->now.us - busy_us > IDLE_AFTER_US) {
			doze();
		}
	}
	rcu_thread_end();
}
