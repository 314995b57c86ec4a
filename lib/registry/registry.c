#include "registry/registry.h"

#include "base/assert.h"
#include "smpp/session.h"

static const struct {
	const struct proto_ops *ops;
	const char             *name, *help;
	uint16_t                port;
} protocols[PROTOCOL_COUNT] = {
#define PROTO(name, port, help) [PROTOCOL_##name] = {&name##_ops, #name, help, port},
#include "registry/protocols.def"
#undef PROTO
};

const struct proto_ops *protocol_ops(unsigned protocol)
{
	ASSERT(protocol < PROTOCOL_COUNT);
	return protocols[protocol].ops;
}

uint16_t protocol_port(unsigned protocol)
{
	ASSERT(protocol < PROTOCOL_COUNT);
	return protocols[protocol].port;
}

const char *protocol_name(unsigned protocol)
{
	ASSERT(protocol < PROTOCOL_COUNT);
	return protocols[protocol].name;
}

const char *protocol_help(unsigned protocol)
{
	ASSERT(protocol < PROTOCOL_COUNT);
	return protocols[protocol].help;
}

unsigned protocol_number(const struct proto_ops *ops)
{
	unsigned p = 0;

	while (p < PROTOCOL_COUNT && protocols[p].ops != ops)
		p++;
	ASSERT(p < PROTOCOL_COUNT);
	return p;
}

unsigned protocol_find(struct str name)
{
	unsigned p = 0;

	while (p < PROTOCOL_COUNT && !str_eq(name, str_of(protocols[p].name)))
		p++;
	return p;
}
