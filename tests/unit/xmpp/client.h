/* A client's stream under test: an instance with one session, services of two subscribers, a
 * virtual clock, and what the session wants sent, as text. */
#pragma once

#include "scram_client.h"

#include "roster/question.h"
#include "xmpp/session_private.h"

#define CLIENT_BLOCKS 128u
#define CLIENT_POOL 64u
#define CLIENT_OUT 262144u
#define CLIENT_EVENTS 64u
#define CLIENT_PLACES 8u /* registrations of one address */
#define CLIENT_ADDRESSES 4u
#define CLIENT_FEDERATED 3u /* streams that open federation may let in */

struct client_event {
	enum proto_event_kind kind;
	uint64_t              token;
	struct result         result;
	struct msg           *msg;
	enum reason           why;
};

struct client_record { /* of one address: where it is registered */
	char address[64];
	union {
		struct proto_record head;
		uint8_t             room[sizeof(struct proto_record) +
                             CLIENT_PLACES * sizeof(struct proto_binding) + 256];
	};
};

struct client_answer { /* that control has to a question */
	enum reason why;
	uint8_t     bytes[16384];
	size_t      size;
};

struct client {
	const char           *left_out;    /* a domain that is not let in; NULL: none */
	const char           *configured;  /* one that has a peer of its own */
	char                  proven[128]; /* the domain that a server proved last */
	void                 *instance, *session, *blocks, *memory;
	struct msg_pool      *pool;
	struct metrics       *metrics;
	struct proto_settings settings;
	struct now            now;
	char                  sent[CLIENT_OUT]; /* not yet looked at */
	size_t                sent_size;
	bool                  plain, bad;
	enum reason           bad_why;
	uint64_t              due;
	struct client_event   events[CLIENT_EVENTS];
	unsigned              event_count;
	unsigned              bindings; /* asked for */
	struct proto_binding  binding;  /* the last */
	char                  address[256], resource[256], call[16];
	enum reason           binding_why;  /* the answer to them */
	uint64_t              binding_word; /* and what is handed over with it */
	char                  conversation[64];
	char                  identity[128], proof[64], challenge[32]; /* of the last EVENT_LOGIN */
	struct flow           dial;                                    /* of the last EVENT_DIAL */
	unsigned              woken;
	struct client_record  records[CLIENT_ADDRESSES];
	struct client_answer  answers[ROSTER_ASK_COUNT]; /* none: nothing is there */
	struct roster_question question;                 /* the last, with what it lends */
	uint8_t                question_bytes[ROSTER_QUESTION_SIZE_MAX];
	unsigned               questions[ROSTER_ASK_COUNT];
	unsigned               made;     /* stanzas of ours */
	unsigned               made_max; /* in one turn */
	bool                   silent;   /* control does not answer */
	uint64_t               ask_token;
};

static struct scram_credentials client_scram;
static bool                     client_erased; /* alice is no subscriber any more */
static struct str               client_contacts[PROTO_CONTACTS_MAX]; /* of the listeners */
static uint32_t                 client_contact_count;
static uint64_t                 client_seed = 42;
static uint8_t                  client_secret; /* the first byte of what is kept over restarts */

static inline bool client_credentials(void *context, unsigned protocol, struct str address,
				      struct proto_credentials *c)
{
	*c = (struct proto_credentials){.scram = &client_scram, .number = STR("")};
	if (client_erased)
		return false;
	if (str_eq(address, STR("xmpp:alice@example.org")))
		c->number = STR("+46701234567");
	else if (!str_eq(address, STR("xmpp:bob@example.org")))
		return false;
	return true;
}

static inline bool client_serves(void *context, unsigned protocol, struct str domain)
{
	return str_eq(domain, STR("example.org")) || str_eq(domain, STR("example.net"));
}

static inline enum proto_reach client_reach(void *context, unsigned protocol, struct str address,
					    uint16_t *features)
{
	*features = 0;
	return str_eq(address, STR("xmpp:bob@example.org")) ? PROTO_REACH_HERE : PROTO_REACH_NOBODY;
}

static inline struct str client_conversation(void *context, struct str one, struct str other)
{
	return str_of(((struct client *)context)->conversation);
}

static inline void client_converse(void *context, struct str one, struct str other, struct str id)
{
	struct client *c = context;

	str_copy(c->conversation, sizeof(c->conversation), id);
}

/* chat.example is another server's; its peer has slot 7. One of slot 9 stands for the servers of
 * all that ends in ".far.example". */
