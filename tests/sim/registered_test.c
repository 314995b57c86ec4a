/* Where devices are reached when their way there ends: a stream that is gone, a dataplane that was
 * killed. */
#include "test.h"

#include <unistd.h>

#include "sip_world.h"

static const char site[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 10}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
	"  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, transport: udp, trusted: "
	"true}\n"
	"routes:\n"
	"  - {to: \"+4673\", via: [registered, smsc1]}\n"
	"subscribers:\n"
	"  - {address: \"+46731234567\", sip: \"sip:alice@example.org\", password: secret}\n";

static char dir[] = "/tmp/cpm-registered.XXXXXX";

static int begin(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	world_state_dir = dir;
	world_of_two(state);
	sim_apply(&sim, site);
	esme_begin();
	return 0;
}

static int end(void **state)
{
	char path[64];

	world_end(state);
	snprintf(path, sizeof(path), "%s/registrations", dir);
	unlink(path);
	rmdir(dir);
	memcpy(strrchr(dir, '.') + 1, "XXXXXX", 6);
	return 0;
}

static bool centre_has_it(struct sim *s)
{
	(void)s;
	return centre.count > 0;
}

static uint64_t bindings(void)
{
	return directory_bindings(sim.dp.directory);
}

static void a_phone_whose_stream_is_gone_is_registered_no_more(void **state)
{
	struct phone *alice = phone_tcp(&sim.host);

	(void)state;
	sim_pass(&sim, 10000);
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	assert_int_equal(bindings(), 1);
	tcp_close(sim.host.tcp, alice->tcp, true);
	sim_pass(&sim, 10000);
	assert_int_equal(bindings(), 0);
	assert_int_equal(sim_metric(&sim, METRIC_registration_streams_ended), 1);
	assert_int_equal(sim_metric(&sim, METRIC_registration_streams_forgotten), 0);
	submit("+46731234567", "hello", 0);
	assert_true(sim_until(&sim, centre_has_it, 100000));
}

static void a_phone_with_two_ways_is_reached_by_the_other(void **state)
{
	struct phone *here = phone_udp(&sim.host, 6001), *there = phone_tcp(&sim.host);
	const char   *text;

	(void)state;
	sim_pass(&sim, 10000);
	send_register(here, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(here), "200");
	send_register(there, "sip:alice@example.org", "sip:alice@198.18.0.2:6002", "");
	assert_status(next_of(there), "200");
	assert_int_equal(bindings(), 2);
	tcp_close(sim.host.tcp, there->tcp, false);
	sim_pass(&sim, 10000);
	assert_int_equal(bindings(), 1);
	submit("+46731234567", "hello", 0);
	text = next_of(here);
	assert_non_null(text);
	assert_memory_equal(text, "MESSAGE ", 8);
	phone_answer(here, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, 100000));
	assert_int_equal(esme_answer.why, REASON_NONE);
}

/* From either worker, and without a word of the phone to the new dataplane. */
static void a_phone_over_datagrams_is_reached_after_a_kill(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001), *bob = phone_udp(&sim.host, 6002);

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	sim_killed(&sim, NULL);
	sim_apply(&sim, site);
	assert_int_equal(bindings(), 1);
	assert_true(sim_until(&sim, ims_answers_until_up, 30 * US_PER_SECOND));
	for (unsigned i = 0; i < 20; i++) { /* Call-IDs of both workers */
		const char *text;

		send_message(bob, "sip:alice@example.org", "sip:bob@example.org", "", "hi");
		text = next_of(alice);
		assert_non_null(text);
		assert_memory_equal(text, "MESSAGE sip:alice@198.18.0.2:6001 ", 34);
		phone_answer(alice, text, "200 OK", "");
		assert_status(next_of(bob), "200");
	}
}

