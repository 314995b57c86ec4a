/*
 * What INVITE transactions have of their own (RFC 3261, 17.1.1 and 17.2.1, as corrected by
 * RFC 6026); how they begin, are named and found is in transaction.h, whose blocks, lists and
 * tables they use. Timers: A, B, D and M of the client; G, H and L of the server, where I is the
 * time for which an answered request is remembered. Called by sessions, on the worker that owns
 * them; constant time but for the bytes.
 *
 * Client, method INVITE in struct sip_client_how:
 *	sip_client_start()        the request is kept, over TCP too; timers A and B begin
 *	sip_invite_response(...)  each response, also those after the first final one: the ACK of a
 *	                          refusal is written here, that of a 2xx by the caller
 *	sip_invite_cancel(...)    CANCEL, when a provisional response is here (9.1)
 *	sip_client_tick(...)      gives it when its time is over without a final response: TRYING is
 *	                          timer B; PROCEEDING may be cancelled, and comes once more when
 *	                          CANCEL was of no effect. After a final response it ends by itself
 *	                          (timers D and M); sip_client_end() before that is allowed
 *
 * Server: sip_server_request() and sip_server_tick() as for others, but
 *	sip_invite_answer(...)    final: kept, and sent again until its ACK, a 2xx over TCP too
 *	sip_invite_ack(...)       an ACK: it may be that of a refusal
 *	sip_invite_acked(...)     the ACK of a 2xx is here, which its dialog found, or the dialog is
 *	                          over
 */
#pragma once

#include "sip/transaction.h"

/* Without an answer until then there is a 100, over TCP too (17.2.1). */
#define SIP_RINGING_US (200 * US_PER_MS)

enum sip_invite_step {
	/* Provisional, the same refusal again (acknowledged again), or what CANCEL got: nothing is
	 * to be done. */
	SIP_INVITE_NOTHING,
	SIP_INVITE_REFUSED, /* the first final response, 3xx to 6xx; its ACK is in *out */
	/* A 2xx, the first or again: the caller writes its ACK. One with another To tag than the
	 * first is another dialog (13.2.2.4), which it ends by BYE. */
	SIP_INVITE_ACCEPTED,
};

enum sip_invite_step sip_invite_response(struct sip_transactions *t, struct sip_client *c,
					 struct now now, const struct sip_message *response,
					 const struct sip_mandatory *known, struct out *out);
/* False: it has its final response, and there is nothing to cancel. */
bool sip_invite_cancel(struct sip_transactions *t, struct sip_client *c, struct now now,
		       struct out *out);
/* The INVITE as it was sent, taken apart, in memory that is lent until the next call with t. */
void sip_invite_sent(struct sip_transactions *t, const struct sip_client *c,
		     struct sip_message *invite);

/*
 * *s is kept until its ACK or 64*T1 (timer H), a 2xx until sip_invite_acked() too; over TCP, where
 * nothing comes again, a refusal ends it. True: a 2xx is kept, and *s is there; false for a 2xx:
 * no memory, or SIP_AMPLIFICATION_MAX; *s is not answered. A refusal is always answered but for
 * that limit, and *s no longer the caller's. Without ->proven, and where nothing came back from the
 * address (reached.h), the answer goes again only as far as the bytes of the request pay for it.
 */
bool sip_invite_answer(struct sip_transactions *t, struct sip_server *s, struct now now,
		       const struct sip_answer *a, struct out *out);
/* True: it was for a refusal, and nothing is to be done. False: for a 2xx, or nothing known. */
bool sip_invite_ack(struct sip_transactions *t, struct now now, const struct sip_incoming *in);
/* What we sent to an address and nobody else was told is in a request that may come from there. */
void sip_heard(struct sip_transactions *t, const struct flow *to, const struct sip_incoming *in,
	       struct now now);
/* The same of the 2xx whose session's note that is, if there is one. */
void sip_invite_acked_by(struct sip_transactions *t, struct sip_servers *of, uint32_t note,
			 struct now now);
/* *s is gone; over UDP the request, when it comes again, is absorbed (timer L). */
void sip_invite_acked(struct sip_transactions *t, struct sip_server *s, struct now now);
