/* IPv6 and ICMPv6 as frames made by hand. */
#include "rig6.h"

static uint64_t metric(enum metric id)
{
	return rig_metrics.value[id];
}

static void a_tcp_segment_comes_out_with_its_headers_measured(void **state)
{
	struct net      *net = rig6_new(0, 1);
	struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t          f[RIG_FRAME_MAX];
	struct rte_mbuf *tcp[1];
	size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 9);

	(void)state;
	assert_int_equal(rig_in(net, f, n, tcp), 1);
	assert_int_equal(tcp[0]->l2_len, 14);
	assert_int_equal(tcp[0]->l3_len, 40);
	assert_int_equal(tcp[0]->pkt_len, n);
	rte_pktmbuf_free(tcp[0]);
	rig_end(net);
}

static void padding_of_the_link_is_cut_off(void **state)
{
	struct net      *net = rig6_new(0, 1);
	struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t          f[RIG_FRAME_MAX] = {0};
	struct rte_mbuf *tcp[1];
	size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 0);

	(void)state;
	assert_int_equal(rig_in(net, f, n + 7, tcp), 1);
	assert_int_equal(tcp[0]->pkt_len, n);
	rte_pktmbuf_free(tcp[0]);
	rig_end(net);
}

static void a_segment_with_any_bit_wrong_is_dropped(void **state)
{
	struct net      *net = rig6_new(0, 1);
	struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t          f[RIG_FRAME_MAX];
	struct rte_mbuf *tcp[1];
	size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 9);

	(void)state;
	for (size_t bit = RIG6_HEADERS * 8; bit < n * 8; bit++) {
		f[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(rig_in(net, f, n, tcp), 0);
		f[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(metric(METRIC_ip_dropped_tcp_checksum), (n - RIG6_HEADERS) * 8);
	rig_end(net);
}

static void a_port_that_checks_checksums_is_believed(void **state)
{
	struct net_config c = rig6_config(0, 1);
	struct net_addr   us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t           f[RIG_FRAME_MAX];
	size_t            n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 9);
	const struct {
		uint64_t flags;
		uint8_t  wrong;
		unsigned passes;
	} cases[] = {{RTE_MBUF_F_RX_L4_CKSUM_GOOD, 1, 1},
		     {RTE_MBUF_F_RX_L4_CKSUM_BAD, 0, 0},
		     {RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN, 0, 1},
		     {RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN, 1, 0}};

	(void)state;
	c.ports[0].rx_checksum = true;
	for (unsigned i = 0; i < 4; i++) {
		struct net      *net = net_new(&c);
		struct rte_mbuf *m, *tcp[1];

		f[n - 1] ^= cases[i].wrong;
		m = rig_mbuf(f, n);
		f[n - 1] ^= cases[i].wrong;
		m->ol_flags = cases[i].flags;
		assert_int_equal(net_input_burst(net, rig_now, 0, &m, 1, tcp), cases[i].passes);
		if (cases[i].passes == 1)
			rte_pktmbuf_free(tcp[0]);
		rig_end(net);
	}
}

static void a_frame_cut_at_any_byte_is_dropped(void **state)
{
	static const uint8_t headers[] = {60, 0, 5, 2, 0, 0, 1, 0,  /* hop by hop, router alert */
					  6,  0, 1, 4, 0, 0, 0, 0}; /* destination options */
	struct net          *net = rig6_new(0, 1);
	struct net_addr      us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t              f[RIG_FRAME_MAX], out[RIG_FRAME_MAX];
	struct rte_mbuf     *tcp[1];
	size_t               n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 9);

	(void)state;
	n = rig6_extend(f, n, 0, headers, sizeof(headers));
	for (size_t cut = 0; cut < n; cut++) {
		assert_int_equal(rig_in(net, f, cut, tcp), 0);
		assert_int_equal(rig_out(net, out), 0);
	}
	/* and with a length that fits what was cut */
	for (size_t cut = RIG6_HEADERS; cut < n; cut++) {
		f[19] = (uint8_t)(cut - RIG6_HEADERS);
		assert_int_equal(rig_in(net, f, cut, tcp), 0);
		rig_out_drop(net);
	}
	f[19] = (uint8_t)(n - RIG6_HEADERS);
	assert_int_equal(rig_in(net, f, n, tcp), 1);
	assert_int_equal(tcp[0]->l3_len, 56);
	rte_pktmbuf_free(tcp[0]);
	rig_end(net);
}

