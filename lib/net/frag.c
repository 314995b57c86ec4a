/*
 * Reassembly (RFC 791, RFC 8200 4.5). Not DPDK's: it takes 8 fragments, a duplicate destroys its
 * datagram, and it lets overlaps through, so that most of a reassembly would stand in front of it.
 *
 * Here an overlap spoils its datagram for good (RFC 5722), an exact duplicate is passed over, and
 * whatever is sent, memory and work are bounded: 16 datagrams for each pair of addresses, 64
 * fragments a datagram, a share of the pool for all. What is complete is copied together and goes
 * the way of any packet. The datagrams of a pair of addresses belong to one worker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "base/assert.h"
#include "net/ip6.h"
#include "net/sum.h"

#define SETS 64u
#define WAYS 16u
#define FRAGMENTS_MAX 64u
#define HELD_MAX 1024u                  /* buffers, or an eighth of the pool */
#define TIMEOUT_US (60 * US_PER_SECOND) /* RFC 1122, 3.3.2; RFC 8200, 4.5 */
#define WHOLE_MAX 31u                   /* large datagrams complete and not yet taken */
#define WHOLE_ROOM UINT16_MAX           /* of an mbuf: 14 bytes less than IP could have */
#define NONE UINT16_MAX
#define TIME_EXCEEDED_REASSEMBLY 1
#define FRAGMENT_HEADER 8u
#define PARAMETER_HEADER 0 /* codes of ICMPv6 */
#define PARAMETER_CHAIN 3
#define SIZE_FIELD 4u /* where an IPv6 header has its payload length */

enum state {
	FREE,
	WAITS,
	SPOILT, /* nothing is held; what still comes of it is dropped (RFC 5722, 4) */
};

/* One that is being put together. Its fragments are linked by next, in the order of hash.usr, which
 * is their offset; each still has its headers (l2_len, l3_len). */
struct datagram {
	struct net_addr  source, destination;
	uint32_t         id;
	uint8_t          protocol; /* part of the name in IPv4; 0 in IPv6 */
	uint8_t          state, port, count;
	uint32_t         held, end; /* bytes; end: all, 0 while the last fragment is missing */
	uint64_t         due_us;
	uint16_t         older, newer;
	struct rte_mbuf *first;
};

struct frags {
	struct datagram     datagrams[SETS * WAYS];
	uint16_t            oldest, newest; /* of those not free */
	unsigned            held, held_max; /* buffers */
	struct rte_mempool *wholes;
};

bool frag_init(struct net *net)
{
	struct frags *frags = calloc(1, sizeof(*frags));
	char          name[RTE_MEMPOOL_NAMESIZE];
	unsigned      share;

	net->frags = frags;
	if (frags == NULL)
		return false;
	frags->oldest = frags->newest = NONE;
	share = net->config.pool->size / 8;
	frags->held_max = share < HELD_MAX ? share : HELD_MAX;
	snprintf(name, sizeof(name), "whole%lx", (unsigned long)frags);
	frags->wholes = rte_pktmbuf_pool_create(name, WHOLE_MAX, 0, 0, WHOLE_ROOM, SOCKET_ID_ANY);
	return frags->wholes != NULL;
}

static void held_free(struct frags *frags, struct datagram *d)
{
	while (d->first != NULL) {
		struct rte_mbuf *m = d->first;

		d->first = m->next;
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
	}
	frags->held -= d->count;
	d->count = 0;
}

void frag_free(struct net *net)
{
	if (net->frags == NULL)
		return;
	for (unsigned i = 0; i < SETS * WAYS; i++)
		held_free(net->frags, &net->frags->datagrams[i]);
	rte_mempool_free(net->frags->wholes);
	free(net->frags);
}

static void forget(struct frags *frags, struct datagram *d)
{
	held_free(frags, d);
	if (d->older != NONE)
		frags->datagrams[d->older].newer = d->newer;
	else
		frags->oldest = d->newer;
	if (d->newer != NONE)
		frags->datagrams[d->newer].older = d->older;
	else
		frags->newest = d->older;
	d->state = FREE;
}

