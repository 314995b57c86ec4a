/* The live objects and what is derived from them: logins, targets in use, compiled rules. */
#include <errno.h>
#include <stdio.h>

#include "db_sql.h"

static void read_object(sqlite3_stmt *row, struct db_object *object)
{
	object->key = (const char *)sqlite3_column_text(row, 0);
	object->body = db_blob(row, 1);
	object->digest = (uint64_t)sqlite3_column_int64(row, 2);
}

int db_get(struct db *db, enum conf_kind kind, const char *key, struct db_object *object)
{
	int err;

	if (db->statements[DB_GET] != NULL)
		db_done(db, DB_GET);
	err = db_run(db, DB_GET, "it", (int64_t)kind, key);
	if (err <= 0)
		return err == 0 ? -ENOENT : err;
	read_object(db_row(db, DB_GET), object);
	return 0;
}

int db_put(struct db *db, enum conf_kind kind, const char *key, const void *body, size_t n,
	   uint64_t digest)
{
	return db_run(db, DB_PUT, "itbi", (int64_t)kind, key, body, n, (int64_t)digest);
}

int db_remove(struct db *db, enum conf_kind kind, const char *key)
{
	return db_run(db, DB_REMOVE, "it", (int64_t)kind, key);
}

int db_each(struct db *db, enum conf_kind kind, const char *from,
	    bool (*each)(void *user, const struct db_object *object), void *user)
{
	sqlite3_stmt    *s;
	struct db_object object;
	int              code;
	/* A statement of its own: whoever is called may look at objects, too. */
	code = sqlite3_prepare_v2(
		db->sqlite,
		"SELECT key, body, digest FROM objects WHERE kind = ? AND key >= ? ORDER BY key",
		-1, &s, NULL);
	if (code != SQLITE_OK)
		return db_failed(db, "each");
	sqlite3_bind_int(s, 1, (int)kind);
	sqlite3_bind_text(s, 2, from != NULL ? from : "", -1, SQLITE_STATIC);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		read_object(s, &object);
		if (!each(user, &object)) {
			code = SQLITE_DONE;
			break;
		}
	}
	sqlite3_finalize(s);
	return code == SQLITE_DONE ? 0 : db_failed(db, "each");
}

/* The first number of a row, 0 where there is none. */
static uint64_t number(struct db *db, enum db_statement which, int ran)
{
	uint64_t n = 0;

	if (ran == 1)
		n = (uint64_t)sqlite3_column_int64(db_row(db, which), 0);
	if (ran == 1)
		db_done(db, which);
	return n;
}

uint64_t db_count(struct db *db, enum conf_kind kind)
{
	return number(db, DB_COUNT, db_run(db, DB_COUNT, "i", (int64_t)kind));
}

int db_login_holder(struct db *db, int space, const char *identity, char holder[CONF_NAME_SIZE])
{
	int err = db_run(db, DB_LOGIN_GET, "it", (int64_t)space, identity);

	if (err <= 0)
		return err == 0 ? -ENOENT : err;
	snprintf(holder, CONF_NAME_SIZE, "%s",
		 (const char *)sqlite3_column_text(db_row(db, DB_LOGIN_GET), 0));
	db_done(db, DB_LOGIN_GET);
	return 0;
}

int db_login_put(struct db *db, int space, const char *identity, const char *who,
		 char holder[CONF_NAME_SIZE])
{
	int err = db_run(db, DB_LOGIN_PUT, "itt", (int64_t)space, identity, who);

	if (err < 0 || sqlite3_changes(db->sqlite) > 0)
		return err;
	if (db_login_holder(db, space, identity, holder) < 0)
		holder[0] = '\0';
	return -EEXIST;
}

int db_login_remove(struct db *db, int space, const char *identity)
{
	return db_run(db, DB_LOGIN_REMOVE, "it", (int64_t)space, identity);
}

int db_uses_add(struct db *db, const char *target, int64_t n)
{
	int err = db_run(db, DB_USES_ADD, "ti", target, n);

	return err < 0 || n >= 0 ? err : db_run(db, DB_USES_END, "t", target);
}

uint64_t db_uses(struct db *db, const char *target)
{
	return number(db, DB_USES_GET, db_run(db, DB_USES_GET, "t", target));
}

int db_rules_put(struct db *db, const struct db_rules *rules)
{
	return db_run(db, DB_RULES_PUT, "bbi", rules->image.p, cur_left(&rules->image),
		      rules->platform.p, cur_left(&rules->platform), (int64_t)rules->digest);
}

int db_rules_get(struct db *db, struct db_rules *rules)
{
	sqlite3_stmt *row;
	int           err;

	if (db->statements[DB_RULES_GET] != NULL)
		db_done(db, DB_RULES_GET);
	err = db_run(db, DB_RULES_GET, "");
	if (err <= 0)
		return err == 0 ? -ENOENT : err;
	row = db_row(db, DB_RULES_GET);
	rules->image = db_blob(row, 0);
	rules->platform = db_blob(row, 1);
	rules->digest = (uint64_t)sqlite3_column_int64(row, 2);
	return 0;
}
