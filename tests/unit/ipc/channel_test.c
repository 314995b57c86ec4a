#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/put.h"
#include "ipc/hello.h"

#include "test.h"

#define MAGIC 0x43504d43u

struct pair {
	struct ipc_channel control, dataplane;
	int                raw; /* control's descriptor, for bytes that no channel would send */
};

static int pair_open(void **state)
{
	static struct pair p;
	int                fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	ipc_open(&p.control, fds[0], IPC_TO_CONTROL);
	ipc_open(&p.dataplane, fds[1], IPC_TO_DATAPLANE);
	p.raw = fds[0];
	*state = &p;
	return 0;
}

static int pair_close(void **state)
{
	struct pair *p = *state;

	ipc_close(&p->control);
	ipc_close(&p->dataplane);
	return 0;
}

static size_t frame_of(uint8_t room[IPC_FRAME_SIZE], unsigned type, unsigned flags,
		       const void *body, size_t n)
{
	struct put w = put_to(room, IPC_FRAME_SIZE);

	put_be32(&w, MAGIC);
	put_be16(&w, (uint16_t)type);
	put_be16(&w, (uint16_t)flags);
	put_be32(&w, (uint32_t)n);
	put_be64(&w, 7);
	put_bytes(&w, body, n);
	assert_false(w.failed);
	return put_size(&w);
}

static void send_raw(int to, const void *bytes, size_t n, const int fds[], unsigned fd_count)
{
	uint8_t *exact = test_copy(bytes, n);
	union {
		struct cmsghdr header;
		char           room[CMSG_SPACE(sizeof(int) * 8)];
	} pass = {0};
	struct iovec  vec = {exact, n};
	struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};

	if (fd_count > 0) {
		pass.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * fd_count),
					       .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&pass.header), fds, sizeof(int) * fd_count);
		m.msg_control = &pass;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	}
	assert_int_equal(sendmsg(to, &m, MSG_NOSIGNAL), (ssize_t)n);
	free(exact);
}

static void is_refused(struct pair *p)
{
	struct ipc_message m;

	assert_int_equal(ipc_receive(&p->dataplane, &m, 0), -EBADMSG);
	assert_int_equal(p->dataplane.damaged, 1);
	assert_int_equal(p->dataplane.fd, -1);
	assert_int_not_equal(p->dataplane.why[0], '\0');
	assert_int_equal(ipc_receive(&p->dataplane, &m, 0), -ENOTCONN);
}

static void a_message_arrives_as_it_was_sent(void **state)
{
	struct pair       *p = *state;
	struct ipc_message m;
	struct iovec       parts[2] = {{(char *)"session-list", 13}, {(char *)"{}", 2}};

	assert_int_equal(ipc_receive(&p->dataplane, &m, 0), -EAGAIN);
	assert_int_equal(ipc_send(&p->control, IPC_QUERY, 42, parts, 2, -1, 0), 0);
	assert_int_equal(ipc_receive(&p->dataplane, &m, 0), 0);
	assert_int_equal(m.type, IPC_QUERY);
	assert_int_equal(m.id, 42);
	assert_int_equal(cur_left(&m.body), 15);
	assert_memory_equal(m.body.p, "session-list\0{}", 15);
	ipc_message_done(&m);
}

static void a_body_larger_than_a_frame_goes_by_memfd(void **state)
{
	struct pair       *p = *state;
	size_t             sizes[] = {IPC_BODY_MAX - 1, IPC_BODY_MAX, IPC_BODY_MAX + 1, 1000000};
	struct ipc_message m;

	for (size_t i = 0; i < 4; i++) {
		uint8_t *body = test_copy("", 0);

		body = realloc(body, sizes[i]);
		for (size_t b = 0; b < sizes[i]; b++)
			body[b] = (uint8_t)(b * 31 + i);
		assert_int_equal(ipc_send(&p->control, IPC_PREPARE, i,
					  &(struct iovec){body, sizes[i]}, 1, -1, 0),
				 0);
		assert_int_equal(ipc_receive(&p->dataplane, &m, 0), 0);
		assert_int_equal(m.map != NULL, sizes[i] > IPC_BODY_MAX);
		assert_int_equal(cur_left(&m.body), sizes[i]);
		assert_memory_equal(m.body.p, body, sizes[i]);
		ipc_message_done(&m);
		free(body);
	}
}

