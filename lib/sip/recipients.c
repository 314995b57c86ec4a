#include "sip/recipients.h"

#define SPACE STR("urn:ietf:params:xml:ns:resource-lists")
#define COPY_SPACE STR("urn:ietf:params:xml:ns:copycontrol")

static const struct str copies[] = {
	[SIP_RECIPIENT_TO] = {"to", 2},
	[SIP_RECIPIENT_CC] = {"cc", 2},
	[SIP_RECIPIENT_BCC] = {"bcc", 3},
};

static bool stop(struct sip_recipients *l, enum sip_body fault)
{
	l->fault = fault;
	l->xml.bad = true;
	return false;
}

static bool broken(struct sip_recipients *l)
{
	return stop(l, l->xml.limit || l->room->failed ? SIP_BODY_LIMIT : SIP_BODY_SYNTAX);
}

void sip_recipients_open(struct sip_recipients *l, struct cur document, struct put *room)
{
	l->room = room;
	l->count = 0;
	l->fault = SIP_BODY_OK;
	xml_open(&l->xml, document);
	if (xml_next(&l->xml) != XML_START || !xml_is(&l->xml, SPACE, STR("resource-lists")))
		broken(l);
}

/* An attribute's value, lent where it stands as it is meant. */
static struct str value_of(struct sip_recipients *l, struct str raw)
{
	const char *start = (const char *)l->room->p;

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '&' || (uint8_t)raw.p[i] < ' ') {
			xml_value_put(l->room, raw);
			return (struct str){start, (size_t)((const char *)l->room->p - start)};
		}
	}
	return raw;
}

static void copy_read(struct sip_recipients *l, struct sip_recipient *entry,
		      const struct xml_attribute *a)
{
	struct str value = value_of(l, a->value);

	if (str_eq(a->name.local, STR("anonymize")))
		entry->anonymous = str_eq(value, STR("true")) || str_eq(value, STR("1"));
	if (!str_eq(a->name.local, STR("copyControl")))
		return;
	for (unsigned i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		if (str_eq(value, copies[i]))
			entry->copy = (enum sip_recipient_copy)i;
	}
}

/* The entry whose START was read, to its END. */
static bool entry_read(struct sip_recipients *l, struct sip_recipient *entry)
{
	*entry = (struct sip_recipient){0};
	for (unsigned i = 0; i < l->xml.attributes; i++) {
		const struct xml_attribute *a = &l->xml.attribute[i];

		if (a->name.prefix.n == 0 && str_eq(a->name.local, STR("uri")))
			entry->uri = value_of(l, a->value);
		else if (a->name.prefix.n > 0 && str_eq(a->space, COPY_SPACE))
			copy_read(l, entry, a);
	}
	if (entry->uri.n == 0 || !xml_skip(&l->xml) || l->room->failed)
		return broken(l);
	if (++l->count > SIP_RECIPIENTS_MAX)
		return stop(l, SIP_BODY_LIMIT);
	return true;
}

bool sip_recipients_next(struct sip_recipients *l, struct sip_recipient *entry)
{
	enum xml_token t;

	if (l->fault != SIP_BODY_OK)
		return false;
	while ((t = xml_next(&l->xml)) != XML_DONE) {
		if (t == XML_BAD)
			return broken(l);
		if (t != XML_START || xml_is(&l->xml, SPACE, STR("list")))
			continue;
		if (xml_is(&l->xml, SPACE, STR("entry")))
			return entry_read(l, entry);
		if (xml_is(&l->xml, SPACE, STR("entry-ref")) ||
		    xml_is(&l->xml, SPACE, STR("external")))
			return stop(l, SIP_BODY_SYNTAX);
		if (!xml_skip(&l->xml)) /* display-name, and what others add */
			return broken(l);
	}
	return l->count > 0 ? false : stop(l, SIP_BODY_MISSING);
}

void sip_recipients_begin(struct put *w)
{
	put_str(w, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<resource-lists xmlns=\""));
	put_str(w, SPACE);
	put_str(w, STR("\" xmlns:cp=\""));
	put_str(w, COPY_SPACE);
	put_str(w, STR("\"><list>\n"));
}

void sip_recipients_put(struct put *w, const struct sip_recipient *entry)
{
	put_str(w, STR("<entry uri=\""));
	xml_escape_put(w, entry->uri);
	put_str(w, STR("\" cp:copyControl=\""));
	put_str(w, copies[entry->copy]);
	put_str(w, entry->anonymous ? STR("\" cp:anonymize=\"true\"/>\n") : STR("\"/>\n"));
}

void sip_recipients_end(struct put *w)
{
	put_str(w, STR("</list></resource-lists>\n"));
}
