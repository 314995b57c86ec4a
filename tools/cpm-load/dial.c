/* The connections of a generator: opened to one server, again when they are lost. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_US 100000u
#define RECEIPT_WAIT_US 10000000u /* without one, the rest is given up */
#define LOCALS_MAX 64u

static struct {
	struct addrinfo        *remote;
	unsigned                local_count, local_next;
	struct sockaddr_storage local[LOCALS_MAX];
	bool                    was_bound;
	uint64_t                receipt_us; /* when the last came, or what is waited for began */
} dial;

static bool locals_parse(const char *text)
{
	char copy[1024], *rest = NULL;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	for (char *word = strtok_r(copy, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		struct addrinfo hints = {.ai_family = AF_UNSPEC,
					 .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_NUMERICHOST},
				*found;

		if (dial.local_count == LOCALS_MAX || getaddrinfo(word, NULL, &hints, &found) != 0)
			return false;
		memcpy(&dial.local[dial.local_count++], found->ai_addr, found->ai_addrlen);
		freeaddrinfo(found);
	}
	return dial.local_count > 0;
}

static void connect_one(struct load *load, struct peer *peer)
{
	int fd = socket(dial.remote->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	peer->retry_us = load->now_us + RETRY_US;
	if (fd < 0)
		return;
	if (dial.local_count > 0) {
		const struct sockaddr *local =
			(const struct sockaddr *)&dial.local[dial.local_next++ % dial.local_count];

		if (bind(fd, local,
			 local->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in)) < 0) {
			fprintf(stderr,
				"cpm-load: --address %s: %s; expected addresses of this machine\n",
				load->options->address, strerror(errno));
			close(fd);
			load_fail(load);
			return;
		}
	}
	error = connect(fd, dial.remote->ai_addr, dial.remote->ai_addrlen) < 0 ? errno : 0;
	if (error != 0 && error != EINPROGRESS) {
		errno = error;
		peer_attach(load, peer, fd, PEER_CONNECTING);
		peer_close(load, peer);
		return;
	}
	peer_attach(load, peer, fd, PEER_CONNECTING);
}

bool dial_start(struct load *load)
{
	const struct options *o = load->options;
	struct addrinfo       hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int                   error;

	if (o->address != NULL && !locals_parse(o->address)) {
		fprintf(stderr,
			"cpm-load: --address %s: expected IP addresses parted by commas, at most "
			"%u\n",
			o->address, LOCALS_MAX);
		return false;
	}
	error = getaddrinfo(o->connect.host, o->connect.port, &hints, &dial.remote);
	if (error != 0) {
		fprintf(stderr,
			"cpm-load: --connect %s: %s; expected the name or address of a server\n",
			o->connect.host, gai_strerror(error));
		return false;
	}
	load->rate = o->rate;
	for (uint64_t i = 0; i < o->sessions && !load->failed; i++)
		connect_one(load, peer_new(load));
	return !load->failed;
}

void dial_turn(struct load *load)
{
	for (unsigned i = 0; i < load->peer_count && load->phase == LOAD_RUNNING; i++) {
		struct peer *peer = load->peers[i];

		if (peer->state == PEER_CLOSED && peer->retry_us <= load->now_us)
			connect_one(load, peer);
	}
}

void dial_bound(struct load *load, struct peer *peer)
{
	unsigned bound_count = 0;

	peer->state = PEER_BOUND;
	load->stats.sessions_opened++;
	for (unsigned i = 0; i < load->peer_count; i++)
		bound_count += load->peers[i]->state == PEER_BOUND;
	if (!dial.was_bound && bound_count == load->peer_count) {
		dial.was_bound = true;
		printf("bound %u\n", bound_count);
		fflush(stdout);
	}
}

bool dial_was_bound(void)
{
	return dial.was_bound;
}

void dial_closed(struct load *load, struct peer *peer)
{
	peer->retry_us = load->now_us + RETRY_US;
	if (dial.was_bound || load->phase != LOAD_RUNNING || load->failed ||
	    load->now_us < load->begun_us + load->options->wait_us)
		return;
	fprintf(stderr,
		"cpm-load: cannot connect to %s:%s: %s; is the server up? --wait TIME waits for "
		"it\n",
		load->options->connect.host, load->options->connect.port,
		errno != 0 ? strerror(errno) : "the connection was closed");
	load_fail(load);
}

bool dial_receipts_over(const struct load *load)
{
	if (load->stats.receipts >= load->stats.receipts_expected)
		return true;
	if (dial.receipt_us == 0)
		dial.receipt_us = load->now_us;
	return load->now_us > dial.receipt_us + RECEIPT_WAIT_US;
}

void dial_receipt(struct load *load)
{
	load->stats.receipts++;
	dial.receipt_us = load->now_us;
}
