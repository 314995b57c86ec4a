/*
 * Connections: where a way of bytes and a protocol session meet: a TCP connection, or the datagrams
 * of a listener or to a peer (datagram.h). Bytes in are lent to the
 * session's feed(), its events go to the pipeline and to deliveries, bytes out go to TCP. A
 * connection belongs to one worker for life and has an index and a generation (struct session_ref).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "proto/proto.h"
#include "registry/registry.h"
#include "tcp/tcp.h"
#include "world/world.h"

#include "link.h"

struct worker;
struct ask;
struct conn_ws;

#define CONN_ITEMS_PER_TURN 256u
#define CONN_BUFFER_MAX (256u * 1024u) /* of TCP, each way */
#define CONN_WS_SEND_MAX                                                                           \
	(2u * CONN_BUFFER_MAX)       /* the same of WebSockets: sent with more around it */
#define CONN_USER_MEDIA (1ull << 41) /* of tcp users: a listener's, for its streams of media */
#define CONN_USER_WS (1ull << 42)    /* the same for its WebSockets */
#define CONN_WHEEL_SLOTS 1024u       /* of 8 ms */
#define CONN_ANSWER_ROOM                                                                           \
	4096u /* of send room without which nothing more is read from a session                    \
	       */

enum conn_state {
	CONN_FREE,
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_CLOSING /* the session is closed, TCP not yet */,
	CONN_LEAVING, /* TCP is gone, the session says its last (proto.h, outlive) */
	CONN_STATE_COUNT
};

struct conn {
	const struct proto_ops *ops;
	void                   *session;
	struct conn_ws         *ws; /* it is a WebSocket; NULL: its bytes are the protocol's own */
	uint32_t                tcp;
	uint16_t                generation;
	uint8_t                 state, protocol, role;
	bool                    logged_in, parting, dirty, again, datagram,
		registers,   /* something is reached over it: a stream */
		media,       /* accepted where streams of media are taken */
		detached,    /* the session goes on, its connection is gone */
		waits,       /* feed() said WAIT: not read until it is touched */
		beside,      /* the stream beside a peer's datagrams: nobody chooses it as a link */
		server,      /* another server's, which came */
		federated,   /* of a peer that stands for all servers: to one domain of many */
		blocked;     /* blocked: waits for EVENT_READY or TCP_EVENT_WRITABLE */
	uint8_t  unsent_why; /* enum reason: of what waits when it ends */
	uint8_t  may;        /* PROTO_SENDS | PROTO_RECEIVES */
	uint32_t account, peer; /* slots, or MSG_SLOT_NONE */
	uint32_t need;          /* bytes that feed() asked for */
	uint64_t owner_digest;  /* of the configuration that the session was opened by */
	uint32_t followed; /* the round in which its account or peer was last looked at (session.h)
			    */
	struct link_group *group; /* where it publishes, or NULL */
	uint8_t            line, link_index;
	uint32_t           queue_head, queue_tail, queued, queue_max,
		open; /* deliveries that wait; that are sent and unanswered */
	uint32_t deliveries_taken,
		requeued_last; /* order of the next delivery; the one requeued last, or
				  DELIVERY_NONE when it left the queue */
	uint64_t           throttled_until_us;
	struct flow        flow;  /* the other side; of a listener's datagrams: 0 */
	struct flow        local; /* datagrams: where they leave from */
	struct list        wheel;
	uint64_t           due_us, slot_us; /* next deadline; where the wheel has it */
	uint64_t           since_ms, msgs_in, msgs_out;
	unsigned           asked;   /* questions that are not all told (ask.h) */
	struct ask        *telling; /* the one that is being told, or NULL */
	uint64_t           dial;    /* asked for by a session: its token; 0: not */
	struct session_ref dialler; /* and which that is */
	uint32_t           search;  /* 1 + where it may be; 0: it is known, or made (search.h) */
	uint32_t           domain;  /* 1 + what it goes to; 0: a peer, or nobody (domain.h) */
};

/* Session of a peer that this worker is to keep up. */
struct peer_link {
	uint32_t conn;     /* index + 1; 0: none */
	uint32_t failures; /* in a row; of all its addresses, where it has several */
	uint32_t tried;    /* addresses since a session was up */
	uint64_t retry_us;
};

