/* WebSockets: between the bytes of a stream and the messages of a session. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "ws/ws.h"

#include "ask.h"
#include "conn_private.h"
#include "pages.h"
#include "worker.h"

struct conn_ws {
	struct ws_reader       reader;
	const struct listener *listener;
	uint32_t               fed;         /* bytes of its message that the session has taken */
	bool                   open, ended; /* the handshake is done; nothing more is written */
	bool                   midway; /* a message of ours has had fragments, and not the last */
};

static_assert(WS_HEAD_SIZE_MAX <= sizeof(struct out_datagram),
	      "a message takes no more of the stream than of the room that it is written to");
static_assert(WS_RAW_SIZE_MAX <= CONN_BUFFER_MAX && WS_REQUEST_SIZE_MAX <= CONN_BUFFER_MAX,
	      "what is waited for fits in the receive window");

int conn_ws_init(struct conns *cs)
{
	cs->ws = pages_new(cs->max * sizeof(cs->ws[0]));
	cs->ws_room = malloc(WS_MESSAGE_SIZE_MAX);
	return cs->ws != NULL && cs->ws_room != NULL ? 0 : -ENOMEM;
}

void conn_ws_free(struct conns *cs)
{
	pages_free(cs->ws, cs->max * sizeof(cs->ws[0]));
	free(cs->ws_room);
}

void conn_ws_begin(struct worker *w, struct conn *c, const struct listener *l)
{
	c->ws = &w->conns.ws[conn_index(w, c)];
	*c->ws = (struct conn_ws){.listener = l};
}

/* Twice as much is kept free as a session may write: frames have heads, and its messages may say
 * more than it wrote (ops->message). */
size_t conn_ws_send_room(struct worker *w, const struct conn *c)
{
	return tcp_send_room(w->tcp, c->tcp) / (CONN_WS_SEND_MAX / CONN_BUFFER_MAX);
}

static bool send_head(struct worker *w, struct conn *c, enum ws_opcode opcode, bool last, size_t n)
{
	uint8_t    head[WS_HEAD_SIZE_MAX];
	struct put room = put_to(head, sizeof(head));

	ws_head_put(&room, opcode, last, n);
	return conn_send_bytes(w, c, head, put_size(&room));
}

static bool send_frame(struct worker *w, struct conn *c, enum ws_opcode opcode, const void *payload,
		       size_t n)
{
	return send_head(w, c, opcode, true, n) && (n == 0 || conn_send_bytes(w, c, payload, n));
}

static void send_marked(struct worker *w, struct conn *c, struct cur written)
{
	struct flow to;
	struct cur  bytes;

	while (out_datagram_next(&written, &to, &bytes)) {
		size_t n = cur_left(&bytes);

		metric_inc(w->metrics, METRIC_websocket_messages_out);
		if (!send_frame(w, c, ws_opcode_of(bytes.p, n), bytes.p, n))
			return;
	}
}

/* Of what is written by halves each half is a fragment. */
static bool send_piece(struct worker *w, struct conn *c, const struct proto_piece *piece)
{
	enum ws_opcode opcode = c->ws->midway ? WS_CONTINUATION : WS_TEXT;
	size_t         n = 0;

	for (unsigned i = 0; i < PROTO_PIECE_PARTS; i++)
		n += piece->parts[i].n;
	if (n == 0 && !c->ws->midway)
		return true;
	c->ws->midway = !piece->last;
	metric_add(w->metrics, METRIC_websocket_messages_out, piece->last);
	if (!send_head(w, c, opcode, piece->last, n))
		return false;
	for (unsigned i = 0; i < PROTO_PIECE_PARTS; i++) {
		if (piece->parts[i].n > 0 &&
		    !conn_send_bytes(w, c, piece->parts[i].p, piece->parts[i].n))
			return false;
	}
	return true;
}

void conn_ws_send(struct worker *w, struct conn *c, const struct out *out)
{
	struct cur         written = cur_of(out->put.start, put_size(&out->put));
	struct proto_piece piece;

	if (!c->ws->open || c->ws->ended)
		return;
	if (c->ops->message == NULL) {
		send_marked(w, c, written);
		return;
	}
	while (cur_left(&written) > 0) {
		piece = (struct proto_piece){.last = true};
		c->ops->message(c->session, &written, &piece);
		if (!send_piece(w, c, &piece))
			return;
	}
}

