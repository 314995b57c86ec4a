/*
 * SCRAM-SHA-1 (RFC 5802) as a client, without channel binding. One thread. What a password is
 * stretched to takes thousands of hashes and is kept, so that many clients with one password and
 * one salt pay for it once.
 */
#pragma once

#include "base/put.h"
#include "base/scram.h"
#include "base/str.h"

#define SCRAM_CLIENT_FIRST_MAX 320u /* client-first-message-bare */
#define SCRAM_CLIENT_SALT_MAX 64u
#define SCRAM_CLIENT_PASSWORD_MAX 256u

struct scram_salted { /* zeroed: none is kept */
	uint32_t iterations;
	uint8_t  salt_size;
	uint16_t password_size;
	uint8_t  salt[SCRAM_CLIENT_SALT_MAX];
	char     password[SCRAM_CLIENT_PASSWORD_MAX];
	uint8_t  key[SCRAM_SHA1_SIZE];
};

struct scram_client {
	uint16_t first_size, nonce_size;
	char     first[SCRAM_CLIENT_FIRST_MAX];
	uint8_t  signature[SCRAM_SHA1_SIZE]; /* that the server must have */
};

/* client-first-message. nonce: of printable ASCII without a comma. False: it does not fit. */
bool scram_client_begin(struct scram_client *s, struct str user, struct str nonce, struct put *w);
/* client-final-message. False: the challenge is not one for us, or it does not fit. */
bool scram_client_answer(struct scram_client *s, struct scram_salted *salted, struct str password,
			 struct str challenge, struct put *w);
/* Does the server know the password too? */
bool scram_client_proves(const struct scram_client *s, struct str last);
