/* A script: what its lines say, read once and run many times. README.md beside this file is the
 * language. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "frame.h"
#include "tcp/tcp.h"

/* A number that may depend on the variant: constant + mss * (payload of a full segment) + offer *
 * (the MSS option that we send). */
struct number {
	int64_t constant;
	int32_t mss, offer;
};

enum step_kind {
	STEP_IN,
	STEP_OUT,
	STEP_OUT_ANY,  /* "> *" */
	STEP_OUT_SKIP, /* "> ..." */
	STEP_SILENT,
	STEP_LISTEN,
	STEP_LISTEN_STOP,
	STEP_CONNECT,
	STEP_SEND,
	STEP_READ,
	STEP_DRAIN,
	STEP_PAUSE,
	STEP_CLOSE,
	STEP_ABORT,
	STEP_BIND,
	STEP_UNBIND,
	STEP_DATAGRAM,
	STEP_EVENT,
	STEP_NO_EVENT,
	STEP_RECEIVED,
	STEP_UDP_ERROR,
	STEP_EXPECT,
	STEP_BURST,
	STEP_BURST_END,
	STEP_FLOOD,
	STEP_RENEW,
	STEP_SQUEEZE,
};

enum compare { COMPARE_EQUAL, COMPARE_LESS, COMPARE_MORE, COMPARE_AT_MOST, COMPARE_AT_LEAST };

struct step {
	enum step_kind kind;
	unsigned       line;
	uint64_t       after_us;
	bool           whenever; /* "+*" */
	unsigned       flow;
	unsigned       times; /* a frame in, so often */
	struct frame   frame;
	struct number  value[FIELD_COUNT]; /* of frame */
	struct number  number; /* send, read, expect, flood, renew, squeeze; bytes of a datagram */
	struct number  taken;  /* send ... takes N */
	bool           has_number, has_taken;
	enum compare   compare;
	char what[40], word[40]; /* expect: what, and the word it is to be; event: kind, reason */
	struct tcp_options options; /* listen, connect */
	bool               fails;   /* connect, datagram: it fails */
};

/* What a variant can be; a script's head says which make no sense for it. */
enum trait {
	TRAIT_IP4 = 1u << 0,
	TRAIT_IP6 = 1u << 1,
	TRAIT_TIMESTAMPS = 1u << 2,
	TRAIT_SACK = 1u << 3,
	TRAIT_OFFLOAD = 1u << 4,
	TRAIT_CHAINED = 1u << 5,
	TRAIT_WRAP = 1u << 6, /* numbers near a wrap */
	TRAIT_VLAN = 1u << 7, /* all frames carry the tag of one */
};
extern const char *const script_trait_names[]; /* by bit */

struct script {
	const char       *path;
	char             *text;
	const char      **lines; /* as written, for messages */
	unsigned          line_count;
	struct step      *steps;
	unsigned          step_count;
	uint32_t          only, never; /* enum trait */
	uint16_t          mtu;
	struct tcp_config config;
	unsigned          pool;            /* mbufs of the stack; 0: plenty */
	bool              neighbours_seen; /* ARP and ND are the script's business */
	bool              link_seen;       /* and all else that is said on the link */
	bool              gateway;         /* the peer is behind a gateway (who: other) */
	bool              router;          /* he is behind one that must advertise itself */
	bool              duplicate_check;
};

/* NULL after a message on `errors`: path:line: what is wrong, what would be right. */
struct script *script_read(const char *path, FILE *errors);
void           script_free(struct script *script);
