#include "sip/cpim.h"

#include "sip/cpim_private.h"
#include "sip/lex.h"

static void value_put(struct put *w, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		w->failed |= (uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f;
	put_str(w, s);
}

static void name_put(struct put *w, enum sip_cpim_header_kind kind)
{
	if (sip_cpim_known[kind].space == SIP_CPIM_SPACE_IMDN) {
		put_str(w, sip_cpim_imdn_prefix);
		put_u8(w, '.');
	}
	put_str(w, sip_cpim_known[kind].name);
	put_u8(w, ':');
}

static void line_put(struct put *w, enum sip_cpim_header_kind kind, struct str params,
		     struct str value)
{
	name_put(w, kind);
	value_put(w, params);
	put_u8(w, ' ');
	value_put(w, value);
	put_str(w, STR("\r\n"));
}

static void field_put(struct put *w, enum sip_cpim_header_kind kind, struct str value)
{
	if (value.n > 0)
		line_put(w, kind, STR(""), value);
}

void sip_cpim_address_put(struct put *w, enum sip_cpim_header_kind kind,
			  const struct sip_cpim_address *a)
{
	name_put(w, kind);
	put_u8(w, ' ');
	if (a->name.n > 0) {
		/* The quote at its end must be the one that a reader finds. */
		for (size_t i = 0; i < a->name.n; i++) {
			w->failed |= a->name.p[i] == '"';
			if (a->name.p[i] == '\\')
				w->failed |= ++i == a->name.n;
		}
		put_u8(w, '"');
		value_put(w, a->name);
		put_str(w, STR("\" "));
	}
	w->failed |= !sip_cpim_uri_valid(a->uri);
	put_u8(w, '<');
	value_put(w, a->uri);
	put_str(w, STR(">\r\n"));
}

static void address_field_put(struct put *w, enum sip_cpim_header_kind kind,
			      const struct sip_cpim_address *a)
{
	if (a->uri.n > 0)
		sip_cpim_address_put(w, kind, a);
}

static void subject_put(struct put *w, const struct sip_cpim *m)
{
	name_put(w, SIP_CPIM_SUBJECT);
	if (m->subject_language.n > 0) {
		for (size_t i = 0; i < m->subject_language.n; i++)
			w->failed |= !sip_cpim_name_char(m->subject_language.p[i]);
		put_str(w, STR(";lang="));
		put_str(w, m->subject_language);
	}
	put_u8(w, ' ');
	value_put(w, m->subject);
	put_str(w, STR("\r\n"));
}

static void wants_put(struct put *w, unsigned wants)
{
	bool first = true;

	if (wants == 0)
		return;
	name_put(w, SIP_CPIM_NOTIFICATION);
	for (unsigned i = 0; i < SIP_CPIM_WANTS; i++) {
		if ((wants & 1u << i) == 0)
			continue;
		put_str(w, first ? STR(" ") : STR(", "));
		put_str(w, sip_cpim_want_names[i]);
		first = false;
	}
	put_str(w, STR("\r\n"));
}

static void ns_put(struct put *w, struct str prefix, struct str uri)
{
	put_str(w, STR("NS: "));
	value_put(w, prefix);
	put_str(w, prefix.n > 0 ? STR(" <") : STR("<"));
	value_put(w, uri);
	put_str(w, STR(">\r\n"));
}

/* Addresses are written anew, so that what was lenient in them is not passed on. */
static void again_put(struct put *w, const struct sip_cpim_header *h)
{
	struct sip_cpim_address a;

	if (h->kind == SIP_CPIM_SUBJECT)
		line_put(w, h->kind, h->params, h->value);
	else if (sip_cpim_address_parse(h->value, &a))
		sip_cpim_address_put(w, h->kind, &a);
	else
		w->failed = true;
}

/* Further To and Subject, cc: before any default namespace can change what their names mean. */
static void core_put(struct put *w, const struct sip_cpim *m)
{
	struct sip_cpim_headers it = sip_cpim_headers(m->headers);
	struct sip_cpim_header  h;
	unsigned                to = 0, subjects = 0;

	while (sip_cpim_header_next(&it, &h)) {
		if ((h.kind == SIP_CPIM_TO && to++ > 0) ||
		    (h.kind == SIP_CPIM_SUBJECT && h.value.n > 0 && subjects++ > 0) ||
		    h.kind == SIP_CPIM_CC)
			again_put(w, &h);
	}
}

static bool imdn_rest(const struct sip_cpim *m, const struct sip_cpim_header *h)
{
	if (m->ends_routes && (h->kind == SIP_CPIM_RECORD_ROUTE || h->kind == SIP_CPIM_ROUTE))
		return false;
	return h->space == SIP_CPIM_SPACE_IMDN && h->kind != SIP_CPIM_MESSAGE_ID &&
	       h->kind != SIP_CPIM_NOTIFICATION && h->kind != SIP_CPIM_ORIGINAL_TO &&
	       h->kind != SIP_CPIM_NS;
}

static void plain_put(struct put *w, struct str prefix, const struct sip_cpim_header *h)
{
	if (prefix.n > 0) {
		put_str(w, prefix);
		put_u8(w, '.');
	}
	put_str(w, h->name);
	put_u8(w, ':');
	value_put(w, h->params);
	put_u8(w, ' ');
	value_put(w, h->value);
	put_str(w, STR("\r\n"));
}

/* True: the namespace is declared. */
static bool imdn_put(struct put *w, const struct sip_cpim *m)
{
	struct sip_cpim_headers it = sip_cpim_headers(m->headers);
	struct sip_cpim_header  h;
	bool needed = m->message_id.n > 0 || m->wants != 0 || m->original_to.uri.n > 0;

	while (!needed && sip_cpim_header_next(&it, &h))
		needed = imdn_rest(m, &h);
	if (!needed)
		return false;
	ns_put(w, sip_cpim_imdn_prefix, sip_cpim_imdn_uri);
	field_put(w, SIP_CPIM_MESSAGE_ID, m->message_id);
	wants_put(w, m->wants);
	address_field_put(w, SIP_CPIM_ORIGINAL_TO, &m->original_to);
	it = sip_cpim_headers(m->headers);
	while (sip_cpim_header_next(&it, &h)) {
		if (imdn_rest(m, &h) && h.kind == SIP_CPIM_OTHER)
			plain_put(w, sip_cpim_imdn_prefix, &h);
		else if (imdn_rest(m, &h))
			again_put(w, &h);
	}
	return true;
}

/* What we know nothing of, each under the namespaces it was written under; and Require, which names
 * headers by them. */
static void other_put(struct put *w, const struct sip_cpim *m, bool imdn_bound)
{
	struct sip_cpim_headers it = sip_cpim_headers(m->headers);
	struct sip_cpim_header  h;
	struct str              prefix, uri;

	while (sip_cpim_header_next(&it, &h)) {
		if (h.kind == SIP_CPIM_REQUIRE ||
		    (h.kind == SIP_CPIM_OTHER && h.space != SIP_CPIM_SPACE_IMDN))
			plain_put(w, h.prefix, &h);
		if (h.kind != SIP_CPIM_NS || !sip_cpim_ns_parse(h.value, &prefix, &uri))
			continue;
		if (imdn_bound && str_eq(prefix, sip_cpim_imdn_prefix)) {
			imdn_bound = sip_same(uri, sip_cpim_imdn_uri);
			if (imdn_bound)
				continue;
		}
		ns_put(w, prefix, uri);
	}
}

void sip_cpim_put(struct put *w, const struct sip_cpim *m)
{
	bool imdn_bound;

	address_field_put(w, SIP_CPIM_FROM, &m->from);
	address_field_put(w, SIP_CPIM_TO, &m->to);
	field_put(w, SIP_CPIM_DATETIME, m->datetime);
	if (m->subject.n > 0)
		subject_put(w, m);
	core_put(w, m);
	imdn_bound = imdn_put(w, m);
	other_put(w, m, imdn_bound);
	put_str(w, STR("\r\n"));
	sip_mime_put(w, &m->content, m->body.n);
	put_str(w, STR("\r\n"));
	put_str(w, m->body);
}
