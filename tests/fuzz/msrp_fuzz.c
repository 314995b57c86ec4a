/*
 * Fuzz target: MSRP as a stream. The first byte says where the rest is cut in two; read at once,
 * cut and byte by byte it gives the same chunks, with work linear in the bytes; items point into
 * what was read; what a SEND says is written, and read again the same; paths are parsed within
 * themselves.
 */
#include <string.h>

#include "base/assert.h"
#include "sip/msrp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 16384u
#define ROOM (SIZE_MAX_IN + 4096u)

struct sum { /* what was read, and how it ended */
	uint64_t    heads, body, ends;
	size_t      read;
	enum pull   last;
	enum reason why;
};

static void mix(uint64_t *sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		*sum = (*sum ^ p[i]) * 0x100000001b3ull;
}

static void mix_str(uint64_t *sum, struct str s)
{
	mix(sum, &s.n, sizeof(s.n));
	mix(sum, s.p, s.n);
}

static void same(const struct msrp_head *a, const struct msrp_head *b)
{
	ASSERT(b->fault == REASON_NONE && b->method == MSRP_SEND && b->has_body == a->has_body);
	ASSERT(str_eq(a->transaction, b->transaction) && str_eq(a->to_path, b->to_path));
	ASSERT(str_eq(a->from_path, b->from_path) && str_eq(a->message_id, b->message_id));
	ASSERT(a->range.first == b->range.first && a->range.last == b->range.last);
	ASSERT(a->range.total == b->range.total);
}

static void write_again(const struct msrp_head *h)
{
	static uint8_t     room[ROOM];
	struct put         w = put_to(room, sizeof(room));
	struct msrp_reader r = {0};
	struct msrp_chunk  c;
	struct cur         in;
	enum reason        why;
	struct msrp_send   s = {h->transaction,
				h->to_path,
				h->from_path,
				h->message_id,
                              h->has_body ? h->content_type : STR(""),
				h->range,
				MSRP_CONTINUED};

	if (!msrp_send_put(&w, &s, NULL, 0) || w.failed)
		return; /* a control character in the Content-Type is not written */
	in = cur_of(room, put_size(&w));
	ASSERT(msrp_next(&r, &in, &c, &why) == PULL_ITEM && c.item == MSRP_ITEM_HEAD);
	same(h, &c.head);
	ASSERT(msrp_next(&r, &in, &c, &why) == PULL_ITEM && c.item == MSRP_ITEM_END);
	ASSERT(c.flag == MSRP_CONTINUED && cur_left(&in) == 0);
}

static void take(struct sum *sum, const struct msrp_chunk *c)
{
	const struct msrp_head *h = &c->head;

	switch (c->item) {
	case MSRP_ITEM_HEAD:
		mix(&sum->heads, &h->fault, sizeof(h->fault));
		mix_str(&sum->heads, h->transaction);
		mix_str(&sum->heads, h->to_path);
		mix_str(&sum->heads, h->from_path);
		mix(&sum->heads, &h->range, sizeof(h->range));
		if (h->fault == REASON_NONE && h->kind == MSRP_REQUEST && h->method == MSRP_SEND)
			write_again(h);
		break;
	case MSRP_ITEM_BODY:
		ASSERT(c->body.n > 0);
		mix(&sum->body, c->body.p, c->body.n);
		break;
	case MSRP_ITEM_END:
		mix(&sum->ends, &c->flag, sizeof(c->flag));
		break;
	}
}

/* In pieces of that many bytes, the first of `first`. */
static struct sum read_in(const uint8_t *data, size_t size, size_t first, size_t step)
{
	struct sum         sum = {.last = PULL_MORE};
	struct msrp_reader r = {0};
	struct msrp_chunk  c;

	for (size_t end = first < size ? first : size;;
	     end = size - end < step ? size : end + step) {
		struct cur in = cur_of(data + sum.read, end - sum.read);

		if (cur_left(&in) >= r.need || end == size) {
			while ((sum.last = msrp_next(&r, &in, &c, &sum.why)) == PULL_ITEM)
				take(&sum, &c);
			sum.read = (size_t)(in.p - data);
		}
		if (sum.last == PULL_BAD || end == size)
			break;
		ASSERT(sum.last == PULL_ITEM || r.need > 0);
	}
	ASSERT(r.steps <= 3 * size + 64);
	return sum;
}

static void paths(struct str text)
{
	struct msrp_uri first, last;

	if (!msrp_path_parse(text, &first, &last))
		return;
	ASSERT(first.text.p == text.p && last.text.p + last.text.n == text.p + text.n);
	ASSERT(first.host.text.n > 0 && first.transport.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, cut, bytes;

	if (size < 2 || size > SIZE_MAX_IN)
		return 0;
	whole = read_in(data + 1, size - 1, size - 1, size);
	cut = read_in(data + 1, size - 1, data[0], size);
	bytes = read_in(data + 1, size - 1, 1, 1);
	ASSERT(whole.heads == cut.heads && whole.body == cut.body && whole.ends == cut.ends);
	ASSERT(whole.heads == bytes.heads && whole.body == bytes.body && whole.ends == bytes.ends);
	ASSERT(whole.last == cut.last && whole.last == bytes.last);
	paths((struct str){(const char *)data + 1, size - 1});
	return 0;
}
