/*
 * WebSocket of a server (RFC 6455), for protocols whose items are whole messages of it: SIP (RFC
 * 7118), XMPP (RFC 7395). Bytes in, messages and bytes out: it lies between the bytes of a stream,
 * plain or out of TLS, and the feed() of a protocol, and knows neither. Pure: no memory of its own,
 * no clock; what a connection remembers between calls is struct ws_reader. Any thread.
 *
 * The handshake is one request of HTTP/1.1 (RFC 9112), of at most WS_REQUEST_SIZE_MAX bytes, to
 * any path: what is spoken is said by the subprotocol, which must be offered. Extensions are not
 * taken, so that no message is larger than the bytes that came for it. A browser says by Origin
 * whose page it shows; as nothing that a browser adds by itself lets anybody in here (no cookie, no
 * credentials of HTTP), all are taken unless the rules name some.
 *
 * Frames stay with the transport until the message is complete: fragments and what lies between
 * them take no memory here. A message is then unmasked into a room of the caller, fragment behind
 * fragment. So bytes lie with the transport as they came, and may be looked at again when they are
 * gathered anew. What that costs is bounded by WS_FRAMES_MAX and WS_RAW_SIZE_MAX.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/reason.h"
#include "base/str.h"

#define WS_REQUEST_SIZE_MAX 8192u
#define WS_ANSWER_SIZE_MAX 512u           /* bytes, of the answer to a request */
#define WS_MESSAGE_SIZE_MAX (64u * 1024u) /* payload of all its fragments */
#define WS_FRAMES_MAX 128u                /* of a message, and those of control between them */
#define WS_RAW_SIZE_MAX (96u * 1024u)     /* all of these with their heads */
#define WS_CONTROL_SIZE_MAX 125u          /* payload (5.5) */
#define WS_HEAD_SIZE_MAX 10u              /* of a frame of ours, which has no mask */
#define WS_CLOSE_FRAME_SIZE_MAX 127u

enum ws_pull { WS_MORE, WS_ITEM, WS_BAD };

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa
};

/* Of 7.4.1. */
#define WS_CODE_NORMAL 1000u
#define WS_CODE_GOING_AWAY 1001u
#define WS_CODE_PROTOCOL 1002u
#define WS_CODE_NONE 1005u /* a Close without one; never on the wire */
#define WS_CODE_TEXT 1007u
#define WS_CODE_POLICY 1008u
#define WS_CODE_SIZE 1009u
#define WS_CODE_LATER 1013u

struct ws_rules {
	struct str         subprotocol;
	const char *const *origins; /* as browsers write them, in any case; those of others are
				       refused */
	unsigned origin_count;      /* 0: any */
};

/* Of one connection; zeroed at first. */
struct ws_reader {
	uint32_t seen; /* bytes from the start of the unread ones: of the request, that hold no end
			  of it; then, whole frames that were looked at */
	uint32_t need; /* WS_MORE: bytes from there without which to call again is useless */
	uint32_t size; /* payload of the message that is open */
	uint8_t  frames; /* since its first */
	uint8_t  opcode; /* of it; WS_CONTINUATION: none is open */
};

/*
 * The request of the handshake. MORE: nothing consumed. ITEM: consumed, *answer has the 101. BAD:
 * *answer has what refuses it, *why says why; the connection is over. The answer has room for
 * WS_ANSWER_SIZE_MAX. What is no request of HTTP is refused as soon as that is known.
 */
enum ws_pull ws_request_next(struct ws_reader *r, struct cur *in, const struct ws_rules *rules,
			     struct put *answer, enum reason *why);

struct ws_item {
	enum ws_opcode opcode; /* TEXT or BINARY: a message; CLOSE, PING, PONG */
	uint32_t       size;   /* its payload */
	uint32_t       code;   /* CLOSE: as it came, or WS_CODE_NONE */
	struct cur     raw;    /* of a message: its frames, for ws_message_take() */
	uint8_t        control[WS_CONTROL_SIZE_MAX]; /* payload of the others, unmasked */
};

/*
 * The next item, after the handshake. MORE: nothing consumed. ITEM: of control, dealt with (what
 * lies between fragments stays, and is not given again); a message, nothing consumed: it is given
 * again until ws_message_done(). BAD: *why; send Close with ws_close_code() and close.
 * Limits are checked before more bytes are waited for.
 */
enum ws_pull ws_frame_next(struct ws_reader *r, struct cur *in, struct ws_item *item,
			   enum reason *why);
/* The payload of a message into room for item->size bytes. False: text that is no UTF-8 (8.1):
 * REASON_WS_TEXT. */
bool ws_message_take(const struct ws_item *item, uint8_t *room);
void ws_message_done(struct ws_reader *r, struct cur *in, const struct ws_item *item);

/* ---- frames of ours: never masked ---- */

/* The head of a frame with so many bytes of payload; last: of its message. */
void ws_head_put(struct put *w, enum ws_opcode opcode, bool last, size_t n);
/* TEXT where the bytes are that, which is what browsers read most easily, else BINARY. */
enum ws_opcode ws_opcode_of(const void *bytes, size_t n);
void ws_close_put(struct put *w, unsigned code, struct str text); /* text: cut where it is long */
unsigned ws_close_code(enum reason why);
