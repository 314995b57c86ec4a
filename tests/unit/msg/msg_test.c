#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "msg/addr.h"
#include "msg/id.h"
#include "msg/msg.h"

static struct msg_pool *pool_of(uint32_t count)
{
	void *memory = aligned_alloc(64, msg_pool_size(count));

	assert_non_null(memory);
	return msg_pool_init(memory, count);
}

static void a_pool_gives_as_many_records_as_it_has_blocks(void **state)
{
	struct msg_pool *pool = pool_of(3);
	struct msg      *m[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		m[i] = msg_new(pool);
		assert_non_null(m[i]);
		assert_int_equal(m[i]->account, MSG_SLOT_NONE);
		assert_int_equal(m[i]->data_size, 0);
	}
	assert_null(msg_new(pool));
	for (int i = 0; i < 3; i++)
		msg_free(m[i]);
	msg_free(NULL);
	assert_int_equal(msg_pool_free_count(pool), 3);
	free(pool);
}

static void freeing_a_record_twice_ends_the_process(void **state)
{
	struct msg_pool *pool = pool_of(2);
	struct msg      *m = msg_new(pool);
	int              status;
	pid_t            child;

	(void)state;
	msg_free(m);
	child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		msg_free(m);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	free(pool);
}

static void what_is_appended_in_pieces_of_any_size_reads_back_the_same(void **state)
{
	struct msg_pool *pool = pool_of(80);
	uint8_t         *bytes = malloc(MSG_SIZE_MAX), *room = malloc(MSG_SIZE_MAX);
	struct random    r;

	(void)state;
	random_seed(&r, 11);
	for (int round = 0; round < 300; round++) {
		struct msg     *m = msg_new(pool);
		struct msg_part part;
		uint32_t        total = 0, n = random_below(&r, round % 3 == 0 ? 40000 : 3000);

		for (uint32_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)random_next(&r);
		while (total < n) {
			uint32_t piece = random_below(&r, 1500) + 1;

			piece = piece > n - total ? n - total : piece;
			assert_true(msg_append(m, bytes + total, piece, &part));
			assert_int_equal(part.off, total);
			assert_memory_equal(msg_view(m, part, room), bytes + total, piece);
			total += piece;
		}
		assert_memory_equal(msg_view(m, (struct msg_part){0, n}, room), bytes, n);
		if (round % 2 == 0)
			msg_reset(m);
		msg_free(m);
		assert_int_equal(msg_pool_free_count(pool), 80);
	}
	free(bytes);
	free(room);
	free(pool);
}

static void an_append_that_finds_no_block_changes_nothing(void **state)
{
	struct msg_pool *pool = pool_of(3);
	struct msg      *m = msg_new(pool);
	struct msg_part  part;
	uint8_t          bytes[4096] = {1};

	(void)state;
	assert_true(msg_append(m, bytes, 10, &part));
	assert_false(msg_append(m, bytes, sizeof(bytes), &part));
	assert_false(msg_extra_add(m, 1, 2, bytes, sizeof(bytes)));
	assert_int_equal(m->data_size, 10);
	assert_int_equal(msg_pool_free_count(pool), 2);
	assert_true(msg_append(m, bytes, MSG_DATA_FIRST + MSG_BLOCK_SIZE, &part));
	assert_int_equal(msg_pool_free_count(pool), 0);
	msg_free(m);
	assert_int_equal(msg_pool_free_count(pool), 3);
	free(pool);
}

static void a_record_never_grows_beyond_its_limit(void **state)
{
	struct msg_pool *pool = pool_of(100);
	struct msg      *m = msg_new(pool);
	struct msg_part  part;
	uint8_t         *bytes = calloc(1, MSG_SIZE_MAX + 1);

	(void)state;
	assert_false(msg_append(m, bytes, MSG_SIZE_MAX + 1, &part));
	assert_true(msg_append(m, bytes, MSG_SIZE_MAX, &part));
	assert_false(msg_append(m, bytes, 1, &part));
	assert_true(msg_append(m, bytes, 0, &part));
	msg_free(m);
	free(bytes);
	free(pool);
}

