/* `cpmctl roster ...` and `cpmctl block ...`: what subscribers made themselves, as chat clients. */
#include "api_call.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "db_roster.h"
#include "notices.h"
#include "roster.h"

/* The JID of the subscriber that the call names, owned by the caller; NULL: an error was replied.
 */
static char *owner_of(struct api_call *call)
{
	static const char       scheme[] = "xmpp:";
	const char             *address = api_text(call, "address");
	struct conf_subscriber *s = conf_object_new(CONF_SUBSCRIBER);
	char                   *jid = NULL;

	if (s == NULL) {
		api_error(call, API_UNAVAILABLE, NULL, "no memory");
		return NULL;
	}
	if (control_object_get(call->control, CONF_SUBSCRIBER, address != NULL ? address : "", s) <
	    0)
		api_error(call, API_NOT_FOUND, NULL,
			  "there is no subscriber '%.100s'; `cpmctl subscriber list` shows those "
			  "that are",
			  address != NULL ? address : "");
	else if (strncmp(s->xmpp, scheme, sizeof(scheme) - 1) != 0)
		api_error(call, API_NOT_FOUND, NULL,
			  "subscriber '%.100s' is no chat client; `cpmctl subscriber set %.100s "
			  "xmpp=USER@DOMAIN` makes it one",
			  address, address);
	else
		jid = strdup(s->xmpp + sizeof(scheme) - 1);
	conf_object_free(CONF_SUBSCRIBER, s);
	return jid;
}

static json_t *text_of(struct str s)
{
	json_t *text = json_stringn(s.p, s.n);

	return text != NULL ? text : json_string("");
}

static const char *subscription_word(enum roster_state state)
{
	static const char *const words[ROSTER_SUBSCRIPTION_COUNT] = {
		[ROSTER_SUBSCRIPTION_NONE] = "none",
		[ROSTER_SUBSCRIPTION_TO] = "to",
		[ROSTER_SUBSCRIPTION_FROM] = "from",
		[ROSTER_SUBSCRIPTION_BOTH] = "both",
		[ROSTER_SUBSCRIPTION_REMOVE] = "remove"};

	return words[roster_subscription_of(state)];
}

/* What one waits for the other to answer. */
static const char *pending_word(enum roster_state state)
{
	if (roster_pending_out(state))
		return roster_pending_in(state) ? "both asked" : "asked";
	return roster_pending_in(state) ? "is asked" : "";
}

static json_t *groups_of(struct str groups)
{
	struct cur c = cur_of(groups.p, groups.n);
	json_t    *list = json_array();
	struct str text;

	while (roster_text_next(&c, &text))
		json_array_append_new(list, text_of(text));
	return list;
}

static json_t *row_of(const struct roster_view *v)
{
	return json_pack("[o, o, o, s, s, b, b]", text_of(v->contact), text_of(v->name),
			 groups_of(v->groups), subscription_word(v->state), pending_word(v->state),
			 v->approved, v->blocked);
}

static const char *const columns[] = {"contact", "name",     "groups", "subscription",
				      "pending", "approved", "blocked"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool list_row(void *user, const struct roster_view *v)
{
	json_array_append_new(user, row_of(v));
	return true;
}

void api_roster_list(struct api_call *call)
{
	char   *owner = owner_of(call);
	json_t *rows = owner != NULL ? api_table(call, columns, COLUMNS) : NULL;

	if (rows != NULL && db_roster_each(call->control->db, str_of(owner), list_row, rows) < 0)
		api_error(call, API_UNAVAILABLE, NULL, "the roster cannot be read");
	free(owner);
}

struct looking {
	json_t    *rows;
	struct str contact;
};

static bool show_row(void *user, const struct roster_view *v)
{
	struct looking *l = user;
	json_t         *row;

	if (!str_eq(v->contact, l->contact))
		return true;
	row = row_of(v);
	for (size_t i = 0; i < COLUMNS; i++)
		json_array_append_new(l->rows,
				      json_pack("[s, O]", columns[i], json_array_get(row, i)));
	json_decref(row);
	return false;
}

static void no_contact(struct api_call *call, const char *contact)
{
	api_error(call, API_NOT_FOUND, NULL,
		  "'%.100s' is not in that roster; `cpmctl roster list` shows who is", contact);
}

static const char *contact_of(const struct api_call *call)
{
	const char *contact = api_text(call, "contact");

	return contact != NULL ? contact : "";
}

void api_roster_show(struct api_call *call)
{
	static const char *const pair[] = {"key", "value"};
	char                    *owner = owner_of(call);
	struct looking           l = {.contact = str_of(contact_of(call))};
	int                      err;

	if (owner == NULL)
		return;
	l.rows = api_table(call, pair, 2);
	err = db_roster_each(call->control->db, str_of(owner), show_row, &l);
	if (err < 0)
		api_error(call, API_UNAVAILABLE, NULL, "the roster cannot be read");
	else if (json_array_size(l.rows) == 0)
		no_contact(call, contact_of(call));
	free(owner);
}

/* What its client would ask for; those whom it is about hear of it as if it had. */
static enum reason remove_contact(struct control *c, const char *owner, const char *contact)
{
	static uint8_t question[ROSTER_QUESTION_SIZE_MAX], room[ROSTER_ANSWER_SIZE_MAX];
	struct put     w = put_to(question, sizeof(question)), answer = put_to(room, sizeof(room));
	enum reason    why = REASON_CONTROL_DOWN;

	roster_question_put(&w, &(struct roster_question){.ask = ROSTER_ASK_ROSTER_REMOVE,
							  .owner = str_of(owner),
							  .contact = str_of(contact)});
	if (w.failed)
		return REASON_ROSTER_ITEM;
	if (db_begin(c->db) < 0)
		return why;
	why = roster_answer(c, cur_of(question, put_size(&w)), &answer);
	if (why == REASON_NONE && db_commit(c->db) < 0)
		why = REASON_CONTROL_DOWN;
	db_rollback(c->db);
	if (why == REASON_NONE) {
		roster_notices(c, cur_of(room, put_size(&answer)));
		notices_send(c->notices);
	}
	return why;
}

void api_roster_remove(struct api_call *call)
{
	static const char *const one[] = {"contact"};
	char                    *owner = owner_of(call);
	enum reason              why;

	if (owner == NULL)
		return;
	why = remove_contact(call->control, owner, contact_of(call));
	free(owner);
	log_info("roster.remove", "who=\"%s\" why=%s", call->who, reason_name(why));
	if (why == REASON_ROSTER_ITEM)
		no_contact(call, contact_of(call));
	else if (why != REASON_NONE)
		api_error(call, API_UNAVAILABLE, NULL, "nothing was changed: %s", reason_text(why));
	else
		json_array_append_new(api_table(call, one, 1), json_pack("[s]", contact_of(call)));
}

static bool block_row(void *user, struct str jid)
{
	json_array_append_new(user, json_pack("[o]", text_of(jid)));
	return true;
}

void api_block_list(struct api_call *call)
{
	static const char *const one[] = {"address"};
	char                    *owner = owner_of(call);
	json_t                  *rows = owner != NULL ? api_table(call, one, 1) : NULL;

	if (rows != NULL && db_block_each(call->control->db, str_of(owner), block_row, rows) < 0)
		api_error(call, API_UNAVAILABLE, NULL, "the block list cannot be read");
	free(owner);
}
