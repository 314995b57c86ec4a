/* The generator: binds, sends submit_sm, takes deliver_sm and receipts. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RETRY_US 100000u
#define RECEIPT_WAIT_US 10000000u /* without one, the rest is given up */
#define LOCALS_MAX 64u

struct esme {
	struct addrinfo        *remote;
	unsigned                local_count, local_next;
	struct sockaddr_storage local[LOCALS_MAX];
	uint32_t                bind_command;
	bool                    submits, receives, was_bound;
	uint64_t                receipt_us; /* when the last came, or what is waited for began */
};

static struct esme esme;

static bool locals_parse(const char *text)
{
	char copy[1024], *rest = NULL;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	for (char *word = strtok_r(copy, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		struct addrinfo hints = {.ai_family = AF_UNSPEC,
					 .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_NUMERICHOST},
				*found;

		if (esme.local_count == LOCALS_MAX || getaddrinfo(word, NULL, &hints, &found) != 0)
			return false;
		memcpy(&esme.local[esme.local_count++], found->ai_addr, found->ai_addrlen);
		freeaddrinfo(found);
	}
	return esme.local_count > 0;
}

static void connect_one(struct load *load, struct peer *peer)
{
	int fd = socket(esme.remote->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	peer->retry_us = load->now_us + RETRY_US;
	if (fd < 0)
		return;
	if (esme.local_count > 0) {
		const struct sockaddr *local =
			(const struct sockaddr *)&esme.local[esme.local_next++ % esme.local_count];

		if (bind(fd, local,
			 local->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in)) < 0) {
			fprintf(stderr,
				"cpm-load: --address %s: %s; expected addresses of this machine\n",
				load->options->address, strerror(errno));
			close(fd);
			load_fail(load);
			return;
		}
	}
	error = connect(fd, esme.remote->ai_addr, esme.remote->ai_addrlen) < 0 ? errno : 0;
	if (error != 0 && error != EINPROGRESS) {
		errno = error;
		peer_attach(load, peer, fd, PEER_CONNECTING);
		peer_close(load, peer);
		return;
	}
	peer_attach(load, peer, fd, PEER_CONNECTING);
}

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
	struct addrinfo       hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int                   error;

	if (o->connect.host[0] == '\0' || o->system_id == NULL) {
		fprintf(stderr, "cpm-load: esme needs --connect HOST:PORT and --system-id NAME "
				"(and most servers a --password WORD)\n");
		return false;
	}
	if (!bind_kind(o->bind)) {
		fprintf(stderr, "cpm-load: --bind %s: expected trx, tx or rx\n", o->bind);
		return false;
	}
	if (o->address != NULL && !locals_parse(o->address)) {
		fprintf(stderr,
			"cpm-load: --address %s: expected IP addresses parted by commas, at most "
			"%u\n",
			o->address, LOCALS_MAX);
		return false;
	}
	error = getaddrinfo(o->connect.host, o->connect.port, &hints, &esme.remote);
	if (error != 0) {
		fprintf(stderr,
			"cpm-load: --connect %s: %s; expected the name or address of a server\n",
			o->connect.host, gai_strerror(error));
		return false;
	}
	load->rate = o->rate;
	load->count = !esme.submits ? 0 : o->count > 0 ? o->count : UINT64_MAX;
	for (uint64_t i = 0; i < o->sessions && !load->failed; i++)
		connect_one(load, peer_new(load));
	return !load->failed;
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
	unsigned    bound_count = 0;

	if (peer->state != PEER_BINDING || (pdu->command & SMPP_RESPONSE) == 0) {
		load->stats.malformed++;
		return;
	}
	if (pdu->status != SMPP_ROK) {
		fprintf(stderr, "cpm-load: the bind of \"%s\" was refused: %s (0x%08x)\n",
			load->options->system_id, name != NULL ? name : "an unknown status",
			pdu->status);
		if (!esme.was_bound)
			load_fail(load);
		peer->state = PEER_FLUSHING;
		return;
	}
	peer->state = PEER_BOUND;
	peer->submits = esme.submits;
	peer->receives = esme.receives;
	load->stats.sessions_opened++;
	for (unsigned i = 0; i < load->peer_count; i++)
		bound_count += load->peers[i]->state == PEER_BOUND;
	if (!esme.was_bound && bound_count == load->peer_count) {
		esme.was_bound = true;
		printf("bound %u\n", bound_count);
		fflush(stdout);
	}
}

static void closed(struct load *load, struct peer *peer)
{
	peer->retry_us = load->now_us + RETRY_US;
	if (esme.was_bound || load->phase != LOAD_RUNNING || load->failed ||
	    load->now_us < load->begun_us + load->options->wait_us)
		return;
	fprintf(stderr,
		"cpm-load: cannot connect to %s:%s: %s; is the server up? --wait TIME waits for "
		"it\n",
		load->options->connect.host, load->options->connect.port,
		errno != 0 ? strerror(errno) : "the connection was closed");
	load_fail(load);
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
	load->stats.receipts++;
	esme.receipt_us = load->now_us;
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

static void turn(struct load *load)
{
	for (unsigned i = 0; i < load->peer_count && load->phase == LOAD_RUNNING; i++) {
		struct peer *peer = load->peers[i];

		if (peer->state == PEER_CLOSED && peer->retry_us <= load->now_us)
			connect_one(load, peer);
	}
}

static bool idle(const struct load *load)
{
	if (load->stats.receipts >= load->stats.receipts_expected)
		return true;
	if (esme.receipt_us == 0)
		esme.receipt_us = load->now_us;
	return load->now_us > esme.receipt_us + RECEIPT_WAIT_US;
}

const struct role role_esme = {"esme", SMPP_submit_sm, start,  bound, received,
			       turn,   idle,           closed, opened};
