/*
 * One large message on its way (large message mode of CPM: an INVITE whose MSRP session carries one
 * message), as its two sides share it: the dialog (invite.c, dialog.c: INVITE, SDP and BYE on the
 * session that the INVITE goes over) and the stream (msrp_session.c: MSRP on the connection that is
 * for this message alone). Both are on one worker, and neither calls the other's hooks: each notes
 * here what happened and wakes the other's session (services->wake), whose tick() then acts.
 *
 * It lies in one block of the instance's pool and is named by the session id of our MSRP URI and by
 * a token, both found in constant time. The dialog side makes it and ends it; the stream comes and
 * goes in between:
 *
 *	l = sip_large_new(i, s)              s: the session of the INVITE; NULL: no block is free
 *	l->sends, l->size_max, l->m          as below, before the other side can know the session id
 *	sip_large_id_put(i, l, w)            in a=path of our SDP
 *	sip_large_path(i, l, path)           when the other side's SDP is known
 *	  EVENT_DIAL, token sip_large_token()    where we connect; the stream opens with how->dial
 *	sip_large_arrived()                  the stream calls: we take, and it is whole
 *	sip_large_over()                     the stream calls: there is an outcome
 *	sip_large_end(i, l)                  the dialog is over; the stream, if any, is closed
 *
 * Times. The dialog side's: how long the INVITE, the stream that is to come (until ->stream) and
 * BYE may take. The stream's: SIP_LARGE_PROGRESS_US without a byte of a message, which is an
 * outcome like others. Workers only.
 */
#pragma once

#include "msg/msg.h"
#include "proto/proto.h"
#include "sip/pool.h"

#define SIP_LARGE_ID_SIZE 32u /* characters of a session id of ours; 96 bits nobody can guess */
#define SIP_LARGE_PROGRESS_US (60 * US_PER_SECOND)
#define SIP_LARGE_STREAM_US (10 * US_PER_SECOND) /* from ACK, or 200, to the stream */
#define SIP_LARGE_PATH_MAX 2048u                 /* bytes of the other side's path */
#define SIP_LARGE_ENVELOPE_MAX 2048u /* bytes that the headers of CPIM may add to a message */

struct sip_instance;
struct sip_session;

struct sip_large {
	struct sip_session *dialog; /* of the INVITE; never NULL */
	struct sip_session *stream; /* NULL: not there yet, or gone */
	/*
	 * Of instance->messages, owned by this. We send: ->body is the content, from before the
	 * stream is there, and stays. We take: the dialog side puts before what it likes
	 * (addresses, extras); the stream appends the content, which is ->body, and nothing else.
	 */
	struct msg      *m;
	uint64_t         token;        /* of submit(), where we send; the dialog side's alone */
	uint32_t         size_max;     /* takes: bytes of content, of what the offer may say, too */
	uint32_t         number;       /* of its block */
	uint32_t         dialog_block; /* the dialog side's own; SIP_BLOCK_NONE: none */
	struct sip_chain path;         /* the other side's, URIs separated by one SP */
	bool             sends;        /* we send the message; else we take it */
	bool             over;  /* sip_large_over() was called, and ->result says what it is */
	bool          reports;  /* sends: the recipient's own word is asked for (Success-Report) */
	char          type[64]; /* Content-Type of the content, as it came or is to go */
	uint8_t       type_size;
	struct result result;
};

/* ---- for both: large.c ---- */

/* NULL: no block is free. */
struct sip_large *sip_large_new(struct sip_instance *i, struct sip_session *dialog);
/* The block and what it owns go back; dialog_block is the caller's. A stream that is there is told,
 * and closes when it is woken. */
void sip_large_end(struct sip_instance *i, struct sip_large *l);

void sip_large_id_put(const struct sip_instance *i, const struct sip_large *l, struct put *w);
/* NULL: there is none of that name, or no more. */
struct sip_large *sip_large_by_id(const struct sip_instance *i, struct str id);
uint64_t          sip_large_token(const struct sip_instance *i, const struct sip_large *l);
struct sip_large *sip_large_by_token(const struct sip_instance *i, uint64_t token);

/* Keeps the path of the other side, once. False: longer than SIP_LARGE_PATH_MAX, or no block is
 * free. */
bool sip_large_path(struct sip_instance *i, struct sip_large *l, struct str path);
void sip_large_path_put(const struct sip_instance *i, const struct sip_large *l, struct put *w);

/* ---- what the dialog side does when the stream says so: invite.c ---- */

/*
 * We take, and the content is whole (l->m->body, of the type l->type). 0: *event is filled, but for
 * ->token and ->session, which are the stream's: EVENT_MSG with event->msg, whose answer comes to
 * the stream, which then calls sip_large_over(). Else the SIP status that refuses it, *why its
 * reason: the stream answers so and calls sip_large_over(). The sender's identity and what the
 * header of the INVITE said go with it.
 */
unsigned sip_large_arrived(struct sip_large *l, struct now now, struct proto_event *event,
			   enum reason *why);
/*
 * There is an outcome, once for each: of sending, that all was acknowledged (why NONE; delivered:
 * the recipient has it), that it was refused, or that the stream ended or stood still (maybe_sent
 * where the last byte may have arrived); of taking, what the sender was told. l->over and l->result
 * are set, and the dialog's session is woken, so that its tick() gives EVENT_RESULT and sends BYE.
 * In the stream's hooks, close() too; *l stays.
 */
void sip_large_over(struct sip_instance *i, struct sip_large *l, const struct result *r);
