#include "sip/mime.h"

#include "sip/lex.h"

static bool control(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

bool sip_mime_line(struct cur *in, struct str *line)
{
	const uint8_t *start = in->p;
	size_t         n = 0;

	while (n < cur_left(in) && !control(start[n]))
		n++;
	*line = (struct str){(const char *)start, n};
	cur_bytes(in, n);
	return cur_be16(in) == ('\r' << 8 | '\n') && !in->failed ? true
								 : (in->failed = true, false);
}

static bool header_read(struct cur *in, struct sip_mime_header *h)
{
	struct str line, more;
	size_t     n = 0;

	if (!sip_mime_line(in, &line))
		return false;
	while (n < line.n && sip_is((uint8_t)line.p[n], SIP_CLASS_TOKEN))
		n++;
	if (n == 0 || n == line.n || line.p[n] != ':') {
		in->failed = true;
		return false;
	}
	h->name = (struct str){line.p, n};
	while (cur_left(in) > 0 && (*in->p == ' ' || *in->p == '\t')) {
		if (!sip_mime_line(in, &more))
			return false;
		line.n = (size_t)(more.p + more.n - line.p);
	}
	h->value = sip_trim(str_skip(line, n + 1));
	return true;
}

bool sip_mime_next(struct str *headers, struct sip_mime_header *h)
{
	struct cur in;

	if (headers->n == 0)
		return false;
	in = cur_of(headers->p, headers->n);
	if (!header_read(&in, h))
		return false;
	*headers = (struct str){(const char *)in.p, cur_left(&in)};
	return true;
}

enum sip_mime_encoding sip_mime_encoding_of(struct str value)
{
	if (value.n == 0 || sip_same(value, STR("7bit")) || sip_same(value, STR("8bit")) ||
	    sip_same(value, STR("binary")))
		return SIP_MIME_IDENTITY;
	if (sip_same(value, STR("base64")))
		return SIP_MIME_BASE64;
	return sip_same(value, STR("quoted-printable")) ? SIP_MIME_QUOTED : SIP_MIME_UNKNOWN;
}

/* Headers that have a field, or are made anew: each may stand once. */
enum known { TYPE, ID, DISPOSITION, ENCODING, LENGTH, KNOWN_COUNT };

static const struct str known_names[KNOWN_COUNT] = {
	[TYPE] = {"Content-Type", 12},
	[ID] = {"Content-ID", 10},
	[DISPOSITION] = {"Content-Disposition", 19},
	[ENCODING] = {"Content-Transfer-Encoding", 25},
	[LENGTH] = {"Content-Length", 14},
};

static enum known known_of(struct str name)
{
	unsigned i = 0;

	while (i < KNOWN_COUNT && !sip_same(name, known_names[i]))
		i++;
	return (enum known)i;
}

enum sip_body sip_mime_parse(struct cur *in, struct sip_mime *m)
{
	struct str  field[KNOWN_COUNT + 1] = {{NULL, 0}};
	const char *start = (const char *)in->p;
	unsigned    count = 0;

	*m = (struct sip_mime){.headers = {start, 0}};
	while (cur_left(in) > 0 && *in->p != '\r') {
		struct sip_mime_header h;
		enum known             known;

		if (!header_read(in, &h))
			return SIP_BODY_SYNTAX;
		if (++count > SIP_MIME_HEADERS_MAX)
			return SIP_BODY_LIMIT;
		known = known_of(h.name);
		if (known < KNOWN_COUNT && field[known].p != NULL)
			return SIP_BODY_REPEATED;
		field[known] = h.value;
	}
	m->type = field[TYPE];
	m->id = field[ID];
	m->disposition = field[DISPOSITION];
	m->encoding = sip_mime_encoding_of(field[ENCODING]);
	m->headers.n = (size_t)((const char *)in->p - start);
	if (cur_left(in) == 0)
		return SIP_BODY_MISSING;
	return cur_be16(in) == ('\r' << 8 | '\n') && !in->failed ? SIP_BODY_OK : SIP_BODY_SYNTAX;
}

void sip_mime_header_put(struct put *w, struct str name, struct str value)
{
	w->failed |= !sip_lex_all(name, SIP_CLASS_TOKEN);
	put_str(w, name);
	put_str(w, STR(": "));
	for (size_t i = 0; i < value.n; i++) {
		bool fold = i + 2 < value.n && value.p[i] == '\r' && value.p[i + 1] == '\n' &&
			    (value.p[i + 2] == ' ' || value.p[i + 2] == '\t');

		if (fold)
			i += 2;
		w->failed |= control((uint8_t)value.p[i]);
		put_u8(w, (uint8_t)value.p[i]);
	}
	put_str(w, STR("\r\n"));
}

static void field_put(struct put *w, enum known known, struct str value)
{
	if (value.n > 0)
		sip_mime_header_put(w, known_names[known], value);
}

static void length_put(struct put *w, size_t size)
{
	char   digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + size % 10);
	while ((size /= 10) > 0);
	sip_mime_header_put(w, known_names[LENGTH], (struct str){digits + n, sizeof(digits) - n});
}

