/* What the files of the session share, and nobody else includes. */
#pragma once

#include "base/assert.h"
#include "base/random.h"
#include "sip/dialog.h"
#include "sip/digest.h"
#include "sip/invite.h"
#include "sip/large.h"
#include "sip/map.h"
#include "sip/session.h"
#include "sip/sdp.h"
#include "sip/sms_seen.h"
#include "sip/status.h"
#include "sip/timer.h"
#include "sip/transaction.h"

#define SIP_WORDS_MAX 128u /* of all listeners of a worker: a domain and a route of each */
#define SIP_WORD_SIZE_MAX 255u
#define SIP_MISSED_MAX 2u /* OPTIONS without answer, then the peer is dead */
#define SIP_PART_US (5 * US_PER_SECOND)
#define SIP_POOL_WAIT_US (100 * US_PER_MS)
#define SIP_HEADERS_ROOM 10240u /* lines of a response beside those of the request */
#define SIP_ANSWER_ROOM (SIP_RESPONSE_HEAD_MAX + SIP_HEADERS_ROOM + sizeof(struct out_datagram))
#define SIP_BLOCKS_MIN 64u
#define SIP_PLAIN_MAX 256u
#define SIP_CHAT_LISTS 256u
#define SIP_CHAT_RESTS 1024u

/* What listeners are configured with and all their sessions share. */
struct sip_word {
	uint8_t size;
	char    text[SIP_WORD_SIZE_MAX];
};

/* "Via: SIP/2.0/UDP [address]:port;branch=" of requests from there. */
#define SIP_OWN_VIA_MAX 96u
#define SIP_OWN_VIAS 3u /* of streams, of UDP, of WebSockets */
struct sip_own_via {
	struct flow from;
	uint8_t     size; /* 0: none was written yet */
	char        text[SIP_OWN_VIA_MAX];
};

/* A pair (and a device of it) that is not asked for a chat for a while. */
struct sip_chat_rest {
	uint64_t key, until_us;
};

struct sip_instance {
	struct metrics              *metrics;
	const struct proto_services *services;
	struct msg_pool             *messages; /* NULL: there are no large messages */
	struct stir                 *stir;     /* NULL: neither keys nor certificates */
	struct sip_transactions      transactions;
	struct sip_digest            digest;
	struct sip_sms_seen          sms_seen;
	struct random                random;
	struct hash_key              text_key;      /* of Call-IDs and tags */
	struct hash_key              large_keys[2]; /* of the session ids of large messages */
	struct hash_key              watch_key;     /* of the names of watches */
	uint32_t                     watches;       /* that are open */
	uint64_t                     texts;         /* made so far */
	uint32_t                     chats;         /* that are open */
	uint32_t                     chat_lists[SIP_CHAT_LISTS]; /* their blocks, by pair */
	struct sip_chat_rest         chat_rests[SIP_CHAT_RESTS];
	uint8_t                      protocol, worker;
	struct sip_date              date; /* the last that was written */
	uint32_t                     word_count;
	struct sip_word              words[SIP_WORDS_MAX];
	struct sip_own_via           own_via[SIP_OWN_VIAS]; /* the last of each kind of session */
	uint32_t                     plain[SIP_PLAIN_MAX];  /* bindings that refuse message/cpim */
	struct proto_registration    registration;          /* of the event that is out */
	char                         text[PROTO_RECORD_TEXT_MAX];
	uint8_t                      scratch[SIP_MESSAGE_SIZE_MAX]; /* during a call */
	uint8_t                      content[MSG_SIZE_MAX];         /* likewise */
};

enum sip_state {
	SIP_STATE_OPEN, /* a peer over UDP that has not answered yet */
	SIP_STATE_UP,
	SIP_STATE_PARTING, /* nothing new is taken; what is open is finished */
	SIP_STATE_CLOSED
};

/* What only sessions of peers have, each in a block of the instance's pool. */
struct sip_peer {
	uint8_t host_size, identity_size, secret_size;
	char    host[SIP_WORD_SIZE_MAX];
	char    identity[PROTO_NAME_SIZE_MAX], secret[PROTO_SECRET_SIZE_MAX];
};

