/* The way of a message through the map: in by one session, out by another. */
#include "side.h"

#include "msg/id.h"
#include "msg/sms.h"
#include "smpp/map.h"
#include "smpp/pdu.h"
#include "smpp/time.h"

static const struct now now = {1000000, 1789997600000ull}; /* 2026-09-21 13:33:20 UTC */

struct path {
	struct side          *side;
	struct proto_settings in, out;
	struct msg           *m;
	uint8_t               body[2 * SMPP_PDU_SIZE_MAX];
	size_t                size;
	enum reason           why;
};

static struct path *path_new(void)
{
	struct path *p = calloc(1, sizeof(*p));

	p->side = side_new();
	p->in = p->out = side_settings();
	p->m = msg_new(p->side->pool);
	return p;
}

static void path_free(struct path *p)
{
	msg_free(p->m);
	side_free(p->side);
	free(p);
}

static uint32_t path_in(struct path *p, const struct smpp_sm *sm, bool from_esme)
{
	const struct smpp_map map = {&p->in, p->side->metrics, now, 0, from_esme, true};

	msg_reset(p->m);
	return smpp_map_in(&map, sm, p->m, &p->why);
}

static enum reason path_out(struct path *p, bool to_centre)
{
	const struct smpp_map map = {&p->out, p->side->metrics, now, 0, to_centre, true};
	struct put            w = put_to(p->body, sizeof(p->body));
	enum reason           why = smpp_map_out(&map, p->m, &w);

	assert_false(w.failed);
	p->size = put_size(&w);
	return why;
}

static struct smpp_sm path_sent(const struct path *p)
{
	struct smpp_sm sm;

	assert_int_equal(smpp_submit_parse(cur_of(p->body, p->size), &sm), SMPP_ROK);
	return sm;
}

static struct smpp_sm plain(const char *text, size_t n)
{
	return (struct smpp_sm){
		.service_type = STR(""),
		.source = {1, 1, STR("46700000001")},
		.dest = {1, 1, STR("46700000002")},
		.schedule = STR(""),
		.validity = STR(""),
		.text = cur_of(text, n),
		.tlvs = cur_of(text, 0),
	};
}

static void cur_equal(struct cur c, const void *bytes, size_t n)
{
	assert_int_equal(cur_left(&c), n);
	assert_memory_equal(cur_bytes(&c, n), bytes, n);
}

static void every_field_and_parameter_passes_from_smpp_to_smpp_as_it_came(void **state)
{
	static const uint8_t tlvs[] = {
		0x02, 0x04, 0, 2, 0x12, 0x34,      /* user_message_reference */
		0x00, 0x00, 0, 1, 9,               /* tag 0: of no standard */
		0x14, 0x55, 0, 3, 'x',  0,    'y', /* vendor */
		0x14, 0x55, 0, 0,                  /* the same again, empty */
		0x02, 0x01, 0, 1, 3,               /* privacy_indicator */
	};
	struct path   *p = path_new();
	struct smpp_sm sm = plain("abc", 3);
	uint8_t        sent[512];
	struct put     w = put_to(sent, sizeof(sent));

	(void)state;
	sm.service_type = STR("WAP");
	sm.source = (struct smpp_addr){5, 0, STR("ACME")};
	sm.dest = (struct smpp_addr){6, 9, STR("71234")};
	sm.esm_class = SMPP_ESM_REPLY_PATH | 2;
	sm.protocol_id = 0x41;
	sm.priority = 2;
	sm.schedule = STR("260922000000000+");
	sm.validity = STR("000002000000000R");
	sm.registered_delivery = 0x1d;
	sm.replace_if_present = 1;
	sm.data_coding = 0xf1;
	sm.sm_default_msg_id = 7;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	smpp_sm_put(&w, &sm);
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, true), REASON_NONE);
	assert_int_equal(p->size, put_size(&w));
	assert_memory_equal(p->body, sent, p->size);
	path_free(p);
}

