/* The journal of registrations: what a predecessor kept, torn anywhere, damaged anywhere, renewed
 * while it is written, and on a disk that is full. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rcu/rcu.h"

#include "../../dataplane/journal.h"

#include "sim.h"

#define RECORDS 5u
#define MANY 4000u
#define HOUR_US (3600 * US_PER_SECOND)

static char dir[] = "/tmp/cpm-journal.XXXXXX", path[64];

static int dir_make(void **state)
{
	(void)state;
	sim_eal();
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/registrations", dir);
	return 0;
}

static int dir_remove(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* What the disk is asked for, and how it fails. */
static unsigned synced;
static int      sync_error;

int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	(void)fd;
	synced++;
	errno = sync_error;
	return sync_error != 0 ? -1 : 0;
}

/* ---- records of bytes ---- */

static const char *const records[RECORDS] = {"one", "the second", "3", "four is a longer one", "5"};

struct reading {
	unsigned count;
};

/* Each record is the next one, whole. */
static bool read_next(void *user, struct cur record)
{
	struct reading *r = user;
	size_t          n = cur_left(&record);

	assert_true(r->count < RECORDS);
	assert_int_equal(n, strlen(records[r->count]));
	assert_memory_equal(cur_bytes(&record, n), records[r->count], n);
	r->count++;
	return true;
}

static unsigned open_journal(struct journal *j, uint64_t *lost)
{
	struct reading r = {0};

	assert_int_equal(journal_open(j, dir, "registrations", read_next, &r, lost), 0);
	return r.count;
}

