#include "world/world.h"

#include <stdio.h>

#include <openssl/evp.h>

#include "rules/compile.h"
#include "sample.h"

/* Two accounts, two peers, three routes. */
static const struct world *sample_world(struct mirror *m)
{
	*m = (struct mirror){.version = 0};
	mirror_begin(m, true);
	mirror_put(m, CONF_ROUTE, sample_route("+46", 100, "smsc1=70 smsc2=30"));
	mirror_put(m, CONF_ACCOUNT, sample_account("esme1", ""));
	mirror_put(m, CONF_ACCOUNT, sample_account("esme2", "login2"));
	mirror_put(m, CONF_PEER, sample_peer("smsc1"));
	mirror_put(m, CONF_PEER, sample_peer("smsc2"));
	mirror_put(m, CONF_ROUTE, sample_route("=71234", 100, "esme1"));
	mirror_put(m, CONF_ROUTE, sample_route("+46", 200, "smsc2 esme2"));
	return mirror_apply(m, NULL);
}

static uint32_t peer_slot(const struct world *w, const char *name)
{
	const struct world_peer *p = world_peer_find(w, str_of(name));

	assert_non_null(p);
	assert_ptr_equal(world_peer(w, p->slot), p);
	assert_true(str_eq(p->name, str_of(name)));
	return p->slot;
}

static uint32_t account_slot(const struct world *w, const char *name)
{
	const struct world_account *a = world_account_find(w, str_of(name));

	assert_non_null(a);
	assert_ptr_equal(world_account(w, a->slot), a);
	return a->slot;
}

static void an_image_makes_a_world_whatever_the_order_of_its_objects(void **state)
{
	struct mirror           m;
	const struct world     *w = sample_world(&m);
	const struct route_set *set = route_find(w->routes, STR("+46701234567"));

	(void)state;
	assert_int_equal(w->version, 1);
	assert_int_equal(w->parties_version, 1);
	assert_int_equal(w->checksum, m.checksum);
	assert_int_equal(w->account_slots, 2);
	assert_int_equal(w->peer_slots, 2);
	assert_int_equal(set->count, 2);
	assert_true(set->choices[0]->weighted);
	assert_int_equal(set->choices[0]->targets[0].slot, peer_slot(w, "smsc1"));
	assert_int_equal(set->choices[0]->targets[0].weight, 70);
	assert_int_equal(set->choices[0]->targets[1].slot, peer_slot(w, "smsc2"));
	assert_int_equal(set->choices[1]->targets[1].slot, account_slot(w, "esme2"));
	assert_int_equal(set->choices[1]->targets[1].kind, ROUTE_ACCOUNT);
	assert_null(world_peer_find(w, STR("smsc3")));
	assert_null(world_account_find(w, STR("smsc1")));
	assert_null(world_account(w, 2));
	assert_null(world_account(w, UINT32_MAX));
	assert_null(world_peer(w, WORLD_PEERS_MAX));
	world_free(w);
}

static void an_account_is_known_by_what_it_logs_in_as(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	assert_int_equal(world_account_login(w, 0, STR("esme1"))->slot, account_slot(w, "esme1"));
	assert_int_equal(world_account_login(w, 0, STR("login2"))->slot, account_slot(w, "esme2"));
	assert_null(world_account_login(w, 0, STR("esme2")));
	assert_null(world_account_login(w, 1, STR("esme1")));
	assert_null(world_account_login(w, 0, STR("")));
	mirror_begin(&m, false); /* two accounts exchange what they log in as */
	mirror_gone(&m, CONF_ACCOUNT, sample_account("esme1", ""));
	mirror_gone(&m, CONF_ACCOUNT, sample_account("esme2", "login2"));
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme1", "login2"));
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme2", "esme1"));
	w = mirror_apply(&m, w);
	assert_int_equal(world_account_login(w, 0, STR("esme1"))->slot, account_slot(w, "esme2"));
	assert_int_equal(world_account_login(w, 0, STR("login2"))->slot, account_slot(w, "esme1"));
	world_free(w);
}

static void two_accounts_cannot_log_in_alike(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_ACCOUNT, sample_account("esme3", "login2"));
	mirror_refused(&m, w, w->checksum, "account esme3: account esme2 already logs in as that");
	world_free(w);
}

