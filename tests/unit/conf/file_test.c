/* cpm.yaml: the example of the design, and each fault. */
#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/key.h"
#include "conf/node.h"

static const struct conf_protocol protocols[] = {
	{"smpp", TCP_ONLY, NULL, 2775, CONF_ACCOUNTS},
	{"sip", UDP_AND_TCP, "sip", 5060, CONF_SUBSCRIBERS},
	{"xmpp", TCP_ONLY, "xmpp-client", 5222, CONF_ACCOUNTS_AND_SUBSCRIBERS}};

#define PORT                                                                                       \
	"{name: core0, device: \"net_af_xdp0,iface=veth-cpm\", addresses: [198.18.0.1/24, "        \
	"\"2001:2::1/64\"], gateway: 198.18.0.254}"
#define DATAPLANE "dataplane: {ports: [" PORT "]}\n"
#define TWO_WORKERS "dataplane:\n  ports: [" PORT "]\n  worker_lcores: [0, 1]\n"

static const char example[] = "node: cpm1\n"
			      "run_dir: /run/cpm\n"
			      "state_dir: /var/lib/cpm\n"
			      "dataplane:\n"
			      "  main_lcore: 1\n"
			      "  worker_lcores: [0, 3]\n"
			      "  hugepages: auto                 # auto | required | off\n"
			      "  idle: sleep\n"
			      "  ports:\n"
			      "    - " PORT "\n"
			      "listeners:\n"
			      "  - {name: esme,  protocol: smpp, address: 198.18.0.1, port: 2775}\n"
			      "  - {name: esme6, protocol: smpp, address: \"2001:2::1\"}\n"
			      "control:\n"
			      "  socket: /run/cpm/control.sock\n"
			      "  dns: [198.51.100.1, \"198.51.100.2:5353\", \"2001:db8::1\", "
			      "\"[2001:db8::2]:53\"]\n"
			      "hosts: {smsc.example: 198.18.0.2, six.example: \"2001:2::2\"}\n";

static int parse(const char *text, struct conf_file **file, struct conf_faults *faults)
{
	uint8_t *exact = test_copy(text, strlen(text));
	int      err = conf_file_parse("cpm.yaml", (const char *)exact, strlen(text), file, faults);

	free(exact);
	return err;
}

