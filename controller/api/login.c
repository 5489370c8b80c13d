/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's session: the token is shown once and traded for a cookie that no script can read
 * and no other site can make the browser send. Its value is random and lives in memory alone, so a
 * restart of the daemon ends all sessions.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

struct body {
	char token[AUTH_TOKEN_MAX];
};

static struct json *show_principal(const struct principal *who)
{
	struct json *o = json_new_object();

	json_add_str(o, "actor", who->actor);
	json_add_str(o, "role", role_name(who->role));
	return o;
}

static void set_cookie(const struct req *r, struct reply *p, const char *value, long long age_s)
{
	reply_header(p, "Set-Cookie",
		AUTH_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", value, age_s,
		req_is_tls(r) ? "; Secure" : "");
}

static int read_body(struct req *r, struct body *ret_b, struct err *e)
{
	static const struct json_field fields[] = {
		{.key = "token",
			.want = JSON_WANT_TEXT,
			.off = offsetof(struct body, token),
			.size = AUTH_TOKEN_MAX,
			.min = 1,
			.required = true},
	};
	struct json_doc *doc = json_parse(buf_text(&r->body), r->body.len, e);
	int rc = doc ? json_read(doc, json_root(doc), "request", fields, 1, ret_b, e) : e->code;

	json_doc_free(doc);
	return rc;
}

void login_post(struct req *r)
{
	struct api *a = r->api;
	char value[AUTH_SESSION];
	struct body body = {""};
	struct principal who;
	struct err e = {0};
	struct reply *p;
	bool ok;

	if (read_body(r, &body, &e)) {
		req_reply(r, reply_problem(400, "malformed", "%s", e.text));
		return;
	}
	ok = auth_token(a->auth, body.token, &who);
	explicit_bzero(&body, sizeof(body));
	if (!ok) {
		log_warn("event=login_refused");
		req_reply(r, reply_problem(401, "unauthorized",
				     "this token is not known here; the "
				     "daemon wrote the right one to %s",
				     a->token_path));
		return;
	}
	auth_session_new(a->auth, &who, api_now_ms(a), value);
	p = reply_json(200, show_principal(&who));
	set_cookie(r, p, value, API_SESSION_MS / 1000);
	req_reply(r, p);
}

void login_get(struct req *r)
{
	req_reply(r, reply_json(200, show_principal(&r->who)));
}

void login_delete(struct req *r)
{
	const char *value = req_cookie(r, AUTH_COOKIE);
	struct api *a = r->api;
	struct reply *p = reply_new(204);

	if (value)
		auth_session_del(a->auth, value);
	set_cookie(r, p, "", 0);
	req_reply(r, p);
}
