/* Help and completion, from the table of commands and the keys of their nouns. */
#include "ctl/ctl.h"

#include "conf/key.h"

static bool begins(const struct ctl_syntax *syntax, unsigned n, const char *const words[])
{
	for (unsigned i = 0; i < n && i < syntax->word_count; i++)
		if (strncmp(syntax->words[i], words[i], strlen(words[i])) != 0)
			return false;
	return n <= syntax->word_count;
}

static bool has_keys(const struct ctl_syntax *syntax)
{
	for (unsigned i = 0; i < syntax->part_count; i++)
		if (syntax->parts[i].kind == CTL_KEYS)
			return true;
	return false;
}

static void keys_print(FILE *out, enum conf_section section)
{
	unsigned               n;
	const struct conf_key *keys = conf_keys(section, &n);

	fprintf(out, "\nKeys of %s:\n", conf_section_name(section));
	for (unsigned i = 0; i < n; i++) {
		char        range[512], protocols[128];
		const char *value = keys[i].default_text != NULL && keys[i].default_text[0] != '\0'
					    ? keys[i].default_text
					    : "empty";

		conf_key_range(&keys[i], range, sizeof(range));
		conf_key_protocols(&keys[i], protocols, sizeof(protocols));
		fprintf(out, "  %-17s %s\n  %-17s %s; %s%s%s%s\n", keys[i].name, keys[i].help, "",
			range, conf_key_required(&keys[i]) ? "must be given" : "default: ",
			conf_key_required(&keys[i]) ? "" : value,
			protocols[0] != '\0' ? "; only with " : "", protocols);
	}
}

bool ctl_help_print(FILE *out, unsigned n, const char *const words[])
{
	enum conf_section section = CONF_SECTION_COUNT;
	unsigned          found = 0;

	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		struct ctl_syntax syntax;

		ctl_syntax(c, &syntax);
		if (!begins(&syntax, n, words))
			continue;
		found++;
		fprintf(out, "  %s\n      %s\n", ctl_grammar(c), ctl_help(c));
		if (n > 0 && has_keys(&syntax))
			section = ctl_section(&syntax);
	}
	if (section != CONF_SECTION_COUNT)
		keys_print(out, section);
	return found > 0;
}

/* One line of the case statement: after these words come those. */
static void completion_case(FILE *out, const char *place, const char *words)
{
	fprintf(out, "\t'%s') words='%s' ;;\n", place, words);
}

static void completion_nouns(FILE *out)
{
	char   words[1024] = "";
	size_t at = 0;

	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		struct ctl_syntax syntax, before = {0};

		ctl_syntax(c, &syntax);
		if (c > 0)
			ctl_syntax(c - 1, &before);
		if (strcmp(syntax.words[0], before.words[0]) != 0)
			at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s",
					       at > 0 ? " " : "", syntax.words[0]);
	}
	completion_case(out, "", words);
}

static void completion_verbs(FILE *out, enum ctl_command first)
{
	struct ctl_syntax syntax, other;
	char              words[512] = "";
	size_t            at = 0;

	ctl_syntax(first, &syntax);
	for (enum ctl_command c = first; c < CTL_COUNT; c++) {
		ctl_syntax(c, &other);
		if (strcmp(other.words[0], syntax.words[0]) == 0 && other.word_count > 1)
			at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s",
					       at > 0 ? " " : "", other.words[1]);
	}
	if (at > 0)
		completion_case(out, syntax.words[0], words);
}

static void completion_parts(FILE *out, enum ctl_command c)
{
	struct ctl_syntax      syntax;
	char                   words[2048] = "", place[64];
	size_t                 at = 0;
	unsigned               n = 0;
	const struct conf_key *keys = NULL;

	ctl_syntax(c, &syntax);
	if (has_keys(&syntax))
		keys = conf_keys(ctl_section(&syntax), &n);
	for (unsigned i = 0; i < syntax.part_count; i++)
		if (syntax.parts[i].word[0] != '\0')
			at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s",
					       at > 0 ? " " : "", syntax.parts[i].word);
	for (unsigned i = 0; i < n && at < sizeof(words); i++)
		at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s=", at > 0 ? " " : "",
				       keys[i].name);
	snprintf(place, sizeof(place), "%s%s%s", syntax.words[0], syntax.word_count > 1 ? " " : "",
		 syntax.word_count > 1 ? syntax.words[1] : "");
	if (at > 0)
		completion_case(out, place, words);
}

void ctl_completion_bash(FILE *out, const char *program)
{
	char noun[24] = "";

	fprintf(out,
		"_%s()\n{\n\tlocal words=''\n\tlocal place=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n",
		program);
	fprintf(out, "\tif [ \"$COMP_CWORD\" -gt 3 ]; then place=\"${COMP_WORDS[*]:1:2}\"; "
		     "fi\n\tcase \"$place\" in\n");
	completion_nouns(out);
	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		struct ctl_syntax syntax;

		ctl_syntax(c, &syntax);
		if (strcmp(noun, syntax.words[0]) != 0)
			completion_verbs(out, c);
		str_copy(noun, sizeof(noun), str_of(syntax.words[0]));
		completion_parts(out, c);
	}
	fprintf(out, "\tesac\n\tcase \"$words\" in *=*) compopt -o nospace ;; esac\n");
	fprintf(out,
		"\tCOMPREPLY=($(compgen -W \"$words\" -- "
		"\"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -F _%s %s\n",
		program, program);
}
