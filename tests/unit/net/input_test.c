#include "rig.h"

static const uint8_t everyone[6] = {255, 255, 255, 255, 255, 255};

static void a_valid_tcp_segment_comes_out_with_its_header_lengths(void **state)
{
	struct net      *net = rig_new(0, 1);
	struct rte_mbuf *tcp[1];
	uint8_t          f[RIG_FRAME_MAX];
	size_t           n = rig_tcp_frame(f, rig_ip(2), rig_ip(1), 4000, 2775, 5);

	(void)state;
	memset(f + n, 0xee, 10); /* Ethernet's padding is cut off */
	assert_int_equal(rig_in(net, f, n + 10, tcp), 1);
	assert_int_equal(tcp[0]->l2_len, 14);
	assert_int_equal(tcp[0]->l3_len, 20);
	assert_int_equal(tcp[0]->pkt_len, n);
	rte_pktmbuf_free(tcp[0]);
	rig_end(net);
}

static void a_frame_cut_at_any_byte_is_dropped_and_counted_once(void **state)
{
	uint8_t frames[4][RIG_FRAME_MAX];
	uint8_t error[4 + 28] = {0};
	size_t  sizes[4];

	(void)state;
	rig_tcp_frame(frames[0], rig_ip(1), rig_ip(2), 2775, 4000, 0);
	memcpy(error + 4, frames[0] + 14, 28);
	sizes[0] = rig_tcp_frame(frames[0], rig_ip(2), rig_ip(1), 4000, 2775, 5);
	sizes[1] = rig_icmp_frame(frames[1], rig_ip(2), 8, 0, "\0\1\0\2abcdef", 10);
	sizes[2] = rig_icmp_frame(frames[2], rig_ip(2), 3, 1, error, sizeof(error));
	sizes[3] = rig_arp_frame(frames[3], everyone, 1, rig_peer_mac, rig_ip(2), rig_ip(1));
	for (unsigned i = 0; i < 4; i++) {
		for (size_t cut = 0; cut < sizes[i]; cut++) {
			struct net      *net = rig_new(0, 1);
			struct rte_mbuf *tcp[1];
			unsigned         waiting;

			assert_int_equal(rig_in(net, frames[i], cut, tcp), 0);
			net_tx_peek(net, 0, &waiting);
			assert_int_equal(waiting, 0);
			assert_int_equal(rig_metrics.value[METRIC_eth_dropped_short] +
						 rig_metrics.value[METRIC_ip_dropped_header] +
						 rig_metrics.value[METRIC_arp_dropped_malformed],
					 1);
			rig_end(net);
		}
	}
}

static void a_quoted_packet_cut_short_inside_a_whole_error_is_ignored(void **state)
{
	uint8_t quoted[RIG_FRAME_MAX], f[RIG_FRAME_MAX], rest[4 + 28] = {0};

	(void)state;
	rig_tcp_frame(quoted, rig_ip(1), rig_ip(2), 2775, 4000, 0);
	memcpy(rest + 4, quoted + 14, 28);
	for (size_t n = 4; n < sizeof(rest); n++) {
		struct net           *net = rig_new(0, 1);
		struct rte_mbuf      *tcp[1];
		struct net_icmp_error e;

		rig_in(net, f, rig_icmp_frame(f, rig_ip(9), 3, 4, rest, n), tcp);
		assert_int_equal(net_icmp_errors_take(net, &e, 1), 0);
		assert_int_equal(rig_metrics.value[METRIC_icmp_dropped_ignored], 1);
		rig_end(net);
	}
}

/* One byte changed, the header's checksum made right again where the change is in the header. */
static void what_must_be_dropped_is_dropped_for_its_reason(void **state)
{
	static const struct {
		unsigned at;
		uint8_t  value;
		bool     fix;
		unsigned why;
	} cases[] = {
		{0, 4, false, METRIC_eth_dropped_address},
		{13, 0xdd, false, METRIC_eth_dropped_type},
		{14, 0x65, true, METRIC_ip_dropped_header},
		{14, 0x44, false, METRIC_ip_dropped_header},
		{16, 0xff, true, METRIC_ip_dropped_header},
		{17, 19, true, METRIC_ip_dropped_header},
		{24, 1, false, METRIC_ip_dropped_checksum},
		{20, 0x20, true, METRIC_fragments_dropped_malformed},
		{21, 1, true, METRIC_ip_reasm_reqds},
		{26, 127, true, METRIC_ip_dropped_source},
		{26, 224, true, METRIC_ip_dropped_source},
		{26, 0, true, METRIC_ip_dropped_source},
		{29, 255, true, METRIC_ip_dropped_source},
		{29, 1, true, METRIC_ip_dropped_source},
		{33, 3, true, METRIC_ip_dropped_destination},
		{40, 9, false, METRIC_ip_dropped_tcp_checksum},
		{17, 39, true, METRIC_ip_dropped_tcp_checksum},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net         *net = rig_new(0, 1);
		struct rte_mbuf    *tcp[1];
		uint8_t             f[RIG_FRAME_MAX];
		size_t              n = rig_tcp_frame(f, rig_ip(2), rig_ip(1), 4000, 2775, 0);
		struct rte_ipv4_hdr ip;

		f[cases[i].at] = cases[i].value;
		if (cases[i].fix) {
			memcpy(&ip, f + 14, 20);
			ip.hdr_checksum = 0;
			ip.hdr_checksum = (uint16_t)~rte_raw_cksum(&ip, 20);
			memcpy(f + 14, &ip, 20);
		}
		assert_int_equal(rig_in(net, f, n, tcp), 0);
		if (rig_metrics.value[cases[i].why] != 1)
			fail_msg("case %zu was not counted as %s", i, metric_name(cases[i].why));
		rig_end(net);
	}
}

