/* The protocols that this build has, from protocols.def. Constant; any thread. */
#pragma once

#include "proto/proto.h"

enum proto {
#define PROTO(name, port, transports, service, users, text) PROTO_##name,
#include "registry/protocols.def"
#undef PROTO
	PROTO_COUNT
};

/* The ops of a protocol, index below PROTO_COUNT. */
const struct proto_ops *registry_ops(unsigned proto);
/* Its configuration word, which is the scheme of its addresses. */
struct str registry_name(unsigned proto);
/* Its usual port, host order. */
uint16_t registry_port(unsigned proto);
/* What it runs on: bits of enum transport. */
unsigned registry_transports(unsigned proto);
/* A sentence for help and manual. */
const char *registry_text(unsigned proto);
/* By configuration word; PROTO_COUNT: there is none. */
unsigned registry_find(struct str name);
