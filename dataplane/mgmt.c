#include "mgmt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hs/hs.h>
#include <jansson.h>

#include "base/log.h"
#include "base/put.h"
#include "ipc/channel.h"
#include "ipc/hello.h"
#include "query.h"
#include "world/world.h"
#include "world_file.h"

#define TICK_MS 100
#define ASKS_MS 1      /* at most so long a question of a worker waits for this thread */
#define SEND_MS 2000   /* a control that does not read for so long is let go */
#define SETTLE_MS 1000 /* without a change, before files are compacted and synced */
#define FIRST_FRAME 0  /* poll slots */
#define LISTEN_SLOT 1
#define STOP_SLOT 2

struct mgmt {
	struct mgmt_config   config;
	char                 socket_path[128];
	int                  listener;
	struct ipc_hello     hello; /* ours, its world brought up to date when it is sent */
	struct ipc_channel   channel;
	bool                 greeted;
	struct world_change *prepared;      /* built aside; with what it was built from */
	struct ipc_message   prepared_from; /* its body is lent to nobody else until the change is
					       published or abandoned */
	uint8_t          *prepared_bytes;   /* a copy, where the body lay in the channel's frame */
	struct world_file file;
	uint64_t          changed_ms;
	bool              erase_due;            /* files hold a subscriber who is no more */
	unsigned          asks_first, asks_out; /* questions that control has, in order */
	uint16_t          asks_sizes[MGMT_ASKS_OUT];
	size_t            asks_bytes; /* of them */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return now_us() / 1000;
}

static const struct world *world_now(const struct mgmt *m)
{
	return m->config.world->current; /* this thread alone writes it */
}

/* One for each worker and one for this thread. */
static unsigned scratches(const struct mgmt *m)
{
	return m->config.workers + 1;
}

static bool load_one(void *user, struct cur bytes)
{
	struct mgmt         *m = user;
	char                 error[256] = "";
	struct world_change *change = world_change_build(world_now(m), bytes, scratches(m), error);

	if (change == NULL) {
		log_error("world.not_loaded", "why=\"%s\"", error);
		return false;
	}
	m->erase_due = m->erase_due || world_change_erases(change);
	world_ref_publish(m->config.world, change);
	return true;
}

static int load_world(struct mgmt *m, char error[256])
{
	const char *dir = m->config.file->cpm.state_dir;
	unsigned    damaged, taken;
	int         err = world_file_open(&m->file, dir);

	if (err < 0) {
		snprintf(error, 256, "state_dir %s cannot be opened: %s", dir, strerror(-err));
		return err;
	}
	taken = world_file_load(&m->file, load_one, m, &damaged);
	if (damaged > 0)
		log_warn("world.cut", "records=%u version=%llu", damaged,
			 world_now(m) != NULL ? (unsigned long long)world_now(m)->version : 0ull);
	if (taken > 0 && m->config.published != NULL)
		m->config.published(m->config.dataplane, world_now(m));
	if (taken > 0)
		log_info("world.loaded", "version=%llu deltas=%u",
			 (unsigned long long)world_now(m)->version, taken - 1);
	return 0;
}

static void fill_hello(struct mgmt *m)
{
	hs_platform_info_t p = {0};

	m->hello = (struct ipc_hello){.channel = ipc_version(),
				      .objects = ipc_objects_version(),
				      .workers = m->config.workers};
	if (getrandom(&m->hello.boot_id, sizeof(m->hello.boot_id), 0) < 0)
		m->hello.boot_id = now_ms();
	if (hs_populate_platform(&p) == HS_SUCCESS)
		m->hello.platform =
			(struct ipc_platform){p.tune, p.cpu_features, {p.reserved1, p.reserved2}};
	snprintf(m->hello.hyperscan, sizeof(m->hello.hyperscan), "%s", hs_version());
}

struct mgmt *mgmt_new(const struct mgmt_config *config, char error[256])
{
	struct mgmt *m = calloc(1, sizeof(*m));
	const char  *run_dir = config->file->cpm.run_dir;

