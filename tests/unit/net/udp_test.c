/* UDP: what is believed of a datagram, whose it is, how it is sent, and what comes back about it.
 */
#include "rig_udp.h"

#include <errno.h>

static struct rig_datagram d; /* large */

static void whole_in(struct net *net)
{
	struct rte_mbuf *tcp[1];

	assert_int_equal(rig_fragment_in(net, &d, 0, d.n, false, tcp), 0);
}

static void learn(struct net *net, bool ip6)
{
	struct net_news news = {.address = rig_any_addr(ip6, 2)};

	memcpy(news.mac, rig_peer_mac, 6);
	net_news_learn(net, rig_now, &news);
	rig_out_drop(net);
}

static struct net_udp_flow flow_of(bool ip6)
{
	return (struct net_udp_flow){.local = rig_any_addr(ip6, 1),
				     .remote = rig_any_addr(ip6, 2),
				     .local_port = RIG_UDP_PORT,
				     .remote_port = 4000};
}

static void datagrams_of_a_bound_port_are_lent_with_where_they_came_from(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 500, 1400};

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct net *net = rig_udp_new(0, 1);

		rig_datagram_make(&d, i % 2 == 1, 0, sizes[i / 2]);
		whole_in(net);
		assert_datagram(net, &d);
		assert_no_datagram(net);
		assert_int_equal(rte_mempool_in_use_count(rig_pool), 0);
		rig_end(net);
	}
}

static void a_burst_is_lent_until_the_next_is_taken(void **state)
{
	struct net             *net = rig_udp_new(0, 1);
	struct net_udp_datagram in[4];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		rig_datagram_make(&d, false, 0, 100 + i);
		whole_in(net);
	}
	assert_int_equal(net_udp_receive(net, in, 4), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(cur_left(&in[i].bytes), 100 + i);
		assert_int_equal(in[i].user, 11);
	}
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 6);
	assert_int_equal(net_udp_receive(net, in, 4), 2);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 2);
	assert_int_equal(cur_left(&in[1].bytes), 105);
	rig_end(net);
}

static void a_datagram_cut_at_any_byte_is_dropped(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		size_t headers = ip6 == 1 ? RIG6_HEADERS : 34;

		for (size_t cut = 0; cut < 20; cut++) { /* and IP says so */
			struct net      *net = rig_udp_new(0, 1);
			struct rte_mbuf *tcp[1];
			uint8_t          f[RIG_FRAME_MAX];

			rig_datagram_make(&d, ip6 == 1, 0, 12);
			rig_in(net, f, rig_fragment(f, &d, 0, cut, false), tcp);
			rig_in(net, f, headers + cut, tcp);
			assert_no_datagram(net);
			rig_out_drop(net);
			rig_end(net);
		}
	}
}

static void lengths_and_checksums_are_believed_as_the_rfcs_say(void **state)
{
	static const struct {
		bool        ip6, sum_ok, sum_zero;
		int         length; /* added to what is right */
		bool        taken;
		enum metric why;
	} rows[] = {
		{false, true, false, 0, true, METRIC_udp_in_datagrams},
		{false, false, false, 0, false, METRIC_udp_dropped_checksum},
		{false, false, true, 0, true, METRIC_udp_in_datagrams},     /* RFC 768: none */
		{true, false, true, 0, false, METRIC_udp_dropped_checksum}, /* RFC 8200, 8.1 */
		{true, true, false, 0, true, METRIC_udp_in_datagrams},
		{true, false, false, 0, false, METRIC_udp_dropped_checksum},
		{false, false, true, -5, true,
		 METRIC_udp_in_datagrams}, /* what follows is not it */
		{false, false, true, 1, false, METRIC_udp_dropped_malformed},
		{false, false, true, -101, false, METRIC_udp_dropped_malformed},
		{true, false, false, 1, false, METRIC_udp_dropped_malformed},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net             *net = rig_udp_new(0, 1);
		struct net_udp_datagram in[1];
		int                     length;

		rig_datagram_make(&d, rows[i].ip6, 0, 100);
		length = 108 + rows[i].length;
		d.bytes[4] = (uint8_t)(length >> 8);
		d.bytes[5] = (uint8_t)length;
		if (rows[i].sum_zero)
			memset(d.bytes + 6, 0, 2);
		else if (!rows[i].sum_ok)
			d.bytes[6] ^= 0x10;
		whole_in(net);
		assert_int_equal(net_udp_receive(net, in, 1), rows[i].taken);
		if (rows[i].taken)
			assert_int_equal(cur_left(&in[0].bytes), length - 8);
		assert_int_equal(rig_metrics.value[rows[i].why], 1);
		rig_end(net);
	}
}

