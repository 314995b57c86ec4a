/* Addresses from a pattern: # is a random digit, * a digit of the message's number; of several,
 * parted by commas, one is taken at random. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/str.h"

#define PATTERN_MAX 64u
#define PATTERN_SIZE_MAX 128u

struct pattern {
	unsigned   count;
	struct str part[PATTERN_MAX]; /* lent from the text that was parsed */
};

/* False: *why says what is wrong. */
bool pattern_parse(const char *text, struct pattern *p, const char **why);

/* Writes one address into room and returns its size. */
size_t pattern_make(const struct pattern *p, struct random *random, uint64_t number,
		    char room[PATTERN_SIZE_MAX]);
