#include "roster.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "db_roster.h"
#include "notices.h"

/* A question while it is answered. */
struct work {
	struct db                    *db;
	struct notices               *notices;
	const struct roster_question *q;
	struct put                   *answer;
	uint64_t                      now_ms;
	enum reason                   why; /* the first that came between */
};

static bool failed(struct work *w, int err)
{
	if (err < 0 && w->why == REASON_NONE)
		w->why = REASON_CONTROL_DOWN; /* logged where it happened */
	return err < 0;
}

static void refuse(struct work *w, enum reason why)
{
	if (w->why == REASON_NONE)
		w->why = why;
}

/* ---- effects ---- */

static void push_item(struct work *w, struct str owner, const struct roster_item *item)
{
	char     text[ROSTER_VERSION_SIZE_MAX + 1];
	uint64_t version;

	if (failed(w, db_roster_touch(w->db, owner, w->now_ms, &version)))
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
	roster_effect_put(w->answer, &(struct roster_effect){.kind = ROSTER_EFFECT_PUSH,
							     .to = owner,
							     .item = *item,
							     .version = str_of(text)});
}

static struct roster_item item_of(struct str contact, const struct roster_row *row)
{
	return (struct roster_item){.jid = contact,
				    .subscription = roster_subscription_of(row->state),
				    .ask = roster_pending_out(row->state),
				    .approved = row->approved,
				    .name = {row->name, row->name_size},
				    .groups = {row->groups, row->groups_size}};
}

static void push(struct work *w, struct str owner, struct str contact, const struct roster_row *row)
{
	struct roster_item item = item_of(contact, row);

	push_item(w, owner, &item);
}

static void show(struct work *w, struct str from, struct str to, enum roster_presence type,
		 bool to_is_local, struct str payload)
{
	roster_effect_put(w->answer, &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
							     .from = from,
							     .to = to,
							     .type = type,
							     .to_is_local = to_is_local,
							     .payload = payload});
}

/* ---- rows ---- */

static bool lets_in(enum roster_state state)
{
	enum roster_subscription s = roster_subscription_of(state);

	return s == ROSTER_SUBSCRIPTION_FROM || s == ROSTER_SUBSCRIPTION_BOTH;
}

static bool is_user(struct work *w, struct str jid)
{
	int is = db_roster_is_user(w->db, jid);

	return !failed(w, is) && is != 0;
}

/* What grows keeps to the limits of an owner. */
static void put_row(struct work *w, struct str owner, struct str contact,
		    const struct roster_row *row)
{
	struct roster_size size;

	if (failed(w, db_roster_put(w->db, owner, contact, row)) ||
	    failed(w, db_roster_size(w->db, owner, &size)))
		return;
	if (size.items > ROSTER_ITEMS_MAX || size.requests > ROSTER_REQUESTS_MAX ||
	    size.bytes > ROSTER_BYTES_MAX)
		refuse(w, REASON_ROSTER_FULL);
}

/* ---- subscriptions ---- */

/* Both have rows only while something is to be remembered. */
static bool same_item(const struct roster_row *a, const struct roster_row *b)
{
	return a->listed == b->listed && a->approved == b->approved &&
	       roster_subscription_of(a->state) == roster_subscription_of(b->state) &&
	       roster_pending_out(a->state) == roster_pending_out(b->state);
}

static void keep_step(struct work *w, struct str owner, struct str contact,
		      const struct roster_row *before, struct roster_row *row)
{
	if (!roster_pending_in(row->state))
		row->request_size = 0;
	put_row(w, owner, contact, row);
	if (row->listed && !same_item(before, row))
		push(w, owner, contact, row);
}

static void take_in(struct work *w, struct str user, struct str from, bool from_is_local,
		    enum roster_presence type, struct str payload);

/* The user's server answers for it: it lets in who was let in before. */
static void answer_request(struct work *w, struct str user, struct str asker, bool asker_is_local)
{
	if (asker_is_local)
		take_in(w, asker, user, true, ROSTER_SUBSCRIBED, STR(""));
	else
		show(w, user, asker, ROSTER_SUBSCRIBED, false, STR(""));
	show(w, user, asker, ROSTER_AVAILABLE, asker_is_local, STR(""));
}

