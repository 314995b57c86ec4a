#include "conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#include "ask.h"
#include "conn_private.h"
#include "datagram.h"
#include "pages.h"
#include "registered.h"
#include "session.h"
#include "worker.h"

#define DETACHED_SHARE 4u /* of all connections, those that are gone and whose sessions go on */
#define CONN_FREE_END UINT32_MAX
#define USER_NOBODY (CONN_USER | UINT32_MAX)

/* A place of one protocol takes no memory for what another would need. */
static bool sessions_init(struct conns *cs, uint32_t max)
{
	bool all = true;

	for (unsigned p = 0; p < PROTO_COUNT; p++) {
		cs->session_size[p] = (registry_ops(p)->session_size + 63) / 64 * 64;
		cs->sessions[p] = pages_new(max * cs->session_size[p]);
		all = all && cs->sessions[p] != NULL;
	}
	return all;
}

int conns_init(struct worker *w, uint32_t max)
{
	struct conns *cs = &w->conns;
	bool          sessions = sessions_init(cs, max);

	cs->max = max;
	cs->free_head = CONN_FREE_END;
	cs->table = calloc(max, sizeof(cs->table[0]));
	cs->free_next = calloc(max, sizeof(cs->free_next[0]));
	cs->dirty = calloc(2 * (size_t)max,
			   sizeof(cs->dirty[0])); /* those of this turn, and those touched while
						     they are looked at */
	cs->again = calloc(max, sizeof(cs->again[0]));
	cs->again_now = calloc(max, sizeof(cs->again_now[0]));
	cs->peers = pages_new(sizeof(cs->peers[0]) * WORLD_PEERS_MAX * LINKS_PER_TARGET);
	cs->streams = pages_new(sizeof(cs->streams[0]) * WORLD_PEERS_MAX);
	for (unsigned i = 0; i < CONN_WHEEL_SLOTS; i++)
		list_init(&cs->wheel[i]);
	return cs->table != NULL && cs->free_next != NULL && sessions && cs->dirty != NULL &&
			       cs->again != NULL && cs->again_now != NULL && cs->peers != NULL &&
			       cs->streams != NULL
		       ? conn_ws_init(cs)
		       : -ENOMEM;
}

void conns_free(struct worker *w)
{
	struct conns *cs = &w->conns;

	conn_ws_free(cs);
	free(cs->table);
	free(cs->free_next);
	for (unsigned p = 0; p < PROTO_COUNT; p++)
		pages_free(cs->sessions[p], cs->max * cs->session_size[p]);
	free(cs->dirty);
	free(cs->again);
	free(cs->again_now);
	pages_free(cs->peers, sizeof(cs->peers[0]) * WORLD_PEERS_MAX * LINKS_PER_TARGET);
	pages_free(cs->streams, sizeof(cs->streams[0]) * WORLD_PEERS_MAX);
}

struct session_ref conn_ref(const struct worker *w, const struct conn *c)
{
	return (struct session_ref){conn_index(w, c), c->generation, (uint8_t)w->number,
				    c->protocol};
}

struct conn *conn_get(struct worker *w, struct session_ref ref)
{
	struct conn *c = ref.index < w->conns.used_high ? &w->conns.table[ref.index] : NULL;

	ASSERT(ref.worker == w->number);
	return c != NULL && c->state != CONN_FREE && c->generation == ref.generation ? c : NULL;
}

const struct conn *conn_of_tcp(const struct worker *w, uint64_t user)
{
	const struct conn *c = (user & CONN_USER) != 0 && (uint32_t)user < w->conns.used_high
				       ? &w->conns.table[(uint32_t)user]
				       : NULL;

	return c != NULL && c->state != CONN_FREE ? c : NULL;
}

struct conn *conn_of_session(struct worker *w, const void *session)
{
	const struct conns *cs = &w->conns;
	uintptr_t           at = (uintptr_t)session;
	unsigned            p = 0;

	while (at - (uintptr_t)cs->sessions[p] >= cs->max * cs->session_size[p]) {
		p++;
		ASSERT(p < PROTO_COUNT);
	}
	return &cs->table[(at - (uintptr_t)cs->sessions[p]) / cs->session_size[p]];
}

