/* Peers by name: found by DNS, followed when they move, kept while no server answers. */
#include "resolver.h"

#include <stdio.h>
#include <time.h>

#include "appliance.h"
#include "test.h"
#include "zone.h"

static struct appliance a;
static struct zone      zone;
static char            *server, *servers[1];

static void control_begin(void)
{
	control_start(&a);
	zone_serve(&zone, a.loop);
}

static void control_end(void)
{
	zone_serve(&zone, NULL);
	control_stop(&a);
}

static int start(void **state)
{
	static char text[32];

	(void)state;
	zone = (struct zone){.negative_ttl = 30};
	zone_open(&zone);
	snprintf(text, sizeof(text), "127.0.0.1:%u", zone.port);
	server = text;
	servers[0] = server;
	appliance_make(&a);
	a.control_file.control.dns = (struct conf_list){1, servers};
	a.control_file.port_count = 1;
	a.control_file.ports[0].addresses.n = 2;
	a.control_file.ports[0].addresses.items[1].ip6 = true;
	a.control_file.host_count = 1;
	a.control_file.hosts[0] = (struct conf_host){.name = "fixed.example"};
	dataplane_start(&a);
	control_begin();
	until_in_step(&a);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	control_end();
	appliance_remove(&a);
	zone_close(&zone);
	return 0;
}

/* What the dataplane has of a peer, as text; "?": nothing. */
static const char *has(const char *peer)
{
	static char                   text[512];
	const struct world           *w = dataplane_world(&a);
	const struct world_peer      *p = w != NULL ? world_peer_find(w, str_of(peer)) : NULL;
	const struct world_addresses *found = p != NULL ? world_peer_addresses(w, p->slot) : NULL;

	if (found == NULL)
		return "?";
	resolver_text(found, text, sizeof(text));
	return text;
}

static void turns_until(bool (*done)(const void *what), const void *what, const char *title)
{
	time_t end = time(NULL) + 20;

	while (!done(what)) {
		if (time(NULL) > end)
			fail_msg("in vain: %s; asked: %s", title, zone.asked);
		assert_int_equal(event_loop_turn(a.loop, 20), 0);
	}
}

struct wanted {
	const char *peer, *text;
};

static bool is_there(const void *what)
{
	const struct wanted *wanted = what;

	return strcmp(has(wanted->peer), wanted->text) == 0;
}

static void until_has(const char *peer, const char *text)
{
	char title[600];

	snprintf(title, sizeof(title), "%s at %s", peer, text);
	turns_until(is_there, &(struct wanted){peer, text}, title);
}

static uint64_t counted(enum metric id)
{
	return metrics_sum(control_counters(a.control), 1, id);
}

static bool ended_as_many(const void *what)
{
	return counted(METRIC_dns_lookups) >= *(const uint64_t *)what;
}

/* Time passes, and one more look-up ends. */
static void pass(uint64_t seconds)
{
	uint64_t wanted = counted(METRIC_dns_lookups) + 1;

	resolver_pass(a.control->resolver, seconds * 1000);
	turns_until(ended_as_many, &wanted, "another look-up");
	for (unsigned i = 0; i < 8; i++) /* and a tick, which tells of it */
		assert_int_equal(event_loop_turn(a.loop, 20), 0);
}

static struct resolver_state state_of(const char *peer)
{
	struct resolver_state s;

	assert_true(resolver_get(a.control->resolver, peer, &s));
	return s;
}

static const struct zone_record two_addresses[] = {
	{"smsc.example", "A", 60, "198.18.0.3"},
	{"smsc.example", "AAAA", 60, "2001:2::3"},
	{"smsc.example", "A", 60, "198.18.0.2"},
	{NULL, NULL, 0, NULL},
};
static const struct zone_record moved[] = {
	{"smsc.example", "A", 60, "198.18.0.9"},
	{NULL, NULL, 0, NULL},
};
static const struct zone_record nothing[] = {{NULL, NULL, 0, NULL}};

