/* A map under test: its services, settings and clock, and a record to fill and to give. */
#pragma once

#include "services.h"

#include "sip/map.h"

#define BENCH_PROTOCOL 1u
#define BENCH_POOL 32u

struct bench {
	struct services       services;
	struct proto_settings settings;
	struct metrics        metrics;
	struct msg_pool      *pool;
	void                 *memory;
	struct msg           *m;
	struct sip_map        map;
	struct sip_date       date;
	enum reason           why;
};

static inline struct bench *bench_new(void)
{
	struct bench *b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);

	memset(b, 0, sizeof(*b));
	services_init(&b->services);
	b->settings = (struct proto_settings){.window_max = 10, .message_size_max = 2000};
	b->memory = aligned_alloc(64, (msg_pool_size(BENCH_POOL) + 63) / 64 * 64);
	b->pool = msg_pool_init(b->memory, BENCH_POOL);
	b->m = msg_new(b->pool);
	b->map = (struct sip_map){
		&b->settings,   &b->services.ops, &b->metrics, {1000000, 1790000000000ull},
		BENCH_PROTOCOL, &b->date,         NULL};
	return b;
}

static inline void bench_free(struct bench *b)
{
	msg_free(b->m);
	free(b->memory);
	free(b);
}
