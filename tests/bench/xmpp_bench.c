/*
 * XMPP through the whole dataplane: a chat message of one client in, rules, the recipient's
 * registration, the message out to another, all by TCP; and between XMPP and SMPP. Over an
 * in-memory port, worker and clients in turns in one thread, of which only the worker's cycles
 * count. Then so many clients, each logged in by TCP, SCRAM and binding, that say nothing more:
 * what each takes in memory. usage: xmpp_bench [--json] [--short] [ROW]
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "rcu/rcu.h"
#include "xmpp/block.h"

#include "xmpp_clients.h"

#define RULES 100u
#define CLIENTS 16u /* that write; as many are written to */
#define IN_FLIGHT 1600u
#define SMSC_PORT 5071u
#define IDLE 100000u
#define IDLE_SHORT 10000u
#define IDLE_TOGETHER 256u
#define IDLE_PORTS 4u /* one of the host's addresses has 49,152 ports for each of ours */

enum way { WAY_XMPP, WAY_SMPP };

static struct {
	enum way in, out;
	unsigned turn; /* whose it is to write */
} load;

static void offer(void)
{
	struct rig_message m;
	char               to[64];

	while (sim.host.submitted - sim.host.answered < IN_FLIGHT) {
		unsigned client = load.turn % CLIENTS;

		if (bench.limit != 0 && bench.submitted >= bench.limit)
			return;
		ASSERT(rig_next(&m));
		if (load.out == WAY_XMPP)
			snprintf(to, sizeof(to), XMPP_USER,
				 CLIENTS + (unsigned)(m.number * 2654435761u >> 8) % CLIENTS);
		else
			snprintf(to, sizeof(to), "%s@example.org", m.to);
		if (!xmpp_client_write(client, to, (struct str){m.text, RIG_TEXT_SIZE}, m.number)) {
			bench.submitted--;
			return;
		}
		sim.host.submitted++;
		load.turn++;
	}
}

/* Of an ESME: to a client's number. */
static bool next_to_client(struct host *h, struct host_session *s, struct msg *m, uint64_t *token)
{
	struct rig_message next;
	char               to[32];

	(void)h;
	(void)s;
	if (!rig_next(&next))
		return false;
	snprintf(to, sizeof(to), XMPP_NUMBER, CLIENTS + (unsigned)(next.number % CLIENTS));
	msg_append_addr(m, ADDR_E164, 1, 1, STR("+4611111"), &m->from);
	msg_append_addr(m, ADDR_E164, 1, 1, str_of(to), &m->to);
	msg_append(m, next.text, RIG_TEXT_SIZE, &m->body);
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
	*token = next.number;
	return true;
}

/* At the message centre. */
static bool arrived(struct host *h, struct host_session *s, struct msg *m, struct result *answer)
{
	(void)s;
	(void)m;
	(void)answer;
	h->answered++;
	return true;
}

static bool smpp_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == CLIENTS;
}

static bool esmes_up(struct sim *s)
{
	return sim_metric(s, METRIC_logins) >= CLIENTS;
}

static void world_begin(struct rig_world *world, unsigned subscribers)
{
	struct sim_delta d;

	rig_begin(world);
	d = (struct sim_delta){.checksum = sim.dp.world.current->checksum};
	world_delta_begin(&d.delta, sim.version, sim.version + 1);
	sim.version++;
	xmpp_subscribers_add(&d, subscribers);
	sim_delta_publish(&sim, &d);
}

/* Control: nobody has contacts, or has blocked anybody. */
static void nobody_is_listed(struct sim *s)
{
	static const uint8_t nothing[1];
	uint64_t             id;
	struct cur           question;

	while (asks_next(&s->dp, s->now.us, &id, &question)) {
		asks_told(&s->dp, id, REASON_NONE, cur_of(nothing, 0));
		s->busy = true;
	}
}

