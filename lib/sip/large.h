/*
 * One large message on its way (large message mode of CPM: an INVITE whose MSRP session carries one
 * message), as its two sides share it: the dialog (invite.c, dialog.c: INVITE, SDP and BYE on the
 * session that the INVITE goes over) and the stream (msrp_session.c: MSRP on a connection of its
 * own). Both are on one worker, and neither calls the other's hooks: each notes here what happened
 * and wakes the other's session (services->wake), whose tick() then acts.
 *
 * It lies in one block of the instance's pool and is named by the session id of our MSRP URI and by
 * a token, both found in constant time. The dialog side makes it and ends it; streams come and go
 * in between:
 *
 *	l = sip_large_new(i, s)          s: the session of the INVITE; NULL: no block is free
 *	  we take:  ->size_max; sip_large_keep(i, l, in) with the INVITE; ->m = msg_new(i->messages)
 *	  we send:  ->sends, ->m with the content as its body, ->type
 *	  ->local                        how->media of s
 *	sip_large_uri_put(i, l, w)       a=path of our SDP
 *	sip_large_path(i, l, path)       a=path of theirs
 *	->there                          where we connect, where that is not what their path says
 *	EVENT_DIAL, sip_large_token()    where we connect; the stream opens with how->dial
 *	->over                           looked at by tick() of s, which was woken: ->result is what
 *	                                 became of it; EVENT_RESULT where we send, and BYE
 *	sip_large_end(i, l)              the dialog is over; its stream goes on without it
 *
 * Times. The dialog side's: how long the INVITE, the stream that is to come (until ->stream) and
 * BYE may take. The stream's: SIP_LARGE_PROGRESS_US without progress, which is an outcome like
 * others. Workers only.
 */
#pragma once

#include "msg/msg.h"
#include "proto/proto.h"
#include "sip/msrp.h"
#include "sip/transaction.h"

#define SIP_LARGE_ID_SIZE 32u /* characters of a session id of ours; 96 bits nobody can guess */
/* From ACK, or 2xx, to the stream; and from the INVITE for a chat to its 2xx. */
#define SIP_LARGE_STREAM_US (10 * US_PER_SECOND)
#define SIP_LARGE_PROGRESS_US (60 * US_PER_SECOND)
#define SIP_LARGE_PATH_MAX 2048u     /* bytes of the other side's path */
#define SIP_LARGE_ENVELOPE_MAX 2048u /* that the headers of CPIM may add to a message */
#define SIP_LARGE_TYPE_MAX 64u
#define SIP_LARGE_AHEAD_MAX 4u
#define SIP_LARGE_INVITE_MAX 24576u /* bytes of an INVITE, its body included */

struct sip_dialog;
struct sip_input;
struct sip_instance;
struct sip_session;
struct sip_way;

/* What became of it, as far as struct result says it. */
struct sip_outcome {
	uint8_t  why; /* enum reason */
	uint8_t  peer_protocol;
	bool     has_status, maybe_sent, again, way_gone;
	uint32_t peer_status, retry_after_ms;
};

struct sip_large {
	/* The dialog side's. */
	struct sip_session *dialog; /* of the INVITE; never NULL */
	struct msg         *m;      /* of i->messages, owned by this; its body is the content */
	struct flow         local;  /* where our MSRP is reached */
	struct flow         there;  /* by their c= and m= (RFC 6714); port 0: by their path */
	uint64_t            token;  /* of submit(), where we send */
	uint32_t            number; /* of its block */
	uint32_t            dialog_block; /* its own; SIP_BLOCK_NONE: none */
	uint32_t            size_max;     /* takes: bytes of content, with SIP_LARGE_ENVELOPE_MAX */
	struct sip_chain    path;         /* the other side's */
	bool                sends;        /* we send the message; else we take it */
	bool                cema;         /* our description says so */
	/* Takes: chunks that came before what they follow. */
	uint8_t  ahead_count;
	uint64_t ends_at; /* bytes of content, where the last one is among them; 0: it is not */
	struct {
		uint64_t    first; /* of its bytes, from 1 */
		struct msg *m;     /* its body is them */
	} ahead[SIP_LARGE_AHEAD_MAX];
	/*
	 * A chat (chat.c) takes one message after the other, each with an answer of its own, until
	 * somebody ends it; one that we send within it is another of these, of the same stream.
	 */
	bool                  chat;
	bool                  hears; /* a chat: the other side takes messages in it */
	bool                  ours;  /* a chat: we opened it */
	bool                  waits; /* it goes into the chat when the stream of that is there */
	uint8_t               waiting_count;
	uint32_t              binding;   /* a chat of ours: whom it is with */
	struct sip_block_list waiting;   /* a chat: what waits, in order */
	uint32_t              chat_next; /* a chat: in the instance's list */
	uint64_t              pair;      /* a chat: whose it is */
	uint64_t              mark;      /* a chat: of services->chat_begun() */
	uint64_t writes_until_us; /* a chat: its device writes, unless it says so again; 0: not */
	uint64_t chat_of;         /* token of the chat that it goes in; 0: none */
	uint8_t  type_size;
	char     type[SIP_LARGE_TYPE_MAX]; /* Content-Type of the content */

