#include "sip/identity.h"

#include "msg/addr.h"
#include "sip/identity_private.h"
#include "stir/store.h"

/* ---- the header field ---- */

static void skip_space(struct cur *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
		c->p++;
}

static struct str until(struct cur *c, const char *ends)
{
	const uint8_t *from = c->p;

	while (c->p < c->end && (*c->p == 0 || strchr(ends, *c->p) == NULL))
		c->p++;
	return (struct str){(const char *)from, (size_t)(c->p - from)};
}

static bool take(struct cur *c, char byte)
{
	if (c->p == c->end || *c->p != (uint8_t)byte)
		return false;
	c->p++;
	return true;
}

/* A token, a text between quotes, or a URI between < and >. */
static bool value_of(struct cur *c, struct str *value)
{
	char close = take(c, '<') ? '>' : take(c, '"') ? '"' : 0;

	*value = close == '>' ? until(c, "> \t\r\n") : until(c, close != 0 ? "\"" : "; \t\r\n");
	return (close == 0 || take(c, close)) && value->n > 0;
}

static bool take_param(struct cur *c, struct sip_identity *identity)
{
	struct str name, value;

	skip_space(c);
	name = until(c, "= \t\r\n;");
	skip_space(c);
	if (name.n == 0)
		return false;
	if (!take(c, '=')) /* an extension without a value */
		return true;
	skip_space(c);
	if (!value_of(c, &value))
		return false;
	if (sip_same(name, STR("info")))
		identity->info = value;
	else if (sip_same(name, STR("ppt")))
		identity->ppt = value;
	else if (sip_same(name, STR("alg")))
		return sip_same(value, STR("ES256"));
	return true;
}

bool sip_identity_parse(struct str value, struct sip_identity *identity)
{
	struct cur c = cur_of(value.p, value.n);

	*identity = (struct sip_identity){.token = until(&c, "; \t\r\n")};
	for (skip_space(&c); take(&c, ';'); skip_space(&c)) {
		if (!take_param(&c, identity))
			return false;
	}
	return c.p == c.end && identity->token.n > 0 && identity->info.n > 0;
}

/* ---- who is who ---- */

static bool is_number(const struct sip_address *a)
{
	return a->kind == ADDR_E164 || a->kind == ADDR_SHORT;
}

struct stir_party sip_party_of(const struct sip_address *a)
{
	return (struct stir_party){!is_number(a), sip_address_text(a)};
}

static bool is_party(const struct sip_map *map, const struct sip_address *a,
		     const struct stir_party *p)
{
	struct sip_address other;
	struct sip_uri     uri;

	if (!p->uri)
		return is_number(a) && stir_tn_same(sip_address_text(a), p->text);
	return a->kind == ADDR_URI && sip_uri_parse(p->text, &uri) &&
	       sip_address_of(map, &uri, &other) && other.kind == ADDR_URI &&
	       str_eq(sip_address_text(a), sip_address_text(&other));
}

static bool holds_for(const struct sip_map *map, const struct sip_parties *parties,
		      const struct stir_claims *c)
{
	bool to = false;

	for (unsigned i = 0; i < c->dest_count && !to; i++)
		to = is_party(map, &parties->to, &c->dest[i]);
	return to && is_party(map, &parties->from, &c->orig);
}

/* ---- of requests that come ---- */

static bool is_taken(enum sip_method method, enum stir_ppt ppt)
{
	return method == SIP_METHOD_MESSAGE ? ppt == STIR_PPT_MSG
					    : ppt == STIR_PPT_BASE || ppt == STIR_PPT_SHAKEN;
}

/* Put together from the request (RFC 8224, 4.1): its Date is when it was signed. */
static enum reason complete(const struct sip_message *in, const struct sip_identity *identity,
			    const struct sip_parties *parties, struct str body,
			    struct stir_passport *p)
{
	char               room[STIR_MSGI_MAX];
	struct stir_claims c = {.ppt = stir_ppt_of(identity->ppt),
				.x5u = identity->info,
				.orig = sip_party_of(&parties->from),
				.dest_count = 1,
				.dest = {sip_party_of(&parties->to)},
				.msgi = stir_msgi(body, room)};
	struct str         date;
	enum reason        why;

	if (!sip_header_find(in, SIP_DATE, &date) || !sip_date_parse(date, &c.iat))
		return REASON_IDENTITY_INVALID;
	why = stir_passport_complete(identity->token, &c, p);
	p->claims.msgi = STR(""); /* it is right, and its room ends here */
	return why;
}

