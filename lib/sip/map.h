/*
 * Between a MESSAGE request (RFC 3428) and struct msg, both ways. What only SIP knows travels as
 * extras (extras.def), so that a message from SIP to SIP arrives as it was. No state, no memory but
 * the message's pool. Workers.
 *
 * Identity (RFC 3323, 3325): a sender that wants to be withheld has ADDR_NONE for everybody; who it
 * is travels as an extra that only peers in our trust domain are told.
 */
#pragma once

#include "proto/proto.h"
#include "sip/print.h"
#include "sip/value.h"
#include "sip/via.h"

#define SIP_FORWARDS_FIRST 70u    /* RFC 3261, 8.1.1.6 */
#define SIP_EXTRA_VALUE_MAX 1024u /* a longer header field does not go with its message */

enum sip_extra_tag {
	SIP_EXTRA_CONTENT_TYPE = 1,
#define SIP_EXTRA(tag, header, to) SIP_EXTRA_##header = tag,
#include "sip/extras.def"
#undef SIP_EXTRA
	SIP_EXTRA_ASSERTED = 100, /* normal address of a sender that wants to be withheld */
	SIP_EXTRA_FORWARDS = 101, /* one byte: the Max-Forwards that it came with */
	SIP_EXTRA_URI = 102,      /* "+46701234567 sip:alice@example.org": the sender's own address,
				     behind the number by which everybody else knows it */
	SIP_EXTRA_CPIM = 103,     /* it came as message/cpim: the headers of the message */
	SIP_EXTRA_REFRESH = 104,  /* of MSG_COMPOSING: seconds, four bytes, highest first */
	SIP_EXTRA_TPDU = 105,     /* it came as a short message: its TP-PID and TP-DCS; a receipt:
				     sms.h */
	SIP_EXTRA_DOCUMENT = 106, /* the body as it came, of which the text is what others get */
	SIP_EXTRA_IDENTITY =
		107, /* the Identity that a peer sent it with, and that was not wrong */
};

enum {
#define SIP_EXTRA(tag, header, to) SIP_EXTRA_AT_##header,
#include "sip/extras.def"
#undef SIP_EXTRA
	SIP_EXTRA_HEADERS
};

extern const struct sip_extra_header {
	uint16_t           tag;
	enum sip_header_id id;
	bool               trusted; /* only from and to peers that are */
} sip_extra_headers[SIP_EXTRA_HEADERS];

enum sip_content {
	SIP_CONTENT_TEXT,
	SIP_CONTENT_CPIM,
	SIP_CONTENT_IMDN,
	SIP_CONTENT_COMPOSING,
	SIP_CONTENT_SMS,
	SIP_CONTENT_LIST,
	SIP_CONTENT_OPAQUE,
	SIP_CONTENT_FILE,
	SIP_CONTENT_LOCATION,
	SIP_CONTENT_NONE, /* not taken */
};

struct sip_map {
	const struct proto_settings *settings;
	const struct proto_services *services;
	struct metrics              *metrics;
	struct now                   now;
	uint8_t                      protocol; /* our index in protocols.def */
	struct sip_date             *date;     /* the last that was written by the instance */
	struct stir                 *stir; /* of PROTO_IDENTITY_; NULL: no keys, no certificates */
};

/* An address in normal form (msg/addr.h). */
struct sip_address {
	enum addr_kind kind;
	uint8_t        size;
	char           text[MSG_ADDR_SIZE_MAX];
};

static inline struct str sip_address_text(const struct sip_address *a)
{
	return (struct str){a->text, a->size};
}

/*
 * The normal form of who or what a URI names: "+" and digits are a number wherever they stand, also
 * in tel: ones; digits alone are one with user=phone, in a domain that we serve, or in tel:;
 * anonymous (RFC 3323, 4.1.1.3) is ADDR_NONE; else "sip:user@host" in small letters where case does
 * not matter, without port and parameters. False: a scheme that messages do not go to, or too long.
 */
bool sip_address_of(const struct sip_map *map, const struct sip_uri *uri, struct sip_address *a);

/* A host in small letters; false: it does not fit. */
#define SIP_HOST_SIZE_MAX 255u
bool sip_host_fold(struct str host, char room[SIP_HOST_SIZE_MAX], struct str *folded);
/* Is it a domain that we serve? In any case of letters. */
bool sip_serves(const struct sip_map *map, struct str host);

/* An address of record as registrations and credentials are found by: sip_uri_aor_put() without the
 * port, which is no part of it (10.3, step 5: the registrar's own), sips as sip. */
void sip_aor_put(struct put *w, const struct sip_uri *uri);

/* Where a request goes, and what its receiver may know. */
struct sip_way {
	struct str                 domain; /* ours, for addresses that have none */
	struct str                 host;   /* the peer's, likewise */
	uint16_t                   port;   /* the peer's; 0: the default one */
	bool                       trusted;
	const struct proto_target *at;    /* a registration; NULL: the peer itself */
	bool                       cpim;  /* message/cpim is understood there */
	bool                       wraps; /* and all is written so */
	bool                       large; /* by INVITE */
	bool                       chat;  /* which opens a chat */
	struct str target; /* the URI of whom it is for, where that is made; empty: it is not */
};

