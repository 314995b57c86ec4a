/*
 * Where servers of other domains are (RFC 6120, 3.2), as workers ask that federate with all of
 * them: SRV, else the domain's own addresses, looked up by the resolver and kept as long as the
 * answers hold. A question is answered at once; what is not known yet is asked again. Control's
 * main thread.
 */
#pragma once

#include "base/put.h"
#include "base/reason.h"
#include "base/str.h"

#include "control.h"

#define DOMAINS_KEPT_MAX 4096u
#define DOMAINS_LOOKED_UP_MAX 64u /* at the same time; more wait until they are asked again */

struct domains *domains_new(struct control *c); /* NULL: no memory */
/* No look-up is running any more: the resolver has ended. */
void domains_free(struct domains *ds);

/* NONE: addresses, packed; none while it is looked up. DOMAIN_UNKNOWN: DNS says that there is no
 * server. DOMAIN_UNREACHABLE: no server of DNS has answered. */
enum reason domains_answer(struct domains *ds, struct str domain, struct put *answer);

/* It is looked up anew when it is asked for next. */
void domains_forget(struct domains *ds, struct str domain);

/* For tests: as if so much time had passed for what is known. */
void domains_pass(struct domains *ds, uint64_t ms);
