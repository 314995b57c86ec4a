/*
 * Chats that we open toward a device (TS 29.311; session mode of OMA CPM), for who is no device of
 * session mode itself: the messages that wait until the stream is there, in order, and what becomes
 * of them where it never comes. What the device says in it is from the device to that party, as if
 * the device had sent our INVITE the other way round; such a one is kept with it.
 *
 * A message that was not said goes by MESSAGE, as its next submit(): that pair has no chat at that
 * device for a while.
 */
#include "sip/links.h"
#include "sip/session_private.h"

#define REST_US (60 * US_PER_SECOND) /* since it was asked, or said yes */
#define LINKS offsetof(struct sip_large, links)
#define ENVELOPE_ROOM (4u * SIP_URI_MAX + 512u)

static struct sip_chat_rest *rest_of(struct sip_instance *i, uint64_t key)
{
	return &i->chat_rests[key % SIP_CHAT_RESTS];
}

static uint64_t rest_key(uint64_t pair, uint32_t binding)
{
	return hash_mix(pair ^ binding);
}

bool sip_chat_takes(const struct sip_session *s, const struct proto_target *at)
{
	uint32_t features = at->binding->features;

	return (features & SIP_FEATURE_SESSION) != 0 && s->media.port != 0 &&
	       (s->settings.chat_first || !(features & (SIP_FEATURE_CPM | SIP_FEATURE_SMSIP)));
}

bool sip_chat_rests(const struct sip_session *s, struct now now, const struct proto_target *at,
		    uint64_t pair)
{
	uint64_t                    key = rest_key(pair, at->binding->id);
	const struct sip_chat_rest *r = rest_of(s->instance, key);

	return r->key == key && now.us < r->until_us;
}

/* ---- what the device says ---- */

/* The URI of whom the message is from. False: what is sent there would not reach that one. */
static bool source_put(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
		       struct put *w)
{
	struct sip_address back;
	struct sip_uri     uri;

	return (m->kind == MSG_TEXT || m->kind == MSG_BINARY) &&
	       sip_source_put(map, w, m, way) == REASON_NONE && !w->failed &&
	       sip_uri_parse((struct str){(const char *)w->start, put_size(w)}, &uri) &&
	       sip_address_of(map, &uri, &back) && back.kind != ADDR_NONE &&
	       sip_chat_same(sip_address_text(&back), msg_addr(m, &m->from));
}

static void put_party(struct put *w, enum sip_header_id id, struct str uri, struct str params)
{
	sip_put_header_begin(w, id);
	sip_put_name_addr(w, STR(""), uri);
	put_str(w, params);
	sip_put_header_end(w);
}

/* As if it had sent the INVITE. */
static bool keep_reverse(struct sip_instance *i, struct sip_large *l, struct str device,
			 struct str other)
{
	struct proto_credentials who;
	char                     room[ENVELOPE_ROOM];
	struct put               w = put_to(room, sizeof(room));

	sip_put_request(&w, STR("INVITE"), other);
	sip_put_header(&w, SIP_VIA, STR("SIP/2.0/TCP chat.invalid;branch=z9hG4bKchat"));
	sip_put_header_number(&w, SIP_MAX_FORWARDS, SIP_FORWARDS_FIRST);
	put_party(&w, SIP_FROM, device, STR(";tag=chat"));
	put_party(&w, SIP_TO, other, STR(""));
	sip_put_header(&w, SIP_CALL_ID, STR("chat"));
	sip_put_cseq(&w, 1, STR("INVITE"));
	sip_put_body(&w, STR("message/cpim"), "", 0);
	if (!i->services->credentials(i->services->context, i->protocol, device, &who))
		who.number = STR("");
	l->peer = MSG_SLOT_NONE;
	l->invite = msg_new(i->messages);
	return !w.failed && l->invite != NULL &&
	       msg_append(l->invite, room, put_size(&w), &l->whole) &&
	       msg_append(l->invite, device.p, device.n, &l->proven) &&
	       msg_append(l->invite, who.number.p, who.number.n, &l->number_of);
}

