/*
 * One message for several (XEP-0033): sent to a domain of ours with a list of addresses, each gets
 * one of its own, that names the others but those of "bcc". The item is fed again until all are
 * done, so that each is a message as any other, with its own place in the window and its own
 * failure.
 */
#include "xmpp/session_private.h"

#define ADDRESS_ROOM 4096u

struct address {
	struct str type, jid, desc;
};

static struct address address_read(const struct xml *x, struct put *room)
{
	return (struct address){xmpp_value(xmpp_attribute(x, STR("type")), room),
				xmpp_value(xmpp_attribute(x, STR("jid")), room),
				xmpp_value(xmpp_attribute(x, STR("desc")), room)};
}

static bool is_recipient(const struct address *a)
{
	return str_eq(a->type, STR("to")) || str_eq(a->type, STR("cc")) ||
	       str_eq(a->type, STR("bcc"));
}

/* In <addresses/>, whose START was read, the next <address/>. */
static bool next(struct xml *x, unsigned depth)
{
	enum xml_token t;

	do {
		t = xml_next(x);
		if (t == XML_START && x->depth == depth + 1 &&
		    xml_is(x, STR(XMPP_SPACE_ADDRESS), STR("address")))
			return true;
	} while (t != XML_DONE && t != XML_BAD && (t != XML_END || x->depth > depth));
	return false;
}

/* Recipients; which of them is wanted, too. SIZE_MAX: one has no JID. */
static size_t look(struct xmpp_input *in, struct xml x, unsigned wanted, struct str *jid)
{
	unsigned depth = x.depth;
	size_t   n = 0;

	while (next(&x, depth)) {
		struct put           room = in->room;
		const struct address a = address_read(&x, &room);
		struct xmpp_jid      parsed;

		if (!is_recipient(&a))
			continue;
		if (a.jid.n == 0 || a.jid.n > XMPP_TO_MAX || !xmpp_jid_parse(a.jid, &room, &parsed))
			return SIZE_MAX;
		if (n++ == wanted)
			*jid = a.jid;
	}
	return n;
}

void xmpp_addresses_put(struct xml *x, struct put *w)
{
	unsigned depth = x->depth;
	char     text[ADDRESS_ROOM];

	put_str(w, STR("<addresses xmlns=\"" XMPP_SPACE_ADDRESS "\">"));
	while (next(x, depth)) {
		struct put           room = put_to(text, sizeof(text));
		const struct address a = address_read(x, &room);

		if (room.failed || str_eq(a.type, STR("bcc")))
			continue;
		put_str(w, STR("<address"));
		xmpp_put_attribute(w, STR("type"), a.type);
		if (a.jid.n > 0)
			xmpp_put_attribute(w, STR("jid"), a.jid);
		if (a.desc.n > 0)
			xmpp_put_attribute(w, STR("desc"), a.desc);
		if (is_recipient(&a))
			put_str(w, STR(" delivered=\"true\""));
		put_str(w, STR("/>"));
	}
	put_str(w, STR("</addresses>"));
}

/* The list of one that is for several; false: it has none. */
static bool addresses_find(const struct xmpp_stanza *stanza, struct xmpp_stanza *at)
{
	enum xmpp_payload p;

	*at = *stanza;
	while (xmpp_payload_next(at, &p)) {
		if (p == XMPP_PAYLOAD_ADDRESSES)
			return true;
	}
	return false;
}

static void give_one(struct xmpp_input *in, struct str jid)
{
	char            text[XMPP_TO_MAX];
	const char     *start;
	struct xmpp_jid to;

	memcpy(text, jid.p, jid.n); /* it lies where room is free */
	start = (const char *)in->room.p;
	put_bytes(&in->room, text, jid.n);
	in->to = (struct str){start, jid.n};
	in->several = true;
	if (xmpp_to(in, &to))
		xmpp_give(in, &to);
}

bool xmpp_multicast(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct xmpp_stanza   at;
	struct str           jid = STR("");
	size_t               n;
	uint8_t              wanted;

	if (!addresses_find(in->stanza, &at))
		return false;
	n = look(in, at.x, s->multicast, &jid);
	wanted = s->multicast;
	s->multicast = 0;
	if (n == SIZE_MAX) {
		xmpp_refuse(in, XMPP_JID_MALFORMED, REASON_DESTINATION);
	} else if (n == 0) {
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
	} else if (n > XMPP_MULTICAST_MAX) {
		xmpp_refuse(in, XMPP_NOT_ACCEPTABLE, REASON_MESSAGE_SIZE);
	} else {
		s->multicast = wanted + 1u < n ? wanted + 1 : 0;
		in->listed = true;
		give_one(in, jid);
	}
	return true;
}
