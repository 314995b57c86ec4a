#include "script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define SEPARATORS " \t\r"

const char *const script_trait_names[] = {"ip4",     "ip6",  "timestamps", "sack", "offload",
					  "chained", "wrap", "vlan",       NULL};

static const struct {
	const char *name;
	size_t      offset;
} option_names[] = {
	{"receive", offsetof(struct tcp_options, receive_max)},
	{"send", offsetof(struct tcp_options, send_max)},
	{"keepalive", offsetof(struct tcp_options, keepalive_s)},
	{"user-timeout", offsetof(struct tcp_options, user_timeout_s)},
	{"connect-timeout", offsetof(struct tcp_options, connect_timeout_s)},
};

static void options(struct parser *p)
{
	while (parse_peek(p) != NULL && !p->failed) {
		unsigned i = 0;

		if (parse_take(p, "nagle")) {
			p->step->options.nagle = true;
			continue;
		}
		if (parse_take(p, "fails")) {
			p->step->fails = true;
			continue;
		}
		while (i < sizeof(option_names) / sizeof(option_names[0]) &&
		       !parse_take(p, option_names[i].name))
			i++;
		if (i == sizeof(option_names) / sizeof(option_names[0]))
			parse_wrong(p,
				    "no option \"%s\"; right are receive N, send N, keepalive S, "
				    "user-timeout S, "
				    "connect-timeout S, nagle",
				    parse_peek(p));
		else
			*(uint32_t *)(void *)((char *)&p->step->options + option_names[i].offset) =
				(uint32_t)parse_number(p, "number").constant;
	}
}

static void word(struct parser *p, char *to, size_t size, const char *wanted)
{
	snprintf(to, size, "%s", parse_next(p, wanted));
}

static void expect(struct parser *p)
{
	static const char *const signs[] = {"=", "<", ">", "<=", ">="};
	struct step             *s = p->step;
	const char              *end = NULL;

	word(p, s->what, sizeof(s->what), "what to look at");
	for (unsigned i = 0; i < 5; i++) {
		if (parse_take(p, signs[i]))
			s->compare = (enum compare)i;
	}
	if (parse_peek(p) == NULL) {
		parse_wrong(p, "right is expect WHAT [= < > <= >=] VALUE");
		return;
	}
	s->has_number = parse_sum(parse_peek(p), &end, &s->number) && *end == 0;
	if (!s->has_number && isdigit((unsigned char)*parse_peek(p))) {
		s->has_number = true;
		s->number.constant = (int64_t)parse_duration(p, parse_peek(p));
	}
	word(p, s->word, sizeof(s->word), "a value");
}

static void one_number(struct parser *p)
{
	p->step->number = parse_number(p, "number");
	p->step->has_number = true;
}

static void command_send(struct parser *p)
{
	one_number(p);
	if (parse_take(p, "takes")) {
		p->step->taken = parse_number(p, "number");
		p->step->has_taken = true;
	}
}

static void command_read(struct parser *p)
{
	if (!parse_take(p, "all"))
		one_number(p);
}

static void command_event(struct parser *p)
{
	word(p, p->step->what, sizeof(p->step->what),
	     "accepted, connected, readable, writable or closed");
	if (parse_peek(p) != NULL)
		word(p, p->step->word, sizeof(p->step->word), "the reason");
}

static void command_silent(struct parser *p)
{
	if (!parse_take(p, "for"))
		parse_wrong(p, "right is silent for TIME");
	p->step->after_us += parse_duration(p, parse_next(p, "a time"));
}

static void command_flood(struct parser *p)
{
	one_number(p);
	parse_tcp_frame(p);
}

static void command_renew(struct parser *p)
{
	if (parse_peek(p) != NULL)
		one_number(p);
}

static void command_datagram(struct parser *p)
{
	parse_datagram(p);
	p->step->fails = parse_take(p, "fails");
}

static void nothing(struct parser *p)
{
	(void)p;
}

static const struct {
	const char    *name;
	enum step_kind kind;
	void (*read)(struct parser *p);
} commands[] = {
	{"listen", STEP_LISTEN, options},
	{"stop-listening", STEP_LISTEN_STOP, nothing},
	{"connect", STEP_CONNECT, options},
	{"send", STEP_SEND, command_send},
	{"read", STEP_READ, command_read},
	{"drain", STEP_DRAIN, nothing},
	{"pause", STEP_PAUSE, nothing},
	{"close", STEP_CLOSE, nothing},
	{"abort", STEP_ABORT, nothing},
	{"event", STEP_EVENT, command_event},
	{"no-event", STEP_NO_EVENT, command_event},
	{"expect", STEP_EXPECT, expect},
	{"burst", STEP_BURST, nothing},
	{"end", STEP_BURST_END, nothing},
	{"flood", STEP_FLOOD, command_flood},
	{"renew", STEP_RENEW, command_renew},
	{"squeeze", STEP_SQUEEZE, one_number},
	{"silent", STEP_SILENT, command_silent},
	{"bind", STEP_BIND, one_number},
	{"unbind", STEP_UNBIND, one_number},
	{"datagram", STEP_DATAGRAM, command_datagram},
	{"received", STEP_RECEIVED, parse_datagram},
	{"udp-error", STEP_UDP_ERROR, parse_udp_error},
};