	if (m == NULL) {
		snprintf(error, 256, "no memory for the management thread");
		return NULL;
	}
	m->config = *config;
	m->listener = -1;
	m->channel.fd = -1;
	m->file.dir = m->file.log = -1;
	m->prepared_from.fd = -1;
	mkdir(run_dir, 0750);
	mkdir(config->file->cpm.state_dir, 0700);
	snprintf(m->socket_path, sizeof(m->socket_path), "%s/dataplane.sock", run_dir);
	fill_hello(m);
	/* The world before the socket: who can ask gets an answer that holds. */
	if (load_world(m, error) < 0)
		goto fail;
	m->listener = ipc_listen(m->socket_path);
	if (m->listener >= 0)
		return m;
	snprintf(error, 256, "%s cannot be opened: %s", m->socket_path,
		 m->listener == -EADDRINUSE ? "another dataplane listens there"
					    : strerror(-m->listener));
	m->listener = -1;
fail:
	mgmt_free(m);
	return NULL;
}

static void drop_prepared(struct mgmt *m)
{
	if (m->prepared != NULL)
		world_change_abandon(m->prepared);
	m->prepared = NULL;
	ipc_message_done(&m->prepared_from);
	free(m->prepared_bytes);
	m->prepared_bytes = NULL;
}

static void let_go(struct mgmt *m, const char *why)
{
	if (m->channel.damaged > 0)
		why = m->channel.why;
	log_info("control.gone", "why=\"%s\"", why);
	ipc_close(&m->channel);
	drop_prepared(m);
	m->greeted = false;
	m->asks_out = 0;
	m->asks_bytes = 0;
	if (m->config.asks != NULL)
		m->config.asks->lost(m->config.dataplane);
}

static void answer(struct mgmt *m, enum ipc_type type, uint64_t id, const struct iovec parts[],
		   unsigned n)
{
	int err = ipc_send(&m->channel, type, id, parts, n, -1, SEND_MS);

	if (err < 0)
		let_go(m, strerror(-err));
}

static void answer_refused(struct mgmt *m, uint64_t id, const char *why)
{
	log_warn("world.refused", "why=\"%s\"", why);
	answer(m, IPC_REFUSED, id, &(struct iovec){(void *)why, strnlen(why, 256)}, 1);
}

static void answer_numbers(struct mgmt *m, enum ipc_type type, uint64_t id,
			   const uint64_t numbers[], unsigned n)
{
	uint8_t    room[24];
	struct put w = put_to(room, sizeof(room));

	for (unsigned i = 0; i < n; i++)
		put_be64(&w, numbers[i]);
	answer(m, type, id, &(struct iovec){room, put_size(&w)}, 1);
}

static void on_hello(struct mgmt *m, struct ipc_message *in)
{
	struct ipc_hello theirs;
	uint8_t          room[1024];
	struct put       w = put_to(room, sizeof(room));
	int              err;

	if (!ipc_hello_unpack(in->body, &theirs)) {
		let_go(m, "damaged hello");
		return;
	}
	m->hello.world_version = world_now(m) != NULL ? world_now(m)->version : 0;
	m->hello.world_checksum = world_now(m) != NULL ? world_now(m)->checksum : 0;
	ipc_hello_pack(&m->hello, &w);
	err = ipc_send(&m->channel, IPC_HELLO, in->id, &(struct iovec){room, put_size(&w)}, 1,
		       m->config.metrics_fd, SEND_MS);
	if (err < 0)
		let_go(m, strerror(-err));
	else if (theirs.channel != m->hello.channel || theirs.objects != m->hello.objects)
		let_go(m, "control is of another build; install both programs from one");
	else
		m->greeted = true;
}

/* Takes the message over: its bytes are written to the log when the change is published. */
static void on_prepare(struct mgmt *m, struct ipc_message *in)
{
	char error[256] = "";

	drop_prepared(m);
	m->prepared_from = *in;
	in->map = NULL;
	in->fd = -1;
	if (m->prepared_from.map == NULL) {
		size_t n = cur_left(&in->body);

		m->prepared_bytes = malloc(n + 1);
		if (m->prepared_bytes == NULL) {
			answer_refused(m, in->id, "no memory");
			return;
		}
		memcpy(m->prepared_bytes, in->body.p, n);
		m->prepared_from.body = cur_of(m->prepared_bytes, n);
	}
	m->prepared = world_change_build(world_now(m), m->prepared_from.body, scratches(m), error);
	if (m->prepared == NULL) {
		drop_prepared(m);
		answer_refused(m, in->id, error);
		return;
	}
	answer_numbers(m, IPC_READY, in->id,
		       (uint64_t[]){world_change_world(m->prepared)->version,
				    world_change_world(m->prepared)->checksum},
		       2);
}

/* Before publication: whatever happens to this process after it has answered, the next one knows
 * this world. */
