/* The opening handshake: the example of RFC 6455, 1.3, and what is refused, with which words. */
#include "test.h"

#include <stdio.h>

#include "ws/ws.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define HOST "Host: server.example.com\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define OFFER "Sec-WebSocket-Protocol: chat, sip\r\n"
#define GOOD "GET /chat HTTP/1.1\r\n" HOST UPGRADE KEY OFFER VERSION

static const struct ws_rules any = {.subprotocol = {"sip", 3}};
static char                  answer[WS_ANSWER_SIZE_MAX + 1];

static enum ws_pull ask(struct ws_reader *r, const struct ws_rules *rules, const char *text,
			size_t n, size_t *consumed, enum reason *why)
{
	uint8_t     *exact = test_copy(text, n);
	struct cur   in = cur_of(exact, n);
	struct put   w = put_to(answer, WS_ANSWER_SIZE_MAX);
	enum ws_pull pull;

	*why = REASON_NONE;
	pull = ws_request_next(r, &in, rules, &w, why);
	assert_false(w.failed);
	answer[put_size(&w)] = '\0';
	assert_int_equal(pull == WS_MORE, put_size(&w) == 0);
	*consumed = (size_t)(in.p - exact);
	free(exact);
	return pull;
}

static void assert_refused_by(const struct ws_rules *rules, const char *text, enum reason why,
			      const char *status)
{
	struct ws_reader r = {0};
	enum reason      is;
	size_t           consumed;
	char             line[80];

	assert_int_equal(ask(&r, rules, text, strlen(text), &consumed, &is), WS_BAD);
	assert_string_equal(reason_name(is), reason_name(why));
	snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", status);
	assert_memory_equal(answer, line, strlen(line));
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(answer, reason_text(why)));
}

static void assert_refused(const char *text, enum reason why, const char *status)
{
	assert_refused_by(&any, text, why, status);
}

static void assert_taken_by(const struct ws_rules *rules, const char *text)
{
	struct ws_reader r = {0};
	enum reason      why;
	size_t           consumed;

	assert_int_equal(ask(&r, rules, text, strlen(text), &consumed, &why), WS_ITEM);
	assert_int_equal(consumed, strlen(text));
}

static void the_key_of_the_standard_has_its_answer(void **state)
{
	(void)state;
	assert_taken_by(&any, GOOD "Origin: http://example.com\r\n\r\n");
	assert_string_equal(answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				    "Sec-WebSocket-Protocol: sip\r\n\r\n");
}

static void what_browsers_and_proxies_write_is_taken(void **state)
{
	(void)state;
	assert_taken_by(&any, "GET / HTTP/1.1\r\n" HOST
			      "connection: keep-alive, Upgrade\r\nUPGRADE: WebSocket\r\n" KEY
			      "sec-websocket-protocol: chat\r\nsec-websocket-protocol:sip\r\n"
			      "Content-Length: 0\r\n"
			      "Sec-WebSocket-Extensions: permessage-deflate\r\n" VERSION "\r\n");
	assert_null(strstr(answer, "Extensions")); /* none is in use */
	assert_taken_by(&any, "GET http://a.example/ws?x=1 HTTP/1.1\r\n" HOST UPGRADE KEY OFFER
			      "Sec-WebSocket-Version: \t13 \r\nX-Empty:\r\n\r\n");
}

static void a_request_cut_at_any_byte_waits_for_more(void **state)
{
	static const char text[] = GOOD "\r\n";
	struct ws_reader  one = {0};

	(void)state;
	for (size_t cut = 0; cut + 1 < sizeof(text); cut++) {
		struct ws_reader r = {0};
		enum reason      why;
		size_t           consumed;

		assert_int_equal(ask(&r, &any, text, cut, &consumed, &why), WS_MORE);
		assert_int_equal(consumed, 0);
		assert_int_equal(r.need, cut + 1);
		assert_int_equal(ask(&r, &any, text, sizeof(text) - 1, &consumed, &why), WS_ITEM);
		assert_int_equal(ask(&one, &any, text, cut, &consumed, &why), WS_MORE);
		assert_int_equal(one.seen, cut);
	}
}

