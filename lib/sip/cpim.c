#include "sip/cpim.h"

#include "base/utf8.h"
#include "sip/cpim_private.h"
#include "sip/lex.h"

const struct sip_cpim_known sip_cpim_known[SIP_CPIM_HEADER_COUNT] = {
#define SIP_CPIM_HEADER(NAME, space, name, once)                                                   \
	[SIP_CPIM_##NAME] = {SIP_CPIM_SPACE_##space, once, {name, sizeof(name) - 1}},
#include "sip/cpim_headers.def"
#undef SIP_CPIM_HEADER
};

const struct str sip_cpim_want_names[SIP_CPIM_WANTS] = {
	{"positive-delivery", 17}, {"negative-delivery", 17}, {"processing", 10}, {"display", 7},
	{"interworking", 12},
};

const struct str        sip_cpim_imdn_uri = {"urn:ietf:params:imdn", 20};
const struct str        sip_cpim_imdn_prefix = {"imdn", 4};
static const struct str core_uri = {"urn:ietf:params:cpim-headers:", 29};

bool sip_cpim_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c > 0 && strchr("!#$%&'*+-^_`|~", c) != NULL);
}

static struct str name_at(struct str s)
{
	size_t n = 0;

	while (n < s.n && sip_cpim_name_char(s.p[n]))
		n++;
	return (struct str){s.p, n};
}

/* A prefix that nobody bound: peers are known who look for "imdn." and nothing else. */
static enum sip_cpim_space space_of(const struct sip_cpim_headers *it, struct str prefix)
{
	for (unsigned i = 0; i < it->spaces; i++) {
		if (!str_eq(it->space[i].prefix, prefix))
			continue;
		if (sip_same(it->space[i].uri, sip_cpim_imdn_uri))
			return SIP_CPIM_SPACE_IMDN;
		return sip_same(it->space[i].uri, core_uri) ? SIP_CPIM_SPACE_CORE
							    : SIP_CPIM_SPACE_OTHER;
	}
	if (prefix.n == 0)
		return SIP_CPIM_SPACE_CORE;
	return str_eq(prefix, sip_cpim_imdn_prefix) ? SIP_CPIM_SPACE_IMDN : SIP_CPIM_SPACE_OTHER;
}

/* NS without prefix is NS whatever the default namespace is: else that could never be changed
 * back. */
static enum sip_cpim_header_kind kind_of(enum sip_cpim_space space, struct str prefix,
					 struct str name)
{
	if (prefix.n == 0 && sip_same(name, sip_cpim_known[SIP_CPIM_NS].name))
		return SIP_CPIM_NS;
	for (unsigned i = SIP_CPIM_OTHER + 1; i < SIP_CPIM_HEADER_COUNT; i++) {
		if (sip_cpim_known[i].space == space && sip_same(sip_cpim_known[i].name, name))
			return (enum sip_cpim_header_kind)i;
	}
	return SIP_CPIM_OTHER;
}

bool sip_cpim_ns_parse(struct str value, struct str *prefix, struct str *uri)
{
	*prefix = name_at(value);
	value = sip_trim(str_skip(value, prefix->n));
	if (value.n < 3 || value.p[0] != '<' || value.p[value.n - 1] != '>')
		return false;
	*uri = (struct str){value.p + 1, value.n - 2};
	for (size_t i = 0; i < uri->n; i++) {
		if (strchr("<>\" ", uri->p[i]) != NULL)
			return false;
	}
	return true;
}

static bool bind(struct sip_cpim_headers *it, struct str value)
{
	struct str prefix, uri;
	unsigned   i = 0;

	if (!sip_cpim_ns_parse(value, &prefix, &uri))
		return false;
	while (i < it->spaces && !str_eq(it->space[i].prefix, prefix))
		i++;
	if (i == SIP_CPIM_SPACES_MAX) {
		it->limit = true;
		return false;
	}
	it->space[i].prefix = prefix;
	it->space[i].uri = uri;
	it->spaces += i == it->spaces;
	return true;
}

/* Parameters stand between the colon and the first blank that no quotes hold. */
static struct str params_at(struct str s)
{
	size_t n = 0;
	bool   quoted = false;

	while (s.n > 0 && s.p[0] == ';' && n < s.n && (quoted || s.p[n] != ' ')) {
		quoted ^= s.p[n] == '"';
		n += quoted && s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
	}
	return (struct str){s.p, quoted ? 0 : n}; /* a quote without an end begins none */
}

