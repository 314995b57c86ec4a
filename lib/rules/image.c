#include "rules/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/put.h"

#define WORD_SIZE 4u

static const struct {
	size_t   item_size;
	uint32_t count_max;
} sections[IMAGE_SECTION_COUNT] = {
	[IMAGE_rule] = {sizeof(struct image_rule), RULES_MAX},
	[IMAGE_test] = {sizeof(struct image_test), 16u * RULES_BITS_MAX},
	[IMAGE_trigger] = {sizeof(struct image_trigger), 16u * RULES_BITS_MAX},
	[IMAGE_action] = {sizeof(struct image_action), 16u * RULES_MAX},
	[IMAGE_account] = {sizeof(struct image_account), RULES_BITS_MAX},
	[IMAGE_fact] = {sizeof(struct image_fact), RULES_FACTS_MAX},
	[IMAGE_tag] = {sizeof(struct image_tag), RULES_TAGS_MAX},
	[IMAGE_limit] = {sizeof(struct image_limit), RULES_LIMIT_RULES_MAX},
	[IMAGE_route] = {sizeof(struct image_route), RULES_MAX},
	[IMAGE_target] = {sizeof(struct image_target), RULES_TARGETS_MAX *RULES_MAX},
	[IMAGE_database] = {sizeof(struct image_database), RULES_DATABASES_MAX},
};

#define SECTION(name)                                                                              \
	static_assert(sizeof(struct image_##name) % WORD_SIZE == 0, "image_" #name ": words "      \
								    "only");
IMAGE_SECTIONS(SECTION)
#undef SECTION

/* Room for `more` items of `size` bytes beyond `used`, by doubling. */
static bool grow(void **items, uint32_t used, uint32_t *room, uint32_t more, size_t size)
{
	uint64_t want = (uint64_t)used + more;
	uint64_t next = *room > 0 ? *room : 64;
	void    *bigger;

	if (want <= *room)
		return true;
	while (next < want)
		next *= 2;
	if (next > UINT32_MAX)
		return false;
	bigger = realloc(*items, next * size);
	if (bigger == NULL)
		return false;
	*items = bigger;
	*room = (uint32_t)next;
	return true;
}

void *image_add(struct image *image, enum image_section section)
{
	struct image_table *table = &image->tables[section];
	size_t              size = sections[section].item_size;
	void               *items = table->words;
	uint8_t            *item;

	if (table->count >= sections[section].count_max ||
	    !grow(&items, table->count, &table->room, 1, size)) {
		image->failed = true;
		return NULL;
	}
	table->words = items;
	item = (uint8_t *)items + table->count++ * size;
	memset(item, 0, size);
	return item;
}

uint32_t image_name(struct image *image, struct str text)
{
	void    *names = image->names;
	uint32_t at = image->names_size;

	if (text.n >= IMAGE_SIZE_MAX ||
	    !grow(&names, at, &image->names_room, (uint32_t)text.n + 1, 1)) {
		image->failed = true;
		return 0;
	}
	image->names = names;
	if (text.n > 0)
		memcpy(image->names + at, text.p, text.n);
	image->names[at + text.n] = '\0';
	image->names_size += (uint32_t)text.n + 1;
	return at;
}

const char *image_name_at(const struct image *image, uint32_t name)
{
	ASSERT(name < image->names_size);
	return image->names + name;
}

uint64_t image_checksum(const uint8_t *bytes, size_t size)
{
	static const struct hash_key key = {0x72756c65732e696d, 0x6167652e63686563};

	return hash_sip(&key, bytes, size);
}

static uint64_t words_size(const struct image *image)
{
	uint64_t size = 0;

	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++)
		size += (uint64_t)image->tables[s].count * sections[s].item_size;
	return size;
}

#define HEADER_SIZE                                                                                \
	(8u + 4u + 8u + IMAGE_VERSION_SIZE + 4u + 8u + 4u + 4u * IMAGE_SECTION_COUNT + 4u)

static void write_header(struct put *w, const struct image *image, size_t size)
{
	char version[IMAGE_VERSION_SIZE] = "";

	str_copy(version, sizeof(version), str_of(hs_version()));
	put_be64(w, IMAGE_MAGIC);
	put_be32(w, IMAGE_FORMAT);
	put_be64(w, size);
	put_bytes(w, version, sizeof(version));
	put_be32(w, image->platform.tune);
	put_be64(w, image->platform.cpu_features);
	put_be32(w, image->bit_count);
	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++)
		put_be32(w, image->tables[s].count);
	put_be32(w, image->names_size);
}

