/* Which worker a datagram belongs to. */
#pragma once

#include "base/cur.h"

/* Responses: the worker in our own branch of the top Via. Requests: by hash of their Call-ID, so
 * that a registration and its refreshes, a request and its retransmissions meet. All else: 0.
 * Nothing is checked beyond that. Pure; any thread. */
unsigned sip_owner(struct cur datagram, unsigned workers);
