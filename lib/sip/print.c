#include "sip/print.h"

#include <arpa/inet.h>

#include "base/assert.h"

static void fail(struct put *w)
{
	w->failed = true;
}

static bool control(uint8_t b)
{
	return (b < ' ' && b != '\t') || b == 0x7f;
}

static const uint8_t *control_find(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p += SIP_PART) {
		size_t   left = (size_t)(end - p);
		sip_part x = sip_part_at(p, left);
		uint32_t bits = SIP_PART_BITS(((x < ' ') & (x != '\t')) | (x == 0x7f));
		unsigned at = sip_part_first(bits, left);

		if (at < SIP_PART)
			return p + at;
	}
	return end;
}

/* Text without control characters, which most is, is copied while it is looked at; what a part has
 * too much is overwritten by what comes next. False: nothing was written. */
static inline bool put_plain(struct put *w, struct str text)
{
	const uint8_t *p = (const uint8_t *)text.p;

	if (w->failed || put_room(w) < text.n + SIP_PART)
		return false;
	for (size_t at = 0; at < text.n; at += SIP_PART) {
		size_t   left = text.n - at;
		sip_part x = sip_part_at(p + at, left);
		uint32_t bits = SIP_PART_BITS(((x < ' ') & (x != '\t')) | (x == 0x7f));

		if ((left < SIP_PART ? bits & ((1u << left) - 1) : bits) != 0)
			return false;
		memcpy(w->p + at, &x, sizeof(x));
	}
	w->p += text.n;
	return true;
}

static __attribute__((noinline)) void put_any(struct put *w, struct str text)
{
	struct cur c = sip_cur(text);
	bool       checked = false;

	while (cur_left(&c) > 0) {
		const uint8_t *start = c.p;

		c.p = control_find(c.p, c.end);
		put_bytes(w, start, (size_t)(c.p - start));
		if (cur_left(&c) == 0)
			return;
		if (!checked && !sip_controls_quoted(text)) {
			fail(w);
			return;
		}
		checked = true;
		if (*c.p == '\r') {
			sip_lex_space(&c);
			put_u8(w, ' ');
		} else {
			put_u8(w, cur_u8(&c));
		}
	}
}

/* The one place where text goes into a line. A fold becomes one SP; other control characters pass
 * only as quoted pairs, and CR and LF are never part of one. */
void sip_put_text(struct put *w, struct str text)
{
	if (!put_plain(w, text))
		put_any(w, text);
}

void sip_put_token(struct put *w, struct str token)
{
	if (!sip_class_put(w, token, SIP_CLASS_TOKEN))
		fail(w);
}

struct str sip_flow_text(const struct flow *f, char room[SIP_FLOW_TEXT_SIZE])
{
	const uint8_t *b = (const uint8_t *)f->address;
	char          *to = room;

	if (f->ip6)
		return inet_ntop(AF_INET6, b, room, SIP_FLOW_TEXT_SIZE) != NULL ? str_of(room)
										: STR("");
	for (unsigned i = 0; i < 4; i++) { /* inet_ntop() goes through printf() */
		if (b[i] >= 100)
			*to++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*to++ = (char)('0' + b[i] / 10 % 10);
		*to++ = (char)('0' + b[i] % 10);
		*to++ = '.';
	}
	return (struct str){room, (size_t)(to - room) - 1};
}

void sip_put_request(struct put *w, struct str method, struct str uri)
{
	sip_put_token(w, method);
	put_u8(w, ' ');
	if (!sip_class_put(w, uri, SIP_CLASS_URI))
		fail(w);
	put_str(w, STR(" SIP/2.0\r\n"));
}

#define NUMBER_DIGITS 3u

/* A number, most of which are small, and up to four bytes after it. */
static inline void put_number_and(struct put *w, uint32_t number, struct str after)
{
	unsigned n = 1u + (number > 9) + (number > 99);
	uint64_t word =
		('0' + number % 10) << 16 | ('0' + number / 10 % 10) << 8 | ('0' + number / 100);
	uint32_t rest = 0;

	if (number > 999) {
		put_number(w, number);
		put_str(w, after);
		return;
	}
	memcpy(&rest, after.p, after.n);
	word = word >> 8 * (NUMBER_DIGITS - n) | (uint64_t)rest << 8 * n;
	put_padded(w, &word, n + after.n, sizeof(word));
}

