/*
 * Fuzz target: datagrams, each after two bytes that say its size and what is done with it, to an
 * instance with open transactions of both sides. What is taken as new and comes again is not new;
 * each transaction ends once and leaves no block behind; an answer can be read, and answers what
 * was asked; credentials never prove a subscriber whose password they do not hold; a challenge that
 * is taken is answered with what can be read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sip/digest.h"
#include "sip/owner.h"
#include "sip/transaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY (64u * 1024u)
#define CLIENTS 8u

static struct sip_transactions t;
static struct sip_digest       digest;
static struct metrics          metrics;
static struct sip_clients      clients;
static struct sip_servers      servers;
static uint8_t                 memory[MEMORY] __attribute__((aligned(64)));
static uint8_t                 nonces[512] __attribute__((aligned(64)));
static uint8_t                 room[2 * SIP_MESSAGE_SIZE_MAX];
static struct now              now;
static uint64_t                open_tokens[MEMORY / SIP_BLOCK_SIZE];
static unsigned                open_count, results;

static struct out fresh(void)
{
	return out_to(room, sizeof(room));
}

static void begin(void)
{
	static const char request[] = "MESSAGE sip:a SIP/2.0\r\n\r\n";

	memset(memory, 0, sizeof(memory));
	memset(nonces, 0, sizeof(nonces));
	clients = (struct sip_clients){.session = &clients};
	servers = (struct sip_servers){.session = &servers};
	now = (struct now){.us = 10 * US_PER_SECOND};
	open_count = results = 0;
	sip_transactions_init(&t, &metrics, 2, 1, memory, sizeof(memory));
	sip_digest_init(&digest, &metrics, 2, 1, nonces, sizeof(nonces));
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct sip_client *c = sip_client_new(&t, &clients);

		ASSERT(c != NULL);
		ASSERT(sip_client_start(&t, c, now,
					&(struct sip_client_how){.token = i,
								 .timeout_us = UINT64_MAX,
								 .datagram = i % 2 == 0,
								 .method = SIP_METHOD_MESSAGE},
					request, sizeof(request) - 1));
	}
}

/* An answer of ours can be read, and has Call-ID and CSeq of the request. */
static void check_answer(const struct out *out, const struct sip_mandatory *asked)
{
	struct cur         written = cur_of(room, put_size(&out->put)), bytes;
	struct sip_scan    scan = {0};
	struct sip_message m;
	enum reason        why;
	struct flow        to;
	struct str         call;

	ASSERT(out_datagram_next(&written, &to, &bytes));
	ASSERT(sip_message_next(&scan, &bytes, SIP_DATAGRAM, &m, &why) == PULL_ITEM);
	ASSERT(m.kind == SIP_RESPONSE && m.fault == REASON_NONE);
	ASSERT(sip_header_find(&m, SIP_CALL_ID, &call) && str_eq(call, asked->call_id));
}

static void check_credentials(const struct sip_message *m)
{
	static const struct proto_credentials secret = {.ha1_md5 = {1}, .ha1_sha256 = {1}};
	struct sip_claim                      claim;

	if (sip_digest_claim(&digest, m, SIP_AUTHORIZATION, STR("example.org"), &claim) ==
	    SIP_PROOF_PROVEN)
		ASSERT(sip_digest_check(&digest, now, &claim, m->method_text, m->uri, &secret) !=
		       SIP_PROOF_PROVEN);
}

static void take_request(const struct sip_message *m, const struct sip_mandatory *known,
			 unsigned choice)
{
	struct flow          from = {.address = {0x0700a8c0}, .port = 5060};
	struct sip_incoming  in = {m, known, &from, true};
	struct out           out = fresh();
	struct sip_answer    ok = {.status = 200, .reason = STR("OK"), .note = choice};
	struct sip_server   *s, *none;
	struct sip_again     again;
	enum sip_server_step step;

	if (m->method == SIP_METHOD_ACK)
		return;
	check_credentials(m);
	step = sip_server_request(&t, &servers, now, &in, &out, &s, &again);
	ASSERT((step == SIP_SERVER_NEW) == (s != NULL));
	if (step == SIP_SERVER_NEW && choice % 2 == 0) {
		ASSERT(sip_server_answer(&t, s, now, &ok, &out));
		check_answer(&out, known);
		out = fresh();
		ASSERT(sip_server_request(&t, &servers, now, &in, &out, &none, &again) ==
		       SIP_SERVER_AGAIN);
		ASSERT(again.status == 200 && again.note == choice);
	} else if (step == SIP_SERVER_NEW) {
		ASSERT(open_count < sizeof(open_tokens) / sizeof(open_tokens[0]));
		sip_server_keep(&t, s, m->whole.p, m->whole.n < 700 ? m->whole.n : 700);
		open_tokens[open_count++] = sip_server_token(&t, s);
		ASSERT(sip_server_request(&t, &servers, now, &in, &out, &none, &again) ==
		       SIP_SERVER_PENDING);
	}
	if (step == SIP_SERVER_AGAIN || step == SIP_SERVER_FULL) {
		out = fresh();
		ASSERT(sip_server_reply(&t, &in, &ok, &out));
		check_answer(&out, known);
	}
}

