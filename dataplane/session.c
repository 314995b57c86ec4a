#include "session.h"

#include <arpa/inet.h>

#include "base/assert.h"
#include "base/hash.h"
#include "msg/text.h"

#include "datagram.h"
#include "worker.h"

#define PEERS_LOOK_US (50 * US_PER_MS)
#define MESSAGE_SIZE_MAX 65535u
#define STREAM_WINDOW 1000u /* of an accepted connection that no login sets another for */
#define SESSIONS_FOLLOWED_PER_TURN 64u
#define REGISTERED_QUEUE_MAX 1000u /* messages that wait for what registered over a connection */

static const struct hash_key digest_key = {0x510e527fade682d1ull, 0x9b05688c2b3e6c1full};

static struct proto_settings account_settings(const struct conf_account *a)
{
	return (struct proto_settings){
		.window_max = a->window,
		.message_size_max = MESSAGE_SIZE_MAX,
		.keepalive_us = a->enquire_link * US_PER_SECOND,
		.response_us = a->response_time * US_PER_SECOND,
		.inactivity_us = a->inactivity * US_PER_SECOND,
		.default_alphabet = a->default_alphabet,
		.default_ton = (uint8_t)a->default_ton,
		.source_ton = 0xff,
		.source_npi = 0xff,
		.dest_ton = 0xff,
		.dest_npi = 0xff,
	};
}

static_assert((int)CONF_BODY_AUTO == PROTO_BODY_AUTO && (int)CONF_BODY_TEXT == PROTO_BODY_TEXT &&
		      (int)CONF_BODY_CPIM == PROTO_BODY_CPIM &&
		      (int)CONF_BODY_SMS == PROTO_BODY_SMS,
	      "the words of the configuration are those of protocols");

static_assert(sizeof(((struct conf_peer *)0)->service_centre) == PROTO_NUMBER_SIZE &&
		      sizeof(((struct conf_listener *)0)->service_centre) == PROTO_NUMBER_SIZE,
	      "a number fits");

static_assert(CONF_IDENTITY_SIGN == PROTO_IDENTITY_SIGN &&
		      CONF_IDENTITY_VERIFY == PROTO_IDENTITY_VERIFY &&
		      CONF_IDENTITY_REQUIRE == PROTO_IDENTITY_REQUIRE,
	      "the bits of the configuration are those of protocols");

static_assert(TEXT_LANGUAGE_BIT(TEXT_TURKISH) == 1u << 1, "the first language is the first bit");

static struct proto_settings peer_settings(const struct conf_peer *p)
{
	struct proto_settings settings = {
		.window_max = p->window,
		.message_size_max = MESSAGE_SIZE_MAX,
		.keepalive_us = p->enquire_link * US_PER_SECOND,
		.response_us = p->response_time * US_PER_SECOND,
		.default_alphabet = p->default_alphabet,
		.default_ton = 1,
		.source_ton = (uint8_t)p->source_ton,
		.source_npi = (uint8_t)p->source_npi,
		.dest_ton = (uint8_t)p->dest_ton,
		.dest_npi = (uint8_t)p->dest_npi,
		.mark_duplicates = p->mark_duplicates,
		.large = p->large == CONF_LARGE_MSRP,
		.body = p->body,
		.languages = p->languages,
		.identity = p->identity,
	};

	if (conf_peer_is_open(p))
		settings.inactivity_us = p->inactivity * US_PER_SECOND;
	memcpy(settings.service_centre, p->service_centre, sizeof(settings.service_centre));
	return settings;
}

/* Of what a session of the account was let in by: where it changes, the session may not stay. */
static uint64_t account_digest(const struct conf_account *a)
{
	struct {
		char               name[CONF_NAME_SIZE], system_id[16], domain[CONF_TO_SIZE];
		struct conf_secret password;
		uint8_t            bind;
	} of = {.password = a->password, .bind = a->bind};

	memcpy(of.name, a->name, sizeof(of.name));
	memcpy(of.system_id, a->system_id, sizeof(of.system_id));
	memcpy(of.domain, a->domain, sizeof(of.domain));
	return hash_sip(&digest_key, &of, sizeof(of));
}

