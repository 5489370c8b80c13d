/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as data; see reply.h. */
#include "api/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define RETRY_AFTER_S      2
#define RATE_RETRY_AFTER_S 1 /* a bucket is filled again quickly */

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct phrase {
	int status;
	const char *text;
} phrases[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{507, "Insufficient Storage"},
};

const char *reply_phrase(int status)
{
	for (int i = 0; i < COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return "Error";
}

struct reply *reply_new(int status)
{
	struct reply *p = mem_zalloc(sizeof(*p));

	p->status = status;
	return p;
}

void reply_free(struct reply *p)
{
	if (!p)
		return;
	if (p->source)
		p->source->free(p->source_arg);
	if (p->owned)
		mem_free((void *)p->body);
	for (int i = 0; i < p->n_headers; i++)
		mem_free(p->headers[i].value);
	mem_free(p);
}

struct reply *reply_static(int status, const char *type, const void *body, size_t len)
{
	struct reply *p = reply_new(status);

	p->type = type;
	p->body = body;
	p->len = len;
	return p;
}

struct reply *reply_take(int status, const char *type, char *body, size_t len)
{
	struct reply *p = reply_static(status, type, body, len);

	p->owned = true;
	return p;
}

struct reply *reply_json(int status, struct json *body)
{
	char *text = json_print(body, false);

	json_free(body);
	return reply_take(status, TYPE_JSON, text, strlen(text));
}

struct reply *reply_source(const char *type, const struct source *s, void *arg)
{
	struct reply *p = reply_new(200);

	p->type = type;
	p->source = s;
	p->source_arg = arg;
	return p;
}

void reply_header(struct reply *p, const char *name, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	assert(p->n_headers < REPLY_HEADERS);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	p->headers[p->n_headers].name = name;
	p->headers[p->n_headers++].value = mem_strdup(value);
}

const char *reply_header_value(const struct reply *p, const char *name)
{
	for (int i = 0; i < p->n_headers; i++)
		if (!strcmp(p->headers[i].name, name))
			return p->headers[i].value;
	return NULL;
}

/* ---- problems ---- */

static struct reply *problem(
	int status, const char *kind, struct json *more, const char *fmt, va_list ap)
{
	struct json *o = json_new_object();
	char type[96], raw[ERR_TEXT_MAX + 256], text[sizeof(raw)];
	struct reply *p;

	snprintf(type, sizeof(type), "urn:framefarm:problem:%s", kind);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	str_copy_clean(text, sizeof(text), raw, strlen(raw));
	json_add_str(o, "type", type);
	json_add_str(o, "title", reply_phrase(status));
	json_add_int(o, "status", status);
	json_add_str(o, "detail", text);
	JSON_FOREACH (m, more)
		json_add(o, json_key(m), json_dup(m));
	json_free(more);
	p = reply_json(status, o);
	p->type = TYPE_PROBLEM;
	if (status == 503 || status == 429)
		reply_header(
			p, "Retry-After", "%d", status == 429 ? RATE_RETRY_AFTER_S : RETRY_AFTER_S);
	return p;
}

struct reply *reply_problem(int status, const char *kind, const char *fmt, ...)
{
	struct reply *p;
	va_list ap;

	va_start(ap, fmt);
	p = problem(status, kind, NULL, fmt, ap);
	va_end(ap);
	return p;
}

struct reply *reply_problem_with(
	int status, const char *kind, struct json *more, const char *fmt, ...)
{
	struct reply *p;
	va_list ap;

	va_start(ap, fmt);
	p = problem(status, kind, more, fmt, ap);
	va_end(ap);
	return p;
}

static const struct meaning {
	int code, status;
	const char *kind;
} meanings[] = {
	{ERR_INVAL, 400, "invalid-request"},
	{ERR_RANGE, 400, "out-of-range"},
	{ERR_PARSE, 400, "malformed"},
	{ERR_PERM, 403, "not-permitted"},
	{ERR_NOTFOUND, 404, "not-found"},
	{ERR_EXISTS, 409, "exists"},
	{ERR_WRONGSTATE, 409, "wrong-state"},
	{ERR_UNSUPPORTED, 409, "unsupported"},
	{ERR_REMOVED, 410, "removed"},
	{ERR_GONE, 409, "device-gone"},
	{ERR_UNREACHABLE, 409, "device-failed"},
	{ERR_CONFLICT, 422, "idempotency-conflict"},
	{ERR_TOOBIG, 413, "too-large"},
	{ERR_NOSPACE, 507, "no-space"},
	{ERR_CANCELLED, 503, "stopping"},
	{ERR_FULL, 503, "busy"},
	{ERR_BUSY, 503, "busy"},
	{ERR_TIMEOUT, 503, "timeout"},
	{ERR_IO, 503, "store-unavailable"},
};

struct reply *reply_error(const struct err *e)
{
	for (int i = 0; i < COUNT(meanings); i++)
		if (meanings[i].code == e->code)
			return reply_problem(meanings[i].status, meanings[i].kind, "%s", e->text);
	return reply_problem(500, "internal", "%s", e->text);
}
