/*
 * Transactions (RFC 3261, 17): what all have in common, and those that are no INVITE (17.1.2 and
 * 17.2.2, as corrected by RFC 4320); what INVITE has of its own is in invite.h. A client
 * transaction sends a request again over UDP until it is answered and has one end; a server
 * transaction hands a request on once, however often it comes, and answers all of them alike.
 * Called by sessions, on the worker that owns them. No clock, no memory but the instance's; every
 * call takes constant time, but for the bytes it copies.
 *
 * Memory: blocks of SIP_BLOCK_SIZE, one for a transaction and what it keeps, more where that is not
 * enough. A session holds a struct sip_clients and a struct sip_servers, zeroed at first but for
 * ->session, and must end all that is in them before its memory is used again.
 *
 * Client:
 *	c = sip_client_new(t, &s->clients);                 NULL: answer SUBMIT_LATER
 *	... write the request, its Via with sip_client_branch() ...
 *	sip_client_start(t, c, now, &how, bytes, n)         false: no memory for the copy; take the
 *	                                                    bytes back, sip_client_end()
 *	c = sip_client_match(t, response, known)            NULL: belongs to none, counted
 *	sip_client_response(t, c, status)                   true: final; read c, sip_client_end()
 *	c = sip_client_tick(t, &s->clients, now, &out, &at) not NULL: timer F; read c,
 *sip_client_end()
 *
 * Server:
 *	sip_server_request(...)                             NEW: *server is to be answered once
 *	sip_server_answer(t, server, now, &answer, &out)    also later, by sip_server_find(token)
 *	sip_server_tick(t, &s->servers, now, &out)          100 (Trying), where the answer takes
 *long sip_server_reply(...)                               an answer for which nothing is kept
 */
#pragma once

#include "base/hash.h"
#include "base/now.h"
#include "metrics/metrics.h"
#include "proto/flow.h"
#include "proto/out.h"
#include "sip/branch.h"
#include "sip/completed.h"
#include "sip/message.h"
#include "sip/pool.h"
#include "sip/reached.h"
#include "sip/via.h"

#define SIP_T1_US (500 * US_PER_MS) /* RFC 3261, 17.1.1.1 and table 4 */
#define SIP_T2_US (4 * US_PER_SECOND)
#define SIP_TIMEOUT_US (64 * SIP_T1_US) /* timers F and J */
/* What timer E takes to grow to T2: no 100 before over UDP, and one then (RFC 4320, 4.1). */
#define SIP_TRYING_US (7 * SIP_T1_US)
#define SIP_STAGES 4u        /* of timers E and G: T1, 2*T1, 4*T1, T2 */
#define SIP_INVITE_STAGES 6u /* of timer A: T1, 2*T1 ... 32*T1 */

/* Over UDP the one answer to a request of somebody unproven is at most so many times as long, as
 * RFC 9000, 8.1, has it; what goes there after it is paid for by what comes. */
#define SIP_AMPLIFICATION_MAX 3u

#define SIP_TAG_SIZE 16u /* of our own To tag */
/* A response without its body that sip_server_answer() and sip_server_reply() write is never longer
 * than this and the lines of header fields given. */
#define SIP_RESPONSE_HEAD_MAX (SIP_HEAD_SIZE_MAX + 512u + 6u * SIP_VIAS_MAX)

/* Numbers of blocks, in order; the links lie in the blocks. */
struct sip_links {
	uint32_t next, prev;
};

struct sip_block_list {
	uint32_t first, last;
};

struct sip_transactions { /* of an instance */
	struct sip_pool      pool;
	struct sip_completed completed;
	struct sip_reached   reached;
	struct metrics      *metrics;
	struct hash_key      branch_key, tag_key, match_key;
	uint32_t            *buckets; /* of pending server transactions, by key */
	uint32_t             bucket_mask;
	uint8_t              worker;
	uint8_t              scratch[SIP_RESPONSE_HEAD_MAX]; /* during a call */
};