uint64_t session_peer_digest(const struct conf_peer *p)
{
	struct {
		char               name[CONF_NAME_SIZE], host[254], system_id[16], system_type[13];
		struct conf_secret password;
		char               domain[CONF_TO_SIZE];
		uint8_t            bind, protocol, transport, trusted, link;
		uint32_t           port;
	} of;

	memset(&of, 0, sizeof(of));
	memcpy(of.name, p->name, sizeof(of.name));
	memcpy(of.host, p->host, sizeof(of.host));
	memcpy(of.system_id, p->system_id, sizeof(of.system_id));
	memcpy(of.system_type, p->system_type, sizeof(of.system_type));
	of.password = p->password;
	of.bind = p->bind;
	of.protocol = p->protocol;
	of.transport = p->transport;
	of.trusted = p->trusted;
	of.port = p->port;
	of.link = p->link;
	memcpy(of.domain, p->domain, sizeof(of.domain));
	return hash_sip(&digest_key, &of, sizeof(of));
}

static unsigned bind_wants(uint8_t bind)
{
	switch ((enum conf_bind)bind) {
	case CONF_BIND_TRANSMITTER:
		return PROTO_RECEIVES; /* it is we who transmit */
	case CONF_BIND_RECEIVER:
		return PROTO_SENDS;
	case CONF_BIND_ANY:
	case CONF_BIND_TRANSCEIVER:
		break;
	}
	return PROTO_SENDS | PROTO_RECEIVES;
}

/* Of a session that no account or peer says anything about. */
static struct proto_settings stream_settings(void)
{
	return (struct proto_settings){.window_max = STREAM_WINDOW,
				       .message_size_max = MESSAGE_SIZE_MAX,
				       .response_us = 10 * US_PER_SECOND,
				       .default_ton = 1,
				       .source_ton = 0xff,
				       .source_npi = 0xff,
				       .dest_ton = 0xff,
				       .dest_npi = 0xff};
}

/* Of a stream of another server. What the peer that stands for all says holds for those that are
 * let in by it. */
static struct proto_settings server_settings(const struct worker *w)
{
	const struct world_peer *p = domains_peer(w);
	struct proto_settings    settings = stream_settings();

	if (p != NULL)
		settings.inactivity_us = p->conf->inactivity * US_PER_SECOND;
	return settings;
}

void session_open_accepted(struct worker *w, struct conn *c, const struct listener *l,
			   struct out *out)
{
	bool                  server = l->conf->link == LINK_SERVER;
	struct proto_settings settings = server ? server_settings(w) : stream_settings();
	struct proto_open     how = {
		    .role = (enum proto_role)c->role,
		    .instance = w->instances[c->protocol],
		    .settings = &settings,
		    .login_us = l->conf->login_time * US_PER_SECOND,
		    .node = str_of(w->dp->file->cpm.node),
		    .datagram = c->datagram,
		    .plain = l->conf->plain_without_tls,
		    .md5_alone = l->conf->authentication == CONF_AUTHENTICATION_DIGEST_MD5,
		    .open_to_all = l->conf->authentication == CONF_AUTHENTICATION_NONE,
		    .messages = c->ws != NULL,
		    .local = c->ws != NULL ? listener_ws(l) : listener_flow(l),
		    .remote = c->flow,
		    .domain = l->conf->domains.n > 0
				      ? str_of(l->conf->domains.items[0])
				      : listeners_domain(w->dp, c->protocol, l->conf->link),
		    .link = l->conf->link,
		    .service_route = str_of(l->conf->service_route),
		    .media = listener_media(l, w->number),
		    .media_stream = c->media};

	settings.resume_us = l->conf->resume_time * US_PER_SECOND;
	memcpy(settings.service_centre, l->conf->service_centre, sizeof(settings.service_centre));
	settings.languages = l->conf->languages;
	settings.identity = l->conf->identity;
	settings.chats_max = l->conf->chat_sessions;
	settings.chat_idle_us = l->conf->chat_idle * US_PER_SECOND;
	settings.chat_first = l->conf->chat_first;
	c->server = server;
	c->queue_max = REGISTERED_QUEUE_MAX;
	if (c->datagram) { /* everybody's, and so in nobody's name */
		settings.window_max = w->dp->file->dataplane.messages_max;
		c->logged_in = true;
		c->may = PROTO_SENDS | PROTO_RECEIVES;
		c->queue_max = settings.window_max;
	}
	c->ops->open(c->session, w->now, &how, out);
}

