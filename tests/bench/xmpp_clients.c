#include "xmpp_clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

#define OUT_MAX 4096u
#define USER_MAX 16u

struct client {
	uint32_t           tcp;
	char               name[USER_MAX];
	struct chat_client chat;
};

static struct {
	struct client     *clients;
	unsigned           count, ports, up, wanted;
	uint64_t           received, refused;
	struct chat_shared shared;
} all;

static const struct str password = {"secret", 6};

/* ---- subscribers ---- */

static void key_of(const uint8_t salted[SCRAM_SHA1_SIZE], const char *label,
		   uint8_t key[SCRAM_SHA1_SIZE])
{
	ASSERT(HMAC(EVP_sha1(), salted, SCRAM_SHA1_SIZE, (const uint8_t *)label, strlen(label), key,
		    NULL) != NULL);
}

/* As control derives it, for SCRAM-SHA-1. */
static struct conf_secret secret_make(void)
{
	struct conf_secret       secret = {.form = CONF_SECRET_DIGEST,
					   .size = CONF_SECRET_HA1_SIZE +
						   sizeof(struct scram_credentials)};
	struct scram_credentials c = {0};
	uint8_t                  salted[SCRAM_SHA1_SIZE], client[SCRAM_SHA1_SIZE];

	ASSERT(PKCS5_PBKDF2_HMAC(password.p, (int)password.n, c.salt, sizeof(c.salt),
				 SCRAM_ITERATIONS, EVP_sha1(), sizeof(salted), salted) == 1);
	key_of(salted, "Client Key", client);
	key_of(salted, "Server Key", c.server_sha1);
	ASSERT(EVP_Digest(client, sizeof(client), c.stored_sha1, NULL, EVP_sha1(), NULL) == 1);
	memcpy(secret.bytes + CONF_SECRET_HA1_SIZE, &c, sizeof(c));
	return secret;
}

void xmpp_subscribers_add(struct sim_delta *d, unsigned count)
{
	struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);

	s->password = secret_make();
	for (unsigned i = 0; i < count; i++) {
		snprintf(s->address, sizeof(s->address), XMPP_NUMBER, i);
		snprintf(s->xmpp, sizeof(s->xmpp), "xmpp:" XMPP_USER, i);
		sim_delta_put(d, CONF_SUBSCRIBER, s);
	}
	conf_object_free(CONF_SUBSCRIBER, s);
}

/* ---- clients ---- */

void xmpp_clients_begin(unsigned count, unsigned ports)
{
	all.clients = malloc(count * sizeof(all.clients[0]));
	ASSERT(all.clients != NULL);
	memset(all.clients, 1, count * sizeof(all.clients[0])); /* it is there from now on */
	all.count = count;
	all.ports = ports;
	all.up = all.wanted = 0;
	all.received = all.refused = 0;
	random_seed(&all.shared.random, 5);
}

void xmpp_clients_end(void)
{
	free(all.clients);
}

uint64_t xmpp_clients_received(void)
{
	return all.received;
}

uint64_t xmpp_clients_refused(void)
{
	return all.refused;
}

static void client_send(struct client *c, const struct put *w)
{
	ASSERT(!w->failed && tcp_send(sim.host.tcp, c->tcp, w->start, put_size(w)) == put_size(w));
}

static void connected(struct client *c)
{
	char                  room[OUT_MAX];
	struct put            w = put_to(room, sizeof(room));
	const struct chat_who who = {.user = str_of(c->name),
				     .domain = STR("example.org"),
				     .resource = STR("desk"),
				     .password = password};

	chat_client_begin(&c->chat, &who, &w);
	client_send(c, &w);
}

static void happened(const struct chat_item *item)
{
	ASSERT(item->event != CHAT_REFUSED && item->event != CHAT_END);
	all.up += item->event == CHAT_IS_UP;
	all.refused += item->event == CHAT_ERROR;
	if (item->event != CHAT_MESSAGE && item->event != CHAT_ERROR)
		return;
	all.received += item->event == CHAT_MESSAGE;
	if (item->id.n > 0 && item->id.p[0] == 'b')
		sim.host.answered++;
}

/* An item that straddles segments is asked for whole. */
static void readable(struct client *c)
{
	size_t want = 1;

	for (;;) {
		char             room[OUT_MAX];
		struct put       w = put_to(room, sizeof(room));
		struct cur       in;
		struct chat_item item;
		size_t           waiting = tcp_peek(sim.host.tcp, c->tcp, want, &in);
		size_t           there = cur_left(&in);
		enum pull        pull;

		if (waiting == 0)
			return;
		pull = chat_client_next(&c->chat, &all.shared, &in, &w, &item);
		ASSERT(pull != PULL_BAD);
		if (pull == PULL_MORE && there == waiting)
			return;
		want = pull == PULL_MORE ? waiting : 1;
		if (pull == PULL_MORE)
			continue;
		happened(&item);
		tcp_consume(sim.host.tcp, c->tcp, there - cur_left(&in));
		if (put_size(&w) > 0)
			client_send(c, &w);
	}
}

void xmpp_clients_event(struct host *h, const struct tcp_event *event)
{
	struct client *c = &all.clients[event->user - HOST_SESSIONS_MAX];

	(void)h;
	ASSERT(event->kind != TCP_EVENT_CLOSED);
	if (event->kind == TCP_EVENT_CONNECTED)
		connected(c);
	else if (event->kind == TCP_EVENT_READABLE)
		readable(c);
}

static bool are_up(struct sim *s)
{
	(void)s;
	return all.up >= all.wanted;
}

void xmpp_clients_open(unsigned together)
{
	sim_pass(&sim, US_PER_MS); /* the host learns the time */
	for (unsigned i = 0; i < all.count;) {
		for (unsigned n = 0; n < together && i < all.count; n++, i++) {
			struct client *c = &all.clients[i];

			snprintf(c->name, sizeof(c->name), "u%05u", i);
			c->tcp = host_tcp_connect(&sim.host, (uint16_t)(XMPP_PORT + i % all.ports),
						  HOST_SESSIONS_MAX + i);
			ASSERT(c->tcp != TCP_CONN_NONE);
		}
		all.wanted = i;
		ASSERT(sim_until(&sim, are_up, 10 * US_PER_SECOND));
	}
	sim_pass(&sim, US_PER_SECOND / 10); /* for presence */
}

bool xmpp_client_write(unsigned client, const char *to, struct str text, uint64_t number)
{
	struct client *c = &all.clients[client];
	char           room[OUT_MAX], id[24];
	struct put     w = put_to(room, sizeof(room));
	int            n = snprintf(id, sizeof(id), "b%llu", (unsigned long long)number);

	if (tcp_send_room(sim.host.tcp, c->tcp) < sizeof(room))
		return false;
	chat_message_put(&w, str_of(to), (struct str){id, (size_t)n}, text, false);
	client_send(c, &w);
	return true;
}
