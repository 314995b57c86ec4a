/*
 * gendoc PAGE: writes a manual page (mdoc) or the completion from the tables that the programs
 * themselves use, so that neither can say anything else: cpmctl.1 from commands.def, cpm.yaml.5 and
 * cpm-apply.5 from keys.def and the rule language, cpm-reference.7 from reasons.def and
 * metrics.def. Runs when the project is built.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/key.h"
#include "ctl/ctl.h"
#include "metrics/metrics.h"

/* Text for mdoc: what would be a request or an escape is neither. */
static void text(const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else if (*s == '"')
			fputs("\\(dq", stdout);
		else if (*s == '\'')
			fputs("\\(aq", stdout);
		else if (*s == '`')
			fputs("\\(ga", stdout);
		else
			putchar(*s);
	}
}

/* Sentences, each on a line of its own. */
static void line(const char *s)
{
	char sentence[1024];

	for (const char *end;
	     (end = strstr(s, ". ")) != NULL && (size_t)(end - s) < sizeof(sentence) - 2;
	     s = end + 2) {
		snprintf(sentence, sizeof(sentence), "%.*s", (int)(end - s) + 1, s);
		text(sentence);
		putchar('\n');
	}
	text(s);
	putchar('\n');
}

/* A macro with one quoted argument. */
static void macro(const char *name, const char *s)
{
	printf(".%s \"", name);
	text(s);
	puts("\"");
}

static void page_begin(const char *name, const char *section, const char *what)
{
	printf(".Dd $Mdocdate$\n.Dt ");
	for (const char *p = name; *p != '\0'; p++)
		putchar(toupper((unsigned char)*p));
	printf(" %s\n.Os\n.Sh NAME\n.Nm ", section);
	line(name);
	macro("Nd", what);
}

/* ---- keys ---- */

static void keys_of(enum conf_section section)
{
	unsigned               n;
	const struct conf_key *keys = conf_keys(section, &n);

	puts(".Bl -tag -width Ds");
	for (unsigned i = 0; i < n; i++) {
		char range[512], protocols[128];

		conf_key_range(&keys[i], range, sizeof(range));
		conf_key_protocols(&keys[i], protocols, sizeof(protocols));
		macro("It Cm", keys[i].name);
		line(keys[i].help);
		if (protocols[0] != '\0')
			printf("Only with %s.\n", protocols);
		printf("Value: ");
		text(range);
		if (conf_key_required(&keys[i]))
			puts(".\nMust be given.");
		else if (keys[i].default_text == NULL || keys[i].default_text[0] == '\0')
			puts(".\nEmpty when left out.");
		else {
			puts(".\nWhen left out:");
			macro("Ql", keys[i].default_text);
		}
	}
	puts(".El");
}

/* ---- cpmctl.1 ---- */

static void cpmctl_options(void)
{
	puts(".Bl -tag -width Ds\n.It Fl \\-socket Ar path\nThe socket of cpm\\-control; else the "
	     "variable\n.Ev CPM_SOCKET ,\nelse\n"
	     ".Pa /run/cpm/control.sock .\n.It Fl \\-json\nPrint the reply as JSON: the same "
	     "columns.\n.It Fl \\-help\nPrint what may follow "
	     "the words that are there.\n.El");
}

static void cpmctl_commands(void)
{
	puts(".Sh COMMANDS\nAny unambiguous beginning of a word is enough.\nWhat stands in "
	     "brackets may be left out.\n.Bl -tag -width Ds");
	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		char path[64];

		ctl_path(c, path);
		macro("It", ctl_grammar(c));
		line(ctl_help(c));
		printf("Role: %s.\nOver HTTP:\n.Ql %s %s .\n", ctl_role_name(ctl_role(c)),
		       ctl_method(c), path);
	}
	puts(".It completion bash\nPrint the completion for\n.Xr bash 1 .\n.El");
	puts(".Ss Keys of port fault");
	keys_of(CONF_SECTION_fault);
}

