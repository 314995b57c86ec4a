/* URIs, name-addr and parameters. */
#include "test.h"

#include <stdio.h>

#include "base/random.h"
#include "sip/uri.h"

static uint8_t room[2048];

static void assert_str(struct str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

/* Parsed from memory of exactly its size, which the caller frees. */
static bool parse(const char *text, struct sip_uri *uri, uint8_t **exact)
{
	size_t n = strlen(text);

	*exact = test_copy(text, n);
	return sip_uri_parse((struct str){(char *)*exact, n}, uri);
}

static void uris_are_split_into_their_parts(void **state)
{
	static const struct {
		const char        *text;
		enum sip_scheme    scheme;
		const char        *user, *password, *host;
		unsigned           port;
		const char        *params, *headers;
		enum sip_host_kind kind;
	} uris[] = {
		{"sip:alice@example.org", SIP_SCHEME_SIP, "alice", "", "example.org", 0, "", "",
		 SIP_HOST_NAME},
		{"SIPS:alice:secret@example.org:5061;transport=tcp;lr?Subject=x&Priority=",
		 SIP_SCHEME_SIPS, "alice", "secret", "example.org", 5061, "transport=tcp;lr",
		 "Subject=x&Priority=", SIP_HOST_NAME},
		{"sip:192.0.2.1", SIP_SCHEME_SIP, "", "", "192.0.2.1", 0, "", "", SIP_HOST_IP4},
		{"sip:[2001:db8::1]:65535", SIP_SCHEME_SIP, "", "", "2001:db8::1", 65535, "", "",
		 SIP_HOST_IP6},
		{"sip:+46701234567;phone-context=a@b.c;user=phone", SIP_SCHEME_SIP,
		 "+46701234567;phone-context=a", "", "b.c", 0, "user=phone", "", SIP_HOST_NAME},
		{"sip:a%40b?/&=+$,;@c", SIP_SCHEME_SIP, "a%40b?/&=+$,;", "", "c", 0, "", "",
		 SIP_HOST_NAME},
		{"sip:a:@c", SIP_SCHEME_SIP, "a", "", "c", 0, "", "", SIP_HOST_NAME},
		{"sip:example.org.;maddr=[::1]", SIP_SCHEME_SIP, "", "", "example.org.", 0,
		 "maddr=[::1]", "", SIP_HOST_NAME},
		{"sip:host_1.a-b", SIP_SCHEME_SIP, "", "", "host_1.a-b", 0, "", "", SIP_HOST_NAME},
		{"tel:+1-201-555-0123", SIP_SCHEME_TEL, "+1-201-555-0123", "", "", 0, "", "",
		 SIP_HOST_NONE},
		{"tel:7042;phone-context=example.com", SIP_SCHEME_TEL, "7042", "", "", 0,
		 "phone-context=example.com", "", SIP_HOST_NONE},
		{"tel:*#06#;phone-context=+46", SIP_SCHEME_TEL, "*#06#", "", "", 0,
		 "phone-context=+46", "", SIP_HOST_NONE},
		{"urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg", SIP_SCHEME_OTHER, "", "", "", 0, "",
		 "", SIP_HOST_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct sip_uri u;
		uint8_t       *exact;

		if (!parse(uris[i].text, &u, &exact))
			fail_msg("%s", uris[i].text);
		assert_int_equal(u.scheme, uris[i].scheme);
		assert_str(u.user, uris[i].user);
		assert_str(u.password, uris[i].password);
		assert_int_equal(u.has_user, uris[i].user[0] != '\0');
		assert_str(u.host.text, uris[i].host);
		assert_int_equal(u.host.kind, uris[i].kind);
		assert_int_equal(u.port, uris[i].port);
		assert_int_equal(u.has_port, uris[i].port != 0);
		assert_str(u.params, uris[i].params);
		assert_str(u.headers, uris[i].headers);
		free(exact);
	}
}

static void what_is_no_uri_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"sip",
		"sip:",
		"alice@example.org",
		":a",
		"1sip:a",
		"si p:a",
		"sip:@a",
		"sip:a@",
		"sip:a@b@c",
		"sip:a b@c",
		"sip:a%4@c",
		"sip:a%zz@c",
		"sip:a%",
		"sip:a@b:",
		"sip:a@b:0",
		"sip:a@b:65536",
		"sip:a@b:99999999999999999999",
		"sip:a@b:5060x",
		"sip:a@b;",
		"sip:a@b;;lr",
		"sip:a@b;lr;",
		"sip:a@b;=x",
		"sip:a@b;x=",
		"sip:a@b;x=y=z",
		"sip:a@b;lr;LR",
		"sip:a@b?",
		"sip:a@b?x",
		"sip:a@b?=y",
		"sip:a@b?x=y&",
		"sip:a@b?x=y?z=w",
		"sip:[::1",
		"sip:[]",
		"sip:[::1]x",
		"sip:[1.2.3.4]",
		"sip:[12345::1]",
		"sip:[::1%25eth0]",
		"sip:[:::1]",
		"sip:[::::192.0.2.1]",
		"sip:[1:::2:::192.0.2.1]",
		"sip:1.2.3",
		"sip:1.2.3.256",
		"sip:1.2.3.4.5",
		"sip:a..b",
		"sip:.a",
		"sip:-a",
		"sip:a-",
		"sip:a.-b",
		"sip:a@\x62\xc3\xa4",
		"sip:a\"@b",
		"sip:<a@b>",
		"tel:",
		"tel:+",
		"tel:+-",
		"tel:+1a",
		"tel:123",
		"tel:123;x=y",
		"tel:12x;phone-context=a",
		"tel:123;phone-context",
		"tel:+46;",
		"tel:+46;;a",
		"tel:+46 70",
		"mailto:",
		"x:a b",
		"sip:2001:db8::10",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sip_uri u;
		uint8_t       *exact;

		if (parse(texts[i], &u, &exact))
			fail_msg("%s", texts[i]);
		free(exact);
	}
}