struct sip_session {
	struct sip_instance  *instance;
	uint8_t               state; /* enum sip_state */
	uint8_t               role;  /* enum proto_role */
	uint8_t               may;   /* PROTO_SENDS | PROTO_RECEIVES */
	bool                  datagram, trusted, open_to_all, md5_alone;
	bool                  messages;          /* a stream of them: a WebSocket */
	bool                  close_due, up_due; /* tick() is to give the event */
	bool                  blocked;           /* SUBMIT_LATER was said */
	bool                  known;             /* accepted: a whole request came */
	bool                  plain;             /* the peer refuses message/cpim */
	uint8_t               close_why;         /* enum reason */
	uint8_t               missed;            /* OPTIONS that had no answer, in a row */
	uint8_t               asking;            /* OPTIONS that are open */
	uint8_t               domain;            /* of instance->words, of which the first is one */
	uint8_t               service_route;     /* likewise; 0: none */
	uint16_t              list_given;        /* messages at list_us */
	uint32_t              blocked_room;
	uint32_t              peer_block, challenge_block; /* SIP_BLOCK_NONE: none */
	struct sip_scan       scan;
	struct sip_clients    clients;
	struct sip_servers    servers;
	struct sip_dialogs    dialogs;
	struct flow           local, remote;
	struct flow           media;       /* where our MSRP is reached; port 0: nowhere */
	uint32_t              media_block; /* of a stream of MSRP; SIP_BLOCK_NONE: it is of SIP */
	uint64_t              heard_us;    /* anything of the other side */
	uint64_t              message_us;  /* the last message, registration or answer to one */
	uint64_t              due_us;      /* accepted: for its first request; parting: the end */
	uint64_t              list_us;     /* when the last message of a list was given */
	struct sip_block_list parts;       /* of long messages, whose next part is due */
	uint32_t              parts_due;
	uint32_t              lists_block; /* of list.c; SIP_BLOCK_NONE: no list is open */
	struct proto_settings settings;
};

enum sip_client_kind {
	SIP_CLIENT_MESSAGE,
	SIP_CLIENT_OPTIONS,
	SIP_CLIENT_REPORT, /* on a short message; nobody waits for its outcome */
	SIP_CLIENT_INVITE, /* its token is the dialog's */
	SIP_CLIENT_BYE,
	SIP_CLIENT_UPDATE, /* refreshes a dialog, whose its token is */
	SIP_CLIENT_AGAIN,  /* the same by INVITE */
	SIP_CLIENT_WATCH   /* SUBSCRIBE; its token is the watch's */
};

/* Notes of a client transaction. */
#define SIP_NOTE_CREDENTIALS 1u /* it had credentials */
#define SIP_NOTE_NOTIFIED 2u    /* its recipient was asked for notifications */
#define SIP_NOTE_SMS 4u         /* RP-DATA, whose reference is the value */
#define SIP_NOTE_WRAPPED 8u     /* sip_map_wrapped(); the value names the binding, 0: none */
#define SIP_NOTE_VALUE_SHIFT 8u
#define SIP_NOTE_VALUE_MAX 0xffffffu

/* One of our own requests with RP-DATA. */
enum sip_short_text { SIP_SHORT_URI, SIP_SHORT_ROUTE, SIP_SHORT_TO, SIP_SHORT_TEXTS };

struct sip_short {
	struct str texts[SIP_SHORT_TEXTS];
	uint32_t   forwards;
	uint8_t    reference;
	struct str rpdu;
};

/* Whither the report on a short message goes, and what it says of itself. */
enum sip_back_text {
	SIP_BACK_URI,
	SIP_BACK_ROUTE,
	SIP_BACK_TO,
	SIP_BACK_SELF,
	SIP_BACK_CALL_ID, /* of what it reports on */
	SIP_BACK_TEXTS
};

struct sip_input { /* a request or response on its way through feed() */
	struct sip_session  *s;
	struct sip_message   m;
	struct sip_mandatory known;
	const struct flow   *from;
	struct now           now;
	struct out          *out;
	struct proto_event  *event;
	struct sip_sender    sender; /* MESSAGE and REGISTER, when let in */
	char                 proven[SIP_URI_MAX], realm[SIP_HOST_SIZE_MAX];
	uint32_t             peer;     /* slot, or MSG_SLOT_NONE */
	uint8_t              identity; /* PROTO_IDENTITY_ bits of who sends it, when let in */
};

/* session.c */
struct str sip_session_domain(const struct sip_session *s);
struct str sip_session_service_route(const struct sip_session *s); /* empty: none */
void       sip_close_later(struct sip_session *s, enum reason why);
/* 16 letters and digits that nobody can guess, each time others. */
#define SIP_TEXT_SIZE 16u
void sip_text_new(struct sip_instance *i, char room[SIP_TEXT_SIZE]);