static void file_put(const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static size_t file_get(uint8_t room[], size_t size)
{
	FILE  *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(room, 1, size, f);
	fclose(f);
	return n;
}

/* A file of all records; where each ends. */
static size_t file_of_records(uint8_t room[], size_t size, size_t ends[RECORDS])
{
	struct journal j;
	uint64_t       lost;

	unlink(path);
	assert_int_equal(open_journal(&j, &lost), 0);
	for (unsigned i = 0; i < RECORDS; i++) {
		journal_append(&j, records[i], strlen(records[i]));
		journal_flush(&j);
		ends[i] = j.file.size;
	}
	journal_close(&j);
	return file_get(room, size);
}

static void what_was_flushed_is_read_in_order(void **state)
{
	struct journal j;
	struct stat    st;
	uint8_t        room[512];
	size_t         ends[RECORDS], n;
	uint64_t       lost;

	(void)state;
	n = file_of_records(room, sizeof(room), ends);
	assert_int_equal(n, ends[RECORDS - 1]);
	assert_int_equal(open_journal(&j, &lost), RECORDS);
	assert_int_equal(lost, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_close(&j);
	unlink(path);
}

/* What is whole is read; what is torn is cut off, and the next record follows what is whole. */
static void a_file_torn_at_any_byte_gives_the_records_before_it(void **state)
{
	uint8_t  room[512];
	size_t   ends[RECORDS], n = file_of_records(room, sizeof(room), ends);
	uint64_t lost;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		struct journal j;
		unsigned       whole = 0;

		while (ends[whole] <= cut)
			whole++;
		file_put(room, cut);
		assert_int_equal(open_journal(&j, &lost), whole);
		assert_int_equal(lost, whole > 0 ? cut - ends[whole - 1] : cut < 8 ? cut : cut - 8);
		journal_append(&j, records[whole], strlen(records[whole]));
		journal_flush(&j);
		journal_close(&j);
		assert_int_equal(open_journal(&j, &lost), whole + 1);
		assert_int_equal(lost, 0);
		journal_close(&j);
	}
	unlink(path);
}

static void a_byte_that_is_another_ends_the_file_before_its_record(void **state)
{
	uint8_t  room[512];
	size_t   ends[RECORDS], n = file_of_records(room, sizeof(room), ends);
	uint64_t lost;

	(void)state;
	for (size_t at = 0; at < n; at++) {
		struct journal j;
		unsigned       whole = 0;

		while (ends[whole] <= at)
			whole++;
		room[at] ^= 0x10;
		file_put(room, n);
		room[at] ^= 0x10;
		assert_int_equal(open_journal(&j, &lost), whole);
		assert_true(lost > 0);
		journal_close(&j);
	}
	unlink(path);
}

/* As after a power cut: the file has its length, and no bytes. */
static void a_tail_of_zeros_is_no_record(void **state)
{
	uint8_t        room[1024] = {0};
	size_t         ends[RECORDS], n = file_of_records(room, sizeof(room), ends);
	struct journal j;
	uint64_t       lost;

	(void)state;
	file_put(room, n + 400);
	assert_int_equal(open_journal(&j, &lost), RECORDS);
	assert_int_equal(lost, 400);
	journal_close(&j);
	unlink(path);
}

/* ---- registrations ---- */

static struct directory  *directory;
static struct now         now;
static struct store_place place = {{.address = {0x010012c6}, .port = 5060}, {.index = 7}};
static unsigned           place_count;

static void begin(void)
{
	const struct store_places places = {place_count, &place};

	directory = directory_new(1, 2 * MANY, 1);
	assert_non_null(directory);
	assert_int_equal(directory_keep(directory, dir, &places, now), 0);
	rcu_thread_begin();
}

/* Nothing is done at the end: what the successor finds is what was flushed. */
static void killed(void)
{
	rcu_offline();
	directory_free(directory);
	rcu_online();
	rcu_thread_end();
}

static int first(void **state)
{
	(void)state;
	now = (struct now){.us = 5 * US_PER_SECOND, .wall_ms = 1700000000000};
	place_count = 1;
	unlink(path);
	begin();
	return 0;
}

static int last(void **state)
{
	(void)state;
	killed();
	unlink(path);
	return 0;
}

static void pass(uint64_t us)
{
	now.us += us;
	now.wall_ms += us / US_PER_MS;
}

/* Another boot: the monotonic clock begins anew. */
static void restarted_after(uint64_t us)
{
	killed();
	pass(us);
	now.us = 3 * US_PER_SECOND;
	begin();
}

static enum reason put(const char *address, const char *contact, uint32_t sequence,
		       uint64_t lifetime_us, bool stream)
{
	struct proto_registration r = {
		.address = str_of(address), .count = 1, .text = str_of(contact)};
	struct directory_answer answer;

	r.bindings[0] = (struct proto_binding){
		.key = hash_mix((uint64_t)contact[0]),
		.sequence = sequence,
		.expires_us = now.us + lifetime_us,
		.priority = (uint16_t)(contact[0] == 'p' ? 900 : 500),
		.features = 0x8123,
		.flow = {.address = {0x020012c6}, .port = (uint16_t)(6000 + contact[0])}};
	for (unsigned k = 0; k < BINDING_TEXT_COUNT; k++)
		r.bindings[0].text[k].size = (uint16_t)(k == BINDING_PATH ? 0 : strlen(contact));
	assert_int_equal(
		directory_ask(directory, 0, 0, (struct session_ref){.index = 7}, stream, &r),
		REASON_NONE);
	directory_turn(directory, now);
	assert_int_equal(directory_answers(directory, 0, &answer, 1), 1);
	return answer.why;
}

/* So that a power cut takes nothing that was confirmed; one sync for all of a turn. */
static void what_is_confirmed_is_on_the_disk(void **state)
{
	struct directory_answer answers[3];
	char                    contact[] = "a";

	(void)state;
	synced = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct proto_registration r = {.address = STR("sip:alice@example.org"),
					       .count = 1,
					       .text = str_of(contact)};

		r.bindings[0] = (struct proto_binding){
			.key = i, .sequence = 1, .expires_us = now.us + HOUR_US};
		r.bindings[0].text[BINDING_CONTACT].size = 1;
		assert_int_equal(
			directory_ask(directory, 0, 0, (struct session_ref){.index = 7}, false, &r),
			REASON_NONE);
	}
	assert_int_equal(synced, 0);
	directory_turn(directory, now);
	assert_int_equal(synced, 1);
	assert_int_equal(directory_answers(directory, 0, answers, 3), 3);
	directory_turn(directory, now);
	assert_int_equal(synced, 1); /* nothing new */
}

static void a_disk_that_does_not_sync_is_a_failure(void **state)
{
	struct journal j;
	uint64_t       lost;

	(void)state;
	unlink(path);
	open_journal(&j, &lost);
	sync_error = EIO;
	journal_append(&j, records[0], strlen(records[0]));
	journal_flush(&j);
	sync_error = 0;
	assert_true(j.file.fd < 0);
	assert_true(journal_is_long(&j)); /* a new one is due */
	journal_close(&j);
	unlink(path);
}

static const struct proto_record *of(const char *address)
{
	return directory_find(directory, 0, str_of(address));
}

