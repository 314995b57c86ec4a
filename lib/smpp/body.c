/* The bodies of the PDUs: each parser and builder is the table of the standard, one line a field.
 */
#include "smpp/pdu.h"

/* A body being read: the first fault stays, and with it every later read gives nothing. */
struct fields {
	struct cur       c;
	enum smpp_status fault;
};

static struct fields fields_of(struct cur body)
{
	return (struct fields){.c = body, .fault = SMPP_ROK};
}

static void fields_fail(struct fields *f, enum smpp_status fault)
{
	if (f->fault == SMPP_ROK && !f->c.failed)
		f->fault = fault;
	f->c.failed = true;
	f->c.p = f->c.end;
}

static enum smpp_status fields_end(const struct fields *f)
{
	if (f->fault != SMPP_ROK)
		return f->fault;
	return f->c.failed ? SMPP_RINVCMDLEN : SMPP_ROK;
}

/* A C-octet string of at most max bytes; one that is longer is answered with over, one that the
 * body cuts off with RINVCMDLEN. */
static struct str field_str(struct fields *f, size_t max, enum smpp_status over)
{
	bool       enough = cur_left(&f->c) >= max;
	bool       failed = f->c.failed;
	struct str s = cur_cstr(&f->c, max);

	if (f->c.failed && !failed)
		f->fault = enough ? over : SMPP_RINVCMDLEN;
	return s;
}

/* Filled in place: copied out of a return value, its bytes would have to be read back before they
 * are written. */
static void field_addr(struct fields *f, size_t max, enum smpp_status over, struct smpp_addr *a)
{
	a->ton = cur_u8(&f->c);
	a->npi = cur_u8(&f->c);
	a->text = field_str(f, max, over);
}

/* sm_length and short_message. */
static struct cur field_text(struct fields *f)
{
	uint8_t size = cur_u8(&f->c);

	if (size > SMPP_SHORT_MESSAGE_MAX || size > cur_left(&f->c))
		fields_fail(f, SMPP_RINVMSGLEN);
	return cur_sub(&f->c, f->c.failed ? 0 : size);
}

static struct cur field_rest(struct fields *f)
{
	return cur_sub(&f->c, cur_left(&f->c));
}

enum smpp_status smpp_bind_parse(struct cur body, struct smpp_bind *b)
{
	struct fields f = fields_of(body);

	b->system_id = field_str(&f, SMPP_SYSTEM_ID_MAX, SMPP_RINVSYSID);
	b->password = field_str(&f, SMPP_PASSWORD_MAX, SMPP_RINVPASWD);
	b->system_type = field_str(&f, SMPP_SYSTEM_TYPE_MAX, SMPP_RINVSYSTYP);
	b->interface_version = cur_u8(&f.c);
	b->addr_ton = cur_u8(&f.c);
	b->addr_npi = cur_u8(&f.c);
	b->address_range = field_str(&f, SMPP_ADDRESS_RANGE_MAX, SMPP_RINVPARLEN);
	return fields_end(&f);
}

enum smpp_status smpp_bind_resp_parse(struct cur body, struct smpp_bind_resp *r)
{
	struct fields f = fields_of(body);

	if (cur_left(&body) == 0) {
		*r = (struct smpp_bind_resp){.system_id = STR(""), .tlvs = body};
		return SMPP_ROK;
	}
	r->system_id = field_str(&f, SMPP_SYSTEM_ID_MAX, SMPP_RINVSYSID);
	r->tlvs = field_rest(&f);
	return fields_end(&f);
}

enum smpp_status smpp_outbind_parse(struct cur body, struct smpp_outbind *o)
{
	struct fields f = fields_of(body);

	o->system_id = field_str(&f, SMPP_SYSTEM_ID_MAX, SMPP_RINVSYSID);
	o->password = field_str(&f, SMPP_PASSWORD_MAX, SMPP_RINVPASWD);
	return fields_end(&f);
}

static void parse_after_dest(struct fields *f, struct smpp_sm *sm)
{
	sm->esm_class = cur_u8(&f->c);
	sm->protocol_id = cur_u8(&f->c);
	sm->priority = cur_u8(&f->c);
	sm->schedule = field_str(f, SMPP_TIME_MAX, SMPP_RINVSCHED);
	sm->validity = field_str(f, SMPP_TIME_MAX, SMPP_RINVEXPIRY);
	sm->registered_delivery = cur_u8(&f->c);
	sm->replace_if_present = cur_u8(&f->c);
	sm->data_coding = cur_u8(&f->c);
	sm->sm_default_msg_id = cur_u8(&f->c);
	sm->text = field_text(f);
	sm->tlvs = field_rest(f);
}

