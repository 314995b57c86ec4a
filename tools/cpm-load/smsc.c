/* The simulator of an SMSC, or of the appliance: accepts binds, answers submit_sm by a fault
 * script, sends receipts and messages of its own. */
#include "load.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#define RECEIPT_RETRY_US 1000u
#define RECEIPT_LATE_US 60000000u /* a receipt that found no session so long is given up */

enum id_base { ID_DECIMAL, ID_HEX, ID_MIXED };

/* An answer or a receipt that is to go later. */
struct later {
	uint64_t due_us, given_up_us, id;
	unsigned slot;
	uint32_t serial, sequence, command;
	bool     receipt, undeliverable;
	uint8_t  to_size, from_size;
	char     to[SMPP_ADDR_MAX], from[SMPP_ADDR_MAX];
	uint8_t  to_ton, to_npi, from_ton, from_npi;
};

struct smsc {
	struct fault_script faults;
	enum id_base        id_base;
	uint64_t            id_next;
	struct later       *heap; /* the earliest first */
	size_t              heap_count, heap_room;
};

static struct smsc smsc;

static bool earlier(const struct later *a, const struct later *b)
{
	return a->due_us < b->due_us || (a->due_us == b->due_us && a->id < b->id);
}

static void later_add(const struct later *item)
{
	size_t at = smsc.heap_count++;

	if (smsc.heap_count > smsc.heap_room) {
		smsc.heap_room = smsc.heap_room == 0 ? 1024 : 2 * smsc.heap_room;
		smsc.heap = realloc(smsc.heap, smsc.heap_room * sizeof(*smsc.heap));
		ASSERT(smsc.heap != NULL);
	}
	for (; at > 0 && earlier(item, &smsc.heap[(at - 1) / 2]); at = (at - 1) / 2)
		smsc.heap[at] = smsc.heap[(at - 1) / 2];
	smsc.heap[at] = *item;
}

static struct later later_take(void)
{
	struct later first = smsc.heap[0], last = smsc.heap[--smsc.heap_count];
	size_t       at = 0;

	for (size_t child = 1; child < smsc.heap_count; child = 2 * at + 1) {
		if (child + 1 < smsc.heap_count &&
		    earlier(&smsc.heap[child + 1], &smsc.heap[child]))
			child++;
		if (!earlier(&smsc.heap[child], &last))
			break;
		smsc.heap[at] = smsc.heap[child];
		at = child;
	}
	smsc.heap[at] = last;
	return first;
}

static int listen_on(struct load *load, const struct addrinfo *found)
{
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 1024) < 0 ||
	    epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void say_listening(int fd)
{
	struct sockaddr_storage address;
	socklen_t               size = sizeof(address);
	char                    host[256] = "?", port[16] = "?";

	getsockname(fd, (struct sockaddr *)&address, &size);
	getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	printf("listening %s:%s\n", host, port);
	fflush(stdout);
}

static bool parse(struct load *load)
{
	static const char *const bases[] = {"decimal", "hex", "mixed"};
	const struct options    *o = load->options;
	char                     wrong[256];
	const char              *why;
	int                      base = 0;

	if (o->listen.host[0] == '\0') {
		fprintf(stderr, "cpm-load: smsc needs --listen HOST:PORT\n");
		return false;
	}
	if (o->fault != NULL && !fault_parse(o->fault, &smsc.faults, wrong)) {
		fprintf(stderr, "cpm-load: --fault %s: %s\n", o->fault, wrong);
		return false;
	}
	while (base < 3 && strcmp(o->id, bases[base]) != 0)
		base++;
	if (base == 3) {
		fprintf(stderr, "cpm-load: --id %s: expected decimal, hex or mixed\n", o->id);
		return false;
	}
	smsc.id_base = (enum id_base)base;
	if (o->mo != NULL && !pattern_parse(o->mo, &load->to, &why)) {
		fprintf(stderr, "cpm-load: --mo %s: %s\n", o->mo, why);
		return false;
	}
	return true;
}