static void an_address_lies_in_the_first_block_or_is_refused(void **state)
{
	struct msg_pool *pool = pool_of(2);
	struct msg      *m = msg_new(pool);
	struct addr      addr;
	struct msg_part  part;
	char             text[256];

	(void)state;
	memset(text, '7', sizeof(text));
	assert_false(msg_append_addr(m, ADDR_URI, 0, 0, (struct str){text, 256}, &addr));
	assert_true(msg_append_addr(m, ADDR_URI, 0, 0, (struct str){text, 255}, &addr));
	assert_true(str_eq(msg_addr(m, &addr), (struct str){text, 255}));
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, STR("+46701234567"), &addr));
	assert_true(str_eq(msg_addr(m, &addr), STR("+46701234567")));
	assert_int_equal(addr.ton, 1);
	assert_true(msg_append(m, (uint8_t[MSG_BLOCK_SIZE]){0}, MSG_DATA_FIRST - m->data_size - 4,
			       &part));
	assert_false(msg_append_addr(m, ADDR_SHORT, 3, 0, STR("71234"), &addr));
	assert_true(msg_append_addr(m, ADDR_SHORT, 3, 0, STR("7123"), &addr));
	msg_free(m);
	free(pool);
}

static void opaque_entries_come_back_in_order_also_across_blocks(void **state)
{
	struct msg_pool *pool = pool_of(40);
	struct msg      *m = msg_new(pool);
	uint8_t          value[1000], room[1000];
	struct msg_extra extra;
	struct msg_part  part;
	uint32_t         at = 0;

	(void)state;
	assert_true(msg_append(m, "body", 4, &part));
	assert_false(msg_extra_next(m, &at, &extra));
	for (uint16_t i = 0; i < 60; i++) {
		memset(value, i, sizeof(value));
		assert_true(msg_extra_add(m, (uint8_t)(i % 3), (uint16_t)(0x1400 + i), value,
					  (uint16_t)(i * 16)));
	}
	for (uint16_t i = 0; i < 60; i++) {
		assert_true(msg_extra_next(m, &at, &extra));
		assert_int_equal(extra.protocol, i % 3);
		assert_int_equal(extra.tag, 0x1400 + i);
		assert_int_equal(extra.value.size, i * 16);
		memset(value, i, sizeof(value));
		assert_memory_equal(msg_view(m, extra.value, room), value, extra.value.size);
	}
	assert_false(msg_extra_next(m, &at, &extra));
	assert_true(msg_extra_find(m, 2, 0x1400 + 41, &extra));
	assert_int_equal(extra.value.size, 41 * 16);
	assert_false(msg_extra_find(m, 1, 0x1400 + 41, &extra));
	msg_free(m);
	assert_int_equal(msg_pool_free_count(pool), 40);
	free(pool);
}

