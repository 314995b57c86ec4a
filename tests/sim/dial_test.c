/* Streams of media and streams that a session asks for: what a protocol may rely on, told to one of
 * the test's own in the place of SIP. */
#include "test.h"

#include <stdlib.h>

#include "record.h"

#define MEDIA_PORT 2855
#define OPENS_MAX 64u
#define ANSWERS_MAX 8u
#define CONNECTIONS_MAX 64u

static struct sim sim;

/* ---- the protocol ----
 *
 * A datagram is the number of the worker that it belongs to, then commands; a stream is commands:
 * "D9000 " asks for a stream to port 9000 of the host, "F" for one to where there is no way, "X"
 * ends the session, all else does nothing. */

struct probe_instance {
	unsigned worker;
};

struct probe_session {
	struct proto_open how;
	unsigned          worker;
};

static struct {
	unsigned open_count, answer_count, opens_at_answer;
	struct {
		struct proto_open how;
		unsigned          worker;
	} opens[OPENS_MAX];
	struct {
		uint64_t    token;
		enum reason why;
		unsigned    worker;
	} answers[ANSWERS_MAX];
	uint64_t token; /* last given */
} probe;

static int probe_instance_init(void *instance, const struct proto_instance_config *config)
{
	((struct probe_instance *)instance)->worker = config->worker;
	return 0;
}

static unsigned probe_owner(struct cur datagram, unsigned workers)
{
	return (unsigned)(cur_u8(&datagram) - '0') % workers;
}

static void probe_open(void *session, struct now now, const struct proto_open *how, struct out *out)
{
	struct probe_session *s = session;

	(void)now;
	(void)out;
	*s = (struct probe_session){*how, ((struct probe_instance *)how->instance)->worker};
	assert_true(probe.open_count < OPENS_MAX);
	probe.opens[probe.open_count].how = *how;
	probe.opens[probe.open_count++].worker = s->worker;
}

static void dial(struct proto_event *event, struct cur *in)
{
	unsigned port = 0;

	for (uint8_t c = cur_u8(in); c != ' ' && !in->failed; c = cur_u8(in))
		port = port * 10 + c - '0';
	event->dial = (struct flow){.address = {0x020012c6}, .port = (uint16_t)port};
}

static enum pull probe_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event)
{
	const struct probe_session *s = session;

	(void)now;
	(void)from;
	(void)out;
	if (s->how.datagram)
		cur_u8(in);
	event->kind = EVENT_DIAL;
	event->token = probe.token + 1;
	switch (cur_u8(in)) {
	case 'D':
		dial(event, in);
		break;
	case 'F':
		event->dial = (struct flow){.address = {0x0100000a}, .port = 9000};
		break;
	case 'X':
		event->kind = EVENT_CLOSE;
		event->why = REASON_UNBOUND;
		return PULL_ITEM;
	default:
		event->kind = EVENT_NONE;
		return PULL_ITEM;
	}
	probe.token++;
	return PULL_ITEM;
}

static void probe_answer(void *session, struct now now, uint64_t token, const struct result *r,
			 struct out *out)
{
	const struct probe_session *s = session;

	(void)now;
	(void)out;
	assert_true(probe.answer_count < ANSWERS_MAX);
	probe.answers[probe.answer_count].token = token;
	probe.answers[probe.answer_count].why = (enum reason)r->why;
	probe.answers[probe.answer_count++].worker = s->worker;
	probe.opens_at_answer = probe.open_count;
}

static uint64_t probe_tick(void *session, struct now now, struct out *out,
			   struct proto_event *event)
{
	(void)session;
	(void)now;
	(void)out;
	event->kind = EVENT_NONE;
	return UINT64_MAX;
}

static void probe_close(void *session, struct now now, enum reason why, struct out *out)
{
	(void)session;
	(void)now;
	(void)why;
	(void)out;
}

static void probe_part(void *session, struct now now, struct out *out)
{
	(void)session;
	(void)now;
	(void)out;
}

static bool probe_drain(void *session, uint64_t *token)
{
	(void)session;
	(void)token;
	return false;
}

static const struct proto_ops probe_ops = {
	.name = "sip",
	.instance_size = sizeof(struct probe_instance),
	.session_size = sizeof(struct probe_session),
	.block_size = 64,
	.item_size_max = 64,
	.out_size_max = 64,
	.instance_init = probe_instance_init,
	.owner = probe_owner,
	.open = probe_open,
	.feed = probe_feed,
	.answer = probe_answer,
	.tick = probe_tick,
	.close = probe_close,
	.drain = probe_drain,
	.part = probe_part,
};

const struct proto_ops *__real_registry_ops(unsigned proto);
const struct proto_ops *__wrap_registry_ops(unsigned proto);

