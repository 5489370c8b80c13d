/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOP: SIGTERM to the agent, SIGKILL when it has not ended in time, and the end of its secret. An
 * agent that is not there is stopped already.
 */
#include "drivers/local/local.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#define TERM_MS 5000 /* the agent ends its runner and syncs its spool */
#define KILL_MS 5000 /* longer than that, a killed process hangs in the kernel */

struct stop {
	struct local_op *lo;
	int pidfd;
	struct host_fd *watch;
	struct host_timer *timer;
	bool killed;
};

static void release(struct stop *s)
{
	struct driver_host *h = s->lo->l->host;

	if (s->watch)
		h->fd_del(h, s->watch);
	if (s->timer)
		h->timer_del(h, s->timer);
	if (s->pidfd >= 0)
		close(s->pidfd);
	s->lo->data = NULL;
	mem_free(s);
}

static int tidy(struct local_op *lo, struct err *e)
{
	char path[DRIVER_PATH_MAX];
	int rc = local_agent_secret_path(lo->l, path, e);

	if (!rc && unlink(path) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove %s", path);
	return rc;
}

static void ended(struct stop *s)
{
	struct local_op *lo = s->lo;
	int rc;

	release(s);
	rc = local_op_on_pool(lo, tidy, local_op_finish);
	if (rc)
		local_op_finish(lo, err_set(&lo->err, rc, "too much work is queued"));
}

static void on_end_of_agent(void *arg, unsigned events)
{
	(void)events;
	ended(arg);
}

static void send_signal(struct stop *s, int sig)
{
	/* An agent that has just ended is not there to be signalled; its pidfd says so. */
	syscall(SYS_pidfd_send_signal, s->pidfd, sig, NULL, 0);
}

static void on_impatience(void *arg)
{
	struct stop *s = arg;
	struct local_op *lo = s->lo;
	struct driver_host *h = lo->l->host;

	s->timer = NULL;
	if (!s->killed) {
		s->killed = true;
		send_signal(s, SIGKILL);
		s->timer = h->timer_add(h, h->now_ms(h) + KILL_MS, on_impatience, s);
		return;
	}
	release(s);
	lo->blame = true;
	local_op_finish(
		lo, err_set(&lo->err, ERR_TIMEOUT,
			    "the agent does not end even when killed: restart the machine"));
}

static int find_agent(struct local_op *lo, struct err *e)
{
	struct stop *s = lo->data;

	(void)e;
	s->pidfd = local_agent_pidfd(lo->l);
	return 0;
}

static void on_agent_found(struct local_op *lo, int rc)
{
	struct stop *s = lo->data;
	struct driver_host *h = lo->l->host;

	if (!rc)
		rc = local_op_stopped(lo, &lo->err);
	if (rc) {
		release(s);
		local_op_finish(lo, rc);
		return;
	}
	if (s->pidfd < 0) {
		ended(s);
		return;
	}
	s->watch = h->fd_add(h, s->pidfd, HOST_FD_READ, on_end_of_agent, s);
	s->timer = h->timer_add(h, h->now_ms(h) + TERM_MS, on_impatience, s);
	send_signal(s, SIGTERM);
}

int local_stop_check(const struct local *l, const struct driver_op *op, struct err *e)
{
	(void)op;
	if (l->n_of[DRIVER_OP_START] || l->n_of[DRIVER_OP_STOP])
		return err_set(e, ERR_BUSY, "the local device's agent is being started or stopped");
	return 0;
}

int local_stop(struct local_op *lo, struct err *e)
{
	struct stop *s = mem_zalloc(sizeof(*s));
	int rc;

	*s = (struct stop){.lo = lo, .pidfd = -1};
	lo->data = s;
	rc = local_op_on_pool(lo, find_agent, on_agent_found);
	if (!rc)
		return 0;
	mem_free(s);
	return err_set(e, rc, "too much work is queued");
}

/* Only the waiting can be given up: the signal is sent. */
void local_stop_cancel(struct local_op *lo)
{
	struct stop *s = lo->data;

	if (!s || !s->watch)
		return; /* on the pool: it ends by itself */
	release(s);
	local_op_finish_soon(lo, ERR_CANCELLED);
}
