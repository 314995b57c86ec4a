/*
 * One request for many recipients (RFC 5365). It is looked through whole before anything is sent:
 * then it is answered with 202, and each recipient's message is given by tick(), as fast as there
 * is memory for messages. What becomes of them is told by the notifications that the message asks
 * for, and by nothing else (RFC 5365, 7.2). Lists that a session works on at a time take turns.
 */
#include "sip/multipart.h"
#include "sip/recipients.h"
#include "sip/session_private.h"

#define RECIPIENTS_MAX 100u /* of one request */
#define ROOM_MAX 8192u      /* of URIs that had to be decoded */
#define BURST 16u           /* messages in one turn */

/* Notes of a server transaction: how many messages have no answer yet, above these. */
#define NOTE_LIST 4u
#define NOTE_ALL_GIVEN 8u
#define NOTE_OPEN 16u

#define LISTS_MAX 24u /* that a session works on at a time */

struct lists { /* in a block, as long as there are some */
	uint32_t count, turn;
	struct open {
		uint64_t token; /* of its server transaction */
		uint32_t next;  /* entry */
	} open[LISTS_MAX];
};

_Static_assert(sizeof(struct lists) <= sizeof(((struct sip_block *)0)->bytes), "they fit in one");

struct kept { /* with the transaction; who proved what, and the request, follow */
	uint64_t twice[(RECIPIENTS_MAX + 63) / 64]; /* entries that stand there before */
	uint32_t peer;
	uint32_t proven_size, size;
	bool     trusted;
	uint8_t  identity; /* enum msg_identity */
};

/* The two parts of the body. */
struct list {
	struct sip_part message;
	struct cur      document;
};

static bool is_list(const struct sip_part *part)
{
	struct sip_media media;

	return sip_mime_media(&part->mime, &media) &&
	       sip_media_is(&media, STR("application"), STR("resource-lists+xml"));
}

/* False: not one message and one list, each as it is. */
static bool take_apart(const struct sip_message *m, struct list *l)
{
	struct str           type;
	struct sip_multipart parts;
	struct sip_part      part;
	unsigned             messages = 0, lists = 0;

	if (!sip_header_find(m, SIP_CONTENT_TYPE, &type) ||
	    !sip_multipart_open(&parts, type, m->body, NULL))
		return false;
	while (sip_multipart_next(&parts, &part)) {
		if (part.mime.encoding != SIP_MIME_IDENTITY)
			return false;
		if (is_list(&part)) {
			l->document = cur_of(part.body.p, part.body.n);
			lists++;
		} else {
			l->message = part;
			messages++;
		}
	}
	return parts.fault == SIP_BODY_OK && messages == 1 && lists == 1;
}

static bool address_of(const struct sip_map *map, const struct sip_recipient *r,
		       struct sip_uri *uri, struct sip_address *a)
{
	return sip_uri_parse(r->uri, uri) && sip_address_of(map, uri, a) && a->kind != ADDR_NONE;
}

static void mark(struct kept *k, unsigned n)
{
	k->twice[n / 64] |= UINT64_C(1) << n % 64;
}

static bool marked(const struct kept *k, unsigned n)
{
	return k->twice[n / 64] >> n % 64 & 1;
}

/* 200, or the status that answers the fault. Nobody gets anything of a list that has one. */
static unsigned check(const struct sip_map *map, const struct hash_key *key, struct cur document,
		      struct kept *k, enum reason *why)
{
	char                  text[ROOM_MAX];
	struct put            room = put_to(text, sizeof(text));
	uint64_t              seen[RECIPIENTS_MAX];
	unsigned              n = 0;
	struct sip_recipients l;
	struct sip_recipient  r;
	struct sip_address    a;
	struct sip_uri        uri;

	sip_recipients_open(&l, document, &room);
	for (; sip_recipients_next(&l, &r); n++) {
		*why = REASON_MESSAGE_SIZE;
		if (n == RECIPIENTS_MAX)
			return 413;
		*why = REASON_DESTINATION;
		if (!address_of(map, &r, &uri, &a))
			return 404;
		seen[n] = hash_sip(key, a.text, a.size);
		for (unsigned i = 0; i < n; i++) {
			if (seen[i] == seen[n])
				mark(k, n);
		}
	}
	*why = l.fault == SIP_BODY_LIMIT ? REASON_MESSAGE_SIZE : REASON_SIP_CONTENT;
	if (l.fault != SIP_BODY_OK)
		return l.fault == SIP_BODY_LIMIT ? 413 : 400;
	*why = REASON_NONE;
	return 200;
}

/* The request as one to a recipient alone. */
static void address_to(struct sip_message *m, struct sip_mandatory *known, const struct list *l,
		       const struct sip_uri *uri)
{
	m->headers[m->first[SIP_CONTENT_TYPE]].value =
		l->message.mime.type.n > 0 ? l->message.mime.type : STR("text/plain");
	m->body = cur_of(l->message.body.p, l->message.body.n);
	known->uri = *uri;
}

