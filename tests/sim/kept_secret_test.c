/* The secret that stays over restarts: it is the same each time, nobody else may read it, and where
 * it cannot be kept there is one still. */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../dataplane/kept_secret.h"
#include "base/log.h"

static char dir[32], path[64];

static int begin(void **state)
{
	(void)state;
	log_threshold(LOG_LEVEL_ERROR);
	strcpy(dir, "/tmp/cpm-secret-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dataplane.key", dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void it_is_the_same_after_a_restart_and_readable_by_nobody_else(void **state)
{
	uint8_t     one[PROTO_KEPT_SECRET_SIZE] = {0}, two[PROTO_KEPT_SECRET_SIZE] = {0};
	uint8_t     none[PROTO_KEPT_SECRET_SIZE] = {0};
	struct stat st;

	(void)state;
	assert_int_equal(kept_secret_open(dir, one), 0);
	assert_int_equal(kept_secret_open(dir, two), 0);
	assert_memory_equal(one, two, sizeof(one));
	assert_memory_not_equal(one, none, sizeof(one));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, PROTO_KEPT_SECRET_SIZE);
}

static void two_machines_have_two(void **state)
{
	uint8_t one[PROTO_KEPT_SECRET_SIZE], two[PROTO_KEPT_SECRET_SIZE];

	(void)state;
	assert_int_equal(kept_secret_open(dir, one), 0);
	unlink(path);
	assert_int_equal(kept_secret_open(dir, two), 0);
	assert_memory_not_equal(one, two, sizeof(one));
}

static void one_that_was_cut_is_made_anew(void **state)
{
	uint8_t one[PROTO_KEPT_SECRET_SIZE], two[PROTO_KEPT_SECRET_SIZE];

	(void)state;
	assert_int_equal(kept_secret_open(dir, one), 0);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(kept_secret_open(dir, one), 0);
	assert_int_equal(kept_secret_open(dir, two), 0);
	assert_memory_equal(one, two, sizeof(one));
}

static void where_it_cannot_be_kept_there_is_one_for_this_run(void **state)
{
	uint8_t one[PROTO_KEPT_SECRET_SIZE], two[PROTO_KEPT_SECRET_SIZE];

	(void)state;
	assert_int_equal(kept_secret_open("/nonexistent", one), 0);
	assert_int_equal(kept_secret_open("/nonexistent", two), 0);
	assert_memory_not_equal(one, two, sizeof(one));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(it_is_the_same_after_a_restart_and_readable_by_nobody_else),
		TEST(two_machines_have_two),
		TEST(one_that_was_cut_is_made_anew),
		TEST(where_it_cannot_be_kept_there_is_one_for_this_run),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
