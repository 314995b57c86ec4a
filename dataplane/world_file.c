#include "world_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/put.h"

#define IMAGE_MAGIC 0x43504d49u
#define LOG_MAGIC 0x43504d4cu
#define RECORD_MAGIC 0x43504d52u
#define IMAGE_HEADER 32u  /* magic be32, format be32, id be64, size be64, checksum be64 */
#define LOG_HEADER 16u    /* magic be32, format be32, id of the image be64 */
#define RECORD_HEADER 20u /* magic be32, size be64, checksum be64 */
#define FORMAT 1u
#define LOG_FREE (1u << 20) /* a log may always grow to this */

static const struct hash_key file_key = {0x63706d2d66696c65, 1};

int world_file_open(struct world_file *f, const char *state_dir)
{
	*f = (struct world_file){.dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				 .log = -1};
	return f->dir < 0 ? -errno : 0;
}

void world_file_close(struct world_file *f)
{
	if (f->log >= 0)
		close(f->log);
	if (f->dir >= 0)
		close(f->dir);
	f->log = f->dir = -1;
}

static int write_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

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

/* The whole file, mapped; size 0 where there is none. */
static struct cur map_file(int dir, const char *name)
{
	int         fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void       *map = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	return map != MAP_FAILED ? cur_of(map, (size_t)st.st_size) : cur_of("", 0);
}

static void unmap_file(struct cur file)
{
	if (cur_left(&file) > 0)
		munmap((void *)file.p, cur_left(&file));
}

/* The content of an image file; failed when it is none. */
static struct cur image_content(struct cur file, uint64_t *id)
{
	uint32_t   magic = cur_be32(&file), format = cur_be32(&file);
	uint64_t   size, checksum;
	struct cur content;

	*id = cur_be64(&file);
	size = cur_be64(&file);
	checksum = cur_be64(&file);
	content = cur_sub(&file, size);
	if (magic != IMAGE_MAGIC || format != FORMAT || cur_left(&file) != 0 || content.failed ||
	    hash_sip(&file_key, content.p, size) != checksum)
		content.failed = true;
	return content;
}

/* The next delta of a log; failed at its end and where it is torn. */
static struct cur record_next(struct cur *log)
{
	uint32_t   magic = cur_be32(log);
	uint64_t   size = cur_be64(log);
	uint64_t   checksum = cur_be64(log);
	struct cur delta = cur_sub(log, size);

	if (magic != RECORD_MAGIC || delta.failed || hash_sip(&file_key, delta.p, size) != checksum)
		delta.failed = true;
	return delta;
}

/* An empty log that continues image f->id, in place of the present one. */
static int log_new(struct world_file *f)
{
	uint8_t    room[LOG_HEADER];
	struct put w = put_to(room, sizeof(room));
	int        fd = openat(f->dir, "world.log.new",
			       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	int        err;

	if (fd < 0)
		return -errno;
	put_be32(&w, LOG_MAGIC);
	put_be32(&w, FORMAT);
	put_be64(&w, f->id);
	err = write_all(fd, room, sizeof(room));
	if (err == 0 && renameat(f->dir, "world.log.new", f->dir, "world.log") < 0)
		err = -errno;
	if (err < 0) {
		close(fd);
		return err;
	}
	if (f->log >= 0)
		close(f->log);
	f->log = fd;
	f->log_size = 0;
	return 0;
}

static unsigned replay(struct world_file *f, bool (*apply)(void *, struct cur), void *user,
		       unsigned *damaged)
{
	struct cur file = map_file(f->dir, "world.log"), log = file;
	uint32_t   magic = cur_be32(&log), format = cur_be32(&log);
	uint64_t   id = cur_be64(&log);
	unsigned   taken = 0;
	size_t     good = LOG_HEADER;

	if (magic == LOG_MAGIC && format == FORMAT && !log.failed && id == f->id) {
		while (cur_left(&log) > 0) {
			struct cur delta = record_next(&log);

			if (delta.failed || !apply(user, delta)) {
				(*damaged)++;
				break;
			}
			taken++;
			good = (size_t)(log.p - file.p);
		}
		f->log = openat(f->dir, "world.log", O_WRONLY | O_APPEND | O_CLOEXEC);
		f->log_size = good - LOG_HEADER;
		f->behind = f->log < 0 || ftruncate(f->log, (off_t)good) < 0;
	} else {
		f->behind = log_new(f) < 0;
	}
	unmap_file(file);
	return taken;
}

unsigned world_file_load(struct world_file *f, bool (*apply)(void *user, struct cur bytes),
			 void *user, unsigned *damaged)
{
	struct cur file = map_file(f->dir, "world.img");
	struct cur content = image_content(file, &f->id);
	unsigned   taken = 0;

	*damaged = 0;
	f->behind = true; /* until there is an image, the first world must be written as one */
	if (!content.failed && apply(user, content)) {
		f->image_size = cur_left(&content);
		taken = 1 + replay(f, apply, user, damaged);
	} else if (cur_left(&file) > 0) {
		(*damaged)++;
	}
	unmap_file(file);
	return taken;
}

int world_file_append(struct world_file *f, struct cur delta)
{
	uint8_t    room[RECORD_HEADER];
	struct put w = put_to(room, sizeof(room));
	size_t     n = cur_left(&delta);
	int        err;

	if (f->behind || f->log < 0)
		return -EIO;
	put_be32(&w, RECORD_MAGIC);
	put_be64(&w, n);
	put_be64(&w, hash_sip(&file_key, delta.p, n));
	err = write_all(f->log, room, sizeof(room));
	if (err == 0)
		err = write_all(f->log, delta.p, n);
	if (err < 0) {
		f->behind =
			true; /* what follows a gap cannot be replayed: an image must close it */
		return err;
	}
	f->log_size += n + sizeof(room);
	f->unsynced = true;
	return 0;
}

static int write_image(struct world_file *f, struct cur image, uint64_t id)
{
	uint8_t    room[IMAGE_HEADER];
	struct put w = put_to(room, sizeof(room));
	size_t     n = cur_left(&image);
	int fd = openat(f->dir, "world.img.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	put_be32(&w, IMAGE_MAGIC);
	put_be32(&w, FORMAT);
	put_be64(&w, id);
	put_be64(&w, n);
	put_be64(&w, hash_sip(&file_key, image.p, n));
	err = write_all(fd, room, sizeof(room));
	if (err == 0)
		err = write_all(fd, image.p, n);
	if (err == 0)
		sync_file_range(fd, 0, 0,
				SYNC_FILE_RANGE_WRITE); /* begin; world_file_sync() waits */
	close(fd);
	if (err == 0 && renameat(f->dir, "world.img.new", f->dir, "world.img") < 0)
		err = -errno;
	return err;
}

int world_file_replace(struct world_file *f, struct cur image)
{
	uint64_t id;
	int      err = getrandom(&id, sizeof(id), 0) == sizeof(id) ? 0 : -EIO;

	if (err == 0)
		err = write_image(f, image, id);
	f->behind = err < 0;
	if (err < 0)
		return err;
	/* From here until the new log is there, a start ignores the old one: it continues another
	 * image. */
	f->id = id;
	f->image_size = cur_left(&image);
	err = log_new(f);
	f->behind = err < 0;
	f->unsynced = true;
	return err;
}

bool world_file_is_long(const struct world_file *f)
{
	return f->log_size > LOG_FREE + f->image_size / 2;
}

void world_file_sync(struct world_file *f)
{
	int fd = openat(f->dir, "world.img", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	if (f->log >= 0)
		fdatasync(f->log);
	fsync(f->dir);
	f->unsynced = false;
}
