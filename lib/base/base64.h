/* Base 64 (RFC 4648, 4), read strictly: with its padding, without anything between, and each text
 * of bytes in one form only. Pure; any thread. */
#pragma once

#include "base/put.h"
#include "base/str.h"

void base64_put(struct put *w, const void *bytes, size_t n);
/* False: not of that form, or no room. */
bool base64_parse(struct str text, struct put *bytes);

/* The same with - and _ and without padding (RFC 4648, 5; RFC 7515, 2). */
void base64url_put(struct put *w, const void *bytes, size_t n);
bool base64url_parse(struct str text, struct put *bytes);