static void impossible_addresses_are_dropped(void **state)
{
	struct net           *net = rig6_new(0, 1);
	const struct net_addr us = rig6_addr(1), peer = rig6_addr(2), nobody = {.ip6 = true};
	const struct net_addr loopback = {.w = {0, 0, 0, RTE_BE32(1)}, .ip6 = true};
	const struct net_addr mapped = {.w = {0, 0, RTE_BE32(0xffff), RTE_BE32(0x0a000001)},
					.ip6 = true};
	const struct {
		struct net_addr from, to;
		enum metric     why;
	} cases[] = {{rig6_solicited_node(1), us, METRIC_ip_dropped_source},
		     {nobody, us, METRIC_ip_dropped_source},
		     {loopback, us, METRIC_ip_dropped_source},
		     {mapped, us, METRIC_ip_dropped_source},
		     {us, us, METRIC_ip_dropped_source},
		     {peer, rig6_addr(3), METRIC_ip_dropped_destination},
		     {peer, loopback, METRIC_ip_dropped_destination},
		     {peer, rig6_all_nodes(), METRIC_ip_dropped_destination},
		     {peer, rig6_solicited_node(1), METRIC_ip_dropped_destination},
		     {peer, rig6_solicited_node(3), METRIC_ip_dropped_destination}};
	uint8_t          f[RIG_FRAME_MAX];
	struct rte_mbuf *tcp[1];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = metric(cases[i].why);
		size_t   n = rig6_tcp_frame(f, &cases[i].from, &cases[i].to, 1000, 2775, 0);

		assert_int_equal(rig_in(net, f, n, tcp), 0);
		assert_int_equal(metric(cases[i].why), before + 1);
		assert_int_equal(rig_out(net, f), 0);
	}
	rig_end(net);
}

#define NOT_TOLD UINT32_MAX

struct chain {
	const char *title;
	uint8_t     first, size;
	uint8_t     headers[64];
	bool        passes, to_group;
	uint8_t     code;
	uint32_t    at; /* what the parameter problem points at, or NOT_TOLD */
};

static void chain_try(const struct chain *c)
{
	struct net      *net = rig6_new(0, 1);
	struct net_addr  us = c->to_group ? rig6_all_nodes() : rig6_addr(1), peer = rig6_addr(2);
	uint8_t          f[RIG_FRAME_MAX];
	struct rte_mbuf *tcp[1];
	size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 4);

	n = rig6_extend(f, n, c->first, c->headers, c->size);
	if (rig_in(net, f, n, tcp) != (c->passes ? 1 : 0))
		fail_msg("%s", c->title);
	if (c->passes) {
		assert_int_equal(tcp[0]->l3_len, 40 + c->size);
		rte_pktmbuf_free(tcp[0]);
	}
	if (c->at != NOT_TOLD) {
		uint8_t  out[RIG_FRAME_MAX];
		size_t   size = rig6_out_icmp(net, out, 4);
		uint32_t at = rte_cpu_to_be_32(c->at);

		assert_int_equal(out[RIG6_HEADERS + 1], c->code);
		assert_memory_equal(out + RIG6_HEADERS + 4, &at, 4);
		assert_int_equal(size, RIG6_HEADERS + 8 + n - 14);
		assert_memory_equal(out + RIG6_HEADERS + 8, f + 14, n - 14);
	}
	assert_int_equal(rig_out(net, f), 0);
	rig_end(net);
}

