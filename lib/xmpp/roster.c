/* Rosters (RFC 6121, 2): kept by control, asked for here; and what comes of a change, carried out:
 * pushes to the resources that want them, presence about subscriptions. */
#include "xmpp/session_private.h"

#define ITEM_ROOM 10240u /* of an item as XML, with all escaped that may be */

static const char *const subscriptions[ROSTER_SUBSCRIPTION_COUNT] = {
	[ROSTER_SUBSCRIPTION_NONE] = "none",     [ROSTER_SUBSCRIPTION_TO] = "to",
	[ROSTER_SUBSCRIPTION_FROM] = "from",     [ROSTER_SUBSCRIPTION_BOTH] = "both",
	[ROSTER_SUBSCRIPTION_REMOVE] = "remove",
};

static void put_item(struct put *w, const struct roster_item *item)
{
	struct cur groups = cur_of(item->groups.p, item->groups.n);
	struct str group;

	put_str(w, STR("<item"));
	xmpp_put_attribute(w, STR("jid"), item->jid);
	if (item->name.n > 0)
		xmpp_put_attribute(w, STR("name"), item->name);
	xmpp_put_attribute(w, STR("subscription"), str_of(subscriptions[item->subscription]));
	if (item->ask)
		xmpp_put_attribute(w, STR("ask"), STR("subscribe"));
	if (item->approved)
		xmpp_put_attribute(w, STR("approved"), STR("true"));
	put_u8(w, '>');
	while (roster_text_next(&groups, &group)) {
		put_str(w, STR("<group>"));
		xml_escape_put(w, group);
		put_str(w, STR("</group>"));
	}
	put_str(w, STR("</item>"));
}

static void put_query(struct put *w, struct str version)
{
	put_str(w, STR("<query xmlns=\"" XMPP_SPACE_ROSTER "\""));
	if (version.n > 0)
		xmpp_put_attribute(w, STR("ver"), version);
	put_u8(w, '>');
}

/* ---- reading (RFC 6121, 2.2) ---- */

/* The client is registered as one that wants the changes before it is asked what there is, so that
 * none is missed between: the request is read again then. */
void xmpp_on_roster_get(struct xmpp_input *in)
{
	struct xmpp_session   *s = in->s;
	struct roster_question q = {.ask = ROSTER_ASK_ROSTER_GET};

	if (!s->interested) {
		s->interested = s->rebinding = in->again = true;
		xmpp_register(in);
		return;
	}
	q.version = xmpp_value(xmpp_attribute(&in->stanza->x, STR("ver")), &in->room);
	if (q.version.n > ROSTER_VERSION_SIZE_MAX)
		q.version = STR(""); /* none of ours */
	xmpp_ask_for(in, &q);
}

static bool begin_result(struct xmpp_session *s, struct cur *answer, struct out *out)
{
	struct roster_head head;

	if (!roster_head_read(answer, &head)) {
		answer->p = answer->end;
		return false;
	}
	xmpp_put_result(s, &out->put);
	if (head.same) {
		put_str(&out->put, STR("</iq>"));
		answer->p = answer->end;
		return false;
	}
	put_query(&out->put, head.version);
	return true;
}

void xmpp_told_roster(struct xmpp_session *s, struct cur *answer, struct out *out)
{
	struct roster_item item;

	if (!s->midway && !begin_result(s, answer, out))
		return;
	s->midway = true;
	while (out_fits(out, ITEM_ROOM + XMPP_ANSWER_ROOM)) {
		if (!roster_item_next(answer, &item)) {
			put_str(&out->put, STR("</query></iq>"));
			answer->p = answer->end;
			return;
		}
		put_item(&out->put, &item);
		if (cur_left(answer) == 0) {
			put_str(&out->put, STR("</query></iq>"));
			return;
		}
	}
}

/* ---- changes (RFC 6121, 2.3 to 2.5) ---- */

struct change {
	struct roster_item  item;
	bool                remove;
	enum xmpp_condition wrong;
	char                groups[ROSTER_GROUPS_MAX * (ROSTER_TEXT_SIZE_MAX + 4u)];
};

static bool has_group(struct str groups, struct str group)
{
	struct cur c = cur_of(groups.p, groups.n);
	struct str g;

	while (roster_text_next(&c, &g)) {
		if (str_eq(g, group))
			return true;
	}
	return false;
}