static void a_delta_shares_what_it_does_not_change(void **state)
{
	struct mirror               m;
	const struct world         *w = sample_world(&m);
	const struct world_account *esme1 = world_account_find(w, STR("esme1"));
	const struct world_peer    *smsc1 = world_peer_find(w, STR("smsc1"));
	const struct route_set     *exact = route_find(w->routes, STR("71234"));

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_ROUTE, sample_route("+4670", 100, "smsc1"));
	w = mirror_apply(&m, w);
	assert_int_equal(w->version, 2);
	assert_int_equal(w->parties_version, 1);
	assert_ptr_equal(world_account_find(w, STR("esme1")), esme1);
	assert_ptr_equal(world_peer_find(w, STR("smsc1")), smsc1);
	assert_ptr_equal(route_find(w->routes, STR("71234")), exact);
	assert_string_equal(route_find(w->routes, STR("+4670"))->to, "+4670");
	mirror_begin(&m, false);
	mirror_gone(&m, CONF_PEER, sample_peer("smsc2"));
	mirror_put(&m, CONF_PEER, sample_peer("smsc2"));
	w = mirror_apply(&m, w);
	assert_int_equal(w->parties_version, 3);
	assert_ptr_equal(world_peer_find(w, STR("smsc1")), smsc1);
	world_free(w);
}

static void a_route_to_nobody_is_refused_by_name(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_ROUTE, sample_route("+47", 10, "smsc1 smsc9"));
	mirror_refused(&m, w, w->checksum, "route +47 10: there is no peer or account named smsc9");
	mirror_begin(&m, false);
	mirror_put(&m, CONF_ROUTE, sample_route("+47x", 10, "smsc1"));
	mirror_refused(&m, w, w->checksum, "route +47x 10: no such destination");
	assert_null(route_find(w->routes, STR("+47")));
	world_free(w);
}

static void what_a_route_leads_to_cannot_be_removed(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);
	uint64_t            checksum = m.checksum;

	(void)state;
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_PEER, sample_peer("smsc2"));
	mirror_refused(&m, w, checksum, "peer smsc2: routes still lead to it, in 2 places");
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_ACCOUNT, sample_account("esme1", ""));
	mirror_refused(&m, w, checksum, "account esme1: routes still lead to it, in 1 places");
	mirror_begin(&m, false); /* with the routes it can, in any order */
	mirror_remove(&m, CONF_PEER, sample_peer("smsc2"));
	mirror_gone(&m, CONF_ROUTE, sample_route("+46", 100, "smsc1=70 smsc2=30"));
	mirror_put(&m, CONF_ROUTE, sample_route("+46", 100, "smsc1"));
	mirror_remove(&m, CONF_ROUTE, sample_route("+46", 200, "smsc2 esme2"));
	mirror_remove(&m, CONF_ACCOUNT, sample_account("esme2", "login2"));
	w = mirror_apply(&m, w);
	assert_null(world_peer_find(w, STR("smsc2")));
	assert_null(world_account_login(w, 0, STR("login2")));
	assert_int_equal(w->peer_slots, 1);
	assert_int_equal(w->account_slots, 1);
	world_free(w);
}

static void removing_what_is_not_there_is_refused(void **state)
{
	static const struct {
		enum conf_kind kind;
		const char    *id, *words;
	} cases[] = {
		{CONF_PEER, "smsc9", "peer smsc9: there is none to remove"},
		{CONF_ACCOUNT, "smsc1", "account smsc1: there is none to remove"},
		{CONF_ROUTE, "+47 100", "route +47 100: there is none to remove"},
		{CONF_ROUTE, "+46 101", "route +46 101: there is none to remove"},
		{CONF_ROUTE, "+46", "not named by destination"},
		{CONF_ROUTE, "+46 ", "not named by destination"},
		{CONF_ROUTE, " 100", "not named by destination"},
		{CONF_ROUTE, "+46 1x", "not named by destination"},
		{CONF_ROUTE, "+46 65536", "not named by destination"},
		{CONF_ROUTE, "+46 100000000000", "not named by destination"},
		{CONF_ROUTE, "", "not named by destination"},
		{CONF_PEER, "", "there is none to remove"},
	};
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mirror_begin(&m, false);
		world_delta_remove(&m.d, cases[i].kind, cases[i].id);
		mirror_refused(&m, w, w->checksum, cases[i].words);
	}
	world_free(w);
}