static void spoil(struct net *net, struct datagram *d)
{
	metric_inc(net->metrics, METRIC_ip_reasm_fails);
	held_free(net->frags, d);
	d->state = SPOILT;
}

static struct datagram *set_of(const struct net *net, const struct net_packet *p)
{
	const uint32_t *from = p->source.w, *to = p->destination.w;
	uint64_t        key = hash_mix(net->config.seed ^ ((uint64_t)from[0] << 32 | to[0]));

	if (p->source.ip6) {
		key = hash_mix(key ^ ((uint64_t)from[1] << 32 | to[1]));
		key = hash_mix(key ^ ((uint64_t)from[2] << 32 | to[2]));
		key = hash_mix(key ^ ((uint64_t)from[3] << 32 | to[3]));
	}
	return net->frags->datagrams + key % SETS * WAYS;
}

static bool is_of(const struct datagram *d, const struct net_packet *p, uint8_t protocol)
{
	return d->state != FREE && d->id == p->fragment_id && d->protocol == protocol &&
	       net_addr_same(&d->source, &p->source) &&
	       net_addr_same(&d->destination, &p->destination);
}

/* A new one, in a free place or that of the oldest of its set: others are not pushed out by one
 * source. */
static struct datagram *datagram_new(struct net *net, struct now now, struct datagram *set,
				     const struct net_packet *p)
{
	struct frags    *frags = net->frags;
	struct datagram *place = &set[0];
	uint16_t         index;

	for (unsigned i = 1; i < WAYS && place->state != FREE; i++) {
		if (set[i].state == FREE || set[i].due_us < place->due_us)
			place = &set[i];
	}
	if (place->state != FREE) {
		metric_inc(net->metrics, METRIC_fragments_dropped_limit);
		forget(frags, place);
	}
	index = (uint16_t)(place - frags->datagrams);
	*place = (struct datagram){.source = p->source,
				   .destination = p->destination,
				   .id = p->fragment_id,
				   .protocol = p->source.ip6 ? 0 : p->protocol,
				   .state = WAITS,
				   .port = (uint8_t)p->port,
				   .due_us = now.us + TIMEOUT_US,
				   .older = frags->newest,
				   .newer = NONE};
	if (frags->newest != NONE)
		frags->datagrams[frags->newest].newer = index;
	else
		frags->oldest = index;
	frags->newest = index;
	if (place->due_us < net->tick_us)
		net->tick_us = place->due_us;
	return place;
}

static struct datagram *datagram_find(struct net *net, struct now now, const struct net_packet *p)
{
	struct datagram *set = set_of(net, p);
	uint8_t          protocol = p->source.ip6 ? 0 : p->protocol;

	for (unsigned i = 0; i < WAYS; i++) {
		if (is_of(&set[i], p, protocol))
			return &set[i];
	}
	return datagram_new(net, now, set, p);
}

static uint32_t payload_size(const struct rte_mbuf *m)
{
	return m->data_len - m->l2_len - (uint32_t)m->l3_len;
}

static const uint8_t *payload(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, const uint8_t *, m->l2_len + m->l3_len);
}

static bool is_same(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	return a->hash.usr == b->hash.usr && payload_size(a) == payload_size(b) &&
	       memcmp(payload(a), payload(b), payload_size(a)) == 0;
}

enum fit { FIT_TAKEN, FIT_DUPLICATE, FIT_OVERLAP };

/* Into its place, unless some of it is there already or beyond the end. */
static enum fit fit(struct datagram *d, struct rte_mbuf *m, bool more)
{
	uint32_t          start = m->hash.usr, end = start + payload_size(m);
	struct rte_mbuf **link = &d->first, *before = NULL;

	while (*link != NULL && (*link)->hash.usr < start) {
		before = *link;
		link = &before->next;
	}
	if (*link != NULL && is_same(*link, m))
		return FIT_DUPLICATE;
	if ((before != NULL && before->hash.usr + payload_size(before) > start) ||
	    (*link != NULL && (*link)->hash.usr < end) || (d->end != 0 && end > d->end) ||
	    (!more && (*link != NULL || d->end != 0)))
		return FIT_OVERLAP;
	if (!more)
		d->end = end;
	m->next = *link;
	*link = m;
	d->held += end - start;
	d->count++;
	return FIT_TAKEN;
}

