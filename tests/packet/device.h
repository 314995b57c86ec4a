/*
 * The stack under test: one struct net and one struct tcp between an in-memory port and a scripted
 * application, in virtual time.
 */
#pragma once

#include "script.h"

#define DEVICE_PORT 2775u /* where scripts listen */
#define DEVICE_FLOWS 16u  /* @1 to @15; 0 is for floods */
#define DEVICE_FLOOD_PORT 50000u
#define DEVICE_VLAN 77u /* in variants that have one */
#define DEVICE_OUT_MAX 256u
#define DEVICE_EVENTS_MAX 64u
#define DEVICE_LOG 16u
#define DEVICE_DATAGRAMS_MAX 64u

struct device_out {
	struct frame frame;
	const char  *wrong; /* what no frame may be */
	uint64_t     at_us;
};

struct device_event {
	struct tcp_event event;
	unsigned         flow;
	bool             seen;
};

struct device_datagram {
	uint16_t    ports[2]; /* source, destination */
	size_t      size;
	const char *wrong; /* what no datagram may be */
};

struct device_udp_error {
	uint16_t ports[2]; /* ours, theirs */
	uint8_t  type, code;
};

struct device_log {
	struct frame frame;
	uint64_t     at_us;
	bool         in;
};

struct device;

/* Who listens to a run, to make something else of it. */
struct ears {
	void (*in)(void *context, const struct device *d, const uint8_t *bytes, size_t size);
	void (*out)(void *context, const struct device *d, const uint8_t *bytes, size_t size);
	void (*step)(void *context, const struct device *d, const struct step *step, int64_t n);
	void *context;
};

struct device {
	const struct script    *script;
	uint32_t                traits;
	struct hosts            hosts;
	struct net             *net;
	struct tcp             *tcp;
	struct metrics         *metrics;
	struct now              now;
	uint64_t                start_us, next_us;
	struct flow             flows[DEVICE_FLOWS];
	unsigned                found; /* the flow of the frame being read */
	struct device_out       out[DEVICE_OUT_MAX];
	unsigned                out_first, out_count;
	struct device_event     events[DEVICE_EVENTS_MAX];
	unsigned                event_count;
	struct device_datagram  datagrams[DEVICE_DATAGRAMS_MAX];
	struct device_udp_error udp_errors[DEVICE_DATAGRAMS_MAX];
	unsigned                datagram_count, udp_error_count;
	struct rte_mbuf        *burst[NET_BURST_MAX];
	unsigned                burst_count;
	struct rte_mbuf        *squeezed[1024];
	unsigned                squeezed_count;
	struct device_log       log[DEVICE_LOG];
	unsigned                logged;
	bool                    lost_count; /* more frames or events than there is room for */
	const struct ears      *ears;       /* NULL: nobody listens */
};

/* Once a process: EAL and pools. false: they cannot be had. */
bool device_init(void);

void device_begin(struct device *d, const struct script *script, uint32_t traits,
		  uint64_t start_us);
/* All memory back; NULL, or what is missing. */
const char *device_end(struct device *d);

/* Takes in what device_frame() gathered, then timers, events and output of this instant. */
void device_turn(struct device *d);
void device_frame(struct device *d, const struct frame *frame);
/* Timers up to and including until_us, or until a frame left. */
void device_pass(struct device *d, uint64_t until_us);
/* The same, but what is due at until_us itself waits for what comes in then. */
void device_pass_before(struct device *d, uint64_t until_us);

bool device_listen(struct device *d, const struct step *step);
bool device_connect(struct device *d, const struct step *step);
/* NULL, or what was read that the peer did not send there. */
const char *device_read(struct device *d, struct flow *flow, size_t n);
size_t      device_send(struct device *d, struct flow *flow, size_t n);
void        device_squeeze(struct device *d, unsigned percent);

uint32_t device_mss(const struct device *d, const struct flow *flow);
uint32_t device_offer(const struct device *d);

/* device_udp.c. The strings: NULL, or what is wrong with the first that came, which is then gone.
 */
bool        device_bind(struct device *d, uint16_t port);
void        device_unbind(struct device *d, uint16_t port);
bool        device_datagram(struct device *d, const struct step *step, size_t n);
void        device_udp_take(struct device *d);
const char *device_received(struct device *d, const struct step *step, size_t n);
const char *device_udp_told(struct device *d, const struct step *step);
