/*
 * A stream of a client (RFC 6120, 6121), by the contract of proto/proto.h: negotiation with SASL,
 * binding of a resource, messages both ways, presence, the roster and the block list (XEP-0191),
 * which control keeps; requests and presence that name another client go to it as they are. A
 * message to an account goes to its best resource, and to the next where that does not take it
 * (RFC 6121, 8.5.2.1.1); a headline and presence to all. Whom a stanza is from is said by us
 * alone. Acknowledgements by XEP-0198, without resumption. Belongs to one worker; no memory, no
 * clock, no I/O.
 */
#pragma once

#include "proto/proto.h"

extern const struct proto_ops xmpp_ops;

enum xmpp_state {
	XMPP_STATE_OPEN, /* the head of a stream is awaited */
	XMPP_STATE_AUTH, /* the client is to authenticate */
	XMPP_STATE_BIND, /* it has, and is to bind a resource */
	XMPP_STATE_UP,
	XMPP_STATE_LEAVING, /* without a connection: others are told that it is gone */
	XMPP_STATE_CLOSED,
	XMPP_STATE_COUNT
};

#define XMPP_ITEM_SIZE_MAX 65536u /* of a stanza */
#define XMPP_ITEM_STRANGER 10000u /* of a client that has not authenticated (RFC 6120, 13.12) */
#define XMPP_ANSWER_ROOM 8192u    /* the longest that feed() writes by itself */
#define XMPP_OUT_SIZE_MAX 98304u
#define XMPP_TRIES_MAX 3u /* to authenticate (RFC 6120, 6.4.5) */
#define XMPP_POOL_WAIT_US (100 * US_PER_MS)
