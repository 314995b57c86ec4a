#include "kamailio.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#include "sip_text.h"

#define PROGRAM "/usr/sbin/kamailio"
#define LOAD_ADDRESS "127.0.0.1"
#define ITS_ADDRESS "127.0.0.2"
#define ITS_CORE 0
#define IN_FLIGHT 512u
#define BURST 32u
#define SECONDS_MAX 30.0
#define WARM 5000u /* messages before the measured ones */
#define START_MS 5000
#define QUIET_MS 200 /* after that without an answer, what is open is lost */

static const char config[] =
	"debug=0\nlog_stderror=yes\nchildren=1\nmaxbuffer=4194304\ndisable_tcp=yes\n"
	"auto_aliases=no\ndns=no\nrev_dns=no\ndns_cache_init=off\n"
	"listen=udp:" ITS_ADDRESS ":5060\n"
	"loadmodule \"tm.so\"\nloadmodule \"sl.so\"\n"
	"request_route {\n"
	"\tif (!t_relay_to_udp(\"" LOAD_ADDRESS "\", \"5071\"))\n"
	"\t\tsl_reply_error();\n"
	"}\n";

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void core_set(int core)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	sched_setaffinity(0, sizeof(cores), &cores);
}

static int last_core(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

static bool loopback_up(void)
{
	struct ifreq interface = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int          fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool         up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &interface) == 0;

	close(fd);
	return up;
}

/* ---- the load ---- */

struct load {
	int             sender, receiver;
	struct sip_text text;
	uint64_t        sent, answered, lost;
	unsigned        in_flight;
	char            in[BURST][SIP_TEXT_MAX], out[BURST][SIP_TEXT_MAX];
	struct iovec    in_parts[BURST], out_parts[BURST];
	struct mmsghdr  in_heads[BURST], out_heads[BURST];
};

static int socket_of(uint16_t port)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in remote = {.sin_family = AF_INET, .sin_port = htons(5060)};
	int                fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, LOAD_ADDRESS, &local.sin_addr);
	inet_pton(AF_INET, ITS_ADDRESS, &remote.sin_addr);
	ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&local, sizeof(local)) == 0 &&
	       connect(fd, (struct sockaddr *)&remote, sizeof(remote)) == 0);
	return fd;
}

static void load_init(struct load *l)
{
	l->sender = socket_of(5070);
	l->receiver = socket_of(5071);
	sip_text_init(&l->text, "UDP", LOAD_ADDRESS ":5070", ITS_ADDRESS);
	for (unsigned i = 0; i < BURST; i++) {
		l->in_parts[i] = (struct iovec){l->in[i], SIP_TEXT_MAX};
		l->out_parts[i] = (struct iovec){l->out[i], 0};
		l->in_heads[i].msg_hdr =
			(struct msghdr){.msg_iov = &l->in_parts[i], .msg_iovlen = 1};
		l->out_heads[i].msg_hdr =
			(struct msghdr){.msg_iov = &l->out_parts[i], .msg_iovlen = 1};
	}
}

static unsigned take(struct load *l, int fd)
{
	int n = recvmmsg(fd, l->in_heads, BURST, MSG_DONTWAIT, NULL);

	return n > 0 ? (unsigned)n : 0;
}

/* Requests answered and answers counted. */
static unsigned peers_turn(struct load *l)
{
	unsigned requests = take(l, l->receiver), answers;

	for (unsigned i = 0; i < requests; i++)
		l->out_parts[i].iov_len =
			sip_text_answer(l->in[i], l->in_heads[i].msg_len, l->out[i]);
	if (requests > 0)
		sendmmsg(l->receiver, l->out_heads, requests, 0);
	answers = take(l, l->sender);
	for (unsigned i = 0; i < answers; i++) {
		if (sip_text_status(l->in[i], l->in_heads[i].msg_len) / 100 != 2)
			continue;
		l->answered++;
		l->in_flight -= l->in_flight > 0;
	}
	return requests + answers;
}

static void offer(struct load *l, uint64_t limit)
{
	static const char body[SIP_TEXT_BODY + 1] =
		"meeting tomorrow please call the office about your order number thanks delivery "
		"today between three and five see you there meeting tomorrow please call the of";
	unsigned n = 0;
	int      sent;

	while (n < BURST && l->in_flight + n < IN_FLIGHT && l->sent + n < limit) {
		char     to[SIP_TEXT_ADDRESS + 1];
		uint64_t number = l->sent + n;

		snprintf(to, sizeof(to), "+46%08u", (unsigned)(number * 2654435761u % 100000000u));
		sip_text_next(&l->text, to, body, number);
		memcpy(l->out[n], l->text.bytes, l->text.size);
		l->out_parts[n++].iov_len = l->text.size;
	}
	sent = n > 0 ? sendmmsg(l->sender, l->out_heads, n, 0) : 0;
	if (sent > 0) {
		l->sent += (unsigned)sent;
		l->in_flight += (unsigned)sent;
	}
}