uint8_t *image_write(const struct image *image, size_t *size)
{
	uint64_t total = HEADER_SIZE + words_size(image) + image->names_size + IMAGE_CHECKSUM_SIZE;
	uint8_t *bytes;
	struct put w;

	for (uint32_t d = 0; d < image_count(image, database); d++)
		total += image_items(image, database)[d].size;
	bytes = total <= IMAGE_SIZE_MAX ? malloc(total) : NULL;
	if (bytes == NULL)
		return NULL;
	w = put_to(bytes, total);
	write_header(&w, image, total);
	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++) {
		const struct image_table *table = &image->tables[s];

		for (size_t i = 0; i < table->count * (sections[s].item_size / WORD_SIZE); i++)
			put_be32(&w, table->words[i]);
	}
	put_bytes(&w, image->names, image->names_size);
	for (uint32_t d = 0; d < image_count(image, database); d++)
		put_bytes(&w, image->databases[d].p, cur_left(&image->databases[d]));
	put_be64(&w, image_checksum(bytes, put_size(&w)));
	ASSERT(!w.failed && put_room(&w) == 0);
	*size = total;
	return bytes;
}

/* The outer shell: is this an image, whole and unchanged, for this machine? Leaves the cursor
 * before bits. */
static bool read_shell(struct image *image, struct cur *in, char error[256])
{
	const uint8_t     *start = in->p;
	size_t             size = cur_left(in);
	struct cur         tail;
	const char        *version;
	hs_platform_info_t here;

	if (cur_be64(in) != IMAGE_MAGIC || size < HEADER_SIZE + IMAGE_CHECKSUM_SIZE) {
		snprintf(error, 256, "this is not an image of rules");
		return false;
	}
	tail = cur_of(start + size - IMAGE_CHECKSUM_SIZE, IMAGE_CHECKSUM_SIZE);
	if (cur_be32(in) != IMAGE_FORMAT) {
		snprintf(error, 256,
			 "the image has another format than %u; compile the rules again",
			 IMAGE_FORMAT);
		return false;
	}
	if (cur_be64(in) != size ||
	    cur_be64(&tail) != image_checksum(start, size - IMAGE_CHECKSUM_SIZE)) {
		snprintf(error, 256, "the image is damaged: its size or checksum is wrong");
		return false;
	}
	version = (const char *)cur_bytes(in, IMAGE_VERSION_SIZE);
	if (version == NULL || strncmp(version, hs_version(), IMAGE_VERSION_SIZE - 1) != 0) {
		snprintf(error, 256,
			 "the rules were compiled by another Hyperscan than %s; compile them again",
			 hs_version());
		return false;
	}
	image->platform.tune = cur_be32(in);
	image->platform.cpu_features = cur_be64(in);
	if (hs_populate_platform(&here) != HS_SUCCESS ||
	    (image->platform.cpu_features & ~here.cpu_features) != 0) {
		snprintf(error, 256,
			 "the rules were compiled for a processor with features 0x%llx, this one "
			 "has 0x%llx; compile them for this machine",
			 image->platform.cpu_features, here.cpu_features);
		return false;
	}
	in->end -= IMAGE_CHECKSUM_SIZE;
	return true;
}

static bool read_table(struct image_table *table, unsigned s, struct cur *in)
{
	size_t     words = table->count * (sections[s].item_size / WORD_SIZE);
	struct cur body = cur_sub(in, words * WORD_SIZE);

	if (body.failed)
		return false;
	table->words = malloc(words > 0 ? words * WORD_SIZE : 1);
	if (table->words == NULL)
		return false;
	table->room = table->count;
	for (size_t i = 0; i < words; i++)
		table->words[i] = cur_be32(&body);
	return true;
}

static bool read_names(struct image *image, struct cur *in)
{
	const uint8_t *names = cur_bytes(in, image->names_size);

	if (names == NULL || (image->names_size > 0 && names[image->names_size - 1] != '\0'))
		return false;
	image->names = malloc(image->names_size > 0 ? image->names_size : 1);
	if (image->names == NULL)
		return false;
	image->names_room = image->names_size;
	if (image->names_size > 0)
		memcpy(image->names, names, image->names_size);
	return true;
}

bool image_read(struct image *image, struct cur bytes, char error[256])
{
	struct cur in = bytes;

	memset(image, 0, sizeof(*image));
	if (!read_shell(image, &in, error))
		return false;
	snprintf(error, 256, "the image contradicts itself, or memory is short");
	image->bit_count = cur_be32(&in);
	if (image->bit_count > RULES_BITS_MAX)
		return false;
	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++) {
		uint32_t count = cur_be32(&in);

		if (count > sections[s].count_max)
			return false;
		image->tables[s].count = count;
	}
	image->names_size = cur_be32(&in);
	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++)
		if (!read_table(&image->tables[s], s, &in))
			return false;
	if (!read_names(image, &in))
		return false;
	for (uint32_t d = 0; d < image_count(image, database); d++)
		image->databases[d] = cur_sub(&in, image_items(image, database)[d].size);
	return !in.failed && cur_left(&in) == 0;
}

void image_free(struct image *image)
{
	for (unsigned s = 0; s < IMAGE_SECTION_COUNT; s++)
		free(image->tables[s].words);
	free(image->names);
	memset(image, 0, sizeof(*image));
}
