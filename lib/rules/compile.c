#include "rules/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rules/language.h"
#include "rules/pattern.h"

struct database_source {
	const char **texts;
	unsigned    *flags, *ids;
	uint32_t    *numbers; /* in the list of patterns */
	unsigned     count;
};

static bool source_init(struct database_source *s, const struct language *l, uint8_t field)
{
	size_t room = l->pattern_count > 0 ? l->pattern_count : 1;

	*s = (struct database_source){.texts = calloc(room, sizeof(*s->texts)),
				      .flags = calloc(room, sizeof(*s->flags)),
				      .ids = calloc(room, sizeof(*s->ids)),
				      .numbers = calloc(room, sizeof(*s->numbers))};
	if (s->texts == NULL || s->flags == NULL || s->ids == NULL || s->numbers == NULL)
		return false;
	for (uint32_t i = 0; i < l->pattern_count; i++) {
		const struct pattern *p = &l->patterns[i];

		if (p->field != field)
			continue;
		s->texts[s->count] = p->text;
		s->flags[s->count] = p->flags;
		s->ids[s->count] = p->bit;
		s->numbers[s->count++] = i;
	}
	return true;
}

static void source_free(struct database_source *s)
{
	free(s->texts);
	free(s->flags);
	free(s->ids);
	free(s->numbers);
}

static int compile_fault(struct language *l, const struct database_source *s,
			 hs_compile_error_t *why)
{
	int  at = why != NULL ? why->expression : -1;
	char fault[400];

	if (at >= 0 && (unsigned)at < s->count) {
		const struct pattern *p = &l->patterns[s->numbers[at]];

		l->rule = p->rule;
		str_copy(l->path, sizeof(l->path), str_of(p->path));
		pattern_explain(p->text, why->message, fault);
	} else {
		l->rule = 0;
		str_copy(l->path, sizeof(l->path), STR("when"));
		pattern_explain("", why != NULL ? why->message : "", fault);
	}
	hs_free_compile_error(why);
	language_fault(l, "%s", fault);
	return -EINVAL;
}

/* Compile the patterns of a field, if there are any, into the image. The bytes are the caller's. */
static int compile_field(struct language *l, uint8_t field, char **bytes)
{
	struct database_source s;
	hs_database_t         *db = NULL;
	hs_compile_error_t    *why = NULL;
	struct image_database *item;
	size_t                 size = 0;
	uint32_t               number = image_count(&l->image, database);
	int                    err = 0;

	*bytes = NULL;
	if (!source_init(&s, l, field))
		err = -ENOMEM;
	if (err < 0 || s.count == 0)
		goto done;
	if (hs_compile_multi(s.texts, s.flags, s.ids, s.count, HS_MODE_BLOCK, &l->image.platform,
			     &db, &why) != HS_SUCCESS) {
		err = compile_fault(l, &s, why);
		goto done;
	}
	item = image_add(&l->image, IMAGE_database);
	if (item == NULL || hs_serialize_database(db, bytes, &size) != HS_SUCCESS) {
		err = -ENOMEM;
		goto done;
	}
	*item = (struct image_database){field, (uint32_t)size};
	l->image.databases[number] = cur_of(*bytes, size);
done:
	if (db != NULL)
		hs_free_database(db);
	source_free(&s);
	return err;
}

size_t rules_check(const struct rules_source rules[], size_t n, rules_fault_fn *fault, void *user)
{
	struct language l;
	size_t          faults;

	language_read(&l, rules, n, fault, user);
	faults = l.faults;
	if (l.failed) {
		language_fault(&l, "memory is short, or the rules have too many parts");
		faults++;
	}
	language_free(&l);
	return faults;
}

static int compile(struct language *l, uint8_t **image, size_t *size)
{
	static const uint8_t fields[] = {RULES_FIELD_FROM, RULES_FIELD_TO, RULES_FIELD_TEXT};
	char                *bytes[sizeof(fields)] = {0};
	int                  err = 0;

	static_assert(sizeof(fields) == RULES_DATABASES_MAX, "a database a field");
	for (unsigned f = 0; f < sizeof(fields) && err == 0; f++)
		err = compile_field(l, fields[f], &bytes[f]);
	if (err == 0) {
		*image = image_write(&l->image, size);
		err = *image != NULL ? 0 : -ENOMEM;
	}
	for (unsigned f = 0; f < sizeof(fields); f++)
		free(bytes[f]);
	return err;
}

bool rules_image_is_current(const uint8_t *image, size_t size)
{
	struct cur from = cur_of(image, size);
	bool       known = cur_be64(&from) == IMAGE_MAGIC;

	return cur_be32(&from) == IMAGE_FORMAT && known;
}

int rules_compile(const struct rules_source rules[], size_t n, const hs_platform_info_t *platform,
		  uint8_t **image, size_t *size, rules_fault_fn *fault, void *user)
{
	struct language l;
	int             err;

	*image = NULL;
	*size = 0;
	if (!language_read(&l, rules, n, fault, user)) {
		err = l.faults > 0 ? -EINVAL : -ENOMEM;
	} else {
		if (platform != NULL)
			l.image.platform = *platform;
		else
			hs_populate_platform(&l.image.platform);
		err = compile(&l, image, size);
	}
	language_free(&l);
	return err;
}
