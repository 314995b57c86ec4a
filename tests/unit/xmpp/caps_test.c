/* The hash of what we can (XEP-0115), as a client computes it from what we say when asked. */
#include "client.h"

#include <openssl/evp.h>

static int by_bytes(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The value of an attribute of the tag at `at`; empty: it has none. */
static void value_of(const char *at, const char *name, char room[128])
{
	char        begin[40];
	const char *end = strchr(at, '>');
	const char *value;

	snprintf(begin, sizeof(begin), " %s=\"", name);
	value = strstr(at, begin);
	room[0] = '\0';
	if (value == NULL || value > end)
		return;
	value += strlen(begin);
	snprintf(room, 128, "%.*s", (int)strcspn(value, "\""), value);
}

/* The verification string (5.1): identities, then features, each sorted by their bytes. */
static void verification(const char *info, char *room, size_t size)
{
	char        entries[64][512];
	unsigned    count = 0, features;
	const char *at;

	for (at = strstr(info, "<identity"); at != NULL; at = strstr(at + 1, "<identity")) {
		char category[128], type[128], lang[128], name[128];

		value_of(at, "category", category);
		value_of(at, "type", type);
		value_of(at, "xml:lang", lang);
		value_of(at, "name", name);
		snprintf(entries[count++], sizeof(entries[0]), "%s/%s/%s/%s", category, type, lang,
			 name);
	}
	features = count;
	for (at = strstr(info, "<feature"); at != NULL; at = strstr(at + 1, "<feature"))
		value_of(at, "var", entries[count++]);
	assert_in_range(features, 1, 8);
	assert_in_range(count - features, 8, 50);
	qsort(entries[0], features, sizeof(entries[0]), by_bytes);
	qsort(entries[features], count - features, sizeof(entries[0]), by_bytes);
	room[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		assert_true(i == 0 || strcmp(entries[i - 1], entries[i]) != 0);
		assert_in_range(strlen(room) + strlen(entries[i]) + 2, 1, size);
		strcat(strcat(room, entries[i]), "<");
	}
}

/* The rest of it, where there is a form (XEP-0004): its type, then each field with its values,
 * sorted likewise. */
static void form_verification(const char *info, char *room, size_t size)
{
	char        values[2 * PROTO_CONTACTS_MAX][128], var[128];
	char        before[128] = "";
	const char *at = strstr(info, "<x xmlns=\"jabber:x:data\" type=\"result\">");

	for (; at != NULL && (at = strstr(at, "<field")) != NULL; at++) {
		const char *end = strstr(at, "</field>");
		unsigned    count = 0;

		value_of(at, "var", var);
		for (const char *v = strstr(at, "<value>"); v != NULL && v < end;
		     v = strstr(v + 1, "<value>"))
			snprintf(values[count++], sizeof(values[0]), "%.*s",
				 (int)strcspn(v + 7, "<"), v + 7);
		qsort(values[0], count, sizeof(values[0]), by_bytes);
		assert_in_range(strlen(room) + (count + 1) * sizeof(values[0]), 1, size);
		if (strcmp(var, "FORM_TYPE") != 0) {
			assert_true(strcmp(before, var) < 0);
			strcat(strcat(room, var), "<");
			strcpy(before, var);
		}
		for (unsigned i = 0; i < count; i++)
			strcat(strcat(room, values[i]), "<");
	}
}

static void our_hash_is_of_what_we_say_when_asked(void **state)
{
	struct client *c = client_new();
	char           ver[128], node[128], text[8192], ask[512];
	uint8_t        digest[20], expected[64];
	unsigned       n;
	const char    *sent, *caps;

	client_open(c);
	client_says(c, CLIENT_HEAD);
	assert_true(client_authenticates(c, "alice", "secret"));
	client_sent(c);
	client_says(c, CLIENT_HEAD);
	caps = strstr(client_sent(c), "<c xmlns=\"http://jabber.org/protocol/caps\"");
	assert_non_null(caps);
	value_of(caps, "ver", ver);
	value_of(caps, "node", node);
	client_says(c, "<iq type='set' id='b1'><bind "
		       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	client_sent(c);
	snprintf(ask, sizeof(ask),
		 "<iq type='get' id='d' to='example.org'><query node='%s#%s' "
		 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		 node, ver);
	client_says(c, ask);
	sent = client_sent(c);
	assert_non_null(strstr(sent, "<iq type=\"result\" id=\"d\""));
	assert_non_null(strstr(sent, ver)); /* it says of what */
	verification(sent, text, sizeof(text));
	form_verification(sent, text, sizeof(text));
	assert_int_equal(EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL), 1);
	EVP_EncodeBlock(expected, digest, (int)n);
	assert_string_equal(ver, (const char *)expected);
	client_free(c);
}

/* XEP-0157, once each, in whatever order they are configured. */
static void whom_to_write_to_is_said_of_the_domain_and_is_in_the_hash(void **state)
{
	static const char form[] =
		"<x xmlns=\"jabber:x:data\" type=\"result\"><field var=\"FORM_TYPE\" "
		"type=\"hidden\"><value>http://jabber.org/network/serverinfo</value></field>"
		"<field var=\"abuse-addresses\" type=\"list-multi\">"
		"<value>https://example.org/abuse?x=1</value><value>mailto:abuse@example.org</"
		"value>"
		"</field><field var=\"admin-addresses\" type=\"list-multi\">"
		"<value>https://example.org/abuse?x=1</value><value>mailto:abuse@example.org</"
		"value>"
		"</field></x></query></iq>";
	struct client *c;

	client_contacts[0] = STR("mailto:abuse@example.org");
	client_contacts[1] = STR("https://example.org/abuse?x=1");
	client_contacts[2] = client_contacts[0]; /* of another listener */
	client_contact_count = 3;
	our_hash_is_of_what_we_say_when_asked(state);
	c = client_new();
	client_contact_count = 0;
	client_up(c, "alice", "phone");
	client_says(c, "<iq type='get' id='d' to='example.org'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_non_null(strstr(client_sent(c), form));
	client_says(c, "<iq type='get' id='d'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_null(strstr(client_sent(c), "jabber:x:data")); /* of an account */
	client_free(c);
}

static void without_contacts_there_is_no_form(void **state)
{
	struct client *c = client_new();

	(void)state;
	client_up(c, "alice", "phone");
	client_says(c, "<iq type='get' id='d' to='example.org'><query "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_null(strstr(client_sent(c), "jabber:x:data"));
	client_free(c);
}

static void the_most_and_longest_contacts_have_room(void **state)
{
	static char texts[PROTO_CONTACTS_MAX][101];

	for (unsigned i = 0; i < PROTO_CONTACTS_MAX; i++) {
		memset(texts[i], 'm', 100);
		texts[i][0] = (char)('z' - i);
		client_contacts[i] = str_of(texts[i]);
	}
	client_contact_count = PROTO_CONTACTS_MAX;
	our_hash_is_of_what_we_say_when_asked(state);
	client_contact_count = 0;
}

static void of_another_hash_we_say_nothing(void **state)
{
	struct client *c = client_new();

	client_up(c, "alice", "phone");
	client_says(c, "<iq type='get' id='d' to='example.org'><query "
		       "node='https://cpm.invalid/caps#AAAAAAAAAAAAAAAAAAAAAAAAAAA=' "
		       "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_non_null(strstr(client_sent(c), "<item-not-found"));
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_hash_is_of_what_we_say_when_asked),
		cmocka_unit_test(whom_to_write_to_is_said_of_the_domain_and_is_in_the_hash),
		cmocka_unit_test(without_contacts_there_is_no_form),
		cmocka_unit_test(the_most_and_longest_contacts_have_room),
		cmocka_unit_test(of_another_hash_we_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
