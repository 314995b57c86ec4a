/*
 * The stack against a small TCP written only to be obviously right: one segment in flight, no
 * options but the size of segments, everything out of order thrown away. Meanwhile somebody mixes
 * in segments that RFC 9293 and 5961 say must change nothing, with payload that gives them away.
 * Seeds as in the simulator (RIG_SEED, a tenth of RIG_SECONDS).
 */
#include "peer.h"

#include <time.h>

#include "tcp/seq.h"

#define RTO_US 300000u
#define MSS 1460u
#define RUN_MAX_US (3600 * US_PER_SECOND)

struct reference {
	struct peer   peer;
	struct random random;
	uint32_t      una, next, fin; /* ours: acknowledged; sent; the number of our FIN */
	uint32_t      expected;       /* the stack's next number */
	uint32_t      edge;           /* the highest number that we let the stack send */
	uint32_t      told, window;   /* the stack's highest right edge; what it last said */
	uint64_t      resend_us;
	uint32_t      written, write, read; /* by the stack's application */
	struct seg    old;                  /* one that was sent, to come again */
	unsigned      loss;
	bool          peer_fin, closing;
};

static struct reference r;
static uint64_t         seed;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("seed %llu fails (RIG_SEED=%llu)\n", (unsigned long long)seed,      \
			       (unsigned long long)seed);                                          \
			assert_true(condition);                                                    \
		}                                                                                  \
	} while (0)

static uint32_t below(uint32_t n)
{
	return random_below(&r.random, n);
}

static void deliver(const struct seg *seg, bool poison, bool damage)
{
	struct rte_mbuf     *frame = peer_frame(&r.peer, seg);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14);
	struct rte_tcp_hdr  *tcp = (struct rte_tcp_hdr *)(ip + 1);
	uint8_t             *payload = (uint8_t *)tcp + (tcp->data_off >> 4) * 4;

	for (uint32_t i = 0; poison && i < seg->len; i++)
		payload[i] ^= 0xa5;
	tcp->cksum = 0;
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	if (damage)
		tcp->cksum ^= 0x100;
	rig_frame_in(&r.peer.end, frame);
}

/* One that counts, unless the wire swallows it. */
static void say(uint8_t flags, uint32_t seq, uint32_t len)
{
	struct seg seg = {.flags = flags | ACK, .seq = seq, .ack = r.expected, .len = len};
	uint32_t   window = below(4) == 0 ? 1 + below(3000) : 10000 + below(50000);

	if (seq_before(r.expected + window, r.edge))
		window = r.edge - r.expected; /* never smaller than was said */
	r.edge = r.expected + window;
	seg.window = window;
	r.old = seg;
	if (below(100) < r.loss)
		return;
	deliver(&seg, false, false);
	if (below(20) == 0)
		deliver(&seg, false, false);
}

static void send_next(void)
{
	uint32_t len = r.fin - r.una, most = r.told - r.una;

	if (r.una == r.fin + 1)
		return;
	if (r.next != r.una && rig_now.us < r.resend_us)
		return;
	if (r.next == r.una) { /* a new one; afterwards it stays as it is */
		len = len > MSS ? MSS : len;
		len = len > most ? most : len;
		len = len > 1 && below(2) == 0 ? 1 + below(len) : len;
		if (len == 0 && r.una != r.fin)
			len = rig_now.us >= r.resend_us; /* one byte asks about a closed window */
		r.next = r.una + len + (r.una + len == r.fin);
	}
	len = r.next - r.una - (r.next == r.fin + 1);
	r.resend_us = rig_now.us + RTO_US;
	say(r.next == r.fin + 1 ? FIN : 0, r.una, len);
}

/* What must change nothing. */
static void lie(void)
{
	struct seg seg = {.flags = ACK, .seq = r.una, .ack = r.expected, .len = 1 + below(1000)};
	bool       damage = false;

	seg.window = r.edge - r.expected > 0 ? r.edge - r.expected : 1;
	switch (below(10)) {
	case 0: /* nothing but what was acknowledged */
		seg.seq = r.una - seg.len;
		break;
	case 1: /* beyond what was ever allowed */
		seg.seq = r.told + 1 + below(100000);
		break;
	case 2: /* acknowledges what was never sent */
		seg.ack = r.expected + 1000000 + below(1000000);
		break;
	case 3: /* or what was acknowledged long ago (RFC 5961, 5.2) */
		seg.ack = r.expected - 1000000 - below(1000000);
		break;
	case 4: /* resets, but does not know the number (RFC 5961, 3.2) */
		seg.flags = RST | (below(2) == 0 ? ACK : 0);
		seg.seq += 10000 + below(100000);
		break;
	case 5: /* RFC 5961, 4.2 */
		seg.flags = SYN | (below(2) == 0 ? ACK : 0);
		seg.seq += below(1000);
		break;
	case 6: /* RFC 9293, 3.10.7.4, fifth */
		seg.flags = below(2) == 0 ? 0 : FIN;
		break;
	case 7:
		damage = true;
		break;
	case 8: /* ends the stream where it does not end */
		seg.flags |= FIN;
		seg.seq = r.told + 1 + below(100000);
		break;
	case 9: /* goes on after the end */
		if (r.una != r.fin + 1)
			return;
		break;
	}
	deliver(&seg, true, damage);
}

