/* Every operation of a change, done in the open transaction: what it replaces, what differs, what
 * is wrong with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change_work.h"
#include "roster.h"
#include "world_build.h"

/* How many more routes and rules lead to the object's targets. */
static int count_targets(struct change *ch, enum conf_kind kind, const void *object, int by)
{
	char     names[CONF_VIA_MAX][CONF_NAME_SIZE];
	unsigned n = object_targets(kind, object, names);

	for (unsigned i = 0; i < n; i++) {
		struct name *name = names_at(&ch->targets, names[i]);

		if (name == NULL)
			return -ENOMEM;
		name->n += by;
	}
	return 0;
}

/* Is it proved to SASL as well? */
static bool needs_scram(const struct change_op *op)
{
	return op->kind == CONF_SUBSCRIBER &&
	       ((const struct conf_subscriber *)op->object)->xmpp[0] != '\0';
}

/* A plain password that is the sealed one stays sealed as it was; another is sealed now, and so is
 * one that is to prove more than before. */
static int seal(struct change *ch, struct change_op *op, void *old)
{
	struct secrets     *secrets = ch->control->secrets;
	struct conf_secret *secret = object_secret(op->kind, op->object),
			   *before = old != NULL ? object_secret(op->kind, old) : NULL;
	char owner[DB_KEY_SIZE + 16];

	if (secret == NULL || secret->form == CONF_SECRET_NONE)
		return 0;
	if (secret->size == 0) {
		*secret = (struct conf_secret){.form = CONF_SECRET_NONE};
		return 0;
	}
	object_owner(op->kind, op->key, owner);
	if (secret->form == CONF_SECRET_PLAIN && before != NULL &&
	    secret_is(secrets, owner, before, secret))
		*secret = *before;
	if (secret->form == CONF_SECRET_SEALED && needs_scram(op) && !secret_has_scram(secret)) {
		int err = secret_open(secrets, owner, secret, secret);

		if (err < 0)
			return err;
	}
	return secret->form == CONF_SECRET_PLAIN
		       ? secret_seal(secrets, owner, secret, needs_scram(op))
		       : 0;
}

/* What the object as it was logged in as is free. */
static int release_login(struct change *ch, enum conf_kind kind, const void *old_object)
{
	struct object_login logins[OBJECT_LOGINS_MAX];
	unsigned            n = old_object != NULL ? object_logins(kind, old_object, logins) : 0;
	int                 err = 0;

	for (unsigned i = 0; i < n && err >= 0; i++)
		err = db_login_remove(ch->control->db, logins[i].space, logins[i].text);
	return err;
}

static int remove_op(struct change *ch, struct change_op *op, const struct db_object *old,
		     void *old_object)
{
	struct control *c = ch->control;
	int             err;

	if (old == NULL) {
		change_fault(ch, op, "", "there is none; `cpmctl %s list` shows those there are",
			     conf_kind_name(op->kind));
		return 0;
	}
	op->differs = true;
	ch->checksum -= old->digest;
	ch->result->removed++;
	change_difference(ch, op, old_object);
	ch->erases = ch->erases || op->kind == CONF_SUBSCRIBER;
	err = release_login(ch, op->kind, old_object);
	if (err < 0)
		return err;
	return db_remove(c->db, op->kind, op->key);
}

static int put_op(struct change *ch, struct change_op *op, const struct db_object *old,
		  void *old_object)
{
	struct control *c = ch->control;
	uint64_t        digest;
	int             err = seal(ch, op, old_object);

	if (err < 0)
		return err;
	if (!object_pack(op->kind, op->object, &ch->packed))
		return -ENOMEM;
	if (old != NULL && cur_left(&old->body) == ch->packed.size &&
	    memcmp(old->body.p, ch->packed.bytes, ch->packed.size) == 0)
		return 0;
	err = world_build_digest(c, op->kind, op->key, op->object, &digest);
	if (err < 0)
		return err;
	op->differs = true;
	ch->checksum += digest - (old != NULL ? old->digest : 0);
	if (old != NULL)
		ch->result->replaced++;
	else
		ch->result->added++;
	change_difference(ch, op, old_object);
	err = release_login(ch, op->kind, old_object);
	if (err < 0)
		return err;
	return db_put(c->db, op->kind, op->key, ch->packed.bytes, ch->packed.size, digest);
}

