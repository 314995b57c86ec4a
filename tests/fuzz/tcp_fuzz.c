/*
 * What a peer could do to TCP: the first bytes choose how far a connection is led, the rest are
 * steps: segments near the numbers that are expected, with checksums made right, time, and what the
 * application does. Every mbuf must come back.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "base/assert.h"
#include "eal.h"
#include "base/cur.h"
#include "tcp/conn.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 200u
#define PORT 2775u
#define PAYLOAD_MAX 1400u

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static struct rte_mempool *pool;
static struct metrics      metrics;

static struct {
	struct net_news news;
	struct net               *net;
	struct tcp               *tcp;
	struct now                now;
	uint32_t                  conn;
	uint16_t                  port, stack_port;
	uint32_t                  seq, ack; /* what the stack expects next; what it said last */
	bool                      timestamps;
	uint32_t                  ts;
} f;

static const uint8_t stack_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

static struct net_addr address(unsigned n)
{
	return (struct net_addr){.w = {rte_cpu_to_be_32(0x0a000000u + n)}};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	ASSERT(test_eal_start("128") == 0);
	pool = rte_pktmbuf_pool_create("fuzz", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT(pool != NULL);
	return 0;
}

static void watch(const struct rte_mbuf *frame)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, 14);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);

	if (frame->pkt_len < 54 || ip->next_proto_id != 6 || tcp->tcp_flags & RST)
		return;
	f.ack = rte_be_to_cpu_32(tcp->sent_seq) + rte_be_to_cpu_16(ip->total_length) - 20u -
		(uint32_t)(tcp->data_off >> 4) * 4 + ((tcp->tcp_flags & (SYN | FIN)) != 0);
	if (tcp->tcp_flags & ACK)
		f.seq = rte_be_to_cpu_32(tcp->recv_ack);
	if (tcp->tcp_flags == SYN) {
		f.stack_port = rte_be_to_cpu_16(tcp->src_port);
		f.port = rte_be_to_cpu_16(tcp->dst_port);
	}
}

static void turn(void)
{
	struct tcp_event  event;
	struct rte_mbuf **out;
	unsigned          n;

	net_news_learn(f.net, f.now, &f.news); /* it answers every request */
	net_tick(f.net, f.now);
	tcp_tick(f.tcp, f.now);
	for (unsigned i = 0; i < 16 && tcp_events(f.tcp, &event, 1) > 0; i++)
		f.conn = event.conn;
	tcp_flush(f.tcp, f.now);
	out = net_tx_peek(f.net, 0, &n);
	for (unsigned i = 0; i < n; i++) {
		watch(out[i]);
		rte_pktmbuf_free(out[i]);
	}
	net_tx_sent(f.net, 0, n);
}

static void segment_in(uint32_t seq, uint32_t ack, uint8_t flags, uint16_t window,
		       struct cur options, uint16_t len)
{
	struct rte_mbuf      *frame = rte_pktmbuf_alloc(pool), *segments[1];
	uint8_t               option_bytes[40] = {0};
	uint16_t              option_size = (uint16_t)((cur_left(&options) + 3) & ~3u);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr  *ip;
	struct rte_tcp_hdr   *tcp;

	if (frame == NULL)
		return;
	memcpy(option_bytes, options.p, cur_left(&options));
	ether = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(
		frame, (uint16_t)(54 + option_size + len));
	ASSERT(ether != NULL);
	memset(ether, 0, 54u + option_size + len);
	memcpy(&ether->dst_addr, stack_mac, 6);
	memcpy(&ether->src_addr, peer_mac, 6);
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(40 + option_size + len));
	ip->time_to_live = 64;
	ip->next_proto_id = 6;
	ip->src_addr = address(2).w[0];
	ip->dst_addr = address(1).w[0];
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	tcp->src_port = rte_cpu_to_be_16(f.port);
	tcp->dst_port = rte_cpu_to_be_16(f.stack_port);
	tcp->sent_seq = rte_cpu_to_be_32(seq);
	tcp->recv_ack = rte_cpu_to_be_32(ack);
	tcp->data_off = (uint8_t)((20 + option_size) / 4 << 4);
	tcp->tcp_flags = flags;
	tcp->rx_win = rte_cpu_to_be_16(window);
	memcpy(tcp + 1, option_bytes, option_size);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	tcp_input_burst(f.tcp, f.now, segments,
			net_input_burst(f.net, f.now, 0, &frame, 1, segments));
	turn();
}

/* Options: none, what f says of timestamps, or bytes of the input. */
static struct cur options_of(struct cur *in, uint8_t how, uint8_t room[12])
{
	if ((how & 3) == 0 && f.timestamps) {
		memcpy(room, (uint8_t[]){1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0}, 12);
		f.ts++;
		for (unsigned i = 0; i < 4; i++)
			room[4 + i] = (uint8_t)(f.ts >> (24 - 8 * i));
		return cur_of(room, 12);
	}
	if ((how & 3) == 1) {
		size_t n = how >> 2 & 31;

		return n <= cur_left(in) ? cur_sub(in, n) : cur_of(room, 0);
	}
	return cur_of(room, 0);
}

/* SACK blocks near what the stack sent. */
static struct cur sack_of(struct cur *in, uint8_t room[36])
{
	unsigned n = 1 + (cur_u8(in) & 3);

	memcpy(room, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * n)}, 4);
	for (unsigned i = 0; i < 2 * n; i++) {
		uint32_t edge = f.ack - cur_be16(in);

		for (unsigned k = 0; k < 4; k++)
			room[4 + 4 * i + k] = (uint8_t)(edge >> (24 - 8 * k));
	}
	return cur_of(room, 4 + 8 * n);
}