enum smpp_status smpp_submit_parse(struct cur body, struct smpp_sm *sm)
{
	struct fields f = fields_of(body);

	sm->service_type = field_str(&f, SMPP_SERVICE_TYPE_MAX, SMPP_RINVSERTYP);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVSRCADR, &sm->source);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVDSTADR, &sm->dest);
	parse_after_dest(&f, sm);
	return fields_end(&f);
}

enum smpp_status smpp_deliver_parse(struct cur body, struct smpp_sm *sm)
{
	return smpp_submit_parse(body, sm);
}

enum smpp_status smpp_data_parse(struct cur body, struct smpp_sm *sm)
{
	struct fields f = fields_of(body);

	*sm = (struct smpp_sm){.schedule = STR(""), .validity = STR("")};
	sm->service_type = field_str(&f, SMPP_SERVICE_TYPE_MAX, SMPP_RINVSERTYP);
	field_addr(&f, SMPP_ADDR_LONG_MAX, SMPP_RINVSRCADR, &sm->source);
	field_addr(&f, SMPP_ADDR_LONG_MAX, SMPP_RINVDSTADR, &sm->dest);
	sm->esm_class = cur_u8(&f.c);
	sm->registered_delivery = cur_u8(&f.c);
	sm->data_coding = cur_u8(&f.c);
	sm->text = cur_sub(&f.c, 0);
	sm->tlvs = field_rest(&f);
	return fields_end(&f);
}

static void parse_dest(struct fields *f, struct smpp_dest *d)
{
	*d = (struct smpp_dest){.flag = cur_u8(&f->c), .addr = {.text = STR("")}};
	switch (d->flag) {
	case SMPP_DEST_SME:
		field_addr(f, SMPP_ADDR_MAX, SMPP_RINVDSTADR, &d->addr);
		break;
	case SMPP_DEST_LIST:
		d->addr.text = field_str(f, SMPP_DL_NAME_MAX, SMPP_RINVDLNAME);
		break;
	default: /* any number may come from the wire */
		fields_fail(f, SMPP_RINVDESTFLAG);
	}
}

enum smpp_status smpp_multi_parse(struct cur body, struct smpp_multi *m)
{
	struct fields    f = fields_of(body);
	struct cur       start;
	struct smpp_dest dest;
	size_t           size;

	m->sm.service_type = field_str(&f, SMPP_SERVICE_TYPE_MAX, SMPP_RINVSERTYP);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVSRCADR, &m->sm.source);
	m->sm.dest = (struct smpp_addr){.text = STR("")};
	m->dest_count = cur_u8(&f.c);
	if (m->dest_count == 0 || m->dest_count > SMPP_MULTI_DESTS_MAX)
		fields_fail(&f, SMPP_RINVNUMDESTS);
	start = f.c;
	for (unsigned i = 0; i < m->dest_count && !f.c.failed; i++)
		parse_dest(&f, &dest);
	size = cur_left(&start) - cur_left(&f.c);
	m->dests = cur_sub(&start, size);
	parse_after_dest(&f, &m->sm);
	return fields_end(&f);
}

bool smpp_dest_next(struct cur *dests, struct smpp_dest *d)
{
	struct fields f = fields_of(*dests);

	if (cur_left(dests) == 0)
		return false;
	parse_dest(&f, d);
	*dests = f.c;
	return fields_end(&f) == SMPP_ROK;
}

static void parse_unsuccess(struct fields *f, struct smpp_unsuccess *u)
{
	field_addr(f, SMPP_ADDR_MAX, SMPP_RINVDSTADR, &u->addr);
	u->status = cur_be32(&f->c);
}

enum smpp_status smpp_multi_resp_parse(struct cur body, struct smpp_multi_resp *r)
{
	struct fields         f = fields_of(body);
	struct cur            start;
	struct smpp_unsuccess u;
	size_t                size;

	r->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	r->unsuccess_count = cur_u8(&f.c);
	start = f.c;
	for (unsigned i = 0; i < r->unsuccess_count && !f.c.failed; i++)
		parse_unsuccess(&f, &u);
	size = cur_left(&start) - cur_left(&f.c);
	r->unsuccess = cur_sub(&start, size);
	return fields_end(&f);
}

bool smpp_unsuccess_next(struct cur *list, struct smpp_unsuccess *u)
{
	struct fields f = fields_of(*list);

	if (cur_left(list) == 0)
		return false;
	parse_unsuccess(&f, u);
	*list = f.c;
	return fields_end(&f) == SMPP_ROK;
}

enum smpp_status smpp_id_resp_parse(struct cur body, struct smpp_id_resp *r)
{
	struct fields f = fields_of(body);
	size_t        left = cur_left(&body);

