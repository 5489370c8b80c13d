/* SPDX-License-Identifier: Apache-2.0 */
/*
 * START: the agent, detached, reached through a socket.
 *
 *	pool   look whether an agent lives here; make secret, endpoint and user ready
 *	loop   run the agent's first process to its end: it waits until the agent is ready
 *
 * An agent that lives here is kept: it may be in the middle of a run that the controller, just
 * restarted, will want to hear of. To be able to talk to it, the secret is kept in a file beside
 * it, and used again for as long as that file is there; STOP removes it.
 */
#include "drivers/local/local.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define ARGS_MAX   24
#define OUTPUT_MAX 4096
#define READY      "ready "

struct start {
	struct local_op *lo;
	struct local_proc *proc;
	bool running; /* one was there */
	char program[DRIVER_PATH_MAX];
	char endpoint[LIMIT_VALUE];
	uint32_t runner_uid; /* 0: none */
	char dir_arg[DRIVER_PATH_MAX + 16], listen_arg[LIMIT_VALUE + 16], uid_arg[32];
};

/* ---- on the pool ---- */

/* The secret that is used from now on stands in op->in.start.secret. */
static int settle_secret(struct start *s, struct err *e)
{
	struct driver_op *op = s->lo->op;
	char path[DRIVER_PATH_MAX], kept[LOCAL_SECRET + 1];
	int rc = local_agent_secret_path(s->lo->l, path, e);

	if (rc)
		return rc;
	if (local_read_text(path, kept, sizeof(kept)) == LOCAL_SECRET) {
		memcpy(op->in.start.secret, kept, LOCAL_SECRET);
		return 0;
	}
	if (s->running)
		return err_set(e, ERR_CONFLICT,
			"an agent runs in %s, but its secret is lost: stop it first",
			s->lo->l->workdir);
	return local_write_file(path, op->in.start.secret, LOCAL_SECRET, e);
}

static int get_ready(struct local_op *lo, struct err *e)
{
	struct start *s = lo->data;
	char name[LIMIT_SHA256 + 8];
	int pidfd, rc;

	lo->blame = true;
	pidfd = local_agent_pidfd(lo->l);
	s->running = pidfd >= 0;
	if (s->running)
		close(pidfd);
	rc = local_agent_endpoint(lo->l, s->endpoint, sizeof(s->endpoint), e);
	if (!rc)
		rc = settle_secret(s, e);
	if (!rc)
		rc = local_runner_uid(lo->l, &s->runner_uid, e);
	if (rc || s->running)
		return rc;
	snprintf(name, sizeof(name), "files/%s", lo->op->in.start.agent_sha256);
	rc = local_path(s->program, lo->l->workdir, name, e);
	if (!rc && access(s->program, X_OK) < 0)
		rc = err_set(e, ERR_NOTFOUND, "the agent %s was not pushed before",
			lo->op->in.start.agent_sha256);
	return rc;
}

/* ---- on the loop ---- */

static void finish(struct start *s, int rc)
{
	struct local_op *lo = s->lo;
	struct driver_op *op = lo->op;

	if (!rc) {
		str_copy(op->result.start.endpoint, sizeof(op->result.start.endpoint), s->endpoint);
		op->result.start.running = s->running;
	}
	lo->data = NULL;
	mem_free(s);
	local_op_finish(lo, rc);
}

/* "ready ENDPOINT" as a line of its own. */
static bool says_ready(const struct start *s, const char *out)
{
	size_t n = strlen(s->endpoint);

	for (const char *p = strstr(out, READY); p; p = strstr(p + 1, READY)) {
		const char *v = p + strlen(READY);

		if ((p == out || p[-1] == '\n') && !strncmp(v, s->endpoint, n) && v[n] == '\n')
			return true;
	}
	return false;
}

