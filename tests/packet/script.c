#include "script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64u
#define SEPARATORS " \t\r"

const char *const script_trait_names[] = {"ip4",     "ip6",     "timestamps", "sack",
					  "offload", "chained", "wrap",       NULL};

static const struct {
	const char *name;
	uint32_t    word;
} frame_words[] = {
	{"sackok", WORD_SACK_PERMITTED}, {"nots", WORD_NO_TIMESTAMP},
	{"badsum", WORD_BAD_CHECKSUM},   {"badipsum", WORD_BAD_IP_CHECKSUM},
	{"broadcast", WORD_BROADCAST},   {"from-us", WORD_FROM_US},
	{"from-other", WORD_FROM_OTHER}, {"to-other", WORD_TO_OTHER},
	{"ce", WORD_CONGESTED},
};

struct parser {
	struct script *script;
	FILE          *errors;
	unsigned       line;
	char          *words[WORDS_MAX];
	unsigned       count, at;
	bool           failed;
	struct step   *step;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct parser *p, const char *format, ...)
{
	va_list list;

	if (p->failed)
		return false;
	p->failed = true;
	fprintf(p->errors, "%s:%u: ", p->script->path, p->line);
	va_start(list, format);
	vfprintf(p->errors, format, list);
	va_end(list);
	fputc('\n', p->errors);
	return false;
}

static const char *peek(const struct parser *p)
{
	return p->at < p->count ? p->words[p->at] : NULL;
}

static bool take(struct parser *p, const char *word)
{
	if (peek(p) == NULL || strcmp(peek(p), word) != 0)
		return false;
	p->at++;
	return true;
}

static const char *next(struct parser *p, const char *wanted)
{
	if (peek(p) != NULL)
		return p->words[p->at++];
	wrong(p, "the line ends where %s should stand", wanted);
	return "";
}

/* A term: N, mss, offer, N*mss, N*offer. */
static bool term(const char **at, int64_t sign, struct number *n)
{
	char   *end = NULL;
	int64_t value = 1;

	if (isdigit((unsigned char)**at)) {
		value = strtoll(*at, &end, 0);
		*at = end;
		if (**at != '*') {
			n->constant += sign * value;
			return true;
		}
		++*at;
	}
	if (strncmp(*at, "mss", 3) == 0) {
		n->mss += (int32_t)(sign * value);
		*at += 3;
		return true;
	}
	if (strncmp(*at, "offer", 5) == 0) {
		n->offer += (int32_t)(sign * value);
		*at += 5;
		return true;
	}
	return false;
}

/* Reads a sum; *end is where it stopped. */
static bool number_of(const char *text, const char **end, struct number *n)
{
	int64_t sign = 1;

	*n = (struct number){0};
	if (*text == '-') {
		sign = -1;
		text++;
	}
	for (;;) {
		if (!term(&text, sign, n))
			return false;
		if (*text != '+' && *text != '-')
			break;
		sign = *text++ == '+' ? 1 : -1;
	}
	*end = text;
	return true;
}

static struct number number(struct parser *p, const char *wanted)
{
	const char   *text = next(p, wanted), *end = NULL;
	struct number n = {0};

	if (!number_of(text, &end, &n) || *end != 0)
		wrong(p, "\"%s\" is no %s; right is a sum like 1+2*mss", text, wanted);
	return n;
}

static uint64_t duration(struct parser *p, const char *text)
{
	char  *end = NULL;
	double value = strtod(text, &end);

	if (end == text || value < 0)
		value = -1;
	else if (strcmp(end, "us") == 0)
		return (uint64_t)(value + 0.5);
	else if (strcmp(end, "ms") == 0)
		return (uint64_t)(value * 1e3 + 0.5);
	else if (strcmp(end, "s") == 0)
		return (uint64_t)(value * 1e6 + 0.5);
	wrong(p, "\"%s\" is no time; right is 20us, 1.5ms or 2s", text);
	return 0;
}

/* frames */

static void field_set(struct step *s, unsigned field, struct number n)
{
	s->frame.named |= 1u << field;
	s->value[field] = n;
}

static void sequence(struct parser *p)
{
	const char   *text = next(p, "the sequence number"), *end = NULL;
	struct number from, to;

	if (strcmp(text, "*") == 0)
		return;
	if (!number_of(text, &end, &from)) {
		wrong(p, "\"%s\" is no sequence number; right is 1, 1:1001 or 1:1+mss", text);
		return;
	}
	to = from;
	if (*end == ':') {
		/* SYN takes the first number, so payload beside it begins one later. */
		if (!number_of(end + 1, &end, &to) || *end != 0)
			wrong(p, "\"%s\" is no range; right is 1:1001 or 1:1+mss", text);
	} else if (*end != 0) {
		wrong(p, "\"%s\" is no sequence number; right is 1, 1:1001 or 1:1+mss", text);
	}
	field_set(p->step, FIELD_SEQ, from);
	field_set(p->step, FIELD_END, to);
}

