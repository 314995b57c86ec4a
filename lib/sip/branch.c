#include "sip/branch.h"

#include <assert.h>
#include <strings.h>

#include "base/assert.h"
#include "sip/via.h"

#define NAMED 9u /* worker, index, generation */
#define BYTES 15u
#define PROOF (BYTES - NAMED)

static_assert(SIP_BRANCH_SIZE == sizeof(SIP_BRANCH_COOKIE) - 1 + BYTES / 5 * 8,
	      "a branch has the size that is told");

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

void sip_base32_put(struct put *w, const uint8_t *bytes, size_t n)
{
	ASSERT(n % 5 == 0);
	for (size_t i = 0; i < n; i += 5) {
		uint8_t *to = put_reserve(w, 8);
		uint64_t five = 0;

		if (to == NULL)
			return;
		for (size_t k = 0; k < 5; k++)
			five = five << 8 | bytes[i + k];
		for (size_t k = 8; k-- > 0; five >>= 5)
			to[k] = (uint8_t)letters[five & 31];
	}
}

static int value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool sip_base32_parse(struct str text, uint8_t *bytes, size_t n)
{
	if (n % 5 != 0 || text.n != n / 5 * 8)
		return false;
	for (size_t i = 0; i < text.n; i += 8, bytes += 5) {
		uint64_t five = 0;

		for (size_t k = 0; k < 8; k++) {
			int v = value(text.p[i + k]);

			if (v < 0)
				return false;
			five = five << 5 | (uint64_t)v;
		}
		for (size_t k = 5; k-- > 0; five >>= 8)
			bytes[k] = (uint8_t)five;
	}
	return true;
}

static void prove(const struct hash_key *key, const uint8_t named[NAMED], uint8_t proof[PROOF])
{
	uint64_t h = hash_sip(key, named, NAMED);

	for (size_t i = 0; i < PROOF; i++, h >>= 8)
		proof[i] = (uint8_t)h;
}

void sip_branch_put(struct put *w, const struct hash_key *key, const struct sip_branch *b)
{
	uint8_t    bytes[BYTES];
	struct put to = put_to(bytes, NAMED);

	put_u8(&to, b->worker);
	put_be32(&to, b->index);
	put_be32(&to, b->generation);
	prove(key, bytes, bytes + NAMED);
	put_str(w, STR(SIP_BRANCH_COOKIE));
	sip_base32_put(w, bytes, BYTES);
}

/* Without its cookie, whose case is left open. */
static bool open_up(struct str text, uint8_t bytes[BYTES])
{
	struct str cookie = STR(SIP_BRANCH_COOKIE);

	return text.n == SIP_BRANCH_SIZE && strncasecmp(text.p, cookie.p, cookie.n) == 0 &&
	       sip_base32_parse(str_skip(text, cookie.n), bytes, BYTES);
}

bool sip_branch_parse(struct str text, const struct hash_key *key, struct sip_branch *b)
{
	uint8_t    bytes[BYTES], proof[PROOF];
	struct cur from = cur_of(bytes, NAMED);

	if (!open_up(text, bytes))
		return false;
	prove(key, bytes, proof);
	if (memcmp(proof, bytes + NAMED, PROOF) != 0)
		return false;
	b->worker = cur_u8(&from);
	b->index = cur_be32(&from);
	b->generation = cur_be32(&from);
	return true;
}

bool sip_branch_worker(struct str text, unsigned *worker)
{
	uint8_t bytes[BYTES];

	if (!open_up(text, bytes))
		return false;
	*worker = bytes[0];
	return true;
}

bool sip_branch_find(struct str text, struct str *branch)
{
	struct str cookie = STR(SIP_BRANCH_COOKIE);

	for (; text.n >= SIP_BRANCH_SIZE; text = str_skip(text, 1)) {
		const char *z = memchr(text.p, '=', text.n - SIP_BRANCH_SIZE + 1);

		if (z == NULL)
			return false;
		text = str_skip(text, (size_t)(z - text.p));
		if (text.n > SIP_BRANCH_SIZE && strncasecmp(z + 1, cookie.p, cookie.n) == 0) {
			*branch = (struct str){z + 1, SIP_BRANCH_SIZE};
			return true;
		}
	}
	return false;
}
