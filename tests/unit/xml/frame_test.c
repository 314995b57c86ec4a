#include "test.h"

#include "base/random.h"
#include "xml/frame.h"

#define SIZE_MAX_ITEM 65536u
#define SEEN_MAX 262144u

static const char stream[] =
	"<?xml version='1.0' encoding=\"UTF-8\"?>\r\n<stream:stream to='example.org' "
	"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'> \n"
	"<message to='a>b' id=\"'1'\"><body>&lt;Gr\xc3\xbc\xc3\x9f"
	"e&#x41; 'to' \"\xe5\x90\x8d\xe5\x89\x8d\" > \xf0\x9f\x98\x80</body><x "
	"xmlns='u'><![CDATA[<a>]>]]]></x></message><presence/>\n\n<iq></iq  > "
	"</stream:stream>\n";
static const enum xml_frame_item stream_items[] = {
	XML_FRAME_OPEN,  XML_FRAME_SPACE, XML_FRAME_CHILD, XML_FRAME_CHILD, XML_FRAME_SPACE,
	XML_FRAME_CHILD, XML_FRAME_SPACE, XML_FRAME_CLOSE, XML_FRAME_SPACE,
};
#define STREAM_ITEMS (sizeof(stream_items) / sizeof(stream_items[0]))

/* Frames bytes that come in pieces, each in an allocation of its own; notes kinds and ends. White
 * space that was cut counts once. */
struct notes {
	unsigned            n;
	enum xml_frame_item kind[64];
	size_t              end[64];
	enum xml_fault      fault;
	size_t              bad_at; /* bytes that were there when it was found to be bad */
};

static void note(struct notes *notes, enum xml_frame_item kind, size_t end)
{
	if (notes->n > 0 && kind == XML_FRAME_SPACE &&
	    notes->kind[notes->n - 1] == XML_FRAME_SPACE) {
		notes->end[notes->n - 1] = end;
		return;
	}
	assert_in_range(notes->n, 0, 63);
	notes->kind[notes->n] = kind;
	notes->end[notes->n++] = end;
}

/* False: BAD. */
static bool more(struct xml_frame *f, const char *bytes, size_t *from, size_t to, size_t size_max,
		 struct notes *notes)
{
	uint8_t            *copy = test_copy(bytes + *from, to - *from);
	struct cur          in = cur_of(copy, to - *from);
	struct str          item;
	enum xml_frame_item kind;

	while ((kind = xml_frame_next(f, &in, size_max, &item)) != XML_FRAME_MORE &&
	       kind != XML_FRAME_BAD) {
		note(notes, kind, *from + (size_t)(in.p - copy));
		assert_ptr_equal(item.p + item.n, in.p);
	}
	*from += (size_t)(in.p - copy);
	if (kind == XML_FRAME_MORE) /* and what was looked at is remembered */
		assert_in_range(f->seen,
				to - *from < XML_FRAME_AGAIN ? 0 : to - *from - XML_FRAME_AGAIN,
				to - *from);
	free(copy);
	notes->fault = (enum xml_fault)f->fault;
	notes->bad_at = to;
	return kind == XML_FRAME_MORE;
}

static void frame(const char *bytes, size_t n, size_t step, size_t size_max, struct notes *notes)
{
	struct xml_frame f = {0};
	size_t           from = 0;
	bool             on = true;

	*notes = (struct notes){0};
	for (size_t to = step < n ? step : n; on; to = to + step < n ? to + step : n) {
		on = more(&f, bytes, &from, to, size_max, notes);
		if (to == n)
			break;
	}
}

static void items_of_a_stream_end_at_their_last_byte(void **state)
{
	struct notes notes;

	(void)state;
	frame(stream, sizeof(stream) - 1, 1, SIZE_MAX_ITEM, &notes);
	assert_int_equal(notes.fault, XML_FAULT_NONE);
	assert_int_equal(notes.n, STREAM_ITEMS);
	for (unsigned i = 0; i < STREAM_ITEMS; i++)
		assert_int_equal(notes.kind[i], stream_items[i]);
	assert_int_equal(notes.end[STREAM_ITEMS - 1], sizeof(stream) - 1);
}

