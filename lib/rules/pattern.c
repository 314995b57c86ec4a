#include "rules/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "rules/language.h"

#define REPEAT_MAX                                                                                 \
	1000u /* Hyperscan's time to compile grows with its square: 2 s here, 30 s at five times   \
	       */

/* What is in a pattern that decides how it must be compiled. */
struct traits {
	bool wide;      /* characters beyond ASCII */
	bool wide_unit; /* such a character in a class or before a quantifier: bytes would not do */
	bool caseless;  /* (?i) somewhere */
	bool unicode;   /* what reads a whole character: a dot, [^...], \w, \p and the like */
	bool boundary;  /* \b or \B */
	bool repeat;    /* {n,m} with a number above REPEAT_MAX */
	bool verb;      /* (*UTF8) and the like */
};

static bool quantifier(char c)
{
	return c == '*' || c == '+' || c == '?' || c == '{';
}

/* Of a dot or [^...] in front of p: any number of characters is the same as any number of bytes; a
 * fixed number is not. */
static bool counts_characters(const char *p)
{
	return *p != '*';
}

/* After a backslash; escapes that are the same for bytes and characters are few and are named. */
static const char *skip_escape(const char *p, struct traits *t, bool in_class)
{
	char c = *p;

	if (c == '\0')
		return p;
	if ((c == 'b' || c == 'B') && !in_class)
		t->boundary = true;
	else if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		 strchr("nrtfeaAzZb", c) == NULL)
		t->unicode = true;
	if ((unsigned char)c >= 0x80)
		t->wide = t->wide_unit = true;
	p++;
	if (*p == '{' && strchr("xopP", c) != NULL) /* \x{20ac}: not a quantifier */
		p += strcspn(p, "}");
	return p;
}

/* Of {n} or {n,m}, after its brace: is a number too high? Anything else stands for itself. */
static bool repeats_too_often(const char *p)
{
	char         *end;
	unsigned long n = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0, m = n;

	if (!isdigit((unsigned char)*p))
		return false;
	if (*end == ',')
		m = strtoul(end + 1, &end, 10);
	return *end == '}' && (n > REPEAT_MAX || m > REPEAT_MAX);
}

/* After the opening bracket. */
static const char *skip_class(const char *p, struct traits *t)
{
	bool negated = *p == '^';

	if (negated)
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		if (*p == '\\') {
			p = skip_escape(p + 1, t, true);
			continue;
		}
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '='))
			t->unicode = true;
		if ((unsigned char)*p >= 0x80)
			t->wide = t->wide_unit = true;
		p++;
	}
	if (*p == ']')
		p++;
	if (negated && counts_characters(p))
		t->unicode = true;
	return p;
}

/* After an opening parenthesis. */
static const char *skip_group(const char *p, struct traits *t)
{
	if (*p == '*')
		t->verb = true;
	if (*p != '?')
		return p;
	for (p++; *p != '\0' && *p != ')' && *p != ':'; p++) {
		if (*p == 'i')
			t->caseless = true;
		else if (strchr("sm-", *p) == NULL)
			t->unicode =
				true; /* names, comments, looks: left to Hyperscan as characters */
	}
	return p;
}

static const char *skip_wide(const char *p, struct traits *t)
{
	t->wide = true;
	while (((unsigned char)*p & 0xc0) == 0x80)
		p++;
	if (quantifier(*p))
		t->wide_unit = true;
	return p;
}

static struct traits look(const char *p)
{
	struct traits t = {0};

	while (*p != '\0') {
		unsigned char c = (unsigned char)*p++;

		if (c == '\\')
			p = skip_escape(p, &t, false);
		else if (c == '[')
			p = skip_class(p, &t);
		else if (c == '(')
			p = skip_group(p, &t);
		else if (c == '{')
			t.repeat |= repeats_too_often(p);
		else if (c == '.' && counts_characters(p))
			t.unicode = true;
		else if (c >= 0x80)
			p = skip_wide(p, &t);
	}
	return t;
}

/*
 * Texts are valid UTF-8, addresses are bytes (an alphanumeric sender may hold anything, and
 * Hyperscan must not see invalid UTF-8 in UTF-8 mode). Unicode costs scan time, so it is asked for
 * only where bytes would give another answer.
 */
static bool choose_flags(struct pattern *p, char fault[400])
{
	struct traits t = look(p->text);
	bool          unit = t.wide_unit || (t.wide && t.caseless);

	p->flags = HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL;
	if (t.verb) {
		snprintf(fault, 400,
			 "the pattern has a verb, (*...); leave it out: texts are always read as "
			 "UTF-8");
		return false;
	}
	if (t.repeat) {
		snprintf(fault, 400,
			 "the pattern has {n,m} with a number above %u; write *, + or a smaller "
			 "number",
			 REPEAT_MAX);
		return false;
	}
	if (p->field != RULES_FIELD_TEXT) {
		if (unit)
			snprintf(
				fault, 400,
				"has letters beyond ASCII in a class, with a quantifier or without "
				"regard to case, but addresses are read as bytes; write them out, "
				"as in (?:\xc3\xa5|\xc3\xa4)");
		return !unit;
	}
	if (unit || t.unicode)
		p->flags |= HS_FLAG_UTF8 | (t.boundary ? 0 : HS_FLAG_UCP);
	return true;
}

