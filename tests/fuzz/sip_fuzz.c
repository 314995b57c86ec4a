/*
 * Fuzz target: bytes from a SIP peer. As a stream they give the same items however they are cut; as
 * a datagram a good message is written again, read again and the same. Every value is given to
 * every parser of values in memory of its size. Work is bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "sip/print.h"
#include "sip/timer.h"
#include "sip/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM (4 * SIP_MESSAGE_SIZE_MAX)
#define ITEMS 64u

struct item {
	enum pull     pull;
	enum sip_kind kind;
	enum reason   fault;
	size_t        size, body;
	unsigned      headers;
};

static struct sip_message m, again;
static uint8_t            room[ROOM], other_room[ROOM];

/* The bytes as a stream, in pieces of at most step_max bytes; gives the number of items. */
static unsigned stream(const uint8_t *data, size_t size, uint32_t step_max, struct item items[])
{
	struct random   cuts;
	struct sip_scan scan = {0};
	size_t          at = 0, end = 0, calls = 0;
	unsigned        count = 0;

	random_seed(&cuts, size);
	while (end < size && count < ITEMS) {
		size_t     step = 1 + random_below(&cuts, step_max);
		enum pull  pull = PULL_ITEM;
		uint8_t   *exact;
		struct cur in;

		end = size - end < step ? size : end + step;
		exact = malloc(end - at + 1);
		memcpy(exact, data + at, end - at);
		in = cur_of(exact, end - at);
		while (pull == PULL_ITEM && count < ITEMS) {
			size_t      left = cur_left(&in);
			enum reason why;

			pull = sip_message_next(&scan, &in, SIP_STREAM, &m, &why);
			calls++;
			ASSERT((pull == PULL_BAD) == (why != REASON_NONE));
			ASSERT(pull == PULL_ITEM ? cur_left(&in) < left : cur_left(&in) == left);
			if (pull == PULL_MORE) {
				ASSERT(scan.need > left && scan.need <= SIP_MESSAGE_SIZE_MAX);
				break;
			}
			items[count++] = (struct item){pull,
						       m.kind,
						       m.fault,
						       left - cur_left(&in),
						       cur_left(&m.body),
						       m.header_count};
		}
		at = end - cur_left(&in);
		free(exact);
		if (pull == PULL_BAD)
			break;
	}
	ASSERT(scan.steps <= 8 * size + 4 * calls);
	return count;
}

static void any_cut_gives_the_same(const uint8_t *data, size_t size)
{
	static struct item whole[ITEMS], cut[ITEMS];
	unsigned           n = stream(data, size, UINT32_MAX >> 1, whole);

	ASSERT(stream(data, size, 48, cut) == n);
	for (unsigned i = 0; i < n; i++) {
		ASSERT(whole[i].pull == cut[i].pull);
		if (whole[i].pull == PULL_ITEM) /* a lost frame may be noticed earlier */
			ASSERT(whole[i].kind == cut[i].kind && whole[i].fault == cut[i].fault &&
			       whole[i].size == cut[i].size && whole[i].body == cut[i].body &&
			       whole[i].headers == cut[i].headers);
	}
}

static void uri_twice(struct str text)
{
	struct sip_uri uri, canonical;
	struct put     one = put_to(room, sizeof(room)), two;

	if (!sip_uri_parse(text, &uri))
		return;
	ASSERT(sip_uri_equal(&uri, &uri));
	sip_uri_aor_put(&one, &uri);
	ASSERT(!one.failed);
	ASSERT(sip_uri_parse((struct str){(char *)room, put_size(&one)}, &canonical));
	ASSERT(canonical.scheme == uri.scheme && canonical.host.kind == uri.host.kind &&
	       canonical.port == uri.port);
	two = put_to(other_room, sizeof(other_room));
	sip_uri_aor_put(&two, &canonical);
	ASSERT(put_size(&one) == put_size(&two) && memcmp(room, other_room, put_size(&two)) == 0);
	two = put_to(other_room, sizeof(other_room));
	sip_unescape_put(&two, uri.user);
}

