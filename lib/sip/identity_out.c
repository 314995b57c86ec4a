/* The Identity of requests of ours. */
#include "base/assert.h"
#include "msg/addr.h"
#include "sip/identity.h"
#include "sip/identity_private.h"
#include "stir/store.h"

/* An address as its URI says who it is. False: there is none, or it is for nobody to know. */
static bool address_put(const struct sip_map *map, const struct put *written, struct sip_address *a)
{
	struct sip_uri uri;

	return !written->failed &&
	       sip_uri_parse((struct str){(const char *)written->start, put_size(written)}, &uri) &&
	       sip_address_of(map, &uri, a) && a->kind != ADDR_NONE;
}

/* Who is told to send it: to those who may know by P-Asserted-Identity. */
static bool sender_of(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
		      struct sip_address *a)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	char       text[SIP_URI_MAX];
	struct put w = put_to(text, sizeof(text));
	struct str asserted = msg_addr(m, &m->from);
	bool       put;

	if (way->trusted && m->from.kind == ADDR_NONE &&
	    !sip_extra_text(map, m, SIP_EXTRA_ASSERTED, room, &asserted))
		return false;
	if (way->trusted)
		put = sip_address_put(&w,
				      m->from.kind != ADDR_NONE ? (enum addr_kind)m->from.kind
								: addr_kind_of(asserted),
				      asserted, way->domain, 0);
	else
		put = sip_source_put(map, &w, m, way) == REASON_NONE;
	return put && address_put(map, &w, a);
}

static bool parties_of(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
		       struct sip_parties *parties)
{
	char       text[SIP_URI_MAX];
	struct put w = put_to(text, sizeof(text));

	return sip_target_put(&w, m, way) == REASON_NONE && address_put(map, &w, &parties->to) &&
	       sender_of(map, m, way, &parties->from);
}

/* What follows the empty line after the header. */
static struct str body_from(const struct put *w, size_t at)
{
	struct str  text = {(const char *)w->start + at, put_size(w) - at};
	const char *end = memmem(text.p, text.n, "\r\n\r\n", 4);

	ASSERT(end != NULL);
	return str_skip(text, (size_t)(end + 4 - text.p));
}

/* The one that it came with says of what is written what is true, and may be believed still. */
static bool kept(const struct sip_map *map, const struct msg *m, const struct sip_parties *parties,
		 struct str body, struct put *line)
{
	uint8_t              room[SIP_IDENTITY_KEPT_MAX];
	struct msg_extra     extra;
	struct sip_identity  identity;
	struct stir_passport p;
	struct str           value;

	if (!msg_extra_find(m, map->protocol, SIP_EXTRA_IDENTITY, &extra) ||
	    extra.value.size > sizeof(room))
		return false;
	value = (struct str){(const char *)msg_view(m, extra.value, room), extra.value.size};
	if (!sip_identity_parse(value, &identity) ||
	    sip_identity_read(map, &identity, parties, body, &p) != REASON_NONE ||
	    p.claims.ppt != STIR_PPT_MSG || !stir_fresh(p.claims.iat, map->now.wall_ms / 1000)) {
		metric_inc(map->metrics, METRIC_sip_identities_dropped);
		return false;
	}
	sip_put_header(line, SIP_IDENTITY, value);
	metric_inc(map->metrics, METRIC_sip_identities_kept);
	return true;
}

/* Is it to be signed, and may it be? What has been found wrong is not made right by us. */
static bool to_be_signed(const struct sip_map *map, const struct msg *m)
{
	if (!(map->settings->identity & PROTO_IDENTITY_SIGN))
		return false;
	if (map->stir != NULL && stir_can_sign(map->stir) && m->identity != MSG_IDENTITY_FAILED)
		return true;
	metric_inc(map->metrics, METRIC_sip_identities_unsigned);
	return false;
}

static void put_signed(const struct sip_map *map, struct stir_claims *c,
		       const struct sip_parties *parties, struct put *line)
{
	size_t mark = put_size(line);

	c->orig = sip_party_of(&parties->from);
	c->dest_count = 1;
	c->dest[0] = sip_party_of(&parties->to);
	c->iat = map->now.wall_ms / 1000;
	sip_put_header_begin(line, SIP_IDENTITY);
	if (!stir_sign(map->stir, c, line)) {
		line->p = line->start + mark;
		metric_inc(map->metrics, METRIC_sip_identities_unsigned);
		return;
	}
	put_str(line, STR(";info=<"));
	put_str(line, c->x5u);
	put_str(line, STR(">;alg=ES256"));
	if (c->ppt != STIR_PPT_BASE) {
		put_str(line, STR(";ppt="));
		put_str(line, stir_ppt_name(c->ppt));
	}
	sip_put_header_end(line);
	metric_inc(map->metrics, METRIC_sip_identities_signed);
}

static void insert(struct put *w, size_t at, const struct put *line)
{
	size_t   n = put_size(line), rest = put_size(w) - at;
	uint8_t *room = put_reserve(w, n);

	if (room == NULL)
		return;
	memmove(w->start + at + n, w->start + at, rest);
	memcpy(w->start + at, line->start, n);
}

void sip_identity_put_message(const struct sip_map *map, const struct msg *m,
			      const struct sip_way *way, size_t at, struct put *w)
{
	bool       came = (m->extra_marks & msg_extra_mark(map->protocol, SIP_EXTRA_IDENTITY)) != 0;
	char       room[SIP_IDENTITY_SIZE_MAX], msgi[STIR_MSGI_MAX];
	struct put line = put_to(room, sizeof(room));
	struct stir_claims c = {.ppt = STIR_PPT_MSG};
	struct sip_parties parties;
	struct str         body;

	if (w->failed || way->at != NULL ||
	    !(came || (map->settings->identity & PROTO_IDENTITY_SIGN)))
		return;
	if (!parties_of(map, m, way, &parties)) {
		if (to_be_signed(map, m))
			metric_inc(map->metrics, METRIC_sip_identities_unsigned);
		return;
	}
	body = body_from(w, at);
	if (!(came && kept(map, m, &parties, body, &line)) && to_be_signed(map, m)) {
		c.msgi = stir_msgi(body, msgi);
		put_signed(map, &c, &parties, &line);
	}
	if (!line.failed)
		insert(w, at, &line);
}

void sip_identity_put_invite(const struct sip_map *map, const struct msg *m,
			     const struct sip_way *way, struct put *w)
{
	char               room[SIP_IDENTITY_SIZE_MAX];
	struct put         line = put_to(room, sizeof(room));
	struct stir_claims c = {.ppt = STIR_PPT_BASE};
	struct sip_parties parties;

	if (way->at != NULL || !to_be_signed(map, m))
		return;
	if (!parties_of(map, m, way, &parties)) {
		metric_inc(map->metrics, METRIC_sip_identities_unsigned);
		return;
	}
	if (stir_can_attest(map->stir))
		c.ppt = STIR_PPT_SHAKEN;
	put_signed(map, &c, &parties, &line);
	if (!line.failed)
		put_bytes(w, room, put_size(&line));
}
