/* Clients of XMPP that write to one another, or to whom they are told to. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* After the last is up: what servers do with presence, they do in their own time. */
#define BEGIN_US 200000u

/* A request is answered when its message arrives at a client of this run, when its receipt comes,
 * or when it comes back. Its stanza's id says whose it is. */
#define ID_FORMAT "%x.%x.%x"

static struct {
	struct pattern     users;
	struct str         domain;
	struct chat_shared shared;
	uint64_t           begin_us; /* when messages may be sent; 0: not all were up yet */
} chat;

static size_t jid_make(uint64_t number, char room[PATTERN_SIZE_MAX])
{
	struct random random;
	size_t        n = pattern_make(&chat.users, &random, number, room);

	room[n] = '@';
	memcpy(room + n + 1, chat.domain.p, chat.domain.n);
	return n + 1 + chat.domain.n;
}

static bool who_parse(struct load *load)
{
	static char user[PATTERN_SIZE_MAX];
	const char *text = load->options->user != NULL ? load->options->user : "";
	const char *at = strrchr(text, '@'), *why;

	if (at == NULL || at[1] == '\0' || strlen(text) > PATTERN_SIZE_MAX ||
	    strcspn(text, "#,") < (size_t)(at - text))
		return false;
	chat.domain = str_of(at + 1);
	return str_copy(user, sizeof(user), (struct str){text, (size_t)(at - text)}) &&
	       pattern_parse(user, &chat.users, &why);
}

static bool start(struct load *load)
{
	const struct options *o = load->options;

	if (o->connect.host[0] == '\0' || !who_parse(load)) {
		fprintf(stderr, "cpm-load: chat needs --connect HOST:PORT and --user NAME@DOMAIN, "
				"in whose name * is a digit of the session's number\n");
		return false;
	}
	if (o->password != NULL && strlen(o->password) > SCRAM_CLIENT_PASSWORD_MAX) {
		fprintf(stderr, "cpm-load: --password may have %u characters\n",
			SCRAM_CLIENT_PASSWORD_MAX);
		return false;
	}
	chat.shared.random = load->random;
	load->count = o->count > 0 ? o->count : UINT64_MAX;
	return dial_start(load);
}

static void opened(struct load *load, struct peer *peer)
{
	static const struct str resource = {"cpm-load", 8};
	const struct options   *o = load->options;
	struct put              w = peer_put(peer);
	char                   *jid;

	if (peer->chat == NULL) { /* with its name behind it, for as long as the peer lives */
		peer->chat = malloc(sizeof(*peer->chat) + PATTERN_SIZE_MAX);
		ASSERT(peer->chat != NULL);
	}
	jid = (char *)(peer->chat + 1);
	chat_client_begin(
		peer->chat,
		&(struct chat_who){.user = {jid, jid_make(peer->slot, jid) - 1 - chat.domain.n},
				   .domain = chat.domain,
				   .resource = resource,
				   .password = str_of(o->password != NULL ? o->password : ""),
				   .plain = o->plain},
		&w);
	peer_put_done(peer, &w);
	peer->state = PEER_BINDING;
}

/* ---- messages ---- */

static struct str bare(struct str jid)
{
	const char *slash = jid.n > 0 ? memchr(jid.p, '/', jid.n) : NULL;

	return (struct str){jid.p, slash != NULL ? (size_t)(slash - jid.p) : jid.n};
}

static struct str own(const struct peer *peer)
{
	return (struct str){peer->chat->user.p, peer->chat->user.n + 1 + chat.domain.n};
}

/* Who it is for: by --to, in our domain where that has none; else the next client. */
static void address(struct load *load, struct peer *peer, struct request *request)
{
	struct str from = own(peer);
	size_t     n;

	request->part = (struct msg_concat){0};
	memcpy(request->from, from.p, from.n);
	request->from_size = (uint8_t)from.n;
	if (load->options->to == NULL) {
		request->to_size =
			(uint8_t)jid_make((peer->slot + 1) % load->peer_count, request->to);
		return;
	}
	n = pattern_make(&load->to, &load->random, request->number, request->to);
	if (memchr(request->to, '@', n) == NULL && n + 1 + chat.domain.n <= sizeof(request->to)) {
		request->to[n++] = '@';
		memcpy(request->to + n, chat.domain.p, chat.domain.n);
		n += chat.domain.n;
	}
	request->to_size = (uint8_t)n;
}

static void put(struct load *load, struct peer *peer, const struct request *request)
{
	struct put w = peer_put(peer);
	char       id[32];
	int n = snprintf(id, sizeof(id), ID_FORMAT, peer->slot, peer->serial, request->sequence);

	chat_message_put(&w, (struct str){request->to, request->to_size},
			 (struct str){id, (size_t)n}, compose_text(load, request),
			 load->options->receipts.given);
	if (w.failed) {
		fprintf(stderr, "cpm-load: the text has characters that XML has not\n");
		load_fail(load);
	}
	peer_put_done(peer, &w);
}

