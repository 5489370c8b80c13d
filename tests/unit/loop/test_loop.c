/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, descriptors, posted callbacks and the turn behind each batch. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spread.h"

/* ---- timers ---- */

struct alarm {
	struct loop_timer *t;
	struct diary *diary;
	char name;
	int64_t at_ms, fired_ms;
};

struct diary {
	struct loop *loop;
	char text[32];
	size_t n;
	int done;
	struct alarm a, b, c;
};

static void note(struct alarm *al)
{
	al->fired_ms = clock_mono_ms();
	al->diary->text[al->diary->n++] = al->name;
}

static void set(struct alarm *al, int64_t at_ms)
{
	al->at_ms = at_ms;
	loop_timer_set(al->t, at_ms);
}

static void alarm_init(struct diary *d, struct alarm *al, char name, void (*fn)(void *arg))
{
	*al = (struct alarm){.diary = d, .name = name};
	al->t = loop_timer_new(d->loop, fn, al);
}

static void on_alarm(void *arg)
{
	note(arg);
}

static void on_last_alarm(void *arg)
{
	struct alarm *al = arg;

	note(al);
	al->diary->done = 1;
}

static void timers_fire_in_order_and_never_early(void **state)
{
	struct rig r;
	struct diary d = {0};
	int64_t now;

	(void)state;
	rig_init(&r);
	d.loop = r.loop;
	alarm_init(&d, &d.a, 'a', on_alarm);
	alarm_init(&d, &d.b, 'b', on_alarm);
	alarm_init(&d, &d.c, 'c', on_last_alarm);
	now = clock_mono_ms();
	set(&d.c, now + 31);
	set(&d.b, now + 17);
	set(&d.a, now - 1000);
	rig_run_until(&r, rig_is_set, &d.done);
	assert_string_equal(d.text, "abc");
	assert_true(d.b.fired_ms >= d.b.at_ms);
	assert_true(d.c.fired_ms >= d.c.at_ms);
	loop_timer_free(d.a.t);
	loop_timer_free(d.b.t);
	loop_timer_free(d.c.t);
	rig_fini(&r);
}

/* a clears b, which was due together with it, moves c forward, and frees itself. */
static void on_meddler(void *arg)
{
	struct alarm *al = arg;

	note(al);
	loop_timer_clear(al->diary->b.t);
	set(&al->diary->c, clock_mono_ms() + 5);
	loop_timer_free(al->t);
	al->t = NULL;
}

static void timers_may_be_moved_cleared_and_freed_in_callbacks(void **state)
{
	struct rig r;
	struct diary d = {0};

	(void)state;
	rig_init(&r);
	d.loop = r.loop;
	alarm_init(&d, &d.a, 'a', on_meddler);
	alarm_init(&d, &d.b, 'b', on_alarm);
	alarm_init(&d, &d.c, 'c', on_last_alarm);
	set(&d.a, 1);
	set(&d.b, 2);
	set(&d.c, clock_mono_ms() + 1000 * SUPPORT_PATIENCE_MS);
	rig_run_until(&r, rig_is_set, &d.done);
	assert_string_equal(d.text, "ac");
	assert_true(d.c.fired_ms >= d.c.at_ms);
	loop_timer_free(d.b.t);
	loop_timer_free(d.c.t);
	loop_timer_free(NULL);
	rig_fini(&r);
}

/* What a turn that takes long does: time goes by between the wake-up and the setting. */
static void on_busy(void *arg)
{
	struct alarm *al = arg;
	int64_t until = clock_mono_ms() + 20;

	note(al);
	while (clock_mono_ms() < until)
		;
	set(&al->diary->c, clock_mono_ms() + 10);
}

static void a_timer_set_at_the_end_of_a_long_callback_is_not_early(void **state)
{
	struct rig r;
	struct diary d = {0};

	(void)state;
	rig_init(&r);
	d.loop = r.loop;
	alarm_init(&d, &d.a, 'a', on_busy);
	alarm_init(&d, &d.c, 'c', on_last_alarm);
	set(&d.a, 0);
	rig_run_until(&r, rig_is_set, &d.done);
	assert_true(d.c.fired_ms >= d.c.at_ms);
	loop_timer_free(d.a.t);
	loop_timer_free(d.c.t);
	rig_fini(&r);
}

static void on_again(void *arg)
{
	struct alarm *al = arg;

	note(al);
	if (al->diary->n < 5)
		set(al, clock_mono_ms());
	else
		al->diary->done = 1;
}

static void a_timer_that_sets_itself_lets_the_turn_run_in_between(void **state)
{
	struct rig r;
	struct diary d = {0};

	(void)state;
	rig_init(&r);
	d.loop = r.loop;
	alarm_init(&d, &d.a, 'a', on_again);
	set(&d.a, 0);
	rig_run_until(&r, rig_is_set, &d.done);
	assert_string_equal(d.text, "aaaaa");
	assert_true(r.turns >= 5);
	loop_timer_free(d.a.t);
	rig_fini(&r);
}

