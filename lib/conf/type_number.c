/* Types that are a number: UINT, BOOL, the ENUMs. */
#include <assert.h>
#include <stdio.h>

#include "base/assert.h"
#include "conf/protocol.h"
#include "conf/type.h"

static const char *const *words_of(const struct conf_type *type)
{
	return conf_type_is_protocol(type) ? conf_protocol_words() : type->words;
}

const char *const *conf_key_words(const struct conf_key *key)
{
	if (key->type == &conf_type_ENUM_LOGIN)
		return conf_login_words();
	if (key->type == &conf_type_REACH)
		return conf_reach_words();
	return words_of(key->type);
}

static bool uint_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	uint64_t value = 0;
	bool     good = node->text.n > 0 && node->text.n <= 10;

	if (!conf_node_is_text(key, node, r))
		return false;
	for (size_t i = 0; i < node->text.n && good; i++) {
		good = node->text.p[i] >= '0' && node->text.p[i] <= '9';
		value = value * 10 + (uint64_t)(node->text.p[i] - '0');
	}
	if (!good || value < key->min || value > key->max) {
		conf_fault_range(key, node, r);
		return false;
	}
	*(uint32_t *)field = (uint32_t)value;
	return true;
}

static void uint_pack(const struct conf_key *key, const void *field, struct put *to)
{
	put_be32(to, *(const uint32_t *)field);
}

static bool uint_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	uint32_t value = cur_be32(from);

	*(uint32_t *)field = value;
	return !from->failed && value >= key->min && value <= key->max;
}

static json_t *uint_print(const struct conf_key *key, const void *field)
{
	return json_integer(*(const uint32_t *)field);
}

const struct conf_type conf_type_UINT = {.name = "UINT",
					 .read = uint_read,
					 .pack = uint_pack,
					 .unpack = uint_unpack,
					 .print = uint_print};

static bool bool_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	if (!conf_node_is_text(key, node, r))
		return false;
	if (!str_eq(node->text, STR("true")) && !str_eq(node->text, STR("false"))) {
		conf_fault_range(key, node, r);
		return false;
	}
	*(bool *)field = str_eq(node->text, STR("true"));
	return true;
}

static void bool_pack(const struct conf_key *key, const void *field, struct put *to)
{
	put_u8(to, *(const bool *)field);
}

static bool bool_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	uint8_t value = cur_u8(from);

	*(bool *)field = value == 1;
	return !from->failed && value <= 1;
}

static json_t *bool_print(const struct conf_key *key, const void *field)
{
	return json_boolean(*(const bool *)field);
}

const struct conf_type conf_type_BOOL = {.name = "BOOL",
					 .read = bool_read,
					 .pack = bool_pack,
					 .unpack = bool_unpack,
					 .print = bool_print};

/* A word of the type that this key does not take, or not yet. True: that was said. */
static bool fault_word(const struct conf_key *key, const struct conf_node *node,
		       struct conf_reading *r)
{
	struct str word = node->text;

	if (key->type == &conf_type_ENUM_MODE && str_eq(word, STR("store")))
		conf_reading_fault(r, node->line, key->name,
				   "'store' needs the durable spool, which is not in this version; "
				   "write transaction: answered when the next hop has answered");
	else if (conf_type_is_protocol(key->type) &&
		 (str_eq(word, STR("sip")) || str_eq(word, STR("xmpp"))))
		conf_reading_fault(r, node->line, key->name,
				   "'%s' is not in this version; leave it out", word.p);
	else
		return false;
	return true;
}

static bool enum_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	const char *const *words = words_of(key->type);

	ASSERT(words != NULL); /* conf_protocols_set() comes first */
	if (!conf_node_is_text(key, node, r))
		return false;
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (!str_eq(node->text, str_of(words[i])))
			continue;
		if (key->type == &conf_type_ENUM_LOGIN && !conf_protocol_has_accounts(i)) {
			conf_reading_fault(r, node->line, key->name,
					   "%s has no accounts; who uses it is a subscriber, so "
					   "make one: `subscribers: - {address: ..., %s: ..., "
					   "password: ...}`",
					   words[i], words[i]);
			return false;
		}
		*(uint8_t *)field = (uint8_t)(key->type->first + i);
		return true;
	}
	if (!fault_word(key, node, r))
		conf_fault_range(key, node, r);
	return false;
}

static void enum_pack(const struct conf_key *key, const void *field, struct put *to)
{
	put_u8(to, *(const uint8_t *)field);
}

/* Protocols are told apart by their index alone: whoever unpacks need not know their names. */
static bool enum_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	unsigned value = cur_u8(from), words = 0;

	*(uint8_t *)field = (uint8_t)value;
	if (conf_type_is_protocol(key->type))
		return !from->failed;
	while (key->type->words[words] != NULL)
		words++;
	return !from->failed && value >= key->type->first && value < key->type->first + words;
}

static json_t *enum_print(const struct conf_key *key, const void *field)
{
	const char *const *words = words_of(key->type);
	unsigned           i = 0;

	ASSERT(words != NULL);
	while (words[i] != NULL && i + key->type->first < *(const uint8_t *)field)
		i++;
	return json_string(words[i] != NULL ? words[i] : "unknown");
}

static bool enum_given(const void *field)
{
	return *(const uint8_t *)field != CONF_ENUM_NONE;
}

#define TRANSPORT_WORDS "udp", "tcp"

#define ENUM_TYPE(word, first_, ...)                                                               \
	const struct conf_type conf_type_ENUM_##word = {                                           \
		.name = "ENUM_" #word,                                                             \
		.words = (const char *const[]){__VA_ARGS__, NULL},                                 \
		.first = (first_),                                                                 \
		.read = enum_read,                                                                 \
		.pack = enum_pack,                                                                 \
		.unpack = enum_unpack,                                                             \
		.print = enum_print,                                                               \
		.given = enum_given}

