/*
 * SIP through the whole dataplane: MESSAGE in, rules, 1 M routes, MESSAGE out, its 200 in, the
 * answer out, over UDP and TCP; and between SIP and SMPP. Over an in-memory port, worker and peers
 * in turns in one thread, of which only the worker's cycles count. Beside it, in the same run, what
 * Kamailio takes for relaying the same messages over UDP. usage: sip_bench [--json] [--short] [ROW]
 */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "rcu/rcu.h"

#include "kamailio.h"
#include "rig.h"
#include "sip_text.h"

#define RULES 100u
#define STREAMS 16u
#define IN_FLIGHT 1600u   /* as SMPP's 16 sessions of 100 */
#define SENDER_PORT 5070u /* UDP */
#define PEER_PORT 5071u
#define KAMAILIO "sip-kamailio" /* the row, which takes that of UDP */
#define TX_RESERVE 256u         /* packets of a turn that answers may need */

enum way { WAY_SMPP, WAY_UDP, WAY_TCP };

struct stream {
	uint32_t tcp;
	unsigned in_flight;
};

static struct {
	enum way        in, out;
	struct sip_text text;
	struct stream   streams[STREAMS]; /* that messages go in by */
	unsigned        connected;
	uint64_t        refused;
	unsigned        last_status;
} load;

/* ---- the peers ---- */

static void answered(unsigned status)
{
	if (status / 100 == 1)
		return;
	sim.host.answered++;
	if (status / 100 != 2) {
		load.refused++;
		load.last_status = status;
	}
}

static void datagram(struct host *h, const struct net_udp_datagram *d)
{
	struct cur  bytes = d->bytes;
	size_t      n = cur_left(&bytes);
	const char *text = (const char *)cur_bytes(&bytes, n);
	char        room[SIP_TEXT_MAX];
	unsigned    status = sip_text_status(text, n);

	if (status > 0)
		answered(status);
	else
		host_udp_send(h, (uint16_t)d->user, 5060, room, sip_text_answer(text, n, room));
}

/* One message of a stream; false: none is complete. */
static bool take(struct host *h, const struct tcp_event *event)
{
	struct cur  in;
	size_t      n, waiting = tcp_peek(h->tcp, event->conn, 1, &in);
	const char *text = (const char *)in.p;
	char        room[SIP_TEXT_MAX];

	n = sip_text_size(text, cur_left(&in));
	if (n == 0 && waiting > cur_left(&in)) {
		tcp_peek(h->tcp, event->conn, waiting < SIP_TEXT_MAX ? waiting : SIP_TEXT_MAX, &in);
		text = (const char *)in.p;
		n = sip_text_size(text, cur_left(&in));
	}
	if (n == 0)
		return false;
	if (sip_text_status(text, n) > 0) {
		answered(sip_text_status(text, n));
		load.streams[event->user - HOST_SESSIONS_MAX].in_flight--;
	} else {
		size_t size = sip_text_answer(text, n, room);

		ASSERT(tcp_send(h->tcp, event->conn, room, size) == size);
	}
	tcp_consume(h->tcp, event->conn, n);
	return true;
}

static void tcp_event(struct host *h, const struct tcp_event *event)
{
	if (event->kind == TCP_EVENT_CONNECTED)
		load.connected++;
	ASSERT(event->kind != TCP_EVENT_CLOSED);
	while (event->kind == TCP_EVENT_READABLE && take(h, event))
		;
}

static bool next(void)
{
	struct rig_message m;

	if (!rig_next(&m))
		return false;
	sip_text_next(&load.text, m.to, m.text, m.number);
	sim.host.submitted++;
	return true;
}

static void offer_datagrams(void)
{
	while (sim.host.submitted - sim.host.answered < IN_FLIGHT &&
	       net_tx_room(sim.host.net, 0) > TX_RESERVE && next())
		host_udp_send(&sim.host, SENDER_PORT, 5060, load.text.bytes, load.text.size);
}

static void offer_streams(void)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		struct stream *s = &load.streams[i];

		while (s->in_flight < IN_FLIGHT / STREAMS &&
		       tcp_send_room(sim.host.tcp, s->tcp) > SIP_TEXT_MAX && next()) {
			tcp_send(sim.host.tcp, s->tcp, load.text.bytes, load.text.size);
			s->in_flight++;
		}
	}
}

/* ---- a world for each way ---- */

static bool smpp_out_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == STREAMS;
}

static bool sip_out_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == (load.out == WAY_UDP ? 1 : STREAMS);
}

static bool all_in(struct sim *s)
{
	return load.in == WAY_UDP || load.connected == STREAMS ||
	       (load.in == WAY_SMPP &&
		sim_metric(s, METRIC_logins) >= STREAMS * (load.out == WAY_SMPP ? 2 : 1));
}

static void senders_begin(void)
{
	sip_text_init(&load.text, load.in == WAY_UDP ? "UDP" : "TCP", "198.18.0.2:5070",
		      "198.18.0.1");
	for (unsigned i = 0; i < STREAMS; i++) {
		if (load.in == WAY_SMPP)
			ASSERT(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
					    PROTO_SENDS | PROTO_RECEIVES));
		else if (load.in == WAY_TCP)
			load.streams[i].tcp =
				host_tcp_connect(&sim.host, 5060, HOST_SESSIONS_MAX + i);
	}
	if (load.in == WAY_UDP)
		host_udp_listen(&sim.host, SENDER_PORT);
	ASSERT(sim_until(&sim, all_in, 10 * US_PER_SECOND));
	bench.offer = load.in == WAY_UDP   ? offer_datagrams
		      : load.in == WAY_TCP ? offer_streams
					   : NULL;
}

