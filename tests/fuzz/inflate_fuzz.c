/*
 * Fuzz target: compressed bodies. The first byte says which format and how much room there is; what
 * is read fits into it, and is read again from what zlib writes of it.
 */
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/assert.h"
#include "sip/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM_MAX 65536u

static uint8_t whole[ROOM_MAX], again[ROOM_MAX], packed[2u * ROOM_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum sip_encoding encoding;
	struct put        w, a = put_to(again, sizeof(again));
	uLongf            n = sizeof(packed);
	size_t            space;

	if (size < 1)
		return 0;
	encoding = data[0] & 1 ? SIP_ENCODING_GZIP : SIP_ENCODING_DEFLATE;
	space = (size_t)1 << data[0] / 2 % 17;
	w = put_to(whole, space);
	if (sip_inflate(encoding, (struct str){(const char *)data + 1, size - 1}, &w) !=
	    SIP_BODY_OK) {
		ASSERT(put_size(&w) == 0);
		return 0;
	}
	ASSERT(!w.failed && put_size(&w) <= space);
	ASSERT(compress2(packed, &n, whole, put_size(&w), 1) == Z_OK);
	ASSERT(sip_inflate(SIP_ENCODING_DEFLATE, (struct str){(const char *)packed, n}, &a) ==
	       SIP_BODY_OK);
	ASSERT(put_size(&a) == put_size(&w) && memcmp(again, whole, put_size(&w)) == 0);
	return 0;
}
