#include "registered.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/aor_map.h"
#include "rcu/rcu.h"
#include "rules/rules.h"

#include "directory.h"
#include "worker.h"

#define ANSWERS_MAX 32u

/* Who a message is for: an address of record, a subscriber, or a subscriber by one of its addresses
 * of record. */
struct recipient {
	struct str                     address;
	unsigned                       protocol; /* of the address; PROTO_COUNT: of none */
	const struct world_subscriber *subscriber;
};

/* Who has that user and domain in another protocol (RFC 7247, 5). */
static const struct world_subscriber *namesake(const struct world *world, const struct aor *aor)
{
	const struct world_subscriber *s = NULL;
	char                           room[MSG_ADDR_SIZE_MAX + 1];

	for (unsigned p = 0; s == NULL && p < PROTO_COUNT; p++) {
		struct str scheme = registry_name(p);
		struct put w = put_to(room, sizeof(room));

		put_str(&w, scheme);
		put_u8(&w, ':');
		if (!str_eq(scheme, aor->scheme) && aor_map_put(&w, aor, scheme) && !w.failed)
			s = world_subscriber_by_uri(world, (struct str){room, put_size(&w)});
	}
	return s;
}

static struct recipient recipient_of(const struct world *world, struct str to)
{
	struct recipient r = {.address = to, .protocol = PROTO_COUNT};
	struct aor       aor;

	if (!aor_split(to, &aor) || aor.scheme.n == 0) {
		r.subscriber = world_subscriber_by_address(world, to);
		return r;
	}
	r.protocol = registry_find(aor.scheme);
	r.subscriber = world_subscriber_by_uri(world, to);
	if (r.subscriber == NULL)
		r.subscriber = namesake(world, &aor);
	return r;
}

const struct world_subscriber *registered_subscriber(const struct world *world, struct str to)
{
	return recipient_of(world, to).subscriber;
}

/* The number by which somebody may be registered, with or without being a subscriber; empty: there
 * is none, or nobody is so. */
static struct str number_in(const struct dataplane *dp, const struct recipient *r,
			    unsigned protocol)
{
	if (!registry_ops(protocol)->numbers || directory_numbers(dp->directory) == 0)
		return STR("");
	if (r->protocol == PROTO_COUNT)
		return r->address;
	return r->subscriber != NULL ? world_subscriber_address(r->subscriber) : STR("");
}

/* Its address of record in a protocol; empty: there is none. */
static struct str address_in(const struct recipient *r, unsigned protocol)
{
	if (protocol == r->protocol)
		return r->address;
	return r->subscriber != NULL ? world_subscriber_in(r->subscriber, registry_name(protocol))
				     : STR("");
}

struct search {
	const struct dataplane   *dp;
	struct recipient          recipient;
	uint64_t                  place, now_us;
	bool                      named_alone; /* nowhere but at `place` */
	bool                      all;         /* those, too, that only are for who names them */
	unsigned                  protocol;    /* in it alone; PROTO_COUNT: in any */
	struct registered_places *found;
};

static bool is_wanted(const struct search *s, unsigned protocol, const struct proto_binding *b,
		      bool named)
{
	if ((s->protocol != PROTO_COUNT && protocol != s->protocol) || (s->named_alone && !named))
		return false;
	return b->expires_us > s->now_us &&
	       ((b->features & PROTO_BINDING_DIRECT) == 0 || named || s->all);
}

/* The one that is named goes to the front. */
static void find_one(struct search *s, unsigned protocol, const struct proto_record *r,
		     const struct proto_binding *b)
{
	struct registered_places *f = s->found;
	bool                      named = s->place != 0 && b->key == s->place;
	unsigned                  at = named ? 0 : f->n;

	if (!is_wanted(s, protocol, b, named))
		return;
	memmove(&f->at[at + 1], &f->at[at], (f->n - at) * sizeof(f->at[0]));
	f->at[at] = (struct registered){r, b, protocol};
	f->n++;
	if (named && !f->alone) /* it goes before the other targets, too */
		f->first++;
}

static void find_at(struct search *s, unsigned protocol, struct str address)
{
	const struct proto_record *r =
		address.n > 0 ? directory_find(s->dp->directory, protocol, address) : NULL;

	for (uint32_t i = 0; r != NULL && i < r->count && s->found->n < REGISTERED_MAX; i++)
		find_one(s, protocol, r, &r->bindings[i]);
}

static void find_in(struct search *s, unsigned protocol)
{
	find_at(s, protocol, address_in(&s->recipient, protocol));
	find_at(s, protocol, number_in(s->dp, &s->recipient, protocol));
}

static void find_all(struct search *s)
{
	s->found->n = 0;
	s->found->alone = true;
	if (s->recipient.protocol < PROTO_COUNT)
		find_in(s, s->recipient.protocol);
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		if (p != s->recipient.protocol)
			find_in(s, p);
	}
	s->found->first = s->found->n;
	s->found->alone = false;
}

