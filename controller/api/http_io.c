/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request in, one reply out: libmicrohttpd's callbacks for a request's life, and what a request
 * says. A refused body is read all the same while that is cheap, so that its sender, who is still
 * writing, gets to read the answer.
 */
#include "api/http_internal.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/reply.h"
#include "base/mem.h"
#include "base/str.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char security_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/* ---- names ---- */

static const char *const method_names[] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

const char *method_name(enum method m)
{
	return m > 0 && m < COUNT(method_names) ? method_names[m] : "other";
}

static enum method method_parse(const char *s)
{
	for (int i = 1; i < COUNT(method_names); i++)
		if (!strcmp(method_names[i], s))
			return i;
	return METHOD_OTHER;
}

/* ---- what a request says ---- */

const char *req_header(const struct req *r, const char *name)
{
	return MHD_lookup_connection_value(call_of(r)->conn->mhd, MHD_HEADER_KIND, name);
}

const char *req_cookie(const struct req *r, const char *name)
{
	return MHD_lookup_connection_value(call_of(r)->conn->mhd, MHD_COOKIE_KIND, name);
}

const char *req_query(const struct req *r, const char *name)
{
	return MHD_lookup_connection_value(call_of(r)->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
	req_each_fn *fn;
	void *arg;
	int rc;
};

static enum MHD_Result each_value(
	void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct each *e = arg;

	(void)kind;
	e->rc = e->fn(e->arg, key, value ? value : "");
	return e->rc ? MHD_NO : MHD_YES;
}

static int each(const struct req *r, enum MHD_ValueKind kind, req_each_fn *fn, void *arg)
{
	struct each e = {fn, arg, 0};

	MHD_get_connection_values(call_of(r)->conn->mhd, kind, each_value, &e);
	return e.rc;
}

int req_each_header(const struct req *r, req_each_fn *fn, void *arg)
{
	return each(r, MHD_HEADER_KIND, fn, arg);
}

int req_each_query(const struct req *r, req_each_fn *fn, void *arg)
{
	return each(r, MHD_GET_ARGUMENT_KIND, fn, arg);
}

bool req_is_tls(const struct req *r)
{
	return call_of(r)->http->tls;
}

const struct sockaddr_storage *req_local_addr(const struct req *r)
{
	return &call_of(r)->conn->local;
}

const struct sockaddr_storage *req_peer_addr(const struct req *r)
{
	return &call_of(r)->conn->peer;
}

static char odd; /* a request's context until it has one, when its address is odd */

static bool is_context(const void *ctx)
{
	return ctx && ctx != &odd;
}

/* Each % has two digits behind it and is no NUL, and none of a path hides a slash. */
static bool is_plain(const char *address)
{
	bool path = true;

	for (const char *s = address; *s; s++) {
		path = path && *s != '?';
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
		if (*s != '%')
			continue;
		if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]) ||
			!strncmp(s, "%00", 3) || (path && !strncasecmp(s, "%2f", 3)))
			return false;
	}
	return true;
}

void *http_look(void *arg, const char *address, struct MHD_Connection *mhd)
{
	(void)arg, (void)mhd;
	return address && !is_plain(address) ? &odd : NULL;
}

/* As libmicrohttpd's own, but %00 stays as it is: a path or a value with NUL inside would be
 * cut. */
size_t http_unescape(void *arg, struct MHD_Connection *mhd, char *s)
{
	char *to = s, hex[3] = "";
	const char *from = s;
	char *end;
	long v;

	(void)arg, (void)mhd;
	while (*from) {
		if (from[0] == '%' && from[1] && from[2]) {
			memcpy(hex, from + 1, 2);
			v = strtol(hex, &end, 16);
			if (end == hex + 2 && v > 0) {
				*to++ = (char)v;
				from += 3;
				continue;
			}
		}
		*to++ = *from++;
	}
	*to = '\0';
	return to - s;
}

/* ---- sending ---- */

