/* Large messages through the whole dataplane: INVITE, MSRP, BYE. */
#include "test.h"

#include "sip_world.h"

#define NL "\r\n"

static struct phone *waited;

static bool stream_open(struct sim *s)
{
	(void)s;
	return waited->open;
}

static bool stream_over(struct sim *s)
{
	(void)s;
	return !waited->open;
}

static struct phone *opened(struct phone *p)
{
	waited = p;
	assert_true(sim_until(&sim, stream_open, 5 * US_PER_SECOND));
	return p;
}

static void over(struct phone *p, uint64_t within_us)
{
	waited = p;
	assert_true(sim_until(&sim, stream_over, within_us));
}

static void a_session_that_is_not_there_is_told_at_the_port_of_either_worker(void **state)
{
	(void)state;
	for (uint16_t port = 9100; port <= 9101; port++) {
		struct phone *p = opened(phone_msrp(&sim.host, port));
		const char   *answer;

		phone_send(p,
			   "MSRP a786hjs2 SEND" NL "To-Path: msrp://198.18.0.1:%u/nobody;tcp" NL
			   "From-Path: msrp://198.18.0.2:7654/theirs;tcp" NL
			   "Message-ID: 87652491" NL "-------a786hjs2$" NL,
			   port);
		answer = next_of(p);
		assert_non_null(answer);
		assert_memory_equal(answer, "MSRP a786hjs2 481 ", 18);
		over(p, US_PER_SECOND);
	}
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_MSRP_SESSION), 4);
}

static void a_stream_that_says_something_else_or_nothing_is_closed(void **state)
{
	struct phone *p = opened(phone_msrp(&sim.host, 9101));

	(void)state;
	phone_send(p, "GET / HTTP/1.1" NL NL);
	over(p, US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_MSRP_START_LINE), 1);
	p = opened(phone_msrp(&sim.host, 9100));
	over(p, 10 * US_PER_SECOND);
	assert_int_equal(sim_metric(&sim, METRIC_REFUSED + REASON_BIND_TIMEOUT), 1);
}

int main(void)
{
#define LARGE(f) cmocka_unit_test_setup_teardown(f, world_large, world_end)
	const struct CMUnitTest tests[] = {
		LARGE(a_session_that_is_not_there_is_told_at_the_port_of_either_worker),
		LARGE(a_stream_that_says_something_else_or_nothing_is_closed),
	};

	sim_eal();
	return cmocka_run_group_tests_name("large", tests, NULL, NULL);
}
