/*
 * A second opinion: libsmpp34 reads and writes the PDUs that we read and write. Where it departs
 * from the standard, the table of layouts says so and the test expects it.
 */
#include "test.h"

#include <stdio.h>

#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
#include <libsmpp34/smpp34_params.h>

#include "base/random.h"
#include "smpp/pdu.h"

#define PDUS 10000u
#define ROOM 8192u
#define LIST_MAX 4u /* of destinations in what libsmpp34 is asked */
#define TLV_MAX                                                                                    \
	1024u /* the most that libsmpp34 has room for in one optional parameter; the standard:     \
		 65,535 */

enum kind {
	STRING = 1,  /* C-octet string of at most .max bytes, its NUL counted */
	LONG_SOURCE, /* of 65 by the standard (4.7.1), where libsmpp34 stops at 21 */
	EMPTY, /* of 1 by the standard; we let peers fill it (deliver_sm's times and its response's
		  message_id), libsmpp34 does not */
	UNREAD_TLVS, /* optional parameters that the standard allows (4.7.2) and libsmpp34 does not
			expect */
	TON,
	NPI,
	BYTE,
	VERSION,
	TEXT,
	TLVS,
	DESTS,
	UNSUCCESS,
};

struct field {
	uint8_t kind, max;
};

#define ADDRESS                                                                                    \
	{TON, 0}, {NPI, 0},                                                                        \
	{                                                                                          \
		STRING, 21                                                                         \
	}
#define FLAGS_BEFORE                                                                               \
	{BYTE, 0}, {BYTE, 0},                                                                      \
	{                                                                                          \
		BYTE, 0                                                                            \
	}
#define FLAGS_AFTER                                                                                \
	{BYTE, 0}, {BYTE, 0}, {BYTE, 0},                                                           \
	{                                                                                          \
		BYTE, 0                                                                            \
	}
#define BIND                                                                                       \
	{STRING, 16}, {STRING, 9}, {STRING, 13}, {VERSION, 0}, {TON, 0}, {NPI, 0},                 \
	{                                                                                          \
		STRING, 41                                                                         \
	}