static void a_peer_may_not_take_over_the_routes_of_an_account(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_PEER, sample_peer("esme1"));
	mirror_refused(&m, w, w->checksum, "peer esme1: routes lead to an account of this name");
	mirror_begin(&m, false); /* the other way round nothing changes */
	mirror_put(&m, CONF_ACCOUNT, sample_account("smsc1", ""));
	w = mirror_apply(&m, w);
	assert_int_equal(route_find(w->routes, STR("+46"))->choices[0]->targets[0].kind,
			 ROUTE_PEER);
	world_free(w);
}

static void names_keep_their_slots_through_deltas_and_images(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);
	uint32_t            smsc1 = peer_slot(w, "smsc1"), smsc2 = peer_slot(w, "smsc2");

	(void)state;
	mirror_begin(&m, false);
	for (unsigned i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "extra%u", i);
		mirror_put(&m, CONF_PEER, sample_peer(name));
	}
	w = mirror_apply(&m, w);
	assert_int_equal(w->peer_slots, 202);
	assert_int_equal(peer_slot(w, "smsc1"), smsc1);
	mirror_begin(&m, true); /* an image on top: two stay, one comes, all others go */
	mirror_put(&m, CONF_PEER, sample_peer("a-new-one"));
	mirror_put(&m, CONF_PEER, sample_peer("extra150"));
	mirror_put(&m, CONF_PEER, sample_peer("smsc2"));
	mirror_put(&m, CONF_ROUTE, sample_route("+1", 1, "a-new-one smsc2"));
	uint32_t extra = peer_slot(w, "extra150");

	w = mirror_apply(&m, w);
	assert_int_equal(peer_slot(w, "smsc2"), smsc2);
	assert_int_equal(peer_slot(w, "extra150"), extra);
	assert_int_equal(peer_slot(w, "a-new-one"), 202); /* nobody's before */
	assert_null(world_peer_find(w, STR("smsc1")));
	assert_null(world_account_find(w, STR("esme1")));
	assert_int_equal(route_find(w->routes, STR("+1"))->choices[0]->targets[1].slot, smsc2);
	assert_null(route_find(w->routes, STR("+46")));
	world_free(w);
}

static void fill(struct mirror *m, const char *prefix, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[CONF_NAME_SIZE];

		snprintf(name, sizeof(name), "%s%u", prefix, i);
		mirror_put(m, CONF_PEER, sample_peer(name));
	}
}

static void a_full_world_refuses_one_more_and_can_be_replaced_entirely(void **state)
{
	struct mirror       m = {.version = 0};
	const struct world *w;

	(void)state;
	mirror_begin(&m, true);
	fill(&m, "a", WORLD_PEERS_MAX);
	w = mirror_apply(&m, NULL);
	assert_int_equal(w->peer_slots, WORLD_PEERS_MAX);
	mirror_begin(&m, false);
	fill(&m, "b", 1);
	mirror_refused(&m, w, w->checksum, "peer b0: there are already 4096");
	mirror_begin(&m, true);
	fill(&m, "b", WORLD_PEERS_MAX - 1);
	fill(&m, "a", 1);
	w = mirror_apply(&m, w);
	for (uint32_t slot = 0; slot < WORLD_PEERS_MAX; slot++)
		assert_non_null(world_peer(w, slot));
	assert_int_equal(peer_slot(w, "a0"), 0);
	world_free(w);
}

static void an_image_of_a_world_makes_the_same_world(void **state)
{
	struct mirror        m;
	const struct world  *w = sample_world(&m), *again;
	struct world_delta   image;
	struct world_change *c;
	char                 error[256];

	(void)state;
	assert_true(world_to_image(w, &image));
	c = world_change_build(NULL, cur_of(image.bytes, image.size), 1, error);
	world_delta_free(&image);
	assert_non_null(c);
	again = world_change_world(c);
	world_change_reclaim(c);
	assert_int_equal(again->checksum, w->checksum);
	assert_int_equal(again->version, w->version);
	assert_int_equal(route_table_count(again->routes), 3);
	assert_int_equal(route_find(again->routes, STR("+46"))->choices[0]->targets[1].weight, 30);
	world_free(again);
	world_free(w);
}

