/* What comes in: one item of the stream at a time, to its handler. */
#include "xmpp/session_private.h"

enum xmpp_element {
#define XMPP_ELEMENT(name, space, local) XMPP_ELEMENT_##name,
#include "xmpp/elements.def"
#undef XMPP_ELEMENT
	XMPP_ELEMENT_COUNT /* unknown */
};

static const struct {
	struct str space, local;
} elements[XMPP_ELEMENT_COUNT] = {
#define XMPP_ELEMENT(name, space, local) {{space, sizeof(space) - 1}, {local, sizeof(local) - 1}},
#include "xmpp/elements.def"
#undef XMPP_ELEMENT
};

enum xmpp_stream_error xmpp_stream_error_of_fault(enum xml_fault fault)
{
	switch (fault) {
	case XML_FAULT_RESTRICTED:
		return XMPP_STREAM_RESTRICTED_XML;
	case XML_FAULT_ENCODING:
		return XMPP_STREAM_UNSUPPORTED_ENCODING;
	case XML_FAULT_LIMIT:
		return XMPP_STREAM_POLICY_VIOLATION;
	case XML_FAULT_NONE:
	case XML_FAULT_SYNTAX:
	case XML_FAULT_COUNT:
		break;
	}
	return XMPP_STREAM_NOT_WELL_FORMED;
}

void xmpp_end_put(struct xmpp_session *s, struct put *w, enum xmpp_stream_error error)
{
	if (s->midway)
		return; /* a stanza is half written, and nothing can follow it */
	if (!s->head_sent)
		xmpp_head_put(s, w); /* RFC 6120, 4.9.1.2 */
	if (error != XMPP_STREAM_ERROR_NONE)
		xmpp_put_stream_error(w, error, STR(""));
	put_str(w, STR("</stream:stream>"));
}

void xmpp_close(struct xmpp_input *in, enum xmpp_stream_error error, enum reason why)
{
	xmpp_end_put(in->s, &in->out->put, error);
	in->s->state = XMPP_STATE_CLOSED;
	in->event->kind = EVENT_CLOSE;
	in->event->why = why;
}

void xmpp_refuse(struct xmpp_input *in, enum xmpp_condition c, enum reason why)
{
	xmpp_refuse_text(in, c, why, why != REASON_NONE ? str_of(reason_text(why)) : STR(""));
}

void xmpp_refuse_text(struct xmpp_input *in, enum xmpp_condition c, enum reason why,
		      struct str text)
{
	struct xmpp_head head = {
		.kind = in->stanza->kind, .id = STR(""), .from = in->to, .to = in->from};

	if (why != REASON_NONE)
		metric_refused(in->s->instance->metrics, why);
	if (in->stanza->type == XMPP_TYPE_ERROR || in->stanza->type == XMPP_TYPE_RESULT)
		return; /* RFC 6120, 8.3.1 */
	if (in->id.n <= XMPP_STANZA_ID_MAX)
		head.id = in->id;
	if (in->to.n == 0 || in->to.n > XMPP_TO_MAX)
		head.from = xmpp_host(in->s);
	xmpp_put_error_stanza(&in->out->put, &head, c, text);
	xmpp_sent(in->s);
}

/* ---- XEP-0198 ---- */

static void on_request(struct xmpp_input *in)
{
	if (!in->s->sm)
		return;
	xmpp_put(in, STR("<a xmlns=\"" XMPP_SPACE_SM "\" h=\""));
	put_number(&in->out->put, in->s->sm_in);
	xmpp_put(in, STR("\"/>"));
}

