/* Maps of keys into structures: the same for YAML and JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conf/key.h"
#include "conf/node.h"
#include "conf/protocol.h"

/* Keys that somebody may look for and that are not in this version, or elsewhere: an answer that
 * helps more than "unknown". */
static const struct {
	enum conf_section section;
	const char       *key, *text;
} later[] = {
	{CONF_SECTION_listener, "tls", "TLS is not in this version; leave it out"},
	{CONF_SECTION_control, "http",
	 "the API over TCP is not in this version; leave it out and use the Unix socket"},
	{CONF_SECTION_account, "tls", "TLS is not in this version; leave it out"},
	{CONF_SECTION_peer, "tls", "TLS is not in this version; leave it out"},
	{CONF_SECTION_peer, "domains",
	 "domains lead to a peer by routes; write a route to \"sip:*@DOMAIN\" via this peer"},
};

/* Members that are no keys but parts of their own, read by file.c. */
static const struct {
	enum conf_section section;
	const char       *word;
} parts[] = {
	{CONF_SECTION_cpm, "dataplane"},     {CONF_SECTION_cpm, "listeners"},
	{CONF_SECTION_cpm, "control"},       {CONF_SECTION_cpm, "hosts"},
	{CONF_SECTION_dataplane, "ports"},   {CONF_SECTION_cpm, "stir"},
	{CONF_SECTION_stir, "certificates"},
};

static bool is_part(enum conf_section section, struct str word)
{
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].section == section && str_eq(word, str_of(parts[i].word)))
			return true;
	return false;
}

static void fault_unknown(enum conf_section section, const struct conf_node *member,
			  struct conf_reading *r)
{
	const char            *names[64];
	unsigned               n;
	const struct conf_key *key = conf_keys(section, &n);
	char                   word[64];
	const char            *near;

	str_copy(word, sizeof(word), member->key);
	for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (later[i].section == section && strcmp(later[i].key, word) == 0) {
			conf_reading_fault(r, member->key_line, word, "%s", later[i].text);
			return;
		}
	ASSERT(n + sizeof(parts) / sizeof(parts[0]) <= sizeof(names) / sizeof(names[0]));
	for (unsigned i = 0; i < n; i++)
		names[i] = key[i].name;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].section == section)
			names[n++] = parts[i].word;
	near = conf_nearest(member->key, names, n);
	if (near != NULL)
		conf_reading_fault(r, member->key_line, word, "unknown key; did you mean '%s'?",
				   near);
	else
		conf_reading_fault(r, member->key_line, word,
				   "unknown key; its keys are %s, %s, %s ...", names[0],
				   names[n > 1 ? 1 : 0], names[n > 2 ? 2 : 0]);
}

bool conf_read_map(enum conf_section section, void *object, const struct conf_node *map,
		   struct conf_reading *r)
{
	bool good = true, protocol_good = true;

	for (const struct conf_node *member = map->first; member != NULL; member = member->next) {
		const struct conf_key *key = conf_key_find(section, member->key);
		bool read = key == NULL || key->type->read(key, conf_field(key, object), member, r);

		good = good && read;
		if (key != NULL && conf_type_is_protocol(key->type))
			protocol_good = read;
		if (key != NULL || is_part(section, member->key))
			continue;
		fault_unknown(section, member, r);
		good = false;
	}
	return (!protocol_good || conf_check_protocol(section, object, map, r)) && good;
}

bool conf_check_required(enum conf_section section, const void *object, unsigned line,
			 struct conf_reading *r)
{
	unsigned               n;
	const struct conf_key *keys = conf_keys(section, &n);
	bool                   good = true;

	for (unsigned i = 0; i < n; i++) {
		if (!conf_key_required(&keys[i]) || keys[i].type->given == NULL ||
		    keys[i].type->given(conf_field_read(&keys[i], object)) ||
		    conf_needs_not(&keys[i], object))
			continue;
		char range[512];

		conf_key_range(&keys[i], range, sizeof(range));
		conf_reading_fault(r, line, keys[i].name, "is missing; write %s", range);
		good = false;
	}
	return conf_check_link(section, object, line, r) && good;
}

