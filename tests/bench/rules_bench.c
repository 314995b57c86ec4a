/*
 * What rules cost a message, beside Hyperscan alone over the same text with the same database: 100,
 * 1,000 and 10,000 rules, half of them literals and half expressions; 100,000 different texts of
 * 100 to 160 bytes, of which one in a hundred is hit. Prints a table;
 * --json: one object a line.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "rules/compile.h"
#include "rules/image.h"
#include "rules/rules.h"

#define TEXTS 100000u
#define TEXT_MIN 100u
#define TEXT_MAX 160u
#define HIT_EVERY 100u
#define ROUNDS 15u /* the best counts: what disturbs only adds */
#define SEED 20240607u
#define RULES_MOST 10000u

struct text {
	char     bytes[TEXT_MAX + 1];
	unsigned size;
};

struct figures {
	unsigned rules;
	double   compile_s, load_ms;
	size_t   image_size;
	double   bare_ns, scan_ns; /* a message */
	unsigned hits;
};

static struct text         *texts;
static struct rules_source *sources;
static char (*samples)[64]; /* what a rule matches, to be put into a text */

/* Of this thread on a core: what else runs on the machine only disturbs the caches. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A word that could be one: consonants and vowels in turn. */
static unsigned word(struct random *r, char *room, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		room[i] = i % 2 == 0 ? "bcdfghklmnprstv"[random_below(r, 15)]
				     : "aeiouy"[random_below(r, 6)];
	room[size] = '\0';
	return size;
}

static void make_text(struct random *r, struct text *t)
{
	char     one[16];
	unsigned want = TEXT_MIN + random_below(r, TEXT_MAX - TEXT_MIN + 1);

	t->size = 0;
	while (t->size < want) {
		unsigned n = word(r, one, 2 + random_below(r, 8));

		if (random_below(r, 12) == 0)
			n = (unsigned)snprintf(one, sizeof(one), "%u", random_below(r, 100000));
		for (unsigned i = 0; i < n && t->size < want; i++)
			t->bytes[t->size++] = one[i];
		if (t->size < want)
			t->bytes[t->size++] = random_below(r, 10) == 0 ? '.' : ' ';
	}
	t->bytes[t->size] = '\0';
}

/* One rule: a literal when its number is even, else one of six kinds of expression; and a text that
 * it matches. */
static void make_rule(struct random *r, unsigned number)
{
	char a[16], b[16], pattern[64], *when, *name;

	word(r, a, 6 + random_below(r, 5));
	word(r, b, 4 + random_below(r, 4));
	switch (number % 2 == 0 ? 12 : number % 12) {
	case 1:
		snprintf(pattern, sizeof(pattern), "%s\\\\.com/[a-z0-9]+", a);
		snprintf(samples[number], sizeof(samples[number]), "%s.com/x1", a);
		break;
	case 3:
		snprintf(pattern, sizeof(pattern), "(?i)%s %s", a, b);
		snprintf(samples[number], sizeof(samples[number]), "%s %s", a, b);
		break;
	case 5:
		snprintf(pattern, sizeof(pattern), "%s\\\\s+[0-9]{3,5} %s", a, b);
		snprintf(samples[number], sizeof(samples[number]), "%s 1234 %s", a, b);
		break;
	case 7:
		snprintf(pattern, sizeof(pattern), "%s.{0,8}%s", a, b);
		snprintf(samples[number], sizeof(samples[number]), "%s now %s", a, b);
		break;
	case 9:
		snprintf(pattern, sizeof(pattern), "\\\\b(?:%s|%s)\\\\d+", a, b);
		snprintf(samples[number], sizeof(samples[number]), " %s77", b);
		break;
	case 11:
		snprintf(pattern, sizeof(pattern), "%s[a-z]*%s", a, b);
		snprintf(samples[number], sizeof(samples[number]), "%sand%s", a, b);
		break;
	default:
		snprintf(pattern, sizeof(pattern), "%s %s", a, b);
		snprintf(samples[number], sizeof(samples[number]), "%s %s", a, b);
		break;
	}
	when = malloc(96);
	name = malloc(16);
	ASSERT(when != NULL && name != NULL);
	snprintf(when, 96, "{\"text\": \"%s\"}", pattern);
	snprintf(name, 16, "rule%u", number);
	sources[number] = (struct rules_source){name, when, "{\"reject\": \"spam\"}"};
}

static void on_fault(void *user, size_t rule, const char *key, const char *text)
{
	fprintf(stderr, "rule %zu: %s: %s\n", rule, key, text);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *context)
{
	(*(unsigned *)context)++;
	return 0;
}