static void what_is_registered_over_datagrams_is_there_after_a_kill(void **state)
{
	const struct proto_record *r;

	(void)state;
	put("sip:alice@example.org", "a", 7, HOUR_US, false);
	put("sip:alice@example.org", "b", 8, HOUR_US / 2, false);
	put("sip:alice@example.org", "preferred", 9, HOUR_US, false);
	put("sip:bob@example.org", "c", 1, HOUR_US, false);
	restarted_after(600 * US_PER_SECOND);
	assert_int_equal(directory_addresses(directory), 2);
	assert_int_equal(directory_bindings(directory), 4);
	r = of("sip:alice@example.org");
	assert_int_equal(r->count, 3);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const    contacts[] = {"preferred", "b", "a"};
		const struct proto_binding *b = &r->bindings[i];
		struct str                  text = proto_binding_text(r, b, BINDING_CONTACT);

		assert_true(str_eq(text, str_of(contacts[i])));
		assert_true(str_eq(proto_binding_text(r, b, BINDING_CALL), text));
		assert_int_equal(proto_binding_text(r, b, BINDING_PATH).n, 0);
		assert_int_equal(b->flow.port, 6000 + contacts[i][0]);
		assert_int_equal(b->flow.address[0], 0x020012c6);
		assert_int_equal(b->features, 0x8123);
		assert_int_equal(b->priority, i == 0 ? 900 : 500);
		assert_int_equal(b->sequence, 9 - i);
		assert_int_equal(b->session.index, 7);
		assert_false(b->stream);
		assert_int_equal(b->expires_us,
				 now.us + (i == 1 ? HOUR_US / 2 : HOUR_US) - 600 * US_PER_SECOND);
	}
	/* What is older than that is refused as before, and what is newer goes on. */
	assert_int_equal(put("sip:alice@example.org", "a", 7, HOUR_US, false),
			 REASON_REGISTRATION_ORDER);
	assert_int_equal(put("sip:alice@example.org", "a", 8, HOUR_US, false), REASON_NONE);
	assert_int_equal(of("sip:alice@example.org")->count, 3);
}

static void what_ended_while_nobody_was_there_is_gone(void **state)
{
	(void)state;
	put("sip:alice@example.org", "a", 1, 60 * US_PER_SECOND, false);
	put("sip:alice@example.org", "b", 2, HOUR_US, false);
	put("sip:bob@example.org", "a", 1, 60 * US_PER_SECOND, false);
	restarted_after(61 * US_PER_SECOND);
	assert_int_equal(of("sip:alice@example.org")->count, 1);
	assert_null(of("sip:bob@example.org"));
	restarted_after(HOUR_US);
	assert_int_equal(directory_addresses(directory), 0);
}

static void a_clock_that_was_set_back_lengthens_nothing(void **state)
{
	(void)state;
	put("sip:alice@example.org", "a", 1, HOUR_US, false);
	now.wall_ms -= 86400000;
	restarted_after(0);
	assert_int_equal(of("sip:alice@example.org")->bindings[0].expires_us, now.us + HOUR_US);
}

static void what_was_removed_stays_removed(void **state)
{
	struct proto_registration all = {.address = STR("sip:bob@example.org"), .remove_all = true};

	(void)state;
	put("sip:alice@example.org", "a", 1, HOUR_US, false);
	put("sip:bob@example.org", "a", 1, HOUR_US, false);
	put("sip:alice@example.org", "a", 2, 0, false);
	directory_ask(directory, 0, 0, (struct session_ref){0}, false, &all);
	directory_turn(directory, now);
	restarted_after(0);
	assert_int_equal(directory_addresses(directory), 0);
}

static void what_is_reached_over_a_stream_is_not_kept(void **state)
{
	(void)state;
	put("sip:alice@example.org", "a", 1, HOUR_US, true);
	put("sip:bob@example.org", "b", 1, HOUR_US, false);
	put("sip:bob@example.org", "c", 2, HOUR_US, true);
	put("sip:carol@example.org", "d", 1, HOUR_US, false);
	put("sip:carol@example.org", "d", 2, HOUR_US, true); /* the same device, another way */
	restarted_after(0);
	assert_null(of("sip:alice@example.org"));
	assert_int_equal(of("sip:bob@example.org")->count, 1);
	assert_int_equal(of("sip:bob@example.org")->bindings[0].key, hash_mix('b'));
	assert_null(of("sip:carol@example.org"));
}

static void what_came_to_a_place_that_is_no_more_is_not_reached(void **state)
{
	(void)state;
	put("sip:alice@example.org", "a", 1, HOUR_US, false);
	place_count = 0;
	restarted_after(0);
	assert_int_equal(directory_addresses(directory), 0);
}

static uint64_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static const char *number(unsigned i)
{
	static char room[64];

	snprintf(room, sizeof(room), "sip:%u@example.org", i);
	return room;
}

