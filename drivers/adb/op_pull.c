/* SPDX-License-Identifier: Apache-2.0 */
/* PULL: a file of the phone into the host. A relative path is one below the working directory. */
#include "drivers/adb/adb.h"

#include <stdio.h>

static void pulled(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;

	if (!d->rc) {
		adb_op_finish(o, 0);
		return;
	}
	adb_op_sync_failed(o, d);
}

int adb_pull(struct adb_op *o, struct err *e)
{
	const struct driver_op *op = o->op;
	char path[DRIVER_PATH_MAX + LIMIT_VALUE];
	int rc = adb_op_sync(o, e);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s%s%s", *op->in.pull.src == '/' ? "" : o->dev->workdir,
		*op->in.pull.src == '/' ? "" : "/", op->in.pull.src);
	rc = adb_sync_pull(o->sync, path, op->in.pull.dst, op->in.pull.max_bytes, 0, pulled, o);
	return rc ? err_set(e, rc, "cannot ask the phone for %.100s", path) : 0;
}