/* RFC 6121, A.3: it came to a user of ours. */
static void take_in(struct work *w, struct str user, struct str from, bool from_is_local,
		    enum roster_presence type, struct str payload)
{
	struct roster_row  row, before;
	struct roster_step step;
	int                blocked = db_block_has(w->db, user, from);

	if (failed(w, blocked) || failed(w, db_roster_get(w->db, user, from, &row)) ||
	    (blocked != 0 && type == ROSTER_SUBSCRIBE))
		return;
	before = row;
	step = roster_step(ROSTER_IN, type, row.state, row.approved);
	row.state = step.state;
	if (type == ROSTER_SUBSCRIBE && step.passes) {
		memcpy(row.request, payload.p, payload.n);
		row.request_size = (uint16_t)payload.n;
	}
	if (row.state != before.state)
		keep_step(w, user, from, &before, &row);
	if (step.passes && blocked == 0)
		show(w, from, user, type, true, payload);
	if (step.answers)
		answer_request(w, user, from, from_is_local);
	if (lets_in(before.state) && !lets_in(row.state))
		show(w, user, from, ROSTER_UNAVAILABLE, from_is_local, STR(""));
}

/* What a user of ours sent reaches the contact, at its server or here. */
static void pass_on(struct work *w, struct str owner, struct str contact, enum roster_presence type,
		    struct str payload, bool served)
{
	if (is_user(w, contact))
		take_in(w, contact, owner, true, type, payload);
	else if (!served)
		show(w, owner, contact, type, false, payload);
}

/* RFC 6121, A.2: a user of ours sent it. row: what is there, brought up to date. quiet: the owner
 * is told of the row otherwise. */
static void send_out(struct work *w, struct str owner, struct str contact,
		     enum roster_presence type, struct str payload, struct roster_row *row,
		     bool quiet)
{
	struct roster_row  before = *row;
	struct roster_step step = roster_step(ROSTER_OUT, type, row->state, row->approved);
	bool               served = w->q->contact_is_local;

	row->state = step.state;
	if (step.approves)
		row->approved = row->listed = true;
	if (type == ROSTER_UNSUBSCRIBED)
		row->approved = false;
	if (type == ROSTER_SUBSCRIBE || (type == ROSTER_SUBSCRIBED && step.passes))
		row->listed = true;
	if (!quiet)
		keep_step(w, owner, contact, &before, row);
	if (step.passes)
		pass_on(w, owner, contact, type, payload, served);
	if (lets_in(row->state) != lets_in(before.state) && (!served || is_user(w, contact)))
		show(w, owner, contact, lets_in(row->state) ? ROSTER_AVAILABLE : ROSTER_UNAVAILABLE,
		     is_user(w, contact), STR(""));
}

static void subscription_out(struct work *w)
{
	const struct roster_question *q = w->q;
	struct roster_row             row;

	if (str_eq(q->contact, q->owner)) {
		refuse(w, REASON_ROSTER_QUESTION);
		return;
	}
	if (!failed(w, db_roster_get(w->db, q->owner, q->contact, &row)))
		send_out(w, q->owner, q->contact, q->type, q->payload, &row, false);
}

static void subscription_in(struct work *w)
{
	const struct roster_question *q = w->q;

	take_in(w, q->owner, q->contact, is_user(w, q->contact), q->type, q->payload);
}

/* ---- rosters ---- */

static bool get_item(void *user, const struct roster_view *v)
{
	struct work       *w = user;
	struct roster_item item = {.jid = v->contact,
				   .subscription = roster_subscription_of(v->state),
				   .ask = roster_pending_out(v->state),
				   .approved = v->approved,
				   .name = v->name,
				   .groups = v->groups};

	if (v->listed)
		roster_item_put(w->answer, &item);
	return true;
}