static void extension_headers_are_walked_as_rfc_8200_says(void **state)
{
	static const struct chain chains[] = {
		{"hop by hop, padded", 0, 8, {6, 0, 1, 4}, .passes = true, .at = NOT_TOLD},
		{"destination options of Pad1", 60, 8, {6, 0}, .passes = true, .at = NOT_TOLD},
		{"two of them",
		 0,
		 16,
		 {60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4},
		 .passes = true,
		 .at = NOT_TOLD},
		{"hop by hop that is not first",
		 60,
		 16,
		 {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4},
		 .code = 1,
		 .at = 40},
		{"unknown option, to be skipped",
		 60,
		 8,
		 {6, 0, 0x3e, 4},
		 .passes = true,
		 .at = NOT_TOLD},
		{"unknown option, to be dropped for", 60, 8, {6, 0, 0x7e, 4}, .at = NOT_TOLD},
		{"unknown option, to be told of", 60, 8, {6, 0, 0xbe, 4}, .code = 2, .at = 42},
		{"the same to many", 60, 8, {6, 0, 0xbe, 4}, .to_group = true, .code = 2, .at = 42},
		{"unknown option, told of unless to many",
		 0,
		 8,
		 {6, 0, 0, 0xfe, 2},
		 .code = 2,
		 .at = 43},
		{"the same to many", 0, 8, {6, 0, 0, 0xfe, 2}, .to_group = true, .at = NOT_TOLD},
		{"an option longer than its header", 60, 8, {6, 0, 1, 5}, .at = NOT_TOLD},
		{"an option without its length", 60, 8, {6, 0, 1, 3, 0, 0, 0, 1}, .at = NOT_TOLD},
		{"jumbo payload", 0, 8, {6, 0, 0xc2, 4, 0, 1, 0, 0}, .code = 2, .at = 42},
		{"routing header at its end", 43, 8, {6, 0, 0, 0}, .passes = true, .at = NOT_TOLD},
		{"routing header type 0 on its way", 43, 24, {6, 2, 0, 1}, .code = 0, .at = 42},
		{"routing header type 4 on its way", 43, 24, {6, 2, 4, 1}, .code = 0, .at = 42},
		{"an atomic fragment",
		 44,
		 8,
		 {6, 0, 0, 0, 1, 2, 3, 4},
		 .passes = true,
		 .at = NOT_TOLD},
		{"a first fragment", 44, 8, {6, 0, 0, 1, 1, 2, 3, 4}, .at = NOT_TOLD},
		{"a last fragment", 44, 8, {6, 0, 0, 8, 1, 2, 3, 4}, .at = NOT_TOLD},
		{"nothing behind", 60, 8, {59, 0, 1, 4}, .at = NOT_TOLD},
		{"an unknown header", 60, 8, {253, 0, 1, 4}, .code = 1, .at = 40},
		{"encryption", 50, 8, {0}, .code = 1, .at = 6},
		{"IPv4's ICMP", 1, 8, {0}, .code = 1, .at = 6},
		{"longer than the packet", 60, 8, {6, 9, 1, 4}, .at = NOT_TOLD},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		chain_try(&chains[i]);
}

static void a_chain_without_end_is_dropped(void **state)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);

	(void)state;
	for (unsigned headers = 1; headers <= 40; headers++) {
		struct net      *net = rig6_new(0, 1);
		uint8_t          f[RIG_FRAME_MAX];
		struct rte_mbuf *tcp[1];
		size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 4);
		unsigned         got;

		for (unsigned i = 0; i < headers; i++) {
			uint8_t next = i == 0 ? 6 : 60;

			n = rig6_extend(f, n, 60, (uint8_t[]){next, 0, 1, 4, 0, 0, 0, 0}, 8);
		}
		got = rig_in(net, f, n, tcp);
		assert_int_equal(got, headers <= 8);
		if (got == 1)
			rte_pktmbuf_free(tcp[0]);
		rig_end(net);
	}
}

static void a_header_of_many_bytes_is_dropped(void **state)
{
	struct net      *net = rig6_new(0, 1);
	struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t          f[RIG_FRAME_MAX], header[264] = {6, 32}; /* of Pad1 */
	struct rte_mbuf *tcp[1];
	size_t           n = rig6_tcp_frame(f, &peer, &us, 1000, 2775, 4);

	(void)state;
	n = rig6_extend(f, n, 60, header, sizeof(header));
	assert_int_equal(rig_in(net, f, n, tcp), 0);
	assert_int_equal(metric(METRIC_ip_dropped_options), 1);
	rig_end(net);
}

static void an_echo_comes_back_whole_and_without_extension_headers(void **state)
{
	static const size_t sizes[] = {4, 5, 60, 1400};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct net     *net = rig6_new(0, 1);
		struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
		uint8_t         f[RIG_FRAME_MAX], out[RIG_FRAME_MAX], data[1400];
		size_t          n;

		for (size_t k = 0; k < sizes[i]; k++)
			data[k] = (uint8_t)(k * 7);
		n = rig6_icmp_frame(f, &peer, &us, 128, 0, data, sizes[i]);
		n = rig6_extend(f, n, 60, (uint8_t[]){58, 0, 1, 4, 0, 0, 0, 0}, 8);
		assert_int_equal(rig_in(net, f, n, NULL), 0);
		n = rig6_out_icmp(net, out, 129);
		assert_int_equal(n, RIG6_HEADERS + 4 + sizes[i]);
		assert_memory_equal(out, rig_peer_mac, 6);
		assert_memory_equal(out + 6, rig_mac, 6);
		assert_memory_equal(out + 22, us.w, 16);
		assert_memory_equal(out + 38, peer.w, 16);
		assert_memory_equal(out + RIG6_HEADERS + 4, data, sizes[i]);
		rig_end(net);
	}
}

