#include "base/assert.h"
#include "sip/msrp.h"

enum state { HEAD, BODY, END };

enum header_id {
#define MSRP_HEADER(id, name) id,
#include "sip/msrp_headers.def"
#undef MSRP_HEADER
	HEADER_COUNT
};

static const struct str names[] = {
#define MSRP_HEADER(id, name) {name, sizeof(name) - 1},
#include "sip/msrp_headers.def"
#undef MSRP_HEADER
};

#define HYPHENS STR("-------")

/* ident (9): a letter or digit, then these. */
static bool is_id(struct str s)
{
	if (s.n < MSRP_ID_MIN || s.n > MSRP_ID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		bool    alphanumeric =
			(c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (!alphanumeric && (i == 0 || c == 0 || strchr(".-+%=", c) == NULL))
			return false;
	}
	return true;
}

static bool is_flag(uint8_t c)
{
	return c == MSRP_COMPLETE || c == MSRP_CONTINUED || c == MSRP_ABORTED;
}

static size_t end_size(const struct msrp_reader *r)
{
	return HYPHENS.n + r->transaction_size + 1;
}

/* Is this run of end_size() bytes the end-line, but for its CRLF? */
static bool is_end(const struct msrp_reader *r, const uint8_t *p)
{
	return memcmp(p, HYPHENS.p, HYPHENS.n) == 0 &&
	       memcmp(p + HYPHENS.n, r->transaction, r->transaction_size) == 0 &&
	       is_flag(p[HYPHENS.n + r->transaction_size]);
}

/* ---- the head ---- */

/* MSRP SP transact-id SP (method / 3DIGIT [SP comment]) */
static bool start_line_parse(struct str line, struct msrp_head *h)
{
	struct cur  c = sip_cur(line);
	const char *space;
	uint32_t    status;

	cur_bytes(&c, 5);
	line = str_skip(line, 5);
	space = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
	if (space == NULL)
		return false;
	h->transaction = (struct str){line.p, (size_t)(space - line.p)};
	line = str_skip(line, h->transaction.n + 1);
	if (!is_id(h->transaction) || line.n == 0)
		return false;
	if (line.p[0] >= '0' && line.p[0] <= '9') {
		h->kind = MSRP_RESPONSE;
		if (line.n < 3 || (line.n > 3 && line.p[3] != ' ') ||
		    !sip_number_parse((struct str){line.p, 3}, &status) || status < 100)
			return false;
		h->status = (uint16_t)status;
		h->comment = str_skip(line, 4);
		return true;
	}
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] < 'A' || line.p[i] > 'Z')
			return false;
	}
	h->kind = MSRP_REQUEST;
	if (str_eq(line, STR("SEND")))
		h->method = MSRP_SEND;
	else if (str_eq(line, STR("REPORT")))
		h->method = MSRP_REPORT;
	return true;
}

/* Digits; what is beyond all limits stays there. */
static bool bytes_parse(struct cur *c, uint64_t *n)
{
	bool any = false;

	for (*n = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		unsigned digit = (unsigned)(*c->p - '0');

		*n = *n > (MSRP_UNKNOWN - 10) / 10 ? MSRP_UNKNOWN - 1 : *n * 10 + digit;
		any = true;
	}
	return any;
}

static bool bound_parse(struct cur *c, uint64_t *n)
{
	if (sip_lex_peek(c) != '*')
		return bytes_parse(c, n);
	c->p++;
	*n = MSRP_UNKNOWN;
	return true;
}

/* An empty message is 1-0/0. */
static bool range_parse(struct str value, struct msrp_range *range)
{
	struct cur c = sip_cur(value);

	if (!bytes_parse(&c, &range->first) || !sip_lex_char(&c, '-') ||
	    !bound_parse(&c, &range->last) || !sip_lex_char(&c, '/') ||
	    !bound_parse(&c, &range->total) || cur_left(&c) > 0)
		return false;
	return range->first > 0 &&
	       (range->last == MSRP_UNKNOWN ||
		(range->last >= range->first - 1 &&
		 (range->total == MSRP_UNKNOWN || range->last <= range->total)));
}

/* namespace SP status-code [SP comment]; of other namespaces than 000 nothing is known. */
static bool report_status_parse(struct str value, uint16_t *status)
{
	uint32_t space, code;

	if (value.n < 7 || value.p[3] != ' ' || (value.n > 7 && value.p[7] != ' ') ||
	    !sip_number_parse((struct str){value.p, 3}, &space) ||
	    !sip_number_parse((struct str){value.p + 4, 3}, &code))
		return false;
	*status = space == 0 ? (uint16_t)code : 0;
	return true;
}

static bool failure_parse(struct str value, uint8_t *failure)
{
	static const struct str words[] = {
		[MSRP_FAILURE_YES] = {"yes", 3},
		[MSRP_FAILURE_NO] = {"no", 2},
		[MSRP_FAILURE_PARTIAL] = {"partial", 7},
	};

	for (uint8_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (sip_same(value, words[i])) {
			*failure = i;
			return true;
		}
	}
	return false;
}

