/*
 * The image of a rule set: tables of 32-bit words, a pool of names, serialised databases, and a
 * checksum over all. Control writes it, the dataplane reads it. Both sides hold it in the same
 * form, struct image.
 *
 * A condition is a list of tests. Each looks at one bit (a pattern that matched, the account, a
 * fact) and says which test of the same rule comes next, always a later one, or that the condition
 * holds or fails. A rule without tests always holds. A rule's triggers are bits of which at least
 * one is set whenever its condition holds; a rule without triggers must be tried for every message.
 *
 * All numbers are big-endian:
 *   magic 8, format 4, size of the whole 8, Hyperscan version 64, platform tune 4 and features 8,
 * bits 4, count of each section 4 each, size of the names 4, sections, names (each ended by a NUL),
 * databases one after the other, checksum 8.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hs/hs.h>

#include "base/cur.h"
#include "rules/rules.h"

#define IMAGE_MAGIC 0x43504d52554c4553ull /* "CPMRULES" */
#define IMAGE_FORMAT 2u
#define IMAGE_VERSION_SIZE 64u
#define IMAGE_CHECKSUM_SIZE 8u
#define IMAGE_SIZE_MAX (1024u * 1024u * 1024u)
#define IMAGE_TESTS_MAX 4096u /* of one rule */
#define IMAGE_NEXT_HOLDS 0xffffu
#define IMAGE_NEXT_FAILS 0xfffeu

#define RULES_MAX 65536u
#define RULES_BITS_MAX (1024u * 1024u)
#define RULES_TAGS_MAX 16u
#define RULES_FACTS_MAX 256u   /* a message is compared with each */
#define RULES_DATABASES_MAX 3u /* one a field: from, to, text */

enum action {
#define ACTION(key, kind, value, text) ACTION_##key,
#include "rules/actions.def"
#undef ACTION
	ACTION_COUNT
};

/* Members are 32-bit words only: a table is read and written word by word. A name is its offset in
 * the pool. */
struct image_rule {
	uint32_t name, test_count, trigger_count,
		action_count; /* the parts lie in the order of the rules */
};

struct image_test {
	uint32_t bit, next_if_set, next_if_not;
};

struct image_trigger {
	uint32_t bit;
};

struct image_action {
	uint32_t action;   /* enum action */
	uint32_t argument; /* reject: enum reason; route, tag, limit: index; rewrite_*: name; drop:
			      0 */
};

struct image_account {
	uint32_t name, bit;
};

/* Sets its bit where a field beside the texts is as it says: size and parts between low and high,
 * content, reached, device and identity with a bit of low. */
struct image_fact {
	uint32_t field, low, high, bit;
};

struct image_tag {
	uint32_t name;
};

struct image_limit {
	uint32_t name, rate;
};

struct image_route {
	uint32_t target_count;
};

struct image_target {
	uint32_t name;
};

struct image_database {
	uint32_t field, size; /* RULES_FIELD_; bytes */
};

#define IMAGE_SECTIONS(SECTION)                                                                    \
	SECTION(rule)                                                                              \
	SECTION(test)                                                                              \
	SECTION(trigger)                                                                           \
	SECTION(action)                                                                            \
	SECTION(account)                                                                           \
	SECTION(fact)                                                                              \
	SECTION(tag)                                                                               \
	SECTION(limit)                                                                             \
	SECTION(route)                                                                             \
	SECTION(target)                                                                            \
	SECTION(database)

enum image_section {
#define SECTION(name) IMAGE_##name,
	IMAGE_SECTIONS(SECTION)
#undef SECTION
		IMAGE_SECTION_COUNT
};

struct image_table {
	uint32_t *words;
	uint32_t  count, room; /* in items */
};

struct image {
	struct image_table tables[IMAGE_SECTION_COUNT];
	char              *names;
	uint32_t           names_size, names_room;
	uint32_t           bit_count;
	hs_platform_info_t platform;
	struct cur         databases[RULES_DATABASES_MAX]; /* lent */
	bool               failed; /* memory was short, or a limit was reached */
};

/* The items of a table, as an array of their type. */
#define image_items(image, section)                                                                \
	((struct image_##section *)(void *)(image)->tables[IMAGE_##section].words)
#define image_count(image, section) ((image)->tables[IMAGE_##section].count)

/* A new item at the end, zero; NULL and failed when memory is short. Valid until the next call. */
void *image_add(struct image *image, enum image_section section);
/* A copy of the text in the pool: its offset. */
uint32_t    image_name(struct image *image, struct str text);
const char *image_name_at(const struct image *image, uint32_t name);

/* The bytes of the image, which the caller frees; NULL when memory is short. */
uint8_t *image_write(const struct image *image, size_t *size);
/* Fills *image, whose databases are lent from the bytes. False: error says why. Free it either way.
 */
bool image_read(struct image *image, struct cur bytes, char error[256]);
void image_free(struct image *image);

/* Of everything before the last IMAGE_CHECKSUM_SIZE bytes. Against damage, not against malice. */
uint64_t image_checksum(const uint8_t *bytes, size_t size);
