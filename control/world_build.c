#include "world_build.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "base/aor.h"
#include "base/log.h"
#include "object.h"
#include "resolver.h"

union with_secret {
	struct conf_account    account;
	struct conf_peer       peer;
	struct conf_subscriber subscriber;
};

/* For the user and domain under which it registers, and for SASL; none where it does neither. */
static int derive_subscriber(struct control *c, const char *owner, const struct conf_subscriber *s,
			     struct conf_secret *to)
{
	struct aor a = {.scheme = STR("")};

	if (aor_split(str_of(s->sip), &a) || s->xmpp[0] != '\0')
		return secret_subscriber(c->secrets, owner, &s->password, a.user, a.domain, to);
	*to = (struct conf_secret){.form = CONF_SECRET_NONE};
	return 0;
}

/* A shallow copy whose secret is as the dataplane needs it: a digest where it checks, the password
 * where it logs in itself, and of components, who prove theirs by a hash of it and what the stream
 * is called (XEP-0114). */
static int derive(struct control *c, enum conf_kind kind, const char *key, void *object,
		  union with_secret *copy, const void **derived)
{
	struct conf_secret *sealed = object_secret(kind, object);
	char                owner[DB_KEY_SIZE + 16];
	struct conf_secret *to;

	*derived = object;
	if (sealed == NULL || sealed->form == CONF_SECRET_NONE)
		return 0;
	object_owner(kind, key, owner);
	memcpy(copy, object, conf_object_size(kind));
	*derived = copy;
	to = object_secret(kind, copy);
	if (kind == CONF_SUBSCRIBER)
		return derive_subscriber(c, owner, object, to);
	return kind == CONF_ACCOUNT && copy->account.domain[0] == '\0'
		       ? secret_digest(c->secrets, owner, sealed, to)
		       : secret_open(c->secrets, owner, sealed, to);
}

static int derive_failed(enum conf_kind kind, const char *key, int err)
{
	char name[DB_KEY_SIZE];

	object_id_redacted(kind, key, name);
	log_error("secret.not_opened", "kind=%s name=%s", conf_kind_name(kind), name);
	return err;
}

int world_build_put(struct control *c, struct world_delta *d, enum conf_kind kind, const char *key,
		    void *object)
{
	union with_secret copy;
	const void       *derived;
	int               err = derive(c, kind, key, object, &copy, &derived);

	if (err < 0)
		return derive_failed(kind, key, err);
	world_delta_put(d, kind, derived);
	if (derived == &copy)
		OPENSSL_cleanse(&copy, sizeof(copy));
	return 0;
}

int world_build_digest(struct control *c, enum conf_kind kind, const char *key, void *object,
		       uint64_t *digest)
{
	union with_secret copy;
	const void       *derived;
	int               err;

	*digest = 0;
	if (kind == CONF_RULE)
		return 0;
	err = derive(c, kind, key, object, &copy, &derived);
	if (err < 0)
		return derive_failed(kind, key, err);
	*digest = world_object_digest(kind, derived);
	if (derived == &copy)
		OPENSSL_cleanse(&copy, sizeof(copy));
	return 0;
}

struct build {
	struct control     *control;
	struct world_delta *delta;
	enum conf_kind      kind;
	void *objects[CONF_KIND_COUNT]; /* one of each, unpacked into again and again */
	int   err;
};

static bool put_body(struct build *b, enum conf_kind kind, const char *key, struct cur body)
{
	if (b->objects[kind] == NULL)
		b->objects[kind] = conf_object_new(kind);
	if (b->objects[kind] == NULL)
		b->err = -ENOMEM;
	else if (!conf_object_unpack(kind, &body, b->objects[kind]))
		b->err = -EBADMSG;
	else
		b->err = world_build_put(b->control, b->delta, kind, key, b->objects[kind]);
	return b->err == 0;
}

static bool put_each(void *user, const struct db_object *object)
{
	struct build *b = user;

	return put_body(b, b->kind, object->key, object->body);
}

static int finish(struct build *b, bool with_rules)
{
	struct db_rules rules;
	int             err;

	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++)
		conf_object_free(kind, b->objects[kind]);
	if (b->err < 0)
		return b->err;
	if (with_rules) {
		err = db_rules_get(b->control->db, &rules);
		if (err == 0)
			world_delta_rules(b->delta, rules.image.p, cur_left(&rules.image));
		db_release(b->control->db);
		if (err < 0 && err != -ENOENT)
			return err;
	}
	return world_delta_end(b->delta, b->control->checksum) ? 0 : -ENOMEM;
}

int world_build_image(struct control *c, struct world_delta *d)
{
	struct build b = {.control = c, .delta = d};

	world_delta_begin(d, 0, c->version);
	for (b.kind = 0; b.kind < CONF_KIND_COUNT && b.err == 0; b.kind++) {
		int err = b.kind == CONF_RULE ? 0 : db_each(c->db, b.kind, NULL, put_each, &b);

		if (b.err == 0)
			b.err = err;
	}
	if (b.err == 0)
		resolver_put(c->resolver, d);
	return finish(&b, true);
}

static bool since_each(void *user, enum conf_kind kind, const char *key, bool existed)
{
	struct build    *b = user;
	struct db_object object;
	char             id[DB_KEY_SIZE];
	int              err;

	if (kind == CONF_RULE)
		return true;
	err = db_get(b->control->db, kind, key, &object);
	if (err == 0)
		return put_body(b, kind, key, object.body);
	if (err != -ENOENT)
		b->err = err;
	object_id_of_key(kind, key, id);
	if (err == -ENOENT && existed)
		world_delta_remove(b->delta, kind, id);
	return b->err == 0;
}

int world_build_since(struct control *c, uint64_t version, struct world_delta *d)
{
	struct build b = {.control = c, .delta = d};
	int          err;

	world_delta_begin(d, version, c->version);
	err = db_change_each(c->db, version, since_each, &b);
	if (b.err == 0)
		b.err = err;
	db_release(c->db);
	return finish(&b, db_rules_changed(c->db, version));
}
