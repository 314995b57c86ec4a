/* XMPP over WebSocket (RFC 7395): items of a stream as messages, and messages as items. */
#include "test.h"

#include "xmpp/framing.h"

#define FRAMING "xmlns=\"" XMPP_SPACE_FRAMING "\""

static const char written[] =
	XMPP_CLIENT_HEAD " id=\"a>b\" from='x' version=\"1.0\">"
			 "<stream:features><bind xmlns=\"urn:x\"/></stream:features>"
			 "<message to=\"a/b>\"><body>&lt;<![CDATA[</body>]]]></body><x/></message>"
			 "<r xmlns='urn:xmpp:sm:3'/>"
			 "<presence/>"
			 "</stream:stream>";

static const char *const messages[] = {
	"<open " FRAMING " id=\"a>b\" from='x' version=\"1.0\"/>",
	"<stream:features xmlns:stream=\"http://etherx.jabber.org/streams\">"
	"<bind xmlns=\"urn:x\"/></stream:features>",
	"<message xmlns=\"jabber:client\" to=\"a/b>\"><body>&lt;<![CDATA[</body>]]]></body><x/>"
	"</message>",
	"<r xmlns='urn:xmpp:sm:3'/>",
	"<presence xmlns=\"jabber:client\"/>",
	"<close " FRAMING "/>",
};

#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

/* Appends the piece to the room. */
static bool take(struct xmpp_framing *f, struct cur *in, struct put *w)
{
	struct proto_piece piece;

	xmpp_framing_next(f, in, &piece);
	for (unsigned i = 0; i < PROTO_PIECE_PARTS; i++)
		put_str(w, piece.parts[i]);
	assert_false(w->failed);
	return piece.last;
}

static void each_item_is_a_message_with_its_namespaces(void **state)
{
	struct xmpp_framing f = {0};
	struct cur          in = cur_of(written, sizeof(written) - 1);

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		char       room[512];
		struct put w = put_to(room, sizeof(room) - 1);

		assert_true(take(&f, &in, &w));
		*w.p = '\0';
		assert_string_equal(room, messages[i]);
	}
	assert_int_equal(cur_left(&in), 0);
}

/* From behind the open tag of a stanza on, it may come in halves, wherever they part. */
static void a_stanza_written_by_halves_is_one_message(void **state)
{
	static const char stanza[] = "<iq id=\"1\"><query xmlns=\"a\"><item/>x<b></b></query></iq>";

	(void)state;
	for (size_t cut = sizeof("<iq id=\"1\">") - 1; cut < sizeof(stanza) - 1; cut++) {
		struct xmpp_framing f = {0};
		char                room[512];
		struct put          w = put_to(room, sizeof(room) - 1);
		struct cur          first = cur_of(stanza, cut);
		struct cur          rest = cur_of(stanza + cut, sizeof(stanza) - 1 - cut);

		assert_false(take(&f, &first, &w));
		assert_true(take(&f, &rest, &w));
		*w.p = '\0';
		assert_string_equal(room, "<iq xmlns=\"jabber:client\" id=\"1\"><query xmlns=\"a\">"
					  "<item/>x<b></b></query></iq>");
		assert_int_equal(cur_left(&rest), 0);
	}
}

static enum xmpp_framed read_of(const char *text, char room[512])
{
	size_t           n = strlen(text);
	uint8_t         *exact = test_copy(text, n);
	struct put       w = put_to(room, 511);
	enum xmpp_framed kind = xmpp_framing_read(cur_of(exact, n), &w);

	*w.p = '\0';
	free(exact);
	return kind;
}

static void open_and_close_stand_for_the_tags_of_the_stream(void **state)
{
	char room[512];

	(void)state;
	assert_int_equal(read_of("<open " FRAMING " to='ex&quot;ample' version=\"1.0\" "
				 "xml:lang=\"en\"/>",
				 room),
			 XMPP_FRAMED_OPEN);
	assert_string_equal(room, "<stream:stream xmlns=\"jabber:client\" "
				  "xmlns:stream=\"http://etherx.jabber.org/streams\" "
				  "to=\"ex&quot;ample\" version=\"1.0\">");
	assert_int_equal(read_of("<open " FRAMING "></open>", room), XMPP_FRAMED_OPEN);
	assert_int_equal(read_of("<close " FRAMING " />", room), XMPP_FRAMED_CLOSE);
	assert_string_equal(room, "</stream:stream>");
	assert_int_equal(read_of("<opens/>", room), XMPP_FRAMED_STANZA);
	assert_int_equal(read_of("<message/>", room), XMPP_FRAMED_STANZA);
	assert_int_equal(read_of("", room), XMPP_FRAMED_STANZA);
}

static void what_only_begins_so_is_bad(void **state)
{
	static const char *const wrong[] = {
		"<open/>",
		"<open xmlns=\"jabber:client\"/>",
		"<open " FRAMING ">",
		"<open " FRAMING "><x/></open>",
		"<open " FRAMING "/><x/>",
		"<close " FRAMING,
		"<close xmlns=\"jabber:client\"/>",
		"<open " FRAMING " to=\"a\" to=\"b\"/>",
	};
	char room[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_of(wrong[i], room), XMPP_FRAMED_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_item_is_a_message_with_its_namespaces),
		cmocka_unit_test(a_stanza_written_by_halves_is_one_message),
		cmocka_unit_test(open_and_close_stand_for_the_tags_of_the_stream),
		cmocka_unit_test(what_only_begins_so_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