static void a_payload_keeps_its_place_among_the_parameters(void **state)
{
	uint8_t       *tlvs = malloc(70000);
	struct put     w = put_to(tlvs, 70000);
	struct path   *p = path_new();
	struct smpp_sm sm = plain("", 0);
	static uint8_t payload[65535];

	(void)state;
	memset(payload, 'p', sizeof(payload));
	smpp_tlv_put_u8(&w, SMPP_TLV_privacy_indicator, 1);
	smpp_tlv_put(&w, SMPP_TLV_message_payload, payload, sizeof(payload));
	smpp_tlv_put_u8(&w, SMPP_TLV_more_messages_to_send, 1);
	sm.tlvs = cur_of(tlvs, put_size(&w));
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->body.size, 65535);
	assert_int_equal(path_out(p, true), REASON_NONE);
	cur_equal(path_sent(p).tlvs, tlvs, put_size(&w));
	free(tlvs);
	path_free(p);
}

static void a_short_payload_stays_a_payload(void **state)
{
	static const uint8_t tlvs[] = {0x04, 0x24, 0, 2, 'h', 'i'};
	struct path         *p = path_new();
	struct smpp_sm       sm = plain("", 0);

	(void)state;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, false), REASON_NONE);
	cur_equal(path_sent(p).tlvs, tlvs, sizeof(tlvs));
	path_free(p);
}

static void addresses_come_out_in_the_form_of_their_kind_and_a_peer_may_override_it(void **state)
{
	static const struct {
		struct smpp_addr in;
		const char      *normal;
		struct smpp_addr out;
	} cases[] = {
		{{1, 1, {"46701", 5}}, "+46701", {1, 1, {"46701", 5}}},
		{{0, 0, {"46701", 5}}, "+46701", {1, 1, {"46701", 5}}},
		{{0, 0, {"+46701", 6}}, "+46701", {1, 1, {"46701", 5}}},
		{{3, 0, {"71234", 5}}, "71234", {3, 0, {"71234", 5}}},
		{{6, 1, {"71234", 5}}, "71234", {6, 1, {"71234", 5}}},
		{{5, 0, {"ACME 24", 7}}, "ACME 24", {5, 0, {"ACME 24", 7}}},
		{{0, 0, {"", 0}}, "", {0, 0, {"", 0}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct path   *p = path_new();
		struct smpp_sm sm = plain("x", 1);

		sm.source = cases[i].in;
		assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
		assert_true(str_eq(msg_addr(p->m, &p->m->from), str_of(cases[i].normal)));
		assert_int_equal(path_out(p, true), REASON_NONE);
		assert_true(str_eq(path_sent(p).source.text, cases[i].out.text));
		assert_int_equal(path_sent(p).source.ton, cases[i].out.ton);
		assert_int_equal(path_sent(p).source.npi, cases[i].out.npi);
		p->out.source_ton = 2;
		p->out.source_npi = 8;
		assert_int_equal(path_out(p, true), REASON_NONE);
		assert_int_equal(path_sent(p).source.ton, 2);
		assert_int_equal(path_sent(p).source.npi, 8);
		path_free(p);
	}
}

static void udh_sar_and_payload_tell_of_parts_alike(void **state)
{
	static const uint8_t udh[] = {5, 0, 3, 0x42, 3, 2, 'p', 'a', 'r', 't'};
	static const uint8_t sar[] = {2, 0x0c, 0, 2, 0, 0x42, 2, 0x0e, 0, 1, 3, 2, 0x0f, 0, 1, 2};
	struct path         *p = path_new();
	struct smpp_sm       sm = plain((const char *)udh, sizeof(udh));

	(void)state;
	sm.esm_class = SMPP_ESM_UDHI;
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->udh_size, 6);
	assert_int_equal(p->m->concat.reference, 0x42);
	assert_int_equal(p->m->concat.part, 2);
	assert_int_equal(p->m->concat.parts, 3);
	assert_true(p->m->concat.udh);

	sm = plain("part", 4);
	sm.tlvs = cur_of(sar, sizeof(sar));
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->concat.reference, 0x42);
	assert_int_equal(p->m->concat.part, 2);
	assert_int_equal(p->m->concat.parts, 3);
	assert_false(p->m->concat.udh);
	path_free(p);
}

