#include <assert.h>

#include "base/assert.h"
#include "sip/links.h"

#define BY_STAGE offsetof(struct sip_client, by_stage)
#define BY_DEADLINE offsetof(struct sip_client, by_deadline)

static const uint64_t stage_us[SIP_INVITE_STAGES] = {SIP_T1_US,     2 * SIP_T1_US,  4 * SIP_T1_US,
						     8 * SIP_T1_US, 16 * SIP_T1_US, 32 * SIP_T1_US};

static_assert(8 * SIP_T1_US == SIP_T2_US, "timer E ends at the fourth stage");

struct sip_client *sip_client_new(struct sip_transactions *t, struct sip_clients *of)
{
	uint32_t           number = sip_pool_take(&t->pool);
	struct sip_client *c;

	if (number == SIP_BLOCK_NONE) {
		metric_inc(t->metrics, METRIC_sip_transactions_full);
		return NULL;
	}
	c = sip_client_at(t, number);
	*c = (struct sip_client){
		.of = of,
		.number = number,
		.state = SIP_CLIENT_NEW,
		.request = {.first = number, .last = number, .start = sizeof(*c)},
	};
	metric_inc(t->metrics, METRIC_sip_transactions_open);
	return c;
}

void sip_client_branch(const struct sip_transactions *t, const struct sip_client *c, struct put *w)
{
	struct sip_branch b = {t->worker, c->number, sip_pool_at(&t->pool, c->number)->generation};

	sip_branch_put(w, &t->branch_key, &b);
}

void sip_client_schedule(struct sip_transactions *t, struct sip_client *c, struct now now,
			 uint8_t stage)
{
	c->resends = true;
	c->stage = stage;
	c->resend_us = now.us + stage_us[stage];
	sip_links_append(&t->pool, &c->of->stages[stage], c->number, BY_STAGE);
}

bool sip_client_start(struct sip_transactions *t, struct sip_client *c, struct now now,
		      const struct sip_client_how *how, const void *bytes, size_t n)
{
	struct sip_clients *of = c->of;
	uint64_t timeout = how->timeout_us < SIP_TIMEOUT_US ? how->timeout_us : SIP_TIMEOUT_US;

	ASSERT(c->state == SIP_CLIENT_NEW);
	if ((how->datagram || how->keep || how->method == SIP_METHOD_INVITE) &&
	    !sip_chain_append(&t->pool, &c->request, bytes, n)) {
		metric_inc(t->metrics, METRIC_sip_transactions_full);
		return false;
	}
	c->token = how->token;
	c->to = how->to;
	c->method = how->method;
	c->kind = how->kind;
	c->note = how->note;
	c->datagram = how->datagram;
	c->sends = 1;
	c->state = SIP_CLIENT_TRYING;
	if (c->datagram)
		sip_client_schedule(t, c, now, 0);
	if (c->method == SIP_METHOD_INVITE) {
		sip_invite_begin(t, c, now);
		return true;
	}
	c->deadline_us = now.us + timeout;
	if (of->deadlines.last != SIP_BLOCK_NONE &&
	    sip_client_at(t, of->deadlines.last)->deadline_us > c->deadline_us)
		c->deadline_us = sip_client_at(t, of->deadlines.last)->deadline_us;
	sip_links_append(&t->pool, &of->deadlines, c->number, BY_DEADLINE);
	of->open++;
	return true;
}

struct sip_client *sip_client_named(struct sip_transactions *t, struct str branch)
{
	struct sip_branch  b;
	struct sip_client *c;

	if (!sip_branch_parse(branch, &t->branch_key, &b) || b.worker != t->worker ||
	    b.index == SIP_BLOCK_NONE || b.index > t->pool.touched ||
	    sip_pool_at(&t->pool, b.index)->generation != b.generation)
		return NULL;
	c = sip_client_at(t, b.index);
	return c->state != SIP_CLIENT_NEW ? c : NULL;
}

/* The same while its response is awaited. */
static struct sip_client *asking(struct sip_transactions *t, struct str branch)
{
	struct sip_client *c = sip_client_named(t, branch);

	return c != NULL && c->state < SIP_CLIENT_COMPLETED ? c : NULL;
}

struct sip_client *sip_client_match(struct sip_transactions *t, const struct sip_message *response,
				    const struct sip_mandatory *known)
{
	struct sip_client *c = sip_client_named(t, known->via.branch);
	bool               belongs;

	ASSERT_HOT(response->kind == SIP_RESPONSE);
	if (c != NULL && c->method == SIP_METHOD_INVITE)
		belongs = known->cseq.method == SIP_METHOD_INVITE ||
			  (known->cseq.method == SIP_METHOD_CANCEL && c->cancelled);
	else
		belongs = c != NULL && c->state < SIP_CLIENT_COMPLETED &&
			  c->method == known->cseq.method;
	if (!belongs) {
		metric_inc(t->metrics, METRIC_sip_responses_stray);
		return NULL;
	}
	sip_chain_prefetch(&t->pool, &c->request);
	return c;
}

void sip_client_still(struct sip_transactions *t, struct sip_client *c)
{
	if (c->resends)
		sip_links_remove(&t->pool, &c->of->stages[c->stage], c->number, BY_STAGE);
	c->resends = false;
}

static void complete(struct sip_transactions *t, struct sip_client *c)
{
	sip_client_still(t, c);
	c->state = SIP_CLIENT_COMPLETED;
}

