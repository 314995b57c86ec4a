#include "conf/protocol.h"

#include <stdio.h>

#include "base/assert.h"
#include "conf/conf.h"

static const struct conf_protocol *protocols;
static unsigned                    protocol_count;
static const char                 *protocol_words[CONF_PROTOCOLS_MAX + 1];
static const char                 *login_words[CONF_PROTOCOLS_MAX + 1];
static const char                 *reach_words[CONF_PROTOCOLS_MAX + 2];
static const char                 *reached_protocols[CONF_PROTOCOLS_MAX];

static const char reach_sms[] = "sms";

void conf_protocols_set(const struct conf_protocol list[], unsigned n)
{
	unsigned logins = 0, reached = 0;

	ASSERT(n <= CONF_PROTOCOLS_MAX);
	protocols = list;
	protocol_count = n;
	for (unsigned i = 0; i < n; i++)
		protocol_words[i] = list[i].name;
	protocol_words[n] = NULL;
	for (unsigned i = 0; i < n; i++)
		if ((list[i].users & CONF_ACCOUNTS) != 0)
			login_words[logins++] = list[i].name;
	login_words[logins] = NULL;
	for (unsigned i = 0; i < n; i++) {
		reached_protocols[i] =
			(list[i].users & CONF_SUBSCRIBERS) != 0 ? list[i].name : NULL;
		if (reached_protocols[i] != NULL)
			reach_words[reached++] = list[i].name;
	}
	reach_words[reached++] = reach_sms;
	reach_words[reached] = NULL;
}

const char *const *conf_protocol_words(void)
{
	return protocols != NULL ? protocol_words : NULL;
}

const char *const *conf_login_words(void)
{
	return protocols != NULL ? login_words : NULL;
}

const char *const *conf_reached_protocols(void)
{
	return reached_protocols;
}

const char *const *conf_reach_words(void)
{
	return protocols != NULL ? reach_words : NULL;
}

bool conf_reach_number(struct str word, uint8_t *number)
{
	*number = CONF_REACH_SMS;
	if (str_eq(word, str_of(reach_sms)))
		return true;
	for (unsigned i = 0; i < protocol_count; i++) {
		*number = (uint8_t)i;
		if (reached_protocols[i] != NULL && str_eq(word, str_of(reached_protocols[i])))
			return true;
	}
	return false;
}

const char *conf_reach_word(uint8_t number)
{
	if (number == CONF_REACH_SMS)
		return reach_sms;
	return number < protocol_count ? protocols[number].name : "unknown";
}

bool conf_protocol_has_accounts(unsigned protocol)
{
	return protocol < protocol_count && (protocols[protocol].users & CONF_ACCOUNTS) != 0;
}

const char *conf_protocol_service(unsigned protocol)
{
	return protocol < protocol_count ? protocols[protocol].service : NULL;
}

uint16_t conf_protocol_port(unsigned protocol)
{
	return protocol < protocol_count ? protocols[protocol].port : 0;
}

/* The protocol of an object; NULL: its section has none, or it is not known yet. */
static const struct conf_protocol *protocol_of(enum conf_section section, const void *object)
{
	const struct conf_key *key = conf_key_find(section, STR("protocol"));
	uint8_t                number;

	if (key == NULL)
		return NULL;
	number = *(const uint8_t *)conf_field_read(key, object);
	return number < protocol_count ? &protocols[number] : NULL;
}

static bool has_key(const struct conf_protocol *p, const struct conf_key *key)
{
	struct str name = str_of(p->name);

	for (const char *at = key->protocols; at != NULL; at = strchr(at, ' ')) {
		at += at[0] == ' ';
		if (str_eq(name, (struct str){at, strcspn(at, " ")}))
			return true;
	}
	return key->protocols == NULL;
}

bool conf_key_applies(const struct conf_key *key, const void *object)
{
	const struct conf_protocol *p = protocol_of(key->section, object);

	return p == NULL || has_key(p, key);
}

void conf_key_protocols(const struct conf_key *key, char *room, size_t size)
{
	size_t n = 0;

	room[0] = '\0';
	for (const char *at = key->protocols; at != NULL; at = strchr(at, ' ')) {
		at += at[0] == ' ';
		if (n < size)
			n += (size_t)snprintf(room + n, size - n, "%s%.*s", n > 0 ? " and " : "",
					      (int)strcspn(at, " "), at);
	}
}

static bool check_keys(const struct conf_protocol *p, enum conf_section section,
		       const struct conf_node *map, struct conf_reading *r)
{
	bool good = true;

	for (const struct conf_node *member = map->first; member != NULL; member = member->next) {
		const struct conf_key *key = conf_key_find(section, member->key);
		char                   have[128];

		if (key == NULL || has_key(p, key))
			continue;
		conf_key_protocols(key, have, sizeof(have));
		conf_reading_fault(r, member->key_line, key->name,
				   "is a key of %s, and this is %s; leave it out", have, p->name);
		good = false;
	}
	return good;
}

/* What was the other protocol's goes back to its default. */
static bool reset_keys(const struct conf_protocol *p, enum conf_section section, void *object)
{
	unsigned               n;
	const struct conf_key *keys = conf_keys(section, &n);

	for (unsigned i = 0; i < n; i++)
		if (!has_key(p, &keys[i]) && !conf_key_default(&keys[i], object))
			return false;
	return true;
}

