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

enum frame_kind { FRAME_TCP, FRAME_ICMP, FRAME_UDP, FRAME_ARP, FRAME_IP };

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
	FIELD_SACK,
	FIELD_COUNT = FIELD_SACK + 8
};

enum frame_word { /* what is said by a word alone */
		  WORD_SACK_PERMITTED = 1u << 0,
		  WORD_NO_TIMESTAMP = 1u << 1,
		  WORD_BAD_CHECKSUM = 1u << 2,
		  WORD_BAD_IP_CHECKSUM = 1u << 3,
		  WORD_BROADCAST = 1u << 4,  /* to the link's broadcast address */
		  WORD_FROM_US = 1u << 5,    /* the source is our own address */
		  WORD_FROM_OTHER = 1u << 6, /* the source is another host of the link */
		  WORD_TO_OTHER = 1u << 7,   /* the destination is nobody here */
		  WORD_CONGESTED = 1u << 8,  /* ECN: congestion experienced */
};

#define FRAME_HEX_MAX 64u
#define FRAME_EXTENSIONS_MAX 9u

struct frame_hex {
	uint8_t size, bytes[FRAME_HEX_MAX];
};

struct frame {
	enum frame_kind  kind;
	unsigned         flow;
	uint32_t         named; /* bits by enum frame_field: these hold */
	uint32_t         words; /* enum frame_word */
	uint32_t         value[FIELD_COUNT];
	unsigned         sacks;
	uint8_t          flags;          /* TCP */
	uint8_t          icmp;           /* index in frame_icmp_names */
	uint8_t          operation;      /* ARP */
	uint8_t          sender, target; /* ARP: enum who */
	uint8_t          protocol;       /* FRAME_IP */
	uint16_t         ports[2];       /* UDP: source, destination */
	struct frame_hex ip_options, tcp_options, payload;
	unsigned         extensions; /* IPv6: headers before TCP and its like */
	struct frame_ext {
		uint8_t          type;
		struct frame_hex body; /* all but the number of what follows */
	} extension[FRAME_EXTENSIONS_MAX];
};

enum who { WHO_US, WHO_PEER, WHO_OTHER, WHO_NOBODY, WHO_COUNT };

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
	return (f->named & 1u << field) != 0;
}

static inline void frame_set(struct frame *f, enum frame_field field, uint32_t value)
{
	f->named |= 1u << field;
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