static bool start(struct load *load)
{
	const struct options *o = load->options;
	struct addrinfo       hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE},
			*found;
	struct timespec wall;
	int             error;

	if (!parse(load))
		return false;
	error = getaddrinfo(o->listen.host, o->listen.port, &hints, &found);
	if (error != 0) {
		fprintf(stderr, "cpm-load: --listen %s: %s; expected an address of this machine\n",
			o->listen.host, gai_strerror(error));
		return false;
	}
	load->listen_fd = listen_on(load, found);
	freeaddrinfo(found);
	if (load->listen_fd < 0) {
		fprintf(stderr,
			"cpm-load: --listen %s:%s: %s; expected a free port of this machine\n",
			o->listen.host, o->listen.port, strerror(errno));
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &wall);
	smsc.id_next = ((uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000)
		       << 12; /* not twice, also after a restart */
	load->rate = o->mo_rate;
	load->count = o->mo == NULL ? 0 : o->mo_count > 0 ? o->mo_count : UINT64_MAX;
	say_listening(load->listen_fd);
	return true;
}

static enum smpp_status bind_check(const struct load *load, const struct peer *peer,
				   const struct smpp_bind *b)
{
	const struct options *o = load->options;

	if (peer->state != PEER_OPEN)
		return SMPP_RALYBND;
	if (o->system_id != NULL && !str_eq(b->system_id, str_of(o->system_id)))
		return SMPP_RINVSYSID;
	if (o->password != NULL && !str_eq(b->password, str_of(o->password)))
		return SMPP_RINVPASWD;
	return SMPP_ROK;
}

static void bound(struct load *load, struct peer *peer, const struct smpp_pdu *pdu)
{
	struct smpp_bind b = {0};
	enum smpp_status status = smpp_bind_parse(pdu->body, &b);
	struct put       w;
	size_t           mark;

	if ((pdu->command & SMPP_RESPONSE) != 0) {
		load->stats.malformed++;
		return;
	}
	if (status == SMPP_ROK)
		status = bind_check(load, peer, &b);
	w = peer_put(peer);
	mark = smpp_pdu_begin(&w, pdu->command | SMPP_RESPONSE, status, pdu->sequence);
	if (status == SMPP_ROK)
		smpp_bind_resp_put(&w, &(struct smpp_bind_resp){.system_id = STR("cpm-load")});
	smpp_pdu_end(&w, mark);
	peer_put_done(peer, &w);
	if (status != SMPP_ROK) {
		report_status(&load->stats, status);
		if (peer->state == PEER_OPEN)
			peer->state = PEER_FLUSHING;
		return;
	}
	peer->state = PEER_BOUND;
	peer->submits = pdu->command != SMPP_bind_receiver;
	peer->receives = pdu->command != SMPP_bind_transmitter;
	str_copy(peer->system_id, sizeof(peer->system_id), b.system_id);
	load->stats.sessions_opened++;
}

static struct str id_text(uint64_t id, bool in_receipt, char room[32])
{
	bool hex = smsc.id_base == ID_HEX || (smsc.id_base == ID_MIXED && !in_receipt);

	return (struct str){
		room, (size_t)snprintf(room, 32, hex ? "%llx" : "%llu", (unsigned long long)id)};
}

/* The session that a receipt goes to: that of the message if it receives, else one of the same
 * name. */
static struct peer *receipt_peer(struct load *load, const struct later *item)
{
	struct peer *own = item->slot < load->peer_count ? load->peers[item->slot] : NULL;

	if (own != NULL && own->serial == item->serial && own->state == PEER_BOUND && own->receives)
		return own;
	for (unsigned i = 0; i < load->peer_count; i++) {
		struct peer *peer = load->peers[i];

		if (peer != NULL && peer->state == PEER_BOUND && peer->receives &&
		    peer->window_used < load->options->window && peer_out_room(peer) > 0)
			return peer;
	}
	return NULL;
}