/* Modulo 2^32 (XEP-0198, 5). More than was sent: the two disagree for good. */
static void on_ack(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	uint32_t             h;

	if (!s->sm)
		return;
	if (!xmpp_number_parse(xmpp_attribute(&in->stanza->x, STR("h")), &h) ||
	    h - s->sm_acked > s->sm_out - s->sm_acked) {
		xmpp_close(in, XMPP_STREAM_UNDEFINED_CONDITION, REASON_XMPP_STANZA);
		return;
	}
	s->sm_acked = h;
	xmpp_said_acknowledged(s);
	s->sm_asked = h != s->sm_out;
	if (s->sm_asked)
		xmpp_put(in, STR("<r xmlns=\"" XMPP_SPACE_SM "\"/>"));
}

/* ---- items ---- */

/* RFC 6120, 4.9.3.12: whom we do not know may not speak. */
static bool may(struct xmpp_input *in, enum xmpp_state state)
{
	if (in->s->state == state)
		return true;
	xmpp_close(in, XMPP_STREAM_NOT_AUTHORIZED, REASON_XMPP_STANZA);
	return false;
}

static void on_stanza(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;

	if (s->multicast == 0 && !s->item_again) { /* else it was counted */
		metric_inc(s->instance->metrics, METRIC_xmpp_stanzas_in);
		s->sm_in++;
	}
	if (s->link != XMPP_BLOCK_NONE) {
		xmpp_link_on_stanza(in);
		return;
	}
	if (s->state == XMPP_STATE_BIND && in->stanza->kind == XMPP_IQ) {
		xmpp_on_bind(in);
		return;
	}
	if (!may(in, XMPP_STATE_UP))
		return;
	if (in->stanza->kind == XMPP_MESSAGE)
		xmpp_on_message(in);
	else if (in->stanza->kind == XMPP_PRESENCE)
		xmpp_on_presence(in);
	else
		xmpp_on_iq(in);
}

static enum xmpp_element element_of(const struct xml *x)
{
	enum xmpp_element e = 0;

	while (e < XMPP_ELEMENT_COUNT && !xml_is(x, elements[e].space, elements[e].local))
		e++;
	return e;
}

static void on_element(struct xmpp_input *in)
{
	if (in->s->link != XMPP_BLOCK_NONE) {
		xmpp_link_on_element(in);
		return;
	}
	switch (element_of(&in->stanza->x)) {
	case XMPP_ELEMENT_AUTH:
		if (may(in, XMPP_STATE_AUTH))
			xmpp_on_auth(in);
		break;
	case XMPP_ELEMENT_RESPONSE:
		if (may(in, XMPP_STATE_AUTH))
			xmpp_on_response(in);
		break;
	case XMPP_ELEMENT_ABORT:
		if (may(in, XMPP_STATE_AUTH))
			xmpp_on_abort(in);
		break;
	case XMPP_ELEMENT_SM_ENABLE:
		xmpp_on_sm_enable(in);
		break;
	case XMPP_ELEMENT_SM_RESUME:
		xmpp_on_sm_resume(in);
		break;
	case XMPP_ELEMENT_SM_REQUEST:
		on_request(in);
		break;
	case XMPP_ELEMENT_SM_ANSWER:
		on_ack(in);
		break;
	case XMPP_ELEMENT_CSI_ACTIVE:
		in->s->inactive = false;
		break;
	case XMPP_ELEMENT_CSI_INACTIVE:
		in->s->inactive = true;
		break;
	case XMPP_ELEMENT_STREAM_ERROR:
		xmpp_close(in, XMPP_STREAM_ERROR_NONE, REASON_CLOSED_BY_PEER);
		break;
	case XMPP_ELEMENT_STARTTLS: /* not offered here */
	case XMPP_ELEMENT_COUNT:
		xmpp_close(in, XMPP_STREAM_UNSUPPORTED_STANZA_TYPE, REASON_XMPP_STANZA);
		break;
	}
}

static enum pull bad(struct xmpp_input *in, enum xmpp_stream_error error)
{
	xmpp_end_put(in->s, &in->out->put, error);
	in->s->state = XMPP_STATE_CLOSED;
	in->event->why = REASON_XMPP_XML;
	return PULL_BAD;
}

