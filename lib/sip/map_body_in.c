/* Bodies of MESSAGE: what they are once their wrapping is off. */
#include "sip/composing.h"
#include "sip/cpim.h"
#include "sip/imdn.h"
#include "sip/inflate.h"
#include "sip/linked.h"
#include "sip/map.h"

/* Content in a transfer encoding, and text of documents, is no longer than this. */
#define DECODED_MAX 8192u

struct content {
	enum sip_content kind;
	struct sip_media media;
	struct str       type; /* Content-Type as it came; empty: none */
	struct str       bytes;
	struct sip_cpim  cpim;
	bool             wrapped; /* in message/cpim */
	char             decoded[DECODED_MAX];
};

/* How the text is to be read; BINARY: in a charset that nobody here reads. */
static enum msg_coding charset(const struct sip_media *media)
{
	struct str name;

	if (!sip_media_param(media, STR("charset"), &name) || sip_same(name, STR("utf-8")))
		return MSG_CODING_UTF8;
	if (sip_same(name, STR("us-ascii")))
		return MSG_CODING_ASCII;
	if (sip_same(name, STR("iso-8859-1")))
		return MSG_CODING_LATIN1;
	return MSG_CODING_BINARY;
}

static unsigned unwrap(struct content *c, enum reason *why)
{
	struct put room = put_to(c->decoded, sizeof(c->decoded));

	*why = REASON_SIP_CONTENT;
	if (sip_cpim_parse(cur_of(c->bytes.p, c->bytes.n), &c->cpim) != SIP_BODY_OK)
		return 400;
	*why = REASON_CODING;
	c->wrapped = true;
	c->type = c->cpim.content.type;
	c->kind = sip_content_of(c->type, &c->media);
	if (c->kind == SIP_CONTENT_NONE || c->kind == SIP_CONTENT_CPIM || c->cpim.required.n > 0)
		return 415;
	c->bytes = c->cpim.body;
	if (c->cpim.content.encoding == SIP_MIME_IDENTITY)
		return 200;
	if (c->cpim.content.encoding == SIP_MIME_UNKNOWN)
		return 415;
	switch (sip_cpim_content(&c->cpim, &room)) {
	case SIP_BODY_OK:
		c->bytes = (struct str){c->decoded, put_size(&room)};
		return 200;
	case SIP_BODY_LIMIT:
		*why = REASON_MESSAGE_SIZE;
		return 413;
	default:
		*why = REASON_SIP_CONTENT;
		return 400;
	}
}

/* Its name, and the way that notifications of it go (RFC 5438, 7.2.1.1). */
static bool take_origin(const struct sip_map *map, const struct content *c, struct msg *m)
{
	struct str              id = c->cpim.message_id;
	char                    room[MSG_ORIGIN_ID_MAX];
	struct put              w = put_to(room, sizeof(room));
	struct sip_cpim_headers it = sip_cpim_headers(c->cpim.headers);
	struct sip_cpim_header  h;
	struct sip_cpim_address a;

	put_str(&w, id);
	while (c->cpim.record_routes > 0 && sip_cpim_header_next(&it, &h)) {
		if (h.kind != SIP_CPIM_RECORD_ROUTE || !sip_cpim_address_parse(h.value, &a))
			continue;
		put_u8(&w, SIP_ORIGIN_ROUTE);
		put_str(&w, a.uri);
	}
	if (!w.failed)
		return msg_append(m, room, put_size(&w), &m->origin_id);
	metric_inc(map->metrics, METRIC_sip_headers_dropped);
	return id.n > MSG_ORIGIN_ID_MAX || msg_append(m, id.p, id.n, &m->origin_id);
}

/* imdn.Disposition-Notification and what its answers are to name. Notifications never ask for any
 * (RFC 5438, 8). */
static bool take_wants(const struct sip_map *map, const struct content *c, struct msg *m)
{
	static const struct {
		unsigned want;
		uint8_t  wants;
	} wants[] = {
		{SIP_CPIM_WANT_POSITIVE, MSG_WANT_SUCCESS},
		{SIP_CPIM_WANT_NEGATIVE, MSG_WANT_FAILURE},
		{SIP_CPIM_WANT_PROCESSING, MSG_WANT_INTERMEDIATE},
		{SIP_CPIM_WANT_DISPLAY, MSG_WANT_READ},
		{SIP_CPIM_WANT_INTERWORKING, MSG_WANT_INTERWORKING},
	};
	struct str id = c->cpim.message_id;

	if (!c->wrapped || c->kind == SIP_CONTENT_IMDN || c->kind == SIP_CONTENT_COMPOSING ||
	    id.n == 0)
		return true;
	if (id.n > MSG_ORIGIN_ID_MAX)
		return take_origin(map, c, m);
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		if (c->cpim.wants & wants[i].want)
			m->wants |= wants[i].wants;
	}
	return take_origin(map, c, m);
}

