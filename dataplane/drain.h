/*
 * The end in order: listeners stop, those who submit are answered and parted from, then those to
 * whom we submit, then who does not part in time is reset. A worker's own part of it, in its turns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker;

#define DRAIN_ANSWER_US UINT64_C(5000000) /* for the results of what was accepted */
#define DRAIN_PART_US UINT64_C(8000000)   /* for goodbyes; the unit's TimeoutStopSec is longer */

enum drain_state {
	DRAIN_NOT,
	DRAIN_ANSWER, /* nothing new is accepted; submitters part as soon as they have their answers
		       */
	DRAIN_PART,   /* nobody waits for an answer any more: the links part too */
	DRAIN_RESET,  /* the time is over: what is left is reset */
};

struct drain {
	uint8_t  state;
	uint32_t reset; /* connections looked at */
	uint64_t begun_us;
};

void drain_turn(struct worker *w);
/* Everybody has been parted from. */
bool drain_done(const struct worker *w);
