/* Types kept as characters in place: NAME, TARGET, TEXT, DESTINATION, HOST,
 * NUMBER, DOMAIN, AOR_SIP, AOR_XMPP. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicase.h>

#include "base/aor.h"
#include "base/punycode.h"
#include "conf/type.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) && !is_letter(s.p[i]) &&
		    (s.p[i] == '\0' || strchr("._-", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

bool conf_is_pattern(struct str s)
{
	if (str_starts(s, STR("+")))
		return s.n <= 16 && is_digits(str_skip(s, 1)); /* E.164: 15 digits */
	if (str_starts(s, STR("=+")))
		return s.n > 2 && s.n <= 17 && is_digits(str_skip(s, 2));
	return str_starts(s, STR("=")) && s.n > 1 && is_printable(s) &&
	       memchr(s.p, '@', s.n) == NULL;
}

bool conf_fold(struct str s, char *room, size_t size)
{
	size_t   n = size;
	uint8_t *to = u8_tolower((const uint8_t *)s.p, s.n, NULL, UNINORM_NFC, (uint8_t *)room, &n);

	if (to != (uint8_t *)room) {
		free(to);
		return false;
	}
	if (n == size)
		return false;
	room[n] = '\0';
	return true;
}

bool conf_fold_domain(struct str s, char *room, size_t size)
{
	char       name[2 * CONF_ITEM_MAX];
	struct put w = put_to(name, sizeof(name));

	return punycode_unicode_put(&w, s) &&
	       conf_fold((struct str){name, put_size(&w)}, room, size);
}

/* In normal form, with what people write in any case of letters in one: a domain, and of XMPP the
 * user, too (RFC 7622, 3.2 and 3.3). */
static bool write_folded(const struct aor *a, char *room, size_t size)
{
	char       user[CONF_TO_SIZE], domain[CONF_TO_SIZE], ascii[CONF_TO_SIZE];
	struct put w = put_to(ascii, sizeof(ascii));
	struct aor folded = *a;

	if (!conf_fold_domain(a->domain, domain, sizeof(domain)))
		return false;
	folded.domain = str_of(domain);
	if (str_eq_nocase(a->scheme, STR("sip")) || str_eq_nocase(a->scheme, STR("sips"))) {
		if (!punycode_ascii_put(&w, folded.domain)) /* as SIP has it */
			return false;
		folded.domain = (struct str){ascii, put_size(&w)};
	}
	if (a->user.n > 0 && str_eq_nocase(a->scheme, STR("xmpp"))) {
		if (!conf_fold(a->user, user, sizeof(user)))
			return false;
		folded.user = str_of(user);
	}
	return aor_write(room, size, &folded) > 0;
}

bool conf_destination(struct str written, char normal[CONF_TO_SIZE])
{
	bool       exact = str_starts(written, STR("="));
	struct aor a;

	if (!aor_split(str_skip(written, exact), &a))
		return conf_is_pattern(written) && str_copy(normal, CONF_TO_SIZE, written);
	normal[0] = '=';
	return aor_is_all_users(&a) != exact &&
	       write_folded(&a, normal + exact, CONF_TO_SIZE - exact);
}

static bool is_host(struct str s)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET6, s.p, raw) == 1)
		return true;
	if (is_digits((struct str){s.p, strcspn(s.p, ".")}) && is_digits(str_skip(s, s.n - 1)))
		return inet_pton(AF_INET, s.p, raw) ==
		       1; /* begins and ends with digits: nothing but an IPv4 address */
	return is_name(s) && s.p[0] != '.' && s.p[0] != '-';
}

bool conf_node_is_text(const struct conf_key *key, const struct conf_node *node,
		       struct conf_reading *r)
{
	if (node->kind == CONF_NODE_TEXT)
		return true;
	conf_reading_fault(r, node->line, key->name, "is a %s; write one value",
			   node->kind == CONF_NODE_MAP ? "map" : "list");
	return false;
}

void conf_fault_range(const struct conf_key *key, const struct conf_node *node,
		      struct conf_reading *r)
{
	char range[512];

	conf_key_range(key, range, sizeof(range));
	conf_reading_fault(r, node->line, key->name, "'%.*s' is not %s",
			   (int)(node->text.n < 80 ? node->text.n : 80), node->text.p, range);
}

void conf_pack_text(struct put *to, struct str s)
{
	put_be16(to, (uint16_t)s.n);
	put_str(to, s);
}

bool conf_unpack_text(struct cur *from, size_t max, struct str *s)
{
	size_t         n = cur_be16(from);
	const uint8_t *bytes = cur_bytes(from, n);

	if (bytes == NULL || n > max || memchr(bytes, '\0', n) != NULL)
		return false;
	*s = (struct str){(const char *)bytes, n};
	return true;
}

