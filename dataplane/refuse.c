#include "pipeline.h"

#include "worker.h"

void refuse_with(struct worker *w, struct msg *m, const struct result *result)
{
	metric_refused(w->metrics, (enum reason)result->why);
	conn_answer(w, m->origin, m->token, result);
	msg_free(m);
}

void refuse(struct worker *w, struct msg *m, enum reason why)
{
	refuse_with(w, m, &(struct result){.why = (uint8_t)why});
}
