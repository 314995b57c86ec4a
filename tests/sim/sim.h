/*
 * A whole dataplane in one thread: workers, wire, host and clock, all in virtual time and seeded.
 * Also the base of the benchmark, where the same turns are timed with the real counter.
 */
#pragma once

#include "../../dataplane/directory.h"
#include "../../dataplane/fault.h"
#include "../../dataplane/worker.h"

#include "host.h"
#include "wire.h"

struct sim_config {
	unsigned             workers;
	uint64_t             seed;
	unsigned             loss_per_mille;
	unsigned             window;          /* of the host's sessions */
	uint32_t             messages_max;    /* 0: 16,384 */
	uint32_t             connections_max; /* 0: 1,024; of the host, too */
	uint32_t             rto_min;         /* ms; 0: what TCP has of itself */
	bool                 forward_all;     /* also when the variable CPM_FORWARD_ALL is set */
	struct conf_fault    faults; /* of the port, both directions; on top of the wire's loss */
	struct host_hooks    hooks;
	const struct ledger *ledger; /* or NULL */
	bool sip;      /* a listener for it, too: port 5060, UDP and TCP, port 5080 for WebSockets,
			  domain example.org */
	bool sip_open; /* that lets everybody register and send */
	/* Listeners for XMPP, domain example.org: port 5222 and so many that follow, the first at
	 * port 5280 for WebSockets, too; for more
	 * connections than one has ports. */
	unsigned    xmpp;
	uint16_t    msrp_port;     /* of the listener of SIP; 0: none */
	bool        chat_first;    /* likewise */
	const char *service_route; /* likewise, or NULL */
	uint16_t    languages;     /* likewise, TEXT_LANGUAGE_BIT */
	const char *state_dir;     /* where registrations are kept, or NULL */
	/* Keys and certificates; NULL and 0: none. */
	const struct conf_stir        *stir;
	unsigned                       certificate_count;
	const struct conf_certificate *certificates;
};

struct sim {
	struct conf_file        file;
	struct dataplane        dp;
	struct metrics         *metrics;
	struct dataplane_config config;
	struct wire             wire;
	struct faults          *faults;
	struct host             host;
	struct now              now;
	uint64_t                version;
	uint64_t                next_us[NET_WORKERS_MAX];
	bool                    busy;      /* somebody had work in the last step */
	bool                    host_dead; /* it takes no turn, and what is sent to it is lost */
	void (*control)(struct sim *s);    /* answers what it was asked; NULL: nobody does */
};

/* EAL for a test process: no huge pages, no devices. Once. */
void sim_eal(void);

void sim_new(struct sim *s, const struct sim_config *config);
void sim_free(struct sim *s);
/* The dataplane is killed, and another begins with this ledger; the world is gone with it. */
void sim_killed(struct sim *s, const struct ledger *ledger);

/* Put an apply file's text in force: whole, as the first or the next world. */
void sim_apply(struct sim *s, const char *yaml);
/* The change from one text, which is in force, to another: only what differs, as control would send
 * it. Of rules the first has none where the other has some. */
void sim_change(struct sim *s, const char *from, const char *to);

/* The same in two steps, for those who add to the delta: begin with the objects of the text, then
 * end and publish. */
struct sim_delta {
	struct world_delta delta;
	uint64_t           checksum;
};
void sim_delta_begin(struct sim *s, struct sim_delta *d, const char *yaml);
void sim_delta_put(struct sim_delta *d, enum conf_kind kind, const void *object);
/* Returns the microseconds from publication to the last quiescent state. */
uint64_t sim_delta_publish(struct sim *s, struct sim_delta *d);

/* All workers and the host take a turn; time moves on by step_us. */
void sim_step(struct sim *s, uint64_t step_us);
/* Steps of 100 us, longer ones while nobody has work, until done() says so; false when us have
 * passed without. */
bool     sim_until(struct sim *s, bool (*done)(struct sim *s), uint64_t us);
void     sim_pass(struct sim *s, uint64_t us);
uint64_t sim_metric(const struct sim *s, unsigned id);