static void add_smsc(void)
{
	assert_int_equal(apply_one(&a, CONF_PEER,
				   "{\"name\": \"p\", \"host\": \"smsc.example\", \"password\": "
				   "\"x\"}"),
			 CHANGE_IN_FORCE);
}

static void a_peer_is_found_by_its_name_in_the_version_that_it_came_with(void **state)
{
	uint64_t version;

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	version = dataplane_version(&a);
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	assert_int_equal(dataplane_version(&a), version);
	assert_int_equal(dataplane_checksum(&a), a.control->checksum);
	assert_null(strstr(zone.asked, "SRV"));
	assert_null(strstr(zone.asked, "NAPTR"));
	assert_int_equal(counted(METRIC_dns_changes), 1);
	assert_string_equal(state_of("p").why, "");
	/* another peer of that host asks nobody */
	zone.asked[0] = '\0';
	apply_one(&a, CONF_PEER, "{\"name\": \"q\", \"host\": \"SMSC.example\", \"port\": 7}");
	until_has("q", "198.18.0.2, 198.18.0.3, 2001:2::3");
	assert_string_equal(zone.asked, "");
}

static void an_answer_is_asked_for_again_before_it_expires(void **state)
{
	unsigned published;

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	published = dataplane_published_count(&a);
	pass(55);
	assert_false(state_of("p").stale);
	assert_int_equal(dataplane_published_count(&a), published); /* nothing has changed */
	zone.records = moved;
	pass(55);
	until_has("p", "198.18.0.9");
	assert_int_equal(dataplane_published_count(&a), published + 1);
}

static void a_change_to_the_configuration_goes_on_beside_it(void **state)
{
	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	apply_one(&a, CONF_ROUTE, "{\"to\": \"+46\", \"via\": [\"p\"]}");
	apply_one(&a, CONF_PEER, "{\"name\": \"p\", \"host\": \"smsc.example\", \"window\": 7}");
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.records = moved;
	apply_one(&a, CONF_PEER, "{\"name\": \"p\", \"host\": \"other.example\"}");
	assert_string_equal(has("p"), "?");
	until_has("p", ""); /* there is no other.example */
	assert_string_equal(state_of("p").why, "there is no such name");
}

static const struct sip_case {
	const char        *title, *peer, *found;
	const char        *asked, *not_asked;
	struct zone_record records[8];
} sip_cases[] = {
	{"by NAPTR, SRV and addresses, in the order of priorities",
	 "\"transport\": \"udp\"",
	 "198.18.0.4:5071, [2001:2::4]:5071, 198.18.0.5:5072",
	 "SRV _x._udp.ims.example\n",
	 "SRV _sip",
	 {{"ims.example", "NAPTR", 60, "10 10 s SIP+D2T _x._tcp.ims.example"},
	  {"ims.example", "NAPTR", 60, "20 10 s SIP+D2U _x._udp.ims.example"},
	  {"_x._udp.ims.example", "SRV", 60, "20 1 5072 b.example"},
	  {"_x._udp.ims.example", "SRV", 60, "10 1 5071 a.example"},
	  {"a.example", "A", 60, "198.18.0.4"},
	  {"a.example", "AAAA", 60, "2001:2::4"},
	  {"b.example", "A", 60, "198.18.0.5"}}},
	{"without NAPTR by the usual name of its transport",
	 "\"transport\": \"tcp\"",
	 "198.18.0.4:5071",
	 "SRV _sip._tcp.ims.example\n",
	 "SRV _sip._udp",
	 {{"_sip._tcp.ims.example", "SRV", 60, "10 1 5071 a.example"},
	  {"_sip._udp.ims.example", "SRV", 60, "10 1 5099 b.example"},
	  {"a.example", "A", 60, "198.18.0.4"},
	  {"b.example", "A", 60, "198.18.0.5"}}},
	{"a server that cannot NAPTR is asked on",
	 "\"transport\": \"tcp\"",
	 "198.18.0.4:5071",
	 "SRV _sip._tcp.ims.example\n",
	 "?",
	 {{"ims.example", "SERVFAIL NAPTR", 0, NULL},
	  {"_sip._tcp.ims.example", "SRV", 60, "10 1 5071 a.example"},
	  {"a.example", "A", 60, "198.18.0.4"}}},
	{"without either by its addresses, and the usual port",
	 "\"transport\": \"udp\"",
	 "198.18.0.6",
	 "A ims.example\n",
	 "?",
	 {{"ims.example", "A", 60, "198.18.0.6"}}},
	{"a port that is given asks for addresses alone",
	 "\"transport\": \"udp\", \"port\": 5070",
	 "198.18.0.6",
	 "A ims.example\n",
	 "NAPTR",
	 {{"_sip._udp.ims.example", "SRV", 60, "10 1 5071 a.example"},
	  {"a.example", "A", 60, "198.18.0.4"},
	  {"ims.example", "A", 60, "198.18.0.6"}}},
	{"no such service",
	 "\"transport\": \"udp\"",
	 "",
	 "SRV _sip._udp.ims.example\n",
	 "A ims.example",
	 {{"_sip._udp.ims.example", "SRV", 60, "0 0 0 ."}, {"ims.example", "A", 60, "198.18.0.6"}}},
};