static enum msg_state state_of(const struct sip_imdn *n)
{
	switch (n->status) {
	case SIP_IMDN_DELIVERED:
	case SIP_IMDN_DISPLAYED:
		return MSG_STATE_DELIVERED;
	case SIP_IMDN_PROCESSED:
	case SIP_IMDN_LEGACY_SMS:
	case SIP_IMDN_LEGACY_MMS:
		return MSG_STATE_ACCEPTED;
	case SIP_IMDN_STORED:
		return MSG_STATE_ENROUTE;
	case SIP_IMDN_FORBIDDEN:
		return MSG_STATE_REJECTED;
	case SIP_IMDN_FAILED:
	case SIP_IMDN_ERROR:
	case SIP_IMDN_STATUS_COUNT:
		break;
	}
	return MSG_STATE_UNDELIVERABLE;
}

static unsigned take_imdn(struct content *c, struct msg *m, enum reason *why)
{
	char            text[DECODED_MAX];
	struct put      room = put_to(text, sizeof(text));
	struct sip_imdn n;

	*why = REASON_SIP_CONTENT;
	if (sip_imdn_parse(cur_of(c->bytes.p, c->bytes.n), &room, &n) != SIP_BODY_OK ||
	    n.message_id.n > RESULT_REMOTE_ID_MAX)
		return 400;
	m->kind = n.kind == SIP_IMDN_DISPLAY ? MSG_READ_REPORT : MSG_RECEIPT;
	m->coding = MSG_CODING_ASCII;
	m->receipt.state = (uint8_t)state_of(&n);
	m->receipt.interworked = n.kind == SIP_IMDN_INTERWORKING;
	m->receipt.intermediate = n.kind == SIP_IMDN_PROCESSING || m->receipt.interworked;
	*why = REASON_POOL;
	return msg_append(m, n.message_id.p, n.message_id.n, &m->receipt.remote_id) ? 200 : 503;
}

static unsigned take_composing(const struct sip_map *map, struct content *c, struct msg *m,
			       enum reason *why)
{
	char                 text[DECODED_MAX];
	struct put           room = put_to(text, sizeof(text));
	struct sip_composing state;
	struct str           word;
	uint8_t              refresh[4];
	struct put           w = put_to(refresh, sizeof(refresh));

	*why = REASON_SIP_CONTENT;
	if (sip_composing_parse(cur_of(c->bytes.p, c->bytes.n), &room, &state) != SIP_BODY_OK)
		return 400;
	m->kind = MSG_COMPOSING;
	m->coding = MSG_CODING_ASCII;
	word = state.active ? STR("active") : state.gone ? STR("gone") : STR("idle");
	put_be32(&w, state.refresh_s);
	*why = REASON_POOL;
	return msg_append(m, word.p, word.n, &m->body) &&
			       sip_extra_add(map, m, SIP_EXTRA_REFRESH,
					     (struct str){(const char *)refresh, sizeof(refresh)})
		       ? 200
		       : 503;
}

static unsigned take_bytes(const struct sip_map *map, struct content *c, struct msg *m,
			   enum reason *why)
{
	bool text = c->kind == SIP_CONTENT_TEXT;

	m->kind = text ? MSG_TEXT : MSG_BINARY;
	m->carries = text ? MSG_CONTENT_TEXT : MSG_CONTENT_DOCUMENT;
	m->coding = text ? (uint8_t)charset(&c->media) : MSG_CODING_BINARY;
	*why = REASON_CODING;
	if (text && m->coding == MSG_CODING_BINARY)
		return 415;
	*why = REASON_MESSAGE_SIZE;
	if (c->bytes.n > map->settings->message_size_max)
		return 413;
	*why = REASON_POOL;
	if (!msg_append(m, c->bytes.p, c->bytes.n, &m->body))
		return 503;
	return c->type.n == 0 || sip_extra_add(map, m, SIP_EXTRA_CONTENT_TYPE, c->type) ? 200 : 503;
}

/* What it says to who understands text alone; false: nothing that can be told. */
static bool linked_text(struct content *c, struct put *room, struct put *w, struct sip_file *file)
{
	struct cur          in = cur_of(c->bytes.p, c->bytes.n);
	struct sip_location place;

	*file = (struct sip_file){STR(""), STR("")};
	if (c->kind == SIP_CONTENT_FILE && sip_file_parse(in, room, file) == SIP_BODY_OK)
		sip_file_text(file, w);
	else if (c->kind == SIP_CONTENT_LOCATION &&
		 sip_location_parse(in, room, &place) == SIP_BODY_OK)
		sip_location_text(&place, w);
	return put_size(w) > 0 && !w->failed;
}

static bool add_common(struct msg *m, uint16_t tag, struct str value)
{
	return value.n == 0 || msg_extra_add(m, MSG_COMMON, tag, value.p, (uint16_t)value.n);
}

/* A text, with the document beside it for SIP. One that says nothing goes to SIP alone. */
static unsigned take_linked(const struct sip_map *map, struct content *c, struct msg *m,
			    enum reason *why)
{
	char            decoded[DECODED_MAX], text[SIP_LINK_MAX + SIP_LINK_NAME_MAX + 1];
	struct put      room = put_to(decoded, sizeof(decoded));
	struct put      w = put_to(text, sizeof(text));
	struct sip_file file;

