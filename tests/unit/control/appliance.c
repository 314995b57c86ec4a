#include "appliance.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/mgmt.h"
#include "dataplane/query.h"
#include "rules/compile.h"

#include "test.h"

#define WORKERS 2
#define QUESTIONS_MAX 256u

/* Asked by the test's thread, passed on and answered by the management thread. */
struct question {
	uint8_t    *bytes, *answer;
	size_t      size, answer_size;
	enum reason why;
	bool        out, told;
};

struct dataplane {
	struct world_ref world;
	struct mgmt     *mgmt;
	pthread_t        thread;
	int              stop, counters;
	_Atomic unsigned published;
	unsigned         fault_loss;           /* of its only port; management thread */
	char        noticed[1024], told[1024]; /* the first: management thread, while it is asked */
	const char *away;
	pthread_mutex_t lock; /* of what follows */
	unsigned        question_count;
	struct question questions[QUESTIONS_MAX];
};

static bool questions_next(struct dataplane *dp, uint64_t now_us, uint64_t *id, struct cur *bytes)
{
	bool found = false;

	(void)now_us;
	pthread_mutex_lock(&dp->lock);
	for (unsigned i = 0; i < dp->question_count && !found; i++) {
		struct question *q = &dp->questions[i];

		found = !q->out && !q->told;
		if (found) {
			q->out = true;
			*id = i + 1000;
			*bytes = cur_of(q->bytes, q->size);
		}
	}
	pthread_mutex_unlock(&dp->lock);
	return found;
}

static void questions_told(struct dataplane *dp, uint64_t id, enum reason why, struct cur answer)
{
	struct question *q = &dp->questions[id - 1000];

	pthread_mutex_lock(&dp->lock);
	q->why = why;
	q->answer_size = cur_left(&answer);
	q->answer = malloc(q->answer_size + 1);
	if (q->answer_size > 0)
		memcpy(q->answer, answer.p, q->answer_size);
	q->out = false;
	q->told = true;
	pthread_mutex_unlock(&dp->lock);
}

static void questions_lost(struct dataplane *dp)
{
	pthread_mutex_lock(&dp->lock);
	for (unsigned i = 0; i < dp->question_count; i++) {
		if (dp->questions[i].out) {
			dp->questions[i].why = REASON_CONTROL_DOWN;
			dp->questions[i].out = false;
			dp->questions[i].told = true;
		}
	}
	pthread_mutex_unlock(&dp->lock);
}

static const struct mgmt_asks asks = {questions_next, questions_told, questions_lost};

unsigned dataplane_ask(struct appliance *a, const void *question, size_t n)
{
	struct dataplane *dp = a->dataplane;
	struct question  *q = &dp->questions[dp->question_count];

	assert_true(dp->question_count < QUESTIONS_MAX);
	*q = (struct question){.bytes = test_copy(question, n), .size = n};
	pthread_mutex_lock(&dp->lock);
	dp->question_count++;
	pthread_mutex_unlock(&dp->lock);
	return dp->question_count - 1;
}

static bool is_told(struct dataplane *dp, unsigned question)
{
	bool told;

	pthread_mutex_lock(&dp->lock);
	told = dp->questions[question].told;
	pthread_mutex_unlock(&dp->lock);
	return told;
}

enum reason until_told(struct appliance *a, unsigned question, struct cur *answer)
{
	struct dataplane *dp = a->dataplane;
	time_t            end = time(NULL) + 10;

	while (!is_told(dp, question)) {
		if (time(NULL) > end)
			fail_msg("question %u is not answered", question);
		if (a->loop != NULL)
			event_loop_turn(a->loop, 10);
	}
	*answer = cur_of("", 0);
	if (dp->questions[question].answer != NULL)
		*answer =
			cur_of(dp->questions[question].answer, dp->questions[question].answer_size);
	return dp->questions[question].why;
}

const char *dataplane_noticed(struct appliance *a)
{
	struct dataplane *dp = a->dataplane;

	memcpy(dp->told, dp->noticed, sizeof(dp->told));
	dp->noticed[0] = '\0';
	return dp->told;
}

void dataplane_away(struct appliance *a, const char *jid)
{
	a->dataplane->away = jid;
}

static void notices(struct dataplane *dp, const json_t *users, json_t *away)
{
	const json_t *user;
	size_t        i;

	json_array_foreach(users, i, user)
	{
		const char *jid = json_string_value(user);
		size_t      n = strlen(dp->noticed);

		if (dp->away != NULL && strcmp(jid, dp->away) == 0)
			json_array_append_new(away, json_pack("[s]", jid));
		else
			snprintf(dp->noticed + n, sizeof(dp->noticed) - n, "%s ", jid);
	}
}

