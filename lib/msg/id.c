#include "msg/id.h"

#include <string.h>

#include "base/assert.h"

uint64_t msg_id_make(unsigned node, unsigned worker, uint64_t sequence)
{
	ASSERT(node <= MSG_ID_NODE_MAX && worker <= MSG_ID_WORKER_MAX &&
	       sequence <= MSG_ID_SEQUENCE_MAX);
	return (uint64_t)node << 56 | (uint64_t)worker << 48 | sequence;
}

/* Two digits for each of 0 .. 99. */
static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* All eight digits of v. */
static void eight(char to[8], uint32_t v)
{
	uint32_t high = v / 10000, low = v % 10000;

	memcpy(to, pairs + high / 100 * 2, 2);
	memcpy(to + 2, pairs + high % 100 * 2, 2);
	memcpy(to + 4, pairs + low / 100 * 2, 2);
	memcpy(to + 6, pairs + low % 100 * 2, 2);
}

size_t msg_id_text(uint64_t id, char room[MSG_ID_TEXT_SIZE_MAX])
{
	char     digits[24];
	uint64_t high = id / 100000000;
	size_t   zeros = 0;

	ASSERT_HOT(id >> 63 == 0);
	eight(digits, (uint32_t)(high / 100000000));
	eight(digits + 8, (uint32_t)(high % 100000000));
	eight(digits + 16, (uint32_t)(id % 100000000));
	while (zeros < sizeof(digits) - 1 && digits[zeros] == '0')
		zeros++;
	memcpy(room, digits + zeros, sizeof(digits) - zeros);
	return sizeof(digits) - zeros;
}

bool msg_id_parse(struct str s, uint64_t *id)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > MSG_ID_TEXT_SIZE_MAX || (s.p[0] == '0' && s.n > 1))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (v >> 63 != 0) /* 19 digits reach 9999999999999999999, which is still within 64 bits */
		return false;
	*id = v;
	return true;
}
