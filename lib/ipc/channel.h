/*
 * The channel between control and dataplane: messages of msgs.def over a Unix SOCK_SEQPACKET
 * connection. A message is one frame of at most 64 KiB; a larger body goes by memfd, sealed against
 * shrink, grow and write before it is sent, and is verified (seals, length, checksum) before
 * anybody reads it. One thread at a time uses a channel. DESIGN.md 5, The channel.
 *
 * Errors: 0 or -errno. -EBADMSG: the other side sent what is no valid frame; that is counted in
 * `damaged`, said in `why`, and the channel is closed, as it is after -ECONNRESET (the other side
 * has closed).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/cur.h"

#define IPC_FRAME_SIZE 65536u
#define IPC_HEADER_SIZE 20u /* magic be32, type be16, flags be16, length be32, request id be64 */
#define IPC_BODY_MAX (IPC_FRAME_SIZE - IPC_HEADER_SIZE) /* of one frame; more goes by memfd */

enum ipc_type {
#define MSG(name, direction, size_max, help) IPC_##name,
#include "ipc/msgs.def"
#undef MSG
	IPC_TYPE_COUNT
};

enum ipc_direction { IPC_TO_DATAPLANE = 1, IPC_TO_CONTROL = 2, IPC_BOTH = 3 };

const char *ipc_type_name(enum ipc_type type);
/* Hash of msgs.def and of the questions in it: equal on both sides, or they do not talk. */
uint64_t ipc_version(void);

struct ipc_channel {
	int                fd;       /* -1: closed */
	enum ipc_direction incoming; /* what may come from the other side */
	uint64_t           damaged;  /* frames refused; at most one a connection */
	const char        *why;      /* the last was refused for */
	uint8_t            frame[IPC_FRAME_SIZE];
};

/* One message received. body is lent until ipc_message_done(), which every received message needs
 * before the next is received. */
struct ipc_message {
	enum ipc_type type;
	uint64_t      id;
	struct cur    body;
	int fd; /* passed along; -1: none. Closed by ipc_message_done() unless taken (set to -1) */
	void  *map; /* where the body lies when it came by memfd */
	size_t map_size;
};

/* A frame's header, and its body where that is in the frame. */
struct ipc_frame {
	enum ipc_type type;
	uint64_t      id;
	bool          bulk;           /* the body is in the memfd that comes along */
	uint64_t      size, checksum; /* of the bulk body */
	struct cur    body;
};

/* Check one frame as it was received. NULL: sound; else what is wrong with it. Pure. */
const char *ipc_frame_parse(struct cur bytes, enum ipc_direction incoming, struct ipc_frame *frame);

/* Listening socket at path, mode 0600; what a process that has died left there is replaced.
 * Descriptor, or -EADDRINUSE when somebody listens, or -errno. */
int ipc_listen(const char *path);
int ipc_accept(int listener);      /* descriptor or -errno */
int ipc_connect(const char *path); /* at once; descriptor or -errno */

/* Takes fd over. incoming: direction of what is received here. */
void ipc_open(struct ipc_channel *c, int fd, enum ipc_direction incoming);
void ipc_close(struct ipc_channel *c);

/*
 * Send one message: the body gathered from parts, fd (-1: none; stays the caller's) along with it,
 * within timeout_ms (0: only when there is room at once). -ETIMEDOUT and every other failure closes
 * the channel, since the other side could wait for what never comes; -EMSGSIZE (over size_max) does
 * not.
 */
int ipc_send(struct ipc_channel *c, enum ipc_type type, uint64_t id, const struct iovec parts[],
	     unsigned n, int fd, int timeout_ms);

/* Receive one message within timeout_ms (0: only what is there; -EAGAIN, -ETIMEDOUT: nothing came,
 * the channel stays open). */
int  ipc_receive(struct ipc_channel *c, struct ipc_message *m, int timeout_ms);
void ipc_message_done(struct ipc_message *m);

/* A memfd with the parts as content, sealed; descriptor or -errno. */
int ipc_bulk_make(const struct iovec parts[], unsigned n, uint64_t *size, uint64_t *checksum);
/* Map what was received, after its seals, size and checksum are found right. NULL, or what is
 * wrong. The mapping is the caller's. */
const char *ipc_bulk_map(int fd, uint64_t size, uint64_t checksum, void **map);
