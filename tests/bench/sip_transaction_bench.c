/*
 * What SIP transactions and digest cost beside parsing: cycles of each call or pair of calls, with
 * 10,000 transactions open, so that their blocks are not in the nearest caches. Messages are taken
 * apart before. Prints a table; --json: one object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "sip/digest.h"
#include "sip/hash.h"
#include "sip/owner.h"
#include "sip/transaction.h"

#define OPEN 10000u
#define ROUNDS 20u /* the best counts: what disturbs only adds */
#define MEMORY (64u << 20)

static struct sip_transactions t;
static struct sip_digest       digest;
static struct metrics          metrics;
static struct sip_clients      clients;
static struct sip_servers      servers;
static struct now              now;
static uint8_t                 room[8192];
static struct sip_client      *begun[OPEN];
static uint64_t                tokens[OPEN];

#define TEXT                                                                                       \
	"Max-Forwards: 70\r\n"                                                                     \
	"From: <sip:+46701234567@ims.example.net;user=phone>;tag=5d7f9a1c\r\n"                     \
	"To: <sip:+46709876543@ims.example.org;user=phone>\r\n"                                    \
	"Call-ID: 6f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9@ims.example.net\r\n"                        \
	"CSeq: 1 MESSAGE\r\n"                                                                      \
	"P-Asserted-Identity: <sip:+46701234567@ims.example.net>\r\n"                              \
	"Content-Type: text/plain;charset=UTF-8\r\n"                                               \
	"Content-Length: 100\r\n\r\n"                                                              \
	"0123456789012345678901234567890123456789012345678901234567890123456789"                   \
	"012345678901234567890123456789"

static char request_text[] =
	"MESSAGE sip:+46709876543@ims.example.org;user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK00000000;rport\r\n" TEXT;
static struct sip_message   request, response;
static struct sip_mandatory request_known, response_known;
static char                 response_text[] =
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
	"198.51.100.1:5060;branch=z9hG4bK000000000000000000000000;rport=5060\r\n" TEXT;
static const struct flow peer = {.address = {0x070200c0}, .port = 5060};

static void take(char *text, struct sip_message *m, struct sip_mandatory *known)
{
	struct sip_scan scan = {0};
	struct cur      in = cur_of(text, strlen(text));
	enum reason     why;

	ASSERT(sip_message_next(&scan, &in, SIP_DATAGRAM, m, &why) == PULL_ITEM);
	ASSERT(sip_mandatory_parse(m, known) == REASON_NONE);
}

static char *place(struct str of) /* in a text of ours */
{
	return (char *)(uintptr_t)of.p;
}

/* Another branch and Call-ID. */
static void another_request(uint32_t n)
{
	char *branch_to = place(request_known.via.branch) + 7, *call = place(request_known.call_id);

	for (unsigned i = 0; i < 8; i++, n >>= 4)
		branch_to[i] = call[i] = "0123456789abcdef"[n & 15];
}

static void begin_clients(bool datagram)
{
	for (unsigned i = 0; i < OPEN; i++) {
		struct put         w = put_to(room, 64);
		struct sip_client *c = sip_client_new(&t, &clients);

		ASSERT(c != NULL);
		sip_client_branch(&t, c, &w);
		ASSERT(sip_client_start(&t, c, now,
					&(struct sip_client_how){.token = i,
								 .timeout_us = UINT64_MAX,
								 .to = peer,
								 .datagram = datagram,
								 .method = SIP_METHOD_MESSAGE},
					request_text, sizeof(request_text) - 1));
		begun[i] = c;
	}
}

static void end_clients(void)
{
	for (unsigned i = 0; i < OPEN; i++) {
		struct put         w = put_to(place(response_known.via.branch), SIP_BRANCH_SIZE);
		struct sip_client *c;

		sip_client_branch(&t, begun[i], &w); /* what the peer does, counted too */
		c = sip_client_match(&t, &response, &response_known);
		ASSERT(c != NULL && sip_client_response(&t, c, 200));
		sip_client_end(&t, c);
	}
}

static void client_udp(void)
{
	begin_clients(true);
	end_clients();
}

static void client_tcp(void)
{
	begin_clients(false);
	end_clients();
}

static const struct sip_answer ok = {.status = 200, .reason = {"OK", 2}};
static uint32_t                branch;

static void server(bool datagram)
{
	struct sip_incoming in = {&request, &request_known, &peer, datagram};

	for (unsigned i = 0; i < OPEN; i++) {
		struct out         out = out_to(room, sizeof(room));
		struct sip_server *s;
		struct sip_again   again;

		another_request(branch++);
		ASSERT(sip_server_request(&t, &servers, now, &in, &out, &s, &again) ==
		       SIP_SERVER_NEW);
		tokens[i] = sip_server_token(&t, s);
	}
	for (unsigned i = 0; i < OPEN; i++) {
		struct out out = out_to(room, sizeof(room));

		ASSERT(sip_server_answer(&t, sip_server_find(&t, tokens[i]), now, &ok, &out));
	}
	now.us += US_PER_SECOND;
}

static void server_udp(void)
{
	server(true);
}

static void server_tcp(void)
{
	server(false);
}

