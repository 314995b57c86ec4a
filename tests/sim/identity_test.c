/*
 * Signed identities (RFC 8224) through the whole dataplane: what comes by SMPP goes out signed; a
 * peer that must sign is held to it; what it signed goes on.
 */
#include "sip_world.h"

#include "../unit/stir/pki.h"

#define URL "https://cert.example.org/cpm.pem"

static struct pki pki;

/* Our own key is also that of the others, whose certificate we know. */
static int keys_new(void **state)
{
	struct conf_stir *stir = &world_keys.stir;
	EVP_PKEY         *key;
	X509             *x;

	pki_open(&pki);
	key = pki_key();
	x = pki_certificate(&pki, &(struct pki_wish){.key = key});
	pki_write_key(&pki, "our.key", key);
	pki_write(&pki, "one.pem", (X509 *const[]){x, NULL});
	X509_free(x);
	EVP_PKEY_free(key);
	pki_path(&pki, "our.key", stir->key);
	pki_path(&pki, "one.pem", stir->certificate);
	pki_path(&pki, "anchors.pem", stir->anchors);
	strcpy(stir->url, URL);
	world_keys.count = 1;
	strcpy(world_keys.certificate.url, URL);
	strcpy(world_keys.certificate.file, stir->certificate);
	return 0;
}

static int keys_free(void **state)
{
	pki_close(&pki);
	return 0;
}

static struct phone *signer, *other; /* peers over UDP, at 5080 and 5081 */
static const char   *came;           /* the first that is no OPTIONS */

static bool came_to(struct phone *p)
{
	while ((came = phone_take(p)) != NULL) {
		if (strncmp(came, "OPTIONS ", 8) != 0)
			return true;
		phone_answer(p, came, "200 OK", "");
	}
	return false;
}

static bool came_to_signer(struct sim *s)
{
	return came_to(signer);
}

static bool came_to_other(struct sim *s)
{
	return came_to(other);
}

static bool all_up(struct sim *s)
{
	assert_false(came_to(signer) || came_to(other));
	return sim_metric(s, METRIC_links_up) == 4;
}

static void peers_begin(const char *identity)
{
	char peers[512];

	snprintf(peers, sizeof(peers),
		 "  - {name: signer, protocol: sip, host: 198.18.0.2, port: 5080, transport: udp, "
		 "identity: %s}\n"
		 "  - {name: other, protocol: sip, host: 198.18.0.2, port: 5081, transport: udp}\n",
		 identity);
	signer = phone_udp(&sim.host, 5080);
	other = phone_udp(&sim.host, 5081);
	world_adds("", peers,
		   "  - {to: \"+4674\", via: [signer]}\n  - {to: \"+4675\", via: [other]}\n");
	assert_true(sim_until(&sim, all_up, 5 * US_PER_SECOND));
}

/* What the appliance signs of a message of the ESME to +4674..., as the peer has it. */
static char *signed_message(void)
{
	char *copy;

	esme_begin();
	submit("+46741234567", "hello", 0);
	assert_true(sim_until(&sim, came_to_signer, US_PER_SECOND));
	copy = strdup(came);
	assert_non_null(copy);
	phone_answer(signer, came, "200 OK", "");
	assert_true(sim_until(&sim, esme_answered, US_PER_SECOND));
	return copy;
}

/* The same comes from the peer, to another place; without its Identity where identity is false. */
static void comes_back(const char *message, const char *number, const char *body, bool identity)
{
	char lines[2600] = "", from[160];

	sequence++;
	if (identity)
		snprintf(lines, sizeof(lines), "Identity: %s\r\n",
			 phone_header(message, "Identity"));
	snprintf(from, sizeof(from), "%s", phone_header(message, "From"));
	phone_send(signer,
		   "MESSAGE sip:%s@example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:5080;branch=z9hG4bKi%u\r\nMax-Forwards: 70\r\n"
		   "From: %s\r\nTo: %s\r\nCall-ID: i%u\r\nCSeq: 1 MESSAGE\r\n%s"
		   "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
		   number, sequence, from, phone_header(message, "To"), sequence, lines,
		   strlen(body), body);
}

