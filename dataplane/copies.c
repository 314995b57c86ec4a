#include "copies.h"

#include "registered.h"
#include "worker.h"

/* A failure is told to who sent what failed, and to nobody else. */
static bool is_copied(const struct msg *m)
{
	return !m->alone && m->copy == MSG_COPY_NONE && m->kind != MSG_BINARY &&
	       (!msg_is_report(m) || m->receipt.state == MSG_STATE_DELIVERED);
}

static bool is_of(const struct registered *place, struct session_ref session)
{
	return place->binding->stream &&
	       session_ref_pack(place->binding->session) == session_ref_pack(session);
}

static bool takes_copies(const struct registered *place, const struct msg *m)
{
	return (place->binding->features & PROTO_BINDING_COPIES) != 0 &&
	       (m->kind != MSG_NATIVE || m->native_protocol == place->protocol);
}

static void copy_to(struct worker *w, const struct msg *m, enum msg_copy which,
		    const struct registered *place)
{
	struct msg *copy =
		msg_pool_free_count(w->msgs) > WORKER_POOL_RESERVE ? msg_copy(w->msgs, m) : NULL;

	if (copy == NULL) {
		metric_inc(w->metrics, METRIC_copies_full);
		return;
	}
	copy->copy = (uint8_t)which;
	copy->to_place = place->binding->key;
	copy->account = copy->peer = MSG_SLOT_NONE;
	copy->wants = 0;
	flight_start_copy(w, copy);
}

static bool registers(struct worker *w, struct session_ref origin)
{
	const struct conn *c = origin.worker == w->number ? conn_get(w, origin) : NULL;

	return c != NULL && c->registers;
}

/* From nobody but a stream that has a registration of the sender, whatever else says so. What
 * somebody sends to themselves their places get as its recipient's. */
void copies_sent(struct worker *w, const struct msg *m)
{
	struct registered_places found;
	struct str               from = msg_addr(m, &m->from);
	unsigned                 own = 0, others = 0;

	if (!registers(w, m->origin) || !is_copied(m) || from.n == 0)
		return;
	registered_all(w->dp, w->world, from, w->now.us, &found);
	while (own < found.n && !is_of(&found.at[own], m->origin))
		own++;
	for (unsigned i = 0; i < found.n; i++)
		others += i != own && takes_copies(&found.at[i], m);
	if (own == found.n || others == 0 || registered_same(w->world, from, msg_addr(m, &m->to)))
		return;
	for (unsigned i = 0; i < found.n; i++) {
		if (i != own && takes_copies(&found.at[i], m))
			copy_to(w, m, MSG_COPY_SENT, &found.at[i]);
	}
}

void copies_received(struct worker *w, const struct msg *m, uint32_t binding)
{
	struct registered_places found;

	if (!is_copied(m))
		return;
	registered_all(w->dp, w->world, msg_addr(m, &m->to), w->now.us, &found);
	for (unsigned i = 0; i < found.n; i++) {
		if (found.at[i].binding->id != binding && takes_copies(&found.at[i], m) &&
		    !is_of(&found.at[i], m->origin))
			copy_to(w, m, MSG_COPY_RECEIVED, &found.at[i]);
	}
}
