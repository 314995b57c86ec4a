#include "stir/scope.h"

#include "stir/passport.h"

/* Tags of DER. */
#define SEQUENCE 0x30u
#define IA5_STRING 0x16u
#define INTEGER 0x02u
#define EXPLICIT 0xa0u /* and the number of the choice */

enum choice { PROVIDER, RANGE, ONE };

/* The contents of a value of that tag, of less than 64 KiB; failed: there is none. */
static struct cur value(struct cur *c, uint8_t tag)
{
	uint8_t  is = cur_u8(c);
	uint32_t size = cur_u8(c);

	if (size == 0x81)
		size = cur_u8(c);
	else if (size == 0x82)
		size = cur_be16(c);
	else if (size > 0x82)
		c->failed = true;
	c->failed |= is != tag;
	return cur_sub(c, size);
}

static uint64_t integer(struct cur *c)
{
	struct cur bytes = value(c, INTEGER);
	uint64_t   number = 0;
	size_t     n = cur_left(&bytes);

	if (bytes.failed || n == 0 || n > 8 || (*bytes.p & 0x80) != 0) {
		c->failed = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		number = number << 8 | cur_u8(&bytes);
	return number;
}

/* Of digits alone: numbers with * and # are not told of in scopes here. */
static bool number_of(struct str text, uint8_t *size, uint64_t *number)
{
	*number = 0;
	if (text.n == 0 || text.n > STIR_SCOPE_NUMBER_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(text.p[i] - '0');
	}
	*size = (uint8_t)text.n;
	return true;
}

static bool read_range(struct cur *c, bool one, struct stir_scope *scope)
{
	struct cur         text, in = one ? *c : value(c, SEQUENCE);
	struct stir_range *r;

	if (scope->count == STIR_SCOPE_MAX)
		return false;
	r = &scope->ranges[scope->count++];
	text = value(&in, IA5_STRING);
	r->count = one ? 1 : integer(&in);
	*c = one ? in : *c;
	return !in.failed && !c->failed && cur_left(&in) == 0 && cur_left(c) == 0 && r->count > 0 &&
	       number_of((struct str){(const char *)text.p, cur_left(&text)}, &r->size, &r->first);
}

bool stir_scope_read(struct cur der, struct stir_scope *scope)
{
	struct cur list = value(&der, SEQUENCE);

	*scope = (struct stir_scope){0};
	if (list.failed || cur_left(&der) != 0 || cur_left(&list) == 0)
		return false;
	while (cur_left(&list) > 0) {
		unsigned   choice = *list.p & 0x1fu;
		struct cur entry = value(&list, (uint8_t)(EXPLICIT | choice));

		if (entry.failed)
			return false;
		if (choice == PROVIDER) {
			value(&entry, IA5_STRING);
			if (entry.failed || cur_left(&entry) != 0)
				return false;
			scope->providers++;
		} else if ((choice != RANGE && choice != ONE) ||
			   !read_range(&entry, choice == ONE, scope)) {
			return false;
		}
	}
	return true;
}

bool stir_scope_has(const struct stir_scope *scope, struct str number)
{
	char       room[STIR_TN_MAX];
	struct str tn = stir_tn(number, room);
	uint64_t   n;
	uint8_t    size;

	if (scope->providers > 0)
		return true;
	if (!number_of(tn, &size, &n))
		return false;
	for (unsigned i = 0; i < scope->count; i++) {
		const struct stir_range *r = &scope->ranges[i];

		if (size == r->size && n >= r->first && n - r->first < r->count)
			return true;
	}
	return false;
}
