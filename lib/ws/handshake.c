/* Kept from OpenSSL 1.1 because it allocates nothing: EVP makes a context on the heap, and workers
 * call this. */
#define OPENSSL_API_COMPAT 0x10100000L

/* The opening handshake (RFC 6455, 4.2), over HTTP/1.1 (RFC 9112). */
#include <openssl/sha.h>

#include "base/base64.h"
#include "ws/ws.h"

#define VERSION "13"
#define KEY_SIZE 16u                                /* bytes, of base 64 */
#define KEY_TEXT_SIZE 24u                           /* so many characters */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* 1.3 */

/* The header fields that count, as far as they came; several lines are several calls. */
struct request {
	struct str method, key, origin;
	unsigned   hosts, keys, versions, origins;
	bool       wants_websocket, wants_upgrade, has_body, is_13, offers;
};

struct refusal {
	enum reason why;
	struct str  status; /* "400 Bad Request" */
	struct str  lines;  /* header fields of it */
};

static const struct refusal refusals[] = {
	{REASON_WS_REQUEST, {"400 Bad Request", 15}, {"", 0}},
	{REASON_WS_KEY, {"400 Bad Request", 15}, {"", 0}},
	{REASON_WS_SUBPROTOCOL, {"400 Bad Request", 15}, {"", 0}},
	{REASON_WS_ORIGIN, {"403 Forbidden", 13}, {"", 0}},
	{REASON_WS_METHOD, {"405 Method Not Allowed", 22}, {"Allow: GET\r\n", 12}},
	{REASON_WS_UPGRADE, {"426 Upgrade Required", 20}, {"Upgrade: websocket\r\n", 20}},
	{REASON_WS_VERSION,
	 {"426 Upgrade Required", 20},
	 {"Upgrade: websocket\r\nSec-WebSocket-Version: " VERSION "\r\n", 47}},
	{REASON_WS_HEAD_SIZE, {"431 Request Header Fields Too Large", 35}, {"", 0}},
};

static void refusal_put(struct put *w, enum reason why)
{
	const struct refusal *r = refusals;
	struct str            text = str_of(reason_text(why));

	while (r->why != why)
		r++;
	put_str(w, STR("HTTP/1.1 "));
	put_str(w, r->status);
	put_str(w, STR("\r\n"));
	put_str(w, r->lines);
	put_str(w, STR("Connection: close\r\nContent-Type: text/plain\r\nContent-Length: "));
	put_number(w, text.n + 1);
	put_str(w, STR("\r\n\r\n"));
	put_str(w, text);
	put_u8(w, '\n');
}

static bool is_token_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c > ' ' && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_token_char((uint8_t)s.p[i]))
			return false;
	}
	return s.n > 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct str trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Up to the character, which is taken, too, or all. */
static struct str split(struct str *s, char at)
{
	const char *found = s->n > 0 ? memchr(s->p, at, s->n) : NULL;
	struct str  first = {s->p, found != NULL ? (size_t)(found - s->p) : s->n};

	*s = str_skip(*s, first.n + 1);
	return first;
}

static bool list_has(struct str list, struct str wanted, bool any_case)
{
	while (list.n > 0) {
		struct str element = trim(split(&list, ','));

		if (any_case ? str_eq_nocase(element, wanted) : str_eq(element, wanted))
			return true;
	}
	return false;
}

static void field_read(struct request *q, struct str name, struct str value, struct str subprotocol)
{
	if (str_eq_nocase(name, STR("Host"))) {
		q->hosts++;
	} else if (str_eq_nocase(name, STR("Upgrade"))) {
		q->wants_websocket |= list_has(value, STR("websocket"), true);
	} else if (str_eq_nocase(name, STR("Connection"))) {
		q->wants_upgrade |= list_has(value, STR("upgrade"), true);
	} else if (str_eq_nocase(name, STR("Sec-WebSocket-Key"))) {
		q->keys++;
		q->key = value;
	} else if (str_eq_nocase(name, STR("Sec-WebSocket-Version"))) {
		q->versions++;
		q->is_13 = str_eq(value, STR(VERSION));
	} else if (str_eq_nocase(name, STR("Sec-WebSocket-Protocol"))) {
		q->offers |= list_has(value, subprotocol, false);
	} else if (str_eq_nocase(name, STR("Origin"))) {
		q->origins++;
		q->origin = value;
	} else if (str_eq_nocase(name, STR("Transfer-Encoding")) ||
		   (str_eq_nocase(name, STR("Content-Length")) && !str_eq(value, STR("0")))) {
		q->has_body = true;
	}
}

/* GET SP target SP HTTP/1.1 */
static bool start_line_read(struct request *q, struct str line)
{
	struct str target;

	q->method = split(&line, ' ');
	target = split(&line, ' ');
	if (!is_token(q->method) || target.n == 0)
		return false;
	for (size_t i = 0; i < target.n; i++) {
		if ((uint8_t)target.p[i] <= ' ' || (uint8_t)target.p[i] >= 0x7f)
			return false;
	}
	return line.n == 8 && str_starts(line, STR("HTTP/1.")) && line.p[7] >= '1' &&
	       line.p[7] <= '9';
}

