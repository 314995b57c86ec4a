#include "sip/watch.h"

#include "sip/session_private.h"

#define WATCHES_SHARE 4u /* of all blocks, those of watches */

static_assert(sizeof(struct sip_watch) + 64 <= sizeof(((struct sip_block *)NULL)->bytes),
	      "a watch and the first of its texts fit in a block");

static struct sip_watch *watch_at(const struct sip_instance *i, uint32_t number)
{
	return (struct sip_watch *)(void *)sip_pool_at(&i->transactions.pool, number)->bytes;
}

/* They are in a ring, so that a session has but the number of the first. */
static void ring_append(struct sip_watch *w)
{
	const struct sip_instance *i = w->session->instance;
	uint32_t                  *first = &w->session->clients.watches;

	w->links = (struct sip_links){w->number, w->number};
	if (*first == SIP_BLOCK_NONE) {
		*first = w->number;
		return;
	}
	w->links = (struct sip_links){*first, watch_at(i, *first)->links.prev};
	watch_at(i, w->links.prev)->links.next = w->number;
	watch_at(i, w->links.next)->links.prev = w->number;
}

static void ring_remove(struct sip_watch *w)
{
	const struct sip_instance *i = w->session->instance;
	uint32_t                  *first = &w->session->clients.watches;

	watch_at(i, w->links.prev)->links.next = w->links.next;
	watch_at(i, w->links.next)->links.prev = w->links.prev;
	if (*first == w->number)
		*first = w->links.next != w->number ? w->links.next : SIP_BLOCK_NONE;
}

struct sip_watch *sip_watch_new(struct sip_session *s, struct now now, const struct flow *to,
				const struct str texts[SIP_WATCH_TEXTS])
{
	struct sip_instance *i = s->instance;
	struct sip_pool     *pool = &i->transactions.pool;
	uint32_t             number = SIP_BLOCK_NONE;
	struct sip_watch    *w;
	bool                 kept = true;

	if (i->watches < pool->count / WATCHES_SHARE)
		number = sip_pool_take(pool);
	if (number == SIP_BLOCK_NONE) {
		metric_inc(i->metrics, METRIC_sip_watches_full);
		return NULL;
	}
	w = watch_at(i, number);
	*w = (struct sip_watch){.session = s,
				.looked_us = now.us,
				.to = *to,
				.number = number,
				.expires_s = SIP_WATCH_EXPIRES_S,
				.texts = {number, number, sizeof(*w), 0}};
	sip_text_new(i, w->call_id);
	ring_append(w);
	i->watches++;
	metric_inc(i->metrics, METRIC_sip_watches_open);
	for (unsigned k = 0; k < SIP_WATCH_TEXTS; k++) {
		w->sizes[k] = (uint16_t)texts[k].n;
		kept = kept && w->texts.size + texts[k].n <= SIP_WATCH_TEXT_MAX &&
		       sip_chain_append(pool, &w->texts, texts[k].p, texts[k].n);
	}
	if (kept)
		return w;
	metric_inc(i->metrics, METRIC_sip_watches_full);
	sip_watch_end(w);
	return NULL;
}

void sip_watch_end(struct sip_watch *w)
{
	struct sip_instance *i = w->session->instance;
	struct sip_pool     *pool = &i->transactions.pool;

	sip_watch_way_forget(w);
	ring_remove(w);
	ASSERT(i->watches > 0);
	i->watches--;
	metric_sub(i->metrics, METRIC_sip_watches_open, 1);
	sip_chain_give(pool, &w->texts);
}

void sip_watches_end(struct sip_session *s)
{
	while (s->clients.watches != SIP_BLOCK_NONE)
		sip_watch_end(watch_at(s->instance, s->clients.watches));
}

void sip_watch_tag_put(const struct sip_watch *w, struct put *to)
{
	const struct sip_instance *i = w->session->instance;
	const struct sip_branch    b = {i->worker, w->number,
					sip_pool_at(&i->transactions.pool, w->number)->generation};

	sip_name_put(to, &i->watch_key, &b);
}

struct sip_watch *sip_watch_by_tag(const struct sip_instance *i, struct str tag)
{
	const struct sip_pool *pool = &i->transactions.pool;
	struct sip_branch      b;

	if (!sip_name_parse(tag, &i->watch_key, &b) || b.worker != i->worker ||
	    b.index == SIP_BLOCK_NONE || b.index > pool->touched ||
	    sip_pool_at(pool, b.index)->generation != b.generation)
		return NULL;
	return watch_at(i, b.index);
}

