/*
 * What others say, written again: it means the same to the next reader, and no more. Expat is that
 * reader. What stands in a stanza is seen as elements, attributes and text, each with its
 * namespace; that of the stream's content, which is another between servers (RFC 6120, 4.8.2), is
 * written "=" as long as nothing else stands around it.
 */
#include "client.h"

#include <expat.h>

#include "base/random.h"
#include "xmpp/session_private.h"
#include "xmpp/spaces.h"

#define ROUNDS 100000u
#define SEEN_MAX 16384u
#define STANZA_MAX 2048u
#define APART '\f' /* between namespace and name; no character of XML */
#define DEPTH_MAX 256u

struct seen {
	char        bytes[SEEN_MAX];
	struct put  w;
	const char *content;
	unsigned    depth, children, strange;
	bool        said;             /* what came in: what is foreign in it is not to go on */
	unsigned    foreign;          /* depth of such, within which all is passed over */
	bool        text;             /* the last thing was text: more of it belongs to it */
	bool        plain[DEPTH_MAX]; /* nothing but the content's namespace, down to here */
};

static void see_name(struct seen *s, char sign, const char *name, bool plain)
{
	size_t n = strlen(s->content);

	s->text = false;
	put_u8(&s->w, (uint8_t)sign);
	if (plain && strncmp(name, s->content, n) == 0 && name[n] == APART) {
		put_u8(&s->w, '=');
		name += n;
	}
	put_str(&s->w, str_of(name));
	put_u8(&s->w, '\n');
}

static bool is_content(const struct seen *s, const char *name)
{
	size_t n = strlen(s->content);

	return strncmp(name, s->content, n) == 0 && name[n] == APART;
}

