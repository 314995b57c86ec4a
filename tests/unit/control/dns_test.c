/* What answers of DNS mean: times to live (RFC 2308), which records count (RFC 2782, 3263). */
#include "dns.h"

#include <ares.h>

#include "test.h"

/* example. of type A, class IN: 12 bytes of head, 13 of question. */
#define HEAD(flags, answers, authorities)                                                          \
	0x12, 0x34, 0x81, flags, 0, 1, 0, answers, 0, authorities, 0, 0, 7, 'e', 'x', 'a', 'm',    \
		'p', 'l', 'e', 0, 0, 1, 0, 1
#define A(t3, t2, t1, t0) 0xc0, 12, 0, 1, 0, 1, t3, t2, t1, t0, 0, 4, 10, 0, 0, 1
#define CNAME(t0) 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, t0, 0, 4, 1, 'x', 0xc0, 12
/* Names of one byte each, five numbers, the last of which is the minimum. */
#define SOA(t0, minimum)                                                                           \
	0xc0, 12, 0, 6, 0, 1, 0, 0, 0, t0, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0,  \
		0, 4, 0, 0, 0, minimum

static const struct ttl_case {
	const char *title;
	uint8_t     bytes[120];
	size_t      size;
	bool        positive, negative; /* is there such a time? */
	uint32_t    ttl_s;
} ttls[] = {
#define CASE(title, positive, negative, ttl, ...)                                                  \
	{                                                                                          \
		title, {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), positive, negative, ttl    \
	}
	CASE("one record", true, false, 300, HEAD(0x80, 1, 0), A(0, 0, 1, 44)),
	CASE("the least of two", true, false, 60, HEAD(0x80, 2, 0), A(0, 0, 1, 44), A(0, 0, 0, 60)),
	CASE("an alias counts as well", true, false, 7, HEAD(0x80, 2, 0), CNAME(7), A(0, 0, 0, 60)),
	CASE("the highest bit means 0", true, false, 0, HEAD(0x80, 1, 0), A(0x80, 0, 0, 60)),
	CASE("no name, and for how long: the minimum", false, true, 30, HEAD(0x83, 0, 1),
	     SOA(200, 30)),
	CASE("the SOA's own time where it is less", false, true, 20, HEAD(0x83, 0, 1), SOA(20, 90)),
	CASE("no record, and nothing is said", false, false, 0, HEAD(0x80, 0, 0)),
#undef CASE
};

static void times_to_live_are_read_and_nothing_beyond_the_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ttls) / sizeof(ttls[0]); i++) {
		const struct ttl_case *t = &ttls[i];

		for (size_t cut = 0; cut <= t->size; cut++) {
			uint8_t *exact = test_copy(t->bytes, cut);
			uint32_t ttl = 12345;
			bool     whole = cut == t->size;

			if (dns_ttl(cur_of(exact, cut), &ttl) != (whole && t->positive))
				fail_msg("%s, cut at %zu", t->title, cut);
			if (whole && t->positive)
				assert_int_equal(ttl, t->ttl_s);
			if (dns_negative_ttl(cur_of(exact, cut), &ttl) != (whole && t->negative))
				fail_msg("%s, cut at %zu", t->title, cut);
			if (whole && t->negative)
				assert_int_equal(ttl, t->ttl_s);
			free(exact);
		}
	}
}

static void a_name_without_end_ends_the_reading(void **state)
{
	uint8_t  labels[12 + 600] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1};
	uint32_t ttl;

	(void)state;
	for (size_t i = 12; i < sizeof(labels); i += 2)
		labels[i] = 1;
	assert_false(dns_ttl(cur_of(labels, sizeof(labels)), &ttl));
}

struct naptr {
	uint16_t    order, preference;
	const char *flags, *service, *replacement;
};

