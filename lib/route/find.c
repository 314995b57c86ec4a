#include "route/route.h"

#include <assert.h>
#include <string.h>
#include <tmmintrin.h>

#include "base/aor.h"
#include "base/punycode.h"
#include "route/trie.h"

#define BURST 32u

static_assert(sizeof(struct trie_node) == 16,
	      "trie_node: with six slots or fewer it is one cache line");

#define ESCAPE 15u

/* A digit's low half is its value, and that of "+" is 11, which no digit has: where there is
 * nothing else, a nibble is a byte's low half. */
static inline bool is_plain(uint8_t byte)
{
	return (uint8_t)(byte - '0') < 10 || byte == '+';
}

static inline uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Up to 16 bytes as the text has them, zeros behind, and nothing read beyond the text. */
static inline __m128i load16(struct str s)
{
	uint64_t low = 0, high = 0;

	if (s.n > 8)
		high = load8(s.p + s.n - 8) >> 8 * (16 - s.n);
	if (s.n >= 8)
		low = load8(s.p);
	for (size_t i = 0; s.n < 8 && i < s.n; i++)
		low |= (uint64_t)(uint8_t)s.p[i] << 8 * i;
	return _mm_set_epi64x((long long)high, (long long)low);
}

/* At most 16 bytes, all digits or "+": one word. false: they are not. */
static inline bool key_of_number(struct trie_key *key, struct str bytes)
{
	const __m128i text = load16(bytes);
	const __m128i digits = _mm_cmpgt_epi8(_mm_set1_epi8(-118), /* -128 + 10 */
					      _mm_add_epi8(text, _mm_set1_epi8(80)));
	const __m128i plus = _mm_cmpeq_epi8(text, _mm_set1_epi8('+'));
	unsigned      plain = (unsigned)_mm_movemask_epi8(_mm_or_si128(digits, plus));
	__m128i       halves = _mm_and_si128(text, _mm_set1_epi8(15));

	if ((~plain & ((1u << bytes.n) - 1)) != 0)
		return false;
	halves = _mm_maddubs_epi16(halves, _mm_set1_epi16(0x0110)); /* pairs: 16 * first + second */
	halves = _mm_packus_epi16(halves, halves);
	key->words[0] = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(halves));
	key->words[1] = 0;
	key->n = (unsigned)bytes.n;
	return true;
}

static void key_of_text(struct trie_key *key, struct str bytes)
{
	unsigned word = 0, room = 64, n = 0;
	uint64_t filling = 0;
	size_t   size = bytes.n < TRIE_BYTES_MAX ? bytes.n : TRIE_BYTES_MAX;

	for (size_t i = 0; i < size; i++) {
		uint8_t  byte = (uint8_t)bytes.p[i];
		unsigned code = is_plain(byte) ? byte & 15u : ESCAPE << 8 | byte;
		unsigned left = is_plain(byte) ? 1 : 3;

		n += left;
		while (left-- > 0) {
			room -= 4;
			filling |= (uint64_t)(code >> 4 * left & 15u) << room;
			if (room == 0) {
				key->words[word++] = filling;
				filling = 0;
				room = 64;
			}
		}
	}
	key->n = n;
	key->words[word] = filling;
	key->words[word + 1 < TRIE_KEY_WORDS ? word + 1 : word] = 0;
}

bool trie_key_of(struct trie_key *key, struct str bytes)
{
	if (bytes.n <= 16 && key_of_number(key, bytes))
		return true;
	key_of_text(key, bytes);
	return false;
}

struct walk {
	uintptr_t               at;
	unsigned                depth; /* nibbles of the key behind us */
	const struct route_set *best;
};

static inline bool set_fits(const struct route_set *set, struct str to)
{
	struct str entry = trie_to(set);

	return trie_is_exact(entry) ? str_eq(to, trie_body(entry)) : str_starts(to, entry);
}

/* Past one node or leaf. false: the walk has ended, and what it found is w->best. */
static inline bool walk_step(struct walk *w, const struct trie_key *key, struct str to)
{
	const struct trie_node *node;
	unsigned                place;

	if (trie_is_leaf(w->at)) {
		if (set_fits(trie_set_of(w->at), to))
			w->best = trie_set_of(w->at);
		return false;
	}
	node = trie_node_of(w->at);
	if (node->skip > key->n - w->depth ||
	    trie_first(trie_window(key, w->depth), node->skip) != node->label)
		return false;
	w->depth += node->skip;
	if (trie_has(node, TRIE_PREFIX))
		w->best = trie_set_of(node->slots[0]);
	if (w->depth == key->n) {
		if (trie_has(node, TRIE_EXACT))
			w->best = trie_set_of(node->slots[trie_index(node, TRIE_EXACT)]);
		return false;
	}
	place = TRIE_CHILD + trie_nibble(key, w->depth);
	if (!trie_has(node, place))
		return false;
	w->at = node->slots[trie_index(node, place)];
	w->depth++;
	return true;
}

enum trie_form trie_form_of(struct str to)
{
	bool        exact = to.n > 0 && to.p[0] == '=';
	struct str  body = str_skip(to, exact);
	const char *at = body.n > 0 ? memchr(body.p, '@', body.n) : NULL;
	const char *colon = at != NULL ? memchr(body.p, ':', (size_t)(at - body.p)) : NULL;
	const char *user = colon != NULL ? colon + 1 : body.p;
	struct aor  a;

