/*
 * Short messages over IP in the session (TS 24.341, 5.3.3): 202 says that an RPDU was taken, and
 * what became of it goes back as a request of our own, with In-Reply-To; what becomes of ours comes
 * in the same way.
 */
#include "sip/sms.h"

#include "sip/session_private.h"

#define OPEN_LOOKED_AT 1024u /* requests, for what a report without In-Reply-To is about */
#define NOTE_SMS 2u          /* of a server transaction: it is answered by a report */

struct kept {                     /* with a server transaction; its texts follow */
	uint8_t  type, reference; /* of what is reported on */
	uint8_t  scts[7];
	uint16_t sizes[SIP_BACK_TEXTS];
	uint64_t seen; /* of a SUBMIT: sip_sms_seen_hash(); else 0 */
};

#define KEPT_MAX (sizeof(struct kept) + 4096u)

struct report {
	struct kept head;
	struct str  texts[SIP_BACK_TEXTS];
	char        to[SIP_URI_MAX], self[SIP_URI_MAX];
};

bool sip_is_sms(const struct sip_input *in)
{
	return in->known.media.type.n > 0 && sip_content_known(&in->known.media) == SIP_CONTENT_SMS;
}

bool sip_server_is_sms(const struct sip_server *server)
{
	return server->method == SIP_METHOD_MESSAGE && server->note == NOTE_SMS;
}

/* Its identity, as text: who is believed asserts it. */
static struct str sender_text(const struct sip_input *in, char room[SIP_URI_MAX])
{
	struct put           w = put_to(room, SIP_URI_MAX);
	struct sip_name_addr name = in->known.from, asserted;
	struct sip_list      l;
	struct str           element;

	sip_list_init(&l, &in->m, SIP_P_ASSERTED_IDENTITY);
	while (in->sender.trusted && sip_list_next(&l, &element)) {
		if (!sip_name_addr_parse(element, &asserted))
			continue;
		name = asserted;
		if (name.uri.scheme == SIP_SCHEME_SIP)
			break;
	}
	if (in->sender.proven.n > 0)
		return in->sender.proven;
	if (name.uri.scheme == SIP_SCHEME_SIP || name.uri.scheme == SIP_SCHEME_SIPS) {
		sip_uri_aor_put(&w, &name.uri);
	} else {
		put_str(&w, name.uri.scheme_text);
		put_u8(&w, ':');
		put_str(&w, name.uri.opaque);
	}
	return (struct str){room, w.failed ? 0 : put_size(&w)};
}

/* The contact of a device that is registered from there; else its identity, for whoever is there to
 * send on. */
static void find_contact(const struct sip_input *in, struct report *r)
{
	const struct proto_services *services = in->s->instance->services;
	const struct proto_record   *record = services->record(
		  services->context, in->s->instance->protocol, r->texts[SIP_BACK_TO]);

	r->texts[SIP_BACK_URI] = r->texts[SIP_BACK_TO];
	r->texts[SIP_BACK_ROUTE] = STR("");
	for (uint32_t i = 0; record != NULL && i < record->count; i++) {
		const struct proto_binding *b = &record->bindings[i];

		if (!flow_eq(&b->flow, in->from) &&
		    !((b->features & PROTO_BINDING_AT_PEER) && in->sender.trusted))
			continue;
		r->texts[SIP_BACK_URI] = proto_binding_text(record, b, BINDING_CONTACT);
		r->texts[SIP_BACK_ROUTE] = proto_binding_text(record, b, BINDING_PATH);
	}
}

/* As whom we are known to it: the service centre that it has asked. */
static struct str self_text(const struct sip_input *in, char room[SIP_URI_MAX])
{
	struct put w = put_to(room, SIP_URI_MAX);

	if (in->known.uri.scheme == SIP_SCHEME_SIP || in->known.uri.scheme == SIP_SCHEME_SIPS) {
		sip_uri_aor_put(&w, &in->known.uri);
	} else {
		put_str(&w, STR("sip:"));
		sip_host_text_put(&w, sip_session_domain(in->s));
	}
	return (struct str){room, w.failed ? 0 : put_size(&w)};
}

static void report_init(const struct sip_input *in, const struct sip_rp *rp, struct report *r)
{
	r->head.type = (uint8_t)rp->type;
	r->head.reference = rp->reference;
	sip_tpdu_time_of(in->now.wall_ms, r->head.scts);
	r->texts[SIP_BACK_TO] = sender_text(in, r->to);
	r->texts[SIP_BACK_SELF] = self_text(in, r->self);
	r->texts[SIP_BACK_CALL_ID] = in->known.call_id;
	find_contact(in, r);
}

