#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "registry/registry.h"

#define OUT_SIZE 262144u
#define BLOCKS 65536u
#define MESSAGES 4096u

static const struct net_addr host_address = {.w = {0x020012c6}}; /* 198.18.0.2 in network order */
static const struct net_addr dut_address = {.w = {0x010012c6}};

static const struct proto_settings *settings(const struct host *h)
{
	static struct proto_settings s;

	s = (struct proto_settings){.window_max = h->config.window,
				    .message_size_max = 65535,
				    .response_us = 60 * US_PER_SECOND,
				    .default_alphabet = MSG_CODING_GSM7,
				    .default_ton = 1,
				    .source_ton = 0xff,
				    .source_npi = 0xff,
				    .dest_ton = 0xff,
				    .dest_npi = 0xff};
	return &s;
}

int host_init(struct host *h, const struct host_config *config)
{
	const struct proto_ops      *ops = registry_ops(PROTO_smpp);
	struct net_config            nc = {.workers = 1,
					   .port_count = 1,
					   .pool = config->pool,
					   .seed = config->seed,
					   .shared_seed = config->seed};
	struct tcp_config            tc = {.pool = config->pool,
					   .connections_max = config->connections_max,
					   .seed = config->seed,
					   .shared_seed = config->seed};
	struct proto_instance_config pc = {
		.block_count = BLOCKS, .protocol = PROTO_smpp, .seed = config->seed};

	memset(h, 0, sizeof(*h));
	h->config = *config;
	nc.metrics = tc.metrics = pc.metrics = &h->metrics;
	nc.ports[0] = (struct net_port_config){
		.mac = {2, 0, 0, 0, 0, 2}, .mtu = 1500, .address_count = 1};
	nc.ports[0].addresses[0].address = host_address;
	nc.ports[0].addresses[0].prefix = 24;
	h->net = net_new(&nc);
	tc.net = h->net;
	h->tcp = h->net != NULL ? tcp_new(&tc) : NULL;
	h->out_room = malloc(OUT_SIZE);
	h->instance = calloc(1, ops->instance_size);
	h->blocks = aligned_alloc(64, BLOCKS * ops->block_size);
	h->pool_memory = aligned_alloc(64, (msg_pool_size(MESSAGES) + 63) / 64 * 64);
	if (h->tcp == NULL || h->out_room == NULL || h->instance == NULL || h->blocks == NULL ||
	    h->pool_memory == NULL)
		return -ENOMEM;
	memset(h->blocks, 0, BLOCKS * ops->block_size);
	pc.blocks = h->blocks;
	h->msgs = msg_pool_init(h->pool_memory, MESSAGES);
	return ops->instance_init(h->instance, &pc);
}

void host_free(struct host *h)
{
	msg_free(h->spare);
	for (unsigned i = 0; i < h->session_count; i++)
		free(h->sessions[i].state);
	tcp_free(h->tcp);
	net_free(h->net);
	free(h->out_room);
	free(h->instance);
	free(h->blocks);
	free(h->pool_memory);
}

static struct out host_out(struct host *h)
{
	return out_to(h->out_room, OUT_SIZE);
}

static void host_send(struct host *h, struct host_session *s, const struct out *out)
{
	size_t n = put_size(&out->put);

	ASSERT(!out->put.failed);
	if (n > 0 && s->open && tcp_send(h->tcp, s->tcp, out->put.start, n) < n)
		tcp_close(h->tcp, s->tcp, true);
}

static struct host_session *session_new(struct host *h, enum host_role role)
{
	struct host_session *s;

	ASSERT(h->session_count < HOST_SESSIONS_MAX);
	s = &h->sessions[h->session_count++];
	*s = (struct host_session){.role = role, .need = 1, .tcp = TCP_CONN_NONE};
	s->state = calloc(1, registry_ops(PROTO_smpp)->session_size);
	ASSERT(s->state != NULL);
	return s;
}

struct login {
	char     system_id[16], password[16];
	unsigned wants;
};

static struct login logins[HOST_SESSIONS_MAX];

bool host_connect(struct host *h, struct now now, uint16_t port, const char *system_id,
		  const char *password, unsigned wants)
{
	struct host_session *s = session_new(h, HOST_ESME);
	struct login        *l = &logins[h->session_count - 1];

	str_copy(l->system_id, sizeof(l->system_id), str_of(system_id));
	str_copy(l->password, sizeof(l->password), str_of(password));
	l->wants = wants;
	s->tcp = tcp_connect(h->tcp, now, &dut_address, port, &(struct tcp_options){0},
			     h->session_count - 1);
	return s->tcp != TCP_CONN_NONE;
}

int host_listen(struct host *h, uint16_t port)
{
	return tcp_listen(h->tcp, &host_address, port, &(struct tcp_options){0}, UINT32_MAX);
}

