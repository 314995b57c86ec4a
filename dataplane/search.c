#include "search.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/link.h"

#include "pages.h"
#include "worker.h"

#define ASK_AGAIN_US (20 * US_PER_MS) /* and then twice as long, up to: */
#define ASK_AGAIN_MAX_US (320 * US_PER_MS)

int searches_init(struct worker *w)
{
	w->searches.table = pages_new(SEARCHES_MAX * sizeof(w->searches.table[0]));
	return w->searches.table != NULL ? 0 : -ENOMEM;
}

void searches_free(struct worker *w)
{
	pages_free(w->searches.table, SEARCHES_MAX * sizeof(w->searches.table[0]));
}

static uint32_t search_take(struct searches *s)
{
	uint32_t place = s->free;

	if (place != 0)
		s->free = s->table[place - 1].next_free;
	else if (s->used < SEARCHES_MAX)
		place = ++s->used;
	return place;
}

static struct whereabouts *search_of(struct worker *w, const struct conn *c)
{
	return &w->searches.table[c->search - 1];
}

void search_end(struct worker *w, struct conn *c)
{
	if (c->search == 0)
		return;
	search_of(w, c)->next_free = w->searches.free;
	w->searches.free = c->search;
	c->search = 0;
	metric_sub(w->metrics, METRIC_domains_connecting, 1);
}

static void ask(struct worker *w, struct conn *c)
{
	struct whereabouts *s = search_of(w, c);
	uint8_t             bytes[WORLD_DOMAIN_QUESTION_SIZE_MAX];
	struct put          question = put_to(bytes, sizeof(bytes));

	world_domain_question_put(&question, (struct str){s->name, s->size});
	ASSERT(!question.failed);
	s->ask_us = 0;
	ask_begin(w, c,
		  &(struct proto_question){.bytes = {(const char *)bytes, put_size(&question)}});
}

struct conn *search_begin(struct worker *w, uint8_t protocol, struct str domain)
{
	struct whereabouts *s;
	struct conn        *c;

	if (domain.n == 0 || domain.n > sizeof(s->name) || !ask_has_room(w) ||
	    (w->searches.free == 0 && w->searches.used == SEARCHES_MAX))
		return NULL;
	c = conn_begin(w, protocol);
	if (c == NULL)
		return NULL;
	c->search = search_take(&w->searches);
	s = search_of(w, c);
	*s = (struct whereabouts){.due_us = w->now.us + SEARCH_US, .size = (uint8_t)domain.n};
	memcpy(s->name, domain.p, domain.n);
	metric_inc(w->metrics, METRIC_domains_searched);
	metric_inc(w->metrics, METRIC_domains_connecting);
	ask(w, c);
	return c;
}

uint64_t search_tick(struct worker *w, struct conn *c)
{
	struct whereabouts *s = c->search != 0 ? search_of(w, c) : NULL;

	if (s == NULL || s->ask_us == 0)
		return UINT64_MAX;
	if (w->now.us < s->ask_us)
		return s->ask_us;
	if (ask_has_room(w)) {
		ask(w, c);
		return UINT64_MAX;
	}
	s->ask_us = w->now.us + ASK_AGAIN_MAX_US;
	return s->ask_us;
}

/* ---- where it may be ---- */

static bool is_elsewhere4(uint32_t address)
{
	uint32_t a = ntohl(address), net = a >> 24;

	/* This network, loopback, link-local, multicast and what is reserved (RFC 6890). */
	return net != 0 && net != 127 && a >> 16 != 0xa9fe && net < 224;
}

static bool is_elsewhere6(const uint32_t w[4])
{
	const uint8_t *bytes = (const uint8_t *)w;

	if (w[0] == 0 && w[1] == 0) /* unspecified, loopback, IPv4 in IPv6 */
		return false;
	return bytes[0] != 0xff && !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static bool same_address(bool ip6, const uint32_t w[4], const struct world_address *a)
{
	return ip6 == a->ip6 && memcmp(w, a->w, sizeof(a->w)) == 0;
}

static bool is_ours(const struct worker *w, const struct world_address *a)
{
	const struct conf_file *file = w->dp->file;

	for (unsigned i = 0; i < w->dp->listener_count; i++) {
		if (same_address(w->dp->listeners[i].address.ip6, w->dp->listeners[i].address.w, a))
			return true;
	}
	for (unsigned p = 0; p < file->port_count; p++) {
		for (uint32_t i = 0; i < file->ports[p].addresses.n; i++) {
			const struct conf_address *own = &file->ports[p].addresses.items[i];

			if (same_address(own->ip6, own->w, a))
				return true;
		}
	}
	return false;
}

static bool may_be_tried(const struct worker *w, const struct world_address *a)
{
	return (a->ip6 ? is_elsewhere6(a->w) : is_elsewhere4(a->w[0])) && !is_ours(w, a);
}

static void fill(struct worker *w, struct whereabouts *s, const struct world_addresses *a)
{
	uint8_t  order[WORLD_ADDRESSES_MAX];
	unsigned n = world_addresses_order(a, hash_mix(w->now.us ^ w->dp->sequence_first), order);

	for (unsigned i = 0; i < n; i++) {
		const struct world_address *item = &a->items[order[i]];
		struct flow                *to = &s->flows[s->count];

		if (!may_be_tried(w, item)) {
			metric_inc(w->metrics, METRIC_domain_addresses_refused);
			continue;
		}
		*to = (struct flow){.ip6 = item->ip6,
				    .port = item->port != 0 ? item->port
							    : (uint16_t)LINK_PORT_SERVER};
		memcpy(to->address, item->w, sizeof(to->address));
		s->count++;
	}
}

/* ---- what comes ---- */

bool search_goes_on(struct worker *w, struct conn *c)
{
	struct whereabouts *s = c->search != 0 ? search_of(w, c) : NULL;

	while (s != NULL && s->next < s->count && w->now.us < s->due_us) {
		const struct flow *to = &s->flows[s->next++];
		struct net_addr    address = {.ip6 = to->ip6};

		memcpy(address.w, to->address, sizeof(address.w));
		if (conn_try(w, c, &address, to->port))
			return true;
	}
	return false;
}

/* It is asked again, each time after twice as long. False: its time is over. */
static bool again(struct worker *w, struct conn *c)
{
	struct whereabouts *s = search_of(w, c);
	uint64_t            wait_us = ASK_AGAIN_US << (s->asks < 4 ? s->asks : 4);

	if (w->now.us + wait_us >= s->due_us)
		return false;
	s->asks += s->asks < 4;
	s->ask_us = w->now.us + wait_us;
	conn_touch(w, c);
	return true;
}

void search_told(struct worker *w, struct conn *c, enum reason why, struct cur *answer)
{
	struct world_addresses a = {.n = 0};

	if (why == REASON_NONE && !world_addresses_unpack(answer, &a))
		why = REASON_CONTROL_DOWN;
	cur_bytes(answer, cur_left(answer));
	if (why == REASON_NONE && a.n == 0) {
		if (!again(w, c))
			conn_unmade(w, c, REASON_CONNECTION_TIMEOUT);
		return;
	}
	if (why == REASON_NONE) {
		fill(w, search_of(w, c), &a);
		if (search_of(w, c)->count == 0)
			why = REASON_DOMAIN_UNKNOWN;
	}
	if (why != REASON_NONE || !search_goes_on(w, c))
		conn_unmade(w, c, why != REASON_NONE ? why : REASON_CONNECTION_UNREACHABLE);
}
