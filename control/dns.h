/*
 * What answers of DNS mean to us: which records count, in what order, and for how long (RFC 2308,
 * 2782, 3263, 3403). The records are c-ares' own, the times are read here, as c-ares drops them.
 * Pure.
 */
#pragma once

#include <ares.h>

#include "base/cur.h"
#include "base/transport.h"

#define DNS_TTL_MIN_S 5u
#define DNS_TTL_MAX_S 86400u
#define DNS_NEGATIVE_MAX_S 10800u /* RFC 2308, 5: one to three hours work well */
#define DNS_FAILED_MAX_S 300u     /* RFC 2308, 7: at most five minutes */
#define DNS_SERVERS_MAX 8u        /* SRV records that are followed */

/* Least time to live in an answer, in seconds, as it says. False: it has no records, or is damaged.
 */
bool dns_ttl(struct cur answer, uint32_t *ttl_s);
/* How long a negative answer holds, by the SOA that comes with it (RFC 2308, 5). False: none does.
 */
bool dns_negative_ttl(struct cur answer, uint32_t *ttl_s);

/* The record to follow to the service over the transport (RFC 3263, 4.1: flag "s", lowest order,
 * then preference); NULL: none. */
const struct ares_naptr_reply *dns_naptr_choose(const struct ares_naptr_reply *list,
						const char *service, enum transport transport);

/* By priority, then weight and name, so that the order of the answer does not matter; what is
 * beyond the limit is left out. Returns how many: 0 also where the only target is ".", which says
 * that there is no such service. */
unsigned dns_srv_choose(const struct ares_srv_reply *list,
			const struct ares_srv_reply *chosen[DNS_SERVERS_MAX]);

/* Seconds until a lookup that has failed is tried again, having failed so many times before. */
uint32_t dns_backoff(unsigned before);
