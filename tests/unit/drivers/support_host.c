/* SPDX-License-Identifier: Apache-2.0 */
/* See support_host.h. One thread calls all callbacks; pool threads touch a piece of work only while
 * it is theirs, and `finished` under the lock. */
#include "support_host_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define POLL_MAX 128

struct host_timer {
	struct host_timer *next;
	int64_t at_ms;
	void (*fn)(void *arg);
	void *arg;
};

struct host_fd {
	struct host_fd *next;
	int fd;
	unsigned events;
	bool dead; /* freed at the end of the step */
	void (*fn)(void *arg, unsigned events);
	void *arg;
};

struct host_child {
	struct host_child *next;
	int pid, pidfd;
	void (*exited)(void *arg, int status);
	void *arg;
};

struct work {
	struct work *next;
	struct support_host *sh;
	void (*fn)(void *arg);
	void (*done)(void *arg);
	void *arg;
	pthread_t thread;
};

static struct support_host *of(struct driver_host *h)
{
	return (struct support_host *)h;
}

struct driver_host *support_host(struct support_host *sh)
{
	return &sh->h;
}

/* ---- time ---- */

static int64_t now_ms(struct driver_host *h)
{
	return of(h)->now_ms;
}

static struct host_timer *timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = mem_zalloc(sizeof(*t)), **at = &of(h)->timers;

	*t = (struct host_timer){.at_ms = at_ms, .fn = fn, .arg = arg};
	while (*at && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	return t;
}

static void timer_del(struct driver_host *h, struct host_timer *t)
{
	struct host_timer **at = &of(h)->timers;

	while (*at && *at != t)
		at = &(*at)->next;
	if (!*at)
		fail_msg("a timer was deleted that had fired or never was");
	*at = t->next;
	mem_free(t);
}

void support_advance(struct support_host *sh, int64_t ms)
{
	sh->now_ms += ms;
}

/* Those that are due now; what they add waits for the next step. */
static int run_timers(struct support_host *sh)
{
	struct host_timer *t;
	int n = 0;

	for (t = sh->timers; t && t->at_ms <= sh->now_ms; t = t->next)
		n++;
	for (int i = 0; i < n && sh->timers && sh->timers->at_ms <= sh->now_ms; i++) {
		t = sh->timers;
		sh->timers = t->next;
		t->next = NULL;
		t->fn(t->arg);
		mem_free(t);
	}
	return n;
}

/* ---- descriptors ---- */

static struct host_fd *fd_add(struct driver_host *h, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), void *arg)
{
	struct host_fd *f = mem_zalloc(sizeof(*f));

	if (fcntl(fd, F_GETFD) < 0)
		fail_msg("a driver watches a closed descriptor");
	*f = (struct host_fd){.next = of(h)->fds, .fd = fd, .events = events, .fn = fn, .arg = arg};
	of(h)->fds = f;
	return f;
}

static void fd_set_events(struct driver_host *h, struct host_fd *f, unsigned events)
{
	(void)h;
	f->events = events;
}

static void fd_del(struct driver_host *h, struct host_fd *f)
{
	(void)h;
	if (fcntl(f->fd, F_GETFD) < 0)
		fail_msg("a driver closed a descriptor before it took it from the host");
	f->dead = true;
}

static void bury_fds(struct support_host *sh)
{
	struct host_fd **at = &sh->fds;

	while (*at) {
		struct host_fd *f = *at;

		if (!f->dead) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		mem_free(f);
	}
}

/* Fills p with what is watched; both lists keep their order until bury_fds(). */
static int collect(struct support_host *sh, struct pollfd *p)
{
	int n = 0;

	p[n++] = (struct pollfd){.fd = sh->wake_fd, .events = POLLIN};
	for (struct host_child *c = sh->children; c && n < POLL_MAX; c = c->next)
		p[n++] = (struct pollfd){.fd = c->pidfd, .events = POLLIN};
	for (struct host_fd *f = sh->fds; f && n < POLL_MAX; f = f->next) {
		short events = (f->events & HOST_FD_READ ? POLLIN : 0) |
		               (f->events & HOST_FD_WRITE ? POLLOUT : 0);

		p[n++] = (struct pollfd){.fd = f->dead || !events ? -1 : f->fd, .events = events};
	}
	return n;
}