static void an_echo_to_all_nodes_is_answered_from_our_own_address(void **state)
{
	struct net     *net = rig6_new(0, 1);
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2), all = rig6_all_nodes();
	uint8_t         f[RIG_FRAME_MAX];
	size_t          n = rig6_icmp_frame(f, &peer, &all, 128, 0, "abcdefgh", 8);

	(void)state;
	assert_int_equal(rig_in(net, f, n, NULL), 0);
	rig6_out_icmp(net, f, 129);
	assert_memory_equal(f + 22, us.w, 16);
	rig_end(net);
}

static void icmpv6_with_a_wrong_checksum_or_cut_is_dropped(void **state)
{
	struct net     *net = rig6_new(0, 1);
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t         f[RIG_FRAME_MAX];
	size_t          n = rig6_icmp_frame(f, &peer, &us, 128, 0, "abcdefgh", 8);

	(void)state;
	f[n - 1] ^= 1;
	rig_in(net, f, n, NULL);
	n = rig6_icmp_frame(f, &peer, &us, 128, 0, "abc", 3);
	rig_in(net, f, n, NULL);
	assert_int_equal(metric(METRIC_icmp_dropped_malformed), 2);
	assert_int_equal(rig_out(net, f), 0);
	rig_end(net);
}

static size_t udp_frame(uint8_t *f, const struct net_addr *to, size_t data)
{
	uint8_t         udp[1432] = {0x30, 0x39, 0x13, 0xc4};
	struct net_addr peer = rig6_addr(2);
	uint16_t        sum = rte_cpu_to_be_16((uint16_t)(8 + data));

	memcpy(udp + 4, &sum, 2);
	sum = rig6_checksum(&peer, to, 17, udp, 8 + data);
	memcpy(udp + 6, &sum, 2);
	return rig6_frame(f, 17, &peer, to, udp, 8 + data);
}

static void who_sends_to_a_port_that_nobody_hears_is_told_so(void **state)
{
	struct net     *net = rig6_new(0, 1);
	struct net_addr us = rig6_addr(1), all = rig6_all_nodes();
	uint8_t         f[RIG_FRAME_MAX], out[RIG_FRAME_MAX];
	size_t          n = udp_frame(f, &us, 10), size;

	(void)state;
	rig_in(net, f, n, NULL);
	size = rig6_out_icmp(net, out, 1);
	assert_int_equal(out[RIG6_HEADERS + 1], 4);
	assert_int_equal(size, RIG6_HEADERS + 8 + n - 14);
	assert_memory_equal(out + RIG6_HEADERS + 8, f + 14, n - 14);
	n = udp_frame(f, &us, 1400); /* as much as every link carries */
	rig_in(net, f, n, NULL);
	assert_int_equal(rig6_out_icmp(net, out, 1), 14 + 1280);
	n = udp_frame(f, &all, 10); /* never for what went to many */
	rig_in(net, f, n, NULL);
	assert_int_equal(rig_out(net, out), 0);
	rig_end(net);
}

static void errors_are_sent_with_a_limit(void **state)
{
	struct net     *net = rig6_new(0, 1);
	struct net_addr us = rig6_addr(1);
	uint8_t         f[RIG_FRAME_MAX];
	unsigned        sent = 0;
	size_t          n = udp_frame(f, &us, 10);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t out[RIG_FRAME_MAX];

		rig_in(net, f, n, NULL);
		sent += rig_out(net, out) > 0;
	}
	assert_in_range(sent, 1, 50);
	assert_int_equal(metric(METRIC_icmp_limited), 1000 - sent);
	rig_end(net);
}

