#include "load.h"

#define FILL_MAX 2048u /* messages made before the sockets are read again */
#define BURST_MAX 16u  /* of one session before it is another's turn */

static bool may_send(const struct load *load, const struct peer *peer)
{
	return peer != NULL && peer->state == PEER_BOUND &&
	       (load->role->generator ? peer->submits : peer->receives) &&
	       peer->window_used < load->options->window && peer_out_room(peer) > 0;
}

/* When message `made` is to go. */
static uint64_t due_us(const struct load *load)
{
	return load->rate == 0 ? 0
			       : load->first_due_us + (uint64_t)((double)load->stats.made * 1e6 /
								 (double)load->rate);
}

static bool due(const struct load *load)
{
	return load->phase == LOAD_RUNNING && load->stats.made < load->count &&
	       due_us(load) <= load->now_us;
}

uint64_t traffic_next_us(const struct load *load)
{
	if (load->phase != LOAD_RUNNING || load->rate == 0 || load->first_due_us == 0 ||
	    load->stats.made >= load->count)
		return UINT64_MAX;
	return due_us(load);
}

static void send_one(struct load *load, struct peer *peer)
{
	struct request *request;

	if (load->first_due_us == 0)
		load->first_due_us = load->now_us;
	if (load->first_us == 0)
		load->first_us = load->now_us;
	request = peer_request(load, peer);
	request->sent_us = load->rate == 0 ? load->now_us : due_us(load);
	request->number = (uint32_t)load->stats.made++;
	load->role->speech->address(load, peer, request);
	load->role->speech->put(load, peer, request);
}

void traffic_fill(struct load *load)
{
	unsigned made = 0, blocked = 0;

	while (blocked < load->peer_count && made < FILL_MAX && due(load)) {
		struct peer *peer = load->peers[load->turn % load->peer_count];
		unsigned     burst = 0;

		load->turn++;
		while (burst < BURST_MAX && may_send(load, peer) && (burst == 0 || due(load))) {
			send_one(load, peer);
			burst++;
		}
		blocked = burst > 0 ? 0 : blocked + 1;
		made += burst;
	}
}

static void request_done(struct peer *peer, struct request *request)
{
	request->sequence = 0;
	peer->window_used--;
}

/* Asked to part, and nothing of ours waits for an answer any more. */
static void part(struct peer *peer)
{
	if (peer->state != PEER_PARTING || peer->window_used > 0)
		return;
	peer_simple(peer, SMPP_unbind_resp, SMPP_ROK, peer->unbind_sequence);
	peer->state = PEER_FLUSHING;
}

static void record_request(struct load *load, struct peer *peer, const struct request *request,
			   const uint32_t *status, struct str remote_id)
{
	const struct marker marker = {(uint16_t)load->options->run, request->number, true};

	record_sent(&load->record, &(struct record_line){
					   .marked = load->options->markers,
					   .key = marker_key(&marker),
					   .session = peer->serial,
					   .to = {request->to, request->to_size},
					   .from = {request->from, request->from_size},
					   .answered = status != NULL,
					   .status = status != NULL ? *status : 0,
					   .remote_id = remote_id,
					   .sent_us = request->sent_us,
					   .us = load->now_us,
				   });
}

void traffic_unanswered(struct load *load, struct peer *peer, struct request *request)
{
	if (!request->receipt) {
		load->stats.unanswered++;
		record_request(load, peer, request, NULL, STR(""));
	}
	request_done(peer, request);
}

void traffic_answered(struct load *load, struct peer *peer, struct request *request,
		      uint32_t status, struct str remote_id)
{
	load->last_us = load->now_us;
	histogram_add(&load->stats.latency,
		      load->now_us > request->sent_us ? load->now_us - request->sent_us : 0);
	if (status == 0) {
		load->stats.ok++;
		load->stats.receipts_expected +=
			load->role->generator && load->options->receipts.given;
	} else {
		load->stats.failed++;
		report_status(&load->stats, status);
	}
	record_request(load, peer, request, &status, remote_id);
	request_done(peer, request);
}

static void response(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	struct request     *request = &peer->requests[pdu->sequence & peer->request_mask];
	struct smpp_id_resp id = {0};

	if (pdu->sequence == 0 || request->sequence != pdu->sequence) {
		load->stats.malformed++; /* an answer to nothing, or too late */
		return;
	}
	if (request->receipt) {
		request_done(peer, request);
		return;
	}
	if (pdu->command != SMPP_generic_nack && smpp_id_resp_parse(pdu->body, &id) != SMPP_ROK)
		load->stats.malformed++;
	traffic_answered(load, peer, request, pdu->status, id.message_id);
}

