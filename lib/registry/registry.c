#include "registry/registry.h"

#include "base/assert.h"
#include "base/transport.h"

#define PROTO(name, port, transports, service, users, text)                                        \
	extern const struct proto_ops name##_ops;
#include "registry/protocols.def"
#undef PROTO

static const struct {
	const struct proto_ops *ops;
	uint16_t                port;
	uint8_t                 transports;
	const char             *text;
} protocols[PROTO_COUNT] = {
#define PROTO(name, port, transports, service, users, text)                                        \
	[PROTO_##name] = {&name##_ops, port, transports, text},
#include "registry/protocols.def"
#undef PROTO
};

const struct proto_ops *registry_ops(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].ops;
}

uint16_t registry_port(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].port;
}

unsigned registry_transports(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].transports;
}

const char *registry_text(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].text;
}

unsigned registry_find(struct str name)
{
	unsigned proto = 0;

	while (proto < PROTO_COUNT && !str_eq(name, str_of(protocols[proto].ops->name)))
		proto++;
	return proto;
}
