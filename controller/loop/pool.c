/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: LOOP_POOL_THREADS threads take work from one bounded queue in its order. A finished
 * piece of work is itself the task that is posted to the loop thread, so a completion needs no
 * memory and no room that could be missing. The threads block all signals; these belong to the
 * loop thread.
 */
#include "loop/internal.h"

#include <signal.h>

#include "base/err.h"
#include "base/mem.h"

struct work {
	struct loop_task task; /* first: done(arg), once it is posted */
	struct loop *loop;
	void (*fn)(void *arg);
};

/* The next piece of work; waits for it. NULL when the pool closes and nothing is left. */
static struct work *take(struct loop_pool *p)
{
	struct loop_task *t;

	pthread_mutex_lock(&p->lock);
	while (!p->head && !p->closing)
		pthread_cond_wait(&p->more, &p->lock);
	t = p->head;
	if (t) {
		p->head = t->next;
		if (!p->head)
			p->tail = &p->head;
		p->n_queued--;
	}
	pthread_mutex_unlock(&p->lock);
	return (struct work *)t;
}

static void *worker(void *arg)
{
	struct loop_pool *p = arg;
	struct work *w;

	while ((w = take(p))) {
		w->fn(w->task.arg);
		loop_post_task(w->loop, &w->task);
	}
	return NULL;
}

int loop_pool_start(struct loop_pool *p, struct err *e)
{
	sigset_t all, old;
	int rc = 0;

	p->tail = &p->head;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!rc && p->n_threads < LOOP_POOL_THREADS) {
		rc = pthread_create(&p->threads[p->n_threads], NULL, worker, p);
		if (!rc)
			p->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc)
		return 0;
	loop_pool_stop(p);
	return err_errno(e, rc, "cannot start the threads of the pool");
}

void loop_pool_stop(struct loop_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	p->n_threads = 0;
}

int loop_blocking(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct loop_pool *p = &l->pool;
	struct work *w = mem_zalloc(sizeof(*w));
	int rc = 0;

	w->task.fn = done;
	w->task.arg = arg;
	w->loop = l;
	w->fn = work;
	pthread_mutex_lock(&p->lock);
	if (p->closing)
		rc = ERR_WRONGSTATE;
	else if (p->n_queued >= LOOP_POOL_QUEUE)
		rc = ERR_FULL;
	if (!rc) {
		*p->tail = &w->task;
		p->tail = &w->task.next;
		p->n_queued++;
	}
	pthread_mutex_unlock(&p->lock);
	/* Behind the lock, which the woken thread takes first. */
	if (rc)
		mem_free(w);
	else
		pthread_cond_signal(&p->more);
	return rc;
}
