/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process whose output is collected, bounded, and the EXEC operation. What a child prints
 * beyond the bound is read and dropped, so that it never blocks on us. The end is the end of the
 * child: what it left running in the background may hold the pipes open, and is not waited for.
 */
#include "drivers/local/local.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define PATH_SEARCH "/usr/bin/env" /* looks argv[0] up where it has no slash */
#define DRAIN_MAX   64             /* reads of LOCAL_READ_CHUNK behind the child's end */

struct pipe_end {
	struct local_proc *p;
	int fd; /* ours; -1: closed */
	struct host_fd *watch;
	struct buf buf; /* what came */
};

struct local_proc {
	struct local *l;
	struct host_child *child;
	struct pipe_end in, out, err;
	const uint8_t *input;
	size_t n_input;
	bool cut;
	void (*done)(void *arg, struct local_proc_result *r);
	void *arg;
};

static void end_close(struct pipe_end *pe)
{
	struct driver_host *h = pe->p->l->host;

	if (pe->watch)
		h->fd_del(h, pe->watch);
	if (pe->fd >= 0)
		close(pe->fd);
	pe->watch = NULL;
	pe->fd = -1;
}

/* Reads once; false at the end, and when nothing is there. */
static bool read_some(struct pipe_end *pe)
{
	uint8_t *chunk = pe->p->l->chunk;
	ssize_t n = read(pe->fd, chunk, LOCAL_READ_CHUNK);
	size_t room = pe->buf.max - pe->buf.len;

	if (n < 0)
		return errno == EINTR;
	if ((size_t)n > room) {
		pe->p->cut = true;
		buf_put(&pe->buf, chunk, room);
	} else {
		buf_put(&pe->buf, chunk, n);
	}
	if (n == 0)
		end_close(pe);
	return n > 0;
}

static void on_output(void *arg, unsigned events)
{
	(void)events;
	read_some(arg);
}

/* A child that closes its stdin early has read enough. */
static void on_input_room(void *arg, unsigned events)
{
	struct pipe_end *pe = arg;
	struct local_proc *p = pe->p;
	ssize_t n = write(pe->fd, p->input, p->n_input);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		p->input += n;
		p->n_input -= n;
	}
	if (n < 0 || !p->n_input)
		end_close(pe);
}

static void drain(struct pipe_end *pe)
{
	for (int i = 0; pe->fd >= 0 && i < DRAIN_MAX && read_some(pe); i++)
		;
	end_close(pe);
}

static void take_text(struct pipe_end *pe, char **ret_text, size_t *ret_n)
{
	buf_text(&pe->buf);
	*ret_text = (char *)pe->buf.data;
	*ret_n = pe->buf.len;
}

static void on_exit_of_child(void *arg, int status)
{
	struct local_proc *p = arg;
	struct local_proc_result r = {.status = status};

	drain(&p->out);
	drain(&p->err);
	end_close(&p->in);
	take_text(&p->out, &r.out, &r.n_out);
	take_text(&p->err, &r.err, &r.n_err);
	r.cut = p->cut;
	p->done(p->arg, &r);
	mem_free(p);
}

/* A pipe whose end `ours` does not block. */
static int open_pipe(int fds[2], int ours, struct err *e)
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	fcntl(fds[ours], F_SETFL, O_NONBLOCK);
	return 0;
}

static int open_pipes(int in[2], int out[2], int err[2], struct err *e)
{
	int rc = open_pipe(in, 1, e);

	if (!rc)
		rc = open_pipe(out, 0, e);
	if (!rc)
		rc = open_pipe(err, 0, e);
	return rc;
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void watch(struct pipe_end *pe, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), size_t max)
{
	struct driver_host *h = pe->p->l->host;

	pe->fd = fd;
	buf_init(&pe->buf, max);
	pe->watch = h->fd_add(h, fd, events, fn, pe);
}

struct local_proc *local_proc_new(struct local *l, const char *path, char *const *argv,
	const void *input, size_t n_input, size_t max_output,
	void (*done)(void *arg, struct local_proc_result *r), void *arg, struct err *e)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	struct driver_host *h = l->host;
	struct host_spawn sp = {.path = path, .argv = argv};
	struct local_proc *p = mem_zalloc(sizeof(*p));

	*p = (struct local_proc){
		.l = l, .input = input, .n_input = n_input, .done = done, .arg = arg};
	p->in = p->out = p->err = (struct pipe_end){.p = p, .fd = -1};
	if (!open_pipes(in, out, err, e)) {
		sp.fd_in = in[0];
		sp.fd_out = out[1];
		sp.fd_err = err[1];
		p->child = h->spawn(h, &sp, on_exit_of_child, p, e);
	}
	if (!p->child) {
		close_pair(in);
		close_pair(out);
		close_pair(err);
		mem_free(p);
		return NULL;
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	watch(&p->in, in[1], HOST_FD_WRITE, on_input_room, 0);
	watch(&p->out, out[0], HOST_FD_READ, on_output, max_output);
	watch(&p->err, err[0], HOST_FD_READ, on_output, max_output);
	if (!n_input)
		end_close(&p->in);
	return p;
}

void local_proc_kill(struct local_proc *p)
{
	p->l->host->child_kill(p->l->host, p->child, SIGKILL);
}

/* ---- EXEC ---- */

static void exec_done(void *arg, struct local_proc_result *r)
{
	struct local_op *lo = arg;
	struct driver_op *op = lo->op;
	int why = atomic_load(&lo->why);

	lo->data = NULL;
	if (why) {
		mem_free(r->out);
		mem_free(r->err);
		local_op_finish(lo, why);
		return;
	}
	op->result.exec.exit_code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
	op->result.exec.out = r->out;
	op->result.exec.n_out = r->n_out;
	op->result.exec.err = r->err;
	op->result.exec.n_err = r->n_err;
	op->result.exec.cut = r->cut;
	local_op_finish(lo, 0);
}

int local_exec_check(const struct local *l, const struct driver_op *op, struct err *e)
{
	(void)l;
	if (!op->in.exec.argv[0] || !*op->in.exec.argv[0])
		return err_set(e, ERR_INVAL, "a command needs a program");
	return 0;
}

int local_exec(struct local_op *lo, struct err *e)
{
	struct driver_op *op = lo->op;
	const char *argv[DRIVER_ARGV_MAX + 2] = {PATH_SEARCH};
	const char *input = op->in.exec.input;
	bool search = !strchr(op->in.exec.argv[0], '/');
	int n = search ? 1 : 0;

	for (int i = 0; op->in.exec.argv[i]; i++) {
		assert(i < DRIVER_ARGV_MAX);
		argv[n++] = op->in.exec.argv[i];
	}
	argv[n] = NULL;
	lo->data = local_proc_new(lo->l, argv[0], (char *const *)argv, input,
		input ? strlen(input) : 0, DRIVER_OUTPUT_MAX, exec_done, lo, &lo->err);
	return lo->data ? 0 : err_set(e, lo->err.code, "%s", lo->err.text);
}

void local_exec_cancel(struct local_op *lo)
{
	if (lo->data)
		local_proc_kill(lo->data);
}
