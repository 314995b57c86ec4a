#include "dp_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <hs/hs.h>

#include "answers.h"
#include "base/log.h"
#include "base/put.h"
#include "ipc/channel.h"
#include "rules_build.h"
#include "world_build.h"

#define RECONNECT_MS 200
#define HELLO_MS 2000
#define QUERY_MS 5000
#define TELL_MS 2000
#define CHANGE_MS 60000 /* building a world of millions of routes */
/* How long it rests, in turns of RECONNECT_MS, before what was refused is tried again. */
#define REST_REFUSED 50 /* a world, another build, a dataplane that does not answer */
#define REST_AWAY 5     /* a connection: another control has it */
#define WORKERS_MAX 1024u
#define READ_TURN 64u /* messages read in one turn of the loop */

static const char other_build[] =
	"the dataplane is of another build; install both programs from one";

struct dp_link {
	struct control       *control;
	struct ipc_channel    channel;
	char                  path[128];
	uint64_t              id; /* of the last request */
	struct ipc_hello      theirs;
	uint64_t              version; /* of the world that it has in force */
	bool                  up, in_step;
	uint64_t              connections; /* so many times it has come up */
	bool                  compiled;    /* the rules, once more, for this connection */
	unsigned              rest;        /* ticks until what was refused is tried again */
	char                  state[300];  /* of the rules, for people */
	const struct metrics *metrics;
	size_t                metrics_size;
};

static void set_state(struct dp_link *l, const char *state, const char *detail)
{
	snprintf(l->state, sizeof(l->state), "%s%s", state, detail);
}

static void unmap_metrics(struct dp_link *l)
{
	if (l->metrics != NULL)
		munmap((void *)l->metrics, l->metrics_size);
	l->metrics = NULL;
}

static void went_down(struct dp_link *l, const char *why)
{
	if (l->up)
		log_warn("dataplane.down", "why=\"%s\"",
			 l->channel.damaged > 0 ? l->channel.why : why);
	if (l->channel.fd >= 0)
		event_unwatch(l->control->loop, l->channel.fd);
	ipc_close(&l->channel);
	answers_drop(l->control->answers);
	unmap_metrics(l);
	l->up = l->in_step = false;
	set_state(l, "the dataplane is down", "");
}

/* The channel closes itself when it fails; the loop must forget the descriptor before another gets
 * its number. */
static int failed(struct dp_link *l, int fd, int err)
{
	if (l->channel.fd < 0)
		event_unwatch(l->control->loop, fd);
	went_down(l, strerror(-err));
	return err;
}

/* Not an answer: a question of a session, or what answers an earlier question that was given up.
 * False: the dataplane asks more than it may. */
static bool take_other(struct dp_link *l, struct ipc_message *in)
{
	bool taken = in->type != IPC_ASK || answers_take(l->control->answers, in->id, in->body);

	ipc_message_done(in);
	return taken;
}

/* One question and its answer; what answers an earlier question that was given up is passed over.
 */
static int ask(struct dp_link *l, enum ipc_type type, const struct iovec parts[], unsigned n,
	       int timeout_ms, struct ipc_message *in)
{
	int      fd = l->channel.fd;
	uint64_t id = ++l->id;
	int      err;

	if (fd < 0)
		return -ENOTCONN;
	err = ipc_send(&l->channel, type, id, parts, n, -1, timeout_ms);
	if (err == -EMSGSIZE)
		return err;
	while (err == 0) {
		err = ipc_receive(&l->channel, in, timeout_ms);
		if (err == 0 && in->type != IPC_ASK && in->id == id)
			return 0;
		if (err == 0 && !take_other(l, in))
			err = -EBADMSG;
	}
	if (err == -ETIMEDOUT)
		log_warn("dataplane.no_answer", "to=%s after_ms=%d", ipc_type_name(type),
			 timeout_ms);
	if (err == -ETIMEDOUT && type == IPC_QUERY && l->channel.fd >= 0)
		return err;
	return failed(l, fd, err);
}