static void keep_prepared(struct mgmt *m)
{
	bool image = m->prepared_from.type == IPC_IMAGE || world_now(m) == NULL;
	int  err = 0;

	if (image)
		err = world_file_replace(&m->file, m->prepared_from.body);
	else if (!m->file.behind)
		err = world_file_append(&m->file, m->prepared_from.body);
	if (err < 0)
		log_error("world.not_kept", "why=\"%s\" state_dir=%s", strerror(-err),
			  m->config.file->cpm.state_dir);
}

/* Writes the world in force as a new image: when the log is long, when a write failed, at the end.
 */
static void compact(struct mgmt *m)
{
	struct world_delta image = {0};

	if (world_now(m) == NULL)
		return;
	if (!world_to_image(world_now(m), &image) ||
	    world_file_replace(&m->file, cur_of(image.bytes, image.size)) < 0)
		log_error("world.not_kept", "state_dir=%s", m->config.file->cpm.state_dir);
	else
		m->erase_due = false;
	world_delta_free(&image);
}

static void tell_gone(struct mgmt *m, const char *texts, size_t size)
{
	for (size_t at = 0; at < size && m->config.gone != NULL; at += strlen(texts + at) + 1)
		m->config.gone(m->config.dataplane, str_of(texts + at));
}

static void on_publish(struct mgmt *m, struct ipc_message *in)
{
	uint64_t version = cur_be64(&in->body);
	uint64_t us;
	char    *gone;
	size_t   gone_size;

	if (in->body.failed || m->prepared == NULL ||
	    world_change_world(m->prepared)->version != version) {
		answer_refused(m, in->id, "nothing is prepared with that version");
		return;
	}
	keep_prepared(m);
	m->erase_due = m->erase_due || world_change_erases(m->prepared);
	gone = world_change_take_gone(m->prepared, &gone_size);
	us = world_ref_publish(m->config.world, m->prepared);
	m->prepared = NULL;
	drop_prepared(m);
	m->changed_ms = now_ms();
	if (m->config.published != NULL)
		m->config.published(m->config.dataplane, world_now(m));
	tell_gone(m, gone, gone_size);
	free(gone);
	if (m->file.behind)
		compact(m);
	answer_numbers(m, IPC_IN_FORCE, in->id,
		       (uint64_t[]){world_now(m)->version, world_now(m)->checksum, us}, 3);
}

static void reply_query(struct mgmt *m, uint64_t id, int err, const char *text)
{
	uint8_t number[4] = {0};

	number[3] = (uint8_t)-err;
	answer(m, IPC_REPLY, id, (struct iovec[]){{number, 4}, {(void *)text, strlen(text)}}, 2);
}

static void on_query(struct mgmt *m, struct ipc_message *in)
{
	struct str name = cur_cstr(&in->body, 64);
	json_t    *args = NULL, *reply = NULL;
	char       error[256] = "";
	char      *text = NULL;
	int        err = -EINVAL;

	if (!in->body.failed)
		args = json_loadb((const char *)in->body.p, cur_left(&in->body), 0, NULL);
	if (args == NULL)
		snprintf(error, sizeof(error), "the question is damaged");
	else
		err = query_run(m->config.dataplane, name.p, args, &reply, error);
	if (err == 0)
		text = json_dumps(reply, JSON_COMPACT);
	if (err == 0 && text == NULL)
		err = -ENOMEM;
	reply_query(m, in->id, err, text != NULL ? text : error);
	free(text);
	json_decref(reply);
	json_decref(args);
}

/* A reason by its name: numbers may differ between builds. */
static enum reason reason_named(struct str name)
{
	for (unsigned why = 0; why < REASON_COUNT; why++) {
		if (str_eq(name, str_of(reason_name((enum reason)why))))
			return (enum reason)why;
	}
	return REASON_COUNT;
}

static void on_told(struct mgmt *m, struct ipc_message *in)
{
	enum reason why = reason_named(cur_cstr(&in->body, 64));

	if (in->body.failed || why == REASON_COUNT || m->config.asks == NULL || m->asks_out == 0) {
		let_go(m, "damaged answer");
		return;
	}
	m->asks_bytes -= m->asks_sizes[m->asks_first];
	m->asks_first = (m->asks_first + 1) % MGMT_ASKS_OUT;
	m->asks_out--;
	m->config.asks->told(m->config.dataplane, in->id, why, in->body);
}

