/*
 * SIP messages taken from bytes without copying (RFC 3261, 7): the start line, an index of the
 * header fields and the body. Everything points into the bytes given and is lent as long as they
 * are. No state but struct sip_scan, no memory, no clock; pure; any thread. Values are parsed by
 * who needs them: uri.h, via.h, value.h.
 *
 * What is wrong comes in two weights. Where framing is lost (PULL_BAD) the stream is of no more
 * use; where only this message is wrong it comes with ->fault, and a request is answered with
 * sip_fault_status() and reason_text() as the reason phrase, a response or an ACK is dropped.
 *
 * Lines end with CRLF and nothing else (7). A bare LF, a bare CR or a control character in the head
 * is refused: readers who take them for line ends find other header fields, or another end of the
 * head, than those who do not. Only a quoted pair may hold a control character (25.1; RFC 4475,
 * 3.1.1.2), and no quoted pair holds CR or LF.
 */
#pragma once

#include "base/cur.h"
#include "base/reason.h"
#include "base/str.h"
#include "proto/proto.h"
#include "sip/uri.h"

#define SIP_MESSAGE_SIZE_MAX (64u * 1024u) /* head and body, on streams and in datagrams */
#define SIP_HEAD_SIZE_MAX (16u * 1024u)    /* start line, header fields and the empty line */
#define SIP_START_LINE_MAX 2048u
#define SIP_METHOD_MAX 64u
#define SIP_HEADERS_MAX 128u

enum sip_method {
	SIP_METHOD_OTHER, /* see the text */
#define SIP_METHOD(name) SIP_METHOD_##name,
#include "sip/methods.def"
#undef SIP_METHOD
	SIP_METHOD_COUNT
};

enum sip_header_id {
#define SIP_HEADER(id, name, compact, how) SIP_##id,
#include "sip/headers.def"
#undef SIP_HEADER
	SIP_HEADER_OTHER,
	SIP_HEADER_COUNT
};

enum sip_header_how { SIP_HEADER_ONE, SIP_HEADER_LIST, SIP_HEADER_MANY };

enum sip_framing { SIP_STREAM, SIP_DATAGRAM };

enum sip_kind {
	SIP_NOTHING, /* only with PULL_MORE and PULL_BAD */
	SIP_REQUEST,
	SIP_RESPONSE,
	/*
	 * CRLF between messages (RFC 5626, 4.4.1; RFC 3261, 7.5): the first one of a row is a
	 * PONG, the second a PING, the third a PONG and so on, however the bytes are cut. Who
	 * accepted the connection answers a PING with CRLF; who opened it and pings takes either as
	 * its pong. A datagram of nothing but CRLFs is one PING if there are two or more.
	 */
	SIP_PONG,
	SIP_PING,
};

#define SIP_NO_SLOT 0xffu

struct sip_header {       /* one header line, its continuation lines included */
	uint8_t    id;    /* enum sip_header_id */
	uint8_t    next;  /* slot of the next one with this id; SIP_NO_SLOT: none */
	bool       plain; /* the line is as we would write it */
	struct str name;  /* as received, maybe compact */
	struct str value; /* without white space around it; CRLF and white space inside where it is
			     folded */
};

struct sip_message {
	enum sip_kind   kind;
	enum reason     fault;            /* NONE: the frame is sound; values are not looked into */
	enum sip_method method;           /* requests */
	struct str      method_text, uri; /* requests */
	uint16_t        status;           /* responses: 100 to 699 */
	struct str      reason;           /* responses: may be empty */
	struct str      whole;            /* head and body */
	struct cur      body;
	uint8_t         header_count;
	uint8_t first[SIP_HEADER_COUNT]; /* slot of the first with an id; SIP_NO_SLOT: none */
	uint8_t last[SIP_HEADER_COUNT];  /* valid where first is */
	struct sip_header headers[SIP_HEADERS_MAX];
};

#define SIP_GUESSES 16u

/* What a stream remembers between calls while a message is not complete. Zeroed at first. */
struct sip_scan {
	uint32_t seen; /* bytes from the start of the unread ones that hold no end of the head */
	uint32_t need; /* PULL_MORE: bytes from there without which to call again is useless */
	bool     crlf; /* the last item was an odd CRLF of a row */
	bool     start_seen; /* the start line is complete and was found good */
	uint64_t steps;      /* bytes looked at since it was zeroed; for tests of the cost */
	/* Which header fields the last response and request had, line by line: most peers write
	 * them in the same order each time. What is wrong costs time and nothing else. */
	uint8_t guess[2][SIP_GUESSES];
};

/*
 * One item. MORE (streams only): nothing consumed, ->need set. ITEM: consumed; *m filled by its
 * kind. BAD: framing is lost, *why says how; nothing consumed. When *m is then a SIP_REQUEST its
 * head was readable, and an answer before the close tells the peer (RFC 4475, 3.1.2.2).
 *
 * A stream needs Content-Length (18.3, 20.14). Without it the body is empty, the one length that
 * all readers of a stream must take, but not where Content-Type says that there is a body: this is
 * BAD. A datagram is consumed whole: bytes after the body are ignored (18.3), and without
 * Content-Length the body ends with it.
 *
 * Work is linear in the bytes, however they are cut; the limits above are checked before more bytes
 * are waited for.
 */
enum pull sip_message_next(struct sip_scan *scan, struct cur *in, enum sip_framing framing,
			   struct sip_message *m, enum reason *why);

/* The status code of the answer to a request with this fault, also one found by a parser of values:
 * 400, 413, 416, 505 ... */
unsigned sip_fault_status(enum reason fault);

/* The first header field of an id; false and empty: there is none. */
static inline bool sip_header_find(const struct sip_message *m, enum sip_header_id id,
				   struct str *value)
{
	bool found = m->first[id] != SIP_NO_SLOT;

	*value = found ? m->headers[m->first[id]].value : STR("");
	return found;
}

enum sip_header_id  sip_header_classify(struct str name);   /* long or compact, any case */
const char         *sip_header_name(enum sip_header_id id); /* "Call-ID"; NULL for OTHER */
enum sip_header_how sip_header_how(enum sip_header_id id);
enum sip_method     sip_method_classify(struct str name);
const char         *sip_method_name(enum sip_method method); /* NULL for OTHER */

/*
 * The elements of a header field that is a comma-separated list, over all its lines (7.3.1); commas
 * in quoted strings and between < and > do not count. ->failed where a quote or < has no end, or an
 * element is empty. No header field that is a list has comments (25.1), so parentheses are plain.
 * for (sip_list_init(&l, m, SIP_VIA); sip_list_next(&l, &element);)
 */
struct sip_list {
	const struct sip_message *m;
	uint8_t                   slot; /* of the line after ->rest */
	struct cur                rest;
	bool                      failed;
};

void sip_list_init(struct sip_list *l, const struct sip_message *m, enum sip_header_id id);
bool sip_list_next(struct sip_list *l, struct str *element);
/* The same over one text that is such a list. */
void sip_list_of(struct sip_list *l, struct str value);
