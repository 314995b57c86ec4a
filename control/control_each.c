/* Reading the committed objects in their order: routes by destination, rules by position, others by
 * name. */
#include <errno.h>
#include <string.h>

#include "control.h"
#include "object.h"
#include "rules_list.h"

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

static int each_rule(struct control *c, const char                                      *from,
		     bool (*each)(void *user, const char *id, const void *object), void *user)
{
	struct rules_list l;
	int               err = rules_list_read(c->db, &l);
	size_t            i = 0;

	while (from != NULL && from[0] != '\0' && i < l.n && strcmp(l.rules[i]->name, from) != 0)
		i++;
	for (; err == 0 && i < l.n; i++)
		if (!each(user, l.rules[i]->name, l.rules[i]))
			break;
	rules_list_free(&l);
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