enum reason sip_identity_read(const struct sip_map *map, const struct sip_identity *identity,
			      const struct sip_parties *parties, struct str body,
			      struct stir_passport *p)
{
	enum reason why = stir_passport_read(identity->token, p);

	if (why != REASON_NONE)
		return why;
	if (!str_eq(p->claims.x5u, identity->info) ||
	    (identity->ppt.n > 0 && stir_ppt_of(identity->ppt) != p->claims.ppt) ||
	    !holds_for(map, parties, &p->claims) ||
	    (p->claims.ppt == STIR_PPT_MSG && !stir_msgi_holds(p->claims.msgi, body)))
		return REASON_IDENTITY_INVALID;
	return REASON_NONE;
}

/* Of the header field alone, as far as it says so: else the PASSporT does. */
static bool passed_over(const struct sip_message *in, const struct sip_identity *identity)
{
	struct stir_passport p;

	if (identity->ppt.n > 0 || stir_passport_is_compact(identity->token))
		return !is_taken(in->method, stir_ppt_of(identity->ppt));
	return stir_passport_read(identity->token, &p) == REASON_NONE &&
	       !is_taken(in->method, p.claims.ppt);
}

static enum reason check(const struct sip_map *map, const struct sip_message *in,
			 const struct sip_identity *identity, const struct sip_parties *parties)
{
	struct cur           body = in->body;
	size_t               n = cur_left(&body);
	struct str           text = {(const char *)cur_bytes(&body, n), n};
	struct stir_passport p;
	enum reason          why;

	if (stir_passport_is_compact(identity->token))
		why = complete(in, identity, parties, text, &p);
	else
		why = sip_identity_read(map, identity, parties, text, &p);
	if (why == REASON_NONE && map->stir == NULL)
		why = REASON_IDENTITY_CERTIFICATE;
	return why == REASON_NONE ? stir_verify(map->stir, &p, map->now.wall_ms / 1000) : why;
}

enum reason sip_identity_check(const struct sip_map *map, const struct sip_message *in,
			       const struct sip_mandatory *known, const struct sip_sender *from)
{
	enum reason        first = REASON_IDENTITY_MISSING;
	unsigned           looked_at = 0;
	struct sip_parties parties;

	if (!(from->trusted && sip_asserted(map, in, &parties.from)) &&
	    !sip_address_of(map, &known->from.uri, &parties.from))
		parties.from.kind = ADDR_NONE;
	if (!sip_address_of(map, &known->to.uri, &parties.to))
		parties.to.kind = ADDR_NONE;
	for (uint8_t slot = in->first[SIP_IDENTITY];
	     slot != SIP_NO_SLOT && looked_at++ < SIP_IDENTITIES_MAX;
	     slot = in->headers[slot].next) {
		struct sip_identity identity;
		enum reason         why = REASON_IDENTITY_INVALID;

		if (sip_identity_parse(in->headers[slot].value, &identity)) {
			if (passed_over(in, &identity))
				continue;
			why = check(map, in, &identity, &parties);
		}
		if (why == REASON_NONE)
			return REASON_NONE;
		if (first == REASON_IDENTITY_MISSING)
			first = why;
	}
	return first;
}

/* ---- verstat ---- */

static const struct str words[MSG_IDENTITY_COUNT] = {
	[MSG_IDENTITY_UNKNOWN] = {"", 0},
	[MSG_IDENTITY_NONE] = {"No-TN-Validation", 16},
	[MSG_IDENTITY_PASSED] = {"TN-Validation-Passed", 20},
	[MSG_IDENTITY_FAILED] = {"TN-Validation-Failed", 20},
};

struct str sip_verstat(enum msg_identity identity)
{
	return words[identity];
}

/* Behind the number: of a tel URI its parameters, of another those of its user part. */
enum msg_identity sip_verstat_of(const struct sip_uri *uri)
{
	const char      *user = uri->user.n > 0 ? memchr(uri->user.p, ';', uri->user.n) : NULL;
	struct str       params = uri->params;
	struct sip_param p;

	if (uri->scheme != SIP_SCHEME_TEL)
		params = user != NULL ? str_skip(uri->user, (size_t)(user + 1 - uri->user.p))
				      : STR("");
	if (!sip_uri_param_find(&(struct sip_uri){.params = params}, STR("verstat"), &p))
		return MSG_IDENTITY_UNKNOWN;
	for (enum msg_identity i = MSG_IDENTITY_NONE; i < MSG_IDENTITY_COUNT; i++) {
		if (sip_same(p.value, words[i]))
			return i;
	}
	return MSG_IDENTITY_UNKNOWN;
}
