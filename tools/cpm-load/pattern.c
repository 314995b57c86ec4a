#include "pattern.h"

bool pattern_parse(const char *text, struct pattern *p, const char **why)
{
	struct str left = str_of(text);

	*p = (struct pattern){0};
	for (;;) {
		const char *comma = left.n > 0 ? memchr(left.p, ',', left.n) : NULL;
		struct str  part = {left.p, comma != NULL ? (size_t)(comma - left.p) : left.n};

		*why = "is empty; expected an address such as +4670#######";
		if (part.n == 0)
			return false;
		*why = "is longer than 128 characters";
		if (part.n > PATTERN_SIZE_MAX)
			return false;
		*why = "has more than 64 parts";
		if (p->count == PATTERN_MAX)
			return false;
		p->part[p->count++] = part;
		if (comma == NULL)
			return true;
		left = str_skip(left, part.n + 1);
	}
}

size_t pattern_make(const struct pattern *p, struct random *random, uint64_t number,
		    char room[PATTERN_SIZE_MAX])
{
	const struct str *part = p->count == 1 ? p->part : &p->part[random_below(random, p->count)];
	uint64_t          digits = 0;
	unsigned          digits_left = 0;

	for (size_t i = part->n; i-- > 0;) {
		char c = part->p[i];

		if (c == '#') {
			if (digits_left == 0) {
				digits = random_next(random) >> 1;
				digits_left = 16;
			}
			c = (char)('0' + digits % 10);
			digits /= 10;
			digits_left--;
		} else if (c == '*') {
			c = (char)('0' + number % 10);
			number /= 10;
		}
		room[i] = c;
	}
	return part->n;
}
