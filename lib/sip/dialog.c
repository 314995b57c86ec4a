#include "sip/dialog.h"

#include <assert.h>

#include "base/assert.h"
#include "sip/links.h"
#include "sip/print.h"

static_assert(sizeof(struct sip_dialog) <= 192, "most of a block is left for texts");

#define LINKS offsetof(struct sip_dialog, links)

struct sip_dialog *sip_dialog_at(const struct sip_transactions *t, uint32_t number)
{
	return (struct sip_dialog *)(void *)sip_pool_at(&t->pool, number)->bytes;
}

static void enlist(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		   struct now now, enum sip_dialog_state state)
{
	d->state = (uint8_t)state;
	d->since_us = now.us;
	sip_links_append(&t->pool, &of->in[state], d->number, LINKS);
}

struct sip_dialog *sip_dialog_new(struct sip_transactions *t, struct sip_dialogs *of,
				  struct sip_session *session, struct now now,
				  enum sip_dialog_state state)
{
	uint32_t           number = sip_pool_take(&t->pool);
	struct sip_dialog *d;

	if (number == SIP_BLOCK_NONE) {
		metric_inc(t->metrics, METRIC_sip_transactions_full);
		return NULL;
	}
	d = sip_dialog_at(t, number);
	*d = (struct sip_dialog){
		.session = session,
		.number = number,
		.texts = {.first = number, .last = number, .start = sizeof(*d)},
		.calls = state == SIP_DIALOG_CALLING,
	};
	enlist(t, of, d, now, state);
	of->open++;
	if (d->calls)
		of->calling++;
	return d;
}

#define BY_LOOK offsetof(struct sip_dialog, by_look)

void sip_dialog_looked(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		       struct now now)
{
	ASSERT(d->timer_s > 0);
	sip_links_remove(&t->pool, &of->timed, d->number, BY_LOOK);
	d->looked_us = now.us;
	sip_links_append(&t->pool, &of->timed, d->number, BY_LOOK);
}

void sip_dialog_time(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		     struct now now, uint32_t seconds)
{
	if (d->timer_s > 0)
		sip_links_remove(&t->pool, &of->timed, d->number, BY_LOOK);
	d->timer_s = seconds;
	d->refreshed_us = d->looked_us = now.us;
	d->refreshing = false;
	if (seconds > 0)
		sip_links_append(&t->pool, &of->timed, d->number, BY_LOOK);
}

void sip_dialog_end(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d)
{
	ASSERT(of->open > 0 && (!d->calls || of->calling > 0));
	of->open--;
	if (d->calls)
		of->calling--;
	sip_links_remove(&t->pool, &of->in[d->state], d->number, LINKS);
	if (d->timer_s > 0)
		sip_links_remove(&t->pool, &of->timed, d->number, BY_LOOK);
	sip_chain_give(&t->pool, &d->texts);
}

void sip_dialog_move(struct sip_transactions *t, struct sip_dialogs *of, struct sip_dialog *d,
		     struct now now, enum sip_dialog_state state)
{
	sip_links_remove(&t->pool, &of->in[d->state], d->number, LINKS);
	enlist(t, of, d, now, state);
}

struct sip_dialog *sip_dialog_first(const struct sip_transactions *t, const struct sip_dialogs *of,
				    enum sip_dialog_state state)
{
	uint32_t first = of->in[state].first;

	return first != SIP_BLOCK_NONE ? sip_dialog_at(t, first) : NULL;
}

uint64_t sip_dialog_token(const struct sip_transactions *t, const struct sip_dialog *d)
{
	return (uint64_t)sip_pool_at(&t->pool, d->number)->generation << 32 | d->number;
}

static struct sip_dialog *named(const struct sip_transactions *t, uint32_t number,
				uint32_t generation)
{
	if (number == SIP_BLOCK_NONE || number > t->pool.touched ||
	    sip_pool_at(&t->pool, number)->generation != generation)
		return NULL;
	return sip_dialog_at(t, number);
}

struct sip_dialog *sip_dialog_by_token(const struct sip_transactions *t, uint64_t token)
{
	return named(t, (uint32_t)token, (uint32_t)(token >> 32));
}

