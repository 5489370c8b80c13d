/* SPDX-License-Identifier: Apache-2.0 */
/* Submitting a job; see submit.h. */
#include "cmd/submit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/job_file.h"
#include "cmd/upload.h"

/* A file that was just uploaded may be gone again where the quota is small; more than this many
 * rounds mean that the job's files do not fit together. */
#define SUBMIT_ROUNDS 3

void submit_random_key(char dst[SUBMIT_KEY_MAX])
{
	uint8_t bytes[16];

	hash_random(bytes, sizeof(bytes));
	str_hex(dst, bytes, sizeof(bytes));
}

bool submit_key_ok(const char *key)
{
	size_t n = strlen(key);

	for (const char *p = key; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return n >= 1 && n < SUBMIT_KEY_MAX;
}

/* ---- uploads ---- */

static int upload(struct client *c, const struct job_upload *f, bool quiet, struct err *e)
{
	struct upload_file file = {.path = f->path, .bytes = f->bytes};

	str_copy(file.sha256, sizeof(file.sha256), f->sha256);
	return upload_file(c, &file, quiet, e);
}

/* The list in a 409: {"missing": ["sha256", …]}. An upload that was not asked for is none of ours. */
static int upload_missing(struct client *c, const struct job_file *j, const struct fetch_reply *r,
	bool quiet, struct err *e)
{
	struct json_doc *d = client_json(r, e);
	const struct json *missing = d ? json_get(json_root(d), "missing") : NULL;
	int rc = d ? 0 : ERR_PROTO;

	JSON_FOREACH (m, missing) {
		const struct job_upload *f = job_file_find(j, json_str(m));

		if (!f)
			rc = err_set(e, ERR_INVAL,
				"the daemon lacks the file with SHA-256 %.64s, which the job names "
				"by "
				"its hash alone; name it by its path",
				json_str(m));
		else
			rc = upload(c, f, quiet, e);
		if (rc)
			break;
	}
	json_doc_free(d);
	return rc;
}

static bool asks_for_files(const struct fetch_reply *r)
{
	struct json_doc *d = r->status == 409 ? client_json(r, NULL) : NULL;
	bool yes = d && json_is_array(json_get(json_root(d), "missing")) &&
	           json_count(json_get(json_root(d), "missing"));

	json_doc_free(d);
	return yes;
}

/* ---- the job ---- */

/* The answer is the job; where its body cannot be used, Location names it too. */
static int read_answer(
	struct client *c, const struct fetch_reply *r, struct submitted *s, struct err *e)
{
	struct json_doc *d = client_json(r, NULL);
	const char *id = d ? json_str(json_get(json_root(d), "id")) : "";
	const char *url = d ? json_str(json_get(json_root(d), "url")) : "";
	const char *slash = strrchr(r->location, '/');
	int rc = 0;

	if (!*id && slash)
		id = slash + 1;
	str_copy_clean(s->id, sizeof(s->id), id, strlen(id));
	if (!str_is_name(s->id))
		rc = err_set(e, ERR_PROTO, "the daemon's answer names no job");
	else if (*url)
		str_copy_clean(s->url, sizeof(s->url), url, strlen(url));
	else
		snprintf(s->url, sizeof(s->url), "%.400s/api/v1/jobs/%s", client_url(c), s->id);
	s->known = r->status == 200;
	json_doc_free(d);
	return rc;
}

int submit_job(struct client *c, const struct job_file *j, const char *key, bool quiet,
	struct submitted *ret_s, struct err *e)
{
	char key_header[SUBMIT_KEY_MAX + 32];
	struct client_request rq = {
		.method = "POST",
		.path = "/api/v1/jobs",
		.headers = {key_header},
		.json = j->wire,
	};
	struct fetch_reply r;
	int rc;

	snprintf(key_header, sizeof(key_header), "Idempotency-Key: %s", key);
	fetch_reply_init(&r);
	for (int round = 0;; round++) {
		rc = client_send(c, &rq, &r, e);
		if (!asks_for_files(&r))
			break;
		if (round == SUBMIT_ROUNDS) {
			rc = err_set(e, ERR_NOSPACE,
				"the daemon still lacks files after %d uploads; its quota for "
				"uploads may be too small for this job",
				SUBMIT_ROUNDS);
			break;
		}
		rc = upload_missing(c, j, &r, quiet, e);
		if (rc)
			break;
	}
	if (!rc)
		rc = read_answer(c, &r, ret_s, e);
	fetch_reply_fini(&r);
	return rc;
}
