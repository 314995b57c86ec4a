/* From the head of a stream to a bound resource (RFC 6120, 4.3, 6 and 7). */
#include "base/base64.h"
#include "xmpp/session_private.h"

static void text_element_put(struct put *w, struct str name, struct str text)
{
	put_u8(w, '<');
	put_str(w, name);
	put_u8(w, '>');
	xml_escape_put(w, text);
	put_str(w, STR("</"));
	put_str(w, name);
	put_u8(w, '>');
}

void xmpp_limits_put(struct put *w, uint32_t bytes)
{
	put_str(w, STR("<limits xmlns=\"urn:xmpp:stream-limits:0\"><max-bytes>"));
	put_number(w, bytes);
	put_str(w, STR("</max-bytes></limits>"));
}

/* XEP-0115, 6.3 */
static void caps_put(struct xmpp_input *in)
{
	xmpp_put(in, STR("<c xmlns=\"http://jabber.org/protocol/caps\" hash=\"sha-1\" "
			 "node=\"" XMPP_CAPS_NODE "\""));
	xmpp_put_attribute(&in->out->put, STR("ver"),
			   (struct str){in->s->instance->caps, XMPP_CAPS_SIZE});
	xmpp_put(in, STR("/>"));
}

static void features_put(struct xmpp_input *in)
{
	xmpp_put(in, STR("<stream:features>"));
	if (in->s->who == XMPP_BLOCK_NONE) {
		xmpp_put(in, STR("<mechanisms xmlns=\"" XMPP_SPACE_SASL "\">"));
		for (enum xmpp_mechanism m = 0; m < XMPP_MECHANISM_COUNT; m++) {
			if (m == XMPP_MECHANISM_PLAIN && !in->s->plain)
				continue;
			text_element_put(&in->out->put, STR("mechanism"), xmpp_mechanism_text(m));
		}
		xmpp_put(in, STR("</mechanisms>"));
	} else {
		xmpp_put(in, STR("<bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/>"
				 "<session xmlns=\"urn:ietf:params:xml:ns:xmpp-session\">"
				 "<optional/></session><sm xmlns=\"" XMPP_SPACE_SM "\"/>"
				 "<csi xmlns=\"urn:xmpp:csi:0\"/>"
				 "<ver xmlns=\"urn:xmpp:features:rosterver\"/>"
				 "<sub xmlns=\"urn:xmpp:features:pre-approval\"/>"));
		caps_put(in);
	}
	xmpp_limits_put(&in->out->put,
			in->s->who == XMPP_BLOCK_NONE ? XMPP_ITEM_STRANGER : XMPP_ITEM_SIZE_MAX);
	xmpp_put(in, STR("</stream:features>"));
}

struct head {
	struct str to, version;
	bool       has_to;
};

static struct head head_read(const struct xml *x, struct put *room)
{
	struct head head = {STR(""), STR(""), false};

	for (unsigned i = 0; i < x->attributes; i++) {
		const struct xml_attribute *a = &x->attribute[i];
		const char                 *start = (const char *)room->p;
		struct str                  value;

		if (a->name.prefix.n > 0)
			continue;
		xml_value_put(room, a->value);
		value = (struct str){start, (size_t)((const char *)room->p - start)};
		if (str_eq(a->name.local, STR("to"))) {
			head.to = value;
			head.has_to = true;
		} else if (str_eq(a->name.local, STR("version"))) {
			head.version = value;
		}
	}
	return head;
}

/* RFC 6120, 4.7.1: a domain that we serve; who names none gets the listener's first. After it has
 * authenticated, only that for which it did. */
static bool host_take(struct xmpp_session *s, const struct head *head)
{
	char       room[XMPP_PART_SIZE_MAX];
	struct put w = put_to(room, sizeof(room));
	struct str domain;

	if (!head->has_to)
		return true;
	if (!xmpp_domain_put(&w, head->to))
		return false;
	domain = (struct str){room, put_size(&w)};
	if (s->who != XMPP_BLOCK_NONE)
		return str_eq(domain, xmpp_domain(s));
	return s->instance->services->serves(s->instance->services->context, s->instance->protocol,
					     domain) &&
	       xmpp_domain_set(s, domain);
}

void xmpp_head_put(struct xmpp_session *s, struct put *w)
{
	char room[XMPP_TEXT_SIZE];

	if (s->link != XMPP_BLOCK_NONE) {
		xmpp_link_head_put(s, w);
		return;
	}
	put_str(w, STR(XMPP_CLIENT_HEAD));
	xmpp_put_attribute(w, STR("id"), xmpp_text_new(s->instance, room));
	xmpp_put_attribute(w, STR("from"), xmpp_domain(s));
	put_str(w, STR(" version=\"1.0\" xml:lang=\"en\">"));
	s->head_sent = true;
}

