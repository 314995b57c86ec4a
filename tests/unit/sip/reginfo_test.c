/* application/reginfo+xml (RFC 3680). */
#include "test.h"

#include <stdio.h>

#include "sip/features.h"
#include "sip/reginfo.h"
#include "xml/xml.h"

#define HEAD "<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" "
#define ICSI "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."

static struct sip_reginfo info;
static char               room[65536];

static enum sip_body parse(const char *text, size_t n)
{
	uint8_t      *exact = test_copy(text, n);
	struct put    w = put_to(room, n);
	enum sip_body fault = sip_reginfo_parse(cur_of(exact, n), &w, &info);

	if (fault != SIP_BODY_OK)
		free(exact);
	return fault; /* else it is lent from, until the test ends */
}

static const uint8_t *kept;

static enum sip_body parse_kept(const char *text)
{
	size_t     n = strlen(text);
	struct put w = put_to(room, n);

	kept = test_copy(text, n);
	return sip_reginfo_parse(cur_of(kept, n), &w, &info);
}

static void forget(void)
{
	free((void *)(uintptr_t)kept);
	kept = NULL;
}

/* As TS 24.229 has it (table 5.4.2.1.2-1): each identity of the implicit set, each with its
 * contacts. */
static const char whole[] = HEAD
	"xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\" version=\"7\" state=\"full\">\n"
	" <registration aor=\"sip:alice@home.example\" id=\"a7\" state=\"active\">\n"
	"  <contact id=\"76\" state=\"active\" event=\"registered\" duration-registered=\"7\" "
	"q=\"0.8\">\n"
	"   <uri>sip:[2001:db8::1]</uri>\n"
	"   <unknown-param name=\"+g.3gpp.smsip\"/>\n"
	"   <unknown-param name=\"+g.3gpp.icsi-ref\">\"" ICSI "msg," ICSI
	"largemsg\"</unknown-param>\n"
	"   <gr:pub-gruu uri=\"sip:alice@home.example;gr=1\"/>\n"
	"  </contact>\n"
	"  <contact id=\"77\" state=\"terminated\" event=\"expired\"><uri>sip:b</uri></contact>\n"
	" </registration>\n"
	" <registration aor=\"tel:+46701234567\" id=\"a8\" state=\"init\"/>\n"
	" <x:more xmlns:x=\"urn:more\"><x:registration/></x:more>\n"
	"</reginfo>\n";

static void where_somebody_is_registered_is_read_with_what_it_takes(void **state)
{
	(void)state;
	assert_int_equal(parse_kept(whole), SIP_BODY_OK);
	assert_int_equal(info.version, 7);
	assert_true(info.full);
	assert_int_equal(info.registration_count, 2);
	assert_int_equal(info.contact_count, 2);
	assert_true(str_eq(info.registrations[0].aor, STR("sip:alice@home.example")));
	assert_true(str_eq(info.registrations[0].id, STR("a7")));
	assert_true(info.registrations[0].active);
	assert_int_equal(info.registrations[0].first, 0);
	assert_int_equal(info.registrations[0].count, 2);
	assert_true(str_eq(info.contacts[0].id, STR("76")));
	assert_true(info.contacts[0].active);
	assert_int_equal(info.contacts[0].features,
			 SIP_FEATURE_SMSIP | SIP_FEATURE_CPM | SIP_FEATURE_LARGE);
	assert_false(info.contacts[1].active);
	assert_int_equal(info.contacts[1].features, 0);
	assert_true(str_eq(info.registrations[1].aor, STR("tel:+46701234567")));
	assert_false(info.registrations[1].active);
	assert_int_equal(info.registrations[1].count, 0);
	forget();
}

static void references_are_resolved(void **state)
{
	(void)state;
	assert_int_equal(parse_kept(HEAD
				    "version=\"0\" state=\"partial\">"
				    "<registration aor=\"sip:a&amp;b@h\" id=\"1\" state=\"active\">"
				    "<contact id=\"&#49;\" state=\"active\">"
				    "<unknown-param name=\"+g.3gpp.icsi&#45;ref\">&quot;" ICSI
				    "msg&quot;</unknown-param></contact></registration></reginfo>"),
			 SIP_BODY_OK);
	assert_false(info.full);
	assert_true(str_eq(info.registrations[0].aor, STR("sip:a&b@h")));
	assert_true(str_eq(info.contacts[0].id, STR("1")));
	assert_int_equal(info.contacts[0].features, SIP_FEATURE_CPM);
	forget();
}

