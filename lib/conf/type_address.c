/* Types ADDRESS and PREFIXES. */
#include <arpa/inet.h>
#include <stdio.h>

#include "conf/type.h"

static bool address_parse(struct str s, struct conf_address *address)
{
	char text[INET6_ADDRSTRLEN];

	*address = (struct conf_address){.set = true};
	if (!str_copy(text, sizeof(text), s))
		return false;
	if (inet_pton(AF_INET, text, address->w) == 1)
		return true;
	address->ip6 = true;
	return inet_pton(AF_INET6, text, address->w) == 1;
}

static bool prefix_parse(struct str s, struct conf_address *address)
{
	const char *slash = memchr(s.p, '/', s.n);
	struct str  length;
	unsigned    prefix = 0;

	if (slash == NULL || !address_parse((struct str){s.p, (size_t)(slash - s.p)}, address))
		return false;
	length = str_skip(s, (size_t)(slash - s.p) + 1);
	for (size_t i = 0; i < length.n; i++) {
		if (length.p[i] < '0' || length.p[i] > '9')
			return false;
		prefix = prefix * 10 + (unsigned)(length.p[i] - '0');
	}
	address->prefix = (uint8_t)prefix;
	return length.n > 0 && length.n <= 3 && prefix <= (address->ip6 ? 128u : 32u);
}

static void address_text(const struct conf_address *a, char room[64])
{
	if (inet_ntop(a->ip6 ? AF_INET6 : AF_INET, a->w, room, 64) == NULL)
		room[0] = '\0';
}

static bool address_read(const struct conf_key *key, void *field, const struct conf_node *node,
			 struct conf_reading *r)
{
	struct conf_address address;

	if (!conf_node_is_text(key, node, r))
		return false;
	if (!address_parse(node->text, &address)) {
		conf_fault_range(key, node, r);
		return false;
	}
	*(struct conf_address *)field = address;
	return true;
}

static void address_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_address *a = field;

	put_u8(to, a->set);
	put_u8(to, a->ip6);
	put_u8(to, a->prefix);
	put_bytes(to, a->w, sizeof(a->w));
}

static bool address_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_address *a = field;
	uint8_t              set = cur_u8(from), ip6 = cur_u8(from), prefix = cur_u8(from);
	const uint8_t       *bytes = cur_bytes(from, sizeof(a->w));

	if (bytes == NULL || set > 1 || ip6 > 1 || prefix > (ip6 ? 128 : 32))
		return false;
	*a = (struct conf_address){.set = set == 1, .ip6 = ip6 == 1, .prefix = prefix};
	memcpy(a->w, bytes, sizeof(a->w));
	return true;
}

static json_t *address_print(const struct conf_key *key, const void *field)
{
	const struct conf_address *a = field;
	char                       room[64] = "";

	if (a->set)
		address_text(a, room);
	return json_string(room);
}

static bool address_given(const void *field)
{
	return ((const struct conf_address *)field)->set;
}

const struct conf_type conf_type_ADDRESS = {.name = "ADDRESS",
					    .read = address_read,
					    .pack = address_pack,
					    .unpack = address_unpack,
					    .print = address_print,
					    .given = address_given};

static bool prefixes_read(const struct conf_key *key, void *field, const struct conf_node *node,
			  struct conf_reading *r)
{
	struct conf_prefixes    list = {0};
	const struct conf_node *item = node->kind == CONF_NODE_TEXT ? node : node->first;
	unsigned                count = node->kind == CONF_NODE_TEXT ? 1 : node->count;

	if (node->kind == CONF_NODE_MAP || count < key->min || count > key->max) {
		conf_fault_range(key, node, r);
		return false;
	}
	for (; list.n < count; item = item->next) {
		if (item->kind != CONF_NODE_TEXT ||
		    !prefix_parse(item->text, &list.items[list.n])) {
			conf_reading_fault(r, item->line, key->name,
					   "'%.*s' is no address with prefix length, as in "
					   "198.18.0.1/24 or \"2001:2::1/64\"",
					   (int)(item->text.n < 80 ? item->text.n : 80),
					   item->kind == CONF_NODE_TEXT ? item->text.p : "");
			return false;
		}
		list.n++;
	}
	*(struct conf_prefixes *)field = list;
	return true;
}

static void prefixes_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_prefixes *list = field;

	put_u8(to, (uint8_t)list->n);
	for (uint32_t i = 0; i < list->n; i++)
		address_pack(key, &list->items[i], to);
}

static bool prefixes_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_prefixes *list = field;
	unsigned              n = cur_u8(from);

	if (from->failed || n > key->max)
		return false;
	for (; list->n < n; list->n++)
		if (!address_unpack(key, from, &list->items[list->n]))
			return false;
	return true;
}

static json_t *prefixes_print(const struct conf_key *key, const void *field)
{
	const struct conf_prefixes *list = field;
	json_t                     *json = json_array();

	for (uint32_t i = 0; i < list->n; i++) {
		char address[64], text[72];

		address_text(&list->items[i], address);
		snprintf(text, sizeof(text), "%s/%u", address, list->items[i].prefix);
		json_array_append_new(json, json_string(text));
	}
	return json;
}

static bool prefixes_given(const void *field)
{
	return ((const struct conf_prefixes *)field)->n > 0;
}

const struct conf_type conf_type_PREFIXES = {.name = "PREFIXES",
					     .read = prefixes_read,
					     .pack = prefixes_pack,
					     .unpack = prefixes_unpack,
					     .print = prefixes_print,
					     .given = prefixes_given};