static void page_cpmctl(void)
{
	page_begin("cpmctl", "1", "operate the message routing appliance");
	puts(".Sh SYNOPSIS\n.Nm\n.Op Fl \\-socket Ar path\n.Op Fl \\-json\n.Ar command ...\n.Sh "
	     "DESCRIPTION\n.Nm\nasks cpm\\-control over its "
	     "Unix socket, in HTTP and JSON, and prints the reply as a table.\nA change is checked "
	     "whole, committed as one version, and in force on "
	     "every worker when the command returns.");
	cpmctl_options();
	cpmctl_commands();
	puts(".Sh ROLES\nroot and the user of cpm\\-control may do everything (admin); the group "
	     "of cpm\\-control may end sessions (operate); "
	     "others may look (view).\nThe mode of the socket decides who can connect at all.");
	puts(".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\nDone; a change is in "
	     "force.\n.It 1\nRefused: nothing was changed; each fault is "
	     "printed.\n.It 2\nThe command is not valid.\n.It 3\nCommitted but not in force: the "
	     "dataplane is down and takes it when it is back.\n"
	     ".It 4\ncpm\\-control cannot be reached.\n.El");
	puts(".Sh EXAMPLES\n.Dl cpmctl apply \\-f site.yaml \\-\\-dry\\-run\n.Dl cpmctl route add "
	     "+4670 via smsc1,smsc2 priority 10\n"
	     ".Dl cpmctl route explain +46701234567 +46707654321 \\(dqhello\\(dq account "
	     "esme1\n.Dl cpmctl account set esme1 window=500 "
	     "rate=1000\n.Dl cpmctl port fault core0 loss=10 delay=2000\n.Dl cpmctl \\-\\-json "
	     "session list\n.Sh SEE ALSO\n.Xr cpm-apply 5 "
	     ",\n.Xr cpm.yaml 5 ,\n.Xr cpm-reference 7");
}

static void page_yaml(void)
{
	page_begin("cpm.yaml", "5", "configuration of cpm-dataplane and cpm-control");
	puts(".Sh DESCRIPTION\nBoth programs read the same file when they start; a change of it is "
	     "in force after their restart.\nAccounts, peers, "
	     "routes and rules are not in it: see\n.Xr cpm-apply 5 .\nThe file is YAML without "
	     "anchors, aliases and tags.\nWith\n"
	     ".Fl \\-check\neither program prints every fault as\n.Ql file:line: key: what is "
	     "wrong, what would be right\nand exits with 0 or "
	     "1.\n.Ss \\&At the top");
	keys_of(CONF_SECTION_cpm);
	puts(".Ss dataplane:");
	keys_of(CONF_SECTION_dataplane);
	puts(".Ss dataplane: ports:\nA list; for each port:");
	keys_of(CONF_SECTION_port);
	puts(".Ss listeners:\nA list; for each listener:");
	keys_of(CONF_SECTION_listener);
	puts(".Ss stir:");
	keys_of(CONF_SECTION_stir);
	puts(".Ss stir: certificates:\nA list; for each certificate of somebody who signs:");
	keys_of(CONF_SECTION_certificate);
	puts(".Ss control:");
	keys_of(CONF_SECTION_control);
	puts(".Ss hosts:\nA map of names to addresses: what a\n.Cm host\nof that name means, "
	     "whatever DNS says.");
	puts(".Sh EXAMPLES\n.Bd -literal\nnode: cpm1\ndataplane:\n  main_lcore: 1\n  "
	     "worker_lcores: [0]\n  ports:\n    \\- {name: core0, device: "
	     "\\(dqnet_af_xdp0,iface=veth\\-cpm\\(dq,\n       addresses: [198.18.0.1/24], gateway: "
	     "198.18.0.254}\nlisteners:\n  \\- {name: esme, "
	     "protocol: smpp, address: 198.18.0.1, port: 2775}\nhosts: {smsc.example: "
	     "198.18.0.2}\n.Ed\n.Sh SEE ALSO\n.Xr cpmctl 1 ,\n.Xr "
	     "cpm-apply 5");
}

/* ---- apply files and the rule language ---- */

static const struct word {
	const char *key, *value, *text;
} conditions[] =
	{
#define RULE_TYPE(key, reader, field, value, text) {#key, value, text},
#include "rules/rule_types.def"
#undef RULE_TYPE
},
  actions[] = {
#define ACTION(key, kind, value, text) {#key, value, text},
#include "rules/actions.def"
#undef ACTION
};

static void words_of(const struct word words[], size_t n)
{
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < n; i++) {
		printf(".It Cm %s : Ar \"", words[i].key);
		text(words[i].value);
		puts("\"");
		line(words[i].text);
	}
	puts(".El");
}

