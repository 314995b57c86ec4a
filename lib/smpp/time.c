#include "smpp/time.h"

#include "base/date.h"

#define MS_PER_S 1000ull
#define MS_PER_DAY (86400ull * MS_PER_S)
#define QUARTER_MS (900ull * MS_PER_S)
#define TIME_SIZE 16u

static bool digits(struct str text, unsigned field[8])
{
	/* YY MM DD hh mm ss t nn */
	static const uint8_t width[8] = {2, 2, 2, 2, 2, 2, 1, 2};
	const char          *p = text.p;

	for (unsigned i = 0; i < 8; i++) {
		field[i] = 0;
		for (unsigned w = 0; w < width[i]; w++, p++) {
			if (*p < '0' || *p > '9')
				return false;
			field[i] = field[i] * 10 + (unsigned)(*p - '0');
		}
	}
	return true;
}

static enum smpp_time absolute(const unsigned f[8], bool ahead, struct now now, uint64_t *in_ms)
{
	int64_t  year = 2000 + (int64_t)f[0];
	uint64_t local, offset = f[7] * QUARTER_MS, at;

	if (!date_valid(year, f[1], f[2]) || f[3] > 23 || f[4] > 59 || f[5] > 59 || f[7] > 48)
		return SMPP_TIME_BAD;
	local = (uint64_t)date_days(year, f[1], f[2]) * MS_PER_DAY +
		(f[3] * 3600ull + f[4] * 60ull + f[5]) * MS_PER_S + f[6] * 100ull;
	at = ahead ? local - offset : local + offset;
	if (at <= now.wall_ms)
		return SMPP_TIME_PAST;
	*in_ms = at - now.wall_ms;
	return SMPP_TIME_OK;
}

enum smpp_time smpp_time_parse(struct str text, struct now now, uint64_t *in_ms)
{
	unsigned f[8];

	if (text.n == 0)
		return SMPP_TIME_NONE;
	if (text.n != TIME_SIZE || !digits(text, f))
		return SMPP_TIME_BAD;
	switch (text.p[TIME_SIZE - 1]) {
	case '+':
		return absolute(f, true, now, in_ms);
	case '-':
		return absolute(f, false, now, in_ms);
	case 'R':
		*in_ms = (f[0] * 365ull + f[1] * 30ull + f[2]) * MS_PER_DAY +
			 (f[3] * 3600ull + f[4] * 60ull + f[5]) * MS_PER_S;
		return *in_ms == 0 ? SMPP_TIME_PAST : SMPP_TIME_OK;
	default:
		return SMPP_TIME_BAD;
	}
}

void smpp_time_short(uint64_t wall_ms, char room[10])
{
	struct date d = date_of((int64_t)(wall_ms / MS_PER_DAY));
	unsigned    minutes = (unsigned)(wall_ms % MS_PER_DAY / 60000);
	unsigned field[5] = {(unsigned)(d.year % 100), d.month, d.day, minutes / 60, minutes % 60};

	for (unsigned i = 0; i < 5; i++) {
		room[2 * i] = (char)('0' + field[i] / 10);
		room[2 * i + 1] = (char)('0' + field[i] % 10);
	}
}
