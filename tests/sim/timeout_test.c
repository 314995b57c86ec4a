/* The least timeout that the configuration asks for is that of the connections: when a segment is
 * lost, so long later it goes again. */
#include "test.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "record.h"

static struct sim sim;

static const char world[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 10}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw, "
	"connections: 1, window: 10}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

/* The first segment with data for the SMSC that comes by is lost. */
static struct loss {
	uint32_t seq;
	uint64_t lost_us, again_us;
} loss;

static bool passes(void *context, unsigned worker, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
	uint32_t                  seq;

	(void)context;
	(void)worker;
	if (ip->version_ihl != 0x45 || ip->next_proto_id != IPPROTO_TCP ||
	    tcp->dst_port != rte_cpu_to_be_16(2776) ||
	    rte_be_to_cpu_16(ip->total_length) == 20 + tcp->data_off / 16 * 4)
		return true;
	seq = rte_be_to_cpu_32(tcp->sent_seq);
	if (loss.lost_us == 0) {
		loss = (struct loss){.seq = seq, .lost_us = sim.now.us};
		return false;
	}
	if (loss.again_us == 0 && seq == loss.seq)
		loss.again_us = sim.now.us;
	return true;
}

static void a_lost_segment_goes_again_after_the_least_timeout_that_is_configured(void **state)
{
	static const struct {
		uint32_t rto_min, least_ms, most_ms;
	} rows[] = {{20, 20, 30}, {200, 200, 210}, {0, 200, 210}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sim_config config = {.workers = 1,
						  .seed = 7,
						  .window = 10,
						  .rto_min = rows[i].rto_min,
						  .hooks = record_hooks};

		loss = (struct loss){0};
		record_begin(0);
		record_world(&sim, &config, world, 1, 1, 1);
		sim.wire.passes = passes;
		record_more(1);
		assert_true(sim_until(&sim, record_all_answered, 5 * US_PER_SECOND));
		assert_int_equal(record.fates[0].positive, 1);
		assert_in_range((loss.again_us - loss.lost_us) / US_PER_MS, rows[i].least_ms,
				rows[i].most_ms);
		sim_free(&sim);
		record_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_lost_segment_goes_again_after_the_least_timeout_that_is_configured),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
