#include "chat_client.h"

#include "base/base64.h"
#include "xmpp/spaces.h"

#define SPACE_RECEIPTS "urn:xmpp:receipts"

static void head_put(const struct chat_client *c, struct put *w)
{
	put_str(w, STR("<?xml version='1.0'?><stream:stream xmlns='" XMPP_SPACE_CLIENT
		       "' xmlns:stream='" XMPP_SPACE_STREAMS "' version='1.0'"));
	xmpp_put_attribute(w, STR("to"), c->domain);
	put_u8(w, '>');
}

void chat_client_begin(struct chat_client *c, const struct chat_who *who, struct put *w)
{
	*c = (struct chat_client){.user = who->user,
				  .domain = who->domain,
				  .resource = who->resource,
				  .password = who->password,
				  .plain = who->plain};
	head_put(c, w);
}

/* ---- SASL ---- */

static bool refused(struct chat_client *c, struct chat_item *item, struct str why)
{
	c->state = CHAT_OVER;
	item->event = CHAT_REFUSED;
	item->body = why;
	return true;
}

static void sasl_put(struct put *w, const char *element, const char *attribute,
		     const struct put *bytes)
{
	put_u8(w, '<');
	put_str(w, str_of(element));
	put_str(w, STR(" xmlns='" XMPP_SPACE_SASL "'"));
	put_str(w, str_of(attribute));
	put_u8(w, '>');
	base64_put(w, bytes->start, put_size(bytes));
	put_str(w, STR("</"));
	put_str(w, str_of(element));
	put_u8(w, '>');
}

static void auth(struct chat_client *c, struct chat_shared *shared, bool scram, struct put *w)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char              bytes[SCRAM_CLIENT_FIRST_MAX + SCRAM_CLIENT_PASSWORD_MAX], nonce[24];
	struct put        first = put_to(bytes, sizeof(bytes));

	if (scram) {
		for (unsigned i = 0; i < sizeof(nonce); i++)
			nonce[i] = digits[random_below(&shared->random, 32)];
		scram_client_begin(&c->scram, c->user, (struct str){nonce, sizeof(nonce)}, &first);
		c->state = CHAT_CHALLENGE;
	} else {
		put_u8(&first, 0);
		put_cstr(&first, c->user);
		put_str(&first, c->password);
		c->state = CHAT_SUCCESS;
	}
	sasl_put(w, "auth", scram ? " mechanism='SCRAM-SHA-1'" : " mechanism='PLAIN'", &first);
	w->failed |= first.failed;
}

static bool on_mechanisms(struct chat_client *c, struct chat_shared *shared, struct put *w,
			  struct chat_item *item)
{
	struct xml    *x = &shared->stanza.x;
	struct put     room = put_to(shared->room, sizeof(shared->room));
	bool           scram = false, plain = false;
	enum xml_token t = XML_START;

	while ((t = xml_next(x)) != XML_BAD && t != XML_DONE) {
		struct str name;

		if (t != XML_START || !xml_is(x, STR(XMPP_SPACE_SASL), STR("mechanism")) ||
		    !xml_text(x, &room, &name))
			continue;
		scram |= str_eq(name, STR("SCRAM-SHA-1"));
		plain |= str_eq(name, STR("PLAIN"));
	}
	scram = scram && (!c->plain || !plain);
	if (!scram && !plain)
		return refused(c, item, STR("it offers neither SCRAM-SHA-1 nor PLAIN"));
	auth(c, shared, scram, w);
	return t == XML_DONE;
}

/* What stands in the element in Base 64. */
static bool decode(struct chat_shared *shared, struct put *bytes)
{
	struct put room = put_to(shared->room, sizeof(shared->room));
	struct str text;

	return xml_text(&shared->stanza.x, &room, &text) && base64_parse(text, bytes);
}

