/*
 * A session that outlives its stream, and another that goes on in its place (XEP-0198, 5).
 *
 * The client is told a name of the session, which is that of its stream in the registration. A
 * stream of the same account that gives this name takes the registration over, on whatever worker,
 * and when that is in force the first session hands over: it counts as delivered what the client
 * says that it has, gives back the other messages as never sent, which then come to the new place,
 * and sends after them what it said to the client itself. Of itself it tells one word (struct
 * result). What it waits for of others it waits for still, and sends that after, too.
 */
#include <assert.h>

#include "xmpp/session_private.h"

#define SEQUENCE_LEAP 1024u /* beyond all that the first session may have asked for meanwhile */
#define FAREWELL_US (30 * US_PER_SECOND) /* in which everything of a session has its answer */
#define WORD_PRIORITY 32
#define WORD_KNOWN (UINT64_C(1) << 40) /* h is told */
#define WORD_RESUMED (UINT64_C(1) << 41)
#define WORD_AVAILABLE (UINT64_C(1) << 42)
#define WORD_CARBONS (UINT64_C(1) << 43)
#define WORD_INTERESTED (UINT64_C(1) << 44)
#define WORD_BLOCKLIST (UINT64_C(1) << 45)
#define WORD_ARRIVING (UINT64_C(1) << 46)
#define WORD_KEPT (UINT64_C(1) << 47) /* a message with its presence, and whom it told, follows */
#define WORD_TOUR 48                  /* how far others have been told of its presence */
#define TOUR_MASK 7u

static_assert(XMPP_TOUR_AUDIENCE <= TOUR_MASK, "a tour fits into the word");

bool xmpp_number_parse(struct str s, uint32_t *v)
{
	uint64_t number = 0;

	if (s.n == 0 || s.n > 10)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(s.p[i] - '0');
	}
	*v = (uint32_t)number;
	return number <= UINT32_MAX;
}

static void put_h(struct put *w, uint32_t h)
{
	put_str(w, STR(" h=\""));
	put_number(w, h);
	put_u8(w, '"');
}

static void failed_put(struct put *w, const uint32_t *h, struct str condition)
{
	put_str(w, STR("<failed xmlns=\"" XMPP_SPACE_SM "\""));
	if (h != NULL)
		put_h(w, *h);
	put_str(w, STR("><"));
	put_str(w, condition);
	put_str(w, STR(" xmlns=\"" XMPP_SPACE_STANZA_ERRORS "\"/></failed>"));
}

void xmpp_on_sm_enable(struct xmpp_input *in)
{
	struct xmpp_session *s = in->s;
	struct str wanted = xmpp_value(xmpp_attribute(&in->stanza->x, STR("resume")), &in->room);

	if (s->sm || s->state != XMPP_STATE_UP) {
		failed_put(&in->out->put, NULL, STR("unexpected-request"));
		return;
	}
	s->sm = true;
	s->sm_in = s->sm_out = s->sm_acked = 0;
	xmpp_put(in, STR("<enabled xmlns=\"" XMPP_SPACE_SM "\""));
	s->resumable = s->settings.resume_us > 0 &&
		       (str_eq(wanted, STR("true")) || str_eq(wanted, STR("1")));
	if (s->resumable) {
		xmpp_put_attribute(&in->out->put, STR("id"),
				   (struct str){xmpp_who(s)->stream, XMPP_TEXT_SIZE});
		xmpp_put(in, STR(" resume=\"true\" max=\""));
		put_number(&in->out->put, s->settings.resume_us / US_PER_SECOND);
		xmpp_put(in, STR("\""));
	}
	xmpp_put(in, STR("/>"));
}

/* ---- what we said ourselves ---- */

static void said_forget(struct xmpp_session *s)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	uint32_t            number = s->said.first;

	xmpp_list_remove(b, &s->said, number);
	xmpp_block_give(b, number);
}

