/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUSH: a file of the host into files/SHA256 on the phone. What is there with the right size was
 * verified when it got its name, and is skipped. Otherwise it is sent under another name, its hash is
 * taken on the phone (a worn flash or a half file shall be an error, not a strange measurement), and
 * it is renamed. A file that does not fit is removed.
 *
 * Compression pays where the wire is slower than the processors and the file has something to
 * squeeze; weights seldom have. So a sample is tried first, on the pool, and only over USB: over TCP
 * on a farm's own network the wire is the faster part.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/pays.h"

#define OUTPUT_MAX 4096

/* sha256sum is toybox's since Android 7; before, the size has to do. */
static const char script[] =
	"cd %s/files || exit 1\n"
	"h=$(sha256sum %s 2>/dev/null); r=$?\n"
	"if [ $r != 0 ]; then [ -f %s ] || exit 1\n"
	"elif [ \"${h%%%% *}\" != %s ]; then rm -f %s; echo \"hash ${h%%%% *}\"; exit 9; fi\n"
	"chmod %s %s && mv -f %s %s";

static void part_name(const struct adb_op *o, char dst[LIMIT_SHA256 + 8])
{
	snprintf(dst, LIMIT_SHA256 + 8, "%.60s.part", o->op->in.push.sha256);
}

static void sealed(struct adb_op *o, struct adb_shell_result *r)
{
	char said[LIMIT_CAUSE / 2];

	adb_op_said(r, said, sizeof(said));
	if (r->exit_code == 9)
		adb_op_fail(o, ERR_IO,
			"the phone has not what was sent (%s instead of %.16s…): its storage is "
			"failing",
			said, o->op->in.push.sha256);
	else if (r->exit_code)
		adb_op_fail(o, ERR_IO, "cannot put a pushed file in its place: %s", said);
	else
		adb_op_finish(o, 0);
}

static void pushed(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;
	const char *sha = o->op->in.push.sha256;
	char text[sizeof(script) + LIMIT_VALUE + 8 * LIMIT_SHA256], part[LIMIT_SHA256 + 8];
	struct err e = {0};

	if (d->rc && d->ours) {
		o->err.code = d->rc;
		str_copy(o->err.text, sizeof(o->err.text), d->text);
		o->blame = false;
		adb_op_finish(o, d->rc);
		return;
	}
	if (d->rc) {
		adb_op_sync_failed(o, d);
		return;
	}
	o->op->result.push.bytes = d->bytes;
	part_name(o, part);
	snprintf(text, sizeof(text), script, o->dev->workdir, part, part, sha, part,
		o->op->in.push.executable ? "755" : "644", part, part, sha);
	adb_op_step(o, adb_op_shell(o, text, OUTPUT_MAX, sealed, &e), &e);
}

static void send_file(struct adb_op *o, uint32_t compress)
{
	char path[DRIVER_PATH_MAX], part[LIMIT_SHA256 + 8];
	struct adb_sync_push p = {.src = o->op->in.push.src,
		.dst = path,
		.mode = 0600,
		.bytes = o->op->in.push.bytes,
		.sha256 = o->op->in.push.sha256,
		.compress = compress};

	part_name(o, part);
	snprintf(path, sizeof(path), "%s/files/%s", o->dev->workdir, part);
	adb_op_step(o, adb_sync_push(o->sync, &p, pushed, o), NULL);
}

static void sampled(void *arg, uint32_t compress)
{
	struct adb_op *o = arg;

	o->data = NULL;
	if (o->why)
		adb_op_fail(o, o->why, "%s", err_name(o->why));
	else
		send_file(o, compress);
}

/* Without stat_v2 a size wraps at 4 GiB; the file's name is its hash, so the rest of it has to do. */
static bool fits(const struct adb_op *o, uint64_t size)
{
	uint64_t want = (uint64_t)o->op->in.push.bytes;

	return size == want ||
	       (!adb_conn_has(o->dev->conn, ADB_F_STAT_V2) && size == (uint32_t)want);
}

static void looked(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;
	struct driver_op *op = o->op;
	int rc;

	if (d->rc && d->rc != ERR_NOTFOUND) {
		adb_op_sync_failed(o, d);
		return;
	}
	if (!d->rc && S_ISREG(d->stat.mode) && fits(o, d->stat.size)) {
		op->result.push.skipped = true;
		op->result.push.bytes = 0;
		adb_op_finish(o, 0);
		return;
	}
	if (!o->dev->usb || !adb_conn_has(o->dev->conn, ADB_F_SENDRECV_V2)) {
		send_file(o, 0);
		return;
	}
	rc = adb_pays(o->dev->a->host, op->in.push.src, o->dev->conn->banner.features, sampled, o);
	if (rc)
		send_file(o, 0);
}

int adb_push_check(const struct driver_dev *d, const struct driver_op *op, struct err *e)
{
	if (!*d->workdir)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	if (!str_is_sha256(op->in.push.sha256) || op->in.push.bytes < 0)
		return err_set(e, ERR_INVAL, "a file is named by its SHA-256 and has a size");
	if (d->n_of[DRIVER_OP_CLEAN])
		return err_set(e, ERR_BUSY, "the phone is being cleaned");
	return 0;
}

int adb_push(struct adb_op *o, struct err *e)
{
	char path[DRIVER_PATH_MAX];
	int rc = adb_op_sync(o, e);

	snprintf(path, sizeof(path), "%s/files/%s", o->dev->workdir, o->op->in.push.sha256);
	if (!rc && (rc = adb_sync_stat(o->sync, path, looked, o)))
		err_set(e, rc, "cannot ask the phone for a file");
	return rc;
}
