/* Times of SMPP 3.4, 7.1.1: "YYMMDDhhmmsstnnp", absolute with an offset in quarters of an hour, or
 * relative (p is R). Pure; any thread. */
#pragma once

#include "base/now.h"
#include "base/str.h"

enum smpp_time { SMPP_TIME_NONE, SMPP_TIME_OK, SMPP_TIME_PAST, SMPP_TIME_BAD };

/* *in_ms: milliseconds from now, for OK only. An empty text is NONE. A relative time counts years
 * of 365 and months of 30 days. */
enum smpp_time smpp_time_parse(struct str text, struct now now, uint64_t *in_ms);
/* "YYMMDDhhmm" of UTC, as receipts have it (3.4, appendix B). */
void smpp_time_short(uint64_t wall_ms, char room[10]);