static void an_exact_address_goes_before_any_and_a_port_is_taken_once(void **state)
{
	struct net             *net = rig_udp_new(0, 1);
	struct net_udp_datagram in[1];
	struct net_addr         mine = rig_addr(1);

	(void)state;
	assert_int_equal(net_udp_bind(net, &mine, RIG_UDP_PORT, NULL, 99), 0);
	assert_int_equal(net_udp_bind(net, &mine, RIG_UDP_PORT, NULL, 98), -EADDRINUSE);
	rig_datagram_make(&d, false, 0, 10);
	whole_in(net);
	assert_int_equal(net_udp_receive(net, in, 1), 1);
	assert_int_equal(in[0].user, 99);
	net_udp_unbind(net, &mine, RIG_UDP_PORT);
	whole_in(net);
	assert_int_equal(net_udp_receive(net, in, 1), 1);
	assert_int_equal(in[0].user, 11);
	for (uint16_t port = 1; port <= 62; port++)
		assert_int_equal(net_udp_bind(net, &mine, port, NULL, 0), 0);
	assert_int_equal(net_udp_bind(net, &mine, 63, NULL, 0), -ENOSPC);
	rig_end(net);
}

static void a_port_that_nobody_hears_is_unreachable_with_a_limit(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net     *net = rig_udp_new(0, 1);
		struct net_addr any = {.ip6 = ip6 == 1};
		uint8_t         f[RIG_FRAME_MAX];
		unsigned        told = 0;

		net_udp_unbind(net, &any, RIG_UDP_PORT);
		rig_datagram_make(&d, ip6 == 1, 0, 100);
		for (unsigned i = 0; i < 200; i++) {
			whole_in(net);
			if (rig_out(net, f) == 0)
				continue;
			told++;
			assert_int_equal(f[ip6 == 1 ? RIG6_HEADERS : 34], ip6 == 1 ? 1 : 3);
			assert_int_equal(f[ip6 == 1 ? RIG6_HEADERS + 1 : 35], ip6 == 1 ? 4 : 3);
		}
		assert_in_range(told, 1, 60);
		assert_int_equal(rig_metrics.value[METRIC_udp_no_ports], 200);
		rig_end(net);
	}
}

static unsigned by_first_byte(struct cur datagram, unsigned workers)
{
	return cur_u8(&datagram) % workers;
}

static void a_datagram_belongs_to_whom_its_binding_names(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 8; first++) {
		struct net      *net[2] = {rig6_new(0, 2), rig6_new(1, 2)};
		struct net_addr  any = {0};
		struct rte_mbuf *pkt, *tcp[1];
		uint16_t         sum;

		for (unsigned w = 0; w < 2; w++)
			net_udp_bind(net[w], &any, RIG_UDP_PORT, by_first_byte, 5);
		rig_datagram_make(&d, false, 0, 50);
		d.bytes[8] = (uint8_t)first;
		memset(d.bytes + 6, 0, 2);
		sum = rig_transport_checksum(&d, 17);
		memcpy(d.bytes + 6, &sum, 2);
		whole_in(net[0]);
		if (first % 2 == 1) {
			assert_int_equal(net_foreign_take(net[0], 1, &pkt, 1), 1);
			assert_int_equal(net_input_forwarded(net[1], rig_now, &pkt, 1, tcp), 0);
		}
		assert_datagram(net[first % 2], &d);
		assert_no_datagram(net[(first + 1) % 2]);
		rig_out_drop(net[0]);
		rig_out_drop(net[1]);
		net_free(net[1]);
		rig_end(net[0]);
	}
}

