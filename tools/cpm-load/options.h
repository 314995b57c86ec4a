/* The command line of cpm-load: one table, options.def, is parser, defaults and help. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OPTION_LIST_MAX 64u

struct option_endpoint {
	char host[256], port[8];
};

struct option_list {
	unsigned    count;
	const char *item[OPTION_LIST_MAX];
};

struct option_delay {
	bool     given;
	uint64_t us;
};

struct options {
	struct option_endpoint connect, listen;
	const char *system_id, *user, *password, *bind, *address, *to, *from, *text, *text_file,
		*coding;
	const char *mo, *fault, *id, *record;
	uint64_t    sessions, window, rate, count, time_us, wait_us, size, mo_rate, mo_count,
		response_us, seed, run, parts;
	uint64_t            expect_duplicates, expect_unanswered;
	struct option_delay receipts;
	struct option_list  sent, received;
	bool                markers, plain, sar, json, progress, help, check_receipts, any_order;
};

/* command: 'e', 's', 'c', 'v' or 'p'. Fills *o, defaults first. False: what is wrong and what would
 * be right was printed. */
bool options_parse(char command, int argc, char **argv, struct options *o);
void options_help(char command);

/* "50ms", "2s", "5m", "1h", a number alone being seconds; "N" with k or M. False: not of that form.
 * Any thread; pure. */
bool option_duration(const char *text, uint64_t *us);
bool option_number(const char *text, uint64_t *n);
