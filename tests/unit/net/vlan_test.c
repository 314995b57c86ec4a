/* A port of a VLAN: which frames it takes, and what it sends. */
#include "rig.h"

#include "base/put.h"

#define VLAN 100

static struct net *vlan_net_new(uint16_t vlan)
{
	struct net_config c = rig_config(0, 1);
	struct net       *net;

	c.ports[0].vlan = vlan;
	memset(&rig_metrics, 0, sizeof(rig_metrics));
	net = net_new(&c);
	assert_non_null(net);
	net_tick(net, rig_now);
	rig_out_drop(net);
	return net;
}

/* An ARP request for us; with the tags of `count` TCIs. Returns its bytes. */
static size_t request_make(uint8_t *f, const uint16_t *tcis, unsigned count)
{
	static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6] = {0};
	struct net_addr      us = rig_addr(1), peer = rig_addr(2);
	struct put           w = put_to(f, RIG_FRAME_MAX);

	put_bytes(&w, everyone, 6);
	put_bytes(&w, rig_peer_mac, 6);
	for (unsigned i = 0; i < count; i++) {
		put_be16(&w, 0x8100);
		put_be16(&w, tcis[i]);
	}
	put_be16(&w, 0x0806);
	put_be32(&w, 0x00010800);
	put_be32(&w, 0x06040001);
	put_bytes(&w, rig_peer_mac, 6);
	put_bytes(&w, peer.w, 4);
	put_bytes(&w, none, 6);
	put_bytes(&w, us.w, 4);
	return put_size(&w);
}

static void frames_are_taken_by_their_tag(void **state)
{
	static const struct {
		uint16_t vlan, tcis[2];
		unsigned count;
		bool     taken;
	} rows[] = {
		{VLAN, {VLAN}, 1, true},
		{VLAN, {0xe000 | VLAN}, 1, true},
		{VLAN, {VLAN + 1}, 1, false},
		{VLAN, {0}, 1, false},
		{VLAN, {0}, 0, false},
		{VLAN, {VLAN, VLAN}, 2, false},
		{VLAN, {0, VLAN}, 2, false},
		{0, {0}, 0, true},
		{0, {0}, 1, true},
		{0, {0x6000}, 1, true},
		{0, {VLAN}, 1, false},
		{4094, {4094}, 1, true},
		{4094, {4095}, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net *net = vlan_net_new(rows[i].vlan);
		uint8_t     f[RIG_FRAME_MAX];
		size_t      n = request_make(f, rows[i].tcis, rows[i].count);

		rig_in(net, f, n, NULL);
		assert_int_equal(rig_metrics.value[METRIC_arp_in], rows[i].taken);
		assert_int_equal(rig_metrics.value[METRIC_eth_dropped_vlan], !rows[i].taken);
		assert_int_equal(rig_metrics.value[METRIC_arp_replies_out], rows[i].taken);
		rig_end(net);
	}
}

static void a_tag_that_the_device_took_off_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct net      *net = vlan_net_new(VLAN);
		uint8_t          f[RIG_FRAME_MAX];
		size_t           n = request_make(f, NULL, 0);
		struct rte_mbuf *m = rig_mbuf(f, n), *tcp[1];

		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = (uint16_t)(VLAN + i);
		net_input_burst(net, rig_now, 0, &m, 1, tcp);
		assert_int_equal(rig_metrics.value[METRIC_arp_in], i == 0);
		assert_int_equal(rig_metrics.value[METRIC_eth_dropped_vlan], i != 0);
		rig_end(net);
	}
}

static void what_is_sent_has_the_tag(void **state)
{
	static const uint8_t tag[6] = {0x81, 0, 0, VLAN, 8, 6};
	struct net          *net = vlan_net_new(VLAN);
	uint8_t              f[RIG_FRAME_MAX];
	size_t               n = request_make(f, (uint16_t[]){VLAN}, 1);

	(void)state;
	rig_in(net, f, n, NULL);
	assert_int_equal(rig_out(net, f), 64);
	assert_memory_equal(f, rig_peer_mac, 6);
	assert_memory_equal(f + 6, rig_mac, 6);
	assert_memory_equal(f + 12, tag, sizeof(tag));
	rig_end(net);
}

static void a_frame_cut_at_any_byte_is_dropped(void **state)
{
	struct net *net = vlan_net_new(VLAN);
	uint8_t     f[RIG_FRAME_MAX];
	size_t      n = request_make(f, (uint16_t[]){VLAN}, 1);

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		rig_in(net, f, cut, NULL);
	assert_int_equal(rig_metrics.value[METRIC_arp_replies_out], 0);
	assert_int_equal(rig_metrics.value[METRIC_eth_dropped_short], 18);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_taken_by_their_tag),
		cmocka_unit_test(a_tag_that_the_device_took_off_counts),
		cmocka_unit_test(what_is_sent_has_the_tag),
		cmocka_unit_test(a_frame_cut_at_any_byte_is_dropped),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
