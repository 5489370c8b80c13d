/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers may use, over the event loop; see host.h. */
#include "loop/host.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "drivers/driver.h"
#include "loop/loop.h"

struct host {
	struct driver_host dh; /* first: the two are one pointer */
	struct loop *loop;
};

/* A timer of the host fires once; its loop timer goes with it. */
struct host_timer {
	struct loop_timer *t;
	void (*fn)(void *arg);
	void *arg;
};

struct host_fd {
	struct loop_fd *f;
};

struct host_child {
	struct loop_child *c;
	void (*exited)(void *arg, int status);
	void *arg;
};

static struct host *of(struct driver_host *dh)
{
	return (struct host *)dh;
}

static int64_t now_ms(struct driver_host *dh)
{
	(void)dh;
	return clock_mono_ms();
}

static void timer_fired(void *arg)
{
	struct host_timer *t = arg;
	void (*fn)(void *) = t->fn;
	void *fn_arg = t->arg;

	loop_timer_free(t->t);
	mem_free(t);
	fn(fn_arg);
}

static struct host_timer *timer_add(
	struct driver_host *dh, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = mem_zalloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	t->t = loop_timer_new(of(dh)->loop, timer_fired, t);
	loop_timer_set(t->t, at_ms);
	return t;
}

static void timer_del(struct driver_host *dh, struct host_timer *t)
{
	(void)dh;
	if (!t)
		return;
	loop_timer_free(t->t);
	mem_free(t);
}

static struct host_fd *fd_add(struct driver_host *dh, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), void *arg)
{
	struct host_fd *f = mem_zalloc(sizeof(*f));

	_Static_assert(HOST_FD_READ == LOOP_READ && HOST_FD_WRITE == LOOP_WRITE, "the same bits");
	f->f = loop_fd_new(of(dh)->loop, fd, events, fn, arg);
	return f;
}

static void fd_set_events(struct driver_host *dh, struct host_fd *f, unsigned events)
{
	(void)dh;
	loop_fd_set(f->f, events);
}

static void fd_del(struct driver_host *dh, struct host_fd *f)
{
	(void)dh;
	if (!f)
		return;
	loop_fd_free(f->f);
	mem_free(f);
}

static void child_exited(void *arg, int status)
{
	struct host_child *c = arg;
	void (*exited)(void *, int) = c->exited;
	void *exited_arg = c->arg;

	mem_free(c);
	if (exited)
		exited(exited_arg, status);
}

static struct host_child *spawn(struct driver_host *dh, const struct host_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e)
{
	struct host_child *c = mem_zalloc(sizeof(*c));
	struct loop_spawn ls = {.path = sp->path,
		.argv = sp->argv,
		.envp = sp->envp,
		.fd_in = sp->fd_in,
		.fd_out = sp->fd_out,
		.fd_err = sp->fd_err,
		.detach = sp->detach};

	c->exited = exited;
	c->arg = arg;
	c->c = loop_spawn(of(dh)->loop, &ls, child_exited, c, e);
	if (!c->c) {
		mem_free(c);
		return NULL;
	}
	return c;
}

static void child_kill(struct driver_host *dh, struct host_child *c, int sig)
{
	(void)dh;
	loop_child_kill(c->c, sig);
}

static int blocking(
	struct driver_host *dh, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	return loop_blocking(of(dh)->loop, work, done, arg);
}

struct host *host_new(struct loop *l)
{
	struct host *h = mem_zalloc(sizeof(*h));

	h->loop = l;
	h->dh = (struct driver_host){
		.now_ms = now_ms,
		.timer_add = timer_add,
		.timer_del = timer_del,
		.fd_add = fd_add,
		.fd_set = fd_set_events,
		.fd_del = fd_del,
		.spawn = spawn,
		.child_kill = child_kill,
		.blocking = blocking,
	};
	return h;
}

void host_free(struct host *h)
{
	mem_free(h);
}

struct driver_host *host_drivers(struct host *h)
{
	return &h->dh;
}

struct loop *host_loop(struct host *h)
{
	return h->loop;
}
