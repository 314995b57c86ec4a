/* What the files of the session share, and nobody else includes. */
#pragma once

#include "base/assert.h"
#include "smpp/map.h"
#include "smpp/request.h"
#include "smpp/session.h"
#include "smpp/status.h"

struct smpp_instance {
	struct metrics      *metrics;
	struct smpp_requests requests;
	uint32_t             sessions; /* opened so far: the next session's number */
	uint8_t              protocol;
};

struct smpp_session {
	struct smpp_instance *instance;
	uint8_t               state;        /* enum smpp_state */
	bool                  connecting;   /* we are the ESME; else the message centre */
	uint8_t               may;          /* PROTO_SENDS | PROTO_RECEIVES */
	uint8_t               peer_version; /* interface_version of its bind or bind response */
	bool                  close_due;    /* tick() is to give EVENT_CLOSE */
	bool                  blocked;      /* SUBMIT_LATER was said */
	bool                  enquiring;    /* our enquire_link is unanswered */
	uint8_t               close_why;    /* enum reason */
	uint32_t              blocked_room; /* bytes of *out that the refused submit would need */
	uint32_t              sequence;     /* of our last request */
	uint32_t              enquire_sequence;
	uint32_t login_sequence, login_command; /* the bind that waits: ours or the peer's */
	uint32_t part_sequence;                 /* of the unbind: ours or the peer's */
	uint32_t in_open;                       /* messages taken and unanswered */
	struct smpp_request_list out_open;
	uint64_t                 heard_us;     /* the last PDU */
	uint64_t                 message_us;   /* the last message or answer to one */
	uint64_t                 enquire_us;   /* when our enquire_link went */
	uint64_t                 login_due_us; /* OPEN */
	uint64_t                 part_due_us;  /* PARTING, UNBINDING, UNBOUND */
	struct proto_settings    settings;
	char                     node[SMPP_SYSTEM_ID_MAX];
	uint8_t                  node_size;
};

static inline bool smpp_bound(const struct smpp_session *s)
{
	return s->state == SMPP_STATE_BOUND || s->state == SMPP_STATE_PARTING;
}

static inline uint32_t smpp_out_command(const struct smpp_session *s)
{
	return s->connecting ? SMPP_submit_sm : SMPP_deliver_sm;
}

uint32_t smpp_next_sequence(struct smpp_session *s);

/* Every PDU that leaves without a body, or with the body that end() closes. False: no room, nothing
 * written. */
bool smpp_send(struct smpp_session *s, struct out *out, uint32_t command, uint32_t status,
	       uint32_t sequence);
bool smpp_send_end(struct smpp_session *s, struct out *out, size_t mark);

/* The answer to submit_sm, data_sm, deliver_sm. */
void smpp_send_answer(struct smpp_session *s, struct out *out, uint32_t command, uint32_t status,
		      uint32_t sequence, uint64_t msg_id);

/* Something was finished: where a side wants to part and nothing is open any more, go on with that.
 */
void smpp_part_step(struct smpp_session *s, struct now now, struct out *out);
void smpp_close_later(struct smpp_session *s, enum reason why);
void smpp_part_begin(struct smpp_session *s, struct now now, struct out *out, enum reason why);

enum pull smpp_session_feed(void *session, struct now now, const struct flow *from, struct cur *in,
			    struct out *out, struct proto_event *event);
