#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <rte_eal.h>

#include "base/aor.h"
#include "base/assert.h"
#include "base/hash.h"
#include "rcu/rcu.h"
#include "rules/compile.h"

#define LISTEN_PORT 2775
#define STEP_US 100u
#define IDLE_STEP_US 2000u

void sim_eal(void)
{
	static const struct conf_protocol protocols[PROTO_COUNT] = {
#define PROTO(name, port, transports, service, users, text)                                        \
	{#name, transports, service, port, CONF_##users},
#include "registry/protocols.def"
#undef PROTO
	};
	static char *arguments[] = {"sim", "--no-huge",      "--no-pci",    "-m",
				    "768", "--no-telemetry", "--no-shconf", "-l",
				    "0",   "--log-level=4"};
	int          err = rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])), arguments);

	ASSERT(err >= 0);
	conf_protocols_set(protocols, PROTO_COUNT);
	rules_protocols_set(conf_reached_protocols());
}

static struct rte_mempool *pool_new(const char *name, unsigned count)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		name, count, 256, 0, RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY);

	ASSERT(pool != NULL);
	return pool;
}

static char *domains[] = {"example.org"};
static char *contacts[] = {"mailto:abuse@example.org"};

static void file_init(struct conf_file *f, const struct sim_config *config)
{
	*f = (struct conf_file){.cpm = {.node = "sim", .node_number = 1}, .listener_count = 1};
	f->dataplane.messages_max = config->messages_max != 0 ? config->messages_max : 16384;
	f->dataplane.connections_max =
		config->connections_max != 0 ? config->connections_max : 1024;
	f->dataplane.rto_min = config->rto_min;
	f->dataplane.receipts_max = 262144;
	f->dataplane.conversations_max = 4096;
	f->dataplane.registrations_max = 65536 + f->dataplane.connections_max;
	f->dataplane.answers_max = 65536;
	f->dataplane.forward_all = config->forward_all || getenv("CPM_FORWARD_ALL") != NULL;
	f->listeners[0] = (struct conf_listener){.name = "esme",
						 .protocol = PROTO_smpp,
						 .transport = TCP_ONLY,
						 .port = LISTEN_PORT,
						 .login_time = 5};
	f->listeners[0].address = (struct conf_address){.w = {0x010012c6}, .set = true};
	for (unsigned i = 0; i < config->xmpp; i++)
		f->listeners[f->listener_count++] =
			(struct conf_listener){.name = "chat",
					       .protocol = PROTO_xmpp,
					       .transport = TCP_ONLY,
					       .port = (uint16_t)(5222 + i),
					       .ws_port = i == 0 ? 5280 : 0,
					       .login_time = 5,
					       .address = f->listeners[0].address,
					       .domains = {1, domains},
					       .contacts = {1, contacts},
					       .resume_time = 120,
					       .plain_without_tls = true};
	if (config->xmpp) { /* its components and other servers */
		for (unsigned kind = LINK_COMPONENT; kind <= LINK_SERVER; kind++)
			f->listeners[f->listener_count++] =
				(struct conf_listener){.name = "link",
						       .protocol = PROTO_xmpp,
						       .transport = TCP_ONLY,
						       .link = (uint8_t)kind,
						       .login_time = 5,
						       .address = f->listeners[0].address};
	}
	if (config->stir != NULL)
		f->stir = *config->stir;
	f->certificate_count = config->certificate_count;
	for (unsigned i = 0; i < config->certificate_count; i++)
		f->certificates[i] = config->certificates[i];
	if (!config->sip)
		return;
	f->listeners[f->listener_count++] = (struct conf_listener){
		.name = "sip",
		.protocol = PROTO_sip,
		.transport = UDP_AND_TCP,
		.port = 5060,
		.msrp_port = config->msrp_port,
		.ws_port = 5080,
		.languages = config->languages,
		.chat_sessions = 3,
		.chat_idle = 120,
		.chat_first = config->chat_first,
		.login_time = 5,
		.address = f->listeners[0].address,
		.domains = {1, domains},
		.authentication =
			config->sip_open ? CONF_AUTHENTICATION_NONE : CONF_AUTHENTICATION_DIGEST};
	if (config->service_route != NULL)
		snprintf(f->listeners[f->listener_count - 1].service_route,
			 sizeof(f->listeners[0].service_route), "%s", config->service_route);
}

/* The wire, with the faults of a port between. */
static unsigned io_receive(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			   unsigned n)
{
	struct sim *s = context;
	unsigned    got = wire_receive(&s->wire, worker, port, pkts, n);

	if (s->faults == NULL)
		return got;
	faults_put(s->faults, worker, FAULT_RX, s->now.us, pkts, got);
	return faults_take(s->faults, worker, FAULT_RX, s->now.us, pkts, n);
}

