/* Frames: the examples of RFC 6455, 5.7, with masks where clients have them, every way to cut them,
 * and what is refused. */
#include "test.h"

#include "base/random.h"
#include "ws/ws.h"

#define ROOM (256u * 1024u)
#define ROUNDS 20000u

static uint8_t wire[ROOM]; /* of a client */
static size_t  wire_size;
static uint8_t room[WS_MESSAGE_SIZE_MAX];

static void wire_reset(void)
{
	wire_size = 0;
}

/* A frame with a length of so many bytes (0: the least), masked; of one over the limit its head. */
static void frame_sized(unsigned first, const void *payload, uint64_t n, unsigned length_size,
			uint32_t mask)
{
	struct put w = put_to(wire + wire_size, sizeof(wire) - wire_size);
	uint8_t    key[4];

	if (length_size == 0)
		length_size = n < 126 ? 1 : n <= UINT16_MAX ? 3 : 9;
	put_u8(&w, (uint8_t)first);
	put_u8(&w, (uint8_t)(0x80 | (length_size == 1 ? n : length_size == 3 ? 126 : 127)));
	if (length_size == 3)
		put_be16(&w, (uint16_t)n);
	if (length_size == 9)
		put_be64(&w, n);
	put_be32(&w, mask);
	memcpy(key, w.p - 4, 4);
	for (uint64_t i = 0; i < n && n <= WS_MESSAGE_SIZE_MAX; i++)
		put_u8(&w, ((const uint8_t *)payload)[i] ^ key[i % 4]);
	wire_size += put_size(&w);
}

static void frame(unsigned first, const void *payload, size_t n)
{
	frame_sized(first, payload, n, 0, 0x37fa213d);
}

static enum ws_pull next(struct ws_reader *r, struct cur *in, struct ws_item *item,
			 enum reason *why)
{
	*why = REASON_NONE;
	return ws_frame_next(r, in, item, why);
}

/* All that is on the wire comes at once; the first item. */
static void assert_refused(enum reason why)
{
	uint8_t         *exact = test_copy(wire, wire_size);
	struct cur       in = cur_of(exact, wire_size);
	struct ws_reader r = {0};
	struct ws_item   item;
	enum reason      is;
	enum ws_pull     pull;

	while ((pull = next(&r, &in, &item, &is)) == WS_ITEM) {
		if (item.opcode != WS_PING)
			break;
	}
	if (pull == WS_ITEM) {
		assert_int_equal(why, REASON_WS_TEXT);
		assert_false(ws_message_take(&item, room));
	} else {
		assert_int_equal(pull, WS_BAD);
		assert_string_equal(reason_name(is), reason_name(why));
	}
	free(exact);
	wire_reset();
}

static void assert_message(struct ws_reader *r, struct cur *in, enum ws_opcode opcode,
			   const void *payload, size_t n)
{
	struct ws_item item;
	enum reason    why;

	assert_int_equal(next(r, in, &item, &why), WS_ITEM);
	assert_int_equal(item.opcode, opcode);
	assert_int_equal(item.size, n);
	assert_true(ws_message_take(&item, room));
	assert_memory_equal(room, payload, n);
	ws_message_done(r, in, &item);
}

static void the_examples_of_the_standard_are_read(void **state)
{
	static const uint8_t hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
					0x7f, 0x9f, 0x4d, 0x51, 0x58};
	static const uint8_t pong[] = {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d,
				       0x7f, 0x9f, 0x4d, 0x51, 0x58};
	struct ws_reader     r = {0};
	struct cur           in = cur_of(hello, sizeof(hello));
	struct ws_item       item;
	enum reason          why;

	(void)state;
	assert_message(&r, &in, WS_TEXT, "Hello", 5);
	in = cur_of(pong, sizeof(pong));
	assert_int_equal(next(&r, &in, &item, &why), WS_ITEM);
	assert_int_equal(item.opcode, WS_PONG);
	assert_memory_equal(item.control, "Hello", item.size);
	assert_int_equal(cur_left(&in), 0);
}