/* Beginnings that many scripts share, written in the language itself. %s: the options given. */
static const struct {
	const char *name, *lines;
} beginnings[] = {
	{"open", "listen %s\n"
		 "< S 0 win 60000 mss 1460 sackok\n"
		 "> SA 0 ack 1\n"
		 "< A 1 ack 1\n"
		 "event accepted\n"},
	{"dial", "connect %s\n"
		 "> S 0\n"
		 "< SA 0 ack 1 win 60000 mss 1460 sackok\n"
		 "> A 1 ack 1\n"
		 "event connected\n"},
	{"settle", "< A 1:1001 ack 1\n> A 1 ack 1001\n"
		   "< A 1001:2001 ack 1\n> A 1 ack 2001\n"
		   "< A 2001:3001 ack 1\n> A 1 ack 3001\n"
		   "< A 3001:4001 ack 1\n> A 1 ack 4001\n"
		   "< A 4001:5001 ack 1\n> A 1 ack 5001\n"
		   "< A 5001:6001 ack 1\n> A 1 ack 6001\n"
		   "< A 6001:7001 ack 1\n> A 1 ack 7001\n"
		   "< A 7001:8001 ack 1\n> A 1 ack 8001\n"
		   "read 8000\n"},
};

static bool line_read(struct parser *p, char *line);

static bool beginning(struct parser *p)
{
	char   text[1024], options_text[256] = "", *rest = NULL;
	size_t used = 0;

	for (unsigned i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (!parse_take(p, beginnings[i].name))
			continue;
		while (parse_peek(p) != NULL)
			used += (size_t)snprintf(options_text + used, sizeof(options_text) - used,
						 "%s ", parse_next(p, "an option"));
		if (used > 0 && strchr(beginnings[i].lines, '%') == NULL)
			parse_wrong(p, "\"%s\" takes no options", beginnings[i].name);
		snprintf(text, sizeof(text), beginnings[i].lines, options_text);
		for (char *line = text; !p->failed && (rest = strchr(line, '\n')) != NULL;
		     line = rest) {
			*rest++ = 0;
			line_read(p, line);
		}
		return true;
	}
	return false;
}

/* the head */

static void traits(struct parser *p, uint32_t *to)
{
	while (parse_peek(p) != NULL && !p->failed) {
		unsigned i = 0;

		while (script_trait_names[i] != NULL && !parse_take(p, script_trait_names[i]))
			i++;
		if (script_trait_names[i] == NULL)
			parse_wrong(p,
				    "no variant is called \"%s\"; right are ip4, ip6, timestamps, "
				    "sack, "
				    "offload, "
				    "chained, wrap, vlan",
				    parse_peek(p));
		*to |= 1u << i;
	}
}

static uint32_t with_number(struct parser *p)
{
	return (uint32_t)parse_number(p, "number").constant;
}

static void with(struct parser *p)
{
	struct script *s = p->script;

	while (parse_peek(p) != NULL && !p->failed) {
		if (parse_take(p, "mtu"))
			s->mtu = (uint16_t)with_number(p);
		else if (parse_take(p, "connections"))
			s->config.connections_max = with_number(p);
		else if (parse_take(p, "half-open"))
			s->config.half_open_max = with_number(p);
		else if (parse_take(p, "time-waits"))
			s->config.time_wait_max = with_number(p);
		else if (parse_take(p, "cookies"))
			s->config.cookies_always = true;
		else if (parse_take(p, "gateway"))
			s->gateway = true;
		else if (parse_take(p, "router"))
			s->router = true;
		else if (parse_take(p, "neighbours") && parse_take(p, "seen"))
			s->neighbours_seen = true;
		else if (parse_take(p, "link") && parse_take(p, "seen"))
			s->neighbours_seen = s->link_seen = true;
		else if (parse_take(p, "duplicates") && parse_take(p, "checked"))
			s->duplicate_check = true;
		else
			parse_wrong(
				p,
				"no setting \"%s\"; right are mtu N, connections N, half-open N, "
				"time-waits N, "
				"cookies, gateway, router, neighbours seen, link seen, duplicates "
				"checked",
				parse_peek(p) != NULL ? parse_peek(p) : "neighbours");
	}
}

