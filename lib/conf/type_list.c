/* Types of several parts: LIST, PATTERNS, VIA, TREE. They own memory. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/aor.h"
#include "base/assert.h"
#include "conf/type.h"

static void list_clear(void *field)
{
	struct conf_list *list = field;

	for (uint32_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct conf_list){0, NULL};
}

static bool is_port(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && n <= 5 && text[n] == '\0' && atoi(text) > 0 && atoi(text) <= 65535;
}

/* "A", "A:port", "AAAA" or "[AAAA]:port". */
static bool is_server(struct str s)
{
	char    text[64], *end;
	uint8_t raw[16];

	if (!str_copy(text, sizeof(text), s))
		return false;
	if (inet_pton(AF_INET6, text, raw) == 1 || inet_pton(AF_INET, text, raw) == 1)
		return true;
	end = strrchr(text, ':');
	if (end == NULL || !is_port(end + 1))
		return false;
	*end = '\0';
	if (text[0] != '[')
		return inet_pton(AF_INET, text, raw) == 1;
	if (end[-1] != ']')
		return false;
	end[-1] = '\0';
	return inet_pton(AF_INET6, text + 1, raw) == 1;
}

static bool list_item(const struct conf_key *key, const struct conf_node *item,
		      struct conf_reading *r)
{
	if (item->kind != CONF_NODE_TEXT || item->text.n == 0 || item->text.n > CONF_ITEM_MAX) {
		conf_reading_fault(r, item->line, key->name,
				   "has an item that is no text of 1 to %u characters",
				   CONF_ITEM_MAX);
		return false;
	}
	if (key->type == &conf_type_DOMAINS && !aor_is_domain(item->text)) {
		conf_reading_fault(r, item->line, key->name,
				   "'%.*s' is no domain name; write as in example.org",
				   STR_ARG(item->text));
		return false;
	}
	if (key->type == &conf_type_SERVERS && !is_server(item->text)) {
		conf_reading_fault(r, item->line, key->name,
				   "'%.*s' is no address of a server; write as in 198.51.100.1, "
				   "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\"",
				   STR_ARG(item->text));
		return false;
	}
	if (key->type == &conf_type_PATTERNS && !conf_is_pattern(item->text)) {
		conf_reading_fault(r, item->line, key->name,
				   "'%.*s' is neither \"+46\", a prefix of up to 15 digits, nor "
				   "\"=ACME\", one sender",
				   STR_ARG(item->text));
		return false;
	}
	return true;
}

/* Domains compare without regard to case, so they are kept in one. */
static bool list_append(const struct conf_key *key, struct conf_list *list, struct str s)
{
	char folded[2 * CONF_ITEM_MAX];

	if (key->type == &conf_type_DOMAINS && conf_fold_domain(s, folded, sizeof(folded)))
		s = str_of(folded);
	list->items[list->n] = strndup(s.p, s.n);
	if (list->items[list->n] == NULL)
		return false;
	list->n++;
	return true;
}

static bool list_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	struct conf_list        list = {0, NULL};
	const struct conf_node *first =
		node->kind == CONF_NODE_TEXT ? node : node->first; /* one item may stand alone */
	unsigned count = node->kind == CONF_NODE_TEXT ? 1 : node->count;

	if (node->kind == CONF_NODE_MAP || count < key->min || count > key->max) {
		conf_fault_range(key, node, r);
		return false;
	}
	list.items = calloc(count + 1, sizeof(list.items[0]));
	for (const struct conf_node *item = first; item != NULL && list.items != NULL;
	     item = count > 1 ? item->next : NULL)
		if (!list_item(key, item, r) || !list_append(key, &list, item->text)) {
			list_clear(&list);
			return false;
		}
	if (list.items == NULL)
		return false;
	list_clear(field);
	*(struct conf_list *)field = list;
	return true;
}

static void list_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_list *list = field;

	put_be16(to, (uint16_t)list->n);
	for (uint32_t i = 0; i < list->n; i++)
		conf_pack_text(to, str_of(list->items[i]));
}

