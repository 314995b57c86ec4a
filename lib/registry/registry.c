#include "registry/registry.h"

#include "base/assert.h"
#include "base/transport.h"

#define PROTO(name, port, transports, service, users, text)                                        \
	extern const struct proto_ops name##_ops;
#include "registry/protocols.def"
#undef PROTO

static const struct {
	const struct proto_ops *ops;
	struct str              name; /* its own, with its length */
	uint16_t                port;
	uint8_t                 transports;
	const char             *text;
} protocols[PROTO_COUNT] = {
#define PROTO(name, port, transports, service, users, text)                                        \
	[PROTO_##name] = {&name##_ops, {#name, sizeof(#name) - 1}, port, transports, text},
#include "registry/protocols.def"
#undef PROTO
};

const struct proto_ops *registry_ops(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].ops;
}

struct str registry_name(unsigned proto)
{
	ASSERT(proto < PROTO_COUNT);
	return protocols[proto].name;
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

	while (proto < PROTO_COUNT && !str_eq(name, protocols[proto].name))
		proto++;
	return proto;
}