static bool header_read(struct sip_cpim_headers *it, struct sip_cpim_header *h)
{
	struct str line;

	if (!sip_mime_line(&it->in, &line) || memchr(line.p, '\t', line.n) != NULL)
		return false;
	*h = (struct sip_cpim_header){.prefix = {line.p, 0}, .name = name_at(line)};
	line = str_skip(line, h->name.n);
	if (line.n > 0 && line.p[0] == '.') {
		h->prefix = h->name;
		h->name = name_at(str_skip(line, 1));
		line = str_skip(line, 1 + h->name.n);
		if (h->prefix.n == 0)
			return false;
	}
	if (h->name.n == 0 || line.n == 0 || line.p[0] != ':')
		return false;
	line = str_skip(line, 1);
	h->params = params_at(line);
	h->value = sip_trim(str_skip(line, h->params.n));
	h->space = space_of(it, h->prefix);
	h->kind = kind_of(h->space, h->prefix, h->name);
	if (++it->count > SIP_CPIM_HEADERS_MAX) {
		it->limit = true;
		return false;
	}
	return h->kind != SIP_CPIM_NS || bind(it, h->value);
}

struct sip_cpim_headers sip_cpim_headers(struct str headers)
{
	return (struct sip_cpim_headers){.in = cur_of(headers.n > 0 ? headers.p : "", headers.n)};
}

bool sip_cpim_header_next(struct sip_cpim_headers *it, struct sip_cpim_header *h)
{
	if (it->in.failed || cur_left(&it->in) == 0)
		return false;
	if (header_read(it, h))
		return true;
	it->in.failed = true;
	it->in.p = it->in.end;
	return false;
}

bool sip_cpim_uri_valid(struct str uri)
{
	const char *colon = uri.n > 0 ? memchr(uri.p, ':', uri.n) : NULL;

	for (size_t i = 0; i < uri.n; i++) {
		if ((uint8_t)uri.p[i] <= ' ' || strchr("<>\"\x7f", uri.p[i]) != NULL)
			return false;
	}
	return colon != NULL && colon != uri.p;
}

/* The bytes up to the quote that ends them; SIZE_MAX: none does. */
static size_t quoted_size(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '"')
		n += s.p[n] == '\\' ? 2 : 1;
	return n < s.n ? n : SIZE_MAX;
}

bool sip_cpim_address_parse(struct str value, struct sip_cpim_address *a)
{
	struct str rest = value;

	a->name = (struct str){value.p, 0};
	if (value.n > 0 && value.p[0] == '"') {
		size_t n = quoted_size(str_skip(value, 1));

		if (n == SIZE_MAX)
			return false;
		a->name = (struct str){value.p + 1, n};
		rest = sip_trim(str_skip(value, n + 2));
		if (rest.n == 0 || rest.p[0] != '<')
			return false;
	} else {
		const char *open = value.n > 0 ? memchr(value.p, '<', value.n) : NULL;

		if (open != NULL) {
			a->name = sip_trim((struct str){value.p, (size_t)(open - value.p)});
			rest = str_skip(value, (size_t)(open - value.p));
		}
		for (size_t i = 0; i < a->name.n; i++) {
			if (a->name.p[i] == '"' || a->name.p[i] == '\\')
				return false;
		}
	}
	if (rest.n >= 2 && rest.p[0] == '<' && rest.p[rest.n - 1] == '>')
		rest = (struct str){rest.p + 1, rest.n - 2};
	a->uri = rest;
	return sip_cpim_uri_valid(rest);
}

/* The next of a list that commas part; false at the end. */
static bool list_next(struct str *list, struct str *item)
{
	size_t n = 0;

	if (list->n == 0)
		return false;
	while (n < list->n && list->p[n] != ',')
		n++;
	*item = sip_trim((struct str){list->p, n});
	*list = str_skip(*list, n + 1);
	return true;
}

static unsigned wants_of(struct str list)
{
	struct str item;
	unsigned   wants = 0;

	while (list_next(&list, &item)) {
		struct str name = name_at(item);

		for (unsigned i = 0; i < SIP_CPIM_WANTS; i++) {
			if (sip_same(name, sip_cpim_want_names[i]))
				wants |= 1u << i;
		}
	}
	return wants;
}