static bool answered_signer(struct sim *s)
{
	while ((came = phone_take(signer)) != NULL) {
		if (strncmp(came, "SIP/2.0 ", 8) == 0)
			return true;
	}
	return false;
}

static void signer_hears(const char *status)
{
	assert_true(sim_until(&sim, answered_signer, US_PER_SECOND));
	assert_status(came, status);
}

static void what_comes_by_smpp_goes_out_signed_and_is_believed(void **state)
{
	char *message;

	peers_begin("[sign, require]");
	message = signed_message();
	assert_non_null(
		strstr(phone_header(message, "Identity"), ";info=<" URL ">;alg=ES256;ppt=msg"));
	assert_string_not_equal(phone_header(message, "Date"), "");
	comes_back(message, "+46701234567", "hello", true);
	signer_hears("202");
	assert_int_equal(centre.count, 1);
	assert_string_equal(centre.text, "hello");
	assert_int_equal(sim_metric(&sim, METRIC_sip_identities_signed), 1);
	assert_int_equal(sim_metric(&sim, METRIC_sip_identities_passed), 1);
	free(message);
}

static void who_must_sign_is_held_to_it(void **state)
{
	char *message;

	peers_begin("[sign, require]");
	message = signed_message();
	comes_back(message, "+46701234567", "hallo", true);
	signer_hears("438 Invalid Identity Header");
	comes_back(message, "+46701234567", "hello", false);
	signer_hears("428 Use Identity Header");
	sim_pass(&sim, 61 * US_PER_SECOND);
	came_to(signer);
	comes_back(message, "+46701234567", "hello", true);
	signer_hears("403 Stale Date");
	assert_int_equal(centre.count, 0);
	free(message);
}

static void an_identity_goes_from_peer_to_peer_and_its_verdict_to_who_is_trusted(void **state)
{
	char *message, identity[2600];

	peers_begin("[sign, verify]");
	message = signed_message();
	snprintf(identity, sizeof(identity), "%s", phone_header(message, "Identity"));
	comes_back(message, "+46741234567", "hello", true); /* to whom it is signed for */
	assert_true(sim_until(&sim, came_to_signer, US_PER_SECOND));
	assert_string_equal(phone_header(came, "Identity"), identity);
	phone_answer(signer, came, "200 OK", "");
	signer_hears("200");
	comes_back(message, "+46751234567", "hello", true); /* to another */
	assert_true(sim_until(&sim, came_to_other, US_PER_SECOND));
	assert_string_equal(phone_header(came, "Identity"), "");
	phone_answer(other, came, "200 OK", "");
	signer_hears("200");
	comes_back(message, "+46721234567", "hello", true); /* to ims, which is trusted */
	came = next_of(ims);
	assert_non_null(came);
	assert_non_null(strstr(came, ";verstat=TN-Validation-Passed>"));
	phone_answer(ims, came, "200 OK", "");
	signer_hears("200");
	comes_back(message, "+46721234567", "hallo", true);
	came = next_of(ims);
	assert_non_null(came);
	assert_non_null(strstr(came, ";verstat=TN-Validation-Failed>"));
	assert_string_equal(phone_header(came, "Identity"), "");
	phone_answer(ims, came, "200 OK", "");
	signer_hears("200");
	free(message);
}

static void rules_know_what_was_proven(void **state)
{
	char *message;

	peers_begin("[sign, verify]");
	world_rules("  - {name: forged, when: {identity: [failed, none]}, then: {reject: spam}}\n");
	message = signed_message(); /* what comes by SMPP has nothing to prove */
	comes_back(message, "+46701234567", "hello", true);
	signer_hears("202");
	comes_back(message, "+46701234567", "hallo", true);
	signer_hears("403");
	comes_back(message, "+46701234567", "hello", false);
	signer_hears("403");
	assert_int_equal(centre.count, 1);
	free(message);
}