static void a_stream_cut_anywhere_has_the_same_items(void **state)
{
	struct notes whole;

	(void)state;
	frame(stream, sizeof(stream) - 1, sizeof(stream) - 1, SIZE_MAX_ITEM, &whole);
	assert_int_equal(whole.n, STREAM_ITEMS);
	for (size_t cut = 0; cut < sizeof(stream); cut++) {
		struct xml_frame f = {0};
		struct notes     notes = {0};
		size_t           from = 0;

		assert_true(more(&f, stream, &from, cut, SIZE_MAX_ITEM, &notes));
		assert_true(more(&f, stream, &from, sizeof(stream) - 1, SIZE_MAX_ITEM, &notes));
		assert_int_equal(notes.n, whole.n);
		assert_memory_equal(notes.kind, whole.kind, notes.n * sizeof(notes.kind[0]));
		assert_memory_equal(notes.end, whole.end, notes.n * sizeof(notes.end[0]));
	}
	for (size_t step = 1; step < 80; step++) {
		struct notes notes;

		frame(stream, sizeof(stream) - 1, step, SIZE_MAX_ITEM, &notes);
		assert_int_equal(notes.n, whole.n);
		assert_memory_equal(notes.end, whole.end, notes.n * sizeof(notes.end[0]));
	}
}

static void an_empty_root_ends_before_what_follows_it(void **state)
{
	static const enum xml_frame_item kinds[] = {XML_FRAME_OPEN, XML_FRAME_CLOSE,
						    XML_FRAME_SPACE};
	struct notes                     notes;

	(void)state;
	for (size_t step = 1; step < 8; step++) {
		frame("<s/> \n", 6, step, SIZE_MAX_ITEM, &notes);
		assert_int_equal(notes.n, 3);
		assert_memory_equal(notes.kind, kinds, sizeof(kinds));
	}
}

