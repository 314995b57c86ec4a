#include "notices.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dp_link.h"

#define USERS_TURN 24u /* that are named in one question to the dataplane, at most */

struct notices {
	struct control *control;
	size_t          size, committed; /* bytes; what is behind is of the change that is made */
	bool            full;            /* something of the change had no place */
	uint8_t         bytes[NOTICES_BYTES_MAX];
};

struct notice {
	uint64_t             at_ms;
	bool                 farewell;
	struct str           user;
	struct roster_effect effect;
};

static void notice_put(struct put *w, const struct notice *t)
{
	put_be64(w, t->at_ms);
	put_u8(w, t->farewell);
	roster_text_put(w, t->user);
	roster_effect_put(w, &t->effect);
}

/* False: there is no more. */
static bool notice_next(struct cur *c, struct notice *t)
{
	if (cur_left(c) == 0)
		return false;
	t->at_ms = cur_be64(c);
	t->farewell = cur_u8(c) != 0;
	if (!roster_text_next(c, &t->user) || !roster_effect_next(c, &t->effect))
		return false;
	return true;
}

struct notices *notices_new(struct control *c)
{
	struct notices *n = calloc(1, sizeof(*n));

	if (n != NULL)
		n->control = c;
	return n;
}

void notices_free(struct notices *n)
{
	free(n);
}

/* What stays() is true for stays, in order; nothing is added meanwhile. */
static void sift(struct notices *n, bool (*stays)(void *context, const struct notice *t),
		 void           *context)
{
	struct cur     c = cur_of(n->bytes, n->size);
	size_t         to = 0, committed = 0;
	const uint8_t *start = c.p;
	struct notice  t;

	while (notice_next(&c, &t)) {
		size_t size = (size_t)(c.p - start);
		bool   was_committed = (size_t)(start - n->bytes) < n->committed;

		if (stays(context, &t)) {
			memmove(n->bytes + to, start, size);
			to += size;
			if (was_committed)
				committed = to;
		}
		start = c.p;
	}
	n->size = to;
	n->committed = committed;
}

static bool is_young(void *context, const struct notice *t)
{
	uint64_t now_ms = *(const uint64_t *)context;

	return t->at_ms + NOTICES_MS > now_ms && t->at_ms <= now_ms;
}

static void drop_old(struct notices *n, uint64_t now_ms)
{
	if (n->committed == n->size) /* those of a change are all of now */
		sift(n, is_young, &now_ms);
}

void notices_add(struct notices *n, uint64_t now_ms, struct str user, bool farewell,
		 const struct roster_effect *e)
{
	struct notice t = {now_ms, farewell, user, *e};
	struct put    w;

	drop_old(n, now_ms);
	w = put_to(n->bytes + n->size, sizeof(n->bytes) - n->size);
	notice_put(&w, &t);
	if (w.failed)
		n->full = true;
	else
		n->size += put_size(&w);
}

void notices_undo(struct notices *n)
{
	n->size = n->committed;
	n->full = false;
}

/* ---- whom it is about ---- */

struct taking {
	struct str user;
	bool (*each)(void *context, const struct roster_effect *e); /* NULL: thrown away */
	void *context;
};

static bool is_not_taken(void *context, const struct notice *t)
{
	const struct taking *k = context;

	if (t->farewell || !str_eq(t->user, k->user))
		return true;
	return k->each != NULL && !k->each(k->context, &t->effect);
}

void notices_take(struct notices *n, uint64_t now_ms, struct str user,
		  bool (*each)(void *context, const struct roster_effect *e), void *context)
{
	struct taking k = {user, each, context};

	drop_old(n, now_ms);
	sift(n, is_not_taken, &k);
}

bool notices_farewells(struct notices *n, uint64_t now_ms, struct str user,
		       void (*each)(void *context, const struct roster_effect *e), void *context)
{
	struct cur    c;
	struct notice t;
	bool          any = false;

	drop_old(n, now_ms);
	c = cur_of(n->bytes, n->size);
	while (notice_next(&c, &t)) {
		if (!t.farewell || !str_eq(t.user, user))
			continue;
		any = true;
		each(context, &t.effect);
	}
	return any;
}

/* The users are told to the dataplane, which says of which of them it has no session. False: it is
 * not there to say. */
static bool tell(struct notices *n, json_t *users)
{
	json_t *args = json_pack("{s: O}", "users", users), *reply = NULL, *row;
	char    error[256];
	int     err = control_query(n->control, "notices", args, &reply, error);
	size_t  i;

	json_decref(args);
	json_array_clear(users);
	if (err < 0)
		return false;
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *away = json_string_value(json_array_get(row, 0));

		if (away != NULL)
			notices_take(n, control_wall_ms(), str_of(away), NULL, NULL);
	}
	json_decref(reply);
	return true;
}

/* Of those whom a change is about, each once where it has several effects one after the other. */
static json_t *users_of(const struct notices *n, size_t from)
{
	struct cur    c = cur_of(n->bytes + from, n->size - from);
	struct str    last = STR("");
	json_t       *users = json_array();
	struct notice t;

	while (notice_next(&c, &t)) {
		if (!t.farewell && !str_eq(t.user, last))
			json_array_append_new(users, json_stringn(t.user.p, t.user.n));
		last = t.farewell ? last : t.user;
	}
	return users;
}

void notices_send(struct notices *n)
{
	json_t *all = users_of(n, n->committed), *some = json_array(), *user;
	bool    there = true;
	size_t  i;

	if (n->full)
		log_warn("roster.not_pushed",
			 "bytes_max=%u; clients see the rest of the change when they ask next",
			 NOTICES_BYTES_MAX);
	n->full = false;
	n->committed = n->size;
	json_array_foreach(all, i, user)
	{
		json_array_append(some, user);
		if (there && (json_array_size(some) == USERS_TURN || i + 1 == json_array_size(all)))
			there = tell(n, some);
	}
	json_decref(some);
	json_decref(all);
}
