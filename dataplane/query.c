#include "query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "base/aor.h"
#include "conf/key.h"
#include "msg/text.h"
#include "rcu/rcu.h"
#include "registry/registry.h"
#include "rules/rules.h"

#include "registered.h"
#include "worker.h"

const char *query_argument(const json_t *args, const char *name)
{
	const char *text = json_string_value(json_object_get(args, name));

	return text != NULL && text[0] != '\0' ? text : NULL;
}

bool query_flag(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);

	return json_is_true(value) ||
	       (json_is_string(value) && strcmp(json_string_value(value), "true") == 0);
}

uint64_t query_clock_us(const struct dataplane *dp)
{
	struct timespec t;

	if (dp->clock_us != NULL)
		return *dp->clock_us;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_nsec / 1000u;
}

json_t *query_table(const char *const columns[], size_t n, json_t **rows)
{
	json_t *names = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_string(columns[i]));
	*rows = json_array();
	return json_pack("{s:o, s:o}", "columns", names, "rows", *rows);
}

/* ---- sessions ---- */

void query_session_id(struct session_ref ref, char room[48])
{
	snprintf(room, 48, "%u-%u-%u", ref.worker, ref.index, ref.generation);
}

static const char *session_party(const struct world *world, const struct mailbox_session *s,
				 const char **kind)
{
	const struct world_account *a =
		s->account != MSG_SLOT_NONE ? world_account(world, s->account) : NULL;
	const struct world_peer *p = s->peer != MSG_SLOT_NONE ? world_peer(world, s->peer) : NULL;

	*kind = a != NULL ? "account" : p != NULL ? "peer" : "";
	if (a == NULL && p == NULL && s->party.name[0] != '\0') {
		*kind = s->party.domain ? "domain" : "subscriber";
		return s->party.name;
	}
	return a != NULL ? a->conf->name : p != NULL ? p->conf->name : "";
}

static const char *session_link(const struct mailbox_session *s)
{
	return s->has_party ? conf_type_ENUM_LINK.words[s->party.link] : "";
}

static const char *session_state(const struct mailbox_session *s)
{
	switch ((enum conn_state)s->state) {
	case CONN_CONNECTING:
		return "connecting";
	case CONN_OPEN:
		if (s->detached)
			return "detached";
		return s->logged_in ? "bound" : "open";
	case CONN_CLOSING:
		return "closing";
	case CONN_LEAVING:
		return "leaving";
	case CONN_FREE:
	case CONN_STATE_COUNT:
		break;
	}
	return "";
}

static const char *session_direction(const struct mailbox_session *s)
{
	if (s->may == (PROTO_SENDS | PROTO_RECEIVES))
		return "both";
	return s->may == PROTO_SENDS ? "to us" : s->may == PROTO_RECEIVES ? "from us" : "";
}

static void session_row(const struct world *world, const struct mailbox_session *s,
			const json_t *args, json_t *rows)
{
	const char *kind, *party = session_party(world, s, &kind),
			  *protocol = query_argument(args, "protocol"),
			  *account = query_argument(args, "account");
	char id[48], remote[80], address[INET6_ADDRSTRLEN];

	if ((protocol != NULL && strcmp(protocol, registry_ops(s->ref.protocol)->name) != 0) ||
	    (account != NULL && strcmp(account, party) != 0))
		return;
	query_session_id(s->ref, id);
	inet_ntop(s->remote.ip6 ? AF_INET6 : AF_INET, s->remote.w, address, sizeof(address));
	if (s->role == PROTO_DATAGRAM)
		snprintf(remote, sizeof(remote), "all");
	else
		snprintf(remote, sizeof(remote), s->remote.ip6 ? "[%s]:%u" : "%s:%u", address,
			 s->remote_port);
	json_array_append_new(rows, json_pack("[s, s, s, s, s, s, s, s, s, i, I, I, I, I, I]", id,
					      registry_ops(s->ref.protocol)->name, s->transport,
					      session_link(s), kind, party, remote,
					      session_state(s), session_direction(s), s->ref.worker,
					      (json_int_t)s->window_used, (json_int_t)s->queued,
					      (json_int_t)s->msgs_in, (json_int_t)s->msgs_out,
					      (json_int_t)s->since_ms));
}