/* Of the content of another kind of stream. */
static bool is_foreign(const struct seen *s, const char *name)
{
	static const char *const contents[] = {XMPP_SPACE_CLIENT, XMPP_SPACE_SERVER,
					       XMPP_SPACE_COMPONENT};

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		size_t n = strlen(contents[i]);

		if (strncmp(name, contents[i], n) == 0 && name[n] == APART)
			return strcmp(contents[i], s->content) != 0;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void on_start(void *user, const char *name, const char **attributes)
{
	struct seen *s = user;
	size_t       n = 0;

	s->depth++;
	assert_in_range(s->depth, 1, DEPTH_MAX - 1);
	if (s->foreign == 0 && s->depth > 2 && s->plain[s->depth - 1] && is_foreign(s, name)) {
		if (s->said)
			s->foreign = s->depth;
		else
			s->strange++;
	}
	if (s->foreign != 0)
		return;
	s->plain[s->depth] = s->depth <= 2 || (s->plain[s->depth - 1] && is_content(s, name));
	s->children += s->depth == 2;
	s->strange +=
		strncmp(name, XMPP_SPACE_STREAMS, strlen(XMPP_SPACE_STREAMS)) == 0 && s->depth > 1;
	if (s->depth == 2)
		see_name(s, 'K', name, true); /* its attributes are those that we give it */
	if (s->depth < 3)
		return;
	see_name(s, 'S', name, s->plain[s->depth - 1]);
	while (attributes[2 * n] != NULL)
		n++;
	qsort(attributes, n, 2 * sizeof(*attributes), by_name);
	for (size_t i = 0; i < n; i++) {
		see_name(s, 'A', attributes[2 * i], false);
		put_str(&s->w, str_of(attributes[2 * i + 1]));
		put_u8(&s->w, '\n');
	}
}

static void on_end(void *user, const char *name)
{
	struct seen *s = user;

	if (s->depth > 2 && s->foreign == 0)
		see_name(s, 'E', name, s->plain[s->depth - 1]);
	if (s->foreign == s->depth)
		s->foreign = 0;
	s->depth--;
}

static void on_text(void *user, const char *text, int n)
{
	struct seen *s = user;

	if (s->depth < 3 || s->foreign != 0)
		return; /* between payloads nothing means anything */
	if (!s->text)
		put_str(&s->w, STR("T\f"));
	s->text = true;
	put_bytes(&s->w, text, (size_t)n);
}

/* A stanza within a stream of such content. False: Expat does not take it. */
static bool read_by_expat(const char *content, const char *stanza, size_t size, struct seen *s)
{
	XML_Parser parser = XML_ParserCreateNS(NULL, APART);
	char       head[256];
	int        n = snprintf(head, sizeof(head), "<stream:stream xmlns='%s' xmlns:stream='%s'>",
				content, XMPP_SPACE_STREAMS);
	bool       ok;

	s->w = put_to(s->bytes, sizeof(s->bytes));
	s->content = content;
	s->depth = s->children = s->strange = s->foreign = 0;
	s->text = false;
	XML_SetUserData(parser, s);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	ok = XML_Parse(parser, head, n, 0) == XML_STATUS_OK &&
	     XML_Parse(parser, stanza, (int)size, 0) == XML_STATUS_OK &&
	     XML_Parse(parser, "</stream:stream>", 16, 1) == XML_STATUS_OK;
	XML_ParserFree(parser);
	return ok;
}

/* False: in has something of the stream's own, which is refused as a whole. */
static bool means_the_same(const char *in, size_t in_size, const char *content, const char *out,
			   size_t out_size)
{
	static struct seen said, heard;

	said.said = true;
	assert_true(read_by_expat(XMPP_SPACE_CLIENT, in, in_size, &said));
	if (said.strange != 0)
		return false;
	if (!read_by_expat(content, out, out_size, &heard) || heard.children != 1 ||
	    heard.strange != 0 || put_size(&said.w) != put_size(&heard.w) ||
	    memcmp(said.bytes, heard.bytes, put_size(&said.w)) != 0) {
		print_error("said [%.*s]\nheard [%.*s]\n[%.*s]\n[%.*s]\n", (int)in_size, in,
			    (int)out_size, out, (int)put_size(&said.w), said.bytes,
			    (int)put_size(&heard.w), heard.bytes);
		fail();
	}
	return true;
}

/* ---- by whole sessions ---- */

#define MESSAGE "<message to='bob@example.org/desk' id='m'"
#define IQ "<iq to='bob@example.org/desk' id='q' type='set'"

static const char *const tricks[] = {
	/* the prefix of the stream */
	MESSAGE " xmlns:stream='u:evil'><body>x</body><stream:error/></message>",
	MESSAGE
	"><body>x</body><stream:features xmlns:stream='u:evil'><stream:a/></stream:features>"
	"</message>",
	IQ " xmlns:stream='jabber:client'><stream:query><a xmlns='u'/></stream:query></iq>",
	/* the content's namespace, and that of the other kind of stream */
	MESSAGE "><body>x</body><a xmlns='u'><message xmlns='jabber:client' from='eve@x.example'>"
		"<body>y</body></message></a></message>",
	MESSAGE "><body>x</body><a xmlns='u'><message xmlns='jabber:server' from='eve@x.example'>"
		"<body>y</body></message></a></message>",
	MESSAGE " xmlns='jabber:client'><body>x</body><a xmlns=''><b/></a></message>",
	MESSAGE "><body>x</body><message xmlns='jabber:server'><body>y</body></message></message>",
	MESSAGE "><body>x</body><other><body xmlns='jabber:server'>y</body>z</other></message>",
	MESSAGE "><body>x</body><other><a xmlns='u'><body xmlns='jabber:server'/></a>"
		"<b xmlns='jabber:component:accept'><c/></b><d/></other></message>",
	MESSAGE "><body>x</body><message><body>y</body></message></message>",
	IQ "><query xmlns=''><item xmlns='jabber:client'/><item/></query></iq>",
	/* prefixed stanzas and children */
	"<c:message xmlns:c='jabber:client' xmlns='u' to='bob@example.org/desk' id='m'>"
	"<c:body>x</c:body><c:thread>t</c:thread><body>not ours</body></c:message>",
	MESSAGE " xmlns:c='jabber:client'><c:body>x</c:body><c:subject>s</c:subject>"
		"<c:other><c:message/></c:other></message>",
	"<i:iq xmlns:i='jabber:client' to='bob@example.org/desk' id='q' type='set'>"
	"<i:a><b xmlns='u' xmlns:i='v' i:c='1'><i:d/></b><i:e/></i:a></i:iq>",
	MESSAGE "><body>x</body><p:a xmlns:p='u' xmlns:q='v' p:b='1' q:b='2' b='3'><q:a p:c=''/>"
		"</p:a></message>",
	MESSAGE "><body>x</body><a xmlns='u' xmlns:p='v' p:b='1'><p:c xmlns:p='w' p:b='2'/>"
		"</a></message>",
	/* xml */
	MESSAGE " xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='sv'><body>x</body>"
		"<xml:a xml:space='preserve'/><a xmlns='u' xml:lang='de'/></message>",
	/* attributes that look like declarations, and text that looks like markup */
	MESSAGE "><body>&lt;/body>&lt;/message></body><a xmlns='u' b='\"&apos;>&#10;&lt;/a>'>"
		"<![CDATA[</a></message><presence/>]]></a></message>",
	MESSAGE "><body>x</body><a xmlns='u'><![CDATA[]]]]>></a></message>",
	MESSAGE "><body>x</body><a xmlns='u'>]<![CDATA[]]]>></a></message>",
	MESSAGE "><body><![CDATA[]]]]>></body></message>",
	IQ "><a xmlns='u'><![CDATA[]]]]>><![CDATA[>]]></a></iq>",
};

static void
what_redeclares_the_namespaces_of_the_stream_means_the_same_to_who_hears_it(void **state)
{
	static const struct {
		const char *content;
		bool        link;
	} streams[] = {{XMPP_SPACE_CLIENT, false}, {XMPP_SPACE_SERVER, true}};
	struct client *c = client_new();

	(void)state;
	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		struct msg *m;

		client_says(c, tricks[i]);
		if (c->bad || c->event_count == 0)
			fail_msg("%s: %s", tricks[i], client_sent(c));
		m = client_last(c, EVENT_MSG)->msg;
		for (size_t k = 0; k < 2; k++) {
			char                  out[8192];
			struct put            w = put_to(out, sizeof(out));
			struct xmpp_map       map = xmpp_session_map(c->session, c->now);
			const struct xmpp_way way = {.domain = STR("example.org"),
						     .address = STR("bob@example.org/desk"),
						     .id = STR("m")};

			map.link = streams[k].link;
			assert_int_equal(xmpp_map_out(&map, m, &way, &w), REASON_NONE);
			assert_true(means_the_same(tricks[i], strlen(tricks[i]), streams[k].content,
						   out, put_size(&w)));
		}
		client_answer(c, m->token, &(struct result){0});
		client_forget(c);
	}
	client_free(c);
}

