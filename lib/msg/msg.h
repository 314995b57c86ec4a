/*
 * The message: one canonical record for every protocol. What comes in as SMPP can leave as SIP or
 * XMPP.
 *
 * A record is a chain of blocks of MSG_BLOCK_SIZE from one pool; the fixed head is at the start of
 * the first. It owns every byte it needs: nothing in it points into packets or the world, and its
 * parts are offsets into its own data, so that it can be passed by ring, written to disk and read
 * back as it is. The body is kept as received, with its coding; UTF-8 is a view made once when
 * somebody asks.
 *
 * A pool belongs to one worker and so do its messages; another worker to which a message is lent
 * reads only. Nothing here allocates beyond the pool, blocks or reads a clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/str.h"

#define MSG_BLOCK_SIZE 1024u
#define MSG_SIZE_MAX                                                                               \
	(68u * 1024u)          /* of data in one record: a 64 KiB message_payload and its fields */
#define MSG_ADDR_SIZE_MAX 255u /* bytes of one address */
#define MSG_SLOT_NONE UINT32_MAX
#define MSG_ORIGIN_ID_MAX 240u
#define MSG_HOPS_MAX 32u /* a message that came through so many gateways goes in a circle */

/* A place in the record's data. Data is one run of bytes, 0 .. data_size - 1, spread over the
 * blocks. */
struct msg_part {
	uint32_t off, size;
};

/* NATIVE: what nobody but its own protocol understands; others refuse it. */
enum msg_kind {
	MSG_TEXT,
	MSG_BINARY,
	MSG_RECEIPT,
	MSG_READ_REPORT,
	MSG_COMPOSING,
	MSG_NATIVE,
	MSG_KIND_COUNT
};
enum msg_content {
#define MSG_CONTENT(id, word) MSG_CONTENT_##id,
#include "msg/contents.def"
#undef MSG_CONTENT
	MSG_CONTENT_COUNT
};
/* What a device takes where it is registered, as bits. */
enum msg_ability {
#define MSG_ABILITY(id, word) MSG_ABILITY_##id,
#include "msg/abilities.def"
#undef MSG_ABILITY
	MSG_ABILITY_COUNT
};
/* A copy for another place of its sender or its recipient (XEP-0280): seen, and answered by nobody.
 */
enum msg_copy { MSG_COPY_NONE, MSG_COPY_SENT, MSG_COPY_RECEIVED };
/* What a signature over who sends it has proven (RFC 8224). */
enum msg_identity {
#define MSG_IDENTITY(id, word) MSG_IDENTITY_##id,
#include "msg/identities.def"
#undef MSG_IDENTITY
	MSG_IDENTITY_COUNT
};
enum msg_class { MSG_EMERGENCY, MSG_TRANSACTIONAL, MSG_NORMAL, MSG_BULK, MSG_CLASS_COUNT };
enum msg_mode { MSG_MODE_DEFAULT, MSG_DATAGRAM, MSG_TRANSACTION, MSG_STORE, MSG_MODE_COUNT };

/* How the body's bytes are to be read. GSM7 is one septet in each byte, as SMPP's default alphabet
 * carries it. */
enum msg_coding {
	MSG_CODING_GSM7,
	MSG_CODING_ASCII,
	MSG_CODING_LATIN1,
	MSG_CODING_UCS2,
	MSG_CODING_UTF8,
	MSG_CODING_BINARY,
	MSG_CODING_COUNT
};

/* An address in normal form (DESIGN.md 5): E164 is "+" and digits, SHORT digits alone, ALPHA as it
 * came, URI "sip:..." or "user@domain". */
enum addr_kind { ADDR_NONE, ADDR_E164, ADDR_SHORT, ADDR_ALPHA, ADDR_URI, ADDR_KIND_COUNT };

struct addr {
	uint8_t kind;     /* enum addr_kind */
	uint8_t ton, npi; /* as received, for a peer of the same protocol; 0 where the protocol has
			     none */
	uint8_t  size;    /* bytes */
	uint32_t off;     /* always within the first block */
};

/* Names a session of any worker; one that ended meanwhile is found out by its generation. */
struct session_ref {
	uint32_t index;
	uint16_t generation;
	uint8_t  worker;
	uint8_t  protocol; /* index in protocols.def */
};