int query_worker_silent(const struct worker *w, char error[256])
{
	snprintf(error, 256, "worker %u did not answer within a second", w->number);
	return -EINVAL;
}

static int query_session_list(struct dataplane *dp, const json_t *args, json_t **reply,
			      char error[256])
{
	static const char *const columns[] = {
		"id",       "protocol", "transport", "link",   "kind", "party", "remote",  "state",
		"messages", "worker",   "window",    "queued", "in",   "out",   "since_ms"};
	json_t *rows;

	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &rows);
	for (unsigned i = 0; i < dp->worker_count; i++) {
		struct worker *w = dp->workers[i];
		uint32_t       from = 0;

		while (from != UINT32_MAX) {
			if (!mailbox_ask(w, MAILBOX_SESSIONS, from, (struct session_ref){0})) {
				json_decref(*reply);
				return query_worker_silent(w, error);
			}
			for (uint32_t r = 0; r < w->mailbox.count; r++)
				session_row(dp->world.current, &w->mailbox.rows[r], args, rows);
			from = w->mailbox.from;
		}
	}
	return 0;
}

static int query_session_close(struct dataplane *dp, const json_t *args, json_t **reply,
			       char error[256])
{
	static const char *const columns[] = {"id", "result"};
	const char              *id = query_argument(args, "id");
	unsigned                 worker, index, generation;
	struct session_ref       ref;
	json_t                  *rows;

	if (id == NULL || sscanf(id, "%u-%u-%u", &worker, &index, &generation) != 3 ||
	    worker >= dp->worker_count) {
		snprintf(error, 256,
			 "no session has the id '%.40s'; `cpmctl session list` shows those that "
			 "are open",
			 id != NULL ? id : "");
		return -EINVAL;
	}
	ref = (struct session_ref){index, (uint16_t)generation, (uint8_t)worker, 0};
	if (!mailbox_ask(dp->workers[worker], MAILBOX_CLOSE, 0, ref))
		return query_worker_silent(dp->workers[worker], error);
	if (dp->workers[worker]->mailbox.count == 0) {
		snprintf(error, 256, "session %.40s has ended already", id);
		return -EINVAL;
	}
	*reply = query_table(columns, 2, &rows);
	json_array_append_new(rows, json_pack("[s, s]", id, "parting"));
	return 0;
}

/* ---- explain ---- */

static void explain_step(json_t *rows, const char *step, const char *what, const char *why)
{
	json_array_append_new(rows, json_pack("[s, s, s]", step, what, why));
}

/* A peer that stands for all servers: it takes it, whatever becomes of the domain. */
static bool explain_domain(struct dataplane *dp, const struct world *world, struct str to,
			   bool chosen, json_t *rows)
{
	const struct world_peer *p;
	struct str               domain = domains_explain(world, to, &p);
	char                     what[96], why[256];

	snprintf(what, sizeof(what), "peer %s", p != NULL ? p->conf->name : "");
	if (domain.n == 0) {
		explain_step(rows, "target", what, "the recipient has no domain of its protocol");
		return false;
	}
	snprintf(why, sizeof(why), "domain %.*s at worker %u, as `cpmctl domain list` shows it%s",
		 STR_ARG(domain), domain_home(dp, domain), chosen ? "" : ": taken");
	explain_step(rows, "target", what, why);
	return true;
}

