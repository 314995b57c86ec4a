#include "test.h"

#include <stdio.h>

#include "base/random.h"
#include "msg/concat.h"
#include "sip/rp.h"
#include "msg/sms.h"
#include "sip/tpdu.h"

#define OCTETS_MAX 256u
#define NOW ((struct now){1000000, 1700000000000ull}) /* 2023-11-14 22:13:20 UTC */

static size_t octets_of(const char *hex, uint8_t octets[OCTETS_MAX])
{
	size_t n = 0;

	for (const char *p = hex; *p != '\0'; p++) {
		unsigned octet;

		if (*p == ' ')
			continue;
		assert_int_equal(sscanf(p++, "%2x", &octet), 1);
		assert_true(n < OCTETS_MAX);
		octets[n++] = (uint8_t)octet;
	}
	return n;
}

/* From an allocation of exactly its size. */
static enum sip_body parse(const uint8_t *octets, size_t n, enum sip_rp_type carrier,
			   struct sip_tpdu *t, uint8_t **copy)
{
	*copy = test_copy(octets, n);
	return sip_tpdu_parse(cur_of(*copy, n), carrier, t);
}

struct say {
	char   text[1024];
	size_t n;
};

#define SAY(s, ...)                                                                                \
	((s)->n += (size_t)snprintf((s)->text + (s)->n, sizeof((s)->text) - (s)->n, __VA_ARGS__))

static void say_time(struct say *s, const char *name, const uint8_t octets[7])
{
	uint64_t ms = 0;

	if (sip_tpdu_time(octets, &ms))
		SAY(s, " %s=%llu", name, (unsigned long long)ms / 1000);
	else
		SAY(s, " %s=none", name);
}

static void say_body(struct say *s, const struct sip_tpdu *t)
{
	uint8_t    body[SIP_TPDU_BODY_MAX], udh_size;
	struct put w = put_to(body, sizeof(body));
	char       utf8[TEXT_UTF8_SIZE(SIP_TPDU_BODY_MAX)];
	size_t     n;

	sip_tpdu_unpack(t, &w, &udh_size);
	assert_false(w.failed);
	for (unsigned i = 0; i < udh_size; i++)
		SAY(s, "%s%02x", i == 0 ? " udh=" : "", body[i]);
	n = text_to_utf8(sip_tpdu_dcs(t->dcs).coding, (struct text_tables){0}, body + udh_size,
			 put_size(&w) - udh_size, utf8, sizeof(utf8));
	SAY(s, " [%.*s]", (int)n, utf8);
}

static void say_address(struct say *s, const struct sip_tpdu_address *a)
{
	char   utf8[64];
	size_t n = text_to_utf8(MSG_CODING_GSM7, (struct text_tables){0}, a->septets, a->size, utf8,
				sizeof(utf8));

	SAY(s, " %u/%u/%.*s%.*s", a->ton, a->npi, a->number.size, a->number.digits, (int)n, utf8);
}

