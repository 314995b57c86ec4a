/* Requests (RFC 6120, 8.2.3). We answer ourselves XEP-0030, 0092, 0199, 0202, and what every client
 * asks for when it begins; rosters and block lists are asked of control; those for a resource or
 * another domain go there, and so do their answers (RFC 6121, 8.5.3; RFC 6120, 10.4). */
#include "base/base64.h"
#include "base/date.h"
#include "xmpp/scram_hash.h"
#include "xmpp/session_private.h"

void xmpp_result_begin(struct xmpp_input *in)
{
	struct xmpp_head head = {.kind = XMPP_IQ,
				 .type = XMPP_TYPE_RESULT,
				 .id = in->id,
				 .from = in->to.n > 0 ? in->to : xmpp_host(in->s),
				 .to = in->from};

	xmpp_put_head(&in->out->put, &head);
	xmpp_sent(in->s);
	xmpp_put(in, STR(">"));
}

static void result(struct xmpp_input *in, struct str content)
{
	xmpp_result_begin(in);
	xmpp_put(in, content);
	xmpp_put(in, STR("</iq>"));
}

static const struct {
	struct str name;
	bool       of_account;
} features[] = {
#define FEATURE(name, of_account) {{name, sizeof(name) - 1}, of_account},
#include "xmpp/features.def"
#undef FEATURE
};

static const struct { /* sorted, as features.def is */
	const char *category, *type;
} identities[] = {{"gateway", "sms"}, {"server", "im"}};

static void identity_put(struct put *w, const char *category, const char *type)
{
	put_str(w, STR("<identity"));
	xmpp_put_attribute(w, STR("category"), str_of(category));
	xmpp_put_attribute(w, STR("type"), str_of(type));
	put_str(w, STR(" name=\"CPM\"/>"));
}

/* ---- contacts (XEP-0157) ---- */

#define CONTACTS_FORM "http://jabber.org/network/serverinfo"

static const struct str contact_fields[] = {
	/* sorted */
	{"abuse-addresses", 15},
	{"admin-addresses", 15},
};
#define CONTACT_FIELDS (sizeof(contact_fields) / sizeof(contact_fields[0]))

/* In the order of the hash, each once. */
static void contacts_keep(struct xmpp_instance *i, const struct str contacts[], uint32_t n)
{
	i->contact_count = 0;
	for (uint32_t c = 0; c < n; c++) {
		uint32_t at = 0;

		while (at < i->contact_count && str_cmp(i->contacts[at], contacts[c]) < 0)
			at++;
		if (at < i->contact_count && str_eq(i->contacts[at], contacts[c]))
			continue;
		ASSERT(i->contact_count < PROTO_CONTACTS_MAX);
		memmove(&i->contacts[at + 1], &i->contacts[at],
			(i->contact_count++ - at) * sizeof(i->contacts[0]));
		i->contacts[at] = contacts[c];
	}
}

/* XEP-0115, 5.1: a form by its type, then its fields with their values. */
static void contacts_hash_put(struct put *w, const struct xmpp_instance *i)
{
	if (i->contact_count == 0)
		return;
	put_str(w, STR(CONTACTS_FORM "<"));
	for (size_t f = 0; f < CONTACT_FIELDS; f++) {
		put_str(w, contact_fields[f]);
		put_u8(w, '<');
		for (uint32_t c = 0; c < i->contact_count; c++) {
			put_str(w, i->contacts[c]);
			put_u8(w, '<');
		}
	}
}

static void contacts_put(struct put *w, const struct xmpp_instance *i)
{
	if (i->contact_count == 0)
		return;
	put_str(w, STR("<x xmlns=\"jabber:x:data\" type=\"result\"><field var=\"FORM_TYPE\" "
		       "type=\"hidden\"><value>" CONTACTS_FORM "</value></field>"));
	for (size_t f = 0; f < CONTACT_FIELDS; f++) {
		put_str(w, STR("<field"));
		xmpp_put_attribute(w, STR("var"), contact_fields[f]);
		put_str(w, STR(" type=\"list-multi\">"));
		for (uint32_t c = 0; c < i->contact_count; c++) {
			put_str(w, STR("<value>"));
			xml_escape_put(w, i->contacts[c]);
			put_str(w, STR("</value>"));
		}
		put_str(w, STR("</field>"));
	}
	put_str(w, STR("</x>"));
}

/* ---- what we can ---- */

