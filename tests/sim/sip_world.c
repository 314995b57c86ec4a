#include "sip_world.h"

#include <stdlib.h>

#include "msg/text.h"
#include "smpp/map.h"

struct sim sim;

static const char site[] =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 10}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: cpm, password: pw}\n"
	"  - {name: ims, protocol: sip, host: 198.18.0.2, port: 5070, transport: udp, trusted: "
	"true}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n"
	"  - {to: \"+4672\", via: [ims]}\n"
	"  - {to: \"+4673\", via: [registered, smsc1]}\n"
	"subscribers:\n"
	"  - {address: \"+46731234567\", sip: \"sip:alice@example.org\", xmpp: "
	"\"xmpp:alice@example.org\", password: secret}\n"
	"  - {address: \"+46737654321\", sip: \"sip:bob@example.org\", password: other, reach: "
	"sms}\n"
	"  - {address: \"+46735555555\", xmpp: \"xmpp:carol@example.org\", password: secret}\n"
	"  - {address: \"+46736666666\", sip: \"sip:dave@example.org\", password: secret}\n";

struct sip_world_message centre;
struct sip_world_receipt receipt;

static void addr_copy(char room[64], const struct msg *m, const struct addr *a)
{
	struct str text = msg_addr(m, a);

	snprintf(room, 64, "%.*s", STR_ARG(text));
}

static bool arrives(struct host *h, struct host_session *s, struct msg *m, struct result *answer)
{
	static uint8_t     room[MSG_SIZE_MAX];
	struct text_tables plain = {0};
	struct msg_extra   fields;
	size_t             n;

	(void)h;
	if (s->role == HOST_ESME) {
		assert_true(msg_extra_find(m, PROTO_smpp, SMPP_EXTRA_FIELDS, &fields));
		receipt.count++;
		receipt.esm_class = *msg_view(m, fields.value, room);
		addr_copy(receipt.from, m, &m->from);
		addr_copy(receipt.to, m, &m->to);
		receipt.state = m->receipt.state;
		*answer = (struct result){.why = REASON_NONE};
		return true;
	}
	centre.count++;
	addr_copy(centre.from, m, &m->from);
	addr_copy(centre.to, m, &m->to);
	n = text_to_utf8((enum msg_coding)m->coding, plain, msg_view(m, m->body, room),
			 m->body.size, centre.text, sizeof(centre.text) - 1);
	centre.text[n] = '\0';
	centre.wants = m->wants;
	*answer = (struct result){.why = REASON_NONE, .msg_id = centre.count};
	return true;
}

struct result esme_answer;
unsigned      esme_answers;

static void answered(struct host *h, struct host_session *s, uint64_t token, const struct result *r)
{
	(void)h;
	(void)s;
	(void)token;
	esme_answer = *r;
	esme_answers++;
}

static enum reason let_in(struct host *h, struct host_session *s, const struct proto_login *login)
{
	(void)h;
	(void)s;
	(void)login;
	return REASON_NONE;
}

static bool ims_up(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == 2;
}

struct phone *ims;

/* Answers every OPTIONS of the appliance; returns the next other request. */
const char *ims_take(void)
{
	const char *text;

	while ((text = phone_take(ims)) != NULL) {
		if (strncmp(text, "OPTIONS ", 8) != 0)
			return text;
		phone_answer(ims, text, "200 OK", "");
	}
	return NULL;
}

bool ims_answers_until_up(struct sim *s)
{
	const char *text = ims_take();

	assert_null(text);
	return ims_up(s);
}

const char           *world_state_dir;
struct sip_world_keys world_keys;

static bool chat_first; /* of the next world */

static void world_begin(bool open_to_all, unsigned workers, uint16_t msrp_port, uint16_t languages)
{
	static const struct host_hooks hooks = {.result = answered,
						.message = arrives,
						.login = let_in,
						.datagram = phone_datagram,
						.tcp_event = phone_tcp_event};
	struct sim_config              config = {.workers = workers,
						 .seed = 5,
						 .window = 10,
						 .hooks = hooks,
						 .sip = true,
						 .xmpp = 1,
						 .sip_open = open_to_all,
						 .msrp_port = msrp_port,
						 .chat_first = chat_first,
						 .languages = languages,
						 .service_route = "<sip:198.18.0.1;lr>",
						 .state_dir = world_state_dir,
						 .stir = &world_keys.stir,
						 .certificate_count = world_keys.count,
						 .certificates = &world_keys.certificate};

	memset(&centre, 0, sizeof(centre));
	memset(&receipt, 0, sizeof(receipt));
	esme_answers = 0;
	phones_begin();
	sim_new(&sim, &config);
	assert_int_equal(host_listen(&sim.host, 2776), 0);
	ims = phone_udp(&sim.host, 5070);
	sim_apply(&sim, site);
	assert_true(sim_until(&sim, ims_answers_until_up, 5 * US_PER_SECOND));
}

