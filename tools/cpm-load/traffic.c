#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "msg/addr.h"
#include "msg/concat.h"

#define FILL_MAX 2048u /* messages made before the sockets are read again */
#define BURST_MAX 16u  /* of one session before it is another's turn */
#define FILLER_SIZE 4096u

static char filler[FILLER_SIZE + TEXT_CHARS_MAX];

static void filler_make(struct random *random)
{
	static const char *const words[] = {
		"the ",     "train ", "from ", "platform ", "two ",     "leaves ", "a ",
		"little ",  "later ", "than ", "planned ",  "please ",  "mind ",   "your ",
		"luggage ", "and ",   "have ", "pleasant ", "journey ", "today "};
	size_t at = 0;

	while (at < sizeof(filler)) {
		const char *word = words[random_below(random, sizeof(words) / sizeof(words[0]))];
		size_t      n = strlen(word);

		n = n < sizeof(filler) - at ? n : sizeof(filler) - at;
		memcpy(filler + at, word, n);
		at += n;
	}
}

static bool texts_read(struct load *load, const char *path)
{
	FILE   *file = fopen(path, "r");
	char   *line = NULL;
	size_t  size = 0;
	ssize_t n;

	if (file == NULL) {
		fprintf(stderr,
			"cpm-load: --text-file %s: %s; expected a readable file with a text on "
			"each line\n",
			path, strerror(errno));
		return false;
	}
	while ((n = getline(&line, &size, file)) >= 0) {
		n -= n > 0 && line[n - 1] == '\n';
		if (n == 0)
			continue;
		if ((load->texts.count & (load->texts.count - 1)) == 0)
			load->texts.line =
				realloc(load->texts.line,
					(load->texts.count == 0 ? 1 : 2 * load->texts.count) *
						sizeof(struct str));
		load->texts.line[load->texts.count++] =
			(struct str){memcpy(malloc((size_t)n), line, (size_t)n), (size_t)n};
	}
	free(line);
	fclose(file);
	if (load->texts.count == 0)
		fprintf(stderr, "cpm-load: --text-file %s has no text; expected one on each line\n",
			path);
	return load->texts.count > 0;
}

bool traffic_init(struct load *load)
{
	static const struct {
		const char     *name;
		enum msg_coding coding;
	} codings[] = {{"gsm7", MSG_CODING_GSM7},
		       {"latin1", MSG_CODING_LATIN1},
		       {"ucs2", MSG_CODING_UCS2}};
	const struct options *o = load->options;
	bool                  known = false;

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		if (strcmp(o->coding, codings[i].name) == 0) {
			load->coding = codings[i].coding;
			known = true;
		}
	}
	if (!known) {
		fprintf(stderr, "cpm-load: --coding %s: expected gsm7, latin1 or ucs2\n",
			o->coding);
		return false;
	}
	if (o->size > TEXT_CHARS_MAX || (o->text != NULL && strlen(o->text) > TEXT_CHARS_MAX)) {
		fprintf(stderr, "cpm-load: the text is too long; expected at most %u characters\n",
			TEXT_CHARS_MAX);
		return false;
	}
	filler_make(&load->random);
	return o->text_file == NULL || texts_read(load, o->text_file);
}

/* The text of --text with {n} replaced. */
static size_t template_write(const char *text, uint64_t number, char *room)
{
	const char *place = strstr(text, "{n}");
	size_t      before = place != NULL ? (size_t)(place - text) : strlen(text);
	size_t      n = before;

	memcpy(room, text, before);
	if (place != NULL) {
		n += (size_t)sprintf(room + n, "%llu", (unsigned long long)number);
		memcpy(room + n, place + 3, strlen(place + 3));
		n += strlen(place + 3);
	}
	return n;
}

static struct str text_make(struct load *load, uint32_t number)
{
	static char           room[MARKER_SIZE + 2 * TEXT_CHARS_MAX + 32];
	const struct options *o = load->options;
	size_t                marker = o->markers ? MARKER_SIZE : 0, n = 0, size;
	char                 *rest = room + marker;

	if (load->texts.count > 0) {
		struct str line = load->texts.line[random_below(&load->random, load->texts.count)];

		n = line.n < TEXT_CHARS_MAX ? line.n : TEXT_CHARS_MAX;
		memcpy(rest, line.p, n);
	} else if (o->text != NULL) {
		n = template_write(o->text, number, rest);
	}
	size = o->size > marker ? o->size - marker : o->size > 0 ? 0 : n > 0 ? n : 100 - marker;
	if (n < size)
		memcpy(rest + n, filler + random_below(&load->random, FILLER_SIZE), size - n);
	size = text_split(MSG_CODING_UTF8, (uint8_t *)rest, n > size ? n : size, size);
	if (marker > 0)
		marker_write(room, (uint16_t)o->run, number, (struct str){rest, size});
	return (struct str){room, marker + size};
}

static struct smpp_addr address(char *text, size_t n)
{
	struct addr_number number = {0};
	struct str         s = {text, n};

	if (!addr_to_number(addr_kind_of(s), s, &number))
		return (struct smpp_addr){TON_ALPHANUMERIC, NPI_UNKNOWN, s};
	return (struct smpp_addr){number.ton, number.npi, number.digits};
}

