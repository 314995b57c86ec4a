/* A client and a server with a wire between them that loses, doubles and delays datagrams by a
 * seeded pattern, in virtual time. */
#include "transactions.h"

#include "base/random.h"

#define REQUESTS 300u
#define ON_WIRE_MAX 4096u
#define SIZE_MAX_ONE 700u

struct datagram {
	uint64_t at_us;
	bool     to_server;
	size_t   size;
	uint8_t  bytes[SIZE_MAX_ONE];
};

struct world {
	struct bench    client, server;
	struct random   random;
	unsigned        loss_percent, think_max_ms;
	struct datagram wire[ON_WIRE_MAX];
	unsigned        on_wire, lost;
	unsigned        delivered[REQUESTS], results[REQUESTS], timeouts;
	struct {
		uint64_t at_us, token;
	} answers[REQUESTS];
	unsigned   answers_open;
	struct now now;
};

static struct world *w;

static void wire_put(bool to_server, const void *bytes, size_t n)
{
	unsigned copies = random_below(&w->random, 20) == 0 ? 2 : 1;

	assert_true(n <= SIZE_MAX_ONE);
	for (unsigned i = 0; i < copies; i++) {
		struct datagram *d = &w->wire[w->on_wire];

		if (random_below(&w->random, 100) < w->loss_percent) {
			w->lost++;
			continue;
		}
		assert_true(w->on_wire < ON_WIRE_MAX);
		w->on_wire++;
		d->at_us = w->now.us + 1000 + random_below(&w->random, 300000);
		d->to_server = to_server;
		d->size = n;
		memcpy(d->bytes, bytes, n);
	}
}

static void wire_put_all(bool to_server, const struct out *out)
{
	struct cur  written = cur_of(out->put.start, put_size(&out->put)), bytes = {0};
	struct flow to;

	while (out_datagram_next(&written, &to, &bytes))
		wire_put(to_server, bytes.p, cur_left(&bytes));
}

static void send_request(unsigned i)
{
	struct bench      *b = &w->client;
	struct sip_client *c = sip_client_new(&b->t, &b->clients);
	char               branch[SIP_BRANCH_SIZE], text[SIZE_MAX_ONE];
	struct put         p = put_to(branch, sizeof(branch));
	int                n;

	assert_non_null(c);
	sip_client_branch(&b->t, c, &p);
	n = snprintf(text, sizeof(text),
		     "MESSAGE sip:bob@example.net SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s;rport\r\n"
		     "From: <sip:a@example.org>;tag=1\r\nTo: <sip:bob@example.net>\r\n"
		     "Call-ID: %u\r\nCSeq: %u MESSAGE\r\nContent-Length: 0\r\n\r\n",
		     (int)sizeof(branch), branch, i, i);
	assert_true(sip_client_start(&b->t, c, w->now,
				     &(struct sip_client_how){.token = i,
							      .timeout_us = UINT64_MAX,
							      .datagram = true,
							      .method = SIP_METHOD_MESSAGE},
				     text, (size_t)n));
	wire_put(true, text, (size_t)n);
}

static void client_takes(const struct datagram *d)
{
	struct bench      *b = &w->client;
	struct taken       k;
	struct sip_client *c;

	take(&k, (const char *)d->bytes, d->size);
	c = sip_client_match(&b->t, &k.message, &k.known);
	if (c != NULL && sip_client_response(&b->t, c, k.message.status)) {
		assert_int_equal(k.message.status, 200);
		assert_int_equal(k.known.cseq.number, c->token);
		assert_int_equal(w->delivered[c->token], 1);
		w->results[c->token]++;
		sip_client_end(&b->t, c);
	}
	drop(&k);
}