static bool is_number(struct str s)
{
	struct str digits = str_skip(s, str_starts(s, STR("+")));

	return digits.n > 0 && digits.n <= 15 && is_digits(digits);
}

/* The scheme of an address of record; empty: the type is none. */
static struct str scheme_of(const struct conf_key *key)
{
	if (key->type == &conf_type_AOR_SIP)
		return STR("sip");
	return key->type == &conf_type_AOR_XMPP ? STR("xmpp") : STR("");
}

/* Domains compare without regard to case, so they are kept in one. */
static bool domain_normalise(struct str s, char normal[CONF_TO_SIZE])
{
	normal[0] = '\0';
	return s.n == 0 || (aor_is_domain(s) && conf_fold_domain(s, normal, CONF_TO_SIZE));
}

/* "*", which of a peer alone is a domain: of all that have no peer of their own. */
static bool is_every_domain(const struct conf_key *key, struct str s)
{
	return key->section == CONF_SECTION_peer && str_eq(s, STR("*"));
}

/* Of the types that have a normal form. False: it is none of them. */
static bool normalise(const struct conf_key *key, struct str s, char normal[CONF_TO_SIZE])
{
	struct str scheme = scheme_of(key);
	struct aor a;

	if (key->type == &conf_type_DESTINATION)
		return conf_destination(s, normal);
	if (key->type == &conf_type_DOMAIN)
		return is_every_domain(key, s) ? str_copy(normal, CONF_TO_SIZE, s)
					       : domain_normalise(s, normal);
	normal[0] = '\0';
	if (scheme.n == 0 || s.n == 0)
		return scheme.n > 0;
	if (!aor_split(s, &a) || a.user.n == 0 || aor_is_all_users(&a))
		return false;
	if (key->type == &conf_type_AOR_XMPP && a.scheme.n == 0) /* as people write it */
		a.scheme = scheme;
	return str_eq_nocase(a.scheme, scheme) && write_folded(&a, normal, CONF_TO_SIZE) &&
	       aor_split(str_of(normal), &a); /* also as one with its scheme */
}

/* Is it, its length aside, what the type allows? */
static bool fits(const struct conf_key *key, struct str s)
{
	char normal[CONF_TO_SIZE];

	if (key->type == &conf_type_NAME || key->type == &conf_type_TARGET)
		return is_name(s);
	if (key->type == &conf_type_DESTINATION || key->type == &conf_type_DOMAIN ||
	    scheme_of(key).n > 0)
		return normalise(key, s, normal);
	if (key->type == &conf_type_NUMBER)
		return is_number(s);
	if (key->type == &conf_type_HOST)
		return is_host(s);
	return is_printable(s);
}

static bool text_read(const struct conf_key *key, void *field, const struct conf_node *node,
		      struct conf_reading *r)
{
	struct str s = node->text;
	char       normal[CONF_TO_SIZE];

	if (!conf_node_is_text(key, node, r))
		return false;
	if (normalise(key, s, normal))
		s = str_of(normal);
	if (key->type == &conf_type_TARGET && str_eq(s, STR(CONF_VIA_REGISTERED))) {
		conf_reading_fault(r, node->line, key->name,
				   "'%s' is a word that routes know already; give another name",
				   CONF_VIA_REGISTERED);
		return false;
	}
	if (s.n < key->min || s.n > key->max || s.n >= key->size || !fits(key, s)) {
		conf_fault_range(key, node, r);
		return false;
	}
	str_copy(field, key->size, s);
	return true;
}

static void text_pack(const struct conf_key *key, const void *field, struct put *to)
{
	conf_pack_text(to, str_of(field));
}

static bool text_unpack(const struct conf_key *key, struct cur *from, void *field)
{
	struct str s;

	return conf_unpack_text(from, key->size - 1, &s) && str_copy(field, key->size, s);
}

static json_t *text_print(const struct conf_key *key, const void *field)
{
	return json_string(field);
}

static bool text_given(const void *field)
{
	return *(const char *)field != '\0';
}

#define TEXT_TYPE(word)                                                                            \
	const struct conf_type conf_type_##word = {.name = #word,                                  \
						   .read = text_read,                              \
						   .pack = text_pack,                              \
						   .unpack = text_unpack,                          \
						   .print = text_print,                            \
						   .given = text_given}

TEXT_TYPE(NAME);
TEXT_TYPE(TARGET);
TEXT_TYPE(TEXT);
TEXT_TYPE(DESTINATION);
TEXT_TYPE(HOST);
TEXT_TYPE(NUMBER);
TEXT_TYPE(AOR_SIP);
TEXT_TYPE(AOR_XMPP);
TEXT_TYPE(DOMAIN);
