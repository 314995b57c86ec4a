#include "parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool parse_wrong(struct parser *p, const char *format, ...)
{
	va_list list;

	if (p->failed)
		return false;
	p->failed = true;
	fprintf(p->errors, "%s:%u: ", p->script->path, p->line);
	va_start(list, format);
	vfprintf(p->errors, format, list);
	va_end(list);
	fputc('\n', p->errors);
	return false;
}

const char *parse_peek(const struct parser *p)
{
	return p->at < p->count ? p->words[p->at] : NULL;
}

bool parse_take(struct parser *p, const char *word)
{
	if (parse_peek(p) == NULL || strcmp(parse_peek(p), word) != 0)
		return false;
	p->at++;
	return true;
}

const char *parse_next(struct parser *p, const char *wanted)
{
	if (parse_peek(p) != NULL)
		return p->words[p->at++];
	parse_wrong(p, "the line ends where %s should stand", wanted);
	return "";
}

/* A term: N, mss, offer, N*mss, N*offer. */
static bool term(const char **at, int64_t sign, struct number *n)
{
	char   *end = NULL;
	int64_t value = 1;

	if (isdigit((unsigned char)**at)) {
		value = strtoll(*at, &end, 0);
		*at = end;
		if (**at != '*') {
			n->constant += sign * value;
			return true;
		}
		++*at;
	}
	if (strncmp(*at, "mss", 3) == 0) {
		n->mss += (int32_t)(sign * value);
		*at += 3;
		return true;
	}
	if (strncmp(*at, "offer", 5) == 0) {
		n->offer += (int32_t)(sign * value);
		*at += 5;
		return true;
	}
	return false;
}

/* Reads a sum; *end is where it stopped. */
bool parse_sum(const char *text, const char **end, struct number *n)
{
	int64_t sign = 1;

	*n = (struct number){0};
	if (*text == '-') {
		sign = -1;
		text++;
	}
	for (;;) {
		if (!term(&text, sign, n))
			return false;
		if (*text != '+' && *text != '-')
			break;
		sign = *text++ == '+' ? 1 : -1;
	}
	*end = text;
	return true;
}

struct number parse_number(struct parser *p, const char *wanted)
{
	const char   *text = parse_next(p, wanted), *end = NULL;
	struct number n = {0};

	if (!parse_sum(text, &end, &n) || *end != 0)
		parse_wrong(p, "\"%s\" is no %s; right is a sum like 1+2*mss", text, wanted);
	return n;
}

uint64_t parse_duration(struct parser *p, const char *text)
{
	char  *end = NULL;
	double value = strtod(text, &end);

	if (end == text || value < 0)
		value = -1;
	else if (strcmp(end, "us") == 0)
		return (uint64_t)(value + 0.5);
	else if (strcmp(end, "ms") == 0)
		return (uint64_t)(value * 1e3 + 0.5);
	else if (strcmp(end, "s") == 0)
		return (uint64_t)(value * 1e6 + 0.5);
	parse_wrong(p, "\"%s\" is no time; right is 20us, 1.5ms or 2s", text);
	return 0;
}
