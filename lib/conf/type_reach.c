/* REACH: the protocols in which a subscriber registers, and sms, in the order in which they are
 * tried. Packed as a byte: 0 without an order, 1 for sms alone, else one more than the number of
 * words, which follow. */
#include "conf/protocol.h"
#include "conf/type.h"

#define PACKED_NONE 0u
#define PACKED_SMS 1u

static bool is_there(const struct conf_reach *reach, uint8_t word)
{
	return memchr(reach->words, word, reach->n) != NULL;
}

static bool reach_item(const struct conf_key *key, struct conf_reach *reach,
		       const struct conf_node *item, struct conf_reading *r)
{
	uint8_t word;

	if (item->kind != CONF_NODE_TEXT || !conf_reach_number(item->text, &word)) {
		conf_fault_range(key, item, r);
		return false;
	}
	if (is_there(reach, word)) {
		conf_reading_fault(r, item->line, key->name, "names '%.*s' twice; name each once",
				   STR_ARG(item->text));
		return false;
	}
	reach->words[reach->n++] = word;
	return true;
}

static bool reach_read(const struct conf_key *key, void *field, const struct conf_node *node,
		       struct conf_reading *r)
{
	struct conf_reach reach = {.n = 0};

	if (node->kind == CONF_NODE_TEXT) { /* one may stand alone */
		if (!reach_item(key, &reach, node, r))
			return false;
	} else if (node->kind == CONF_NODE_MAP || node->count > key->max) {
		conf_fault_range(key, node, r);
		return false;
	} else {
		for (const struct conf_node *item = node->first; item != NULL; item = item->next)
			if (!reach_item(key, &reach, item, r))
				return false;
	}
	*(struct conf_reach *)field = reach;
	return true;
}

static void reach_pack(const struct conf_key *key, const void *field, struct put *to)
{
	const struct conf_reach *reach = field;

	if (reach->n == 0) {
		put_u8(to, PACKED_NONE);
	} else if (reach->n == 1 && reach->words[0] == CONF_REACH_SMS) {
		put_u8(to, PACKED_SMS);
	} else {
		put_u8(to, reach->n + 1u);
		put_bytes(to, reach->words, reach->n);
	}
}

static bool reach_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct conf_reach *reach = field;
	unsigned           packed = cur_u8(from), n = packed > PACKED_SMS ? packed - 1u : 0;

	if (from->failed || n > key->max)
		return false;
	if (packed == PACKED_SMS)
		reach->words[reach->n++] = CONF_REACH_SMS;
	for (unsigned i = 0; i < n; i++) {
		uint8_t word = cur_u8(from);

		if (from->failed || is_there(reach, word))
			return false;
		reach->words[reach->n++] = word;
	}
	return n != 1 || reach->words[0] != CONF_REACH_SMS; /* there is one form of each */
}

static json_t *reach_print(const struct conf_key *key, const void *field)
{
	const struct conf_reach *reach = field;
	json_t                  *json = json_array();

	for (unsigned i = 0; i < reach->n; i++)
		json_array_append_new(json, json_string(conf_reach_word(reach->words[i])));
	return json;
}

const struct conf_type conf_type_REACH = {.name = "REACH",
					  .read = reach_read,
					  .pack = reach_pack,
					  .unpack = reach_unpack,
					  .print = reach_print};
