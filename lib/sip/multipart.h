/*
 * Bodies of several parts (RFC 2046, 5.1): multipart/mixed and what is read like it. A part is
 * taken at a time, without copying. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"
#include "sip/mime.h"

#define SIP_MULTIPART_PARTS_MAX                                                                    \
	16u                        /* of one body, those of inner bodies counted by the inner one */
#define SIP_MULTIPART_DEPTH_MAX 2u /* a multipart in a multipart, and nothing deeper */
#define SIP_MULTIPART_BOUNDARY_MAX 70u

struct sip_multipart {
	struct cur    in;       /* after the delimiter line of the next part */
	struct str    boundary; /* without the leading dashes */
	unsigned      depth, count;
	bool          last;  /* the closing delimiter was read */
	enum sip_body fault; /* why the iteration ended; OK: the body did */
};

struct sip_part {
	struct sip_mime mime;
	struct str body; /* byte for byte, without the line end that belongs to the delimiter */
};

/*
 * Begin at the first part: content_type is the value that names the boundary, outer the body that
 * this one is a part of, or NULL. False, with m->fault: SYNTAX: not multipart, or no boundary that
 * RFC 2046 allows, or none found in the body; LIMIT: deeper than SIP_MULTIPART_DEPTH_MAX.
 */
bool sip_multipart_open(struct sip_multipart *m, struct str content_type, struct cur body,
			const struct sip_multipart *outer);
/* The next part; false at the end, or with m->fault. MISSING: the body ends before its closing
 * delimiter, or a part before the end of its headers. LIMIT: more than SIP_MULTIPART_PARTS_MAX. */
bool sip_multipart_next(struct sip_multipart *m, struct sip_part *part);

/* "multipart/mixed;boundary=..." is the caller's. Each part with its delimiter; then the closing
 * one. Part fails where the boundary is none or stands in the part's body. */
void sip_multipart_part_put(struct put *w, struct str boundary, const struct sip_part *part);
void sip_multipart_end_put(struct put *w, struct str boundary);