/* All that was understood of a TPDU, in words. */
static void say(struct say *s, const struct sip_tpdu *t)
{
	static const char *const names[SIP_TPDU_TYPE_COUNT] = {
		"DELIVER", "DELIVER-REPORT", "SUBMIT", "SUBMIT-REPORT", "STATUS-REPORT", "COMMAND"};
	static const char *const verdicts[] = {"none", "ok", "past", "bad"};
	uint64_t                 in_ms = 0;
	bool                     single_shot,
		report = t->type == SIP_TPDU_DELIVER_REPORT || t->type == SIP_TPDU_SUBMIT_REPORT;

	s->n = 0;
	SAY(s, "%s%s%s%s%s%s%s", names[t->type], t->more ? " more" : "", t->loop ? " loop" : "",
	    t->reject_duplicates ? " rd" : "", t->report ? " report" : "",
	    t->header ? " header" : "", t->reply_path ? " rp" : "");
	if (t->type == SIP_TPDU_SUBMIT || t->type == SIP_TPDU_STATUS_REPORT)
		SAY(s, " mr=%u", t->reference);
	if (!report)
		say_address(s, &t->address);
	if (t->failed)
		SAY(s, " fcs=%02x", t->fcs);
	if (t->has & SIP_TPDU_HAS_PID)
		SAY(s, " pid=%02x", t->pid);
	if (t->has & SIP_TPDU_HAS_DCS)
		SAY(s, " dcs=%02x", t->dcs);
	if (t->type != SIP_TPDU_SUBMIT && t->type != SIP_TPDU_DELIVER_REPORT)
		say_time(s, "scts", t->time);
	if (t->type == SIP_TPDU_STATUS_REPORT) {
		say_time(s, "dt", t->discharge);
		SAY(s, " st=%02x", t->status);
	}
	if (t->vpf != SIP_TPDU_VP_NONE) {
		SAY(s, " vp=%s", verdicts[sip_tpdu_validity(t, NOW, &in_ms, &single_shot)]);
		SAY(s, "%s:%llu", single_shot ? " once" : "", (unsigned long long)in_ms / 1000);
	}
	if (t->has & SIP_TPDU_HAS_DATA)
		say_body(s, t);
}