static void a_data_coding_says_how_the_text_is_to_be_read(void **state)
{
	static const struct {
		uint8_t         data_coding;
		enum msg_coding coding;
	} cases[] = {
		{0, MSG_CODING_LATIN1},    {1, MSG_CODING_ASCII},     {2, MSG_CODING_BINARY},
		{3, MSG_CODING_LATIN1},    {4, MSG_CODING_BINARY},    {8, MSG_CODING_UCS2},
		{5, MSG_CODING_BINARY},    {9, MSG_CODING_BINARY},    {0x10, MSG_CODING_LATIN1},
		{0x18, MSG_CODING_UCS2},   {0xc8, MSG_CODING_LATIN1}, {0xe0, MSG_CODING_UCS2},
		{0xf0, MSG_CODING_LATIN1}, {0xf5, MSG_CODING_BINARY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(smpp_coding_of(cases[i].data_coding, MSG_CODING_LATIN1),
				 cases[i].coding);
}

static void a_default_alphabet_that_differs_at_the_next_hop_is_rewritten(void **state)
{
	struct path   *p = path_new();
	struct smpp_sm sm = plain("", 0);

	(void)state;
	sm.text = cur_of("\x02\x00", 2); /* GSM: the dollar sign and @ */
	p->out.default_alphabet = MSG_CODING_LATIN1;
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, true), REASON_NONE);
	cur_equal(path_sent(p).text, "$@", 2);
	assert_int_equal(path_sent(p).data_coding, 0);

	sm.text = cur_of("\x02\x1b\x65", 3); /* Latin-1 has no euro sign */
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, true), REASON_NONE);
	cur_equal(path_sent(p).text, "\0$\x20\xac", 4);
	assert_int_equal(path_sent(p).data_coding, 8);
	path_free(p);
}

static void what_a_message_asks_for_is_read_from_its_flags(void **state)
{
	struct path   *p = path_new();
	struct smpp_sm sm = plain("x", 1);

	(void)state;
	sm.registered_delivery = 0x11;
	sm.esm_class = 1;
	sm.validity = STR("000000000130000R");
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->wants, MSG_WANT_SUCCESS | MSG_WANT_FAILURE | MSG_WANT_INTERMEDIATE);
	assert_int_equal(p->m->mode, MSG_DATAGRAM);
	assert_int_equal(p->m->expires_us, now.us + 90 * US_PER_SECOND);
	sm.registered_delivery = 2;
	sm.validity = STR("260921133320000+"); /* now: past */
	assert_int_equal(path_in(p, &sm, true), SMPP_RINVEXPIRY);
	sm.validity = STR("260921133321004+"); /* an hour ahead of UTC: past */
	assert_int_equal(path_in(p, &sm, true), SMPP_RINVEXPIRY);
	sm.validity = STR("260921133321004-");
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->wants, MSG_WANT_FAILURE);
	assert_int_equal(p->m->expires_us, now.us + 3601 * US_PER_SECOND);
	path_free(p);
}

