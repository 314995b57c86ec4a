/*
 * What a peer could do to TCP: the first bytes choose how far a connection is led, the rest are
 * steps: segments near the numbers that are expected, with checksums made right, time, and what the
 * application does. The work for one segment is bounded, and every mbuf must come back.
 */
#include "tcp_rig.h"

#define STEPS_MAX 200u
#define PAYLOAD_MAX 1400u

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
		if (what >> 3 == 1)
			tcp_end(f.tcp, f.conn);
		else
			tcp_close(f.tcp, f.conn, (what & 0xf8) == 0xf8);
		turn();
		break;
	}
}

enum lead {
	LEAD_SYN_SENT,
	LEAD_LISTEN,
	LEAD_HALF_OPEN,
	LEAD_ESTABLISHED,
	LEAD_WRITTEN,
	LEAD_FIN_WAIT_1,
	LEAD_FIN_WAIT_2,
	LEAD_CLOSE_WAIT,
	LEAD_LAST_ACK,
	LEAD_TIME_WAIT,
	LEAD_CLOSING,
	LEAD_SYN_RECEIVED, /* both sides opened */
	LEAD_ENDED,        /* our direction; the peer is read on */
	LEAD_COUNT
};

static const uint8_t syn_options[] = {2, 4, 5,  180, 4, 2, 3, 3, 7, 1, 1,
				      1, 8, 10, 0,   0, 0, 0, 0, 0, 0, 0};

static void flags_in(uint8_t flags)
{
	segment_in(f.seq, f.ack, flags, 60000, cur_of(syn_options, 0), 0);
}

static void close_here(bool end)
{
	if (end)
		tcp_end(f.tcp, f.conn);
	else
		tcp_close(f.tcp, f.conn, false);
	turn();
}

/* From an established connection on. */
static void lead_on(enum lead lead)
{
	switch (lead) {
	case LEAD_WRITTEN:
		tcp_send(f.tcp, f.conn, syn_options, sizeof(syn_options));
		turn();
		break;
	case LEAD_FIN_WAIT_1:
	case LEAD_FIN_WAIT_2:
	case LEAD_ENDED:
		close_here(lead == LEAD_ENDED);
		if (lead != LEAD_FIN_WAIT_1)
			flags_in(ACK);
		break;
	case LEAD_CLOSE_WAIT:
	case LEAD_LAST_ACK:
		flags_in(FIN | ACK);
		if (lead == LEAD_LAST_ACK)
			close_here(false);
		break;
	case LEAD_TIME_WAIT:
		close_here(false);
		flags_in(FIN | ACK);
		break;
	case LEAD_CLOSING:
		close_here(false);
		f.ack--; /* they cross */
		flags_in(FIN | ACK);
		break;
	case LEAD_SYN_SENT:
	case LEAD_LISTEN:
	case LEAD_HALF_OPEN:
	case LEAD_ESTABLISHED:
	case LEAD_SYN_RECEIVED:
	case LEAD_COUNT:
		break;
	}
}

/* Leads a connection to one of its states; how also says which options it has. */
static void lead(enum lead lead, uint8_t how)
{
	const struct net_addr peer = address(2);
	const struct cur      options = cur_of(syn_options, how & 1 ? sizeof(syn_options) : 6);
	struct tcp_options    wanted = {.receive_max = how & 2 ? 3000 : 0, .nagle = (how & 4) != 0};

	ASSERT(tcp_listen(f.tcp, &(struct net_addr){0}, PORT, &wanted, 1) == 0);
	f.timestamps = how & 1;
	f.seq = 1000;
	if (lead == LEAD_SYN_SENT || lead == LEAD_SYN_RECEIVED) {
		f.conn = tcp_connect(f.tcp, f.now, &peer, 7, &wanted, 2);
		turn();
		if (lead == LEAD_SYN_RECEIVED)
			segment_in(f.seq, 0, SYN, 60000, options, 0);
		return;
	}
	if (lead == LEAD_LISTEN)
		return;
	segment_in(f.seq, 0, SYN, 60000, options, 0);
	if (lead == LEAD_HALF_OPEN)
		return;
	flags_in(ACK);
	lead_on(lead);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(data, size);
	uint8_t    state = cur_u8(&in), how = cur_u8(&in);

	begin(how & 8);
	lead(state % LEAD_COUNT, how);
	for (unsigned i = 0; i < STEPS_MAX && cur_left(&in) > 0; i++) {
		step(&in);
		tcp_check(f.tcp);
	}
	tcp_close(f.tcp, f.conn, true);
	turn();
	end();
	return 0;
}
