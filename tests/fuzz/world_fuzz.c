/*
 * What a damaged or malicious delta could hold: any bytes as a delta, and, because nearly all of
 * those die at the hash, any bytes as the operations of a delta whose frame is right. What is
 * accepted must be whole: its image makes the same world again.
 */
#include <stdlib.h>
#include <string.h>

#include "world/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER_SIZE 40u

/* The refusal names the checksum that the delta should have promised; promise it. */
static bool promised(const char *error, uint64_t *checksum)
{
	static const char words[] = "the world would have the checksum ";

	if (strncmp(error, words, sizeof(words) - 1) != 0)
		return false;
	*checksum = strtoull(error + sizeof(words) - 1, NULL, 16);
	return true;
}

static struct world_change *build(const struct world *from, const uint8_t *ops, size_t size,
				  uint64_t *checksum, char error[256])
{
	struct world_delta   d;
	struct world_change *c;

	world_delta_begin(&d, from != NULL ? from->version : 0,
			  from != NULL ? from->version + 1 : 1);
	d.bytes = realloc(d.bytes, d.size + size + 64);
	if (d.bytes == NULL)
		abort();
	d.room = d.size + size + 64;
	memcpy(d.bytes + d.size, ops, size);
	d.size += size;
	if (!world_delta_end(&d, *checksum))
		abort();
	c = world_change_build(from, cur_of(d.bytes, d.size), 1, error);
	world_delta_free(&d);
	return c;
}

static const struct world *apply(const struct world *from, const uint8_t *ops, size_t size)
{
	struct world_change *c;
	const struct world  *w;
	uint64_t             checksum = 0;
	char                 error[256] = "";

	c = build(from, ops, size, &checksum, error);
	if (c == NULL && promised(error, &checksum)) {
		c = build(from, ops, size, &checksum, error);
		if (c == NULL)
			abort();
	}
	if (c == NULL)
		return from;
	w = world_change_world(c);
	world_change_reclaim(c);
	return w;
}

static void check_image(const struct world *w)
{
	struct world_delta   image;
	struct world_change *c;
	char                 error[256];

	if (!world_to_image(w, &image))
		abort();
	c = world_change_build(NULL, cur_of(image.bytes, image.size), 1, error);
	if (c == NULL || world_change_world(c)->checksum != w->checksum)
		abort();
	world_change_abandon(c);
	world_delta_free(&image);
}

/* The first two bytes share the rest out to an image and a delta on top of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world_change *c;
	const struct world  *w;
	size_t               first;
	char                 error[256];

	c = world_change_build(NULL, cur_of(data, size), 1, error);
	if (c != NULL)
		world_change_abandon(c);
	if (size < 2)
		return 0;
	first = ((size_t)data[0] << 8 | data[1]) % (size - 1);
	w = apply(NULL, data + 2, first);
	if (w == NULL)
		return 0;
	w = apply(w, data + 2 + first, size - 2 - first);
	check_image(w);
	world_free(w);
	return 0;
}
