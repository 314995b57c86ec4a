#include "sip/msrp_private.h"

bool msrp_is_ahead(const struct msrp_input *in)
{
	return in->st->ahead != 0;
}

void msrp_ahead_begin(struct msrp_input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;
	struct msg         *m;

	if (st->status != 200)
		return;
	if (st->range.first > l->size_max || l->ahead_count == SIP_LARGE_AHEAD_MAX) {
		msrp_refuse(st, st->range.first > l->size_max ? 413 : 400, REASON_MSRP_ORDER);
		return;
	}
	m = msg_new(in->i->messages);
	if (m == NULL) {
		msrp_refuse(st, 408, REASON_POOL);
		return;
	}
	l->ahead[l->ahead_count].first = st->range.first;
	l->ahead[l->ahead_count++].m = m;
	st->ahead = l->ahead_count;
}

void msrp_ahead_append(struct msrp_input *in, struct sip_large *l, struct str bytes)
{
	struct msrp_stream *st = in->st;
	struct msg         *m = l->ahead[st->ahead - 1].m;
	uint64_t            had = l->ahead[st->ahead - 1].first - 1 + m->body.size;
	struct msg_part     part;

	if (had + bytes.n > l->size_max) {
		msrp_refuse(st, 413, REASON_MESSAGE_SIZE);
	} else if (st->range.last < had + bytes.n) {
		msrp_refuse(st, 400, REASON_MSRP_RANGE);
	} else if (!msg_append(m, bytes.p, bytes.n, &part)) {
		msrp_refuse(st, 408, REASON_POOL);
	} else {
		m->body = (struct msg_part){m->body.size > 0 ? m->body.off : part.off,
					    m->body.size + (uint32_t)bytes.n};
		l->progress_us = in->now.us;
	}
}

static uint64_t end_of(const struct sip_large *l, unsigned i)
{
	return l->ahead[i].first - 1 + l->ahead[i].m->body.size;
}

/* Two that have a byte in common, or one behind the end. */
static bool clashes(const struct sip_large *l, unsigned with)
{
	for (unsigned i = 0; i < l->ahead_count; i++) {
		if (i != with && l->ahead[i].first <= end_of(l, with) &&
		    l->ahead[with].first <= end_of(l, i))
			return true;
		if (l->ends_at != 0 && end_of(l, i) > l->ends_at)
			return true;
	}
	return false;
}

void msrp_ahead_end(struct msrp_input *in, struct sip_large *l, bool last)
{
	struct msrp_stream *st = in->st;
	unsigned            i = st->ahead - 1u;
	uint64_t            end = end_of(l, i);

	st->ahead = 0;
	if (st->status != 200)
		return;
	if (last && ((st->range.last != MSRP_UNKNOWN && st->range.last != end) ||
		     (st->range.total != MSRP_UNKNOWN && st->range.total != end))) {
		msrp_refuse(st, 400, REASON_MSRP_RANGE);
		return;
	}
	if (last && l->ends_at == 0)
		l->ends_at = end;
	else if (last)
		msrp_refuse(st, 400, REASON_MSRP_ORDER);
	if (l->ahead[i].m->body.size == 0 || clashes(l, i))
		msrp_refuse(st, 400, REASON_MSRP_ORDER);
}

/* The one that begins where the content ends; its number, or ahead_count. */
static unsigned next(const struct sip_large *l)
{
	unsigned i = 0;

	while (i < l->ahead_count && l->ahead[i].first != (uint64_t)l->m->body.size + 1)
		i++;
	return i;
}

/* Whatever it gave back to the pool is not looked at again. */
static bool follow(struct msrp_input *in, struct sip_large *l, unsigned i)
{
	struct msg     *m = l->ahead[i].m;
	uint8_t        *room = in->i->content;
	const uint8_t  *bytes = msg_view(m, m->body, room);
	uint32_t        had = l->m->body.size, n = m->body.size;
	struct msg_part part;
	bool            good = msg_append(l->m, bytes, n, &part);

	if (good)
		l->m->body = (struct msg_part){had > 0 ? l->m->body.off : part.off, had + n};
	msg_free(m);
	l->ahead[i] = l->ahead[--l->ahead_count];
	return good;
}

bool msrp_ahead_follow(struct msrp_input *in, struct sip_large *l)
{
	struct msrp_stream *st = in->st;

	for (unsigned i; (i = next(l)) < l->ahead_count;) {
		if (!follow(in, l, i)) {
			msrp_refuse(st, 408, REASON_POOL);
			return false;
		}
	}
	for (unsigned i = 0; i < l->ahead_count; i++) {
		if (l->ahead[i].first <= l->m->body.size)
			msrp_refuse(st, 400, REASON_MSRP_ORDER); /* it overlaps what is here */
	}
	return st->status == 200 && l->ends_at != 0 && l->m->body.size == l->ends_at;
}
