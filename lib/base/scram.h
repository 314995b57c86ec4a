/*
 * What proves a password to SASL, without the password: of SCRAM (RFC 5802, 3; RFC 7677) and of
 * PLAIN (RFC 4616). Control makes it once, when the password is set; workers only compare.
 */
#pragma once

#include <stdint.h>

#define SCRAM_ITERATIONS 4096u /* RFC 7677, 4: the least that is allowed */
#define SCRAM_SALT_SIZE 16u
#define SCRAM_SHA1_SIZE 20u
#define SCRAM_SHA256_SIZE 32u

struct scram_credentials {
	uint8_t salt[SCRAM_SALT_SIZE];
	uint8_t plain[SCRAM_SHA256_SIZE]; /* SHA-256 over salt and password */
	uint8_t stored_sha1[SCRAM_SHA1_SIZE], server_sha1[SCRAM_SHA1_SIZE];
	uint8_t stored_sha256[SCRAM_SHA256_SIZE], server_sha256[SCRAM_SHA256_SIZE];
};
