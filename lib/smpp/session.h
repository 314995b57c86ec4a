/*
 * An SMPP session, either side of it: struct proto_ops by the contract of proto/proto.h. Requests
 * that wait for an answer are blocks of the instance's pool, found by (session, sequence) in one
 * hash table and kept in order of their deadlines in a list a session. Belongs to one worker; no
 * memory, no clock, no I/O.
 */
#pragma once

#include "proto/proto.h"
#include "smpp/pdu.h"

extern const struct proto_ops smpp_ops;

enum smpp_state {
	SMPP_STATE_OPEN,      /* accepted: a bind is awaited; connecting: its answer */
	SMPP_STATE_LOGIN,     /* accepted: EVENT_LOGIN was given, login() is awaited */
	SMPP_STATE_BOUND,     /* as .may says: transmitter, receiver or both */
	SMPP_STATE_PARTING,   /* by our wish: open requests are finished, then unbind */
	SMPP_STATE_UNBINDING, /* our unbind is out, its answer is awaited */
	SMPP_STATE_UNBOUND, /* the peer's unbind is in: what is open is finished, then the answer */
	SMPP_STATE_CLOSED,
	SMPP_STATE_COUNT
};

/* At most, for what is open when a side unbinds, and for the answer to our unbind. */
#define SMPP_PART_US (5 * US_PER_SECOND)
/* When the instance had no block for a request: how soon to try again. */
#define SMPP_POOL_WAIT_US (10 * US_PER_MS)
/* The longest answer that feed() writes by itself. */
#define SMPP_ANSWER_ROOM 128u
