/* Bodies larger than a frame: a memfd that nobody can change any more. */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const struct hash_key bulk_key = {0x63706d2d62756c6b, 1};

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, bytes, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		bytes += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static int checksum_of(int fd, uint64_t size, uint64_t *checksum)
{
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*checksum = hash_sip(&bulk_key, map, size);
	munmap(map, size);
	return 0;
}

int ipc_bulk_make(const struct iovec parts[], unsigned n, uint64_t *size, uint64_t *checksum)
{
	int fd = memfd_create("cpm-bulk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = 0;

	if (fd < 0)
		return -errno;
	*size = 0;
	for (unsigned i = 0; i < n && err == 0; i++) {
		err = write_all(fd, parts[i].iov_base, parts[i].iov_len);
		*size += parts[i].iov_len;
	}
	if (err == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		err = -errno;
	if (err == 0)
		err = checksum_of(fd, *size, checksum);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

const char *ipc_bulk_map(int fd, uint64_t size, uint64_t checksum, void **map)
{
	int         seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return "memfd that is not sealed";
	if (fstat(fd, &st) < 0 || size == 0 || (uint64_t)st.st_size != size)
		return "memfd of another size than its frame says";
	*map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (*map == MAP_FAILED)
		return "memfd that cannot be mapped";
	if (hash_sip(&bulk_key, *map, size) == checksum)
		return NULL;
	munmap(*map, size);
	return "memfd of another checksum than its frame says";
}
