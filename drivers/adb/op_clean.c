/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLEAN: what runs left goes: pushed files that are not to be kept (models above all), and scratch.
 * With `all` also the agent's papers, where it does not live. Never the spool, which holds what was
 * measured and not yet acknowledged, and never the UUID, which is who the phone is.
 *
 * Names come from the phone's own listing, so they are quoted; what has an odd name is removed like
 * everything else. rm follows no link.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define OUTPUT_MAX 4096
#define FILES_MAX  4096
#define ALIVE      94

struct clean {
	struct buf names; /* to remove: each with its NUL */
	size_t at;
	int64_t freed;
};

static void remove_next(struct adb_op *o);

static bool is_kept(const struct driver_op *op, const char *name)
{
	for (int i = 0; op->in.clean.keep && op->in.clean.keep[i]; i++)
		if (!strcmp(op->in.clean.keep[i], name))
			return true;
	return false;
}

static void on_entry(void *arg, const char *name, const struct adb_sync_stat *st)
{
	struct adb_op *o = arg;
	struct clean *c = o->data;

	if (is_kept(o->op, name))
		return;
	if (!buf_put(&c->names, name, strlen(name) + 1))
		c->freed += (int64_t)st->size;
}

/* ---- the last step: scratch, and the agent's papers ---- */

static const char rest[] = "cd %s || exit 1\n"
			   "rm -rf scratch/* scratch/.[!.]* 2>/dev/null\n"
			   "[ %d = 1 ] || exit 0\n"
			   "read p <agent.pid 2>/dev/null\n"
			   "if [ -n \"$p\" ] && grep -q -e \"--dir=%s\" /proc/$p/cmdline "
			   "2>/dev/null; then exit 94; fi\n"
			   "rm -f agent.* start.log epochs; true";

static void cleaned(struct adb_op *o, struct adb_shell_result *r)
{
	struct clean *c = o->data;
	char said[LIMIT_CAUSE / 2];

	if (r->exit_code == ALIVE) {
		adb_op_fail(o, ERR_CONFLICT, "an agent lives on the phone: stop it first");
		return;
	}
	if (r->exit_code) {
		adb_op_said(r, said, sizeof(said));
		adb_op_fail(o, ERR_IO, "cannot clean %s on the phone: %s", o->dev->workdir, said);
		return;
	}
	o->op->result.clean.freed_bytes = c->freed;
	adb_op_finish(o, 0);
}

static void clean_rest(struct adb_op *o)
{
	char text[sizeof(rest) + 2 * LIMIT_VALUE + 16];
	struct err e = {0};

	snprintf(text, sizeof(text), rest, o->dev->workdir, o->op->in.clean.all ? 1 : 0,
		o->dev->workdir);
	adb_op_step(o, adb_op_shell(o, text, OUTPUT_MAX, cleaned, &e), &e);
}

/* ---- files, as many as a command line holds ---- */

static void removed(struct adb_op *o, struct adb_shell_result *r)
{
	char said[LIMIT_CAUSE / 2];

	if (r->exit_code) {
		adb_op_said(r, said, sizeof(said));
		adb_op_fail(o, ERR_IO, "cannot remove files on the phone: %s", said);
		return;
	}
	remove_next(o);
}

static void remove_next(struct adb_op *o)
{
	struct clean *c = o->data;
	struct err e = {0};
	struct buf b;
	int rc = 0;

	if (c->at == c->names.len) {
		clean_rest(o);
		return;
	}
	buf_init(&b, ADB_SCRIPT_MAX + 1024);
	buf_printf(&b, "cd %s/files && rm -rf --", o->dev->workdir);
	while (c->at < c->names.len && b.len < ADB_SCRIPT_MAX && !rc) {
		const char *name = (const char *)c->names.data + c->at;

		rc = buf_puts(&b, " ./");
		if (!rc)
			rc = adb_quote(&b, name);
		c->at += strlen(name) + 1;
	}
	if (!rc)
		rc = adb_op_shell(o, buf_text(&b), OUTPUT_MAX, removed, &e);
	buf_fini(&b);
	adb_op_step(o, rc, &e);
}

static void listed(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;

	if (d->rc && d->rc != ERR_NOTFOUND)
		adb_op_sync_failed(o, d);
	else
		remove_next(o);
}

int adb_clean_check(const struct driver_dev *d, const struct driver_op *op, struct err *e)
{
	(void)op;
	if (!*d->workdir)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	if (d->n_of[DRIVER_OP_PUSH] || d->n_of[DRIVER_OP_START])
		return err_set(e, ERR_BUSY, "files are being pushed to the phone");
	return 0;
}

int adb_clean(struct adb_op *o, struct err *e)
{
	struct clean *c = mem_zalloc(sizeof(*c));
	char path[DRIVER_PATH_MAX];
	int rc;

	buf_init(&c->names, (size_t)FILES_MAX * 256);
	o->data = c;
	snprintf(path, sizeof(path), "%s/files", o->dev->workdir);
	rc = adb_op_sync(o, e);
	if (!rc && (rc = adb_sync_list(o->sync, path, FILES_MAX, on_entry, listed, o)))
		err_set(e, rc, "cannot list the phone's files");
	return rc;
}

void adb_clean_release(struct adb_op *o)
{
	struct clean *c = o->data;

	if (!c)
		return;
	buf_fini(&c->names);
	mem_free(c);
}