/* The headers of the first fragment say now what they would have said of the whole. */
static void headers_mend(uint8_t *ip, unsigned header_size, uint32_t size, bool ip6)
{
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)(void *)ip;
	uint16_t             total;

	if (ip6) { /* its fragment header stays: one that is whole (RFC 6946) */
		total = rte_cpu_to_be_16((uint16_t)(header_size - NET_IP6_HEADER + size));
		memcpy(ip + 4, &total, 2);
		memset(ip + header_size - FRAGMENT_HEADER + 2, 0, 2);
		return;
	}
	ip4->total_length = rte_cpu_to_be_16((uint16_t)(header_size + size));
	ip4->fragment_offset = 0;
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = sum_checksum(sum_few(ip, header_size));
}

/* All of it in one piece, which is the caller's; NULL: no memory. */
static struct rte_mbuf *whole_new(struct net *net, const struct datagram *d)
{
	const struct rte_mbuf *first = d->first;
	unsigned               headers = first->l2_len + (unsigned)first->l3_len;
	struct rte_mbuf       *whole = net_mbuf_new(net);
	uint8_t               *at;

	if (whole != NULL && rte_pktmbuf_tailroom(whole) < headers + d->end) {
		rte_pktmbuf_free(whole);
		whole = rte_pktmbuf_alloc(net->frags->wholes);
		if (whole != NULL)
			whole->data_off = 0;
	}
	if (whole == NULL)
		return NULL;
	whole->port = d->port;
	at = (uint8_t *)rte_pktmbuf_append(whole, (uint16_t)(headers + d->end));
	ASSERT(at != NULL);
	memcpy(at, rte_pktmbuf_mtod(first, const uint8_t *), headers);
	headers_mend(at + first->l2_len, first->l3_len, d->end, d->source.ip6);
	for (const struct rte_mbuf *m = first; m != NULL; m = m->next)
		memcpy(at + headers + m->hash.usr, payload(m), payload_size(m));
	return whole;
}

static enum input complete(struct net *net, struct now now, struct datagram *d)
{
	unsigned         port = d->port;
	bool             ip6 = d->source.ip6;
	struct rte_mbuf *whole = whole_new(net, d);

	forget(net->frags, d);
	if (whole == NULL) {
		metric_inc(net->metrics, METRIC_net_no_memory);
		metric_inc(net->metrics, METRIC_ip_reasm_fails);
		return INPUT_TAKEN;
	}
	metric_inc(net->metrics, METRIC_ip_reasm_oks);
	if ((ip6 ? ip6_input(net, now, port, whole) : ip4_input(net, now, port, whole)) ==
	    INPUT_TAKEN)
		return INPUT_TAKEN;
	net->whole = whole;
	return INPUT_TCP;
}

/* Memory for one more, from the oldest if need be. */
static void room_make(struct net *net)
{
	struct frags *frags = net->frags;

	while (frags->held >= frags->held_max && frags->oldest != NONE) {
		metric_inc(net->metrics, METRIC_fragments_dropped_limit);
		metric_inc(net->metrics, METRIC_ip_reasm_fails);
		forget(frags, &frags->datagrams[frags->oldest]);
	}
}

/* RFC 8200, 4.5: whoever sends what cannot be is told so in IPv6. Takes the packet that does not
 * pass. */
