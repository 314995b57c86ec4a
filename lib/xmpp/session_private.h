/* What the files of the session share, and nobody else includes. */
#pragma once

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"
#include "roster/question.h"
#include "xmpp/block.h"
#include "xmpp/crowd.h"
#include "xmpp/framing.h"
#include "xmpp/map.h"
#include "xmpp/session.h"
#include "xmpp/spaces.h"

#define XMPP_DOMAINS_MAX 64u /* of all listeners of a worker */
#define XMPP_DOMAIN_SIZE_MAX 255u
#define XMPP_STRANGERS_MAX 256u   /* streams of servers that have proven nothing yet */
#define XMPP_SOURCE_MAX 16u       /* of them, from one address */
#define XMPP_CLAIMS_MAX 32u       /* of domains, over one stream, that lead to a question */
#define XMPP_DOMAIN_PAIRS_MAX 16u /* of a domain of another server with ours, over all streams */
#define XMPP_PAIRS_MAX 16u        /* of a stream between servers */
#define XMPP_LINK_UP_US (30 * US_PER_SECOND) /* in which a link that we open must be let in */
/* Streams of servers that say nothing are looked at in so many parts, each so long after the last,
 * when the world has changed. */
#define XMPP_LOOKS 1000u
#define XMPP_LOOK_US (10 * US_PER_MS)
#define XMPP_BLOCKS_MIN 64u
#define XMPP_MULTICAST_MAX 20u /* recipients of one message */
/* Without a stream, messages wait so much longer for the client: up to what a sender waits. */
#define XMPP_DETACHED_US (10 * US_PER_SECOND)
#define XMPP_KEPT_US (5 * US_PER_SECOND) /* in which what the session before had kept comes */
#define XMPP_KEPT_SIZE (3u + XMPP_PRESENCE_MAX + XMPP_DIRECTED_MAX)
#define XMPP_SAID_MAX 32u /* blocks of what we said and the client has not acknowledged */
#define XMPP_SPACE_SM "urn:xmpp:sm:3"
#define XMPP_SPACE_ROSTER "jabber:iq:roster"
#define XMPP_SPACE_BLOCKING "urn:xmpp:blocking"

#define XMPP_CAPS_SIZE 28u /* Base 64 of SHA-1 */
#define XMPP_CAPS_NODE "https://cpm.invalid/caps"

/* What bounds how one stanza of a client becomes many. */
#define XMPP_PIECE_MAX 32u                    /* that a session makes in one turn */
#define XMPP_OWED_COUNT_MAX 64u               /* presences that it still has to tell */
#define XMPP_PRESENCE_US US_PER_SECOND        /* between changes of presence, over time */
#define XMPP_PRESENCE_BURST 10u               /* that may come at once */
#define XMPP_ASK_AGAIN_US (5 * US_PER_SECOND) /* when control could not say */
#define XMPP_PATIENCE_US (250 * US_PER_MS)    /* in which what depends on control waits for it */
#define XMPP_LEAVE_US (60 * US_PER_SECOND)    /* in which whoever is gone is said to be */

/* Answers to EVENT_BINDING; those to messages name their blocks. */
#define XMPP_TOKEN_BIND (UINT64_C(1) << 32)
#define XMPP_TOKEN_PRESENCE (UINT64_C(2) << 32)
#define XMPP_TOKEN_CARBONS (UINT64_C(3) << 32)
#define XMPP_TOKEN_RESUME (UINT64_C(4) << 32)
#define XMPP_TOKEN_SAID (UINT64_C(5) << 32)    /* to EVENT_MSG, of what we say ourselves */
#define XMPP_TOKEN_CARRIED (UINT64_C(6) << 32) /* of stanzas of ours */

/* Of features of a binding (proto.h). */
enum xmpp_feature {
	XMPP_FEATURE_AVAILABLE = 1,  /* has sent presence, of whatever priority */
	XMPP_FEATURE_INTERESTED = 2, /* has asked for the roster */
	XMPP_FEATURE_WANTS = 4,      /* and its priority says that it wants messages */
};
#define XMPP_FEATURES_ANY UINT16_MAX

