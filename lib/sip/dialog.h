/*
 * Dialogs (RFC 3261, 12) as far as one message needs them: made by an INVITE, ended by BYE. A
 * request inside is found by our tag, which names worker and block and proves itself, in constant
 * time. Nothing is renegotiated; a session timer is kept, which timed.c looks after. Called by
 * sessions, on the worker that owns them; no clock, no memory but the instance's blocks.
 *
 * A session holds a struct sip_dialogs, zeroed at first. Each state has a list in the order of
 * since_us, so that what lasts equally long in a state is over in that order.
 */
#pragma once

#include "sip/transaction.h"

#define SIP_DIALOG_TEXT_MAX 4096u /* bytes of what is kept of the other side */
/* Elements and bytes of a route set: each request inside carries them, and our answer the lines. */
#define SIP_DIALOG_ROUTES_MAX 32u
#define SIP_DIALOG_ROUTE_SIZE_MAX 2048u

struct sip_instance;
struct sip_large;
struct sip_session;

enum sip_dialog_state {
	SIP_DIALOG_CALLING,  /* ours: the INVITE is out, or it waits for that of a chat */
	SIP_DIALOG_ANSWERED, /* theirs: our 2xx awaits its ACK */
	SIP_DIALOG_WAITING,  /* the stream is to come, of a chat of ours the 2xx before it */
	SIP_DIALOG_OPEN,     /* it is there */
	SIP_DIALOG_LEAVING,  /* their BYE is to come, or after it the outcome */
	SIP_DIALOG_ENDED,    /* tick() is to say so, here and there */
	SIP_DIALOG_STATES
};

enum sip_dialog_text {
	SIP_DIALOG_CALL_ID,
	SIP_DIALOG_LOCAL,  /* From of our requests, with its tag */
	SIP_DIALOG_REMOTE, /* To of our requests, likewise */
	SIP_DIALOG_TARGET, /* URI of the other side's Contact */
	SIP_DIALOG_ROUTE,  /* as it goes into our requests; empty: none */
	SIP_DIALOG_TEXTS
};

struct sip_dialogs { /* of a session */
	uint32_t              open;
	uint32_t              calling; /* ours whose message has no result */
	struct sip_block_list in[SIP_DIALOG_STATES];
	struct sip_block_list timed; /* with a session timer, in the order of looked_us */
};

struct sip_dialog { /* lies in its first block; readable for the session */
	struct sip_session *session;
	uint64_t            since_us;
	uint64_t            server; /* token of their INVITE's transaction, until its ACK */
	uint64_t            client; /* of ->asks: names that of ours */
	uint64_t            large;  /* token */
	struct flow         to;     /* where requests inside go, over datagrams */
	struct sip_links    links;
	struct sip_chain    texts; /* size 0: none yet */
	uint32_t            number;
	uint32_t            sequence, sequence_theirs; /* the last one used */
	struct sip_links    by_look;
	uint64_t            looked_us, refreshed_us;
	uint32_t timer_s; /* of the session (RFC 4028); 0: none, and it is not in ->timed */
	uint16_t sizes[SIP_DIALOG_TEXTS];
	uint8_t  state;      /* enum sip_dialog_state */
	bool     calls;      /* the INVITE is ours, or its message waits for that of a chat */
	bool     asks;       /* a chat of ours that has no 2xx yet */
	bool     gone;       /* their BYE came */
	bool     dials;      /* we connect */
	bool     notified;   /* the recipient was asked for notifications */
	bool     left;       /* it was waited for their BYE */
	bool     unheard;    /* theirs came from an address that may be forged */
	bool     refreshes;  /* it is ours to refresh */
	bool     refreshing; /* and under way */
	bool     updates;    /* the other side takes UPDATE (RFC 3311) */
};

/* Its session timer begins anew, with another interval, or ends: 0. */
void sip_dialog_time(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		     struct now now, uint32_t seconds);
/* It was looked at. */
void sip_dialog_looked(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		       struct now now);

/* NULL: no block is free, counted. */
struct sip_dialog *sip_dialog_new(struct sip_transactions *t, struct sip_dialogs *of,
				  struct sip_session *session, struct now now,
				  enum sip_dialog_state state);
void sip_dialog_end(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d);
void sip_dialog_move(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		     struct now now, enum sip_dialog_state state);
/* The oldest in a state; NULL: none. */
struct sip_dialog *sip_dialog_first(const struct sip_transactions *t, const struct sip_dialogs *of,
				    enum sip_dialog_state state);
struct sip_dialog *sip_dialog_at(const struct sip_transactions *t, uint32_t number);

uint64_t sip_dialog_token(const struct sip_transactions *t, const struct sip_dialog *d);
/* NULL: it is over. */
struct sip_dialog *sip_dialog_by_token(const struct sip_transactions *t, uint64_t token);
/* Our tag, SIP_NAME_SIZE characters; NULL: no dialog of ours, or no more. */
void               sip_dialog_tag_put(const struct sip_transactions *t, const struct sip_dialog *d,
				      struct put *w);
struct sip_dialog *sip_dialog_by_tag(const struct sip_transactions *t, struct str tag);

/* False: longer than SIP_DIALOG_TEXT_MAX, or no block is free. Once. */
bool sip_dialog_keep(struct sip_transactions *t, struct sip_dialog *d,
		     const struct str texts[SIP_DIALOG_TEXTS]);
/* The Contact of a message that refreshes it is the remote target from then on (12.2.1.2), if it
 * has one and there is memory for it. */
void sip_dialog_retarget(struct sip_transactions *t, struct sip_dialog *d,
			 const struct sip_message *m);
void sip_dialog_texts(const struct sip_transactions *t, const struct sip_dialog *d,
		      char room[SIP_DIALOG_TEXT_MAX], struct str texts[SIP_DIALOG_TEXTS]);

/* What a message that makes a dialog says of it (12.1): a request of theirs, whose answer has our
 * tag, or the 2xx to ours, whose route set is the other way round. The room is for what is put
 * together. Why not: it has no Contact, or more of Record-Route than SIP_DIALOG_ROUTES_MAX. */
enum reason sip_dialog_texts_of(const struct sip_message *m, struct str our_tag,
				char room[SIP_DIALOG_TEXT_MAX], struct str texts[SIP_DIALOG_TEXTS]);
/* Whither a request inside goes, by its route set (12.2.1.1; a strict router: 16.6). *uri and
 * *route are in the texts or the room. False: too long, or wrong. */
bool sip_dialog_way(const struct str texts[SIP_DIALOG_TEXTS], char room[SIP_DIALOG_TEXT_MAX],
		    struct str *uri, struct str *route);

/* Is the request one of this dialog, and not an old one? 200, 481 or 500 (12.2.2). An INVITE may
 * come again, as no transaction of it is kept. */
unsigned sip_dialog_takes(const struct sip_transactions *t, struct sip_dialog *d,
			  const struct sip_mandatory *known);

/* call.c: the outcome of its large message is there. */
void sip_dialog_over(struct sip_instance *i, struct sip_large *l);
