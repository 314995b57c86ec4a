/* The bodies that a device takes: short messages over IP (TS 24.341), message/cpim or text alone.
 */
#include "sip_world.h"

#include "msg/concat.h"
#include "sip/rp.h"
#include "sip/tpdu.h"

static void send_register_with(struct phone *p, const char *feature)
{
	sequence++;
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\n"
		   "From: <sip:alice@example.org>;tag=f%u\r\nTo: <sip:alice@example.org>\r\n"
		   "Call-ID: reg%u\r\nCSeq: %u REGISTER\r\n"
		   "Contact: <sip:alice@198.18.0.2:%u>;%s\r\nContent-Length: 0\r\n\r\n",
		   p->port, sequence, sequence, sequence, sequence, p->port, feature);
	assert_status(next_of(p), "200");
}

/* An RPDU of alice's; in_reply_to: the message that it reports on, or NULL. */
static void send_rpdu(struct phone *p, const char *in_reply_to, const void *rpdu, size_t n)
{
	char head[1024], reply[256] = "";

	sequence++;
	if (in_reply_to != NULL)
		snprintf(reply, sizeof(reply), "In-Reply-To: %s\r\n", in_reply_to);
	snprintf(head, sizeof(head),
		 "MESSAGE sip:smsc@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.18.0.2:%u;rport;branch=z9hG4bKs%u\r\nMax-Forwards: 70\r\n"
		 "From: <sip:alice@example.org>;tag=f%u\r\nTo: <sip:smsc@example.org>\r\n"
		 "Call-ID: sms%u\r\nCSeq: %u MESSAGE\r\n%s"
		 "Content-Type: application/vnd.3gpp.sms\r\n",
		 p->port, sequence, sequence, sequence, sequence, reply);
	phone_send_body(p, head, rpdu, n);
}

static const uint8_t submit_hello[] = {0x00, 0x2a, 0x00, 0x07, 0x91, 0x64, 0x07, 0x05, 0x80, 0x99,
				       0xf9, 0x12, 0x21, 0x05, 0x0b, 0x91, 0x64, 0x07, 0x21, 0x43,
				       0x65, 0xf7, 0x00, 0x00, 0x05, 0xe8, 0x32, 0x9b, 0xfd, 0x06};

static void a_short_message_over_ip_reaches_the_centre_and_its_receipt_the_device(void **state)
{
	struct phone  *alice = phone_udp(&sim.host, 6001);
	const char    *text;
	const uint8_t *body;
	uint8_t        scts[7];

	(void)state;
	send_register_with(alice, "+g.3gpp.smsip");
	send_rpdu(alice, NULL, submit_hello, sizeof(submit_hello));
	assert_status(next_of(alice), "202");
	text = next_of(alice);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE sip:alice@198.18.0.2:6001 ", 34);
	assert_string_equal(centre.from, "+46731234567");
	assert_string_equal(centre.to, "+46701234567");
	assert_string_equal(centre.text, "hello");
	assert_int_not_equal(centre.wants, 0);
	assert_memory_equal(phone_header(text, "In-Reply-To"), "sms", 3);
	body = (const uint8_t *)phone_body(text);
	assert_memory_equal(body, ((uint8_t[]){3, 0x2a, 0x41, 9, 1, 0}), 6); /* RP-ACK */
	memcpy(scts, body + 6, 7);
	phone_answer(alice, text, "200 OK", "");
	centre_sends_receipt("+46701234567", "+46731234567", "1");
	text = next_of(alice);
	assert_non_null(text);
	body = (const uint8_t *)phone_body(text);
	assert_int_equal(body[0], 1);                          /* RP-DATA to a device */
	assert_memory_equal(body + 7, ((uint8_t[]){6, 5}), 2); /* STATUS-REPORT, TP-MR */
	assert_memory_equal(body + 9, submit_hello + 14, 8);   /* TP-RA: whom it was for */
	assert_memory_equal(body + 17, scts, 7);
	assert_int_equal(body[31], 0); /* received by the recipient */
	phone_answer(alice, text, "200 OK", "");
}