static void session_begin(struct host *h, struct host_session *s)
{
	const struct login *l = &logins[s - h->sessions];
	struct proto_open   how = {.role = s->role == HOST_ESME ? PROTO_CONNECTING : PROTO_ACCEPTED,
				   .instance = h->instance,
				   .settings = settings(h),
				   .login_us = 5 * US_PER_SECOND,
				   .node = STR("host")};
	struct out          out = host_out(h);

	if (s->role == HOST_ESME) {
		how.identity = str_of(l->system_id);
		how.secret = str_of(l->password);
		how.wants = l->wants;
	}
	s->open = true;
	registry_ops(PROTO_smpp)->open(s->state, h->now, &how, &out);
	host_send(h, s, &out);
}

static void session_message(struct host *h, struct host_session *s, struct msg *m)
{
	struct result answer = {.why = REASON_NONE, .msg_id = ++h->received};
	struct out    out = host_out(h);

	if (h->config.hooks.message == NULL || h->config.hooks.message(h, s, m, &answer)) {
		registry_ops(PROTO_smpp)->answer(s->state, h->now, m->token, &answer, &out);
		host_send(h, s, &out);
	}
	msg_free(m);
}

static void session_login(struct host *h, struct host_session *s, const struct proto_login *login)
{
	struct login_verdict v = {.why = REASON_NONE, .settings = settings(h)};
	struct out           out = host_out(h);

	str_copy(s->identity, sizeof(s->identity), login->identity);
	if (h->config.hooks.login != NULL)
		v.why = h->config.hooks.login(h, s, login);
	registry_ops(PROTO_smpp)->login(s->state, h->now, &v, &out);
	host_send(h, s, &out);
	s->up = s->ready = v.why == REASON_NONE;
}

static void session_event(struct host *h, struct host_session *s, struct proto_event *e)
{
	const struct proto_ops *ops = registry_ops(PROTO_smpp);
	struct cur              unread;
	struct out              out = host_out(h);

	switch (e->kind) {
	case EVENT_NONE:
		break;
	case EVENT_LOGIN:
		session_login(h, s, &e->login);
		break;
	case EVENT_UP:
		s->up = s->ready = true;
		break;
	case EVENT_MSG:
		h->spare = NULL;
		session_message(h, s, e->msg);
		break;
	case EVENT_RESULT:
		s->in_flight--;
		s->ready = true;
		h->answered++;
		if (h->config.hooks.result != NULL)
			h->config.hooks.result(h, s, e->token, &e->result);
		break;
	case EVENT_READY:
	case EVENT_BINDING:
	case EVENT_ELSEWHERE:
	case EVENT_DIAL:
	case EVENT_ASK:
		s->ready = true;
		break;
	case EVENT_CLOSE:
		ops->close(s->state, h->now, e->why, &out);
		host_send(h, s, &out);
		/* With bytes unread it would be a reset. */
		tcp_consume(h->tcp, s->tcp, tcp_peek(h->tcp, s->tcp, 1, &unread));
		tcp_close(h->tcp, s->tcp, false);
		s->open = s->up = false;
		break;
	}
}

static void session_read(struct host *h, struct host_session *s)
{
	const struct proto_ops *ops = registry_ops(PROTO_smpp);

	while (s->open) {
		struct cur         in;
		size_t             waiting = tcp_peek(h->tcp, s->tcp, s->need, &in);
		const uint8_t     *start = in.p;
		struct proto_event e = {.kind = EVENT_NONE};
		enum pull          pulled = PULL_ITEM;

		if (waiting < s->need)
			return;
		while (s->open && pulled == PULL_ITEM && cur_left(&in) > 0) {
			struct out out = host_out(h);

			if (h->spare == NULL)
				h->spare = msg_new(h->msgs);
			ASSERT(h->spare != NULL);
			e = (struct proto_event){.kind = EVENT_NONE, .msg = h->spare};
			pulled = ops->feed(s->state, h->now, &(struct flow){.port = 1}, &in, &out,
					   &e);
			host_send(h, s, &out);
			if (pulled == PULL_ITEM)
				session_event(h, s, &e);
		}
		ASSERT(pulled != PULL_BAD);
		s->need = pulled == PULL_MORE ? e.need : 1;
		if (s->open)
			tcp_consume(h->tcp, s->tcp, (size_t)(in.p - start));
	}
}

void host_submit(struct host *h, struct host_session *s, struct msg *m, uint64_t token)
{
	struct out    out = host_out(h);
	struct result refused;
	enum submit   submitted =
		registry_ops(PROTO_smpp)->submit(s->state, h->now, m, NULL, token, &out, &refused);

	msg_free(m);
	ASSERT(submitted == SUBMIT_SENT);
	s->in_flight++;
	h->submitted++;
	host_send(h, s, &out);
}

void host_answer(struct host *h, struct host_session *s, uint64_t token,
		 const struct result *answer)
{
	struct out out = host_out(h);

	registry_ops(PROTO_smpp)->answer(s->state, h->now, token, answer, &out);
	host_send(h, s, &out);
}

