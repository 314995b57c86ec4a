/* What an error of one protocol is in each of the others (RFC 7247, 7; TS 23.040, 9.2.3.22 and
 * TS 24.011, 8.2.5.4; SMPP 3.4, 5.1.3), by way of reasons.def. */
#include "test.h"

#include "sip/sms.h"
#include "sip/status.h"
#include "smpp/status.h"
#include "xmpp/stanza.h"

enum protocol { SMPP, SIP, SMS, XMPP, PROTOCOLS };

struct word { /* of one protocol */
	uint32_t code;
	uint8_t  fcs; /* of SMS */
};

static enum reason heard(enum protocol p, struct word w)
{
	uint32_t pause;

	switch (p) {
	case SMPP:
		return smpp_reason_of_status(w.code, &pause);
	case SIP:
		return sip_reason_of_status(w.code);
	case SMS:
		return sip_reason_of_rp((uint8_t)w.code, w.fcs);
	case XMPP:
	case PROTOCOLS:
		break;
	}
	return xmpp_reason_of((enum xmpp_condition)w.code);
}

static struct word said(enum protocol p, enum reason why)
{
	struct sip_rp_report report = sip_rp_report_of(why);

	switch (p) {
	case SMPP:
		return (struct word){smpp_status_of_reason(SMPP_submit_sm, why), 0};
	case SIP:
		return (struct word){sip_status_of_reason(why), 0};
	case SMS:
		return (struct word){report.cause, report.fcs};
	case XMPP:
	case PROTOCOLS:
		break;
	}
	return (struct word){xmpp_condition_of(why), 0};
}

#define NONE                                                                                       \
	{                                                                                          \
		0, 0                                                                               \
	}

/* Of a kind of error: how each protocol may say it (code 0: not at all), and how it is said. */
static const struct kind {
	const char *name;
	struct word in[3][PROTOCOLS]; /* one word of each protocol a row */
	struct word out[PROTOCOLS];
} kinds[] = {
	{"nobody of that name",
	 {{{SMPP_RINVDSTADR, 0}, {404, 0}, {1, 0}, {XMPP_ITEM_NOT_FOUND, 0}},
	  {{SMPP_RINVDSTTON, 0}, {604, 0}, {30, 0}, {XMPP_REMOTE_SERVER_NOT_FOUND, 0}},
	  {{SMPP_RINVDLNAME, 0}, {484, 0}, {21, 0xc3}, NONE}},
	 {{SMPP_RINVDSTADR, 0}, {404, 0}, {1, 0xc3}, {XMPP_ITEM_NOT_FOUND, 0}}},
	{"gone for good",
	 {{NONE, {410, 0}, NONE, {XMPP_GONE, 0}}, {NONE, {301, 0}, NONE, NONE}},
	 {{SMPP_RINVDSTADR, 0}, {410, 0}, {1, 0xc3}, {XMPP_GONE, 0}}},
	{"forbidden",
	 {{{SMPP_RPROHIBITED, 0}, {403, 0}, {10, 0}, {XMPP_FORBIDDEN, 0}},
	  {{SMPP_RX_R_APPN, 0}, {603, 0}, {8, 0}, {XMPP_NOT_ALLOWED, 0}},
	  {{SMPP_RINVSRCADR, 0}, {607, 0}, {21, 0xc4}, {XMPP_POLICY_VIOLATION, 0}}},
	 {{SMPP_RPROHIBITED, 0}, {403, 0}, {10, 0xc4}, {XMPP_FORBIDDEN, 0}}},
	{"too large",
	 {{{SMPP_RINVMSGLEN, 0}, {413, 0}, NONE, NONE}, {NONE, {513, 0}, NONE, NONE}},
	 {{SMPP_RINVMSGLEN, 0}, {413, 0}, {21, 0xff}, {XMPP_POLICY_VIOLATION, 0}}},
	{"not of a form that is taken",
	 {{{SMPP_RINVDCS, 0}, {415, 0}, {21, 0x91}, {XMPP_NOT_ACCEPTABLE, 0}},
	  {{SMPP_RINVESMCLASS, 0}, {406, 0}, {21, 0x81}, NONE},
	  {NONE, {488, 0}, {111, 0x9f}, NONE}},
	 {{SMPP_RINVDCS, 0}, {406, 0}, {21, 0x9f}, {XMPP_NOT_ACCEPTABLE, 0}}},
	{"not offered",
	 {{{SMPP_RINVSERTYP, 0}, {405, 0}, {69, 0xb0}, {XMPP_FEATURE_NOT_IMPLEMENTED, 0}},
	  {{SMPP_RINVCMDID, 0}, {501, 0}, {29, 0}, NONE}},
	 {{SMPP_RX_P_APPN, 0}, {501, 0}, {29, 0xff}, {XMPP_FEATURE_NOT_IMPLEMENTED, 0}}},
	{"not valid",
	 {{{SMPP_RINVPARLEN, 0}, {400, 0}, {111, 0}, {XMPP_BAD_REQUEST, 0}},
	  {{SMPP_RINVCMDLEN, 0}, {414, 0}, {96, 0}, {XMPP_JID_MALFORMED, 0}}},
	 {{SMPP_RX_P_APPN, 0}, {400, 0}, {111, 0xff}, {XMPP_BAD_REQUEST, 0}}},
	{"refused for good",
	 {{{SMPP_RX_P_APPN, 0}, {402, 0}, {21, 0xff}, {XMPP_SERVICE_UNAVAILABLE, 0}},
	  {{SMPP_RINVEXPIRY, 0}, {300, 0}, {127, 0}, {XMPP_UNDEFINED_CONDITION, 0}}},
	 {{SMPP_RX_P_APPN, 0}, {403, 0}, {21, 0xff}, {XMPP_SERVICE_UNAVAILABLE, 0}}},
	{"away for now",
	 {{NONE, {480, 0}, {27, 0}, {XMPP_RECIPIENT_UNAVAILABLE, 0}},
	  {NONE, {486, 0}, {22, 0xd3}, NONE},
	  {NONE, {600, 0}, {22, 0xd0}, NONE}},
	 {{SMPP_RSUBMITFAIL, 0}, {480, 0}, {27, 0xff}, {XMPP_RECIPIENT_UNAVAILABLE, 0}}},
	{"no room for now",
	 {{{SMPP_RTHROTTLED, 0}, {503, 0}, {42, 0xc0}, {XMPP_RESOURCE_CONSTRAINT, 0}},
	  {{SMPP_RMSGQFUL, 0}, NONE, {47, 0}, NONE}},
	 {{SMPP_RMSGQFUL, 0}, {500, 0}, {42, 0xc0}, {XMPP_RESOURCE_CONSTRAINT, 0}}},
	{"no answer in time",
	 {{NONE, {408, 0}, NONE, {XMPP_REMOTE_SERVER_TIMEOUT, 0}}, {NONE, {504, 0}, NONE, NONE}},
	 {{SMPP_RSUBMITFAIL, 0}, {504, 0}, {41, 0xff}, {XMPP_REMOTE_SERVER_TIMEOUT, 0}}},
	{"a fault of its own",
	 {{{SMPP_RSYSERR, 0}, {500, 0}, {38, 0}, {XMPP_INTERNAL_SERVER_ERROR, 0}},
	  {NONE, {502, 0}, NONE, NONE}},
	 {{SMPP_RSYSERR, 0}, {500, 0}, {38, 0xc2}, {XMPP_INTERNAL_SERVER_ERROR, 0}}},
	{"refused for now",
	 {{{SMPP_RX_T_APPN, 0}, {491, 0}, {41, 0}, {XMPP_UNEXPECTED_REQUEST, 0}},
	  {{SMPP_RSUBMITFAIL, 0}, {302, 0}, NONE, NONE}},
	 {{SMPP_RSUBMITFAIL, 0}, {480, 0}, {41, 0xc0}, {XMPP_RECIPIENT_UNAVAILABLE, 0}}},
};