static void a_descriptor_goes_along(void **state)
{
	struct pair       *p = *state;
	struct ipc_message m;
	int                fd = memfd_create("counters", MFD_CLOEXEC);
	struct stat        a, b;

	assert_int_equal(ipc_send(&p->dataplane, IPC_HELLO, 1, NULL, 0, fd, 0), 0);
	assert_int_equal(ipc_receive(&p->control, &m, 0), 0);
	assert_true(m.fd >= 0);
	fstat(fd, &a);
	fstat(m.fd, &b);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_not_equal(fcntl(m.fd, F_GETFD) & FD_CLOEXEC, 0);
	ipc_message_done(&m);
	close(fd);
}

static void the_other_side_closing_is_noticed(void **state)
{
	struct pair       *p = *state;
	struct ipc_message m;

	ipc_close(&p->control);
	assert_int_equal(ipc_receive(&p->dataplane, &m, 1000), -ECONNRESET);
	assert_int_equal(p->dataplane.fd, -1);
	assert_int_equal(p->dataplane.damaged, 0);
	assert_int_equal(ipc_send(&p->dataplane, IPC_READY, 1, NULL, 0, -1, 0), -ENOTCONN);
}

static void a_deadline_ends_the_wait_for_an_answer(void **state)
{
	struct pair       *p = *state;
	struct ipc_message m;

	assert_int_equal(ipc_receive(&p->control, &m, 1), -ETIMEDOUT);
	assert_int_not_equal(p->control.fd, -1);
}

static void a_peer_that_does_not_read_ends_the_channel_at_the_deadline(void **state)
{
	struct pair   *p = *state;
	static uint8_t body[60000];
	int            err = 0;

	for (int i = 0; i < 1000 && err == 0; i++)
		err = ipc_send(&p->control, IPC_PREPARE, 1, &(struct iovec){body, sizeof(body)}, 1,
			       -1, 1);
	assert_int_equal(err, -ETIMEDOUT);
	assert_int_equal(p->control.fd, -1);
}

static void a_body_over_the_limit_of_its_type_is_not_sent(void **state)
{
	struct pair *p = *state;
	char         body[9] = {0};

	assert_int_equal(ipc_send(&p->control, IPC_PUBLISH, 1, &(struct iovec){body, 9}, 1, -1, 0),
			 -EMSGSIZE);
	assert_int_not_equal(p->control.fd, -1);
}

static void a_frame_cut_at_any_byte_is_refused(void **state)
{
	static uint8_t frame[IPC_FRAME_SIZE];
	size_t         n = frame_of(frame, IPC_QUERY, 0, "name\0{}", 7);

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t         *exact = test_copy(frame, cut);
		struct ipc_frame f;

		assert_non_null(ipc_frame_parse(cur_of(exact, cut), IPC_TO_DATAPLANE, &f));
		free(exact);
	}
}

static void a_frame_that_is_not_ours_closes_the_channel(void **state)
{
	static const struct {
		unsigned type, flags;
		size_t   n;
		int      wrong_byte;
	} bad[] = {
		{IPC_QUERY, 0, 4, 0},  /* magic */
		{IPC_QUERY, 0, 4, 11}, /* length */
		{IPC_TYPE_COUNT, 0, 4, -1}, {0xffff, 0, 4, -1},
		{IPC_QUERY, 2, 4, -1},    /* unknown flag */
		{IPC_READY, 0, 16, -1},   /* of the other direction */
		{IPC_PUBLISH, 0, 9, -1},  /* larger than its type may be */
		{IPC_PREPARE, 1, 16, -1}, /* a memfd that did not come */
	};
	uint8_t body[16] = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		static uint8_t frame[IPC_FRAME_SIZE];
		size_t         n = frame_of(frame, bad[i].type, bad[i].flags, body, bad[i].n);
		struct pair   *p = *state;

		if (bad[i].wrong_byte >= 0)
			frame[bad[i].wrong_byte] ^= 0x40;
		send_raw(p->raw, frame, n, NULL, 0);
		is_refused(p);
		pair_close(state);
		assert_int_equal(pair_open(state), 0);
	}
}