/* On to control, or back where it is not there. */
static void pass_questions(struct mgmt *m)
{
	const struct mgmt_asks *asks = m->config.asks;
	uint64_t                id;
	struct cur              q;

	while (asks != NULL &&
	       (!m->greeted ||
		(m->asks_out < MGMT_ASKS_OUT && m->asks_bytes < MGMT_ASKS_OUT_BYTES)) &&
	       asks->next(m->config.dataplane, now_us(), &id, &q)) {
		if (!m->greeted) {
			asks->told(m->config.dataplane, id, REASON_CONTROL_DOWN, cur_of("", 0));
			continue;
		}
		m->asks_sizes[(m->asks_first + m->asks_out++) % MGMT_ASKS_OUT] =
			(uint16_t)cur_left(&q);
		m->asks_bytes += cur_left(&q);
		answer(m, IPC_ASK, id, &(struct iovec){(void *)q.p, cur_left(&q)}, 1);
	}
}

static void take_message(struct mgmt *m, struct ipc_message *in)
{
	if (!m->greeted && in->type != IPC_HELLO) {
		let_go(m, "no hello came first");
		return;
	}
	switch (in->type) {
	case IPC_HELLO:
		on_hello(m, in);
		return;
	case IPC_PREPARE:
	case IPC_IMAGE:
		on_prepare(m, in);
		return;
	case IPC_PUBLISH:
		on_publish(m, in);
		return;
	case IPC_ABANDON:
		drop_prepared(m);
		return;
	case IPC_QUERY:
		on_query(m, in);
		return;
	case IPC_TOLD:
		on_told(m, in);
		return;
	case IPC_READY:
	case IPC_REFUSED:
	case IPC_IN_FORCE:
	case IPC_REPLY:
	case IPC_ASK:
	case IPC_TYPE_COUNT:
		break;
	}
	let_go(m, "message of the wrong direction"); /* the channel refuses such before */
}

/* At most so many a turn, so that tick is called in time. */
static void take_messages(struct mgmt *m)
{
	for (int i = 0; i < 64 && m->channel.fd >= 0; i++) {
		struct ipc_message in;
		int                err = ipc_receive(&m->channel, &in, 0);

		if (err == -EAGAIN)
			return;
		if (err < 0) {
			let_go(m, err == -ECONNRESET ? "it has closed" : strerror(-err));
			return;
		}
		take_message(m, &in);
		ipc_message_done(&in);
	}
}

static void take_control(struct mgmt *m)
{
	int fd = ipc_accept(m->listener);

	if (fd < 0)
		return;
	if (m->channel.fd >= 0) {
		log_warn("control.second", "one is connected already");
		close(fd);
		return;
	}
	ipc_open(&m->channel, fd, IPC_TO_DATAPLANE);
	log_info("control.connected", "socket=%s", m->socket_path);
}

/* What may wait until nothing changes; what failed is tried again. */
static void settle(struct mgmt *m)
{
	if ((!m->file.unsynced && !m->file.behind && !m->erase_due) ||
	    now_ms() - m->changed_ms < SETTLE_MS)
		return;
	m->changed_ms = now_ms();
	if (m->file.behind || m->erase_due || world_file_is_long(&m->file))
		compact(m);
	if (m->file.unsynced)
		world_file_sync(&m->file);
}

void mgmt_run(struct mgmt *m, int stop_fd, void (*tick)(struct dataplane *dp))
{
	uint64_t ticked = 0;

	for (;;) {
		struct pollfd p[3] = {[FIRST_FRAME] = {.fd = m->channel.fd, .events = POLLIN},
				      [LISTEN_SLOT] = {.fd = m->listener, .events = POLLIN},
				      [STOP_SLOT] = {.fd = stop_fd, .events = POLLIN}};

		poll(p, 3, m->config.asks != NULL ? ASKS_MS : TICK_MS);
		if (p[STOP_SLOT].revents != 0)
			return;
		if (p[FIRST_FRAME].revents != 0)
			take_messages(m);
		if (p[LISTEN_SLOT].revents != 0)
			take_control(m);
		pass_questions(m);
		settle(m);
		if (tick != NULL && now_ms() - ticked >= TICK_MS) {
			ticked = now_ms();
			tick(m->config.dataplane);
		}
	}
}

void mgmt_free(struct mgmt *m)
{
	if (m == NULL)
		return;
	drop_prepared(m);
	ipc_close(&m->channel);
	if (m->listener >= 0) {
		close(m->listener);
		unlink(m->socket_path);
	}
	if (m->file.dir >= 0 && (m->file.log_size > 0 || m->file.behind))
		compact(m); /* so that the next start has nothing to replay */
	if (m->file.dir >= 0 && m->file.unsynced)
		world_file_sync(&m->file);
	world_file_close(&m->file);
	free(m);
}