struct conn *conn_new(struct worker *w, uint8_t protocol, enum proto_role role)
{
	struct conns *cs = &w->conns;
	uint32_t      index = cs->free_head;
	struct conn  *c;
	uint16_t      generation;

	if (index != CONN_FREE_END)
		cs->free_head = cs->free_next[index];
	else if (cs->used_high < cs->max)
		index = cs->used_high++;
	else
		return NULL;
	c = &cs->table[index];
	generation = c->generation;
	*c = (struct conn){.ops = registry_ops(protocol),
			   .protocol = protocol,
			   .role = (uint8_t)role,
			   .generation = generation,
			   .account = MSG_SLOT_NONE,
			   .peer = MSG_SLOT_NONE,
			   .followed = w->following.round,
			   .need = 1,
			   .tcp = TCP_CONN_NONE,
			   .queue_max = 1,
			   .unsent_why = REASON_SESSION_GONE,
			   .requeued_last = DELIVERY_NONE,
			   .due_us = UINT64_MAX,
			   .since_ms = w->now.wall_ms};
	c->session = cs->sessions[protocol] + index * cs->session_size[protocol];
	memset(c->session, 0, cs->session_size[protocol]);
	list_init(&c->wheel);
	metric_inc(w->metrics, METRIC_sessions_open);
	return c;
}

void conn_free(struct worker *w, struct conn *c)
{
	uint32_t index = conn_index(w, c);

	if (c->role == PROTO_CONNECTING && c->peer != MSG_SLOT_NONE && !c->federated)
		session_peer_gone(w, c);
	list_remove(&c->wheel);
	w->conns.detached -= c->detached;
	c->state = CONN_FREE;
	c->generation++;
	w->conns.free_next[index] = w->conns.free_head;
	w->conns.free_head = index;
	metric_sub(w->metrics, METRIC_sessions_open, 1);
}

void conn_touch(struct worker *w, struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	w->conns.dirty[w->conns.dirty_count++] = conn_index(w, c);
}

void conn_go_on_later(struct worker *w, struct conn *c)
{
	if (c->again)
		return;
	c->again = true;
	w->conns.again[w->conns.again_count++] = conn_index(w, c);
}

/* ---- bytes out ---- */

struct out conn_out_within(struct worker *w, const struct conn *c, size_t room)
{
	struct out out = out_to(w->out_room, room < WORKER_OUT_SIZE ? room : WORKER_OUT_SIZE);

	out.messages = c->ws != NULL;
	return out;
}

struct out conn_out(struct worker *w, const struct conn *c)
{
	return conn_out_within(w, c, WORKER_OUT_SIZE);
}

size_t conn_send_room(struct worker *w, const struct conn *c)
{
	if (c->datagram || c->detached)
		return WORKER_OUT_SIZE + CONN_SUBMIT_RESERVE;
	return c->ws != NULL ? conn_ws_send_room(w, c) : tcp_send_room(w->tcp, c->tcp);
}

bool conn_send_bytes(struct worker *w, struct conn *c, const void *bytes, size_t n)
{
	if (tcp_send(w->tcp, c->tcp, bytes, n) == n)
		return true;
	tcp_close(w->tcp, c->tcp, true);
	return false;
}

void conn_send(struct worker *w, struct conn *c, const struct out *out)
{
	size_t n = put_size(&out->put);

	ASSERT(!out->put.failed);
	if (c->detached)
		return;
	if (c->datagram)
		datagrams_send(w, c, out);
	else if (c->ws != NULL)
		conn_ws_send(w, c, out);
	else if (n > 0)
		conn_send_bytes(w, c, out->put.start, n);
	if (n > 0)
		conn_touch(w, c);
}

void conn_answer(struct worker *w, struct session_ref origin, uint64_t token,
		 const struct result *result)
{
	struct conn *c = conn_get(w, origin);
	struct out   out;

	if (c == NULL || !conn_has_session(c)) {
		metric_refused(w->metrics, REASON_SESSION_GONE);
		return;
	}
	out = conn_out(w, c);
	c->ops->answer(c->session, w->now, token, result, &out);
	conn_send(w, c, &out);
}

