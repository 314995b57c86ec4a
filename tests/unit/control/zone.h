/* A DNS server of the test's own, on loopback and on the test's loop: what it has is a table, which
 * the test changes at will. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

struct zone_record {
	const char *name; /* "smsc.example" */
	const char *type; /* "A", "AAAA", "SRV", "NAPTR", or an error of this name: "SERVFAIL" for
			     all types, "SERVFAIL AAAA" for one */
	uint32_t    ttl;
	const char *data; /* as in a master file; names without compression */
};

struct zone {
	const struct zone_record *records;      /* ends with a name of NULL */
	uint32_t                  negative_ttl; /* of the SOA; 0: none is sent */
	bool                      silent;
	char                      asked[4096]; /* "A smsc.example\n" ... */
	int                       fd;
	uint16_t                  port;
	struct event_loop        *loop;
};

void zone_open(struct zone *z);
void zone_serve(struct zone *z, struct event_loop *loop); /* on this loop; NULL: on none */
void zone_close(struct zone *z);
