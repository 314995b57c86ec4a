#include "sip/linked.h"

#include "msg/text.h"
#include "sip/value.h"
#include "xml/xml.h"

#define SPACE_RCS STR("urn:gsma:params:xml:ns:rcs:")
#define NUMBER_MAX 24u /* characters of a coordinate */
#define TEXT_MAX (SIP_LINK_MAX + SIP_LINK_NAME_MAX + 1u)

static bool is_ours(const struct xml *x, struct str local)
{
	return str_eq(x->name.local, local) && (x->space.n == 0 || str_starts(x->space, SPACE_RCS));
}

/* The value of an attribute without a namespace of the last START; empty: there is none. */
static struct str attribute(const struct xml *x, struct str local, struct put *room)
{
	for (unsigned i = 0; i < x->attributes; i++) {
		const char *start = (const char *)room->p;

		if (x->attribute[i].space.n > 0 || !str_eq(x->attribute[i].name.local, local))
			continue;
		xml_value_put(room, x->attribute[i].value);
		return (struct str){start, (size_t)((const char *)room->p - start)};
	}
	return STR("");
}

/* A name as a person may see it; what is none is left out. */
static struct str name_of(struct str text)
{
	bool good = text.n <= SIP_LINK_NAME_MAX;

	for (size_t i = 0; good && i < text.n; i++)
		good = (unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f;
	return good ? text : STR("");
}

static enum sip_body check_url(struct str url)
{
	if (url.n > SIP_LINK_MAX)
		return SIP_BODY_LIMIT;
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= 0x20 || url.p[i] >= 0x7f)
			return SIP_BODY_SYNTAX;
	if ((url.n > 8 && sip_same((struct str){url.p, 8}, STR("https://"))) ||
	    (url.n > 7 && sip_same((struct str){url.p, 7}, STR("http://"))))
		return SIP_BODY_OK;
	return SIP_BODY_SYNTAX;
}

struct reading {
	struct xml    xml;
	struct put   *room;
	enum sip_body fault;
};

static bool fails(struct reading *r, enum sip_body why)
{
	r->fault = why;
	return false;
}

static enum sip_body outcome(const struct reading *r, bool whole)
{
	if (r->fault != SIP_BODY_OK || whole)
		return r->fault;
	return r->xml.limit || r->room->failed ? SIP_BODY_LIMIT : SIP_BODY_SYNTAX;
}

/* ---- a file ---- */

static bool read_url(struct reading *r, struct sip_file *f)
{
	enum sip_body why;

	if (f->url.n > 0)
		return fails(r, SIP_BODY_REPEATED);
	f->url = attribute(&r->xml, STR("url"), r->room);
	why = f->url.n > 0 ? check_url(f->url) : SIP_BODY_MISSING;
	return (why == SIP_BODY_OK || fails(r, why)) && xml_skip(&r->xml);
}

/* One of the files that the document is about: the file itself. */
static bool read_info(struct reading *r, struct sip_file *f)
{
	enum xml_token t;

	if (f->url.n > 0)
		return fails(r, SIP_BODY_REPEATED);
	while ((t = xml_next(&r->xml)) == XML_START || t == XML_TEXT) {
		struct str name;
		bool       good;

		if (t == XML_TEXT)
			continue;
		if (is_ours(&r->xml, STR("data"))) {
			good = read_url(r, f);
		} else if (is_ours(&r->xml, STR("file-name"))) {
			good = xml_text(&r->xml, r->room, &name);
			f->name = good ? name_of(name) : f->name;
		} else {
			good = xml_skip(&r->xml);
		}
		if (!good)
			return false;
	}
	return t == XML_END && (f->url.n > 0 || fails(r, SIP_BODY_MISSING));
}

static bool read_file(struct reading *r, struct sip_file *f)
{
	enum xml_token t = xml_next(&r->xml);

	if (t != XML_START || !is_ours(&r->xml, STR("file")))
		return false;
	while ((t = xml_next(&r->xml)) == XML_START || t == XML_TEXT) {
		struct str type;

		if (t == XML_TEXT)
			continue;
		type = attribute(&r->xml, STR("type"), r->room);
		if (is_ours(&r->xml, STR("file-info")) && (type.n == 0 || str_eq(type, STR("file")))
			    ? !read_info(r, f)
			    : !xml_skip(&r->xml))
			return false;
	}
	return t == XML_END && xml_next(&r->xml) == XML_DONE;
}

enum sip_body sip_file_parse(struct cur in, struct put *room, struct sip_file *f)
{
	struct reading r = {.room = room};
	bool           whole;

	*f = (struct sip_file){.url = STR(""), .name = STR("")};
	xml_open(&r.xml, in);
	whole = read_file(&r, f);
	return whole && f->url.n == 0 ? SIP_BODY_MISSING : outcome(&r, whole);
}