bool session_open_peer(struct worker *w, struct conn *c, struct out *out)
{
	const struct world_peer *p = w->world != NULL ? world_peer(w->world, c->peer) : NULL;
	struct proto_settings    settings;
	struct proto_open        how = {.role = PROTO_CONNECTING,
					.instance = w->instances[c->protocol],
					.settings = &settings};

	if (p == NULL || session_peer_digest(p->conf) != c->owner_digest)
		return false;
	settings = peer_settings(p->conf);
	how.identity = str_of(p->conf->system_id);
	how.system_type = str_of(p->conf->system_type);
	how.secret = (struct str){(const char *)p->conf->password.bytes, p->conf->password.size};
	how.wants = bind_wants(p->conf->bind);
	how.datagram = c->datagram;
	how.trusted = p->conf->trusted;
	how.remote = c->flow;
	how.host = str_of(p->conf->host);
	how.media = listeners_media(w->dp, c->protocol, c->flow.ip6, w->number);
	listeners_name(w->dp, c->protocol, c->flow.ip6, &how.local, &how.domain);
	how.link = p->conf->link;
	how.link_domain = c->domain != 0 ? domain_name(w, c) : str_of(p->conf->domain);
	if (how.link != LINK_CLIENT)
		how.domain = listeners_domain(w->dp, c->protocol, how.link);
	c->may = (uint8_t)how.wants;
	if (c->domain == 0)
		c->queue_max = p->conf->queue;
	c->ops->open(c->session, w->now, &how, out);
	return true;
}

void session_open_dialled(struct worker *w, struct conn *c, struct out *out)
{
	struct proto_settings settings = stream_settings();
	struct proto_open     how = {
		    .role = PROTO_CONNECTING,
		    .instance = w->instances[c->protocol],
		    .settings = &settings,
		    .node = str_of(w->dp->file->cpm.node),
		    .remote = c->flow,
		    .media = listeners_media(w->dp, c->protocol, c->flow.ip6, w->number),
		    .dial = c->dial};

	listeners_name(w->dp, c->protocol, c->flow.ip6, &how.local, &how.domain);
	c->ops->open(c->session, w->now, &how, out);
}

static enum reason login_check(struct worker *w, const struct conn *c,
			       const struct proto_login *login, const struct world_account **found)
{
	const struct world_account *a;

	if (w->world == NULL)
		return REASON_SYSTEM_ID;
	a = world_account_login(w->world, c->protocol, login->identity);
	if (a == NULL)
		return REASON_SYSTEM_ID;
	if (login->challenge.n > 0
		    ? !world_secret_proves(&a->conf->password, login->challenge, login->proof)
		    : !world_secret_fits(&a->conf->password, login->proof))
		return REASON_PASSWORD;
	switch ((enum conf_bind)a->conf->bind) {
	case CONF_BIND_ANY:
		break;
	case CONF_BIND_TRANSMITTER:
		if (login->may != PROTO_SENDS)
			return REASON_BIND_REFUSED;
		break;
	case CONF_BIND_RECEIVER:
		if (login->may != PROTO_RECEIVES)
			return REASON_BIND_REFUSED;
		break;
	case CONF_BIND_TRANSCEIVER:
		if (login->may != (PROTO_SENDS | PROTO_RECEIVES))
			return REASON_BIND_REFUSED;
		break;
	}
	if (atomic_fetch_add_explicit(&w->dp->accounts[a->slot].sessions, 1,
				      memory_order_relaxed) >= a->conf->sessions) {
		atomic_fetch_sub_explicit(&w->dp->accounts[a->slot].sessions, 1,
					  memory_order_relaxed);
		return REASON_BIND_LIMIT;
	}
	*found = a;
	return REASON_NONE;
}

static void publish(struct worker *w, struct conn *c, struct link_group *group, int line)
{
	c->group = group;
	c->line = (uint8_t)line;
	link_up(group, (unsigned)line, conn_ref(w, c), c->queue_max);
}

enum reason session_login(struct worker *w, struct conn *c, const struct proto_login *login,
			  struct out *out)
{
	const struct world_account *a = NULL;
	struct login_verdict        v = {.why = login_check(w, c, login, &a)};
	struct proto_settings       settings;