const struct proto_ops *__wrap_registry_ops(unsigned proto)
{
	return proto == PROTO_sip ? &probe_ops : __real_registry_ops(proto);
}

/* ---- the host ---- */

static struct {
	unsigned    accepted, connected, closed;
	enum reason why; /* of the one that closed last */
} seen;

static void host_event(struct host *h, const struct tcp_event *event)
{
	switch (event->kind) {
	case TCP_EVENT_ACCEPTED:
		tcp_set_user(h->tcp, event->conn, HOST_SESSIONS_MAX);
		seen.accepted++;
		break;
	case TCP_EVENT_CONNECTED:
		seen.connected++;
		break;
	case TCP_EVENT_CLOSED:
		seen.closed++;
		seen.why = event->why;
		break;
	case TCP_EVENT_READABLE:
	case TCP_EVENT_WRITABLE:
		break;
	}
}

static int begin(void **state)
{
	(void)state;
	memset(&probe, 0, sizeof(probe));
	memset(&seen, 0, sizeof(seen));
	sim_new(&sim, &(struct sim_config){.workers = 2,
					   .seed = 3,
					   .window = 10,
					   .hooks = {.tcp_event = host_event},
					   .sip = true,
					   .msrp_port = MEDIA_PORT});
	sim_apply(&sim, "accounts:\n  - {name: esme1, password: secret1}\n");
	host_udp_listen(&sim.host, 6000);
	host_udp_send(&sim.host, 6000, 5060, "0-", 2); /* neighbours meet */
	sim_pass(&sim, 100000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sim_free(&sim);
	return 0;
}

static void command(const char *text)
{
	host_udp_send(&sim.host, 6000, 5060, text, strlen(text));
}

static bool answered(struct sim *s)
{
	(void)s;
	return probe.answer_count > 0;
}

static bool all_connected(struct sim *s)
{
	(void)s;
	return seen.connected == CONNECTIONS_MAX / 2;
}

/* ---- */

static void every_session_is_told_where_its_worker_takes_media(void **state)
{
	(void)state;
	assert_int_equal(probe.open_count, 2); /* of datagrams, one each worker */
	for (unsigned i = 0; i < probe.open_count; i++) {
		const struct proto_open *how = &probe.opens[i].how;

		assert_false(how->media_stream);
		assert_int_equal(how->media.port, MEDIA_PORT + probe.opens[i].worker);
		assert_int_equal(how->media.address[0], 0x010012c6);
		assert_int_equal(how->local.port, 5060);
	}
}

static void a_stream_of_media_reaches_the_worker_of_its_port_wherever_it_comes_from(void **state)
{
	unsigned before = probe.open_count, of[2] = {0};

	(void)state;
	for (unsigned i = 0; i < CONNECTIONS_MAX / 2; i++)
		assert_int_not_equal(host_tcp_connect(&sim.host, (uint16_t)(MEDIA_PORT + i % 2),
						      HOST_SESSIONS_MAX + i),
				     TCP_CONN_NONE);
	assert_true(sim_until(&sim, all_connected, US_PER_SECOND));
	sim_pass(&sim, 10000);
	assert_int_equal(probe.open_count - before, CONNECTIONS_MAX / 2);
	for (unsigned i = before; i < probe.open_count; i++) {
		assert_true(probe.opens[i].how.media_stream);
		assert_int_equal(probe.opens[i].how.role, PROTO_ACCEPTED);
		assert_int_equal(probe.opens[i].how.media.port, MEDIA_PORT + probe.opens[i].worker);
		of[probe.opens[i].worker]++;
	}
	assert_int_equal(of[0], CONNECTIONS_MAX / 4);
	assert_int_equal(of[1], CONNECTIONS_MAX / 4);
	/* The wire deals packets out in turn, and a port by its hash. */
	assert_true(sim_metric(&sim, METRIC_packets_forwarded) > 0);
}

static void a_stream_of_requests_is_none_of_media(void **state)
{
	(void)state;
	host_tcp_connect(&sim.host, 5060, HOST_SESSIONS_MAX);
	sim_pass(&sim, 100000);
	assert_int_equal(probe.open_count, 3);
	assert_false(probe.opens[2].how.media_stream);
	assert_int_equal(probe.opens[2].how.media.port, MEDIA_PORT + probe.opens[2].worker);
}

static void a_stream_that_a_session_asks_for_opens_with_its_token(void **state)
{
	(void)state;
	host_tcp_listen(&sim.host, 9000, HOST_SESSIONS_MAX);
	for (unsigned w = 0; w < 2; w++) {
		const struct proto_open *how;

		probe.answer_count = 0;
		command(w == 0 ? "0D9000 " : "1D9000 ");
		assert_true(sim_until(&sim, answered, US_PER_SECOND));
		assert_int_equal(probe.answer_count, 1);
		assert_int_equal(probe.answers[0].token, w + 1);
		assert_int_equal(probe.answers[0].why, REASON_NONE);
		assert_int_equal(probe.answers[0].worker, w);
		assert_int_equal(probe.opens_at_answer, 3 + w); /* it was open before the answer */
		how = &probe.opens[2 + w].how;
		assert_int_equal(how->role, PROTO_CONNECTING);
		assert_int_equal(how->dial, w + 1);
		assert_int_equal(probe.opens[2 + w].worker, w);
		assert_int_equal(how->remote.port, 9000);
		assert_int_equal(how->remote.address[0], 0x020012c6);
		assert_int_equal(how->media.port, MEDIA_PORT + w);
		assert_int_equal(how->local.port, 5060);
		assert_false(how->media_stream);
		sim_pass(&sim, 10000);
		assert_int_equal(seen.accepted, w + 1);
	}
	sim_pass(&sim, 60 * US_PER_SECOND);
	assert_int_equal(probe.answer_count, 1); /* once */
}

/* The asker's session goes on, so it learns why. */
static void who_asked_for_a_stream_that_is_refused_is_told_so(void **state)
{
	(void)state;
	command("1D9001 ");
	assert_true(sim_until(&sim, answered, US_PER_SECOND));
	assert_int_equal(probe.answers[0].token, 1);
	assert_int_equal(probe.answers[0].worker, 1);
	assert_int_equal(probe.answers[0].why, REASON_CONNECTION_REFUSED);
	assert_int_equal(probe.open_count, 2);
}

static void who_asked_for_a_stream_to_a_dead_host_is_told_so_in_time(void **state)
{
	(void)state;
	command("0D9000 ");
	sim_step(&sim, 100);
	sim.host_dead = true;
	assert_true(sim_until(&sim, answered, 10 * US_PER_SECOND));
	assert_int_equal(probe.answers[0].token, 1);
	assert_int_equal(probe.answers[0].why, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(probe.open_count, 2);
}

static void who_asked_for_a_stream_to_where_there_is_no_way_is_told_so_at_once(void **state)
{
	(void)state;
	command("0F");
	sim_pass(&sim, 10000);
	assert_int_equal(probe.answer_count, 1);
	assert_int_equal(probe.answers[0].token, 1);
	assert_int_equal(probe.answers[0].why, REASON_CONNECTION_UNREACHABLE);
}

static void a_stream_for_a_session_that_has_ended_is_not_opened(void **state)
{
	uint32_t asker;

	(void)state;
	host_tcp_listen(&sim.host, 9000, HOST_SESSIONS_MAX);
	asker = host_tcp_connect(&sim.host, 5060, HOST_SESSIONS_MAX + 1);
	sim_pass(&sim, 10000);
	assert_int_equal(probe.open_count, 3);
	assert_int_equal(tcp_send(sim.host.tcp, asker, "D9000 X", 7), 7);
	sim_pass(&sim, US_PER_SECOND);
	tcp_close(sim.host.tcp, asker, false);
	sim_pass(&sim, US_PER_SECOND);
	assert_int_equal(probe.token, 1);
	assert_int_equal(sim_metric(&sim, METRIC_tcp_active_opens), 1);
	assert_int_equal(sim_metric(&sim, METRIC_sessions_open), 2); /* those of datagrams */
	assert_int_equal(probe.open_count, 3);
	assert_int_equal(probe.answer_count, 0);
}

static void no_media_is_taken_at_the_end(void **state)
{
	(void)state;
	sim.dp.stopping = true;
	sim_pass(&sim, 10000);
	for (unsigned i = 0; i < 2; i++)
		host_tcp_connect(&sim.host, (uint16_t)(MEDIA_PORT + i), HOST_SESSIONS_MAX);
	sim_pass(&sim, 100000);
	assert_int_equal(seen.connected, 0);
	assert_int_equal(seen.closed, 2);
	assert_int_equal(seen.why, REASON_CONNECTION_REFUSED);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(every_session_is_told_where_its_worker_takes_media),
		CASE(a_stream_of_media_reaches_the_worker_of_its_port_wherever_it_comes_from),
		CASE(a_stream_of_requests_is_none_of_media),
		CASE(a_stream_that_a_session_asks_for_opens_with_its_token),
		CASE(who_asked_for_a_stream_that_is_refused_is_told_so),
		CASE(who_asked_for_a_stream_to_a_dead_host_is_told_so_in_time),
		CASE(who_asked_for_a_stream_to_where_there_is_no_way_is_told_so_at_once),
		CASE(a_stream_for_a_session_that_has_ended_is_not_opened),
		CASE(no_media_is_taken_at_the_end),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
