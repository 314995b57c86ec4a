/*
 * What of MIME the bodies of messages need (RFC 2045, 2046): header lines, media types with
 * parameters, transfer encodings. Lines end in CRLF only: where another reader might see a line
 * end that we do not, the body is refused. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"
#include "sip/value.h"

#define SIP_MIME_HEADERS_MAX 32u

enum sip_mime_encoding {
	SIP_MIME_IDENTITY, /* 7bit, 8bit, binary, or none named */
	SIP_MIME_BASE64,
	SIP_MIME_QUOTED,  /* quoted-printable */
	SIP_MIME_UNKNOWN, /* then the body cannot be read */
};

struct sip_mime_header {
	struct str name,
		value; /* the value without blanks around it; a folded one keeps its folds */
};

/* The headers of an entity: of those that may stand once, the value; empty where there is none. */
struct sip_mime {
	struct str             type; /* Content-Type; empty: text/plain (RFC 2045, 5.2) */
	struct str             id;   /* Content-ID, its brackets included */
	struct str             disposition;
	enum sip_mime_encoding encoding;
	struct str             headers; /* all of them, for sip_mime_next() */
};

/* One line without its CRLF; false (and in->failed) when no CRLF comes, or when a CR, LF, NUL or
 * other control character but a tab stands in it. */
bool sip_mime_line(struct cur *in, struct str *line);

/* The headers up to and with the empty line that ends them; in->p is then at the body. */
enum sip_body sip_mime_parse(struct cur *in, struct sip_mime *m);
/* The next header of .headers; false at the end. */
bool sip_mime_next(struct str *headers, struct sip_mime_header *h);
/* A header line; a folded value comes out on one line. Fails where the name or value has a control
 * character. */
void sip_mime_header_put(struct put *w, struct str name, struct str value);
/* The fields of *m, then those of .headers that have no field; a Content-Length says body_size; no
 * empty line. */
void sip_mime_put(struct put *w, const struct sip_mime *m, size_t body_size);

/* The media type of the content: sip_media_parse() of .type; text/plain where there is none. */
bool sip_mime_media(const struct sip_mime *m, struct sip_media *media);

enum sip_mime_encoding sip_mime_encoding_of(struct str value);
/*
 * The content of n encoded bytes; never longer than they are. Base64: line ends and blanks are
 * passed over, anything else outside the alphabet, a wrong padding or more after it is SYNTAX.
 * Quoted-printable: a lone "=" is SYNTAX. LIMIT: it does not fit. UNKNOWN is SYNTAX.
 */
enum sip_body sip_mime_decode(enum sip_mime_encoding encoding, struct str bytes, struct put *w);