/* The way to it is the peer's, whichever session that has then. */
static void a_user_of_an_s_cscf_is_reached_there_after_a_kill(void **state)
{
	const char *text;

	(void)state;
	phone_send(ims,
		   "REGISTER sip:198.18.0.1 SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bKcore\r\nMax-Forwards: 70\r\n"
		   "From: <sip:198.18.0.2:5070>;tag=c\r\n"
		   "To: <sip:+46731111111@home.example;user=phone>\r\nCall-ID: core\r\n"
		   "CSeq: 1 REGISTER\r\nContact: <sip:198.18.0.2:5070>\r\nExpires: 600000\r\n"
		   "Content-Length: 0\r\n\r\n");
	assert_status(next_of(ims), "200");
	sim_killed(&sim, NULL);
	sim_apply(&sim, site);
	assert_int_equal(bindings(), 1);
	assert_true(sim_until(&sim, ims_answers_until_up, 30 * US_PER_SECOND));
	send_message(phone_udp(&sim.host, 6002), "sip:+46731111111@example.org",
		     "sip:bob@example.org", "", "hi");
	text = next_of(ims);
	assert_non_null(text);
	assert_string_equal(phone_header(text, "Route"), "<sip:198.18.0.2:5070;lr>");
	assert_memory_equal(text, "MESSAGE sip:+46731111111@home.example;user=phone ", 49);
	phone_answer(ims, text, "200 OK", "");
}

static void a_phone_over_a_stream_registers_again_after_a_kill(void **state)
{
	struct phone *alice = phone_tcp(&sim.host);

	(void)state;
	sim_pass(&sim, 10000);
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	sim_killed(&sim, NULL);
	assert_int_equal(bindings(), 0);
}

/* RFC 5626, 5.3.1: an edge proxy whose connection to the device is gone says so. */
static void a_phone_whose_edge_has_lost_it_is_registered_no_more(void **state)
{
	struct phone *edge = phone_udp(&sim.host, 6001), *other = phone_udp(&sim.host, 6002);
	const char   *text;

	(void)state;
	send_register(other, "sip:alice@example.org", "sip:alice@198.18.0.2:6002", "");
	assert_status(next_of(other), "200");
	send_register(edge, "sip:alice@example.org", "sip:alice@192.0.2.1:5060;ob",
		      "Supported: path, outbound\r\nPath: <sip:flow7@198.18.0.2:6001;lr;ob>\r\n");
	assert_status(next_of(edge), "200");
	assert_int_equal(bindings(), 2);
	submit("+46731234567", "hello", 0);
	text = next_of(edge);
	assert_string_equal(phone_header(text, "Route"), "<sip:flow7@198.18.0.2:6001;lr;ob>");
	phone_answer(edge, text, "430 Flow Failed", "");
	text = next_of(other); /* the next of her places */
	assert_non_null(text);
	phone_answer(other, text, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, 100000));
	assert_int_equal(esme_answer.why, REASON_NONE);
	sim_pass(&sim, 10000);
	assert_int_equal(bindings(), 1);
	assert_int_equal(sim_metric(&sim, METRIC_registration_ways_gone), 1);
	submit("+46731234567", "again", 0);
	text = next_of(other);
	assert_non_null(text);
	assert_null(phone_take(edge));
}

/* Another refusal says nothing of the way. */
static void a_phone_that_refuses_stays_registered(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	submit("+46731234567", "hello", 0);
	phone_answer(alice, next_of(alice), "480 Temporarily Unavailable", "");
	assert_true(sim_until(&sim, centre_has_it, 100000));
	sim_pass(&sim, 10000);
	assert_int_equal(bindings(), 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(a_phone_whose_stream_is_gone_is_registered_no_more),
		CASE(a_phone_with_two_ways_is_reached_by_the_other),
		CASE(a_phone_whose_edge_has_lost_it_is_registered_no_more),
		CASE(a_phone_that_refuses_stays_registered),
		CASE(a_phone_over_datagrams_is_reached_after_a_kill),
		CASE(a_user_of_an_s_cscf_is_reached_there_after_a_kill),
		CASE(a_phone_over_a_stream_registers_again_after_a_kill),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
