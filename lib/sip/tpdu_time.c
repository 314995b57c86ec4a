#include "sip/tpdu.h"

#include "base/date.h"

#define MS_PER_S 1000ull
#define MS_PER_MINUTE (60 * MS_PER_S)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)
#define QUARTER_MS (15 * MS_PER_MINUTE)
#define MS_PER_WEEK (7 * MS_PER_DAY)

/* Two digits, the first in the lower half; 100: they are none. */
static unsigned swapped(uint8_t octet)
{
	unsigned tens = octet & 15, ones = octet >> 4;

	return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

static uint8_t swap(unsigned n)
{
	return (uint8_t)(n % 10 << 4 | n / 10);
}

bool sip_tpdu_time(const uint8_t octets[7], uint64_t *wall_ms)
{
	unsigned f[6], quarters = swapped(octets[6] & 0xf7);
	bool     west = octets[6] & 8;
	int64_t  year, ms;

	for (unsigned i = 0; i < 6; i++)
		f[i] = swapped(octets[i]);
	year = f[0] >= 90 ? 1900 + (int64_t)f[0] : 2000 + (int64_t)f[0];
	if (f[0] > 99 || !date_valid(year, f[1], f[2]) || f[3] > 23 || f[4] > 59 || f[5] > 59 ||
	    quarters > 79)
		return false;
	ms = date_days(year, f[1], f[2]) * (int64_t)MS_PER_DAY +
	     (int64_t)(f[3] * MS_PER_HOUR + f[4] * MS_PER_MINUTE + f[5] * MS_PER_S);
	ms += west ? (int64_t)(quarters * QUARTER_MS) : -(int64_t)(quarters * QUARTER_MS);
	*wall_ms = (uint64_t)ms;
	return true;
}

void sip_tpdu_time_of(uint64_t wall_ms, uint8_t octets[7])
{
	struct date d = date_of((int64_t)(wall_ms / MS_PER_DAY));
	unsigned    s = (unsigned)(wall_ms % MS_PER_DAY / MS_PER_S);

	octets[0] = swap((unsigned)(d.year % 100));
	octets[1] = swap(d.month);
	octets[2] = swap(d.day);
	octets[3] = swap(s / 3600);
	octets[4] = swap(s / 60 % 60);
	octets[5] = swap(s % 60);
	octets[6] = 0;
}

/* 9.2.3.12.1. */
static uint64_t relative(uint8_t vp)
{
	if (vp <= 143)
		return (vp + 1ull) * 5 * MS_PER_MINUTE;
	if (vp <= 167)
		return 12 * MS_PER_HOUR + (vp - 143ull) * 30 * MS_PER_MINUTE;
	if (vp <= 196)
		return (vp - 166ull) * MS_PER_DAY;
	return (vp - 192ull) * MS_PER_WEEK;
}

/* 9.2.3.12.3. */
static enum sip_tpdu_validity enhanced(const uint8_t vp[7], uint64_t *in_ms, bool *single_shot)
{
	unsigned hours = swapped(vp[1]), minutes = swapped(vp[2]), seconds = swapped(vp[3]);

	*single_shot = vp[0] & 0x40;
	if (vp[0] & 0x80) /* another indicator, which means nothing yet */
		return SIP_TPDU_VALIDITY_BAD;
	switch (vp[0] & 7) {
	case 0:
		return SIP_TPDU_VALIDITY_NONE;
	case 1:
		*in_ms = relative(vp[1]);
		return SIP_TPDU_VALIDITY_OK;
	case 2:
		*in_ms = vp[1] * MS_PER_S;
		return vp[1] > 0 ? SIP_TPDU_VALIDITY_OK : SIP_TPDU_VALIDITY_BAD;
	case 3:
		if (hours > 99 || minutes > 59 || seconds > 59)
			return SIP_TPDU_VALIDITY_BAD;
		*in_ms = hours * MS_PER_HOUR + minutes * MS_PER_MINUTE + seconds * MS_PER_S;
		return *in_ms > 0 ? SIP_TPDU_VALIDITY_OK : SIP_TPDU_VALIDITY_PAST;
	default:
		return SIP_TPDU_VALIDITY_BAD;
	}
}

static enum sip_tpdu_validity absolute(const uint8_t vp[7], struct now now, uint64_t *in_ms)
{
	uint64_t at;

	if (!sip_tpdu_time(vp, &at))
		return SIP_TPDU_VALIDITY_BAD;
	if (at <= now.wall_ms)
		return SIP_TPDU_VALIDITY_PAST;
	*in_ms = at - now.wall_ms;
	return SIP_TPDU_VALIDITY_OK;
}

enum sip_tpdu_validity sip_tpdu_validity(const struct sip_tpdu *t, struct now now, uint64_t *in_ms,
					 bool *single_shot)
{
	*single_shot = false;
	switch (t->vpf) {
	case SIP_TPDU_VP_NONE:
		break;
	case SIP_TPDU_VP_RELATIVE:
		*in_ms = relative(t->vp[0]);
		return SIP_TPDU_VALIDITY_OK;
	case SIP_TPDU_VP_ABSOLUTE:
		return absolute(t->vp, now, in_ms);
	case SIP_TPDU_VP_ENHANCED:
		return enhanced(t->vp, in_ms, single_shot);
	}
	return SIP_TPDU_VALIDITY_NONE;
}

void sip_tpdu_validity_set(struct sip_tpdu *t, uint64_t in_ms)
{
	unsigned vp = 0;

	while (vp < 255 && relative((uint8_t)vp) < in_ms)
		vp++;
	t->vpf = SIP_TPDU_VP_RELATIVE;
	t->vp[0] = (uint8_t)vp;
}
