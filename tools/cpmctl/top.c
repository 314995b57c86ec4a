#include "top.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "print.h"

#define INTERVAL_MS 1000
#define REASONS_MAX 10u
#define REFUSED_BEGIN "refused{reason=\""

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

struct reading {
	json_t *metrics, *workers; /* objects: counter by name, [busy_cycles, cycles_per_s,
				      sessions] by worker */
	double at_s;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void reading_clear(struct reading *r)
{
	json_decref(r->metrics);
	json_decref(r->workers);
	*r = (struct reading){0};
}

/* The number of a column by its name; the count of columns when there is none. */
static size_t column(const json_t *table, const char *name)
{
	const json_t *columns = json_object_get(table, "columns");
	size_t        i = 0;

	while (i < json_array_size(columns) &&
	       strcmp(json_string_value(json_array_get(columns, i)), name) != 0)
		i++;
	return i;
}

/* 0, or the exit code after telling why. */
static int table_get(struct client *client, enum ctl_command command, json_t **table)
{
	json_t *args = json_object();
	char    error[512] = "";
	long    status = client_call(client, command, args, NULL, 0, table, error);

	json_decref(args);
	if (status == 200)
		return EXIT_DONE;
	if (status == 0)
		fprintf(stderr, "cpmctl: %s\n", error);
	else
		print_error(stderr, *table);
	json_decref(*table);
	*table = NULL;
	return status == 0 ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static int reading_take(struct client *client, struct reading *r)
{
	json_t *table, *row;
	size_t  i, name, value, busy, rate, sessions;
	int     code = table_get(client, CTL_metric, &table);

	*r = (struct reading){0};
	if (code != EXIT_DONE)
		return code;
	r->at_s = now_s();
	r->metrics = json_object();
	r->workers = json_array();
	name = column(table, "name");
	value = column(table, "value");
	json_array_foreach(json_object_get(table, "rows"), i, row)
		json_object_set(r->metrics, json_string_value(json_array_get(row, name)),
				json_array_get(row, value));
	json_decref(table);
	code = table_get(client, CTL_worker_list, &table);
	if (code != EXIT_DONE) {
		reading_clear(r);
		return code;
	}
	busy = column(table, "busy_cycles");
	rate = column(table, "cycles_per_s");
	sessions = column(table, "sessions");
	json_array_foreach(json_object_get(table, "rows"), i, row) json_array_append_new(
		r->workers, json_pack("[O, O, O]", json_array_get(row, busy),
				      json_array_get(row, rate), json_array_get(row, sessions)));
	json_decref(table);
	return EXIT_DONE;
}

static long long value_of(const struct reading *r, const char *name)
{
	return (long long)json_integer_value(json_object_get(r->metrics, name));
}

/* Per second; a counter that went back (the dataplane restarted) counts from 0. */
static double rate_of(const struct reading *a, const struct reading *b, const char *name)
{
	long long from = value_of(a, name), to = value_of(b, name);

	return (double)(to >= from ? to - from : to) / (b->at_s - a->at_s);
}

/* What is shown, as an object: rates of messages, refusals by reason, levels, and the busy share of
 * each worker. */
static json_t *sample_make(const struct reading *a, const struct reading *b)
{
	static const char *const rates[] = {
		"messages_in", "messages_delivered", "messages_unknown", "receipts_delivered",
		"hops_out",    "packets_in",         "packets_out"};
	static const char *const levels[] = {"sessions_open", "links_up", "messages_open"};
	json_t *sample = json_object(), *refused = json_object(), *workers = json_array(), *value;
	const char *name;
	size_t      i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		json_object_set_new(sample, rates[i],
				    json_integer((json_int_t)(rate_of(a, b, rates[i]) + 0.5)));
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		json_object_set_new(sample, levels[i], json_integer(value_of(b, levels[i])));
	json_object_foreach(b->metrics, name, value)
	{
		/* refused{reason="SPAM"} */
		const char *reason = strncmp(name, REFUSED_BEGIN, strlen(REFUSED_BEGIN)) == 0
					     ? name + strlen(REFUSED_BEGIN)
					     : NULL;
		double      rate = reason != NULL ? rate_of(a, b, name) : 0;

		if (rate > 0)
			json_object_setn_new(refused, reason, strcspn(reason, "\""),
					     json_integer((json_int_t)(rate + 0.5)));
	}
	json_object_set_new(sample, "refused", refused);
	json_array_foreach(b->workers, i, value)
	{
		double busy = json_number_value(json_array_get(value, 0)) -
			      json_number_value(json_array_get(json_array_get(a->workers, i), 0));
		double all = json_number_value(json_array_get(value, 1)) * (b->at_s - a->at_s);

		json_array_append_new(workers, json_real(all > 0 && busy > 0 ? busy / all : 0));
	}
	json_object_set_new(sample, "workers_busy", workers);
	return sample;
}

static void sample_print(const json_t *sample, bool redraw)
{
	const json_t *refused = json_object_get(sample, "refused"),
		     *workers = json_object_get(sample, "workers_busy");
	const char *key;
	json_t     *value;
	size_t      i;
	unsigned    shown = 0;

	if (redraw)
		fputs("\033[H\033[2J", stdout);
#define LEVEL(name) (long long)json_integer_value(json_object_get(sample, name))
	printf("messages/s   in %9lld   delivered %9lld   unknown %7lld   receipts %9lld\n",
	       LEVEL("messages_in"), LEVEL("messages_delivered"), LEVEL("messages_unknown"),
	       LEVEL("receipts_delivered"));
	printf("now          sessions %5lld   links up %6lld   open messages %7lld   hops/s "
	       "%9lld\n",
	       LEVEL("sessions_open"), LEVEL("links_up"), LEVEL("messages_open"),
	       LEVEL("hops_out"));
	printf("packets/s    in %9lld   out %9lld\n", LEVEL("packets_in"), LEVEL("packets_out"));
#undef LEVEL
	printf("workers      ");
	json_array_foreach((json_t *)workers, i, value)
		printf("%zu: %3.0f %%   ", i, 100 * json_number_value(value));
	printf("\nrefused/s   ");
	json_object_foreach((json_t *)refused, key, value)
	{
		if (shown++ < REASONS_MAX)
			printf(" %s %lld  ", key, (long long)json_integer_value(value));
	}
	printf("%s\n", shown == 0 ? " none" : "");
	if (redraw)
		printf("\nq ends it\n");
	else
		printf("\n");
	fflush(stdout);
}

/* Wait for the next second; true: q or Ctrl-C. */
static bool wait_quit(bool keys)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	double        until = now_s() + INTERVAL_MS / 1000.0;

	while (!interrupted) {
		int  left = (int)((until - now_s()) * 1000);
		char key = 0;

		if (left <= 0)
			return false;
		if (poll(&in, keys ? 1 : 0, left) > 0 &&
		    (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
			return true;
	}
	return true;
}

static int samples_show(struct client *client, unsigned long count, bool as_json, bool live)
{
	struct reading a, b;
	int            code = reading_take(client, &a);

	if (code != EXIT_DONE)
		return code;
	for (unsigned long i = 0; (count == 0 || i < count) && !wait_quit(live); i++) {
		json_t *sample;

		code = reading_take(client, &b);
		if (code != EXIT_DONE)
			break;
		sample = sample_make(&a, &b);
		if (as_json) {
			json_dumpf(sample, stdout, JSON_COMPACT);
			puts("");
			fflush(stdout);
		} else {
			sample_print(sample, live);
		}
		json_decref(sample);
		reading_clear(&a);
		a = b;
	}
	reading_clear(&a);
	return code;
}

int top_run(struct client *client, const json_t *args, bool as_json)
{
	const char      *text = json_string_value(json_object_get(args, "count"));
	unsigned long    count = 0;
	bool             live = !as_json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct sigaction action = {.sa_handler = on_signal};
	struct termios   before, raw;
	int              code;

	if (text != NULL) {
		char *end;

		count = strtoul(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\0' || count == 0) {
			fprintf(stderr, "cpmctl: --count: '%s' is not a number of 1 or more\n",
				text);
			return EXIT_USAGE;
		}
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	live = live && tcgetattr(STDIN_FILENO, &before) == 0;
	if (live) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	code = samples_show(client, count, as_json, live);
	if (live)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return code;
}
