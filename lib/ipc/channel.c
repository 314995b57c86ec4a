#include "ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/put.h"

#define MAGIC 0x43504d43u
#define FLAG_BULK 1u
#define PARTS_MAX 8u
#define FDS_MAX 4 /* room for more than the one allowed, so that too many are seen and closed */

static const struct ipc_line {
	const char        *name;
	enum ipc_direction direction;
	uint32_t           size_max;
} lines[IPC_TYPE_COUNT] = {
#define MSG(name, direction, size_max, help) {#name, IPC_##direction, size_max},
#include "ipc/msgs.def"
#undef MSG
};

const char *ipc_type_name(enum ipc_type type)
{
	return lines[type].name;
}

uint64_t ipc_version(void)
{
	static const struct hash_key key = {0x63706d2d6d736773, 1};
	static const char            text[] =
#define MSG(name, direction, size_max, help) #name " " #direction " " #size_max " " help "\n"
#include "ipc/msgs.def"
#undef MSG
#define QUESTION(name, fields, text) #name " " #fields " " text "\n"
#include "roster/questions.def"
#undef QUESTION
		;

	return hash_sip(&key, text, sizeof(text) - 1);
}

const char *ipc_frame_parse(struct cur bytes, enum ipc_direction incoming, struct ipc_frame *frame)
{
	size_t   total = cur_left(&bytes);
	uint32_t magic = cur_be32(&bytes);
	uint16_t type = cur_be16(&bytes);
	uint16_t flags = cur_be16(&bytes);
	uint32_t length = cur_be32(&bytes);

	frame->id = cur_be64(&bytes);
	if (bytes.failed || total > IPC_FRAME_SIZE)
		return "frame of a wrong size";
	if (magic != MAGIC)
		return "frame without our magic";
	if (type >= IPC_TYPE_COUNT || (flags & ~FLAG_BULK) != 0)
		return "frame of an unknown type";
	if ((lines[type].direction & incoming) == 0)
		return "frame that must not come from this side";
	if (length != cur_left(&bytes))
		return "frame of another length than it says";
	frame->type = (enum ipc_type)type;
	frame->bulk = (flags & FLAG_BULK) != 0;
	frame->body = bytes;
	frame->size = length;
	if (frame->bulk) {
		frame->size = cur_be64(&bytes);
		frame->checksum = cur_be64(&bytes);
		if (bytes.failed || cur_left(&bytes) != 0)
			return "frame of a memfd without its size and checksum";
	}
	return frame->size <= lines[type].size_max ? NULL : "frame larger than its type may be";
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the descriptor is ready or the deadline has come. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t       left = deadline - now_ms();
		struct pollfd p = {.fd = fd, .events = events};
		int           ready;

		if (left <= 0)
			return -ETIMEDOUT;
		ready = poll(&p, 1, left > 3600000 ? 3600000 : (int)left);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int new_socket(const char *path)
{
	int fd = strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path) ? 0 : -ENAMETOOLONG;

	if (fd == 0)
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd == -1 ? -errno : fd;
}