static void the_examples_of_the_standard_are_written(void **state)
{
	static const struct {
		size_t  n;
		uint8_t head[WS_HEAD_SIZE_MAX];
		size_t  size;
	} heads[] = {
		{5, {0x82, 0x05}, 2},
		{125, {0x82, 125}, 2},
		{126, {0x82, 126, 0, 126}, 4},
		{256, {0x82, 0x7e, 0x01, 0x00}, 4},
		{65535, {0x82, 0x7e, 0xff, 0xff}, 4},
		{65536, {0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}, 10},
	};
	uint8_t    bytes[WS_CLOSE_FRAME_SIZE_MAX];
	char       text[200];
	struct put w;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		w = put_to(bytes, WS_HEAD_SIZE_MAX);
		ws_head_put(&w, WS_BINARY, true, heads[i].n);
		assert_int_equal(put_size(&w), heads[i].size);
		assert_memory_equal(bytes, heads[i].head, heads[i].size);
	}
	w = put_to(bytes, sizeof(bytes));
	ws_head_put(&w, WS_TEXT, false, 3);
	ws_head_put(&w, WS_CONTINUATION, true, 2);
	assert_memory_equal(bytes, "\x01\x03\x80\x02", 4);
	w = put_to(bytes, sizeof(bytes));
	ws_close_put(&w, WS_CODE_PROTOCOL, STR("no"));
	assert_int_equal(put_size(&w), 6);
	assert_memory_equal(bytes, "\x88\x04\x03\xeano", 6);
	w = put_to(bytes, sizeof(bytes));
	ws_close_put(&w, WS_CODE_NONE, STR("no"));
	assert_int_equal(put_size(&w), 2);
	assert_memory_equal(bytes, "\x88\x00", 2);
	memset(text, 'a', sizeof(text));
	w = put_to(bytes, sizeof(bytes));
	ws_close_put(&w, WS_CODE_NORMAL, (struct str){text, sizeof(text)});
	assert_false(w.failed);
	assert_int_equal(put_size(&w), WS_CLOSE_FRAME_SIZE_MAX);
	assert_int_equal(ws_opcode_of("a\xc3\xa5", 3), WS_TEXT);
	assert_int_equal(ws_opcode_of("a\xc3", 2), WS_BINARY);
	assert_int_equal(ws_opcode_of("", 0), WS_TEXT);
}

static void fragments_are_one_message_and_a_ping_lies_between(void **state)
{
	struct ws_reader r = {0};
	struct ws_item   item;
	struct cur       in;
	enum reason      why;

	(void)state;
	wire_reset();
	frame(0x01, "Hel", 3);
	frame(0x89, "ping", 4);
	frame(0x00, "", 0);
	frame(0x80, "lo", 2);
	frame(0x82, "\xff", 1);
	in = cur_of(wire, wire_size);
	assert_int_equal(next(&r, &in, &item, &why), WS_ITEM);
	assert_int_equal(item.opcode, WS_PING);
	assert_int_equal(item.size, 4);
	assert_memory_equal(item.control, "ping", 4);
	assert_ptr_equal(in.p, wire);
	assert_message(&r, &in, WS_TEXT, "Hello", 5);
	assert_message(&r, &in, WS_BINARY, "\xff", 1);
	assert_int_equal(cur_left(&in), 0);
	wire_reset();
}

static void a_message_is_given_again_until_it_is_done(void **state)
{
	struct ws_reader r = {0};
	struct ws_item   item;
	struct cur       in;
	enum reason      why;

	(void)state;
	wire_reset();
	frame(0x01, "a", 1);
	frame(0x80, "b", 1);
	in = cur_of(wire, wire_size);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(&r, &in, &item, &why), WS_ITEM);
		assert_int_equal(item.size, 2);
	}
	assert_message(&r, &in, WS_TEXT, "ab", 2);
	wire_reset();
}

