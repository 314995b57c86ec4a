#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level threshold =
	LOG_LEVEL_INFO; /* written at start, before there is a second thread */

void log_threshold(enum log_level least_urgent)
{
	threshold = least_urgent;
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char                     line[1024];
	va_list                  args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "%s: %s%s%s\n", names[level], event, line[0] != '\0' ? " " : "", line);
}
