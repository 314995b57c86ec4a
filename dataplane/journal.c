#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/put.h"

#define MAGIC 0x43504d4au
#define FORMAT 1u
#define HEAD_SIZE 8u         /* magic be32, format be32 */
#define RECORD_HEAD_SIZE 12u /* size be32, checksum be64 */
#define ROOM_SIZE (256u * 1024u)
#define SIZE_FREE (UINT64_C(16) << 20) /* to which it may always grow */

static const struct hash_key file_key = {0x63706d2d6a6f7572, 1};

/* ---- one file ---- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, p, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		p += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static int file_flush(struct journal_file *f)
{
	int err = f->used > 0 ? write_all(f->fd, f->room, f->used) : 0;

	if (err == 0 && f->used > 0 && fdatasync(f->fd) < 0)
		err = -errno;

	if (err == 0)
		f->size += f->used;
	f->used = 0;
	return err;
}

static int file_append(struct journal_file *f, const void *bytes, size_t n)
{
	int        err = f->used + RECORD_HEAD_SIZE + n > ROOM_SIZE ? file_flush(f) : 0;
	struct put w = put_to(f->room + f->used, ROOM_SIZE - f->used);

	put_be32(&w, (uint32_t)n);
	put_be64(&w, hash_sip(&file_key, bytes, n));
	put_bytes(&w, bytes, n);
	ASSERT(!w.failed);
	f->used += put_size(&w);
	return err;
}

static void file_close(struct journal_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->used = 0;
}

static int file_make(struct journal_file *f, int dir, const char *name)
{
	uint8_t    head[HEAD_SIZE];
	struct put w = put_to(head, sizeof(head));
	int        err;

	f->fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	put_be32(&w, MAGIC);
	put_be32(&w, FORMAT);
	err = write_all(f->fd, head, sizeof(head));
	f->used = 0;
	f->size = sizeof(head);
	return err;
}

/* ---- reading ---- */

/* The next record; failed where the file ends in the middle of it or is damaged. */
static struct cur record_next(struct cur *in)
{
	uint32_t   size = cur_be32(in);
	uint64_t   checksum = cur_be64(in);
	struct cur record = cur_sub(in, size);

	if (!record.failed && (size == 0 || size > JOURNAL_RECORD_MAX ||
			       hash_sip(&file_key, record.p, size) != checksum))
		record.failed = true;
	return record;
}

/* Returns how many bytes are good. */
static size_t read_records(struct cur in, bool (*take)(void *, struct cur), void *user)
{
	const uint8_t *start = in.p;
	size_t         good = HEAD_SIZE;
	uint32_t       magic = cur_be32(&in), format = cur_be32(&in);

	if (in.failed || magic != MAGIC || format != FORMAT)
		return 0;
	while (cur_left(&in) > 0) {
		struct cur record = record_next(&in);

		if (record.failed || !take(user, record))
			break;
		good = (size_t)(in.p - start);
	}
	return good;
}

/* 0: nothing of it is of use. */
static size_t file_read(struct journal *j, bool (*take)(void *, struct cur), void *user,
			uint64_t *lost)
{
	int         fd = openat(j->dir, j->name, O_RDONLY | O_CLOEXEC);
	struct stat st = {0};
	void       *map = MAP_FAILED;
	size_t      good = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED) {
		good = read_records(cur_of(map, (size_t)st.st_size), take, user);
		munmap(map, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	*lost = (uint64_t)st.st_size - good;
	return good;
}

/* ---- the journal ---- */

/* Nothing is kept until a new file is there. */
static void failed(struct journal *j, struct journal_file *f, int err)
{
	log_error("journal.failed",
		  "file=%s error=%s: what is registered is not kept for a restart until a new file "
		  "can be written, which is tried each minute",
		  f == &j->file ? j->name : j->next_name, strerror(-err));
	file_close(f);
	if (f == &j->next)
		unlinkat(j->dir, j->next_name, 0);
}

static void go_on_after(struct journal *j, size_t good)
{
	j->file.fd = openat(j->dir, j->name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (j->file.fd >= 0 && ftruncate(j->file.fd, (off_t)good) < 0)
		file_close(&j->file);
	j->file.size = j->renewed_size = good;
}

int journal_open(struct journal *j, const char *dir, const char *name,
		 bool (*take)(void *user, struct cur record), void *user, uint64_t *lost)
{
	size_t good;

	*j = (struct journal){.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			      .file = {.fd = -1, .room = malloc(ROOM_SIZE)},
			      .next = {.fd = -1, .room = malloc(ROOM_SIZE)}};
	*lost = 0;
	if (j->dir < 0 || j->file.room == NULL || j->next.room == NULL) {
		int err = j->dir < 0 ? -errno : -ENOMEM;

		journal_close(j);
		return err;
	}
	snprintf(j->name, sizeof(j->name), "%s", name);
	snprintf(j->next_name, sizeof(j->next_name), "%s.new", name);
	good = file_read(j, take, user, lost);
	if (good > 0)
		go_on_after(j, good);
	else if (journal_renew(j))
		journal_renewed(j);
	return 0;
}

void journal_close(struct journal *j)
{
	file_close(&j->file);
	file_close(&j->next);
	free(j->file.room);
	free(j->next.room);
	if (j->dir >= 0)
		close(j->dir);
	j->dir = -1;
}

static void append_to(struct journal *j, struct journal_file *f, const void *bytes, size_t n)
{
	int err = f->fd >= 0 ? file_append(f, bytes, n) : 0;

	if (err < 0)
		failed(j, f, err);
}

void journal_append(struct journal *j, const void *bytes, size_t n)
{
	ASSERT(n > 0 && n <= JOURNAL_RECORD_MAX);
	append_to(j, &j->file, bytes, n);
	append_to(j, &j->next, bytes, n);
}

static void flush(struct journal *j, struct journal_file *f)
{
	int err = f->fd >= 0 ? file_flush(f) : 0;

	if (err < 0)
		failed(j, f, err);
}

void journal_flush(struct journal *j)
{
	flush(j, &j->file);
	flush(j, &j->next);
}

bool journal_is_long(const struct journal *j)
{
	return j->file.fd < 0 || j->file.size > SIZE_FREE + 2 * j->renewed_size;
}

bool journal_renew(struct journal *j)
{
	int err;

	ASSERT(j->next.fd < 0);
	err = file_make(&j->next, j->dir, j->next_name);
	if (err < 0)
		failed(j, &j->next, err);
	return err == 0;
}

void journal_renew_append(struct journal *j, const void *bytes, size_t n)
{
	ASSERT(n > 0 && n <= JOURNAL_RECORD_MAX);
	append_to(j, &j->next, bytes, n);
}

void journal_renewed(struct journal *j)
{
	uint8_t *room = j->file.room;

	flush(j, &j->next);
	if (j->next.fd < 0)
		return;
	if (renameat(j->dir, j->next_name, j->dir, j->name) < 0) {
		failed(j, &j->next, -errno);
		return;
	}
	if (fsync(j->dir) < 0)
		failed(j, &j->next, -errno);
	file_close(&j->file);
	j->file = j->next;
	j->next = (struct journal_file){.fd = -1, .room = room};
	j->renewed_size = j->file.size;
}
