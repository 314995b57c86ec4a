/*
 * Passwords: sealed while they rest, opened only on their way to the dataplane. AES-256-GCM; the
 * key is 32 bytes in $CREDENTIALS_DIRECTORY/cpm.key (systemd) or state_dir/secret.key. What is
 * sealed is bound to its object, so that it cannot be moved to another. DESIGN.md 5, Secrets. Main
 * thread of control.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "conf/model.h"

struct secrets;

/* create: make a key file when there is none; else that is an error. NULL with error filled. */
struct secrets *secrets_open(const char *state_dir, bool create, char error[256]);
void            secrets_free(struct secrets *s);

/* From PLAIN to SEALED, with a new salt. owner: kind and name of the object. scram: with what SASL
 * asks for, which takes some milliseconds (SCRAM_ITERATIONS). 0 or -errno. */
int  secret_seal(struct secrets *s, const char *owner, struct conf_secret *secret, bool scram);
bool secret_has_scram(const struct conf_secret *sealed);
/* 0, or -EBADMSG: sealed with another key, for another owner, or damaged. plain may be sealed. */
int secret_open(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		struct conf_secret *plain);
/* What an account's password is checked against: CONF_SECRET_SHA256 with the salt it was sealed
 * with. 0, -EBADMSG. */
int secret_digest(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		  struct conf_secret *digest);
/* What a subscriber's password is checked against: CONF_SECRET_DIGEST with HA1 over user, realm and
 * password (realm empty: zeros), and what SASL asks for where it was sealed with it. 0, -EBADMSG.
 */
int secret_subscriber(struct secrets *s, const char *owner, const struct conf_secret *sealed,
		      struct str user, struct str realm, struct conf_secret *digest);
/* Is the sealed one this plain one? */
bool secret_is(struct secrets *s, const char *owner, const struct conf_secret *sealed,
	       const struct conf_secret *plain);
