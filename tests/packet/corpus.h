/* Makes fuzz inputs of scripts: each frame that comes in for tests/fuzz/net_fuzz.c, and each script
 * as a whole for tests/fuzz/tcp_fuzz.c. */
#pragma once

#include "device.h"

struct corpus;

struct corpus      *
corpus_new(const char *folder); /* with folders net and tcp in it; NULL: cannot be made */
void corpus_free(struct corpus *corpus);

/* Around the run of a script; d->ears is set and taken back. */
void corpus_begin(struct corpus *corpus, struct device *d, const struct script *script,
		  uint32_t traits);
void corpus_end(struct corpus *corpus, struct device *d);
