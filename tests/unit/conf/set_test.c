/* Apply files: what is right becomes objects; what is wrong is told with line, key and remedy. */
#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/key.h"

static const struct conf_protocol protocols[] = {
	{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
	{"sip", UDP_AND_TCP, "sip", 5060, CONF_SUBSCRIBERS},
	{"xmpp", TCP_ONLY, "xmpp-client", 5222, CONF_ACCOUNTS_AND_SUBSCRIBERS}};
#define FEW 2u /* of them, where faults name all */

static const char design[] = "accounts:                          # who may bind or log in here\n"
			     "  - {name: esme1, protocol: smpp, password: secret1, window: 1000, "
			     "rate: 50000, mode: transaction, sender: [\"+46\", \"=ACME\"]}\n"
			     "peers:\n"
			     "  - {name: smsc1, protocol: smpp, host: 198.18.0.2, port: 2776, "
			     "system_id: cpm, password: pw, bind: transceiver, "
			     "connections: 2, window: 500}\n"
			     "routes:\n"
			     "  - {to: \"+4670\", via: [smsc1]}\n"
			     "  - {to: \"=71234\", via: [esme1]}\n"
			     "  - to: +46\n"
			     "    via: {smsc1: 70, esme1: 30}\n"
			     "rules:\n"
			     "  - {name: spam-url, when: {text: 'bit\\.ly/[a-z0-9]+', from: "
			     "'^\\+4670'}, then: {reject: spam}}\n"
			     "  - {name: slow, when: {account: esme1}, then: {limit: 100}}\n"
			     "subscribers:\n"
			     "  - {address: \"+46701234567\", sip: \"sip:alice@Example.org\", "
			     "password: pw}\n"
			     "  - {address: 71234, reach: sms}\n";

static int read_set(const char *text, struct conf_set *set, struct conf_faults *faults)
{
	uint8_t *exact = test_copy(text, strlen(text));
	int      err = conf_set_read("site.yaml", (const char *)exact, strlen(text), set, faults);

	free(exact);
	return err;
}

static void the_example_of_the_design_is_read(void **state)
{
	(void)state;
	struct conf_set               set;
	struct conf_faults            faults = {0, NULL};
	const struct conf_account    *a;
	const struct conf_route      *r;
	const struct conf_rule       *rule;
	const struct conf_subscriber *s;

	if (read_set(design, &set, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	assert_int_equal(set.kinds[CONF_ACCOUNT].n, 1);
	assert_int_equal(set.kinds[CONF_PEER].n, 1);
	assert_int_equal(set.kinds[CONF_ROUTE].n, 3);
	assert_int_equal(set.kinds[CONF_RULE].n, 2);
	a = set.kinds[CONF_ACCOUNT].objects[0];
	assert_string_equal(a->name, "esme1");
	assert_int_equal(a->rate, 50000);
	assert_int_equal(a->sender.n, 2);
	assert_string_equal(a->sender.items[1], "=ACME");
	r = set.kinds[CONF_ROUTE].objects[2];
	assert_string_equal(r->to, "+46");
	assert_true(r->via.weighted);
	assert_int_equal(r->via.items[1].weight, 30);
	assert_int_equal(set.kinds[CONF_ROUTE].lines[2], 8);
	rule = set.kinds[CONF_RULE].objects[1];
	assert_int_equal(rule->position, 20);
	assert_string_equal(rule->then, "{\"limit\":100}");
	assert_int_equal(set.kinds[CONF_SUBSCRIBER].n, 2);
	s = set.kinds[CONF_SUBSCRIBER].objects[0];
	assert_string_equal(s->address, "+46701234567");
	assert_string_equal(s->sip, "sip:alice@example.org");
	assert_int_equal(s->reach.n, 0);
	assert_int_equal(s->password.form, CONF_SECRET_PLAIN);
	s = set.kinds[CONF_SUBSCRIBER].objects[1];
	assert_string_equal(s->address, "71234");
	assert_string_equal(s->sip, "");
	assert_int_equal(s->reach.n, 1);
	assert_int_equal(s->reach.words[0], CONF_REACH_SMS);
	conf_set_free(&set);
}

#define NUMBER                                                                                     \
	"\"+46701234567\" for a number of E.164 or \"71234\" for a short one, of up to 15 digits"
#define DESTINATION                                                                                \
	"\"+4670\" for a prefix of up to 15 digits, \"=71234\" for one number, "                   \
	"\"sip:*@ims.example\" for a domain or \"=sip:alice@example.org\" for one user; at most "  \
	"120 characters"

#define REACH "a list of sip or sms, each at most once"

#define LANGUAGES                                                                                  \
	"a list of turkish, spanish, portuguese, bengali, gujarati, hindi, kannada, malayalam, "   \
	"oriya, punjabi, tamil, telugu or urdu"

/* One fault each: the text and the one line that must come. */
static const struct {
	const char *text, *fault;
} wrong[] = {
	{"", "site.yaml:1: the file is empty"},
	{"- a\n", "site.yaml:1: is no map; begin with 'accounts:', 'peers:', 'routes:', 'rules:' "
		  "or 'subscribers:'"},
	{"route:\n", "site.yaml:1: route: unknown key; did you mean 'routes'?"},
	{"zebra: 1\n", "site.yaml:1: zebra: unknown key; an apply file has accounts, peers, "
		       "routes, rules and subscribers"},
	{"templates: [{name: x}]\n",
	 "site.yaml:1: templates: is not in this version; leave it out"},
	{"subscribers: [{address: x}]\n", "site.yaml:1: subscribers.x.address: 'x' is not " NUMBER},
	{"subscribers: [{address: '+1234567890123456'}]\n",
	 "site.yaml:1: subscribers.+1234567890123456.address: '+1234567890123456' is not " NUMBER},
	{"subscribers: [{address: '+'}]\n",
	 "site.yaml:1: subscribers.+.address: '+' is not " NUMBER},
	{"subscribers: [{sip: 'sip:a@b'}]\n",
	 "site.yaml:1: subscribers[0].address: is missing; write " NUMBER},
	{"subscribers: [{address: '+46', sip: alice@example.org}]\n",
	 "site.yaml:1: subscribers.+46.sip: 'alice@example.org' is not an address of record as in "
	 "\"sip:alice@example.org\", of up to 120 characters"},
	{"subscribers: [{address: '+46', sip: 'sip:*@example.org'}]\n",
	 "site.yaml:1: subscribers.+46.sip: 'sip:*@example.org' is not an address of record as in "
	 "\"sip:alice@example.org\", of up to 120 characters"},
	{"subscribers: [{address: '+46', reach: nowhere}]\n",
	 "site.yaml:1: subscribers.+46.reach: 'nowhere' is not " REACH},
	{"subscribers:\n- address: '+46'\n  reach: [sip,\n    any]\n",
	 "site.yaml:4: subscribers.+46.reach: 'any' is not " REACH},
	{"subscribers: [{address: '+46', reach: [smpp]}]\n",
	 "site.yaml:1: subscribers.+46.reach: 'smpp' is not " REACH},
	{"subscribers: [{address: '+46', reach: [sip, [sms]]}]\n",
	 "site.yaml:1: subscribers.+46.reach: '' is not " REACH},
	{"subscribers: [{address: '+46', reach: {sip: sms}}]\n",
	 "site.yaml:1: subscribers.+46.reach: '' is not " REACH},
	{"subscribers: [{address: '+46', reach: [sip, sms, sip]}]\n",
	 "site.yaml:1: subscribers.+46.reach: names 'sip' twice; name each once"},
	{"subscribers:\n- {address: '+46'}\n- {address: '+46'}\n",
	 "site.yaml:3: address: '+46' is the address of a subscriber on line 2 as well; give each "
	 "address once"},
	{"subscribers:\n- {address: '+46', sip: 'sip:a@b'}\n- {address: '+47', sip: 'SIP:a@B'}\n",
	 "site.yaml:3: sip: 'sip:a@b' is what a subscriber registers as on line 2 as well; give "
	 "one "
	 "of them another"},
	{"routes:\nroutes:\n", "site.yaml:2: routes: is given twice; keep one"},
	{"routes: {a: b}\n",
	 "site.yaml:1: routes: is no list; write one object a line, each after a '-'"},
	{"routes:\n  - text\n", "site.yaml:2: routes[0]: is no map; write {key: value, ...}"},
	{"routes: [\n",
	 "site.yaml:2: routes: this is not YAML: did not find expected node content, while "
	 "parsing a flow node"},
	{"accounts:\n  - &x {name: a, password: b}\n",
	 "site.yaml:2: accounts: anchors and aliases are not allowed; write the value out"},
	{"accounts:\n  - {name: !!str a, password: b}\n",
	 "site.yaml:2: accounts: tags are not allowed; write the value alone"},
	{"rules: []\n---\nrules: []\n", "site.yaml:2: a second document begins; write one"},
	{"accounts:\n  - {name: a, password: b, pasword: c}\n",
	 "site.yaml:2: accounts.a.pasword: unknown key; did you mean 'password'?"},
	{"accounts:\n  - {name: a, password: b, windwo: 5}\n",
	 "site.yaml:2: accounts.a.windwo: unknown key; did you mean 'window'?"},
	{"accounts:\n  - {name: a, password: b, qqqqqqqq: 5}\n",
	 "site.yaml:2: accounts.a.qqqqqqqq: unknown key; its keys are name, protocol, "
	 "system_id ..."},
	{"accounts:\n  - {name: a, password: b, tls: true}\n",
	 "site.yaml:2: accounts.a.tls: TLS is not in this version; leave it out"},
	{"accounts:\n  - {name: a, name: b, password: b}\n",
	 "site.yaml:2: accounts.name: is given twice; keep one"},
	{"accounts:\n  - {password: b}\n", "site.yaml:2: accounts[0].name: is missing; write a "
					   "name of 1 to 32 letters, digits, '.', '_' or '-'"},
	{"accounts:\n  - {name: a}\n",
	 "site.yaml:2: accounts.a.password: is missing; write a text of 0 to 64 characters"},
	{"accounts:\n  - name: a\n    password: b\n    window: 0\n",
	 "site.yaml:4: accounts.a.window: '0' is not a number of 1 to 65535"},
	{"accounts:\n  - name: a\n    password: b\n    window: [1]\n",
	 "site.yaml:4: accounts.a.window: is a list; write one value"},
	{"accounts:\n  - {name: a, password: b, window: -1}\n",
	 "site.yaml:2: accounts.a.window: '-1' is not a number of 1 to 65535"},
	{"accounts:\n  - {name: a, password: b, window: 99999999999}\n",
	 "site.yaml:2: accounts.a.window: '99999999999' is not a number of 1 to 65535"},
	{"accounts:\n  - {name: a b, password: b}\n",
	 "site.yaml:2: accounts.a b.name: 'a b' is not a name of 1 to 32 letters, digits, '.', '_' "
	 "or '-'"},
	{"accounts:\n  - {name: a, password: b, mode: store}\n",
	 "site.yaml:2: accounts.a.mode: 'store' needs the durable spool, which is not in this "
	 "version; write transaction: answered when the next hop "
	 "has answered"},
	{"accounts:\n  - {name: a, password: b, mode: x}\n",
	 "site.yaml:2: accounts.a.mode: 'x' is not datagram or transaction"},
	{"accounts:\n  - {name: a, password: b, protocol: sip}\n",
	 "site.yaml:2: accounts.a.protocol: sip has no accounts; who uses it is a subscriber, so "
	 "make one: `subscribers: - {address: ..., sip: ..., password: ...}`"},
	{"accounts:\n  - {name: a, password: b, protocol: smtp}\n",
	 "site.yaml:2: accounts.a.protocol: 'smtp' is not smpp"},
	{"peers:\n  - {name: a, host: h, protocol: smtp}\n",
	 "site.yaml:2: peers.a.protocol: 'smtp' is not smpp or sip"},
	{"accounts:\n  - {name: a, password: b, protocol: xmpp}\n",
	 "site.yaml:2: accounts.a.protocol: 'xmpp' is not in this version; leave it out"},
	{"accounts:\n  - {name: a, password: b, resend_unknown: yes}\n",
	 "site.yaml:2: accounts.a.resend_unknown: 'yes' is not true or false"},
	{"accounts:\n  - {name: a, password: b, sender: [46]}\n",
	 "site.yaml:2: accounts.a.sender: '46' is neither \"+46\", a prefix of up to 15 digits, "
	 "nor \"=ACME\", one sender"},
	{"accounts:\n  - {name: a, password: "
	 "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}\n",
	 "site.yaml:2: accounts.a.password: has 65 characters; write a text of 0 to 64 characters"},
	{"accounts:\n  - {name: a, password: set}\n",
	 "site.yaml:2: accounts.a.password: is the word that lists show in place of a secret; "
	 "write the secret itself, or leave it out"},
	{"accounts:\n  - {name: a, password: b}\n  - {name: a, password: b, system_id: c}\n",
	 "site.yaml:3: name: 'a' is the name of an account on line 2 as well; give each name once"},
	{"accounts:\n  - {name: a, password: b}\n  - {name: c, password: b, system_id: a}\n",
	 "site.yaml:3: system_id: 'a' is what an account logs in as on line 2 as well; give one of "
	 "them another system_id"},
	{"accounts:\n  - {name: a, password: b}\npeers:\n  - {name: a, host: h}\n",
	 "site.yaml:4: name: 'a' is the name of an account or peer on line 2 as well; routes name "
	 "both, so give one of them another name"},
	{"peers:\n  - {name: a, host: 1.2.3.400}\n",
	 "site.yaml:2: peers.a.host: '1.2.3.400' is not an IPv4 or IPv6 address, or a name"},
	{"peers:\n  - {name: a, host: h, transport: udp}\n",
	 "site.yaml:2: peers.a.transport: 'udp' is no transport of smpp; write tcp"},
	{"peers:\n  - {name: a, host: h, transport: carrier-pigeon}\n",
	 "site.yaml:2: peers.a.transport: 'carrier-pigeon' is not udp or tcp"},
	{"peers:\n  - {name: a, host: h, domains: [x]}\n",
	 "site.yaml:2: peers.a.domains: domains lead to a peer by routes; write a route to "
	 "\"sip:*@DOMAIN\" via this peer"},
	{"peers:\n  - {name: a, host: h, trusted: true}\n",
	 "site.yaml:2: peers.a.trusted: is a key of sip, and this is smpp; leave it out"},
	{"peers:\n  - name: a\n    bind: receiver\n    host: h\n    protocol: sip\n",
	 "site.yaml:3: peers.a.bind: is a key of smpp, and this is sip; leave it out"},
	{"peers:\n  - {name: a, host: h, languages: [turkish]}\n",
	 "site.yaml:2: peers.a.languages: is a key of sip, and this is smpp; leave it out"},
	{"peers:\n  - name: a\n    protocol: sip\n    host: h\n    languages: [turkish,\n     "
	 "swedish]\n",
	 "site.yaml:6: peers.a.languages: 'swedish' is not " LANGUAGES},
	{"peers:\n  - {name: a, protocol: sip, host: h, languages: {turkish: hindi}}\n",
	 "site.yaml:2: peers.a.languages: '' is not " LANGUAGES},
	{"peers:\n  - {name: a, protocol: sip, host: h, languages: [[hindi]]}\n",
	 "site.yaml:2: peers.a.languages: '' is not " LANGUAGES},
	{"routes:\n  - {to: 4670, via: [a]}\n",
	 "site.yaml:2: routes.4670.to: '4670' is not " DESTINATION},
	{"routes:\n  - {to: 'sip:alice@ims.example', via: [a]}\n",
	 "site.yaml:2: routes.sip:alice@ims.example.to: 'sip:alice@ims.example' is "
	 "not " DESTINATION},
	{"routes:\n  - {to: '=sip:*@ims.example', via: [a]}\n",
	 "site.yaml:2: routes.=sip:*@ims.example.to: '=sip:*@ims.example' is not " DESTINATION},
	{"routes:\n  - {to: 'sip:*@ims', via: [a]}\n  - {to: 'SIP:*@IMS', via: [a]}\n",
	 "site.yaml:3: to: 'sip:*@ims' has a route of the same priority on line 2 as well; change "
	 "the priority of one, or join their targets"},
	{"routes:\n  - {to: \"+46\", via: [registered, registered]}\n",
	 "site.yaml:2: routes.+46.via: 'registered' is named twice; name each target once"},
	{"peers:\n  - {name: registered, host: h}\n",
	 "site.yaml:2: peers.registered.name: 'registered' is a word that routes know already; "
	 "give "
	 "another name"},
	{"accounts:\n  - {name: registered, password: h}\n",
	 "site.yaml:2: accounts.registered.name: 'registered' is a word that routes know already; "
	 "give another name"},
	{"routes:\n  - {to: \"+46\", via: []}\n",
	 "site.yaml:2: routes.+46.via: '' is not 1 to 16 targets: [a, b] in fail-over order or {a: "
	 "70, b: 30} with weights"},
	{"routes:\n  - {to: \"+46\", via: [a, a]}\n",
	 "site.yaml:2: routes.+46.via: 'a' is named twice; name each target once"},
	{"routes:\n  - {to: \"+46\", via: {a: 0}}\n",
	 "site.yaml:2: routes.+46.via: the weight of 'a' is not a number of 1 to 65535"},
	{"routes:\n  - {to: \"+46\", via: {a: 65536}}\n",
	 "site.yaml:2: routes.+46.via: the weight of 'a' is not a number of 1 to 65535"},
	{"routes:\n  - {to: \"+46\", via: [[a]]}\n",
	 "site.yaml:2: routes.+46.via: has an item that is no name; write [a, b] or {a: 70, b: "
	 "30}"},
	{"routes:\n  - {to: \"+46\", via: [a]}\n  - {to: \"+46\", via: [b]}\n",
	 "site.yaml:3: to: '+46' has a route of the same priority on line 2 as well; change the "
	 "priority of one, or join their targets"},
	{"rules:\n  - {name: a, when: x, then: {drop: true}}\n",
	 "site.yaml:2: rules.a.when: is no map; write {key: value}"},
	{"rules:\n  - {name: a, position: 5, when: {to: x}, then: {drop: true}}\n",
	 "site.yaml:2: rules.a.position: rules are numbered by their order in the file; leave it "
	 "out"},
	{"? [a]\n: b\n", "site.yaml:1: a key is a list or a map; write a word"},
};

static void each_fault_is_told_with_its_remedy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct conf_set    set;
		struct conf_faults faults = {0, NULL};

		assert_int_equal(read_set(wrong[i].text, &set, &faults), -EINVAL);
		for (unsigned j = 0; j < faults.n && (faults.n != 1 ||
						      strcmp(faults.lines[0], wrong[i].fault) != 0);
		     j++)
			print_message("case %u, fault %u: %s\n  wanted: %s\n", i, j,
				      faults.lines[j], wrong[i].fault);
		assert_int_equal(faults.n, 1);
		assert_string_equal(faults.lines[0], wrong[i].fault);
		conf_faults_free(&faults);
	}
}

static json_t *read_one(enum conf_kind kind, void *object, const char *text, unsigned faults_wanted)
{
	struct conf_faults faults = {0, NULL};
	json_t            *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	conf_object_from_json(kind, object, json, "here", &faults);
	assert_int_equal(faults.n, faults_wanted);
	conf_faults_free(&faults);
	json_decref(json);
	return conf_object_to_json(kind, object);
}

static void a_peer_of_another_protocol_has_its_keys_and_no_others(void **state)
{
	(void)state;
	struct conf_peer *p = conf_object_new(CONF_PEER);

	json_decref(read_one(CONF_PEER, p,
			     "{\"name\": \"ims\", \"protocol\": \"sip\", \"host\": \"h\", "
			     "\"transport\": \"udp\", \"trusted\": true, \"body\": \"sms\"}",
			     0));
	assert_int_equal(p->transport, TRANSPORT_UDP);
	assert_int_equal(p->body, CONF_BODY_SMS);
	assert_true(p->trusted);
	json_decref(read_one(CONF_PEER, p, "{\"ids\": \"decimal\"}", 1));
	assert_true(conf_key_applies(conf_key_find(CONF_SECTION_peer, STR("trusted")), p));
	assert_false(conf_key_applies(conf_key_find(CONF_SECTION_peer, STR("ids")), p));
	/* Another protocol: what it has not is at its default again, and what it runs on fits. */
	json_decref(read_one(CONF_PEER, p, "{\"protocol\": \"smpp\", \"ids\": \"decimal\"}", 0));
	assert_false(p->trusted);
	assert_int_equal(p->transport, TRANSPORT_TCP);
	assert_int_equal(p->ids, CONF_IDS_DECIMAL);
	json_decref(read_one(CONF_PEER, p, "{\"protocol\": \"sip\"}", 0));
	assert_int_equal(p->ids, CONF_IDS_AUTO);
	conf_object_free(CONF_PEER, p);
}

/* A peer of SIP with these, JSON; its bits, and in *printed what is shown again. */
static uint16_t languages_of(const char *languages, char printed[256])
{
	struct conf_peer *p = conf_object_new(CONF_PEER);
	char              text[512], *shown;
	json_t           *json;
	uint16_t          bits;

	snprintf(text, sizeof(text),
		 "{\"name\": \"ims\", \"protocol\": \"sip\", \"host\": \"h\", \"languages\": %s}",
		 languages);
	json = read_one(CONF_PEER, p, text, 0);
	shown = json_dumps(json_object_get(json, "languages"), JSON_COMPACT);
	snprintf(printed, 256, "%s", shown);
	bits = p->languages;
	free(shown);
	json_decref(json);
	conf_object_free(CONF_PEER, p);
	return bits;
}

static void languages_are_named_alone_or_in_any_order(void **state)
{
	char printed[256];

	(void)state;
	assert_int_equal(languages_of("[]", printed), 0);
	assert_string_equal(printed, "[]");
	assert_int_equal(languages_of("\"turkish\"", printed), 1u << 1);
	assert_string_equal(printed, "[\"turkish\"]");
	assert_int_equal(languages_of("[\"urdu\", \"spanish\", \"urdu\"]", printed),
			 1u << 13 | 1u << 2);
	assert_string_equal(printed, "[\"spanish\",\"urdu\"]");
	assert_int_equal(
		languages_of("[\"turkish\", \"spanish\", \"portuguese\", \"bengali\", "
			     "\"gujarati\", \"hindi\", \"kannada\", \"malayalam\", \"oriya\", "
			     "\"punjabi\", \"tamil\", \"telugu\", \"urdu\"]",
			     printed),
		0x3ffe);
}

static void a_destination_is_kept_in_its_normal_form(void **state)
{
	(void)state;
	static const struct {
		const char *written, *kept;
	} cases[] = {
		{"+4670", "+4670"},
		{"=+46701234567", "=+46701234567"},
		{"=ACME", "=ACME"},
		{"SIP:*@IMS.Example", "sip:*@ims.example"},
		{"*@Chat.example", "*@chat.example"},
		{"=Sip:Alice@Example.org", "=sip:Alice@example.org"},
		{"=Bob@Chat.example", "=Bob@chat.example"},
		{"xmpp:*@MÜNCHEN.example", "xmpp:*@münchen.example"},
		{"xmpp:*@mu\u0308nchen.example", "xmpp:*@m\u00fcnchen.example"}, /* NFC */
		{"*@Ñ.example", "*@ñ.example"},
		{"xmpp:*@XN--Mnchen-3ya.example", "xmpp:*@münchen.example"},
		{"*@xn--mnchen-3ya.example", "*@münchen.example"},
		{"sip:*@MÜNCHEN.example", "sip:*@xn--mnchen-3ya.example"},
		{"sip:*@XN--Mnchen-3ya.example", "sip:*@xn--mnchen-3ya.example"},
		{"=xmpp:JÜRGEN@Chat.example", "=xmpp:jürgen@chat.example"},
		{"=xmpp:D\\27Artagnan@chat.example", "=xmpp:d\\27artagnan@chat.example"},
		{"=xmpp:Transport.example", "=xmpp:transport.example"},
		{"=sip:O'Hara@example.org", "=sip:O'Hara@example.org"},
		{"=xmpp:o'hara@example.org", NULL},
		{"=sip:jürgen@example.org", NULL},
		{"xmpp:transport.example", NULL},
		{"+4670a", NULL},
		{"", NULL},
		{"=", NULL},
		{"*@", NULL},
		{"=*@a", NULL},
		{"sip:ims.example", NULL},
	};
	char normal[CONF_TO_SIZE], longest[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(conf_destination(str_of(cases[i].written), normal),
				 cases[i].kept != NULL);
		if (cases[i].kept != NULL)
			assert_string_equal(normal, cases[i].kept);
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "*@", 2);
	assert_true(conf_destination((struct str){longest, CONF_TO_SIZE - 1}, normal));
	assert_false(conf_destination((struct str){longest, CONF_TO_SIZE}, normal));
	memcpy(longest, "=a@", 3);
	assert_true(conf_destination((struct str){longest, CONF_TO_SIZE - 1}, normal));
	assert_false(conf_destination((struct str){longest, CONF_TO_SIZE}, normal));
}

static void a_subscriber_has_its_addresses_in_normal_form(void **state)
{
	(void)state;
	static const char text[] =
		"subscribers:\n"
		"  - {address: \"+46701\", sip: \"sip:O'Hara@Example.org\", xmpp: "
		"\"O\\\\27HARA@Example.org\", password: pw}\n"
		"  - {address: \"+46702\", xmpp: \"XMPP:Jürgen@MÜNCHEN.example\", password: pw}\n";
	static const char *const refused[] = {
		"xmpp: \"example.org\"", "xmpp: \"xmpp:example.org\"",
		"xmpp: \"sip:a@b\"",     "xmpp: \"o'hara@b\"",
		"xmpp: \"*@b\"",         "sip: \"a@b\"",
		"sip: \"sip:jürgen@b\"", "sip: \"xmpp:a@b\"",
	};
	struct conf_set               set;
	struct conf_faults            faults = {0, NULL};
	const struct conf_subscriber *s;

	if (read_set(text, &set, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	s = set.kinds[CONF_SUBSCRIBER].objects[0];
	assert_string_equal(s->sip, "sip:O'Hara@example.org");
	assert_string_equal(s->xmpp, "xmpp:o\\27hara@example.org");
	s = set.kinds[CONF_SUBSCRIBER].objects[1];
	assert_string_equal(s->xmpp, "xmpp:jürgen@münchen.example");
	conf_set_free(&set);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char one[160];

		snprintf(one, sizeof(one),
			 "subscribers:\n  - {address: \"+46701\", password: pw, %s}\n", refused[i]);
		if (read_set(one, &set, &faults) != -EINVAL)
			fail_msg("%s", refused[i]);
		conf_faults_free(&faults);
	}
}

static void all_faults_are_told_and_not_only_the_first(void **state)
{
	(void)state;
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};

	assert_int_equal(read_set("accounts:\n  - {nam: a}\npeers:\n  - {name: p}\nrutes: []\n",
				  &set, &faults),
			 -EINVAL);
	assert_int_equal(faults.n, 3);
	conf_faults_free(&faults);
}

static void the_number_of_faults_is_bounded(void **state)
{
	(void)state;
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};
	char              *text = NULL;
	size_t             n = 0;
	FILE              *f = open_memstream(&text, &n);

	fputs("routes:\n", f);
	for (unsigned i = 0; i < 5000; i++)
		fputs("  - {to: x, via: [a]}\n", f);
	fclose(f);
	assert_int_equal(read_set(text, &set, &faults), -EINVAL);
	assert_int_equal(faults.n, 1001);
	assert_string_equal(faults.lines[1000],
			    "more faults follow that are not shown; mend these first");
	conf_faults_free(&faults);
	free(text);
}

