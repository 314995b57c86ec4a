#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"

#include "worker.h"

#define MAGIC 0x434f4e4e53313031ull /* "CONNS101": another layout is another number */
#define HEADER_SIZE 64u
#define LINES_MAX (1u << 27)
#define LEFT_MIN 65536u /* of a predecessor that had more workers or connections */
#define RESETS_A_TURN 64u
#define RESETS_A_MS 200u /* so that no switch on the way drops them */
/* A next hop that does not answer is left alone; IPv6 addresses are not ours in the first second.
 */
#define TRY_MAX_US (3 * US_PER_SECOND)
#define GIVEN_UP_A_TURN 4096u

struct header {
	uint64_t magic;
	uint32_t line_size, lines, workers;
	uint32_t left; /* lines behind those of the workers: inherited, and not reset yet */
	uint32_t check;
};

static uint32_t header_check(const struct header *h)
{
	return (uint32_t)hash_mix(h->magic ^ hash_mix((uint64_t)h->line_size << 32 | h->lines) ^
				  hash_mix((uint64_t)h->left << 32 | h->workers));
}

static uint64_t lines_all(const struct header *h)
{
	return (uint64_t)h->lines * h->workers + h->left;
}

/* NULL when it holds, else what is wrong. */
static const char *header_wrong(const struct header *h, size_t size)
{
	uint64_t lines = lines_all(h);

	if (h->magic != MAGIC || h->line_size != sizeof(struct tcp_ledger_line))
		return "it is of another build, or no ledger";
	if (h->check != header_check(h))
		return "its head is damaged";
	if (lines > LINES_MAX || size != HEADER_SIZE + lines * sizeof(struct tcp_ledger_line))
		return "its size is wrong";
	return NULL;
}

const char *ledger_take(struct ledger *l, const void *map, size_t size)
{
	struct header h;
	const char   *wrong;
	uint32_t      n;

	if (size < HEADER_SIZE)
		return "it is too short";
	memcpy(&h, map, sizeof(h));
	wrong = header_wrong(&h, size);
	if (wrong != NULL)
		return wrong;
	n = (uint32_t)lines_all(&h);
	l->inherited = l->inherited_memory = calloc(n + 1u, sizeof(*l->inherited));
	if (l->inherited == NULL)
		return "there is no memory";
	l->inherited_count = tcp_ledger_read(
		(const struct tcp_ledger_line *)(const void *)((const char *)map + HEADER_SIZE), n,
		l->inherited);
	return NULL;
}

