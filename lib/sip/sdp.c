#include "sip/sdp.h"

#include "sip/lex.h"
#include "sip/print.h"

/* The letters of a session and of a medium, in their order. */
#define SESSION_ORDER "vosiuepcbtrzka"
#define MEDIA_ORDER "micbka"

struct reader {
	struct cur           in;
	struct sip_sdp      *sdp;
	struct sip_sdp_media all; /* what the session says for all media */
	const char          *order;
	size_t               at; /* in the order */
	unsigned             lines;
	bool                 has_time;
	enum sip_body        fault;
};

static bool fail(struct reader *r, enum sip_body fault)
{
	if (r->fault == SIP_BODY_OK)
		r->fault = fault;
	return false;
}

/* A line without its end. */
static bool line_next(struct reader *r, char *letter, struct str *value)
{
	const uint8_t *start = r->in.p;
	const uint8_t *end = memchr(start, '\n', cur_left(&r->in));
	struct str     line;

	if (end == NULL)
		return fail(r, SIP_BODY_SYNTAX);
	cur_bytes(&r->in, (size_t)(end - start) + 1);
	line = (struct str){(const char *)start, (size_t)(end - start)};
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		if (((uint8_t)line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 0x7f)
			return fail(r, SIP_BODY_SYNTAX);
	}
	if (line.n < 2 || line.p[1] != '=')
		return fail(r, SIP_BODY_SYNTAX);
	*letter = line.p[0];
	*value = str_skip(line, 2);
	return true;
}

/* The next word; empty: there is none. One SP between words, none at the ends (RFC 8866, 5). */
static struct str word_next(struct str *rest)
{
	const char *end = memchr(rest->p, ' ', rest->n);
	struct str  word = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};

	*rest = str_skip(*rest, word.n + (end != NULL ? 1 : 0));
	return word;
}

static bool words_only(struct str text)
{
	while (text.n > 0) {
		bool more = memchr(text.p, ' ', text.n) != NULL;

		if (word_next(&text).n == 0 || (more && text.n == 0))
			return false;
	}
	return true;
}

static bool size_parse(struct str text, uint64_t *size)
{
	*size = 0;
	if (text.n == 0 || text.n > 19)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*size = *size * 10 + (uint64_t)(text.p[i] - '0');
	}
	return true;
}

/* ---- lines ---- */

static bool on_origin(struct reader *r, struct str v)
{
	unsigned words = 0;

	if (!words_only(v))
		return fail(r, SIP_BODY_SYNTAX);
	while (v.n > 0) {
		word_next(&v);
		words++;
	}
	return words == 6 ? true : fail(r, SIP_BODY_SYNTAX);
}

static struct sip_sdp_media *current(struct reader *r)
{
	return r->sdp->count > 0 ? &r->sdp->media[r->sdp->count - 1] : &r->all;
}

static bool on_connection(struct reader *r, struct str v)
{
	struct str net = word_next(&v), type = word_next(&v);

	current(r)->address = v;
	return net.n > 0 && type.n > 0 && v.n > 0 && memchr(v.p, ' ', v.n) == NULL
		       ? true
		       : fail(r, SIP_BODY_SYNTAX);
}

static bool on_time(struct reader *r, struct str v)
{
	struct str start = word_next(&v);
	uint64_t   number;

	r->has_time = true;
	return size_parse(start, &number) && size_parse(v, &number) ? true
								    : fail(r, SIP_BODY_SYNTAX);
}

