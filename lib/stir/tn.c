/* Telephone numbers as PASSporTs have them. */
#include "stir/passport.h"

static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

struct str stir_tn(struct str number, char room[STIR_TN_MAX])
{
	size_t n = 0;

	number = str_skip(number, str_starts(number, STR("+")));
	for (size_t i = 0; i < number.n; i++) {
		char c = number.p[i];

		if (is_separator(c))
			continue;
		if (!((c >= '0' && c <= '9') || c == '*' || c == '#') || n == STIR_TN_MAX)
			return STR("");
		room[n++] = c;
	}
	return (struct str){room, n};
}

bool stir_tn_same(struct str a, struct str b)
{
	char       one[STIR_TN_MAX], other[STIR_TN_MAX];
	struct str x = stir_tn(a, one), y = stir_tn(b, other);

	return x.n > 0 && str_eq(x, y);
}
