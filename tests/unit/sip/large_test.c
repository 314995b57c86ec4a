#include "side.h"

#include "sip/large.h"
#include "sip/session_private.h"

static struct str id_of(const struct sip_instance *i, const struct sip_large *l,
			char room[SIP_LARGE_ID_SIZE])
{
	struct put w = put_to(room, SIP_LARGE_ID_SIZE);

	sip_large_id_put(i, l, &w);
	assert_false(w.failed);
	return (struct str){room, put_size(&w)};
}

static struct side *listening(void)
{
	struct side *s = side_new(1);

	side_listen(s, true);
	return s;
}

static void a_large_message_is_found_by_its_session_id_and_its_token(void **state)
{
	struct side         *s = listening();
	struct sip_instance *i = s->instance;
	struct sip_large    *a = sip_large_new(i, s->session), *b = sip_large_new(i, s->session);
	char                 room[SIP_LARGE_ID_SIZE], other[SIP_LARGE_ID_SIZE];

	(void)state;
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 2);
	assert_ptr_equal(sip_large_by_id(i, id_of(i, a, room)), a);
	assert_ptr_equal(sip_large_by_id(i, id_of(i, b, other)), b);
	assert_memory_not_equal(room, other, SIP_LARGE_ID_SIZE);
	assert_ptr_equal(sip_large_by_token(i, sip_large_token(i, a)), a);
	assert_ptr_equal(sip_large_by_token(i, sip_large_token(i, b)), b);
	sip_large_end(i, a);
	sip_large_end(i, b);
	assert_int_equal(side_metric(s, METRIC_sip_large_open), 0);
	side_free(s);
}

static void a_session_id_with_any_character_changed_names_nothing(void **state)
{
	struct side         *s = listening();
	struct sip_instance *i = s->instance;
	struct sip_large    *l = sip_large_new(i, s->session);
	char                 room[SIP_LARGE_ID_SIZE];
	struct str           id = id_of(i, l, room);

	(void)state;
	for (size_t at = 0; at < id.n; at++) {
		char was = room[at];

		room[at] = was == 'q' ? 'r' : 'q';
		assert_null(sip_large_by_id(i, id));
		room[at] = was;
	}
	for (size_t n = 0; n < id.n; n++)
		assert_null(sip_large_by_id(i, (struct str){room, n}));
	assert_ptr_equal(sip_large_by_id(i, id), l);
	sip_large_end(i, l);
	side_free(s);
}

static void one_that_ended_is_not_found_when_its_block_is_used_again(void **state)
{
	struct side         *s = listening();
	struct sip_instance *i = s->instance;
	struct sip_large    *l = sip_large_new(i, s->session), *next;
	uint64_t             token = sip_large_token(i, l);
	char                 room[SIP_LARGE_ID_SIZE];
	struct str           id = id_of(i, l, room);

	(void)state;
	sip_large_end(i, l);
	assert_null(sip_large_by_id(i, id));
	assert_null(sip_large_by_token(i, token));
	next = sip_large_new(i, s->session);
	assert_ptr_equal(next, l); /* the same block */
	assert_null(sip_large_by_id(i, id));
	assert_null(sip_large_by_token(i, token));
	assert_null(sip_large_by_token(i, 0));
	sip_large_end(i, next);
	side_free(s);
}

static void a_path_is_kept_whole_up_to_its_limit(void **state)
{
	struct side         *s = listening();
	struct sip_instance *i = s->instance;
	char                 path[SIP_LARGE_PATH_MAX + 1], kept[SIP_LARGE_PATH_MAX];
	uint32_t             used = i->transactions.pool.used;

	(void)state;
	for (size_t n = 0; n < sizeof(path); n++)
		path[n] = (char)('a' + n % 26);
	for (size_t n = 0; n <= sizeof(path); n += n < 1024 ? 128 : 1) {
		struct sip_large *l = sip_large_new(i, s->session);
		struct put        w = put_to(kept, sizeof(kept));
		bool              fits = n <= SIP_LARGE_PATH_MAX;

		assert_int_equal(sip_large_path(i, l, (struct str){path, n}), fits);
		sip_large_path_put(i, l, &w);
		assert_int_equal(put_size(&w), fits ? n : 0);
		assert_memory_equal(kept, path, put_size(&w));
		sip_large_end(i, l);
		assert_int_equal(i->transactions.pool.used, used);
	}
	side_free(s);
}