static inline bool client_server(void *context, unsigned protocol, struct str domain,
				 uint32_t *slot, struct flow *where)
{
	struct str           rest = str_skip(domain, domain.n < 12 ? 0 : domain.n - 12);
	bool                 open = str_eq(rest, STR(".far.example"));
	bool                 peer = str_eq(domain, STR("chat.example"));
	const struct client *c = context;

	if (c->left_out != NULL && str_eq(domain, str_of(c->left_out)))
		return false;
	peer = peer || (c->configured != NULL && str_eq(domain, str_of(c->configured)));
	*slot = peer ? 7 : 9;
	*where = (struct flow){.port = peer ? 5269 : 0};
	return open || peer;
}

static inline void client_proven(void *context, struct str domain)
{
	struct client *c = context;

	snprintf(c->proven, sizeof(c->proven), "%.*s", STR_ARG(domain));
}

static inline const struct proto_record *client_record(void *context, unsigned protocol,
						       struct str address)
{
	struct client *c = context;

	for (unsigned i = 0; i < CLIENT_ADDRESSES; i++) {
		if (str_eq(address, str_of(c->records[i].address)))
			return &c->records[i].head;
	}
	return NULL;
}

static inline void client_wake(void *context, void *session)
{
	((struct client *)context)->woken++;
}

/* Where somebody is registered: over which stream, and with what it wants to hear. */
static inline void client_place_over(struct client *c, const char *address, const char *resource,
				     uint16_t features, struct str stream)
{
	static uint32_t       ids;
	struct client_record *r = c->records;
	struct proto_binding *b;
	uint16_t              at, n = (uint16_t)strlen(resource);
	char                 *text;

	while (r->address[0] != 0 && strcmp(r->address, address) != 0)
		r++;
	snprintf(r->address, sizeof(r->address), "%s", address);
	b = &r->head.bindings[r->head.count++];
	assert_in_range(r->head.count, 1, CLIENT_PLACES - 1);
	text = (char *)&r->head.bindings[r->head.count];
	memmove(text, b, r->head.text_size); /* texts lie behind the last binding */
	at = (uint16_t)r->head.text_size;
	*b = (struct proto_binding){
		.key = xmpp_resource_key(str_of(resource)),
		.expires_us = UINT64_MAX / 2,
		.id = ++ids,
		.features = features,
		.text = {[BINDING_CONTACT] = {at, n},
			 [BINDING_CALL] = {(uint16_t)(at + n), (uint16_t)stream.n}}};
	memcpy(text + at, resource, n);
	memcpy(text + at + n, stream.p, stream.n);
	r->head.text_size += n + (uint32_t)stream.n;
}

static inline void client_place(struct client *c, const char *address, const char *resource,
				uint16_t features)
{
	client_place_over(c, address, resource, features, STR("another stream"));
}

static inline struct put client_answer_put(struct client *c, enum roster_ask ask)
{
	return put_to(c->answers[ask].bytes, sizeof(c->answers[ask].bytes));
}

static inline struct out client_out(struct client *c)
{
	return out_to(c->sent + c->sent_size, CLIENT_OUT - c->sent_size);
}

static inline void client_took(struct client *c, const struct out *out)
{
	assert_false(out->put.failed);
	c->sent_size += out_mark(out);
}

static inline struct client *client_new(void)
{
	static struct proto_services services;
	struct client               *c = calloc(1, sizeof(*c));
	struct proto_instance_config config;
	static const uint8_t         salt[SCRAM_SALT_SIZE] = "sixteen bytes..";

	scram_make("secret", salt, &client_scram);
	services = (struct proto_services){
		.context = c,
		.credentials = client_credentials,
		.serves = client_serves,
		.reach = client_reach,
		.record = client_record,
		.conversation = client_conversation,
		.converse = client_converse,
		.server = client_server,
		.proven = client_proven,
		.wake = client_wake,
	};
	c->metrics = aligned_alloc(64, sizeof(*c->metrics));
	memset(c->metrics, 0, sizeof(*c->metrics));
	c->instance = calloc(1, xmpp_ops.instance_size);
	c->session = calloc(1, xmpp_ops.session_size);
	c->blocks = calloc(CLIENT_BLOCKS, xmpp_ops.block_size);
	c->memory = aligned_alloc(64, (msg_pool_size(CLIENT_POOL) + 63) / 64 * 64);
	c->pool = msg_pool_init(c->memory, CLIENT_POOL);
	c->now = (struct now){1000000, 1790000000000ull};
	c->settings = (struct proto_settings){
		.window_max = 4, .message_size_max = 8192, .response_us = 10 * US_PER_SECOND};
	config = (struct proto_instance_config){.metrics = c->metrics,
						.blocks = c->blocks,
						.block_count = CLIENT_BLOCKS,
						.federated_max = CLIENT_FEDERATED,
						.seed = client_seed,
						.shared_seed = client_seed + 1,
						.kept_secret = {client_secret},
						.services = &services,
						.contacts = client_contacts,
						.contact_count = client_contact_count};
	assert_int_equal(xmpp_ops.instance_init(c->instance, &config), 0);
	return c;
}

