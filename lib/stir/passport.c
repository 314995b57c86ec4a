#include "stir/passport.h"

#include <string.h>

#include "base/base64.h"
#include "stir/json.h"

enum ppt_claim { ATTEST = 1, DEST = 2, IAT = 4, MSGI = 8, ORIG = 16, ORIGID = 32 };

static const struct {
	struct str name;
	unsigned   claims; /* that it must have beside those of all */
} ppts[] = {
	[STIR_PPT_BASE] = {{"", 0}, 0},
	[STIR_PPT_MSG] = {{"msg", 3}, MSGI},
	[STIR_PPT_SHAKEN] = {{"shaken", 6}, ATTEST | ORIGID},
	[STIR_PPT_OTHER] = {{"", 0}, 0},
};

enum stir_ppt stir_ppt_of(struct str name)
{
	for (enum stir_ppt ppt = STIR_PPT_BASE; ppt < STIR_PPT_OTHER; ppt++) {
		if (str_eq(name, ppts[ppt].name))
			return ppt;
	}
	return STIR_PPT_OTHER;
}

struct str stir_ppt_name(enum stir_ppt ppt)
{
	return ppts[ppt].name;
}

/* ---- written ---- */

static void put_text(struct put *w, struct str text)
{
	put_u8(w, '"');
	for (size_t i = 0; i < text.n; i++) {
		if ((uint8_t)text.p[i] < ' ')
			w->failed = true;
		if (text.p[i] == '"' || text.p[i] == '\\')
			put_u8(w, '\\');
		put_u8(w, (uint8_t)text.p[i]);
	}
	put_u8(w, '"');
}

static void put_name(struct put *w, struct str name)
{
	if (put_size(w) > 1)
		put_u8(w, ',');
	put_text(w, name);
	put_u8(w, ':');
}

static void put_member(struct put *w, struct str name, struct str text)
{
	put_name(w, name);
	put_text(w, text);
	if (text.n == 0)
		w->failed = true;
}

static void put_party(struct put *w, const struct stir_party *p)
{
	char       room[STIR_TN_MAX];
	struct str text = p->uri ? p->text : stir_tn(p->text, room);

	if (text.n == 0)
		w->failed = true;
	put_text(w, text);
}

/* "tn":[...] or "uri":[...] of those that are. */
static void put_dest_of(struct put *w, const struct stir_claims *c, bool uri, bool *any)
{
	bool first = true;

	for (unsigned i = 0; i < c->dest_count; i++) {
		if (c->dest[i].uri != uri)
			continue;
		if (first && *any)
			put_u8(w, ',');
		put_str(w, !first ? STR(",") : uri ? STR("\"uri\":[") : STR("\"tn\":["));
		put_party(w, &c->dest[i]);
		first = false;
		*any = true;
	}
	if (!first)
		put_u8(w, ']');
}

static void put_claims(struct put *w, const struct stir_claims *c)
{
	bool any = false;

	put_u8(w, '{');
	if (c->ppt == STIR_PPT_SHAKEN)
		put_member(w, STR("attest"), c->attest);
	put_name(w, STR("dest"));
	put_u8(w, '{');
	put_dest_of(w, c, false, &any);
	put_dest_of(w, c, true, &any);
	put_u8(w, '}');
	put_name(w, STR("iat"));
	put_number(w, c->iat);
	if (c->ppt == STIR_PPT_MSG)
		put_member(w, STR("msgi"), c->msgi);
	put_name(w, STR("orig"));
	put_str(w, c->orig.uri ? STR("{\"uri\":") : STR("{\"tn\":"));
	put_party(w, &c->orig);
	put_u8(w, '}');
	if (c->ppt == STIR_PPT_SHAKEN)
		put_member(w, STR("origid"), c->origid);
	put_u8(w, '}');
}

static void put_head(struct put *w, const struct stir_claims *c)
{
	put_u8(w, '{');
	put_member(w, STR("alg"), STR("ES256"));
	if (ppts[c->ppt].name.n > 0)
		put_member(w, STR("ppt"), ppts[c->ppt].name);
	put_member(w, STR("typ"), STR("passport"));
	put_member(w, STR("x5u"), c->x5u);
	put_u8(w, '}');
}

