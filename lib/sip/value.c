#include "sip/value.h"

#include "base/assert.h"
#include "base/date.h"
#include "sip/print.h"

bool sip_media_parse(struct str value, struct sip_media *media)
{
	struct cur c = sip_cur(value);

	if (str_eq(value, STR("text/plain;charset=UTF-8"))) { /* as most is */
		*media = (struct sip_media){
			{value.p, 4}, {value.p + 5, 5}, {value.p + 11, value.n - 11}};
		return true;
	}
	*media = (struct sip_media){STR(""), STR(""), STR("")};
	if (!sip_lex_token(&c, &media->type))
		return false;
	sip_lex_space(&c);
	if (!sip_lex_char(&c, '/'))
		return false;
	sip_lex_space(&c);
	if (!sip_lex_token(&c, &media->subtype))
		return false;
	return sip_params_rest(&c, &media->params) && sip_params_check(media->params);
}

bool sip_media_is(const struct sip_media *media, struct str type, struct str subtype)
{
	return sip_same(media->type, type) && sip_same(media->subtype, subtype);
}

bool sip_media_param(const struct sip_media *media, struct str name, struct str *value)
{
	struct sip_param p;

	if (!sip_param_find(media->params, name, &p) || !p.has_value)
		return false;
	*value = p.value;
	return true;
}

bool sip_seconds_parse(struct str value, uint32_t *seconds)
{
	struct cur c = sip_cur(value);

	if (!sip_lex_number(&c, seconds))
		return false;
	sip_lex_space(&c);
	return cur_left(&c) == 0 || sip_lex_peek(&c) == ';' || sip_lex_peek(&c) == '(';
}

bool sip_q_parse(struct str text, unsigned *thousandths)
{
	struct cur c = sip_cur(text);
	unsigned   scale = 100;
	uint8_t    whole = cur_u8(&c);

	if (c.failed || (whole != '0' && whole != '1'))
		return false;
	*thousandths = whole == '1' ? 1000 : 0;
	if (cur_left(&c) == 0)
		return true;
	if (!sip_lex_char(&c, '.') || cur_left(&c) > 3)
		return false;
	for (; cur_left(&c) > 0; scale /= 10) {
		uint8_t digit = cur_u8(&c);

		if (digit < '0' || digit > '9')
			return false;
		*thousandths += (unsigned)(digit - '0') * scale;
	}
	return *thousandths <= 1000;
}

bool sip_list_has(const struct sip_message *m, enum sip_header_id id, struct str token)
{
	struct sip_list l;
	struct str      element, one;

	if (m->first[id] == SIP_NO_SLOT)
		return false;
	for (sip_list_init(&l, m, id); sip_list_next(&l, &element);) {
		struct cur c = sip_cur(element);

		while (cur_left(&c) > 0 && sip_lex_token(&c, &one)) {
			if (sip_same(one, token))
				return true;
			sip_lex_space(&c);
			if (cur_left(&c) > 0)
				sip_lex_char(&c, ';');
			sip_lex_space(&c);
		}
	}
	return false;
}

/* ---- Date ---- */

static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days from 1970 to the first day of this month. */
static uint64_t days_before(unsigned year, unsigned month)
{
	static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	unsigned              past = year - 1;
	uint64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
	bool     leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return (year - 1970) * 365ull + leaps + before[month] + (leap && month > 1);
}

/* Exactly so many digits. */
static unsigned digits(struct cur *c, unsigned n)
{
	unsigned value = 0;

	for (unsigned i = 0; i < n; i++) {
		uint8_t b = cur_u8(c);

		if (b < '0' || b > '9')
			c->failed = true;
		value = value * 10 + (unsigned)(b - '0');
	}
	return value;
}

static unsigned name_of(struct cur *c, const char *names, unsigned count)
{
	const uint8_t *b = cur_bytes(c, 3);

	for (unsigned i = 0; b != NULL && i < count; i++) {
		if (memcmp(b, names + 3 * (size_t)i, 3) == 0)
			return i;
	}
	c->failed = true;
	return 0;
}

static void literal(struct cur *c, struct str text)
{
	const uint8_t *b = cur_bytes(c, text.n);

	if (b == NULL || memcmp(b, text.p, text.n) != 0)
		c->failed = true;
}

