/* Chats (session mode of OMA CPM; TS 29.311: a chat whose other party has short messages alone):
 * the INVITE of a device, answered by us in the other's place. Each SEND becomes a message as if it
 * had come in a MESSAGE, and what comes for the device from that party goes into its stream. */
#include "sip/session_private.h"

static bool names_chat(struct str value)
{
	struct str icsi = STR(SIP_CHAT_ICSI);

	for (; value.n >= icsi.n; value = str_skip(value, 1)) {
		if (sip_same((struct str){value.p, icsi.n}, icsi))
			return value.n == icsi.n || value.p[icsi.n] != '.'; /* session.group */
	}
	return false;
}

bool sip_chat_asked(const struct sip_input *in)
{
	const struct sip_message *m = &in->m;

	for (uint8_t slot = m->first[SIP_ACCEPT_CONTACT]; slot != SIP_NO_SLOT;
	     slot = m->headers[slot].next) {
		if (names_chat(m->headers[slot].value))
			return true;
	}
	return false;
}

static uint64_t pair_of(const struct sip_instance *i, struct str device, struct str other)
{
	char       room[SIP_URI_MAX + MSG_ADDR_SIZE_MAX + 2];
	struct put w = put_to(room, sizeof(room));

	put_cstr(&w, device);
	put_cstr(&w, other);
	return w.failed ? 0 : hash_sip(&i->text_key, room, put_size(&w));
}

static struct sip_large *chat_at(const struct sip_instance *i, uint32_t number)
{
	return (struct sip_large *)(void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

/* The device is known by the address that it registers. */
void sip_chat_begin(struct sip_large *l, const struct sip_input *in)
{
	struct sip_instance *i = in->s->instance;
	const struct sip_map map = sip_session_map(in->s, in->now);
	char                 room[SIP_URI_MAX];
	struct put           own = put_to(room, sizeof(room));
	struct str           device = in->sender.proven;
	struct sip_address   other = {0};
	uint32_t            *list;

	if (device.n == 0) {
		sip_aor_put(&own, &in->known.from.uri);
		device = (struct str){room, put_size(&own)};
	}
	if (!sip_address_of(&map, &in->known.uri, &other))
		other.size = 0; /* and the INVITE is refused */
	l->chat = true;
	l->pair = pair_of(i, device, sip_address_text(&other));
	list = &i->chat_lists[l->pair % SIP_CHAT_LISTS];
	l->chat_next = *list;
	*list = l->number;
	l->mark = i->services->chat_begun(i->services->context, device, sip_address_text(&other));
	i->chats++;
	metric_inc(i->metrics, METRIC_sip_chats_open);
}

static bool is_open(const struct sip_instance *i, uint64_t pair)
{
	uint32_t number = i->chat_lists[pair % SIP_CHAT_LISTS];

	while (number != SIP_BLOCK_NONE && chat_at(i, number)->pair != pair)
		number = chat_at(i, number)->chat_next;
	return number != SIP_BLOCK_NONE;
}

void sip_chat_end(struct sip_instance *i, struct sip_large *l)
{
	uint32_t *link = &i->chat_lists[l->pair % SIP_CHAT_LISTS];

	while (*link != l->number)
		link = &chat_at(i, *link)->chat_next;
	*link = l->chat_next;
	i->services->chat_over(i->services->context, l->mark, is_open(i, l->pair));
	ASSERT(i->chats > 0);
	i->chats--;
	metric_sub(i->metrics, METRIC_sip_chats_open, 1);
}

/* Of that device alone: another one that the same user has gets its own copy. */
static bool is_of(const struct sip_instance *i, const struct sip_large *l,
		  const struct proto_binding *b)
{
	return l->dialog_block != SIP_BLOCK_NONE &&
	       flow_eq(&sip_dialog_at(&i->transactions, l->dialog_block)->to, &b->flow);
}

/* The latest, whose stream is there and heard. NULL: none. */
static struct sip_large *chat_find(const struct sip_instance *i, const struct proto_target *at,
				   struct str other)
{
	uint64_t pair = pair_of(i, at->record->address, other);

	for (uint32_t number = i->chat_lists[pair % SIP_CHAT_LISTS]; number != SIP_BLOCK_NONE;) {
		struct sip_large *l = chat_at(i, number);

		number = l->chat_next;
		if (l->pair == pair && l->hears && !l->over && l->stream != NULL &&
		    is_of(i, l, at->binding))
			return l;
	}
	return NULL;
}

/* One of ours that goes over the chat's stream: as a call whose dialog is there. */
static bool say(struct sip_session *s, struct now now, const struct msg *m,
		const struct sip_way *way, struct sip_large *chat, struct sip_dialog *d,
		struct sip_large *l)
{
	struct sip_instance *i = s->instance;
	char                 room[SIP_LARGE_PATH_MAX];
	struct put           path = put_to(room, sizeof(room));

	l->local = chat->local;
	l->dialog_block = d->number;
	l->chat_of = sip_large_token(i, chat);
	sip_text_new(i, l->message_id);
	l->message_id_size = SIP_TEXT_SIZE;
	sip_large_path_put(i, chat, &path);
	return sip_large_fill(l, now, m, way, (struct str){l->message_id, SIP_TEXT_SIZE}) ==
		       REASON_NONE &&
	       sip_large_path(i, l, (struct str){room, put_size(&path)}) &&
	       sip_stream_bind(chat->stream, l, now);
}

bool sip_chat_send(struct sip_session *s, struct now now, const struct msg *m,
		   const struct proto_target *at, uint64_t token)
{
	struct sip_instance     *i = s->instance;
	struct sip_transactions *t = &i->transactions;
	struct sip_large        *chat = chat_find(i, at, msg_addr(m, &m->from)), *l;
	struct sip_way           way = sip_request_way(s, at);
	struct sip_dialog       *d;

	if (chat == NULL)
		return false;
	d = sip_dialog_new(t, &s->dialogs, s, now, SIP_DIALOG_CALLING);
	l = d != NULL ? sip_large_new(i, s) : NULL;
	way.cpim = way.wraps = true;
	if (l != NULL) {
		d->large = sip_large_token(i, l);
		l->token = token;
	}
	if (l == NULL || !say(s, now, m, &way, chat, d, l)) {
		if (d != NULL)
			sip_call_end(s, d);
		return false;
	}
	d->notified = sip_map_notified(m, &way);
	sip_dialog_move(t, &s->dialogs, d, now, SIP_DIALOG_OPEN);
	chat->progress_us = now.us;
	i->services->wake(i->services->context, chat->stream);
	return true;
}

void sip_chat_learn(const struct sip_large *l, const struct msg *m)
{
	const struct sip_instance   *i = l->dialog->instance;
	const struct proto_services *services = i->services;
	uint8_t                      room[SIP_EXTRA_VALUE_MAX];
	struct msg_extra             id;

	if ((m->kind == MSG_TEXT || m->kind == MSG_BINARY) && m->from.kind != ADDR_NONE &&
	    msg_extra_find(m, i->protocol, SIP_EXTRA_CONVERSATION_ID, &id) &&
	    id.value.size <= sizeof(room))
		services->converse(
			services->context, msg_addr(m, &m->from), msg_addr(m, &m->to),
			(struct str){(const char *)msg_view(m, id.value, room), id.value.size});
}
