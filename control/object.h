/* Live objects as the database and the change see them: their keys, owners of their secrets, their
 * packed form. */
#pragma once

#include <stddef.h>

#include "base/cur.h"
#include "conf/conf.h"
#include "db.h"

/* The key by which it is ordered: the name; "+46 00100" for a route. */
void object_key(enum conf_kind kind, const void *object, char key[DB_KEY_SIZE]);
/* From and to the form that people see ("+46 100"). What is no id becomes a key that nothing has.
 */
void object_key_of_id(enum conf_kind kind, const char *id, char key[DB_KEY_SIZE]);
void object_id_of_key(enum conf_kind kind, const char *key, char id[DB_KEY_SIZE]);

/* What its secret is sealed for: "account esme1". */
void object_owner(enum conf_kind kind, const char *key, char owner[DB_KEY_SIZE + 16]);
/* NULL: its kind has none. */
struct conf_secret *object_secret(enum conf_kind kind, void *object);

/* Under what it logs in or registers, of which each space has one only; returns how many. */
#define OBJECT_LOGINS_MAX 2u
struct object_login {
	const char *text;  /* lent from the object */
	const char *key;   /* that gives it */
	int         space; /* a protocol's index, or DB_LOGIN_ADDRESS */
};
unsigned object_logins(enum conf_kind kind, const void *object,
		       struct object_login logins[OBJECT_LOGINS_MAX]);
/* Its id as logs and the history may keep it: of a subscriber's number not all digits. */
void object_id_redacted(enum conf_kind kind, const char *id, char room[DB_KEY_SIZE]);

/* Packed into a room that grows and is the caller's to free. false: no memory. */
struct object_room {
	uint8_t *bytes;
	size_t   size, room;
};
bool object_pack(enum conf_kind kind, const void *object, struct object_room *to);

/* A new object from what the database has; NULL: damaged, or no memory. */
void *object_read(enum conf_kind kind, struct cur body);

/* The peers and accounts that a route or rule leads to, each once at most CONF_VIA_MAX; copied into
 * names. */
unsigned object_targets(enum conf_kind kind, const void *object,
			char names[CONF_VIA_MAX][CONF_NAME_SIZE]);
