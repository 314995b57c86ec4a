#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <hs/hs.h>

#include "answers.h"
#include "domains.h"
#include "base/assert.h"
#include "base/log.h"
#include "dp_link.h"
#include "notices.h"
#include "object.h"
#include "resolver.h"

static const char seal_owner[] = "database";

uint64_t control_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int control_reload(struct control *c)
{
	return db_version_newest(c->db, &c->version, &c->checksum);
}

/* A word sealed at the first start says at every later one whether the key is the one that sealed.
 */
static int check_seal(struct control *c, char error[256])
{
	struct conf_secret word = {.form = CONF_SECRET_PLAIN, .size = 3, .bytes = "cpm"}, sealed;
	size_t             n;
	int                err = db_meta_get(c->db, "seal", &sealed, sizeof(sealed), &n);

	if (err == 0 && (n != sizeof(sealed) || !secret_is(c->secrets, seal_owner, &sealed, &word)))
		err = -EBADMSG;
	if (err == -ENOENT) {
		err = secret_seal(c->secrets, seal_owner, &word, false);
		if (err == 0)
			err = db_meta_put(c->db, "seal", &word, sizeof(word));
	}
	if (err == -EBADMSG)
		snprintf(error, 256,
			 "the database's passwords are sealed with another key than %s/secret.key; "
			 "put that key back",
			 c->file->cpm.state_dir);
	else if (err < 0)
		snprintf(error, 256, "the database cannot be written: %s", strerror(-err));
	return err;
}

static int open_state(struct control *c, char error[256])
{
	const char *dir = c->file->cpm.state_dir;
	char        path[128];
	uint8_t     seal[sizeof(struct conf_secret)];
	size_t      n;

	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/control.db", dir);
	c->db = db_open(path, error);
	if (c->db == NULL)
		return -EIO;
	c->secrets = secrets_open(
		dir, db_meta_get(c->db, "seal", seal, sizeof(seal), &n) == -ENOENT, error);
	if (c->secrets == NULL || check_seal(c, error) < 0)
		return -EINVAL;
	if (control_reload(c) == 0)
		return 0;
	snprintf(error, 256, "%s cannot be read", path);
	return -EIO;
}

/* What the dataplane said last, so that rules are compiled for it while it is down; else this
 * machine. */
static void load_platform(struct control *c)
{
	hs_platform_info_t p = {0};
	size_t             n;

	if (db_meta_get(c->db, "platform", &c->platform, sizeof(c->platform), &n) == 0 &&
	    n == sizeof(c->platform))
		return;
	c->platform = (struct control_platform){0};
	if (hs_populate_platform(&p) == HS_SUCCESS)
		c->platform.info =
			(struct ipc_platform){p.tune, p.cpu_features, {p.reserved1, p.reserved2}};
	snprintf(c->platform.hyperscan, sizeof(c->platform.hyperscan), "%s", hs_version());
}

void control_platform_set(struct control *c, const struct control_platform *platform)
{
	if (memcmp(&c->platform, platform, sizeof(*platform)) == 0)
		return;
	c->platform = *platform;
	db_meta_put(c->db, "platform", platform, sizeof(*platform));
}

struct control *control_new(const struct conf_file *file, struct event_loop *loop, char error[256])
{
	struct control *c = aligned_alloc(_Alignof(struct control), sizeof(*c));

	snprintf(error, 256, "no memory for control");
	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->file = file;
	c->loop = loop;
	c->started_ms = control_wall_ms();
	if (getrandom(&c->boot_id, sizeof(c->boot_id), 0) < 0)
		c->boot_id = c->started_ms;
	mkdir(file->cpm.run_dir, 0750);
	if (open_state(c, error) < 0)
		goto fail;
	load_platform(c);
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++)
		c->counts[kind] = db_count(c->db, kind);
	c->resolver = resolver_new(c, error);
	if (c->resolver == NULL)
		goto fail;
	c->answers = answers_new(c);
	c->notices = notices_new(c);
	c->domains = domains_new(c);
	if (c->answers != NULL && c->notices != NULL && c->domains != NULL)
		c->link = dp_link_new(c);
	if (c->link != NULL)
		return c;
	snprintf(error, 256, "no memory for the channel to the dataplane");
fail:
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	dp_link_free(c->link);
	answers_free(c->answers);
	notices_free(c->notices);
	resolver_free(c->resolver);
	domains_free(c->domains);
	secrets_free(c->secrets);
	db_close(c->db);
	free(c);
}

int control_object_get(struct control *c, enum conf_kind kind, const char *id, void *object)
{
	struct db_object o;
	char             key[DB_KEY_SIZE];
	int              err;

	object_key_of_id(kind, id, key);
	err = db_get(c->db, kind, key, &o);
	if (err == 0 && !conf_object_unpack(kind, &o.body, object))
		err = -EBADMSG;
	db_release(c->db);
	return err;
}

uint64_t control_object_count(struct control *c, enum conf_kind kind)
{
	return c->counts[kind];
}

int control_query(struct control *c, const char *name, json_t *args, json_t **reply,
		  char error[256])
{
	error[0] = '\0';
	return dp_link_query(c->link, name, args, reply, error);
}

void control_status(struct control *c, struct control_status *status)
{
	*status = (struct control_status){.version = c->version, .started_ms = c->started_ms};
	dp_link_status(c->link, status);
}

const struct metrics *control_metrics(struct control *c, unsigned *workers)
{
	return dp_link_metrics(c->link, workers);
}

struct metrics *control_counters(struct control *c)
{
	return &c->counters;
}

void control_watch(struct control *c, int fd, void (*ready)(void *user), void *user)
{
	int err = event_watch(c->loop, fd, ready, user);

	ASSERT(err == 0);
}

void control_unwatch(struct control *c, int fd)
{
	event_unwatch(c->loop, fd);
}
