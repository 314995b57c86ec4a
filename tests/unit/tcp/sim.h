/*
 * Two stacks and a bad wire in virtual time: what the files of the simulator share. A run is a
 * seed, from which a configuration is drawn first, so that one fault can be left out (sim.off) and
 * all else stays as it was; wire and applications then draw from numbers of their own.
 */
#pragma once

#include "rig.h"

#include <unistd.h>

#include "tcp/conn.h"
#include "tcp/segment.h"

#define CONNS 6u
#define APPS                                                                                       \
	(4 * CONNS) /* a late duplicate of a cookie's acknowledgement may open a connection again, \
		       to no avail */
#define FRAMES_MAX 8192u
#define PORT 2775u

/* What a run may have, each of which can be left out. */
enum knob {
	LOSS,
	BURST,
	ONCE,
	HUNT,
	DUPLICATE,
	REORDER,
	DAMAGE,
	JITTER,
	RATE,
	LATE_FREE,
	CHAINS,
	SQUEEZE,
	ABORT,
	PAUSE,
	NO_SACK,
	NO_TIMESTAMPS,
	WRAP,
	NAGLE,
	COOKIES,
	NEWRENO,
	TICK_WRAP,
	IP6,
	HALF_CLOSE,
	KNOB_COUNT
};

struct frame {
	struct rte_mbuf *mbuf;
	uint64_t         due_us, serial;
	unsigned         to; /* 2: a port that frees late what it sent */
};

struct app {
	uint32_t    conn;
	bool        open, closed, ended, closing;
	bool        our_end; /* tcp_end() was called: nothing more is sent, all is read */
	uint32_t    to_send, sent, received, expected;
	uint64_t    stream;    /* which bytes */
	uint64_t    paused_us; /* until when nothing is read */
	uint64_t    closed_us;
	enum reason why;
};

struct direction {
	uint64_t bad_until_us;
	uint64_t free_us; /* when the line has sent all that waits */
	uint32_t frames;  /* with data */
	uint32_t hunted;  /* the number that HUNT drops */
	unsigned hunts_left;
	bool     hunting, bad; /* bad: in a burst of loss */
};

struct edge {          /* what one end told the other of its window */
	uint16_t port; /* of the client */
	bool     known, over, ended[2], scaled[2], has_edge[2];
	uint8_t  scale[2];
	uint32_t edge[2];
};

struct sim {
	struct rig_end   end[2];
	struct random    draw, wire, play;
	struct frame     frames[FRAMES_MAX]; /* a heap by time */
	unsigned         frame_count, late_count;
	uint64_t         frame_serial;
	struct direction direction[2];
	struct app       apps[2][APPS];
	struct edge      edges[CONNS * 2];
	uint64_t         app_us[2], start_us, progress_us, steps;
	uint64_t         seed, progress;
	uint32_t         off;   /* knobs left out */
	unsigned         conns; /* that the client opens */
	uint32_t         bytes_max;
	unsigned         loss, burst, duplicate, reorder, damage; /* of 1000 */
	uint32_t         once[2], hunt[2];                        /* which frame with data */
	uint32_t         delay_us, jitter_us, rate;               /* bytes a ms; 0: no limit */
	bool late_free, chains, squeezes, aborts, pauses, half_closes, no_sack, no_timestamps;
	struct tcp_options options[2];
	struct rte_mbuf   *squeezed[8191]; /* taken away, so that memory is short */
	unsigned           squeeze;
};

static struct sim sim;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("seed %llu, %s:%d: not so: %s\n", (unsigned long long)sim.seed,     \
			       __FILE__, __LINE__, #condition);                                    \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static inline bool one_in_1000(struct random *random, unsigned n)
{
	return n > 0 && random_below(random, 1000) < n;
}

/* Drawn whether it is left out or not, so that the next draw is the same. */
static inline bool has(enum knob knob, unsigned one_in)
{
	return random_below(&sim.draw, one_in) == 0 && !(sim.off & 1u << knob);
}
