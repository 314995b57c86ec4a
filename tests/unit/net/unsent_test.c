/* Segments that make room while too many wait for one neighbour: told when he is found, forgotten
 * when he is not. */
#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "net/output.h"
#include "rig.h"

#define WAIT_MAX 8u
#define REMEMBERED_MAX 1024u

static struct net_unsent told[REMEMBERED_MAX + 1];

static void send_to(struct net *net, unsigned last, unsigned from, unsigned count)
{
	struct net_addr local = rig_addr(1), remote = rig_addr(last);
	struct net_path path;

	assert_true(net_path_find(net, rig_now, &remote, &path));
	for (unsigned i = from; i < from + count; i++) {
		struct rte_tcp_hdr tcp = {.src_port = rte_cpu_to_be_16((uint16_t)(1000 + i)),
					  .dst_port = rte_cpu_to_be_16(7),
					  .sent_seq = rte_cpu_to_be_32(100 * i),
					  .data_off = 0x50};
		struct rte_mbuf   *m = net_mbuf_new(net);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, sizeof(tcp)), &tcp, sizeof(tcp));
		net_output_tcp(net, rig_now, &path, &local, &remote, m);
	}
}

static void answer(struct net *net, unsigned last)
{
	struct net_news news = {.address = rig_addr(last)};

	memcpy(news.mac, rig_peer_mac, 6);
	net_news_learn(net, rig_now, &news);
}

static void those_of_a_neighbour_are_told_once_when_he_is_found(void **state)
{
	struct net     *net = rig_new(0, 1);
	struct net_addr remote = rig_addr(2);

	(void)state;
	send_to(net, 2, 0, WAIT_MAX + 3);
	send_to(net, 3, 50, WAIT_MAX + 1);
	assert_int_equal(net_unsent_take(net, told, 10), 0);
	answer(net, 2);
	assert_int_equal(net_unsent_take(net, told, 2), 2);
	assert_int_equal(net_unsent_take(net, told + 2, 10), 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(told[i].local.w[0], rig_ip(1));
		assert_int_equal(told[i].remote.w[0], remote.w[0]);
		assert_int_equal(told[i].local_port, 1000 + i);
		assert_int_equal(told[i].remote_port, 7);
		assert_int_equal(told[i].sequence, 100 * i);
	}
	answer(net, 3);
	assert_int_equal(net_unsent_take(net, told, 10), 1);
	assert_int_equal(told[0].local_port, 1050);
	assert_int_equal(net_unsent_take(net, told, 10), 0);
	rig_end(net);
}

static void those_of_one_who_does_not_answer_are_forgotten(void **state)
{
	struct net *net = rig_new(0, 1);

	(void)state;
	send_to(net, 2, 0, WAIT_MAX + 3);
	for (unsigned s = 0; s < 5; s++) {
		rig_now.us += US_PER_SECOND;
		net_tick(net, rig_now);
	}
	send_to(net, 2, 0, 1); /* in a place of his own again */
	answer(net, 2);
	assert_int_equal(net_unsent_take(net, told, 10), 0);
	rig_end(net);
}

static void a_thousand_are_remembered(void **state)
{
	struct net *net = rig_new(0, 1);

	(void)state;
	send_to(net, 2, 0, WAIT_MAX + REMEMBERED_MAX + 100);
	answer(net, 2);
	assert_int_equal(net_unsent_take(net, told, REMEMBERED_MAX + 1), REMEMBERED_MAX);
	assert_int_equal(told[REMEMBERED_MAX - 1].local_port, 1000 + REMEMBERED_MAX - 1);
	rig_end(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_a_neighbour_are_told_once_when_he_is_found),
		cmocka_unit_test(those_of_one_who_does_not_answer_are_forgotten),
		cmocka_unit_test(a_thousand_are_remembered),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
