/*
 * Counters: one array per worker in one mapping, so that a worker counts without atomics on lines
 * of its own and any reader sums. The dataplane makes the mapping (a memfd), control maps it
 * read-only. metric_* : the owner of the array only. metrics_sum: any process that has the mapping.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

enum metric {
#define METRIC(name, kind, scope, help) METRIC_##name,
#include "metrics/metrics.def"
#undef METRIC
	METRIC_REFUSED, /* + enum reason */
	METRIC_COUNT = METRIC_REFUSED + REASON_COUNT
};

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE };
enum metric_scope { METRIC_SCOPE_PER_WORKER, METRIC_SCOPE_CONTROL };

/* One writer; readers of other threads and processes read each value with a relaxed load. */
struct metrics {
	uint64_t value[METRIC_COUNT];
} __attribute__((aligned(64)));

static inline void metric_add(struct metrics *m, unsigned id, uint64_t n)
{
	/* Relaxed: one writer; pairs with the load in metrics_sum(). */
	__atomic_store_n(&m->value[id], m->value[id] + n, __ATOMIC_RELAXED);
}

static inline void metric_inc(struct metrics *m, unsigned id)
{
	metric_add(m, id, 1);
}

static inline void metric_sub(struct metrics *m, unsigned id, uint64_t n)
{
	metric_add(m, id, 0 - n);
}

static inline void metric_refused(struct metrics *m, enum reason why)
{
	metric_inc(m, METRIC_REFUSED + why);
}

uint64_t    metrics_sum(const struct metrics arrays[], unsigned workers, unsigned id);
const char *metric_name(unsigned id); /* "smpp_pdus_in"; "refused" for METRIC_REFUSED and above */
const char *metric_help(unsigned id);
enum metric_kind  metric_kind(unsigned id);
enum metric_scope metric_scope(unsigned id);
