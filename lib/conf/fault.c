/* Faults, gathered: how many are kept is bounded, so that a file of a million wrong lines stays
 * readable. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/node.h"

#define FAULTS_MAX 1000u

static void fault_add(struct conf_faults *f, const char *line)
{
	char **grown;

	if (f->n > FAULTS_MAX)
		return;
	if (f->n == FAULTS_MAX)
		line = "more faults follow that are not shown; mend these first";
	grown = reallocarray(f->lines, f->n + 1, sizeof(f->lines[0]));
	if (grown == NULL)
		return;
	f->lines = grown;
	f->lines[f->n] = strdup(line);
	if (f->lines[f->n] != NULL)
		f->n++;
}

static void fault_format(struct conf_faults *f, const char *file, unsigned line, const char *path,
			 const char *key, const char *format, va_list arguments)
{
	char text[1024], what[640], where[32] = "";

	vsnprintf(what, sizeof(what), format, arguments);
	if (line > 0)
		snprintf(where, sizeof(where), ":%u", line);
	snprintf(text, sizeof(text), "%s%s: %s%s%s%s%s", file, where, path,
		 path[0] != '\0' && key[0] != '\0' ? "." : "", key,
		 path[0] != '\0' || key[0] != '\0' ? ": " : "", what);
	fault_add(f, text);
}

void conf_fault(struct conf_faults *f, const char *file, unsigned line, const char *key,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fault_format(f, file, line, "", key, format, arguments);
	va_end(arguments);
}

void conf_reading_fault(struct conf_reading *r, unsigned line, const char *key, const char *format,
			...)
{
	va_list arguments;

	va_start(arguments, format);
	fault_format(r->faults, r->file, line, r->path, key, format, arguments);
	va_end(arguments);
}

void conf_faults_free(struct conf_faults *f)
{
	for (unsigned i = 0; i < f->n; i++)
		free(f->lines[i]);
	free(f->lines);
	*f = (struct conf_faults){0, NULL};
}