/* How far it is said who is there, in this order. */
enum xmpp_tour {
	XMPP_TOUR_NONE,
	XMPP_TOUR_BINDING,  /* the registration is awaited */
	XMPP_TOUR_OWN,      /* the user's own resources are told */
	XMPP_TOUR_PROBE,    /* and asked, when the client has just come */
	XMPP_TOUR_DIRECTED, /* those that were told by name are told that it is gone */
	XMPP_TOUR_AUDIENCE, /* control says who else */
};

/* What is asked of control for whom, as the low byte of its token. */
enum xmpp_asker {
	XMPP_ASKER_CLIENT, /* a request of the client, which is in ->asker */
	XMPP_ASKER_TOUR,
	XMPP_ASKER_BLOCKS, /* the list that we keep to */
	XMPP_ASKER_NOTICE, /* what an operator changed */
};

/* Dial and answers of our own are told from messages by their tokens, too. */
#define XMPP_TOKEN_BACK (UINT64_C(15) << 32)
#define XMPP_TOKEN_DIAL (UINT64_C(1) << 63)

enum xmpp_role {
	XMPP_ROLE_CLIENT,
	XMPP_ROLE_COMPONENT,    /* one of ours, which came to us (XEP-0114) */
	XMPP_ROLE_COMPONENT_OF, /* we are one of the other side's */
	XMPP_ROLE_SERVER_IN,    /* another server came: it sends alone (XEP-0220) */
	XMPP_ROLE_SERVER_OUT,   /* we went to another: we send alone */
	XMPP_ROLE_VERIFY,       /* we went to one to ask whether a key is its own */
};

enum xmpp_pair_state {
	XMPP_PAIR_NEW,     /* the other side is to be asked */
	XMPP_PAIR_ASKED,   /* its answer is awaited */
	XMPP_PAIR_RIGHT,   /* proven; the other side is to be told */
	XMPP_PAIR_WRONG,   /* not its key: likewise */
	XMPP_PAIR_UNKNOWN, /* nobody could be asked: likewise */
	XMPP_PAIR_VALID,
	XMPP_PAIR_FAILED, /* and is not tried again over this stream */
};

struct xmpp_domain {
	uint8_t size;
	char    text[XMPP_DOMAIN_SIZE_MAX];
};

struct xmpp_instance {
	struct metrics              *metrics;
	const struct proto_services *services;
	struct xmpp_blocks           blocks;
	struct hash_key              text_key;
	uint64_t                     texts; /* made so far */
	uint8_t                      secret[XMPP_SASL_SECRET_SIZE];
	uint8_t                      protocol;
	uint32_t                     strangers;                /* sessions that are */
	uint32_t                     federated, federated_max; /* sessions let in by federation */
	uint32_t                     looks;   /* at streams of servers; shares them out */
	struct xmpp_crowd            sources; /* where they come from */
	struct xmpp_crowd            claimed; /* domains of others in pairs */
	uint32_t                     domain_count;
	struct xmpp_domain           domains[XMPP_DOMAINS_MAX];
	struct proto_registration    registration; /* of the event that is out */
	char                         registration_text[2 * XMPP_PART_SIZE_MAX];
	char                         question[ROSTER_QUESTION_SIZE_MAX]; /* of the event */
	char                         push[56 * 1024];                    /* a block list as XML */
	char                         caps[XMPP_CAPS_SIZE];               /* XEP-0115, 5 */
	uint32_t                     contact_count;
	struct str                   contacts[PROTO_CONTACTS_MAX]; /* XEP-0157; by their bytes */
	struct xmpp_stanza           stanza; /* during a call, as what follows */
	struct xml_tape              tape;   /* of the stanza */
	char                         room[3 * XMPP_ITEM_SIZE_MAX + 8192]; /* attributes and map.h */
	char                         back[XMPP_ANSWER_ROOM]; /* what goes back by another stream */
};

