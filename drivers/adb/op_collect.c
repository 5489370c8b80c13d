/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COLLECT: what explains a failed run: the phone's log, its newest tombstones, its temperatures and
 * battery, the agent's own log. One command and one file each; a phone that has one of them not, or
 * does not show it, is no failure. Each is bounded, and keeps its end rather than its beginning.
 */
#include "drivers/adb/adb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX (1024 * 1024)

static const struct item {
	const char *name;
	const char *script; /* %s: the working directory, as often as it stands there */
} items[] = {
	{"logcat.txt", "logcat -d -b main,system,crash -v threadtime -t 5000 2>/dev/null | tail -c "
		       "1000000"},
	/* On a user build the shell may not read tombstones, but dropbox keeps copies. */
	{"tombstones.txt",
		"if ls /data/tombstones/* >/dev/null 2>&1; then for f in $(ls -t "
		"/data/tombstones/* "
		"2>/dev/null | head -n 3); do echo \"== $f\"; tail -c 300000 $f; done; else "
		"dumpsys "
		"dropbox --print SYSTEM_TOMBSTONE 2>/dev/null | tail -c 300000; fi 2>/dev/null"},
	{"thermal.txt", "dumpsys thermalservice 2>/dev/null"},
	{"battery.txt", "dumpsys battery 2>/dev/null"},
	{"agent.log", "cat %s/agent.log.1 %s/agent.log 2>/dev/null | tail -c 1000000"},
};

#define ITEMS ((int)(sizeof(items) / sizeof(items[0])))

struct collect {
	struct adb_op *o;
	int at;
	struct buf text; /* of the present item; the pool's while it is written */
	char dst[DRIVER_PATH_MAX];
	int rc;
	struct err err;
};

static void next_item(struct adb_op *o);

/* ---- on the pool ---- */

static int write_all(int fd, const struct buf *b)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n = write(fd, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
	}
	return 0;
}

static void work(void *arg)
{
	struct collect *c = arg;
	char path[DRIVER_PATH_MAX + 64];
	int fd, rc;

	if (mkdir(c->dst, 0700) && errno != EEXIST) {
		c->rc = err_errno(&c->err, errno, "cannot make %s", c->dst);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", c->dst, items[c->at].name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		c->rc = err_errno(&c->err, errno, "cannot write %s", path);
		return;
	}
	rc = write_all(fd, &c->text);
	if (close(fd) && !rc)
		rc = -errno;
	c->rc = rc ? err_errno(&c->err, -rc, "cannot write %s", path) : 0;
}

/* ---- on the loop ---- */

static void written(void *arg)
{
	struct collect *c = arg;
	struct adb_op *o = c->o;

	buf_fini(&c->text);
	if (c->rc) {
		/* The host's disk, not the phone. */
		o->err = c->err;
		adb_op_finish(o, c->rc);
		return;
	}
	if (o->why) {
		adb_op_fail(o, o->why, "%s", err_name(o->why));
		return;
	}
	c->at++;
	next_item(o);
}

static void printed(struct adb_op *o, struct adb_shell_result *r)
{
	struct collect *c = o->data;
	struct driver_host *h = o->dev->a->host;

	if (!r->out.len) {
		c->at++;
		next_item(o);
		return;
	}
	c->text = r->out;
	buf_init(&r->out, 0);
	if (h->blocking(h, work, written, c))
		adb_op_fail(o, ERR_FULL, "too much work is queued");
}

static void next_item(struct adb_op *o)
{
	struct collect *c = o->data;
	const char *dir = o->dev->workdir;
	char text[1024];
	struct err e = {0};

	if (c->at == ITEMS) {
		adb_op_finish(o, 0);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), items[c->at].script, dir, dir);
#pragma GCC diagnostic pop
	adb_op_step(o, adb_op_shell(o, text, FILE_MAX, printed, &e), &e);
}

int adb_collect(struct adb_op *o, struct err *e)
{
	struct collect *c = mem_zalloc(sizeof(*c));
	char text[] = "true";

	c->o = o;
	c->at = -1;
	str_copy(c->dst, sizeof(c->dst), o->op->in.collect.dst);
	o->data = c;
	return adb_op_shell(o, text, FILE_MAX, printed, e);
}

void adb_collect_release(struct adb_op *o)
{
	struct collect *c = o->data;

	if (!c)
		return;
	buf_fini(&c->text);
	mem_free(c);
}
