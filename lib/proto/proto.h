/*
 * The contract of a protocol: bytes in, events and bytes out. A protocol opens no socket, reads no
 * clock and allocates nothing: instance, session and blocks come from pools. The dataplane's
 * connection layer calls the hooks, always on the worker that owns the session; nothing here is
 * shared between workers.
 *
 * Order of calls on a session: open; then feed, unreached, login, settings, submit, answer, told,
 * tick in any order; close, once, last. A session of datagrams is fed one whole datagram at a time,
 * of which BAD drops the rest and ends nothing; one whose stream is of messages (proto_open) one
 * whole message at a time, whose rest is dropped where feed() asks for more. Anything a hook writes
 * to *out is sent, in order, also when it asks for the connection to be closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "base/link.h"
#include "base/now.h"
#include "base/reason.h"
#include "base/scram.h"
#include "metrics/metrics.h"
#include "msg/msg.h"
#include "proto/flow.h"
#include "proto/out.h"

/* WAIT: nothing consumed; what comes is not read until the session is woken (proto_services). */
enum pull { PULL_MORE, PULL_ITEM, PULL_BAD, PULL_WAIT };
enum submit {
	SUBMIT_SENT,  /* in *out; exactly one EVENT_RESULT with the token follows */
	SUBMIT_LATER, /* window or room full: nothing was written; EVENT_READY follows when there is
			 place again */
	SUBMIT_REFUSED, /* can never go out on this session; *result says why; nothing was written
			 */
};

/* Who began: somebody came to a listener, we go to a peer, or a listener of datagrams, which is one
 * session per worker for all that come to it. A peer over datagrams is CONNECTING, too. */
enum proto_role { PROTO_ACCEPTED, PROTO_CONNECTING, PROTO_DATAGRAM };

/* What a session may do for us, as bits. SENDS: the other side may send messages to us. RECEIVES:
 * we may submit messages to it. */
#define PROTO_SENDS 1u
#define PROTO_RECEIVES 2u

#define PROTO_NAME_SIZE_MAX 64u
#define PROTO_SECRET_SIZE_MAX 64u

/* AUTO: by what the other side says of itself, and by what the message needs. TEXT: as text and no
 * more. CPIM: in message/cpim (RFC 3862). SMS: as short messages of TS 23.040. */
enum proto_body { PROTO_BODY_AUTO, PROTO_BODY_TEXT, PROTO_BODY_CPIM, PROTO_BODY_SMS };

/* What is done about signed identities (RFC 8224), as bits. */
#define PROTO_IDENTITY_SIGN 1u
#define PROTO_IDENTITY_VERIFY 2u
#define PROTO_IDENTITY_REQUIRE 4u

enum proto_id_base { PROTO_ID_AS_IS, PROTO_ID_DECIMAL, PROTO_ID_HEXADECIMAL };

/* What an account or peer asks of its sessions. Lent during a hook; a session copies what it keeps.
 * Times in microseconds. */
#define PROTO_NUMBER_SIZE 17u

struct proto_settings {
	uint32_t window_max;       /* open requests, in each direction */
	uint32_t message_size_max; /* bytes of body */
	uint64_t keepalive_us;     /* silence after which we ask (enquire_link); 0: never */
	uint64_t response_us;      /* time for an answer; after it the outcome is unknown */
	uint64_t resume_us;        /* for which a session outlives its connection; 0: it does not */
	uint64_t inactivity_us; /* silence of messages after which the session is ended; 0: never */
	uint8_t default_alphabet; /* enum msg_coding that the protocol's "default" coding means here
				   */
	uint8_t default_ton;      /* what TON 0 means: 1 international, 3 network specific ... */
	uint8_t source_ton, source_npi, dest_ton,
		dest_npi;            /* 0xff: by the rule of DESIGN.md 5, else always this */
	bool    mark_duplicates : 1; /* tell the other side which messages it may have already */
	bool    large : 1;      /* what is too long for one request goes in a session of its own */
	bool    chat_first : 1; /* who takes chats is sent to in one, whatever else it takes */
	uint8_t body;           /* enum proto_body: how messages are written to it */
	uint8_t identity;       /* PROTO_IDENTITY_ bits */
	char    service_centre[PROTO_NUMBER_SIZE]; /* our number as one of short messages, normal
						      form, with an end; empty: none */
	uint16_t languages; /* TEXT_LANGUAGE_BIT: whose tables short messages may be written in */
	uint32_t chats_max; /* that the other side may open, of all of the instance */
	uint64_t chat_idle_us;
};

