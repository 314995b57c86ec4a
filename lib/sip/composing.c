#include "sip/composing.h"

#include "xml/xml.h"

#define SPACE STR("urn:ietf:params:xml:ns:im-iscomposing")

enum { STATE, CONTENT_TYPE, LAST_ACTIVE, REFRESH, TEXT_COUNT };

static const struct str names[TEXT_COUNT] = {
	[STATE] = {"state", 5},
	[CONTENT_TYPE] = {"contenttype", 11},
	[LAST_ACTIVE] = {"lastactive", 10},
	[REFRESH] = {"refresh", 7},
};

static bool refresh_of(struct str text, uint32_t *refresh_s)
{
	uint32_t n = 0;

	if (text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text.p[i] - '0');
		n = n < SIP_COMPOSING_REFRESH_MAX_S ? n : SIP_COMPOSING_REFRESH_MAX_S;
	}
	*refresh_s = n > SIP_COMPOSING_REFRESH_MIN_S ? n : SIP_COMPOSING_REFRESH_MIN_S;
	return true;
}

static enum sip_body element(struct xml *x, struct put *room, struct str text[TEXT_COUNT])
{
	for (unsigned i = 0; i < TEXT_COUNT; i++) {
		if (!xml_is(x, SPACE, names[i]))
			continue;
		if (text[i].p != NULL)
			return SIP_BODY_REPEATED;
		return xml_text(x, room, &text[i]) ? SIP_BODY_OK : SIP_BODY_SYNTAX;
	}
	return xml_skip(x) ? SIP_BODY_OK : SIP_BODY_SYNTAX;
}

static enum sip_body document(struct xml *x, struct put *room, struct str text[TEXT_COUNT])
{
	enum xml_token t;

	if (xml_next(x) != XML_START || !xml_is(x, SPACE, STR("isComposing")))
		return SIP_BODY_SYNTAX;
	while ((t = xml_next(x)) == XML_START || t == XML_TEXT) {
		enum sip_body fault = t == XML_START ? element(x, room, text) : SIP_BODY_OK;

		if (fault != SIP_BODY_OK)
			return fault;
	}
	return t == XML_END && xml_next(x) == XML_DONE ? SIP_BODY_OK : SIP_BODY_SYNTAX;
}

enum sip_body sip_composing_parse(struct cur in, struct put *room, struct sip_composing *c)
{
	struct str    text[TEXT_COUNT] = {{NULL, 0}};
	struct xml    x;
	enum sip_body fault;

	*c = (struct sip_composing){.refresh_s = SIP_COMPOSING_REFRESH_S};
	xml_open(&x, in);
	fault = document(&x, room, text);
	if (fault == SIP_BODY_SYNTAX && (x.limit || room->failed))
		return SIP_BODY_LIMIT;
	if (fault != SIP_BODY_OK)
		return fault;
	if (text[REFRESH].p != NULL && !refresh_of(text[REFRESH], &c->refresh_s))
		return SIP_BODY_SYNTAX;
	c->active = str_eq(text[STATE], STR("active"));
	c->gone = str_eq(text[STATE], STR("gone"));
	c->content_type = text[CONTENT_TYPE];
	c->last_active = text[LAST_ACTIVE];
	return text[STATE].n > 0 ? SIP_BODY_OK : SIP_BODY_MISSING;
}

static void text_put(struct put *w, unsigned which, struct str text)
{
	if (text.n == 0)
		return;
	put_u8(w, '<');
	put_str(w, names[which]);
	put_u8(w, '>');
	xml_escape_put(w, text);
	put_str(w, STR("</"));
	put_str(w, names[which]);
	put_u8(w, '>');
}

void sip_composing_put(struct put *w, const struct sip_composing *c)
{
	char     digits[10];
	size_t   n = sizeof(digits);
	uint32_t left = c->refresh_s;

	while (left > 0) {
		digits[--n] = (char)('0' + left % 10);
		left /= 10;
	}
	put_str(w, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<isComposing xmlns=\""));
	put_str(w, SPACE);
	put_str(w, STR("\">"));
	text_put(w, STATE, c->active ? STR("active") : STR("idle"));
	text_put(w, LAST_ACTIVE, c->last_active);
	text_put(w, CONTENT_TYPE, c->content_type);
	text_put(w, REFRESH, (struct str){digits + n, sizeof(digits) - n});
	put_str(w, STR("</isComposing>\n"));
}
