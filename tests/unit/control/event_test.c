#include "event.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

struct watched {
	struct event_loop *loop;
	struct watched    *other; /* taken out when this one is called */
	int                fd;
	unsigned           calls;
};

static void on_ready(void *user)
{
	struct watched *w = user;

	w->calls++;
	if (w->other != NULL)
		event_unwatch(w->loop, w->other->fd);
}

static void ready(struct watched *w, struct event_loop *loop)
{
	uint64_t one = 1;

	*w = (struct watched){.loop = loop, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	assert_int_equal(write(w->fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(event_watch(loop, w->fd, on_ready, w), 0);
}

static void what_is_readable_is_called_each_turn_until_it_is_taken_out(void **state)
{
	struct event_loop *loop = event_loop_new();
	struct watched     w;

	ready(&w, loop);
	for (unsigned turn = 1; turn <= 3; turn++) {
		assert_int_equal(event_loop_turn(loop, 0), 0);
		assert_int_equal(w.calls, turn);
	}
	event_unwatch(loop, w.fd);
	assert_int_equal(event_loop_turn(loop, 0), 0);
	assert_int_equal(w.calls, 3);
	close(w.fd);
	event_loop_free(loop);
}

static void what_is_taken_out_is_not_called_in_the_same_turn(void **state)
{
	struct event_loop *loop = event_loop_new();
	struct watched     a, b;

	ready(&a, loop);
	ready(&b, loop);
	a.other = &b;
	b.other = &a;
	assert_int_equal(event_loop_turn(loop, 0), 0);
	assert_int_equal(a.calls + b.calls, 1); /* the first one took the other out */
	close(a.fd);
	close(b.fd);
	event_loop_free(loop);
}

static void what_is_watched_is_called_for_what_it_wants_now(void **state)
{
	static const struct {
		bool     readable, writable;
		unsigned calls;
	} table[] = {{true, false, 1}, {false, true, 1}, {false, false, 0}, {true, true, 1}};
	struct event_loop *loop = event_loop_new();
	struct watched     w;

	ready(&w, loop); /* it can be read from and written to */
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		w.calls = 0;
		event_want(loop, w.fd, table[i].readable, table[i].writable);
		assert_int_equal(event_loop_turn(loop, 0), 0);
		assert_int_equal(w.calls, table[i].calls);
	}
	event_unwatch(loop, w.fd);
	close(w.fd);
	event_loop_free(loop);
}

static void count_and_stop(void *user)
{
	struct watched *w = user;

	if (++w->calls == 3)
		event_loop_stop(w->loop);
}

static void a_timer_is_due_again_and_again(void **state)
{
	struct watched w = {.loop = event_loop_new()};

	assert_int_equal(event_every(w.loop, 1, count_and_stop, &w), 0);
	assert_int_equal(event_loop_run(w.loop), 0);
	assert_int_equal(w.calls, 3);
	event_loop_free(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_readable_is_called_each_turn_until_it_is_taken_out),
		cmocka_unit_test(what_is_taken_out_is_not_called_in_the_same_turn),
		cmocka_unit_test(what_is_watched_is_called_for_what_it_wants_now),
		cmocka_unit_test(a_timer_is_due_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