static bool port_parse(struct str text, uint16_t *port)
{
	struct str  number = text;
	uint32_t    n;
	const char *slash = memchr(text.p, '/', text.n);

	if (slash != NULL) {
		number.n = (size_t)(slash - text.p);
		if (!sip_number_parse(str_skip(text, number.n + 1), &n) || n == 0)
			return false;
	}
	if (!sip_number_parse(number, &n) || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool on_media(struct reader *r, struct str v)
{
	struct sip_sdp_media *m;
	struct str            port;

	if (r->sdp->count == SIP_SDP_MEDIA_MAX)
		return fail(r, SIP_BODY_LIMIT);
	m = &r->sdp->media[r->sdp->count++];
	*m = r->all;
	if (!words_only(v))
		return fail(r, SIP_BODY_SYNTAX);
	m->kind = word_next(&v);
	port = word_next(&v);
	m->protocol = word_next(&v);
	m->formats = v;
	return sip_lex_all(m->kind, SIP_CLASS_TOKEN) && m->protocol.n > 0 && v.n > 0 &&
			       port_parse(port, &m->port)
		       ? true
		       : fail(r, SIP_BODY_SYNTAX);
}

/* ---- attributes ---- */

static bool once(struct reader *r, struct str *field, struct str value)
{
	if (field->n > 0)
		return fail(r, SIP_BODY_REPEATED);
	if (value.n == 0 || !words_only(value))
		return fail(r, SIP_BODY_SYNTAX);
	*field = value;
	return true;
}

static bool size_once(struct reader *r, bool *has, uint64_t *size, struct str value)
{
	if (*has)
		return fail(r, SIP_BODY_REPEATED);
	*has = true;
	return size_parse(value, size) ? true : fail(r, SIP_BODY_SYNTAX);
}

static bool on_setup(struct reader *r, struct sip_sdp_media *m, struct str value)
{
	static const struct str names[] = {
		[SIP_SDP_ACTIVE] = {"active", 6},
		[SIP_SDP_PASSIVE] = {"passive", 7},
		[SIP_SDP_ACTPASS] = {"actpass", 7},
		[SIP_SDP_HOLDCONN] = {"holdconn", 8},
	};

	for (size_t i = SIP_SDP_ACTIVE; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sip_same(value, names[i])) {
			m->setup = (enum sip_sdp_setup)i;
			return true;
		}
	}
	return fail(r, SIP_BODY_SYNTAX);
}

/* selector *(SP selector), of which quoted ones may have blanks inside: the size is what counts. */
static bool on_selector(struct reader *r, struct sip_sdp_media *m, struct str value)
{
	struct str size = STR("size:");
	bool       quoted = false;

	for (size_t at = 0; at < value.n; at++) {
		struct str rest = str_skip(value, at);

		if (value.p[at] == '"')
			quoted = !quoted;
		if (quoted || (at > 0 && value.p[at - 1] != ' ') || !str_starts(rest, size))
			continue;
		rest = str_skip(rest, size.n);
		if (!size_once(r, &m->has_file_size, &m->file_size, word_next(&rest)))
			return false;
	}
	return quoted ? fail(r, SIP_BODY_SYNTAX) : true;
}

static bool on_direction(struct sip_sdp_media *m, struct str name)
{
	static const struct {
		struct str name;
		uint8_t    direction;
	} names[] = {
		{{"sendrecv", 8}, SIP_SDP_SENDS | SIP_SDP_RECEIVES},
		{{"sendonly", 8}, SIP_SDP_SENDS},
		{{"recvonly", 8}, SIP_SDP_RECEIVES},
		{{"inactive", 8}, 0},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eq(name, names[i].name)) {
			m->direction = names[i].direction;
			return true;
		}
	}
	return false;
}

static bool on_attribute(struct reader *r, struct str v)
{
	struct sip_sdp_media *m = current(r);
	const char           *colon = memchr(v.p, ':', v.n);
	struct str            name = {v.p, colon != NULL ? (size_t)(colon - v.p) : v.n};
	struct str            value = str_skip(v, name.n + (colon != NULL ? 1 : 0));

	if (!sip_lex_all(name, SIP_CLASS_TOKEN))
		return fail(r, SIP_BODY_SYNTAX);
	if (colon == NULL) {
		m->cema |= str_eq(name, STR("msrp-cema"));
		on_direction(m, name);
		return true;
	}
	if (str_eq(name, STR("setup")))
		return on_setup(r, m, value);
	if (str_eq(name, STR("path")))
		return once(r, &m->path, value);
	if (str_eq(name, STR("accept-types")))
		return once(r, &m->accept_types, value);
	if (str_eq(name, STR("accept-wrapped-types")))
		return once(r, &m->wrapped_types, value);
	if (str_eq(name, STR("max-size")))
		return size_once(r, &m->has_max_size, &m->max_size, value);
	if (str_eq(name, STR("file-selector")))
		return on_selector(r, m, value);
	return true;
}