static void what_no_route_takes_is_told_by_an_error_to_the_device(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	uint8_t       rpdu[sizeof(submit_hello)];
	const char   *text;

	(void)state;
	memcpy(rpdu, submit_hello, sizeof(rpdu));
	rpdu[17] = 0x99; /* +4699 ... */
	send_register_with(alice, "+g.3gpp.smsip");
	send_rpdu(alice, NULL, rpdu, sizeof(rpdu));
	assert_status(next_of(alice), "202");
	text = next_of(alice);
	assert_non_null(text);
	assert_memory_equal(phone_body(text), ((uint8_t[]){5, 0x2a, 1, 1, 0x41, 10, 1, 0xc3}), 8);
}

static void a_device_of_short_messages_says_what_became_of_one(void **state)
{
	static const uint8_t ack[] = {2, 0}, memory_full[] = {4, 0, 1, 22};
	struct phone        *alice = phone_udp(&sim.host, 6001);
	uint8_t              answer[4];

	(void)state;
	send_register_with(alice, "+g.3gpp.smsip");
	esme_begin();
	for (unsigned full = 0; full < 2; full++) {
		const char *text;
		char        id[128];

		esme_answers = 0;
		submit("+46731234567", "hello", 0);
		text = next_of(alice);
		assert_non_null(text);
		assert_string_equal(phone_header(text, "Request-Disposition"), "no-fork");
		assert_non_null(strstr(phone_header(text, "Accept-Contact"), "+g.3gpp.smsip"));
		assert_string_equal(phone_header(text, "Content-Type"), "application/vnd.3gpp.sms");
		snprintf(id, sizeof(id), "%s", phone_header(text, "Call-ID"));
		memcpy(answer, full ? memory_full : ack, sizeof(answer) / (full ? 1 : 2));
		answer[1] = (uint8_t)phone_body(text)[1];
		phone_answer(alice, text, "200 OK", "");
		sim_pass(&sim, US_PER_SECOND);
		assert_int_equal(esme_answers, 0); /* the device has it: no more is known yet */
		send_rpdu(alice, id, answer, full ? 4 : 2);
		assert_status(next_of(alice), "202");
		assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
		/* What it cannot keep now goes to the next target of the route. */
		assert_int_equal(esme_answer.why, REASON_NONE);
		assert_int_equal(centre.count, full);
	}
}

/* 200 to the request, and the report that its RP-DATA arrived. */
static void acknowledge(struct phone *p, const char *request)
{
	uint8_t ack[] = {2, (uint8_t)phone_body(request)[1]};
	char    id[128];

	snprintf(id, sizeof(id), "%s", phone_header(request, "Call-ID"));
	phone_answer(p, request, "200 OK", "");
	send_rpdu(p, id, ack, sizeof(ack));
	assert_status(next_of(p), "202");
}

static void a_long_message_goes_to_a_device_of_short_ones_part_by_part(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	char          long_text[401];

	(void)state;
	send_register_with(alice, "+g.3gpp.smsip");
	esme_begin();
	memset(long_text, 'x', sizeof(long_text));
	long_text[400] = '\0';
	submit("+46731234567", long_text, 0);
	for (unsigned part = 1; part <= 3; part++) { /* of 152, 152 and 96 */
		const char *text = next_of(alice);

		assert_non_null(text);
		assert_memory_equal(phone_body(text), ((uint8_t[]){1}), 1);
		assert_int_equal(sim_metric(&sim, METRIC_sip_sms_out), part);
		sim_pass(&sim, 100000);
		assert_null(phone_take(alice));
		assert_int_equal(esme_answers, 0);
		acknowledge(alice, text);
	}
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(centre.count, 0);
}

/* The text of the short message in a request, behind what there is; its tables. */
static struct text_tables part_text(const char *request, char *text, size_t size)
{
	uint8_t           body[SIP_TPDU_BODY_MAX], udh_size;
	struct put        w = put_to(body, sizeof(body));
	struct concat_udh udh = {.size = 0};
	struct sip_rp     rp;
	struct sip_tpdu   t;
	size_t            at = strlen(text), n;

	n = strtoul(phone_header(request, "Content-Length"), NULL, 10);
	assert_int_equal(sip_rp_parse(cur_of(phone_body(request), n), &rp), SIP_BODY_OK);
	assert_int_equal(sip_tpdu_parse(rp.user_data, rp.type, &t), SIP_BODY_OK);
	sip_tpdu_unpack(&t, &w, &udh_size);
	if (udh_size > 0)
		assert_true(concat_parse(body, put_size(&w), &udh));
	n = text_to_utf8(sip_tpdu_dcs(t.dcs).coding, udh.tables, body + udh_size,
			 put_size(&w) - udh_size, text + at, size - at - 1);
	text[at + n] = '\0';
	return udh.tables;
}