/*
 * A registration: where an address of record is reached (RFC 3261 10, a resource of RFC 6120 7). A
 * record holds all bindings of one address, is immutable and replaced whole; it is lent until the
 * worker is quiescent. What belongs to a binding as text lies in the record, named by offset.
 */
#define PROTO_BINDINGS_MAX 10u
#define PROTO_RECORD_TEXT_MAX 6144u
/* Of features: only for messages that name the binding (struct msg, to_place). */
#define PROTO_BINDING_DIRECT (1u << 15)
/* It gets copies of what the other places of its address send and get (struct msg, copy). */
#define PROTO_BINDING_COPIES (1u << 14)
/* It is reached over whatever leads to the peer whose address ->flow is, and over no session. */
#define PROTO_BINDING_AT_PEER (1u << 13)
enum proto_binding_text {
	BINDING_CONTACT,  /* URI that requests go to */
	BINDING_PATH,     /* route set on the way there, as it goes into a request */
	BINDING_INSTANCE, /* names the device; empty: not told */
	BINDING_CALL,     /* dialog of registration, whose sequence must rise */
	BINDING_TEXT_COUNT
};

struct proto_binding {
	uint64_t           key; /* equal for two registrations of one place */
	uint64_t           expires_us;
	struct session_ref session; /* over which it is reached */
	struct flow        flow;    /* where datagrams to it go */
	uint32_t           id;      /* among all bindings of this run; given by the directory */
	uint32_t           sequence;
	uint16_t           priority; /* 0 .. 1000, highest first */
	uint16_t           features; /* the protocol's own bits, and PROTO_BINDING_ ones */
	bool stream; /* reached over its session alone, and gone with it; else by datagrams. The
			caller's to say */
	struct {
		uint16_t off, size;
	} text[BINDING_TEXT_COUNT];
};

struct proto_record {
	uint32_t             count;     /* of bindings, best first */
	uint32_t             text_size; /* bytes after the bindings */
	struct str           address;   /* of record; lent as long as the record */
	struct proto_binding bindings[];
};

static inline struct str proto_binding_text(const struct proto_record  *r,
					    const struct proto_binding *b,
					    enum proto_binding_text     which)
{
	const char *text = (const char *)&r->bindings[r->count];

	return (struct str){text + b->text[which].off, b->text[which].size};
}

/* A change of bindings that the protocol asks for (EVENT_BINDING); lent during the event. With
 * remove_all no bindings are named; one that expires at once is removed. The answer comes by
 * answer(), when it is in force. */
struct proto_registration {
	struct str address;
	bool       remove_all;
	uint32_t   remove_id; /* the binding of this id ends, whatever its sequence; 0: none */
	bool features_alone;  /* of one binding: where it is there, its features become these, and
				 nothing else of it changes */
	bool takes_over; /* of one binding: another session that has it ends (REASON_REPLACED) */
	unsigned             count;
	struct proto_binding bindings[PROTO_BINDINGS_MAX];
	struct str           text; /* that the bindings name by offset */
	uint64_t             token;
	bool hands_over; /* of one binding that takes over: the session that has it hands over
			    (ops->hand_over), and the answer waits for that */
	uint64_t word;   /* that it is told */
};

/* Where a message that goes to a registration goes. */
struct proto_target {
	const struct proto_record  *record;
	const struct proto_binding *binding;
};

/* Who a subscriber is, and what proves it. */
struct proto_credentials {
	struct str number;  /* its telephone number in normal form */
	bool       has_ha1; /* else no digest proves it */
	uint8_t    ha1_md5[16],
		ha1_sha256[32]; /* of RFC 7616, 3.4.2, for the realm of its own domain */
	const struct scram_credentials *scram; /* NULL: nothing proves it to SASL */
};

/* Whom a request comes from, by its source address. */
struct proto_source {
	uint32_t peer;     /* slot */
	bool     trusted;  /* what it says of identities is believed (RFC 3325) */
	bool     watched;  /* it is asked where its users are registered (RFC 3680) */
	uint8_t  identity; /* PROTO_IDENTITY_ bits */
};

enum proto_reach {
	PROTO_REACH_NOBODY, /* no subscriber has it */
	PROTO_REACH_AWAY,   /* one has, who is registered nowhere */
	PROTO_REACH_HERE
};

