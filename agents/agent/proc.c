/* SPDX-License-Identifier: Apache-2.0 */
/* One process of the runner; see proc.h. */
#include "agent/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/fileset.h"
#include "agent/launch.h"
#include "agent/libdir.h"
#include "agent/sandbox.h"
#include "agent/text.h"
#include "plan.h"
#include "timesrc.h"

#define RETRY_NS      20000000LL
#define CHILDREN_FILE "/proc/thread-self/children" /* proc_pid_task(5), Linux 4.2 */

void proc_init(struct proc *p)
{
	memset(p, 0, sizeof(*p));
	p->control = p->output = p->launch = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void proc_fini(struct proc *p)
{
	close_fd(&p->control);
	close_fd(&p->output);
	close_fd(&p->launch);
	proto_parser_fini(&p->in);
	free(p->run);
	proc_init(p);
}

bool proc_is_alive(const struct proc *p)
{
	return p->pid && !p->reaped;
}

/* ---- starting ---- */

static int build_run(struct proc *p)
{
	const struct proc_order *o = &p->order;
	size_t cap = PROTO_HEADER + PROTO_PAYLOAD_MAX;
	struct proto_w w;

	p->run = malloc(cap);
	if (!p->run)
		return -ENOMEM;
	proto_w_init(&w, p->run + PROTO_HEADER, cap - PROTO_HEADER);
	proto_put_u32(&w, o->process);
	proto_put_bytes(&w, o->plan, o->plan_len);
	proto_put_u32(&w, o->files->n);
	for (unsigned i = 0; i < o->files->n; i++)
		proto_put_text(&w, o->files->names[i]);
	if (w.full)
		return -E2BIG;
	proto_header_put(p->run, PROTO_RUN, p->run + PROTO_HEADER, w.len);
	p->run_len = PROTO_HEADER + w.len;
	return 0;
}

/* The ends that the child gets; the agent's own stay in struct proc. */
struct ends {
	int control, output, report, null, exe;
};

static int open_ends(struct proc *p, struct ends *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	p->control = pair[0];
	e->control = pair[1];
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	p->output = pair[0];
	e->output = pair[1];
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	p->launch = pair[0];
	e->report = pair[1];
	e->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (e->null < 0 || fcntl(p->control, F_SETFL, O_NONBLOCK) ||
		fcntl(p->output, F_SETFL, O_NONBLOCK) || fcntl(p->launch, F_SETFL, O_NONBLOCK))
		return -errno;
	e->exe = fileset_open(p->order.sandbox->files_dir,
		p->order.loading ? p->order.loading->loader_sha256 : p->order.runner_name,
		p->order.sandbox->uid >= 0);
	return e->exe < 0 ? e->exe : 0;
}

static int start(struct proc *p, struct ends *e)
{
	const struct proc_order *o = &p->order;
	struct sandbox sb = *o->sandbox;
	struct launch l = {.guards = o->guards,
		.sandbox = &sb,
		.clock_page = o->clock_page,
		.agent = getpid(),
		.ring = o->ring,
		.loader = o->loading != NULL};
	int rc = build_run(p);

	if (!rc && o->loading)
		rc = libdir_make(sb.scratch, sb.files_dir, o->loading, sb.uid >= 0);

	if (!rc)
		rc = open_ends(p, e);
	if (rc)
		return rc;
	sb.exe = e->exe;
	sb.files = (const char(*)[65])o->files->names;
	sb.n_files = o->files->n;
	l.control = e->control;
	l.output = e->output;
	l.null = e->null;
	l.report = e->report;
	p->pid = fork();
	if (p->pid == 0)
		launch_run(&l);
	if (p->pid < 0) {
		p->pid = 0;
		return -errno;
	}
	/* A virtual phone's time stands still until the runner takes part in it. */
	if (timesrc_expect(o->ts, p->pid))
		return -errno;
	return 0;
}

int proc_start(struct proc *p, const struct proc_order *o, char *why, size_t size)
{
	struct ends e = {-1, -1, -1, -1, -1};
	int rc;

	proc_init(p);
	p->order = *o;
	rc = start(p, &e);
	close_fd(&e.control);
	close_fd(&e.output);
	close_fd(&e.report);
	close_fd(&e.null);
	close_fd(&e.exe);
	if (!rc)
		return 0;
	snprintf(why, size, "the runner could not be started: %s", strerror(-rc));
	if (p->pid) {
		proc_kill(p);
		waitpid(p->pid, NULL, 0);
	}
	proc_fini(p);
	return rc;
}

/* ---- talking ---- */

static bool has_to_send(const struct proc *p)
{
	return p->control >= 0 &&
	       (p->run_sent < p->run_len || p->files_sent < p->order.files->n || p->cancel);
}

int proc_poll(const struct proc *p, struct pollfd *fds, int64_t now_ns)
{
	int n = 0;

	if (p->control >= 0)
		fds[n++] = (struct pollfd){.fd = p->control,
			.events = POLLIN | (has_to_send(p) && now_ns >= p->retry_ns ? POLLOUT : 0)};
	if (p->output >= 0)
		fds[n++] = (struct pollfd){.fd = p->output, .events = POLLIN};
	if (p->launch >= 0)
		fds[n++] = (struct pollfd){.fd = p->launch, .events = POLLIN};
	return n;
}

int64_t proc_deadline(const struct proc *p)
{
	return has_to_send(p) && p->retry_ns ? p->retry_ns : INT64_MAX;
}

/* One sendmsg() with up to RUNNER_FILES_BATCH descriptors. Returns 0 or -errno. */
static int send_batch(struct proc *p, const int *fds, unsigned n)
{
	union {
		char mem[CMSG_SPACE(RUNNER_FILES_BATCH * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	uint8_t frame[PROTO_HEADER + 8];
	struct iovec iov = {.iov_base = frame, .iov_len = sizeof(frame)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.mem,
		.msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct proto_w w;

	proto_w_init(&w, frame + PROTO_HEADER, sizeof(frame) - PROTO_HEADER);
	proto_put_u32(&w, p->files_sent);
	proto_put_u32(&w, n);
	proto_header_put(frame, PROTO_FILES, frame + PROTO_HEADER, w.len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(p->control, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(frame) ? 0 : -errno;
}

static int send_files(struct proc *p)
{
	const struct fileset *f = p->order.files;
	unsigned n = f->n - p->files_sent;
	int fds[RUNNER_FILES_BATCH], rc = 0;
	unsigned opened = 0;

	if (n > RUNNER_FILES_BATCH)
		n = RUNNER_FILES_BATCH;
	while (opened < n && !rc) {
		int fd = fileset_open(p->order.sandbox->files_dir, f->names[p->files_sent + opened],
			p->order.sandbox->uid >= 0);

		if (fd < 0)
			rc = fd;
		else
			fds[opened++] = fd;
	}
	if (!rc)
		rc = send_batch(p, fds, n);
	while (opened)
		close(fds[--opened]);
	if (!rc)
		p->files_sent += n;
	return rc;
}

static int send_run(struct proc *p)
{
	ssize_t n = send(p->control, p->run + p->run_sent, p->run_len - p->run_sent, MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	p->run_sent += n;
	return 0;
}

static int send_cancel(struct proc *p)
{
	uint8_t frame[PROTO_HEADER];

	proto_header_put(frame, PROTO_CANCEL, frame + PROTO_HEADER, 0);
	if (send(p->control, frame, sizeof(frame), MSG_NOSIGNAL) != (ssize_t)sizeof(frame))
		return -errno;
	p->cancel = false;
	return 0;
}

void proc_send(struct proc *p, int64_t now_ns)
{
	int rc = 0;

	p->retry_ns = 0;
	while (!rc && has_to_send(p)) {
		if (p->run_sent < p->run_len)
			rc = send_run(p);
		else if (p->files_sent < p->order.files->n)
			rc = send_files(p);
		else
			rc = send_cancel(p);
	}
	/* Too many descriptors under way (unix(7), ETOOMANYREFS): the runner has to take some
	 * first, and the socket does not tell when. */
	if (rc == -ETOOMANYREFS || rc == -EMFILE)
		p->retry_ns = now_ns + RETRY_NS;
	else if (rc && rc != -EAGAIN && rc != -EINTR)
		close_fd(&p->control); /* its end tells the rest */
}

static void read_launch(struct proc *p)
{
	size_t have = strlen(p->launch_error);
	ssize_t n = p->launch < 0 ? -1
	                          : read(p->launch, p->launch_error + have,
					    sizeof(p->launch_error) - 1 - have);

	if (p->launch >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
		close_fd(&p->launch);
}

ssize_t proc_listen(struct proc *p)
{
	uint8_t buf[16384];
	ssize_t n;

	read_launch(p);
	if (p->control < 0)
		return -1;
	n = recv(p->control, buf, sizeof(buf), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || proto_parser_feed(&p->in, buf, n)) {
		close_fd(&p->control);
		return -1;
	}
	return n;
}

int proc_next(struct proc *p, struct proto_frame *ret_f)
{
	return proto_parser_next(&p->in, ret_f);
}

ssize_t proc_read_output(struct proc *p, void *buf, size_t size)
{
	ssize_t n;

	if (p->output < 0)
		return -1;
	n = read(p->output, buf, size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_fd(&p->output);
		return -1;
	}
	return n;
}

/* ---- ending ---- */

void proc_cancel(struct proc *p)
{
	p->cancel = true;
}

void proc_kill(struct proc *p)
{
	if (!proc_is_alive(p))
		return;
	kill(-p->pid, SIGKILL); /* it leads a session of its own, unless it is too young */
	kill(p->pid, SIGKILL);
}

bool proc_reap(struct proc *p)
{
	siginfo_t si = {0};

	if (!proc_is_alive(p))
		return false;
	if (waitid(P_PID, p->pid, &si, WEXITED | WNOHANG | WNOWAIT) || !si.si_pid)
		return false;
	/* What it has left behind in its session goes with it; as long as the dead one is not
	 * taken, its number cannot be anybody else's. */
	kill(-p->pid, SIGKILL);
	if (wait4(p->pid, &p->status, WNOHANG, &p->usage) != p->pid)
		return false;
	p->reaped = true;
	return true;
}

void proc_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* The agent's own children, and so not read through the root. */
static void kill_children(void)
{
	char text[4096];
	const char *at = text;
	int64_t pid;

	if (files_read_stream(CHILDREN_FILE, text, sizeof(text)) <= 0)
		return;
	while (!text_int_end(at, &pid, &at) && pid > 1)
		kill(pid, SIGKILL);
}

void proc_end_strays(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	kill_children();
}
