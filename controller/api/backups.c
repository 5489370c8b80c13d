/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups: begun here, made by the controller, looked at while they are under way. Administrators alone: the
 * daemon writes where it is told. That somebody asked is on the disk, in the audit table, before it begins.
 */
#include "api/handlers.h"

#include <stddef.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/param.h"
#include "api/show.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/farm.h"
#include "farm/ctl.h"

static struct json *show(struct ctl *ctl)
{
	static const char *const states[] = {"none", "running", "done", "failed"};
	struct json *o = json_new_object();
	struct ctl_backup b;

	ctl_backup_get(ctl, &b);
	json_add_str(o, "state", states[b.state]);
	json_add_str(o, "dir", b.dir);
	json_add_str(o, "what", b.what);
	json_add_int(o, "done_bytes", b.done_bytes);
	json_add_int(o, "of_bytes", b.of_bytes);
	json_add_int(o, "files", b.n_files);
	json_add_int(o, "bytes", b.bytes);
	json_add_str(o, "cause", b.cause);
	show_time(o, "started_at", b.started_ms);
	show_time(o, "ended_at", b.ended_ms);
	return o;
}

void backups_get(struct req *r)
{
	static const char *const known[] = {NULL};
	struct api *a = r->api;

	if (param_only(r, known))
		req_reply(r, reply_json(200, show(a->ctl)));
}

struct body {
	char dir[sizeof(((struct ctl_backup *)0)->dir)];
};

static int read_body(struct req *r, struct body *b, struct err *e)
{
	static const struct json_field fields[] = {{"dir", JSON_WANT_TEXT,
		offsetof(struct body, dir), sizeof(b->dir), 1, .required = true}};
	struct json_doc *doc = json_parse(buf_text(&r->body), r->body.len, e);
	int rc = doc ? json_read(doc, json_root(doc), "request", fields, 1, b, e) : e->code;

	json_doc_free(doc);
	if (rc)
		e->code = ERR_PARSE;
	return rc;
}

static void noted(struct req *r, const struct farm_answer *answer)
{
	struct api *a = r->api;
	struct body b = {""};
	struct err e = {0};

	if (answer->rc) {
		req_reply(r, ask_refused(answer));
		return;
	}
	read_body(r, &b, &e); /* it was read before */
	if (ctl_backup_begin(a->ctl, b.dir, &e))
		req_reply(r, reply_error(&e));
	else
		req_reply(r, reply_json(202, show(a->ctl)));
}

void backups_post(struct req *r)
{
	struct farm_event ev = {.kind = FARM_NOTE};
	struct body b = {""};
	struct err e = {0};

	if (read_body(r, &b, &e)) {
		req_reply(r, reply_error(&e));
		return;
	}
	ev.u.note.action = "farm.backup";
	ev.u.note.detail = b.dir;
	req_ask(r, &ev, noted);
}
