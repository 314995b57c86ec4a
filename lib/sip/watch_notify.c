/* NOTIFY of the reg event package (RFC 3680; RFC 6665, 4.1.3): what it says of a user's devices
 * goes into the binding of that user. */
#include "sip/features.h"
#include "sip/reginfo.h"
#include "sip/session_private.h"
#include "sip/watch.h"

#define REGINFO_ROOM 16384u

struct notice {
	bool               told; /* there is a document */
	bool               terminated;
	bool               has_expires;
	uint32_t           expires, retry_after;
	struct str         reason;
	struct sip_reginfo info;
	char               room[REGINFO_ROOM];
};

/* ---- is it one of this subscription, and what does it say ---- */

static struct str token_word(struct str value)
{
	size_t n = 0;

	while (n < value.n && value.p[n] != ';' && value.p[n] != ' ' && value.p[n] != '\t')
		n++;
	return (struct str){value.p, n};
}

static bool state_read(struct str value, struct notice *n)
{
	struct str       word = token_word(value);
	struct cur       rest = sip_cur(str_skip(value, word.n));
	struct str       params = STR("");
	struct sip_param p;

	n->terminated = sip_same(word, STR("terminated"));
	if (word.n == 0 || !sip_params_rest(&rest, &params))
		return false;
	if (sip_param_find(params, STR("expires"), &p))
		n->has_expires = sip_number_parse(p.value, &n->expires);
	if (sip_param_find(params, STR("retry-after"), &p))
		sip_number_parse(p.value, &n->retry_after);
	if (sip_param_find(params, STR("reason"), &p))
		n->reason = p.value;
	return true;
}

static unsigned document_read(const struct sip_input *in, struct notice *n)
{
	struct cur       body = in->m.body;
	struct put       room = put_to(n->room, sizeof(n->room));
	struct sip_media media;
	struct str       type;

	if (cur_left(&body) == 0)
		return 200;
	if (!sip_header_find(&in->m, SIP_CONTENT_TYPE, &type) || !sip_media_parse(type, &media) ||
	    !sip_media_is(&media, STR("application"), STR("reginfo+xml")))
		return 415;
	n->told = true;
	switch (sip_reginfo_parse(body, &room, &n->info)) {
	case SIP_BODY_OK:
		return 200;
	case SIP_BODY_LIMIT:
		return 413;
	default:
		return 400;
	}
}

/* Of this dialog; the first one makes it (RFC 6665, 4.4.1). */
static unsigned dialog_status(const struct sip_input *in, const struct sip_watch *w)
{
	char                 room[SIP_WATCH_TEXT_MAX];
	struct str           way[SIP_WATCH_WAYS];
	struct sip_name_addr remote;

	if (!str_eq(in->known.call_id, (struct str){w->call_id, sizeof(w->call_id)}) || !w->begun)
		return 481;
	if (w->way.size == 0)
		return in->known.from.tag.n > 0 && in->m.first[SIP_CONTACT] != SIP_NO_SLOT ? 200
											   : 400;
	sip_watch_way(w, room, way);
	if (!sip_name_addr_parse(way[SIP_WATCH_REMOTE], &remote) ||
	    !str_eq(remote.tag, in->known.from.tag))
		return 481;
	return in->known.cseq.number > w->sequence_theirs ? 200 : 500;
}

/* 200, or the status that refuses it. */
static unsigned notice_read(const struct sip_input *in, const struct sip_watch *w, struct notice *n)
{
	unsigned   status = dialog_status(in, w);
	struct str value;

	n->told = n->has_expires = false;
	n->retry_after = 0;
	n->reason = STR("");
	if (status != 200)
		return status;
	if (!sip_header_find(&in->m, SIP_EVENT, &value) || !sip_same(token_word(value), STR("reg")))
		return 489;
	if (!sip_header_find(&in->m, SIP_SUBSCRIPTION_STATE, &value) || !state_read(value, n))
		return 400;
	return document_read(in, n);
}

/* ---- what the user's devices take ---- */

static uint64_t name_of(const struct sip_watch *w, const struct sip_reginfo_contact *c)
{
	return hash_sip(&w->session->instance->watch_key, c->id.p, c->id.n);
}

static void contact_set(struct sip_watch *w, const struct sip_reginfo_contact *c)
{
	uint64_t name = name_of(w, c);
	unsigned at = 0;

	while (at < w->contact_count && w->contacts[at].name != name)
		at++;
	if (!c->active) {
		if (at < w->contact_count)
			w->contacts[at] = w->contacts[--w->contact_count];
		return;
	}
	if (at == SIP_WATCH_CONTACTS_MAX)
		return;
	w->contacts[at].name = name;
	w->contacts[at].features = c->features;
	if (at == w->contact_count)
		w->contact_count++;
}

/* Is it about the user, by whichever of its forms? */
static bool is_about(const struct sip_watch *w, struct str aor, struct now now)
{
	const struct sip_map map = sip_session_map(w->session, now);
	char                 room[SIP_WATCH_TEXT_MAX];
	struct str           texts[SIP_WATCH_TEXTS];
	struct sip_uri       uri, user;
	struct sip_address   a, b;

	sip_watch_texts(w, room, texts);
	return sip_uri_parse(aor, &uri) && sip_uri_parse(texts[SIP_WATCH_USER], &user) &&
	       sip_address_of(&map, &uri, &a) && sip_address_of(&map, &user, &b) &&
	       str_eq(sip_address_text(&a), sip_address_text(&b));
}