static void bytes_behind_the_request_are_left(void **state)
{
	static const char text[] = GOOD "\r\n\x81\x80";
	struct ws_reader  r = {0};
	enum reason       why;
	size_t            consumed;

	(void)state;
	assert_int_equal(ask(&r, &any, text, sizeof(text) - 1, &consumed, &why), WS_ITEM);
	assert_int_equal(consumed, sizeof(text) - 1 - 2);
	assert_int_equal(r.seen, 0);
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const texts[] = {
		"GET  / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.0\r\n" HOST UPGRADE KEY OFFER         VERSION "\r\n",
		"GET / HTTP/2.0\r\n" HOST UPGRADE KEY OFFER         VERSION "\r\n",
		"GET / HTTP/1.1 \r\n" HOST UPGRADE KEY OFFER        VERSION "\r\n",
		"GET /\xc3\xa4 HTTP/1.1\r\n" HOST UPGRADE KEY OFFER VERSION "\r\n",
		"GET\r\n\r\n",
		"REGISTER sip:example.org SIP/2.0\r\nVia: x\r\n\r\n",
		"GET / HTTP/1.1\r\n" UPGRADE KEY OFFER           VERSION "\r\n", /* no Host */
		"GET / HTTP/1.1\r\n" HOST HOST UPGRADE KEY OFFER VERSION "\r\n", /* two */
		GOOD "no colon\r\n\r\n",
		GOOD "Bad Name: x\r\n\r\n",
		GOOD "X: one\r\n two\r\n\r\n",
		GOOD ": x\r\n\r\n",
		GOOD "Content-Length: 5\r\n\r\n",
		GOOD "Transfer-Encoding: chunked\r\n\r\n",
		GOOD "Origin: http://a\r\nOrigin: http://b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_refused(texts[i], REASON_WS_REQUEST, "400 Bad Request");
}

static void each_demand_that_is_not_met_has_its_status(void **state)
{
	(void)state;
	assert_refused("POST / HTTP/1.1\r\n" HOST UPGRADE KEY OFFER VERSION "\r\n",
		       REASON_WS_METHOD, "405 Method Not Allowed");
	assert_non_null(strstr(answer, "\r\nAllow: GET\r\n"));
	assert_refused("GET / HTTP/1.1\r\n" HOST "\r\n", REASON_WS_UPGRADE, "426 Upgrade Required");
	assert_non_null(strstr(answer, "\r\nUpgrade: websocket\r\n"));
	assert_refused("GET / HTTP/1.1\r\n" HOST
		       "Upgrade: websocket\r\nConnection: close\r\n" KEY OFFER VERSION "\r\n",
		       REASON_WS_UPGRADE, "426 Upgrade Required");
	assert_refused("GET / HTTP/1.1\r\n" HOST UPGRADE KEY OFFER
		       "Sec-WebSocket-Version: 8\r\n\r\n",
		       REASON_WS_VERSION, "426 Upgrade Required");
	assert_non_null(strstr(answer, "\r\nSec-WebSocket-Version: 13\r\n"));
	assert_refused("GET / HTTP/1.1\r\n" HOST UPGRADE KEY OFFER "\r\n", REASON_WS_VERSION,
		       "426 Upgrade Required");
	assert_refused("GET / HTTP/1.1\r\n" HOST UPGRADE OFFER VERSION "\r\n", REASON_WS_KEY,
		       "400 Bad Request");
	assert_refused("GET / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", REASON_WS_SUBPROTOCOL,
		       "400 Bad Request");
	assert_refused("GET / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION
		       "Sec-WebSocket-Protocol: SIP, sips, xmpp\r\n\r\n",
		       REASON_WS_SUBPROTOCOL, "400 Bad Request");
}

static void a_key_is_sixteen_bytes(void **state)
{
	static const char *const keys[] = {"",
					   "dGhlIHNhbXBsZSBub25jZQ",
					   "dGhlIHNhbXBsZSBub25jZQ=",
					   "dGhlIHNhbXBsZSBub25jZR==", /* bits that no byte has */
					   "dGhlIHNhbXBsZSBub25jZWE=", /* seventeen */
					   "dGhlIHNhbXBsZSBub25j",
					   "!GhlIHNhbXBsZSBub25jZQ=="};
	char                     text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text),
			 "GET / HTTP/1.1\r\n" HOST UPGRADE OFFER VERSION
			 "Sec-WebSocket-Key: %s\r\n\r\n",
			 keys[i]);
		assert_refused(text, REASON_WS_KEY, "400 Bad Request");
	}
	assert_refused(GOOD KEY "\r\n", REASON_WS_KEY, "400 Bad Request");
}

