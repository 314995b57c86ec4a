/* The loop of a run: sockets, what is due, ends in order. */
#include "load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define INTERRUPT_WAIT_US 5000000u /* for what is open, after SIGINT */
#define RECEIPTS_WAIT_US 60000000u

static volatile sig_atomic_t interrupts;

static void on_signal(int number)
{
	interrupts++;
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void load_fail(struct load *load)
{
	load->failed = true;
	load->phase = LOAD_DONE;
}

/* How long nothing can be due. */
static int64_t rest_us(const struct load *load)
{
	uint64_t next = traffic_next_us(load), tick = load->tick_us;

	if (!load->role->generator && !load->role->idle(load))
		tick = load->now_us + 500 < tick ? load->now_us + 500 : tick;
	next = next < tick ? next : tick;
	return next > load->now_us ? (int64_t)(next - load->now_us) : 0;
}

static int wait_events(struct load *load, struct epoll_event *events)
{
	static bool     coarse; /* the kernel has no epoll_pwait2 */
	int64_t         rest = rest_us(load);
	struct timespec time = {rest / 1000000, rest % 1000000 * 1000};
	int             n = -1;

	if (!coarse) {
		n = epoll_pwait2(load->epoll_fd, events, EVENTS_MAX, &time, NULL);
		coarse = n < 0 && errno == ENOSYS;
	}
	if (coarse)
		n = epoll_wait(load->epoll_fd, events, EVENTS_MAX, (int)((rest + 999) / 1000));
	return n;
}

static void expire(struct load *load, struct peer *peer)
{
	if (peer->window_used == 0 || load->now_us < load->options->response_us)
		return;
	for (uint32_t i = 0; i <= peer->request_mask; i++) {
		if (peer->requests[i].sequence != 0 &&
		    peer->requests[i].sent_us < load->now_us - load->options->response_us)
			traffic_unanswered(load, peer, &peer->requests[i]);
	}
}

/* Ten times a second. */
static void tick(struct load *load)
{
	load->tick_us = load->now_us + TICK_US;
	for (unsigned i = 0; i < load->peer_count; i++) {
		struct peer *peer = load->peers[i];

		if (peer == NULL || peer->state == PEER_CLOSED)
			continue;
		expire(load, peer);
		if (peer->state == PEER_BOUND && load->now_us > peer->heard_us + ENQUIRE_US &&
		    load->now_us > peer->asked_us + ENQUIRE_US) {
			load->role->speech->ask(load, peer);
			peer->asked_us = load->now_us;
		}
	}
}

static unsigned peers_open(const struct load *load, uint64_t *requests)
{
	unsigned open = 0;

	*requests = 0;
	for (unsigned i = 0; i < load->peer_count; i++) {
		if (load->peers[i] != NULL && load->peers[i]->state != PEER_CLOSED) {
			open++;
			*requests += load->peers[i]->window_used;
		}
	}
	return open;
}

static void unbind_all(struct load *load)
{
	for (unsigned i = 0; i < load->peer_count; i++) {
		struct peer *peer = load->peers[i];

		if (peer == NULL || peer->state == PEER_CLOSED)
			continue;
		if (peer->state != PEER_BOUND) {
			peer_close(load, peer);
			continue;
		}
		load->role->speech->part(load, peer);
		peer->state = PEER_UNBINDING;
	}
}

/* From running to draining to unbinding to done. */
static void phase_step(struct load *load)
{
	uint64_t requests;
	unsigned open = peers_open(load, &requests);
	bool all_sent = load->role->generator && load->count > 0 && load->stats.made >= load->count;

	if (load->phase == LOAD_RUNNING &&
	    (interrupts > 0 || load->now_us >= load->ends_us || all_sent)) {
		load->phase = LOAD_DRAINING;
		load->drain_until_us = load->now_us + (interrupts > 0 ? INTERRUPT_WAIT_US
								      : load->options->response_us +
										RECEIPTS_WAIT_US);
	}
	if (load->phase == LOAD_DRAINING && interrupts > 0 &&
	    load->drain_until_us > load->now_us + INTERRUPT_WAIT_US)
		load->drain_until_us = load->now_us + INTERRUPT_WAIT_US;
	if (load->phase == LOAD_DRAINING &&
	    ((requests == 0 && load->role->idle(load)) || load->now_us > load->drain_until_us)) {
		load->phase = LOAD_UNBINDING;
		load->drain_until_us = load->now_us + UNBIND_US;
		unbind_all(load);
		open = peers_open(load, &requests);
	}
	if (load->phase == LOAD_UNBINDING &&
	    (open == 0 || load->now_us > load->drain_until_us || interrupts > 1))
		load->phase = LOAD_DONE;
}

static void loop(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t           progress_us = load->now_us + 1000000;

	while (load->phase != LOAD_DONE) {
		int n = wait_events(load, events);

		load->now_us = clock_us();
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr != NULL)
				peer_event(load, events[i].data.ptr, events[i].events);
		}
		if (load->now_us >= load->tick_us)
			tick(load);
		load->role->turn(load);
		traffic_fill(load);
		for (unsigned i = 0; i < load->peer_count; i++) {
			if (load->peers[i] != NULL && load->peers[i]->state != PEER_CLOSED)
				peer_turn(load, load->peers[i]);
		}
		if (load->phase != LOAD_DONE)
			phase_step(load);
		if (load->options->progress && load->now_us >= progress_us) {
			report_progress(load);
			progress_us += 1000000;
		}
	}
}

static bool prepare(struct load *load)
{
	const struct options *o = load->options;
	const char           *why;

	if ((o->to != NULL && !pattern_parse(o->to, &load->to, &why)) ||
	    !pattern_parse(o->from, &load->from, &why)) {
		fprintf(stderr, "cpm-load: --to %s --from %s: one of them %s\n",
			o->to != NULL ? o->to : "", o->from, why);
		return false;
	}
	if (o->sessions == 0 || o->window == 0 || o->window > 1000000 || o->sessions > 100000 ||
	    o->run > 65535) {
		fprintf(stderr, "cpm-load: expected --sessions from 1 to 100000, --window from 1 "
				"to 1000000, --run from 0 to 65535\n");
		return false;
	}
	if (!compose_init(load))
		return false;
	if (!record_open(&load->record, o->record)) {
		fprintf(stderr, "cpm-load: --record %s: %s; expected a file that can be written\n",
			o->record, strerror(errno));
		return false;
	}
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return load->epoll_fd >= 0;
}

int load_run(const struct options *options, const struct role *role)
{
	static struct load     load;
	const struct sigaction action = {.sa_handler = on_signal};

	load = (struct load){
		.options = options, .role = role, .listen_fd = -1, .now_us = clock_us()};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	random_seed(&load.random, options->seed);
	load.begun_us = load.now_us;
	load.ends_us = options->time_us > 0 ? load.now_us + options->time_us : UINT64_MAX;
	if (!prepare(&load) || !role->start(&load))
		return 1;
	loop(&load);
	for (unsigned i = 0; i < load.peer_count; i++) {
		if (load.peers[i] != NULL)
			peer_close(&load, load.peers[i]);
	}
	if (load.failed)
		return 1;
	report_totals(&load);
	if (!record_close(&load.record)) {
		fprintf(stderr, "cpm-load: --record %s: not all lines could be written: %s\n",
			options->record, strerror(errno));
		return 1;
	}
	return 0;
}
