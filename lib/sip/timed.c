/* Session timers of dialogs (RFC 4028): what a refresh grants, our own refreshes, and the end of
 * who says nothing any more. Each dialog that has a timer is looked at every LOOK_US; so what is
 * due is done within that, and the list is in order whatever the intervals are. */
#include <assert.h>

#include "sip/session_private.h"
#include "sip/timer.h"

#define LOOK_US (10 * US_PER_SECOND)

/* Of the note of a 200 to UPDATE, with which it is written again. */
#define NOTE_SECONDS 0xffffffu
#define NOTE_UAC 0x1000000u
#define NOTE_CHAT 0x2000000u

static_assert(SIP_TIMER_MAX_S <= NOTE_SECONDS, "an interval fits into the note");

void sip_timed_begin(struct sip_session *s, struct now now, struct sip_dialog *d,
		     const struct sip_timer *timer, enum sip_refresher we)
{
	d->refreshes = timer->refresher == we;
	sip_dialog_time(&s->instance->transactions, &s->dialogs, d, now, timer->seconds);
}

unsigned sip_timed_refresh(const struct sip_input *in, const struct sip_dialog *d,
			   struct sip_timer *timer, enum reason *why)
{
	struct sip_timer_asked asked;

	*why = REASON_SIP_FIELD;
	if (!sip_timer_read(&in->m, &asked))
		return 400;
	*why = REASON_VALIDITY;
	if (!sip_timer_grant(&asked, d->timer_s > 0, timer))
		return 422;
	if (timer->seconds == 0 && d->refreshes)
		*timer = (struct sip_timer){d->timer_s, SIP_REFRESHER_UAS};
	return 200;
}

uint32_t sip_timed_note(const struct sip_timer *timer, bool chat)
{
	return timer->seconds | (timer->refresher == SIP_REFRESHER_UAC ? NOTE_UAC : 0) |
	       (chat ? NOTE_CHAT : 0);
}

void sip_timed_lines(const struct sip_session *s, uint32_t note, struct put *w)
{
	const struct sip_timer timer = {note & NOTE_SECONDS,
					note & NOTE_UAC ? SIP_REFRESHER_UAC : SIP_REFRESHER_UAS};

	sip_our_contact_put(s, (note & NOTE_CHAT) != 0, w);
	sip_supported_put(w);
	sip_timer_put_answer(w, &timer);
}

static void over(struct sip_session *s, struct now now, struct sip_dialog *d)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_large        *l = sip_large_by_token(s->instance, d->large);
	const struct result      r = {.why = l != NULL && l->sends ? REASON_UNKNOWN_OUTCOME
								   : REASON_INACTIVITY,
				      .maybe_sent = l != NULL && l->sends};

	metric_inc(s->instance->metrics, METRIC_sip_sessions_expired);
	sip_dialog_time(t, &s->dialogs, d, now, 0);
	if (l != NULL && !l->over)
		sip_large_over(s->instance, l, &r);
	else if (d->state != SIP_DIALOG_ENDED)
		sip_dialog_move(t, &s->dialogs, d, now, SIP_DIALOG_ENDED);
}

static void put_refresh(const struct sip_session *s, const struct sip_client *c,
			const struct sip_dialog *d, const struct sip_large *l,
			const struct str texts[SIP_DIALOG_TEXTS], struct put *w)
{
	const struct sip_timer timer = {d->timer_s, SIP_REFRESHER_UAC};
	struct sip_sdp_ours    ours;
	char                   room[SIP_DIALOG_TEXT_MAX], body_room[SIP_SDP_SIZE_MAX];
	struct put             body = put_to(body_room, sizeof(body_room));
	struct str             uri, route;

	if (!sip_dialog_way(texts, room, &uri, &route)) {
		w->failed = true;
		return;
	}
	sip_request_head(s, c,
			 &(struct sip_request){d->updates ? STR("UPDATE") : STR("INVITE"), uri,
					       texts[SIP_DIALOG_CALL_ID], SIP_FORWARDS_FIRST, route,
					       d->sequence},
			 w);
	sip_put_header(w, SIP_FROM, texts[SIP_DIALOG_LOCAL]);
	sip_put_header(w, SIP_TO, texts[SIP_DIALOG_REMOTE]);
	sip_our_contact_put(s, l->chat, w);
	sip_timer_put_request(w, &timer, 0);
	if (d->updates) {
		sip_put_body(w, STR(""), "", 0);
		return;
	}
	sip_ours_of(d, l, &ours);
	sip_offer_put(s, l, &ours, NULL, NULL, &body);
	w->failed |= body.failed;
	sip_put_body(w, STR("application/sdp"), body_room, put_size(&body));
}

