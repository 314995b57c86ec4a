/*
 * MSRP (RFC 4975) taken from bytes and written, without sessions: URIs and paths (6), requests and
 * responses as chunks (7, 9), status codes (10). Nothing is copied: what is given points into the
 * bytes given. No memory but struct msrp_reader, no clock; pure; any thread.
 *
 * A chunk comes as three kinds of items: its head, the bytes of its body as they come, and its end.
 * What is wrong comes in two weights: where framing is lost (PULL_BAD) the stream is of no more
 * use; where only this chunk is wrong its head has ->fault, its body and end come all the same, and
 * a request is answered with 400.
 */
#pragma once

#include "base/cur.h"
#include "base/reason.h"
#include "proto/proto.h"
#include "sip/uri.h"

#define MSRP_HEAD_MAX 8192u /* bytes of start line and header fields */
#define MSRP_URI_MAX 224u   /* of one URI; a path may have many */
#define MSRP_PATH_URIS_MAX 16u
#define MSRP_ID_MIN 4u /* of transaction and message ids (9: ident) */
#define MSRP_ID_MAX 32u
#define MSRP_CHUNK_MAX 2048u /* bytes of body in one SEND that others cannot interrupt (5.1) */
#define MSRP_PORT_DEFAULT 2855u

/* ---- URIs and paths: msrp_uri.c ---- */

struct msrp_uri {
	struct str      text;
	bool            secure; /* msrps */
	struct str      user;   /* may be empty */
	struct sip_host host;
	uint16_t        port;      /* 0 where not given */
	struct str      session;   /* may be empty: of a relay */
	struct str      transport; /* "tcp" */
};

/* The whole text must be a URI: msrp[s]://[user@]host[:port][/session];transport[;parameters]. */
bool msrp_uri_parse(struct str text, struct msrp_uri *uri);
/* The next of a path: URIs with one SP between them (the cursor over all of it at first). False at
 * the end, or failed where one is none. */
bool msrp_path_next(struct cur *path, struct msrp_uri *uri);
/* At least one URI, at most MSRP_PATH_URIS_MAX, and every one is; *first and *last may be the same.
 */
bool msrp_path_parse(struct str path, struct msrp_uri *first, struct msrp_uri *last);
/* msrp://host:port/session;tcp, with brackets around an IPv6 address. */
void msrp_uri_put(struct put *w, struct str host, uint16_t port, struct str session);

/* ---- chunks taken: msrp_read.c ---- */

enum msrp_kind { MSRP_REQUEST, MSRP_RESPONSE };
enum msrp_method { MSRP_OTHER, MSRP_SEND, MSRP_REPORT };
enum msrp_failure_report { MSRP_FAILURE_YES, MSRP_FAILURE_NO, MSRP_FAILURE_PARTIAL };
enum msrp_item { MSRP_ITEM_HEAD, MSRP_ITEM_BODY, MSRP_ITEM_END };

#define MSRP_UNKNOWN UINT64_MAX /* "*" of a range */

struct msrp_range {                  /* Byte-Range (9.1.3): the first byte is 1 */
	uint64_t first, last, total; /* last, total: maybe MSRP_UNKNOWN */
};

struct msrp_head { /* lent as long as the bytes are */
	enum msrp_kind    kind;
	enum reason       fault;  /* NONE: all that is there is well-formed, and what must be is */
	enum msrp_method  method; /* requests */
	uint16_t          status; /* responses; REPORT: of its Status; 0: none */
	bool              has_body;
	bool              has_range; /* else it is all, as far as is known (7.1.1) */
	bool              success_report;
	uint8_t           failure_report; /* enum msrp_failure_report */
	struct str        transaction;
	struct str        comment;            /* responses */
	struct str        to_path, from_path; /* as they came; empty: not there, or no path */
	struct msrp_uri   to, to_last, from;  /* first of To-Path, last of it, first of From-Path */
	struct str        message_id, content_type;
	struct msrp_range range;
};

enum msrp_flag { MSRP_COMPLETE = '$', MSRP_CONTINUED = '+', MSRP_ABORTED = '#' };

struct msrp_chunk {
	enum msrp_item   item;
	struct msrp_head head;
	struct str       body;
	enum msrp_flag   flag;
};

/* What a stream remembers between calls. Zeroed at first. */
struct msrp_reader {
	uint32_t seen;  /* head: bytes from the start of the unread ones that were looked at ... */
	uint32_t line;  /* ... and where in them the line begins that is not complete */
	uint32_t need;  /* PULL_MORE: bytes from there without which to call again is useless */
	uint8_t  state; /* head, body, end */
	bool     first; /* of the body: nothing of it was given yet */
	uint8_t  transaction_size;
	char     transaction[MSRP_ID_MAX];
	uint64_t steps; /* bytes looked at since it was zeroed; for tests of the cost */
};

/*
 * One item. MORE: nothing consumed, ->need set. ITEM: consumed. BAD: framing is lost, *why says
 * how; nothing consumed. Work is linear in the bytes, however they are cut; limits are checked
 * before more bytes are waited for.
 */
enum pull msrp_next(struct msrp_reader *r, struct cur *in, struct msrp_chunk *chunk,
		    enum reason *why);

/* ---- chunks written: msrp_put.c ---- */

struct msrp_send {
	struct str        transaction, to_path, from_path, message_id;
	struct str        content_type; /* empty: no body */
	struct msrp_range range;
	enum msrp_flag    flag;
};

/* A SEND. False: the body holds what would end it, and nothing was written: try another
 * transaction id. */
bool msrp_send_put(struct put *w, const struct msrp_send *s, const void *body, size_t n);
/* to: the first URI of the request's From-Path, from: the first of its To-Path (7.2). */
void msrp_response_put(struct put *w, struct str transaction, unsigned status, struct str to,
		       struct str from);
/* A REPORT on all of a message of that size (7.1.2). */
void msrp_report_put(struct put *w, struct str transaction, struct str to_path,
		     struct str from_path, struct str message_id, uint64_t size, unsigned status);

/* ---- status codes: msrp_status.c ---- */

struct str msrp_status_comment(unsigned status);
/* What a status of the other side means for a message of ours; one that is not known: by its first
 * digit. */
enum reason msrp_reason_of_status(unsigned status);
/* The answer where a MESSAGE would be answered with this status of SIP. */
unsigned msrp_status_of_sip(unsigned status);