int query_run(struct dataplane *dp, const char *name, const json_t *args, json_t **reply,
	      char error[256])
{
	if (strcmp(name, "echo") == 0) {
		*reply = json_deep_copy(args);
		return 0;
	}
	if (strcmp(name, "large") == 0) {
		*reply = json_array();
		for (int i = 0; i < 30000; i++)
			json_array_append_new(*reply, json_integer(i));
		return 0;
	}
	if (strcmp(name, "notices") == 0) {
		*reply = json_pack("{s:[s], s:[]}", "columns", "away", "rows");
		notices(dp, json_object_get(args, "users"), json_object_get(*reply, "rows"));
		return 0;
	}
	if (strcmp(name, "session_list") == 0) {
		*reply = json_pack("{s:[s, s], s:[[s, I]]}", "columns", "id", "since_ms", "rows",
				   "0-1-2", (json_int_t)1700000000123);
		return 0;
	}
	if (strcmp(name, "port_fault") == 0) {
		dp->fault_loss = (unsigned)json_integer_value(json_object_get(args, "loss"));
		*reply = json_pack("{s:[s, s], s:[[s, i]]}", "columns", "name", "faults", "rows",
				   "core0", (int)dp->fault_loss);
		return 0;
	}
	if (strcmp(name, "port_list") == 0) {
		*reply = json_pack("{s:[s, s, s], s:[[s, s, s]]}", "columns", "name", "steering",
				   "faults", "rows", "core0", "one worker",
				   dp->fault_loss != 0 ? "loss=10" : "");
		return 0;
	}
	snprintf(error, 256, "there is no question '%s'", name);
	return -EINVAL;
}

static void published(struct dataplane *dp, const struct world *world)
{
	dp->published++;
}

static void *run(void *user)
{
	struct dataplane *dp = user;

	mgmt_run(dp->mgmt, dp->stop, NULL);
	return NULL;
}