static void send_close(struct worker *w, struct conn *c, unsigned code, struct str text)
{
	uint8_t    frame[WS_CLOSE_FRAME_SIZE_MAX];
	struct put room = put_to(frame, sizeof(frame));

	if (c->ws->open && !c->ws->ended) {
		ws_close_put(&room, code, text);
		conn_send_bytes(w, c, frame, put_size(&room));
	}
	c->ws->ended = true;
}

void conn_ws_end(struct worker *w, struct conn *c, enum reason why)
{
	send_close(w, c, ws_close_code(why), str_of(reason_text(why)));
}

/* Its session says no more: whoever breaks the framing is told so alone. */
static bool fail(struct worker *w, struct conn *c, enum reason why)
{
	conn_ws_end(w, c, why);
	conn_close(w, c, why);
	return false;
}

static bool shake_hands(struct worker *w, struct conn *c, struct cur *in)
{
	const struct conf_list *origins = &c->ws->listener->conf->origins;
	const struct ws_rules   rules = {.subprotocol = str_of(c->ops->subprotocol),
					 .origins = (const char *const *)origins->items,
					 .origin_count = origins->n};
	char                    answer[WS_ANSWER_SIZE_MAX];
	struct put              room = put_to(answer, sizeof(answer));
	enum reason             why;
	enum ws_pull            pull = ws_request_next(&c->ws->reader, in, &rules, &room, &why);

	ASSERT(!room.failed);
	if (pull == WS_MORE) {
		c->need = c->ws->reader.need;
		return true;
	}
	c->need = 1;
	conn_send_bytes(w, c, answer, put_size(&room));
	if (pull == WS_BAD) {
		metric_inc(w->metrics, METRIC_websockets_refused);
		return fail(w, c, why);
	}
	metric_inc(w->metrics, METRIC_websockets_opened);
	c->ws->open = true;
	return true;
}

static bool on_control(struct worker *w, struct conn *c, const struct ws_item *item)
{
	if (item->opcode == WS_PING) {
		metric_inc(w->metrics, METRIC_websocket_pings_in);
		send_frame(w, c, WS_PONG, item->control, item->size);
		return true;
	}
	if (item->opcode == WS_PONG)
		return true;
	send_close(w, c, item->code, STR(""));
	conn_read_ended(w, c);
	return false;
}

/* What the session leaves of it comes again, unless it asks for more: a message is whole. */
static bool on_message(struct worker *w, struct conn *c, struct cur *in, const struct ws_item *item,
		       unsigned *items)
{
	struct conn_ws *ws = c->ws;
	struct cur      message = cur_of(w->conns.ws_room, item->size);

	if (!conn_may_read(w, c)) {
		*items = CONN_ITEMS_PER_TURN;
		return true;
	}
	if (!ws_message_take(item, w->conns.ws_room))
		return fail(w, c, REASON_WS_TEXT);
	cur_bytes(&message, ws->fed);
	if (cur_left(&message) > 0 && !conn_feed(w, c, &message, items))
		return false;
	ws->fed = item->size - (uint32_t)cur_left(&message);
	if (cur_left(&message) > 0 &&
	    (c->waits || *items >= CONN_ITEMS_PER_TURN || c->asked >= ASKS_SESSION_MAX))
		return true;
	metric_inc(w->metrics, METRIC_websocket_messages_in);
	ws->fed = 0;
	c->need = 1;
	ws_message_done(&ws->reader, in, item);
	return true;
}

bool conn_ws_feed(struct worker *w, struct conn *c, struct cur *in, unsigned *items)
{
	if (!c->ws->open)
		return shake_hands(w, c, in);
	while (*items < CONN_ITEMS_PER_TURN && c->asked < ASKS_SESSION_MAX && !c->waits) {
		struct ws_item item;
		enum reason    why;

		c->need = 1;
		if (conn_send_room(w, c) < CONN_ANSWER_ROOM) {
			*items = CONN_ITEMS_PER_TURN;
			return true;
		}
		switch (ws_frame_next(&c->ws->reader, in, &item, &why)) {
		case WS_MORE:
			c->need = c->ws->reader.need;
			return true;
		case WS_BAD:
			return fail(w, c, why);
		case WS_ITEM:
			break;
		}
		(*items)++;
		if (item.opcode == WS_TEXT || item.opcode == WS_BINARY
			    ? !on_message(w, c, in, &item, items)
			    : !on_control(w, c, &item))
			return false;
	}
	return true;
}
