#include "xmpp/jid.h"

static struct str part_since(const struct put *room, size_t mark)
{
	return (struct str){(const char *)room->start + mark, put_size(room) - mark};
}

bool xmpp_jid_parse(struct str text, struct put *room, struct xmpp_jid *jid)
{
	const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
	struct str  bare = {text.p, slash != NULL ? (size_t)(slash - text.p) : text.n};
	const char *at = bare.n > 0 ? memchr(bare.p, '@', bare.n) : NULL;
	struct str  domain = at != NULL ? str_skip(bare, (size_t)(at - bare.p) + 1) : bare;
	size_t      mark = put_size(room);

	*jid = (struct xmpp_jid){STR(""), STR(""), STR("")};
	if (at != NULL) {
		if (!xmpp_username_put(room, (struct str){bare.p, (size_t)(at - bare.p)}))
			return false;
		jid->local = part_since(room, mark);
	}
	mark = put_size(room);
	if (!xmpp_domain_put(room, domain))
		return false;
	jid->domain = part_since(room, mark);
	mark = put_size(room);
	if (slash != NULL) {
		if (!xmpp_opaque_put(room, str_skip(text, bare.n + 1)))
			return false;
		jid->resource = part_since(room, mark);
	}
	return true;
}

void xmpp_jid_put_bare(struct put *w, const struct xmpp_jid *jid)
{
	put_str(w, jid->local);
	if (jid->local.n > 0)
		put_u8(w, '@');
	put_str(w, jid->domain);
}

void xmpp_jid_put(struct put *w, const struct xmpp_jid *jid)
{
	xmpp_jid_put_bare(w, jid);
	if (jid->resource.n > 0)
		put_u8(w, '/');
	put_str(w, jid->resource);
}

bool xmpp_jid_same_bare(const struct xmpp_jid *a, const struct xmpp_jid *b)
{
	return str_eq(a->local, b->local) && str_eq(a->domain, b->domain);
}

bool xmpp_jid_same(const struct xmpp_jid *a, const struct xmpp_jid *b)
{
	return xmpp_jid_same_bare(a, b) && str_eq(a->resource, b->resource);
}