void xmpp_on_head(struct xmpp_input *in, struct str item)
{
	struct xmpp_session *s = in->s;
	struct put           room = put_to(s->instance->room, sizeof(s->instance->room));
	struct xml           x;
	enum xml_fault       fault = xml_root_open(&x, item, &s->scope);
	struct str           space = STR("");
	struct head          head;

	if (fault != XML_FAULT_NONE) {
		xmpp_close(in, xmpp_stream_error_of_fault(fault), REASON_XMPP_XML);
		return;
	}
	xml_space(&x, STR(""), &space);
	if (!xml_is(&x, STR("http://etherx.jabber.org/streams"), STR("stream")) ||
	    !str_eq(space, xmpp_link_space(s))) {
		xmpp_close(in, XMPP_STREAM_INVALID_NAMESPACE, REASON_XMPP_STREAM);
		return;
	}
	if (s->link != XMPP_BLOCK_NONE) {
		xmpp_link_on_head(in, &x, &room);
		return;
	}
	head = head_read(&x, &room);
	if (!str_starts(head.version, STR("1.")))
		xmpp_close(in, XMPP_STREAM_UNSUPPORTED_VERSION, REASON_XMPP_STREAM);
	else if (!host_take(s, &head))
		xmpp_close(in, XMPP_STREAM_HOST_UNKNOWN, REASON_XMPP_STREAM);
	if (s->state == XMPP_STATE_CLOSED)
		return;
	xmpp_head_put(s, &in->out->put);
	features_put(in);
	s->state = s->who == XMPP_BLOCK_NONE ? XMPP_STATE_AUTH : XMPP_STATE_BIND;
}

/* ---- SASL ---- */

static bool credentials(void *context, struct str user, struct str domain,
			struct scram_credentials *c)
{
	const struct xmpp_instance *i = context;
	char                        text[MSG_ADDR_SIZE_MAX];
	struct put                  w = put_to(text, sizeof(text));
	struct proto_credentials    found;

	xmpp_aor_put(&w, &(struct xmpp_jid){user, domain, STR("")});
	if (w.failed ||
	    !i->services->credentials(i->services->context, i->protocol,
				      (struct str){text, put_size(&w)}, &found) ||
	    found.scram == NULL)
		return false;
	*c = *found.scram;
	return true;
}

static struct xmpp_sasl_env env_of(const struct xmpp_session *s)
{
	return (struct xmpp_sasl_env){xmpp_domain(s), s->instance->secret, s->instance,
				      credentials};
}

static void sasl_end(struct xmpp_session *s)
{
	if (s->sasl != XMPP_BLOCK_NONE)
		xmpp_block_give(&s->instance->blocks, s->sasl);
	s->sasl = XMPP_BLOCK_NONE;
}

static void sasl_fail(struct xmpp_input *in, enum xmpp_sasl_error error)
{
	struct xmpp_session *s = in->s;

	sasl_end(s);
	metric_inc(s->instance->metrics, error == XMPP_SASL_NOT_AUTHORIZED
						 ? METRIC_xmpp_proofs_wrong
						 : METRIC_xmpp_proofs_malformed);
	xmpp_put(in, STR("<failure xmlns=\"" XMPP_SPACE_SASL "\"><"));
	xmpp_put(in, xmpp_sasl_error_text(error));
	xmpp_put(in, STR("/></failure>"));
	if (++s->tries >= XMPP_TRIES_MAX)
		xmpp_close(in, XMPP_STREAM_POLICY_VIOLATION, REASON_XMPP_TRIES);
}

/* Who it is, in the block in which it proved it; then the stream begins anew (RFC 6120, 6.4.6). */
static void sasl_succeed(struct xmpp_input *in, struct str reply)
{
	struct xmpp_session *s = in->s;
	struct xmpp_block   *block = xmpp_block_at(&s->instance->blocks, s->sasl);
	char                 user[XMPP_SASL_USER_MAX];
	struct str           name = xmpp_sasl_user(&block->u.sasl);
	bool                 known;

	memcpy(user, name.p, name.n);
	memset(&block->u.who, 0, offsetof(struct xmpp_who, text));
	s->who = s->sasl;
	s->sasl = XMPP_BLOCK_NONE;
	known = xmpp_who_set(s, XMPP_WHO_USER, (struct str){user, name.n});
	ASSERT(known); /* there is a whole block */
	s->state = XMPP_STATE_OPEN;
	s->head_sent = false;
	s->frame = (struct xml_frame){0};
	s->scope = (struct xml_scope){0};
	metric_inc(s->instance->metrics, METRIC_xmpp_proofs_right);
	xmpp_put(in, STR("<success xmlns=\"" XMPP_SPACE_SASL "\">"));
	base64_put(&in->out->put, reply.p, reply.n);
	xmpp_put(in, STR("</success>"));
}

