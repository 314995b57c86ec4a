#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"

static void *allocate(size_t n)
{
	void *p = malloc(n);

	ASSERT(p != NULL);
	return p;
}

struct peer *peer_new(struct load *load)
{
	struct peer *peer = allocate(sizeof(*peer));
	uint32_t     slots = 16;
	unsigned     slot = 0;

	while (slots < 4 * load->options->window)
		slots *= 2;
	*peer = (struct peer){.fd = -1, .request_mask = slots - 1};
	peer->requests = allocate(slots * sizeof(*peer->requests));
	memset(peer->requests, 0, slots * sizeof(*peer->requests));
	peer->in = allocate(PEER_IN_SIZE);
	peer->out = allocate(PEER_OUT_SIZE);
	while (slot < load->peer_count && load->peers[slot] != NULL)
		slot++;
	if (slot == load->peer_count) {
		load->peers = realloc(load->peers, (slot + 1) * sizeof(struct peer *));
		ASSERT(load->peers != NULL);
		load->peer_count++;
	}
	load->peers[slot] = peer;
	peer->slot = slot;
	return peer;
}

void peer_free(struct load *load, struct peer *peer)
{
	load->peers[peer->slot] = NULL;
	free(peer->requests);
	free(peer->chat);
	free(peer->in);
	free(peer->out);
	free(peer);
}

bool peer_attach(struct load *load, struct peer *peer, int fd, enum peer_state state)
{
	struct epoll_event event = {.events = state == PEER_CONNECTING ? EPOLLOUT : EPOLLIN,
				    .data.ptr = peer};

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	peer->fd = fd;
	peer->state = state;
	peer->serial = ++load->serial_next;
	peer->in_from = peer->in_to = peer->out_from = peer->out_to = 0;
	peer->want_out = state == PEER_CONNECTING;
	peer->paused = peer->held = false;
	peer->sequence = 0;
	peer->group.part = (struct msg_concat){0};
	peer->heard_us = peer->asked_us = peer->since_us = load->now_us;
	return epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void peer_close(struct load *load, struct peer *peer)
{
	if (peer->state == PEER_CLOSED)
		return;
	close(peer->fd);
	peer->fd = -1;
	if (peer->state == PEER_BOUND)
		load->stats.sessions_lost++;
	peer->state = PEER_CLOSED;
	for (uint32_t i = 0; i <= peer->request_mask && peer->window_used > 0; i++) {
		if (peer->requests[i].sequence != 0)
			traffic_unanswered(load, peer, &peer->requests[i]);
	}
	load->role->closed(load, peer);
}

struct peer *peer_find(const struct load *load, unsigned slot, uint32_t serial)
{
	struct peer *peer = slot < load->peer_count ? load->peers[slot] : NULL;

	return peer != NULL && peer->serial == serial && peer->state != PEER_CLOSED ? peer : NULL;
}

struct request *peer_request(struct load *load, struct peer *peer)
{
	struct request *request;

	if (peer->window_used >= load->options->window)
		return NULL;
	do {
		peer->sequence = peer->sequence % SMPP_SEQUENCE_MAX + 1;
		request = &peer->requests[peer->sequence & peer->request_mask];
	} while (request->sequence != 0); /* ends: a quarter of them at most is in use */
	peer->window_used++;
	request->sequence = peer->sequence;
	request->receipt = false;
	return request;
}

size_t peer_out_room(const struct peer *peer)
{
	size_t waiting = peer->out_to - peer->out_from;

	return waiting < PEER_OUT_PAUSE ? PEER_OUT_SIZE - waiting : 0;
}

struct put peer_put(struct peer *peer)
{
	if (peer->out_from > 0 && PEER_OUT_SIZE - peer->out_to < PEER_OUT_PAUSE) {
		memmove(peer->out, peer->out + peer->out_from, peer->out_to - peer->out_from);
		peer->out_to -= peer->out_from;
		peer->out_from = 0;
	}
	return put_to(peer->out + peer->out_to, PEER_OUT_SIZE - peer->out_to);
}

void peer_put_done(struct peer *peer, const struct put *w)
{
	peer->out_to += put_size(w);
}

void peer_simple(struct peer *peer, uint32_t command, uint32_t status, uint32_t sequence)
{
	struct put w = peer_put(peer);

	smpp_pdu_put(&w, command, status, sequence);
	peer_put_done(peer, &w);
}

static void interest(struct load *load, struct peer *peer, bool want_out, bool paused)
{
	struct epoll_event event = {.events = (want_out ? EPOLLOUT : 0) | (paused ? 0 : EPOLLIN),
				    .data.ptr = peer};

	if (peer->want_out == want_out && peer->paused == paused)
		return;
	peer->want_out = want_out;
	peer->paused = paused;
	epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, peer->fd, &event);
}

