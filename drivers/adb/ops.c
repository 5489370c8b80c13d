/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of a phone from submit() to their one completion, and the steps that they are made of:
 * commands and transfers. See adb.h. Loop thread.
 */
#include "drivers/adb/adb.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

const struct adb_kind adb_kinds[DRIVER_OP_KINDS] = {
	/* A phone arrives when it is seen, which is before it can be asked. */
	[DRIVER_OP_IDENTIFY] = {.begin = adb_identify, .waits = true},
	[DRIVER_OP_PREPARE] = {.begin = adb_prepare},
	[DRIVER_OP_PUSH] = {.begin = adb_push, .check = adb_push_check},
	[DRIVER_OP_PULL] = {.begin = adb_pull},
	[DRIVER_OP_EXEC] = {.begin = adb_exec},
	[DRIVER_OP_START] = {.begin = adb_start,
		.check = adb_start_check,
		.release = adb_start_release},
	[DRIVER_OP_STOP] = {.begin = adb_stop, .check = adb_stop_check},
	[DRIVER_OP_CONNECT] = {.begin = adb_connect, .release = adb_connect_release},
	[DRIVER_OP_COLLECT] = {.begin = adb_collect, .release = adb_collect_release},
	[DRIVER_OP_CLEAN] = {.begin = adb_clean,
		.check = adb_clean_check,
		.release = adb_clean_release},
	[DRIVER_OP_REBOOT] = {.begin = adb_reboot},
	[DRIVER_OP_DETACH] = {.begin = adb_detach, .offline = true},
	[DRIVER_OP_ATTACH] = {.begin = adb_attach, .offline = true},
	[DRIVER_OP_INSTALL] = {.begin = adb_install, .release = adb_install_release},
	[DRIVER_OP_PROVISION] = {.begin = adb_provision, .release = adb_provision_release},
};

/* ---- the end ---- */

static void unlink_op(struct adb_op *o)
{
	*o->prev = o->next;
	if (o->next)
		o->next->prev = o->prev;
	o->dev->n_ops--;
	o->dev->n_of[o->op->kind]--;
}

/* A result that nobody will look at. */
static void drop_result(struct driver_op *op)
{
	if (op->kind == DRIVER_OP_EXEC) {
		mem_free(op->result.exec.out);
		mem_free(op->result.exec.err);
	} else if (op->kind == DRIVER_OP_CONNECT && op->result.stream) {
		adb_stream_out_drop(op->result.stream);
	} else if (op->kind == DRIVER_OP_PROVISION) {
		mem_free(op->result.provision.json);
	}
	memset(&op->result, 0, sizeof(op->result));
}

/* A device that goes takes its successes with it; a request to cancel that came too late is void. */
static int settle(struct adb_op *o, int rc)
{
	if (o->why == ERR_GONE || (rc && o->why)) {
		if (!rc)
			drop_result(o->op);
		rc = o->why;
		o->blame = false;
		err_set(&o->err, rc, "%s",
			rc == ERR_GONE && *o->dev->why ? o->dev->why : err_name(rc));
	}
	if (rc && !*o->err.text)
		err_set(&o->err, rc, "%s", err_name(rc));
	return rc;
}

void adb_op_finish(struct adb_op *o, int rc)
{
	struct driver_op *op = o->op;
	struct driver_dev *d = o->dev;
	struct driver_host *h = d->a->host;

	assert(!o->shell && !o->soon);
	if (o->sync)
		adb_sync_end(o->sync);
	if (o->kind->release)
		o->kind->release(o);
	op->rc = settle(o, rc);
	op->blame_device = op->rc && o->blame;
	str_copy(op->text, sizeof(op->text), op->rc ? o->err.text : "");
	op->priv = NULL;
	unlink_op(o);
	mem_free(o);
	h->op_done(h, op);
	adb_dev_check_end(d);
}

static bool is_blame(int rc)
{
	return rc != ERR_GONE && rc != ERR_CANCELLED && rc != ERR_INVAL && rc != ERR_UNSUPPORTED &&
	       rc != ERR_FULL && rc != ERR_BUSY && rc != ERR_WRONGSTATE;
}

void adb_op_fail(struct adb_op *o, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->err.text, sizeof(o->err.text), fmt, ap);
	va_end(ap);
	o->err.code = rc;
	o->blame = is_blame(rc);
	adb_op_finish(o, rc);
}

static void on_finish_soon(void *arg)
{
	struct adb_op *o = arg;

	o->soon = NULL;
	adb_op_finish(o, o->rc);
}

void adb_op_finish_soon(struct adb_op *o, int rc)
{
	struct driver_host *h = o->dev->a->host;

	assert(!o->soon);
	o->rc = rc;
	o->soon = h->timer_add(h, h->now_ms(h), on_finish_soon, o);
}

/* ---- steps ---- */

void adb_op_step(struct adb_op *o, int rc, const struct err *e)
{
	if (rc)
		adb_op_fail(o, rc, "%s", e && *e->text ? e->text : err_name(rc));
}