static void transports_text(unsigned bits, char room[32])
{
	const char *const *words = conf_type_ENUM_TRANSPORT.words;
	int                n = 0;

	room[0] = '\0';
	for (unsigned i = 0; words[i] != NULL; i++)
		if ((bits & TRANSPORT_BIT(i)) != 0)
			n += snprintf(room + n, 32 - (size_t)n, "%s%s", n > 0 ? " or " : "",
				      words[i]);
}

static bool check_transport(const struct conf_protocol *p, const struct conf_key *key,
			    uint8_t *field, const struct conf_node *given, struct conf_reading *r)
{
	bool     set = key->type == &conf_type_SET_TRANSPORT;
	unsigned bits = set ? *field : TRANSPORT_BIT(*field), wrong = bits & ~p->transports;
	char     bad[32], good[32];

	if (wrong == 0 && (bits != 0 || given != NULL))
		return true;
	if (given == NULL) {
		*field = set ? p->transports : (uint8_t)__builtin_ctz(p->transports);
		return true;
	}
	transports_text(wrong, bad);
	transports_text(p->transports, good);
	conf_reading_fault(r, given->line, key->name, "'%s' is no transport of %s; write %s", bad,
			   p->name, good);
	return false;
}

bool conf_check_protocol(enum conf_section section, void *object, const struct conf_node *map,
			 struct conf_reading *r)
{
	const struct conf_protocol *p = protocol_of(section, object);
	const struct conf_key      *transport = conf_key_find(section, STR("transport"));
	bool                        good;

	if (p == NULL)
		return true;
	good = check_keys(p, section, map, r);
	if (conf_node_member(map, "protocol") != NULL)
		good = reset_keys(p, section, object) && good;
	if (transport != NULL)
		good = check_transport(p, transport, conf_field(transport, object),
				       conf_node_member(map, "transport"), r) &&
		       good;
	return good;
}

/* ---- links ---- */

bool conf_needs_not(const struct conf_key *key, const void *object)
{
	return key->section == CONF_SECTION_peer && str_eq(str_of(key->name), STR("host")) &&
	       conf_peer_is_open(object);
}

/* Of a peer that stands for all servers, and of the keys that it alone has. */
static bool check_open(const struct conf_peer *p, unsigned line, struct conf_reading *r)
{
	bool every = p->domain[0] == '*', good = true;

	if (every && p->link != LINK_SERVER) {
		conf_reading_fault(r, line, "domain",
				   "'*' is not for components; write the domain that the server "
				   "has given us, as in sms.example.org");
		good = false;
	}
	if (conf_peer_is_open(p) && p->host[0] != '\0') {
		conf_reading_fault(r, line, "host",
				   "is not for domain '*', whose servers are found by DNS; leave "
				   "it out");
		good = false;
	}
	if (!every && p->except.n > 0) {
		conf_reading_fault(r, line, "except", "is for domain '*' alone; leave it out");
		good = false;
	}
	return good;
}

static bool check_peer(const struct conf_peer *p, unsigned line, struct conf_reading *r)
{
	bool good = true;

	if (p->link == LINK_CLIENT) {
		conf_reading_fault(r, line, "link",
				   "is missing, or 'client', as which we log in nowhere; write "
				   "component or server");
		return false;
	}
	if (p->domain[0] == '\0') {
		conf_reading_fault(r, line, "domain", "is missing; write %s",
				   p->link == LINK_SERVER
					   ? "the domain of the server, as in chat.example"
					   : "the domain that the server has given us, as in "
					     "sms.example.org");
		good = false;
	}
	if (p->link == LINK_COMPONENT && p->password.form == CONF_SECRET_NONE) {
		conf_reading_fault(
			r, line, "password",
			"is missing; write the one that the server has for the component");
		good = false;
	}
	good = check_open(p, line, r) && good;
	if (p->connections > 1) {
		conf_reading_fault(r, line, "connections",
				   "%u streams would each end the one before; write 1, or leave it "
				   "out",
				   p->connections);
		good = false;
	}
	return good;
}

bool conf_check_link(enum conf_section section, const void *object, unsigned line,
		     struct conf_reading *r)
{
	const struct conf_protocol *p = protocol_of(section, object);
	const struct conf_key      *key = conf_key_find(
		     section, section == CONF_SECTION_account ? STR("domain") : STR("link"));
	const struct conf_listener *l = object;

	if (p == NULL || key == NULL || !has_key(p, key))
		return true;
	if (section == CONF_SECTION_peer)
		return check_peer(object, line, r);
	if (section == CONF_SECTION_account &&
	    ((const struct conf_account *)object)->domain[0] == '\0')
		conf_reading_fault(
			r, line, "domain",
			"is missing; write that of the component, as in bot.example.org; "
			"a chat client is a subscriber instead");
	else if (section == CONF_SECTION_listener && l->link == LINK_COMPONENT && l->domains.n > 0)
		conf_reading_fault(r, line, "domains",
				   "is not for components, each of which has the domain of its "
				   "account; leave it out");
	else
		return true;
	return false;
}
