/*
 * Streams of XML (RFC 6120, 4 and 11): a resumable scanner that finds where the next item of a
 * stream ends, as soon as its last byte is there: the open tag of the root, with the declaration
 * before it; one whole child of the root, which is a stanza; the end tag of the root; white space
 * between them. An item is then read by xml.h, a child with the namespaces that the root binds.
 *
 * Refused as soon as it is seen: what restricted XML leaves out (11.1: document types, comments,
 * processing instructions, entities but the five), bytes that are not UTF-8 however they are cut,
 * characters that XML has not, text between stanzas, an end tag of another name, and
 * whatever is over a limit. What is malformed inside a tag is found when its item is read; no item
 * ends elsewhere for it.
 *
 * MORE consumes nothing and remembers how far it looked: at most XML_FRAME_AGAIN bytes of an item
 * are looked at again for each call. One owner; no memory.
 */
#pragma once

#include "xml/xml.h"

#define XML_FRAME_AGAIN 12u         /* the longest reference; also of "<![CDATA[" */
#define XML_FRAME_UNQUOTED_MAX 800u /* bytes of a tag from one value to the next, or to its end */
#define XML_FRAME_DECLARATION_MAX 256u
#define XML_FRAME_SIZE_MAX 65536u /* no limit for items may be greater */

enum xml_frame_item {
	XML_FRAME_MORE,
	XML_FRAME_SPACE,
	XML_FRAME_OPEN,
	XML_FRAME_CHILD,
	XML_FRAME_CLOSE, /* of no bytes where the root was an empty element */
	XML_FRAME_BAD,   /* and so from now on; ->fault says how */
};

enum xml_fault {
	XML_FAULT_NONE,
	XML_FAULT_SYNTAX,     /* not well-formed */
	XML_FAULT_RESTRICTED, /* well-formed, maybe, but not restricted XML */
	XML_FAULT_ENCODING,   /* not UTF-8 */
	XML_FAULT_LIMIT,
	XML_FAULT_COUNT
};

struct xml_frame {        /* zeroed: before a stream */
	uint32_t seen;    /* bytes of the item that need not be looked at again */
	uint32_t mark;    /* where in it the unquoted part, or the CDATA section, begins */
	uint8_t  where;   /* of its next byte */
	uint8_t  depth;   /* elements open in the item */
	uint8_t  values;  /* attributes of the tag so far */
	uint8_t  fault;   /* enum xml_fault */
	bool     closing; /* the tag is an end tag */
	bool     begun;   /* something came before the item */
	bool     empty;   /* the root is an empty element, whose end is not given yet */
	bool     open, closed;
	uint16_t name;                 /* where in the item that of the tag begins */
	uint16_t names[XML_DEPTH_MAX]; /* of the elements that are open in it */
};

/* in: all that is unread, from the start of the item on. size_max: bytes that an item may have, but
 * for white space; an item that cannot be so short is BAD at once. */
enum xml_frame_item xml_frame_next(struct xml_frame *f, struct cur *in, size_t size_max,
				   struct str *item);

/*
 * Most children are short, and there as a whole. Where nothing of the next item was looked at yet,
 * one of at most so many bytes may be read as if it were framed, without being looked for first:
 * when it is well-formed up to its last END and plain, it is what xml_frame_next() would give, and
 * is consumed without it.
 */
#define XML_FRAME_SHORT_MAX XML_FRAME_UNQUOTED_MAX

static inline bool xml_frame_fresh(const struct xml_frame *f)
{
	return f->seen == 0 && f->open && !f->empty && !f->closed && f->fault == XML_FAULT_NONE;
}

bool xml_plain(struct str item); /* of characters that need no other look */

/* What stanzas take from the root of their stream: the namespaces that it binds. Its name, too. */
#define XML_SCOPE_BINDINGS_MAX 8u
#define XML_SCOPE_TEXT_MAX 232u

struct xml_scope {
	uint8_t count, prefix_size, local_size;
	struct {
		uint8_t prefix_size, uri_size;
	} binding[XML_SCOPE_BINDINGS_MAX];
	char text[XML_SCOPE_TEXT_MAX]; /* the name, then each binding, one after the other */
};

/* Reads an OPEN item: its declaration and START, after which x has the root's name, namespace and
 * attributes. */
enum xml_fault xml_root_open(struct xml *x, struct str item, struct xml_scope *scope);
/* Begins to read a CHILD; x, its first START, DONE after the last END. */
void xml_child_open(struct xml *x, struct str item, const struct xml_scope *scope);
/* Is the CLOSE item the end tag of that root? */
bool xml_root_closes(const struct xml_scope *scope, struct str item);