static void options_are_passed_over_but_not_a_source_route_or_a_bad_length(void **state)
{
	static const struct {
		uint8_t options[4];
		bool    passes;
	} cases[] = {
		{{1, 1, 1, 0}, true},    {{148, 4, 0, 0}, true},  {{0, 9, 9, 9}, true},
		{{131, 3, 4, 0}, false}, {{137, 3, 4, 0}, false}, {{7, 0, 0, 0}, false},
		{{7, 1, 0, 0}, false},   {{7, 5, 0, 0}, false},   {{1, 1, 1, 7}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net      *net = rig_new(0, 1);
		struct rte_mbuf *tcp[1];
		uint8_t          f[RIG_FRAME_MAX];
		size_t           n = rig_tcp_frame(f, rig_ip(2), rig_ip(1), 4000, 2775, 0);
		uint16_t         sum = 0;
		unsigned         got;

		memmove(f + 38, f + 34, n - 34);
		memcpy(f + 34, cases[i].options, 4);
		f[14] = 0x46;
		f[17] = (uint8_t)(f[17] + 4);
		memcpy(f + 24, &sum, 2);
		sum = (uint16_t)~rte_raw_cksum(f + 14, 24);
		memcpy(f + 24, &sum, 2);
		got = rig_in(net, f, n + 4, tcp);
		assert_int_equal(got, cases[i].passes ? 1 : 0);
		assert_int_equal(rig_metrics.value[METRIC_ip_dropped_options],
				 cases[i].passes ? 0 : 1);
		if (got > 0) {
			assert_int_equal(tcp[0]->l3_len, 24);
			rte_pktmbuf_free(tcp[0]);
		}
		rig_end(net);
	}
}

static void the_port_is_believed_about_checksums_only_where_its_profile_says_so(void **state)
{
	(void)state;
	for (unsigned profile = 0; profile < 2; profile++) {
		struct net_config c = rig_config(0, 1);
		struct net       *net;
		struct rte_mbuf  *m, *tcp[1];
		uint8_t           f[RIG_FRAME_MAX];
		size_t            n = rig_tcp_frame(f, rig_ip(2), rig_ip(1), 4000, 2775, 8);

		c.ports[0].rx_checksum = profile == 1;
		net = net_new(&c);
		f[n - 1] ^= 1; /* wrong, and the port says that it is good */
		m = rig_mbuf(f, n);
		m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		assert_int_equal(net_input_burst(net, rig_now, 0, &m, 1, tcp), profile);
		if (profile == 1)
			rte_pktmbuf_free(tcp[0]);
		f[n - 1] ^= 1; /* right, and the port says that it is bad */
		m = rig_mbuf(f, n);
		m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
		assert_int_equal(net_input_burst(net, rig_now, 0, &m, 1, tcp), 1 - profile);
		if (profile == 0)
			rte_pktmbuf_free(tcp[0]);
		rig_end(net);
	}
}

static void an_echo_request_is_answered_with_its_own_bytes(void **state)
{
	struct net         *net = rig_new(0, 1);
	struct rte_mbuf    *tcp[1];
	uint8_t             f[RIG_FRAME_MAX], out[RIG_FRAME_MAX];
	size_t              n = rig_icmp_frame(f, rig_ip(2), 8, 0, "\x12\x34\0\7hello", 9);
	struct rte_ipv4_hdr ip;

	(void)state;
	assert_int_equal(rig_in(net, f, n, tcp), 0);
	assert_int_equal(rig_out(net, out), n);
	assert_memory_equal(out, rig_peer_mac, 6);
	assert_memory_equal(out + 6, rig_mac, 6);
	memcpy(&ip, out + 14, 20);
	assert_int_equal(ip.src_addr, rig_ip(1));
	assert_int_equal(ip.dst_addr, rig_ip(2));
	assert_int_equal(rte_raw_cksum(&ip, 20), 0xffff);
	assert_int_equal(rte_raw_cksum(out + 34, n - 34), 0xffff);
	assert_int_equal(out[34], 0);
	assert_memory_equal(out + 38, "\x12\x34\0\7hello", 9);
	rig_end(net);
}

static void an_icmp_error_about_our_segment_is_handed_on_with_its_tuple(void **state)
{
	struct net           *net = rig_new(0, 1);
	struct rte_mbuf      *tcp[1];
	struct net_icmp_error e;
	uint8_t quoted[RIG_FRAME_MAX], f[RIG_FRAME_MAX], rest[4 + 28] = {0, 0, 0x05, 0x14};

	(void)state;
	rig_tcp_frame(quoted, rig_ip(1), rig_ip(2), 2775, 4000, 0);
	memcpy(rest + 4, quoted + 14, 28);
	rig_in(net, f, rig_icmp_frame(f, rig_ip(9), 3, 4, rest, sizeof(rest)), tcp);
	assert_int_equal(net_icmp_errors_take(net, &e, 1), 1);
	assert_int_equal(e.local.w[0], rig_ip(1));
	assert_int_equal(e.remote.w[0], rig_ip(2));
	assert_int_equal(e.local_port, 2775);
	assert_int_equal(e.remote_port, 4000);
	assert_int_equal(e.sequence, 0x01020304);
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, 4);
	assert_int_equal(e.mtu, 1300);
	assert_int_equal(net_icmp_errors_take(net, &e, 1), 0);
	rig_end(net);
}