static bool list_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_list *list = field;
	unsigned          n = cur_be16(from);

	if (from->failed || n < key->min || n > key->max || cur_left(from) / 2 < n)
		return false;
	list->items = calloc(n + 1, sizeof(list->items[0]));
	for (unsigned i = 0; list->items != NULL && i < n; i++) {
		struct str s;

		if (!conf_unpack_text(from, CONF_ITEM_MAX, &s) || !list_append(key, list, s))
			return false;
	}
	return list->items != NULL;
}

static json_t *list_print(const struct conf_key *key, const void *field)
{
	const struct conf_list *list = field;
	json_t                 *json = json_array();

	for (uint32_t i = 0; i < list->n; i++)
		json_array_append_new(json, json_string(list->items[i]));
	return json;
}

static bool list_given(const void *field)
{
	return ((const struct conf_list *)field)->n > 0;
}

#define LIST_TYPE(word)                                                                            \
	const struct conf_type conf_type_##word = {.name = #word,                                  \
						   .read = list_read,                              \
						   .pack = list_pack,                              \
						   .unpack = list_unpack,                          \
						   .print = list_print,                            \
						   .given = list_given,                            \
						   .clear = list_clear}
LIST_TYPE(LIST);
LIST_TYPE(PATTERNS);
LIST_TYPE(DOMAINS);
LIST_TYPE(SERVERS);

/* ---- VIA: [a, b] in fail-over order, or {a: 70, b: 30} with weights ---- */

static void via_clear(void *field)
{
	struct conf_via *via = field;

	free(via->items);
	*via = (struct conf_via){0, false, NULL};
}

static bool via_name(const struct conf_key *key, struct conf_via_item *item, struct str name,
		     unsigned line, struct conf_reading *r)
{
	if (name.n == 0 || !str_copy(item->name, sizeof(item->name), name)) {
		conf_reading_fault(r, line, key->name,
				   "'%.*s' is no name of a peer or account: 1 to %d characters",
				   (int)(name.n < 80 ? name.n : 80), name.p, CONF_NAME_SIZE - 1);
		return false;
	}
	return true;
}

static bool via_weight(const struct conf_key *key, struct conf_via_item *item,
		       const struct conf_node *node, struct conf_reading *r)
{
	unsigned weight = 0;

	for (size_t i = 0; node->kind == CONF_NODE_TEXT && i < node->text.n && weight <= 65535;
	     i++) {
		if (node->text.p[i] < '0' || node->text.p[i] > '9') {
			weight = 0;
			break;
		}
		weight = weight * 10 + (unsigned)(node->text.p[i] - '0');
	}
	if (weight == 0 || weight > 65535) {
		conf_reading_fault(r, node->line, key->name,
				   "the weight of '%s' is not a number of 1 to 65535", item->name);
		return false;
	}
	item->weight = (uint16_t)weight;
	return true;
}

static bool via_items(const struct conf_key *key, struct conf_via *via,
		      const struct conf_node *node, struct conf_reading *r)
{
	for (const struct conf_node *n = node->kind == CONF_NODE_TEXT ? node : node->first;
	     n != NULL; n = n->next) {
		struct conf_via_item *item = &via->items[via->n];
		struct str            name = via->weighted ? n->key : n->text;

		if (!via->weighted && n->kind != CONF_NODE_TEXT) {
			conf_reading_fault(
				r, n->line, key->name,
				"has an item that is no name; write [a, b] or {a: 70, b: 30}");
			return false;
		}
		if (!via_name(key, item, name, n->line, r) ||
		    (via->weighted && !via_weight(key, item, n, r)))
			return false;
		for (uint32_t i = 0; i < via->n; i++)
			if (strcmp(via->items[i].name, item->name) == 0) {
				conf_reading_fault(r, n->line, key->name,
						   "'%s' is named twice; name each target once",
						   item->name);
				return false;
			}
		via->n++;
		if (node->kind == CONF_NODE_TEXT)
			break;
	}
	return true;
}

