/*
 * What the directory's writer takes: registrations a second, new ones and refreshes, from one
 * producer that always has some open, with and without the journal (in the folder given, /tmp when
 * none is). The writer is turned in this thread, so a second is one of its own.
 * usage: registration_bench [--json] [ADDRESSES [FOLDER]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "rcu/rcu.h"

#include "sim.h"

#define BURST 32u

static struct directory *directory;
static bool              json;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask(uint32_t i, uint32_t sequence, struct now now)
{
	static const char texts[] = "sip:alice@198.51.100.77:5060;transport=udp;ob"
				    "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
				    "1f6a53e8-8ee3-4bb5-a5ff-bb1d7b2f1a2c@198.51.100.77";
	const struct {
		uint16_t off, size;
	} parts[BINDING_TEXT_COUNT] = {{0, 45}, {0, 0}, {45, 47}, {92, 50}};
	char                      address[64];
	struct proto_registration r = {.count = 1, .text = STR(texts), .token = i};

	r.address = (struct str){address, (size_t)snprintf(address, sizeof(address),
							   "sip:+4670%08u@ims.example", i)};
	r.bindings[0] = (struct proto_binding){.key = i,
					       .sequence = sequence,
					       .priority = 1000,
					       .expires_us = now.us + 3600 * US_PER_SECOND};
	for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++) {
		r.bindings[0].text[k].off = parts[k].off;
		r.bindings[0].text[k].size = parts[k].size;
	}
	ASSERT(directory_ask(directory, 0, 0, (struct session_ref){0}, false, &r) == REASON_NONE);
}

/* The rate of one registration of each. */
static double round_of(uint32_t addresses, uint32_t sequence)
{
	struct directory_answer answers[BURST];
	struct now              now = directory_now();
	double                  begun = seconds();

	for (uint32_t i = 0; i < addresses;) {
		for (unsigned k = 0; k < BURST * 8 && i < addresses; k++)
			ask((uint32_t)((uint64_t)i++ * 387420489u % addresses), sequence, now);
		directory_turn(directory, now);
		for (unsigned n; (n = directory_answers(directory, 0, answers, BURST)) > 0;) {
			for (unsigned k = 0; k < n; k++)
				ASSERT(answers[k].why == REASON_NONE);
		}
	}
	return addresses / (seconds() - begun);
}

static void run(uint32_t addresses, const char *folder)
{
	static const struct store_places nowhere = {0};
	double                           fresh, again;

	directory = directory_new(1, addresses, 1);
	ASSERT(directory != NULL);
	ASSERT(folder == NULL || directory_keep(directory, folder, &nowhere, directory_now()) == 0);
	rcu_thread_begin();
	fresh = round_of(addresses, 1);
	again = round_of(addresses, 2);
	if (json)
		printf("{\"bench\": \"registrations\", \"addresses\": %u, \"journal\": %s, "
		       "\"new_per_s\": %.0f, \"refreshed_per_s\": %.0f}\n",
		       addresses, folder != NULL ? "true" : "false", fresh, again);
	else
		printf("%u addresses, %s: %.0f new and %.0f refreshed registrations/s\n", addresses,
		       folder != NULL ? "with journal" : "without journal", fresh, again);
	rcu_offline();
	directory_free(directory);
	rcu_online();
	rcu_thread_end();
}

int main(int argc, char **argv)
{
	char        dir[256], path[300];
	const char *base = "/tmp";
	uint32_t    addresses = 200000;

	json = argc > 1 && strcmp(argv[1], "--json") == 0;
	argc -= json;
	argv += json;
	if (argc > 1)
		addresses = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		base = argv[2];
	sim_eal();
	snprintf(dir, sizeof(dir), "%s/cpm-registrations.XXXXXX", base);
	ASSERT(mkdtemp(dir) != NULL);
	run(addresses, NULL);
	run(addresses, dir);
	snprintf(path, sizeof(path), "%s/registrations", dir);
	unlink(path);
	rmdir(dir);
	return 0;
}
