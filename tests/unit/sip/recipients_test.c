#include "bodies.h"

#include "sip/recipients.h"

#define OPEN                                                                                       \
	"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists' "                           \
	"xmlns:cp='urn:ietf:params:xml:ns:copycontrol'>"
#define CLOSE "</resource-lists>"

/* How many entries come before the end; *fault: why it ended. */
static unsigned count(const char *bytes, size_t n, enum sip_body *fault)
{
	static char           room[XML_SIZE_MAX];
	struct put            w = put_to(room, sizeof(room));
	uint8_t              *copy = test_copy(bytes, n);
	struct sip_recipients l;
	struct sip_recipient  entry;
	unsigned              entries = 0;

	sip_recipients_open(&l, cur_of(copy, n), &w);
	while (sip_recipients_next(&l, &entry))
		entries++;
	assert_false(sip_recipients_next(&l, &entry));
	*fault = l.fault;
	free(copy);
	return entries;
}

static void entries_of_all_lists_are_found_with_how_they_are_to_be_copied(void **state)
{
	static const char text[] =
		"<?xml version='1.0' encoding='UTF-8'?>\n" OPEN "<list name='a'>"
		"<display-name>x</display-name>"
		"<entry uri='sip:bill@example.com' cp:copyControl='to'><display-name>Bill"
		"</display-name></entry>"
		"<entry cp:copyControl='cc' uri='sip:randy@example.net?a=1&amp;b'/>"
		"<list><entry uri='tel:+15551230001' cp:copyControl='bcc' "
		"cp:anonymize='true'/></list>"
		"</list><list><entry uri='sip:joe@example.org' copyControl='bcc' x:y='z' "
		"xmlns:x='q'/></list>" CLOSE;
	static const struct {
		const char             *uri;
		enum sip_recipient_copy copy;
		bool                    anonymous;
	} expected[] = {
		{"sip:bill@example.com", SIP_RECIPIENT_TO, false},
		{"sip:randy@example.net?a=1&b", SIP_RECIPIENT_CC, false},
		{"tel:+15551230001", SIP_RECIPIENT_BCC, true},
		{"sip:joe@example.org", SIP_RECIPIENT_TO, false},
	};
	char                  room[sizeof(text)];
	struct put            w = put_to(room, sizeof(room));
	struct sip_recipients l;
	struct sip_recipient  entry;

	(void)state;
	sip_recipients_open(&l, cur_of(text, sizeof(text) - 1), &w);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(sip_recipients_next(&l, &entry));
		assert_true(str_eq(entry.uri, str_of(expected[i].uri)));
		assert_int_equal(entry.copy, expected[i].copy);
		assert_int_equal(entry.anonymous, expected[i].anonymous);
	}
	assert_false(sip_recipients_next(&l, &entry));
	assert_int_equal(l.fault, SIP_BODY_OK);
}

static void bad_lists_end_with_their_reason(void **state)
{
	static const struct {
		const char   *bytes;
		unsigned      entries; /* before the fault was seen */
		enum sip_body fault;
	} table[] = {
		{"", 0, SIP_BODY_SYNTAX},
		{"<resource-lists/>", 0, SIP_BODY_SYNTAX},
		{OPEN CLOSE, 0, SIP_BODY_MISSING},
		{OPEN "<list/>" CLOSE, 0, SIP_BODY_MISSING},
		{OPEN "<list><entry/></list>" CLOSE, 0, SIP_BODY_SYNTAX},
		{OPEN "<list><entry uri=''/></list>" CLOSE, 0, SIP_BODY_SYNTAX},
		{OPEN "<list><entry uri='sip:a'/><entry-ref ref='b'/></list>" CLOSE, 1,
		 SIP_BODY_SYNTAX},
		{OPEN "<list><external anchor='b'/></list>" CLOSE, 0, SIP_BODY_SYNTAX},
		{OPEN "<list><entry uri='sip:a'/></list>", 1, SIP_BODY_SYNTAX},
		{OPEN "<list><entry uri='sip:a'></list>" CLOSE, 0, SIP_BODY_SYNTAX},
		{OPEN
		 "<x xmlns='y'><entry xmlns='urn:ietf:params:xml:ns:resource-lists' uri='a'/></x>"
		 "<list><entry uri='sip:a'/></list>" CLOSE,
		 1, SIP_BODY_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum sip_body fault;
		unsigned      entries = count(table[i].bytes, strlen(table[i].bytes), &fault);

		assert_case(i, entries, table[i].entries);
		assert_case(i, fault, table[i].fault);
	}
}

static void as_many_entries_as_submit_multi_has_and_no_more(void **state)
{
	static char room[XML_SIZE_MAX];

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct put                 w = put_to(room, sizeof(room));
		const struct sip_recipient entry = {STR("sip:a&b@example.com"), SIP_RECIPIENT_BCC,
						    true};
		enum sip_body              fault;

		sip_recipients_begin(&w);
		for (unsigned i = 0; i < SIP_RECIPIENTS_MAX + over; i++)
			sip_recipients_put(&w, &entry);
		sip_recipients_end(&w);
		assert_false(w.failed);
		assert_int_equal(count(room, put_size(&w), &fault), SIP_RECIPIENTS_MAX);
		assert_int_equal(fault, over ? SIP_BODY_LIMIT : SIP_BODY_OK);
	}
}

static void a_room_too_small_for_a_uri_is_a_limit(void **state)
{
	static const char     text[] = OPEN "<list><entry uri='sip:a&amp;b'/></list>" CLOSE;
	char                  room[6];
	struct put            w = put_to(room, sizeof(room));
	struct sip_recipients l;
	struct sip_recipient  entry;

	(void)state;
	sip_recipients_open(&l, cur_of(text, sizeof(text) - 1), &w);
	assert_false(sip_recipients_next(&l, &entry));
	assert_int_equal(l.fault, SIP_BODY_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_all_lists_are_found_with_how_they_are_to_be_copied),
		cmocka_unit_test(bad_lists_end_with_their_reason),
		cmocka_unit_test(as_many_entries_as_submit_multi_has_and_no_more),
		cmocka_unit_test(a_room_too_small_for_a_uri_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