/* What a receipt says of the message it is for (SMPP 3.4, 5.2.28; other protocols map to it). */
enum msg_state {
	MSG_STATE_UNKNOWN,
	MSG_STATE_ENROUTE,
	MSG_STATE_DELIVERED,
	MSG_STATE_EXPIRED,
	MSG_STATE_DELETED,
	MSG_STATE_UNDELIVERABLE,
	MSG_STATE_ACCEPTED,
	MSG_STATE_REJECTED,
	MSG_STATE_COUNT
};

struct msg_receipt {
	struct msg_part remote_id; /* the id that the next hop gave to the message, as received */
	uint64_t        msg_id;    /* our id of that message, once matched; 0 before */
	uint8_t         state;     /* enum msg_state */
	uint8_t         intermediate; /* true: not the last word about that message */
	uint8_t         interworked;  /* true: it says that the message is a short message there */
	uint8_t         error[3];     /* network_error_code, 0 0 0 when none */
	uint8_t         why; /* enum reason, of a failure; NONE: no more is said than ->state */
};

/* Part n of m of a long message; m == 0: not a part. */
struct msg_concat {
	uint16_t reference;
	uint8_t  part, parts;
	uint8_t  udh; /* true: told by a user data header inside the body; false: by parameters
			 beside it */
};

/* Receipts that the sender asked for; bits. */
#define MSG_WANT_SUCCESS 1u
#define MSG_WANT_FAILURE 2u
#define MSG_WANT_INTERMEDIATE 4u
#define MSG_WANT_READ 8u
#define MSG_WANT_INTERWORKING 16u /* that it went on as a short message (OMA CPM) */

struct msg_block;
struct msg_pool;

struct msg {
	uint64_t           id;    /* DESIGN.md 3.3; given at admission */
	uint64_t           token; /* what the origin session needs to answer; opaque */
	struct session_ref origin;
	uint32_t           account;      /* slot of the account it came from, or MSG_SLOT_NONE */
	uint32_t           peer;         /* slot of the peer it came from, or MSG_SLOT_NONE */
	uint8_t            kind;         /* enum msg_kind */
	uint8_t class;                   /* enum msg_class */
	uint8_t         mode;            /* enum msg_mode, as the sender asked */
	uint8_t         coding;          /* enum msg_coding of the body */
	uint8_t         native_protocol; /* protocol of native_coding */
	uint8_t         native_coding;   /* its own number for the coding (SMPP data_coding) */
	uint8_t         wants;           /* MSG_WANT_ bits */
	uint8_t         udh_size; /* bytes of user data header at the start of the body, 0: none */
	struct addr     from, to;
	struct msg_part body;        /* as received, user data header included */
	struct msg_part extras;      /* opaque entries, see msg_extra_next() */
	uint32_t        extra_marks; /* msg_extra_mark() of each of them */
	struct msg_part origin_id; /* that its sender gave it, at most MSG_ORIGIN_ID_MAX bytes, for
				      the receipts that it asked for; empty: none */
	struct msg_concat  concat;
	struct msg_receipt receipt;  /* kind RECEIPT and READ_REPORT only */
	uint64_t           to_place; /* key of the registration of `to` that it is for; 0: any */
	uint64_t           received_us;
	uint64_t           expires_us; /* end of validity, monotonic; 0: none asked */
	uint32_t           data_size;  /* bytes of data in use */
	uint8_t            hops;
	uint8_t            block_count;
	bool possible_duplicate; /* sent before with an unknown outcome: the recipient may have it
				  */
	bool    alone;           /* no copy of it is made */
	bool    there;           /* it goes to to_place and to no other */
	uint8_t copy;            /* enum msg_copy */
	uint8_t carries; /* enum msg_content: of kind TEXT what the text stands for; of BINARY
		  DOCUMENT, or nothing */
	uint8_t           identity; /* enum msg_identity, of ->from as it came */
	uint16_t          tags;     /* set by rules: one bit a tag */
	uint8_t           sms_form; /* of a short message: msg/sms.h */
	uint8_t           sms_pid;  /* TP-PID of a short message; 0: a plain one */
	struct msg_pool  *pool;     /* where its blocks go back to; written by msg_new() only */
	struct msg_block *more;     /* second block of the chain, or NULL */
	uint8_t data[]; /* MSG_BLOCK_SIZE - sizeof(struct msg) bytes, then the rest of the chain */
};

#define MSG_DATA_FIRST (MSG_BLOCK_SIZE - sizeof(struct msg)) /* data bytes in the first block */

/* A pool of `count` blocks in memory that the caller owns and keeps; msg_pool_size(count) bytes,
 * aligned to 64. */