static bool receipt_send(struct load *load, const struct later *item)
{
	struct peer    *peer = receipt_peer(load, item);
	struct request *request =
		peer != NULL && peer_out_room(peer) > 0 ? peer_request(load, peer) : NULL;
	const char    *state = item->undeliverable ? "UNDELIV" : "DELIVRD";
	char           id_room[32], text[256], date[16];
	uint8_t        tlvs[64];
	time_t         wall = time(NULL);
	struct tm      tm;
	struct str     id = id_text(item->id, true, id_room);
	struct put     w, tlv = put_to(tlvs, sizeof(tlvs));
	struct smpp_sm sm = {.esm_class = SMPP_ESM_RECEIPT};
	size_t         mark;

	if (request == NULL)
		return false;
	request->receipt = true;
	strftime(date, sizeof(date), "%y%m%d%H%M", gmtime_r(&wall, &tm));
	sm.source = (struct smpp_addr){item->to_ton, item->to_npi, {item->to, item->to_size}};
	sm.dest = (struct smpp_addr){item->from_ton, item->from_npi, {item->from, item->from_size}};
	sm.text = cur_of(text, (size_t)snprintf(text, sizeof(text),
						"id:%.*s sub:001 dlvrd:%03d submit date:%s done "
						"date:%s stat:%s err:%03d text:",
						STR_ARG(id), !item->undeliverable, date, date,
						state, item->undeliverable));
	put_be16(&tlv, SMPP_TLV_receipted_message_id);
	put_be16(&tlv, (uint16_t)(id.n + 1));
	put_cstr(&tlv, id);
	put_be16(&tlv, SMPP_TLV_message_state);
	put_be16(&tlv, 1);
	put_u8(&tlv, item->undeliverable ? 5 : 2);
	sm.tlvs = cur_of(tlvs, put_size(&tlv));
	w = peer_put(peer);
	mark = smpp_pdu_begin(&w, SMPP_deliver_sm, SMPP_ROK, request->sequence);
	smpp_sm_put(&w, &sm);
	smpp_pdu_end(&w, mark);
	peer_put_done(peer, &w);
	load->stats.receipts_sent++;
	return true;
}

static void later_of(const struct load *load, const struct peer *peer, const struct smpp_pdu *pdu,
		     const struct smpp_sm *sm, struct later *item)
{
	*item = (struct later){.slot = peer->slot,
			       .serial = peer->serial,
			       .sequence = pdu->sequence,
			       .command = pdu->command,
			       .id = smsc.id_next,
			       .given_up_us =
				       load->now_us + load->options->receipts.us + RECEIPT_LATE_US,
			       .to_ton = sm->dest.ton,
			       .to_npi = sm->dest.npi,
			       .from_ton = sm->source.ton,
			       .from_npi = sm->source.npi};
	str_copy(item->to, sizeof(item->to), sm->dest.text);
	str_copy(item->from, sizeof(item->from), sm->source.text);
	item->to_size = (uint8_t)strnlen(item->to, sizeof(item->to));
	item->from_size = (uint8_t)strnlen(item->from, sizeof(item->from));
}