/* Each cut: nothing is consumed of what is not whole, and need never lies: with so many bytes it
 * goes on, and never asks for more than there will be. */
static void frames_cut_at_any_byte_wait_for_more(void **state)
{
	static const char long_text[300] = "long";

	(void)state;
	wire_reset();
	frame(0x01, "Hel", 3);
	frame(0x89, "p", 1);
	frame(0x80, long_text, sizeof(long_text));
	for (size_t cut = 0; cut < wire_size; cut++) {
		uint8_t         *exact = test_copy(wire, cut);
		struct cur       in = cur_of(exact, cut);
		struct ws_reader r = {0};
		struct ws_item   item;
		enum reason      why;
		unsigned         pings = 0;
		enum ws_pull     pull;

		while ((pull = next(&r, &in, &item, &why)) == WS_ITEM) {
			assert_int_equal(item.opcode, WS_PING);
			pings++;
		}
		assert_int_equal(pull, WS_MORE);
		assert_ptr_equal(in.p, exact);
		assert_true(r.need > cut && r.need <= wire_size);
		in = cur_of(wire, wire_size);
		while ((pull = next(&r, &in, &item, &why)) == WS_ITEM && item.opcode == WS_PING)
			pings++;
		assert_int_equal(pull, WS_ITEM);
		assert_int_equal(pings, 1);
		assert_int_equal(item.size, 3 + sizeof(long_text));
		free(exact);
	}
	wire_reset();
}

static void what_breaks_the_protocol_is_refused(void **state)
{
	static const uint8_t unmasked[] = {0x81, 0x05, 'H', 'e', 'l', 'l', 'o'};

	(void)state;
	wire_reset();
	memcpy(wire, unmasked, sizeof(unmasked));
	wire_size = sizeof(unmasked);
	assert_refused(REASON_WS_UNMASKED);
	for (unsigned bit = 0x10; bit <= 0x40; bit <<= 1) {
		frame(0x81 | bit, "a", 1);
		assert_refused(REASON_WS_FRAME);
	}
	for (unsigned opcode = 0; opcode <= 0xf; opcode++) {
		if (opcode >= 1 && (opcode <= 2 || (opcode >= 8 && opcode <= 10)))
			continue;
		frame(0x80 | opcode, "a", 1); /* among them a continuation of nothing */
		assert_refused(REASON_WS_FRAME);
	}
	for (unsigned opcode = 8; opcode <= 10; opcode++) {
		frame(opcode, "", 0); /* control in fragments */
		assert_refused(REASON_WS_FRAME);
		frame_sized(0x80 | opcode, room, 126, 3, 1);
		assert_refused(REASON_WS_FRAME);
	}
	frame(0x01, "a", 1);
	frame(0x81, "b", 1); /* another begins */
	assert_refused(REASON_WS_FRAME);
	frame_sized(0x82, "a", 1, 3, 1); /* not the least length */
	assert_refused(REASON_WS_FRAME);
	frame_sized(0x82, room, 65535, 9, 1);
	assert_refused(REASON_WS_FRAME);
	frame_sized(0x82, "a", 1ull << 63, 9, 1);
	assert_refused(REASON_WS_FRAME);
}

static void limits_bite_before_the_bytes_come(void **state)
{
	struct ws_reader r = {0};
	struct cur       in;

	(void)state;
	wire_reset();
	frame_sized(0x82, room, WS_MESSAGE_SIZE_MAX, 0, 0);
	in = cur_of(wire, wire_size);
	assert_message(&r, &in, WS_BINARY, room, WS_MESSAGE_SIZE_MAX);
	wire_reset();
	frame_sized(0x82, room, WS_MESSAGE_SIZE_MAX + 1ull, 0, 0);
	assert_refused(REASON_WS_SIZE);
	frame_sized(0x02, room, WS_MESSAGE_SIZE_MAX, 0, 0);
	frame_sized(0x80, "a", 1, 0, 0);
	wire_size -= 1;
	assert_refused(REASON_WS_SIZE);
	frame(0x01, "a", 1);
	for (unsigned i = 0; i < WS_FRAMES_MAX; i++)
		frame(i % 2 == 0 ? 0x89 : 0x00, "a", 1);
	assert_refused(REASON_WS_SIZE);
}