/* All parsers over one value. */
static void value_all(struct str value)
{
	char                *exact = malloc(value.n + 1);
	struct str           v = {exact, value.n};
	struct sip_name_addr address;
	struct sip_via       via;
	struct sip_cseq      cseq;
	struct sip_media     media;
	struct sip_auth      auth;
	struct sip_list      l;
	struct str           element;
	struct put           w = put_to(room, sizeof(room));
	uint32_t             seconds;
	uint64_t             date;
	unsigned             q, elements = 0;

	memcpy(exact, value.p, value.n);
	if (sip_name_addr_parse(v, &address)) {
		sip_unquote_put(&w, address.display);
		uri_twice(address.uri_text);
	}
	if (sip_via_parse(v, &via)) {
		w = put_to(room, sizeof(room));
		sip_put_host(&w, &via.host);
		ASSERT(!w.failed);
	}
	if (sip_cseq_parse(v, &cseq))
		ASSERT(cseq.number <= INT32_MAX);
	sip_call_id_check(v);
	sip_media_parse(v, &media);
	sip_seconds_parse(v, &seconds);
	if (sip_date_parse(v, &date)) {
		w = put_to(room, sizeof(room));
		sip_put_date(&w, date);
		ASSERT(w.failed == false);
	}
	if (sip_q_parse(v, &q))
		ASSERT(q <= 1000);
	sip_auth_parse(v, &auth);
	for (sip_list_of(&l, v); sip_list_next(&l, &element); elements++)
		ASSERT(element.n > 0 && elements <= v.n);
	free(exact);
}

/* As it is read after it was written: folds are one space. */
static struct str flat(struct str value, uint8_t *to)
{
	struct put w = put_to(to, ROOM);

	sip_put_text(&w, value);
	ASSERT(!w.failed);
	return sip_trim((struct str){(char *)to, put_size(&w)});
}

static void write_and_read(void)
{
	static uint8_t  bytes[ROOM];
	struct put      w = put_to(bytes, sizeof(bytes));
	struct sip_scan scan = {0};
	struct cur      in, body = m.body;
	enum reason     why;
	size_t          n = cur_left(&body);

	if (m.kind == SIP_REQUEST)
		sip_put_request(&w, m.method_text, m.uri);
	else
		sip_put_response(&w, m.status, m.reason);
	for (unsigned i = 0; i < m.header_count; i++)
		sip_put_header_named(&w, m.headers[i].name, m.headers[i].value);
	put_str(&w, STR("\r\n"));
	put_bytes(&w, cur_bytes(&body, n), n);
	ASSERT(!w.failed);
	in = cur_of(bytes, put_size(&w));
	ASSERT(sip_message_next(&scan, &in, SIP_DATAGRAM, &again, &why) == PULL_ITEM);
	ASSERT(again.fault == REASON_NONE && again.kind == m.kind && again.method == m.method &&
	       again.status == m.status && str_eq(again.reason, m.reason) &&
	       again.header_count == m.header_count && cur_left(&again.body) == n);
	for (unsigned i = 0; i < m.header_count; i++) {
		ASSERT(again.headers[i].id == m.headers[i].id);
		ASSERT(str_eq(again.headers[i].value, flat(m.headers[i].value, room)));
	}
}

/* RFC 4028: nothing under the least is granted, and nothing under what was asked for as that. */
static void timer_read(void)
{
	struct sip_timer_asked asked;
	struct sip_timer       timer;

	if (!sip_timer_read(&m, &asked) || !sip_timer_grant(&asked, true, &timer))
		return;
	ASSERT(timer.seconds == 0 || timer.seconds >= asked.min);
	ASSERT(asked.min >= SIP_TIMER_MIN_S &&
	       (timer.seconds == 0) == (timer.refresher == SIP_REFRESHER_NONE));
}

static void datagram(const uint8_t *data, size_t size)
{
	struct sip_scan      scan = {0};
	struct cur           in = cur_of(data, size);
	struct sip_mandatory known, known_again;
	struct put           w = put_to(room, sizeof(room));
	enum reason          why;

	if (sip_message_next(&scan, &in, SIP_DATAGRAM, &m, &why) != PULL_ITEM)
		return;
	ASSERT(cur_left(&in) == 0 && scan.steps <= size);
	for (unsigned i = 0; i < m.header_count; i++)
		value_all(m.headers[i].value);
	if ((m.kind != SIP_REQUEST && m.kind != SIP_RESPONSE) || m.fault != REASON_NONE)
		return;
	uri_twice(m.uri);
	write_and_read();
	timer_read();
	why = sip_mandatory_parse(&m, &known);
	ASSERT(sip_mandatory_parse(&again, &known_again) == why);
	if (why != REASON_NONE)
		return;
	ASSERT(str_eq(known.call_id, known_again.call_id) &&
	       known.cseq.number == known_again.cseq.number &&
	       str_eq(known.via.branch, known_again.via.branch) &&
	       str_eq(known.from.tag, known_again.from.tag) &&
	       known.to.uri.host.kind == known_again.to.uri.host.kind);
	sip_put_response_fields(&w, &m, &known, STR("192.0.2.1"), 5060, STR("t"));
	ASSERT(!w.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > SIP_MESSAGE_SIZE_MAX)
		return 0;
	any_cut_gives_the_same(data, size);
	datagram(data, size);
	return 0;
}