/* Where there is no room or memory it is tried at the next look. */
static void refresh(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client_how    how =
		sip_request_how(s, d->updates ? SIP_CLIENT_UPDATE : SIP_CLIENT_AGAIN, &d->to);
	struct sip_large  *l = sip_large_by_token(s->instance, d->large);
	struct sip_client *c = l != NULL ? sip_client_new(t, &s->clients) : NULL;
	char               room[SIP_DIALOG_TEXT_MAX];
	struct str         texts[SIP_DIALOG_TEXTS];
	size_t             mark = out_mark(out);

	if (c == NULL)
		return;
	how.token = sip_dialog_token(t, d);
	d->sequence++;
	sip_dialog_texts(t, d, room, texts);
	sip_request_begin(s, &d->to, out);
	put_refresh(s, c, d, l, texts, &out->put);
	if (sip_request_start(s, now, c, &how, out, mark)) {
		d->refreshing = true;
		metric_inc(s->instance->metrics, METRIC_sip_refreshes_out);
		return;
	}
	sip_client_end(t, c);
	out_undo(out, mark);
}

static void look(struct sip_session *s, struct now now, struct sip_dialog *d, struct out *out)
{
	struct sip_transactions *t = &s->instance->transactions;
	uint64_t                 age = now.us - d->refreshed_us;

	if (d->gone || d->state == SIP_DIALOG_ENDED) {
		sip_dialog_time(t, &s->dialogs, d, now, 0);
		return;
	}
	if (age >= sip_timer_patience_us(d->timer_s)) {
		over(s, now, d);
		return;
	}
	if (d->refreshes && !d->refreshing && d->state > SIP_DIALOG_ANSWERED &&
	    age + LOOK_US >= (uint64_t)d->timer_s * US_PER_SECOND / 2)
		refresh(s, now, d, out);
	sip_dialog_looked(t, &s->dialogs, d, now);
}

uint64_t sip_tick_timed(struct sip_session *s, struct now now, struct out *out)
{
	const struct sip_pool *pool = &s->instance->transactions.pool;

	while (s->dialogs.timed.first != SIP_BLOCK_NONE) {
		struct sip_dialog *d =
			(struct sip_dialog *)(void *)sip_pool_at(pool, s->dialogs.timed.first)
				->bytes;

		if (d->looked_us + LOOK_US > now.us)
			return d->looked_us + LOOK_US;
		look(s, now, d, out);
	}
	return UINT64_MAX;
}

/* The 2xx to our INVITE, or to a refresh of ours. */
void sip_timed_agreed(const struct sip_input *in, struct sip_session *s, struct sip_dialog *d)
{
	struct sip_timer_asked said;
	struct sip_timer       timer = {0};

	d->updates = sip_list_has(&in->m, SIP_ALLOW, STR("UPDATE")) || d->updates;
	if (d->texts.size > 0)
		sip_dialog_retarget(&s->instance->transactions, d, &in->m);
	if (sip_timer_read(&in->m, &said) && said.seconds > 0) {
		timer.seconds = said.seconds < SIP_TIMER_MAX_S ? said.seconds : SIP_TIMER_MAX_S;
		timer.refresher =
			said.refresher == SIP_REFRESHER_UAS ? SIP_REFRESHER_UAS : SIP_REFRESHER_UAC;
	}
	sip_timed_begin(s, in->now, d, &timer, SIP_REFRESHER_UAC);
}

void sip_on_refresh_answer(const struct sip_input *in, struct sip_session *s, uint64_t token)
{
	struct sip_dialog     *d = sip_dialog_by_token(&s->instance->transactions, token);
	struct sip_timer_asked said;

	if (d == NULL || d->timer_s == 0)
		return;
	d->refreshing = false;
	if (in->m.status < 300) {
		sip_timed_agreed(in, s, d);
		return;
	}
	switch (in->m.status) {
	case 405:
	case 501:
		d->updates = false; /* the next one is an INVITE */
		return;
	case 422: /* at the next look, as if half of the longer one were over */
		if (sip_timer_read(&in->m, &said) && said.min <= SIP_TIMER_MAX_S)
			d->timer_s = said.min > d->timer_s ? said.min : d->timer_s;
		d->refreshed_us = in->now.us - (uint64_t)d->timer_s * US_PER_SECOND / 2;
		return;
	case 408:
	case 481:
		over(s, in->now, d); /* RFC 3261, 12.2.1.2 */
		return;
	}
}

void sip_on_update_answer(const struct sip_input *in, struct sip_session *s, uint64_t token,
			  bool again)
{
	struct sip_dialog *d = sip_dialog_by_token(&s->instance->transactions, token);

	if (again && d != NULL)
		d->sequence++;
	else if (!again)
		sip_on_refresh_answer(in, s, token);
}

void sip_refresh_lost(struct sip_session *s, struct now now, uint64_t token)
{
	struct sip_dialog *d = sip_dialog_by_token(&s->instance->transactions, token);

	if (d != NULL && d->timer_s > 0)
		over(s, now, d);
}