/* A peer or an account: its session for this recipient. Returns whether it would be taken. */
static bool explain_link(struct dataplane *dp, const struct world *world,
			 const struct route_target *t, struct str to, bool chosen, json_t *rows)
{
	const struct world_peer    *p = t->kind == ROUTE_PEER ? world_peer(world, t->slot) : NULL;
	const struct world_account *a =
		t->kind == ROUTE_ACCOUNT ? world_account(world, t->slot) : NULL;
	struct link_line  *line = link_choose(link_group(dp->links, t), to);
	struct session_ref ref;
	uint32_t           queued;
	bool               full;
	char               what[96], why[160];

	if (p != NULL && conf_peer_is_open(p->conf))
		return explain_domain(dp, world, to, chosen, rows);
	snprintf(what, sizeof(what), "%s %s", p != NULL ? "peer" : "account",
		 p != NULL   ? p->conf->name
		 : a != NULL ? a->conf->name
			     : "");
	if (line == NULL) {
		explain_step(rows, "target", what, "no session of it takes messages now");
		return false;
	}
	ref = session_ref_unpack(atomic_load_explicit(&line->session, memory_order_relaxed));
	queued = atomic_load_explicit(&line->queued, memory_order_relaxed);
	full = queued >= atomic_load_explicit(&line->queue_max, memory_order_relaxed);
	snprintf(why, sizeof(why), "session %u-%u-%u, %u waiting%s%s", ref.worker, ref.index,
		 ref.generation, queued, full ? ": queue full" : "",
		 !full && !chosen ? ": taken" : "");
	explain_step(rows, "target", what, why);
	return !full;
}

static void explain_place(const struct registered *place, bool chosen, json_t *rows)
{
	const struct proto_binding *b = place->binding;
	struct str                  contact = proto_binding_text(place->record, b, BINDING_CONTACT);
	struct str                  route = proto_binding_text(place->record, b, BINDING_PATH);
	char                        what[200], why[400];

	snprintf(what, sizeof(what), "%s %.*s", CONF_VIA_REGISTERED,
		 STR_ARG(place->record->address));
	if (b->features & PROTO_BINDING_AT_PEER)
		snprintf(why, sizeof(why), "%.*s, by its peer at %.*s%s", STR_ARG(contact),
			 STR_ARG(route), !chosen ? ": taken" : "");
	else
		snprintf(why, sizeof(why), "%.*s, session %u-%u-%u%s", STR_ARG(contact),
			 b->session.worker, b->session.index, b->session.generation,
			 !chosen ? ": taken" : "");
	explain_step(rows, "target", what, why);
}

/* The order that the recipient has, and which protocols of it are passed over. */
static void explain_order(const struct world_subscriber *s, const struct registered_places *found,
			  json_t *rows)
{
	struct str order = s != NULL ? world_subscriber_reach(s) : STR("");
	char       words[128] = "", what[64];
	size_t     n = 0;

	for (size_t i = 0; i < order.n && n < sizeof(words); i++) {
		uint8_t word = (uint8_t)order.p[i];

		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", i > 0 ? ", " : "",
				      word < PROTO_COUNT ? registry_ops(word)->name : "sms");
	}
	if (order.n > 0)
		explain_step(rows, "reach", words,
			     found->alone ? "the order of this subscriber, without sms: the next "
					    "targets are not used"
					  : "the order of this subscriber; sms: the next targets");
	for (size_t i = 0; i < order.n; i++) {
		uint8_t  word = (uint8_t)order.p[i];
		unsigned p = 0;

		while (p < found->n && found->at[p].protocol != word)
			p++;
		if (word >= PROTO_COUNT || p < found->n)
			continue;
		snprintf(what, sizeof(what), "%s %s", CONF_VIA_REGISTERED,
			 registry_ops(word)->name);
		explain_step(rows, "target", what, "not there: passed over");
	}
}

/* Where the recipient is registered, in its order: the places before the next targets. Returns
 * whether one would be taken. */
static bool explain_registered(struct dataplane *dp, const struct world *world, struct str to,
			       struct registered_places *found, bool chosen, json_t *rows)
{
	registered_find(dp, world, to, query_clock_us(dp), found);
	explain_order(registered_subscriber(world, to), found, rows);
	for (unsigned i = 0; i < found->first; i++)
		explain_place(&found->at[i], chosen || i > 0, rows);
	if (found->n == 0)
		explain_step(rows, "target", CONF_VIA_REGISTERED,
			     "the recipient is not registered here");
	return found->first > 0;
}