static void times_are_read_strictly(void **state)
{
	static const struct {
		const char    *text;
		enum smpp_time is;
		uint64_t       in_ms;
	} cases[] = {
		{"", SMPP_TIME_NONE, 0},
		{"000000000001000R", SMPP_TIME_OK, 1000},
		{"010101010101000R", SMPP_TIME_OK, (365 + 30 + 1) * 86400000ull + 3661000},
		{"000000000000000R", SMPP_TIME_PAST, 0},
		{"260921133320100+", SMPP_TIME_OK, 100},
		{"280229000000000+", SMPP_TIME_OK, 45397600000ull},
		{"270229000000000+", SMPP_TIME_BAD, 0},
		{"261301000000000+", SMPP_TIME_BAD, 0},
		{"261200000000000+", SMPP_TIME_BAD, 0},
		{"261231240000000+", SMPP_TIME_BAD, 0},
		{"261231000000049+", SMPP_TIME_BAD, 0},
		{"26123100000000+", SMPP_TIME_BAD, 0},
		{"2612310000x0000+", SMPP_TIME_BAD, 0},
		{"261231000000000Z", SMPP_TIME_BAD, 0},
		{"990101000000000+", SMPP_TIME_OK, 2280911200000ull},
	};
	uint64_t in_ms;
	char     room[10];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in_ms = 0;
		assert_int_equal(smpp_time_parse(str_of(cases[i].text), now, &in_ms), cases[i].is);
		if (cases[i].is == SMPP_TIME_OK)
			assert_int_equal(in_ms, cases[i].in_ms);
	}
	smpp_time_short(now.wall_ms, room);
	assert_memory_equal(room, "2609211333", 10);
	smpp_time_short(951782399000ull, room); /* 2000-02-28 23:59:59 */
	assert_memory_equal(room, "0002282359", 10);
	smpp_time_short(951782400000ull, room);
	assert_memory_equal(room, "0002290000", 10);
}

#define RECEIPT_TAIL                                                                               \
	" sub:001 dlvrd:001 submit date:2609211200 done date:2609211201 stat:DELIVRD err:017 "     \
	"text:id:77 hello"

static void receipt_is(struct path *p, const char *text, const char *remote_id, enum msg_state is,
		       unsigned error)
{
	struct smpp_sm sm = plain(text, strlen(text));
	uint8_t        room[64];

	sm.esm_class = SMPP_ESM_RECEIPT;
	assert_int_equal(path_in(p, &sm, false), SMPP_ROK);
	assert_int_equal(p->m->kind, MSG_RECEIPT);
	assert_int_equal(p->m->receipt.remote_id.size, strlen(remote_id));
	assert_memory_equal(msg_view(p->m, p->m->receipt.remote_id, room), remote_id,
			    strlen(remote_id));
	assert_int_equal(p->m->receipt.state, is);
	assert_int_equal(p->m->receipt.error[1] << 8 | p->m->receipt.error[2], error);
}

static void the_text_of_a_receipt_is_read_leniently(void **state)
{
	struct path *p = path_new();

	(void)state;
	receipt_is(p, "id:0123456789" RECEIPT_TAIL, "0123456789", MSG_STATE_DELIVERED, 17);
	receipt_is(p, "ID:abcDEF STAT:undeliv ERR:1", "abcDEF", MSG_STATE_UNDELIVERABLE, 1);
	receipt_is(p, "sub:001 stat:EXPIRED id: 99", "99", MSG_STATE_EXPIRED, 0);
	receipt_is(p, "id:1 stat:REJECTD err:x", "1", MSG_STATE_REJECTED, 0);
	receipt_is(p, "id:1 stat:DELIVERED", "1", MSG_STATE_DELIVERED, 0);
	receipt_is(p, "text:id:5", "", MSG_STATE_UNKNOWN, 0);
	receipt_is(p, "paid:5", "", MSG_STATE_UNKNOWN, 0);
	receipt_is(p, "id:", "", MSG_STATE_UNKNOWN, 0);
	receipt_is(p, "", "", MSG_STATE_UNKNOWN, 0);
	path_free(p);
}