bool sip_date_parse(struct str value, uint64_t *seconds)
{
	struct cur c = sip_cur(value);
	unsigned   weekday, day, month, year, hour, minute, second;
	uint64_t   date;

	weekday = name_of(&c, days, 7);
	literal(&c, STR(", "));
	day = digits(&c, 2);
	literal(&c, STR(" "));
	month = name_of(&c, months, 12);
	literal(&c, STR(" "));
	year = digits(&c, 4);
	literal(&c, STR(" "));
	hour = digits(&c, 2);
	literal(&c, STR(":"));
	minute = digits(&c, 2);
	literal(&c, STR(":"));
	second = digits(&c, 2);
	literal(&c, STR(" GMT"));
	if (c.failed || cur_left(&c) > 0 || year < 1970 || hour > 23 || minute > 59 || second > 60)
		return false;
	date = days_before(year, month) + day - 1;
	if (day == 0 ||
	    date >= (month < 11 ? days_before(year, month + 1) : days_before(year + 1, 0)) ||
	    date % 7 != weekday)
		return false;
	*seconds = date * 86400 + hour * 3600ull + minute * 60ull + second;
	return true;
}

static void two_digits(char *to, unsigned number)
{
	to[0] = (char)('0' + number / 10);
	to[1] = (char)('0' + number % 10);
}

void sip_put_date(struct put *w, uint64_t seconds)
{
	static const char form[] = "Thu, 01 Jan 1970 00:00:00 GMT";
	uint64_t          day = seconds / 86400;
	unsigned          in_day = (unsigned)(seconds % 86400);
	struct date       d = date_of((int64_t)day);
	char             *to = (char *)put_reserve(w, sizeof(form) - 1);

	ASSERT(seconds < SIP_DATE_END);
	if (to == NULL)
		return;
	memcpy(to, form, sizeof(form) - 1);
	memcpy(to, days + day % 7 * 3, 3);
	two_digits(to + 5, d.day);
	memcpy(to + 8, months + 3 * (size_t)(d.month - 1), 3);
	two_digits(to + 12, (unsigned)d.year / 100);
	two_digits(to + 14, (unsigned)d.year % 100);
	two_digits(to + 17, in_day / 3600);
	two_digits(to + 20, in_day / 60 % 60);
	two_digits(to + 23, in_day % 60);
}

void sip_put_date_again(struct put *w, uint64_t seconds, struct sip_date *last)
{
	struct put text = put_to(last->text, sizeof(last->text));

	if (last->seconds != seconds || last->text[0] == 0) {
		sip_put_date(&text, seconds);
		last->seconds = seconds;
	}
	put_bytes(w, last->text, sizeof(last->text));
}

/* ---- Digest ---- */

static const struct str digest_names[SIP_DIGEST_COUNT] = {
#define SIP_DIGEST(id, name) [SIP_DIGEST_##id] = {name, sizeof(name) - 1},
#include "sip/digest.def"
#undef SIP_DIGEST
};

static bool auth_param(struct sip_auth *auth, struct str name, struct str value, bool quoted)
{
	for (unsigned i = 0; i < SIP_DIGEST_COUNT; i++) {
		if (!sip_same(name, digest_names[i]))
			continue;
		if (auth->has[i])
			return false;
		auth->has[i] = true;
		auth->quoted[i] = quoted;
		auth->field[i] = value;
	}
	return true;
}

/* name "=" (token | quoted), parted by commas. */
static bool auth_params(struct cur *c, struct sip_auth *auth)
{
	struct str name, value;
	bool       quoted;

	for (;;) {
		if (!sip_lex_token(c, &name))
			return false;
		sip_lex_space(c);
		if (!sip_lex_char(c, '='))
			return false;
		sip_lex_space(c);
		quoted = sip_lex_peek(c) == '"';
		if (quoted ? !sip_lex_quoted(c, &value) : !sip_lex_token(c, &value))
			return false;
		if (auth->digest && !auth_param(auth, name, value, quoted))
			return false;
		sip_lex_space(c);
		if (cur_left(c) == 0)
			return true;
		if (!sip_lex_char(c, ','))
			return false;
		sip_lex_space(c);
	}
}

bool sip_auth_parse(struct str value, struct sip_auth *auth)
{
	struct cur c = sip_cur(value);

	memset(auth, 0, sizeof(*auth));
	if (!sip_lex_token(&c, &auth->scheme))
		return false;
	auth->digest = sip_same(auth->scheme, STR("Digest"));
	if (!auth->digest)
		return true; /* its parameters are its own affair */
	sip_lex_space(&c);
	return auth_params(&c, auth);
}

bool sip_auth_info_parse(struct str value, struct sip_auth *auth)
{
	struct cur c = sip_cur(value);

	memset(auth, 0, sizeof(*auth));
	auth->scheme = STR("");
	auth->digest = true;
	return auth_params(&c, auth);
}