/* set NULL: an address in a domain of ours, which needs no route. */
static void explain_targets(struct dataplane *dp, const struct world *world,
			    const struct route_set *set, struct str from, struct str to,
			    json_t *rows)
{
	struct route_target      order[ROUTE_TARGETS_MAX] = {{.kind = ROUTE_REGISTERED}};
	unsigned                 n = set != NULL ? route_order(set, from, to, order) : 1;
	enum reason              why;
	struct registered_places found = {.n = 0};
	bool                     chosen = false;

	rcu_thread_begin();
	for (unsigned i = 0; i < n && !found.alone; i++) {
		if (order[i].kind == ROUTE_REGISTERED)
			chosen = explain_registered(dp, world, to, &found, chosen, rows) || chosen;
		else
			chosen = explain_link(dp, world, &order[i], to, chosen, rows) || chosen;
	}
	for (unsigned i = found.first; i < found.n; i++) {
		explain_place(&found.at[i], chosen, rows);
		chosen = true;
	}
	rcu_thread_end();
	why = found.alone || (n == 1 && order[0].kind == ROUTE_REGISTERED) ? REASON_NOT_REGISTERED
									   : REASON_NO_TARGET;
	if (!chosen)
		explain_step(rows, "result", "refused", reason_text(why));
}

void query_abilities(uint32_t abilities, char room[QUERY_ABILITIES_SIZE])
{
	size_t n = 0;

	room[0] = '\0';
	for (unsigned a = 0; a < MSG_ABILITY_COUNT && n < QUERY_ABILITIES_SIZE; a++)
		if ((abilities >> a & 1) != 0)
			n += (size_t)snprintf(room + n, QUERY_ABILITIES_SIZE - n, "%s%s",
					      n > 0 ? ", " : "", msg_ability_word(a));
}

/* What rules ask of it beside the texts: of a message that is this text, or carries something else.
 */
static void explain_beside(struct dataplane *dp, const struct world *world,
			   struct rules_input *input, json_t *rows)
{
	unsigned fields = rules_fields(world->rules);
	char     what[64], where[192] = "", takes[QUERY_ABILITIES_SIZE];
	size_t   n = 0;

	input->size = (uint32_t)input->text.n;
	input->parts = text_parts(input->text);
	if ((fields & RULES_FIELDS_BESIDE) == 0)
		return;
	rcu_thread_begin();
	input->reached = registered_in(dp, world, input->to, query_clock_us(dp), &input->device);
	rcu_thread_end();
	for (unsigned p = 0; p < PROTO_COUNT && n < sizeof(where); p++)
		if ((input->reached >> p & 1) != 0)
			n += (size_t)snprintf(where + n, sizeof(where) - n, "%s%s",
					      n > 0 ? ", " : "the recipient is reached in ",
					      registry_ops(p)->name);
	if (input->device != 0) {
		query_abilities(input->device, takes);
		snprintf(where + n, sizeof(where) - n, "; its devices take %s", takes);
	}
	snprintf(what, sizeof(what), "%s of %u bytes, %u short message%s",
		 msg_content_word(input->content), input->size, input->parts,
		 input->parts == 1 ? "" : "s");
	if (n == 0)
		snprintf(where, sizeof(where), "the recipient is reached nowhere here");
	explain_step(rows, "message", what, where);
}

/* What is said of the message in a word: the number of the word, 0 where none is given, UINT_MAX
 * where there is no such word. */
static unsigned explain_word(const json_t *args, const char *name, const char *(*word_of)(unsigned))
{
	const char *word = query_argument(args, name);

	for (unsigned number = 0; word != NULL; number++) {
		const char *known = word_of(number);

		if (known == NULL)
			return UINT_MAX;
		if (strcmp(word, known) == 0)
			return number;
	}
	return 0;
}

