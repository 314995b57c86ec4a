/*
 * What the parsers of message bodies say. They take a whole body, copy nothing, keep nothing and
 * allocate nothing: what they give points into the body, or into a room that the caller lends for
 * text that has to be decoded. Pure; any thread.
 */
#pragma once

enum sip_body {
	SIP_BODY_OK,
	SIP_BODY_SYNTAX, /* not what its standard says */
	SIP_BODY_LIMIT, /* more of something than the limit beside it allows, or the room is full */
	SIP_BODY_REPEATED, /* what may stand once stands twice, so that two readers could differ */
	SIP_BODY_MISSING,  /* something without which it means nothing is not there */
	SIP_BODY_UNSUPPORTED, /* well-formed as far as it was read, but of a kind not served here */
};