int ipc_connect(const char *path)
{
	struct sockaddr_un a = address_of(path);
	int                fd = new_socket(path);
	int                err;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int ipc_listen(const char *path)
{
	struct sockaddr_un a = address_of(path);
	int                other = ipc_connect(path);
	mode_t             mask;
	int                fd, err;

	if (other >= 0 || other == -EAGAIN) {
		if (other >= 0)
			close(other);
		return -EADDRINUSE;
	}
	fd = new_socket(path);
	if (fd < 0)
		return fd;
	if (other == -ECONNREFUSED)
		unlink(path);
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(mask);
	if (err == 0 && listen(fd, 4) == 0)
		return fd;
	if (err == 0)
		err = -errno;
	close(fd);
	return err;
}

int ipc_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void ipc_open(struct ipc_channel *c, int fd, enum ipc_direction incoming)
{
	c->fd = fd;
	c->incoming = incoming;
	c->damaged = 0;
	c->why = "";
}

void ipc_close(struct ipc_channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int send_frame(struct ipc_channel *c, const struct msghdr *frame, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	int     err = 0;

	while (err == 0) {
		if (sendmsg(c->fd, frame, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EAGAIN)
			err = wait_for(c->fd, POLLOUT, deadline);
		else if (errno != EINTR)
			err = errno == EPIPE ? -ECONNRESET : -errno;
	}
	ipc_close(c);
	return err;
}

static void put_header(struct put *w, enum ipc_type type, bool bulk, uint32_t length, uint64_t id)
{
	put_be32(w, MAGIC);
	put_be16(w, (uint16_t)type);
	put_be16(w, bulk ? FLAG_BULK : 0);
	put_be32(w, length);
	put_be64(w, id);
}

/* Header in vec[0], the body in the rest; one descriptor at most. */
static int send_parts(struct ipc_channel *c, struct iovec vec[], unsigned n, int fd, int timeout_ms)
{
	union {
		struct cmsghdr header;
		char           room[CMSG_SPACE(sizeof(int))];
	} pass = {0};
	struct msghdr frame = {.msg_iov = vec, .msg_iovlen = n};

	if (fd >= 0) {
		pass.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
					       .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&pass.header), &fd, sizeof(fd));
		frame.msg_control = &pass;
		frame.msg_controllen = sizeof(pass.room);
	}
	return send_frame(c, &frame, timeout_ms);
}

static int send_bulk(struct ipc_channel *c, enum ipc_type type, uint64_t id,
		     const struct iovec parts[], unsigned n, int timeout_ms)
{
	uint8_t    room[IPC_HEADER_SIZE + 16];
	struct put w = put_to(room, sizeof(room));
	uint64_t   size, checksum;
	int        fd = ipc_bulk_make(parts, n, &size, &checksum);
	int        err;

	if (fd < 0)
		return fd;
	put_header(&w, type, true, 16, id);
	put_be64(&w, size);
	put_be64(&w, checksum);
	err = send_parts(c, &(struct iovec){room, sizeof(room)}, 1, fd, timeout_ms);
	close(fd);
	return err;
}

int ipc_send(struct ipc_channel *c, enum ipc_type type, uint64_t id, const struct iovec parts[],
	     unsigned n, int fd, int timeout_ms)
{
	uint8_t      room[IPC_HEADER_SIZE];
	struct put   w = put_to(room, sizeof(room));
	struct iovec vec[1 + PARTS_MAX] = {{room, sizeof(room)}};
	size_t       size = 0;

	ASSERT(n <= PARTS_MAX && type < IPC_TYPE_COUNT);
	ASSERT((lines[type].direction & (IPC_BOTH ^ c->incoming)) != 0);
	for (unsigned i = 0; i < n; i++) {
		vec[i + 1] = parts[i];
		size += parts[i].iov_len;
	}
	if (size > lines[type].size_max)
		return -EMSGSIZE;
	if (c->fd < 0)
		return -ENOTCONN;
	if (size > IPC_BODY_MAX)
		return send_bulk(c, type, id, parts, n, timeout_ms);
	put_header(&w, type, false, (uint32_t)size, id);
	return send_parts(c, vec, n + 1, fd, timeout_ms);
}

static void close_all(const int fds[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static unsigned take_fds(struct msghdr *frame, int fds[FDS_MAX])
{
	unsigned n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(frame); h != NULL; h = CMSG_NXTHDR(frame, h)) {
		unsigned here = 0;

		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			here = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (unsigned i = 0; i < here && n < FDS_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(h) + i * sizeof(int), sizeof(int));
	}
	return n;
}

/* NULL: m is complete and owns the descriptor that is left. */
static const char *accept_frame(struct ipc_channel *c, size_t size, const int fds[], unsigned n,
				struct ipc_message *m)
{
	struct ipc_frame frame;
	const char      *why = ipc_frame_parse(cur_of(c->frame, size), c->incoming, &frame);

	if (why != NULL)
		return why;
	if (n > 1 || (frame.bulk && n != 1))
		return "frame with a wrong number of descriptors";
	*m = (struct ipc_message){.type = frame.type, .id = frame.id, .body = frame.body, .fd = -1};
	if (frame.bulk) {
		why = ipc_bulk_map(fds[0], frame.size, frame.checksum, &m->map);
		if (why != NULL)
			return why;
		close(fds[0]);
		m->map_size = frame.size;
		m->body = cur_of(m->map, m->map_size);
	} else if (n == 1) {
		m->fd = fds[0];
	}
	return NULL;
}

static int receive_frame(struct ipc_channel *c, struct ipc_message *m)
{
	union {
		struct cmsghdr header;
		char           room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} pass;
	struct iovec  vec = {c->frame, sizeof(c->frame)};
	struct msghdr frame = {.msg_iov = &vec,
			       .msg_iovlen = 1,
			       .msg_control = &pass,
			       .msg_controllen = sizeof(pass.room)};
	int           fds[FDS_MAX];
	unsigned      n;
	ssize_t       size = recvmsg(c->fd, &frame, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (size < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	n = take_fds(&frame, fds);
	if (size == 0) {
		close_all(fds, n);
		return -ECONNRESET;
	}
	if ((frame.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		c->why = "frame larger than a frame may be";
	else
		c->why = accept_frame(c, (size_t)size, fds, n, m);
	if (c->why == NULL) {
		c->why = "";
		return 0;
	}
	close_all(fds, n);
	c->damaged++;
	return -EBADMSG;
}

int ipc_receive(struct ipc_channel *c, struct ipc_message *m, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	int     err;

	if (c->fd < 0)
		return -ENOTCONN;
	do {
		err = receive_frame(c, m);
		if (err == -EAGAIN && timeout_ms > 0)
			err = wait_for(c->fd, POLLIN, deadline) == 0 ? -EINTR : -ETIMEDOUT;
	} while (err == -EINTR);
	if (err < 0 && err != -EAGAIN && err != -ETIMEDOUT)
		ipc_close(c);
	return err;
}

void ipc_message_done(struct ipc_message *m)
{
	if (m->map != NULL)
		munmap(m->map, m->map_size);
	if (m->fd >= 0)
		close(m->fd);
	m->map = NULL;
	m->fd = -1;
}
