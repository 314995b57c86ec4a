#include "registered.h"

#include "base/aor.h"

#include "directory.h"
#include "worker.h"

#define ANSWERS_MAX 32u

/* Who a message is for: an address of record, a subscriber, or a subscriber by one of its addresses
 * of record. */
struct recipient {
	struct str                     address, scheme; /* scheme empty: it is a number */
	const struct world_subscriber *subscriber;
};

static struct recipient recipient_of(const struct world *world, struct str to)
{
	struct recipient r = {.address = to};
	struct aor       aor;

	if (aor_split(to, &aor))
		r.scheme = aor.scheme;
	r.subscriber = r.scheme.n > 0 ? world_subscriber_by_uri(world, to)
				      : world_subscriber_by_address(world, to);
	if (r.subscriber != NULL && r.subscriber->reach != CONF_REACH_ANY)
		r.subscriber = NULL;
	return r;
}

/* Its address of record in a protocol; empty: there is none. */
static struct str address_in(const struct recipient *r, unsigned protocol)
{
	struct str scheme = str_of(registry_ops(protocol)->name);

	if (str_eq(r->scheme, scheme))
		return r->address;
	return r->subscriber != NULL ? world_subscriber_in(r->subscriber, scheme) : STR("");
}

static unsigned find_in(const struct dataplane *dp, const struct recipient *r, unsigned protocol,
			uint64_t now_us, struct registered places[REGISTERED_MAX], unsigned n)
{
	struct str                 address = address_in(r, protocol);
	const struct proto_record *record =
		address.n > 0 ? directory_find(dp->directory, protocol, address) : NULL;

	for (uint32_t i = 0; record != NULL && i < record->count && n < REGISTERED_MAX; i++) {
		if (record->bindings[i].expires_us > now_us)
			places[n++] = (struct registered){record, &record->bindings[i], protocol};
	}
	return n;
}

unsigned registered_find(const struct dataplane *dp, const struct world *world, struct str to,
			 uint64_t now_us, struct registered places[REGISTERED_MAX])
{
	struct recipient r = recipient_of(world, to);
	unsigned         n = 0;

	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		if (str_eq(r.scheme, str_of(registry_ops(p)->name)))
			n = find_in(dp, &r, p, now_us, places, n);
	}
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		if (!str_eq(r.scheme, str_of(registry_ops(p)->name)))
			n = find_in(dp, &r, p, now_us, places, n);
	}
	return n;
}

/* One of datagrams has the same index at every worker, so the message need not travel. */
struct session_ref registered_session(const struct worker *w, const struct registered *place)
{
	struct session_ref ref = place->binding->session;
	const struct conn *c = ref.index < w->conns.used_high ? &w->conns.table[ref.index] : NULL;

	if (c != NULL && c->role == PROTO_DATAGRAM && c->protocol == ref.protocol)
		ref.worker = (uint8_t)w->number;
	return ref;
}

bool registered_target(const struct worker *w, unsigned protocol, struct str to, uint32_t binding,
		       struct proto_target *target)
{
	struct recipient r = recipient_of(w->world, to);
	struct str       address = address_in(&r, protocol);

	if (address.n == 0)
		return false;
	target->record = directory_find(w->dp->directory, protocol, address);
	target->binding = directory_binding(target->record, binding);
	return target->binding != NULL;
}

void registered_change(struct worker *w, struct conn *c, const struct proto_registration *r)
{
	struct session_ref ref = conn_ref(w, c);
	enum reason        why = directory_ask(w->dp->directory, w->number, c->protocol, ref, r);

	if (why != REASON_NONE)
		conn_answer(w, ref, r->token, &(struct result){.why = (uint8_t)why});
}

unsigned registered_answers(struct worker *w)
{
	struct directory_answer answers[ANSWERS_MAX];
	unsigned n = directory_answers(w->dp->directory, w->number, answers, ANSWERS_MAX);

	for (unsigned i = 0; i < n; i++)
		conn_answer(w, answers[i].origin, answers[i].token,
			    &(struct result){.why = (uint8_t)answers[i].why});
	return n;
}

bool registered_here(const struct dataplane *dp, struct str address)
{
	struct aor aor;

	if (!aor_split(address, &aor))
		return false;
	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		if (str_eq(aor.scheme, str_of(registry_ops(p)->name)) &&
		    dataplane_serves(dp, p, aor.domain))
			return true;
	}
	return false;
}