static const struct xmpp_said *said_first(const struct xmpp_session *s)
{
	return &xmpp_block_at(&s->instance->blocks, s->said.first)->u.said;
}

void xmpp_said_acknowledged(struct xmpp_session *s)
{
	while (s->said.count > 0 && (int32_t)(s->sm_acked - said_first(s)->sequence) >= 0)
		said_forget(s);
}

/* Beyond the limit nobody can go on in its place. */
static void said_full(struct xmpp_session *s)
{
	s->resumable = false;
	while (s->said.count > 0)
		said_forget(s);
	metric_inc(s->instance->metrics, METRIC_xmpp_said_full);
}

void xmpp_said(struct xmpp_session *s, const struct out *out, size_t mark)
{
	struct xmpp_blocks *b = &s->instance->blocks;
	struct str          text = {(const char *)out->put.start + mark, out_mark(out) - mark};

	if (!s->resumable || !s->spoke || s->state != XMPP_STATE_UP)
		return;
	while (text.n > 0) {
		uint32_t number =
			s->said.count < XMPP_SAID_MAX ? xmpp_block_take(b) : XMPP_BLOCK_NONE;
		struct xmpp_said *said;

		if (number == XMPP_BLOCK_NONE) {
			said_full(s);
			return;
		}
		said = &xmpp_block_at(b, number)->u.said;
		said->sequence = s->sm_out;
		said->size = (uint16_t)(text.n < sizeof(said->text) ? text.n : sizeof(said->text));
		said->more = text.n > said->size;
		memcpy(said->text, text.p, said->size);
		xmpp_list_append(b, &s->said, number);
		text = str_skip(text, said->size);
	}
}

/* One stanza, as a message that only the new place of the client understands. */
static bool give_said(struct xmpp_session *s, struct now now, struct proto_event *event)
{
	struct xmpp_jid self = xmpp_self(s);
	struct put      w = put_to(s->instance->room, sizeof(s->instance->room));
	struct xmpp_map map = xmpp_session_map(s, now);
	bool            more;

	do {
		const struct xmpp_said *said = said_first(s);

		put_bytes(&w, said->text, said->size);
		more = said->more;
		said_forget(s);
	} while (more);
	if (!xmpp_map_said(&map, &self, (struct str){s->instance->room, put_size(&w)},
			   event->msg)) {
		msg_reset(event->msg);
		return false; /* counted as any message for which there is no memory */
	}
	event->msg->token = XMPP_TOKEN_SAID;
	event->kind = EVENT_MSG;
	s->said_open++;
	return true;
}

/* ---- the session whose stream is gone ---- */

bool xmpp_detach(struct xmpp_session *s, struct now now)
{
	if (s->state != XMPP_STATE_UP || !s->resumable || s->moved)
		return false;
	s->detached = true;
	s->leaves_us = now.us + s->settings.resume_us;
	metric_inc(s->instance->metrics, METRIC_xmpp_detached);
	return true;
}

uint64_t xmpp_hand_over(struct xmpp_session *s, struct now now, uint64_t h, struct out *out)
{
	uint32_t acked = (uint32_t)h - s->sm_acked;
	uint64_t word = s->sm_in | (uint64_t)(uint8_t)s->priority << WORD_PRIORITY |
			(s->sm ? WORD_KNOWN : 0) | (s->available ? WORD_AVAILABLE : 0) |
			(s->carbons ? WORD_CARBONS : 0) | (s->interested ? WORD_INTERESTED : 0) |
			(s->blocklist ? WORD_BLOCKLIST : 0) | (uint64_t)s->tour << WORD_TOUR |
			(s->arriving ? WORD_ARRIVING : 0) | (xmpp_kept_any(s) ? WORD_KEPT : 0);

	if (!s->detached && s->state != XMPP_STATE_CLOSED)
		xmpp_end_put(s, &out->put, XMPP_STREAM_CONFLICT);
	if (s->state != XMPP_STATE_UP || !s->resumable || acked > s->sm_out - s->sm_acked) {
		s->close_due = true;
		s->close_why = REASON_REPLACED;
		s->state = XMPP_STATE_CLOSED;
		return word;
	}
	s->sm_acked = (uint32_t)h;
	xmpp_said_acknowledged(s);
	s->moved = true;
	s->leaves_kept = xmpp_kept_any(s);
	s->leaves_us = now.us + FAREWELL_US;
	return word | WORD_RESUMED;
}

