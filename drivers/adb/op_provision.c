/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROVISION: a phone's settings held against the table of provision.h, made as they should be, or
 * given back. What a setting was before it was changed is written to a journal in the driver's
 * directory (one file a phone, by UUID) and is on the disk before the phone is touched; a value that
 * stands in the journal already stays, so applying twice can still be undone.
 *
 *	CHECK	ask
 *	APPLY	ask → journal → set → ask
 *	UNDO	read the journal → unset → ask → remove the journal, unless something kept its value
 */
#include "drivers/adb/adb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/provision.h"

#define ANSWER_MAX  (64 * 1024)
#define JOURNAL_MAX (64 * 1024)
#define SCRIPT_MAX  8192

struct provision {
	struct adb_op *o;
	enum driver_provision what;
	struct adb_provision_state before, after;
	bool changed[ADB_PROVISION_MAX];

	/* The pool's while it works. */
	char path[DRIVER_PATH_MAX + 80];
	bool in_journal[ADB_PROVISION_MAX];
	char had[ADB_PROVISION_MAX][LIMIT_VALUE];
	int rc;
	struct err err;
	bool denied; /* the phone does not let its shell change something */
};

/* ---- the journal, on the pool ---- */

static void take_journal(struct provision *p, const struct json *root)
{
	JSON_FOREACH (it, root) {
		int i = adb_provision_find(json_key(it));

		if (i < 0 || !json_str(it))
			continue;
		p->in_journal[i] = true;
		str_copy(p->had[i], LIMIT_VALUE, json_str(it));
	}
}

static void read_journal(void *arg)
{
	struct provision *p = arg;
	char *text = mem_alloc(JOURNAL_MAX);
	int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, JOURNAL_MAX);
	struct json_doc *doc = n > 0 ? json_parse(text, n, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	if (doc)
		take_journal(p, json_root(doc));
	else if (n >= 0)
		p->rc = err_set(&p->err, ERR_CORRUPT, "the journal %s is damaged", p->path);
	else if (p->what == DRIVER_PROVISION_UNDO)
		p->rc = err_set(&p->err, ERR_NOTFOUND,
			"there is no journal of changes to this phone: nothing to undo");
	json_doc_free(doc);
	mem_free(text);
}

static int make_dir(struct provision *p)
{
	char dir[sizeof(p->path)];

	str_copy(dir, sizeof(dir), p->path);
	*strrchr(dir, '/') = '\0';
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_errno(&p->err, errno, "cannot make %s", dir);
	return 0;
}

static int write_text(struct provision *p, const char *text)
{
	char tmp[sizeof(p->path) + 4];
	FILE *f;
	bool ok;

	snprintf(tmp, sizeof(tmp), "%s.new", p->path);
	f = fopen(tmp, "we");
	if (!f)
		return err_errno(&p->err, errno, "cannot write %s", tmp);
	ok = fputs(text, f) >= 0 && !fflush(f) && !fsync(fileno(f));
	if (fclose(f) || !ok || rename(tmp, p->path))
		return err_errno(&p->err, errno, "cannot write %s", p->path);
	return 0;
}

static void write_journal(void *arg)
{
	struct provision *p = arg;
	struct json *o = json_new_object();
	char *text;

	for (int i = 0; i < adb_n_settings; i++)
		if (p->in_journal[i])
			json_add_str(o, adb_settings[i].name, p->had[i]);
	text = json_print(o, false);
	p->rc = make_dir(p);
	if (!p->rc)
		p->rc = write_text(p, text);
	mem_free(text);
	json_free(o);
}

static void remove_journal(void *arg)
{
	struct provision *p = arg;

	unlink(p->path);
}

static void on_pool(struct adb_op *o, void (*work)(void *arg), void (*done)(void *arg))
{
	struct driver_host *h = o->dev->a->host;

	if (h->blocking(h, work, done, o->data))
		adb_op_fail(o, ERR_FULL, "too much work is queued");
}

/* Whether a step on the pool went well; ends the operation when not. */
static bool went_well(struct provision *p)
{
	struct adb_op *o = p->o;

	if (o->why)
		adb_op_fail(o, o->why, "%s", err_name(o->why));
	else if (p->rc) {
		o->err = p->err;
		adb_op_finish(o, p->rc); /* the host's disk, not the phone */
	} else
		return true;
	return false;
}

/* ---- the answer ---- */

/* By OPPO, OnePlus and realme; by Xiaomi. */
static const char denied[] =
	"the phone denies its shell this: Developer options, Disable permission monitoring, or USB "
	"debugging (Security settings); then USB debugging off and on, and provision again";

static void report(struct adb_op *o)
{
	struct provision *p = o->data;
	struct json *arr = json_new_array();

	for (int i = 0; i < adb_n_settings; i++) {
		const struct adb_setting *s = &adb_settings[i];
		struct json *row;
		bool ok;

		if (!adb_provision_applies(i, o->dev->usb))
			continue;
		row = json_new_object();
		json_add_str(row, "setting", s->name);
		json_add_str(row, "want", s->want);
		json_add_str(row, "is", p->after.value[i]);
		ok = adb_provision_ok(&p->after, i);
		json_add_bool(row, "ok", ok);
		json_add_bool(row, "applied", p->changed[i] && ok);
		json_add_str(row, "how", p->denied && p->changed[i] && !ok ? denied : s->how);
		json_push(arr, row);
	}
	o->op->result.provision.json = json_print(arr, false);
	json_free(arr);
	adb_op_finish(o, 0);
}

