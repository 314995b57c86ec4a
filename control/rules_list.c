#include "rules_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

static bool add_rule(void *user, const struct db_object *object)
{
	struct rules_list *l = user;
	struct conf_rule  *rule = object_read(CONF_RULE, object->body);

	if (l->n == l->room) {
		struct conf_rule **grown = reallocarray(l->rules, l->room * 2 + 64, sizeof(*grown));

		if (grown != NULL) {
			l->rules = grown;
			l->room = l->room * 2 + 64;
		}
	}
	if (rule == NULL || l->n == l->room) {
		conf_object_free(CONF_RULE, rule);
		l->failed = true;
		return false;
	}
	l->rules[l->n++] = rule;
	return true;
}

static int by_position(const void *a, const void *b)
{
	const struct conf_rule *x = *(struct conf_rule *const *)a,
			       *y = *(struct conf_rule *const *)b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return strcmp(x->name, y->name);
}

int rules_list_read(struct db *db, struct rules_list *list)
{
	int err;

	*list = (struct rules_list){NULL, 0, 0, false};
	err = db_each(db, CONF_RULE, NULL, add_rule, list);
	if (err == 0 && list->failed)
		err = -ENOMEM;
	if (list->n > 0)
		qsort(list->rules, list->n, sizeof(list->rules[0]), by_position);
	return err;
}

void rules_list_free(struct rules_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		conf_object_free(CONF_RULE, list->rules[i]);
	free(list->rules);
}