static const char *take_file(struct ledger *l, int fd)
{
	struct stat st;
	const char *wrong;
	void       *map;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return "it is not ours";
	if ((size_t)st.st_size < HEADER_SIZE)
		return "it is too short";
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return strerror(errno);
	wrong = ledger_take(l, map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return wrong;
}

static void inherit(struct ledger *l)
{
	int         fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *wrong;

	if (fd < 0 && errno == ENOENT)
		return;
	wrong = fd < 0 ? strerror(errno) : take_file(l, fd);
	if (wrong != NULL)
		log_warn("ledger.refused", "file=%s why=\"%s\"", l->path, wrong);
	else
		log_info("ledger.inherited", "connections=%u", l->inherited_count);
	if (fd >= 0)
		close(fd);
}

/* Its memory is there before it is used: a full file system would kill us at a store. */
static int make(struct ledger *l, int fd, unsigned workers)
{
	struct header h = {.magic = MAGIC,
			   .line_size = sizeof(struct tcp_ledger_line),
			   .lines = l->lines,
			   .workers = workers,
			   .left = l->inherited_count};
	int           err = posix_fallocate(fd, 0, (off_t)l->size);
	void         *map;

	if (err != 0)
		return -err;
	map = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	h.check = header_check(&h);
	memcpy(map, &h, sizeof(h));
	l->map = map;
	if (h.left > 0)
		memcpy(ledger_of(l, workers), l->inherited, h.left * sizeof(*l->inherited));
	return 0;
}

/* No more than a reader takes, nor than one generation may leave: with one next hop that is silent
 * for ever each would leave more. The newest come first. */
static void bound(struct ledger *l, unsigned workers)
{
	uint64_t own = (uint64_t)workers * l->lines, most = own > LEFT_MIN ? own : LEFT_MIN;

	if (most > LINES_MAX - own)
		most = LINES_MAX - own;
	if (l->inherited_count > most)
		l->inherited_count = (uint32_t)most;
	l->size = HEADER_SIZE + (own + l->inherited_count) * sizeof(struct tcp_ledger_line);
}

static int replace(struct ledger *l, unsigned workers)
{
	char fresh[sizeof(l->path) + 8];
	int  fd, err;

	snprintf(fresh, sizeof(fresh), "%s.new", l->path);
	unlink(fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = make(l, fd, workers);
	close(fd);
	if (err == 0 && rename(fresh, l->path) < 0)
		err = -errno;
	if (err < 0)
		unlink(fresh);
	return err;
}

void ledger_open(struct ledger *l, const char *run_dir, unsigned workers, uint32_t connections_max)
{
	int err;

	*l = (struct ledger){.lines = connections_max};
	snprintf(l->path, sizeof(l->path), "%s/connections", run_dir);
	inherit(l);
	bound(l, workers);
	err = replace(l, workers);
	if (err == 0) { /* from here on the lines are taken in the file, one by one */
		free(l->inherited_memory);
		l->inherited_memory = NULL;
		l->inherited = ledger_of(l, workers);
		return;
	}
	log_warn("ledger.failed", "file=%s why=\"%s\"", l->path, strerror(-err));
	if (l->map != NULL)
		munmap(l->map, l->size);
	l->map = NULL;
}

void ledger_close(struct ledger *l)
{
	if (l->map != NULL) {
		munmap(l->map, l->size);
		unlink(l->path);
	}
	free(l->inherited_memory);
	*l = (struct ledger){0};
}

struct tcp_ledger_line *ledger_of(const struct ledger *l, unsigned worker)
{
	struct tcp_ledger_line *lines;

	if (l == NULL || l->map == NULL)
		return NULL;
	lines = (struct tcp_ledger_line *)(void *)((char *)l->map + HEADER_SIZE);
	return lines + (size_t)worker * l->lines;
}

void inheritance_init(struct inheritance *i, const struct ledger *l, unsigned worker,
		      unsigned workers)
{
	uint64_t count = l != NULL ? l->inherited_count : 0;
	uint32_t from = (uint32_t)(count * worker / workers);

	*i = (struct inheritance){0};
	i->count = (uint32_t)(count * (worker + 1) / workers) - from;
	if (i->count > 0)
		i->lines = l->inherited + from;
}

/* It is settled. Release: a copy of it that is to be tried again is whole before. */
static void settle(struct tcp_ledger_line *line)
{
	__atomic_store_n(&line->check, 0, __ATOMIC_RELEASE);
}

/* To the front, where it is tried again: killed meanwhile, its successor finds one of the two. */
static void keep(struct inheritance *i, struct tcp_ledger_line *line)
{
	struct tcp_ledger_line *to = &i->lines[i->kept++];

	if (to == line)
		return;
	*to = *line;
	settle(line);
}

static void give_up(struct inheritance *i)
{
	for (unsigned n = 0; n < GIVEN_UP_A_TURN && i->count > 0; n++)
		settle(&i->lines[--i->count]);
	if (i->count == 0)
		i->lines = NULL;
}

bool inheritance_turn(struct worker *w)
{
	struct inheritance *i = &w->inheritance;
	uint64_t            allowed;

	if (i->lines == NULL)
		return false;
	if (i->begun_us == 0) {
		i->begun_us = w->now.us;
		i->until_us = w->now.us + TRY_MAX_US + i->count / RESETS_A_MS * US_PER_MS;
	}
	if (w->now.us > i->until_us) {
		give_up(i);
		return i->lines != NULL;
	}
	allowed = (w->now.us - i->begun_us) / US_PER_MS * RESETS_A_MS + RESETS_A_TURN;
	for (unsigned n = 0; n < RESETS_A_TURN && i->next < i->count && i->reset < allowed; n++) {
		struct tcp_ledger_line *line = &i->lines[i->next++];

		switch (tcp_ledger_reset(w->tcp, w->now, line)) {
		case TCP_LEDGER_RESET:
			i->reset++;
			settle(line);
			break;
		case TCP_LEDGER_LATER:
			keep(i, line);
			break;
		case TCP_LEDGER_NO_ROUTE:
			settle(line);
			break;
		}
	}
	if (i->next == i->count) { /* once more for those whose next hop was not known */
		i->count = i->kept;
		i->next = i->kept = 0;
	}
	if (i->count == 0)
		i->lines = NULL;
	return i->lines != NULL;
}
