#include "sip/message.h"

#include "sip/lex.h"
#include "sip/names.h"

#define BLOCK 64u

/* One look over the head, from its start or from where an earlier look ended. */
struct look {
	const uint8_t *p;
	size_t         n;        /* bytes there are */
	size_t         seen;     /* bytes that need not be looked at again while no end is found */
	size_t         line_end; /* the LF of the first line, 0: none yet */
	size_t         end;      /* of the head, its empty line included; 0: none yet */
	unsigned       count;    /* lines, the start line included */
	bool           lone, control, crowded, folded;
	uint16_t       lines[SIP_HEADERS_MAX + 2]; /* where they begin, and the empty one */
};

/* Its lines are written before they are read. */
static inline void look_begin(struct look *l, const uint8_t *p, size_t n)
{
	l->p = p;
	l->n = n;
	l->seen = l->line_end = l->end = 0;
	l->count = 0;
	l->lone = l->control = l->crowded = l->folded = false;
}

struct masks { /* a bit for each byte of a block */
	uint64_t lf, cr, control;
};

#ifdef __AVX512BW__
/* Of the up to 64 bytes at p, at once. */
static inline struct masks masks_of(const uint8_t *p, size_t left)
{
	__mmask64    there = left < BLOCK ? (1ull << left) - 1 : UINT64_MAX;
	__m512i      x = _mm512_maskz_loadu_epi8(there, p);
	struct masks m = {
		.lf = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n')),
		.cr = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\r')),
		.control = _mm512_mask_cmplt_epu8_mask(there, x, _mm512_set1_epi8(' ')) |
			   _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(0x7f)),
	};

	m.control &= ~(m.lf | m.cr | _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\t')));
	return m;
}
#else
/* As many bytes as one instruction compares here. */
#ifdef __AVX2__
#define LOOK_PART 32u
#define LOOK_BITS(part) ((uint64_t)(uint32_t)_mm256_movemask_epi8((__m256i)(part)))
#else
#define LOOK_PART SIP_PART
#define LOOK_BITS(part) ((uint64_t)SIP_PART_BITS(part))
#endif
typedef uint8_t look_part __attribute__((vector_size(LOOK_PART), aligned(1)));

/* Of the up to 64 bytes at p. What follows them in their page is read as well, and left out. */
__attribute__((no_sanitize("address"))) static inline struct masks masks_of(const uint8_t *p,
									    size_t         left)
{
	uint8_t      tail[BLOCK];
	struct masks m = {0, 0, 0};
	uint64_t     there = left < BLOCK ? (1ull << left) - 1 : UINT64_MAX;

	if (left < BLOCK && ((uintptr_t)p & (SIP_PAGE - 1)) > SIP_PAGE - BLOCK) {
		memset(tail, ' ', sizeof(tail));
		memcpy(tail, p, left);
		p = tail;
	}
	for (unsigned at = 0; at < BLOCK; at += LOOK_PART) {
		look_part x = *(const look_part *)(const void *)(p + at);

		m.lf |= LOOK_BITS(x == '\n') << at;
		m.cr |= LOOK_BITS(x == '\r') << at;
		m.control |= LOOK_BITS(((x < ' ') & (x != '\t')) | (x == 0x7f)) << at;
	}
	m.lf &= there;
	m.cr &= there;
	m.control &= there & ~(m.lf | m.cr);
	return m;
}
#endif

/* A line ends at the LF at i. Gives whether the look is over: at the end of the head, or where it
 * takes the next bytes to tell. */
static bool look_line_end(struct look *l, size_t i)
{
	if (l->line_end == 0)
		l->line_end = i;
	if (i + 1 >= l->n || (l->p[i + 1] == '\r' && i + 2 >= l->n)) {
		l->seen = i;
		return true;
	}
	if (l->p[i + 1] == '\r' && l->p[i + 2] == '\n') {
		l->end = i + 3;
		l->lines[l->count] = (uint16_t)(i + 1);
		return true;
	}
	if (l->p[i + 1] == ' ' || l->p[i + 1] == '\t') {
		l->folded = true; /* goes on in the next line */
		return false;
	}
	if (l->count > SIP_HEADERS_MAX)
		l->crowded = true;
	else
		l->lines[l->count++] = (uint16_t)(i + 1);
	return false;
}

