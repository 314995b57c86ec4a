/*
 * The user data header: parts of a long message, ports, national language tables
 * (TS 23.040, 9.2.3.24). Received bytes are bounded by their own lengths; nothing is read past the
 * end. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/msg.h"
#include "msg/text.h"

#define CONCAT_UDH_SIZE_MAX 19u /* of what concat_build() writes */

struct concat_udh {
	uint8_t            size;   /* bytes of header, its length byte included */
	struct msg_concat  concat; /* parts == 0: not a part */
	bool               wide;   /* the reference has 16 bits */
	bool               has_ports;
	bool               wide_ports;
	uint16_t           port_to, port_from;
	struct text_tables tables;
};

/*
 * Reads the header at the start of a body of n bytes. False, and *udh all zero, when the length
 * byte is missing or says more than there is, or when an element runs past the header: then the
 * whole header means nothing. An element whose own content is impossible (part 0 of 3, a wrong
 * length) is passed over; of two alike the last counts.
 */
bool concat_parse(const uint8_t *body, size_t n, struct concat_udh *udh);

/*
 * The text of a record's body as UTF-8, in room; its user data header is no part of it, but says in
 * which tables it is. gathered: for a body of body.size bytes, at least udh_size of them. What does
 * not fit into the room (TEXT_UTF8_SIZE) is left out.
 */
struct str concat_text(const struct msg *m, uint8_t *gathered, char *room, size_t room_size);

/* Writes the header that *udh describes (its size is ignored) and returns its bytes; 0: nothing to
 * say, so no header. */
size_t concat_build(const struct concat_udh *udh, uint8_t room[CONCAT_UDH_SIZE_MAX]);