static void accept_message(struct load *load, struct peer *peer, const struct smpp_pdu *pdu,
			   struct record_line *line, const struct smpp_sm *sm,
			   const struct fault *fault)
{
	unsigned     wanted = sm->registered_delivery & SMPP_REGISTERED_MASK;
	bool         undeliverable = fault_also(&smsc.faults, FAULT_UNDELIVERABLE, &load->random);
	struct later item;
	char         room[32];
	struct str   id = id_text(smsc.id_next, false, room);

	later_of(load, peer, pdu, sm, &item);
	item.undeliverable = undeliverable;
	load->stats.accepted++;
	load->stats.faults[FAULT_UNDELIVERABLE] += undeliverable;
	line->answered = true;
	line->remote_id = id;
	record_received(&load->record, line);
	if (load->options->receipts.given &&
	    (wanted == SMPP_REGISTERED_ANY ||
	     (wanted == SMPP_REGISTERED_FAILURE) == undeliverable) &&
	    wanted != 0) {
		item.receipt = true;
		item.due_us = load->now_us + load->options->receipts.us;
		if (fault_also(&smsc.faults, FAULT_EARLY, &load->random) &&
		    receipt_send(load, &item))
			load->stats.faults[FAULT_EARLY]++;
		else
			later_add(&item);
		item.receipt = false;
	}
	smsc.id_next++;
	if (fault->kind == FAULT_SLOW) {
		item.due_us = load->now_us + fault->slow_us;
		later_add(&item);
	} else {
		traffic_answer(peer, pdu->command, pdu->sequence, SMPP_ROK, id);
	}
}

static void received(struct load *load, struct peer *peer, const struct smpp_pdu *pdu,
		     struct record_line *line, const struct smpp_sm *sm)
{
	const struct fault *fault = fault_draw(&smsc.faults, &load->random);

	load->stats.faults[fault->kind]++;
	line->fault = fault_names[fault->kind];
	switch (fault->kind) {
	case FAULT_THROTTLE:
	case FAULT_ERROR:
		line->answered = true;
		line->status = fault->kind == FAULT_THROTTLE ? SMPP_RTHROTTLED : fault->status;
		load->stats.refused++;
		record_received(&load->record, line);
		traffic_answer(peer, pdu->command, pdu->sequence, line->status, STR(""));
		return;
	case FAULT_SILENT:
		record_received(&load->record, line);
		return;
	case FAULT_DISCONNECT:
		record_received(&load->record, line);
		peer->state = PEER_FLUSHING;
		return;
	case FAULT_NONE:
	case FAULT_SLOW:
	case FAULT_EARLY:
	case FAULT_UNDELIVERABLE:
	case FAULT_KIND_COUNT:
		break;
	}
	accept_message(load, peer, pdu, line, sm, fault);
}

static void later_due(struct load *load)
{
	size_t tries = smsc.heap_count;

	while (tries-- > 0 && smsc.heap_count > 0 && smsc.heap[0].due_us <= load->now_us) {
		struct later item = later_take();
		struct peer *peer = peer_find(load, item.slot, item.serial);
		char         room[32];

		if (!item.receipt) {
			if (peer != NULL && peer->state != PEER_FLUSHING)
				traffic_answer(peer, item.command, item.sequence, SMPP_ROK,
					       id_text(item.id, false, room));
		} else if (!receipt_send(load, &item)) {
			item.due_us = load->now_us + RECEIPT_RETRY_US;
			if (item.due_us < item.given_up_us && load->phase == LOAD_RUNNING)
				later_add(&item);
			else
				load->stats.receipts_undeliverable++;
		}
	}
}

static void accept_all(struct load *load)
{
	int fd;

	while ((fd = accept4(load->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *peer = peer_new(load);

		if (!peer_attach(load, peer, fd, PEER_OPEN))
			peer_close(load, peer);
	}
}

static void turn(struct load *load)
{
	if (load->phase == LOAD_RUNNING)
		accept_all(load);
	later_due(load);
	for (unsigned i = 0; i < load->peer_count; i++) {
		if (load->peers[i] != NULL && load->peers[i]->state == PEER_CLOSED)
			peer_free(load, load->peers[i]);
	}
}

static bool idle(const struct load *load)
{
	return smsc.heap_count == 0;
}

static void nothing(struct load *load, struct peer *peer)
{
}

const struct role role_smsc = {.name = "smsc",
			       .speech = &speech_smpp,
			       .request = SMPP_deliver_sm,
			       .start = start,
			       .bind = bound,
			       .received = received,
			       .turn = turn,
			       .idle = idle,
			       .closed = nothing,
			       .opened = nothing};
