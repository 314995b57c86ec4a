/* Subscribers of a world: found by both their names, changed and erased, and what a change shares.
 */
#include "base/random.h"
#include "sample.h"
#include "world/hash_trie.h"

#define SEED 20261127u

static const struct world *sample_world(struct mirror *m)
{
	*m = (struct mirror){.version = 0};
	mirror_begin(m, true);
	mirror_put(m, CONF_SUBSCRIBER,
		   sample_subscriber("+46701234567", "sip:alice@example.org", 1));
	mirror_put(m, CONF_SUBSCRIBER, sample_subscriber("+46701234568", "sip:bob@example.org", 2));
	mirror_put(m, CONF_SUBSCRIBER, sample_subscriber("71234", "", 0));
	return mirror_apply(m, NULL);
}

static const char *address_of(const struct world_subscriber *s)
{
	static char room[17];

	assert_true(s == NULL || str_copy(room, sizeof(room), world_subscriber_address(s)));
	return s != NULL ? room : "none";
}

static void a_subscriber_is_found_by_its_number_and_by_what_it_registers_as(void **state)
{
	struct mirror                  m;
	const struct world            *w = sample_world(&m);
	const struct world_subscriber *s;
	uint8_t                        ones[48];

	(void)state;
	memset(ones, 1, sizeof(ones));
	s = world_subscriber_by_address(w, STR("+46701234567"));
	assert_non_null(s);
	assert_ptr_equal(world_subscriber_by_uri(w, STR("sip:alice@example.org")), s);
	assert_true(str_eq(world_subscriber_sip(s), STR("sip:alice@example.org")));
	assert_memory_equal(world_subscriber_ha1_md5(s), ones, WORLD_HA1_MD5_SIZE);
	assert_memory_equal(world_subscriber_ha1_sha256(s), ones, WORLD_HA1_SHA256_SIZE);
	assert_int_equal(world_subscriber_reach(s).n, 0);
	s = world_subscriber_by_address(w, STR("71234"));
	assert_non_null(s);
	assert_int_equal(world_subscriber_sip(s).n, 0);
	assert_null(world_subscriber_ha1_md5(s));
	assert_null(world_subscriber_ha1_sha256(s));
	assert_null(world_subscriber_by_address(w, STR("+4670123456")));
	assert_null(world_subscriber_by_address(w, STR("")));
	assert_null(world_subscriber_by_uri(w, STR("")));
	assert_null(world_subscriber_by_uri(w, STR("sip:alice@example.or")));
	assert_null(world_subscriber_by_uri(w, STR("+46701234567")));
	assert_int_equal(world_subscriber_count(w), 3);
	world_free(w);
}

/* With all that it may have, so that each is read from where it lies. */
static void the_order_of_a_subscriber_lies_between_its_names_and_its_digests(void **state)
{
	struct mirror                  m;
	const struct world            *w = sample_world(&m);
	struct conf_subscriber        *conf = sample_subscriber("+47", "sip:x@example.org", 7);
	const struct world_subscriber *s;
	uint8_t                        sevens[48];
	struct conf_reach              order = {3, {2, CONF_REACH_SMS, 1}};

	(void)state;
	memset(sevens, 7, sizeof(sevens));
	strcpy(conf->xmpp, "xmpp:x@example.org");
	conf->reach = order;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, conf);
	w = mirror_apply(&m, w);
	s = world_subscriber_by_uri(w, STR("xmpp:x@example.org"));
	assert_non_null(s);
	assert_int_equal(world_subscriber_reach(s).n, 3);
	assert_memory_equal(world_subscriber_reach(s).p, order.words, 3);
	assert_true(str_eq(world_subscriber_xmpp(s), STR("xmpp:x@example.org")));
	assert_memory_equal(world_subscriber_ha1_md5(s), sevens, sizeof(sevens));
	world_free(w);
}

static void an_empty_world_has_none(void **state)
{
	struct mirror       m = {.version = 0};
	const struct world *w;

	(void)state;
	mirror_begin(&m, true);
	w = mirror_apply(&m, NULL);
	assert_null(world_subscriber_by_address(w, STR("+46")));
	assert_null(world_subscriber_by_uri(w, STR("sip:a@b")));
	assert_int_equal(world_subscriber_count(w), 0);
	world_free(w);
}

