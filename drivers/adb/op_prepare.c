/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PREPARE: the working directory on the phone, private, on a file system with room and from which
 * programs may be started. `stat -f` is toybox's (Android 6) and GNU's; df's columns differ too much
 * between Androids to be read, so an older phone's space is found out by pushing.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define OUTPUT_MAX 4096

enum { CANNOT_MAKE = 91, NO_EXECUTE = 92 };

static const char script[] = "d=%s; umask 077\n"
			     "mkdir -p $d/files && chmod 700 $d && chmod 700 $d/files || exit 91\n"
			     "echo 'exit 42' >$d/probe.sh && chmod 700 $d/probe.sh || exit 91\n"
			     "(exec $d/probe.sh) >/dev/null 2>&1; r=$?; rm -f $d/probe.sh\n"
			     "[ $r = 126 ] && exit 92\n"
			     "stat -f -c 'free=%%a %%S' $d 2>/dev/null; true";

/* -1 when the phone does not tell. */
static int64_t free_bytes(const struct buf *out)
{
	struct buf *b = (struct buf *)out;
	const char *at = strstr(buf_text(b), "free=");
	long long blocks, size;

	if (!at || sscanf(at, "free=%lld %lld", &blocks, &size) != 2 || blocks < 0 || size <= 0 ||
		blocks > INT64_MAX / size)
		return -1;
	return blocks * size;
}

static void prepared(struct adb_op *o, struct adb_shell_result *r)
{
	struct driver_dev *d = o->dev;
	int64_t room = free_bytes(&r->out), need = d->a->cfg.min_free_mb << 20;
	char said[LIMIT_CAUSE / 2];

	adb_op_said(r, said, sizeof(said));
	if (r->exit_code == NO_EXECUTE) {
		adb_op_fail(o, ERR_PERM,
			"the phone does not let programs be started in %s: is it mounted noexec? "
			"Choose another directory with the driver's option workdir",
			d->workdir);
	} else if (r->exit_code) {
		adb_op_fail(o, strstr(said, "No space") ? ERR_NOSPACE : ERR_IO,
			"cannot prepare %s on the phone: %s", d->workdir, said);
	} else if (room >= 0 && room < need) {
		adb_op_fail(o, ERR_NOSPACE,
			"the phone has %lld MB free in %s, %lld MB are needed: delete something on "
			"it",
			(long long)(room >> 20), d->workdir, (long long)(need >> 20));
	} else {
		str_copy(o->op->result.workdir, sizeof(o->op->result.workdir), d->workdir);
		adb_op_finish(o, 0);
	}
}

int adb_prepare(struct adb_op *o, struct err *e)
{
	char text[sizeof(script) + LIMIT_VALUE];

	if (!*o->dev->workdir)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	snprintf(text, sizeof(text), script, o->dev->workdir);
	return adb_op_shell(o, text, OUTPUT_MAX, prepared, e);
}
