/* Reading the words of one line of a script: what script.c and parse_frame.c stand on. */
#pragma once

#include "script.h"

#define PARSE_WORDS_MAX 64u

struct parser {
	struct script *script;
	FILE          *errors;
	unsigned       line;
	char          *words[PARSE_WORDS_MAX];
	unsigned       count, at;
	bool           failed;
	struct step   *step;
};

/* Says path:line: what is wrong and what would be right, the first time. Always false. */
__attribute__((format(printf, 2, 3))) bool parse_wrong(struct parser *p, const char *format, ...);

const char *parse_peek(const struct parser *p); /* NULL at the end of the line */
bool        parse_take(struct parser *p, const char *word);
const char *parse_next(struct parser *p, const char *wanted);

/* A sum of numbers, mss and offer. *end: where it stopped. */
bool          parse_sum(const char *text, const char **end, struct number *n);
struct number parse_number(struct parser *p, const char *wanted);
uint64_t      parse_duration(struct parser *p, const char *text); /* 20us, 1.5ms, 2s */

/* parse_frame.c: the frame of p->step */
void parse_frame(struct parser *p);
void parse_tcp_frame(struct parser *p);
void parse_datagram(struct parser *p);  /* ports and length */
void parse_udp_error(struct parser *p); /* kind and ports */
