/*
 * The commands of operators, from commands.def: words of the command line into a call, a call into
 * an HTTP request and back, help and completion. Used by cpmctl (from words to request) and by
 * control (from request to call). Control path; pure but for what it returns; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <sys/types.h>

#include <jansson.h>

#include "base/str.h"
#include "conf/key.h"

enum ctl_role { ROLE_VIEW, ROLE_OPERATE, ROLE_ADMIN };

enum ctl_command {
#define CMD(id, grammar, role, help) CTL_##id,
#include "ctl/commands.def"
#undef CMD
	CTL_COUNT
};

const char   *ctl_grammar(enum ctl_command command);
const char   *ctl_help(enum ctl_command command);
enum ctl_role ctl_role(enum ctl_command command);
const char   *ctl_role_name(enum ctl_role role); /* "view", "operate", "admin" */

/* What a caller on the Unix socket may do: root and the daemon's own user all; its group operates;
 * others look. */
enum ctl_role ctl_role_of(uid_t uid, gid_t gid, uid_t own_uid, gid_t own_gid);

/* One part of a grammar after its leading words. */
enum ctl_part_kind { CTL_VALUE, CTL_WORD_VALUE, CTL_FLAG, CTL_FLAG_VALUE, CTL_KEYS };

struct ctl_part {
	enum ctl_part_kind kind;
	bool               optional;
	char               word[24]; /* WORD_VALUE, FLAG, FLAG_VALUE: as written, with its dashes */
	char               name[24]; /* of the argument: "to"; of a flag: "dry-run" */
};

#define CTL_WORDS_MAX 3u
#define CTL_PARTS_MAX 8u

struct ctl_syntax {
	unsigned        word_count, part_count;
	char            words[CTL_WORDS_MAX][24]; /* "route", "add" */
	struct ctl_part parts[CTL_PARTS_MAX];
};
void ctl_syntax(enum ctl_command command, struct ctl_syntax *syntax);
/* The section of keys.def whose keys the command takes: that of the last of its leading words that
 * names one ("account set", "port fault"). CONF_SECTION_COUNT: none. */
enum conf_section ctl_section(const struct ctl_syntax *syntax);

/*
 * Words of a command line into a call: which command, and its arguments by name, typed as keys.def
 * has them for the noun ({"to": "+4670", "via":
 * ["a", "b"], "priority": 10}). Any unambiguous beginning of a leading word is enough. 0 and *args
 * for the caller; or -EINVAL and a sentence that says what would be right.
 */
int ctl_parse(unsigned n, const char *const words[], enum ctl_command *command, json_t **args,
	      char error[512]);

/* "GET" or "POST"; "/v1/route/add" written to room. */
const char *ctl_method(enum ctl_command command);
void        ctl_path(enum ctl_command command, char room[64]);
/* The command of a path; false: none has it. */
bool ctl_find(const char *path, enum ctl_command *command);

/* Help of what the words begin: all commands, those of a noun, or one. false: nothing begins so. */
bool ctl_help_print(FILE *out, unsigned n, const char *const words[]);
/* Completion for bash, of program `program`. */
void ctl_completion_bash(FILE *out, const char *program);