void sip_put_response(struct put *w, unsigned status, struct str reason)
{
	ASSERT(status >= 100 && status <= 699);
	put_str(w, STR("SIP/2.0 "));
	put_number_and(w, status, STR(" "));
	sip_put_text(w, reason);
	sip_put_header_end(w);
}

void sip_put_header(struct put *w, enum sip_header_id id, struct str value)
{
	sip_put_header_begin(w, id);
	sip_put_text(w, value);
	sip_put_header_end(w);
}

void sip_put_header_named(struct put *w, struct str name, struct str value)
{
	sip_put_token(w, name);
	put_str(w, STR(": "));
	sip_put_text(w, value);
	sip_put_header_end(w);
}

void sip_put_header_number(struct put *w, enum sip_header_id id, uint32_t number)
{
	sip_put_header_begin(w, id);
	put_number_and(w, number, STR("\r\n"));
}

void sip_put_headers_of(struct put *w, const struct sip_message *m, enum sip_header_id id)
{
	for (uint8_t slot = m->first[id]; slot != SIP_NO_SLOT; slot = m->headers[slot].next)
		sip_put_header(w, id, m->headers[slot].value);
}

/* Bytes of a request that go on as they are, gathered as long as they lie one after the other. */
struct run {
	struct put *w;
	struct str  bytes;
};

static void run_flush(struct run *r)
{
	put_str(r->w, r->bytes);
	r->bytes.n = 0;
}

static void run_add(struct run *r, const char *from, const char *to)
{
	if (r->bytes.n > 0 && r->bytes.p + r->bytes.n == from) {
		r->bytes.n += (size_t)(to - from);
		return;
	}
	run_flush(r);
	r->bytes = (struct str){from, (size_t)(to - from)};
}

/* All lines of an id, each followed by the tag where there is one. */
static void run_lines(struct run *r, const struct sip_message *m, enum sip_header_id id,
		      struct str tag)
{
	for (uint8_t slot = m->first[id]; slot != SIP_NO_SLOT; slot = m->headers[slot].next) {
		const struct sip_header *h = &m->headers[slot];
		const char              *end = h->value.p + h->value.n;

		if (h->plain) {
			run_add(r, h->name.p, end);
		} else {
			run_flush(r);
			sip_put_header_begin(r->w, id);
			sip_put_text(r->w, h->value);
		}
		if (tag.n > 0) {
			run_flush(r);
			put_str(r->w, STR(";tag="));
			sip_put_token(r->w, tag);
		}
		if (h->plain)
			run_add(r, end, end + 2);
		else
			sip_put_header_end(r->w);
	}
}

void sip_put_quoted(struct put *w, struct str text)
{
	put_u8(w, '"');
	for (size_t i = 0; i < text.n; i++) {
		uint8_t b = (uint8_t)text.p[i];

		if (control(b))
			fail(w);
		if (b == '"' || b == '\\')
			put_u8(w, '\\');
		put_u8(w, b);
	}
	put_u8(w, '"');
}

void sip_put_user(struct put *w, struct str user)
{
	static const char digits[] = "0123456789ABCDEF";

	if (sip_class_put(w, user, SIP_CLASS_USER))
		return;
	if (user.n == 0)
		fail(w);
	for (size_t i = 0; i < user.n; i++) {
		uint8_t b = (uint8_t)user.p[i];

		if (sip_is(b, SIP_CLASS_USER)) {
			put_u8(w, b);
			continue;
		}
		put_u8(w, '%');
		put_u8(w, (uint8_t)digits[b >> 4]);
		put_u8(w, (uint8_t)digits[b & 15]);
	}
}

void sip_put_host(struct put *w, const struct sip_host *host)
{
	bool ip6 = host->kind == SIP_HOST_IP6;

	ASSERT_HOT(host->kind != SIP_HOST_NONE);
	if (ip6)
		put_u8(w, '[');
	put_str(w, host->text);
	if (ip6)
		put_u8(w, ']');
}

void sip_put_name_addr(struct put *w, struct str display, struct str uri)
{
	if (display.n > 0) {
		sip_put_quoted(w, display);
		put_u8(w, ' ');
	}
	put_u8(w, '<');
	if (!sip_class_put(w, uri, SIP_CLASS_URI))
		fail(w);
	put_u8(w, '>');
}

