#include "base/assert.h"
#include "msg/addr.h"
#include "msg/concat.h"
#include "msg/sms.h"
#include "msg/text.h"
#include "sip/sms.h"

#define ALPHA_MAX 11u /* characters of an alphanumeric originator (TS 23.040, 9.1.2.5) */
/* Longer than this no body becomes one short message: in UTF-8 a septet has three bytes at most. */
#define BODY_MAX (3u * SIP_TPDU_SEPTETS_MAX)
#define HEADER_ROOM UINT8_MAX /* of a user data header */

struct body {
	size_t   size;
	uint8_t  udh_size;
	uint8_t *bytes; /* in the room: the header stands right before the text */
	uint8_t  room[HEADER_ROOM + TEXT_CODED_SIZE(TEXT_UTF8_SIZE(BODY_MAX))];
};

static bool alpha_out(struct str text, struct sip_tpdu_address *a)
{
	static const struct text_tables plain = {0};
	struct text_coded               coded =
		text_from_utf8(MSG_CODING_GSM7, plain, text, a->septets, ALPHA_MAX);

	a->ton = TON_ALPHANUMERIC;
	a->size = (uint8_t)coded.size;
	return !coded.cut && coded.replaced == 0;
}

static bool address_out(const struct msg *m, const struct addr *from, struct sip_tpdu_address *a)
{
	struct addr_number n;

	*a = (struct sip_tpdu_address){0};
	if (from->kind == ADDR_ALPHA)
		return alpha_out(msg_addr(m, from), a);
	if (!addr_to_number((enum addr_kind)from->kind, msg_addr(m, from), &n) ||
	    n.digits.n > sizeof(a->number.digits))
		return false;
	a->ton = a->number.ton = n.ton;
	a->npi = a->number.npi = n.npi;
	a->number.size = (uint8_t)n.digits.n;
	if (n.digits.n > 0)
		memcpy(a->number.digits, n.digits.p, n.digits.n);
	return true;
}

/* Whose tables the text may be written in: what has a header, or is a part, says itself how it is
 * written. */
static unsigned languages_for(const struct sip_map *map, const struct msg *m)
{
	return m->udh_size == 0 && m->concat.parts <= 1 ? map->settings->languages : 0;
}

/* Septets, UCS-2 and octets as they are; other text, and UCS-2 where there are languages, in what
 * takes the fewest short messages. Fails where there is no room. */
static void text_out(const struct sip_map *map, const struct msg *m, const uint8_t *bytes, size_t n,
		     struct put *w, struct text_choice *how)
{
	static const struct text_tables plain = {0};
	const unsigned                  languages = languages_for(map, m);
	char                            utf8[TEXT_UTF8_SIZE(SIP_SMS_CODED_MAX)];
	struct text_coded               coded;
	struct str                      text = {(const char *)bytes, n};
	enum msg_coding                 came = (enum msg_coding)m->coding;

	*how = (struct text_choice){.coding = came};
	if (came == MSG_CODING_GSM7 || came == MSG_CODING_BINARY ||
	    (came == MSG_CODING_UCS2 && (languages == 0 || n > SIP_SMS_CODED_MAX))) {
		put_bytes(w, bytes, n);
		return;
	}
	if (came != MSG_CODING_UTF8 && n > SIP_SMS_CODED_MAX) {
		w->failed = true;
		return;
	}
	if (came != MSG_CODING_UTF8)
		text = (struct str){utf8, text_to_utf8(came, plain, bytes, n, utf8, sizeof(utf8))};
	text_choose(text, TEXT_CODING_BIT(MSG_CODING_GSM7) | TEXT_CODING_BIT(MSG_CODING_UCS2),
		    languages, how);
	if (how->coding == came) { /* UCS-2, with what no text has, such as half a pair */
		put_bytes(w, bytes, n);
		return;
	}
	coded = text_from_utf8(how->coding, how->tables, text, w->p, put_room(w));
	put_reserve(w, coded.size);
	w->failed |= coded.cut;
}

/* The body with its user data header, which says of what it is a part, where parameters said so,
 * and in which tables it is written. */