static uint64_t token_of(const struct sip_watch *w)
{
	const struct sip_pool *pool = &w->session->instance->transactions.pool;

	return (uint64_t)sip_pool_at(pool, w->number)->generation << 32 | w->number;
}

static struct sip_watch *by_token(const struct sip_instance *i, uint64_t token)
{
	uint32_t number = (uint32_t)token;

	return sip_pool_at(&i->transactions.pool, number)->generation == token >> 32
		       ? watch_at(i, number)
		       : NULL;
}

static void texts_read(const struct sip_watch *w, const struct sip_chain *chain,
		       const uint16_t sizes[], unsigned n, char room[SIP_WATCH_TEXT_MAX],
		       struct str texts[])
{
	const struct sip_pool *pool = &w->session->instance->transactions.pool;
	struct put             to = put_to(room, SIP_WATCH_TEXT_MAX);
	size_t                 at = 0;

	sip_chain_put(pool, chain, 0, chain->size, &to);
	ASSERT(!to.failed);
	for (unsigned k = 0; k < n; k++) {
		texts[k] = (struct str){room + at, sizes[k]};
		at += sizes[k];
	}
}

void sip_watch_texts(const struct sip_watch *w, char room[SIP_WATCH_TEXT_MAX],
		     struct str texts[SIP_WATCH_TEXTS])
{
	texts_read(w, &w->texts, w->sizes, SIP_WATCH_TEXTS, room, texts);
}

void sip_watch_way(const struct sip_watch *w, char room[SIP_WATCH_TEXT_MAX],
		   struct str way[SIP_WATCH_WAYS])
{
	texts_read(w, &w->way, w->way_sizes, SIP_WATCH_WAYS, room, way);
}

void sip_watch_way_forget(struct sip_watch *w)
{
	if (w->way.size > 0)
		sip_chain_give(&w->session->instance->transactions.pool, &w->way);
	w->way.size = 0;
	w->has_version = false;
	w->ends_us = 0;
}

bool sip_watch_way_keep(struct sip_watch *w, const struct str way[SIP_WATCH_WAYS])
{
	struct sip_pool *pool = &w->session->instance->transactions.pool;
	uint32_t         number = sip_pool_take(pool);
	bool             kept = number != SIP_BLOCK_NONE;

	ASSERT(w->way.size == 0);
	w->way = (struct sip_chain){number, number, 0, 0};
	for (unsigned k = 0; kept && k < SIP_WATCH_WAYS; k++) {
		w->way_sizes[k] = (uint16_t)way[k].n;
		kept = w->way.size + way[k].n <= SIP_WATCH_TEXT_MAX &&
		       sip_chain_append(pool, &w->way, way[k].p, way[k].n);
	}
	if (kept)
		return true;
	metric_inc(w->session->instance->metrics, METRIC_sip_watches_full);
	if (number != SIP_BLOCK_NONE)
		sip_chain_give(pool, &w->way);
	w->way.size = 0;
	return false;
}

/* ---- asking ---- */