struct xmpp_session {
	struct xmpp_instance *instance;
	uint8_t               state;       /* enum xmpp_state */
	uint8_t               role;        /* enum xmpp_role */
	uint8_t               close_why;   /* enum reason */
	uint8_t               multicast;   /* recipients of the item that are done */
	uint8_t               tries;       /* failed, to authenticate */
	uint8_t               domain;      /* of instance->domains: the stream's */
	uint8_t               tour;        /* enum xmpp_tour */
	uint8_t               registering; /* changes of the registration without answer */
	uint8_t               piece;       /* stanzas made in this turn */
	uint8_t               questions;   /* of a link, to control, without answer */
	uint8_t               carried; /* stanzas of ours without answer, at most XMPP_PIECE_MAX */
	int8_t                priority;
	bool                  plain : 1;     /* passwords may come in the clear */
	bool                  framed : 1;    /* a stream of messages */
	bool                  head_sent : 1; /* of our stream */
	bool                  close_due : 1; /* tick() is to give EVENT_CLOSE */
	bool                  blocked : 1;   /* SUBMIT_LATER was said */
	bool                  stranger : 1;  /* a server that has proven nothing yet */
	bool                  waits : 1;     /* because a domain of ours is not proven yet */
	bool                  asks : 1;      /* a stream of ours: proving has begun */
	bool                  binding : 1; /* the answer to a request of who->bind_id is awaited */
	bool                  available : 1;
	bool                  interested : 1; /* it has asked for the roster: the same */
	bool blocklist : 1;  /* it has asked for the block list: it hears of changes */
	bool blocks_due : 1; /* we do not know the list, or an old one */
	bool blocks_asked : 1;
	bool blocks_late : 1; /* control could not say: nothing waits for it */
	bool notice : 1;      /* control has effects of an operator's change */
	bool rebinding : 1;   /* feed() goes on when the registration is made */
	bool arriving : 1;    /* the tour is that of initial presence */
	bool item_again : 1;  /* the item is one that was read before */
	bool asked : 1;       /* a question to control is out */
	bool midway : 1;      /* an answer to the client is written by halves */
	bool held : 1;        /* errors wait for its end */
	bool pinging : 1;     /* our ping is unanswered */
	bool sm : 1;          /* the client acknowledges (XEP-0198) */
	bool sm_asked : 1;    /* <r/> is unanswered */
	bool carbons : 1;     /* it gets copies (XEP-0280) */
	bool inactive : 1;    /* the client says that nobody looks (XEP-0352) */
	bool parting : 1;
	bool resumable : 1, detached : 1; /* resume.c; detached: without a stream */
	bool spoke : 1;                   /* a stanza was sent in this call */
	bool moved : 1;                   /* another session goes on in its place */
	bool resuming : 1;                /* it is to go on in another's place */
	bool undo : 1;                    /* and cannot: its registration is to go */
	bool leaves_kept : 1;             /* moved: what it has kept is still to go */
	bool heir : 1;                    /* what the session before had kept is awaited */
	bool said_own : 1;                /* presence, since it goes on in its place */
	struct xmpp_framing framing;      /* of what we write, where it is framed */
	uint32_t            resume_h;     /* what the client has of the other session */
	uint32_t            said_open;    /* of our own words, sent to its new place */
	uint64_t            leaves_us;    /* detached or moved: its end */
	struct xmpp_list    said;         /* blocks */
	uint32_t            sm_in, sm_out, sm_acked;
	uint32_t            registrations; /* asked for so far */
	uint32_t            who;           /* block; NONE before it authenticated */
	union {
		uint32_t sasl;  /* block of a try that is going on, or NONE */
		uint32_t asker; /* once it is over: of the request that control is asked for */
	};
	uint32_t directed, barred; /* blocks, or NONE */
	/* Bindings that were last given one of many: of a tour, an answer, what is owed, an item.
	 */
	uint32_t tour_place, told_place, owed_place, item_place;
	uint32_t at;       /* in whom a tour tells by name */
	uint32_t piece_us; /* turn of ->piece, modulo 2^32 */
	uint32_t link;     /* block, or NONE: a client's */
	union {
		struct xmpp_list pairs; /* of servers */
		struct xmpp_list owed;  /* of clients: presences to be told */
	};
	struct xmpp_list      back;    /* of servers: errors that are to be sent */
	struct xmpp_list      in, out; /* stanzas for others without answer */
	struct xml_frame      frame;
	struct xml_scope      scope;
	uint64_t              heard_us, message_us, ping_us, login_due_us;
	uint64_t              presence_us; /* when as many changes may come at once as may */
	uint64_t              ask_due_us;  /* control, which could not say, is asked again */
	uint64_t              patient_us;  /* until when what depends on a question waits */
	struct proto_settings settings;
};

