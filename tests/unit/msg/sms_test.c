#include "test.h"

#include "msg/sms.h"

/* Every group of TS 23.038, 4, and the reserved ones. */
static void a_form_says_the_class_or_what_waits_and_nothing_of_the_alphabet(void **state)
{
	for (unsigned dcs = 0; dcs < 256; dcs++) {
		unsigned group = dcs >> 4, want = 0;

		if (group == 0xf || (group < 8 && (dcs & 0x10) != 0))
			want = MSG_SMS_CLASS | (dcs & 3);
		else if (group == 0xc)
			want = MSG_SMS_DISCARD | (dcs & 8) | (dcs & 3);
		else if (group == 0xd || group == 0xe)
			want = MSG_SMS_STORE | (dcs & 8) | (dcs & 3);
		assert_int_equal(msg_sms_form((uint8_t)dcs), want);
	}
}

static void a_form_comes_back_from_its_scheme(void **state)
{
	static const struct {
		enum msg_coding coding;
		bool            waits, discards; /* what can be said with it */
	} rows[] = {{MSG_CODING_GSM7, true, true},
		    {MSG_CODING_UCS2, true, false},
		    {MSG_CODING_BINARY, false, false}};

	for (unsigned dcs = 0; dcs < 256; dcs++) {
		uint8_t form = msg_sms_form((uint8_t)dcs);

		for (size_t i = 0; i < 3; i++) {
			uint8_t want = form;

			if (form >= MSG_SMS_DISCARD && !rows[i].waits)
				want = 0;
			else if (form >= MSG_SMS_DISCARD && form < MSG_SMS_STORE &&
				 !rows[i].discards)
				want = MSG_SMS_STORE | (form & MSG_SMS_WAITING_MASK);
			assert_int_equal(msg_sms_form(msg_sms_dcs(form, rows[i].coding)), want);
		}
	}
}

static void what_says_nothing_has_the_plain_scheme_of_its_alphabet(void **state)
{
	assert_int_equal(msg_sms_dcs(0, MSG_CODING_GSM7), 0);
	assert_int_equal(msg_sms_dcs(0, MSG_CODING_UCS2), 8);
	assert_int_equal(msg_sms_dcs(0, MSG_CODING_BINARY), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_form_says_the_class_or_what_waits_and_nothing_of_the_alphabet),
		cmocka_unit_test(a_form_comes_back_from_its_scheme),
		cmocka_unit_test(what_says_nothing_has_the_plain_scheme_of_its_alphabet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
