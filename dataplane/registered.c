#include "registered.h"

#include "base/aor.h"

#include "directory.h"
#include "worker.h"

#define ANSWERS_MAX 32u

/* The address of record in a protocol; empty: there is none. */
static struct str address_in(const struct world *world, struct str to, unsigned protocol)
{
	const struct world_subscriber *s;
	struct aor                     aor;

	if (aor_split(to, &aor))
		return str_eq(aor.scheme, str_of(registry_ops(protocol)->name)) ? to : STR("");
	s = world_subscriber_by_address(world, to);
	return s != NULL && s->reach == CONF_REACH_ANY && protocol == PROTO_sip
		       ? world_subscriber_sip(s)
		       : STR("");
}

unsigned registered_find(const struct dataplane *dp, const struct world *world, struct str to,
			 uint64_t now_us, struct registered places[REGISTERED_MAX])
{
	unsigned n = 0;

	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		struct str                 address = address_in(world, to, p);
		const struct proto_record *r =
			address.n > 0 ? directory_find(dp->directory, p, address) : NULL;

		for (uint32_t i = 0; r != NULL && i < r->count && n < REGISTERED_MAX; i++) {
			if (r->bindings[i].expires_us > now_us)
				places[n++] = (struct registered){r, &r->bindings[i], p};
		}
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
	struct str address = address_in(w->world, to, protocol);

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
