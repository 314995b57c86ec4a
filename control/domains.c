#include "domains.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/aor.h"
#include "base/hash.h"
#include "base/link.h"
#include "base/list.h"
#include "base/punycode.h"

#include "dns.h"
#include "lookup.h"
#include "resolver.h"

#define TTL_MAX_S 3600u
#define NEGATIVE_MAX_S 300u /* so that a new server of an old domain is not missed for hours */
#define NEGATIVE_S 30u      /* of an answer that does not say for how long it holds */

struct domain {
	struct list            order; /* the oldest first */
	struct domains        *domains;
	struct domain         *next; /* of the same bucket */
	bool                   asked, known;
	enum reason            why;
	uint64_t               expires_ms;
	struct world_addresses addresses;
	char                   name[WORLD_DOMAIN_SIZE_MAX + 1];
};

struct domains {
	struct control *control;
	struct hash_key key;
	struct list     order;
	unsigned        count, asked;
	uint64_t        passed_ms; /* by domains_pass() */
	struct domain  *buckets[DOMAINS_KEPT_MAX];
};

static uint64_t now_ms(const struct domains *ds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + ds->passed_ms;
}

void domains_pass(struct domains *ds, uint64_t ms)
{
	ds->passed_ms += ms;
}

/* ---- what is kept ---- */

static struct domain **bucket_of(struct domains *ds, const char *name)
{
	return &ds->buckets[hash_sip(&ds->key, name, strlen(name)) % DOMAINS_KEPT_MAX];
}

static struct domain *domain_find(struct domains *ds, const char *name)
{
	for (struct domain *d = *bucket_of(ds, name); d != NULL; d = d->next) {
		if (strcmp(d->name, name) == 0)
			return d;
	}
	return NULL;
}

static void domain_forget(struct domains *ds, struct domain *d)
{
	struct domain **at = bucket_of(ds, d->name);

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	list_remove(&d->order);
	ds->count--;
	free(d);
}

/* Of those that are looked up, there are fewer than are kept. */
static void oldest_forget(struct domains *ds)
{
	for (struct list *n = ds->order.next; n != &ds->order; n = n->next) {
		struct domain *d = list_entry(n, struct domain, order);

		if (d->asked)
			continue;
		domain_forget(ds, d);
		return;
	}
}

static struct domain *domain_new(struct domains *ds, const char *name)
{
	struct domain  *d = calloc(1, sizeof(*d));
	struct domain **bucket = bucket_of(ds, name);

	if (d == NULL)
		return NULL;
	if (ds->count == DOMAINS_KEPT_MAX)
		oldest_forget(ds);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->domains = ds;
	d->next = *bucket;
	*bucket = d;
	list_append(&ds->order, &d->order);
	ds->count++;
	return d;
}

/* ---- look-ups ---- */

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void on_done(void *user, const struct lookup_result *result)
{
	struct domain  *d = user;
	struct domains *ds = d->domains;
	uint32_t        ttl_s = DNS_TTL_MIN_S;

	ds->asked--;
	d->asked = false;
	d->known = true;
	d->addresses = result->addresses;
	switch (result->outcome) {
	case LOOKUP_FOUND:
		d->why = REASON_NONE;
		if (result->timed)
			ttl_s = within(result->ttl_s, DNS_TTL_MIN_S, TTL_MAX_S);
		break;
	case LOOKUP_NONE:
		d->why = REASON_DOMAIN_UNKNOWN;
		ttl_s = result->timed ? within(result->ttl_s, DNS_TTL_MIN_S, NEGATIVE_MAX_S)
				      : NEGATIVE_S;
		break;
	case LOOKUP_FAILED:
		d->why = REASON_DOMAIN_UNREACHABLE;
		break;
	}
	d->expires_ms = now_ms(ds) + (uint64_t)ttl_s * 1000;
}

static void look_up(struct domains *ds, struct domain *d)
{
	struct lookup_wanted wanted = {.service = link_service(LINK_SERVER, NULL),
				       .transport = TRANSPORT_TCP,
				       .by_srv = true};

	if (ds->asked == DOMAINS_LOOKED_UP_MAX)
		return;
	snprintf(wanted.host, sizeof(wanted.host), "%s", d->name);
	d->asked = true;
	ds->asked++;
	resolver_look_up(ds->control->resolver, &wanted, on_done, d);
}

/* ---- answers ---- */

/* What `hosts:` has needs no DNS, and has no SRV. */
static bool is_fixed(const struct conf_file *file, const char *name, struct world_addresses *a)
{
	for (unsigned i = 0; i < file->host_count; i++) {
		if (strcmp(file->hosts[i].name, name) != 0)
			continue;
		*a = (struct world_addresses){.n = 1,
					      .items = {{.ip6 = file->hosts[i].address.ip6}}};
		memcpy(a->items[0].w, file->hosts[i].address.w, sizeof(a->items[0].w));
		return true;
	}
	return false;
}

static bool is_literal(const char *name)
{
	struct in6_addr address;

	return inet_pton(AF_INET, name, &address) == 1 || name[0] == '[';
}

/* As DNS has it (RFC 5890, 2.3.2.1). False: no name of a domain. */
static bool ascii_name(struct str domain, char name[WORLD_DOMAIN_SIZE_MAX + 1])
{
	struct put w = put_to(name, WORLD_DOMAIN_SIZE_MAX);

	if (!aor_is_domain(domain) || !punycode_ascii_put(&w, domain) || w.failed)
		return false;
	name[put_size(&w)] = '\0';
	return true;
}

enum reason domains_answer(struct domains *ds, struct str domain, struct put *answer)
{
	struct world_addresses a = {.n = 0};
	char                   name[WORLD_DOMAIN_SIZE_MAX + 1];
	struct domain         *d;

	if (!ascii_name(domain, name) || is_literal(name))
		return REASON_DOMAIN_UNKNOWN;
	if (is_fixed(ds->control->file, name, &a)) {
		world_addresses_pack(&a, answer);
		return REASON_NONE;
	}
	d = domain_find(ds, name);
	if (d == NULL)
		d = domain_new(ds, name);
	if (d == NULL)
		return REASON_POOL;
	if (!d->asked && (!d->known || now_ms(ds) >= d->expires_ms)) {
		d->known = false;
		look_up(ds, d);
	}
	if (!d->known) {
		world_addresses_pack(&a, answer);
		return REASON_NONE;
	}
	if (d->why == REASON_NONE)
		world_addresses_pack(&d->addresses, answer);
	return d->why;
}

void domains_forget(struct domains *ds, struct str domain)
{
	char           name[WORLD_DOMAIN_SIZE_MAX + 1];
	struct domain *d = ascii_name(domain, name) ? domain_find(ds, name) : NULL;

	if (d != NULL)
		d->expires_ms = 0;
}

struct domains *domains_new(struct control *c)
{
	struct domains *ds = calloc(1, sizeof(*ds));

	if (ds == NULL)
		return NULL;
	ds->control = c;
	ds->key = (struct hash_key){c->boot_id, 0x646f6d61696e73ull};
	list_init(&ds->order);
	return ds;
}

void domains_free(struct domains *ds)
{
	if (ds == NULL)
		return;
	while (!list_empty(&ds->order))
		domain_forget(ds, list_entry(ds->order.next, struct domain, order));
	free(ds);
}
