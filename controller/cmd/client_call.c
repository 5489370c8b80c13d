/* SPDX-License-Identifier: Apache-2.0 */
/* What most requests need around client_send(): paths, JSON, pages; see client.h. */
#include "cmd/client.h"

#include <stdarg.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static bool put_encoded(char *dst, size_t size, size_t *n, const char *s)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s; s++) {
		if (*n + 4 > size)
			return false;
		if (strchr(plain, *s))
			dst[(*n)++] = *s;
		else
			*n += (size_t)snprintf(dst + *n, size - *n, "%%%02X", (unsigned char)*s);
	}
	return true;
}

int client_path(char dst[CLIENT_PATH_MAX], struct err *e, const char *fmt, ...)
{
	bool fits = true;
	size_t n = 0;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt && fits; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			fits = put_encoded(dst, CLIENT_PATH_MAX, &n, va_arg(ap, const char *));
			fmt++;
		} else if (n + 1 < CLIENT_PATH_MAX) {
			dst[n++] = *fmt;
		} else {
			fits = false;
		}
	}
	va_end(ap);
	if (!fits || n >= CLIENT_PATH_MAX)
		return err_set(e, ERR_TOOBIG, "this is too long for a request");
	dst[n] = '\0';
	return 0;
}

struct json_doc *client_json(const struct fetch_reply *r, struct err *e)
{
	struct json_doc *d =
		json_parse(r->body.data ? (const char *)r->body.data : "", r->body.len, e);

	if (!d && e) {
		e->code = ERR_PROTO;
		err_wrap(e, "the daemon's answer cannot be read");
	}
	return d;
}

int client_get(struct client *c, const char *path, int64_t timeout_ms, struct json_doc **ret_d,
	struct err *e)
{
	struct client_request rq = {.path = path, .timeout_ms = timeout_ms};
	struct fetch_reply r;
	int rc;

	fetch_reply_init(&r);
	rc = client_send(c, &rq, &r, e);
	if (!rc) {
		*ret_d = client_json(&r, e);
		rc = *ret_d ? 0 : ERR_PROTO;
	}
	fetch_reply_fini(&r);
	return rc;
}

int client_post_reason(struct client *c, const char *path, const char *reason, struct err *e)
{
	struct json *body = json_new_object();
	struct client_request rq = {.method = "POST", .path = path};
	struct fetch_reply r;
	char *text;
	int rc;

	if (*reason)
		json_add_str(body, "reason", reason);
	text = json_print(body, false);
	json_free(body);
	rq.json = text;
	fetch_reply_init(&r);
	rc = client_send(c, &rq, &r, e);
	fetch_reply_fini(&r);
	mem_free(text);
	return rc;
}

int client_post(struct client *c, const char *path, const char *json, int64_t timeout_ms,
	struct json_doc **ret_d, struct err *e)
{
	struct client_request rq = {.method = "POST",
		.path = path,
		.json = json,
		.timeout_ms = timeout_ms,
		.once = true};
	struct fetch_reply r;
	int rc;

	fetch_reply_init(&r);
	rc = client_send(c, &rq, &r, e);
	if (!rc && ret_d) {
		*ret_d = client_json(&r, e);
		rc = *ret_d ? 0 : ERR_PROTO;
	}
	fetch_reply_fini(&r);
	return rc;
}

static int page_path(const struct client_pages *p, char dst[CLIENT_PATH_MAX], struct err *e)
{
	size_t n = (size_t)snprintf(dst, CLIENT_PATH_MAX, "%s?limit=%d", p->path, p->page);
	char part[CLIENT_PATH_MAX];

	for (int i = 0; i <= CLIENT_FILTERS_MAX; i++) {
		bool last = i == CLIENT_FILTERS_MAX;
		const char *key = last ? "cursor" : p->filters[i].key;
		const char *value = last ? p->cursor : p->filters[i].value;

		if (!key || !*value)
			continue;
		if (client_path(part, e, "&%s=%s", key, value) ||
			n + strlen(part) >= CLIENT_PATH_MAX)
			return err_set(e, ERR_TOOBIG, "this is too long for a request");
		n += (size_t)snprintf(dst + n, CLIENT_PATH_MAX - n, "%s", part);
	}
	return 0;
}

int client_page(struct client *c, struct client_pages *p, struct json_doc **ret_d, struct err *e)
{
	char path[CLIENT_PATH_MAX];
	struct json_doc *d = NULL;
	const char *next;
	int rc;

	if (p->over)
		return 0;
	rc = page_path(p, path, e);
	if (!rc)
		rc = client_get(c, path, 0, &d, e);
	if (rc)
		return rc;
	next = json_str(json_get(json_root(d), "next"));
	/* A cursor that stands still would be walked for ever. */
	p->over = !*next || !strcmp(next, p->cursor);
	if (!str_copy(p->cursor, sizeof(p->cursor), next))
		p->over = true;
	*ret_d = d;
	return 1;
}
