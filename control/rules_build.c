#include "rules_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rules/compile.h"
#include "rules_list.h"
#include "world/world.h"

/* Rules and where their faults go. */
struct compilation {
	struct rules_list   list;
	struct conf_faults *faults;
	rules_where_fn     *where;
	void               *user;
};

static void on_fault(void *user, size_t rule, const char *key, const char *text)
{
	struct compilation *g = user;
	const char         *name = rule < g->list.n ? g->list.rules[rule]->name : "";
	const char         *file = NULL;
	unsigned            line = 0;
	char                place[DB_KEY_SIZE + 32];

	snprintf(place, sizeof(place), "rule '%s'", name);
	if (g->where != NULL)
		g->where(g->user, name, &file, &line);
	if (file != NULL)
		conf_fault(g->faults, file, line, key, "%s: %s", place, text);
	else
		conf_fault(g->faults, place, 0, key, "%s", text);
}

static int compile(const struct control *c, struct compilation *g, uint8_t **image, size_t *size)
{
	hs_platform_info_t   platform = {.tune = c->platform.info.tune,
					 .cpu_features = c->platform.info.features,
					 .reserved1 = c->platform.info.reserved[0],
					 .reserved2 = c->platform.info.reserved[1]};
	struct rules_source *sources = calloc(g->list.n, sizeof(*sources));
	int                  err;

	if (sources == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < g->list.n; i++)
		sources[i] = (struct rules_source){g->list.rules[i]->name, g->list.rules[i]->when,
						   g->list.rules[i]->then};
	err = rules_compile(sources, g->list.n, &platform, image, size, on_fault, g);
	free(sources);
	return err;
}

static int store(struct control *c, const uint8_t *image, size_t size, uint64_t *digest)
{
	struct db_rules rules = {.image = cur_of(image != NULL ? image : (const uint8_t *)"", size),
				 .platform = cur_of(&c->platform, sizeof(c->platform)),
				 .digest = world_rules_digest(image, size)};

	*digest = rules.digest;
	return db_rules_put(c->db, &rules);
}

int rules_build(struct control *c, struct conf_faults *faults, rules_where_fn *where, void *user,
		uint64_t *digest)
{
	struct compilation g = {.faults = faults, .where = where, .user = user};
	uint8_t           *image = NULL;
	size_t             size = 0;
	int                err = rules_list_read(c->db, &g.list);

	if (err == 0 && g.list.n > 0)
		err = compile(c, &g, &image, &size);
	if (err == 0)
		err = store(c, image, size, digest);
	rules_list_free(&g.list);
	free(image);
	return err;
}

bool rules_build_is_due(struct control *c)
{
	struct db_rules rules;
	bool            due = false;

	if (db_rules_get(c->db, &rules) == 0 && cur_left(&rules.image) > 0)
		due = !rules_image_is_current(rules.image.p, cur_left(&rules.image)) ||
		      cur_left(&rules.platform) != sizeof(c->platform) ||
		      memcmp(rules.platform.p, &c->platform, sizeof(c->platform)) != 0;
	db_release(c->db);
	return due;
}

int rules_build_again(struct control *c)
{
	struct conf_faults faults = {0};
	struct db_rules    old = {0};
	struct db_version  v = {.version = c->version + 1,
				.at_ms = control_wall_ms(),
				.who = "cpm-control",
				.rules = true,
				.differences = "[]"};
	uint64_t           digest, before = 0;
	int                err = db_begin(c->db);

	if (err < 0)
		return err;
	if (db_rules_get(c->db, &old) == 0)
		before = old.digest;
	err = rules_build(c, &faults, NULL, NULL, &digest);
	v.checksum = c->checksum - before + digest;
	if (err == 0)
		err = db_version_add(c->db, &v);
	if (err == 0)
		err = db_commit(c->db);
	if (err < 0)
		db_rollback(c->db);
	for (unsigned i = 0; i < faults.n; i++)
		log_error("rules.not_compiled", "%s", faults.lines[i]);
	conf_faults_free(&faults);
	if (err == 0)
		err = control_reload(c);
	log_info("rules.compiled_again", "version=%llu hyperscan=\"%s\" err=%d",
		 (unsigned long long)c->version, c->platform.hyperscan, err);
	return err;
}
