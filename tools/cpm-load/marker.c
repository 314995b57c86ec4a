#include "marker.h"

#include "base/hash.h"

static const char prefix[] = "CPM";

static uint32_t checksum(uint16_t run, uint32_t number, struct str rest)
{
	const struct hash_key key = {run, number};

	return (uint32_t)hash_sip(&key, rest.p, rest.n);
}

static char *hex_write(char *to, uint32_t v, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; v >>= 4)
		to[i] = "0123456789abcdef"[v & 15];
	return to + digits;
}

static bool hex_read(const char *from, unsigned digits, uint32_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < digits; i++) {
		char c = from[i];

		if (c >= '0' && c <= '9')
			*v = *v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

void marker_write(char room[MARKER_SIZE], uint16_t run, uint32_t number, struct str rest)
{
	char *to = room + sizeof(prefix) - 1;

	memcpy(room, prefix, sizeof(prefix) - 1);
	to = hex_write(to, run, 4);
	to = hex_write(to, number, 8);
	to = hex_write(to, checksum(run, number, rest), 8);
	*to = ' ';
}

bool marker_parse(struct str text, struct marker *m)
{
	uint32_t run, number, sum;
	size_t   at = sizeof(prefix) - 1;

	if (text.n < MARKER_SIZE || !str_starts(text, STR("CPM")) || text.p[MARKER_SIZE - 1] != ' ')
		return false;
	if (!hex_read(text.p + at, 4, &run) || !hex_read(text.p + at + 4, 8, &number) ||
	    !hex_read(text.p + at + 12, 8, &sum))
		return false;
	m->run = (uint16_t)run;
	m->number = number;
	m->intact = sum == checksum(m->run, number, str_skip(text, MARKER_SIZE));
	return true;
}
