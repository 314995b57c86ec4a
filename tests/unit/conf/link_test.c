/* Components and servers of XMPP in both files: what is read, and what each fault says. */
#include "test.h"

#include <errno.h>

#include "conf/conf.h"
#include "conf/key.h"

static const struct conf_protocol protocols[] = {
	{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
	{"xmpp", TCP_ONLY, "xmpp-client", 5222, CONF_ACCOUNTS_AND_SUBSCRIBERS}};

static void links_are_read(void **state)
{
	static const char text[] =
		"accounts:\n"
		"  - {name: bot, protocol: xmpp, domain: Bot.Example.org, password: pw}\n"
		"peers:\n"
		"  - {name: prosody, protocol: xmpp, link: component, host: 198.18.0.2, domain: "
		"sms.example.org, password: pw}\n"
		"  - {name: chat, protocol: xmpp, link: server, host: chat.example, domain: "
		"chat.example}\n";
	struct conf_set            set;
	struct conf_faults         faults = {0, NULL};
	const struct conf_account *a;
	const struct conf_peer    *p;

	(void)state;
	assert_int_equal(conf_set_read("site.yaml", text, sizeof(text) - 1, &set, &faults), 0);
	a = set.kinds[CONF_ACCOUNT].objects[0];
	assert_string_equal(a->domain, "bot.example.org");
	assert_string_equal(conf_account_login(a), "bot.example.org");
	p = set.kinds[CONF_PEER].objects[0];
	assert_int_equal(p->link, LINK_COMPONENT);
	assert_string_equal(p->domain, "sms.example.org");
	p = set.kinds[CONF_PEER].objects[1];
	assert_int_equal(p->link, LINK_SERVER);
	conf_set_free(&set);
}

static void a_peer_may_stand_for_all_servers(void **state)
{
	static const char text[] =
		"peers: [{name: world, protocol: xmpp, link: server, domain: '*', "
		"except: [Bad.Example]}]\n";
	struct conf_faults      faults = {0, NULL};
	struct conf_set         set;
	const struct conf_peer *p;

	(void)state;
	assert_int_equal(conf_set_read("site.yaml", text, sizeof(text) - 1, &set, &faults), 0);
	p = set.kinds[CONF_PEER].objects[0];
	assert_true(conf_peer_is_open(p));
	assert_string_equal(p->host, "");
	assert_int_equal(p->except.n, 1);
	assert_string_equal(p->except.items[0], "bad.example");
	assert_int_equal(p->inactivity, 600);
	conf_set_free(&set);
}

static void each_fault_of_a_link_says_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *fault;
	} table[] = {
		{"accounts: [{name: bot, protocol: xmpp, password: pw}]\n",
		 "site.yaml:1: accounts.bot.domain: is missing; write that of the component, as in "
		 "bot.example.org; a chat client is a subscriber instead"},
		{"accounts: [{name: bot, protocol: xmpp, domain: 'a b', password: pw}]\n",
		 "site.yaml:1: accounts.bot.domain: 'a b' is not a domain name as in example.org, "
		 "of up to 120 characters"},
		{"accounts: [{name: a, domain: b.example, password: pw}]\n",
		 "site.yaml:1: accounts.a.domain: is a key of xmpp, and this is smpp; leave it "
		 "out"},
		{"accounts: [{name: a, protocol: xmpp, domain: b.example, password: pw}, {name: c, "
		 "protocol: xmpp, domain: b.example, password: pw}]\n",
		 "site.yaml:1: system_id: 'b.example' is what an account logs in as on line 1 as "
		 "well; give one of them another system_id"},
		{"peers: [{name: p, protocol: xmpp, host: h, domain: d.example}]\n",
		 "site.yaml:1: peers.p.link: is missing, or 'client', as which we log in nowhere; "
		 "write component or server"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: server}]\n",
		 "site.yaml:1: peers.p.domain: is missing; write the domain of the server, as in "
		 "chat.example"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: component, password: pw}]\n",
		 "site.yaml:1: peers.p.domain: is missing; write the domain that the server has "
		 "given us, as in sms.example.org"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: component, domain: d}]\n",
		 "site.yaml:1: peers.p.password: is missing; write the one that the server has for "
		 "the component"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: server, domain: d, connections: "
		 "2}]\n",
		 "site.yaml:1: peers.p.connections: 2 streams would each end the one before; write "
		 "1, or leave it out"},
		{"peers: [{name: p, protocol: xmpp, link: server, domain: d}]\n",
		 "site.yaml:1: peers.p.host: is missing; write an IPv4 or IPv6 address, or a name"},
		{"peers: [{name: p, protocol: xmpp, link: server, domain: '*', host: h}]\n",
		 "site.yaml:1: peers.p.host: is not for domain '*', whose servers are found by "
		 "DNS; leave it out"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: server, domain: d, except: "
		 "[e.example]}]\n",
		 "site.yaml:1: peers.p.except: is for domain '*' alone; leave it out"},
		{"peers: [{name: p, protocol: xmpp, host: h, link: component, password: pw, "
		 "domain: '*'}]\n",
		 "site.yaml:1: peers.p.domain: '*' is not for components; write the domain that "
		 "the server has given us, as in sms.example.org"},
		{"peers: [{name: p, protocol: xmpp, link: server, domain: '*'}, {name: q, "
		 "protocol: xmpp, link: server, domain: '*'}]\n",
		 "site.yaml:1: domain: '*' is the domain of a peer on line 1 as well; one peer is "
		 "enough for all servers"},
		{"accounts: [{name: a, protocol: xmpp, domain: '*', password: pw}]\n",
		 "site.yaml:1: accounts.a.domain: '*' is not a domain name as in example.org, of "
		 "up to 120 characters"},
		{"peers: [{name: p, host: h, link: server}]\n",
		 "site.yaml:1: peers.p.link: is a key of xmpp, and this is smpp; leave it out"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct conf_faults faults = {0, NULL};
		struct conf_set    set;

		assert_int_equal(conf_set_read("site.yaml", table[i].text, strlen(table[i].text),
					       &set, &faults),
				 -EINVAL);
		assert_int_equal(faults.n, 1);
		assert_string_equal(faults.lines[0], table[i].fault);
		conf_faults_free(&faults);
	}
}