static void report_send(struct sip_session *s, struct now now, const struct flow *to,
			const struct report *r, const struct sip_rp_report *says, struct out *out)
{
	struct metrics *metrics = s->instance->metrics;
	uint8_t         bytes[64];
	struct put      rpdu = put_to(bytes, sizeof(bytes));

	if (says->cause != 0)
		metric_inc(metrics, METRIC_sip_sms_refused);
	sip_rp_report_put(&rpdu, (enum sip_rp_type)r->head.type, r->head.reference, says,
			  r->head.scts);
	ASSERT(!rpdu.failed);
	if (!sip_request_report(s, now, to, r->texts,
				(struct str){(const char *)bytes, put_size(&rpdu)}, out))
		metric_inc(metrics, METRIC_sip_sms_reports_lost);
}

static bool report_keep(struct sip_input *in, struct sip_server *server, struct report *r)
{
	char       room[KEPT_MAX];
	struct put w = put_to(room, sizeof(room));

	for (unsigned i = 0; i < SIP_BACK_TEXTS; i++)
		r->head.sizes[i] = (uint16_t)r->texts[i].n;
	put_bytes(&w, &r->head, sizeof(r->head));
	for (unsigned i = 0; i < SIP_BACK_TEXTS; i++)
		put_str(&w, r->texts[i]);
	return !w.failed &&
	       sip_server_keep(&in->s->instance->transactions, server, room, put_size(&w));
}

/* 202 now, and at once what became of it. */
static void settle(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp,
		   const struct sip_rp_report *says)
{
	const struct flow to = server->to;
	struct report     r;

	report_init(in, rp, &r);
	sip_answer_open(in, server, 202);
	report_send(in->s, in->now, &to, &r, says, in->out);
}

static void refuse(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp,
		   const struct sip_rp_report *says, enum reason why)
{
	metric_refused(in->s->instance->metrics, why);
	settle(in, server, rp, says);
}

/* A SUBMIT that is here already: its answer comes again, or is still to come. */
static bool came_before(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp,
			const struct sip_tpdu *t, struct report *r)
{
	const struct sip_sms_seen  *seen = &in->s->instance->sms_seen;
	const struct sip_rp_report  taken = {0, 0};
	const struct sip_sms_known *known;
	struct cur                  tpdu = rp->user_data;
	size_t                      n = cur_left(&tpdu);
	const struct flow           to = server->to;

	r->head.seen = 0;
	if (t->type != SIP_TPDU_SUBMIT)
		return false;
	r->head.seen = sip_sms_seen_hash(seen, r->texts[SIP_BACK_TO],
					 (struct str){(const char *)cur_bytes(&tpdu, n), n});
	known = sip_sms_seen_find(seen, in->now, r->head.seen, rp->reference, t->reject_duplicates);
	if (known == NULL)
		return false;
	metric_inc(in->s->instance->metrics, METRIC_sip_sms_again);
	memcpy(r->head.scts, known->scts, sizeof(r->head.scts));
	sip_answer_open(in, server, 202);
	if (known->taken)
		report_send(in->s, in->now, &to, r, &taken, in->out);
	return true;
}

/* RP-DATA whose TPDU is one that is taken. */
static void on_message(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp,
		       const struct sip_tpdu *t)
{
	struct sip_session  *s = in->s;
	const struct sip_map map = sip_session_map(s, in->now);
	struct sip_rp_report says;
	struct report        r;
	enum reason          why;

	if (in->event->msg == NULL) {
		sip_refuse_open(in, server, 503, REASON_POOL);
		return;
	}
	report_init(in, rp, &r);
	if (came_before(in, server, rp, t, &r))
		return;
	if (t->type == SIP_TPDU_STATUS_REPORT)
		why = sip_sms_status_in(&map, &in->m, &in->known, &in->sender, t, in->event->msg);
	else
		why = sip_sms_in(&map, &in->m, &in->known, &in->sender, t, r.head.scts,
				 in->event->msg);
	if (why == REASON_NONE && !report_keep(in, server, &r))
		why = REASON_POOL;
	if (why != REASON_NONE) {
		msg_reset(in->event->msg);
		says = sip_rp_report_of(why);
		if (why == REASON_SENDER)
			sip_refuse_open(in, server, 403, why);
		else
			refuse(in, server, rp, &says, why);
		return;
	}
	server->note = NOTE_SMS;
	metric_inc(s->instance->metrics, METRIC_sip_sms_in);
	if (r.head.seen != 0)
		sip_sms_seen_add(&s->instance->sms_seen, in->now, r.head.seen, rp->reference,
				 r.head.scts);
	in->event->msg->token = sip_server_token(&s->instance->transactions, server);
	in->event->kind = EVENT_MSG;
	in->event->peer = in->peer;
	sip_say_open(in, server, 202);
}

