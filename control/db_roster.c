#include "db_roster.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "db_sql.h"

static_assert(ROSTER_NONE_IN == 2 && ROSTER_NONE_OUT_IN == 3 && ROSTER_TO_IN == 5 &&
		      ROSTER_STATE_COUNT == 9,
	      "states rest as these numbers, and a statement counts those of requests");

/* The domain of a JID: itself where it has no user. */
static struct str domain_of(struct str jid)
{
	const char *at = memchr(jid.p, '@', jid.n);

	return at != NULL ? str_skip(jid, (size_t)(at - jid.p) + 1) : jid;
}

static struct str text_at(sqlite3_stmt *row, int column)
{
	struct cur blob = db_blob(row, column);

	return (struct str){(const char *)blob.p, cur_left(&blob)};
}

/* 0, or -EIO: the database has what does not fit. */
static int keep(char *room, size_t size, uint16_t *n, struct str text)
{
	if (text.n > size)
		return -EIO;
	if (text.n > 0)
		memcpy(room, text.p, text.n);
	*n = (uint16_t)text.n;
	return 0;
}

static enum roster_state state_at(sqlite3_stmt *row, int column)
{
	int64_t state = sqlite3_column_int64(row, column);

	return state >= 0 && state < ROSTER_STATE_COUNT ? (enum roster_state)state : ROSTER_NONE;
}

int db_roster_get(struct db *db, struct str owner, struct str contact, struct roster_row *row)
{
	int           err = db_run(db, DB_ROSTER_GET, "ss", owner, contact);
	sqlite3_stmt *s;

	memset(row, 0, sizeof(*row));
	if (err <= 0)
		return err;
	s = db_row(db, DB_ROSTER_GET);
	row->state = state_at(s, 2);
	row->listed = sqlite3_column_int(s, 3) != 0;
	row->approved = sqlite3_column_int(s, 4) != 0;
	err = keep(row->name, sizeof(row->name), &row->name_size, text_at(s, 0));
	if (err == 0)
		err = keep(row->groups, sizeof(row->groups), &row->groups_size, text_at(s, 1));
	if (err == 0)
		err = keep(row->request, sizeof(row->request), &row->request_size, text_at(s, 5));
	db_done(db, DB_ROSTER_GET);
	return err;
}

int db_roster_put(struct db *db, struct str owner, struct str contact, const struct roster_row *row)
{
	if (!row->listed && row->state == ROSTER_NONE)
		return db_run(db, DB_ROSTER_REMOVE, "ss", owner, contact);
	return db_run(db, DB_ROSTER_PUT, "sssbiiib", owner, contact,
		      (struct str){row->name, row->name_size}, row->groups,
		      (size_t)row->groups_size, (int64_t)row->state, (int64_t)row->listed,
		      (int64_t)row->approved, row->request, (size_t)row->request_size);
}

int db_roster_each(struct db *db, struct str                                      owner,
		   bool (*each)(void *user, const struct roster_view *row), void *user)
{
	int err = db_run(db, DB_ROSTER_EACH, "s", owner);

	while (err == 1) {
		sqlite3_stmt      *s = db_row(db, DB_ROSTER_EACH);
		struct roster_view row = {.name = text_at(s, 0),
					  .groups = text_at(s, 1),
					  .state = state_at(s, 2),
					  .listed = sqlite3_column_int(s, 3) != 0,
					  .approved = sqlite3_column_int(s, 4) != 0,
					  .request = text_at(s, 5),
					  .contact = text_at(s, 6),
					  .local = sqlite3_column_int(s, 7) != 0,
					  .blocked = sqlite3_column_int(s, 8) != 0};

		if (!each(user, &row))
			break;
		err = db_next(db, DB_ROSTER_EACH);
	}
	if (err == 1)
		db_done(db, DB_ROSTER_EACH);
	return err < 0 ? err : 0;
}