static bool body_out(const struct sip_map *map, const struct msg *m, struct body *b,
		     enum msg_coding *coding)
{
	uint8_t            gathered[BODY_MAX], built[CONCAT_UDH_SIZE_MAX];
	const uint8_t     *bytes, *header = built;
	struct concat_udh  udh = {.wide = m->concat.reference > 0xff};
	struct text_choice how;
	struct put         w = put_to(b->room + HEADER_ROOM, sizeof(b->room) - HEADER_ROOM);

	if (m->body.size > sizeof(gathered) || m->udh_size > m->body.size)
		return false;
	bytes = msg_view(m, m->body, gathered);
	text_out(map, m, bytes + m->udh_size, m->body.size - m->udh_size, &w, &how);
	if (m->concat.parts > 1 && !m->concat.udh)
		udh.concat = m->concat;
	udh.tables = how.tables;
	if (m->udh_size > 0)
		header = bytes;
	b->udh_size = m->udh_size > 0 ? m->udh_size : (uint8_t)concat_build(&udh, built);
	b->bytes = b->room + HEADER_ROOM - b->udh_size;
	b->size = b->udh_size + put_size(&w);
	memcpy(b->bytes, header, b->udh_size);
	*coding = how.coding;
	return !w.failed;
}

static void kept_out(const struct sip_map *map, const struct msg *m, struct sip_tpdu *t)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str kept;

	if (m->native_protocol != map->protocol ||
	    !sip_extra_text(map, m, SIP_EXTRA_TPDU, room, &kept) || kept.n != 2 ||
	    sip_tpdu_dcs((uint8_t)kept.p[1]).coding != sip_tpdu_dcs(t->dcs).coding)
		return;
	t->pid = (uint8_t)kept.p[0];
	t->dcs = (uint8_t)kept.p[1];
}

/* All of a DELIVER but its sender and its user data. */
static void deliver_init(const struct sip_map *map, const struct msg *m, enum msg_coding coding,
			 struct sip_tpdu *t)
{
	t->pid = m->sms_pid;
	t->dcs = msg_sms_dcs(m->sms_form, coding);
	kept_out(map, m, t);
	t->has = SIP_TPDU_HAS_PID | SIP_TPDU_HAS_DCS;
	sip_tpdu_time_of(map->now.wall_ms - (map->now.us - m->received_us) / US_PER_MS, t->time);
}

static enum reason deliver_out(const struct sip_map *map, const struct msg *m, struct put *w)
{
	uint8_t          octets[SIP_TPDU_OCTETS_MAX];
	struct put       room = put_to(octets, sizeof(octets));
	struct sip_tpdu  t = {.type = SIP_TPDU_DELIVER};
	struct msg_extra type;
	enum msg_coding  coding;
	struct body      b; /* not zeroed: it is a room */

	if (m->kind == MSG_BINARY &&
	    msg_extra_find(m, map->protocol, SIP_EXTRA_CONTENT_TYPE, &type))
		return REASON_CODING; /* of SIP, whose name would be lost */
	if (!address_out(m, &m->from, &t.address))
		return REASON_SENDER;
	if (!body_out(map, m, &b, &coding))
		return REASON_MESSAGE_SIZE;
	deliver_init(map, m, coding, &t);
	if (!sip_tpdu_pack(&t, (struct str){(const char *)b.bytes, b.size}, b.udh_size, &room))
		return REASON_MESSAGE_SIZE;
	sip_tpdu_put(w, &t);
	return REASON_NONE;
}

bool sip_sms_reported(const struct msg *m)
{
	uint8_t room[SIP_SMS_ORIGIN_SIZE];

	return m->kind == MSG_RECEIPT && m->origin_id.size == sizeof(room) &&
	       msg_view(m, m->origin_id, room)[0] == SIP_SMS_ORIGIN;
}

/* One that came as it goes says what it said. */
static void status_kept_out(const struct sip_map *map, const struct msg *m, struct sip_tpdu *t)
{
	uint8_t    room[SIP_EXTRA_VALUE_MAX];
	struct str kept;

	if (m->native_protocol != map->protocol ||
	    !sip_extra_text(map, m, SIP_EXTRA_TPDU, room, &kept) || kept.n != SIP_SMS_STATUS_SIZE)
		return;
	t->status = (uint8_t)kept.p[0];
	memcpy(t->discharge, kept.p + 1, sizeof(t->discharge));
}