static int run_fds(struct support_host *sh)
{
	int n = 0;

	for (struct host_fd *f = sh->fds, *next; f; f = next) {
		struct pollfd p = {.fd = f->fd};
		unsigned events = 0;

		next = f->next; /* what is added goes to the front, what is freed stays until later */
		p.events = (f->events & HOST_FD_READ ? POLLIN : 0) |
		           (f->events & HOST_FD_WRITE ? POLLOUT : 0);
		if (f->dead || !p.events || poll(&p, 1, 0) <= 0)
			continue;
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			events |= f->events & HOST_FD_READ;
		if (p.revents & (POLLOUT | POLLHUP | POLLERR))
			events |= f->events & HOST_FD_WRITE;
		if (!events)
			continue;
		f->fn(f->arg, events);
		n++;
	}
	bury_fds(sh);
	return n;
}

/* ---- children ---- */

static struct host_child *spawn(struct driver_host *h, const struct host_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e)
{
	static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	static char *const small_env[] = {path, lang, NULL};
	const int given[3] = {sp->fd_in, sp->fd_out, sp->fd_err};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	struct host_child *c;
	pid_t pid;
	int rc;

	assert_false(sp->detach); /* no driver needs it yet */
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	for (int i = 0; i < 3; i++) {
		if (given[i] < 0)
			posix_spawn_file_actions_addopen(&fa, i, "/dev/null", O_RDWR, 0);
		else
			posix_spawn_file_actions_adddup2(&fa, given[i], i);
	}
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	rc = posix_spawn(&pid, sp->path, &fa, &attr, sp->argv, sp->envp ? sp->envp : small_env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	if (rc) {
		err_errno(e, rc, "cannot start %s", sp->path);
		return NULL;
	}
	c = mem_zalloc(sizeof(*c));
	*c = (struct host_child){.next = of(h)->children, .pid = pid, .exited = exited, .arg = arg};
	c->pidfd = syscall(SYS_pidfd_open, pid, 0);
	assert_true(c->pidfd >= 0);
	of(h)->children = c;
	return c;
}

static void child_kill(struct driver_host *h, struct host_child *c, int sig)
{
	(void)h;
	kill(-c->pid, sig);
}

static int run_children(struct support_host *sh)
{
	struct host_child **at = &sh->children;
	int n = 0;

	while (*at) {
		struct host_child *c = *at;
		int status;

		if (waitpid(c->pid, &status, WNOHANG) != c->pid) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		close(c->pidfd);
		c->exited(c->arg, status);
		mem_free(c);
		n++;
		at = &sh->children; /* the callback may have started another */
	}
	return n;
}

/* ---- blocking work ---- */

static void *thread_main(void *arg)
{
	struct work *w = arg;
	struct support_host *sh = w->sh;

	w->fn(w->arg);
	pthread_mutex_lock(&sh->lock);
	w->next = sh->finished;
	sh->finished = w;
	pthread_mutex_unlock(&sh->lock);
	if (eventfd_write(sh->wake_fd, 1) < 0)
		abort();
	return NULL;
}

static void begin_thread(struct support_host *sh, struct work *w)
{
	sh->n_threads++;
	assert_int_equal(pthread_create(&w->thread, NULL, thread_main, w), 0);
}

static int blocking(
	struct driver_host *h, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
	struct support_host *sh = of(h);
	struct work *w = mem_zalloc(sizeof(*w)), **at = &sh->queued;

	*w = (struct work){.sh = sh, .fn = fn, .done = done, .arg = arg};
	if (sh->mode == SUPPORT_THREADS) {
		begin_thread(sh, w);
		return 0;
	}
	while (*at)
		at = &(*at)->next;
	*at = w;
	return 0;
}

void support_hold_work(struct support_host *sh, enum support_work mode)
{
	sh->mode = mode;
}

void support_release_work(struct support_host *sh)
{
	struct work *w;

	sh->mode = SUPPORT_THREADS;
	while ((w = sh->queued)) {
		sh->queued = w->next;
		begin_thread(sh, w);
	}
}

static int run_finished(struct support_host *sh)
{
	struct work *w, *next;
	eventfd_t count;
	int n = 0;

	if (eventfd_read(sh->wake_fd, &count) < 0)
		return 0;
	pthread_mutex_lock(&sh->lock);
	w = sh->finished;
	sh->finished = NULL;
	pthread_mutex_unlock(&sh->lock);
	for (; w; w = next, n++) {
		next = w->next;
		pthread_join(w->thread, NULL);
		sh->n_threads--;
		w->done(w->arg);
		mem_free(w);
	}
	return n;
}

static int run_work(struct support_host *sh)
{
	struct work *w = sh->queued;
	int n = run_finished(sh);

	if (sh->mode != SUPPORT_INLINE || !w)
		return n;
	sh->queued = w->next;
	w->fn(w->arg);
	w->done(w->arg);
	mem_free(w);
	return n + 1;
}

/* ---- progress ---- */

int support_step(struct support_host *sh)
{
	return run_timers(sh) + run_work(sh) + run_fds(sh) + run_children(sh);
}

void support_follow_clock(struct support_host *sh, bool on)
{
	sh->clock_ms = on ? clock_mono_ms() : 0;
}

static void follow_clock(struct support_host *sh)
{
	int64_t real_ms = clock_mono_ms();

	if (!sh->clock_ms)
		return;
	sh->now_ms += real_ms - sh->clock_ms;
	sh->clock_ms = real_ms;
}

/* As long as nothing can be due. */
static int patience_ms(const struct support_host *sh)
{
	int64_t ms = sh->clock_ms && sh->timers ? sh->timers->at_ms - sh->now_ms : 1000;

	return ms < 0 ? 0 : ms < 1000 ? (int)ms : 1000;
}

void support_until(struct support_host *sh, bool (*cond)(void *arg), void *arg)
{
	int64_t deadline = clock_mono_ms() + SUPPORT_PATIENCE_MS;
	struct pollfd p[POLL_MAX];

	if (sh->clock_ms) /* what passed outside of waits does not count */
		sh->clock_ms = clock_mono_ms();
	while (!cond(arg)) {
		follow_clock(sh);
		if (support_step(sh))
			continue;
		if (clock_mono_ms() >= deadline)
			fail_msg("the awaited condition did not come within %d ms",
				SUPPORT_PATIENCE_MS);
		poll(p, collect(sh, p), patience_ms(sh));
	}
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

struct support_host *support_host_new(enum support_work mode)
{
	struct support_host *sh = mem_zalloc(sizeof(*sh));

	sh->h = (struct driver_host){now_ms, timer_add, timer_del, fd_add, fd_set_events, fd_del,
		spawn, child_kill, blocking, NULL, NULL, NULL, NULL};
	support_guard_init(sh);
	sh->now_ms = 1000000;
	sh->mode = mode;
	sh->n_fds = count_fds();
	pthread_mutex_init(&sh->lock, NULL);
	sh->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	return sh;
}

void support_host_free(struct support_host *sh)
{
	support_stop(sh);
	assert_null(sh->timers);
	assert_null(sh->fds);
	assert_null(sh->children);
	assert_null(sh->queued);
	assert_int_equal(sh->n_threads, 0);
	close(sh->wake_fd);
	if (count_fds() != sh->n_fds)
		fail_msg("%d descriptors are open that were not before", count_fds() - sh->n_fds);
	pthread_mutex_destroy(&sh->lock);
	mem_free(sh);
}