static void a_sip_peer_is_found_as_rfc_3263_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sip_cases) / sizeof(sip_cases[0]); i++) {
		const struct sip_case *t = &sip_cases[i];
		char                   json[256];

		zone.records = t->records;
		zone.asked[0] = '\0';
		snprintf(
			json, sizeof(json),
			"{\"name\": \"ims\", \"protocol\": \"sip\", \"host\": \"ims.example\", %s}",
			t->peer);
		assert_int_equal(apply_one(&a, CONF_PEER, json), CHANGE_IN_FORCE);
		until_has("ims", t->found);
		if (strstr(zone.asked, t->asked) == NULL || strstr(zone.asked, t->not_asked))
			fail_msg("%s: asked %s", t->title, zone.asked);
		remove_one(&a, CONF_PEER, "ims");
	}
}

static void a_name_that_is_no_more_leads_nowhere_until_it_is_back(void **state)
{
	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.records = nothing;
	pass(60);
	until_has("p", "");
	assert_string_equal(state_of("p").why, "there is no such name");
	assert_int_equal(counted(METRIC_dns_lookups_negative), 1);
	assert_int_equal(counted(METRIC_dns_names_stale), 0);
	zone.records = moved;
	pass(30); /* as the SOA says */
	until_has("p", "198.18.0.9");
	zone.records = nothing;
	zone.negative_ttl = 0; /* nothing is said: it is tried as after a failure */
	pass(60);
	until_has("p", "");
	zone.records = moved;
	pass(5);
	until_has("p", "198.18.0.9");
}

static void what_was_good_stays_while_servers_fail_and_is_counted(void **state)
{
	static const struct zone_record broken[] = {{"smsc.example", "SERVFAIL", 0, NULL},
						    {NULL, NULL, 0, NULL}};

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.records = broken;
	pass(55);
	assert_false(state_of("p").stale);
	assert_int_equal(state_of("p").failures, 1);
	assert_int_equal(counted(METRIC_dns_lookups_failed), 1);
	pass(5); /* the first retry: now the answer has expired */
	assert_true(state_of("p").stale);
	assert_int_equal(counted(METRIC_dns_names_stale), 1);
	pass(10);
	pass(20);
	assert_int_equal(state_of("p").failures, 4);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	assert_string_not_equal(state_of("p").why, "");
	zone.records = moved;
	pass(40);
	until_has("p", "198.18.0.9");
	assert_false(state_of("p").stale);
	assert_string_equal(state_of("p").why, "");
	assert_int_equal(counted(METRIC_dns_names_stale), 0);
}

static void what_half_an_answer_does_not_deny_stays(void **state)
{
	static const struct zone_record half[] = {{"smsc.example", "SERVFAIL AAAA", 0, NULL},
						  {"smsc.example", "A", 60, "198.18.0.2"},
						  {NULL, NULL, 0, NULL}};

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.records = half;
	pass(60);
	until_has("p", "198.18.0.2, 2001:2::3");
}

