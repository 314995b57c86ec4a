/*
 * What it costs to take a SIP message apart, on memory that is in the caches: a MESSAGE of about
 * 500 bytes as a phone sends it, framed and indexed; the same and all that every message must have;
 * the answer to it written. usage: sip_parse_bench [--json]
 */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "sip/print.h"

#define ROUNDS 500u
#define RUNS 2000u /* the least of them counts: what disturbs only adds */

static const char message[] =
	"MESSAGE sip:+46701234567@ims.example.com;user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-1---9d1f3a;rport\r\n"
	"Max-Forwards: 70\r\n"
	"To: <sip:+46701234567@ims.example.com;user=phone>\r\n"
	"From: \"Alice\" <sip:alice@example.org>;tag=a73kszlfl\r\n"
	"Call-ID: 843817637684230@998sdasdh09\r\n"
	"CSeq: 1 MESSAGE\r\n"
	"Accept-Contact: *;+g.oma.sip-im\r\n"
	"Content-Type: text/plain;charset=UTF-8\r\n"
	"Content-Length: 64\r\n"
	"\r\n"
	"The train leaves at a quarter to nine from platform 4, not at 8.";

static struct sip_message   m;
static struct sip_mandatory known;
static uint8_t              room[2048];

static void frame(enum sip_framing framing)
{
	struct sip_scan scan = {0};
	struct cur      in = cur_of(message, sizeof(message) - 1);
	enum reason     why;

	ASSERT(sip_message_next(&scan, &in, framing, &m, &why) == PULL_ITEM);
	ASSERT(m.fault == REASON_NONE);
}

static void framed_datagram(void)
{
	frame(SIP_DATAGRAM);
}

static void framed_stream(void)
{
	frame(SIP_STREAM);
}

static void parsed(void)
{
	frame(SIP_DATAGRAM);
	ASSERT(sip_mandatory_parse(&m, &known) == REASON_NONE);
}

static void answered(void)
{
	struct put w = put_to(room, sizeof(room));

	sip_put_response(&w, 200, STR("OK"));
	sip_put_response_fields(&w, &m, &known, STR("198.51.100.7"), 5060, STR("8321234356"));
	sip_put_body(&w, STR(""), NULL, 0);
	ASSERT(!w.failed);
}

static double cycles_of(void (*step)(void))
{
	uint64_t least = UINT64_MAX;

	for (unsigned run = 0; run < RUNS; run++) {
		uint64_t start = rte_rdtsc(), spent;

		for (unsigned i = 0; i < ROUNDS; i++) {
			step();
			__asm__ volatile("" ::: "memory");
		}
		spent = rte_rdtsc() - start;
		least = spent < least ? spent : least;
	}
	return (double)least / ROUNDS;
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name, *key;
		void (*step)(void);
	} rows[] = {
		{"framed, indexed: datagram", "datagram_cycles", framed_datagram},
		{"framed, indexed: stream", "stream_cycles", framed_stream},
		{"and what it must have parsed", "parsed_cycles", parsed},
		{"200 written", "answer_cycles", answered},
	};
	bool json = count > 1 && strcmp(arguments[1], "--json") == 0;

	if (json)
		printf("{\"bench\": \"sip_parse\", \"bytes\": %zu", sizeof(message) - 1);
	else
		printf("%-30s%12zu\n", "MESSAGE, bytes", sizeof(message) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf(json ? ", \"%s\": %.0f" : "%-30s%12.0f cycles\n",
		       json ? rows[i].key : rows[i].name, cycles_of(rows[i].step));
	if (json)
		printf("}\n");
	return 0;
}