static bool on_sasl(struct chat_client *c, struct chat_shared *shared, struct put *w,
		    struct chat_item *item)
{
	struct xml *x = &shared->stanza.x;
	char        bytes[1024], answer[1024];
	struct put  said = put_to(bytes, sizeof(bytes)), final = put_to(answer, sizeof(answer));
	struct str  text;

	if (xml_is(x, STR(XMPP_SPACE_SASL), STR("failure")))
		return refused(c, item,
			       xml_next(x) == XML_START ? x->name.local : STR("not-authorized"));
	if (!decode(shared, &said))
		return false;
	text = (struct str){bytes, put_size(&said)};
	if (c->state == CHAT_CHALLENGE && xml_is(x, STR(XMPP_SPACE_SASL), STR("challenge"))) {
		if (!scram_client_answer(&c->scram, &shared->salted, c->password, text, &final))
			return false;
		sasl_put(w, "response", "", &final);
		c->state = CHAT_SUCCESS;
		return true;
	}
	if (c->state != CHAT_SUCCESS || !xml_is(x, STR(XMPP_SPACE_SASL), STR("success")))
		return false;
	if (c->scram.first_size > 0 && !scram_client_proves(&c->scram, text))
		return refused(c, item, STR("it does not know the password itself"));
	c->frame = (struct xml_frame){0};
	c->scope = (struct xml_scope){0};
	c->state = CHAT_HEAD_AGAIN;
	head_put(c, w);
	return true;
}

/* ---- stanzas ---- */

static void bind_put(struct chat_client *c, struct put *w)
{
	put_str(w, STR("<iq type='set' id='bind'><bind xmlns='" XMPP_SPACE_BIND "'><resource>"));
	xml_escape_put(w, c->resource);
	put_str(w, STR("</resource></bind></iq>"));
	c->state = CHAT_BINDING;
}

static void answer_iq(const struct xmpp_stanza *s, enum xmpp_payload p, struct put *w)
{
	struct xmpp_head head = {
		.kind = XMPP_IQ, .type = XMPP_TYPE_RESULT, .id = s->id, .to = s->from};

	if (s->type != XMPP_TYPE_GET && s->type != XMPP_TYPE_SET)
		return;
	if (p == XMPP_PAYLOAD_PING) {
		xmpp_put_head(w, &head);
		put_str(w, STR("/>"));
		return;
	}
	head.type = XMPP_TYPE_ERROR;
	xmpp_put_error_stanza(w, &head, XMPP_SERVICE_UNAVAILABLE, STR(""));
}

static bool on_iq(struct chat_client *c, struct chat_shared *shared, struct put *w,
		  struct chat_item *item)
{
	struct xmpp_stanza *s = &shared->stanza;
	enum xmpp_payload   p = XMPP_PAYLOAD_UNKNOWN;

	if (c->state == CHAT_BINDING && str_eq(s->id, STR("bind"))) {
		if (s->type != XMPP_TYPE_RESULT)
			return refused(c, item, STR("the resource cannot be bound"));
		put_str(w, STR("<presence/>"));
		c->state = CHAT_UP;
		item->event = CHAT_IS_UP;
		return true;
	}
	xmpp_payload_next(s, &p);
	answer_iq(s, p, w);
	return !s->x.bad;
}

static bool on_message(struct chat_shared *shared, struct chat_item *item)
{
	struct xmpp_stanza *s = &shared->stanza;
	struct put          room = put_to(shared->room, sizeof(shared->room));
	struct str          id = xmpp_value(s->id, &room);
	bool                has_body = false;
	enum xmpp_payload   p;

	item->id = id;
	item->from = xmpp_value(s->from, &room);
	while (xmpp_payload_next(s, &p)) {
		if (p == XMPP_PAYLOAD_BODY && !has_body) {
			has_body = xmpp_text(&s->x, &room, &item->body);
		} else if (p == XMPP_PAYLOAD_RECEIPT_REQUEST) {
			item->wants_receipt = true;
		} else if (p == XMPP_PAYLOAD_RECEIPT && item->event == CHAT_NOTHING) {
			item->event = CHAT_RECEIPT;
			item->id = xmpp_value(xmpp_attribute(&s->x, STR("id")), &room);
		} else if (p == XMPP_PAYLOAD_ERROR) {
			item->condition = xmpp_error_read(&s->x);
		}
	}
	if (s->type == XMPP_TYPE_ERROR) {
		item->event = CHAT_ERROR;
		item->id = id;
	} else if (has_body) {
		item->event = CHAT_MESSAGE;
		item->id = id;
	}
	return !s->x.bad && !room.failed;
}

