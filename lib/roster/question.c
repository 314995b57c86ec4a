#include "roster/question.h"

#include "base/assert.h"

/* What of a question travels, beside its kind and the owner. */
enum roster_field {
	NOTHING,
	CONTACT = 1,
	VERSION = 2,
	ITEM = 4,
	TYPE = 8,
	LOCAL = 16,
	PAYLOAD = 32,
	JIDS = 64
};

static const struct {
	const char *name;
	unsigned    fields;
} asks[ROSTER_ASK_COUNT] = {
#define QUESTION(name, fields, text) [ROSTER_ASK_##name] = {#name, fields},
#include "roster/questions.def"
#undef QUESTION
};

const char *roster_ask_name(enum roster_ask ask)
{
	ASSERT(ask < ROSTER_ASK_COUNT);
	return asks[ask].name;
}

/* ---- texts ---- */

static void text_put(struct put *w, struct str text, size_t min, size_t max)
{
	if (text.n < min || text.n > max)
		w->failed = true;
	put_be16(w, (uint16_t)text.n);
	put_str(w, text);
}

static struct str text_read(struct cur *c, size_t min, size_t max)
{
	size_t         n = cur_be16(c);
	const uint8_t *p;

	if (n < min || n > max)
		cur_bytes(c, SIZE_MAX);
	p = cur_bytes(c, n);
	return p != NULL ? (struct str){(const char *)p, n} : STR("");
}

void roster_text_put(struct put *w, struct str text)
{
	text_put(w, text, 1, UINT16_MAX);
}

bool roster_text_next(struct cur *list, struct str *text)
{
	if (cur_left(list) == 0)
		return false;
	*text = text_read(list, 1, UINT16_MAX);
	return !list->failed;
}

bool roster_texts_fit(struct str list, unsigned count_max, size_t size_max)
{
	struct cur c = cur_of(list.n > 0 ? list.p : "", list.n);
	struct str text;
	unsigned   count = 0;

	while (roster_text_next(&c, &text)) {
		if (text.n > size_max || ++count > count_max)
			return false;
	}
	return !c.failed;
}

/* A list, of which the room or the cursor fails where it breaks a limit. */
static void list_put(struct put *w, struct str list, unsigned count_max, size_t size_max)
{
	if (!roster_texts_fit(list, count_max, size_max))
		w->failed = true;
	text_put(w, list, 0, UINT16_MAX);
}

static struct str list_read(struct cur *c, unsigned count_max, size_t size_max)
{
	struct str list = text_read(c, 0, UINT16_MAX);

	if (!roster_texts_fit(list, count_max, size_max))
		cur_bytes(c, SIZE_MAX);
	return list;
}

/* One byte that is below `count`. */
static void choice_put(struct put *w, unsigned value, unsigned count)
{
	if (value >= count)
		w->failed = true;
	put_u8(w, (uint8_t)value);
}

static unsigned choice_read(struct cur *c, unsigned count)
{
	unsigned value = cur_u8(c);

	if (value < count)
		return value;
	cur_bytes(c, SIZE_MAX);
	return 0;
}

/* ---- items ---- */

enum { ITEM_ASK = 1, ITEM_APPROVED = 2, ITEM_FLAGS_END = 4 };

void roster_item_put(struct put *w, const struct roster_item *item)
{
	text_put(w, item->jid, 1, ROSTER_BARE_SIZE_MAX);
	choice_put(w, item->subscription, ROSTER_SUBSCRIPTION_COUNT);
	put_u8(w, (uint8_t)((item->ask ? ITEM_ASK : 0) | (item->approved ? ITEM_APPROVED : 0)));
	text_put(w, item->name, 0, ROSTER_TEXT_SIZE_MAX);
	list_put(w, item->groups, ROSTER_GROUPS_MAX, ROSTER_TEXT_SIZE_MAX);
}