static void a_route_may_lead_to_what_the_recipient_has_registered(void **state)
{
	struct mirror              m;
	const struct world        *w = sample_world(&m);
	const struct route_choice *choice;
	struct world_delta         image;
	struct world_change       *c;
	char                       error[256];

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_ROUTE,
		   sample_route("sip:*@ims.example", 100, "registered=30 smsc1=70"));
	mirror_put(&m, CONF_ROUTE, sample_route("=bob@chat.example", 100, "registered"));
	w = mirror_apply(&m, w);
	choice = route_find(w->routes, STR("sip:alice@ims.example"))->choices[0];
	assert_int_equal(choice->targets[0].kind, ROUTE_REGISTERED);
	assert_int_equal(choice->targets[0].slot, 0);
	assert_int_equal(choice->targets[0].weight, 30);
	assert_int_equal(choice->targets[1].kind, ROUTE_PEER);
	assert_true(world_to_image(w, &image));
	c = world_change_build(NULL, cur_of(image.bytes, image.size), 1, error);
	world_delta_free(&image);
	assert_non_null(c);
	assert_int_equal(world_change_world(c)->checksum, w->checksum);
	world_change_abandon(c);
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_ROUTE,
		      sample_route("sip:*@ims.example", 100, "registered=30 smsc1=70"));
	w = mirror_apply(&m, w);
	assert_null(route_find(w->routes, STR("sip:alice@ims.example")));
	assert_non_null(route_find(w->routes, STR("sip:bob@chat.example")));
	world_free(w);
}

static void an_abandoned_change_leaves_no_trace(void **state)
{
	struct mirror        m;
	const struct world  *w = sample_world(&m);
	struct world_change *c;
	char                 error[256];

	(void)state;
	for (unsigned image = 0; image < 2; image++) {
		mirror_begin(&m, image == 1);
		mirror_put(&m, CONF_PEER, sample_peer("smsc3"));
		mirror_put(&m, CONF_ACCOUNT, sample_account("esme3", ""));
		mirror_put(&m, CONF_ROUTE, sample_route("+47", 100, "smsc3"));
		c = mirror_build(&m, w, error);
		assert_non_null(c);
		assert_non_null(world_peer_find(world_change_world(c), STR("smsc3")));
		world_change_abandon(c);
		m.checksum = w->checksum;
		assert_null(world_peer_find(w, STR("smsc3")));
		assert_null(route_find(w->routes, STR("+47")));
	}
	assert_int_equal(w->peer_slots, 2);
	world_free(w);
}

static void senders_are_allowed_by_prefix_or_as_one(void **state)
{
	static char *items[] = {"+4670", "=ACME", "712"};
	static const struct {
		const char *from;
		bool        allowed;
	} cases[] = {{"+46701", true}, {"+4671", false}, {"ACME", true}, {"ACMES", false},
		     {"712", true},    {"71234", true},  {"71", false},  {"", false},
		     {"=ACME", false}, {"46701", false}};
	struct conf_account        conf = {.sender = {3, items}}, open = {.sender = {0, NULL}};
	const struct world_account a = {.conf = &conf}, all = {.conf = &open};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(world_sender_allowed(&a, str_of(cases[i].from)), cases[i].allowed);
		assert_true(world_sender_allowed(&all, str_of(cases[i].from)));
	}
}

static void only_the_right_secret_fits(void **state)
{
	struct conf_secret stored = {.form = CONF_SECRET_SHA256, .size = 48};
	uint8_t            salted[16 + 7];

	(void)state;
	memset(stored.bytes, 0x5a, 16);
	memset(salted, 0x5a, 16);
	memcpy(salted + 16, "secret1", 7);
	assert_int_equal(
		EVP_Digest(salted, sizeof(salted), stored.bytes + 16, NULL, EVP_sha256(), NULL), 1);
	assert_true(world_secret_fits(&stored, STR("secret1")));
	assert_false(world_secret_fits(&stored, STR("secret2")));
	assert_false(world_secret_fits(&stored, STR("secret")));
	assert_false(world_secret_fits(&stored, STR("")));
	stored.bytes[47] ^= 1;
	assert_false(world_secret_fits(&stored, STR("secret1")));
	stored.bytes[47] ^= 1;
	stored.form = CONF_SECRET_PLAIN;
	assert_false(world_secret_fits(&stored, STR("secret1")));
}

