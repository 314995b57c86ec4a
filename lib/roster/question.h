/*
 * Questions about what users make, rosters and block lists, and their answers, as bytes: a worker
 * asks, control answers (questions.def). Both sides check every length and limit, when writing as
 * well as when reading; what was written can be read. All texts are UTF-8, all JIDs in normal form
 * (RFC 7622). Texts that are read are lent from the bytes. Pure; any thread.
 *
 * An answer is read one entry a call, so that a session can go on where it stopped: the cursor
 * stands behind the last entry that was read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "roster/subscription.h"

#define ROSTER_ITEMS_MAX 1000u    /* of a roster */
#define ROSTER_GROUPS_MAX 8u      /* of an item */
#define ROSTER_TEXT_SIZE_MAX 128u /* bytes of a name or a group */
#define ROSTER_BLOCKED_MAX 200u   /* of a block list */
#define ROSTER_REQUESTS_MAX 100u  /* to be let in, that a user has not answered */
#define ROSTER_PAYLOAD_SIZE_MAX 1024u
#define ROSTER_BARE_SIZE_MAX 2047u /* bytes of user@domain (RFC 7622, 3.1) */
#define ROSTER_JID_SIZE_MAX 3071u
#define ROSTER_VERSION_SIZE_MAX 20u
#define ROSTER_QUESTION_SIZE_MAX 8192u
#define ROSTER_ANSWER_SIZE_MAX 262144u

enum roster_ask {
#define QUESTION(name, fields, text) ROSTER_ASK_##name,
#include "roster/questions.def"
#undef QUESTION
	ROSTER_ASK_COUNT
};

const char *roster_ask_name(enum roster_ask ask); /* "ROSTER_GET" */

/*
 * A list of texts is the bytes of them all, each with its length before it: the groups of an item,
 * the JIDs of a block list. A text that is empty or longer than 65535 bytes fails.
 */
void roster_text_put(struct put *w, struct str text);
bool roster_text_next(struct cur *list, struct str *text); /* false: no more, or damaged */
/* Are they all whole, none empty or longer than size_max, and not more than count_max? */
bool roster_texts_fit(struct str list, unsigned count_max, size_t size_max);

struct roster_item {
	struct str               jid; /* bare */
	enum roster_subscription subscription;
	bool                     ask;      /* the owner has asked the contact to be let in */
	bool                     approved; /* the contact may ask and is let in (RFC 6121, 3.4) */
	struct str               name;     /* may be empty */
	struct str               groups; /* list of texts, without those that are empty or double */
};

/* Writes or reads one. An item that breaks a limit fails the room, or the cursor. */
void roster_item_put(struct put *w, const struct roster_item *item);
bool roster_item_next(struct cur         *answer,
		      struct roster_item *item); /* false: no more, or damaged */

struct roster_question {
	enum roster_ask      ask;
	struct str           owner;            /* bare JID of the user whose list it is */
	struct str           contact;          /* bare JID */
	struct str           version;          /* of the roster that the client has; may be empty */
	struct roster_item   item;             /* jid, name and groups */
	enum roster_presence type;             /* one of the four of subscriptions */
	bool                 contact_is_local; /* its domain is served here */
	struct str           payload; /* what is in the presence: elements, as XML; may be empty */
	struct str           jids;    /* list of texts */
};

/* The room fails where the question breaks a limit. */
void roster_question_put(struct put *w, const struct roster_question *q);
/* False: damaged, or it breaks a limit. All bytes must be of it. */
bool roster_question_read(struct cur bytes, struct roster_question *q);

/* ---- answers ---- */

/* To ROSTER_GET, before the items: the version; the same: the client has them all, none follow. */
struct roster_head {
	bool       same;
	struct str version;
};

void roster_head_put(struct put *w, const struct roster_head *h);
bool roster_head_read(struct cur *answer, struct roster_head *h);

/* To AUDIENCE. */
struct roster_contact {
	struct str jid;     /* bare */
	bool       watches; /* gets the owner's presence */
	bool       watched; /* the owner gets its */
	bool       local;   /* a subscriber of ours */
	bool       request; /* asks to be let in, with this payload, and is not answered yet */
	struct str payload;
};

void roster_contact_put(struct put *w, const struct roster_contact *c);
bool roster_contact_next(struct cur *answer, struct roster_contact *c);

/* To MAY_SEE. Nothing is said of one whom the owner blocks. */
void roster_verdict_put(struct put *w, bool may);
bool roster_verdict_read(struct cur *answer); /* false: may not, or damaged */

/* To what changes something: what is to be done for it to be known, in this order. */
enum roster_effect_kind {
	ROSTER_EFFECT_PUSH,      /* item and version, to the resources of local user `to` that have
				    asked for the roster */
	ROSTER_EFFECT_PRESENCE,  /* of ->type, from bare `from` to bare `to`, with the payload;
				    AVAILABLE, UNAVAILABLE: of every available resource of `from` */
	ROSTER_EFFECT_BLOCKED,   /* jids, to the resources of `to` that have asked for the list */
	ROSTER_EFFECT_UNBLOCKED, /* the same; no jids: all */
	ROSTER_EFFECT_COUNT
};

struct roster_effect {
	enum roster_effect_kind kind;
	struct str              from, to;
	enum roster_presence    type;
	bool to_is_local; /* PRESENCE: a subscriber of ours, at whom everything is done but to show
			     it; else it goes to the server of `to` */
	struct str         payload;
	struct roster_item item;
	struct str         version;
	struct str         jids;
};

void roster_effect_put(struct put *w, const struct roster_effect *e);
bool roster_effect_next(struct cur           *answer,
			struct roster_effect *e); /* false: no more, or damaged */