static void a_change_shares_all_the_others(void **state)
{
	struct mirror                  m;
	const struct world            *w = sample_world(&m);
	const struct world_subscriber *bob = world_subscriber_by_address(w, STR("+46701234568"));

	(void)state;
	mirror_begin(&m, false);
	mirror_gone(&m, CONF_SUBSCRIBER,
		    sample_subscriber("+46701234567", "sip:alice@example.org", 1));
	mirror_put(&m, CONF_SUBSCRIBER,
		   sample_subscriber("+46701234567", "sip:alice@ims.example", 3));
	w = mirror_apply(&m, w);
	assert_ptr_equal(world_subscriber_by_address(w, STR("+46701234568")), bob);
	assert_ptr_equal(world_subscriber_by_uri(w, STR("sip:bob@example.org")), bob);
	assert_null(world_subscriber_by_uri(w, STR("sip:alice@example.org")));
	assert_string_equal(address_of(world_subscriber_by_uri(w, STR("sip:alice@ims.example"))),
			    "+46701234567");
	world_free(w);
}

static void two_may_swap_and_one_may_take_over_what_it_registers_as(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	mirror_begin(&m, false);
	mirror_gone(&m, CONF_SUBSCRIBER,
		    sample_subscriber("+46701234567", "sip:alice@example.org", 1));
	mirror_gone(&m, CONF_SUBSCRIBER,
		    sample_subscriber("+46701234568", "sip:bob@example.org", 2));
	mirror_put(&m, CONF_SUBSCRIBER,
		   sample_subscriber("+46701234567", "sip:bob@example.org", 1));
	mirror_put(&m, CONF_SUBSCRIBER,
		   sample_subscriber("+46701234568", "sip:alice@example.org", 2));
	w = mirror_apply(&m, w);
	assert_string_equal(address_of(world_subscriber_by_uri(w, STR("sip:bob@example.org"))),
			    "+46701234567");
	assert_string_equal(address_of(world_subscriber_by_uri(w, STR("sip:alice@example.org"))),
			    "+46701234568");
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, sample_subscriber("+47", "sip:bob@example.org", 1));
	mirror_remove(&m, CONF_SUBSCRIBER,
		      sample_subscriber("+46701234567", "sip:bob@example.org", 1));
	w = mirror_apply(&m, w);
	assert_string_equal(address_of(world_subscriber_by_uri(w, STR("sip:bob@example.org"))),
			    "+47");
	assert_null(world_subscriber_by_address(w, STR("+46701234567")));
	world_free(w);
}

static void addresses_that_are_nobodys_any_more_are_told(void **state)
{
	static const char    wanted[] = "+46701234567\0sip:alice@example.org\0sip:bob@example.org";
	struct mirror        m;
	const struct world  *w = sample_world(&m);
	char                 error[256] = "", *gone;
	struct world_change *c;
	size_t               size;

	(void)state;
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_SUBSCRIBER,
		      sample_subscriber("+46701234567", "sip:alice@example.org", 1));
	mirror_gone(&m, CONF_SUBSCRIBER,
		    sample_subscriber("+46701234568", "sip:bob@example.org", 2));
	mirror_put(&m, CONF_SUBSCRIBER,
		   sample_subscriber("+46701234568", "sip:robert@example.org", 2));
	mirror_gone(&m, CONF_SUBSCRIBER, sample_subscriber("71234", "", 0));
	mirror_put(&m, CONF_SUBSCRIBER, sample_subscriber("71234", "sip:x@example.org", 0));
	c = mirror_build(&m, w, error);
	if (c == NULL)
		fail_msg("%s", error);
	gone = world_change_take_gone(c, &size);
	assert_int_equal(size, sizeof(wanted));
	assert_memory_equal(gone, wanted, sizeof(wanted));
	free(gone);
	w = world_change_world(c);
	world_change_reclaim(c);
	world_free(w);
}

static void two_cannot_register_as_the_same(void **state)
{
	struct mirror       m;
	const struct world *w = sample_world(&m);

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, sample_subscriber("+47", "sip:bob@example.org", 1));
	mirror_refused(&m, w, w->checksum, "two subscribers would register as the same");
	assert_string_equal(address_of(world_subscriber_by_uri(w, STR("sip:bob@example.org"))),
			    "+46701234568");
	world_free(w);
}