static void a_sender_that_a_rule_puts_is_not_proven(void **state)
{
	char *message;

	peers_begin("[sign, verify]");
	world_rules(
		"  - {name: hide, when: {identity: passed}, then: {rewrite_from: \"+4699\"}}\n");
	message = signed_message();
	comes_back(message, "+46721234567", "hello", true);
	came = next_of(ims);
	assert_non_null(came);
	assert_non_null(strstr(came, "+4699"));
	assert_null(strstr(came, "verstat"));
	assert_string_equal(phone_header(came, "Identity"), "");
	phone_answer(ims, came, "200 OK", "");
	signer_hears("200");
	free(message);
}

/* The same INVITE comes from the peer, by whoever the number names. */
static void invite_comes_back(const char *invitation, const char *number)
{
	sequence++;
	phone_send(signer,
		   "INVITE sip:+46701234567@example.org SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP 198.18.0.2:5080;branch=z9hG4bKv%u\r\nMax-Forwards: 70\r\n"
		   "From: <sip:%s@example.org>;tag=v\r\nTo: %s\r\nCall-ID: v%u\r\n"
		   "CSeq: 1 INVITE\r\nContact: <sip:198.18.0.2:5080>\r\nIdentity: %s\r\n"
		   "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		   sequence, number, phone_header(invitation, "To"), sequence,
		   phone_header(invitation, "Identity"), strlen(phone_body(invitation)),
		   phone_body(invitation));
}

static void invite_is_signed(const char *parameters)
{
	static char text[3001];
	char       *invitation, *identity;

	peers_begin("[sign, require], large: msrp");
	esme_begin();
	memset(text, 'x', sizeof(text) - 1);
	submit("+46741234567", text, 0);
	assert_true(sim_until(&sim, came_to_signer, US_PER_SECOND));
	assert_memory_equal(came, "INVITE ", 7);
	invitation = strdup(came);
	identity = strstr(phone_header(invitation, "Identity"), ";info=");
	assert_non_null(identity);
	assert_string_equal(identity, parameters);
	invite_comes_back(invitation, "+46999");
	signer_hears("438 Invalid Identity Header");
	invite_comes_back(invitation, "+4611111");
	signer_hears("200");
	free(invitation);
}

static void what_is_too_long_for_a_message_is_signed_in_its_invite(void **state)
{
	(void)state;
	invite_is_signed(";info=<" URL ">;alg=ES256");
}

static void such_an_invite_may_have_an_attestation(void **state)
{
	(void)state;
	invite_is_signed(";info=<" URL ">;alg=ES256;ppt=shaken");
}

static int world_attests(void **state)
{
	world_keys.stir.attest = CONF_ATTEST_B;
	strcpy(world_keys.stir.origid, "123e4567-e89b-12d3-a456-426655440000");
	return world_large(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_comes_by_smpp_goes_out_signed_and_is_believed,
						world_open, world_end),
		cmocka_unit_test_setup_teardown(who_must_sign_is_held_to_it, world_open, world_end),
		cmocka_unit_test_setup_teardown(rules_know_what_was_proven, world_open, world_end),
		cmocka_unit_test_setup_teardown(a_sender_that_a_rule_puts_is_not_proven, world_open,
						world_end),
		cmocka_unit_test_setup_teardown(
			an_identity_goes_from_peer_to_peer_and_its_verdict_to_who_is_trusted,
			world_of_two, world_end),
		cmocka_unit_test_setup_teardown(
			what_is_too_long_for_a_message_is_signed_in_its_invite, world_large,
			world_end),
		cmocka_unit_test_setup_teardown(such_an_invite_may_have_an_attestation,
						world_attests, world_end),
	};

	sim_eal();
	return cmocka_run_group_tests(tests, keys_new, keys_free);
}
