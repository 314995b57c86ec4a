/*
 * Control's database (SQLite, WAL): the live objects, their versions and differences, and what may
 * be needed to bring the dataplane from an earlier version to the newest. One write transaction at
 * a time; nothing is in the database before db_commit(). Passwords rest here only sealed.
 *
 * Objects are ordered by key: the name, or for a route its destination and priority in five digits
 * ("+46 00100"). Main thread of control. Errors: 0 or -errno (-ENOSPC: disk full, -EIO: anything
 * else of SQLite, logged).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cur.h"
#include "conf/model.h"

#define DB_KEY_SIZE 128
#define DB_DELTAS_MAX 1024     /* versions that a delta can begin at */
#define DB_DELTA_OBJECTS 10000 /* a change of more objects is no delta: an image is sent */
#define DB_VERSIONS_MAX 10000  /* kept in the history */
#define DB_DIFFERENCES_MAX 100 /* of each */

struct db;

struct db *db_open(const char *path, char error[256]); /* made when there is none */
void       db_close(struct db *db);

int  db_begin(struct db *db);
int  db_commit(struct db *db);
void db_rollback(struct db *db);
/* Within a transaction: from db_mark() on, undone alone where the end does not keep it. */
int db_mark(struct db *db);
int db_mark_end(struct db *db, bool keep);
/* After a commit that erased somebody: what was written for recovery holds them no longer either.
 */
int db_forget(struct db *db);
/* What was lent is no longer looked at; without this the files could not be tidied. */
void db_release(struct db *db);

/* One object as it rests. */
struct db_object {
	const char *key;
	struct cur  body;   /* packed */
	uint64_t    digest; /* what it adds to the world's checksum */
};

/* 0: lent until the next db_get(); -ENOENT. */
int db_get(struct db *db, enum conf_kind kind, const char *key, struct db_object *object);
int db_put(struct db *db, enum conf_kind kind, const char *key, const void *body, size_t n,
	   uint64_t digest);
int db_remove(struct db *db, enum conf_kind kind, const char *key);
/* In order of key, those not below from (NULL: all), until each() returns false. */
int      db_each(struct db *db, enum conf_kind kind, const char *from,
		 bool (*each)(void *user, const struct db_object *object), void *user);
uint64_t db_count(struct db *db, enum conf_kind kind);

/* Who logs in as what: one account for each protocol and identity, one subscriber for each address
 * of record. db_login_put(): -EEXIST when it is taken, holder says by whom. */
#define DB_LOGIN_ADDRESS (-1)
int db_login_put(struct db *db, int space, const char *identity, const char *who,
		 char holder[CONF_NAME_SIZE]);
/* Whose it is: 0, -ENOENT. */
int db_login_holder(struct db *db, int space, const char *identity, char holder[CONF_NAME_SIZE]);
int db_login_remove(struct db *db, int space, const char *identity);

/* How many routes and rules have the target. */
int      db_uses_add(struct db *db, const char *target, int64_t n);
uint64_t db_uses(struct db *db, const char *target);

/* The compiled rules: one image, the platform it is for, and its digest. */
struct db_rules {
	struct cur image, platform; /* image empty: no rules */
	uint64_t   digest;
};
int db_rules_put(struct db *db, const struct db_rules *rules);
int db_rules_get(
	struct db       *db,
	struct db_rules *rules); /* lent until the next db_rules_get(); -ENOENT: none yet */

/* One version in the history. */
struct db_version {
	uint64_t    version, at_ms, checksum;
	const char *who;
	uint32_t    added, replaced, removed;
	bool        rules;       /* other rules than the version before */
	bool        whole;       /* no delta leads here */
	const char *differences; /* JSON */
};
int db_version_add(struct db *db, const struct db_version *v); /* and forgets what is too old */
int db_version_newest(struct db *db, uint64_t *version, uint64_t *checksum);
/* Can a delta begin at that version, and was the world then what the checksum says? */
bool db_version_reaches(struct db *db, uint64_t version, uint64_t checksum);

/* What a version changed. existed: before it. */
int db_change_add(struct db *db, uint64_t version, enum conf_kind kind, const char *key,
		  bool existed);
/* All that changed after a version, each object once, with whether it existed then. */
int  db_change_each(struct db *db, uint64_t after,
		    bool (*each)(void *user, enum conf_kind kind, const char *key, bool existed),
		    void *user);
bool db_rules_changed(struct db *db, uint64_t after);

/* Small values by name. -ENOENT. */
int db_meta_get(struct db *db, const char *name, void *value, size_t room, size_t *n);
int db_meta_put(struct db *db, const char *name, const void *value, size_t n);
