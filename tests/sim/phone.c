#include "phone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"

static struct phone phones[PHONES_MAX];
static unsigned     phone_count;

void phones_begin(void)
{
	phone_count = 0;
}

static struct phone *phone_new(struct host *h)
{
	struct phone *p = &phones[phone_count++];

	ASSERT(phone_count <= PHONES_MAX);
	memset(p, 0, sizeof(*p));
	p->host = h;
	return p;
}

struct phone *phone_udp(struct host *h, uint16_t port)
{
	struct phone *p = phone_new(h);

	p->port = port;
	p->open = true;
	host_udp_listen(h, port);
	return p;
}

struct phone *phone_tcp(struct host *h)
{
	struct phone *p = phone_new(h);

	p->tcp = host_tcp_connect(h, 5060, HOST_SESSIONS_MAX + phone_count - 1);
	return p;
}

struct phone *phone_chat_to(struct host *h, uint16_t port)
{
	struct phone *p = phone_new(h);

	p->chat = true;
	p->tcp = host_tcp_connect(h, port, HOST_SESSIONS_MAX + phone_count - 1);
	return p;
}

struct phone *phone_chat(struct host *h)
{
	return phone_chat_to(h, 5222);
}

struct phone *phone_chat_listen(struct host *h, uint16_t port)
{
	struct phone *p = phone_tcp_listen(h, port);

	p->chat = true;
	return p;
}

static void forget_presence(struct phone *p)
{
	static const char end[] = "</presence>";
	char             *from, *to;

	p->in[p->in_size] = '\0';
	while ((from = strstr(p->in, "<presence")) != NULL && (to = strstr(from, end)) != NULL) {
		to += sizeof(end) - 1;
		memmove(from, to, p->in_size - (size_t)(to - p->in) + 1);
		p->in_size -= (size_t)(to - from);
	}
}

void phones_forget_presence(void)
{
	for (unsigned i = 0; i < phone_count; i++) {
		if (phones[i].chat)
			forget_presence(&phones[i]);
	}
}

struct phone *phone_tcp_listen(struct host *h, uint16_t port)
{
	struct phone *p = phone_new(h);

	host_tcp_listen(h, port, HOST_SESSIONS_MAX + phone_count - 1);
	return p;
}

struct phone *phone_msrp(struct host *h, uint16_t port)
{
	struct phone *p = phone_new(h);

	p->msrp = true;
	p->tcp = host_tcp_connect(h, port, HOST_SESSIONS_MAX + phone_count - 1);
	return p;
}

struct phone *phone_msrp_listen(struct host *h, uint16_t port)
{
	struct phone *p = phone_tcp_listen(h, port);

	p->msrp = true;
	return p;
}

static struct phone *ws_to(struct host *h, uint16_t port, const char *subprotocol)
{
	struct phone *p = phone_new(h);

	p->ws = true;
	p->tcp = host_tcp_connect(h, port, HOST_SESSIONS_MAX + phone_count - 1);
	snprintf(p->ws_answer, sizeof(p->ws_answer),
		 "GET /ws HTTP/1.1\r\nHost: 198.18.0.1:%u\r\nUpgrade: websocket\r\n"
		 "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		 "Sec-WebSocket-Protocol: %s\r\nOrigin: http://198.18.0.2\r\n\r\n",
		 port, subprotocol);
	return p;
}

struct phone *phone_ws(struct host *h, const char *handshake)
{
	struct phone *p = ws_to(h, 5080, "sip");

	if (handshake != NULL)
		snprintf(p->ws_answer, sizeof(p->ws_answer), "%s", handshake);
	return p;
}

struct phone *phone_ws_chat(struct host *h)
{
	return ws_to(h, 5280, "xmpp");
}

void phone_reset(struct phone *p)
{
	tcp_close(p->host->tcp, p->tcp, true);
}

static void keep(struct phone *p, const char *bytes, size_t n)
{
	char *room = p->got[(p->got_first + p->got_count) % PHONE_QUEUE];

	ASSERT(p->got_count < PHONE_QUEUE && n < PHONE_TEXT_MAX);
	memcpy(room, bytes, n);
	room[n] = '\0';
	p->got_count++;
	p->total++;
}

void phone_datagram(struct host *h, const struct net_udp_datagram *d)
{
	struct cur bytes = d->bytes;
	size_t     n = cur_left(&bytes);

	for (unsigned i = 0; i < phone_count; i++) {
		if (phones[i].port == d->user)
			keep(&phones[i], (const char *)cur_bytes(&bytes, n), n);
	}
}