static void text_is_utf8_over_fragments(void **state)
{
	static const char text[] = "h\xc3\xa5r \xe2\x82\xac \xf0\x9f\x98\x80 and so on, plainly";
	static const struct str bad[] = {
		{"\xff", 1},
		{"12345678\xc0\x80", 10},
		{"\xed\xa0\x80", 3},
		{"\xf4\x90\x80\x80", 4},
		{"abcdefghijkl\xe2\x82", 14},
		{"\x80", 1},
	};

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct ws_reader r = {0};
		struct cur       in;

		wire_reset();
		frame(0x01, text, cut);
		frame(0x80, text + cut, sizeof(text) - 1 - cut);
		in = cur_of(wire, wire_size);
		assert_message(&r, &in, WS_TEXT, text, sizeof(text) - 1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t cut = 0; cut < bad[i].n; cut++) {
			wire_reset();
			frame(0x01, bad[i].p, cut);
			frame(0x80, bad[i].p + cut, bad[i].n - cut);
			assert_refused(REASON_WS_TEXT);
		}
	}
}

static void masks_come_off_at_all_alignments(void **state)
{
	uint8_t  text[64 + 8];
	uint8_t *raw = malloc(256);

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + 1);
	for (size_t n = 0; n <= 64; n++) {
		for (size_t at = 0; at < 8; at++) {
			struct ws_reader r = {0};
			struct ws_item   item;
			struct cur       in;
			enum reason      why;
			uint8_t          exact[64 + 16];

			wire_reset();
			frame_sized(0x82, text + at, n, 0, 0x01fe55aa);
			memcpy(raw + at, wire, wire_size);
			in = cur_of(raw + at, wire_size);
			memset(exact, 0xee, sizeof(exact));
			assert_int_equal(next(&r, &in, &item, &why), WS_ITEM);
			assert_true(ws_message_take(&item, exact + at));
			assert_memory_equal(exact + at, text + at, n);
			assert_int_equal(exact[at + n], 0xee);
		}
	}
	free(raw);
	wire_reset();
}