/* An error of that kind about a segment of ours from port 40000 to the peer's port 2775. */
static size_t error_frame(uint8_t *f, uint8_t type, uint8_t code, uint32_t argument)
{
	struct net_addr us = rig6_addr(1), peer = rig6_addr(2), router = rig6_addr(0xfe);
	uint8_t         quoted[RIG_FRAME_MAX], rest[200];
	size_t          n = rig6_tcp_frame(quoted, &us, &peer, 40000, 2775, 8) - 14;

	argument = rte_cpu_to_be_32(argument);
	memcpy(rest, &argument, 4);
	memcpy(rest + 4, quoted + 14, n);
	return rig6_icmp_frame(f, &router, &us, type, code, rest, 4 + n);
}

static void errors_about_our_tcp_are_told_in_the_terms_of_icmpv4(void **state)
{
	static const struct {
		uint8_t  type, code;
		uint32_t argument;
		uint8_t  as_type, as_code;
		uint16_t mtu;
	} cases[] = {{1, 0, 0, 3, 0, 0},           {1, 1, 0, 3, 13, 0}, {1, 3, 0, 3, 1, 0},
		     {1, 4, 0, 3, 3, 0},           {1, 99, 0, 3, 1, 0}, {2, 0, 1280, 3, 4, 1280},
		     {2, 0, 1000000, 3, 4, 65535}, {3, 0, 0, 11, 0, 0}, {4, 0, 6, 12, 0, 0},
		     {4, 1, 6, 3, 2, 0},           {1, 5, 0, 3, 13, 0}};
	struct net *net = rig6_new(0, 1);

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr       us = rig6_addr(1), peer = rig6_addr(2);
		uint8_t               f[RIG_FRAME_MAX];
		struct net_icmp_error e;
		size_t n = error_frame(f, cases[i].type, cases[i].code, cases[i].argument);

		rig_in(net, f, n, NULL);
		assert_int_equal(net_icmp_errors_take(net, &e, 1), 1);
		assert_int_equal(e.type, cases[i].as_type);
		assert_int_equal(e.code, cases[i].as_code);
		assert_int_equal(e.mtu, cases[i].mtu);
		assert_true(e.local.ip6 && e.remote.ip6);
		assert_memory_equal(e.local.w, us.w, 16);
		assert_memory_equal(e.remote.w, peer.w, 16);
		assert_int_equal(e.local_port, 40000);
		assert_int_equal(e.remote_port, 2775);
		assert_int_equal(e.sequence, 0x01020304);
	}
	rig_end(net);
}

static void an_error_cut_at_any_byte_says_nothing(void **state)
{
	struct net           *net = rig6_new(0, 1);
	struct net_addr       us = rig6_addr(1), router = rig6_addr(0xfe);
	uint8_t               f[RIG_FRAME_MAX], g[RIG_FRAME_MAX];
	size_t                n = error_frame(f, 2, 0, 1280);
	const size_t          needed = RIG6_HEADERS + 8 + 40 + 8; /* up to the sequence number */
	struct net_icmp_error e;

	(void)state;
	for (size_t cut = RIG6_HEADERS + 4; cut <= n; cut++) {
		size_t size = rig6_icmp_frame(g, &router, &us, 2, 0, f + RIG6_HEADERS + 4,
					      cut - RIG6_HEADERS - 4);

		rig_in(net, g, size, NULL);
		assert_int_equal(net_icmp_errors_take(net, &e, 1), cut >= needed);
	}
	rig_end(net);
}

static void an_error_about_what_is_not_ours_is_ignored(void **state)
{
	struct net           *net = rig6_new(0, 1);
	uint8_t               f[RIG_FRAME_MAX];
	size_t                n = error_frame(f, 1, 4, 0);
	struct net_icmp_error e;
	struct net_addr       us = rig6_addr(1), router = rig6_addr(0xfe);
	uint8_t               rest[200];

	(void)state;
	memcpy(rest, f + RIG6_HEADERS + 4, n - RIG6_HEADERS - 4);
	rest[4 + 23] ^= 1; /* not our address */
	n = rig6_icmp_frame(f, &router, &us, 1, 4, rest, n - RIG6_HEADERS - 4);
	rig_in(net, f, n, NULL);
	assert_int_equal(net_icmp_errors_take(net, &e, 1), 0);
	assert_int_equal(metric(METRIC_icmp_dropped_ignored), 1);
	rig_end(net);
}