static void what_nobody_takes_is_bounded(void **state)
{
	struct net *net = rig_udp_new(0, 1);

	(void)state;
	rig_datagram_make(&d, false, 0, 50);
	for (unsigned i = 0; i < 600; i++)
		whole_in(net);
	assert_int_equal(rte_mempool_in_use_count(rig_pool), 512);
	assert_int_equal(rig_metrics.value[METRIC_udp_dropped_full], 88);
	rig_end(net);
}

/* What was sent, put together by our own reassembly at the other end: it has our addresses, so they
 * are exchanged. */
static void return_frame(struct net *net, uint8_t *f, size_t n)
{
	bool             ip6 = f[12] == 0x86;
	size_t           a = ip6 ? 22 : 26, size = ip6 ? 16 : 4;
	uint8_t          hold[16];
	struct rte_mbuf *tcp[1];

	memcpy(f, rig_mac, 6);
	memcpy(f + 6, rig_peer_mac, 6);
	memcpy(hold, f + a, size);
	memmove(f + a, f + a + size, size);
	memcpy(f + a + size, hold, size);
	assert_int_equal(rig_in(net, f, n, tcp), 0);
}

static void a_datagram_is_sent_whole_or_in_fragments_that_make_it(void **state)
{
	static const struct {
		size_t   n;
		uint16_t mtu; /* of the path; 0: not known */
		unsigned frames4, frames6;
	} rows[] = {
		{0, 0, 1, 1},       {1, 0, 1, 1},       {1452, 0, 1, 1}, {1453, 0, 1, 2},
		{1472, 0, 1, 2},    {1473, 0, 2, 2},    {5000, 0, 4, 4}, {1400, 1300, 2, 2},
		{65000, 0, 44, 45}, {9000, 552, 18, 8},
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool                    ip6 = i % 2 == 1;
		struct net             *net = rig_udp_new(0, 1);
		struct net_udp_flow     flow = flow_of(ip6);
		struct net_udp_datagram in[1];
		uint8_t                 f[RIG_FRAME_MAX];
		size_t                  n;
		unsigned                frames = 0;

		learn(net, ip6);
		if (rows[i / 2].mtu != 0)
			net_path_mtu_learn(net, rig_now, &flow.remote, rows[i / 2].mtu);
		flow.local_port = 4000; /* the way back is to RIG_UDP_PORT */
		flow.remote_port = RIG_UDP_PORT;
		if (i % 4 < 2)
			flow.local = (struct net_addr){.ip6 = ip6};
		rig_datagram_make(&d, ip6, 0, rows[i / 2].n);
		assert_true(net_udp_send(net, rig_now, &flow, d.bytes + 8, d.n - 8));
		while ((n = rig_out(net, f)) > 0) {
			if (!ip6)
				assert_int_equal(rte_raw_cksum(f + 14, 20), 0xffff);
			return_frame(net, f, n);
			frames++;
		}
		assert_int_equal(frames, ip6 ? rows[i / 2].frames6 : rows[i / 2].frames4);
		assert_int_equal(net_udp_receive(net, in, 1), 1); /* so its checksum is right */
		assert_int_equal(cur_left(&in[0].bytes), d.n - 8);
		assert_memory_equal(in[0].bytes.p, d.bytes + 8, d.n - 8);
		rig_end(net);
	}
}

static void what_fits_must_not_be_fragmented_on_the_way(void **state)
{
	struct net         *net = rig_udp_new(0, 1);
	struct net_udp_flow flow = flow_of(false);
	uint8_t             f[RIG_FRAME_MAX];

	(void)state;
	learn(net, false);
	rig_datagram_make(&d, false, 0, 3000);
	net_udp_send(net, rig_now, &flow, d.bytes, 100);
	assert_true(rig_out(net, f) > 0);
	assert_int_equal(f[20] & 0x40, 0x40);
	net_udp_send(net, rig_now, &flow, d.bytes, 3000);
	assert_true(rig_out(net, f) > 0);
	assert_int_equal(f[20] & 0x40, 0);
	assert_int_equal(f[20] & 0x20, 0x20);
	rig_out_drop(net);
	rig_end(net);
}

