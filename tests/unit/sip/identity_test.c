/* Identity (RFC 8224) between two sides: what one signs the other verifies; what was changed on the
 * way is found out. */
#include "side.h"

#include "../stir/pki.h"
#include "msg/addr.h"
#include "sip/identity.h"
#include "stir/store.h"

#define URL "https://cert.example.org/cpm.pem"

static struct pki   pki;
static EVP_PKEY    *key;
static struct stir *keys;

static int setup(void **state)
{
	char             key_file[96], file[96], anchors[96], error[STIR_ERROR_SIZE];
	struct stir_file one = {URL, file};
	X509            *x;

	pki_open(&pki);
	key = pki_key();
	pki_path(&pki, "one.pem", file);
	pki_write_key(&pki, "our.key", key);
	x = pki_certificate(&pki, &(struct pki_wish){.key = key});
	pki_write(&pki, "one.pem", (X509 *const[]){x, NULL});
	X509_free(x);
	keys = stir_new(&(struct stir_files){.key = pki_path(&pki, "our.key", key_file),
					     .url = URL,
					     .anchors = pki_path(&pki, "anchors.pem", anchors),
					     .count = 1,
					     .certificates = &one},
			error);
	if (keys == NULL)
		fail_msg("%s", error);
	return 0;
}

static int teardown(void **state)
{
	stir_free(keys);
	EVP_PKEY_free(key);
	pki_close(&pki);
	return 0;
}

struct ends {
	struct side *a, *b; /* a sends to its peer b, which knows a as a peer */
};

static struct ends ends_new(uint8_t signs, uint8_t verifies, bool trusted)
{
	struct ends e = {side_new_with(1, keys), side_new_with(2, keys)};

	e.a->settings.identity = signs;
	e.b->services.has_peer = true;
	e.b->services.peer = e.a->address;
	e.b->services.peer_trusted = trusted;
	e.b->services.peer_identity = verifies;
	side_listen(e.a, false);
	side_listen(e.b, false);
	side_peer(e.a, e.b, trusted);
	sides_pump(e.a, e.b);
	return e;
}

static void ends_free(struct ends *e)
{
	side_free(e->a);
	side_free(e->b);
}

static struct msg *text_message(struct side *s, const char *from, const char *to, const char *text)
{
	struct msg *m = msg_new(s->pool);

	assert_true(msg_append_addr(m, addr_kind_of(str_of(from)), 0, 0, str_of(from), &m->from));
	assert_true(msg_append_addr(m, addr_kind_of(str_of(to)), 0, 0, str_of(to), &m->to));
	assert_true(msg_append(m, text, strlen(text), &m->body));
	m->coding = MSG_CODING_UTF8;
	return m;
}

/* What a has sent, as text, instead of its way to b; the bytes are the caller's. */
static char *intercept(struct side *a)
{
	struct cur  written = cur_of(a->sent, a->sent_size), one = {NULL, NULL, true};
	struct flow to;
	char       *text;
	size_t      n;

	assert_true(out_datagram_next(&written, &to, &one));
	assert_int_equal(cur_left(&written), 0);
	n = cur_left(&one);
	text = calloc(1, n + 4096);
	memcpy(text, cur_bytes(&one, n), n);
	a->sent_size = 0;
	return text;
}

static void replace(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	assert_non_null(at);
	memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
}

static void give(struct ends *e, const char *text)
{
	enum pull last;

	side_feed(e->b, &e->a->address, text, strlen(text), &last);
	assert_int_equal(last, PULL_ITEM);
}

/* What b answered; it is not sent. */
static unsigned status_of(struct ends *e, char phrase[64])
{
	char    *text = intercept(e->b);
	unsigned status = 0;

	assert_int_equal(sscanf(text, "SIP/2.0 %u %63[^\r]", &status, phrase), 2);
	free(text);
	return status;
}