void peer_by_name(void)
{
	static const char by_address[] = "198.18.0.2, port: 5070";
	const char       *at = strstr(site, by_address);
	char              named[sizeof(site) + 32];

	snprintf(named, sizeof(named), "%.*sims.example%s", (int)(at - site), site,
		 at + strlen(by_address));
	sim_change(&sim, site, named);
}

void peer_with(const char *keys)
{
	static const char last[] = "trusted: true";
	const char       *at = strstr(site, last) + strlen(last);
	char              more[sizeof(site) + 128];

	snprintf(more, sizeof(more), "%.*s%s%s", (int)(at - site), site, keys, at);
	sim_change(&sim, site, more);
}

/* Copies a section's head and puts the text behind it. */
static void add_to(char *to, size_t size, const char *section, const char *text)
{
	char *at = strstr(to, section), *rest;

	assert_non_null(at);
	at += strlen(section);
	rest = strdup(at);
	assert_true((size_t)(at - to) + strlen(text) + strlen(rest) < size);
	sprintf(at, "%s%s", text, rest);
	free(rest);
}

static char added[4 * sizeof(site)]; /* the site with what was added to it last */

static void change_from(const char *from, const char *accounts, const char *peers,
			const char *routes)
{
	char more[sizeof(added)];

	strcpy(more, site);
	add_to(more, sizeof(more), "accounts:\n", accounts);
	add_to(more, sizeof(more), "peers:\n", peers);
	add_to(more, sizeof(more), "routes:\n", routes);
	sim_change(&sim, from, more);
	strcpy(added, more);
}

void world_adds(const char *accounts, const char *peers, const char *routes)
{
	change_from(site, accounts, peers, routes);
}

void world_adds_instead(const char *accounts, const char *peers)
{
	change_from(added, accounts, peers, "");
}

void world_rules(const char *rules)
{
	char more[sizeof(added)];

	assert_true(strlen(added) + strlen(rules) + 16 < sizeof(more));
	sprintf(more, "%srules:\n%s", added, rules);
	sim_change(&sim, added, more);
}

void world_adds_subscribers(const char *subscribers)
{
	static char more[4 * sizeof(site)];

	strcpy(more, site);
	add_to(more, sizeof(more), "subscribers:\n", subscribers);
	sim_change(&sim, site, more);
}

int world_open(void **state)
{
	(void)state;
	world_begin(true, 1, 0, 0);
	return 0;
}

int world_closed(void **state)
{
	(void)state;
	world_begin(false, 1, 0, 0);
	return 0;
}

int world_of_two(void **state)
{
	(void)state;
	world_begin(true, 2, 0, 0);
	return 0;
}

int world_large(void **state)
{
	(void)state;
	world_begin(true, 2, 9100, 0);
	return 0;
}

int world_chat(void **state)
{
	(void)state;
	world_begin(true, 1, 9100, 0);
	return 0;
}

int world_chat_first(void **state)
{
	(void)state;
	chat_first = true;
	world_begin(true, 1, 9100, 0);
	chat_first = false;
	return 0;
}

int world_turkish(void **state)
{
	(void)state;
	world_begin(true, 1, 0, TEXT_LANGUAGE_BIT(TEXT_TURKISH));
	return 0;
}

int world_end(void **state)
{
	(void)state;
	sim_free(&sim);
	return 0;
}

/* The next message that a phone gets within a second; OPTIONS to the peer are answered. */
const char *next_of(struct phone *p)
{
	for (unsigned i = 0; i < 10000; i++) {
		const char *text = p == ims ? ims_take() : phone_take(p);

		if (text != NULL)
			return text;
		sim_step(&sim, 100);
	}
	return NULL;
}

void assert_status(const char *text, const char *status)
{
	assert_non_null(text);
	if (strncmp(text, "SIP/2.0 ", 8) != 0 || strncmp(text + 8, status, 3) != 0)
		print_error("%s\n", text);
	assert_memory_equal(text, "SIP/2.0 ", 8);
	assert_memory_equal(text + 8, status, 3);
}

unsigned sequence;

static const char *via(const struct phone *p)
{
	return p->port != 0 ? "UDP" : p->ws ? "WS" : "TCP";
}