static inline const struct sip_peer *sip_session_peer(const struct sip_session *s)
{
	ASSERT(s->peer_block != SIP_BLOCK_NONE);
	return (const void *)sip_pool_at(&s->instance->transactions.pool, s->peer_block)->bytes;
}

static inline struct sip_map sip_session_map(const struct sip_session *s, struct now now)
{
	struct sip_instance *i = s->instance;

	return (struct sip_map){&s->settings, i->services, i->metrics, now,
				i->protocol,  &i->date,    i->stir};
}

/* feed.c */
enum pull sip_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			   struct out *out, struct proto_event *event);
bool      sip_extension_known(struct str name); /* an option tag of Require */
void      sip_supported_put(struct put *w);

/* agent.c: requests of others */
void sip_on_message(struct sip_input *in);
void sip_on_options(struct sip_input *in);
void sip_on_cancel(struct sip_input *in);
void sip_answer_message(struct sip_session *s, struct now now, struct sip_server *server,
			const struct result *r, struct out *out);
/* An answer that follows from the request alone, with the header fields that its status has. */
void sip_refuse(struct sip_input *in, unsigned status, enum reason why);
/* The same for one that has a transaction, which ends: it gets the same again when it comes again.
 */
void sip_refuse_open(struct sip_input *in, struct sip_server *server, unsigned status,
		     enum reason why);
void sip_answer_open(struct sip_input *in, struct sip_server *server, unsigned status);
/* The answer, while the transaction stays (sip_server_say()). */
void sip_say_open(struct sip_input *in, struct sip_server *server, unsigned status);
/* Finds out who sends it (->sender, ->peer) and gives it a transaction. NULL: it was dealt with: a
 * challenge, a refusal, an answer again. */
struct sip_server *sip_admit(struct sip_input *in);

/* Looks into the Identity of a request that was let in, where that is asked for
 * (->sender.identity). False: it was refused. */
bool sip_identified(struct sip_input *in, struct sip_server *server);

/* sms.c: short messages over IP (TS 24.341), let in */
bool sip_is_sms(const struct sip_input *in);
void sip_on_sms(struct sip_input *in, struct sip_server *server);
/* Is that one of them? Then it is answered by a report. */
bool sip_server_is_sms(const struct sip_server *server);
void sip_answer_sms(struct sip_session *s, struct now now, struct sip_server *server,
		    const struct result *r, struct out *out);

/* sms_parts.c: messages that take several short ones */
#define SIP_PARTS_US (20 * US_PER_SECOND) /* then no further part is sent */
/* The RPDU of the first part, and what is kept for the others: *rest goes with its transaction. */
enum reason sip_parts_begin(struct sip_session *s, struct now now, const struct msg *m,
			    const struct sip_short *first, const struct sip_client_how *how,
			    uint32_t *rest, struct put *rpdu);
/* The part is there. True: others follow, and rest is taken; false: it was the last. */
bool sip_parts_acknowledged(struct sip_session *s, uint32_t rest);
void sip_parts_end(struct sip_session *s, uint32_t rest); /* SIP_BLOCK_NONE is allowed */
/* Sends what is due. True: *event has the end of a message. */
bool sip_tick_parts(struct sip_session *s, struct now now, struct out *out,
		    struct proto_event *event, uint64_t *next);
/* At the end of the session: one that has had no result. */
bool sip_parts_drain(struct sip_session *s, uint64_t *token);

/* list.c: one request for many recipients (RFC 5365), let in */
bool sip_is_list(const struct sip_input *in);
void sip_on_list(struct sip_input *in, struct sip_server *server);
bool sip_server_is_list(const struct sip_server *server);
void sip_answer_list(struct sip_session *s, struct sip_server *server, const struct result *r);
/* True: *event has the message of the next recipient. */
void sip_lists_end(struct sip_session *s); /* at the end of the session */
bool sip_tick_list(struct sip_session *s, struct now now, struct proto_event *event, uint64_t *due);

/* A new transaction for it; NULL: it was dealt with. */
struct sip_server *sip_begin(struct sip_input *in);
/* False: it went in circles, and was told so. */
bool sip_passes(struct sip_input *in);
/* 2xx with the lines of a note. */
void sip_answer_noted(struct sip_input *in, struct sip_server *server, unsigned status,
		      uint32_t note);
/* As sip_refuse_open(), and without a transaction where server is NULL; the note is what the lines
 * of the status need: Retry-After, or the code of a Warning. */
void sip_refuse_noted(struct sip_input *in, struct sip_server *server, unsigned status,
		      uint32_t note, enum reason why);
