/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network addresses of devices: which there are and why nobody is at one, connect, and not any more. The driver keeps them, so what it says is
 * the answer; that somebody asked goes into the audit table, and the answer waits for that.
 */
#include "api/handlers.h"

#include "api/http.h"
#include "api/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "core/farm.h"
#include "farm/ctl.h"

static void add(void *arg, const char *address, bool kept, const char *trouble)
{
	struct json *o = json_new_object();

	json_add_str(o, "address", address);
	json_add_bool(o, "kept", kept);
	json_add_str(o, "trouble", trouble);
	json_push(arg, o);
}

void addresses_list(struct req *r)
{
	struct json *o = json_new_object(), *list = json_new_array();
	struct api *a = r->api;

	ctl_addresses(a->ctl, add, list);
	json_add(o, "addresses", list);
	req_reply(r, reply_json(200, o));
}

struct body {
	char address[LIMIT_VALUE];
};

static const struct json_field fields[] = {
	{"address", JSON_WANT_TEXT, offsetof(struct body, address), LIMIT_VALUE, 1,
		.required = true},
};

static bool read_body(struct req *r, struct body *b)
{
	struct err e = {0};
	struct json_doc *doc = json_parse(buf_text(&r->body), r->body.len, &e);
	int rc = doc ? json_read(doc, json_root(doc), "request", fields, 1, b, &e) : e.code;

	json_doc_free(doc);
	if (!rc && !str_is_name(b->address) && b->address[0] != '[')
		rc = err_set(&e, ERR_PARSE,
			"an address is HOST:PORT, as in 192.168.0.17:5555, or server:SERIAL");
	if (rc) {
		e.code = ERR_PARSE;
		req_reply(r, reply_error(&e));
	}
	return !rc;
}

static void noted(struct req *r, const struct farm_answer *a)
{
	struct json *o;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	o = json_new_object();
	json_add_str(o, "text", a->text);
	req_reply(r, reply_json(200, o));
}

static void change(struct req *r, bool add)
{
	struct farm_event ev = {.kind = FARM_NOTE};
	struct api *a = r->api;
	struct body b = {""};
	struct err e = {0};

	if (!read_body(r, &b))
		return;
	if (ctl_address(a->ctl, b.address, add, &e)) {
		req_reply(r, reply_error(&e));
		return;
	}
	ev.u.note.action = add ? "device.connect" : "device.disconnect";
	ev.u.note.detail = b.address;
	req_ask(r, &ev, noted);
}

void addresses_connect(struct req *r)
{
	change(r, true);
}

void addresses_disconnect(struct req *r)
{
	change(r, false);
}