/* ---- posts ---- */

#define POSTERS    6
#define POSTS_EACH 5000

struct poster {
	pthread_t thread;
	struct post_check *check;
	int n_run;
	struct parcel {
		struct poster *from;
		int seq;
	} parcels[POSTS_EACH];
};

struct post_check {
	struct loop *loop;
	int n_run, out_of_order;
	struct poster posters[POSTERS];
};

static void receive(void *arg)
{
	struct parcel *p = arg;
	struct post_check *c = p->from->check;

	if (p->seq != p->from->n_run)
		c->out_of_order++;
	p->from->n_run++;
	c->n_run++;
}

static void *post_all(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < POSTS_EACH; i++) {
		p->parcels[i] = (struct parcel){.from = p, .seq = i};
		loop_post(p->check->loop, receive, &p->parcels[i]);
	}
	return NULL;
}

static bool all_received(void *arg)
{
	return ((struct post_check *)arg)->n_run == POSTERS * POSTS_EACH;
}

static void posts_of_many_threads_arrive_once_and_in_each_ones_order(void **state)
{
	static struct post_check c;
	struct rig r;

	(void)state;
	rig_init(&r);
	c.loop = r.loop;
	for (int i = 0; i < POSTERS; i++) {
		c.posters[i].check = &c;
		assert_int_equal(
			pthread_create(&c.posters[i].thread, NULL, post_all, &c.posters[i]), 0);
	}
	rig_run_until(&r, all_received, &c);
	for (int i = 0; i < POSTERS; i++) {
		pthread_join(c.posters[i].thread, NULL);
		assert_int_equal(c.posters[i].n_run, POSTS_EACH);
	}
	assert_int_equal(c.out_of_order, 0);
	rig_fini(&r);
	assert_int_equal(c.n_run, POSTERS * POSTS_EACH);
}

struct chain {
	struct rig *rig;
	int left;
	int turns_at_last, same_turn;
	int done;
};

static void post_next(void *arg)
{
	struct chain *c = arg;

	if (c->rig->turns == c->turns_at_last)
		c->same_turn++;
	c->turns_at_last = c->rig->turns;
	if (--c->left == 0)
		c->done = 1;
	else
		loop_post(c->rig->loop, post_next, c);
}

static void a_turn_runs_behind_each_batch_even_when_callbacks_beget_callbacks(void **state)
{
	struct rig r;
	struct chain c = {.rig = &r, .left = 50, .turns_at_last = -1};

	(void)state;
	rig_init(&r);
	loop_post(r.loop, post_next, &c);
	rig_run_until(&r, rig_is_set, &c.done);
	assert_int_equal(c.same_turn, 0);
	assert_int_equal(r.turns, 50);
	rig_fini(&r);
}

static void set_flag(void *arg)
{
	*(int *)arg = 1;
}

static void waste_20_ms_of_processor(void *arg)
{
	struct timespec t;
	int64_t until = 0, now;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		now = t.tv_sec * 1000000000LL + t.tv_nsec;
		if (!until)
			until = now + 20000000;
	} while (now < until);
	*(int *)arg = 1;
}

/* Waiting is no part of a turn, callbacks are. */
static void how_long_turns_take_is_counted(void **state)
{
	const struct spread *turns, *processor;
	struct loop_timer *t;
	struct rig r;
	int fired = 0, wasted = 0;
	uint64_t before, n = 0;

	(void)state;
	rig_init(&r);
	turns = loop_turns(r.loop);
	processor = loop_turns_processor(r.loop);
	t = loop_timer_new(r.loop, set_flag, &fired);
	loop_timer_set(t, clock_mono_ms() + 200);
	rig_run_until(&r, rig_is_set, &fired);
	before = processor->sum_ns;
	assert_true(before < 200000000);
	loop_post(r.loop, waste_20_ms_of_processor, &wasted);
	rig_run_until(&r, rig_is_set, &wasted);
	assert_true(processor->sum_ns - before >= 20000000);
	assert_true(processor->longest_ns >= 20000000);
	assert_true(turns->longest_ns >= 20000000);
	for (int i = 0; i <= SPREAD_BOUNDS; i++)
		n += turns->n[i];
	assert_int_equal(n, r.turns);
	loop_timer_free(t);
	rig_fini(&r);
}

static void *stop_from_elsewhere(void *arg)
{
	loop_stop(arg);
	return NULL;
}

static void count_turn(void *arg)
{
	++*(int *)arg;
}

static void another_thread_can_stop_a_loop_that_waits(void **state)
{
	struct rig r;
	pthread_t t;
	int turns = 0;

	(void)state;
	rig_init(&r);
	assert_int_equal(pthread_create(&t, NULL, stop_from_elsewhere, r.loop), 0);
	loop_run(r.loop, count_turn, &turns);
	pthread_join(t, NULL);
	rig_fini(&r);
}

