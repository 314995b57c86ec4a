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

/* What the two digits after a backslash stand for; 0: they do not. */
static char escaped(struct str s)
{
	static const char codes[] = " \"&'/:<>@\\";
	int               high = s.n >= 3 ? str_hex(s.p[1]) : -1;
	int               low = s.n >= 3 ? str_hex(s.p[2]) : -1;
	char              c = high >= 0 && low >= 0 ? (char)(high << 4 | low) : 0;

	return s.n >= 3 && s.p[0] == '\\' && c != 0 && strchr(codes, c) != NULL ? c : 0;
}

bool xmpp_escape_put(struct put *w, struct str text)
{
	static const char digits[] = "0123456789abcdef";

	if (text.n == 0 || text.p[0] == ' ' || text.p[text.n - 1] == ' ')
		w->failed = true;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\\' ? escaped(str_skip(text, i)) != 0
			      : c != 0 && strchr(" \"&'/:<>@", c) != NULL) {
			put_u8(w, '\\');
			put_u8(w, (uint8_t)digits[(uint8_t)c >> 4]);
			put_u8(w, (uint8_t)digits[c & 15]);
		} else {
			put_u8(w, (uint8_t)c);
		}
	}
	return !w->failed;
}

void xmpp_unescape_put(struct put *w, struct str local)
{
	for (size_t i = 0; i < local.n; i++) {
		char c = escaped(str_skip(local, i));

		put_u8(w, (uint8_t)(c != 0 ? c : local.p[i]));
		i += c != 0 ? 2 : 0;
	}
}
