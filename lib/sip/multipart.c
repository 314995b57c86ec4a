#include "sip/multipart.h"

#include "sip/lex.h"
#include "sip/value.h"

static bool stop(struct sip_multipart *m, enum sip_body fault)
{
	m->fault = fault;
	return false;
}

/* RFC 2046, 5.1.1: bchars, and no blank at the end. */
static bool boundary_valid(struct str b)
{
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      (c > 0 && strchr("'()+_,-./:=? ", c) != NULL)))
			return false;
	}
	return b.n > 0 && b.n <= SIP_MULTIPART_BOUNDARY_MAX && b.p[b.n - 1] != ' ';
}

struct delimiter {
	size_t size; /* from its dashes up to and with its line end */
	bool   last;
};

/* A delimiter at the start of s: dashes, the boundary, dashes if it is the closing one, padding, a
 * line end (which the closing one may lack at the end of the body). */
static bool delimiter_at(struct str s, struct str boundary, struct delimiter *d)
{
	size_t n = 2 + boundary.n;

	if (!str_starts(s, STR("--")) || !str_starts(str_skip(s, 2), boundary))
		return false;
	d->last = str_starts(str_skip(s, n), STR("--"));
	n += d->last ? 2 : 0;
	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	d->size = n;
	if (n == s.n)
		return d->last;
	d->size = n + 2;
	return str_starts(str_skip(s, n), STR("\r\n"));
}

/* The first delimiter at the start of a line of s; returns where the line before it ends, its line
 * end not counted; SIZE_MAX: none. */
static size_t delimiter_find(struct str s, struct str boundary, struct delimiter *d)
{
	size_t at = 0;

	while (at < s.n) {
		const char *next = memmem(s.p + at, s.n - at, "\r\n--", 4);

		if (next == NULL)
			break;
		at = (size_t)(next - s.p);
		if (delimiter_at(str_skip(s, at + 2), boundary, d))
			return at;
		at += 2;
	}
	return SIZE_MAX;
}

static struct str rest_of(const struct cur *in)
{
	return (struct str){(const char *)in->p, cur_left(in)};
}

bool sip_multipart_open(struct sip_multipart *m, struct str content_type, struct cur body,
			const struct sip_multipart *outer)
{
	struct delimiter d = {0};
	struct str       text = rest_of(&body);
	struct sip_media media;
	size_t           at;

	*m = (struct sip_multipart){.in = body, .depth = outer != NULL ? outer->depth + 1 : 1};
	if (m->depth > SIP_MULTIPART_DEPTH_MAX)
		return stop(m, SIP_BODY_LIMIT);
	if (!sip_media_parse(content_type, &media) || !sip_same(media.type, STR("multipart")) ||
	    !sip_media_param(&media, STR("boundary"), &m->boundary) || !boundary_valid(m->boundary))
		return stop(m, SIP_BODY_SYNTAX);
	if (delimiter_at(text, m->boundary, &d)) {
		cur_bytes(&m->in, d.size);
	} else {
		at = delimiter_find(text, m->boundary, &d); /* after a preamble */
		if (at == SIZE_MAX)
			return stop(m, SIP_BODY_SYNTAX);
		cur_bytes(&m->in, at + 2 + d.size);
	}
	m->last = d.last;
	return d.last ? stop(m, SIP_BODY_SYNTAX) : true;
}

bool sip_multipart_next(struct sip_multipart *m, struct sip_part *part)
{
	struct delimiter d = {0};
	struct str       text = rest_of(&m->in);
	struct cur       whole;
	size_t           at;
	enum sip_body    fault;

	if (m->last || m->fault != SIP_BODY_OK)
		return false;
	if (m->count++ == SIP_MULTIPART_PARTS_MAX)
		return stop(m, SIP_BODY_LIMIT);
	at = delimiter_find(text, m->boundary, &d);
	if (at == SIZE_MAX)
		return stop(m, SIP_BODY_MISSING);
	/* The line end before the delimiter is also the empty line of a part without a body. */
	whole = cur_of(text.p, at + 2);
	fault = sip_mime_parse(&whole, &part->mime);
	if (fault != SIP_BODY_OK)
		return stop(m, fault);
	part->body = rest_of(&whole);
	part->body.n -= part->body.n >= 2 ? 2 : 0;
	m->last = d.last;
	cur_bytes(&m->in, at + 2 + d.size);
	return true;
}

void sip_multipart_part_put(struct put *w, struct str boundary, const struct sip_part *part)
{
	w->failed |= !boundary_valid(boundary) ||
		     (part->body.n > 0 &&
		      memmem(part->body.p, part->body.n, boundary.p, boundary.n) != NULL);
	put_str(w, STR("--"));
	put_str(w, boundary);
	put_str(w, STR("\r\n"));
	sip_mime_put(w, &part->mime, part->body.n);
	put_str(w, STR("\r\n"));
	put_str(w, part->body);
	put_str(w, STR("\r\n"));
}

void sip_multipart_end_put(struct put *w, struct str boundary)
{
	put_str(w, STR("--"));
	put_str(w, boundary);
	put_str(w, STR("--\r\n"));
}
