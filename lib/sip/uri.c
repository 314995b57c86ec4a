#include "sip/uri.h"

#include <arpa/inet.h>

#include "sip/print.h"

/* As many bytes of the class and escapes as there are; fails at a "%" that is none. */
static inline struct str escaped_while(struct cur *c, enum sip_class class)
{
	const char *start = (const char *)c->p;

	c->p = sip_class_end(c->p, c->end, class);
	while (__builtin_expect(sip_lex_peek(c) == '%', 0)) {
		if (cur_left(c) < 3 || str_hex(c->p[1]) < 0 || str_hex(c->p[2]) < 0) {
			sip_lex_fail(c);
			break;
		}
		c->p = sip_class_end(c->p + 3, c->end, class);
	}
	return (struct str){start, (size_t)((const char *)c->p - start)};
}

/* Three colons before an IPv4 address, which the grammar of RFC 3261 makes and RFC 5118 (4.10)
 * wants tolerated, mean two. */
static bool three_colons(struct str text, char *room, size_t size)
{
	struct put w = put_to(room, size);

	for (size_t i = 0; i + 3 < text.n; i++) {
		if (memcmp(text.p + i, ":::", 3) != 0)
			continue;
		put_bytes(&w, text.p, i);
		put_cstr(&w, str_skip(text, i + 1));
		return !w.failed && memchr(text.p + i + 3, ':', text.n - i - 3) == NULL &&
		       memchr(text.p + i + 3, '.', text.n - i - 3) != NULL;
	}
	return false;
}

bool sip_ip6_parse(struct str text, uint8_t address[16])
{
	char room[INET6_ADDRSTRLEN];

	if (text.n == 0 || !str_copy(room, sizeof(room), text) || memchr(room, 0, text.n) != NULL)
		return false;
	return inet_pton(AF_INET6, room, address) == 1 ||
	       (three_colons(text, room, sizeof(room)) && inet_pton(AF_INET6, room, address) == 1);
}

#define IP4_DOTS 3u
#define IP4_DIGITS 3u

/* Four numbers of one to three digits, up to 255. */
static bool ip4_parse(struct str text, uint8_t address[16])
{
	uint8_t  digits[IP4_DIGITS + SIP_PART] = {0};
	uint32_t there, dots;
	unsigned start = 0;
	sip_part x, values;

	if (text.n >= SIP_PART || text.n == 0)
		return false;
	x = sip_part_at((const uint8_t *)text.p, text.n);
	values = x - '0';
	there = (1u << text.n) - 1;
	dots = SIP_PART_BITS(x == '.') & there;
	if (__builtin_popcount(dots) != IP4_DOTS ||
	    ((SIP_PART_BITS(values <= 9) | dots) & there) != there)
		return false;
	values &= (sip_part)(x != '.'); /* before a number of one digit are no tens */
	memcpy(digits + IP4_DIGITS, &values, sizeof(values));
	dots |= 1u << text.n;
	for (unsigned part = 0; part <= IP4_DOTS; part++, dots &= dots - 1) {
		unsigned       end = (unsigned)__builtin_ctz(dots), n = end - start;
		const uint8_t *last = digits + IP4_DIGITS + end - 1;
		unsigned       number = last[0] + 10u * last[-1] + (n == 3 ? 100u * last[-2] : 0);

		if (n == 0 || n > IP4_DIGITS || number > UINT8_MAX)
			return false;
		address[part] = (uint8_t)number;
		start = end + 1;
	}
	return true;
}

#define NAME_AT_ONCE 64u

/* A label neither begins nor ends with "-", nor is one empty but after the last dot. Dots and
 * hyphens are bits, each for the byte at its place; the end is a dot, too. */
static bool labels_check(uint64_t dots, uint64_t hyphens, size_t n)
{
	uint64_t last = 1ull << (n - 1), begins = dots << 1 | 1, ends = dots >> 1 | last;

	return (dots & (begins | last)) == 0 && (hyphens & (begins | ends)) == 0;
}