static void what_is_no_such_document_is_refused(void **state)
{
#define REST "<registration aor=\"sip:a@h\" id=\"1\" state=\"active\">"
	static const char *const bad[] = {
		"",
		"reginfo",
		"<reginfo version=\"1\" state=\"full\"/>",
		"<reginfo xmlns=\"urn:else\" version=\"1\" state=\"full\"/>",
		HEAD "state=\"full\"/>",
		HEAD "version=\"1\"/>",
		HEAD "version=\"-1\" state=\"full\"/>",
		HEAD "version=\"x\" state=\"full\"/>",
		HEAD "version=\"1\" state=\"whole\"/>",
		HEAD "version=\"1\" state=\"full\">",
		HEAD "version=\"1\" state=\"full\"/><more/>",
		HEAD
		"version=\"1\" state=\"full\"><registration id=\"1\" state=\"active\"/></reginfo>",
		HEAD
		"version=\"1\" state=\"full\"><registration aor=\"sip:a@h\" id=\"1\"/></reginfo>",
		HEAD "version=\"1\" state=\"full\"><registration aor=\"sip:a@h\" "
		     "state=\"on\"/></reginfo>",
		HEAD "version=\"1\" state=\"full\">" REST
		     "<contact state=\"active\"/></registration></reginfo>",
		HEAD "version=\"1\" state=\"full\">" REST
		     "<contact id=\"1\"/></registration></reginfo>",
		HEAD "version=\"1\" state=\"full\">" REST
		     "<contact id=\"1\" state=\"init\"/></registration></reginfo>",
		HEAD "version=\"1\" state=\"full\">" REST
		     "<contact id=\"1\" state=\"active\"><unknown-param name=\"+g.3gpp.smsip\"><a/>"
		     "</unknown-param></contact></registration></reginfo>",
		"<!DOCTYPE r><r xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"1\"/>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], strlen(bad[i])) != SIP_BODY_SYNTAX)
			fail_msg("%s", bad[i]);
	}
}

static void a_document_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 2; n++)
		assert_int_equal(parse(whole, n), SIP_BODY_SYNTAX);
}

/* So many identities, each with so many contacts. */
static enum sip_body many(unsigned identities, unsigned contacts)
{
	static char text[65536];
	size_t      n = (size_t)snprintf(text, sizeof(text), HEAD "version=\"1\" state=\"full\">");
	enum sip_body fault;

	for (unsigned i = 0; i < identities; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "<registration aor=\"sip:%u@h\" id=\"%u\" state=\"active\">",
				      i, i);
		for (unsigned k = 0; k < contacts; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "<contact id=\"%u\" state=\"active\"/>", k);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "</registration>");
	}
	snprintf(text + n, sizeof(text) - n, "</reginfo>");
	fault = parse_kept(text);
	forget();
	return fault;
}

static void what_is_too_much_is_refused(void **state)
{
	(void)state;
	assert_int_equal(many(SIP_REGINFO_REGISTRATIONS_MAX, 4), SIP_BODY_OK);
	assert_int_equal(info.contact_count, SIP_REGINFO_CONTACTS_MAX);
	assert_int_equal(many(SIP_REGINFO_REGISTRATIONS_MAX + 1, 1), SIP_BODY_LIMIT);
	assert_int_equal(many(1, SIP_REGINFO_CONTACTS_MAX), SIP_BODY_OK);
	assert_int_equal(many(1, SIP_REGINFO_CONTACTS_MAX + 1), SIP_BODY_LIMIT);
}

/* Never more than the document has. */
static void a_room_that_is_too_small_is_told(void **state)
{
	static const char text[] =
		HEAD "version=\"1\" state=\"full\"><registration aor=\"sip:&amp;@h\" "
		     "id=\"1\" state=\"active\"/></reginfo>";
	struct put w = put_to(room, 3);

	(void)state;
	assert_int_equal(
		sip_reginfo_parse(cur_of((const uint8_t *)text, sizeof(text) - 1), &w, &info),
		SIP_BODY_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_somebody_is_registered_is_read_with_what_it_takes),
		cmocka_unit_test(references_are_resolved),
		cmocka_unit_test(what_is_no_such_document_is_refused),
		cmocka_unit_test(a_document_cut_anywhere_is_refused),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(a_room_that_is_too_small_is_told),
	};

	return cmocka_run_group_tests_name("sip reginfo", tests, NULL, NULL);
}