static void peer_flush(struct load *load, struct peer *peer)
{
	while (peer->fd >= 0 && peer->state != PEER_CONNECTING && peer->out_from < peer->out_to) {
		ssize_t n = send(peer->fd, peer->out + peer->out_from,
				 peer->out_to - peer->out_from, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			peer_close(load, peer);
			return;
		}
		if (n < 0)
			break;
		peer->out_from += (size_t)n;
	}
	if (peer->fd < 0 || peer->state == PEER_CONNECTING)
		return;
	if (peer->out_from == peer->out_to) {
		peer->out_from = peer->out_to = 0;
		if (peer->state == PEER_FLUSHING) {
			peer_close(load, peer);
			return;
		}
	}
	interest(load, peer, peer->out_from < peer->out_to, peer_out_room(peer) == 0);
}

/* Every whole item that was read, as long as there is room for what they are answered with. */
static void peer_read_buffered(struct load *load, struct peer *peer)
{
	while (peer->fd >= 0 && peer->state != PEER_FLUSHING && peer_out_room(peer) > 0) {
		struct cur in = cur_of(peer->in + peer->in_from, peer->in_to - peer->in_from);
		enum pull  pull = load->role->speech->take(load, peer, &in);

		if (pull == PULL_MORE)
			break;
		if (pull == PULL_BAD) {
			load->stats.malformed++;
			peer->state = PEER_FLUSHING;
			break;
		}
		peer->in_from = (size_t)(in.p - peer->in);
	}
	peer->held = peer->fd >= 0 && peer->in_from < peer->in_to && peer_out_room(peer) == 0;
}

static void read_more(struct load *load, struct peer *peer)
{
	ssize_t n;

	if (peer->in_from > 0) {
		memmove(peer->in, peer->in + peer->in_from, peer->in_to - peer->in_from);
		peer->in_to -= peer->in_from;
		peer->in_from = 0;
	}
	if (peer->in_to < PEER_IN_SIZE) {
		n = recv(peer->fd, peer->in + peer->in_to, PEER_IN_SIZE - peer->in_to, 0);
		if (n == 0)
			errno = 0; /* closed in order */
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			peer_close(load, peer);
			return;
		}
		peer->in_to += n > 0 ? (size_t)n : 0;
	}
	peer->heard_us = load->now_us;
	peer_read_buffered(load, peer);
}

void peer_event(struct load *load, struct peer *peer, uint32_t events)
{
	int       error = 0;
	socklen_t size = sizeof(error);

	if (peer->state == PEER_CLOSED)
		return;
	if (peer->state == PEER_CONNECTING) {
		getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error != 0) {
			errno = error;
			peer_close(load, peer);
			return;
		}
		peer->state = PEER_OPEN;
		interest(load, peer, false, false);
		load->role->opened(load, peer);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_more(load, peer);
	if (peer->fd >= 0 && (events & EPOLLOUT) != 0)
		peer_turn(load, peer);
}

void peer_turn(struct load *load, struct peer *peer)
{
	peer_flush(load, peer);
	while (peer->held && peer->fd >= 0 && peer_out_room(peer) > 0) {
		peer_read_buffered(load, peer);
		peer_flush(load, peer);
	}
}