static bool fragment_passes(struct net *net, struct now now, const struct net_packet *p)
{
	const enum metric why = METRIC_fragments_dropped_malformed;
	uint32_t          end = p->fragment_offset + (uint32_t)p->payload_size;
	uint32_t          field = p->header_size - FRAGMENT_HEADER + 2u;
	bool              odd = p->more_fragments && p->payload_size % 8 != 0;
	bool              beyond = NET_ETHER_HEADER + p->header_size + end > WHOLE_ROOM;

	if (p->payload_size == 0 || ((odd || beyond) && !p->source.ip6))
		net_drop(net, p->m, why);
	else if (odd || beyond)
		icmp6_parameter_send(net, now, p, PARAMETER_HEADER, odd ? SIZE_FIELD : field, why);
	else if (p->source.ip6 && p->fragment_offset == 0 && !ip6_chain_is_whole(p))
		icmp6_parameter_send(net, now, p, PARAMETER_CHAIN, 0, why); /* RFC 7112, 5 */
	else
		return true;
	return false;
}

enum input frag_take(struct net *net, struct now now, const struct net_packet *p)
{
	struct rte_mbuf *m = p->m;
	struct datagram *d;

	metric_inc(net->metrics, METRIC_ip_reasm_reqds);
	if (!fragment_passes(net, now, p))
		return INPUT_TAKEN;
	room_make(net);
	d = datagram_find(net, now, p);
	if (d->state == SPOILT) {
		net_drop(net, m, METRIC_fragments_dropped_overlap);
		return INPUT_TAKEN;
	}
	if (d->count == FRAGMENTS_MAX) {
		spoil(net, d);
		net_drop(net, m, METRIC_fragments_dropped_limit);
		return INPUT_TAKEN;
	}
	m->l2_len = NET_ETHER_HEADER;
	m->l3_len = p->header_size;
	m->hash.usr = p->fragment_offset;
	switch (fit(d, m, p->more_fragments)) {
	case FIT_TAKEN:
		net->frags->held++;
		break;
	case FIT_DUPLICATE:
		net_drop(net, m, METRIC_fragments_dropped_duplicate);
		return INPUT_TAKEN;
	case FIT_OVERLAP:
		spoil(net, d);
		net_drop(net, m, METRIC_fragments_dropped_overlap);
		return INPUT_TAKEN;
	}
	return d->end != 0 && d->held == d->end ? complete(net, now, d) : INPUT_TAKEN;
}

/* A pair of addresses has one worker, that of its tuple without ports: so a port with RSS deals
 * fragments out. */
enum input frag_input(struct net *net, struct now now, const struct net_packet *p)
{
	unsigned owner = net_owner(net, &p->destination, 0, &p->source, 0);

	if (p->link_many) {
		net_drop(net, p->m, METRIC_ip_dropped_destination);
		return INPUT_TAKEN;
	}
	if (owner == net->config.worker && !net->config.forward_all)
		return frag_take(net, now, p);
	net_foreign_append(net, owner, p->m);
	return INPUT_TAKEN;
}

/* Its time is over. Who sent the first fragment is told (RFC 1122, 3.3.2; RFC 8200, 4.5). */
static void expire(struct net *net, struct now now, struct datagram *d)
{
	struct net_packet p = {.port = d->port, .source = d->source, .destination = d->destination};
	struct rte_mbuf  *first = d->first;

	if (d->state == WAITS) {
		metric_inc(net->metrics, METRIC_ip_reasm_fails);
		metric_inc(net->metrics, METRIC_fragments_timeouts);
	}
	if (first != NULL && first->hash.usr == 0) {
		d->first = first->next;
		d->count--;
		net->frags->held--;
		first->next = NULL;
		p.m = first;
		p.header_size = first->l3_len;
		p.payload_size = (uint16_t)payload_size(first);
		if (p.source.ip6)
			icmp6_time_exceeded_send(net, now, &p, TIME_EXCEEDED_REASSEMBLY);
		else
			icmp_time_exceeded_send(net, now, &p, TIME_EXCEEDED_REASSEMBLY);
	}
	forget(net->frags, d);
}

uint64_t frag_tick(struct net *net, struct now now)
{
	struct frags *frags = net->frags;

	while (frags->oldest != NONE && frags->datagrams[frags->oldest].due_us <= now.us)
		expire(net, now, &frags->datagrams[frags->oldest]);
	return frags->oldest != NONE ? frags->datagrams[frags->oldest].due_us : UINT64_MAX;
}
