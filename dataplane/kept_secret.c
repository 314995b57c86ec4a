#include "kept_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"

static int secret_read(const char *path, uint8_t secret[PROTO_KEPT_SECRET_SIZE])
{
	int     fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, secret, PROTO_KEPT_SECRET_SIZE);
	close(fd);
	return n == PROTO_KEPT_SECRET_SIZE ? 0 : -EBADMSG;
}

/* By rename, so that it is there whole or not at all. */
static int secret_write(const char *path, const uint8_t secret[PROTO_KEPT_SECRET_SIZE])
{
	char temporary[160];
	int  fd, err = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, secret, PROTO_KEPT_SECRET_SIZE) != PROTO_KEPT_SECRET_SIZE || fsync(fd) < 0)
		err = errno != 0 ? -errno : -EIO;
	close(fd);
	if (err == 0 && rename(temporary, path) < 0)
		err = -errno;
	return err;
}

int kept_secret_open(const char *state_dir, uint8_t secret[PROTO_KEPT_SECRET_SIZE])
{
	char path[128];
	int  err;

	snprintf(path, sizeof(path), "%s/dataplane.key", state_dir);
	err = secret_read(path, secret);
	if (err == 0)
		return 0;
	if (getrandom(secret, PROTO_KEPT_SECRET_SIZE, 0) != PROTO_KEPT_SECRET_SIZE)
		return -errno;
	if (err == -ENOENT || err == -EBADMSG)
		err = secret_write(path, secret);
	if (err < 0)
		log_error("secret.not_kept", "file=%s error=%s", path, strerror(-err));
	return 0;
}
