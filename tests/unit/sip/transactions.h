/* What the tests of transactions share: an instance, and messages taken from text. */
#pragma once

#include <stdio.h>

#include "test.h"

#include "sip/transaction.h"

#define MEMORY (256u * 1024u)

struct bench {
	struct sip_transactions t;
	struct metrics          metrics;
	struct sip_clients      clients;
	struct sip_servers      servers;
	void                   *memory;
	struct now              now;
};

static inline void bench_open(struct bench *b, size_t bytes)
{
	memset(b, 0, sizeof(*b));
	b->memory = aligned_alloc(64, bytes);
	assert_non_null(b->memory);
	memset(b->memory, 0, bytes);
	b->now.us = 1000000;
	b->clients.session = &b->clients;
	b->servers.session = &b->servers;
	sip_transactions_init(&b->t, &b->metrics, 3, 42, b->memory, bytes);
}

static inline void bench_close(struct bench *b)
{
	free(b->memory);
}

static inline uint64_t count(const struct bench *b, unsigned id)
{
	return b->metrics.value[id];
}

/* A message from text, in memory that ends where it ends. */
struct taken {
	uint8_t             *bytes;
	struct sip_message   message;
	struct sip_mandatory known;
};

static inline void take(struct taken *k, const char *text, size_t n)
{
	struct sip_scan scan = {0};
	struct cur      in;
	enum reason     why;

	k->bytes = test_copy(text, n);
	in = cur_of(k->bytes, n);
	assert_int_equal(sip_message_next(&scan, &in, SIP_DATAGRAM, &k->message, &why), PULL_ITEM);
	assert_int_equal(k->message.fault, REASON_NONE);
	assert_int_equal(sip_mandatory_parse(&k->message, &k->known), REASON_NONE);
}

static inline void take_text(struct taken *k, const char *text)
{
	take(k, text, strlen(text));
}

static inline void drop(struct taken *k)
{
	free(k->bytes);
}

/* The only datagram of *out. */
static inline struct str only_datagram(const struct out *out, struct flow *to)
{
	struct cur written = cur_of(out->put.start, put_size(&out->put)), bytes = {0};

	assert_true(out_datagram_next(&written, to, &bytes));
	assert_int_equal(cur_left(&written), 0);
	return (struct str){(const char *)bytes.p, cur_left(&bytes)};
}

static inline struct flow flow_of(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	struct flow   f = {.port = port};
	const uint8_t bytes[4] = {a, b, c, d};

	memcpy(f.address, bytes, 4);
	return f;
}

static inline struct flow peer_flow(void)
{
	return flow_of(192, 0, 2, 7, 5070);
}
