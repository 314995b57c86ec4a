#include "sip_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define ADDRESS "+4600000000"
#define NUMBER "0123456789abcdef" /* of a transaction, as 16 hexadecimal digits */

static char *place(struct sip_text *t, const char *after)
{
	char *at = strstr(t->bytes, after);

	ASSERT(at != NULL);
	return at + strlen(after);
}

void sip_text_init(struct sip_text *t, const char *transport, const char *sender, const char *host)
{
	int n = snprintf(t->bytes, sizeof(t->bytes),
			 "MESSAGE sip:" ADDRESS "@%s;user=phone SIP/2.0\r\n"
			 "Via: SIP/2.0/%s %s;rport;branch=z9hG4bK" NUMBER "\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:+4611111111@ims.example.net;user=phone>;tag=" NUMBER "\r\n"
			 "To: <sip:" ADDRESS "@example.org;user=phone>\r\n"
			 "Call-ID: " NUMBER "@ims.example.net\r\n"
			 "CSeq: 1 MESSAGE\r\n"
			 "P-Asserted-Identity: <sip:+4611111111@ims.example.net>\r\n"
			 "Content-Type: text/plain;charset=UTF-8\r\n"
			 "Content-Length: %u\r\n\r\n%*s",
			 host, transport, sender, SIP_TEXT_BODY, (int)SIP_TEXT_BODY, "");

	ASSERT(n > 0 && (size_t)n < sizeof(t->bytes));
	t->size = (size_t)n;
	t->uri = place(t, "MESSAGE sip:");
	t->to = place(t, "To: <sip:");
	t->branch = place(t, "branch=z9hG4bK");
	t->tag = place(t, "tag=");
	t->call = place(t, "Call-ID: ");
	t->body = place(t, "\r\n\r\n");
}

void sip_text_next(struct sip_text *t, const char *to, const char *body, uint64_t number)
{
	char digits[sizeof(NUMBER) - 1];

	for (unsigned i = 0; i < sizeof(digits); i++)
		digits[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
	memcpy(t->uri, to, SIP_TEXT_ADDRESS);
	memcpy(t->to, to, SIP_TEXT_ADDRESS);
	memcpy(t->branch, digits, sizeof(digits));
	memcpy(t->tag, digits, sizeof(digits));
	memcpy(t->call, digits, sizeof(digits));
	memcpy(t->body, body, SIP_TEXT_BODY);
}

static bool begins(const char *line, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static char *append(char *to, const char *bytes, size_t n)
{
	memcpy(to, bytes, n);
	return to + n;
}

size_t sip_text_answer(const char *request, size_t n, char room[SIP_TEXT_MAX])
{
	static const char first[] = "SIP/2.0 200 OK\r\n", last[] = "Content-Length: 0\r\n\r\n",
			  tag[] = ";tag=receiver\r\n";
	const char *end = request + n, *lf;
	char       *w = append(room, first, sizeof(first) - 1);

	ASSERT(n + sizeof(first) + sizeof(last) + sizeof(tag) < SIP_TEXT_MAX);
	for (const char *line = request; line < end && *line != '\r'; line = lf + 1) {
		size_t size;

		lf = memchr(line, '\n', (size_t)(end - line));
		ASSERT(lf != NULL);
		size = (size_t)(lf - line) + 1;
		if (begins(line, size, "To:")) {
			w = append(w, line, size - 2);
			w = append(w, tag, sizeof(tag) - 1);
		} else if (begins(line, size, "Via:") || begins(line, size, "From:") ||
			   begins(line, size, "Call-ID:") || begins(line, size, "CSeq:")) {
			w = append(w, line, size);
		}
	}
	w = append(w, last, sizeof(last) - 1);
	return (size_t)(w - room);
}

unsigned sip_text_status(const char *bytes, size_t n)
{
	unsigned status = 0;

	if (!begins(bytes, n, "SIP/2.0 ") || n < 11)
		return 0;
	for (unsigned i = 8; i < 11; i++)
		status = status * 10 + (unsigned)(bytes[i] - '0');
	return status;
}

size_t sip_text_size(const char *bytes, size_t n)
{
	static const char name[] = "\r\nContent-Length: ";
	const char       *end = memmem(bytes, n, "\r\n\r\n", 4), *length;
	size_t            size;

	if (end == NULL)
		return 0;
	length = memmem(bytes, (size_t)(end - bytes), name, sizeof(name) - 1);
	ASSERT(length != NULL);
	size = (size_t)(end + 4 - bytes) + strtoul(length + sizeof(name) - 1, NULL, 10);
	return size <= n ? size : 0;
}