static const struct layout {
	uint32_t     command;
	struct field fields[20];
} layouts[] = {
	{SMPP_bind_receiver, {BIND}},
	{SMPP_bind_transmitter, {BIND}},
	{SMPP_bind_transceiver, {BIND}},
	{SMPP_bind_receiver_resp, {{STRING, 16}, {TLVS, 0}}},
	{SMPP_bind_transmitter_resp, {{STRING, 16}, {TLVS, 0}}},
	{SMPP_bind_transceiver_resp, {{STRING, 16}, {TLVS, 0}}},
	{SMPP_outbind, {{STRING, 16}, {STRING, 9}}},
	{SMPP_unbind, {{0}}},
	{SMPP_unbind_resp, {{0}}},
	{SMPP_enquire_link, {{0}}},
	{SMPP_enquire_link_resp, {{0}}},
	{SMPP_generic_nack, {{0}}},
	{SMPP_submit_sm,
	 {{STRING, 6},
	  ADDRESS,
	  ADDRESS,
	  FLAGS_BEFORE,
	  {STRING, 17},
	  {STRING, 17},
	  FLAGS_AFTER,
	  {TEXT, 0},
	  {TLVS, 0}}},
	{SMPP_submit_sm_resp, {{STRING, 65}}},
	{SMPP_deliver_sm,
	 {{STRING, 6},
	  ADDRESS,
	  ADDRESS,
	  FLAGS_BEFORE,
	  {EMPTY, 17},
	  {EMPTY, 17},
	  FLAGS_AFTER,
	  {TEXT, 0},
	  {TLVS, 0}}},
	{SMPP_deliver_sm_resp, {{EMPTY, 65}}},
	{SMPP_data_sm,
	 {{STRING, 6},
	  {TON, 0},
	  {NPI, 0},
	  {LONG_SOURCE, 65},
	  {TON, 0},
	  {NPI, 0},
	  {STRING, 65},
	  {BYTE, 0},
	  {BYTE, 0},
	  {BYTE, 0},
	  {TLVS, 0}}},
	{SMPP_data_sm_resp, {{STRING, 65}, {UNREAD_TLVS, 0}}},
	{SMPP_submit_multi,
	 {{STRING, 6},
	  ADDRESS,
	  {DESTS, 0},
	  FLAGS_BEFORE,
	  {STRING, 17},
	  {STRING, 17},
	  FLAGS_AFTER,
	  {TEXT, 0},
	  {TLVS, 0}}},
	{SMPP_submit_multi_resp, {{STRING, 65}, {UNSUCCESS, 0}}},
	{SMPP_query_sm, {{STRING, 65}, ADDRESS}},
	{SMPP_query_sm_resp, {{STRING, 65}, {STRING, 17}, {BYTE, 0}, {BYTE, 0}}},
	{SMPP_cancel_sm, {{STRING, 6}, {STRING, 65}, ADDRESS, ADDRESS}},
	{SMPP_cancel_sm_resp, {{0}}},
	{SMPP_replace_sm,
	 {{STRING, 65}, ADDRESS, {STRING, 17}, {STRING, 17}, {BYTE, 0}, {BYTE, 0}, {TEXT, 0}}},
	{SMPP_replace_sm_resp, {{0}}},
	{SMPP_alert_notification,
	 {{TON, 0}, {NPI, 0}, {STRING, 65}, {TON, 0}, {NPI, 0}, {STRING, 65}, {TLVS, 0}}},
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

static const struct tag {
	uint16_t tag, min, max;
} tags[] = {
#define SMPP_TLV(name, number, fewest, most) {number, fewest, most},
#include "smpp/tlvs.def"
#undef SMPP_TLV
};

#define TAGS (sizeof(tags) / sizeof(tags[0]))

union theirs { /* every struct of libsmpp34, and room for it to be wrong in */
	bind_transmitter_t      bind;
	bind_transmitter_resp_t bind_resp;
	outbind_t               outbind;
	submit_sm_t             submit;
	submit_sm_resp_t        submit_resp;
	deliver_sm_t            deliver;
	data_sm_t               data;
	data_sm_resp_t          data_resp;
	submit_multi_t          multi;
	submit_multi_resp_t     multi_resp;
	query_sm_t              query;
	query_sm_resp_t         query_resp;
	cancel_sm_t             cancel;
	replace_sm_t            replace;
	alert_notification_t    alert;
	uint8_t                 room[4096];
};

struct made { /* a PDU and what is to be expected of it */
	uint8_t  bytes[ROOM];
	size_t   size;
	uint32_t command;
	bool     ours, theirs; /* is to be accepted */
	bool     ask_theirs;   /* its log of 2,048 bytes overflows on a long list of destinations */
	bool     theirs_writes; /* what it has read: not a text of 254 bytes, the maximum of the
				   standard (5.2.21) */
};

static uint64_t seen_tags[TAGS];

static void make_string(struct random *r, struct put *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_u8(w, (uint8_t)('0' + random_below(r, 75)));
	put_u8(w, 0);
}

/* A length at the lower end, the upper end, between, or one over. */
static size_t pick_size(struct random *r, size_t most, bool over)
{
	switch (over ? 3 : random_below(r, 3)) {
	case 0:
		return 0;
	case 1:
		return most;
	case 2:
		return random_below(r, (uint32_t)most + 1);
	default:
		return most + 1;
	}
}

static void make_tlvs(struct random *r, struct put *w)
{
	unsigned n = random_below(r, 4);

	while (n-- > 0) {
		unsigned          at = random_below(r, TAGS);
		const struct tag *t = &tags[at];
		size_t            most = t->max < TLV_MAX ? t->max : TLV_MAX;
		size_t            size = t->min + pick_size(r, most - t->min, false);

		/* libsmpp34 forgets the value of alert_on_message_delivery, for which 5.0 allows
		 * one byte, and of an empty parameter. */
		if (t->max == 1 && t->min == 0)
			size = 0;
		/* It knows ms_validity of 3.4 only: one byte. */
		if (t->tag == SMPP_TLV_ms_validity)
			size = 1;
		seen_tags[at]++;
		put_be16(w, t->tag);
		put_be16(w, (uint16_t)size);
		for (size_t i = 0; i < size; i++)
			put_u8(w, (uint8_t)random_next(r));
	}
}

static void make_dests(struct random *r, struct put *w, struct made *m, bool over)
{
	unsigned n = over                      ? (random_below(r, 2) ? 0 : 255)
		     : random_below(r, 4) == 0 ? SMPP_MULTI_DESTS_MAX
					       : 1 + random_below(r, LIST_MAX);

	put_u8(w, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		if (random_below(r, 2)) {
			put_bytes(w, "\1\1\1", 3);
			make_string(r, w, pick_size(r, 20, false));
		} else {
			put_u8(w, 2);
			make_string(r, w, pick_size(r, 20, false));
		}
	}
	m->ask_theirs =
		m->ask_theirs && n <= LIST_MAX && !over; /* nor does it mind a list of none */
	if (over)
		m->ours = false;
}

static void make_unsuccess(struct random *r, struct put *w, struct made *m)
{
	unsigned n = random_below(r, 4) == 0 ? 255 : random_below(r, LIST_MAX + 1);

	put_u8(w, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		put_bytes(w, "\1\1", 2);
		make_string(r, w, pick_size(r, 20, false));
		put_be32(w, SMPP_RINVDSTADR);
	}
	m->ask_theirs = m->ask_theirs && n <= LIST_MAX;
}

static void make_field(struct random *r, struct put *w, const struct field *f, struct made *m,
		       bool over)
{
	static const uint8_t npis[] = {0, 1, 3, 4, 6, 8, 9, 10, 14, 18};
	size_t               n;

	switch ((enum kind)f->kind) {
	case STRING:
		n = pick_size(r, f->max - 1u, over);
		make_string(r, w, n);
		m->ours = m->ours && !over;
		m->theirs = m->theirs && !over;
		break;
	case LONG_SOURCE:
		n = pick_size(r, f->max - 1u, over);
		make_string(r, w, n);
		m->ours = m->ours && !over;
		m->theirs = m->theirs && n <= 20;
		break;
	case EMPTY:
		n = over ? 1 : 0;
		make_string(r, w, n);
		m->theirs = m->theirs && !over;
		break;
	case TON:
		put_u8(w, (uint8_t)random_below(r, 7));
		break;
	case NPI:
		put_u8(w, npis[random_below(r, sizeof(npis))]);
		break;
	case BYTE:
		put_u8(w, (uint8_t)random_next(r));
		break;
	case VERSION:
		put_u8(w, SMPP_VERSION);
		break;
	case TEXT:
		n = pick_size(r, 254, over);
		put_u8(w, (uint8_t)n);
		for (size_t i = 0; i < n; i++)
			put_u8(w, (uint8_t)random_next(r));
		m->theirs_writes = m->theirs_writes && n < SMPP_SHORT_MESSAGE_MAX;
		m->ours = m->ours && !over;
		m->theirs = m->theirs && !over;
		break;
	case TLVS:
		make_tlvs(r, w);
		break;
	case UNREAD_TLVS:
		n = put_size(w);
		make_tlvs(r, w);
		m->theirs = m->theirs && put_size(w) == n;
		break;
	case DESTS:
		make_dests(r, w, m, over);
		break;
	case UNSUCCESS:
		make_unsuccess(r, w, m);
		break;
	}
}

static void make_pdu(struct random *r, const struct layout *l, struct made *m)
{
	struct put w = put_to(m->bytes, ROOM);
	size_t     mark;
	unsigned   n = 0, over;

	while (n < 20 && l->fields[n].kind != 0)
		n++;
	over = n > 0 && random_below(r, 2) ? random_below(r, n) : n;
	*m = (struct made){.command = l->command,
			   .ours = true,
			   .theirs = true,
			   .ask_theirs = true,
			   .theirs_writes = true};
	mark = smpp_pdu_begin(&w, l->command, 0, 1 + random_below(r, 0x7ffffffe));
	for (unsigned i = 0; i < n; i++)
		make_field(r, &w, &l->fields[i], m, i == over);
	assert_true(smpp_pdu_end(&w, mark));
	m->size = put_size(&w);
}

/* Our reading, written again; and, where libsmpp34 has read it too, its fields beside ours. */
static enum smpp_status read_and_write(const struct smpp_pdu *pdu, struct put *w,
				       const union theirs *t);

static void same_string(struct str ours, const uint8_t *theirs)
{
	assert_int_equal(ours.n, strlen((const char *)theirs));
	assert_memory_equal(ours.p, theirs, ours.n);
}

static void same_address(const struct smpp_addr *ours, uint8_t ton, uint8_t npi,
			 const uint8_t *theirs)
{
	assert_int_equal(ours->ton, ton);
	assert_int_equal(ours->npi, npi);
	same_string(ours->text, theirs);
}

/* libsmpp34 puts what it reads at the head of its list: the last parameter, and the last
 * destination, comes first. */
static void same_tlvs(struct cur ours, const tlv_t *theirs)
{
	struct smpp_tlv list[8];
	unsigned        n = 0;

	while (smpp_tlv_next(&ours, &list[n]))
		n++;
	assert_false(ours.failed);
	for (; n > 0; n--, theirs = theirs->next) {
		assert_non_null(theirs);
		assert_int_equal(list[n - 1].tag, theirs->tag);
		assert_int_equal(list[n - 1].size, theirs->length);
		if (list[n - 1].size > 4)
			assert_memory_equal(list[n - 1].value.p, theirs->value.octet,
					    list[n - 1].size);
	}
	assert_null(theirs);
}

static void same_text(struct cur ours, uint8_t size, const uint8_t *theirs)
{
	assert_int_equal(cur_left(&ours), size);
	assert_memory_equal(cur_bytes(&ours, size), theirs, size);
}

#define SAME_ADDRESS(ours, theirs, name)                                                           \
	same_address(&(ours), (theirs)->name##_addr_ton, (theirs)->name##_addr_npi,                \
		     (theirs)->name##_addr)
#define SAME_DEST(ours, theirs)                                                                    \
	same_address(&(ours), (theirs)->dest_addr_ton, (theirs)->dest_addr_npi,                    \
		     (theirs)->destination_addr)

static enum smpp_status bind_both(const struct smpp_pdu *pdu, struct put *w,
				  const bind_transmitter_t *t)
{
	struct smpp_bind b;
	enum smpp_status status = smpp_bind_parse(pdu->body, &b);

	if (status == SMPP_ROK)
		smpp_bind_put(w, &b);
	if (status == SMPP_ROK && t != NULL) {
		same_string(b.system_id, t->system_id);
		same_string(b.password, t->password);
		same_string(b.system_type, t->system_type);
		assert_int_equal(b.interface_version, t->interface_version);
		assert_int_equal(b.addr_ton, t->addr_ton);
		assert_int_equal(b.addr_npi, t->addr_npi);
		same_string(b.address_range, t->address_range);
	}
	return status;
}

static enum smpp_status bind_resp_both(const struct smpp_pdu *pdu, struct put *w,
				       const bind_transmitter_resp_t *t)
{
	struct smpp_bind_resp r;
	enum smpp_status      status = smpp_bind_resp_parse(pdu->body, &r);

	if (status == SMPP_ROK)
		smpp_bind_resp_put(w, &r);
	if (status == SMPP_ROK && t != NULL) {
		same_string(r.system_id, t->system_id);
		same_tlvs(r.tlvs, t->tlv);
	}
	return status;
}

/* deliver_sm_t has the fields of submit_sm_t with two shorter arrays, so each has its own list. */
#define SAME_SM(sm, t)                                                                             \
	do {                                                                                       \
		same_string((sm).service_type, (t)->service_type);                                 \
		SAME_ADDRESS((sm).source, t, source);                                              \
		SAME_DEST((sm).dest, t);                                                           \
		assert_int_equal((sm).esm_class, (t)->esm_class);                                  \
		assert_int_equal((sm).protocol_id, (t)->protocol_id);                              \
		assert_int_equal((sm).priority, (t)->priority_flag);                               \
		same_string((sm).schedule, (t)->schedule_delivery_time);                           \
		same_string((sm).validity, (t)->validity_period);                                  \
		assert_int_equal((sm).registered_delivery, (t)->registered_delivery);              \
		assert_int_equal((sm).replace_if_present, (t)->replace_if_present_flag);           \
		assert_int_equal((sm).data_coding, (t)->data_coding);                              \
		assert_int_equal((sm).sm_default_msg_id, (t)->sm_default_msg_id);                  \
		same_text((sm).text, (t)->sm_length, (t)->short_message);                          \
		same_tlvs((sm).tlvs, (t)->tlv);                                                    \
	} while (0)

static enum smpp_status sm_both(const struct smpp_pdu *pdu, struct put *w, const union theirs *t)
{
	struct smpp_sm   sm;
	bool             deliver = pdu->command == SMPP_deliver_sm;
	enum smpp_status status =
		deliver ? smpp_deliver_parse(pdu->body, &sm) : smpp_submit_parse(pdu->body, &sm);

	if (status == SMPP_ROK)
		smpp_sm_put(w, &sm);
	if (status == SMPP_ROK && t != NULL && deliver)
		SAME_SM(sm, &t->deliver);
	else if (status == SMPP_ROK && t != NULL)
		SAME_SM(sm, &t->submit);
	return status;
}

static enum smpp_status data_both(const struct smpp_pdu *pdu, struct put *w, const data_sm_t *t)
{
	struct smpp_sm   sm;
	enum smpp_status status = smpp_data_parse(pdu->body, &sm);

	if (status == SMPP_ROK)
		smpp_data_put(w, &sm);
	if (status == SMPP_ROK && t != NULL) {
		same_string(sm.service_type, t->service_type);
		SAME_ADDRESS(sm.source, t, source);
		SAME_DEST(sm.dest, t);
		assert_int_equal(sm.esm_class, t->esm_class);
		assert_int_equal(sm.registered_delivery, t->registered_delivery);
		assert_int_equal(sm.data_coding, t->data_coding);
		same_tlvs(sm.tlvs, t->tlv);
	}
	return status;
}

static enum smpp_status multi_both(const struct smpp_pdu *pdu, struct put *w,
				   const submit_multi_t *t)
{
	struct smpp_multi m;
	struct smpp_dest  list[256];
	unsigned          n = 0;
	const dad_t      *dad = t != NULL ? t->dest_addr_def : NULL;
	enum smpp_status  status = smpp_multi_parse(pdu->body, &m);

	if (status != SMPP_ROK)
		return status;
	smpp_multi_put(w, &m);
	if (t == NULL)
		return status;
	assert_int_equal(m.dest_count, t->number_of_dests);
	while (smpp_dest_next(&m.dests, &list[n]))
		n++;
	assert_int_equal(n, m.dest_count);
	for (; n > 0; n--, dad = dad->next) {
		const struct smpp_dest *d = &list[n - 1];

		assert_non_null(dad);
		assert_int_equal(d->flag, dad->dest_flag);
		if (d->flag == SMPP_DEST_SME)
			same_address(&d->addr, dad->value.sme.dest_addr_ton,
				     dad->value.sme.dest_addr_npi, dad->value.sme.destination_addr);
		else
			same_string(d->addr.text, dad->value.dl_name);
	}
	assert_null(dad);
	SAME_ADDRESS(m.sm.source, t, source);
	assert_int_equal(m.sm.esm_class, t->esm_class);
	same_string(m.sm.validity, t->validity_period);
	same_text(m.sm.text, t->sm_length, t->short_message);
	same_tlvs(m.sm.tlvs, t->tlv);
	return status;
}

static enum smpp_status multi_resp_both(const struct smpp_pdu *pdu, struct put *w,
					const submit_multi_resp_t *t)
{
	struct smpp_multi_resp r;
	struct smpp_unsuccess  list[256];
	unsigned               n = 0;
	const udad_t          *udad = t != NULL ? t->unsuccess_smes : NULL;
	enum smpp_status       status = smpp_multi_resp_parse(pdu->body, &r);

	if (status != SMPP_ROK)
		return status;
	smpp_multi_resp_put(w, &r);
	if (t == NULL)
		return status;
	same_string(r.message_id, t->message_id);
	assert_int_equal(r.unsuccess_count, t->no_unsuccess);
	while (smpp_unsuccess_next(&r.unsuccess, &list[n]))
		n++;
	assert_int_equal(n, r.unsuccess_count);
	for (; n > 0; n--, udad = udad->next) {
		const struct smpp_unsuccess *u = &list[n - 1];

		assert_non_null(udad);
		same_address(&u->addr, udad->dest_addr_ton, udad->dest_addr_npi,
			     udad->destination_addr);
		assert_int_equal(u->status, udad->error_status_code);
	}
	assert_null(udad);
	return status;
}

static enum smpp_status id_resp_both(const struct smpp_pdu *pdu, struct put *w,
				     const submit_sm_resp_t *t)
{
	struct smpp_id_resp r;
	enum smpp_status    status = smpp_id_resp_parse(pdu->body, &r);

	if (status == SMPP_ROK)
		smpp_id_resp_put(w, &r);
	if (status == SMPP_ROK && t != NULL)
		same_string(r.message_id, t->message_id);
	return status;
}

static enum smpp_status small_both(const struct smpp_pdu *pdu, struct put *w, const union theirs *t)
{
	struct smpp_outbind    o;
	struct smpp_query      q;
	struct smpp_query_resp r;
	struct smpp_cancel     c;
	struct smpp_replace    p;
	struct smpp_alert      a;
	enum smpp_status       status = SMPP_ROK;

#define BOTH(parse, put, value, ...)                                                               \
	status = parse(pdu->body, &(value));                                                       \
	if (status == SMPP_ROK)                                                                    \
		put(w, &(value));                                                                  \
	if (status == SMPP_ROK && t != NULL) {                                                     \
		__VA_ARGS__                                                                        \
	}                                                                                          \
	break
	switch (pdu->command) {
	case SMPP_outbind:
		BOTH(smpp_outbind_parse, smpp_outbind_put, o,
		     same_string(o.system_id, t->outbind.system_id);
		     same_string(o.password, t->outbind.password););
	case SMPP_query_sm:
		BOTH(smpp_query_parse, smpp_query_put, q,
		     same_string(q.message_id, t->query.message_id);
		     SAME_ADDRESS(q.source, &t->query, source););
	case SMPP_query_sm_resp:
		BOTH(smpp_query_resp_parse, smpp_query_resp_put, r,
		     same_string(r.message_id, t->query_resp.message_id);
		     same_string(r.final_date, t->query_resp.final_date);
		     assert_int_equal(r.message_state, t->query_resp.message_state);
		     assert_int_equal(r.error_code, t->query_resp.error_code););
	case SMPP_cancel_sm:
		BOTH(smpp_cancel_parse, smpp_cancel_put, c,
		     same_string(c.service_type, t->cancel.service_type);
		     same_string(c.message_id, t->cancel.message_id);
		     SAME_ADDRESS(c.source, &t->cancel, source); SAME_DEST(c.dest, &t->cancel););
	case SMPP_replace_sm:
		BOTH(smpp_replace_parse, smpp_replace_put, p,
		     same_string(p.message_id, t->replace.message_id);
		     SAME_ADDRESS(p.source, &t->replace, source);
		     same_string(p.schedule, t->replace.schedule_delivery_time);
		     same_string(p.validity, t->replace.validity_period);
		     same_text(p.text, t->replace.sm_length, t->replace.short_message););
	case SMPP_alert_notification:
		BOTH(smpp_alert_parse, smpp_alert_put, a, SAME_ADDRESS(a.source, &t->alert, source);
		     SAME_ADDRESS(a.esme, &t->alert, esme); same_tlvs(a.tlvs, t->alert.tlv););
	default: /* no body */
		assert_int_equal(cur_left(&pdu->body), 0);
	}
#undef BOTH
	return status;
}

static enum smpp_status read_and_write(const struct smpp_pdu *pdu, struct put *w,
				       const union theirs *t)
{
	switch (pdu->command) {
	case SMPP_bind_receiver:
	case SMPP_bind_transmitter:
	case SMPP_bind_transceiver:
		return bind_both(pdu, w, t != NULL ? &t->bind : NULL);
	case SMPP_bind_receiver_resp:
	case SMPP_bind_transmitter_resp:
	case SMPP_bind_transceiver_resp:
		return bind_resp_both(pdu, w, t != NULL ? &t->bind_resp : NULL);
	case SMPP_submit_sm:
	case SMPP_deliver_sm:
		return sm_both(pdu, w, t);
	case SMPP_data_sm:
		return data_both(pdu, w, t != NULL ? &t->data : NULL);
	case SMPP_submit_multi:
		return multi_both(pdu, w, t != NULL ? &t->multi : NULL);
	case SMPP_submit_multi_resp:
		return multi_resp_both(pdu, w, t != NULL ? &t->multi_resp : NULL);
	case SMPP_submit_sm_resp:
	case SMPP_data_sm_resp:
	case SMPP_deliver_sm_resp:
		return id_resp_both(pdu, w, t != NULL ? &t->submit_resp : NULL);
	default:
		return small_both(pdu, w, t);
	}
}

static void free_lists(uint32_t command, union theirs *t)
{
	switch (command) {
	case SMPP_bind_receiver_resp:
	case SMPP_bind_transmitter_resp:
	case SMPP_bind_transceiver_resp:
		destroy_tlv(t->bind_resp.tlv);
		break;
	case SMPP_submit_sm:
		destroy_tlv(t->submit.tlv);
		break;
	case SMPP_deliver_sm:
		destroy_tlv(t->deliver.tlv);
		break;
	case SMPP_data_sm:
		destroy_tlv(t->data.tlv);
		break;
	case SMPP_submit_multi:
		destroy_tlv(t->multi.tlv);
		destroy_dad(t->multi.dest_addr_def);
		break;
	case SMPP_submit_multi_resp:
		destroy_udad(t->multi_resp.unsuccess_smes);
		break;
	case SMPP_alert_notification:
		destroy_tlv(t->alert.tlv);
		break;
	}
}

static int write_theirs(union theirs *t, uint8_t room[ROOM])
{
	int packed = 0;

	if (smpp34_pack2(room, ROOM, &packed, t) != 0)
		fail_msg("libsmpp34 cannot write what it has read: %s", smpp34_strerror);
	return packed;
}

static void compare(const struct made *m)
{
	static union theirs t;
	static uint8_t      again[ROOM];
	uint8_t            *exact = test_copy(m->bytes, m->size);
	struct cur          in = cur_of(exact, m->size);
	struct put          w = put_to(again, sizeof(again));
	struct smpp_pdu     pdu;
	uint32_t            need;
	size_t              mark;
	int                 theirs, packed = 0;
	enum smpp_status    ours;

	memset(&t, 0, sizeof(t));
	assert_int_equal(smpp_pdu_next(&in, &pdu, &need), PULL_ITEM);
	theirs = m->ask_theirs ? smpp34_unpack2(&t, m->bytes, (int)m->size) : -1;
	mark = smpp_pdu_begin(&w, pdu.command, pdu.status, pdu.sequence);
	if (m->ask_theirs && (theirs == 0) != m->theirs)
		print_error("%s of %zu bytes: libsmpp34 says %d: %s\n",
			    smpp_command_name(m->command), m->size, theirs, smpp34_strerror);
	assert_int_equal(theirs == 0, m->theirs && m->ask_theirs);
	ours = read_and_write(&pdu, &w, theirs == 0 ? &t : NULL);
	assert_int_equal(ours == SMPP_ROK, m->ours);
	if (ours == SMPP_ROK) {
		assert_true(smpp_pdu_end(&w, mark));
		assert_int_equal(put_size(&w), m->size);
		assert_memory_equal(again, m->bytes, m->size);
	}
	if (theirs == 0 && ours == SMPP_ROK && m->theirs_writes) {
		/* Twice, since the first time turns its lists round. */
		packed = write_theirs(&t, again);
		assert_int_equal(packed, m->size);
		free_lists(m->command, &t);
		memset(&t, 0, sizeof(t));
		assert_int_equal(smpp34_unpack2(&t, again, packed), 0);
		packed = write_theirs(&t, again);
		assert_int_equal(packed, m->size);
		assert_memory_equal(again, m->bytes, m->size);
	}
	free_lists(m->command, &t);
	free(exact);
}

static void libsmpp34_and_we_agree_on_every_command_and_parameter(void **state)
{
	static struct made m;
	const char        *given = getenv("SMPP34_SEED");
	uint64_t           seed = given != NULL ? strtoull(given, NULL, 0) : 20260921;
	struct random      r;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	random_seed(&r, seed);
	for (unsigned i = 0; i < PDUS; i++) {
		make_pdu(&r, &layouts[i % LAYOUTS], &m);
		compare(&m);
	}
	for (size_t i = 0; i < TAGS; i++)
		assert_int_not_equal(seen_tags[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libsmpp34_and_we_agree_on_every_command_and_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
