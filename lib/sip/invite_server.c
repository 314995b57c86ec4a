#include "sip/invite.h"

#include <assert.h>

#include "base/assert.h"
#include "sip/links.h"

#define LINKS offsetof(struct sip_server, links)
#define BY_STAGE offsetof(struct sip_server, by_stage)

static const uint64_t stage_us[SIP_STAGES] = {SIP_T1_US, 2 * SIP_T1_US, 4 * SIP_T1_US, SIP_T2_US};

static void schedule(struct sip_transactions *t, struct sip_server *s, struct now now,
		     uint8_t stage)
{
	s->resends = true;
	s->stage = stage;
	s->resend_us = now.us + stage_us[stage];
	sip_links_append(&t->pool, &s->of->stages[stage], s->number, BY_STAGE);
}

static bool send_kept(const struct sip_transactions *t, const struct sip_server *s, struct out *out)
{
	size_t mark = out_item_begin(out, s->datagram ? &s->to : NULL);

	sip_chain_put(&t->pool, &s->kept, 0, s->kept.size, &out->put);
	return out_item_end(out, mark, s->datagram);
}

static bool is_unproven(const struct sip_server *s)
{
	return s->datagram && !s->proven;
}

/* Sent again to who may have forged whence it comes, an answer is paid for by what came. */
static bool affords(const struct sip_server *s)
{
	return !is_unproven(s) || s->credit >= s->kept.size;
}

static bool resend(struct sip_transactions *t, struct sip_server *s, struct out *out)
{
	if (!send_kept(t, s, out))
		return false;
	if (is_unproven(s))
		s->credit -= s->kept.size;
	metric_inc(t->metrics, METRIC_sip_responses_resent);
	return true;
}

void sip_invite_again(struct sip_transactions *t, struct sip_server *s, struct out *out)
{
	if (affords(s))
		resend(t, s, out);
	else
		metric_inc(t->metrics, METRIC_sip_responses_withheld);
}

/* The answer, in ->scratch, takes the place of what was kept of the request. False: no memory. */
static bool keep(struct sip_transactions *t, struct sip_server *s, const struct put *answer)
{
	struct sip_chain rest = s->kept;

	rest.start += rest.size; /* behind it: what is there stays as it is where this fails */
	rest.size = 0;
	if (answer->failed || !sip_chain_append(&t->pool, &rest, t->scratch, put_size(answer))) {
		metric_inc(t->metrics, METRIC_sip_transactions_full);
		return false;
	}
	s->kept = rest;
	return true;
}

/* ACK is awaited, and until then the answer is sent again where it may be lost. */
static void await(struct sip_transactions *t, struct sip_server *s, struct now now, unsigned status)
{
	sip_server_unlist(t, s);
	s->final = (uint16_t)status;
	s->begun_us = now.us;
	sip_links_append(&t->pool, &s->of->answered, s->number, LINKS);
	schedule(t, s, now, 0);
}

bool sip_invite_answer(struct sip_transactions *t, struct sip_server *s, struct now now,
		       const struct sip_answer *a, struct out *out)
{
	bool       accepts = a->status < 300;
	struct put w = put_to(t->scratch, sizeof(t->scratch));

	ASSERT(s->method == SIP_METHOD_INVITE && s->final == 0 && a->status >= 200);
	sip_server_put(t, s, a, &w);
	s->proven |= s->datagram && sip_reached_find(&t->reached, now, &s->to);
	if (is_unproven(s) && put_size(&w) > (size_t)SIP_AMPLIFICATION_MAX * s->credit) {
		metric_inc(t->metrics, METRIC_sip_malformed_dropped);
		if (!accepts)
			sip_server_end(t, s);
		return false;
	}
	if ((accepts || s->datagram) && keep(t, s, &w)) {
		await(t, s, now, a->status);
		send_kept(t, s, out);
		return true;
	}
	if (!accepts)
		sip_server_answer(t, s, now, a, out);
	return false;
}

void sip_heard(struct sip_transactions *t, const struct flow *to, const struct sip_incoming *in,
	       struct now now)
{
	if (in->datagram && to->ip6 == in->from->ip6 &&
	    memcmp(to->address, in->from->address, sizeof(to->address)) == 0)
		sip_reached_add(&t->reached, now, to);
}

void sip_invite_acked(struct sip_transactions *t, struct sip_server *s, struct now now)
{
	ASSERT(s->final != 0);
	if (s->datagram && sip_completed_add(&t->completed, now, &s->key, 0, 0))
		metric_inc(t->metrics, METRIC_sip_answers_forgotten);
	sip_server_end(t, s);
}

void sip_invite_acked_by(struct sip_transactions *t, struct sip_servers *of, uint32_t note,
			 struct now now)
{
	for (uint32_t number = of->answered.first; number != SIP_BLOCK_NONE;) {
		struct sip_server *s = sip_server_at(t, number);

		number = s->links.next;
		if (s->note == note && s->final < 300) {
			sip_invite_acked(t, s, now);
			return;
		}
	}
}

bool sip_invite_ack(struct sip_transactions *t, struct now now, const struct sip_incoming *in)
{
	struct sip_key     key;
	struct sip_server *s = sip_server_pending(t, in, STR("INVITE"), &key);
	char               tag[SIP_TAG_SIZE];
	bool               merged;

	if (s != NULL && s->final >= 300) {
		if (s->tag_at != 0 && str_eq(in->known->to.tag, sip_server_tag(t, &s->key, tag)))
			sip_heard(t, &s->to, in, now);
		sip_invite_acked(t, s, now);
		return true;
	}
	return s == NULL && in->datagram &&
	       sip_completed_find(&t->completed, now, &key, &merged) != NULL;
}

/* Where nothing is left to pay for it, none. */
static void next_resend(struct sip_transactions *t, struct sip_server *s, struct now now)
{
	if (affords(s)) {
		schedule(t, s, now, s->stage < SIP_STAGES - 1 ? s->stage + 1 : s->stage);
		return;
	}
	s->resends = false;
	metric_inc(t->metrics, METRIC_sip_responses_withheld);
}

/* Timer G, as far as there is room. */
static bool send_due(struct sip_transactions *t, struct sip_servers *of, struct now now,
		     struct out *out, uint64_t *next)
{
	for (unsigned stage = 0; stage < SIP_STAGES; stage++) {
		while (of->stages[stage].first != SIP_BLOCK_NONE) {
			struct sip_server *s = sip_server_at(t, of->stages[stage].first);

			if (s->resend_us > now.us) {
				*next = s->resend_us < *next ? s->resend_us : *next;
				break;
			}
			if (affords(s) && !resend(t, s, out))
				return false;
			sip_links_remove(&t->pool, &of->stages[stage], s->number, BY_STAGE);
			next_resend(t, s, now);
		}
	}
	return true;
}

uint64_t sip_invite_server_tick(struct sip_transactions *t, struct sip_servers *of, struct now now,
				struct out *out)
{
	uint64_t next = UINT64_MAX;

	while (of->answered.first != SIP_BLOCK_NONE) {
		struct sip_server *s = sip_server_at(t, of->answered.first);

		if (s->begun_us + SIP_TIMEOUT_US > now.us) {
			next = s->begun_us + SIP_TIMEOUT_US;
			break;
		}
		metric_inc(t->metrics, METRIC_sip_answers_unacknowledged); /* timer H */
		sip_invite_acked(t, s, now);
	}
	return send_due(t, of, now, out, &next) ? next : now.us;
}