int db_roster_size(struct db *db, struct str owner, struct roster_size *size)
{
	int           err = db_run(db, DB_ROSTER_SIZE, "s", owner);
	sqlite3_stmt *s;

	*size = (struct roster_size){0};
	if (err <= 0)
		return err;
	s = db_row(db, DB_ROSTER_SIZE);
	size->items = (uint64_t)sqlite3_column_int64(s, 0);
	size->requests = (uint64_t)sqlite3_column_int64(s, 1);
	size->bytes = (uint64_t)sqlite3_column_int64(s, 2);
	db_done(db, DB_ROSTER_SIZE);
	return 0;
}

/* The number in the first row; 0 where there is none. */
static int number(struct db *db, enum db_statement which, int ran, uint64_t *n)
{
	*n = 0;
	if (ran != 1)
		return ran;
	*n = (uint64_t)sqlite3_column_int64(db_row(db, which), 0);
	db_done(db, which);
	return 0;
}

int db_roster_version(struct db *db, struct str owner, uint64_t *version)
{
	return number(db, DB_ROSTER_VERSION, db_run(db, DB_ROSTER_VERSION, "s", owner), version);
}

/* By the clock, so that the roster of one who is erased and comes again is another. */
int db_roster_touch(struct db *db, struct str owner, uint64_t now_ms, uint64_t *version)
{
	int err = db_roster_version(db, owner, version);

	if (err < 0)
		return err;
	*version = *version < now_ms ? now_ms : *version + 1;
	return db_run(db, DB_ROSTER_TOUCH, "si", owner, (int64_t)*version);
}

int db_roster_is_user(struct db *db, struct str jid)
{
	uint64_t n;
	int      err = number(db, DB_ROSTER_IS_USER, db_run(db, DB_ROSTER_IS_USER, "s", jid), &n);

	return err < 0 ? err : n != 0;
}

/* Each text that a statement finds for a JID, until each() returns false. */
static int each_text(struct db *db, enum db_statement which, struct str jid,
		     bool (*each)(void *user, struct str text), void *user)
{
	int err = db_run(db, which, "s", jid);

	while (err == 1 && each(user, text_at(db_row(db, which), 0)))
		err = db_next(db, which);
	if (err == 1)
		db_done(db, which);
	return err < 0 ? err : 0;
}

int db_roster_listing(struct db *db, struct str contact, bool (*each)(void *user, struct str owner),
		      void *user)
{
	return each_text(db, DB_ROSTER_LISTING, contact, each, user);
}

int db_block_each(struct db *db, struct str owner, bool (*each)(void *user, struct str jid),
		  void *user)
{
	return each_text(db, DB_BLOCK_EACH, owner, each, user);
}

int db_block_add(struct db *db, struct str owner, struct str jid)
{
	return db_run(db, DB_BLOCK_ADD, "ss", owner, jid);
}

int db_block_remove(struct db *db, struct str owner, struct str jid)
{
	int err = db_run(db, DB_BLOCK_REMOVE, "ss", owner, jid);

	return err < 0 ? err : sqlite3_changes(db->sqlite);
}

int db_block_clear(struct db *db, struct str owner)
{
	return db_run(db, DB_BLOCK_CLEAR, "s", owner);
}

int db_block_count(struct db *db, struct str owner, uint64_t *count)
{
	return number(db, DB_BLOCK_COUNT, db_run(db, DB_BLOCK_COUNT, "s", owner), count);
}

int db_block_has(struct db *db, struct str owner, struct str contact)
{
	uint64_t n;
	int      err = number(db, DB_BLOCK_HAS,
			      db_run(db, DB_BLOCK_HAS, "sss", owner, contact, domain_of(contact)), &n);

	return err < 0 ? err : n != 0;
}

int db_roster_erase(struct db *db, struct str jid, uint64_t now_ms)
{
	static const enum db_statement erase[] = {DB_ROSTER_ERASE, DB_ROSTER_ERASE_CONTACT,
						  DB_ROSTER_ERASE_VERSION, DB_BLOCK_CLEAR,
						  DB_BLOCK_ERASE};
	int err = db_run(db, DB_ROSTER_TOUCH_ALL, "si", jid, (int64_t)now_ms);

	for (unsigned i = 0; err >= 0 && i < sizeof(erase) / sizeof(erase[0]); i++)
		err = db_run(db, erase[i], "s", jid);
	return err < 0 ? err : 0;
}
