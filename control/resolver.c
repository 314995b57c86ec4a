#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/list.h"
#include "base/log.h"

#include "dns.h"
#include "dp_link.h"
#include "lookup.h"

#define TICK_MS 100u
#define ASKED_MAX 64u  /* names that are looked up at the same time */
#define SERVER_MS 2000 /* that a server has to answer in; c-ares doubles it at each round */
#define SERVER_ROUNDS 2
#define SERVER_TEXT 64u

/* What is looked up: a host, by a service or without. */
struct host {
	struct list            node;
	struct resolver       *resolver;
	struct lookup_wanted   wanted;
	struct world_addresses known;
	bool                   is_known, asked;
	unsigned               peers; /* that have it; without any it ends when no look-up runs */
	unsigned               failures;
	uint64_t               due_ms, expires_ms;
	const char            *why;
};

struct named_peer {
	char         name[CONF_NAME_SIZE];
	struct host *host;
	bool         dirty; /* the dataplane is to be told */
};

struct resolver {
	struct control    *control;
	ares_channel       channel;
	bool               library, ip4, ip6;
	struct list        hosts, sockets;
	struct named_peer *peers; /* by name */
	size_t             n;
	unsigned           asked, stale;
	uint64_t           passed_ms;   /* by resolver_pass() */
	uint64_t           connections; /* to the dataplane, when it was told last */
};

static uint64_t now_ms(const struct resolver *r)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + r->passed_ms;
}

void resolver_pass(struct resolver *r, uint64_t ms)
{
	r->passed_ms += ms;
}

/* ---- c-ares on the loop ---- */

struct socket_watch {
	struct list      node;
	struct resolver *resolver;
	ares_socket_t    fd;
};

static void on_socket(void *user)
{
	const struct socket_watch *s = user;

	ares_process_fd(s->resolver->channel, s->fd, s->fd); /* s may be gone behind this */
}

static struct socket_watch *socket_find(struct resolver *r, ares_socket_t fd)
{
	for (struct list *n = r->sockets.next; n != &r->sockets; n = n->next) {
		struct socket_watch *s = list_entry(n, struct socket_watch, node);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct socket_watch *socket_new(struct resolver *r, ares_socket_t fd)
{
	struct socket_watch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct socket_watch){.resolver = r, .fd = fd};
	if (event_watch(r->control->loop, fd, on_socket, s) < 0) {
		free(s);
		return NULL; /* as if the server were silent */
	}
	list_append(&r->sockets, &s->node);
	return s;
}

static void on_socket_state(void *user, ares_socket_t fd, int readable, int writable)
{
	struct resolver     *r = user;
	struct socket_watch *s = socket_find(r, fd);

	if (readable != 0 || writable != 0) {
		if (s == NULL)
			s = socket_new(r, fd);
		if (s != NULL)
			event_want(r->control->loop, fd, readable != 0, writable != 0);
		return;
	}
	if (s == NULL)
		return;
	event_unwatch(r->control->loop, fd);
	list_remove(&s->node);
	free(s);
}

static int set_servers(struct resolver *r)
{
	const struct conf_list *servers = &r->control->file->control.dns;
	char                    text[8 * SERVER_TEXT] = "";
	size_t                  n = 0;

	for (uint32_t i = 0; i < servers->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? "," : "",
				      servers->items[i]);
	if (servers->n == 0)
		return ARES_SUCCESS;
	return n < sizeof(text) ? ares_set_servers_ports_csv(r->channel, text) : ARES_EBADSTR;
}

static int channel_new(struct resolver *r)
{
	struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
						ARES_FLAG_EDNS,
				       .timeout = SERVER_MS,
				       .tries = SERVER_ROUNDS,
				       .ednspsz = 1232,
				       .sock_state_cb = on_socket_state,
				       .sock_state_cb_data = r};
	int                 status = ares_library_init(ARES_LIB_INIT_ALL);

	r->library = status == ARES_SUCCESS;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&r->channel, &options,
					   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
						   ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
	return status == ARES_SUCCESS ? set_servers(r) : status;
}

/* ---- answers ---- */

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void tell_of(struct resolver *r, const struct host *h)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->peers[i].host == h)
			r->peers[i].dirty = true;
}

static bool has_address(const struct world_addresses *a, const struct world_address *address)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->items[i].ip6 == address->ip6 && a->items[i].port == address->port &&
		    memcmp(a->items[i].w, address->w, sizeof(address->w)) == 0)
			return true;
	return false;
}

