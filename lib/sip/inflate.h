/*
 * Bodies that come compressed (Content-Encoding: RFC 3261, 20.12; RFC 9110, 8.4.1), made whole by
 * zlib in memory of the caller's stack: at most as much as fits into the room, in one go, and
 * nothing is kept. Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"
#include "sip/message.h"

enum sip_encoding {
	SIP_ENCODING_IDENTITY,
	SIP_ENCODING_DEFLATE, /* the zlib format (RFC 1950), not bare deflate */
	SIP_ENCODING_GZIP,
	SIP_ENCODING_UNKNOWN /* any other, or one inside another */
};

enum sip_encoding sip_encoding_of(const struct sip_message *m);

/* LIMIT: it is larger than the room. SYNTAX: it is not in that format, is cut off, or goes on
 * behind its end. */
enum sip_body sip_inflate(enum sip_encoding encoding, struct str bytes, struct put *room);

/* Does this zlib do with the memory that it is given? At start. */
bool sip_inflate_works(void);
