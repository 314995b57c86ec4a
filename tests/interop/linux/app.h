/*
 * What both ends of an interop run say to each other over TCP, the same over our stack (endpoint.c)
 * and the kernel's (peer.c): bytes of a seeded generator one way and the other, each direction with
 * a SHA-256 at both ends. The script compares them.
 *
 *   bulk      each side sends so many bytes, both at once; then the connector closes
 *   pingpong  200 bytes and 200 bytes back, so many times
 *   churn     so many connections, 64 bytes and 64 bytes back on each, `parallel` at a time
 *   half      the side with `half_closer` sends its bytes and ends its direction; then the other
 *             sends its own and closes
 *   reset     so many connections, aborted by the connector and the acceptor in turn
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/random.h"

enum app_test { APP_BULK, APP_PINGPONG, APP_CHURN, APP_HALF, APP_RESET, APP_TEST_COUNT };

struct app_conn;

/* The transport below. `handle` is its own number of a connection. */
struct app_io {
	bool (*connect)(void *context, struct app_conn *conn); /* answered by opened or closed */
	size_t (*send)(void *context, uint32_t handle, const void *bytes, size_t n);
	/* Bytes read; 0: none now; -1: the end of the stream. */
	long (*receive)(void *context, uint32_t handle, void *room, size_t n);
	void (*end)(void *context, uint32_t handle); /* our direction */
	void (*close)(void *context, uint32_t handle, bool abort);
	void *context;
};

struct app_config {
	enum app_test test;
	bool          connector, half_closer;
	uint64_t      bytes;
	uint32_t      count, parallel; /* connections or rounds; at a time */
	uint64_t      seed;
};

#define APP_CHUNK 8192u

struct app_conn {
	struct app_conn *next_free;
	uint32_t         handle, number;
	bool             used, open, ended, closed_by_us, out_ended;
	uint64_t         out_left, in_count;
	uint32_t         rounds;
	uint8_t          first; /* reset: the first byte that came */
	struct random    random;
	EVP_MD_CTX      *out_sha, *in_sha;
	size_t           chunk_at, chunk_end;
	uint8_t          chunk[APP_CHUNK];
};

struct app {
	struct app_config config;
	struct app_io     io;
	uint32_t          opened, closed, resets, failed;
	uint64_t          bytes_in, bytes_out;
	uint8_t          out_hash[32], in_hash[32]; /* of all connections, joined by exclusive or */
	uint32_t         table_size;
	struct app_conn *table, *free;
};

bool app_new(struct app *a, const struct app_config *config, const struct app_io *io);
void app_free(struct app *a);
/* Opens what may be open now; for the connector, at start and after each turn. */
void app_connect(struct app *a);
bool app_done(const struct app *a);

/* app_opened() follows. NULL: too many. */
struct app_conn *app_accepted(struct app *a, uint32_t handle);
void             app_opened(struct app *a, struct app_conn *c);
void             app_ready(struct app *a, struct app_conn *c); /* readable or writable */
void             app_closed(struct app *a, struct app_conn *c, bool reset, bool failed);

/* -1: no test is called so. */
int  app_test(const char *name);
void app_print(const struct app *a, uint64_t us);