/* The hash is Python's. */
static void a_component_proves_its_secret_by_a_hash_of_the_challenge_and_it(void **state)
{
	struct conf_secret stored = {.form = CONF_SECRET_PLAIN, .size = 7};
	struct str         proof = STR("f72bd6e88dd5911d4cbf56393e69f01f1345a291");

	(void)state;
	memcpy(stored.bytes, "secret1", 7);
	assert_true(world_secret_proves(&stored, STR("3BF96D32"), proof));
	assert_false(world_secret_proves(&stored, STR("3BF96D33"), proof));
	assert_false(world_secret_proves(&stored, STR("3BF96D32"), (struct str){proof.p, 39}));
	stored.bytes[6] = '2';
	assert_false(world_secret_proves(&stored, STR("3BF96D32"), proof));
	stored.bytes[6] = '1';
	stored.form = CONF_SECRET_SHA256;
	assert_false(world_secret_proves(&stored, STR("3BF96D32"), proof));
}

static void mirror_rules(struct mirror *m, const struct rules_source rules[], size_t n,
			 uint64_t *digest)
{
	uint8_t *image = NULL;
	size_t   size = 0;

	if (n > 0)
		assert_int_equal(rules_compile(rules, n, NULL, &image, &size, NULL, NULL), 0);
	world_delta_rules(&m->d, image, size);
	m->checksum += world_rules_digest(image, size) - *digest;
	*digest = world_rules_digest(image, size);
	free(image);
}

static const struct rules_source rules_a[] = {
	{"slow", "{\"from\": \"^\\\\+46\"}", "{\"limit\": 10}"},
	{"away", "{\"text\": \"parcel\"}", "{\"route\": [\"smsc2\", \"esme1\"]}"},
};
static const struct rules_source rules_b[] = {
	{"first", "{\"from\": \"^\\\\+1\"}", "{\"limit\": 20}"},
	{"slow", "{\"from\": \"^\\\\+47\"}", "{\"limit\": 30}"},
	{"home", "{\"text\": \"box\"}", "{\"route\": [\"smsc1\"]}"},
};

static void rules_are_loaded_and_their_routes_and_limits_found(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);
	const struct rules *rules;
	uint64_t            digest = 0;
	uint32_t            slow;

	(void)state;
	assert_null(world_rule_route(w, 0));
	mirror_begin(&m, false);
	mirror_rules(&m, rules_a, 2, &digest);
	w = mirror_apply(&m, w);
	rules = w->rules;
	assert_non_null(rules);
	assert_int_equal(world_rule_route(w, 0)->choices[0]->count, 2);
	assert_int_equal(world_rule_route(w, 0)->choices[0]->targets[0].slot,
			 peer_slot(w, "smsc2"));
	assert_int_equal(world_rule_route(w, 0)->choices[0]->targets[1].kind, ROUTE_ACCOUNT);
	assert_null(world_rule_route(w, 1));
	slow = world_rule_limit_slot(w, 0);
	mirror_begin(&m, false); /* rules survive what does not touch them */
	mirror_put(&m, CONF_PEER, sample_peer("smsc3"));
	w = mirror_apply(&m, w);
	assert_ptr_equal(w->rules, rules);
	assert_int_equal(world_rule_route(w, 0)->choices[0]->targets[0].slot,
			 peer_slot(w, "smsc2"));
	mirror_begin(&m, false);
	mirror_rules(&m, rules_b, 3, &digest);
	w = mirror_apply(&m, w);
	assert_int_equal(rules_limit_count(w->rules), 2);
	for (uint32_t i = 0; i < 2; i++) {
		bool same = strcmp(rules_limit_name(w->rules, i), "slow") == 0;

		assert_int_equal(world_rule_limit_slot(w, i) == slow, same);
	}
	mirror_begin(&m, false);
	mirror_rules(&m, NULL, 0, &digest);
	w = mirror_apply(&m, w);
	assert_null(w->rules);
	assert_null(world_rule_route(w, 0));
	world_free(w);
}