/* Entry n, or the next that is not there before; *n is then it. False: there is none. */
static bool entry(const struct sip_map *map, const struct kept *k, struct cur document,
		  struct put *room, unsigned *n, struct sip_uri *uri)
{
	struct sip_recipients l;
	struct sip_recipient  r;
	struct sip_address    a;

	sip_recipients_open(&l, document, room);
	for (unsigned i = 0; sip_recipients_next(&l, &r) && i < RECIPIENTS_MAX; i++) {
		if (i < *n || marked(k, i) || !address_of(map, &r, uri, &a))
			continue;
		*n = i;
		return true;
	}
	return false;
}

/* Is the message one that is taken, to whoever it may be? */
static unsigned try(struct sip_input *in, const struct sip_map *map, const struct list *l,
		    const struct kept *k, enum reason *why)
{
	char           text[ROOM_MAX];
	struct put     room = put_to(text, sizeof(text));
	unsigned       first = 0, status;
	struct sip_uri uri;

	*why = REASON_DESTINATION;
	if (!entry(map, k, l->document, &room, &first, &uri))
		return 404;
	address_to(&in->m, &in->known, l, &uri);
	status = sip_map_in(map, &in->m, &in->known, &in->sender, in->event->msg, why);
	msg_reset(in->event->msg);
	return status;
}

static bool keep(struct sip_input *in, struct sip_server *server, const struct kept *k)
{
	struct sip_transactions *t = &in->s->instance->transactions;

	return sip_server_keep(t, server, k, sizeof(*k)) &&
	       sip_server_keep(t, server, in->sender.proven.p, in->sender.proven.n) &&
	       sip_server_keep(t, server, in->m.whole.p, in->m.whole.n);
}

static struct lists *lists(const struct sip_session *s)
{
	return (void *)sip_pool_at(&s->instance->transactions.pool, s->lists_block)->bytes;
}

void sip_lists_end(struct sip_session *s)
{
	if (s->lists_block != SIP_BLOCK_NONE)
		sip_pool_give(&s->instance->transactions.pool, s->lists_block);
	s->lists_block = SIP_BLOCK_NONE;
}

/* False: there is no block for it. */
static bool list_add(struct sip_session *s, const struct sip_server *server)
{
	if (s->lists_block == SIP_BLOCK_NONE) {
		s->lists_block = sip_pool_take(&s->instance->transactions.pool);
		if (s->lists_block == SIP_BLOCK_NONE)
			return false;
		*lists(s) = (struct lists){0};
	}
	lists(s)->open[lists(s)->count++] =
		(struct open){sip_server_token(&s->instance->transactions, server), 0};
	return true;
}

bool sip_is_list(const struct sip_input *in)
{
	return sip_list_has(&in->m, SIP_REQUIRE, STR("recipient-list-message"));
}

void sip_on_list(struct sip_input *in, struct sip_server *server)
{
	struct sip_session  *s = in->s;
	const struct sip_map map = sip_session_map(s, in->now);
	struct kept          k;
	struct list          l;
	enum reason          why = REASON_POOL;
	unsigned             status;

	memset(&k, 0, sizeof(k)); /* its gaps, too: it is kept as bytes */
	k.peer = in->peer;
	k.proven_size = (uint32_t)in->sender.proven.n;
	k.size = (uint32_t)in->m.whole.n;
	k.trusted = in->sender.trusted;
	k.identity = in->sender.identity;
	if (s->lists_block != SIP_BLOCK_NONE && lists(s)->count == LISTS_MAX) {
		sip_refuse_open(in, server, 503, REASON_WINDOW);
		return;
	}
	if (in->event->msg == NULL) {
		sip_refuse_open(in, server, 503, REASON_POOL);
		return;
	}
	if (sizeof(k) + in->sender.proven.n + in->m.whole.n > sizeof(s->instance->scratch)) {
		sip_refuse_open(in, server, 413, REASON_MESSAGE_SIZE);
		return;
	}
	if (!take_apart(&in->m, &l)) {
		sip_refuse_open(in, server, 400, REASON_SIP_CONTENT);
		return;
	}
	status = check(&map, &s->instance->text_key, l.document, &k, &why);
	if (status == 200)
		status = try(in, &map, &l, &k, &why);
	if (status == 200 && !(keep(in, server, &k) && list_add(s, server))) {
		status = 503;
		why = REASON_POOL;
	}
	if (status != 200) {
		sip_refuse_open(in, server, status, why);
		return;
	}
	server->note = NOTE_LIST;
	metric_inc(s->instance->metrics, METRIC_sip_lists_in);
	sip_say_open(in, server, 202);
}

