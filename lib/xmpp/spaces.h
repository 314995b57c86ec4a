/* Namespaces of XMPP that several files name. */
#pragma once

#define XMPP_SPACE_CLIENT "jabber:client"
#define XMPP_SPACE_COMPONENT "jabber:component:accept"
#define XMPP_SPACE_SERVER "jabber:server"
#define XMPP_SPACE_DIALBACK "jabber:server:dialback"
#define XMPP_SPACE_STREAMS "http://etherx.jabber.org/streams"
#define XMPP_SPACE_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define XMPP_SPACE_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define XMPP_SPACE_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define XMPP_SPACE_CARBONS "urn:xmpp:carbons:2"
#define XMPP_SPACE_GATEWAY "jabber:iq:gateway"
#define XMPP_SPACE_ADDRESS "http://jabber.org/protocol/address"
#define XMPP_SPACE_OOB "jabber:x:oob"
#define XMPP_SPACE_BIND "urn:ietf:params:xml:ns:xmpp-bind"