static void put_subscribe(const struct sip_watch *w, const struct sip_client *c, struct put *to)
{
	const struct sip_session *s = w->session;
	char room[SIP_WATCH_TEXT_MAX], way_room[SIP_WATCH_TEXT_MAX], self_room[SIP_URI_MAX],
		flow_room[SIP_FLOW_TEXT_SIZE], strict[SIP_DIALOG_TEXT_MAX];
	struct str texts[SIP_WATCH_TEXTS], way[SIP_WATCH_WAYS], inside[SIP_DIALOG_TEXTS],
		self = sip_own_uri(s, self_room), uri, route;

	sip_watch_texts(w, room, texts);
	uri = texts[SIP_WATCH_USER];
	route = texts[SIP_WATCH_ROUTE];
	if (w->way.size > 0) {
		sip_watch_way(w, way_room, way);
		inside[SIP_DIALOG_TARGET] = way[SIP_WATCH_TARGET];
		inside[SIP_DIALOG_ROUTE] = way[SIP_WATCH_ROUTES];
		to->failed |= !sip_dialog_way(inside, strict, &uri, &route);
	}
	sip_request_head(s, c,
			 &(struct sip_request){STR("SUBSCRIBE"),
					       uri,
					       {w->call_id, sizeof(w->call_id)},
					       SIP_FORWARDS_FIRST,
					       route,
					       w->sequence},
			 to);
	sip_put_header_begin(to, SIP_FROM);
	sip_put_name_addr(to, STR(""), self);
	put_str(to, STR(";tag="));
	sip_watch_tag_put(w, to);
	sip_put_header_end(to);
	sip_put_header_begin(to, SIP_TO);
	if (w->way.size > 0)
		sip_put_text(to, way[SIP_WATCH_REMOTE]);
	else
		sip_put_name_addr(to, STR(""), texts[SIP_WATCH_USER]);
	sip_put_header_end(to);
	sip_put_header_begin(to, SIP_CONTACT);
	put_str(to, STR("<sip:"));
	sip_host_text_put(to, sip_flow_text(&s->local, flow_room));
	put_u8(to, ':');
	put_number(to, s->local.port);
	put_str(to, s->datagram ? STR(">") : STR(";transport=tcp>"));
	sip_put_header_end(to);
	sip_put_header_begin(to, SIP_P_ASSERTED_IDENTITY);
	sip_put_name_addr(to, STR(""), self);
	sip_put_header_end(to);
	sip_put_header(to, SIP_EVENT, STR("reg"));
	sip_put_header(to, SIP_ACCEPT, STR(SIP_REGINFO_TYPE));
	sip_put_header_number(to, SIP_EXPIRES, w->expires_s);
	sip_put_body(to, STR(""), "", 0);
}

void sip_watch_ask(struct sip_watch *w, struct now now, struct out *out)
{
	struct sip_session      *s = w->session;
	struct sip_transactions *t = &s->instance->transactions;
	struct sip_client_how    how = sip_request_how(s, SIP_CLIENT_WATCH, &w->to);
	struct sip_client       *c = w->asking ? NULL : sip_client_new(t, &s->clients);
	size_t                   mark = out_mark(out);

	w->begun = true;
	w->due_us = now.us;
	if (c == NULL)
		return;
	how.token = token_of(w);
	w->sequence++;
	sip_request_begin(s, &w->to, out);
	put_subscribe(w, c, &out->put);
	if (sip_request_start(s, now, c, &how, out, mark)) {
		w->asking = true;
		w->due_us = UINT64_MAX;
		metric_inc(s->instance->metrics, METRIC_sip_watches_asked);
		return;
	}
	sip_client_end(t, c);
	out_undo(out, mark);
}

/* TS 24.229, 5.1.1.3: 600 seconds before the end of what is longer than twice that, else when half
 * of it is over. */
void sip_watch_granted(struct sip_watch *w, struct now now, uint32_t seconds)
{
	uint64_t s = seconds < SIP_WATCH_EXPIRES_MIN_S ? SIP_WATCH_EXPIRES_MIN_S : seconds;

	w->ends_us = now.us + s * US_PER_SECOND;
	w->due_us = now.us + (s > 1200 ? s - 600 : s / 2) * US_PER_SECOND;
	w->tries = 0;
}

void sip_watch_rest(struct sip_watch *w, struct now now, uint64_t rest_us)
{
	if (++w->tries > SIP_WATCH_TRIES_MAX) {
		metric_inc(w->session->instance->metrics, METRIC_sip_watches_refused);
		sip_watch_end(w);
		return;
	}
	w->due_us = now.us + rest_us;
}

/* ---- what is answered ---- */

static void on_accepted(const struct sip_input *in, struct sip_watch *w)
{
	struct str value;
	uint32_t   seconds = w->expires_s;
	uint8_t    tries = w->tries;

	if (!sip_header_find(&in->m, SIP_EXPIRES, &value) || !sip_seconds_parse(value, &seconds))
		seconds = w->expires_s;
	sip_watch_granted(w, in->now, seconds);
	if (w->way.size > 0)
		return;
	w->tries = tries; /* it has not succeeded before the NOTIFY comes */
	w->due_us = in->now.us + SIP_WATCH_NOTIFY_US;
}

/* The subscription is gone there: another is asked for. */
static void anew(struct sip_watch *w, struct now now, struct out *out)
{
	sip_watch_way_forget(w);
	sip_text_new(w->session->instance, w->call_id);
	w->sequence = w->sequence_theirs = 0;
	sip_watch_ask(w, now, out);
}

