/*
 * The state of one run of cpm-load, as generator (esme, chat) or simulator peer (smsc), and what
 * the roles share: connections over kernel sockets and epoll, requests in flight, messages made and
 * received, figures. One process, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/random.h"
#include "chat_client.h"
#include "fault.h"
#include "histogram.h"
#include "marker.h"
#include "msg/text.h"
#include "options.h"
#include "pattern.h"
#include "record.h"
#include "smpp/pdu.h"

#define PEER_IN_SIZE (128u * 1024u) /* more than one PDU */
#define PEER_OUT_SIZE (256u * 1024u)
#define PEER_OUT_PAUSE                                                                             \
	(128u * 1024u) /* of bytes waiting; more are not made, and requests are not read */
#define TEXT_CHARS_MAX 20000u
#define STATUSES_MAX 32u
#define TICK_US 100000u
#define ENQUIRE_US 10000000u
#define UNBIND_US 3000000u

enum peer_state {
	PEER_CLOSED,
	PEER_CONNECTING,
	PEER_OPEN,
	PEER_BINDING,
	PEER_BOUND,
	PEER_PARTING, /* asked to part: it is answered when our open requests are */
	PEER_UNBINDING,
	PEER_FLUSHING
};

/* A request in flight. */
struct request {
	struct msg_concat part;     /* parts 0: not one */
	uint32_t          sequence; /* 0: free */
	uint32_t          number;
	uint64_t          sent_us; /* or, at a given rate, when it was due */
	bool              receipt; /* a receipt and not a message */
	uint8_t           to_size, from_size;
	char              to[PATTERN_SIZE_MAX], from[PATTERN_SIZE_MAX];
};

struct peer {
	int             fd;
	enum peer_state state;
	unsigned        slot;   /* in load.peers */
	uint32_t        serial; /* of the session; never comes twice */
	bool submits; /* it may send messages to us, or we to it, as an SMSC sees it: transmitter */
	bool receives; /* receiver */
	bool want_out, paused;
	bool held; /* PDUs that were read wait for room to answer them */
	uint32_t            sequence, window_used, request_mask;
	uint32_t            unbind_sequence; /* while parting */
	struct request     *requests;
	uint8_t            *in, *out;
	size_t              in_from, in_to, out_from, out_to;
	struct request      group; /* the long message whose parts are being sent */
	uint64_t            heard_us, asked_us, retry_us, since_us;
	char                system_id[SMPP_SYSTEM_ID_MAX];
	struct chat_client *chat; /* or NULL */
};

struct status_count {
	uint32_t status;
	uint64_t count;
};

struct stats {
	uint64_t            made, ok, failed, unanswered; /* requests of ours with a message */
	uint64_t            received, accepted, refused, changed, unmarked;
	uint64_t            receipts, receipts_sent, receipts_expected, receipts_undeliverable;
	uint64_t            sessions_opened, sessions_lost, malformed;
	uint64_t            faults[FAULT_KIND_COUNT];
	struct status_count statuses[STATUSES_MAX];
	struct histogram    latency;
};

struct texts {
	struct str *line;
	uint32_t    count;
};

enum load_phase { LOAD_RUNNING, LOAD_DRAINING, LOAD_UNBINDING, LOAD_DONE };

struct load;

/* A protocol, as roles speak it. */
struct speech {
	/* The next item of what was read, dealt with. MORE: there is none. BAD: the other side does
	 * not speak it; what it is told is put, and the connection goes. */
	enum pull (*take)(struct load *load, struct peer *peer, struct cur *in);
	void (*address)(struct load *load, struct peer *peer, struct request *request);
	void (*put)(struct load *load, struct peer *peer, const struct request *request);
	void (*ask)(struct load *load, struct peer *peer);  /* is it still there? */
	void (*part)(struct load *load, struct peer *peer); /* in order */
	struct str (*status_text)(uint32_t status);         /* empty: it has no name */
};

