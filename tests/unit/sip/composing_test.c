#include "bodies.h"

#include "sip/composing.h"

#define NS "urn:ietf:params:xml:ns:im-iscomposing"
#define OPEN "<?xml version='1.0'?><isComposing xmlns='" NS "'>"

static enum sip_body parse(const char *bytes, struct sip_composing *c)
{
	static char   room[512];
	struct put    w = put_to(room, sizeof(room));
	size_t        n = strlen(bytes);
	uint8_t      *copy = test_copy(bytes, n);
	enum sip_body got = sip_composing_parse(cur_of(copy, n), &w, c);

	/* What was lent is not looked at any more. */
	c->content_type = c->last_active = STR("");
	free(copy);
	return got;
}

static void documents_are_judged(void **state)
{
	static const struct {
		const char   *bytes;
		enum sip_body why;
		bool          active;
		uint32_t      refresh_s;
	} table[] = {
		{OPEN "<state>active</state><contenttype>text/plain</contenttype>"
		      "<refresh>90</refresh></isComposing>",
		 SIP_BODY_OK, true, 90},
		{OPEN "<state> active\n</state></isComposing>", SIP_BODY_OK, true, 120},
		{OPEN "<state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive>"
		      "</isComposing>",
		 SIP_BODY_OK, false, 120},
		{OPEN "<state>thinking</state></isComposing>", SIP_BODY_OK, false, 120},
		{OPEN "<state>active</state><refresh>0</refresh></isComposing>", SIP_BODY_OK, true,
		 60},
		{OPEN "<state>active</state><refresh>99999999999999999999</refresh></isComposing>",
		 SIP_BODY_OK, true, 86400},
		{OPEN "<state>active</state><x xmlns='y'><state/></x></isComposing>", SIP_BODY_OK,
		 true, 120},
		{OPEN "<state>active</state><refresh>-1</refresh></isComposing>", SIP_BODY_SYNTAX,
		 false, 0},
		{OPEN "<state>active</state><refresh/></isComposing>", SIP_BODY_SYNTAX, false, 0},
		{OPEN "<state>active</state><state>idle</state></isComposing>", SIP_BODY_REPEATED,
		 false, 0},
		{OPEN "<state/></isComposing>", SIP_BODY_MISSING, false, 0},
		{OPEN "</isComposing>", SIP_BODY_MISSING, false, 0},
		{"<isComposing><state>active</state></isComposing>", SIP_BODY_SYNTAX, false, 0},
		{OPEN "<state>active</state>", SIP_BODY_SYNTAX, false, 0},
		{"", SIP_BODY_SYNTAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sip_composing c;
		enum sip_body        got = parse(table[i].bytes, &c);

		assert_case(i, got, table[i].why);
		if (got != SIP_BODY_OK)
			continue;
		assert_int_equal(c.active, table[i].active);
		assert_int_equal(c.refresh_s, table[i].refresh_s);
	}
}

static void that_somebody_is_gone_is_a_state_that_is_idle_elsewhere(void **state)
{
	struct sip_composing c;

	(void)state;
	assert_int_equal(parse(OPEN "<state>gone</state></isComposing>", &c), SIP_BODY_OK);
	assert_true(c.gone && !c.active);
	assert_int_equal(parse(OPEN "<state>idle</state></isComposing>", &c), SIP_BODY_OK);
	assert_false(c.gone || c.active);
}

static void what_is_written_is_read_again(void **state)
{
	const struct sip_composing table[] = {
		{.active = true},
		{.active = true, .refresh_s = 600, .content_type = STR("text/<x>&")},
		{.last_active = STR("2003-01-27T10:43:00Z")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char                 text[512], room[512];
		struct put           w = put_to(text, sizeof(text)), r = put_to(room, sizeof(room));
		struct sip_composing c;

		sip_composing_put(&w, &table[i]);
		assert_false(w.failed);
		assert_int_equal(sip_composing_parse(cur_of(text, put_size(&w)), &r, &c),
				 SIP_BODY_OK);
		assert_int_equal(c.active, table[i].active);
		assert_int_equal(c.refresh_s, table[i].refresh_s ? table[i].refresh_s : 120);
		assert_true(str_eq(c.content_type, table[i].content_type));
		assert_true(str_eq(c.last_active, table[i].last_active));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_judged),
		cmocka_unit_test(that_somebody_is_gone_is_a_state_that_is_idle_elsewhere),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
