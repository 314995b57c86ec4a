/*
 * A second opinion: what our XML reader accepts, Expat accepts, and both see the same elements,
 * attributes, namespaces and text. (What we refuse, Expat may accept: ours is stricter. Names may
 * have more characters here: Expat has those of the fourth edition of XML 1.0.)
 */
#include "test.h"

#include <expat.h>

#include "base/random.h"
#include "base/utf8.h"
#include "xml/xml.h"

#define ROUNDS 200000u
#define SEEN_MAX 8192u
#define DOCUMENT_MAX 1024u
#define APART '\f' /* between namespace and name; no character of XML */

/* What a reader saw, in one form for both. */
struct seen {
	char       bytes[SEEN_MAX];
	struct put w;
	bool       text; /* the last thing was text: more of it belongs to it */
};

static void seen_begin(struct seen *s)
{
	s->w = put_to(s->bytes, sizeof(s->bytes));
	s->text = false;
}

static void see_name(struct seen *s, char sign, struct str space, struct str local)
{
	s->text = false;
	put_u8(&s->w, (uint8_t)sign);
	put_str(&s->w, space);
	if (space.n > 0)
		put_u8(&s->w, APART);
	put_str(&s->w, local);
	put_u8(&s->w, '\n');
}

static void see_text(struct seen *s)
{
	if (!s->text)
		put_str(&s->w, STR("\fT"));
	s->text = true;
}

static void see_attributes(struct seen *s, const struct xml *x)
{
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];

		see_name(s, 'A', a->space, a->name.local);
		xml_value_put(&s->w, a->value);
		put_u8(&s->w, '\n');
	}
}

static bool ours(struct cur document, struct seen *s)
{
	struct xml     x;
	enum xml_token t;

	seen_begin(s);
	xml_open(&x, document);
	while ((t = xml_next(&x)) != XML_DONE && t != XML_BAD) {
		if (t == XML_START) {
			see_name(s, 'S', x.space, x.name.local);
			see_attributes(s, &x);
		} else if (t == XML_END) {
			see_name(s, 'E', x.space, x.name.local);
		} else if (t == XML_TEXT && x.text.n > 0 && !str_eq(x.text, STR("<![CDATA[]]>"))) {
			see_text(s);
			xml_text_put(&s->w, x.text);
		}
	}
	assert_false(s->w.failed);
	return t == XML_DONE;
}

/* Expat's names: the namespace, if any, APART, the local name. */
static void see_theirs(struct seen *s, char sign, const char *name)
{
	const char *apart = strchr(name, APART);

	if (apart != NULL)
		see_name(s, sign, (struct str){name, (size_t)(apart - name)}, str_of(apart + 1));
	else
		see_name(s, sign, STR(""), str_of(name));
}

static void on_start(void *user, const char *name, const char **attributes)
{
	struct seen *s = user;

	see_theirs(s, 'S', name);
	for (; *attributes != NULL; attributes += 2) {
		see_theirs(s, 'A', attributes[0]);
		put_str(&s->w, str_of(attributes[1]));
		put_u8(&s->w, '\n');
	}
}

static void on_end(void *user, const char *name)
{
	see_theirs(user, 'E', name);
}

static void on_text(void *user, const char *text, int n)
{
	struct seen *s = user;

	see_text(s);
	put_bytes(&s->w, text, (size_t)n);
}

static bool theirs(const uint8_t *document, size_t n, struct seen *s)
{
	XML_Parser parser = XML_ParserCreateNS(NULL, APART);
	bool       ok;

	seen_begin(s);
	XML_SetUserData(parser, s);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	ok = XML_Parse(parser, (const char *)document, (int)n, 1) == XML_STATUS_OK;
	XML_ParserFree(parser);
	return ok;
}

/* True: we accepted it. */
static bool compare(const uint8_t *document, size_t n)
{
	static struct seen one, other;
	uint8_t           *copy = test_copy(document, n);
	bool               accepted = ours(cur_of(copy, n), &one);

	free(copy);
	if (!accepted)
		return false;
	if (!theirs(document, n, &other) || put_size(&one.w) != put_size(&other.w) ||
	    memcmp(one.bytes, other.bytes, put_size(&one.w)) != 0) {
		print_error("[%.*s]\nours [%.*s]\ntheirs [%.*s]\n", (int)n, document,
			    (int)put_size(&one.w), one.bytes, (int)put_size(&other.w), other.bytes);
		fail();
	}
	return true;
}

