/* Frames of the link itself: ARP, and in IPv6 neighbours, routers and multicast listeners. */
#include <string.h>

#include <rte_byteorder.h>

#include "base/cur.h"
#include "base/put.h"
#include "frame.h"

#define TYPE_ARP 0x0806u
#define TYPE_IP6 0x86ddu
#define NDP_HOP 255
#define MLD_HOP 1

const char *const frame_who_names[WHO_COUNT] = {"us",     "peer", "other", "link",
						"router", "none", "nobody"};
const char *const frame_router_names[ROUTER_WORDS] = {"solicitation", "advertisement"};
const char *const frame_mld_names[MLD_WORDS] = {"query", "query1", "report", "report1"};

static const uint8_t router_types[ROUTER_WORDS] = {133, 134};
static const uint8_t mld_types[MLD_WORDS] = {130, 130, 143, 131};
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t solicited[13] = {0xff, 2, [11] = 1, 0xff}; /* nodes of an address */

uint8_t frame_who(const struct hosts *hosts, const uint8_t *address)
{
	size_t  size = hosts->address[WHO_US].ip6 ? 16 : 4;
	uint8_t i = 0;

	while (i < WHO_NOBODY && memcmp(hosts->address[i].w, address, size) != 0)
		i++;
	return i;
}

/* Who says that he is us has another's hardware address, as one without address has, unless it is
 * our own frame that comes back. */
static const uint8_t *mac_of(const struct frame *f, const struct hosts *hosts, uint8_t who)
{
	if (f->words & WORD_FROM_US)
		return hosts->mac[WHO_US];
	return hosts->mac[who == WHO_US || who == WHO_NONE ? WHO_OTHER : who];
}

bool frame_is_of_link(const struct frame *f)
{
	return f->kind == FRAME_ARP || f->kind == FRAME_ROUTER || f->kind == FRAME_MLD;
}

static void arp_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	static const uint8_t none[6], everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	put_bytes(w, f->operation == 1 ? everyone : hosts->mac[WHO_US], 6);
	put_bytes(w, mac_of(f, hosts, f->sender), 6);
	put_be16(w, TYPE_ARP);
	put_be32(w, 0x00010800);
	put_be16(w, 0x0604);
	put_be16(w, f->operation);
	put_bytes(w, mac_of(f, hosts, f->sender), 6);
	put_bytes(w, hosts->address[f->sender].w, 4);
	put_bytes(w, f->operation == 1 ? none : hosts->mac[f->target], 6);
	put_bytes(w, hosts->address[f->target].w, 4);
}

struct message {             /* ICMPv6 */
	const uint8_t  *mac; /* of the sender */
	struct net_addr from, to;
	uint8_t         hop;
	bool            alert; /* RFC 2711 */
	uint8_t         bytes[96];
	size_t          size;
};

static void message_write(struct put *w, const struct frame *f, const struct hosts *hosts,
			  struct message *m)
{
	static const uint8_t alert[8] = {58, 0, 5, 2, 0, 0, 1, 0};
	const uint8_t       *to = (const uint8_t *)m->to.w;
	uint16_t             sum = frame_checksum(&m->from, &m->to, 58, m->bytes, m->size);

	memcpy(m->bytes + 2, &sum, 2);
	if (f->words & WORD_BAD_CHECKSUM)
		m->bytes[2] ^= 0x5a;
	put_bytes(w, to[0] == 0xff ? (const uint8_t *)"\x33\x33" : hosts->mac[WHO_US], 2);
	put_bytes(w, to[0] == 0xff ? to + 12 : hosts->mac[WHO_US] + 2, 4);
	put_bytes(w, m->mac, 6);
	put_be16(w, TYPE_IP6);
	put_be32(w, 6u << 28);
	put_be16(w, (uint16_t)(m->size + (m->alert ? sizeof(alert) : 0)));
	put_u8(w, m->alert ? 0 : 58);
	put_u8(w, frame_has(f, FIELD_HOP) ? (uint8_t)f->value[FIELD_HOP] : m->hop);
	put_bytes(w, m->from.w, 16);
	put_bytes(w, m->to.w, 16);
	put_bytes(w, alert, m->alert ? sizeof(alert) : 0);
	put_bytes(w, m->bytes, m->size);
}

/*
 * Neighbour discovery in the words of ARP: a request is a solicitation, a reply the advertisement
 * that answers it, and a request of one for himself the advertisement that nobody asked for.
 */
static void neighbour_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	bool           asks = f->operation == 1 && f->sender != f->target;
	struct message m = {.mac = mac_of(f, hosts, f->sender),
			    .from = hosts->address[f->sender],
			    .to = hosts->address[f->target],
			    .hop = NDP_HOP};
	struct put     body = put_to(m.bytes, sizeof(m.bytes));

	if (asks)
		memcpy(m.to.w, solicited, 13);
	else if (f->operation == 1)
		memcpy(m.to.w, all_nodes, 16);
	put_u8(&body, asks ? 135 : 136);
	put_u8(&body, 0);
	put_be16(&body, 0);
	put_be32(&body, asks ? 0 : f->operation == 1 ? 0x20000000 : 0x60000000);
	put_bytes(&body, hosts->address[asks ? f->target : f->sender].w, 16);
	if (f->sender != WHO_NONE) {
		put_be16(&body, asks ? 0x0101 : 0x0201);
		put_bytes(&body, m.mac, 6);
	}
	m.size = put_size(&body);
	message_write(w, f, hosts, &m);
}

