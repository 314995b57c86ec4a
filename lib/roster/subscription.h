/*
 * Subscriptions to presence: where a user and a contact stand, as the user's server sees it, and
 * what each presence about it changes (RFC 6121, appendix A). Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum roster_presence {
	ROSTER_SUBSCRIBE,
	ROSTER_SUBSCRIBED,
	ROSTER_UNSUBSCRIBE,
	ROSTER_UNSUBSCRIBED,
	ROSTER_SUBSCRIPTION_TYPES, /* those before are about subscriptions */
	ROSTER_AVAILABLE = ROSTER_SUBSCRIPTION_TYPES,
	ROSTER_UNAVAILABLE,
	ROSTER_PRESENCE_COUNT
};

enum roster_direction { ROSTER_OUT, ROSTER_IN, ROSTER_DIRECTION_COUNT };

/* To: the user gets the contact's presence. From: the contact gets the user's. */
enum roster_subscription {
	ROSTER_SUBSCRIPTION_NONE,
	ROSTER_SUBSCRIPTION_TO,
	ROSTER_SUBSCRIPTION_FROM,
	ROSTER_SUBSCRIPTION_BOTH,
	ROSTER_SUBSCRIPTION_REMOVE, /* of a push: the item is no more */
	ROSTER_SUBSCRIPTION_COUNT
};

/* Out: the user has asked, and is not answered. In: the contact has. */
enum roster_state {
	ROSTER_NONE,
	ROSTER_NONE_OUT,
	ROSTER_NONE_IN,
	ROSTER_NONE_OUT_IN,
	ROSTER_TO,
	ROSTER_TO_IN,
	ROSTER_FROM,
	ROSTER_FROM_OUT,
	ROSTER_BOTH,
	ROSTER_STATE_COUNT
};

struct roster_step {
	enum roster_state state;    /* from now on */
	bool              passes;   /* goes on to the contact's server, or is shown to the user */
	bool              answers;  /* the server answers a request itself: "subscribed" */
	bool              approves; /* let in before it is asked (RFC 6121, 3.4) */
};

/* What comes of a presence of the four types. approved: the contact was let in before it asked. */
struct roster_step roster_step(enum roster_direction direction, enum roster_presence type,
			       enum roster_state state, bool approved);

enum roster_subscription roster_subscription_of(enum roster_state state);
bool                     roster_pending_out(enum roster_state state);
bool                     roster_pending_in(enum roster_state state);
