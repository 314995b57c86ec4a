/* Bytes of a stranger as text in every coding and as a user data header: what comes out is valid
 * UTF-8, and a cut never loses a byte. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "msg/concat.h"
#include "msg/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(enum msg_coding coding, struct text_tables tables, const uint8_t *bytes,
		       size_t n)
{
	char    *room = malloc(TEXT_UTF8_SIZE(n) + 1), *again = malloc(3 * TEXT_UTF8_SIZE(n) + 1);
	uint8_t *back = malloc(TEXT_CODED_SIZE(TEXT_UTF8_SIZE(n)) + 1);
	size_t   size = text_to_utf8(coding, tables, bytes, n, room, TEXT_UTF8_SIZE(n));
	struct text_coded coded;

	ASSERT(text_to_utf8(MSG_CODING_UTF8, tables, (uint8_t *)room, size, again,
			    TEXT_UTF8_SIZE(size)) == size);
	ASSERT(memcmp(room, again, size) == 0);
	coded = text_from_utf8(coding, tables, (struct str){room, size}, back,
			       TEXT_CODED_SIZE(size));
	ASSERT(!coded.cut);
	for (size_t at = 0; at < n;) {
		size_t step = text_split(coding, bytes + at, n - at, 4);

		ASSERT(step > 0 && step <= 4);
		at += step;
	}
	free(room);
	free(again);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct concat_udh  udh;
	struct text_choice choice;
	uint8_t            room[CONCAT_UDH_SIZE_MAX];

	if (size < 2 || size > 4096)
		return 0;
	for (int coding = 0; coding < MSG_CODING_BINARY; coding++)
		check_text((enum msg_coding)coding,
			   (struct text_tables){data[0] % TEXT_LANGUAGE_COUNT,
						data[1] % TEXT_LANGUAGE_COUNT},
			   data + 2, size - 2);
	text_choose((struct str){(const char *)data + 2, size - 2}, 0x1f, data[0] | data[1] << 8,
		    &choice);
	if (concat_parse(data, size, &udh)) {
		ASSERT(udh.size <= size);
		ASSERT(concat_build(&udh, room) <= sizeof(room));
	}
	return 0;
}
