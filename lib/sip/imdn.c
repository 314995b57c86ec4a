#include "sip/imdn.h"

#include "xml/xml.h"

#define SPACE STR("urn:ietf:params:xml:ns:imdn")
#define SPACE_CPM STR("urn:oma:xml:cpm:imdn-extensions:1.0")

static const struct str kind_names[SIP_IMDN_KIND_COUNT] = {
	[SIP_IMDN_DELIVERY] = {"delivery-notification", 21},
	[SIP_IMDN_PROCESSING] = {"processing-notification", 23},
	[SIP_IMDN_DISPLAY] = {"display-notification", 20},
	[SIP_IMDN_INTERWORKING] = {"interworking-notification", 25},
};

static struct str space_of(enum sip_imdn_kind kind)
{
	return kind == SIP_IMDN_INTERWORKING ? SPACE_CPM : SPACE;
}

#define OF(kind) (1u << SIP_IMDN_##kind)

static const struct {
	struct str name;
	unsigned   kinds; /* which it is a status of (RFC 5438, 7.2.1) */
} statuses[SIP_IMDN_STATUS_COUNT] = {
	[SIP_IMDN_DELIVERED] = {{"delivered", 9}, OF(DELIVERY)},
	[SIP_IMDN_FAILED] = {{"failed", 6}, OF(DELIVERY)},
	[SIP_IMDN_PROCESSED] = {{"processed", 9}, OF(PROCESSING)},
	[SIP_IMDN_STORED] = {{"stored", 6}, OF(PROCESSING)},
	[SIP_IMDN_DISPLAYED] = {{"displayed", 9}, OF(DISPLAY)},
	[SIP_IMDN_FORBIDDEN] = {{"forbidden", 9},
				OF(DELIVERY) | OF(PROCESSING) | OF(DISPLAY) | OF(INTERWORKING)},
	[SIP_IMDN_ERROR] = {{"error", 5},
			    OF(DELIVERY) | OF(PROCESSING) | OF(DISPLAY) | OF(INTERWORKING)},
	[SIP_IMDN_LEGACY_SMS] = {{"legacy-sms", 10}, OF(INTERWORKING)},
	[SIP_IMDN_LEGACY_MMS] = {{"legacy-mms", 10}, OF(INTERWORKING)},
};

enum { MESSAGE_ID, DATETIME, RECIPIENT, ORIGINAL_RECIPIENT, SUBJECT, TEXT_COUNT };

static const struct str text_names[TEXT_COUNT] = {
	[MESSAGE_ID] = {"message-id", 10},   [DATETIME] = {"datetime", 8},
	[RECIPIENT] = {"recipient-uri", 13}, [ORIGINAL_RECIPIENT] = {"original-recipient-uri", 22},
	[SUBJECT] = {"subject", 7},
};

struct reading {
	struct xml    xml;
	struct put   *room;
	struct str    text[TEXT_COUNT];
	unsigned      seen; /* bits: texts; then the notification, its status */
	enum sip_body fault;
};

#define SEEN_NOTIFICATION (1u << TEXT_COUNT)
#define SEEN_STATUS (2u << TEXT_COUNT)

static bool once(struct reading *r, unsigned bit)
{
	if (r->seen & bit)
		r->fault = SIP_BODY_REPEATED;
	r->seen |= bit;
	return r->fault == SIP_BODY_OK;
}

/* The children of an element, each given to take(), which reads it to its END. */
static bool children(struct reading *r, struct sip_imdn *n,
		     bool (*take)(struct reading *r, struct sip_imdn *n))
{
	enum xml_token t;

	while ((t = xml_next(&r->xml)) == XML_START || t == XML_TEXT) {
		if (t == XML_START && !take(r, n))
			return false;
	}
	return t == XML_END;
}

