#include "rig.h"

#include <rte_thash.h>

#include "base/random.h"
#include "net/steer.h"

#define TUPLES 1000000u
#define SEED 20260101u

static void the_owner_is_what_a_port_with_our_key_computes(void **state)
{
	uint8_t       key[NET_STEER_KEY_SIZE];
	struct random r;
	struct net   *two[2] = {rig_new(0, 7), rig_new(3, 7)};

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	net_steer_key(77, key);
	for (unsigned i = 0; i < TUPLES; i++) {
		uint32_t remote = (uint32_t)random_next(&r), local = (uint32_t)random_next(&r);
		uint16_t rp = (uint16_t)random_next(&r), lp = (uint16_t)random_next(&r);
		uint32_t input[3] = {remote, local, (uint32_t)rp << 16 | lp};
		unsigned expected = rte_softrss(input, 3, key) % 128 % 7;
		struct net_addr l = {.w = {rte_cpu_to_be_32(local)}},
				p = {.w = {rte_cpu_to_be_32(remote)}};

		assert_int_equal(net_owner(two[0], &l, lp, &p, rp), expected);
		assert_int_equal(net_owner(two[1], &l, lp, &p, rp), expected);
	}
	net_free(two[1]);
	rig_end(two[0]);
}

static void an_ipv6_tuple_is_hashed_over_all_its_bytes(void **state)
{
	static struct net_steer steer;
	uint8_t                 key[NET_STEER_KEY_SIZE];
	struct random           r;

	(void)state;
	random_seed(&r, SEED);
	net_steer_key(77, key);
	net_steer_init(&steer, 77, 4, NET_STEER_ENTRIES);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t        input[9];
		struct net_addr l = {.ip6 = true}, p = {.ip6 = true};

		for (unsigned k = 0; k < 9; k++)
			input[k] = (uint32_t)random_next(&r);
		for (unsigned k = 0; k < 4; k++) {
			p.w[k] = rte_cpu_to_be_32(input[k]);
			l.w[k] = rte_cpu_to_be_32(input[4 + k]);
		}
		assert_int_equal(net_steer_hash(&steer, &l, (uint16_t)input[8], &p,
						(uint16_t)(input[8] >> 16)),
				 rte_softrss(input, 9, key));
	}
}

/* A port with a table of any size that devices have, filled by owner, gives each packet to the
 * worker that net_owner() names, whatever the number of workers. */
static void a_table_of_any_size_steers_to_the_owner_for_any_number_of_workers(void **state)
{
	static struct net_steer steer;
	uint8_t                 key[NET_STEER_KEY_SIZE];
	struct random           r;

	(void)state;
	random_seed(&r, SEED);
	net_steer_key(77, key);
	for (unsigned workers = 1; workers <= NET_WORKERS_MAX; workers++) {
		for (unsigned size = 64; size <= 512; size *= 2) {
			unsigned entries = size < NET_STEER_ENTRIES ? size : NET_STEER_ENTRIES;
			unsigned table[512];

			net_steer_init(&steer, 77, workers, entries);
			for (unsigned i = 0; i < size; i++)
				table[i] = i % entries % workers;
			for (unsigned i = 0; i < 200; i++) {
				uint32_t        input[3] = {(uint32_t)random_next(&r),
							    (uint32_t)random_next(&r),
							    (uint32_t)random_next(&r)};
				struct net_addr l = {.w = {rte_cpu_to_be_32(input[1])}},
						p = {.w = {rte_cpu_to_be_32(input[0])}};

				assert_int_equal(net_steer_owner(&steer, &l, (uint16_t)input[2], &p,
								 (uint16_t)(input[2] >> 16)),
						 table[rte_softrss(input, 3, key) % size]);
			}
		}
	}
}

static void each_packet_comes_out_once_by_its_owner(void **state)
{
	struct net *net = rig_new(1, 3);
	unsigned    seen[3] = {0};

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct rte_mbuf *pkt, *tcp[1];
		uint8_t          f[RIG_FRAME_MAX];
		struct net_addr  local = rig_addr(1), remote = rig_addr(2);
		uint16_t         port = (uint16_t)(1024 + i);
		unsigned         owner = net_owner(net, &local, 2775, &remote, port);
		unsigned         got =
			rig_in(net, f, rig_tcp_frame(f, rig_ip(2), rig_ip(1), port, 2775, 1), tcp);

		assert_int_equal(got, owner == 1 ? 1 : 0);
		if (got == 1)
			rte_pktmbuf_free(tcp[0]);
		for (unsigned w = 0; w < 3; w++) {
			unsigned n = net_foreign_take(net, w, &pkt, 1);

			assert_int_equal(n, w == owner && owner != 1 ? 1 : 0);
			if (n == 1)
				rte_pktmbuf_free(pkt);
		}
		seen[owner]++;
	}
	for (unsigned w = 0; w < 3; w++)
		assert_in_range(seen[w], 50, 150);
	rig_end(net);
}