/*
 * What a protocol may ask while it works; each is a look-up in what the worker reads anyway, and
 * what it lends is lent until the end of the turn. The same for all protocols; given at start.
 */
struct proto_services {
	void *context;
	/* The subscriber whose address in this protocol this is; false: there is none. */
	bool (*credentials)(void *context, unsigned protocol, struct str address,
			    struct proto_credentials *c);
	/* Its registrations; NULL: none. */
	const struct proto_record *(*record)(void *context, unsigned protocol, struct str address);
	/* What it can do where it is registered (joined bits of ->features): a number or an address
	 * of this protocol, in normal form. */
	enum proto_reach (*reach)(void *context, unsigned protocol, struct str address,
				  uint16_t *features);
	/* Is this one of the domains that listeners of the protocol serve? */
	bool (*serves)(void *context, unsigned protocol, struct str domain);
	/* A peer of this protocol at that address; false: a stranger. */
	bool (*source)(void *context, unsigned protocol, const struct flow *from,
		       struct proto_source *source);
	/* An address for a host's name (in small letters) or literal; the port is left as it is.
	 * False: not known here. */
	bool (*resolve)(void *context, struct str host, struct flow *to);
	/* The peer that is the server of a domain, or stands for it, and where it may be asked;
	 * port 0: where the domain's name leads, which EVENT_DIAL finds out. *slot holds the answer
	 * of last time, or MSG_SLOT_NONE. False: nobody is, or nobody knows where. */
	bool (*server)(void *context, unsigned protocol, struct str domain, uint32_t *slot,
		       struct flow *where);
	/* The server of the domain has come, and is who it says. */
	void (*proven)(void *context, struct str domain);
	/* The tick() of another session of the instance, which is open, is called soon, as if
	 * something had come for it. From any hook. */
	void (*wake)(void *context, void *session);
	/* What the conversation of two addresses (normal form, whichever order) is called by them;
	 * empty: they have not said. Lent until the next call. */
	struct str (*conversation)(void *context, struct str one, struct str other);
	/* One of the two calls it so. */
	void (*converse)(void *context, struct str one, struct str other, struct str id);
	/* A session of this instance takes what comes for a device (its address of record) from
	 * somebody (normal form) together, so what others have for it goes to this worker, until
	 * chat_over() with the result, once; another: this worker has one more of the same two. A
	 * hint: what is not handed over goes as without. */
	uint64_t (*chat_begun)(void *context, struct str device, struct str other);
	void (*chat_over)(void *context, uint64_t mark, bool another);
	/* Has another worker's session taken the same two since? */
	bool (*chat_taken)(void *context, uint64_t mark);
};

/* An instance: one per worker and protocol, made at start. */
#define PROTO_KEPT_SECRET_SIZE 32u
#define PROTO_CONTACTS_MAX 8u

struct proto_instance_config {
	struct metrics *metrics; /* the worker's own array */
	void *blocks; /* block_count * ops->block_size bytes, aligned to 64, zeroed, kept by the
			 caller */
	uint32_t block_count;
	void    *remembered; /* remembered_count * ops->remembered_size bytes, likewise: for answers
				that may be asked for again */
	uint32_t         remembered_count;
	uint32_t         federated_max; /* streams let in as a peer stands for all servers */
	struct msg_pool *messages; /* the worker's own, for messages that come or go in pieces */
	uint8_t  protocol; /* our index in protocols.def: tag of msg extras, session_ref.protocol */
	uint8_t  worker;   /* our number, for owner() to find in what comes back */
	uint64_t seed;
	uint64_t shared_seed;                         /* the same at all workers of this run */
	uint8_t  kept_secret[PROTO_KEPT_SECRET_SIZE]; /* the same at all workers and in all runs;
							 nobody else has it */
	const struct proto_services *services;
	const struct str            *contacts; /* URIs, whom to write to about our listeners; the
						  texts are kept by the caller */
	uint32_t     contact_count;            /* at most PROTO_CONTACTS_MAX */
	struct stir *stir; /* keys and certificates (stir/store.h), the worker's own; NULL: none */
};