/* What is refused, and how many of its bytes it takes to know. */
static const struct refused {
	const char    *bytes;
	size_t         n;
	size_t         known;
	enum xml_fault fault;
} refused[] = {
#define BYTES(s) s, sizeof(s) - 1
	{BYTES("x"), 1, XML_FAULT_SYNTAX},
	{BYTES("<!DOCTYPE s>"), 2, XML_FAULT_RESTRICTED},
	{BYTES("<!-- c --><s>"), 2, XML_FAULT_RESTRICTED},
	{BYTES("<?xsl a?><s>"), 4, XML_FAULT_RESTRICTED},
	{BYTES("<?php a?><s>"), 3, XML_FAULT_RESTRICTED},
	{BYTES("<?xml version='1.0'?><?xml version='1.0'?>"), 23, XML_FAULT_RESTRICTED},
	{BYTES(" <?xml version='1.0'?><s>"), 3, XML_FAULT_RESTRICTED},
	{BYTES("</s>"), 2, XML_FAULT_SYNTAX},
	{BYTES("< s>"), 2, XML_FAULT_SYNTAX},
	{BYTES("<1>"), 2, XML_FAULT_SYNTAX},
	{BYTES("<s <"), 4, XML_FAULT_SYNTAX},
	{BYTES("<s a='<"), 7, XML_FAULT_SYNTAX},
	{BYTES("<s &"), 4, XML_FAULT_SYNTAX},
	{BYTES("<s a='&lol;'>"), 11, XML_FAULT_RESTRICTED},
	{BYTES("<s>a"), 4, XML_FAULT_SYNTAX},
	{BYTES("<s>&amp;"), 4, XML_FAULT_SYNTAX},
	{BYTES("<s><![CDATA[a]]>"), 5, XML_FAULT_RESTRICTED},
	{BYTES("<s><!-- c -->"), 5, XML_FAULT_RESTRICTED},
	{BYTES("<s><a><!-- c -->"), 9, XML_FAULT_RESTRICTED},
	{BYTES("<s><a><b></a>"), 13, XML_FAULT_SYNTAX},
	{BYTES("<s><a:b></a>"), 12, XML_FAULT_SYNTAX},
	{BYTES("<s><a></aa>"), 11, XML_FAULT_SYNTAX},
	{BYTES("<s><aa c=''></a >"), 17, XML_FAULT_SYNTAX},
	{BYTES("<s><a></>"), 9, XML_FAULT_SYNTAX},
	{BYTES("<s><a><!DOCTYPE"), 9, XML_FAULT_RESTRICTED},
	{BYTES("<s><a><?xml?>"), 8, XML_FAULT_RESTRICTED},
	{BYTES("<s><a>&lol;"), 11, XML_FAULT_RESTRICTED},
	{BYTES("<s><a>&lollollollol"), 18, XML_FAULT_RESTRICTED},
	{BYTES("<s><a>&#0;"), 10, XML_FAULT_SYNTAX},
	{BYTES("<s><a>&#xd800;"), 14, XML_FAULT_SYNTAX},
	{BYTES("<s><a>&;"), 8, XML_FAULT_RESTRICTED},
	{BYTES("<s><a>\x01"), 7, XML_FAULT_SYNTAX},
	{BYTES("<s><a>\0"), 7, XML_FAULT_SYNTAX},
	{BYTES("<s><a b='\x0b'"), 10, XML_FAULT_SYNTAX},
	{BYTES("<s></s>x"), 8, XML_FAULT_SYNTAX},
	{BYTES("<s></s><s>"), 8, XML_FAULT_SYNTAX},
	{BYTES("<s/><s>"), 5, XML_FAULT_SYNTAX},
	{BYTES("<s><a>\xff"), 7, XML_FAULT_ENCODING},
	{BYTES("<s><a>\x80"), 7, XML_FAULT_ENCODING},
	{BYTES("<s><a>\xc0\xbc"), 7, XML_FAULT_ENCODING},         /* overlong */
	{BYTES("<s><a>\xe0\x80\xbc"), 8, XML_FAULT_ENCODING},     /* overlong */
	{BYTES("<s><a>\xf0\x80\x80\xbc"), 8, XML_FAULT_ENCODING}, /* overlong */
	{BYTES("<s><a>\xed\xa0\x80"), 8, XML_FAULT_ENCODING},     /* surrogate */
	{BYTES("<s><a>\xf4\x90\x80\x80"), 8, XML_FAULT_ENCODING}, /* U+110000 */
	{BYTES("<s><a>\xf5\x80\x80\x80"), 7, XML_FAULT_ENCODING},
	{BYTES("<s><a>\xe5\x90<"), 9, XML_FAULT_ENCODING}, /* 1 missing */
	{BYTES("<s><a>\xe5\xc3"), 8, XML_FAULT_ENCODING},
	{BYTES("<s><a>\xf0\x9f\x98<"), 10, XML_FAULT_ENCODING},
	{BYTES("<s><a>\xef\xbf\xbe"), 9, XML_FAULT_SYNTAX}, /* U+FFFE */
	{BYTES("<s><a>\xef\xbf\xbf"), 9, XML_FAULT_SYNTAX},
	{BYTES("\xef\xbb\xbf<s>"), 1, XML_FAULT_SYNTAX}, /* RFC 6120, 11.6 */
	{BYTES("\xff\xfe<\0s\0>\0"), 1, XML_FAULT_ENCODING},
	{BYTES("\xfe\xff\0<\0s\0>"), 1, XML_FAULT_ENCODING},
	{BYTES("<\0s\0>\0"), 2, XML_FAULT_ENCODING},
	{BYTES("\0<\0s\0>"), 1, XML_FAULT_ENCODING},
	{BYTES("\x4c\xa7\x94\x93"), 1, XML_FAULT_SYNTAX}, /* EBCDIC */
};

static void what_is_not_restricted_xml_is_refused_as_soon_as_it_is_seen(void **state)
{
	struct notes notes;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct refused *r = &refused[i];

		frame(r->bytes, r->n, 1, SIZE_MAX_ITEM, &notes);
		if (notes.fault != r->fault || notes.bad_at != r->known)
			print_error("%zu: %s: fault %d at %zu\n", i, r->bytes, notes.fault,
				    notes.bad_at);
		assert_int_equal(notes.fault, r->fault);
		assert_int_equal(notes.bad_at, r->known);
		frame(r->bytes, r->n, r->n, SIZE_MAX_ITEM, &notes);
		assert_int_equal(notes.fault, r->fault);
	}
}

static char room[SEEN_MAX];