static void a_close_has_a_code_or_none(void **state)
{
	static const struct {
		struct str  payload;
		uint32_t    code;
		enum reason why;
	} closes[] = {
		{{"", 0}, WS_CODE_NONE, REASON_NONE},
		{{"\x03\xe8", 2}, 1000, REASON_NONE},
		{{"\x03\xe9"
		  "bye",
		  5},
		 1001,
		 REASON_NONE},
		{{"\x13\x87", 2}, 4999, REASON_NONE},
		{{"\x0b\xb8", 2}, 3000, REASON_NONE},
		{{"\x03", 1}, 0, REASON_WS_FRAME},
		{{"\x03\xe7", 2}, 0, REASON_WS_FRAME}, /* 999 */
		{{"\x03\xec", 2}, 0, REASON_WS_FRAME}, /* 1004 */
		{{"\x03\xed", 2}, 0, REASON_WS_FRAME}, /* 1005 */
		{{"\x03\xee", 2}, 0, REASON_WS_FRAME}, /* 1006 */
		{{"\x03\xf7", 2}, 0, REASON_WS_FRAME}, /* 1015 */
		{{"\x0b\xb7", 2}, 0, REASON_WS_FRAME}, /* 2999 */
		{{"\x13\x88", 2}, 0, REASON_WS_FRAME}, /* 5000 */
		{{"\x03\xe8\xff", 3}, 0, REASON_WS_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(closes) / sizeof(closes[0]); i++) {
		struct ws_reader r = {0};
		struct ws_item   item;
		struct cur       in;
		enum reason      why;
		bool             good = closes[i].why == REASON_NONE;

		wire_reset();
		frame(0x88, closes[i].payload.p, closes[i].payload.n);
		in = cur_of(wire, wire_size);
		assert_int_equal(next(&r, &in, &item, &why), good ? WS_ITEM : WS_BAD);
		assert_int_equal(why, closes[i].why);
		if (good)
			assert_int_equal(item.code, closes[i].code);
	}
	wire_reset();
	assert_int_equal(ws_close_code(REASON_WS_TEXT), WS_CODE_TEXT);
	assert_int_equal(ws_close_code(REASON_WS_SIZE), WS_CODE_SIZE);
	assert_int_equal(ws_close_code(REASON_SHUTDOWN), WS_CODE_GOING_AWAY);
	assert_int_equal(ws_close_code(REASON_UNBOUND), WS_CODE_NORMAL);
}

/* Messages in random fragments with pings between, which come in random pieces: they are the same,
 * and the work is bounded: no call but one for each piece, each ping and each message. */
static void random_streams_come_out_as_they_were(void **state)
{
	struct random random;
	uint64_t      seed = 20261128;

	(void)state;
	random_seed(&random, seed);
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t  text[400];
		size_t   n = random_next(&random) % sizeof(text), cut = 0, at = 0, given = 0;
		unsigned pings = 0, seen = 0;
		struct ws_reader r = {0};
		bool             done = false;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)random_next(&random);
		wire_reset();
		do {
			size_t piece = random_next(&random) % (n - at + 1);
			bool   last = at + piece == n && random_next(&random) % 2 == 0;

			frame_sized((last ? 0x80u : 0) | (cut == 0 ? 0x02u : 0), text + at, piece,
				    0, (uint32_t)random_next(&random));
			at += piece;
			cut++;
			done = last;
			if (!last && random_next(&random) % 3 == 0) {
				frame(0x89, text, n < 125 ? n : 125);
				pings++;
			}
		} while (!done && cut + pings < WS_FRAMES_MAX - 2);
		if (!done)
			frame(0x80, text + at, n - at);
		done = false;
		while (!done) {
			uint8_t       *exact;
			struct cur     in;
			struct ws_item item;
			enum reason    why;
			enum ws_pull   pull;

			assert_true(given < wire_size);
			given += 1 + random_next(&random) % 64;
			given = given < wire_size ? given : wire_size;
			exact = test_copy(wire, given);
			in = cur_of(exact, given);
			while ((pull = next(&r, &in, &item, &why)) == WS_ITEM &&
			       item.opcode == WS_PING)
				seen++;
			assert_int_not_equal(pull, WS_BAD);
			done = pull == WS_ITEM;
			if (done) {
				assert_int_equal(item.size, n);
				assert_true(ws_message_take(&item, room));
				assert_memory_equal(room, text, n);
				ws_message_done(&r, &in, &item);
				assert_int_equal(cur_left(&in), 0);
			}
			free(exact);
		}
		assert_int_equal(seen, pings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_standard_are_read),
		cmocka_unit_test(the_examples_of_the_standard_are_written),
		cmocka_unit_test(fragments_are_one_message_and_a_ping_lies_between),
		cmocka_unit_test(a_message_is_given_again_until_it_is_done),
		cmocka_unit_test(frames_cut_at_any_byte_wait_for_more),
		cmocka_unit_test(what_breaks_the_protocol_is_refused),
		cmocka_unit_test(limits_bite_before_the_bytes_come),
		cmocka_unit_test(text_is_utf8_over_fragments),
		cmocka_unit_test(masks_come_off_at_all_alignments),
		cmocka_unit_test(a_close_has_a_code_or_none),
		cmocka_unit_test(random_streams_come_out_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