static bool on_line(struct reader *r, char letter, struct str v)
{
	switch (letter) {
	case 'v':
		return str_eq(v, STR("0")) ? true : fail(r, SIP_BODY_SYNTAX);
	case 'o':
		return on_origin(r, v);
	case 'c':
		return on_connection(r, v);
	case 't':
		return on_time(r, v);
	case 'm':
		return on_media(r, v);
	case 'a':
		return on_attribute(r, v);
	case 's':
		return true; /* some write an empty one */
	default:
		return v.n > 0 ? true : fail(r, SIP_BODY_SYNTAX);
	}
}

/* The first three lines are there once, and others in their order; each medium begins it anew. */
static bool in_order(struct reader *r, char letter)
{
	static const char must[] = "vos";
	const char       *found;

	if (r->lines < sizeof(must) - 1)
		return letter == must[r->lines] ? true : fail(r, SIP_BODY_MISSING);
	if (letter == 'm') {
		if (!r->has_time)
			return fail(r, SIP_BODY_MISSING);
		r->order = MEDIA_ORDER;
		r->at = 0;
		return true;
	}
	if (letter == 't' && r->at > 0 && r->order[r->at] == 'r')
		r->at--; /* each time may have its repeats */
	found = strchr(r->order + r->at, letter);
	if (letter == '\0' || found == NULL || strchr(must, letter) != NULL)
		return fail(r, SIP_BODY_SYNTAX);
	r->at = (size_t)(found - r->order);
	return true;
}

enum sip_body sip_sdp_parse(struct str text, struct sip_sdp *sdp)
{
	struct reader r = {.in = sip_cur(text),
			   .sdp = sdp,
			   .all = {.direction = SIP_SDP_SENDS | SIP_SDP_RECEIVES},
			   .order = SESSION_ORDER};
	struct str    value;
	char          letter;

	sdp->count = 0;
	r.all.kind = r.all.protocol = r.all.formats = r.all.path = r.all.accept_types =
		r.all.wrapped_types = r.all.address = STR("");
	if (text.n > SIP_SDP_SIZE_MAX)
		return SIP_BODY_LIMIT;
	while (cur_left(&r.in) > 0) {
		if (r.lines == SIP_SDP_LINES_MAX)
			return SIP_BODY_LIMIT;
		if (!line_next(&r, &letter, &value) || !in_order(&r, letter) ||
		    !on_line(&r, letter, value))
			return r.fault;
		r.lines++;
	}
	return r.lines < 3 || !r.has_time ? SIP_BODY_MISSING : SIP_BODY_OK;
}

bool sip_sdp_accepts(struct str types, struct str type)
{
	const char *slash = memchr(type.p, '/', type.n);
	struct str  all = {type.p, slash != NULL ? (size_t)(slash - type.p) + 1 : 0};

	while (types.n > 0) {
		struct str word = word_next(&types);

		if (str_eq(word, STR("*")) || sip_same(word, type))
			return true;
		if (word.n == all.n + 1 && word.p[all.n] == '*' &&
		    sip_same((struct str){word.p, all.n}, all))
			return true;
	}
	return false;
}