/* What Hyperscan says, in part; what it means; what to do. The first that fits. */
static const struct {
	const char *part, *meaning, *remedy;
} sayings[] = {
	{"matches empty buffer", "also matches where nothing is",
	 "make a part of it necessary (+ in place of *)"},
	{"can never match", "can never match", "look at where ^, $ and \\b stand"},
	{"Value in", "has a character number that is not possible",
	 "write \\x{HEX}, at most \\x{10ffff}"},
	{"too large", "is too large", "make its {n,m} smaller, or several patterns of it"},
	{"too big", "has a number that is too big", "make its {n,m} smaller"},
	{"Resource limit", "is too large", "make its {n,m} smaller, or several patterns of it"},
	{"onditional", "has a condition (?(...)...)", "write the cases as (?:one|other)"},
	{"Back-reference", "refers back to a group", "write out what the group may be"},
	{"nvalid back reference", "refers to a group that is not there", "leave out the reference"},
	{"nvalid reference", "refers to a group that is not there", "leave out the reference"},
	{"eference", "refers to a group", "write out what the group may be"},
	{"recursion", "refers to itself", "write out as many levels as are needed"},
	{"subroutine", "refers to another group", "write the group out again"},
	{"Zero-width assertions", "looks ahead or behind, as (?=...) does",
	 "make a pattern of that part and join the two by all or not"},
	{"Atomic groups", "has an atomic group (?>...)", "write (?:...) instead"},
	{"Possessive", "has a possessive quantifier (*+, ++, ?+)", "leave out its last +"},
	{"Embedded start anchors", "has ^ where no match begins",
	 "put ^ at the start, or write \\^ for the character"},
	{"Embedded end anchors", "has $ where no match ends",
	 "put $ at the end, or write \\$ for the character"},
	{"Embedded anchors", "has ^ or $ in the middle",
	 "put them at the ends, or write \\^ and \\$ for the characters"},
	{"Missing close parenthesis", "has a ( without its )",
	 "close the group, or write \\( for the character"},
	{"Unmatched parentheses", "has a ) without its (",
	 "open the group, or write \\) for the character"},
	{"Unterminated character class", "has a [ without its ]",
	 "close the class, or write \\[ for the character"},
	{"Unescaped \\ at end", "ends in a \\", "write \\\\ for the character"},
	{"Range out of order", "has a range in [...] that goes backwards",
	 "exchange its ends, or write \\- for the character"},
	{"Invalid range", "has a range in [...] without an end",
	 "give it an end, or write \\- for the character"},
	{"Invalid repeat",
	 "has a quantifier that does not follow what it could repeat, or {n,m} with n above m",
	 "exchange the numbers, or put \\ before the character"},
	{"Unrecognised character after (?", "has an unknown kind of group",
	 "write (?:...) or, for the characters, \\(\\?"},
	{"Unknown property", "has an unknown Unicode property",
	 "write one of Unicode's, as \\p{L} or \\p{Greek}"},
	{"POSIX named class", "has a class name like [:alpha:] that is unknown or stands alone",
	 "write it as [[:alpha:]]"},
	{"POSIX", "has a collating element", "write the characters out"},
	{"in UCP mode", "joins \\b or \\B with Unicode classes", "leave out one of them"},
	{"Group name", "has a group name that begins with a digit",
	 "begin it with a letter, or leave it out"},
	{"wo named", "has two groups of one name", "rename one"},
	{"Callout", "has a callout (?C)", "leave it out"},
	{"Pattern length exceeds", "is too long", "make several patterns of it"},
	{"not supported", "has something that is not offered", "write it in another way"},
	{"unsupported", "has something that is not offered", "write it in another way"},
};

/* "index 5" in the message, as a person counts: characters, from 1; with what stands there. */
static void say_where(const char *pattern, const char *message, char where[80])
{
	const char   *index = strstr(message, "at index ");
	unsigned long at, nth = 1;

	where[0] = '\0';
	if (index == NULL)
		return;
	at = strtoul(index + strlen("at index "), NULL, 10);
	if (at >= strlen(pattern)) {
		snprintf(where, 80, ", at its end");
		return;
	}
	for (unsigned long i = 0; i < at; i++)
		nth += ((unsigned char)pattern[i] & 0xc0) != 0x80;
	snprintf(where, 80, ", at character %lu (\"%.*s\")", nth,
		 (int)language_cut(str_of(pattern + at), 12).n, pattern + at);
}

void pattern_explain(const char *pattern, const char *message, char fault[400])
{
	char   where[80];
	size_t s = 0;

	while (s < sizeof(sayings) / sizeof(sayings[0]) && strstr(message, sayings[s].part) == NULL)
		s++;
	say_where(pattern, message, where);
	if (s < sizeof(sayings) / sizeof(sayings[0]))
		snprintf(fault, 400, "the pattern %s%s; %s", sayings[s].meaning, where,
			 sayings[s].remedy);
	else
		snprintf(fault, 400,
			 "Hyperscan refuses the pattern%s: %.100s write it in another way", where,
			 message);
}

bool pattern_check(struct pattern *p, char fault[400])
{
	hs_expr_info_t     *info = NULL;
	hs_compile_error_t *why = NULL;
	bool                good;

	if (!choose_flags(p, fault))
		return false;
	if (hs_expression_info(p->text, p->flags, &info, &why) != HS_SUCCESS) {
		pattern_explain(p->text, why != NULL ? why->message : "", fault);
		hs_free_compile_error(why);
		return false;
	}
	good = info->min_width > 0;
	if (!good)
		pattern_explain(p->text, "matches empty buffer", fault);
	free(info);
	return good;
}
