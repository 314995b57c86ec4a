/*
 * A client of XMPP as bytes in and bytes out (RFC 6120, 6121): it opens its stream, proves who it
 * is by SCRAM-SHA-1, or by PLAIN where it is told to or the server has nothing else, binds a
 * resource, says that it is there, and then reads what comes, one item at a time. Requests of the
 * server are answered here. No TLS. One thread.
 */
#pragma once

#include "base/cur.h"
#include "base/random.h"
#include "proto/proto.h"
#include "scram.h"
#include "xmpp/stanza.h"

#define CHAT_ITEM_MAX 65536u

struct chat_who { /* lent for as long as the client lives */
	struct str user, domain, resource, password;
	bool       plain; /* no SCRAM */
};

enum chat_state {
	CHAT_HEAD,       /* the server's first head is awaited */
	CHAT_MECHANISMS, /* what it offers */
	CHAT_CHALLENGE,
	CHAT_SUCCESS,
	CHAT_HEAD_AGAIN,
	CHAT_FEATURES,
	CHAT_BINDING,
	CHAT_UP,
	CHAT_OVER
};

struct chat_client {
	uint8_t             state;
	struct str          user, domain, resource, password;
	bool                plain;
	struct xml_frame    frame;
	struct xml_scope    scope;
	struct scram_client scram;
};

enum chat_event {
	CHAT_NOTHING, /* of matter to who drives it */
	CHAT_IS_UP,
	CHAT_MESSAGE, /* with a text */
	CHAT_RECEIPT, /* id: that of the message */
	CHAT_ERROR,   /* id: that of the message that came back */
	CHAT_REFUSED, /* it may not log in: ->body says why */
	CHAT_END      /* the server ends its stream */
};

/* Valid until the next item is read. */
struct chat_item {
	enum chat_event     event;
	struct str          id, from, body;
	bool                wants_receipt;
	enum xmpp_condition condition;
};

struct chat_shared { /* by the clients of a thread; zeroed but for the seed */
	struct random       random;
	struct scram_salted salted;
	struct xmpp_stanza  stanza;
	char                room[2 * CHAT_ITEM_MAX];
};

/* Its first words. */
void chat_client_begin(struct chat_client *c, const struct chat_who *who, struct put *w);
/* One item of what came; what it answers goes to w. BAD: the server does not speak XMPP. */
enum pull chat_client_next(struct chat_client *c, struct chat_shared *shared, struct cur *in,
			   struct put *w, struct chat_item *item);
/* "<message type='chat' ...>" of a text; receipt: one is asked for (XEP-0184). */
void chat_message_put(struct put *w, struct str to, struct str id, struct str text, bool receipt);
void chat_receipt_put(struct put *w, struct str to, struct str id);
