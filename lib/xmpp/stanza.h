/*
 * Stanzas (RFC 6120, 8): read from a child of a stream's root, one payload after the other, and
 * written. What is read is lent from the item and stands as it is there (xml.h) unless it says
 * otherwise. Pure; any thread.
 */
#pragma once

#include "base/put.h"
#include "base/reason.h"
#include "base/str.h"
#include "msg/msg.h"
#include "xml/frame.h"
#include "xml/xml.h"

enum xmpp_kind { XMPP_MESSAGE, XMPP_PRESENCE, XMPP_IQ, XMPP_OTHER };

enum xmpp_type { /* of all three kinds; NONE: no attribute */
		 XMPP_TYPE_NONE,
		 XMPP_TYPE_NORMAL,
		 XMPP_TYPE_CHAT,
		 XMPP_TYPE_GROUPCHAT,
		 XMPP_TYPE_HEADLINE,
		 XMPP_TYPE_ERROR,
		 XMPP_TYPE_UNAVAILABLE,
		 XMPP_TYPE_SUBSCRIBE,
		 XMPP_TYPE_SUBSCRIBED,
		 XMPP_TYPE_UNSUBSCRIBE,
		 XMPP_TYPE_UNSUBSCRIBED,
		 XMPP_TYPE_PROBE,
		 XMPP_TYPE_GET,
		 XMPP_TYPE_SET,
		 XMPP_TYPE_RESULT,
		 XMPP_TYPE_BAD, /* none that the kind has */
		 XMPP_TYPE_COUNT
};

enum xmpp_payload {
	XMPP_PAYLOAD_UNKNOWN, /* to us */
#define PAYLOAD(id, space, local) XMPP_PAYLOAD_##id,
#include "xmpp/payloads.def"
#undef PAYLOAD
	XMPP_PAYLOAD_COUNT
};

enum xmpp_condition {
	XMPP_CONDITION_NONE,
#define CONDITION(id, word, type) XMPP_##id,
#include "xmpp/conditions.def"
#undef CONDITION
	XMPP_CONDITION_COUNT
};

enum xmpp_stream_error {
	XMPP_STREAM_ERROR_NONE,
#define STREAM_ERROR(id, word) XMPP_STREAM_##id,
#include "xmpp/stream_errors.def"
#undef STREAM_ERROR
	XMPP_STREAM_ERROR_COUNT
};

struct xmpp_stanza {
	struct xml     x;
	enum xmpp_kind kind;
	enum xmpp_type type;
	struct str     id, to, from, lang; /* attributes as they stand; empty: none, or empty */
	bool           has_to, has_from;
	struct str     content; /* the namespace of the stanza itself */
};

/* Reads the open tag of a CHILD item. False: it is not well-formed, or beyond a limit (x.limit). */
bool xmpp_stanza_open(struct xmpp_stanza *s, struct str item, const struct xml_scope *scope);
/* The same, where s->x is at the beginning of one. */
bool xmpp_stanza_read(struct xmpp_stanza *s);
/* Is it the content's namespace of another kind of stream? To who hears it over one, a <body/> of
 * it would be the body, which nobody here has read as such. */
bool xmpp_is_foreign(struct str space, struct str content);
/*
 * The next payload; its START is read, and what is in it may be read from s->x or not. UNKNOWN too.
 * False: there is no more, and the item is well-formed, or it is not: s->x.bad. Text between
 * payloads is passed over, and so is what is foreign.
 */
bool xmpp_payload_next(struct xmpp_stanza *s, enum xmpp_payload *p);
/* An attribute of the START that was read last, without prefix; empty: none. As it stands. */
struct str xmpp_attribute(const struct xml *x, struct str name);
/* xml:lang of it. */
struct str xmpp_language(const struct xml *x);
/* An attribute's value as it is meant: lent as it stands, where that is the same, or put into room.
 */
struct str xmpp_value(struct str raw, struct put *room);
/* The text of the element whose START was read, up to its END, blanks and all; elements in it are
 * passed over. False: BAD, or no room. */
bool xmpp_text(struct xml *x, struct put *room, struct str *text);

/*
 * The element whose START was read, up to its END, so that it means the same wherever it is put
 * within a stanza of any content namespace: every namespace but `content` is declared in it. What
 * is foreign is left out.
 */
void xmpp_element_put(struct xml *x, struct str content, struct put *w);

/* ---- writing ---- */

/* " NAME='VALUE'" with the value escaped. */
void xmpp_put_attribute(struct put *w, struct str name, struct str value);
/* The element "<message", with what is not empty of the attributes, and no ">". */
struct xmpp_head {
	enum xmpp_kind kind;
	enum xmpp_type type;
	struct str     id, to, from, lang; /* plain text */
};
void       xmpp_put_head(struct put *w, const struct xmpp_head *h);
struct str xmpp_kind_word(enum xmpp_kind kind);

/* "<error type='...'>...</error>"; text may be empty. */
void xmpp_put_error(struct put *w, enum xmpp_condition c, struct str text);
/* The whole answer of type error to a stanza. */
void       xmpp_put_error_stanza(struct put *w, const struct xmpp_head *h, enum xmpp_condition c,
				 struct str text);
struct str xmpp_condition_text(enum xmpp_condition c);
/* "<stream:error>...</stream:error>" */
void xmpp_put_stream_error(struct put *w, enum xmpp_stream_error e, struct str text);

/* What the sender of a stanza is told of a refusal, and what an error stanza says to us. */
enum xmpp_condition xmpp_condition_of(enum reason why);
enum reason         xmpp_reason_of(enum xmpp_condition c);
/* The same of a report that comes as an error, and of one that goes out as such. */
enum msg_state      xmpp_state_of(enum xmpp_condition c);
enum xmpp_condition xmpp_condition_of_report(const struct msg_receipt *r);
/* That of an <error/> whose START was read, up to its END; UNDEFINED_CONDITION where it has none
 * that we know. */
enum xmpp_condition xmpp_error_read(struct xml *x);