struct conns {
	struct conn *table;
	uint32_t     detached;                              /* of them */
	uint32_t     max, used_high, free_head, *free_next; /* by index; UINT32_MAX ends the list */
	uint8_t     *sessions[PROTO_COUNT]; /* of each protocol, by index, in its own size: zeroed
					       pages */
	size_t            session_size[PROTO_COUNT];
	struct conn_ws   *ws;                 /* by index; zeroed pages */
	uint8_t          *ws_room;            /* the message that is fed */
	uint32_t         *dirty, dirty_count; /* touched in this turn */
	uint32_t         *again, again_count; /* input was left for the next turn */
	uint32_t         *again_now;
	struct list       wheel[CONN_WHEEL_SLOTS];
	uint64_t          wheel_tick;
	struct peer_link *peers;   /* [WORLD_PEERS_MAX * LINKS_PER_TARGET], zeroed pages */
	struct peer_link *streams; /* [WORLD_PEERS_MAX], those beside datagrams; the same */
};

int  conns_init(struct worker *w, uint32_t max);
void conns_free(struct worker *w);

void conn_tcp_event(struct worker *w, const struct tcp_event *event);
void conns_again(struct worker *w); /* go on with what the last turn left; after a low pool, too */
void conns_tick(struct worker *w);  /* due timers, connections to peers */
void conns_end_turn(struct worker *w); /* tick what was touched, publish link lines */
uint64_t conns_next_us(const struct worker *w);

/* NULL when it ended meanwhile. */
struct conn       *conn_get(struct worker *w, struct session_ref ref);
struct session_ref conn_ref(const struct worker *w, const struct conn *c);

/* By the user of a TCP connection; NULL when no session has it. */
const struct conn *conn_of_tcp(const struct worker *w, uint64_t user);
struct conn       *conn_of_session(struct worker *w, const void *session);

/* The answer to a message that came in there; the session may be gone, which is counted. */
void conn_answer(struct worker *w, struct session_ref origin, uint64_t token,
		 const struct result *result);

enum conn_submit { CONN_SENT, CONN_LATER, CONN_REFUSED };
enum conn_submit conn_submit(struct worker *w, struct conn *c, const struct msg *m,
			     const struct proto_target *at, uint64_t token, struct result *result);

/* The end of an open one: last bytes go out, then FIN; unread input is thrown away first, or TCP
 * would have to reset. */
void conn_close(struct worker *w, struct conn *c, enum reason why);
/* Another session goes on in the place of an open one, and told it the word: returns what that one
 * is told; 0: it has none to hand over. */
uint64_t conn_give_way(struct worker *w, struct conn *c, uint64_t word);
/* Ask the other side to part, in order. */
void conn_part(struct worker *w, struct conn *c, enum reason why);

/* A connection to a peer is begun; NULL when there is no memory, port or way. */
struct conn *conn_connect(struct worker *w, uint8_t protocol, const struct net_addr *remote,
			  uint16_t port);
/* The same in steps: a connection, which is not tried yet; TCP to an address of it, false: that
 * cannot be; it is given up before it was made, and who asked for it, or waits for it, hears why.
 */
struct conn *conn_begin(struct worker *w, uint8_t protocol);
bool conn_try(struct worker *w, struct conn *c, const struct net_addr *remote, uint16_t port);
void conn_unmade(struct worker *w, struct conn *c, enum reason why);
/* The same for datagrams, which leave from `local`; conn_begun() when its peer is known. */
struct conn *conn_of_datagrams(struct worker *w, uint8_t protocol, enum proto_role role,
			       const struct flow *local, const struct flow *remote);
/* There is a way to the peer: its session opens. */
void conn_begun(struct worker *w, struct conn *c);
/* A datagram from its port reached nobody; what came back of it. */
void conn_unreached(struct worker *w, struct conn *c, struct cur quoted);
/* One datagram for it. */
void conn_datagram(struct worker *w, struct conn *c, const struct flow *from, struct cur bytes);
/* An item that came to another worker, which owns m: its effect here, and what it is answered. */
void conn_item(struct worker *w, const struct msg *m, const struct flow *from,
	       struct result *answer);
/* Listen at all of the dataplane's listeners. 0 or -errno. */
int conns_listen(struct worker *w);

/* Something happened to the session: at the end of the turn its queue, its timers and its line are
 * looked at. */
void conn_touch(struct worker *w, struct conn *c);

/* The end: listen to nobody; part from all of a role; reset what is left, at most max from an index
 * on: returns where to go on. */
void     conns_listen_stop(struct worker *w);
void     conns_part(struct worker *w, enum proto_role role);
uint32_t conns_reset(struct worker *w, uint32_t from, uint32_t max);
