/*
 * Datagrams: the sessions of listeners on UDP, one per listener and worker with the same index at
 * every worker, and the way from the network layer to them and back. Peers spoken to over UDP send
 * from a listener's port and are answered there. All on the worker.
 */
#pragma once

#include <stdbool.h>

#include "proto/proto.h"

#include "conn.h"

struct worker;
struct conf_peer;

/* Bind the ports of all listeners on UDP and open their sessions. At start. 0 or -errno. */
int datagrams_listen(struct worker *w);
/* What has come in goes to the sessions. */
void datagrams_receive(struct worker *w);
/* The datagrams that a session wrote (out.h). */
void datagrams_send(struct worker *w, struct conn *c, const struct out *out);
/* Where datagrams of the protocol to there leave from: false: no listener has that family. */
bool datagrams_local(const struct worker *w, unsigned protocol, bool ip6, struct flow *local);
