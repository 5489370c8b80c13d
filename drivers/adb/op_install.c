/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INSTALL: an application package, or a base with its splits. Three ways, the best that the phone
 * has: its package manager reads the bytes from the stream, reached by abb_exec (Android 11 and
 * later) or by `exec:cmd package` (7 and later), or the file is pushed and `pm install` reads it
 * there. With splits a session is opened, each file is written to it, and it is committed.
 *
 * What the package manager answers is for people; hint.h adds what they can do.
 */
#include "drivers/adb/adb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/feed.h"
#include "drivers/adb/hint.h"

#define FILES_MAX  64
#define APK_MAX    (4LL << 30)
#define ANSWER_MAX 8192
#define TMP        "/data/local/tmp/framefarm-install.apk"

enum way { WAY_ABB, WAY_CMD, WAY_PUSH };

enum step { STEP_SINGLE, STEP_CREATE, STEP_WRITE, STEP_COMMIT };

struct install {
	struct adb_op *o;
	enum way way;
	enum step step;
	int n, at;
	int64_t bytes[FILES_MAX];
	int session;
	struct buf answer;
	struct adb_feed *feed;
};

static void begin_step(struct adb_op *o);

/* ---- what the phone said ---- */

/* said: the first line of what it answered. */
static void explain(struct adb_op *o, const char *said, const char *answer)
{
	const char *hint = adb_install_hint(answer);

	adb_op_fail(o, adb_install_code(answer), "the phone does not install it: %.*s%s%s",
		*hint ? 120 : 200, said, *hint ? "; " : "", hint);
}

/* "Success", or "Success: created install session [1234]". */
static void understood(struct adb_op *o, const struct buf *answer)
{
	struct install *in = o->data;
	struct buf *b = (struct buf *)answer;
	const char *text = buf_text(b), *num;
	char said[LIMIT_CAUSE];

	str_copy_clean(said, sizeof(said), text, strcspn(text, "\r\n"));
	if (!strstr(text, "Success")) {
		explain(o, *said ? said : "it said nothing", text);
		return;
	}
	if (in->step == STEP_CREATE) {
		num = strchr(text, '[');
		in->session = num ? atoi(num + 1) : 0;
		in->step = STEP_WRITE;
	} else if (in->step == STEP_WRITE && ++in->at < in->n) {
		in->step = STEP_WRITE;
	} else if (in->step == STEP_WRITE) {
		in->step = STEP_COMMIT;
	} else {
		adb_op_finish(o, 0);
		return;
	}
	begin_step(o);
}

/* ---- the package manager over a stream ---- */

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct install *in = ((struct adb_op *)arg)->data;
	size_t room = ANSWER_MAX - in->answer.len;

	buf_put(&in->answer, data, n < room ? n : room);
}

static void on_drained(void *arg)
{
	struct install *in = ((struct adb_op *)arg)->data;

	if (in->feed)
		adb_feed_drained(in->feed);
}

static void on_fed(void *arg, int rc, const char *text)
{
	struct adb_op *o = arg;
	struct install *in = o->data;

	in->feed = NULL;
	if (!rc)
		return; /* the answer comes when the phone has read it all */
	err_set(&o->err, rc, "%s", text);
	o->rc = rc;
	o->stream->ops->close(o->stream);
}

static void on_opened(void *arg)
{
	struct adb_op *o = arg;
	struct install *in = o->data;

	if (in->step == STEP_CREATE || in->step == STEP_COMMIT)
		return;
	in->feed = adb_feed_new(o->dev->conn, o->stream, o->op->in.install.src[in->at],
		in->bytes[in->at], on_fed, o);
	if (!in->feed)
		on_fed(o, ERR_FULL, "too much work is queued");
}

static void on_closed(void *arg, int code, const char *text)
{
	struct adb_op *o = arg;
	struct install *in = o->data;

	o->stream = NULL;
	adb_feed_drop(in->feed);
	in->feed = NULL;
	if (o->why)
		adb_op_fail(o, o->why, "%s", err_name(o->why));
	else if (o->rc)
		adb_op_finish(o, o->rc);
	else if (code)
		adb_op_fail(o, code == ERR_NOTFOUND ? ERR_UNSUPPORTED : code, "%s", text);
	else
		understood(o, &in->answer);
}

static const struct stream_events events = {on_data, on_drained, on_closed};