static void depth_and_size_are_bounded(void **state)
{
	(void)state;
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};
	char               text[400] = "rules:\n  - {name: a, then: {drop: true}, when: ";
	size_t             n = strlen(text);

	for (unsigned i = 0; i < 40; i++)
		n += (size_t)sprintf(text + n, "{a: ");
	assert_int_equal(read_set(text, &set, &faults), -EINVAL);
	assert_string_equal(faults.lines[0], "site.yaml:2: rules: is nested deeper than 32, or one "
					     "value has more than 65,536 parts");
	conf_faults_free(&faults);
}

static void a_secret_is_in_no_fault(void **state)
{
	(void)state;
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};
	char               text[200];

	snprintf(text, sizeof(text), "accounts:\n  - {name: a, password: %s%s}\n",
		 "topsecrettopsecrettopsecrettopsecret", "topsecrettopsecrettopsecrettopsecret");
	assert_int_equal(read_set(text, &set, &faults), -EINVAL);
	assert_null(strstr(faults.lines[0], "topsecret"));
	conf_faults_free(&faults);
}

/* Every number of every live object: at its least, at its most, and one over. */
static void every_number_is_held_to_its_range(void **state)
{
	(void)state;
	unsigned checked = 0;

	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		unsigned               n;
		const struct conf_key *keys = conf_keys(conf_kind_section(kind), &n);

		for (unsigned i = 0; i < n; i++) {
			if (keys[i].type != &conf_type_UINT)
				continue;
			for (unsigned c = 0; c < 4; c++) {
				uint64_t           value = c == 0   ? keys[i].min
							   : c == 1 ? keys[i].max
							   : c == 2 ? keys[i].max + 1
								    : keys[i].min - 1;
				void              *object = conf_object_new(kind);
				json_t            *json = json_object();
				struct conf_faults faults = {0, NULL};
				bool               good = c < 2 || (c == 3 && keys[i].min == 0);

				if (c == 3 && keys[i].min == 0)
					value = 0;
				json_object_set_new(json, keys[i].name,
						    json_integer((json_int_t)value));
				if (keys[i].protocols != NULL)
					json_object_set_new(json, "protocol",
							    json_string(keys[i].protocols));
				assert_int_equal(
					conf_object_from_json(kind, object, json, "here", &faults),
					good ? 0 : -EINVAL);
				assert_int_equal(faults.n, good ? 0 : 1);
				if (good)
					assert_int_equal(*(const uint32_t *)conf_field_read(
								 &keys[i], object),
							 value);
				conf_faults_free(&faults);
				json_decref(json);
				conf_object_free(kind, object);
				checked++;
			}
		}
	}
	assert_true(checked > 80);
	conf_protocols_set(protocols, FEW);
}

