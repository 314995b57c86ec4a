/* Where servers of other domains are: control with a DNS server of the test's own, asked as the
 * dataplane asks it. */
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "appliance.h"
#include "domains.h"
#include "zone.h"

static struct appliance a;
static struct zone      zone;
static char             server[32], *servers[] = {server};

static int begin(void **state)
{
	(void)state;
	appliance_make(&a);
	zone = (struct zone){.negative_ttl = 30};
	zone_open(&zone);
	snprintf(server, sizeof(server), "127.0.0.1:%u", zone.port);
	a.control_file.control.dns = (struct conf_list){1, servers};
	a.control_file.port_count = 1;
	a.control_file.ports[0].addresses.n = 1;
	a.control_file.host_count = 1;
	a.control_file.hosts[0] = (struct conf_host){.name = "fixed.example"};
	a.control_file.hosts[0].address.w[0] = htonl(0xc6120009);
	control_start(&a);
	zone_serve(&zone, a.loop);
	dataplane_start(&a);
	until_in_step(&a);
	return 0;
}

static int end(void **state)
{
	(void)state;
	zone_serve(&zone, NULL);
	control_stop(&a);
	appliance_remove(&a);
	zone_close(&zone);
	return 0;
}

/* Asked until it is known; -1 for a reason, of which text has the name. */
static void is_at(const char *domain, const char *text)
{
	struct world_addresses found = {.n = 0};
	char                   said[256] = "";

	for (unsigned i = 0; i < 1000 && said[0] == '\0'; i++) {
		char        room[WORLD_DOMAIN_QUESTION_SIZE_MAX];
		struct put  w = put_to(room, sizeof(room));
		struct cur  answer;
		enum reason why;

		world_domain_question_put(&w, str_of(domain));
		why = until_told(&a, dataplane_ask(&a, room, put_size(&w)), &answer);
		if (why != REASON_NONE)
			snprintf(said, sizeof(said), "%s", reason_name(why));
		else
			assert_true(world_addresses_unpack(&answer, &found));
		for (uint32_t k = 0; k < found.n; k++) {
			char address[INET6_ADDRSTRLEN];

			inet_ntop(found.items[k].ip6 ? AF_INET6 : AF_INET, found.items[k].w,
				  address, sizeof(address));
			snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s:%u",
				 k > 0 ? " " : "", address, found.items[k].port);
		}
	}
	assert_string_equal(said, text);
}

static void each_domain_is_found_as_rfc_6120_says(void **state)
{
	static const struct zone_record records[] = {
		{"_xmpp-server._tcp.far.example", "SRV", 60, "20 0 5270 two.far.example"},
		{"_xmpp-server._tcp.far.example", "SRV", 60, "10 0 5269 one.far.example"},
		{"one.far.example", "A", 60, "198.18.0.11"},
		{"two.far.example", "A", 60, "198.18.0.12"},
		{"plain.example", "A", 60, "198.18.0.13"},
		{"xn--fr-via.example", "A", 60, "198.18.0.16"},
		{"_xmpp-server._tcp.closed.example", "SRV", 60, "0 0 0 ."},
		{"closed.example", "A", 60, "198.18.0.14"},
		{"broken.example", "SERVFAIL", 0, NULL},
		{"_xmpp-server._tcp.broken.example", "SERVFAIL", 0, NULL},
		{NULL, NULL, 0, NULL},
	};

	(void)state;
	zone.records = records;
	is_at("far.example", "198.18.0.11:5269 198.18.0.12:5270");
	is_at("plain.example", "198.18.0.13:0");
	is_at("closed.example", "DOMAIN_UNKNOWN");
	is_at("nowhere.example", "DOMAIN_UNKNOWN");
	is_at("broken.example", "DOMAIN_UNREACHABLE");
	is_at("f\xc3\xa4r.example", "198.18.0.16:0");
	is_at("198.18.0.5", "DOMAIN_UNKNOWN");  /* nobody is asked */
	is_at("fixed.example", "198.18.0.9:0"); /* the same */
	assert_null(strstr(zone.asked, "fixed"));
	assert_null(strstr(zone.asked, "NAPTR"));
	assert_null(strstr(zone.asked, "198.18.0.5"));
}

static void an_answer_holds_as_long_as_it_says(void **state)
{
	static const struct zone_record one[] = {{"plain.example", "A", 60, "198.18.0.13"},
						 {NULL, NULL, 0, NULL}};
	static const struct zone_record other[] = {{"plain.example", "A", 60, "198.18.0.14"},
						   {"none.example", "A", 60, "198.18.0.15"},
						   {NULL, NULL, 0, NULL}};

	(void)state;
	zone.records = one;
	zone.negative_ttl = 60;
	is_at("plain.example", "198.18.0.13:0");
	is_at("none.example", "DOMAIN_UNKNOWN");
	zone.records = other;
	domains_pass(a.control->domains, 50 * 1000);
	is_at("plain.example", "198.18.0.13:0");
	is_at("none.example", "DOMAIN_UNKNOWN");
	domains_pass(a.control->domains, 15 * 1000);
	is_at("plain.example", "198.18.0.14:0");
	is_at("none.example", "198.18.0.15:0");
}

static void a_domain_that_is_forgotten_is_looked_up_anew(void **state)
{
	static const struct zone_record none[] = {{NULL, NULL, 0, NULL}};
	static const struct zone_record one[] = {{"plain.example", "A", 60, "198.18.0.13"},
						 {NULL, NULL, 0, NULL}};

	(void)state;
	zone.records = none;
	is_at("plain.example", "DOMAIN_UNKNOWN");
	zone.records = one;
	is_at("plain.example", "DOMAIN_UNKNOWN");
	domains_forget(a.control->domains, STR("plain.example"));
	domains_forget(a.control->domains, STR("other.example")); /* nothing is known of it */
	is_at("plain.example", "198.18.0.13:0");
}

static void the_oldest_domain_makes_room(void **state)
{
	static const struct zone_record none[] = {{NULL, NULL, 0, NULL}};
	uint8_t                         room[WORLD_ADDRESSES_SIZE_MAX];
	char                            name[32];

	(void)state;
	zone.records = none;
	for (unsigned i = 0; i < DOMAINS_KEPT_MAX + 10; i++) {
		struct put w = put_to(room, sizeof(room));

		snprintf(name, sizeof(name), "d%u.example", i);
		assert_int_equal(domains_answer(a.control->domains, str_of(name), &w), REASON_NONE);
		assert_int_equal(put_size(&w), 1); /* it is looked up, or waits for that */
	}
	is_at("d9.example", "DOMAIN_UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_domain_is_found_as_rfc_6120_says, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_holds_as_long_as_it_says, begin, end),
		cmocka_unit_test_setup_teardown(a_domain_that_is_forgotten_is_looked_up_anew, begin,
						end),
		cmocka_unit_test_setup_teardown(the_oldest_domain_makes_room, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
