/* A change: gathered, ordered, carried out as one transaction and one version. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/log.h"
#include "change_work.h"
#include "dp_link.h"
#include "notices.h"
#include "resolver.h"
#include "rules_build.h"
#include "world_build.h"

struct change *change_begin(struct control *c, const char *who)
{
	struct change *ch = calloc(1, sizeof(*ch));

	ASSERT(ch != NULL);
	ch->control = c;
	snprintf(ch->who, sizeof(ch->who), "%s", who);
	return ch;
}

static struct change_op *add_op(struct change *ch, enum conf_kind kind, void *object)
{
	struct change_op *grown;

	if (ch->n == ch->room) {
		grown = reallocarray(ch->ops, ch->room * 2 + 64, sizeof(*grown));
		if (grown == NULL) {
			conf_object_free(kind, object);
			ch->failed = true;
			return NULL;
		}
		ch->ops = grown;
		ch->room = ch->room * 2 + 64;
	}
	ch->ops[ch->n] =
		(struct change_op){.kind = kind, .sequence = (uint32_t)ch->n, .object = object};
	return &ch->ops[ch->n++];
}

void change_put(struct change *ch, enum conf_kind kind, void *object)
{
	change_put_at(ch, kind, object, NULL, 0);
}

void change_put_at(struct change *ch, enum conf_kind kind, void *object, const char *file,
		   unsigned line)
{
	struct change_op *op;
	char              key[DB_KEY_SIZE];

	if (object == NULL) {
		ch->failed = true;
		return;
	}
	op = add_op(ch, kind, object);
	if (op == NULL)
		return;
	object_key(kind, object, key);
	str_copy(op->key, sizeof(op->key), str_of(key));
	op->file = file;
	op->line = line;
}

void change_remove(struct change *ch, enum conf_kind kind, const char *id)
{
	struct change_op *op = add_op(ch, kind, NULL);
	char              key[DB_KEY_SIZE];

	if (op == NULL)
		return;
	object_key_of_id(kind, id, key);
	str_copy(op->key, sizeof(op->key), str_of(key));
}

void change_prune(struct change *ch, enum conf_kind kind)
{
	ch->prune[kind] = true;
}

void change_fault(struct change *ch, const struct change_op *op, const char *key,
		  const char *format, ...)
{
	char    text[512], place[DB_KEY_SIZE + 32], id[DB_KEY_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	object_id_of_key(op->kind, op->key, id);
	snprintf(place, sizeof(place), "%s '%s'", conf_kind_name(op->kind), id);
	if (op->file != NULL)
		conf_fault(&ch->result->faults, op->file, op->line, key, "%s: %s", place, text);
	else
		conf_fault(&ch->result->faults, place, 0, key, "%s", text);
}

void change_where_rule(void *user, const char *rule, const char **file, unsigned *line)
{
	struct change *ch = user;

	for (size_t i = 0; i < ch->n; i++) {
		if (ch->ops[i].kind != CONF_RULE || strcmp(ch->ops[i].key, rule) != 0)
			continue;
		*file = ch->ops[i].file;
		*line = ch->ops[i].line;
		return;
	}
}

static int op_order(const void *a, const void *b)
{
	const struct change_op *x = a, *y = b;
	int                     order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->key, y->key);
	return order != 0 ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* In the order of the database, the last of each object only. */
static void sort_ops(struct change *ch)
{
	size_t kept = 0;

	if (ch->n > 0)
		qsort(ch->ops, ch->n, sizeof(ch->ops[0]), op_order);
	for (size_t i = 0; i < ch->n; i++) {
		struct change_op *op = &ch->ops[i];

		if (i + 1 < ch->n && op[1].kind == op->kind && strcmp(op[1].key, op->key) == 0)
			conf_object_free(op->kind, op->object);
		else
			ch->ops[kept++] = *op;
	}
	ch->n = kept;
}

struct prune {
	struct change *change;
	enum conf_kind kind;
	size_t         at, end; /* the change's own operations, sorted; those appended lie behind */
};

