/* Addresses: between URIs and the normal form. */
#include "base/aor_map.h"
#include "base/punycode.h"
#include "msg/addr.h"
#include "sip/map.h"

#define ANONYMOUS "sip:anonymous@anonymous.invalid"

static bool all_digits(struct str s)
{
	for (size_t at = 0; at < s.n; at += SIP_PART) {
		size_t   left = s.n - at;
		sip_part x = sip_part_at((const uint8_t *)s.p + at, left);
		uint32_t others = SIP_PART_BITS((x < '0') | (x > '9'));

		if (sip_part_first(others, left) < (left < SIP_PART ? left : SIP_PART))
			return false;
	}
	return s.n > 0;
}

/* The part of a user that is a telephone-subscriber, without separators and parameters (RFC 3261,
 * 19.1.6; RFC 3966, 5.1.1). */
static struct str number_of(struct str user, char room[SIP_URI_MAX])
{
	struct put w = put_to(room, SIP_URI_MAX);
	size_t     n = 0;

	while (n < user.n && user.p[n] != ';')
		n++;
	sip_tel_number_put(&w, (struct str){user.p, n});
	return (struct str){room, w.failed ? 0 : put_size(&w)};
}

static bool take(struct sip_address *a, enum addr_kind kind, struct str text)
{
	if (text.n > sizeof(a->text))
		return false;
	a->kind = kind;
	a->size = (uint8_t)text.n;
	if (text.n > 0)
		memcpy(a->text, text.p, text.n);
	return true;
}

/* Is the text a number, then *a is it; false: no. */
static bool take_number(struct sip_address *a, struct str number, bool local)
{
	if (number.n > ADDR_NUMBER_SIZE_MAX + 1)
		return false;
	if (str_starts(number, STR("+")) && all_digits(str_skip(number, 1)))
		return take(a, ADDR_E164, number);
	return local && number.n <= ADDR_NUMBER_SIZE_MAX && all_digits(number) &&
	       take(a, ADDR_SHORT, number);
}

bool sip_host_fold(struct str host, char room[SIP_HOST_SIZE_MAX], struct str *folded)
{
	if (host.n > SIP_HOST_SIZE_MAX)
		return false;
	sip_small_copy(room, host);
	*folded = (struct str){room, host.n};
	return true;
}

bool sip_serves(const struct sip_map *map, struct str host)
{
	char       room[SIP_HOST_SIZE_MAX];
	struct str folded;

	return sip_host_fold(host, room, &folded) &&
	       map->services->serves(map->services->context, map->protocol, folded);
}

static bool is_local(const struct sip_map *map, const struct sip_uri *uri)
{
	struct sip_param user;

	if (sip_uri_param_find(uri, STR("user"), &user) && sip_same(user.value, STR("phone")))
		return true;
	return sip_serves(map, uri->host.text);
}

void sip_aor_put(struct put *w, const struct sip_uri *uri)
{
	struct sip_uri plain = *uri;

	if (uri->scheme == SIP_SCHEME_SIPS) {
		plain.scheme = SIP_SCHEME_SIP;
		plain.scheme_text = STR("sip");
	}
	plain.has_password = plain.has_port = false;
	plain.port = 0;
	sip_uri_aor_put(w, &plain);
}

/* Without the verdict on a number that may stand behind it (TS 24.229, 7.2A.20): that is its
 * network's alone to say. */
static struct str without_verstat(struct str user)
{
	const struct str verstat = STR(";verstat=");

	for (size_t i = 0; i + verstat.n <= user.n; i++) {
		if (sip_same((struct str){user.p + i, verstat.n}, verstat))
			return (struct str){user.p, i};
	}
	return user;
}

static bool take_uri(struct sip_address *a, const struct sip_uri *uri)
{
	struct put     w = put_to(a->text, sizeof(a->text));
	struct sip_uri plain = *uri;

	plain.user = without_verstat(uri->user);
	sip_aor_put(&w, &plain);
	a->size = (uint8_t)put_size(&w);
	a->kind = str_eq(sip_address_text(a), STR(ANONYMOUS)) ? ADDR_NONE : ADDR_URI;
	if (a->kind == ADDR_NONE)
		a->size = 0;
	return !w.failed;
}

bool sip_address_of(const struct sip_map *map, const struct sip_uri *uri, struct sip_address *a)
{
	char       plain[SIP_URI_MAX], number[SIP_URI_MAX];
	struct put w = put_to(plain, sizeof(plain));

	switch (uri->scheme) {
	case SIP_SCHEME_TEL:
		return take_number(a, number_of(uri->user, number), true);
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		break;
	case SIP_SCHEME_OTHER:
		return false;
	}
	if (take_number(a, uri->user, false)) /* as most are written */
		return true;
	if (uri->has_user && sip_unescape_put(&w, uri->user) && !w.failed &&
	    take_number(a, number_of((struct str){plain, put_size(&w)}, number),
			is_local(map, uri)))
		return true;
	return take_uri(a, uri);
}

void sip_host_text_put(struct put *w, struct str host)
{
	bool ip6;

	if (sip_class_put(w, host, SIP_CLASS_HOST))
		return;
	ip6 = host.n > 0 && host.p[0] != '[' && memchr(host.p, ':', host.n) != NULL;
	if (ip6)
		put_u8(w, '[');
	sip_put_text(w, host);
	if (ip6)
		put_u8(w, ']');
}

static void put_host_port(struct put *w, struct str host, uint16_t port)
{
	sip_host_text_put(w, host);
	if (port != 0) {
		put_u8(w, ':');
		put_number(w, port);
	}
}

/* As it stands, when it is a URI of SIP; what another protocol writes otherwise as SIP has it (RFC
 * 7247, 5). */
static bool put_uri(struct put *w, struct str text)
{
	char           room[SIP_URI_MAX];
	struct put     full = put_to(room, sizeof(room));
	bool           own = str_starts(text, STR("sip:")) || str_starts(text, STR("sips:"));
	struct sip_uri uri;
	struct aor     a;

	if (!own)
		put_str(&full, STR("sip:"));
	if (own || !aor_split(text, &a))
		put_str(&full, text);
	else if (!aor_map_put(&full, &a, STR("sip")))
		return false;
	if (full.failed || !sip_uri_parse((struct str){room, put_size(&full)}, &uri))
		return false;
	put_bytes(w, room, put_size(&full));
	return true;
}

bool sip_address_put(struct put *w, enum addr_kind kind, struct str text, struct str host,
		     uint16_t port)
{
	switch (kind) {
	case ADDR_NONE:
		put_str(w, STR(ANONYMOUS));
		return true;
	case ADDR_URI:
		return put_uri(w, text);
	case ADDR_E164:
	case ADDR_SHORT:
	case ADDR_ALPHA:
		put_str(w, STR("sip:"));
		sip_put_user(w, text);
		put_u8(w, '@');
		put_host_port(w, host, port);
		if (kind != ADDR_ALPHA)
			put_str(w, STR(";user=phone"));
		return true;
	case ADDR_KIND_COUNT:
		break;
	}
	return false;
}
