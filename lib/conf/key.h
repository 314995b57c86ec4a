/*
 * keys.def as tables: what reading, printing, packing, help and manual pages iterate over. A key's
 * type is a struct conf_type: how a field of that type is read, packed and printed. Constant data
 * and pure functions; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/cur.h"
#include "base/put.h"
#include "conf/model.h"

enum conf_section {
	CONF_SECTION_cpm,
	CONF_SECTION_dataplane,
	CONF_SECTION_port,
	CONF_SECTION_listener,
	CONF_SECTION_stir,
	CONF_SECTION_certificate,
	CONF_SECTION_control,
	CONF_SECTION_account,
	CONF_SECTION_peer,
	CONF_SECTION_route,
	CONF_SECTION_rule,
	CONF_SECTION_subscriber,
	CONF_SECTION_fault,
	CONF_SECTION_COUNT
};

enum conf_when { CONF_LIVE, CONF_RESTART };

struct conf_type;

#define CONF_REQUIRED "\1"

struct conf_key {
	const char *name, *default_text,
		*help; /* default_text NULL: empty; CONF_REQUIRED: must be given */
	const char             *protocols; /* that have it, with spaces between; NULL: all */
	const struct conf_type *type;
	size_t                  offset, size; /* of the field in its structure */
	uint64_t                min, max;     /* what they limit depends on the type; keys.def */
	enum conf_section       section;
	enum conf_when          when;
};

static inline bool conf_key_required(const struct conf_key *key)
{
	return key->default_text != NULL && key->default_text[0] == CONF_REQUIRED[0];
}

/* The keys of a section, in the order of keys.def. */
const struct conf_key *conf_keys(enum conf_section section, unsigned *n);
const struct conf_key *conf_key_find(enum conf_section section, struct str name); /* NULL: none */
const char            *conf_section_name(enum conf_section section);
enum conf_section      conf_kind_section(enum conf_kind kind);

struct conf_node;    /* node.h: a value as it was written */
struct conf_reading; /* node.h: where faults go */

struct conf_type {
	const char        *name;  /* the word of keys.def */
	const char *const *words; /* ENUM and SET types: what may be written, ended by NULL */
	uint8_t            first; /* ENUM types: the number of the first word; SET types: its bit */

	/* From what was written; false after a fault, and the field is as it was. */
	bool (*read)(const struct conf_key *key, void *field, const struct conf_node *node,
		     struct conf_reading *r);
	void (*pack)(const struct conf_key *key, const void *field, struct put *to);
	bool (*unpack)(const struct conf_key *key, struct cur *from,
		       void *field); /* into a zeroed field */
	json_t *(*print)(const struct conf_key *key, const void *field);
	bool (*given)(const void *field); /* NULL: it always has a value */
	void (*clear)(void *field);       /* NULL: it owns nothing */
};

/* What may be written for an ENUM key, ended by NULL; for ENUM_PROTOCOL what conf_protocols_set()
 * was given, for ENUM_LOGIN those of them that have accounts; and for a list of REACH or a SET.
 * NULL: none of these. */
const char *const *conf_key_words(const struct conf_key *key);

/* Does the object's protocol have this key? True where its section knows no protocols. */
bool conf_key_applies(const struct conf_key *key, const void *object);
/* "sip and xmpp": the protocols that alone have it; empty: all do. */
void conf_key_protocols(const struct conf_key *key, char *room, size_t size);

/* "1 to 65535", "up to 15 characters", "one of a, b or c": what would be right. */
void conf_key_range(const struct conf_key *key, char *room, size_t size);

static inline void *conf_field(const struct conf_key *key, void *object)
{
	return (uint8_t *)object + key->offset;
}

static inline const void *conf_field_read(const struct conf_key *key, const void *object)
{
	return (const uint8_t *)object + key->offset;
}

/* The types, one for each word of keys.def. */
#define CONF_TYPES(X)                                                                              \
	X(NAME)                                                                                    \
	X(TEXT)                                                                                    \
	X(TARGET)                                                                                  \
	X(DESTINATION)                                                                             \
	X(HOST)                                                                                    \
	X(UINT)                                                                                    \
	X(BOOL)                                                                                    \
	X(SECRET)                                                                                  \
	X(LIST)                                                                                    \
	X(PATTERNS)                                                                                \
	X(ADDRESS)                                                                                 \
	X(PREFIXES)                                                                                \
	X(VIA)                                                                                     \
	X(TREE)                                                                                    \
	X(ENUM_PROTOCOL)                                                                           \
	X(ENUM_LOGIN)                                                                              \
	X(ENUM_HUGEPAGES)                                                                          \
	X(ENUM_IDLE)                                                                               \
	X(ENUM_BIND)                                                                               \
	X(ENUM_MODE)                                                                               \
	X(ENUM_ALPHABET)                                                                           \
	X(ENUM_IDS)                                                                                \
	X(ENUM_BODY)                                                                               \
	X(ENUM_LARGE)                                                                              \
	X(ENUM_FAULT)                                                                              \
	X(ENUM_TRANSPORT)                                                                          \
	X(ENUM_AUTHENTICATION)                                                                     \
	X(SET_TRANSPORT)                                                                           \
	X(SET_LANGUAGE)                                                                            \
	X(SET_IDENTITY)                                                                            \
	X(ENUM_ATTEST)                                                                             \
	X(DOMAINS)                                                                                 \
	X(NUMBER)                                                                                  \
	X(AOR_SIP)                                                                                 \
	X(AOR_XMPP)                                                                                \
	X(REACH)                                                                                   \
	X(SERVERS)                                                                                 \
	X(DOMAIN)                                                                                  \
	X(ENUM_LINK)
#define X(type) extern const struct conf_type conf_type_##type;
CONF_TYPES(X)
#undef X
