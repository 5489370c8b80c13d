/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXEC: a command on the phone, to its end. Its words are quoted, so the phone's shell changes none
 * of them. Cancelled, the stream is closed, and the phone's shell gets SIGHUP; `exec` makes the
 * command that shell.
 */
#include "drivers/adb/adb.h"

#include <string.h>

#include "base/mem.h"

static void ended(void *arg, int rc, const char *text, struct adb_shell_result *r)
{
	struct adb_op *o = arg;
	struct driver_op *op = o->op;

	o->shell = NULL;
	if (rc) {
		adb_op_fail(o, rc, "%s", text);
		return;
	}
	op->result.exec.exit_code = r->exit_code;
	op->result.exec.cut = r->cut;
	op->result.exec.n_out = r->out.len;
	op->result.exec.n_err = r->err.len;
	buf_text(&r->out);
	buf_text(&r->err);
	op->result.exec.out = (char *)r->out.data;
	op->result.exec.err = (char *)r->err.data;
	buf_init(&r->out, 0);
	buf_init(&r->err, 0);
	adb_op_finish(o, 0);
}

static int command_line(const struct driver_op *op, struct buf *b)
{
	int rc = buf_puts(b, "exec");

	for (int i = 0; !rc && op->in.exec.argv[i]; i++) {
		rc = buf_puts(b, " ");
		if (!rc)
			rc = adb_quote(b, op->in.exec.argv[i]);
	}
	return rc;
}

int adb_exec(struct adb_op *o, struct err *e)
{
	struct driver_op *op = o->op;
	struct adb_shell_config cfg = {.input = op->in.exec.input,
		.n_input = op->in.exec.input ? strlen(op->in.exec.input) : 0,
		.output_max = DRIVER_OUTPUT_MAX};
	struct buf b;
	int rc;

	if (!op->in.exec.argv[0])
		return err_set(e, ERR_INVAL, "a command has at least one word");
	buf_init(&b, ADB_SERVICE_MAX - 64);
	rc = command_line(op, &b);
	if (rc) {
		err_set(e, rc, "the command is longer than a phone takes");
	} else {
		cfg.script = buf_text(&b);
		o->shell = adb_shell_run(o->dev->conn, &cfg, ended, o, e);
		rc = o->shell ? 0 : e->code;
	}
	buf_fini(&b);
	return rc;
}
