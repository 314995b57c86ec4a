/*
 * Two stacks and a bad wire in virtual time. Every run is a seed: RIG_SEED=n runs that one alone,
 * RIG_SECONDS=n runs longer. Oracles: streams arrive whole and equal, no right edge moves left,
 * every mbuf comes back, and it ends.
 */
#include "rig.h"

#include <time.h>

#define CONNS 6u
#define APPS                                                                                       \
	(4 * CONNS) /* a late duplicate of a cookie's acknowledgement may open a connection again, \
		       to no avail */
#define FRAMES_MAX 4096u
#define PORT 2775u
#define END_US (4ull * 3600 * US_PER_SECOND)

struct frame {
	struct rte_mbuf *mbuf;
	uint64_t         due_us;
	unsigned         to;
};

struct app {
	uint32_t    conn;
	bool        open, closed, ended, closing, aborted;
	uint32_t    to_send, sent, received, expected;
	uint64_t    stream; /* which bytes */
	enum reason why;
};

struct edge {          /* what one end told the other of its window */
	uint16_t port; /* of the client */
	bool     known, over, scaled[2], has_edge[2];
	uint8_t  scale[2];
	uint32_t edge[2];
};

struct sim {
	struct rig_end     end[2];
	struct random      random;
	struct frame       frames[FRAMES_MAX];
	unsigned           frame_count;
	struct app         apps[2][APPS];
	struct edge        edges[CONNS * 2];
	uint64_t           app_us[2];
	uint64_t           seed;
	unsigned           loss, duplicate, reorder, damage; /* of 1000 */
	uint32_t           delay_us, jitter_us;
	struct tcp_options options[2];
	bool               aborts;
	struct rte_mbuf   *squeezed[8191]; /* taken away, so that memory is short */
	unsigned           squeeze;
	bool               squeezes, chains;
};

static struct sim sim;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("seed %llu fails (RIG_SEED=%llu)\n", (unsigned long long)sim.seed,  \
			       (unsigned long long)sim.seed);                                      \
			assert_true(condition);                                                    \
		}                                                                                  \
	} while (0)

static uint32_t chance(uint32_t below)
{
	return random_below(&sim.random, below);
}

static bool one_in_1000(unsigned n)
{
	return chance(1000) < n;
}

static uint8_t byte_of(uint64_t stream, uint32_t offset)
{
	return (uint8_t)(hash_mix(stream ^ offset / 8) >> offset % 8 * 8);
}

/* The right edges, as a bystander sees them leave. */
static void watch(const struct rte_mbuf *mbuf, unsigned from)
{
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(mbuf, const struct rte_tcp_hdr *, 34);
	uint16_t     port = rte_be_to_cpu_16(from == 0 ? tcp->src_port : tcp->dst_port);
	struct edge *edge = NULL;
	uint32_t     right;

	for (unsigned i = 0; i < CONNS * 2 && edge == NULL; i++) {
		if (!sim.edges[i].known || sim.edges[i].port == port)
			edge = &sim.edges[i];
	}
	if (getenv("RIG_TRACE") != NULL)
		printf("%9.3f %u %u %s%s%s%s seq %u ack %u win %u len %u\n",
		       (double)(rig_now.us % 1000000000) / 1000, from, port,
		       tcp->tcp_flags & 2 ? "S" : "", tcp->tcp_flags & 1 ? "F" : "",
		       tcp->tcp_flags & 4 ? "R" : "", tcp->tcp_flags & 8 ? "P" : "",
		       rte_be_to_cpu_32(tcp->sent_seq), rte_be_to_cpu_32(tcp->recv_ack),
		       rte_be_to_cpu_16(tcp->rx_win),
		       mbuf->pkt_len - 34 - (unsigned)(tcp->data_off >> 4) * 4);
	CHECK(edge != NULL);
	edge->known = true;
	edge->port = port;
	if (tcp->tcp_flags & RTE_TCP_SYN_FLAG) {
		const uint8_t *options = (const uint8_t *)(tcp + 1);
		unsigned       size = (unsigned)(tcp->data_off >> 4) * 4 - 20;

		for (unsigned i = 0; i < size && options[i] != 0;) {
			if (options[i] == 3) {
				edge->scale[from] = options[i + 2];
				edge->scaled[from] = true;
			}
			i += options[i] == 1 ? 1 : options[i + 1];
		}
		return;
	}
	if (tcp->tcp_flags & RTE_TCP_RST_FLAG)
		edge->over = true;
	if (!(tcp->tcp_flags & RTE_TCP_ACK_FLAG) || edge->over || tcp->rx_win == 0)
		return;
	right = rte_be_to_cpu_32(tcp->recv_ack) +
		((uint32_t)rte_be_to_cpu_16(tcp->rx_win)
		 << (edge->scaled[0] && edge->scaled[1] ? edge->scale[from] : 0));
	CHECK(!edge->has_edge[from] || (int32_t)(right - edge->edge[from]) >= 0);
	edge->edge[from] = right;
	edge->has_edge[from] = true;
}

