/* The history of versions, and what changed in each, for deltas. */
#include <errno.h>

#include "db_sql.h"

int db_version_add(struct db *db, const struct db_version *v)
{
	int64_t version = (int64_t)v->version;
	int     err;

	err = db_run(db, DB_VERSION_ADD, "iiitiiiiit", version, (int64_t)v->at_ms,
		     (int64_t)v->checksum, v->who, (int64_t)v->added, (int64_t)v->replaced,
		     (int64_t)v->removed, (int64_t)v->rules, (int64_t)v->whole, v->differences);
	if (err == 0 && version > DB_VERSIONS_MAX)
		err = db_run(db, DB_VERSION_FORGET, "i", version - DB_VERSIONS_MAX);
	if (err == 0)
		err = db_run(db, DB_CHANGE_FORGET, "i",
			     v->whole ? version : version - DB_DELTAS_MAX);
	return err;
}

int db_version_newest(struct db *db, uint64_t *version, uint64_t *checksum)
{
	int err = db_run(db, DB_VERSION_NEWEST, "");

	if (err <= 0)
		return err == 0 ? -ENOENT : err;
	*version = (uint64_t)sqlite3_column_int64(db_row(db, DB_VERSION_NEWEST), 0);
	*checksum = (uint64_t)sqlite3_column_int64(db_row(db, DB_VERSION_NEWEST), 1);
	db_done(db, DB_VERSION_NEWEST);
	return 0;
}

/* The highest version of a query, 0 where there is none. */
static uint64_t highest(struct db *db, enum db_statement which)
{
	uint64_t version = 0;

	if (db_run(db, which, "") == 1) {
		version = (uint64_t)sqlite3_column_int64(db_row(db, which), 0);
		db_done(db, which);
	}
	return version;
}

bool db_version_reaches(struct db *db, uint64_t version, uint64_t checksum)
{
	uint64_t newest, newest_checksum, then = 0;
	bool     known;

	if (db_version_newest(db, &newest, &newest_checksum) < 0 || version > newest ||
	    newest - version >= DB_DELTAS_MAX)
		return false;
	known = db_run(db, DB_VERSION_AT, "i", (int64_t)version) == 1;
	if (known) {
		then = (uint64_t)sqlite3_column_int64(db_row(db, DB_VERSION_AT), 0);
		db_done(db, DB_VERSION_AT);
	}
	return known && then == checksum && highest(db, DB_VERSION_WHOLE) <= version;
}

bool db_rules_changed(struct db *db, uint64_t after)
{
	return highest(db, DB_RULES_CHANGED) > after;
}

int db_change_add(struct db *db, uint64_t version, enum conf_kind kind, const char *key,
		  bool existed)
{
	return db_run(db, DB_CHANGE_ADD, "iiti", (int64_t)version, (int64_t)kind, key,
		      (int64_t)existed);
}

int db_change_each(struct db *db, uint64_t after,
		   bool (*each)(void *user, enum conf_kind kind, const char *key, bool existed),
		   void *user)
{
	sqlite3_stmt *s;
	/* Of several changes of one object, its first says whether it existed (SQLite: a bare
	 * column beside min() is of that row). */
	int code = sqlite3_prepare_v2(db->sqlite,
				      "SELECT kind, key, existed, min(version) FROM changes WHERE "
				      "version > ? GROUP BY kind, key",
				      -1, &s, NULL);

	if (code != SQLITE_OK)
		return db_failed(db, "changes");
	sqlite3_bind_int64(s, 1, (int64_t)after);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		if (!each(user, (enum conf_kind)sqlite3_column_int(s, 0),
			  (const char *)sqlite3_column_text(s, 1), sqlite3_column_int(s, 2) != 0)) {
			code = SQLITE_DONE;
			break;
		}
	}
	sqlite3_finalize(s);
	return code == SQLITE_DONE ? 0 : db_failed(db, "changes");
}