static unsigned io_turn(void *context, unsigned worker, unsigned port)
{
	struct sim      *s = context;
	struct rte_mbuf *due[NET_BURST_MAX];
	unsigned         n, sent;

	if (s->faults == NULL)
		return 0;
	n = faults_take(s->faults, worker, FAULT_TX, s->now.us, due, NET_BURST_MAX);
	sent = wire_transmit(&s->wire, worker, port, due, n);
	faults_return(s->faults, worker, FAULT_TX, due + sent, n - sent);
	return sent;
}

static unsigned io_transmit(void *context, unsigned worker, unsigned port, struct rte_mbuf *pkts[],
			    unsigned n)
{
	struct sim *s = context;

	if (s->faults == NULL)
		return wire_transmit(&s->wire, worker, port, pkts, n);
	faults_put(s->faults, worker, FAULT_TX, s->now.us, pkts, n);
	return n;
}

static void faults_begin(struct sim *s, const struct sim_config *config)
{
	const struct conf_fault *f = &config->faults;

	if (f->loss + f->duplicate + f->reorder + f->corrupt + f->delay == 0)
		return;
	s->faults = faults_new(config->workers, s->wire.pools, s->metrics);
	ASSERT(s->faults != NULL);
	faults_set(s->faults, f);
}

static void dataplane_begin(struct sim *s)
{
	char error[DATAPLANE_ERROR_SIZE];

	s->config.now = s->now;
	if (dataplane_init(&s->dp, &s->config, error) < 0) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	s->dp.clock_us = &s->now.us;
}

static void dataplane_end(struct sim *s)
{
	const struct world *world = s->dp.world.current;

	dataplane_free(&s->dp);
	if (world != NULL)
		world_free(world);
	s->dp.world.current = NULL;
}

void sim_killed(struct sim *s, const struct ledger *ledger)
{
	dataplane_end(s);
	memset(s->metrics, 0, s->config.workers * sizeof(struct metrics));
	s->config.ledger = ledger;
	s->config.seed++; /* another process */
	s->config.shared_seed = hash_mix(s->config.seed);
	s->version = 0;
	dataplane_begin(s);
}

void sim_new(struct sim *s, const struct sim_config *config)
{
	static unsigned         instances;
	struct dataplane_config dc = {.file = &s->file,
				      .workers = config->workers,
				      .port_count = 1,
				      .ledger = config->ledger,
				      .state_dir = config->state_dir,
				      .seed = config->seed,
				      .shared_seed = hash_mix(config->seed),
				      .sequence_first = 1,
				      .sequence_end = UINT64_C(1) << 40};
	struct host_config      hc = {.wire = &s->wire,
				      .seed = hash_mix(config->seed + 77),
				      .hooks = config->hooks,
				      .window = config->window,
				      .user = s};
	char                    name[32];

	*s = (struct sim){.now = {.us = 1000000, .wall_ms = 1700000000000ull}};
	instances++;
	file_init(&s->file, config);
	hc.connections_max = s->file.dataplane.connections_max;
	s->metrics = aligned_alloc(64, config->workers * sizeof(struct metrics));
	ASSERT(s->metrics != NULL);
	memset(s->metrics, 0, config->workers * sizeof(struct metrics));
	dc.metrics = s->metrics;
	for (unsigned w = 0; w < config->workers; w++) {
		snprintf(name, sizeof(name), "sim%u_%u", instances, w);
		dc.pools[w] = s->wire.pools[w] = pool_new(name, 32767);
	}
	snprintf(name, sizeof(name), "sim%u_host", instances);
	hc.pool = s->wire.host_pool = pool_new(name, 32767);
	snprintf(name, sizeof(name), "wire%u", instances);
	wire_init(&s->wire, name, config->workers);
	s->wire.loss_per_mille = config->loss_per_mille;
	random_seed(&s->wire.random, config->seed);
	dc.io = (struct worker_io){io_receive, io_transmit, io_turn, s};
	faults_begin(s, config);
	dc.ports[0] = (struct net_port_config){
		.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .address_count = 1};
	dc.ports[0].addresses[0].address = (struct net_addr){.w = {0x010012c6}};
	dc.ports[0].addresses[0].prefix = 24;
	s->config = dc;
	dataplane_begin(s);
	ASSERT(host_init(&s->host, &hc) == 0);
}

void sim_free(struct sim *s)
{
	host_free(&s->host);
	dataplane_end(s);
	faults_free(s->faults);
	wire_free(&s->wire);
	for (unsigned w = 0; w < s->wire.workers; w++)
		rte_mempool_free(s->wire.pools[w]);
	rte_mempool_free(s->wire.host_pool);
	free(s->metrics);
}

