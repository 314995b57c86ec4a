/* Reading the committed objects in their order: routes by destination, rules by position, others by
 * name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "object.h"

struct walk {
	enum conf_kind kind;
	void          *object; /* unpacked into again and again */
	bool (*each)(void *user, const char *id, const void *object);
	void *user;
	int   err;
};

static bool walk_one(void *user, const struct db_object *o)
{
	struct walk *w = user;
	struct cur   body = o->body;
	char         id[DB_KEY_SIZE];

	if (!conf_object_unpack(w->kind, &body, w->object)) {
		w->err = -EBADMSG;
		return false;
	}
	object_id_of_key(w->kind, o->key, id);
	return w->each(w->user, id, w->object);
}

struct rules {
	struct conf_rule **items;
	size_t             n, room;
	bool               failed;
};

static bool add_rule(void *user, const struct db_object *o)
{
	struct rules *r = user;

	if (r->n < r->room)
		r->items[r->n] = object_read(CONF_RULE, o->body);
	r->failed = r->n >= r->room || r->items[r->n] == NULL;
	r->n += !r->failed;
	return !r->failed;
}

static int by_position(const void *a, const void *b)
{
	const struct conf_rule *x = *(struct conf_rule *const *)a,
			       *y = *(struct conf_rule *const *)b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* There are thousands of them at most: sorted here. */
static int each_rule(struct control *c, const char                                      *from,
		     bool (*each)(void *user, const char *id, const void *object), void *user)
{
	size_t       room = c->counts[CONF_RULE] + 1;
	struct rules r = {.items = calloc(room, sizeof(*r.items)), .room = room};
	int    err = r.items != NULL ? db_each(c->db, CONF_RULE, NULL, add_rule, &r) : -ENOMEM;
	size_t i = 0;

	if (err == 0 && r.failed)
		err = -ENOMEM;
	if (r.n > 0)
		qsort(r.items, r.n, sizeof(r.items[0]), by_position);
	while (from != NULL && from[0] != '\0' && i < r.n && strcmp(r.items[i]->name, from) != 0)
		i++;
	for (; err == 0 && i < r.n; i++)
		if (!each(user, r.items[i]->name, r.items[i]))
			break;
	for (i = 0; i < r.n; i++)
		conf_object_free(CONF_RULE, r.items[i]);
	free(r.items);
	return err;
}

int control_object_each(struct control *c, enum conf_kind kind, const char *from,
			bool (*each)(void *user, const char *id, const void *object), void *user)
{
	struct walk w = {.kind = kind, .each = each, .user = user};
	char        key[DB_KEY_SIZE] = "";
	int         err;

	if (kind == CONF_RULE)
		return each_rule(c, from, each, user);
	if (from != NULL)
		object_key_of_id(kind, from, key);
	w.object = conf_object_new(kind);
	err = w.object != NULL ? db_each(c->db, kind, key, walk_one, &w) : -ENOMEM;
	conf_object_free(kind, w.object);
	return w.err < 0 ? w.err : err;
}
