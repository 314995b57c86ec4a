#include "dataplane.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/punycode.h"
#include "registry/registry.h"

#include "directory.h"
#include "identity.h"
#include "worker.h"

static int listeners_init(struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->file->listener_count; i++) {
		const struct conf_listener *conf = &dp->file->listeners[i];
		struct listener            *l = &dp->listeners[dp->listener_count++];

		l->conf = conf;
		l->port = conf->port != 0 ? (uint16_t)conf->port
					  : link_port(conf->link, registry_port(conf->protocol));
		memcpy(l->address.w, conf->address.w, sizeof(l->address.w));
		l->address.ip6 = conf->address.ip6;
	}
	return 0;
}

static int shared_init(struct dataplane *dp, unsigned workers, uint64_t seed)
{
	dp->links = link_lines_new();
	dp->directory = directory_new(workers + 1, dp->file->dataplane.registrations_max, seed);
	dp->accounts = aligned_alloc(64, WORLD_ACCOUNTS_MAX * sizeof(dp->accounts[0]));
	dp->peer_rates = aligned_alloc(64, WORLD_PEERS_MAX * sizeof(dp->peer_rates[0]));
	dp->rule_limits = aligned_alloc(64, WORLD_RULE_LIMITS_MAX * sizeof(dp->rule_limits[0]));
	dp->domain_marks = calloc(DOMAIN_MARKS, sizeof(dp->domain_marks[0]));
	if (chats_init(&dp->chats, seed) < 0 || dp->links == NULL || dp->domain_marks == NULL ||
	    dp->directory == NULL || dp->accounts == NULL || dp->peer_rates == NULL ||
	    dp->rule_limits == NULL)
		return -ENOMEM;
	memset(dp->accounts, 0, WORLD_ACCOUNTS_MAX * sizeof(dp->accounts[0]));
	memset(dp->peer_rates, 0, WORLD_PEERS_MAX * sizeof(dp->peer_rates[0]));
	memset(dp->rule_limits, 0, WORLD_RULE_LIMITS_MAX * sizeof(dp->rule_limits[0]));
	return listeners_init(dp);
}

struct flow listener_flow(const struct listener *l)
{
	struct flow flow = {.port = l->port, .ip6 = l->address.ip6};

	memcpy(flow.address, l->address.w, sizeof(flow.address));
	return flow;
}

struct flow listener_ws(const struct listener *l)
{
	struct flow flow = listener_flow(l);

	flow.port = (uint16_t)l->conf->ws_port;
	return flow;
}

uint32_t listener_session(const struct dataplane *dp, const struct listener *l)
{
	uint32_t index = 0;

	for (const struct listener *before = dp->listeners; before < l; before++)
		index += listener_speaks(before, TRANSPORT_UDP);
	return index;
}

/* A folder that does not serve leaves nothing kept, which is told, and is no reason not to start.
 */
static void registrations_restore(struct dataplane *dp, const struct dataplane_config *config)
{
	struct store_places places = {.list = dp->places};
	int                 err;

	for (unsigned i = 0; i < dp->listener_count; i++) {
		const struct listener *l = &dp->listeners[i];

		if (listener_speaks(l, TRANSPORT_UDP))
			dp->places[places.count++] = (struct store_place){
				listener_flow(l),
				{.index = listener_session(dp, l), .protocol = l->conf->protocol}};
	}
	err = directory_keep(dp->directory, config->state_dir, &places, config->now);
	if (err < 0)
		log_error("registrations.failed",
			  "state_dir=%s error=%s: registrations are not kept for a restart",
			  config->state_dir, strerror(-err));
}

struct flow listener_media(const struct listener *l, unsigned worker)
{
	struct flow flow = listener_flow(l);

	flow.port = l->conf->msrp_port != 0 ? (uint16_t)(l->conf->msrp_port + worker) : 0;
	return flow;
}

struct flow listeners_media(const struct dataplane *dp, unsigned protocol, bool ip6,
			    unsigned worker)
{
	for (unsigned i = 0; i < dp->listener_count; i++) {
		const struct listener *l = &dp->listeners[i];

		if (l->conf->protocol == protocol && l->address.ip6 == ip6 &&
		    l->conf->msrp_port != 0)
			return listener_media(l, worker);
	}
	return (struct flow){.ip6 = ip6};
}

bool dataplane_serves(const struct dataplane *dp, unsigned protocol, struct str domain)
{
	char       room[CONF_TO_SIZE];
	struct put w = put_to(room, sizeof(room));

	/* In the form of the configuration, which for SIP is not that of the wire. */
	if (punycode_may_be_in(domain) && punycode_unicode_put(&w, domain))
		domain = (struct str){room, put_size(&w)};
	for (unsigned i = 0; i < dp->listener_count; i++) {
		const struct conf_listener *conf = dp->listeners[i].conf;

		for (uint32_t k = 0; conf->protocol == protocol && k < conf->domains.n; k++) {
			if (str_eq_nocase(str_of(conf->domains.items[k]), domain))
				return true;
		}
	}
	return false;
}

