/* What objects are to each other after a change: every target exists, and every name is one thing
 * only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change_work.h"

static bool party_exists(struct change *ch, const char *name)
{
	struct db_object object;

	return db_get(ch->control->db, CONF_PEER, name, &object) == 0 ||
	       db_get(ch->control->db, CONF_ACCOUNT, name, &object) == 0;
}

/* n of an entry counts uses until here; from now on checked says that the party was looked for, and
 * n what was found. */
static int check_op_targets(struct change *ch, const struct change_op *op, struct names *known)
{
	char     names[CONF_VIA_MAX][CONF_NAME_SIZE];
	unsigned n = op->object != NULL ? object_targets(op->kind, op->object, names) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct name *name = names_at(known, names[i]);

		if (name == NULL)
			return -ENOMEM;
		if (!name->checked)
			name->n = party_exists(ch, names[i]);
		name->checked = true;
		if (name->n == 0)
			change_fault(ch, op, op->kind == CONF_RULE ? "then.route" : "via",
				     "there is no peer or account '%s'; add it first, or in the "
				     "same change",
				     names[i]);
	}
	return 0;
}

struct search {
	const char    *target;
	enum conf_kind kind;
	char           found[DB_KEY_SIZE];
};

static bool leads_there(void *user, const struct db_object *object)
{
	struct search *s = user;
	char           names[CONF_VIA_MAX][CONF_NAME_SIZE];
	void          *o = object_read(s->kind, object->body);
	unsigned       n = o != NULL ? object_targets(s->kind, o, names) : 0;

	conf_object_free(s->kind, o);
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i], s->target) != 0)
			continue;
		object_id_of_key(s->kind, object->key, s->found);
		return false;
	}
	return true;
}

/* Looks through all routes, as only somebody's mistake leads here. */
static int fault_in_use(struct change *ch, const struct change_op *op, uint64_t uses)
{
	struct search s = {.target = op->key, .kind = CONF_ROUTE};
	int           err = db_each(ch->control->db, CONF_ROUTE, NULL, leads_there, &s);

	if (err == 0 && s.found[0] == '\0') {
		s.kind = CONF_RULE;
		err = db_each(ch->control->db, CONF_RULE, NULL, leads_there, &s);
	}
	if (err < 0)
		return err;
	change_fault(ch, op, "",
		     "%s '%s' leads to it (%llu in all); remove or change those first, or in the "
		     "same change",
		     conf_kind_name(s.kind), s.found, (unsigned long long)uses);
	return 0;
}

static int check_removed(struct change *ch, const struct change_op *op)
{
	uint64_t uses;

	if (op->kind > CONF_PEER || op->object != NULL || !op->differs)
		return 0;
	uses = db_uses(ch->control->db, op->key);
	return uses > 0 && !party_exists(ch, op->key) ? fault_in_use(ch, op, uses) : 0;
}

static void check_name(struct change *ch, const struct change_op *op)
{
	struct db_object object;
	enum conf_kind   other = op->kind == CONF_PEER ? CONF_ACCOUNT : CONF_PEER;

	if (op->kind > CONF_PEER || op->object == NULL || !op->differs ||
	    db_get(ch->control->db, other, op->key, &object) < 0)
		return;
	change_fault(
		ch, op, "name",
		"is the name of %s as well; routes name both, so give one of them another name",
		other == CONF_PEER ? "a peer" : "an account");
}

static int write_uses(struct change *ch)
{
	int err = 0;

	for (size_t i = 0; i < ch->targets.room && err == 0; i++)
		if (ch->targets.places[i].text[0] != '\0' && ch->targets.places[i].n != 0)
			err = db_uses_add(ch->control->db, ch->targets.places[i].text,
					  ch->targets.places[i].n);
	return err;
}

int change_check_targets(struct change *ch)
{
	struct names known = {0};
	int          err = write_uses(ch);

	for (size_t i = 0; i < ch->n && err == 0; i++) {
		check_name(ch, &ch->ops[i]);
		if (ch->ops[i].differs)
			err = check_op_targets(ch, &ch->ops[i], &known);
		if (err == 0)
			err = check_removed(ch, &ch->ops[i]);
	}
	names_free(&known);
	return err;
}