static void the_example_of_the_design_is_read(void **state)
{
	(void)state;
	struct conf_file  *f;
	struct conf_faults faults = {0, NULL};

	if (parse(example, &f, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	assert_string_equal(f->cpm.node, "cpm1");
	assert_int_equal(f->cpm.node_number, 1);
	assert_int_equal(f->dataplane.worker_lcores.n, 2);
	assert_string_equal(f->dataplane.worker_lcores.items[1], "3");
	assert_int_equal(f->dataplane.idle, CONF_IDLE_SLEEP);
	assert_int_equal(f->dataplane.messages_max, 65536);
	assert_int_equal(f->port_count, 1);
	assert_int_equal(f->ports[0].mtu, 1500);
	assert_int_equal(f->ports[0].addresses.n, 2);
	assert_int_equal(f->ports[0].addresses.items[0].prefix, 24);
	assert_memory_equal(f->ports[0].addresses.items[0].w, "\xc6\x12\x00\x01", 4);
	assert_true(f->ports[0].addresses.items[1].ip6);
	assert_int_equal(f->listener_count, 2);
	assert_int_equal(f->listeners[0].port, 2775);
	assert_int_equal(f->listeners[0].login_time, 5);
	assert_string_equal(f->control.socket, "/run/cpm/control.sock");
	assert_int_equal(f->control.dns.n, 4);
	assert_string_equal(f->control.dns.items[1], "198.51.100.2:5353");
	assert_int_equal(f->host_count, 2);
	assert_string_equal(f->hosts[0].name, "smsc.example");
	conf_file_free(f);
}

static void a_listener_has_what_its_protocol_has(void **state)
{
	(void)state;
	static const char text[] = DATAPLANE
		"listeners:\n"
		"- {name: a, protocol: smpp, address: 198.18.0.1}\n"
		"- {name: b, protocol: sip, address: 198.18.0.1, port: 5060, transport: udp, "
		"domains: [Example.ORG, ims.example]}\n"
		"- {name: c, protocol: sip, address: 198.18.0.1, port: 5060, transport: "
		"[tcp], authentication: none, domains: [example.org, MÜNCHEN.example]}\n"
		"- {name: d, protocol: sip, address: 198.18.0.1, port: 5070, authentication: "
		"digest-md5, languages: [hindi, turkish]}\n";
	struct conf_file  *f;
	struct conf_faults faults = {0, NULL};

	if (parse(text, &f, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	assert_int_equal(f->listeners[2].languages, 0);
	assert_int_equal(f->listeners[3].languages, 1u << 6 | 1u << 1);
	assert_int_equal(f->listeners[0].transport, TCP_ONLY);
	assert_int_equal(f->listeners[1].transport, UDP_ONLY);
	assert_int_equal(f->listeners[1].domains.n, 2);
	assert_string_equal(f->listeners[1].domains.items[0], "example.org");
	assert_int_equal(f->listeners[1].authentication, CONF_AUTHENTICATION_DIGEST);
	assert_int_equal(f->listeners[2].transport, TCP_ONLY);
	assert_int_equal(f->listeners[2].authentication, CONF_AUTHENTICATION_NONE);
	assert_string_equal(f->listeners[2].domains.items[0], "example.org");
	assert_string_equal(f->listeners[2].domains.items[1], "münchen.example");
	assert_int_equal(f->listeners[3].transport, UDP_AND_TCP);
	assert_int_equal(f->listeners[3].authentication, CONF_AUTHENTICATION_DIGEST_MD5);
	conf_file_free(f);
}

/* Next to each other, of another transport, at another address. */
static void ports_of_large_messages_that_are_nobody_elses_are_taken(void **state)
{
	(void)state;
	static const char text[] = TWO_WORKERS
		"listeners:\n"
		"- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: 2855}\n"
		"- {name: b, protocol: sip, address: 198.18.0.1, port: 5070, msrp_port: 2857}\n"
		"- {name: c, protocol: sip, address: \"2001:2::1\", msrp_port: 2855}\n"
		"- {name: d, protocol: sip, address: 198.18.0.1, port: 2855, transport: udp}\n"
		"- {name: e, protocol: sip, address: 198.18.0.1, port: 2859, msrp_port: 65534}\n";
	struct conf_file  *f;
	struct conf_faults faults = {0, NULL};

	if (parse(text, &f, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	assert_int_equal(f->listeners[0].msrp_port, 2855);
	assert_int_equal(f->listeners[3].msrp_port, 0);
	assert_int_equal(f->listeners[4].msrp_port, 65534);
	conf_file_free(f);
}

static void ports_of_websockets_that_are_nobody_elses_are_taken(void **state)
{
	static const char text[] = TWO_WORKERS
		"listeners:\n"
		"- {name: a, protocol: sip, address: 198.18.0.1, ws_port: 8080, origins: "
		"[\"https://chat.example.org\"]}\n"
		"- {name: b, protocol: sip, address: 198.18.0.1, port: 8080, transport: udp, "
		"ws_port: 80}\n"
		"- {name: c, protocol: sip, address: \"2001:2::1\", ws_port: 8080}\n";
	struct conf_file  *f;
	struct conf_faults faults = {0, NULL};

	(void)state;
	if (parse(text, &f, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	assert_int_equal(f->listeners[0].ws_port, 8080);
	assert_int_equal(f->listeners[0].origins.n, 1);
	assert_string_equal(f->listeners[0].origins.items[0], "https://chat.example.org");
	assert_int_equal(f->listeners[1].ws_port, 80);
	assert_int_equal(f->listeners[1].origins.n, 0);
	conf_file_free(f);
}

static void routes_of_requests_to_us_are_taken_as_they_are(void **state)
{
	static const char *const routes[] = {
		"<sip:198.18.0.1;lr>",
		"<sip:orig@[2001:db8::1]:5061;transport=tcp;lr>",
		"<sips:edge.example.org;lr=on>, <sip:orig@cpm.example.org;lr;x=1>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct conf_file  *f;
		struct conf_faults faults = {0, NULL};
		char               text[1024];

		snprintf(text, sizeof(text),
			 DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, "
				   "service_route: \"%s\"}\n",
			 routes[i]);
		if (parse(text, &f, &faults) != 0)
			fail_msg("%s", faults.lines[0]);
		assert_string_equal(f->listeners[0].service_route, routes[i]);
		conf_file_free(f);
	}
}

static void what_is_no_route_to_us_is_refused(void **state)
{
	static const char *const routes[] = {
		"sip:198.18.0.1;lr",       "<sip:198.18.0.1>", "<sip:198.18.0.1>;lr",
		"<sip:198.18.0.1;lrx>",    "<tel:+4670;lr>",   "<sip:198.18.0.1;lr",
		"<sip:a;lr><sip:b;lr>",    "<sip:a b;lr>",     "<sip:a;lr>, b",
		"<sip:a;lr>,, <sip:b;lr>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct conf_file  *f;
		struct conf_faults faults = {0, NULL};
		char               text[1024];

		snprintf(text, sizeof(text),
			 DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, "
				   "service_route: \"%s\"}\n",
			 routes[i]);
		assert_int_not_equal(parse(text, &f, &faults), 0);
		assert_string_equal(faults.lines[0],
				    "cpm.yaml:3: listeners[0].service_route: is no list of routes, "
				    "each as <sip:HOST;lr>, with commas between; write such as "
				    "\"<sip:198.18.0.1;lr>\"");
		conf_faults_free(&faults);
	}
}

static void whom_to_write_to_is_a_uri(void **state)
{
	static const struct {
		const char *uri;
		bool        right;
	} table[] = {
		{"mailto:abuse@example.org", true},
		{"xmpp:admin@example.org?message", true},
		{"https://example.org/abuse?x=1", true},
		{"abuse@example.org", false},
		{"mailto:", false},
		{"http://example.org/", false},
		{"mailto:a b@example.org", false},
		{"mailto:a<b@example.org", false},
		{"mailto:a@example.org?subject=x&body=y", false},
		{"mailto:j\xc3\xbcrgen@example.org", false},
		{"mailto:a123456789012345678901234567890123456789012345678901234567890123456789"
		 "01234567890@example.org",
		 true}, /* 100 characters */
		{"mailto:a123456789012345678901234567890123456789012345678901234567890123456789"
		 "012345678901@example.org",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct conf_file  *f;
		struct conf_faults faults = {0, NULL};
		char               text[1024];

		snprintf(text, sizeof(text),
			 DATAPLANE "listeners:\n- {name: a, protocol: xmpp, address: 198.18.0.1, "
				   "domains: [b.example], contacts: [\"%s\"]}\n",
			 table[i].uri);
		if (table[i].right) {
			if (parse(text, &f, &faults) != 0)
				fail_msg("%s", faults.lines[0]);
			assert_string_equal(f->listeners[0].contacts.items[0], table[i].uri);
			conf_file_free(f);
			continue;
		}
		assert_int_not_equal(parse(text, &f, &faults), 0);
		assert_non_null(strstr(faults.lines[0], "cpm.yaml:3: listeners[0].contacts: '"));
		assert_non_null(strstr(faults.lines[0], "is no URI of mailto:, xmpp: or https:"));
		conf_faults_free(&faults);
	}
}

static void all_listeners_together_have_eight_contacts(void **state)
{
	static const char  four[] = "[\"xmpp:a@b\", \"xmpp:b@b\", \"xmpp:c@b\", \"xmpp:d@b\"]";
	struct conf_file  *f;
	struct conf_faults faults = {0, NULL};
	char               text[1024];

	(void)state;
	snprintf(text, sizeof(text),
		 DATAPLANE "listeners:\n"
			   "- {name: a, protocol: xmpp, address: 198.18.0.1, contacts: %s}\n"
			   "- {name: b, protocol: xmpp, link: server, address: 198.18.0.1, "
			   "contacts: %s}\n",
		 four, four);
	if (parse(text, &f, &faults) != 0)
		fail_msg("%s", faults.lines[0]);
	conf_file_free(f);
	strcat(text, "- {name: c, protocol: xmpp, port: 6, address: 198.18.0.1, "
		     "contacts: [\"xmpp:e@b\"]}\n");
	assert_int_not_equal(parse(text, &f, &faults), 0);
	assert_string_equal(faults.lines[0],
			    "cpm.yaml:5: listeners[2].contacts: the listeners have more than 8 "
			    "together; write each contact at one of them");
	conf_faults_free(&faults);
}

static const struct {
	const char *text, *fault;
} wrong[] = {
	{"node: cpm\n", "cpm.yaml:1: dataplane.ports: is missing; write [{name: core0, device: "
			"..., addresses: [...]}]"},
	{"nod: cpm\n" DATAPLANE, "cpm.yaml:1: nod: unknown key; did you mean 'node'?"},
	{"listners: []\n" DATAPLANE,
	 "cpm.yaml:1: listners: unknown key; did you mean 'listeners'?"},
	{"node: a\nnode: b\n" DATAPLANE, "cpm.yaml:2: node: is given twice; keep one"},
	{"run_dir: run\n" DATAPLANE,
	 "cpm.yaml:1: run_dir: 'run' is no absolute path; begin it with /"},
	{"node_number: 128\n" DATAPLANE,
	 "cpm.yaml:1: node_number: '128' is not a number of 0 to 127"},
	{"dataplane:\n  ports: [" PORT "]\n  idle: never\n",
	 "cpm.yaml:3: dataplane.idle: 'never' is not auto, poll or sleep"},
	{"dataplane:\n  ports: [" PORT "]\n  worker_lcores: [0, 0]\n",
	 "cpm.yaml:3: dataplane.worker_lcores: core 0 is named twice; a core runs one worker"},
	{"dataplane:\n  ports: [" PORT "]\n  worker_lcores: [x]\n",
	 "cpm.yaml:3: dataplane.worker_lcores: 'x' is not a number of 0 to 127"},
	{"dataplane:\n  ports:\n  - " PORT
	 "\n  - {name: core0, device: b, addresses: [10.0.0.1/8]}\n",
	 "cpm.yaml:4: ports[1].name: 'core0' is the name of ports[0] as well; give another"},
	{"dataplane:\n  ports:\n  - " PORT
	 "\n  - {name: core1, device: b, addresses: [198.18.0.1/8]}\n",
	 "cpm.yaml:4: ports[1].addresses: holds an address of ports[0] as well; an address is on "
	 "one port"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [10.0.0.1/24], gateway: "
	 "10.0.1.1}\n",
	 "cpm.yaml:3: ports[0].gateway: is in the network of none of the port's addresses; write "
	 "one that is"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [10.0.0.1/24], gateway: "
	 "\"2001:2::1\"}\n",
	 "cpm.yaml:3: ports[0].gateway: is no IPv4 address; write IPv4 as 'gateway', IPv6 as "
	 "'gateway6'"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [\"2001:2::1/64\"], gateway6: "
	 "10.0.0.1}\n",
	 "cpm.yaml:3: ports[0].gateway6: is no IPv6 address; write IPv4 as 'gateway', IPv6 as "
	 "'gateway6'"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [\"2001:2::1/64\"], gateway6: "
	 "\"2001:3::1\"}\n",
	 "cpm.yaml:3: ports[0].gateway6: is in the network of none of the port's addresses; write "
	 "one that is"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [\"2001:2::1/64\"], mtu: "
	 "1279}\n",
	 "cpm.yaml:3: ports[0].mtu: 1279 is too small for IPv6; write 1280 or more, or leave out "
	 "the IPv6 addresses"},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [10.0.0.1]}\n",
	 "cpm.yaml:3: ports[0].addresses: '10.0.0.1' is no address with prefix length, as in "
	 "198.18.0.1/24 or \"2001:2::1/64\""},
	{"dataplane:\n  ports:\n  - {name: a, device: b, addresses: [10.0.0.1/33]}\n",
	 "cpm.yaml:3: ports[0].addresses: '10.0.0.1/33' is no address with prefix length, as in "
	 "198.18.0.1/24 or \"2001:2::1/64\""},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 10.0.0.1}\n",
	 "cpm.yaml:3: listeners[0].address: is not an address of any port; write one of "
	 "`dataplane: ports: addresses:`, or add it there"},
	{DATAPLANE "listeners:\n- {name: a, address: 198.18.0.1}\n",
	 "cpm.yaml:3: listeners[0].protocol: is missing; write smpp, sip or xmpp"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1}\n- {name: b, "
		   "protocol: smpp, address: 198.18.0.1}\n",
	 "cpm.yaml:4: listeners[1].port: listeners[0] has the same address and port; change one"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1}\n- {name: a, "
		   "protocol: smpp, address: 198.18.0.1, port: 9}\n",
	 "cpm.yaml:4: listeners[1].name: 'a' is the name of listeners[0] as well; give another"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1, domains: [x]}\n",
	 "cpm.yaml:3: listeners[0].domains: is a key of sip and xmpp, and this is smpp; leave it "
	 "out"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, domains: "
		   "[example.org, a..b]}\n",
	 "cpm.yaml:3: listeners[0].domains: 'a..b' is no domain name; write as in example.org"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1, transport: [tcp, "
		   "udp]}\n",
	 "cpm.yaml:3: listeners[0].transport: 'udp' is no transport of smpp; write tcp"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, transport: []}\n",
	 "cpm.yaml:3: listeners[0].transport: '' is not a list of udp and tcp, or one of them"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1, languages: "
		   "[urdu]}\n",
	 "cpm.yaml:3: listeners[0].languages: is a key of sip, and this is smpp; leave it out"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, languages: "
		   "[french]}\n",
	 "cpm.yaml:3: listeners[0].languages: 'french' is not a list of turkish, spanish, "
	 "portuguese, bengali, gujarati, hindi, kannada, malayalam, oriya, punjabi, tamil, telugu "
	 "or urdu"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, authentication: "
		   "basic}\n",
	 "cpm.yaml:3: listeners[0].authentication: 'basic' is not none, digest or digest-md5"},
	{DATAPLANE "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1}\n- {name: b, "
		   "protocol: smpp, address: 198.18.0.1, port: 2775}\n",
	 "cpm.yaml:4: listeners[1].port: listeners[0] has the same address and port; change one"},
	{DATAPLANE
	 "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1, msrp_port: 2855}\n",
	 "cpm.yaml:3: listeners[0].msrp_port: is a key of sip, and this is smpp; leave it out"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, ws_port: 5060}\n",
	 "cpm.yaml:3: listeners[0].ws_port: 5060 is a TCP port of listeners[0]; write another"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, ws_port: 2775}\n"
		   "- {name: b, protocol: smpp, address: 198.18.0.1}\n",
	 "cpm.yaml:3: listeners[0].ws_port: 2775 is a TCP port of listeners[1]; write another"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, ws_port: 80}\n"
		   "- {name: b, protocol: sip, address: 198.18.0.1, port: 5070, ws_port: 80}\n",
	 "cpm.yaml:4: listeners[1].ws_port: 80 is a TCP port of listeners[0]; write another"},
	{DATAPLANE "listeners:\n- {name: a, protocol: xmpp, address: 198.18.0.1, link: server, "
		   "ws_port: 80}\n",
	 "cpm.yaml:3: listeners[0].ws_port: is for clients; leave it out"},
	{TWO_WORKERS "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: "
		     "2855, ws_port: 2856}\n",
	 "cpm.yaml:5: listeners[0].ws_port: 2856 is a TCP port of listeners[0]; write another"},
	{TWO_WORKERS
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: 65535}\n",
	 "cpm.yaml:5: listeners[0].msrp_port: 65535 leaves no port for each of 2 workers; write "
	 "65534 or less"},
	{TWO_WORKERS
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: 5059}\n",
	 "cpm.yaml:5: listeners[0].msrp_port: 5059 to 5060, one port for each worker, hold port "
	 "5060 of listeners[0]; write another"},
	{TWO_WORKERS
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: 2774}\n"
	 "- {name: b, protocol: smpp, address: 198.18.0.1}\n",
	 "cpm.yaml:5: listeners[0].msrp_port: 2774 to 2775, one port for each worker, hold port "
	 "2775 of listeners[1]; write another"},
	{TWO_WORKERS
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, msrp_port: 2855}\n"
	 "- {name: b, protocol: sip, address: 198.18.0.1, port: 5070, msrp_port: 2856}\n",
	 "cpm.yaml:6: listeners[1].msrp_port: 2856 to 2857, one port for each worker, overlap "
	 "those of listeners[0]; write another"},
	{DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, transport: udp, "
		   "port: 5060}\n- {name: b, protocol: sip, address: 198.18.0.1, port: 5060}\n",
	 "cpm.yaml:4: listeners[1].port: listeners[0] has the same address and port; change one"},
	{DATAPLANE "control:\n  http: {address: 127.0.0.1, port: 8080}\n",
	 "cpm.yaml:3: control.http: the API over TCP is not in this version; leave it out and use "
	 "the Unix socket"},
	{DATAPLANE "hosts: {a.example: nowhere}\n",
	 "cpm.yaml:2: hosts.a.example: 'nowhere' is not an IPv4 or IPv6 address"},
	{DATAPLANE "control: {dns: [ns.example]}\n",
	 "cpm.yaml:2: control.dns: 'ns.example' is no address of a server; write as in "
	 "198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "control: {dns: [\"1.2.3.4:0\"]}\n",
	 "cpm.yaml:2: control.dns: '1.2.3.4:0' is no address of a server; write as in "
	 "198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "control: {dns: [\"1.2.3.4:65536\"]}\n",
	 "cpm.yaml:2: control.dns: '1.2.3.4:65536' is no address of a server; write as in "
	 "198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "control: {dns: [\"[::1]\"]}\n",
	 "cpm.yaml:2: control.dns: '[::1]' is no address of a server; write as in 198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "control: {dns: [\"[::1:53\"]}\n",
	 "cpm.yaml:2: control.dns: '[::1:53' is no address of a server; write as in 198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "control: {dns: [\"[1.2.3.4]:53\"]}\n",
	 "cpm.yaml:2: control.dns: '[1.2.3.4]:53' is no address of a server; write as in "
	 "198.51.100.1, "
	 "\"198.51.100.1:53\", \"2001:db8::1\" or \"[2001:db8::1]:53\""},
	{DATAPLANE "stir: {key: /k}\n",
	 "cpm.yaml:2: stir.url: is missing, by which others find the certificate of the key; write "
	 "as in \"https://cert.example.org/cpm.pem\""},
	{DATAPLANE "stir: {key: /k, url: \"http://a/b\"}\n",
	 "cpm.yaml:2: stir.url: is no URL of https:; write as in "
	 "\"https://cert.example.org/cpm.pem\""},
	{DATAPLANE "stir: {certificate: /c}\n",
	 "cpm.yaml:2: stir.key: is missing; write the file of the private key"},
	{DATAPLANE "stir: {key: /k, url: \"https://a/b\", attest: D}\n",
	 "cpm.yaml:2: stir.attest: 'D' is not none, A, B or C"},
	{DATAPLANE "stir: {key: /k, url: \"https://a/b\", attest: A}\n",
	 "cpm.yaml:2: stir.origid: is no UUID; write as in 123e4567-e89b-12d3-a456-426655440000, "
	 "another one for each appliance"},
	{DATAPLANE "stir: {key: /k, url: \"https://a/b\", origid: 123e4567e89b12d3a456}\n",
	 "cpm.yaml:2: stir.origid: is no UUID; write as in 123e4567-e89b-12d3-a456-426655440000, "
	 "another one for each appliance"},
	{DATAPLANE "stir:\n  certificates:\n  - {url: \"https://a/b\", file: /f}\n",
	 "cpm.yaml:4: stir.anchors: is missing; write the file of the certificates that vouch for "
	 "these"},
	{DATAPLANE "stir:\n  anchors: /a\n  certificates:\n  - {url: \"https://a/b\"}\n",
	 "cpm.yaml:5: certificates[0].file: is missing; write a text of 1 to 255 "
	 "characters"},
	{DATAPLANE "stir:\n  anchors: /a\n  certificates:\n  - {url: \"https://a/b\", file: /f}\n"
		   "  - {url: \"https://a/b\", file: /g}\n",
	 "cpm.yaml:5: stir.certificates: has 'https://a/b' twice; give each URL once"},
	{DATAPLANE
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, identity: verify}\n",
	 "cpm.yaml:3: listeners[0].identity: needs certificates to verify by; write them to `stir: "
	 "certificates:`"},
	{DATAPLANE
	 "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, identity: [sign]}\n",
	 "cpm.yaml:3: listeners[0].identity: 'sign' is for peers, to which things go; write verify "
	 "or require"},
	{DATAPLANE
	 "listeners:\n- {name: a, protocol: smpp, address: 198.18.0.1, identity: verify}\n",
	 "cpm.yaml:3: listeners[0].identity: is a key of sip, and this is smpp; leave it out"},
	{DATAPLANE "control: here\n",
	 "cpm.yaml:2: control: is no map; write its keys below it, indented"},
};

static void each_fault_is_told_with_its_remedy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct conf_file  *file;
		struct conf_faults faults = {0, NULL};

		assert_int_equal(parse(wrong[i].text, &file, &faults), -EINVAL);
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

/* Every number that cpm.yaml can have: at its least, at its most, one over, and one under. */
static void every_number_is_held_to_its_range(void **state)
{
	(void)state;
	union {
		struct conf_cpm       cpm;
		struct conf_dataplane dataplane;
		struct conf_port      port;
		struct conf_listener  listener;
	} object;
	unsigned checked = 0;

	for (enum conf_section section = 0; section < CONF_SECTION_account; section++) {
		unsigned               n;
		const struct conf_key *keys = conf_keys(section, &n);

		for (unsigned i = 0; i < n; i++) {
			const struct {
				uint64_t value;
				bool     good;
			} cases[] = {{keys[i].min, true},
				     {keys[i].max, true},
				     {keys[i].max + 1, false},
				     {keys[i].min - 1, false}};

			for (unsigned c = 0; keys[i].type == &conf_type_UINT && c < 4; c++) {
				struct conf_faults  faults = {0, NULL};
				struct conf_reading reading = {.faults = &faults,
							       .file = "cpm.yaml"};
				char                text[32];
				struct conf_node    node = {.kind = CONF_NODE_TEXT, .line = 7};

				snprintf(text, sizeof(text), "%llu",
					 (unsigned long long)cases[c].value);
				node.text = str_of(text);
				memset(&object, 0, sizeof(object));
				assert_int_equal(keys[i].type->read(&keys[i],
								    conf_field(&keys[i], &object),
								    &node, &reading),
						 cases[c].good);
				assert_int_equal(faults.n, cases[c].good ? 0 : 1);
				if (cases[c].good)
					assert_int_equal(*(uint32_t *)conf_field(&keys[i], &object),
							 cases[c].value);
				conf_faults_free(&faults);
				checked++;
			}
		}
	}
	assert_true(checked >= 4 * 9);
}

/* The defaults of keys.def are values that a person could write. */
static void every_default_is_a_value_of_its_key(void **state)
{
	(void)state;
	for (enum conf_section section = 0; section < CONF_SECTION_COUNT; section++) {
		unsigned               n;
		const struct conf_key *keys = conf_keys(section, &n);

		for (unsigned i = 0; i < n; i++) {
			struct conf_faults  faults = {0, NULL};
			struct conf_reading reading = {.faults = &faults, .file = "keys.def"};
			uint8_t            *field = calloc(1, keys[i].size);
			struct conf_node    node = {.kind = CONF_NODE_TEXT};

			if (keys[i].default_text != NULL && !conf_key_required(&keys[i])) {
				node.text = str_of(keys[i].default_text);
				if (!keys[i].type->read(&keys[i], field, &node, &reading))
					fail_msg("%s", faults.lines[0]);
			}
			if (keys[i].type->clear != NULL)
				keys[i].type->clear(field);
			free(field);
		}
	}
}

static void keys_and_certificates_are_named(void **state)
{
	static const char text[] =
		DATAPLANE "listeners:\n- {name: a, protocol: sip, address: 198.18.0.1, identity: "
			  "require}\n"
			  "stir:\n  key: /etc/cpm/stir.key\n  url: \"https://a.example/b.pem\"\n"
			  "  attest: B\n  origid: 123e4567-e89b-12d3-a456-426655440000\n"
			  "  anchors: /etc/cpm/anchors.pem\n  certificates:\n"
			  "  - {url: \"https://b.example/c.pem\", file: /etc/cpm/c.pem}\n"
			  "  - {url: \"https://b.example/d.pem\", file: /etc/cpm/d.pem}\n";
	struct conf_faults faults = {0, NULL};
	struct conf_file  *file;

	(void)state;
	if (parse(text, &file, &faults) < 0)
		fail_msg("%s", faults.lines[0]);
	assert_string_equal(file->stir.key, "/etc/cpm/stir.key");
	assert_string_equal(file->stir.url, "https://a.example/b.pem");
	assert_string_equal(file->stir.certificate, "");
	assert_int_equal(file->stir.attest, CONF_ATTEST_B);
	assert_string_equal(file->stir.anchors, "/etc/cpm/anchors.pem");
	assert_int_equal(file->certificate_count, 2);
	assert_string_equal(file->certificates[1].url, "https://b.example/d.pem");
	assert_string_equal(file->certificates[1].file, "/etc/cpm/d.pem");
	assert_int_equal(file->listeners[0].identity, CONF_IDENTITY_REQUIRE);
	conf_file_free(file);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	struct conf_file  *file;
	struct conf_faults faults = {0, NULL};

	assert_int_equal(conf_file_read("/nonexistent/cpm.yaml", &file, &faults), -ENOENT);
	assert_int_equal(faults.n, 0);
	assert_null(file);
}

static int setup(void **state)
{
	(void)state;
	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_design_is_read),
		cmocka_unit_test(a_listener_has_what_its_protocol_has),
		cmocka_unit_test(ports_of_large_messages_that_are_nobody_elses_are_taken),
		cmocka_unit_test(ports_of_websockets_that_are_nobody_elses_are_taken),
		cmocka_unit_test(routes_of_requests_to_us_are_taken_as_they_are),
		cmocka_unit_test(what_is_no_route_to_us_is_refused),
		cmocka_unit_test(whom_to_write_to_is_a_uri),
		cmocka_unit_test(all_listeners_together_have_eight_contacts),
		cmocka_unit_test(each_fault_is_told_with_its_remedy),
		cmocka_unit_test(every_number_is_held_to_its_range),
		cmocka_unit_test(every_default_is_a_value_of_its_key),
		cmocka_unit_test(keys_and_certificates_are_named),
		cmocka_unit_test(a_file_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