/* 251 characters; in UCS-2, 66 or 67 a part. */
#define TURKISH                                                                                             \
	"Değerli müşterimiz, kargonuz yarın öğleden sonra adresinize ulaştırılacaktır. Teslimat " \
	"sırasında kimliğinizi göstermeniz gerekmektedir. Başka bir gün seçmek isterseniz lütfen "  \
	"müşteri hizmetlerimizi arayınız. İyi günler dileriz, Şişli şubesi. Teşekkür."

/* The parts in which alice gets that text, which came in UCS-2 by SMPP. */
static unsigned turkish_parts(struct text_tables *tables)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	char          whole[1024] = "";
	unsigned      parts = 0;

	send_register_with(alice, "+g.3gpp.smsip");
	esme_begin();
	submit_ucs2("+46731234567", TURKISH);
	while (esme_answers == 0) {
		const char *request = next_of(alice);

		assert_non_null(request);
		*tables = part_text(request, whole, sizeof(whole));
		acknowledge(alice, request);
		parts++;
		sim_pass(&sim, 100000);
	}
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(sim_metric(&sim, METRIC_sip_sms_out), parts);
	assert_string_equal(whole, TURKISH);
	return parts;
}

static void a_turkish_text_takes_four_short_messages_in_ucs2(void **state)
{
	struct text_tables tables;

	(void)state;
	assert_int_equal(turkish_parts(&tables), 4);
	assert_int_equal(tables.locking, TEXT_DEFAULT);
	assert_int_equal(tables.shift, TEXT_DEFAULT);
}

static void a_turkish_text_takes_two_where_its_tables_may_be_used(void **state)
{
	struct text_tables tables;

	(void)state;
	assert_int_equal(turkish_parts(&tables), 2);
	assert_true(tables.locking == TEXT_TURKISH || tables.shift == TEXT_TURKISH);
}

static void a_status_report_of_the_network_reaches_the_device_that_sent(void **state)
{
	static const uint8_t report[] = {0x01, 0x11, 0x00, 0x00, 0x19, 0x06, 0x42, 0x0b,
					 0x91, 0x64, 0x07, 0x21, 0x43, 0x65, 0xf7, 0x62,
					 0x11, 0x72, 0x91, 0x41, 0x31, 0x00, 0x62, 0x11,
					 0x72, 0x91, 0x51, 0x31, 0x00, 0x45};
	struct phone        *alice = phone_udp(&sim.host, 6001);
	const char          *text;
	char                 head[512];

	(void)state;
	for (unsigned there = 0; there < 2; there++) {
		if (there)
			send_register_with(alice, "+g.3gpp.smsip");
		snprintf(head, sizeof(head),
			 "MESSAGE sip:alice@example.org SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 198.18.0.2:5070;rport;branch=z9hG4bKst%u\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:ip-sm-gw.ims.example>;tag=g\r\n"
			 "To: <sip:alice@example.org>\r\nCall-ID: st%u\r\nCSeq: 1 MESSAGE\r\n"
			 "Content-Type: application/vnd.3gpp.sms\r\n",
			 there, there);
		phone_send_body(ims, head, report, sizeof(report));
		assert_status(next_of(ims), "202");
		if (there) {
			text = next_of(alice);
			assert_non_null(text);
			/* RP-DATA; from its user data on as it came, but for our own number. */
			assert_memory_equal(phone_body(text) + 6, report + 4, sizeof(report) - 4);
			acknowledge(alice, text);
		}
		text = next_of(ims);
		assert_non_null(text);
		assert_int_equal(phone_body(text)[0], there ? 2 : 4);
		assert_int_equal(phone_body(text)[1], 0x11);
		phone_answer(ims, text, "200 OK", "");
	}
}