enum conn_submit conn_submit(struct worker *w, struct conn *c, const struct msg *m,
			     const struct proto_target *at, uint64_t token, struct result *result)
{
	size_t      room = conn_send_room(w, c);
	struct out  out;
	enum submit submitted;

	if (room <= CONN_SUBMIT_RESERVE)
		return CONN_LATER;
	room -= CONN_SUBMIT_RESERVE;
	out = conn_out_within(w, c, room);
	submitted = c->ops->submit(c->session, w->now, m, at, token, &out, result);
	switch (submitted) {
	case SUBMIT_SENT:
		conn_send(w, c, &out);
		return CONN_SENT;
	case SUBMIT_LATER:
		return CONN_LATER;
	case SUBMIT_REFUSED:
		break;
	}
	return CONN_REFUSED;
}

/* ---- the end ---- */

/* The session is over: nothing is submitted to it any more, and what it owed has its result. */
static void session_end(struct worker *w, struct conn *c, enum reason why, struct out *out)
{
	if (c->domain != 0)
		domain_ended(w, c, why);
	session_unpublish(w, c);
	if (c->registers)
		registered_ended(w, c);
	c->state = CONN_CLOSING;
	c->ops->close(c->session, w->now, why, out);
	if (out != NULL)
		conn_send(w, c, out);
	deliver_closed(w, c);
	metric_refused(w->metrics, why);
}

/* Its connection ends in order, if it has one; the session stays. */
static void conn_leave_tcp(struct worker *w, struct conn *c)
{
	struct cur in;

	if (c->detached)
		return;
	if (c->tcp != TCP_CONN_NONE) {
		if (c->ws != NULL)
			conn_ws_end(w, c, REASON_REPLACED);
		tcp_consume(w->tcp, c->tcp, tcp_peek(w->tcp, c->tcp, 1, &in));
		tcp_set_user(w->tcp, c->tcp, USER_NOBODY);
		tcp_close(w->tcp, c->tcp, false);
	}
	c->tcp = TCP_CONN_NONE;
	c->detached = true;
	w->conns.detached++;
	conn_touch(w, c);
}

/* Nobody has said goodbye. False: the session ends, too. */
static bool conn_detach(struct worker *w, struct conn *c)
{
	if (c->ops->detach == NULL || !c->ops->detach(c->session, w->now))
		return false;
	if (w->conns.detached >= w->conns.max / DETACHED_SHARE) {
		metric_inc(w->metrics, METRIC_sessions_detached_full);
		return false;
	}
	conn_leave_tcp(w, c);
	return true;
}

/* The connection goes, and the session has something to say of it to others. */
static bool conn_leaves(struct worker *w, struct conn *c, enum reason why, struct out *out)
{
	if (c->state != CONN_OPEN || c->ops->outlive == NULL ||
	    w->conns.detached >= w->conns.max / DETACHED_SHARE ||
	    !c->ops->outlive(c->session, w->now, why, out))
		return false;
	session_unpublish(w, c);
	if (c->registers)
		registered_ended(w, c);
	c->registers = false;
	if (out != NULL)
		conn_send(w, c, out);
	conn_leave_tcp(w, c);
	c->state = CONN_LEAVING;
	deliver_closed(w, c);
	conn_touch(w, c);
	return true;
}

void conn_close(struct worker *w, struct conn *c, enum reason why)
{
	struct out out = conn_out(w, c);
	struct cur in;

	if (conn_leaves(w, c, why, &out))
		return;
	out = conn_out(w, c);
	session_end(w, c, why, &out);
	if (c->datagram || c->detached) {
		conn_free(w, c);
		return;
	}
	if (c->ws != NULL)
		conn_ws_end(w, c, why);
	tcp_consume(w->tcp, c->tcp, tcp_peek(w->tcp, c->tcp, 1, &in));
	tcp_close(w->tcp, c->tcp, false);
}

uint64_t conn_give_way(struct worker *w, struct conn *c, uint64_t word)
{
	struct out out = conn_out(w, c);

	if (c->state != CONN_OPEN || c->ops->hand_over == NULL)
		return 0;
	word = c->ops->hand_over(c->session, w->now, word, &out);
	conn_send(w, c, &out);
	conn_leave_tcp(w, c);
	c->parting = true;
	deliver_unsent(w, c);
	conn_touch(w, c);
	return word;
}