/* XEP-0115, 5.1: of what on_disco_info() says. */
void xmpp_caps_make(struct xmpp_instance *i, const struct str contacts[], uint32_t count)
{
	char       text[4096];
	struct put w = put_to(text, sizeof(text)), caps = put_to(i->caps, sizeof(i->caps));
	uint8_t    digest[20];

	contacts_keep(i, contacts, count);
	for (size_t n = 0; n < sizeof(identities) / sizeof(identities[0]); n++) {
		put_str(&w, str_of(identities[n].category));
		put_u8(&w, '/');
		put_str(&w, str_of(identities[n].type));
		put_str(&w, STR("//CPM<"));
	}
	for (size_t n = 0; n < sizeof(features) / sizeof(features[0]); n++) {
		put_str(&w, features[n].name);
		put_u8(&w, '<');
	}
	contacts_hash_put(&w, i);
	ASSERT(!w.failed);
	scram_hash(false, (struct str){text, put_size(&w)}, STR(""), digest);
	base64_put(&caps, digest, sizeof(digest));
	ASSERT(!caps.failed && put_size(&caps) == sizeof(i->caps));
}

/* None, or that of our capabilities (XEP-0115, 6.2). */
static bool is_our_node(struct xmpp_input *in, struct str node)
{
	static const struct str name = {XMPP_CAPS_NODE "#", sizeof(XMPP_CAPS_NODE)};

	return node.n == 0 || (str_starts(node, name) &&
			       str_eq(str_skip(node, name.n),
				      (struct str){in->s->instance->caps, XMPP_CAPS_SIZE}));
}

/* Does a client ask its own account, and not the domain (XEP-0030, 8)? */
static bool asks_account(const struct xmpp_input *in)
{
	return in->s->link == XMPP_BLOCK_NONE &&
	       (in->to.n == 0 || memchr(in->to.p, '@', in->to.n) != NULL);
}

static void on_disco_info(struct xmpp_input *in)
{
	bool        account = asks_account(in);
	struct put *w = &in->out->put;
	struct str  node = xmpp_value(xmpp_attribute(&in->stanza->x, STR("node")), &in->room);

	if (!is_our_node(in, node) || (account && node.n > 0)) {
		xmpp_refuse(in, XMPP_ITEM_NOT_FOUND, REASON_NONE);
		return;
	}
	xmpp_result_begin(in);
	put_str(w, STR("<query xmlns=\"http://jabber.org/protocol/disco#info\""));
	if (node.n > 0)
		xmpp_put_attribute(w, STR("node"), node);
	put_u8(w, '>');
	if (account)
		identity_put(w, "account", "registered");
	for (size_t n = 0; !account && n < sizeof(identities) / sizeof(identities[0]); n++)
		identity_put(w, identities[n].category, identities[n].type);
	for (size_t n = 0; n < sizeof(features) / sizeof(features[0]); n++) {
		if (account && !features[n].of_account)
			continue;
		put_str(w, STR("<feature"));
		xmpp_put_attribute(w, STR("var"), features[n].name);
		put_str(w, STR("/>"));
	}
	if (!account)
		contacts_put(w, in->s->instance);
	put_str(w, STR("</query></iq>"));
}

static void on_time(struct xmpp_input *in)
{
	struct put *w = &in->out->put;

	xmpp_result_begin(in);
	put_str(w, STR("<time xmlns=\"urn:xmpp:time\"><tzo>Z</tzo><utc>"));
	date_put(w, in->now.wall_ms);
	put_str(w, STR("</utc></time></iq>"));
}

static void on_ping(struct xmpp_input *in)
{
	result(in, STR(""));
}

static void on_disco_items(struct xmpp_input *in)
{
	result(in, STR("<query xmlns=\"http://jabber.org/protocol/disco#items\"/>"));
}

static void on_version(struct xmpp_input *in)
{
	result(in, STR("<query xmlns=\"jabber:iq:version\"><name>CPM</name><version>0.1.0</version>"
		       "</query>"));
}

static void on_bind_again(struct xmpp_input *in)
{
	xmpp_refuse(in, XMPP_NOT_ALLOWED, REASON_XMPP_STANZA);
}