static void what_workers_could_not_use_is_refused(void **state)
{
	struct mirror           m;
	const struct world     *w = sample_world(&m);
	struct conf_subscriber *s = sample_subscriber("+47", "sip:x@example.org", 0);

	(void)state;
	s->password = (struct conf_secret){.form = CONF_SECRET_PLAIN, .size = 1, .bytes = {'x'}};
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, s);
	mirror_refused(&m, w, w->checksum, "is in no form for workers");
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, sample_subscriber("", "", 0));
	mirror_refused(&m, w, w->checksum, "has no address");
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_SUBSCRIBER, sample_subscriber("+47", "", 0));
	mirror_refused(&m, w, w->checksum, "is not there");
	world_free(w);
}

static void removing_one_is_told_as_an_erasure(void **state)
{
	struct mirror        m;
	const struct world  *w = sample_world(&m);
	struct world_change *c;
	char                 error[256];

	(void)state;
	mirror_begin(&m, false);
	mirror_put(&m, CONF_SUBSCRIBER, sample_subscriber("+47", "", 0));
	c = mirror_build(&m, w, error);
	assert_false(world_change_erases(c));
	m.version = world_change_world(c)->version;
	w = world_change_world(c);
	world_change_reclaim(c);
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_SUBSCRIBER, sample_subscriber("+47", "", 0));
	c = mirror_build(&m, w, error);
	assert_true(world_change_erases(c));
	world_change_abandon(c);
	assert_non_null(world_subscriber_by_address(w, STR("+47")));
	world_free(w);
}

/* The second opinion: an array. */
#define MODEL 3000u

struct model {
	bool     there[MODEL];
	unsigned sip[MODEL]; /* 0: none */
	uint8_t  ha1[MODEL];
	unsigned holder[MODEL + 1]; /* of each sip: the subscriber + 1 */
	unsigned touched[MODEL];    /* by which round: a delta names each once */
};

static struct conf_subscriber *model_subscriber(const struct model *x, unsigned i)
{
	char                    address[17], sip[64] = "";
	struct conf_subscriber *s;

	snprintf(address, sizeof(address), i % 7 == 0 ? "%u" : "+4670%u", i);
	if (x->sip[i] != 0)
		snprintf(sip, sizeof(sip), "sip:user%u@example.org", x->sip[i]);
	s = sample_subscriber(address, sip, x->ha1[i]);
	if (x->sip[i] % 3 != 1)
		return s;
	snprintf(s->xmpp, sizeof(s->xmpp), "xmpp:user%u@chat.example", x->sip[i]);
	if (x->ha1[i] != 0) {
		memset(s->password.bytes, x->ha1[i], CONF_SECRET_SIZE_MAX);
		s->password.size = CONF_SECRET_SIZE_MAX;
	}
	return s;
}

static void model_change(struct model *x, struct mirror *m, struct random *r, unsigned round)
{
	unsigned i = random_below(r, MODEL), sip = random_below(r, MODEL + 1);

	if (x->touched[i] == round)
		return;
	x->touched[i] = round;
	if (x->there[i]) {
		mirror_gone(m, CONF_SUBSCRIBER, model_subscriber(x, i));
		x->holder[x->sip[i]] = 0;
		if (random_below(r, 2) == 0) {
			struct conf_subscriber *s = model_subscriber(x, i);

			world_delta_remove(&m->d, CONF_SUBSCRIBER, s->address);
			conf_object_free(CONF_SUBSCRIBER, s);
			x->there[i] = false;
			return;
		}
	}
	x->there[i] = true;
	x->sip[i] = x->holder[sip] == 0 ? sip : 0;
	x->holder[x->sip[i]] = x->sip[i] != 0 ? i + 1 : 0;
	x->ha1[i] = (uint8_t)random_below(r, 3);
	mirror_put(m, CONF_SUBSCRIBER, model_subscriber(x, i));
}

