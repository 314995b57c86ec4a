#include "domain.h"

#include <errno.h>
#include <string.h>

#include "base/aor.h"
#include "base/assert.h"
#include "base/hash.h"

#include "pages.h"
#include "worker.h"

static const struct hash_key name_key = {0x646f6d61696e7331ull, 0x2545f4914f6cdd1dull};

int domains_init(struct worker *w)
{
	struct domains *ds = &w->domains;

	ds->table = pages_new(DOMAINS_MAX * sizeof(ds->table[0]));
	ds->peer = MSG_SLOT_NONE;
	list_init(&ds->idle);
	return ds->table != NULL ? 0 : -ENOMEM;
}

void domains_free(struct worker *w)
{
	pages_free(w->domains.table, DOMAINS_MAX * sizeof(w->domains.table[0]));
}

/* The names come from outside: the same worker for all, but nobody else knows which. */
static uint64_t name_hash(const struct dataplane *dp, struct str name)
{
	struct hash_key key = {name_key.k0 ^ dp->domain_seed, name_key.k1};

	return hash_sip(&key, name.p, name.n);
}

unsigned domain_home(const struct dataplane *dp, struct str domain)
{
	return (unsigned)((name_hash(dp, domain) >> 32) % dp->worker_count);
}

const struct world_peer *domains_peer(const struct worker *w)
{
	const struct world_peer *p = w->world != NULL && w->domains.peer < w->world->peer_slots
					     ? world_peer(w->world, w->domains.peer)
					     : NULL;

	return p != NULL && conf_peer_is_open(p->conf) ? p : NULL;
}

/* Of "xmpp:user@domain" and "xmpp:domain", with a resource or without; empty: it is none. */
static struct str domain_of(const struct world_peer *p, struct str address)
{
	struct str  scheme = str_of(registry_ops(p->conf->protocol)->name), domain;
	const char *at, *slash;

	if (!str_starts(address, scheme) || address.n <= scheme.n || address.p[scheme.n] != ':')
		return STR("");
	domain = str_skip(address, scheme.n + 1);
	at = domain.n > 0 ? memchr(domain.p, '@', domain.n) : NULL;
	if (at != NULL)
		domain = str_skip(domain, (size_t)(at - domain.p) + 1);
	slash = domain.n > 0 ? memchr(domain.p, '/', domain.n) : NULL;
	if (slash != NULL)
		domain.n = (size_t)(slash - domain.p);
	return domain.n <= WORLD_DOMAIN_SIZE_MAX ? domain : STR("");
}

/* ---- routes ---- */

bool domains_are_of(const struct worker *w, const struct route_target *target)
{
	return target->kind == ROUTE_PEER && target->slot == w->domains.peer;
}

bool domains_target(const struct worker *w, struct str to, struct route_target *target)
{
	const struct world_peer *p = domains_peer(w);

	if (p == NULL || domain_of(p, to).n == 0)
		return false;
	*target = (struct route_target){.slot = p->slot, .kind = ROUTE_PEER};
	return true;
}

bool domain_session(const struct worker *w, const struct msg *m, struct session_ref *to)
{
	const struct world_peer *p = domains_peer(w);
	struct str               domain = p != NULL ? domain_of(p, msg_addr(m, &m->to)) : STR("");

	if (domain.n == 0)
		return false;
	*to = (struct session_ref){.index = DOMAIN_SESSION,
				   .worker = (uint8_t)domain_home(w->dp, domain),
				   .protocol = p->conf->protocol};
	return true;
}

static bool is_excepted(const struct conf_peer *p, struct str domain)
{
	for (uint32_t i = 0; i < p->except.n; i++) {
		if (str_eq_nocase(str_of(p->except.items[i]), domain))
			return true;
	}
	return false;
}

static bool is_of_a_peer(const struct worker *w, unsigned protocol, struct str domain)
{
	for (uint32_t slot = 0; slot < w->world->peer_slots; slot++) {
		const struct world_peer *p = world_peer(w->world, slot);

		if (p != NULL && p->conf->protocol == protocol &&
		    str_eq_nocase(str_of(p->conf->domain), domain))
			return true;
	}
	return false;
}

bool domains_admit(const struct worker *w, unsigned protocol, struct str domain)
{
	const struct world_peer *p = domains_peer(w);

	return p != NULL && p->conf->protocol == protocol && aor_is_domain(domain) &&
	       domain.n <= WORLD_DOMAIN_SIZE_MAX && !is_excepted(p->conf, domain) &&
	       !dataplane_serves(w->dp, protocol, domain) &&
	       world_account_login(w->world, (uint8_t)protocol, domain) == NULL &&
	       !is_of_a_peer(w, protocol, domain);
}

/* ---- the table ---- */

static struct str name_of(const struct domain *d)
{
	return (struct str){d->name, d->size};
}

