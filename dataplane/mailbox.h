/*
 * Questions of the management thread to a worker: one at a time, answered with at most MAILBOX_ROWS
 * rows in a turn. The management thread waits (sleeping) for the answer; the worker looks at one
 * word per turn.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg/msg.h"
#include "net/net.h"
#include "proto/proto.h"
#include "tcp/tcp.h"
#include "world/address.h"

struct worker;

#define MAILBOX_ROWS 64u

enum mailbox_state { MAILBOX_EMPTY, MAILBOX_ASKED, MAILBOX_ANSWERED };
enum mailbox_kind {
	MAILBOX_SESSIONS,
	MAILBOX_CLOSE,
	MAILBOX_GONE,   /* its user is no more: it ends at once */
	MAILBOX_NOTICE, /* control has something for its user */
	MAILBOX_CONNECTIONS,
	MAILBOX_OTHER_CONNECTIONS, /* those without a handle: half open, and in TIME_WAIT */
	MAILBOX_CLOSED_CONNECTIONS,
	MAILBOX_CONNECTION,
	MAILBOX_DOMAINS,
	MAILBOX_DOMAIN_RETRY
};

struct mailbox_session {
	struct session_ref ref;
	uint8_t            role, state, may, logged_in, detached;
	const char        *transport; /* "udp", "tcp", "ws" */
	uint32_t           account, peer, queued, open, window_used;
	uint64_t           since_ms, msgs_in, msgs_out;
	struct net_addr    remote;
	uint16_t           remote_port;
	bool               has_party; /* the protocol says who it is */
	struct proto_party party;
};

struct mailbox_connection {
	uint32_t           handle; /* TCP_CONN_NONE: it has none */
	bool               closed, has_session;
	struct session_ref session;
	uint32_t           account, peer;
	struct tcp_info    info;
};

struct mailbox_domain {
	uint8_t            state, why; /* enum domain_state; enum reason of the last failure */
	bool               searched;   /* CONNECTING: where it is is not known yet */
	struct session_ref session;    /* CONNECTING, UP */
	uint32_t           waiting, failures;
	uint64_t           retry_us; /* until it is tried again; 0: when there is something */
	char               name[WORLD_DOMAIN_SIZE_MAX + 1];
};

struct mailbox {
	_Atomic uint32_t state; /* release when handed over, acquire when taken, both ways */
	uint32_t         kind;
	uint32_t from; /* lists: first index to look at; set to where to go on, UINT32_MAX: the
			  end. CONNECTION: the handle */
	struct session_ref ref;                               /* CLOSE, GONE, NOTICE */
	char               domain[WORLD_DOMAIN_SIZE_MAX + 1]; /* DOMAIN_RETRY */
	uint32_t count; /* rows filled; CLOSE, NOTICE, CONNECTION, DOMAIN_RETRY: 1 when it was there
			 */
	struct mailbox_session    rows[MAILBOX_ROWS];
	struct mailbox_connection connections[MAILBOX_ROWS];
	struct mailbox_domain     domains[MAILBOX_ROWS];
	uint64_t                  asked_us; /* CONNECTION: the worker's time */
	uint32_t                  record_count;
	struct tcp_trace_entry    records[TCP_TRACE_ENTRIES_MAX];
};

void mailbox_turn(struct worker *w); /* worker */
/* Management thread; false when the worker does not answer within a second. The answer is in
 * w->mailbox until the next question. */
bool mailbox_ask(struct worker *w, enum mailbox_kind kind, uint32_t from, struct session_ref ref);
bool mailbox_ask_domain(struct worker *w, struct str domain); /* DOMAIN_RETRY */
