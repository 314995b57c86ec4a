/*
 * Fuzz target: the handshake of a WebSocket and its frames. The first byte says which (bit 0), and
 * how the rest is cut. Cut or whole, what comes out is the same; need never asks for nothing;
 * limits hold, and a good request has the answer 101.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ws/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ITEMS_MAX 1024u

struct run { /* all that came of one input */
	uint64_t    digest;
	unsigned    items;
	enum reason why;
	bool        bad;
};

static uint8_t room[WS_MESSAGE_SIZE_MAX];

static void see(struct run *run, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run->digest = (run->digest ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
	run->digest = (run->digest ^ n) * 1099511628211u;
}

static void see_item(struct run *run, struct ws_reader *r, struct cur *in,
		     const struct ws_item *item)
{
	run->items++;
	see(run, &item->opcode, sizeof(item->opcode));
	if (item->opcode != WS_TEXT && item->opcode != WS_BINARY) {
		ASSERT(item->size <= WS_CONTROL_SIZE_MAX);
		see(run, item->control, item->size);
		return;
	}
	ASSERT(item->size <= WS_MESSAGE_SIZE_MAX && cur_left(&item->raw) <= WS_RAW_SIZE_MAX);
	if (!ws_message_take(item, room)) {
		run->bad = true;
		run->why = REASON_WS_TEXT;
		return;
	}
	if (item->opcode == WS_TEXT)
		ASSERT(ws_opcode_of(room, item->size) == WS_TEXT);
	see(run, room, item->size);
	ws_message_done(r, in, item);
}

/* The input in pieces, each with all that was not consumed before it. */
static struct run run_frames(const uint8_t *data, size_t size, size_t piece)
{
	struct run       run = {.digest = 14695981039346656037u};
	struct ws_reader r = {0};
	size_t           start = 0, given = 0;

	while (given < size && !run.bad && run.items < ITEMS_MAX) {
		uint8_t       *exact;
		struct cur     in;
		struct ws_item item;
		enum ws_pull   pull;

		given = size - given < piece ? size : given + piece;
		exact = malloc(given - start + 1);
		memcpy(exact, data + start, given - start);
		in = cur_of(exact, given - start);
		while (!run.bad && run.items < ITEMS_MAX &&
		       (pull = ws_frame_next(&r, &in, &item, &run.why)) != WS_MORE) {
			if (pull == WS_ITEM)
				see_item(&run, &r, &in, &item);
			run.bad |= pull == WS_BAD;
		}
		if (!run.bad && run.items < ITEMS_MAX)
			ASSERT(r.need > cur_left(&in) && r.need <= WS_RAW_SIZE_MAX);
		start += (size_t)(in.p - exact);
		free(exact);
	}
	return run;
}

static struct run run_request(const uint8_t *data, size_t size, size_t piece)
{
	static const char *const origins[] = {"http://a.example"};
	const struct ws_rules    rules = {
		   .subprotocol = STR("sip"), .origins = origins, .origin_count = size % 2};
	struct run       run = {.digest = 14695981039346656037u};
	struct ws_reader r = {0};

	for (size_t given = 0; given < size && !run.bad && run.items == 0;) {
		char         answer[WS_ANSWER_SIZE_MAX];
		struct put   w = put_to(answer, sizeof(answer));
		uint8_t     *exact;
		struct cur   in;
		enum ws_pull pull;

		given = size - given < piece ? size : given + piece;
		exact = malloc(given);
		memcpy(exact, data, given);
		in = cur_of(exact, given);
		pull = ws_request_next(&r, &in, &rules, &w, &run.why);
		ASSERT(!w.failed && (pull == WS_MORE) == (put_size(&w) == 0));
		if (pull == WS_ITEM)
			ASSERT(memcmp(answer, "HTTP/1.1 101 ", 13) == 0);
		if (pull == WS_MORE)
			ASSERT(in.p == exact && r.need > given && given < WS_REQUEST_SIZE_MAX);
		run.items += pull == WS_ITEM;
		run.bad = pull == WS_BAD;
		see(&run, answer, put_size(&w));
		if (pull == WS_MORE)
			run.digest = 14695981039346656037u;
		free(exact);
	}
	return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, cut;
	size_t     piece;

	if (size < 2)
		return 0;
	piece = 1 + (data[0] >> 1);
	if (data[0] & 1) {
		whole = run_frames(data + 1, size - 1, size);
		cut = run_frames(data + 1, size - 1, piece);
	} else {
		whole = run_request(data + 1, size - 1, size);
		cut = run_request(data + 1, size - 1, piece);
	}
	ASSERT(whole.bad == cut.bad && whole.items == cut.items && whole.digest == cut.digest);
	ASSERT(!whole.bad || whole.why == cut.why);
	return 0;
}