/* What no answer denied stays, behind what answers said. */
static void keep_open(struct world_addresses *to, const struct world_addresses *known,
		      const struct lookup_result *result)
{
	for (uint32_t i = 0; i < known->n && to->n < WORLD_ADDRESSES_MAX; i++) {
		const struct world_address *last = &to->items[to->n - 1];
		struct world_address        a = known->items[i];

		if (!(a.ip6 ? result->open6 : result->open4) || has_address(to, &a) ||
		    last->server + 1u >= WORLD_ADDRESSES_MAX)
			continue;
		a.server = (uint8_t)(last->server + 1);
		if (a.priority < last->priority)
			a.priority = last->priority;
		to->items[to->n++] = a;
	}
}

static void learn(struct host *h, const struct lookup_result *result)
{
	struct world_addresses next = result->addresses;

	if (next.n > 0 && h->is_known)
		keep_open(&next, &h->known, result);
	if (h->is_known && world_addresses_equal(&h->known, &next))
		return;
	h->known = next;
	h->is_known = true;
	tell_of(h->resolver, h);
}

/* Once more before it expires, so that a slow answer leaves no gap. */
static void hold(struct host *h, uint32_t ttl_s)
{
	uint64_t ms = (uint64_t)ttl_s * 1000, now = now_ms(h->resolver);

	h->expires_ms = now + ms;
	h->due_ms = now + ms - ms / 10;
}

static void again_after_failure(struct host *h)
{
	h->due_ms = now_ms(h->resolver) + (uint64_t)dns_backoff(h->failures) * 1000;
	h->failures++;
}

static void take(struct host *h, const struct lookup_result *result)
{
	struct metrics *m = control_counters(h->resolver->control);

	switch (result->outcome) {
	case LOOKUP_FOUND:
		h->why = "";
		h->failures = 0;
		learn(h, result);
		hold(h, within(result->timed ? result->ttl_s : 0, DNS_TTL_MIN_S, DNS_TTL_MAX_S));
		return;
	case LOOKUP_NONE:
		metric_inc(m, METRIC_dns_lookups_negative);
		h->why = result->why;
		learn(h, result);
		if (result->timed) {
			h->failures = 0;
			hold(h, within(result->ttl_s, DNS_TTL_MIN_S, DNS_NEGATIVE_MAX_S));
		} else {
			hold(h, DNS_TTL_MAX_S); /* never stale: it was answered */
			again_after_failure(h);
		}
		return;
	case LOOKUP_FAILED:
		break;
	}
	metric_inc(m, METRIC_dns_lookups_failed);
	h->why = result->why;
	if (h->failures == 0)
		log_warn("dns.no_answer", "host=%s why=\"%s\"", h->wanted.host, h->why);
	again_after_failure(h);
}

static void host_free(struct host *h)
{
	list_remove(&h->node);
	free(h);
}

static void on_done(void *user, const struct lookup_result *result)
{
	struct host     *h = user;
	struct resolver *r = h->resolver;

	r->asked--;
	h->asked = false;
	metric_inc(control_counters(r->control), METRIC_dns_lookups);
	if (h->peers == 0)
		host_free(h);
	else
		take(h, result);
}

/* ---- turns ---- */

static void ask_due(struct resolver *r, uint64_t now)
{
	struct list *next;

	for (struct list *n = r->hosts.next; n != &r->hosts && r->asked < ASKED_MAX; n = next) {
		struct host *h = list_entry(n, struct host, node);

		next = n->next;
		if (h->asked || h->due_ms > now)
			continue;
		h->asked = true;
		r->asked++;
		lookup_start(r->channel, &h->wanted, on_done, h);
	}
}

static bool is_stale(const struct host *h, uint64_t now)
{
	return h->is_known && now >= h->expires_ms;
}

static void count_stale(struct resolver *r, uint64_t now)
{
	struct metrics *m = control_counters(r->control);
	unsigned        stale = 0;

	for (struct list *n = r->hosts.next; n != &r->hosts; n = n->next)
		stale += is_stale(list_entry(n, struct host, node), now);
	metric_add(m, METRIC_dns_names_stale, (uint64_t)stale - r->stale);
	r->stale = stale;
}

static bool delta_dirty(struct resolver *r, struct world_delta *d)
{
	const struct control *c = r->control;
	unsigned              n = 0;

	world_delta_begin(d, c->version, c->version);
	for (size_t i = 0; i < r->n; i++) {
		if (!r->peers[i].dirty || !r->peers[i].host->is_known)
			continue;
		world_delta_addresses(d, r->peers[i].name, &r->peers[i].host->known);
		n++;
	}
	return n > 0 && world_delta_end(d, c->checksum);
}

