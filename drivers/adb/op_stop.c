/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOP: the agent is asked to end, and killed when it does not. Its number is believed only when the
 * process of that number has our directory among its arguments, since numbers are used again.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>

#define OUTPUT_MAX 4096
#define STILL      93

/* Whole seconds: toolbox's sleep (Android 5) takes no fractions. */
static const char script[] =
	"cd %s 2>/dev/null || exit 0\n"
	"read p <agent.pid 2>/dev/null\n"
	"alive() { [ -n \"$p\" ] && grep -q -e \"--dir=%s\" /proc/$p/cmdline 2>/dev/null; }\n"
	"if alive; then kill $p 2>/dev/null; for i in 1 2 3 4 5; do alive || break; sleep 1; done; "
	"fi\n"
	"if alive; then kill -9 $p; for i in 1 2 3 4 5; do alive || break; sleep 1; done; fi\n"
	"alive && exit 93\n"
	"rm -f agent.secret agent.hex agent.endpoint; true";

void adb_stop_script(const struct driver_dev *d, char *dst, size_t size)
{
	snprintf(dst, size, script, d->workdir, d->workdir);
}

static void stopped(struct adb_op *o, struct adb_shell_result *r)
{
	if (r->exit_code == STILL)
		adb_op_fail(o, ERR_TIMEOUT,
			"the agent does not end, not even when it is killed: restart the phone");
	else
		adb_op_finish(o, 0);
}

int adb_stop_check(const struct driver_dev *d, const struct driver_op *op, struct err *e)
{
	(void)op;
	if (!*d->workdir)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	if (d->n_of[DRIVER_OP_START] || d->n_of[DRIVER_OP_STOP])
		return err_set(e, ERR_BUSY, "the phone's agent is being started or stopped");
	return 0;
}

int adb_stop(struct adb_op *o, struct err *e)
{
	char text[1024];

	adb_stop_script(o->dev, text, sizeof(text));
	return adb_op_shell(o, text, OUTPUT_MAX, stopped, e);
}