/* A <group/> whose START was read. */
static void read_group(struct xmpp_input *in, struct change *c, struct put *groups, unsigned *count)
{
	struct str group;

	if (!xmpp_text(&in->stanza->x, &in->room, &group))
		c->wrong = XMPP_BAD_REQUEST;
	else if (group.n == 0 || group.n > ROSTER_TEXT_SIZE_MAX || ++*count > ROSTER_GROUPS_MAX)
		c->wrong = XMPP_NOT_ACCEPTABLE;
	else if (has_group(c->item.groups, group))
		c->wrong = XMPP_BAD_REQUEST;
	else
		roster_text_put(groups, group);
	c->item.groups = (struct str){c->groups, put_size(groups)};
}

/* The <item/> whose START was read, up to its END. */
static void read_item(struct xmpp_input *in, struct change *c)
{
	struct xml     *x = &in->stanza->x;
	struct put      groups = put_to(c->groups, sizeof(c->groups));
	struct str      jid = xmpp_value(xmpp_attribute(x, STR("jid")), &in->room);
	unsigned        depth = x->depth, count = 0;
	struct xmpp_jid parsed;
	const char     *start;
	enum xml_token  t;

	c->item.groups = (struct str){c->groups, 0};
	c->item.name = xmpp_value(xmpp_attribute(x, STR("name")), &in->room);
	c->remove = str_eq(xmpp_attribute(x, STR("subscription")), STR("remove"));
	if (c->item.name.n > ROSTER_TEXT_SIZE_MAX)
		c->wrong = XMPP_NOT_ACCEPTABLE;
	if (jid.n == 0 || !xmpp_jid_of(in, jid, &parsed))
		c->wrong = jid.n == 0 ? XMPP_BAD_REQUEST : XMPP_JID_MALFORMED;
	start = (const char *)in->room.p;
	if (c->wrong == XMPP_CONDITION_NONE)
		xmpp_jid_put_bare(&in->room, &parsed);
	c->item.jid = (struct str){start, (size_t)((const char *)in->room.p - start)};
	do {
		t = xml_next(x);
		if (t == XML_START && x->depth == depth + 1 && c->wrong == XMPP_CONDITION_NONE &&
		    xml_is(x, STR(XMPP_SPACE_ROSTER), STR("group")))
			read_group(in, c, &groups, &count);
	} while (t != XML_BAD && (t != XML_END || x->depth > depth));
}

/* The query whose START was read: exactly one item (2.3.3). */
static void read_change(struct xmpp_input *in, struct change *c)
{
	struct xml     *x = &in->stanza->x;
	unsigned        depth = x->depth, items = 0;
	struct xmpp_jid self = xmpp_self(in->s), jid;
	enum xml_token  t;

	do {
		t = xml_next(x);
		if (t != XML_START || x->depth != depth + 1)
			continue;
		if (++items > 1 || !xml_is(x, STR(XMPP_SPACE_ROSTER), STR("item")))
			c->wrong = XMPP_BAD_REQUEST;
		else
			read_item(in, c);
	} while (t != XML_BAD && (t != XML_END || x->depth > depth));
	if (items != 1)
		c->wrong = XMPP_BAD_REQUEST;
	else if (c->wrong == XMPP_CONDITION_NONE && xmpp_bare(c->item.jid, &jid) &&
		 xmpp_jid_same_bare(&jid, &self))
		c->wrong = XMPP_NOT_ALLOWED;
}

void xmpp_on_roster_set(struct xmpp_input *in)
{
	struct change          c = {.wrong = XMPP_CONDITION_NONE};
	struct roster_question q = {.ask = ROSTER_ASK_ROSTER_SET};

	read_change(in, &c);
	if (in->room.failed || c.item.jid.n > ROSTER_BARE_SIZE_MAX)
		c.wrong = XMPP_POLICY_VIOLATION;
	if (c.wrong != XMPP_CONDITION_NONE) {
		xmpp_refuse(in, c.wrong, REASON_XMPP_STANZA);
		return;
	}
	q.item = c.item;
	if (c.remove) {
		q.ask = ROSTER_ASK_ROSTER_REMOVE;
		q.contact = c.item.jid;
	}
	xmpp_ask_for(in, &q);
}

/* ---- effects ---- */

static struct str request_id(struct xmpp_session *s, char room[XMPP_TEXT_SIZE])
{
	return xmpp_text_new(s->instance, room);
}