static void on_brief(const struct sip_input *in, struct sip_watch *w)
{
	struct str value;
	uint32_t   seconds;

	if (sip_header_find(&in->m, SIP_MIN_EXPIRES, &value) &&
	    sip_seconds_parse(value, &seconds) && seconds > w->expires_s)
		w->expires_s = seconds;
	sip_watch_rest(w, in->now, 0);
}

void sip_on_watch_answer(const struct sip_input *in, struct sip_session *s, uint64_t token)
{
	struct sip_watch *w = by_token(s->instance, token);
	uint64_t          rest_us;

	if (w == NULL)
		return;
	w->asking = false;
	if (in->m.status < 300) {
		on_accepted(in, w);
		return;
	}
	switch (in->m.status) {
	case 423:
		on_brief(in, w);
		return;
	case 481:
		if (w->way.size == 0)
			break;
		anew(w, in->now, in->out);
		return;
	case 408:
	case 480:
	case 486:
	case 500:
	case 503:
	case 504:
		rest_us = sip_retry_after_ms(&in->m) * US_PER_MS;
		sip_watch_rest(w, in->now, rest_us > 0 ? rest_us : SIP_WATCH_RETRY_US);
		return;
	}
	metric_inc(s->instance->metrics, METRIC_sip_watches_refused);
	sip_watch_end(w);
}

void sip_watch_lost(struct sip_session *s, struct now now, uint64_t token)
{
	struct sip_watch *w = by_token(s->instance, token);

	if (w == NULL)
		return;
	w->asking = false;
	sip_watch_rest(w, now, SIP_WATCH_RETRY_US);
}

/* ---- what it is about ---- */

static bool is_of(const struct sip_watch *w, const struct proto_record *r)
{
	char       tag[SIP_NAME_SIZE];
	struct put to = put_to(tag, sizeof(tag));

	sip_watch_tag_put(w, &to);
	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		if ((r->bindings[i].features & PROTO_BINDING_AT_PEER) &&
		    str_eq(proto_binding_text(r, &r->bindings[i], BINDING_INSTANCE),
			   (struct str){tag, sizeof(tag)}))
			return true;
	}
	return false;
}

bool sip_watch_holds(const struct sip_watch *w)
{
	const struct proto_services *services = w->session->instance->services;
	char                         room[SIP_WATCH_TEXT_MAX];
	struct str                   texts[SIP_WATCH_TEXTS];

	sip_watch_texts(w, room, texts);
	return is_of(w, services->record(services->context, w->session->instance->protocol,
					 texts[SIP_WATCH_AOR]));
}

void sip_watch_begin(struct sip_session *s, struct now now, struct str aor, struct out *out)
{
	const struct proto_services *services = s->instance->services;
	const struct proto_record   *r =
		services->record(services->context, s->instance->protocol, aor);

	for (uint32_t i = 0; r != NULL && i < r->count; i++) {
		struct sip_watch *w = NULL;

		if (r->bindings[i].features & PROTO_BINDING_AT_PEER)
			w = sip_watch_by_tag(s->instance, proto_binding_text(r, &r->bindings[i],
									     BINDING_INSTANCE));
		if (w != NULL && w->session == s && !w->begun)
			sip_watch_ask(w, now, out);
	}
}

static void look(struct sip_watch *w, struct now now, struct out *out)
{
	struct sip_session *s = w->session;

	if (!sip_watch_holds(w)) {
		sip_watch_end(w);
		return;
	}
	w->looked_us = now.us;
	ring_remove(w);
	ring_append(w);
	if (w->asking || !w->begun)
		return;
	if (w->ends_us != 0 && now.us >= w->ends_us) {
		anew(w, now, out);
		return;
	}
	if (now.us < w->due_us)
		return;
	if (w->ends_us != 0 && w->way.size == 0) { /* timer N */
		w->ends_us = 0;
		sip_text_new(s->instance, w->call_id);
		sip_watch_rest(w, now, SIP_WATCH_RETRY_US);
		return;
	}
	sip_watch_ask(w, now, out);
}

uint64_t sip_tick_watches(struct sip_session *s, struct now now, struct out *out)
{
	while (s->clients.watches != SIP_BLOCK_NONE) {
		struct sip_watch *w = watch_at(s->instance, s->clients.watches);

		if (w->looked_us + SIP_WATCH_LOOK_US > now.us)
			return w->looked_us + SIP_WATCH_LOOK_US;
		look(w, now, out);
	}
	return UINT64_MAX;
}