void sip_dialog_tag_put(const struct sip_transactions *t, const struct sip_dialog *d, struct put *w)
{
	struct sip_branch b = {t->worker, d->number, sip_pool_at(&t->pool, d->number)->generation};

	sip_name_put(w, &t->tag_key, &b);
}

struct sip_dialog *sip_dialog_by_tag(const struct sip_transactions *t, struct str tag)
{
	struct sip_branch b;

	if (!sip_name_parse(tag, &t->tag_key, &b) || b.worker != t->worker)
		return NULL;
	return named(t, b.index, b.generation);
}

bool sip_dialog_keep(struct sip_transactions *t, struct sip_dialog *d,
		     const struct str texts[SIP_DIALOG_TEXTS])
{
	struct sip_chain before = d->texts;
	size_t           total = 0;

	ASSERT(d->texts.size == 0);
	for (unsigned i = 0; i < SIP_DIALOG_TEXTS; i++)
		total += texts[i].n;
	if (total > SIP_DIALOG_TEXT_MAX)
		return false;
	for (unsigned i = 0; i < SIP_DIALOG_TEXTS; i++) {
		d->sizes[i] = (uint16_t)texts[i].n;
		if (!sip_chain_append(&t->pool, &d->texts, texts[i].p, texts[i].n)) {
			metric_inc(t->metrics, METRIC_sip_transactions_full);
			d->texts.size = before.size; /* its blocks go back with it */
			return false;
		}
	}
	return true;
}

void sip_dialog_texts(const struct sip_transactions *t, const struct sip_dialog *d,
		      char room[SIP_DIALOG_TEXT_MAX], struct str texts[SIP_DIALOG_TEXTS])
{
	struct put w = put_to(room, SIP_DIALOG_TEXT_MAX);
	size_t     at = 0;

	sip_chain_put(&t->pool, &d->texts, 0, d->texts.size, &w);
	ASSERT(!w.failed);
	for (unsigned i = 0; i < SIP_DIALOG_TEXTS; i++) {
		texts[i] = (struct str){room + at, d->sizes[i]};
		at += d->sizes[i];
	}
}

/* ---- what makes one ---- */

/* All lines of Record-Route as one list; of a response from the end. */
static bool put_routes(const struct sip_message *m, bool reversed, struct put *w)
{
	struct str      elements[SIP_DIALOG_ROUTES_MAX], one;
	struct sip_list l;
	size_t          n = 0, mark = put_size(w);

	for (sip_list_init(&l, m, SIP_RECORD_ROUTE); sip_list_next(&l, &one);) {
		if (n == SIP_DIALOG_ROUTES_MAX)
			return false;
		elements[n++] = one;
	}
	if (l.failed)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_str(w, STR(", "));
		sip_put_text(w, elements[reversed ? n - 1 - i : i]);
	}
	return !w->failed && put_size(w) - mark <= SIP_DIALOG_ROUTE_SIZE_MAX;
}

static bool contact_of(const struct sip_message *m, struct str *uri)
{
	struct sip_name_addr name;
	struct sip_list      l;
	struct str           element;

	sip_list_init(&l, m, SIP_CONTACT);
	if (!sip_list_next(&l, &element) || !sip_name_addr_parse(element, &name) ||
	    (name.uri.scheme != SIP_SCHEME_SIP && name.uri.scheme != SIP_SCHEME_SIPS))
		return false;
	*uri = name.uri_text;
	return true;
}

/* The block that it lies in stays. */
static void forget_texts(struct sip_transactions *t, struct sip_dialog *d)
{
	struct sip_block *own = sip_pool_at(&t->pool, d->number);

	if (own->next != SIP_BLOCK_NONE)
		sip_chain_give(&t->pool, &(struct sip_chain){.first = own->next});
	own->next = SIP_BLOCK_NONE;
	d->texts.last = d->number;
	d->texts.size = 0;
}

void sip_dialog_retarget(struct sip_transactions *t, struct sip_dialog *d,
			 const struct sip_message *m)
{
	char       room[SIP_DIALOG_TEXT_MAX];
	struct str texts[SIP_DIALOG_TEXTS], before, uri;

	sip_dialog_texts(t, d, room, texts);
	before = texts[SIP_DIALOG_TARGET];
	if (!contact_of(m, &uri) || str_eq(uri, before) ||
	    d->texts.size - before.n + uri.n > SIP_DIALOG_TEXT_MAX)
		return;
	forget_texts(t, d);
	texts[SIP_DIALOG_TARGET] = uri;
	if (sip_dialog_keep(t, d, texts))
		return;
	forget_texts(t, d);
	texts[SIP_DIALOG_TARGET] = before;
	if (!sip_dialog_keep(t, d, texts))
		ASSERT(false); /* these had room before */
}

