/* The applications of a run: each sends a stream and checks the one that it receives; they pause,
 * abort and close as they are drawn. */
#pragma once

#include "sim.h"

static inline uint64_t word_of(uint64_t stream, uint32_t offset)
{
	return hash_mix(stream ^ offset / 8);
}

static struct app *app_of(unsigned end, uint32_t conn)
{
	for (unsigned i = 0; i < APPS; i++) {
		if (sim.apps[end][i].open && sim.apps[end][i].conn == conn)
			return &sim.apps[end][i];
	}
	return NULL;
}

/* None twice, unless one end has left: then a late cookie may open it again. */
static void app_accept(uint32_t conn)
{
	for (unsigned k = 0; k < (sim.aborts ? APPS : sim.conns); k++) {
		if (!sim.apps[1][k].open) {
			sim.apps[1][k] =
				(struct app){.conn = conn, .open = true, .expected = UINT32_MAX};
			return;
		}
	}
	CHECK(false);
}

static void apps_events(unsigned end)
{
	struct tcp_event events[3];
	unsigned         n;

	while ((n = tcp_events(sim.end[end].tcp, events, 3)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct app *app = app_of(end, events[i].conn);

			if (events[i].kind == TCP_EVENT_ACCEPTED) {
				CHECK(end == 1 && events[i].user == 77 && app == NULL);
				app_accept(events[i].conn);
			} else if (events[i].kind == TCP_EVENT_CLOSED) {
				CHECK(app != NULL && !app->closed);
				app->closed = true;
				app->closed_us = rig_now.us;
				app->why = events[i].why;
				app->conn = TCP_CONN_NONE;
				sim.progress++;
			}
		}
	}
}

/* The server learns which connection it is from its first 8 bytes. */
static void bytes_make(const struct app *app, unsigned end, uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t at = app->sent + i, part = 8 - at % 8 < n - i ? 8 - at % 8 : n - i;
		uint64_t word = word_of(app->stream, at);

		if (end == 0 && at < 8)
			word = 0x5555555555555500ull | (uint64_t)(app - sim.apps[0]);
		word >>= at % 8 * 8;
		memcpy(bytes + i, &word, part); /* lowest byte first */
		i += part;
	}
}

static void bytes_check(struct app *app, unsigned end, const uint8_t *p, size_t n)
{
	uint64_t word = word_of(~app->stream, app->received);

	for (size_t i = 0; i < n; i++) {
		uint32_t at = app->received + (uint32_t)i;

		if (at % 8 == 0)
			word = word_of(~app->stream, at);
		if (end == 1 && at == 0) {
			struct app *peer = &sim.apps[0][p[0]];

			CHECK(p[0] < CONNS);
			app->stream = ~peer->stream;
			app->to_send = peer->expected;
			app->expected = peer->to_send;
		} else if (end == 1 && at < 8) {
			CHECK(p[i] == 0x55);
		} else {
			CHECK(p[i] == (uint8_t)(word >> at % 8 * 8));
		}
	}
}

static void app_read(struct app *app, unsigned end)
{
	struct tcp *tcp = sim.end[end].tcp;
	struct cur  in;

	for (unsigned turn = random_below(&sim.play, 4); turn > 0; turn--) {
		size_t waits = tcp_peek(tcp, app->conn, random_below(&sim.play, 5000), &in);
		size_t part = cur_left(&in);

		CHECK(part <= waits && (waits == 0) == (part == 0));
		if (part > 1 && random_below(&sim.play, 3) == 0)
			part = 1 + random_below(&sim.play, (uint32_t)part);
		bytes_check(app, end, in.p, part);
		tcp_consume(tcp, app->conn, part);
		app->received += (uint32_t)part;
		sim.progress += part;
	}
	if (tcp_peek(tcp, app->conn, 0, &in) == 0 && tcp_read_ended(tcp, app->conn)) {
		/* The peer ends its direction when all of it was sent, and no byte is missing. */
		CHECK(sim.aborts || app->received == app->expected);
		app->ended = true;
	}
}

static void app_write(struct app *app, unsigned end)
{
	uint8_t  bytes[6000];
	uint32_t n = 1 + random_below(&sim.play, random_below(&sim.play, 2) == 0 ? 200 : 6000);

	if (n > app->to_send - app->sent)
		n = app->to_send - app->sent;
	if (random_below(&sim.play, 4) != 0) {
		uint32_t room = (uint32_t)tcp_send_room(sim.end[end].tcp, app->conn);

		n = n < room ? n : room;
	}
	bytes_make(app, end, bytes, n);
	app->sent += (uint32_t)tcp_send(sim.end[end].tcp, app->conn, bytes, n);
}

/* The server does not know what it has to send before the first byte has come. */
static bool knows_all(const struct app *app, unsigned end)
{
	return end == 0 || app->received > 0;
}

static void app_turn(struct app *app, unsigned end)
{
	if (sim.pauses && one_in_1000(&sim.play, 5))
		app->paused_us = rig_now.us + random_below(&sim.play, 4) * 500000 *
						      (1 + random_below(&sim.play, 20));
	if (rig_now.us >= app->paused_us && random_below(&sim.play, 3) != 0)
		app_read(app, end);
	if (app->sent < app->to_send && random_below(&sim.play, 3) != 0)
		app_write(app, end);
	if (sim.aborts && one_in_1000(&sim.play, 2)) {
		app->closing = true;
		tcp_close(sim.end[end].tcp, app->conn, true);
		return;
	}
	if (sim.half_closes && !app->our_end && knows_all(app, end) && app->sent == app->to_send &&
	    random_below(&sim.play, 3) == 0) {
		app->our_end = true;
		tcp_end(sim.end[end].tcp, app->conn);
		CHECK(tcp_send(sim.end[end].tcp, app->conn, "x", 1) == 0);
	}
	/* The client closes when it has everything; the server when it was told, or first when it
	 * has everything, by its stream. */
	if (app->sent == app->to_send && app->received == app->expected &&
	    (end == 0 || app->ended || (app->stream & 1))) {
		app->closing = true;
		tcp_close(sim.end[end].tcp, app->conn, false);
	}
}

/* false: none is left. */
static bool apps_turn(unsigned end)
{
	bool live = false;

	for (unsigned i = 0; i < APPS; i++) {
		struct app *app = &sim.apps[end][i];

		if (!app->open || app->closed)
			continue;
		live = true;
		if (!app->closing)
			app_turn(app, end);
	}
	return live;
}
