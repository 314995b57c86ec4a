#include "run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WHENEVER_US (3600 * US_PER_SECOND)

struct run {
	struct device       *d;
	const struct script *script;
	struct run_result   *result;
	const struct step   *step;
	bool                 bursting;
};

static void trace_print(const struct run *r, char *text, size_t size)
{
	const struct device *d = r->d;
	unsigned             n = d->logged < DEVICE_LOG ? d->logged : DEVICE_LOG;
	size_t               used = 0;

	for (unsigned i = d->logged - n; i < d->logged && used + 200 < size; i++) {
		const struct device_log *log = &d->log[i % DEVICE_LOG];
		char                     frame[256];

		frame_print(&log->frame, frame, sizeof(frame));
		used += (size_t)snprintf(text + used, size - used, "    %10.3f ms  %c %s\n",
					 (double)(log->at_us - d->start_us) / 1e3,
					 log->in ? '<' : '>', frame);
	}
}

/* Ends the run: only the first fault is told. */
__attribute__((format(printf, 2, 3))) static bool fault(struct run *r, const char *format, ...)
{
	struct run_result *result = r->result;
	size_t             used;
	va_list            list;

	if (!result->ok)
		return false;
	result->ok = false;
	used = (size_t)snprintf(result->why, sizeof(result->why), "%s:%u: ", r->script->path,
				r->step->line);
	va_start(list, format);
	used += (size_t)vsnprintf(result->why + used, sizeof(result->why) - used, format, list);
	va_end(list);
	used += (size_t)snprintf(result->why + used, sizeof(result->why) - used,
				 "\n  the line: %s\n  the last frames:\n",
				 r->script->lines[r->step->line - 1]);
	trace_print(r, result->why + used, sizeof(result->why) - used);
	return false;
}

static struct flow *flow_of(struct run *r)
{
	return &r->d->flows[r->step->flow];
}

static int64_t value_of(struct run *r, const struct number *n)
{
	return n->constant + (int64_t)n->mss * device_mss(r->d, flow_of(r)) +
	       (int64_t)n->offer * device_offer(r->d);
}

static struct frame frame_of(struct run *r)
{
	struct frame f = r->step->frame;

	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		if (frame_has(&f, i))
			f.value[i] = (uint32_t)value_of(r, &r->step->value[i]);
	}
	return f;
}

static uint32_t passed_ms(const struct run *r, uint64_t at_us)
{
	return (uint32_t)((at_us - r->d->start_us) / US_PER_MS);
}

/* In. */

/* Is there nothing yet that a SYN could disturb? */
static bool opens(struct run *r, const struct flow *flow)
{
	struct tcp_info info;

	return !flow->our_isn_known ||
	       (tcp_info(r->d->tcp, flow->conn, &info) && strcmp(info.state, "syn-sent") == 0);
}

/* What both sides agree on follows from what the peer's SYN says in this variant. */
static void complete(struct run *r, struct frame *f)
{
	struct flow *flow = &r->d->flows[f->flow];
	bool         syn = (f->flags & SYN) != 0;

	if (!(r->d->traits & TRAIT_SACK))
		f->words &= ~(uint32_t)WORD_SACK_PERMITTED;
	if (syn && opens(r, flow)) {
		flow->timestamps =
			r->d->traits & TRAIT_TIMESTAMPS && !(f->words & WORD_NO_TIMESTAMP);
		flow->sack = (f->words & WORD_SACK_PERMITTED) != 0;
		flow->peer_mss = frame_has(f, FIELD_MSS) ? f->value[FIELD_MSS] : 0;
	}
	if (!flow->timestamps || f->words & WORD_NO_TIMESTAMP || f->flags & RST)
		return;
	if (!frame_has(f, FIELD_TS))
		frame_set(f, FIELD_TS, passed_ms(r, r->d->now.us));
	if (!frame_has(f, FIELD_ECHO) && f->flags & ACK)
		frame_set(f, FIELD_ECHO, flow->ts_seen - flow->ts_base);
}

static void frame_in(struct run *r)
{
	struct frame f = frame_of(r);

	if (f.value[FIELD_END] - f.value[FIELD_SEQ] > FRAME_PAYLOAD_MAX)
		fault(r, "a frame carries at most %u bytes", FRAME_PAYLOAD_MAX);
	if (f.kind == FRAME_TCP)
		complete(r, &f);
	device_frame(r->d, &f);
}

