/* Objects for the tests of worlds, and a mirror of what control would hold: the checksum and
 * version that a delta must lead to. */
#pragma once

#include <stdio.h>

#include "conf/conf.h"
#include "test.h"
#include "world/world.h"

struct mirror {
	struct world_delta d;
	uint64_t           version, checksum;
};

static inline struct conf_account *sample_account(const char *name, const char *system_id)
{
	struct conf_account *a = conf_object_new(CONF_ACCOUNT);

	assert_non_null(a);
	snprintf(a->name, sizeof(a->name), "%s", name);
	snprintf(a->system_id, sizeof(a->system_id), "%s", system_id);
	a->protocol = 0;
	return a;
}

static inline struct conf_peer *sample_peer(const char *name)
{
	struct conf_peer *p = conf_object_new(CONF_PEER);

	assert_non_null(p);
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->host, sizeof(p->host), "198.18.0.2");
	p->protocol = 0;
	return p;
}

/* sip: "" for none; ha1: every byte of its digests, 0 for none. */
static inline struct conf_subscriber *sample_subscriber(const char *address, const char *sip,
							uint8_t ha1)
{
	struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);

	assert_non_null(s);
	snprintf(s->address, sizeof(s->address), "%s", address);
	snprintf(s->sip, sizeof(s->sip), "%s", sip);
	if (ha1 != 0) {
		s->password = (struct conf_secret){.form = CONF_SECRET_DIGEST, .size = 48};
		memset(s->password.bytes, ha1, 48);
	}
	return s;
}

/* via: names with spaces between; "a=70 b=30": with weights. */
static inline struct conf_route *sample_route(const char *to, unsigned priority, const char *via)
{
	struct conf_route *r = conf_object_new(CONF_ROUTE);
	char               copy[512], *rest = copy, *word;

	assert_non_null(r);
	snprintf(r->to, sizeof(r->to), "%s", to);
	r->priority = priority;
	r->via.items = calloc(CONF_VIA_MAX, sizeof(r->via.items[0]));
	assert_non_null(r->via.items);
	snprintf(copy, sizeof(copy), "%s", via);
	while ((word = strsep(&rest, " ")) != NULL) {
		struct conf_via_item *item = &r->via.items[r->via.n++];
		char                 *weight = strchr(word, '=');

		if (weight != NULL) {
			*weight = '\0';
			r->via.weighted = true;
			item->weight = (uint16_t)atoi(weight + 1);
		}
		snprintf(item->name, sizeof(item->name), "%s", word);
	}
	return r;
}

static inline void mirror_begin(struct mirror *m, bool image)
{
	world_delta_begin(&m->d, image ? 0 : m->version, m->version + 1);
	if (image)
		m->checksum = 0;
}

/* Takes object. */
static inline void mirror_put(struct mirror *m, enum conf_kind kind, void *object)
{
	world_delta_put(&m->d, kind, object);
	m->checksum += world_object_digest(kind, object);
	conf_object_free(kind, object);
}

/* An object that stood there goes, or is about to be replaced. Takes object. */
static inline void mirror_gone(struct mirror *m, enum conf_kind kind, void *object)
{
	m->checksum -= world_object_digest(kind, object);
	conf_object_free(kind, object);
}

static inline void mirror_remove(struct mirror *m, enum conf_kind kind, void *object)
{
	char id[128];

	conf_object_id(kind, object, id);
	world_delta_remove(&m->d, kind, id);
	mirror_gone(m, kind, object);
}

static inline struct world_change *mirror_build(struct mirror *m, const struct world *from,
						char error[256])
{
	struct world_change *c;
	uint8_t             *exact;

	assert_true(world_delta_end(&m->d, m->checksum));
	exact = test_copy(m->d.bytes, m->d.size);
	c = world_change_build(from, cur_of(exact, m->d.size), 1, error);
	free(exact);
	world_delta_free(&m->d);
	return c;
}

/* Built and at once in force; nobody reads. */
static inline const struct world *mirror_apply(struct mirror *m, const struct world *from)
{
	char                 error[256] = "";
	struct world_change *c = mirror_build(m, from, error);
	const struct world  *w;

	if (c == NULL)
		fail_msg("refused: %s", error);
	w = world_change_world(c);
	m->version = w->version;
	world_change_reclaim(c);
	return w;
}

/* Refused for a reason that has these words in it; the mirror goes back to what it was. */
static inline void mirror_refused(struct mirror *m, const struct world *from, uint64_t checksum,
				  const char *words)
{
	char error[256] = "";

	assert_null(mirror_build(m, from, error));
	if (strstr(error, words) == NULL)
		fail_msg("'%s' does not say '%s'", error, words);
	m->checksum = checksum;
}
