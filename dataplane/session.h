/*
 * Sessions and the world: who may log in, what a session is told to keep to, where it publishes
 * that it takes messages, which peers are to be connected. Called by conn.c on the worker.
 */
#pragma once

#include <stdbool.h>

#include "proto/proto.h"
#include "world/world.h"

struct worker;
struct conn;
struct listener;

/* The address of a host: a literal, or a name that `hosts:` fixes. The port is left as it was. */
bool session_host(const struct worker *w, struct str host, struct flow *flow);
/* Where a peer may be found: where session_host() says, else where control found its name; in the
 * order of struct world_addresses. Returns how many. */
unsigned session_peer_flows(const struct worker *w, const struct world_peer *peer,
			    struct flow flows[WORLD_ADDRESSES_MAX]);

/* A session of the listener: somebody has come, or its datagrams begin. */
void session_open_accepted(struct worker *w, struct conn *c, const struct listener *l,
			   struct out *out);
/* Of what a connection to the peer is made by: where it changes, the connection may not stay. */
uint64_t session_peer_digest(const struct conf_peer *p);
/* False: the peer is no more. */
bool session_open_peer(struct worker *w, struct conn *c, struct out *out);
/* A stream that another session asked for. */
void session_open_dialled(struct worker *w, struct conn *c, struct out *out);
/* Decides and answers a login. NONE: let in; else the caller closes for this reason, which counts
 * it. */
enum reason session_login(struct worker *w, struct conn *c, const struct proto_login *login,
			  struct out *out);
/* The peer has let us in. */
void session_up(struct worker *w, struct conn *c);

void session_publish_line(struct worker *w, struct conn *c); /* at the end of a turn */
void session_line_down(struct conn *c);                      /* no new messages */
void session_unpublish(struct worker *w, struct conn *c);    /* the session is over */
void session_peer_gone(struct worker *w,
		       struct conn   *c); /* its connection is free: try again later */
/* The stream beside the datagrams of a peer, begun when there is none yet. NULL: c has no peer, or
 * the last attempt was a short while ago. */
struct conn *session_stream(struct worker *w, struct conn *c);

void sessions_connect_peers(struct worker *w);

/*
 * Accounts or peers changed: new settings hold, sessions of what is gone part. A round over all
 * connections begins with the change and takes many turns; a session that reads or gets something
 * to send is followed before that (session_follow).
 */
struct following {
	uint32_t round; /* counts them */
	uint32_t at;    /* the next connection */
	uint32_t left;  /* of them in this round */
};
void     sessions_follow_world(struct worker *w);
unsigned sessions_follow_some(struct worker *w); /* once a turn: returns how many */
void     session_follow(struct worker *w, struct conn *c);
