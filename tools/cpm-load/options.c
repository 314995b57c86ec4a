#include "options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_type { FLAG, TEXT, NUMBER, RATE, DURATION, DURATION_OR_NOT, ENDPOINT, LIST };

struct option {
	const char      *name, *commands;
	enum option_type type;
	size_t           offset;
	const char      *argument, *help;
};

static const struct option table[] = {
#define OPTION(name, commands, type, field, argument, help)                                        \
	{name, commands, type, offsetof(struct options, field), argument, help},
#include "options.def"
#undef OPTION
};

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

bool option_number(const char *text, uint64_t *n)
{
	char    *end;
	uint64_t unit = 1;

	errno = 0;
	*n = strtoull(text, &end, 10);
	if (*end == 'k' || *end == 'K')
		unit = 1000, end++;
	else if (*end == 'M')
		unit = 1000000, end++;
	if (end == text || *text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    *n > UINT64_MAX / unit)
		return false;
	*n *= unit;
	return true;
}

bool option_duration(const char *text, uint64_t *us)
{
	static const struct {
		const char *name;
		double      us;
	} units[] = {{"", 1e6}, {"s", 1e6}, {"ms", 1e3}, {"us", 1}, {"m", 60e6}, {"h", 3600e6}};
	char  *end;
	double v = strtod(text, &end);

	if (end == text || *text < '0' || *text > '9' || v > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0) {
			*us = (uint64_t)llround(v * units[i].us);
			return true;
		}
	}
	return false;
}

static bool option_rate(const char *text, uint64_t *n)
{
	char   number[32];
	size_t size = strlen(text);

	if (size > 2 && strcmp(text + size - 2, "/s") == 0)
		size -= 2;
	if (size >= sizeof(number))
		return false;
	memcpy(number, text, size);
	number[size] = '\0';
	return option_number(number, n) && *n <= 100000000;
}

/* HOST:PORT, [IPV6]:PORT. */
static bool option_endpoint(const char *text, struct option_endpoint *e)
{
	const char *colon = strrchr(text, ':'), *host = text;
	size_t      n = colon != NULL ? (size_t)(colon - text) : 0;
	uint64_t    port;

	if (colon == NULL || !option_number(colon + 1, &port) || port > 65535)
		return false;
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']')
		host++, n -= 2;
	if (n == 0 || n >= sizeof(e->host))
		return false;
	memcpy(e->host, host, n);
	e->host[n] = '\0';
	snprintf(e->port, sizeof(e->port), "%u", (unsigned)port);
	return true;
}

static const char *const expected[] = {
	[NUMBER] = "a number such as 1000, 50k or 1M",
	[RATE] = "a number a second such as 1000, 50k/s or 0 for no limit",
	[DURATION] = "a time such as 90, 90s, 5m or 500ms",
	[ENDPOINT] = "HOST:PORT, an IPv6 address in brackets"};

static bool store(const struct option *option, const char *value, struct options *o)
{
	void *field = (char *)o + option->offset;

	switch (option->type) {
	case FLAG:
		*(bool *)field = true;
		return true;
	case TEXT:
		*(const char **)field = value;
		return true;
	case NUMBER:
		return option_number(value, field);
	case RATE:
		return option_rate(value, field);
	case DURATION:
		return option_duration(value, field);
	case DURATION_OR_NOT:
		((struct option_delay *)field)->given = true;
		return value == NULL || option_duration(value, &((struct option_delay *)field)->us);
	case ENDPOINT:
		return option_endpoint(value, field);
	case LIST:
		if (((struct option_list *)field)->count == OPTION_LIST_MAX)
			return false;
		((struct option_list *)field)->item[((struct option_list *)field)->count++] = value;
		return true;
	}
	return false;
}

static const struct option *find(char command, const char *name)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		if (strchr(table[i].commands, command) != NULL && strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

/* The option with the most letters in common at its start. */
static const char *nearest(char command, const char *name)
{
	const char *best = "help";
	size_t      best_n = 0;

	for (size_t i = 0; i < TABLE_SIZE; i++) {
		size_t n = 0;

		if (strchr(table[i].commands, command) == NULL)
			continue;
		while (name[n] != '\0' && name[n] == table[i].name[n])
			n++;
		if (n > best_n) {
			best = table[i].name;
			best_n = n;
		}
	}
	return best;
}

/* One option and its values; how many words it took, 0: wrong. */
static int parse_one(char command, char **argv, int left, struct options *o)
{
	const char          *word = argv[0], *value = left > 1 ? argv[1] : NULL;
	const struct option *option = strncmp(word, "--", 2) == 0 ? find(command, word + 2) : NULL;
	int                  used = 1;

	if (option == NULL) {
		fprintf(stderr,
			"cpm-load: %s is not an option of this command; did you mean --%s? --help "
			"lists them\n",
			word, nearest(command, strncmp(word, "--", 2) == 0 ? word + 2 : word));
		return 0;
	}
	if (option->type == FLAG)
		return store(option, NULL, o) ? 1 : 0;
	if (option->type == DURATION_OR_NOT && (value == NULL || value[0] < '0' || value[0] > '9'))
		return store(option, NULL, o) ? 1 : 0;
	if (value == NULL || (option->type != TEXT && strncmp(value, "--", 2) == 0)) {
		fprintf(stderr, "cpm-load: %s needs a value: %s %s\n", word, word,
			option->argument);
		return 0;
	}
	do {
		if (!store(option, argv[used], o)) {
			fprintf(stderr, "cpm-load: %s %s: expected %s\n", word, argv[used],
				expected[option->type == DURATION_OR_NOT ? DURATION
									 : option->type]);
			return 0;
		}
		used++;
	} while (option->type == LIST && used < left && strncmp(argv[used], "--", 2) != 0);
	return used;
}

bool options_parse(char command, int argc, char **argv, struct options *o)
{
	*o = (struct options){.sessions = 1,
			      .window = 100,
			      .bind = "trx",
			      .to = command == 'c' ? NULL : "+4670#######",
			      .from = "+46700000000",
			      .coding = "gsm7",
			      .id = "decimal",
			      .mo_rate = 1,
			      .response_us = 30000000,
			      .seed = 1,
			      .run = (uint64_t)getpid() & 0xffff};
	for (int i = 0; i < argc;) {
		int used = parse_one(command, argv + i, argc - i, o);

		if (used == 0)
			return false;
		i += used;
	}
	o->markers |= o->record != NULL;
	return true;
}

void options_help(char command)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		char left[64];

		if (strchr(table[i].commands, command) == NULL)
			continue;
		snprintf(left, sizeof(left), "--%s %s", table[i].name, table[i].argument);
		if (strlen(left) > 28)
			printf("  %s\n%32s%s\n", left, "", table[i].help);
		else
			printf("  %-28s  %s\n", left, table[i].help);
	}
}