/* Label by label, as RFC 3261, 25.1, has it. */
static bool is_name(const char *name)
{
	const char *label = name, *dot;

	for (; (dot = strchr(label, '.')) != NULL && dot[1] != '\0'; label = dot + 1) {
		if (dot == label || label[0] == '-' || dot[-1] == '-')
			return false;
	}
	if (dot == NULL)
		dot = label + strlen(label);
	return dot > label && label[0] != '-' && dot[-1] != '-' &&
	       !(label[0] >= '0' && label[0] <= '9');
}

static void a_name_of_any_length_is_judged_label_by_label(void **state)
{
	static const char few[] = "1-.";
	struct random     r;

	(void)state;
	random_seed(&r, 4711);
	for (unsigned i = 0; i < 200000; i++) {
		char           text[4 + 90 + 1] = "sip:";
		size_t         n = 1 + random_below(&r, i % 2 == 0 ? 12 : 90);
		struct sip_uri u;
		uint8_t       *exact;

		for (size_t k = 0; k < n; k++)
			text[4 + k] = random_below(&r, 9) == 0 ? few[random_below(&r, 3)] : 'a';
		text[4] = 'a'; /* no address */
		text[4 + n] = '\0';
		if (parse(text, &u, &exact) != is_name(text + 4))
			fail_msg("%s", text);
		free(exact);
	}
}

static void the_number_of_parameters_has_a_limit(void **state)
{
	char           text[SIP_URI_MAX];
	struct sip_uri u;
	size_t         n = 5;

	(void)state;
	memcpy(text, "sip:a", n);
	for (unsigned i = 0; i < SIP_URI_PARAMS_MAX; i++) {
		text[n++] = ';';
		text[n++] = (char)('a' + i / 16);
		text[n++] = (char)('a' + i % 16);
	}
	assert_true(sip_uri_parse((struct str){text, n}, &u));
	memcpy(text + n, ";x", 2);
	assert_false(sip_uri_parse((struct str){text, n + 2}, &u));
}