	if (at == NULL)
		return exact && aor_split(body, &a) ? TRIE_ADDRESS : TRIE_FORMS;
	if (!exact && (at != user + 1 || user[0] != '*'))
		return TRIE_FORMS;
	return (exact ? TRIE_ADDRESS : TRIE_DOMAIN) + (colon == NULL);
}

/* As entries for any scheme write it: beyond ASCII in UTF-8. */
static struct str unicode_of(struct str domain, char room[ROUTE_TO_MAX])
{
	struct put w = put_to(room, ROUTE_TO_MAX);

	if (!punycode_may_be_in(domain) || !punycode_unicode_put(&w, domain))
		return domain;
	return (struct str){room, put_size(&w)};
}

/* False: it is no address with a domain. Else what entries of its own forms say, NULL: nothing. */
static __attribute__((noinline)) bool find_address(const struct route_table *table, struct str to,
						   const struct route_set **found)
{
	char       room[ROUTE_TO_MAX + 1], name[ROUTE_TO_MAX];
	struct aor a, wanted;
	struct str domain;

	*found = NULL;
	if (!aor_split(to, &a))
		return false;
	domain = unicode_of(a.domain, name);
	for (enum trie_form form = 0; form < TRIE_FORMS && *found == NULL; form++) {
		bool   exact = form < TRIE_DOMAIN, any = (form & 1) != 0;
		size_t n;

		if (table->forms[form] == 0 || (!any && a.scheme.n == 0) ||
		    (exact && any && a.user.n == 0)) /* a domain, which has no form without */
			continue;
		wanted = (struct aor){.scheme = any ? STR("") : a.scheme,
				      .user = exact ? a.user : STR("*"),
				      .domain = any ? domain : a.domain};
		room[0] = '=';
		n = aor_write(room + exact, sizeof(room) - exact, &wanted);
		if (n > 0)
			*found = route_table_get(table, (struct str){room, exact + n});
	}
	return true;
}

const struct route_set *route_find(const struct route_table *table, struct str to)
{
	const struct route_set *set;
	struct trie_key         key;
	struct walk             w = {.at = table != NULL ? table->root : 0};

	if (w.at == 0)
		return NULL;
	if (to.n > 16 || !key_of_number(&key, to)) {
		if (find_address(table, to, &set))
			return set;
		key_of_text(&key, to);
	}
	while (walk_step(&w, &key, to)) {
	}
	return w.best;
}

/* A set with one target is one line; a node with seven slots or more is two. */
static inline void prefetch(uintptr_t at)
{
	const char *p = (const char *)(at & ~(uintptr_t)TRIE_LEAF);

	__builtin_prefetch(p);
	if (!trie_is_leaf(at))
		__builtin_prefetch(p + 64);
}

static void find_some(const struct route_table *table, const struct str to[], unsigned n,
		      const struct route_set *found[])
{
	struct trie_key keys[BURST];
	struct walk     walks[BURST];
	uint8_t         going[BURST];
	unsigned        going_count = 0;

	for (unsigned i = 0; i < n; i++) {
		walks[i] = (struct walk){.at = table->root};
		if (to[i].n > 16 || !key_of_number(&keys[i], to[i])) {
			if (find_address(table, to[i], &walks[i].best))
				continue;
			key_of_text(&keys[i], to[i]);
		}
		going[going_count++] = (uint8_t)i;
	}
	while (going_count > 0) { /* a level of the trie at a time */
		unsigned still = 0;

		for (unsigned g = 0; g < going_count; g++) {
			unsigned i = going[g];

			if (!walk_step(&walks[i], &keys[i], to[i]))
				continue;
			prefetch(walks[i].at);
			going[still++] = (uint8_t)i;
		}
		going_count = still;
	}
	for (unsigned i = 0; i < n; i++)
		found[i] = walks[i].best;
}

void route_find_burst(const struct route_table *table, const struct str to[], unsigned n,
		      const struct route_set *found[])
{
	for (unsigned done = 0; done < n; done += BURST) {
		unsigned some = n - done < BURST ? n - done : BURST;

		if (table != NULL && table->root != 0) {
			find_some(table, to + done, some, found + done);
			continue;
		}
		for (unsigned i = 0; i < some; i++)
			found[done + i] = NULL;
	}
}

const struct route_set *route_table_get(const struct route_table *table, struct str to)
{
	struct trie_key key;
	uintptr_t       at = table != NULL ? table->root : 0;
	unsigned        depth = 0;

	trie_key_of(&key, trie_body(to));
	while (at != 0 && !trie_is_leaf(at)) {
		const struct trie_node *node = trie_node_of(at);
		unsigned                place = trie_is_exact(to) ? TRIE_EXACT : TRIE_PREFIX;

		if (node->skip > key.n - depth ||
		    trie_first(trie_window(&key, depth), node->skip) != node->label)
			return NULL;
		depth += node->skip;
		if (depth < key.n)
			place = TRIE_CHILD + trie_nibble(&key, depth++);
		if (!trie_has(node, place))
			return NULL;
		at = node->slots[trie_index(node, place)];
	}
	return at != 0 && str_eq(trie_to(trie_set_of(at)), to) ? trie_set_of(at) : NULL;
}

uint64_t route_table_count(const struct route_table *table)
{
	return table != NULL ? table->count : 0;
}
