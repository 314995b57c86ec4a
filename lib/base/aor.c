#include "base/aor.h"

#include "base/utf8.h"

enum { ALPHANUMERIC = 1, IN_LABEL = 2, OF_SIP = 4, NOT_OF_XMPP = 8 };

/* OF_SIP: of a user of SIP, escapes aside (RFC 3261, 25.1). NOT_OF_XMPP: never of one of XMPP (RFC
 * 7622, 3.3.1). */
static const uint8_t classes[256] = {
	[0 ... ' '] = NOT_OF_XMPP,
	['0' ... '9'] = ALPHANUMERIC | IN_LABEL | OF_SIP,
	['A' ... 'Z'] = ALPHANUMERIC | IN_LABEL | OF_SIP,
	['a' ... 'z'] = ALPHANUMERIC | IN_LABEL | OF_SIP,
	['_'] = IN_LABEL | OF_SIP,
	['-'] = OF_SIP,
	['.'] = OF_SIP,
	['!'] = OF_SIP,
	['~'] = OF_SIP,
	['*'] = OF_SIP,
	['\''] = OF_SIP | NOT_OF_XMPP,
	['('] = OF_SIP,
	[')'] = OF_SIP,
	['&'] = OF_SIP | NOT_OF_XMPP,
	['='] = OF_SIP,
	['+'] = OF_SIP,
	['$'] = OF_SIP,
	[','] = OF_SIP,
	[';'] = OF_SIP,
	['?'] = OF_SIP,
	['/'] = OF_SIP | NOT_OF_XMPP,
	['"'] = NOT_OF_XMPP,
	['<'] = NOT_OF_XMPP,
	['>'] = NOT_OF_XMPP,
	[':'] = NOT_OF_XMPP,
	['@'] = NOT_OF_XMPP,
	[0x7f] = NOT_OF_XMPP,
	[0x80 ... 0xff] = IN_LABEL,
};

static bool is(char c, unsigned class)
{
	return (classes[(uint8_t)c] & class) != 0;
}

static bool is_scheme(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is(s.p[i], ALPHANUMERIC) && memchr("+-.", s.p[i], 3) == NULL)
			return false;
	return s.n > 0 && !(s.p[0] >= '0' && s.p[0] <= '9');
}

static bool is_utf8(struct str s)
{
	struct cur c = cur_of(s.p, s.n);
	uint64_t   all = 0, some;
	size_t     i = 0;

	for (; s.n - i >= sizeof(some); i += sizeof(some)) {
		memcpy(&some, s.p + i, sizeof(some));
		all |= some;
	}
	for (; i < s.n; i++)
		all |= (uint8_t)s.p[i];
	while ((all & 0x8080808080808080ull) != 0 && cur_left(&c) > 0)
		utf8_next(&c);
	return !c.failed;
}

static bool is_user_of_sip(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is(s.p[i], OF_SIP))
			continue;
		if (s.p[i] != '%' || s.n - i < 3 || str_hex(s.p[i + 1]) < 0 ||
		    str_hex(s.p[i + 2]) < 0)
			return false;
		i += 2;
	}
	return s.n > 0;
}

static bool is_user_of_xmpp(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is(s.p[i], NOT_OF_XMPP))
			return false;
	return s.n > 0 && is_utf8(s);
}

static bool is_word(struct str s, const char *lower)
{
	for (size_t i = 0; i < s.n; i++)
		if (aor_lower(s.p[i]) != lower[i]) /* also where the word has ended */
			return false;
	return lower[s.n] == '\0';
}

static bool is_user(struct str scheme, struct str s)
{
	if (is_word(scheme, "xmpp"))
		return is_user_of_xmpp(s);
	if (is_word(scheme, "sip") || is_word(scheme, "sips"))
		return is_user_of_sip(s);
	return is_user_of_xmpp(s) || is_user_of_sip(s);
}

static bool is_ip6(struct str s)
{
	for (size_t i = 1; i + 1 < s.n; i++)
		if (memchr("0123456789abcdefABCDEF:.", s.p[i], 24) == NULL)
			return false;
	return s.n > 4 && s.p[0] == '[' && s.p[s.n - 1] == ']';
}

bool aor_is_domain(struct str s)
{
	if (s.n == 0 || s.n > AOR_DOMAIN_MAX)
		return false;
	if (s.p[0] == '[')
		return is_ip6(s);
	for (size_t i = 0; i < s.n; i++) {
		if (is(s.p[i], IN_LABEL))
			continue;
		if ((s.p[i] != '.' && s.p[i] != '-') || i == 0 || i + 1 == s.n || s.p[i - 1] == '.')
			return false;
	}
	return is_utf8(s);
}

bool aor_has_user_of(const struct aor *a)
{
	return is_user(a->scheme, a->user);
}

bool aor_is_plain(char c)
{
	return is(c, OF_SIP);
}

static bool split_domain(struct str text, struct aor *a)
{
	*a = (struct aor){.scheme = {text.p, text.n < 4 ? text.n : 4}, .user = STR("")};
	a->domain = str_skip(text, 5);
	return text.n > 5 && text.p[4] == ':' && is_word(a->scheme, "xmpp") &&
	       aor_is_domain(a->domain);
}

bool aor_split(struct str text, struct aor *a)
{
	const char *at = text.n > 0 ? memchr(text.p, '@', text.n) : NULL, *colon;
	size_t      before = at != NULL ? (size_t)(at - text.p) : 0;

	if (at == NULL)
		return split_domain(text, a);
	colon = memchr(text.p, ':', before);
	a->scheme = (struct str){text.p, colon != NULL ? (size_t)(colon - text.p) : 0};
	a->user = str_skip((struct str){text.p, before}, colon != NULL ? a->scheme.n + 1 : 0);
	a->domain = str_skip(text, before + 1);
	return (colon == NULL || is_scheme(a->scheme)) && is_user(a->scheme, a->user) &&
	       aor_is_domain(a->domain);
}

static char *write_lower(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		*to++ = aor_lower(s.p[i]);
	return to;
}

size_t aor_write(char *room, size_t size, const struct aor *a)
{
	size_t scheme = a->scheme.n > 0 ? a->scheme.n + 1 : 0;
	size_t user = a->user.n > 0 ? a->user.n + 1 : 0;
	size_t n = scheme + user + a->domain.n;
	char  *p = room;

	if (n >= size)
		return 0;
	if (scheme > 0) {
		p = write_lower(p, a->scheme);
		*p++ = ':';
	}
	if (user > 0) {
		memcpy(p, a->user.p, a->user.n);
		p += a->user.n;
		*p++ = '@';
	}
	p = write_lower(p, a->domain);
	*p = '\0';
	return n;
}
