#include "services.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"

#include "conn.h"
#include "directory.h"
#include "pages.h"
#include "registered.h"
#include "worker.h"

#define SOURCES_MAX (WORLD_PEERS_MAX * WORLD_ADDRESSES_MAX)
#define SOURCES_PLACES (2u * SOURCES_MAX)

/* ---- who comes from where ---- */

int sources_init(struct sources *s)
{
	s->places = pages_new(SOURCES_PLACES * sizeof(s->places[0]));
	s->used = pages_new(SOURCES_MAX * sizeof(s->used[0]));
	return s->places != NULL && s->used != NULL ? 0 : -ENOMEM;
}

void sources_free(struct sources *s)
{
	pages_free(s->places, SOURCES_PLACES * sizeof(s->places[0]));
	pages_free(s->used, SOURCES_MAX * sizeof(s->used[0]));
}

/* By address alone: a stream comes from any port. */
static uint32_t first_place(const struct flow *f)
{
	uint64_t high = (uint64_t)f->address[0] << 32 | f->address[1];
	uint64_t low = (uint64_t)f->address[2] << 32 | f->address[3];

	return (uint32_t)(hash_mix(high ^ hash_mix(low)) % SOURCES_PLACES);
}

static uint32_t next_place(uint32_t at)
{
	return at + 1 < SOURCES_PLACES ? at + 1 : 0;
}