static void frame_add(struct rte_mbuf *mbuf, unsigned to)
{
	uint64_t due_us = rig_now.us + sim.delay_us + chance(sim.jitter_us + 1);

	CHECK(mbuf != NULL);
	if (sim.frame_count == FRAMES_MAX) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	if (one_in_1000(sim.reorder))
		due_us += chance(3 * sim.delay_us + 2000);
	if (one_in_1000(sim.damage)) {
		if (chance(2) == 0)
			rte_pktmbuf_mtod(mbuf, uint8_t *)[chance(mbuf->data_len)] ^=
				(uint8_t)(1u << chance(8));
		else
			rte_pktmbuf_trim(mbuf,
					 (uint16_t)chance(rte_pktmbuf_lastseg(mbuf)->data_len));
	}
	sim.frames[sim.frame_count++] = (struct frame){mbuf, due_us, to};
}

/* As a port with small buffers would receive it: the rest of the payload in a second mbuf. */
static struct rte_mbuf *chained(struct rte_mbuf *frame)
{
	uint32_t         keep = 114 + chance(600), size = frame->pkt_len;
	struct rte_mbuf *head, *rest;

	if (!sim.chains || size <= keep)
		return frame;
	head = rte_pktmbuf_copy(frame, rig_wire, 0, keep);
	rest = rte_pktmbuf_copy(frame, rig_wire, keep, size - keep);
	CHECK(head != NULL && rest != NULL && rte_pktmbuf_chain(head, rest) == 0);
	rte_pktmbuf_free(frame);
	return head;
}

static void wire_out(unsigned from)
{
	unsigned          n;
	struct rte_mbuf **out = net_tx_peek(sim.end[from].net, 0, &n);

	for (unsigned i = 0; i < n; i++) {
		if (rig_is_tcp(out[i]))
			watch(out[i], from);
		if (!one_in_1000(sim.loss)) {
			frame_add(chained(rig_frame_copy(out[i])), !from);
			if (one_in_1000(sim.duplicate))
				frame_add(rig_frame_copy(out[i]), !from);
		}
		if (chance(4) ==
		    0) /* a port that frees what it sent late: the stack must copy to repeat it */
			sim.frames[sim.frame_count++] =
				(struct frame){out[i], rig_now.us + chance(400000), 2};
		else
			rte_pktmbuf_free(out[i]);
		if (sim.frame_count > FRAMES_MAX - 8) {
			CHECK(sim.frame_count < FRAMES_MAX);
		}
	}
	net_tx_sent(sim.end[from].net, 0, n);
}

static bool wire_in(unsigned to)
{
	bool any = false;

	for (unsigned i = 0; i < sim.frame_count;) {
		struct frame frame = sim.frames[i];

		if (frame.due_us > rig_now.us || (frame.to != to && frame.to != 2)) {
			i++;
			continue;
		}
		sim.frames[i] = sim.frames[--sim.frame_count];
		if (frame.to == 2)
			rte_pktmbuf_free(frame.mbuf);
		else
			rig_frame_in(&sim.end[to], frame.mbuf);
		any = true;
	}
	return any;
}