/*
 * Reads the child that these bytes begin with onto the tape. The bytes that it has; 0: not all of
 * it is there and well-formed, or something in it is of the stream's own (RFC 6120, 4.8.5). What
 * handlers read of a whole one is there, and nothing is done by halves.
 */
static size_t read_child(struct xmpp_input *in, struct str bytes)
{
	struct xml      *x = &in->stanza->x;
	struct xml_tape *tape = &in->s->instance->tape;
	struct str       content = STR("");
	enum xml_token   t;

	xml_child_open(x, bytes, &in->s->scope);
	xml_tape_begin(tape);
	in->payloads = 0;
	do {
		t = xml_next(x);
		xml_tape_keep(tape, x, t);
		if (t == XML_START && x->depth == 1)
			content = x->space;
		in->payloads +=
			t == XML_START && x->depth == 2 && !xmpp_is_foreign(x->space, content);
		if (t == XML_START && x->depth > 1 && str_eq(x->space, STR(XMPP_SPACE_STREAMS)))
			return 0;
	} while (t != XML_BAD && t != XML_DONE && (t != XML_END || x->depth > 1));
	return t == XML_END ? bytes.n - cur_left(&x->in) : 0;
}

/* Is the next item a short one, which is read already? */
static bool is_short(struct xmpp_input *in, struct cur *bytes, size_t size_max, struct str *item)
{
	size_t left = cur_left(bytes), most = XML_FRAME_SHORT_MAX;

	most = most < size_max ? most : size_max;
	*item = (struct str){(const char *)bytes->p, left < most ? left : most};
	if (!xml_frame_fresh(&in->s->frame) || !str_starts(*item, STR("<")))
		return false;
	item->n = read_child(in, *item);
	if (item->n == 0 || in->s->instance->tape.full || !xml_plain(*item))
		return false;
	cur_bytes(bytes, item->n);
	return true;
}

/* Its open tag; what follows is read from the tape, where that has all. */
static void open_stanza(struct xmpp_input *in, struct str item)
{
	const struct xml_tape *tape = &in->s->instance->tape;
	bool                   there;

	if (tape->full)
		xml_child_open(&in->stanza->x, item, &in->s->scope);
	else
		xml_tape_read(&in->stanza->x, tape);
	there = xmpp_stanza_read(in->stanza);
	ASSERT(there); /* it is whole */
}

/* It was read. */
static enum pull on_child(struct xmpp_input *in, struct str item)
{
	struct xmpp_instance *i = in->s->instance;

	in->room = put_to(i->room, sizeof(i->room));
	open_stanza(in, item);
	in->id = xmpp_value(in->stanza->id, &in->room);
	in->to = xmpp_value(in->stanza->to, &in->room);
	if (in->stanza->kind != XMPP_OTHER && str_eq(in->stanza->content, xmpp_link_space(in->s)))
		on_stanza(in);
	else
		on_element(in);
	return PULL_ITEM;
}

static enum pull on_close(struct xmpp_input *in, struct str item)
{
	if (!xml_root_closes(&in->s->scope, item))
		return bad(in, XMPP_STREAM_NOT_WELL_FORMED);
	xmpp_close(in, XMPP_STREAM_ERROR_NONE, REASON_UNBOUND);
	return PULL_ITEM;
}

static enum pull on_open(struct xmpp_input *in, struct str item)
{
	xmpp_on_head(in, item);
	return PULL_ITEM;
}

/* Does what is read next depend on what is asked, or about to be? Who hangs is not waited for. */
static bool waits(const struct xmpp_session *s, struct now now)
{
	if (s->rebinding || s->midway)
		return true;
	if (s->asked && now.us >= s->patient_us)
		return false;
	return (s->asked && !(s->blocks_asked && s->blocks_late)) || xmpp_blocks_awaited(s, now);
}

