/*
 * Blocking (XEP-0191). The list is control's; of it a session keeps a keyed hash of each JID, in a
 * block where there is any, and looks there before it writes a stanza and before it gives one.
 * Until control has told the list what is for the client waits; where it cannot, nobody is blocked.
 */
#include "xmpp/session_private.h"

static uint64_t hash_of(const struct xmpp_session *s, struct str jid)
{
	return hash_sip(&s->instance->text_key, jid.p, jid.n);
}

static bool has(const struct xmpp_session *s, const struct xmpp_jid *jid)
{
	const struct xmpp_blocked *blocked =
		&xmpp_block_at(&s->instance->blocks, s->barred)->u.blocked;
	char       text[XMPP_JID_SIZE_MAX];
	struct put w = put_to(text, sizeof(text));
	uint64_t   hash;

	xmpp_jid_put(&w, jid);
	hash = hash_of(s, (struct str){text, put_size(&w)});
	for (uint32_t i = 0; i < blocked->count; i++) {
		if (blocked->hashes[i] == hash)
			return true;
	}
	return false;
}

/* Section 5: itself, its account, its domain. */
bool xmpp_is_blocked(const struct xmpp_session *s, const struct xmpp_jid *jid)
{
	struct xmpp_jid bare = {jid->local, jid->domain, STR("")};
	struct xmpp_jid domain = {STR(""), jid->domain, STR("")};
	struct xmpp_jid self;

	if (s->barred == XMPP_BLOCK_NONE)
		return false;
	self = xmpp_self(s);
	if (xmpp_jid_same_bare(jid, &self))
		return false;
	return has(s, jid) || has(s, &bare) || has(s, &domain);
}

void xmpp_refuse_blocked(struct xmpp_input *in)
{
	struct put      *w = &in->out->put;
	struct xmpp_head head = {.kind = in->stanza->kind, .type = XMPP_TYPE_ERROR, .from = in->to};

	metric_inc(in->s->instance->metrics, METRIC_xmpp_stanzas_blocked);
	in->s->item_place = 0; /* whoever else it was for, it goes no further */
	if (in->stanza->type == XMPP_TYPE_ERROR || in->stanza->type == XMPP_TYPE_RESULT)
		return;
	head.id = in->id;
	xmpp_put_head(w, &head);
	put_str(w, STR("><error type=\"cancel\"><not-acceptable "
		       "xmlns=\"" XMPP_SPACE_STANZA_ERRORS "\"/><blocked "
		       "xmlns=\"urn:xmpp:blocking:errors\"/></error></"));
	put_str(w, xmpp_kind_word(head.kind));
	put_u8(w, '>');
	xmpp_sent(in->s);
}

/* ---- requests of the client ---- */

void xmpp_on_blocklist(struct xmpp_input *in)
{
	in->s->blocklist = true; /* from now on it hears of changes */
	xmpp_ask_for(in, &(struct roster_question){.ask = ROSTER_ASK_BLOCK_GET});
}

#define JIDS_SIZE_MAX (ROSTER_QUESTION_SIZE_MAX - ROSTER_BARE_SIZE_MAX - 64u) /* of a question */

/* The JIDs of the items in the element whose START was read. */
static enum xmpp_condition read_jids(struct xmpp_input *in, struct put *jids)
{
	struct xml         *x = &in->stanza->x;
	unsigned            depth = x->depth, count = 0;
	enum xmpp_condition wrong = XMPP_CONDITION_NONE;
	enum xml_token      t;

	do {
		char            text[XMPP_JID_SIZE_MAX];
		struct put      w = put_to(text, sizeof(text));
		struct xmpp_jid jid;

		t = xml_next(x);
		if (t != XML_START || x->depth != depth + 1)
			continue;
		if (!xml_is(x, STR(XMPP_SPACE_BLOCKING), STR("item")))
			wrong = XMPP_BAD_REQUEST;
		else if (!xmpp_jid_of(in, xmpp_value(xmpp_attribute(x, STR("jid")), &in->room),
				      &jid))
			wrong = XMPP_JID_MALFORMED;
		else if (++count > ROSTER_BLOCKED_MAX)
			wrong = XMPP_POLICY_VIOLATION;
		else
			xmpp_jid_put(&w, &jid);
		if (put_size(&w) > 0)
			roster_text_put(jids, (struct str){text, put_size(&w)});
	} while (t != XML_BAD && (t != XML_END || x->depth > depth));
	return jids->failed || in->room.failed ? XMPP_POLICY_VIOLATION : wrong;
}

static void ask_change(struct xmpp_input *in, enum roster_ask ask)
{
	char                   text[JIDS_SIZE_MAX];
	struct put             jids = put_to(text, sizeof(text));
	struct roster_question q = {.ask = ask};
	enum xmpp_condition    wrong = read_jids(in, &jids);

	if (wrong == XMPP_CONDITION_NONE && put_size(&jids) == 0 && ask == ROSTER_ASK_BLOCK_ADD)
		wrong = XMPP_BAD_REQUEST;
	if (wrong == XMPP_POLICY_VIOLATION) {
		xmpp_refuse_text(in, wrong, REASON_XMPP_STANZA,
				 STR("One request takes 200 addresses and 6 KB of them. Say them "
				     "in several."));
		return;
	}
	if (wrong != XMPP_CONDITION_NONE) {
		xmpp_refuse(in, wrong, REASON_XMPP_STANZA);
		return;
	}
	q.jids = (struct str){text, put_size(&jids)};
	xmpp_ask_for(in, &q);
}