/* memory: zeroed, aligned to 64, kept by the caller; at least 16 KiB. An eighth of it remembers
 * answered requests, unless there is sip_transactions_remember(). seed must not be known to others;
 * another one with each run. */
void sip_transactions_init(struct sip_transactions *t, struct metrics *metrics, uint8_t worker,
			   uint64_t seed, void *memory, size_t bytes);
/* Memory of its own for answered requests: zeroed, aligned to 64, kept by the caller; touched as it
 * is used. Before the first request. */
#define SIP_REMEMBERED_SIZE 40u /* bytes for each */
void sip_transactions_remember(struct sip_transactions *t, void *memory, size_t bytes);

struct sip_clients { /* of a session */
	void                 *session;
	uint32_t              open;
	uint32_t              watches; /* the session's: the first of watch.h; SIP_BLOCK_NONE */
	struct sip_block_list stages[SIP_INVITE_STAGES]; /* by the time of the next sending, each in
							    order */
	struct sip_block_list deadlines;                 /* timer F */
	struct sip_block_list invites; /* timers B, D and M; not counted as open */
};

enum sip_client_state {
	SIP_CLIENT_NEW,
	SIP_CLIENT_TRYING,
	SIP_CLIENT_PROCEEDING,
	SIP_CLIENT_COMPLETED,
	SIP_CLIENT_ACCEPTED /* of INVITE: a 2xx came (RFC 6026, 7.2) */
};

struct sip_client { /* lies in its first block; readable for the session */
	uint64_t            token;
	uint64_t            deadline_us, resend_us; /* resend_us: of no meaning over TCP */
	struct sip_clients *of;                     /* ->session: whose it is */
	struct flow         to;
	struct sip_links    by_stage, by_deadline;
	struct sip_chain    request; /* kept; size 0: not */
	uint32_t            number;  /* of its first block */
	uint32_t            sends;   /* 1: only one could have arrived */
	uint32_t            note;    /* the session's */
	uint32_t            rest;    /* the session's: what is to follow it; SIP_BLOCK_NONE */
	uint8_t             state, stage;
	uint8_t             method; /* enum sip_method */
	uint8_t             kind;   /* the session's */
	uint32_t            tag;    /* of INVITE: the session's */
	bool                datagram;
	bool                cancels, cancelled; /* CANCEL is to go, was sent */
	bool                resends;            /* it is in of->stages */
};

struct sip_client_how {
	uint64_t    token;
	uint64_t    timeout_us; /* timer F is the smaller of this and 64*T1 */
	struct flow to;         /* where datagrams go */
	bool        datagram;   /* over UDP: sent again */
	bool        keep;       /* the request is kept over TCP too, to be sent with credentials */
	uint8_t     method;     /* enum sip_method */
	uint8_t     kind;
	uint32_t    note;
};

/* NULL: no block is free, counted. */
struct sip_client *sip_client_new(struct sip_transactions *t, struct sip_clients *of);
/* The branch of its Via. */
void sip_client_branch(const struct sip_transactions *t, const struct sip_client *c, struct put *w);
/*
 * The request is on its way: the bytes as they are in *out, copied where they are sent again.
 * False: there was no memory for the copy (counted): end it, and take the request back. Deadlines
 * of a session never go back: one with a shorter timeout than those before it ends with them.
 */
bool sip_client_start(struct sip_transactions *t, struct sip_client *c, struct now now,
		      const struct sip_client_how *how, const void *bytes, size_t n);
/* Whose response this is (17.1.3); NULL: of none that is open, counted. The session that it came to
 * need not be the one that it is for: ->of->session. */
struct sip_client *sip_client_match(struct sip_transactions *t, const struct sip_message *response,
				    const struct sip_mandatory *known);
/* The one that a branch of ours names, also when its final response is here and it has not ended;
 * NULL: none. */