static bool same_host(const struct flow *a, const struct flow *b)
{
	return a->ip6 == b->ip6 && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void source_add(struct sources *s, const struct world_peer *p, const struct flow *flow)
{
	uint32_t at = first_place(flow);

	while (s->places[at].peer != 0)
		at = next_place(at);
	s->places[at] = (struct source_place){*flow,
					      p->slot + 1,
					      p->conf->protocol,
					      p->conf->trusted,
					      p->conf->reg_event,
					      p->conf->identity};
	s->used[s->count++] = at;
}

void sources_follow_world(struct worker *w)
{
	struct sources *s = &w->sources;

	while (s->count > 0)
		s->places[s->used[--s->count]].peer = 0;
	for (uint32_t slot = 0; slot < w->world->peer_slots; slot++) {
		const struct world_peer *p = world_peer(w->world, slot);
		struct flow              flows[WORLD_ADDRESSES_MAX];
		unsigned                 n = p != NULL ? session_peer_flows(w, p, flows) : 0;

		for (unsigned i = 0; i < n; i++)
			source_add(s, p, &flows[i]);
	}
}

/* The peer of exactly that port, else the first of that address. */
static bool source(void *context, unsigned protocol, const struct flow *from,
		   struct proto_source *found)
{
	const struct worker       *w = context;
	const struct source_place *best = NULL;

	for (uint32_t at = first_place(from); w->sources.places[at].peer != 0;
	     at = next_place(at)) {
		const struct source_place *p = &w->sources.places[at];

		if (p->protocol != protocol || !same_host(&p->flow, from))
			continue;
		if (best == NULL || p->flow.port == from->port)
			best = p;
		if (p->flow.port == from->port)
			break;
	}
	if (best == NULL)
		return false;
	*found =
		(struct proto_source){best->peer - 1, best->trusted, best->watched, best->identity};
	return true;
}

/* ---- the rest ---- */

static bool credentials(void *context, unsigned protocol, struct str address,
			struct proto_credentials *c)
{
	const struct worker           *w = context;
	const struct world_subscriber *s =
		w->world != NULL ? world_subscriber_by_uri(w->world, address) : NULL;

	if (s == NULL)
		return false;
	*c = (struct proto_credentials){.number = world_subscriber_address(s),
					.has_ha1 = s->has_ha1,
					.scram = world_subscriber_scram(s)};
	if (s->has_ha1) {
		memcpy(c->ha1_md5, world_subscriber_ha1_md5(s), sizeof(c->ha1_md5));
		memcpy(c->ha1_sha256, world_subscriber_ha1_sha256(s), sizeof(c->ha1_sha256));
	}
	return true;
}

static const struct proto_record *record(void *context, unsigned protocol, struct str address)
{
	const struct worker *w = context;

	return directory_find(w->dp->directory, protocol, address);
}

static enum proto_reach reach(void *context, unsigned protocol, struct str address,
			      uint16_t *features)
{
	const struct worker     *w = context;
	struct registered_places found;
	unsigned                 here = 0;

	registered_find(w->dp, w->world, address, w->now.us, &found);
	*features = 0;
	for (unsigned i = 0; i < found.n; i++) {
		if (found.at[i].protocol != protocol)
			continue;
		*features |= found.at[i].binding->features;
		here++;
	}
	if (here > 0)
		return PROTO_REACH_HERE;
	return w->world != NULL && registered_subscriber(w->world, address) != NULL
		       ? PROTO_REACH_AWAY
		       : PROTO_REACH_NOBODY;
}

static bool serves(void *context, unsigned protocol, struct str domain)
{
	const struct worker *w = context;

	return dataplane_serves(w->dp, protocol, domain);
}

/* What `hosts:` has, and the names of peers where control has found them. */
static bool resolve(void *context, struct str host, struct flow *to)
{
	const struct worker *w = context;

	if (session_host(w, host, to))
		return true;
	for (uint32_t slot = 0; w->world != NULL && slot < w->world->peer_slots; slot++) {
		const struct world_peer      *p = world_peer(w->world, slot);
		const struct world_addresses *a =
			p != NULL ? world_peer_addresses(w->world, slot) : NULL;

		if (a == NULL || a->n == 0 || !str_eq(str_of(p->conf->host), host))
			continue;
		to->ip6 = a->items[0].ip6;
		memcpy(to->address, a->items[0].w, sizeof(to->address));
		return true;
	}
	return false;
}

static bool is_server_of(const struct world_peer *p, unsigned protocol, struct str domain)
{
	return p != NULL && p->conf->protocol == protocol && p->conf->link == LINK_SERVER &&
	       str_eq(str_of(p->conf->domain), domain);
}

static bool server(void *context, unsigned protocol, struct str domain, uint32_t *slot,
		   struct flow *where)
{
	const struct worker     *w = context;
	const struct world_peer *p = NULL;
	struct flow              flows[WORLD_ADDRESSES_MAX];

	if (w->world == NULL)
		return false;
	if (*slot < w->world->peer_slots)
		p = world_peer(w->world, *slot);
	for (uint32_t i = 0; !is_server_of(p, protocol, domain) && i < w->world->peer_slots; i++)
		p = world_peer(w->world, i);
	if (!is_server_of(p, protocol, domain)) {
		if (!domains_admit(w, protocol, domain))
			return false;
		*slot = w->domains.peer;
		*where = (struct flow){.port = 0};
		return true;
	}
	if (session_peer_flows(w, p, flows) == 0)
		return false;
	*slot = p->slot;
	*where = flows[0];
	return true;
}

static void proven(void *context, struct str domain)
{
	struct worker *w = context;

	domain_heard(w->dp, domain, w->now);
}

static void wake(void *context, void *session)
{
	struct worker *w = context;

	conn_touch(w, conn_of_session(w, session));
}

static struct str conversation(void *context, struct str one, struct str other)
{
	return conversation_find(context, one, other);
}

static void converse(void *context, struct str one, struct str other, struct str id)
{
	conversation_learn(context, one, other, id);
}

static uint64_t chat_begun(void *context, struct str device, struct str other)
{
	return chats_begun(context, device, other);
}

static void chat_over(void *context, uint64_t mark, bool another)
{
	chats_over(context, mark, another);
}

static bool chat_taken(void *context, uint64_t mark)
{
	return chats_taken(context, mark);
}

const struct proto_services services_template = {
	.credentials = credentials,
	.record = record,
	.reach = reach,
	.serves = serves,
	.source = source,
	.resolve = resolve,
	.server = server,
	.proven = proven,
	.wake = wake,
	.conversation = conversation,
	.converse = converse,
	.chat_begun = chat_begun,
	.chat_over = chat_over,
	.chat_taken = chat_taken,
};