static void parameters_of_a_receipt_count_more_than_its_text(void **state)
{
	static const uint8_t tlvs[] = {0, 0x1e, 0, 4, 'a',  'b', 'c', 0, 4, 0x27,
				       0, 1,    3, 4, 0x23, 0,   3,   3, 1, 2};
	struct path         *p = path_new();
	struct smpp_sm       sm = plain("id:1 stat:DELIVRD err:009", 25);
	uint8_t              room[64];

	(void)state;
	sm.esm_class = SMPP_ESM_INTERMEDIATE;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	assert_int_equal(path_in(p, &sm, false), SMPP_ROK);
	assert_int_equal(p->m->receipt.remote_id.size, 3);
	assert_memory_equal(msg_view(p->m, p->m->receipt.remote_id, room), "abc", 3);
	assert_int_equal(p->m->receipt.state, MSG_STATE_EXPIRED);
	assert_true(p->m->receipt.intermediate);
	assert_memory_equal(p->m->receipt.error, "\3\1\2", 3);
	path_free(p);
}

static void a_receipt_goes_on_with_our_id_in_text_and_parameter_and_all_else_as_it_was(void **state)
{
	static const uint8_t tlvs[] = {0x14, 1,    0, 1, 7, 0, 0x1e, 0, 4, 'a', 'b', 'c', 0,
				       4,    0x27, 0, 1, 2, 4, 0x23, 0, 3, 3,   1,   2};
	static const uint8_t ours[] = {0x14, 1,   0,   1,    7,   0, 0x1e, 0,    6,
				       '5',  '4', '3', '2',  '1', 0, 4,    0x27, 0,
				       1,    2,   4,   0x23, 0,   3, 3,    1,    2};
	struct path         *p = path_new();
	struct smpp_sm       sm = plain("id:abc" RECEIPT_TAIL, 6 + sizeof(RECEIPT_TAIL) - 1);

	(void)state;
	sm.esm_class = SMPP_ESM_RECEIPT;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	assert_int_equal(path_in(p, &sm, false), SMPP_ROK);
	p->m->receipt.msg_id = 54321;
	assert_int_equal(path_out(p, false), REASON_NONE);
	cur_equal(path_sent(p).text, "id:54321" RECEIPT_TAIL, 8 + sizeof(RECEIPT_TAIL) - 1);
	cur_equal(path_sent(p).tlvs, ours, sizeof(ours));
	assert_int_equal(path_sent(p).esm_class, SMPP_ESM_RECEIPT);
	path_free(p);
}

static void a_receipt_without_a_usable_text_gets_one(void **state)
{
	static const char    want[] = "id:54321 sub:001 dlvrd:000 submit date:2609211333 done "
				      "date:2609211333 stat:EXPIRED err:258 text:";
	static const uint8_t tlvs[] = {0, 0x1e, 0, 4, 'a',  'b', 'c', 0, 4, 0x27,
				       0, 1,    3, 4, 0x23, 0,   3,   3, 1, 2};
	struct path         *p = path_new();
	struct smpp_sm       sm = plain("\0x", 2);

	(void)state;
	sm.esm_class = SMPP_ESM_RECEIPT;
	sm.data_coding = 8;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	assert_int_equal(path_in(p, &sm, false), SMPP_ROK);
	p->m->receipt.msg_id = 54321;
	assert_int_equal(path_out(p, false), REASON_NONE);
	cur_equal(path_sent(p).text, want, sizeof(want) - 1);
	assert_int_equal(path_sent(p).data_coding, 0);
	path_free(p);
}