static size_t repeated(const char *first, const char *text, unsigned n)
{
	struct put w = put_to(room, sizeof(room));

	put_str(&w, str_of(first));
	for (unsigned i = 0; i < n && put_room(&w) > strlen(text); i++)
		put_str(&w, str_of(text));
	return put_size(&w);
}

/* Limits hold before the bytes are waited for: what never ends is refused when it cannot end in
 * time any more. */
static void what_never_ends_is_refused_at_its_limit(void **state)
{
	static const struct {
		const char *first, *text;
		unsigned    n;
		size_t      limit; /* bytes at which it is refused, at most */
	} table[] = {
		{"<s>", "<a>", 100000, 3 + 3 * (XML_DEPTH_MAX + 1)},
		{"<s><a", " b=''", 100000, 5 + 5 * (XML_ATTRIBUTES_MAX + 1)},
		{"<s><a b='", "x", SEEN_MAX, 3 + SIZE_MAX_ITEM},
		{"<s><a>", "x", SEEN_MAX, 3 + SIZE_MAX_ITEM},
		{"<s><a><![CDATA[", "]", SEEN_MAX, 3 + SIZE_MAX_ITEM},
		{"<s><a>", "&amp;", SEEN_MAX, 3 + SIZE_MAX_ITEM},
		{"<s><a>", "\xe5\x90\x8d", SEEN_MAX, 3 + SIZE_MAX_ITEM},
		{"<s><", "x", SEEN_MAX, 3 + XML_FRAME_UNQUOTED_MAX + 2},
		{"<s><x ", "y", SEEN_MAX, 3 + XML_FRAME_UNQUOTED_MAX + 2},
		{"<s><x y=''", " ", SEEN_MAX, 9 + XML_FRAME_UNQUOTED_MAX + 2},
		{"<s></", "x", SEEN_MAX, 3 + XML_FRAME_UNQUOTED_MAX + 2},
		{"<", "x", SEEN_MAX, XML_FRAME_UNQUOTED_MAX + 2},
		{"<?xml ", " ", SEEN_MAX, XML_FRAME_DECLARATION_MAX + 2},
		{"<?xml ?>", " ", SEEN_MAX, SIZE_MAX_ITEM},
		{"<s a='", "x", SEEN_MAX, SIZE_MAX_ITEM},
	};
	struct notes notes;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = repeated(table[i].first, table[i].text, table[i].n);

		for (size_t step = 1; step < 4096; step = step * 5 + 1) {
			frame(room, n, step, SIZE_MAX_ITEM, &notes);
			if (notes.fault != XML_FAULT_LIMIT)
				print_error("%s%s\n", table[i].first, table[i].text);
			assert_int_equal(notes.fault, XML_FAULT_LIMIT);
			assert_in_range(notes.bad_at, 1, table[i].limit + step);
		}
	}
}

static void an_item_may_be_as_long_as_its_limit_and_not_longer(void **state)
{
	struct notes notes;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		size_t n = repeated("<s><a>", "x", 1000 + over);

		memcpy(room + n, "</a>", 4);
		for (size_t step = 1; step <= n + 4; step += step < 4 ? 1 : n) {
			frame(room, n + 4, step, 1007, &notes);
			assert_int_equal(notes.fault, over ? XML_FAULT_LIMIT : XML_FAULT_NONE);
			assert_int_equal(notes.n, over ? 1 : 2);
		}
	}
}

static void white_space_between_stanzas_has_no_limit(void **state)
{
	size_t       n = repeated("<s>", " \n", SEEN_MAX);
	struct notes notes;

	(void)state;
	frame(room, n, 1000, 100, &notes);
	assert_int_equal(notes.fault, XML_FAULT_NONE);
	assert_int_equal(notes.end[notes.n - 1], n);
}