bool sip_chat_open(struct sip_session *s, struct now now, struct sip_large *l, const struct msg *m,
		   const struct proto_target *at, uint64_t token)
{
	struct sip_instance *i = s->instance;
	const struct sip_map map = sip_session_map(s, now);
	const struct sip_way way = sip_request_way(s, at);
	char                 room[SIP_URI_MAX];
	struct put           other = put_to(room, sizeof(room));

	if (i->chats >= s->settings.chats_max || !source_put(&map, m, &way, &other))
		return false;
	l->m = msg_new(i->messages);
	l->size_max = s->settings.message_size_max + SIP_LARGE_ENVELOPE_MAX;
	if (l->m == NULL ||
	    !keep_reverse(i, l, at->record->address, (struct str){room, put_size(&other)}))
		return false;
	l->ours = l->hears = true;
	l->binding = at->binding->id;
	sip_chat_enlist(l, at->record->address, msg_addr(m, &m->from));
	return sip_chat_wait(s, now, l, m, at, token);
}

/* ---- what waits ---- */

static void append(struct sip_instance *i, struct sip_large *chat, struct sip_large *l)
{
	l->waits = true;
	l->chat_of = sip_large_token(i, chat);
	chat->waiting_count++;
	sip_links_append(&i->transactions.pool, &chat->waiting, l->number, LINKS);
}

static struct sip_large *take_first(struct sip_instance *i, struct sip_large *chat)
{
	struct sip_large *l = sip_chat_at(i, chat->waiting.first);

	sip_links_remove(&i->transactions.pool, &chat->waiting, l->number, LINKS);
	chat->waiting_count--;
	l->waits = false;
	return l;
}

void sip_chat_unwait(struct sip_instance *i, struct sip_large *l)
{
	struct sip_large *chat = sip_large_by_token(i, l->chat_of);

	l->waits = false;
	if (chat == NULL)
		return;
	sip_links_remove(&i->transactions.pool, &chat->waiting, l->number, LINKS);
	chat->waiting_count--;
}

bool sip_chat_wait(struct sip_session *s, struct now now, struct sip_large *chat,
		   const struct msg *m, const struct proto_target *at, uint64_t token)
{
	struct sip_instance     *i = s->instance;
	struct sip_transactions *t = &i->transactions;
	struct sip_way           way = sip_request_way(s, at);
	struct sip_dialog       *d;
	struct sip_large        *l;

	if (chat->waiting_count == SIP_CHAT_WAITING_MAX)
		return false;
	d = sip_dialog_new(t, &s->dialogs, s, now, SIP_DIALOG_CALLING);
	l = d != NULL ? sip_large_new(i, s) : NULL;
	way.cpim = way.wraps = true;
	if (l != NULL) {
		d->large = sip_large_token(i, l);
		d->notified = sip_map_notified(m, &way);
		l->dialog_block = d->number;
		l->token = token;
		sip_text_new(i, l->message_id);
		l->message_id_size = SIP_TEXT_SIZE;
	}
	if (l == NULL ||
	    sip_large_fill(l, now, m, &way, (struct str){l->message_id, SIP_TEXT_SIZE}) !=
		    REASON_NONE) {
		if (d != NULL)
			sip_call_end(s, d);
		return false;
	}
	append(i, chat, l);
	return true;
}

/* It goes over the chat's stream, as a call whose dialog is there. */
static bool say(struct sip_instance *i, struct now now, struct sip_large *chat, struct sip_large *l)
{
	char       room[SIP_LARGE_PATH_MAX];
	struct put path = put_to(room, sizeof(room));

	l->local = chat->local;
	sip_large_path_put(i, chat, &path);
	return sip_large_path(i, l, (struct str){room, put_size(&path)}) &&
	       sip_stream_bind(chat->stream, l, now);
}