static double bare_round(const hs_database_t *db, hs_scratch_t *scratch, unsigned *matches)
{
	double start = seconds();

	for (unsigned t = 0; t < TEXTS; t++)
		hs_scan(db, texts[t].bytes, texts[t].size, 0, scratch, on_match, matches);
	return (seconds() - start) * 1e9 / TEXTS;
}

static double scan_round(const struct rules *rules, unsigned *hits)
{
	struct rules_input in = {
		.from = STR("+46701234567"), .to = STR("+46707654321"), .account = STR("esme1")};
	struct rules_verdict v;
	double               start = seconds();

	*hits = 0;
	for (unsigned t = 0; t < TEXTS; t++) {
		in.text = (struct str){texts[t].bytes, texts[t].size};
		rules_scan(rules, 0, &in, &v);
		*hits += v.outcome == RULES_REJECT;
	}
	return (seconds() - start) * 1e9 / TEXTS;
}

static void measure_scan(struct figures *f, const uint8_t *bytes)
{
	struct image   image;
	struct rules  *rules;
	hs_database_t *db = NULL;
	hs_scratch_t  *scratch = NULL;
	char           error[256];
	unsigned       matches = 0;
	double         start = seconds();

	rules = rules_load(cur_of(bytes, f->image_size), 2, error);
	ASSERT(rules != NULL);
	f->load_ms = (seconds() - start) * 1e3;
	ASSERT(image_read(&image, cur_of(bytes, f->image_size), error));
	hs_deserialize_database((const char *)image.databases[0].p, cur_left(&image.databases[0]),
				&db);
	ASSERT(db != NULL && hs_alloc_scratch(db, &scratch) == HS_SUCCESS);
	f->bare_ns = f->scan_ns = 1e12;
	for (unsigned i = 0; i < ROUNDS; i++) {
		double bare = bare_round(db, scratch, &matches), scan = scan_round(rules, &f->hits);

		f->bare_ns = bare < f->bare_ns ? bare : f->bare_ns;
		f->scan_ns = scan < f->scan_ns ? scan : f->scan_ns;
	}
	hs_free_scratch(scratch);
	hs_free_database(db);
	image_free(&image);
	rules_free(rules);
}

static struct figures measure(struct random *r, unsigned n)
{
	struct figures f = {.rules = n};
	uint8_t       *image;
	double         start;

	for (unsigned t = 0; t < TEXTS; t++) {
		make_text(r, &texts[t]);
		if (t % HIT_EVERY == 0) {
			const char *sample = samples[random_below(r, n)];

			memcpy(texts[t].bytes + 20, sample, strlen(sample));
		}
	}
	start = seconds();
	if (rules_compile(sources, n, NULL, &image, &f.image_size, on_fault, NULL) != 0)
		exit(1);
	f.compile_s = seconds() - start;
	measure_scan(&f, image);
	free(image);
	return f;
}

static void print(const struct figures *f, bool json)
{
	if (json)
		printf("{\"bench\": \"rules\", \"rules\": %u, \"scan_ns\": %.1f, \"hyperscan_ns\": "
		       "%.1f, "
		       "\"scans_per_s\": %.0f, \"hits\": %u, \"compile_s\": %.3f, \"load_ms\": "
		       "%.2f, "
		       "\"image_bytes\": %zu}\n",
		       f->rules, f->scan_ns, f->bare_ns, 1e9 / f->scan_ns, f->hits, f->compile_s,
		       f->load_ms, f->image_size);
	else
		printf("%6u  %9.1f  %9.1f  %8.1f %%  %8.2f  %6u  %9.2f  %8.2f  %10zu\n", f->rules,
		       f->scan_ns, f->bare_ns, (f->scan_ns / f->bare_ns - 1) * 100,
		       1e3 / f->scan_ns, f->hits, f->compile_s, f->load_ms, f->image_size);
}

int main(int argc, char **argv)
{
	static const unsigned counts[] = {100, 1000, RULES_MOST};
	bool                  json = argc > 1 && strcmp(argv[1], "--json") == 0;
	struct random         r;

	random_seed(&r, SEED);
	texts = calloc(TEXTS, sizeof(*texts));
	sources = calloc(RULES_MOST, sizeof(*sources));
	samples = calloc(RULES_MOST, sizeof(*samples));
	ASSERT(texts != NULL && sources != NULL && samples != NULL);
	for (unsigned i = 0; i < RULES_MOST; i++)
		make_rule(&r, i);
	if (!json)
		printf("seed %u, Hyperscan %s\n rules  ns/message  Hyperscan  overhead  M scans/s  "
		       " "
		       "hits  compile s   load ms       image\n",
		       SEED, hs_version());
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct figures f = measure(&r, counts[i]);

		print(&f, json);
	}
	return 0;
}