static uint32_t *bucket_of(struct worker *w, struct str name)
{
	return &w->domains.buckets[name_hash(w->dp, name) % DOMAINS_MAX];
}

static struct domain *domain_find(struct worker *w, struct str name)
{
	struct domains *ds = &w->domains;

	for (uint32_t at = *bucket_of(w, name); at != 0; at = ds->table[at - 1].next) {
		if (str_eq(name_of(&ds->table[at - 1]), name))
			return &ds->table[at - 1];
	}
	return NULL;
}

static void domain_unlink(struct worker *w, struct domain *d)
{
	uint32_t *at = bucket_of(w, name_of(d)), place = (uint32_t)(d - w->domains.table) + 1;

	while (*at != place)
		at = &w->domains.table[*at - 1].next;
	*at = d->next;
	list_remove(&d->idle);
}

/* The one that nobody uses for longest; NULL: all have a stream. */
static struct domain *domain_evict(struct worker *w)
{
	struct domain *d;

	if (list_empty(&w->domains.idle))
		return NULL;
	d = list_entry(w->domains.idle.next, struct domain, idle);
	domain_unlink(w, d);
	return d;
}

static struct domain *domain_new(struct worker *w, struct str name, const struct conf_peer *p)
{
	struct domains *ds = &w->domains;
	struct domain  *d = ds->used < DOMAINS_MAX ? &ds->table[ds->used++] : domain_evict(w);
	uint32_t       *bucket = bucket_of(w, name);

	if (d == NULL)
		return NULL;
	memset(d, 0, sizeof(*d));
	limit_init(&d->rate, p->rate, w->now);
	d->size = (uint8_t)name.n;
	memcpy(d->name, name.p, name.n);
	d->next = *bucket;
	*bucket = (uint32_t)(d - ds->table) + 1;
	list_append(&ds->idle, &d->idle);
	return d;
}

/* ---- failures ---- */

static _Atomic uint64_t *mark_of(struct dataplane *dp, struct str name)
{
	return &dp->domain_marks[name_hash(dp, name) % DOMAIN_MARKS];
}

/* Two domains may share a mark: then one of them is tried early, once. */
void domain_heard(struct dataplane *dp, struct str domain, struct now now)
{
	/* Relaxed: nothing is published by it. */
	atomic_store_explicit(mark_of(dp, domain), now.us, memory_order_relaxed);
}

static bool rests(const struct worker *w, const struct domain *d)
{
	return d->state == DOMAIN_FAILED && w->now.us < d->retry_us &&
	       atomic_load_explicit(mark_of(w->dp, name_of(d)), memory_order_relaxed) <=
		       d->failed_us;
}

static void domain_failed(struct worker *w, struct domain *d, enum reason why)
{
	unsigned doubled = d->failures < 5 ? d->failures : 5;
	uint64_t rest_us = DOMAIN_REST_US << doubled, drawn;

	if (rest_us > DOMAIN_REST_MAX_US)
		rest_us = DOMAIN_REST_MAX_US;
	drawn = hash_mix(name_hash(w->dp, name_of(d)) ^ w->now.us) % (rest_us / 4);
	d->state = DOMAIN_FAILED;
	d->why = (uint8_t)why;
	d->failures++;
	d->failed_us = w->now.us;
	d->retry_us = w->now.us + rest_us - rest_us / 8 + drawn;
	metric_inc(w->metrics, METRIC_domains_failed);
}

bool domain_retry(struct worker *w, struct str domain)
{
	struct domain *d = domain_find(w, domain);

	if (d == NULL)
		return false;
	d->failures = 0;
	if (d->state == DOMAIN_FAILED)
		d->state = DOMAIN_IDLE;
	return true;
}

/* ---- streams ---- */

static struct domain *domain_of_conn(const struct worker *w, const struct conn *c)
{
	ASSERT(c->domain != 0 && c->domain <= w->domains.used);
	return &w->domains.table[c->domain - 1];
}

struct str domain_name(const struct worker *w, const struct conn *c)
{
	return name_of(domain_of_conn(w, c));
}

bool domain_rate_allows(struct worker *w, const struct conn *c)
{
	struct domain *d = domain_of_conn(w, c);

	return limit_take(&d->rate, &d->lease, w->now, 1);
}

/* NONE: it is being connected. */
static enum reason domain_connect(struct worker *w, struct domain *d, const struct world_peer *p)
{
	struct conn *c;