static void page_apply(void)
{
	page_begin("cpm-apply", "5", "accounts, peers, routes, rules and subscribers as a file");
	puts(".Sh DESCRIPTION\n.Ql cpmctl apply \\-f\nputs what a file says in force, all or "
	     "nothing.\nThe same keys are those of\n.Ql cpmctl account "
	     "add\nand its like.\nThe file is YAML without anchors, aliases and tags.\n.Ss "
	     "accounts:\nWho may log in here.");
	keys_of(CONF_SECTION_account);
	puts(".Ss peers:\nWhere this appliance connects to.");
	keys_of(CONF_SECTION_peer);
	puts(".Ss routes:\nThe exact number or address first, then the longest prefix or the "
	     "domain, then priority.");
	keys_of(CONF_SECTION_route);
	puts(".Ss rules:\nTried in order; the first that rejects, drops or routes ends it.");
	keys_of(CONF_SECTION_rule);
	puts(".Ss subscribers:\nWho is reached here by a number of its own, and registers with "
	     "what protocols.");
	keys_of(CONF_SECTION_subscriber);
	puts(".Ss Conditions of a rule");
	words_of(conditions, sizeof(conditions) / sizeof(conditions[0]));
	puts(".Ss Actions of a rule");
	words_of(actions, sizeof(actions) / sizeof(actions[0]));
	puts(".Sh EXAMPLES\n.Bd -literal\naccounts:\n  \\- {name: esme1, password: secret1, rate: "
	     "50000, sender: [\\(dq+46\\(dq, "
	     "\\(dq=ACME\\(dq]}\npeers:\n  \\- {name: smsc1, host: 198.18.0.2, port: 2776, "
	     "system_id: cpm, password: pw}\nroutes:\n  \\- {to: "
	     "\\(dq+4670\\(dq, via: [smsc1]}\n  \\- {to: \\(dq=71234\\(dq, via: [esme1]}\nrules:\n "
	     " \\- {name: spam\\-url, when: {text: "
	     "\\(aqbit\\e.ly/[a\\-z0\\-9]+\\(aq}, then: {reject: spam}}\nsubscribers:\n  "
	     "\\- {address: \\(dq+46701234567\\(dq, sip: \\(dqsip:alice@example.org\\(dq, "
	     "password: pw}\n.Ed\n.Sh SEE ALSO\n.Xr "
	     "cpmctl 1 ,\n.Xr cpm.yaml 5");
}

/* ---- cpm-reference.7 ---- */

static void page_reference(void)
{
	static const char *const classes[] = {"success", "temporary", "permanent", "protocol"};

	page_begin("cpm-reference", "7", "reasons and counters of the message routing appliance");
	puts(".Sh REASONS\nEvery message ends delivered, or refused with one of these reasons, "
	     "each of which is a counter\n.Ql "
	     "refused{reason=...} .\n.Bl -tag -width Ds");
	for (unsigned why = 0; why < REASON_COUNT; why++) {
		macro("It Cm", reason_name((enum reason)why));
		line(reason_text((enum reason)why));
		printf("(%s)\n", classes[reason_class((enum reason)why)]);
	}
	puts(".El\n.Sh COUNTERS\n.Bl -tag -width Ds");
	for (unsigned id = 0; id < METRIC_REFUSED; id++) {
		macro("It Cm", metric_name(id));
		line(metric_help(id));
		printf("(%s)\n", metric_kind(id) == METRIC_KIND_COUNTER ? "counter" : "gauge");
	}
	puts(".El\n.Sh SEE ALSO\n.Xr cpmctl 1");
}

static void completion(void)
{
	ctl_completion_bash(stdout, "cpmctl");
}

static const struct {
	const char *name;
	void (*print)(void);
} pages[] = {
	{"cpmctl.1", page_cpmctl},   {"cpm.yaml.5", page_yaml},
	{"cpm-apply.5", page_apply}, {"cpm-reference.7", page_reference},
	{"cpmctl.bash", completion},
};

static const struct conf_protocol protocols[] = {
#define PROTO(name, port, transports, service, users, help)                                        \
	{#name, transports, service, port, CONF_##users},
#include "registry/protocols.def"
#undef PROTO
};

int main(int argc, char *argv[])
{
	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	for (unsigned i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(argv[1], pages[i].name) == 0) {
			pages[i].print();
			return ferror(stdout) != 0;
		}
	}
	fprintf(stderr, "usage: gendoc PAGE; pages:");
	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		fprintf(stderr, " %s", pages[i].name);
	fprintf(stderr, "\n");
	return 2;
}
