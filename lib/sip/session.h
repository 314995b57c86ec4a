/*
 * SIP for messages: the user agent at both ends (RFC 3261, 8; MESSAGE: RFC 3428), the registrar
 * (10; RFC 3327, 5626) and the gateway's trust domain (RFC 3325). Sans-I/O, see proto/proto.h.
 *
 * Sessions: a listener of datagrams, which hears all that comes to its port, also the responses to
 * what sessions of peers over UDP send (event->session names those); a stream accepted; a stream
 * to a peer; a peer over UDP, which is never fed. Requests of peers (services->source) and on a
 * stream to one are let in by where they come from, all others by digest credentials, unless the
 * listener is open to all.
 *
 * A peer over UDP is up when it has answered an OPTIONS, one over a stream at once. Workers only.
 */
#pragma once

#include "proto/proto.h"
#include "sip/features.h"

extern const struct proto_ops sip_ops;

/* A bit of proto_binding.features beside those of features.def; the reg-id (RFC 5626, 4.2) lies
 * above them and below those of PROTO_BINDING_; 0: none. */
#define SIP_FEATURE_STREAM 1u /* reached over the stream that it registered on */
#define SIP_FEATURE_REG_ID_SHIFT 8u
#define SIP_REG_ID_MAX 31u

#define SIP_CPM_SERVICE "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg"
/* The same as a feature tag (TS 24.229, 7.9.2). */
#define SIP_CPM_TAG "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\""
#define SIP_CHAT_ICSI "3gpp-service.ims.icsi.oma.cpm.session" /* session mode */
#define SIP_CHAT_SERVICE "urn:urn-7:" SIP_CHAT_ICSI
#define SIP_CHAT_TAG "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" SIP_CHAT_ICSI "\""
#define SIP_LARGE_SERVICE "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg" /* large mode */
#define SIP_LARGE_TAG "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg\""

#define SIP_EXPIRES_MIN 60u /* seconds; shorter is refused with 423 (RFC 3261, 10.3, step 7) */
#define SIP_EXPIRES_MAX 3600u
#define SIP_EXPIRES_PEER_MAX                                                                       \
	2678400u               /* of what an S-CSCF says, who does not ask before (31 days) */
#define SIP_RETRY_AFTER_S 5u   /* seconds, where nobody says better */
#define SIP_DATAGRAM_MAX 1300u /* bytes of a request over UDP (RFC 3261, 18.1.1) */