	if (v.why != REASON_NONE) {
		metric_inc(w->metrics, METRIC_logins_refused);
		c->ops->login(c->session, w->now, &v, out);
		return v.why;
	}
	settings = account_settings(a->conf);
	v.settings = &settings;
	c->account = a->slot;
	c->owner_digest = account_digest(a->conf);
	c->may = (uint8_t)login->may;
	c->queue_max = a->conf->queue;
	c->logged_in = true;
	metric_inc(w->metrics, METRIC_logins);
	c->ops->login(c->session, w->now, &v, out);
	if ((c->may & PROTO_RECEIVES) != 0) {
		struct link_group *group =
			link_group(w->dp->links,
				   &(struct route_target){.slot = a->slot, .kind = ROUTE_ACCOUNT});
		int line = link_take(group);

		if (line >= 0)
			publish(w, c, group, line);
	}
	return REASON_NONE;
}

static struct peer_link *link_of(struct worker *w, const struct conn *c)
{
	return c->beside ? &w->conns.streams[c->peer]
			 : &w->conns.peers[c->peer * LINKS_PER_TARGET + c->link_index];
}

void session_up(struct worker *w, struct conn *c)
{
	struct peer_link *p;

	c->logged_in = true;
	metric_inc(w->metrics, METRIC_logins);
	metric_inc(w->metrics, METRIC_links_up);
	if (c->domain != 0) {
		domain_up(w, c);
		return;
	}
	p = link_of(w, c);
	p->failures = p->tried = 0;
	if ((c->may & PROTO_RECEIVES) != 0 && !c->beside)
		publish(w, c,
			link_group(w->dp->links,
				   &(struct route_target){.slot = c->peer, .kind = ROUTE_PEER}),
			c->link_index);
}

void session_publish_line(struct worker *w, struct conn *c)
{
	struct link_line *line;

	if (c->group == NULL)
		return;
	line = &c->group->lines[c->line];
	atomic_store_explicit(&line->queued, c->queued, memory_order_relaxed);
	atomic_store_explicit(&line->window_used, c->open, memory_order_relaxed);
	atomic_store_explicit(&line->throttled_until_us, c->throttled_until_us,
			      memory_order_relaxed);
}

void session_line_down(struct conn *c)
{
	if (c->group != NULL)
		link_down(c->group, c->line);
}

void session_unpublish(struct worker *w, struct conn *c)
{
	session_line_down(c);
	if (c->group != NULL && c->account != MSG_SLOT_NONE)
		link_release(c->group, c->line);
	c->group = NULL;
	if (!c->logged_in)
		return;
	if (c->account != MSG_SLOT_NONE)
		atomic_fetch_sub_explicit(&w->dp->accounts[c->account].sessions, 1,
					  memory_order_relaxed);
	else if (c->peer != MSG_SLOT_NONE)
		metric_sub(w->metrics, METRIC_links_up, 1);
	c->logged_in = false;
}

bool session_host(const struct worker *w, struct str host, struct flow *flow)
{
	const struct conf_file *file = w->dp->file;
	char                    text[254];

	if (!str_copy(text, sizeof(text), host))
		return false;
	memset(flow->address, 0, sizeof(flow->address));
	flow->ip6 = false;
	if (inet_pton(AF_INET, text, flow->address) == 1)
		return true;
	flow->ip6 = true;
	if (inet_pton(AF_INET6, text, flow->address) == 1)
		return true;
	for (unsigned i = 0; i < file->host_count; i++) {
		if (strcmp(file->hosts[i].name, text) == 0) {
			memcpy(flow->address, file->hosts[i].address.w, sizeof(flow->address));
			flow->ip6 = file->hosts[i].address.ip6;
			return true;
		}
	}
	return false;
}

static uint16_t peer_port(const struct conf_peer *peer, uint16_t found)
{
	if (peer->port != 0)
		return (uint16_t)peer->port;
	return found != 0 ? found : link_port(peer->link, registry_port(peer->protocol));
}

unsigned session_peer_flows(const struct worker *w, const struct world_peer *peer,
			    struct flow flows[WORLD_ADDRESSES_MAX])
{
	const struct world_addresses *a = world_peer_addresses(w->world, peer->slot);