/* The first and the fifth are of common use; the others were made by hand from TS 23.040. */
static const struct vector {
	const char      *hex;
	enum sip_rp_type carrier;
	const char      *said;
	size_t           least; /* octets after which the message may end; 0: all of them */
} vectors[] = {
	{"040b911346610089f6000020806291731408 0cc8f71d14969741f977fd07", SIP_RP_DATA_N,
	 "DELIVER 1/1/31641600986 pid=00 dcs=00 scts=1030390661 [How are you?]", 0},
	{"6804a121437f08 32114132313240 0a 050003c80201 20ac0041", SIP_RP_DATA_N,
	 "DELIVER more loop report header 2/1/1234 pid=7f dcs=08 scts=1700000003 "
	 "udh=050003c80201 [\xe2\x82\xac"
	 "A]",
	 0},
	{"440b916407281553f80000 3211414131922b 12 050003c80201d06536fb0dbabfe56c32", SIP_RP_DATA_N,
	 "DELIVER header 1/1/46708251358 pid=00 dcs=00 scts=1700000009 udh=050003c80201 "
	 "[hello world]",
	 0},
	{"840dd0c126537094c3010000 32114122310200 02 003c", SIP_RP_DATA_N,
	 "DELIVER rp 5/0/AML$Grp pid=00 dcs=00 scts=1700000000 [@x]", 0},
	{"11000b916407281553f80000 aa 0a e8329bfd4697d9ec37", SIP_RP_DATA_MS,
	 "SUBMIT mr=0 1/1/46708251358 pid=00 dcs=00 vp=ok:345600 [hellohello]", 0},
	{"012a0b916407281553f80000 0a e8329bfd4697d9ec37", SIP_RP_DATA_MS,
	 "SUBMIT mr=42 1/1/46708251358 pid=00 dcs=00 [hellohello]", 0},
	{"0414d04576d95e768fd161f91c0000 32114122310200 00", SIP_RP_DATA_N,
	 "DELIVER 5/0/Elevenchars pid=00 dcs=00 scts=1700000000 []", 0},
	{"0405811a00fb0000 32114122310200 08 61f1985c369fd1", SIP_RP_DATA_N,
	 "DELIVER 0/1/*100# pid=00 dcs=00 scts=1700000000 [abcdefgh]", 0},
	{"39070381 11f20004 32114122313300 03 01ff00", SIP_RP_DATA_MS,
	 "SUBMIT report mr=7 0/1/112 pid=00 dcs=04 vp=ok:13 []", 0},
	{"9907038111f20011 32114122310200 07 31d98c56b3dd00", SIP_RP_DATA_MS,
	 "SUBMIT rp mr=7 0/1/112 pid=00 dcs=11 vp=past:0 [1234567]", 0},
	{"0d07038111f20000 43103254000000 00", SIP_RP_DATA_MS,
	 "SUBMIT rd mr=7 0/1/112 pid=00 dcs=00 vp=ok once:5025 []", 0},
	{"0907038111f20000 020a0000000000 00", SIP_RP_DATA_MS,
	 "SUBMIT mr=7 0/1/112 pid=00 dcs=00 vp=ok:10 []", 0},
	{"0907038111f20000 01000000000000 00", SIP_RP_DATA_MS,
	 "SUBMIT mr=7 0/1/112 pid=00 dcs=00 vp=ok:300 []", 0},
	{"41ff0b916407281553f80000 0d 0605043e803e81f0b79c3e07", SIP_RP_DATA_MS,
	 "SUBMIT header mr=255 1/1/46708251358 pid=00 dcs=00 udh=0605043e803e81 [ports]", 0},
	{"06170b916407281553f8 32114122310200 32114122310400 00", SIP_RP_DATA_N,
	 "STATUS-REPORT mr=23 1/1/46708251358 scts=1700000000 dt=1700000020 st=00", 0},
	{"2a170b916407281553f8 32114122310200 32114122310400 46 07 00 00 04 ec30bd0c",
	 SIP_RP_DATA_N,
	 "STATUS-REPORT more loop report mr=23 1/1/46708251358 pid=00 dcs=00 scts=1700000000 "
	 "dt=1700000020 st=46 [late]",
	 25},
	{"0100 32114122310200", SIP_RP_ACK_N, "SUBMIT-REPORT scts=1700000000", 0},
	{"0107 32114122310200 00 00 04 f3b29b0e", SIP_RP_ACK_N,
	 "SUBMIT-REPORT pid=00 dcs=00 scts=1700000000 [sent]", 0},
	{"01c000 32114122310200", SIP_RP_ERROR_N, "SUBMIT-REPORT fcs=c0 scts=1700000000", 0},
	{"0000", SIP_RP_ACK_MS, "DELIVER-REPORT", 0},
	{"4006 04 04 03 700141", SIP_RP_ACK_MS, "DELIVER-REPORT header dcs=04 udh=03700141 []", 0},
	{"00d300", SIP_RP_ERROR_MS, "DELIVER-REPORT fcs=d3", 0},
	{"00d307 7f f6 02 abcd", SIP_RP_ERROR_MS, "DELIVER-REPORT fcs=d3 pid=7f dcs=f6 []", 0},
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void every_field_of_every_kind_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t         octets[OCTETS_MAX], *copy;
		size_t          n = octets_of(vectors[i].hex, octets);
		struct sip_tpdu t;
		struct say      s;

		assert_int_equal(parse(octets, n, vectors[i].carrier, &t, &copy), SIP_BODY_OK);
		say(&s, &t);
		assert_string_equal(s.text, vectors[i].said);
		free(copy);
	}
}

static void what_was_read_is_written_back_octet_for_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t         octets[OCTETS_MAX], again[OCTETS_MAX];
		size_t          n = octets_of(vectors[i].hex, octets);
		struct put      w = put_to(again, sizeof(again));
		struct sip_tpdu t;

		assert_int_equal(sip_tpdu_parse(cur_of(octets, n), vectors[i].carrier, &t),
				 SIP_BODY_OK);
		sip_tpdu_put(&w, &t);
		assert_false(w.failed);
		assert_int_equal(put_size(&w), n);
		assert_memory_equal(again, octets, n);
	}
}

static void a_message_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t octets[OCTETS_MAX], *copy;
		size_t  n = octets_of(vectors[i].hex, octets);

		for (size_t cut = 0; cut < n; cut++) {
			struct sip_tpdu t;
			enum sip_body   got = parse(octets, cut, vectors[i].carrier, &t, &copy);

			if (cut == vectors[i].least && cut > 0)
				assert_int_equal(got, SIP_BODY_OK);
			else
				assert_int_equal(got, SIP_BODY_SYNTAX);
			free(copy);
		}
	}
}

