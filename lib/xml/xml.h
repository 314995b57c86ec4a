/*
 * The XML that message bodies are written in: a strict pull reader of a whole document, and
 * escaping for those who write. Elements, attributes, namespaces, text, CDATA as text, the five
 * entities and character references. Refused: document types, processing instructions but the
 * declaration, comments, other encodings than UTF-8, prefixes that are not bound, whatever is not
 * well-formed. What is accepted here every reader of XML 1.0 in its fifth edition accepts and
 * understands alike; those of earlier ones have fewer characters for names. Linear in the document
 * but for the attributes of one element, which are limited; pure; any thread.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"

#define XML_SIZE_MAX 65536u
#define XML_DEPTH_MAX 32u
#define XML_ATTRIBUTES_MAX 32u /* of one element */
#define XML_BINDINGS_MAX 32u   /* namespaces bound at a time */
#define XML_NAME_MAX 128u      /* bytes of a prefix, and of a local name */

enum xml_token {
	XML_START, /* of an element; an empty one gives its END next */
	XML_END,
	XML_TEXT, /* a piece of text with references, or a CDATA section, as it stands */
	XML_DONE, /* the document is over, and well-formed */
	XML_BAD,  /* and so from now on */
};

struct xml_name {
	struct str prefix, local;
};

struct xml_attribute {
	struct xml_name name;
	struct str      space; /* of its prefix; empty: none */
	struct str      value; /* as it stands: see xml_value_put() */
};

struct xml {
	struct cur      in;
	struct str      text;  /* of TEXT */
	struct xml_name name;  /* of START and END */
	struct str      space; /* its namespace, as the binding has it; empty: none */
	/* Of the last START, namespace declarations left out; lent until the next. */
	const struct xml_attribute *attribute;
	unsigned                    attributes;
	unsigned depth; /* of START and END: 1 is the root; of TEXT: its element's */
	bool     bad, empty, ended;
	bool     limit, encoding; /* what made it bad: a limit; the declared encoding */
	unsigned open, bindings;
	const struct xml_tape *tape; /* that is read, or NULL */
	unsigned               step; /* of it, the next */
	struct xml_name        element[XML_DEPTH_MAX];
	struct {
		struct str prefix, uri;
		unsigned   depth;
	} binding[XML_BINDINGS_MAX];
	struct xml_attribute room[XML_ATTRIBUTES_MAX]; /* of attribute[] */
};

/* Begin to read a document; nothing is read when it is longer than XML_SIZE_MAX, not UTF-8 or
 * has characters that XML has not: the first token is then BAD. */
void           xml_open(struct xml *x, struct cur document);
enum xml_token xml_next(struct xml *x);
/* The namespace of a prefix in force; false: not bound. The empty prefix is always. Not of a tape.
 */
bool xml_space(const struct xml *x, struct str prefix, struct str *uri);
/* Is the element of the last START this one? */
bool xml_is(const struct xml *x, struct str space, struct str local);

/* After a START: passes over everything up to its END. False: BAD. */
bool xml_skip(struct xml *x);
/* After a START: the element's content, which must be text only, without the white space around
 * it, and its END. What stands as it is meant is lent, other text is put into the room. False: an
 * element in it, BAD, or no room (room->failed). */
bool xml_text(struct xml *x, struct put *room, struct str *text);

/* The tokens of a document, kept while it is read, so that it can be read again for little. What
 * has more is read from its bytes again. */
#define XML_TAPE_STEPS 48u
#define XML_TAPE_ATTRIBUTES 48u

struct xml_tape {
	unsigned steps, attributes;
	bool     full; /* there was no place for all of it */
	struct {
		uint8_t         token, depth, attributes; /* enum xml_token */
		struct str      text;
		struct xml_name name;
		struct str      space;
	} step[XML_TAPE_STEPS];
	struct xml_attribute attribute[XML_TAPE_ATTRIBUTES];
};

void xml_tape_begin(struct xml_tape *t);
/* The token that x has just given. */
void xml_tape_keep(struct xml_tape *t, const struct xml *x, enum xml_token token);
/* Begins to read what is kept, DONE behind it: a tape that is not full. */
void xml_tape_read(struct xml *x, const struct xml_tape *t);

/* Text or an attribute's value with its references, CDATA sections and line ends resolved. */
void xml_text_put(struct put *w, struct str raw);
void xml_value_put(struct put *w, struct str raw);
/* Text escaped, fit for content and for attributes in double quotes; fails where XML has no such
 * character or it is not UTF-8. */
void xml_escape_put(struct put *w, struct str text);
