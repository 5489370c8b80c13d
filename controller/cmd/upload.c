/* SPDX-License-Identifier: Apache-2.0 */
/* Uploading files; see upload.h. */
#include "cmd/upload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/units.h"

/* The daemon takes its time to flush and hash a large file after its last byte (API_HASH_MS). */
#define UPLOAD_IDLE_MS    (11 * 60 * 1000)
#define UPLOAD_TIMEOUT_MS (24 * 3600 * 1000LL)
#define SHOW_EVERY_MS     200

struct upload_view {
	const struct upload_file *file;
	const char *name;
	bool live; /* a terminal: one line that changes */
	int64_t shown_ms;
};

static void show_sent(void *arg, int64_t sent)
{
	struct upload_view *v = arg;
	int64_t now = clock_mono_ms();
	char size[UNITS_TEXT];

	if (!v->live || now - v->shown_ms < SHOW_EVERY_MS)
		return;
	v->shown_ms = now;
	units_bytes(size, v->file->bytes);
	fprintf(stderr, "\rupload %s: %d %% of %s ", v->name,
		(int)(sent * 100 / (v->file->bytes ? v->file->bytes : 1)), size);
	fflush(stderr);
}

int upload_file(struct client *c, const struct upload_file *f, bool quiet, struct err *e)
{
	const char *slash = strrchr(f->path, '/');
	char name[LIMIT_VALUE], size[UNITS_TEXT], path[CLIENT_PATH_MAX];
	struct upload_view view = {f, name, !quiet && isatty(STDERR_FILENO), 0};
	struct client_request rq = {
		.method = "PUT",
		.path = path,
		.headers = {"Content-Type: application/octet-stream"},
		.file = f->path,
		.file_bytes = f->bytes,
		.timeout_ms = UPLOAD_TIMEOUT_MS,
		.idle_ms = UPLOAD_IDLE_MS,
		.on_sent = show_sent,
		.arg = &view,
	};
	struct fetch_reply r;
	int rc;

	str_copy_clean(name, sizeof(name), slash ? slash + 1 : f->path, sizeof(name));
	units_bytes(size, f->bytes);
	client_path(path, NULL, "/api/v1/files/%s", f->sha256);
	fetch_reply_init(&r);
	rc = client_send(c, &rq, &r, e);
	if (view.live)
		fprintf(stderr, "\r\033[K");
	if (rc)
		err_wrap(e, "upload of %s%s", f->path,
			r.status == 400 ? " (was it changed just now?)" : "");
	else if (!quiet)
		fprintf(stderr, "uploaded %s, %s\n", name, size);
	fetch_reply_fini(&r);
	return rc;
}

int upload_unless_there(struct client *c, const struct upload_file *f, bool quiet, struct err *e)
{
	char path[CLIENT_PATH_MAX];
	struct fetch_reply r;
	int rc;

	client_path(path, NULL, "/api/v1/files/%s", f->sha256);
	fetch_reply_init(&r);
	rc = client_send(c, &(struct client_request){.method = "HEAD", .path = path}, &r, e);
	fetch_reply_fini(&r);
	return rc == ERR_NOTFOUND ? upload_file(c, f, quiet, e) : rc;
}