/* As the recipient wants to be reached. */
static void find_in_order(struct search *s)
{
	const struct world_subscriber *who = s->recipient.subscriber;
	struct str                     order = who != NULL ? world_subscriber_reach(who) : STR("");

	if (order.n == 0) {
		find_all(s);
		return;
	}
	s->found->n = 0;
	s->found->alone = true;
	for (size_t i = 0; i < order.n; i++) {
		uint8_t word = (uint8_t)order.p[i];

		if (word < PROTO_COUNT)
			find_in(s, word);
		if (word != CONF_REACH_SMS)
			continue;
		s->found->first = s->found->n;
		s->found->alone = false;
	}
	if (s->found->alone)
		s->found->first = s->found->n;
}

void registered_find(const struct dataplane *dp, const struct world *world, struct str to,
		     uint64_t now_us, struct registered_places *found)
{
	struct search s = {.dp = dp,
			   .recipient = recipient_of(world, to),
			   .now_us = now_us,
			   .protocol = PROTO_COUNT,
			   .found = found};

	find_in_order(&s);
}

uint32_t registered_in(const struct dataplane *dp, const struct world *world, struct str to,
		       uint64_t now_us, uint32_t *abilities)
{
	struct registered_places found;
	uint32_t                 in = 0;

	static_assert(PROTO_COUNT <= RULES_PROTOCOLS_MAX, "a bit for each protocol");
	registered_find(dp, world, to, now_us, &found);
	*abilities = 0;
	for (unsigned i = 0; i < found.n; i++) {
		const struct proto_ops *ops = registry_ops(found.at[i].protocol);

		in |= 1u << found.at[i].protocol;
		if (ops->abilities != NULL)
			*abilities |= ops->abilities(found.at[i].binding->features);
	}
	return in != 0 ? in : 1u << RULES_NOBODY;
}

void registered_all(const struct dataplane *dp, const struct world *world, struct str of,
		    uint64_t now_us, struct registered_places *found)
{
	struct search s = {.dp = dp,
			   .recipient = recipient_of(world, of),
			   .now_us = now_us,
			   .all = true,
			   .protocol = PROTO_COUNT,
			   .found = found};

	find_all(&s);
}

bool registered_same(const struct world *world, struct str one, struct str other)
{
	struct recipient a = recipient_of(world, one), b = recipient_of(world, other);

	return str_eq(one, other) || (a.subscriber != NULL && a.subscriber == b.subscriber);
}

void registered_find_for(const struct dataplane *dp, const struct world *world, const struct msg *m,
			 uint64_t now_us, struct registered_places *found)
{
	bool          native = (m->kind == MSG_NATIVE || m->there) && m->copy == MSG_COPY_NONE;
	struct search s = {.dp = dp,
			   .recipient = recipient_of(world, registered_address(m)),
			   .place = m->to_place,
			   .now_us = now_us,
			   .named_alone = m->copy != MSG_COPY_NONE || (native && m->to_place != 0),
			   .protocol = native ? m->native_protocol : PROTO_COUNT,
			   .found = found};

	if (native || m->copy != MSG_COPY_NONE)
		find_all(&s);
	else
		find_in_order(&s);
}

/* Where the peer's links lead; a place of no session where none is up. */
static struct session_ref session_at_peer(const struct worker *w, const struct registered *place)
{
	const struct proto_services *services = &w->services;
	struct session_ref           nobody = {DOMAIN_SESSION - 1, 0, (uint8_t)w->number, 0};
	struct route_target          peer = {.kind = ROUTE_PEER};
	struct proto_source          source;
	struct link_line            *line;

	if (!services->source(services->context, place->protocol, &place->binding->flow, &source) ||
	    !source.trusted)
		return nobody;
	peer.slot = source.peer;
	line = link_choose(link_group(w->dp->links, &peer), place->record->address);
	if (line == NULL)
		return nobody;
	/* Relaxed: what ended meanwhile is found out by its generation. */
	return session_ref_unpack(atomic_load_explicit(&line->session, memory_order_relaxed));
}

/* One of datagrams has the same index at every worker, so the message need not travel. */
struct session_ref registered_session(const struct worker *w, const struct registered *place,
				      struct str from)
{
	struct session_ref ref = place->binding->session;
	const struct conn *c = ref.index < w->conns.used_high ? &w->conns.table[ref.index] : NULL;

	if (place->binding->features & PROTO_BINDING_AT_PEER)
		return session_at_peer(w, place);
	if (c != NULL && c->role == PROTO_DATAGRAM && c->protocol == ref.protocol)
		ref.worker = (uint8_t)chats_worker(w, place->record->address, from);
	return ref;
}

bool registered_target(const struct worker *w, unsigned protocol, struct str to, uint32_t binding,
		       struct proto_target *target)
{
	struct recipient r = recipient_of(w->world, to);
	struct str       addresses[] = {address_in(&r, protocol), number_in(w->dp, &r, protocol)};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (addresses[i].n == 0)
			continue;
		target->record = directory_find(w->dp->directory, protocol, addresses[i]);
		target->binding = directory_binding(target->record, binding);
		if (target->binding != NULL)
			return true;
	}
	return false;
}