/* What is refused would be refused again: it is left until the next change. */
static void told(struct resolver *r, int err, const char *why)
{
	if (err == -EINVAL)
		log_error("dns.refused", "why=\"%s\"", why);
	for (size_t i = 0; (err == 0 || err == -EINVAL) && i < r->n; i++)
		r->peers[i].dirty = r->peers[i].dirty && !r->peers[i].host->is_known;
}

static void tell(struct resolver *r)
{
	struct control    *c = r->control;
	struct world_delta d = {0};
	uint64_t           us;
	char               why[256] = "";
	int                err;

	if (!dp_link_in_step(c->link))
		return;
	for (size_t i = 0; r->connections != dp_link_connections(c->link) && i < r->n; i++)
		r->peers[i].dirty = true;
	r->connections = dp_link_connections(c->link);
	if (delta_dirty(r, &d)) {
		err = dp_link_prepare(c->link, &d, why);
		if (err == 0)
			err = dp_link_publish(c->link, &us);
		if (err == 0)
			metric_inc(control_counters(c), METRIC_dns_changes);
		told(r, err, why);
	}
	world_delta_free(&d);
}

static void tick(void *user)
{
	struct resolver *r = user;
	uint64_t         now = now_ms(r);

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has taken too long */
	ask_due(r, now);
	count_stale(r, now);
	tell(r);
}

/* ---- peers ---- */

static bool is_fixed(const struct conf_file *file, const char *host)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return true;
	for (unsigned i = 0; i < file->host_count; i++)
		if (strcmp(file->hosts[i].name, host) == 0)
			return true;
	return false;
}

static struct lookup_wanted wanted_of(const struct resolver *r, const struct conf_peer *peer)
{
	struct lookup_wanted w = {.ip4 = r->ip4, .ip6 = r->ip6, .transport = peer->transport};

	snprintf(w.host, sizeof(w.host), "%s", peer->host);
	w.service = peer->port == 0
			    ? link_service(peer->link, conf_protocol_service(peer->protocol))
			    : NULL;
	return w;
}

static bool same_wanted(const struct lookup_wanted *a, const struct lookup_wanted *b)
{
	return a->service == b->service && (a->service == NULL || a->transport == b->transport) &&
	       strcasecmp(a->host, b->host) == 0;
}

static struct host *host_get(struct resolver *r, const struct lookup_wanted *wanted)
{
	struct host *h;

	for (struct list *n = r->hosts.next; n != &r->hosts; n = n->next) {
		h = list_entry(n, struct host, node);
		if (same_wanted(&h->wanted, wanted))
			return h;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->resolver = r;
	h->wanted = *wanted;
	h->why = "it was not looked up yet";
	list_append(&r->hosts, &h->node);
	return h;
}

static int peer_order(const void *name, const void *peer)
{
	return strcmp(name, ((const struct named_peer *)peer)->name);
}

static struct named_peer *peer_find(const struct resolver *r, const char *name)
{
	return r->n > 0 ? bsearch(name, r->peers, r->n, sizeof(r->peers[0]), peer_order) : NULL;
}

struct follow {
	struct resolver   *resolver;
	struct named_peer *peers;
	size_t             n, room;
	int                err;
};

static bool follow_one(void *user, const char *id, const void *object)
{
	struct follow          *f = user;
	struct resolver        *r = f->resolver;
	const struct conf_peer *peer = object;
	struct lookup_wanted    wanted = wanted_of(r, peer);
	struct named_peer      *to = &f->peers[f->n], *before = peer_find(r, peer->name);

	(void)id;
	if (conf_peer_is_open(peer) || is_fixed(r->control->file, peer->host))
		return true;
	if (f->n == f->room) { /* more than are counted: not ours to mend */
		f->err = -E2BIG;
		return false;
	}
	*to = (struct named_peer){.dirty = true};
	str_copy(to->name, sizeof(to->name), str_of(peer->name));
	if (before != NULL && same_wanted(&before->host->wanted, &wanted)) {
		to->host = before->host;
		to->dirty = before->dirty;
	} else {
		to->host = host_get(r, &wanted);
	}
	f->err = to->host != NULL ? 0 : -ENOMEM;
	f->n += to->host != NULL;
	return f->err == 0;
}

/* Those that a look-up still leads to end with it. */
static void hosts_sweep(struct resolver *r)
{
	struct list *next;

	for (struct list *n = r->hosts.next; n != &r->hosts; n = next) {
		struct host *h = list_entry(n, struct host, node);

		next = n->next;
		if (h->peers == 0 && !h->asked)
			host_free(h);
	}
}

static void take_peers(struct resolver *r, struct named_peer *peers, size_t n)
{
	for (size_t i = 0; i < r->n; i++)
		r->peers[i].host->peers--;
	for (size_t i = 0; i < n; i++)
		peers[i].host->peers++;
	free(r->peers);
	r->peers = peers;
	r->n = n;
}

int resolver_follow(struct resolver *r)
{
	size_t        room = control_object_count(r->control, CONF_PEER);
	struct follow f = {.resolver = r, .room = room};
	int           err;

	f.peers = calloc(room + 1, sizeof(f.peers[0]));
	if (f.peers == NULL)
		return -ENOMEM;
	err = control_object_each(r->control, CONF_PEER, "", follow_one, &f);
	if (err == 0)
		err = f.err;
	if (err == 0)
		take_peers(r, f.peers, f.n);
	else
		free(f.peers);
	hosts_sweep(r);
	return err;
}

void resolver_put(const struct resolver *r, struct world_delta *d)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->peers[i].host->is_known)
			world_delta_addresses(d, r->peers[i].name, &r->peers[i].host->known);
}

