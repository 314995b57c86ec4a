/*
 * message/cpim (RFC 3862) with the headers of disposition notifications (RFC 5438): taken from
 * bytes without copying, and written. What operators' equipment is known to write is understood (no
 * blank between a prefix and its namespace, no blank line before the headers of the content, any
 * case of header names, no blank after the colon); what is written is strict.
 *
 * Three parts: headers of the message, headers of the content, the content, which is kept byte for
 * byte. Header values are given and taken as they stand on the wire, escapes (RFC 3862, 2.3.1)
 * included: sip_cpim_text_put() and sip_cpim_escape_put() convert. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"
#include "sip/mime.h"

#define SIP_CPIM_HEADERS_MAX 64u /* of the message, NS included */
#define SIP_CPIM_SPACES_MAX 8u   /* prefixes that are bound at a time */

enum sip_cpim_space { SIP_CPIM_SPACE_CORE, SIP_CPIM_SPACE_IMDN, SIP_CPIM_SPACE_OTHER };

enum sip_cpim_header_kind {
	SIP_CPIM_OTHER,
#define SIP_CPIM_HEADER(NAME, space, name, once) SIP_CPIM_##NAME,
#include "sip/cpim_headers.def"
#undef SIP_CPIM_HEADER
	SIP_CPIM_HEADER_COUNT
};

/* What imdn.Disposition-Notification asks for (RFC 5438, 6.2; interworking: OMA CPM); bits. */
#define SIP_CPIM_WANT_POSITIVE 1u /* positive-delivery */
#define SIP_CPIM_WANT_NEGATIVE 2u /* negative-delivery */
#define SIP_CPIM_WANT_PROCESSING 4u
#define SIP_CPIM_WANT_DISPLAY 8u
#define SIP_CPIM_WANT_INTERWORKING 16u

struct sip_cpim_address {
	struct str name; /* between the quotes; empty: none */
	struct str uri;  /* without its brackets; has a scheme; empty: the header is not there */
};

struct sip_cpim_header {
	enum sip_cpim_header_kind kind;
	enum sip_cpim_space       space;
	struct str                prefix, name; /* as written; prefix without its dot */
	struct str                params;       /* ";lang=fr", or empty */
	struct str                value;
};

/* Iterates over the headers of the message; a declared prefix is in force for the lines after it.
 */
struct sip_cpim_headers {
	struct cur in;
	unsigned   count; /* headers given */
	unsigned   spaces;
	bool       limit; /* what failed is a limit */
	struct {
		struct str prefix, uri;
	} space[SIP_CPIM_SPACES_MAX];
};

struct sip_cpim {
	struct sip_cpim_address from, to;     /* the first To; more of them: .to_count, .headers */
	struct str              datetime;     /* RFC 3339, not looked into */
	struct str subject, subject_language; /* the first Subject that says anything */
	struct str required; /* a header of Require that is not in the table; empty: none */
	unsigned   to_count, cc_count;

	struct str              message_id; /* imdn.Message-ID */
	unsigned                wants;      /* SIP_CPIM_WANT_ bits */
	struct sip_cpim_address original_to;
	unsigned                record_routes, routes; /* how many in .headers */

	struct str headers;      /* of the message, as received; may be empty when building */
	bool       ends_routes;  /* when building: notifications are to come to us, so that the
				    routes of .headers are left out */
	struct sip_mime content; /* headers of the content */
	struct str      body;    /* the content, as received: encoded as .content.encoding says */
};

/*
 * The whole body. SYNTAX: a line without CRLF, a control character, invalid UTF-8, a header that is
 * none, an address without a URI. LIMIT: more headers or namespaces than the limits. REPEATED: a
 * header that may stand once (From, DateTime, those of a notification), or of the content, twice.
 * MISSING: no blank line ends the headers. Whether From and To are there is not asked: RFC 5438
 * wants both, messages of a session have been seen without.
 */
enum sip_body sip_cpim_parse(struct cur in, struct sip_cpim *m);

/*
 * Writes the message: the fields of *m; then what .headers has that no field tells (further To, cc
 * and Subject, routes, Require, headers of other namespaces with their NS), in its order; the
 * content's headers, the body. The prefix of urn:ietf:params:imdn is "imdn". An empty field is not
 * written, although .headers has it. Fails (sticky) where a value would break the line or the
 * brackets it stands in.
 */
void sip_cpim_put(struct put *w, const struct sip_cpim *m);

/* The content, decoded. */
enum sip_body sip_cpim_content(const struct sip_cpim *m, struct put *w);

struct sip_cpim_headers sip_cpim_headers(struct str headers);
/* The next header; false at the end, or (it->in.failed) where the line is none or limits are
 * exceeded. */
bool sip_cpim_header_next(struct sip_cpim_headers *it, struct sip_cpim_header *h);
/* The value of From, To, cc, IMDN-Record-Route, IMDN-Route, Original-To; false: it is none. */
bool sip_cpim_address_parse(struct str value, struct sip_cpim_address *a);
/* A line of these kinds, for .headers of a message that is built. */
void sip_cpim_address_put(struct put *w, enum sip_cpim_header_kind kind,
			  const struct sip_cpim_address *a);

/* A value with its escapes resolved, as UTF-8; one that means nothing, or a control character, is
 * U+FFFD. */
void sip_cpim_text_put(struct put *w, struct str value);
/* UTF-8 text as a value: control characters, quotes and backslashes escaped. */
void sip_cpim_escape_put(struct put *w, struct str text);