#define FILE_TEXT(listeners)                                                                       \
	"dataplane: {ports: [{name: a, device: d, addresses: [198.18.0.1/24]}]}\n"                 \
	"listeners:\n" listeners

static void a_listener_takes_clients_components_or_servers(void **state)
{
	static const char text[] = FILE_TEXT(
		"  - {name: chat, protocol: xmpp, address: 198.18.0.1, domains: [example.org]}\n"
		"  - {name: bots, protocol: xmpp, link: component, address: 198.18.0.1}\n"
		"  - {name: servers, protocol: xmpp, link: server, address: 198.18.0.1}\n");
	static const struct {
		const char *text, *fault;
	} table[] = {
		{FILE_TEXT("  - {name: b, protocol: xmpp, link: component, address: 198.18.0.1, "
			   "domains: [example.org]}\n"),
		 "cpm.yaml:3: listeners[0].domains: is not for components, each of which has the "
		 "domain of its account; leave it out"},
		{FILE_TEXT("  - {name: a, protocol: xmpp, link: server, address: 198.18.0.1}\n"
			   "  - {name: b, protocol: xmpp, address: 198.18.0.1, port: 5269}\n"),
		 "cpm.yaml:4: listeners[1].port: listeners[0] has the same address and port; "
		 "change one"},
	};
	struct conf_file  *file;
	struct conf_faults faults = {0, NULL};

	(void)state;
	assert_int_equal(conf_file_parse("cpm.yaml", text, sizeof(text) - 1, &file, &faults), 0);
	assert_int_equal(file->listeners[0].link, LINK_CLIENT);
	assert_int_equal(file->listeners[1].link, LINK_COMPONENT);
	assert_int_equal(file->listeners[2].link, LINK_SERVER);
	conf_file_free(file);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		faults = (struct conf_faults){0, NULL};
		assert_int_equal(conf_file_parse("cpm.yaml", table[i].text, strlen(table[i].text),
						 &file, &faults),
				 -EINVAL);
		assert_int_equal(faults.n, 1);
		assert_string_equal(faults.lines[0], table[i].fault);
		conf_faults_free(&faults);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_read),
		cmocka_unit_test(a_peer_may_stand_for_all_servers),
		cmocka_unit_test(each_fault_of_a_link_says_what_would_be_right),
		cmocka_unit_test(a_listener_takes_clients_components_or_servers),
	};

	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