	*r = (struct smpp_id_resp){.message_id = STR(""), .tlvs = cur_of(body.end, 0)};
	if (left == 0)
		return SMPP_ROK;
	r->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	if (f.fault == SMPP_RINVCMDLEN) {
		r->message_id = (struct str){(const char *)cur_bytes(&body, left), left};
		return SMPP_ROK;
	}
	r->tlvs = field_rest(&f);
	return fields_end(&f);
}

enum smpp_status smpp_query_parse(struct cur body, struct smpp_query *q)
{
	struct fields f = fields_of(body);

	q->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVSRCADR, &q->source);
	return fields_end(&f);
}

enum smpp_status smpp_query_resp_parse(struct cur body, struct smpp_query_resp *r)
{
	struct fields f = fields_of(body);

	r->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	r->final_date = field_str(&f, SMPP_TIME_MAX, SMPP_RINVPARLEN);
	r->message_state = cur_u8(&f.c);
	r->error_code = cur_u8(&f.c);
	return fields_end(&f);
}

enum smpp_status smpp_cancel_parse(struct cur body, struct smpp_cancel *c)
{
	struct fields f = fields_of(body);

	c->service_type = field_str(&f, SMPP_SERVICE_TYPE_MAX, SMPP_RINVSERTYP);
	c->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVSRCADR, &c->source);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVDSTADR, &c->dest);
	return fields_end(&f);
}

enum smpp_status smpp_replace_parse(struct cur body, struct smpp_replace *r)
{
	struct fields f = fields_of(body);

	r->message_id = field_str(&f, SMPP_MESSAGE_ID_MAX, SMPP_RINVMSGID);
	field_addr(&f, SMPP_ADDR_MAX, SMPP_RINVSRCADR, &r->source);
	r->schedule = field_str(&f, SMPP_TIME_MAX, SMPP_RINVSCHED);
	r->validity = field_str(&f, SMPP_TIME_MAX, SMPP_RINVEXPIRY);
	r->registered_delivery = cur_u8(&f.c);
	r->sm_default_msg_id = cur_u8(&f.c);
	r->text = field_text(&f);
	return fields_end(&f);
}

enum smpp_status smpp_alert_parse(struct cur body, struct smpp_alert *a)
{
	struct fields f = fields_of(body);

	field_addr(&f, SMPP_ADDR_LONG_MAX, SMPP_RINVSRCADR, &a->source);
	field_addr(&f, SMPP_ADDR_LONG_MAX, SMPP_RINVDSTADR, &a->esme);
	a->tlvs = field_rest(&f);
	return fields_end(&f);
}

