#include "lookup.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"

#define FAMILIES 2u
#define FOUND_MAX 64u /* addresses read of one server, before the first are kept */

struct lookup;

struct question {
	struct lookup *lookup;
	unsigned       server, family;
};

struct server { /* whose addresses are asked for */
	char     host[256];
	uint16_t port, priority, weight;
	struct {
		unsigned n;
		uint32_t w[WORLD_ADDRESSES_MAX][4];
	} found[FAMILIES]; /* IPv4, IPv6; each in rising order */
};

struct lookup {
	ares_channel         channel;
	struct lookup_wanted wanted;
	void (*done)(void *user, const struct lookup_result *result);
	void                *user;
	unsigned             pending; /* questions, and who still puts some */
	bool                 cancelled, by_srv;
	unsigned             n;
	struct server        servers[DNS_SERVERS_MAX];
	struct question      questions[DNS_SERVERS_MAX * FAMILIES];
	struct lookup_result result;
};

static void negative(struct lookup *l, const char *why)
{
	l->result.outcome = LOOKUP_NONE;
	l->result.why = why;
}

static bool is_open(const struct lookup *l)
{
	return l->result.open4 || l->result.open6;
}

static void failed(struct lookup *l, bool ip4, bool ip6, const char *why)
{
	l->result.open4 = l->result.open4 || ip4;
	l->result.open6 = l->result.open6 || ip6;
	l->result.why = why;
}

static void holds_for(struct lookup *l, uint32_t ttl_s)
{
	if (!l->result.timed || ttl_s < l->result.ttl_s)
		l->result.ttl_s = ttl_s;
	l->result.timed = true;
}

static void note_ttl(struct lookup *l, const unsigned char *answer, int size, bool is_negative)
{
	struct cur bytes = cur_of(answer, answer != NULL ? (size_t)size : 0);
	uint32_t   ttl_s;

	if (is_negative ? dns_negative_ttl(bytes, &ttl_s) : dns_ttl(bytes, &ttl_s))
		holds_for(l, ttl_s);
}