static struct app *app_of(unsigned end, uint32_t conn)
{
	for (unsigned i = 0; i < APPS; i++) {
		if (sim.apps[end][i].open && sim.apps[end][i].conn == conn)
			return &sim.apps[end][i];
	}
	return NULL;
}

/* The server learns which connection it is from its first 8 bytes: stream and how much both ways.
 */
static void hello_make(const struct app *app, uint8_t hello[8])
{
	hello[0] = (uint8_t)(app - sim.apps[0]);
	memset(hello + 1, 0x55, 7);
}

static void events_take(unsigned end)
{
	struct tcp_event events[3];
	unsigned         n;

	while ((n = tcp_events(sim.end[end].tcp, events, 3)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct app *app = app_of(end, events[i].conn);

			if (events[i].kind == TCP_EVENT_ACCEPTED) {
				CHECK(end == 1 && events[i].user == 77 && app == NULL);
				for (unsigned k = 0; k < APPS && app == NULL; k++) {
					if (!sim.apps[1][k].open)
						app = &sim.apps[1][k];
				}
				CHECK(app != NULL);
				*app = (struct app){.conn = events[i].conn,
						    .open = true,
						    .expected = UINT32_MAX};
			} else if (events[i].kind == TCP_EVENT_CLOSED) {
				CHECK(app != NULL && !app->closed);
				app->closed = true;
				app->why = events[i].why;
				app->conn = TCP_CONN_NONE;
			}
		}
	}
}

static void check_bytes(struct app *app, unsigned end, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t at = app->received + (uint32_t)i;

		if (end == 1 && at == 0) { /* the hello */
			struct app *peer = &sim.apps[0][p[0]];

			CHECK(p[0] < CONNS);
			app->stream = ~peer->stream;
			app->to_send = peer->expected;
			app->expected = peer->to_send;
		} else if (end == 1 && at < 8) {
			CHECK(p[i] == 0x55);
		} else {
			CHECK(p[i] == byte_of(~app->stream, at));
		}
	}
}

static void app_read(struct app *app, unsigned end)
{
	struct tcp *tcp = sim.end[end].tcp;
	struct cur  in;

	for (unsigned turn = chance(4); turn > 0; turn--) {
		size_t waits = tcp_peek(tcp, app->conn, chance(5000), &in);
		size_t part = cur_left(&in);

		CHECK(part <= waits && (waits == 0) == (part == 0));
		if (part > 1 && chance(3) == 0)
			part = 1 + chance((uint32_t)part);
		check_bytes(app, end, in.p, part);
		tcp_consume(tcp, app->conn, part);
		app->received += (uint32_t)part;
	}
	if (tcp_peek(tcp, app->conn, 0, &in) == 0 && tcp_read_ended(tcp, app->conn))
		app->ended = true;
}

static void app_write(struct app *app, unsigned end)
{
	uint8_t  bytes[6000];
	uint32_t n = 1 + chance(chance(2) == 0 ? 200 : sizeof(bytes));

	if (n > app->to_send - app->sent)
		n = app->to_send - app->sent;
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = byte_of(app->stream, app->sent + i);
	if (end == 0 && app->sent < 8) {
		uint8_t hello[8];

		hello_make(app, hello);
		for (uint32_t i = app->sent; i < 8 && i - app->sent < n; i++)
			bytes[i - app->sent] = hello[i];
	}
	app->sent += (uint32_t)tcp_send(sim.end[end].tcp, app->conn, bytes, n);
}

static void app_turn(struct app *app, unsigned end)
{
	if (chance(3) != 0)
		app_read(app, end);
	if (app->sent < app->to_send && chance(3) != 0)
		app_write(app, end);
	if (sim.aborts && one_in_1000(2)) {
		app->aborted = app->closing = true;
		tcp_close(sim.end[end].tcp, app->conn, true);
		return;
	}
	/* The client closes when it has everything; the server when it was told, or first when it
	 * has everything, by its stream. */
	if (app->sent == app->to_send && app->received == app->expected &&
	    (end == 0 || app->ended || (app->stream & 1))) {
		app->closing = true;
		tcp_close(sim.end[end].tcp, app->conn, false);
	}
}

