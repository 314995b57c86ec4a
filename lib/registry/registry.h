/* The protocols that are built in, by number and by name. Constant; any thread. */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "proto/proto.h"

enum protocol {
#define PROTO(name, port, help) PROTOCOL_##name,
#include "registry/protocols.def"
#undef PROTO
	PROTOCOL_COUNT
};

const struct proto_ops *protocol_ops(unsigned protocol);
uint16_t                protocol_port(unsigned protocol);       /* where it is served by custom */
const char             *protocol_name(unsigned protocol);       /* "smpp" */
const char             *protocol_help(unsigned protocol);
unsigned                protocol_number(const struct proto_ops *ops);
unsigned                protocol_find(struct str name);         /* PROTOCOL_COUNT: there is none of that name */