void conn_part(struct worker *w, struct conn *c, enum reason why)
{
	struct out out = conn_out(w, c);

	if (c->state == CONN_CONNECTING) {
		search_end(w, c);
		if (c->tcp == TCP_CONN_NONE)
			conn_unmade(w, c, why);
		else
			tcp_close(w->tcp, c->tcp, true);
		return;
	}
	if (c->state != CONN_OPEN || c->parting)
		return;
	if (!c->logged_in || c->detached) {
		conn_close(w, c, why);
		return;
	}
	c->parting = true;
	session_line_down(c);
	c->ops->part(c->session, w->now, &out);
	conn_send(w, c, &out);
	conn_touch(w, c);
}

/* ---- bytes in ---- */

struct proto_event conn_event_none(void)
{
	return (struct proto_event){.kind = EVENT_NONE, .peer = MSG_SLOT_NONE};
}

/* What came here is about something of another worker, whose number the other side claims. */
static void conn_hand_over(struct worker *w, struct conn *c, const struct proto_event *event)
{
	struct msg *m = event->msg;
	uint64_t    token = m->token;

	ASSERT(m == w->spare);
	w->spare = NULL;
	m->origin = conn_ref(w, c);
	if (event->worker < w->dp->worker_count && event->worker != w->number &&
	    xcore_item(w, event->worker, m, &c->flow)) {
		metric_inc(w->metrics, METRIC_items_handed_over);
		return;
	}
	msg_free(m);
	if (token != 0)
		conn_answer(w, conn_ref(w, c), token, &(struct result){.why = REASON_SESSION_GONE});
}

void conn_event(struct worker *w, struct conn *c, struct proto_event *event)
{
	if (event->session != NULL)
		c = conn_of_session(w, event->session);
	switch (event->kind) {
	case EVENT_NONE:
		break;
	case EVENT_LOGIN: {
		struct out  out = conn_out(w, c);
		enum reason why = session_login(w, c, &event->login, &out);

		conn_send(w, c, &out);
		if (why != REASON_NONE)
			conn_close(w, c, why);
		break;
	}
	case EVENT_UP:
		ASSERT(c->peer != MSG_SLOT_NONE);
		session_up(w, c);
		break;
	case EVENT_MSG: {
		struct msg *m = event->msg;

		ASSERT(m == w->spare);
		w->spare = NULL;
		m->origin = conn_ref(w, c);
		m->account = c->account;
		m->peer = c->peer != MSG_SLOT_NONE ? c->peer : event->peer;
		c->msgs_in++;
		if (w->pool_low)
			refuse(w, m, REASON_POOL);
		else
			pipeline_add(w, m);
		break;
	}
	case EVENT_RESULT:
		deliver_result(w, c, event->token, &event->result);
		break;
	case EVENT_READY:
		c->blocked = false;
		break;
	case EVENT_BINDING:
		registered_change(w, c, event->registration);
		break;
	case EVENT_DIAL:
		conn_dial(w, c, &event->dial, event->dial_domain, event->token);
		break;
	case EVENT_ASK:
		ask_begin(w, c, &event->ask);
		break;
	case EVENT_ELSEWHERE:
		conn_hand_over(w, c, event);
		break;
	case EVENT_CLOSE:
		conn_close(w, c, event->why);
		break;
	}
}

bool conn_may_read(struct worker *w, struct conn *c)
{
	if (conn_send_room(w, c) < CONN_ANSWER_ROOM)
		return false;
	w->pool_low = msg_pool_free_count(w->msgs) + (w->spare != NULL) <= WORKER_POOL_RESERVE;
	if (w->pool_low && c->role == PROTO_ACCEPTED && c->open == 0)
		return false;
	if (w->spare == NULL)
		w->spare = msg_new(w->msgs);
	return w->spare != NULL;
}

