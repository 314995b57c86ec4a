#include "dns.h"

#include <stdio.h>
#include <strings.h>

#define TYPE_SOA 6u
#define LABELS_MAX 128u /* RFC 1035, 2.3.4: 255 bytes */

static bool name_skip(struct cur *c)
{
	for (unsigned i = 0; i < LABELS_MAX; i++) {
		uint8_t n = cur_u8(c);

		if (c->failed || n == 0)
			return !c->failed;
		switch (n & 0xc0) {
		case 0:
			cur_bytes(c, n);
			break;
		case 0xc0: /* RFC 1035, 4.1.4: a pointer ends the name */
			cur_u8(c);
			return !c->failed;
		default:
			return false;
		}
	}
	return false;
}

struct record {
	uint16_t   type;
	uint32_t   ttl;
	struct cur data;
};

static bool record_next(struct cur *c, struct record *r)
{
	if (!name_skip(c))
		return false;
	r->type = cur_be16(c);
	cur_be16(c); /* class */
	r->ttl = cur_be32(c);
	r->data = cur_sub(c, cur_be16(c));
	if (r->ttl > INT32_MAX) /* RFC 2181, 8 */
		r->ttl = 0;
	return !c->failed;
}

/* To the answers; how many there are, and authorities behind them. */
static bool head(struct cur *c, unsigned *answers, unsigned *authorities)
{
	unsigned questions;

	cur_be32(c); /* id, flags */
	questions = cur_be16(c);
	*answers = cur_be16(c);
	*authorities = cur_be16(c);
	cur_be16(c);
	for (unsigned i = 0; i < questions; i++) {
		if (!name_skip(c))
			return false;
		cur_be32(c);
	}
	return !c->failed;
}

bool dns_ttl(struct cur answer, uint32_t *ttl_s)
{
	unsigned      answers, authorities;
	struct record r;

	if (!head(&answer, &answers, &authorities))
		return false;
	*ttl_s = UINT32_MAX;
	for (unsigned i = 0; i < answers; i++) {
		if (!record_next(&answer, &r))
			return false;
		if (r.ttl < *ttl_s)
			*ttl_s = r.ttl;
	}
	return answers > 0;
}

bool dns_negative_ttl(struct cur answer, uint32_t *ttl_s)
{
	unsigned      answers, authorities;
	struct record r;

	if (!head(&answer, &answers, &authorities))
		return false;
	for (unsigned i = 0; i < answers + authorities; i++) {
		uint32_t minimum;

		if (!record_next(&answer, &r))
			return false;
		if (i < answers || r.type != TYPE_SOA || cur_left(&r.data) < 4)
			continue;
		cur_bytes(&r.data, cur_left(&r.data) - 4);
		minimum = cur_be32(&r.data);
		*ttl_s = minimum < r.ttl ? minimum : r.ttl;
		return true;
	}
	return false;
}

const struct ares_naptr_reply *dns_naptr_choose(const struct ares_naptr_reply *list,
						const char *service, enum transport transport)
{
	const struct ares_naptr_reply *best = NULL;
	char                           wanted[32];

	snprintf(wanted, sizeof(wanted), "%s+D2%c", service,
		 transport == TRANSPORT_UDP ? 'U' : 'T');
	for (const struct ares_naptr_reply *r = list; r != NULL; r = r->next) {
		if (strcasecmp((const char *)r->flags, "s") != 0 ||
		    strcasecmp((const char *)r->service, wanted) != 0 || r->replacement[0] == '\0')
			continue;
		if (best == NULL || r->order < best->order ||
		    (r->order == best->order && r->preference < best->preference))
			best = r;
	}
	return best;
}

/* Does a stand before b? */
static bool srv_before(const struct ares_srv_reply *a, const struct ares_srv_reply *b)
{
	int order;

	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	order = strcasecmp(a->host, b->host);
	return order != 0 ? order < 0 : a->port < b->port;
}

static bool is_root(const char *host)
{
	return host[0] == '\0' || strcmp(host, ".") == 0;
}

unsigned dns_srv_choose(const struct ares_srv_reply *list,
			const struct ares_srv_reply *chosen[DNS_SERVERS_MAX])
{
	unsigned n = 0;

	for (const struct ares_srv_reply *r = list; r != NULL; r = r->next) {
		unsigned at = n;

		if (is_root(r->host) || r->port == 0)
			continue;
		while (at > 0 && srv_before(r, chosen[at - 1]))
			at--;
		if (at == DNS_SERVERS_MAX)
			continue;
		if (n < DNS_SERVERS_MAX)
			n++;
		memmove(&chosen[at + 1], &chosen[at], (n - 1 - at) * sizeof(chosen[0]));
		chosen[at] = r;
	}
	return n;
}

uint32_t dns_backoff(unsigned before)
{
	uint32_t s = DNS_TTL_MIN_S << (before < 6 ? before : 6);

	return s < DNS_FAILED_MAX_S ? s : DNS_FAILED_MAX_S;
}
