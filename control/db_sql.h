/* Inside the database: its statements, prepared once each, and how they are run. */
#pragma once

#include <sqlite3.h>

#include "db.h"

#define DB_STATEMENTS(X)                                                                           \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(GET, "SELECT key, body, digest FROM objects WHERE kind = ? AND key = ?")                 \
	X(PUT, "INSERT OR REPLACE INTO objects(kind, key, body, digest) VALUES (?, ?, ?, ?)")      \
	X(REMOVE, "DELETE FROM objects WHERE kind = ? AND key = ?")                                \
	X(COUNT, "SELECT count(*) FROM objects WHERE kind = ?")                                    \
	X(LOGIN_PUT, "INSERT OR IGNORE INTO logins(protocol, identity, account) VALUES (?, ?, ?)") \
	X(LOGIN_GET, "SELECT account FROM logins WHERE protocol = ? AND identity = ?")             \
	X(LOGIN_REMOVE, "DELETE FROM logins WHERE protocol = ? AND identity = ?")                  \
	X(USES_ADD, "INSERT INTO uses(target, n) VALUES (?1, ?2) "                                 \
		    "ON CONFLICT(target) DO UPDATE SET n = n + ?2")                                \
	X(USES_END, "DELETE FROM uses WHERE target = ? AND n <= 0")                                \
	X(USES_GET, "SELECT n FROM uses WHERE target = ?")                                         \
	X(RULES_PUT, "INSERT OR REPLACE INTO rules_image(id, image, platform, digest) "            \
		     "VALUES (1, ?, ?, ?)")                                                        \
	X(RULES_GET, "SELECT image, platform, digest FROM rules_image WHERE id = 1")               \
	X(VERSION_ADD,                                                                             \
	  "INSERT INTO versions(version, at_ms, checksum, who, added, replaced, "                  \
	  "removed, rules, whole, differences) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")             \
	X(VERSION_NEWEST, "SELECT version, checksum FROM versions ORDER BY version DESC LIMIT 1")  \
	X(VERSION_FORGET, "DELETE FROM versions WHERE version <= ?")                               \
	X(VERSION_AT, "SELECT checksum FROM versions WHERE version = ?")                           \
	X(VERSION_WHOLE, "SELECT max(version) FROM versions WHERE whole")                          \
	X(RULES_CHANGED, "SELECT max(version) FROM versions WHERE rules")                          \
	X(CHANGE_ADD, "INSERT INTO changes(version, kind, key, existed) VALUES (?, ?, ?, ?)")      \
	X(CHANGE_FORGET, "DELETE FROM changes WHERE version <= ?")                                 \
	X(META_GET, "SELECT value FROM meta WHERE name = ?")                                       \
	X(META_PUT, "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)")

enum db_statement {
#define X(name, sql) DB_##name,
	DB_STATEMENTS(X)
#undef X
		DB_STATEMENT_COUNT
};

struct db {
	sqlite3      *sqlite;
	sqlite3_stmt *statements[DB_STATEMENT_COUNT];
};

/* -errno of what SQLite said last, after it was logged. */
int db_failed(struct db *db, const char *what);

/*
 * Bind and take the first step. binds, a letter for each parameter: i int64_t, t text, b bytes
 * (void *, size_t). 1: a row is there, until db_done(); 0: done; -errno.
 */
int  db_run(struct db *db, enum db_statement which, const char *binds, ...);
void db_done(struct db *db, enum db_statement which);

/* The same for a statement of the caller's. */
sqlite3_stmt *db_row(struct db *db, enum db_statement which);
struct cur    db_blob(sqlite3_stmt *row, int column);