static enum reason status_out(const struct sip_map *map, const struct msg *m, struct put *w)
{
	uint8_t         room[SIP_SMS_ORIGIN_SIZE];
	struct sip_tpdu t = {.type = SIP_TPDU_STATUS_REPORT,
			     .status = sip_tpdu_status_of((enum msg_state)m->receipt.state)};
	const uint8_t  *id;

	if (!sip_sms_reported(m))
		return REASON_RECEIPT_UNKNOWN;
	if (!address_out(m, &m->from, &t.address))
		return REASON_SENDER;
	id = msg_view(m, m->origin_id, room);
	t.reference = id[1];
	memcpy(t.time, id + 2, sizeof(t.time));
	sip_tpdu_time_of(map->now.wall_ms, t.discharge);
	status_kept_out(map, m, &t);
	sip_tpdu_put(w, &t);
	return REASON_NONE;
}

/* The service centre that a device sees; "0" is none, for there must be something. */
static struct sip_rp_number centre(const struct sip_map *map)
{
	struct str           text = str_of(map->settings->service_centre);
	struct sip_rp_number n = {.size = 1, .digits = "0"};
	struct addr_number   number;

	if (text.n == 0 || !addr_to_number(addr_kind_of(text), text, &number) ||
	    number.digits.n > sizeof(n.digits))
		return n;
	n = (struct sip_rp_number){number.ton, number.npi, (uint8_t)number.digits.n, {0}};
	memcpy(n.digits, number.digits.p, number.digits.n);
	return n;
}

/* RP-DATA towards a device. */
static enum reason data_out(const struct sip_map *map, const uint8_t *tpdu,
			    const struct put *user_data, uint8_t reference, struct put *w)
{
	struct sip_rp rp = {.type = SIP_RP_DATA_N,
			    .reference = reference,
			    .has_originator = true,
			    .originator = centre(map),
			    .has_user_data = true};

	if (user_data->failed)
		return REASON_MESSAGE_SIZE;
	rp.user_data = cur_of(tpdu, put_size(user_data));
	sip_rp_put(w, &rp);
	return REASON_NONE;
}

enum reason sip_sms_out(const struct sip_map *map, const struct msg *m, uint8_t reference,
			struct put *w)
{
	uint8_t     tpdu[SIP_RP_USER_DATA_MAX];
	struct put  user_data = put_to(tpdu, sizeof(tpdu));
	enum reason why = REASON_CODING;

	if (m->kind == MSG_RECEIPT)
		why = status_out(map, m, &user_data);
	else if (m->kind == MSG_TEXT || m->kind == MSG_BINARY)
		why = deliver_out(map, m, &user_data);
	return why == REASON_NONE ? data_out(map, tpdu, &user_data, reference, w) : why;
}

/* ---- in parts ---- */

/* The header of the message goes with each part. False: there is more in it than we know. */
static bool header_out(const uint8_t *bytes, const struct msg *m, struct concat_udh *udh)
{
	uint8_t room[CONCAT_UDH_SIZE_MAX];

	*udh = (struct concat_udh){0};
	if (m->udh_size == 0)
		return true;
	return concat_parse(bytes, m->body.size, udh) && udh->concat.parts == 0 &&
	       concat_build(udh, room) == m->udh_size && memcmp(room, bytes, m->udh_size) == 0;
}

static size_t part_max(const struct sip_sms_parts *p)
{
	uint8_t room[CONCAT_UDH_SIZE_MAX];
	size_t  header = concat_build(&p->udh, room);

	return p->coding == MSG_CODING_GSM7 ? SIP_TPDU_SEPTETS_MAX - (header * 8 + 6) / 7
					    : SIP_TPDU_OCTETS_MAX - header;
}

size_t sip_sms_part_size(const struct sip_sms_parts *p, const uint8_t *bytes, size_t n)
{
	return text_split(p->coding, bytes, n, part_max(p));
}

/* How many parts there are with a reference of so many bits; at most one more than there may be. */
static unsigned parts_of(struct sip_sms_parts *p, bool wide, const uint8_t *bytes)
{
	unsigned parts = 0;

	p->udh.wide = wide;
	for (size_t at = 0; at < p->size && parts <= SIP_SMS_PARTS_MAX; parts++)
		at += sip_sms_part_size(p, bytes + at, p->size - at);
	return parts;
}