static void put_text(struct put *w, struct str s, size_t max)
{
	if (s.n + 1 > max || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
		w->failed = true;
	else
		put_cstr(w, s);
}

static void put_addr(struct put *w, const struct smpp_addr *a, size_t max)
{
	put_u8(w, a->ton);
	put_u8(w, a->npi);
	put_text(w, a->text, max);
}

/* The bytes that a cursor still has: a value lent by a parser, or built by the caller. */
static void put_cur(struct put *w, struct cur c)
{
	size_t n = cur_left(&c);

	if (n > 0)
		put_bytes(w, cur_bytes(&c, n), n);
}

static void put_short(struct put *w, struct cur text)
{
	if (cur_left(&text) > SMPP_SHORT_MESSAGE_MAX) {
		w->failed = true;
		return;
	}
	put_u8(w, (uint8_t)cur_left(&text));
	put_cur(w, text);
}

void smpp_bind_put(struct put *w, const struct smpp_bind *b)
{
	put_text(w, b->system_id, SMPP_SYSTEM_ID_MAX);
	put_text(w, b->password, SMPP_PASSWORD_MAX);
	put_text(w, b->system_type, SMPP_SYSTEM_TYPE_MAX);
	put_u8(w, b->interface_version);
	put_u8(w, b->addr_ton);
	put_u8(w, b->addr_npi);
	put_text(w, b->address_range, SMPP_ADDRESS_RANGE_MAX);
}

void smpp_bind_resp_put(struct put *w, const struct smpp_bind_resp *r)
{
	put_text(w, r->system_id, SMPP_SYSTEM_ID_MAX);
	put_cur(w, r->tlvs);
}

void smpp_outbind_put(struct put *w, const struct smpp_outbind *o)
{
	put_text(w, o->system_id, SMPP_SYSTEM_ID_MAX);
	put_text(w, o->password, SMPP_PASSWORD_MAX);
}

static void put_after_dest(struct put *w, const struct smpp_sm *sm)
{
	put_u8(w, sm->esm_class);
	put_u8(w, sm->protocol_id);
	put_u8(w, sm->priority);
	put_text(w, sm->schedule, SMPP_TIME_MAX);
	put_text(w, sm->validity, SMPP_TIME_MAX);
	put_u8(w, sm->registered_delivery);
	put_u8(w, sm->replace_if_present);
	put_u8(w, sm->data_coding);
	put_u8(w, sm->sm_default_msg_id);
}

void smpp_sm_head_put(struct put *w, const struct smpp_sm *sm)
{
	put_text(w, sm->service_type, SMPP_SERVICE_TYPE_MAX);
	put_addr(w, &sm->source, SMPP_ADDR_MAX);
	put_addr(w, &sm->dest, SMPP_ADDR_MAX);
	put_after_dest(w, sm);
}

void smpp_sm_put(struct put *w, const struct smpp_sm *sm)
{
	smpp_sm_head_put(w, sm);
	put_short(w, sm->text);
	put_cur(w, sm->tlvs);
}

void smpp_data_put(struct put *w, const struct smpp_sm *sm)
{
	put_text(w, sm->service_type, SMPP_SERVICE_TYPE_MAX);
	put_addr(w, &sm->source, SMPP_ADDR_LONG_MAX);
	put_addr(w, &sm->dest, SMPP_ADDR_LONG_MAX);
	put_u8(w, sm->esm_class);
	put_u8(w, sm->registered_delivery);
	put_u8(w, sm->data_coding);
	put_cur(w, sm->tlvs);
}

void smpp_dest_put(struct put *w, const struct smpp_dest *d)
{
	put_u8(w, d->flag);
	if (d->flag == SMPP_DEST_SME)
		put_addr(w, &d->addr, SMPP_ADDR_MAX);
	else
		put_text(w, d->addr.text, SMPP_DL_NAME_MAX);
}

void smpp_multi_put(struct put *w, const struct smpp_multi *m)
{
	if (m->dest_count == 0 || m->dest_count > SMPP_MULTI_DESTS_MAX)
		w->failed = true;
	put_text(w, m->sm.service_type, SMPP_SERVICE_TYPE_MAX);
	put_addr(w, &m->sm.source, SMPP_ADDR_MAX);
	put_u8(w, m->dest_count);
	put_cur(w, m->dests);
	put_after_dest(w, &m->sm);
	put_short(w, m->sm.text);
	put_cur(w, m->sm.tlvs);
}

void smpp_unsuccess_put(struct put *w, const struct smpp_unsuccess *u)
{
	put_addr(w, &u->addr, SMPP_ADDR_MAX);
	put_be32(w, u->status);
}

void smpp_multi_resp_put(struct put *w, const struct smpp_multi_resp *r)
{
	put_text(w, r->message_id, SMPP_MESSAGE_ID_MAX);
	put_u8(w, r->unsuccess_count);
	put_cur(w, r->unsuccess);
}

void smpp_id_resp_put(struct put *w, const struct smpp_id_resp *r)
{
	put_text(w, r->message_id, SMPP_MESSAGE_ID_MAX);
	put_cur(w, r->tlvs);
}

void smpp_query_put(struct put *w, const struct smpp_query *q)
{
	put_text(w, q->message_id, SMPP_MESSAGE_ID_MAX);
	put_addr(w, &q->source, SMPP_ADDR_MAX);
}

void smpp_query_resp_put(struct put *w, const struct smpp_query_resp *r)
{
	put_text(w, r->message_id, SMPP_MESSAGE_ID_MAX);
	put_text(w, r->final_date, SMPP_TIME_MAX);
	put_u8(w, r->message_state);
	put_u8(w, r->error_code);
}

void smpp_cancel_put(struct put *w, const struct smpp_cancel *c)
{
	put_text(w, c->service_type, SMPP_SERVICE_TYPE_MAX);
	put_text(w, c->message_id, SMPP_MESSAGE_ID_MAX);
	put_addr(w, &c->source, SMPP_ADDR_MAX);
	put_addr(w, &c->dest, SMPP_ADDR_MAX);
}

void smpp_replace_put(struct put *w, const struct smpp_replace *r)
{
	put_text(w, r->message_id, SMPP_MESSAGE_ID_MAX);
	put_addr(w, &r->source, SMPP_ADDR_MAX);
	put_text(w, r->schedule, SMPP_TIME_MAX);
	put_text(w, r->validity, SMPP_TIME_MAX);
	put_u8(w, r->registered_delivery);
	put_u8(w, r->sm_default_msg_id);
	put_short(w, r->text);
}

void smpp_alert_put(struct put *w, const struct smpp_alert *a)
{
	put_addr(w, &a->source, SMPP_ADDR_LONG_MAX);
	put_addr(w, &a->esme, SMPP_ADDR_LONG_MAX);
	put_cur(w, a->tlvs);
}
