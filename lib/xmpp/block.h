/*
 * Blocks of an instance: for a try to authenticate, for who a client is and what it says of
 * itself, for stanzas that wait for their answer in either direction, for whom it blocks. A block
 * may be taken in quarters, each with a head of its own, for who most clients are: they stay while
 * the client is idle. The memory is given zeroed and stays untouched until a block is used. One
 * worker; all in constant time.
 */
#pragma once

#include "proto/proto.h"
#include "roster/question.h"
#include "xmpp/sasl.h"

#define XMPP_BLOCK_NONE 0u /* quarters are numbered from 1, so that zeroed memory names none */
#define XMPP_QUARTERS 4u   /* of a block, which has the number of its first */
#define XMPP_QUARTER_SIZE 448u
#define XMPP_RESOURCE_MAX 255u
#define XMPP_TO_MAX 512u
#define XMPP_TEXT_SIZE 16u /* of ids, resources and nonces that we make */
#define XMPP_STANZA_ID_MAX 255u
#define XMPP_SAID_SIZE 768u
#define XMPP_DOMAIN_MAX 120u    /* of a link */
#define XMPP_KEY_MAX 255u       /* of dialback */
#define XMPP_PRESENCE_MAX 992u  /* with what is beside it as large as a try to authenticate */
#define XMPP_DIRECTED_MAX 1768u /* the same, of the JIDs that presence was directed to */
#define XMPP_OWED_MAX 1024u     /* of the JID that presence is owed to */

enum xmpp_who_part {
	XMPP_WHO_USER,
	XMPP_WHO_RESOURCE,
	XMPP_WHO_BIND_ID,  /* of the request to bind, or for copies, until it is answered */
	XMPP_WHO_PRESENCE, /* of now, as others get it: its xml:lang, then its payloads */
	XMPP_WHO_PARTS
};

struct xmpp_who {
	char     stream[XMPP_TEXT_SIZE]; /* names this stream among all that the resource had */
	uint16_t size[XMPP_WHO_PARTS];
	uint8_t  language_size; /* of the presence */
	/* The parts, one after the other; in a quarter of a block it ends with that. */
	char text[XMPP_SASL_USER_MAX + XMPP_RESOURCE_MAX + XMPP_STANZA_ID_MAX + XMPP_PRESENCE_MAX];
};

struct xmpp_request {
	uint64_t token;    /* out: of submit() */
	uint64_t due_us;   /* out: when its outcome is unknown */
	uint32_t sequence; /* out: of its stanza (XEP-0198) */
	uint8_t  id_size, remote_id_size;
	uint8_t  kind;   /* in: enum xmpp_kind */
	bool     silent; /* in: its sender does not hear of a failure */
	uint8_t  why;    /* in: what its sender is told, when it can be; enum reason */
	uint8_t  type;   /* in: enum xmpp_type, of presence that control is asked about */
	uint8_t  reply;  /* in: enum xmpp_type that this is answered with; NONE: an error */
	uint16_t to_size, from_size;
	char     id[XMPP_STANZA_ID_MAX]; /* in: of the stanza; out: by which receipts name it */
	char     to[XMPP_TO_MAX];        /* in: whom it is for */
	char     from[XMPP_TO_MAX];      /* in: who sent it, over a link */
};

struct xmpp_link { /* what a link joins */
	uint8_t own_size, other_size, id_size, password_size;
	char    own[XMPP_DOMAIN_MAX], other[XMPP_DOMAIN_MAX];
	char    id[XMPP_STANZA_ID_MAX]; /* of the stream, as who accepted it gave it */
	char    password[PROTO_SECRET_SIZE_MAX];
	union {
		uint64_t pair;   /* of a stream that verifies: token of what it is about */
		uint64_t source; /* of one that came: hash of its address */
	};
	uint8_t  claims;    /* that led to a question */
	bool     changed;   /* the world, since the domains it speaks for were looked at */
	bool     federated; /* open federation has let it in, and counts it */
	uint64_t look_us;   /* when they are, if it says nothing before; 0: not yet known */
};

