/* What the network says of requests of SIP that reach nobody. */
#include "test.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "sip_world.h"

#define QUOTE_MAX (576u - 20u - 8u) /* RFC 1812, 4.3.2.3 */

static const char site[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 10}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
	"  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, transport: udp, trusted: "
	"true}\n"
	"routes:\n"
	"  - {to: \"+4672\", via: [ims, smsc1]}\n"
	"  - {to: \"+4673\", via: [registered, smsc1]}\n"
	"subscribers:\n"
	"  - {address: \"+46731234567\", sip: \"sip:alice@example.org\", password: secret}\n";

/* A router on the way, which loses datagrams that begin so and may say so. */
static struct router {
	const char *loses;
	unsigned    silent; /* of those that it loses, the first that it says nothing about */
	unsigned    quoted; /* bytes of the packet that it quotes at most; 0: QUOTE_MAX */
	uint8_t     code;   /* of "unreachable" */
	bool        forged; /* the branch is another */
	unsigned    lost, said;
} router;

static void unreachable_say(const struct rte_ipv4_hdr *ip)
{
	uint16_t              whole = rte_be_to_cpu_16(ip->total_length);
	uint16_t              max = router.quoted != 0 ? (uint16_t)router.quoted : QUOTE_MAX;
	uint16_t              n = whole < max ? whole : max, size = (uint16_t)(20 + 8 + n);
	struct rte_mbuf      *m = rte_pktmbuf_alloc(sim.wire.host_pool);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *outer;
	struct rte_icmp_hdr  *icmp;
	char                 *branch;

	ether = (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(RTE_ETHER_HDR_LEN + size));
	*ether = (struct rte_ether_hdr){.dst_addr = {{2, 0, 0, 0, 0, 1}},
					.src_addr = {{2, 0, 0, 0, 0, 2}},
					.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)};
	outer = (struct rte_ipv4_hdr *)(ether + 1);
	*outer = (struct rte_ipv4_hdr){.version_ihl = 0x45,
				       .total_length = rte_cpu_to_be_16(size),
				       .time_to_live = 64,
				       .next_proto_id = IPPROTO_ICMP,
				       .src_addr = ip->dst_addr,
				       .dst_addr = ip->src_addr};
	outer->hdr_checksum = rte_ipv4_cksum(outer);
	icmp = (struct rte_icmp_hdr *)(outer + 1);
	*icmp = (struct rte_icmp_hdr){.icmp_type = 3, .icmp_code = router.code};
	memcpy(icmp + 1, ip, n);
	branch = memmem(icmp + 1, n, "z9hG4bK", 7);
	if (router.forged && branch != NULL)
		branch[20] = branch[20] == 'a' ? 'b' : 'a';
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, 8u + n);
	wire_host_transmit(&sim.wire, &m, 1);
	router.said++;
}

static bool router_passes(void *context, unsigned worker, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	(void)context;
	(void)worker;
	if (ip->version_ihl != 0x45 || ip->next_proto_id != IPPROTO_UDP || router.loses == NULL ||
	    strncmp((const char *)(udp + 1), router.loses, strlen(router.loses)) != 0)
		return true;
	if (router.lost++ >= router.silent)
		unreachable_say(ip);
	return false;
}

static int begin(void **state)
{
	world_open(state);
	sim_apply(&sim, site);
	sim.wire.passes = router_passes;
	router = (struct router){.code = 3};
	assert_true(sim_until(&sim, ims_answers_until_up, 5 * US_PER_SECOND));
	esme_begin();
	return 0;
}

static bool centre_has_it(struct sim *s)
{
	(void)s;
	return centre.count > 0;
}

