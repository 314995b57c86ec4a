#include "msg/text.h"

#include "pipeline.h"
#include "worker.h"

void rules_judge(const struct world *world, unsigned scratch, const struct world_account *account, const struct world_peer *peer, struct str from,
		 struct str to, struct str text, struct rules_verdict *verdict)
{
	struct rules_input input = {.from = from, .to = to, .text = text};

	if (account != NULL)
		input.account = account->name;
	else if (peer != NULL)
		input.account = peer->name;
	rules_scan(world->rules, scratch, &input, verdict);
}

/* The text of the body as UTF-8, in the worker's room. */
static struct str text_view(struct worker *w, const struct msg *m)
{
	struct msg_part part = {m->body.off + m->udh_size, m->body.size - m->udh_size};
	size_t          n;

	if (part.size == 0 || m->coding == MSG_CODING_BINARY)
		return STR("");
	n = text_to_utf8((enum msg_coding)m->coding, (struct text_tables){TEXT_DEFAULT, TEXT_DEFAULT}, msg_view(m, part, w->body_room), part.size,
			 w->text_room, TEXT_UTF8_SIZE(MSG_SIZE_MAX));
	return (struct str){w->text_room, n};
}

static bool address_rewrite(struct msg *m, struct addr *a, struct str text)
{
	struct addr    new;
	enum addr_kind kind = text.p[0] == '+' ? ADDR_E164 : ADDR_ALPHA;
	size_t         digits = 0;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (digits == text.n)
		kind = ADDR_SHORT;
	if (!msg_append_addr(m, kind, kind == ADDR_E164 ? 1 : kind == ADDR_SHORT ? 3 : 5, kind == ADDR_E164 ? 1 : 0, text, &new))
		return false;
	*a = new;
	return true;
}

/* A limit: every message that meets it counts, in the order of the rules. */
static bool limits_allow(struct worker *w, const struct rules_verdict *v)
{
	for (unsigned i = 0; i < v->limit_count; i++) {
		uint32_t slot = world_rule_limit_slot(w->world, v->limits[i]);

		if (!limit_take(&w->dp->rule_limits[slot], &w->rule_leases[slot], w->now, 1))
			return false;
	}
	return true;
}

/* What the verdict says is done; REASON_NONE: the message goes on. */
static enum reason verdict_apply(struct worker *w, struct item *i, const struct rules_verdict *v)
{
	struct msg *m = i->msg;

	m->tags = v->tags;
	if (v->hit)
		metric_inc(w->metrics, METRIC_rules_hit);
	if (!limits_allow(w, v))
		return REASON_RULE_LIMIT;
	if ((v->from.p != NULL && !address_rewrite(m, &m->from, v->from)) || (v->to.p != NULL && !address_rewrite(m, &m->to, v->to)))
		return REASON_MESSAGE_SIZE;
	switch (v->outcome) {
	case RULES_PASS:
		break;
	case RULES_REJECT:
		return v->why;
	case RULES_DROP:
		return REASON_RULE_DROP;
	case RULES_ROUTE:
		i->rule_route = v->route;
		break;
	}
	return REASON_NONE;
}

void stage_rules(struct worker *w, struct item items[], unsigned n)
{
	unsigned fields;

	if (w->world->rules == NULL || rules_count(w->world->rules) == 0)
		return;
	fields = rules_fields(w->world->rules);
	for (unsigned i = 0; i < n; i++) {
		struct msg          *m = items[i].msg;
		struct rules_verdict v;
		struct str           text = (fields & RULES_FIELD_TEXT) != 0 ? text_view(w, m) : STR("");
		enum reason          why;

		rules_judge(w->world, w->number, items[i].account, items[i].peer, msg_addr(m, &m->from), msg_addr(m, &m->to), text, &v);
		why = verdict_apply(w, &items[i], &v);
		if (why == REASON_NONE)
			continue;
		if (why == REASON_RULE_DROP) {
			metric_inc(w->metrics, METRIC_messages_dropped_by_rule);
			refuse_with(w, m, &(struct result){.why = REASON_RULE_DROP, .msg_id = m->id});
		} else {
			refuse(w, m, why);
		}
		items[i].msg = NULL;
	}
}