static char *signed_message(struct ends *e, const char *from, const char *to)
{
	struct msg   *m = text_message(e->a, from, to, "hello");
	struct result r;
	char         *text;

	assert_int_equal(side_submit_to(e->a, e->a->peer, m, NULL, 7, &r), SUBMIT_SENT);
	msg_free(m);
	text = intercept(e->a);
	assert_non_null(strstr(text, "\r\nDate: "));
	return text;
}

static const struct msg *arrived(struct ends *e)
{
	assert_int_equal(e->b->event_count, 1);
	assert_int_equal(e->b->events[0].kind, EVENT_MSG);
	return e->b->events[0].msg;
}

static void what_one_signs_the_other_has_proven(void **state)
{
	static const struct {
		const char *from, *to;
		bool        trusted;
	} table[] = {{"+46701234567", "+46707654321", true},
		     {"+46701234567", "+46707654321", false},
		     {"71234", "+46707654321", true},
		     {"sip:carol@chat.example", "sip:dave@ims.example", false},
		     {"ACME", "+46707654321", true}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ends e =
			ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_REQUIRE, table[i].trusted);
		char *text = signed_message(&e, table[i].from, table[i].to);
		char *line = strstr(text, "\r\nIdentity: ");

		assert_non_null(line);
		assert_non_null(strstr(line, ";info=<" URL ">;alg=ES256;ppt=msg\r\n"));
		assert_int_equal(side_metric(e.a, METRIC_sip_identities_signed), 1);
		give(&e, text);
		if (e.b->event_count != 1)
			fail_msg("%s to %s", table[i].from, table[i].to);
		assert_int_equal(arrived(&e)->identity, MSG_IDENTITY_PASSED);
		assert_int_equal(side_metric(e.b, METRIC_sip_identities_passed), 1);
		free(text);
		ends_free(&e);
	}
}

static const struct change {
	const char *from, *to;
	enum reason why;
	unsigned    status;
	const char *phrase;
} changes[] = {
	{"\r\n\r\nhello", "\r\n\r\nhallo", REASON_IDENTITY_INVALID, 438, "Invalid Identity Header"},
	{"From: <sip:+46701234567@", "From: <sip:+46701234568@", REASON_IDENTITY_INVALID, 438,
	 "Invalid Identity Header"},
	{"To: <sip:+46707654321@", "To: <sip:+46707654322@", REASON_IDENTITY_INVALID, 438,
	 "Invalid Identity Header"},
	{"\r\nIdentity: ", "\r\nIdentity: x", REASON_IDENTITY_INVALID, 438,
	 "Invalid Identity Header"},
	{";info=<" URL ">", ";info=<https://cert.example.org/other.pem>", REASON_IDENTITY_INVALID,
	 438, "Invalid Identity Header"},
	{";info=<" URL ">", "", REASON_IDENTITY_INVALID, 438, "Invalid Identity Header"},
	{"\r\nIdentity: ", "\r\nSubject: ", REASON_IDENTITY_MISSING, 428, "Use Identity Header"},
	{";ppt=msg", ";ppt=div", REASON_IDENTITY_MISSING, 428, "Use Identity Header"},
	{";ppt=msg", ";ppt=shaken", REASON_IDENTITY_MISSING, 428, "Use Identity Header"},
};

static void what_was_changed_on_the_way_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		struct ends e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_REQUIRE, false);
		char       *text = signed_message(&e, "+46701234567", "+46707654321");
		char        phrase[64];

		replace(text, c->from, c->to);
		give(&e, text);
		assert_int_equal(e.b->event_count, 0);
		assert_int_equal(status_of(&e, phrase), c->status);
		assert_string_equal(phrase, c->phrase);
		assert_int_equal(side_refused(e.b, c->why), 1);
		free(text);
		ends_free(&e);
	}
}

