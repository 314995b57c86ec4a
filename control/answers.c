#include "answers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/put.h"
#include "domains.h"
#include "dp_link.h"
#include "roster.h"
#include "roster/question.h"

#define QUEUE_MAX 256u                     /* several times what the dataplane asks at a time */
#define ROOM (8u * ROSTER_ANSWER_SIZE_MAX) /* of the answers of one transaction */

struct waiting {
	uint64_t id;
	uint32_t size;
	uint8_t  bytes[ROSTER_QUESTION_SIZE_MAX];
};

struct done {
	uint64_t    id;
	enum reason why;
	struct str  answer; /* in room */
};

struct answers {
	struct control *control;
	int             due; /* eventfd: there are some */
	unsigned        first, count;
	struct waiting  queue[QUEUE_MAX];
	struct done     done[QUEUE_MAX];
	uint8_t         room[ROOM];
};

static enum reason answer_one(struct control *c, struct cur question, struct put *answer)
{
	struct str domain;

	return world_domain_question_read(question, &domain)
		       ? domains_answer(c->domains, domain, answer)
		       : roster_answer(c, question, answer);
}

/* As many as there is room for, each whole or not at all. Returns how many. */
static unsigned answer_all(struct answers *a)
{
	struct put w = put_to(a->room, sizeof(a->room));
	unsigned   n = 0;

	while (n < a->count && put_room(&w) >= ROSTER_ANSWER_SIZE_MAX) {
		struct waiting *q = &a->queue[(a->first + n) % QUEUE_MAX];
		struct put      answer = put_to(w.p, ROSTER_ANSWER_SIZE_MAX);
		enum reason     why = answer_one(a->control, cur_of(q->bytes, q->size), &answer);

		a->done[n++] = (struct done){
			q->id,
			why,
			{(const char *)answer.start, why == REASON_NONE ? put_size(&answer) : 0}};
		w.p += why == REASON_NONE ? put_size(&answer) : 0;
	}
	return n;
}

static unsigned refuse_all(struct answers *a)
{
	for (unsigned i = 0; i < a->count; i++)
		a->done[i] = (struct done){.id = a->queue[(a->first + i) % QUEUE_MAX].id};
	return a->count;
}

/* Nothing is told before it is on the disk. */
static void turn(void *user)
{
	struct answers *a = user;
	uint64_t        count;
	unsigned        n;

	if (read(a->due, &count, sizeof(count)) < 0)
		return;
	while (a->count > 0) {
		int err = db_begin(a->control->db);

		n = err == 0 ? answer_all(a) : refuse_all(a);
		if (err == 0)
			err = db_commit(a->control->db);
		if (err < 0)
			db_rollback(a->control->db);
		a->first = (a->first + n) % QUEUE_MAX;
		a->count -= n;
		for (unsigned i = 0; i < n; i++)
			dp_link_tell(a->control->link, a->done[i].id,
				     err < 0 ? REASON_CONTROL_DOWN : a->done[i].why,
				     err < 0 ? STR("") : a->done[i].answer);
	}
}

struct answers *answers_new(struct control *c)
{
	struct answers *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->control = c;
	a->due = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->due >= 0 && event_watch(c->loop, a->due, turn, a) == 0)
		return a;
	if (a->due >= 0)
		close(a->due);
	free(a);
	return NULL;
}

void answers_free(struct answers *a)
{
	if (a == NULL)
		return;
	event_unwatch(a->control->loop, a->due);
	close(a->due);
	free(a);
}

bool answers_take(struct answers *a, uint64_t id, struct cur question)
{
	struct waiting *q = &a->queue[(a->first + a->count) % QUEUE_MAX];
	uint64_t        one = 1;

	if (a->count == QUEUE_MAX || cur_left(&question) > sizeof(q->bytes))
		return false;
	q->id = id;
	q->size = (uint32_t)cur_left(&question);
	memcpy(q->bytes, question.p, q->size);
	a->count++;
	return write(a->due, &one, sizeof(one)) == sizeof(one);
}

void answers_drop(struct answers *a)
{
	a->count = 0;
}
