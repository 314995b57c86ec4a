#include "xmpp/precis.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/punycode.h"
#include "base/utf8.h"
#include "xmpp/precis_private.h"

#define LABEL_MAX 63u       /* RFC 1035, 2.3.4, in ASCII; of other labels in bytes */
#define COMBINING_MAX 30u   /* in a row; UAX 15, "Stream-Safe Text Format" */
#define LOCAL_EXCLUDED 1u   /* RFC 7622, 3.3.1 */
#define LOCAL_CAPITAL 0x20u /* the bit that makes it small */

/* What may not stand in a localpart, and what is mapped to small; beyond ASCII it is not looked up.
 */
static const uint8_t local_classes[256] = {
	[0 ... ' '] = LOCAL_EXCLUDED,  ['"'] = LOCAL_EXCLUDED,           ['&'] = LOCAL_EXCLUDED,
	['\''] = LOCAL_EXCLUDED,       ['/'] = LOCAL_EXCLUDED,           [':'] = LOCAL_EXCLUDED,
	['<'] = LOCAL_EXCLUDED,        ['>'] = LOCAL_EXCLUDED,           ['@'] = LOCAL_EXCLUDED,
	['A' ... 'Z'] = LOCAL_CAPITAL, [0x7f ... 0xff] = LOCAL_EXCLUDED,
};

static bool is_ascii(struct str s)
{
	uint8_t all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (uint8_t)s.p[i];
	return all < 0x80;
}

static bool fail(struct put *w)
{
	w->failed = true;
	return false;
}

/* Its characters; false: not UTF-8, or too many, or a heap of marks on one letter. */
static bool decode(struct str text, uint32_t codes[XMPP_CODES_MAX], size_t *n)
{
	struct cur c = cur_of(text.p, text.n);
	unsigned   marks = 0;

	*n = 0;
	while (cur_left(&c) > 0 && *n < XMPP_CODES_MAX && marks <= COMBINING_MAX) {
		uint32_t code = utf8_next(&c);

		codes[(*n)++] = code;
		marks = uc_combining_class(code) != 0 ? marks + 1 : 0;
	}
	return !c.failed && cur_left(&c) == 0 && marks <= COMBINING_MAX;
}

/* Wide and narrow forms as what they are forms of (RFC 8265, 3.3.2, step 1). */
static void map_width(uint32_t *codes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ucs4_t to[UC_DECOMPOSITION_MAX_LENGTH];
		int    tag;

		if (uc_decomposition(codes[i], &tag, to) == 1 &&
		    (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			codes[i] = to[0];
	}
}

/* To small letters, and NFC. False: it did not fit. */
static bool fold(uint32_t codes[XMPP_CODES_ROOM], size_t *n, bool small)
{
	uint32_t  room[XMPP_CODES_ROOM];
	size_t    size = XMPP_CODES_ROOM;
	uint32_t *from = codes;

	if (small) {
		from = u32_tolower(codes, *n, NULL, NULL, room, &size);
		if (from != room)
			return false;
		*n = size;
	}
	size = XMPP_CODES_ROOM;
	if (small) {
		from = u32_normalize(UNINORM_NFC, room, *n, codes, &size);
		*n = size;
		return from == codes;
	}
	from = u32_normalize(UNINORM_NFC, codes, *n, room, &size);
	if (from != room)
		return false;
	memcpy(codes, room, size * sizeof(room[0]));
	*n = size;
	return true;
}

/* False: it has no character, or more bytes than a part may have. */
static bool put_codes(struct put *w, const uint32_t *codes, size_t n)
{
	size_t before = put_size(w);

	for (size_t i = 0; i < n && !w->failed; i++)
		utf8_put(w, codes[i]);
	if (n == 0 || put_size(w) - before > XMPP_PART_SIZE_MAX)
		return fail(w);
	return !w->failed;
}

static bool username_far(struct put *w, struct str text)
{
	uint32_t codes[XMPP_CODES_ROOM];
	size_t   n;

	if (!decode(text, codes, &n))
		return fail(w);
	map_width(codes, n);
	if (!fold(codes, &n, true) || !xmpp_codes_of_class(codes, n, XMPP_CLASS_IDENTIFIER) ||
	    !xmpp_codes_bidi(codes, n))
		return fail(w);
	for (size_t i = 0; i < n; i++) {
		if (codes[i] < 0x80 && local_classes[codes[i]] == LOCAL_EXCLUDED)
			return fail(w);
	}
	return put_codes(w, codes, n);
}

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool xmpp_username_put(struct put *w, struct str text)
{
	unsigned all = 0;
	uint8_t *to;

	if (text.n == 0 || text.n > XMPP_PART_SIZE_MAX)
		return fail(w);
	if (!is_ascii(text))
		return username_far(w, text);
	to = put_reserve(w, text.n);
	if (to == NULL)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i], class = local_classes[c];

		all |= class;
		to[i] = c | (class & LOCAL_CAPITAL);
	}
	return (all & LOCAL_EXCLUDED) == 0 || fail(w);
}

