#include "sip/reginfo.h"

#include "sip/features.h"
#include "sip/lex.h"
#include "xml/xml.h"

#define SPACE STR("urn:ietf:params:xml:ns:reginfo")

struct reading {
	struct xml          xml;
	struct put         *room;
	struct sip_reginfo *info;
	enum sip_body       fault; /* OK: none of our own */
};

static bool fails(struct reading *r, enum sip_body fault)
{
	r->fault = fault;
	return false;
}

/* False: it is not there. */
static bool attribute(struct reading *r, struct str name, struct str *value)
{
	for (unsigned i = 0; i < r->xml.attributes; i++) {
		const struct xml_attribute *a = &r->xml.attribute[i];
		const char                 *start = (const char *)r->room->p;

		if (a->name.prefix.n > 0 || !str_eq(a->name.local, name))
			continue;
		*value = a->value;
		if (memchr(a->value.p, '&', a->value.n) != NULL) {
			xml_value_put(r->room, a->value);
			*value = (struct str){start, (size_t)((const char *)r->room->p - start)};
		}
		return !r->room->failed;
	}
	*value = STR("");
	return false;
}

/* The children of an element, each given to take(), which reads it to its END. */
static bool children(struct reading *r, bool (*take)(struct reading *r))
{
	enum xml_token t;

	while ((t = xml_next(&r->xml)) == XML_START || t == XML_TEXT) {
		if (t == XML_START && !take(r))
			return false;
	}
	return t == XML_END;
}

static bool param_read(struct reading *r)
{
	struct sip_reginfo_contact *c = &r->info->contacts[r->info->contact_count - 1];
	struct str                  name, value;

	if (!xml_is(&r->xml, SPACE, STR("unknown-param")) || !attribute(r, STR("name"), &name))
		return xml_skip(&r->xml);
	if (!xml_text(&r->xml, r->room, &value))
		return false;
	while (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = (struct str){value.p + 1, value.n - 2};
	c->features |= sip_feature_bits(name, value);
	return true;
}

static bool contact_read(struct reading *r)
{
	struct sip_reginfo         *info = r->info;
	struct sip_reginfo_contact *c = &info->contacts[info->contact_count];
	struct str                  state;

	if (!xml_is(&r->xml, SPACE, STR("contact")))
		return xml_skip(&r->xml);
	if (info->contact_count == SIP_REGINFO_CONTACTS_MAX)
		return fails(r, SIP_BODY_LIMIT);
	*c = (struct sip_reginfo_contact){0};
	if (!attribute(r, STR("id"), &c->id) || !attribute(r, STR("state"), &state))
		return fails(r, SIP_BODY_SYNTAX);
	c->active = str_eq(state, STR("active"));
	if (!c->active && !str_eq(state, STR("terminated")))
		return fails(r, SIP_BODY_SYNTAX);
	info->contact_count++;
	info->registrations[info->registration_count - 1].count++;
	return children(r, param_read);
}

static bool registration_read(struct reading *r)
{
	struct sip_reginfo              *info = r->info;
	struct sip_reginfo_registration *g = &info->registrations[info->registration_count];
	struct str                       state;

	if (!xml_is(&r->xml, SPACE, STR("registration")))
		return xml_skip(&r->xml);
	if (info->registration_count == SIP_REGINFO_REGISTRATIONS_MAX)
		return fails(r, SIP_BODY_LIMIT);
	*g = (struct sip_reginfo_registration){.first = info->contact_count};
	if (!attribute(r, STR("aor"), &g->aor) || !attribute(r, STR("state"), &state))
		return fails(r, SIP_BODY_SYNTAX);
	attribute(r, STR("id"), &g->id);
	g->active = str_eq(state, STR("active"));
	if (!g->active && !str_eq(state, STR("init")) && !str_eq(state, STR("terminated")))
		return fails(r, SIP_BODY_SYNTAX);
	info->registration_count++;
	return children(r, contact_read);
}

static bool root_read(struct reading *r)
{
	struct str version, state;

	if (xml_next(&r->xml) != XML_START || !xml_is(&r->xml, SPACE, STR("reginfo")) ||
	    !attribute(r, STR("version"), &version) ||
	    !sip_number_parse(version, &r->info->version) || !attribute(r, STR("state"), &state))
		return false;
	r->info->full = str_eq(state, STR("full"));
	return (r->info->full || str_eq(state, STR("partial"))) && children(r, registration_read) &&
	       xml_next(&r->xml) == XML_DONE;
}

enum sip_body sip_reginfo_parse(struct cur document, struct put *room, struct sip_reginfo *info)
{
	struct reading r; /* not zeroed: most of it is the reader's */

	r.room = room;
	r.info = info;
	r.fault = SIP_BODY_OK;
	info->registration_count = info->contact_count = 0;
	xml_open(&r.xml, document);
	if (root_read(&r))
		return SIP_BODY_OK;
	if (r.xml.limit || room->failed)
		return SIP_BODY_LIMIT;
	return r.fault != SIP_BODY_OK ? r.fault : SIP_BODY_SYNTAX;
}
