/*
 * Session descriptions (RFC 8866), read for what one message over MSRP needs (RFC 4975, 8; setup:
 * RFC 4145 and 6135; file-selector: RFC 5547; msrp-cema: RFC 6714), and the offer and the answer
 * that we write (RFC 3264). Nothing is copied: what the parser gives points into the text. Pure;
 * any thread.
 *
 * The order of lines is that of RFC 8866 (5), a line ends with CRLF or LF; a letter that is not
 * known, a control character or a line out of order is a fault of the whole. Attributes that nobody
 * here reads are passed over, whatever they say.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "proto/flow.h"
#include "sip/body.h"
#include "sip/uri.h"

#define SIP_SDP_SIZE_MAX 8192u
#define SIP_SDP_LINES_MAX 256u
#define SIP_SDP_MEDIA_MAX 16u

enum sip_sdp_setup {
	SIP_SDP_SETUP_NONE, /* not said */
	SIP_SDP_ACTIVE,
	SIP_SDP_PASSIVE,
	SIP_SDP_ACTPASS,
	SIP_SDP_HOLDCONN
};

/* As its sender sees it; bits. */
#define SIP_SDP_SENDS 1u
#define SIP_SDP_RECEIVES 2u

struct sip_sdp_media {                              /* an m= line and what follows it */
	struct str         kind, protocol, formats; /* "message", "TCP/MSRP", "*" */
	uint16_t           port;                    /* 0: refused, or not wanted */
	struct str         address;                 /* of c=; empty: not there */
	uint8_t            direction;
	enum sip_sdp_setup setup;
	struct str         path;          /* of MSRP, URIs separated by one SP; empty: not there */
	struct str         accept_types;  /* media types separated by SP; empty: not there */
	struct str         wrapped_types; /* accept-wrapped-types, likewise */
	bool               cema;          /* the stream goes by c= and m=, whatever the path says */
	bool               has_max_size, has_file_size;
	uint64_t           max_size, file_size; /* of file-selector */
};

struct sip_sdp {
	unsigned             count; /* of media */
	struct sip_sdp_media media[SIP_SDP_MEDIA_MAX];
};

/* SYNTAX; LIMIT: longer, or more of something, than the limits; MISSING: v=, o=, s= or t=;
 * REPEATED: a path, a size or a setup twice in one medium. */
enum sip_body sip_sdp_parse(struct str text, struct sip_sdp *sdp);

/* Is one of these types in a list of accept-types? "*" and "text/" and a star count, in any case of
 * letters.
 */
bool sip_sdp_accepts(struct str types, struct str type);

/*
 * What of an offer can carry a message to us: the first medium that is message over TCP/MSRP, has a
 * path and sends. NULL: none, and *warning is the code of RFC 3261, 20.43, that says what is wrong
 * with the one that came closest (302 transport, 304 medium, 306 attribute).
 */
const struct sip_sdp_media *sip_sdp_choose(const struct sip_sdp *sdp, unsigned *warning);
/* What its c= names. False: nothing. */
bool sip_sdp_host(const struct sip_sdp_media *m, struct sip_host *host);

/* Our one medium of MSRP. */
struct sip_sdp_ours {
	struct flow        media; /* where we are */
	struct str         path;  /* our URI */
	enum sip_sdp_setup setup;
	bool               sends; /* else receives */
	bool               both;  /* sends and receives */
	bool               cema;
	struct str         types, wrapped_types;
	uint64_t           size_max;  /* 0: not said */
	uint64_t           file_size; /* 0: not said */
	uint64_t           number;    /* of o=, unique for the session */
};

/* An offer; with one that came, the answer to it: each other medium is refused with port 0, in its
 * place (RFC 3264, 6). */
void sip_sdp_put(struct put *w, const struct sip_sdp_ours *ours, const struct sip_sdp *offer,
		 const struct sip_sdp_media *chosen);