static void an_error_is_the_same_in_every_other_protocol(void **state)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (unsigned in = 0; in < 3 * PROTOCOLS; in++) {
			enum protocol from = (enum protocol)(in % PROTOCOLS);
			struct word   says = kinds[k].in[in / PROTOCOLS][from];

			for (enum protocol to = 0; says.code != 0 && to < PROTOCOLS; to++) {
				struct word got = said(to, heard(from, says));

				if (got.code != kinds[k].out[to].code ||
				    got.fcs != kinds[k].out[to].fcs)
					fail_msg("%s: %u of protocol %u is %u (0x%x) in %u",
						 kinds[k].name, says.code, from, got.code, got.fcs,
						 to);
			}
		}
	}
}

/* RFC 7247, 7, but for what a MESSAGE cannot be answered with: 401 and 407 need a challenge of our
 * own, 301 and 302 a place, 408 is forbidden by RFC 4320, 4.2. */
static void conditions_have_the_statuses_of_rfc_7247(void **state)
{
	static const struct {
		enum xmpp_condition condition;
		unsigned            status;
	} rows[] = {
		{XMPP_BAD_REQUEST, 400},
		{XMPP_CONFLICT, 400},
		{XMPP_FEATURE_NOT_IMPLEMENTED, 501},
		{XMPP_FORBIDDEN, 403},
		{XMPP_GONE, 410},
		{XMPP_INTERNAL_SERVER_ERROR, 500},
		{XMPP_ITEM_NOT_FOUND, 404},
		{XMPP_JID_MALFORMED, 400},
		{XMPP_NOT_ACCEPTABLE, 406},
		{XMPP_NOT_ALLOWED, 403},
		{XMPP_POLICY_VIOLATION, 403},
		{XMPP_RECIPIENT_UNAVAILABLE, 480},
		{XMPP_REMOTE_SERVER_NOT_FOUND, 404},
		{XMPP_RESOURCE_CONSTRAINT, 500},
		{XMPP_SERVICE_UNAVAILABLE, 403},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(sip_status_of_reason(xmpp_reason_of(rows[i].condition)),
				 rows[i].status);
}

static void statuses_have_the_conditions_of_rfc_7247(void **state)
{
	static const struct {
		unsigned            status;
		enum xmpp_condition condition;
	} rows[] = {
		{400, XMPP_BAD_REQUEST},
		{403, XMPP_FORBIDDEN},
		{404, XMPP_ITEM_NOT_FOUND},
		{405, XMPP_FEATURE_NOT_IMPLEMENTED},
		{406, XMPP_NOT_ACCEPTABLE},
		{408, XMPP_REMOTE_SERVER_TIMEOUT},
		{410, XMPP_GONE},
		{413, XMPP_POLICY_VIOLATION},
		{415, XMPP_NOT_ACCEPTABLE},
		{416, XMPP_NOT_ACCEPTABLE},
		{420, XMPP_FEATURE_NOT_IMPLEMENTED},
		{430, XMPP_RECIPIENT_UNAVAILABLE},
		{480, XMPP_RECIPIENT_UNAVAILABLE},
		{484, XMPP_ITEM_NOT_FOUND},
		{485, XMPP_ITEM_NOT_FOUND},
		{488, XMPP_NOT_ACCEPTABLE},
		{500, XMPP_INTERNAL_SERVER_ERROR},
		{501, XMPP_FEATURE_NOT_IMPLEMENTED},
		{504, XMPP_REMOTE_SERVER_TIMEOUT},
		{513, XMPP_POLICY_VIOLATION},
		{604, XMPP_ITEM_NOT_FOUND},
		{606, XMPP_NOT_ACCEPTABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(xmpp_condition_of(sip_reason_of_status(rows[i].status)),
				 rows[i].condition);
}

/* Over four gateways, whatever they speak. A message whose validity is over is told in SIP by 480:
 * another one may arrive. */
static void for_good_stays_for_good_and_for_now_for_now_through_any_chain(void **state)
{
	for (enum reason first = 0; first < REASON_COUNT; first++) {
		enum reason_class class = reason_class(first);

		if (class == REASON_CLASS_PROTOCOL || first == REASON_EXPIRED)
			continue;
		for (unsigned chain = 0; chain < PROTOCOLS * PROTOCOLS * PROTOCOLS * PROTOCOLS;
		     chain++) {
			enum reason why = first;

			if (class == REASON_CLASS_OK && why != REASON_NONE)
				break;
			for (unsigned rest = chain, hop = 0; hop < 4 && why != REASON_NONE; hop++) {
				enum protocol p = (enum protocol)(rest % PROTOCOLS);

				why = heard(p, said(p, why));
				rest /= PROTOCOLS;
			}
			if (reason_class(why) != class)
				fail_msg("%s is %s after chain %u", reason_name(first),
					 reason_name(why), chain);
		}
	}
}

/* An ESME says with its deliver_sm_resp only whether another try makes sense. */
static void to_a_message_centre_the_weight_of_an_error_is_told(void **state)
{
	for (enum reason why = 0; why < REASON_COUNT; why++) {
		uint32_t pause;

		if (reason_class(why) == REASON_CLASS_PROTOCOL)
			continue;
		assert_int_equal(reason_class(smpp_reason_of_status(
					 smpp_status_of_reason(SMPP_deliver_sm, why), &pause)),
				 reason_class(why));
	}
}

static void a_report_keeps_why_it_failed(void **state)
{
	for (unsigned c = 1; c < XMPP_CONDITION_COUNT; c++) {
		enum xmpp_condition condition = (enum xmpp_condition)c;
		struct msg_receipt  r = {.state = (uint8_t)xmpp_state_of(condition),
					 .why = (uint8_t)xmpp_reason_of(condition)};

		assert_int_equal(r.state == MSG_STATE_REJECTED, r.why == REASON_PEER_FORBIDDEN);
		assert_int_equal(reason_class(xmpp_reason_of(xmpp_condition_of_report(&r))),
				 reason_class((enum reason)r.why));
	}
	for (unsigned state_of = 0; state_of < MSG_STATE_COUNT; state_of++) {
		struct msg_receipt r = {.state = (uint8_t)state_of};

		assert_int_equal(xmpp_condition_of_report(&r) == XMPP_FORBIDDEN,
				 state_of == MSG_STATE_REJECTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_the_same_in_every_other_protocol),
		cmocka_unit_test(conditions_have_the_statuses_of_rfc_7247),
		cmocka_unit_test(statuses_have_the_conditions_of_rfc_7247),
		cmocka_unit_test(for_good_stays_for_good_and_for_now_for_now_through_any_chain),
		cmocka_unit_test(to_a_message_centre_the_weight_of_an_error_is_told),
		cmocka_unit_test(a_report_keeps_why_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
