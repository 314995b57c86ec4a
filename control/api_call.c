/* What the handlers share: errors, tables, arguments, questions to the dataplane, and the reply to
 * a change. */
#include "api_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static json_t *faults_json(struct conf_faults *faults)
{
	json_t *list = json_array();

	for (unsigned i = 0; faults != NULL && i < faults->n; i++)
		json_array_append_new(list, json_string(faults->lines[i]));
	if (faults != NULL)
		conf_faults_free(faults);
	return list;
}

void api_error(struct api_call *call, unsigned status, struct conf_faults *faults,
	       const char *format, ...)
{
	char    text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_decref(call->reply);
	call->status = status;
	call->reply = json_pack("{s:s, s:o}", "error", text, "faults", faults_json(faults));
}

const char *api_text(const struct api_call *call, const char *name)
{
	return json_string_value(json_object_get(call->args, name));
}

bool api_flag(const struct api_call *call, const char *name)
{
	const json_t *value = json_object_get(call->args, name);

	return json_is_true(value) ||
	       (json_is_string(value) && strcmp(json_string_value(value), "true") == 0);
}

bool api_limit(struct api_call *call, uint32_t *limit)
{
	const char   *text = api_text(call, "limit");
	char         *end;
	unsigned long value;

	*limit = API_ROWS_DEFAULT;
	if (text == NULL)
		return true;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 || value > API_ROWS_MAX) {
		api_error(call, API_BAD_REQUEST, NULL, "limit: '%.40s' is not a number of 1 to %u",
			  text, API_ROWS_MAX);
		return false;
	}
	*limit = (uint32_t)value;
	return true;
}

json_t *api_table(struct api_call *call, const char *const columns[], size_t n)
{
	json_t *names = json_array(), *rows = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_string(columns[i]));
	json_decref(call->reply);
	call->status = API_OK;
	call->reply = json_pack("{s:o, s:o}", "columns", names, "rows", rows);
	return rows;
}

size_t api_column(const json_t *table, const char *name)
{
	const json_t *columns = json_object_get(table, "columns");
	size_t        i = 0;

	while (i < json_array_size(columns) &&
	       strcmp(json_string_value(json_array_get(columns, i)), name) != 0)
		i++;
	return i;
}

void api_query(struct api_call *call, const char *name, json_t *args)
{
	char    error[256] = "";
	json_t *reply = NULL;
	int     err = control_query(call->control, name, args, &reply, error);

	json_decref(args);
	if (err == 0) {
		json_decref(call->reply);
		call->status = API_OK;
		call->reply = reply;
	} else if (err == -EINVAL) {
		api_error(call, API_REFUSED, NULL, "%s", error);
	} else if (err == -ENOTCONN) {
		api_error(call, API_UNAVAILABLE, NULL,
			  "the dataplane is down; start it (systemctl start cpm-dataplane) and ask "
			  "again");
	} else {
		api_error(call, API_UNAVAILABLE, NULL,
			  "the dataplane did not answer in time; ask again, and look at its log if "
			  "that stays so");
	}
}

static const char *outcome_text(enum change_outcome outcome)
{
	switch (outcome) {
	case CHANGE_IN_FORCE:
		return "in force";
	case CHANGE_NOT_IN_FORCE:
		return "not in force";
	case CHANGE_DRY:
		return "checked";
	case CHANGE_NOTHING:
		return "nothing differs";
	case CHANGE_REFUSED:
		break;
	}
	return "refused";
}

void api_commit(struct api_call *call, struct change *change, bool dry)
{
	struct change_result result = {0};

	change_commit(change, dry, &result);
	if (result.outcome == CHANGE_REFUSED) {
		api_error(call, API_REFUSED, &result.faults, "refused: nothing was changed");
		json_decref(result.differences);
		return;
	}
	conf_faults_free(&result.faults);
	json_decref(call->reply);
	call->status = result.outcome == CHANGE_NOT_IN_FORCE ? API_NOT_IN_FORCE : API_OK;
	call->reply = json_pack(
		"{s:s, s:I, s:i, s:i, s:i, s:I, s:I, s:o}", "outcome", outcome_text(result.outcome),
		"version", (json_int_t)result.version, "added", (int)result.added, "replaced",
		(int)result.replaced, "removed", (int)result.removed, "commit_us",
		(json_int_t)result.commit_us, "in_force_us", (json_int_t)result.publish_us,
		"differences", result.differences != NULL ? result.differences : json_array());
}