struct proto_open {
	enum proto_role              role;
	void                        *instance;
	uint64_t                     login_us; /* accepted: time in which a login must come */
	const struct proto_settings *settings; /* accepted: what holds before the login */
	struct str  identity, secret; /* connecting: who we say we are (SMPP system_id, password) */
	struct str  system_type;
	unsigned    wants;     /* connecting: PROTO_SENDS | PROTO_RECEIVES */
	struct str  node;      /* accepted: our own name (SMPP system_id in a bind response) */
	bool        datagram;  /* each feed() gets one datagram, and *out takes datagrams (out.h) */
	bool        messages;  /* a stream of them: each feed() gets one, *out takes them (out.h) */
	bool        md5_alone; /* listener: no better digest is offered */
	bool        plain;     /* listener: passwords may come as they are */
	bool        open_to_all; /* listener: whoever comes is let in (authentication: none) */
	bool        trusted;     /* peer: we tell it who is who, and believe what it tells */
	struct flow local;       /* where others reach us: the listener's address and port */
	struct flow remote;      /* peer and accepted: the other side */
	struct str  host;        /* peer: its name as configured */
	struct str  domain; /* the first that the listener serves, or one like it; empty: none */
	struct str  service_route; /* of a listener: the way here that it tells who registers */
	struct flow media; /* where others reach streams of media of this worker; port 0: nowhere */
	bool        media_stream; /* accepted there */
	uint8_t     link;         /* enum link_kind: what the stream joins */
	struct str  link_domain;  /* peer: of a component, ours there; of a server, its own */
	uint64_t    dial; /* connecting: token of the EVENT_DIAL that asked for it; 0: none did */
};

/* A result: what became of a message, for its submitter; or what the other side answered.
 * Self-contained, passed by ring. */
#define RESULT_REMOTE_ID_MAX 64u
struct result {
	uint8_t why;           /* enum reason; NONE: accepted */
	uint8_t peer_protocol; /* protocol whose status the peer gave, when has_status */
	bool    has_status;
	bool maybe_sent; /* with a failure: the request may have reached the peer (unknown outcome)
			  */
	uint32_t peer_status;    /* the peer's own status, passed on when both sides speak the same
				    protocol */
	uint32_t retry_after_ms; /* 0: not said */
	uint64_t msg_id;         /* our id of the message, for the positive answer */
	uint64_t word; /* of a registration that was handed over: what the other session says; 0:
			  it was gone */
	bool again; /* with a temporary failure: only the form was wrong, and the next submit() of
		       the message to the same place writes another */
	bool delivered; /* accepted, and the peer says that the recipient has it: no receipt will
			   come */
	bool way_gone;  /* with a failure: the registration that it went to leads nowhere any more
			 */
	bool    short_message;  /* accepted, and it is one of TS 23.040 from there on */
	uint8_t remote_id_size; /* id that the peer gave to the message */
	char    remote_id[RESULT_REMOTE_ID_MAX];
};

struct login_verdict {
	enum reason                  why;      /* NONE: let in */
	const struct proto_settings *settings; /* when let in */
};

enum proto_event_kind {
	EVENT_NONE,  /* an item was consumed and dealt with inside (keepalive, response, refusal) */
	EVENT_LOGIN, /* accepted sessions: decide and call login() before the next feed();
			connecting sessions never give it */
	EVENT_UP,    /* connecting: the other side let us in */
	EVENT_MSG,   /* ->msg is filled; the caller takes it and owes one answer() with ->msg->token
		      */
	EVENT_RESULT,  /* ->token, ->result: the answer to a submit() */
	EVENT_READY,   /* after SUBMIT_LATER: there is place again */
	EVENT_BINDING, /* ->registration is to be made; the caller owes one answer() with its token
			*/
	EVENT_DIAL, /* a stream to ->dial, or, port 0, to the server of ->dial_domain, is wanted: it
		       opens as a session of its own, and the caller owes one answer() with ->token,
		       which is not 0: NONE when it is open, else why there is none. For a session
		       that ends meanwhile nothing is opened and nothing answered. */
	EVENT_ASK,  /* ->ask is asked of control; the caller owes one told() with its token, that
		       is called until the answer is all read. For a session that ends meanwhile
		       it is asked, and nothing told. */
	EVENT_ELSEWHERE, /* ->msg is taken by the caller: its body is an item that came over a
			    stream and is about what ->worker has, where item() gets it; the caller
			    owes one answer() with ->msg->token, unless that is 0 */
	EVENT_CLOSE,     /* *out holds the last bytes; close the connection in order; ->why */
};

/* Whom a session is with, as operators see it. */
#define PROTO_PARTY_SIZE 256u