static bool give_kept(struct xmpp_session *s, struct now now, struct proto_event *event)
{
	struct xmpp_jid self = xmpp_self(s);
	struct xmpp_map map = xmpp_session_map(s, now);
	char            text[XMPP_KEPT_SIZE];
	struct put      w = put_to(text, sizeof(text));

	s->leaves_kept = false;
	xmpp_kept_put(s, &w);
	ASSERT(!w.failed);
	if (!xmpp_map_kept(&map, &self, (struct str){text, put_size(&w)}, event->msg)) {
		msg_reset(event->msg);
		return false;
	}
	event->msg->token = XMPP_TOKEN_SAID;
	event->kind = EVENT_MSG;
	s->said_open++;
	return true;
}

bool xmpp_resume_tick(struct xmpp_session *s, struct now now, struct proto_event *event,
		      uint64_t *next)
{
	bool over = now.us >= s->leaves_us;

	*next = s->leaves_us;
	if (s->leaves_kept && !over) {
		if (event->msg != NULL && give_kept(s, now, event))
			return true;
		*next = now.us + XMPP_POOL_WAIT_US;
		return false;
	}
	if (s->moved && s->said.count > 0 && !over) {
		if (event->msg != NULL && give_said(s, now, event))
			return true;
		*next = now.us + XMPP_POOL_WAIT_US;
		return false;
	}
	if (!over && !(s->moved && s->in.count == 0 && s->out.count == 0 && s->said_open == 0))
		return false;
	s->state = XMPP_STATE_CLOSED;
	event->kind = EVENT_CLOSE;
	event->why = s->moved ? REASON_REPLACED : REASON_CLOSED_BY_PEER;
	return true;
}

/* ---- the session that goes on ---- */

/* The registration of the account whose stream has this name. */
static const struct proto_binding *find(const struct xmpp_session *s, struct str stream,
					const struct proto_record **record)
{
	const struct proto_services *services = s->instance->services;
	struct xmpp_jid              self = xmpp_self(s);
	char                         text[MSG_ADDR_SIZE_MAX];
	struct put                   w = put_to(text, sizeof(text));

	xmpp_aor_put(&w, &self);
	*record = w.failed ? NULL
			   : services->record(services->context, s->instance->protocol,
					      (struct str){text, put_size(&w)});
	for (uint32_t i = 0; *record != NULL && i < (*record)->count; i++) {
		const struct proto_binding *b = &(*record)->bindings[i];

		if (str_eq(proto_binding_text(*record, b, BINDING_CALL), stream))
			return b;
	}
	return NULL;
}

/* Of the account that it has proved, so nobody goes on in another's place. */
void xmpp_on_sm_resume(struct xmpp_input *in)
{
	struct xmpp_session       *s = in->s;
	const struct xml          *x = &in->stanza->x;
	struct str                 stream = xmpp_value(xmpp_attribute(x, STR("previd")), &in->room);
	const struct proto_record *record;
	const struct proto_binding *b;
	struct proto_registration  *r = &s->instance->registration;
	struct str                  resource;

	if (s->state != XMPP_STATE_BIND || s->binding ||
	    !xmpp_number_parse(xmpp_attribute(x, STR("h")), &s->resume_h)) {
		failed_put(&in->out->put, NULL, STR("unexpected-request"));
		return;
	}
	b = stream.n == XMPP_TEXT_SIZE ? find(s, stream, &record) : NULL;
	if (b == NULL) {
		failed_put(&in->out->put, NULL, STR("item-not-found"));
		return;
	}
	resource = proto_binding_text(record, b, BINDING_CONTACT);
	ASSERT(resource.n <= XMPP_RESOURCE_MAX);
	if (!xmpp_who_set(s, XMPP_WHO_RESOURCE, resource)) {
		failed_put(&in->out->put, NULL, STR("resource-constraint"));
		return;
	}
	memcpy(xmpp_who(s)->stream, stream.p, stream.n);
	s->registrations = b->sequence + SEQUENCE_LEAP;
	s->binding = s->resuming = true;
	xmpp_registration(s, XMPP_TOKEN_RESUME);
	r->bindings[0].priority = b->priority;
	r->bindings[0].features = b->features;
	r->hands_over = true;
	r->word = s->resume_h;
	in->event->kind = EVENT_BINDING;
	in->event->registration = r;
}