static void an_id_keeps_its_parts_and_its_decimal_text(void **state)
{
	static const struct {
		unsigned    node, worker;
		uint64_t    sequence;
		const char *text;
	} ids[] = {
		{0, 0, 1, "1"},
		{0, 1, 0, "281474976710656"},
		{1, 0, 0, "72057594037927936"},
		{127, 255, MSG_ID_SEQUENCE_MAX, "9223372036854775807"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t id = msg_id_make(ids[i].node, ids[i].worker, ids[i].sequence), back = 0;
		char     text[MSG_ID_TEXT_SIZE_MAX];
		size_t   n = msg_id_text(id, text);

		assert_true(str_eq((struct str){text, n}, str_of(ids[i].text)));
		assert_true(msg_id_parse((struct str){text, n}, &back));
		assert_true(back == id);
		assert_int_equal(msg_id_node(id), ids[i].node);
		assert_int_equal(msg_id_worker(id), ids[i].worker);
		assert_true(msg_id_sequence(id) == ids[i].sequence);
	}
}

static void the_text_of_an_id_is_its_decimal_number(void **state)
{
	uint64_t power = 1;

	(void)state;
	for (int digits = 1; digits <= 19; digits++, power *= 10) {
		for (uint64_t id = power - 1; id <= power + 1; id++) {
			char     text[MSG_ID_TEXT_SIZE_MAX], printed[32];
			size_t   n = msg_id_text(id, text);
			uint64_t back;

			assert_int_equal(
				snprintf(printed, sizeof(printed), "%llu", (unsigned long long)id),
				n);
			assert_memory_equal(text, printed, n);
			assert_true(msg_id_parse((struct str){text, n}, &back) && back == id);
		}
	}
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    "-1",
					    "+1",
					    "01",
					    " 1",
					    "1 ",
					    "0x1f",
					    "9223372036854775808",
					    "18446744073709551616",
					    "99999999999999999999"};
	uint64_t                 id;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(msg_id_parse(str_of(texts[i]), &id));
}

