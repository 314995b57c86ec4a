/* Which characters may stand in the strings of PRECIS and IDNA, one by one and in their context. */
#include <uninorm.h>
#include <unictype.h>

#include "xmpp/precis_private.h"

enum verdict { ALLOWED, REFUSED, DERIVED };

/* RFC 5892, 2.6: what the general rules would get wrong. */
static enum verdict exception(uint32_t c)
{
	switch (c) {
	case 0xdf:
	case 0x3c2:
	case 0x6fd:
	case 0x6fe:
	case 0xf0b:
	case 0x3007:
		return ALLOWED;
	case 0x640:
	case 0x7fa:
	case 0x302e:
	case 0x302f:
	case 0x3031:
	case 0x3032:
	case 0x3033:
	case 0x3034:
	case 0x3035:
	case 0x303b:
		return REFUSED;
	default:
		return DERIVED;
	}
}

static bool old_hangul_jamo(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97c) ||
	       (c >= 0xd7b0 && c <= 0xd7fb);
}

static bool has_compatible(uint32_t c)
{
	uint32_t room[32];
	size_t   n = sizeof(room) / sizeof(room[0]);

	return u32_normalize(UNINORM_NFKC, &c, 1, room, &n) != room || n != 1 || room[0] != c;
}

static bool letter_digit(uint32_t c)
{
	return uc_is_general_category_withtable(
		c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo |
			   UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Mn |
			   UC_CATEGORY_MASK_Mc);
}

static bool free_only(uint32_t c)
{
	return uc_is_general_category_withtable(
		c, UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No |
			   UC_CATEGORY_MASK_Me | UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S |
			   UC_CATEGORY_MASK_P);
}

/* RFC 8264, 8, in its order. */
static bool derived(uint32_t c, enum xmpp_class class)
{
	if (uc_is_property_unassigned_code_value(c))
		return false;
	if (c > 0x20 && c < 0x7f)
		return true;
	if (old_hangul_jamo(c) || uc_is_property_default_ignorable_code_point(c) ||
	    uc_is_property_not_a_character(c) ||
	    uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc))
		return false;
	if (has_compatible(c))
		return class == XMPP_CLASS_FREEFORM;
	return letter_digit(c) || (class == XMPP_CLASS_FREEFORM && free_only(c));
}

static bool virama_before(const uint32_t *codes, size_t at)
{
	return at > 0 && uc_combining_class(codes[at - 1]) == UC_CCC_VR;
}

/* RFC 5892, A.1: (L|D) T* ZWNJ T* (R|D). */
static bool joins(const uint32_t *codes, size_t n, size_t at)
{
	size_t before = at, after = at + 1;
	int    left, right;

	while (before > 0 && uc_joining_type(codes[before - 1]) == UC_JOINING_TYPE_T)
		before--;
	while (after < n && uc_joining_type(codes[after]) == UC_JOINING_TYPE_T)
		after++;
	if (before == 0 || after == n)
		return false;
	left = uc_joining_type(codes[before - 1]);
	right = uc_joining_type(codes[after]);
	return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
	       (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

static bool of_script(uint32_t c, const char *name)
{
	const uc_script_t *script = uc_script(c);

	return script != NULL && script == uc_script_byname(name);
}

static bool has_japanese(const uint32_t *codes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (of_script(codes[i], "Hiragana") || of_script(codes[i], "Katakana") ||
		    of_script(codes[i], "Han"))
			return true;
	}
	return false;
}

static bool has_between(const uint32_t *codes, size_t n, uint32_t low, uint32_t high)
{
	for (size_t i = 0; i < n; i++) {
		if (codes[i] >= low && codes[i] <= high)
			return true;
	}
	return false;
}

/* RFC 5892, A. DERIVED: no rule of context is for this one. */
static enum verdict in_context(const uint32_t *codes, size_t n, size_t at)
{
	uint32_t c = codes[at];
	bool     holds;

	if (c == 0x200c)
		holds = virama_before(codes, at) || joins(codes, n, at);
	else if (c == 0x200d)
		holds = virama_before(codes, at);
	else if (c == 0xb7)
		holds = at > 0 && at + 1 < n && codes[at - 1] == 'l' && codes[at + 1] == 'l';
	else if (c == 0x375)
		holds = at + 1 < n && of_script(codes[at + 1], "Greek");
	else if (c == 0x5f3 || c == 0x5f4)
		holds = at > 0 && of_script(codes[at - 1], "Hebrew");
	else if (c == 0x30fb)
		holds = has_japanese(codes, n);
	else if (c >= 0x660 && c <= 0x669)
		holds = !has_between(codes, n, 0x6f0, 0x6f9);
	else if (c >= 0x6f0 && c <= 0x6f9)
		holds = !has_between(codes, n, 0x660, 0x669);
	else
		return DERIVED;
	return holds ? ALLOWED : REFUSED;
}

bool xmpp_codes_of_class(const uint32_t *codes, size_t n, enum xmpp_class class)
{
	for (size_t i = 0; i < n; i++) {
		enum verdict verdict = exception(codes[i]);

		if (verdict == DERIVED)
			verdict = in_context(codes, n, i);
		if (verdict == DERIVED)
			verdict = derived(codes[i], class) ? ALLOWED : REFUSED;
		if (verdict == REFUSED)
			return false;
	}
	return true;
}

#define BIT(bidi) (1u << (bidi))
#define EITHER_WAY                                                                                 \
	(BIT(UC_BIDI_EN) | BIT(UC_BIDI_ES) | BIT(UC_BIDI_CS) | BIT(UC_BIDI_ET) | BIT(UC_BIDI_ON) | \
	 BIT(UC_BIDI_BN) | BIT(UC_BIDI_NSM))
#define FROM_RIGHT (BIT(UC_BIDI_R) | BIT(UC_BIDI_AL))

static unsigned bidi_bit(uint32_t c)
{
	return BIT((unsigned)uc_bidi_class(c));
}

bool xmpp_codes_bidi(const uint32_t *codes, size_t n)
{
	unsigned all = 0, first, last;
	size_t   end = n;

	for (size_t i = 0; i < n; i++)
		all |= bidi_bit(codes[i]);
	if (n == 0 || !(all & (FROM_RIGHT | BIT(UC_BIDI_AN))))
		return true;
	while (end > 1 && uc_bidi_class(codes[end - 1]) == UC_BIDI_NSM)
		end--;
	first = bidi_bit(codes[0]);
	last = bidi_bit(codes[end - 1]);
	if (first & FROM_RIGHT)
		return !(all & ~(FROM_RIGHT | BIT(UC_BIDI_AN) | EITHER_WAY)) &&
		       (last & (FROM_RIGHT | BIT(UC_BIDI_EN) | BIT(UC_BIDI_AN))) &&
		       (all & (BIT(UC_BIDI_EN) | BIT(UC_BIDI_AN))) !=
			       (BIT(UC_BIDI_EN) | BIT(UC_BIDI_AN));
	return false; /* one from left to right has none of those */
}