static enum pull feed_item(void *session, struct now now, struct cur *in, struct out *out,
			   struct proto_event *event)
{
	struct xmpp_input i = {.s = session, .now = now, .out = out, .event = event};
	struct xml_frame  frame = i.s->frame;
	struct cur        start = *in;
	enum pull         pull;
	struct str        item;
	bool              whole;
	bool              known = i.s->link != XMPP_BLOCK_NONE ? i.s->state == XMPP_STATE_UP
							       : i.s->who != XMPP_BLOCK_NONE;
	size_t            size_max = known ? XMPP_ITEM_SIZE_MAX : XMPP_ITEM_STRANGER;

	event->kind = EVENT_NONE;
	event->need = 1;
	event->session = NULL;
	if (waits(i.s, now))
		return PULL_WAIT;
	if (i.s->state == XMPP_STATE_CLOSED || !out_fits(out, XMPP_ANSWER_ROOM))
		return PULL_MORE;
	i.stanza = &i.s->instance->stanza;
	whole = is_short(&i, in, size_max, &item);
	switch (whole ? XML_FRAME_CHILD : xml_frame_next(&i.s->frame, in, size_max, &item)) {
	case XML_FRAME_MORE:
		event->need = (uint32_t)cur_left(in) + 1;
		return PULL_MORE;
	case XML_FRAME_SPACE:
		i.s->heard_us = now.us;
		return PULL_ITEM;
	case XML_FRAME_OPEN:
		i.s->heard_us = now.us;
		return on_open(&i, item);
	case XML_FRAME_CHILD:
		i.s->heard_us = now.us;
		if (!whole && read_child(&i, item) != item.n)
			return bad(&i, XMPP_STREAM_NOT_WELL_FORMED);
		pull = on_child(&i, item);
		i.s->item_again = i.again;
		if (i.s->multicast > 0 || i.again) { /* the same again, for the next place */
			i.s->frame = frame;
			*in = start;
		}
		return i.wait ? PULL_WAIT : pull;
	case XML_FRAME_CLOSE:
		return on_close(&i, item);
	case XML_FRAME_BAD:
		break;
	}
	return bad(&i, xmpp_stream_error_of_fault((enum xml_fault)i.s->frame.fault));
}

/* A message is one item: what it lacks does not come. */
static enum pull feed_message(struct xmpp_session *s, struct now now, struct cur *in,
			      struct out *out, struct proto_event *event)
{
	struct xmpp_input i = {.s = s, .now = now, .out = out, .event = event};
	char              room[XMPP_STREAM_HEAD_MAX];
	struct put        tag = put_to(room, sizeof(room));
	enum xmpp_framed  kind = xmpp_framing_read(*in, &tag);
	struct cur        text = cur_of(room, put_size(&tag));
	enum pull         pull;

	event->session = NULL;
	if (s->state == XMPP_STATE_CLOSED)
		return PULL_MORE;
	if (kind == XMPP_FRAMED_BAD || (kind == XMPP_FRAMED_OPEN && s->frame.open))
		return bad(&i, XMPP_STREAM_NOT_WELL_FORMED);
	if (kind == XMPP_FRAMED_STANZA && !s->frame.open)
		return bad(&i, XMPP_STREAM_INVALID_NAMESPACE);
	pull = feed_item(s, now, kind == XMPP_FRAMED_STANZA ? in : &text, out, event);
	if (pull == PULL_MORE)
		return bad(&i, XMPP_STREAM_NOT_WELL_FORMED);
	if (pull == PULL_ITEM && kind != XMPP_FRAMED_STANZA)
		cur_bytes(in, cur_left(in));
	return pull;
}

enum pull xmpp_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event)
{
	struct xmpp_session *s = session;
	size_t               mark = out_mark(out);
	enum pull            pull;

	s->spoke = false;
	pull = s->framed ? feed_message(s, now, in, out, event) : feed_item(s, now, in, out, event);
	xmpp_said(s, out, mark);
	return pull;
}
