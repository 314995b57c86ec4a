#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/put.h"

#define ROOM_SIZE (1u << 20)
#define LINE_SIZE_MAX 1024u

bool record_open(struct record *r, const char *path)
{
	*r = (struct record){.fd = -1};
	if (path == NULL)
		return true;
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r->room = malloc(ROOM_SIZE);
	return r->fd >= 0 && r->room != NULL;
}

static void flush(struct record *r)
{
	for (size_t at = 0; at < r->used && !r->failed;) {
		ssize_t n = write(r->fd, r->room + at, r->used - at);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			r->failed = true;
	}
	r->used = 0;
}

bool record_close(struct record *r)
{
	bool ok = true;

	if (r->fd >= 0) {
		flush(r);
		ok = close(r->fd) == 0 && !r->failed;
		free(r->room);
		r->fd = -1;
	}
	return ok;
}

static struct put line_begin(struct record *r)
{
	if (ROOM_SIZE - r->used < LINE_SIZE_MAX)
		flush(r);
	return put_to(r->room + r->used, LINE_SIZE_MAX);
}

static void line_end(struct record *r, struct put *w)
{
	put_u8(w, '\n');
	if (!w->failed)
		r->used += put_size(w);
}

static void hex(struct put *w, uint64_t v, unsigned digits)
{
	uint8_t *to = put_reserve(w, digits + 1);

	if (to == NULL)
		return;
	to[0] = ' ';
	for (unsigned i = digits; i > 0; i--, v >>= 4)
		to[i] = (uint8_t) "0123456789abcdef"[v & 15];
}

static void decimal(struct put *w, uint64_t v)
{
	char   digits[21];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	digits[--at] = ' ';
	put_bytes(w, digits + at, sizeof(digits) - at);
}

/* A field that a stranger chose: what would break the line becomes a dot. */
static void text(struct put *w, struct str s)
{
	put_u8(w, ' ');
	if (s.n == 0)
		put_u8(w, '-');
	for (size_t i = 0; i < s.n && i < 255; i++)
		put_u8(w, s.p[i] > ' ' && s.p[i] < 0x7f ? (uint8_t)s.p[i] : '.');
}

static void line_head(struct put *w, char kind, const struct record_line *line)
{
	put_u8(w, (uint8_t)kind);
	if (line->marked)
		hex(w, line->key, 12);
	else
		text(w, STR(""));
	decimal(w, line->session);
	text(w, line->to);
	text(w, line->from);
	if (line->answered)
		hex(w, line->status, 8);
	else
		text(w, STR("none"));
}

void record_sent(struct record *r, const struct record_line *line)
{
	struct put w;

	if (r->fd < 0)
		return;
	w = line_begin(r);
	line_head(&w, 'S', line);
	text(&w, line->remote_id);
	decimal(&w, line->sent_us);
	decimal(&w, line->us);
	line_end(r, &w);
}

void record_received(struct record *r, const struct record_line *line)
{
	struct put w;

	if (r->fd < 0)
		return;
	w = line_begin(r);
	line_head(&w, 'R', line);
	text(&w, str_of(line->fault));
	text(&w, line->remote_id);
	text(&w, line->intact ? STR("intact") : STR("changed"));
	decimal(&w, line->us);
	line_end(r, &w);
}

void record_receipt(struct record *r, struct str remote_id, struct str state, uint32_t session,
		    uint64_t us)
{
	struct put w;

	if (r->fd < 0)
		return;
	w = line_begin(r);
	put_u8(&w, 'D');
	text(&w, remote_id);
	text(&w, state);
	decimal(&w, session);
	decimal(&w, us);
	line_end(r, &w);
}