static bool via_read(const struct conf_key *key, void *field, const struct conf_node *node,
		     struct conf_reading *r)
{
	struct conf_via via = {0, node->kind == CONF_NODE_MAP, NULL};
	unsigned        count = node->kind == CONF_NODE_TEXT ? 1 : node->count;

	if (count < key->min || count > key->max) {
		conf_fault_range(key, node, r);
		return false;
	}
	via.items = calloc(count, sizeof(via.items[0]));
	if (via.items == NULL || !via_items(key, &via, node, r)) {
		via_clear(&via);
		return false;
	}
	via_clear(field);
	*(struct conf_via *)field = via;
	return true;
}

static void via_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_via *via = field;

	put_u8(to, (uint8_t)via->n);
	put_u8(to, via->weighted);
	for (uint32_t i = 0; i < via->n; i++) {
		conf_pack_text(to, str_of(via->items[i].name));
		put_be16(to, via->items[i].weight);
	}
}

static bool via_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_via *via = field;
	unsigned         n = cur_u8(from), weighted = cur_u8(from);

	if (from->failed || n < key->min || n > key->max || weighted > 1)
		return false;
	via->weighted = weighted == 1;
	via->items = calloc(n, sizeof(via->items[0]));
	for (; via->items != NULL && via->n < n; via->n++) {
		struct conf_via_item *item = &via->items[via->n];
		struct str            name;

		if (!conf_unpack_text(from, CONF_NAME_SIZE - 1, &name) || name.n == 0)
			return false;
		str_copy(item->name, sizeof(item->name), name);
		item->weight = cur_be16(from);
		if (from->failed || (item->weight == 0) == via->weighted)
			return false;
	}
	return via->items != NULL;
}

static json_t *via_print(const struct conf_key *key, const void *field)
{
	const struct conf_via *via = field;
	json_t                *json = via->weighted ? json_object() : json_array();

	for (uint32_t i = 0; i < via->n; i++) {
		if (via->weighted)
			json_object_set_new(json, via->items[i].name,
					    json_integer(via->items[i].weight));
		else
			json_array_append_new(json, json_string(via->items[i].name));
	}
	return json;
}

static bool via_given(const void *field)
{
	return ((const struct conf_via *)field)->n > 0;
}

const struct conf_type conf_type_VIA = {.name = "VIA",
					.read = via_read,
					.pack = via_pack,
					.unpack = via_unpack,
					.print = via_print,
					.given = via_given,
					.clear = via_clear};

/* ---- TREE: any map, kept as canonical JSON ---- */

static void tree_clear(void *field)
{
	free(*(char **)field);
	*(char **)field = NULL;
}

static bool tree_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	json_t *json;
	char   *text;

	if (node->kind != CONF_NODE_MAP) {
		conf_reading_fault(r, node->line, key->name, "is no map; write {key: value}");
		return false;
	}
	json = conf_node_to_json(node);
	text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	if (text == NULL || strlen(text) > CONF_TREE_MAX) {
		conf_reading_fault(r, node->line, key->name,
				   "is too long; at most %u bytes as JSON", CONF_TREE_MAX);
		free(text);
		return false;
	}
	tree_clear(field);
	*(char **)field = text;
	return true;
}

static void tree_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const char *text = *(char *const *)field;

	conf_pack_text(to, str_of(text != NULL ? text : ""));
}

static bool tree_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct str s;

	if (!conf_unpack_text(from, CONF_TREE_MAX, &s))
		return false;
	*(char **)field = strndup(s.p, s.n);
	return *(char **)field != NULL;
}

static json_t *tree_print(const struct conf_key *key, const void *field)
{
	const char *text = *(char *const *)field;
	json_t     *json = text != NULL ? json_loads(text, 0, NULL) : NULL;

	return json != NULL ? json : json_null();
}

static bool tree_given(const void *field)
{
	const char *text = *(char *const *)field;

	return text != NULL && text[0] != '\0';
}

const struct conf_type conf_type_TREE = {.name = "TREE",
					 .read = tree_read,
					 .pack = tree_pack,
					 .unpack = tree_unpack,
					 .print = tree_print,
					 .given = tree_given,
					 .clear = tree_clear};