static void what_belongs_to_another_worker_goes_there(void **state)
{
	struct net *net[4];
	unsigned    foreign = 0;

	(void)state;
	for (unsigned w = 0; w < 4; w++)
		net[w] = rig6_new(w, 4);
	for (uint16_t port = 1000; port < 1064; port++) {
		struct net_addr  us = rig6_addr(1), peer = rig6_addr(2);
		uint8_t          f[RIG_FRAME_MAX];
		size_t           n = rig6_tcp_frame(f, &peer, &us, port, 2775, 3);
		unsigned         owner = net_owner(net[0], &us, 2775, &peer, port);
		struct rte_mbuf *m, *tcp[1];

		if (owner == 0) {
			assert_int_equal(rig_in(net[0], f, n, tcp), 1);
		} else {
			assert_int_equal(rig_in(net[0], f, n, tcp), 0);
			assert_int_equal(net_foreign_take(net[0], owner, &m, 1), 1);
			m->l2_len = m->l3_len = 0;
			assert_int_equal(net_input_forwarded(net[owner], rig_now, &m, 1, tcp), 1);
			foreign++;
		}
		assert_int_equal(tcp[0]->l3_len, 40);
		rte_pktmbuf_free(tcp[0]);
	}
	assert_in_range(foreign, 20, 63);
	for (unsigned w = 0; w < 4; w++)
		net_free(net[w]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void an_error_goes_to_the_owner_of_what_it_quotes(void **state)
{
	struct net           *net[2] = {rig6_new(0, 2), rig6_new(1, 2)};
	struct net_addr       us = rig6_addr(1), peer = rig6_addr(2);
	uint8_t               f[RIG_FRAME_MAX];
	size_t                n = error_frame(f, 2, 0, 1400);
	unsigned              owner = net_owner(net[0], &us, 40000, &peer, 2775);
	struct rte_mbuf      *m, *tcp[1];
	struct net_icmp_error e;

	(void)state;
	assert_int_equal(rig_in(net[!owner], f, n, tcp), 0);
	assert_int_equal(net_icmp_errors_take(net[!owner], &e, 1), 0);
	assert_int_equal(net_foreign_take(net[!owner], owner, &m, 1), 1);
	assert_int_equal(net_input_forwarded(net[owner], rig_now, &m, 1, tcp), 0);
	assert_int_equal(net_icmp_errors_take(net[owner], &e, 1), 1);
	assert_int_equal(e.mtu, 1400);
	net_free(net[0]);
	net_free(net[1]);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
}

static void a_tagged_frame_is_counted_and_dropped(void **state)
{
	struct net *net = rig6_new(0, 1);
	uint8_t     f[64] = {0};

	(void)state;
	rig_ether(f, rig_mac, 0x8100);
	f[15] = 1;
	rig_in(net, f, sizeof(f), NULL);
	rig_ether(f, rig_mac, 0x88a8);
	rig_in(net, f, sizeof(f), NULL);
	assert_int_equal(metric(METRIC_eth_dropped_vlan), 2);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tcp_segment_comes_out_with_its_headers_measured),
		cmocka_unit_test(padding_of_the_link_is_cut_off),
		cmocka_unit_test(a_segment_with_any_bit_wrong_is_dropped),
		cmocka_unit_test(a_port_that_checks_checksums_is_believed),
		cmocka_unit_test(a_frame_cut_at_any_byte_is_dropped),
		cmocka_unit_test(impossible_addresses_are_dropped),
		cmocka_unit_test(extension_headers_are_walked_as_rfc_8200_says),
		cmocka_unit_test(a_chain_without_end_is_dropped),
		cmocka_unit_test(a_header_of_many_bytes_is_dropped),
		cmocka_unit_test(an_echo_comes_back_whole_and_without_extension_headers),
		cmocka_unit_test(an_echo_to_all_nodes_is_answered_from_our_own_address),
		cmocka_unit_test(icmpv6_with_a_wrong_checksum_or_cut_is_dropped),
		cmocka_unit_test(who_sends_to_a_port_that_nobody_hears_is_told_so),
		cmocka_unit_test(errors_are_sent_with_a_limit),
		cmocka_unit_test(errors_about_our_tcp_are_told_in_the_terms_of_icmpv4),
		cmocka_unit_test(an_error_cut_at_any_byte_says_nothing),
		cmocka_unit_test(an_error_about_what_is_not_ours_is_ignored),
		cmocka_unit_test(what_belongs_to_another_worker_goes_there),
		cmocka_unit_test(an_error_goes_to_the_owner_of_what_it_quotes),
		cmocka_unit_test(a_tagged_frame_is_counted_and_dropped),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