/* Every text of every live object likewise. */
static void every_text_is_held_to_its_length(void **state)
{
	(void)state;
	unsigned checked = 0;
	char     text[300];

	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		unsigned               n;
		const struct conf_key *keys = conf_keys(conf_kind_section(kind), &n);

		for (unsigned i = 0; i < n; i++) {
			if (keys[i].type != &conf_type_NAME && keys[i].type != &conf_type_TARGET &&
			    keys[i].type != &conf_type_TEXT && keys[i].type != &conf_type_SECRET)
				continue;
			for (unsigned c = 0; c < 3; c++) {
				size_t             length = c == 0   ? keys[i].min
							    : c == 1 ? keys[i].max
								     : keys[i].max + 1;
				void              *object = conf_object_new(kind);
				struct conf_faults faults = {0, NULL};

				memset(text, 'x', length);
				json_t *json = json_pack("{s:s#}", keys[i].name, text, (int)length);

				assert_int_equal(
					conf_object_from_json(kind, object, json, "here", &faults),
					c < 2 ? 0 : -EINVAL);
				conf_faults_free(&faults);
				json_decref(json);
				conf_object_free(kind, object);
				checked++;
			}
		}
	}
	assert_true(checked >= 24);
}

static void a_set_packs_and_unpacks_to_the_same_json(void **state)
{
	(void)state;
	struct conf_set    set;
	struct conf_faults faults = {0, NULL};

	assert_int_equal(read_set(design, &set, &faults), 0);
	for (enum conf_kind kind = 0; kind < CONF_KIND_COUNT; kind++) {
		for (uint32_t i = 0; i < set.kinds[kind].n; i++) {
			uint8_t    bytes[4096];
			struct put to = put_to(bytes, sizeof(bytes));
			void      *copy = conf_object_new(kind);

			assert_true(conf_object_pack(kind, set.kinds[kind].objects[i], &to));
			struct cur from = cur_of(bytes, put_size(&to));

			assert_true(conf_object_unpack(kind, &from, copy));
			json_t *a = conf_object_to_json(kind, set.kinds[kind].objects[i]),
			       *b = conf_object_to_json(kind, copy);

			assert_true(json_equal(a, b));
			json_decref(a);
			json_decref(b);
			conf_object_free(kind, copy);
		}
	}
	conf_set_free(&set);
}

static int setup(void **state)
{
	(void)state;
	conf_protocols_set(protocols, FEW);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_design_is_read),
		cmocka_unit_test(each_fault_is_told_with_its_remedy),
		cmocka_unit_test(a_peer_of_another_protocol_has_its_keys_and_no_others),
		cmocka_unit_test(languages_are_named_alone_or_in_any_order),
		cmocka_unit_test(a_destination_is_kept_in_its_normal_form),
		cmocka_unit_test(a_subscriber_has_its_addresses_in_normal_form),
		cmocka_unit_test(all_faults_are_told_and_not_only_the_first),
		cmocka_unit_test(the_number_of_faults_is_bounded),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(a_secret_is_in_no_fault),
		cmocka_unit_test(every_number_is_held_to_its_range),
		cmocka_unit_test(every_text_is_held_to_its_length),
		cmocka_unit_test(a_set_packs_and_unpacks_to_the_same_json),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