/* Nobody here has read such a text, neither for its rules nor for its length. */
static void a_body_of_another_kind_of_stream_is_none_and_goes_nowhere(void **state)
{
	static const char *const spaces[] = {XMPP_SPACE_SERVER, XMPP_SPACE_COMPONENT};
	struct client           *c = client_new();

	(void)state;
	client_up(c, "alice", "phone");
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 MESSAGE " xmlns:s='%s'><s:body>hidden</s:body><subject>s</subject>"
				 "</message>",
			 spaces[i]);
		client_says(c, text);
		assert_int_equal(client_last(c, EVENT_MSG)->msg->kind, MSG_NATIVE);
		assert_null(strstr(client_heard(c, 0), "hidden"));
		client_answer(c, client_last(c, EVENT_MSG)->token, &(struct result){0});
		client_forget(c);
		snprintf(text, sizeof(text),
			 "<iq to='bob@example.org/desk' id='q' type='get'><query xmlns='%s'/></iq>",
			 spaces[i]);
		client_says(c, text);
		assert_int_equal(c->event_count, 0);
		assert_non_null(strstr(client_sent(c), "<bad-request"));
	}
	client_free(c);
}

/* RFC 6120, 4.9.3.10 and 4.8.5: such is for the two ends of a stream, wherever it stands. */
static void what_is_of_the_streams_own_goes_no_further_however_it_is_written(void **state)
{
	static const char *const table[] = {
		MESSAGE "><body>x</body><stream:error/></message>",
		MESSAGE "><a xmlns='u'><stream:features/></a></message>",
		MESSAGE "><a xmlns='http://etherx.jabber.org/streams'/></message>",
		MESSAGE " xmlns:s='http://etherx.jabber.org/streams'><a xmlns='u'><s:error/></a>"
			"</message>",
		"<s:message xmlns:s='http://etherx.jabber.org/streams' to='bob@example.org'>"
		"<body>x</body></s:message>",
		"<message xmlns='jabber:server' to='bob@example.org'><body>x</body></message>",
		"<message xmlns='' to='bob@example.org'><body>x</body></message>",
		"<stream:message xmlns:stream='u:evil' to='bob@example.org'><body>x</body>"
		"</stream:message>",
		MESSAGE " xmlns:stream='http://etherx.jabber.org/streams'><a xmlns='u'>"
			"<stream:stream to='example.org'/></a></message>",
		MESSAGE "><body>x</body><a xmlns='u:&quot;&apos;'/></message>", /* nor such names */
		MESSAGE " xmlns:xml='u'><body>x</body></message>",
		MESSAGE " xmlns:p='http://www.w3.org/XML/1998/namespace'><body>x</body></message>",
		MESSAGE " xmlns:xmlns='u'><body>x</body></message>",
		MESSAGE "><body>x</body><a xmlns='http://www.w3.org/2000/xmlns/'/></message>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct client *c = client_new();

		client_up(c, "alice", "phone");
		client_says(c, table[i]);
		for (unsigned k = 0; k < c->event_count; k++)
			assert_int_not_equal(c->events[k].kind, EVENT_MSG);
		if (strstr(client_sent(c), "<stream:error>") == NULL)
			fail_msg("%s", table[i]);
		client_free(c);
	}
}

/* ---- pieces put together at random ---- */

