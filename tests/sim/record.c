#include "record.h"

#include <ctype.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#define TEXT_MAX 200u

struct record record;

void record_begin(uint32_t limit)
{
	record_end();
	record.limit = limit;
	record.fates = calloc(limit > 0 ? limit : 1, sizeof(record.fates[0]));
	ASSERT(record.fates != NULL);
}

void record_end(void)
{
	free(record.fates);
	memset(&record, 0, sizeof(record));
}

void record_more(uint32_t limit)
{
	struct fate *fates = realloc(record.fates, (limit > 0 ? limit : 1) * sizeof(fates[0]));

	ASSERT(fates != NULL && limit >= record.limit);
	memset(fates + record.limit, 0, (limit - record.limit) * sizeof(fates[0]));
	record.fates = fates;
	record.limit = limit;
}

bool record_all_answered(struct sim *s)
{
	(void)s;
	return record.answered >= record.limit;
}

void record_text(struct msg *m, const char *text)
{
	bool added = msg_append(m, text, strlen(text), &m->body);

	ASSERT(added);
	m->kind = MSG_TEXT;
	m->coding = MSG_CODING_GSM7;
}

static bool add_address(struct msg *m, const char *text, struct addr *a)
{
	bool number = text[0] == '+', alpha = isalpha((unsigned char)text[0]);

	return msg_append_addr(m,
			       number  ? ADDR_E164
			       : alpha ? ADDR_ALPHA
				       : ADDR_SHORT,
			       number  ? 1
			       : alpha ? 5
				       : 3,
			       number, str_of(text), a);
}

void record_addresses(struct msg *m, const char *from, const char *to)
{
	bool added = add_address(m, from, &m->from) && add_address(m, to, &m->to);

	ASSERT(added);
}

static bool next_message(struct host *h, struct host_session *s, struct msg *m, uint64_t *token)
{
	char room[64];

	if (record.next == record.limit)
		return false;
	if (record.fill != NULL) {
		if (!record.fill(s, m, record.next))
			return false;
	} else {
		snprintf(room, sizeof(room), "+4670%07u", record.next);
		record_addresses(m, "+4611111", room);
	}
	snprintf(room, sizeof(room), "marker %u of the run", record.next);
	record_text(m, room);
	record.fates[record.next].sent_us = h->now.us;
	*token = record.next++;
	return true;
}

static void message_result(struct host *h, struct host_session *s, uint64_t token,
			   const struct result *r)
{
	struct fate *f;

	if (token >= RECORD_OTHER) {
		if (record.other_result != NULL)
			record.other_result(s, token - RECORD_OTHER, r);
		return;
	}
	ASSERT(token < record.limit);
	f = &record.fates[token];
	record.answered++;
	f->answered_us = h->now.us;
	f->status = r->has_status ? r->peer_status : 0;
	if (r->why == REASON_NONE)
		f->positive++;
	else
		f->negative++;
	str_copy(f->id, sizeof(f->id), (struct str){r->remote_id, r->remote_id_size});
}

static bool message_arrives(struct host *h, struct host_session *s, struct msg *m,
			    struct result *answer)
{
	uint8_t      room[TEXT_MAX];
	char         text[TEXT_MAX + 1];
	unsigned     number;
	struct fate *f;

	if (s->role == HOST_ESME)
		return record.at_esme == NULL || record.at_esme(s, m, answer);
	ASSERT(m->body.size <= TEXT_MAX);
	str_copy(text, sizeof(text),
		 (struct str){(const char *)msg_view(m, m->body, room), m->body.size});
	if (sscanf(text, "marker %u of the run", &number) != 1 || number >= record.limit) {
		record.wrong++;
		return true;
	}
	f = &record.fates[number];
	f->arrivals++;
	f->order = record.arrivals++;
	f->session = (uint32_t)(s - h->sessions);
	memcpy(f->at, s->identity, sizeof(f->at));
	return record.arrives == NULL || record.arrives(s, number, m, answer);
}

const struct host_hooks record_hooks = {
	.next = next_message, .result = message_result, .message = message_arrives};

static unsigned links_wanted, esmes_wanted;

static bool bound(struct sim *s)
{
	return sim_metric(s, METRIC_links_up) == links_wanted &&
	       sim_metric(s, METRIC_logins) >= links_wanted + esmes_wanted;
}

void record_world(struct sim *s, const struct sim_config *config, const char *yaml,
		  unsigned smsc_ports, unsigned esmes, unsigned links)
{
	bool up;

	sim_new(s, config);
	sim_apply(s, yaml);
	for (unsigned i = 0; i < smsc_ports; i++) {
		int err = host_listen(&s->host, (uint16_t)(2776 + i));

		ASSERT(err == 0);
	}
	for (unsigned i = 0; i < esmes; i++) {
		bool begun = host_connect(&s->host, s->now, 2775, "esme1", "secret1",
					  PROTO_SENDS | PROTO_RECEIVES);

		ASSERT(begun);
	}
	links_wanted = links;
	esmes_wanted = esmes;
	up = sim_until(s, bound, 10 * US_PER_SECOND);
	ASSERT(up);
}

struct host_session *record_smsc(struct sim *s, const char *identity, unsigned k)
{
	for (unsigned i = 0; i < s->host.session_count; i++) {
		struct host_session *e = &s->host.sessions[i];

		if (e->role == HOST_SMSC && e->open && e->up &&
		    strcmp(e->identity, identity) == 0 && k-- == 0)
			return e;
	}
	return NULL;
}
