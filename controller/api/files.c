/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by SHA-256: is it there; upload. The bytes go straight to the controller's store of files;
 * a connection that breaks leaves nothing. What is there already is read to its end and thrown
 * away, unless its sender waits for a word before it sends (Expect: 100-continue).
 */
#include "api/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/rate.h"
#include "api/route.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/ctl.h"

struct upload {
	LIST_ENTRY(upload) entry;
	char client[RATE_KEY_MAX];
	struct api *api;
	struct req *req;      /* NULL: gone, while the hash is checked */
	struct ctl_upload *u; /* NULL once it is handed over */
};

static bool is_name(struct req *r)
{
	if (str_is_sha256(r->param))
		return true;
	req_reply(r, reply_problem(400, "invalid-request",
			     "a file is named by its SHA-256: 64 lower-case hexadecimal digits"));
	return false;
}

void files_head(struct req *r)
{
	struct api *a = r->api;
	struct reply *p;
	int64_t bytes;

	if (!is_name(r))
		return;
	if (!ctl_blob_has(a->ctl, r->param, &bytes)) {
		req_reply(r, reply_problem(404, "not-found", "this file is not here"));
		return;
	}
	p = reply_new(200);
	reply_header(p, "X-Framefarm-Bytes", "%" PRId64, bytes);
	req_reply(r, p);
}

static struct reply *file_reply(int status, const char *sha256)
{
	struct json *o = json_new_object();

	json_add_str(o, "sha256", sha256);
	return reply_json(status, o);
}

/* ---- upload ---- */

static void upload_free(struct upload *up)
{
	up->api->n_uploads--;
	LIST_REMOVE(up, entry);
	mem_free(up);
}

static void drop(struct req *r)
{
	struct upload *up = r->data;

	if (up->u) {
		ctl_upload_abort(up->u);
		upload_free(up);
	} else {
		up->req = NULL;
	}
}

/* Uploads may be slow and long, and one client's are not all that there is room for. */
static struct reply *has_room(struct api *a, const char *client)
{
	struct upload *up;
	int n = 0;

	LIST_FOREACH (up, &a->uploads, entry)
		n += !strcmp(up->client, client);
	if (a->n_uploads < API_UPLOADS && n < API_UPLOADS_OF_ONE)
		return NULL;
	return reply_problem(503, "busy", "%d uploads are under way, %d of them yours; try again",
		a->n_uploads, n);
}

static struct reply *may_begin(struct req *r, const char *client)
{
	if (r->content_length < 0)
		return reply_problem(411, "length-required",
			"an upload needs Content-Length, so that there is room for it");
	if (r->content_length > LIMIT_UPLOAD_BYTES)
		return reply_problem(
			413, "too-large", "a file has at most %lld bytes", LIMIT_UPLOAD_BYTES);
	return has_room(r->api, client);
}

static void begin(struct req *r)
{
	struct api *a = r->api;
	char client[RATE_KEY_MAX];
	struct reply *refused;
	struct err e = {0};
	struct upload *up;
	struct ctl_upload *u;
	int rc;

	if (!is_name(r))
		return;
	rate_key(client, r->who.actor, req_peer_addr(r));
	refused = may_begin(r, client);
	if (refused) {
		req_reply(r, refused);
		return;
	}
	req_stream_body(r);
	rc = ctl_upload_begin(a->ctl, r->param, r->content_length, &u, &e);
	if (rc) {
		req_reply(r, rc == ERR_EXISTS ? file_reply(200, r->param) : reply_error(&e));
		return;
	}
	a->n_uploads++;
	up = mem_zalloc(sizeof(*up));
	*up = (struct upload){.api = a, .req = r, .u = u};
	str_copy(up->client, sizeof(up->client), client);
	LIST_INSERT_HEAD(&a->uploads, up, entry);
	r->data = up;
	r->drop = drop;
}

static void body(struct req *r, const void *data, size_t n)
{
	struct upload *up = r->data;
	struct err e = {0};

	if (!ctl_upload_write(up->u, data, n, &e))
		return;
	drop(r);
	r->data = NULL;
	r->drop = NULL;
	req_reply(r, reply_error(&e));
}

const struct route_upload files_upload = {begin, body};

static struct reply *verdict(const struct req *r, int rc, const char *text)
{
	struct err e = {.code = rc};

	if (!rc)
		return file_reply(201, r->param);
	if (rc == ERR_CORRUPT)
		return reply_problem(
			400, "wrong-hash", "these bytes are not what their name says: %s", text);
	str_copy(e.text, sizeof(e.text), text);
	return reply_error(&e);
}

static void finished(void *arg, int rc, const char *text)
{
	struct upload *up = arg;
	struct req *r = up->req;

	upload_free(up);
	if (!r)
		return;
	r->data = NULL;
	r->drop = NULL;
	req_reply(r, verdict(r, rc, text));
}

static void expired(struct req *r)
{
	drop(r);
	r->data = NULL;
	r->drop = NULL;
	req_reply(r, reply_problem(503, "timeout",
			     "checking the file takes too long; ask for it with HEAD before you "
			     "send it again"));
}

void files_put(struct req *r)
{
	struct upload *up = r->data;
	struct ctl_upload *u = up->u;

	up->u = NULL;
	req_wait(r, api_now_ms(r->api) + API_HASH_MS, expired);
	ctl_upload_finish(u, finished, up);
}