void host_reset(struct host *h, struct host_session *s)
{
	tcp_close(h->tcp, s->tcp, true);
	s->open = s->up = false;
}

void host_listen_stop(struct host *h, uint16_t port)
{
	tcp_listen_stop(h->tcp, &host_address, port);
}

static void session_submit(struct host *h, struct host_session *s)
{
	if (s->role != HOST_ESME || (logins[s - h->sessions].wants & PROTO_RECEIVES) == 0)
		return;
	while (s->up && s->ready && h->config.hooks.next != NULL &&
	       tcp_send_room(h->tcp, s->tcp) > 4096) {
		struct msg *m = msg_new(h->msgs);
		uint64_t    token;

		if (m == NULL)
			return;
		if (s->in_flight >= h->config.window ||
		    !registry_ops(PROTO_smpp)->ready(s->state) ||
		    !h->config.hooks.next(h, s, m, &token)) {
			msg_free(m);
			return;
		}
		host_submit(h, s, m, token);
	}
}

static void host_tcp_event(struct host *h, const struct tcp_event *ev)
{
	struct host_session *s;

	if (ev->kind == TCP_EVENT_ACCEPTED && ev->user == UINT32_MAX) {
		s = session_new(h, HOST_SMSC);
		s->tcp = ev->conn;
		tcp_set_user(h->tcp, ev->conn, h->session_count - 1);
		session_begin(h, s);
		return;
	}
	if (ev->user >= HOST_SESSIONS_MAX) {
		h->config.hooks.tcp_event(h, ev);
		return;
	}
	s = &h->sessions[ev->user];
	if (ev->kind == TCP_EVENT_CONNECTED)
		session_begin(h, s);
	else if (ev->kind == TCP_EVENT_READABLE)
		session_read(h, s);
	else if (ev->kind == TCP_EVENT_CLOSED)
		s->open = s->up = false;
}

void host_udp_listen(struct host *h, uint16_t port)
{
	ASSERT(net_udp_bind(h->net, &host_address, port, NULL, port) == 0);
}

void host_udp_send(struct host *h, uint16_t from, uint16_t to, const void *bytes, size_t n)
{
	struct net_udp_flow flow = {.local = host_address,
				    .local_port = from,
				    .remote = dut_address,
				    .remote_port = to};

	ASSERT(net_udp_send(h->net, h->now, &flow, bytes, n));
}

uint32_t host_tcp_connect(struct host *h, uint16_t port, uint64_t user)
{
	struct tcp_options options = {
		.send_max = 65536, .receive_max = 65536, .connect_timeout_s = 5};

	ASSERT(user >= HOST_SESSIONS_MAX);
	return tcp_connect(h->tcp, h->now, &dut_address, port, &options, user);
}

void host_tcp_listen(struct host *h, uint16_t port, uint32_t user)
{
	ASSERT(user >= HOST_SESSIONS_MAX && user < UINT32_MAX);
	ASSERT(tcp_listen(h->tcp, &host_address, port,
			  &(struct tcp_options){.send_max = 65536, .receive_max = 65536},
			  user) == 0);
}

static void datagrams(struct host *h)
{
	struct net_udp_datagram d[NET_BURST_MAX];
	unsigned                n;

	while ((n = net_udp_receive(h->net, d, NET_BURST_MAX)) > 0) {
		for (unsigned i = 0; i < n; i++)
			h->config.hooks.datagram(h, &d[i]);
	}
}

void host_turn(struct host *h, struct now now)
{
	struct rte_mbuf *pkts[NET_BURST_MAX], *tcp[NET_BURST_MAX], **waiting;
	struct tcp_event ev;
	unsigned         n;

	h->now = now;
	while ((n = wire_host_receive(h->config.wire, pkts, NET_BURST_MAX)) > 0) {
		tcp_input_burst(h->tcp, now, tcp, net_input_burst(h->net, now, 0, pkts, n, tcp));
		datagrams(h);
	}
	tcp_tick(h->tcp, now);
	net_tick(h->net, now);
	while (tcp_events(h->tcp, &ev, 1) == 1)
		host_tcp_event(h, &ev);
	for (unsigned i = 0; i < h->session_count; i++) {
		struct proto_event e = {.kind = EVENT_NONE};
		struct out         out = host_out(h);

		if (!h->sessions[i].open)
			continue;
		registry_ops(PROTO_smpp)->tick(h->sessions[i].state, now, &out, &e);
		host_send(h, &h->sessions[i], &out);
		session_event(h, &h->sessions[i], &e);
		session_submit(h, &h->sessions[i]);
	}
	tcp_flush(h->tcp, now);
	waiting = net_tx_peek(h->net, 0, &n);
	wire_host_transmit(h->config.wire, waiting, n);
	net_tx_sent(h->net, 0, n);
}
