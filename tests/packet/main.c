/*
 * Runs packet scripts: packet [--variant WORDS] [--faults] [--corpus FOLDER] PATH...; a path is a
 * script or a folder of them. Each script is run in every variant that makes sense for it
 * (variant.c); --faults turns the sense round: each script must be refused or fail in the words of
 * its "#=" lines. --corpus writes fuzz inputs made of the scripts instead (corpus.h).
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "corpus.h"
#include "variant.h"

#define SCRIPTS_MAX 4096u
#define FAILURES_SHOWN 5u

static struct {
	char         *paths[SCRIPTS_MAX];
	unsigned      count;
	unsigned long runs, failed;
	unsigned      failed_scripts;
	const char   *variant; /* words that a variant's name must have */
	bool          faults;
	const char   *corpus;
} all;

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void path_add(const char *path)
{
	struct stat    status;
	struct dirent *entry;
	DIR           *folder;

	if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)) {
		if (all.count < SCRIPTS_MAX)
			all.paths[all.count++] = strdup(path);
		return;
	}
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		const char *end = strrchr(entry->d_name, '.');
		char        inside[4096];

		if (end == NULL || strcmp(end, ".pkt") != 0)
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		path_add(inside);
	}
	if (folder != NULL)
		closedir(folder);
}

static bool wanted(const struct variant *v)
{
	char  words[256], *rest = NULL, padded[sizeof(v->name) + 2];
	char *word;

	if (all.variant == NULL)
		return true;
	snprintf(words, sizeof(words), "%s", all.variant);
	snprintf(padded, sizeof(padded), " %s ", v->name);
	for (word = strtok_r(words, " ,", &rest); word != NULL;
	     word = strtok_r(NULL, " ,", &rest)) {
		char one[64];

		snprintf(one, sizeof(one), " %s ", word);
		if (strstr(padded, one) == NULL)
			return false;
	}
	return true;
}

static void script_run(struct device *d, const struct script *script)
{
	static struct run_result result;
	struct variant           v = {0};
	unsigned                 failed = 0;

	for (variant_first(&v, script); variant_next(&v, &result);) {
		if (!wanted(&v) && !v.measuring)
			continue;
		run_script(d, script, &v.start, &result);
		all.runs++;
		if (result.ok || v.measuring)
			continue;
		if (failed++ < FAILURES_SHOWN)
			fprintf(stderr, "FAILED %s  variant: %s\n\n", result.why, v.name);
	}
	all.failed += failed;
	all.failed_scripts += failed > 0;
	if (failed > FAILURES_SHOWN)
		fprintf(stderr, "%s: %u variants failed in all\n\n", script->path, failed);
}

/* The first "#=" line of a script that must not pass is part of what is said of it. */
static bool fault_expected(const char *path, char *words, size_t size)
{
	FILE *file = fopen(path, "re");
	bool  found = false;

	while (file != NULL && !found && fgets(words, (int)size, file) != NULL)
		found = strncmp(words, "#= ", 3) == 0;
	if (file != NULL)
		fclose(file);
	if (!found)
		return false;
	words[strcspn(words, "\n")] = 0;
	memmove(words, words + 3, strlen(words + 3) + 1);
	return true;
}

static void fault_run(struct device *d, const char *path)
{
	static struct run_result result;
	char                     words[512], *said = NULL;
	size_t                   said_size = 0;
	FILE                    *errors = open_memstream(&said, &said_size);
	struct script           *script = script_read(path, errors);
	struct variant           v = {0};

	result.why[0] = 0;
	if (script != NULL) {
		variant_first(&v, script);
		variant_next(&v, &result);
		run_script(d, script, &v.start, &result);
		script_free(script);
		fputs(result.ok ? "it passes" : result.why, errors);
	}
	fclose(errors);
	all.runs++;
	if (!fault_expected(path, words, sizeof(words)) || strstr(said, words) == NULL) {
		all.failed++;
		all.failed_scripts++;
		fprintf(stderr, "FAILED %s: what was said does not have \"%s\":\n%s\n", path, words,
			said);
	}
	free(said);
}

/* One variant of each family, without checksum offload or chains. */
static void corpus_run(struct device *d, struct corpus *corpus, const struct script *script)
{
	static struct run_result result;
	struct variant           v = {0};

	for (variant_first(&v, script); variant_next(&v, &result);) {
		if (v.measuring ||
		    v.start.traits & (TRAIT_OFFLOAD | TRAIT_CHAINED | TRAIT_WRAP | TRAIT_VLAN) ||
		    !wanted(&v))
			continue;
		corpus_begin(corpus, d, script, v.start.traits);
		run_script(d, script, &v.start, &result);
		corpus_end(corpus, d);
		all.runs++;
	}
}

static bool arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--faults") == 0)
			all.faults = true;
		else if (strcmp(argv[i], "--corpus") == 0 && i + 1 < argc)
			all.corpus = argv[++i];
		else if (strcmp(argv[i], "--variant") == 0 && i + 1 < argc)
			all.variant = argv[++i];
		else
			path_add(argv[i]);
	}
	qsort(all.paths, all.count, sizeof(all.paths[0]), by_name);
	if (all.count > 0)
		return true;
	fputs("usage: packet [--variant \"ip4 timestamps\"] [--faults] [--corpus FOLDER] "
	      "SCRIPT|FOLDER...\n",
	      stderr);
	return false;
}

static void path_run(struct device *d, const char *path, struct corpus *corpus)
{
	struct script *script;

	if (all.faults) {
		fault_run(d, path);
		return;
	}
	script = script_read(path, stderr);
	if (script == NULL) {
		all.failed_scripts++;
		all.failed++;
		return;
	}
	if (corpus != NULL)
		corpus_run(d, corpus, script);
	else
		script_run(d, script);
	script_free(script);
}

int main(int argc, char **argv)
{
	static struct device device;
	struct corpus       *corpus = NULL;
	struct timespec      begun, ended;
	double               seconds;

	if (!arguments(argc, argv))
		return 2;
	if (!device_init()) {
		fputs("packet: DPDK's environment cannot be had\n", stderr);
		return 2;
	}
	if (all.corpus != NULL && (corpus = corpus_new(all.corpus)) == NULL) {
		perror(all.corpus);
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (unsigned i = 0; i < all.count; i++)
		path_run(&device, all.paths[i], corpus);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	seconds = (double)(ended.tv_sec - begun.tv_sec) +
		  (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
	printf("%u scripts, %lu runs, %lu failed (of %u scripts), %.0f runs a second\n", all.count,
	       all.runs, all.failed, all.failed_scripts,
	       (double)all.runs / (seconds > 0 ? seconds : 1));
	corpus_free(corpus);
	return all.failed > 0;
}