static bool prune_one(void *user, const struct db_object *object)
{
	struct prune     *p = user;
	struct change    *ch = p->change;
	struct change_op *op;

	while (p->at < p->end &&
	       (ch->ops[p->at].kind < p->kind ||
		(ch->ops[p->at].kind == p->kind && strcmp(ch->ops[p->at].key, object->key) < 0)))
		p->at++;
	if (p->at < p->end && ch->ops[p->at].kind == p->kind &&
	    strcmp(ch->ops[p->at].key, object->key) == 0)
		return true;
	op = add_op(ch, p->kind, NULL);
	if (op != NULL)
		str_copy(op->key, sizeof(op->key), str_of(object->key));
	return op != NULL;
}

static int prune(struct change *ch)
{
	size_t end = ch->n;
	int    err = 0;

	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT && err == 0; kind++) {
		struct prune p = {.change = ch, .kind = kind, .end = end};

		if (ch->prune[kind])
			err = db_each(ch->control->db, kind, NULL, prune_one, &p);
	}
	if (ch->n > end)
		sort_ops(ch);
	return ch->failed ? -ENOMEM : err;
}

/* The rules as they will be: compiled now, so that every fault is known before anything changes. */
static int build_rules(struct change *ch)
{
	struct db_rules old;
	uint64_t        before = 0, after;
	int             err;

	if (!ch->rules || ch->result->faults.n > 0)
		return 0;
	if (db_rules_get(ch->control->db, &old) == 0)
		before = old.digest;
	err = rules_build(ch->control, &ch->result->faults, change_where_rule, ch, &after);
	ch->checksum += after - before;
	return err == -EINVAL && ch->result->faults.n > 0 ? 0 : err;
}

/* All in the open transaction; faults gathered. */
static int work(struct change *ch)
{
	int err = prune(ch);

	if (err == 0)
		err = change_apply(ch);
	if (err == 0)
		err = change_check_targets(ch);
	if (err == 0)
		err = build_rules(ch);
	return err;
}

static size_t differing(const struct change *ch)
{
	return (size_t)ch->result->added + ch->result->replaced + ch->result->removed;
}

static int put_delta(struct change *ch, struct world_delta *d)
{
	struct control *c = ch->control;
	struct db_rules rules;
	int             err = 0;

	world_delta_begin(d, c->version, c->version + 1);
	for (size_t i = 0; i < ch->n && err == 0; i++) {
		struct change_op *op = &ch->ops[i];
		char              id[DB_KEY_SIZE];

		if (!op->differs || op->kind == CONF_RULE)
			continue;
		object_id_of_key(op->kind, op->key, id);
		if (op->object != NULL)
			err = world_build_put(c, d, op->kind, op->key, op->object);
		else
			world_delta_remove(d, op->kind, id);
	}
	if (err == 0 && ch->rules && db_rules_get(c->db, &rules) == 0)
		world_delta_rules(d, rules.image.p, cur_left(&rules.image));
	if (err == 0 && !world_delta_end(d, ch->checksum))
		err = -ENOMEM;
	return err;
}

/* 0: the dataplane has it ready, or is not there to be asked (*prepared). -EINVAL: it refuses. */
static int prepare(struct change *ch, bool *prepared)
{
	struct control    *c = ch->control;
	struct world_delta d = {0};
	char               why[256] = "";
	int                err;

	*prepared = false;
	if (!dp_link_in_step(c->link))
		return 0;
	err = put_delta(ch, &d);
	if (err == 0) {
		err = dp_link_prepare(c->link, &d, why);
		*prepared = err == 0;
		if (err == -EINVAL)
			conf_fault(&ch->result->faults, "dataplane", 0, "",
				   "refuses the change: %s", why);
		else
			err = 0;
	}
	world_delta_free(&d);
	return err;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int commit_timed(struct db *db, uint64_t *us)
{
	uint64_t start = now_us();
	int      err = db_commit(db);

	*us = now_us() - start;
	return err;
}

static int record(struct change *ch)
{
	struct control       *c = ch->control;
	struct change_result *r = ch->result;
	char                 *differences = change_differences_print(r->differences);
	struct db_version     v = {.version = c->version + 1,
				   .at_ms = control_wall_ms(),
				   .checksum = ch->checksum,
				   .who = ch->who,
				   .added = r->added,
				   .replaced = r->replaced,
				   .removed = r->removed,
				   .rules = ch->rules,
				   .whole = ch->erases || differing(ch) > DB_DELTA_OBJECTS,
				   .differences = differences != NULL ? differences : "[]"};
	int                   err = 0;

	for (size_t i = 0; i < ch->n && err == 0 && !v.whole; i++)
		if (ch->ops[i].differs)
			err = db_change_add(c->db, v.version, ch->ops[i].kind, ch->ops[i].key,
					    ch->ops[i].existed);
	if (err == 0)
		err = db_version_add(c->db, &v);
	if (err == 0)
		err = commit_timed(c->db, &r->commit_us);
	free(differences);
	return err;
}

static void count(struct change *ch)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct change_op *op = &ch->ops[i];

		if (op->differs && op->object == NULL)
			ch->control->counts[op->kind]--;
		else if (op->differs && !op->existed)
			ch->control->counts[op->kind]++;
	}
}