static int text_of(struct ipc_message *in, char text[256])
{
	str_copy(text, 256, (struct str){(const char *)in->body.p, cur_left(&in->body)});
	return -EINVAL;
}

/* READY or IN_FORCE with the version and checksum that are wanted; -EINVAL: refused. */
static int take_answer(struct dp_link *l, struct ipc_message *in, enum ipc_type wanted,
		       uint64_t *us, char why[256])
{
	uint64_t version, checksum;
	int      err = 0;

	if (in->type == IPC_REFUSED) {
		err = text_of(in, why);
	} else {
		version = cur_be64(&in->body);
		checksum = cur_be64(&in->body);
		*us = wanted == IPC_IN_FORCE ? cur_be64(&in->body) : 0;
		if (in->type != wanted || in->body.failed)
			err = -EBADMSG;
		else if (wanted == IPC_IN_FORCE &&
			 (version != l->control->version || checksum != l->control->checksum))
			err = -EBADMSG;
	}
	ipc_message_done(in);
	return err == -EBADMSG ? failed(l, l->channel.fd, err) : err;
}

static int send_world(struct dp_link *l, enum ipc_type type, const struct world_delta *d,
		      char why[256])
{
	struct ipc_message in;
	uint64_t           none;
	int err = ask(l, type, &(struct iovec){d->bytes, d->size}, 1, CHANGE_MS, &in);

	return err == 0 ? take_answer(l, &in, IPC_READY, &none, why) : err;
}

int dp_link_prepare(struct dp_link *l, const struct world_delta *d, char why[256])
{
	return send_world(l, IPC_PREPARE, d, why);
}

void dp_link_abandon(struct dp_link *l)
{
	int fd = l->channel.fd;
	int err = fd >= 0 ? ipc_send(&l->channel, IPC_ABANDON, ++l->id, NULL, 0, -1, HELLO_MS) : 0;

	if (err < 0)
		failed(l, fd, err);
}

int dp_link_publish(struct dp_link *l, uint64_t *us)
{
	uint8_t            room[8];
	struct put         w = put_to(room, sizeof(room));
	struct ipc_message in;
	char               why[256] = "";
	int                err;

	put_be64(&w, l->control->version);
	l->in_step = false;
	l->rest = 1; /* should this fail, it is brought in step soon */
	err = ask(l, IPC_PUBLISH, &(struct iovec){room, sizeof(room)}, 1, CHANGE_MS, &in);
	if (err == 0)
		err = take_answer(l, &in, IPC_IN_FORCE, us, why);
	if (err < 0)
		return err;
	l->version = l->control->version;
	l->theirs.world_checksum = l->control->checksum;
	l->in_step = true;
	set_state(l, "in force", "");
	metric_inc(&l->control->counters, METRIC_worlds_published);
	return 0;
}

/* Deltas where they reach, else the whole world. */
static int send_committed(struct dp_link *l, bool delta, uint64_t *us, char why[256])
{
	struct world_delta d = {0};
	int                err = delta ? world_build_since(l->control, l->version, &d)
				       : world_build_image(l->control, &d);

	if (err < 0)
		snprintf(why, 256, "the world cannot be put together: %s", strerror(-err));
	else
		err = send_world(l, delta ? IPC_PREPARE : IPC_IMAGE, &d, why);
	log_info("dataplane.resync", "by=%s from=%llu to=%llu bytes=%zu err=%d",
		 delta ? "delta" : "image", (unsigned long long)l->version,
		 (unsigned long long)l->control->version, d.size, err);
	world_delta_free(&d);
	return err == 0 ? dp_link_publish(l, us) : err;
}

static int resync_once(struct dp_link *l, uint64_t *us, char why[256])
{
	struct control *c = l->control;
	bool            delta = l->version != 0 && l->version < c->version &&
		     db_version_reaches(c->db, l->version, l->theirs.world_checksum);
	int err = send_committed(l, delta, us, why);

	return err < 0 && delta && l->up ? send_committed(l, false, us, why) : err;
}

