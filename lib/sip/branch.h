/*
 * The branch of our own Via (RFC 3261, 8.1.1.7): names worker and transaction, so that a response
 * finds both without a table, and proves itself, so that none can be made up. In small letters and
 * digits, read in either case. Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/hash.h"
#include "base/put.h"
#include "base/str.h"

struct sip_branch {
	uint8_t  worker;
	uint32_t index, generation; /* of the transaction's block */
};

#define SIP_NAME_SIZE 24u
#define SIP_BRANCH_SIZE (7u + SIP_NAME_SIZE)

void sip_branch_put(struct put *w, const struct hash_key *key, const struct sip_branch *b);
/* False: it is not ours, or was altered, or another run's. */
bool sip_branch_parse(struct str text, const struct hash_key *key, struct sip_branch *b);
/* The worker that a branch of this form names, unproven; false: not of this form. */
bool sip_branch_worker(struct str text, unsigned *worker);

/* The same without the cookie, for other blocks and with another key: tags of our dialogs. */
void sip_name_put(struct put *w, const struct hash_key *key, const struct sip_branch *b);
bool sip_name_parse(struct str text, const struct hash_key *key, struct sip_branch *b);
bool sip_name_worker(struct str text, unsigned *worker);

/* The first text after a "=" that begins with the cookie and is long enough for one of ours; false:
 * there is none. */
bool sip_branch_find(struct str text, struct str *branch);

/* Five bits a character, for branches, tags and nonces: eight letters of RFC 4648 for 40 bits. */
void sip_base32_five(struct put *w, uint64_t five);
/* The same for bytes, in fives. */
void sip_base32_put(struct put *w, const uint8_t *bytes, size_t n);
/* text.n must be n / 5 * 8. */
bool sip_base32_parse(struct str text, uint8_t *bytes, size_t n);
