#include "transactions.h"

/* A MESSAGE of ours whose branch is that of c. */
static size_t write_request(const struct bench *b, const struct sip_client *c, char *room,
			    size_t size)
{
	struct put w = put_to(room, size);

	put_str(&w, STR("MESSAGE sip:bob@example.net SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 198.51.100.1:5060;branch="));
	sip_client_branch(&b->t, c, &w);
	put_str(&w, STR("\r\nFrom: <sip:a@example.org>;tag=1\r\nTo: <sip:bob@example.net>\r\n"
			"Call-ID: x@example.org\r\nCSeq: 7 MESSAGE\r\nMax-Forwards: 70\r\n"
			"Content-Length: 0\r\n\r\n"));
	assert_false(w.failed);
	return put_size(&w);
}

static struct sip_client *begin(struct bench *b, uint64_t token, bool datagram, uint64_t timeout_us)
{
	struct sip_client    *c = sip_client_new(&b->t, &b->clients);
	struct sip_client_how how = {.token = token,
				     .timeout_us = timeout_us,
				     .to = peer_flow(),
				     .datagram = datagram,
				     .method = SIP_METHOD_MESSAGE};
	char                  room[512];

	assert_non_null(c);
	assert_true(sip_client_start(&b->t, c, b->now, &how, room,
				     write_request(b, c, room, sizeof(room))));
	return c;
}

/* What the other side answers to c. */
static void response_to(const struct bench *b, const struct sip_client *c, unsigned status,
			const char *method, struct taken *k)
{
	char       branch[SIP_BRANCH_SIZE], text[512];
	struct put w = put_to(branch, sizeof(branch));
	int        n;

	sip_client_branch(&b->t, c, &w);
	assert_false(w.failed);
	n = snprintf(text, sizeof(text),
		     "SIP/2.0 %u Whatever\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=%.*s\r\n"
		     "From: <sip:a@example.org>;tag=1\r\nTo: <sip:bob@example.net>;tag=2\r\n"
		     "Call-ID: x@example.org\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		     status, (int)sizeof(branch), branch, method);
	take(k, text, (size_t)n);
}

static struct sip_client *match(struct bench *b, const struct taken *k)
{
	return sip_client_match(&b->t, &k->message, &k->known);
}

/* Lets time go to each deadline in turn until one is over or the limit is reached, and notes in
 * milliseconds since the start when the request was sent again. */
static struct sip_client *run(struct bench *b, uint64_t start_us, uint64_t until_us,
			      unsigned sent_ms[], unsigned *sent)
{
	for (;;) {
		static uint8_t     room[4096];
		struct out         out = out_to(room, sizeof(room));
		uint64_t           next;
		struct sip_client *over = sip_client_tick(&b->t, &b->clients, b->now, &out, &next);

		if (put_size(&out.put) > 0) {
			struct flow to;

			only_datagram(&out, &to);
			sent_ms[(*sent)++] = (unsigned)((b->now.us - start_us) / US_PER_MS);
		}
		if (over != NULL || next > until_us)
			return over;
		assert_true(next > b->now.us);
		b->now.us = next;
	}
}

static const unsigned unanswered_ms[] = {500,   1500,  3500,  7500,  11500,
					 15500, 19500, 23500, 27500, 31500};

static void a_request_over_udp_is_sent_again_by_timer_e_until_timer_f(void **state)
{
	struct bench       b;
	struct sip_client *c, *over;
	unsigned           sent_ms[32], sent = 0;
	uint64_t           start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, 5, true, UINT64_MAX);
	over = run(&b, start, UINT64_MAX - 1, sent_ms, &sent);
	assert_ptr_equal(over, c);
	assert_int_equal(over->token, 5);
	assert_int_equal(b.now.us - start, 32000000);
	assert_int_equal(sent, 10);
	assert_memory_equal(sent_ms, unanswered_ms, sizeof(unanswered_ms));
	assert_int_equal(over->sends, 11);
	assert_int_equal(count(&b, METRIC_sip_requests_resent), 10);
	sip_client_end(&b.t, over);
	assert_int_equal(b.clients.open, 0);
	assert_int_equal(b.t.pool.used, 0);
	assert_int_equal(count(&b, METRIC_sip_transactions_open), 0);
	bench_close(&b);
}