/* The same of a name of any length. */
static bool labels_walk(struct str name)
{
	size_t label = 0;

	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '.')
			continue;
		if (i == label || name.p[label] == '-' || name.p[i - 1] == '-')
			return false;
		label = i + 1;
	}
	return true;
}

/* The last label begins with a letter (25.1), or the name would be an address that is none. */
static bool name_check(struct str name)
{
	const uint8_t *p = (const uint8_t *)name.p;
	uint64_t       dots = 0, hyphens = 0;
	size_t         label = 0;

	if (p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		return false;
	if (name.n > NAME_AT_ONCE) {
		for (label = name.n; label > 0 && p[label - 1] != '.'; label--)
			;
		return labels_walk(name) && !(p[label] >= '0' && p[label] <= '9');
	}
	for (size_t at = 0; at < name.n; at += SIP_PART) {
		size_t   left = name.n - at;
		sip_part x = sip_part_at(p + at, left);
		uint32_t there = left < SIP_PART ? (1u << left) - 1 : UINT16_MAX;

		dots |= (uint64_t)(SIP_PART_BITS(x == '.') & there) << at;
		hyphens |= (uint64_t)(SIP_PART_BITS(x == '-') & there) << at;
	}
	if (dots != 0)
		label = 64 - (size_t)__builtin_clzll(dots);
	return labels_check(dots, hyphens, name.n) && !(p[label] >= '0' && p[label] <= '9');
}

/* With its brackets. */
static bool ip6_parse(struct cur *c, struct sip_host *host)
{
	const uint8_t *start = ++c->p;

	c->p = sip_byte_find(start, c->end, ']');
	host->text = (struct str){(const char *)start, (size_t)(c->p - start)};
	if (!sip_lex_char(c, ']') || !sip_ip6_parse(host->text, host->address))
		return sip_lex_fail(c);
	host->kind = SIP_HOST_IP6;
	return true;
}

bool sip_host_parse(struct cur *c, struct sip_host *host)
{
	*host = (struct sip_host){.kind = SIP_HOST_NONE, .text = STR("")};
	if (sip_lex_peek(c) == '[')
		return ip6_parse(c, host);
	host->text = sip_lex_while(c, SIP_CLASS_HOST);
	if (host->text.n == 0)
		return sip_lex_fail(c);
	if (ip4_parse(host->text, host->address))
		host->kind = SIP_HOST_IP4;
	else if (name_check(host->text))
		host->kind = SIP_HOST_NAME;
	else
		return sip_lex_fail(c);
	return true;
}

bool sip_port_parse(struct cur *c, uint16_t *port, bool *has_port)
{
	uint32_t number;

	*port = 0;
	*has_port = sip_lex_peek(c) == ':';
	if (!*has_port)
		return true;
	cur_bytes(c, 1);
	if (!sip_lex_number(c, &number) || number == 0 || number > 65535)
		return sip_lex_fail(c);
	*port = (uint16_t)number;
	return true;
}

bool sip_uri_param_next(struct cur *params, struct sip_param *p)
{
	*p = (struct sip_param){.name = STR(""), .value = STR("")};
	if (params->failed || cur_left(params) == 0)
		return false;
	p->name = escaped_while(params, SIP_CLASS_PARAM);
	if (p->name.n == 0)
		return sip_lex_fail(params);
	if (sip_lex_peek(params) == '=') {
		cur_bytes(params, 1);
		p->has_value = true;
		p->value = escaped_while(params, SIP_CLASS_PARAM);
		if (p->value.n == 0)
			return sip_lex_fail(params);
	}
	return sip_param_end(params);
}

bool sip_uri_param_find(const struct sip_uri *uri, struct str name, struct sip_param *p)
{
	struct cur c = sip_cur(uri->params);

	while (sip_uri_param_next(&c, p)) {
		if (sip_same(p->name, name))
			return true;
	}
	return false;
}

/* All are well-formed and none is there twice (19.1.1). */
static bool uri_params_check(struct str params)
{
	struct cur       c = sip_cur(params), after;
	struct sip_param p, other;
	unsigned         count = 0;

	if (str_eq(params, STR("user=phone"))) /* as most numbers are written */
		return true;
	while (sip_uri_param_next(&c, &p)) {
		if (++count > SIP_URI_PARAMS_MAX)
			return false;
		for (after = c; sip_uri_param_next(&after, &other);) {
			if (sip_same(p.name, other.name))
				return false;
		}
	}
	return !c.failed;
}

/* "?" hname "=" hvalue *( "&" ... ) */
static bool uri_headers_parse(struct cur *c, struct sip_uri *uri)
{
	const char *start;

	if (sip_lex_peek(c) != '?')
		return true;
	cur_bytes(c, 1);
	start = (const char *)c->p;
	for (;;) {
		if (escaped_while(c, SIP_CLASS_HNV).n == 0 || !sip_lex_char(c, '='))
			return sip_lex_fail(c);
		escaped_while(c, SIP_CLASS_HNV);
		if (sip_lex_peek(c) != '&')
			break;
		cur_bytes(c, 1);
	}
	uri->headers = (struct str){start, (size_t)((const char *)c->p - start)};
	return !c->failed;
}

/* [userinfo "@"] host [":" port] *(";" param) ["?" headers] */
static bool sip_rest_parse(struct cur *c, struct sip_uri *uri)
{
	struct cur  user = *c;
	const char *start;

	uri->user = escaped_while(&user, SIP_CLASS_USER);
	if (sip_lex_peek(&user) == ':') {
		cur_bytes(&user, 1);
		uri->has_password = true;
		uri->password = escaped_while(&user, SIP_CLASS_PASS);
	}
	if (sip_lex_peek(&user) == '@' && uri->user.n > 0) {
		cur_bytes(&user, 1);
		uri->has_user = true;
		*c = user;
	} else {
		uri->user = uri->password = STR("");
		uri->has_password = false;
	}
	if (!sip_host_parse(c, &uri->host) || !sip_port_parse(c, &uri->port, &uri->has_port))
		return false;
	if (sip_lex_peek(c) == ';') {
		cur_bytes(c, 1);
		start = (const char *)c->p;
		c->p = sip_byte_find(c->p, c->end, '?');
		uri->params = (struct str){start, (size_t)((const char *)c->p - start)};
		if (uri->params.n == 0 || !uri_params_check(uri->params))
			return sip_lex_fail(c);
	}
	return uri_headers_parse(c, uri) && cur_left(c) == 0;
}

static bool tel_digit(int c)
{
	return (c >= '0' && c <= '9') || c == '*' || c == '#' ||
	       ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool tel_separator(int c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/* global-number or local-number (RFC 3966, 3); a local one has a phone-context. */
static bool tel_rest_parse(struct cur *c, struct sip_uri *uri)
{
	const char      *start = (const char *)c->p;
	bool             global = sip_lex_peek(c) == '+';
	size_t           digits = 0;
	struct sip_param p;

	c->p += global;
	for (; tel_separator(sip_lex_peek(c)) ||
	       (tel_digit(sip_lex_peek(c)) &&
		(!global || (sip_lex_peek(c) >= '0' && sip_lex_peek(c) <= '9')));
	     c->p++)
		digits += !tel_separator(*c->p);
	uri->user = (struct str){start, (size_t)((const char *)c->p - start)};
	uri->has_user = true;
	if (digits == 0)
		return sip_lex_fail(c);
	if (sip_lex_peek(c) == ';') {
		cur_bytes(c, 1);
		uri->params = (struct str){(const char *)c->p, cur_left(c)};
		c->p = c->end;
		if (uri->params.n == 0 || !uri_params_check(uri->params))
			return sip_lex_fail(c);
	}
	return cur_left(c) == 0 &&
	       (global || (sip_uri_param_find(uri, STR("phone-context"), &p) && p.has_value));
}

/* A bit for each of up to 64 bytes: those that are in no user, in no host name, dots and hyphens.
 */
struct marks {
	uint64_t no_user, no_host, dots, hyphens;
};

static inline struct marks marks_of(struct str text)
{
	struct marks m = {0, 0, 0, 0};

	for (size_t at = 0; at < text.n; at += SIP_PART) {
		sip_part x = sip_part_at((const uint8_t *)text.p + at, text.n - at);

		m.no_user |= (uint64_t)sip_part_outside(x, SIP_CLASS_USER) << at;
		m.no_host |= (uint64_t)sip_part_outside(x, SIP_CLASS_HOST) << at;
		m.dots |= (uint64_t)SIP_PART_BITS(x == '.') << at;
		m.hyphens |= (uint64_t)SIP_PART_BITS(x == '-') << at;
	}
	return m;
}

/* The first bit from a place on. */
static inline unsigned mark_from(uint64_t marks, unsigned from)
{
	return (unsigned)__builtin_ctzll(marks & UINT64_MAX << from);
}

/* A name, or an IPv4 address; dots and hyphens: of what begins where it does. */
static inline bool plain_host(struct str text, uint64_t dots, uint64_t hyphens,
			      struct sip_host *host)
{
	uint64_t there = (1ull << text.n) - 1;
	unsigned label;

	dots &= there;
	label = dots != 0 ? 64 - (unsigned)__builtin_clzll(dots) : 0;
	host->text = text;
	if (label < text.n && text.p[label] >= '0' && text.p[label] <= '9') {
		host->kind = SIP_HOST_IP4;
		return ip4_parse(text, host->address);
	}
	host->kind = SIP_HOST_NAME;
	return labels_check(dots, hyphens & there, text.n);
}

#define SIP_SIZE 4u /* "sip:" */

/* sip:user@host, maybe with ";user=phone", and nothing escaped, as most are written: by one look at
 * it. False: it takes a closer one. */
static inline bool plain_parse(struct str text, struct sip_uri *uri)
{
	const struct str phone = STR("user=phone");
	struct marks     m;
	struct str       rest;
	uint64_t         end;
	unsigned         at, host, after;

	if (text.n <= SIP_SIZE || text.n >= 64 || !sip_same_bytes(text.p, "sip:", SIP_SIZE))
		return false;
	m = marks_of(text);
	end = 1ull << text.n;
	at = mark_from(m.no_user | end, SIP_SIZE);
	host = at + 1;
	if (at == SIP_SIZE || host >= text.n || text.p[at] != '@')
		return false;
	after = mark_from(m.no_host | end, host);
	rest = str_skip(text, after);
	if (after == host || (rest.n > 0 && (rest.n != phone.n + 1 || rest.p[0] != ';' ||
					     memcmp(rest.p + 1, phone.p, phone.n) != 0)))
		return false;
	if (!plain_host((struct str){text.p + host, after - host}, m.dots >> host,
			m.hyphens >> host, &uri->host))
		return false;
	uri->scheme = SIP_SCHEME_SIP;
	uri->scheme_text = (struct str){text.p, SIP_SIZE - 1};
	uri->opaque = str_skip(text, SIP_SIZE);
	uri->has_user = true;
	uri->user = (struct str){text.p + SIP_SIZE, at - SIP_SIZE};
	if (rest.n > 0)
		uri->params = str_skip(rest, 1);
	return true;
}

static void uri_clear(struct sip_uri *uri)
{
	*uri = (struct sip_uri){.scheme = SIP_SCHEME_OTHER};
	uri->user = uri->password = uri->params = uri->headers = uri->opaque = STR("");
	uri->scheme_text = uri->host.text = STR("");
}

static __attribute__((noinline)) bool any_parse(struct str text, struct sip_uri *uri)
{
	struct cur c = sip_cur(text);
	size_t     n = 0;

	uri_clear(uri);
	if (text.n > SIP_URI_MAX)
		return false;
	while (n < text.n && (sip_is((uint8_t)text.p[n], SIP_CLASS_HOST) || text.p[n] == '+'))
		n++;
	if (n == 0 || n == text.n || text.p[n] != ':' || (text.p[0] | 0x20) < 'a' ||
	    (text.p[0] | 0x20) > 'z')
		return false;
	uri->scheme_text = (struct str){text.p, n};
	uri->opaque = str_skip(text, n + 1);
	cur_bytes(&c, n + 1);
	if (sip_same(uri->scheme_text, STR("sip")))
		uri->scheme = SIP_SCHEME_SIP;
	else if (sip_same(uri->scheme_text, STR("sips")))
		uri->scheme = SIP_SCHEME_SIPS;
	else if (sip_same(uri->scheme_text, STR("tel")))
		uri->scheme = SIP_SCHEME_TEL;
	switch (uri->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		return sip_rest_parse(&c, uri);
	case SIP_SCHEME_TEL:
		return tel_rest_parse(&c, uri);
	case SIP_SCHEME_OTHER:
		sip_lex_while(&c, SIP_CLASS_URI);
		break;
	}
	return uri->opaque.n > 0 && !c.failed && cur_left(&c) == 0;
}

bool sip_uri_parse(struct str text, struct sip_uri *uri)
{
	uri_clear(uri);
	return plain_parse(text, uri) || any_parse(text, uri);
}

/* ---- canonical forms ---- */

bool sip_unescape_put(struct put *w, struct str escaped)
{
	struct put before = *w;

	for (size_t i = 0; i < escaped.n; i++) {
		int b = (uint8_t)escaped.p[i];

		if (b == '%' && escaped.n - i >= 3 && str_hex(escaped.p[i + 1]) >= 0 &&
		    str_hex(escaped.p[i + 2]) >= 0) {
			b = str_hex(escaped.p[i + 1]) << 4 | str_hex(escaped.p[i + 2]);
			i += 2;
		}
		if (b < ' ' || b == 0x7f) {
			*w = before;
			return false;
		}
		put_u8(w, (uint8_t)b);
	}
	return true;
}

void sip_tel_number_put(struct put *w, struct str number)
{
	for (size_t i = 0; i < number.n; i++) {
		if (!tel_separator(number.p[i]))
			put_u8(w, (uint8_t)number.p[i]);
	}
}

static int small(int c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static void small_put(struct put *w, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		put_u8(w, (uint8_t)small(s.p[i]));
}

/* One character of an escaped text: its value, and whether it must be escaped. */
static int canonical_next(struct str s, size_t *i, unsigned plain, bool *escaped)
{
	int b = (uint8_t)s.p[(*i)++];

	*escaped = false;
	if (b == '%' && s.n - *i >= 2 && str_hex(s.p[*i]) >= 0 && str_hex(s.p[*i + 1]) >= 0) {
		b = str_hex(s.p[*i]) << 4 | str_hex(s.p[*i + 1]);
		*i += 2;
		*escaped = !sip_is((uint8_t)b, plain) || b == '%';
	}
	return b;
}

static void canonical_put(struct put *w, struct str s, unsigned plain)
{
	static const char digits[] = "0123456789ABCDEF";
	bool              escaped;

	for (size_t i = 0; i < s.n;) {
		int b = canonical_next(s, &i, plain, &escaped);

		if (escaped) {
			put_u8(w, '%');
			put_u8(w, (uint8_t)digits[b >> 4]);
			put_u8(w, (uint8_t)digits[b & 15]);
		} else {
			put_u8(w, (uint8_t)b);
		}
	}
}

void sip_uri_aor_put(struct put *w, const struct sip_uri *uri)
{
	struct sip_param context;

	small_put(w, uri->scheme_text);
	put_u8(w, ':');
	if (uri->scheme == SIP_SCHEME_OTHER) {
		put_str(w, uri->opaque);
		return;
	}
	if (uri->scheme == SIP_SCHEME_TEL) {
		sip_tel_number_put(w, uri->user);
		if (uri->user.p[0] != '+' &&
		    sip_uri_param_find(uri, STR("phone-context"), &context)) {
			put_str(w, STR(";phone-context="));
			small_put(w, context.value);
		}
		return;
	}
	if (uri->has_user) {
		canonical_put(w, uri->user, SIP_CLASS_USER);
		put_u8(w, '@');
	}
	if (uri->host.kind == SIP_HOST_IP6) {
		char text[INET6_ADDRSTRLEN];

		if (inet_ntop(AF_INET6, uri->host.address, text, sizeof(text)) == NULL)
			w->failed = true;
		put_u8(w, '[');
		put_str(w, str_of(text));
		put_u8(w, ']');
	} else {
		small_put(w, uri->host.text);
	}
	if (uri->has_port) {
		put_u8(w, ':');
		put_number(w, uri->port);
	}
}

/* ---- equality ---- */

static bool escaped_equal(struct str a, struct str b, unsigned plain, bool any_case)
{
	size_t i = 0, j = 0;
	bool   a_escaped, b_escaped;

	while (i < a.n && j < b.n) {
		int x = canonical_next(a, &i, plain, &a_escaped);
		int y = canonical_next(b, &j, plain, &b_escaped);

		if (any_case) {
			x = small(x);
			y = small(y);
		}
		if (x != y || a_escaped != b_escaped)
			return false;
	}
	return i == a.n && j == b.n;
}

static bool host_equal(const struct sip_host *a, const struct sip_host *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SIP_HOST_IP6)
		return memcmp(a->address, b->address, 16) == 0;
	if (a->kind == SIP_HOST_IP4)
		return memcmp(a->address, b->address, 4) == 0;
	return sip_same(a->text, b->text);
}

/* These must be in both or in neither (19.1.4); any other is compared only where both have it. */
static bool must_match(struct str name)
{
	return sip_same(name, STR("user")) || sip_same(name, STR("ttl")) ||
	       sip_same(name, STR("method")) || sip_same(name, STR("maddr")) ||
	       sip_same(name, STR("transport"));
}

/* Every parameter of a against b. */
static bool params_match(const struct sip_uri *a, const struct sip_uri *b, bool all)
{
	struct cur       c = sip_cur(a->params);
	struct sip_param p, other;

	while (sip_uri_param_next(&c, &p)) {
		if (!sip_uri_param_find(b, p.name, &other)) {
			if (all || must_match(p.name))
				return false;
		} else if (p.has_value != other.has_value ||
			   !escaped_equal(p.value, other.value, SIP_CLASS_PARAM, true)) {
			return false;
		}
	}
	return true;
}

static bool header_next(struct str *rest, struct str *header)
{
	const char *at = rest->n > 0 ? memchr(rest->p, '&', rest->n) : NULL;

	*header = (struct str){rest->p, at != NULL ? (size_t)(at - rest->p) : rest->n};
	*rest = str_skip(*rest, header->n + 1);
	return header->n > 0;
}

/* Each of a is in b; with equal counts both hold the same. */
static bool headers_match(struct str a, struct str b, int *balance)
{
	struct str one, other, rest;

	while (header_next(&a, &one)) {
		bool found = false;

		++*balance;
		for (rest = b; !found && header_next(&rest, &other);)
			found = escaped_equal(one, other, SIP_CLASS_HNV, false);
		if (!found)
			return false;
	}
	while (header_next(&b, &other))
		--*balance;
	return true;
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	int        balance = 0;
	struct put x, y;
	uint8_t    a_room[SIP_URI_MAX], b_room[SIP_URI_MAX];

	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return sip_same(a->scheme_text, b->scheme_text) && str_eq(a->opaque, b->opaque);
	if (a->scheme == SIP_SCHEME_TEL) {
		x = put_to(a_room, sizeof(a_room));
		y = put_to(b_room, sizeof(b_room));
		sip_tel_number_put(&x, a->user);
		sip_tel_number_put(&y, b->user);
		return sip_same((struct str){(char *)a_room, put_size(&x)},
				(struct str){(char *)b_room, put_size(&y)}) &&
		       params_match(a, b, true) && params_match(b, a, true);
	}
	return a->has_user == b->has_user && a->has_password == b->has_password &&
	       a->has_port == b->has_port && a->port == b->port &&
	       escaped_equal(a->user, b->user, SIP_CLASS_USER, false) &&
	       escaped_equal(a->password, b->password, SIP_CLASS_PASS, false) &&
	       host_equal(&a->host, &b->host) && params_match(a, b, false) &&
	       params_match(b, a, false) && headers_match(a->headers, b->headers, &balance) &&
	       balance == 0;
}
