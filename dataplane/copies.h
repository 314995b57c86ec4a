/*
 * Copies of messages for the further places of who sent or got them (XEP-0280): those whose
 * registration asks for them (PROTO_BINDING_COPIES), at any worker, at most PROTO_BINDINGS_MAX - 1
 * in each protocol. A copy is a message of its own beside the first: it takes no part in rules,
 * routes and receipts, and nobody is told what becomes of it. Where memory is low there are none,
 * which is counted.
 */
#pragma once

#include "msg/msg.h"

struct worker;

/* A message that was admitted goes out: to its sender's further places. */
void copies_sent(struct worker *w, const struct msg *m);
/* It was delivered to a registration: to its recipient's further places. */
void copies_received(struct worker *w, const struct msg *m, uint32_t binding);