static inline void client_open(struct client *c)
{
	struct out out = client_out(c);

	memset(c->session, 0, xmpp_ops.session_size);
	xmpp_ops.open(c->session, c->now,
		      &(struct proto_open){.role = PROTO_ACCEPTED,
					   .instance = c->instance,
					   .login_us = 30 * US_PER_SECOND,
					   .settings = &c->settings,
					   .domain = STR("example.org"),
					   .plain = c->plain},
		      &out);
	client_took(c, &out);
}

static inline void client_forget(struct client *c)
{
	for (unsigned i = 0; i < c->event_count; i++)
		msg_free(c->events[i].msg);
	c->event_count = 0;
}

static inline void client_answer(struct client *c, uint64_t token, const struct result *r)
{
	struct out out = client_out(c);

	xmpp_ops.answer(c->session, c->now, token, r, &out);
	client_took(c, &out);
}

static inline void client_binding(struct client *c, const struct proto_registration *r)
{
	assert_int_equal(r->count, 1);
	assert_true(r->takes_over);
	/* Of one stream each is newer than the one before (RFC 3261, 10.3, has the rule). */
	if (c->bindings > 0 && memcmp(r->text.p + r->bindings[0].text[BINDING_CALL].off, c->call,
				      sizeof(c->call)) == 0)
		assert_true(r->bindings[0].sequence > c->binding.sequence);
	assert_int_equal(r->bindings[0].text[BINDING_CALL].size, sizeof(c->call));
	memcpy(c->call, r->text.p + r->bindings[0].text[BINDING_CALL].off, sizeof(c->call));
	c->binding = r->bindings[0];
	assert_true(str_copy(c->address, sizeof(c->address), r->address));
	assert_true(str_copy(c->resource, sizeof(c->resource),
			     (struct str){r->text.p + c->binding.text[BINDING_CONTACT].off,
					  c->binding.text[BINDING_CONTACT].size}));
	c->bindings++;
	client_answer(c, r->token,
		      &(struct result){.why = (uint8_t)c->binding_why, .word = c->binding_word});
}

static inline void client_event(struct client *c, const struct proto_event *event);

/* Control answers, a piece a turn where there is much to do. */
static inline void client_told(struct client *c, const struct client_answer *a)
{
	uint8_t           *copy = test_copy(a->bytes, a->size);
	struct cur         answer = cur_of(copy, a->size);
	struct proto_event event;
	unsigned           made = c->made;
	bool               more;

	do {
		struct out out = client_out(c);

		event = (struct proto_event){.msg = msg_new(c->pool)};
		xmpp_ops.told(c->session, c->now, c->ask_token, a->why, &answer, &out, &event);
		client_took(c, &out);
		if (event.kind != EVENT_MSG)
			msg_free(event.msg);
		client_event(c, &event);
		if (c->made - made > c->made_max)
			c->made_max = c->made - made;
		more = a->why == REASON_NONE && cur_left(&answer) > 0;
		if (event.kind == EVENT_NONE && more) { /* the next turn */
			c->now.us++;
			made = c->made;
		}
	} while (event.kind != EVENT_NONE || more);
	free(copy);
}

static inline void client_asked(struct client *c, const struct proto_question *ask)
{
	static const struct client_answer nothing;
	struct client_answer              empty;
	struct put                        w = put_to(empty.bytes, sizeof(empty.bytes));
	const struct client_answer       *a;

	memcpy(c->question_bytes, ask->bytes.p, ask->bytes.n);
	assert_true(roster_question_read(cur_of(c->question_bytes, ask->bytes.n), &c->question));
	c->questions[c->question.ask]++;
	c->ask_token = ask->token;
	if (c->silent)
		return;
	a = &c->answers[c->question.ask];
	if (a->size == 0 && a->why == REASON_NONE) {
		empty.why = REASON_NONE;
		roster_head_put(&w, &(struct roster_head){.version = STR("0")});
		empty.size = put_size(&w);
		a = c->question.ask == ROSTER_ASK_ROSTER_GET ? &empty : &nothing;
	}
	client_told(c, a);
}