struct xmpp_input { /* one call of feed() */
	struct xmpp_session *s;
	struct now           now;
	struct out          *out;
	struct proto_event  *event;
	struct xmpp_stanza  *stanza;
	unsigned             payloads; /* of the stanza */
	bool                 several;  /* it is for several (XEP-0033) */
	struct str           id, to;   /* of the stanza, as they are meant */
	struct str           from;     /* over a link: who sent it */
	struct xmpp_jid      sender;   /* the same */
	bool                 listed;   /* the recipient is one of several that it lists */
	bool                 again;    /* the item is read once more: nothing of it is consumed */
	bool                 wait;     /* the same, when a question has its answer */
	struct put           room;     /* what is left of instance->room */
};

/* session.c */
/* What tells the other side why its stream is closed. */
enum xmpp_stream_error xmpp_stream_error_of(enum reason why);
/* An address of record, as registrations and credentials are found by: "xmpp:user@domain". */
void            xmpp_aor_put(struct put *w, const struct xmpp_jid *jid);
struct str      xmpp_domain(const struct xmpp_session *s);
bool            xmpp_domain_set(struct xmpp_session *s, struct str domain);
struct str      xmpp_text_new(struct xmpp_instance *i, char room[XMPP_TEXT_SIZE]);
struct xmpp_jid xmpp_self(const struct xmpp_session *s);
/* The binding of this stream, as it is; to be given by an event. */
void xmpp_registration(struct xmpp_session *s, uint64_t token);
/* The same, of a stream that is bound: with other features or priority. */
void xmpp_register(struct xmpp_input *in);

static inline struct xmpp_who *xmpp_who(const struct xmpp_session *s)
{
	ASSERT(s->who != XMPP_BLOCK_NONE);
	return &xmpp_block_at(&s->instance->blocks, s->who)->u.who;
}

/* who.c */
struct str xmpp_who_part(const struct xmpp_who *who, enum xmpp_who_part part);
/* What a part of it is from now on; the text may not be its own. It may have another place then.
 * False: there is no block for it, and nothing changed. */
bool xmpp_who_set(struct xmpp_session *s, enum xmpp_who_part part, struct str text);

static inline struct xmpp_link *xmpp_link(const struct xmpp_session *s)
{
	ASSERT(s->link != XMPP_BLOCK_NONE);
	return &xmpp_block_at(&s->instance->blocks, s->link)->u.link;
}

/* Our domain on a link, and the other side's. */
static inline struct str xmpp_own(const struct xmpp_session *s)
{
	return (struct str){xmpp_link(s)->own, xmpp_link(s)->own_size};
}

static inline struct str xmpp_other(const struct xmpp_session *s)
{
	return (struct str){xmpp_link(s)->other, xmpp_link(s)->other_size};
}

static inline bool xmpp_serves(const struct xmpp_session *s, struct str domain)
{
	const struct proto_services *services = s->instance->services;

	return services->serves(services->context, s->instance->protocol, domain);
}

/* Is it a domain whose requests we answer: one that is served, or our own on a link? */
static inline bool xmpp_is_here(const struct xmpp_session *s, struct str domain)
{
	return xmpp_serves(s, domain) ||
	       (s->link != XMPP_BLOCK_NONE && str_eq(domain, xmpp_own(s)));
}

