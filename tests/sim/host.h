/*
 * The remote machine of a simulation or a benchmark: one stack, SMPP sessions as ESMEs (connecting)
 * and as SMSCs (accepting), each message numbered and its fate recorded. It is made of the same
 * libraries as the dataplane; what independent peers think is the interop suite's matter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "msg/msg.h"
#include "net/net.h"
#include "net/udp.h"
#include "proto/proto.h"
#include "tcp/tcp.h"

#include "wire.h"

#define HOST_SESSIONS_MAX 256u

enum host_role { HOST_ESME, HOST_SMSC };

struct host_session {
	enum host_role role;
	uint32_t       tcp;
	bool           open, up, ready;
	uint32_t       need;
	void          *state; /* of the protocol */
	unsigned       in_flight;
	char           identity[17]; /* SMSC: who logged in */
};

struct host;

/* What a test plugs in; any may be NULL. */
struct host_hooks {
	/* ESME: fill the next message to submit; false: none now. */
	bool (*next)(struct host *h, struct host_session *s, struct msg *m, uint64_t *token);
	void (*result)(struct host *h, struct host_session *s, uint64_t token,
		       const struct result *r);
	/* A message came in: fill the answer; false: no answer (a silent SMSC). The host frees m
	 * afterwards. */
	bool (*message)(struct host *h, struct host_session *s, struct msg *m,
			struct result *answer);
	/* SMSC: somebody logs in. */
	enum reason (*login)(struct host *h, struct host_session *s,
			     const struct proto_login *login);
	/* What comes for a port of host_udp_listen(), and for connections whose user is
	 * HOST_SESSIONS_MAX or more. */
	void (*datagram)(struct host *h, const struct net_udp_datagram *d);
	void (*tcp_event)(struct host *h, const struct tcp_event *event);
};

struct host_config {
	struct wire        *wire;
	struct rte_mempool *pool;
	uint64_t            seed;
	struct host_hooks   hooks;
	unsigned            window;
	uint32_t            connections_max;
	void               *user;
};

struct host {
	struct host_config  config;
	struct now          now;
	struct net         *net;
	struct tcp         *tcp;
	struct metrics      metrics;
	void               *instance, *blocks, *pool_memory;
	struct msg_pool    *msgs;
	struct msg         *spare;
	struct host_session sessions[HOST_SESSIONS_MAX];
	unsigned            session_count;
	uint8_t            *out_room;
	uint64_t            submitted, answered, received;
};

int  host_init(struct host *h, const struct host_config *config);
void host_free(struct host *h);
/* 198.18.0.2 connects to 198.18.0.1:port, and binds as system_id. */
bool host_connect(struct host *h, struct now now, uint16_t port, const char *system_id,
		  const char *password, unsigned wants);
int  host_listen(struct host *h, uint16_t port);
void host_udp_listen(struct host *h, uint16_t port);
void host_udp_send(struct host *h, uint16_t from, uint16_t to, const void *bytes, size_t n);
/* A connection of the test's own, from the host to the dataplane. */
uint32_t host_tcp_connect(struct host *h, uint16_t port, uint64_t user);
void     host_tcp_listen(struct host *h, uint16_t port, uint32_t user);
/* One turn: packets, sessions, submissions while windows have room. */
void host_turn(struct host *h, struct now now);

/* Beside the hooks. Submit a message of msg_new(h->msgs): submit_sm of an ESME, deliver_sm of an
 * SMSC; takes m. */
void host_submit(struct host *h, struct host_session *s, struct msg *m, uint64_t token);
/* The answer to a message for which the hook gave none; token: the message's. */
void host_answer(struct host *h, struct host_session *s, uint64_t token,
		 const struct result *answer);
/* The connection ends at once, by a reset. */
void host_reset(struct host *h, struct host_session *s);
void host_listen_stop(struct host *h, uint16_t port);