static const char *const seeds[] = {
	"<message xmlns='jabber:client' xmlns:stream='u:s' to='a@b'><stream:error xmlns:q='u:q' "
	"q:a='1'>x<![CDATA[]]]]>&gt;y</stream:error></message>",
	"<c:iq xmlns:c='jabber:client' xmlns='u:1'><c:a b='&quot;'><d xmlns:c='u:2' c:e=\"'\"/>"
	"<c:f xmlns=''><g/></c:f></c:a></c:iq>",
	"<presence xmlns='jabber:client'><x xmlns='jabber:server' xml:lang='de'>\r\n<y "
	"xmlns='jabber:client'/>&#13;<![CDATA[<&>]]></x><p:z xmlns:p='u:1' xmlns:q='u:2' p:a='1' "
	"q:a='2'/></presence>",
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

static const char *const pieces[] = {
	" xmlns='jabber:client'",
	" xmlns='jabber:server'",
	" xmlns='u:1'",
	" xmlns=''",
	" xmlns:c='jabber:client'",
	" xmlns:c='u:1'",
	" xmlns:stream='u:s'",
	" xmlns:p='u:&quot;&apos;'",
	" c:a='\"'",
	" p:a=\"'\"",
	" xml:lang='sv'",
	"<c:a/>",
	"<p:a>",
	"</p:a>",
	"<a>",
	"</a>",
	"<b/>",
	"]",
	">",
	"]]",
	"<![CDATA[",
	"]]>",
	"<![CDATA[]]]]>",
	"<![CDATA[>]]>",
	"&gt;",
	"&#10;",
	"\r",
	"\n",
	"'",
	"\"",
	"c:",
	"stream:",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static size_t change(char text[STANZA_MAX], size_t n, struct random *random)
{
	const char *piece = pieces[random_below(random, PIECES)];
	size_t      at, size = strlen(piece);

	if (n + size > STANZA_MAX)
		return n;
	do { /* mostly where something may stand */
		at = random_below(random, (uint32_t)n + 1);
	} while (random_below(random, 8) != 0 && at < n && strchr("<>/ ", text[at]) == NULL);
	if (at < n && text[at] == '<' && random_below(random, 2) == 0)
		at += 1;
	memmove(text + at + size, text + at, n - at);
	memcpy(text + at, piece, size);
	return n + size;
}

/* As a request goes on. False: we do not take it. */
static bool written_again(const struct xml_scope *scope, const char *text, size_t n, struct put *w)
{
	static struct xmpp_stanza s;
	uint8_t                  *copy = test_copy(text, n);
	enum xmpp_payload         p;
	bool                      good;

	good = xmpp_stanza_open(&s, (struct str){(char *)copy, n}, scope) && s.kind != XMPP_OTHER &&
	       str_eq(s.content, STR(XMPP_SPACE_CLIENT));
	if (good) {
		xmpp_put_head(w, &(struct xmpp_head){.kind = s.kind});
		put_u8(w, '>');
		while (xmpp_payload_next(&s, &p))
			xmpp_element_put(&s.x, s.content, w);
		put_str(w, STR("</"));
		put_str(w, xmpp_kind_word(s.kind));
		put_u8(w, '>');
		good = !s.x.bad;
	}
	free(copy);
	return good;
}

static void whatever_is_taken_means_the_same_when_it_is_written_again(void **state)
{
	struct random    random;
	unsigned         taken = 0;
	struct xml_scope scope;
	struct xml       x;

	(void)state;
	assert_int_equal(xml_root_open(&x, STR(CLIENT_HEAD), &scope), XML_FAULT_NONE);
	random_seed(&random, 7);
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *seed = seeds[random_below(&random, SEEDS)];
		char        text[STANZA_MAX], out[2 * SEEN_MAX];
		struct put  w = put_to(out, sizeof(out));
		size_t      n = strlen(seed);

		memcpy(text, seed, n);
		for (unsigned k = random_below(&random, 4); k > 0; k--)
			n = change(text, n, &random);
		if (!written_again(&scope, text, n, &w))
			continue;
		assert_false(w.failed);
		taken += means_the_same(text, n, XMPP_SPACE_CLIENT, out, put_size(&w)) &&
			 means_the_same(text, n, XMPP_SPACE_SERVER, out, put_size(&w));
	}
	assert_in_range(taken, ROUNDS / 20, ROUNDS); /* else nothing would have been compared */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_redeclares_the_namespaces_of_the_stream_means_the_same_to_who_hears_it),
		cmocka_unit_test(a_body_of_another_kind_of_stream_is_none_and_goes_nowhere),
		cmocka_unit_test(what_is_of_the_streams_own_goes_no_further_however_it_is_written),
		cmocka_unit_test(whatever_is_taken_means_the_same_when_it_is_written_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