static inline void xmpp_hex_put(struct put *w, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		put_u8(w, (uint8_t)digits[bytes[i] >> 4]);
		put_u8(w, (uint8_t)digits[bytes[i] & 15]);
	}
}

static inline void xmpp_put(struct xmpp_input *in, struct str text)
{
	put_str(&in->out->put, text);
}

/* One more stanza of whatever kind went to the client: each counts (XEP-0198, 4). */
static inline void xmpp_sent(struct xmpp_session *s)
{
	s->sm_out++;
	s->spoke = true;
	metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_out);
}

/* The last words of a stream: its error and its end. */
void xmpp_end_put(struct xmpp_session *s, struct put *w, enum xmpp_stream_error error);
/* The same, and EVENT_CLOSE. */
void xmpp_close(struct xmpp_input *in, enum xmpp_stream_error error, enum reason why);

/* The domain that speaks for us on the stream. */
struct str      xmpp_host(const struct xmpp_session *s);
struct xmpp_map xmpp_session_map(const struct xmpp_session *s, struct now now);

/* link.c: what components and servers have in common */
void       xmpp_link_open(struct xmpp_session *s, struct now now, const struct proto_open *how,
			  struct out *out);
struct str xmpp_link_space(const struct xmpp_session *s); /* of its stanzas */
void       xmpp_link_head_put(struct xmpp_session *s, struct put *w);
void       xmpp_link_on_head(struct xmpp_input *in, const struct xml *x, struct put *room);
void       xmpp_link_on_stanza(struct xmpp_input *in);
void       xmpp_link_on_element(struct xmpp_input *in);
/* Where a message goes. A reason: it cannot go over this link; LATER: not yet. */
enum reason xmpp_link_way(struct xmpp_session *s, const struct msg *m, bool *later,
			  struct xmpp_way *way, struct put *room);
bool        xmpp_link_tick(struct xmpp_session *s, struct now now, struct out *out,
			   struct proto_event *event, uint64_t *next);
void        xmpp_link_close(struct xmpp_session *s);
/* A copy in place, at most of so many bytes; those that it has. */
uint8_t xmpp_keep(char *room, size_t size, struct str s);

void xmpp_link_party(const struct xmpp_session *s, struct proto_party *p);
/* The server has proven a domain, or is gone: its place is another's. */
void xmpp_link_known(struct xmpp_session *s);
/* May open federation let it in, besides those that it has? */
bool xmpp_link_has_place(const struct xmpp_session *s);
void xmpp_link_federate(struct xmpp_session *s, struct now now); /* it does: has_place() was said */

/* link_presence.c */
void xmpp_link_on_presence(struct xmpp_input *in, const struct xmpp_jid *to);
void xmpp_told_link(struct xmpp_session *s, struct now now, uint64_t token, enum reason why,
		    struct cur *answer, struct out *out, struct proto_event *event);
/* A server whose stream is gone while control is asked for it goes when that has answered. */
bool xmpp_link_outlive(struct xmpp_session *s, struct now now, enum reason why);
bool xmpp_link_leave(struct xmpp_session *s, struct now now, struct proto_event *event,
		     uint64_t *next);

/* component.c */
void xmpp_component_on_head(struct xmpp_input *in, struct str to, struct str id);
void xmpp_component_on_element(struct xmpp_input *in);
void xmpp_component_login(struct xmpp_session *s, const struct login_verdict *v, struct put *w);

/* dialback.c */
void xmpp_dialback_begin(struct xmpp_input *in); /* our stream is open: we prove, or ask */
void xmpp_dialback_on_element(struct xmpp_input *in);
bool xmpp_dialback_tick(struct xmpp_session *s, struct now now, struct out *out,
			struct proto_event *event, uint64_t *next);