static void who_does_not_know_cpim_gets_text(void **state)
{
	const char *text;

	(void)state;
	esme_begin();
	submit("+46721234567", "Hello", MSG_WANT_SUCCESS);
	text = next_of(ims);
	assert_non_null(text);
	assert_string_equal(phone_header(text, "Content-Type"), "message/cpim");
	phone_answer(ims, text, "415 Unsupported Media Type", "Accept: text/plain\r\n");
	for (unsigned i = 0; i < 2; i++) { /* the same message, and the next */
		text = next_of(ims);
		assert_non_null(text);
		assert_string_equal(phone_body(text), "Hello");
		phone_answer(ims, text, "200 OK", "");
		assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
		assert_int_equal(esme_answer.why, REASON_NONE);
		esme_answers = 0;
		if (i == 0)
			submit("+46721234567", "Hello", MSG_WANT_SUCCESS);
	}
}

static void a_device_that_takes_cpim_in_name_only_gets_text(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);
	const char   *text;

	(void)state;
	send_register_with(alice, "+g.3gpp.icsi-ref=\""
				  "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"");
	esme_begin();
	submit("+46731234567", "Hello", MSG_WANT_SUCCESS);
	text = next_of(alice);
	assert_non_null(text);
	assert_string_equal(phone_header(text, "Content-Type"), "message/cpim");
	phone_answer(alice, text, "415 Unsupported Media Type", "Accept: text/plain\r\n");
	text = next_of(alice);
	assert_non_null(text);
	assert_string_equal(phone_body(text), "Hello");
	phone_answer(alice, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(sim_metric(&sim, METRIC_messages_failed_over), 0);
}

static bool three_arrived(struct sim *s)
{
	(void)s;
	return centre.count == 3;
}

/* RFC 5365 */
static void a_list_of_recipients_is_a_message_to_each(void **state)
{
	static const char body[] =
		"--b\r\nContent-Type: text/plain\r\n\r\nto all\r\n--b\r\n"
		"Content-Type: application/resource-lists+xml\r\n"
		"Content-Disposition: recipient-list\r\n\r\n"
		"<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>"
		"<entry uri=\"tel:+46701234567\"/><entry uri=\"tel:+46709999999\"/>"
		"<entry "
		"uri=\"sip:+46701111111@example.org\"/></list></resource-lists>\r\n--b--\r\n";

	(void)state;
	phone_send(ims,
		   "MESSAGE sip:all@example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:5070;rport;branch=z9hG4bKlist\r\n"
		   "Max-Forwards: 70\r\nFrom: <sip:+46721111111@ims.example>;tag=l\r\n"
		   "To: <sip:all@example.org>\r\nCall-ID: list\r\nCSeq: 1 MESSAGE\r\n"
		   "Require: recipient-list-message\r\n"
		   "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %zu\r\n\r\n%s",
		   sizeof(body) - 1, body);
	assert_status(next_of(ims), "202");
	assert_true(sim_until(&sim, three_arrived, US_PER_SECOND));
	assert_string_equal(centre.text, "to all");
	assert_string_equal(centre.from, "+46721111111");
	sim_pass(&sim, US_PER_SECOND);
	assert_null(ims_take());
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 0);
}

int main(void)
{
#define OPEN(f) cmocka_unit_test_setup_teardown(f, world_open, world_end)
#define TURKISH_WORLD(f) cmocka_unit_test_setup_teardown(f, world_turkish, world_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, world_of_two, world_end)
	const struct CMUnitTest tests[] = {
		OPEN(a_short_message_over_ip_reaches_the_centre_and_its_receipt_the_device),
		OPEN(what_no_route_takes_is_told_by_an_error_to_the_device),
		OPEN(a_device_of_short_messages_says_what_became_of_one),
		TWO(a_short_message_over_ip_reaches_the_centre_and_its_receipt_the_device),
		TWO(a_device_of_short_messages_says_what_became_of_one),
		OPEN(a_list_of_recipients_is_a_message_to_each),
		TWO(a_list_of_recipients_is_a_message_to_each),
		OPEN(a_long_message_goes_to_a_device_of_short_ones_part_by_part),
		OPEN(a_turkish_text_takes_four_short_messages_in_ucs2),
		TURKISH_WORLD(a_turkish_text_takes_two_where_its_tables_may_be_used),
		OPEN(a_status_report_of_the_network_reaches_the_device_that_sent),
		OPEN(who_does_not_know_cpim_gets_text),
		OPEN(a_device_that_takes_cpim_in_name_only_gets_text),
	};

	sim_eal();
	return cmocka_run_group_tests_name("sip bodies", tests, NULL, NULL);
}
