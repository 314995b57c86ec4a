/* Compressed bodies against those that zlib itself writes, and through a session. */
#include "side.h"

#define ZLIB_CONST
#include <zlib.h>

#include "sip/inflate.h"

#define ROOM 65536u

static uint8_t plain[8u << 20], packed[1u << 20], room[ROOM];

/* packed[] from n bytes of plain[]; window: as deflateInit2() has it. */
static size_t pack(size_t n, int window)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = plain;
	z.avail_in = (uInt)n;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return sizeof(packed) - z.avail_out;
}

/* From memory of exactly that size, into a room of exactly that size. */
static enum sip_body inflate_exact(enum sip_encoding encoding, size_t n, size_t space, size_t *made)
{
	uint8_t      *in = test_copy(packed, n), *out = malloc(space > 0 ? space : 1);
	struct put    w = put_to(out, space);
	enum sip_body said = sip_inflate(encoding, (struct str){(const char *)in, n}, &w);

	*made = put_size(&w);
	if (said == SIP_BODY_OK)
		memcpy(room, out, *made);
	free(in);
	free(out);
	return said;
}

static const struct {
	enum sip_encoding encoding;
	int               window;
} formats[] = {{SIP_ENCODING_DEFLATE, 15}, {SIP_ENCODING_DEFLATE, 9}, {SIP_ENCODING_GZIP, 31}};

static void fill(unsigned seed, size_t n)
{
	srand(seed);
	for (size_t i = 0; i < n; i++) /* runs and noise */
		plain[i] = rand() % 4 == 0 || i < 300 ? (uint8_t)rand()
						      : plain[i - (size_t)rand() % 300];
}

static void what_zlib_writes_is_read(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 262, 1300, 8192, 32768, 32769, ROOM};
	size_t              made;

	(void)state;
	for (unsigned f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t n;

			fill(i, sizes[i]);
			n = pack(sizes[i], formats[f].window);
			assert_int_equal(inflate_exact(formats[f].encoding, n, sizes[i], &made),
					 SIP_BODY_OK);
			assert_int_equal(made, sizes[i]);
			assert_memory_equal(room, plain, made);
			if (sizes[i] > 0)
				assert_int_equal(
					inflate_exact(formats[f].encoding, n, sizes[i] - 1, &made),
					SIP_BODY_LIMIT);
		}
	}
}

static void what_is_cut_off_or_goes_on_is_refused(void **state)
{
	size_t made;

	(void)state;
	for (unsigned f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		size_t n;

		fill(7, 700);
		n = pack(700, formats[f].window);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(inflate_exact(formats[f].encoding, cut, ROOM, &made),
					 SIP_BODY_SYNTAX);
		packed[n] = 0;
		assert_int_equal(inflate_exact(formats[f].encoding, n + 1, ROOM, &made),
				 SIP_BODY_SYNTAX);
	}
}