static void a_request_over_tcp_is_sent_once_and_ends_by_timer_f(void **state)
{
	struct bench       b;
	struct sip_client *c;
	unsigned           sent_ms[32], sent = 0;
	uint64_t           start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, 5, false, UINT64_MAX);
	assert_int_equal(c->request.size, 0);
	assert_ptr_equal(run(&b, start, UINT64_MAX - 1, sent_ms, &sent), c);
	assert_int_equal(b.now.us - start, 32000000);
	assert_int_equal(sent, 0);
	assert_int_equal(c->sends, 1);
	bench_close(&b);
}

static void timer_f_is_the_time_for_an_answer_where_that_is_shorter(void **state)
{
	struct bench       b;
	struct sip_client *c;
	unsigned           sent_ms[32], sent = 0;
	uint64_t           start;

	bench_open(&b, MEMORY);
	start = b.now.us;
	c = begin(&b, 5, true, 10 * US_PER_SECOND);
	assert_ptr_equal(run(&b, start, UINT64_MAX - 1, sent_ms, &sent), c);
	assert_int_equal(b.now.us - start, 10000000);
	assert_int_equal(sent, 4);
	assert_memory_equal(sent_ms, unanswered_ms, 4 * sizeof(sent_ms[0]));
	bench_close(&b);
}