static void shell_done(void *arg, int rc, const char *text, struct adb_shell_result *r)
{
	struct adb_op *o = arg;

	o->shell = NULL;
	if (!rc && o->why)
		rc = o->why;
	if (rc)
		adb_op_fail(o, rc, "%s", text);
	else
		o->then(o, r);
}

int adb_op_shell(struct adb_op *o, const char *script, size_t output_max,
	void (*then)(struct adb_op *o, struct adb_shell_result *r), struct err *e)
{
	struct adb_shell_config cfg = {.script = script, .output_max = output_max};

	assert(!o->shell);
	if (!o->dev->conn)
		return err_set(e, ERR_GONE, "the phone is out of reach");
	o->then = then;
	o->shell = adb_shell_run(o->dev->conn, &cfg, shell_done, o, e);
	return o->shell ? 0 : e->code;
}

int adb_op_sync(struct adb_op *o, struct err *e)
{
	if (o->sync)
		return 0;
	if (!o->dev->conn)
		return err_set(e, ERR_GONE, "the phone is out of reach");
	o->sync = adb_sync_new(o->dev->conn, e);
	return o->sync ? 0 : e->code;
}

void adb_op_sync_failed(struct adb_op *o, const struct adb_sync_done *d)
{
	adb_op_fail(o, d->rc, "%s", d->text);
}

void adb_op_said(const struct adb_shell_result *r, char *dst, size_t size)
{
	const struct buf *b = r->err.len ? &r->err : &r->out;
	size_t n = b->len, begin;

	while (n && (b->data[n - 1] == '\n' || b->data[n - 1] == ' '))
		n--;
	for (begin = n; begin && b->data[begin - 1] != '\n'; begin--)
		;
	str_copy_clean(dst, size, n ? (const char *)b->data + begin : "", n - begin);
	if (!*dst)
		str_copy(dst, size, "it said nothing");
}

/* ---- the beginning ---- */

static int check(const struct driver_dev *d, const struct driver_op *op, struct err *e)
{
	const struct adb_kind *k = &adb_kinds[op->kind];

	if (d->ending)
		return err_set(e, ERR_GONE, "the phone is gone");
	if (!k->begin)
		return err_set(e, ERR_UNSUPPORTED, "a phone has no operation \"%s\"",
			driver_op_name(op->kind));
	if (!d->conn && !k->offline && !k->waits)
		return err_set(e, ERR_WRONGSTATE, "the phone cannot be used at present");
	if (d->n_ops >= ADB_OPS_MAX)
		return err_set(e, ERR_FULL, "the phone has %d operations under way", d->n_ops);
	return k->check ? k->check(d, op, e) : 0;
}

static struct adb_op *op_new(struct driver_dev *d, struct driver_op *op)
{
	struct adb_op *o = mem_zalloc(sizeof(*o));

	o->dev = d;
	o->op = op;
	o->kind = &adb_kinds[op->kind];
	o->next = d->ops;
	o->prev = &d->ops;
	if (o->next)
		o->next->prev = &o->next;
	d->ops = o;
	d->n_ops++;
	d->n_of[op->kind]++;
	op->priv = o;
	return o;
}

int adb_op_submit(void *inst, struct driver_op *op, struct err *e)
{
	struct err mine = {0};
	struct adb_op *o;
	int rc;

	(void)inst;
	assert(op->kind < DRIVER_OP_KINDS);
	if (!e)
		e = &mine;
	rc = check(op->dev, op, e);
	if (rc)
		return rc;
	memset(&op->result, 0, sizeof(op->result));
	o = op_new(op->dev, op);
	o->waiting = o->kind->waits && !op->dev->conn;
	rc = o->waiting ? 0 : o->kind->begin(o, e);
	if (!rc)
		return 0;
	if (o->sync)
		adb_sync_end(o->sync);
	if (o->kind->release)
		o->kind->release(o);
	op->priv = NULL;
	unlink_op(o);
	mem_free(o);
	return rc;
}

void adb_op_begin_waiting(struct driver_dev *d)
{
	struct adb_op *o, *next;

	for (o = d->ops; o; o = next) {
		struct err e = {0};

		next = o->next;
		if (!o->waiting || o->why)
			continue;
		o->waiting = false;
		adb_op_step(o, o->kind->begin(o, &e), &e);
	}
}

/* The step under way is told; its end is the operation's. */
void adb_op_end_early(struct adb_op *o, int why, const char *text)
{
	(void)text;
	if (o->why == ERR_GONE || o->why == why)
		return;
	if (o->waiting && !o->why)
		adb_op_finish_soon(o, why);
	o->why = why; /* a device that is gone outranks a request */
	if (o->shell)
		adb_shell_cancel(o->shell);
	else if (o->sync) {
		struct adb_sync *s = o->sync;

		o->sync = NULL;
		adb_sync_end(s);
	} else if (o->stream)
		o->stream->ops->close(o->stream);
}

void adb_op_cancel(void *inst, struct driver_op *op)
{
	(void)inst;
	if (op->priv)
		adb_op_end_early(op->priv, ERR_CANCELLED, "cancelled");
}