static void path_take(struct msrp_head *h, struct str value, bool to)
{
	struct msrp_uri *first = to ? &h->to : &h->from, ignored;

	if (!msrp_path_parse(value, first, to ? &h->to_last : &ignored))
		h->fault = REASON_MSRP_PATH;
	else if (to)
		h->to_path = value;
	else
		h->from_path = value;
}

static void field_take(struct msrp_head *h, enum header_id id, struct str value)
{
	bool good = true;

	switch (id) {
	case TO_PATH:
	case FROM_PATH:
		path_take(h, value, id == TO_PATH);
		break;
	case MESSAGE_ID:
		h->message_id = value;
		good = is_id(value);
		break;
	case BYTE_RANGE:
		h->has_range = true;
		if (!range_parse(value, &h->range))
			h->fault = REASON_MSRP_RANGE;
		break;
	case SUCCESS_REPORT:
		h->success_report = sip_same(value, STR("yes"));
		good = h->success_report || sip_same(value, STR("no"));
		break;
	case FAILURE_REPORT:
		good = failure_parse(value, &h->failure_report);
		break;
	case STATUS:
		good = h->kind == MSRP_RESPONSE || report_status_parse(value, &h->status);
		break;
	case CONTENT_TYPE:
		h->content_type = value;
		good = value.n > 0;
		break;
	case HEADER_COUNT:
		break;
	}
	if (!good)
		h->fault = REASON_MSRP_FIELD;
}

/* name ":" value; false: it is no header field. */
static bool line_take(struct msrp_head *h, struct str line, unsigned number, uint32_t *there)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct str  name, value;

	if (colon == NULL || memchr(line.p, '\r', line.n) != NULL ||
	    memchr(line.p, '\0', line.n) != NULL)
		return false;
	name = (struct str){line.p, (size_t)(colon - line.p)};
	value = sip_trim(str_skip(line, name.n + 1));
	if (!sip_lex_all(name, SIP_CLASS_TOKEN))
		return false;
	for (unsigned id = 0; id < HEADER_COUNT; id++) {
		if (!sip_same(name, names[id]))
			continue;
		if (*there & 1u << id)
			h->fault = REASON_MSRP_HEADER_REPEATED;
		else if (number < 2 && id != number) /* 9: the paths come first */
			h->fault = REASON_MSRP_HEADER_MISSING;
		else
			field_take(h, (enum header_id)id, value);
		*there |= 1u << id;
	}
	return true;
}

static uint32_t required(const struct msrp_head *h)
{
	uint32_t paths = 1u << TO_PATH | 1u << FROM_PATH;

	if (h->kind == MSRP_RESPONSE || h->method == MSRP_OTHER)
		return paths;
	if (h->method == MSRP_REPORT)
		return paths | 1u << MESSAGE_ID | 1u << STATUS;
	return paths | 1u << MESSAGE_ID | (h->has_body ? 1u << CONTENT_TYPE : 0);
}

/* text: the head, start line and all, each line with its CRLF. */
static void head_parse(struct str text, bool has_body, struct msrp_head *h)
{
	uint32_t there = 0;

	*h = (struct msrp_head){.has_body = has_body, .range = {1, MSRP_UNKNOWN, MSRP_UNKNOWN}};
	for (unsigned number = 0; text.n > 0; number++) {
		const char *end = memchr(text.p, '\n', text.n);
		struct str  line;

		ASSERT(end != NULL && end > text.p);
		line = (struct str){text.p, (size_t)(end - text.p) - 1};
		text = str_skip(text, line.n + 2);
		if (number == 0)
			start_line_parse(line, h);
		else if (!line_take(h, line, number - 1, &there))
			h->fault = REASON_MSRP_LINE;
	}
	if (h->fault == REASON_NONE && (there & required(h)) != required(h))
		h->fault = REASON_MSRP_HEADER_MISSING;
	if (h->fault == REASON_NONE && h->kind == MSRP_RESPONSE && has_body)
		h->fault = REASON_MSRP_LINE;
}

/* The first line is here: from now on it is known what ends the chunk. */
static bool begin(struct msrp_reader *r, struct str line)
{
	struct msrp_head h = {0};

	if (!start_line_parse(line, &h))
		return false;
	r->transaction_size = (uint8_t)h.transaction.n;
	memcpy(r->transaction, h.transaction.p, h.transaction.n);
	return true;
}

enum found { FOUND_NOT, FOUND_BODY, FOUND_END };

/* A whole line from r->line on, its CRLF behind it. */
static enum found line_look(struct msrp_reader *r, struct str line, enum reason *why)
{
	if (r->line == 0 && !begin(r, line))
		*why = REASON_MSRP_START_LINE;
	else if (line.n == 0)
		return FOUND_BODY;
	else if (line.n == end_size(r) && is_end(r, (const uint8_t *)line.p))
		return FOUND_END;
	return FOUND_NOT;
}