static void flood(struct run *r)
{
	int64_t      count = value_of(r, &r->step->number);
	struct flow *flow = &r->d->flows[0];

	for (int64_t i = 0; i < count; i++) {
		struct frame f = frame_of(r);

		f.flow = 0;
		*flow = (struct flow){.peer_port = (uint16_t)(DEVICE_FLOOD_PORT + i),
				      .our_port = DEVICE_PORT,
				      .peer_isn = (uint32_t)i * 7919};
		complete(r, &f);
		device_frame(r->d, &f);
		device_turn(r->d);
	}
}

/* Out. */

static bool came_wrong(struct run *r, const struct device_out *out, const char *why)
{
	char text[256];

	frame_print(&out->frame, text, sizeof(text));
	return fault(r, "%s\n  what came: > %s (at %.3f ms)", why, text,
		     (double)(out->at_us - r->d->start_us) / 1e3);
}

static bool options_match(struct run *r, const struct frame *wanted, const struct frame *got)
{
	const uint32_t     named = 1u << FIELD_MSS | 1u << FIELD_SCALE;
	uint32_t           words = wanted->words & WORD_SACK_PERMITTED;
	const struct flow *flow = &r->d->flows[got->flow];

	if (!(got->flags & SYN) || (!(wanted->named & named) && words == 0))
		return true;
	if (got->flags & ACK && !flow->sack)
		words = 0; /* the answer to a SYN takes up what that offered */
	return (got->named & named) == (wanted->named & named) &&
	       (got->words & WORD_SACK_PERMITTED) == words;
}

/* NULL, or what is wrong with the timestamp: there where agreed, and the time of its sending. */
static const char *timestamp_match(struct run *r, const struct frame *wanted,
				   const struct device_out *out)
{
	const struct frame *got = &out->frame;
	const struct flow  *flow = &r->d->flows[got->flow];
	uint32_t            ts = got->value[FIELD_TS];

	if (got->flags & SYN && !(got->flags & ACK))
		return frame_has(got, FIELD_TS) || wanted->words & WORD_NO_TIMESTAMP
			       ? NULL
			       : "a SYN of ours offers no timestamps";
	if (got->flags & RST && !frame_has(wanted, FIELD_TS))
		return NULL;
	if (frame_has(got, FIELD_TS) != (flow->timestamps && !(wanted->words & WORD_NO_TIMESTAMP)))
		return flow->timestamps ? "no timestamp though both sides agreed to it"
					: "a timestamp though the peer did not agree to it";
	if (!frame_has(got, FIELD_TS))
		return NULL;
	if (frame_has(wanted, FIELD_TS) && ts != wanted->value[FIELD_TS])
		return "another timestamp";
	if (frame_has(wanted, FIELD_ECHO) && got->value[FIELD_ECHO] != wanted->value[FIELD_ECHO])
		return "another timestamp is echoed";
	if (!frame_has(wanted, FIELD_TS) && flow->ts_known && ts != passed_ms(r, out->at_us))
		return "a timestamp that is not the time of sending";
	return NULL;
}

static const char *other(unsigned field)
{
	static char text[32];

	snprintf(text, sizeof(text), "another %s", frame_field_name[field]);
	return text;
}

static const char *tcp_match(struct run *r, const struct frame *wanted,
			     const struct device_out *out)
{
	const struct frame *got = &out->frame;
	uint8_t             ignored = wanted->flags & PSH ? 0 : PSH;

	if (got->flow != wanted->flow)
		return "a segment of another flow";
	if ((got->flags & ~ignored) != wanted->flags)
		return "other flags";
	if (!options_match(r, wanted, got))
		return "other options";
	for (unsigned i = 0; i < FIELD_TS; i++) {
		if (frame_has(wanted, i) &&
		    (!frame_has(got, i) || got->value[i] != wanted->value[i]))
			return i <= FIELD_END ? "other sequence numbers" : other(i);
	}
	if (frame_has(got, FIELD_URGENT))
		return "an urgent pointer";
	if (got->sacks != (r->d->flows[got->flow].sack ? wanted->sacks : 0))
		return "other SACK blocks";
	for (unsigned i = FIELD_SACK; i < FIELD_SACK + 2 * got->sacks; i++) {
		if (got->value[i] != wanted->value[i])
			return "other SACK blocks";
	}
	return timestamp_match(r, wanted, out);
}