static void item_read(struct cur *c, struct roster_item *item)
{
	unsigned flags;

	item->jid = text_read(c, 1, ROSTER_BARE_SIZE_MAX);
	item->subscription = choice_read(c, ROSTER_SUBSCRIPTION_COUNT);
	flags = choice_read(c, ITEM_FLAGS_END);
	item->ask = (flags & ITEM_ASK) != 0;
	item->approved = (flags & ITEM_APPROVED) != 0;
	item->name = text_read(c, 0, ROSTER_TEXT_SIZE_MAX);
	item->groups = list_read(c, ROSTER_GROUPS_MAX, ROSTER_TEXT_SIZE_MAX);
}

bool roster_item_next(struct cur *answer, struct roster_item *item)
{
	if (cur_left(answer) == 0)
		return false;
	item_read(answer, item);
	return !answer->failed;
}

/* ---- questions ---- */

void roster_question_put(struct put *w, const struct roster_question *q)
{
	unsigned fields;

	ASSERT(q->ask < ROSTER_ASK_COUNT);
	fields = asks[q->ask].fields;
	put_u8(w, (uint8_t)q->ask);
	text_put(w, q->owner, 1, ROSTER_BARE_SIZE_MAX);
	if ((fields & CONTACT) != 0)
		text_put(w, q->contact, 1, ROSTER_BARE_SIZE_MAX);
	if ((fields & VERSION) != 0)
		text_put(w, q->version, 0, ROSTER_VERSION_SIZE_MAX);
	if ((fields & ITEM) != 0)
		roster_item_put(w, &q->item);
	if ((fields & TYPE) != 0)
		choice_put(w, q->type, ROSTER_SUBSCRIPTION_TYPES);
	if ((fields & LOCAL) != 0)
		choice_put(w, q->contact_is_local, 2);
	if ((fields & PAYLOAD) != 0)
		text_put(w, q->payload, 0, ROSTER_PAYLOAD_SIZE_MAX);
	if ((fields & JIDS) != 0)
		list_put(w, q->jids, ROSTER_BLOCKED_MAX, ROSTER_JID_SIZE_MAX);
}

bool roster_question_read(struct cur bytes, struct roster_question *q)
{
	unsigned fields;

	*q = (struct roster_question){.ask = choice_read(&bytes, ROSTER_ASK_COUNT),
				      .item.groups = STR(""),
				      .jids = STR("")};
	fields = asks[q->ask].fields;
	q->owner = text_read(&bytes, 1, ROSTER_BARE_SIZE_MAX);
	if ((fields & CONTACT) != 0)
		q->contact = text_read(&bytes, 1, ROSTER_BARE_SIZE_MAX);
	if ((fields & VERSION) != 0)
		q->version = text_read(&bytes, 0, ROSTER_VERSION_SIZE_MAX);
	if ((fields & ITEM) != 0)
		item_read(&bytes, &q->item);
	if ((fields & TYPE) != 0)
		q->type = choice_read(&bytes, ROSTER_SUBSCRIPTION_TYPES);
	if ((fields & LOCAL) != 0)
		q->contact_is_local = choice_read(&bytes, 2) != 0;
	if ((fields & PAYLOAD) != 0)
		q->payload = text_read(&bytes, 0, ROSTER_PAYLOAD_SIZE_MAX);
	if ((fields & JIDS) != 0)
		q->jids = list_read(&bytes, ROSTER_BLOCKED_MAX, ROSTER_JID_SIZE_MAX);
	return !bytes.failed && cur_left(&bytes) == 0;
}

/* ---- answers ---- */

void roster_head_put(struct put *w, const struct roster_head *h)
{
	choice_put(w, h->same, 2);
	text_put(w, h->version, 0, ROSTER_VERSION_SIZE_MAX);
}

bool roster_head_read(struct cur *answer, struct roster_head *h)
{
	h->same = choice_read(answer, 2) != 0;
	h->version = text_read(answer, 0, ROSTER_VERSION_SIZE_MAX);
	return !answer->failed;
}

enum {
	CONTACT_WATCHES = 1,
	CONTACT_WATCHED = 2,
	CONTACT_LOCAL = 4,
	CONTACT_REQUEST = 8,
	CONTACT_FLAGS_END = 16
};