struct sip_client *sip_client_named(struct sip_transactions *t, struct str branch);
/* True: final. Nothing more is sent; the caller reads what it needs and calls sip_client_end(), at
 * once or, where the response is not the last word, later: timer F still gives it to
 * sip_client_tick(). */
bool sip_client_response(struct sip_transactions *t, struct sip_client *c, unsigned status);
/* The request as it was sent, into room for c->request.size bytes. */
void sip_client_request(const struct sip_transactions *t, const struct sip_client *c,
			struct put *w);
/*
 * A datagram that an ICMP error quotes, from its first byte as far as it goes: whose request it
 * is, by our own branch, which nobody can make up; NULL: of none. When ->sends is 1 and the error
 * says that nobody has it (port or host unreachable), the request has not arrived, else the outcome
 * is unknown.
 */
struct sip_client *sip_client_quoted(struct sip_transactions *t, struct cur quoted);
/* The oldest that is open; NULL: none. For the end of a session. */
struct sip_client *sip_client_oldest(const struct sip_transactions *t,
				     const struct sip_clients      *of);
/* Names it for later; it may have ended: NULL. */
uint64_t           sip_client_token(const struct sip_transactions *t, const struct sip_client *c);
struct sip_client *sip_client_by_token(const struct sip_transactions *t, uint64_t token);
/* The next one, which is not that of an INVITE. */
struct sip_client *sip_client_later(const struct sip_transactions *t, const struct sip_client *c);
void               sip_client_end(struct sip_transactions *t, struct sip_client *c);
/*
 * Sends again what is due, as far as there is room, and gives one whose time is over (timer F: the
 * outcome is unknown): call again after it is ended. NULL: *next is the next deadline, UINT64_MAX:
 * none.
 */
struct sip_client *sip_client_tick(struct sip_transactions *t, struct sip_clients *of,
				   struct now now, struct out *out, uint64_t *next);

struct sip_servers { /* of a session */
	void                 *session;
	uint32_t              open;
	struct sip_block_list quiet;   /* no answer yet, not even 100; in order */
	struct sip_block_list ringing; /* the same of INVITE */
	struct sip_block_list trying;
	struct sip_block_list stages[SIP_STAGES]; /* answers to INVITE that are sent again */
	struct sip_block_list answered;           /* INVITE without its ACK; in order, not open */
};

struct sip_server { /* lies in its first block; readable for the session */
	struct sip_key      key;
	uint64_t            begun_us;
	struct sip_servers *of;
	struct flow         to; /* where the answer goes */
	struct sip_links    links, by_stage;
	uint64_t            resend_us;
	uint32_t            bucket_next;
	uint32_t            number;
	struct sip_chain    kept; /* fields of the response, then what the session keeps */
	uint32_t            head_size;
	uint32_t            tag_at; /* of INVITE: where our To tag is in ->kept; 0: To had one */
	uint32_t            note;   /* the session's */
	uint32_t            credit; /* bytes that came and were not answered with as many */
	uint8_t             method; /* enum sip_method */
	bool                datagram, trying;
	bool                proven; /* its sender is where it comes from: the session's to say */
	bool                said;   /* by sip_server_say() */
	bool                resends;
	uint8_t             stage;
	uint16_t            final; /* of INVITE: the status that awaits its ACK; 0: none yet */
};

/* A request as it came. */
struct sip_incoming {
	const struct sip_message   *message;
	const struct sip_mandatory *known;
	const struct flow          *from;
	bool                        datagram;
};

enum sip_server_step {
	SIP_SERVER_NEW,
	SIP_SERVER_PENDING, /* it waits for its answer already; nothing is to be done */
	/* It is answered already: write the same again with sip_server_reply(), from *again. */
	SIP_SERVER_AGAIN,
	/* It came another way, too, and has its answer there (8.2.2.2): answer 482 with
	 * sip_server_reply(). */
	SIP_SERVER_MERGED,
	SIP_SERVER_FULL, /* no memory: answer 503 with sip_server_reply() */
};

