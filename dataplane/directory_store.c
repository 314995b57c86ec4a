#include "directory_store.h"

#include <string.h>

unsigned store_count(const struct proto_record *r)
{
	unsigned n = 0;

	for (uint32_t i = 0; r != NULL && i < r->count; i++)
		n += !r->bindings[i].stream;
	return n;
}

/* ---- writing ---- */

static void put_flow(struct put *w, const struct flow *f)
{
	put_u8(w, f->ip6);
	put_bytes(w, f->address, sizeof(f->address));
	put_be16(w, f->port);
}

/* Every worker has the same session for the datagrams of a listener, by its index. */
static const struct flow *place_of(const struct store_places *places, unsigned protocol,
				   const struct session_ref *session)
{
	static const struct flow unknown;

	for (unsigned i = 0; i < places->count; i++) {
		if (places->list[i].session.protocol == protocol &&
		    places->list[i].session.index == session->index)
			return &places->list[i].local;
	}
	return &unknown;
}

static void put_binding(struct put *w, const struct store_places *places, struct now now,
			unsigned protocol, const struct proto_record *r,
			const struct proto_binding *b)
{
	uint64_t left_us = b->expires_us > now.us ? b->expires_us - now.us : 0;

	put_flow(w, place_of(places, protocol, &b->session));
	put_flow(w, &b->flow);
	put_be64(w, b->key);
	put_be64(w, now.wall_ms + left_us / US_PER_MS);
	put_be32(w, b->sequence);
	put_be16(w, b->priority);
	put_be16(w, b->features);
	for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++) {
		struct str text = proto_binding_text(r, b, (enum proto_binding_text)k);

		put_be16(w, (uint16_t)text.n);
		put_str(w, text);
	}
}

void store_write(const struct store_places *places, struct now now, unsigned protocol,
		 struct str address, const struct proto_record *r, struct put *w)
{
	put_u8(w, (uint8_t)protocol);
	put_be64(w, now.wall_ms);
	put_be16(w, (uint16_t)address.n);
	put_str(w, address);
	put_u8(w, (uint8_t)store_count(r));
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if (!r->bindings[i].stream)
			put_binding(w, places, now, protocol, r, &r->bindings[i]);
	}
}

/* ---- reading ---- */

static struct flow read_flow(struct cur *c)
{
	struct flow    f = {.ip6 = cur_u8(c) == 1};
	const uint8_t *address = cur_bytes(c, sizeof(f.address));

	if (address != NULL)
		memcpy(f.address, address, sizeof(f.address));
	f.port = cur_be16(c);
	return f;
}

static bool session_at(const struct store_places *places, unsigned protocol,
		       const struct flow *local, struct session_ref *session)
{
	for (unsigned i = 0; i < places->count; i++) {
		if (places->list[i].session.protocol == protocol &&
		    flow_eq(&places->list[i].local, local)) {
			*session = places->list[i].session;
			return true;
		}
	}
	return false;
}

/* start: of the record, which is the text of the registration. */
static void read_texts(struct cur *c, const uint8_t *start, struct proto_binding *b)
{
	for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++) {
		b->text[k].size = cur_be16(c);
		b->text[k].off = (uint16_t)(c->p - start);
		cur_bytes(c, b->text[k].size);
	}
}

/* The time that is left: not more than it had when it was written. */
static uint64_t left_ms(struct now now, uint64_t written_ms, uint64_t expires_ms)
{
	uint64_t had = expires_ms > written_ms ? expires_ms - written_ms : 0;
	uint64_t left = expires_ms > now.wall_ms ? expires_ms - now.wall_ms : 0;

	return left < had ? left : had;
}

/* *b is to be kept when there is time left. */
static void read_binding(struct cur *c, const struct store_places *places, struct now now,
			 unsigned protocol, uint64_t written_ms, const uint8_t *start,
			 struct proto_binding *b)
{
	struct flow local = read_flow(c);
	uint64_t    left;

	*b = (struct proto_binding){.flow = read_flow(c)};
	b->key = cur_be64(c);
	left = left_ms(now, written_ms, cur_be64(c));
	b->sequence = cur_be32(c);
	b->priority = cur_be16(c);
	b->features = cur_be16(c);
	read_texts(c, start, b);
	if (session_at(places, protocol, &local, &b->session) ||
	    (b->features & PROTO_BINDING_AT_PEER) != 0)
		b->expires_us = now.us + left * US_PER_MS;
}

bool store_read(const struct store_places *places, struct now now, struct cur record,
		unsigned *protocol, struct proto_registration *r)
{
	const uint8_t       *start = record.p, *address;
	struct proto_binding bindings[PROTO_BINDINGS_MAX];
	uint64_t             written_ms;
	size_t               size;
	unsigned             count;

	*r = (struct proto_registration){.text = {(const char *)start, cur_left(&record)}};
	*protocol = cur_u8(&record);
	written_ms = cur_be64(&record);
	size = cur_be16(&record);
	address = cur_bytes(&record, size);
	r->address = (struct str){(const char *)address, size};
	count = cur_u8(&record);
	if (record.failed || size == 0 || size > MSG_ADDR_SIZE_MAX || count > PROTO_BINDINGS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++)
		read_binding(&record, places, now, *protocol, written_ms, start, &bindings[i]);
	/* The best was written first, and of equals a plan puts the last first. */
	for (unsigned i = count; i-- > 0;) {
		if (bindings[i].expires_us > now.us)
			r->bindings[r->count++] = bindings[i];
	}
	return !record.failed && cur_left(&record) == 0;
}
