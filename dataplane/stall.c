#include "stall.h"

#include <inttypes.h>

#include "base/log.h"

static void look(struct stall *s, const struct metrics *array, unsigned worker, uint64_t now_ms)
{
	uint64_t turns = metrics_sum(array, 1, METRIC_turns);

	if (!s->known || turns != s->turns) {
		if (s->stalled)
			log_info("worker.turns_again", "worker=%u stalled_ms=%" PRIu64, worker,
				 now_ms - s->moved_ms);
		*s = (struct stall){.turns = turns, .moved_ms = now_ms, .known = true};
	} else if (!s->stalled && now_ms - s->moved_ms >= STALL_MS) {
		s->stalled = true;
		log_error("worker.stalled", "worker=%u turns=%" PRIu64, worker, turns);
	}
}

unsigned stalls_look(struct stall stalls[], const struct metrics arrays[], unsigned workers,
		     uint64_t now_ms)
{
	unsigned stalled = 0;

	for (unsigned w = 0; w < workers; w++) {
		look(&stalls[w], &arrays[w], w, now_ms);
		stalled += stalls[w].stalled;
	}
	return stalled;
}