void send_message(struct phone *p, const char *to, const char *from, const char *more,
		  const char *body)
{
	sequence++;
	phone_send(
		p,
		"MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/%s 198.18.0.2:%u;rport;branch=z9hG4bKm%u\r\n"
		"Max-Forwards: 70\r\nFrom: <%s>;tag=f%u\r\nTo: <%s>\r\nCall-ID: call%u\r\n"
		"CSeq: %u MESSAGE\r\n%sContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
		to, via(p), p->port != 0 ? p->port : 5060, sequence, from, sequence, to, sequence,
		sequence, more, strlen(body), body);
}

void send_register(struct phone *p, const char *address, const char *contact, const char *more)
{
	sequence++;
	phone_send(p,
		   "REGISTER sip:example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/%s 198.18.0.2:%u;rport;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\n"
		   "From: <%s>;tag=f%u\r\nTo: <%s>\r\nCall-ID: reg%u\r\nCSeq: %u REGISTER\r\n"
		   "Contact: <%s>\r\n%sContent-Length: 0\r\n\r\n",
		   via(p), p->port != 0 ? p->port : 5060, sequence, address, sequence, address,
		   p->port, sequence, contact, more);
}

static struct host_session *esme_session(void)
{
	struct host_session *s = &sim.host.sessions[0];

	for (unsigned i = 0; i < sim.host.session_count; i++) {
		if (sim.host.sessions[i].role == HOST_ESME)
			s = &sim.host.sessions[i];
	}
	return s;
}

static void esme_submits(struct msg *m, const char *to, const char *text)
{
	record_addresses(m, "+4611111", to);
	record_text(m, text);
	host_submit(&sim.host, esme_session(), m, 1);
}

void submit_ucs2(const char *to, const char *text)
{
	static uint8_t    bytes[TEXT_CODED_SIZE(2048)];
	struct text_coded c = text_from_utf8(MSG_CODING_UCS2, (struct text_tables){0}, str_of(text),
					     bytes, sizeof(bytes));
	struct msg       *m = msg_new(sim.host.msgs);

	assert_true(c.replaced == 0 && !c.cut);
	record_addresses(m, "+4611111", to);
	assert_true(msg_append(m, bytes, c.size, &m->body));
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_UCS2;
	host_submit(&sim.host, esme_session(), m, 1);
}

void submit(const char *to, const char *text, uint8_t wants)
{
	struct msg *m = msg_new(sim.host.msgs);

	m->wants = wants;
	esme_submits(m, to, text);
}

void submit_registered(const char *to, const char *text, uint8_t registered_delivery)
{
	const uint8_t fields[] = {0, 0, 0, registered_delivery, 0, 0, 0, 0, 0};
	struct msg   *m = msg_new(sim.host.msgs);

	assert_true(msg_extra_add(m, PROTO_smpp, SMPP_EXTRA_FIELDS, fields, sizeof(fields)));
	esme_submits(m, to, text);
}

static bool esme_up(struct sim *s)
{
	for (unsigned i = 0; i < s->host.session_count; i++) {
		if (s->host.sessions[i].role == HOST_ESME && s->host.sessions[i].up)
			return true;
	}
	return false;
}

void esme_begin(void)
{
	assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
				 PROTO_SENDS | PROTO_RECEIVES));
	assert_true(sim_until(&sim, esme_up, US_PER_SECOND));
}

bool esme_answered(struct sim *s)
{
	(void)s;
	return esme_answers > 0;
}

static struct host_session *centre_session(void)
{
	for (unsigned i = 0; i < sim.host.session_count; i++) {
		if (sim.host.sessions[i].role == HOST_SMSC && sim.host.sessions[i].up)
			return &sim.host.sessions[i];
	}
	return NULL;
}

void centre_sends_text(const char *from, const char *to, const char *text)
{
	struct msg *m = msg_new(sim.host.msgs);

	record_addresses(m, from, to);
	record_text(m, text);
	host_submit(&sim.host, centre_session(), m, 2);
}

void centre_sends_receipt(const char *from, const char *to, const char *id)
{
	struct msg *m = msg_new(sim.host.msgs);
	char        text[256];

	snprintf(text, sizeof(text),
		 "id:%s sub:001 dlvrd:001 submit date:2611271200 done date:2611271201 stat:DELIVRD "
		 "err:000 text:",
		 id);
	record_addresses(m, from, to);
	record_text(m, text);
	m->kind = MSG_RECEIPT;
	m->receipt.state = MSG_STATE_DELIVERED;
	host_submit(&sim.host, centre_session(), m, 2);
}
