/*
 * XMPP over WebSocket (RFC 7395): each message is one stanza, with its namespaces, or <open/> or
 * <close/> in the place of the stream's tags. The session reads and writes a stream; here its items
 * become messages and messages its items. Pure; one owner; no memory.
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"
#include "proto/proto.h"

#define XMPP_SPACE_FRAMING "urn:ietf:params:xml:ns:xmpp-framing"
#define XMPP_STREAM_HEAD_MAX 1024u /* bytes of the open tag that <open/> becomes */

struct xmpp_framing { /* what was written of an item; zeroed: nothing */
	uint8_t where : 3;
	bool    begun : 1, head : 1; /* head: the open tag of the stream */
	uint8_t before, depth; /* depth: of elements, at most XML_DEPTH_MAX in what we write */
};

/* What begins our streams of clients, before its attributes. */
#define XMPP_CLIENT_HEAD                                                                           \
	"<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:client\" "                           \
	"xmlns:stream=\"http://etherx.jabber.org/streams\""

/* The next item, or as much of it as is there, out of what the session wrote: proto_ops.message. */
void xmpp_framing_next(struct xmpp_framing *f, struct cur *written, struct proto_piece *piece);

enum xmpp_framed { XMPP_FRAMED_STANZA, XMPP_FRAMED_OPEN, XMPP_FRAMED_CLOSE, XMPP_FRAMED_BAD };

/* What a message is, and the tag of a stream that it stands for. BAD: it begins as <open/> or
 * <close/> does, and is none. */
enum xmpp_framed xmpp_framing_read(struct cur message, struct put *tag);
