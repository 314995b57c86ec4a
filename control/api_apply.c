/* `cpmctl apply`: the text of a file, whole, as one change. */
#include "api_call.h"

/* Objects of the set go over to the change. */
static void set_put(struct change *change, struct conf_set *set, const char *file)
{
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		struct conf_objects *objects = &set->kinds[kind];

		for (uint32_t i = 0; i < objects->n; i++)
			change_put_at(change, kind, objects->objects[i], file, objects->lines[i]);
		objects->n = 0;
	}
}

void api_apply(struct api_call *call)
{
	const char        *file = api_text(call, "file");
	struct conf_faults faults = {0, NULL};
	struct conf_set    set;
	struct change     *change;

	if (file == NULL)
		file = "request";
	if (conf_set_read(file, call->body, call->body_size, &set, &faults) < 0) {
		api_error(call, API_REFUSED, &faults, "refused: nothing was changed");
		return;
	}
	change = change_begin(call->control, call->who);
	set_put(change, &set, file);
	conf_set_free(&set);
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT && api_flag(call, "prune"); kind++)
		change_prune(change, kind);
	api_commit(call, change, api_flag(call, "dry-run"));
}
