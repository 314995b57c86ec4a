#include "rules/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "rules/language.h"

/* What is in a pattern that decides how it must be compiled. */
struct traits {
	bool wide;      /* characters beyond ASCII */
	bool wide_unit; /* such a character in a class or before a quantifier: bytes would not do */
	bool caseless;  /* (?i) somewhere */
	bool unicode;   /* what reads a whole character: a dot, [^...], \w, \p and the like */
	bool boundary;  /* \b or \B */
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
	return p + 1;
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
			 "has a verb \"(*...)\"; leave it out: texts are always read as UTF-8");
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
	 "make at least one part of it necessary (+ in place of *)"},
	{"can never match", "can never match", "look at where ^, $ and \\b stand"},
	{"too large", "is too large", "make its {n,m} smaller, or several patterns of it"},
	{"too big", "has a number that is too big", "make its {n,m} smaller"},
	{"Resource limit", "is too large", "make its {n,m} smaller, or several patterns of it"},
	{"Back-reference", "refers back to a group (\\1)", "write out what the group may be"},
	{"back reference", "refers back to a group that is not there", "leave out the reference"},
	{"ubpattern reference", "refers to another group", "write the group out again"},
	{"recursion", "refers to itself", "write out as many levels as are needed"},
	{"Conditional", "has a condition (?(...)...)",
	 "write the cases as (?:one|other), or as any: [...]"},
	{"conditional", "has a condition (?(...)...)",
	 "write the cases as (?:one|other), or as any: [...]"},
	{"Zero-width assertions", "looks ahead or behind, (?=...) or (?<=...)",
	 "write a pattern of its own for it and join the two by all or not"},
	{"Atomic groups", "has an atomic group (?>...)", "write (?:...) instead"},
	{"Possessive", "has a possessive quantifier (*+, ++, ?+)", "leave out the second +"},
	{"Embedded start anchors", "has ^ where a match cannot begin",
	 "put ^ at the start, or \\^ for the character"},
	{"Embedded end anchors", "has $ where a match cannot end",
	 "put $ at the end, or \\$ for the character"},
	{"Embedded anchors", "has ^ or $ in the middle",
	 "put them at the ends, or write \\^ and \\$ for the characters"},
	{"Missing close parenthesis", "has a ( without its )",
	 "close the group, or write \\( for the character"},
	{"Unterminated character class", "has a [ without its ]",
	 "close the class, or write \\[ for the character"},
	{"Unescaped \\ at end", "ends in a \\", "write \\\\ for the character"},
	{"Range out of order", "has a range in [...] that goes backwards",
	 "exchange its ends, or write \\- for the character"},
	{"Invalid range", "has a range in [...] that goes backwards or has no end",
	 "exchange its ends, or write \\- for the character"},
	{"Invalid repeat", "has {n,m} with n above m", "exchange the two"},
	{"POSIX named class", "has a class name like [:alpha:] that is unknown or stands alone",
	 "write [[:alpha:]]"},
	{"POSIX", "has a collating element, [. .] or [= =]", "write the characters out"},
	{"in UCP mode", "joins \\b or \\B with Unicode classes", "leave out one of them"},
	{"Value in", "has a character number that is not possible",
	 "write \\x{HEX}, at most \\x{10ffff}"},
	{"Group name", "has a group name that begins with a digit",
	 "begin it with a letter, or leave it out"},
	{"two named", "has two groups of one name", "rename one"},
	{"Two named", "has two groups of one name", "rename one"},
	{"Embedded code", "has code in it", "leave it out"},
	{"Callout", "has a callout (?C)", "leave it out"},
	{"control verb", "has a verb \"(*...)\"", "leave it out"},
	{"Pattern length exceeds", "is too long", "make several patterns of it"},
	{"Expression is not valid UTF-8", "is not valid UTF-8", "write it in UTF-8"},
	{"Parse error", "cannot be read", "put \\ before characters that stand for themselves"},
	{"Invalid reference", "refers to a group that is not there", "leave out the reference"},
	{"not supported", "has something that is not offered", "write it in another way"},
	{"unsupported", "has something that is not offered", "write it in another way"},
};

void pattern_explain(const char *pattern, const char *message, char fault[400])
{
	const char *index = strstr(message, "index ");
	char        where[80] = "";
	size_t      s = 0;

	while (s < sizeof(sayings) / sizeof(sayings[0]) && strstr(message, sayings[s].part) == NULL)
		s++;
	if (index != NULL && strstr(message, "(index ") == NULL) {
		unsigned long at = strtoul(index + strlen("index "), NULL, 10);

		if (at < strlen(pattern))
			snprintf(where, sizeof(where), ", at character %lu (\"%.12s\")", at + 1,
				 pattern + at);
		else
			snprintf(where, sizeof(where), ", at its end");
	}
	if (s < sizeof(sayings) / sizeof(sayings[0]))
		snprintf(fault, 400, "the pattern %s%s; %s", sayings[s].meaning, where,
			 sayings[s].remedy);
	else
		snprintf(fault, 400,
			 "the pattern is refused by Hyperscan%s (%.100s); write it in another way",
			 where, message);
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