/* The sum at the end finds what the code itself does not. */
static void no_flipped_bit_of_the_zlib_format_goes_unnoticed(void **state)
{
	size_t n, made;

	(void)state;
	fill(9, 400);
	n = pack(400, 15);
	for (size_t bit = 0; bit < n * 8; bit++) {
		packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (inflate_exact(SIP_ENCODING_DEFLATE, n, ROOM, &made) == SIP_BODY_OK)
			assert_memory_equal(room, plain,
					    400); /* a bit of the header, of no effect */
		packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void another_format_is_refused(void **state)
{
	size_t n, made;

	(void)state;
	fill(11, 300);
	n = pack(300, 31);
	assert_int_equal(inflate_exact(SIP_ENCODING_DEFLATE, n, ROOM, &made), SIP_BODY_SYNTAX);
	n = pack(300, 15);
	assert_int_equal(inflate_exact(SIP_ENCODING_GZIP, n, ROOM, &made), SIP_BODY_SYNTAX);
	n = pack(300, -15); /* bare */
	assert_int_equal(inflate_exact(SIP_ENCODING_DEFLATE, n, ROOM, &made), SIP_BODY_SYNTAX);
}

static void a_bomb_is_stopped_at_the_end_of_the_room(void **state)
{
	size_t n, made;

	(void)state;
	memset(plain, 0, sizeof(plain));
	n = pack(sizeof(plain), 15); /* 8 MiB in 8 KiB */
	assert_in_range(n, 1, 10000);
	assert_int_equal(inflate_exact(SIP_ENCODING_DEFLATE, n, ROOM, &made), SIP_BODY_LIMIT);
	assert_int_equal(made, 0);
}

/* ---- through a session ---- */

static const struct flow device = {.address = {0x090200c0}, .port = 6001};

static const char notification[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\" ?>"
	"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>sjermrw5srsscaaa</message-id>"
	"<datetime>2026-11-27T19:14:13Z</datetime><delivery-notification><status><delivered/>"
	"</status></delivery-notification></imdn>";

/* The answer to a MESSAGE with n bytes of packed[]. */
static const char *message(struct side *s, const char *type, const char *encoding, size_t n)
{
	static unsigned number;
	static char     text[ROOM];
	int             size = snprintf(text, sizeof(text),
					"MESSAGE sip:+4611111@example.org SIP/2.0\r\n"
						    "Via: SIP/2.0/UDP 192.0.2.9:6001;branch=z9hG4bKi%u\r\n"
						    "Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a\r\n"
						    "To: <sip:+4611111@example.org>\r\nCall-ID: i%u\r\n"
						    "CSeq: 1 MESSAGE\r\nContent-Type: %s\r\n"
						    "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
					number, number, type, encoding, n);
	enum pull       last;
	struct flow     to;

	number++;
	memcpy(text + size, packed, n);
	side_feed(s, &device, text, (size_t)size + n, &last);
	return side_heard(s, &to);
}

static struct side *listener(void)
{
	struct side *s = side_new(1);

	s->services.has_peer = true;
	memcpy(s->services.peer.address, device.address, sizeof(device.address));
	side_listen(s, false);
	return s;
}

static void a_compressed_notification_is_a_receipt(void **state)
{
	static const struct {
		const char *name;
		int         window;
	} rows[] = {{"deflate", 15}, {"gzip", 31}, {"Deflate, identity", 15}, {"x-gzip", 31}};
	struct side *s = listener();
	size_t       n = sizeof(notification) - 1;

	(void)state;
	memcpy(plain, notification, n);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side_event *e;
		uint8_t            id[64];

		assert_null(message(s, "message/imdn+xml", rows[i].name, pack(n, rows[i].window)));
		e = side_last(s, EVENT_MSG);
		assert_non_null(e);
		assert_int_equal(e->msg->kind, MSG_RECEIPT);
		assert_int_equal(e->msg->receipt.state, MSG_STATE_DELIVERED);
		assert_int_equal(e->msg->receipt.remote_id.size, 16);
		assert_memory_equal(msg_view(e->msg, e->msg->receipt.remote_id, id),
				    "sjermrw5srsscaaa", 16);
		side_forget_events(s);
	}
	assert_int_equal(side_metric(s, METRIC_sip_bodies_compressed), 4);
	side_free(s);
}

static void other_encodings_are_refused_with_those_that_are_known(void **state)
{
	static const char *const names[] = {"br", "compress", "deflate, gzip"};
	struct side             *s = listener();

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *answer = message(s, "text/plain", names[i], 5);

		assert_int_equal(side_status(answer), 415);
		assert_non_null(strstr(answer, "\r\nAccept-Encoding: deflate, gzip, identity\r\n"));
	}
	assert_int_equal(side_refused(s, REASON_CODING), 3);
	side_free(s);
}

static void bombs_and_noise_are_told_apart(void **state)
{
	struct side *s = listener();

	(void)state;
	memset(plain, 'x', sizeof(plain));
	assert_int_equal(side_status(message(s, "text/plain", "deflate", pack(2 * ROOM, 15))), 413);
	assert_int_equal(side_metric(s, METRIC_sip_bodies_bombs), 1);
	assert_int_equal(side_refused(s, REASON_MESSAGE_SIZE), 1);
	memset(packed, 'x', 100);
	assert_int_equal(side_status(message(s, "text/plain", "deflate", 100)), 400);
	assert_int_equal(side_metric(s, METRIC_sip_bodies_bombs), 1);
	assert_null(side_last(s, EVENT_MSG));
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_zlib_writes_is_read),
		cmocka_unit_test(what_is_cut_off_or_goes_on_is_refused),
		cmocka_unit_test(no_flipped_bit_of_the_zlib_format_goes_unnoticed),
		cmocka_unit_test(another_format_is_refused),
		cmocka_unit_test(a_bomb_is_stopped_at_the_end_of_the_room),
		cmocka_unit_test(a_compressed_notification_is_a_receipt),
		cmocka_unit_test(other_encodings_are_refused_with_those_that_are_known),
		cmocka_unit_test(bombs_and_noise_are_told_apart),
	};

	return cmocka_run_group_tests_name("sip inflate", tests, NULL, NULL);
}