	flows[0] = (struct flow){.port = peer_port(peer->conf, 0)};
	if (session_host(w, str_of(peer->conf->host), &flows[0]))
		return 1;
	for (uint32_t i = 0; a != NULL && i < a->n; i++) {
		flows[i] = (struct flow){.ip6 = a->items[i].ip6,
					 .port = peer_port(peer->conf, a->items[i].port)};
		memcpy(flows[i].address, a->items[i].w, sizeof(flows[i].address));
	}
	return a != NULL ? a->n : 0;
}

static bool flow_is_among(const struct flow *flow, const struct flow flows[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (flow_eq(flow, &flows[i]))
			return true;
	}
	return false;
}

/* Elsewhere now, as soon as it is known where; or there are addresses that were not tried since it
 * was up last: at once. */
static bool peer_is_tried_at_once(const struct worker *w, const struct world_peer *peer,
				  const struct flow *was, struct peer_link *p)
{
	struct flow flows[WORLD_ADDRESSES_MAX];
	unsigned    n = session_peer_flows(w, peer, flows);

	if (!flow_is_among(was, flows, n)) {
		p->tried = 0;
		return true;
	}
	return p->tried % n != 0;
}

void session_peer_gone(struct worker *w, struct conn *c)
{
	struct peer_link        *p = link_of(w, c);
	const struct world_peer *peer = w->world != NULL ? world_peer(w->world, c->peer) : NULL;
	uint64_t wait_us = (peer != NULL ? peer->conf->reconnect : 1) * US_PER_SECOND;

	p->conn = 0;
	if (peer != NULL && peer_is_tried_at_once(w, peer, &c->flow, p)) {
		p->retry_us = w->now.us;
		return;
	}
	p->retry_us = w->now.us + (wait_us << (p->failures < 3 ? p->failures : 3));
	p->failures++;
}

struct conn *session_stream(struct worker *w, struct conn *c)
{
	struct peer_link *p = c->peer != MSG_SLOT_NONE ? &w->conns.streams[c->peer] : NULL;
	struct net_addr   address = {.ip6 = c->flow.ip6};
	struct conn      *stream;

	if (p == NULL)
		return NULL;
	if (p->conn != 0) {
		stream = &w->conns.table[p->conn - 1];
		return stream->state == CONN_CLOSING || stream->parting ? NULL : stream;
	}
	if (w->now.us < p->retry_us)
		return NULL;
	memcpy(address.w, c->flow.address, sizeof(address.w));
	stream = conn_connect(w, c->protocol, &address, c->flow.port);
	if (stream == NULL)
		return NULL;
	stream->peer = c->peer;
	stream->beside = true;
	stream->owner_digest = c->owner_digest;
	p->conn = (uint32_t)(stream - w->conns.table) + 1;
	return stream;
}

static struct conn *peer_conn(struct worker *w, const struct conf_peer *peer,
			      const struct flow *remote)
{
	struct net_addr address = {.ip6 = remote->ip6};
	struct flow     local;

	if (peer->transport == TRANSPORT_UDP)
		return datagrams_local(w, peer->protocol, remote->ip6, &local)
			       ? conn_of_datagrams(w, peer->protocol, PROTO_CONNECTING, &local,
						   remote)
			       : NULL;
	memcpy(address.w, remote->address, sizeof(address.w));
	return conn_connect(w, peer->protocol, &address, remote->port);
}

/*
 * Each link draws an order of its own, so that many share themselves out by weight; it stays the
 * same until all addresses were tried.
 */
static bool peer_next(const struct worker *w, const struct world_peer *peer, unsigned k,
		      struct peer_link *p, struct flow *next)
{
	struct flow flows[WORLD_ADDRESSES_MAX];
	uint8_t     order[WORLD_ADDRESSES_MAX] = {0};
	unsigned    n = session_peer_flows(w, peer, flows);
	uint64_t    seed;

	if (n == 0)
		return false;
	seed = w->dp->sequence_first ^
	       ((uint64_t)peer->slot << 40 | (uint64_t)k << 32 | (p->tried / n));
	if (n > 1)
		world_addresses_order(world_peer_addresses(w->world, peer->slot), hash_mix(seed),
				      order);
	*next = flows[order[p->tried++ % n]];
	return true;
}