static bool is_negative(int status)
{
	return status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

static void assemble(struct lookup *l)
{
	struct world_addresses *to = &l->result.addresses;

	for (unsigned s = 0; s < l->n; s++) {
		const struct server *from = &l->servers[s];

		for (unsigned f = 0; f < FAMILIES; f++) {
			for (unsigned i = 0; i < from->found[f].n && to->n < WORLD_ADDRESSES_MAX;
			     i++) {
				struct world_address *a = &to->items[to->n];

				*a = (struct world_address){
					.ip6 = f == 1,
					.server = (uint8_t)(l->by_srv ? s : to->n),
					.port = from->port,
					.priority = from->priority,
					.weight = from->weight};
				memcpy(a->w, from->found[f].w[i], sizeof(a->w));
				to->n++;
			}
		}
	}
}

static void end(struct lookup *l)
{
	if (!l->cancelled) {
		assemble(l);
		if (l->result.addresses.n > 0)
			l->result.outcome = LOOKUP_FOUND;
		else if (is_open(l))
			l->result.outcome = LOOKUP_FAILED;
		l->done(l->user, &l->result);
	}
	free(l);
}

static void hold(struct lookup *l)
{
	l->pending++;
}

static void release(struct lookup *l)
{
	if (--l->pending == 0)
		end(l);
}

/* Cancelled: nothing more is asked. */
static bool go_on(struct lookup *l, int status)
{
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		l->cancelled = true;
	return !l->cancelled;
}

static void ask(struct lookup *l, const char *name, int type, ares_callback callback, void *user)
{
	hold(l);
	ares_query(l->channel, name, ns_c_in, type, callback, user);
}

static int address_order(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void keep_found(struct server *s, unsigned family, uint32_t found[][4], unsigned n)
{
	qsort(found, n, sizeof(found[0]), address_order);
	s->found[family].n = n < WORLD_ADDRESSES_MAX ? n : WORLD_ADDRESSES_MAX;
	memcpy(s->found[family].w, found, s->found[family].n * sizeof(found[0]));
}

static int read_addresses(struct server *s, unsigned family, const unsigned char *answer, int size)
{
	uint32_t             found[FOUND_MAX][4] = {{0}};
	struct ares_addrttl  ip4[FOUND_MAX];
	struct ares_addr6ttl ip6[FOUND_MAX];
	int                  n = FOUND_MAX;
	int                  status = family == 0 ? ares_parse_a_reply(answer, size, NULL, ip4, &n)
						  : ares_parse_aaaa_reply(answer, size, NULL, ip6, &n);

	if (status != ARES_SUCCESS)
		return status;
	for (int i = 0; i < n; i++) {
		if (family == 0)
			found[i][0] = ip4[i].ipaddr.s_addr;
		else
			memcpy(found[i], &ip6[i].ip6addr, sizeof(found[i]));
	}
	keep_found(s, family, found, (unsigned)n);
	return n > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

static void on_address(void *user, int status, int timeouts, unsigned char *answer, int size)
{
	struct question *q = user;
	struct lookup   *l = q->lookup;

	(void)timeouts;
	if (go_on(l, status)) {
		if (status == ARES_SUCCESS)
			status = read_addresses(&l->servers[q->server], q->family, answer, size);
		if (status != ARES_SUCCESS && !is_negative(status))
			failed(l, q->family == 0, q->family == 1, ares_strerror(status));
		else
			note_ttl(l, answer, size, status != ARES_SUCCESS);
		if (status == ARES_ENOTFOUND && !l->by_srv && !is_open(l))
			negative(l, "there is no such name");
	}
	release(l);
}

/* The last step. */
static void ask_addresses(struct lookup *l)
{
	if (!is_open(l))
		negative(l, l->by_srv ? "the servers that it names have no address"
				      : "the name has no address");
	hold(l);
	for (unsigned s = 0; s < l->n; s++) {
		for (unsigned f = 0; f < FAMILIES; f++) {
			struct question *q = &l->questions[s * FAMILIES + f];

			*q = (struct question){l, s, f};
			if (f == 0 ? l->wanted.ip4 : l->wanted.ip6)
				ask(l, l->servers[s].host, f == 0 ? ns_t_a : ns_t_aaaa, on_address,
				    q);
		}
	}
	release(l);
}

static void ask_host(struct lookup *l)
{
	l->n = 1;
	snprintf(l->servers[0].host, sizeof(l->servers[0].host), "%s", l->wanted.host);
	ask_addresses(l);
}

static int read_srv(struct lookup *l, const unsigned char *answer, int size)
{
	const struct ares_srv_reply *chosen[DNS_SERVERS_MAX];
	struct ares_srv_reply       *list = NULL;
	int                          status = ares_parse_srv_reply(answer, size, &list);

	if (status != ARES_SUCCESS)
		return status;
	l->by_srv = true;
	l->n = dns_srv_choose(list, chosen);
	for (unsigned i = 0; i < l->n; i++) {
		struct server *s = &l->servers[i];

		str_copy(s->host, sizeof(s->host), str_of(chosen[i]->host));
		s->port = chosen[i]->port;
		s->priority = chosen[i]->priority;
		s->weight = chosen[i]->weight;
	}
	ares_free_data(list);
	return ARES_SUCCESS;
}

static void on_srv(void *user, int status, int timeouts, unsigned char *answer, int size)
{
	struct lookup *l = user;

	(void)timeouts;
	if (go_on(l, status)) {
		if (status == ARES_SUCCESS)
			status = read_srv(l, answer, size);
		if (status != ARES_SUCCESS && !is_negative(status)) {
			failed(l, true, true, ares_strerror(status));
		} else {
			note_ttl(l, answer, size, status != ARES_SUCCESS);
			if (!l->by_srv)
				ask_host(l);
			else if (l->n > 0)
				ask_addresses(l);
			else
				negative(l, "it says by SRV that it has no such service");
		}
	}
	release(l);
}

static void ask_srv(struct lookup *l, const char *name)
{
	ask(l, name, ns_t_srv, on_srv, l);
}

static void ask_usual_srv(struct lookup *l)
{
	char name[300];

	snprintf(name, sizeof(name), "_%s._%s.%s", l->wanted.service,
		 l->wanted.transport == TRANSPORT_UDP ? "udp" : "tcp", l->wanted.host);
	ask_srv(l, name);
}

static bool follow_naptr(struct lookup *l, const unsigned char *answer, int size)
{
	struct ares_naptr_reply       *list = NULL;
	const struct ares_naptr_reply *chosen;

	if (ares_parse_naptr_reply(answer, size, &list) != ARES_SUCCESS)
		return false;
	chosen = dns_naptr_choose(list, l->wanted.service, l->wanted.transport);
	if (chosen != NULL)
		ask_srv(l, chosen->replacement);
	ares_free_data(list);
	return chosen != NULL;
}

/* Servers that refuse NAPTR are old, not silent: the usual name is asked for as if there were none.
 * c-ares says so by the same number as of a closed port, where asking on costs one question more.
 */
static void on_naptr(void *user, int status, int timeouts, unsigned char *answer, int size)
{
	struct lookup *l = user;

	(void)timeouts;
	if (go_on(l, status)) {
		if (status == ARES_SUCCESS || is_negative(status))
			note_ttl(l, answer, size, status != ARES_SUCCESS);
		if (status == ARES_ETIMEOUT)
			failed(l, true, true, ares_strerror(status));
		else if (status != ARES_SUCCESS || !follow_naptr(l, answer, size))
			ask_usual_srv(l);
	}
	release(l);
}

void lookup_start(ares_channel channel, const struct lookup_wanted                   *wanted,
		  void (*done)(void *user, const struct lookup_result *result), void *user)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		done(user, &(struct lookup_result){.outcome = LOOKUP_FAILED, .why = "no memory"});
		return;
	}
	l->channel = channel;
	l->wanted = *wanted;
	l->done = done;
	l->user = user;
	if (l->wanted.service != NULL && l->wanted.by_srv)
		ask_usual_srv(l);
	else if (l->wanted.service != NULL)
		ask(l, l->wanted.host, ns_t_naptr, on_naptr, l);
	else {
		hold(l);
		ask_host(l);
		release(l);
	}
}
