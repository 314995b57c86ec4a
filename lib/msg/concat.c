#include "msg/concat.h"

#include "base/assert.h"
#include "base/cur.h"
#include "base/put.h"

/* Information element identifiers, TS 23.040, 9.2.3.24. */
enum {
	IE_CONCAT_8 = 0x00,
	IE_PORTS_8 = 0x04,
	IE_PORTS_16 = 0x05,
	IE_CONCAT_16 = 0x08,
	IE_SINGLE_SHIFT = 0x24,
	IE_LOCKING_SHIFT = 0x25
};

static void concat_element(struct cur *ie, bool wide, struct concat_udh *udh)
{
	uint16_t reference = wide ? cur_be16(ie) : cur_u8(ie);
	uint8_t  parts = cur_u8(ie), part = cur_u8(ie);

	if (ie->failed || cur_left(ie) > 0 || part == 0 || part > parts)
		return;
	udh->concat = (struct msg_concat){reference, part, parts, true};
	udh->wide = wide;
}

static void ports_element(struct cur *ie, bool wide, struct concat_udh *udh)
{
	uint16_t to = wide ? cur_be16(ie) : cur_u8(ie);
	uint16_t from = wide ? cur_be16(ie) : cur_u8(ie);

	if (ie->failed || cur_left(ie) > 0)
		return;
	udh->has_ports = true;
	udh->wide_ports = wide;
	udh->port_to = to;
	udh->port_from = from;
}

/* A language that has no table of this sort leaves the default one in force. */
static void language_element(struct cur *ie, uint8_t *table)
{
	uint8_t language = cur_u8(ie);

	if (!ie->failed && cur_left(ie) == 0 && language < TEXT_LANGUAGE_COUNT)
		*table = language;
}

static void element(uint8_t id, struct cur ie, struct concat_udh *udh)
{
	if (id == IE_CONCAT_8 || id == IE_CONCAT_16)
		concat_element(&ie, id == IE_CONCAT_16, udh);
	else if (id == IE_PORTS_8 || id == IE_PORTS_16)
		ports_element(&ie, id == IE_PORTS_16, udh);
	else if (id == IE_SINGLE_SHIFT)
		language_element(&ie, &udh->tables.shift);
	else if (id == IE_LOCKING_SHIFT)
		language_element(&ie, &udh->tables.locking);
}

bool concat_parse(const uint8_t *body, size_t n, struct concat_udh *udh)
{
	struct cur c = cur_of(body, n);
	uint8_t    length = cur_u8(&c);
	struct cur header = cur_sub(&c, length);

	*udh = (struct concat_udh){0};
	while (!header.failed && cur_left(&header) > 0) {
		uint8_t id = cur_u8(&header);
		uint8_t size = cur_u8(&header);

		element(id, cur_sub(&header, size), udh);
	}
	if (c.failed || header.failed || length == UINT8_MAX) { /* no SMS is long enough for 255 */
		*udh = (struct concat_udh){0};
		return false;
	}
	udh->size = (uint8_t)(length + 1);
	return true;
}

static void language_put(struct put *w, uint8_t id, uint8_t language)
{
	if (language != 0)
		put_bytes(w, (uint8_t[]){id, 1, language}, 3);
}

size_t concat_build(const struct concat_udh *udh, uint8_t room[CONCAT_UDH_SIZE_MAX])
{
	struct put               w = put_to(room, CONCAT_UDH_SIZE_MAX);
	const struct msg_concat *part = &udh->concat;

	put_u8(&w, 0);
	if (part->parts > 0) {
		put_u8(&w, udh->wide ? IE_CONCAT_16 : IE_CONCAT_8);
		put_u8(&w, udh->wide ? 4 : 3);
		if (udh->wide)
			put_u8(&w, (uint8_t)(part->reference >> 8));
		put_bytes(&w, (uint8_t[]){(uint8_t)part->reference, part->parts, part->part}, 3);
	}
	if (udh->has_ports && udh->wide_ports) {
		put_bytes(&w, (uint8_t[]){IE_PORTS_16, 4}, 2);
		put_be16(&w, udh->port_to);
		put_be16(&w, udh->port_from);
	} else if (udh->has_ports) {
		put_bytes(
			&w,
			(uint8_t[]){IE_PORTS_8, 2, (uint8_t)udh->port_to, (uint8_t)udh->port_from},
			4);
	}
	language_put(&w, IE_SINGLE_SHIFT, udh->tables.shift);
	language_put(&w, IE_LOCKING_SHIFT, udh->tables.locking);
	ASSERT(!w.failed); /* 1 + 6 + 6 + 3 + 3 */
	room[0] = (uint8_t)(put_size(&w) - 1);
	return room[0] > 0 ? put_size(&w) : 0;
}

struct str concat_text(const struct msg *m, uint8_t *gathered, char *room, size_t room_size)
{
	const uint8_t     *bytes = msg_view(m, m->body, gathered);
	size_t             head = m->udh_size;
	struct text_tables tables = {0};
	struct concat_udh  udh;

	ASSERT(head <= m->body.size);
	if (head > 0 && concat_parse(bytes, m->body.size, &udh))
		tables = udh.tables;
	return (struct str){room, text_to_utf8((enum msg_coding)m->coding, tables, bytes + head,
					       m->body.size - head, room, room_size)};
}