static void words_range(const struct conf_key *key, char *room, size_t size)
{
	const char *const *words = conf_key_words(key);
	size_t             at = 0;

	room[0] = '\0';
	for (unsigned i = 0; words != NULL && words[i] != NULL && at < size; i++)
		at += (size_t)snprintf(room + at, size - at, "%s%s",
				       i == 0                 ? ""
				       : words[i + 1] == NULL ? " or "
							      : ", ",
				       words[i]);
}

/* Of SET_LANGUAGE and REACH. */
static void list_of_words_range(const struct conf_key *key, char *room, size_t size)
{
	char words[192];

	words_range(key, words, sizeof(words));
	snprintf(room, size, "a list of %s%s", words,
		 key->type == &conf_type_REACH ? ", each at most once" : "");
}

void conf_key_range(const struct conf_key *key, char *room, size_t size)
{
	unsigned long long min = key->min, max = key->max;

	if (key->type == &conf_type_UINT)
		snprintf(room, size, "a number of %llu to %llu", min, max);
	else if (key->type == &conf_type_BOOL)
		snprintf(room, size, "true or false");
	else if (key->type == &conf_type_NAME || key->type == &conf_type_TARGET)
		snprintf(room, size, "a name of %llu to %llu letters, digits, '.', '_' or '-'", min,
			 max);
	else if (key->type == &conf_type_TEXT || key->type == &conf_type_SECRET)
		snprintf(room, size, "a text of %llu to %llu characters", min, max);
	else if (key->type == &conf_type_DESTINATION)
		snprintf(room, size,
			 "\"+4670\" for a prefix of up to 15 digits, \"=71234\" for one number, "
			 "\"sip:*@ims.example\" for a domain or \"=sip:alice@example.org\" for one "
			 "user; at most %llu characters",
			 max);
	else if (key->type == &conf_type_NUMBER)
		snprintf(room, size,
			 "\"+46701234567\" for a number of E.164 or \"71234\" for a short one, of "
			 "up to "
			 "15 digits");
	else if (key->type == &conf_type_AOR_SIP)
		snprintf(room, size,
			 "an address of record as in \"sip:alice@example.org\", of up to %llu "
			 "characters",
			 max);
	else if (key->type == &conf_type_AOR_XMPP)
		snprintf(room, size,
			 "an address as in \"alice@example.org\", of up to %llu characters", max);
	else if (key->type == &conf_type_DOMAIN)
		snprintf(room, size, "a domain name as in example.org, of up to %llu characters",
			 max);
	else if (key->type == &conf_type_HOST)
		snprintf(room, size, "an IPv4 or IPv6 address, or a name");
	else if (key->type == &conf_type_LIST || key->type == &conf_type_PATTERNS)
		snprintf(room, size, "a list of %llu to %llu texts, as in [a, b]", min, max);
	else if (key->type == &conf_type_DOMAINS)
		snprintf(room, size, "a list of up to %llu domain names, as in [example.org]", max);
	else if (key->type == &conf_type_SERVERS)
		snprintf(room, size,
			 "a list of up to %llu addresses of servers, as in [198.51.100.1]", max);
	else if (key->type == &conf_type_SET_TRANSPORT)
		snprintf(room, size, "a list of udp and tcp, or one of them");
	else if (key->type == &conf_type_REACH || key->type == &conf_type_SET_LANGUAGE)
		list_of_words_range(key, room, size);
	else if (key->type == &conf_type_ADDRESS)
		snprintf(room, size, "an IPv4 or IPv6 address");
	else if (key->type == &conf_type_PREFIXES)
		snprintf(room, size,
			 "a list of %llu to %llu addresses with prefix length, as in "
			 "[198.18.0.1/24]",
			 min, max);
	else if (key->type == &conf_type_VIA)
		snprintf(room, size,
			 "%llu to %llu targets: [a, b] in fail-over order or {a: 70, b: 30} with "
			 "weights",
			 min, max);
	else if (key->type == &conf_type_TREE)
		snprintf(room, size, "a map, as in {key: value}");
	else
		words_range(key, room, size);
}
