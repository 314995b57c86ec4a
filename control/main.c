/* cpm-control: policy and operators. One thread, one loop; it sees no packet. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "conf/conf.h"
#include "rules/compile.h"

#include "api.h"
#include "control.h"

static const struct conf_protocol protocols[] = {
#define PROTO(name, port, transports, service, users, text)                                        \
	{#name, transports, service, port, CONF_##users},
#include "registry/protocols.def"
#undef PROTO
};

static const char help[] =
	"usage: cpm-control --config FILE [--check]\n"
	"\n"
	"Keeps what is configured, puts changes in force at the dataplane, answers cpmctl.\n"
	"\n"
	"  --config FILE  the configuration, cpm.yaml(5)\n"
	"  --check        read it, print every fault, and end: 0 without faults, else 1\n"
	"  --help         this text\n";

struct arguments {
	const char *config;
	bool        check;
};

/* -1: go on; else how to end. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"check", no_argument, NULL, 'k'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int                        option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c') {
			a->config = optarg;
		} else if (option == 'k') {
			a->check = true;
		} else {
			fputs(help, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	if (a->config != NULL && optind == argc)
		return -1;
	fputs(help, stderr);
	return 2;
}

static struct conf_file *read_config(const char *path)
{
	struct conf_faults faults = {0};
	struct conf_file  *file = NULL;
	int                err = conf_file_read(path, &file, &faults);

	for (unsigned i = 0; i < faults.n; i++)
		fprintf(stderr, "%s\n", faults.lines[i]);
	if (err < 0 && faults.n == 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	conf_faults_free(&faults);
	return err == 0 ? file : NULL;
}

static void on_alive(void *user)
{
	(void)user;
	notify(NOTIFY_ALIVE);
}

static void on_signal(void *user)
{
	event_loop_stop(user);
}

/* SIGTERM and SIGINT end the loop; a descriptor, or -1. */
static int watch_signals(struct event_loop *loop)
{
	sigset_t set;
	int      fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0 && event_watch(loop, fd, on_signal, loop) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int run(const struct conf_file *file, struct event_loop *loop)
{
	char            error[256] = "";
	struct control *c = control_new(file, loop, error);
	struct api     *api = c != NULL ? api_new(c, file->control.socket, error) : NULL;
	int             err = -EINVAL;

	if (api != NULL && event_every(loop, NOTIFY_ALIVE_MS, on_alive, NULL) < 0)
		log_warn("notify.failed", "why=\"no timer\"");
	if (api != NULL) {
		log_info("cpm-control.ready", "cpm-control ready");
		notify(NOTIFY_READY);
		err = event_loop_run(loop);
	} else {
		fprintf(stderr, "cpm-control: %s\n", error);
	}
	api_free(api);
	control_free(c);
	return err == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct arguments   arguments = {0};
	int                result = read_arguments(argc, argv, &arguments);
	struct conf_file  *file;
	struct event_loop *loop;
	int                signals;

	if (result >= 0)
		return result;
	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	rules_protocols_set(conf_reached_protocols());
	file = read_config(arguments.config);
	if (file == NULL || arguments.check) {
		conf_file_free(file);
		return file != NULL ? 0 : 1;
	}
	loop = event_loop_new();
	signals = loop != NULL ? watch_signals(loop) : -1;
	if (signals < 0)
		fprintf(stderr, "cpm-control: no event loop: %s\n", strerror(errno));
	result = signals >= 0 ? run(file, loop) : 1;
	event_loop_free(loop);
	if (signals >= 0)
		close(signals);
	conf_file_free(file);
	return result;
}
