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

static void our_hash_is_of_what_we_say_when_asked(void **state)
{
	struct client *c = client_new();
	char           ver[128], node[128], text[4096], ask[512];
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
	assert_int_equal(EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL), 1);
	EVP_EncodeBlock(expected, digest, (int)n);
	assert_string_equal(ver, (const char *)expected);
	client_free(c);
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
		cmocka_unit_test(of_another_hash_we_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