static void require(const struct sip_cpim_headers *it, struct str list, struct sip_cpim *m)
{
	struct str item;

	while (m->required.n == 0 && list_next(&list, &item)) {
		struct str prefix = name_at(item), name = prefix;

		if (prefix.n < item.n && item.p[prefix.n] == '.')
			name = str_skip(item, prefix.n + 1);
		else
			prefix.n = 0;
		if (kind_of(space_of(it, prefix), prefix, name) == SIP_CPIM_OTHER)
			m->required = item;
	}
}

/* Of ";lang=fr"; empty where it is none. */
static struct str language_of(struct str params)
{
	struct sip_param p;

	if (params.n == 0 || !sip_param_find(str_skip(params, 1), STR("lang"), &p))
		return STR("");
	return name_at(p.value).n == p.value.n ? p.value : STR("");
}

static bool take(const struct sip_cpim_headers *it, const struct sip_cpim_header *h,
		 struct sip_cpim *m)
{
	struct sip_cpim_address a = {0};

	switch (h->kind) {
	case SIP_CPIM_FROM:
		return sip_cpim_address_parse(h->value, &m->from);
	case SIP_CPIM_TO:
		return sip_cpim_address_parse(h->value, m->to_count++ == 0 ? &m->to : &a);
	case SIP_CPIM_CC:
		m->cc_count++;
		return sip_cpim_address_parse(h->value, &a);
	case SIP_CPIM_DATETIME:
		m->datetime = h->value;
		return true;
	case SIP_CPIM_SUBJECT:
		if (m->subject.n == 0 && h->value.n > 0) {
			m->subject = h->value;
			m->subject_language = language_of(h->params);
		}
		return true;
	case SIP_CPIM_REQUIRE:
		require(it, h->value, m);
		return true;
	case SIP_CPIM_MESSAGE_ID:
		m->message_id = h->value;
		return true;
	case SIP_CPIM_NOTIFICATION:
		m->wants = wants_of(h->value);
		return true;
	case SIP_CPIM_RECORD_ROUTE:
		m->record_routes++;
		return sip_cpim_address_parse(h->value, &a);
	case SIP_CPIM_ROUTE:
		m->routes++;
		return sip_cpim_address_parse(h->value, &a);
	case SIP_CPIM_ORIGINAL_TO:
		return sip_cpim_address_parse(h->value, &m->original_to);
	case SIP_CPIM_OTHER:
	case SIP_CPIM_NS:
	case SIP_CPIM_HEADER_COUNT:
		break;
	}
	return true;
}

static bool utf8_valid(struct str s)
{
	struct cur c = cur_of(s.p, s.n);

	while (!c.failed && cur_left(&c) > 0)
		utf8_next(&c);
	return !c.failed;
}

/* A header of the content where one of the message might stand: the blank line between them was
 * left out. */
static bool at_content(const struct cur *in)
{
	size_t n = sizeof("Content-") - 1;

	return cur_left(in) >= n && sip_same((struct str){(const char *)in->p, n}, STR("Content-"));
}

enum sip_body sip_cpim_parse(struct cur in, struct sip_cpim *m)
{
	struct sip_cpim_headers it = {.in = in};
	const char             *start = (const char *)in.p;
	bool                    seen[SIP_CPIM_HEADER_COUNT] = {false};
	enum sip_body           content;

	*m = (struct sip_cpim){.headers = {start, 0}};
	while (cur_left(&it.in) > 0 && *it.in.p != '\r' && !at_content(&it.in)) {
		struct sip_cpim_header h;

		if (!sip_cpim_header_next(&it, &h))
			return it.limit ? SIP_BODY_LIMIT : SIP_BODY_SYNTAX;
		if (seen[h.kind] && sip_cpim_known[h.kind].once)
			return SIP_BODY_REPEATED;
		seen[h.kind] = true;
		if (!take(&it, &h, m))
			return SIP_BODY_SYNTAX;
	}
	m->headers.n = (size_t)((const char *)it.in.p - start);
	if (!utf8_valid(m->headers))
		return SIP_BODY_SYNTAX;
	if (cur_left(&it.in) == 0)
		return SIP_BODY_MISSING;
	if (!at_content(&it.in) && (cur_be16(&it.in) != ('\r' << 8 | '\n') || it.in.failed))
		return SIP_BODY_SYNTAX;
	content = sip_mime_parse(&it.in, &m->content);
	m->body = (struct str){(const char *)it.in.p, cur_left(&it.in)};
	return content;
}

enum sip_body sip_cpim_content(const struct sip_cpim *m, struct put *w)
{
	return sip_mime_decode(m->content.encoding, m->body, w);
}