static void forward_all_sends_even_our_own_through_the_list(void **state)
{
	struct net_config c = rig_config(0, 1);
	struct net       *net;
	struct rte_mbuf  *pkt, *tcp[1];
	uint8_t           f[RIG_FRAME_MAX];
	size_t            n = rig_tcp_frame(f, rig_ip(2), rig_ip(1), 4000, 2775, 1);

	(void)state;
	c.forward_all = true;
	net = net_new(&c);
	assert_int_equal(rig_in(net, f, n, tcp), 0);
	assert_int_equal(net_foreign_take(net, 0, &pkt, 1), 1);
	assert_int_equal(net_input_forwarded(net, rig_now, &pkt, 1, tcp), 1);
	assert_ptr_equal(tcp[0], pkt);
	assert_int_equal(tcp[0]->l3_len, 20);
	rte_pktmbuf_free(pkt);
	rig_end(net);
}

static void an_icmp_error_goes_to_the_worker_of_the_quoted_connection(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		struct net           *net[2] = {rig_new(0, 2), rig_new(1, 2)};
		struct net_addr       local = rig_addr(1), remote = rig_addr(2);
		uint16_t              port = (uint16_t)(4000 + i);
		unsigned              owner = net_owner(net[0], &local, 2775, &remote, port);
		struct rte_mbuf      *pkt, *tcp[1];
		struct net_icmp_error e;
		uint8_t               quoted[RIG_FRAME_MAX], f[RIG_FRAME_MAX], rest[4 + 28] = {0};

		rig_tcp_frame(quoted, rig_ip(1), rig_ip(2), 2775, port, 0);
		memcpy(rest + 4, quoted + 14, 28);
		rig_in(net[0], f, rig_icmp_frame(f, rig_ip(9), 3, 1, rest, sizeof(rest)), tcp);
		if (owner == 1) {
			assert_int_equal(net_foreign_take(net[0], 1, &pkt, 1), 1);
			assert_int_equal(net_input_forwarded(net[1], rig_now, &pkt, 1, tcp), 0);
		}
		assert_int_equal(net_icmp_errors_take(net[owner], &e, 1), 1);
		assert_int_equal(e.remote_port, port);
		net_free(net[1]);
		rig_end(net[0]);
	}
}

static void a_port_of_a_range_names_its_owner_whoever_comes(void **state)
{
	struct net_config c = rig_config(1, 3);
	struct net       *net;
	struct random     r;

	(void)state;
	random_seed(&r, SEED);
	c.range_count = 2;
	c.ranges[0] = (struct net_range){rig_addr(1), 2855};
	c.ranges[1] = (struct net_range){rig_addr(3), 2857};
	net = net_new(&c);
	for (unsigned i = 0; i < 1000; i++) {
		struct net_addr here = rig_addr(1), there = rig_addr(3),
				remote = {.w = {(uint32_t)random_next(&r)}};
		uint16_t port = (uint16_t)random_next(&r);

		for (uint16_t k = 0; k < 3; k++) {
			assert_int_equal(net_owner(net, &here, 2855 + k, &remote, port), k);
			assert_int_equal(net_owner(net, &there, 2857 + k, &remote, port), k);
		}
	}
	rig_end(net);
}

/* Below, above, at another address, of another family: shared out as all else is. */
static void a_port_beside_a_range_is_shared_out_by_the_hash(void **state)
{
	static const struct {
		struct net_addr local;
		uint16_t        port;
	} beside[] = {
		{{.w = {RTE_BE32(0xc6120001u)}}, 2854},
		{{.w = {RTE_BE32(0xc6120001u)}}, 2858},
		{{.w = {RTE_BE32(0xc6120001u)}}, 2859},
		{{.w = {RTE_BE32(0xc6120003u)}}, 2856},
		{{.w = {RTE_BE32(0xc6120002u)}}, 2857},
		{{.w = {RTE_BE32(0xc6120001u)}, .ip6 = true}, 2856},
	};
	struct net_config c = rig_config(1, 3);
	struct net       *plain = rig_new(1, 3), *net;

	(void)state;
	c.range_count = 2;
	c.ranges[0] = (struct net_range){rig_addr(1), 2855};
	c.ranges[1] = (struct net_range){rig_addr(3), 2857};
	net = net_new(&c);
	for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		unsigned seen = 0;

		for (uint16_t port = 4000; port < 4100; port++) {
			struct net_addr remote = rig_addr(2);
			unsigned        owner;

			remote.ip6 = beside[i].local.ip6;
			owner = net_owner(net, &beside[i].local, beside[i].port, &remote, port);
			assert_int_equal(owner, net_owner(plain, &beside[i].local, beside[i].port,
							  &remote, port));
			seen |= 1u << owner;
		}
		assert_int_equal(seen, 7);
	}
	net_free(plain);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_owner_is_what_a_port_with_our_key_computes),
		cmocka_unit_test(an_ipv6_tuple_is_hashed_over_all_its_bytes),
		cmocka_unit_test(a_table_of_any_size_steers_to_the_owner_for_any_number_of_workers),
		cmocka_unit_test(a_port_of_a_range_names_its_owner_whoever_comes),
		cmocka_unit_test(a_port_beside_a_range_is_shared_out_by_the_hash),
		cmocka_unit_test(each_packet_comes_out_once_by_its_owner),
		cmocka_unit_test(forward_all_sends_even_our_own_through_the_list),
		cmocka_unit_test(an_icmp_error_goes_to_the_worker_of_the_quoted_connection),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