static void journal_removed(void *arg)
{
	struct provision *p = arg;

	if (went_well(p))
		report(p->o);
}

/* The first setting that has not the value back that it had; -1 when all have. */
static int not_given_back(const struct provision *p)
{
	for (int i = 0; i < adb_n_settings; i++)
		if (p->in_journal[i] && !adb_provision_was_undone(i, p->had[i], p->after.value[i]))
			return i;
	return -1;
}

static void undone(struct adb_op *o)
{
	struct provision *p = o->data;
	int i = not_given_back(p);

	if (i < 0) {
		on_pool(o, remove_journal, journal_removed);
		return;
	}
	err_set(&o->err, ERR_IO,
		"the phone does not take %s back: it is \"%.60s\" and was \"%.60s\"; the journal "
		"is "
		"kept, so try again",
		adb_settings[i].name, p->after.value[i], p->had[i]);
	adb_op_finish(o, ERR_IO); /* a setting is no reason to think ill of the phone */
}

static void asked_after(struct adb_op *o, struct adb_shell_result *r)
{
	struct provision *p = o->data;

	adb_provision_read(&r->out, &p->after);
	if (p->what == DRIVER_PROVISION_UNDO)
		undone(o);
	else
		report(o);
}

static int ask(
	struct adb_op *o, void (*then)(struct adb_op *o, struct adb_shell_result *r), struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SCRIPT_MAX);
	adb_provision_ask(&b);
	rc = adb_op_shell(o, buf_text(&b), ANSWER_MAX, then, e);
	buf_fini(&b);
	return rc;
}

/* What did not work is seen by asking; but not why. */
static void changed(struct adb_op *o, struct adb_shell_result *r)
{
	struct provision *p = o->data;
	struct err e = {0};

	p->denied = strstr(buf_text(&r->out), "SecurityException") ||
	            strstr(buf_text(&r->err), "SecurityException");
	adb_op_step(o, ask(o, asked_after, &e), &e);
}

static void run_script(struct adb_op *o, struct buf *b)
{
	struct err e = {0};

	buf_puts(b, "true");
	adb_op_step(o, adb_op_shell(o, buf_text(b), ANSWER_MAX, changed, &e), &e);
	buf_fini(b);
}

/* ---- APPLY ---- */

static void journal_written(void *arg)
{
	struct provision *p = arg;
	struct buf b;

	if (!went_well(p))
		return;
	buf_init(&b, SCRIPT_MAX);
	for (int i = 0; i < adb_n_settings; i++)
		if (p->changed[i])
			adb_provision_set(&b, i);
	run_script(p->o, &b);
}

static void journal_read(void *arg)
{
	struct provision *p = arg;
	struct adb_op *o = p->o;

	if (!went_well(p))
		return;
	for (int i = 0; i < adb_n_settings; i++) {
		p->changed[i] = adb_settings[i].set && adb_provision_applies(i, o->dev->usb) &&
		                !adb_provision_ok(&p->before, i);
		if (!p->changed[i] || p->in_journal[i])
			continue;
		p->in_journal[i] = true;
		str_copy(p->had[i], LIMIT_VALUE, p->before.value[i]);
	}
	on_pool(o, write_journal, journal_written);
}

static void asked_before(struct adb_op *o, struct adb_shell_result *r)
{
	struct provision *p = o->data;

	adb_provision_read(&r->out, &p->before);
	p->after = p->before;
	if (p->what == DRIVER_PROVISION_CHECK)
		report(o);
	else
		on_pool(o, read_journal, journal_read);
}

/* ---- UNDO ---- */

static void undo(void *arg)
{
	struct provision *p = arg;
	struct buf b;

	if (!went_well(p))
		return;
	buf_init(&b, SCRIPT_MAX);
	for (int i = 0; i < adb_n_settings; i++) {
		p->changed[i] = p->in_journal[i];
		if (p->in_journal[i])
			adb_provision_unset(&b, i, *p->had[i] ? p->had[i] : "null");
	}
	run_script(p->o, &b);
}

int adb_provision(struct adb_op *o, struct err *e)
{
	struct provision *p = mem_zalloc(sizeof(*p));
	struct driver_host *h = o->dev->a->host;

	o->data = p;
	p->o = o;
	p->what = o->op->in.provision.what;
	if (!*o->dev->uuid)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	snprintf(p->path, sizeof(p->path), "%s/provision/%s.json", o->dev->a->dir, o->dev->uuid);
	if (p->what != DRIVER_PROVISION_UNDO)
		return ask(o, asked_before, e);
	return h->blocking(h, read_journal, undo, p)
	               ? err_set(e, ERR_FULL, "too much work is queued")
	               : 0;
}

void adb_provision_release(struct adb_op *o)
{
	mem_free(o->data);
}
