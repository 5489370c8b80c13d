/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a device itself when somebody asks: hand it to another tool and take it back,
 * install packages, provision. The answer comes when it is done; a device that is not free, or that
 * fails at it, is a 409 with a sentence.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/param.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/farm.h"
#include "farm/ctl.h"

static void answered(struct req *r, const struct farm_answer *a)
{
	struct json *o;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	o = json_new_object();
	show_id(o, "id", 'd', a->id);
	json_add_str(o, "text", a->text);
	req_reply(r, reply_json(200, o));
}

/* ---- detach, attach ---- */

static void hand_over(struct req *r, enum farm_admin what)
{
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN, .u.admin.what = what};
	char reason[LIMIT_VALUE];

	if (!param_path_id(r, 'd', "device", &ev.u.admin.device) ||
		!param_reason(r, reason, sizeof(reason)))
		return;
	ev.u.admin.reason = reason;
	req_ask_for(r, &ev, API_SERVICE_MS, answered);
}

void devices_detach(struct req *r)
{
	hand_over(r, FARM_ADMIN_DETACH);
}

void devices_attach(struct req *r)
{
	hand_over(r, FARM_ADMIN_ATTACH);
}

/* ---- install ---- */

struct install_body {
	const struct json *files;
};

static const struct json_field install_fields[] = {
	{"files", JSON_WANT_ARRAY, offsetof(struct install_body, files), 0, 1, API_PACKAGES_MAX,
		.required = true},
};

struct package {
	char sha256[LIMIT_SHA256];
	char name[LIMIT_VALUE];
};

static const struct json_field package_fields[] = {
	{"sha256", JSON_WANT_TEXT, offsetof(struct package, sha256), LIMIT_SHA256, 64,
		.required = true},
	{"name", JSON_WANT_TEXT, offsetof(struct package, name), LIMIT_VALUE},
};

/* Appends the package to list and, when its file was never uploaded, to missing. */
static int read_package(struct req *r, const struct json_doc *doc, const struct json *n,
	struct json *list, struct json *missing, struct err *e)
{
	struct package p = {"", ""};
	struct json *o;
	struct api *a = r->api;
	int64_t bytes;
	int rc = json_read(doc, n, "a file", package_fields, 2, &p, e);

	if (!rc && !str_is_sha256(p.sha256))
		rc = err_set(e, ERR_PARSE,
			"\"sha256\" of a file must be 64 lower-case hexadecimal digits");
	if (rc)
		return rc;
	if (!ctl_blob_has(a->ctl, p.sha256, &bytes))
		json_push(missing, json_new_string(p.sha256));
	o = json_new_object();
	json_add_str(o, "sha256", p.sha256);
	json_add_str(o, "name", p.name);
	json_push(list, o);
	return 0;
}

static void ask_install(
	struct req *r, struct farm_event *ev, const struct json *list, const struct json *missing)
{
	struct json *more;
	char *text;

	if (json_count(missing)) {
		more = json_new_object();
		json_add(more, "missing", json_dup(missing));
		req_reply(r, reply_problem_with(409, "missing-files", more,
				     "%d of the packages are not here; PUT each to "
				     "/api/v1/files/{sha256}, then ask again",
				     json_count(missing)));
		return;
	}
	text = json_print(list, false);
	ev->u.admin.more = rstr_new(text, strlen(text));
	mem_free(text);
	req_ask_for(r, ev, API_INSTALL_MS, answered);
	rstr_unref(ev->u.admin.more);
}

void devices_install(struct req *r)
{
	struct farm_event ev = {
		.kind = FARM_DEVICE_ADMIN, .u.admin = {.what = FARM_ADMIN_INSTALL, .reason = ""}};
	struct json *list, *missing;
	struct install_body body = {NULL};
	struct json_doc *doc;
	struct err e = {0};
	int rc;

	if (!param_path_id(r, 'd', "device", &ev.u.admin.device))
		return;
	list = json_new_array();
	missing = json_new_array();
	doc = json_parse(buf_text(&r->body), r->body.len, &e);
	rc = doc ? json_read(doc, json_root(doc), "request", install_fields, 1, &body, &e) : e.code;
	if (!rc && !json_count(body.files))
		rc = err_set(&e, ERR_PARSE, "\"files\" names no package");
	JSON_FOREACH (n, body.files)
		if (!rc)
			rc = read_package(r, doc, n, list, missing, &e);
	if (rc) {
		e.code = ERR_PARSE;
		req_reply(r, reply_error(&e));
	} else {
		ask_install(r, &ev, list, missing);
	}
	json_doc_free(doc);
	json_free(list);
	json_free(missing);
}

/* ---- provision ---- */

struct provision_body {
	int what;
};

static const char *const provision_words[] = {"check", "apply", "undo", NULL};

static const struct json_field provision_fields[] = {
	{"do", JSON_WANT_ENUM, offsetof(struct provision_body, what), .words = provision_words},
};

static void provisioned(struct req *r, const struct farm_answer *a)
{
	struct json *o;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	o = json_new_object();
	show_id(o, "id", 'd', a->id);
	show_stored(o, "settings", a->body);
	req_reply(r, reply_json(200, o));
}

void devices_provision(struct req *r)
{
	struct farm_event ev = {
		.kind = FARM_DEVICE_ADMIN, .u.admin = {.what = FARM_ADMIN_PROVISION}};
	struct provision_body body = {0};
	struct json_doc *doc = NULL;
	struct err e = {0};
	int rc = 0;

	if (!param_path_id(r, 'd', "device", &ev.u.admin.device))
		return;
	if (r->body.len) {
		doc = json_parse(buf_text(&r->body), r->body.len, &e);
		rc = doc ? json_read(doc, json_root(doc), "request", provision_fields, 1, &body, &e)
		         : e.code;
		json_doc_free(doc);
	}
	if (rc) {
		e.code = ERR_PARSE;
		req_reply(r, reply_error(&e));
		return;
	}
	ev.u.admin.provision = (enum farm_provision)body.what;
	ev.u.admin.reason = provision_words[body.what];
	req_ask_for(r, &ev, API_SERVICE_MS, provisioned);
}
