/* Days of the Gregorian calendar, years from 1970 on. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/put.h"

/* Days from 1970-01-01; months are counted from March, so that the leap day comes last. */
static inline int64_t date_days(int64_t year, unsigned month, unsigned day)
{
	int64_t  y = month <= 2 ? year - 1 : year;
	unsigned since_march = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * since_march + 2) / 5 + day - 1 - 719468;
}

static inline bool date_valid(int64_t year, unsigned month, unsigned day)
{
	unsigned next = month == 12 ? 1 : month + 1;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return (int64_t)day <=
	       date_days(month == 12 ? year + 1 : year, next, 1) - date_days(year, month, 1);
}

struct date {
	int64_t  year;
	unsigned month, day;
};

/* The date of a day since 1970-01-01. */
static inline struct date date_of(int64_t days)
{
	struct date d = {1970 + days / 366, 1, 0};

	while (date_days(d.year + 1, 1, 1) <= days)
		d.year++;
	d.month += (unsigned)((days - date_days(d.year, 1, 1)) / 32); /* that one, or one before */
	while (d.month < 12 && date_days(d.year, d.month + 1, 1) <= days)
		d.month++;
	d.day = (unsigned)(days - date_days(d.year, d.month, 1)) + 1;
	return d;
}

/* A moment as RFC 3339 has it, in UTC: "2026-09-21T14:13:20Z". */
#define DATE_TEXT_SIZE 20u
static inline void date_put(struct put *w, uint64_t wall_ms)
{
	struct date d = date_of((int64_t)(wall_ms / 86400000));
	unsigned    second = (unsigned)(wall_ms / 1000 % 86400);

	put_digits(w, (uint32_t)d.year, 4);
	put_u8(w, '-');
	put_digits(w, d.month, 2);
	put_u8(w, '-');
	put_digits(w, d.day, 2);
	put_u8(w, 'T');
	put_digits(w, second / 3600, 2);
	put_u8(w, ':');
	put_digits(w, second / 60 % 60, 2);
	put_u8(w, ':');
	put_digits(w, second % 60, 2);
	put_u8(w, 'Z');
}