static void begin(enum way in, enum way out)
{
	struct rig_world world = {
		.sim = {.workers = 1,
			.seed = 1,
			.window = IN_FLIGHT / CLIENTS,
			.messages_max = 32768,
			.hooks = {.next = in == WAY_SMPP ? next_to_client : NULL,
				  .message = arrived,
				  .tcp_event = xmpp_clients_event},
			.xmpp = 1},
		.parties = "accounts:\n  - {name: esme1, password: secret1, window: 1000}\n"
			   "peers:\n  - {name: out, host: 198.18.0.2, port: 5071, system_id: cpm, "
			   "password: pw, connections: 16, window: 500}\n"
			   "routes:\n  - {to: \"+479\", via: [registered]}\n",
		.via = "out",
		.rules = RULES,
		.routes = RIG_ROUTES};

	load.in = in;
	load.out = out;
	load.turn = 0;
	bench.offer = NULL;
	world_begin(&world, 2 * CLIENTS);
	sim.control = nobody_is_listed;
	bench.limit = bench.submitted = 1; /* nothing is sent until all are there */
	ASSERT(host_listen(&sim.host, SMSC_PORT) == 0);
	ASSERT(sim_until(&sim, smpp_up, 10 * US_PER_SECOND));
	xmpp_clients_begin(2 * CLIENTS, 1);
	xmpp_clients_open(2 * CLIENTS);
	for (unsigned i = 0; in == WAY_SMPP && i < CLIENTS; i++)
		ASSERT(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
				    PROTO_SENDS | PROTO_RECEIVES));
	ASSERT(in != WAY_SMPP || sim_until(&sim, esmes_up, 10 * US_PER_SECOND));
	bench.offer = in == WAY_XMPP ? offer : NULL;
	bench.limit = 0;
}

static void row(const char *name, enum way in, enum way out)
{
	uint64_t       messages = bench.brief ? 100000 : 1000000;
	struct figures f;

	if (!rig_wanted(name))
		return;
	begin(in, out);
	rig_turns(NULL, messages / 10);
	rig_measure(&f, messages);
	rig_row(name, "", 1, &f);
	if (xmpp_clients_refused() > 0)
		fprintf(stderr, "%s: %llu of them came back\n", name,
			(unsigned long long)xmpp_clients_refused());
	rig_end();
	xmpp_clients_end();
}

/* ---- clients that are there and say nothing ---- */

static size_t resident(void)
{
	unsigned long all = 0, here = 0;
	FILE         *f = fopen("/proc/self/statm", "r");

	ASSERT(f != NULL && fscanf(f, "%lu %lu", &all, &here) == 2);
	fclose(f);
	return here * (size_t)sysconf(_SC_PAGESIZE);
}

static void idle_row(void)
{
	unsigned         clients = bench.brief ? IDLE_SHORT : IDLE;
	struct rig_world world = {.sim = {.workers = 1,
					  .seed = 1,
					  .window = 1,
					  .messages_max = 131072,
					  .connections_max = clients + 64,
					  .hooks = {.tcp_event = xmpp_clients_event},
					  .xmpp = IDLE_PORTS},
				  .parties =
					  "peers:\n  - {name: out, host: 198.18.0.2, port: 5071, "
					  "system_id: cpm, password: pw}\n",
				  .via = "out",
				  .routes = 1};
	size_t           before, grown, tcp, slot, block;

	if (!rig_wanted("xmpp-idle"))
		return;
	bench.offer = NULL;
	world_begin(&world, clients);
	sim.control = nobody_is_listed;
	xmpp_clients_begin(clients, IDLE_PORTS);
	before = resident();
	xmpp_clients_open(IDLE_TOGETHER);
	grown = (resident() - before) / clients;
	tcp = tcp_memory(sim.dp.workers[0]->tcp) / world.sim.connections_max;
	slot = sizeof(struct conn) + sim.dp.workers[0]->conns.session_size[PROTO_xmpp];
	block = XMPP_QUARTER_SIZE;
	printf(bench.json
		       ? "{\"bench\": \"xmpp-idle\", \"sessions\": %u, "
			 "\"bytes_per_session\": %zu, \"bytes_tcp\": %zu, \"bytes_grown\": "
			 "%zu, \"bytes_slot\": %zu, \"bytes_block\": %zu}\n"
		       : "\n%u idle sessions on one worker: %zu bytes each, of which TCP has "
			 "taken %zu at the start and RSS grew by %zu while they logged in: "
			 "connection and session %zu, who it is %zu, the rest its registration\n",
	       clients, tcp + grown, tcp, grown, slot, block);
	rig_end();
	xmpp_clients_end();
}

int main(int argc, char **argv)
{
	rig_init(argc, argv);
	rig_head();
	row("xmpp-to-xmpp", WAY_XMPP, WAY_XMPP);
	row("smpp-to-xmpp", WAY_SMPP, WAY_XMPP);
	row("xmpp-to-smpp", WAY_XMPP, WAY_SMPP);
	idle_row();
	rcu_thread_end();
	return 0;
}