static const char *const seeds[] = {
	"<?xml version=\"1.0\" encoding='utf-8' standalone=\"yes\" ?>\r\n<a xmlns='u:1' "
	"xmlns:p=\"u:2\" b='&lt;&#65; \t&quot;' p:b=\"&apos;>\"> x &amp;\r\ny <p:c/><d "
	"xmlns='' e=''>]]&gt;<![CDATA[<&]] >]]>z</d\n></a>\n",
	"<imdn xmlns='urn:ietf:params:xml:ns:imdn'><id>1</id><status><sent/></status></imdn>",
	"\xef\xbb\xbf<a xml:lang='fr'>\xc3\xa9&#x20AC;\xf0\x9f\x98\x80<b.c-d_e xml:space=''/></a>",
	"<p:a xmlns:p='u' xmlns:q='u' p:x='1' q:y='2'><p:a xmlns:p='v'/><q:b/></p:a>",
	"<a><![CDATA[]]><![CDATA[a\rb\r\nc]]>&#13;&#10;\r</a>",
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

/* Pieces that XML is made of, put where they do not belong. */
static const char *const pieces[] = {
	"<",
	">",
	"/",
	"/>",
	"</",
	"&",
	";",
	"&#0;",
	"&#9;",
	"&x;",
	"&#x110000;",
	"&#xd800;",
	"]]>",
	"<![CDATA[",
	"<!--",
	"-->",
	"<?",
	"?>",
	"'",
	"\"",
	"=",
	" ",
	"\n",
	"\r",
	"\t",
	"xmlns",
	"xmlns:",
	":",
	"xml",
	"p:",
	"q",
	"a",
	"<a>",
	"</a>",
	"<p:c/>",
	" a='1'",
	" p:a=''",
	" xmlns:q='u:2'",
	" xmlns:p=''",
	"\xc3\xa9",
	"\xff",
	"\x01",
	"\xef\xbf\xbf",
	"<!DOCTYPE a>",
	"<?xml version='1.0'?>",
	"1.1",
	"UTF-16",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static size_t change(uint8_t document[DOCUMENT_MAX], size_t n, struct random *random)
{
	size_t      at = random_below(random, (uint32_t)n + 1);
	size_t      gone = random_below(random, 3) == 0 ? random_below(random, 8) : 0;
	const char *piece =
		random_below(random, 4) != 0 ? pieces[random_below(random, PIECES)] : "";
	size_t size = strlen(piece);

	gone = gone < n - at ? gone : n - at;
	if (n - gone + size > DOCUMENT_MAX)
		return n;
	memmove(document + at + size, document + at + gone, n - at - gone);
	memcpy(document + at, piece, size);
	return n - gone + size;
}

static void expat_sees_what_we_see(void **state)
{
	struct random random;
	unsigned      accepted = 0;

	(void)state;
	random_seed(&random, 11);
	for (size_t i = 0; i < SEEDS; i++)
		assert_true(compare((const uint8_t *)seeds[i], strlen(seeds[i])));
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *seed = seeds[random_below(&random, SEEDS)];
		uint8_t     document[DOCUMENT_MAX];
		size_t      n = strlen(seed);

		memcpy(document, seed, n);
		for (unsigned k = 1 + random_below(&random, 3); k > 0; k--)
			n = change(document, n, &random);
		accepted += compare(document, n);
	}
	/* Else nothing would have been compared. */
	assert_in_range(accepted, ROUNDS / 20, ROUNDS);
}

static bool expat_reads(XML_Parser parser, const char *document, size_t n)
{
	XML_ParserReset(parser, NULL);
	return XML_Parse(parser, document, (int)n, 1) == XML_STATUS_OK;
}

static bool we_read(const char *document, size_t n)
{
	struct xml x;

	xml_open(&x, cur_of(document, n));
	return xml_next(&x) == XML_START && xml_next(&x) == XML_END && xml_next(&x) == XML_DONE;
}

/* How many of the characters from .. to we take where `before` ends; none that Expat takes is
 * missing. */
static unsigned taken(XML_Parser parser, const char *before, uint32_t from, uint32_t to)
{
	unsigned count = 0;

	for (uint32_t code = from; code <= to; code++) {
		char       text[16];
		struct put w = put_to(text, sizeof(text));
		bool       ours;

		put_str(&w, str_of(before));
		utf8_put(&w, code);
		put_str(&w, STR("/>"));
		if (w.failed || code == ':' || code == '/')
			continue; /* a surrogate; what is no character of a name */
		ours = we_read(text, put_size(&w));
		if (!ours && expat_reads(parser, text, put_size(&w))) {
			print_error("U+%04X after %s\n", code, before);
			fail();
		}
		count += ours;
	}
	return count;
}

/* The numbers are the sizes of the ranges of productions 4 and 4a, added up. */
static void names_have_the_characters_of_the_fifth_edition_and_all_of_expat(void **state)
{
	XML_Parser parser = XML_ParserCreate(NULL);

	(void)state;
	assert_int_equal(taken(parser, "<", '!', 0xffff), 54001);
	assert_int_equal(taken(parser, "<a", '!', 0xffff), 54001 + 127);
	assert_int_equal(taken(parser, "<", 0x1fff0, 0x1ffff), 16);
	assert_int_equal(taken(parser, "<", 0xefff0, 0xf000f), 16);
	XML_ParserFree(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_the_characters_of_the_fifth_edition_and_all_of_expat),
		cmocka_unit_test(expat_sees_what_we_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
