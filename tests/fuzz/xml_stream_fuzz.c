/*
 * Fuzz target: the framing of XML streams and the reader of its items. The first byte says how the
 * rest is cut; cut and whole give the same items, a byte is looked at a bounded number of times,
 * and what is read out of an item lies in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "xml/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_IN 16384u
#define ITEM_MAX 4096u

struct items {
	struct {
		enum xml_frame_item kind;
		size_t              end;
	} item[SIZE_MAX_IN];
	unsigned       n;
	enum xml_fault fault;
};

static char room[SIZE_MAX_IN];

/* What a tape gives is what was read. */
static void read_again(const struct xml *x, enum xml_token t, struct xml *again)
{
	ASSERT(xml_next(again) == t && again->bad == x->bad);
	if (t == XML_BAD || t == XML_DONE)
		return;
	ASSERT(again->depth == x->depth);
	if (t == XML_TEXT)
		ASSERT(again->text.p == x->text.p && again->text.n == x->text.n);
	else
		ASSERT(again->name.local.p == x->name.local.p &&
		       again->name.prefix.n == x->name.prefix.n && again->space.p == x->space.p);
	ASSERT(t != XML_START || again->attributes == x->attributes);
	for (unsigned i = 0; t == XML_START && i < x->attributes; i++)
		ASSERT(memcmp(&again->attribute[i], &x->attribute[i], sizeof(x->attribute[i])) ==
		       0);
}

static void read_twice(struct str item, const struct xml_scope *scope)
{
	static struct xml_tape tape;
	struct xml             x, again;
	enum xml_token         t;

	xml_tape_begin(&tape);
	xml_child_open(&x, item, scope);
	do {
		t = xml_next(&x);
		xml_tape_keep(&tape, &x, t);
	} while (t != XML_DONE && t != XML_BAD);
	if (tape.full)
		return;
	xml_child_open(&x, item, scope);
	xml_tape_read(&again, &tape);
	do {
		t = xml_next(&x);
		read_again(&x, t, &again);
	} while (t != XML_DONE && t != XML_BAD);
}

static void read_child(struct str item, const struct xml_scope *scope)
{
	struct xml     x;
	enum xml_token t;
	size_t         count = 0;

	read_twice(item, scope);
	xml_child_open(&x, item, scope);
	while ((t = xml_next(&x)) != XML_DONE && t != XML_BAD) {
		struct put w = put_to(room, sizeof(room));

		ASSERT(++count <= item.n && x.depth <= XML_DEPTH_MAX);
		if (t == XML_TEXT)
			xml_text_put(&w, x.text);
		ASSERT(!w.failed);
		for (unsigned i = 0; t == XML_START && i < x.attributes; i++) {
			struct str value = x.attribute[i].value;

			w = put_to(room, sizeof(room));
			xml_value_put(&w, value);
			ASSERT(!w.failed && put_size(&w) <= value.n);
		}
	}
}

static void note(struct items *items, enum xml_frame_item kind, size_t end)
{
	if (kind == XML_FRAME_SPACE && items->n > 0 &&
	    items->item[items->n - 1].kind == XML_FRAME_SPACE)
		items->n--;
	ASSERT(items->n < SIZE_MAX_IN);
	items->item[items->n].kind = kind;
	items->item[items->n++].end = end;
}

static void frame(const uint8_t *data, size_t size, size_t step, struct items *items)
{
	struct xml_frame    f = {0};
	struct xml_scope    scope = {0};
	struct xml          x;
	size_t              from = 0, to = 0;
	enum xml_frame_item kind = XML_FRAME_MORE;
	struct str          item;

	items->n = 0;
	while (kind != XML_FRAME_BAD && (kind != XML_FRAME_MORE || to < size)) {
		uint8_t   *copy;
		struct cur in;

		to = kind != XML_FRAME_MORE ? to : to + step < size ? to + step : size;
		copy = malloc(to - from + 1);
		memcpy(copy, data + from, to - from);
		in = cur_of(copy, to - from);
		kind = xml_frame_next(&f, &in, ITEM_MAX, &item);
		if (kind == XML_FRAME_MORE)
			ASSERT(f.seen + XML_FRAME_AGAIN >= to - from && f.seen <= to - from);
		else if (kind != XML_FRAME_BAD)
			note(items, kind, from + (size_t)(in.p - copy));
		ASSERT(kind == XML_FRAME_SPACE || kind == XML_FRAME_MORE ||
		       (kind == XML_FRAME_BAD) == (f.fault != XML_FAULT_NONE));
		if (kind == XML_FRAME_OPEN && xml_root_open(&x, item, &scope) != XML_FAULT_NONE)
			scope = (struct xml_scope){0};
		else if (kind == XML_FRAME_CHILD)
			read_child(item, &scope);
		else if (kind == XML_FRAME_CLOSE)
			xml_root_closes(&scope, item);
		from += (size_t)(in.p - copy);
		free(copy);
	}
	items->fault = (enum xml_fault)f.fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct items whole, cut;

	if (size == 0 || size > SIZE_MAX_IN)
		return 0;
	frame(data + 1, size - 1, size, &whole);
	frame(data + 1, size - 1, 1 + data[0] % 64, &cut);
	/* Of two faults that which comes first in the bytes that are there is found. */
	ASSERT(whole.n == cut.n &&
	       (whole.fault != XML_FAULT_NONE) == (cut.fault != XML_FAULT_NONE));
	for (unsigned i = 0; i < whole.n; i++)
		ASSERT(whole.item[i].kind == cut.item[i].kind &&
		       whole.item[i].end == cut.item[i].end);
	return 0;
}