static bool status_value(struct reading *r, struct sip_imdn *n)
{
	for (unsigned i = 0; i < SIP_IMDN_STATUS_COUNT; i++) {
		if (!xml_is(&r->xml, space_of(n->kind), statuses[i].name))
			continue;
		if (!(statuses[i].kinds & 1u << n->kind))
			r->fault = SIP_BODY_SYNTAX;
		n->status = (enum sip_imdn_status)i;
		return once(r, SEEN_STATUS) && xml_skip(&r->xml);
	}
	return xml_skip(&r->xml);
}

static bool status(struct reading *r, struct sip_imdn *n)
{
	if (!xml_is(&r->xml, space_of(n->kind), STR("status")))
		return xml_skip(&r->xml);
	return children(r, n, status_value);
}

static bool element(struct reading *r, struct sip_imdn *n)
{
	for (unsigned i = 0; i < TEXT_COUNT; i++) {
		if (xml_is(&r->xml, SPACE, text_names[i]))
			return once(r, 1u << i) && xml_text(&r->xml, r->room, &r->text[i]);
	}
	for (unsigned i = 0; i < SIP_IMDN_KIND_COUNT; i++) {
		if (!xml_is(&r->xml, space_of((enum sip_imdn_kind)i), kind_names[i]))
			continue;
		n->kind = (enum sip_imdn_kind)i;
		return once(r, SEEN_NOTIFICATION) && children(r, n, status);
	}
	return xml_skip(&r->xml);
}

enum sip_body sip_imdn_parse(struct cur in, struct put *room, struct sip_imdn *n)
{
	struct reading r = {.room = room};

	*n = (struct sip_imdn){0};
	xml_open(&r.xml, in);
	if (xml_next(&r.xml) != XML_START || !xml_is(&r.xml, SPACE, STR("imdn")) ||
	    !children(&r, n, element) || xml_next(&r.xml) != XML_DONE) {
		if (r.fault != SIP_BODY_OK)
			return r.fault;
		return r.xml.limit || room->failed ? SIP_BODY_LIMIT : SIP_BODY_SYNTAX;
	}
	n->message_id = r.text[MESSAGE_ID];
	n->datetime = r.text[DATETIME];
	n->recipient_uri = r.text[RECIPIENT];
	n->original_recipient_uri = r.text[ORIGINAL_RECIPIENT];
	n->subject = r.text[SUBJECT];
	if (n->message_id.n == 0 || n->datetime.n == 0 || !(r.seen & SEEN_STATUS))
		return SIP_BODY_MISSING;
	return SIP_BODY_OK;
}

static void tag_put(struct put *w, const char *open, struct str name, const char *close)
{
	put_str(w, str_of(open));
	put_str(w, name);
	put_str(w, str_of(close));
}

static void text_put(struct put *w, unsigned which, struct str text)
{
	if (text.n == 0)
		return;
	tag_put(w, "<", text_names[which], ">");
	xml_escape_put(w, text);
	tag_put(w, "</", text_names[which], ">");
}

void sip_imdn_put(struct put *w, const struct sip_imdn *n)
{
	if (n->kind >= SIP_IMDN_KIND_COUNT || n->status >= SIP_IMDN_STATUS_COUNT ||
	    !(statuses[n->status].kinds & 1u << n->kind)) {
		w->failed = true;
		return;
	}
	put_str(w, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imdn xmlns=\""));
	put_str(w, SPACE);
	put_str(w, STR("\">"));
	text_put(w, MESSAGE_ID, n->message_id);
	text_put(w, DATETIME, n->datetime);
	text_put(w, RECIPIENT, n->recipient_uri);
	text_put(w, ORIGINAL_RECIPIENT, n->original_recipient_uri);
	text_put(w, SUBJECT, n->subject);
	if (n->kind == SIP_IMDN_INTERWORKING) {
		tag_put(w, "<", kind_names[n->kind], " xmlns=\"");
		put_str(w, SPACE_CPM);
		put_str(w, STR("\"><status>"));
	} else {
		tag_put(w, "<", kind_names[n->kind], "><status>");
	}
	tag_put(w, "<", statuses[n->status].name, "/></status>");
	tag_put(w, "</", kind_names[n->kind], "></imdn>\n");
}