static bool opaque_far(struct put *w, struct str text)
{
	uint32_t codes[XMPP_CODES_ROOM];
	size_t   n;

	if (!decode(text, codes, &n))
		return fail(w);
	for (size_t i = 0; i < n; i++) {
		if (uc_is_general_category_withtable(codes[i], UC_CATEGORY_MASK_Zs))
			codes[i] = ' ';
	}
	if (!fold(codes, &n, false) || !xmpp_codes_of_class(codes, n, XMPP_CLASS_FREEFORM))
		return fail(w);
	return put_codes(w, codes, n);
}

bool xmpp_opaque_put(struct put *w, struct str text)
{
	if (text.n == 0 || text.n > XMPP_PART_SIZE_MAX)
		return fail(w);
	if (!is_ascii(text))
		return opaque_far(w, text);
	for (size_t i = 0; i < text.n; i++) {
		if ((uint8_t)text.p[i] < ' ' || text.p[i] == 0x7f)
			return fail(w);
	}
	put_str(w, text);
	return !w->failed;
}

static bool letter_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 1123, 2.1. */
static bool label_ascii(struct put *w, struct str label)
{
	uint8_t *to = put_reserve(w, label.n);

	if (to == NULL)
		return false;
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = small((uint8_t)label.p[i]);

		if (!letter_or_digit(c) && (c != '-' || i == 0 || i + 1 == label.n))
			return fail(w);
		to[i] = c;
	}
	return true;
}

/* RFC 5891, 4.2, after the mapping of RFC 5895, 2. */
static bool label_far(struct put *w, struct str label)
{
	uint32_t codes[XMPP_CODES_ROOM];
	size_t   n, before = put_size(w);

	if (!decode(label, codes, &n))
		return fail(w);
	map_width(codes, n);
	if (!fold(codes, &n, true) || n == 0 || codes[0] == '-' || codes[n - 1] == '-' ||
	    (n >= 4 && codes[2] == '-' && codes[3] == '-') || uc_combining_class(codes[0]) != 0 ||
	    !xmpp_codes_of_class(codes, n, XMPP_CLASS_IDENTIFIER) || !xmpp_codes_bidi(codes, n))
		return fail(w);
	for (size_t i = 0; i < n; i++) {
		if (codes[i] < 0x80 && codes[i] != '-' && !letter_or_digit((uint8_t)codes[i]))
			return fail(w);
	}
	/* A small letter can have more bytes than its capital. */
	return put_codes(w, codes, n) && put_size(w) - before <= LABEL_MAX ? true : fail(w);
}

/* Labels of IDNA are converted to what they stand for (RFC 7622, 3.2.1), which must be in normal
 * form. */
static bool label_put(struct put *w, struct str label)
{
	char        room[4 * PUNYCODE_LABEL_MAX];
	struct put  far = put_to(room, sizeof(room));
	const char *start = (const char *)w->p;
	struct str  text;

	if (!is_ascii(label))
		return label_far(w, label);
	if (label.n < 4 || !str_eq_nocase((struct str){label.p, 4}, STR("xn--")))
		return label_ascii(w, label);
	if (!punycode_label_put(&far, label))
		return fail(w);
	text = (struct str){room, put_size(&far)};
	return label_far(w, text) &&
			       str_eq((struct str){start, (size_t)((const char *)w->p - start)},
				      text)
		       ? true
		       : fail(w);
}

/* An address of IPv6 in brackets (RFC 3986, 3.2.2); its form is not looked into further. */
static bool literal_put(struct put *w, struct str text)
{
	if (text.n < 4 || text.n > 47 || text.p[text.n - 1] != ']')
		return fail(w);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = small((uint8_t)text.p[i]);

		if (i > 0 && i + 1 < text.n && str_hex((char)c) < 0 && c != ':' && c != '.')
			return fail(w);
		put_u8(w, c);
	}
	return !w->failed;
}

bool xmpp_domain_put(struct put *w, struct str text)
{
	size_t before = put_size(w);

	if (text.n > 1 && text.p[text.n - 1] == '.')
		text.n--; /* RFC 7622, 3.2 */
	if (text.n == 0 || text.n > XMPP_PART_SIZE_MAX)
		return fail(w);
	if (text.p[0] == '[')
		return literal_put(w, text);
	for (bool last = false; !last;) {
		const char *dot = memchr(text.p, '.', text.n);
		struct str  label = {text.p, dot != NULL ? (size_t)(dot - text.p) : text.n};

		if (label.n == 0 || label.n > LABEL_MAX || !label_put(w, label))
			return fail(w);
		last = dot == NULL;
		if (!last)
			put_u8(w, '.');
		text = str_skip(text, label.n + 1);
	}
	return put_size(w) - before <= XMPP_PART_SIZE_MAX ? !w->failed : fail(w);
}