/* As control derives it. */
static void secret_derive(struct conf_account *a)
{
	struct conf_secret *secret = &a->password;
	uint8_t             bytes[16 + sizeof(secret->bytes)] = {0};

	if (a->domain[0] != '\0')
		return; /* a component proves it by a hash of more than it */
	memcpy(bytes + 16, secret->bytes, secret->size);
	SHA256(bytes, 16u + secret->size, secret->bytes + 16);
	memset(secret->bytes, 0, 16);
	secret->form = CONF_SECRET_SHA256;
	secret->size = 48;
}

/* For PLAIN alone: nobody here stretches passwords. */
static void scram_derive(const uint8_t *password, size_t n, struct conf_secret *secret)
{
	struct scram_credentials c = {0};
	uint8_t                  both[sizeof(c.salt) + CONF_SECRET_SIZE_MAX] = {0};

	memcpy(both + sizeof(c.salt), password, n);
	SHA256(both, sizeof(c.salt) + n, c.plain);
	memcpy(secret->bytes + CONF_SECRET_HA1_SIZE, &c, sizeof(c));
	secret->size += sizeof(c);
}

static void digests_derive(struct conf_subscriber *s)
{
	struct conf_secret plain = s->password;
	char               text[CONF_TO_SIZE + 128];
	struct aor         a;
	int                n;

	if (plain.form == CONF_SECRET_NONE)
		return;
	s->password = (struct conf_secret){.form = CONF_SECRET_DIGEST, .size = 48};
	if (aor_split(str_of(s->sip), &a)) {
		n = snprintf(text, sizeof(text), "%.*s:%.*s:%.*s", STR_ARG(a.user),
			     STR_ARG(a.domain), plain.size, (const char *)plain.bytes);
		ASSERT(EVP_Q_digest(NULL, "MD5", NULL, text, (size_t)n, s->password.bytes, NULL) ==
		       1);
		ASSERT(EVP_Q_digest(NULL, "SHA256", NULL, text, (size_t)n, s->password.bytes + 16,
				    NULL) == 1);
	}
	if (s->xmpp[0] != '\0')
		scram_derive(plain.bytes, plain.size, &s->password);
	else if (s->sip[0] == '\0')
		s->password = (struct conf_secret){.form = CONF_SECRET_NONE};
}

static void fault_print(void *user, size_t rule, const char *key, const char *text)
{
	(void)user;
	fprintf(stderr, "rule %zu: %s: %s\n", rule, key, text);
}

static void delta_rules(struct sim_delta *d, const struct conf_objects *rules)
{
	struct rules_source *sources = calloc(rules->n, sizeof(sources[0]));
	uint8_t             *image = NULL;
	size_t               size = 0;

	for (uint32_t i = 0; i < rules->n; i++) {
		const struct conf_rule *r = rules->objects[i];

		sources[i] = (struct rules_source){r->name, r->when, r->then};
	}
	ASSERT(rules_compile(sources, rules->n, NULL, &image, &size, fault_print, NULL) == 0);
	world_delta_rules(&d->delta, image, size);
	d->checksum += world_rules_digest(image, size);
	free(image);
	free(sources);
}

void sim_delta_put(struct sim_delta *d, enum conf_kind kind, const void *object)
{
	world_delta_put(&d->delta, kind, object);
	d->checksum += world_object_digest(kind, object);
}

static void objects_read(const char *yaml, struct conf_set *set)
{
	struct conf_faults faults = {0};

	if (conf_set_read("sim", yaml, strlen(yaml), set, &faults) < 0) {
		for (unsigned i = 0; i < faults.n; i++)
			fprintf(stderr, "%s\n", faults.lines[i]);
		abort();
	}
	for (uint32_t i = 0; i < set->kinds[CONF_ACCOUNT].n; i++)
		secret_derive(set->kinds[CONF_ACCOUNT].objects[i]);
	for (uint32_t i = 0; i < set->kinds[CONF_SUBSCRIBER].n; i++)
		digests_derive(set->kinds[CONF_SUBSCRIBER].objects[i]);
	conf_faults_free(&faults);
}

void sim_delta_begin(struct sim *s, struct sim_delta *d, const char *yaml)
{
	struct conf_set set = {0};

	objects_read(yaml, &set);
	*d = (struct sim_delta){0};
	world_delta_begin(&d->delta, 0, ++s->version);
	for (enum conf_kind k = 0; k < CONF_KIND_COUNT; k++) {
		for (uint32_t i = 0; k != CONF_RULE && i < set.kinds[k].n; i++)
			sim_delta_put(d, k, set.kinds[k].objects[i]);
	}
	if (set.kinds[CONF_RULE].n > 0)
		delta_rules(d, &set.kinds[CONF_RULE]);
	conf_set_free(&set);
}

