/*
 * Multicast listener reports (MLDv2, RFC 3810): switches that look into them must know that we are
 * in the solicited-node groups of our addresses, or nobody's question for us would arrive. Told
 * twice at the start, and to whoever asks. Where a querier of version 1 is, we speak that until it
 * was silent for long (8.2.1).
 */
#include <string.h>

#include <rte_byteorder.h>

#include "base/cur.h"
#include "net/ip6.h"

#define HOP_LIMIT 1
#define REPORT 143
#define RECORD_IS_EXCLUDE 2 /* of no source: we hear all */
#define RECORD_TO_EXCLUDE 4
#define HEADER 8u
#define RECORD 20u
#define MESSAGE1 24u
#define QUERY2 28u
#define QUERIER1_US (260 * US_PER_SECOND) /* RFC 3810, 9.12: 2 * 125 s + 10 s */
#define RESPONSE_US_MAX (10 * US_PER_SECOND)

static const struct net_addr reporters = {.w = {RTE_BE32(0xff020000), 0, 0, RTE_BE32(0x16)},
					  .ip6 = true};

/* RFC 3810, 5.2.13: without a link-local address that may be used, by none. */
static struct net_addr source_of(const struct net_local *local)
{
	return local != NULL && local->state == LOCAL_VALID ? local->address : ip6_unspecified;
}

/* The groups of a port, each once; silent: only those that nobody else told of. */
static unsigned groups_list(const struct net *net, unsigned port, bool silent,
			    struct net_addr groups[NET_LOCALS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < net->local_count; i++) {
		const struct net_local *local = &net->locals[i];
		struct net_addr         group = ip6_solicited_node(&local->address);
		bool                    known = false;

		if (local->port != port || !local->address.ip6 || local->state == LOCAL_DUPLICATE ||
		    (silent && local->group_told))
			continue;
		for (unsigned k = 0; k < count; k++)
			known = known || net_addr_same(&groups[k], &group);
		if (!known)
			groups[count++] = group;
	}
	return count;
}

/* RFC 2710, 3.6: a message for each group, to it. */
static void reports1_send(struct net *net, unsigned port)
{
	struct net_addr         groups[NET_LOCALS_MAX];
	unsigned                count = groups_list(net, port, true, groups);
	const struct net_local *local = local_link(net, port);

	for (unsigned i = 0; i < count; i++) {
		struct icmp6_way way = {.port = port,
					.hop_limit = HOP_LIMIT,
					.router_alert = true,
					.source = source_of(local),
					.destination = groups[i]};
		uint8_t         *at;
		struct rte_mbuf *m = icmp6_new(net, MESSAGE1, &at);

		if (m == NULL)
			return;
		ip6_group_mac(&way.destination, way.to);
		at[0] = ICMP6_LISTENER_REPORT1;
		memcpy(at + HEADER, groups[i].w, 16);
		metric_inc(net->metrics, METRIC_mld_reports_out);
		icmp6_send(net, &way, m);
	}
}

static void report_send(struct net *net, unsigned port, uint8_t record)
{
	struct net_addr         groups[NET_LOCALS_MAX];
	unsigned                count = groups_list(net, port, false, groups);
	uint16_t                size = (uint16_t)(HEADER + RECORD * count);
	const struct net_local *local = local_link(net, port);
	struct icmp6_way        way = {.port = port,
				       .hop_limit = HOP_LIMIT,
				       .router_alert = true,
				       .source = source_of(local),
				       .destination = reporters};
	uint8_t                *at;
	struct rte_mbuf        *m = count > 0 ? icmp6_new(net, size, &at) : NULL;

	if (m == NULL)
		return;
	ip6_group_mac(&way.destination, way.to);
	at[0] = REPORT;
	at[7] = (uint8_t)count;
	for (unsigned i = 0; i < count; i++) {
		at[HEADER + i * RECORD] = record;
		memcpy(at + HEADER + i * RECORD + 4, groups[i].w, 16);
	}
	metric_inc(net->metrics, METRIC_mld_reports_out);
	icmp6_send(net, &way, m);
}

