#include "sip/branch.h"

#include <assert.h>
#include <strings.h>

#include "base/assert.h"
#include "sip/lex.h"
#include "sip/via.h"

#define NAMED 9u  /* worker, index, generation */
#define BYTES 15u /* with what proves them */

static_assert(SIP_BRANCH_SIZE == sizeof(SIP_BRANCH_COOKIE) - 1 + BYTES / 5 * 8,
	      "a branch has the size that is told");

/* Eight letters of RFC 4648 for 40 bits: five in each byte, then "a" to "z" and "2" to "7". */
static uint64_t letters_of(uint64_t five)
{
	uint64_t v = (five & 0xfffff) | (five >> 20) << 32, digits;

	v = (v & 0x000003ff000003ffull) | (v & 0x000ffc00000ffc00ull) << 6;
	v = (v & 0x001f001f001f001full) | (v & 0x03e003e003e003e0ull) << 3;
	digits = (v + SIP_OF_EACH(0x80 - 26)) >> 7 & SIP_OF_EACH(1);
	return v + SIP_OF_EACH('a') - digits * ('a' + 26 - '2');
}

void sip_base32_five(struct put *w, uint64_t five)
{
	put_be64(w, letters_of(five));
}

void sip_base32_put(struct put *w, const uint8_t *bytes, size_t n)
{
	ASSERT(n % 5 == 0);
	for (size_t i = 0; i < n; i += 5) {
		uint32_t four;

		memcpy(&four, bytes + i, sizeof(four));
		put_be64(w, letters_of((uint64_t)be32toh(four) << 8 | bytes[i + 4]));
	}
}

/* The high bit of each byte that is in a range, all being of ASCII. */
static uint64_t each_within(uint64_t x, uint8_t low, uint8_t high)
{
	return (x + SIP_OF_EACH(0x80u - low)) & ~(x + SIP_OF_EACH(0x7fu - high)) &
	       SIP_OF_EACH(0x80);
}

/* The other way round, in any case. */
static bool five_parse(const char *text, uint64_t *five)
{
	uint64_t word = be64toh(sip_word_at(text)), v = word | SIP_OF_EACH(0x20);
	uint64_t letters = each_within(v & SIP_OF_EACH(0x7f), 'a', 'z');
	uint64_t digits = each_within(word & SIP_OF_EACH(0x7f), '2', '7');

	if ((letters | digits) != SIP_OF_EACH(0x80) || (word & SIP_OF_EACH(0x80)) != 0)
		return false;
	v -= (letters >> 7) * 'a' + (digits >> 7) * ('2' - 26);
	v = (v & 0x001f001f001f001full) | (v & 0x1f001f001f001f00ull) >> 3;
	v = (v & 0x000003ff000003ffull) | (v & 0x03ff000003ff0000ull) >> 6;
	*five = (v & 0xfffff) | (v >> 32 & 0xfffff) << 20;
	return true;
}

bool sip_base32_parse(struct str text, uint8_t *bytes, size_t n)
{
	if (n % 5 != 0 || text.n != n / 5 * 8)
		return false;
	for (size_t i = 0; i < text.n; i += 8, bytes += 5) {
		uint64_t five;

		if (!five_parse(text.p + i, &five))
			return false;
		for (size_t k = 5; k-- > 0; five >>= 8)
			bytes[k] = (uint8_t)five;
	}
	return true;
}

/* The 15 bytes as numbers, most significant byte first: none of them is read in other parts than it
 * was written, for which a processor would wait. */
struct opened {
	uint64_t first; /* worker, index and all but the last byte of the generation */
	uint8_t  ninth;
	uint64_t proof; /* 48 bits */
};

static struct opened name(const struct sip_branch *b)
{
	return (struct opened){
		.first = (uint64_t)b->worker << 56 | (uint64_t)b->index << 24 | b->generation >> 8,
		.ninth = (uint8_t)b->generation,
	};
}

static uint64_t prove(const struct hash_key *key, const struct opened *o)
{
	uint8_t    named[NAMED];
	struct put to = put_to(named, sizeof(named));

	put_be64(&to, o->first);
	put_u8(&to, o->ninth);
	return htobe64(hash_sip(key, named, sizeof(named))) >> 16;
}

void sip_name_put(struct put *w, const struct hash_key *key, const struct sip_branch *b)
{
	struct opened o = name(b);

	o.proof = prove(key, &o);
	put_be64(w, letters_of(o.first >> 24));
	put_be64(w,
		 letters_of((o.first & 0xffffff) << 16 | (uint64_t)o.ninth << 8 | o.proof >> 40));
	put_be64(w, letters_of(o.proof & 0xffffffffff));
}

void sip_branch_put(struct put *w, const struct hash_key *key, const struct sip_branch *b)
{
	put_str(w, STR(SIP_BRANCH_COOKIE));
	sip_name_put(w, key, b);
}

static bool open_name(struct str text, struct opened *o)
{
	uint64_t five[BYTES / 5];

	if (text.n != SIP_NAME_SIZE)
		return false;
	for (size_t i = 0; i < BYTES / 5; i++) {
		if (!five_parse(text.p + 8 * i, &five[i]))
			return false;
	}
	o->first = five[0] << 24 | five[1] >> 16;
	o->ninth = (uint8_t)(five[1] >> 8);
	o->proof = (five[1] & 0xff) << 40 | five[2];
	return true;
}

/* Without its cookie, whose case is left open. */
static struct str inside(struct str text)
{
	struct str cookie = STR(SIP_BRANCH_COOKIE);

	return text.n == SIP_BRANCH_SIZE && sip_same_bytes(text.p, cookie.p, cookie.n)
		       ? str_skip(text, cookie.n)
		       : STR("");
}

bool sip_branch_parse(struct str text, const struct hash_key *key, struct sip_branch *b)
{
	return sip_name_parse(inside(text), key, b);
}

bool sip_name_parse(struct str text, const struct hash_key *key, struct sip_branch *b)
{
	struct opened o;

	if (!open_name(text, &o) || prove(key, &o) != o.proof)
		return false;
	b->worker = (uint8_t)(o.first >> 56);
	b->index = (uint32_t)(o.first >> 24);
	b->generation = (uint32_t)o.first << 8 | o.ninth;
	return true;
}

bool sip_branch_worker(struct str text, unsigned *worker)
{
	return sip_name_worker(inside(text), worker);
}

bool sip_name_worker(struct str text, unsigned *worker)
{
	struct opened o;

	if (!open_name(text, &o))
		return false;
	*worker = (unsigned)(o.first >> 56);
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