void stir_claims_put(struct put *w, const struct stir_claims *c)
{
	uint8_t    room[STIR_CLAIMS_MAX];
	struct put head = put_to(room, STIR_HEADER_MAX), claims;

	put_head(&head, c);
	base64url_put(w, room, put_size(&head));
	put_u8(w, '.');
	claims = put_to(room, sizeof(room));
	put_claims(&claims, c);
	base64url_put(w, room, put_size(&claims));
	if (head.failed || claims.failed || c->dest_count == 0)
		w->failed = true;
}

/* ---- read ---- */

struct parts {
	struct str head, claims, signature;
};

/* Three parts with dots between. */
static bool split(struct str token, struct parts *parts)
{
	const char *first, *second;

	if (token.n == 0 || token.n > STIR_TOKEN_MAX)
		return false;
	first = memchr(token.p, '.', token.n);
	if (first == NULL)
		return false;
	parts->head = (struct str){token.p, (size_t)(first - token.p)};
	token = str_skip(token, parts->head.n + 1);
	second = token.n > 0 ? memchr(token.p, '.', token.n) : NULL;
	if (second == NULL)
		return false;
	parts->claims = (struct str){token.p, (size_t)(second - token.p)};
	parts->signature = str_skip(token, parts->claims.n + 1);
	return true;
}

static bool read_signature(struct str text, struct stir_passport *p)
{
	struct put bytes = put_to(p->signature, sizeof(p->signature));

	return base64url_parse(text, &bytes) && put_size(&bytes) == sizeof(p->signature);
}

/* The JSON of a part, and a reader of it, whose texts go to the room, too. */
static bool open_part(struct stir_json *j, struct str part, size_t max, struct put *room)
{
	uint8_t    bytes[STIR_CLAIMS_MAX];
	struct put w = put_to(bytes, max);
	size_t     from = put_size(room);

	if (!base64url_parse(part, &w))
		return false;
	put_bytes(room, bytes, put_size(&w));
	if (room->failed)
		return false;
	stir_json_open(j, cur_of(room->start + from, put_size(&w)), room);
	return true;
}

/* What may be said once. */
static bool once(unsigned *seen, unsigned bit)
{
	bool again = (*seen & bit) != 0;

	*seen |= bit;
	return !again;
}

static enum reason read_head(struct str part, struct stir_passport *p, struct put *room)
{
	enum { ALG = 1, PPT = 2, TYP = 4, X5U = 8 };
	struct stir_json j;
	struct str       alg = STR(""), typ = STR(""), ppt = STR("");
	unsigned         seen = 0;
	bool             good = true, critical = false;

	if (!open_part(&j, part, STIR_HEADER_MAX, room))
		return REASON_IDENTITY_INVALID;
	for (good = stir_json_enter(&j, '{'); stir_json_next(&j, '}');) {
		struct str name = stir_json_name(&j);

		if (str_eq(name, STR("alg")) && once(&seen, ALG))
			alg = stir_json_text(&j);
		else if (str_eq(name, STR("ppt")) && once(&seen, PPT))
			ppt = stir_json_text(&j);
		else if (str_eq(name, STR("typ")) && once(&seen, TYP))
			typ = stir_json_text(&j);
		else if (str_eq(name, STR("x5u")) && once(&seen, X5U))
			p->claims.x5u = stir_json_text(&j);
		else if (str_eq(name, STR("alg")) || str_eq(name, STR("ppt")) ||
			 str_eq(name, STR("typ")) || str_eq(name, STR("x5u")))
			good = false;
		else
			stir_json_skip(&j);
		critical = critical || str_eq(name, STR("crit"));
	}
	if (!stir_json_end(&j) || !good || !str_eq(typ, STR("passport")) ||
	    ((seen & PPT) != 0 && ppt.n == 0))
		return REASON_IDENTITY_INVALID;
	if (!str_eq(alg, STR("ES256")) || critical) /* RFC 7515, 4.1.11: nothing of it is known */
		return REASON_IDENTITY_CREDENTIAL;
	p->claims.ppt = stir_ppt_of(ppt);
	return REASON_NONE;
}

/* Either a number or a URI. */
static bool read_orig(struct stir_json *j, struct stir_party *party)
{
	unsigned n = 0;

	for (stir_json_enter(j, '{'); stir_json_next(j, '}');) {
		struct str name = stir_json_name(j);

		party->uri = str_eq(name, STR("uri"));
		if (!party->uri && !str_eq(name, STR("tn")))
			return false;
		party->text = stir_json_text(j);
		n++;
	}
	return n == 1 && party->text.n > 0;
}

