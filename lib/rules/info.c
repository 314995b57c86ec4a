/* What a loaded rule set says about itself. */
#include "base/assert.h"
#include "rules/set.h"

unsigned rules_fields(const struct rules *r)
{
	return r->fields;
}

uint32_t rules_count(const struct rules *r)
{
	return r->rule_count;
}

const char *rules_name(const struct rules *r, uint32_t rule)
{
	ASSERT(rule < r->rule_count);
	return image_name_at(&r->image, image_items(&r->image, rule)[rule].name);
}

const char *rules_tag_name(const struct rules *r, unsigned bit)
{
	ASSERT(bit < RULES_TAGS_MAX);
	if (bit >= image_count(&r->image, tag))
		return NULL;
	return image_name_at(&r->image, image_items(&r->image, tag)[bit].name);
}

uint32_t rules_limit_count(const struct rules *r)
{
	return image_count(&r->image, limit);
}

const char *rules_limit_name(const struct rules *r, uint32_t limit)
{
	ASSERT(limit < image_count(&r->image, limit));
	return image_name_at(&r->image, image_items(&r->image, limit)[limit].name);
}

uint32_t rules_limit_rate(const struct rules *r, uint32_t limit)
{
	ASSERT(limit < image_count(&r->image, limit));
	return image_items(&r->image, limit)[limit].rate;
}

uint32_t rules_route_count(const struct rules *r)
{
	return image_count(&r->image, route);
}

unsigned rules_route_targets(const struct rules *r, uint32_t route,
			     const char *names[RULES_TARGETS_MAX])
{
	unsigned count;

	ASSERT(route < image_count(&r->image, route));
	count = r->target_first[route + 1] - r->target_first[route];
	for (unsigned i = 0; i < count; i++)
		names[i] = image_name_at(
			&r->image, image_items(&r->image, target)[r->target_first[route] + i].name);
	return count;
}

uint64_t rules_hits(const struct rules *r, unsigned scratches, uint32_t rule)
{
	uint64_t sum = 0;

	ASSERT(rule < r->rule_count && scratches <= r->scratch_count);
	/* Relaxed: counters stand alone; pairs with the store in try_rule(). */
	for (unsigned s = 0; s < scratches; s++)
		sum += __atomic_load_n(&r->scratches[s].hits[rule], __ATOMIC_RELAXED);
	return sum;
}