void listeners_name(const struct dataplane *dp, unsigned protocol, bool ip6, struct flow *local,
		    struct str *domain)
{
	*local = (struct flow){.ip6 = ip6};
	*domain = STR("");
	for (unsigned i = dp->listener_count; i-- > 0;) {
		const struct listener *l = &dp->listeners[i];

		if (l->conf->protocol != protocol || l->address.ip6 != ip6)
			continue;
		*local = listener_flow(l);
		if (l->conf->domains.n > 0)
			*domain = str_of(l->conf->domains.items[0]);
	}
}

struct str listeners_domain(const struct dataplane *dp, unsigned protocol, unsigned link)
{
	struct str domain = STR("");
	bool       exact = false;

	for (unsigned i = dp->listener_count; i-- > 0;) {
		const struct conf_listener *conf = dp->listeners[i].conf;

		if (conf->protocol != protocol || conf->domains.n == 0 ||
		    (exact && conf->link != link))
			continue;
		domain = str_of(conf->domains.items[0]);
		exact = conf->link == link;
	}
	return domain;
}

static int worker_add(struct dataplane *dp, const struct dataplane_config *config,
		      const struct worker_io *io, unsigned number, struct stir *stir)
{
	struct net_config    net = {.worker = number,
				    .workers = config->workers,
				    .port_count = config->port_count,
				    .pool = config->pools[number],
				    .metrics = &dp->metrics[number],
				    .seed = hash_mix(config->seed + number),
				    .shared_seed = config->shared_seed,
				    .steer_entries = config->steer_entries,
				    .forward_all = dp->file->dataplane.forward_all};
	struct worker_config wc = {.dp = dp,
				   .number = number,
				   .conf = &dp->file->dataplane,
				   .net = &net,
				   .ledger = config->ledger,
				   .workers = config->workers,
				   .pool = config->pools[number],
				   .io = *io,
				   .seed = net.seed,
				   .shared_seed = net.shared_seed,
				   .kept_secret = config->kept_secret,
				   .stir = stir};
	struct worker       *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

	if (w == NULL) {
		stir_free(stir);
		return -ENOMEM;
	}
	memset(w, 0, sizeof(*w));
	memcpy(net.ports, config->ports, sizeof(net.ports));
	for (unsigned i = 0; i < dp->listener_count; i++) {
		const struct listener *l = &dp->listeners[i];

		if (l->conf->msrp_port != 0)
			net.ranges[net.range_count++] =
				(struct net_range){l->address, listener_media(l, 0).port};
	}
	dp->workers[dp->worker_count++] = w;
	return worker_init(w, &wc);
}

static_assert(DATAPLANE_ERROR_SIZE >= STIR_ERROR_SIZE, "what is wrong with a key has room");

int dataplane_init(struct dataplane *dp, const struct dataplane_config *config,
		   char error[DATAPLANE_ERROR_SIZE])
{
	struct timespec wall;
	int             err;

	clock_gettime(CLOCK_REALTIME, &wall);
	*dp = (struct dataplane){.file = config->file,
				 .metrics = config->metrics,
				 .ports = config->devices,
				 .port_count = config->port_count,
				 .sequence_first = config->sequence_first,
				 .sequence_end = config->sequence_end,
				 .domain_seed = hash_mix(config->shared_seed + 3),
				 .started_ms = (uint64_t)wall.tv_sec * 1000};
	err = shared_init(dp, config->workers, config->shared_seed);
	if (err == 0 && config->state_dir != NULL)
		registrations_restore(dp, config);
	for (unsigned i = 0; i < config->workers && err == 0; i++) {
		struct stir *stir;

		if (!identity_open(dp->file, &stir, error)) {
			dataplane_free(dp);
			return -EINVAL;
		}
		if (i == 0)
			identity_warn(stir, config->now.wall_ms);
		err = worker_add(dp, config, &config->io, i, stir);
	}
	if (err == 0)
		err = xcore_connect(dp->workers, dp->worker_count);
	if (err < 0) {
		snprintf(error, 256,
			 "cannot make %u workers: %s; lower dataplane.messages_max or "
			 "connections_max, or give the machine more memory",
			 config->workers, strerror(-err));
		dataplane_free(dp);
	}
	return err;
}

void dataplane_free(struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->worker_count; i++) {
		xcore_free(dp->workers[i]);
		worker_free(dp->workers[i]);
		free(dp->workers[i]);
	}
	dp->worker_count = 0;
	chats_free(&dp->chats);
	free(dp->domain_marks);
	free(dp->rule_limits);
	free(dp->peer_rates);
	free(dp->accounts);
	link_lines_free(dp->links);
	directory_free(dp->directory);
}

void dataplane_published(struct dataplane *dp, const struct world *world)
{
	for (uint32_t slot = 0; slot < world->account_slots; slot++) {
		const struct world_account *a = world_account(world, slot);

		if (a != NULL)
			limit_set_rate(&dp->accounts[slot].rate, a->conf->rate);
	}
	for (uint32_t slot = 0; slot < world->peer_slots; slot++) {
		const struct world_peer *p = world_peer(world, slot);

		if (p != NULL)
			limit_set_rate(&dp->peer_rates[slot], p->conf->rate);
	}
	for (uint32_t i = 0; world->rules != NULL && i < rules_limit_count(world->rules); i++)
		limit_set_rate(&dp->rule_limits[world_rule_limit_slot(world, i)],
			       rules_limit_rate(world->rules, i));
}
