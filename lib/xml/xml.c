#include "xml/xml.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "xml/private.h"

static const struct str xml_prefix = {"xml", 3};
static const struct str xmlns_prefix = {"xmlns", 5};
static const struct str xml_uri = {"http://www.w3.org/XML/1998/namespace", 36};
static const struct str xmlns_uri = {"http://www.w3.org/2000/xmlns/", 29};
static const struct str cdata_open = {"<![CDATA[", 9};
static const struct str cdata_close = {"]]>", 3};

/* XML 1.0, productions 4 and 4a, beyond ASCII, without what may not begin a name. */
static bool name_start_far(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{0xc0, 0xd6},     {0xd8, 0xf6},     {0xf8, 0x2ff},    {0x370, 0x37d},
		{0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f}, {0x2c00, 0x2fef},
		{0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
	};
	bool in = false;

	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		in |= c >= ranges[i][0] && c <= ranges[i][1];
	return in;
}

static bool name_char_far(uint32_t c)
{
	return c == 0xb7 || (c >= 0x300 && c <= 0x36f) || c == 0x203f || c == 0x2040 ||
	       name_start_far(c);
}

static const bool name_chars[256] = {
	/* of ASCII */
	['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
	['_'] = true,         ['-'] = true,         ['.'] = true,
};

static struct str rest_of(const struct cur *in)
{
	return (struct str){(const char *)in->p, cur_left(in)};
}

static size_t spaces(struct cur *in)
{
	struct str s = rest_of(in);
	size_t     n = 0;

	while (n < s.n && xml_space_char(s.p[n]))
		n++;
	cur_bytes(in, n);
	return n;
}

/* Takes what must come next. */
static bool expect(struct cur *in, struct str what)
{
	bool there = str_starts(rest_of(in), what);

	if (there)
		cur_bytes(in, what.n);
	else
		in->failed = true;
	return there;
}

/* The bytes of the character that comes next when it may stand there in a name, without colon;
 * else 0. */
static size_t name_step(const struct cur *in, bool first)
{
	struct cur c = *in;
	uint32_t   code;

	if (cur_left(in) > 0 && *in->p < 0x80)
		return (first ? xml_name_start(*in->p) : name_chars[*in->p]) ? 1 : 0;
	code = utf8_next(&c);
	if (c.failed || !(first ? name_start_far(code) : name_char_far(code)))
		return 0;
	return (size_t)(c.p - in->p);
}

/* The bytes of a name that come first and are ASCII. */
static size_t name_ascii(struct str s)
{
	size_t n = 0;

	if (s.n == 0 || !xml_name_start((uint8_t)s.p[0]))
		return 0;
	while (n < s.n && n <= XML_NAME_MAX && name_chars[(uint8_t)s.p[n]])
		n++;
	return n;
}

static struct str part(struct cur *in)
{
	struct cur c = *in;
	size_t     n = name_ascii(rest_of(in)), step;

	cur_bytes(&c, n);
	step = n <= XML_NAME_MAX ? name_step(&c, n == 0) : 0;
	while (step > 0 && n <= XML_NAME_MAX) {
		n += step;
		cur_bytes(&c, step);
		step = name_step(&c, false);
	}
	if (n == 0 || n > XML_NAME_MAX)
		in->failed = true;
	return (struct str){(const char *)cur_bytes(in, n), n};
}

static struct xml_name name_read(struct cur *in)
{
	struct xml_name name = {.local = part(in)};

	name.prefix = (struct str){name.local.p, 0};
	if (str_starts(rest_of(in), STR(":"))) {
		cur_bytes(in, 1);
		name.prefix = name.local;
		name.local = part(in);
	}
	return name;
}

static bool name_eq(struct xml_name a, struct xml_name b)
{
	return str_eq(a.prefix, b.prefix) && str_eq(a.local, b.local);
}

/* "&#65;", "&#x41;": the digits, up to and with the semicolon; returns their size, 0: none. */
static size_t number_read(struct str s, unsigned base, uint32_t *code)
{
	size_t n = 0;

	*code = 0;
	while (n < s.n && n < 8) {
		int digit = str_hex(s.p[n]);

		if (digit < 0 || (unsigned)digit >= base)
			break;
		*code = *code * base + (unsigned)digit;
		n++;
	}
	return n > 0 && n < s.n && s.p[n] == ';' && *code <= 0x10ffff && xml_character(*code)
		       ? n + 1
		       : 0;
}

size_t xml_reference(struct str s, uint32_t *code)
{
	static const struct {
		struct str text;
		char       code;
	} entities[] = {
		{{"&amp;", 5}, '&'},  {{"&lt;", 4}, '<'},    {{"&gt;", 4}, '>'},
		{{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''},
	};
	bool   hex = str_starts(s, STR("&#x"));
	size_t n;

	if (str_starts(s, STR("&#"))) {
		n = number_read(str_skip(s, hex ? 3 : 2), hex ? 16 : 10, code);
		return n > 0 ? n + (hex ? 3 : 2) : 0;
	}
	for (unsigned i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (str_starts(s, entities[i].text)) {
			*code = (uint8_t)entities[i].code;
			return entities[i].text.n;
		}
	}
	return 0;
}

/* Everything up to one of two ends, references checked; fails where neither comes. */
static struct str run(struct cur *in, char end, char other)
{
	struct str s = rest_of(in);
	uint32_t   code;
	size_t     n = xml_before(s, end, other, '&'), step = 1;

	while (n < s.n && s.p[n] == '&' && step > 0) {
		step = xml_reference(str_skip(s, n), &code);
		n += step;
		n += xml_before(str_skip(s, n), end, other, '&');
	}
	in->failed |= step == 0;
	cur_bytes(in, n);
	return (struct str){s.p, n};
}

/* Eq and a quoted value. */
static struct str value_read(struct cur *in)
{
	struct str value;
	char       quote;

	spaces(in);
	expect(in, STR("="));
	spaces(in);
	quote = (char)cur_u8(in);
	if (quote != '"' && quote != '\'')
		in->failed = true;
	value = run(in, quote, '<');
	if (cur_u8(in) != (uint8_t)quote)
		in->failed = true;
	return value;
}

static bool attribute_read(struct cur *in, struct xml_attribute *a)
{
	if (spaces(in) == 0)
		in->failed = true;
	a->name = name_read(in);
	a->space = (struct str){"", 0};
	a->value = value_read(in);
	return !in->failed;
}

/* Production 23. A version that is not 1.0, or an encoding but UTF-8, is not ours to read. */
static bool declaration(struct xml *x)
{
	static const struct str names[3] = {{"version", 7}, {"encoding", 8}, {"standalone", 10}};
	struct cur             *in = &x->in;

	expect(in, STR("<?xml"));
	for (unsigned i = 0; i < 3; i++) {
		struct cur at = *in;
		struct str value;

		if (spaces(&at) == 0 || !expect(&at, names[i])) {
			in->failed |= i == 0;
			continue;
		}
		value = value_read(&at);
		*in = at;
		if (i == 0)
			in->failed |= !str_eq(value, STR("1.0"));
		else if (i == 1)
			x->encoding = !str_eq_nocase(value, STR("UTF-8"));
		else
			in->failed |= !str_eq(value, STR("yes")) && !str_eq(value, STR("no"));
	}
	spaces(in);
	return expect(in, STR("?>")) && !in->failed && !x->encoding;
}

void xml_begin(struct xml *x, struct cur document)
{
	memset(x, 0, offsetof(struct xml, element));
	x->in = document;
}

void xml_open(struct xml *x, struct cur document)
{
	struct cur c = document;

	xml_begin(x, document);
	x->limit = cur_left(&c) > XML_SIZE_MAX;
	x->bad = x->limit || document.failed;
	while (!x->bad && cur_left(&c) > 0)
		x->bad = !xml_character(utf8_next(&c)) || c.failed;
	if (!x->bad && str_starts(rest_of(&x->in), STR("\xef\xbb\xbf")))
		cur_bytes(&x->in, 3);
	if (!x->bad && str_starts(rest_of(&x->in), STR("<?")))
		x->bad = !declaration(x);
}

bool xml_space(const struct xml *x, struct str prefix, struct str *uri)
{
	*uri = STR("");
	if (str_eq(prefix, xml_prefix)) {
		*uri = xml_uri;
		return true;
	}
	for (unsigned i = x->bindings; i > 0; i--) {
		if (str_eq(x->binding[i - 1].prefix, prefix)) {
			*uri = x->binding[i - 1].uri;
			return true;
		}
	}
	return prefix.n == 0;
}

static bool bind_one(struct xml *x, struct str prefix, struct str uri, unsigned depth)
{
	if (x->bindings == XML_BINDINGS_MAX) {
		x->limit = true;
		return false;
	}
	x->binding[x->bindings].prefix = prefix;
	x->binding[x->bindings].uri = uri;
	x->binding[x->bindings++].depth = depth;
	return true;
}

bool xml_bind(struct xml *x, struct str prefix, struct str uri)
{
	return bind_one(x, prefix, uri, 0);
}

/* Namespaces in XML 1.0, 3 and 5. A reference in a namespace's name, which its readers would have
 * to resolve before they compare, is refused. */
static bool bind(struct xml *x, const struct xml_attribute *a, unsigned depth)
{
	struct str prefix = a->name.prefix.n > 0 ? a->name.local : (struct str){"", 0};
	bool       xml = str_eq(prefix, xml_prefix);

	if ((a->value.n == 0 && prefix.n > 0) || str_eq(prefix, xmlns_prefix) ||
	    str_eq(a->value, xmlns_uri) || str_eq(a->value, xml_uri) != xml)
		return false;
	for (size_t i = 0; i < a->value.n; i++) {
		if (a->value.p[i] == '&' || xml_space_char(a->value.p[i]))
			return false;
	}
	if (xml)
		return true;
	return bind_one(x, prefix, a->value, depth);
}

static bool declares(const struct xml_attribute *a)
{
	return str_eq(a->name.prefix.n > 0 ? a->name.prefix : a->name.local, xmlns_prefix);
}

/* Two attributes are alike when their names are, after the namespaces are known. An attribute
 * without prefix is in none. */
static bool alike(const struct xml_attribute *a, const struct xml_attribute *b)
{
	if (name_eq(a->name, b->name))
		return true;
	if (!str_eq(a->name.local, b->name.local) || a->name.prefix.n == 0 ||
	    b->name.prefix.n == 0 || declares(a) || declares(b))
		return false;
	return str_eq(a->space, b->space);
}

/* None is there twice, and their prefixes are bound; without those that declare. */
static bool attributes_settle(struct xml *x, unsigned n)
{
	struct xml_attribute *a = x->room;
	unsigned              kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (a[i].name.prefix.n > 0 && !declares(&a[i]) &&
		    !xml_space(x, a[i].name.prefix, &a[i].space))
			return false;
		for (unsigned k = 0; k < i; k++) {
			if (alike(&a[i], &a[k]))
				return false;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (declares(&a[i]))
			continue;
		if (kept < i)
			a[kept] = a[i];
		kept++;
	}
	x->attribute = a;
	x->attributes = kept;
	return true;
}

static bool attributes(struct xml *x, struct cur *c)
{
	struct xml_attribute *a = x->room;
	unsigned              n = 0;

	for (;;) {
		struct cur at = *c;
		struct str rest;

		spaces(&at);
		rest = rest_of(&at);
		if (rest.n == 0 || rest.p[0] == '>' || rest.p[0] == '/')
			break;
		if (n == XML_ATTRIBUTES_MAX) {
			x->limit = true;
			return false;
		}
		if (!attribute_read(c, &a[n]))
			return false;
		if (declares(&a[n]) && !bind(x, &a[n], x->open + 1))
			return false;
		n++;
	}
	spaces(c);
	return attributes_settle(x, n);
}

static enum xml_token start(struct xml *x)
{
	struct cur c = x->in;

	if (x->open == XML_DEPTH_MAX) {
		x->limit = true;
		return XML_BAD;
	}
	expect(&c, STR("<"));
	x->name = name_read(&c);
	if (c.failed || (x->open == 0 && x->ended) || !attributes(x, &c) ||
	    str_eq(x->name.prefix, xmlns_prefix) || !xml_space(x, x->name.prefix, &x->space))
		return XML_BAD;
	x->empty = str_starts(rest_of(&c), STR("/"));
	if (x->empty)
		cur_bytes(&c, 1);
	if (!expect(&c, STR(">")))
		return XML_BAD;
	x->element[x->open++] = x->name;
	x->depth = x->open;
	x->in = c;
	return XML_START;
}

static enum xml_token close_element(struct xml *x)
{
	ASSERT(x->open > 0);
	x->name = x->element[x->open - 1];
	xml_space(x, x->name.prefix, &x->space);
	x->depth = x->open--;
	while (x->bindings > 0 && x->binding[x->bindings - 1].depth > x->open)
		x->bindings--;
	x->empty = false;
	x->ended = x->open == 0;
	return XML_END;
}

bool xml_end_tag(struct cur *in, struct xml_name *name)
{
	expect(in, STR("</"));
	*name = name_read(in);
	spaces(in);
	return expect(in, STR(">")) && !in->failed;
}

static enum xml_token end(struct xml *x)
{
	struct cur      c = x->in;
	struct xml_name name;

	if (!xml_end_tag(&c, &name) || x->open == 0 || !name_eq(name, x->element[x->open - 1]))
		return XML_BAD;
	x->in = c;
	return close_element(x);
}

static size_t find(struct str s, struct str what)
{
	const char *at = s.p, *end = s.p + s.n;

	while (at < end && (at = memchr(at, what.p[0], (size_t)(end - at))) != NULL) {
		if (str_starts((struct str){at, (size_t)(end - at)}, what))
			return (size_t)(at - s.p);
		at++;
	}
	return SIZE_MAX;
}

static enum xml_token cdata(struct xml *x)
{
	struct str s = rest_of(&x->in);
	size_t     n = find(s, cdata_close);

	if (n == SIZE_MAX || x->open == 0)
		return XML_BAD;
	x->text = (struct str){s.p, n + cdata_close.n};
	x->depth = x->open;
	cur_bytes(&x->in, x->text.n);
	return XML_TEXT;
}

static enum xml_token text(struct xml *x)
{
	struct cur c = x->in;

	x->text = run(&c, '<', '<');
	x->depth = x->open;
	if (c.failed || find(x->text, cdata_close) != SIZE_MAX)
		return XML_BAD;
	x->in = c;
	return XML_TEXT;
}

static enum xml_token token(struct xml *x)
{
	struct str s;

	if (x->empty)
		return close_element(x);
	if (x->open == 0)
		spaces(&x->in);
	s = rest_of(&x->in);
	if (s.n == 0)
		return x->ended ? XML_DONE : XML_BAD;
	if (s.p[0] != '<')
		return x->open > 0 ? text(x) : XML_BAD;
	if (str_starts(s, STR("</")))
		return end(x);
	return str_starts(s, cdata_open) ? cdata(x) : start(x);
}

static enum xml_token token_kept(struct xml *x)
{
	const struct xml_tape *t = x->tape;
	unsigned               at = x->step++;
	enum xml_token         token;

	if (at >= t->steps)
		return XML_DONE;
	token = (enum xml_token)t->step[at].token;
	x->depth = t->step[at].depth;
	if (token == XML_TEXT) {
		x->text = t->step[at].text;
		return token;
	}
	x->name = t->step[at].name;
	x->space = t->step[at].space;
	if (token == XML_START) {
		x->attribute += x->attributes;
		x->attributes = t->step[at].attributes;
	}
	return token;
}

enum xml_token xml_next(struct xml *x)
{
	enum xml_token t = x->bad ? XML_BAD : x->tape != NULL ? token_kept(x) : token(x);

	x->bad = t == XML_BAD;
	return t;
}

void xml_tape_begin(struct xml_tape *t)
{
	t->steps = t->attributes = 0;
	t->full = false;
}

void xml_tape_keep(struct xml_tape *t, const struct xml *x, enum xml_token token)
{
	unsigned attributes = token == XML_START ? x->attributes : 0, at = t->steps;

	if (token == XML_DONE)
		return;
	if (t->full || at == XML_TAPE_STEPS || XML_TAPE_ATTRIBUTES - t->attributes < attributes) {
		t->full = true;
		return;
	}
	t->step[at].token = (uint8_t)token;
	t->step[at].depth = (uint8_t)x->depth;
	t->step[at].attributes = (uint8_t)attributes;
	t->step[at].text = x->text;
	t->step[at].name = x->name;
	t->step[at].space = x->space;
	for (unsigned i = 0; i < attributes; i++)
		t->attribute[t->attributes++] = x->attribute[i];
	t->steps++;
}

void xml_tape_read(struct xml *x, const struct xml_tape *t)
{
	ASSERT(!t->full);
	xml_begin(x, cur_of("", 0));
	x->tape = t;
	x->attribute = t->attribute;
}

bool xml_is(const struct xml *x, struct str space, struct str local)
{
	return str_eq(x->name.local, local) && str_eq(x->space, space);
}

bool xml_skip(struct xml *x)
{
	unsigned       depth = x->depth;
	enum xml_token t;

	do
		t = xml_next(x);
	while (t != XML_BAD && (t != XML_END || x->depth > depth));
	return t == XML_END;
}

static bool as_meant(struct str raw)
{
	return xml_before(raw, '&', '<', '\r') == raw.n;
}

static struct str trim(struct str s)
{
	while (s.n > 0 && xml_space_char(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && xml_space_char(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool xml_text(struct xml *x, struct put *room, struct str *text)
{
	struct str     raw = {"", 0};
	enum xml_token t;

	while ((t = xml_next(x)) == XML_TEXT) {
		raw.p = raw.n > 0 ? raw.p : x->text.p;
		raw.n = (size_t)(x->text.p + x->text.n - raw.p);
	}
	if (t != XML_END) {
		x->bad = true;
		return false;
	}
	*text = raw;
	if (!as_meant(raw)) {
		text->p = (const char *)room->p;
		xml_text_put(room, raw);
		text->n = (size_t)((const char *)room->p - text->p);
	}
	*text = trim(*text);
	return !room->failed;
}

/* XML 1.0, 2.11: CR and CR LF are read as LF. Returns how many bytes the line end has. */
static size_t line_end(struct str s)
{
	return str_starts(s, STR("\r\n")) ? 2 : 1;
}

static void cdata_put(struct put *w, struct str s)
{
	while (s.n > 0) {
		size_t n = line_end(s);

		put_u8(w, s.p[0] == '\r' ? '\n' : (uint8_t)s.p[0]);
		s = str_skip(s, n);
	}
}

static size_t reference_put(struct put *w, struct str s)
{
	uint32_t code = 0;
	size_t   n = xml_reference(s, &code);

	if (n == 0)
		w->failed = true;
	else
		utf8_put(w, code);
	return n > 0 ? n : s.n;
}

void xml_text_put(struct put *w, struct str raw)
{
	for (;;) {
		size_t n = xml_before(raw, '&', '<', '\r');

		put_str(w, (struct str){raw.p, n});
		raw = str_skip(raw, n);
		if (raw.n == 0)
			return;
		n = line_end(raw);
		if (raw.p[0] == '&') {
			n = reference_put(w, raw);
		} else if (str_starts(raw, cdata_open)) {
			n = find(raw, cdata_close);
			w->failed |= n == SIZE_MAX;
			n = n < raw.n ? n : raw.n;
			cdata_put(w, (struct str){raw.p + cdata_open.n, n - cdata_open.n});
			n += cdata_close.n;
		} else {
			w->failed |= raw.p[0] == '<';
			put_u8(w, '\n');
		}
		raw = str_skip(raw, n);
	}
}

/* XML 1.0, 3.3.3: white space is read as blanks, but for what references give. */
void xml_value_put(struct put *w, struct str raw)
{
	while (raw.n > 0) {
		size_t n = line_end(raw);

		if (raw.p[0] == '&')
			n = reference_put(w, raw);
		else
			put_u8(w, xml_space_char(raw.p[0]) ? ' ' : (uint8_t)raw.p[0]);
		raw = str_skip(raw, n);
	}
}

static void escaped_put(struct put *w, uint32_t code)
{
	switch (code) {
	case '&':
		put_str(w, STR("&amp;"));
		break;
	case '<':
		put_str(w, STR("&lt;"));
		break;
	case '>':
		put_str(w, STR("&gt;"));
		break;
	case '"':
		put_str(w, STR("&quot;"));
		break;
	case '\t':
		put_str(w, STR("&#9;"));
		break;
	case '\n':
		put_str(w, STR("&#10;"));
		break;
	case '\r':
		put_str(w, STR("&#13;"));
		break;
	default:
		w->failed |= !xml_character(code);
		utf8_put(w, code);
		break;
	}
}

/* Of sixteen bytes those that do not go out as they are, or have to be looked at. */
static xml_part special(xml_part x)
{
	return (xml_part)(((x | 2) == '>') | (x == '&') | (x == '"')) |  /* "<" too */
	       (xml_part)_mm_cmplt_epi8((__m128i)x, _mm_set1_epi8(' ')); /* signed: beyond ASCII */
}

/* The bytes at the start that stand for themselves, each sixteen looked at and written at once. How
 * many they are. */
static size_t plain_put(struct put *w, struct str s)
{
	size_t   at = 0, n;
	xml_part x;

	for (; s.n - at >= XML_PART; at += XML_PART) {
		memcpy(&x, s.p + at, sizeof(x));
		n = xml_part_first(special(x), XML_PART);
		put_padded(w, &x, n, XML_PART);
		if (n < XML_PART)
			return at + n;
	}
	x = xml_part_of((struct str){s.p + at, s.n - at});
	n = xml_part_first(special(x), s.n - at);
	put_padded(w, &x, n, XML_PART);
	return at + n;
}

void xml_escape_put(struct put *w, struct str text)
{
	while (!w->failed && text.n > 0) {
		struct cur c;

		text = str_skip(text, plain_put(w, text));
		if (text.n == 0)
			return;
		c = cur_of(text.p, text.n);
		escaped_put(w, utf8_next(&c));
		w->failed |= c.failed;
		text = (struct str){(const char *)c.p, cur_left(&c)};
	}
}