bool conn_feed(struct worker *w, struct conn *c, struct cur *in, unsigned *items)
{
	while (*items < CONN_ITEMS_PER_TURN && c->asked < ASKS_SESSION_MAX) {
		struct proto_event event = conn_event_none();
		struct out         out = conn_out(w, c);
		enum pull          pulled;

		if (!conn_may_read(w, c)) {
			*items = CONN_ITEMS_PER_TURN;
			return true;
		}
		event.msg = w->spare;
		pulled = c->ops->feed(c->session, w->now, &c->flow, in, &out, &event);
		conn_send(w, c, &out);
		if (pulled == PULL_BAD) {
			conn_close(w, c, event.why);
			return false;
		}
		if (pulled == PULL_WAIT) {
			c->need = 1;
			c->waits = true;
			return true;
		}
		if (pulled == PULL_MORE) {
			ASSERT(event.need > 0);
			c->need = event.need;
			return true;
		}
		c->need = 1;
		(*items)++;
		conn_event(w, c, &event);
		if (c->state != CONN_OPEN)
			return false;
		if (cur_left(in) == 0)
			return true;
	}
	return true;
}

void conn_read_ended(struct worker *w, struct conn *c)
{
	if (!conn_detach(w, c))
		conn_close(w, c, REASON_CLOSED_BY_PEER);
}

static void conn_read(struct worker *w, struct conn *c)
{
	unsigned items = 0;

	session_follow(w, c);
	c->waits = false;
	while (c->state == CONN_OPEN && c->asked < ASKS_SESSION_MAX && !c->waits) {
		struct cur     in;
		size_t         waiting = tcp_peek(w->tcp, c->tcp, c->need, &in);
		const uint8_t *start = in.p;

		if (waiting < c->need) {
			if (tcp_read_ended(w->tcp, c->tcp))
				conn_read_ended(w, c);
			return;
		}
		if (!(c->ws != NULL ? conn_ws_feed : conn_feed)(w, c, &in, &items))
			return;
		if (in.p == start && c->waits)
			return;
		tcp_consume(w->tcp, c->tcp, (size_t)(in.p - start));
		conn_touch(w, c);
		if (items >= CONN_ITEMS_PER_TURN) {
			conn_go_on_later(w, c);
			return;
		}
	}
}

void conn_datagram(struct worker *w, struct conn *c, const struct flow *from, struct cur bytes)
{
	struct proto_event event = conn_event_none();
	struct out         out = conn_out(w, c);

	session_follow(w, c);
	if (c->state != CONN_OPEN || !conn_may_read(w, c)) {
		metric_inc(w->metrics, METRIC_udp_dropped_full);
		return;
	}
	event.msg = w->spare;
	switch (c->ops->feed(c->session, w->now, from, &bytes, &out, &event)) {
	case PULL_ITEM:
		conn_send(w, c, &out);
		conn_event(w, c, &event);
		break;
	case PULL_MORE:
	case PULL_WAIT:
		break;
	case PULL_BAD:
		conn_send(w, c, &out);
		metric_refused(w->metrics, event.why);
		break;
	}
	if (c->state == CONN_OPEN)
		conn_touch(w, c);
}

void conn_unreached(struct worker *w, struct conn *c, struct cur quoted)
{
	struct proto_event event = conn_event_none();

	if (c->state != CONN_OPEN || c->ops->unreached == NULL)
		return;
	c->ops->unreached(c->session, w->now, quoted, &event);
	conn_event(w, c, &event);
	conn_touch(w, c);
}

void conn_item(struct worker *w, const struct msg *m, const struct flow *from,
	       struct result *answer)
{
	const struct proto_ops *ops = registry_ops(m->origin.protocol);
	struct proto_event      event = conn_event_none();
	struct cur              item = cur_of(msg_view(m, m->body, w->body_room), m->body.size);
	struct conn            *c;

	*answer = (struct result){.why = REASON_SESSION_GONE};
	if (ops->item == NULL)
		return;
	ops->item(w->instances[m->origin.protocol], w->now, from, item, &event, answer);
	if (event.kind == EVENT_NONE)
		return;
	ASSERT(event.session != NULL);
	c = conn_of_session(w, event.session);
	conn_event(w, c, &event);
	if (c->state == CONN_OPEN)
		conn_touch(w, c);
}

