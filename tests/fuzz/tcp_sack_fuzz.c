/*
 * The scoreboard against a model that is a row of marks: pieces of a size each are on the way, and
 * the input acknowledges, tells of ranges (inverted, overlapping, of what was never sent), and lets
 * time pass. What is marked is the same in both, and nothing that arrived goes again.
 */
#include "tcp_rig.h"

#define PIECES 64u
#define PIECE 100u
#define STEPS_MAX 300u

static struct {
	uint32_t first; /* number of the first byte */
	uint32_t una;   /* as offsets from it, as sent is */
	uint32_t sent;
	bool     arrived[PIECES];
	uint64_t reneged;
} model;

/* Called before the marks of this step are compared, as it is sent by the marks of before or after.
 * A probe of the tail may repeat only where no range is known. */
static void sees(const struct rte_tcp_hdr *tcp, uint32_t len)
{
	uint32_t from = rte_be_to_cpu_32(tcp->sent_seq) - model.first;

	if (len == 0 || tcp->tcp_flags & (SYN | RST))
		return;
	ASSERT(from + len <= PIECES * PIECE);
	if (model.reneged != metrics.value[METRIC_tcp_reneged])
		return; /* all goes again */
	for (uint32_t i = from / PIECE; i * PIECE < from + len; i++)
		ASSERT(!model.arrived[i]);
	if (from + len > model.sent)
		model.sent = from + len;
}

/* A piece arrived when each of its bytes is told of by one range or the other. */
static void model_ranges(const uint32_t edges[][2], unsigned n)
{
	bool told[PIECES * PIECE] = {false};

	for (unsigned i = 0; i < n; i++) {
		uint32_t from = edges[i][0], to = edges[i][1];

		if (from < to && from >= model.una && to <= model.sent) /* else not believed */
			memset(told + from, true, to - from);
	}
	for (uint32_t i = model.una / PIECE; i < PIECES; i++) {
		uint32_t at = i * PIECE < model.una ? model.una : i * PIECE;

		while (at < (i + 1) * PIECE && told[at])
			at++;
		model.arrived[i] |= at == (i + 1) * PIECE;
	}
}

static void compare(void)
{
	const struct tcp_conn *conn = tcp_conn_get(f.tcp, f.conn);
	uint32_t               sacked = 0;

	if (conn == NULL)
		return;
	if (model.reneged != metrics.value[METRIC_tcp_reneged])
		memset(model.arrived, 0, sizeof(model.arrived));
	model.reneged = metrics.value[METRIC_tcp_reneged];
	model.sent = conn->snd_nxt - model.first;
	ASSERT(conn->snd_una - model.first == model.una);
	for (uint32_t i = 0; i < PIECES; i++) {
		uint32_t end = (i + 1) * PIECE, start = i * PIECE;

		start = start < model.una ? model.una : start;
		if (model.arrived[i] && end > model.una)
			sacked += end - start;
	}
	ASSERT(conn->sacked == sacked);
	tcp_check(f.tcp);
}

/* Offsets a little beyond what is there on both sides. */
static uint32_t offset(struct cur *in)
{
	uint8_t  piece = cur_u8(in) % (PIECES + 4);
	uint32_t part = cur_u8(in);

	return (piece - 2u) * PIECE + (part < 200 ? 0 : part - 200);
}

static void put_number(uint8_t *p, uint32_t v)
{
	for (unsigned k = 0; k < 4; k++)
		p[k] = (uint8_t)(v >> (24 - 8 * k));
}

static void acknowledge(struct cur *in, unsigned ranges)
{
	uint8_t  room[36] = {1, 1, 5, (uint8_t)(2 + 8 * ranges)};
	uint32_t ack = offset(in), edges[4][2];
	bool     valid = (int32_t)ack <= (int32_t)model.sent;

	for (unsigned i = 0; i < ranges; i++) {
		for (unsigned k = 0; k < 2; k++) {
			edges[i][k] = offset(in);
			put_number(room + 4 + 8 * i + 4 * k, model.first + edges[i][k]);
		}
	}
	if (valid && (int32_t)ack > (int32_t)model.una)
		model.una = ack;
	if (valid)
		model_ranges((const uint32_t(*)[2])edges, ranges);
	segment_in(f.seq, model.first + ack, ACK, 60000,
		   cur_of(room, ranges > 0 ? 4 + 8 * ranges : 0), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t options[8] = {2, 4, 5, 180, 4, 2, 1, 1}, bytes[PIECE];
	struct cur           in = cur_of(data, size), none = cur_of(options, 0);

	begin(false);
	memset(&model, 0, sizeof(model));
	ASSERT(tcp_listen(f.tcp, &(struct net_addr){0}, PORT, &(struct tcp_options){0}, 1) == 0);
	f.seq = 1000;
	segment_in(f.seq, 0, SYN, 60000, cur_of(options, 8), 0);
	segment_in(f.seq, f.ack, ACK, 60000, none, 0);
	model.first = f.ack;
	model.reneged = metrics.value[METRIC_tcp_reneged];
	f.sees = sees;
	for (unsigned i = 0; i < PIECES; i++) { /* each a segment of its own */
		ASSERT(tcp_send(f.tcp, f.conn, bytes, PIECE) == PIECE);
		turn();
	}
	compare();
	for (unsigned i = 0; i < STEPS_MAX && cur_left(&in) > 0; i++) {
		uint8_t what = cur_u8(&in);

		if (what % 8 < 5) {
			acknowledge(&in, what % 8);
		} else {
			f.now.us += (uint64_t)cur_u8(&in) << (what >> 4);
			turn();
		}
		compare();
	}
	f.sees = NULL;
	tcp_close(f.tcp, f.conn, true);
	turn();
	end();
	return 0;
}