struct proto_party {
	uint8_t link;                   /* enum link_kind */
	bool    domain;                 /* it has proven a domain; else, it is a subscriber */
	char    name[PROTO_PARTY_SIZE]; /* as text with an end, cut where it is longer; empty: not
					   known */
};

struct proto_login {
	struct str identity, proof, system_type; /* lent from the input */
	struct str challenge; /* the proof is SHA-1 of it and the secret, in hexadecimal; empty:
				 the proof is the secret */
	unsigned may;         /* PROTO_SENDS | PROTO_RECEIVES that it asks for */
};

/* A question about what users make, which control keeps; what stands in it is between the protocol
 * and control. */
struct proto_question {
	struct str bytes; /* lent during the event */
	uint64_t   token; /* of the session, for told() */
};

struct proto_event {
	enum proto_event_kind kind;
	uint32_t need; /* PULL_MORE: bytes, from the start of the unread ones, without which feed()
			  cannot go on; at least 1 */
	struct msg *msg; /* in: an empty record, or NULL where there is none; EVENT_MSG, of feed(),
			    told() and tick(): filled, taken by the caller. Else untouched or reset
			    by the protocol */
	struct proto_login login;
	uint64_t           token;
	struct result      result;
	enum reason        why;
	void *session; /* whose event it is, of the same instance; NULL: of the session that was
			  called */
	uint32_t peer; /* EVENT_MSG: the peer that it came from, or MSG_SLOT_NONE; sessions of
			  a peer need not say */
	const struct proto_registration *registration;
	struct flow                      dial;        /* EVENT_DIAL: where to */
	struct str                       dial_domain; /* the same; lent during the event */
	unsigned                         worker;      /* EVENT_ELSEWHERE; as it was claimed */
	struct proto_question            ask;
};

/* What goes into a message of the stream, in order: all of it, or a part that is not the last. */
#define PROTO_PIECE_PARTS 3u

struct proto_piece {
	struct str parts[PROTO_PIECE_PARTS]; /* lent as long as what was written */
	bool       last;
};

struct proto_ops {
	const char *name;        /* config word, metric label, cpmctl filter */
	const char *subprotocol; /* by which it is spoken over WebSocket; NULL: it is not */
	size_t      instance_size, session_size,
		block_size;       /* an instance per worker; blocks for open requests */
	bool     ids_are_ours;    /* by result.remote_id: no two of its peers have the same one */
	bool     numbers;         /* a telephone number may be registered as an address of record */
	size_t   remembered_size; /* of an answer over datagrams that is remembered; 0: none is */
	uint32_t item_size_max;   /* the receive buffer is never smaller */
	uint32_t out_size_max;    /* a hook never writes more than this at once, feed() per item */

	int (*instance_init)(
		void                               *instance,
		const struct proto_instance_config *config); /* 0 or -errno; once, at start */

	/* Which worker a datagram belongs to; pure, and the same at every worker. NULL: streams
	 * only. */
	unsigned (*owner)(struct cur datagram, unsigned workers);

	/* session: session_size zeroed bytes. */
	void (*open)(void *session, struct now now, const struct proto_open *how, struct out *out);

	/*
	 * At most one item. MORE: nothing consumed, event->need set. ITEM: look at event; consumed,
	 * or, where it is several messages, not before the last of them.
	 * BAD: framing is lost, event->why says how, *out may hold a last word; the caller closes.
	 * WAIT: of streams alone. An item that goes to several places may be given as often, each
	 * time as ITEM with nothing consumed but the last.
	 * Work is linear in the bytes however they are cut.
	 */
	enum pull (*feed)(void *session, struct now now, const struct flow *from, struct cur *in,
			  struct out *out, struct proto_event *event);

	/*
	 * The network says that a datagram of ours reached nobody: its bytes from the first one, as
	 * far as they came back; of themselves they prove nothing. The session is the one that
	 * datagrams to its port are fed to; event as of feed(), without a message. NULL: a protocol
	 * of streams.
	 */
	void (*unreached)(void *session, struct now now, struct cur quoted,
			  struct proto_event *event);

	/*
	 * An item that came over a stream to another worker (EVENT_ELSEWHERE there), from `from`:
	 * what it is about is looked up in the instance, and event, if there is one, names its
	 * session. *answer: what answer() is given at the other worker. NULL: that never happens.
	 */
	void (*item)(void *instance, struct now now, const struct flow *from, struct cur item,
		     struct proto_event *event, struct result *answer);