static void sasl_step(struct xmpp_input *in, enum xmpp_sasl_step step, struct str reply,
		      enum xmpp_sasl_error error)
{
	switch (step) {
	case XMPP_SASL_CHALLENGE:
		xmpp_put(in, STR("<challenge xmlns=\"" XMPP_SPACE_SASL "\">"));
		base64_put(&in->out->put, reply.p, reply.n);
		xmpp_put(in, STR("</challenge>"));
		break;
	case XMPP_SASL_SUCCESS:
		sasl_succeed(in, reply);
		break;
	case XMPP_SASL_FAILURE:
		sasl_fail(in, error);
		break;
	}
}

/* What stands in an element, without its Base 64: "=" are no bytes, nothing is nothing at all
 * (6.4.2). False: not of that form. */
static bool decode(struct xmpp_input *in, struct put *room, struct str *bytes)
{
	struct str text;

	if (!xml_text(&in->stanza->x, &in->room, &text))
		return false;
	*bytes = (struct str){NULL, 0};
	if (text.n == 0)
		return true;
	*bytes = (struct str){(const char *)room->start, 0};
	if (str_eq(text, STR("=")))
		return true;
	if (!base64_parse(text, room))
		return false;
	bytes->n = put_size(room);
	return true;
}

void xmpp_on_auth(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	enum xmpp_mechanism  m = xmpp_mechanism_of(
		 xmpp_value(xmpp_attribute(&in->stanza->x, STR("mechanism")), &in->room));
	struct xmpp_sasl_env env = env_of(s);
	char                 nonce[2 * XMPP_TEXT_SIZE], bytes[XMPP_SASL_MESSAGE_MAX + 3];
	char                 reply_room[XMPP_SASL_REPLY_MAX];
	struct put           reply = put_to(reply_room, sizeof(reply_room));
	struct put           room = put_to(bytes, sizeof(bytes));
	struct str           initial;
	enum xmpp_sasl_error error = XMPP_SASL_TEMPORARY_AUTH_FAILURE;
	enum xmpp_sasl_step  step = XMPP_SASL_FAILURE;

	sasl_end(s); /* 6.4.3: a new try ends the one before */
	if (m == XMPP_MECHANISM_COUNT || (m == XMPP_MECHANISM_PLAIN && !s->plain)) {
		sasl_fail(in, m == XMPP_MECHANISM_PLAIN ? XMPP_SASL_ENCRYPTION_REQUIRED
							: XMPP_SASL_INVALID_MECHANISM);
		return;
	}
	if (!decode(in, &room, &initial)) {
		sasl_fail(in, XMPP_SASL_INCORRECT_ENCODING);
		return;
	}
	xmpp_text_new(s->instance, nonce);
	xmpp_text_new(s->instance, nonce + XMPP_TEXT_SIZE);
	s->sasl = xmpp_block_take(&s->instance->blocks);
	if (s->sasl == XMPP_BLOCK_NONE)
		metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
	else
		step = xmpp_sasl_begin(&xmpp_block_at(&s->instance->blocks, s->sasl)->u.sasl, &env,
				       m, (struct str){nonce, sizeof(nonce)}, initial, &reply,
				       &error);
	sasl_step(in, step, (struct str){reply_room, put_size(&reply)}, error);
}

void xmpp_on_response(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct xmpp_sasl_env env = env_of(s);
	char                 bytes[XMPP_SASL_MESSAGE_MAX + 3], reply_room[XMPP_SASL_REPLY_MAX];
	struct put           reply = put_to(reply_room, sizeof(reply_room));
	struct put           room = put_to(bytes, sizeof(bytes));
	struct str           response;
	enum xmpp_sasl_error error;
	enum xmpp_sasl_step  step;

	if (s->sasl == XMPP_BLOCK_NONE) {
		sasl_fail(in, XMPP_SASL_MALFORMED_REQUEST);
		return;
	}
	if (!decode(in, &room, &response)) {
		sasl_fail(in, XMPP_SASL_INCORRECT_ENCODING);
		return;
	}
	if (response.p == NULL)
		response = STR("");
	step = xmpp_sasl_response(&xmpp_block_at(&s->instance->blocks, s->sasl)->u.sasl, &env,
				  response, &reply, &error);
	sasl_step(in, step, (struct str){reply_room, put_size(&reply)}, error);
}

