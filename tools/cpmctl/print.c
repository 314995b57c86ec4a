#include "print.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 32u
#define CELL_MAX 120u
#define OBJECTS_MAX 50u   /* of a change, in print; --json has more */
#define MOMENT "since_ms" /* the column of moments: milliseconds since 1970; shown as "since" */

/* A value as text: lists as "a, b", weights as "a:70, b:30", the rest as it is. The caller frees.
 */
static char *cell_text(const json_t *value)
{
	char       *text = NULL;
	size_t      size = 0, i;
	FILE       *f = open_memstream(&text, &size);
	const char *key;
	json_t     *item;
	bool        simple = true;

	if (f == NULL)
		return NULL;
	json_object_foreach((json_t *)value, key, item) simple = simple && json_is_integer(item);
	if (json_is_string(value)) {
		fputs(json_string_value(value), f);
	} else if (json_is_array(value)) {
		json_array_foreach((json_t *)value, i, item)
		{
			char *inner = cell_text(item);

			fprintf(f, "%s%s", i > 0 ? ", " : "", inner != NULL ? inner : "");
			free(inner);
		}
	} else if (json_is_object(value) && simple) {
		json_object_foreach((json_t *)value, key, item)
			fprintf(f, "%s%s:%lld", ftell(f) > 0 ? ", " : "", key,
				(long long)json_integer_value(item));
	} else if (!json_is_null(value)) {
		char *json = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

		fputs(json != NULL ? json : "", f);
		free(json);
	}
	fclose(f);
	return text;
}

/* "2026-03-01 12:00:00", by the clock on the wall. The caller frees. */
static char *moment_text(const json_t *value)
{
	time_t    at = (time_t)(json_integer_value(value) / 1000);
	struct tm tm;
	char      text[32];

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return cell_text(value);
	return strdup(text);
}

static bool is_moment(const json_t *column)
{
	return strcmp(json_string_value(column), MOMENT) == 0;
}

static const char *column_title(const json_t *column)
{
	return is_moment(column) ? "since" : json_string_value(column);
}

/* Characters, not bytes: what continues a character of UTF-8 is not counted. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void cell_print(FILE *out, const char *text, size_t wide, bool right, bool last)
{
	size_t pad = width(text) < wide ? wide - width(text) : 0;

	if (right)
		fprintf(out, "%*s%s", (int)pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)pad, "");
	fputs(last ? "\n" : "  ", out);
}

struct table {
	size_t columns, rows;
	char **cells; /* rows * columns */
	size_t wide[COLUMNS_MAX];
	bool   numbers[COLUMNS_MAX];
};

static void table_fill(struct table *t, const json_t *columns, const json_t *rows)
{
	for (size_t c = 0; c < t->columns; c++) {
		t->wide[c] = width(column_title(json_array_get(columns, c)));
		t->numbers[c] = t->rows > 0;
	}
	for (size_t r = 0; r < t->rows; r++)
		for (size_t c = 0; c < t->columns; c++) {
			const json_t *value = json_array_get(json_array_get(rows, r), c);
			bool          moment = is_moment(json_array_get(columns, c));
			char         *text = moment ? moment_text(value) : cell_text(value);
			size_t        wide = text != NULL ? width(text) : 0;

			t->cells[r * t->columns + c] = text;
			t->numbers[c] = t->numbers[c] && !moment &&
					(json_is_number(value) || json_is_null(value));
			if (wide > t->wide[c] && c + 1 < t->columns)
				t->wide[c] = wide < CELL_MAX ? wide : CELL_MAX;
			else if (wide > t->wide[c] && t->numbers[c])
				t->wide[c] = wide;
		}
}