static void listed_origins_come_in_and_others_do_not(void **state)
{
	static const char *const listed[] = {"https://chat.example.org", "http://localhost:8000"};
	const struct ws_rules    rules = {
		   .subprotocol = any.subprotocol, .origins = listed, .origin_count = 2};

	(void)state;
	assert_taken_by(&rules, GOOD "Origin: https://chat.example.org\r\n\r\n");
	assert_taken_by(&rules, GOOD "Origin: HTTP://LOCALHOST:8000\r\n\r\n");
	assert_taken_by(&rules, GOOD "\r\n"); /* no browser */
	assert_refused_by(&rules, GOOD "Origin: https://chat.example.org.evil.example\r\n\r\n",
			  REASON_WS_ORIGIN, "403 Forbidden");
	assert_refused_by(&rules, GOOD "Origin: null\r\n\r\n", REASON_WS_ORIGIN, "403 Forbidden");
}

static void a_head_over_the_limit_is_refused_and_one_at_it_is_not(void **state)
{
	char             text[WS_REQUEST_SIZE_MAX + 1];
	size_t           n;
	struct ws_reader r = {0};
	enum reason      why;
	size_t           consumed;

	(void)state;
	strcpy(text, GOOD "X: ");
	n = strlen(text);
	memset(text + n, 'a', sizeof(text) - n);
	memcpy(text + WS_REQUEST_SIZE_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(ask(&r, &any, text, WS_REQUEST_SIZE_MAX, &consumed, &why), WS_ITEM);
	memcpy(text + WS_REQUEST_SIZE_MAX - 4, "a\r\n\r", 4);
	text[WS_REQUEST_SIZE_MAX] = '\n';
	r = (struct ws_reader){0};
	assert_int_equal(ask(&r, &any, text, sizeof(text), &consumed, &why), WS_BAD);
	assert_int_equal(why, REASON_WS_HEAD_SIZE);
	assert_non_null(strstr(answer, "HTTP/1.1 431 "));
}

static void other_protocols_are_refused_before_their_end(void **state)
{
	static const struct str starts[] = {
		{"\x16\x03\x01", 3}, /* TLS */
		{"\0", 1},           {"GET / HTTP/1.1\n", 15}, {"GET / HTTP/1.1\rx", 16},
		{"\r\n", 2},         {"GET /\x7f", 6},         {"G\x80", 2},
		{" GET", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct ws_reader r = {0};
		enum reason      why = REASON_NONE;
		size_t           consumed;
		enum ws_pull     pull = ask(&r, &any, starts[i].p, starts[i].n, &consumed, &why);

		if (starts[i].p[0] == 'G' && (uint8_t)starts[i].p[1] == 0x80) {
			assert_int_equal(pull, WS_MORE); /* a value may have it */
			continue;
		}
		assert_int_equal(pull, WS_BAD);
		assert_int_equal(why, REASON_WS_REQUEST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_of_the_standard_has_its_answer),
		cmocka_unit_test(what_browsers_and_proxies_write_is_taken),
		cmocka_unit_test(a_request_cut_at_any_byte_waits_for_more),
		cmocka_unit_test(bytes_behind_the_request_are_left),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(each_demand_that_is_not_met_has_its_status),
		cmocka_unit_test(a_key_is_sixteen_bytes),
		cmocka_unit_test(listed_origins_come_in_and_others_do_not),
		cmocka_unit_test(a_head_over_the_limit_is_refused_and_one_at_it_is_not),
		cmocka_unit_test(other_protocols_are_refused_before_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
