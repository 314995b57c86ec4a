/*
 * A second opinion on streams: the bytes of one stream go to Expat and to our framing with our
 * reader. What we read as items, Expat reads alike; a stream that Expat refuses we refuse, or wait
 * for the rest of the item that it refuses; and what we refuse beyond that is one of the things
 * that restricted XML leaves out, or over a limit, and named by its fault.
 */
#include "test.h"

#include <expat.h>

#include "base/random.h"
#include "xml/frame.h"

#define ROUNDS 300000u
#define SEEN_MAX 16384u
#define STREAM_MAX 2048u
#define APART '\f' /* between namespace and name; no character of XML */

struct seen {
	char       bytes[SEEN_MAX];
	struct put w;
	bool       text; /* the last thing was text: more of it belongs to it */
	unsigned   depth;
};

static void seen_begin(struct seen *s)
{
	s->w = put_to(s->bytes, sizeof(s->bytes));
	s->text = false;
	s->depth = 0;
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

static void see_start(struct seen *s, const struct xml *x)
{
	see_name(s, 'S', x->space, x->name.local);
	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];

		see_name(s, 'A', a->space, a->name.local);
		xml_value_put(&s->w, a->value);
		put_u8(&s->w, '\n');
	}
}

/* What is read again is read from a tape, where that has place for it. */
static void begin_child(struct xml *x, struct str item, const struct xml_scope *scope)
{
	static struct xml_tape tape;
	enum xml_token         t;

	xml_child_open(x, item, scope);
	xml_tape_begin(&tape);
	do {
		t = xml_next(x);
		xml_tape_keep(&tape, x, t);
	} while (t != XML_DONE && t != XML_BAD);
	if (tape.full)
		xml_child_open(x, item, scope);
	else
		xml_tape_read(x, &tape);
}

/* False: malformed. */
static bool see_child(struct seen *s, struct str item, const struct xml_scope *scope)
{
	struct xml     x;
	enum xml_token t;

	begin_child(&x, item, scope);
	while ((t = xml_next(&x)) != XML_DONE && t != XML_BAD) {
		if (t == XML_START) {
			see_start(s, &x);
		} else if (t == XML_END) {
			see_name(s, 'E', x.space, x.name.local);
		} else if (x.text.n > 0 && !str_eq(x.text, STR("<![CDATA[]]>"))) {
			see_text(s);
			xml_text_put(&s->w, x.text);
		}
	}
	assert_false(s->w.failed);
	return t == XML_DONE;
}

enum outcome { WAITS, ENDED, FRAMED_BAD, READ_BAD };

static enum outcome ours(const uint8_t *bytes, size_t n, size_t step, struct seen *s,
			 enum xml_fault *fault)
{
	struct xml_frame    f = {0};
	struct xml_scope    scope;
	struct xml          x;
	enum xml_frame_item kind = XML_FRAME_MORE;
	struct str          item;
	size_t              from = 0, to = 0;

	seen_begin(s);
	while (kind != XML_FRAME_MORE || to < n) {
		struct cur in;

		to = kind != XML_FRAME_MORE ? to : to + step < n ? to + step : n;
		in = cur_of(bytes + from, to - from);
		kind = xml_frame_next(&f, &in, 65536, &item);
		from = (size_t)(in.p - bytes);
		*fault = (enum xml_fault)f.fault;
		if (kind == XML_FRAME_BAD)
			return FRAMED_BAD;
		if (kind == XML_FRAME_OPEN) {
			*fault = xml_root_open(&x, item, &scope);
			if (*fault != XML_FAULT_NONE)
				return READ_BAD;
			see_start(s, &x);
		}
		if (kind == XML_FRAME_CHILD && !see_child(s, item, &scope))
			return READ_BAD;
		if (kind == XML_FRAME_CLOSE && !xml_root_closes(&scope, item))
			return READ_BAD;
	}
	return f.closed ? ENDED : WAITS;
}

static struct str space_of(const char *name, struct str *local)
{
	const char *apart = strchr(name, APART);

	*local = str_of(apart != NULL ? apart + 1 : name);
	return apart != NULL ? (struct str){name, (size_t)(apart - name)} : STR("");
}

static void on_start(void *user, const char *name, const char **attributes)
{
	struct seen *s = user;
	struct str   local, space = space_of(name, &local);

	see_name(s, 'S', space, local);
	for (; *attributes != NULL; attributes += 2) {
		space = space_of(attributes[0], &local);
		see_name(s, 'A', space, local);
		put_str(&s->w, str_of(attributes[1]));
		put_u8(&s->w, '\n');
	}
	s->depth++;
}

static void on_end(void *user, const char *name)
{
	struct seen *s = user;
	struct str   local, space = space_of(name, &local);

	if (--s->depth > 0)
		see_name(s, 'E', space, local);
}

static void on_text(void *user, const char *text, int n)
{
	struct seen *s = user;

	if (s->depth < 2)
		return; /* white space between stanzas; other text we refuse */
	see_text(s);
	put_bytes(&s->w, text, (size_t)n);
}

static bool theirs(const uint8_t *bytes, size_t n, struct seen *s)
{
	XML_Parser parser = XML_ParserCreateNS(NULL, APART);
	bool       ok;

	seen_begin(s);
	XML_SetUserData(parser, s);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	ok = XML_Parse(parser, (const char *)bytes, (int)n, 0) == XML_STATUS_OK;
	XML_ParserFree(parser);
	assert_false(s->w.failed);
	return ok;
}

static unsigned outcomes[4], stricter[XML_FAULT_COUNT];

