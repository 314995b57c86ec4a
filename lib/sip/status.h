/* Between our reasons and the status codes of SIP, both ways (statuses.def). Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/str.h"
#include "proto/proto.h"

/* The reason phrase; of a code that is not registered that of its class, x00 (RFC 3261, 8.1.3.2).
 */
struct str sip_status_phrase(unsigned status);

/* The final response to a request that ended so. */
unsigned sip_status_of_reason(enum reason why);

/* The same of a result: the next hop's own status where it spoke SIP, too (protocol is ours), and
 * said something of the recipient; 200 where the recipient has it, 202 where it was only accepted
 * (RFC 3428, 7). */
unsigned sip_status_of_result(const struct result *r, uint8_t protocol);

/* What a final response to our own request means; an unknown code means what x00 does. */
enum reason sip_reason_of_status(unsigned status);

/* Is Retry-After told with this status, and what it says believed (RFC 3261, 20.33)? */
bool sip_status_retries(unsigned status);
