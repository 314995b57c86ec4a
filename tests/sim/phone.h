/*
 * A SIP device of the remote host that a test drives by text: it sends what it is told and keeps
 * what it gets, message by message. Nothing of the product's SIP is in it.
 */
#pragma once

#include "host.h"

#define PHONES_MAX 16u
#define PHONE_TEXT_MAX 4096u
#define PHONE_QUEUE 64u

struct phone {
	struct host  *host;
	bool          chat; /* a client of XMPP: what it gets is not cut into messages */
	uint16_t      port; /* UDP: ours; TCP: 0 */
	uint32_t      tcp;
	bool          open;
	struct phone *next;                   /* who came to its port while it was open */
	bool          msrp;                   /* what comes are chunks of MSRP */
	bool          ws;                     /* a WebSocket; open when its handshake was good */
	unsigned      ws_piece;               /* it sends in fragments of so many bytes; 0: whole */
	unsigned      ws_opcode;              /* of the last frame of control that it got */
	char          ws_control[126];        /* and its payload */
	unsigned      ws_binary;              /* frames that it got and that were no text */
	char          ws_answer[512];         /* to the handshake */
	char          in[2 * PHONE_TEXT_MAX]; /* TCP: bytes not yet a message */
	size_t        in_size;
	char          got[PHONE_QUEUE][PHONE_TEXT_MAX]; /* whole messages, oldest first */
	unsigned      got_first, got_count, total;
};

/* For struct host_hooks. */
void phone_datagram(struct host *h, const struct net_udp_datagram *d);
void phone_tcp_event(struct host *h, const struct tcp_event *event);

void          phones_begin(void);
struct phone *phone_udp(struct host *h, uint16_t port);
struct phone *phone_tcp(struct host *h);                       /* to port 5060; open later */
struct phone *phone_tcp_listen(struct host *h, uint16_t port); /* open when somebody comes */
/* Streams of MSRP, likewise: to a port of the appliance, and from it. */
struct phone *phone_msrp(struct host *h, uint16_t port);
struct phone *phone_msrp_listen(struct host *h, uint16_t port);
void          phone_reset(struct phone *p); /* its connection ends at once */

/* WebSockets, to port 5080: NULL: with a good handshake, open later; else with that text. What it
 * sends and gets are messages of SIP in frames. */
struct phone *phone_ws(struct host *h, const char *handshake);
/* The same of XMPP, to port 5280: each message is a stanza, or stands for a tag of the stream. */
struct phone *phone_ws_chat(struct host *h);
void          phone_ws_frame(struct phone *p, unsigned first_byte, const void *payload, size_t n);
void          phone_bytes(struct phone *p, const void *bytes, size_t n); /* without a frame */

/* Streams of XMPP: of a client, to port 5222, open later; to another port; and from the appliance,
 * open when it comes. */
struct phone *phone_chat(struct host *h);
struct phone *phone_chat_to(struct host *h, uint16_t port);
struct phone *phone_chat_listen(struct host *h, uint16_t port);
void          phones_forget_presence(void); /* what all of them have heard of who comes */

/* To port 5060, or where it is connected to. */
void phone_send(struct phone *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A head to its last CRLF, and a body of any bytes. */
void phone_send_body(struct phone *p, const char *head, const void *body, size_t n);
/* The oldest message that it got and that was not taken; NULL: none. Valid until the next. */
const char *phone_take(struct phone *p);

/* The value of a header field of a message, the first of its name; "" when it has none. Valid until
 * the fourth next call. */
const char *phone_header(const char *message, const char *name);
const char *phone_body(const char *message);
/* Answers a request: status line, the fields that must come back, and a tag. */
void phone_answer(struct phone *p, const char *request, const char *status, const char *more);