	if (w->drain.state != DRAIN_NOT)
		return REASON_SHUTDOWN;
	if (!domains_admit(w, p->conf->protocol, name_of(d)))
		return REASON_DOMAIN_UNKNOWN;
	if (rests(w, d))
		return (enum reason)d->why;
	if (w->domains.conns >= w->conns.max / DOMAIN_CONNS_SHARE)
		return REASON_FEDERATION_FULL;
	c = search_begin(w, p->conf->protocol, name_of(d));
	if (c == NULL)
		return REASON_DOMAINS_FULL;
	list_remove(&d->idle);
	w->domains.conns++;
	metric_inc(w->metrics, METRIC_domains_connected);
	c->federated = true;
	c->peer = p->slot;
	c->owner_digest = session_peer_digest(p->conf);
	c->domain = (uint32_t)(d - w->domains.table) + 1;
	c->queue_max = p->conf->queue < DOMAIN_WAITING_MAX ? p->conf->queue : DOMAIN_WAITING_MAX;
	d->conn = (uint32_t)(c - w->conns.table) + 1;
	d->state = DOMAIN_CONNECTING;
	d->waiting_bytes = 0;
	return REASON_NONE;
}

/* Those that have expired meanwhile count, too, until it is connected. */
static bool has_room(struct domain *d, const struct msg *m)
{
	if (d->waiting_bytes + m->body.size > DOMAIN_WAITING_BYTES_MAX)
		return false;
	d->waiting_bytes += (uint32_t)m->body.size;
	return true;
}

struct conn *domain_conn(struct worker *w, const struct msg *m, struct result *result)
{
	const struct world_peer *p = domains_peer(w);
	struct str               name = p != NULL ? domain_of(p, msg_addr(m, &m->to)) : STR("");
	struct domain           *d = name.n > 0 ? domain_find(w, name) : NULL;
	enum reason              why = REASON_NONE;

	*result = (struct result){.why = p != NULL ? REASON_DOMAINS_FULL : REASON_NO_TARGET};
	if (d == NULL && name.n > 0)
		d = domain_new(w, name, p->conf);
	if (d == NULL)
		return NULL;
	if (d->conn == 0) {
		list_remove(&d->idle);
		list_append(&w->domains.idle, &d->idle);
		why = domain_connect(w, d, p);
	}
	if (why == REASON_NONE && d->state != DOMAIN_UP && !has_room(d, m))
		why = REASON_QUEUE_FULL;
	*result = (struct result){.why = (uint8_t)why};
	return why == REASON_NONE ? &w->conns.table[d->conn - 1] : NULL;
}

void domain_up(struct worker *w, struct conn *c)
{
	const struct world_peer *p = world_peer(w->world, c->peer);
	struct domain           *d = domain_of_conn(w, c);

	d->state = DOMAIN_UP;
	d->failures = 0;
	if (p != NULL)
		c->queue_max = p->conf->queue;
	conn_touch(w, c);
}

/* Does it say something of the domain, and not of us? */
static bool is_of_domain(enum reason why)
{
	return why != REASON_CONTROL_DOWN && why != REASON_QUESTIONS_FULL && why != REASON_POOL &&
	       why != REASON_SHUTDOWN && why != REASON_ACCOUNT_GONE &&
	       why != REASON_CLOSED_BY_OPERATOR;
}

void domain_ended(struct worker *w, struct conn *c, enum reason why)
{
	struct domain *d = domain_of_conn(w, c);

	w->domains.conns--;
	metric_sub(w->metrics, METRIC_domains_connected, 1);
	c->domain = 0;
	d->conn = 0;
	list_append(&w->domains.idle, &d->idle);
	d->state = DOMAIN_IDLE;
	c->unsent_why = (uint8_t)why;
	if (c->logged_in) {
		c->unsent_why = REASON_SESSION_GONE; /* and it is connected again for them */
	} else if (is_of_domain(why)) {
		c->unsent_why = why == REASON_DOMAIN_UNKNOWN ? REASON_DOMAIN_UNKNOWN
							     : REASON_DOMAIN_UNREACHABLE;
		domain_failed(w, d, (enum reason)c->unsent_why);
	}
}

/* ---- the world ---- */

static uint32_t peer_that_is_open(const struct world *world)
{
	for (uint32_t slot = 0; slot < world->peer_slots; slot++) {
		const struct world_peer *p = world_peer(world, slot);

		if (p != NULL && conf_peer_is_open(p->conf))
			return slot;
	}
	return MSG_SLOT_NONE;
}

struct str domains_explain(const struct world *world, struct str to, const struct world_peer **peer)
{
	uint32_t slot = peer_that_is_open(world);

	*peer = slot != MSG_SLOT_NONE ? world_peer(world, slot) : NULL;
	return *peer != NULL ? domain_of(*peer, to) : STR("");
}

void domains_follow_world(struct worker *w)
{
	struct domains          *ds = &w->domains;
	const struct world_peer *p;

	ds->peer = peer_that_is_open(w->world);
	p = domains_peer(w);
	for (uint32_t i = 0; p != NULL && i < ds->used; i++)
		limit_set_rate(&ds->table[i].rate, p->conf->rate);
}

bool domain_follows(const struct worker *w, const struct conn *c)
{
	return c->domain == 0 || domains_admit(w, c->protocol, domain_name(w, c));
}