static inline void client_event(struct client *c, const struct proto_event *event)
{
	if (event->kind == EVENT_BINDING) {
		client_binding(c, event->registration);
	} else if (event->kind == EVENT_LOGIN) {
		assert_true(str_copy(c->identity, sizeof(c->identity), event->login.identity));
		assert_true(str_copy(c->proof, sizeof(c->proof), event->login.proof));
		assert_true(str_copy(c->challenge, sizeof(c->challenge), event->login.challenge));
	} else if (event->kind == EVENT_ASK) {
		client_asked(c, &event->ask);
	} else if (event->kind != EVENT_NONE) {
		c->dial = event->kind == EVENT_DIAL ? event->dial : c->dial;
		assert_in_range(c->event_count, 0, CLIENT_EVENTS - 1);
		c->events[c->event_count++] = (struct client_event){
			event->kind, event->token, event->result,
			event->kind == EVENT_MSG ? event->msg : NULL, event->why};
		if (event->kind == EVENT_MSG && event->msg->token == XMPP_TOKEN_CARRIED) {
			c->made++;
			client_answer(c, XMPP_TOKEN_CARRIED, &(struct result){0});
		}
	}
}

/* Timers, as often as there is something. */
static inline void client_tick(struct client *c)
{
	struct proto_event event;

	do {
		struct out out = client_out(c);

		event = (struct proto_event){.msg = msg_new(c->pool)};
		c->due = xmpp_ops.tick(c->session, c->now, &out, &event);
		client_took(c, &out);
		if (event.kind != EVENT_MSG)
			msg_free(event.msg);
		client_event(c, &event);
	} while (event.kind != EVENT_NONE && event.kind != EVENT_CLOSE);
}

/* Bytes from the client, of which those that are left over are returned. */
static inline size_t client_feed(struct client *c, const char *bytes, size_t n)
{
	uint8_t           *copy = test_copy(bytes, n);
	struct cur         in = cur_of(copy, n);
	struct proto_event event;
	enum pull          pull;
	size_t             left;

	do {
		struct out out = client_out(c);

		event = (struct proto_event){.msg = msg_new(c->pool)};
		assert_non_null(event.msg);
		pull = xmpp_ops.feed(c->session, c->now, NULL, &in, &out, &event);
		client_took(c, &out);
		if (event.kind != EVENT_MSG)
			msg_free(event.msg);
		if (pull == PULL_ITEM)
			client_event(c, &event);
		if (pull == PULL_BAD) {
			c->bad = true;
			c->bad_why = event.why;
		}
	} while (pull == PULL_ITEM);
	left = cur_left(&in);
	free(copy);
	client_tick(c);
	return left;
}

static inline void client_says(struct client *c, const char *text)
{
	client_feed(c, text, strlen(text));
}

/* What was sent since the last look; NUL-terminated. */
static inline const char *client_sent(struct client *c)
{
	static char text[CLIENT_OUT + 1];

	memcpy(text, c->sent, c->sent_size);
	text[c->sent_size] = '\0';
	c->sent_size = 0;
	return text;
}

#define CLIENT_HEAD                                                                                \
	"<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client' "              \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

/* "<name ...>base64</name>", decoded. */
static inline size_t client_decoded(const char *sent, const char *name, char *room, size_t size)
{
	char        open[32];
	const char *at, *end;
	struct put  w = put_to(room, size);

	snprintf(open, sizeof(open), "<%s ", name);
	at = strstr(sent, open);
	if (at == NULL)
		return SIZE_MAX;
	at = strchr(at, '>') + 1;
	end = strchr(at, '<');
	assert_true(base64_parse((struct str){at, (size_t)(end - at)}, &w));
	return put_size(&w);
}

static inline void client_says_base64(struct client *c, const char *before, struct str bytes,
				      const char *after)
{
	char       text[4096];
	struct put w = put_to(text, sizeof(text));

	put_str(&w, str_of(before));
	base64_put(&w, bytes.p, bytes.n);
	put_str(&w, str_of(after));
	assert_false(w.failed);
	client_feed(c, text, put_size(&w));
}

#define CLIENT_SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