/* Writes the URI of an address, numbers in this host (port 0: none). False: nothing of the kind has
 * one. */
bool sip_address_put(struct put *w, enum addr_kind kind, struct str text, struct str host,
		     uint16_t port);
/* A host as it stands in a URI: with brackets around an IPv6 address. */
void sip_host_text_put(struct put *w, struct str host);

/* Whom a request comes from, as far as it is known. */
struct sip_sender {
	bool       trusted;        /* P-Asserted-Identity is believed */
	struct str proven;         /* address of record that gave credentials; empty: nobody did */
	struct str number;         /* its telephone number; empty: it has none */
	uint8_t    identity;       /* enum msg_identity: what was proven of it */
	bool       keeps_identity; /* what signs it goes along */
};

/* A Content-Type as one of those taken; *media is filled unless NONE. An empty one is text. */
enum sip_content sip_content_of(struct str type, struct sip_media *media);
enum sip_content sip_content_known(const struct sip_media *media); /* the same of a parsed one */
/* Accept and Accept-Encoding: all that is taken. */
void sip_accept_put(struct put *w);

/* The types that are taken inside message/cpim, separated by SP. */
void sip_types_put(struct put *w);

/* Of the identities that were asserted (RFC 3325, 9.1: one or two) a number before any other.
 * False: none. */
bool sip_asserted(const struct sip_map *map, const struct sip_message *in, struct sip_address *a);

/* Is this address one of who gave the credentials? */
bool sip_sender_owns(const struct sip_sender *from, const struct sip_address *a);

/* Fills the empty record *m. 200, or the status that answers the fault, *why its reason and *m half
 * filled. */
unsigned sip_map_in(const struct sip_map *map, const struct sip_message *in,
		    const struct sip_mandatory *known, const struct sip_sender *from, struct msg *m,
		    enum reason *why);

/* The Request-URI of a message. A reason: it can never go out here. */
enum reason sip_map_uri(const struct msg *m, const struct sip_way *way, struct put *w);

/* What names the request that a message goes out with. */
struct sip_names {
	struct str from_tag;
	struct str message_id; /* for the notifications that come back: proto's remote_id */
};

/* From, To and what else its header says of a message, without its body. */
enum reason sip_map_head(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			 struct str from_tag, struct put *w);
/* From, To and all that follows of a message, to the end of its body. A reason: it can never go out
 * here. NONE with w->failed: too little room. */
enum reason sip_map_out(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			const struct sip_names *names, struct put *w);
/* Is its recipient asked for notifications (RFC 5438)? Then an answer is not the last word. */
bool sip_map_notified(const struct msg *m, const struct sip_way *way);

/* Is it written in message/cpim though it could be without? */
bool sip_map_wrapped(const struct sip_map *map, const struct msg *m, const struct sip_way *way);

/* Max-Forwards: one less than it came with, when it came by SIP. */
uint32_t sip_map_forwards(const struct sip_map *map, const struct msg *m);

/* ---- bodies: map_body_in.c, map_body_out.c ---- */

/* The body of a MESSAGE: kind, coding, body, and of notifications what they say. 200, or the status
 * that answers the fault. */
unsigned sip_body_in(const struct sip_map *map, const struct sip_message *in,
		     const struct sip_mandatory *known, struct msg *m, enum reason *why);
bool     sip_extra_add(const struct sip_map *map, struct msg *m, uint16_t tag, struct str value);

/*
 * What a sender in CPIM called its message, as origin_id of the record: imdn.Message-ID, and behind
 * it, each after SIP_ORIGIN_ROUTE, the URIs of IMDN-Record-Route in their order.
 */
#define SIP_ORIGIN_ROUTE '\n'
struct sip_origin {
	struct str message_id;
	struct str routes; /* from the first SIP_ORIGIN_ROUTE on; empty: none */
};
/* Room: of MSG_ORIGIN_ID_MAX bytes. False: it has none, or one that is too long. */
bool sip_origin_of(const struct msg *m, uint8_t *room, struct sip_origin *origin);
/* The first route, and *routes what follows it; empty: none is left. */
struct str sip_origin_route(struct str *routes);

/* Content-Type to the end of the body. */
enum reason sip_body_out(const struct sip_map *map, const struct msg *m, const struct sip_way *way,
			 struct str message_id, struct put *w);
/* The content alone, as message/cpim. */
enum reason sip_content_out(const struct sip_map *map, const struct msg *m,
			    const struct sip_way *way, struct str message_id, struct put *w);
bool        sip_extra_text(const struct sip_map *map, const struct msg *m, uint16_t tag,
			   uint8_t room[SIP_EXTRA_VALUE_MAX], struct str *value);
/* The URI of whom it is for, and of whom it is from; a reason: there is none. */
enum reason sip_target_put(struct put *w, const struct msg *m, const struct sip_way *way);
enum reason sip_source_put(const struct sip_map *map, struct put *w, const struct msg *m,
			   const struct sip_way *way);
