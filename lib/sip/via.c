#include "sip/via.h"

static const struct {
	struct str name;
	uint16_t   port;
	bool       stream;
} transports[SIP_TRANSPORT_COUNT] = {
#define SIP_TRANSPORT(id, name, port, stream)                                                      \
	[SIP_TRANSPORT_##id] = {{name, sizeof(name) - 1}, port, stream},
#include "sip/transports.def"
#undef SIP_TRANSPORT
};

enum sip_transport sip_transport_classify(struct str name)
{
	for (unsigned i = 0; i < SIP_TRANSPORT_OTHER; i++) {
		if (sip_same(transports[i].name, name))
			return (enum sip_transport)i;
	}
	return SIP_TRANSPORT_OTHER;
}

const char *sip_transport_name(enum sip_transport t)
{
	return transports[t].name.p;
}

uint16_t sip_transport_port(enum sip_transport t)
{
	return transports[t].port;
}

bool sip_transport_stream(enum sip_transport t)
{
	return transports[t].stream;
}

/* received=: an address; IPv6 with brackets or, as RFC 5118 (4.5) wants tolerated, without. */
static bool received_parse(struct str value, struct sip_host *host)
{
	struct cur c = sip_cur(value);

	if (sip_ip6_parse(value, host->address)) {
		host->kind = SIP_HOST_IP6;
		host->text = value;
		return true;
	}
	return sip_host_parse(&c, host) && cur_left(&c) == 0 && host->kind != SIP_HOST_NAME;
}

static bool take_branch(struct sip_via *via, const struct sip_param *p)
{
	if (via->branch.n > 0 || !p->has_value || p->quoted)
		return false;
	via->branch = p->value;
	return true;
}

static bool take_received(struct sip_via *via, const struct sip_param *p, struct str text)
{
	if (via->received.kind != SIP_HOST_NONE || !p->has_value ||
	    !received_parse(p->value, &via->received))
		return false;
	via->received_text = text;
	return true;
}

static bool take_maddr(struct sip_via *via, const struct sip_param *p)
{
	if (!p->has_value || via->maddr.n > 0)
		return false;
	via->maddr = p->value;
	return true;
}

static bool take_rport(struct sip_via *via, const struct sip_param *p, struct str text)
{
	uint32_t number;

	if (via->has_rport)
		return false;
	via->has_rport = true;
	via->rport_text = text;
	if (!p->has_value)
		return true;
	if (!sip_number_parse(p->value, &number) || number == 0 || number > 65535)
		return false;
	via->rport = (uint16_t)number;
	return true;
}

static bool take_ttl(struct sip_via *via, const struct sip_param *p)
{
	uint32_t number;

	if (via->has_ttl || !sip_number_parse(p->value, &number) || number > 255)
		return false;
	via->has_ttl = true;
	via->ttl = (uint8_t)number;
	return true;
}

/* text: all of it, with the ";" before it. */
static bool via_param(struct sip_via *via, const struct sip_param *p, struct str text)
{
	if (sip_same(p->name, STR("branch")))
		return take_branch(via, p);
	if (sip_same(p->name, STR("rport")))
		return take_rport(via, p, text);
	if (sip_same(p->name, STR("received")))
		return take_received(via, p, text);
	if (sip_same(p->name, STR("maddr")))
		return take_maddr(via, p);
	return !sip_same(p->name, STR("ttl")) || take_ttl(via, p);
}

static bool via_params(struct cur *c, struct sip_via *via)
{
	struct sip_param p;

	if (!sip_params_rest(c, &via->params))
		return false;
	via->params_good.p = (const char *)c->p - (via->params.n > 0);
	for (const uint8_t *start = c->p; sip_param_next(c, &p); start = c->p) {
		const uint8_t *end = c->p - (cur_left(c) > 0); /* without the ";" that follows */
		struct str     text = {(const char *)start - 1, (size_t)(end - start) + 1};

		if (!via_param(via, &p, text))
			return false;
		via->params_good.n = (size_t)((const char *)end - via->params_good.p);
	}
	via->has_cookie = via->branch.n > sizeof(SIP_BRANCH_COOKIE) - 1 &&
			  sip_same((struct str){via->branch.p, sizeof(SIP_BRANCH_COOKIE) - 1},
				   STR(SIP_BRANCH_COOKIE));
	return !c->failed;
}

/* SLASH: with white space around it. */
static bool slash(struct cur *c)
{
	sip_lex_space(c);
	if (!sip_lex_char(c, '/'))
		return false;
	sip_lex_space(c);
	return true;
}

/* [COLON port] */
static bool via_port(struct cur *c, struct sip_via *via)
{
	uint32_t number;

	via->has_port = sip_lex_peek(c) == ':';
	if (!via->has_port)
		return true;
	cur_bytes(c, 1);
	sip_lex_space(c);
	if (!sip_lex_number(c, &number) || number == 0 || number > 65535)
		return false;
	via->port = (uint16_t)number;
	sip_lex_space(c);
	return true;
}

/* "SIP" SLASH "2.0" SLASH */
static bool via_protocol(struct cur *c)
{
	struct str name, version;

	if (cur_left(c) > 8 && memcmp(c->p, "SIP/2.0/", 8) == 0) { /* without spaces, as most do */
		c->p += 8;
		sip_lex_space(c);
		return true;
	}
	return sip_lex_token(c, &name) && slash(c) && sip_lex_token(c, &version) && slash(c) &&
	       sip_same(name, STR("SIP")) && str_eq(version, STR("2.0"));
}

/* Protocol and sent-by, if as we would write them. */
static struct str sent_plain(struct str element, const struct sip_via *via)
{
	size_t n = 8 + via->transport_text.n + 1 + via->host.text.n;

	if (via->has_port) /* and its colon */
		n += 2u + (via->port > 9) + (via->port > 99) + (via->port > 999) +
		     (via->port > 9999);
	return str_starts(element, STR("SIP/2.0/")) && via->host.kind != SIP_HOST_IP6 &&
			       via->params_good.p == element.p + n
		       ? (struct str){element.p, n}
		       : STR("");
}

static void via_clear(struct sip_via *via)
{
	const struct str none = STR("");

	*via = (struct sip_via){
		.transport = SIP_TRANSPORT_OTHER,
		.transport_text = none,
		.host.text = none,
		.branch = none,
		.received.text = none,
		.maddr = none,
		.params = none,
		.params_good = none,
		.received_text = none,
		.rport_text = none,
		.sent = none,
	};
}

bool sip_via_parse(struct str element, struct sip_via *via)
{
	struct cur     c = sip_cur(element);
	const uint8_t *before;

	via_clear(via);
	if (!via_protocol(&c) || !sip_lex_token(&c, &via->transport_text))
		return false;
	via->transport = sip_transport_classify(via->transport_text);
	before = c.p;
	sip_lex_space(&c);
	if (c.p == before || !sip_host_parse(&c, &via->host))
		return false;
	sip_lex_space(&c);
	if (!via_port(&c, via) || !via_params(&c, via))
		return false;
	via->sent = sent_plain(element, via);
	return true;
}

/* What we wrote came back: its parameters are all that may be wrong. */
static bool own_via_parse(struct str element, struct str own, struct sip_via *via)
{
	struct cur c = sip_cur(str_skip(element, own.n));

	if (own.n == 0 || !str_starts(element, own))
		return false;
	via_clear(via);
	return via_params(&c, via);
}

/* A line is mostly one element: what is none may be a list of some. */
static bool via_top(const struct sip_message *m, struct str own, struct sip_via *via)
{
	struct str      element = m->headers[m->first[SIP_VIA]].value;
	struct sip_list l;

	if (own_via_parse(element, own, via) || sip_via_parse(element, via))
		return true;
	sip_list_init(&l, m, SIP_VIA);
	return sip_list_next(&l, &element) && sip_via_parse(element, via);
}

bool sip_cseq_parse(struct str value, struct sip_cseq *cseq)
{
	struct cur     c = sip_cur(value);
	const uint8_t *before;

	*cseq = (struct sip_cseq){.method_text = STR("")};
	if (!sip_lex_number(&c, &cseq->number) || cseq->number > INT32_MAX)
		return false;
	before = c.p;
	sip_lex_space(&c);
	if (c.p == before || !sip_lex_token(&c, &cseq->method_text) || cur_left(&c) > 0)
		return false;
	cseq->method = sip_method_classify(cseq->method_text);
	return true;
}

bool sip_call_id_check(struct str value)
{
	struct cur c = sip_cur(value);

	if (sip_lex_while(&c, SIP_CLASS_WORD).n == 0)
		return false;
	if (cur_left(&c) == 0)
		return true;
	return sip_lex_char(&c, '@') && sip_lex_while(&c, SIP_CLASS_WORD).n > 0 &&
	       cur_left(&c) == 0;
}

/* ---- what every message must have ---- */

static enum reason vias_parse(const struct sip_message *m, struct sip_mandatory *out)
{
	const struct sip_header *first = &m->headers[m->first[SIP_VIA]];
	struct sip_list          l;
	struct str               element;
	struct sip_via           other;

	if (first->next == SIP_NO_SLOT && sip_via_parse(first->value, &out->via)) {
		out->via_count = 1;
		return REASON_NONE;
	}
	for (sip_list_init(&l, m, SIP_VIA); sip_list_next(&l, &element); out->via_count++) {
		if (out->via_count == SIP_VIAS_MAX)
			return REASON_SIP_HEADER_COUNT;
		if (!sip_via_parse(element, out->via_count == 0 ? &out->via : &other))
			return REASON_SIP_VIA;
	}
	return l.failed || out->via_count == 0 ? REASON_SIP_VIA : REASON_NONE;
}

static enum reason request_parse(const struct sip_message *m, struct sip_mandatory *out)
{
	struct str value;
	uint32_t   number;

	if (!sip_uri_parse(m->uri, &out->uri))
		return REASON_SIP_URI;
	if (out->uri.scheme < SIP_SCHEME_TEL && out->uri.headers.n > 0)
		return REASON_SIP_URI; /* 19.1.1: no headers in a Request-URI */
	if (!str_eq(out->cseq.method_text, m->method_text))
		return REASON_SIP_CSEQ;
	if (!sip_header_find(m, SIP_MAX_FORWARDS, &value))
		return REASON_NONE;
	if (!sip_number_parse(value, &number) || number > 255)
		return REASON_SIP_MAX_FORWARDS;
	out->has_max_forwards = true;
	out->max_forwards = (uint8_t)number;
	return REASON_NONE;
}

/* What is not parsed is not there. */
static void mandatory_clear(struct sip_mandatory *out)
{
	out->via.host.kind = SIP_HOST_NONE;
	out->via.branch = STR("");
	out->via_count = 0;
	out->call_id = STR("");
	out->from.uri.host.kind = out->to.uri.host.kind = out->uri.host.kind = SIP_HOST_NONE;
	out->from.uri.scheme = out->to.uri.scheme = out->uri.scheme = SIP_SCHEME_OTHER;
	out->from.tag = out->to.tag = STR("");
	out->cseq = (struct sip_cseq){0};
	out->media = (struct sip_media){0};
	out->has_max_forwards = false;
	out->max_forwards = 0;
}

enum reason sip_response_parse(const struct sip_message *m, struct str own,
			       struct sip_mandatory *out)
{
	struct str value;

	mandatory_clear(out);
	if (!sip_header_find(m, SIP_CALL_ID, &out->call_id) ||
	    !sip_header_find(m, SIP_CSEQ, &value) || m->first[SIP_VIA] == SIP_NO_SLOT)
		return REASON_SIP_HEADER_MISSING;
	if (!via_top(m, own, &out->via))
		return REASON_SIP_VIA;
	return sip_cseq_parse(value, &out->cseq) ? REASON_NONE : REASON_SIP_CSEQ;
}

enum reason sip_mandatory_parse(const struct sip_message *m, struct sip_mandatory *out)
{
	struct str  value;
	enum reason why;

	mandatory_clear(out);
	if (m->first[SIP_VIA] == SIP_NO_SLOT)
		return REASON_SIP_HEADER_MISSING;
	why = vias_parse(m, out);
	if (why != REASON_NONE)
		return why;
	if (!sip_header_find(m, SIP_CALL_ID, &out->call_id) ||
	    !sip_header_find(m, SIP_CSEQ, &value))
		return REASON_SIP_HEADER_MISSING;
	if (!sip_cseq_parse(value, &out->cseq))
		return REASON_SIP_CSEQ;
	if (!sip_call_id_check(out->call_id))
		return REASON_SIP_CALL_ID;
	if (!sip_header_find(m, SIP_FROM, &value))
		return REASON_SIP_HEADER_MISSING;
	if (!sip_name_addr_parse(value, &out->from))
		return REASON_SIP_FROM;
	if (!sip_header_find(m, SIP_TO, &value))
		return REASON_SIP_HEADER_MISSING;
	if (!sip_name_addr_parse(value, &out->to))
		return REASON_SIP_TO;
	if (sip_header_find(m, SIP_CONTENT_TYPE, &value) && !sip_media_parse(value, &out->media))
		return REASON_SIP_CONTENT_TYPE;
	return m->kind == SIP_REQUEST ? request_parse(m, out) : REASON_NONE;
}