/* The head without its empty line; each line ends with CRLF, and nothing else is a control
 * character. */
static bool head_read(struct request *q, struct str head, struct str subprotocol)
{
	struct str line = split(&head, '\n');

	line.n--;
	if (!start_line_read(q, line))
		return false;
	while (head.n > 0) {
		struct str name;

		line = split(&head, '\n');
		line.n--;
		if (memchr(line.p, ':', line.n) == NULL)
			return false;
		name = split(&line, ':');
		if (!is_token(name)) /* nor a line that goes on from the one before */
			return false;
		field_read(q, name, trim(line), subprotocol);
	}
	return true;
}

static bool is_key(struct str key)
{
	uint8_t    bytes[KEY_SIZE];
	struct put w = put_to(bytes, sizeof(bytes));

	return key.n == KEY_TEXT_SIZE && base64_parse(key, &w) && put_size(&w) == KEY_SIZE;
}

static bool may_origin(const struct ws_rules *rules, const struct request *q)
{
	bool listed = rules->origin_count == 0 || q->origins == 0;

	for (unsigned i = 0; i < rules->origin_count && !listed; i++)
		listed = str_eq_nocase(str_of(rules->origins[i]), q->origin);
	return listed;
}

/* What is wrong, the plainest first. */
static enum reason request_check(const struct request *q, const struct ws_rules *rules)
{
	if (q->hosts != 1 || q->origins > 1 || q->has_body)
		return REASON_WS_REQUEST;
	if (!str_eq(q->method, STR("GET")))
		return REASON_WS_METHOD;
	if (!q->wants_websocket || !q->wants_upgrade)
		return REASON_WS_UPGRADE;
	if (q->versions != 1 || !q->is_13)
		return REASON_WS_VERSION;
	if (q->keys != 1 || !is_key(q->key))
		return REASON_WS_KEY;
	if (!q->offers)
		return REASON_WS_SUBPROTOCOL;
	return may_origin(rules, q) ? REASON_NONE : REASON_WS_ORIGIN;
}

/* 4.2.2, step 5. */
static void accept_put(struct put *w, struct str key, struct str subprotocol)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	SHA_CTX sha;

	SHA1_Init(&sha);
	SHA1_Update(&sha, key.p, key.n);
	SHA1_Update(&sha, GUID, sizeof(GUID) - 1);
	SHA1_Final(digest, &sha);
	put_str(w, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Accept: "));
	base64_put(w, digest, sizeof(digest));
	put_str(w, STR("\r\nSec-WebSocket-Protocol: "));
	put_str(w, subprotocol);
	put_str(w, STR("\r\n\r\n"));
}

/* Where the head ends, its empty line included; 0: not yet. What no head has in it is found before
 * the end of it: of another protocol than HTTP, or TLS where none is spoken. */
static size_t head_end(struct ws_reader *r, const struct cur *in, bool *sound)
{
	const uint8_t *p = in->p;
	size_t         n = cur_left(in) < WS_REQUEST_SIZE_MAX ? cur_left(in) : WS_REQUEST_SIZE_MAX;

	*sound = n == 0 || is_token_char(p[0]);
	for (size_t i = r->seen; i < n && *sound; i++) {
		if (p[i] == '\n') {
			*sound = i > 0 && p[i - 1] == '\r';
			if (i >= 3 && p[i - 2] == '\n')
				return *sound ? i + 1 : 0;
		} else {
			*sound = (p[i] >= ' ' || p[i] == '\t' || p[i] == '\r') && p[i] != 0x7f &&
				 (i == 0 || p[i - 1] != '\r');
		}
	}
	r->seen = (uint32_t)n;
	return 0;
}

static enum ws_pull refuse(struct put *answer, enum reason *why, enum reason what)
{
	*why = what;
	refusal_put(answer, what);
	return WS_BAD;
}

enum ws_pull ws_request_next(struct ws_reader *r, struct cur *in, const struct ws_rules *rules,
			     struct put *answer, enum reason *why)
{
	struct request q = {.hosts = 0};
	bool           sound;
	size_t         end = head_end(r, in, &sound);
	enum reason    fault;

	if (!sound)
		return refuse(answer, why, REASON_WS_REQUEST);
	if (end == 0 && r->seen >= WS_REQUEST_SIZE_MAX)
		return refuse(answer, why, REASON_WS_HEAD_SIZE);
	if (end == 0) {
		r->need = r->seen + 1;
		return WS_MORE;
	}
	if (!head_read(&q, (struct str){(const char *)in->p, end - 2}, rules->subprotocol))
		return refuse(answer, why, REASON_WS_REQUEST);
	fault = request_check(&q, rules);
	if (fault != REASON_NONE)
		return refuse(answer, why, fault);
	accept_put(answer, q.key, rules->subprotocol);
	cur_bytes(in, end);
	*r = (struct ws_reader){.opcode = WS_CONTINUATION};
	return WS_ITEM;
}
