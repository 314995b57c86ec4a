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
		while ((n = message_size(p)) > 0) {
			keep(p, p->in, n);
			memmove(p->in, p->in + n, p->in_size - n);
			p->in_size -= n;
		}
		size = tcp_peek(p->host->tcp, p->tcp, 1, &in);
	}
	if ((p->msrp || p->chat) && p->open && tcp_read_ended(p->host->tcp, p->tcp)) {
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
	if (event->kind == TCP_EVENT_CONNECTED || event->kind == TCP_EVENT_ACCEPTED)
		p->open = true;
	else if (event->kind == TCP_EVENT_READABLE)
		phone_read(p);
	else if (event->kind == TCP_EVENT_CLOSED)
		p->open = false;
}

static void send_bytes(struct phone *p, const char *bytes, size_t n)
{
	if (p->port != 0)
		host_udp_send(p->host, p->port, 5060, bytes, n);
	else
		ASSERT(tcp_send(p->host->tcp, p->tcp, bytes, n) == n);
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