size_t           msg_pool_size(uint32_t count);
struct msg_pool *msg_pool_init(void *memory, uint32_t count);
uint32_t         msg_pool_free_count(const struct msg_pool *pool);

struct msg *
msg_new(struct msg_pool *pool); /* empty record, head zero but account and peer MSG_SLOT_NONE;
				   caller owns; NULL when the pool is dry */
void msg_free(struct msg *m);   /* all blocks back to the pool they came from; NULL is allowed */
void msg_reset(struct msg *m);  /* as msg_new() left it; blocks after the first go back */

/* The same record again, in blocks of pool. NULL: there are too few. */
struct msg *msg_copy(struct msg_pool *pool, const struct msg *m);

/* Append n bytes to the data; where they lie goes to *part. False: the pool is dry or MSG_SIZE_MAX
 * is reached, and nothing changed. */
bool msg_append(struct msg *m, const void *bytes, size_t n, struct msg_part *part);

/* Append an address in normal form; it must come before anything that could fill the first block.
 * False: longer than MSG_ADDR_SIZE_MAX or no room. */
bool msg_append_addr(struct msg *m, enum addr_kind kind, uint8_t ton, uint8_t npi, struct str text,
		     struct addr *addr);

/* Does it tell of another message? */
static inline bool msg_is_report(const struct msg *m)
{
	return m->kind == MSG_RECEIPT || m->kind == MSG_READ_REPORT;
}

static inline enum msg_content msg_content(const struct msg *m)
{
	switch ((enum msg_kind)m->kind) {
	case MSG_TEXT:
		return (enum msg_content)m->carries;
	case MSG_RECEIPT:
	case MSG_READ_REPORT:
		return MSG_CONTENT_RECEIPT;
	case MSG_COMPOSING:
		return MSG_CONTENT_COMPOSING;
	case MSG_NATIVE:
		return MSG_CONTENT_NATIVE;
	case MSG_BINARY:
	case MSG_KIND_COUNT:
		break;
	}
	return m->carries == MSG_CONTENT_DOCUMENT ? MSG_CONTENT_DOCUMENT : MSG_CONTENT_BINARY;
}

/* How rules call it; NULL: there is no such content. */
const char *msg_content_word(unsigned content);
const char *msg_ability_word(unsigned ability); /* likewise */
const char *msg_identity_word(unsigned identity);

static inline struct str msg_addr(const struct msg *m, const struct addr *a)
{
	return (struct str){(const char *)m->data + a->off, a->size};
}

/* The bytes of a part, lent: in place when they lie in one block, else gathered into room (which
 * must hold part.size bytes). */
const uint8_t *msg_view(const struct msg *m, struct msg_part part, uint8_t *room);

/*
 * Opaque entries: what only one protocol knows (SMPP TLVs and service_type, SIP headers). Appended
 * one after the other, without anything else between them; the first call decides where they begin.
 * protocol: index in protocols.def; tag: the protocol's own.
 */
struct msg_extra {
	uint8_t         protocol;
	uint16_t        tag;
	struct msg_part value;
};

/* Extras that every protocol has a place for: their protocol is MSG_COMMON. */
#define MSG_COMMON 0xffu
enum msg_common_tag {
	MSG_COMMON_SUBJECT = 1,   /* UTF-8 */
	MSG_COMMON_LANGUAGE = 2,  /* RFC 5646 */
	MSG_COMMON_LINK = 3,      /* of MSG_CONTENT_FILE: its URL, which stands in the text, too */
	MSG_COMMON_LINK_NAME = 4, /* and the name of the file, UTF-8 */
};
#define MSG_COMMON_SIZE_MAX 1024u

bool msg_extra_add(struct msg *m, uint8_t protocol, uint16_t tag, const void *bytes, uint16_t n);
/* Iterate: *at starts at 0; false after the last. */
bool msg_extra_next(const struct msg *m, uint32_t *at, struct msg_extra *extra);
/* The first with that tag. */
bool msg_extra_search(const struct msg *m, uint8_t protocol, uint16_t tag, struct msg_extra *extra);

/* One bit for an extra, which few others have: without it in ->extra_marks there is none. */
static inline uint32_t msg_extra_mark(uint8_t protocol, uint16_t tag)
{
	return 1u << ((tag + 8u * protocol) % 32);
}

static inline bool msg_extra_find(const struct msg *m, uint8_t protocol, uint16_t tag,
				  struct msg_extra *extra)
{
	return (m->extra_marks & msg_extra_mark(protocol, tag)) != 0 &&
	       msg_extra_search(m, protocol, tag, extra);
}
