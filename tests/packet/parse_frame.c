/* What a script says of a frame. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

static const struct {
	const char *name;
	uint32_t    word;
} frame_words[] = {
	{"sackok", WORD_SACK_PERMITTED}, {"nots", WORD_NO_TIMESTAMP},
	{"badsum", WORD_BAD_CHECKSUM},   {"badipsum", WORD_BAD_IP_CHECKSUM},
	{"broadcast", WORD_BROADCAST},   {"from-us", WORD_FROM_US},
	{"from-other", WORD_FROM_OTHER}, {"to-other", WORD_TO_OTHER},
	{"ce", WORD_CONGESTED},          {"nosum", WORD_NO_CHECKSUM},
	{"untagged", WORD_UNTAGGED},     {"more", WORD_MORE},
};

static void field_set(struct step *s, unsigned field, struct number n)
{
	s->frame.named |= 1ull << field;
	s->value[field] = n;
}

static void sequence(struct parser *p)
{
	const char   *text = parse_next(p, "the sequence number"), *end = NULL;
	struct number from, to;

	if (strcmp(text, "*") == 0)
		return;
	if (!parse_sum(text, &end, &from)) {
		parse_wrong(p, "\"%s\" is no sequence number; right is 1, 1:1001 or 1:1+mss", text);
		return;
	}
	to = from;
	if (*end == ':') {
		/* SYN takes the first number, so payload beside it begins one later. */
		if (!parse_sum(end + 1, &end, &to) || *end != 0)
			parse_wrong(p, "\"%s\" is no range; right is 1:1001 or 1:1+mss", text);
	} else if (*end != 0) {
		parse_wrong(p, "\"%s\" is no sequence number; right is 1, 1:1001 or 1:1+mss", text);
	}
	field_set(p->step, FIELD_SEQ, from);
	field_set(p->step, FIELD_END, to);
}

static void sack(struct parser *p)
{
	const char *text = parse_next(p, "a list of ranges"), *end = text;
	unsigned    n = 0;

	do {
		struct number from, to;

		if (n == 4 || !parse_sum(*end == ',' ? end + 1 : end, &end, &from) || *end != ':' ||
		    !parse_sum(end + 1, &end, &to)) {
			parse_wrong(p,
				    "\"%s\" is no list of at most 4 ranges; right is "
				    "2001:3001,5001:6001",
				    text);
			return;
		}
		field_set(p->step, FIELD_SACK + 2 * n, from);
		field_set(p->step, FIELD_SACK + 2 * n + 1, to);
		n++;
	} while (*end == ',');
	p->step->frame.sacks = n;
	if (p->step->kind != STEP_OUT && !(p->script->only & TRAIT_SACK))
		parse_wrong(p,
			    "SACK blocks come only from peers that agreed to them; right is \"only "
			    "sack\" "
			    "in the head");
}

