/*
 * Reading and printing configuration: cpm.yaml, apply files, objects of the API, and the packed
 * form that the channel and the world's image carry. All of it from keys.def. Every fault is
 * reported, not only the first, with file, line, key and remedy. Control path (allocates); any
 * thread, no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/cur.h"
#include "base/put.h"
#include "base/str.h"
#include "conf/model.h"

/* What is wrong, gathered: each "FILE:LINE: key: what is wrong, what would be right". */
struct conf_faults {
	unsigned n;
	char   **lines; /* owned */
};

void conf_fault(struct conf_faults *f, const char *file, unsigned line, const char *key,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
void conf_faults_free(struct conf_faults *f);

/* By what those are configured who log in, register or send in a protocol. */
enum conf_users {
	CONF_ACCOUNTS = 1,
	CONF_SUBSCRIBERS = 2,
	CONF_ACCOUNTS_AND_SUBSCRIBERS = CONF_ACCOUNTS | CONF_SUBSCRIBERS
};

struct conf_protocol {
	const char *name;
	uint8_t     transports; /* bits of enum transport that it can be spoken on */
	const char *service;    /* of its names in DNS, "sip"; NULL: they lead to addresses only */
	uint16_t    port;       /* its usual one */
	uint8_t     users;      /* enum conf_users */
};

/*
 * Which protocols may be named, by their index in protocols.def; lent for good. Once, when the
 * program starts, before anything is read or printed; what only packs and unpacks does without.
 */
void conf_protocols_set(const struct conf_protocol protocols[], unsigned n);

/* The names of those that subscribers register in, by their index; NULL in the place of others and
 * behind the last: CONF_PROTOCOLS_MAX of them. */
#define CONF_PROTOCOLS_MAX 64u
const char *const *conf_reached_protocols(void);

/* The service of a protocol as it was set; NULL: it has none, or there is no such protocol. */
const char *conf_protocol_service(unsigned protocol);

/* Read cpm.yaml. 0, or -EINVAL with faults, or -errno of reading it. The caller frees with
 * conf_file_free(). */
int  conf_file_read(const char *path, struct conf_file **file, struct conf_faults *faults);
int  conf_file_parse(const char *name, const char *text, size_t n, struct conf_file **file,
		     struct conf_faults *faults);
void conf_file_free(struct conf_file *file);

/* One apply file: objects by kind, in the order of the file, each with the line where it begins. */
struct conf_set {
	struct conf_objects {
		uint32_t  n;
		void    **objects; /* struct conf_account * ..., owned */
		uint32_t *lines;
	} kinds[CONF_KIND_COUNT];
};

int  conf_set_read(const char *file_name, const char *text, size_t n, struct conf_set *set,
		   struct conf_faults *faults);
void conf_set_free(struct conf_set *set);

/* One live object. */
const char *conf_kind_name(enum conf_kind kind);   /* "account" */
const char *conf_kind_plural(enum conf_kind kind); /* "accounts", as apply files and lists say */
size_t      conf_object_size(enum conf_kind kind);
void       *conf_object_new(enum conf_kind kind); /* all defaults; NULL when memory is short */
void        conf_object_free(enum conf_kind kind, void *object);
/* What names it among its kind: its first key, the name; for a route "TO PRIORITY". Written to
 * room. */
void conf_object_id(enum conf_kind kind, const void *object, char room[128]);

/* A route's destination in the one form in which it is kept: scheme and domain in lower case.
 * False: it is none, or too long. */
bool conf_destination(struct str written, char normal[CONF_TO_SIZE]);

/* Set keys from a JSON object, as the API gives it ({"window": 500}); unknown keys and bad values
 * become faults of `where`. */
int conf_object_from_json(enum conf_kind kind, void *object, const json_t *json, const char *where,
			  struct conf_faults *faults);
json_t *conf_object_to_json(enum conf_kind kind,
			    const void    *object); /* secrets as "set" or ""; caller owns */

/* What `cpmctl port fault` asks for: its keys from a JSON object, the others at their defaults. 0,
 * or -EINVAL with faults. */
int conf_fault_from_json(struct conf_fault *fault, const json_t *json, const char *where,
			 struct conf_faults *faults);

/* Faults for required keys without a value: false when there are any. For objects that are put
 * together key by key. */
bool conf_object_complete(enum conf_kind kind, const void *object, const char *where,
			  struct conf_faults *faults);

/* Binary form: every field in the order of keys.def. false: no room, or bytes that are no such
 * object. Secrets travel in the form that they have. */
bool conf_object_pack(enum conf_kind kind, const void *object, struct put *to);
bool conf_object_unpack(enum conf_kind kind, struct cur *from,
			void *object); /* into conf_object_new()'s */
