/* The look-up table and the timer wheel against plain models. */
#include "rig.h"

#include "tcp/conn.h"

#define MANY 20000u

static struct tcp *stack_new(struct rig_end *end, uint32_t connections)
{
	rig_end_new(end, 1, 3, &(struct tcp_config){.connections_max = connections});
	return end->tcp;
}

static struct tcp_key key_of(uint32_t n, bool ip6)
{
	struct tcp_key key = {.local = rig_address(1), .remote = rig_address(2)};

	key.local_port = (uint16_t)n;
	key.remote_port = (uint16_t)(n >> 16);
	key.local.ip6 = key.remote.ip6 = ip6;
	if (ip6)
		key.remote.w[3] = n * 7;
	return key;
}

static void what_was_added_is_found_and_nothing_else(void **state)
{
	struct rig_end end;
	struct tcp    *tcp = stack_new(&end, MANY);
	struct random  random;
	static bool    in[MANY];

	(void)state;
	random_seed(&random, 11);
	memset(in, 0, sizeof(in));
	for (unsigned round = 0; round < 200000; round++) {
		uint32_t       i = random_below(&random, MANY);
		struct tcp_key key = key_of(i, i % 3 == 0);

		tcp->conns[i].key = key;
		if (in[i])
			tcp_table_remove(tcp, &key, TCP_KIND_CONN, i);
		else
			tcp_table_add(tcp, &key, TCP_KIND_CONN, i);
		in[i] = !in[i];
	}
	for (uint32_t i = 0; i < MANY; i++) {
		struct tcp_key key = key_of(i, i % 3 == 0);

		assert_int_equal(tcp_table_find(tcp, &key, tcp_table_hash(&tcp->table, &key)),
				 in[i] ? i : TCP_NONE);
	}
	rig_end_free(&end);
}

/* As if every key had the same bucket: rows of overflow buckets grow, shrink and come back. */
static void a_row_of_full_buckets_still_finds_all(void **state)
{
	struct rig_end end;
	struct tcp    *tcp = stack_new(&end, 1000);
	uint32_t       mask = tcp->table.mask;

	(void)state;
	tcp->table.mask = 0;
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 1000; i++) {
			tcp->conns[i].key = key_of(i, false);
			tcp_table_add(tcp, &tcp->conns[i].key, TCP_KIND_CONN, i);
		}
		for (uint32_t i = 0; i < 1000; i++) {
			const struct tcp_key *key = &tcp->conns[i].key;

			assert_int_equal(tcp_table_find(tcp, key, tcp_table_hash(&tcp->table, key)),
					 i);
		}
		for (uint32_t i = 0; i < 1000; i++) {
			uint32_t              k = i * 7 % 1000;
			const struct tcp_key *key = &tcp->conns[k].key;

			tcp_table_remove(tcp, key, TCP_KIND_CONN, k);
			assert_int_equal(tcp_table_find(tcp, key, tcp_table_hash(&tcp->table, key)),
					 TCP_NONE);
		}
	}
	tcp->table.mask = mask;
	rig_end_free(&end);
}

#define TIMED 300u

/*
 * Deadlines from 1 ms to five hours are set, moved and cleared at random. KEEPALIVE of an
 * established connection that was just heard only re-arms itself, so what counts is GIVE_UP, which
 * ends the connection: it must do so at its millisecond.
 */
static void every_deadline_is_met_at_its_millisecond(void **state)
{
	static uint32_t due[TIMED];
	static bool     armed[TIMED];
	struct rig_end  end;
	struct tcp     *tcp = stack_new(&end, TIMED);
	struct random   random;
	unsigned        left = TIMED;

	(void)state;
	random_seed(&random, 5);
	rig_now.us = ((1ull << 32) - 100000) * US_PER_MS; /* the milliseconds wrap */
	tcp_time_is(tcp, rig_now);
	for (uint32_t i = 0; i < TIMED; i++) {
		struct tcp_key     key = key_of(i, false);
		struct tcp_options options = {0};
		struct tcp_conn   *conn;

		tcp_options_complete(&options);
		conn = tcp_conn_new(tcp, &key, &options);
		assert_ptr_equal(conn, tcp_conn_at(tcp, i));
		conn->state = TCP_SYN_SENT;
		armed[i] = false;
	}
	while (left > 0) {
		struct tcp_event events[TIMED];
		unsigned         n;
		uint32_t         i = random_below(&random, TIMED);
		uint32_t         after = 1u << random_below(&random, 25);

		if (tcp_conn_at(tcp, i)->state == TCP_SYN_SENT && random_below(&random, 3) > 0) {
			after = 1 + random_below(&random, after);
			tcp_timer_set(tcp, tcp_conn_at(tcp, i), TCP_TIMER_GIVE_UP, after);
			due[i] = tcp->now_ms + after;
			armed[i] = true;
		} else if (tcp_conn_at(tcp, i)->state == TCP_SYN_SENT) {
			tcp_timer_clear(tcp_conn_at(tcp, i), TCP_TIMER_GIVE_UP);
			armed[i] = false;
		}
		rig_pass((1 + random_below(&random, 1u << random_below(&random, 20))) * US_PER_MS);
		while (tcp_tick(tcp, rig_now) <= rig_now.us || tcp->ready_head != TCP_NONE) {
			n = tcp_events(tcp, events, TIMED);
			for (unsigned k = 0; k < n; k++) {
				uint32_t conn = events[k].conn & 0xffffff;

				assert_true(armed[conn] && !seq_after(due[conn], tcp->now_ms));
				armed[conn] = false;
				left--;
			}
			tcp_flush(tcp, rig_now);
		}
		for (uint32_t k = 0; k < TIMED; k++)
			assert_false(armed[k] && !seq_after(due[k], tcp->now_ms));
	}
	rig_end_free(&end);
}

static void the_next_deadline_is_never_later_than_the_first_timer(void **state)
{
	static const uint32_t after_ms[] = {1,    63,     64,       4095,     4096,    4097,
					    8191, 100000, 16777215, 16777216, 30000000};
	struct rig_end        end;
	struct tcp           *tcp = stack_new(&end, 16);

	(void)state;
	rig_now.us = RIG_START_US + 4095 * US_PER_MS;
	for (unsigned i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		struct tcp_key     key = key_of(i, false);
		struct tcp_options options = {0};
		struct tcp_conn   *conn;
		struct tcp_event   event;
		uint64_t           start_us;
		unsigned           wakes = 0;

		tcp_options_complete(&options);
		tcp_tick(tcp, rig_now);
		conn = tcp_conn_new(tcp, &key, &options);
		conn->state = TCP_SYN_SENT;
		tcp_timer_set(tcp, conn, TCP_TIMER_GIVE_UP, after_ms[i]);
		start_us = rig_now.us / US_PER_MS * US_PER_MS;
		while (tcp_events(tcp, &event, 1) == 0) {
			rig_now.us = tcp_tick(tcp, rig_now);
			assert_true(wakes++ < 20);
		}
		assert_int_equal(rig_now.us - start_us, after_ms[i] * US_PER_MS);
		tcp_flush(tcp, rig_now);
	}
	rig_end_free(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found_and_nothing_else),
		cmocka_unit_test(a_row_of_full_buckets_still_finds_all),
		cmocka_unit_test(every_deadline_is_met_at_its_millisecond),
		cmocka_unit_test(the_next_deadline_is_never_later_than_the_first_timer),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