static void a_frame_larger_than_a_frame_may_be_closes_the_channel(void **state)
{
	struct pair   *p = *state;
	static uint8_t frame[IPC_FRAME_SIZE + 1];

	frame_of(frame, IPC_PREPARE, 0, NULL, 0);
	send_raw(p->raw, frame, sizeof(frame), NULL, 0);
	is_refused(p);
}

static void more_than_one_descriptor_closes_the_channel_and_leaks_none(void **state)
{
	struct pair   *p = *state;
	static uint8_t frame[IPC_FRAME_SIZE];
	size_t         n = frame_of(frame, IPC_QUERY, 0, "", 1);
	int            null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int            fds[6] = {null, null, null, null, null, null};
	int            next;

	send_raw(p->raw, frame, n, fds, 2);
	is_refused(p);
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(next <= null + 1);
	close(next);
	pair_close(state);
	assert_int_equal(pair_open(state), 0);
	p = *state;
	send_raw(p->raw, frame, n, fds, 6);
	is_refused(p);
	close(null);
}

enum damage {
	NOTHING,
	UNSEALED,
	SEALED_HALF,
	SIZE_LARGER,
	SIZE_SMALLER,
	CHECKSUM,
	EMPTY,
	NO_MEMFD,
	DAMAGES
};

static void a_memfd_is_verified_before_anybody_reads_it(void **state)
{
	static uint8_t content[100000];

	for (int damage = 0; damage < DAMAGES; damage++) {
		struct pair   *p = *state;
		static uint8_t frame[IPC_FRAME_SIZE];
		uint8_t        bulk[16];
		struct put     w = put_to(bulk, sizeof(bulk));
		struct iovec   part = {content, sizeof(content)};
		uint64_t       size, checksum;
		int            fd = ipc_bulk_make(&part, 1, &size, &checksum);

		assert_true(fd >= 0);
		if (damage == UNSEALED || damage == SEALED_HALF || damage == EMPTY ||
		    damage == NO_MEMFD) {
			close(fd);
			fd = damage == NO_MEMFD
				     ? open("/dev/null", O_RDONLY | O_CLOEXEC)
				     : memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
			if (damage == UNSEALED || damage == SEALED_HALF)
				assert_int_equal(write(fd, content, sizeof(content)),
						 sizeof(content));
			if (damage != UNSEALED)
				fcntl(fd, F_ADD_SEALS,
				      F_SEAL_SHRINK | F_SEAL_GROW |
					      (damage == EMPTY ? F_SEAL_WRITE : 0));
		}
		put_be64(&w, damage == SIZE_LARGER    ? size + 1
			     : damage == SIZE_SMALLER ? size - 1
			     : damage == EMPTY        ? 0
						      : size);
		put_be64(&w, damage == CHECKSUM ? checksum ^ 1 : checksum);
		send_raw(p->raw, frame, frame_of(frame, IPC_PREPARE, 1, bulk, 16), &fd, 1);
		close(fd);
		if (damage == NOTHING) {
			struct ipc_message m;

			assert_int_equal(ipc_receive(&p->dataplane, &m, 0), 0);
			assert_memory_equal(m.body.p, content, sizeof(content));
			ipc_message_done(&m);
		} else {
			is_refused(p);
		}
		pair_close(state);
		assert_int_equal(pair_open(state), 0);
	}
}

static void a_memfd_received_cannot_be_changed_by_its_sender(void **state)
{
	char         content[10] = "constant";
	struct iovec part = {content, sizeof(content)};
	uint64_t     size, checksum;
	int          fd = ipc_bulk_make(&part, 1, &size, &checksum);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
}

