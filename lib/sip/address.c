/* name-addr, and the parameters of header fields. */
#include "sip/uri.h"

/* gen-value: token, host or quoted-string; hosts bring ":" and brackets (25.1). */
static bool value_parse(struct cur *c, struct sip_param *p)
{
	const char *start = (const char *)c->p;

	if (sip_lex_peek(c) == '"') {
		p->quoted = true;
		return sip_lex_quoted(c, &p->value);
	}
	for (;; c->p++) {
		c->p = sip_class_end(c->p, c->end, SIP_CLASS_TOKEN);
		if (sip_lex_peek(c) != '[' && sip_lex_peek(c) != ']' && sip_lex_peek(c) != ':')
			break;
	}
	p->value = (struct str){start, (size_t)((const char *)c->p - start)};
	return p->value.n > 0 ? true : sip_lex_fail(c);
}

bool sip_param_end(struct cur *params)
{
	if (params->failed || cur_left(params) == 0)
		return !params->failed;
	if (!sip_lex_char(params, ';') || cur_left(params) == 0)
		return sip_lex_fail(params);
	return true;
}

bool sip_params_rest(struct cur *c, struct str *params)
{
	sip_lex_space(c);
	*params = STR("");
	if (cur_left(c) == 0)
		return true;
	if (!sip_lex_char(c, ';') || cur_left(c) == 0)
		return sip_lex_fail(c);
	*params = (struct str){(const char *)c->p, cur_left(c)};
	return true;
}

static struct str between(const uint8_t *start, const uint8_t *end)
{
	return (struct str){(const char *)start, (size_t)(end - start)};
}

/* A token, or two with "=" between them, without white space, as most are written. False: it takes
 * a closer look, and nothing is consumed. */
static inline bool param_plain(struct cur *params, struct sip_param *p)
{
	const uint8_t *start = params->p, *end = params->end;
	const uint8_t *at = sip_class_end(start, end, SIP_CLASS_TOKEN), *value;

	p->name = between(start, at);
	p->value = STR("");
	p->has_value = at < end && *at == '=';
	p->quoted = false;
	if (p->has_value) {
		value = at + 1;
		at = sip_class_end(value, end, SIP_CLASS_TOKEN);
		p->value = between(value, at);
		if (at == value)
			return false;
	}
	if (p->name.n == 0 || (at < end && (*at != ';' || at + 1 == end)))
		return false;
	params->p = at + (at < end);
	return true;
}

static __attribute__((noinline)) bool param_any(struct cur *params, struct sip_param *p)
{
	*p = (struct sip_param){.name = STR(""), .value = STR("")};
	if (params->failed)
		return false;
	sip_lex_space(params);
	if (cur_left(params) == 0)
		return false;
	if (!sip_lex_token(params, &p->name))
		return false;
	sip_lex_space(params);
	if (sip_lex_peek(params) == '=') {
		cur_bytes(params, 1);
		sip_lex_space(params);
		p->has_value = true;
		if (!value_parse(params, p))
			return false;
		sip_lex_space(params);
	}
	return sip_param_end(params);
}

bool sip_param_next(struct cur *params, struct sip_param *p)
{
	return (params->p < params->end && param_plain(params, p)) || param_any(params, p);
}

bool sip_param_find(struct str params, struct str name, struct sip_param *p)
{
	struct cur c = sip_cur(params);

	while (sip_param_next(&c, p)) {
		if (sip_same(p->name, name))
			return true;
	}
	return false;
}

bool sip_params_check(struct str params)
{
	struct cur       c = sip_cur(params);
	struct sip_param p;

	while (sip_param_next(&c, &p))
		;
	return !c.failed;
}

/* *(token LWS) or a quoted string, then "<". False where no "<" is there: an addr-spec. */
static bool display_parse(struct cur *c, struct sip_name_addr *a)
{
	const uint8_t *start = c->p;
	struct str     token;

	if (sip_lex_peek(c) == '"') {
		a->display_quoted = true;
		if (!sip_lex_quoted(c, &a->display))
			return false;
		sip_lex_space(c);
		return sip_lex_char(c, '<');
	}
	while (sip_lex_peek(c) != '<') {
		if (!sip_lex_token(c, &token))
			return false;
		a->display = between(start, c->p);
		sip_lex_space(c);
	}
	cur_bytes(c, 1);
	return true;
}

static bool take_tag(struct sip_name_addr *a)
{
	struct cur       c = sip_cur(a->params);
	struct sip_param p;

	if (a->params.n == 0)
		return true;
	if (str_starts(a->params, STR("tag=")) &&
	    sip_lex_all(str_skip(a->params, 4), SIP_CLASS_TOKEN)) { /* as most is written */
		a->tag = str_skip(a->params, 4);
		return true;
	}
	while (sip_param_next(&c, &p)) {
		if (!sip_same(p.name, STR("tag")))
			continue;
		if (!p.has_value || p.quoted || a->tag.n > 0)
			return false;
		a->tag = p.value;
	}
	return !c.failed;
}

bool sip_name_addr_parse(struct str element, struct sip_name_addr *a)
{
	struct cur     c, bare;
	const uint8_t *start;
	bool           angle;

	a->display = a->params = a->tag = a->uri_text = STR("");
	a->display_quoted = false;
	a->uri.host.kind = SIP_HOST_NONE;
	element = sip_is_trim(element) ? element : sip_trim(element);
	c = bare = sip_cur(element);
	angle = sip_lex_peek(&c) == '<'; /* as most are */
	if (angle)
		c.p++;
	else
		angle = display_parse(&c, a);
	if (!angle) {
		if (a->display_quoted)
			return false;
		a->display = STR("");
		c = bare;
	}
	start = c.p;
	if (angle) /* which no URI has in it */
		c.p = sip_byte_find(c.p, c.end, '>');
	while (!angle && c.p < c.end && sip_is(*c.p, SIP_CLASS_URI) && *c.p != ';' && *c.p != '?' &&
	       *c.p != ',')
		c.p++;
	a->uri_text = between(start, c.p);
	if (angle && !sip_lex_char(&c, '>'))
		return false;
	if (!sip_uri_parse(a->uri_text, &a->uri) ||
	    (a->uri.scheme == SIP_SCHEME_TEL && !sip_lex_all(a->uri_text, SIP_CLASS_URI)))
		return false;
	return sip_params_rest(&c, &a->params) && take_tag(a);
}
