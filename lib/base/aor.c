#include "base/aor.h"

enum { ALPHANUMERIC = 1, IN_LABEL = 2, NO_USER = 4 };

/* NO_USER: what neither a user of SIP nor one of XMPP may have (RFC 3261, 25.1; RFC 7622, 3.3.1).
 */
static const uint8_t classes[256] = {
	[0 ... ' '] = NO_USER,
	['0' ... '9'] = ALPHANUMERIC | IN_LABEL,
	['A' ... 'Z'] = ALPHANUMERIC | IN_LABEL,
	['a' ... 'z'] = ALPHANUMERIC | IN_LABEL,
	['_'] = IN_LABEL,
	['"'] = NO_USER,
	['<'] = NO_USER,
	['>'] = NO_USER,
	[':'] = NO_USER,
	['@'] = NO_USER,
	['/'] = NO_USER,
	['\\'] = NO_USER,
	['['] = NO_USER,
	[']'] = NO_USER,
	['{'] = NO_USER,
	['}'] = NO_USER,
	[0x7f] = NO_USER,
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

static bool is_user(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is(s.p[i], NO_USER))
			return false;
	return s.n > 0;
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
	if (s.n == 0 || s.n > 253)
		return false;
	if (s.p[0] == '[')
		return is_ip6(s);
	for (size_t i = 0; i < s.n; i++) {
		if (is(s.p[i], IN_LABEL))
			continue;
		if ((s.p[i] != '.' && s.p[i] != '-') || i == 0 || i + 1 == s.n || s.p[i - 1] == '.')
			return false;
	}
	return true;
}

bool aor_split(struct str text, struct aor *a)
{
	const char *at = text.n > 0 ? memchr(text.p, '@', text.n) : NULL, *colon;
	size_t      before = at != NULL ? (size_t)(at - text.p) : 0;

	if (at == NULL)
		return false;
	colon = memchr(text.p, ':', before);
	a->scheme = (struct str){text.p, colon != NULL ? (size_t)(colon - text.p) : 0};
	a->user = str_skip((struct str){text.p, before}, colon != NULL ? a->scheme.n + 1 : 0);
	a->domain = str_skip(text, before + 1);
	return (colon == NULL || is_scheme(a->scheme)) && is_user(a->user) &&
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
	size_t n = scheme + a->user.n + 1 + a->domain.n;
	char  *p = room;

	if (n >= size)
		return 0;
	if (scheme > 0) {
		p = write_lower(p, a->scheme);
		*p++ = ':';
	}
	memcpy(p, a->user.p, a->user.n);
	p += a->user.n;
	*p++ = '@';
	p = write_lower(p, a->domain);
	*p = '\0';
	return n;
}
