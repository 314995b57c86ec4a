#include "roster/subscription.h"

#include "base/assert.h"

/* What a cell of the tables of RFC 6121, A.2 and A.3, says beside the new state. */
enum { STOPS, PASSES, ANSWERS, APPROVES };

#define STAYS ROSTER_STATE_COUNT

struct cell {
	uint8_t state, how;
};

/* In the order of enum roster_state: none, +out, +in, +out+in, to, to+in, from, from+out, both. */
static const struct cell
	cells[ROSTER_DIRECTION_COUNT][ROSTER_SUBSCRIPTION_TYPES][ROSTER_STATE_COUNT] =
		{
			[ROSTER_OUT] =
				{
					[ROSTER_SUBSCRIBE] =
						{
							{ROSTER_NONE_OUT, PASSES},
							{STAYS, PASSES},
							{ROSTER_NONE_OUT_IN, PASSES},
							{STAYS, PASSES},
							{STAYS, PASSES},
							{STAYS, PASSES},
							{ROSTER_FROM_OUT, PASSES},
							{STAYS, PASSES},
							{STAYS, PASSES},
						},
					[ROSTER_SUBSCRIBED] =
						{
							{STAYS, APPROVES},
							{STAYS, APPROVES},
							{ROSTER_FROM, PASSES},
							{ROSTER_FROM_OUT, PASSES},
							{STAYS, APPROVES},
							{ROSTER_BOTH, PASSES},
							{STAYS, STOPS},
							{STAYS, STOPS},
							{STAYS, STOPS},
						},
					[ROSTER_UNSUBSCRIBE] =
						{
							{STAYS, PASSES},
							{ROSTER_NONE, PASSES},
							{STAYS, PASSES},
							{ROSTER_NONE_IN, PASSES},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_IN, PASSES},
							{STAYS, PASSES},
							{ROSTER_FROM, PASSES},
							{ROSTER_FROM, PASSES},
						},
					[ROSTER_UNSUBSCRIBED] =
						{
							{STAYS, STOPS},
							{STAYS, STOPS},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_OUT, PASSES},
							{STAYS, STOPS},
							{ROSTER_TO, PASSES},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_OUT, PASSES},
							{ROSTER_TO, PASSES},
						},
				},
			[ROSTER_IN] =
				{
					[ROSTER_SUBSCRIBE] =
						{
							{ROSTER_NONE_IN, PASSES},
							{ROSTER_NONE_OUT_IN, PASSES},
							{STAYS, STOPS},
							{STAYS, STOPS},
							{ROSTER_TO_IN, PASSES},
							{STAYS, STOPS},
							{STAYS, ANSWERS},
							{STAYS, ANSWERS},
							{STAYS, ANSWERS},
						},
					[ROSTER_SUBSCRIBED] =
						{
							{STAYS, STOPS},
							{ROSTER_TO, PASSES},
							{STAYS, STOPS},
							{ROSTER_TO_IN, PASSES},
							{STAYS, STOPS},
							{STAYS, STOPS},
							{STAYS, STOPS},
							{ROSTER_BOTH, PASSES},
							{STAYS, STOPS},
						},
					[ROSTER_UNSUBSCRIBE] =
						{
							{STAYS, STOPS},
							{STAYS, STOPS},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_OUT, PASSES},
							{STAYS, STOPS},
							{ROSTER_TO, PASSES},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_OUT, PASSES},
							{ROSTER_TO, PASSES},
						},
					[ROSTER_UNSUBSCRIBED] =
						{
							{STAYS, STOPS},
							{ROSTER_NONE, PASSES},
							{STAYS, STOPS},
							{ROSTER_NONE_IN, PASSES},
							{ROSTER_NONE, PASSES},
							{ROSTER_NONE_IN, PASSES},
							{STAYS, STOPS},
							{ROSTER_FROM, PASSES},
							{ROSTER_FROM, PASSES},
						},
				},
};

/* The contact gets the user's presence, asked or not. */
static enum roster_state let_in(enum roster_state state)
{
	if (roster_subscription_of(state) == ROSTER_SUBSCRIPTION_TO)
		return ROSTER_BOTH;
	return roster_pending_out(state) ? ROSTER_FROM_OUT : ROSTER_FROM;
}

struct roster_step roster_step(enum roster_direction direction, enum roster_presence type,
			       enum roster_state state, bool approved)
{
	struct cell cell;

	ASSERT(direction < ROSTER_DIRECTION_COUNT && type < ROSTER_SUBSCRIPTION_TYPES &&
	       state < ROSTER_STATE_COUNT);
	cell = cells[direction][type][state];
	if (approved && direction == ROSTER_IN && type == ROSTER_SUBSCRIBE && cell.how == PASSES)
		cell = (struct cell){(uint8_t)let_in(state), ANSWERS};
	return (struct roster_step){.state = cell.state == STAYS ? state
								 : (enum roster_state)cell.state,
				    .passes = cell.how == PASSES,
				    .answers = cell.how == ANSWERS,
				    .approves = cell.how == APPROVES};
}

enum roster_subscription roster_subscription_of(enum roster_state state)
{
	switch (state) {
	case ROSTER_NONE:
	case ROSTER_NONE_OUT:
	case ROSTER_NONE_IN:
	case ROSTER_NONE_OUT_IN:
	case ROSTER_STATE_COUNT:
		break;
	case ROSTER_TO:
	case ROSTER_TO_IN:
		return ROSTER_SUBSCRIPTION_TO;
	case ROSTER_FROM:
	case ROSTER_FROM_OUT:
		return ROSTER_SUBSCRIPTION_FROM;
	case ROSTER_BOTH:
		return ROSTER_SUBSCRIPTION_BOTH;
	}
	return ROSTER_SUBSCRIPTION_NONE;
}

bool roster_pending_out(enum roster_state state)
{
	return state == ROSTER_NONE_OUT || state == ROSTER_NONE_OUT_IN || state == ROSTER_FROM_OUT;
}

bool roster_pending_in(enum roster_state state)
{
	return state == ROSTER_NONE_IN || state == ROSTER_NONE_OUT_IN || state == ROSTER_TO_IN;
}