void xmpp_on_abort(struct xmpp_input *in)
{
	sasl_fail(in, XMPP_SASL_ABORTED);
}

/* ---- binding ---- */

/* The resource that is wanted, or one that we make (RFC 6120, 7.6 and 7.7). */
static bool resource_make(struct xmpp_session *s, struct str wanted, struct put *w)
{
	char room[XMPP_TEXT_SIZE];

	if (wanted.n == 0)
		put_str(w, xmpp_text_new(s->instance, room));
	else
		xmpp_opaque_put(w, wanted);
	return !w->failed;
}

/* The text of <resource/> in <bind/>, whose START was read. */
static struct str resource_read(struct xmpp_stanza *stanza, struct put *room)
{
	enum xml_token t = xml_next(&stanza->x);
	struct str     text = STR("");

	while (t == XML_TEXT)
		t = xml_next(&stanza->x);
	if (t == XML_START && str_eq(stanza->x.name.local, STR("resource")) &&
	    str_eq(stanza->x.space, STR(XMPP_SPACE_BIND)) && !xml_text(&stanza->x, room, &text))
		return STR("");
	return text;
}

void xmpp_on_bind(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	char                 room[XMPP_RESOURCE_MAX];
	struct put           resource = put_to(room, sizeof(room));
	enum xmpp_payload    p;

	if (in->stanza->type != XMPP_TYPE_SET || !xmpp_payload_next(in->stanza, &p) ||
	    p != XMPP_PAYLOAD_BIND) {
		xmpp_close(in, XMPP_STREAM_NOT_AUTHORIZED, REASON_XMPP_STANZA);
		return;
	}
	if (s->binding) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_XMPP_STANZA);
		return;
	}
	if (in->id.n == 0 || in->id.n > XMPP_STANZA_ID_MAX ||
	    !resource_make(s, resource_read(in->stanza, &in->room), &resource)) {
		xmpp_refuse(in, XMPP_BAD_REQUEST, REASON_XMPP_STANZA);
		return;
	}
	if (!xmpp_who_set(s, XMPP_WHO_RESOURCE, (struct str){room, put_size(&resource)}) ||
	    !xmpp_who_set(s, XMPP_WHO_BIND_ID, in->id)) {
		xmpp_refuse(in, XMPP_RESOURCE_CONSTRAINT, REASON_POOL);
		return;
	}
	xmpp_text_new(s->instance, xmpp_who(s)->stream);
	s->binding = true;
	xmpp_registration(s, XMPP_TOKEN_BIND);
	in->event->kind = EVENT_BINDING;
	in->event->registration = &s->instance->registration;
}

static bool is_user(const struct xmpp_session *s)
{
	struct xmpp_jid          self = xmpp_self(s);
	struct scram_credentials c;

	return credentials(s->instance, self.local, self.domain, &c);
}

void xmpp_answer_bind(struct xmpp_session *s, enum reason why, struct put *w)
{
	struct str      id = xmpp_who_part(xmpp_who(s), XMPP_WHO_BIND_ID);
	char            room[XMPP_JID_SIZE_MAX];
	struct put      full = put_to(room, sizeof(room));
	struct xmpp_jid self = xmpp_self(s);

	if (s->state != XMPP_STATE_BIND || !s->binding)
		return;
	s->binding = false;
	if (!is_user(s)) { /* erased since it logged in */
		xmpp_end_put(s, w, XMPP_STREAM_NOT_AUTHORIZED);
		s->state = XMPP_STATE_CLOSED;
		s->close_due = true;
		s->close_why = REASON_ACCOUNT_GONE;
		return;
	}
	if (why != REASON_NONE) {
		xmpp_put_error_stanza(w, &(struct xmpp_head){.kind = XMPP_IQ, .id = id},
				      XMPP_RESOURCE_CONSTRAINT, str_of(reason_text(why)));
		return;
	}
	s->state = XMPP_STATE_UP;
	s->blocks_due = true;
	xmpp_jid_put(&full, &self);
	put_str(w, STR("<iq type=\"result\""));
	xmpp_put_attribute(w, STR("id"), id);
	put_str(w, STR("><bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\">"));
	text_element_put(w, STR("jid"), (struct str){room, put_size(&full)});
	put_str(w, STR("</bind></iq>"));
	xmpp_who_set(s, XMPP_WHO_BIND_ID, STR(""));
}
