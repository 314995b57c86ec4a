/* The generator: binds, sends submit_sm, takes deliver_sm and receipts. */
#include "load.h"

#include <stdio.h>
#include <string.h>

static struct {
	uint32_t bind_command;
	bool     submits, receives;
} esme;

static bool bind_kind(const char *name)
{
	static const struct {
		const char *name;
		uint32_t    command;
		bool        submits, receives;
	} kinds[] = {{"trx", SMPP_bind_transceiver, true, true},
		     {"tx", SMPP_bind_transmitter, true, false},
		     {"rx", SMPP_bind_receiver, false, true}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(name, kinds[i].name) == 0) {
			esme.bind_command = kinds[i].command;
			esme.submits = kinds[i].submits;
			esme.receives = kinds[i].receives;
			return true;
		}
	}
	return false;
}

static bool start(struct load *load)
{
	const struct options *o = load->options;

	if (o->connect.host[0] == '\0' || o->system_id == NULL) {
		fprintf(stderr, "cpm-load: esme needs --connect HOST:PORT and --system-id NAME "
				"(and most servers a --password WORD)\n");
		return false;
	}
	if (!bind_kind(o->bind)) {
		fprintf(stderr, "cpm-load: --bind %s: expected trx, tx or rx\n", o->bind);
		return false;
	}
	load->count = !esme.submits ? 0 : o->count > 0 ? o->count : UINT64_MAX;
	return dial_start(load);
}

static void opened(struct load *load, struct peer *peer)
{
	const struct options *o = load->options;
	struct put            w = peer_put(peer);
	size_t mark = smpp_pdu_begin(&w, esme.bind_command, SMPP_ROK, SMPP_SEQUENCE_MAX);

	smpp_bind_put(
		&w, &(struct smpp_bind){.system_id = str_of(o->system_id),
					.password = str_of(o->password != NULL ? o->password : ""),
					.interface_version = SMPP_INTERFACE_VERSION});
	if (!smpp_pdu_end(&w, mark)) {
		fprintf(stderr, "cpm-load: --system-id may have 15 characters, --password 8\n");
		load_fail(load);
		return;
	}
	peer_put_done(peer, &w);
	peer->state = PEER_BINDING;
}

static void bound(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	const char *name = smpp_status_name(pdu->status);

	if (peer->state != PEER_BINDING || (pdu->command & SMPP_RESPONSE) == 0) {
		load->stats.malformed++;
		return;
	}
	if (pdu->status != SMPP_ROK) {
		fprintf(stderr, "cpm-load: the bind of \"%s\" was refused: %s (0x%08x)\n",
			load->options->system_id, name != NULL ? name : "an unknown status",
			pdu->status);
		if (!dial_was_bound())
			load_fail(load);
		peer->state = PEER_FLUSHING;
		return;
	}
	peer->submits = esme.submits;
	peer->receives = esme.receives;
	dial_bound(load, peer);
}

/* The word behind a label such as "id:" in the text of a receipt (3.4, appendix B). */
static struct str labelled(struct str text, struct str label)
{
	const char *at = text.n > 0 ? memmem(text.p, text.n, label.p, label.n) : NULL;
	struct str  word = at != NULL ? str_skip(text, (size_t)(at - text.p) + label.n) : STR("");
	size_t      n = 0;

	while (n < word.n && word.p[n] != ' ')
		n++;
	return (struct str){word.p, n};
}

static void receipt(struct load *load, struct peer *peer, const struct smpp_sm *sm)
{
	struct str      text = {(const char *)sm->text.p, cur_left(&sm->text)};
	struct str      id = labelled(text, STR("id:"));
	struct smpp_tlv tlv;

	if (id.n == 0 && smpp_tlv_find(sm->tlvs, SMPP_TLV_receipted_message_id, &tlv))
		id = cur_cstr(&tlv.value, SMPP_MESSAGE_ID_MAX);
	dial_receipt(load);
	record_receipt(&load->record, id, labelled(text, STR("stat:")), peer->serial, load->now_us);
}

static void received(struct load *load, struct peer *peer, const struct smpp_pdu *pdu,
		     struct record_line *line, const struct smpp_sm *sm)
{
	if ((sm->esm_class & SMPP_ESM_TYPE_MASK) == SMPP_ESM_RECEIPT) {
		receipt(load, peer, sm);
	} else {
		load->stats.accepted++;
		line->answered = true;
		record_received(&load->record, line);
	}
	traffic_answer(peer, pdu->command, pdu->sequence, SMPP_ROK, STR(""));
}

const struct role role_esme = {.name = "esme",
			       .speech = &speech_smpp,
			       .generator = true,
			       .request = SMPP_submit_sm,
			       .start = start,
			       .bind = bound,
			       .received = received,
			       .turn = dial_turn,
			       .idle = dial_receipts_over,
			       .closed = dial_closed,
			       .opened = opened};