/* RFC 1812, 4.3.2.3: as much as fits into 576 bytes, and no padding of the frame. */
static void an_unreachable_quotes_as_much_as_may_be(void **state)
{
	struct net      *net = rig_new(0, 1);
	struct rte_mbuf *tcp[1];
	uint8_t          f[RIG_FRAME_MAX], out[RIG_FRAME_MAX], datagram[1400];

	(void)state;
	for (size_t i = 0; i < sizeof(datagram); i++)
		datagram[i] = (uint8_t)i;
	for (size_t size = 8; size <= sizeof(datagram); size += 24) {
		size_t whole = 20 + size, quoted = whole < 548 ? whole : 548;

		memcpy(datagram, "\x10\x00\x13\xc4\x00\x00\x00\x00", 8);
		datagram[4] = (uint8_t)(size >> 8);
		datagram[5] = (uint8_t)size;
		rig_now.us += US_PER_SECOND;
		rig_in(net, f, rig_ip_frame(f, 17, rig_ip(2), rig_ip(1), datagram, size), tcp);
		assert_int_equal(rig_out(net, out), 14 + 20 + 8 + quoted);
		assert_memory_equal(out + 42, f + 14, quoted);
		assert_int_equal(rte_raw_cksum(out + 34, 8 + quoted), 0xffff);
	}
	rig_end(net);
}

static void unreachables_are_sent_with_a_limit(void **state)
{
	struct net      *net = rig_new(0, 1);
	struct rte_mbuf *tcp[1];
	uint8_t          f[RIG_FRAME_MAX], out[RIG_FRAME_MAX];
	size_t n = rig_ip_frame(f, 17, rig_ip(2), rig_ip(1), "\x10\x00\x13\xc4\x00\x08\x00\x00", 8);
	unsigned sent = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		rig_in(net, f, n, tcp);
	while (rig_out(net, out) > 0) {
		assert_int_equal(out[34], 3);
		assert_int_equal(out[35], 3);
		assert_memory_equal(out + 42, f + 14, 28);
		sent++;
	}
	assert_in_range(sent, 1, 100);
	assert_int_equal(rig_metrics.value[METRIC_icmp_limited], 1000 - sent);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_tcp_segment_comes_out_with_its_header_lengths),
		cmocka_unit_test(a_frame_cut_at_any_byte_is_dropped_and_counted_once),
		cmocka_unit_test(a_quoted_packet_cut_short_inside_a_whole_error_is_ignored),
		cmocka_unit_test(what_must_be_dropped_is_dropped_for_its_reason),
		cmocka_unit_test(options_are_passed_over_but_not_a_source_route_or_a_bad_length),
		cmocka_unit_test(
			the_port_is_believed_about_checksums_only_where_its_profile_says_so),
		cmocka_unit_test(an_echo_request_is_answered_with_its_own_bytes),
		cmocka_unit_test(an_icmp_error_about_our_segment_is_handed_on_with_its_tuple),
		cmocka_unit_test(an_unreachable_quotes_as_much_as_may_be),
		cmocka_unit_test(unreachables_are_sent_with_a_limit),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
