#include "db_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/log.h"

#define SCHEMA 2

/* What brings a database from each version of it to the next. */
static const char *const schemas[SCHEMA] = {
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE objects(kind INTEGER, key TEXT, body BLOB, digest INTEGER, PRIMARY KEY(kind, "
	"key)) WITHOUT ROWID;"
	"CREATE TABLE logins(protocol INTEGER, identity TEXT, account TEXT, PRIMARY KEY(protocol, "
	"identity)) WITHOUT ROWID;"
	"CREATE TABLE uses(target TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;"
	"CREATE TABLE rules_image(id INTEGER PRIMARY KEY CHECK(id = 1), image BLOB, platform BLOB, "
	"digest INTEGER);"
	"CREATE TABLE versions(version INTEGER PRIMARY KEY, at_ms INTEGER, checksum INTEGER, who "
	"TEXT, added INTEGER, replaced INTEGER,"
	" removed INTEGER, rules INTEGER, whole INTEGER, differences TEXT);"
	"CREATE INDEX versions_whole ON versions(version) WHERE whole;"
	"CREATE INDEX versions_rules ON versions(version) WHERE rules;"
	"CREATE TABLE changes(version INTEGER, kind INTEGER, key TEXT, existed INTEGER, PRIMARY "
	"KEY(version, kind, key)) WITHOUT ROWID;"
	"INSERT INTO versions VALUES (1, 0, 0, 'cpm-control', 0, 0, 0, 0, 1, '[]');"
	"PRAGMA user_version = 1;",
	"CREATE TABLE roster(owner TEXT, contact TEXT, name TEXT, groups BLOB, state INTEGER, "
	"listed "
	"INTEGER, approved INTEGER, request BLOB, PRIMARY KEY(owner, contact)) WITHOUT ROWID;"
	"CREATE INDEX roster_contact ON roster(contact);"
	"CREATE TABLE roster_versions(owner TEXT PRIMARY KEY, version INTEGER) WITHOUT ROWID;"
	"CREATE TABLE blocked(owner TEXT, jid TEXT, PRIMARY KEY(owner, jid)) WITHOUT ROWID;"
	"CREATE INDEX blocked_jid ON blocked(jid);"
	"PRAGMA user_version = 2;",
};

static const char *const statements[DB_STATEMENT_COUNT] = {
#define X(name, sql) [DB_##name] = sql,
	DB_STATEMENTS(X)
#undef X
};

int db_failed(struct db *db, const char *what)
{
	int code = sqlite3_errcode(db->sqlite);

	log_error("db.failed", "what=%s why=\"%s\"", what, sqlite3_errmsg(db->sqlite));
	return code == SQLITE_FULL ? -ENOSPC : code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int bind_one(sqlite3_stmt *s, int at, char type, va_list *values)
{
	const void *bytes;
	struct str  text;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(s, at, va_arg(*values, int64_t));
	case 't':
		return sqlite3_bind_text(s, at, va_arg(*values, const char *), -1, SQLITE_STATIC);
	case 's':
		text = va_arg(*values, struct str);
		return sqlite3_bind_text64(s, at, text.n > 0 ? text.p : "", text.n, SQLITE_STATIC,
					   SQLITE_UTF8);
	case 'b':
		bytes = va_arg(*values, const void *);
		return sqlite3_bind_blob64(s, at, bytes != NULL ? bytes : "",
					   va_arg(*values, size_t), SQLITE_STATIC);
	}
	ASSERT(type == 'i');
	return SQLITE_ERROR;
}

static int failed_statement(struct db *db, enum db_statement which)
{
	int err = db_failed(db, statements[which]);

	db_done(db, which);
	return err;
}

int db_run(struct db *db, enum db_statement which, const char *binds, ...)
{
	sqlite3_stmt **s = &db->statements[which];
	int            code = SQLITE_OK;
	va_list        values;

	if (*s == NULL)
		code = sqlite3_prepare_v3(db->sqlite, statements[which], -1,
					  SQLITE_PREPARE_PERSISTENT, s, NULL);
	va_start(values, binds);
	for (int i = 0; binds[i] != '\0' && code == SQLITE_OK; i++)
		code = bind_one(*s, i + 1, binds[i], &values);
	va_end(values);
	return code == SQLITE_OK ? db_next(db, which) : failed_statement(db, which);
}

int db_next(struct db *db, enum db_statement which)
{
	int code = sqlite3_step(db->statements[which]);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		return failed_statement(db, which);
	db_done(db, which);
	return 0;
}

/* What was bound was lent: it is not kept bound. */
void db_done(struct db *db, enum db_statement which)
{
	sqlite3_reset(db->statements[which]);
	sqlite3_clear_bindings(db->statements[which]);
}

sqlite3_stmt *db_row(struct db *db, enum db_statement which)
{
	return db->statements[which];
}

struct cur db_blob(sqlite3_stmt *row, int column)
{
	const void *bytes = sqlite3_column_blob(row, column);

	return cur_of(bytes != NULL ? bytes : "",
		      bytes != NULL ? (size_t)sqlite3_column_bytes(row, column) : 0);
}

static int user_version(struct db *db)
{
	sqlite3_stmt *s;
	int           version = -1;

	if (sqlite3_prepare_v2(db->sqlite, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return version;
}

static int execute(struct db *db, const char *sql)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
									    : db_failed(db, "open");
}

static int prepare_file(struct db *db, const char *path, char error[256])
{
	int version;

	/* FULL: a commit is on the disk when the command returns. EXCLUSIVE: nobody else changes
	 * what this process knows. */
	if (execute(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
			"PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;"
			"PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON;") < 0)
		goto fail;
	version = user_version(db);
	for (; version >= 0 && version < SCHEMA; version++) {
		if (execute(db, "BEGIN IMMEDIATE") < 0 || execute(db, schemas[version]) < 0 ||
		    execute(db, "COMMIT") < 0)
			goto fail;
	}
	if (version == SCHEMA)
		return 0;
	snprintf(error, 256,
		 "%s has schema %d and this program knows %d; install the newer program again",
		 path, version, SCHEMA);
	return -EINVAL;
fail:
	snprintf(error, 256, "%s: %s", path,
		 sqlite3_errcode(db->sqlite) == SQLITE_BUSY ? "another cpm-control uses it"
							    : sqlite3_errmsg(db->sqlite));
	return -EIO;
}

struct db *db_open(const char *path, char error[256])
{
	struct db *db = calloc(1, sizeof(*db));
	mode_t     mask = umask(0077);
	int        err = db != NULL ? 0 : -ENOMEM;

	if (err == 0 &&
	    sqlite3_open_v2(path, &db->sqlite,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		snprintf(error, 256, "%s cannot be opened: %s", path, sqlite3_errmsg(db->sqlite));
		err = -EIO;
	}
	if (err == 0)
		err = prepare_file(db, path, error);
	umask(mask);
	if (err == 0)
		return db;
	if (db == NULL)
		snprintf(error, 256, "no memory for the database");
	db_close(db);
	return NULL;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (int i = 0; i < DB_STATEMENT_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	free(db);
}

void db_release(struct db *db)
{
	if (db->statements[DB_GET] != NULL)
		db_done(db, DB_GET);
	if (db->statements[DB_RULES_GET] != NULL)
		db_done(db, DB_RULES_GET);
}

int db_begin(struct db *db)
{
	db_release(db);
	return db_run(db, DB_BEGIN, "");
}

int db_commit(struct db *db)
{
	db_release(db);
	return db_run(db, DB_COMMIT, "");
}

void db_rollback(struct db *db)
{
	db_release(db);
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		db_run(db, DB_ROLLBACK, "");
}

int db_mark(struct db *db)
{
	return db_run(db, DB_MARK, "");
}

int db_mark_end(struct db *db, bool keep)
{
	int err = keep ? 0 : db_run(db, DB_MARK_UNDO, "");

	return err < 0 ? err : db_run(db, DB_MARK_KEEP, "");
}

/* Pages are zeroed as they are freed (secure_delete); the write-ahead log keeps older ones until it
 * is written over. */
int db_forget(struct db *db)
{
	return sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					 NULL) == SQLITE_OK
		       ? 0
		       : db_failed(db, "forget");
}

int db_meta_get(struct db *db, const char *name, void *value, size_t room, size_t *n)
{
	int        err = db_run(db, DB_META_GET, "t", name);
	struct cur blob;

	if (err <= 0)
		return err == 0 ? -ENOENT : err;
	blob = db_blob(db_row(db, DB_META_GET), 0);
	*n = cur_left(&blob);
	err = *n <= room ? 0 : -EIO;
	if (err == 0 && *n > 0)
		memcpy(value, blob.p, *n);
	db_done(db, DB_META_GET);
	return err;
}

int db_meta_put(struct db *db, const char *name, const void *value, size_t n)
{
	return db_run(db, DB_META_PUT, "tb", name, value, n);
}