void conns_again(struct worker *w)
{
	struct conns *cs = &w->conns;
	uint32_t      n = cs->again_count;

	memcpy(cs->again_now, cs->again, n * sizeof(cs->again[0]));
	cs->again_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct conn *c = &cs->table[cs->again_now[i]];

		c->again = false;
		if (c->state == CONN_OPEN)
			conn_read(w, c);
	}
}

static void conn_accepted(struct worker *w, const struct tcp_event *event)
{
	const struct listener *l = &w->dp->listeners[(uint32_t)event->user];
	struct conn           *c = conn_new(w, l->conf->protocol, PROTO_ACCEPTED);
	struct tcp_info        info;
	struct out             out;

	if (c == NULL) {
		tcp_set_user(w->tcp, event->conn, USER_NOBODY);
		tcp_close(w->tcp, event->conn, true);
		return;
	}
	c->tcp = event->conn;
	c->state = CONN_OPEN;
	c->media = (event->user & CONN_USER_MEDIA) != 0;
	tcp_set_user(w->tcp, c->tcp, CONN_USER | conn_index(w, c));
	if (tcp_info(w->tcp, c->tcp, &info)) {
		memcpy(c->flow.address, info.remote.w, sizeof(c->flow.address));
		c->flow.ip6 = info.remote.ip6;
		c->flow.port = info.remote_port;
	}
	if ((event->user & CONN_USER_WS) != 0)
		conn_ws_begin(w, c, l);
	metric_inc(w->metrics, METRIC_sessions_accepted);
	out = conn_out(w, c);
	session_open_accepted(w, c, l, &out);
	conn_send(w, c, &out);
	conn_touch(w, c);
	conn_read(w, c);
}

void conn_begun(struct worker *w, struct conn *c)
{
	struct out out = conn_out(w, c);

	c->state = CONN_OPEN;
	if (!session_open_peer(w, c, &out)) {
		conn_close(w, c, REASON_ACCOUNT_GONE);
		return;
	}
	conn_send(w, c, &out);
	conn_touch(w, c);
}

static void conn_closed(struct worker *w, struct conn *c, enum reason why)
{
	c->tcp = TCP_CONN_NONE;
	if (c->state == CONN_CONNECTING) {
		if (!search_goes_on(w, c)) /* else by us */
			conn_unmade(w, c, why != REASON_NONE ? why : REASON_CONNECTION_RESET);
		return;
	}
	if (c->state == CONN_OPEN && conn_detach(w, c))
		return;
	if (conn_leaves(w, c, why != REASON_NONE ? why : REASON_CLOSED_BY_PEER, NULL))
		return;
	if (c->state == CONN_OPEN)
		session_end(w, c, why != REASON_NONE ? why : REASON_CLOSED_BY_PEER, NULL);
	conn_free(w, c);
}

void conn_tcp_event(struct worker *w, const struct tcp_event *event)
{
	struct conn *c;

	if (event->kind == TCP_EVENT_ACCEPTED) {
		conn_accepted(w, event);
		return;
	}
	if ((uint32_t)event->user == UINT32_MAX)
		return; /* was closed before it had a session, or is of one that goes on alone */
	ASSERT((event->user & CONN_USER) != 0 && (uint32_t)event->user < w->conns.used_high);
	c = &w->conns.table[(uint32_t)event->user];
	ASSERT(c->state != CONN_FREE);
	switch (event->kind) {
	case TCP_EVENT_ACCEPTED:
		break;
	case TCP_EVENT_CONNECTED:
		conn_connected(w, c);
		break;
	case TCP_EVENT_READABLE:
		if (c->state == CONN_OPEN)
			conn_read(w, c);
		break;
	case TCP_EVENT_WRITABLE:
		c->blocked = false;
		if (c->state == CONN_OPEN)
			conn_touch(w, c);
		break;
	case TCP_EVENT_CLOSED:
		conn_closed(w, c, event->why);
		break;
	}
}

/* ---- datagrams ---- */

struct conn *conn_of_datagrams(struct worker *w, uint8_t protocol, enum proto_role role,
			       const struct flow *local, const struct flow *remote)
{
	struct conn *c = conn_new(w, protocol, role);

	if (c == NULL)
		return NULL;
	c->datagram = true;
	c->state = CONN_OPEN;
	c->local = *local;
	c->flow = *remote;
	return c;
}
