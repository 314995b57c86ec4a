#include "sip/inflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/assert.h"
#include "sip/lex.h"

/* The state of inflate(). It wants a window too where it stops half way, does not get one, and is
 * not asked to go on. */
#define ARENA_SIZE 16384u

struct arena {
	size_t  used;
	uint8_t bytes[ARENA_SIZE] __attribute__((aligned(16)));
};

static voidpf take(voidpf opaque, uInt items, uInt size)
{
	struct arena *a = opaque;
	size_t        n = ((size_t)items * size + 15) / 16 * 16;

	if (n > sizeof(a->bytes) - a->used)
		return Z_NULL;
	a->used += n;
	return a->bytes + a->used - n;
}

static void give(voidpf opaque, voidpf address)
{
}

static const struct {
	struct str        name;
	enum sip_encoding encoding;
} names[] = {
	{{"identity", 8}, SIP_ENCODING_IDENTITY},
	{{"deflate", 7}, SIP_ENCODING_DEFLATE},
	{{"gzip", 4}, SIP_ENCODING_GZIP},
	{{"x-gzip", 6}, SIP_ENCODING_GZIP},
};

static enum sip_encoding encoding_named(struct str name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sip_same(name, names[i].name))
			return names[i].encoding;
	}
	return SIP_ENCODING_UNKNOWN;
}

enum sip_encoding sip_encoding_of(const struct sip_message *m)
{
	enum sip_encoding found = SIP_ENCODING_IDENTITY;
	struct sip_list   l;
	struct str        element;

	if (m->first[SIP_CONTENT_ENCODING] == SIP_NO_SLOT)
		return SIP_ENCODING_IDENTITY;
	sip_list_init(&l, m, SIP_CONTENT_ENCODING);
	while (sip_list_next(&l, &element)) {
		enum sip_encoding one = encoding_named(element);

		if (one != SIP_ENCODING_IDENTITY)
			found = found == SIP_ENCODING_IDENTITY ? one : SIP_ENCODING_UNKNOWN;
	}
	return found;
}

static bool begin(z_stream *z, struct arena *arena, enum sip_encoding encoding)
{
	arena->used = 0;
	*z = (z_stream){.zalloc = take, .zfree = give, .opaque = arena};
	return inflateInit2(z, encoding == SIP_ENCODING_GZIP ? MAX_WBITS + 16 : MAX_WBITS) == Z_OK;
}

enum sip_body sip_inflate(enum sip_encoding encoding, struct str bytes, struct put *room)
{
	struct arena arena; /* not zeroed: it is a room */
	z_stream     z;
	int          end;

	ASSERT(encoding == SIP_ENCODING_DEFLATE || encoding == SIP_ENCODING_GZIP);
	if (!begin(&z, &arena, encoding))
		return SIP_BODY_UNSUPPORTED;
	z.next_in = (const uint8_t *)bytes.p;
	z.avail_in = (uInt)bytes.n;
	z.next_out = room->p;
	z.avail_out = (uInt)put_room(room);
	end = inflate(&z, Z_FINISH);
	if (end == Z_STREAM_END && z.avail_in == 0) {
		put_reserve(room, z.total_out);
		return SIP_BODY_OK;
	}
	return end != Z_DATA_ERROR && end != Z_STREAM_END && z.avail_out == 0 ? SIP_BODY_LIMIT
									      : SIP_BODY_SYNTAX;
}

bool sip_inflate_works(void)
{
	struct arena arena;
	z_stream     z;

	return begin(&z, &arena, SIP_ENCODING_GZIP);
}
