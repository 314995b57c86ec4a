#include "corpus.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/put.h"

#define STEPS_SIZE 4096u

/* The first bytes of an input of tcp_fuzz.c: how far the connection is led, and what it has. */
enum { LEAD_CONNECT = 0, LEAD_LISTEN = 1, HOW_TIMESTAMPS = 1, HOW_COOKIES = 8 };
/* Its steps. */
enum {
	STEP_SEGMENT = 0,
	STEP_TIME = 4,
	STEP_WRITE = 5,
	STEP_CONSUME = 6,
	STEP_CLOSING = 7,
	STEP_ABORTING = 0xff
};
enum { OPTIONS_TIMESTAMP = 0, OPTIONS_RAW = 1, OPTIONS_NONE = 2 };

struct corpus {
	const char *folder;
	char        name[256];
	unsigned    frames;
	uint8_t     bytes[STEPS_SIZE];
	struct put  steps;
	uint32_t    seq, ack; /* as tcp_fuzz.c sees them: expected next, and said last */
	uint64_t    at_us;
	bool        usable; /* begins as tcp_fuzz.c can begin */
	struct ears ears;
};

static void file_write(const struct corpus *c, const char *target, const char *suffix,
		       const uint8_t *bytes, size_t size)
{
	char  path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s%s", c->folder, target, c->name, suffix);
	file = fopen(path, "we");
	if (file == NULL)
		return;
	fwrite(bytes, 1, size, file);
	fclose(file);
}

static void time_pass(struct corpus *c, const struct device *d)
{
	uint64_t passed_us = c->at_us != 0 ? d->now.us - c->at_us : 0;
	unsigned shift = 0;

	if (c->at_us == 0)
		c->seq = d->flows[1].peer_isn;
	c->at_us = d->now.us;
	if (passed_us == 0)
		return;
	while (passed_us >> shift > UINT16_MAX && shift < 15)
		shift++;
	put_u8(&c->steps, (uint8_t)(STEP_TIME | shift << 4));
	put_be16(&c->steps,
		 (uint16_t)(passed_us >> shift > UINT16_MAX ? UINT16_MAX : passed_us >> shift));
}

struct header {
	uint16_t   from, to, window;
	uint32_t   seq, ack, len;
	uint8_t    flags;
	struct cur options;
};

/* false: not TCP, or not whole. */
static bool header_read(const uint8_t *bytes, size_t size, struct header *h)
{
	bool       ip6 = size > 14 && bytes[14] >> 4 == 6;
	size_t     start = 14 + (ip6 ? 40u : size > 14 ? (bytes[14] & 15) * 4u : 20u);
	struct cur c = cur_of(bytes, size);
	uint16_t   offset_flags;

	cur_bytes(&c, start);
	h->len = (uint32_t)cur_left(&c);
	h->from = cur_be16(&c);
	h->to = cur_be16(&c);
	h->seq = cur_be32(&c);
	h->ack = cur_be32(&c);
	offset_flags = cur_be16(&c);
	h->window = cur_be16(&c);
	cur_be32(&c);
	h->flags = (uint8_t)offset_flags;
	if (c.failed || bytes[ip6 ? 20 : 23] != 6 || offset_flags >> 12 < 5)
		return false;
	h->options = cur_sub(&c, (offset_flags >> 12) * 4u - 20);
	h->len = (uint32_t)cur_left(&c);
	return !c.failed;
}

static void options_write(struct corpus *c, struct cur options)
{
	size_t n = cur_left(&options);

	if (n == 0 || n > 31 || (n == 12 && options.p[2] == 8)) {
		put_u8(&c->steps, n == 0 ? OPTIONS_NONE : OPTIONS_TIMESTAMP);
		return;
	}
	put_u8(&c->steps, (uint8_t)(OPTIONS_RAW | n << 2));
	put_bytes(&c->steps, options.p, n);
}

static void heard_in(void *context, const struct device *d, const uint8_t *bytes, size_t size)
{
	struct corpus *c = context;
	struct header  h;
	char           suffix[32];

	snprintf(suffix, sizeof(suffix), "-%s-%u", d->traits & TRAIT_IP6 ? "6" : "4", c->frames++);
	file_write(c, "net", suffix, bytes, size);
	if (!header_read(bytes, size, &h) || (h.from != d->flows[1].peer_port))
		return;
	time_pass(c, d);
	put_u8(&c->steps, STEP_SEGMENT);
	put_u8(&c->steps, h.flags);
	put_be16(&c->steps, (uint16_t)(h.seq - c->seq));
	put_be16(&c->steps, (uint16_t)(h.ack - c->ack));
	put_be16(&c->steps, (uint16_t)h.len);
	options_write(c, h.options);
	put_be16(&c->steps, h.window);
}

/* Keeps the numbers as tcp_fuzz.c keeps them. */
static void heard_out(void *context, const struct device *d, const uint8_t *bytes, size_t size)
{
	struct corpus *c = context;
	struct header  h;

	if (!header_read(bytes, size, &h) || h.to != d->flows[1].peer_port || h.flags & RST)
		return;
	c->ack = h.seq + h.len + ((h.flags & (SYN | FIN)) != 0);
	if (h.flags & ACK)
		c->seq = h.ack;
}

static void heard_step(void *context, const struct device *d, const struct step *step, int64_t n)
{
	struct corpus *c = context;

	if (step->flow != 1)
		return;
	time_pass(c, d);
	switch (step->kind) {
	case STEP_LISTEN:
		c->bytes[0] = LEAD_LISTEN;
		c->usable = true;
		break;
	case STEP_CONNECT:
		c->bytes[0] = LEAD_CONNECT;
		c->usable = true;
		break;
	case STEP_SEND:
	case STEP_READ:
		put_u8(&c->steps, step->kind == STEP_SEND ? STEP_WRITE : STEP_CONSUME | 8);
		put_be16(&c->steps, (uint16_t)n);
		break;
	case STEP_CLOSE:
		put_u8(&c->steps, STEP_CLOSING);
		break;
	case STEP_ABORT:
		put_u8(&c->steps, STEP_ABORTING);
		break;
	default:
		break;
	}
}

struct corpus *corpus_new(const char *folder)
{
	struct corpus *c = calloc(1, sizeof(*c));
	char           path[1024];

	c->folder = folder;
	c->ears = (struct ears){heard_in, heard_out, heard_step, c};
	mkdir(folder, 0777);
	snprintf(path, sizeof(path), "%s/net", folder);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/tcp", folder);
	if (mkdir(path, 0777) < 0 && access(path, W_OK) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void corpus_free(struct corpus *corpus)
{
	free(corpus);
}

void corpus_begin(struct corpus *c, struct device *d, const struct script *script, uint32_t traits)
{
	const char *name = strrchr(script->path, '/');

	snprintf(c->name, sizeof(c->name), "%s", name != NULL ? name + 1 : script->path);
	name = strrchr(c->name, '.');
	if (name != NULL)
		c->name[name - c->name] = 0;
	c->frames = 0;
	c->usable = false;
	c->steps = put_to(c->bytes, sizeof(c->bytes));
	put_u8(&c->steps, 0);
	put_u8(&c->steps, (uint8_t)((traits & TRAIT_TIMESTAMPS ? HOW_TIMESTAMPS : 0) |
				    (script->config.cookies_always ? HOW_COOKIES : 0)));
	c->at_us = 0;
	c->ack = 0;
	d->ears = &c->ears;
}

void corpus_end(struct corpus *c, struct device *d)
{
	if (c->usable)
		file_write(c, "tcp", "", c->bytes, put_size(&c->steps));
	d->ears = NULL;
}
