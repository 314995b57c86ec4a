/*
 * The management thread: listens on run_dir/dataplane.sock, speaks the channel with control,
 * applies deltas aside, publishes, keeps state_dir/world.img, answers questions. It sleeps in
 * poll() when idle, at most a millisecond where workers may ask; it is the only writer of the
 * world.
 */
#pragma once

#include <stdbool.h>

#include "base/cur.h"
#include "base/reason.h"
#include "conf/model.h"
#include "metrics/metrics.h"
#include "world_ref.h"

struct dataplane;
struct mgmt;

/*
 * Questions of workers to control (ask.h has what each does). Each is sent on as it comes, and what
 * comes back is handed to the worker; what is on its way to control has these limits, so that the
 * channel always has room for it.
 */
#define MGMT_ASKS_OUT 64u
#define MGMT_ASKS_OUT_BYTES 65536u

struct mgmt_asks {
	bool (*next)(struct dataplane *dp, uint64_t now_us, uint64_t *id, struct cur *question);
	void (*told)(struct dataplane *dp, uint64_t id, enum reason why, struct cur answer);
	void (*lost)(struct dataplane *dp);
};

struct mgmt_config {
	const struct conf_file *file;
	struct dataplane       *dataplane; /* handed to query_run() */
	struct world_ref       *world;
	unsigned                workers;
	int                     metrics_fd; /* memfd of the counters, passed to control at hello */
	/* Called on the management thread after a world was published: make links and slabs follow
	 * it. */
	void (*published)(struct dataplane *dp, const struct world *world);
	/* Then, for each address of record that is nobody's or somebody else's now. */
	void (*gone)(struct dataplane *dp, struct str address);
	const struct mgmt_asks *asks; /* NULL: nobody asks */
};

/* Reads state_dir/world.img if there is one and publishes it; opens the socket. NULL with error
 * filled. */
struct mgmt *mgmt_new(const struct mgmt_config *config, char error[256]);
/* Runs until stop_fd is readable. The calling thread is the management thread. tick is called at
 * least every 100 ms. */
void mgmt_run(struct mgmt *m, int stop_fd, void (*tick)(struct dataplane *dp));
void mgmt_free(struct mgmt *m);
