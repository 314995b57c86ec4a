/* The timers of sessions, and the end of a turn for those that something happened to. */
#include "conn.h"

#include "conn_private.h"
#include "session.h"
#include "worker.h"

#define WHEEL_SLOT_US 8000u

static void wheel_put(struct worker *w, struct conn *c)
{
	uint64_t tick = c->due_us / WHEEL_SLOT_US + 1;

	if (tick <= w->conns.wheel_tick)
		tick = w->conns.wheel_tick + 1;
	if (tick >= w->conns.wheel_tick + CONN_WHEEL_SLOTS)
		tick = w->conns.wheel_tick + CONN_WHEEL_SLOTS - 1; /* looked at again there */
	list_remove(&c->wheel);
	list_append(&w->conns.wheel[tick % CONN_WHEEL_SLOTS], &c->wheel);
	c->slot_us = tick * WHEEL_SLOT_US;
}

void conns_tick(struct worker *w)
{
	struct conns *cs = &w->conns;
	uint64_t      tick = w->now.us / WHEEL_SLOT_US;

	if (cs->wheel_tick + CONN_WHEEL_SLOTS < tick)
		cs->wheel_tick = tick - CONN_WHEEL_SLOTS;
	while (cs->wheel_tick < tick) {
		struct list *slot = &cs->wheel[++cs->wheel_tick % CONN_WHEEL_SLOTS];

		while (!list_empty(slot)) {
			struct conn *c = list_entry(slot->next, struct conn, wheel);

			list_remove(&c->wheel);
			if (c->due_us <= w->now.us)
				conn_touch(w, c);
			else
				wheel_put(w, c);
		}
	}
	sessions_connect_peers(w);
}

/* The protocol's timers; returns when it wants to be asked again. */
static uint64_t conn_timers(struct worker *w, struct conn *c)
{
	for (;;) {
		struct proto_event event = conn_event_none();
		struct out         out = conn_out(w, c);
		uint64_t           due;

		if (conn_may_read(w, c))
			event.msg = w->spare;
		due = c->ops->tick(c->session, w->now, &out, &event);
		conn_send(w, c, &out);
		if (event.kind == EVENT_NONE)
			return due;
		conn_event(w, c, &event);
		if (!conn_has_session(c))
			return UINT64_MAX;
	}
}

/* What waits for the connection has its time, too, and where it goes to is asked again. */
static void end_turn_connecting(struct worker *w, struct conn *c)
{
	deliver_expire(w, c);
	c->due_us = earlier(deliver_due_us(w, c), search_tick(w, c));
	if (c->due_us != UINT64_MAX && (list_empty(&c->wheel) || c->due_us < c->slot_us))
		wheel_put(w, c);
}

static void conn_end_turn(struct worker *w, struct conn *c)
{
	if (c->state == CONN_CONNECTING)
		end_turn_connecting(w, c);
	if (!conn_has_session(c))
		return;
	if (c->waits)
		conn_go_on_later(w, c);
	c->due_us = conn_timers(w, c);
	if (!conn_has_session(c))
		return;
	if (c->queued >
	    0) { /* after the timers: a request that was given up has made room in the window */
		deliver_pump(w, c);
		deliver_expire(w, c);
		if (c->state != CONN_OPEN)
			return;
		c->due_us = conn_timers(w, c);
		if (c->state != CONN_OPEN)
			return;
	}
	c->due_us = earlier(c->due_us, deliver_due_us(w, c));
	session_publish_line(w, c);
	if (c->due_us != UINT64_MAX && (list_empty(&c->wheel) || c->due_us < c->slot_us))
		wheel_put(w, c);
}

void conns_end_turn(struct worker *w)
{
	struct conns *cs = &w->conns;
	uint32_t      n = cs->dirty_count;

	for (uint32_t i = 0; i < n; i++) {
		struct conn *c = &cs->table[cs->dirty[i]];

		conn_end_turn(w, c);
		c->dirty = false;
	}
	/* What others touched meanwhile (answers, results) is looked at in the next turn. */
	memmove(cs->dirty, cs->dirty + n, (cs->dirty_count - n) * sizeof(cs->dirty[0]));
	cs->dirty_count -= n;
}

uint64_t conns_next_us(const struct worker *w)
{
	if (w->conns.again_count > 0)
		return w->now.us;
	return (w->conns.wheel_tick + 1) * WHEEL_SLOT_US;
}
