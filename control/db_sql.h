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
	X(ROSTER_GET, "SELECT name, groups, state, listed, approved, request FROM roster "         \
		      "WHERE owner = ? AND contact = ?")                                           \
	X(ROSTER_PUT,                                                                              \
	  "INSERT OR REPLACE INTO roster(owner, contact, name, groups, state, listed, approved, "  \
	  "request) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")                                              \
	X(ROSTER_REMOVE, "DELETE FROM roster WHERE owner = ? AND contact = ?")                     \
	X(ROSTER_EACH,                                                                             \
	  "SELECT name, groups, state, listed, approved, request, contact, "                       \
	  "EXISTS(SELECT 1 FROM logins WHERE protocol = -1 AND identity = 'xmpp:' || contact), "   \
	  "EXISTS(SELECT 1 FROM blocked WHERE blocked.owner = roster.owner AND jid IN (contact, "  \
	  "substr(contact, instr(contact, '@') + 1))) "                                            \
	  "FROM roster WHERE owner = ? ORDER BY contact")                                          \
	X(ROSTER_SIZE,                                                                             \
	  "SELECT count(*) FILTER (WHERE listed), count(*) FILTER (WHERE state IN (2, 3, 5)), "    \
	  "sum(length(CAST(contact AS BLOB)) + length(CAST(name AS BLOB)) + "                      \
	  "length(groups) + length(request) + 16) FROM roster WHERE owner = ?")                    \
	X(ROSTER_VERSION, "SELECT version FROM roster_versions WHERE owner = ?")                   \
	X(ROSTER_TOUCH, "INSERT OR REPLACE INTO roster_versions(owner, version) VALUES (?, ?)")    \
	X(ROSTER_TOUCH_ALL,                                                                        \
	  "UPDATE roster_versions SET version = max(version + 1, ?2) WHERE owner IN (SELECT "      \
	  "owner FROM roster WHERE contact = ?1)")                                                 \
	X(ROSTER_IS_USER, "SELECT 1 FROM logins WHERE protocol = -1 AND identity = 'xmpp:' || ?")  \
	X(ROSTER_LISTING, "SELECT owner FROM roster WHERE contact = ? AND listed")                 \
	X(ROSTER_ERASE, "DELETE FROM roster WHERE owner = ?")                                      \
	X(ROSTER_ERASE_CONTACT, "DELETE FROM roster WHERE contact = ?")                            \
	X(ROSTER_ERASE_VERSION, "DELETE FROM roster_versions WHERE owner = ?")                     \
	X(BLOCK_EACH, "SELECT jid FROM blocked WHERE owner = ? ORDER BY jid")                      \
	X(BLOCK_ADD, "INSERT OR IGNORE INTO blocked(owner, jid) VALUES (?, ?)")                    \
	X(BLOCK_REMOVE, "DELETE FROM blocked WHERE owner = ? AND jid = ?")                         \
	X(BLOCK_CLEAR, "DELETE FROM blocked WHERE owner = ?")                                      \
	X(BLOCK_COUNT, "SELECT count(*) FROM blocked WHERE owner = ?")                             \
	X(BLOCK_HAS, "SELECT 1 FROM blocked WHERE owner = ? AND jid IN (?, ?)")                    \
	X(BLOCK_ERASE,                                                                             \
	  "DELETE FROM blocked WHERE jid = ?1 OR (jid > ?1 || '/' AND jid < ?1 || '0')")           \
	X(MARK, "SAVEPOINT mark")                                                                  \
	X(MARK_KEEP, "RELEASE mark")                                                               \
	X(MARK_UNDO, "ROLLBACK TO mark")                                                           \
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
 * Bind and take the first step. binds, a letter for each parameter: i int64_t, t text, s struct
 * str, b bytes (void *, size_t). 1: a row is there, until db_done(); 0: done; -errno.
 */
int  db_run(struct db *db, enum db_statement which, const char *binds, ...);
void db_done(struct db *db, enum db_statement which);
int  db_next(struct db *db, enum db_statement which); /* the next row, after a 1; as db_run() */

/* The same for a statement of the caller's. */
sqlite3_stmt *db_row(struct db *db, enum db_statement which);
struct cur    db_blob(sqlite3_stmt *row, int column);