/* Not waiting for what can never be one. */
static bool may_begin(const struct cur *in)
{
	struct str start = STR("MSRP ");
	size_t     n = cur_left(in) < start.n ? cur_left(in) : start.n;

	return n == 0 || memcmp(in->p, start.p, n) == 0;
}

static enum pull bad(enum reason *why, enum reason reason)
{
	*why = reason;
	return PULL_BAD;
}

static enum pull head_next(struct msrp_reader *r, struct cur *in, struct msrp_chunk *chunk,
			   enum reason *why)
{
	size_t      size = cur_left(in) < MSRP_HEAD_MAX ? cur_left(in) : MSRP_HEAD_MAX;
	const char *text = (const char *)in->p;
	enum found  found = FOUND_NOT;
	uint32_t    head;

	if (!may_begin(in))
		return bad(why, REASON_MSRP_START_LINE);
	do {
		const char *end =
			size > r->seen ? memchr(text + r->seen, '\n', size - r->seen) : NULL;
		uint32_t seen = end != NULL ? (uint32_t)(end - text) + 1 : (uint32_t)size;

		r->steps += seen - r->seen;
		r->seen = seen;
		if (end == NULL) {
			r->need = seen + 1;
			return size < MSRP_HEAD_MAX ? PULL_MORE : bad(why, REASON_MSRP_HEAD_SIZE);
		}
		if (seen < r->line + 2 || text[seen - 2] != '\r')
			return bad(why, REASON_MSRP_LINE);
		head = r->line;
		*why = REASON_NONE;
		found = line_look(r, (struct str){text + head, seen - 2 - head}, why);
		if (*why != REASON_NONE)
			return PULL_BAD;
		r->line = seen;
	} while (found == FOUND_NOT);
	head_parse((struct str){text, head}, found == FOUND_BODY, &chunk->head);
	chunk->item = MSRP_ITEM_HEAD;
	r->steps += head;
	in->p += found == FOUND_BODY ? r->seen : head;
	r->state = found == FOUND_BODY ? BODY : END;
	r->first = true;
	r->seen = r->line = 0;
	return PULL_ITEM;
}

/* ---- body and end ---- */

static enum pull end_next(struct msrp_reader *r, struct cur *in, struct msrp_chunk *chunk)
{
	const uint8_t *line;

	if (cur_left(in) < end_size(r) + 2) {
		r->need = (uint32_t)end_size(r) + 2;
		return PULL_MORE;
	}
	line = cur_bytes(in, end_size(r) + 2);
	chunk->item = MSRP_ITEM_END;
	chunk->flag = (enum msrp_flag)line[end_size(r) - 1];
	r->state = HEAD;
	return PULL_ITEM;
}

/* May these bytes, of which there may be too few, be the CRLF and the end-line after a body? whole:
 * they are. */
static bool may_end(const struct msrp_reader *r, const uint8_t *p, size_t left, bool *whole)
{
	uint8_t    mark[2 + 7 + MSRP_ID_MAX];
	struct put w = put_to(mark, sizeof(mark));
	size_t     n, full = 2 + end_size(r) + 2;

	put_str(&w, STR("\r\n"));
	put_str(&w, HYPHENS);
	put_bytes(&w, r->transaction, r->transaction_size);
	n = put_size(&w) < left ? put_size(&w) : left;
	*whole = left >= full && is_flag(p[full - 3]) && p[full - 2] == '\r' && p[full - 1] == '\n';
	return memcmp(p, mark, n) == 0 && (*whole || left < full);
}

static enum pull body_next(struct msrp_reader *r, struct cur *in, struct msrp_chunk *chunk)
{
	const uint8_t *p = in->p, *cr;
	size_t         left = cur_left(in), at = 0, full = 2 + end_size(r) + 2;
	bool           whole = false;

	if (r->first && left < full - 2) {
		r->need = (uint32_t)full - 2;
		return PULL_MORE;
	}
	if (r->first && is_end(r, p) && memcmp(p + end_size(r), "\r\n", 2) == 0)
		return end_next(r, in, chunk);
	while (at < left) {
		cr = memchr(p + at, '\r', left - at);
		at = cr != NULL ? (size_t)(cr - p) : left;
		if (cr == NULL || may_end(r, cr, left - at, &whole))
			break;
		at++;
	}
	r->steps += at + 1;
	if (at > 0) {
		chunk->item = MSRP_ITEM_BODY;
		chunk->body = (struct str){(const char *)cur_bytes(in, at), at};
		r->first = false;
		return PULL_ITEM;
	}
	if (!whole) {
		r->need = (uint32_t)full;
		return PULL_MORE;
	}
	cur_bytes(in, 2); /* whole: the end-line is there, too */
	return end_next(r, in, chunk);
}

enum pull msrp_next(struct msrp_reader *r, struct cur *in, struct msrp_chunk *chunk,
		    enum reason *why)
{
	r->need = 1;
	switch ((enum state)r->state) {
	case HEAD:
		return head_next(r, in, chunk, why);
	case BODY:
		return body_next(r, in, chunk);
	case END:
		break;
	}
	return end_next(r, in, chunk);
}
