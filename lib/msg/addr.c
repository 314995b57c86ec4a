#include "msg/addr.h"

#include <string.h>

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

static bool all_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	}
	return true;
}

static bool normal(struct addr_normal *a, enum addr_kind kind, struct str text, bool valid)
{
	size_t plus = kind == ADDR_E164;

	if (!valid || text.n > ADDR_NUMBER_SIZE_MAX)
		return false;
	a->kind = kind;
	a->size = plus + text.n;
	a->text[0] = '+';
	if (text.n > 0)
		memcpy(a->text + plus, text.p, text.n);
	return true;
}

bool addr_normalise(uint8_t ton, struct str digits, uint8_t default_ton, struct addr_normal *a)
{
	bool plus = str_starts(digits, STR("+"));

	if (digits.n == 0)
		return normal(a, ADDR_NONE, digits, true);
	if (ton == TON_UNKNOWN)
		ton = default_ton == TON_UNKNOWN ? TON_INTERNATIONAL : default_ton;
	if (ton >= TON_COUNT)
		return false;
	if (ton == TON_ALPHANUMERIC)
		return normal(a, ADDR_ALPHA, digits, all_printable(digits));
	digits = str_skip(digits, plus);
	if (plus || ton == TON_INTERNATIONAL)
		return normal(a, ADDR_E164, digits, all_digits(digits));
	return normal(a, ADDR_SHORT, digits, all_digits(digits));
}

bool addr_to_number(enum addr_kind kind, struct str text, struct addr_number *number)
{
	switch (kind) {
	case ADDR_NONE:
		*number = (struct addr_number){TON_UNKNOWN, NPI_UNKNOWN, {text.p, 0}};
		return true;
	case ADDR_E164:
		*number = (struct addr_number){TON_INTERNATIONAL, NPI_E164,
					       str_skip(text, str_starts(text, STR("+")))};
		break;
	case ADDR_SHORT:
		*number = (struct addr_number){TON_NETWORK, NPI_UNKNOWN, text};
		break;
	case ADDR_ALPHA:
		*number = (struct addr_number){TON_ALPHANUMERIC, NPI_UNKNOWN, text};
		break;
	case ADDR_URI:
	case ADDR_KIND_COUNT:
		return false;
	}
	return number->digits.n <= ADDR_NUMBER_SIZE_MAX;
}

enum addr_kind addr_kind_of(struct str text)
{
	if (text.n == 0)
		return ADDR_NONE;
	if (text.p[0] == '+' && all_digits(str_skip(text, 1)))
		return ADDR_E164;
	if (all_digits(text))
		return ADDR_SHORT;
	if (memchr(text.p, '@', text.n) != NULL || memchr(text.p, ':', text.n) != NULL)
		return ADDR_URI;
	return ADDR_ALPHA;
}