int dp_link_resync(struct dp_link *l, uint64_t *us)
{
	struct control *c = l->control;
	char            why[256] = "";
	int             err;

	if (!l->up)
		return -ENOTCONN;
	if (rules_build_is_due(c))
		rules_build_again(c);
	if (l->version == c->version && l->theirs.world_checksum == c->checksum) {
		l->in_step = true;
		set_state(l, "in force", "");
		return 0;
	}
	err = resync_once(l, us, why);
	if (err < 0 && l->up && !l->compiled && c->counts[CONF_RULE] > 0) {
		l->compiled = true; /* once: what is refused again is refused for another reason */
		if (rules_build_again(c) == 0)
			err = resync_once(l, us, why);
	}
	if (err < 0 && l->up) {
		log_error("dataplane.not_in_step", "why=\"%s\"", why);
		set_state(l, "not the newest: ", why);
		l->rest = REST_REFUSED;
	}
	return err;
}

static void map_metrics(struct dp_link *l, int fd)
{
	size_t      size = l->theirs.workers * sizeof(struct metrics);
	int         seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
	struct stat st;
	void       *map;

	/* Sealed against shrinking: a counter that is mapped is always there to be read. */
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || size == 0 ||
	    l->theirs.workers > WORKERS_MAX || fstat(fd, &st) < 0 || (size_t)st.st_size < size) {
		log_warn("dataplane.no_counters", "workers=%u", l->theirs.workers);
		return;
	}
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	l->metrics = map;
	l->metrics_size = size;
}

static int take_hello(struct dp_link *l, struct ipc_message *in)
{
	struct control_platform platform = {0};

	if (in->type != IPC_HELLO || !ipc_hello_unpack(in->body, &l->theirs))
		return -EBADMSG;
	if (l->theirs.channel != ipc_version() || l->theirs.objects != ipc_objects_version()) {
		log_error("dataplane.refused", "why=\"%s\"", other_build);
		return -EPROTO;
	}
	if (strcmp(l->theirs.hyperscan, hs_version()) != 0)
		log_warn("dataplane.other_hyperscan",
			 "theirs=\"%s\" ours=\"%s\"; restart both, or new rules are refused",
			 l->theirs.hyperscan, hs_version());
	map_metrics(l, in->fd);
	l->version = l->theirs.world_version;
	platform.info = l->theirs.platform;
	memcpy(platform.hyperscan, l->theirs.hyperscan, sizeof(platform.hyperscan));
	control_platform_set(l->control, &platform);
	return 0;
}

static int greet(struct dp_link *l)
{
	struct ipc_hello   ours = {.channel = ipc_version(),
				   .objects = ipc_objects_version(),
				   .boot_id = l->control->boot_id,
				   .world_version = l->control->version,
				   .world_checksum = l->control->checksum};
	uint8_t            room[1024];
	struct put         w = put_to(room, sizeof(room));
	struct ipc_message in;
	int                err;

	ipc_hello_pack(&ours, &w);
	err = ask(l, IPC_HELLO, &(struct iovec){room, put_size(&w)}, 1, HELLO_MS, &in);
	if (err < 0)
		return err;
	err = take_hello(l, &in);
	ipc_message_done(&in);
	return err;
}

/* Questions of sessions, a late answer, or the end. */
static void on_readable(void *user)
{
	struct dp_link    *l = user;
	struct ipc_message in;
	int                fd = l->channel.fd;
	int                err = 0;

	for (unsigned i = 0; i < READ_TURN && err == 0; i++) {
		err = ipc_receive(&l->channel, &in, 0);
		if (err == 0 && !take_other(l, &in))
			err = -EBADMSG;
	}
	if (err < 0 && err != -EAGAIN)
		failed(l, fd, err);
}

void dp_link_tell(struct dp_link *l, uint64_t id, enum reason why, struct str answer)
{
	const char  *name = reason_name(why);
	struct iovec parts[2] = {{(void *)name, strlen(name) + 1}, {(void *)answer.p, answer.n}};
	int          fd = l->channel.fd;
	int          err = l->up ? ipc_send(&l->channel, IPC_TOLD, id, parts, 2, -1, TELL_MS) : 0;

	if (err < 0)
		failed(l, fd, err);
}

