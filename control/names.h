/* A number for each name: an open hash table that grows. One owner. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/model.h"

struct name {
	char    text[CONF_NAME_SIZE]; /* empty: the place is free */
	int64_t n;
	bool    checked;
};

struct names {
	struct name *places; /* room: a power of two, at most three quarters in use */
	size_t       n, room;
};

/* The name's entry, made with 0 where there was none; lent until the next call. NULL: no memory. */
struct name *names_at(struct names *names, const char *text);
void         names_free(struct names *names);