/* The last thing it said, for people. */
static void describe(const struct local_proc_result *r, char *dst, size_t size)
{
	size_t n = r->n_err, begin;

	while (n && (r->err[n - 1] == '\n' || r->err[n - 1] == ' '))
		n--;
	for (begin = n; begin && r->err[begin - 1] != '\n'; begin--)
		;
	str_copy_clean(dst, size, r->err + begin, n - begin);
}

static int judge(struct start *s, const struct local_proc_result *r, struct err *e)
{
	char said[LIMIT_CAUSE / 2];

	if (WIFEXITED(r->status) && !WEXITSTATUS(r->status) && says_ready(s, r->out))
		return 0;
	describe(r, said, sizeof(said));
	s->lo->blame = true;
	if (WIFSIGNALED(r->status))
		return err_set(e, ERR_IO, "the agent was killed by signal %d at its start; %s",
			WTERMSIG(r->status), said);
	if (WEXITSTATUS(r->status))
		return err_set(e, ERR_IO, "the agent ended with %d at its start: %s",
			WEXITSTATUS(r->status), *said ? said : "it said nothing");
	return err_set(e, ERR_PROTO, "the agent did not say \"%s%s\"", READY, s->endpoint);
}

static void on_proc_done(void *arg, struct local_proc_result *r)
{
	struct start *s = arg;
	int rc = judge(s, r, &s->lo->err);

	mem_free(r->out);
	mem_free(r->err);
	finish(s, rc);
}

static int spawn_agent(struct start *s)
{
	struct driver_op *op = s->lo->op;
	const char *argv[ARGS_MAX];
	int n = 0;

	snprintf(s->dir_arg, sizeof(s->dir_arg), "--dir=%s", s->lo->l->workdir);
	snprintf(s->listen_arg, sizeof(s->listen_arg), "--listen=%s", s->endpoint);
	snprintf(s->uid_arg, sizeof(s->uid_arg), "--runner-uid=%u", s->runner_uid);
	argv[n++] = s->program;
	argv[n++] = s->dir_arg;
	argv[n++] = s->listen_arg;
	if (s->runner_uid)
		argv[n++] = s->uid_arg;
	for (int i = 0; i < 16 && op->in.start.options[i]; i++)
		argv[n++] = op->in.start.options[i];
	argv[n] = NULL;
	s->proc = local_proc_new(s->lo->l, s->program, (char *const *)argv, op->in.start.secret,
		LOCAL_SECRET, OUTPUT_MAX, on_proc_done, s, &s->lo->err);
	s->lo->blame = !s->proc;
	return s->proc ? 0 : s->lo->err.code;
}

static void on_ready_to_start(struct local_op *lo, int rc)
{
	struct start *s = lo->data;

	if (!rc)
		rc = local_op_stopped(lo, &lo->err);
	if (!rc && !s->running) {
		rc = spawn_agent(s);
		if (!rc)
			return;
	}
	finish(s, rc);
}

int local_start_check(const struct local *l, const struct driver_op *op, struct err *e)
{
	if (!str_is_sha256(op->in.start.agent_sha256))
		return err_set(e, ERR_INVAL, "the agent is named by its SHA-256");
	if (l->n_of[DRIVER_OP_START] || l->n_of[DRIVER_OP_STOP] || l->n_of[DRIVER_OP_CLEAN])
		return err_set(e, ERR_BUSY, "the local device's agent is being started or stopped");
	return 0;
}

int local_start(struct local_op *lo, struct err *e)
{
	struct start *s = mem_zalloc(sizeof(*s));
	int rc;

	s->lo = lo;
	lo->data = s;
	rc = local_op_on_pool(lo, get_ready, on_ready_to_start);
	if (!rc)
		return 0;
	mem_free(s);
	return err_set(e, rc, "too much work is queued");
}

/* What has detached already lives on; the next START finds it. */
void local_start_cancel(struct local_op *lo)
{
	struct start *s = lo->data;

	if (s->proc)
		local_proc_kill(s->proc);
}
