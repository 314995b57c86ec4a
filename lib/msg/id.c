#include "msg/id.h"

#include <string.h>

#include "base/assert.h"

uint64_t msg_id_make(unsigned node, unsigned worker, uint64_t sequence)
{
	ASSERT(node <= MSG_ID_NODE_MAX && worker <= MSG_ID_WORKER_MAX &&
	       sequence <= MSG_ID_SEQUENCE_MAX);
	return (uint64_t)node << 56 | (uint64_t)worker << 48 | sequence;
}

size_t msg_id_text(uint64_t id, char room[MSG_ID_TEXT_SIZE_MAX])
{
	char   digits[MSG_ID_TEXT_SIZE_MAX];
	size_t at = sizeof(digits);

	ASSERT_HOT(id >> 63 == 0);
	do {
		digits[--at] = (char)('0' + id % 10);
		id /= 10;
	} while (id > 0 && at > 0);
	memcpy(room, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
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