	if (c->bytes.n > map->settings->message_size_max || c->bytes.n > UINT16_MAX ||
	    !linked_text(c, &room, &w, &file))
		return take_bytes(map, c, m, why);
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_UTF8;
	m->carries = c->kind == SIP_CONTENT_FILE ? MSG_CONTENT_FILE : MSG_CONTENT_LOCATION;
	*why = REASON_POOL;
	return msg_append(m, text, put_size(&w), &m->body) &&
			       sip_extra_add(map, m, SIP_EXTRA_CONTENT_TYPE, c->type) &&
			       msg_extra_add(m, map->protocol, SIP_EXTRA_DOCUMENT, c->bytes.p,
					     (uint16_t)c->bytes.n) &&
			       add_common(m, MSG_COMMON_LINK, file.url) &&
			       add_common(m, MSG_COMMON_LINK_NAME, file.name)
		       ? 200
		       : 503;
}

static unsigned take(const struct sip_map *map, struct content *c, struct msg *m, enum reason *why)
{
	switch (c->kind) {
	case SIP_CONTENT_IMDN:
		return take_imdn(c, m, why);
	case SIP_CONTENT_COMPOSING:
		return take_composing(map, c, m, why);
	case SIP_CONTENT_TEXT:
	case SIP_CONTENT_OPAQUE:
		return take_bytes(map, c, m, why);
	case SIP_CONTENT_FILE:
	case SIP_CONTENT_LOCATION:
		return take_linked(map, c, m, why);
	case SIP_CONTENT_CPIM:
	case SIP_CONTENT_SMS:  /* has a map of its own, and no place in message/cpim */
	case SIP_CONTENT_LIST: /* is taken apart before, where it is one of recipients */
	case SIP_CONTENT_NONE:
		break;
	}
	*why = REASON_CODING;
	return 415;
}

/* The body as it is without its encoding. */
static unsigned body_in(const struct sip_map *map, const struct sip_message *in,
			const struct sip_mandatory *known, struct str bytes, struct msg *m,
			enum reason *why)
{
	struct content c;
	unsigned       status = 200;

	c.bytes = bytes;
	c.wrapped = false;
	*why = REASON_CODING;
	if (sip_header_find(in, SIP_CONTENT_TYPE, &c.type) && c.type.p == known->media.type.p) {
		c.media = known->media;
		c.kind = sip_content_known(&c.media);
	} else { /* none, or that of a part that stands for the whole */
		c.kind = sip_content_of(c.type, &c.media);
	}
	if (c.kind == SIP_CONTENT_NONE)
		return 415;
	if (c.kind == SIP_CONTENT_CPIM)
		status = unwrap(&c, why);
	if (status != 200)
		return status;
	m->native_protocol = map->protocol;
	*why = REASON_POOL;
	if (!take_wants(map, &c, m)) /* before any extra: those lie one after the other */
		return 503;
	status = take(map, &c, m, why);
	if (status != 200)
		return status;
	*why = REASON_POOL;
	if (c.wrapped &&
	    !sip_extra_add(map, m, SIP_EXTRA_CPIM,
			   c.cpim.headers.n <= SIP_EXTRA_VALUE_MAX ? c.cpim.headers : STR("")))
		return 503;
	*why = REASON_NONE;
	return 200;
}

static unsigned inflated_in(const struct sip_map *map, const struct sip_message *in,
			    const struct sip_mandatory *known, enum sip_encoding encoding,
			    struct str bytes, struct msg *m, enum reason *why)
{
	char       whole[SIP_MESSAGE_SIZE_MAX];
	struct put room = put_to(whole, sizeof(whole));

	metric_inc(map->metrics, METRIC_sip_bodies_compressed);
	switch (sip_inflate(encoding, bytes, &room)) {
	case SIP_BODY_OK:
		return body_in(map, in, known, (struct str){whole, put_size(&room)}, m, why);
	case SIP_BODY_LIMIT:
		metric_inc(map->metrics, METRIC_sip_bodies_bombs);
		*why = REASON_MESSAGE_SIZE;
		return 413;
	case SIP_BODY_UNSUPPORTED:
		*why = REASON_CODING;
		return 415;
	case SIP_BODY_SYNTAX:
	case SIP_BODY_REPEATED:
	case SIP_BODY_MISSING:
		break;
	}
	*why = REASON_SIP_CONTENT;
	return 400;
}

unsigned sip_body_in(const struct sip_map *map, const struct sip_message *in,
		     const struct sip_mandatory *known, struct msg *m, enum reason *why)
{
	enum sip_encoding encoding = sip_encoding_of(in);
	struct cur        body = in->body;
	struct str        bytes;

	bytes.n = cur_left(&body);
	bytes.p = (const char *)cur_bytes(&body, bytes.n);
	if (encoding == SIP_ENCODING_IDENTITY)
		return body_in(map, in, known, bytes, m, why);
	*why = REASON_CODING;
	return encoding == SIP_ENCODING_UNKNOWN
		       ? 415
		       : inflated_in(map, in, known, encoding, bytes, m, why);
}
