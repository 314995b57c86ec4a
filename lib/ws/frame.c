/* Frames (RFC 6455, 5). */
#include "ws/ws.h"

#include "base/assert.h"
#include "base/utf8.h"

#define FIN 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0fu
#define MASKED 0x80u
#define LENGTH 0x7fu
#define LENGTH_16 126u
#define LENGTH_64 127u
#define IS_CONTROL 0x08u
#define MASK_SIZE 4u

struct frame {
	bool           fin;
	enum ws_opcode opcode;
	uint64_t       size;
	uint32_t       head; /* bytes before the payload */
	uint8_t        mask[MASK_SIZE];
};

static uint64_t length_read(struct cur *c, uint8_t second)
{
	switch (second & LENGTH) {
	case LENGTH_16:
		return cur_be16(c);
	case LENGTH_64:
		return cur_be64(c);
	default:
		return second & LENGTH;
	}
}

/* 5.2: the fewest bytes that hold it, and no sign. */
static bool is_minimal(uint8_t second, uint64_t size)
{
	switch (second & LENGTH) {
	case LENGTH_16:
		return size >= LENGTH_16;
	case LENGTH_64:
		return size > UINT16_MAX && size >> 63 == 0;
	default:
		return true;
	}
}

/* What the first two bytes say. */
static enum reason kind_check(const struct ws_reader *r, uint8_t first, uint8_t second)
{
	if ((second & MASKED) == 0)
		return REASON_WS_UNMASKED;
	if ((first & RESERVED) != 0)
		return REASON_WS_FRAME; /* no extension is in use */
	switch (first & OPCODE) {
	case WS_CONTINUATION:
		return r->opcode != WS_CONTINUATION ? REASON_NONE : REASON_WS_FRAME;
	case WS_TEXT:
	case WS_BINARY:
		return r->opcode == WS_CONTINUATION ? REASON_NONE : REASON_WS_FRAME;
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG: /* 5.5 */
		return (first & FIN) != 0 && (second & LENGTH) <= WS_CONTROL_SIZE_MAX
			       ? REASON_NONE
			       : REASON_WS_FRAME;
	default:
		return REASON_WS_FRAME;
	}
}

static enum reason size_check(const struct ws_reader *r, const struct frame *f)
{
	bool control = (f->opcode & IS_CONTROL) != 0;

	if (r->frames >= WS_FRAMES_MAX || f->size > WS_MESSAGE_SIZE_MAX ||
	    (!control && r->size + f->size > WS_MESSAGE_SIZE_MAX) ||
	    r->seen + f->head + f->size > WS_RAW_SIZE_MAX)
		return REASON_WS_SIZE;
	return REASON_NONE;
}

static enum ws_pull more(struct ws_reader *r, size_t need)
{
	r->need = (uint32_t)need;
	return WS_MORE;
}

static enum ws_pull bad(enum reason *why, enum reason what)
{
	*why = what;
	return WS_BAD;
}

/* The head of the frame at c. ITEM: all of the frame is there. */
static enum ws_pull head_read(struct ws_reader *r, struct cur *c, struct frame *f, enum reason *why)
{
	const uint8_t *start = c->p, *mask;
	size_t         left = cur_left(c);
	uint8_t        first = cur_u8(c), second = cur_u8(c);
	enum reason    fault;

	if (c->failed)
		return more(r, r->seen + 2);
	fault = kind_check(r, first, second);
	if (fault != REASON_NONE)
		return bad(why, fault);
	*f = (struct frame){.fin = (first & FIN) != 0, .opcode = first & OPCODE};
	f->size = length_read(c, second);
	if (c->failed)
		return more(r, r->seen + ((second & LENGTH) == LENGTH_16 ? 4 : 10));
	if (!is_minimal(second, f->size))
		return bad(why, REASON_WS_FRAME);
	f->head = (uint32_t)(c->p - start) + MASK_SIZE;
	fault = size_check(r, f);
	if (fault != REASON_NONE)
		return bad(why, fault);
	if (left < f->head + f->size)
		return more(r, r->seen + f->head + f->size);
	mask = cur_bytes(c, MASK_SIZE);
	memcpy(f->mask, mask, MASK_SIZE);
	return WS_ITEM;
}

/* 5.3, eight bytes at a time: the mask begins anew with each frame. */
static void unmask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[MASK_SIZE])
{
	uint64_t key, word;
	size_t   at = 0;

	memcpy(&key, mask, MASK_SIZE);
	memcpy((uint8_t *)&key + MASK_SIZE, mask, MASK_SIZE);
	for (; at + sizeof(word) <= n; at += sizeof(word)) {
		memcpy(&word, from + at, sizeof(word));
		word ^= key;
		memcpy(to + at, &word, sizeof(word));
	}
	for (; at < n; at++)
		to[at] = from[at] ^ mask[at % MASK_SIZE];
}

static bool is_utf8(const uint8_t *bytes, size_t n)
{
	struct cur c = cur_of(bytes, n);

	while (cur_left(&c) > 0) {
		uint64_t word;

		if (cur_left(&c) >= sizeof(word)) { /* most text is ASCII */
			memcpy(&word, c.p, sizeof(word));
			if ((word & 0x8080808080808080ull) == 0) {
				cur_bytes(&c, sizeof(word));
				continue;
			}
		}
		utf8_next(&c);
	}
	return !c.failed;
}