struct sip_again {
	uint16_t status;
	uint32_t note; /* that the answer had */
};

/* ACK never has a transaction here: do not ask (17.2.3). */
enum sip_server_step sip_server_request(struct sip_transactions *t, struct sip_servers *of,
					struct now now, const struct sip_incoming *in,
					struct out *out, struct sip_server **server,
					struct sip_again *again);

/* Has it come before? */
bool sip_server_knows(struct sip_transactions *t, struct now now, const struct sip_incoming *in);

/* Is there a request, open or answered, that this CANCEL is for (9.2)? *open: an INVITE that has no
 * final answer yet, to be answered 487; else NULL. */
bool sip_server_cancels(struct sip_transactions *t, struct now now, const struct sip_incoming *in,
			struct sip_server **open);

/* Bytes of the session's own, in addition to those before; false: no memory, counted. */
bool sip_server_keep(struct sip_transactions *t, struct sip_server *s, const void *bytes, size_t n);
/* All that it kept. */
size_t sip_server_kept_size(const struct sip_server *s);
void   sip_server_kept(const struct sip_transactions *t, const struct sip_server *s, struct put *w);

/* Tokens of server transactions have 63 bits; others of an instance that come back on the same way
 * have this one too. */
#define SIP_TOKEN_OTHER (1ull << 63)
#define SIP_TOKEN_GENERATION 0x7fffffffu /* bits of a block's generation in a token */

/* Names it for later; never 0. */
uint64_t sip_server_token(const struct sip_transactions *t, const struct sip_server *s);
/* NULL: it is over. */
struct sip_server *sip_server_find(const struct sip_transactions *t, uint64_t token);

struct sip_answer {
	unsigned   status;
	struct str reason;  /* phrase; may be empty */
	struct str headers; /* whole lines, each with its CRLF, by print.h */
	struct str type;    /* Content-Type; empty: none */
	struct str body;
	struct str tag; /* of To, of a dialog, where an INVITE is accepted; empty: the
			   transaction's own */
	uint32_t note; /* comes back with SIP_SERVER_AGAIN: what the session needs to write the same
			  header fields again */
};

/*
 * Final ones end it: *s is gone. False: it did not fit into *out and is not sent; over UDP the
 * request then comes again and is answered. Over UDP a provisional one is 100 and written by
 * sip_server_tick() alone.
 */
bool sip_server_answer(struct sip_transactions *t, struct sip_server *s, struct now now,
		       const struct sip_answer *a, struct out *out);
/* The same now, but *s stays, with what it keeps, until sip_server_end(): what comes of the request
 * is told in another way. */
bool sip_server_say(struct sip_transactions *t, struct sip_server *s, struct now now,
		    const struct sip_answer *a, struct out *out);
void sip_server_end(struct sip_transactions *t, struct sip_server *s);
/* An answer from the request itself, for which nothing was kept and nothing will be: refusals and
 * challenges (8.2.7), SIP_SERVER_AGAIN, SIP_SERVER_FULL. To tag and fields are those that
 * sip_server_answer() would write. */
bool sip_server_reply(struct sip_transactions *t, const struct sip_incoming *in,
		      const struct sip_answer *a, struct out *out);
/* Writes what is due; the next deadline, UINT64_MAX: none. */
uint64_t sip_server_tick(struct sip_transactions *t, struct sip_servers *of, struct now now,
			 struct out *out);
/* The session ends: none will be answered. */
void sip_server_end_all(struct sip_transactions *t, struct sip_servers *of);

/* Where the answer to a datagram goes (18.2.2; RFC 3581, 4). maddr is not followed: who asks gets
 * the answer, and nobody else, so that we are of no use against a third. */
struct flow sip_response_flow(const struct sip_via *via, const struct flow *from);