/* The number of another service centre, or of somebody. */
static bool not_centre(const struct sip_input *in, const struct sip_rp *rp)
{
	const struct sip_map map = sip_session_map(in->s, in->now);
	struct str           ours = str_of(in->s->settings.service_centre);
	struct sip_address   asked;

	return ours.n > 0 && rp->type == SIP_RP_DATA_MS &&
	       sip_address_of(&map, &in->known.uri, &asked) &&
	       (asked.kind == ADDR_E164 || asked.kind == ADDR_SHORT) &&
	       !str_eq(sip_address_text(&asked), ours);
}

static void on_data(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp)
{
	struct sip_tpdu      t;
	enum sip_body        fault = sip_tpdu_parse(rp->user_data, rp->type, &t);
	struct sip_rp_report says;

	if (!(in->s->may & PROTO_SENDS)) {
		sip_refuse_open(in, server, 403, REASON_BIND_STATE);
		return;
	}
	if (not_centre(in, rp)) {
		sip_refuse_open(in, server, 404, REASON_DESTINATION);
		return;
	}
	if (fault == SIP_BODY_OK && t.type != SIP_TPDU_SUBMIT && t.type != SIP_TPDU_DELIVER &&
	    t.type != SIP_TPDU_STATUS_REPORT)
		fault = SIP_BODY_UNSUPPORTED;
	if (fault == SIP_BODY_OK) {
		on_message(in, server, rp, &t);
		return;
	}
	says = sip_rp_report_of_tpdu(fault, t.type);
	refuse(in, server, rp, &says, REASON_SIP_CONTENT);
}

/* A device that does not say what it reports on: the one that is open to it with that reference, if
 * there is one alone. Behind a peer are many devices: none. */
static struct sip_client *only_open(struct sip_instance *i, const struct sip_input *in,
				    const struct sip_rp *rp)
{
	struct sip_client *found = NULL, *c = sip_client_oldest(&i->transactions, &in->s->clients);

	for (unsigned n = 0; c != NULL && in->peer == MSG_SLOT_NONE; n++) {
		if (n == OPEN_LOOKED_AT)
			return NULL;
		if (c->kind == SIP_CLIENT_MESSAGE && (c->note & SIP_NOTE_SMS) &&
		    c->note >> SIP_NOTE_VALUE_SHIFT == rp->reference &&
		    (!in->s->datagram || flow_eq(&c->to, in->from))) {
			if (found != NULL)
				return NULL;
			found = c;
		}
		c = sip_client_later(&i->transactions, c);
	}
	return found;
}

/* Ours that it reports on; NULL: none that is open. */
static struct sip_client *reported(struct sip_instance *i, const struct sip_input *in,
				   const struct sip_rp *rp)
{
	struct sip_client *c;
	struct str         id;

	if (!sip_header_find(&in->m, SIP_IN_REPLY_TO, &id))
		return in->s != NULL ? only_open(i, in, rp) : NULL;
	c = sip_client_named(&i->transactions, id);
	return c != NULL && c->kind == SIP_CLIENT_MESSAGE && (c->note & SIP_NOTE_SMS) &&
			       c->note >> SIP_NOTE_VALUE_SHIFT == rp->reference
		       ? c
		       : NULL;
}

static enum reason reason_of(const struct sip_rp *rp)
{
	struct sip_tpdu t;
	bool            tells = rp->has_user_data &&
		     sip_tpdu_parse(rp->user_data, rp->type, &t) == SIP_BODY_OK && t.failed;

	return sip_reason_of_rp(rp->cause, tells ? t.fcs : 0);
}