static const struct {
	const char    *title;
	struct naptr   records[4];
	enum transport transport;
	const char    *chosen; /* NULL: none */
} naptrs[] = {
	{"RFC 3263, 4.1: the example, for UDP",
	 {{50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"},
	  {90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"},
	  {100, 50, "s", "SIP+D2U", "_sip._udp.example.com"}},
	 TRANSPORT_UDP,
	 "_sip._udp.example.com"},
	{"and for TCP, which SIPS is not",
	 {{50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"},
	  {90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"},
	  {100, 50, "s", "SIP+D2U", "_sip._udp.example.com"}},
	 TRANSPORT_TCP,
	 "_sip._tcp.example.com"},
	{"order before preference",
	 {{20, 1, "s", "SIP+D2U", "b"}, {10, 9, "s", "SIP+D2U", "a"}},
	 TRANSPORT_UDP,
	 "a"},
	{"preference within an order",
	 {{10, 9, "s", "SIP+D2U", "a"}, {10, 1, "s", "SIP+D2U", "b"}},
	 TRANSPORT_UDP,
	 "b"},
	{"letters of either case", {{10, 1, "S", "sip+d2u", "a"}}, TRANSPORT_UDP, "a"},
	{"a rewriting is not followed", {{10, 1, "u", "E2U+sip", "a"}}, TRANSPORT_UDP, NULL},
	{"nor a record without a way on", {{10, 1, "s", "SIP+D2U", ""}}, TRANSPORT_UDP, NULL},
	{"another service", {{10, 1, "s", "XMPP+D2T", "a"}}, TRANSPORT_TCP, NULL},
};

static void of_naptr_records_the_one_for_the_transport_is_followed(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(naptrs) / sizeof(naptrs[0]); t++) {
		struct ares_naptr_reply        list[4] = {{0}};
		const struct ares_naptr_reply *chosen;
		unsigned                       n = 0;

		for (; n < 4 && naptrs[t].records[n].flags != NULL; n++) {
			const struct naptr *r = &naptrs[t].records[n];

			list[n] = (struct ares_naptr_reply){.order = r->order,
							    .preference = r->preference,
							    .flags = (unsigned char *)r->flags,
							    .service = (unsigned char *)r->service,
							    .replacement = (char *)r->replacement};
			if (n > 0)
				list[n - 1].next = &list[n];
		}
		chosen = dns_naptr_choose(list, "sip", naptrs[t].transport);
		if (chosen == NULL ? naptrs[t].chosen != NULL
				   : naptrs[t].chosen == NULL ||
					     strcmp(chosen->replacement, naptrs[t].chosen) != 0)
			fail_msg("%s: %s", naptrs[t].title,
				 chosen != NULL ? chosen->replacement : "none");
	}
}

struct srv {
	uint16_t    priority, weight, port;
	const char *host;
};

static const struct {
	const char *title;
	struct srv  records[4];
	unsigned    n;
	const char *hosts; /* in their order */
} srvs[] = {
	{"by priority", {{20, 0, 1, "b"}, {10, 0, 1, "a"}, {30, 0, 1, "c"}}, 3, "abc"},
	{"then by weight", {{10, 1, 1, "b"}, {10, 9, 1, "a"}, {5, 0, 1, "c"}}, 3, "cab"},
	{"then by name", {{10, 1, 1, "c"}, {10, 1, 1, "A"}, {10, 1, 1, "b"}}, 3, "Abc"},
	{"the root: no such service", {{0, 0, 0, "."}}, 1, ""},
	{"the root as c-ares may write it", {{0, 0, 5060, ""}}, 1, ""},
	{"nobody listens on port 0", {{10, 0, 0, "a"}, {20, 0, 1, "b"}}, 2, "b"},
};

static void srv_records_have_one_order_however_they_come(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(srvs) / sizeof(srvs[0]); t++) {
		for (unsigned turn = 0; turn < srvs[t].n; turn++) {
			struct ares_srv_reply        list[4] = {{0}};
			const struct ares_srv_reply *chosen[DNS_SERVERS_MAX];
			char                         hosts[8] = "";
			unsigned                     n;

			for (unsigned i = 0; i < srvs[t].n; i++) {
				const struct srv *r = &srvs[t].records[(i + turn) % srvs[t].n];

				list[i] = (struct ares_srv_reply){
					.priority = r->priority,
					.weight = r->weight,
					.port = r->port,
					.host = (char *)r->host,
					.next = i + 1 < srvs[t].n ? &list[i + 1] : NULL};
			}
			n = dns_srv_choose(list, chosen);
			for (unsigned i = 0; i < n; i++)
				strcat(hosts, chosen[i]->host);
			if (strcmp(hosts, srvs[t].hosts) != 0)
				fail_msg("%s: %s", srvs[t].title, hosts);
		}
	}
}

static void of_too_many_srv_records_the_best_are_kept(void **state)
{
	struct ares_srv_reply        list[40] = {{0}};
	const struct ares_srv_reply *chosen[DNS_SERVERS_MAX];

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		list[i] = (struct ares_srv_reply){.priority = (unsigned short)(i * 7 % 40),
						  .port = 1,
						  .host = "h",
						  .next = i < 39 ? &list[i + 1] : NULL};
	assert_int_equal(dns_srv_choose(list, chosen), DNS_SERVERS_MAX);
	for (unsigned i = 0; i < DNS_SERVERS_MAX; i++)
		assert_int_equal(chosen[i]->priority, i);
}

static void failures_are_tried_again_ever_later_up_to_five_minutes(void **state)
{
	static const uint32_t wanted[] = {5, 10, 20, 40, 80, 160, 300, 300, 300};

	(void)state;
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(dns_backoff(i), wanted[i]);
	assert_int_equal(dns_backoff(100000), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_to_live_are_read_and_nothing_beyond_the_answer),
		cmocka_unit_test(a_name_without_end_ends_the_reading),
		cmocka_unit_test(of_naptr_records_the_one_for_the_transport_is_followed),
		cmocka_unit_test(srv_records_have_one_order_however_they_come),
		cmocka_unit_test(of_too_many_srv_records_the_best_are_kept),
		cmocka_unit_test(failures_are_tried_again_ever_later_up_to_five_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
