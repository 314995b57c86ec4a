/*
 * A frame in numbers: what a script says of it, what the stack sent, and the way between both and
 * bytes. Sequence numbers, acknowledgements, SACK ranges and timestamps are relative to a flow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "net/net.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

enum frame_kind { FRAME_TCP, FRAME_ICMP, FRAME_UDP, FRAME_ARP, FRAME_IP, FRAME_ROUTER, FRAME_MLD };

/* Numbers of a frame. Those with a name in frame.c are written in scripts by that name. */
enum frame_field {
	FIELD_SEQ,
	FIELD_END, /* after the last byte of payload; SYN and FIN do not count */
	FIELD_ACK,
	FIELD_WINDOW,
	FIELD_MSS,
	FIELD_SCALE,
	FIELD_TS,
	FIELD_ECHO,
	FIELD_URGENT,
	FIELD_MTU,
	FIELD_LENGTH, /* of a UDP payload */
	FIELD_FILL,   /* each byte of the payload, instead of the number of its place */
	FIELD_CUT,    /* bytes taken from the end of the frame; the lengths in headers stay */
	FIELD_PAD,    /* bytes put behind the packet, as Ethernet does */
	FIELD_OFFSET, /* of TCP's data, in words of 4 bytes */
	FIELD_HOP,    /* hop limit or time to live */
	FIELD_ID,     /* of a fragment */
	FIELD_PART,   /* a fragment: its first byte of what IP carries */
	FIELD_PART_END,
	FIELD_VIA,       /* enum who: whose hardware address it goes to */
	FIELD_VLAN,      /* of its tag */
	FIELD_LIFETIME,  /* router advertisement: seconds */
	FIELD_REACHABLE, /* ms */
	FIELD_RETRANS,   /* ms */
	FIELD_HOP_ADVISED,
	FIELD_PREFIX, /* bits of the peer's address that are said to be on the link */
	FIELD_DELAY,  /* MLD query: what its answer may take, ms */
	FIELD_SACK,
	FIELD_COUNT = FIELD_SACK + 8
};

enum frame_word { /* what is said by a word alone */
		  WORD_SACK_PERMITTED = 1u << 0,
		  WORD_NO_TIMESTAMP = 1u << 1,
		  WORD_BAD_CHECKSUM = 1u << 2,
		  WORD_BAD_IP_CHECKSUM = 1u << 3,
		  WORD_BROADCAST = 1u << 4,   /* to the link's broadcast address */
		  WORD_FROM_US = 1u << 5,     /* the source is our own address */
		  WORD_FROM_OTHER = 1u << 6,  /* the source is another host of the link */
		  WORD_TO_OTHER = 1u << 7,    /* the destination is nobody here */
		  WORD_CONGESTED = 1u << 8,   /* ECN: congestion experienced */
		  WORD_NO_CHECKSUM = 1u << 9, /* UDP */
		  WORD_UNTAGGED = 1u << 10,
		  WORD_MORE = 1u << 11, /* of a fragment: more follow, wherever it ends */
};

#define FRAME_HEX_MAX 64u
#define FRAME_EXTENSIONS_MAX 9u

struct frame_hex {
	uint8_t size, bytes[FRAME_HEX_MAX];
};

struct frame {
	enum frame_kind  kind;
	unsigned         flow;
	uint64_t         named; /* bits by enum frame_field: these hold */
	uint32_t         words; /* enum frame_word */
	uint32_t         value[FIELD_COUNT];
	unsigned         sacks;
	uint8_t          flags;          /* TCP */
	uint8_t          icmp;           /* index in frame_icmp_names */
	uint8_t          operation;      /* ARP; enum router_word, enum mld_word */
	uint8_t          sender, target; /* ARP: enum who */
	uint8_t          protocol;       /* FRAME_IP */
	uint16_t         ports[2]; /* UDP, or what an ICMP error quotes: source, destination */
	struct frame_hex ip_options, tcp_options, payload;
	unsigned         extensions; /* IPv6: headers before TCP and its like */
	struct frame_ext {
		uint8_t          type;
		struct frame_hex body;         /* all but the number of what follows */
	} extension[FRAME_EXTENSIONS_MAX + 1]; /* and a fragment's */
};