static void roster_get(struct work *w)
{
	char               text[ROSTER_VERSION_SIZE_MAX + 1];
	uint64_t           version;
	struct roster_head head;

	if (failed(w, db_roster_version(w->db, w->q->owner, &version)))
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
	head = (struct roster_head){.same = str_eq(w->q->version, str_of(text)),
				    .version = str_of(text)};
	roster_head_put(w->answer, &head);
	if (!head.same)
		failed(w, db_roster_each(w->db, w->q->owner, get_item, w));
}

static void roster_set(struct work *w)
{
	const struct roster_item *item = &w->q->item;
	struct roster_row         row;

	if (failed(w, db_roster_get(w->db, w->q->owner, item->jid, &row)))
		return;
	row.listed = true;
	row.name_size = (uint16_t)item->name.n;
	memcpy(row.name, item->name.p, item->name.n);
	row.groups_size = (uint16_t)item->groups.n;
	memcpy(row.groups, item->groups.p, item->groups.n);
	put_row(w, w->q->owner, item->jid, &row);
	push(w, w->q->owner, item->jid, &row);
}

/* RFC 6121, 2.5: both subscriptions end with it. A request that the contact made stays open. */
static void roster_remove(struct work *w)
{
	struct str        owner = w->q->owner, contact = w->q->contact;
	struct roster_row row;
	enum roster_state was;

	if (failed(w, db_roster_get(w->db, owner, contact, &row)))
		return;
	if (!row.listed) {
		refuse(w, REASON_ROSTER_ITEM);
		return;
	}
	was = row.state;
	push_item(
		w, owner,
		&(struct roster_item){.jid = contact, .subscription = ROSTER_SUBSCRIPTION_REMOVE});
	if (roster_pending_out(was) || was == ROSTER_TO || was == ROSTER_TO_IN ||
	    was == ROSTER_BOTH)
		send_out(w, owner, contact, ROSTER_UNSUBSCRIBE, STR(""), &row, true);
	if (lets_in(was))
		send_out(w, owner, contact, ROSTER_UNSUBSCRIBED, STR(""), &row, true);
	row.listed = row.approved = false;
	row.name_size = row.groups_size = 0;
	put_row(w, owner, contact, &row);
}

/* ---- who sees whom ---- */

static bool audience_contact(void *user, const struct roster_view *v)
{
	struct work             *w = user;
	enum roster_subscription s = roster_subscription_of(v->state);
	struct roster_contact    c = {.jid = v->contact,
				      .watches = lets_in(v->state) && !v->blocked,
				      .watched = s == ROSTER_SUBSCRIPTION_TO ||
						 s == ROSTER_SUBSCRIPTION_BOTH,
				      .local = v->local,
				      .request = roster_pending_in(v->state) && !v->blocked};

	if (c.request)
		c.payload = v->request;
	if (c.watches || c.watched || c.request)
		roster_contact_put(w->answer, &c);
	return true;
}

static void audience(struct work *w)
{
	failed(w, db_roster_each(w->db, w->q->owner, audience_contact, w));
}

static void may_see(struct work *w)
{
	struct roster_row row;
	int               blocked = db_block_has(w->db, w->q->owner, w->q->contact);

	if (!failed(w, blocked) &&
	    !failed(w, db_roster_get(w->db, w->q->owner, w->q->contact, &row)) && blocked == 0)
		roster_verdict_put(w->answer, lets_in(row.state));
}

/* ---- block lists ---- */

static bool get_jid(void *user, struct str jid)
{
	roster_text_put(((struct work *)user)->answer, jid);
	return true;
}

static void block_get(struct work *w)
{
	failed(w, db_block_each(w->db, w->q->owner, get_jid, w));
}

/* Watchers of the owner, in order, who are not blocked. */
struct watchers {
	unsigned count;
	struct {
		char     jid[ROSTER_BARE_SIZE_MAX];
		uint16_t size;
		bool     local;
	} list[ROSTER_ITEMS_MAX + ROSTER_REQUESTS_MAX];
};

static bool watchers_add(void *user, const struct roster_view *v)
{
	struct watchers *all = user;

	if (!lets_in(v->state) || v->blocked || v->contact.n > ROSTER_BARE_SIZE_MAX ||
	    all->count == sizeof(all->list) / sizeof(all->list[0]))
		return true;
	memcpy(all->list[all->count].jid, v->contact.p, v->contact.n);
	all->list[all->count].size = (uint16_t)v->contact.n;
	all->list[all->count++].local = v->local;
	return true;
}