static void sack(struct parser *p)
{
	const char *text = next(p, "a list of ranges"), *end = text;
	unsigned    n = 0;

	do {
		struct number from, to;

		if (n == 4 || !number_of(*end == ',' ? end + 1 : end, &end, &from) || *end != ':' ||
		    !number_of(end + 1, &end, &to)) {
			wrong(p,
			      "\"%s\" is no list of at most 4 ranges; right is 2001:3001,5001:6001",
			      text);
			return;
		}
		field_set(p->step, FIELD_SACK + 2 * n, from);
		field_set(p->step, FIELD_SACK + 2 * n + 1, to);
		n++;
	} while (*end == ',');
	p->step->frame.sacks = n;
	if (p->step->kind != STEP_OUT && !(p->script->only & TRAIT_SACK))
		wrong(p, "SACK blocks come only from peers that agreed to them; right is \"only "
			 "sack\" "
			 "in the head");
}

static void hex(struct parser *p, struct frame_hex *to)
{
	const char *text = next(p, "bytes in hexadecimal");

	for (to->size = 0; isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]);
	     text += 2) {
		char digits[3] = {text[0], text[1], 0};

		if (to->size == FRAME_HEX_MAX) {
			wrong(p, "at most %u bytes", FRAME_HEX_MAX);
			return;
		}
		to->bytes[to->size++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (*text != 0 || to->size == 0)
		wrong(p, "not hexadecimal: right is an even number of digits without spaces, "
			 "01010402");
}

static void extension(struct parser *p)
{
	struct frame     *f = &p->step->frame;
	struct frame_ext *e = &f->extension[f->extensions];

	if (f->extensions == FRAME_EXTENSIONS_MAX) {
		wrong(p, "at most %u extension headers", FRAME_EXTENSIONS_MAX);
		return;
	}
	f->extensions++;
	e->type = (uint8_t)number(p, "type of extension header").constant;
	hex(p, &e->body);
	if (!(p->script->only & TRAIT_IP6))
		wrong(p, "extension headers are IPv6's; right is \"only ip6\" in the head");
}

static bool frame_word(struct parser *p)
{
	for (unsigned i = 0; i < sizeof(frame_words) / sizeof(frame_words[0]); i++) {
		if (take(p, frame_words[i].name)) {
			p->step->frame.words |= frame_words[i].word;
			return true;
		}
	}
	return false;
}

static bool frame_value(struct parser *p)
{
	for (unsigned field = 0; field < FIELD_COUNT; field++) {
		if (frame_field_name[field] == NULL || !take(p, frame_field_name[field]))
			continue;
		if (!take(p, "*"))
			field_set(p->step, field, number(p, frame_field_name[field]));
		return true;
	}
	return false;
}

static void frame_rest(struct parser *p)
{
	struct frame *f = &p->step->frame;

	while (peek(p) != NULL && !p->failed) {
		if (frame_word(p) || frame_value(p))
			continue;
		if (take(p, "sack"))
			sack(p);
		else if (take(p, "ipopt"))
			hex(p, &f->ip_options);
		else if (take(p, "tcpopt"))
			hex(p, &f->tcp_options);
		else if (take(p, "ext"))
			extension(p);
		else if (take(p, "hex"))
			hex(p, &f->payload);
		else
			wrong(p,
			      "a frame has no \"%s\"; it has ack, win, mss, scale, sackok, ts, "
			      "ecr, nots, "
			      "sack, urg, and what README.md lists",
			      peek(p));
	}
	if ((frame_has(f, FIELD_TS) || frame_has(f, FIELD_ECHO)) &&
	    !(p->script->only & TRAIT_TIMESTAMPS))
		wrong(p, "ts and ecr need peers that agreed to them; right is \"only timestamps\" "
			 "in the "
			 "head");
}

static void tcp_frame(struct parser *p)
{
	static const char letters[] = "FSRPAUEC";
	const char       *text = next(p, "TCP flags");
	struct frame     *f = &p->step->frame;
	bool              ack;

	for (const char *c = text; *c != 0 && strcmp(text, "-") != 0; c++) {
		const char *letter = strchr(letters, *c);

		if (letter == NULL) {
			wrong(p,
			      "\"%s\" is no frame; right are TCP flags (letters of %s, or -), or "
			      "icmp, "
			      "udp, arp, ip",
			      text, letters);
			return;
		}
		f->flags |= (uint8_t)(1u << (letter - letters));
	}
	sequence(p);
	ack = peek(p) != NULL && strcmp(peek(p), "ack") == 0;
	if (f->flags & ACK && !ack)
		wrong(p, "a frame with A says what it acknowledges; right is ack N (or ack * where "
			 "it does "
			 "not matter)");
	frame_rest(p);
}

static void icmp_frame(struct parser *p)
{
	const char   *text = next(p, "the kind of ICMP message");
	struct frame *f = &p->step->frame;

	f->kind = FRAME_ICMP;
	for (unsigned i = 0; frame_icmp_names[i].name != NULL; i++) {
		if (strcmp(text, frame_icmp_names[i].name) == 0) {
			f->icmp = (uint8_t)i;
			if (take(p, "seq"))
				sequence(p);
			frame_rest(p);
			return;
		}
	}
	wrong(p,
	      "\"%s\" is no ICMP message known here; right is port-unreachable, too-big, or what "
	      "README.md lists",
	      text);
}

static uint8_t who(struct parser *p)
{
	static const char *const names[WHO_COUNT] = {"us", "peer", "other", "nobody"};
	const char              *text = next(p, "us, peer, other or nobody");

	for (uint8_t i = 0; i < WHO_COUNT; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	wrong(p, "\"%s\" is nobody known; right is us, peer, other or nobody", text);
	return 0;
}

static void arp_frame(struct parser *p)
{
	struct frame *f = &p->step->frame;

	f->kind = FRAME_ARP;
	f->operation = take(p, "request") ? 1 : 2;
	if (f->operation == 2 && !take(p, "reply"))
		wrong(p, "right is arp request SENDER TARGET, or arp reply SENDER TARGET");
	f->sender = who(p);
	f->target = who(p);
	frame_rest(p);
	if (!(p->script->neighbours_seen))
		wrong(p, "ARP is answered for the script; right is \"with neighbours seen\" in the "
			 "head");
}

static void frame(struct parser *p)
{
	struct frame *f = &p->step->frame;

	if (take(p, "icmp")) {
		icmp_frame(p);
	} else if (take(p, "arp")) {
		arp_frame(p);
	} else if (take(p, "udp")) {
		f->kind = FRAME_UDP;
		f->ports[0] = (uint16_t)number(p, "source port").constant;
		f->ports[1] = (uint16_t)number(p, "destination port").constant;
		frame_rest(p);
	} else if (take(p, "ip")) {
		f->kind = FRAME_IP;
		f->protocol = (uint8_t)number(p, "protocol").constant;
		frame_rest(p);
	} else {
		tcp_frame(p);
	}
}

/* commands */

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
	while (peek(p) != NULL && !p->failed) {
		unsigned i = 0;

		if (take(p, "nagle")) {
			p->step->options.nagle = true;
			continue;
		}
		if (take(p, "fails")) {
			p->step->fails = true;
			continue;
		}
		while (i < sizeof(option_names) / sizeof(option_names[0]) &&
		       !take(p, option_names[i].name))
			i++;
		if (i == sizeof(option_names) / sizeof(option_names[0]))
			wrong(p,
			      "no option \"%s\"; right are receive N, send N, keepalive S, "
			      "user-timeout S, "
			      "connect-timeout S, nagle",
			      peek(p));
		else
			*(uint32_t *)(void *)((char *)&p->step->options + option_names[i].offset) =
				(uint32_t)number(p, "number").constant;
	}
}

static void word(struct parser *p, char *to, size_t size, const char *wanted)
{
	snprintf(to, size, "%s", next(p, wanted));
}

static void expect(struct parser *p)
{
	static const char *const signs[] = {"=", "<", ">", "<=", ">="};
	struct step             *s = p->step;
	const char              *end = NULL;

	word(p, s->what, sizeof(s->what), "what to look at");
	for (unsigned i = 0; i < 5; i++) {
		if (take(p, signs[i]))
			s->compare = (enum compare)i;
	}
	if (peek(p) == NULL) {
		wrong(p, "right is expect WHAT [= < > <= >=] VALUE");
		return;
	}
	s->has_number = number_of(peek(p), &end, &s->number) && *end == 0;
	if (!s->has_number && isdigit((unsigned char)*peek(p))) {
		s->has_number = true;
		s->number.constant = (int64_t)duration(p, peek(p));
	}
	word(p, s->word, sizeof(s->word), "a value");
}

static void one_number(struct parser *p)
{
	p->step->number = number(p, "number");
	p->step->has_number = true;
}

static void command_send(struct parser *p)
{
	one_number(p);
	if (take(p, "takes")) {
		p->step->taken = number(p, "number");
		p->step->has_taken = true;
	}
}

static void command_read(struct parser *p)
{
	if (!take(p, "all"))
		one_number(p);
}

static void command_event(struct parser *p)
{
	word(p, p->step->what, sizeof(p->step->what),
	     "accepted, connected, readable, writable or closed");
	if (peek(p) != NULL)
		word(p, p->step->word, sizeof(p->step->word), "the reason");
}

static void command_silent(struct parser *p)
{
	if (!take(p, "for"))
		wrong(p, "right is silent for TIME");
	p->step->after_us += duration(p, next(p, "a time"));
}

static void command_flood(struct parser *p)
{
	one_number(p);
	tcp_frame(p);
}

static void command_renew(struct parser *p)
{
	if (peek(p) != NULL)
		one_number(p);
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
		if (!take(p, beginnings[i].name))
			continue;
		while (peek(p) != NULL)
			used += (size_t)snprintf(options_text + used, sizeof(options_text) - used,
						 "%s ", next(p, "an option"));
		if (used > 0 && strchr(beginnings[i].lines, '%') == NULL)
			wrong(p, "\"%s\" takes no options", beginnings[i].name);
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
	while (peek(p) != NULL && !p->failed) {
		unsigned i = 0;

		while (script_trait_names[i] != NULL && !take(p, script_trait_names[i]))
			i++;
		if (script_trait_names[i] == NULL)
			wrong(p,
			      "no variant is called \"%s\"; right are ip4, ip6, timestamps, sack, "
			      "offload, "
			      "chained, wrap",
			      peek(p));
		*to |= 1u << i;
	}
}

static uint32_t with_number(struct parser *p)
{
	return (uint32_t)number(p, "number").constant;
}

static void with(struct parser *p)
{
	struct script *s = p->script;

	while (peek(p) != NULL && !p->failed) {
		if (take(p, "mtu"))
			s->mtu = (uint16_t)with_number(p);
		else if (take(p, "connections"))
			s->config.connections_max = with_number(p);
		else if (take(p, "half-open"))
			s->config.half_open_max = with_number(p);
		else if (take(p, "time-waits"))
			s->config.time_wait_max = with_number(p);
		else if (take(p, "cookies"))
			s->config.cookies_always = true;
		else if (take(p, "gateway"))
			s->gateway = true;
		else if (take(p, "neighbours") && take(p, "seen"))
			s->neighbours_seen = true;
		else
			wrong(p,
			      "no setting \"%s\"; right are mtu N, connections N, half-open N, "
			      "time-waits N, "
			      "cookies, gateway, neighbours seen",
			      peek(p) != NULL ? peek(p) : "neighbours");
	}
}

static bool head(struct parser *p)
{
	if (peek(p) == NULL)
		return true;
	if (take(p, "only"))
		traits(p, &p->script->only);
	else if (take(p, "not"))
		traits(p, &p->script->never);
	else if (take(p, "with"))
		with(p);
	else
		return false;
	if (p->script->step_count > 0)
		wrong(p, "only, not and with stand in the head, before the first step");
	return true;
}

static void when(struct parser *p)
{
	const char *text = peek(p);

	if (text == NULL || *text != '+')
		return;
	p->at++;
	if (strcmp(text, "+*") == 0)
		p->step->whenever = true;
	else
		p->step->after_us = duration(p, text + 1);
}

static void command(struct parser *p)
{
	const char *text = next(p, "a frame or a command");

	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(text, commands[i].name) == 0) {
			p->step->kind = commands[i].kind;
			commands[i].read(p);
			return;
		}
	}
	wrong(p,
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
	if (peek(p) != NULL && *peek(p) == '@')
		p->step->flow = (unsigned)strtoul(p->words[p->at++] + 1, NULL, 10);
	if (p->step->flow == 0 || p->step->flow > 15)
		wrong(p, "flows are @1 to @15");
	if (take(p, "repeat")) {
		p->step->times = (unsigned)number(p, "number").constant;
		if (peek(p) == NULL || strcmp(peek(p), "<") != 0)
			wrong(p, "right is repeat N < FRAME");
	}
	if (take(p, "<")) {
		p->step->kind = STEP_IN;
		frame(p);
	} else if (take(p, ">")) {
		p->step->kind = take(p, "*")     ? STEP_OUT_ANY
				: take(p, "...") ? STEP_OUT_SKIP
						 : STEP_OUT;
		if (p->step->kind == STEP_OUT)
			frame(p);
	} else {
		command(p);
	}
	p->step->frame.flow = p->step->flow;
	if (peek(p) != NULL)
		wrong(p, "\"%s\" is too much on this line", peek(p));
}

static bool line_read(struct parser *p, char *line)
{
	char *rest = NULL;

	p->count = p->at = 0;
	for (char *w = strtok_r(line, SEPARATORS, &rest); w != NULL && *w != '#';
	     w = strtok_r(NULL, SEPARATORS, &rest)) {
		if (p->count == WORDS_MAX)
			return wrong(p, "more than %u words", WORDS_MAX);
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
		wrong(&p, "a script without steps proves nothing");
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