/* So many messages, answered or lost; false: they took too long. */
static bool load_run(struct load *l, uint64_t messages, double until_s)
{
	uint64_t end = l->answered + l->lost + messages, limit = l->sent + messages;

	while (l->answered + l->lost < end) {
		struct pollfd fds[] = {{l->sender, POLLIN, 0}, {l->receiver, POLLIN, 0}};

		if (now_s() > until_s)
			return false;
		offer(l, limit);
		if (peers_turn(l) == 0 && poll(fds, 2, QUIET_MS) == 0) {
			l->lost += l->in_flight;
			l->in_flight = 0;
		}
	}
	return true;
}

/* ---- what it takes ---- */

struct ticks {
	uint64_t user, kernel;
};

/* Those of a process of the group, else 0, are added. */
static void process_ticks(const char *pid, pid_t group, struct ticks *sum)
{
	char          path[64], text[1024], *rest;
	unsigned long user, kernel;
	int           its_group;
	size_t        n;
	FILE         *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')');
	if (rest == NULL ||
	    sscanf(rest + 1, " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &its_group,
		   &user, &kernel) != 3 ||
	    its_group != group)
		return;
	sum->user += user;
	sum->kernel += kernel;
}

/* What the group has had, times sign, is added. */
static void group_cpu_add(pid_t group, double sign, struct kamailio *k)
{
	DIR           *d = opendir("/proc");
	struct dirent *e;
	struct ticks   t = {0, 0};
	double         per_s = (double)sysconf(_SC_CLK_TCK);

	ASSERT(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			process_ticks(e->d_name, group, &t);
	}
	closedir(d);
	k->cpu_s += sign * (double)(t.user + t.kernel) / per_s;
	k->kernel_s += sign * (double)t.kernel / per_s;
}

/* ---- the processes ---- */

/* A group of processes on a core of its own; its first, or -1. The fast one of its allocators. */
static pid_t kamailio_start(const char *path)
{
	pid_t pid = fork();

	if (pid > 0)
		setpgid(pid, pid);
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setpgid(0, 0);
	core_set(ITS_CORE);
	if (freopen("/dev/null", "w", stdout) != NULL && freopen("/dev/null", "w", stderr) != NULL)
		execl(PROGRAM, PROGRAM, "-f", path, "-DD", "-E", "-m", "4096", "-M", "64", "-x",
		      "fm", "-X", "fm", NULL);
	_exit(1);
}

static void group_end(pid_t pid)
{
	kill(-pid, SIGTERM);
	for (unsigned i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		usleep(10000);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const char *loaded(pid_t group, uint64_t messages, struct kamailio *k)
{
	struct load *l = calloc(1, sizeof(*l));
	double       start;

	ASSERT(l != NULL);
	load_init(l);
	for (start = now_s(); l->answered == 0; usleep(20000)) {
		if (now_s() - start > START_MS / 1e3 || waitpid(group, NULL, WNOHANG) == group)
			return "Kamailio does not answer";
		l->in_flight = 0;
		load_run(l, 1, now_s() + 0.1);
	}
	load_run(l, WARM, now_s() + SECONDS_MAX);
	l->answered = l->lost = 0;
	k->cpu_s = k->kernel_s = 0;
	group_cpu_add(group, -1, k);
	start = now_s();
	load_run(l, messages, start + SECONDS_MAX);
	k->seconds = now_s() - start;
	group_cpu_add(group, 1, k);
	k->messages = l->answered;
	k->lost = l->lost;
	return l->answered > 0 ? NULL : "Kamailio does not answer";
}

struct report {
	char            why[64]; /* empty: measured */
	struct kamailio k;
};

static void measure(uint64_t messages, struct report *r)
{
	char        path[] = "/tmp/cpm-kamailio-XXXXXX";
	int         fd = mkstemp(path);
	const char *why = "a network namespace for Kamailio takes root";
	pid_t       pid;

	core_set(last_core());
	if (fd >= 0 && write(fd, config, sizeof(config) - 1) == (ssize_t)sizeof(config) - 1 &&
	    unshare(CLONE_NEWNET) == 0 && loopback_up()) {
		pid = kamailio_start(path);
		if (pid > 0) {
			why = loaded(pid, messages, &r->k);
			group_end(pid);
		}
	}
	if (fd >= 0)
		unlink(path);
	snprintf(r->why, sizeof(r->why), "%s", why != NULL ? why : "");
}

/* In a process of its own: namespaces and cores are set for good. */
const char *kamailio_measure(uint64_t messages, struct kamailio *k)
{
	static struct report r;
	int                  result[2];
	pid_t                pid;

	if (access(PROGRAM, X_OK) != 0)
		return "Kamailio is not installed";
	if (pipe(result) < 0)
		return strerror(errno);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		measure(messages, &r);
		_exit(write(result[1], &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1);
	}
	close(result[1]);
	if (pid < 0 || read(result[0], &r, sizeof(r)) != (ssize_t)sizeof(r))
		snprintf(r.why, sizeof(r.why), "the load ended early");
	close(result[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	*k = r.k;
	return r.why[0] != '\0' ? r.why : NULL;
}
