/*
 * TCP alone: cycles of each kind of segment, and requests per second with one outstanding on each
 * of 1, 1,000 and 100,000 connections and with 64 on each of 8, beside an epoll server on the
 * kernel's loopback sockets on the same machine in the same run. usage: tcp_bench [--short]
 * [--json]
 */
#include "kernel_echo.h"
#include "tcp_pair.h"

#define SIZE 128u /* of a request and of its answer */
#define BATCHES_MAX 20000u
#define SEGMENT_CONNECTIONS 64u
#define BATCH 64u /* connections in one turn */

static bool     json;
static unsigned scale = 1; /* so many times fewer rounds */
static double   costs[2][BATCHES_MAX];
static unsigned batches;

static const uint8_t bytes[65536];

/* ---- batches ---- */

static void batch_begin(void)
{
	pair[0].cycles = pair[1].cycles = pair[0].input_cycles = pair[1].input_cycles = 0;
}

static void batch_is(double first, double second)
{
	ASSERT(batches < BATCHES_MAX);
	costs[0][batches] = first;
	costs[1][batches++] = second;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(unsigned side)
{
	qsort(costs[side], batches, sizeof(costs[side][0]), by_value);
	return costs[side][batches / 2];
}

static void print_segment(const char *what, double cycles)
{
	if (json)
		printf("{\"bench\": \"tcp-segment\", \"what\": \"%s\", \"cycles_per_segment\": "
		       "%.0f}\n",
		       what, cycles);
	else
		printf("%-46s %8.0f cycles\n", what, cycles);
	batches = 0;
}

/* ---- cycles of each kind of segment ---- */

static void send_all(size_t n)
{
	for (uint32_t c = 0; c < SEGMENT_CONNECTIONS; c++)
		ASSERT(tcp_send(pair[0].tcp, pair[0].conns[c], bytes, n) == n);
}

/* Two full segments a connection, acknowledged by one. */
static void stream_round(bool swapped)
{
	send_all(2 * 1448);
	batch_begin();
	pair_turn(0, pair_drop);
	for (unsigned i = 0; swapped && i + 1 < pair_on_wire[1]; i += 2) {
		struct rte_mbuf *first = pair_wire[1][i];

		pair_wire[1][i] = pair_wire[1][i + 1];
		pair_wire[1][i + 1] = first;
	}
	ASSERT(pair_on_wire[1] == 2 * SEGMENT_CONNECTIONS);
	pair_turn(1, pair_drop);
	ASSERT(pair_on_wire[0] == SEGMENT_CONNECTIONS);
	pair_now.us += 100;
}

static void segments_in_order(void)
{
	for (unsigned r = 0; r < 4000 / scale; r++) {
		stream_round(false);
		batch_is((double)pair[0].cycles / (2 * SEGMENT_CONNECTIONS),
			 (double)pair[1].cycles / (2 * SEGMENT_CONNECTIONS));
		pair_turn(0, pair_drop);
	}
	print_segment("in-order data, received (and half an ACK)", median(1));
	for (unsigned r = 0; r < 4000 / scale; r++) {
		stream_round(false);
		batch_begin();
		pair_turn(0, pair_drop);
		batch_is((double)pair[0].cycles / SEGMENT_CONNECTIONS, 0);
	}
	print_segment("pure ACK, received", median(0));
	for (unsigned r = 0; r < 4000 / scale; r++) {
		stream_round(false);
		batch_is((double)pair[0].cycles / (2 * SEGMENT_CONNECTIONS), 0);
		pair_turn(0, pair_drop);
	}
	print_segment("full segment, sent", median(0));
}

static void segments_out_of_order(void)
{
	for (unsigned r = 0; r < 4000 / scale; r++) {
		stream_round(true);
		batch_is(0, (double)pair[1].cycles / (2 * SEGMENT_CONNECTIONS));
		pair_turn(0, pair_drop);
	}
	print_segment("out of order, received in pairs", median(1));
}

/* From the first SYN to the last ACK, with the other side as the one that closes. */
static void connect_and_close(void)
{
	for (unsigned r = 0; r < 1000 / scale; r++) {
		batch_begin();
		for (uint32_t c = 0; c < BATCH; c++) {
			uint64_t start = rte_rdtsc();

			ASSERT(tcp_connect(pair[0].tcp, pair_now, &pair[1].address, PAIR_PORT,
					   &(struct tcp_options){0}, 0) != TCP_CONN_NONE);
			pair[0].cycles += rte_rdtsc() - start;
		}
		pair_turns(4, pair_count, pair_count);
		ASSERT(pair[0].open == BATCH && pair[1].open == BATCH);
		for (uint32_t c = 0; c < BATCH; c++)
			tcp_close(pair[0].tcp, pair[0].conns[c], false);
		pair_turns(2, pair_count, pair_count);
		for (uint32_t c = 0; c < BATCH; c++)
			tcp_close(pair[1].tcp, pair[1].conns[c], false);
		pair_turn(1, pair_count);
		pair_turns(3, pair_count, pair_count);
		pair_turn(1, pair_count);
		ASSERT(pair[0].closed == BATCH && pair[1].closed == BATCH);
		pair[0].open = pair[1].open = pair[0].closed = pair[1].closed = 0;
		batch_is((double)pair[0].cycles / BATCH, (double)pair[1].cycles / BATCH);
		pair_now.us += 1000;
	}
	if (json)
		printf("{\"bench\": \"tcp-connect-close\", \"cycles_client\": %.0f, "
		       "\"cycles_server\": %.0f}\n",
		       median(0), median(1));
	else
		printf("%-46s %8.0f cycles client %8.0f cycles server\n", "connect and close, each",
		       median(0), median(1));
	batches = 0;
}

static void segments(void)
{
	pair_call(SEGMENT_CONNECTIONS);
	for (unsigned i = 0; i < 8; i++) { /* past slow start and quick acknowledgements */
		send_all(1448);
		pair_turns(4, pair_drop, pair_drop);
		pair_now.us += 50000;
	}
	pair_turns(4, pair_drop, pair_drop);
	segments_in_order();
	segments_out_of_order();
	pair_hang_up();
	connect_and_close();
}

/* ---- requests ---- */

struct rate {
	double client, server; /* requests per CPU second of that side */
};

/* As many are in a turn as have been sent: one of a lone connection, else BATCH of them. */
static struct rate our_requests(unsigned connections, unsigned outstanding)
{
	unsigned turn = connections < BATCH ? connections : BATCH;
	size_t   size = (size_t)outstanding * SIZE;
	uint64_t wanted = 2000000 / scale / outstanding / turn;
	double   hz = (double)rte_get_tsc_hz(), each = (double)turn * outstanding;
	uint32_t at = 0;

	if (wanted * turn < 3ull * connections)
		wanted = 3ull * connections / turn;
	if (wanted > BATCHES_MAX)
		wanted = BATCHES_MAX;
	pair_call(connections);
	for (uint64_t r = 0; r < wanted; r++) {
		uint64_t start = rte_rdtsc();

		batch_begin();
		for (unsigned i = 0; i < turn; i++) {
			ASSERT(tcp_send(pair[0].tcp, pair[0].conns[at], bytes, size) == size);
			at = at + 1 < connections ? at + 1 : 0;
		}
		pair[0].cycles = rte_rdtsc() - start;
		pair_turns(3, pair_drop, pair_echo);
		batch_is((double)pair[0].cycles / each, (double)pair[1].cycles / each);
		pair_now.us += 20;
	}
	pair_now.us += 100000;
	pair_turns(6, pair_drop, pair_echo);
	struct rate rate = {hz / median(0), hz / median(1)};

	batches = 0;
	pair_hang_up();
	return rate;
}

/* Returns how many connections there were: as many as wanted, or as files are allowed. */
static unsigned kernel_requests(unsigned connections, unsigned outstanding, struct rate *rate)
{
	static struct kernel_echo k;

	k = (struct kernel_echo){.connections = connections,
				 .outstanding = outstanding,
				 .size = SIZE,
				 .seconds = scale > 1 ? 0.5 : 3};
	kernel_echo_run(&k);
	rate->client = (double)k.answered / k.client_cpu_s;
	rate->server = (double)k.answered / k.server_cpu_s;
	return k.connections;
}

/* Per second of CPU that both sides took together. */
static double both(struct rate rate)
{
	return 1 / (1 / rate.client + 1 / rate.server);
}

static void requests(unsigned connections, unsigned outstanding)
{
	struct rate ours = our_requests(connections, outstanding), kernels;
	unsigned    compared = kernel_requests(connections, outstanding, &kernels);

	if (json)
		printf("{\"bench\": \"tcp-requests\", \"connections\": %u, \"outstanding\": %u, "
		       "\"requests_per_s\": %.0f, \"both_sides_per_s\": %.0f, "
		       "\"kernel_connections\": %u, \"kernel_requests_per_s\": %.0f, "
		       "\"kernel_both_sides_per_s\": %.0f, \"ratio\": %.2f, "
		       "\"ratio_both_sides\": %.2f}\n",
		       connections, outstanding, ours.server, both(ours), compared, kernels.server,
		       both(kernels), ours.server / kernels.server, both(ours) / both(kernels));
	else
		printf("%6u x %-2u %11.0f/s %11.0f/s | kernel %6u x %-2u %9.0f/s %9.0f/s | ratio "
		       "%5.1f %5.1f\n",
		       connections, outstanding, ours.server, both(ours), compared, outstanding,
		       kernels.server, both(kernels), ours.server / kernels.server,
		       both(ours) / both(kernels));
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--short") == 0)
			scale = 10;
		else if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			return fprintf(stderr, "usage: tcp_bench [--short] [--json]\n"), 2;
	}
	pair_begin();
	segments();
	if (!json)
		printf("\nconnections x outstanding: 128-byte requests per CPU second, of the "
		       "server, of both sides together\n");
	requests(1, 1);
	requests(1000, 1);
	requests(100000, 1);
	requests(8, 64);
	return 0;
}