/* ---- descriptors ---- */

struct ear {
	struct loop_fd *f;
	int fd, peer;
	int heard;
	unsigned last;
	struct ear *other; /* whom its callback silences */
	int *count;
};

static void ear_init(struct ear *e, int *count)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	*e = (struct ear){.fd = sv[0], .peer = sv[1], .count = count};
}

static void ear_fini(struct ear *e)
{
	loop_fd_free(e->f);
	close(e->fd);
	close(e->peer);
}

static void hear_once(void *arg, unsigned events)
{
	struct ear *e = arg;

	e->heard++;
	e->last = events;
	++*e->count;
	loop_fd_free(e->f);
	e->f = NULL;
	if (e->other) {
		loop_fd_free(e->other->f);
		e->other->f = NULL;
	}
}

static void a_descriptor_freed_by_its_neighbour_is_not_called_any_more(void **state)
{
	struct ear a, b;
	struct rig r;
	int heard = 0;

	(void)state;
	rig_init(&r);
	ear_init(&a, &heard);
	ear_init(&b, &heard);
	a.other = &b;
	b.other = &a;
	a.f = loop_fd_new(r.loop, a.fd, LOOP_READ, hear_once, &a);
	b.f = loop_fd_new(r.loop, b.fd, LOOP_READ, hear_once, &b);
	assert_int_equal(write(a.peer, "x", 1), 1);
	assert_int_equal(write(b.peer, "x", 1), 1);
	rig_run_until(&r, rig_is_set, &heard);
	assert_int_equal(heard, 1);
	assert_null(a.f);
	assert_null(b.f);
	ear_fini(&a);
	ear_fini(&b);
	rig_fini(&r);
}

static void hear_and_rest(void *arg, unsigned events)
{
	struct ear *e = arg;

	e->heard++;
	e->last = events;
	loop_fd_set(e->f, 0);
	*e->count = 1;
}

static void events_are_level_triggered_and_can_be_changed(void **state)
{
	struct rig r;
	struct ear e;
	int heard = 0;

	(void)state;
	rig_init(&r);
	ear_init(&e, &heard);
	e.f = loop_fd_new(r.loop, e.fd, 0, hear_and_rest, &e);
	assert_int_equal(write(e.peer, "x", 1), 1);
	loop_fd_set(e.f, LOOP_READ);
	rig_run_until(&r, rig_is_set, &heard);
	assert_int_equal(e.last, LOOP_READ);

	/* Nobody has read the byte: it is still news. */
	heard = 0;
	loop_fd_set(e.f, LOOP_READ | LOOP_WRITE);
	rig_run_until(&r, rig_is_set, &heard);
	assert_int_equal(e.last, LOOP_READ | LOOP_WRITE);
	assert_int_equal(e.heard, 2);
	ear_fini(&e);
	rig_fini(&r);
}

/* ---- signals ---- */

static void on_usr1(void *arg)
{
	++*(int *)arg;
}

static void a_signal_is_a_callback(void **state)
{
	struct loop_signal *s;
	struct rig r;
	int got = 0;

	(void)state;
	rig_init(&r);
	s = loop_signal_new(r.loop, SIGUSR1, on_usr1, &got);
	kill(getpid(), SIGUSR1);
	rig_run_until(&r, rig_is_set, &got);
	assert_int_equal(got, 1);
	loop_signal_free(s);
	rig_fini(&r);
}

static void a_closed_peer_is_an_error_code_and_not_a_death(void **state)
{
	struct rig r;
	int p[2];

	(void)state;
	rig_init(&r);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	assert_int_equal(write(p[1], "x", 1), -1);
	close(p[1]);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_and_never_early),
		cmocka_unit_test(timers_may_be_moved_cleared_and_freed_in_callbacks),
		cmocka_unit_test(a_timer_set_at_the_end_of_a_long_callback_is_not_early),
		cmocka_unit_test(a_timer_that_sets_itself_lets_the_turn_run_in_between),
		cmocka_unit_test(posts_of_many_threads_arrive_once_and_in_each_ones_order),
		cmocka_unit_test(a_turn_runs_behind_each_batch_even_when_callbacks_beget_callbacks),
		cmocka_unit_test(how_long_turns_take_is_counted),
		cmocka_unit_test(another_thread_can_stop_a_loop_that_waits),
		cmocka_unit_test(a_descriptor_freed_by_its_neighbour_is_not_called_any_more),
		cmocka_unit_test(events_are_level_triggered_and_can_be_changed),
		cmocka_unit_test(a_signal_is_a_callback),
		cmocka_unit_test(a_closed_peer_is_an_error_code_and_not_a_death),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