static bool explain_words_known(const json_t *args, char error[256])
{
	static const struct {
		const char *name;
		const char *(*word_of)(unsigned);
	} words[] = {{"content", msg_content_word}, {"identity", msg_identity_word}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *name = words[i].name;

		if (explain_word(args, name, words[i].word_of) != UINT_MAX)
			continue;
		snprintf(error, 256, "'%.40s' is no %s; cpm-apply(5) has the words of `%s`",
			 query_argument(args, name), name, name);
		return false;
	}
	return true;
}

/* What the rules make of it; the set of a rule's own route, or NULL. *ends: no route is looked for.
 */
static const struct route_set *explain_rules(struct dataplane *dp, const struct world *world,
					     const json_t *args, struct str *from, struct str *to,
					     json_t *rows, bool *ends)
{
	const char *text = query_argument(args, "text"), *name = query_argument(args, "account");
	const struct world_account *a =
		name != NULL ? world_account_find(world, str_of(name)) : NULL;
	struct rules_input   input = {.from = *from, .to = *to};
	struct rules_verdict v;
	const char          *rule;

	*ends = false;
	if (world->rules == NULL || rules_count(world->rules) == 0) {
		explain_step(rows, "rules", "none", "there are no rules");
		return NULL;
	}
	input.text = text != NULL ? str_of(text) : STR("");
	input.content = explain_word(args, "content", msg_content_word);
	input.identity = explain_word(args, "identity", msg_identity_word);
	explain_beside(dp, world, &input, rows);
	rules_judge(world, dp->worker_count, a, NULL, &input, &v);
	rule = v.rule != UINT32_MAX ? rules_name(world->rules, v.rule) : "";
	*from = v.from.p != NULL ? v.from : *from;
	*to = v.to.p != NULL ? v.to : *to;
	switch (v.outcome) {
	case RULES_PASS:
		explain_step(rows, "rules", "pass",
			     v.hit ? "rules acted, none ended it" : "no rule matches");
		return NULL;
	case RULES_REJECT:
		explain_step(rows, "rules", rule, "rejects it");
		explain_step(rows, "result", "refused", reason_text(v.why));
		break;
	case RULES_DROP:
		explain_step(rows, "rules", rule, "drops it");
		explain_step(rows, "result", "dropped", reason_text(REASON_RULE_DROP));
		break;
	case RULES_ROUTE:
		explain_step(rows, "rules", rule, "chooses the targets");
		return world_rule_route(world, v.route);
	}
	*ends = true;
	return NULL;
}

/* As a protocol gives it: an address with a domain in its normal form. */
static struct str explain_address(const char *text, char room[256])
{
	struct aor a;
	size_t     n = aor_split(str_of(text), &a) ? aor_write(room, 256, &a) : 0;

	return n > 0 ? (struct str){room, n} : str_of(text);
}