static void peer_connect(struct worker *w, const struct world_peer *peer, unsigned k)
{
	struct peer_link *p = &w->conns.peers[peer->slot * LINKS_PER_TARGET + k];
	struct flow       remote;
	struct conn      *c;

	if (p->conn != 0 || w->now.us < p->retry_us || !peer_next(w, peer, k, p, &remote))
		return;
	p->retry_us = w->now.us + peer->conf->reconnect * US_PER_SECOND;
	c = peer_conn(w, peer->conf, &remote);
	if (c == NULL)
		return;
	c->peer = peer->slot;
	c->link_index = (uint8_t)k;
	c->owner_digest = session_peer_digest(peer->conf);
	p->conn = (uint32_t)(c - w->conns.table) + 1;
	if (c->datagram)
		conn_begun(w, c);
}

void sessions_connect_peers(struct worker *w)
{
	unsigned workers = w->dp->worker_count;

	if (w->now.us < w->peers_next_us || w->world == NULL || w->drain.state != DRAIN_NOT)
		return;
	w->peers_next_us = w->now.us + PEERS_LOOK_US;
	for (uint32_t slot = 0; slot < w->world->peer_slots; slot++) {
		const struct world_peer *peer = world_peer(w->world, slot);

		for (unsigned k = 0; peer != NULL && k < peer->conf->connections; k++) {
			if ((slot + k) % workers == w->number)
				peer_connect(w, peer, k);
		}
	}
}

static void account_follow(struct worker *w, struct conn *c)
{
	const struct world_account *a = world_account(w->world, c->account);
	struct proto_settings       settings;

	if (a == NULL || account_digest(a->conf) != c->owner_digest) {
		conn_part(w, c, REASON_ACCOUNT_GONE);
		return;
	}
	settings = account_settings(a->conf);
	c->queue_max = a->conf->queue;
	c->ops->settings(c->session, &settings);
}

static void peer_follow(struct worker *w, struct conn *c)
{
	const struct world_peer *p = world_peer(w->world, c->peer);
	struct flow              flows[WORLD_ADDRESSES_MAX];
	struct proto_settings    settings;

	if (p == NULL || session_peer_digest(p->conf) != c->owner_digest ||
	    c->link_index >= p->conf->connections || !domain_follows(w, c)) {
		conn_part(w, c, REASON_ACCOUNT_GONE);
		return;
	}
	if (!c->federated && !flow_is_among(&c->flow, flows, session_peer_flows(w, p, flows))) {
		conn_part(w, c, REASON_ADDRESS_GONE);
		return;
	}
	settings = peer_settings(p->conf);
	if (c->domain == 0)
		c->queue_max = p->conf->queue;
	if (c->state == CONN_OPEN)
		c->ops->settings(c->session, &settings);
}

static void server_follow(struct worker *w, struct conn *c)
{
	struct proto_settings settings = server_settings(w);

	c->ops->settings(c->session, &settings);
}

static void follow(struct worker *w, struct conn *c)
{
	c->followed = w->following.round;
	if (c->state != CONN_OPEN && c->state != CONN_CONNECTING)
		return;
	if (c->account != MSG_SLOT_NONE)
		account_follow(w, c);
	else if (c->peer != MSG_SLOT_NONE)
		peer_follow(w, c);
	else if (c->server)
		server_follow(w, c);
	else
		return;
	if (c->state == CONN_OPEN)
		conn_touch(w, c);
}

void session_follow(struct worker *w, struct conn *c)
{
	if (c->followed != w->following.round)
		follow(w, c);
}

void sessions_follow_world(struct worker *w)
{
	domains_follow_world(w);
	w->following.round++;
	w->following.left = w->conns.used_high;
	w->peers_next_us = 0;
}

unsigned sessions_follow_some(struct worker *w)
{
	struct following *f = &w->following;
	unsigned n = f->left < SESSIONS_FOLLOWED_PER_TURN ? f->left : SESSIONS_FOLLOWED_PER_TURN;

	for (unsigned i = 0; i < n; i++) {
		f->at = f->at < w->conns.used_high ? f->at : 0;
		session_follow(w, &w->conns.table[f->at++]);
	}
	f->left -= n;
	if (n > 0 && f->left == 0)
		w->peers_next_us = 0; /* those that have another place by now are tried at once */
	return n;
}