/* ---- items ---- */

static bool on_child(struct chat_client *c, struct chat_shared *shared, struct str item_text,
		     struct put *w, struct chat_item *item)
{
	struct xmpp_stanza *s = &shared->stanza;

	if (!xmpp_stanza_open(s, item_text, &c->scope))
		return false;
	if (xml_is(&s->x, STR(XMPP_SPACE_STREAMS), STR("error")))
		return c->state < CHAT_UP
			       ? refused(c, item,
					 xml_next(&s->x) == XML_START ? s->x.name.local : STR(""))
			       : true;
	if (xml_is(&s->x, STR(XMPP_SPACE_STREAMS), STR("features"))) {
		if (c->state == CHAT_MECHANISMS)
			return on_mechanisms(c, shared, w, item);
		if (c->state == CHAT_FEATURES)
			bind_put(c, w);
		return true;
	}
	if (c->state < CHAT_FEATURES)
		return on_sasl(c, shared, w, item);
	if (!str_eq(s->content, STR(XMPP_SPACE_CLIENT)))
		return true;
	if (s->kind == XMPP_IQ)
		return on_iq(c, shared, w, item);
	return s->kind != XMPP_MESSAGE || on_message(shared, item);
}

static bool on_head(struct chat_client *c, struct chat_shared *shared, struct str text)
{
	c->state = c->state == CHAT_HEAD ? CHAT_MECHANISMS : CHAT_FEATURES;
	return xml_root_open(&shared->stanza.x, text, &c->scope) == XML_FAULT_NONE;
}

enum pull chat_client_next(struct chat_client *c, struct chat_shared *shared, struct cur *in,
			   struct put *w, struct chat_item *item)
{
	struct str text;

	*item = (struct chat_item){.id = STR(""), .from = STR(""), .body = STR("")};
	switch (xml_frame_next(&c->frame, in, CHAT_ITEM_MAX, &text)) {
	case XML_FRAME_MORE:
		return PULL_MORE;
	case XML_FRAME_SPACE:
		return PULL_ITEM;
	case XML_FRAME_OPEN:
		return on_head(c, shared, text) ? PULL_ITEM : PULL_BAD;
	case XML_FRAME_CHILD:
		return on_child(c, shared, text, w, item) ? PULL_ITEM : PULL_BAD;
	case XML_FRAME_CLOSE:
		item->event = CHAT_END;
		return PULL_ITEM;
	case XML_FRAME_BAD:
		break;
	}
	return PULL_BAD;
}

void chat_message_put(struct put *w, struct str to, struct str id, struct str text, bool receipt)
{
	xmpp_put_head(w, &(struct xmpp_head){
				 .kind = XMPP_MESSAGE, .type = XMPP_TYPE_CHAT, .id = id, .to = to});
	put_str(w, STR("><body>"));
	xml_escape_put(w, text);
	put_str(w, STR("</body>"));
	if (receipt)
		put_str(w, STR("<request xmlns='" SPACE_RECEIPTS "'/>"));
	put_str(w, STR("</message>"));
}

void chat_receipt_put(struct put *w, struct str to, struct str id)
{
	xmpp_put_head(w,
		      &(struct xmpp_head){.kind = XMPP_MESSAGE, .type = XMPP_TYPE_CHAT, .to = to});
	put_str(w, STR("><received xmlns='" SPACE_RECEIPTS "'"));
	xmpp_put_attribute(w, STR("id"), id);
	put_str(w, STR("/></message>"));
}