static void a_socket_left_by_a_dead_process_is_replaced_and_a_living_one_is_not(void **state)
{
	char        dir[] = "/tmp/cpm-ipc-XXXXXX", path[64];
	struct stat st;
	int         first, second, client, served;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(ipc_connect(path), -ENOENT);
	first = ipc_listen(path);
	assert_true(first >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ipc_listen(path), -EADDRINUSE);
	close(ipc_accept(first));
	close(first);
	assert_int_equal(ipc_connect(path), -ECONNREFUSED);
	second = ipc_listen(path);
	assert_true(second >= 0);
	client = ipc_connect(path);
	served = ipc_accept(second);
	assert_true(client >= 0 && served >= 0);
	close(client);
	close(served);
	close(second);
	unlink(path);
	rmdir(dir);
}

static struct ipc_hello some_hello(void)
{
	return (struct ipc_hello){.channel = ipc_version(),
				  .objects = ipc_objects_version(),
				  .boot_id = 3,
				  .world_version = 4,
				  .world_checksum = ~0ull,
				  .workers = 2,
				  .platform = {1, 2, {3, 4}},
				  .hyperscan = "5.4.0"};
}

static void a_hello_arrives_whole_or_not_at_all(void **state)
{
	struct ipc_hello h = some_hello(), got;
	uint8_t          room[1024];
	uint8_t          second[1024];
	struct put       w = put_to(room, sizeof(room)), again;

	(void)state;
	assert_true(ipc_hello_pack(&h, &w));
	assert_true(ipc_hello_unpack(cur_of(room, put_size(&w)), &got));
	again = put_to(second, sizeof(second));
	assert_true(ipc_hello_pack(&got, &again));
	assert_int_equal(put_size(&again), put_size(&w));
	assert_memory_equal(second, room, put_size(&w));
	for (size_t cut = 0; cut < put_size(&w); cut++) {
		uint8_t *exact = test_copy(room, cut);

		assert_false(ipc_hello_unpack(cur_of(exact, cut), &got));
		free(exact);
	}
	assert_false(ipc_hello_unpack(cur_of(room, put_size(&w) + 1), &got));
}

static void a_hello_of_another_channel_version_gives_only_that(void **state)
{
	struct ipc_hello h = some_hello(), got;
	uint8_t          room[1024];
	struct put       w = put_to(room, sizeof(room));

	(void)state;
	h.channel ^= 1;
	assert_true(ipc_hello_pack(&h, &w));
	assert_true(ipc_hello_unpack(cur_of(room, put_size(&w)), &got));
	assert_int_equal(got.channel, h.channel);
	assert_int_equal(got.world_version, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_arrives_as_it_was_sent, pair_open,
						pair_close),
		cmocka_unit_test_setup_teardown(a_body_larger_than_a_frame_goes_by_memfd, pair_open,
						pair_close),
		cmocka_unit_test_setup_teardown(a_descriptor_goes_along, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(the_other_side_closing_is_noticed, pair_open,
						pair_close),
		cmocka_unit_test_setup_teardown(a_deadline_ends_the_wait_for_an_answer, pair_open,
						pair_close),
		cmocka_unit_test_setup_teardown(
			a_peer_that_does_not_read_ends_the_channel_at_the_deadline, pair_open,
			pair_close),
		cmocka_unit_test_setup_teardown(a_body_over_the_limit_of_its_type_is_not_sent,
						pair_open, pair_close),
		cmocka_unit_test(a_frame_cut_at_any_byte_is_refused),
		cmocka_unit_test_setup_teardown(a_frame_that_is_not_ours_closes_the_channel,
						pair_open, pair_close),
		cmocka_unit_test_setup_teardown(
			a_frame_larger_than_a_frame_may_be_closes_the_channel, pair_open,
			pair_close),
		cmocka_unit_test_setup_teardown(
			more_than_one_descriptor_closes_the_channel_and_leaks_none, pair_open,
			pair_close),
		cmocka_unit_test_setup_teardown(a_memfd_is_verified_before_anybody_reads_it,
						pair_open, pair_close),
		cmocka_unit_test(a_memfd_received_cannot_be_changed_by_its_sender),
		cmocka_unit_test(
			a_socket_left_by_a_dead_process_is_replaced_and_a_living_one_is_not),
		cmocka_unit_test(a_hello_arrives_whole_or_not_at_all),
		cmocka_unit_test(a_hello_of_another_channel_version_gives_only_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
