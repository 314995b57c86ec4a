/*
 * A wheel of two levels: 4,096 slots of 1 ms, 4,096 slots of 4,096 ms. One node per control block,
 * which stands at the earliest of its deadlines or before it: a deadline that moves later costs one
 * store, and the node moves on when it is met too early.
 */
#include <string.h>

#include "tcp/conn.h"

#define SLOT_MASK (TCP_WHEEL_SLOTS - 1)

void tcp_timer_init(struct tcp_wheel *wheel)
{
	memset(wheel->head, 0xff, sizeof(wheel->head));
	memset(wheel->occupied, 0, sizeof(wheel->occupied));
	wheel->count = 0;
}

static void unlink_node(struct tcp *tcp, struct tcp_conn *conn)
{
	struct tcp_wheel *wheel = &tcp->wheel;
	unsigned          slot = conn->timer_slot;

	if (slot == TCP_WHEEL_NO_SLOT)
		return;
	if (conn->timer_next != TCP_NONE)
		tcp_conn_at(tcp, conn->timer_next)->timer_prev = conn->timer_prev;
	if (conn->timer_prev != TCP_NONE)
		tcp_conn_at(tcp, conn->timer_prev)->timer_next = conn->timer_next;
	else
		wheel->head[slot] = conn->timer_next;
	if (wheel->head[slot] == TCP_NONE)
		wheel->occupied[slot / 64] &= ~(1ull << slot % 64);
	conn->timer_slot = TCP_WHEEL_NO_SLOT;
	wheel->count--;
}

static void link_node(struct tcp *tcp, struct tcp_conn *conn, uint32_t at)
{
	struct tcp_wheel *wheel = &tcp->wheel;
	uint32_t          index = tcp_conn_index(tcp, conn);
	uint32_t          farthest = wheel->now_ms + (SLOT_MASK << TCP_WHEEL_BITS);
	unsigned          slot;

	if (!seq_after(at, wheel->now_ms))
		at = wheel->now_ms + 1;
	if (seq_after(at, farthest))
		at = farthest;
	if (at - wheel->now_ms <= TCP_WHEEL_SLOTS) /* the slots are those of the next 4,096 ticks */
		slot = at & SLOT_MASK;
	else
		slot = TCP_WHEEL_SLOTS + (at >> TCP_WHEEL_BITS & SLOT_MASK);
	conn->timer_at = at;
	conn->timer_slot = (uint16_t)slot;
	conn->timer_prev = TCP_NONE;
	conn->timer_next = wheel->head[slot];
	if (conn->timer_next != TCP_NONE)
		tcp_conn_at(tcp, conn->timer_next)->timer_prev = index;
	wheel->head[slot] = index;
	wheel->occupied[slot / 64] |= 1ull << slot % 64;
	wheel->count++;
	if (slot >= TCP_WHEEL_SLOTS)
		at &= ~SLOT_MASK; /* when it is dealt out */
	if (wheel->count == 1 || seq_before(at, wheel->next_ms))
		wheel->next_ms = at;
}

void tcp_timer_set(struct tcp *tcp, struct tcp_conn *conn, enum tcp_timer timer, uint32_t after_ms)
{
	uint32_t at = tcp->now_ms + (after_ms > 0 ? after_ms : 1);

	conn->deadline[timer] = at;
	conn->armed |= (uint8_t)(1u << timer);
	if (conn->timer_slot != TCP_WHEEL_NO_SLOT && !seq_before(at, conn->timer_at))
		return;
	unlink_node(tcp, conn);
	link_node(tcp, conn, at);
}

void tcp_timer_stop(struct tcp *tcp, struct tcp_conn *conn)
{
	conn->armed = 0;
	unlink_node(tcp, conn);
}

/* The node was met: fire what is due, and put it where the next deadline is. */
static void node_met(struct tcp *tcp, struct tcp_conn *conn)
{
	uint32_t next = 0;
	bool     any = false;

	unlink_node(tcp, conn);
	for (unsigned t = 0; t < TCP_TIMER_COUNT && conn->state != TCP_CLOSED; t++) {
		if (tcp_timer_armed(conn, t) && !seq_after(conn->deadline[t], tcp->now_ms)) {
			tcp_timer_clear(conn, t);
			tcp_expire(tcp, conn, t);
		}
	}
	if (conn->state == TCP_CLOSED)
		return;
	for (unsigned t = 0; t < TCP_TIMER_COUNT; t++) {
		if (tcp_timer_armed(conn, t) && (!any || seq_before(conn->deadline[t], next))) {
			next = conn->deadline[t];
			any = true;
		}
	}
	unlink_node(tcp, conn); /* an expiry may have linked it */
	if (any)
		link_node(tcp, conn, next);
}