/* A rule without a position keeps the one it has. */
static void keep_position(struct change_op *op, const void *old_object)
{
	struct conf_rule *rule = op->object;

	if (op->kind == CONF_RULE && rule != NULL && old_object != NULL && rule->position == 0)
		rule->position = ((const struct conf_rule *)old_object)->position;
}

static int keep_user(struct change_op *op, const void *old_object)
{
	const struct conf_subscriber *old = old_object;

	if (op->kind != CONF_SUBSCRIBER || old->xmpp[0] == '\0')
		return 0;
	op->was_user = strdup(old->xmpp);
	return op->was_user != NULL ? 0 : -ENOMEM;
}

static int apply_one(struct change *ch, struct change_op *op)
{
	struct db_object old;
	void            *old_object = NULL;
	int              err = db_get(ch->control->db, op->kind, op->key, &old);

	if (err < 0 && err != -ENOENT)
		return err;
	op->existed = err == 0;
	if (op->existed) {
		old_object = object_read(op->kind, old.body);
		if (old_object == NULL)
			return -EBADMSG;
	}
	keep_position(op, old_object);
	if (op->object != NULL)
		err = put_op(ch, op, op->existed ? &old : NULL, old_object);
	else
		err = remove_op(ch, op, op->existed ? &old : NULL, old_object);
	if (err == 0 && op->differs && old_object != NULL)
		err = count_targets(ch, op->kind, old_object, -1);
	if (err == 0 && op->differs && op->object != NULL)
		err = count_targets(ch, op->kind, op->object, 1);
	if (err == 0 && op->differs && old_object != NULL)
		err = keep_user(op, old_object);
	ch->rules = ch->rules || (op->differs && op->kind == CONF_RULE);
	ch->peers = ch->peers || (op->differs && op->kind == CONF_PEER);
	conf_object_free(op->kind, old_object);
	return err;
}

static int apply_login(struct change *ch, struct change_op *op, const struct object_login *l)
{
	char holder[CONF_NAME_SIZE];
	int  err = db_login_put(ch->control->db, l->space, l->text, op->key, holder);

	if (err != -EEXIST)
		return err;
	change_fault(ch, op, l->key, "%s '%s' logs in as '%s' already; give one of them another %s",
		     conf_kind_name(op->kind), holder, l->text, l->key);
	return 0;
}

/* When all are as they will be, so that two may swap what they log in as. */
static int apply_logins(struct change *ch)
{
	int err = 0;

	for (size_t i = 0; i < ch->n && err >= 0; i++) {
		struct change_op   *op = &ch->ops[i];
		struct object_login logins[OBJECT_LOGINS_MAX];
		unsigned            n = 0;

		if (op->differs && op->object != NULL)
			n = object_logins(op->kind, op->object, logins);
		for (unsigned k = 0; k < n && err >= 0; k++)
			err = apply_login(ch, op, &logins[k]);
	}
	return err < 0 ? err : 0;
}

/* What a user made goes with its address: whoever has that next begins with nothing. */
static int erase_if_gone(struct change *ch, const struct change_op *op)
{
	char       holder[CONF_NAME_SIZE];
	struct db *db = ch->control->db;
	int        err = db_login_holder(db, DB_LOGIN_ADDRESS, op->was_user, holder);

	if (err < 0 && err != -ENOENT)
		return err;
	if (err == 0 && strcmp(holder, op->key) == 0)
		return 0;
	return roster_erase(ch->control, str_skip(str_of(op->was_user), sizeof("xmpp:") - 1));
}

/* When all log in as they will. */
static int erase_rosters(struct change *ch)
{
	int err = 0;

	for (size_t i = 0; i < ch->n && err == 0; i++) {
		if (ch->ops[i].was_user != NULL)
			err = erase_if_gone(ch, &ch->ops[i]);
	}
	return err;
}

int change_apply(struct change *ch)
{
	int err = 0;

	for (size_t i = 0; i < ch->n && err == 0; i++)
		err = apply_one(ch, &ch->ops[i]);
	if (err == 0)
		err = apply_logins(ch);
	if (err == 0)
		err = erase_rosters(ch);
	return err;
}
