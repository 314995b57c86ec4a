/*
 * What the tests of SIP through the whole dataplane share: a site with a message centre, a peer
 * over UDP, an ESME and two subscribers, and devices that a test drives by text.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "phone.h"
#include "record.h"

struct sip_world_message {
	unsigned count;
	char     from[64], to[64], text[MSG_SIZE_MAX + 1];
	uint8_t  wants;
};

struct sip_world_receipt {
	unsigned count;
	char     from[64], to[64];
	uint8_t  esm_class, state;
};

extern struct sim               sim;
extern struct sip_world_message centre;      /* what the message centre got last */
extern struct sip_world_receipt receipt;     /* and what the ESME got */
extern struct result            esme_answer; /* the answers that the ESME got */
extern unsigned                 esme_answers;
extern struct phone            *ims;      /* the peer */
extern unsigned                 sequence; /* of the requests of devices */

extern const char *world_state_dir; /* of the next world; NULL: nothing is kept */

struct sip_world_keys { /* likewise */
	struct conf_stir        stir;
	unsigned                count; /* of certificates, at most one */
	struct conf_certificate certificate;
};
extern struct sip_world_keys world_keys;

/* Fixtures: whoever comes is let in; only who proves who it is; two workers. */
int world_open(void **state);
int world_closed(void **state);
int world_of_two(void **state);
int world_large(void **state);      /* of two workers, with large messages at ports from 9100 on */
int world_chat(void **state);       /* of one, with the same */
int world_chat_first(void **state); /* of one, where chats go before single messages */
int world_turkish(void **state);    /* as the first, with the tables of that language */
int world_end(void **state);

/* More accounts, peers and routes, each a line of YAML as in a site file; once. */
void world_adds_subscribers(const char *subscribers);
void world_adds(const char *accounts, const char *peers, const char *routes);
/* What world_adds() added last is this. */
void world_adds_instead(const char *accounts, const char *peers);
/* After world_adds(): rules, each a line likewise; once. */
void world_rules(const char *rules);
/* The peer has the host ims.example from now on, and no port. */
void peer_by_name(void);
/* The peer has these keys, too: ", body: sms". */
void peer_with(const char *keys);

/* Answers every OPTIONS of the appliance; returns the next other request. */
const char *ims_take(void);
bool        ims_answers_until_up(struct sim *s);
/* The next message that a phone gets within a second; OPTIONS to the peer are answered. */
const char *next_of(struct phone *p);
void        assert_status(const char *text, const char *status);

/* From a phone. */
void send_message(struct phone *p, const char *to, const char *from, const char *more,
		  const char *body);
void send_register(struct phone *p, const char *address, const char *contact, const char *more);

void submit(const char *to, const char *text, uint8_t wants); /* by the ESME */
void submit_ucs2(const char *to, const char *text);           /* the same in UCS-2 */
/* The same with a registered_delivery of its own (SMPP 3.4, 5.2.17). */
void submit_registered(const char *to, const char *text, uint8_t registered_delivery);
void esme_begin(void);
bool esme_answered(struct sim *s);
void centre_sends_text(const char *from, const char *to, const char *text);
void centre_sends_receipt(const char *from, const char *to, const char *id);