static struct str since(const struct put *w, size_t mark)
{
	return (struct str){(const char *)w->start + mark, put_size(w) - mark};
}

enum reason sip_dialog_texts_of(const struct sip_message *m, struct str our_tag,
				char room[SIP_DIALOG_TEXT_MAX], struct str texts[SIP_DIALOG_TEXTS])
{
	bool       theirs = m->kind == SIP_REQUEST;
	struct put w = put_to(room, SIP_DIALOG_TEXT_MAX);
	struct str from, to;
	size_t     mark;

	if (!sip_header_find(m, SIP_FROM, &from) || !sip_header_find(m, SIP_TO, &to) ||
	    !sip_header_find(m, SIP_CALL_ID, &texts[SIP_DIALOG_CALL_ID]))
		return REASON_SIP_HEADER_MISSING;
	if (!contact_of(m, &texts[SIP_DIALOG_TARGET]))
		return REASON_SIP_CONTACT;
	texts[SIP_DIALOG_LOCAL] = from;
	texts[SIP_DIALOG_REMOTE] = to;
	if (theirs) {
		texts[SIP_DIALOG_REMOTE] = from;
		sip_put_text(&w, to);
		put_str(&w, STR(";tag="));
		put_str(&w, our_tag);
		texts[SIP_DIALOG_LOCAL] = since(&w, 0);
	}
	mark = put_size(&w);
	if (w.failed || !put_routes(m, !theirs, &w))
		return w.failed ? REASON_SIP_FIELD : REASON_SIP_ROUTE;
	texts[SIP_DIALOG_ROUTE] = since(&w, mark);
	return REASON_NONE;
}

bool sip_dialog_way(const struct str texts[SIP_DIALOG_TEXTS], char room[SIP_DIALOG_TEXT_MAX],
		    struct str *uri, struct str *route)
{
	struct put           w = put_to(room, SIP_DIALOG_TEXT_MAX);
	struct sip_name_addr first;
	struct sip_param     lr;
	struct sip_list      l;
	struct str           element;

	*uri = texts[SIP_DIALOG_TARGET];
	*route = texts[SIP_DIALOG_ROUTE];
	if (route->n == 0)
		return true;
	sip_list_of(&l, *route);
	if (!sip_list_next(&l, &element) || !sip_name_addr_parse(element, &first))
		return false;
	if (sip_uri_param_find(&first.uri, STR("lr"), &lr))
		return true;
	*uri = first.uri_text;
	while (sip_list_next(&l, &element)) {
		put_str(&w, element);
		put_str(&w, STR(", "));
	}
	put_u8(&w, '<');
	put_str(&w, texts[SIP_DIALOG_TARGET]);
	put_u8(&w, '>');
	*route = since(&w, 0);
	return !w.failed;
}

unsigned sip_dialog_takes(const struct sip_transactions *t, struct sip_dialog *d,
			  const struct sip_mandatory *known)
{
	char                 room[SIP_DIALOG_TEXT_MAX];
	struct str           texts[SIP_DIALOG_TEXTS];
	struct sip_name_addr remote;

	if (d->texts.size == 0)
		return 481;
	sip_dialog_texts(t, d, room, texts);
	if (!str_eq(texts[SIP_DIALOG_CALL_ID], known->call_id) ||
	    !sip_name_addr_parse(texts[SIP_DIALOG_REMOTE], &remote) ||
	    !str_eq(remote.tag, known->from.tag))
		return 481;
	if (known->cseq.method == SIP_METHOD_ACK)
		return 200;
	if (d->sequence_theirs != 0 && known->cseq.number <= d->sequence_theirs &&
	    !(known->cseq.number == d->sequence_theirs && known->cseq.method == SIP_METHOD_INVITE))
		return 500;
	d->sequence_theirs = known->cseq.number;
	return 200;
}
