/*
 * The file run_dir/connections: the ledgers of all workers (tcp/ledger.h), and what a predecessor
 * that was killed left in it. Main thread, but for ledger_turn().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/now.h"
#include "tcp/ledger.h"

struct worker;

struct ledger {
	char                    path[128];
	void                   *map; /* NULL: none could be made; connections go without */
	size_t                  size;
	uint32_t                lines;     /* of each worker */
	struct tcp_ledger_line *inherited; /* in the file, else in: */
	void                   *inherited_memory;
	uint32_t                inherited_count;
};

/*
 * Take what a predecessor left, and begin a new file, in which those lines stay until their peers
 * are reset or given up: so they outlive one who is killed meanwhile. A file that is damaged or
 * another's is refused, logged and replaced. What cannot be made is logged, and done without: a
 * dataplane without ledger is better than none.
 */
void ledger_open(struct ledger *l, const char *run_dir, unsigned workers, uint32_t connections_max);
/* In order: nobody is left to be reset. */
void ledger_close(struct ledger *l);

/* What is inherited from a file of these bytes: NULL, or what is wrong with it. */
const char *ledger_take(struct ledger *l, const void *bytes, size_t size);

struct tcp_ledger_line *ledger_of(const struct ledger *l, unsigned worker);

/* A worker's share of what was inherited, before it listens. */
struct inheritance {
	struct tcp_ledger_line *lines;             /* NULL: nothing, or done */
	uint32_t                count, next, kept; /* kept: those to be tried again */
	uint32_t                reset;
	uint64_t                begun_us, until_us;
};

void inheritance_init(struct inheritance *i, const struct ledger *l, unsigned worker,
		      unsigned workers);
/* Reset some of the peers. Returns whether more are to be. */
bool inheritance_turn(struct worker *w);