/* What the stack said, by the rules of a receiver that takes only the very next. */
static void hear(const struct seg *seg)
{
	uint32_t end = seg->seq + seg->len;

	if (seg->flags & SYN)
		return;
	if (seg->flags & RST) {
		CHECK(r.closing); /* the connection may be gone already */
		return;
	}
	CHECK(!seq_after(seg->ack, r.next) && !seq_after(end, r.edge));
	r.told = seq_max(r.told, seg->ack + seg->window);
	if (below(100) < r.loss)
		return;
	r.una = seq_max(r.una, seg->ack);
	if (seg->len > 0)
		CHECK(seg->first == (uint8_t)((seg->seq - 1) % 253));
	if (seg->len == 0 && !(seg->flags & FIN))
		return;
	if (seg->seq == r.expected) {
		r.expected = end;
		if (seg->flags & FIN) {
			r.expected++;
			r.peer_fin = true;
		}
	}
	say(0, r.next, 0);
}

static void application(void)
{
	struct tcp *tcp = r.peer.end.tcp;
	uint8_t     bytes[3000];
	uint32_t    n = 1 + below(sizeof(bytes));
	struct cur  in;

	if (r.closing)
		return;
	for (size_t waits; below(4) != 0 && (waits = tcp_peek(tcp, r.peer.conn, 0, &in)) > 0;) {
		size_t part = 1 + below((uint32_t)cur_left(&in));

		for (size_t i = 0; i < part; i++)
			CHECK(in.p[i] == (1 + r.read + i) % 251);
		tcp_consume(tcp, r.peer.conn, part);
		r.read += (uint32_t)part;
	}
	n = n < r.write - r.written ? n : r.write - r.written;
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((r.written + i) % 253);
	r.written += (uint32_t)tcp_send(tcp, r.peer.conn, bytes, n);
	if (r.written == r.write && tcp_read_ended(tcp, r.peer.conn) &&
	    tcp_peek(tcp, r.peer.conn, 0, &in) == 0) {
		CHECK(r.read == r.fin - 1);
		r.closing = true;
		tcp_close(tcp, r.peer.conn, false);
	}
}

static void reference_begin(void)
{
	struct tcp_options options;

	memset(&r, 0, sizeof(r));
	random_seed(&r.random, seed);
	options = (struct tcp_options){.receive_max = 3000 + below(60000),
				       .user_timeout_s = 3600,
				       .congestion = below(TCP_CONGESTION_COUNT)};
	peer_open_with(&r.peer, &(struct tcp_config){0}, &options,
		       (struct seg){.mss = MSS, .window = 60000});
	r.una = r.next = r.expected = 1;
	r.edge = 60001;
	r.told = 1 + (options.receive_max < 65535 ? options.receive_max : 65535);
	r.fin = 1 + below(20000);
	r.write = below(40000);
	r.loss = below(2) == 0 ? 0 : below(20);
}

static void reference_run(void)
{
	uint64_t start_us = rig_now.us;

	while (peer_event(&r.peer, TCP_EVENT_CLOSED) == NULL) {
		send_next();
		if (below(3) == 0)
			lie();
		if (below(50) == 0 && r.old.flags != 0)
			deliver(&r.old, false, false);
		application();
		peer_wait(&r.peer, 1 + below(20000));
		while (r.peer.seen < r.peer.outs)
			hear(peer_next(&r.peer));
		peer_forget(&r.peer);
		CHECK(rig_now.us - start_us < RUN_MAX_US);
	}
	CHECK(r.closing && r.peer_fin && r.expected == r.write + 2);
	CHECK(peer_event(&r.peer, TCP_EVENT_CLOSED)->why != REASON_CONNECTION_RESET);
	peer_end(&r.peer);
}

static void segments_that_mean_nothing_change_nothing(void **state)
{
	const char *only = getenv("RIG_SEED"), *seconds = getenv("RIG_SECONDS");
	uint64_t    first = only != NULL ? strtoull(only, NULL, 0) : 1;
	clock_t     stop = clock() + (seconds != NULL ? atoi(seconds) / 10 : 2) * CLOCKS_PER_SEC;

	(void)state;
	seed = first;
	do {
		reference_begin();
		reference_run();
		seed++;
	} while (only == NULL && clock() < stop);
	printf("%llu seeds held\n", (unsigned long long)(seed - first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_that_mean_nothing_change_nothing),
	};

	return cmocka_run_group_tests(tests, rig_begin, NULL);
}