/* The pair of the two domains; NULL: there is none. */
struct xmpp_pair *xmpp_pair_find(const struct xmpp_session *s, struct str own, struct str other);
/* One of a stream of ours, to be proven; NULL: there is no place for it. */
struct xmpp_pair *xmpp_pair_new(struct xmpp_session *s, struct str own, struct str other);
/* May all whom open federation let in over the stream still come? */
bool xmpp_dialback_holds(struct xmpp_session *s);
/* The stream to ask by is not to be had. */
void xmpp_dialback_undialled(struct xmpp_session *s, uint64_t token);
void xmpp_dialback_close(struct xmpp_session *s); /* all its pairs end */

/* feed.c */
enum xmpp_stream_error xmpp_stream_error_of_fault(enum xml_fault fault);
enum pull xmpp_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event);
/* The stanza comes back as an error, unless it is one; with words of its own, or the reason's. */
void xmpp_refuse(struct xmpp_input *in, enum xmpp_condition c, enum reason why);
void xmpp_refuse_text(struct xmpp_input *in, enum xmpp_condition c, enum reason why,
		      struct str text);

/* negotiate.c */
void xmpp_head_put(struct xmpp_session *s, struct put *w); /* of our stream */
/* How long a stanza may be that we read (XEP-0478). */
void xmpp_limits_put(struct put *w, uint32_t bytes);
void xmpp_on_head(struct xmpp_input *in, struct str item);
void xmpp_on_auth(struct xmpp_input *in);
void xmpp_on_response(struct xmpp_input *in);
void xmpp_on_abort(struct xmpp_input *in);
void xmpp_on_bind(struct xmpp_input *in);
void xmpp_answer_bind(struct xmpp_session *s, enum reason why, struct put *w);

/* carry.c */
enum xmpp_carried {
	XMPP_CARRIED_ONE,  /* event is EVENT_MSG; call again with the same */
	XMPP_CARRIED_ALL,  /* there is no place left */
	XMPP_CARRIED_WAIT, /* no more in this turn */
};
struct xmpp_parcel { /* a stanza of ours */
	struct xmpp_own own;
	struct xmpp_jid from, to;
	uint16_t        features; /* to a bare JID here: its places that have one of these */
	bool            not_self; /* but not the session's own place */
};
/* The next place that it goes to after *place, which is 0 before the first and after the last. */
enum xmpp_carried xmpp_carry(struct xmpp_session *s, struct now now, struct proto_event *event,
			     const struct xmpp_parcel *parcel, uint32_t *place);
/* The next place of somebody here after binding `after` that has one of these features. 0: there
 * is none. */
uint32_t xmpp_place_next(struct xmpp_session *s, const struct xmpp_jid *bare, uint16_t features,
			 uint32_t after, struct str *resource);
/* Where somebody is registered; NULL: nowhere. Lent for the turn. */
const struct proto_record *xmpp_record(const struct xmpp_session *s, const struct xmpp_jid *bare);
bool               xmpp_bare(struct str text, struct xmpp_jid *jid); /* of one in normal form */
struct xmpp_sender xmpp_sender_of(struct xmpp_session *s, const struct xmpp_jid *jid);
/* A presence to be told to whom a message of another of ours is from. False: no room now. */
bool xmpp_owe(struct xmpp_session *s, struct str to, bool farewell);
bool xmpp_tick_owed(struct xmpp_session *s, struct now now, struct proto_event *event,
		    uint64_t *next);

/* ask.c */
/* EVENT_ASK, for a request of the client whose id is kept, or for ourselves. */
void xmpp_ask(struct xmpp_session *s, struct now now, struct proto_event *event,
	      enum xmpp_asker asker, struct roster_question *q);
void xmpp_ask_for(struct xmpp_input *in, struct roster_question *q);
/* The same, whose owner is there, under a token of the caller's. */
void xmpp_ask_control(struct xmpp_session *s, struct proto_event *event, uint64_t token,
		      const struct roster_question *q);
void xmpp_told(void *session, struct now now, uint64_t token, enum reason why, struct cur *answer,
	       struct out *out, struct proto_event *event);