static void compare(const uint8_t *bytes, size_t n, size_t step)
{
	static struct seen one, other;
	uint8_t           *copy = test_copy(bytes, n);
	enum xml_fault     fault = XML_FAULT_NONE;
	enum outcome       outcome = ours(copy, n, step, &one, &fault);
	bool               ok = theirs(copy, n, &other);
	size_t             size = put_size(&one.w);
	bool               same = outcome == READ_BAD ||
		    (put_size(&other.w) >= size && memcmp(one.bytes, other.bytes, size) == 0);

	/* All that Expat refuses is refused here or has not ended yet. */
	if (!same || (outcome == ENDED && (!ok || put_size(&other.w) != size))) {
		print_error("[%.*s]\noutcome %u fault %u ok %u\nours [%.*s]\ntheirs [%.*s]\n",
			    (int)n, copy, outcome, fault, ok, (int)size, one.bytes,
			    (int)put_size(&other.w), other.bytes);
		fail();
	}
	outcomes[outcome]++;
	if (ok && (outcome == FRAMED_BAD || outcome == READ_BAD))
		stricter[fault]++;
	free(copy);
}

/* Characters beyond ASCII are such as Expat takes for names, too (expat_test.c). */
#define HEAD                                                                                       \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "                 \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
static const char *const seeds[] = {
	HEAD "<message to='a@b' id='1'><body>x &amp; y</body><p:x xmlns:p='u' p:a='1'/></message>\n"
	     "<presence/> <iq type='get'><q xmlns='v'><i/><i a=\"'\"/></q></iq></stream:stream>\n",
	HEAD "<message><body>\xc3\xa9\xe5\x90\x8d&#x20AC;]]&gt;</body><x><![CDATA[<&"
	     "]]]></x></message>\t<stream:features/>",
	"<s><a><b><c>1</c>2</b>3</a><a xmlns=''/></s>",
	"<s:s xmlns:s='u'><s:a s:b=\"&lt;'\">\r\n</s:a></s:s>",
	"<s/>",
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

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
	"xmlns",
	":",
	"p:",
	"a",
	"<a>",
	"</a>",
	"<p:c/>",
	" a='1'",
	" p:a=''",
	" xmlns:p=''",
	"\xc3\xa9",
	"\xff",
	"\xe5\x90",
	"\x8d",
	"\x01",
	"\xef\xbf\xbf",
	"<!DOCTYPE a>",
	"<?xml version='1.0'?>",
	"</stream:stream>",
	"<stream:stream>",
	"</s>",
	"x",
	"\xed\xa0\x80",
	"\xc0\xbc",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static size_t change(uint8_t bytes[STREAM_MAX], size_t n, struct random *random)
{
	size_t      at = random_below(random, (uint32_t)n + 1);
	size_t      gone = random_below(random, 3) == 0 ? random_below(random, 8) : 0;
	const char *piece =
		random_below(random, 4) != 0 ? pieces[random_below(random, PIECES)] : "";
	size_t size = strlen(piece);

	gone = gone < n - at ? gone : n - at;
	if (n - gone + size > STREAM_MAX)
		return n;
	memmove(bytes + at + size, bytes + at + gone, n - at - gone);
	memcpy(bytes + at, piece, size);
	return n - gone + size;
}

static void expat_sees_the_items_that_we_see(void **state)
{
	struct random random;

	(void)state;
	random_seed(&random, 12);
	for (size_t i = 0; i < SEEDS; i++) {
		for (size_t step = 1; step < 100; step++)
			compare((const uint8_t *)seeds[i], strlen(seeds[i]), step);
	}
	assert_int_equal(outcomes[FRAMED_BAD] + outcomes[READ_BAD], 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *seed = seeds[random_below(&random, SEEDS)];
		uint8_t     bytes[STREAM_MAX];
		size_t      n = strlen(seed);

		memcpy(bytes, seed, n);
		for (unsigned k = 1 + random_below(&random, 3); k > 0; k--)
			n = change(bytes, n, &random);
		compare(bytes, n, 1 + random_below(&random, 64));
	}
	/* Else nothing would have been compared. */
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(outcomes[i], ROUNDS / 100, ROUNDS);
}

/* What Expat reads and we do not, each by its fault. */
static void what_we_refuse_on_top_is_what_restricted_xml_leaves_out(void **state)
{
	static const struct {
		const char    *stream;
		enum xml_fault fault;
	} table[] = {
		{"<!DOCTYPE s [<!ENTITY e 'x'>]><s>", XML_FAULT_RESTRICTED},
		{"<!-- c --><s>", XML_FAULT_RESTRICTED},
		{"<s><a><!-- c --></a>", XML_FAULT_RESTRICTED},
		{"<?p?><s>", XML_FAULT_RESTRICTED},
		{"<s><?p?>", XML_FAULT_RESTRICTED},
		{"<s><a><?p?></a>", XML_FAULT_RESTRICTED},
		{"<s><![CDATA[x]]>", XML_FAULT_RESTRICTED},
		{"<s>text", XML_FAULT_SYNTAX},
		{"\xef\xbb\xbf<s>", XML_FAULT_SYNTAX},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><s>", XML_FAULT_ENCODING},
		{"<s xmlns:a='x&amp;y'>", XML_FAULT_SYNTAX},
	};
	static struct seen seen;
	enum xml_fault     fault;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const uint8_t *bytes = (const uint8_t *)table[i].stream;
		size_t         n = strlen(table[i].stream);

		assert_true(theirs(bytes, n, &seen));
		assert_in_range(ours(bytes, n, n, &seen, &fault), FRAMED_BAD, READ_BAD);
		assert_int_equal(fault, table[i].fault);
	}
	/* And among all the streams above nothing was over a limit that Expat does not have. */
	assert_int_equal(stricter[XML_FAULT_LIMIT], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expat_sees_the_items_that_we_see),
		cmocka_unit_test(what_we_refuse_on_top_is_what_restricted_xml_leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