void sip_allow_put(struct put *w);
void sip_warning_put(const struct sip_session *s, uint32_t code, struct put *w);

/* call_in.c: INVITEs of others, each for one large message */
void sip_on_invite(struct sip_input *in);
void sip_on_ack(struct sip_input *in);
void sip_on_bye(struct sip_input *in);
void sip_on_update(struct sip_input *in);
bool sip_has_sdp(const struct sip_input *in);
/* The worker that has the dialog is asked, and its answer is given. */
void sip_ask_elsewhere(struct sip_input *in, unsigned worker);
/*
 * The 200 with our description: an answer to their offer, which chosen is of, or where there was
 * none an offer. tag: of a dialog that it makes; empty: it is there. False: there is no memory.
 */
bool sip_put_accepted(struct sip_input *in, struct sip_server *server, const struct sip_dialog *d,
		      const struct sip_large *l, const struct sip_sdp *offer,
		      const struct sip_sdp_media *chosen, const struct sip_timer *timer,
		      struct str tag);

/*
 * elsewhere.c: what came over a stream, while another worker has the dialog or the short message
 * that it is about, which our tag or branch in it names. Datagrams come to that one by themselves.
 */
bool sip_tag_elsewhere(const struct sip_input *in, unsigned *worker);   /* of To */
bool sip_reply_elsewhere(const struct sip_input *in, unsigned *worker); /* In-Reply-To */
/* It goes there. token: the server transaction that is to be answered; 0: none is. False: there is
 * no memory. */
bool sip_hand_over(struct sip_input *in, unsigned worker, uint64_t token);
/* The hook, at that other worker. */
void sip_item(void *instance, struct now now, const struct flow *from, struct cur item,
	      struct proto_event *event, struct result *answer);
/* call_again.c: refreshes, by INVITE and UPDATE. */
void sip_on_again(struct sip_input *in, struct sip_dialog *d);
/* For one over a stream of another worker: 200, or the status that refuses it, and what the answer
 * there says. */
unsigned sip_again_elsewhere(struct sip_input *in, struct sip_dialog *d, struct result *answer);
/* What that other worker has said. */
void sip_answer_inside(struct sip_session *s, struct now now, struct sip_server *server,
		       const struct result *r, struct out *out);
/* The effects there; in->s is the dialog's session. Statuses that answer. */
void     sip_acked(struct sip_input *in, struct sip_dialog *d);
unsigned sip_inside_status(const struct sip_input *in, struct sip_dialog *d);
void     sip_gone(struct sip_input *in, struct sip_dialog *d);
void     sip_on_report_elsewhere(struct sip_instance *i, struct sip_input *in);

/* call_out.c: INVITEs of ours */
enum submit sip_call(struct sip_session *s, struct now now, const struct msg *m,
		     const struct proto_target *at, uint64_t token, struct out *out,
		     struct result *result);
/* A chat toward a device, in which the message is the first thing said. False: it cannot be, and
 * nothing was written. */
bool sip_call_chat(struct sip_session *s, struct now now, const struct msg *m,
		   const struct proto_target *at, uint64_t token, struct out *out,
		   enum submit *submitted);
/* Is it a chat that has no answer yet? Then none is wanted. True: it rings. */
bool sip_call_cancel(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out);
/* The time in which it is to be answered is over. */
void sip_call_hang_up(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out);
void sip_on_invite_response(struct sip_input *in, struct sip_client *c);
/* Its time is over without a final response, or no response will come. True: *event says what
 * became of the message. */
bool sip_call_over(struct sip_session *s, struct sip_client *c, const struct result *r,
		   struct proto_event *event);
bool sip_call_timeout(struct sip_session *s, struct now now, struct sip_client *c, struct out *out,
		      struct proto_event *event);

/* call.c: for both */
void sip_our_contact_put(const struct sip_session *s, bool chat, struct put *w);
void sip_offer_put(const struct sip_session *s, const struct sip_large *l,
		   struct sip_sdp_ours *ours, const struct sip_sdp *offer,
		   const struct sip_sdp_media *chosen, struct put *w);
/* The same of who has a path already. */
void sip_sdp_as_put(struct sip_sdp_ours *ours, const struct sip_sdp *offer,
		    const struct sip_sdp_media *chosen, struct put *w);
/* What our description said of the session when it began, as far as that does not change. */
void sip_ours_of(const struct sip_dialog *d, const struct sip_large *l, struct sip_sdp_ours *ours);
/* Where we connect by the description of the other side; port 0: by its path. False: nobody knows.
 */