/* A push (2.1.6): from the user's own bare JID, to each resource that wants it. */
static enum xmpp_carried push(struct xmpp_session *s, struct now now, const struct roster_effect *e,
			      struct proto_event *event)
{
	char               id[XMPP_TEXT_SIZE], text[ITEM_ROOM];
	struct put         w = put_to(text, sizeof(text));
	struct xmpp_parcel p = {.own = {.head = {.kind = XMPP_IQ, .type = XMPP_TYPE_SET}},
				.features = XMPP_FEATURE_INTERESTED};

	switch (e->kind) {
	case ROSTER_EFFECT_PUSH:
		put_query(&w, e->version);
		put_item(&w, &e->item);
		put_str(&w, STR("</query>"));
		break;
	case ROSTER_EFFECT_BLOCKED:
	case ROSTER_EFFECT_UNBLOCKED:
		p.features = XMPP_FEATURES_ANY; /* all keep to it */
		p.own.order = XMPP_ORDER_BLOCKS;
		xmpp_blocks_change(s, e->kind == ROSTER_EFFECT_BLOCKED, e->jids);
		w = put_to(s->instance->push, sizeof(s->instance->push));
		xmpp_blocks_put(&w,
				e->kind == ROSTER_EFFECT_BLOCKED ? STR("block") : STR("unblock"),
				e->jids);
		break;
	case ROSTER_EFFECT_PRESENCE:
	case ROSTER_EFFECT_COUNT:
		return XMPP_CARRIED_ALL;
	}
	if (w.failed || !xmpp_bare(e->to, &p.to))
		return XMPP_CARRIED_ALL;
	p.from = p.to;
	p.own.head.id = request_id(s, id);
	p.own.payloads = (struct str){(const char *)w.start, put_size(&w)};
	return xmpp_carry(s, now, event, &p, &s->told_place);
}

static enum xmpp_type type_of(enum roster_presence type)
{
	switch (type) {
	case ROSTER_SUBSCRIBE:
		return XMPP_TYPE_SUBSCRIBE;
	case ROSTER_SUBSCRIBED:
		return XMPP_TYPE_SUBSCRIBED;
	case ROSTER_UNSUBSCRIBE:
		return XMPP_TYPE_UNSUBSCRIBE;
	case ROSTER_UNSUBSCRIBED:
		return XMPP_TYPE_UNSUBSCRIBED;
	case ROSTER_AVAILABLE:
	case ROSTER_UNAVAILABLE:
	case ROSTER_PRESENCE_COUNT:
		break;
	}
	return XMPP_TYPE_PROBE;
}

/* What each resource of ->from is to say is asked of it in the name of ->to. */
static enum xmpp_carried presence(struct xmpp_session *s, struct now now,
				  const struct roster_effect *e, struct proto_event *event)
{
	struct xmpp_parcel p = {.own = {.head = {.kind = XMPP_PRESENCE, .type = type_of(e->type)},
					.payloads = e->payload},
				.features = XMPP_FEATURE_AVAILABLE};
	bool               asks = p.own.head.type == XMPP_TYPE_PROBE;

	if (!xmpp_bare(asks ? e->to : e->from, &p.from) ||
	    !xmpp_bare(asks ? e->from : e->to, &p.to))
		return XMPP_CARRIED_ALL;
	if (asks)
		p.own.order =
			e->type == ROSTER_AVAILABLE ? XMPP_ORDER_PRESENCE : XMPP_ORDER_FAREWELL;
	else if (e->type != ROSTER_SUBSCRIBE)
		p.features |= XMPP_FEATURE_INTERESTED; /* 3.1.6, 3.2.3, 3.3.3 */
	return xmpp_carry(s, now, event, &p, &s->told_place);
}

bool xmpp_told_effects(struct xmpp_session *s, struct now now, struct cur *answer,
		       struct proto_event *event)
{
	struct cur           c = *answer;
	struct roster_effect e;

	while (roster_effect_next(&c, &e)) {
		enum xmpp_carried carried = e.kind == ROSTER_EFFECT_PRESENCE
						    ? presence(s, now, &e, event)
						    : push(s, now, &e, event);

		if (carried != XMPP_CARRIED_ALL)
			return carried == XMPP_CARRIED_ONE;
		*answer = c;
	}
	answer->p = answer->end;
	return false;
}

bool xmpp_tick_notice(struct xmpp_session *s, struct now now, struct proto_event *event)
{
	if (!s->notice || s->asked)
		return false;
	s->notice = false; /* what comes while we ask is asked for again */
	xmpp_ask(s, now, event, XMPP_ASKER_NOTICE,
		 &(struct roster_question){.ask = ROSTER_ASK_EFFECTS});
	return true;
}
