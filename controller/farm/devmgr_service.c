/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that are done to a device itself:
 *	COLLECT    make the attempt's directory (on the pool), collect, hold it to its quota (pool)
 *	DETACH     end the session, let go
 *	ATTACH     take back
 *	INSTALL    install the uploaded packages
 *	PROVISION  check, apply or undo settings
 */
#include "farm/devmgr_internal.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "farm/artifacts.h"
#include "farm/blobs.h"

#define PROVISION_JSON_MAX (256 * 1024)

_Static_assert((int)FARM_PROVISION_CHECK == (int)DRIVER_PROVISION_CHECK &&
		       (int)FARM_PROVISION_APPLY == (int)DRIVER_PROVISION_APPLY &&
		       (int)FARM_PROVISION_UNDO == (int)DRIVER_PROVISION_UNDO,
	"the core's words are the drivers'");

/* ---- COLLECT ---- */

static void begin_work(void *arg)
{
	struct task *t = arg;

	t->rc = artifacts_begin(t->m->data_dir, t->act.arg, t->op.in.collect.dst,
		sizeof(t->op.in.collect.dst), t->err);
}

static void end_work(void *arg)
{
	struct task *t = arg;

	artifacts_end(t->m->data_dir, t->act.arg);
}

/* ---- INSTALL ---- */

static int add_package(struct task *t, const struct json *file, struct err *e)
{
	const char *sha256 = json_str(json_get(file, "sha256"));
	int64_t bytes;

	if (t->n_packages == INSTALL_FILES_MAX)
		return err_set(e, ERR_TOOBIG, "at most %d packages go together", INSTALL_FILES_MAX);
	if (!str_is_sha256(sha256) || !blobs_has(t->m->blobs, sha256, &bytes))
		return err_set(
			e, ERR_NOTFOUND, "a package was never uploaded, or was deleted; try again");
	t->packages[t->n_packages] = mem_alloc(DRIVER_PATH_MAX);
	blobs_path(t->m->blobs, sha256, t->packages[t->n_packages], DRIVER_PATH_MAX);
	t->n_packages++;
	return 0;
}

static void install(struct task *t)
{
	struct json_doc *doc = json_parse(rstr_text(t->act.more), rstr_len(t->act.more), NULL);
	struct err e = {0};
	int rc = doc ? 0 : ERR_PARSE;

	JSON_FOREACH (file, doc ? json_root(doc) : NULL)
		if (!rc)
			rc = add_package(t, file, &e);
	json_doc_free(doc);
	if (rc || !t->n_packages) {
		task_finish(t, rc ? rc : ERR_INVAL, rc ? e.text : "there is no package to install",
			false, NULL);
		return;
	}
	t->op.in.install.src = (const char *const *)t->packages;
	task_submit(t, DRIVER_OP_INSTALL);
}

/* ---- PROVISION ---- */

/* What the driver says came from a device: it is passed on as data, if it is JSON at all. */
static void provisioned(struct task *t)
{
	char *text = t->op.result.provision.json;
	struct farm_event ev = {0};
	struct json_doc *doc;
	size_t n = text ? strlen(text) : 0;

	doc = n && n <= PROVISION_JSON_MAX ? json_parse(text, n, NULL) : NULL;
	if (doc && json_is_array(json_root(doc)))
		ev.u.done.record = rstr_new(text, n);
	json_doc_free(doc);
	mem_free(text);
	task_finish(t, ev.u.done.record ? 0 : ERR_PROTO,
		ev.u.done.record ? "" : "the driver's answer about the settings is malformed",
		false, &ev);
	rstr_unref(ev.u.done.record);
}

/* ---- the sequence ---- */

bool service_begin(struct task *t)
{
	switch (t->act.kind) {
	case ACTION_COLLECT:
		task_on_pool(t, begin_work);
		return true;
	case ACTION_DETACH:
		agent_end_session(t->dev);
		task_submit(t, DRIVER_OP_DETACH);
		return true;
	case ACTION_ATTACH:
		task_submit(t, DRIVER_OP_ATTACH);
		return true;
	case ACTION_INSTALL:
		install(t);
		return true;
	case ACTION_PROVISION:
		t->op.in.provision.what = (enum driver_provision)t->act.arg;
		task_submit(t, DRIVER_OP_PROVISION);
		return true;
	default:
		return false;
	}
}

/* COLLECT alone works on the pool: before and behind its operation. */
void service_worked(struct task *t)
{
	if (t->step++ == STEP_BEGIN)
		task_submit(t, DRIVER_OP_COLLECT);
	else
		task_finish(t, t->collect_rc, "", false, NULL);
}

bool service_op_done(struct task *t)
{
	switch (t->act.kind) {
	case ACTION_COLLECT: /* also what a failed one left is held to the quota */
		t->collect_rc = t->op.rc;
		task_on_pool(t, end_work);
		return true;
	case ACTION_PROVISION:
		if (t->op.rc)
			return false;
		provisioned(t);
		return true;
	case ACTION_DETACH:
	case ACTION_ATTACH:
	case ACTION_INSTALL: /* what was done counts, also when it was to be given up meanwhile */
		task_finish(t, t->op.rc, t->op.text, t->op.blame_device, NULL);
		return true;
	default:
		return false;
	}
}

void service_fini(struct task *t)
{
	for (int i = 0; i < t->n_packages; i++)
		mem_free(t->packages[i]);
	rstr_unref(t->act.more);
}