/* 7.4: those that may stand in a frame. */
static bool is_code(uint32_t code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

static enum reason close_read(struct ws_item *item)
{
	struct cur c = cur_of(item->control, item->size);

	item->code = WS_CODE_NONE;
	if (item->size == 0)
		return REASON_NONE;
	item->code = cur_be16(&c);
	if (c.failed || !is_code(item->code))
		return REASON_WS_FRAME;
	return is_utf8(c.p, cur_left(&c)) ? REASON_NONE : REASON_WS_TEXT;
}

/* Before a message it is consumed, within one only passed over. */
static enum ws_pull control_give(struct ws_reader *r, struct cur *in, const struct frame *f,
				 struct cur *payload, struct ws_item *item, enum reason *why)
{
	enum reason fault;

	item->opcode = f->opcode;
	item->size = (uint32_t)f->size;
	unmask(item->control, cur_bytes(payload, f->size), f->size, f->mask);
	if (r->opcode == WS_CONTINUATION) {
		cur_bytes(in, f->head + f->size);
	} else {
		r->seen += f->head + (uint32_t)f->size;
		r->frames++;
	}
	fault = f->opcode == WS_CLOSE ? close_read(item) : REASON_NONE;
	return fault == REASON_NONE ? WS_ITEM : bad(why, fault);
}

enum ws_pull ws_frame_next(struct ws_reader *r, struct cur *in, struct ws_item *item,
			   enum reason *why)
{
	for (;;) {
		struct cur   c = *in;
		struct frame f;
		enum ws_pull pull;

		if (cur_bytes(&c, r->seen) == NULL)
			return more(r, r->seen + 2);
		pull = head_read(r, &c, &f, why);
		if (pull != WS_ITEM)
			return pull;
		if ((f.opcode & IS_CONTROL) != 0)
			return control_give(r, in, &f, &c, item, why);
		if (f.fin) {
			item->opcode = r->opcode != WS_CONTINUATION ? r->opcode : f.opcode;
			item->size = r->size + (uint32_t)f.size;
			item->raw = cur_of(in->p, r->seen + f.head + f.size);
			return WS_ITEM;
		}
		if (r->opcode == WS_CONTINUATION)
			r->opcode = (uint8_t)f.opcode;
		r->seen += f.head + (uint32_t)f.size;
		r->size += (uint32_t)f.size;
		r->frames++;
	}
}

bool ws_message_take(const struct ws_item *item, uint8_t *room)
{
	/* What the heads are checked by when they are read again: nothing is new in them. */
	struct ws_reader again = {.opcode = WS_CONTINUATION};
	struct cur       c = item->raw;
	size_t           at = 0;

	while (cur_left(&c) > 0) {
		struct frame f;
		enum reason  why;

		if (head_read(&again, &c, &f, &why) != WS_ITEM)
			ASSERT(false);
		if ((f.opcode & IS_CONTROL) == 0) {
			ASSERT(f.size <= item->size - at);
			unmask(room + at, c.p, f.size, f.mask);
			at += f.size;
			again.opcode = item->opcode;
		}
		cur_bytes(&c, f.size);
	}
	ASSERT(at == item->size);
	return item->opcode == WS_BINARY || is_utf8(room, at);
}

void ws_message_done(struct ws_reader *r, struct cur *in, const struct ws_item *item)
{
	cur_bytes(in, cur_left(&item->raw));
	*r = (struct ws_reader){.opcode = WS_CONTINUATION};
}

void ws_head_put(struct put *w, enum ws_opcode opcode, bool last, size_t n)
{
	put_u8(w, (uint8_t)((last ? FIN : 0) | opcode));
	if (n < LENGTH_16) {
		put_u8(w, (uint8_t)n);
	} else if (n <= UINT16_MAX) {
		put_u8(w, LENGTH_16);
		put_be16(w, (uint16_t)n);
	} else {
		put_u8(w, LENGTH_64);
		put_be64(w, n);
	}
}

enum ws_opcode ws_opcode_of(const void *bytes, size_t n)
{
	return is_utf8(bytes, n) ? WS_TEXT : WS_BINARY;
}

void ws_close_put(struct put *w, unsigned code, struct str text)
{
	size_t n = text.n < WS_CONTROL_SIZE_MAX - 2 ? text.n : WS_CONTROL_SIZE_MAX - 2;

	ASSERT(is_code(code) || code == WS_CODE_NONE);
	if (code == WS_CODE_NONE) { /* none is told by saying none */
		ws_head_put(w, WS_CLOSE, true, 0);
		return;
	}
	ws_head_put(w, WS_CLOSE, true, 2 + n);
	put_be16(w, (uint16_t)code);
	put_bytes(w, text.p, n);
}

unsigned ws_close_code(enum reason why)
{
	static const struct {
		enum reason why;
		unsigned    code;
	} codes[] = {
		{REASON_WS_TEXT, WS_CODE_TEXT},        {REASON_WS_SIZE, WS_CODE_SIZE},
		{REASON_SHUTDOWN, WS_CODE_GOING_AWAY}, {REASON_POOL, WS_CODE_LATER},
		{REASON_BIND_TIMEOUT, WS_CODE_POLICY}, {REASON_INACTIVITY, WS_CODE_POLICY},
		{REASON_WS_FRAME, WS_CODE_PROTOCOL},   {REASON_WS_UNMASKED, WS_CODE_PROTOCOL},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].why == why)
			return codes[i].code;
	}
	return WS_CODE_NORMAL;
}