/* Those of `these` who are not among `those`. */
static void show_difference(struct work *w, const struct watchers *these,
			    const struct watchers *those, enum roster_presence type)
{
	for (unsigned i = 0, k = 0; i < these->count; i++) {
		struct str jid = {these->list[i].jid, these->list[i].size};

		while (k < those->count &&
		       str_cmp((struct str){those->list[k].jid, those->list[k].size}, jid) < 0)
			k++;
		if (k == those->count ||
		    !str_eq((struct str){those->list[k].jid, those->list[k].size}, jid))
			show(w, w->q->owner, jid, type, these->list[i].local, STR(""));
	}
}

static void block_change(struct work *w)
{
	struct cur c = cur_of(w->q->jids.p, w->q->jids.n);
	bool       add = w->q->ask == ROSTER_ASK_BLOCK_ADD;
	uint64_t   count;
	struct str jid;

	if (!add && w->q->jids.n == 0 && failed(w, db_block_clear(w->db, w->q->owner)))
		return;
	while (roster_text_next(&c, &jid)) {
		if (failed(w, add ? db_block_add(w->db, w->q->owner, jid)
				  : db_block_remove(w->db, w->q->owner, jid)))
			return;
	}
	if (!failed(w, db_block_count(w->db, w->q->owner, &count)) && count > ROSTER_BLOCKED_MAX)
		refuse(w, REASON_ROSTER_FULL);
}

/* Who is blocked sees the owner go, and who is not any more sees it come (XEP-0191, 3.3 and 3.4).
 */
static void block(struct work *w)
{
	static struct watchers before, after; /* main thread */
	bool                   add = w->q->ask == ROSTER_ASK_BLOCK_ADD;

	if (add && w->q->jids.n == 0) {
		refuse(w, REASON_ROSTER_QUESTION);
		return;
	}
	before.count = after.count = 0;
	failed(w, db_roster_each(w->db, w->q->owner, watchers_add, &before));
	block_change(w);
	failed(w, db_roster_each(w->db, w->q->owner, watchers_add, &after));
	roster_effect_put(w->answer, &(struct roster_effect){.kind = add ? ROSTER_EFFECT_BLOCKED
									 : ROSTER_EFFECT_UNBLOCKED,
							     .to = w->q->owner,
							     .jids = w->q->jids});
	if (add)
		show_difference(w, &before, &after, ROSTER_UNAVAILABLE);
	else
		show_difference(w, &after, &before, ROSTER_AVAILABLE);
}

/* ---- what an operator changed ---- */

/* The item as it is, whatever became of it since; its version is that of the roster. */
static void push_present(struct work *w, struct str owner, struct str contact)
{
	char                 text[ROSTER_VERSION_SIZE_MAX + 1];
	struct roster_row    row;
	uint64_t             version;
	struct roster_effect e = {.kind = ROSTER_EFFECT_PUSH, .to = owner, .version = {text, 0}};

	if (failed(w, db_roster_get(w->db, owner, contact, &row)) ||
	    failed(w, db_roster_version(w->db, owner, &version)))
		return;
	e.item = item_of(contact, &row);
	if (!row.listed)
		e.item = (struct roster_item){.jid = contact,
					      .subscription = ROSTER_SUBSCRIPTION_REMOVE};
	e.version.n = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
	roster_effect_put(w->answer, &e);
}

static bool give_effect(void *user, const struct roster_effect *e)
{
	struct work *w = user;

	if (put_room(w->answer) < ROSTER_QUESTION_SIZE_MAX) /* the largest is smaller */
		return false;
	if (e->kind == ROSTER_EFFECT_PUSH)
		push_present(w, e->to, e->item.jid);
	else
		roster_effect_put(w->answer, e);
	return true;
}

static void give_farewell(void *user, const struct roster_effect *e)
{
	roster_contact_put(
		((struct work *)user)->answer,
		&(struct roster_contact){.jid = e->to, .watches = true, .local = e->to_is_local});
}