static ssize_t read_source(void *arg, uint64_t pos, char *dst, size_t max)
{
	struct call *c = arg;
	struct reply *p = c->reply;
	ssize_t n;

	(void)pos;
	if (c->http->stopping || c->broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	c->woken = false;
	n = p->source->read(p->source_arg, dst, max);
	if (n > 0) {
		c->conn->deadline_ms = c->http->now_ms(c->http->arg) + API_MOVE_MS;
		return n;
	}
	if (n == 0) {
		if (!c->woken)
			http_suspend(c);
		return 0;
	}
	return n == SOURCE_END ? MHD_CONTENT_READER_END_OF_STREAM
	                       : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void add_headers(struct MHD_Response *m, const struct call *c)
{
	const struct reply *p = c->reply;
	bool cached = false;

	for (int i = 0; i < p->n_headers; i++) {
		MHD_add_response_header(m, p->headers[i].name, p->headers[i].value);
		cached |= !strcmp(p->headers[i].name, "Cache-Control");
	}
	if (p->type)
		MHD_add_response_header(m, "Content-Type", p->type);
	if (!cached)
		MHD_add_response_header(m, "Cache-Control", "no-store");
	MHD_add_response_header(m, "Content-Security-Policy", security_policy);
	MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(m, "Referrer-Policy", "no-referrer");
	if (c->http->draining || p->close)
		MHD_add_response_header(m, "Connection", "close");
}

static enum MHD_Result queue(struct call *c)
{
	struct reply *p = c->reply;
	int64_t moves = 1 + (int64_t)(p->len / API_MOVE_BYTES);
	struct MHD_Response *m;
	enum MHD_Result ok;

	/* Memory and source are the reply's, which lives until the request is over. */
	if (p->source)
		m = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, 16 * 1024, read_source, c, NULL);
	else
		m = MHD_create_response_from_buffer(
			p->len, (void *)p->body, MHD_RESPMEM_PERSISTENT);
	if (!m)
		return MHD_NO;
	add_headers(m, c);
	c->queued = true;
	c->conn->deadline_ms = c->http->now_ms(c->http->arg) + moves * API_MOVE_MS;
	if (p->status / 100 < COUNT(c->http->stats.by_class))
		c->http->stats.by_class[p->status / 100]++;
	ok = MHD_queue_response(c->conn->mhd, p->status, m);
	MHD_destroy_response(m);
	return ok;
}

/* ---- receiving ---- */

void req_keep_body(struct req *r, size_t max)
{
	call_of(r)->mode = BODY_KEEP;
	buf_init(&r->body, max);
}

void req_stream_body(struct req *r)
{
	call_of(r)->mode = BODY_STREAM;
}

static bool wants_continue(const struct req *r)
{
	const char *s = req_header(r, MHD_HTTP_HEADER_EXPECT);

	return s && !strcasecmp(s, "100-continue");
}

static void read_head(struct call *c, const char *url, const char *method, const char *version)
{
	struct req *r = &c->req;
	const char *length;

	r->method = method_parse(method);
	r->old_http = strcmp(version, MHD_HTTP_VERSION_1_1) < 0;
	if (!str_copy(r->path, sizeof(r->path), url))
		r->path[0] = '\0';
	r->content_length = -1;
	length = req_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length && (!str_to_i64(length, &r->content_length) || r->content_length < 0))
		r->content_length = -1;
	r->has_body = r->content_length > 0 || req_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	buf_init(&r->body, API_BODY_BYTES);
}

static enum MHD_Result begin(struct http *h, struct conn *conn, const char *url, const char *method,
	const char *version, void **ret_ctx)
{
	struct call *c = mem_zalloc(sizeof(*c));

	c->http = h;
	c->conn = conn;
	c->until_ms = INT64_MAX;
	conn->call = c;
	c->req.odd_address = *ret_ctx != NULL;
	*ret_ctx = c;
	h->stats.requests++;
	h->stats.requests_live++;
	read_head(c, url, method, version);
	conn->deadline_ms = h->now_ms(h->arg) + API_MOVE_MS;
	h->ops->head(h->arg, &c->req);
	if (c->reply && c->req.has_body &&
		(c->reply->close || wants_continue(&c->req) ||
			c->req.content_length > API_DRAIN_BYTES))
		return queue(c);
	return MHD_YES;
}

static bool take_body(struct call *c, const char *data, size_t n)
{
	struct http *h = c->http;

	c->got += n;
	if (c->got - c->window_got >= API_MOVE_BYTES) {
		c->window_got = c->got;
		c->conn->deadline_ms = h->now_ms(h->arg) + API_MOVE_MS;
	}
	if (c->broken)
		return false;
	if (!c->reply && c->mode == BODY_STREAM) {
		h->ops->body(h->arg, &c->req, data, n);
		return !c->broken;
	}
	if (!c->reply && c->mode == BODY_KEEP && !c->req.body_over) {
		if (!buf_put(&c->req.body, data, n))
			return true;
		c->req.body_over = true;
	}
	/* Who was let in to send a large file may send it to its end to read why it failed. */
	c->dropped += n;
	return c->mode == BODY_STREAM || c->dropped <= API_DRAIN_BYTES;
}

enum MHD_Result http_handle(void *arg, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **ctx)
{
	struct http *h = arg;
	struct conn *conn =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct call *c = *ctx;
	size_t n = *size;

	if (!is_context(c))
		return begin(h, conn, url, method, version, ctx);
	if (n) {
		*size = 0;
		return take_body(c, data, n) ? MHD_YES : MHD_NO;
	}
	if (!c->ready && !c->reply) {
		c->ready = true;
		h->ops->ready(h->arg, &c->req);
	}
	if (!c->reply && !c->broken && h->stopping)
		req_reply(&c->req, reply_problem(503, "stopping", "the daemon is stopping"));
	if (c->broken)
		return MHD_NO;
	if (c->reply)
		return queue(c);
	assert(c->waiting);
	http_suspend(c);
	return MHD_YES;
}

void http_completed(
	void *arg, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode why)
{
	struct http *h = arg;
	struct call *c = *ctx;

	(void)mhd, (void)why;
	if (!is_context(c))
		return;
	*ctx = NULL;
	if (c->req.drop)
		c->req.drop(&c->req);
	http_settle(&c->req);
	c->conn->call = NULL;
	c->conn->deadline_ms = h->now_ms(h->arg) + (h->draining ? 0 : API_IDLE_MS);
	h->stats.requests_live--;
	reply_free(c->reply);
	buf_fini(&c->req.body);
	mem_free(c);
}