void print_table(FILE *out, const json_t *reply)
{
	const json_t *columns = json_object_get(reply, "columns"),
		     *rows = json_object_get(reply, "rows"),
		     *total = json_object_get(reply, "total");
	struct table t = {.columns = json_array_size(columns), .rows = json_array_size(rows)};

	if (t.columns > COLUMNS_MAX)
		t.columns = COLUMNS_MAX;
	t.cells = calloc(t.rows * t.columns + 1, sizeof(t.cells[0]));
	if (t.cells == NULL)
		return;
	table_fill(&t, columns, rows);
	for (size_t c = 0; c < t.columns; c++)
		cell_print(out, column_title(json_array_get(columns, c)), t.wide[c], t.numbers[c],
			   c + 1 == t.columns);
	for (size_t r = 0; r < t.rows; r++)
		for (size_t c = 0; c < t.columns; c++) {
			char *text = t.cells[r * t.columns + c];

			cell_print(out, text != NULL ? text : "", t.wide[c], t.numbers[c],
				   c + 1 == t.columns);
			free(text);
		}
	if (json_is_integer(total) && (size_t)json_integer_value(total) > t.rows)
		fprintf(out, "(%zu of %lld; `from ID` and `limit COUNT` show others)\n", t.rows,
			(long long)json_integer_value(total));
	free(t.cells);
}

/* Each key that differs, but for a name that is the id: its value, or {"was": ..., "is": ...} as "1
 * -> 2". */
static void print_keys(FILE *out, const char *id, const json_t *keys)
{
	const char *key;
	json_t     *value;

	json_object_foreach((json_t *)keys, key, value)
	{
		const json_t *before = json_object_get(value, "was"),
			     *after = json_object_get(value, "is");
		char *from = before != NULL ? cell_text(before) : NULL;
		char *to = cell_text(after != NULL ? after : value);

		if (before != NULL && after != NULL)
			fprintf(out, "    %s: %s -> %s\n", key, from != NULL ? from : "",
				to != NULL ? to : "");
		else if (to == NULL || strcmp(to, id) != 0)
			fprintf(out, "    %s: %s\n", key, to != NULL ? to : "");
		free(from);
		free(to);
	}
}

static long long number(const json_t *reply, const char *name)
{
	return (long long)json_integer_value(json_object_get(reply, name));
}

/* Each object that differs, the first OBJECTS_MAX of them. */
static void print_differences(FILE *out, const json_t *differences, long long all)
{
	json_t *d;
	size_t  i;

	json_array_foreach((json_t *)differences, i, d)
	{
		const char *what = json_string_value(json_object_get(d, "what"));
		const char *kind = json_string_value(json_object_get(d, "kind"));
		const char *id = json_string_value(json_object_get(d, "id"));

		if (i == OBJECTS_MAX)
			break;
		fprintf(out, "%-7s %s %s\n", what != NULL ? what : "", kind != NULL ? kind : "",
			id != NULL ? id : "");
		print_keys(out, id != NULL ? id : "", json_object_get(d, "keys"));
	}
	if ((long long)i < all)
		fprintf(out, "... and %lld more\n", all - (long long)i);
}

void print_change(FILE *out, const json_t *reply)
{
	const char *outcome = json_string_value(json_object_get(reply, "outcome"));
	long long   version = number(reply, "version"), added = number(reply, "added");
	long long   replaced = number(reply, "replaced"), removed = number(reply, "removed");

	print_differences(out, json_object_get(reply, "differences"), added + replaced + removed);
	if (outcome == NULL || strcmp(outcome, "nothing differs") == 0) {
		fprintf(out, "nothing differs: version %lld stays\n", version);
		return;
	}
	if (strcmp(outcome, "checked") == 0) {
		fprintf(out,
			"checked: %lld would be added, %lld replaced, %lld removed; nothing was "
			"changed\n",
			added, replaced, removed);
		return;
	}
	fprintf(out, "version %lld: %lld added, %lld replaced, %lld removed; ", version, added,
		replaced, removed);
	if (strcmp(outcome, "in force") == 0)
		fprintf(out, "on disk after %lld us, then in force after %lld us\n",
			number(reply, "commit_us"), number(reply, "in_force_us"));
	else
		fprintf(out,
			"committed, NOT IN FORCE: the dataplane is down and takes it when it is "
			"back\n");
}

void print_error(FILE *out, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	json_t     *fault;
	size_t      i;

	json_array_foreach(json_object_get(reply, "faults"), i, fault)
		fprintf(out, "%s\n", json_string_value(fault));
	fprintf(out, "cpmctl: %s\n",
		error != NULL ? error : "control refused it and did not say why");
}
