/*
 * cpmctl: the command line of operators. It knows the grammar (commands.def), turns a command into
 * one HTTP request over control's Unix socket, and prints the reply as a table or as JSON. Exit
 * codes: 0 done, 1 refused, 2 usage, 3 committed but not in force, 4 control cannot be reached.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "cpmctl/client.h"
#include "cpmctl/print.h"
#include "cpmctl/top.h"

#define SOCKET_DEFAULT "/run/cpm/control.sock"
#define WORDS_MAX 64u
#define APPLY_MAX (256u << 20)

static const struct conf_protocol protocols[] = {
#define PROTO(name, port, transports, service, users, help)                                        \
	{#name, transports, service, port, CONF_##users},
#include "registry/protocols.def"
#undef PROTO
};

struct options {
	const char *socket;
	bool        json, help;
	unsigned    n;
	const char *words[WORDS_MAX];
};

/* Options of cpmctl itself, wherever they stand; the rest are the words of the command. false:
 * usage. */
static bool options_read(int argc, char *const argv[], struct options *o)
{
	const char *socket = getenv("CPM_SOCKET");

	*o = (struct options){.socket = socket != NULL && socket[0] != '\0' ? socket
									    : SOCKET_DEFAULT};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			o->help = true;
		} else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc) {
			o->socket = argv[++i];
		} else if (o->n == WORDS_MAX || strcmp(argv[i], "--socket") == 0) {
			fprintf(stderr, o->n == WORDS_MAX ? "cpmctl: too many words\n"
							  : "cpmctl: --socket wants a path\n");
			return false;
		} else {
			o->words[o->n++] = argv[i];
		}
	}
	return true;
}

static int help(const struct options *o)
{
	if (o->n == 0)
		printf("cpmctl [--socket PATH] [--json] COMMAND; any unambiguous beginning of a "
		       "word is enough\n\n");
	if (ctl_help_print(stdout, o->n, o->words)) {
		if (o->n == 0)
			printf("\n  completion bash\n      Print the completion for bash: source "
			       "<(cpmctl completion bash)\n\n"
			       "`cpmctl NOUN --help` shows the keys of a noun.\n");
		return EXIT_DONE;
	}
	fprintf(stderr, "cpmctl: no command begins so; `cpmctl --help` shows all\n");
	return EXIT_USAGE;
}

/* The whole file, or standard input for "-". NULL after telling why. */
static char *file_read(const char *path, size_t *n)
{
	FILE  *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char  *text = NULL;
	size_t room = 0, got = 1;

	*n = 0;
	while (f != NULL && got > 0 && *n <= APPLY_MAX) {
		if (*n == room) {
			char *grown = realloc(text, room = room * 2 + 65536);

			if (grown == NULL) {
				errno = ENOMEM;
				break;
			}
			text = grown;
		}
		got = fread(text + *n, 1, room - *n, f);
		*n += got;
	}
	if (f == NULL || got > 0 || ferror(f)) {
		fprintf(stderr, "cpmctl: %s: %s\n", path,
			*n > APPLY_MAX ? "longer than 256 MiB; apply it in parts"
				       : strerror(errno));
		free(text);
		text = NULL;
	}
	if (f != NULL && f != stdin)
		fclose(f);
	return text;
}

static int reply_print(long status, const json_t *reply, bool as_json)
{
	if (as_json) {
		json_dumpf(reply, stdout, JSON_COMPACT);
		puts("");
	} else if (status >= 400) {
		print_error(stderr, reply);
	} else if (json_object_get(reply, "columns") != NULL) {
		print_table(stdout, reply);
	} else {
		print_change(stdout, reply);
	}
	return status == 202 ? EXIT_NOT_IN_FORCE : status >= 400 ? EXIT_REFUSED : EXIT_DONE;
}

static int command_run(const struct options *o, enum ctl_command command, const json_t *args)
{
	struct client *client = client_new(o->socket);
	char           error[512] = "", *body = NULL;
	size_t         body_size = 0;
	json_t        *reply = NULL;
	int            code = EXIT_REFUSED;
	long           status;

	if (client == NULL)
		return EXIT_REFUSED;
	if (command == CTL_top) {
		code = top_run(client, args, o->json);
		goto free_client;
	}
	if (command == CTL_apply) {
		body = file_read(json_string_value(json_object_get(args, "file")), &body_size);
		if (body == NULL)
			goto free_client;
	}
	status = client_call(client, command, args, body, body_size, &reply, error);
	if (status == 0) {
		fprintf(stderr, "cpmctl: %s\n", error);
		code = EXIT_UNREACHABLE;
	} else {
		code = reply_print(status, reply, o->json);
	}
	json_decref(reply);
	free(body);
free_client:
	client_free(client);
	return code;
}

int main(int argc, char *argv[])
{
	struct options   o;
	enum ctl_command command;
	json_t          *args;
	char             error[512];
	int              code;

	conf_protocols_set(protocols, sizeof(protocols) / sizeof(protocols[0]));
	if (!options_read(argc, argv, &o))
		return EXIT_USAGE;
	if (o.help || o.n == 0) {
		code = help(&o);
		return o.help ? code : EXIT_USAGE;
	}
	if (o.n == 2 && strcmp(o.words[0], "completion") == 0 && strcmp(o.words[1], "bash") == 0) {
		ctl_completion_bash(stdout, "cpmctl");
		return EXIT_DONE;
	}
	if (ctl_parse(o.n, o.words, &command, &args, error) < 0) {
		fprintf(stderr, "cpmctl: %s\n", error);
		return EXIT_USAGE;
	}
	code = command_run(&o, command, args);
	json_decref(args);
	return code;
}