static bool head(struct parser *p)
{
	if (parse_peek(p) == NULL)
		return true;
	if (parse_take(p, "only"))
		traits(p, &p->script->only);
	else if (parse_take(p, "not"))
		traits(p, &p->script->never);
	else if (parse_take(p, "with"))
		with(p);
	else
		return false;
	if (p->script->step_count > 0)
		parse_wrong(p, "only, not and with stand in the head, before the first step");
	return true;
}

static void when(struct parser *p)
{
	const char *text = parse_peek(p);

	if (text == NULL || *text != '+')
		return;
	p->at++;
	if (strcmp(text, "+*") == 0)
		p->step->whenever = true;
	else
		p->step->after_us = parse_duration(p, text + 1);
}

static void command(struct parser *p)
{
	const char *text = parse_next(p, "a frame or a command");

	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(text, commands[i].name) == 0) {
			p->step->kind = commands[i].kind;
			commands[i].read(p);
			return;
		}
	}
	parse_wrong(
		p,
		"no command \"%s\"; right is < or > and a frame, or one of listen, connect, send, "
		"read, "
		"drain, pause, close, abort, event, expect, silent for, and what README.md lists",
		text);
}

static void step(struct parser *p)
{
	struct script *script = p->script;

	script->steps = realloc(script->steps, (script->step_count + 1) * sizeof(*script->steps));
	p->step = &script->steps[script->step_count++];
	*p->step = (struct step){.line = p->line, .flow = 1, .times = 1};
	when(p);
	if (parse_peek(p) != NULL && *parse_peek(p) == '@')
		p->step->flow = (unsigned)strtoul(p->words[p->at++] + 1, NULL, 10);
	if (p->step->flow == 0 || p->step->flow > 15)
		parse_wrong(p, "flows are @1 to @15");
	if (parse_take(p, "repeat")) {
		p->step->times = (unsigned)parse_number(p, "number").constant;
		if (parse_peek(p) == NULL || strcmp(parse_peek(p), "<") != 0)
			parse_wrong(p, "right is repeat N < FRAME");
	}
	if (parse_take(p, "<")) {
		p->step->kind = STEP_IN;
		parse_frame(p);
	} else if (parse_take(p, ">")) {
		p->step->kind = parse_take(p, "*")     ? STEP_OUT_ANY
				: parse_take(p, "...") ? STEP_OUT_SKIP
						       : STEP_OUT;
		if (p->step->kind == STEP_OUT)
			parse_frame(p);
	} else {
		command(p);
	}
	p->step->frame.flow = p->step->flow;
	if (parse_peek(p) != NULL)
		parse_wrong(p, "\"%s\" is too much on this line", parse_peek(p));
}

static bool line_read(struct parser *p, char *line)
{
	char *rest = NULL;

	p->count = p->at = 0;
	for (char *w = strtok_r(line, SEPARATORS, &rest); w != NULL && *w != '#';
	     w = strtok_r(NULL, SEPARATORS, &rest)) {
		if (p->count == PARSE_WORDS_MAX)
			return parse_wrong(p, "more than %u words", PARSE_WORDS_MAX);
		p->words[p->count++] = w;
	}
	if (!head(p) && !beginning(p))
		step(p);
	return !p->failed;
}

static char *file_text(const char *path)
{
	FILE  *file = fopen(path, "re");
	char  *text = NULL;
	size_t room = 0;

	if (file == NULL)
		return NULL;
	if (getdelim(&text, &room, 0, file) < 0 && text != NULL)
		text[0] = 0;
	fclose(file);
	return text;
}

struct script *script_read(const char *path, FILE *errors)
{
	struct script *script = calloc(1, sizeof(*script));
	struct parser  p = {.script = script, .errors = errors};
	char          *copy, *rest = NULL;

	script->path = path;
	script->mtu = 1500;
	script->text = file_text(path);
	if (script->text == NULL) {
		fprintf(errors, "%s: cannot be read\n", path);
		script_free(script);
		return NULL;
	}
	for (char *line = script->text; line != NULL; line = rest) {
		rest = strchr(line, '\n');
		if (rest != NULL)
			*rest++ = 0;
		script->lines =
			realloc(script->lines, (script->line_count + 1) * sizeof(*script->lines));
		script->lines[script->line_count++] = line;
		copy = strdup(line);
		p.line = script->line_count;
		line_read(&p, copy);
		free(copy);
		if (p.failed)
			break;
	}
	if (!p.failed && script->step_count == 0)
		parse_wrong(&p, "a script without steps proves nothing");
	if (p.failed) {
		script_free(script);
		return NULL;
	}
	return script;
}

void script_free(struct script *script)
{
	free(script->text);
	free(script->lines);
	free(script->steps);
	free(script);
}
