/*
 * Addresses of ours that another claims, told to people. A worker leaves the last claim it met in
 * its one place, if the one before was taken; the management thread takes it at its tick and logs
 * it. So no number of claims costs a worker more than a look, or fills a log.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "net/net.h"

struct conflict {
	_Atomic bool    full; /* worker: sets; management: clears */
	struct net_news news; /* of kind NET_NEWS_DUPLICATE or NET_NEWS_CONFLICT */
};

void conflict_note(struct conflict *conflict, const struct net_news *news);   /* worker */
bool conflict_log(struct conflict *conflict, const char *const port_names[]); /* management */