void xmpp_answer_resume(struct xmpp_session *s, struct now now, const struct result *r,
			struct put *w)
{
	uint32_t h = (uint32_t)r->word;

	if (s->state != XMPP_STATE_BIND || !s->resuming)
		return;
	s->binding = s->resuming = false;
	if (r->why != REASON_NONE || (r->word & WORD_RESUMED) == 0) {
		s->undo = r->why == REASON_NONE;
		failed_put(w, (r->word & WORD_KNOWN) != 0 ? &h : NULL, STR("item-not-found"));
		metric_inc(s->instance->metrics, METRIC_xmpp_resumptions_failed);
		return;
	}
	s->state = XMPP_STATE_UP;
	s->sm = s->resumable = true;
	s->sm_in = h;
	s->sm_out = s->sm_acked = s->resume_h;
	s->priority = (int8_t)(uint8_t)(r->word >> WORD_PRIORITY);
	s->available = (r->word & WORD_AVAILABLE) != 0;
	s->carbons = (r->word & WORD_CARBONS) != 0;
	s->interested = (r->word & WORD_INTERESTED) != 0;
	s->blocklist = (r->word & WORD_BLOCKLIST) != 0;
	s->blocks_due = true;
	s->tour = (uint8_t)(r->word >> WORD_TOUR) & TOUR_MASK;
	if (s->tour == XMPP_TOUR_BINDING)
		s->tour = XMPP_TOUR_OWN; /* the registration is this one's */
	s->arriving = (r->word & WORD_ARRIVING) != 0;
	s->heir = (r->word & WORD_KEPT) != 0;
	s->leaves_us = now.us + XMPP_KEPT_US;
	metric_inc(s->instance->metrics, METRIC_xmpp_resumed);
	put_str(w, STR("<resumed xmlns=\"" XMPP_SPACE_SM "\""));
	xmpp_put_attribute(w, STR("previd"), (struct str){xmpp_who(s)->stream, XMPP_TEXT_SIZE});
	put_h(w, h);
	put_str(w, STR("/>"));
}

void xmpp_resume_kept(struct xmpp_session *s, const struct xmpp_map *map, const struct msg *m)
{
	uint8_t    room[XMPP_KEPT_SIZE];
	struct str kept = xmpp_map_kept_get(map, m, room, sizeof(room));

	if (s->heir)
		xmpp_kept_read(s, cur_of(kept.p, kept.n));
	s->heir = false;
}

bool xmpp_resume_awaits(struct xmpp_session *s, struct now now, uint64_t *next)
{
	if (s->heir && (s->detached || s->moved || now.us >= s->leaves_us))
		s->heir = false; /* it is not to be had */
	if (s->heir && s->leaves_us < *next)
		*next = s->leaves_us;
	return s->heir;
}

bool xmpp_resume_undo(struct xmpp_session *s, struct proto_event *event)
{
	if (!s->undo)
		return false;
	s->undo = false;
	s->registering++;
	xmpp_registration(s, XMPP_TOKEN_PRESENCE);
	s->instance->registration.bindings[0].expires_us = 0;
	event->kind = EVENT_BINDING;
	event->registration = &s->instance->registration;
	return true;
}