bool sip_call_there(const struct sip_instance *i, const struct sip_sdp_media *m,
		    struct flow *there);
/* EVENT_DIAL to the other side of a large message of this session. False: there is no way. */
bool sip_call_dial(const struct sip_input *in, struct sip_session *s, struct sip_large *l);
void sip_call_dialled(struct sip_session *s, uint64_t token, const struct result *r);
bool sip_request_bye(struct sip_session *s, struct now now, const struct flow *to,
		     const struct str texts[SIP_DIALOG_TEXTS], uint32_t sequence, struct out *out);
/* All that a dialog is over for. */
void sip_call_end(struct sip_session *s, struct sip_dialog *d);
/* True: *event says what became of a message. */
bool sip_tick_calls(struct sip_session *s, struct now now, struct out *out,
		    struct proto_event *event, uint64_t *next);
void sip_calls_close(struct sip_session *s);
bool sip_calls_drain(struct sip_session *s, uint64_t *token);

/* timed.c: session timers (RFC 4028). */
/* It begins, or goes on; we: whom we are in the transaction that says so. */
void sip_timed_begin(struct sip_session *s, struct now now, struct sip_dialog *d,
		     const struct sip_timer *timer, enum sip_refresher we);
/* What a 2xx to a refresh of theirs grants. 200, or the status that refuses it, *why its reason. */
unsigned sip_timed_refresh(const struct sip_input *in, const struct sip_dialog *d,
			   struct sip_timer *timer, enum reason *why);
/* The lines of a 200 to UPDATE, by its note. */
uint32_t sip_timed_note(const struct sip_timer *timer, bool chat);
void     sip_timed_lines(const struct sip_session *s, uint32_t note, struct put *w);
/* The 2xx to a request of ours says so. */
void sip_timed_agreed(const struct sip_input *in, struct sip_session *s, struct sip_dialog *d);
/* A final answer to a refresh of ours, or none came; token: the dialog's. */
void sip_on_refresh_answer(const struct sip_input *in, struct sip_session *s, uint64_t token);
/* The same of an UPDATE; again: it was sent once more. */
void sip_on_update_answer(const struct sip_input *in, struct sip_session *s, uint64_t token,
			  bool again);
void sip_refresh_lost(struct sip_session *s, struct now now, uint64_t token);
/* Refreshes what is to be, ends what nobody refreshed; returns when it is due again. */
uint64_t sip_tick_timed(struct sip_session *s, struct now now, struct out *out);

/* registrar.c */
void sip_on_register(struct sip_input *in);
void sip_answer_register(struct sip_session *s, struct now now, struct sip_server *server,
			 const struct result *r, struct out *out);
/* Those of the 200 to a REGISTER that is at hand. */
void sip_register_lines(struct sip_input *in, struct put *w);
/* Where a URI points, by its literal or a name that is known here. */
bool sip_flow_of_uri(const struct sip_input *in, const struct sip_uri *uri, struct flow *to);
bool sip_binding_text_put(struct put *w, struct proto_binding *b, enum proto_binding_text which,
			  struct str text);

/* third_party.c */
/* Does somebody whom we believe register somebody else? */
bool sip_is_third_party(const struct sip_input *in);
void sip_third_party_aor(const struct sip_input *in, struct put *w);
/* The binding that it asks for, if any, as the first of the instance's registration. 200, or the
 * status that refuses it, *why its reason. */
unsigned sip_third_party_read(struct sip_input *in, struct str aor, struct put *text,
			      enum reason *why);

#define SIP_THIRD_PARTY_KEY                                                                        \
	0x332d4353434621ull /* a user has one S-CSCF, and one binding for it                       \
			     */

/* watch.c */
/* The registration that it was made for is in force. */
void sip_watch_begin(struct sip_session *s, struct now now, struct str aor, struct out *out);
/* A final answer to SUBSCRIBE, or none came. */
void     sip_on_watch_answer(const struct sip_input *in, struct sip_session *s, uint64_t token);
void     sip_watch_lost(struct sip_session *s, struct now now, uint64_t token);
uint64_t sip_tick_watches(struct sip_session *s, struct now now, struct out *out);
void     sip_watches_end(struct sip_session *s);

/* watch_notify.c */
#define SIP_REGINFO_TYPE "application/reginfo+xml"
void sip_on_notify(struct sip_input *in);
/* The effect of one that came to another worker; its status. */
unsigned sip_notify_elsewhere(struct sip_instance *i, struct sip_input *in);

