/* The services that a protocol asks, out of fixed tables: subscribers with their passwords, a
 * domain, peers by address, and a directory of registrations. */
#pragma once

#include "test.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "proto/proto.h"

#define SERVICES_DOMAIN "example.org"
#define SERVICES_RECORDS 8u

struct services_subscriber {
	const char *address, *user, *password, *number;
};

static const struct services_subscriber services_subscribers[] = {
	{"sip:alice@example.org", "alice", "wonderland", "+46701234567"},
	{"sip:bob@example.org", "bob", "builder", ""},
};

struct services {
	struct proto_services ops;
	struct flow           peer; /* port 0: any */
	bool                  has_peer, peer_trusted, peer_watched;
	uint8_t               peer_identity;
	unsigned              record_count;
	char                  conversation[128]; /* that was learnt last */
	struct proto_record  *records[SERVICES_RECORDS];
	const char           *host; /* the name that is known; NULL: none */
	struct flow           host_at;
	void                 *woken; /* the last; NULL: none */
	unsigned              chats; /* that began and are not over */
};

static inline void services_hash(const EVP_MD *md, const struct services_subscriber *s, uint8_t *to)
{
	char     text[256];
	unsigned n = (unsigned)snprintf(text, sizeof(text), "%s:" SERVICES_DOMAIN ":%s", s->user,
					s->password);

	assert_true(EVP_Digest(text, n, to, NULL, md, NULL));
}

static inline bool services_credentials(void *context, unsigned protocol, struct str address,
					struct proto_credentials *c)
{
	for (size_t i = 0; i < sizeof(services_subscribers) / sizeof(services_subscribers[0]);
	     i++) {
		const struct services_subscriber *s = &services_subscribers[i];

		if (!str_eq(address, str_of(s->address)))
			continue;
		services_hash(EVP_md5(), s, c->ha1_md5);
		services_hash(EVP_sha256(), s, c->ha1_sha256);
		c->number = str_of(s->number);
		c->has_ha1 = true;
		return true;
	}
	return false;
}

static inline const struct proto_record *services_record(void *context, unsigned protocol,
							 struct str address)
{
	struct services *s = context;

	for (unsigned i = s->record_count; i-- > 0;) { /* the last that was put there */
		if (str_eq(s->records[i]->address, address))
			return s->records[i];
	}
	return NULL;
}

/* Subscribers of the table, where the records have them or not. */
static inline enum proto_reach services_reach(void *context, unsigned protocol, struct str address,
					      uint16_t *features)
{
	struct proto_credentials   c;
	const struct proto_record *r;

	*features = 0;
	for (size_t i = 0; i < sizeof(services_subscribers) / sizeof(services_subscribers[0]);
	     i++) {
		if (str_eq(address, str_of(services_subscribers[i].number)))
			address = str_of(services_subscribers[i].address);
	}
	r = services_record(context, protocol, address);
	for (uint32_t i = 0; r != NULL && i < r->count; i++)
		*features |= r->bindings[i].features;
	if (r != NULL)
		return PROTO_REACH_HERE;
	return services_credentials(context, protocol, address, &c) ? PROTO_REACH_AWAY
								    : PROTO_REACH_NOBODY;
}

static inline bool services_serves(void *context, unsigned protocol, struct str domain)
{
	return str_eq(domain, STR(SERVICES_DOMAIN));
}

static inline bool services_source(void *context, unsigned protocol, const struct flow *from,
				   struct proto_source *source)
{
	struct services *s = context;

	if (!s->has_peer || memcmp(s->peer.address, from->address, sizeof(from->address)) != 0 ||
	    (s->peer.port != 0 && s->peer.port != from->port))
		return false;
	*source = (struct proto_source){.peer = 3,
					.trusted = s->peer_trusted,
					.watched = s->peer_watched,
					.identity = s->peer_identity};
	return true;
}

static inline bool services_resolve(void *context, struct str host, struct flow *to)
{
	const struct services *s = context;

	if (s->host == NULL || !str_eq(host, str_of(s->host)))
		return false;
	memcpy(to->address, s->host_at.address, sizeof(to->address));
	to->ip6 = s->host_at.ip6;
	return true;
}

static inline void services_wake(void *context, void *session)
{
	((struct services *)context)->woken = session;
}

/* Of any two. */
static inline struct str services_conversation(void *context, struct str one, struct str other)
{
	struct services *s = context;

	return str_of(s->conversation);
}

static inline void services_converse(void *context, struct str one, struct str other, struct str id)
{
	struct services *s = context;

	assert_int_equal(
		snprintf(s->conversation, sizeof(s->conversation), "%.*s", (int)id.n, id.p), id.n);
}

static inline uint64_t services_chat_begun(void *context, struct str device, struct str other)
{
	return ++((struct services *)context)->chats;
}

static inline bool services_chat_taken(void *context, uint64_t mark)
{
	return false;
}

static inline void services_chat_over(void *context, uint64_t mark, bool another)
{
	struct services *s = context;

	assert_true(s->chats > 0 && mark > 0);
	s->chats--;
}

static inline void services_init(struct services *s)
{
	*s = (struct services){.ops = {.context = s,
				       .credentials = services_credentials,
				       .record = services_record,
				       .reach = services_reach,
				       .serves = services_serves,
				       .source = services_source,
				       .resolve = services_resolve,
				       .wake = services_wake,
				       .conversation = services_conversation,
				       .converse = services_converse,
				       .chat_begun = services_chat_begun,
				       .chat_over = services_chat_over,
				       .chat_taken = services_chat_taken}};
}

static inline void services_change(struct services *s, const struct proto_registration *r)
{
	struct proto_record *record = NULL;

	for (unsigned i = 0; i < s->record_count; i++) {
		if (str_eq(s->records[i]->address, r->address))
			record = s->records[i];
	}
	if (record != NULL && record->bindings[0].key == r->bindings[0].key)
		record->bindings[0].features = r->bindings[0].features;
}

/* The registration as the directory would keep it. */
static inline void services_register(struct services *s, const struct proto_registration *r)
{
	struct proto_record *record;
	uint8_t             *text;
	char                *address;

	assert_true(s->record_count < SERVICES_RECORDS);
	if (r->features_alone) {
		services_change(s, r);
		return;
	}
	record = calloc(1, sizeof(*record) + r->count * sizeof(r->bindings[0]) + r->text.n +
				   r->address.n);
	record->count = r->count;
	memcpy(record->bindings, r->bindings, r->count * sizeof(r->bindings[0]));
	text = (uint8_t *)&record->bindings[r->count];
	memcpy(text, r->text.p, r->text.n);
	record->text_size = (uint32_t)r->text.n;
	address = (char *)text + r->text.n;
	memcpy(address, r->address.p, r->address.n);
	record->address = (struct str){address, r->address.n};
	s->records[s->record_count++] = record;
}

static inline void services_free(struct services *s)
{
	while (s->record_count > 0)
		free(s->records[--s->record_count]);
}