	/* The answer to EVENT_LOGIN. */
	void (*login)(void *session, struct now now, const struct login_verdict *v,
		      struct out *out);

	/* New settings of its account or peer hold from now on. Of a server that came: an account
	 * or peer has changed, so that server() may say otherwise. */
	void (*settings)(void *session, const struct proto_settings *s);

	/* m is lent until the hook returns. at: the registration that it goes to; NULL: the other
	 * side itself. *result is filled on REFUSED only. */
	enum submit (*submit)(void *session, struct now now, const struct msg *m,
			      const struct proto_target *at, uint64_t token, struct out *out,
			      struct result *result);

	/* The answer to EVENT_MSG. Always finds room: at most window_max answers are open, and the
	 * caller keeps room for them. */
	void (*answer)(void *session, struct now now, uint64_t msg_token, const struct result *r,
		       struct out *out);

	/*
	 * The answer to EVENT_ASK, or why there is none (control is down or late: temporary; the
	 * caller keeps the deadline); the answers of a session come in the order of its questions.
	 * Takes of it what there is room for in *out, and gives at most one event, as tick() does;
	 * called again, at once or in a later turn, until there is no event and the answer is all
	 * read. In between other hooks are called. NULL: a protocol that never asks.
	 */
	void (*told)(void *session, struct now now, uint64_t token, enum reason why,
		     struct cur *answer, struct out *out, struct proto_event *event);

	/*
	 * Control has something for the user of the session, whatever it is: the session asks for
	 * it by EVENT_ASK when it can. tick() follows. NULL: a protocol that never asks for itself.
	 */
	void (*notice)(void *session);

	/* Timers. Returns the next deadline (UINT64_MAX: none); event->kind != NONE: handle it and
	 * call again. Unanswered submits come as EVENT_RESULT. */
	uint64_t (*tick)(void *session, struct now now, struct out *out, struct proto_event *event);

	/*
	 * The end, by our wish or because the connection is gone (out == NULL then). Writes the
	 * goodbye. Afterwards drain() is called until it returns false: each call gives one token
	 * whose submit() has had no result; the outcome of each is unknown. Then the memory is
	 * reused.
	 */
	void (*close)(void *session, struct now now, enum reason why, struct out *out);
	bool (*drain)(void *session, uint64_t *token);

	/*
	 * The connection is gone and nobody has said goodbye: may the session go on without? Then
	 * all is called as before but feed(), what is written is thrown away, and it ends by
	 * EVENT_CLOSE. NULL: no.
	 */
	bool (*detach)(void *session, struct now now);
	/*
	 * Another session, of any worker, has its registration and goes on in its place: word is
	 * what that one says, the result what that one is told. Its connection ends; the rest is as
	 * after detach(). Submitted messages that may be sent again are answered SESSION_GONE.
	 */
	uint64_t (*hand_over)(void *session, struct now now, uint64_t word, struct out *out);
	/*
	 * The connection is gone for good (out == NULL), or is closed with the goodbye that is
	 * written here: may the session do last things for others? True: nobody reaches it any
	 * more, drain() is called as after close(), and tick(), told() and answer() go on, what
	 * they write is dropped, until it gives EVENT_CLOSE. False: close() follows. At most once;
	 * NULL: never.
	 */
	bool (*outlive)(void *session, struct now now, enum reason why, struct out *out);

	/*
	 * A session of a stream of messages which writes them one behind the other, and does not
	 * mark them off (out.h): what the first of them is, or as far as it was written. Takes it
	 * from *written, which is not empty; the piece may be. Its parts are together at most twice
	 * as long as what was taken, and 128 bytes. NULL: it marks them off.
	 */
	void (*message)(void *session, struct cur *written, struct proto_piece *piece);

	/* Ask the other side to part in order (SMPP unbind); EVENT_CLOSE follows when it has
	 * answered or not answered in time. */
	void (*part)(void *session, struct now now, struct out *out);

	/* May we submit here now? For choosing a session; false before login, when it may not
	 * receive, or while parting. */
	bool (*ready)(const void *session);
	unsigned (*window_used)(const void *session);

	/* What the features of a binding say that it takes: bits of enum msg_ability. Pure; any
	 * thread. NULL: its places say nothing of the kind. */
	uint32_t (*abilities)(uint16_t features);

	/* *p, which is zeroed, says who it is, where that is no account and no peer. NULL: the
	 * protocol has no streams of several kinds. */
	void (*party)(const void *session, struct proto_party *p);
};
