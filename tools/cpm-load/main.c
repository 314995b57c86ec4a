/* cpm-load: load generators and simulator peers for SMPP and XMPP, the judge of their records, and
 * a SIP device. */
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "phone.h"
#include "verify.h"

static const struct command { /* known by the first letter of its name, too */
	const char        *name, *help;
	const struct role *role;                   /* of a run, or NULL and ... */
	int (*run)(const struct options *options); /* ... what else is done */
} commands[] = {
	{"esme", "Bind to a server as an ESME, send messages, take messages and receipts.",
	 &role_esme, NULL},
	{"smsc",
	 "Play the server: accept binds, answer, send receipts and messages, misbehave by script.",
	 &role_smsc, NULL},
	{"chat",
	 "Log in as clients of XMPP that write to one another or to others, take messages and "
	 "receipts.",
	 &role_chat, NULL},
	{"phone", "Register as a SIP device, print the messages that come and take them, send one.",
	 NULL, phone_run},
	{"verify",
	 "Compare the records of senders and receivers: nothing lost, doubled, changed, "
	 "out of order or wrongly answered.",
	 NULL, verify_run},
};

static void help(void)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		printf("%scpm-load %s [OPTION]...\n%s\n\n", i > 0 ? "\n" : "", commands[i].name,
		       commands[i].help);
		options_help(commands[i].name[0]);
	}
}

int main(int argc, char **argv)
{
	static struct options options;

	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		help();
		return 0;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		char letter = commands[i].name[0];

		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (!options_parse(letter, argc - 2, argv + 2, &options))
			return 1;
		if (options.help) {
			printf("cpm-load %s [OPTION]...\n%s\n\n", commands[i].name,
			       commands[i].help);
			options_help(letter);
			return 0;
		}
		return commands[i].role != NULL ? load_run(&options, commands[i].role)
						: commands[i].run(&options);
	}
	fprintf(stderr, "cpm-load: %s%s; expected esme, smsc, chat, phone or verify, or --help\n",
		argc >= 2 ? "no such command: " : "no command", argc >= 2 ? argv[1] : "");
	return 1;
}