static void connect_now(struct dp_link *l)
{
	int      fd = ipc_connect(l->path);
	uint64_t us;
	int      err;

	if (fd < 0)
		return;
	ipc_open(&l->channel, fd, IPC_TO_CONTROL);
	err = event_watch(l->control->loop, fd, on_readable, l);
	if (err == 0)
		err = greet(l);
	if (err < 0) {
		went_down(l, strerror(-err));
		l->rest = err == -EPROTO || err == -ETIMEDOUT ? REST_REFUSED : REST_AWAY;
		if (err == -EPROTO)
			set_state(l, other_build, "");
		return;
	}
	l->up = true;
	l->connections++;
	l->compiled = false;
	log_info("dataplane.up", "version=%llu workers=%u hyperscan=\"%s\"",
		 (unsigned long long)l->version, l->theirs.workers, l->theirs.hyperscan);
	dp_link_resync(l, &us);
}

static void tick(void *user)
{
	struct dp_link *l = user;
	uint64_t        us;

	if ((l->up && l->in_step) || (l->rest > 0 && --l->rest > 0))
		return;
	if (l->up)
		dp_link_resync(l, &us);
	else
		connect_now(l);
}

struct dp_link *dp_link_new(struct control *c)
{
	struct dp_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->control = c;
	l->channel.fd = -1;
	snprintf(l->path, sizeof(l->path), "%s/dataplane.sock", c->file->cpm.run_dir);
	set_state(l, "the dataplane is down", "");
	if (event_every(c->loop, RECONNECT_MS, tick, l) < 0) {
		free(l);
		return NULL;
	}
	connect_now(l);
	return l;
}

void dp_link_free(struct dp_link *l)
{
	if (l == NULL)
		return;
	l->up = false;
	went_down(l, "control ends");
	free(l);
}

bool dp_link_in_step(const struct dp_link *l)
{
	return l->up && l->in_step;
}

uint64_t dp_link_connections(const struct dp_link *l)
{
	return l->connections;
}

static int take_reply(struct ipc_message *in, json_t **reply, char error[256])
{
	uint32_t number = cur_be32(&in->body);

	if (in->type != IPC_REPLY || in->body.failed)
		return -EBADMSG;
	if (number != 0) {
		text_of(in, error);
		return -EINVAL;
	}
	*reply = json_loadb((const char *)in->body.p, cur_left(&in->body), 0, NULL);
	return *reply != NULL ? 0 : -EBADMSG;
}

int dp_link_query(struct dp_link *l, const char *name, json_t *args, json_t **reply,
		  char error[256])
{
	char              *text = args != NULL ? json_dumps(args, JSON_COMPACT) : strdup("{}");
	struct iovec       parts[2] = {{(void *)name, strlen(name) + 1},
				       {text, text != NULL ? strlen(text) : 0}};
	struct ipc_message in;
	int err = text != NULL ? ask(l, IPC_QUERY, parts, 2, QUERY_MS, &in) : -ENOMEM;

	free(text);
	if (err == -EMSGSIZE) {
		snprintf(error, 256, "the question is too long");
		return -EINVAL;
	}
	if (err < 0)
		return err == -ETIMEDOUT || err == -ENOMEM ? err : -ENOTCONN;
	err = take_reply(&in, reply, error);
	ipc_message_done(&in);
	if (err != -EBADMSG)
		return err;
	failed(l, l->channel.fd, err);
	return -ENOTCONN;
}

void dp_link_status(const struct dp_link *l, struct control_status *status)
{
	status->dataplane_up = l->up;
	status->in_step = dp_link_in_step(l);
	status->dataplane_version = l->version;
	status->rules_state = l->state;
}

const struct metrics *dp_link_metrics(const struct dp_link *l, unsigned *workers)
{
	*workers = l->metrics != NULL ? l->theirs.workers : 0;
	return l->metrics;
}
