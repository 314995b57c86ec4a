/*
 * Between workers: rings, single producer and single consumer for each ordered pair, for packets,
 * messages and results. No worker ever waits for one: packets that do not fit are dropped and
 * counted (TCP repairs it), messages go to the next target, and results always fit, because at most
 * XCORE_OPEN_MAX messages and questions of one worker are unresolved at another.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "net/net.h"
#include "proto/proto.h"

#include "conversations.h"
#include "deliver.h"
#include "receipts.h"
#include "registered.h"

struct worker;
struct msg;

#define XCORE_OPEN_MAX 4096u
#define XCORE_MESSAGES_RING 8192u /* lent messages, and notes about receipts and conversations */
#define XCORE_PACKETS_RING 4096u

enum xmsg_kind {
	XMSG_LEND,
	XMSG_RECEIPT_OPEN,
	XMSG_RECEIPT_ASK,
	XMSG_RECEIPT_DONE,
	XMSG_CONVERSATION,
	XMSG_REPLACED,
	XMSG_HANDED_OVER,
	XMSG_NEWS,
	XMSG_ITEM
};

struct xmsg {
	uint32_t kind; /* enum xmsg_kind */
	uint32_t flight;
	union {
		struct delivery_order    lend;
		struct receipt_note      note;
		struct conversation_note conversation;
		struct net_news          news;
		struct registered_loss   loss;
		struct {
			const struct msg *m; /* lent until its result is home */
			struct flow       from;
		} item;
	};
};

struct xresult {
	uint32_t kind;
	uint32_t flight, generation;
	union {
		struct result        result; /* XMSG_LEND */
		struct receipt_found found;  /* XMSG_RECEIPT_ASK */
		struct {
			const struct msg *m;
			struct result     answer;
		} item; /* XMSG_ITEM */
	};
};

_Static_assert(sizeof(struct xmsg) % 4 == 0 && sizeof(struct xresult) % 4 == 0,
	       "ring elements are multiples of 4 bytes");

struct xcore {
	struct rte_ring *packets_in[NET_WORKERS_MAX],
		*packets_out[NET_WORKERS_MAX]; /* by the other worker; NULL for ourselves; packets:
						  also to ourselves in forward_all */
	struct rte_ring *messages_in[NET_WORKERS_MAX], *messages_out[NET_WORKERS_MAX];
	struct rte_ring *results_in[NET_WORKERS_MAX], *results_out[NET_WORKERS_MAX];
	uint32_t         open[NET_WORKERS_MAX]; /* of ours, unresolved there */
};

/* Make all rings; once, when all workers exist. 0 or -ENOMEM. */
int  xcore_connect(struct worker *const workers[], unsigned count);
void xcore_free(struct worker *w);

/* False: the ring is full or too many are open there. */
bool xcore_lend(struct worker *w, const struct delivery_order *order, uint32_t flight);
void xcore_result(struct worker *w, unsigned home, uint32_t flight, const struct result *result);
bool xcore_note(struct worker *w, unsigned to, enum xmsg_kind kind,
		const struct receipt_note *note);
bool xcore_conversation(struct worker *w, unsigned to, const struct conversation_note *note);
/* The worker of the session ends it. Where the ring is full it lives on, without its place. */
void xcore_replaced(struct worker *w, const struct registered_loss *loss);
/* The answer to who has its place. Where the ring is full that one's time to log in ends. */
void xcore_handed_over(struct worker *w, const struct registered_loss *loss);
void xcore_receipt_answer(struct worker *w, unsigned home, uint32_t flight, uint32_t generation,
			  const struct receipt_found *found);

/* Lends m to the worker, whose answer comes back by itself: the session that m->origin names gets
 * it, and m is freed. False: as xcore_lend(). */
bool xcore_item(struct worker *w, unsigned to, const struct msg *m, const struct flow *from);

/* Foreign packets of the last burst, and news of the network, to the others. */
void xcore_packets_out(struct worker *w);
/* All that others sent us, bounded. Returns how much there was. */
unsigned xcore_turn(struct worker *w);
