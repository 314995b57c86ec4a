#include "smpp/time.h"

#define MS_PER_S 1000ull
#define MS_PER_DAY (86400ull * MS_PER_S)
#define QUARTER_MS (900ull * MS_PER_S)
#define TIME_SIZE 16u

/* Days from 1970-01-01 of a date of the Gregorian calendar, years from 1970 on; months are counted
 * from March, so that the leap day comes last. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t  y = month <= 2 ? year - 1 : year;
	unsigned since_march = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * since_march + 2) / 5 + day - 1 - 719468;
}

static unsigned month_days(int64_t year, unsigned month)
{
	unsigned next = month == 12 ? 1 : month + 1;

	return (unsigned)(days_of(month == 12 ? year + 1 : year, next, 1) -
			  days_of(year, month, 1));
}

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

	if (f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > month_days(year, f[1]) || f[3] > 23 ||
	    f[4] > 59 || f[5] > 59 || f[7] > 48)
		return SMPP_TIME_BAD;
	local = (uint64_t)days_of(year, f[1], f[2]) * MS_PER_DAY +
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
	int64_t  days = (int64_t)(wall_ms / MS_PER_DAY), year = 1970 + days / 366;
	unsigned month = 1, minutes = (unsigned)(wall_ms % MS_PER_DAY / 60000), field[5];

	while (days_of(year + 1, 1, 1) <= days)
		year++;
	while (month < 12 && days_of(year, month + 1, 1) <= days)
		month++;
	field[0] = (unsigned)(year % 100);
	field[1] = month;
	field[2] = (unsigned)(days - days_of(year, month, 1)) + 1;
	field[3] = minutes / 60;
	field[4] = minutes % 60;
	for (unsigned i = 0; i < 5; i++) {
		room[2 * i] = (char)('0' + field[i] / 10);
		room[2 * i + 1] = (char)('0' + field[i] % 10);
	}
}