static void hex(struct parser *p, struct frame_hex *to)
{
	const char *text = parse_next(p, "bytes in hexadecimal");

	for (to->size = 0; isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]);
	     text += 2) {
		char digits[3] = {text[0], text[1], 0};

		if (to->size == FRAME_HEX_MAX) {
			parse_wrong(p, "at most %u bytes", FRAME_HEX_MAX);
			return;
		}
		to->bytes[to->size++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (*text != 0 || to->size == 0)
		parse_wrong(p, "not hexadecimal: right is an even number of digits without spaces, "
			       "01010402");
}

static void extension(struct parser *p)
{
	struct frame     *f = &p->step->frame;
	struct frame_ext *e = &f->extension[f->extensions];

	if (f->extensions == FRAME_EXTENSIONS_MAX) {
		parse_wrong(p, "at most %u extension headers", FRAME_EXTENSIONS_MAX);
		return;
	}
	f->extensions++;
	e->type = (uint8_t)parse_number(p, "type of extension header").constant;
	hex(p, &e->body);
	if (!(p->script->only & TRAIT_IP6))
		parse_wrong(p, "extension headers are IPv6's; right is \"only ip6\" in the head");
}

static bool frame_word(struct parser *p)
{
	for (unsigned i = 0; i < sizeof(frame_words) / sizeof(frame_words[0]); i++) {
		if (parse_take(p, frame_words[i].name)) {
			p->step->frame.words |= frame_words[i].word;
			return true;
		}
	}
	return false;
}

static bool frame_value(struct parser *p)
{
	for (unsigned field = 0; field < FIELD_COUNT; field++) {
		if (frame_field_name[field] == NULL || !parse_take(p, frame_field_name[field]))
			continue;
		if (!parse_take(p, "*"))
			field_set(p->step, field, parse_number(p, frame_field_name[field]));
		return true;
	}
	return false;
}

static uint8_t named(struct parser *p, const char *wanted, const char *const names[], uint8_t count)
{
	const char *text = parse_next(p, wanted);

	for (uint8_t i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	parse_wrong(p, "\"%s\" is not known here; right is %s", text, wanted);
	return 0;
}

static uint8_t who(struct parser *p)
{
	return named(p, "us, peer, other, link, router, none or nobody", frame_who_names,
		     WHO_COUNT);
}

/* Bytes of what IP carries: a fragment. */
static void part(struct parser *p)
{
	const char   *text = parse_next(p, "a range"), *end = NULL;
	struct number from, to;

	if (!parse_sum(text, &end, &from) || *end != ':' || !parse_sum(end + 1, &end, &to) ||
	    *end != 0) {
		parse_wrong(p, "\"%s\" is no range; right is 0:1480", text);
		return;
	}
	field_set(p->step, FIELD_PART, from);
	field_set(p->step, FIELD_PART_END, to);
}

static void frame_rest(struct parser *p)
{
	struct frame *f = &p->step->frame;

	while (parse_peek(p) != NULL && !p->failed) {
		if (frame_word(p) || frame_value(p))
			continue;
		if (parse_take(p, "sack"))
			sack(p);
		else if (parse_take(p, "ipopt"))
			hex(p, &f->ip_options);
		else if (parse_take(p, "tcpopt"))
			hex(p, &f->tcp_options);
		else if (parse_take(p, "ext"))
			extension(p);
		else if (parse_take(p, "hex"))
			hex(p, &f->payload);
		else if (parse_take(p, "part"))
			part(p);
		else if (parse_take(p, "via"))
			field_set(p->step, FIELD_VIA, (struct number){.constant = who(p)});
		else
			parse_wrong(
				p,
				"a frame has no \"%s\"; it has ack, win, mss, scale, sackok, ts, "
				"ecr, nots, "
				"sack, urg, and what README.md lists",
				parse_peek(p));
	}
	if ((frame_has(f, FIELD_TS) || frame_has(f, FIELD_ECHO)) &&
	    !(p->script->only & TRAIT_TIMESTAMPS))
		parse_wrong(
			p,
			"ts and ecr need peers that agreed to them; right is \"only timestamps\" "
			"in the "
			"head");
}

void parse_tcp_frame(struct parser *p)
{
	static const char letters[] = "FSRPAUEC";
	const char       *text = parse_next(p, "TCP flags");
	struct frame     *f = &p->step->frame;
	bool              ack;

	for (const char *c = text; *c != 0 && strcmp(text, "-") != 0; c++) {
		const char *letter = strchr(letters, *c);

		if (letter == NULL) {
			parse_wrong(
				p,
				"\"%s\" is no frame; right are TCP flags (letters of %s, or -), or "
				"icmp, "
				"udp, arp, router, mld, ip",
				text, letters);
			return;
		}
		f->flags |= (uint8_t)(1u << (letter - letters));
	}
	sequence(p);
	ack = parse_peek(p) != NULL && strcmp(parse_peek(p), "ack") == 0;
	if (f->flags & ACK && !ack)
		parse_wrong(
			p,
			"a frame with A says what it acknowledges; right is ack N (or ack * where "
			"it does "
			"not matter)");
	frame_rest(p);
}

static void ports(struct parser *p)
{
	p->step->frame.ports[0] = (uint16_t)parse_number(p, "source port").constant;
	p->step->frame.ports[1] = (uint16_t)parse_number(p, "destination port").constant;
}

static void icmp_kind(struct parser *p)
{
	const char *text = parse_next(p, "the kind of ICMP message");

	for (unsigned i = 0; frame_icmp_names[i].name != NULL; i++) {
		if (strcmp(text, frame_icmp_names[i].name) == 0) {
			p->step->frame.icmp = (uint8_t)i;
			return;
		}
	}
	parse_wrong(
		p,
		"\"%s\" is no ICMP message known here; right is port-unreachable, too-big, or what "
		"README.md lists",
		text);
}

static void icmp_frame(struct parser *p)
{
	p->step->frame.kind = FRAME_ICMP;
	icmp_kind(p);
	if (parse_take(p, "seq"))
		sequence(p);
	else if (parse_take(p, "udp"))
		ports(p);
	frame_rest(p);
}

static void arp_frame(struct parser *p)
{
	struct frame *f = &p->step->frame;

	f->kind = FRAME_ARP;
	f->operation = parse_take(p, "request") ? 1 : 2;
	if (f->operation == 2 && !parse_take(p, "reply"))
		parse_wrong(p, "right is arp request SENDER TARGET, or arp reply SENDER TARGET");
	f->sender = who(p);
	f->target = who(p);
	frame_rest(p);
	if (!(p->script->neighbours_seen))
		parse_wrong(
			p,
			"ARP is answered for the script; right is \"with neighbours seen\" in the "
			"head");
}

/* FROM TO BYTES. */
void parse_datagram(struct parser *p)
{
	ports(p);
	p->step->number = parse_number(p, "number of bytes");
}

/* KIND OURS THEIRS: what an ICMP error about a datagram of ours said. */
void parse_udp_error(struct parser *p)
{
	icmp_kind(p);
	ports(p);
}

void parse_frame(struct parser *p)
{
	struct frame *f = &p->step->frame;

	if (parse_take(p, "icmp")) {
		icmp_frame(p);
	} else if (parse_take(p, "arp")) {
		arp_frame(p);
	} else if (parse_take(p, "udp")) {
		f->kind = FRAME_UDP;
		ports(p);
		frame_rest(p);
	} else if (parse_take(p, "router")) {
		f->kind = FRAME_ROUTER;
		f->operation =
			named(p, "solicitation or advertisement", frame_router_names, ROUTER_WORDS);
		frame_rest(p);
	} else if (parse_take(p, "mld")) {
		f->kind = FRAME_MLD;
		f->operation =
			named(p, "query, query1, report or report1", frame_mld_names, MLD_WORDS);
		frame_rest(p);
	} else if (parse_take(p, "ip")) {
		f->kind = FRAME_IP;
		f->protocol = (uint8_t)parse_number(p, "protocol").constant;
		frame_rest(p);
	} else {
		parse_tcp_frame(p);
	}
}