enum who {
	WHO_US,
	WHO_PEER,
	WHO_OTHER,
	WHO_LINK,   /* we, by our link-local address */
	WHO_ROUTER, /* one of the link, by his link-local address */
	WHO_NONE,   /* the unspecified address */
	WHO_NOBODY,
	WHO_COUNT
};
extern const char *const frame_who_names[WHO_COUNT];

enum router_word { ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, ROUTER_WORDS };
enum mld_word { MLD_QUERY, MLD_QUERY1, MLD_REPORT, MLD_REPORT1, MLD_WORDS };
extern const char *const frame_router_names[ROUTER_WORDS], *const frame_mld_names[MLD_WORDS];

/* One connection as both sides number it. */
struct flow {
	uint16_t peer_port, our_port;
	uint32_t peer_isn, our_isn;
	bool     our_isn_known;
	bool     timestamps, sack; /* the peer offered them */
	bool     ts_known;         /* ts_base holds */
	uint32_t ts_base;          /* our timestamp at the start of the run */
	uint32_t ts_seen;          /* our newest, as it stood on the wire */
	uint32_t peer_ts_base;     /* the peer's at the start of the run */
	uint32_t peer_mss;         /* offered by its SYN */
	uint32_t conn;             /* handle, TCP_CONN_NONE before there is one */
	uint32_t sent, read;       /* bytes of the stream that the application wrote and read */
	bool     drains;           /* what arrives is read at once */
};

static inline bool frame_has(const struct frame *f, enum frame_field field)
{
	return (f->named & 1ull << field) != 0;
}

static inline void frame_set(struct frame *f, enum frame_field field, uint32_t value)
{
	f->named |= 1ull << field;
	f->value[field] = value;
}

/* Both sides' addresses, for one family. */
struct hosts {
	struct net_addr address[WHO_COUNT];
	uint8_t         mac[WHO_COUNT][6];
};

extern const char *const frame_field_name[FIELD_COUNT];

struct icmp_name {
	const char *name;
	uint8_t     type, code;   /* IPv4 */
	uint8_t     type6, code6; /* IPv6; 0: there is none */
};
extern const struct icmp_name frame_icmp_names[];

/* The bytes of a frame of the peer. Returns their number; room for FRAME_SIZE_MAX. */
#define FRAME_SIZE_MAX 2048u
#define FRAME_UPPER_MAX                                                                            \
	65552u /* of what IP carries, cut into fragments: the last may end beyond what IP can */
#define FRAME_PAYLOAD_MAX 1800u
size_t frame_write(const struct frame *frame, const struct flow *flow, const struct hosts *hosts,
		   uint8_t *bytes);

/*
 * What the stack sent, in numbers of the flow that find() gives for its ports (NULL: none of ours).
 * checksums_offloaded: the port was to fill them in. NULL, or what is wrong with the frame.
 */
const char *frame_read(const struct rte_mbuf *mbuf, const struct hosts *hosts,
		       struct flow *(*find)(void *context, uint16_t peer_port, uint16_t our_port),
		       void *context, bool checksums_offloaded, struct frame *frame);

/* The frame as a script would say it. */
void frame_print(const struct frame *frame, char *text, size_t size);

/* frame_link.c: what neighbours and routers say, which is all that lies directly over Ethernet or
 * is ICMPv6 of the link. */
struct put;
struct cur;
bool        frame_is_of_link(const struct frame *frame);
void        frame_link_write(struct put *w, const struct frame *frame, const struct hosts *hosts);
const char *frame_arp_read(const struct hosts *hosts, struct cur c, struct frame *frame);
/* c: an ICMPv6 message; ip: its packet. false: it is none of the link's. */
bool     frame_link_read(const struct hosts *hosts, const uint8_t *ip, struct cur c,
			 struct frame *frame);
uint8_t  frame_who(const struct hosts *hosts, const uint8_t *address);
uint16_t frame_checksum(const struct net_addr *from, const struct net_addr *to, uint8_t protocol,
			const uint8_t *bytes, size_t size);