const struct sip_sdp_media *sip_sdp_choose(const struct sip_sdp *sdp, unsigned *warning)
{
	*warning = 304;
	for (unsigned i = 0; i < sdp->count; i++) {
		const struct sip_sdp_media *m = &sdp->media[i];

		if (!sip_same(m->kind, STR("message")) || m->port == 0)
			continue;
		if (!sip_same(m->protocol, STR("TCP/MSRP"))) {
			*warning = *warning == 304 ? 302 : *warning;
			continue;
		}
		if (m->path.n > 0 && (m->direction & SIP_SDP_SENDS) && m->setup != SIP_SDP_HOLDCONN)
			return m;
		*warning = 306;
	}
	return NULL;
}

bool sip_sdp_host(const struct sip_sdp_media *m, struct sip_host *host)
{
	struct cur c = sip_cur(m->address);

	*host = (struct sip_host){.kind = SIP_HOST_IP6, .text = m->address};
	return sip_ip6_parse(m->address, host->address) ||
	       (sip_host_parse(&c, host) && cur_left(&c) == 0);
}

/* ---- written ---- */

static void put_line(struct put *w, struct str name, struct str value)
{
	put_str(w, name);
	sip_put_text(w, value);
	put_str(w, STR("\r\n"));
}

static void put_size_line(struct put *w, struct str name, uint64_t size)
{
	if (size == 0)
		return;
	put_str(w, name);
	put_number(w, size);
	put_str(w, STR("\r\n"));
}

static void put_connection(struct put *w, const struct flow *f)
{
	char room[SIP_FLOW_TEXT_SIZE];

	put_str(w, f->ip6 ? STR("IN IP6 ") : STR("IN IP4 "));
	put_str(w, sip_flow_text(f, room));
	put_str(w, STR("\r\n"));
}

static void put_ours(struct put *w, const struct sip_sdp_ours *o)
{
	static const struct str setups[] = {
		[SIP_SDP_ACTIVE] = {"active", 6},
		[SIP_SDP_PASSIVE] = {"passive", 7},
		[SIP_SDP_ACTPASS] = {"actpass", 7},
		[SIP_SDP_HOLDCONN] = {"holdconn", 8},
	};

	put_str(w, STR("m=message "));
	put_number(w, o->media.port);
	put_str(w, STR(" TCP/MSRP *\r\n"));
	put_line(w, STR("a=accept-types:"), o->types);
	if (o->wrapped_types.n > 0)
		put_line(w, STR("a=accept-wrapped-types:"), o->wrapped_types);
	put_line(w, STR("a=path:"), o->path);
	if (o->setup != SIP_SDP_SETUP_NONE)
		put_line(w, STR("a=setup:"), setups[o->setup]);
	if (o->cema)
		put_str(w, STR("a=msrp-cema\r\n"));
	put_str(w, o->both    ? STR("a=sendrecv\r\n")
		   : o->sends ? STR("a=sendonly\r\n")
			      : STR("a=recvonly\r\n"));
	put_size_line(w, STR("a=max-size:"), o->size_max);
	put_size_line(w, STR("a=file-selector:size:"), o->file_size);
}

static void put_refused(struct put *w, const struct sip_sdp_media *m)
{
	put_str(w, STR("m="));
	sip_put_token(w, m->kind);
	put_str(w, STR(" 0 "));
	sip_put_text(w, m->protocol);
	put_u8(w, ' ');
	sip_put_text(w, m->formats);
	put_str(w, STR("\r\n"));
}

void sip_sdp_put(struct put *w, const struct sip_sdp_ours *o, const struct sip_sdp *offer,
		 const struct sip_sdp_media *chosen)
{
	put_str(w, STR("v=0\r\no=- "));
	put_number(w, o->number);
	put_u8(w, ' ');
	put_number(w, o->number);
	put_u8(w, ' ');
	put_connection(w, &o->media);
	put_str(w, STR("s=-\r\nc="));
	put_connection(w, &o->media);
	put_str(w, STR("t=0 0\r\n"));
	if (offer == NULL)
		put_ours(w, o);
	for (unsigned i = 0; offer != NULL && i < offer->count; i++) {
		if (&offer->media[i] == chosen)
			put_ours(w, o);
		else
			put_refused(w, &offer->media[i]);
	}
}
