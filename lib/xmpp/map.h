/*
 * Between stanzas and struct msg, both ways. What only XMPP knows travels as extras, so that a
 * message (RFC 6121, 5) from XMPP to XMPP arrives with all its payloads; requests and presence
 * between clients are all extras, of kind MSG_NATIVE. No state, no memory but the message's pool.
 * Workers.
 *
 * Addresses: a JID in a domain that XMPP serves whose local part is "+" and digits is a number, and
 * one of digits alone, where no subscriber has it (XEP-0100); every other is "xmpp:local@domain".
 * The other way numbers are local parts in the domain of the session, and addresses of SIP are the
 * same user and domain (RFC 7247, 5). In the domain of a gateway, which has no other users, they
 * are local parts escaped: "alice\40example.org", "sip\3abob\40example.org" (XEP-0106).
 */
#pragma once

#include "msg/msg.h"
#include "proto/proto.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum xmpp_extra_tag {
	XMPP_EXTRA_RESOURCE = 1,      /* of the recipient, as it was addressed */
	XMPP_EXTRA_SENDER = 2,        /* "+46701234567 alice@example.org/balcony": the sender's own
					 address, behind that by which everybody else knows it */
	XMPP_EXTRA_TYPE = 3,          /* one byte, enum xmpp_type */
	XMPP_EXTRA_PAYLOADS = 4,      /* all of them but the body, each standing for itself */
	XMPP_EXTRA_BODY_LANGUAGE = 5, /* xml:lang of the body itself */
	XMPP_EXTRA_ID = 6,            /* of the stanza */
	XMPP_EXTRA_KIND = 7,          /* one byte, enum xmpp_kind, of what is no message */
	XMPP_EXTRA_STANZA = 8,        /* all of it: we said it to a client ourselves */
	XMPP_EXTRA_ORDER = 9,         /* one byte, enum xmpp_order; of our own stanzas alone */
};

/* What a session is to do with a stanza that another one of ours made, beside writing it. */
enum xmpp_order {
	XMPP_ORDER_NONE,
	XMPP_ORDER_PRESENCE, /* not written: the sender is told the presence */
	XMPP_ORDER_FAREWELL, /* not written: the sender is told that it is gone */
	XMPP_ORDER_BLOCKS,   /* the block list is another: written where it was asked for */
	XMPP_ORDER_KEPT,     /* not written: what the session before had kept (resume.c) */
	XMPP_ORDER_COUNT
};

/* Key of the binding of a resource; never 0. */
uint64_t xmpp_resource_key(struct str resource);

struct xmpp_map {
	const struct proto_settings *settings;
	const struct proto_services *services;
	struct now                   now;
	uint8_t                      protocol; /* our index in protocols.def */
	bool                         several;  /* in: the message is one of several (XEP-0033) */
	struct str gateway; /* the domain of one, which all that is said to is for it; or empty */
	bool       link;    /* not of a client: errors go to whoever is named */
	bool       native;  /* whatever it is, it goes on as it is */
};

/* <addresses/>, whose START was read, as those read it that it names: without who must not be named
 * (XEP-0033, 4). */
void xmpp_addresses_put(struct xml *x, struct put *w);

/* Who sends, as the stream has proved it. */
struct xmpp_sender {
	struct xmpp_jid jid;    /* full */
	struct str      number; /* its telephone number in normal form; empty: it has none */
};

/*
 * Reads the payloads of s, a stanza whose tag is read, and fills the empty record *m. room: for
 * twice the largest stanza and 4 KiB. NONE: *m is a message; or *why is REASON_NONE and m->kind
 * XMPP_NO_MESSAGE: nothing is to be done with it, as with an error that answers nothing. Else what
 * the sender is told, and *why is its reason.
 */
#define XMPP_NO_MESSAGE MSG_KIND_COUNT
enum xmpp_condition xmpp_map_in(const struct xmpp_map *map, struct xmpp_stanza *s,
				const struct xmpp_jid *to, const struct xmpp_sender *from,
				struct put *room, struct msg *m, enum reason *why);

/* Fills the empty record with a stanza of ours that a client gets wherever it is now, or with
 * bytes that its session there gets. False: no memory. */
bool xmpp_map_said(const struct xmpp_map *map, const struct xmpp_jid *to, struct str stanza,
		   struct msg *m);
bool xmpp_map_kept(const struct xmpp_map *map, const struct xmpp_jid *to, struct str bytes,
		   struct msg *m);
/* The bytes of such; empty: they are longer than the room. */
struct str xmpp_map_kept_get(const struct xmpp_map *map, const struct msg *m, uint8_t *room,
			     size_t n);

/*
 * A stanza of ours, no part of which came in as it is: for one place, or the server of another
 * domain. Handed on, and nobody hears of its failure. False: there is no such address, or the pool
 * is dry.
 */
struct xmpp_own {
	struct xmpp_head head; /* kind, type, id, lang; no message */
	enum xmpp_order  order;
	struct str       payloads;
};
bool xmpp_map_own(const struct xmpp_map *map, const struct xmpp_own *own, const struct xmpp_jid *to,
		  const struct xmpp_sender *from, struct msg *m);

/* A text that waited for longer says so. */
#define XMPP_DELAY_US (5 * US_PER_SECOND)

/* Where a message goes. */
struct xmpp_way {
	struct str domain;  /* ours, for addresses that have none */
	struct str address; /* JID of whom it is for */
	struct str id;      /* of the stanza: what receipts name */
	bool       gateway; /* whoever sends, it is a user of the domain */
};

/* The whole stanza; of a copy one that forwards it (XEP-0280). A reason: it can never go out here.
 * NONE with w->failed: too little room. */
enum reason xmpp_map_out(const struct xmpp_map *map, const struct msg *m,
			 const struct xmpp_way *way, struct put *w);
/* The address that a message is for, with its resource; numbers in the domain. False: none. */
bool xmpp_map_to_put(const struct xmpp_map *map, const struct msg *m, struct str domain,
		     struct put *w);
/* The JID by which it says whom it is from. False: there is none. */
bool xmpp_map_from(const struct xmpp_map *map, const struct msg *m, const struct xmpp_way *way,
		   struct put *w);
enum xmpp_order xmpp_map_order(const struct xmpp_map *map, const struct msg *m);
/* MESSAGE: of what is none of the other two, or came from another protocol. */
enum xmpp_kind xmpp_map_kind(const struct xmpp_map *map, const struct msg *m);
enum xmpp_type xmpp_map_type(const struct xmpp_map *map, const struct msg *m);
/* The id that the stanza gets: that of its sender, where that was XMPP, else one of ours. Is a
 * receipt (XEP-0184) asked for with it? */
struct str xmpp_map_id(const struct xmpp_map *map, const struct msg *m,
		       char room[MSG_ORIGIN_ID_MAX]);
bool       xmpp_map_notified(const struct msg *m);
