/* Addresses of peers: live data that comes, changes and stays without a version of its own. */
#include "world/world.h"

#include "sample.h"

static const struct world *begin(struct mirror *m)
{
	*m = (struct mirror){.version = 0};
	mirror_begin(m, true);
	mirror_put(m, CONF_PEER, sample_peer("smsc1"));
	mirror_put(m, CONF_PEER, sample_peer("smsc2"));
	return mirror_apply(m, NULL);
}

static struct world_addresses found(unsigned n, uint32_t address)
{
	struct world_addresses a = {.n = n};

	for (unsigned i = 0; i < n; i++)
		a.items[i] = (struct world_address){.w = {address + i}, .server = (uint8_t)i};
	return a;
}

/* Addresses alone: from a version to the same. */
static void tell_begin(struct mirror *m)
{
	world_delta_begin(&m->d, m->version, m->version);
}

static const struct world *tell(struct mirror *m, const struct world *w, const char *peer,
				struct world_addresses a)
{
	tell_begin(m);
	world_delta_addresses(&m->d, peer, &a);
	return mirror_apply(m, w);
}

static const struct world_addresses *of(const struct world *w, const char *peer)
{
	const struct world_peer *p = world_peer_find(w, str_of(peer));

	return p != NULL ? world_peer_addresses(w, p->slot) : NULL;
}

static void addresses_change_neither_version_nor_checksum(void **state)
{
	struct mirror       m;
	const struct world *w = begin(&m);
	uint64_t            checksum = w->checksum, made = w->addresses_made, again;

	(void)state;
	assert_null(of(w, "smsc1"));
	w = tell(&m, w, "smsc1", found(2, 1));
	assert_int_equal(w->version, 1);
	assert_int_equal(w->parties_version, 1);
	assert_int_equal(w->checksum, checksum);
	assert_int_not_equal(w->addresses_made, made);
	assert_int_equal(of(w, "smsc1")->n, 2);
	assert_null(of(w, "smsc2"));
	again = w->addresses_made;
	w = tell(&m, w, "smsc1", found(2, 1)); /* nothing new: no session need look */
	assert_int_equal(w->addresses_made, again);
	w = tell(&m, w, "smsc1", found(0, 0));
	assert_int_not_equal(w->addresses_made, again);
	assert_int_equal(of(w, "smsc1")->n, 0);
	world_free(w);
}

static void an_image_of_a_world_has_them(void **state)
{
	struct mirror        m;
	const struct world  *w = begin(&m), *copy;
	struct world_delta   image;
	struct world_change *c;
	char                 error[256];

	(void)state;
	w = tell(&m, w, "smsc2", found(3, 7));
	assert_true(world_to_image(w, &image));
	c = world_change_build(NULL, cur_of(image.bytes, image.size), 1, error);
	assert_non_null(c);
	copy = world_change_world(c);
	world_change_reclaim(c);
	assert_true(world_addresses_equal(of(copy, "smsc2"), of(w, "smsc2")));
	assert_null(of(copy, "smsc1"));
	world_delta_free(&image);
	world_free(copy);
	world_free(w);
}

static void an_image_that_says_nothing_of_them_leaves_them(void **state)
{
	struct mirror       m;
	const struct world *w = begin(&m);
	struct conf_peer   *moved = sample_peer("smsc2");

	(void)state;
	w = tell(&m, w, "smsc1", found(3, 7));
	w = tell(&m, w, "smsc2", found(1, 5));
	mirror_begin(&m, true);
	mirror_put(&m, CONF_PEER, sample_peer("smsc1"));
	snprintf(moved->host, sizeof(moved->host), "other.example");
	mirror_put(&m, CONF_PEER, moved);
	w = mirror_apply(&m, w);
	assert_int_equal(of(w, "smsc1")->n, 3);
	assert_null(of(w, "smsc2"));
	mirror_begin(&m, true);
	mirror_put(&m, CONF_PEER, sample_peer("smsc1"));
	world_delta_addresses(&m.d, "smsc1", &(struct world_addresses){.n = 0});
	w = mirror_apply(&m, w);
	assert_int_equal(of(w, "smsc1")->n, 0); /* it says: nowhere */
	world_free(w);
}

static void a_peer_that_changes_keeps_them_while_its_host_is_the_same(void **state)
{
	struct mirror       m;
	const struct world *w = begin(&m);
	struct conf_peer   *p = sample_peer("smsc1");

	(void)state;
	w = tell(&m, w, "smsc1", found(2, 1));
	mirror_begin(&m, false);
	m.checksum -= world_object_digest(CONF_PEER, p);
	p->window = 7;
	mirror_put(&m, CONF_PEER, p);
	w = mirror_apply(&m, w);
	assert_int_equal(of(w, "smsc1")->n, 2);
	p = sample_peer("smsc1");
	p->window = 7;
	mirror_begin(&m, false);
	m.checksum -= world_object_digest(CONF_PEER, p);
	snprintf(p->host, sizeof(p->host), "other.example");
	mirror_put(&m, CONF_PEER, p);
	w = mirror_apply(&m, w);
	assert_null(of(w, "smsc1"));
	world_free(w);
}

static void a_removed_peer_takes_them_along(void **state)
{
	struct mirror       m;
	const struct world *w = begin(&m);

	(void)state;
	w = tell(&m, w, "smsc1", found(2, 1));
	mirror_begin(&m, false);
	mirror_remove(&m, CONF_PEER, sample_peer("smsc1"));
	w = mirror_apply(&m, w);
	mirror_begin(&m, false);
	mirror_put(&m, CONF_PEER, sample_peer("smsc1"));
	w = mirror_apply(&m, w);
	assert_null(of(w, "smsc1"));
	world_free(w);
}

static void what_does_not_fit_is_refused_and_what_was_stays(void **state)
{
	struct mirror          m;
	const struct world    *w = begin(&m);
	struct world_addresses wrong = found(2, 1);

	(void)state;
	w = tell(&m, w, "smsc1", found(2, 1));
	tell_begin(&m);
	world_delta_addresses(&m.d, "smsc1", &(struct world_addresses){.n = 1});
	world_delta_addresses(&m.d, "nobody", &wrong);
	mirror_refused(&m, w, m.checksum, "peer nobody: there is none");
	wrong.items[1].server = 0;
	wrong.items[0].server = 1;
	tell_begin(&m);
	world_delta_addresses(&m.d, "smsc1", &wrong);
	mirror_refused(&m, w, m.checksum, "cannot be read");
	assert_int_equal(of(w, "smsc1")->n, 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_change_neither_version_nor_checksum),
		cmocka_unit_test(an_image_of_a_world_has_them),
		cmocka_unit_test(an_image_that_says_nothing_of_them_leaves_them),
		cmocka_unit_test(a_peer_that_changes_keeps_them_while_its_host_is_the_same),
		cmocka_unit_test(a_removed_peer_takes_them_along),
		cmocka_unit_test(what_does_not_fit_is_refused_and_what_was_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