struct xmpp_pair {      /* two domains, one of which is to be proven (XEP-0220) */
	uint8_t  state; /* enum xmpp_pair_state */
	uint8_t  own_size, other_size, key_size, id_size;
	bool     open;    /* the other is one that a peer stands for, with all servers */
	uint32_t peer;    /* slot of the one that is the server of the other */
	uint64_t due_us;  /* when it is given up */
	void    *session; /* whose it is */
	char     own[XMPP_DOMAIN_MAX], other[XMPP_DOMAIN_MAX];
	char     key[XMPP_KEY_MAX], id[XMPP_TEXT_SIZE];
};

struct xmpp_said {         /* of a stanza of ours that is not acknowledged */
	uint32_t sequence; /* XEP-0198 */
	uint16_t size;
	bool     more; /* the next block goes on */
	char     text[XMPP_SAID_SIZE];
};

struct xmpp_owed { /* presence, to whom one of ours says that it is to be told */
	bool     farewell;
	uint16_t to_size;
	char     to[XMPP_OWED_MAX];
};

struct xmpp_directed { /* whom the client has told that it is there, each with its size before it */
	uint16_t size;
	uint8_t  text[XMPP_DIRECTED_MAX];
};

struct xmpp_blocked { /* keyed hashes of what the user's block list has */
	uint32_t count;
	uint64_t hashes[ROSTER_BLOCKED_MAX];
};

struct xmpp_block {
	uint32_t next, previous; /* of the list it is in */
	uint32_t generation;     /* rises when it is freed; what still names the old use is found */
	uint8_t  quarters;       /* in use; 0: it is not split */
	union {
		struct xmpp_sasl     sasl;
		struct xmpp_who      who;
		struct xmpp_request  request;
		struct xmpp_owed     owed;
		struct xmpp_directed directed;
		struct xmpp_blocked  blocked;
		struct xmpp_said     said;
		struct xmpp_link     link;
		struct xmpp_pair     pair;
	} u;
};

struct xmpp_list { /* zeroed: empty */
	uint32_t first, last, count;
};

struct xmpp_blocks {
	struct xmpp_block *blocks;
	uint32_t           count, used, touched, free; /* those after touched were never used */
	struct xmpp_list   quarters;                   /* free ones, of blocks that are split */
};

void     xmpp_blocks_init(struct xmpp_blocks *b, void *memory, uint32_t count);
uint32_t xmpp_block_take(struct xmpp_blocks *b);   /* NONE: all are in use */
uint32_t xmpp_quarter_take(struct xmpp_blocks *b); /* the same; counted with its block */
void     xmpp_block_give(struct xmpp_blocks *b, uint32_t number); /* of either kind */

static inline struct xmpp_block *xmpp_block_at(const struct xmpp_blocks *b, uint32_t number)
{
	struct xmpp_block *whole = &b->blocks[(number - 1) / XMPP_QUARTERS];

	return (void *)((char *)whole + (number - 1) % XMPP_QUARTERS * XMPP_QUARTER_SIZE);
}

/* Of a block that is not split. */
static inline uint32_t xmpp_block_number(const struct xmpp_blocks *b,
					 const struct xmpp_block  *block)
{
	return (uint32_t)(block - b->blocks) * XMPP_QUARTERS + 1;
}

static inline bool xmpp_block_is_quarter(const struct xmpp_blocks *b, uint32_t number)
{
	return b->blocks[(number - 1) / XMPP_QUARTERS].quarters > 0;
}

void xmpp_list_append(struct xmpp_blocks *b, struct xmpp_list *l, uint32_t number);
void xmpp_list_remove(struct xmpp_blocks *b, struct xmpp_list *l, uint32_t number);

/* What names a block in its use of now. */
uint64_t xmpp_block_token(const struct xmpp_blocks *b, uint32_t number);
/* NONE: that use is over. */
uint32_t xmpp_block_find(const struct xmpp_blocks *b, uint64_t token);