static void what_is_only_looked_at_is_marked(void **state)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		struct ends      e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_VERIFY, false);
		char            *text = signed_message(&e, "+46701234567", "+46707654321");
		bool             none = c->why == REASON_IDENTITY_MISSING;
		struct msg_extra extra;

		replace(text, c->from, c->to);
		give(&e, text);
		assert_int_equal(arrived(&e)->identity,
				 none ? MSG_IDENTITY_NONE : MSG_IDENTITY_FAILED);
		assert_false(msg_extra_find(arrived(&e), 1, SIP_EXTRA_IDENTITY, &extra) && !none);
		assert_int_equal(side_metric(e.b, none ? METRIC_sip_identities_missing
						       : METRIC_sip_identities_failed),
				 1);
		free(text);
		ends_free(&e);
	}
}

static void time_and_certificate_have_answers_of_their_own(void **state)
{
	struct ends e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_REQUIRE, false);
	char       *text = signed_message(&e, "+46701234567", "+46707654321"), phrase[64];

	side_at(e.b, 1000000 + 61 * US_PER_SECOND);
	give(&e, text);
	assert_int_equal(status_of(&e, phrase), 403);
	assert_string_equal(phrase, "Stale Date");
	assert_int_equal(side_refused(e.b, REASON_IDENTITY_STALE), 1);
	free(text);
	ends_free(&e);

	e = (struct ends){side_new_with(1, keys), side_new_with(2, NULL)};
	e.a->settings.identity = PROTO_IDENTITY_SIGN;
	e.b->services.has_peer = true;
	e.b->services.peer = e.a->address;
	e.b->services.peer_identity = PROTO_IDENTITY_REQUIRE;
	side_listen(e.a, false);
	side_listen(e.b, false);
	side_peer(e.a, e.b, false);
	sides_pump(e.a, e.b);
	text = signed_message(&e, "+46701234567", "+46707654321");
	give(&e, text);
	assert_int_equal(status_of(&e, phrase), 436);
	assert_int_equal(side_refused(e.b, REASON_IDENTITY_CERTIFICATE), 1);
	free(text);
	ends_free(&e);
}

/* Signed anew over what the request says, header and claims left out. */
static void the_compact_form_is_put_together_from_the_request(void **state)
{
	struct ends e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_REQUIRE, false);
	char       *text = signed_message(&e, "+46701234567", "+46707654321");
	char       *token = strstr(text, "\r\nIdentity: ") + strlen("\r\nIdentity: ");
	char       *second = strchr(strchr(token, '.') + 1, '.');

	memmove(token + 1, second, strlen(second) + 1);
	token[0] = '.';
	give(&e, text);
	assert_int_equal(arrived(&e)->identity, MSG_IDENTITY_PASSED);
	free(text);
	ends_free(&e);

	e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_REQUIRE, false);
	text = signed_message(&e, "+46701234567", "+46707654321");
	token = strstr(text, "\r\nIdentity: ") + strlen("\r\nIdentity: ");
	second = strchr(strchr(token, '.') + 1, '.');
	memmove(token + 1, second, strlen(second) + 1);
	token[0] = '.';
	replace(text, "\r\n\r\nhello", "\r\n\r\nhallo");
	give(&e, text);
	assert_int_equal(e.b->event_count, 0);
	free(text);
	ends_free(&e);
}

/* m as it came to b goes on to a, where b signs nothing. */
static char *passed_on(struct ends *e, struct msg *m)
{
	struct result r;

	e->b->settings.identity = 0;
	side_peer(e->b, e->a, false);
	e->a->services.has_peer = true;
	e->a->services.peer = e->b->address;
	sides_pump(e->a, e->b);
	assert_int_equal(side_submit_to(e->b, e->b->peer, m, NULL, 7, &r), SUBMIT_SENT);
	return intercept(e->b);
}