static void groups_ask(struct net *net, unsigned port)
{
	for (unsigned i = 0; i < net->local_count; i++) {
		if (net->locals[i].port == port)
			net->locals[i].group_told = false;
	}
}

/* RFC 3810, 5.1 and 6.2: answered at a random time, so that not all answer at once. */
void mld_query(struct net *net, struct now now, const struct net_packet *p)
{
	struct net_link6 *link = &net->links6[p->port];
	struct cur        in = packet_payload(p);
	size_t            size = cur_left(&in);
	uint64_t          wait_us, due_us;

	cur_be32(&in);
	wait_us = (uint64_t)cur_be16(&in) * US_PER_MS;
	cur_be16(&in);
	cur_bytes(&in, 16);
	/* 8.1: its size is its version */
	if ((size != MESSAGE1 && size < QUERY2) || p->hop_limit != HOP_LIMIT ||
	    !ip6_is_link_local(&p->source) || !link->speaks) {
		net_drop(net, p->m, METRIC_icmp_dropped_malformed);
		return;
	}
	rte_pktmbuf_free(p->m);
	groups_ask(net, p->port);
	if (size == MESSAGE1)
		link->mld1_until_us = now.us + QUERIER1_US;
	if (wait_us > RESPONSE_US_MAX)
		wait_us = RESPONSE_US_MAX;
	due_us = now.us + random_below(&net->random, (uint32_t)wait_us + 1);
	if (link->reports == 0) {
		link->reports = 1;
		link->report_asked = true;
		link->report_us = due_us;
	} else if (due_us < link->report_us) {
		link->report_us = due_us;
	}
	if (link->report_us < net->tick_us)
		net->tick_us = link->report_us;
}

static void group_leave_out(struct net *net, const struct net_packet *p)
{
	bool waited = false;

	for (unsigned i = 0; i < net->local_count; i++) {
		struct net_local *local = &net->locals[i];
		struct net_addr   group = ip6_solicited_node(&local->address);

		if (local->port != p->port || !local->address.ip6 ||
		    !net_addr_same(&group, &p->destination))
			continue;
		waited = waited || !local->group_told;
		local->group_told = true;
	}
	metric_add(net->metrics, METRIC_mld_reports_suppressed, waited);
}

/* RFC 2710, 4: a querier of version 1 wants to hear of each group once, from whomever. */
void mld_report1(struct net *net, struct now now, const struct net_packet *p)
{
	struct cur     in = packet_payload(p);
	size_t         size = cur_left(&in);
	const uint8_t *group;

	cur_bytes(&in, HEADER);
	group = cur_bytes(&in, 16);
	if (size < MESSAGE1 || p->hop_limit != HOP_LIMIT || !ip6_is_link_local(&p->source) ||
	    memcmp(group, p->destination.w, 16) != 0) {
		net_drop(net, p->m, METRIC_icmp_dropped_malformed);
		return;
	}
	if (net->links6[p->port].reports > 0 && now.us < net->links6[p->port].mld1_until_us)
		group_leave_out(net, p);
	rte_pktmbuf_free(p->m);
}

uint64_t mld_tick(struct net *net, struct now now)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned port = 0; port < net->config.port_count; port++) {
		struct net_link6 *link = &net->links6[port];

		if (link->reports > 0 && now.us >= link->report_us) {
			if (now.us < link->mld1_until_us)
				reports1_send(net, port);
			else
				report_send(net, port,
					    link->report_asked ? RECORD_IS_EXCLUDE
							       : RECORD_TO_EXCLUDE);
			link->reports--;
			link->report_asked = false;
			link->report_us = now.us + US_PER_SECOND;
		}
		if (link->reports > 0)
			next_us = RTE_MIN(next_us, link->report_us);
	}
	return next_us;
}
