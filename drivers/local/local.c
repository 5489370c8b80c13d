/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local driver: this Linux machine, or a board that runs the controller, as a real device. This
 * file is the driver's table and the life of instance, device and operations; each operation is in
 * a file of its own. It decides nothing and believes nothing about the agent but what the
 * directory says. Loop thread, but for work(), which is on the pool.
 */
#include "drivers/local/local.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/local/driver_local.h"

/* What hangs below the driver's directory must still fit a path. */
#define NAMES_BELOW_MAX 128
#define MIN_FREE_MB     256

static const struct local_kind kinds[DRIVER_OP_KINDS] = {
	[DRIVER_OP_IDENTIFY] = {.work = local_identify},
	[DRIVER_OP_PREPARE] = {.work = local_prepare},
	[DRIVER_OP_PUSH] = {.work = local_push, .check = local_push_check},
	[DRIVER_OP_PULL] = {.work = local_pull},
	[DRIVER_OP_EXEC] = {.begin = local_exec,
		.cancel = local_exec_cancel,
		.check = local_exec_check},
	[DRIVER_OP_START] = {.begin = local_start,
		.cancel = local_start_cancel,
		.check = local_start_check},
	[DRIVER_OP_STOP] = {.begin = local_stop,
		.cancel = local_stop_cancel,
		.check = local_stop_check},
	[DRIVER_OP_CONNECT] = {.begin = local_connect, .cancel = local_connect_cancel},
	[DRIVER_OP_COLLECT] = {.work = local_collect},
	[DRIVER_OP_CLEAN] = {.work = local_clean, .check = local_clean_check},
};

/* ---- options ---- */

static const struct local_option {
	const char *key;
	size_t off, size; /* of a text; size 0: a whole number */
} options[] = {
	{"root", offsetof(struct local_config, root), DRIVER_PATH_MAX},
	{"socket_dir", offsetof(struct local_config, socket_dir), DRIVER_PATH_MAX},
	{"runner_user", offsetof(struct local_config, runner_user), LIMIT_NAME},
	{"min_free_mb", offsetof(struct local_config, min_free_mb), 0},
};

static int take_option(struct local_config *c, const struct driver_option *o, struct err *e)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char *at = (char *)c + options[i].off;
		int64_t v;

		if (strcmp(options[i].key, o->key) != 0)
			continue;
		if (options[i].size) {
			if (!*o->value || !str_copy(at, options[i].size, o->value))
				return err_set(e, ERR_RANGE, "local driver: %s has 1 to %zu bytes",
					o->key, options[i].size - 1);
			return 0;
		}
		if (!str_to_i64(o->value, &v) || v < 0 || v > INT64_MAX >> 20)
			return err_set(e, ERR_RANGE,
				"local driver: %s must be a number of megabytes", o->key);
		*(int64_t *)at = v;
		return 0;
	}
	return err_set(e, ERR_INVAL, "the local driver has no option \"%s\"", o->key);
}