static void an_identity_goes_along_while_it_holds(void **state)
{
	for (unsigned changed = 0; changed < 4; changed++) {
		struct ends e = ends_new(PROTO_IDENTITY_SIGN, PROTO_IDENTITY_VERIFY, false);
		char       *text = signed_message(&e, "+46701234567", "+46707654321"), *on, *line;
		struct msg *m;

		give(&e, text);
		m = msg_copy(e.b->pool, arrived(&e));
		e.b->sent_size = 0;
		if (changed == 1)
			assert_true(msg_append_addr(m, ADDR_E164, 0, 0, STR("+46709"), &m->from));
		if (changed == 2)
			assert_true(msg_append(m, "hallo", 5, &m->body));
		if (changed == 3)
			sides_at(e.a, e.b, 1000000 + 61 * US_PER_SECOND);
		on = passed_on(&e, m);
		line = strstr(on, "\r\nIdentity: ");
		assert_int_equal(line != NULL, changed == 0);
		if (line != NULL) /* as it was */
			assert_memory_equal(line, strstr(text, "\r\nIdentity: "),
					    strcspn(line + 2, "\r") + 2);
		assert_int_equal(side_metric(e.b, METRIC_sip_identities_kept), changed == 0);
		assert_int_equal(side_metric(e.b, METRIC_sip_identities_dropped), changed != 0);
		msg_free(m);
		free(on);
		free(text);
		ends_free(&e);
	}
}

static void what_is_not_true_or_has_nobody_is_not_signed(void **state)
{
	struct ends   e = ends_new(PROTO_IDENTITY_SIGN, 0, true);
	struct msg   *m = text_message(e.a, "+46701234567", "+46707654321", "hello");
	struct result r;
	char         *text;

	m->identity = MSG_IDENTITY_FAILED;
	assert_int_equal(side_submit_to(e.a, e.a->peer, m, NULL, 7, &r), SUBMIT_SENT);
	text = intercept(e.a);
	assert_null(strstr(text, "\r\nIdentity: "));
	assert_non_null(strstr(text, "<tel:+46701234567;verstat=TN-Validation-Failed>"));
	free(text);
	m->identity = MSG_IDENTITY_UNKNOWN;
	m->from = (struct addr){.kind = ADDR_NONE};
	assert_int_equal(side_submit_to(e.a, e.a->peer, m, NULL, 8, &r), SUBMIT_SENT);
	text = intercept(e.a);
	assert_null(strstr(text, "\r\nIdentity: "));
	assert_int_equal(side_metric(e.a, METRIC_sip_identities_unsigned), 2);
	free(text);
	msg_free(m);
	ends_free(&e);
}

static void the_verdict_of_a_network_is_believed_from_trusted_peers_alone(void **state)
{
	static const struct {
		const char       *lines;
		enum msg_identity identity; /* when it comes from who is trusted */
	} table[] = {
		{"P-Asserted-Identity: <sip:+46701@x>, "
		 "<tel:+46701;verstat=TN-Validation-Passed>\r\n",
		 MSG_IDENTITY_PASSED},
		{"P-Asserted-Identity: <sip:+46701;verstat=TN-Validation-Failed@x;user=phone>\r\n",
		 MSG_IDENTITY_FAILED},
		{"P-Asserted-Identity: <tel:+46701;verstat=No-TN-Validation>\r\n",
		 MSG_IDENTITY_NONE},
		{"P-Asserted-Identity: <tel:+46701;verstat=Whatever>\r\n", MSG_IDENTITY_UNKNOWN},
		{"P-Asserted-Identity: <tel:+46701>\r\n", MSG_IDENTITY_UNKNOWN},
	};

	for (size_t i = 0; i < 2 * sizeof(table) / sizeof(table[0]); i++) {
		struct ends e = ends_new(0, 0, i % 2 == 0);
		char        text[1024];

		snprintf(text, sizeof(text),
			 "MESSAGE sip:+46702@example.org SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%zu\r\n%s"
			 "From: <sip:0701;verstat=TN-Validation-Passed@y.example>;tag=1\r\n"
			 "To: <sip:+46702@example.org>\r\nCall-ID: %zu\r\nCSeq: 1 MESSAGE\r\n"
			 "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
			 i, table[i / 2].lines, i);
		give(&e, text);
		if (i % 2 == 0) {
			assert_int_equal(arrived(&e)->identity,
					 table[i / 2].identity != MSG_IDENTITY_UNKNOWN
						 ? table[i / 2].identity
						 : MSG_IDENTITY_PASSED /* From says so */);
		} else {
			assert_int_equal(arrived(&e)->identity, MSG_IDENTITY_UNKNOWN);
			assert_true(str_eq(msg_addr(arrived(&e), &arrived(&e)->from),
					   STR("sip:0701@y.example")));
		}
		ends_free(&e);
	}
}