/* Prepared, then committed, then published: whatever fails, the database is never behind the
 * dataplane. */
static int carry_out(struct change *ch)
{
	struct control       *c = ch->control;
	struct change_result *r = ch->result;
	bool                  prepared;
	int                   err = prepare(ch, &prepared);

	if (err < 0)
		return err;
	err = record(ch);
	if (err < 0) {
		if (prepared)
			dp_link_abandon(c->link);
		return err;
	}
	count(ch);
	err = control_reload(c);
	if (ch->peers && resolver_follow(c->resolver) < 0)
		log_error("dns.not_followed", "version=%llu; restart control, or change a peer",
			  (unsigned long long)c->version);
	if (err == 0)
		err = prepared ? dp_link_publish(c->link, &r->publish_us)
			       : dp_link_resync(c->link, &r->publish_us);
	r->outcome = err == 0 ? CHANGE_IN_FORCE : CHANGE_NOT_IN_FORCE;
	notices_send(c->notices);
	if (ch->erases)
		db_forget(c->db); /* what fails is logged, and tried again with the next */
	return 0;
}

static int commit(struct change *ch, bool dry)
{
	struct change_result *r = ch->result;
	int                   err = ch->failed ? -ENOMEM : db_begin(ch->control->db);

	if (err < 0)
		return err;
	err = work(ch);
	if (err == 0 && r->faults.n == 0) {
		if (differing(ch) == 0)
			r->outcome = CHANGE_NOTHING;
		else if (dry)
			r->outcome = CHANGE_DRY;
		else
			err = carry_out(ch);
	}
	db_rollback(ch->control->db); /* what was not committed */
	notices_undo(ch->control->notices);
	return err;
}

static void change_free(struct change *ch)
{
	for (size_t i = 0; i < ch->n; i++) {
		conf_object_free(ch->ops[i].kind, ch->ops[i].object);
		free(ch->ops[i].was_user);
	}
	names_free(&ch->targets);
	free(ch->packed.bytes);
	free(ch->ops);
	free(ch);
}

void change_commit(struct change *ch, bool dry, struct change_result *result)
{
	struct control *c = ch->control;
	int             err;

	*result = (struct change_result){.outcome = CHANGE_REFUSED, .differences = json_array()};
	ch->result = result;
	ch->checksum = c->checksum;
	sort_ops(ch);
	err = commit(ch, dry);
	if (err < 0 && result->faults.n == 0)
		conf_fault(&result->faults, "database", 0, "",
			   "the change cannot be kept: %s; nothing has changed", strerror(-err));
	result->version = c->version;
	if (result->outcome == CHANGE_IN_FORCE || result->outcome == CHANGE_NOT_IN_FORCE)
		log_info("change.committed",
			 "version=%llu who=\"%s\" added=%u replaced=%u removed=%u in_force=%d "
			 "publish_us=%llu",
			 (unsigned long long)result->version, ch->who, result->added,
			 result->replaced, result->removed, result->outcome == CHANGE_IN_FORCE,
			 (unsigned long long)result->publish_us);
	change_free(ch);
}
