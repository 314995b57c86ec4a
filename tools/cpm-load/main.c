/* cpm-load: load generator and simulator peers for SMPP, the judge of their records, and a SIP
 * device. */
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "phone.h"
#include "verify.h"

static const struct command {
	const char *name, *help;
} commands[] = {
	{"esme", "Bind to a server as an ESME, send messages, take messages and receipts."},
	{"smsc",
	 "Play the server: accept binds, answer, send receipts and messages, misbehave by script."},
	{"phone",
	 "Register as a SIP device, print the messages that come and take them, send one."},
	{"verify", "Compare the records of senders and receivers: nothing lost, doubled, changed, "
		   "out of order or wrongly answered."},
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
		if (letter == 'v')
			return verify_run(&options);
		if (letter == 'p')
			return phone_run(&options);
		return load_run(&options, letter == 'e' ? &role_esme : &role_smsc);
	}
	fprintf(stderr, "cpm-load: %s%s; expected esme, smsc, phone or verify, or --help\n",
		argc >= 2 ? "no such command: " : "no command", argc >= 2 ? argv[1] : "");
	return 1;
}
