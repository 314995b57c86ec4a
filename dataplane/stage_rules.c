#include "msg/concat.h"
#include "msg/text.h"

#include "pipeline.h"
#include "registered.h"
#include "worker.h"

/* Of binary short messages, alone and in parts (TS 23.040, 9.2.3.24.1). */
#define SHORT_MESSAGE_OCTETS 140u
#define SHORT_PART_OCTETS 134u
/* Fields for which the text must be read. */
#define FIELDS_OF_TEXT (RULES_FIELD_TEXT | RULES_FIELD_SIZE | RULES_FIELD_PARTS)

void rules_judge(const struct world *world, unsigned scratch, const struct world_account *account,
		 const struct world_peer *peer, struct rules_input *input,
		 struct rules_verdict *verdict)
{
	if (account != NULL)
		input->account = account->name;
	else if (peer != NULL)
		input->account = peer->name;
	rules_scan(world->rules, scratch, input, verdict);
}

/* The text of the body as UTF-8, in the worker's room. */
static struct str text_view(struct worker *w, const struct msg *m)
{
	struct concat_udh udh = {.size = 0};
	const uint8_t    *bytes;
	size_t            n;

	if (m->body.size <= m->udh_size || m->coding == MSG_CODING_BINARY)
		return STR("");
	bytes = msg_view(m, m->body, w->body_room);
	if (m->udh_size > 0)
		concat_parse(bytes, m->body.size, &udh); /* it may name national tables */
	n = text_to_utf8((enum msg_coding)m->coding, udh.tables, bytes + m->udh_size,
			 m->body.size - m->udh_size, w->text_room, TEXT_UTF8_SIZE(MSG_SIZE_MAX));
	return (struct str){w->text_room, n};
}

static bool address_rewrite(struct msg *m, struct addr *a, struct str text)
{
	struct addr new;
	enum addr_kind kind = text.p[0] == '+' ? ADDR_E164 : ADDR_ALPHA;
	size_t         digits = 0;

	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (digits == text.n)
		kind = ADDR_SHORT;
	if (!msg_append_addr(m, kind,
			     kind == ADDR_E164    ? 1
			     : kind == ADDR_SHORT ? 3
						  : 5,
			     kind == ADDR_E164 ? 1 : 0, text, &new))
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
	if ((v->from.p != NULL && !address_rewrite(m, &m->from, v->from)) ||
	    (v->to.p != NULL && !address_rewrite(m, &m->to, v->to)))
		return REASON_MESSAGE_SIZE;
	if (v->from.p != NULL)
		m->identity = MSG_IDENTITY_UNKNOWN; /* what was proven, was of another */
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

/* Those that its sender made of it, else those that it would take. */
static uint32_t parts_of(const struct msg *m, struct str text)
{
	if (m->concat.parts > 1)
		return m->concat.parts;
	if (m->coding != MSG_CODING_BINARY)
		return text_parts(text);
	return m->body.size <= SHORT_MESSAGE_OCTETS
		       ? 1
		       : (m->body.size + SHORT_PART_OCTETS - 1) / SHORT_PART_OCTETS;
}

/* What the rules ask of a message beside the texts. */
static void look_beside(struct worker *w, const struct msg *m, struct str text, unsigned fields,
			struct rules_input *input)
{
	if ((fields & RULES_FIELD_SIZE) != 0)
		input->size = m->coding == MSG_CODING_BINARY ? m->body.size : (uint32_t)text.n;
	if ((fields & RULES_FIELD_PARTS) != 0)
		input->parts = parts_of(m, text);
	input->identity = m->identity;
	if ((fields & RULES_FIELD_CONTENT) != 0)
		input->content = msg_content(m);
	if ((fields & (RULES_FIELD_REACHED | RULES_FIELD_DEVICE)) != 0)
		input->reached =
			registered_in(w->dp, w->world, input->to, w->now.us, &input->device);
}

static void judge(struct worker *w, const struct item *i, struct str text, struct rules_verdict *v)
{
	const struct msg  *m = i->msg;
	unsigned           fields = rules_fields(w->world->rules);
	struct rules_input input = {
		.from = msg_addr(m, &m->from), .to = msg_addr(m, &m->to), .text = text};

	if ((fields & RULES_FIELDS_BESIDE) != 0)
		look_beside(w, m, text, fields, &input);
	rules_judge(w->world, w->number, i->account, i->peer, &input, v);
}

/* A part of a long message: on the text so far, and as its earlier parts. */
static enum reason judge_part(struct worker *w, struct item *i, struct str text)
{
	unsigned                    part = i->msg->concat.part;
	uint64_t                    version = w->world->rules_version;
	struct parts_message       *m = parts_find(&w->parts, w->now, i->msg);
	const struct parts_verdict *before = parts_verdict(&w->parts, m, part, text, version);
	struct parts_verdict        after;
	struct rules_verdict        v;
	enum reason                 why;

	if (before->outcome == RULES_REJECT)
		return (enum reason)before->why;
	if (before->outcome == RULES_DROP)
		return REASON_RULE_DROP;
	judge(w, i, parts_join(&w->parts, m, part, text), &v);
	if (before->outcome == RULES_ROUTE &&
	    before->rule <= v.rule) { /* the first terminal action in the order of the rules wins */
		v.outcome = RULES_ROUTE;
		v.rule = before->rule;
		v.route = before->route;
	}
	after = (struct parts_verdict){.outcome = (uint8_t)v.outcome,
				       .why = (uint8_t)v.why,
				       .rule = v.rule,
				       .route = v.route,
				       .rules_version = version};
	why = verdict_apply(w, i, &v);
	if (why != REASON_RULE_LIMIT) /* that refuses this part now, not the message */
		parts_judged(&w->parts, m, &after);
	return why;
}

static enum reason judge_item(struct worker *w, struct item *i, unsigned fields)
{
	bool                 reads = (fields & FIELDS_OF_TEXT) != 0;
	struct str           text = reads ? text_view(w, i->msg) : STR("");
	struct rules_verdict v;

	if (reads && i->msg->concat.parts > 1)
		return judge_part(w, i, text);
	judge(w, i, text, &v);
	return verdict_apply(w, i, &v);
}

void stage_rules(struct worker *w, struct item items[], unsigned n)
{
	unsigned fields;

	if (w->world->rules == NULL || rules_count(w->world->rules) == 0)
		return;
	fields = rules_fields(w->world->rules);
	for (unsigned i = 0; i < n; i++) {
		struct msg *m = items[i].msg;
		enum reason why = judge_item(w, &items[i], fields);

		if (why == REASON_NONE)
			continue;
		if (why == REASON_RULE_DROP) {
			metric_inc(w->metrics, METRIC_messages_dropped_by_rule);
			refuse_with(w, m,
				    &(struct result){.why = REASON_RULE_DROP, .msg_id = m->id});
		} else {
			refuse(w, m, why);
		}
		items[i].msg = NULL;
	}
}
