/* Via (RFC 3261, 20.42; RFC 3581) and the two other fields that every message is matched by: CSeq
 * and Call-ID. Pure; any thread. */
#pragma once

#include "sip/message.h"
#include "sip/uri.h"
#include "sip/value.h"

#define SIP_BRANCH_COOKIE "z9hG4bK" /* RFC 3261, 8.1.1.7 */
/* Elements of a message, one or many to a line: its sender's, and one for each hop that the largest
 * Max-Forwards allows (20.22). Each is looked at twice, and goes into the answer. */
#define SIP_VIAS_MAX 256u

enum sip_transport {
#define SIP_TRANSPORT(id, name, port, stream) SIP_TRANSPORT_##id,
#include "sip/transports.def"
#undef SIP_TRANSPORT
	SIP_TRANSPORT_OTHER,
	SIP_TRANSPORT_COUNT
};

enum sip_transport sip_transport_classify(struct str name);  /* any case */
const char        *sip_transport_name(enum sip_transport t); /* "UDP"; NULL for OTHER */
uint16_t           sip_transport_port(enum sip_transport t); /* 5060 ... */
bool               sip_transport_stream(enum sip_transport t);

struct sip_via {
	enum sip_transport transport;
	struct str         transport_text;
	struct sip_host    host; /* sent-by */
	uint16_t           port; /* 0 where not given */
	bool               has_port;
	struct str         branch;     /* empty: none (RFC 2543 peers) */
	bool               has_cookie; /* branch begins with the cookie and has more than it */
	struct sip_host    received;   /* NONE: not there */
	struct str         maddr;
	bool               has_rport;
	uint16_t           rport; /* 0: asked for, not yet filled in */
	bool               has_ttl;
	uint8_t            ttl;
	struct str         params; /* after the first ";" */
	/* Parameters with the ";" before each: all, or of a wrong one those before the fault; and
	 * where in that those are that responses have otherwise. */
	struct str params_good, received_text, rport_text;
	struct str sent; /* what is before the parameters, if as we would write it; else empty */
};

/* One element. False: its syntax is wrong, or protocol and version are not SIP/2.0. */
bool sip_via_parse(struct str element, struct sip_via *via);

struct sip_cseq {
	uint32_t        number; /* below 2^31 (8.1.1.5) */
	enum sip_method method;
	struct str      method_text;
};

bool sip_cseq_parse(struct str value, struct sip_cseq *cseq);
bool sip_call_id_check(struct str value); /* word ["@" word] */

/* What every message must have (8.1.1, 16.3), parsed. */
struct sip_mandatory {
	struct sip_via       via;       /* the top one */
	unsigned             via_count; /* its elements up to the first that is wrong */
	struct sip_name_addr from, to;
	struct str           call_id;
	struct sip_cseq      cseq;
	struct sip_uri       uri;   /* of requests */
	struct sip_media     media; /* Content-Type; empty: there is none */
	bool                 has_max_forwards;
	uint8_t              max_forwards; /* 0 to 255 */
};

/*
 * NONE, or the first fault in what a proxy or user agent has to look into: these fields, every Via
 * element, the Request-URI, the method of CSeq, Max-Forwards, Content-Type, Content-Length. Fields
 * before the fault are filled. m->fault is not asked again.
 */
enum reason sip_mandatory_parse(const struct sip_message *m, struct sip_mandatory *out);
/* The same of a response, of which who asked looks into no more than the top Via, CSeq and Call-ID
 * (17.1.3): the rest is neither judged nor filled, and of the Via no more than its parameters where
 * it begins as that of the request did, which is own: protocol and sent-by. Empty: not known. */
enum reason sip_response_parse(const struct sip_message *m, struct str own,
			       struct sip_mandatory *out);