static void router_options_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	if (frame_has(f, FIELD_MTU)) {
		put_be32(w, 0x05010000);
		put_be32(w, f->value[FIELD_MTU]);
	}
	if (frame_has(f, FIELD_PREFIX)) {
		put_be16(w, 0x0304);
		put_u8(w, (uint8_t)f->value[FIELD_PREFIX]);
		put_u8(w, 0xc0); /* on the link, and to make addresses of */
		put_be32(w, 3600);
		put_be32(w, 3600);
		put_be32(w, 0);
		put_bytes(w, hosts->address[WHO_PEER].w, 16);
	}
}

static void router_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	enum who       who = f->words & WORD_FROM_OTHER ? WHO_OTHER : WHO_ROUTER;
	bool           advertises = f->operation == ROUTER_ADVERTISEMENT;
	struct message m = {.mac = hosts->mac[who],
			    .from = hosts->address[who],
			    .to = {.ip6 = true},
			    .hop = NDP_HOP};
	struct put     body = put_to(m.bytes, sizeof(m.bytes));

	memcpy(m.to.w, all_nodes, 16);
	put_be32(&body, (uint32_t)router_types[f->operation] << 24);
	put_u8(&body, (uint8_t)f->value[FIELD_HOP_ADVISED]);
	put_u8(&body, 0);
	put_be16(&body, (uint16_t)f->value[FIELD_LIFETIME]);
	if (advertises) {
		put_be32(&body, f->value[FIELD_REACHABLE]);
		put_be32(&body, f->value[FIELD_RETRANS]);
	}
	put_be16(&body, 0x0101);
	put_bytes(&body, m.mac, 6);
	if (advertises)
		router_options_write(&body, f, hosts);
	m.size = put_size(&body);
	message_write(w, f, hosts, &m);
}

/* Of a querier, or of another listener to the group of an address: of ours, unless told else. */
static void listener_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	enum who       who = f->words & WORD_FROM_OTHER ? WHO_OTHER : WHO_ROUTER;
	enum who       of = f->words & WORD_TO_OTHER ? WHO_OTHER : WHO_US;
	bool           reports = f->operation >= MLD_REPORT;
	struct message m = {.mac = hosts->mac[who],
			    .from = hosts->address[who],
			    .to = {.ip6 = true},
			    .hop = MLD_HOP,
			    .alert = true,
			    .size = f->operation == MLD_QUERY ? 28 : 24};

	memcpy(m.to.w, all_nodes, 16);
	m.bytes[4] = (uint8_t)(f->value[FIELD_DELAY] >> 8);
	m.bytes[5] = (uint8_t)f->value[FIELD_DELAY];
	if (reports) {
		memcpy(m.to.w, solicited, 13);
		memcpy((uint8_t *)m.to.w + 13, (const uint8_t *)hosts->address[of].w + 13, 3);
		memcpy(m.bytes + 8, m.to.w, 16);
	}
	m.bytes[0] = mld_types[f->operation];
	message_write(w, f, hosts, &m);
}

void frame_link_write(struct put *w, const struct frame *f, const struct hosts *hosts)
{
	if (f->kind == FRAME_ROUTER)
		router_write(w, f, hosts);
	else if (f->kind == FRAME_MLD)
		listener_write(w, f, hosts);
	else if (hosts->address[WHO_US].ip6)
		neighbour_write(w, f, hosts);
	else
		arp_write(w, f, hosts);
}

const char *frame_arp_read(const struct hosts *hosts, struct cur c, struct frame *f)
{
	const uint8_t *bytes = cur_bytes(&c, 28);

	if (bytes == NULL)
		return "an ARP packet that is cut";
	f->kind = FRAME_ARP;
	f->operation = bytes[7];
	f->sender = frame_who(hosts, bytes + 14);
	f->target = frame_who(hosts, bytes + 24);
	return NULL;
}

static void neighbour_read(struct frame *f, const struct hosts *hosts, const uint8_t *ip,
			   uint8_t type, const uint8_t *target)
{
	f->kind = FRAME_ARP;
	f->operation = type == 135 || ip[24] == 0xff ? 1 : 2;
	f->sender = frame_who(hosts, type == 135 ? ip + 8 : target);
	f->target = frame_who(hosts, f->operation == 2 ? ip + 24 : target);
}

bool frame_link_read(const struct hosts *hosts, const uint8_t *ip, struct cur c, struct frame *f)
{
	uint8_t        type;
	const uint8_t *target;

	if (ip[6] == 0)
		cur_bytes(&c, 8);
	type = cur_u8(&c);
	cur_bytes(&c, 7);
	if (type == 135 || type == 136) {
		target = cur_bytes(&c, 16);
		if (target != NULL)
			neighbour_read(f, hosts, ip, type, target);
		return target != NULL;
	}
	for (uint8_t i = 0; i < ROUTER_WORDS && !c.failed; i++) {
		if (router_types[i] != type)
			continue;
		f->kind = FRAME_ROUTER;
		f->operation = i;
		return true;
	}
	for (uint8_t i = MLD_REPORT; i < MLD_WORDS && !c.failed; i++) {
		if (mld_types[i] != type)
			continue;
		f->kind = FRAME_MLD;
		f->operation = i;
		return true;
	}
	return false;
}
