/*
 * Clients of XMPP on the host of a simulation: opened through TCP, SASL and binding, then writing
 * to one another. What they say and understand is tools/cpm-load/chat_client.h.
 */
#pragma once

#include "chat_client.h"
#include "rig.h"

#define XMPP_USER "u%05u@example.org" /* of the subscriber by this number, who is also ... */
#define XMPP_NUMBER "+479%05u"        /* ... this one */

/* Their one password has one salt for all, so that it is stretched once. */
void xmpp_subscribers_add(struct sim_delta *d, unsigned count);
/* Room for so many clients, taken at once; to ports XMPP_PORT and so many more, in turn. */
#define XMPP_PORT 5222u
void xmpp_clients_begin(unsigned count, unsigned ports);
/* Logs in all of them by SCRAM-SHA-1, so many at a time. */
void xmpp_clients_open(unsigned together);
void xmpp_clients_end(void);
/* For struct host_hooks. */
void xmpp_clients_event(struct host *h, const struct tcp_event *event);
/* A text to this address; false: its connection has no room. */
bool xmpp_client_write(unsigned client, const char *to, struct str text, uint64_t number);
/* Messages that came to a client, and that came back. */
uint64_t xmpp_clients_received(void), xmpp_clients_refused(void);
