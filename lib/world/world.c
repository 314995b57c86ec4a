/* Kept from OpenSSL 1.1 because it allocates nothing: EVP makes a context on the heap, and workers
 * call this. */
#define OPENSSL_API_COMPAT 0x10100000L

#include "world/world.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/hash.h"
#include "world/index.h"

#define SALT_SIZE 16u

static_assert(SALT_SIZE + SHA256_DIGEST_LENGTH <= sizeof(((struct conf_secret *)0)->bytes),
	      "conf_secret: room for salt and digest");

static const struct hash_key name_key = {0x776f726c642d6e61ull, 0x6d65732d68617368ull};

uint64_t world_name_hash(struct str name)
{
	return hash_sip(&name_key, name.p, name.n);
}

uint64_t world_login_hash(uint8_t protocol, struct str identity)
{
	struct hash_key key = {name_key.k0, name_key.k1 ^ (protocol + 1u)};

	return hash_sip(&key, identity.p, identity.n);
}

struct str world_login_of(const struct conf_account *a)
{
	return str_of(conf_account_login(a));
}

const struct world_entry *world_bucket_find(const struct world_bucket *b, uint64_t hash)
{
	uint32_t low = 0, high = b != NULL ? b->n : 0;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (b->entries[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return b != NULL && low < b->n && b->entries[low].hash == hash ? &b->entries[low] : NULL;
}

const struct world_party *world_party_at(const struct world_parties *parties, uint32_t slot)
{
	const struct world_page *page;

	if (slot >= parties->slots_max)
		return NULL;
	page = parties->pages[slot / WORLD_PAGE_SLOTS];
	return page != NULL ? page->parties[slot % WORLD_PAGE_SLOTS] : NULL;
}

const struct world_party *world_party_find(const struct world_parties *parties, struct str name)
{
	uint64_t                   hash = world_name_hash(name);
	const struct world_bucket *b = parties->names[hash >> 56];
	const struct world_entry  *e = world_bucket_find(b, hash);

	for (; e != NULL && e < b->entries + b->n && e->hash == hash; e++) {
		const struct world_party *p = world_party_at(parties, e->slot);

		if (p != NULL && str_eq(world_party_name(p), name))
			return p;
	}
	return NULL;
}

static const struct world_account *account_of(const struct world_party *p)
{
	return p != NULL ? &p->account : NULL;
}

static const struct world_peer *peer_of(const struct world_party *p)
{
	return p != NULL ? &p->peer : NULL;
}

const struct world_account *world_account(const struct world *w, uint32_t slot)
{
	return account_of(world_party_at(&w->index->accounts, slot));
}

const struct world_peer *world_peer(const struct world *w, uint32_t slot)
{
	return peer_of(world_party_at(&w->index->peers, slot));
}

const struct world_addresses *world_peer_addresses(const struct world *w, uint32_t slot)
{
	const struct world_page *page = slot < w->index->peers.slots_max
						? w->index->peers.pages[slot / WORLD_PAGE_SLOTS]
						: NULL;

	return page != NULL ? page->addresses[slot % WORLD_PAGE_SLOTS] : NULL;
}

const struct world_account *world_account_find(const struct world *w, struct str name)
{
	return account_of(world_party_find(&w->index->accounts, name));
}

const struct world_peer *world_peer_find(const struct world *w, struct str name)
{
	return peer_of(world_party_find(&w->index->peers, name));
}

const struct world_account *world_account_login(const struct world *w, uint8_t protocol,
						struct str identity)
{
	uint64_t                   hash = world_login_hash(protocol, identity);
	const struct world_bucket *b = w->index->logins[hash >> 56];
	const struct world_entry  *e = world_bucket_find(b, hash);

	for (; e != NULL && e < b->entries + b->n && e->hash == hash; e++) {
		const struct world_account *a = world_account(w, e->slot);

		if (a != NULL && a->conf->protocol == protocol &&
		    str_eq(world_login_of(a->conf), identity))
			return a;
	}
	return NULL;
}

bool world_sender_allowed(const struct world_account *a, struct str from)
{
	const struct conf_list *allowed = &a->conf->sender;

	for (uint32_t i = 0; i < allowed->n; i++) {
		struct str s = str_of(allowed->items[i]);

		if (s.n > 0 && s.p[0] == '=' ? str_eq(from, str_skip(s, 1)) : str_starts(from, s))
			return true;
	}
	return allowed->n == 0;
}

bool world_secret_fits(const struct conf_secret *stored, struct str secret)
{
	uint8_t    digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	if (stored->form != CONF_SECRET_SHA256 || stored->size != SALT_SIZE + sizeof(digest))
		return false;
	SHA256_Init(&sha);
	SHA256_Update(&sha, stored->bytes, SALT_SIZE);
	SHA256_Update(&sha, secret.p, secret.n);
	SHA256_Final(digest, &sha);
	OPENSSL_cleanse(&sha, sizeof(sha));
	return CRYPTO_memcmp(digest, stored->bytes + SALT_SIZE, sizeof(digest)) == 0;
}

bool world_secret_proves(const struct conf_secret *stored, struct str challenge, struct str proof)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t           digest[SHA_DIGEST_LENGTH];
	char              text[2 * SHA_DIGEST_LENGTH];
	SHA_CTX           sha;

	if (stored->form != CONF_SECRET_PLAIN || proof.n != sizeof(text))
		return false;
	SHA1_Init(&sha);
	SHA1_Update(&sha, challenge.p, challenge.n);
	SHA1_Update(&sha, stored->bytes, stored->size);
	SHA1_Final(digest, &sha);
	OPENSSL_cleanse(&sha, sizeof(sha));
	for (size_t i = 0; i < sizeof(digest); i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	return CRYPTO_memcmp(text, proof.p, sizeof(text)) == 0;
}

const struct route_set *world_rule_route(const struct world *w, uint32_t route)
{
	const struct world_rule_routes *r = w->index->rule_routes;

	return r != NULL && route < r->count ? r->sets[route] : NULL;
}

uint32_t world_rule_limit_slot(const struct world *w, uint32_t limit)
{
	const struct world_rules *r = w->index->rules;

	return r != NULL && limit < r->limit_count ? r->limit_slots[limit] : 0;
}