static void step(struct cur *in)
{
	static const uint8_t zeros[4096];
	uint8_t              what = cur_u8(in), room[40], flags;
	uint32_t             seq, ack;
	uint16_t             len;
	struct cur           bytes;

	switch (what & 7) {
	default:
		flags = cur_u8(in);
		seq = f.seq + (uint32_t)(int16_t)cur_be16(in);
		ack = f.ack + (uint32_t)(int16_t)cur_be16(in);
		len = cur_be16(in) % PAYLOAD_MAX;
		bytes = what & 8 ? sack_of(in, room) : options_of(in, cur_u8(in), room);
		segment_in(seq, ack, what & 16 ? ACK : flags, cur_be16(in), bytes, len);
		break;
	case 4:
		f.now.us += (uint64_t)cur_be16(in) << (what >> 4);
		turn();
		break;
	case 5:
		tcp_send(f.tcp, f.conn, zeros, cur_be16(in) % sizeof(zeros));
		turn();
		break;
	case 6:
		len = (uint16_t)(tcp_peek(f.tcp, f.conn, cur_be16(in), &bytes));
		tcp_consume(f.tcp, f.conn,
			    len < 100 || (what & 8) ? cur_left(&bytes)
						    : 100 % (cur_left(&bytes) + 1));
		turn();
		break;
	case 7:
		tcp_close(f.tcp, f.conn, (what & 0xf8) == 0xf8);
		turn();
		break;
	}
}

/* Leads a connection to one of its states; how also says which options it has. */
static void lead(uint8_t state, uint8_t how)
{
	static const uint8_t  all[] = {2, 4, 5,  180, 4, 2, 3, 3, 7, 1, 1,
				       1, 8, 10, 0,   0, 0, 0, 0, 0, 0, 0};
	const struct net_addr peer = address(2);
	const struct cur      none = cur_of(all, 0);
	struct tcp_options options = {.receive_max = how & 2 ? 3000 : 0, .nagle = (how & 4) != 0};

	ASSERT(tcp_listen(f.tcp, &(struct net_addr){0}, PORT, &options, 1) == 0);
	f.timestamps = how & 1;
	f.seq = 1000;
	if (state % 10 == 0) {
		f.conn = tcp_connect(f.tcp, f.now, &peer, 7, &options, 2);
		turn();
		return;
	}
	if (state % 10 == 1)
		return; /* nothing yet: the listener */
	segment_in(f.seq, 0, SYN, 60000, how & 1 ? cur_of(all, sizeof(all)) : cur_of(all, 6), 0);
	if (state % 10 == 2)
		return; /* half open */
	segment_in(f.seq, f.ack, ACK, 60000, none, 0);
	if (state % 10 == 4) {
		tcp_send(f.tcp, f.conn, all, sizeof(all));
		turn();
	}
	if (state % 10 >= 5 && state % 10 <= 6) { /* FIN_WAIT_1, FIN_WAIT_2 */
		tcp_close(f.tcp, f.conn, false);
		turn();
		if (state % 10 == 6)
			segment_in(f.seq, f.ack, ACK, 60000, none, 0);
	}
	if (state % 10 >= 7) { /* CLOSE_WAIT, LAST_ACK, TIME_WAIT */
		if (state % 10 == 9) {
			tcp_close(f.tcp, f.conn, false);
			turn();
		}
		segment_in(f.seq, f.ack, FIN | ACK, 60000, none, 0);
		if (state % 10 == 8) {
			tcp_close(f.tcp, f.conn, false);
			turn();
		}
	}
}

/* One for all inputs, as its tables take longer to make than an input runs; nothing of it is under
 * test. */
static struct net *net_start(void)
{
	struct net_config config = {
		.workers = 1, .port_count = 1, .pool = pool, .metrics = &metrics, .seed = 1};

	memcpy(config.ports[0].mac, stack_mac, 6);
	config.ports[0].mtu = 1500;
	config.ports[0].address_count = 1;
	config.ports[0].addresses[0].address = address(1);
	config.ports[0].addresses[0].prefix = 24;
	return net_new(&config);
}

static void begin(uint8_t how)
{
	static struct net *net;
	struct tcp_config  config = {.pool = pool,
				     .metrics = &metrics,
				     .connections_max = 4,
				     .half_open_max = 4,
				     .time_wait_max = 4,
				     .seed = 1,
				     .cookies_always = (how & 8) != 0};

	if (net == NULL)
		net = net_start();
	ASSERT(net != NULL);
	memset(&f, 0, sizeof(f));
	f.news.address = address(2);
	memcpy(f.news.mac, peer_mac, 6);
	f.now = (struct now){1000000000, 1};
	f.port = 40000;
	f.stack_port = PORT;
	f.conn = TCP_CONN_NONE;
	f.net = net;
	config.net = net;
	f.tcp = tcp_new(&config);
	ASSERT(f.tcp != NULL);
	net_news_learn(net, f.now, &f.news);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(data, size);
	uint8_t    state = cur_u8(&in), how = cur_u8(&in);

	begin(how);
	lead(state, how);
	for (unsigned i = 0; i < STEPS_MAX && cur_left(&in) > 0; i++) {
		step(&in);
		tcp_check(f.tcp);
	}
	tcp_close(f.tcp, f.conn, true);
	turn();
	tcp_free(f.tcp);
	ASSERT(rte_mempool_in_use_count(pool) == 0);
	return 0;
}