/* left: of the bytes from there on those that are in the block. Gives whether the look is over. */
static inline bool look_block(struct look *l, size_t at, size_t left, bool *after_cr)
{
	const uint8_t *p = l->p;
	const size_t   n = l->n;
	struct masks   m = masks_of(p + at, left);
	uint64_t       known = left < BLOCK ? (1ull << left) - 1 : UINT64_MAX;
	uint64_t       paired = m.lf & (m.cr << 1 | *after_cr);
	uint64_t       judged = known >> 1; /* of the last CR the next block knows */
	uint64_t       lone_cr = m.cr & ~(m.lf >> 1) & judged;
	unsigned       count = l->count; /* kept here, as lines are written meanwhile */
	bool           over = false;

	for (uint64_t ends = paired; ends != 0 && !over; ends &= ends - 1) {
		size_t i = at + (unsigned)__builtin_ctzll(ends);

		if (i + 1 < n && p[i + 1] > ' ' && count > 1 && count <= SIP_HEADERS_MAX) {
			l->lines[count++] = (uint16_t)(i + 1); /* as most are */
			continue;
		}
		l->count = count;
		over = look_line_end(l, i);
		count = l->count;
		if (over)
			known = ends ^ (ends - 1); /* up to the LF that told */
	}
	l->count = count;
	if (((lone_cr | (m.lf & ~paired)) & known) != 0 || (*after_cr && (m.lf & 1) == 0))
		l->lone = true;
	if ((m.control & known) != 0)
		l->control = true;
	*after_cr = m.cr >> (left - 1) & 1;
	return over;
}

static void look_from(struct look *l, size_t from)
{
	bool   after_cr = from > 0 && l->p[from - 1] == '\r', over = false;
	size_t at = from;

	l->lines[0] = 0;
	l->count = 1;
	l->seen = l->n;
	for (; at + BLOCK <= l->n && !over; at += BLOCK)
		over = look_block(l, at, BLOCK, &after_cr);
	if (at < l->n && !over)
		look_block(l, at, l->n - at, &after_cr);
}

/* ---- the start line ---- */

/* SIP "/" digits "." digits at the end of the line, after a space (7.1): what tells SIP from other
 * protocols. */
static bool version_parse(struct str text, bool *two)
{
	struct cur c = sip_cur(text);
	struct str name = {text.p, text.n < 4 ? text.n : 4};
	uint32_t   major, minor;

	*two = true;
	if (str_eq(text, STR("SIP/2.0")))
		return true;
	if (!sip_same(name, STR("SIP/")) || cur_bytes(&c, 4) == NULL ||
	    !sip_lex_number(&c, &major) || !sip_lex_char(&c, '.') || !sip_lex_number(&c, &minor) ||
	    cur_left(&c) > 0)
		return false;
	*two = major == 2 && minor == 0;
	return true;
}

static void fault(struct sip_message *m, enum reason why)
{
	if (m->fault == REASON_NONE)
		m->fault = why;
}