/* SCRAM-SHA-256; true: it was let in. */
static inline bool client_authenticates(struct client *c, const char *user, const char *password)
{
	char       bare[128], challenge[512], final[1024], signature[64], data[128];
	struct put b = put_to(bare, sizeof(bare)), f = put_to(final, sizeof(final));
	char       first[160];
	size_t     n;

	put_str(&b, STR("n="));
	put_str(&b, str_of(user));
	put_str(&b, STR(",r=clientnonce"));
	snprintf(first, sizeof(first), "n,,%.*s", (int)put_size(&b), bare);
	client_sent(c);
	client_says_base64(c, "<auth" CLIENT_SASL " mechanism='SCRAM-SHA-256'>", str_of(first),
			   "</auth>");
	n = client_decoded(client_sent(c), "challenge", challenge, sizeof(challenge));
	if (n == SIZE_MAX)
		return false;
	scram_answer(true, password, "n,,", (struct str){bare, put_size(&b)},
		     (struct str){challenge, n}, &f, signature);
	client_says_base64(c, "<response" CLIENT_SASL ">", (struct str){final, put_size(&f)},
			   "</response>");
	n = client_decoded(client_sent(c), "success", data, sizeof(data));
	if (n == SIZE_MAX)
		return false;
	assert_true(str_eq((struct str){data, n}, str_of(signature)));
	return true;
}

/* To a bound resource. */
static inline void client_up(struct client *c, const char *user, const char *resource)
{
	char text[256];

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_true(client_authenticates(c, user, "secret"));
	client_says(c, CLIENT_HEAD);
	snprintf(text, sizeof(text),
		 "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		 "<resource>%s</resource></bind></iq>",
		 resource);
	client_says(c, text);
	assert_true(xmpp_ops.ready(c->session));
	client_sent(c);
}

static inline void client_close(struct client *c)
{
	uint64_t token;

	xmpp_ops.close(c->session, c->now, REASON_CLOSED_BY_PEER, NULL);
	while (xmpp_ops.drain(c->session, &token))
		;
}

/* And nothing of it is left. */
static inline void client_free(struct client *c)
{
	client_close(c);
	client_forget(c);
	assert_int_equal(msg_pool_free_count(c->pool), CLIENT_POOL);
	free(c->metrics);
	free(c->instance);
	free(c->session);
	free(c->blocks);
	free(c->memory);
	free(c);
}

/* The last event, which must be of this kind. */
static inline struct client_event *client_last(struct client *c, enum proto_event_kind kind)
{
	assert_in_range(c->event_count, 1, CLIENT_EVENTS);
	assert_int_equal(c->events[c->event_count - 1].kind, kind);
	return &c->events[c->event_count - 1];
}

/* A message for the client; its answer comes as an event. */
static inline enum submit client_submit(struct client *c, const struct msg *m, uint64_t token,
					struct result *result)
{
	struct out          out = client_out(c);
	struct proto_target at = {NULL, NULL};
	enum submit submit = xmpp_ops.submit(c->session, c->now, m, &at, token, &out, result);

	client_took(c, &out);
	client_tick(c);
	return submit;
}

static inline bool part_is(const struct msg *m, struct msg_part part, const char *text)
{
	static uint8_t room[65536];

	return str_eq((struct str){(const char *)msg_view(m, part, room), part.size}, str_of(text));
}

/* What event n would be to the client it is for. */
static inline const char *client_heard(struct client *c, unsigned n)
{
	static char      text[65536];
	struct put       w = put_to(text, sizeof(text) - 1);
	struct msg      *m = c->events[n].msg;
	struct xmpp_map  map = xmpp_session_map(c->session, c->now);
	struct msg_extra resource;
	char             to[512], id[MSG_ORIGIN_ID_MAX];
	struct put       address = put_to(to, sizeof(to));

	assert_in_range(n, 0, c->event_count - 1);
	assert_int_equal(c->events[n].kind, EVENT_MSG);
	put_str(&address, str_skip(msg_addr(m, &m->to), 5));
	if (msg_extra_find(m, map.protocol, XMPP_EXTRA_RESOURCE, &resource)) {
		uint8_t room[256];

		put_u8(&address, '/');
		put_bytes(&address, msg_view(m, resource.value, room), resource.value.size);
	}
	assert_int_equal(xmpp_map_out(&map, m,
				      &(struct xmpp_way){.domain = STR("example.org"),
							 .address = {to, put_size(&address)},
							 .id = xmpp_map_id(&map, m, id)},
				      &w),
			 REASON_NONE);
	text[put_size(&w)] = '\0';
	return text;
}