void dataplane_start(struct appliance *a)
{
	struct dataplane  *dp = calloc(1, sizeof(*dp));
	struct mgmt_config config;
	char               error[256] = "";

	assert_non_null(dp);
	dp->stop = eventfd(0, EFD_CLOEXEC);
	dp->counters = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(dp->counters, WORKERS * sizeof(struct metrics)), 0);
	assert_int_equal(fcntl(dp->counters, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	config = (struct mgmt_config){.file = &a->file,
				      .dataplane = dp,
				      .world = &dp->world,
				      .workers = WORKERS,
				      .metrics_fd = dp->counters,
				      .published = published,
				      .asks = &asks};
	pthread_mutex_init(&dp->lock, NULL);
	dp->mgmt = mgmt_new(&config, error);
	if (dp->mgmt == NULL)
		print_error("%s\n", error);
	assert_non_null(dp->mgmt);
	assert_int_equal(pthread_create(&dp->thread, NULL, run, dp), 0);
	a->dataplane = dp;
}

struct kept {
	uint8_t *bytes; /* NULL: there is no such file */
	size_t   n;
};

static struct kept keep_file(const struct appliance *a, const char *name)
{
	struct kept kept = {NULL, 0};
	char        path[128];
	struct stat st;
	int         fd;

	snprintf(path, sizeof(path), "%s/state/%s", a->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kept;
	assert_int_equal(fstat(fd, &st), 0);
	kept.n = (size_t)st.st_size;
	kept.bytes = malloc(kept.n + 1);
	assert_int_equal(read(fd, kept.bytes, kept.n), kept.n);
	close(fd);
	return kept;
}

static void put_back(const struct appliance *a, const char *name, struct kept kept)
{
	char path[128];
	int  fd;

	snprintf(path, sizeof(path), "%s/state/%s", a->dir, name);
	unlink(path);
	if (kept.bytes == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, kept.bytes, kept.n), kept.n);
	close(fd);
	free(kept.bytes);
}

void dataplane_stop(struct appliance *a, bool kill)
{
	struct dataplane *dp = a->dataplane;
	uint64_t          one = 1;
	struct kept       image, log;

	if (dp == NULL)
		return;
	assert_int_equal(write(dp->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(dp->thread, NULL);
	if (kill) {
		image = keep_file(a, "world.img");
		log = keep_file(a, "world.log");
	}
	mgmt_free(dp->mgmt);
	if (kill) {
		put_back(a, "world.img", image);
		put_back(a, "world.log", log);
	}
	if (dp->world.current != NULL)
		world_free(dp->world.current);
	close(dp->stop);
	close(dp->counters);
	for (unsigned i = 0; i < dp->question_count; i++) {
		free(dp->questions[i].bytes);
		free(dp->questions[i].answer);
	}
	pthread_mutex_destroy(&dp->lock);
	free(dp);
	a->dataplane = NULL;
}

void control_start(struct appliance *a)
{
	char error[256] = "";

	a->loop = event_loop_new();
	assert_non_null(a->loop);
	a->control = control_new(&a->control_file, a->loop, error);
	if (a->control == NULL)
		print_error("%s\n", error);
	assert_non_null(a->control);
}

void control_stop(struct appliance *a)
{
	if (a->loop == NULL)
		return;
	control_free(a->control);
	event_loop_free(a->loop);
	a->control = NULL;
	a->loop = NULL;
}

void appliance_make(struct appliance *a)
{
	static const struct conf_protocol protocols[] = {
		{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
		{"sip", UDP_AND_TCP, "sip", 5060, CONF_SUBSCRIBERS}};

	conf_protocols_set(protocols, 2);
	rules_protocols_set(conf_reached_protocols());
	log_threshold(getenv("CPM_TEST_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	memset(a, 0, sizeof(*a));
	strcpy(a->dir, "/tmp/cpm-control-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	snprintf(a->file.cpm.run_dir, sizeof(a->file.cpm.run_dir), "%s/run", a->dir);
	snprintf(a->file.cpm.state_dir, sizeof(a->file.cpm.state_dir), "%s/state", a->dir);
	a->control_file = a->file;
}

void appliance_remove(struct appliance *a)
{
	char command[96];

	control_stop(a);
	dataplane_stop(a, false);
	snprintf(command, sizeof(command), "rm -rf %s", a->dir);
	assert_int_equal(system(command), 0);
}

/* Read on another thread than the writer's; the test asks only while nothing changes. */
const struct world *dataplane_world(const struct appliance *a)
{
	return __atomic_load_n(&a->dataplane->world.current, __ATOMIC_ACQUIRE);
}

unsigned dataplane_published_count(const struct appliance *a)
{
	return a->dataplane->published;
}

uint64_t dataplane_version(const struct appliance *a)
{
	return dataplane_world(a) != NULL ? dataplane_world(a)->version : 0;
}

uint64_t dataplane_checksum(const struct appliance *a)
{
	return dataplane_world(a) != NULL ? dataplane_world(a)->checksum : 0;
}

bool dataplane_has_route(const struct appliance *a, const char *to, const char *target)
{
	const struct world     *w = dataplane_world(a);
	const struct route_set *set =
		w != NULL && w->routes != NULL ? route_find(w->routes, str_of(to)) : NULL;
	struct route_target order[ROUTE_TARGETS_MAX];
	struct str          name;

	if (set == NULL || route_order(set, STR("x"), str_of(to), order) == 0)
		return false;
	name = order[0].kind == ROUTE_PEER ? world_peer(w, order[0].slot)->name
					   : world_account(w, order[0].slot)->name;
	return str_eq(name, str_of(target));
}

static void until(struct appliance *a, bool up)
{
	struct control_status status;
	time_t                end = time(NULL) + 10;

	for (;;) {
		control_status(a->control, &status);
		if (status.in_step == up && status.dataplane_up == up)
			return;
		if (time(NULL) > end)
			fail_msg("up %d, in step %d: %s", status.dataplane_up, status.in_step,
				 status.rules_state);
		assert_int_equal(event_loop_turn(a->loop, 50), 0);
	}
}

void until_in_step(struct appliance *a)
{
	until(a, true);
	assert_int_equal(dataplane_version(a), a->control->version);
	assert_int_equal(dataplane_checksum(a), a->control->checksum);
}

void until_down(struct appliance *a)
{
	until(a, false);
}

void put(struct change *ch, enum conf_kind kind, const char *json)
{
	struct conf_faults faults = {0};
	void              *object = conf_object_new(kind);
	json_t            *value = json_loads(json, 0, NULL);
	int                err = conf_object_from_json(kind, object, value, "test", &faults);

	for (unsigned i = 0; i < faults.n; i++)
		print_error("%s\n", faults.lines[i]);
	assert_int_equal(err, 0);
	json_decref(value);
	change_put(ch, kind, object);
}

enum change_outcome finish(struct change *ch, bool dry, const char *fault)
{
	struct change_result result;
	bool                 found = fault == NULL;

	change_commit(ch, dry, &result);
	for (unsigned i = 0; i < result.faults.n; i++) {
		if (fault == NULL)
			print_error("%s\n", result.faults.lines[i]);
		found = found || strstr(result.faults.lines[i], fault) != NULL;
	}
	if (!found)
		fail_msg("no fault says: %s (the first of %u: %s)", fault, result.faults.n,
			 result.faults.n > 0 ? result.faults.lines[0] : "");
	assert_int_equal(result.faults.n > 0, fault != NULL);
	assert_int_equal(result.outcome == CHANGE_REFUSED, fault != NULL);
	conf_faults_free(&result.faults);
	json_decref(result.differences);
	return result.outcome;
}

enum change_outcome apply_one(struct appliance *a, enum conf_kind kind, const char *json)
{
	struct change *ch = change_begin(a->control, "test");

	put(ch, kind, json);
	return finish(ch, false, NULL);
}

enum change_outcome remove_one(struct appliance *a, enum conf_kind kind, const char *id)
{
	struct change *ch = change_begin(a->control, "test");

	change_remove(ch, kind, id);
	return finish(ch, false, NULL);
}
