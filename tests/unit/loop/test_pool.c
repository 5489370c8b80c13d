/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's promises: each completion once, on the loop thread, also at the end; a bound. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"

#define JOBS 1000

struct tally {
	struct loop *loop;
	pthread_t loop_thread;
	atomic_int worked;
	int done, on_wrong_thread;
	int want;
	int refused; /* what a done() got that asked for more */
};

static void tally_init(struct tally *t, struct rig *r)
{
	*t = (struct tally){.loop = r->loop, .loop_thread = pthread_self()};
}

static void work(void *arg)
{
	struct tally *t = arg;

	atomic_fetch_add(&t->worked, 1);
}

static void done(void *arg)
{
	struct tally *t = arg;

	t->done++;
	if (!pthread_equal(pthread_self(), t->loop_thread))
		t->on_wrong_thread++;
}

static bool all_done(void *arg)
{
	struct tally *t = arg;

	return t->done == t->want;
}

static void each_piece_of_work_is_done_once_on_the_loop_thread(void **state)
{
	struct rig r;
	struct tally t;

	(void)state;
	rig_init(&r);
	tally_init(&t, &r);
	t.want = JOBS;
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(loop_blocking(r.loop, work, done, &t), 0);
	rig_run_until(&r, all_done, &t);
	rig_fini(&r);
	assert_int_equal(atomic_load(&t.worked), JOBS);
	assert_int_equal(t.done, JOBS);
	assert_int_equal(t.on_wrong_thread, 0);
}

/* A gate at which all threads of the pool wait. Static in each test: threads of a failed test may
 * wait there still. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int waiting;
	bool open;
	int passed;
};

static void wait_at_gate(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->waiting++;
	pthread_cond_broadcast(&g->changed);
	while (!g->open)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void passed_gate(void *arg)
{
	((struct gate *)arg)->passed++;
}

static bool all_passed(void *arg)
{
	return ((struct gate *)arg)->passed == LOOP_POOL_THREADS;
}

static void block_pool(struct loop *l, struct gate *g)
{
	for (int i = 0; i < LOOP_POOL_THREADS; i++)
		assert_int_equal(loop_blocking(l, wait_at_gate, passed_gate, g), 0);
	pthread_mutex_lock(&g->lock);
	while (g->waiting < LOOP_POOL_THREADS)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

#define GATE_INIT                                                                                  \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER             \
	}

static void a_full_queue_refuses_and_what_it_took_is_still_done(void **state)
{
	static struct gate g = GATE_INIT;
	struct rig r;
	struct tally t;

	(void)state;
	rig_init(&r);
	tally_init(&t, &r);
	block_pool(r.loop, &g);
	for (int i = 0; i < LOOP_POOL_QUEUE; i++)
		assert_int_equal(loop_blocking(r.loop, work, done, &t), 0);
	assert_int_equal(loop_blocking(r.loop, work, done, &t), ERR_FULL);
	open_gate(&g);
	t.want = LOOP_POOL_QUEUE;
	rig_run_until(&r, all_done, &t);
	rig_run_until(&r, all_passed, &g);
	assert_int_equal(loop_blocking(r.loop, work, done, &t), 0);
	rig_fini(&r);
	assert_int_equal(t.done, LOOP_POOL_QUEUE + 1);
}

static void *open_gate_elsewhere(void *arg)
{
	open_gate(arg);
	return NULL;
}

static void done_and_ask_for_more(void *arg)
{
	struct tally *t = arg;

	done(arg);
	t->refused = loop_blocking(t->loop, work, done, t);
}

static void freeing_the_loop_runs_what_is_queued_and_refuses_more(void **state)
{
	static struct gate g = GATE_INIT;
	struct rig r;
	struct tally t;
	pthread_t opener;

	(void)state;
	rig_init(&r);
	tally_init(&t, &r);
	block_pool(r.loop, &g);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(loop_blocking(r.loop, work, done, &t), 0);
	assert_int_equal(loop_blocking(r.loop, work, done_and_ask_for_more, &t), 0);
	assert_int_equal(pthread_create(&opener, NULL, open_gate_elsewhere, &g), 0);
	rig_fini(&r);
	pthread_join(opener, NULL);
	assert_int_equal(g.passed, LOOP_POOL_THREADS);
	assert_int_equal(t.done, JOBS + 1);
	assert_int_equal(atomic_load(&t.worked), JOBS + 1);
	assert_int_equal(t.on_wrong_thread, 0);
	assert_int_equal(t.refused, ERR_WRONGSTATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_piece_of_work_is_done_once_on_the_loop_thread),
		cmocka_unit_test(a_full_queue_refuses_and_what_it_took_is_still_done),
		cmocka_unit_test(freeing_the_loop_runs_what_is_queued_and_refuses_more),
	};

	return cmocka_run_group_tests_name("loop_pool", tests, NULL, NULL);
}