/* The first occupied slot of a level at or after `from`, as a distance from it; TCP_WHEEL_SLOTS
 * when there is none. */
static unsigned distance(const struct tcp_wheel *wheel, unsigned level, unsigned from)
{
	const uint64_t *map = wheel->occupied + level * (TCP_WHEEL_SLOTS / 64);
	unsigned        word = from / 64;
	uint64_t        bits = map[word] & ~0ull << from % 64;

	for (unsigned i = 0; i <= TCP_WHEEL_SLOTS / 64; i++) {
		if (bits != 0) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);

			return (slot - from) & SLOT_MASK;
		}
		word = (word + 1) % (TCP_WHEEL_SLOTS / 64);
		bits = map[word];
	}
	return TCP_WHEEL_SLOTS;
}

/* Slots of level 1 are dealt out to level 0 when their time begins. */
static void cascade(struct tcp *tcp, uint32_t tick)
{
	unsigned slot = TCP_WHEEL_SLOTS + (tick >> TCP_WHEEL_BITS & SLOT_MASK);

	while (tcp->wheel.head[slot] != TCP_NONE) {
		struct tcp_conn *conn = tcp_conn_at(tcp, tcp->wheel.head[slot]);

		unlink_node(tcp, conn);
		link_node(tcp, conn, conn->timer_at);
	}
}

/* The next tick at which something is to be done: an occupied slot, or a cascade. */
static uint32_t next_tick(const struct tcp_wheel *wheel)
{
	uint32_t from = wheel->now_ms + 1;
	uint32_t boundary = (wheel->now_ms | SLOT_MASK) + 1;
	unsigned near = distance(wheel, 0, from & SLOT_MASK);
	unsigned far;

	if (near < TCP_WHEEL_SLOTS && !seq_after(from + near, boundary))
		return from + near;
	far = distance(wheel, 1, boundary >> TCP_WHEEL_BITS & SLOT_MASK);
	if (far == TCP_WHEEL_SLOTS)
		return from + near;
	if (near < TCP_WHEEL_SLOTS && far > 0)
		return seq_min(from + near, boundary + ((uint32_t)far << TCP_WHEEL_BITS));
	return boundary + ((uint32_t)far << TCP_WHEEL_BITS);
}

unsigned tcp_timer_run(struct tcp *tcp, unsigned budget)
{
	struct tcp_wheel *wheel = &tcp->wheel;
	unsigned          met = 0;

	if (wheel->count > 0 && seq_after(wheel->next_ms, tcp->now_ms)) {
		wheel->now_ms = tcp->now_ms;
		return 0;
	}
	while (wheel->count > 0) {
		uint32_t tick = next_tick(wheel);
		unsigned slot = tick & SLOT_MASK;

		wheel->next_ms = tick;
		if (seq_after(tick, tcp->now_ms))
			break;
		wheel->now_ms = tick - 1; /* what is linked now lands at tick or later */
		if (slot == 0)
			cascade(tcp, tick);
		/* Nodes move on to after now_ms of the instance, so this ends. */
		while (wheel->head[slot] != TCP_NONE) {
			if (met == budget)
				return met;
			node_met(tcp, tcp_conn_at(tcp, wheel->head[slot]));
			met++;
		}
		wheel->now_ms = tick;
	}
	wheel->now_ms = tcp->now_ms;
	return met;
}

uint64_t tcp_timer_next_us(const struct tcp *tcp)
{
	int32_t wait;

	if (tcp->wheel.count == 0)
		return UINT64_MAX;
	wait = (int32_t)(tcp->wheel.next_ms - tcp->now_ms);
	return wait <= 0 ? tcp->now.us : (tcp->now.us / US_PER_MS + (uint32_t)wait) * US_PER_MS;
}
