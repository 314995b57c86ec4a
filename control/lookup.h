/*
 * One name looked up: NAPTR (unless by_srv), SRV, then addresses, each step by what the one before
 * has said (RFC 3263, 4.1 and 4.2), or addresses alone. Runs on c-ares, which the caller drives.
 * Control's main thread.
 */
#pragma once

#include <ares.h>

#include "base/transport.h"
#include "world/address.h"

struct lookup_wanted {
	char host[254];
	const char
		*service; /* "sip"; NULL: addresses alone, and the port is known. Lent for good */
	uint8_t  transport;
	bool     by_srv;   /* without NAPTR (RFC 6120, 3.2) */
	bool     ip4, ip6; /* families that we can reach */
};

enum lookup_outcome {
	LOOKUP_FOUND,
	LOOKUP_NONE,  /* DNS has answered that there is none */
	LOOKUP_FAILED /* no usable answer came */
};

struct lookup_result {
	enum lookup_outcome    outcome;
	struct world_addresses addresses; /* FOUND */
	bool        open4, open6; /* not all of the family was answered: there may be more */
	bool        timed;        /* an answer said for how long it holds */
	uint32_t    ttl_s;
	const char *why; /* NONE, FAILED: for people; constant */
};

/* Ends in one call of done, which may come before this returns; none comes when the channel is
 * destroyed first. wanted is copied. */
void lookup_start(ares_channel channel, const struct lookup_wanted                   *wanted,
		  void (*done)(void *user, const struct lookup_result *result), void *user);
