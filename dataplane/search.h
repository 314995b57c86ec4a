/*
 * Connections to whatever is the server of a domain (RFC 6120, 3.2): control is asked where that
 * is, by SRV or by the name itself, again and again until it knows, and the addresses that it names
 * are tried one after the other, in the order of RFC 2782. The connection exists from the
 * beginning, without TCP until there is an address, so that what waits for it waits there. It is
 * made, or it ends by conn_unmade(): DOMAIN_UNKNOWN (there is no such server), why control could
 * not say, or why the last address failed. What is ours, or of no host elsewhere (loopback,
 * multicast and the like), is never tried. The worker that owns the connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/now.h"
#include "base/reason.h"
#include "base/str.h"
#include "proto/flow.h"
#include "world/address.h"

struct conn;
struct worker;

#define SEARCHES_MAX 512u              /* of a worker at a time */
#define SEARCH_US (20 * US_PER_SECOND) /* in which a connection must be made */

struct whereabouts {
	uint64_t    due_us;
	uint64_t    ask_us;      /* when control is asked again, which did not know yet; 0: not */
	unsigned    count, next; /* addresses; the one to be tried next */
	uint32_t    next_free;   /* index + 1; 0 ends the list */
	uint8_t     asks, size;
	char        name[WORLD_DOMAIN_SIZE_MAX];
	struct flow flows[WORLD_ADDRESSES_MAX];
};

struct searches {
	struct whereabouts *table; /* [SEARCHES_MAX], zeroed pages */
	uint32_t            used, free;
};

int  searches_init(struct worker *w); /* 0 or -ENOMEM */
void searches_free(struct worker *w);

/* NULL: as many are looked for as may be, or there is no place for a connection. */
struct conn *search_begin(struct worker *w, uint8_t protocol, struct str domain);
/* Asks again when it is time to. Returns when that is; UINT64_MAX: never. */
uint64_t search_tick(struct worker *w, struct conn *c);
/* What control says. */
void search_told(struct worker *w, struct conn *c, enum reason why, struct cur *answer);
/* There is no connection to the address that was tried: the next one is. False: none is left. */
bool search_goes_on(struct worker *w, struct conn *c);
/* It is made, or given up. */
void search_end(struct worker *w, struct conn *c);