static void addresses_get_their_normal_form(void **state)
{
	static const struct {
		uint8_t        ton, default_ton;
		const char    *digits;
		enum addr_kind kind; /* ADDR_KIND_COUNT: refused */
		const char    *text;
	} cases[] = {
		{1, 1, "46701234567", ADDR_E164, "+46701234567"},
		{1, 1, "+46701234567", ADDR_E164, "+46701234567"},
		{0, 1, "46701234567", ADDR_E164, "+46701234567"},
		{0, 0, "46701234567", ADDR_E164, "+46701234567"},
		{0, 3, "71234", ADDR_SHORT, "71234"},
		{0, 3, "+71234", ADDR_E164, "+71234"},
		{0, 5, "ACME", ADDR_ALPHA, "ACME"},
		{2, 1, "0701234567", ADDR_SHORT, "0701234567"},
		{3, 1, "71234", ADDR_SHORT, "71234"},
		{4, 1, "1234", ADDR_SHORT, "1234"},
		{6, 1, "112", ADDR_SHORT, "112"},
		{5, 1, "ACME AB", ADDR_ALPHA, "ACME AB"},
		{5, 1, "+46 call", ADDR_ALPHA, "+46 call"},
		{0, 1, "", ADDR_NONE, ""},
		{1, 1, "12345678901234567890", ADDR_E164, "+12345678901234567890"},
		{1, 1, "123456789012345678901", ADDR_KIND_COUNT, ""},
		{1, 1, "+", ADDR_KIND_COUNT, ""},
		{1, 1, "++46", ADDR_KIND_COUNT, ""},
		{1, 1, "4670a", ADDR_KIND_COUNT, ""},
		{3, 1, "71 234", ADDR_KIND_COUNT, ""},
		{5, 1, "AC\x01ME", ADDR_KIND_COUNT, ""},
		{5, 1, "\xc3\x85", ADDR_KIND_COUNT, ""},
		{7, 1, "123", ADDR_KIND_COUNT, ""},
		{255, 1, "123", ADDR_KIND_COUNT, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str         in = str_of(cases[i].digits);
		uint8_t           *exact = test_copy(in.p, in.n);
		struct addr_normal a;
		bool ok = addr_normalise(cases[i].ton, (struct str){(char *)exact, in.n},
					 cases[i].default_ton, &a);

		assert_int_equal(ok, cases[i].kind != ADDR_KIND_COUNT);
		if (ok) {
			assert_int_equal(a.kind, cases[i].kind);
			assert_true(str_eq((struct str){a.text, a.size}, str_of(cases[i].text)));
		}
		free(exact);
	}
}

static void normal_forms_go_out_with_the_type_and_plan_of_their_kind(void **state)
{
	struct addr_number n;

	(void)state;
	assert_true(addr_to_number(ADDR_E164, STR("+46701234567"), &n));
	assert_true(n.ton == 1 && n.npi == 1 && str_eq(n.digits, STR("46701234567")));
	assert_true(addr_to_number(ADDR_SHORT, STR("71234"), &n));
	assert_true(n.ton == 3 && n.npi == 0 && str_eq(n.digits, STR("71234")));
	assert_true(addr_to_number(ADDR_ALPHA, STR("ACME"), &n));
	assert_true(n.ton == 5 && n.npi == 0 && str_eq(n.digits, STR("ACME")));
	assert_true(addr_to_number(ADDR_NONE, STR(""), &n));
	assert_true(n.ton == 0 && n.npi == 0 && n.digits.n == 0);
	assert_false(addr_to_number(ADDR_URI, STR("sip:a@example.org"), &n));
	assert_false(addr_to_number(ADDR_ALPHA, STR("a sender longer than 20"), &n));
}

static void the_kind_of_a_written_address_is_seen_by_its_form(void **state)
{
	(void)state;
	assert_int_equal(addr_kind_of(STR("+46701")), ADDR_E164);
	assert_int_equal(addr_kind_of(STR("71234")), ADDR_SHORT);
	assert_int_equal(addr_kind_of(STR("ACME")), ADDR_ALPHA);
	assert_int_equal(addr_kind_of(STR("+")), ADDR_ALPHA);
	assert_int_equal(addr_kind_of(STR("sip:alice@example.org")), ADDR_URI);
	assert_int_equal(addr_kind_of(STR("alice@example.org")), ADDR_URI);
	assert_int_equal(addr_kind_of(STR("")), ADDR_NONE);
}

static void a_copy_is_the_same_record_in_blocks_of_its_own(void **state)
{
	struct msg_pool *pool = pool_of(11);
	struct msg      *m = msg_new(pool), *copy;
	static uint8_t   bytes[3500], room[3500];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, STR("+46701234567"), &m->to));
	assert_true(msg_append(m, bytes, sizeof(bytes), &m->body));
	m->wants = MSG_WANT_SUCCESS;
	copy = msg_copy(pool, m);
	assert_non_null(copy);
	assert_int_equal(copy->block_count, m->block_count);
	msg_free(m);
	assert_true(str_eq(msg_addr(copy, &copy->to), STR("+46701234567")));
	assert_int_equal(copy->wants, MSG_WANT_SUCCESS);
	assert_memory_equal(msg_view(copy, copy->body, room), bytes, sizeof(bytes));
	assert_non_null(m = msg_copy(pool, copy));
	assert_null(msg_copy(pool, m)); /* of eleven blocks too few are left */
	assert_int_equal(msg_pool_free_count(pool), 11 - 2u * copy->block_count);
	msg_free(m);
	msg_free(copy);
	assert_int_equal(msg_pool_free_count(pool), 11);
	free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_gives_as_many_records_as_it_has_blocks),
		cmocka_unit_test(freeing_a_record_twice_ends_the_process),
		cmocka_unit_test(what_is_appended_in_pieces_of_any_size_reads_back_the_same),
		cmocka_unit_test(an_append_that_finds_no_block_changes_nothing),
		cmocka_unit_test(a_record_never_grows_beyond_its_limit),
		cmocka_unit_test(an_address_lies_in_the_first_block_or_is_refused),
		cmocka_unit_test(opaque_entries_come_back_in_order_also_across_blocks),
		cmocka_unit_test(an_id_keeps_its_parts_and_its_decimal_text),
		cmocka_unit_test(the_text_of_an_id_is_its_decimal_number),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(a_copy_is_the_same_record_in_blocks_of_its_own),
		cmocka_unit_test(addresses_get_their_normal_form),
		cmocka_unit_test(normal_forms_go_out_with_the_type_and_plan_of_their_kind),
		cmocka_unit_test(the_kind_of_a_written_address_is_seen_by_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