static void a_sum_of_zero_is_sent_as_its_other_form(void **state)
{
	struct net         *net = rig_udp_new(0, 1);
	struct net_udp_flow flow = flow_of(false);
	uint8_t             f[RIG_FRAME_MAX], bytes[2] = {0, 0};
	bool                seen = false;

	(void)state;
	learn(net, false);
	for (unsigned v = 0; v < 65536; v++) {
		bytes[0] = (uint8_t)(v >> 8);
		bytes[1] = (uint8_t)v;
		net_udp_send(net, rig_now, &flow, bytes, 2);
		assert_true(rig_out(net, f) > 0);
		assert_true((f[40] | f[41]) != 0);
		seen |= f[40] == 0xff && f[41] == 0xff;
	}
	assert_true(seen);
	rig_end(net);
}

static void without_a_way_or_memory_nothing_is_sent(void **state)
{
	static struct rte_mbuf *taken[4095];
	struct net             *net = rig_udp_new(0, 1);
	struct net_udp_flow     flow = flow_of(false);
	unsigned                left;

	(void)state;
	flow.remote = (struct net_addr){0};
	assert_false(net_udp_send(net, rig_now, &flow, "x", 1));
	flow = flow_of(false);
	learn(net, false);
	left = rte_mempool_avail_count(rig_pool) - 1;
	assert_int_equal(rte_pktmbuf_alloc_bulk(rig_pool, taken, left), 0);
	assert_false(net_udp_send(net, rig_now, &flow, d.bytes, 3000)); /* no part of it either */
	assert_int_equal(rte_mempool_avail_count(rig_pool), 1);
	rte_pktmbuf_free_bulk(taken, left);
	rig_end(net);
}

#define ERROR_QUOTES 64u /* bytes of the datagram */

/* An ICMP error that quotes what was sent, as f shows it. */
static void error_in(struct net *net, bool ip6, const uint8_t *sent, uint8_t type, uint8_t code,
		     uint16_t mtu)
{
	struct net_addr  router = rig_any_addr(ip6, 9), us = rig_any_addr(ip6, 1);
	uint8_t          f[RIG_FRAME_MAX], rest[4 + 56 + ERROR_QUOTES] = {0};
	struct rte_mbuf *tcp[1];
	size_t           quoted = (ip6 ? 48 : 28) + ERROR_QUOTES;

	rest[2] = (uint8_t)(mtu >> 8);
	rest[3] = (uint8_t)mtu;
	memcpy(rest + 4, sent + 14, quoted);
	if (ip6)
		rig_in(net, f, rig6_icmp_frame(f, &router, &us, type, code, rest, 4 + quoted), tcp);
	else
		rig_in(net, f, rig_icmp_frame(f, router.w[0], type, code, rest, 4 + quoted), tcp);
}

static void errors_about_what_was_sent_reach_the_binding_and_narrow_the_path(void **state)
{
	(void)state;
	for (unsigned ip6 = 0; ip6 < 2; ip6++) {
		struct net          *net = rig_udp_new(0, 1);
		struct net_udp_flow  flow = flow_of(ip6 == 1);
		struct net_udp_error e[2];
		struct net_path      path;
		uint8_t              f[RIG_FRAME_MAX];
		size_t               checksum = ip6 == 1 ? 60 : 40;

		learn(net, ip6 == 1);
		rig_datagram_make(&d, ip6 == 1, 0, 1400);
		net_udp_send(net, rig_now, &flow, d.bytes, 1400);
		assert_true(rig_out(net, f) > 0);
		f[checksum] ^= 1; /* a guess */
		error_in(net, ip6 == 1, f, ip6 == 1 ? 2 : 3, ip6 == 1 ? 0 : 4, 1300);
		assert_int_equal(net_udp_errors(net, e, 2), 0);
		assert_int_equal(rig_metrics.value[METRIC_path_mtus_learned], 0);
		f[checksum] ^= 1;
		error_in(net, ip6 == 1, f, ip6 == 1 ? 2 : 3, ip6 == 1 ? 0 : 4, 1300);
		error_in(net, ip6 == 1, f, ip6 == 1 ? 1 : 3, ip6 == 1 ? 4 : 3, 0);
		assert_int_equal(net_udp_errors(net, e, 2), 2);
		assert_int_equal(e[0].code, 4);
		assert_int_equal(e[1].type, 3);
		assert_int_equal(e[1].code, 3);
		assert_int_equal(e[1].user, ip6 == 1 ? 12 : 11);
		assert_int_equal(e[1].flow.remote_port, 4000);
		assert_int_equal(cur_left(&e[1].quoted), ERROR_QUOTES);
		assert_memory_equal(e[1].quoted.p, d.bytes, ERROR_QUOTES);
		assert_true(net_path_find(net, rig_now, &flow.remote, &path));
		assert_int_equal(path.mtu, 1300);
		net_udp_send(net, rig_now, &flow, d.bytes, 1400);
		assert_in_range(rig_out(net, f), 1200, 1314);
		rig_out_drop(net);
		rig_now.us += 11 * US_PER_SECOND;
		error_in(net, ip6 == 1, f, ip6 == 1 ? 1 : 3, ip6 == 1 ? 4 : 3, 0); /* too late */
		assert_int_equal(net_udp_errors(net, e, 2), 0);
		rig_out_drop(net);
		rig_end(net);
	}
}