static void a_message_that_reached_nobody_goes_to_the_next_target_at_once(void **state)
{
	static const uint8_t codes[] = {0, 1, 2, 3, 10, 13};

	(void)state;
	router.loses = "MESSAGE ";
	for (unsigned i = 0; i < sizeof(codes); i++) {
		centre.count = esme_answers = 0;
		router.code = codes[i];
		submit("+46721111111", "hello", 0);
		assert_true(sim_until(&sim, centre_has_it, 100000));
		assert_string_equal(centre.text, "hello");
		assert_true(sim_until(&sim, esme_answered, 100000));
		assert_int_equal(esme_answer.why, REASON_NONE);
		assert_int_equal(router.lost, i + 1);
	}
	assert_int_equal(sim_metric(&sim, METRIC_sip_requests_unreached), sizeof(codes));
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 0);
	sim_pass(&sim, 40 * US_PER_SECOND);
	assert_int_equal(router.lost, sizeof(codes)); /* nothing is sent again */
	assert_int_equal(centre.count, 1);
}

static void a_message_for_a_device_that_is_gone_goes_on_as_a_short_message(void **state)
{
	struct phone *alice = phone_udp(&sim.host, 6001);

	(void)state;
	send_register(alice, "sip:alice@example.org", "sip:alice@198.18.0.2:6001", "");
	assert_status(next_of(alice), "200");
	router.loses = "MESSAGE ";
	submit("+46731234567", "hello", 0);
	assert_true(sim_until(&sim, centre_has_it, 100000));
	assert_int_equal(router.lost, 1);
}

/* The first may have come, and its answer be on the way. */
static void what_was_sent_twice_is_not_given_up(void **state)
{
	(void)state;
	router.loses = "MESSAGE ";
	router.silent = 1;
	submit("+46721111111", "hello", 0);
	sim_pass(&sim, 5 * US_PER_SECOND);
	assert_true(router.said > 0);
	assert_int_equal(centre.count, 0);
	assert_int_equal(esme_answers, 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_requests_unreached), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 1);
}

static void assert_waits(void)
{
	router.loses = "MESSAGE ";
	submit("+46721111111", "hello", 0);
	sim_pass(&sim, 400000);
	assert_int_equal(router.said, 1);
	assert_int_equal(centre.count, 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_requests_unreached), 0);
	assert_int_equal(sim_metric(&sim, METRIC_sip_transactions_open), 1);
	router.loses = NULL;
	phone_answer(ims, next_of(ims), "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, 100000));
	assert_int_equal(esme_answer.why, REASON_NONE);
	assert_int_equal(centre.count, 0);
}

static void an_error_with_another_branch_ends_nothing(void **state)
{
	(void)state;
	router.forged = true;
	assert_waits();
}

static void an_error_that_quotes_too_little_ends_nothing(void **state)
{
	(void)state;
	router.quoted = 20 + 8;
	assert_waits();
}

/* Code 4: too big. The path is narrower, and the request comes again in fragments. */
static void an_error_that_says_too_big_ends_nothing(void **state)
{
	(void)state;
	router.code = 4;
	assert_waits();
}

static bool ims_is_down(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 1;
}

static void a_peer_that_reaches_nobody_is_down_at_its_next_question(void **state)
{
	(void)state;
	router.loses = "OPTIONS ";
	sim_pass(&sim, 30 * US_PER_SECOND - 10000);
	assert_int_equal(sim_metric(&sim, METRIC_links_up), 2);
	assert_true(sim_until(&sim, ims_is_down, US_PER_SECOND));
	router.loses = NULL;
	assert_true(sim_until(&sim, ims_answers_until_up, 60 * US_PER_SECOND));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, world_end)
	const struct CMUnitTest tests[] = {
		CASE(a_message_that_reached_nobody_goes_to_the_next_target_at_once),
		CASE(a_message_for_a_device_that_is_gone_goes_on_as_a_short_message),
		CASE(what_was_sent_twice_is_not_given_up),
		CASE(an_error_with_another_branch_ends_nothing),
		CASE(an_error_that_quotes_too_little_ends_nothing),
		CASE(an_error_that_says_too_big_ends_nothing),
		CASE(a_peer_that_reaches_nobody_is_down_at_its_next_question),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