/* What a role does where they differ. */
struct role {
	const char          *name;
	const struct speech *speech;
	bool                 generator;   /* it sends what it was told to, and ends */
	uint32_t             request;     /* SMPP: command of the messages it sends */
	bool (*start)(struct load *load); /* false: said why */
	/* SMPP: a bind or its response */
	void (*bind)(struct load *load, struct peer *peer, const struct smpp_pdu *pdu);
	/* SMPP: what to do with a message received: the status to answer with is returned, unless
	 * *answer says that it answered, or will not. */
	void (*received)(struct load *load, struct peer *peer, const struct smpp_pdu *pdu,
			 struct record_line *line, const struct smpp_sm *sm);
	void (*turn)(struct load *load);       /* what is due now */
	bool (*idle)(const struct load *load); /* nothing more is to come */
	void (*closed)(struct load *load, struct peer *peer);
	void (*opened)(struct load *load,
		       struct peer *peer); /* a connection of ours is established */
};

struct load {
	const struct options *options;
	const struct role    *role;
	void                 *role_state;
	int                   epoll_fd, listen_fd;
	uint64_t              now_us, begun_us, ends_us, drain_until_us, tick_us;
	enum load_phase       phase;
	struct random         random;
	struct peer         **peers;
	unsigned              peer_count;
	uint32_t              serial_next;
	unsigned              turn; /* whose turn it is to send */
	struct pattern        to, from;
	struct texts          texts;
	enum msg_coding       coding;
	uint8_t               reference; /* of the last long message */
	uint64_t rate, count; /* of messages to send; count 0: none, UINT64_MAX: no limit */
	uint64_t first_due_us;
	uint64_t first_us,
		last_us; /* the first message sent or received, the last received or answered */
	struct record record;
	struct stats  stats;
	bool          failed; /* could not do what was asked */
};

/* peer.c */
struct peer *peer_new(struct load *load);
bool         peer_attach(struct load *load, struct peer *peer, int fd, enum peer_state state);
void         peer_close(struct load *load,
			struct peer *peer); /* the connection is gone; what is open has no answer */
void         peer_free(struct load *load, struct peer *peer);
void         peer_event(struct load *load, struct peer *peer, uint32_t events);
void         peer_turn(struct load *load,
		       struct peer *peer); /* sends what is written, and answers what waited for room */
size_t       peer_out_room(const struct peer *peer);
struct put   peer_put(struct peer *peer);                   /* room for PDUs ... */
void peer_put_done(struct peer *peer, const struct put *w); /* ... and what of it was used */
void peer_simple(struct peer *peer, uint32_t command, uint32_t status, uint32_t sequence);
struct peer *peer_find(const struct load *load, unsigned slot, uint32_t serial); /* NULL: gone */
/* A free request, its sequence number given; NULL: the window is full. */
struct request *peer_request(struct load *load, struct peer *peer);

/* compose.c */
bool       compose_init(struct load *load);
void       compose_request(struct load *load, struct peer *peer,
			   struct request *request); /* its addresses and its part */
struct str compose_text(struct load *load, const struct request *request); /* until the next */
void compose_put(struct load *load, struct peer *peer, const struct request *request); /* the PDU */
bool compose_read(const struct smpp_sm *sm, struct marker *marker); /* false: no marker */

/* traffic.c */
void traffic_fill(struct load *load); /* sends what window, rate and count allow */
void traffic_unanswered(struct load *load, struct peer *peer, struct request *request);
/* It was answered; status 0: it was taken. */
void traffic_answered(struct load *load, struct peer *peer, struct request *request,
		      uint32_t status, struct str remote_id);
/* A message came. */
void traffic_received(struct load *load, struct record_line *line, bool marked,
		      const struct marker *marker);
extern const struct speech speech_smpp;
void traffic_answer(struct peer *peer, uint32_t command, uint32_t sequence, uint32_t status,
		    struct str id);
uint64_t
traffic_next_us(const struct load *load); /* when the next message is due; UINT64_MAX: none */

/* report.c */
void report_status(struct stats *stats, uint32_t status);
void report_progress(const struct load *load);
void report_totals(const struct load *load);

/* dial.c: the connections of a generator. */
bool dial_start(struct load *load); /* false: said why */
void dial_turn(struct load *load);  /* those that were lost are opened again */
void dial_bound(struct load *load, struct peer *peer);
bool dial_was_bound(void); /* all were, once */
void dial_closed(struct load *load, struct peer *peer);
bool dial_receipts_over(const struct load *load); /* all came, or none comes any more */
void dial_receipt(struct load *load);             /* one came */

/* esme.c, smsc.c, chat.c */
extern const struct role role_esme, role_smsc, role_chat;

/* run.c: returns the exit code. */
int  load_run(const struct options *options, const struct role *role);
void load_fail(struct load *load); /* what was asked cannot be done; said why; ends the run */