/* RFC 3261, 17.1.2.2: timer E as it runs, then every T2. */
static void after_a_provisional_response_timer_e_runs_out_and_is_t2_from_then(void **state)
{
	static const struct {
		unsigned at_ms, count, sent_ms[12];
	} cases[] = {
		{100, 9, {500, 4500, 8500, 12500, 16500, 20500, 24500, 28500}},
		{1600, 9, {500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500}},
		{600, 9, {500, 1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench       b;
		struct sip_client *c;
		struct taken       k;
		unsigned           sent_ms[32], sent = 0;
		uint64_t           start, at;

		bench_open(&b, MEMORY);
		start = b.now.us;
		at = start + cases[i].at_ms * US_PER_MS;
		c = begin(&b, 5, true, UINT64_MAX);
		response_to(&b, c, 100, "MESSAGE", &k);
		assert_null(run(&b, start, at, sent_ms, &sent));
		b.now.us = at;
		assert_ptr_equal(match(&b, &k), c);
		assert_false(sip_client_response(&b.t, c, 100));
		assert_int_equal(c->state, SIP_CLIENT_PROCEEDING);
		assert_ptr_equal(run(&b, start, UINT64_MAX - 1, sent_ms, &sent), c);
		assert_int_equal(b.now.us - start, 32000000);
		for (unsigned n = 0; n < cases[i].count && cases[i].sent_ms[n] != 0; n++)
			assert_int_equal(sent_ms[n], cases[i].sent_ms[n]);
		drop(&k);
		bench_close(&b);
	}
}

static void a_final_response_ends_it_in_either_state_and_later_ones_are_stray(void **state)
{
	static const unsigned finals[] = {200, 202, 301, 404, 503, 603, 699};

	for (size_t i = 0; i < 2 * sizeof(finals) / sizeof(finals[0]); i++) {
		struct bench       b;
		struct sip_client *c;
		struct taken       k;
		uint8_t            room[64];
		struct out         out = out_to(room, sizeof(room));
		uint64_t           next;

		bench_open(&b, MEMORY);
		c = begin(&b, 5, true, UINT64_MAX);
		response_to(&b, c, finals[i / 2], "MESSAGE", &k);
		if (i % 2 == 1)
			assert_false(sip_client_response(&b.t, match(&b, &k), 183));
		assert_true(sip_client_response(&b.t, match(&b, &k), k.message.status));
		b.now.us += 40 * US_PER_SECOND;
		assert_null(match(&b, &k)); /* completed, though not yet ended */
		sip_client_end(&b.t, c);
		assert_null(match(&b, &k));
		assert_int_equal(count(&b, METRIC_sip_responses_stray), 2);
		assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
		assert_int_equal(next, UINT64_MAX);
		assert_int_equal(b.t.pool.used, 0);
		drop(&k);
		bench_close(&b);
	}
}

static void a_response_with_another_method_in_its_cseq_is_stray(void **state)
{
	struct bench       b;
	struct sip_client *c;
	struct taken       k;

	bench_open(&b, MEMORY);
	c = begin(&b, 5, true, UINT64_MAX);
	response_to(&b, c, 200, "OPTIONS", &k);
	assert_null(match(&b, &k));
	assert_int_equal(count(&b, METRIC_sip_responses_stray), 1);
	drop(&k);
	bench_close(&b);
}

static void a_response_names_the_session_whose_request_it_answers(void **state)
{
	struct bench       b;
	struct sip_clients other = {.session = &other};
	struct sip_client *c, *d;
	struct taken       k, l;
	char               room[512];

	bench_open(&b, MEMORY);
	c = begin(&b, 5, true, UINT64_MAX);
	d = sip_client_new(&b.t, &other);
	assert_true(sip_client_start(
		&b.t, d, b.now,
		&(struct sip_client_how){.token = 6, .timeout_us = 1, .method = SIP_METHOD_MESSAGE},
		room, write_request(&b, d, room, sizeof(room))));
	response_to(&b, c, 200, "MESSAGE", &k);
	response_to(&b, d, 200, "MESSAGE", &l);
	assert_ptr_equal(match(&b, &l)->of->session, &other);
	assert_ptr_equal(match(&b, &k)->of->session, &b.clients);
	assert_true(sip_client_response(&b.t, d, 200));
	sip_client_end(&b.t, d);
	assert_int_equal(other.open, 0);
	assert_int_equal(b.clients.open, 1);
	drop(&k);
	drop(&l);
	bench_close(&b);
}

static void a_branch_that_is_altered_in_any_place_finds_nothing(void **state)
{
	struct bench       b;
	struct sip_client *c;
	struct taken       k;
	char              *branch;

	bench_open(&b, MEMORY);
	c = begin(&b, 5, true, UINT64_MAX);
	response_to(&b, c, 200, "MESSAGE", &k);
	branch = (char *)k.bytes + (k.known.via.branch.p - (const char *)k.bytes);
	for (size_t i = 7; i < k.known.via.branch.n; i++) {
		char was = branch[i];

		branch[i] = was == 'a' ? 'b' : 'a';
		assert_null(match(&b, &k));
		branch[i] = was;
	}
	assert_ptr_equal(match(&b, &k), c);
	for (size_t i = 7; i < k.known.via.branch.n; i++) /* who prints in capitals is understood */
		branch[i] = (char)(branch[i] >= 'a' ? branch[i] - 0x20 : branch[i]);
	assert_ptr_equal(match(&b, &k), c);
	drop(&k);
	bench_close(&b);
}

static void a_branch_with_right_proof_but_another_use_of_the_block_finds_nothing(void **state)
{
	struct bench       b;
	struct sip_client *c;
	struct taken       k;
	uint32_t           number;

	bench_open(&b, MEMORY);
	c = begin(&b, 5, true, UINT64_MAX);
	number = c->number;
	response_to(&b, c, 200, "MESSAGE", &k);
	sip_client_end(&b.t, c);
	assert_null(match(&b, &k));
	do {
		c = begin(&b, 6, true, UINT64_MAX); /* the same block, once more */
	} while (c->number != number);
	assert_null(match(&b, &k));
	drop(&k);
	bench_close(&b);
}

static void a_branch_of_another_worker_or_run_finds_nothing(void **state)
{
	struct bench       b, other;
	struct sip_client *c;
	struct taken       k;

	bench_open(&b, MEMORY);
	bench_open(&other, MEMORY);
	c = begin(&b, 5, true, UINT64_MAX);
	begin(&other, 5, true, UINT64_MAX);
	response_to(&b, c, 200, "MESSAGE", &k);
	assert_non_null(match(&other, &k)); /* the same worker and seed: as if it were its own */
	other.t.worker = 4;
	assert_null(match(&other, &k));
	memset(other.memory, 0, MEMORY);
	sip_transactions_init(&other.t, &other.metrics, 3, 43, other.memory, MEMORY);
	other.clients = (struct sip_clients){0};
	begin(&other, 5, true, UINT64_MAX);
	assert_null(match(&other, &k));
	drop(&k);
	bench_close(&b);
	bench_close(&other);
}

static void without_memory_nothing_is_begun_and_nothing_is_left_behind(void **state)
{
	static char           large[4000];
	struct sip_client_how how = {.timeout_us = UINT64_MAX, .datagram = true};
	struct bench          b;
	struct sip_client    *c;
	uint32_t              begun = 0;

	memset(large, 'x', sizeof(large));
	bench_open(&b, 16 * 1024);
	for (;;) {
		c = sip_client_new(&b.t, &b.clients);
		if (c == NULL)
			break;
		if (!sip_client_start(&b.t, c, b.now, &how, large, sizeof(large))) {
			assert_int_equal(c->request.size, 0);
			sip_client_end(&b.t, c);
			break;
		}
		begun++;
	}
	assert_true(begun > 0);
	assert_int_equal(b.clients.open, begun);
	assert_int_equal(count(&b, METRIC_sip_transactions_open), begun);
	assert_int_equal(count(&b, METRIC_sip_transactions_full), 1);
	while ((c = sip_client_new(&b.t, &b.clients)) != NULL)
		;
	assert_int_equal(b.t.pool.used, b.t.pool.count);
	assert_int_equal(count(&b, METRIC_sip_transactions_full), 2);
	while ((c = sip_client_oldest(&b.t, &b.clients)) != NULL)
		sip_client_end(&b.t, c);
	assert_int_equal(b.clients.open, 0);
	bench_close(&b);
}

static void what_does_not_fit_is_sent_again_by_the_next_call(void **state)
{
	struct bench b;
	uint8_t      room[700];
	unsigned     sent = 0;
	uint64_t     next;

	bench_open(&b, MEMORY);
	for (unsigned i = 0; i < 5; i++)
		begin(&b, i, true, UINT64_MAX);
	b.now.us += SIP_T1_US;
	for (unsigned calls = 0; calls < 10; calls++) {
		struct out  out = out_to(room, sizeof(room));
		struct cur  written, bytes;
		struct flow to;

		assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
		written = cur_of(room, put_size(&out.put));
		while (out_datagram_next(&written, &to, &bytes))
			sent++;
		if (next > b.now.us)
			break;
		assert_int_equal(next, b.now.us);
		assert_true(put_size(&out.put) > 0);
	}
	assert_int_equal(sent, 5);
	assert_int_equal(next, b.now.us + 2 * SIP_T1_US);
	bench_close(&b);
}

static void a_request_sent_again_is_the_same_bytes_to_the_same_place(void **state)
{
	static char        text[3000];
	static uint8_t     room[4096], kept[3000];
	struct bench       b;
	struct sip_client *c;
	struct out         out = out_to(room, sizeof(room));
	struct put         copy = put_to(kept, sizeof(kept));
	struct flow        to, want = peer_flow();
	struct str         again;
	uint64_t           next;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	bench_open(&b, MEMORY);
	c = sip_client_new(&b.t, &b.clients);
	assert_true(sip_client_start(
		&b.t, c, b.now,
		&(struct sip_client_how){.timeout_us = UINT64_MAX, .to = want, .datagram = true},
		text, sizeof(text)));
	b.now.us += SIP_T1_US;
	assert_null(sip_client_tick(&b.t, &b.clients, b.now, &out, &next));
	again = only_datagram(&out, &to);
	assert_true(flow_eq(&to, &want));
	assert_true(str_eq(again, (struct str){text, sizeof(text)}));
	sip_client_request(&b.t, c, &copy);
	assert_memory_equal(kept, text, sizeof(text));
	bench_close(&b);
}

static void over_tcp_the_request_is_kept_where_it_may_be_challenged(void **state)
{
	struct bench       b;
	struct sip_client *c;
	char               room[512], kept[512];
	struct put         copy = put_to(kept, sizeof(kept));
	size_t             n;

	bench_open(&b, MEMORY);
	c = sip_client_new(&b.t, &b.clients);
	n = write_request(&b, c, room, sizeof(room));
	assert_true(sip_client_start(
		&b.t, c, b.now, &(struct sip_client_how){.timeout_us = UINT64_MAX, .keep = true},
		room, n));
	sip_client_request(&b.t, c, &copy);
	assert_int_equal(put_size(&copy), n);
	assert_memory_equal(kept, room, n);
	bench_close(&b);
}

static void the_outcome_of_a_deadline_comes_in_the_order_of_sending(void **state)
{
	struct bench b;
	uint8_t      room[64];
	uint64_t     next;

	bench_open(&b, MEMORY);
	for (unsigned i = 0; i < 4; i++) {
		begin(&b, i, false, i == 2 ? US_PER_SECOND : 5 * US_PER_SECOND);
		b.now.us += 1000;
	}
	b.now.us += 20 * US_PER_SECOND;
	for (unsigned i = 0; i < 4; i++) {
		struct out         out = out_to(room, sizeof(room));
		struct sip_client *c = sip_client_tick(&b.t, &b.clients, b.now, &out, &next);

		assert_non_null(c);
		assert_int_equal(c->token, i);
		sip_client_end(&b.t, c);
	}
	bench_close(&b);
}

static void an_icmp_error_finds_the_request_that_it_quotes(void **state)
{
	struct bench       b;
	struct sip_client *c;
	char               room[512];
	size_t             n;

	bench_open(&b, MEMORY);
	begin(&b, 1, true, UINT64_MAX);
	c = begin(&b, 2, true, UINT64_MAX);
	n = write_request(&b, c, room, sizeof(room));
	for (size_t cut = 0; cut <= n; cut++) {
		uint8_t           *exact = test_copy(room, cut);
		struct sip_client *found = sip_client_quoted(&b.t, cur_of(exact, cut));
		size_t branch_end = (size_t)(strstr(room, "z9hG4bK") - room) + SIP_BRANCH_SIZE;

		assert_ptr_equal(found, cut >= branch_end ? c : NULL);
		free(exact);
	}
	*(strstr(room, "z9hG4bK") + 20) ^= 1;
	assert_null(sip_client_quoted(&b.t, cur_of(room, n)));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_over_udp_is_sent_again_by_timer_e_until_timer_f),
		cmocka_unit_test(a_request_over_tcp_is_sent_once_and_ends_by_timer_f),
		cmocka_unit_test(timer_f_is_the_time_for_an_answer_where_that_is_shorter),
		cmocka_unit_test(after_a_provisional_response_timer_e_runs_out_and_is_t2_from_then),
		cmocka_unit_test(a_final_response_ends_it_in_either_state_and_later_ones_are_stray),
		cmocka_unit_test(a_response_with_another_method_in_its_cseq_is_stray),
		cmocka_unit_test(a_response_names_the_session_whose_request_it_answers),
		cmocka_unit_test(a_branch_that_is_altered_in_any_place_finds_nothing),
		cmocka_unit_test(
			a_branch_with_right_proof_but_another_use_of_the_block_finds_nothing),
		cmocka_unit_test(a_branch_of_another_worker_or_run_finds_nothing),
		cmocka_unit_test(without_memory_nothing_is_begun_and_nothing_is_left_behind),
		cmocka_unit_test(what_does_not_fit_is_sent_again_by_the_next_call),
		cmocka_unit_test(a_request_sent_again_is_the_same_bytes_to_the_same_place),
		cmocka_unit_test(over_tcp_the_request_is_kept_where_it_may_be_challenged),
		cmocka_unit_test(the_outcome_of_a_deadline_comes_in_the_order_of_sending),
		cmocka_unit_test(an_icmp_error_finds_the_request_that_it_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