	/* Of the INVITE, where we take: sip_large_keep(). */
	struct msg     *invite; /* its data: the request, and who sent it */
	struct msg_part whole, proven, number_of;
	uint32_t        peer;
	bool            trusted;
	uint8_t         identity; /* enum msg_identity: what its INVITE proves */

	/* The stream's. */
	struct sip_session *stream; /* NULL: not there yet, or gone */
	bool                over;   /* ->result is set, once */
	bool                success_report;
	bool                greeted;         /* it said hello */
	uint8_t             message_id_size; /* takes: 0: nothing came yet */
	char                message_id[MSRP_ID_MAX];
	uint32_t            back_block; /* takes: the answer that waits for the pipeline's */
	uint32_t            backs;      /* a chat: those that do, the latest first */
	uint32_t            backs_open;
	uint32_t            sent;  /* sends: chunks */
	uint64_t            acked; /* of those, a bit for each */
	uint64_t            progress_us;
	struct sip_links    links; /* among those of the stream */
	struct sip_outcome  result;
};

/* NULL: no block is free. */
struct sip_large *sip_large_new(struct sip_instance *i, struct sip_session *dialog);
void              sip_large_forget_ahead(struct sip_large *l);
/* The block and what it owns go back; dialog_block is the caller's. */
void sip_large_end(struct sip_instance *i, struct sip_large *l);

/* Our URI, and its session id alone. */
void sip_large_uri_put(const struct sip_instance *i, const struct sip_large *l, struct put *w);
void sip_large_id_put(const struct sip_instance *i, const struct sip_large *l, struct put *w);
/* NULL: there is none of that name, or no more. */
struct sip_large *sip_large_by_id(const struct sip_instance *i, struct str id);
uint64_t          sip_large_token(const struct sip_instance *i, const struct sip_large *l);
struct sip_large *sip_large_by_token(const struct sip_instance *i, uint64_t token);

/* Keeps the path of the other side, once; before, its stream says nothing. False: longer than
 * SIP_LARGE_PATH_MAX, or no block is free. */
bool sip_large_path(struct sip_instance *i, struct sip_large *l, struct str path);
void sip_large_path_put(const struct sip_instance *i, const struct sip_large *l, struct put *w);

/* The INVITE, which says whom the message is for and what goes with it, and who sent it
 * (in->sender, in->peer), for when the content is here. False: it is longer than
 * SIP_LARGE_INVITE_MAX, or there is no memory. */
bool sip_large_keep(struct sip_instance *i, struct sip_large *l, const struct sip_input *in);
/* Would it be taken, as far as the INVITE says? 200, or the status that refuses it (404, 403, ...),
 * *why its reason. *m: an empty record, reset. */
unsigned sip_large_check(struct sip_large *l, struct now now, struct msg *m, enum reason *why);
/* The content is whole: fills the empty record *m with the message as if it had come in a MESSAGE.
 * 200, or the status that refuses it, *why its reason. */
unsigned sip_large_map(struct sip_large *l, struct now now, struct msg *m, enum reason *why);

/* The content of a message that we send, as message/cpim: ->m, ->type. message_id: for the
 * notifications that come back. A reason: it can never go, or POOL. */
