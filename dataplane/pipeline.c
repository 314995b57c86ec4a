#include "pipeline.h"

#include <rte_cycles.h>

#include "base/assert.h"

#include "worker.h"

static const struct {
	const char *name;
	void (*run)(struct worker *w, struct item items[], unsigned n);
} stages[STAGE_COUNT] = {
	[STAGE_ADMIT] = {"admit", stage_admit},
	[STAGE_RULES] = {"rules", stage_rules},
	[STAGE_ROUTE] = {"route", stage_route},
	[STAGE_DELIVER] = {"deliver", stage_deliver},
};

const char *stage_name(enum stage stage)
{
	ASSERT(stage < STAGE_COUNT);
	return stages[stage].name;
}

void pipeline_add(struct worker *w, struct msg *m)
{
	struct pipeline *p = &w->pipeline;

	metric_inc(w->metrics, METRIC_messages_in);
	p->items[p->count++] = (struct item){.msg = m, .rule_route = UINT32_MAX};
	if (p->count == PIPELINE_BURST)
		pipeline_run(w);
}

void pipeline_run(struct worker *w)
{
	struct pipeline *p = &w->pipeline;
	struct item      items[PIPELINE_BURST];
	unsigned         n = p->count;
	uint64_t         start, end;

	if (n == 0)
		return;
	memcpy(items, p->items, n * sizeof(items[0]));
	p->count = 0; /* what an answer sets free may bring new messages in; they wait for the next
			 run */
	start = rte_rdtsc();
	for (unsigned s = 0; s < STAGE_COUNT && n > 0; s++) {
		unsigned kept = 0;

		stages[s].run(w, items, n);
		for (unsigned i = 0; i < n; i++) {
			if (items[i].msg != NULL)
				items[kept++] = items[i];
		}
		n = kept;
		end = rte_rdtsc();
		p->cycles[s] += end - start;
		start = end;
	}
	ASSERT(n == 0);
}
