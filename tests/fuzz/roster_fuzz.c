/*
 * Fuzz target: what control and dataplane say to each other about rosters and block lists. A
 * question that is read is written and read again the same; an answer, taken as each of its kinds,
 * is gone through to its end, and what is read of it can be written.
 */
#include "base/assert.h"
#include "roster/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[ROSTER_ANSWER_SIZE_MAX], again[ROSTER_ANSWER_SIZE_MAX];

static void question(const uint8_t *data, size_t size)
{
	struct roster_question q, copy;
	struct put w = put_to(room, sizeof(room)), second = put_to(again, sizeof(again));

	if (!roster_question_read(cur_of(data, size), &q))
		return;
	roster_question_put(&w, &q);
	ASSERT(!w.failed && put_size(&w) == size && memcmp(room, data, size) == 0);
	ASSERT(roster_question_read(cur_of(room, size), &copy));
	roster_question_put(&second, &copy);
	ASSERT(!second.failed && put_size(&second) == size && memcmp(again, data, size) == 0);
}

static void texts(struct str list)
{
	struct cur c = cur_of(list.p, list.n);
	struct str text;
	size_t     sum = 0;

	while (roster_text_next(&c, &text))
		sum += 2 + text.n;
	ASSERT(!c.failed && sum == list.n);
}

/* What was read of [from, *at) is written as the same bytes. */
static void same(const struct put *w, const uint8_t *from, const struct cur *at)
{
	ASSERT(!w->failed && put_size(w) == (size_t)(at->p - from) &&
	       memcmp(w->start, from, put_size(w)) == 0);
}

static void items(const uint8_t *data, size_t size)
{
	struct cur         answer = cur_of(data, size);
	struct roster_head head;
	struct roster_item item;
	struct put         w = put_to(room, sizeof(room));

	if (!roster_head_read(&answer, &head))
		return;
	roster_head_put(&w, &head);
	while (roster_item_next(&answer, &item)) {
		texts(item.groups);
		roster_item_put(&w, &item);
		same(&w, data, &answer);
	}
	ASSERT(cur_left(&answer) == 0);
}

static void contacts(const uint8_t *data, size_t size)
{
	struct cur            answer = cur_of(data, size);
	struct roster_contact c;
	struct put            w = put_to(room, sizeof(room));

	while (roster_contact_next(&answer, &c)) {
		roster_contact_put(&w, &c);
		same(&w, data, &answer);
	}
	ASSERT(cur_left(&answer) == 0);
}

static void effects(const uint8_t *data, size_t size)
{
	struct cur           answer = cur_of(data, size);
	struct roster_effect e;
	struct put           w = put_to(room, sizeof(room));

	while (roster_effect_next(&answer, &e)) {
		texts(e.jids);
		roster_effect_put(&w, &e);
		same(&w, data, &answer);
	}
	ASSERT(cur_left(&answer) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > sizeof(room))
		return 0;
	question(data, size);
	items(data, size);
	contacts(data, size);
	effects(data, size);
	return 0;
}