static void model_check(const struct model *x, const struct world *w)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MODEL; i++) {
		struct conf_subscriber        *s = model_subscriber(x, i);
		const struct world_subscriber *found =
			world_subscriber_by_address(w, str_of(s->address));

		assert_int_equal(found != NULL, x->there[i]);
		count += x->there[i];
		if (found != NULL) {
			assert_true(str_eq(world_subscriber_sip(found), str_of(s->sip)));
			assert_int_equal(found->has_ha1, x->ha1[i] != 0);
			if (x->ha1[i] != 0)
				assert_memory_equal(world_subscriber_ha1_md5(found),
						    s->password.bytes, 48);
			if (x->sip[i] != 0)
				assert_ptr_equal(world_subscriber_by_uri(w, str_of(s->sip)), found);
			assert_true(str_eq(world_subscriber_xmpp(found), str_of(s->xmpp)));
			assert_true(
				str_eq(world_subscriber_in(found, STR("xmpp")), str_of(s->xmpp)));
			if (s->xmpp[0] != '\0')
				assert_ptr_equal(world_subscriber_by_uri(w, str_of(s->xmpp)),
						 found);
			assert_int_equal(world_subscriber_scram(found) != NULL,
					 s->xmpp[0] != '\0' && x->ha1[i] != 0);
			if (world_subscriber_scram(found) != NULL)
				assert_memory_equal(world_subscriber_scram(found),
						    s->password.bytes + CONF_SECRET_HA1_SIZE,
						    sizeof(struct scram_credentials));
		}
		conf_object_free(CONF_SUBSCRIBER, s);
	}
	assert_int_equal(world_subscriber_count(w), count);
	for (unsigned sip = 1; sip <= MODEL; sip++) {
		char uri[64];

		snprintf(uri, sizeof(uri), "sip:user%u@example.org", sip);
		assert_int_equal(world_subscriber_by_uri(w, str_of(uri)) != NULL,
				 x->holder[sip] != 0);
		snprintf(uri, sizeof(uri), "xmpp:user%u@chat.example", sip);
		assert_int_equal(world_subscriber_by_uri(w, str_of(uri)) != NULL,
				 x->holder[sip] != 0 && sip % 3 == 1);
	}
}

static const struct world *model_again(const struct world *w)
{
	struct world_delta   image;
	struct world_change *c;
	char                 error[256] = "";

	assert_true(world_to_image(w, &image));
	c = world_change_build(w, cur_of(image.bytes, image.size), 1, error);
	world_delta_free(&image);
	if (c == NULL)
		fail_msg("%s", error);
	assert_int_equal(world_change_world(c)->checksum, w->checksum);
	w = world_change_world(c);
	world_change_reclaim(c);
	return w;
}

static void random_changes_agree_with_an_array(void **state)
{
	static struct model x, before;
	struct mirror       m = {.version = 0};
	const struct world *w = NULL;
	struct random       r;

	(void)state;
	print_message("seed %u\n", SEED);
	random_seed(&r, SEED);
	for (unsigned round = 1; round <= 300; round++) {
		uint64_t checksum = m.checksum;

		before = x;
		mirror_begin(&m, w == NULL);
		for (unsigned k = random_below(&r, 5) == 0 ? 500 : 3; k > 0; k--)
			model_change(&x, &m, &r, round);
		if (random_below(&r, 4) == 0) {
			m.checksum ^= 1;
			mirror_refused(&m, w, checksum, "checksum");
			x = before;
		} else {
			w = mirror_apply(&m, w);
			assert_int_equal(w->checksum, m.checksum);
		}
		if (w != NULL && round % 10 == 0)
			model_check(&x, w);
		if (w != NULL && round % 50 == 0)
			w = model_again(w);
	}
	assert_true(world_subscriber_count(w) > 500);
	model_check(&x, w);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_is_found_by_its_number_and_by_what_it_registers_as),
		cmocka_unit_test(the_order_of_a_subscriber_lies_between_its_names_and_its_digests),
		cmocka_unit_test(an_empty_world_has_none),
		cmocka_unit_test(a_change_shares_all_the_others),
		cmocka_unit_test(two_may_swap_and_one_may_take_over_what_it_registers_as),
		cmocka_unit_test(addresses_that_are_nobodys_any_more_are_told),
		cmocka_unit_test(two_cannot_register_as_the_same),
		cmocka_unit_test(what_workers_could_not_use_is_refused),
		cmocka_unit_test(removing_one_is_told_as_an_erasure),
		cmocka_unit_test(random_changes_agree_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
