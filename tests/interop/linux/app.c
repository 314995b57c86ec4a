#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PING 200u
#define CHURN 64u
#define RESET_BYTES 1000u

static const char *const names[APP_TEST_COUNT] = {"bulk", "pingpong", "churn", "half", "reset"};

int app_test(const char *name)
{
	for (int i = 0; i < APP_TEST_COUNT; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static bool many(const struct app *a)
{
	return a->config.test == APP_CHURN || a->config.test == APP_RESET;
}

/* Connections in all. */
static uint32_t wanted(const struct app *a)
{
	return many(a) ? a->config.count : a->config.parallel;
}

bool app_new(struct app *a, const struct app_config *config, const struct app_io *io)
{
	*a = (struct app){.config = *config, .io = *io};
	/* Those that end are still there while new ones open. */
	a->table_size = many(a) ? 4 * config->parallel : config->parallel;
	a->table = calloc(a->table_size, sizeof(a->table[0]));
	if (a->table == NULL)
		return false;
	for (uint32_t i = 0; i < a->table_size; i++) {
		a->table[i].out_sha = EVP_MD_CTX_new();
		a->table[i].in_sha = EVP_MD_CTX_new();
		a->table[i].next_free = a->free;
		a->free = &a->table[i];
	}
	return true;
}

void app_free(struct app *a)
{
	for (uint32_t i = 0; i < a->table_size; i++) {
		EVP_MD_CTX_free(a->table[i].out_sha);
		EVP_MD_CTX_free(a->table[i].in_sha);
	}
	free(a->table);
}

static struct app_conn *conn_new(struct app *a, uint32_t handle)
{
	struct app_conn *c = a->free;

	if (c == NULL)
		return NULL;
	a->free = c->next_free;
	memset(&c->handle, 0,
	       offsetof(struct app_conn, random) - offsetof(struct app_conn, handle));
	c->used = true;
	c->handle = handle;
	c->number = a->opened++;
	c->chunk_at = c->chunk_end = 0;
	random_seed(&c->random, a->config.seed + c->number);
	EVP_DigestInit_ex(c->out_sha, EVP_sha256(), NULL);
	EVP_DigestInit_ex(c->in_sha, EVP_sha256(), NULL);
	return c;
}

void app_connect(struct app *a)
{
	while (a->config.connector && a->opened < wanted(a) &&
	       a->opened - a->closed < a->config.parallel) {
		struct app_conn *c = conn_new(a, 0);

		if (c == NULL || !a->io.connect(a->io.context, c)) {
			if (c != NULL)
				app_closed(a, c, false, true);
			return;
		}
	}
}

bool app_done(const struct app *a)
{
	return a->closed == wanted(a);
}

struct app_conn *app_accepted(struct app *a, uint32_t handle)
{
	return conn_new(a, handle);
}

/* ---- sending ---- */

static bool chunk_fill(struct app *a, struct app_conn *c)
{
	size_t n = c->out_left < APP_CHUNK ? (size_t)c->out_left : APP_CHUNK;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t r = random_next(&c->random);

		memcpy(c->chunk + i, &r, 8); /* the room is a multiple of 8 */
	}
	if (a->config.test == APP_RESET && n > 0) /* who aborts is said by the connector */
		c->chunk[0] = (uint8_t)(c->number % 2);
	c->chunk_at = 0;
	c->chunk_end = n;
	return n > 0;
}

static void send_some(struct app *a, struct app_conn *c)
{
	while (c->open && !c->closed_by_us && !c->out_ended &&
	       (c->chunk_at < c->chunk_end || chunk_fill(a, c))) {
		size_t n = c->chunk_end - c->chunk_at;
		size_t sent = a->io.send(a->io.context, c->handle, c->chunk + c->chunk_at, n);

		EVP_DigestUpdate(c->out_sha, c->chunk + c->chunk_at, sent);
		c->chunk_at += sent;
		c->out_left -= sent;
		a->bytes_out += sent;
		if (sent < n)
			return;
	}
}

static void close_it(struct app *a, struct app_conn *c, bool abort)
{
	if (c->closed_by_us)
		return;
	c->closed_by_us = true;
	a->io.close(a->io.context, c->handle, abort);
}

/* ---- what each test does next ---- */

static uint32_t message_size(const struct app *a)
{
	return a->config.test == APP_PINGPONG ? PING : CHURN;
}

static void exchange_step(struct app *a, struct app_conn *c)
{
	uint32_t size = message_size(a);
	uint32_t rounds = a->config.test == APP_PINGPONG ? a->config.count : 1;

	while (c->in_count >= (uint64_t)(c->rounds + 1) * size) {
		c->rounds++;
		if (!a->config.connector || c->rounds < rounds)
			c->out_left += size;
	}
	if (c->ended || (a->config.connector && c->rounds == rounds))
		close_it(a, c, false);
}

static void half_step(struct app *a, struct app_conn *c)
{
	if (a->config.half_closer) {
		if (c->out_left == 0 && !c->out_ended) {
			c->out_ended = true;
			a->io.end(a->io.context, c->handle);
		}
		if (c->ended)
			close_it(a, c, false);
	} else if (c->ended && c->rounds == 0) {
		c->rounds = 1;
		c->out_left = a->config.bytes;
	}
	send_some(a, c);
	if (!a->config.half_closer && c->rounds == 1 && c->out_left == 0)
		close_it(a, c, false);
}

static void reset_step(struct app *a, struct app_conn *c)
{
	uint8_t turn = a->config.connector ? (uint8_t)(c->number % 2) : c->first;
	bool    all_here = c->in_count == RESET_BYTES && c->out_left == 0;

	if (!a->config.connector && c->in_count > 0 && c->rounds == 0) {
		c->rounds = 1;
		c->out_left = RESET_BYTES;
		send_some(a, c);
	}
	if (all_here && (turn == 0) == a->config.connector)
		close_it(a, c, true);
	else if (c->ended)
		close_it(a, c, false);
}

static void step(struct app *a, struct app_conn *c)
{
	switch (a->config.test) {
	case APP_BULK:
		if (c->ended ||
		    (a->config.connector && c->out_left == 0 && c->in_count == a->config.bytes))
			close_it(a, c, false);
		break;
	case APP_PINGPONG:
	case APP_CHURN:
		exchange_step(a, c);
		break;
	case APP_HALF:
		half_step(a, c);
		break;
	case APP_RESET:
		reset_step(a, c);
		break;
	case APP_TEST_COUNT:
		break;
	}
}

static void receive_all(struct app *a, struct app_conn *c)
{
	uint8_t room[65536];
	long    n;

	while (!c->ended && !c->closed_by_us &&
	       (n = a->io.receive(a->io.context, c->handle, room, sizeof(room))) != 0) {
		if (n < 0) {
			c->ended = true;
			return;
		}
		if (c->in_count == 0)
			c->first = room[0];
		EVP_DigestUpdate(c->in_sha, room, (size_t)n);
		c->in_count += (uint64_t)n;
		a->bytes_in += (uint64_t)n;
	}
}

void app_opened(struct app *a, struct app_conn *c)
{
	c->open = true;
	switch (a->config.test) {
	case APP_BULK:
		c->out_left = a->config.bytes;
		break;
	case APP_PINGPONG:
	case APP_CHURN:
		c->out_left = a->config.connector ? message_size(a) : 0;
		break;
	case APP_HALF:
		c->out_left = a->config.half_closer ? a->config.bytes : 0;
		break;
	case APP_RESET:
		c->out_left = a->config.connector ? RESET_BYTES : 0;
		break;
	case APP_TEST_COUNT:
		break;
	}
	app_ready(a, c);
}

void app_ready(struct app *a, struct app_conn *c)
{
	if (!c->open || c->closed_by_us)
		return;
	receive_all(a, c);
	send_some(a, c);
	step(a, c);
	if (!c->closed_by_us)
		send_some(a, c);
}

static void hash_join(uint8_t all[32], EVP_MD_CTX *sha)
{
	uint8_t one[32];

	EVP_DigestFinal_ex(sha, one, NULL);
	for (unsigned i = 0; i < sizeof(one); i++)
		all[i] ^= one[i];
}

void app_closed(struct app *a, struct app_conn *c, bool reset, bool failed)
{
	a->closed++;
	a->resets += reset;
	a->failed += failed;
	hash_join(a->out_hash, c->out_sha);
	hash_join(a->in_hash, c->in_sha);
	c->used = c->open = false;
	c->next_free = a->free;
	a->free = c;
}

static void hash_print(const char *name, const uint8_t hash[32])
{
	printf(" %s=", name);
	for (unsigned i = 0; i < 32; i++)
		printf("%02x", hash[i]);
}

void app_print(const struct app *a, uint64_t us)
{
	printf("done connections=%u resets=%u failed=%u bytes_out=%llu bytes_in=%llu us=%llu",
	       a->closed, a->resets, a->failed, (unsigned long long)a->bytes_out,
	       (unsigned long long)a->bytes_in, (unsigned long long)us);
	hash_print("sent", a->out_hash);
	hash_print("received", a->in_hash);
}
