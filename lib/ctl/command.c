/* commands.def as tables, and each grammar taken apart. */
#include "ctl/ctl.h"

#include <ctype.h>

#include "base/assert.h"

static const struct {
	const char   *grammar, *help;
	enum ctl_role role;
} commands[CTL_COUNT] = {
#define CMD(id, grammar, role, help) [CTL_##id] = {grammar, help, role},
#include "ctl/commands.def"
#undef CMD
};

const char *ctl_grammar(enum ctl_command command)
{
	ASSERT(command < CTL_COUNT);
	return commands[command].grammar;
}

const char *ctl_help(enum ctl_command command)
{
	ASSERT(command < CTL_COUNT);
	return commands[command].help;
}

enum ctl_role ctl_role(enum ctl_command command)
{
	ASSERT(command < CTL_COUNT);
	return commands[command].role;
}

const char *ctl_role_name(enum ctl_role role)
{
	static const char *const names[] = {"view", "operate", "admin"};

	return names[role];
}

enum ctl_role ctl_role_of(uid_t uid, gid_t gid, uid_t own_uid, gid_t own_gid)
{
	if (uid == 0 || uid == own_uid)
		return ROLE_ADMIN;
	return gid == own_gid ? ROLE_OPERATE : ROLE_VIEW;
}

const char *ctl_method(enum ctl_command command)
{
	return ctl_role(command) == ROLE_VIEW ? "GET" : "POST";
}

/* The next token of a grammar, brackets as tokens of their own. Empty: the end. */
static struct str token_next(const char **at)
{
	const char *p = *at + strspn(*at, " ");
	size_t      n = *p == '[' || *p == ']' ? 1 : strcspn(p, " []");

	*at = p + n;
	return (struct str){p, n};
}

static void lower(char *room, size_t size, struct str s)
{
	bool fits = str_copy(room, size, s);

	ASSERT(fits);
	for (; *room != '\0'; room++)
		*room = (char)tolower((unsigned char)*room);
}

/* A token that begins a part, and for "word VALUE" and "-x VALUE" the next one as well. */
static void part_read(struct str token, const char **at, bool optional, struct ctl_part *part)
{
	const char *after = *at;
	struct str  value = token_next(&after);
	bool        has_value = value.n > 0 && isupper((unsigned char)value.p[0]) &&
			 !str_eq(value, STR("KEY=VALUE..."));
	bool flag = token.p[0] == '-';

	*part = (struct ctl_part){.optional = optional};
	if (str_eq(token, STR("KEY=VALUE..."))) {
		part->kind = CTL_KEYS;
		lower(part->name, sizeof(part->name), STR("keys"));
	} else if (isupper((unsigned char)token.p[0])) {
		part->kind = CTL_VALUE;
		lower(part->name, sizeof(part->name), token);
	} else {
		part->kind = flag ? has_value ? CTL_FLAG_VALUE : CTL_FLAG : CTL_WORD_VALUE;
		lower(part->word, sizeof(part->word), token);
		/* A flag without a value is named by itself; "from NAME" is "from"; "-f FILE" is
		 * "file". */
		lower(part->name, sizeof(part->name),
		      flag && token.p[1] != '-' ? value : str_skip(token, flag ? 2 : 0));
		if (has_value)
			*at = after;
		ASSERT(has_value || flag);
	}
}

void ctl_syntax(enum ctl_command command, struct ctl_syntax *syntax)
{
	const char *at = ctl_grammar(command);
	bool        optional = false;

	*syntax = (struct ctl_syntax){0};
	for (struct str token = token_next(&at); token.n > 0; token = token_next(&at)) {
		if (token.p[0] == '[' || token.p[0] == ']') {
			optional = token.p[0] == '[';
			continue;
		}
		if (!optional && syntax->part_count == 0 && islower((unsigned char)token.p[0])) {
			ASSERT(syntax->word_count < CTL_WORDS_MAX);
			lower(syntax->words[syntax->word_count++], sizeof(syntax->words[0]), token);
			continue;
		}
		ASSERT(syntax->part_count < CTL_PARTS_MAX);
		part_read(token, &at, optional, &syntax->parts[syntax->part_count++]);
	}
}

enum conf_section ctl_section(const struct ctl_syntax *syntax)
{
	for (unsigned w = syntax->word_count; w > 0; w--)
		for (enum conf_section s = CONF_SECTION_account; s < CONF_SECTION_COUNT; s++)
			if (strcmp(conf_section_name(s), syntax->words[w - 1]) == 0)
				return s;
	return CONF_SECTION_COUNT;
}

void ctl_path(enum ctl_command command, char room[64])
{
	struct ctl_syntax syntax;
	int               at = snprintf(room, 64, "/v1");

	ctl_syntax(command, &syntax);
	for (unsigned i = 0; i < syntax.word_count; i++)
		at += snprintf(room + at, 64 - (size_t)at, "/%s", syntax.words[i]);
}

bool ctl_find(const char *path, enum ctl_command *command)
{
	for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
		char room[64];

		ctl_path(c, room);
		if (strcmp(room, path) == 0) {
			*command = c;
			return true;
		}
	}
	return false;
}
