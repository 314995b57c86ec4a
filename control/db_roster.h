/*
 * Rosters and block lists in the database: what users make, beside the live objects and no part of
 * their versions. A row is what one user, the owner, has about one contact; it is there while it is
 * listed or has a state. Reads and writes within the caller's transaction. Main thread of control.
 * Errors as of db.h.
 */
#pragma once

#include "base/str.h"
#include "db.h"
#include "roster/question.h"

struct roster_row {
	enum roster_state state;
	bool              listed; /* an item of the roster; else only a request, or nothing */
	bool              approved;
	uint16_t          name_size, groups_size, request_size;
	char              name[ROSTER_TEXT_SIZE_MAX];
	char groups[ROSTER_GROUPS_MAX * (2 + ROSTER_TEXT_SIZE_MAX)]; /* list of texts */
	char request[ROSTER_PAYLOAD_SIZE_MAX]; /* of a contact that asks: what it sent along */
};

/* A row that is not there is one of zeros, and one that is not worth a place is removed. */
int db_roster_get(struct db *db, struct str owner, struct str contact, struct roster_row *row);
int db_roster_put(struct db *db, struct str owner, struct str contact,
		  const struct roster_row *row);

/* One row as it is looked at in a list; lent during the call. */
struct roster_view {
	struct str        contact, name, groups, request;
	enum roster_state state;
	bool              listed, approved;
	bool              local;   /* the contact is a subscriber */
	bool              blocked; /* by the owner: the contact, or its domain */
};
/* In order of contacts, until each() returns false. each() reads nothing else of rosters. */
int db_roster_each(struct db *db, struct str                                      owner,
		   bool (*each)(void *user, const struct roster_view *row), void *user);

struct roster_size {
	uint64_t items, requests, bytes;
};
int db_roster_size(struct db *db, struct str owner, struct roster_size *size);

/* Of an owner's roster; it rises with each change, and never comes twice. 0: nothing was made. */
int db_roster_version(struct db *db, struct str owner, uint64_t *version);
int db_roster_touch(struct db *db, struct str owner, uint64_t now_ms, uint64_t *version);

/* Is it the address of a subscriber? Negative: -errno. */
int db_roster_is_user(struct db *db, struct str jid);

int db_block_each(struct db *db, struct str owner, bool (*each)(void *user, struct str jid),
		  void *user);
int db_block_add(struct db *db, struct str owner, struct str jid);
int db_block_remove(struct db *db, struct str owner, struct str jid); /* 1: it was there */
int db_block_clear(struct db *db, struct str owner);
int db_block_count(struct db *db, struct str owner, uint64_t *count);
/* Does the owner block the contact, or its domain? Negative: -errno. */
int db_block_has(struct db *db, struct str owner, struct str contact);

/* Each who has the contact in its roster. */
int db_roster_listing(struct db *db, struct str contact, bool (*each)(void *user, struct str owner),
		      void *user);

/* Whatever a user made, and what others have about it; their rosters have a new version. */
int db_roster_erase(struct db *db, struct str jid, uint64_t now_ms);