/* The object of the same name, or NULL. */
static const void *object_in(const struct conf_objects *objects, enum conf_kind kind,
			     const void *object)
{
	char id[128], other[128];

	conf_object_id(kind, object, id);
	for (uint32_t i = 0; i < objects->n; i++) {
		conf_object_id(kind, objects->objects[i], other);
		if (strcmp(id, other) == 0)
			return objects->objects[i];
	}
	return NULL;
}

static void delta_kind(struct sim_delta *d, enum conf_kind k, const struct conf_objects *from,
		       const struct conf_objects *to)
{
	char id[128];

	for (uint32_t i = 0; i < from->n; i++) {
		const void *after = object_in(to, k, from->objects[i]);

		if (after != NULL &&
		    world_object_digest(k, after) == world_object_digest(k, from->objects[i]))
			continue;
		d->checksum -= world_object_digest(k, from->objects[i]);
		conf_object_id(k, from->objects[i], id);
		if (after == NULL)
			world_delta_remove(&d->delta, k, id);
		else
			sim_delta_put(d, k, after);
	}
	for (uint32_t i = 0; i < to->n; i++) {
		if (object_in(from, k, to->objects[i]) == NULL)
			sim_delta_put(d, k, to->objects[i]);
	}
}

void sim_change(struct sim *s, const char *from, const char *to)
{
	struct conf_set  before = {0}, after = {0};
	struct sim_delta d = {.checksum = s->dp.world.current->checksum};

	objects_read(from, &before);
	objects_read(to, &after);
	world_delta_begin(&d.delta, s->version, s->version + 1);
	s->version++;
	for (enum conf_kind k = 0; k < CONF_KIND_COUNT; k++)
		if (k != CONF_RULE)
			delta_kind(&d, k, &before.kinds[k], &after.kinds[k]);
	if (after.kinds[CONF_RULE].n > 0) {
		ASSERT(before.kinds[CONF_RULE].n == 0);
		delta_rules(&d, &after.kinds[CONF_RULE]);
	}
	conf_set_free(&before);
	conf_set_free(&after);
	sim_delta_publish(s, &d);
}

uint64_t sim_delta_publish(struct sim *s, struct sim_delta *d)
{
	struct world_change *change;
	char                 error[256] = "";
	uint64_t             us;

	ASSERT(world_delta_end(&d->delta, d->checksum));
	change = world_change_build(s->dp.world.current, cur_of(d->delta.bytes, d->delta.size),
				    s->dp.worker_count + 1, error);
	if (change == NULL) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	us = world_ref_publish(&s->dp.world, change);
	dataplane_published(&s->dp, s->dp.world.current);
	world_delta_free(&d->delta);
	return us;
}

void sim_apply(struct sim *s, const char *yaml)
{
	struct sim_delta d;

	sim_delta_begin(s, &d, yaml);
	sim_delta_publish(s, &d);
}

void sim_step(struct sim *s, uint64_t step_us)
{
	uint64_t packets = s->wire.packets;

	s->busy = false;
	for (unsigned w = 0; w < s->dp.worker_count; w++) {
		bool worked =
			worker_turn(s->dp.workers[w], s->now, s->dp.world.current, &s->next_us[w]);

		s->busy = s->busy || worked;
	}
	if (directory_turn(s->dp.directory, s->now))
		s->busy = true;
	if (s->control != NULL)
		s->control(s);
	if (s->host_dead)
		wire_host_discard(&s->wire);
	else
		host_turn(&s->host, s->now);
	s->busy = s->busy || s->wire.packets != packets;
	s->now.us += step_us;
	s->now.wall_ms = 1700000000000ull + s->now.us / 1000;
}

/* The host has timers too, which do not say when they are due. */
static uint64_t step_us(const struct sim *s)
{
	uint64_t next = s->now.us + IDLE_STEP_US;

	if (s->busy)
		return STEP_US;
	for (unsigned w = 0; w < s->dp.worker_count; w++)
		next = s->next_us[w] < next ? s->next_us[w] : next;
	return next > s->now.us + STEP_US ? next - s->now.us : STEP_US;
}

bool sim_until(struct sim *s, bool (*done)(struct sim *s), uint64_t us)
{
	uint64_t end = s->now.us + us;

	while (s->now.us < end) {
		if (done(s))
			return true;
		sim_step(s, step_us(s));
	}
	return done(s);
}

void sim_pass(struct sim *s, uint64_t us)
{
	uint64_t end = s->now.us + us;

	while (s->now.us < end)
		sim_step(s, step_us(s));
}

uint64_t sim_metric(const struct sim *s, unsigned id)
{
	return metrics_sum(s->metrics, s->dp.worker_count, id);
}