/* presence.c */
void xmpp_on_presence(struct xmpp_input *in);
/* The registration is in force, or is not. */
void xmpp_answer_presence(struct xmpp_session *s, enum reason why);
bool xmpp_tick_tour(struct xmpp_session *s, struct now now, struct proto_event *event,
		    uint64_t *next);
/* The next entry of the answer to AUDIENCE. True: event is given. */
bool xmpp_told_audience(struct xmpp_session *s, struct now now, struct cur *answer, struct out *out,
			struct proto_event *event);
void xmpp_tour_over(struct xmpp_session *s);
/* Presence as the client said it last, and whom it told by name, for who goes on in its place. Of
 * what comes damaged nothing is taken. */
bool xmpp_kept_any(const struct xmpp_session *s);
void xmpp_kept_put(struct xmpp_session *s, struct put *w);
void xmpp_kept_read(struct xmpp_session *s, struct cur kept);
/* Of a type that is about subscriptions, and what is in the stanza; false: it is too long. */
enum roster_presence xmpp_roster_type(enum xmpp_type type);
bool                 xmpp_roster_payload(struct xmpp_input *in, struct str *payload);
bool                 xmpp_outlive(void *session, struct now now, enum reason why, struct out *out);

/* roster.c */
void xmpp_on_roster_get(struct xmpp_input *in);
void xmpp_on_roster_set(struct xmpp_input *in);
void xmpp_told_roster(struct xmpp_session *s, struct cur *answer, struct out *out);
/* The same of what changed something: each effect is carried out. */
bool xmpp_told_effects(struct xmpp_session *s, struct now now, struct cur *answer,
		       struct proto_event *event);
/* Those of an operator's change are asked for. True: event is given. */
bool xmpp_tick_notice(struct xmpp_session *s, struct now now, struct proto_event *event);

/* blocklist.c */
void xmpp_on_blocklist(struct xmpp_input *in);
void xmpp_on_block(struct xmpp_input *in);
void xmpp_on_unblock(struct xmpp_input *in);
bool xmpp_is_blocked(const struct xmpp_session *s, const struct xmpp_jid *jid);
/* The stanza comes back, for its recipient is blocked. */
void xmpp_refuse_blocked(struct xmpp_input *in);
bool xmpp_tick_blocks(struct xmpp_session *s, struct now now, struct proto_event *event,
		      uint64_t *next);
void xmpp_told_blocks(struct xmpp_session *s, struct now now, struct cur *answer);
/* Nobody could say: it is asked for again later. */
void xmpp_blocks_unknown(struct xmpp_session *s, struct now now);
/* A change that the session's own client made is kept to from its first effect on. */
void xmpp_blocks_change(struct xmpp_session *s, bool add, struct str jids);

/* Is the list to be known at once? Then what depends on it waits. */
static inline bool xmpp_blocks_awaited(const struct xmpp_session *s, struct now now)
{
	return !s->blocks_late &&
	       (s->blocks_asked || (s->blocks_due && !s->asked && now.us >= s->ask_due_us));
}

/* May a message to the client be from one whom it blocks? Then it waits for the list. */
static inline bool xmpp_blocks_hold(const struct xmpp_session *s)
{
	return s->link == XMPP_BLOCK_NONE && !s->blocks_late && (s->blocks_due || s->blocks_asked);
}

void xmpp_told_blocklist(struct xmpp_session *s, struct cur *answer, struct out *out);
/* "<block ...>" or "<unblock ...>" of a push. */
void xmpp_blocks_put(struct put *w, struct str element, struct str jids);

/* iq.c */
/* At start: what we say that we can, and its hash. */
void xmpp_caps_make(struct xmpp_instance *i, const struct str contacts[], uint32_t n);
void xmpp_on_iq(struct xmpp_input *in);
/* "<iq type='result' ...>", to be gone on with. */
void xmpp_result_begin(struct xmpp_input *in);

/* multicast.c */
/* A message to a domain of ours is for those that it lists; false: it lists none. s->multicast says
 * afterwards whether there are more. */