ENUM_TYPE(PROTOCOL, 0, NULL);
ENUM_TYPE(LOGIN, 0, NULL);
ENUM_TYPE(HUGEPAGES, CONF_HUGEPAGES_AUTO, "auto", "required", "off");
ENUM_TYPE(IDLE, CONF_IDLE_AUTO, "auto", "poll", "sleep");
ENUM_TYPE(BIND, CONF_BIND_ANY, "any", "transmitter", "receiver", "transceiver");
ENUM_TYPE(MODE, CONF_MODE_DATAGRAM, "datagram", "transaction");
ENUM_TYPE(ALPHABET, CONF_ALPHABET_GSM7, "gsm7", "ascii", "latin1");
ENUM_TYPE(LINK, LINK_CLIENT, "client", "component", "server");
ENUM_TYPE(TRANSPORT, TRANSPORT_UDP, TRANSPORT_WORDS);
ENUM_TYPE(AUTHENTICATION, CONF_AUTHENTICATION_NONE, "none", "digest", "digest-md5");
ENUM_TYPE(FAULT, CONF_FAULT_BOTH, "both", "rx", "tx");
ENUM_TYPE(LARGE, CONF_LARGE_MESSAGE, "message", "msrp");
ENUM_TYPE(BODY, CONF_BODY_AUTO, "auto", "text", "cpim", "sms");
ENUM_TYPE(ATTEST, CONF_ATTEST_NONE, "none", "A", "B", "C");
ENUM_TYPE(IDS, CONF_IDS_AUTO, "auto", "decimal", "hexadecimal", "as_is");

/* ---- SET_TRANSPORT, SET_IDENTITY and SET_LANGUAGE: words as bits, the first at 1 << first ---- */

static bool is_languages(const struct conf_key *key)
{
	return key->type == &conf_type_SET_LANGUAGE;
}

static unsigned set_bits(const struct conf_key *key, const void *field)
{
	return is_languages(key) ? *(const uint16_t *)field : *(const uint8_t *)field;
}

static void set_put(const struct conf_key *key, void *field, unsigned bits)
{
	if (is_languages(key))
		*(uint16_t *)field = (uint16_t)bits;
	else
		*(uint8_t *)field = (uint8_t)bits;
}

static bool set_item(const struct conf_key *key, unsigned *bits, const struct conf_node *item,
		     struct conf_reading *r)
{
	const char *const *words = key->type->words;

	for (unsigned i = 0; item->kind == CONF_NODE_TEXT && words[i] != NULL; i++) {
		if (str_eq(item->text, str_of(words[i]))) {
			*bits |= 1u << (key->type->first + i);
			return true;
		}
	}
	conf_fault_range(key, item, r);
	return false;
}

static bool set_read(const struct conf_key *key, void *field, const struct conf_node *node,
		     struct conf_reading *r)
{
	unsigned bits = 0;

	if (node->kind == CONF_NODE_TEXT) { /* one may stand alone */
		if (!set_item(key, &bits, node, r))
			return false;
	} else if (node->kind == CONF_NODE_MAP || node->count < key->min) {
		conf_fault_range(key, node, r);
		return false;
	} else {
		for (const struct conf_node *item = node->first; item != NULL; item = item->next)
			if (!set_item(key, &bits, item, r))
				return false;
	}
	set_put(key, field, bits);
	return true;
}

static void set_pack(const struct conf_key *key, const void *field, struct put *to)
{
	if (is_languages(key))
		put_be16(to, (uint16_t)set_bits(key, field));
	else
		put_u8(to, (uint8_t)set_bits(key, field));
}

static bool set_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	unsigned bits = is_languages(key) ? cur_be16(from) : cur_u8(from), known = 0;

	for (unsigned i = 0; key->type->words[i] != NULL; i++)
		known |= 1u << (key->type->first + i);
	set_put(key, field, bits);
	return !from->failed && (bits & ~known) == 0;
}

static json_t *set_print(const struct conf_key *key, const void *field)
{
	const char *const *words = key->type->words;
	unsigned           bits = set_bits(key, field);
	json_t            *json = json_array();

	for (unsigned i = 0; words[i] != NULL; i++)
		if ((bits & 1u << (key->type->first + i)) != 0)
			json_array_append_new(json, json_string(words[i]));
	return json;
}

const struct conf_type conf_type_SET_TRANSPORT = {
	.name = "SET_TRANSPORT",
	.words = (const char *const[]){TRANSPORT_WORDS, NULL},
	.first = TRANSPORT_UDP,
	.read = set_read,
	.pack = set_pack,
	.unpack = set_unpack,
	.print = set_print};

const struct conf_type conf_type_SET_IDENTITY = {
	.name = "SET_IDENTITY",
	.words = (const char *const[]){"sign", "verify", "require", NULL},
	.read = set_read,
	.pack = set_pack,
	.unpack = set_unpack,
	.print = set_print};

static_assert(CONF_IDENTITY_SIGN == 1 && CONF_IDENTITY_VERIFY == 2 && CONF_IDENTITY_REQUIRE == 4,
	      "a bit each, in the order of the words");

static const char *const languages[] = {
#define LANGUAGE(name, word) word,
#include "base/languages.def"
#undef LANGUAGE
	NULL};

static_assert(sizeof(languages) / sizeof(languages[0]) <= 16, "a bit each, from 1 on");

const struct conf_type conf_type_SET_LANGUAGE = {.name = "SET_LANGUAGE",
						 .words = languages,
						 .first = 1,
						 .read = set_read,
						 .pack = set_pack,
						 .unpack = set_unpack,
						 .print = set_print};