void roster_notices(struct control *c, struct cur effects)
{
	struct roster_effect e;

	while (roster_effect_next(&effects, &e)) {
		bool here = e.kind != ROSTER_EFFECT_PRESENCE || e.to_is_local;

		notices_add(c->notices, control_wall_ms(), here ? e.to : e.from, false, &e);
	}
}

struct erasing {
	struct control *control;
	uint64_t        now_ms;
	struct str      user;
};

static bool say_farewell(void *context, const struct roster_view *v)
{
	const struct erasing *g = context;

	if (lets_in(v->state) && !v->blocked)
		notices_add(g->control->notices, g->now_ms, g->user, true,
			    &(struct roster_effect){.kind = ROSTER_EFFECT_PRESENCE,
						    .from = g->user,
						    .to = v->contact,
						    .type = ROSTER_UNAVAILABLE,
						    .to_is_local = v->local});
	return true;
}

static bool say_removed(void *context, struct str owner)
{
	const struct erasing *g = context;
	struct roster_item    item = {.jid = g->user, .subscription = ROSTER_SUBSCRIPTION_REMOVE};

	notices_add(g->control->notices, g->now_ms, owner, false,
		    &(struct roster_effect){.kind = ROSTER_EFFECT_PUSH, .to = owner, .item = item});
	return true;
}

int roster_erase(struct control *c, struct str user)
{
	struct erasing g = {c, control_wall_ms(), user};
	int            err = db_roster_each(c->db, user, say_farewell, &g);

	if (err == 0)
		err = db_roster_listing(c->db, user, say_removed, &g);
	return err == 0 ? db_roster_erase(c->db, user, g.now_ms) : err;
}

static void answer_question(struct work *w)
{
	switch (w->q->ask) {
	case ROSTER_ASK_ROSTER_GET:
		roster_get(w);
		break;
	case ROSTER_ASK_ROSTER_SET:
		roster_set(w);
		break;
	case ROSTER_ASK_ROSTER_REMOVE:
		roster_remove(w);
		break;
	case ROSTER_ASK_SUBSCRIPTION_OUT:
		subscription_out(w);
		break;
	case ROSTER_ASK_SUBSCRIPTION_IN:
		subscription_in(w);
		break;
	case ROSTER_ASK_AUDIENCE:
		audience(w);
		break;
	case ROSTER_ASK_MAY_SEE:
		may_see(w);
		break;
	case ROSTER_ASK_BLOCK_GET:
		block_get(w);
		break;
	case ROSTER_ASK_BLOCK_ADD:
	case ROSTER_ASK_BLOCK_REMOVE:
		block(w);
		break;
	case ROSTER_ASK_EFFECTS:
		notices_take(w->notices, w->now_ms, w->q->owner, give_effect, w);
		break;
	case ROSTER_ASK_COUNT:
		break;
	}
}

/* The streams of who is erased say that they are gone; nobody else who has no roster asks. */
static enum reason answer_erased(struct work *w)
{
	if (w->q->ask != ROSTER_ASK_AUDIENCE ||
	    !notices_farewells(w->notices, w->now_ms, w->q->owner, give_farewell, w))
		return REASON_ROSTER_OWNER;
	return w->answer->failed ? REASON_ROSTER_FULL : REASON_NONE;
}

enum reason roster_answer(struct control *c, struct cur question, struct put *answer)
{
	struct roster_question q;
	struct work            w = {.db = c->db,
				    .notices = c->notices,
				    .q = &q,
				    .answer = answer,
				    .now_ms = control_wall_ms()};

	if (!roster_question_read(question, &q))
		return REASON_ROSTER_QUESTION;
	if (!is_user(&w, q.owner))
		return w.why != REASON_NONE ? w.why : answer_erased(&w);
	if (failed(&w, db_mark(c->db)))
		return w.why;
	answer_question(&w);
	if (answer->failed)
		refuse(&w, REASON_ROSTER_FULL); /* more effects than an answer takes */
	failed(&w, db_mark_end(c->db, w.why == REASON_NONE));
	return w.why;
}