void roster_contact_put(struct put *w, const struct roster_contact *c)
{
	unsigned flags = (c->watches ? CONTACT_WATCHES : 0) | (c->watched ? CONTACT_WATCHED : 0) |
			 (c->local ? CONTACT_LOCAL : 0) | (c->request ? CONTACT_REQUEST : 0);

	text_put(w, c->jid, 1, ROSTER_BARE_SIZE_MAX);
	put_u8(w, (uint8_t)flags);
	text_put(w, c->payload, 0, ROSTER_PAYLOAD_SIZE_MAX);
}

bool roster_contact_next(struct cur *answer, struct roster_contact *c)
{
	unsigned flags;

	if (cur_left(answer) == 0)
		return false;
	c->jid = text_read(answer, 1, ROSTER_BARE_SIZE_MAX);
	flags = choice_read(answer, CONTACT_FLAGS_END);
	c->watches = (flags & CONTACT_WATCHES) != 0;
	c->watched = (flags & CONTACT_WATCHED) != 0;
	c->local = (flags & CONTACT_LOCAL) != 0;
	c->request = (flags & CONTACT_REQUEST) != 0;
	c->payload = text_read(answer, 0, ROSTER_PAYLOAD_SIZE_MAX);
	return !answer->failed;
}

void roster_verdict_put(struct put *w, bool may)
{
	choice_put(w, may, 2);
}

bool roster_verdict_read(struct cur *answer)
{
	return choice_read(answer, 2) != 0;
}

void roster_effect_put(struct put *w, const struct roster_effect *e)
{
	choice_put(w, e->kind, ROSTER_EFFECT_COUNT);
	text_put(w, e->to, 1, ROSTER_BARE_SIZE_MAX);
	switch (e->kind) {
	case ROSTER_EFFECT_PUSH:
		roster_item_put(w, &e->item);
		text_put(w, e->version, 0, ROSTER_VERSION_SIZE_MAX);
		break;
	case ROSTER_EFFECT_PRESENCE:
		text_put(w, e->from, 1, ROSTER_BARE_SIZE_MAX);
		choice_put(w, e->type, ROSTER_PRESENCE_COUNT);
		choice_put(w, e->to_is_local, 2);
		text_put(w, e->payload, 0, ROSTER_PAYLOAD_SIZE_MAX);
		break;
	case ROSTER_EFFECT_BLOCKED:
	case ROSTER_EFFECT_UNBLOCKED:
		list_put(w, e->jids, ROSTER_BLOCKED_MAX, ROSTER_JID_SIZE_MAX);
		break;
	case ROSTER_EFFECT_COUNT:
		break;
	}
}

bool roster_effect_next(struct cur *answer, struct roster_effect *e)
{
	*e = (struct roster_effect){.item.groups = STR(""), .jids = STR("")};
	if (cur_left(answer) == 0)
		return false;
	e->kind = choice_read(answer, ROSTER_EFFECT_COUNT);
	e->to = text_read(answer, 1, ROSTER_BARE_SIZE_MAX);
	switch (e->kind) {
	case ROSTER_EFFECT_PUSH:
		item_read(answer, &e->item);
		e->version = text_read(answer, 0, ROSTER_VERSION_SIZE_MAX);
		break;
	case ROSTER_EFFECT_PRESENCE:
		e->from = text_read(answer, 1, ROSTER_BARE_SIZE_MAX);
		e->type = choice_read(answer, ROSTER_PRESENCE_COUNT);
		e->to_is_local = choice_read(answer, 2) != 0;
		e->payload = text_read(answer, 0, ROSTER_PAYLOAD_SIZE_MAX);
		break;
	case ROSTER_EFFECT_BLOCKED:
	case ROSTER_EFFECT_UNBLOCKED:
		e->jids = list_read(answer, ROSTER_BLOCKED_MAX, ROSTER_JID_SIZE_MAX);
		break;
	case ROSTER_EFFECT_COUNT:
		break;
	}
	return !answer->failed;
}
