/*
 * The management thread: listens on run_dir/dataplane.sock, speaks the channel with control,
 * applies deltas aside, publishes, keeps state_dir/world.img, answers questions. It sleeps in
 * poll() when idle; it is the only writer of the world.
 */
#pragma once

#include <stdbool.h>

#include "conf/model.h"
#include "metrics/metrics.h"
#include "world_ref.h"

struct dataplane;
struct mgmt;

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
};

/* Reads state_dir/world.img if there is one and publishes it; opens the socket. NULL with error
 * filled. */
struct mgmt *mgmt_new(const struct mgmt_config *config, char error[256]);
/* Runs until stop_fd is readable. The calling thread is the management thread. tick is called at
 * least every 100 ms. */
void mgmt_run(struct mgmt *m, int stop_fd, void (*tick)(struct dataplane *dp));
void mgmt_free(struct mgmt *m);
