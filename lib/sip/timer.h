/*
 * Session timers (RFC 4028): what header fields say of one, and what two sides agree on. A session
 * whose side that refreshes it says nothing for its interval is over. Pure; any thread.
 */
#pragma once

#include "base/now.h"
#include "sip/message.h"

#define SIP_TIMER_MIN_S 90u    /* the least that may be asked for (4) */
#define SIP_TIMER_S 1800u      /* what we ask for */
#define SIP_TIMER_MAX_S 86400u /* longer ones are this */

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

struct sip_timer_asked {              /* by a request, or said by a response */
	bool               supported; /* "timer" is among Supported or Require */
	uint32_t           seconds;   /* Session-Expires; 0: not there */
	uint32_t           min;       /* Min-SE, at least SIP_TIMER_MIN_S */
	enum sip_refresher refresher; /* NONE: not said */
};

/* False: Session-Expires or Min-SE is not valid. */
bool sip_timer_read(const struct sip_message *m, struct sip_timer_asked *asked);

struct sip_timer {
	uint32_t           seconds; /* 0: the session has none */
	enum sip_refresher refresher;
};

/* What the answer to a request grants (9); offers: it may bring a timer that was not asked for.
 * False: 422, for less than SIP_TIMER_MIN_S is asked for. */
bool sip_timer_grant(const struct sip_timer_asked *asked, bool offers, struct sip_timer *t);
/* Session-Expires and Require of a 2xx; nothing where there is none. */
void sip_timer_put_answer(struct put *w, const struct sip_timer *t);
/* Supported and Session-Expires of a request; min, where it is more than the least, is Min-SE. */
void sip_timer_put_request(struct put *w, const struct sip_timer *t, uint32_t min);

/* How long after the last refresh the session is over to who waits for the next (10). */
uint64_t sip_timer_patience_us(uint32_t seconds);
