#include "sip/map.h"
#include "sip/msrp.h"

/* unreserved of RFC 3986, and "+" "=" "/" (9: session-id). */
static bool is_session(uint8_t c)
{
	return sip_is(c, SIP_CLASS_HOST) || c == '~' || c == '+' || c == '=' || c == '/';
}

static struct str while_session(struct cur *c)
{
	const uint8_t *start = c->p;

	while (c->p < c->end && is_session(*c->p))
		c->p++;
	return (struct str){(const char *)start, (size_t)(c->p - start)};
}

static bool scheme_parse(struct cur *c, struct msrp_uri *uri)
{
	static const struct str schemes[] = {{"msrp://", 7}, {"msrps://", 8}};
	struct str              text = {(const char *)c->p, cur_left(c)};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct str begin = {text.p, schemes[i].n};

		if (text.n >= begin.n && sip_same(begin, schemes[i])) {
			uri->secure = i == 1;
			return cur_bytes(c, begin.n) != NULL;
		}
	}
	return false;
}

/* userinfo "@" where there is one. */
static bool user_parse(struct cur *c, struct msrp_uri *uri)
{
	const uint8_t *at = memchr(c->p, '@', cur_left(c));
	struct str     user;

	if (at == NULL)
		return true;
	user = (struct str){(const char *)c->p, (size_t)(at - c->p)};
	for (size_t i = 0; i < user.n; i++) {
		if (!sip_is((uint8_t)user.p[i], SIP_CLASS_USER) && user.p[i] != '%' &&
		    user.p[i] != ':')
			return false;
	}
	uri->user = user;
	return cur_bytes(c, user.n + 1) != NULL;
}

/* Those after the transport, each ";" token ["=" token]; nothing is known of them. */
static bool params_pass(struct cur *c)
{
	struct str token;

	while (sip_lex_peek(c) == ';') {
		c->p++;
		if (!sip_lex_token(c, &token))
			return false;
		if (sip_lex_peek(c) != '=')
			continue;
		c->p++;
		if (!sip_lex_token(c, &token))
			return false;
	}
	return cur_left(c) == 0;
}

bool msrp_uri_parse(struct str text, struct msrp_uri *uri)
{
	struct cur c = sip_cur(text);
	bool       has_port;

	*uri = (struct msrp_uri){.text = text};
	if (text.n > MSRP_URI_MAX || !scheme_parse(&c, uri) || !user_parse(&c, uri) ||
	    !sip_host_parse(&c, &uri->host) || !sip_port_parse(&c, &uri->port, &has_port))
		return false;
	if (sip_lex_peek(&c) == '/') {
		c.p++;
		uri->session = while_session(&c);
		if (uri->session.n == 0)
			return false;
	}
	return sip_lex_char(&c, ';') && sip_lex_token(&c, &uri->transport) && params_pass(&c);
}

bool msrp_path_next(struct cur *path, struct msrp_uri *uri)
{
	const uint8_t *start = path->p, *space;
	size_t         n = cur_left(path);

	if (path->failed || n == 0)
		return false;
	space = memchr(start, ' ', n);
	if (space != NULL)
		n = (size_t)(space - start);
	if (!msrp_uri_parse((struct str){(const char *)start, n}, uri))
		return sip_lex_fail(path);
	path->p += n;
	if (space == NULL)
		return true;
	path->p++;
	return cur_left(path) > 0 ? true : sip_lex_fail(path);
}

bool msrp_path_parse(struct str path, struct msrp_uri *first, struct msrp_uri *last)
{
	struct cur      c = sip_cur(path);
	struct msrp_uri uri;
	unsigned        count = 0;

	while (msrp_path_next(&c, &uri)) {
		if (count == 0)
			*first = uri;
		*last = uri;
		if (++count > MSRP_PATH_URIS_MAX)
			return false;
	}
	return !c.failed && count > 0;
}

void msrp_uri_put(struct put *w, struct str host, uint16_t port, struct str session)
{
	put_str(w, STR("msrp://"));
	sip_host_text_put(w, host);
	put_u8(w, ':');
	put_number(w, port);
	put_u8(w, '/');
	put_str(w, session);
	put_str(w, STR(";tcp"));
}
