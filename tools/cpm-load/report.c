/* Figures for people and for programs. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void report_status(struct stats *stats, uint32_t status)
{
	for (unsigned i = 0; i < STATUSES_MAX; i++) {
		if (stats->statuses[i].count == 0)
			stats->statuses[i].status = status;
		if (stats->statuses[i].status == status) {
			stats->statuses[i].count++;
			return;
		}
	}
}

static double ms(const struct stats *s, double share)
{
	return (double)histogram_percentile(&s->latency, share) / 1000;
}

void report_progress(const struct load *load)
{
	static struct stats before;
	static uint64_t     before_us;
	const struct stats *s = &load->stats;
	double              seconds = before_us > 0 ? (double)(load->now_us - before_us) / 1e6 : 1;
	bool                live = isatty(STDERR_FILENO) == 1;
	unsigned            bound = 0;

	for (unsigned i = 0; i < load->peer_count; i++)
		bound += load->peers[i] != NULL && load->peers[i]->state == PEER_BOUND;
	fprintf(stderr,
		"%s%4.0f s  %3u bound  out %8.0f/s  in %8.0f/s  ok %" PRIu64 "  failed %" PRIu64
		"  received %" PRIu64 "  receipts %" PRIu64 "  p50 %.2f ms  p99 %.2f ms%s",
		live ? "\r\033[K" : "", (double)(load->now_us - load->begun_us) / 1e6, bound,
		(double)(s->ok + s->failed - before.ok - before.failed) / seconds,
		(double)(s->received - before.received) / seconds, s->ok, s->failed, s->received,
		load->role->generator ? s->receipts : s->receipts_sent, ms(s, 0.5), ms(s, 0.99),
		live ? "" : "\n");
	before = *s;
	before_us = load->now_us;
}

static void status_name(const struct load *load, char room[32], uint32_t status)
{
	struct str name = load->role->speech->status_text(status);

	if (name.n > 0)
		str_copy(room, 32, name);
	else
		snprintf(room, 32, "0x%08x", status);
}

struct figure {
	const char *name;
	uint64_t    value;
};

#define FIGURES 24

static unsigned figures(const struct load *load, struct figure f[FIGURES])
{
	const struct stats *s = &load->stats;
	const struct figure all[] = {{"sent", s->made},
				     {"ok", s->ok},
				     {"failed", s->failed},
				     {"unanswered", s->unanswered},
				     {"received", s->received},
				     {"accepted", s->accepted},
				     {"refused", s->refused},
				     {"changed", s->changed},
				     {"unmarked", s->unmarked},
				     {"receipts", s->receipts},
				     {"receipts_expected", s->receipts_expected},
				     {"receipts_sent", s->receipts_sent},
				     {"receipts_not_sent", s->receipts_undeliverable},
				     {"sessions_opened", s->sessions_opened},
				     {"sessions_lost", s->sessions_lost},
				     {"malformed", s->malformed},
				     {"p50_us", histogram_percentile(&s->latency, 0.5)},
				     {"p90_us", histogram_percentile(&s->latency, 0.9)},
				     {"p99_us", histogram_percentile(&s->latency, 0.99)},
				     {"p999_us", histogram_percentile(&s->latency, 0.999)},
				     {"max_us", s->latency.max}};
	unsigned            count = sizeof(all) / sizeof(all[0]);

	for (unsigned i = 0; i < count; i++)
		f[i] = all[i];
	return count;
}

static void totals_json(const struct load *load, double seconds)
{
	struct figure f[FIGURES];
	unsigned      count = figures(load, f), shown = 0;
	char          name[32];

	printf("{\"role\": \"%s\", \"seconds\": %.3f, \"msgs_per_s\": %.0f", load->role->name,
	       seconds,
	       (double)(load->stats.ok + load->stats.failed + load->stats.received) / seconds);
	for (unsigned i = 0; i < count; i++)
		printf(", \"%s\": %" PRIu64, f[i].name, f[i].value);
	printf(", \"statuses\": {");
	for (unsigned i = 0; i < STATUSES_MAX && load->stats.statuses[i].count > 0; i++) {
		status_name(load, name, load->stats.statuses[i].status);
		printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", name,
		       load->stats.statuses[i].count);
	}
	printf("}, \"faults\": {");
	for (int i = 1; i < FAULT_KIND_COUNT; i++) {
		if (load->stats.faults[i] > 0)
			printf("%s\"%s\": %" PRIu64, shown++ > 0 ? ", " : "", fault_names[i],
			       load->stats.faults[i]);
	}
	printf("}}\n");
}

void report_totals(const struct load *load)
{
	const struct stats *s = &load->stats;
	double              seconds = load->last_us > load->first_us
					      ? (double)(load->last_us - load->first_us) / 1e6
					      : 1e-6;
	struct figure       f[FIGURES];
	unsigned            count = figures(load, f);
	char                name[32];

	if (load->options->progress && isatty(STDERR_FILENO) == 1)
		fputc('\n', stderr);
	if (load->options->json) {
		totals_json(load, seconds);
		return;
	}
	printf("%s: %.1f s, %.0f messages/s\n", load->role->name, seconds,
	       (double)(s->ok + s->failed + s->received) / seconds);
	for (unsigned i = 0; i < count; i++) {
		if (f[i].value > 0)
			printf("  %-20s %12" PRIu64 "\n", f[i].name, f[i].value);
	}
	for (unsigned i = 0; i < STATUSES_MAX && s->statuses[i].count > 0; i++) {
		status_name(load, name, s->statuses[i].status);
		printf("  %-20s %12" PRIu64 "\n", name, s->statuses[i].count);
	}
	for (int i = 1; i < FAULT_KIND_COUNT; i++) {
		if (s->faults[i] > 0)
			printf("  fault %-14s %12" PRIu64 "\n", fault_names[i], s->faults[i]);
	}
}
