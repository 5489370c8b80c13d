/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's name spaces, from outside; see space.h. */
#include "drivers/virtual/space.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "drivers/virtual/init.h"
#include "drivers/virtual/initmsg.h"

struct run {
	const struct space_run_events *events;
	void *arg;
};

struct space {
	struct driver_host *h;
	const struct space_events *events;
	void *arg;
	struct host_child *child;
	struct host_fd *watch;
	int sock, root;
	uint32_t last_id;
	struct map *runs;
	bool asked; /* to end */
	char why[ERR_TEXT_MAX];
};

/* ---- what init says ---- */

static void run_ended(struct space *s, uint32_t id, int status)
{
	struct run *r = map_del(s->runs, id);

	if (r && r->events)
		r->events->exited(r->arg, status);
	mem_free(r);
}

static void run_started(struct space *s, uint32_t id, int master)
{
	struct run *r = map_get(s->runs, id);

	if (r && r->events)
		r->events->started(r->arg, master);
	else if (master >= 0)
		close(master);
}

static void on_message(struct space *s, const struct initmsg *m, int fd)
{
	switch (m->kind) {
	case INITMSG_READY:
		s->root = fd;
		s->events->ready(s->arg);
		return;
	case INITMSG_STARTED:
		run_started(s, m->id, fd);
		return;
	case INITMSG_BROKEN:
		str_copy_clean(s->why, sizeof(s->why), m->text, m->n);
		break;
	case INITMSG_EXITED:
		run_ended(s, m->id, m->a);
		break;
	case INITMSG_REBOOT:
		s->events->reboot(s->arg);
		break;
	default:
		break;
	}
	if (fd >= 0)
		close(fd);
}

static void readable(void *arg, unsigned events)
{
	struct space *s = arg;
	struct initmsg m;
	int fds[INITMSG_FDS], rc = 1;

	(void)events;
	/* A few at a time: an event may end the space's owner's interest, not the space. */
	for (int i = 0; i < 16 && rc == 1; i++) {
		rc = initmsg_recv(s->sock, &m, fds, MSG_DONTWAIT);
		if (rc == 1)
			on_message(s, &m, fds[0]);
	}
	if (rc == 0 || (rc < 0 && errno != EAGAIN))
		s->h->fd_set(s->h, s->watch, 0); /* it is ending; its exit follows */
}

static void fail_runs(struct space *s)
{
	for (struct map_item *it; (it = map_first(s->runs));)
		run_ended(s, (uint32_t)map_key(it), SIGKILL);
}

static void ended(void *arg, int status)
{
	struct space *s = arg;

	s->child = NULL;
	/* What it said before its end. */
	readable(s, 0);
	if (!s->asked && !s->why[0])
		str_copy(s->why, sizeof(s->why),
			WIFSIGNALED(status) ? "the phone's first process was killed"
					    : "the phone's first process ended");
	s->h->fd_del(s->h, s->watch);
	fail_runs(s);
	s->events->ended(s->arg, s->asked ? "" : s->why);
	close(s->sock);
	if (s->root >= 0)
		close(s->root);
	map_free(s->runs);
	mem_free(s);
}

/* ---- its life ---- */

static struct host_child *start(
	struct space *s, const struct space_config *cfg, int sock, struct err *e)
{
	const char *argv[] = {INIT_NAME, cfg->dir, cfg->name, cfg->arm64 ? "arm64" : "x86_64",
		cfg->noexec ? "noexec" : "exec", NULL};
	struct host_spawn sp = {.path = "/proc/self/exe",
		.argv = (char *const *)argv,
		.fd_in = sock,
		.fd_out = -1,
		.fd_err = 2};

	return s->h->spawn(s->h, &sp, ended, s, e);
}

struct space *space_new(struct driver_host *h, const struct space_config *cfg,
	const struct space_events *events, void *arg, struct err *e)
{
	struct space *s = mem_zalloc(sizeof(*s));
	int pair[2];

	s->h = h;
	s->events = events;
	s->arg = arg;
	s->root = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		err_errno(e, errno, "cannot talk to a phone's first process");
		mem_free(s);
		return NULL;
	}
	s->sock = pair[0];
	fcntl(s->sock, F_SETFL, O_NONBLOCK);
	s->child = start(s, cfg, pair[1], e);
	close(pair[1]);
	if (!s->child) {
		close(s->sock);
		mem_free(s);
		return NULL;
	}
	s->runs = map_new();
	s->watch = h->fd_add(h, s->sock, HOST_FD_READ, readable, s);
	return s;
}

void space_end(struct space *s)
{
	s->asked = true;
	if (s->child)
		s->h->child_kill(s->h, s->child, SIGKILL);
}

int space_root(const struct space *s)
{
	return s->root;
}

/* ---- runs ---- */

static void fill(struct initmsg *m, const struct space_run *r, uint32_t id)
{
	memset(m, 0, INITMSG_HEAD);
	m->kind = INITMSG_SPAWN;
	m->id = id;
	m->flags = (r->pty ? INITMSG_PTY : 0) | (r->argv ? INITMSG_ARGV : 0) |
	           (r->raw ? INITMSG_RAW : 0);
	str_copy(m->term, sizeof(m->term), r->term ? r->term : "");
	m->n = (uint32_t)r->n;
	memcpy(m->text, r->text, r->n);
}

uint32_t space_run(struct space *s, const struct space_run *r,
	const struct space_run_events *events, void *arg)
{
	struct initmsg m;
	struct run *run;
	uint32_t id = ++s->last_id;

	if (r->n > INITMSG_TEXT || s->root < 0)
		return 0;
	fill(&m, r, id);
	if (initmsg_send(s->sock, &m, r->fds, r->pty ? 0 : 3))
		return 0;
	run = mem_zalloc(sizeof(*run));
	run->events = events;
	run->arg = arg;
	map_put(s->runs, id, run);
	return id;
}

static void tell(struct space *s, uint32_t id, int sig)
{
	struct initmsg m = {.kind = INITMSG_KILL, .id = id, .a = sig};

	initmsg_send(s->sock, &m, NULL, 0);
}

void space_signal(struct space *s, uint32_t run, int sig)
{
	if (map_get(s->runs, run))
		tell(s, run, sig);
}

void space_signal_all(struct space *s, int sig)
{
	tell(s, 0, sig);
}

void space_forget(struct space *s, uint32_t run)
{
	struct run *r = map_get(s->runs, run);

	if (r)
		r->events = NULL;
}
