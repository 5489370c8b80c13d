/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's parts put together, and its loop; see agent.h. */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netns.h"
#include "agent/opts.h"
#include "agent/recover.h"
#include "agent/sampler.h"
#include "agent/scratch.h"
#include "agent/session.h"
#include "agent/setup.h"
#include "timesrc.h"

#define FDS            (2 + AGENT_CONNS + PROC_FDS)
#define ACCEPTS_A_TURN 16

/* ---- connections ---- */

/* A free place, made if need be at the cost of whoever has waited longest without saying HELLO: so
 * connections that say nothing cannot keep the controller out. */
static struct conn *place(struct agent *a)
{
	struct conn *oldest = NULL;

	for (int i = 0; i < AGENT_CONNS; i++) {
		struct conn *c = &a->conns[i];

		if (c->state == CONN_FREE)
			return c;
		if (c != a->controller && (!oldest || c->deadline_ns < oldest->deadline_ns))
			oldest = c;
	}
	conn_close(oldest);
	conn_reap(oldest);
	return oldest;
}

static void accept_some(struct agent *a, int64_t now_ns)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = endpoint_accept(&a->endpoint);

		if (fd < 0)
			return;
		conn_open(place(a), fd, now_ns);
	}
}

static void reap_conns(struct agent *a)
{
	for (int i = 0; i < AGENT_CONNS; i++) {
		struct conn *c = &a->conns[i];

		if (c->state != CONN_DEAD)
			continue;
		if (c == a->controller) {
			log_info("event=controller-gone");
			a->controller = NULL;
		}
		conn_reap(c);
	}
	if (a->controller && a->controller->state != CONN_READY)
		a->controller = NULL;
}

/* ---- signals ---- */

static void take_signals(struct agent *a, int64_t now_ns)
{
	struct signalfd_siginfo si;

	while (read(a->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			attempt_child_ended(&a->attempt, now_ns);
			continue;
		}
		log_info("event=told-to-end signal=%u", si.ssi_signo);
		a->ending = true;
		attempt_abort(&a->attempt, OUTCOME_INTERRUPTED, "the agent was told to end", true);
	}
}

/* ---- the loop ---- */

struct wait {
	struct pollfd fds[FDS];
	int n, n_conns, n_proc;
	struct conn *conns[AGENT_CONNS];
};

static void collect(const struct agent *a, struct wait *w, int64_t now_ns)
{
	w->n = w->n_conns = 0;
	w->fds[w->n++] = (struct pollfd){.fd = a->signals, .events = POLLIN};
	w->fds[w->n++] = (struct pollfd){.fd = a->endpoint.fd, .events = POLLIN};
	for (int i = 0; i < AGENT_CONNS; i++) {
		const struct conn *c = &a->conns[i];

		if (c->state == CONN_FREE)
			continue;
		w->conns[w->n_conns++] = (struct conn *)c;
		w->fds[w->n++] = (struct pollfd){.fd = c->fd, .events = conn_events(c)};
	}
	w->n_proc = attempt_poll(&a->attempt, w->fds + w->n, now_ns);
	w->n += w->n_proc;
}

static int64_t deadline(const struct agent *a)
{
	int64_t t_ns = attempt_deadline(&a->attempt), other_ns = session_deadline(a);

	if (other_ns < t_ns)
		t_ns = other_ns;
	for (int i = 0; i < AGENT_CONNS; i++)
		if (conn_deadline(&a->conns[i]) < t_ns)
			t_ns = conn_deadline(&a->conns[i]);
	return t_ns;
}

/* Whether virtual time has to stand still: somebody is about to say who he is, or the controller
 * has to answer before anything goes on. */
static bool waits_for_answer(const struct agent *a)
{
	for (int i = 0; i < AGENT_CONNS; i++)
		if (a->conns[i].state == CONN_GREETING || a->conns[i].state == CONN_CLOSING)
			return true;
	return a->controller && uplink_waits(&a->uplink);
}

static void handle_conn(struct agent *a, struct conn *c, short events)
{
	if (events & POLLOUT)
		conn_write(c);
	if (events & (POLLIN | POLLHUP | POLLERR) && c->state != CONN_CLOSING &&
		c->state != CONN_DEAD) {
		conn_read(c);
		session_take(a, c);
	} else if (events & (POLLHUP | POLLERR) && c->state == CONN_CLOSING) {
		conn_close(c);
	}
}

static void handle(struct agent *a, const struct wait *w, int64_t now_ns)
{
	const struct pollfd *conns = w->fds + 2, *proc = conns + w->n_conns;

	for (int i = 0; i < w->n_conns; i++)
		if (conns[i].revents && w->conns[i]->fd == conns[i].fd)
			handle_conn(a, w->conns[i], conns[i].revents);
	for (int i = 0; i < w->n_proc; i++)
		if (proc[i].revents) {
			attempt_ready(&a->attempt, now_ns);
			break;
		}
	if (w->fds[0].revents)
		take_signals(a, now_ns);
	if (w->fds[1].revents)
		accept_some(a, now_ns);
}

static void pass_time(struct agent *a, int64_t now_ns)
{
	attempt_tick(&a->attempt, now_ns);
	session_tick(a, now_ns);
	for (int i = 0; i < AGENT_CONNS; i++) {
		if (a->conns[i].state == CONN_FREE)
			continue;
		conn_write(&a->conns[i]);
		conn_tick(&a->conns[i], now_ns);
	}
	reap_conns(a);
}

/* For the next attempt, while nobody waits. */
static void make_netns(struct agent *a)
{
	if (attempt_is_live(&a->attempt) || a->netns >= 0 || a->no_netns)
		return;
	a->netns = netns_make();
	a->no_netns = a->netns < 0;
	if (a->no_netns)
		log_info("event=no-spare-netns error=%d", -a->netns);
}

/* The clock's owner is gone, or poll itself fails: nothing can go on from here. */
static int break_off(struct agent *a, int error)
{
	log_err("event=cannot-wait error=\"%s\"", strerror(error));
	proc_kill(&a->attempt.proc);
	return AGENT_FAILED;
}

int agent_run(struct agent *a)
{
	struct wait w;

	while (!a->ending || attempt_is_live(&a->attempt)) {
		int n;

		collect(a, &w, timesrc_mono_ns(a->ts));
		n = timesrc_poll(a->ts, w.fds, w.n, deadline(a), waits_for_answer(a));
		if (n < 0 && errno != EINTR)
			return break_off(a, errno);
		if (n > 0)
			handle(a, &w, timesrc_mono_ns(a->ts));
		pass_time(a, timesrc_mono_ns(a->ts));
		make_netns(a);
	}
	log_info("event=end");
	return AGENT_OK;
}

void agent_fini(struct agent *a)
{
	for (int i = 0; i < AGENT_CONNS; i++) {
		if (a->conns[i].state == CONN_FREE)
			continue;
		conn_write(&a->conns[i]);
		conn_close(&a->conns[i]);
		conn_reap(&a->conns[i]);
	}
	setup_undo(a);
}