/* The machine that messages go to is the one they come from, as its address tells. */
static const char *parties_of(enum way out)
{
	switch (out) {
	case WAY_UDP:
		return "accounts:\n  - {name: esme1, password: secret1, window: 1000}\n"
		       "peers:\n  - {name: out, protocol: sip, host: 198.18.0.2, port: 5071, "
		       "transport: udp, trusted: true, window: 3200}\n";
	case WAY_TCP:
		return "accounts:\n  - {name: esme1, password: secret1, window: 1000}\n"
		       "peers:\n  - {name: out, protocol: sip, host: 198.18.0.2, port: 5071, "
		       "trusted: true, connections: 16, window: 500}\n";
	case WAY_SMPP:
		break;
	}
	return "peers:\n  - {name: out, host: 198.18.0.2, port: 5071, system_id: cpm, "
	       "password: pw, connections: 16, window: 500}\n"
	       "  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5999, trusted: true, "
	       "transport: udp}\n";
}

static void begin(enum way in, enum way out)
{
	static const struct host_hooks hooks = {
		.next = rig_next_hook, .datagram = datagram, .tcp_event = tcp_event};
	struct rig_world world = {.sim = {.workers = 1,
					  .seed = 1,
					  .window = IN_FLIGHT / STREAMS,
					  .messages_max = 32768,
					  .hooks = hooks,
					  .sip = true},
				  .parties = parties_of(out),
				  .via = "out",
				  .rules = RULES,
				  .routes = RIG_ROUTES};

	memset(&load, 0, sizeof(load));
	load.in = in;
	load.out = out;
	bench.offer = NULL;
	rig_begin(&world);
	bench.limit = bench.submitted = 1; /* nothing is sent until all are there */
	if (out == WAY_UDP)
		host_udp_listen(&sim.host, PEER_PORT);
	else if (out == WAY_TCP)
		host_tcp_listen(&sim.host, PEER_PORT, HOST_SESSIONS_MAX + STREAMS);
	else
		ASSERT(host_listen(&sim.host, PEER_PORT) == 0);
	ASSERT(sim_until(&sim, out == WAY_SMPP ? smpp_out_up : sip_out_up, 10 * US_PER_SECOND));
	senders_begin();
	bench.limit = 0;
}

/* True: it is compared. */
static bool row(const char *name, enum way in, enum way out, const char *note, struct figures *f)
{
	uint64_t messages = bench.brief ? 100000 : 1000000;

	bool beside = in == WAY_UDP && out == WAY_UDP && rig_wanted(KAMAILIO);

	if (!rig_wanted(name) && !beside)
		return false;
	begin(in, out);
	rig_turns(NULL, messages / 10);
	rig_measure(f, messages);
	rig_row(name, note, 1, f);
	if (load.refused > 0)
		fprintf(stderr, "%s: %llu of them refused, the last with %u\n", name,
			(unsigned long long)load.refused, load.last_status);
	rig_end();
	return beside;
}

/* ---- beside Kamailio ---- */

static void kamailio_row(const struct figures *ours)
{
	double own_s =
		(double)ours->cycles / (double)ours->messages * 1e6 / (double)rte_get_tsc_hz();
	struct kamailio k;
	const char     *why = kamailio_measure(bench.brief ? 50000 : 300000, &k);
	double          cpu_s, kernel_s;

	if (why != NULL) {
		printf(bench.json ? "{\"bench\": \"" KAMAILIO "\", \"note\": \"%s\"}\n"
				  : KAMAILIO ": %s\n",
		       why);
		return;
	}
	cpu_s = k.cpu_s / (double)k.messages * 1e6;
	kernel_s = k.kernel_s / (double)k.messages * 1e6;
	printf(bench.json ? "{\"bench\": \"" KAMAILIO "\", \"messages\": %llu, \"lost\": %llu, "
			    "\"msgs_per_s\": %.0f, \"cores\": %.2f, \"cpu_s_per_million\": %.2f, "
			    "\"kernel_s_per_million\": %.2f, \"ours_s_per_million\": %.2f, "
			    "\"ratio\": %.1f, \"ratio_without_kernel\": %.1f}\n"
			  : "\nKamailio, one process for UDP, relaying the same messages with "
			    "transactions, without rules and routes: %llu messages, %llu lost,\n"
			    "%.0f a second with %.2f of a core; %.2f CPU seconds per million "
			    "messages, of which %.2f its kernel's; ours, without a driver, %.2f:\n"
			    "%.1f times fewer, %.1f times without its kernel's\n",
	       (unsigned long long)k.messages, (unsigned long long)k.lost,
	       (double)k.messages / k.seconds, k.cpu_s / k.seconds, cpu_s, kernel_s, own_s,
	       cpu_s / own_s, (cpu_s - kernel_s) / own_s);
}

int main(int argc, char **argv)
{
	struct figures udp, f;
	bool           beside;

	rig_init(argc, argv);
	rig_head();
	beside = row("sip-udp-to-sip-udp", WAY_UDP, WAY_UDP, "", &udp);
	row("sip-tcp-to-sip-tcp", WAY_TCP, WAY_TCP, "", &f);
	row("smpp-to-sip-udp", WAY_SMPP, WAY_UDP, "", &f);
	row("sip-udp-to-smpp", WAY_UDP, WAY_SMPP, "", &f);
	rcu_thread_end();
	if (beside)
		kamailio_row(&udp);
	return 0;
}