static void take_response(const struct sip_message *m, const struct sip_mandatory *known)
{
	struct sip_client   *c = sip_client_match(&t, m, known);
	struct sip_challenge challenge = {0};
	struct out           out = fresh();

	if (c != NULL) {
		ASSERT(c->of == &clients && c->token < CLIENTS);
		if (sip_client_response(&t, c, m->status)) {
			results++;
			sip_client_end(&t, c);
		}
	}
	if (sip_challenge_take(&challenge, m, STR("a"), STR("b"))) {
		struct cur      line;
		struct sip_auth a;

		sip_challenge_answer(&challenge, STR("a"), STR("MESSAGE"), STR("sip:b"), 7,
				     &out.put);
		if (out.put.failed)
			return;
		line = cur_of(room, put_size(&out.put));
		while (cur_u8(&line) != ':')
			ASSERT(!line.failed);
		ASSERT(sip_auth_parse(sip_trim((struct str){(const char *)line.p, cur_left(&line)}),
				      &a));
		ASSERT(a.digest && a.has[SIP_DIGEST_RESPONSE] && a.has[SIP_DIGEST_REALM]);
	}
}

static void take_datagram(struct cur bytes, unsigned choice)
{
	struct sip_scan      scan = {0};
	struct sip_message   m;
	struct sip_mandatory known;
	enum reason          why;

	ASSERT(sip_owner(bytes, 1 + choice % 9) < 1 + choice % 9);
	sip_client_quoted(&t, bytes);
	if (sip_message_next(&scan, &bytes, SIP_DATAGRAM, &m, &why) != PULL_ITEM ||
	    (m.kind != SIP_REQUEST && m.kind != SIP_RESPONSE) || m.fault != REASON_NONE ||
	    sip_mandatory_parse(&m, &known) != REASON_NONE)
		return;
	if (m.kind == SIP_REQUEST)
		take_request(&m, &known, choice);
	else
		take_response(&m, &known);
}

static void let_time_pass(unsigned choice)
{
	struct out         out = fresh();
	struct sip_client *c;
	uint64_t           next;

	now.us += (uint64_t)choice * 100 * US_PER_MS;
	while ((c = sip_client_tick(&t, &clients, now, &out, &next)) != NULL) {
		results++;
		sip_client_end(&t, c);
	}
	ASSERT(next > now.us);
	out = fresh();
	sip_server_tick(&t, &servers, now, &out);
	if (open_count > 0 && choice % 3 == 0) {
		struct sip_server *s = sip_server_find(&t, open_tokens[--open_count]);

		ASSERT(s != NULL);
		out = fresh();
		ASSERT(sip_server_answer(&t, s, now, &(struct sip_answer){.status = 404}, &out));
		ASSERT(sip_server_find(&t, open_tokens[open_count]) == NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur         in = cur_of(data, size);
	struct sip_client *c;

	begin();
	while (cur_left(&in) > 0) {
		size_t     n = (size_t)cur_u8(&in) * 8;
		unsigned   choice = cur_u8(&in);
		struct cur bytes = cur_sub(&in, n < cur_left(&in) ? n : cur_left(&in));
		size_t     left = cur_left(&bytes);
		uint8_t   *exact = malloc(left > 0 ? left : 1);

		ASSERT(exact != NULL);
		if (left > 0)
			memcpy(exact, bytes.p, left);
		take_datagram(cur_of(exact, left), choice);
		free(exact);
		let_time_pass(choice);
	}
	while ((c = sip_client_oldest(&t, &clients)) != NULL) {
		results++;
		sip_client_end(&t, c);
	}
	ASSERT(results == CLIENTS && servers.open == open_count);
	sip_server_end_all(&t, &servers);
	ASSERT(t.pool.used == 0 && clients.open == 0 && servers.open == 0);
	return 0;
}