/* Each refreshed again and again, until the file was renewed; some leave, some come. */
static void a_journal_that_is_long_is_renewed_while_it_is_written(void **state)
{
	uint32_t sequence[2 * MANY] = {0}, renewed = 0;
	uint64_t size = 0;

	(void)state;
	for (uint32_t round = 1; renewed < 2; round++) {
		assert_in_range(round, 1, 200);
		for (unsigned i = 0; i < MANY; i++) {
			bool     leaves = (i + round) % 7 == 0;
			uint64_t before = size;

			assert_int_equal(put(number(i), "a contact that is as long as such are",
					     round, leaves ? 0 : 3 * HOUR_US, false),
					 REASON_NONE);
			sequence[i] = leaves ? 0 : round;
			size = file_size();
			renewed += size < before;
		}
		pass(61 * US_PER_SECOND);
	}
	assert_in_range(size, 100000, 17u << 20);
	restarted_after(0);
	for (unsigned i = 0; i < MANY; i++) {
		const struct proto_record *r = of(number(i));

		assert_int_equal(r != NULL ? r->bindings[0].sequence : 0, sequence[i]);
	}
}

static void *writer(void *stop)
{
	rcu_thread_begin();
	while (!atomic_load((_Atomic bool *)stop))
		directory_turn(directory, now);
	rcu_thread_end();
	return NULL;
}

static bool file_has(const char *text)
{
	static uint8_t room[65536];
	size_t         n = file_get(room, sizeof(room));

	return memmem(room, n, text, strlen(text)) != NULL;
}

static void of_an_address_that_is_removed_nothing_stays_in_the_journal(void **state)
{
	_Atomic bool stop = false;
	pthread_t    thread;

	(void)state;
	put("sip:alice@example.org", "a", 1, 3 * HOUR_US, false);
	put("sip:bob@example.org", "a", 1, 3 * HOUR_US, false);
	pass(61 * US_PER_SECOND);
	rcu_thread_end(); /* it is a reader when it looks */
	assert_int_equal(pthread_create(&thread, NULL, writer, &stop), 0);
	assert_true(directory_remove(directory, 0, 0, STR("sip:alice@example.org")));
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	rcu_thread_begin();
	while (directory_turn(directory, now))
		;
	assert_false(file_has("alice"));
	assert_true(file_has("bob"));
	restarted_after(0);
	assert_null(of("sip:alice@example.org"));
	assert_non_null(of("sip:bob@example.org"));
}

static void file_limit(rlim_t bytes)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

static void a_disk_that_is_full_takes_nothing_from_those_who_register(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	put("sip:alice@example.org", "a", 1, HOUR_US, false);
	file_limit(file_size() + 10);
	assert_int_equal(put("sip:bob@example.org", "a", 1, HOUR_US, false), REASON_NONE);
	assert_int_equal(put("sip:carol@example.org", "a", 1, HOUR_US, false), REASON_NONE);
	assert_int_equal(directory_addresses(directory), 3);
	pass(61 * US_PER_SECOND);
	directory_turn(directory, now);
	file_limit(RLIM_INFINITY); /* there is room again, and it is tried again after a minute */
	pass(61 * US_PER_SECOND);
	while (directory_turn(directory, now))
		;
	assert_int_equal(put("sip:dave@example.org", "a", 1, HOUR_US, false), REASON_NONE);
	restarted_after(0);
	assert_int_equal(directory_addresses(directory), 4);
}

static void a_folder_that_is_not_there_is_an_error_and_registrations_are_taken(void **state)
{
	const struct store_places places = {place_count, &place};

	(void)state;
	killed();
	directory = directory_new(1, MANY, 1);
	assert_int_equal(directory_keep(directory, "/tmp/cpm-no-such-folder", &places, now),
			 -ENOENT);
	rcu_thread_begin();
	assert_int_equal(put("sip:alice@example.org", "a", 1, HOUR_US, false), REASON_NONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, first, last)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_flushed_is_read_in_order),
		cmocka_unit_test(a_file_torn_at_any_byte_gives_the_records_before_it),
		cmocka_unit_test(a_byte_that_is_another_ends_the_file_before_its_record),
		cmocka_unit_test(a_tail_of_zeros_is_no_record),
		cmocka_unit_test(a_disk_that_does_not_sync_is_a_failure),
		TEST(what_is_confirmed_is_on_the_disk),
		TEST(what_is_registered_over_datagrams_is_there_after_a_kill),
		TEST(what_ended_while_nobody_was_there_is_gone),
		TEST(a_clock_that_was_set_back_lengthens_nothing),
		TEST(what_was_removed_stays_removed),
		TEST(what_is_reached_over_a_stream_is_not_kept),
		TEST(what_came_to_a_place_that_is_no_more_is_not_reached),
		TEST(a_journal_that_is_long_is_renewed_while_it_is_written),
		TEST(of_an_address_that_is_removed_nothing_stays_in_the_journal),
		TEST(a_disk_that_is_full_takes_nothing_from_those_who_register),
		TEST(a_folder_that_is_not_there_is_an_error_and_registrations_are_taken),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