bool xmpp_multicast(struct xmpp_input *in);

/* gateway.c */
void xmpp_on_gateway_ask(struct xmpp_input *in);
void xmpp_on_gateway_tell(struct xmpp_input *in);

/* carbon.c */
void xmpp_on_carbons_enable(struct xmpp_input *in);
void xmpp_on_carbons_disable(struct xmpp_input *in);
void xmpp_answer_carbons(struct xmpp_session *s, enum reason why, struct put *w);
/* ask.c, too: the head of the answer to the request of ->asker */
void xmpp_put_result(struct xmpp_session *s, struct put *w);

/* resume.c */
bool xmpp_number_parse(struct str s, uint32_t *v);
void xmpp_on_sm_enable(struct xmpp_input *in);
void xmpp_on_sm_resume(struct xmpp_input *in);
void xmpp_answer_resume(struct xmpp_session *s, struct now now, const struct result *r,
			struct put *w);
/* What the session before had kept is there. */
void xmpp_resume_kept(struct xmpp_session *s, const struct xmpp_map *map, const struct msg *m);
/* Is it still awaited? Then nothing is said of the client. *next: when again. */
bool xmpp_resume_awaits(struct xmpp_session *s, struct now now, uint64_t *next);
/* Where a stanza was sent in this call, what was written since the mark is kept until it is
 * acknowledged. */
void     xmpp_said(struct xmpp_session *s, const struct out *out, size_t mark);
void     xmpp_said_acknowledged(struct xmpp_session *s);
bool     xmpp_detach(struct xmpp_session *s, struct now now);
uint64_t xmpp_hand_over(struct xmpp_session *s, struct now now, uint64_t h, struct out *out);
/* Of one without a stream; *next: when again. */
bool xmpp_resume_tick(struct xmpp_session *s, struct now now, struct proto_event *event,
		      uint64_t *next);
bool xmpp_resume_undo(struct xmpp_session *s, struct proto_event *event);

/* message.c */
/* What the answer to the stanza will need, in a block. NONE: there is none. */
uint32_t xmpp_request_new(struct xmpp_input *in);
/* The error that its block has is written, and the block given back. */
void xmpp_release(struct xmpp_session *s, uint32_t number, struct put *w);
/* An address that a payload names, into the room. False: it is none, and the room is as before. */
bool xmpp_jid_of(struct xmpp_input *in, struct str text, struct xmpp_jid *jid);
/* Whom the stanza is for, the account itself where it does not say. False: it came back. */
bool xmpp_to(struct xmpp_input *in, struct xmpp_jid *to);
/* The stanza goes to the pipeline, or comes back; within the window. */
void xmpp_give(struct xmpp_input *in, const struct xmpp_jid *to);
/* What is said in a room, to an address without a resource: among ours there are no rooms (RFC
 * 6121, 8.5.2.1.1). */
bool xmpp_is_for_no_room(const struct xmpp_input *in, const struct xmpp_jid *to);
void xmpp_on_message(struct xmpp_input *in);
void xmpp_answer_message(struct xmpp_session *s, uint64_t token, const struct result *r,
			 struct put *w);
/* One of s->in, which says what with, is answered now, or as soon as it can be. */
void xmpp_request_answer(struct xmpp_session *s, uint32_t number, struct put *w);
/* The answer to one whose sender hears of it: an error, or a presence. */
void        xmpp_request_error_put(const struct xmpp_request *q, enum reason why, struct put *w);
enum submit xmpp_submit(struct xmpp_session *s, struct now now, const struct msg *m, uint64_t token,
			struct out *out, struct result *result);
enum submit xmpp_later(struct xmpp_session *s);
void        xmpp_ask_ack(struct xmpp_session *s, struct put *w);
/* When the outcome of the oldest of our messages is unknown. */
uint64_t xmpp_out_due_us(const struct xmpp_session *s);
/* Is the oldest of our messages done, by acknowledgement or because its time is over? */
bool xmpp_out_done(struct xmpp_session *s, struct now now, struct proto_event *event);