static void a_report_that_came_by_another_protocol_is_written_whole(void **state)
{
	static const struct {
		enum msg_kind kind;
		uint8_t       esm_class;
	} cases[] = {
		{MSG_RECEIPT, SMPP_ESM_RECEIPT},
		{MSG_READ_REPORT, SMPP_ESM_USER_ACK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct path    *p = path_new();
		struct smpp_tlv tlv;
		struct smpp_sm  sent;

		assert_true(msg_append_addr(p->m, ADDR_E164, 0, 0, STR("+46701"), &p->m->from));
		assert_true(msg_append_addr(p->m, ADDR_SHORT, 0, 0, STR("71234"), &p->m->to));
		p->m->native_protocol = 1;
		p->m->kind = (uint8_t)cases[i].kind;
		p->m->receipt = (struct msg_receipt){.msg_id = 9, .state = MSG_STATE_DELIVERED};
		assert_int_equal(path_out(p, false), REASON_NONE);
		sent = path_sent(p);
		assert_int_equal(sent.esm_class, cases[i].esm_class);
		assert_true(smpp_tlv_find(sent.tlvs, SMPP_TLV_receipted_message_id, &tlv));
		cur_equal(tlv.value, "9", 2);
		assert_true(smpp_tlv_find(sent.tlvs, SMPP_TLV_message_state, &tlv));
		cur_equal(tlv.value, "\2", 1);
		path_free(p);
	}
}

static void only_a_peer_that_wants_it_is_told_that_it_may_have_the_message_already(void **state)
{
	struct path   *p = path_new();
	struct smpp_sm sm = plain("A text", 6);

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct smpp_tlv tlv;
		bool            resent = k & 1, wanted = k & 2;

		assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
		assert_false(p->m->possible_duplicate);
		p->m->possible_duplicate = resent;
		p->out.mark_duplicates = wanted;
		assert_int_equal(path_out(p, true), REASON_NONE);
		assert_int_equal(
			smpp_tlv_find(path_sent(p).tlvs, SMPP_TLV_possible_duplicate, &tlv),
			resent && wanted);
		if (resent && wanted)
			cur_equal(tlv.value, "\1", 1);
	}
	path_free(p);
}

static void a_scheduled_message_is_not_given_to_an_esme_at_once(void **state)
{
	struct path   *p = path_new();
	struct smpp_sm sm = plain("x", 1);

	(void)state;
	sm.schedule = STR("260922000000000+");
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, false), REASON_SCHEDULE);
	path_free(p);
}

static void a_data_sm_becomes_a_message_like_any_other(void **state)
{
	static const uint8_t body[] = {0, 1, 1, '4', '6', 0,    1, 1, '4', '7',
				       0, 0, 1, 3,   4,   0x24, 0, 2, 'h', 'i'};
	struct path         *p = path_new();
	struct smpp_sm       sm;
	uint8_t              room[8];

	(void)state;
	assert_int_equal(smpp_data_parse(cur_of(body, sizeof(body)), &sm), SMPP_ROK);
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(p->m->body.size, 2);
	assert_memory_equal(msg_view(p->m, p->m->body, room), "hi", 2);
	assert_int_equal(p->m->coding, MSG_CODING_LATIN1);
	assert_int_equal(path_out(p, true), REASON_NONE);
	assert_true(str_eq(path_sent(p).dest.text, STR("47")));
	path_free(p);
}

static void that_somebody_writes_is_not_sent_as_a_message(void **state)
{
	struct path   *p = path_new();
	struct smpp_sm sm = plain("active", 6);

	(void)state;
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	p->m->kind = MSG_COMPOSING;
	assert_int_equal(path_out(p, true), REASON_CODING);
	path_free(p);
}

static void a_swarm_of_empty_parameters_is_refused(void **state)
{
	static uint8_t tlvs[4 * (SMPP_TLVS_MAX + 1)];
	struct path   *p = path_new();
	struct smpp_sm sm = plain("x", 1);

	(void)state;
	for (unsigned i = 0; i <= SMPP_TLVS_MAX; i++)
		tlvs[4 * i] = 0x15;
	sm.tlvs = cur_of(tlvs, sizeof(tlvs) - 4);
	assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
	assert_int_equal(path_out(p, true), REASON_NONE);
	cur_equal(path_sent(p).tlvs, tlvs, sizeof(tlvs) - 4);
	sm.tlvs = cur_of(tlvs, sizeof(tlvs));
	assert_int_equal(path_in(p, &sm, true), SMPP_RINVOPTPARSTREAM);
	assert_int_equal(p->why, REASON_PDU_TLV);
	path_free(p);
}

