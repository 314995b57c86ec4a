#include "directory_record.h"

#include <string.h>

#include "base/assert.h"

static struct str text_of(const char *base, const struct proto_binding *b, unsigned which)
{
	return (struct str){base + b->text[which].off, b->text[which].size};
}

static size_t texts_size(const struct record_plan *plan)
{
	size_t n = 0;

	for (unsigned i = 0; i < plan->count; i++) {
		for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++)
			n += plan->items[i].binding.text[k].size;
	}
	return n;
}

static bool is_older(const struct proto_binding *asked, const char *asked_text,
		     const struct proto_binding *there, const char *there_text)
{
	return asked->sequence <= there->sequence &&
	       str_eq(text_of(asked_text, asked, BINDING_CALL),
		      text_of(there_text, there, BINDING_CALL));
}

static int find(const struct record_plan *plan, uint64_t key)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (plan->items[i].binding.key == key)
			return (int)i;
	}
	return -1;
}

static void take_out(struct record_plan *plan, unsigned at)
{
	plan->count--;
	for (unsigned i = at; i < plan->count; i++)
		plan->items[i] = plan->items[i + 1];
}

/* Best first; of equals the newest, which is most likely to be alive. */
static void put_in(struct record_plan *plan, const struct proto_binding *b, const char *text)
{
	unsigned at = 0;

	while (at < plan->count && plan->items[at].binding.priority > b->priority)
		at++;
	for (unsigned i = plan->count; i > at; i--)
		plan->items[i] = plan->items[i - 1];
	plan->items[at].binding = *b;
	plan->items[at].text = text;
	plan->count++;
}

static void features_change(struct record_plan *plan, const struct proto_binding *b)
{
	int at = find(plan, b->key);

	if (at >= 0)
		plan->items[at].binding.features = b->features;
}

static enum reason change_one(struct record_plan *plan, struct proto_binding b, const char *text,
			      uint64_t now_us, uint32_t *ids)
{
	int at = find(plan, b.key);

	b.id = 0;
	if (at >= 0) {
		if (is_older(&b, text, &plan->items[at].binding, plan->items[at].text))
			return REASON_REGISTRATION_ORDER;
		b.id = plan->items[at].binding.id;
		take_out(plan, (unsigned)at);
	}
	if (b.expires_us <= now_us)
		return REASON_NONE;
	if (plan->count == PROTO_BINDINGS_MAX)
		return REASON_REGISTRATIONS_FULL;
	while (b.id == 0)
		b.id = ++*ids;
	put_in(plan, &b, text);
	return REASON_NONE;
}

enum reason record_plan(struct record_plan *plan, const struct proto_record *old,
			const struct proto_registration *change, uint64_t now_us, uint32_t *ids)
{
	const char *old_text = old != NULL ? (const char *)&old->bindings[old->count] : NULL;

	plan->count = 0;
	for (uint32_t i = 0; old != NULL && !change->remove_all && i < old->count; i++) {
		if (old->bindings[i].expires_us > now_us &&
		    (change->remove_id == 0 || old->bindings[i].id != change->remove_id)) {
			plan->items[plan->count].binding = old->bindings[i];
			plan->items[plan->count++].text = old_text;
		}
	}
	if (change->features_alone) {
		features_change(plan, &change->bindings[0]);
		return REASON_NONE;
	}
	for (unsigned i = 0; i < change->count; i++) {
		enum reason why =
			change_one(plan, change->bindings[i], change->text.p, now_us, ids);

		if (why != REASON_NONE)
			return why;
	}
	return texts_size(plan) <= PROTO_RECORD_TEXT_MAX ? REASON_NONE : REASON_REGISTRATIONS_FULL;
}

void record_plan_without(struct record_plan *plan, const struct proto_record *old,
			 const struct session_ref *stream, uint64_t now_us)
{
	const char *text = (const char *)&old->bindings[old->count];

	plan->count = 0;
	for (uint32_t i = 0; i < old->count; i++) {
		if (old->bindings[i].expires_us <= now_us ||
		    binding_is_over(&old->bindings[i], stream))
			continue;
		plan->items[plan->count].binding = old->bindings[i];
		plan->items[plan->count++].text = text;
	}
}

size_t record_size(const struct record_plan *plan, struct str address)
{
	return sizeof(struct proto_record) + plan->count * sizeof(struct proto_binding) +
	       texts_size(plan) + address.n;
}

void record_write(struct proto_record *r, const struct record_plan *plan, struct str address)
{
	char  *text;
	size_t at = 0;

	r->count = plan->count;
	text = (char *)&r->bindings[r->count];
	for (unsigned i = 0; i < plan->count; i++) {
		struct proto_binding *b = &r->bindings[i];

		*b = plan->items[i].binding;
		for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++) {
			struct str s = text_of(plan->items[i].text, &plan->items[i].binding, k);

			if (s.n > 0)
				memcpy(text + at, s.p, s.n);
			b->text[k].off = (uint16_t)at;
			at += s.n;
		}
	}
	r->text_size = (uint32_t)at;
	memcpy(text + at, address.p, address.n);
	r->address = (struct str){text + at, address.n};
}