/* What IP and Ethernet say, where named; and a packet is no fragment unless that is said. */
static bool way_match(const struct frame *wanted, const struct frame *got)
{
	if (frame_has(got, FIELD_PART) != frame_has(wanted, FIELD_PART) ||
	    (got->words & WORD_MORE) != (wanted->words & WORD_MORE))
		return false;
	for (unsigned i = FIELD_HOP; i <= FIELD_VIA; i++) {
		if (frame_has(wanted, i) && i != FIELD_ID && got->value[i] != wanted->value[i])
			return false;
	}
	return true;
}

static const char *match(struct run *r, const struct frame *wanted, const struct device_out *out)
{
	const struct frame *got = &out->frame;

	if (got->kind != wanted->kind)
		return "a frame of another kind";
	if (!way_match(wanted, got))
		return "another way, hop limit or part of a packet";
	if (got->kind == FRAME_TCP)
		return tcp_match(r, wanted, out);
	if (got->icmp != wanted->icmp || got->operation != wanted->operation ||
	    got->sender != wanted->sender || got->target != wanted->target ||
	    got->protocol != wanted->protocol ||
	    memcmp(got->ports, wanted->ports, sizeof(got->ports)) != 0)
		return "another frame";
	for (unsigned i = FIELD_MTU; i <= FIELD_LENGTH; i++) {
		if (frame_has(wanted, i) && got->value[i] != wanted->value[i])
			return other(i);
	}
	return NULL;
}

static void syn_note(struct run *r, const struct device_out *out)
{
	struct run_result *result = r->result;

	if (out->frame.kind != FRAME_TCP || !(out->frame.flags & SYN) || result->syn_seen ||
	    out->frame.flow != 1)
		return;
	result->syn_seen = true;
	result->isn = r->d->flows[1].our_isn;
	result->ts = out->frame.value[FIELD_TS] + r->d->flows[1].ts_base;
	result->syn_us = out->at_us;
}

static struct device_out *out_first(struct run *r)
{
	return &r->d->out[r->d->out_first];
}

static void out_drop(struct run *r)
{
	r->d->out_first = (r->d->out_first + 1) % DEVICE_OUT_MAX;
	r->d->out_count--;
}

static bool frame_out(struct run *r)
{
	const struct step *s = r->step;
	struct device     *d = r->d;
	uint64_t           due_us = d->now.us + (s->whenever ? WHENEVER_US : s->after_us);
	struct frame       wanted = frame_of(r);
	struct device_out *out;
	const char        *why;

	device_pass(d, due_us);
	if (d->out_count == 0)
		return fault(r, "nothing came%s", s->after_us > 0 ? " by then" : "");
	out = out_first(r);
	if (out->wrong != NULL)
		return came_wrong(r, out, out->wrong);
	why = s->kind == STEP_OUT ? match(r, &wanted, out) : NULL;
	if (why != NULL)
		return came_wrong(r, out, why);
	if (!s->whenever && out->at_us != due_us)
		return came_wrong(r, out, "not at the time expected");
	syn_note(r, out);
	out_drop(r);
	return true;
}

static bool quiet(struct run *r)
{
	if (r->d->out_count == 0)
		return true;
	if (out_first(r)->wrong != NULL)
		return came_wrong(r, out_first(r), out_first(r)->wrong);
	return came_wrong(r, out_first(r), "a frame came that no line expects before this one");
}

/* The application, and what can be seen. */

static const char *const event_names[] = {"accepted", "connected", "readable", "writable",
					  "closed"};

static struct device_event *event_find(struct run *r)
{
	const struct step *s = r->step;

	for (unsigned i = 0; i < r->d->event_count; i++) {
		struct device_event *e = &r->d->events[i];

		if (!e->seen && e->flow == s->flow &&
		    strcmp(event_names[e->event.kind], s->what) == 0)
			return e;
	}
	return NULL;
}

static bool event(struct run *r)
{
	const struct step   *s = r->step;
	struct device_event *e = event_find(r);

	if (s->kind == STEP_NO_EVENT)
		return e == NULL || fault(r, "the event came");
	if (e == NULL)
		return fault(r, "no such event came");
	e->seen = true;
	if (s->word[0] != 0 && strcmp(s->word, reason_name(e->event.why)) != 0)
		return fault(r, "the reason is %s", reason_name(e->event.why));
	return true;
}

static const char *state_of(struct run *r)
{
	const struct metrics *m = r->d->metrics;
	struct tcp_info       info;

	if (tcp_info(r->d->tcp, flow_of(r)->conn, &info))
		return info.state;
	if (m->value[METRIC_tcp_time_waits] > 0)
		return "time-wait";
	return m->value[METRIC_tcp_half_open] > 0 ? "syn-received" : "closed";
}