static void a_server_that_is_silent_changes_nothing_and_ends_the_look_up(void **state)
{
	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.silent = true;
	pass(60);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	assert_string_not_equal(state_of("p").why, "");
	assert_int_equal(state_of("p").failures, 1);
}

static void addresses_survive_the_end_of_either_side(void **state)
{
	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	dataplane_stop(&a, true); /* killed, and starts alone */
	control_end();
	dataplane_start(&a);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	dataplane_stop(&a, false); /* ended in order: its world is one image now */
	dataplane_start(&a);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.silent = true; /* control returns and learns nothing: what was known stays */
	control_begin();
	until_in_step(&a);
	assert_null(state_of("p").known);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	zone.silent = false;
	zone.records = moved;
	until_has("p", "198.18.0.9");
}

static void a_dataplane_without_a_world_gets_them_with_it(void **state)
{
	char command[128];

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
	dataplane_stop(&a, false);
	until_down(&a);
	snprintf(command, sizeof(command), "rm %s/state/world.*", a.dir);
	assert_int_equal(system(command), 0);
	dataplane_start(&a);
	assert_string_equal(has("p"), "?");
	until_in_step(&a);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
}

static void what_is_known_follows_a_change_that_comes_as_a_whole_world(void **state)
{
	char command[128];

	(void)state;
	zone.records = two_addresses;
	add_smsc();
	apply_one(&a, CONF_PEER, "{\"name\": \"q\", \"host\": \"smsc.example\"}");
	until_has("q", "198.18.0.2, 198.18.0.3, 2001:2::3");
	dataplane_stop(&a, false);
	until_down(&a);
	assert_int_equal(remove_one(&a, CONF_PEER, "q"), CHANGE_NOT_IN_FORCE);
	snprintf(command, sizeof(command), "rm %s/state/world.*", a.dir);
	assert_int_equal(system(command), 0);
	dataplane_start(&a);
	until_in_step(&a);
	assert_string_equal(has("p"), "198.18.0.2, 198.18.0.3, 2001:2::3");
	assert_null(world_peer_find(dataplane_world(&a), STR("q")));
}

static void nobody_is_asked_for_what_is_fixed_and_a_removed_peer_is_forgotten(void **state)
{
	struct resolver_state s;

	(void)state;
	zone.records = two_addresses;
	apply_one(&a, CONF_PEER, "{\"name\": \"f\", \"host\": \"fixed.example\"}");
	apply_one(&a, CONF_PEER, "{\"name\": \"l\", \"host\": \"198.18.0.2\"}");
	assert_false(resolver_at(a.control->resolver, 0, &s));
	zone.silent = true;
	add_smsc();
	for (unsigned i = 0; i < 20 && strstr(zone.asked, "smsc") == NULL; i++)
		event_loop_turn(a.loop, 50);
	assert_non_null(strstr(zone.asked, "A smsc.example"));
	assert_null(strstr(zone.asked, "fixed"));
	remove_one(&a, CONF_PEER, "p"); /* its question is still open */
	assert_false(resolver_get(a.control->resolver, "p", &s));
	zone.silent = false;
	add_smsc();
	until_has("p", "198.18.0.2, 198.18.0.3, 2001:2::3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(a_peer_is_found_by_its_name_in_the_version_that_it_came_with),
		TEST(an_answer_is_asked_for_again_before_it_expires),
		TEST(a_change_to_the_configuration_goes_on_beside_it),
		TEST(a_sip_peer_is_found_as_rfc_3263_says),
		TEST(a_name_that_is_no_more_leads_nowhere_until_it_is_back),
		TEST(what_was_good_stays_while_servers_fail_and_is_counted),
		TEST(what_half_an_answer_does_not_deny_stays),
		TEST(a_server_that_is_silent_changes_nothing_and_ends_the_look_up),
		TEST(addresses_survive_the_end_of_either_side),
		TEST(a_dataplane_without_a_world_gets_them_with_it),
		TEST(what_is_known_follows_a_change_that_comes_as_a_whole_world),
		TEST(nobody_is_asked_for_what_is_fixed_and_a_removed_peer_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