static void who_comes_to_a_listener_is_held_to_what_that_asks(void **state)
{
	struct ends  e = ends_new(PROTO_IDENTITY_SIGN, 0, false);
	struct side *l = side_new_with(3, keys);
	char        *text = signed_message(&e, "+46701234567", "+46707654321");
	enum pull    last;

	l->settings.identity = PROTO_IDENTITY_REQUIRE;
	side_listen(l, true);
	side_feed(l, &e.a->address, text, strlen(text), &last);
	assert_int_equal(l->event_count, 1);
	assert_int_equal(l->events[0].msg->identity, MSG_IDENTITY_PASSED);
	replace(text, "\r\nIdentity: ", "\r\nSubject: ");
	replace(text, ";branch=z9hG4bK", ";branch=z9hG4bKx");
	replace(text, "\r\nCall-ID: ", "\r\nCall-ID: x");
	side_feed(l, &e.a->address, text, strlen(text), &last);
	assert_int_equal(l->event_count, 1);
	assert_int_equal(side_refused(l, REASON_IDENTITY_MISSING), 1);
	free(text);
	side_free(l);
	ends_free(&e);
}

static void header_fields_are_read_as_their_syntax_has_them(void **state)
{
	static const struct {
		const char *value, *token, *info, *ppt;
	} table[] = {
		{"a.b.c;info=<https://x>", "a.b.c", "https://x", ""},
		{"a.b.c ; info = <https://x;y> ;\r\n alg=ES256; ppt=\"msg\"", "a.b.c",
		 "https://x;y", "msg"},
		{"..c;ppt=msg;x=<y>;z;info=<u>;alg=es256", "..c", "u", "msg"},
		{"a.b.c", NULL, NULL, NULL},
		{";info=<u>", NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
		{"a;info=<u", NULL, NULL, NULL},
		{"a;info=<>", NULL, NULL, NULL},
		{"a;info=<u>;", NULL, NULL, NULL},
		{"a;info=<u>x", NULL, NULL, NULL},
		{"a;info=<u>;alg=RS256", NULL, NULL, NULL},
		{"a;info=<u>;ppt=\"msg", NULL, NULL, NULL},
		{"a b;info=<u>", NULL, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t              n = strlen(table[i].value);
		uint8_t            *exact = test_copy(table[i].value, n);
		struct sip_identity id;
		bool good = sip_identity_parse((struct str){(const char *)exact, n}, &id);

		if (good != (table[i].token != NULL))
			fail_msg("%s", table[i].value);
		if (good) {
			assert_true(str_eq(id.token, str_of(table[i].token)));
			assert_true(str_eq(id.info, str_of(table[i].info)));
			assert_true(str_eq(id.ppt, str_of(table[i].ppt)));
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_signs_the_other_has_proven),
		cmocka_unit_test(what_was_changed_on_the_way_is_refused),
		cmocka_unit_test(what_is_only_looked_at_is_marked),
		cmocka_unit_test(time_and_certificate_have_answers_of_their_own),
		cmocka_unit_test(the_compact_form_is_put_together_from_the_request),
		cmocka_unit_test(an_identity_goes_along_while_it_holds),
		cmocka_unit_test(what_is_not_true_or_has_nobody_is_not_signed),
		cmocka_unit_test(the_verdict_of_a_network_is_believed_from_trusted_peers_alone),
		cmocka_unit_test(who_comes_to_a_listener_is_held_to_what_that_asks),
		cmocka_unit_test(header_fields_are_read_as_their_syntax_has_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
