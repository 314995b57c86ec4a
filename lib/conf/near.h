/* The word that was meant. Pure; any thread. */
#pragma once

#include "base/str.h"

/* The nearest of the words by edit distance, NULL when none is near. */
const char *conf_nearest(struct str word, const char *const words[], unsigned n);