/* Is that the user of an S-CSCF? */
static inline bool sip_at_peer(const struct proto_target *at)
{
	return at != NULL && (at->binding->features & PROTO_BINDING_AT_PEER) != 0;
}

/* msrp_session.c: sessions that are streams of MSRP. open: without
 * memory it closes. */
void      sip_stream_open(struct sip_session *s, struct now now, const struct proto_open *how,
			  struct out *out);
enum pull sip_stream_feed(struct sip_session *s, struct now now, struct cur *in, struct out *out,
			  struct proto_event *event);
void      sip_stream_answer(struct sip_session *s, uint64_t token, const struct result *r,
			    struct out *out);
uint64_t  sip_stream_tick(struct sip_session *s, struct now now, struct out *out,
			  struct proto_event *event);
void      sip_stream_close(struct sip_session *s, enum reason why);

static inline bool sip_session_is_stream(const struct sip_session *s)
{
	return s->media_block != SIP_BLOCK_NONE;
}

/* own_via.c: the Via of a request of ours, with a branch, or with that of its transaction, of which
 * it gives what follows the cookie, lent from what is written; empty: it did not fit. */
void       sip_own_via_put(const struct sip_session *s, struct str branch, struct put *w);
struct str sip_own_via_of(const struct sip_session *s, const struct sip_client *c, struct put *w);
/* Protocol and sent-by of the last that was written for such a session; empty: none was. */
struct str sip_own_sent(const struct sip_session *s);

static inline enum sip_transport sip_session_transport(const struct sip_session *s)
{
	if (s->messages)
		return SIP_TRANSPORT_WS;
	return s->datagram ? SIP_TRANSPORT_UDP : SIP_TRANSPORT_TCP;
}

/* request.c: our own */
struct sip_request {
	struct str method, uri;
	struct str call_id; /* empty: the name that is given back */
	uint32_t   max_forwards;
	struct str route; /* empty: none */
	uint32_t   sequence;
};

/* Of ourselves, as the gateway of short messages. */
struct str sip_own_uri(const struct sip_session *s, char room[SIP_URI_MAX]);
/* A request is begun, its head (from the request line to CSeq and credentials) and the rest
 * written, and started as a transaction; false: nothing is left of it. The head gives the name of
 * its transaction (SIP_NAME_SIZE letters and digits, lent from what is written, which nobody can
 * guess or has had before), empty where that did not fit. */
size_t     sip_request_begin(const struct sip_session *s, const struct flow *to, struct out *out);
struct str sip_request_head(const struct sip_session *s, const struct sip_client *c,
			    const struct sip_request *r, struct put *w);
bool       sip_request_start(struct sip_session *s, struct now now, struct sip_client *c,
			     const struct sip_client_how *how, struct out *out, size_t mark);
struct sip_client_how sip_request_how(const struct sip_session *s, enum sip_client_kind kind,
				      const struct flow *to);
struct sip_way        sip_request_way(const struct sip_session *s, const struct proto_target *at);
struct flow           sip_request_to(const struct sip_session *s, const struct proto_target *at);
struct str            sip_request_route(const struct proto_target *at);
enum submit           sip_request_later(struct sip_session *s, size_t room);
/* A 401 or 407 is answered with credentials. False: they cannot be given, or were there. */
bool sip_request_again(struct sip_input *in, struct sip_session *s, struct sip_client *c);
/* The same after a 422, with the interval that it asks for (RFC 4028, 7.3). */
bool        sip_request_slower(struct sip_input *in, struct sip_session *s, struct sip_client *c);
uint32_t    sip_retry_after_ms(const struct sip_message *m);
enum submit sip_request_message(struct sip_session *s, struct now now, const struct msg *m,
				const struct proto_target *at, uint64_t token, struct out *out,
				struct result *result);
bool        sip_request_options(struct sip_session *s, struct now now, struct out *out);
/* False: there was no room. */
bool sip_request_report(struct sip_session *s, struct now now, const struct flow *to,
			const struct str texts[SIP_BACK_TEXTS], struct str rpdu, struct out *out);
/* The next part of a message; false: there was no room, and rest is still the caller's. */
bool sip_request_part(struct sip_session *s, struct now now, const struct sip_short *part,
		      const struct flow *to, uint64_t token, uint32_t rest, struct out *out);
/* It ends, and what was to follow it. */
void sip_client_end_all(struct sip_session *s, struct sip_client *c);
void sip_on_response(struct sip_input *in);