static void without_a_free_block_nothing_is_made_and_nothing_lost(void **state)
{
	struct side             *s = listening();
	struct sip_instance     *i = s->instance;
	struct sip_large        *last = NULL, *l;
	static struct sip_large *all[SIDE_BLOCKS];
	unsigned                 n = 0;

	(void)state;
	while ((l = sip_large_new(i, s->session)) != NULL)
		last = all[n++] = l;
	assert_int_equal(side_metric(s, METRIC_sip_transactions_full), 1);
	assert_false(sip_large_path(i, last, STR("msrp://a.example:7000/x;tcp")));
	sip_large_end(i, all[0]);
	assert_true(sip_large_path(i, last, STR("msrp://a.example:7000/x;tcp")));
	for (unsigned k = 1; k < n; k++)
		sip_large_end(i, all[k]);
	assert_int_equal(i->transactions.pool.used, 0);
	side_free(s);
}

/* A message as an ESME sends it. */
static struct msg *message(struct side *s, enum msg_coding coding, const void *body, size_t n)
{
	struct msg *m = msg_new(s->pool);

	m->coding = (uint8_t)coding;
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, STR("+4611111"), &m->from));
	assert_true(msg_append_addr(m, ADDR_E164, 1, 1, STR("+46701234567"), &m->to));
	assert_true(msg_append(m, body, n, &m->body));
	return m;
}

static void what_goes_is_message_cpim_in_utf_8(void **state)
{
	static const struct {
		enum msg_coding coding;
		size_t          size, wanted; /* octets of the message, of its text; 0: refused */
	} cases[] = {
		{MSG_CODING_LATIN1, 60000, 60000}, {MSG_CODING_GSM7, 60000, 60000},
		{MSG_CODING_UCS2, 60000, 30000},   {MSG_CODING_UTF8, 65535, 65535},
		{MSG_CODING_UTF8, 0, 0},
	};
	static uint8_t body[65536];
	static uint8_t content[MSG_SIZE_MAX];
	struct sip_way way = {.domain = STR("example.org"), .host = STR("peer.example")};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side      *s = listening();
		struct sip_large *l = sip_large_new(s->instance, s->session);
		struct msg       *m;
		const char       *bytes, *text;

		for (size_t at = 0; at < sizeof(body); at++)
			body[at] = cases[i].coding == MSG_CODING_UCS2 && at % 2 == 0 ? 0 : 'a';
		m = message(s, cases[i].coding, body, cases[i].size);
		assert_int_equal(sip_large_fill(l, s->now, m, &way, STR("id-1")), REASON_NONE);
		assert_true(l->sends);
		assert_int_equal(l->type_size, 12);
		assert_memory_equal(l->type, "message/cpim", 12);
		bytes = (const char *)msg_view(l->m, l->m->body, content);
		assert_memory_equal(bytes, "From: ", 6);
		text = memmem(bytes, l->m->body.size, "charset=UTF-8\r\n\r\n", 17);
		assert_non_null(text);
		assert_int_equal(bytes + l->m->body.size - (text + 17), cases[i].wanted);
		for (size_t at = 0; at < cases[i].wanted; at++)
			assert_int_equal(text[17 + at], 'a');
		msg_free(m);
		sip_large_end(s->instance, l);
		side_free(s);
	}
}

static void what_is_too_long_as_utf_8_never_goes(void **state)
{
	struct side      *s = listening();
	struct sip_large *l = sip_large_new(s->instance, s->session);
	struct sip_way    way = {.domain = STR("example.org"), .host = STR("peer.example")};
	static uint8_t    body[60000];
	struct msg       *m;

	(void)state;
	memset(body, 0xe5, sizeof(body)); /* two bytes each */
	m = message(s, MSG_CODING_LATIN1, body, sizeof(body));
	assert_int_equal(sip_large_fill(l, s->now, m, &way, STR("id-1")), REASON_MESSAGE_SIZE);
	msg_free(m);
	sip_large_end(s->instance, l);
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_message_is_found_by_its_session_id_and_its_token),
		cmocka_unit_test(a_session_id_with_any_character_changed_names_nothing),
		cmocka_unit_test(one_that_ended_is_not_found_when_its_block_is_used_again),
		cmocka_unit_test(a_path_is_kept_whole_up_to_its_limit),
		cmocka_unit_test(what_goes_is_message_cpim_in_utf_8),
		cmocka_unit_test(what_is_too_long_as_utf_8_never_goes),
		cmocka_unit_test(without_a_free_block_nothing_is_made_and_nothing_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