static int read_config(
	struct local_config *c, const struct driver_option *opts, int n_opts, struct err *e)
{
	*c = (struct local_config){
		.root = "/", .runner_user = "framefarm-runner", .min_free_mb = MIN_FREE_MB};
	str_copy(c->socket_dir, sizeof(c->socket_dir), geteuid() ? "/tmp" : "/run");
	for (int i = 0; i < n_opts; i++) {
		int rc = take_option(c, &opts[i], e);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- operations ---- */

static void unlink_op(struct local_op *lo)
{
	*lo->prev = lo->next;
	if (lo->next)
		lo->next->prev = lo->prev;
	lo->l->n_of[lo->op->kind]--;
}

static struct local_op *op_new(struct local *l, struct driver_op *op)
{
	struct local_op *lo = mem_zalloc(sizeof(*lo));

	lo->l = l;
	lo->op = op;
	lo->kind = &kinds[op->kind];
	lo->next = l->ops;
	lo->prev = &l->ops;
	if (lo->next)
		lo->next->prev = &lo->next;
	l->ops = lo;
	l->n_of[op->kind]++;
	op->priv = lo;
	return lo;
}

/* A result that nobody will look at. */
static void drop_result(struct driver_op *op)
{
	if (op->kind == DRIVER_OP_EXEC) {
		mem_free(op->result.exec.out);
		mem_free(op->result.exec.err);
	} else if (op->kind == DRIVER_OP_CONNECT && op->result.stream) {
		local_stream_drop(op->result.stream);
	}
	memset(&op->result, 0, sizeof(op->result));
}

void local_op_finish(struct local_op *lo, int rc)
{
	struct driver_op *op = lo->op;
	struct local *l = lo->l;
	int why = atomic_load(&lo->why);

	/* A device that goes takes its successes with it; a request to cancel that came too late is
	 * void. */
	if (why == ERR_GONE || (rc && why)) {
		if (!rc)
			drop_result(op);
		rc = why;
		err_set(&lo->err, rc, "%s",
			why == ERR_GONE ? "the local driver was stopped" : "cancelled");
	}
	op->rc = rc;
	op->blame_device = rc && !why && lo->blame;
	str_copy(op->text, sizeof(op->text), rc ? lo->err.text : "");
	op->priv = NULL;
	unlink_op(lo);
	mem_free(lo);
	l->host->op_done(l->host, op);
	local_check_end(l);
}

static void on_finish_soon(void *arg)
{
	struct local_op *lo = arg;

	lo->soon = NULL;
	local_op_finish(lo, lo->rc);
}

void local_op_finish_soon(struct local_op *lo, int rc)
{
	struct driver_host *h = lo->l->host;

	assert(!lo->soon);
	lo->rc = rc;
	lo->soon = h->timer_add(h, h->now_ms(h), on_finish_soon, lo);
}

static void pool_work(void *arg)
{
	struct local_op *lo = arg;

	lo->rc = local_op_stopped(lo, &lo->err);
	if (!lo->rc)
		lo->rc = lo->work(lo, &lo->err);
}

static void pool_done(void *arg)
{
	struct local_op *lo = arg;

	lo->worked(lo, lo->rc);
}

int local_op_on_pool(struct local_op *lo, int (*work)(struct local_op *lo, struct err *e),
	void (*worked)(struct local_op *lo, int rc))
{
	struct driver_host *h = lo->l->host;

	lo->work = work;
	lo->worked = worked;
	return h->blocking(h, pool_work, pool_done, lo);
}

int local_op_stopped(struct local_op *lo, struct err *e)
{
	int why = atomic_load(&lo->why);

	return why ? err_set(e, why, "%s", err_name(why)) : 0;
}

static int begin(struct local_op *lo, struct err *e)
{
	int rc;

	if (lo->kind->begin)
		return lo->kind->begin(lo, e);
	rc = local_op_on_pool(lo, lo->kind->work, local_op_finish);
	return rc ? err_set(e, rc, "too much work is queued") : 0;
}

static int submit(void *inst, struct driver_op *op, struct err *e)
{
	struct local *l = inst;
	struct local_op *lo;
	int rc = 0;

	assert(op->kind < DRIVER_OP_KINDS);
	if (l->stopped || op->dev != (struct driver_dev *)l)
		return err_set(e, ERR_GONE, "the local driver was stopped");
	if (!kinds[op->kind].begin && !kinds[op->kind].work)
		return err_set(e, ERR_UNSUPPORTED, "the local device has no operation \"%s\"",
			driver_op_name(op->kind));
	if (kinds[op->kind].check)
		rc = kinds[op->kind].check(l, op, e);
	if (rc)
		return rc;
	memset(&op->result, 0, sizeof(op->result));
	lo = op_new(l, op);
	rc = begin(lo, e);
	if (!rc)
		return 0;
	op->priv = NULL;
	unlink_op(lo);
	mem_free(lo);
	return rc;
}

static void end_early(struct local_op *lo, int why)
{
	int none = 0;

	/* The first reason stays, but a device that is gone outranks a request. */
	if (!atomic_compare_exchange_strong(&lo->why, &none, why)) {
		if (why == ERR_GONE)
			atomic_store(&lo->why, why);
		return;
	}
	if (lo->kind->cancel)
		lo->kind->cancel(lo);
}

static void cancel(void *inst, struct driver_op *op)
{
	(void)inst;
	if (op->priv)
		end_early(op->priv, ERR_CANCELLED);
}

/* ---- the instance ---- */

static void on_arrival(void *arg)
{
	struct local *l = arg;

	l->soon = NULL;
	l->arrived = true;
	l->host->arrived(l->host, &driver_local, (struct driver_dev *)l, "this machine");
}

static void on_end(void *arg)
{
	struct local *l = arg;

	if (l->arrived)
		l->host->gone(l->host, (struct driver_dev *)l, "the local driver was stopped");
	l->stopped(l->stopped_arg);
	mem_free(l->chunk);
	mem_free(l);
}

void local_check_end(struct local *l)
{
	if (!l->stopped || l->ending || l->ops || l->streams)
		return;
	l->ending = true;
	l->soon = l->host->timer_add(l->host, l->host->now_ms(l->host), on_end, l);
}

static void stop(void *inst, void (*stopped)(void *arg), void *arg)
{
	struct local *l = inst;

	assert(!l->stopped);
	l->stopped = stopped;
	l->stopped_arg = arg;
	if (l->soon)
		l->host->timer_del(l->host, l->soon);
	for (struct local_op *lo = l->ops; lo; lo = lo->next)
		end_early(lo, ERR_GONE);
	local_streams_end(l);
	local_check_end(l);
}

/* realpath() here, once and before anything runs, is the one call that touches the disk on the
 * loop thread: every later path hangs on it. */
static int set_dir(struct local *l, const char *dir, struct err *e)
{
	char *real = realpath(dir, NULL);
	int rc = 0;

	if (!real)
		return err_errno(e, errno, "the local driver's directory %s", dir);
	if (strlen(real) + NAMES_BELOW_MAX > DRIVER_PATH_MAX)
		rc = err_set(e, ERR_TOOBIG,
			"the local driver's directory has a path of more than %d bytes: %s",
			DRIVER_PATH_MAX - NAMES_BELOW_MAX, real);
	else
		str_copy(l->dir, sizeof(l->dir), real);
	free(real);
	return rc ? rc : local_path(l->workdir, l->dir, "device", e);
}

static int start(struct driver_host *h, const char *dir, const struct driver_option *opts,
	int n_opts, void **ret_inst, struct err *e)
{
	struct local *l = mem_zalloc(sizeof(*l));
	int rc = read_config(&l->cfg, opts, n_opts, e);

	if (!rc)
		rc = set_dir(l, dir, e);
	if (rc) {
		mem_free(l);
		return rc;
	}
	l->host = h;
	l->chunk = mem_alloc(LOCAL_READ_CHUNK);
	l->soon = h->timer_add(h, h->now_ms(h), on_arrival, l);
	*ret_inst = l;
	return 0;
}

const struct driver driver_local = {
	.api_version = DRIVER_API_VERSION,
	.name = "local",
	.long_name = "this Linux machine",
	.caps = DRIVER_CAP_EXEC | DRIVER_CAP_COLLECT,
	.start = start,
	.stop = stop,
	.submit = submit,
	.cancel = cancel,
};
