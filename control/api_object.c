/* list, show, add, set and remove: the same for every kind of live object. */
#include "api_call.h"

#include <errno.h>

#include "base/assert.h"
#include "conf/key.h"

struct listing {
	json_t            *rows;
	const char *const *columns;
	size_t             column_count;
	enum conf_kind     kind;
	uint32_t           left;
};

static bool list_row(void *user, const char *id, const void *object)
{
	struct listing *l = user;
	json_t         *row = json_array();

	(void)id;
	for (size_t i = 0; i < l->column_count; i++) {
		const struct conf_key *key =
			conf_key_find(conf_kind_section(l->kind), str_of(l->columns[i]));

		ASSERT(key != NULL);
		json_array_append_new(row,
				      conf_key_applies(key, object)
					      ? key->type->print(key, conf_field_read(key, object))
					      : json_string(""));
	}
	json_array_append_new(l->rows, row);
	return --l->left > 0;
}

void api_object_list(struct api_call *call, enum conf_kind kind, const char *const columns[],
		     size_t n)
{
	struct listing l = {.columns = columns, .column_count = n, .kind = kind};
	const char    *from = api_text(call, "from");

	if (!api_limit(call, &l.left))
		return;
	l.rows = api_table(call, columns, n);
	control_object_each(call->control, kind, from != NULL ? from : "", list_row, &l);
	json_object_set_new(call->reply, "total",
			    json_integer((json_int_t)control_object_count(call->control, kind)));
}

/* The committed object of that id, owned by the caller; NULL: an error was replied. */
static void *object_get(struct api_call *call, enum conf_kind kind, const char *id)
{
	void *object = conf_object_new(kind);
	int   err = object != NULL ? control_object_get(call->control, kind, id, object) : -ENOMEM;

	if (err == 0)
		return object;
	conf_object_free(kind, object);
	if (err == -ENOENT)
		api_error(call, API_NOT_FOUND, NULL,
			  "there is no %s '%.100s'; `cpmctl %s list` shows those that are",
			  conf_kind_name(kind), id, conf_kind_name(kind));
	else
		api_error(call, API_UNAVAILABLE, NULL, "%s '%.100s' cannot be read: %s",
			  conf_kind_name(kind), id, strerror(-err));
	return NULL;
}

void api_object_show(struct api_call *call, enum conf_kind kind, const char *id)
{
	static const char *const columns[] = {"key", "value", "help"};
	void                    *object = object_get(call, kind, id);
	unsigned                 n;
	const struct conf_key   *keys = conf_keys(conf_kind_section(kind), &n);
	json_t                  *rows;

	if (object == NULL)
		return;
	rows = api_table(call, columns, 3);
	for (unsigned i = 0; i < n; i++)
		if (conf_key_applies(&keys[i], object))
			json_array_append_new(
				rows,
				json_pack("[s, o, s]", keys[i].name,
					  keys[i].type->print(&keys[i],
							      conf_field_read(&keys[i], object)),
					  keys[i].help));
	conf_object_free(kind, object);
}

/* Keys from the request into the object, which is checked whole and put. Takes the object. */
static void object_put(struct api_call *call, enum conf_kind kind, void *object)
{
	struct conf_faults faults = {0, NULL};
	struct change     *change;

	if (conf_object_from_json(kind, object, call->args, "request", &faults) < 0 ||
	    !conf_object_complete(kind, object, "request", &faults)) {
		api_error(call, API_REFUSED, &faults, "refused: nothing was changed");
		conf_object_free(kind, object);
		return;
	}
	change = change_begin(call->control, call->who);
	change_put(change, kind, object);
	api_commit(call, change, false);
}

void api_object_add(struct api_call *call, enum conf_kind kind, const char *id)
{
	void *object = conf_object_new(kind);

	if (object == NULL) {
		api_error(call, API_UNAVAILABLE, NULL, "no memory");
	} else if (control_object_get(call->control, kind, id, object) == 0) {
		conf_object_free(kind, object);
		api_error(call, API_REFUSED, NULL,
			  "there is a %s '%.100s' already; `cpmctl %s set` changes it",
			  conf_kind_name(kind), id, conf_kind_name(kind));
	} else {
		object_put(call, kind, object);
	}
}

void api_object_set(struct api_call *call, enum conf_kind kind, const char *id)
{
	void *object = object_get(call, kind, id);

	if (object != NULL)
		object_put(call, kind, object);
}

void api_object_remove(struct api_call *call, enum conf_kind kind, const char *id)
{
	void          *object = object_get(call, kind, id);
	struct change *change;

	if (object == NULL)
		return;
	conf_object_free(kind, object);
	change = change_begin(call->control, call->who);
	change_remove(change, kind, id);
	api_commit(call, change, false);
}
