#include "sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static int lease_write(const struct sequence *s, uint64_t end)
{
	char temporary[160], text[32];
	int  n = snprintf(text, sizeof(text), "%" PRIu64 "\n", end), fd, err = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", s->path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n || fsync(fd) < 0)
		err = errno != 0 ? -errno : -EIO;
	close(fd);
	if (err == 0 && rename(temporary, s->path) < 0)
		err = -errno;
	if (err < 0)
		log_error("sequence.failed", "file=%s error=%s", s->path, strerror(-err));
	return err;
}

int sequence_begin(struct sequence *s, const char *state_dir)
{
	char  text[32] = "";
	FILE *f;

	snprintf(s->path, sizeof(s->path), "%s/sequence", state_dir);
	f = fopen(s->path, "re");
	if (f != NULL) {
		if (fgets(text, sizeof(text), f) == NULL)
			text[0] = '\0';
		fclose(f);
	} else if (errno != ENOENT) {
		log_error("sequence.failed", "file=%s error=%s", s->path, strerror(errno));
		return -1;
	}
	s->first = f != NULL ? strtoull(text, NULL, 10) : 1;
	if (s->first == 0) {
		log_error(
			"sequence.damaged",
			"file=%s: write a number into it that is above every sequence used before",
			s->path);
		return -1;
	}
	s->end = s->first + SEQUENCE_LEASE;
	return lease_write(s, s->end) < 0 ? -1 : 0;
}

bool sequence_extend(struct sequence *s, uint64_t used)
{
	if (used + SEQUENCE_LEASE / 2 < s->end || lease_write(s, s->end + SEQUENCE_LEASE) < 0)
		return false;
	s->end += SEQUENCE_LEASE;
	return true;
}