static void message_put(struct load *load, struct peer *peer, struct request *request)
{
	static uint8_t       coded[4 + 4 * TEXT_CHARS_MAX + 64];
	static const uint8_t data_coding[MSG_CODING_COUNT] = {
		[MSG_CODING_LATIN1] = 3, [MSG_CODING_UCS2] = 8};
	struct str text = text_make(load, request->number);
	size_t     n = text_from_utf8(load->coding, (struct text_tables){0}, text, coded + 4,
				      sizeof(coded) - 4)
			   .size;
	struct smpp_sm sm = {.source = address(request->from, request->from_size),
			     .dest = address(request->to, request->to_size)};
	struct put     w = peer_put(peer), tlv = put_to(coded, 4);
	size_t         mark = smpp_pdu_begin(&w, load->role->request, SMPP_ROK, request->sequence);

	sm.data_coding = data_coding[load->coding];
	sm.registered_delivery =
		load->role == &role_esme && load->options->receipts.given ? SMPP_REGISTERED_ANY : 0;
	if (n <= SMPP_SHORT_MESSAGE_MAX) {
		sm.text = cur_of(coded + 4, n);
	} else {
		put_be16(&tlv, SMPP_TLV_message_payload);
		put_be16(&tlv, (uint16_t)n);
		sm.tlvs = cur_of(coded, 4 + n);
	}
	smpp_sm_put(&w, &sm);
	if (!smpp_pdu_end(&w, mark)) {
		fprintf(stderr, "cpm-load: an address of --to or --from does not fit its field; "
				"expected at most 20 characters\n");
		load_fail(load);
	}
	peer_put_done(peer, &w);
}

static bool may_send(const struct load *load, const struct peer *peer)
{
	return peer != NULL && peer->state == PEER_BOUND &&
	       (load->role == &role_esme ? peer->submits : peer->receives) &&
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
	request->to_size =
		(uint8_t)pattern_make(&load->to, &load->random, request->number, request->to);
	request->from_size =
		(uint8_t)pattern_make(&load->from, &load->random, request->number, request->from);
	message_put(load, peer, request);
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
	load->last_us = load->now_us;
	histogram_add(&load->stats.latency,
		      load->now_us > request->sent_us ? load->now_us - request->sent_us : 0);
	if (pdu->status == SMPP_ROK) {
		load->stats.ok++;
		load->stats.receipts_expected +=
			load->role == &role_esme && load->options->receipts.given;
	} else {
		load->stats.failed++;
		report_status(&load->stats, pdu->status);
	}
	record_request(load, peer, request, &pdu->status, id.message_id);
	request_done(peer, request);
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

/* The text of a message as UTF-8, lent until the next call. */
static struct str text_of(const struct smpp_sm *sm)
{
	static char       room[TEXT_UTF8_SIZE(SMPP_PDU_SIZE_MAX)];
	struct cur        body = sm->text;
	struct smpp_tlv   payload;
	struct concat_udh udh = {0};
	enum msg_coding   coding = MSG_CODING_BINARY;
	size_t            n;

	if (cur_left(&body) == 0 && smpp_tlv_find(sm->tlvs, SMPP_TLV_message_payload, &payload))
		body = payload.value;
	if ((sm->esm_class & SMPP_ESM_UDHI) != 0 && concat_parse(body.p, cur_left(&body), &udh))
		cur_bytes(&body, udh.size);
	if (sm->data_coding == 0)
		coding = MSG_CODING_GSM7;
	else if (sm->data_coding == 1)
		coding = MSG_CODING_ASCII;
	else if (sm->data_coding == 3)
		coding = MSG_CODING_LATIN1;
	else if (sm->data_coding == 8)
		coding = MSG_CODING_UCS2;
	n = text_to_utf8(coding, udh.tables, body.p, cur_left(&body), room, sizeof(room));
	return (struct str){room, n};
}

static void message(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	struct smpp_sm     sm = {0};
	struct marker      marker = {0};
	struct record_line line = {
		.session = peer->serial, .us = load->now_us, .fault = fault_names[FAULT_NONE]};
	enum smpp_status status = SMPP_RINVBNDSTS;

	if (peer->state == PEER_BOUND || peer->state == PEER_UNBINDING)
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
		line.marked = marker_parse(text_of(&sm), &marker);
		line.intact = marker.intact;
		line.key = marker_key(&marker);
		load->stats.received++;
		load->last_us = load->now_us;
		if (load->first_us == 0)
			load->first_us = load->now_us;
		load->stats.unmarked += !line.marked;
		load->stats.changed += line.marked && !line.intact;
	}
	load->role->received(load, peer, pdu, &line, &sm);
}

void traffic_pdu(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
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
		return;
	case SMPP_enquire_link:
		peer_simple(peer, SMPP_enquire_link_resp, SMPP_ROK, pdu->sequence);
		return;
	case SMPP_enquire_link_resp:
		return;
	case SMPP_unbind:
		peer_simple(peer, SMPP_unbind_resp, SMPP_ROK, pdu->sequence);
		peer->state = PEER_FLUSHING;
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