/* false: there is nothing of that name. */
static bool look(struct run *r, int64_t *value)
{
	const char     *what = r->step->what;
	struct tcp_info info = {0};
	const struct {
		const char *name;
		int64_t     value;
	} * seen;

	tcp_info(r->d->tcp, flow_of(r)->conn, &info);
	seen = (typeof(seen[0])[]){
		{"cwnd", info.cwnd},
		{"mss", info.mss},
		{"srtt", info.srtt_us},
		{"rto", info.rto_us},
		{"unread", info.receive_queued},
		{"queued", info.send_queued},
		{"retransmits", (int64_t)info.retransmits},
		{"room", (int64_t)tcp_send_room(r->d->tcp, flow_of(r)->conn)},
		{"connections", tcp_count(r->d->tcp)},
		{"ended", tcp_read_ended(r->d->tcp, flow_of(r)->conn)},
	};
	for (unsigned i = 0; i < 10; i++) {
		if (strcmp(seen[i].name, what) == 0) {
			*value = seen[i].value;
			return true;
		}
	}
	for (unsigned id = 0; id < METRIC_REFUSED; id++) {
		if (strcmp(metric_name(id), what) == 0) {
			*value = (int64_t)r->d->metrics->value[id];
			return true;
		}
	}
	return false;
}

static bool holds(enum compare compare, int64_t value, int64_t wanted)
{
	switch (compare) {
	case COMPARE_EQUAL:
		return value == wanted;
	case COMPARE_LESS:
		return value < wanted;
	case COMPARE_MORE:
		return value > wanted;
	case COMPARE_AT_MOST:
		return value <= wanted;
	case COMPARE_AT_LEAST:
		return value >= wanted;
	}
	return false;
}

static bool expect(struct run *r)
{
	const struct step *s = r->step;
	int64_t            value = 0, wanted = value_of(r, &s->number);

	if (strcmp(s->what, "state") == 0)
		return strcmp(state_of(r), s->word) == 0 ||
		       fault(r, "the state is %s", state_of(r));
	if (!s->has_number || !look(r, &value))
		return fault(r,
			     "expect looks at state, cwnd, mss, srtt, rto, unread, queued, room, "
			     "retransmits, connections, ended or a metric, which is a number");
	return holds(s->compare, value, wanted) ||
	       fault(r, "%s is %" PRId64 ", not %" PRId64, s->what, value, wanted);
}

static bool send(struct run *r)
{
	int64_t n = value_of(r, &r->step->number);
	int64_t wanted = r->step->has_taken ? value_of(r, &r->step->taken) : n;
	int64_t taken = (int64_t)device_send(r->d, flow_of(r), (size_t)n);

	return taken == wanted || fault(r, "%" PRId64 " bytes were taken", taken);
}

static void renew(struct run *r)
{
	struct flow *flow = flow_of(r);

	flow->peer_isn += (uint32_t)value_of(r, &r->step->number);
	flow->our_isn_known = false;
	flow->conn = TCP_CONN_NONE;
	flow->sent = flow->read = 0;
}

static bool application(struct run *r)
{
	const struct step *s = r->step;
	struct device     *d = r->d;
	struct flow       *flow = flow_of(r);
	const char        *wrong;

	if (d->ears != NULL)
		d->ears->step(d->ears->context, d, s, value_of(r, &s->number));
	switch (s->kind) {
	case STEP_LISTEN:
		return device_listen(d, s) || fault(r, "it cannot listen");
	case STEP_LISTEN_STOP:
		tcp_listen_stop(d->tcp, &(struct net_addr){.ip6 = d->hosts.address[WHO_US].ip6},
				DEVICE_PORT);
		break;
	case STEP_CONNECT:
		return device_connect(d, s) == !s->fails ||
		       fault(r, s->fails ? "the connect does not fail" : "it cannot connect");
	case STEP_SEND:
		return send(r);
	case STEP_READ:
		wrong = device_read(d, flow,
				    s->has_number ? (size_t)value_of(r, &s->number) : SIZE_MAX);
		return wrong == NULL || fault(r, "%s", wrong);
	case STEP_DRAIN:
		flow->drains = true;
		break;
	case STEP_PAUSE:
		flow->drains = false;
		break;
	case STEP_CLOSE:
	case STEP_ABORT:
		tcp_close(d->tcp, flow->conn, s->kind == STEP_ABORT);
		break;
	case STEP_BIND:
		return device_bind(d, (uint16_t)s->number.constant) ||
		       fault(r, "the port cannot be bound");
	case STEP_UNBIND:
		device_unbind(d, (uint16_t)s->number.constant);
		break;
	case STEP_DATAGRAM:
		return device_datagram(d, s, (size_t)value_of(r, &s->number)) == !s->fails ||
		       fault(r, s->fails ? "the datagram is sent" : "the datagram cannot be sent");
	case STEP_SQUEEZE:
		device_squeeze(d, (unsigned)value_of(r, &s->number));
		break;
	case STEP_RENEW:
		renew(r);
		break;
	default:
		break;
	}
	return true;
}

