/*
 * SIP for a load that must cost next to nothing: a MESSAGE of which a few bytes change each time,
 * and answers made by copying lines. It shares nothing with the SIP that is measured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIP_TEXT_MAX 2048u   /* bytes of a message of this load, or of an answer to one */
#define SIP_TEXT_BODY 160u   /* characters */
#define SIP_TEXT_ADDRESS 11u /* "+46" and eight digits */

struct sip_text {
	char   bytes[SIP_TEXT_MAX];
	size_t size;
	char  *uri, *to, *branch, *tag, *call, *body;
};

/* transport: UDP or TCP; sender: what Via says of us, "198.18.0.2:5070"; host: of the Request-URI.
 */
void sip_text_init(struct sip_text *t, const char *transport, const char *sender, const char *host);
/* The next one: its transaction and its Call-ID are of that number. */
void sip_text_next(struct sip_text *t, const char *to, const char *body, uint64_t number);

/* The answer 200 to a request; returns its bytes, at most SIP_TEXT_MAX. */
size_t sip_text_answer(const char *request, size_t n, char room[SIP_TEXT_MAX]);
/* A response: its status; a request: 0. */
unsigned sip_text_status(const char *bytes, size_t n);
/* Bytes of the first whole message of a stream; 0: not there yet. */
size_t sip_text_size(const char *bytes, size_t n);
