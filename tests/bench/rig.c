#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "rcu/rcu.h"
#include "rules/compile.h"

struct sim sim;
struct rig bench;

void rig_init(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bench.json = bench.json || strcmp(argv[i], "--json") == 0;
		bench.brief = bench.brief || strcmp(argv[i], "--short") == 0;
		if (argv[i][0] != '-')
			bench.only = argv[i];
	}
	sim_eal();
	rcu_thread_begin();
}

bool rig_wanted(const char *name)
{
	return bench.only == NULL || strncmp(name, bench.only, strlen(bench.only)) == 0;
}

/* ---- load ---- */

static void text_fill(char *text, size_t n, struct random *r)
{
	static const char *const words[] = {"meeting", "tomorrow", "please", "call",    "the",
					    "office",  "about",    "your",   "order",   "number",
					    "thanks",  "delivery", "today",  "between", "three",
					    "and",     "five",     "see",    "you",     "there"};

	while (n < RIG_TEXT_SIZE) {
		const char *word = words[random_below(r, 20)];
		size_t      size = strlen(word);

		if (n + size + 1 > RIG_TEXT_SIZE)
			size = RIG_TEXT_SIZE - n - 1;
		memcpy(text + n, word, size);
		n += size;
		text[n++] = ' ';
	}
}

static void texts_make(unsigned rules)
{
	struct random r;

	bench.texts = calloc(RIG_TEXTS, sizeof(bench.texts[0]));
	ASSERT(bench.texts != NULL);
	random_seed(&r, 4);
	for (uint32_t i = 0; i < RIG_TEXTS; i++) {
		char  *text = bench.texts[i];
		size_t n = (size_t)snprintf(text, RIG_TEXT_SIZE, "%06u ", i);

		if (i % 100 == 0 && rules > 0) /* one in a hundred hits a rule */
			n += (size_t)snprintf(text + n, RIG_TEXT_SIZE - n, "offer%05u ",
					      random_below(&r, (rules + 1) / 2) * 2);
		text_fill(text, n, &r);
	}
}

bool rig_next(struct rig_message *message)
{
	if (bench.limit != 0 && bench.submitted >= bench.limit)
		return false;
	message->number = bench.submitted++;
	message->text = bench.texts[message->number % RIG_TEXTS];
	snprintf(message->to, sizeof(message->to), "+46%06u%02u",
		 random_below(&bench.random, bench.routes), (unsigned)(message->number % 100));
	return true;
}

bool rig_next_hook(struct host *h, struct host_session *s, struct msg *m, uint64_t *token)
{
	struct rig_message next;

	(void)h;
	(void)s;
	if (!rig_next(&next))
		return false;
	msg_append_addr(m, ADDR_E164, 1, 1, STR("+4611111"), &m->from);
	msg_append_addr(m, ADDR_E164, 1, 1, str_of(next.to), &m->to);
	msg_append(m, next.text, RIG_TEXT_SIZE, &m->body);
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
	*token = next.number;
	return true;
}

/* ---- worlds ---- */

void rig_rules_add(struct sim_delta *d, unsigned count, unsigned generation)
{
	struct rules_source *sources = calloc(count, sizeof(sources[0]));
	char(*room)[3][96] = calloc(count, sizeof(room[0]));
	uint8_t *image = NULL;
	size_t   size = 0;

	ASSERT(sources != NULL && room != NULL);
	for (unsigned i = 0; i < count; i++) {
		snprintf(room[i][0], sizeof(room[i][0]), "rule%u", i);
		if (i % 2 == 0)
			snprintf(room[i][1], sizeof(room[i][1]), "{\"text\": \"offer%05u\"}", i);
		else
			snprintf(room[i][1], sizeof(room[i][1]),
				 "{\"text\": \"win%u[a-z]+(now|today)%u\"}", i, generation);
		snprintf(room[i][2], sizeof(room[i][2]), "{\"tag\": \"t%u\"}", i % 8);
		sources[i] = (struct rules_source){room[i][0], room[i][1], room[i][2]};
	}
	if (count > 0)
		ASSERT(rules_compile(sources, count, NULL, &image, &size, NULL, NULL) == 0);
	world_delta_rules(&d->delta, image, size);
	bench.rules_digest = size > 0 ? world_rules_digest(image, size) : 0;
	d->checksum += bench.rules_digest;
	free(image);
	free(room);
	free(sources);
}

static void routes_add(struct sim_delta *d, uint32_t count, const char *peer)
{
	struct conf_via_item via = {0};
	struct conf_route   *route = conf_object_new(CONF_ROUTE);

	str_copy(via.name, sizeof(via.name), str_of(peer));
	route->via.n = 1;
	route->via.items = &via;
	for (uint32_t i = 0; i < count; i++) {
		snprintf(route->to, sizeof(route->to), "+46%06u", i);
		sim_delta_put(d, CONF_ROUTE, route);
	}
	route->via.n = 0;
	route->via.items = NULL;
	conf_object_free(CONF_ROUTE, route);
}

