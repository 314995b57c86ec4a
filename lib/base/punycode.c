#include "base/punycode.h"

#include "base/utf8.h"

/* RFC 3492, 5 */
#define BASE 36u
#define TMIN 1u
#define TMAX 26u
#define SKEW 38u
#define DAMP 700u
#define INITIAL_BIAS 72u
#define INITIAL_N 0x80u

#define PREFIX 4u /* of "xn--" */

struct label {
	uint32_t codes[PUNYCODE_LABEL_MAX];
	unsigned n;
};

/* 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
	return k <= bias + TMIN ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
}

static char digit_of(uint32_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + (value - 26));
}

/* BASE: it is none. */
static uint32_t value_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 26;
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a');
	return c >= 'A' && c <= 'Z' ? (uint32_t)(c - 'A') : BASE;
}

/* ---- to ASCII ---- */

static bool label_read(struct str text, struct label *l)
{
	struct cur c = cur_of(text.p, text.n);

	l->n = 0;
	while (cur_left(&c) > 0 && l->n < PUNYCODE_LABEL_MAX)
		l->codes[l->n++] = utf8_next(&c);
	return !c.failed && cur_left(&c) == 0;
}

/* A generalised variable-length integer (6.3). */
static void integer_put(struct put *w, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);

		if (delta < t)
			break;
		put_u8(w, (uint8_t)digit_of(t + (delta - t) % (BASE - t)));
		delta = (delta - t) / (BASE - t);
	}
	put_u8(w, (uint8_t)digit_of(delta));
}

/* The lowest character from n on. */
static uint32_t next_code(const struct label *l, uint32_t n)
{
	uint32_t lowest = UINT32_MAX;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->codes[i] >= n && l->codes[i] < lowest)
			lowest = l->codes[i];
	}
	return lowest;
}

/* With at most 63 characters no number passes 2^27. */
static void label_encode(struct put *w, const struct label *l)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
	unsigned basic = 0, done;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->codes[i] >= INITIAL_N)
			continue;
		put_u8(w, (uint8_t)l->codes[i]);
		basic++;
	}
	if (basic > 0)
		put_u8(w, '-');
	for (done = basic; done < l->n; n++, delta++) {
		uint32_t next = next_code(l, n);

		delta += (next - n) * (done + 1);
		n = next;
		for (unsigned i = 0; i < l->n; i++) {
			if (l->codes[i] < n)
				delta++;
			if (l->codes[i] != n)
				continue;
			integer_put(w, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
}

static bool is_ascii(struct str s)
{
	uint8_t all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (uint8_t)s.p[i];
	return all < 0x80;
}

static bool label_ascii_put(struct put *w, struct str text)
{
	size_t       before = put_size(w);
	struct label l;

	if (is_ascii(text)) {
		put_str(w, text);
		return !w->failed;
	}
	if (!label_read(text, &l)) {
		w->failed = true;
		return false;
	}
	put_str(w, STR("xn--"));
	label_encode(w, &l);
	w->failed |= put_size(w) - before > PUNYCODE_LABEL_MAX;
	return !w->failed;
}

/* ---- to UTF-8 ---- */

static bool integer_read(struct str *s, uint32_t bias, uint32_t *v)
{
	uint64_t value = 0, weight = 1;

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t digit = s->n > 0 ? value_of(s->p[0]) : BASE, t = threshold(k, bias);

		value += digit * weight;
		if (digit == BASE || value > UINT32_MAX / 2)
			return false;
		*s = str_skip(*s, 1);
		if (digit < t)
			break;
		weight *= BASE - t;
		if (weight > UINT32_MAX)
			return false;
	}
	*v = (uint32_t)value;
	return true;
}

/* Where the part of basic characters ends: at the last hyphen. */
static size_t basic_of(struct str s)
{
	size_t n = s.n;

	while (n > 0 && s.p[n - 1] != '-')
		n--;
	return n > 0 ? n - 1 : 0;
}

static bool label_decode(struct str s, struct label *l)
{
	uint32_t n = INITIAL_N, at = 0, bias = INITIAL_BIAS, delta;

	l->n = (unsigned)basic_of(s);
	for (unsigned i = 0; i < l->n; i++) {
		char c = s.p[i];

		l->codes[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	for (s = str_skip(s, l->n > 0 ? l->n + 1 : 0); s.n > 0; at++) {
		if (!integer_read(&s, bias, &delta) || l->n == PUNYCODE_LABEL_MAX)
			return false;
		bias = adapt(delta, l->n + 1, at == 0);
		delta += at;
		n += delta / (l->n + 1);
		if (n > 0x10ffff)
			return false;
		at = delta % (l->n + 1);
		memmove(&l->codes[at + 1], &l->codes[at], (l->n - at) * sizeof(l->codes[0]));
		l->codes[at] = n;
		l->n++;
	}
	return true;
}

bool punycode_label_put(struct put *w, struct str text)
{
	char         again[2 * PUNYCODE_LABEL_MAX * 5];
	struct put   check = put_to(again, sizeof(again)), before = *w;
	struct label l;
	uint32_t     highest = 0;

	if (text.n <= PREFIX || text.n > PUNYCODE_LABEL_MAX ||
	    !str_eq_nocase((struct str){text.p, PREFIX}, STR("xn--")) ||
	    !label_decode(str_skip(text, PREFIX), &l) || l.codes[0] == '-' ||
	    l.codes[l.n - 1] == '-') /* RFC 5891, 4.2.3.1 */
		return false;
	for (unsigned i = 0; i < l.n; i++) {
		highest = l.codes[i] > highest ? l.codes[i] : highest;
		utf8_put(w, l.codes[i]);
	}
	label_encode(&check, &l);
	if (!w->failed && highest >= INITIAL_N &&
	    str_eq_nocase((struct str){again, put_size(&check)}, str_skip(text, PREFIX)))
		return true;
	*w = before;
	return false;
}

/* ---- domains ---- */

static struct str label_of(struct str domain)
{
	const char *dot = domain.n > 0 ? memchr(domain.p, '.', domain.n) : NULL;

	return (struct str){domain.p, dot != NULL ? (size_t)(dot - domain.p) : domain.n};
}

bool punycode_ascii_put(struct put *w, struct str domain)
{
	for (;;) {
		struct str label = label_of(domain);

		if (!label_ascii_put(w, label))
			return false;
		if (label.n == domain.n)
			return true;
		put_u8(w, '.');
		domain = str_skip(domain, label.n + 1);
	}
}

bool punycode_unicode_put(struct put *w, struct str domain)
{
	for (;;) {
		struct str label = label_of(domain);

		if (!punycode_label_put(w, label))
			put_str(w, label);
		if (label.n == domain.n)
			return !w->failed;
		put_u8(w, '.');
		domain = str_skip(domain, label.n + 1);
	}
}