static int query_route_explain(struct dataplane *dp, const json_t *args, json_t **reply,
			       char error[256])
{
	static const char *const columns[] = {"step", "what", "why"};
	const struct world      *world = dp->world.current;
	const char *from_text = query_argument(args, "from"), *to_text = query_argument(args, "to");
	const struct world_peer *open;
	const struct route_set  *set;
	struct str               from, to;
	json_t                  *rows;
	bool                     ends;
	char                     rooms[2][256];

	if (world == NULL || from_text == NULL || to_text == NULL) {
		snprintf(error, 256,
			 world == NULL ? "the dataplane has no configuration yet"
				       : "FROM and TO are wanted");
		return -EINVAL;
	}
	if (!explain_words_known(args, error))
		return -EINVAL;
	from = explain_address(from_text, rooms[0]);
	to = explain_address(to_text, rooms[1]);
	*reply = query_table(columns, 3, &rows);
	set = explain_rules(dp, world, args, &from, &to, rows, &ends);
	if (ends)
		return 0;
	if (set == NULL) {
		set = world->routes != NULL ? route_find(world->routes, to) : NULL;
		if (set == NULL && registered_here(dp, to)) {
			explain_step(rows, "route", "none",
				     "needs none: a listener serves the domain");
			explain_targets(dp, world, NULL, from, to, rows);
			return 0;
		}
		if (set == NULL && domains_explain(world, to, &open).n > 0) {
			explain_step(rows, "route", "none",
				     "needs none: a peer stands for all other domains");
			explain_domain(dp, world, to, false, rows);
			return 0;
		}
		if (set == NULL) {
			explain_step(rows, "route", "none", "no route matches the destination");
			explain_step(rows, "result", "refused", reason_text(REASON_NO_ROUTE));
			return 0;
		}
		explain_step(rows, "route", set->to,
			     strchr(set->to, '@') == NULL
				     ? set->to[0] == '=' ? "exact number" : "longest prefix"
			     : set->to[0] == '=' ? "exact address"
						 : "domain");
	}
	explain_targets(dp, world, set, from, to, rows);
	return 0;
}

/* ---- workers ---- */

static int query_workers(struct dataplane *dp, const json_t *args, json_t **reply, char error[256])
{
	static const char *const columns[] = {"worker",        "turns",        "turns_busy",
					      "busy_cycles",   "cycles_per_s", "sessions",
					      "messages_open", "memory_free"};
	json_t                  *rows;

	*reply = query_table(columns, sizeof(columns) / sizeof(columns[0]), &rows);
	for (unsigned i = 0; i < dp->worker_count; i++) {
		const struct metrics *m = &dp->metrics[i];

		json_array_append_new(
			rows, json_pack("[i, I, I, I, I, I, I, I]", (int)i,
					(json_int_t)metrics_sum(m, 1, METRIC_turns),
					(json_int_t)metrics_sum(m, 1, METRIC_turns_busy),
					(json_int_t)metrics_sum(m, 1, METRIC_busy_cycles),
					(json_int_t)rte_get_tsc_hz(),
					(json_int_t)metrics_sum(m, 1, METRIC_sessions_open),
					(json_int_t)metrics_sum(m, 1, METRIC_messages_open),
					(json_int_t)msg_pool_free_count(dp->workers[i]->msgs)));
	}
	return 0;
}

static int query_rule_hits(struct dataplane *dp, const json_t *args, json_t **reply,
			   char error[256])
{
	static const char *const columns[] = {"name", "hits"};
	const struct world      *world = dp->world.current;
	json_t                  *rows;

	*reply = query_table(columns, 2, &rows);
	for (uint32_t i = 0; world != NULL && world->rules != NULL && i < rules_count(world->rules);
	     i++)
		json_array_append_new(
			rows, json_pack("[s, I]", rules_name(world->rules, i),
					(json_int_t)rules_hits(world->rules, dp->worker_count, i)));
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct dataplane *dp, const json_t *args, json_t **reply, char error[256]);
} queries[] = {
	{"session_list", query_session_list},
	{"session_close", query_session_close},
	{"route_explain", query_route_explain},
	{"workers", query_workers},
	{"rule_hits", query_rule_hits},
	{"port_list", query_port_list},
	{"port_fault", query_port_fault},
	{"domain_list", query_domain_list},
	{"domain_retry", query_domain_retry},
	{"registration_list", query_registration_list},
	{"registration_show", query_registration_show},
	{"registration_remove", query_registration_remove},
	{"notices", query_notices},
	{"connection_list", query_connection_list},
	{"connection_show", query_connection_show},
};

int query_run(struct dataplane *dp, const char *name, const json_t *args, json_t **reply,
	      char error[256])
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (strcmp(queries[i].name, name) == 0)
			return queries[i].run(dp, args, reply, error);
	}
	snprintf(error, 256, "the dataplane knows no question '%.60s'", name);
	return -EINVAL;
}
