#include "conf/key.h"

#include "base/assert.h"
#include "conf/conf.h"

#define REQUIRED CONF_REQUIRED

static const struct conf_key keys[] = {
#define KEY_OF(protocols_, section_, name_, type_, min_, max_, default_, when_, help_)             \
	{.name = #name_,                                                                           \
	 .protocols = (protocols_),                                                                \
	 .default_text = (default_),                                                               \
	 .help = (help_),                                                                          \
	 .type = &conf_type_##type_,                                                               \
	 .offset = offsetof(struct conf_##section_, name_),                                        \
	 .size = sizeof(((struct conf_##section_ *)NULL)->name_),                                  \
	 .min = (min_),                                                                            \
	 .max = (max_),                                                                            \
	 .section = CONF_SECTION_##section_,                                                       \
	 .when = CONF_##when_},
#define KEY(...) KEY_OF(NULL, __VA_ARGS__)
#include "conf/keys.def"
#undef KEY
};

static const char *const section_names[CONF_SECTION_COUNT] = {
	"cpm",     "dataplane", "port",  "listener", "stir",       "certificate", "control",
	"account", "peer",      "route", "rule",     "subscriber", "fault",
};

static const struct {
	enum conf_section section;
	size_t            size;
} kinds[CONF_KIND_COUNT] = {
	[CONF_ACCOUNT] = {CONF_SECTION_account, sizeof(struct conf_account)},
	[CONF_PEER] = {CONF_SECTION_peer, sizeof(struct conf_peer)},
	[CONF_ROUTE] = {CONF_SECTION_route, sizeof(struct conf_route)},
	[CONF_RULE] = {CONF_SECTION_rule, sizeof(struct conf_rule)},
	[CONF_SUBSCRIBER] = {CONF_SECTION_subscriber, sizeof(struct conf_subscriber)},
};

const struct conf_key *conf_keys(enum conf_section section, unsigned *n)
{
	const unsigned count = sizeof(keys) / sizeof(keys[0]);
	unsigned       first = 0;

	while (first < count && keys[first].section != section)
		first++;
	*n = 0;
	while (first + *n < count && keys[first + *n].section == section)
		++*n;
	return &keys[first];
}

const struct conf_key *conf_key_find(enum conf_section section, struct str name)
{
	unsigned               n;
	const struct conf_key *key = conf_keys(section, &n);

	for (unsigned i = 0; i < n; i++)
		if (str_eq(name, str_of(key[i].name)))
			return &key[i];
	return NULL;
}

const char *conf_section_name(enum conf_section section)
{
	ASSERT(section < CONF_SECTION_COUNT);
	return section_names[section];
}

enum conf_section conf_kind_section(enum conf_kind kind)
{
	ASSERT(kind < CONF_KIND_COUNT);
	return kinds[kind].section;
}

const char *conf_kind_name(enum conf_kind kind)
{
	return conf_section_name(conf_kind_section(kind));
}

size_t conf_object_size(enum conf_kind kind)
{
	ASSERT(kind < CONF_KIND_COUNT);
	return kinds[kind].size;
}