enum reason sip_large_fill(struct sip_large *l, struct now now, const struct msg *m,
			   const struct sip_way *way, struct str message_id);

/* There is an outcome, and the session of the dialog is woken; later ones are none. */
void sip_large_over(struct sip_instance *i, struct sip_large *l, const struct result *r);

/* msrp_session.c: the dialog ended while its stream is there. */
void sip_stream_forget(struct sip_session *s, struct sip_large *l);
bool sip_stream_is_full(const struct sip_session *s);
/* It goes over a stream that is there; false: that has too many. */
bool sip_stream_bind(struct sip_session *s, struct sip_large *l, struct now now);

/*
 * Chats: chat.c. An INVITE for session mode (OMA CPM; TS 29.311) is one with the feature tag of it;
 * what is said becomes messages, and what comes for its device from whom it chats with goes into
 * it, as the worker that has it is handed that.
 */
bool sip_chat_asked(const struct sip_input *in);
/* The chat of an INVITE, which l was made for. */
void sip_chat_begin(struct sip_large *l, const struct sip_input *in);
void sip_chat_end(struct sip_instance *i, struct sip_large *l);
/* Whose chat it is: a device (its address of record) and somebody (normal form). */
uint64_t          sip_chat_pair(const struct sip_instance *i, struct str device, struct str other);
void              sip_chat_enlist(struct sip_large *l, struct str device, struct str other);
struct sip_large *sip_chat_at(const struct sip_instance *i, uint32_t number);
/* Is this address of the other party the same, in whichever protocol? */
bool sip_chat_same(struct str one, struct str other);

/*
 * The message goes into a chat, which is opened for it where its device is to have one; what comes
 * before the stream of that waits, SIP_CHAT_WAITING_MAX at most. False: without one. Else *how is
 * what submit() says.
 */
#define SIP_CHAT_WAITING_MAX 16u
bool sip_chat_submit(struct sip_session *s, struct now now, const struct msg *m,
		     const struct proto_target *at, uint64_t token, struct out *out,
		     struct result *result, enum submit *how);

/* chat_out.c: chats that we open. */
/* The device is to be sent to in chats. */
bool sip_chat_takes(const struct sip_session *s, const struct proto_target *at);
/* The two have declined a chat a while ago. */
bool sip_chat_rests(const struct sip_session *s, struct now now, const struct proto_target *at,
		    uint64_t pair);
/* The new l is one with whom m is for; m is the first that waits. False: it cannot be, and nothing
 * waits. */
bool sip_chat_open(struct sip_session *s, struct now now, struct sip_large *l, const struct msg *m,
		   const struct proto_target *at, uint64_t token);
bool sip_chat_wait(struct sip_session *s, struct now now, struct sip_large *chat,
		   const struct msg *m, const struct proto_target *at, uint64_t token);
/* Its stream and the path of the other side are there, or one of them: what waited is said. */
void sip_chat_ready(struct sip_instance *i, struct sip_large *chat, struct now now);
/* The device has opened one of its own: what waits for ours is said there. */
void sip_chat_take_over(struct sip_instance *i, struct sip_large *chat, struct now now);
/* It ends: what waits goes as it would without. */
void sip_chat_unsaid(struct sip_instance *i, struct sip_large *chat);
/* EVENT_MSG to the other party of how the device is. False: not now. */
bool sip_chat_tell(struct sip_large *chat, struct now now, struct str state,
		   struct proto_event *event);
/* What it has said tells whether it is writing, and for how long. */
void sip_chat_wrote(struct sip_large *chat, struct now now, const struct msg *m);
/* It is over; gone: by the device, which its other party is told in the event. */
void sip_chat_leave(struct sip_large *chat, struct now now, bool gone, struct proto_event *event);
/* Its INVITE was refused, or never answered; it is over. */
void sip_chat_failed(struct sip_session *s, struct sip_dialog *d, const struct result *r);
/* Others have taken it since: this one is not needed. */
bool sip_chat_elsewhere(const struct sip_large *chat);
/* It is over before it was said. */
void sip_chat_unwait(struct sip_instance *i, struct sip_large *l);
/* A message of it is mapped: as its sender calls the conversation. */
void sip_chat_learn(const struct sip_large *l, const struct msg *m);
