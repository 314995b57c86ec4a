/* Inside control: what its parts share. Main thread only. */
#pragma once

#include "ipc/hello.h"
#include "metrics/metrics.h"

#include "change.h"
#include "db.h"
#include "event.h"
#include "secret.h"

struct answers;
struct domains;
struct dp_link;
struct notices;
struct resolver;

/* What rules are compiled for. */
struct control_platform {
	struct ipc_platform info;
	char                hyperscan[64];
};

struct control {
	struct metrics          counters;
	const struct conf_file *file;
	struct event_loop      *loop;
	struct db              *db;
	struct secrets         *secrets;
	struct dp_link         *link;
	struct resolver        *resolver;
	struct answers         *answers;
	struct notices         *notices;
	struct domains         *domains;
	struct control_platform
		 platform; /* of the dataplane, as it said last; before that of this machine */
	uint64_t version, checksum; /* newest committed */
	uint64_t counts[CONF_KIND_COUNT];
	uint64_t started_ms;
	uint64_t boot_id; /* random */
};

/* Opens the state of `file` (kept lent) and begins to look for the dataplane. NULL with error
 * filled. */
struct control *control_new(const struct conf_file *file, struct event_loop *loop, char error[256]);
void            control_free(struct control *c);

uint64_t control_wall_ms(void);
/* After a commit: version, checksum and counts as the database has them. */
int  control_reload(struct control *c);
void control_platform_set(struct control *c, const struct control_platform *platform);