void sip_mime_put(struct put *w, const struct sip_mime *m, size_t body_size)
{
	struct str             headers = m->headers;
	struct sip_mime_header h;

	field_put(w, TYPE, m->type);
	field_put(w, ID, m->id);
	field_put(w, DISPOSITION, m->disposition);
	if (m->encoding == SIP_MIME_BASE64)
		field_put(w, ENCODING, STR("base64"));
	else if (m->encoding == SIP_MIME_QUOTED)
		field_put(w, ENCODING, STR("quoted-printable"));
	while (sip_mime_next(&headers, &h)) {
		enum known known = known_of(h.name);
		bool plain = m->encoding == SIP_MIME_IDENTITY || m->encoding == SIP_MIME_UNKNOWN;

		if (known == LENGTH)
			length_put(w, body_size);
		else if (known == KNOWN_COUNT)
			sip_mime_header_put(w, h.name, h.value);
		else if (known == ENCODING && plain && sip_mime_encoding_of(h.value) == m->encoding)
			field_put(w, ENCODING, h.value);
	}
}

bool sip_mime_media(const struct sip_mime *m, struct sip_media *media)
{
	return sip_media_parse(m->type.n > 0 ? m->type : STR("text/plain"), media);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static enum sip_body base64_decode(struct str s, struct put *w)
{
	uint32_t bits = 0;
	unsigned digits = 0, padding = 0;

	for (size_t i = 0; i < s.n; i++) {
		int digit = base64_digit(s.p[i]);

		if (memchr(" \t\r\n", s.p[i], 4) != NULL)
			continue;
		if (s.p[i] == '=' && digits >= 2 && digits + ++padding <= 4)
			continue;
		if (digit < 0 || padding > 0)
			return SIP_BODY_SYNTAX;
		bits = bits << 6 | (uint32_t)digit;
		if (++digits < 4)
			continue;
		put_bytes(w,
			  (uint8_t[]){(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits},
			  3);
		digits = 0;
	}
	if (digits + padding != 0 && digits + padding != 4)
		return SIP_BODY_SYNTAX;
	if (digits >= 2)
		put_u8(w, (uint8_t)(bits >> (6 * digits - 8)));
	if (digits == 3)
		put_u8(w, (uint8_t)(bits >> 2));
	return w->failed ? SIP_BODY_LIMIT : SIP_BODY_OK;
}

/* Does nothing but *run blanks stand before the end of the line at the start of s? They are padding
 * of the transport (RFC 2045, 6.7, rule 3). */
static bool line_over(struct str s, size_t *run)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	*run = n;
	return n == s.n || str_starts(str_skip(s, n), STR("\r\n"));
}

static enum sip_body quoted_decode(struct str s, struct put *w)
{
	while (s.n > 0) {
		bool   escape = s.p[0] == '=';
		size_t run;
		bool   over = line_over(str_skip(s, escape), &run);

		if (!escape && run > 0) {
			put_bytes(w, s.p, over ? 0 : run);
			s = str_skip(s, run);
		} else if (!escape) {
			put_u8(w, (uint8_t)s.p[0]);
			s = str_skip(s, 1);
		} else if (over) { /* a soft line break */
			s = str_skip(s, 1 + run + 2);
		} else if (s.n >= 3 && str_hex(s.p[1]) >= 0 && str_hex(s.p[2]) >= 0) {
			put_u8(w, (uint8_t)(str_hex(s.p[1]) << 4 | str_hex(s.p[2])));
			s = str_skip(s, 3);
		} else {
			return SIP_BODY_SYNTAX;
		}
	}
	return w->failed ? SIP_BODY_LIMIT : SIP_BODY_OK;
}

enum sip_body sip_mime_decode(enum sip_mime_encoding encoding, struct str bytes, struct put *w)
{
	switch (encoding) {
	case SIP_MIME_IDENTITY:
		put_str(w, bytes);
		return w->failed ? SIP_BODY_LIMIT : SIP_BODY_OK;
	case SIP_MIME_BASE64:
		return base64_decode(bytes, w);
	case SIP_MIME_QUOTED:
		return quoted_decode(bytes, w);
	case SIP_MIME_UNKNOWN:
		break;
	}
	return SIP_BODY_SYNTAX;
}
