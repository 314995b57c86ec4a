/*
 * Bodies that stand for what is elsewhere, and the text that says so to who does not understand
 * them: a file that waits on a content server (file transfer over HTTP, GSMA RCC.07,
 * application/vnd.gsma.rcs-ft-http+xml), and a place (RCC.07, vnd.gsma.rcspushlocation+xml, told as
 * a URI of RFC 5870). Producers differ in namespaces, so elements are known by their local names in
 * those of RCS, in none, and, of places, in any. Text that has to be decoded lies in the caller's
 * room, which never needs more bytes than the document has. Pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "sip/body.h"

#define SIP_LINK_MAX 1000u     /* bytes of a URL */
#define SIP_LINK_NAME_MAX 255u /* bytes of a name; a longer one is none */

struct sip_file {
	struct str url;  /* http or https, of visible characters of ASCII alone */
	struct str name; /* without a control character; empty: none */
};

struct sip_location {
	struct str latitude, longitude; /* degrees, WGS 84, without a plus */
	struct str radius;              /* metres; empty: a point */
	struct str label;               /* likewise a name */
};

/* SYNTAX: not well-formed, another root, a URL of another kind. LIMIT: those of xml/xml.h, the room
 * or the URL. REPEATED: two files, or two URLs of one. MISSING: no file, or none with a URL. */
enum sip_body sip_file_parse(struct cur in, struct put *room, struct sip_file *f);
/* SYNTAX: likewise, and what is no place on Earth. MISSING: no position. REPEATED: two. */
enum sip_body sip_location_parse(struct cur in, struct put *room, struct sip_location *l);

/* The URL, behind its name where both go into as few short messages as the URL alone. */
void sip_file_text(const struct sip_file *f, struct put *w);
void sip_location_text(const struct sip_location *l, struct put *w);
