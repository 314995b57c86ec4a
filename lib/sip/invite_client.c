#include "sip/invite.h"

#include <assert.h>

#include "base/assert.h"
#include "sip/links.h"
#include "sip/print.h"

#define BY_DEADLINE offsetof(struct sip_client, by_deadline)

/* Timers B, D, M and that of CANCEL all take 64*T1: one list is in order. */
static void deadline_begin(struct sip_transactions *t, struct sip_client *c, struct now now)
{
	c->deadline_us = now.us + SIP_TIMEOUT_US;
	sip_links_append(&t->pool, &c->of->invites, c->number, BY_DEADLINE);
}

static void deadline_again(struct sip_transactions *t, struct sip_client *c, struct now now)
{
	sip_links_remove(&t->pool, &c->of->invites, c->number, BY_DEADLINE);
	deadline_begin(t, c, now);
}

void sip_invite_begin(struct sip_transactions *t, struct sip_client *c, struct now now)
{
	deadline_begin(t, c, now);
}

void sip_invite_sent(struct sip_transactions *t, const struct sip_client *c,
		     struct sip_message *invite)
{
	struct put      w = put_to(t->scratch, sizeof(t->scratch));
	struct sip_scan scan = {0};
	struct cur      bytes;
	enum reason     why;

	sip_client_request(t, c, &w);
	bytes = cur_of(t->scratch, put_size(&w));
	if (w.failed || sip_message_next(&scan, &bytes, SIP_DATAGRAM, invite, &why) != PULL_ITEM)
		ASSERT(false); /* we wrote it */
}

/* ACK and CANCEL of the transaction itself: the INVITE's own branch, number, From and Route, and
 * nothing else of it (9.1, 17.1.1.3). */
static bool put_beside(struct sip_transactions *t, const struct sip_client *c, struct str method,
		       struct str to, struct out *out)
{
	size_t             mark = out_item_begin(out, c->datagram ? &c->to : NULL);
	struct sip_message invite;
	struct sip_cseq    cseq = {0};
	struct str         value;

	sip_invite_sent(t, c, &invite);
	sip_put_request(&out->put, method, invite.uri);
	sip_put_headers_of(&out->put, &invite, SIP_VIA);
	sip_put_headers_of(&out->put, &invite, SIP_MAX_FORWARDS);
	sip_put_headers_of(&out->put, &invite, SIP_ROUTE);
	sip_put_headers_of(&out->put, &invite, SIP_FROM);
	if (to.n == 0)
		sip_put_headers_of(&out->put, &invite, SIP_TO);
	else
		sip_put_header(&out->put, SIP_TO, to);
	sip_put_headers_of(&out->put, &invite, SIP_CALL_ID);
	if (!sip_header_find(&invite, SIP_CSEQ, &value) || !sip_cseq_parse(value, &cseq))
		ASSERT(false);
	sip_put_cseq(&out->put, cseq.number, method);
	sip_put_body(&out->put, STR(""), "", 0);
	return out_item_end(out, mark, c->datagram);
}

bool sip_invite_put_cancel(struct sip_transactions *t, struct sip_client *c, struct out *out)
{
	return put_beside(t, c, STR("CANCEL"), STR(""), out);
}

static void acknowledge(struct sip_transactions *t, const struct sip_client *c,
			const struct sip_message *response, struct out *out)
{
	struct str to;

	sip_header_find(response, SIP_TO, &to);
	put_beside(t, c, STR("ACK"), to, out); /* where there is no room the response comes again */
}

/* CANCEL goes, now and by timer E. */
static void cancel(struct sip_transactions *t, struct sip_client *c, struct now now,
		   struct out *out)
{
	c->cancelled = true;
	c->cancels = false;
	deadline_again(t, c, now);
	if (!sip_invite_put_cancel(t, c, out) && !c->datagram)
		c->cancels = true; /* with the next response */
	if (c->datagram)
		sip_client_schedule(t, c, now, 0);
}

bool sip_invite_cancel(struct sip_transactions *t, struct sip_client *c, struct now now,
		       struct out *out)
{
	ASSERT(c->method == SIP_METHOD_INVITE && c->state != SIP_CLIENT_NEW);
	if (c->state >= SIP_CLIENT_COMPLETED)
		return false;
	if (c->state == SIP_CLIENT_PROCEEDING && !c->cancelled)
		cancel(t, c, now, out);
	else if (!c->cancelled)
		c->cancels = true;
	return true;
}

static void on_provisional(struct sip_transactions *t, struct sip_client *c, struct now now,
			   struct out *out)
{
	if (c->state == SIP_CLIENT_TRYING) {
		sip_client_still(t, c);
		c->state = SIP_CLIENT_PROCEEDING;
	}
	if (c->state == SIP_CLIENT_PROCEEDING && c->cancels)
		cancel(t, c, now, out);
}

static void settle(struct sip_transactions *t, struct sip_client *c, struct now now,
		   enum sip_client_state state)
{
	sip_client_still(t, c);
	c->state = (uint8_t)state;
	deadline_again(t, c, now);
}

enum sip_invite_step sip_invite_response(struct sip_transactions *t, struct sip_client *c,
					 struct now now, const struct sip_message *response,
					 const struct sip_mandatory *known, struct out *out)
{
	unsigned status = response->status;
	bool     open = c->state < SIP_CLIENT_COMPLETED;

	ASSERT(c->method == SIP_METHOD_INVITE && c->state != SIP_CLIENT_NEW);
	if (known->cseq.method == SIP_METHOD_CANCEL) {
		if (status >= 200 && open)
			sip_client_still(t, c);
		return SIP_INVITE_NOTHING;
	}
	if (status < 200) {
		on_provisional(t, c, now, out);
		return SIP_INVITE_NOTHING;
	}
	if (status < 300) {
		if (c->state == SIP_CLIENT_COMPLETED)
			return SIP_INVITE_NOTHING;
		if (open)
			settle(t, c, now, SIP_CLIENT_ACCEPTED);
		return SIP_INVITE_ACCEPTED;
	}
	if (c->state == SIP_CLIENT_ACCEPTED)
		return SIP_INVITE_NOTHING;
	acknowledge(t, c, response, out);
	if (!open)
		return SIP_INVITE_NOTHING;
	settle(t, c, now, SIP_CLIENT_COMPLETED);
	return SIP_INVITE_REFUSED;
}

struct sip_client *sip_invite_over(struct sip_transactions *t, struct sip_clients *of,
				   struct now now, uint64_t *next)
{
	while (of->invites.first != SIP_BLOCK_NONE) {
		struct sip_client *c = sip_client_at(t, of->invites.first);

		if (c->deadline_us > now.us) {
			*next = c->deadline_us;
			return NULL;
		}
		if (c->state < SIP_CLIENT_COMPLETED) {
			sip_client_still(t, c);
			return c;
		}
		sip_client_end(t, c);
	}
	return NULL;
}
