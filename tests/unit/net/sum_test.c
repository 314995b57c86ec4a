#include "rig.h"

#include "base/random.h"
#include "net/sum.h"

#define SEED 20261128u
#define SIZE_MAX_TESTED 4096u

static uint8_t bytes[SIZE_MAX_TESTED + 32];

/* As RFC 1071, 4.1 writes it. */
static uint16_t sum_slowly(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint64_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return rte_cpu_to_be_16((uint16_t)sum);
}

static void random_fill(struct random *r)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(r);
}

static void every_size_at_every_alignment_has_its_sum(void **state)
{
	struct random r;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	random_fill(&r);
	for (size_t n = 0; n < 300; n++) {
		for (size_t at = 0; at < 32; at++) {
			assert_int_equal(sum_fold(sum_bytes(bytes + at, n)),
					 sum_slowly(bytes + at, n));
			assert_int_equal(sum_fold(sum_few(bytes + at, n)),
					 sum_slowly(bytes + at, n));
		}
	}
	for (unsigned i = 0; i < 2000; i++) {
		size_t n = random_below(&r, SIZE_MAX_TESTED + 1);

		assert_int_equal(sum_fold(sum_bytes(bytes, n)), sum_slowly(bytes, n));
	}
}

/* Bytes of ones carry from every word. */
static void no_carry_is_lost(void **state)
{
	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t n = 1; n <= SIZE_MAX_TESTED; n++)
		assert_int_equal(sum_fold(sum_bytes(bytes, n)), sum_slowly(bytes, n));
	assert_int_equal(sum_fold(0x1ffff), 1);
	assert_int_equal(sum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(sum_fold(0), 0);
}

static void sums_of_parts_are_added(void **state)
{
	struct random r;

	(void)state;
	random_seed(&r, SEED + 1);
	random_fill(&r);
	for (size_t cut = 0; cut <= 600; cut += 2)
		assert_int_equal(
			sum_fold(sum_bytes(bytes, cut) + sum_bytes(bytes + cut, 601 - cut)),
			sum_slowly(bytes, 601));
}

static void a_pseudo_header_counts_as_the_port_counts_it(void **state)
{
	struct rte_ipv4_hdr ip4 = {.next_proto_id = 17,
				   .total_length = rte_cpu_to_be_16(20 + 1234),
				   .version_ihl = RTE_IPV4_VHL_DEF,
				   .src_addr = rig_ip(1),
				   .dst_addr = rig_ip(2)};
	struct rte_ipv6_hdr ip6 = {.proto = 6, .payload_len = rte_cpu_to_be_16(999)};
	struct net_addr a = {.ip6 = true}, b = {.ip6 = true}, one = rig_addr(1), to = rig_addr(2);

	(void)state;
	assert_int_equal(sum_fold(sum_pseudo(&one, &to, 17, 1234)), rte_ipv4_phdr_cksum(&ip4, 0));
	for (unsigned i = 0; i < 4; i++) {
		a.w[i] = 0x9e3779b9u * (i + 1);
		b.w[i] = 0x85ebca6bu * (i + 1);
	}
	memcpy(ip6.src_addr, a.w, 16);
	memcpy(ip6.dst_addr, b.w, 16);
	assert_int_equal(sum_fold(sum_pseudo(&a, &b, 6, 999)), rte_ipv6_phdr_cksum(&ip6, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_at_every_alignment_has_its_sum),
		cmocka_unit_test(no_carry_is_lost),
		cmocka_unit_test(sums_of_parts_are_added),
		cmocka_unit_test(a_pseudo_header_counts_as_the_port_counts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