void rig_begin(const struct rig_world *world)
{
	struct sim_delta d;

	texts_make(world->rules);
	random_seed(&bench.random, 9);
	bench.submitted = 0;
	bench.limit = 0;
	bench.routes = world->routes;
	sim_new(&sim, &world->sim);
	sim.now = rig_now();
	sim_delta_begin(&sim, &d, world->parties);
	routes_add(&d, world->routes, world->via);
	rig_rules_add(&d, world->rules, 0);
	sim_delta_publish(&sim, &d);
}

void rig_end(void)
{
	bench.limit = bench.submitted;
	while (sim.host.answered < sim.host.submitted)
		rig_turns(NULL, 1);
	sim_free(&sim);
	free(bench.texts);
}

/* ---- measuring ---- */

struct now rig_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct now){(uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u,
			    1700000000000ull};
}

/* This thread's own time, in cycles of the time-stamp counter. */
static uint64_t thread_cycles(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)(((double)t.tv_sec + (double)t.tv_nsec * 1e-9) * (double)rte_get_tsc_hz());
}

uint64_t rig_turn(unsigned w, struct now now, bool *busy)
{
	uint64_t cpu = thread_cycles(), before = rte_rdtsc(), next_us, took;

	*busy = worker_turn(sim.dp.workers[w], now, rcu_read(sim.dp.world.current), &next_us);
	took = rte_rdtsc() - before;
	cpu = thread_cycles() - cpu;
	return took > cpu + rte_get_tsc_hz() / 50000 ? cpu : took;
}

void rig_turns(struct figures *f, uint64_t messages)
{
	uint64_t start = sim.host.answered;

	while (sim.host.answered - start < messages) {
		struct now now = rig_now();

		for (unsigned w = 0; w < sim.dp.worker_count; w++) {
			bool     busy;
			uint64_t took = rig_turn(w, now, &busy);

			if (f != NULL && busy) {
				f->worker_cycles[w] += took;
				f->longest_turn = took > f->longest_turn ? took : f->longest_turn;
			}
		}
		rcu_quiescent();
		sim.now = now;
		if (sim.control != NULL)
			sim.control(&sim);
		if (bench.offer != NULL)
			bench.offer();
		host_turn(&sim.host, now);
	}
}

static void stages_add(int64_t cycles[STAGE_COUNT], int sign)
{
	for (unsigned w = 0; w < sim.dp.worker_count; w++) {
		for (unsigned s = 0; s < STAGE_COUNT; s++)
			cycles[s] += sign * (int64_t)sim.dp.workers[w]->pipeline.cycles[s];
	}
}

void rig_measure(struct figures *f, uint64_t messages)
{
	int64_t stages[STAGE_COUNT] = {0};

	*f = (struct figures){.messages = messages};
	stages_add(stages, -1);
	rig_turns(f, messages);
	stages_add(stages, 1);
	for (unsigned w = 0; w < sim.dp.worker_count; w++)
		f->cycles += f->worker_cycles[w];
	for (unsigned s = 0; s < STAGE_COUNT; s++)
		f->stage_cycles[s] = (uint64_t)stages[s];
}

void rig_head(void)
{
	if (!bench.json)
		printf("%-34s %9s %8s   %6s %6s %6s %6s %6s %8s\n", "", "msg/s", "cycles", "admit",
		       "rules", "route", "deliv", "rest", "turn us");
}

void rig_row(const char *name, const char *note, unsigned workers, const struct figures *f)
{
	double messages = (double)f->messages, cycles = (double)f->cycles / messages;
	double hz = (double)rte_get_tsc_hz(), rate = (double)workers * hz / cycles;
	double rest = cycles; /* packets, TCP, what the protocol reads, results */

	for (unsigned s = 0; s < STAGE_COUNT; s++)
		rest -= (double)f->stage_cycles[s] / messages;
	printf(bench.json ? "{\"bench\": \"%s\", \"msgs_per_s\": %.0f, \"cycles_per_msg\": %.0f"
			  : "%-34s %9.0f %8.0f  ",
	       name, rate, cycles);
	for (unsigned s = 0; s < STAGE_COUNT; s++) {
		double stage = (double)f->stage_cycles[s] / messages;

		if (bench.json)
			printf(", \"cycles_%s\": %.0f", stage_name(s), stage);
		else
			printf(" %6.0f", stage);
	}
	printf(bench.json ? ", \"cycles_rest\": %.0f, \"longest_turn_us\": %.0f, "
			    "\"note\": \"%s\"}\n"
			  : " %6.0f %8.0f  %s\n",
	       rest, (double)f->longest_turn / hz * 1e6, note);
	fflush(stdout);
}