bool sip_client_response(struct sip_transactions *t, struct sip_client *c, unsigned status)
{
	if (status >= 200) {
		complete(t, c);
		return true;
	}
	c->state = SIP_CLIENT_PROCEEDING;
	return false;
}

void sip_client_request(const struct sip_transactions *t, const struct sip_client *c, struct put *w)
{
	sip_chain_put(&t->pool, &c->request, 0, c->request.size, w);
}

struct sip_client *sip_client_quoted(struct sip_transactions *t, struct cur quoted)
{
	struct str branch;

	if (!sip_branch_find((struct str){(const char *)quoted.p, cur_left(&quoted)}, &branch))
		return NULL;
	return asking(t, branch);
}

struct sip_client *sip_client_oldest(const struct sip_transactions *t, const struct sip_clients *of)
{
	uint32_t first =
		of->deadlines.first != SIP_BLOCK_NONE ? of->deadlines.first : of->invites.first;

	return first != SIP_BLOCK_NONE ? sip_client_at(t, first) : NULL;
}

uint64_t sip_client_token(const struct sip_transactions *t, const struct sip_client *c)
{
	return (uint64_t)sip_pool_at(&t->pool, c->number)->generation << 32 | c->number;
}

struct sip_client *sip_client_by_token(const struct sip_transactions *t, uint64_t token)
{
	uint32_t number = (uint32_t)token;

	if (number == SIP_BLOCK_NONE || number > t->pool.touched ||
	    sip_pool_at(&t->pool, number)->generation != (uint32_t)(token >> 32))
		return NULL;
	return sip_client_at(t, number);
}

struct sip_client *sip_client_later(const struct sip_transactions *t, const struct sip_client *c)
{
	return c->by_deadline.next != SIP_BLOCK_NONE ? sip_client_at(t, c->by_deadline.next) : NULL;
}

void sip_client_end(struct sip_transactions *t, struct sip_client *c)
{
	struct sip_clients *of = c->of;

	if (c->state != SIP_CLIENT_NEW && c->method == SIP_METHOD_INVITE) {
		sip_client_still(t, c);
		sip_links_remove(&t->pool, &of->invites, c->number, BY_DEADLINE);
	} else if (c->state != SIP_CLIENT_NEW) {
		complete(t, c);
		sip_links_remove(&t->pool, &of->deadlines, c->number, BY_DEADLINE);
		ASSERT(of->open > 0);
		of->open--;
	}
	metric_sub(t->metrics, METRIC_sip_transactions_open, 1);
	sip_chain_give(&t->pool, &c->request);
}

static bool send_again(struct sip_transactions *t, struct sip_client *c, struct out *out)
{
	size_t mark;

	if (c->cancelled) {
		if (!sip_invite_put_cancel(t, c, out))
			return false;
		metric_inc(t->metrics, METRIC_sip_requests_resent);
		return true;
	}
	mark = out_datagram_begin(out, &c->to);
	sip_client_request(t, c, &out->put);
	if (!out_datagram_end(out, mark))
		return false;
	c->sends++;
	metric_inc(t->metrics, METRIC_sip_requests_resent);
	return true;
}

/* Timer A doubles for as long as B lets it, timer E to T2, where it is at once when a provisional
 * response is here (17.1.2.2). */
static uint8_t stage_after(const struct sip_client *c)
{
	if (c->method != SIP_METHOD_INVITE && c->state == SIP_CLIENT_PROCEEDING)
		return SIP_STAGES - 1;
	if (c->method == SIP_METHOD_INVITE && !c->cancelled)
		return c->stage < SIP_INVITE_STAGES - 1 ? c->stage + 1 : c->stage;
	return c->stage < SIP_STAGES - 1 ? c->stage + 1 : c->stage;
}

/* Timers A and E. False: *out is full. */
static bool send_due(struct sip_transactions *t, struct sip_clients *of, struct now now,
		     struct out *out)
{
	for (unsigned stage = 0; stage < SIP_INVITE_STAGES; stage++) {
		while (of->stages[stage].first != SIP_BLOCK_NONE) {
			struct sip_client *c = sip_client_at(t, of->stages[stage].first);

			if (c->resend_us > now.us)
				break;
			if (!send_again(t, c, out))
				return false;
			sip_client_still(t, c);
			sip_client_schedule(t, c, now, stage_after(c));
		}
	}
	return true;
}

struct sip_client *sip_client_tick(struct sip_transactions *t, struct sip_clients *of,
				   struct now now, struct out *out, uint64_t *next)
{
	struct sip_client *oldest, *over;

	*next = UINT64_MAX;
	if (of->invites.first != SIP_BLOCK_NONE) {
		over = sip_invite_over(t, of, now, next);
		if (over != NULL)
			return over;
	}
	if (of->deadlines.first != SIP_BLOCK_NONE) {
		oldest = sip_client_at(t, of->deadlines.first);
		if (oldest->deadline_us <= now.us) {
			complete(t, oldest);
			return oldest;
		}
		if (oldest->deadline_us < *next)
			*next = oldest->deadline_us;
	}
	if (*next == UINT64_MAX)
		return NULL;
	if (!send_due(t, of, now, out)) {
		*next = now.us;
		return NULL;
	}
	for (unsigned stage = 0; stage < SIP_INVITE_STAGES; stage++) {
		uint32_t first = of->stages[stage].first;

		if (first != SIP_BLOCK_NONE && sip_client_at(t, first)->resend_us < *next)
			*next = sip_client_at(t, first)->resend_us;
	}
	return NULL;
}