/* ---- a place ---- */

/* Digits with a point among them or without: at most `whole` before it, as a number. */
static bool is_number(struct str s, unsigned most)
{
	unsigned whole = 0;
	size_t   i = 0, digits = 0;
	bool     rest = false; /* something but zeros behind the point */

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++)
		whole = whole <= most ? whole * 10 + (unsigned)(s.p[i] - '0') : whole;
	if (i < s.n && s.p[i] == '.') {
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			rest = rest || s.p[i] != '0';
		if (s.p[i - 1] == '.')
			return false;
	}
	return digits > 0 && i == s.n && s.n <= NUMBER_MAX &&
	       (whole < most || (whole == most && !rest));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next number of a position, its sign with it; false: there is none in these bounds. */
static bool take_number(struct str *text, unsigned most, struct str *number)
{
	while (text->n > 0 && is_space(text->p[0]))
		*text = str_skip(*text, 1);
	if (str_starts(*text, STR("+")))
		*text = str_skip(*text, 1);
	*number = (struct str){text->p, 0};
	while (number->n < text->n && !is_space(text->p[number->n]))
		number->n++;
	*text = str_skip(*text, number->n);
	return is_number(str_skip(*number, str_starts(*number, STR("-"))), most);
}

static bool read_position(struct reading *r, struct sip_location *l)
{
	struct str text;

	if (l->latitude.n > 0)
		return fails(r, SIP_BODY_REPEATED);
	if (!xml_text(&r->xml, r->room, &text))
		return false;
	return (take_number(&text, 90, &l->latitude) && take_number(&text, 180, &l->longitude)) ||
	       fails(r, SIP_BODY_SYNTAX);
}

static bool read_radius(struct reading *r, struct sip_location *l)
{
	struct str text;

	if (l->radius.n > 0)
		return fails(r, SIP_BODY_REPEATED);
	if (!xml_text(&r->xml, r->room, &text))
		return false;
	return take_number(&text, 100000000, &l->radius) || fails(r, SIP_BODY_SYNTAX);
}

static bool read_element(struct reading *r, struct sip_location *l)
{
	struct str local = r->xml.name.local;

	if (str_eq(local, STR("pos")))
		return read_position(r, l);
	if (str_eq(local, STR("radius")))
		return read_radius(r, l);
	if (is_ours(&r->xml, STR("rcspushlocation")))
		l->label = name_of(attribute(&r->xml, STR("label"), r->room));
	return true;
}

/* Whatever shape (a point, a circle) the position lies in. */
static bool read_location(struct reading *r, struct sip_location *l)
{
	enum xml_token t = xml_next(&r->xml);

	if (t != XML_START || !is_ours(&r->xml, STR("rcsenvelope")))
		return false;
	while ((t = xml_next(&r->xml)) != XML_DONE && t != XML_BAD)
		if (t == XML_START && !read_element(r, l))
			return false;
	return t == XML_DONE;
}

enum sip_body sip_location_parse(struct cur in, struct put *room, struct sip_location *l)
{
	struct reading r = {.room = room};
	bool           whole;

	*l = (struct sip_location){STR(""), STR(""), STR(""), STR("")};
	xml_open(&r.xml, in);
	whole = read_location(&r, l);
	if (whole && l->latitude.n == 0)
		return SIP_BODY_MISSING;
	if (whole && str_starts(l->radius, STR("-")))
		return SIP_BODY_SYNTAX;
	return outcome(&r, whole);
}

/* ---- as text ---- */

static void named_put(struct put *w, struct str name, struct str uri)
{
	char       room[TEXT_MAX];
	struct put both = put_to(room, sizeof(room));

	put_str(&both, name);
	put_u8(&both, ' ');
	put_str(&both, uri);
	if (name.n > 0 && !both.failed &&
	    text_parts((struct str){room, put_size(&both)}) == text_parts(uri))
		put_str(w, (struct str){room, put_size(&both)});
	else
		put_str(w, uri);
}

void sip_file_text(const struct sip_file *f, struct put *w)
{
	named_put(w, f->name, f->url);
}

void sip_location_text(const struct sip_location *l, struct put *w)
{
	char       room[4 + 3 * (NUMBER_MAX + 3)];
	struct put uri = put_to(room, sizeof(room));

	put_str(&uri, STR("geo:"));
	put_str(&uri, l->latitude);
	put_u8(&uri, ',');
	put_str(&uri, l->longitude);
	if (l->radius.n > 0) {
		put_str(&uri, STR(";u="));
		put_str(&uri, l->radius);
	}
	named_put(w, l->label, (struct str){room, put_size(&uri)});
}