static const struct result without = {.why = REASON_PEER_TEMPORARY, .again = true};

void sip_chat_ready(struct sip_instance *i, struct sip_large *chat, struct now now)
{
	struct sip_transactions *t = &i->transactions;

	if (chat->stream == NULL || chat->path.size == 0 || chat->waiting_count == 0)
		return;
	while (chat->waiting_count > 0) {
		struct sip_large  *l = take_first(i, chat);
		struct sip_dialog *d = sip_dialog_at(t, l->dialog_block);

		if (say(i, now, chat, l))
			sip_dialog_move(t, &l->dialog->dialogs, d, now, SIP_DIALOG_OPEN);
		else
			sip_large_over(i, l, &without);
	}
	chat->progress_us = now.us;
	i->services->wake(i->services->context, chat->stream);
}

/* ---- how it ends before its stream is there ---- */

static void unsaid(struct sip_instance *i, struct sip_large *chat, const struct result *r)
{
	while (chat->waiting_count > 0)
		sip_large_over(i, take_first(i, chat), r);
}

static void rest(struct sip_instance *i, const struct sip_large *chat)
{
	uint64_t since_us = sip_dialog_at(&i->transactions, chat->dialog_block)->since_us;
	uint64_t key = rest_key(chat->pair, chat->binding);

	*rest_of(i, key) = (struct sip_chat_rest){key, since_us + REST_US};
	metric_inc(i->metrics, METRIC_sip_chats_refused);
}

void sip_chat_unsaid(struct sip_instance *i, struct sip_large *chat)
{
	static const struct result gone = {.why = REASON_SESSION_GONE};
	bool                       elsewhere = chat->result.why == REASON_SESSION_GONE;

	if (chat->waiting_count == 0)
		return;
	if (chat->ours && !elsewhere)
		rest(i, chat);
	unsaid(i, chat, elsewhere ? &gone : &without);
}

/* The device says so, and not that it is not there. */
static bool declined(const struct result *r)
{
	switch (r->has_status ? r->peer_status : 0) {
	case 403:
	case 405:
	case 406:
	case 415:
	case 420:
	case 486:
	case 488:
	case 501:
	case 513:
	case 600:
	case 603:
	case 606:
		return true;
	}
	return r->again;
}

void sip_chat_failed(struct sip_session *s, struct sip_dialog *d, const struct result *r)
{
	struct sip_instance *i = s->instance;
	struct sip_large    *chat = sip_large_by_token(i, d->large);

	ASSERT(chat != NULL && chat->chat);
	if (sip_chat_elsewhere(chat))
		chat->result.why = REASON_SESSION_GONE;
	if (declined(r) || chat->result.why == REASON_SESSION_GONE)
		sip_chat_unsaid(i, chat);
	else
		unsaid(i, chat, r);
	sip_call_end(s, d);
	i->services->wake(i->services->context, s);
}

bool sip_chat_elsewhere(const struct sip_large *chat)
{
	const struct proto_services *services = chat->dialog->instance->services;

	return chat->ours && services->chat_taken(services->context, chat->mark);
}

void sip_chat_take_over(struct sip_instance *i, struct sip_large *chat, struct now now)
{
	const struct flow *device = &sip_dialog_at(&i->transactions, chat->dialog_block)->to;

	for (uint32_t number = i->chat_lists[chat->pair % SIP_CHAT_LISTS];
	     number != SIP_BLOCK_NONE;) {
		struct sip_large *l = sip_chat_at(i, number);

		number = l->chat_next;
		if (l->pair != chat->pair || !l->ours || l->over || l->stream != NULL ||
		    !flow_eq(&sip_dialog_at(&i->transactions, l->dialog_block)->to, device))
			continue;
		while (l->waiting_count > 0)
			append(i, chat, take_first(i, l));
		sip_large_over(i, l, &(struct result){.why = REASON_SESSION_GONE});
	}
	sip_chat_ready(i, chat, now);
}