static bool apps_turn(unsigned end)
{
	bool live = false;

	for (unsigned i = 0; i < APPS; i++) {
		struct app *app = &sim.apps[end][i];

		if (!app->open || app->closed)
			continue;
		live = true;
		if (!app->closing)
			app_turn(app, end);
	}
	return live;
}

static void sim_begin(uint64_t seed)
{
	static const uint32_t sizes[] = {3000, 10000, 65536, 262140};
	struct tcp_config     config = {.connections_max = APPS};

	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	random_seed(&sim.random, seed);
	rig_now.us = RIG_START_US;
	if (chance(3) == 0) /* the clock of milliseconds wraps meanwhile */
		rig_now.us = ((1ull << 32) - chance(8000)) * US_PER_MS;
	config.cookies_always = chance(4) == 0;
	for (unsigned i = 0; i < 2; i++) {
		rig_end_new(&sim.end[i], i + 1, seed * 2 + i, &config);
		sim.options[i] = (struct tcp_options){.receive_max = sizes[chance(4)],
						      .send_max = sizes[chance(4)],
						      .keepalive_s = 3600,
						      .user_timeout_s = 20000,
						      .connect_timeout_s = 2000,
						      .nagle = chance(4) == 0};
	}
	rig_learn(&sim.end[0], &sim.end[1].address, sim.end[1].mac);
	rig_learn(&sim.end[1], &sim.end[0].address, sim.end[0].mac);
	sim.delay_us = chance(3) == 0 ? 20 : chance(100000);
	sim.jitter_us = chance(2) == 0 ? 0 : chance(sim.delay_us + 1);
	sim.loss = chance(3) == 0 ? 0 : chance(100);
	sim.duplicate = chance(2) == 0 ? 0 : chance(50);
	sim.reorder = chance(2) == 0 ? 0 : chance(200);
	sim.damage = chance(2) == 0 ? 0 : chance(30);
	sim.aborts = chance(5) == 0;
	sim.squeezes = chance(4) == 0;
	if (sim.squeezes) /* with loss besides, a handshake may rightly be given up */
		sim.loss = sim.damage = 0;
	sim.chains = chance(4) == 0;
	assert_int_equal(
		tcp_listen(sim.end[1].tcp, &(struct net_addr){0}, PORT, &sim.options[1], 77), 0);
	for (unsigned i = 0; i < CONNS; i++) {
		struct app *app = &sim.apps[0][i];

		app->open = true;
		app->stream = random_next(&sim.random);
		app->to_send = 8 + chance(chance(2) == 0 ? 1000 : 150000);
		app->expected = chance(chance(2) == 0 ? 1000 : 150000);
		app->conn = tcp_connect(sim.end[0].tcp, rig_now, &sim.end[1].address, PORT,
					&sim.options[0], i);
		CHECK(app->conn != TCP_CONN_NONE);
	}
}

static uint64_t turn(unsigned i, uint64_t app_us[2])
{
	uint64_t next, net_next;

	wire_in(i);
	rig_learn(&sim.end[i], &sim.end[!i].address, sim.end[!i].mac);
	net_next = net_tick(sim.end[i].net, rig_now);
	tcp_tick(sim.end[i].tcp, rig_now);
	events_take(i);
	if (app_us[i] <= rig_now.us)
		app_us[i] = apps_turn(i) ? rig_now.us + 1 + chance(20000) : UINT64_MAX;
	tcp_flush(sim.end[i].tcp, rig_now);
	events_take(i);
	wire_out(i);
	next = tcp_tick(sim.end[i].tcp, rig_now);
	if (app_us[i] == UINT64_MAX && i == 1)
		app_us[i] = rig_now.us + 20000; /* it may yet accept */
	return next < net_next ? next : net_next;
}

static bool all_closed(void)
{
	for (unsigned i = 0; i < APPS; i++) {
		if ((sim.apps[0][i].open && !sim.apps[0][i].closed) ||
		    (sim.apps[1][i].open && !sim.apps[1][i].closed))
			return false;
	}
	return tcp_count(sim.end[0].tcp) == 0 && tcp_count(sim.end[1].tcp) == 0;
}