/* The words of one request to the package manager, with `sep` between them. */
static int words(const struct install *in, char sep, struct buf *b)
{
	switch (in->step) {
	case STEP_SINGLE:
		return buf_printf(b, "package%cinstall%c-r%c-S%c%lld", sep, sep, sep, sep,
			(long long)in->bytes[0]);
	case STEP_CREATE:
		return buf_printf(b, "package%cinstall-create%c-r", sep, sep);
	case STEP_WRITE:
		return buf_printf(b, "package%cinstall-write%c-S%c%lld%c%d%csplit%d.apk%c-", sep,
			sep, sep, (long long)in->bytes[in->at], sep, in->session, sep, in->at, sep);
	default:
		return buf_printf(b, "package%cinstall-commit%c%d", sep, sep, in->session);
	}
}

static int open_step(struct adb_op *o, struct err *e)
{
	struct install *in = o->data;
	struct adb_conn *c = o->dev->conn;
	struct buf b;

	if (!c)
		return err_set(e, ERR_GONE, "the phone is out of reach");
	buf_fini(&in->answer);
	buf_init(&b, 512);
	buf_puts(&b, in->way == WAY_ABB ? "abb_exec:" : "exec:cmd ");
	words(in, in->way == WAY_ABB ? '\0' : ' ', &b);
	o->stream = c->ops->open(c, (const char *)b.data, b.len, &events, on_opened, o, e);
	buf_fini(&b);
	return o->stream ? 0 : e->code;
}

/* ---- by way of a file ---- */

static void pm_ended(struct adb_op *o, struct adb_shell_result *r)
{
	understood(o, r->out.len ? &r->out : &r->err);
}

static void pushed(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;
	struct err e = {0};

	if (d->rc)
		adb_op_sync_failed(o, d);
	else
		adb_op_step(o,
			adb_op_shell(o, "pm install -r " TMP "; r=$?; rm -f " TMP "; exit $r",
				ANSWER_MAX, pm_ended, &e),
			&e);
}

static int push_step(struct adb_op *o, struct err *e)
{
	struct install *in = o->data;
	struct adb_sync_push p = {
		.src = o->op->in.install.src[0], .dst = TMP, .mode = 0644, .bytes = in->bytes[0]};
	int rc = adb_op_sync(o, e);

	return rc ? rc : adb_sync_push(o->sync, &p, pushed, o);
}

/* ---- the operation ---- */

static void begin_step(struct adb_op *o)
{
	struct err e = {0};

	adb_op_step(o, open_step(o, &e), &e);
}

static int look_at_files(struct adb_op *o, struct err *e)
{
	struct install *in = o->data;
	const char *const *src = o->op->in.install.src;
	struct stat st;

	for (in->n = 0; src[in->n]; in->n++) {
		if (in->n == FILES_MAX)
			return err_set(e, ERR_TOOBIG, "at most %d packages at once", FILES_MAX);
		if (stat(src[in->n], &st))
			return err_errno(e, errno, "cannot read %s", src[in->n]);
		if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > APK_MAX)
			return err_set(e, ERR_INVAL, "%s is no application package", src[in->n]);
		in->bytes[in->n] = st.st_size;
	}
	return in->n ? 0 : err_set(e, ERR_INVAL, "no package was named");
}

int adb_install(struct adb_op *o, struct err *e)
{
	struct install *in = mem_zalloc(sizeof(*in));
	struct adb_conn *c = o->dev->conn;
	int rc;

	in->o = o;
	o->data = in;
	buf_init(&in->answer, ANSWER_MAX);
	rc = look_at_files(o, e);
	if (rc)
		return rc;
	in->way = adb_conn_has(c, ADB_F_ABB_EXEC) ? WAY_ABB
	          : adb_conn_has(c, ADB_F_CMD)    ? WAY_CMD
	                                          : WAY_PUSH;
	in->step = in->n > 1 ? STEP_CREATE : STEP_SINGLE;
	if (in->way != WAY_PUSH)
		return open_step(o, e);
	if (in->n > 1)
		return err_set(e, ERR_UNSUPPORTED,
			"this phone's Android is too old for a package with splits");
	return push_step(o, e);
}

void adb_install_release(struct adb_op *o)
{
	struct install *in = o->data;

	if (!in)
		return;
	adb_feed_drop(in->feed);
	buf_fini(&in->answer);
	mem_free(in);
}