/* All that is not a frame out: nothing may come before it. */
static bool other_step(struct run *r)
{
	const struct step *s = r->step;
	struct device     *d = r->d;
	uint64_t           at_us = d->now.us + s->after_us;
	const char        *wrong;
	bool               ok = true;

	if (s->after_us > 0 && s->kind == STEP_IN)
		device_pass_before(d, at_us);
	else if (s->after_us > 0)
		device_pass(d, at_us);
	if ((s->after_us > 0 || s->kind < STEP_EVENT || s->kind > STEP_EXPECT) && !r->bursting &&
	    !quiet(r))
		return false;
	switch (s->kind) {
	case STEP_IN:
		for (unsigned i = 1; i < s->times; i++) {
			frame_in(r);
			if (!r->bursting)
				device_turn(d);
		}
		frame_in(r);
		break;
	case STEP_FLOOD:
		flood(r);
		break;
	case STEP_BURST:
	case STEP_BURST_END:
		r->bursting = s->kind == STEP_BURST;
		break;
	case STEP_SILENT:
		return true;
	case STEP_EVENT:
	case STEP_NO_EVENT:
		return event(r);
	case STEP_RECEIVED:
		wrong = device_received(d, s, (size_t)value_of(r, &s->number));
		return wrong == NULL || fault(r, "%s", wrong);
	case STEP_UDP_ERROR:
		wrong = device_udp_told(d, s);
		return wrong == NULL || fault(r, "%s", wrong);
	case STEP_EXPECT:
		return expect(r);
	default:
		ok = application(r);
		break;
	}
	if (ok && !r->bursting)
		device_turn(d);
	return ok;
}

/* All that goes out from here to the step's time. */
static void skip_out(struct run *r)
{
	uint64_t until_us = r->d->now.us + r->step->after_us;

	do {
		device_pass(r->d, until_us);
		while (r->d->out_count > 0) {
			syn_note(r, out_first(r));
			out_drop(r);
		}
	} while (r->d->now.us < until_us);
}

static bool step(struct run *r)
{
	switch (r->step->kind) {
	case STEP_OUT:
	case STEP_OUT_ANY:
		return frame_out(r);
	case STEP_OUT_SKIP:
		skip_out(r);
		return true;
	default:
		return other_step(r);
	}
}

/* Nothing is left that the script did not look at. */
static bool finish(struct run *r)
{
	if (r->d->out_count > 0)
		return came_wrong(r, out_first(r),
				  "a frame came that no line expects after this one");
	if (r->d->datagram_count > 0 || r->d->udp_error_count > 0)
		return fault(r, "a datagram or an error came that no line expects");
	if (r->d->lost_count)
		return fault(r, "more frames or events than this runner keeps");
	for (unsigned i = 0; i < r->d->event_count; i++) {
		const struct device_event *e = &r->d->events[i];

		if (e->event.kind == TCP_EVENT_CLOSED && !e->seen)
			return fault(r, "the connection of @%u closed (%s) and no line expects it",
				     e->flow, reason_name(e->event.why));
	}
	return true;
}

void run_script(struct device *d, const struct script *script, const struct run_start *start,
		struct run_result *result)
{
	struct run  r = {.d = d, .script = script, .result = result};
	const char *missing;

	result->ok = true;
	result->syn_seen = false;
	device_begin(d, script, start->traits, start->start_us);
	for (unsigned i = 0; i < DEVICE_FLOWS; i++) {
		d->flows[i].peer_isn = start->peer_isn + i * 1000003;
		d->flows[i].peer_ts_base = start->peer_ts;
	}
	for (unsigned i = 0; i < script->step_count && result->ok; i++) {
		r.step = &script->steps[i];
		step(&r);
	}
	if (result->ok)
		finish(&r);
	missing = device_end(d);
	if (missing != NULL)
		fault(&r, "%s", missing);
}