/* A wide reference, which is less likely to come twice, unless that takes a part more. */
static bool number(struct sip_sms_parts *p, uint16_t reference, const uint8_t *bytes)
{
	unsigned narrow, wide;

	p->udh.concat = (struct msg_concat){.reference = reference, .parts = 1, .part = 1};
	narrow = parts_of(p, false, bytes);
	wide = parts_of(p, true, bytes);
	p->udh.wide = wide <= narrow;
	if (narrow > SIP_SMS_PARTS_MAX)
		return false;
	p->udh.concat.parts = (uint8_t)narrow; /* as many as wide ones, where those are chosen */
	return true;
}

enum reason sip_sms_split(const struct sip_map *map, const struct msg *m, uint16_t reference,
			  struct sip_sms_parts *p, struct put *w)
{
	uint8_t            gathered[MSG_SIZE_MAX];
	const uint8_t     *bytes, *coded = w->p;
	struct text_choice how;

	*p = (struct sip_sms_parts){.t = {.type = SIP_TPDU_DELIVER}};
	if (!address_out(m, &m->from, &p->t.address))
		return REASON_SENDER;
	bytes = msg_view(m, m->body, gathered);
	if (m->concat.parts > 1 || !header_out(bytes, m, &p->udh))
		return REASON_MESSAGE_SIZE;
	text_out(map, m, bytes + m->udh_size, m->body.size - m->udh_size, w, &how);
	if (w->failed)
		return REASON_MESSAGE_SIZE;
	p->coding = how.coding;
	if (m->udh_size == 0)
		p->udh.tables = how.tables;
	deliver_init(map, m, p->coding, &p->t);
	p->size = (uint32_t)(w->p - coded);
	return number(p, reference, coded) ? REASON_NONE : REASON_MESSAGE_SIZE;
}

enum reason sip_sms_part_out(const struct sip_map *map, const struct sip_sms_parts *p,
			     unsigned part, struct str text, uint8_t reference, struct put *w)
{
	uint8_t    tpdu[SIP_RP_USER_DATA_MAX], octets[SIP_TPDU_OCTETS_MAX];
	uint8_t    bytes[CONCAT_UDH_SIZE_MAX + SIP_TPDU_SEPTETS_MAX];
	struct put user_data = put_to(tpdu, sizeof(tpdu)), room = put_to(octets, sizeof(octets));
	struct sip_tpdu   t = p->t;
	struct concat_udh udh = p->udh;
	size_t            header;

	udh.concat.part = (uint8_t)part;
	header = concat_build(&udh, bytes);
	ASSERT(part >= 1 && part <= udh.concat.parts && text.n <= sizeof(bytes) - header);
	memcpy(bytes + header, text.p, text.n);
	t.more = part < udh.concat.parts;
	if (!sip_tpdu_pack(&t, (struct str){(const char *)bytes, header + text.n}, (uint8_t)header,
			   &room))
		return REASON_MESSAGE_SIZE;
	sip_tpdu_put(&user_data, &t);
	return data_out(map, tpdu, &user_data, reference, w);
}

void sip_rp_report_put(struct put *w, enum sip_rp_type answered, uint8_t reference,
		       const struct sip_rp_report *report, const uint8_t scts[7])
{
	bool            from_ms = answered != SIP_RP_DATA_N;
	uint8_t         octets[16];
	struct put      user_data = put_to(octets, sizeof(octets));
	struct sip_tpdu t = {.type = from_ms ? SIP_TPDU_SUBMIT_REPORT : SIP_TPDU_DELIVER_REPORT,
			     .failed = report->cause != 0,
			     .fcs = report->fcs};
	struct sip_rp   rp = {.reference = reference, .cause = report->cause};

	if (report->cause != 0)
		rp.type = from_ms ? SIP_RP_ERROR_N : SIP_RP_ERROR_MS;
	else
		rp.type = from_ms ? SIP_RP_ACK_N : SIP_RP_ACK_MS;
	memcpy(t.time, scts, sizeof(t.time));
	if (answered == SIP_RP_DATA_MS || answered == SIP_RP_DATA_N) {
		sip_tpdu_put(&user_data, &t);
		rp.has_user_data = true;
		rp.user_data = cur_of(octets, put_size(&user_data));
	}
	sip_rp_put(w, &rp);
}