void traffic_answer(struct peer *peer, uint32_t command, uint32_t sequence, uint32_t status,
		    struct str id)
{
	struct put w = peer_put(peer);
	size_t     mark = smpp_pdu_begin(&w, command | SMPP_RESPONSE, status, sequence);

	if (status == SMPP_ROK)
		smpp_id_resp_put(&w, &(struct smpp_id_resp){.message_id = id});
	smpp_pdu_end(&w, mark);
	peer_put_done(peer, &w);
}

void traffic_received(struct load *load, struct record_line *line, bool marked,
		      const struct marker *marker)
{
	line->marked = marked;
	line->intact = marked && marker->intact;
	line->key = marked ? marker_key(marker) : 0;
	load->stats.received++;
	load->last_us = load->now_us;
	if (load->first_us == 0)
		load->first_us = load->now_us;
	load->stats.unmarked += !line->marked;
	load->stats.changed += line->marked && !line->intact;
}

static void message(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	struct smpp_sm     sm = {0};
	struct marker      marker = {0};
	struct record_line line = {
		.session = peer->serial, .us = load->now_us, .fault = fault_names[FAULT_NONE]};
	enum smpp_status status = SMPP_RINVBNDSTS;

	if (peer->state == PEER_BOUND || peer->state == PEER_PARTING ||
	    peer->state == PEER_UNBINDING)
		status = pdu->command == SMPP_data_sm ? smpp_data_parse(pdu->body, &sm)
						      : smpp_submit_parse(pdu->body, &sm);
	if (status != SMPP_ROK) {
		load->stats.malformed++;
		traffic_answer(peer, pdu->command, pdu->sequence, status, STR(""));
		return;
	}
	line.to = sm.dest.text;
	line.from = sm.source.text;
	if ((sm.esm_class & SMPP_ESM_TYPE_MASK) != SMPP_ESM_RECEIPT) {
		bool marked = compose_read(&sm, &marker);

		traffic_received(load, &line, marked, &marker);
	}
	load->role->received(load, peer, pdu, &line, &sm);
}

static void pdu_taken(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	switch (pdu->command) {
	case SMPP_submit_sm:
	case SMPP_deliver_sm:
	case SMPP_data_sm:
		message(load, peer, pdu);
		return;
	case SMPP_submit_sm_resp:
	case SMPP_deliver_sm_resp:
	case SMPP_data_sm_resp:
	case SMPP_generic_nack:
		response(load, peer, pdu);
		part(peer);
		return;
	case SMPP_enquire_link:
		peer_simple(peer, SMPP_enquire_link_resp, SMPP_ROK, pdu->sequence);
		return;
	case SMPP_enquire_link_resp:
		return;
	case SMPP_unbind:
		peer->state = PEER_PARTING;
		peer->unbind_sequence = pdu->sequence;
		part(peer);
		return;
	case SMPP_unbind_resp:
		if (peer->state == PEER_UNBINDING)
			peer->state = PEER_FLUSHING;
		return;
	case SMPP_bind_receiver:
	case SMPP_bind_transmitter:
	case SMPP_bind_transceiver:
	case SMPP_bind_receiver_resp:
	case SMPP_bind_transmitter_resp:
	case SMPP_bind_transceiver_resp:
		load->role->bind(load, peer, pdu);
		return;
	}
	load->stats.malformed++;
	if ((pdu->command & SMPP_RESPONSE) == 0)
		peer_simple(peer, SMPP_generic_nack, SMPP_RINVCMDID, pdu->sequence);
}

/* ---- how SMPP is spoken ---- */

static enum pull take(struct load *load, struct peer *peer, struct cur *in)
{
	struct smpp_pdu pdu;
	uint32_t        need;
	enum pull       pull = smpp_pdu_next(in, &pdu, &need);

	if (pull == PULL_BAD)
		peer_simple(peer, SMPP_generic_nack, SMPP_RINVCMDLEN, 0);
	if (pull == PULL_ITEM)
		pdu_taken(load, peer, &pdu);
	return pull;
}

static void ask(struct load *load, struct peer *peer)
{
	(void)load;
	peer_simple(peer, SMPP_enquire_link, SMPP_ROK, SMPP_SEQUENCE_MAX);
}

static void unbind(struct load *load, struct peer *peer)
{
	(void)load;
	peer_simple(peer, SMPP_unbind, SMPP_ROK, SMPP_SEQUENCE_MAX);
}

static struct str status_text(uint32_t status)
{
	const char *name = smpp_status_name(status);

	return str_of(name != NULL ? name : "");
}

const struct speech speech_smpp = {take, compose_request, compose_put, ask, unbind, status_text};
