/* From the words of a command line to a command and its arguments. */
#include "ctl/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/assert.h"
#include "conf/key.h"
#include "conf/near.h"

struct parse {
	struct ctl_syntax syntax;
	bool              given[CTL_PARTS_MAX];
	json_t           *args;
	char             *error;
};

static int wrong(char error[512], const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(char error[512], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, 512, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* ---- which command ---- */

struct choice { /* the different words that can stand at one place */
	const char *words[CTL_COUNT];
	unsigned    count;
};

static void choice_add(struct choice *c, const char *word)
{
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->words[i], word) == 0)
			return;
	c->words[c->count++] = word;
}

static void choice_text(const struct choice *c, char *room, size_t size)
{
	size_t at = 0;

	room[0] = '\0';
	for (unsigned i = 0; i < c->count && at < size; i++)
		at += (size_t)snprintf(room + at, size - at, "%s%s",
				       i == 0              ? ""
				       : i + 1 == c->count ? " or "
							   : ", ",
				       c->words[i]);
}

/* Which of the words is meant; NULL with the error filled. */
static const char *choice_pick(const struct choice *c, const char *word, char error[512])
{
	struct choice begun = {.count = 0};
	const char   *near;
	char          text[256];

	for (unsigned i = 0; i < c->count; i++) {
		if (strcmp(c->words[i], word) == 0)
			return c->words[i];
		if (word[0] != '\0' && strncmp(c->words[i], word, strlen(word)) == 0)
			choice_add(&begun, c->words[i]);
	}
	if (begun.count == 1)
		return begun.words[0];
	choice_text(begun.count > 1 ? &begun : c, text, sizeof(text));
	near = conf_nearest(str_of(word), c->words, c->count);
	if (begun.count > 1)
		wrong(error, "'%.60s' could be %s; write more of it", word, text);
	else if (near != NULL)
		wrong(error, "'%.60s' is unknown here; did you mean '%s'?", word, near);
	else
		wrong(error, "'%.60s' is unknown here; write %s", word, text);
	return NULL;
}

/* The command whose leading words are begun by words[]; *used: how many of them it took. */
static int command_find(unsigned n, const char *const words[], enum ctl_command *command,
			unsigned *used, char error[512])
{
	struct ctl_syntax syntaxes[CTL_COUNT];
	bool              out[CTL_COUNT] = {false};

	for (enum ctl_command c = 0; c < CTL_COUNT; c++)
		ctl_syntax(c, &syntaxes[c]);
	for (unsigned place = 0; place < CTL_WORDS_MAX; place++) {
		struct choice choice = {.count = 0};
		const char   *picked;
		char          text[256];

		for (enum ctl_command c = 0; c < CTL_COUNT; c++) {
			if (out[c])
				continue;
			if (syntaxes[c].word_count == place) {
				*command = c;
				*used = place;
				return 0;
			}
			choice_add(&choice, syntaxes[c].words[place]);
		}
		choice_text(&choice, text, sizeof(text));
		if (place >= n)
			return wrong(error, "%s %s",
				     place == 0 ? "write a command:" : "this goes on with", text);
		picked = choice_pick(&choice, words[place], error);
		if (picked == NULL)
			return -EINVAL;
		for (enum ctl_command c = 0; c < CTL_COUNT; c++)
			out[c] = out[c] || strcmp(syntaxes[c].words[place], picked) != 0;
	}
	ASSERT(false);
	return -EINVAL;
}

/* ---- values ---- */

