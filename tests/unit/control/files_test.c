/* What the dataplane keeps of the world: any tear, any wrong byte leaves an earlier version whole,
 * or none. */
#include "appliance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/world_file.h"
#include "test.h"

#define CHANGES 3

static struct appliance appliance;
static uint64_t         checksums[CHANGES + 8]; /* by version */
static uint64_t         first, last; /* versions of the image and of the end of the log */

static uint8_t *read_file(const char *name, size_t *n)
{
	char        path[128];
	struct stat st;
	uint8_t    *bytes;
	int         fd;

	snprintf(path, sizeof(path), "%s/state/%s", appliance.dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*n = (size_t)st.st_size;
	return bytes;
}

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
	char path[128];
	int  fd;

	snprintf(path, sizeof(path), "%s/state/%s", appliance.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* An image, and a log of three deltas after it, as kill -9 leaves them. */
static int make_files(void **state)
{
	struct appliance *a = &appliance;
	char              json[128];

	appliance_make(a);
	dataplane_start(a);
	control_start(a);
	until_in_step(a);
	first = a->control->version;
	checksums[first] = a->control->checksum;
	assert_int_equal(apply_one(a, CONF_PEER, "{\"name\": \"smsc1\", \"host\": \"198.18.0.2\"}"),
			 CHANGE_IN_FORCE);
	for (int i = 0; i < CHANGES; i++) {
		checksums[a->control->version] = a->control->checksum;
		snprintf(json, sizeof(json), "{\"to\": \"+46%d\", \"via\": [\"smsc1\"]}", i);
		assert_int_equal(apply_one(a, CONF_ROUTE, json), CHANGE_IN_FORCE);
	}
	last = a->control->version;
	checksums[last] = a->control->checksum;
	control_stop(a);
	dataplane_stop(a, true);
	*state = a;
	return 0;
}

static int remove_files(void **state)
{
	appliance_remove(*state);
	return 0;
}

/* The version that a dataplane starts with; the world must be what that version was. */
static uint64_t started_version(void)
{
	uint64_t version;

	dataplane_start(&appliance);
	version = dataplane_version(&appliance);
	assert_true(version == 0 || (version >= first && version <= last));
	if (version > 0)
		assert_int_equal(dataplane_checksum(&appliance), checksums[version]);
	dataplane_stop(&appliance, true);
	return version;
}

static void a_log_torn_at_any_byte_leaves_an_earlier_version(void **state)
{
	size_t   n;
	uint8_t *log = read_file("world.log", &n);
	uint64_t before = first;

	for (size_t cut = 0; cut <= n; cut++) {
		uint64_t version;

		write_file("world.log", log, cut);
		version = started_version();
		assert_true(version >= before);
		before = version;
		assert_int_equal(started_version(),
				 version); /* what was cut off stays off, and nothing more goes */
	}
	assert_int_equal(before, last);
	free(log);
}

static void a_log_with_any_wrong_byte_leaves_an_earlier_version(void **state)
{
	size_t   n;
	uint8_t *log = read_file("world.log", &n);

	for (size_t at = 0; at < n; at++) {
		log[at] ^= 0x21;
		write_file("world.log", log, n);
		assert_true(started_version() < last);
		log[at] ^= 0x21;
	}
	write_file("world.log", log, n);
	assert_int_equal(started_version(), last);
	free(log);
}

static void an_image_that_is_torn_or_wrong_leaves_none(void **state)
{
	size_t   n;
	uint8_t *image = read_file("world.img", &n);

	for (size_t at = 0; at < n; at++) {
		write_file("world.img", image, at);
		assert_int_equal(started_version(), 0);
		image[at] ^= 0x21;
		write_file("world.img", image, n);
		/* Its own name wrong: only the log that continues it is not found. */
		assert_int_equal(started_version(), at >= 8 && at < 16 ? first : 0);
		image[at] ^= 0x21;
	}
	free(image);
	control_start(&appliance);
	dataplane_start(&appliance);
	until_in_step(&appliance); /* control brings it back */
	assert_int_equal(dataplane_version(&appliance), last);
}

static void a_log_of_another_image_is_not_replayed(void **state)
{
	size_t   n;
	uint8_t *log = read_file("world.log", &n);

	dataplane_start(&appliance);
	control_start(&appliance);
	until_in_step(&appliance);
	control_stop(&appliance);
	dataplane_stop(&appliance, false); /* at its end it writes a new image */
	write_file("world.log", log, n);   /* as if it had died before it had emptied the log */
	assert_int_equal(started_version(), last);
	free(log);
}

static bool count_bytes(void *user, struct cur bytes)
{
	*(size_t *)user += cur_left(&bytes);
	return true;
}

static void a_failed_write_is_closed_by_an_image(void **state)
{
	struct world_file f;
	char              dir[128];
	unsigned          damaged;
	size_t            bytes = 0;

	snprintf(dir, sizeof(dir), "%s/files", appliance.dir);
	mkdir(dir, 0700);
	assert_int_equal(world_file_open(&f, dir), 0);
	assert_int_equal(world_file_load(&f, count_bytes, &bytes, &damaged), 0);
	assert_int_equal(damaged, 0);
	assert_true(world_file_append(&f, cur_of("delta", 5)) < 0); /* nothing to continue */
	assert_int_equal(world_file_replace(&f, cur_of("image", 5)), 0);
	assert_int_equal(world_file_append(&f, cur_of("delta1", 6)), 0);
	close(f.log);
	f.log = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(world_file_append(&f, cur_of("delta2", 6)) < 0);
	assert_true(f.behind);
	assert_true(world_file_append(&f, cur_of("delta3", 6)) < 0); /* never after a gap */
	assert_int_equal(world_file_replace(&f, cur_of("image-4", 7)), 0);
	assert_false(f.behind);
	assert_int_equal(world_file_append(&f, cur_of("delta-5", 7)), 0);
	world_file_close(&f);
	assert_int_equal(world_file_open(&f, dir), 0);
	assert_int_equal(world_file_load(&f, count_bytes, &bytes, &damaged), 2);
	assert_int_equal(bytes, 14);
	world_file_close(&f);
}

static void a_long_log_is_folded_into_the_image(void **state)
{
	struct world_file f;
	char              dir[128];
	static uint8_t    delta[100000];
	unsigned          damaged;
	size_t            bytes = 0;

	snprintf(dir, sizeof(dir), "%s/long", appliance.dir);
	mkdir(dir, 0700);
	assert_int_equal(world_file_open(&f, dir), 0);
	world_file_load(&f, count_bytes, &bytes, &damaged);
	assert_int_equal(world_file_replace(&f, cur_of("image", 5)), 0);
	for (int i = 0; i < 10; i++) {
		assert_false(world_file_is_long(&f));
		assert_int_equal(world_file_append(&f, cur_of(delta, sizeof(delta))), 0);
	}
	assert_int_equal(world_file_append(&f, cur_of(delta, sizeof(delta))), 0);
	assert_true(world_file_is_long(&f));
	assert_int_equal(world_file_replace(&f, cur_of("image", 5)), 0);
	assert_false(world_file_is_long(&f));
	world_file_sync(&f);
	world_file_close(&f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_files, remove_files)
	const struct CMUnitTest tests[] = {
		T(a_log_torn_at_any_byte_leaves_an_earlier_version),
		T(a_log_with_any_wrong_byte_leaves_an_earlier_version),
		T(an_image_that_is_torn_or_wrong_leaves_none),
		T(a_log_of_another_image_is_not_replayed),
		T(a_failed_write_is_closed_by_an_image),
		T(a_long_log_is_folded_into_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
