/* A dataplane that was killed: its successor resets the peers that it left, and refuses a ledger
 * that is not whole. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

#define ESMES 20u
#define MANY 200u /* more than are reset in a turn */
#define WORKERS 2u
#define LINES 1024u /* as a simulation has connections */

static struct sim    sim;
static struct ledger first, second;
static char          dir[] = "/tmp/cpm-ledger.XXXXXX", path[64];

static const char *const world =
	"accounts:\n"
	"  - {name: esme1, password: secret1, window: 1000, sessions: 1000}\n"
	"peers:\n"
	"  - {name: smsc1, host: 198.18.0.2, port: 2776, system_id: one, password: pw}\n"
	"routes:\n"
	"  - {to: \"+4670\", via: [smsc1]}\n";

static int dir_make(void **state)
{
	(void)state;
	sim_eal();
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/connections", dir);
	return 0;
}

static int dir_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void begin_with(unsigned esmes)
{
	ledger_open(&first, dir, WORKERS, LINES);
	assert_non_null(first.map);
	record.limit = 0;
	record_world(&sim,
		     &(struct sim_config){.workers = WORKERS,
					  .seed = 5,
					  .window = 10,
					  .hooks = record_hooks,
					  .ledger = &first},
		     world, 1, esmes, 1);
}

static void begin(void)
{
	begin_with(ESMES);
}

static void end(void)
{
	sim_free(&sim);
	record_end();
	ledger_close(&second);
}

static unsigned open_at_the_host(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sim.host.session_count; i++)
		n += sim.host.sessions[i].open;
	return n;
}

static bool none_open(struct sim *s)
{
	(void)s;
	return open_at_the_host() == 0;
}

/* As kill -9 does: the file stays as it is. */
static void kill_and_open(const struct ledger *before, struct ledger *after)
{
	void  *map = before->map;
	size_t size = before->size;

	ledger_open(after, dir, WORKERS, LINES);
	assert_non_null(after->map);
	sim_killed(&sim, after);
	munmap(map, size);
}

static void kill_and_begin(void)
{
	kill_and_open(&first, &second);
}

static void idle_peers_are_reset_within_a_second_and_connect_again(void **state)
{
	(void)state;
	begin();
	sim_pass(&sim, 2 * US_PER_SECOND);
	assert_int_equal(open_at_the_host(), ESMES + 1);
	kill_and_begin();
	assert_int_equal(second.inherited_count, ESMES + 1);
	assert_true(sim_until(&sim, none_open, US_PER_SECOND));
	assert_int_equal(sim_metric(&sim, METRIC_tcp_peers_reset), ESMES + 1);
	sim_apply(&sim, world);
	assert_true(host_connect(&sim.host, sim.now, 2775, "esme1", "secret1",
				 PROTO_SENDS | PROTO_RECEIVES));
	sim_pass(&sim, 3 * US_PER_SECOND);
	assert_int_equal(open_at_the_host(), 2); /* that, and the peer's link */
	end();
}

static void peers_with_messages_on_the_way_are_reset_too(void **state)
{
	(void)state;
	begin();
	record_more(100000);
	sim_pass(&sim, 50000);
	record.limit = record.next; /* no more after the crash */
	kill_and_begin();
	assert_true(sim_until(&sim, none_open, US_PER_SECOND));
	end();
}

/* Killed a second time before the next hop is known, and a third time in the middle. */
static void who_is_killed_while_it_resets_peers_hands_the_others_down(void **state)
{
	struct ledger third, last;
	uint64_t      reset = 0;

	(void)state;
	begin_with(MANY);
	sim_pass(&sim, 5 * US_PER_SECOND);
	assert_int_equal(open_at_the_host(), MANY + 1);
	kill_and_open(&first, &second);
	assert_int_equal(second.inherited_count, MANY + 1);
	kill_and_open(&second, &third);
	assert_int_equal(third.inherited_count, MANY + 1);
	for (unsigned i = 0; i < 10000 && reset == 0; i++) {
		sim_step(&sim, 10);
		reset = sim_metric(&sim, METRIC_tcp_peers_reset);
	}
	assert_in_range(reset, 1, MANY);
	kill_and_open(&third, &last);
	assert_int_equal(last.inherited_count, MANY + 1 - reset);
	assert_true(sim_until(&sim, none_open, 2 * US_PER_SECOND));
	assert_int_equal(sim_metric(&sim, METRIC_tcp_peers_reset), MANY + 1 - reset);
	second = last;
	end();
}

static void an_orderly_end_leaves_no_ledger(void **state)
{
	(void)state;
	ledger_open(&first, dir, WORKERS, LINES);
	ledger_close(&first);
	assert_int_equal(access(path, F_OK), -1);
}

static void file_write(const uint8_t *bytes, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* What a successor inherits from these bytes. */
static uint32_t inherited_from(const uint8_t *bytes, size_t n)
{
	uint32_t count;

	file_write(bytes, n);
	ledger_open(&second, dir, 1, 16);
	count = second.inherited_count;
	ledger_close(&second);
	return count;
}

static void a_ledger_cut_at_any_byte_or_with_any_bit_of_its_head_wrong_is_refused(void **state)
{
	uint8_t *bytes;
	size_t   size;

	(void)state;
	begin();
	sim_pass(&sim, US_PER_SECOND);
	size = first.size;
	bytes = malloc(size);
	memcpy(bytes, first.map, size);
	sim_free(&sim);
	record_end();
	ledger_close(&first);
	assert_int_equal(inherited_from(bytes, size), ESMES + 1);
	for (size_t cut = 0; cut < 300; cut++)
		assert_int_equal(inherited_from(bytes, cut), 0);
	assert_int_equal(inherited_from(bytes, size - 1), 0);
	for (unsigned bit = 0; bit < 28 * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(inherited_from(bytes, size), 0);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(symlink("/etc/passwd", path), 0);
	ledger_open(&second, dir, 1, 16);
	assert_int_equal(second.inherited_count, 0);
	assert_non_null(second.map); /* and replaced */
	ledger_close(&second);
	assert_int_equal(mkfifo(path, 0600), 0);
	ledger_open(&second, dir, 1, 16);
	assert_int_equal(second.inherited_count, 0);
	ledger_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_peers_are_reset_within_a_second_and_connect_again),
		cmocka_unit_test(peers_with_messages_on_the_way_are_reset_too),
		cmocka_unit_test(who_is_killed_while_it_resets_peers_hands_the_others_down),
		cmocka_unit_test(an_orderly_end_leaves_no_ledger),
		cmocka_unit_test(
			a_ledger_cut_at_any_byte_or_with_any_bit_of_its_head_wrong_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