void registered_change(struct worker *w, struct conn *c, const struct proto_registration *r)
{
	struct session_ref ref = conn_ref(w, c);
	enum reason        why =
		directory_ask(w->dp->directory, w->number, c->protocol, ref, !c->datagram, r);

	c->registers = c->registers || !c->datagram;
	if (why != REASON_NONE)
		conn_answer(w, ref, r->token, &(struct result){.why = (uint8_t)why});
}

void registered_replaced(struct worker *w, const struct registered_loss *loss)
{
	struct conn *c;

	if (loss->lost.worker != w->number) {
		xcore_replaced(w, loss);
		return;
	}
	c = conn_get(w, loss->lost);
	if (loss->hands_over) {
		struct registered_loss said = *loss;

		said.word = c != NULL ? conn_give_way(w, c, loss->word) : 0;
		xcore_handed_over(w, &said);
	} else if (c != NULL && c->state == CONN_OPEN) {
		conn_close(w, c, REASON_REPLACED);
	}
}

void registered_way_gone(struct worker *w, struct conn *c, const struct msg *m, uint32_t binding)
{
	struct proto_registration gone = {.remove_id = binding};
	struct proto_target       at;

	if (!registered_target(w, c->protocol, registered_address(m), binding, &at))
		return;
	metric_inc(w->metrics, METRIC_registration_ways_gone);
	gone.address = at.record->address;
	directory_ask(w->dp->directory, w->number, c->protocol, conn_ref(w, c), !c->datagram,
		      &gone);
}

int registered_init(struct worker *w, uint32_t streams_max)
{
	w->ended = (struct registered_ended){.list = calloc(streams_max, sizeof(w->ended.list[0])),
					     .max = streams_max};
	return w->ended.list != NULL ? 0 : -ENOMEM;
}

void registered_free(struct worker *w)
{
	free(w->ended.list);
}

void registered_ended(struct worker *w, struct conn *c)
{
	struct registered_ended *e = &w->ended;

	metric_inc(w->metrics, METRIC_registration_streams_ended);
	if (e->count == e->max) { /* places are taken again faster than they are told about */
		metric_inc(w->metrics, METRIC_registration_streams_forgotten);
		return;
	}
	e->list[(e->first + e->count++) % e->max] = conn_ref(w, c);
}

static void ended_tell(struct worker *w)
{
	struct registered_ended *e = &w->ended;

	while (e->count > 0 && directory_ended(w->dp->directory, w->number, e->list[e->first])) {
		e->first = (e->first + 1) % e->max;
		e->count--;
	}
}

static void answered(struct worker *w, const struct directory_answer *a)
{
	if (!a->has_lost || !a->hands_over)
		conn_answer(w, a->origin, a->token, &(struct result){.why = (uint8_t)a->why});
	if (a->has_lost)
		registered_replaced(w, &(struct registered_loss){.lost = a->lost,
								 .by = a->origin,
								 .token = a->token,
								 .word = a->word,
								 .hands_over = a->hands_over});
}

unsigned registered_answers(struct worker *w)
{
	struct directory_answer answers[ANSWERS_MAX];
	unsigned n = directory_answers(w->dp->directory, w->number, answers, ANSWERS_MAX);

	ended_tell(w);
	for (unsigned i = 0; i < n; i++)
		answered(w, &answers[i]);
	return n;
}

/* The sessions that are its user's alone: those of a protocol of streams, which log in. Over
 * others, whoever sends proves each time who that is. */
static unsigned streams_of(const struct dataplane *dp, unsigned protocol, struct str address,
			   struct session_ref streams[PROTO_BINDINGS_MAX])
{
	const struct proto_record *r;
	unsigned                   n = 0;

	if (registry_ops(protocol)->owner != NULL)
		return 0;
	rcu_thread_begin();
	r = directory_find(dp->directory, protocol, address);
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if (r->bindings[i].stream)
			streams[n++] = r->bindings[i].session;
	}
	rcu_thread_end();
	return n;
}

void registered_gone(struct dataplane *dp, struct str address)
{
	struct session_ref streams[PROTO_BINDINGS_MAX];

	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		unsigned n = streams_of(dp, p, address, streams);

		directory_remove(dp->directory, dp->worker_count, p, address);
		for (unsigned i = 0; i < n; i++)
			mailbox_ask(dp->workers[streams[i].worker], MAILBOX_GONE, 0, streams[i]);
	}
}

bool registered_notice(struct dataplane *dp, struct str address, bool *told)
{
	struct session_ref streams[PROTO_BINDINGS_MAX];

	*told = false;
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		unsigned n =
			registry_ops(p)->notice != NULL ? streams_of(dp, p, address, streams) : 0;

		for (unsigned i = 0; i < n && !*told; i++) {
			struct worker *w = dp->workers[streams[i].worker];

			if (!mailbox_ask(w, MAILBOX_NOTICE, 0, streams[i]))
				return false;
			*told = w->mailbox.count == 1;
		}
	}
	return true;
}

bool registered_here(const struct dataplane *dp, struct str address)
{
	struct aor aor;

	return aor_split(address, &aor) &&
	       dataplane_serves(dp, registry_find(aor.scheme), aor.domain);
}