/* To the end of the line that has the transaction of the first. */
static size_t chunk_size(const struct phone *p)
{
	char        mark[64];
	const char *end, *transaction = p->in + 5;

	if (strncmp(p->in, "MSRP ", 5) != 0 || strstr(p->in, "\r\n") == NULL)
		return 0;
	snprintf(mark, sizeof(mark), "\r\n-------%.*s", (int)strcspn(transaction, " "),
		 transaction);
	end = strstr(p->in, mark);
	if (end == NULL || strstr(end + 2, "\r\n") == NULL)
		return 0;
	return (size_t)(strstr(end + 2, "\r\n") + 2 - p->in);
}

/* Bytes of the first whole message of a stream; 0: not there yet. */
static size_t message_size(struct phone *p)
{
	const char *end, *length;

	p->in[p->in_size] = '\0';
	if (p->chat)
		return 0;
	if (p->msrp)
		return chunk_size(p);
	end = strstr(p->in, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = phone_header(p->in, "Content-Length");
	if ((size_t)(end + 4 - p->in) + strtoul(length, NULL, 10) > p->in_size)
		return 0;
	return (size_t)(end + 4 - p->in) + strtoul(length, NULL, 10);
}

static size_t ws_frame(struct phone *p)
{
	const uint8_t *in = (const uint8_t *)p->in;
	size_t         n = p->in_size < 2 ? 0 : in[1], head = 2;

	if (n == 126 && p->in_size >= 4) {
		n = (size_t)in[2] << 8 | in[3];
		head = 4;
		ASSERT(n >= 126);
	}
	if (p->in_size < head + n || p->in_size < 2 || (head == 2 && n == 126))
		return 0;
	ASSERT((in[0] & 0xf0) == 0x80 && n < PHONE_TEXT_MAX); /* whole; by a server: no mask */
	if ((in[0] & 0xf) < 8) {
		p->ws_binary += (in[0] & 0xf) == 2;
		keep(p, p->in + head, n);
	} else {
		p->ws_opcode = in[0] & 0xf;
		memcpy(p->ws_control, p->in + head, n);
		p->ws_control[n] = '\0';
	}
	return head + n;
}

/* Takes what is whole at the start of what came; 0: nothing is. */
static size_t ws_take(struct phone *p)
{
	const char *end;

	p->in[p->in_size] = '\0';
	if (p->open)
		return ws_frame(p);
	end = strstr(p->in, "\r\n\r\n");
	if (end == NULL)
		return 0;
	p->open = strncmp(p->in, "HTTP/1.1 101 ", 13) == 0;
	end = p->open ? end + 4 : p->in + p->in_size;
	snprintf(p->ws_answer, sizeof(p->ws_answer), "%.*s", (int)(end - p->in), p->in);
	return (size_t)(end - p->in);
}

static size_t take(struct phone *p)
{
	size_t n;

	if (p->ws)
		return ws_take(p);
	n = message_size(p);
	if (n > 0)
		keep(p, p->in, n);
	return n;
}

static void phone_read(struct phone *p)
{
	struct cur in;
	size_t     n, size = tcp_peek(p->host->tcp, p->tcp, 1, &in);

	while (size > 0) {
		n = cur_left(&in);
		ASSERT(p->in_size + n < sizeof(p->in));
		memcpy(p->in + p->in_size, cur_bytes(&in, n), n);
		p->in_size += n;
		tcp_consume(p->host->tcp, p->tcp, n);
		while ((n = take(p)) > 0) {
			memmove(p->in, p->in + n, p->in_size - n);
			p->in_size -= n;
		}
		size = tcp_peek(p->host->tcp, p->tcp, 1, &in);
	}
	if ((((p->msrp || p->chat) && p->open) || p->ws) && tcp_read_ended(p->host->tcp, p->tcp)) {
		p->open = false;
		tcp_close(p->host->tcp, p->tcp, false);
	}
}

void phone_tcp_event(struct host *h, const struct tcp_event *event)
{
	struct phone *p = &phones[event->user - HOST_SESSIONS_MAX];

	if (event->kind == TCP_EVENT_ACCEPTED && p->open && p->chat) {
		struct phone *next = phone_new(h);

		next->chat = true;
		p->next = next;
		p = next;
		tcp_set_user(h->tcp, event->conn, HOST_SESSIONS_MAX + (uint64_t)(p - phones));
		p->tcp = event->conn;
	} else if (event->kind == TCP_EVENT_ACCEPTED) {
		p->tcp = event->conn;
		tcp_set_user(h->tcp, event->conn, event->user);
	}
	if (event->kind == TCP_EVENT_CONNECTED && p->ws)
		phone_bytes(p, p->ws_answer, strlen(p->ws_answer));
	else if (event->kind == TCP_EVENT_CONNECTED || event->kind == TCP_EVENT_ACCEPTED)
		p->open = true;
	else if (event->kind == TCP_EVENT_READABLE)
		phone_read(p);
	else if (event->kind == TCP_EVENT_CLOSED)
		p->open = false;
}

void phone_bytes(struct phone *p, const void *bytes, size_t n)
{
	ASSERT(tcp_send(p->host->tcp, p->tcp, bytes, n) == n);
}

void phone_ws_frame(struct phone *p, unsigned first_byte, const void *payload, size_t n)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t              frame[PHONE_TEXT_MAX + 8];
	size_t               head = 2;

	frame[0] = (uint8_t)first_byte;
	frame[1] = (uint8_t)(0x80 | (n < 126 ? n : 126));
	if (n >= 126) {
		frame[head++] = (uint8_t)(n >> 8);
		frame[head++] = (uint8_t)n;
	}
	memcpy(frame + head, mask, sizeof(mask));
	head += sizeof(mask);
	for (size_t i = 0; i < n; i++)
		frame[head + i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
	phone_bytes(p, frame, head + n);
}

static void send_frames(struct phone *p, const char *bytes, size_t n)
{
	size_t piece = p->ws_piece > 0 ? p->ws_piece : n;

	for (size_t at = 0; at < n; at += piece) {
		bool last = at + piece >= n;

		phone_ws_frame(p, (last ? 0x80u : 0) | (at == 0 ? 1u : 0), bytes + at,
			       last ? n - at : piece);
	}
}

static void send_bytes(struct phone *p, const char *bytes, size_t n)
{
	if (p->port != 0)
		host_udp_send(p->host, p->port, 5060, bytes, n);
	else if (p->ws)
		send_frames(p, bytes, n);
	else
		phone_bytes(p, bytes, n);
}

void phone_send(struct phone *p, const char *format, ...)
{
	char    text[PHONE_TEXT_MAX];
	va_list arguments;
	int     n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ASSERT(n > 0 && (size_t)n < sizeof(text));
	send_bytes(p, text, (size_t)n);
}

void phone_send_body(struct phone *p, const char *head, const void *body, size_t n)
{
	char text[PHONE_TEXT_MAX];
	int  size = snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n", head, n);

	ASSERT(size > 0 && (size_t)size + n < sizeof(text));
	memcpy(text + size, body, n);
	send_bytes(p, text, (size_t)size + n);
}

const char *phone_take(struct phone *p)
{
	const char *text = p->got[p->got_first];

	if (p->got_count == 0)
		return NULL;
	p->got_first = (p->got_first + 1) % PHONE_QUEUE;
	p->got_count--;
	return text;
}

const char *phone_header(const char *message, const char *name)
{
	static char     rooms[4][512];
	static unsigned next;
	char           *room = rooms[next++ % 4];
	size_t          n = strlen(name);

	for (const char *line = strstr(message, "\r\n"); line != NULL && line[2] != '\r';
	     line = strstr(line + 2, "\r\n")) {
		const char *value = line + 2 + n;

		if (strncasecmp(line + 2, name, n) != 0 || *value != ':')
			continue;
		value += 1 + strspn(value + 1, " ");
		snprintf(room, sizeof(rooms[0]), "%.*s", (int)strcspn(value, "\r"), value);
		return room;
	}
	return "";
}

const char *phone_body(const char *message)
{
	const char *end = strstr(message, "\r\n\r\n");

	return end != NULL ? end + 4 : "";
}

void phone_answer(struct phone *p, const char *request, const char *status, const char *more)
{
	char vias[1024] = "";

	for (const char *line = strstr(request, "\r\n"); line != NULL && line[2] != '\r';
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, "Via:", 4) == 0)
			strncat(vias, line + 2, strcspn(line + 2, "\r") + 2);
	}
	phone_send(p,
		   "SIP/2.0 %s\r\n%sFrom: %s\r\nTo: %s;tag=phone\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		   "%sContent-Length: 0\r\n\r\n",
		   status, vias, phone_header(request, "From"), phone_header(request, "To"),
		   phone_header(request, "Call-ID"), phone_header(request, "CSeq"), more);
}