void sip_put_via_begin(struct put *w, enum sip_transport transport, const struct sip_host *host,
		       uint16_t port)
{
	ASSERT(transport < SIP_TRANSPORT_OTHER);
	sip_put_header_begin(w, SIP_VIA);
	put_str(w, STR("SIP/2.0/"));
	put_str(w, str_of(sip_transport_name(transport)));
	put_u8(w, ' ');
	sip_put_host(w, host);
	if (port > 0) {
		put_u8(w, ':');
		put_number(w, port);
	}
	put_str(w, STR(";branch="));
}

void sip_put_via(struct put *w, enum sip_transport transport, const struct sip_host *host,
		 uint16_t port, struct str branch, bool rport)
{
	sip_put_via_begin(w, transport, host, port);
	sip_put_token(w, branch);
	if (rport)
		put_str(w, STR(";rport"));
	sip_put_header_end(w);
}

void sip_put_cseq(struct put *w, uint32_t number, struct str method)
{
	sip_put_header_begin(w, SIP_CSEQ);
	put_number_and(w, number, STR(" "));
	sip_put_token(w, method);
	sip_put_header_end(w);
}

/* plain: of a line without control characters. */
static void put_params(struct put *w, struct str params, bool plain)
{
	if (plain)
		put_str(w, params);
	else
		sip_put_text(w, params);
}

/* The parameters up to one that we write ourselves; *rest is what follows that. */
static void put_before(struct put *w, struct str *rest, struct str ours, bool plain)
{
	if (ours.n == 0)
		return;
	put_params(w, (struct str){rest->p, (size_t)(ours.p - rest->p)}, plain);
	*rest = str_skip(*rest, (size_t)(ours.p - rest->p) + ours.n);
}

static void put_sent(struct put *w, const struct sip_via *via)
{
	put_str(w, STR("SIP/2.0/"));
	sip_put_token(w, via->transport_text);
	put_u8(w, ' ');
	sip_put_host(w, &via->host);
	if (via->has_port) {
		put_u8(w, ':');
		put_number(w, via->port);
	}
}

/* The top element again, with what we know of the source in place of what the peer says of it. */
static void put_top_via(struct put *w, const struct sip_via *via, bool plain, struct str source,
			uint16_t source_port)
{
	struct str rest = via->params_good;
	bool       swap = via->rport_text.n > 0 && via->rport_text.p < via->received_text.p;

	if (via->sent.n > 0)
		put_str(w, via->sent);
	else
		put_sent(w, via);
	if (source.n == 0) {
		put_params(w, rest, plain);
		return;
	}
	put_before(w, &rest, swap ? via->rport_text : via->received_text, plain);
	put_before(w, &rest, swap ? via->received_text : via->rport_text, plain);
	put_params(w, rest, plain);
	put_str(w, STR(";received="));
	sip_put_text(w, source);
	if (via->has_rport) {
		put_str(w, STR(";rport="));
		put_number(w, source_port);
	}
}

/* Of a list that is wrong, those before the fault: the top one alone says whither. */
static void put_other_vias(struct put *w, const struct sip_message *request, unsigned count)
{
	struct sip_list l;
	struct str      element;

	sip_list_init(&l, request, SIP_VIA);
	for (unsigned i = 0; i < count && sip_list_next(&l, &element); i++) {
		if (i > 0)
			sip_put_header(w, SIP_VIA, element);
	}
}

void sip_put_response_fields(struct put *w, const struct sip_message *request,
			     const struct sip_mandatory *known, struct str source,
			     uint16_t source_port, struct str to_tag)
{
	struct run r = {w, STR("")};

	sip_put_header_begin(w, SIP_VIA);
	put_top_via(w, &known->via, request->headers[request->first[SIP_VIA]].plain, source,
		    source_port);
	sip_put_header_end(w);
	if (known->via_count > 1)
		put_other_vias(w, request, known->via_count);
	run_lines(&r, request, SIP_FROM, STR(""));
	run_lines(&r, request, SIP_TO, known->to.tag.n == 0 ? to_tag : STR(""));
	run_lines(&r, request, SIP_CALL_ID, STR(""));
	run_lines(&r, request, SIP_CSEQ, STR(""));
	run_flush(&r);
}

void sip_put_body(struct put *w, struct str type, const void *body, size_t n)
{
	if (type.n > 0)
		sip_put_header(w, SIP_CONTENT_TYPE, type);
	sip_put_header_number(w, SIP_CONTENT_LENGTH, (uint32_t)n);
	sip_put_header_end(w);
	put_bytes(w, body, n);
}
