#include "metrics/metrics.h"

#include "base/assert.h"

static const struct {
	const char       *name, *help;
	enum metric_kind  kind;
	enum metric_scope scope;
} descriptions[METRIC_REFUSED] = {
#define METRIC(name, kind, scope, help)                                                            \
	[METRIC_##name] = {#name, help, METRIC_KIND_##kind, METRIC_SCOPE_##scope},
#include "metrics/metrics.def"
#undef METRIC
};

uint64_t metrics_sum(const struct metrics arrays[], unsigned workers, unsigned id)
{
	uint64_t sum = 0;

	ASSERT(id < METRIC_COUNT);
	for (unsigned w = 0; w < workers; w++)
		sum += __atomic_load_n(&arrays[w].value[id], __ATOMIC_RELAXED);
	return sum;
}

const char *metric_name(unsigned id)
{
	ASSERT(id < METRIC_COUNT);
	return id < METRIC_REFUSED ? descriptions[id].name : "refused";
}

const char *metric_help(unsigned id)
{
	ASSERT(id < METRIC_COUNT);
	return id < METRIC_REFUSED ? descriptions[id].help
				   : reason_text((enum reason)(id - METRIC_REFUSED));
}

enum metric_kind metric_kind(unsigned id)
{
	return id < METRIC_REFUSED ? descriptions[id].kind : METRIC_KIND_COUNTER;
}

enum metric_scope metric_scope(unsigned id)
{
	return id < METRIC_REFUSED ? descriptions[id].scope : METRIC_SCOPE_PER_WORKER;
}