#define SCTS "32114122310200"
#define DA "038111f2"

static void bad_messages_are_refused_with_their_reason(void **state)
{
	static const struct {
		const char      *what, *hex;
		enum sip_rp_type carrier;
		enum sip_body    why;
	} table[] = {
		{"address of 0", "0100 0081 0000 00", SIP_RP_DATA_MS, SIP_BODY_OK},
		{"address of 11", "0100 0b81 11111111111f 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"address of 12", "0100 0c81 111111111111 0000 00", SIP_RP_DATA_MS, SIP_BODY_OK},
		{"address of 12 with 11", "0100 0c81 1111111111f1 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"address of 20", "0100 1481 11111111111111111111 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_OK},
		{"address of 21", "0100 1581 1111111111111111111111 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"address of 255", "0100 ff81 11111111111111111111 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"alphanumeric of 255", "0100 ffd0 11111111111111111111 0000 00", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"filler inside", "0100 0481 1f11 0000 00", SIP_RP_DATA_MS, SIP_BODY_SYNTAX},
		{"UDL past the end", "0100" DA "0000 05 e8329b", SIP_RP_DATA_MS, SIP_BODY_SYNTAX},
		{"UDL past the end, octets", "0100" DA "0004 05 e8329b", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"UDL short", "0100" DA "0004 02 e8329b", SIP_RP_DATA_MS, SIP_BODY_SYNTAX},
		{"UDL of 255", "0100" DA "0004 ff e8329b", SIP_RP_DATA_MS, SIP_BODY_LIMIT},
		{"UDL of 161 septets", "0100" DA "0000 a1", SIP_RP_DATA_MS, SIP_BODY_LIMIT},
		{"UDHI without data", "4100" DA "0004 00", SIP_RP_DATA_MS, SIP_BODY_SYNTAX},
		{"UDHL is UDL", "4100" DA "0004 06 060003c80201", SIP_RP_DATA_MS, SIP_BODY_SYNTAX},
		{"UDHL past the end", "4100" DA "0004 06 ff0003c80201", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"UDHL past the end, septets", "4100" DA "0000 06 050003c80201", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"the last septets are header", "4100" DA "0000 07 050003c8020100", SIP_RP_DATA_MS,
		 SIP_BODY_OK},
		{"an element past UDHL", "4100" DA "0004 06 050004c80201", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"an element without length", "4100" DA "0004 02 0100", SIP_RP_DATA_MS,
		 SIP_BODY_SYNTAX},
		{"a header of nothing", "4100" DA "0004 01 00", SIP_RP_DATA_MS, SIP_BODY_OK},
		{"TP-PI goes on", "0080 01 05", SIP_RP_ACK_MS, SIP_BODY_OK},
		{"TP-PI goes on and ends", "0080 80", SIP_RP_ACK_MS, SIP_BODY_SYNTAX},
		{"TP-PI without end", "00 80808080808080808080808080808080", SIP_RP_ACK_MS,
		 SIP_BODY_LIMIT},
		{"TP-PI without end in STATUS-REPORT", "0617" DA SCTS SCTS "00 8080808080808080",
		 SIP_RP_DATA_N, SIP_BODY_LIMIT},
		{"TP-PI promises what is not there", "0007", SIP_RP_ACK_MS, SIP_BODY_SYNTAX},
		{"a parameter yet to be invented", "0008 ffff", SIP_RP_ACK_MS, SIP_BODY_OK},
		{"SCTS of 99", "040081 0000 99999999999999 00", SIP_RP_DATA_N, SIP_BODY_OK},
		{"COMMAND", "02000000 00 00 81 00", SIP_RP_DATA_MS, SIP_BODY_UNSUPPORTED},
		{"reserved from the mobile", "03", SIP_RP_DATA_MS, SIP_BODY_UNSUPPORTED},
		{"reserved from the network", "03", SIP_RP_DATA_N, SIP_BODY_UNSUPPORTED},
		{"a report that nothing acknowledges", "0000", SIP_RP_DATA_MS,
		 SIP_BODY_UNSUPPORTED},
		{"a report of the other side", "0100" SCTS, SIP_RP_ACK_MS, SIP_BODY_UNSUPPORTED},
		{"a message in an acknowledgement", "0100" DA "0000 00", SIP_RP_ACK_MS,
		 SIP_BODY_UNSUPPORTED},
		{"anything in RP-SMMA", "0100" DA "0000 00", SIP_RP_SMMA_MS, SIP_BODY_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t         octets[OCTETS_MAX], *copy;
		size_t          n = octets_of(table[i].hex, octets);
		struct sip_tpdu t;
		enum sip_body   got = parse(octets, n, table[i].carrier, &t, &copy);

		if (got != table[i].why)
			print_error("%s\n", table[i].what);
		assert_int_equal(got, table[i].why);
		free(copy);
	}
}

static void a_time_that_is_none_is_told(void **state)
{
	static const struct {
		const char *hex;
		uint64_t    s; /* 0: it is none */
	} table[] = {
		{"99999999999999", 0},
		{"00000000000000", 0},
		{"32311400000000", 0},
		{"32209200000000", 0}, /* month 13, 29 February 2023 */
		{"32114142000000", 0},
		{"32114100060000", 0},
		{"32114100000600", 0},
		{"3211410000000a", 1699920000 + 20 * 900},
		{"32114100000002", 1699920000 - 20 * 900},
		{"99211300000000", 946598400},
		{"ff114100000000", 0},
		{"321141000000f0", 0},
		{"0a114100000000", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t  octets[OCTETS_MAX];
		uint64_t ms = 0;

		assert_int_equal(octets_of(table[i].hex, octets), 7);
		if (sip_tpdu_time(octets, &ms) != (table[i].s != 0) || ms != table[i].s * 1000)
			print_error("%s: %llu\n", table[i].hex, (unsigned long long)ms);
		assert_int_equal(sip_tpdu_time(octets, &ms), table[i].s != 0);
		assert_int_equal(ms, table[i].s * 1000);
	}
	for (uint64_t s = 631152000; s < 3786912000; s += 86400 * 13 + 4001) { /* 1990 to 2089 */
		uint8_t  octets[7];
		uint64_t ms;

		sip_tpdu_time_of(s * 1000 + 999, octets);
		assert_true(sip_tpdu_time(octets, &ms));
		assert_int_equal(ms, s * 1000);
	}
}

static void the_relative_validity_is_the_nearest_that_is_not_shorter(void **state)
{
	static const struct {
		uint64_t asked_s, given_s;
		uint8_t  vp;
	} table[] = {
		{0, 300, 0},
		{300, 300, 0},
		{301, 600, 1},
		{43200, 43200, 143},
		{43201, 45000, 144},
		{86400, 86400, 167},
		{86401, 172800, 168},
		{30 * 86400, 30 * 86400, 196},
		{30 * 86400 + 1, 5 * 604800, 197},
		{63 * 604800, 63 * 604800, 255},
		{UINT32_MAX, 63 * 604800, 255},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sip_tpdu t = {0};
		uint64_t        in_ms;
		bool            single_shot;

		sip_tpdu_validity_set(&t, table[i].asked_s * 1000);
		assert_int_equal(t.vp[0], table[i].vp);
		assert_int_equal(sip_tpdu_validity(&t, NOW, &in_ms, &single_shot),
				 SIP_TPDU_VALIDITY_OK);
		assert_int_equal(in_ms, table[i].given_s * 1000);
	}
}

static void enhanced_validity_that_means_nothing_is_bad(void **state)
{
	static const struct {
		uint8_t                vp[7];
		enum sip_tpdu_validity verdict;
	} table[] = {
		{{0x00}, SIP_TPDU_VALIDITY_NONE},
		{{0x80}, SIP_TPDU_VALIDITY_BAD},
		{{0x02, 0}, SIP_TPDU_VALIDITY_BAD},
		{{0x03, 0x00, 0x06, 0x00}, SIP_TPDU_VALIDITY_BAD},
		{{0x03, 0xff, 0x00, 0x00}, SIP_TPDU_VALIDITY_BAD},
		{{0x03, 0x00, 0x00, 0x00}, SIP_TPDU_VALIDITY_PAST},
		{{0x04}, SIP_TPDU_VALIDITY_BAD},
		{{0x07}, SIP_TPDU_VALIDITY_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sip_tpdu t = {.vpf = SIP_TPDU_VP_ENHANCED};
		uint64_t        in_ms;
		bool            single_shot;

		memcpy(t.vp, table[i].vp, sizeof(t.vp));
		assert_int_equal(sip_tpdu_validity(&t, NOW, &in_ms, &single_shot),
				 table[i].verdict);
	}
}

static void every_data_coding_scheme_is_one_of_the_standards_groups(void **state)
{
	(void)state;
	for (unsigned dcs = 0; dcs < 256; dcs++) {
		struct sip_tpdu_dcs d = sip_tpdu_dcs((uint8_t)dcs);
		unsigned            group = dcs >> 4, alphabet = dcs >> 2 & 3;
		enum msg_coding     coding = MSG_CODING_GSM7;

		if (group < 8 && (dcs & 0x20 || alphabet == 1))
			coding = MSG_CODING_BINARY;
		else if ((group < 8 && alphabet == 2) || group == 0xe)
			coding = MSG_CODING_UCS2;
		else if (group == 0xf && (dcs & 4))
			coding = MSG_CODING_BINARY;
		assert_int_equal(d.coding, coding);
		assert_int_equal(d.message_class, (group < 8 && (dcs & 0x10)) || group == 0xf
							  ? dcs & 3
							  : SIP_TPDU_NO_CLASS);
		assert_int_equal(d.waiting, group >= 0xc && group <= 0xe);
		assert_int_equal(d.waiting_discard, group == 0xc);
		assert_int_equal(d.delete_after_reading, group >= 4 && group < 8);
		assert_int_equal(d.reserved, (group >= 8 && group < 0xc) ||
						     (group < 8 && alphabet == 3) ||
						     (group == 0xf && (dcs & 8)));
	}
	for (unsigned coding = 0; coding < MSG_CODING_COUNT; coding++) {
		for (unsigned c = 0; c < 5; c++) {
			uint8_t class = c < 4 ? (uint8_t)c : SIP_TPDU_NO_CLASS;
			struct sip_tpdu_dcs d = sip_tpdu_dcs(msg_sms_dcs(
				c < 4 ? (uint8_t)(MSG_SMS_CLASS | c) : 0, (enum msg_coding)coding));

			assert_int_equal(d.message_class, class);
			assert_int_equal(d.coding,
					 coding == MSG_CODING_GSM7 || coding == MSG_CODING_UCS2
						 ? coding
						 : MSG_CODING_BINARY);
			assert_false(d.reserved);
		}
	}
}

static void a_body_of_any_length_is_packed_and_unpacked_the_same(void **state)
{
	static const uint8_t headers[][8] = {
		{0}, {1, 0}, {5, 0, 3, 1, 2, 1}, {6, 5, 4, 1, 2, 3, 4}};
	static const uint8_t header_sizes[] = {0, 0, 6, 7};
	struct random        random;

	(void)state;
	random_seed(&random, 1);
	for (unsigned h = 0; h < 4; h++) {
		for (unsigned n = 0; n <= SIP_TPDU_SEPTETS_MAX; n++) {
			struct sip_tpdu t = {.dcs = 0}, binary = {.dcs = 4};
			uint8_t         body[SIP_TPDU_SEPTETS_MAX + 8], packed[SIP_TPDU_OCTETS_MAX],
				unpacked[SIP_TPDU_BODY_MAX], udh_size;
			size_t     size = header_sizes[h] + n;
			struct put p = put_to(packed, sizeof(packed));
			struct put u = put_to(unpacked, sizeof(unpacked));
			size_t     septets = (header_sizes[h] * 8u + 6) / 7 + n;

			memcpy(body, headers[h], header_sizes[h]);
			for (unsigned i = 0; i < n; i++)
				body[header_sizes[h] + i] = (uint8_t)random_below(&random, 128);
			assert_int_equal(sip_tpdu_pack(&t, (struct str){(char *)body, size},
						       header_sizes[h], &p),
					 septets <= SIP_TPDU_SEPTETS_MAX);
			if (septets <= SIP_TPDU_SEPTETS_MAX) {
				sip_tpdu_unpack(&t, &u, &udh_size);
				assert_int_equal(put_size(&u), size);
				assert_memory_equal(unpacked, body, size);
				assert_int_equal(udh_size, header_sizes[h]);
				assert_int_equal(t.header, udh_size > 0);
			}
			p = put_to(packed, sizeof(packed));
			assert_int_equal(sip_tpdu_pack(&binary, (struct str){(char *)body, size},
						       header_sizes[h], &p),
					 size <= SIP_TPDU_OCTETS_MAX);
		}
	}
}

static void what_is_no_short_message_is_not_packed(void **state)
{
	static const struct {
		const char *body;
		size_t      n;
		uint8_t     udh_size, dcs;
		size_t      room;
	} table[] = {
		{"\x80", 1, 0, 0, 140},                 /* no septet */
		{"abc", 3, 4, 0, 140},                  /* a header longer than the body */
		{"\x05\x00\x03\x01\x02", 5, 5, 0, 140}, /* a header cut short */
		{"\x05\x00\x04\x01\x02\x01", 6, 6, 4, 140},
		{"12345678", 8, 0, 0, 6}, /* no room */
		{"12345678", 8, 0, 4, 7},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t         room[140];
		struct put      w = put_to(room, table[i].room);
		struct sip_tpdu t = {.dcs = table[i].dcs};

		assert_false(sip_tpdu_pack(&t, (struct str){table[i].body, table[i].n},
					   table[i].udh_size, &w));
	}
}

static void what_does_not_fit_its_field_is_not_written(void **state)
{
	const struct sip_tpdu table[] = {
		{.type = SIP_TPDU_COMMAND},
		{.type = SIP_TPDU_SUBMIT, .address = {.number = {.size = 21}}},
		{.type = SIP_TPDU_SUBMIT, .address = {.number = {.size = 1, .digits = "x"}}},
		{.type = SIP_TPDU_SUBMIT, .address = {.ton = 5, .size = 12}},
		{.type = SIP_TPDU_SUBMIT, .address = {.ton = 5, .size = 1, .septets = {0x80}}},
		{.type = SIP_TPDU_SUBMIT, .udl = 5, .data = STR("abc")},
		{.type = SIP_TPDU_DELIVER, .dcs = 4, .udl = 2, .data = STR("abc")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t    room[256];
		struct put w = put_to(room, sizeof(room));

		sip_tpdu_put(&w, &table[i]);
		assert_true(w.failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_every_kind_is_understood),
		cmocka_unit_test(what_was_read_is_written_back_octet_for_octet),
		cmocka_unit_test(a_message_cut_anywhere_is_refused),
		cmocka_unit_test(bad_messages_are_refused_with_their_reason),
		cmocka_unit_test(a_time_that_is_none_is_told),
		cmocka_unit_test(the_relative_validity_is_the_nearest_that_is_not_shorter),
		cmocka_unit_test(enhanced_validity_that_means_nothing_is_bad),
		cmocka_unit_test(every_data_coding_scheme_is_one_of_the_standards_groups),
		cmocka_unit_test(a_body_of_any_length_is_packed_and_unpacked_the_same),
		cmocka_unit_test(what_is_no_short_message_is_not_packed),
		cmocka_unit_test(what_does_not_fit_its_field_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
