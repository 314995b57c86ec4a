/*
 * URIs (RFC 3261, 19.1; tel: RFC 3966) and name-addr (25.1). Nothing is copied or unescaped: parts
 * are lent from the text. Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "base/str.h"
#include "sip/lex.h"

#define SIP_URI_MAX 1024u
#define SIP_URI_PARAMS_MAX 32u

enum sip_scheme { SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_OTHER };

enum sip_host_kind { SIP_HOST_NONE, SIP_HOST_NAME, SIP_HOST_IP4, SIP_HOST_IP6 };

struct sip_host {
	enum sip_host_kind kind;
	struct str         text;        /* IPv6: without the brackets */
	uint8_t            address[16]; /* network order: 4 bytes, 16 bytes */
};

struct sip_uri {
	enum sip_scheme scheme;
	struct str      scheme_text;
	struct str      user;     /* escaped; tel: the number with its visual separators */
	struct str      password; /* escaped */
	bool            has_user, has_password, has_port;
	struct sip_host host;    /* NONE: not sip or sips */
	uint16_t        port;    /* 0 where not given */
	struct str      params;  /* after the first ";"; for sip_uri_param_next() */
	struct str      headers; /* after "?" */
	struct str      opaque;  /* all after the scheme's ":" */
};

struct sip_param {
	struct str name;
	struct str value; /* of a quoted one what is between the quotes, for sip_unquote_put() */
	bool       has_value, quoted;
};

/* The whole text must be a URI. False: it is not; for a scheme that is not known only the scheme
 * and the characters are checked. Escapes must be "%" and two hexadecimal digits. */
bool sip_uri_parse(struct str text, struct sip_uri *uri);

/* A host, IPv6 in brackets, at the cursor; false and failed where there is none. */
bool sip_host_parse(struct cur *c, struct sip_host *host);
/* [":" port]; a colon needs a port of 1 to 65535. */
bool sip_port_parse(struct cur *c, uint16_t *port, bool *has_port);
/* IPv6 without brackets as bytes; forms of RFC 4291 (2.2). */
bool sip_ip6_parse(struct str text, uint8_t address[16]);

/* The next parameter of a URI; false at the end, or failed. params: sip_cur(uri->params) first. */
bool sip_uri_param_next(struct cur *params, struct sip_param *p);
bool sip_uri_param_find(const struct sip_uri *uri, struct str name, struct sip_param *p);

/* Equality (19.1.4; tel: RFC 3966, 5). Others: by their bytes after the scheme. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/*
 * The canonical text of an address of record (10.3, step 5): scheme, user and host, and the port
 * where it is given; host in small letters, no parameters and headers, every escape undone but
 * those that must stay, in capitals. tel: the digits without separators, and phone-context. Two
 * addresses of record are the same when their texts are.
 */
void sip_uri_aor_put(struct put *w, const struct sip_uri *uri);
/* Escapes undone. False: an escape stands for a control character (nothing is written). */
bool sip_unescape_put(struct put *w, struct str escaped);
/* A telephone number without visual separators (RFC 3966, 5.1.1). */
void sip_tel_number_put(struct put *w, struct str number);

struct sip_name_addr {
	struct str     display; /* quoted: between the quotes, for sip_unquote_put() */
	bool           display_quoted;
	struct str     uri_text;
	struct sip_uri uri;
	struct str     params; /* of the header field, after its first ";"; for sip_param_next() */
	struct str     tag;    /* empty: none */
};

/*
 * name-addr or addr-spec with its parameters: From, To, Contact, Route and the like; the whole
 * element. Without < > every ";" begins a parameter of the header field, and "?" and "," are
 * refused in the URI (20). False: the syntax is wrong, or a parameter is. A scheme that is not
 * known is no fault here.
 */
bool sip_name_addr_parse(struct str element, struct sip_name_addr *a);

/* The next of a list of generic-param that ";" part; the first ";" is behind the cursor. False at
 * the end, or failed: also by an empty one. */
bool sip_param_next(struct cur *params, struct sip_param *p);
bool sip_param_find(struct str params, struct str name, struct sip_param *p);
/* All are well-formed. */
bool sip_params_check(struct str params);
/* What ends a parameter: the end, or a ";" and something after it, which the cursor then stands at.
 */
bool sip_param_end(struct cur *params);
/* SWS, then the end or a ";" and what follows it, which are *params; the cursor stands at them. */
bool sip_params_rest(struct cur *c, struct str *params);
