/*
 * SIP messages written (RFC 3261, 7). Text from elsewhere passes one of the checks here, so that no
 * value makes a header field or a line of its own: a text that holds CR, LF or another control
 * character fails the put cursor. The folds of a received value become one SP. Pure; any thread.
 *
 * sip_put_request() or sip_put_response(), header fields, sip_put_body() last.
 */
#pragma once

#include "base/assert.h"
#include "base/put.h"
#include "proto/out.h"
#include "sip/message.h"
#include "sip/names.h"
#include "sip/uri.h"
#include "sip/via.h"

void sip_put_request(struct put *w, struct str method, struct str uri);
void sip_put_response(struct put *w, unsigned status, struct str reason);

/* The value as it is, folds made one SP. */
void sip_put_header(struct put *w, enum sip_header_id id, struct str value);
void sip_put_header_named(struct put *w, struct str name, struct str value); /* name: a token */
void sip_put_header_number(struct put *w, enum sip_header_id id, uint32_t number);
/* Parts: begin writes "Name: ", then sip_put_text() and the like, end the CRLF. */
static inline void sip_put_header_begin(struct put *w, enum sip_header_id id)
{
	ASSERT_HOT(id < SIP_HEADER_OTHER);
	put_padded(w, sip_labels[id].text, sip_labels[id].size, SIP_LABEL_MAX);
}

static inline void sip_put_header_end(struct put *w)
{
	put_str(w, STR("\r\n"));
}
/* All lines of an id, as they came. */
void sip_put_headers_of(struct put *w, const struct sip_message *m, enum sip_header_id id);

void sip_put_text(struct put *w, struct str text);   /* checked as a value is */
void sip_put_token(struct put *w, struct str token); /* fails where it is not one */
/* Of a flow its address, without brackets. */
#define SIP_FLOW_TEXT_SIZE 46u
struct str sip_flow_text(const struct flow *f, char room[SIP_FLOW_TEXT_SIZE]);
void       sip_put_quoted(struct put *w, struct str text); /* with quotes; \ before " and \ */
void       sip_put_user(struct put *w, struct str user);   /* of a URI, from plain bytes; escaped */
void sip_put_host(struct put *w, const struct sip_host *host); /* parsed; brackets around IPv6 */
/* ["display" ]<uri> */
void sip_put_name_addr(struct put *w, struct str display, struct str uri);
/* SIP/2.0/UDP host:port;branch=...;rport: a Via of our own; port 0: none. */
void sip_put_via(struct put *w, enum sip_transport transport, const struct sip_host *host,
		 uint16_t port, struct str branch, bool rport);
/* The same up to its branch. */
void sip_put_via_begin(struct put *w, enum sip_transport transport, const struct sip_host *host,
		       uint16_t port);
void sip_put_cseq(struct put *w, uint32_t number, struct str method);
/*
 * Via, From, To, Call-ID and CSeq of a request for its response (8.2.6.2). The top Via gets
 * received=, and rport= where it asks for it (18.2.1; RFC 3581, 4), of the source address given as
 * text without brackets; empty: none. to_tag is added where To has no tag and it is not empty.
 */
void sip_put_response_fields(struct put *w, const struct sip_message *request,
			     const struct sip_mandatory *known, struct str source,
			     uint16_t source_port, struct str to_tag);

/* Content-Type where type is not empty, Content-Length, the empty line and the body. */
void sip_put_body(struct put *w, struct str type, const void *body, size_t n);
