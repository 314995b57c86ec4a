/* What a stream of XMPP joins: of a client, of a component (XEP-0114), of another server (RFC
 * 6120); and the ports and names in DNS that go with it. Constant; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum link_kind { LINK_CLIENT, LINK_COMPONENT, LINK_SERVER, LINK_KIND_COUNT };

#define LINK_PORT_COMPONENT 5347u
#define LINK_PORT_SERVER 5269u

/* usual: the protocol's own. */
static inline uint16_t link_port(unsigned kind, uint16_t usual)
{
	return kind == LINK_COMPONENT ? LINK_PORT_COMPONENT
	       : kind == LINK_SERVER  ? LINK_PORT_SERVER
				      : usual;
}

/* Components are found by address alone. */
static inline const char *link_service(unsigned kind, const char *usual)
{
	return kind == LINK_COMPONENT ? NULL : kind == LINK_SERVER ? "xmpp-server" : usual;
}