static void a_rule_that_leads_to_nobody_is_refused(void **state)
{
	static const struct rules_source bad[] = {
		{"away", "{\"text\": \"parcel\"}", "{\"route\": [\"smsc9\"]}"}};
	struct mirror       m;
	const struct world *w = sample_world(&m);
	uint64_t            digest = 0, checksum = m.checksum;

	(void)state;
	mirror_begin(&m, false);
	mirror_rules(&m, bad, 1, &digest);
	mirror_refused(&m, w, checksum, "a rule leads to smsc9");
	digest = 0;
	mirror_begin(&m, false);
	mirror_rules(&m, rules_a, 2, &digest);
	mirror_remove(&m, CONF_ROUTE, sample_route("=71234", 100, "esme1"));
	w = mirror_apply(&m, w);
	checksum = m.checksum;
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_ACCOUNT, sample_account("esme1", ""));
	mirror_refused(&m, w, checksum, "a rule leads to esme1");
	mirror_begin(&m, false);
	world_delta_rules(&m.d, (const uint8_t *)"no rules", 8);
	assert_true(world_delta_end(&m.d, m.checksum));
	char error[256] = "";

	assert_null(world_change_build(w, cur_of(m.d.bytes, m.d.size), 1, error));
	assert_true(strlen(error) > 0);
	world_delta_free(&m.d);
	world_free(w);
}

static void an_image_with_the_same_rules_keeps_them_loaded(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);
	const struct rules *rules;
	struct world_delta  image;
	uint64_t            digest = 0;
	char                error[256];

	(void)state;
	mirror_begin(&m, false);
	mirror_rules(&m, rules_a, 2, &digest);
	w = mirror_apply(&m, w);
	rules = w->rules;
	for (unsigned i = 0; i < 2; i++) {
		struct world_change *c;

		assert_true(world_to_image(w, &image));
		c = world_change_build(w, cur_of(image.bytes, image.size), 1, error);
		world_delta_free(&image);
		assert_non_null(c);
		assert_ptr_equal(world_change_world(c)->rules, rules);
		assert_int_equal(world_change_world(c)->checksum, m.checksum);
		if (i == 0) {
			world_change_abandon(c);
			continue;
		}
		w = world_change_world(c);
		world_change_reclaim(c);
	}
	assert_int_equal(rules_count(w->rules), 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_makes_a_world_whatever_the_order_of_its_objects),
		cmocka_unit_test(an_account_is_known_by_what_it_logs_in_as),
		cmocka_unit_test(two_accounts_cannot_log_in_alike),
		cmocka_unit_test(a_delta_shares_what_it_does_not_change),
		cmocka_unit_test(a_route_to_nobody_is_refused_by_name),
		cmocka_unit_test(what_a_route_leads_to_cannot_be_removed),
		cmocka_unit_test(removing_what_is_not_there_is_refused),
		cmocka_unit_test(a_peer_may_not_take_over_the_routes_of_an_account),
		cmocka_unit_test(names_keep_their_slots_through_deltas_and_images),
		cmocka_unit_test(a_full_world_refuses_one_more_and_can_be_replaced_entirely),
		cmocka_unit_test(an_image_of_a_world_makes_the_same_world),
		cmocka_unit_test(a_route_may_lead_to_what_the_recipient_has_registered),
		cmocka_unit_test(an_abandoned_change_leaves_no_trace),
		cmocka_unit_test(senders_are_allowed_by_prefix_or_as_one),
		cmocka_unit_test(only_the_right_secret_fits),
		cmocka_unit_test(a_component_proves_its_secret_by_a_hash_of_the_challenge_and_it),
		cmocka_unit_test(rules_are_loaded_and_their_routes_and_limits_found),
		cmocka_unit_test(a_rule_that_leads_to_nobody_is_refused),
		cmocka_unit_test(an_image_with_the_same_rules_keeps_them_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