static size_t find_space(struct str s)
{
	const char *at = s.n > 0 ? memchr(s.p, ' ', s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* The space after the status is there also where no reason follows (7.2): without it others take
 * the next line for the reason (libosip2 5.3), and so miss a header field. */
static bool response_line(struct sip_message *m, struct str line)
{
	size_t     space = find_space(line);
	struct str code = str_skip(line, space + 1);
	bool       two, spaced;
	uint32_t   status = 0;

	if (!version_parse((struct str){line.p, space}, &two))
		return false;
	m->kind = SIP_RESPONSE;
	if (!two)
		fault(m, REASON_SIP_VERSION);
	m->reason = str_skip(code, find_space(code) + 1);
	spaced = find_space(code) < code.n;
	code.n = find_space(code);
	if (!spaced || code.n != 3 || !sip_number_parse(code, &status) || status < 100 ||
	    status > 699)
		fault(m, REASON_SIP_START_LINE);
	else
		m->status = (uint16_t)status;
	return true;
}

#define SIP_TWO_SIZE 8u

static uint64_t two_word(void)
{
	return sip_word_at(" SIP/2.0");
}

static bool request_line(struct sip_message *m, struct str line)
{
	struct cur c = sip_cur(line);
	struct str rest = line;
	size_t     last;
	bool       two, trailing = false;

	m->method_text = sip_lex_while(&c, SIP_CLASS_TOKEN);
	if (m->method_text.n == 0 || sip_lex_peek(&c) != ' ')
		return false;
	rest = str_skip(line, m->method_text.n + 1);
	if (rest.n > SIP_TWO_SIZE && sip_word_at(rest.p + rest.n - SIP_TWO_SIZE) == two_word()) {
		last = rest.n - SIP_TWO_SIZE + 1; /* as all are written */
		two = true;
	} else {
		while (rest.n > 0 && rest.p[rest.n - 1] == ' ') {
			rest.n--;
			trailing = true;
		}
		for (last = rest.n; last > 0 && rest.p[last - 1] != ' '; last--)
			;
		if (last == 0 || !version_parse(str_skip(rest, last), &two))
			return false;
	}
	m->kind = SIP_REQUEST;
	m->method = sip_method_classify(m->method_text);
	m->uri = (struct str){rest.p, last - 1};
	if (!two)
		fault(m, REASON_SIP_VERSION);
	if (trailing || m->method_text.n > SIP_METHOD_MAX || m->uri.n == 0 || m->uri.p[0] == ' ' ||
	    m->uri.p[m->uri.n - 1] == ' ')
		fault(m, REASON_SIP_START_LINE);
	else if (m->uri.n > SIP_URI_MAX)
		fault(m, REASON_SIP_URI_SIZE);
	else if (!sip_lex_all(m->uri, SIP_CLASS_URI))
		fault(m, REASON_SIP_URI);
	return true;
}

/* False: this is not SIP. A start line has no control character and is not folded; odd: the head
 * has what its lines may not. */
static bool start_line(struct sip_message *m, struct str line, bool odd)
{
	struct str first = {line.p, line.n < 4 ? line.n : 4};

	if (line.n == 0)
		return false;
	for (size_t i = 0; odd && i < line.n; i++) {
		if (((uint8_t)line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 0x7f)
			return false;
	}
	return sip_same(first, STR("SIP/")) ? response_line(m, line) : request_line(m, line);
}

/* ---- header lines ---- */

static inline void header_add(struct sip_message *m, enum sip_header_id id, struct str name,
			      struct str value, bool plain)
{
	uint8_t            slot = m->header_count++;
	struct sip_header *h = &m->headers[slot];

	h->id = (uint8_t)id;
	h->next = SIP_NO_SLOT;
	h->plain = plain;
	h->name = name;
	h->value = value;
	if (m->first[id] == SIP_NO_SLOT) {
		m->first[id] = slot;
	} else {
		if (sip_header_how(id) == SIP_HEADER_ONE)
			fault(m, id == SIP_CONTENT_LENGTH &&
						 !str_eq(value, m->headers[m->first[id]].value)
					 ? REASON_SIP_CONTENT_LENGTH
					 : REASON_SIP_HEADER_REPEATED);
		m->headers[m->last[id]].next = slot;
	}
	m->last[id] = slot;
}

/* The name of a header line, and what it is; the cursor then stands after its colon. False: there
 * is none. */
static bool header_name(struct cur *c, struct str *name, uint8_t *id)
{
	*name = sip_lex_while(c, SIP_CLASS_TOKEN);
	while (sip_lex_peek(c) == ' ' || sip_lex_peek(c) == '\t')
		c->p++;
	if (name->n == 0 || !sip_lex_char(c, ':'))
		return false;
	*id = (uint8_t)sip_header_classify(*name);
	return true;
}

/* As most peers write it, each time in the same place. False: it takes a closer look. */
static bool line_as_guessed(struct sip_message *m, struct str line, enum sip_header_id guess)
{
	size_t     label = sip_header_label(line, guess);
	struct str value = str_skip(line, label);

	if (label == 0 || !sip_is_trim(value))
		return false;
	header_add(m, guess, (struct str){line.p, label - sizeof(": ") + 1}, value, true);
	return true;
}

static void header_line(struct sip_message *m, struct str line, bool control, uint8_t *id)
{
	struct cur c = sip_cur(line);
	struct str name, value;

	if (!header_name(&c, &name, id)) {
		fault(m, REASON_SIP_HEADER_NAME);
		return;
	}
	value = sip_trim((struct str){(const char *)c.p, cur_left(&c)});
	if (control && !sip_controls_quoted(value))
		fault(m, REASON_SIP_CONTROL);
	header_add(m, *id, name, value, false);
}

/* Without its CRLF. */
static struct str line_between(const uint8_t *p, uint16_t begin, uint16_t next)
{
	return (struct str){(const char *)p + begin, next - begin - 2u};
}

/* False: the start line is not SIP. */
static bool head_parse(struct sip_message *m, const struct look *l, struct sip_scan *scan)
{
	static const uint8_t mandatory[] = {SIP_VIA, SIP_FROM, SIP_TO, SIP_CALL_ID, SIP_CSEQ};
	uint8_t             *guess, other = SIP_HEADER_OTHER;
	bool                 odd = l->control || l->folded || l->lone;
	const unsigned       count = l->count; /* kept here, as bytes are written meanwhile */
	const uint8_t       *p = l->p;
	uint16_t             begin = l->lines[1];

	if (!start_line(m, line_between(p, 0, begin), odd))
		return false;
	guess = scan->guess[m->kind == SIP_REQUEST];
	for (unsigned i = 1; i < count; i++) {
		uint8_t   *id = i <= SIP_GUESSES ? &guess[i - 1] : &other;
		uint16_t   next = l->lines[i + 1];
		struct str line = line_between(p, begin, next);

		begin = next;
		if (odd || !line_as_guessed(m, line, *id))
			header_line(m, line, l->control, id);
	}
	if (l->lone)
		fault(m, REASON_SIP_LINE_END);
	if (l->crowded)
		fault(m, REASON_SIP_HEADER_COUNT);
	for (unsigned i = 0; i < sizeof(mandatory); i++) {
		if (m->first[mandatory[i]] == SIP_NO_SLOT)
			fault(m, REASON_SIP_HEADER_MISSING);
	}
	return true;
}

static void message_clear(struct sip_message *m)
{
	const struct str none = STR("");

	m->kind = SIP_NOTHING;
	m->fault = REASON_NONE;
	m->method = SIP_METHOD_OTHER;
	m->method_text =
		none; /* one by one: a chain of assignments reads what it has just stored */
	m->uri = none;
	m->reason = none;
	m->whole = none;
	m->status = 0;
	m->body = cur_of("", 0);
	m->header_count = 0;
	memset(m->first, SIP_NO_SLOT, sizeof(m->first));
}

/* The length that the head names; false: it names none that can be believed. A length above the
 * limit comes as one above it, whatever its digits. */
static bool content_length(const struct sip_message *m, uint32_t *size)
{
	uint8_t slot = m->first[SIP_CONTENT_LENGTH];

	if (!sip_number_parse(m->headers[slot].value, size))
		return false;
	for (slot = m->headers[slot].next; slot != SIP_NO_SLOT; slot = m->headers[slot].next) {
		uint32_t other;

		if (!sip_number_parse(m->headers[slot].value, &other) || other != *size)
			return false;
	}
	return true;
}

/* ---- datagrams ---- */

static enum pull bad(enum reason *why, enum reason reason)
{
	*why = reason;
	return PULL_BAD;
}

static size_t crlf_count(const struct cur *in)
{
	size_t n = 0;

	while (cur_left(in) >= 2 * n + 2 && in->p[2 * n] == '\r' && in->p[2 * n + 1] == '\n')
		n++;
	return n;
}

static enum pull datagram_next(struct sip_scan *scan, struct cur *in, struct sip_message *m,
			       enum reason *why)
{
	size_t      crlfs = crlf_count(in), left = cur_left(in) - 2 * crlfs;
	uint32_t    size = 0;
	struct look l;

	look_begin(&l, in->p + 2 * crlfs, left);
	if (left == 0) {
		m->kind = crlfs >= 2 ? SIP_PING : SIP_PONG;
		in->p = in->end;
		return PULL_ITEM;
	}
	if (l.n > SIP_HEAD_SIZE_MAX)
		l.n = SIP_HEAD_SIZE_MAX;
	look_from(&l, 0);
	scan->steps += l.n;
	if (l.end == 0)
		return bad(why,
			   left > SIP_HEAD_SIZE_MAX ? REASON_SIP_HEAD_SIZE : REASON_SIP_HEAD_END);
	if (!head_parse(m, &l, scan)) {
		m->kind = SIP_NOTHING;
		return bad(why, REASON_SIP_START_LINE);
	}
	left -= l.end;
	if (m->first[SIP_CONTENT_LENGTH] == SIP_NO_SLOT)
		size = (uint32_t)left;
	else if (!content_length(m, &size))
		fault(m, REASON_SIP_CONTENT_LENGTH);
	if (size > left) {
		fault(m, REASON_SIP_BODY_SHORT);
		size = (uint32_t)left;
	}
	m->whole = (struct str){(const char *)l.p, l.end + size};
	m->body = cur_of(l.p + l.end, size);
	in->p = in->end;
	return PULL_ITEM;
}

/* ---- streams ---- */

static enum pull more(struct sip_scan *scan, size_t need)
{
	scan->need = (uint32_t)need;
	return PULL_MORE;
}

static enum pull crlf_next(struct sip_scan *scan, struct cur *in, struct sip_message *m,
			   enum reason *why)
{
	if (in->p[0] == '\r' && cur_left(in) < 2)
		return more(scan, 2);
	if (in->p[0] != '\r' || in->p[1] != '\n')
		return bad(why, REASON_SIP_LINE_END);
	cur_bytes(in, 2);
	scan->steps += 2;
	scan->need = 0;
	scan->crlf = !scan->crlf;
	m->kind = scan->crlf ? SIP_PONG : SIP_PING;
	return PULL_ITEM;
}

/* What can be said of a head whose end is not there yet. */
static enum pull head_more(struct sip_scan *scan, const struct look *l, struct sip_message *m,
			   enum reason *why)
{
	if (l->lone)
		return bad(why, REASON_SIP_LINE_END);
	if (!scan->start_seen && l->line_end > 0) {
		if (l->line_end > SIP_START_LINE_MAX ||
		    !start_line(m, (struct str){(const char *)l->p, l->line_end - 1}, l->control))
			return bad(why, REASON_SIP_START_LINE);
		scan->start_seen = true;
	}
	if (!scan->start_seen && (l->control || l->n > SIP_START_LINE_MAX))
		return bad(why, REASON_SIP_START_LINE);
	if (l->n >= SIP_HEAD_SIZE_MAX)
		return bad(why, REASON_SIP_HEAD_SIZE);
	if (l->crowded)
		return bad(why, REASON_SIP_HEADER_COUNT);
	scan->seen = (uint32_t)l->seen;
	return more(scan, l->n + 1);
}

/* The head is whole: how long is the message? */
static enum pull stream_body(struct sip_message *m, const struct look *l, uint32_t *size,
			     enum reason *why)
{
	*size = 0;
	if (l->lone)
		return bad(why, REASON_SIP_LINE_END);
	if (l->crowded)
		return bad(why, REASON_SIP_HEADER_COUNT);
	if (m->first[SIP_CONTENT_LENGTH] != SIP_NO_SLOT) {
		if (!content_length(m, size))
			return bad(why, REASON_SIP_CONTENT_LENGTH);
		if (*size > SIP_MESSAGE_SIZE_MAX - l->end)
			return bad(why, REASON_MESSAGE_SIZE);
	} else if (m->first[SIP_CONTENT_TYPE] != SIP_NO_SLOT) {
		return bad(why, REASON_SIP_NO_CONTENT_LENGTH);
	}
	return PULL_ITEM;
}

static enum pull stream_next(struct sip_scan *scan, struct cur *in, struct sip_message *m,
			     enum reason *why)
{
	struct look l;
	uint32_t    size;
	enum pull   pull;

	look_begin(&l, in->p, cur_left(in));
	if (l.n == 0 || l.n < scan->need)
		return more(scan, scan->need > 0 ? scan->need : 1);
	if (in->p[0] == '\r' || in->p[0] == '\n')
		return crlf_next(scan, in, m, why);
	if (l.n > SIP_HEAD_SIZE_MAX)
		l.n = SIP_HEAD_SIZE_MAX;
	look_from(&l, scan->seen);
	scan->steps += (l.end > 0 ? l.end : l.n) - scan->seen;
	if (l.end == 0) {
		pull = head_more(scan, &l, m, why);
		m->kind = SIP_NOTHING;
		return pull;
	}
	if (scan->seen > 0) { /* its lines were not all seen by this look */
		look_begin(&l, in->p, l.end);
		look_from(&l, 0);
		scan->steps += l.end;
	}
	if (!head_parse(m, &l, scan) || l.line_end > SIP_START_LINE_MAX) {
		m->kind = SIP_NOTHING;
		return bad(why, REASON_SIP_START_LINE);
	}
	pull = stream_body(m, &l, &size, why);
	if (pull == PULL_BAD) {
		m->fault = *why;
		return pull;
	}
	if (cur_left(in) < l.end + size) {
		m->kind = SIP_NOTHING;
		scan->seen = (uint32_t)l.end - 3; /* where the next look finds the end at once */
		return more(scan, l.end + size);
	}
	m->whole = (struct str){(const char *)l.p, l.end + size};
	m->body = cur_of(l.p + l.end, size);
	cur_bytes(in, l.end + size);
	scan->seen = scan->need = 0;
	scan->crlf = scan->start_seen = false;
	return PULL_ITEM;
}

enum pull sip_message_next(struct sip_scan *scan, struct cur *in, enum sip_framing framing,
			   struct sip_message *m, enum reason *why)
{
	*why = REASON_NONE;
	message_clear(m);
	return framing == SIP_STREAM ? stream_next(scan, in, m, why)
				     : datagram_next(scan, in, m, why);
}

unsigned sip_fault_status(enum reason fault)
{
	if (fault == REASON_SIP_VERSION)
		return 505;
	if (fault == REASON_SIP_URI_SIZE)
		return 414;
	if (fault == REASON_MESSAGE_SIZE)
		return 413;
	return 400;
}

/* ---- lists ---- */

void sip_list_init(struct sip_list *l, const struct sip_message *m, enum sip_header_id id)
{
	*l = (struct sip_list){.m = m, .slot = m->first[id], .rest = cur_of("", 0)};
}

void sip_list_of(struct sip_list *l, struct str value)
{
	*l = (struct sip_list){.slot = SIP_NO_SLOT, .rest = sip_cur(value)};
}

/* The next byte that may mean something in a list, or the end. */
static const uint8_t *mark_find(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p += SIP_PART) {
		size_t   left = (size_t)(end - p);
		sip_part x = sip_part_at(p, left);
		uint32_t bits = SIP_PART_BITS((x == ',') | (x == '"') | (x == '<') | (x == '>'));
		unsigned at = sip_part_first(bits, left);

		if (at < SIP_PART)
			return p + at;
	}
	return end;
}

/* Up to the next comma that parts elements, or the end. False: a quote or < is open. */
static bool element_end(struct cur *c)
{
	struct str inside;
	bool       angle = false;

	for (;;) {
		int b;

		c->p = mark_find(c->p, c->end);
		b = sip_lex_peek(c);
		if (b < 0)
			return !angle;
		if (b == '"' && !angle) {
			if (!sip_lex_quoted(c, &inside))
				return false;
			continue;
		}
		if (b == ',' && !angle)
			return true;
		if (b == '<')
			angle = true;
		else if (b == '>')
			angle = false;
		c->p++;
	}
}

bool sip_list_next(struct sip_list *l, struct str *element)
{
	const char *start;
	bool        comma;

	while (!l->failed && cur_left(&l->rest) == 0 && l->slot != SIP_NO_SLOT) {
		l->rest = sip_cur(l->m->headers[l->slot].value); /* which may be empty (7.3.1) */
		l->slot = l->m->headers[l->slot].next;
	}
	if (l->failed || cur_left(&l->rest) == 0)
		return false;
	start = (const char *)l->rest.p;
	l->failed = !element_end(&l->rest);
	*element = sip_trim((struct str){start, (size_t)((const char *)l->rest.p - start)});
	comma = sip_lex_peek(&l->rest) == ',';
	if (comma)
		cur_bytes(&l->rest, 1);
	if (element->n == 0 || (comma && cur_left(&l->rest) == 0))
		l->failed = true;
	return !l->failed;
}