/* Numbers, URIs or both, each a list. */
static bool read_dest(struct stir_json *j, struct stir_claims *c)
{
	unsigned seen = 0;

	for (stir_json_enter(j, '{'); stir_json_next(j, '}');) {
		struct str name = stir_json_name(j);
		bool       uri = str_eq(name, STR("uri"));

		if ((!uri && !str_eq(name, STR("tn"))) || !once(&seen, uri ? 1 : 2))
			return false;
		for (stir_json_enter(j, '['); stir_json_next(j, ']');) {
			if (c->dest_count == STIR_DEST_MAX)
				return false;
			c->dest[c->dest_count] = (struct stir_party){uri, stir_json_text(j)};
			if (c->dest[c->dest_count++].text.n == 0)
				return false;
		}
	}
	return c->dest_count > 0;
}

static const struct {
	struct str name;
	unsigned   bit;
} claim_names[] = {
	{{"attest", 6}, ATTEST}, {{"dest", 4}, DEST}, {{"iat", 3}, IAT},
	{{"msgi", 4}, MSGI},     {{"orig", 4}, ORIG}, {{"origid", 6}, ORIGID},
};

static bool read_claim(struct stir_json *j, struct stir_claims *c, unsigned claim)
{
	switch (claim) {
	case ATTEST:
		c->attest = stir_json_text(j);
		return true;
	case DEST:
		return read_dest(j, c);
	case IAT:
		c->iat = stir_json_number(j);
		return true;
	case MSGI:
		c->msgi = stir_json_text(j);
		return true;
	case ORIG:
		return read_orig(j, &c->orig);
	case ORIGID:
		c->origid = stir_json_text(j);
		return true;
	}
	stir_json_skip(j);
	return true;
}

static bool read_claims(struct str part, struct stir_passport *p, struct put *room)
{
	struct stir_json j;
	unsigned         seen = 0, must = DEST | IAT | ORIG | ppts[p->claims.ppt].claims;

	if (!open_part(&j, part, STIR_CLAIMS_MAX, room))
		return false;
	for (stir_json_enter(&j, '{'); stir_json_next(&j, '}');) {
		struct str name = stir_json_name(&j);
		unsigned   claim = 0;

		for (size_t i = 0; i < sizeof(claim_names) / sizeof(claim_names[0]); i++) {
			if (str_eq(name, claim_names[i].name))
				claim = claim_names[i].bit;
		}
		if ((claim != 0 && !once(&seen, claim)) || !read_claim(&j, &p->claims, claim))
			return false;
	}
	return stir_json_end(&j) && (seen & must) == must;
}

static bool shaken_holds(const struct stir_claims *c)
{
	return c->ppt != STIR_PPT_SHAKEN ||
	       (c->attest.n == 1 && strchr("ABC", c->attest.p[0]) != NULL && c->origid.n > 0);
}

enum reason stir_passport_read(struct str token, struct stir_passport *p)
{
	struct put   room = put_to(p->room, sizeof(p->room));
	struct parts parts;
	enum reason  why;

	p->claims = (struct stir_claims){0};
	if (!split(token, &parts) || !read_signature(parts.signature, p))
		return REASON_IDENTITY_INVALID;
	p->signing = (struct str){token.p, token.n - parts.signature.n - 1};
	why = read_head(parts.head, p, &room);
	if (why != REASON_NONE)
		return why;
	if (!read_claims(parts.claims, p, &room) || p->claims.x5u.n == 0 ||
	    !shaken_holds(&p->claims))
		return REASON_IDENTITY_INVALID;
	return REASON_NONE;
}

bool stir_passport_is_compact(struct str token)
{
	return str_starts(token, STR(".."));
}

enum reason stir_passport_complete(struct str token, const struct stir_claims *c,
				   struct stir_passport *p)
{
	struct put room = put_to(p->room, sizeof(p->room));

	p->claims = *c;
	stir_claims_put(&room, c);
	p->signing = (struct str){(const char *)p->room, put_size(&room)};
	if (!stir_passport_is_compact(token) || !read_signature(str_skip(token, 2), p) ||
	    room.failed)
		return REASON_IDENTITY_INVALID;
	return REASON_NONE;
}