static const struct {
	enum xmpp_payload kind;
	enum xmpp_type    type;
	void (*handler)(struct xmpp_input *in);
	bool of_account; /* which a link has not */
} requests[] = {
	{XMPP_PAYLOAD_PING, XMPP_TYPE_GET, on_ping, false},
	{XMPP_PAYLOAD_DISCO_INFO, XMPP_TYPE_GET, on_disco_info, false},
	{XMPP_PAYLOAD_DISCO_ITEMS, XMPP_TYPE_GET, on_disco_items, false},
	{XMPP_PAYLOAD_VERSION, XMPP_TYPE_GET, on_version, false},
	{XMPP_PAYLOAD_TIME, XMPP_TYPE_GET, on_time, false},
	{XMPP_PAYLOAD_ROSTER, XMPP_TYPE_GET, xmpp_on_roster_get, true},
	{XMPP_PAYLOAD_ROSTER, XMPP_TYPE_SET, xmpp_on_roster_set, true},
	{XMPP_PAYLOAD_BLOCKLIST, XMPP_TYPE_GET, xmpp_on_blocklist, true},
	{XMPP_PAYLOAD_BLOCK, XMPP_TYPE_SET, xmpp_on_block, true},
	{XMPP_PAYLOAD_UNBLOCK, XMPP_TYPE_SET, xmpp_on_unblock, true},
	/* RFC 3921, 3: nothing is to be done */
	{XMPP_PAYLOAD_SESSION, XMPP_TYPE_SET, on_ping, false},
	{XMPP_PAYLOAD_BIND, XMPP_TYPE_SET, on_bind_again, false},
	{XMPP_PAYLOAD_GATEWAY, XMPP_TYPE_GET, xmpp_on_gateway_ask, false},
	{XMPP_PAYLOAD_GATEWAY, XMPP_TYPE_SET, xmpp_on_gateway_tell, false},
	{XMPP_PAYLOAD_CARBONS_ENABLE, XMPP_TYPE_SET, xmpp_on_carbons_enable, true},
	{XMPP_PAYLOAD_CARBONS_DISABLE, XMPP_TYPE_SET, xmpp_on_carbons_disable, true},
};

/* The payload's START was read; there is one payload (RFC 6120, 8.2.3), which the whole stanza was
 * read for. */
static void answer(struct xmpp_input *in, enum xmpp_payload p)
{
	bool has_account = in->s->link == XMPP_BLOCK_NONE;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].kind == p && requests[i].type == in->stanza->type &&
		    (has_account || !requests[i].of_account)) {
			requests[i].handler(in);
			return;
		}
	}
	xmpp_refuse(in, XMPP_SERVICE_UNAVAILABLE, REASON_NOT_SUPPORTED);
}

/* For us: a domain of ours, or the account of the stream itself (RFC 6120, 10.3.3), which a link
 * has not. */
static bool is_ours(const struct xmpp_input *in, const struct xmpp_jid *to)
{
	struct xmpp_jid self;

	if (to->resource.n > 0)
		return false;
	if (to->local.n == 0)
		return xmpp_is_here(in->s, to->domain);
	if (in->s->link != XMPP_BLOCK_NONE)
		return false;
	self = xmpp_self(in->s);
	return xmpp_jid_same_bare(to, &self);
}

static bool is_answer(const struct xmpp_input *in)
{
	return in->stanza->type == XMPP_TYPE_RESULT || in->stanza->type == XMPP_TYPE_ERROR;
}

/* An error may repeat the request beside what is wrong with it. */
static bool is_valid(const struct xmpp_input *in)
{
	enum xmpp_type type = in->stanza->type;

	if (in->id.n == 0)
		return false;
	if (is_answer(in))
		return in->payloads <= (type == XMPP_TYPE_RESULT ? 1 : 2);
	return in->payloads == 1 && (type == XMPP_TYPE_GET || type == XMPP_TYPE_SET);
}

void xmpp_on_iq(struct xmpp_input *in)
{
	struct xmpp_jid   to;
	enum xmpp_payload p;

	if (!is_valid(in)) {
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
		return;
	}
	if (!xmpp_to(in, &to))
		return;
	if (to.resource.n > 0 || !xmpp_is_here(in->s, to.domain)) /* RFC 6120, 10.4 */
		xmpp_give(in, &to);
	else if (is_answer(in))
		return; /* to our ping, which anything answers */
	else if (!xmpp_payload_next(in->stanza, &p))
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
	else if (is_ours(in, &to))
		answer(in, p);
	else if (p == XMPP_PAYLOAD_ROSTER) /* somebody else's (RFC 6121, 2.3.3) */
		xmpp_refuse(in, XMPP_FORBIDDEN, REASON_FORBIDDEN);
	else
		xmpp_refuse(in, XMPP_SERVICE_UNAVAILABLE, REASON_NOT_SUPPORTED);
}
