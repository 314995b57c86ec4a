/* Between struct msg and a large message: one that came is as if it had come in a MESSAGE, the
 * header of its INVITE says whom it is for and what goes with it, its content what it is. */
#include "sip/session_private.h"

bool sip_large_keep(struct sip_instance *i, struct sip_large *l, const struct sip_input *in)
{
	ASSERT(l->invite == NULL);
	l->invite = msg_new(i->messages);
	l->peer = in->peer;
	l->trusted = in->sender.trusted;
	l->identity = in->sender.identity;
	return l->invite != NULL && in->m.whole.n <= SIP_LARGE_INVITE_MAX &&
	       msg_append(l->invite, in->m.whole.p, in->m.whole.n, &l->whole) &&
	       msg_append(l->invite, in->sender.proven.p, in->sender.proven.n, &l->proven) &&
	       msg_append(l->invite, in->sender.number.p, in->sender.number.n, &l->number_of);
}

static struct str view(const struct msg *m, struct msg_part part, uint8_t *room)
{
	return (struct str){(const char *)msg_view(m, part, room), part.size};
}

/* Of an INVITE, Expires says how long it may ring (RFC 3261, 13.2.1), which is not how long the
 * message holds. */
static bool invite_parse(const struct sip_large *l, uint8_t *room, struct sip_message *m,
			 struct sip_mandatory *known)
{
	struct sip_scan scan = {0};
	struct str      text = view(l->invite, l->whole, room);
	struct cur      c = cur_of(text.p, text.n);
	enum reason     why = REASON_NONE;

	if (sip_message_next(&scan, &c, SIP_DATAGRAM, m, &why) != PULL_ITEM ||
	    m->fault != REASON_NONE)
		return false;
	*known = (struct sip_mandatory){0};
	m->first[SIP_EXPIRES] = SIP_NO_SLOT;
	return sip_mandatory_parse(m, known) == REASON_NONE &&
	       m->first[SIP_CONTENT_TYPE] != SIP_NO_SLOT;
}

static unsigned map(struct sip_large *l, struct now now, struct str type, struct str content,
		    struct msg *to, enum reason *why)
{
	struct sip_map       map = sip_session_map(l->dialog, now);
	uint8_t              room[SIP_LARGE_INVITE_MAX], names[2 * SIP_URI_MAX];
	struct sip_message   m;
	struct sip_mandatory known;
	struct sip_sender    sender = {.trusted = l->trusted, .identity = l->identity};

	*why = REASON_SIP_CONTENT;
	if (!invite_parse(l, room, &m, &known) || l->proven.size > SIP_URI_MAX ||
	    l->number_of.size > SIP_URI_MAX)
		return 400;
	sender.proven = view(l->invite, l->proven, names);
	sender.number = view(l->invite, l->number_of, names + SIP_URI_MAX);
	m.headers[m.first[SIP_CONTENT_TYPE]].value = type;
	m.body = sip_cur(content);
	return sip_map_in(&map, &m, &known, &sender, to, why);
}

unsigned sip_large_check(struct sip_large *l, struct now now, struct msg *m, enum reason *why)
{
	unsigned status = map(l, now, STR("text/plain"), STR(""), m, why);

	msg_reset(m);
	return status;
}

unsigned sip_large_map(struct sip_large *l, struct now now, struct msg *m, enum reason *why)
{
	struct str       type = {l->type, l->type_size};
	struct sip_media media;

	*why = REASON_CODING;
	if (sip_content_of(type, &media) != SIP_CONTENT_CPIM && !l->chat)
		return 415;
	return map(l, now, type, view(l->m, l->m->body, l->dialog->instance->content), m, why);
}

enum reason sip_large_fill(struct sip_large *l, struct now now, const struct msg *m,
			   const struct sip_way *way, struct str message_id)
{
	struct sip_instance *i = l->dialog->instance;
	struct sip_map       map = sip_session_map(l->dialog, now);
	struct put           w = put_to(i->content, sizeof(i->content));
	struct put           type = put_to(l->type, sizeof(l->type));
	enum reason          why = sip_content_out(&map, m, way, message_id, &w);

	ASSERT(l->m == NULL);
	if (why != REASON_NONE)
		return why;
	if (w.failed)
		return REASON_MESSAGE_SIZE;
	put_str(&type, STR("message/cpim"));
	l->type_size = (uint8_t)put_size(&type);
	l->sends = true;
	l->m = msg_new(i->messages);
	return l->m != NULL && msg_append(l->m, i->content, put_size(&w), &l->m->body)
		       ? REASON_NONE
		       : REASON_POOL;
}