static json_t *list_value(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

/* "a,b" or "a:70,b:30". */
static json_t *via_value(const char *text)
{
	json_t *weights;

	if (strchr(text, ':') == NULL)
		return list_value(text);
	weights = json_object();
	while (*text != '\0') {
		size_t n = strcspn(text, ","), name = strcspn(text, ":,");
		char   room[64], weight[16] = "";

		str_copy(room, sizeof(room), (struct str){text, name});
		if (name < n)
			str_copy(weight, sizeof(weight),
				 (struct str){text + name + 1, n - name - 1});
		json_object_set_new(weights, room, json_string(weight));
		text += n + (text[n] == ',');
	}
	return weights;
}

/* NULL: not JSON. */
static json_t *value_typed(const struct conf_key *key, const char *text)
{
	if (key == NULL)
		return json_string(text);
	if (key->type == &conf_type_VIA)
		return via_value(text);
	if (key->type == &conf_type_TREE)
		return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (key->type == &conf_type_LIST || key->type == &conf_type_PATTERNS ||
	    key->type == &conf_type_PREFIXES || key->type == &conf_type_REACH)
		return list_value(text);
	if (key->type == &conf_type_UINT && text[0] != '\0' && strlen(text) < 18 &&
	    text[strspn(text, "0123456789")] == '\0')
		return json_integer(strtoll(text, NULL, 10));
	if (key->type == &conf_type_BOOL &&
	    (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		return json_boolean(text[0] == 't');
	return json_string(text);
}

static const struct conf_key *key_of(const struct parse *p, const char *name)
{
	enum conf_section section = ctl_section(&p->syntax);

	return section != CONF_SECTION_COUNT ? conf_key_find(section, str_of(name)) : NULL;
}

static int argument_set(struct parse *p, const char *name, const char *text)
{
	json_t *value = value_typed(key_of(p, name), text);

	if (value == NULL)
		return wrong(
			p->error,
			"%s: '%.100s' is not JSON; write it as in '{\"text\": \"bit\\\\.ly\"}'",
			name, text);
	if (json_object_get(p->args, name) != NULL) {
		json_decref(value);
		return wrong(p->error, "%s is given twice; keep one", name);
	}
	return json_object_set_new(p->args, name, value) == 0
		       ? 0
		       : wrong(p->error, "'%.60s' is no UTF-8", name);
}

/* ---- arguments ---- */

static int keys_take(struct parse *p, const char *word)
{
	const char *equals = strchr(word, '=');
	char        name[64];

	if (equals == NULL || equals == word)
		return wrong(p->error, "'%.60s' is no KEY=VALUE; write as in window=500", word);
	if (!str_copy(name, sizeof(name), (struct str){word, (size_t)(equals - word)}))
		return wrong(p->error, "'%.60s' is no key", name);
	return argument_set(p, name, equals + 1);
}

/* The part that this word begins; part_count: none. */
static unsigned part_find(const struct parse *p, const char *word, bool more)
{
	const struct ctl_part *parts = p->syntax.parts;
	unsigned               n = p->syntax.part_count, begun = n, begun_count = 0;
	bool                   is_key = strchr(word, '=') != NULL;

	for (unsigned i = 0; i < n; i++)
		if (!p->given[i] && parts[i].kind == CTL_VALUE && !parts[i].optional &&
		    word[0] != '-')
			return i;
	for (unsigned i = 0; i < n; i++)
		if (parts[i].word[0] != '\0' && strcmp(parts[i].word, word) == 0 &&
		    (more || parts[i].kind == CTL_FLAG || word[0] == '-'))
			return i;
	for (unsigned i = 0; i < n; i++)
		if (is_key && parts[i].kind == CTL_KEYS)
			return i;
	for (unsigned i = 0; i < n; i++)
		if (!p->given[i] && parts[i].kind == CTL_VALUE && word[0] != '-')
			return i;
	for (unsigned i = 0; i < n; i++)
		if (parts[i].word[0] != '\0' && strlen(word) > (word[0] == '-' ? 2u : 0u) &&
		    strncmp(parts[i].word, word, strlen(word)) == 0) {
			begun = i;
			begun_count++;
		}
	if (begun_count == 1)
		return begun;
	for (unsigned i = 0; i < n; i++)
		if (parts[i].kind == CTL_KEYS && word[0] != '-')
			return i;
	return n;
}

static int word_unknown(const struct parse *p, const char *word, enum ctl_command command)
{
	const char *words[CTL_PARTS_MAX], *near;
	unsigned    n = 0;

	for (unsigned i = 0; i < p->syntax.part_count; i++)
		if (p->syntax.parts[i].word[0] != '\0')
			words[n++] = p->syntax.parts[i].word;
	near = conf_nearest(str_of(word), words, n);
	if (near != NULL)
		return wrong(p->error, "'%.60s' is unknown here; did you mean '%s'?", word, near);
	return wrong(p->error, "'%.60s' is too much; write %s", word, ctl_grammar(command));
}

static int arguments_read(struct parse *p, enum ctl_command command, unsigned n,
			  const char *const words[])
{
	for (unsigned i = 0; i < n; i++) {
		unsigned               at = part_find(p, words[i], i + 1 < n);
		const struct ctl_part *part = &p->syntax.parts[at];
		int                    err = 0;

		if (at == p->syntax.part_count)
			return word_unknown(p, words[i], command);
		p->given[at] = true;
		if ((part->kind == CTL_WORD_VALUE || part->kind == CTL_FLAG_VALUE) && i + 1 == n)
			return wrong(p->error, "'%s' wants a value; write %s", part->word,
				     ctl_grammar(command));
		switch (part->kind) {
		case CTL_VALUE:
			err = argument_set(p, part->name, words[i]);
			break;
		case CTL_WORD_VALUE:
		case CTL_FLAG_VALUE:
			err = argument_set(p, part->name, words[++i]);
			break;
		case CTL_FLAG:
			json_object_set_new(p->args, part->name, json_true());
			break;
		case CTL_KEYS:
			err = keys_take(p, words[i]);
			break;
		}
		if (err < 0)
			return err;
	}
	for (unsigned i = 0; i < p->syntax.part_count; i++)
		if (!p->given[i] && !p->syntax.parts[i].optional)
			return wrong(p->error, "this wants more; write %s", ctl_grammar(command));
	return 0;
}

int ctl_parse(unsigned n, const char *const words[], enum ctl_command *command, json_t **args,
	      char error[512])
{
	struct parse p = {.error = error};
	unsigned     used = 0;
	int          err = command_find(n, words, command, &used, error);

	*args = NULL;
	if (err < 0)
		return err;
	ctl_syntax(*command, &p.syntax);
	p.args = json_object();
	err = arguments_read(&p, *command, n - used, words + used);
	if (err < 0) {
		json_decref(p.args);
		return err;
	}
	*args = p.args;
	return 0;
}
