/* What the files of the store share, and nobody else includes. */
#pragma once

#include <openssl/types.h>

#include "stir/scope.h"
#include "stir/store.h"

struct stir_certificate {
	char             *url;
	EVP_PKEY_CTX     *verify;
	uint64_t          from_s, until_s; /* when it and all that vouch for it are valid */
	bool              scoped;          /* it says for which numbers it is */
	struct stir_scope scope;
};

struct stir {
	EVP_PKEY_CTX            *sign; /* NULL: nothing is signed */
	char                    *url, *attest, *origid;
	unsigned                 count;
	struct stir_certificate *certificates; /* by their URLs */
};

/* load.c: false, and error says why; what was made is freed with the store. */
bool stir_load_key(struct stir *s, const struct stir_files *files, char error[STIR_ERROR_SIZE]);
bool stir_load_certificates(struct stir *s, const struct stir_files *files,
			    char error[STIR_ERROR_SIZE]);
void stir_say(char error[STIR_ERROR_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