static uint64_t next_frame_us(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < sim.frame_count; i++) {
		if (sim.frames[i].due_us < next)
			next = sim.frames[i].due_us;
	}
	return next;
}

/* For the first ten seconds memory is short. */
static void squeeze(uint64_t start_us)
{
	if (sim.squeezes && sim.squeeze == 0) {
		sim.squeeze = 7000 + chance(1100);
		if (rte_pktmbuf_alloc_bulk(rig_pool, sim.squeezed, sim.squeeze) != 0)
			sim.squeeze = 0;
	}
	if (sim.squeezes && rig_now.us - start_us > 10 * US_PER_SECOND) {
		rte_pktmbuf_free_bulk(sim.squeezed, sim.squeeze);
		sim.squeeze = 0;
		sim.squeezes = false;
	}
}

static void sim_run(void)
{
	uint64_t app_us[2] = {0, 0}, start_us = rig_now.us;
	unsigned still = 0;

	while (!all_closed()) {
		uint64_t next = next_frame_us();

		squeeze(start_us);
		for (unsigned i = 0; i < 2; i++) {
			uint64_t wait = turn(i, app_us);

			next = wait < next ? wait : next;
			next = app_us[i] < next ? app_us[i] : next;
		}
		if (next_frame_us() < next)
			next = next_frame_us();
		CHECK(next != UINT64_MAX);
		still = next <= rig_now.us ? still + 1 : 0;
		CHECK(still < 1000); /* time goes on */
		CHECK(rig_now.us - start_us < END_US);
		if (next > rig_now.us)
			rig_pass(next - rig_now.us);
	}
}

static void sim_end_check(void)
{
	unsigned served = 0;

	for (unsigned i = 0; i < APPS && !sim.aborts; i++) {
		const struct app *client = &sim.apps[0][i], *server = &sim.apps[1][i];

		CHECK(client->received == client->expected && client->sent == client->to_send);
		if (server->received == 0)
			continue;
		CHECK(server->received == server->expected && server->sent == server->to_send);
		served++;
	}
	CHECK(sim.aborts || served == CONNS);
	rig_pass(70 * US_PER_SECOND); /* TIME_WAIT ends */
	for (unsigned i = 0; i < 2; i++) {
		unsigned          n;
		struct rte_mbuf **out;

		tcp_tick(sim.end[i].tcp, rig_now);
		tcp_flush(sim.end[i].tcp, rig_now);
		CHECK(rig_metric(&sim.end[i], METRIC_tcp_connections) == 0);
		CHECK(rig_metric(&sim.end[i], METRIC_tcp_time_waits) == 0);
		out = net_tx_peek(sim.end[i].net, 0, &n);
		for (unsigned k = 0; k < n; k++)
			rte_pktmbuf_free(out[k]);
		net_tx_sent(sim.end[i].net, 0, n);
	}
	for (unsigned i = 0; i < sim.frame_count; i++)
		rte_pktmbuf_free(sim.frames[i].mbuf);
	/* The stacks hold none now; what net still holds goes with it. */
	for (unsigned i = 0; i < 2; i++)
		rig_end_free(&sim.end[i]);
	rte_pktmbuf_free_bulk(sim.squeezed, sim.squeeze);
	CHECK(rte_mempool_in_use_count(rig_pool) == 0);
	CHECK(rte_mempool_in_use_count(rig_wire) == 0);
}

static void streams_survive_any_wire(void **state)
{
	const char *only = getenv("RIG_SEED"), *seconds = getenv("RIG_SECONDS");
	uint64_t    seed = only != NULL ? strtoull(only, NULL, 10) : 1, first = seed;
	clock_t     stop = clock() + (seconds != NULL ? atoi(seconds) : 6) * CLOCKS_PER_SEC;

	(void)state;
	do {
		sim_begin(seed);
		sim_run();
		sim_end_check();
		seed++;
	} while (only == NULL && clock() < stop);
	printf("seeds %llu to %llu held\n", (unsigned long long)first,
	       (unsigned long long)seed - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_survive_any_wire),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