static void server_again(void)
{
	struct sip_incoming in = {&request, &request_known, &peer, true};

	for (unsigned i = 0; i < OPEN; i++) {
		struct out         out = out_to(room, sizeof(room));
		struct sip_server *s;
		struct sip_again   again;

		another_request(branch - OPEN + i); /* those of server_udp(), just before */
		ASSERT(sip_server_request(&t, &servers, now, &in, &out, &s, &again) ==
		       SIP_SERVER_AGAIN);
		ASSERT(sip_server_reply(&t, &in, &ok, &out));
	}
}

static void challenge(void)
{
	for (unsigned i = 0; i < OPEN; i++) {
		struct put w = put_to(room, sizeof(room));

		sip_digest_challenge(&digest, now, SIP_WWW_AUTHENTICATE, STR("example.org"),
				     SIP_OFFER_ALL, false, &w);
	}
}

static void check(bool sha256)
{
	static struct proto_credentials c;
	static char                     nonce[SIP_NONCE_SIZE], hex[65];
	struct put                      w = put_to(room, sizeof(room));
	struct sip_claim                claim = {.realm = STR("example.org"), .sha256 = sha256};
	struct sip_hash_terms           terms = {.nonce = {nonce, sizeof(nonce)},
						 .nc = STR("00000001"),
						 .cnonce = STR("0123456789abcdef"),
						 .method = STR("MESSAGE"),
						 .uri = request.uri,
						 .qop = true};

	sip_digest_challenge(&digest, now, SIP_WWW_AUTHENTICATE, STR("example.org"), SIP_OFFER_ALL,
			     false, &w);
	memcpy(nonce, (char *)memmem(room, put_size(&w), "nonce=\"", 7) + 7, sizeof(nonce));
	sip_hash_response(sha256, sha256 ? c.ha1_sha256 : c.ha1_md5, &terms, claim.response);
	sip_hash_hex(sha256, claim.response, hex);
	claim.auth.field[SIP_DIGEST_NONCE] = terms.nonce;
	claim.auth.field[SIP_DIGEST_NC] = terms.nc;
	claim.auth.field[SIP_DIGEST_CNONCE] = terms.cnonce;
	claim.auth.field[SIP_DIGEST_URI] = terms.uri;
	for (unsigned i = 0; i < OPEN; i++) {
		claim.nc = i + 1;
		ASSERT(sip_digest_check(&digest, now, &claim, STR("MESSAGE"), request.uri, &c) ==
		       SIP_PROOF_PROVEN);
	}
}

static void check_md5(void)
{
	check(false);
}

static void check_sha256(void)
{
	check(true);
}

static unsigned owners;

static void owner_request(void)
{
	for (unsigned i = 0; i < OPEN; i++)
		owners += sip_owner(cur_of(request_text, sizeof(request_text) - 1), 4);
}

static void owner_response(void)
{
	for (unsigned i = 0; i < OPEN; i++)
		owners += sip_owner(cur_of(response_text, sizeof(response_text) - 1), 4);
}

static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	{"client over UDP, begin and end", client_udp},
	{"client over TCP, begin and end", client_tcp},
	{"server over UDP, begin and answer", server_udp},
	{"server over UDP, answered again", server_again},
	{"server over TCP, begin and answer", server_tcp},
	{"digest challenge, both algorithms", challenge},
	{"digest check, MD5", check_md5},
	{"digest check, SHA-256", check_sha256},
	{"owner of a request", owner_request},
	{"owner of a response", owner_response},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static double seconds(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Of the time-stamp counter, a second. */
static double frequency(void)
{
	double   start = seconds(CLOCK_MONOTONIC), spent;
	uint64_t cycles = rte_rdtsc();

	do {
		spent = seconds(CLOCK_MONOTONIC) - start;
	} while (spent < 0.05);
	return (double)(rte_rdtsc() - cycles) / spent;
}

int main(int argc, char **argv)
{
	bool           json = argc > 1 && strcmp(argv[1], "--json") == 0;
	void          *memory = aligned_alloc(64, MEMORY);
	static uint8_t nonces[1u << 16] __attribute__((aligned(64)));
	double         best[ROWS], hz = frequency();

	ASSERT(memory != NULL);
	memset(memory, 0, MEMORY);
	now.us = US_PER_SECOND;
	sip_transactions_init(&t, &metrics, 2, 7, memory, MEMORY);
	sip_digest_init(&digest, &metrics, 2, 7, nonces, sizeof(nonces));
	take(request_text, &request, &request_known);
	take(response_text, &response, &response_known);
	for (size_t i = 0; i < ROWS; i++)
		best[i] = 1e9;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ROWS; i++) {
			/* Of this thread: what else runs on the machine only disturbs the caches.
			 */
			double start = seconds(CLOCK_THREAD_CPUTIME_ID), cycles;

			rows[i].run();
			cycles = (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * hz / OPEN;
			best[i] = cycles < best[i] ? cycles : best[i];
		}
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (json)
			printf("{\"bench\": \"sip\", \"row\": \"%s\", \"cycles\": %.0f}\n",
			       rows[i].name, best[i]);
		else
			printf("%-36s%6.0f cycles\n", rows[i].name, best[i]);
	}
	free(memory);
	return owners == 1; /* so that it is counted */
}
