#include "base/aor_map.h"

#include "base/punycode.h"
#include "base/utf8.h"

#define USER_MAX 1023u

/* What the two digits after a backslash stand for; 0: they do not. */
static char escaped(struct str s)
{
	static const char codes[] = " \"&'/:<>@\\";
	int               high = s.n >= 3 ? str_hex(s.p[1]) : -1;
	int               low = s.n >= 3 ? str_hex(s.p[2]) : -1;
	char              c = high >= 0 && low >= 0 ? (char)(high << 4 | low) : 0;

	return s.n >= 3 && s.p[0] == '\\' && c != 0 && strchr(codes, c) != NULL ? c : 0;
}

bool aor_escape_put(struct put *w, struct str text)
{
	static const char digits[] = "0123456789abcdef";

	if (text.n == 0 || text.p[0] == ' ' || text.p[text.n - 1] == ' ')
		w->failed = true;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\\' ? escaped(str_skip(text, i)) != 0
			      : c != 0 && strchr(" \"&'/:<>@", c) != NULL) {
			put_u8(w, '\\');
			put_u8(w, (uint8_t)digits[(uint8_t)c >> 4]);
			put_u8(w, (uint8_t)digits[c & 15]);
		} else {
			put_u8(w, (uint8_t)c);
		}
	}
	return !w->failed;
}

void aor_unescape_put(struct put *w, struct str local)
{
	for (size_t i = 0; i < local.n; i++) {
		char c = escaped(str_skip(local, i));

		put_u8(w, (uint8_t)(c != 0 ? c : local.p[i]));
		i += c != 0 ? 2 : 0;
	}
}

/* ---- the user ---- */

static void percent_put(struct put *w, struct str user)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < user.n; i++) {
		uint8_t b = (uint8_t)user.p[i];

		if (aor_is_plain(user.p[i])) {
			put_u8(w, b);
			continue;
		}
		put_u8(w, '%');
		put_u8(w, (uint8_t)digits[b >> 4]);
		put_u8(w, (uint8_t)digits[b & 15]);
	}
}

static void unpercent_put(struct put *w, struct str user)
{
	for (size_t i = 0; i < user.n; i++) {
		bool escape = user.p[i] == '%' && user.n - i >= 3;
		int  high = escape ? str_hex(user.p[i + 1]) : -1;
		int  low = escape ? str_hex(user.p[i + 2]) : -1;

		put_u8(w, high >= 0 && low >= 0 ? (uint8_t)(high << 4 | low) : (uint8_t)user.p[i]);
		i += high >= 0 && low >= 0 ? 2 : 0;
	}
}

static bool is_text(struct str s)
{
	struct cur c = cur_of(s.p, s.n);
	bool       control = false;

	while (cur_left(&c) > 0) {
		uint32_t code = utf8_next(&c);

		control |= code < ' ' || code == 0x7f;
	}
	return !c.failed && !control;
}

static bool user_put(struct put *w, const struct aor *a, bool to_sip)
{
	char       room[USER_MAX];
	struct put plain = put_to(room, sizeof(room));
	struct str text;

	if (to_sip)
		aor_unescape_put(&plain, a->user);
	else
		unpercent_put(&plain, a->user);
	text = (struct str){room, put_size(&plain)};
	if (plain.failed || !is_text(text))
		return false;
	if (to_sip)
		percent_put(w, text);
	return to_sip ? !w->failed : aor_escape_put(w, text);
}

/* Need nothing be done? */
static bool is_written_so(const struct aor *a, struct str scheme)
{
	struct aor as = {scheme, a->user, a->domain};

	return str_eq_nocase(a->scheme, scheme) || (a->scheme.n == 0 && aor_has_user_of(&as));
}

bool aor_map_put(struct put *w, const struct aor *a, struct str scheme)
{
	bool   to_sip = str_eq(scheme, STR("sip"));
	size_t before;

	if (a->user.n > 0) {
		if (is_written_so(a, scheme))
			put_str(w, a->user);
		else if (!user_put(w, a, to_sip))
			return false;
		put_u8(w, '@');
	}
	before = put_size(w);
	return (to_sip ? punycode_ascii_put(w, a->domain) : punycode_unicode_put(w, a->domain)) &&
	       put_size(w) - before <= AOR_DOMAIN_MAX;
}