static void equality_is_that_of_the_standard(void **state)
{
	static const struct {
		const char *a, *b;
		bool        equal;
	} pairs[] = {
		/* 19.1.4 */
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp",
		 true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		 "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP",
		 false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		/* and beside it */
		{"sip:a@b", "sips:a@b", false},
		{"sip:b", "sip:a@b", false},
		{"sip:a:x@b", "sip:a@b", false},
		{"sip:a%2fb@c", "sip:a%2Fb@c", true},
		{"sip:a%40b@c", "sip:a%41b@c", false},
		{"sip:[2001:db8::1]", "sip:[2001:DB8:0::1]", true},
		{"sip:[::ffff:192.0.2.1]", "sip:192.0.2.1", false},
		{"sip:a@b;user=phone", "sip:a@b;user=ip", false},
		{"sip:a@b?x=1", "sip:a@b?x=1&y=2", false},
		{"sip:a@b?x=1&x=1", "sip:a@b?x=1", false},
		{"tel:+1-201-555-0123", "tel:+1.201.5550123", true},
		{"tel:+1", "tel:+1;isub=2", false},
		{"tel:7042;phone-context=a.b", "tel:70-42;Phone-Context=A.B", true},
		{"tel:7042;phone-context=a.b", "tel:7042;phone-context=a.c", false},
		{"urn:a:b", "URN:a:b", true},
		{"urn:a:b", "urn:a:B", false},
		{"x:a", "y:a", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct sip_uri a, b;
		uint8_t       *a_exact, *b_exact;

		assert_true(parse(pairs[i].a, &a, &a_exact));
		assert_true(parse(pairs[i].b, &b, &b_exact));
		if (sip_uri_equal(&a, &b) != pairs[i].equal ||
		    sip_uri_equal(&b, &a) != pairs[i].equal)
			fail_msg("%s and %s", pairs[i].a, pairs[i].b);
		assert_true(sip_uri_equal(&a, &a));
		free(a_exact);
		free(b_exact);
	}
}

static void addresses_of_record_have_one_text(void **state)
{
	static const struct {
		const char *uri, *aor;
	} pairs[] = {
		{"SIP:%61lice:pw@EXAMPLE.org;transport=tcp?a=b", "sip:alice@example.org"},
		{"sip:al%69ce@example.org:5070", "sip:alice@example.org:5070"},
		{"sip:a%40b%2fc@d", "sip:a%40b/c@d"},
		{"sip:a%00%7f%c3%a4@d", "sip:a%00%7F%C3%A4@d"},
		{"sip:a%25b@d", "sip:a%25b@d"},
		{"sip:Alice@d", "sip:Alice@d"},
		{"sips:d", "sips:d"},
		{"sip:a@[2001:DB8:0:0::1]", "sip:a@[2001:db8::1]"},
		{"TEL:+1-(201).555;isub=1", "tel:+1201555"},
		{"tel:70-42;phone-context=A.b", "tel:7042;phone-context=a.b"},
		{"URN:Service:Sos", "urn:Service:Sos"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct sip_uri u;
		struct put     w = put_to(room, sizeof(room));
		uint8_t       *exact;

		assert_true(parse(pairs[i].uri, &u, &exact));
		sip_uri_aor_put(&w, &u);
		assert_false(w.failed);
		assert_str((struct str){(char *)room, put_size(&w)}, pairs[i].aor);
		free(exact);
	}
}

static void escapes_for_control_characters_are_not_undone(void **state)
{
	struct put w = put_to(room, sizeof(room));

	(void)state;
	assert_true(sip_unescape_put(&w, STR("a%20b%c3%A4%")));
	assert_str((struct str){(char *)room, put_size(&w)}, "a b\xc3\xa4%");
	assert_false(sip_unescape_put(&w, STR("x%0d%0aTo: y")));
	assert_int_equal(put_size(&w), 6);
	assert_false(sip_unescape_put(&w, STR("x%00")));
	assert_false(sip_unescape_put(&w, STR("x%7F")));
}

static void a_name_addr_is_split_into_its_parts(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params, *tag;
	} addresses[] = {
		{"sip:a@b", "", "sip:a@b", "", ""},
		{"sip:a@b;tag=1", "", "sip:a@b", "tag=1", "1"},
		{"<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", "tag=1", "1"},
		{"Bob<sip:a@b>", "Bob", "sip:a@b", "", ""},
		{"Mr.  Bob <sip:a@b> ; TAG = x;y", "Mr.  Bob", "sip:a@b", " TAG = x;y", "x"},
		{"\"\" <sip:a@b>", "", "sip:a@b", "", ""},
		{"\"B, \\\"<x>\" \t<sip:a@b?c=d>;q=\"\\\"\"", "B, \\\"<x>", "sip:a@b?c=d",
		 "q=\"\\\"\"", ""},
		{"\"B\r\n ob\"\r\n <tel:+46701>", "B\r\n ob", "tel:+46701", "", ""},
		{"\xc3\xa4", NULL, "", "", ""},
		{"<sip:a@b", NULL, "", "", ""},
		{"sip:a@b>", NULL, "", "", ""},
		{"< sip:a@b>", NULL, "", "", ""},
		{"<sip:a@b >", NULL, "", "", ""},
		{"<>", NULL, "", "", ""},
		{"\"a\" sip:a@b", NULL, "", "", ""},
		{"\"a\"x <sip:a@b>", NULL, "", "", ""},
		{"\"a <sip:a@b>", NULL, "", "", ""},
		{"a, b <sip:a@b>", NULL, "", "", ""},
		{"<sip:a@b> x", NULL, "", "", ""},
		{"<sip:a@b>;", NULL, "", "", ""},
		{"<sip:a@b>;;x", NULL, "", "", ""},
		{"<sip:a@b>;x;", NULL, "", "", ""},
		{"<sip:a@b>;x=", NULL, "", "", ""},
		{"<sip:a@b>;tag=1;tag=2", NULL, "", "", ""},
		{"<sip:a@b>;tag", NULL, "", "", ""},
		{"<sip:a@b>;tag=\"x\"", NULL, "", "", ""},
		{"<sip:a@b>,<sip:c>", NULL, "", "", ""},
		{"sip:a@b?c=d", NULL, "", "", ""},
		{"sip:a,b@c", NULL, "", "", ""},
		{"*", NULL, "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		size_t               n = strlen(addresses[i].text);
		uint8_t             *exact = test_copy(addresses[i].text, n);
		struct sip_name_addr a;
		bool                 good = sip_name_addr_parse((struct str){(char *)exact, n}, &a);

		if (good != (addresses[i].display != NULL))
			fail_msg("%s", addresses[i].text);
		if (good) {
			assert_str(a.display, addresses[i].display);
			assert_str(a.uri_text, addresses[i].uri);
			assert_str(a.params, addresses[i].params);
			assert_str(a.tag, addresses[i].tag);
		}
		free(exact);
	}
}

/* The same as it is said: four numbers, each of one to three digits and no more than 255. */
static bool is_address(const char *text, size_t n, uint8_t address[4])
{
	size_t at = 0;

	for (unsigned part = 0; part < 4; part++) {
		unsigned number = 0, digits = 0;

		for (; at < n && text[at] >= '0' && text[at] <= '9'; at++, digits++)
			number = number < 1000 ? number * 10 + (unsigned)(text[at] - '0') : number;
		if (digits == 0 || digits > 3 || number > 255 || (part < 3 && at == n))
			return false;
		if (part < 3 && text[at++] != '.')
			return false;
		address[part] = (uint8_t)number;
	}
	return at == n;
}

static void an_address_is_four_numbers_up_to_255(void **state)
{
	static const char letters[] = "0123456789....255.1";
	struct random     r;
	unsigned          found = 0;

	(void)state;
	random_seed(&r, 11);
	for (unsigned round = 0; round < 400000; round++) {
		size_t          n = 1 + random_below(&r, 17);
		char            text[17];
		uint8_t        *exact, want[4];
		struct sip_host host;
		struct cur      c;
		bool            is;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[random_below(&r, sizeof(letters) - 1)];
		if (round % 2 == 0)
			n = (size_t)snprintf(text, sizeof(text), "%u.%u.%u.%u",
					     random_below(&r, 300), random_below(&r, 12),
					     random_below(&r, 260), random_below(&r, 300));
		exact = test_copy(text, n);
		c = cur_of(exact, n);
		is = sip_host_parse(&c, &host) && host.kind == SIP_HOST_IP4;
		if (is != is_address(text, n, want) || (is && memcmp(want, host.address, 4) != 0))
			fail_msg("%.*s", (int)n, text);
		found += is;
		free(exact);
	}
	assert_in_range(found, 100000, 300000);
}

/* Most are read by one look; with headers they never are, and yet the same. */
static void a_uri_is_the_same_with_headers_and_without(void **state)
{
	static const char letters[] = "ab1.-_@:;%+&=~z9", *const ends[] = {"", ";user=phone",
									   ";lr"};
	struct random r;
	unsigned      good = 0;

	(void)state;
	random_seed(&r, 13);
	for (unsigned round = 0; round < 400000; round++) {
		char           text[128];
		struct put     w = put_to(text, sizeof(text));
		struct str     plain, headers = STR("?x=y");
		struct sip_uri a, b;
		uint8_t       *exact;
		unsigned       few = round % 4 == 0 ? 3 : sizeof(letters) - 1;
		bool           is;

		put_str(&w, round % 16 == 0 ? STR("SIP:") : STR("sip:"));
		for (unsigned n = random_below(&r, 20); n > 0; n--)
			put_u8(&w, (uint8_t)letters[random_below(&r, few)]);
		put_u8(&w, '@');
		for (unsigned n = random_below(&r, round % 32 == 0 ? 80 : 12); n > 0; n--)
			put_u8(&w, (uint8_t)letters[random_below(&r, few)]);
		put_str(&w, str_of(ends[random_below(&r, 3)]));
		exact = test_copy(text, put_size(&w));
		plain = (struct str){(char *)exact, put_size(&w)};
		is = sip_uri_parse(plain, &a);
		put_str(&w, headers);
		if (sip_uri_parse((struct str){text, put_size(&w)}, &b) != is)
			fail_msg("%.*s", STR_ARG(plain));
		if (is && (a.scheme != b.scheme || !str_eq(a.scheme_text, b.scheme_text) ||
			   a.has_user != b.has_user || !str_eq(a.user, b.user) ||
			   a.has_password != b.has_password || !str_eq(a.password, b.password) ||
			   a.has_port != b.has_port || a.port != b.port ||
			   a.host.kind != b.host.kind || !str_eq(a.host.text, b.host.text) ||
			   memcmp(a.host.address, b.host.address, 4) != 0 ||
			   !str_eq(a.params, b.params) || a.opaque.n + headers.n != b.opaque.n ||
			   a.headers.n != 0))
			fail_msg("%.*s", STR_ARG(plain));
		good += is;
		free(exact);
	}
	assert_in_range(good, 10000, 390000);
}

static void a_quoted_text_is_given_without_its_escapes(void **state)
{
	struct put w = put_to(room, sizeof(room));

	(void)state;
	sip_unquote_put(&w, STR("a \\\"b\\\\c\r\n\t d\\"));
	assert_str((struct str){(char *)room, put_size(&w)}, "a \"b\\c d\\");
}

static void parameters_are_found_by_name_in_any_case(void **state)
{
	static const struct str params = {
		"expires=60;+sip.instance=\"<urn:x;y>\";q=0.5; Flag ;h=[::1]:5",
		sizeof("expires=60;+sip.instance=\"<urn:x;y>\";q=0.5; Flag ;h=[::1]:5") - 1};
	struct sip_param p;

	(void)state;
	assert_true(sip_params_check(params));
	assert_true(sip_param_find(params, STR("+SIP.instance"), &p));
	assert_true(p.quoted);
	assert_str(p.value, "<urn:x;y>");
	assert_true(sip_param_find(params, STR("flag"), &p));
	assert_false(p.has_value);
	assert_true(sip_param_find(params, STR("h"), &p));
	assert_str(p.value, "[::1]:5");
	assert_false(sip_param_find(params, STR("expire"), &p));
	assert_false(sip_params_check(STR("a=b c")));
	assert_false(sip_params_check(STR("a=\"b")));
	assert_true(sip_params_check(STR("")));
}

/* White space around ";" and "=" is no part of a parameter, and does not tell which it is. */
static void parameters_are_the_same_with_white_space_and_without(void **state)
{
	static const struct {
		const char *tight, *wide;
	} tokens[] = {{"a", "a"},
		      {"rport", "rport"},
		      {"z9hG4bK-long.er_than~sixteen", "z9hG4bK-long.er_than~sixteen"},
		      {"\"q;=\"", "\"q;=\""},
		      {"[::1]", "[::1]"},
		      {"@", "@"},
		      {";", " ;\t"},
		      {"=", " = "}};
	struct random r;
	unsigned      good = 0;

	(void)state;
	random_seed(&r, 12);
	for (unsigned round = 0; round < 200000; round++) {
		char       text[256], spaced[512];
		struct put tight = put_to(text, sizeof(text)),
			   wide = put_to(spaced, sizeof(spaced));
		uint8_t         *exact;
		struct cur       a, b;
		struct sip_param p, q;
		bool             more = true;

		for (unsigned i = 1 + random_below(&r, 8); i > 0; i--) {
			unsigned pick = i % 2 == 0 && random_below(&r, 8) > 0
						? 6 + random_below(&r, 2)
						: random_below(&r, 6);

			put_str(&tight, str_of(tokens[pick].tight));
			put_str(&wide, str_of(tokens[pick].wide));
		}
		exact = test_copy(text, put_size(&tight));
		a = cur_of(exact, put_size(&tight));
		b = cur_of(spaced, put_size(&wide));
		while (more) {
			more = sip_param_next(&a, &p);
			assert_int_equal(sip_param_next(&b, &q), more);
			if (more && (!str_eq(p.name, q.name) || !str_eq(p.value, q.value) ||
				     p.has_value != q.has_value || p.quoted != q.quoted))
				fail_msg("%.*s", (int)put_size(&tight), text);
			good += more;
		}
		assert_int_equal(a.failed, b.failed);
		free(exact);
	}
	assert_true(good > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris_are_split_into_their_parts),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(a_name_of_any_length_is_judged_label_by_label),
		cmocka_unit_test(the_number_of_parameters_has_a_limit),
		cmocka_unit_test(equality_is_that_of_the_standard),
		cmocka_unit_test(addresses_of_record_have_one_text),
		cmocka_unit_test(escapes_for_control_characters_are_not_undone),
		cmocka_unit_test(a_name_addr_is_split_into_its_parts),
		cmocka_unit_test(a_quoted_text_is_given_without_its_escapes),
		cmocka_unit_test(parameters_are_found_by_name_in_any_case),
		cmocka_unit_test(an_address_is_four_numbers_up_to_255),
		cmocka_unit_test(a_uri_is_the_same_with_headers_and_without),
		cmocka_unit_test(parameters_are_the_same_with_white_space_and_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