static void a_child_is_read_with_the_namespaces_of_its_root(void **state)
{
	static const char root[] = "<s:stream xmlns='jabber:client' xmlns:s='streams' to='x'>";
	static const char child[] = "<a s:b='1' xmlns:t='u'><s:c/><t:d xmlns=''><e/></t:d></a>";
	static const char *const spaces[] = {
		"jabber:client", "streams", "streams", "u", "", "", "u", "jabber:client"};
	struct xml_scope scope;
	struct xml       x;

	(void)state;
	assert_int_equal(xml_root_open(&x, STR(root), &scope), XML_FAULT_NONE);
	assert_true(xml_is(&x, STR("streams"), STR("stream")));
	for (unsigned round = 0; round < 2; round++) {
		xml_child_open(&x, STR(child), &scope);
		for (unsigned i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
			enum xml_token t = xml_next(&x);

			assert_true(t == XML_START || t == XML_END);
			assert_true(str_eq(x.space, str_of(spaces[i])));
		}
		assert_int_equal(xml_next(&x), XML_DONE);
	}
	assert_true(xml_root_closes(&scope, STR("</s:stream >")));
	assert_false(xml_root_closes(&scope, STR("</stream>")));
	assert_false(xml_root_closes(&scope, STR("</t:stream>")));
	assert_false(xml_root_closes(&scope, STR("</s:streams>")));
}

static void what_is_plain_has_one_look(void **state)
{
	static const struct {
		char byte;
		bool plain;
	} table[] = {{' ', true},     {'~', true},     {'\x7f', true},
		     {'\x1f', false}, {'\n', false},   {'\t', false},
		     {'\x80', false}, {'\xff', false}, {'\0', false}};

	(void)state;
	for (size_t n = 0; n < 50; n++) {
		char *item =
			(char *)test_copy("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", n);

		assert_true(xml_plain((struct str){item, n}));
		for (size_t at = 0; at < n; at++) {
			for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
				item[at] = table[i].byte;
				assert_int_equal(xml_plain((struct str){item, n}), table[i].plain);
			}
			item[at] = 'a';
		}
		free(item);
	}
}

static void a_root_says_what_is_wrong_with_it(void **state)
{
	static const struct {
		struct str     item;
		enum xml_fault fault;
	} table[] = {
		{{BYTES("<?xml version='1.0'?><s>")}, XML_FAULT_NONE},
		{{BYTES("<?xml version='1.0' encoding='utf-8'?><s>")}, XML_FAULT_NONE},
		{{BYTES("<?xml version='1.0' encoding='UTF-16'?><s>")}, XML_FAULT_ENCODING},
		{{BYTES("<?xml version='1.0' encoding='ISO-8859-1'?><s>")}, XML_FAULT_ENCODING},
		{{BYTES("<?xml version='1.1'?><s>")}, XML_FAULT_SYNTAX},
		{{BYTES("<p:s>")}, XML_FAULT_SYNTAX},
		{{BYTES("<s a='1' a='2'>")}, XML_FAULT_SYNTAX},
		{{BYTES("<s xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1' xmlns:e='1' "
			"xmlns:f='1' xmlns:g='1' xmlns:h='1'>")},
		 XML_FAULT_NONE},
		{{BYTES("<s xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1' xmlns:e='1' "
			"xmlns:f='1' xmlns:g='1' xmlns:h='1' xmlns:i='1'>")},
		 XML_FAULT_LIMIT},
	};
	struct xml_scope scope;
	struct xml       x;
	size_t           n;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(xml_root_open(&x, table[i].item, &scope), table[i].fault);
	n = repeated("<s xmlns='", "x", XML_SCOPE_TEXT_MAX);
	memcpy(room + n, "'>", 2);
	assert_int_equal(xml_root_open(&x, (struct str){room, n + 2}, &scope), XML_FAULT_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_of_a_stream_end_at_their_last_byte),
		cmocka_unit_test(a_stream_cut_anywhere_has_the_same_items),
		cmocka_unit_test(an_empty_root_ends_before_what_follows_it),
		cmocka_unit_test(what_is_not_restricted_xml_is_refused_as_soon_as_it_is_seen),
		cmocka_unit_test(what_never_ends_is_refused_at_its_limit),
		cmocka_unit_test(an_item_may_be_as_long_as_its_limit_and_not_longer),
		cmocka_unit_test(white_space_between_stanzas_has_no_limit),
		cmocka_unit_test(a_child_is_read_with_the_namespaces_of_its_root),
		cmocka_unit_test(what_is_plain_has_one_look),
		cmocka_unit_test(a_root_says_what_is_wrong_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
