/*
 * JSON (RFC 8259) as PASSporTs have it, read strictly by pulling: no tree, no memory but the room
 * for texts whose escapes are undone. A fault is sticky: every later call gives nothing, so that a
 * reader is a list of calls and one test at the end. Values and depth are limited. Pure; any
 * thread.
 *
 * if (stir_json_enter(&j, '{'))
 *	while (stir_json_next(&j, '}')) {
 *		struct str name = stir_json_name(&j);
 *		... one value: stir_json_text(), stir_json_number(), stir_json_skip(), or a loop
 *	}
 */
#pragma once

#include "base/cur.h"
#include "base/put.h"

#define STIR_JSON_DEPTH_MAX 8u
#define STIR_JSON_VALUES_MAX 128u

struct stir_json {
	struct cur  in; /* ->failed: it is no such document */
	struct put *room;
	unsigned    depth, values;
	uint8_t     first; /* a bit a level: nothing was read there yet */
};

/* The room takes at most as many bytes as the document has. */
void       stir_json_open(struct stir_json *j, struct cur in, struct put *room);
bool       stir_json_enter(struct stir_json *j, char open);
bool       stir_json_next(struct stir_json *j, char close);
struct str stir_json_name(struct stir_json *j); /* of a member, and its colon */
struct str stir_json_text(struct stir_json *j);
uint64_t   stir_json_number(struct stir_json *j); /* an integer of at most 15 digits, no sign */
void       stir_json_skip(struct stir_json *j);   /* any value */
/* Nothing but white space follows, and all was right. */
bool stir_json_end(struct stir_json *j);
