/*
 * Faults for the laboratory: what a bad link does to packets, between the device of a port and its
 * workers. The management thread says which (`cpmctl port fault`); each worker's packets pass
 * through lines of its own, which nobody else touches. Rates are per thousand packets, seeded, so
 * that a run can be repeated. After a restart all are off.
 *
 * A packet that is delayed or held back waits in a heap of its line, bounded: one too many is lost
 * and counted. Corruption turns one bit of an IP packet, which every checksum finds; frames of ARP,
 * which have none, are left alone.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "conf/model.h"
#include "metrics/metrics.h"

struct fault_line;

struct faults {
	_Atomic uint32_t    version; /* release after the fields below; acquire by workers */
	_Atomic uint32_t    loss, duplicate, reorder, corrupt, delay, direction, seed;
	unsigned            workers;
	struct fault_line **lines; /* [2 * workers]: received, sent */
};

/* Management or main thread; all off. pools[w]: where worker w takes copies from; metrics[w]: where
 * it counts. NULL: no memory. */
struct faults *faults_new(unsigned workers, struct rte_mempool *const pools[],
			  struct metrics metrics[]);
void           faults_free(struct faults *f); /* when no worker runs; what is held is freed */

/* Management thread: in force with the worker's next burst. */
void faults_set(struct faults *f, const struct conf_fault *wanted);
/* What was set last: "loss=10 delay=500 direction=rx"; "" when all are off. */
void faults_print(const struct faults *f, char *room, size_t size);

/*
 * Worker: packets go in and come out again, maybe fewer, more, later, in another order or changed.
 * faults_put() takes all n. faults_take() gives at most max that are due at now_us.
 */
enum fault_direction { FAULT_RX, FAULT_TX };
void     faults_put(struct faults *f, unsigned worker, enum fault_direction d, uint64_t now_us,
		    struct rte_mbuf *const pkts[], unsigned n);
unsigned faults_take(struct faults *f, unsigned worker, enum fault_direction d, uint64_t now_us,
		     struct rte_mbuf *pkts[], unsigned max);
/* What the device did not take after faults_take(): comes out first the next time. */
void faults_return(struct faults *f, unsigned worker, enum fault_direction d,
		   struct rte_mbuf *const pkts[], unsigned n);
