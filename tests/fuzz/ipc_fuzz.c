/* What the other side of the channel could send: any bytes as a frame, with and without a memfd;
 * and as a hello. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ipc_channel dataplane;

static void receive(int raw, const uint8_t *data, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char           room[CMSG_SPACE(sizeof(int))];
	} pass = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	struct iovec       vec = {(void *)data, size};
	struct msghdr      m = {.msg_iov = &vec, .msg_iovlen = 1};
	struct ipc_message message;

	memcpy(CMSG_DATA(&pass.header), &fd, sizeof(fd));
	if (fd >= 0) {
		m.msg_control = &pass;
		m.msg_controllen = sizeof(pass.room);
	}
	if (sendmsg(raw, &m, MSG_NOSIGNAL) < 0)
		return;
	if (ipc_receive(&dataplane, &message, 0) == 0) {
		uint64_t sum = 0;

		while (cur_left(&message.body) > 0)
			sum += cur_u8(&message.body);
		if (sum == UINT64_MAX || message.body.failed)
			abort();
		ipc_message_done(&message);
	}
}

/* The first byte says what comes along. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipc_hello hello;
	int              fds[2], along = -1;

	if (size == 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	ipc_hello_unpack(cur_of(data, size), &hello);
	ipc_open(&dataplane, fds[1], (data[0] & 1) != 0 ? IPC_TO_DATAPLANE : IPC_TO_CONTROL);
	if ((data[0] & 2) != 0) {
		along = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (write(along, data, size) >= 0 && (data[0] & 4) != 0)
			fcntl(along, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	}
	receive(fds[0], data + 1, size - 1, along);
	if (along >= 0)
		close(along);
	ipc_close(&dataplane);
	close(fds[0]);
	return 0;
}