static void server_takes(const struct datagram *d)
{
	static uint8_t                 room[8192];
	static const struct sip_answer ok = {.status = 200};
	struct bench                  *b = &w->server;
	struct out                     out = out_to(room, sizeof(room));
	struct flow                    from = peer_flow();
	struct sip_server             *server;
	struct sip_again               again;
	struct taken                   k;
	struct sip_incoming            in = {&k.message, &k.known, &from, true};
	enum sip_server_step           step;

	take(&k, (const char *)d->bytes, d->size);
	step = sip_server_request(&b->t, &b->servers, w->now, &in, &out, &server, &again);
	assert_true(step != SIP_SERVER_FULL);
	if (step == SIP_SERVER_NEW) {
		w->delivered[k.known.cseq.number]++;
		w->answers[w->answers_open].at_us =
			w->now.us +
			random_below(&w->random, w->think_max_ms + 1) * (uint64_t)US_PER_MS;
		w->answers[w->answers_open++].token = sip_server_token(&b->t, server);
	} else if (step == SIP_SERVER_AGAIN) {
		assert_int_equal(again.status, 200);
		assert_true(sip_server_reply(&b->t, &in, &ok, &out));
	}
	wire_put_all(false, &out);
	drop(&k);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* All that is due; returns when the next thing is. */
static uint64_t turn(void)
{
	static uint8_t     room[256 * 1024];
	struct out         out = out_to(room, sizeof(room));
	struct sip_client *over;
	uint64_t           next, at = UINT64_MAX;

	for (unsigned i = 0; i < w->on_wire;) {
		struct datagram d = w->wire[i];

		if (d.at_us > w->now.us) {
			at = least(at, d.at_us);
			i++;
			continue;
		}
		w->wire[i] = w->wire[--w->on_wire];
		(d.to_server ? server_takes : client_takes)(&d);
	}
	for (unsigned i = 0; i < w->answers_open;) {
		struct out         answer = out_to(room, sizeof(room));
		struct sip_server *s;

		if (w->answers[i].at_us > w->now.us) {
			at = least(at, w->answers[i++].at_us);
			continue;
		}
		s = sip_server_find(&w->server.t, w->answers[i].token);
		assert_non_null(s);
		assert_true(sip_server_answer(&w->server.t, s, w->now,
					      &(struct sip_answer){.status = 200}, &answer));
		wire_put_all(false, &answer);
		w->answers[i] = w->answers[--w->answers_open];
	}
	while ((over = sip_client_tick(&w->client.t, &w->client.clients, w->now, &out, &next)) !=
	       NULL) {
		w->results[over->token]++;
		w->timeouts++;
		sip_client_end(&w->client.t, over);
	}
	at = least(at, next);
	wire_put_all(true, &out);
	out = out_to(room, sizeof(room));
	at = least(at, sip_server_tick(&w->server.t, &w->server.servers, w->now, &out));
	wire_put_all(false, &out);
	for (unsigned i = 0; i < w->on_wire; i++)
		at = least(at, w->wire[i].at_us);
	return at;
}

static void run(uint64_t seed, unsigned loss_percent, unsigned think_max_ms)
{
	uint64_t next = 0;

	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	bench_open(&w->client, 1024 * 1024);
	bench_open(&w->server, 1024 * 1024);
	random_seed(&w->random, seed);
	w->loss_percent = loss_percent;
	w->think_max_ms = think_max_ms;
	w->now.us = 1000000;
	for (unsigned i = 0; i < REQUESTS; i++)
		send_request(i);
	for (unsigned turns = 0; next != UINT64_MAX; turns++) {
		assert_true(turns < 100000);
		next = turn();
		w->now.us = next == UINT64_MAX || next > w->now.us ? next : w->now.us + 1;
	}
	assert_int_equal(w->client.clients.open, 0);
	assert_int_equal(w->client.t.pool.used, 0);
	assert_int_equal(w->server.servers.open, 0);
	assert_int_equal(w->server.t.pool.used, 0);
}

static void run_end(void)
{
	bench_close(&w->client);
	bench_close(&w->server);
	free(w);
}

static void under_loss_each_request_is_delivered_once_and_has_one_result(void **state)
{
	static const struct {
		unsigned loss_percent, think_max_ms, timeouts_max;
	} cases[] = {{0, 0, 0},    {0, 200, 0},   {10, 200, 0},
		     {30, 200, 3}, {30, 6000, 6}, {50, 9000, 60}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint64_t seed = 1; seed <= 4; seed++) {
			run(seed, cases[i].loss_percent, cases[i].think_max_ms);
			for (unsigned n = 0; n < REQUESTS; n++) {
				assert_int_equal(w->results[n], 1);
				assert_true(w->delivered[n] <= 1);
				if (w->timeouts == 0)
					assert_int_equal(w->delivered[n], 1);
			}
			assert_true((w->lost > 0) == (cases[i].loss_percent > 0));
			assert_true(w->timeouts <= cases[i].timeouts_max);
			run_end();
		}
	}
}

static void when_nothing_arrives_every_client_gets_its_timeout_once(void **state)
{
	run(1, 100, 0);
	assert_int_equal(w->timeouts, REQUESTS);
	assert_int_equal(w->lost >= REQUESTS * 11, true);
	for (unsigned n = 0; n < REQUESTS; n++) {
		assert_int_equal(w->results[n], 1);
		assert_int_equal(w->delivered[n], 0);
	}
	run_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_loss_each_request_is_delivered_once_and_has_one_result),
		cmocka_unit_test(when_nothing_arrives_every_client_gets_its_timeout_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