static void an_error_goes_round_the_workers_once_until_one_knows_it(void **state)
{
	enum { WORKERS = 4 };

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		unsigned             sender = i % WORKERS, at = i / WORKERS % WORKERS, hops = 0;
		bool                 forged = i >= 32;
		struct net          *net[WORKERS];
		struct net_udp_flow  flow = flow_of(false);
		struct net_udp_error e[1];
		uint8_t              f[RIG_FRAME_MAX];

		for (unsigned w = 0; w < WORKERS; w++)
			net[w] = rig_udp_new(w, WORKERS);
		learn(net[sender], false);
		flow.remote_port = (uint16_t)(4000 + i);
		net_udp_send(net[sender], rig_now, &flow, "hello", 5);
		assert_true(rig_out(net[sender], f) > 0);
		if (forged)
			f[40] ^= 1;
		error_in(net[at], false, f, 3, 3, 0);
		for (bool moved = true; moved;) {
			moved = false;
			for (unsigned from = 0; from < WORKERS; from++) {
				for (unsigned to = 0; to < WORKERS; to++) {
					struct rte_mbuf *pkt, *tcp[1];

					if (net_foreign_take(net[from], to, &pkt, 1) != 1)
						continue;
					net_input_forwarded(net[to], rig_now, &pkt, 1, tcp);
					moved = true;
					hops++;
				}
			}
		}
		assert_in_range(hops, 0, WORKERS);
		assert_int_equal(net_udp_errors(net[sender], e, 1), !forged);
		if (!forged) {
			assert_int_equal(cur_left(&e[0].quoted), 5); /* and no more */
			assert_memory_equal(e[0].quoted.p, "hello", 5);
		}
		for (unsigned w = 0; w < WORKERS; w++)
			rig_out_drop(net[w]);
		for (unsigned w = 1; w < WORKERS; w++)
			net_free(net[w]);
		rig_end(net[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_of_a_bound_port_are_lent_with_where_they_came_from),
		cmocka_unit_test(a_burst_is_lent_until_the_next_is_taken),
		cmocka_unit_test(a_datagram_cut_at_any_byte_is_dropped),
		cmocka_unit_test(lengths_and_checksums_are_believed_as_the_rfcs_say),
		cmocka_unit_test(an_exact_address_goes_before_any_and_a_port_is_taken_once),
		cmocka_unit_test(a_port_that_nobody_hears_is_unreachable_with_a_limit),
		cmocka_unit_test(a_datagram_belongs_to_whom_its_binding_names),
		cmocka_unit_test(what_nobody_takes_is_bounded),
		cmocka_unit_test(a_datagram_is_sent_whole_or_in_fragments_that_make_it),
		cmocka_unit_test(what_fits_must_not_be_fragmented_on_the_way),
		cmocka_unit_test(a_sum_of_zero_is_sent_as_its_other_form),
		cmocka_unit_test(without_a_way_or_memory_nothing_is_sent),
		cmocka_unit_test(errors_about_what_was_sent_reach_the_binding_and_narrow_the_path),
		cmocka_unit_test(an_error_goes_round_the_workers_once_until_one_knows_it),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
