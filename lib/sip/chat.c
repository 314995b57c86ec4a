/* Chats (session mode of OMA CPM; TS 29.311: a chat whose other party has short messages alone):
 * the INVITE of a device, answered by us in the other's place, or ours to it (chat_out.c). Each
 * SEND becomes a message as if it had come in a MESSAGE, and what comes for the device from that
 * party goes into its stream. */
#include "base/aor.h"
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

/* A number, or user and domain, which are the same whatever protocol they come by (RFC 7247, 5). */
static struct str person(struct str address)
{
	struct aor a;

	return aor_split(address, &a) && a.scheme.n > 0 ? str_skip(address, a.scheme.n + 1)
							: address;
}

bool sip_chat_same(struct str one, struct str other)
{
	return str_eq(person(one), person(other));
}

uint64_t sip_chat_pair(const struct sip_instance *i, struct str device, struct str other)
{
	char       room[SIP_URI_MAX + MSG_ADDR_SIZE_MAX + 2];
	struct put w = put_to(room, sizeof(room));

	put_cstr(&w, device);
	put_cstr(&w, person(other));
	return w.failed ? 0 : hash_sip(&i->text_key, room, put_size(&w));
}

struct sip_large *sip_chat_at(const struct sip_instance *i, uint32_t number)
{
	return (struct sip_large *)(void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

void sip_chat_enlist(struct sip_large *l, struct str device, struct str other)
{
	struct sip_instance *i = l->dialog->instance;
	uint32_t            *list;

	l->chat = true;
	l->pair = sip_chat_pair(i, device, other);
	list = &i->chat_lists[l->pair % SIP_CHAT_LISTS];
	l->chat_next = *list;
	*list = l->number;
	l->mark = i->services->chat_begun(i->services->context, device, other);
	i->chats++;
	metric_inc(i->metrics, METRIC_sip_chats_open);
}

/* The device is known by the address that it registers. */
void sip_chat_begin(struct sip_large *l, const struct sip_input *in)
{
	const struct sip_map map = sip_session_map(in->s, in->now);
	char                 room[SIP_URI_MAX];
	struct put           own = put_to(room, sizeof(room));
	struct str           device = in->sender.proven;
	struct sip_address   other = {0};

	if (device.n == 0) {
		sip_aor_put(&own, &in->known.from.uri);
		device = (struct str){room, put_size(&own)};
	}
	if (!sip_address_of(&map, &in->known.uri, &other))
		other.size = 0; /* and the INVITE is refused */
	sip_chat_enlist(l, device, sip_address_text(&other));
}

static bool is_open(const struct sip_instance *i, uint64_t pair)
{
	uint32_t number = i->chat_lists[pair % SIP_CHAT_LISTS];

	while (number != SIP_BLOCK_NONE && sip_chat_at(i, number)->pair != pair)
		number = sip_chat_at(i, number)->chat_next;
	return number != SIP_BLOCK_NONE;
}

void sip_chat_end(struct sip_instance *i, struct sip_large *l)
{
	uint32_t *link = &i->chat_lists[l->pair % SIP_CHAT_LISTS];

	while (*link != l->number)
		link = &sip_chat_at(i, *link)->chat_next;
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

/* The latest that hears; comes: and whose stream is to come, else it is there. NULL: none. */
static struct sip_large *chat_find(const struct sip_instance *i, const struct proto_target *at,
				   uint64_t pair, bool comes)
{
	for (uint32_t number = i->chat_lists[pair % SIP_CHAT_LISTS]; number != SIP_BLOCK_NONE;) {
		struct sip_large *l = sip_chat_at(i, number);
		bool              there = l->stream != NULL && l->path.size > 0;

		number = l->chat_next;
		if (l->pair == pair && l->hears && !l->over && there != comes &&
		    is_of(i, l, at->binding))
			return l;
	}
	return NULL;
}

/* Of who has chat states: the chat is over (XEP-0085). */
static bool says_gone(const struct msg *m)
{
	uint8_t room[4];

	return m->kind == MSG_COMPOSING && m->body.size == sizeof(room) &&
	       memcmp(msg_view(m, m->body, room), "gone", sizeof(room)) == 0;
}

bool sip_chat_submit(struct sip_session *s, struct now now, const struct msg *m,
		     const struct proto_target *at, uint64_t token, struct out *out,
		     struct result *result, enum submit *how)
{
	struct sip_instance *i = s->instance;
	uint64_t             pair = sip_chat_pair(i, at->record->address, msg_addr(m, &m->from));
	struct sip_large    *chat = i->chats > 0 ? chat_find(i, at, pair, false) : NULL;
	bool wanted = chat == NULL && sip_chat_takes(s, at) && !sip_chat_rests(s, now, at, pair);

	if (wanted && i->chats > 0)
		chat = chat_find(i, at, pair, true);
	*how = SUBMIT_SENT;
	if (chat == NULL)
		return wanted && sip_call_chat(s, now, m, at, token, out, how);
	if (chat->stream != NULL && sip_stream_is_full(chat->stream))
		return false;
	if (sip_chat_wait(s, now, chat, m, at, token)) {
		sip_chat_ready(i, chat, now);
		if (chat->ours && chat->waiting_count == 0 && says_gone(m))
			sip_large_over(i, chat, &(struct result){.why = REASON_CLOSED_BY_PEER});
		return true;
	}
	*how = SUBMIT_REFUSED;
	*result = (struct result){.why = REASON_QUEUE_FULL};
	return chat->waiting_count == SIP_CHAT_WAITING_MAX;
}

/* The other party is told how the device is, as if that had said it (RFC 3994). */
bool sip_chat_tell(struct sip_large *l, struct now now, struct str state, struct proto_event *event)
{
	struct put  type = put_to(l->type, sizeof(l->type));
	char        room[256];
	struct put  w = put_to(room, sizeof(room));
	enum reason why;

	if (event->msg == NULL || l->message_id_size > 0) /* one is on its way, and says more */
		return false;
	put_str(&type, STR("application/im-iscomposing+xml"));
	l->type_size = (uint8_t)put_size(&type);
	put_str(&w, STR("<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>"));
	put_str(&w, state);
	put_str(&w, STR("</state></isComposing>"));
	msg_reset(l->m);
	if (!msg_append(l->m, room, put_size(&w), &l->m->body) ||
	    sip_large_map(l, now, event->msg, &why) != 200) {
		msg_reset(event->msg);
		msg_reset(l->m);
		return false;
	}
	msg_reset(l->m);
	event->kind = EVENT_MSG;
	event->peer = l->peer;
	event->msg->token = 0; /* nobody waits for an answer */
	return true;
}

void sip_chat_wrote(struct sip_large *l, struct now now, const struct msg *m)
{
	uint8_t          room[SIP_EXTRA_VALUE_MAX];
	struct msg_extra refresh;
	struct cur       c;

	if (m->kind == MSG_RECEIPT || m->kind == MSG_READ_REPORT)
		return;
	l->writes_until_us = 0;
	if (m->kind != MSG_COMPOSING || m->body.size != 6 || /* "active" */
	    !msg_extra_find(m, l->dialog->instance->protocol, SIP_EXTRA_REFRESH, &refresh) ||
	    refresh.value.size != 4)
		return;
	c = cur_of(msg_view(m, refresh.value, room), 4);
	l->writes_until_us = now.us + cur_be32(&c) * US_PER_SECOND;
}

void sip_chat_leave(struct sip_large *l, struct now now, bool gone, struct proto_event *event)
{
	bool was_there = l->progress_us != 0; /* a stream */

	sip_chat_unsaid(l->dialog->instance, l);
	if (gone && was_there)
		sip_chat_tell(l, now, STR("gone"), event); /* RFC 7573, 5 */
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
