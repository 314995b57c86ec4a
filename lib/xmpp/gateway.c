/* The gateway to numbers, as a client sees it (XEP-0100, 6.3): its address is a domain that we
 * serve, and numbers are local parts in it. A client asks what to ask its user for, and how what
 * the user says is addressed. */
#include "msg/addr.h"
#include "xmpp/session_private.h"

#define OPEN "<query xmlns=\"" XMPP_SPACE_GATEWAY "\">"

void xmpp_on_gateway_ask(struct xmpp_input *in)
{
	xmpp_result_begin(in);
	xmpp_put(in, STR(OPEN "<desc>A telephone number with its country code, or a short number."
			      "</desc><prompt>Number</prompt></query></iq>"));
}

static bool is_filling(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')' || c == '\t' ||
	       c == '\n' || c == '\r';
}

/* As people write it. False: it is no number. */
static bool put_number_of(struct put *w, struct str text)
{
	char       digits[ADDR_NUMBER_SIZE_MAX];
	struct put d = put_to(digits, sizeof(digits));
	bool       plus = false;
	struct str number;

	for (size_t i = 0; i < text.n; i++) {
		if (is_filling(text.p[i]))
			continue;
		if (text.p[i] == '+' && !plus && put_size(&d) == 0)
			plus = true;
		else if (text.p[i] >= '0' && text.p[i] <= '9')
			put_u8(&d, (uint8_t)text.p[i]);
		else
			return false;
		if (!plus && str_eq((struct str){digits, put_size(&d)}, STR("00"))) {
			plus = true;
			d = put_to(digits, sizeof(digits));
		}
	}
	number = (struct str){digits, put_size(&d)};
	if (d.failed || number.n == 0 || (plus && number.n + 1 > ADDR_NUMBER_SIZE_MAX))
		return false;
	if (plus)
		put_u8(w, '+');
	put_str(w, number);
	return true;
}

/* The text of <prompt/> in the query whose START was read. */
static struct str prompt_read(struct xmpp_stanza *stanza, struct put *room)
{
	enum xml_token t = xml_next(&stanza->x);
	struct str     text = STR("");

	while (t == XML_TEXT)
		t = xml_next(&stanza->x);
	if (t == XML_START && xml_is(&stanza->x, STR(XMPP_SPACE_GATEWAY), STR("prompt")) &&
	    !xml_text(&stanza->x, room, &text))
		return STR("");
	return text;
}

void xmpp_on_gateway_tell(struct xmpp_input *in)
{
	struct str      said = prompt_read(in->stanza, &in->room);
	char            room[XMPP_JID_SIZE_MAX];
	struct put      jid = put_to(room, sizeof(room));
	struct xmpp_jid to;

	if (!xmpp_to(in, &to))
		return;
	if (!put_number_of(&jid, said)) {
		xmpp_refuse(in, XMPP_NOT_ACCEPTABLE, REASON_DESTINATION);
		return;
	}
	put_u8(&jid, '@');
	put_str(&jid, to.domain);
	xmpp_result_begin(in);
	xmpp_put(in, STR(OPEN "<jid>"));
	xml_escape_put(&in->out->put, (struct str){room, put_size(&jid)});
	xmpp_put(in, STR("</jid></query></iq>"));
}