/* RP-ACK or RP-ERROR: the result of a submission. */
static void settle_reported(struct sip_input *in, struct sip_client *c, const struct sip_rp *rp)
{
	bool                 error = rp->type == SIP_RP_ERROR_MS || rp->type == SIP_RP_ERROR_N;
	struct sip_session  *s = c->of->session;
	struct sip_instance *i = s->instance;

	s->message_us = in->now.us;
	if (!error && sip_parts_acknowledged(s, c->rest)) {
		sip_client_end(&i->transactions, c);
		i->services->wake(i->services->context, s);
		return;
	}
	in->event->kind = EVENT_RESULT;
	in->event->token = c->token;
	in->event->result = (struct result){
		.why = (uint8_t)(error ? reason_of(rp) : REASON_NONE),
		.delivered = !error,
		.short_message = !error,
	};
	in->event->session = s;
	sip_client_end_all(s, c);
}

static void on_report(struct sip_input *in, struct sip_server *server, const struct sip_rp *rp)
{
	struct sip_instance *i = in->s->instance;
	struct sip_client   *c = reported(i, in, rp);
	unsigned             worker;

	sip_answer_open(in, server, 202);
	if (c != NULL)
		settle_reported(in, c, rp);
	else if (!sip_reply_elsewhere(in, &worker) || !sip_hand_over(in, worker, 0))
		metric_inc(i->metrics, METRIC_sip_sms_reports_stray);
}

void sip_on_report_elsewhere(struct sip_instance *i, struct sip_input *in)
{
	struct sip_rp      rp;
	struct sip_client *c =
		sip_rp_parse(in->m.body, &rp) == SIP_BODY_OK ? reported(i, in, &rp) : NULL;

	if (c != NULL)
		settle_reported(in, c, &rp);
	else
		metric_inc(i->metrics, METRIC_sip_sms_reports_stray);
}

static bool is_report(const struct sip_rp *rp)
{
	return rp->type == SIP_RP_ACK_MS || rp->type == SIP_RP_ACK_N ||
	       rp->type == SIP_RP_ERROR_MS || rp->type == SIP_RP_ERROR_N;
}

static bool transfer_taken(const struct sip_message *m)
{
	struct str value;

	return !sip_header_find(m, SIP_CONTENT_TRANSFER_ENCODING, &value) ||
	       sip_same(value, STR("binary")) || sip_same(value, STR("8bit"));
}

void sip_on_sms(struct sip_input *in, struct sip_server *server)
{
	struct sip_rp        rp;
	enum sip_body        fault = sip_rp_parse(in->m.body, &rp);
	struct sip_rp_report says = sip_rp_report_of_fault(fault);
	struct cur           body = in->m.body;

	if (!transfer_taken(&in->m)) {
		sip_refuse_open(in, server, 415, REASON_CODING);
	} else if (fault != SIP_BODY_OK && (cur_left(&body) < 2 || is_report(&rp))) {
		sip_refuse_open(in, server, 400, REASON_SIP_CONTENT);
	} else if (fault != SIP_BODY_OK) {
		refuse(in, server, &rp, &says, REASON_SIP_CONTENT);
	} else if (is_report(&rp)) {
		on_report(in, server, &rp);
	} else if (rp.type == SIP_RP_SMMA_MS) {
		metric_inc(in->s->instance->metrics, METRIC_sip_sms_memory_available);
		settle(in, server, &rp, &says);
	} else {
		on_data(in, server, &rp);
	}
}

void sip_answer_sms(struct sip_session *s, struct now now, struct sip_server *server,
		    const struct result *r, struct out *out)
{
	struct sip_transactions   *t = &s->instance->transactions;
	const struct sip_rp_report says = sip_rp_report_of((enum reason)r->why);
	const struct flow          to = server->to;
	char                       room[KEPT_MAX];
	struct put                 kept = put_to(room, sizeof(room));
	const char                *at = room + sizeof(struct kept);
	struct report              report;

	sip_server_kept(t, server, &kept);
	ASSERT(!kept.failed);
	sip_server_end(t, server); /* its memory will do for the report */
	memcpy(&report.head, room, sizeof(report.head));
	for (unsigned i = 0; i < SIP_BACK_TEXTS; i++) {
		report.texts[i] = (struct str){at, report.head.sizes[i]};
		at += report.head.sizes[i];
	}
	if (report.head.seen != 0)
		sip_sms_seen_end(&s->instance->sms_seen, report.head.seen, report.head.reference,
				 says.cause == 0);
	report_send(s, now, &to, &report, &says, out);
}
