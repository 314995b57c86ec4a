/*
 * What the benchmarks of the whole dataplane share: texts, a world of rules and routes, and turns
 * of worker and peers in one thread, of which only the worker's are timed. One simulation at a
 * time.
 */
#pragma once

#include "base/random.h"

#include "sim.h"

#define RIG_TEXTS 100000u
#define RIG_TEXT_SIZE 160u
#define RIG_ROUTES 1000000u /* "+46" and six digits */

struct rig {
	uint64_t      submitted;
	uint32_t      routes;
	struct random random;
	bool          json, brief;
	const char   *only;
	uint64_t      limit; /* submitted; 0: none */
	void (*offer)(void); /* before each turn of the host: what else it sends; or NULL */
	char (*texts)[RIG_TEXT_SIZE];
	uint64_t rules_digest; /* of the rules in force */
};

extern struct sim sim;
extern struct rig bench;

/* --json, --short and the beginning of the names of the rows wanted; EAL; this thread is known to
 * RCU. */
void rig_init(int argc, char **argv);
bool rig_wanted(const char *name);

/* The next recipient and the next text; false: the limit is reached. */
struct rig_message {
	char        to[16];
	const char *text; /* RIG_TEXT_SIZE */
	uint64_t    number;
};
bool rig_next(struct rig_message *message);
/* For struct host_hooks: what rig_next() gives as a text in the GSM alphabet. */
bool rig_next_hook(struct host *h, struct host_session *s, struct msg *m, uint64_t *token);

/* A simulation and its world: so many rules, and routes that all go to the peer via. */
struct rig_world {
	struct sim_config sim;
	const char       *parties, *via;
	unsigned          rules;
	uint32_t          routes;
};
void rig_begin(const struct rig_world *world);
/* All that is open is answered; then it goes. */
void rig_end(void);
void rig_rules_add(struct sim_delta *d, unsigned count, unsigned generation);

struct figures {
	uint64_t messages, cycles, worker_cycles[NET_WORKERS_MAX], stage_cycles[STAGE_COUNT],
		longest_turn;
};

struct now rig_now(void);
/* One turn of a worker; returns its cycles, without what the machine ran in between. */
uint64_t rig_turn(unsigned w, struct now now, bool *busy);
/* Until so many messages more are answered. f: or NULL. */
void rig_turns(struct figures *f, uint64_t messages);
void rig_measure(struct figures *f, uint64_t messages);
void rig_head(void); /* of the table */
void rig_row(const char *name, const char *note, unsigned workers, const struct figures *f);