/* The request that is open and whose stanza has this id; NULL: none. */
static struct request *request_of(const struct load *load, struct str id, struct peer **peer)
{
	struct request *request;
	char            text[32];
	unsigned        slot, serial, sequence;

	if (!str_copy(text, sizeof(text), id) ||
	    sscanf(text, ID_FORMAT, &slot, &serial, &sequence) != 3 || sequence == 0)
		return NULL;
	*peer = peer_find(load, slot, serial);
	if (*peer == NULL)
		return NULL;
	request = &(*peer)->requests[sequence & (*peer)->request_mask];
	return request->sequence == sequence ? request : NULL;
}

static void answered(struct load *load, struct str id, uint32_t status)
{
	struct peer    *peer;
	struct request *request = request_of(load, id, &peer);

	if (request != NULL)
		traffic_answered(load, peer, request, status, status == 0 ? id : STR(""));
}

static void message(struct load *load, struct peer *peer, const struct chat_item *item)
{
	struct record_line line = {.session = peer->serial,
				   .us = load->now_us,
				   .fault = fault_names[FAULT_NONE],
				   .answered = true,
				   .to = own(peer),
				   .from = bare(item->from)};
	struct marker      marker = {0};
	struct put         w;

	traffic_received(load, &line, marker_parse(item->body, &marker), &marker);
	load->stats.accepted++;
	record_received(&load->record, &line);
	answered(load, item->id, 0);
	if (!item->wants_receipt || item->id.n == 0)
		return;
	w = peer_put(peer);
	chat_receipt_put(&w, item->from, item->id);
	load->stats.receipts_sent += !w.failed;
	peer_put_done(peer, &w);
}

static void receipt(struct load *load, struct peer *peer, struct str id)
{
	answered(load, id, 0);
	dial_receipt(load);
	record_receipt(&load->record, id, STR("DELIVRD"), peer->serial, load->now_us);
}

static void turn(struct load *load)
{
	dial_turn(load);
	if (chat.begin_us == 0 && dial_was_bound())
		chat.begin_us = load->now_us + BEGIN_US;
	for (unsigned i = 0; i < load->peer_count && chat.begin_us != 0; i++)
		load->peers[i]->submits = load->now_us >= chat.begin_us;
}

/* ---- what comes ---- */

static void refused(struct load *load, struct peer *peer, struct str why)
{
	fprintf(stderr, "cpm-load: %.*s may not log in: %.*s\n", STR_ARG(own(peer)), STR_ARG(why));
	if (!dial_was_bound())
		load_fail(load);
	peer->state = PEER_FLUSHING;
}

static void ended(struct peer *peer)
{
	struct put w = peer_put(peer);

	if (peer->state != PEER_UNBINDING)
		put_str(&w, STR("</stream:stream>"));
	peer_put_done(peer, &w);
	peer->state = PEER_FLUSHING;
}

static enum pull take(struct load *load, struct peer *peer, struct cur *in)
{
	struct chat_item item;
	struct put       w = peer_put(peer);
	enum pull        pull = chat_client_next(peer->chat, &chat.shared, in, &w, &item);

	peer_put_done(peer, &w);
	if (pull != PULL_ITEM)
		return pull;
	switch (item.event) {
	case CHAT_NOTHING:
		break;
	case CHAT_IS_UP:
		peer->submits = chat.begin_us != 0;
		dial_bound(load, peer);
		break;
	case CHAT_MESSAGE:
		message(load, peer, &item);
		break;
	case CHAT_RECEIPT:
		receipt(load, peer, item.id);
		break;
	case CHAT_ERROR:
		answered(load, item.id, item.condition);
		break;
	case CHAT_REFUSED:
		refused(load, peer, item.body);
		break;
	case CHAT_END:
		ended(peer);
		break;
	}
	return PULL_ITEM;
}

/* White space keeps a stream alive (RFC 6120, 4.6.1). */
static void ask(struct load *load, struct peer *peer)
{
	struct put w = peer_put(peer);

	(void)load;
	put_u8(&w, ' ');
	peer_put_done(peer, &w);
}

static void part(struct load *load, struct peer *peer)
{
	struct put w = peer_put(peer);

	(void)load;
	put_str(&w, STR("<presence type='unavailable'/></stream:stream>"));
	peer_put_done(peer, &w);
}

static struct str status_text(uint32_t status)
{
	return status < XMPP_CONDITION_COUNT ? xmpp_condition_text((enum xmpp_condition)status)
					     : STR("");
}

static const struct speech speech_xmpp = {take, address, put, ask, part, status_text};

const struct role role_chat = {.name = "chat",
			       .speech = &speech_xmpp,
			       .generator = true,
			       .start = start,
			       .turn = turn,
			       .idle = dial_receipts_over,
			       .closed = dial_closed,
			       .opened = opened};