void resolver_look_up(struct resolver *r, const struct lookup_wanted                     *wanted,
		      void (*done)(void *user, const struct lookup_result *result), void *user)
{
	struct lookup_wanted ours = *wanted;

	ours.ip4 = r->ip4;
	ours.ip6 = r->ip6;
	metric_inc(control_counters(r->control), METRIC_dns_lookups);
	lookup_start(r->channel, &ours, done, user);
}

/* ---- for people ---- */

bool resolver_at(const struct resolver *r, size_t i, struct resolver_state *state)
{
	const struct host *h = i < r->n ? r->peers[i].host : NULL;

	if (h == NULL)
		return false;
	*state = (struct resolver_state){.peer = r->peers[i].name,
					 .host = h->wanted.host,
					 .known = h->is_known ? &h->known : NULL,
					 .stale = is_stale(h, now_ms(r)),
					 .failures = h->failures,
					 .why = h->why};
	return true;
}

bool resolver_get(const struct resolver *r, const char *peer, struct resolver_state *state)
{
	const struct named_peer *p = peer_find(r, peer);

	return p != NULL && resolver_at(r, (size_t)(p - r->peers), state);
}

void resolver_text(const struct world_addresses *a, char *room, size_t size)
{
	size_t n = 0;

	room[0] = '\0';
	for (uint32_t i = 0; i < a->n; i++) {
		const struct world_address *at = &a->items[i];
		char                        text[INET6_ADDRSTRLEN], one[80];
		int                         length;

		inet_ntop(at->ip6 ? AF_INET6 : AF_INET, at->w, text, sizeof(text));
		if (at->port == 0)
			length = snprintf(one, sizeof(one), "%s%s", i > 0 ? ", " : "", text);
		else
			length = snprintf(one, sizeof(one), at->ip6 ? "%s[%s]:%u" : "%s%s:%u",
					  i > 0 ? ", " : "", text, at->port);
		if (n + (size_t)length >= size)
			return;
		memcpy(room + n, one, (size_t)length + 1);
		n += (size_t)length;
	}
}

/* ---- begin and end ---- */

static void families(struct resolver *r)
{
	const struct conf_file *file = r->control->file;

	for (unsigned i = 0; i < file->port_count; i++) {
		for (uint32_t k = 0; k < file->ports[i].addresses.n; k++) {
			r->ip4 = r->ip4 || !file->ports[i].addresses.items[k].ip6;
			r->ip6 = r->ip6 || file->ports[i].addresses.items[k].ip6;
		}
	}
}

struct resolver *resolver_new(struct control *c, char error[256])
{
	struct resolver *r = calloc(1, sizeof(*r));
	int              status;

	if (r == NULL) {
		snprintf(error, 256, "no memory for the resolver");
		return NULL;
	}
	r->control = c;
	list_init(&r->hosts);
	list_init(&r->sockets);
	families(r);
	status = channel_new(r);
	if (status == ARES_SUCCESS && resolver_follow(r) == 0 &&
	    event_every(c->loop, TICK_MS, tick, r) == 0)
		return r;
	snprintf(error, 256, "the resolver cannot begin: %s",
		 status != ARES_SUCCESS ? ares_strerror(status) : "no memory");
	resolver_free(r);
	return NULL;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	if (r->channel != NULL)
		ares_destroy(r->channel);
	if (r->library)
		ares_library_cleanup();
	take_peers(r, NULL, 0);
	while (!list_empty(&r->hosts))
		host_free(list_entry(r->hosts.next, struct host, node));
	free(r);
}
