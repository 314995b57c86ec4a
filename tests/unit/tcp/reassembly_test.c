/* Segments that come in any order: what is kept, what is told of it, and what it may cost. */
#include "peer.h"

#define STREAM 50000u
#define SEEDS 60u
#define SEED 20260101u

static void receive(struct peer *peer, uint32_t seq, uint32_t len)
{
	peer_send(peer, (struct seg){.flags = ACK, .seq = seq, .ack = 1, .len = len});
}

static unsigned held(const struct peer *peer)
{
	return rte_mempool_in_use_count(rig_wire) - peer->wire_before;
}

static void open_wide(struct peer *peer, uint32_t receive_max, const struct tcp_config *config)
{
	peer_open_with(peer, config, &(struct tcp_options){.receive_max = receive_max},
		       (struct seg){.mss = 1460, .sack_ok = true, .has_scale = true, .scale = 7});
}

static void a_whole_window_behind_one_hole_is_kept_and_comes_with_what_fills_it(void **state)
{
	const uint32_t segments = 262144 / 1460;
	struct peer    peer;
	struct cur     in;

	(void)state;
	open_wide(&peer, 262144, &(struct tcp_config){0});
	for (uint32_t i = 1; i < segments; i++) {
		receive(&peer, 1 + i * 1460, 1460);
		peer_forget(&peer);
	}
	assert_int_equal(held(&peer), segments - 1);
	assert_int_equal(rig_metric(&peer.end, METRIC_tcp_out_of_order_dropped), 0);
	receive(&peer, 1, 1460);
	assert_int_equal(peer_next(&peer)->ack, 1 + segments * 1460);
	for (uint32_t at = 0; at < segments * 1460; at += (uint32_t)cur_left(&in)) {
		assert_true(tcp_peek(peer.end.tcp, peer.conn, 0, &in) > 0);
		for (uint32_t i = 0; i < cur_left(&in); i++)
			assert_int_equal(in.p[i], (1 + at + i) % 251);
		tcp_consume(peer.end.tcp, peer.conn, cur_left(&in));
	}
	assert_int_equal(held(&peer), 0);
	peer_end(&peer);
}

static void nobody_takes_more_of_the_workers_budget_than_is_left_for_others(void **state)
{
	/* The budget is a quarter of the pool: some 2,047 segments. */
	const uint32_t window = 8u << 20, segments = window / 1460;
	struct peer    peer;

	(void)state;
	open_wide(&peer, window, &(struct tcp_config){0});
	for (uint32_t i = 1; i < segments && i < 3000; i++) {
		receive(&peer, 1 + i * 1460, 1460);
		peer_forget(&peer);
	}
	assert_in_range(held(&peer), 1000, 1100);
	assert_true(rig_metric(&peer.end, METRIC_tcp_out_of_order_dropped) > 0);
	peer_end(&peer);
}

/* ---- any order, against a map of the bytes ---- */

static uint8_t map[STREAM + 1]; /* by sequence number, from 1 */

static uint32_t map_edge(void)
{
	uint32_t at = 1;

	while (at <= STREAM && map[at])
		at++;
	return at;
}

/* What the stack says it has, it has been sent; what it can know, it knows. */
static void told_truly(struct peer *peer, const struct seg *s)
{
	if (rig_metric(&peer->end, METRIC_tcp_out_of_order_dropped) == 0)
		assert_int_equal(s->ack, map_edge());
	assert_in_range(s->ack, 1, map_edge());
	for (unsigned i = 0; i < s->sacks; i++) {
		assert_true(s->sack[i][0] < s->sack[i][1]);
		for (uint32_t at = s->sack[i][0]; at < s->sack[i][1]; at++)
			assert_true(map[at]);
	}
}

static void consume_all(struct peer *peer, uint32_t *next)
{
	struct cur in;

	while (tcp_peek(peer->end.tcp, peer->conn, 0, &in) > 0) {
		for (uint32_t i = 0; i < cur_left(&in); i++)
			assert_int_equal(in.p[i], (*next + i) % 251);
		*next += (uint32_t)cur_left(&in);
		tcp_consume(peer->end.tcp, peer->conn, cur_left(&in));
	}
}

static void send_range(struct peer *peer, uint32_t seq, uint32_t len)
{
	struct seg *s;

	len = seq + len <= STREAM + 1 ? len : STREAM + 1 - seq;
	memset(map + seq, 1, len);
	peer_forget(peer);
	receive(peer, seq, len);
	s = peer_next(peer);
	if (s != NULL)
		told_truly(peer, s);
}

static void one_order(uint64_t seed)
{
	struct random r;
	struct peer   peer;
	uint32_t      next = 1, largest;

	random_seed(&r, seed);
	/* From single bytes to full segments, each seed its own mixture. */
	largest = 1 + random_below(&r, seed % 2 != 0 ? 1460 : 40);
	memset(map, 0, sizeof(map));
	open_wide(&peer, 262144, &(struct tcp_config){0});
	for (unsigned i = 0; i < 400; i++) {
		uint32_t near = map_edge() + random_below(&r, 1 + largest * 20);

		send_range(&peer, near < STREAM ? near : STREAM, 1 + random_below(&r, largest));
		if (random_below(&r, 10) == 0)
			send_range(&peer, RTE_MIN(map_edge(), STREAM), largest);
		if (random_below(&r, 20) == 0)
			consume_all(&peer, &next);
	}
	for (uint32_t at = 1; at <= STREAM; at += 1460)
		send_range(&peer, at, 1460);
	consume_all(&peer, &next);
	assert_int_equal(next, STREAM + 1);
	assert_int_equal(held(&peer), 0);
	peer_end(&peer);
}

static void whatever_the_order_the_bytes_come_out_once_and_right(void **state)
{
	(void)state;
	print_message("seeds from %u\n", SEED);
	for (unsigned i = 0; i < SEEDS; i++)
		one_order(SEED + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_whole_window_behind_one_hole_is_kept_and_comes_with_what_fills_it),
		cmocka_unit_test(nobody_takes_more_of_the_workers_budget_than_is_left_for_others),
		cmocka_unit_test(whatever_the_order_the_bytes_come_out_once_and_right),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