/* False: it says nothing of the user. */
static bool document_apply(struct sip_watch *w, const struct sip_reginfo *info, struct now now)
{
	bool about = false;

	for (unsigned i = 0; i < info->registration_count; i++) {
		const struct sip_reginfo_registration *g = &info->registrations[i];

		if (!is_about(w, g->aor, now))
			continue;
		if (!about && (info->full || !g->active))
			w->contact_count = 0;
		about = true;
		for (unsigned k = 0; k < g->count && g->active; k++)
			contact_set(w, &info->contacts[g->first + k]);
	}
	return about;
}

/* Its version (RFC 3680, 5.1): an old one is passed over, and after a gap all is asked for. */
static bool is_next(struct sip_watch *w, const struct sip_reginfo *info, struct now now)
{
	if (w->has_version && info->version <= w->version)
		return false;
	if (!info->full && (!w->has_version || info->version > w->version + 1)) {
		w->has_version = false;
		w->due_us = now.us;
		return false;
	}
	w->has_version = true;
	w->version = info->version;
	return true;
}

/* The binding follows: other features, or, where no device is left, none. */
static void binding_follows(struct sip_input *in, struct sip_watch *w)
{
	struct sip_instance       *i = w->session->instance;
	struct proto_registration *r = &i->registration;
	char                       room[SIP_WATCH_TEXT_MAX];
	struct str                 texts[SIP_WATCH_TEXTS];
	uint16_t                   features = PROTO_BINDING_AT_PEER;

	sip_watch_texts(w, room, texts);
	memcpy(i->text, texts[SIP_WATCH_AOR].p, texts[SIP_WATCH_AOR].n);
	for (unsigned k = 0; k < w->contact_count; k++)
		features |= w->contacts[k].features;
	*r = (struct proto_registration){.address = {i->text, texts[SIP_WATCH_AOR].n},
					 .features_alone = w->contact_count > 0,
					 .count = 1,
					 .text = {i->text, 0}};
	r->bindings[0].key = SIP_THIRD_PARTY_KEY;
	r->bindings[0].features = features;
	in->event->kind = EVENT_BINDING;
	in->event->registration = r;
	in->event->token = 0;
	in->event->session = w->session;
}

/* RFC 6665, 4.1.3: who ends it says whether and when to ask again. */
static void on_terminated(struct sip_watch *w, struct now now, const struct notice *n)
{
	uint64_t rest_us = n->retry_after * US_PER_SECOND;

	sip_watch_way_forget(w);
	sip_text_new(w->session->instance, w->call_id);
	w->sequence = w->sequence_theirs = 0;
	if (sip_same(n->reason, STR("rejected")) || sip_same(n->reason, STR("noresource")) ||
	    sip_same(n->reason, STR("invariant"))) {
		sip_watch_end(w);
		return;
	}
	if (sip_same(n->reason, STR("deactivated")) || sip_same(n->reason, STR("timeout")))
		rest_us = 0;
	else if (rest_us == 0)
		rest_us = SIP_WATCH_RETRY_US;
	sip_watch_rest(w, now, rest_us);
}

static void way_begin(const struct sip_input *in, struct sip_watch *w)
{
	char       room[SIP_DIALOG_TEXT_MAX];
	struct str texts[SIP_DIALOG_TEXTS];

	if (w->way.size == 0 && sip_dialog_texts_of(&in->m, STR(""), room, texts) == REASON_NONE)
		sip_watch_way_keep(w, (struct str[SIP_WATCH_WAYS]){texts[SIP_DIALOG_REMOTE],
								   texts[SIP_DIALOG_TARGET],
								   texts[SIP_DIALOG_ROUTE]});
}

/* *in->event says what becomes of the binding. */
static void notified(struct sip_input *in, struct sip_watch *w, const struct notice *n)
{
	metric_inc(w->session->instance->metrics, METRIC_sip_watches_told);
	way_begin(in, w);
	w->sequence_theirs = in->known.cseq.number;
	w->tries = 0;
	if (n->has_expires && !n->terminated)
		sip_watch_granted(w, in->now, n->expires);
	else if (w->ends_us > in->now.us && !w->asking)
		sip_watch_granted(w, in->now,
				  (uint32_t)((w->ends_us - in->now.us) / US_PER_SECOND));
	if (n->told && is_next(w, &n->info, in->now) && document_apply(w, &n->info, in->now) &&
	    sip_watch_holds(w))
		binding_follows(in, w);
	if (n->terminated)
		on_terminated(w, in->now, n);
}

unsigned sip_notify_elsewhere(struct sip_instance *i, struct sip_input *in)
{
	struct sip_watch *w = sip_watch_by_tag(i, in->known.to.tag);
	struct notice     n; /* not zeroed: most of it is a room */
	unsigned          status;

	if (w == NULL)
		return 481;
	in->s = w->session;
	status = notice_read(in, w, &n);
	if (status == 200)
		notified(in, w, &n);
	return status;
}

void sip_on_notify(struct sip_input *in)
{
	const struct sip_incoming request = {&in->m, &in->known, in->from, in->s->datagram};
	struct sip_transactions  *t = &in->s->instance->transactions;
	struct sip_watch         *w = sip_watch_by_tag(in->s->instance, in->known.to.tag);
	struct sip_server        *server;
	struct notice             n; /* not zeroed: most of it is a room */
	unsigned                  status, worker;

	if (sip_server_knows(t, in->now, &request)) {
		sip_begin(in); /* it came again: so does its answer */
		return;
	}
	if (w == NULL && sip_tag_elsewhere(in, &worker)) {
		sip_ask_elsewhere(in, worker);
		return;
	}
	status = w != NULL ? notice_read(in, w, &n) : 481;
	if (status != 200) {
		sip_refuse(in, status, status == 481 ? REASON_SIP_DIALOG : REASON_SIP_CONTENT);
		return;
	}
	server = sip_begin(in);
	if (server == NULL)
		return;
	sip_answer_open(in, server, 200);
	notified(in, w, &n);
}
