#include "bodies.h"

#include "sip/imdn.h"
#include "xml/xml.h"

#define NS "urn:ietf:params:xml:ns:imdn"
#define IDS "<message-id>34jk324j</message-id><datetime>2008-04-04T12:16:49-05:00</datetime>"
#define OPEN "<imdn xmlns=\"" NS "\">"

static const char display[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"" NS "\">\r\n"
	"  <message-id>34jk324j</message-id>\r\n  "
	"<datetime>2008-04-04T12:16:49-05:00</datetime>\r\n"
	"  <recipient-uri>sip:bob@example.com;x=1&amp;y</recipient-uri>\r\n"
	"  <original-recipient-uri>\r\n    sip:bob@example.com\r\n  </original-recipient-uri>\r\n"
	"  <subject><![CDATA[a < b]]> &#x26; c</subject>\r\n"
	"  <display-notification>\r\n    <status>\r\n      <displayed/>\r\n    </status>\r\n"
	"  </display-notification>\r\n</imdn>\r\n";

static enum sip_body parse(const char *bytes, size_t n, struct put *room, struct sip_imdn *imdn,
			   uint8_t **copy)
{
	*copy = test_copy(bytes, n);
	return sip_imdn_parse(cur_of(*copy, n), room, imdn);
}

static void every_field_of_a_notification_is_found(void **state)
{
	char            room[sizeof(display)];
	struct put      w = put_to(room, sizeof(room));
	struct sip_imdn n;
	uint8_t        *copy;

	(void)state;
	assert_int_equal(parse(display, sizeof(display) - 1, &w, &n, &copy), SIP_BODY_OK);
	assert_str(n.message_id, "34jk324j");
	assert_in_range((uintptr_t)n.message_id.p, (uintptr_t)copy,
			(uintptr_t)copy + sizeof(display));
	assert_str(n.datetime, "2008-04-04T12:16:49-05:00");
	assert_str(n.recipient_uri, "sip:bob@example.com;x=1&y");
	assert_str(n.original_recipient_uri, "sip:bob@example.com");
	assert_str(n.subject, "a < b & c");
	assert_int_equal(n.kind, SIP_IMDN_DISPLAY);
	assert_int_equal(n.status, SIP_IMDN_DISPLAYED);
	free(copy);
}

static void every_status_is_written_and_read_in_its_kind_and_no_other(void **state)
{
	static const bool allowed[SIP_IMDN_KIND_COUNT][SIP_IMDN_STATUS_COUNT] = {
		[SIP_IMDN_DELIVERY] = {[SIP_IMDN_DELIVERED] = true,
				       [SIP_IMDN_FAILED] = true,
				       [SIP_IMDN_FORBIDDEN] = true,
				       [SIP_IMDN_ERROR] = true},
		[SIP_IMDN_PROCESSING] = {[SIP_IMDN_PROCESSED] = true,
					 [SIP_IMDN_STORED] = true,
					 [SIP_IMDN_FORBIDDEN] = true,
					 [SIP_IMDN_ERROR] = true},
		[SIP_IMDN_INTERWORKING] = {[SIP_IMDN_LEGACY_SMS] = true,
					   [SIP_IMDN_LEGACY_MMS] = true,
					   [SIP_IMDN_FORBIDDEN] = true,
					   [SIP_IMDN_ERROR] = true},
		[SIP_IMDN_DISPLAY] = {[SIP_IMDN_DISPLAYED] = true,
				      [SIP_IMDN_FORBIDDEN] = true,
				      [SIP_IMDN_ERROR] = true},
	};

	(void)state;
	for (unsigned kind = 0; kind < SIP_IMDN_KIND_COUNT; kind++) {
		for (unsigned status = 0; status < SIP_IMDN_STATUS_COUNT; status++) {
			struct sip_imdn n = {.message_id = STR("a<b&\"c\""),
					     .datetime = STR("2008-04-04T12:16:49-05:00"),
					     .original_recipient_uri = STR("sip:x"),
					     .kind = (enum sip_imdn_kind)kind,
					     .status = (enum sip_imdn_status)status},
					again;
			char       text[1024], room[1024];
			struct put w = put_to(text, sizeof(text)), r = put_to(room, sizeof(room));

			sip_imdn_put(&w, &n);
			assert_int_equal(!w.failed, allowed[kind][status]);
			if (w.failed)
				continue;
			assert_int_equal(sip_imdn_parse(cur_of(text, put_size(&w)), &r, &again),
					 SIP_BODY_OK);
			assert_true(str_eq(again.message_id, n.message_id));
			assert_true(str_eq(again.datetime, n.datetime));
			assert_str(again.recipient_uri, "");
			assert_true(str_eq(again.original_recipient_uri, n.original_recipient_uri));
			assert_int_equal(again.kind, kind);
			assert_int_equal(again.status, status);
		}
	}
}

static void documents_are_judged(void **state)
{
	static const struct {
		const char   *bytes;
		enum sip_body why;
	} table[] = {
		{"<i:imdn xmlns:i='" NS
		 "'><i:message-id>1</i:message-id><i:datetime>2</i:datetime><i:"
		 "delivery-notification><i:status><i:delivered></i:delivered></i:status></"
		 "i:delivery-notification></i:imdn>",
		 SIP_BODY_OK},
		{OPEN IDS "<delivery-notification><status><delivered/></status><e xmlns='urn:x'>"
			  "<status><failed/></status></e></delivery-notification>"
			  "<message-id xmlns='urn:x'>2</message-id></imdn>",
		 SIP_BODY_OK},
		{OPEN IDS "<delivery-notification><status><delivered/><failed/></status>"
			  "</delivery-notification></imdn>",
		 SIP_BODY_REPEATED},
		{OPEN IDS "<delivery-notification><status><delivered/></status>"
			  "<status><delivered/></status></delivery-notification></imdn>",
		 SIP_BODY_REPEATED},
		{OPEN IDS "<message-id>2</message-id><delivery-notification><status><delivered/>"
			  "</status></delivery-notification></imdn>",
		 SIP_BODY_REPEATED},
		{OPEN IDS "<delivery-notification><status><delivered/></status>"
			  "</delivery-notification><display-notification/></imdn>",
		 SIP_BODY_REPEATED},
		{OPEN IDS "<delivery-notification><status><displayed/></status>"
			  "</delivery-notification></imdn>",
		 SIP_BODY_SYNTAX},
		{OPEN IDS "<delivery-notification><status/></delivery-notification></imdn>",
		 SIP_BODY_MISSING},
		{OPEN IDS "</imdn>", SIP_BODY_MISSING},
		{OPEN "<datetime>x</datetime><delivery-notification><status><delivered/></status>"
		      "</delivery-notification></imdn>",
		 SIP_BODY_MISSING},
		{OPEN "<message-id>  </message-id><datetime>x</datetime><delivery-notification>"
		      "<status><delivered/></status></delivery-notification></imdn>",
		 SIP_BODY_MISSING},
		{OPEN "<message-id>a<b/></message-id></imdn>", SIP_BODY_SYNTAX},
		{"<imdn>" IDS "</imdn>", SIP_BODY_SYNTAX},
		{"", SIP_BODY_SYNTAX},
		{"hello", SIP_BODY_SYNTAX},
		{"<!DOCTYPE imdn [<!ENTITY a 'b'>]>" OPEN IDS "</imdn>", SIP_BODY_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char            room[1024];
		struct put      w = put_to(room, sizeof(room));
		struct sip_imdn n;
		uint8_t        *copy;

		assert_case(i, parse(table[i].bytes, strlen(table[i].bytes), &w, &n, &copy),
			    table[i].why);
		free(copy);
	}
}

static void a_document_cut_anywhere_is_refused(void **state)
{
	size_t end = sizeof(display) - 1 - 2; /* the line end after it is no part of it */

	(void)state;
	for (size_t cut = 0; cut < end; cut++) {
		char            room[sizeof(display)];
		struct put      w = put_to(room, sizeof(room));
		struct sip_imdn n;
		uint8_t        *copy;

		assert_int_equal(parse(display, cut, &w, &n, &copy), SIP_BODY_SYNTAX);
		free(copy);
	}
}

static void decoding_into_a_room_too_small_is_a_limit(void **state)
{
	char            room[10];
	struct put      w = put_to(room, sizeof(room));
	struct sip_imdn n;
	uint8_t        *copy;

	(void)state;
	assert_int_equal(parse(display, sizeof(display) - 1, &w, &n, &copy), SIP_BODY_LIMIT);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_notification_is_found),
		cmocka_unit_test(every_status_is_written_and_read_in_its_kind_and_no_other),
		cmocka_unit_test(documents_are_judged),
		cmocka_unit_test(a_document_cut_anywhere_is_refused),
		cmocka_unit_test(decoding_into_a_room_too_small_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
