/* A table of words: (kind, bytes) to a number. Owns copies of the bytes. Control only; one owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct intern_entry {
	char    *text; /* NULL: free place */
	uint32_t size, kind, number;
};

struct intern {
	struct intern_entry *entries;
	uint32_t             count, room; /* room: a power of two */
};

/* The entry of the word; *fresh: it was made now, with number 0. NULL: memory is short. Valid until
 * the next call. */
struct intern_entry *intern_word(struct intern *t, uint32_t kind, struct str text, bool *fresh);
void                 intern_free(struct intern *t);