bool sip_server_is_list(const struct sip_server *server)
{
	return server->method == SIP_METHOD_MESSAGE && (server->note & NOTE_LIST);
}

static void end_if_over(struct sip_session *s, struct sip_server *server)
{
	if (server->note == (NOTE_LIST | NOTE_ALL_GIVEN))
		sip_server_end(&s->instance->transactions, server);
}

void sip_answer_list(struct sip_session *s, struct sip_server *server, const struct result *r)
{
	ASSERT(server->note >= NOTE_OPEN);
	if (r->why != REASON_NONE)
		metric_inc(s->instance->metrics, METRIC_sip_list_messages_failed);
	server->note -= NOTE_OPEN;
	end_if_over(s, server);
}

/* The kept request as it came. */
static bool read_again(struct sip_session *s, const struct sip_server *server, struct kept *k,
		       struct sip_sender *from, struct sip_message *m, struct sip_mandatory *known)
{
	struct sip_instance     *i = s->instance;
	char                    *at = (char *)i->scratch;
	struct put               w = put_to(at, sizeof(i->scratch));
	struct sip_scan          scan = {0};
	struct proto_credentials c;
	struct cur               bytes;
	enum reason              why;

	sip_server_kept(&i->transactions, server, &w);
	if (w.failed)
		return false;
	memcpy(k, at, sizeof(*k));
	*from = (struct sip_sender){.trusted = k->trusted,
				    .identity = k->identity,
				    .proven = {at + sizeof(*k), k->proven_size},
				    .number = STR("")};
	if (k->proven_size > 0 &&
	    i->services->credentials(i->services->context, i->protocol, from->proven, &c))
		from->number = c.number;
	bytes = cur_of(at + sizeof(*k) + k->proven_size, k->size);
	return sip_message_next(&scan, &bytes, SIP_DATAGRAM, m, &why) == PULL_ITEM &&
	       sip_mandatory_parse(m, known) == REASON_NONE;
}

/* The message of the next recipient, in event->msg. False: there is none. */
static bool give(struct sip_session *s, struct now now, struct open *open,
		 struct sip_server *server, struct proto_event *event)
{
	const struct sip_map map = sip_session_map(s, now);
	char                 text[ROOM_MAX];
	struct put           room = put_to(text, sizeof(text));
	unsigned             n = open->next;
	struct sip_message   m;
	struct sip_mandatory known = {0};
	struct sip_sender    from;
	struct kept          k;
	struct list          l;
	struct sip_uri       uri;
	enum reason          why;

	if (!read_again(s, server, &k, &from, &m, &known) || !take_apart(&m, &l) ||
	    !entry(&map, &k, l.document, &room, &n, &uri))
		return false;
	open->next = (uint16_t)(n + 1);
	address_to(&m, &known, &l, &uri);
	if (sip_map_in(&map, &m, &known, &from, event->msg, &why) != 200) {
		msg_reset(event->msg);
		metric_refused(s->instance->metrics, why);
		metric_inc(s->instance->metrics, METRIC_sip_list_messages_failed);
		return true;
	}
	server->note += NOTE_OPEN;
	event->msg->token = open->token;
	event->kind = EVENT_MSG;
	event->peer = k.peer;
	return true;
}

/* All its messages are given; the last takes its place. */
static void list_over(struct sip_session *s, unsigned n, struct sip_server *server)
{
	struct lists *l = lists(s);

	l->open[n] = l->open[--l->count];
	if (l->count == 0)
		sip_lists_end(s);
	server->note |= NOTE_ALL_GIVEN;
	end_if_over(s, server);
}

/* One message of the list whose turn it is; false: there is no list. */
static bool give_one(struct sip_session *s, struct now now, struct proto_event *event)
{
	while (s->lists_block != SIP_BLOCK_NONE) {
		struct lists      *l = lists(s);
		unsigned           n = l->turn++ % l->count;
		struct sip_server *server =
			sip_server_find(&s->instance->transactions, l->open[n].token);

		ASSERT(server != NULL);
		if (!give(s, now, &l->open[n], server, event))
			list_over(s, n, server);
		else if (event->kind == EVENT_MSG)
			return true;
	}
	return false;
}

bool sip_tick_list(struct sip_session *s, struct now now, struct proto_event *event, uint64_t *due)
{
	*due = UINT64_MAX;
	if (s->lists_block == SIP_BLOCK_NONE)
		return false;
	if (event->msg == NULL) {
		*due = now.us + SIP_POOL_WAIT_US;
		return false;
	}
	if (s->list_us != now.us) {
		s->list_us = now.us;
		s->list_given = 0;
	}
	if (s->list_given++ >= BURST) {
		*due = now.us + 1;
		return false;
	}
	return give_one(s, now, event);
}