/* Class, message waiting and TP-PID are fields of the message, by whatever they were told. */
static void what_a_short_message_says_beside_its_text_is_read(void **state)
{
	static const struct {
		uint8_t data_coding, pid, tlv[5], tlv_size, form;
	} rows[] = {
		{0, 0, {0}, 0, 0},
		{0x10, 0, {0}, 0, MSG_SMS_CLASS}, /* flash */
		{0xf0, 0, {0}, 0, MSG_SMS_CLASS},
		{0xf6, 0, {0}, 0, MSG_SMS_CLASS | 2},
		{0x18, 0, {0}, 0, MSG_SMS_CLASS},
		{0x1b, 0, {0}, 0, MSG_SMS_CLASS | 3},
		{0xc8, 0, {0}, 0, MSG_SMS_DISCARD | 8},
		{0xd1, 0, {0}, 0, MSG_SMS_STORE | 1},
		{0xea, 0, {0}, 0, MSG_SMS_STORE | 8 | 2},
		{0, 0x40, {0}, 0, 0},                      /* silent */
		{0, 0x47, {0}, 0, 0},                      /* replaces the last of type 7 */
		{0, 0, {0, 5, 0, 1, 1}, 5, MSG_SMS_CLASS}, /* dest_addr_subunit: the display */
		{8, 0, {0, 5, 0, 1, 3}, 5, MSG_SMS_CLASS | 2},
		{0, 0, {0, 5, 0, 1, 0}, 5, 0},
		{0, 0, {0, 5, 0, 1, 9}, 5, 0},
		{0xf1, 0, {0, 5, 0, 1, 1}, 5, MSG_SMS_CLASS | 1},
		{0,
		 0,
		 {0, 0x30, 0, 1, 0x82},
		 5,
		 MSG_SMS_STORE | 8 | 2}, /* ms_msg_wait_facilities */
		{0, 0, {0, 0x30, 0, 1, 0x00}, 5, MSG_SMS_STORE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path   *p = path_new();
		struct smpp_sm sm = plain("\0a", 2);

		sm.data_coding = rows[i].data_coding;
		sm.protocol_id = rows[i].pid;
		sm.tlvs = cur_of(rows[i].tlv, rows[i].tlv_size);
		assert_int_equal(path_in(p, &sm, true), SMPP_ROK);
		assert_int_equal(p->m->sms_form, rows[i].form);
		assert_int_equal(p->m->sms_pid, rows[i].pid);
		path_free(p);
	}
}

static void what_a_short_message_of_another_protocol_says_beside_its_text_is_written(void **state)
{
	static const struct {
		enum msg_coding coding;
		const char     *text;
		uint8_t         form, pid, data_coding;
	} rows[] = {
		{MSG_CODING_GSM7, "ab", 0, 0, 0},
		{MSG_CODING_GSM7, "ab", MSG_SMS_CLASS, 0, 0xf0},
		{MSG_CODING_GSM7, "ab", MSG_SMS_CLASS | 2, 0x41, 0xf2},
		{MSG_CODING_BINARY, "ab", MSG_SMS_CLASS | 1, 0, 0xf5},
		{MSG_CODING_UCS2, "\004\026", MSG_SMS_CLASS, 0x40, 0x18},
		{MSG_CODING_UTF8, "ab", MSG_SMS_CLASS, 0, 0xf0},
		{MSG_CODING_UTF8, "\xd0\x96", MSG_SMS_CLASS | 3, 0,
		 0x1b}, /* not in the GSM alphabet */
		{MSG_CODING_LATIN1, "ab", 0, 0, 3},
		{MSG_CODING_LATIN1, "ab", MSG_SMS_CLASS, 0, 0xf0},
		{MSG_CODING_GSM7, "ab", MSG_SMS_DISCARD | 9, 0, 0xc9},
		{MSG_CODING_GSM7, "ab", MSG_SMS_STORE, 0, 0xd0},
		{MSG_CODING_UCS2, "\004\026", MSG_SMS_STORE | 8, 0, 0xe8},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path   *p = path_new();
		struct smpp_sm sm;

		p->in.default_alphabet = p->out.default_alphabet = MSG_CODING_GSM7;
		p->m->kind = rows[i].coding == MSG_CODING_BINARY ? MSG_BINARY : MSG_TEXT;
		p->m->coding = (uint8_t)rows[i].coding;
		p->m->native_protocol = 7;
		p->m->sms_form = rows[i].form;
		p->m->sms_pid = rows[i].pid;
		assert_true(msg_append_addr(p->m, ADDR_E164, 0, 0, STR("+46701"), &p->m->from));
		assert_true(msg_append_addr(p->m, ADDR_E164, 0, 0, STR("+46702"), &p->m->to));
		assert_true(msg_append(p->m, rows[i].text, strlen(rows[i].text), &p->m->body));
		assert_int_equal(path_out(p, true), REASON_NONE);
		sm = path_sent(p);
		if (sm.data_coding != rows[i].data_coding)
			fail_msg("case %zu: 0x%x", i, sm.data_coding);
		assert_int_equal(sm.protocol_id, rows[i].pid);
		path_free(p);
	}
}

static void a_dry_pool_is_a_full_queue_to_the_peer(void **state)
{
	static uint8_t payload[4 + 60000] = {0x04, 0x24, 60000 >> 8, 60000 & 0xff};
	struct path   *p = path_new();
	struct smpp_sm sm = plain("", 0);
	struct msg    *taken[SIDE_POOL];
	unsigned       n = 0;

	(void)state;
	sm.tlvs = cur_of(payload, sizeof(payload));
	while (msg_pool_free_count(p->side->pool) > 20)
		taken[n++] = msg_new(p->side->pool);
	assert_int_equal(path_in(p, &sm, true), SMPP_RMSGQFUL);
	assert_int_equal(p->why, REASON_POOL);
	while (n > 0)
		msg_free(taken[--n]);
	path_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_and_parameter_passes_from_smpp_to_smpp_as_it_came),
		cmocka_unit_test(a_payload_keeps_its_place_among_the_parameters),
		cmocka_unit_test(a_short_payload_stays_a_payload),
		cmocka_unit_test(
			addresses_come_out_in_the_form_of_their_kind_and_a_peer_may_override_it),
		cmocka_unit_test(udh_sar_and_payload_tell_of_parts_alike),
		cmocka_unit_test(a_data_coding_says_how_the_text_is_to_be_read),
		cmocka_unit_test(a_default_alphabet_that_differs_at_the_next_hop_is_rewritten),
		cmocka_unit_test(what_a_message_asks_for_is_read_from_its_flags),
		cmocka_unit_test(times_are_read_strictly),
		cmocka_unit_test(the_text_of_a_receipt_is_read_leniently),
		cmocka_unit_test(parameters_of_a_receipt_count_more_than_its_text),
		cmocka_unit_test(
			a_receipt_goes_on_with_our_id_in_text_and_parameter_and_all_else_as_it_was),
		cmocka_unit_test(a_receipt_without_a_usable_text_gets_one),
		cmocka_unit_test(a_report_that_came_by_another_protocol_is_written_whole),
		cmocka_unit_test(
			only_a_peer_that_wants_it_is_told_that_it_may_have_the_message_already),
		cmocka_unit_test(a_scheduled_message_is_not_given_to_an_esme_at_once),
		cmocka_unit_test(a_data_sm_becomes_a_message_like_any_other),
		cmocka_unit_test(that_somebody_writes_is_not_sent_as_a_message),
		cmocka_unit_test(a_swarm_of_empty_parameters_is_refused),
		cmocka_unit_test(what_a_short_message_says_beside_its_text_is_read),
		cmocka_unit_test(
			what_a_short_message_of_another_protocol_says_beside_its_text_is_written),
		cmocka_unit_test(a_dry_pool_is_a_full_queue_to_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
