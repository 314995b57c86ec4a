/* Stanzas of ours: one for each place of somebody, a bounded number in a turn, in the order in
 * which registrations were made, so that none is left out where one comes or goes meanwhile. */
#include "xmpp/session_private.h"

#define PLACE_NAMED UINT32_MAX /* given to the only place there is */

bool xmpp_bare(struct str text, struct xmpp_jid *jid)
{
	const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
	struct str  bare = {text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};
	const char *at = bare.n > 0 ? memchr(bare.p, '@', bare.n) : NULL;
	size_t      local = at != NULL ? (size_t)(at - bare.p) : 0;

	*jid = (struct xmpp_jid){
		.local = {bare.p, local},
		.domain = str_skip(bare, at != NULL ? local + 1 : 0),
		.resource = slash != NULL ? str_skip(text, bare.n + 1) : STR(""),
	};
	return jid->domain.n > 0;
}

struct xmpp_sender xmpp_sender_of(struct xmpp_session *s, const struct xmpp_jid *jid)
{
	const struct proto_services *services = s->instance->services;
	struct xmpp_sender           from = {*jid, STR("")};
	char                         text[MSG_ADDR_SIZE_MAX];
	struct put                   w = put_to(text, sizeof(text));
	struct proto_credentials     c;

	xmpp_aor_put(&w, &from.jid);
	if (!w.failed && services->credentials(services->context, s->instance->protocol,
					       (struct str){text, put_size(&w)}, &c))
		from.number = c.number;
	return from;
}

const struct proto_record *xmpp_record(const struct xmpp_session *s, const struct xmpp_jid *bare)
{
	const struct proto_services *services = s->instance->services;
	char                         text[MSG_ADDR_SIZE_MAX];
	struct put                   w = put_to(text, sizeof(text));

	xmpp_aor_put(&w, bare);
	return w.failed ? NULL
			: services->record(services->context, s->instance->protocol,
					   (struct str){text, put_size(&w)});
}

uint32_t xmpp_place_next(struct xmpp_session *s, const struct xmpp_jid *bare, uint16_t features,
			 uint32_t after, struct str *resource)
{
	const struct proto_record *r = xmpp_record(s, bare);
	uint32_t                   found = 0;

	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		const struct proto_binding *b = &r->bindings[i];

		if (b->id <= after || (found != 0 && b->id > found) ||
		    (features != XMPP_FEATURES_ANY && (b->features & features) == 0))
			continue;
		found = b->id;
		*resource = proto_binding_text(r, b, BINDING_CONTACT);
	}
	return found;
}

/* May one more be made? */
static bool piece_allows(struct xmpp_session *s, struct now now)
{
	if (s->piece_us != (uint32_t)now.us) {
		s->piece_us = (uint32_t)now.us;
		s->piece = 0;
	}
	return s->piece < XMPP_PIECE_MAX && s->carried < XMPP_PIECE_MAX;
}

static bool fill(struct xmpp_session *s, struct now now, const struct xmpp_parcel *p,
		 const struct xmpp_jid *to, struct msg *m)
{
	struct xmpp_map    map = xmpp_session_map(s, now);
	struct xmpp_sender from = xmpp_sender_of(s, &p->from);

	if (xmpp_map_own(&map, &p->own, to, &from, m)) {
		m->token = XMPP_TOKEN_CARRIED;
		return true;
	}
	metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_ignored);
	msg_reset(m);
	return false;
}

/* False: there is no more. */
static bool next_place(struct xmpp_session *s, const struct xmpp_parcel *p, uint32_t *place,
		       struct xmpp_jid *to)
{
	struct xmpp_jid self = {.local = STR("")};
	bool            named = p->to.resource.n > 0 || !xmpp_serves(s, p->to.domain);

	*to = p->to;
	if (p->not_self)
		self = xmpp_self(s);
	do {
		if (named)
			*place = *place == 0 ? PLACE_NAMED : 0;
		else
			*place = xmpp_place_next(s, &p->to, p->features, *place, &to->resource);
	} while (*place != 0 && p->not_self && xmpp_jid_same(to, &self));
	return *place != 0;
}

enum xmpp_carried xmpp_carry(struct xmpp_session *s, struct now now, struct proto_event *event,
			     const struct xmpp_parcel *p, uint32_t *place)
{
	struct xmpp_jid to;

	do {
		if (event->msg == NULL || !piece_allows(s, now))
			return XMPP_CARRIED_WAIT;
		if (!next_place(s, p, place, &to))
			return XMPP_CARRIED_ALL;
		s->piece++;
	} while (!fill(s, now, p, &to, event->msg));
	s->carried++;
	metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_made);
	event->kind = EVENT_MSG;
	return XMPP_CARRIED_ONE;
}

bool xmpp_owe(struct xmpp_session *s, struct str to, bool farewell)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t            number;
	struct xmpp_owed   *o;

	if (to.n > XMPP_OWED_MAX)
		return true;
	if (s->owed.count >= XMPP_OWED_COUNT_MAX)
		return false;
	number = xmpp_block_take(b);
	if (number == XMPP_BLOCK_NONE) {
		metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
		return false;
	}
	o = &xmpp_block_at(b, number)->u.owed;
	o->farewell = farewell;
	o->to_size = (uint16_t)to.n;
	memcpy(o->to, to.p, to.n);
	xmpp_list_append(b, &s->owed, number);
	return true;
}