void xmpp_on_block(struct xmpp_input *in)
{
	ask_change(in, ROSTER_ASK_BLOCK_ADD);
}

void xmpp_on_unblock(struct xmpp_input *in)
{
	ask_change(in, ROSTER_ASK_BLOCK_REMOVE);
}

/* ---- answers ---- */

static void put_items(struct put *w, struct str jids)
{
	struct cur c = cur_of(jids.p, jids.n);
	struct str jid;

	while (roster_text_next(&c, &jid)) {
		put_str(w, STR("<item"));
		xmpp_put_attribute(w, STR("jid"), jid);
		put_str(w, STR("/>"));
	}
}

void xmpp_blocks_put(struct put *w, struct str element, struct str jids)
{
	put_u8(w, '<');
	put_str(w, element);
	put_str(w, STR(" xmlns=\"" XMPP_SPACE_BLOCKING "\">"));
	put_items(w, jids);
	put_str(w, STR("</"));
	put_str(w, element);
	put_u8(w, '>');
}

void xmpp_told_blocklist(struct xmpp_session *s, struct cur *answer, struct out *out)
{
	struct str jid;

	if (!s->midway) {
		xmpp_put_result(s, &out->put);
		put_str(&out->put, STR("<blocklist xmlns=\"" XMPP_SPACE_BLOCKING "\">"));
	}
	s->midway = true;
	while (cur_left(answer) > 0 && out_fits(out, 6 * ROSTER_JID_SIZE_MAX + XMPP_ANSWER_ROOM)) {
		if (!roster_text_next(answer, &jid)) {
			answer->p = answer->end;
			break;
		}
		put_str(&out->put, STR("<item"));
		xmpp_put_attribute(&out->put, STR("jid"), jid);
		put_str(&out->put, STR("/>"));
	}
	if (cur_left(answer) == 0)
		put_str(&out->put, STR("</blocklist></iq>"));
}

/* ---- the list that we keep to ---- */

bool xmpp_tick_blocks(struct xmpp_session *s, struct now now, struct proto_event *event,
		      uint64_t *next)
{
	if (!s->blocks_due || s->asked)
		return false;
	if (now.us < s->ask_due_us) {
		if (s->ask_due_us < *next)
			*next = s->ask_due_us;
		return false;
	}
	s->blocks_due = false; /* what changes while we ask makes it due again */
	s->blocks_asked = true;
	xmpp_ask(s, now, event, XMPP_ASKER_BLOCKS,
		 &(struct roster_question){.ask = ROSTER_ASK_BLOCK_GET});
	return true;
}

/* NULL: there is no memory for it. */
static struct xmpp_blocked *blocked_new(struct xmpp_session *s)
{
	struct xmpp_blocks *b = &s->instance->blocks;

	if (s->barred == XMPP_BLOCK_NONE) {
		s->barred = xmpp_block_take(b);
		if (s->barred == XMPP_BLOCK_NONE) {
			metric_inc(s->instance->metrics, METRIC_xmpp_blocks_full);
			return NULL;
		}
		xmpp_block_at(b, s->barred)->u.blocked.count = 0;
	}
	return &xmpp_block_at(b, s->barred)->u.blocked;
}

static void blocked_free(struct xmpp_session *s)
{
	if (s->barred != XMPP_BLOCK_NONE)
		xmpp_block_give(&s->instance->blocks, s->barred);
	s->barred = XMPP_BLOCK_NONE;
}

static void blocked_set(struct xmpp_blocked *blocked, uint64_t hash, bool add)
{
	uint32_t at = 0;

	while (at < blocked->count && blocked->hashes[at] != hash)
		at++;
	if (add && at == blocked->count && at < ROSTER_BLOCKED_MAX)
		blocked->hashes[blocked->count++] = hash;
	else if (!add && at < blocked->count)
		blocked->hashes[at] = blocked->hashes[--blocked->count];
}

void xmpp_blocks_change(struct xmpp_session *s, bool add, struct str jids)
{
	struct cur           c = cur_of(jids.p, jids.n);
	struct xmpp_blocked *blocked;
	struct str           jid;

	if (!add && (jids.n == 0 || s->barred == XMPP_BLOCK_NONE)) {
		blocked_free(s);
		return;
	}
	blocked = blocked_new(s);
	while (blocked != NULL && roster_text_next(&c, &jid))
		blocked_set(blocked, hash_of(s, jid), add);
}

void xmpp_blocks_unknown(struct xmpp_session *s, struct now now)
{
	s->blocks_asked = false;
	s->blocks_due = s->blocks_late = true;
	s->ask_due_us = now.us + XMPP_ASK_AGAIN_US;
}

void xmpp_told_blocks(struct xmpp_session *s, struct now now, struct cur *answer)
{
	struct xmpp_blocked *blocked;
	struct str           jid;

	s->blocks_asked = s->blocks_late = false;
	if (cur_left(answer) == 0) {
		blocked_free(s);
		return;
	}
	blocked = blocked_new(s);
	if (blocked == NULL) {
		xmpp_blocks_unknown(s, now);
		answer->p = answer->end;
		return;
	}
	blocked->count = 0;
	while (roster_text_next(answer, &jid) && blocked->count < ROSTER_BLOCKED_MAX)
		blocked->hashes[blocked->count++] = hash_of(s, jid);
	answer->p = answer->end;
}
