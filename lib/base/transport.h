/* What protocols run on. Constant; any thread. */
#pragma once

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_COUNT };

#define TRANSPORT_BIT(transport) (1u << (transport))
#define UDP_ONLY TRANSPORT_BIT(TRANSPORT_UDP)
#define TCP_ONLY TRANSPORT_BIT(TRANSPORT_TCP)
#define UDP_AND_TCP (UDP_ONLY | TCP_ONLY)
