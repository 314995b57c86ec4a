/*
 * SYN cookies: the input sends SYNs and acknowledgements that are near what was given, from a few
 * ports, and lets time pass. A connection opens only by a cookie that was given to that port for
 * that number, and in its time; and never with more than the SYN had offered.
 */
#include "tcp_rig.h"

#define PORTS 4u
#define GIVEN_MAX 64u
#define STEPS_MAX 200u
#define LIFE_US (128 * US_PER_SECOND)

struct given {
	uint16_t port, mss;
	uint32_t irs, iss;
	uint64_t us;
	bool     sack, timestamps;
};

static struct given given[GIVEN_MAX], asked;
static unsigned     given_count;
static bool         answered;

static void sees(const struct rte_tcp_hdr *tcp, uint32_t len)
{
	ASSERT(len == 0); /* nobody wrote */
	if (tcp->tcp_flags != (SYN | ACK))
		return;
	ASSERT(rte_be_to_cpu_32(tcp->recv_ack) == asked.irs + 1);
	asked.iss = rte_be_to_cpu_32(tcp->sent_seq);
	answered = true;
}

static void syn(struct cur *in)
{
	uint8_t  how = cur_u8(in), room[24] = {0};
	uint16_t mss = cur_be16(in);
	size_t   n = 0;

	asked = (struct given){.port = f.port,
			       .irs = cur_be32(in),
			       .us = f.now.us,
			       .mss = how & 1 ? mss : 0,
			       .sack = how & 2,
			       .timestamps = how & 4};
	if (how & 1) {
		memcpy(room, (uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
		n += 4;
	}
	if (how & 2) {
		memcpy(room + n, (uint8_t[]){4, 2, 1, 1}, 4);
		n += 4;
	}
	if (how & 4) {
		memcpy(room + n, (uint8_t[]){1, 1, 8, 10, how, 0, 0, 1, 0, 0, 0, 0}, 12);
		n += 12;
	}
	if (how & 8) {
		memcpy(room + n, (uint8_t[]){1, 3, 3, how >> 4}, 4);
		n += 4;
	}
	answered = false;
	segment_in(asked.irs, 0, SYN, 60000, cur_of(room, n), 0);
	if (answered)
		given[given_count++ % GIVEN_MAX] = asked;
}

static void opened(uint32_t seq, uint32_t ack)
{
	const struct tcp_conn *conn = tcp_conn_get(f.tcp, f.conn);
	unsigned               n = given_count < GIVEN_MAX ? given_count : GIVEN_MAX;

	ASSERT(conn != NULL);
	for (unsigned i = 0; i < n; i++) {
		const struct given *g = &given[i];

		if (g->port != f.port || g->iss + 1 != ack || g->irs + 1 != seq ||
		    f.now.us - g->us > LIFE_US)
			continue;
		ASSERT(conn->mss_peer <= (g->mss > TCP_MSS_MIN ? g->mss : TCP_MSS_MIN));
		ASSERT(conn->rcv_nxt - seq <= UINT16_MAX && conn->snd_una == ack);
		return;
	}
	ASSERT(given_count > GIVEN_MAX); /* else none was given */
}

static void acknowledge(struct cur *in)
{
	const struct given *g = &given[cur_u8(in) % GIVEN_MAX];
	uint8_t             how = cur_u8(in), room[12] = {1, 1, 8, 10};
	uint32_t            seq = g->irs + 1, ack = g->iss + 1, echo = cur_be32(in);
	unsigned            before = tcp_count(f.tcp);

	if (how & 1)
		seq += (uint32_t)(int8_t)cur_u8(in);
	if (how & 2)
		ack += (uint32_t)(int8_t)cur_u8(in);
	if (how & 4)
		ack ^= cur_be32(in);
	for (unsigned k = 0; k < 4; k++)
		room[8 + k] = (uint8_t)(echo >> (24 - 8 * k));
	segment_in(seq, ack, how & 8 ? ACK | FIN : ACK, cur_be16(in),
		   cur_of(room, how & 16 ? 12 : 0), how & 32 ? 100 : 0);
	if (tcp_count(f.tcp) > before)
		opened(seq, ack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(data, size);

	begin(true);
	memset(given, 0, sizeof(given));
	given_count = 0;
	f.sees = sees;
	ASSERT(tcp_listen(f.tcp, &(struct net_addr){0}, PORT, &(struct tcp_options){0}, 1) == 0);
	for (unsigned i = 0; i < STEPS_MAX && cur_left(&in) > 0; i++) {
		uint8_t what = cur_u8(&in);

		f.port = (uint16_t)(40000 + (what >> 2) % PORTS);
		switch (what & 3) {
		case 0:
			syn(&in);
			break;
		case 1:
			f.now.us += (uint64_t)cur_be16(&in) << (what >> 4);
			turn();
			break;
		case 2:
			acknowledge(&in);
			break;
		case 3:
			tcp_close(f.tcp, f.conn, true);
			turn();
			break;
		}
		tcp_check(f.tcp);
	}
	end();
	return 0;
}
