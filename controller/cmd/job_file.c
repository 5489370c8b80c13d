/* SPDX-License-Identifier: Apache-2.0 */
/* A job on disk; see job_file.h. */
#include "cmd/job_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/units.h"
#include "core/jobspec.h"

/* ---- the text ---- */

static int read_text(const char *path, char **ret_text, size_t *ret_n, struct err *e)
{
	bool from_stdin = !strcmp(path, "-");
	FILE *f = from_stdin ? stdin : fopen(path, "re");
	char *text;
	int rc = 0;

	if (!f)
		return err_errno(e, errno, "the job file %s cannot be read", path);
	text = mem_alloc(LIMIT_JSON_BYTES + 1);
	*ret_n = fread(text, 1, LIMIT_JSON_BYTES + 1, f);
	if (ferror(f))
		rc = err_errno(e, errno, "the job file %s cannot be read", path);
	else if (*ret_n > LIMIT_JSON_BYTES)
		rc = err_set(e, ERR_TOOBIG, "the job file %s has more than %d bytes", path,
			LIMIT_JSON_BYTES);
	if (!from_stdin)
		fclose(f);
	if (rc)
		mem_free(text);
	else
		*ret_text = text;
	return rc;
}

/* ---- the files it names ---- */

struct reader {
	const char *job_path;
	char dir[PATHS_MAX]; /* of the job file */
	struct job_file *job;
	struct map *by_path;    /* struct jobspec_file *: hashed already */
	struct map *by_content; /* struct job_upload's index + 1 */
	struct err *err;
};

static int set_dir(struct reader *r)
{
	char *slash;

	str_copy(r->dir, sizeof(r->dir), ".");
	if (!strcmp(r->job_path, "-"))
		return 0;
	if (!str_copy(r->dir, sizeof(r->dir), r->job_path))
		return err_set(r->err, ERR_TOOBIG, "the job file's path is too long");
	slash = strrchr(r->dir, '/');
	if (!slash)
		str_copy(r->dir, sizeof(r->dir), ".");
	else
		slash[slash == r->dir] = '\0';
	return 0;
}

/* Where the file lies, and that it is one that can be uploaded. */
static int locate(struct reader *r, const struct jobspec_file *f, char dst[PATHS_MAX])
{
	struct stat st;
	char size[UNITS_TEXT], most[UNITS_TEXT];

	if (f->path[0] == '/')
		str_copy(dst, PATHS_MAX, f->path);
	else if (!paths_join(dst, r->dir, f->path))
		return err_set(r->err, ERR_TOOBIG, "the path \"%.80s\" is too long", f->path);
	if (stat(dst, &st))
		return err_errno(r->err, errno, "%s cannot be read", dst);
	if (!S_ISREG(st.st_mode))
		return err_set(r->err, ERR_INVAL, "%s is no regular file", dst);
	if (!st.st_size)
		return err_set(r->err, ERR_INVAL, "%s is empty", dst);
	if (st.st_size > LIMIT_UPLOAD_BYTES) {
		units_bytes(size, st.st_size);
		units_bytes(most, LIMIT_UPLOAD_BYTES);
		return err_set(
			r->err, ERR_TOOBIG, "%s has %s; at most %s are taken", dst, size, most);
	}
	return 0;
}

static void note_upload(struct reader *r, const char *path, const struct jobspec_file *f)
{
	struct job_file *j = r->job;

	if (map_get_str(r->by_content, f->sha256))
		return;
	j->uploads = mem_realloc(j->uploads, (size_t)j->n_uploads + 1, sizeof(*j->uploads));
	str_copy(j->uploads[j->n_uploads].path, PATHS_MAX, path);
	str_copy(j->uploads[j->n_uploads].sha256, LIMIT_SHA256, f->sha256);
	j->uploads[j->n_uploads].bytes = f->bytes;
	j->n_uploads++;
	map_put_str(r->by_content, f->sha256, r);
}

static int read_file(void *arg, struct jobspec_file *f)
{
	struct reader *r = arg;
	const struct jobspec_file *same;
	char path[PATHS_MAX];
	int rc;

	if (!f->path[0])
		return 0; /* named by its hash; the daemon has it or will ask for it */
	same = map_get_str(r->by_path, f->path);
	if (same) {
		str_copy(f->sha256, sizeof(f->sha256), same->sha256);
		f->bytes = same->bytes;
		return 0;
	}
	rc = locate(r, f, path);
	if (!rc)
		rc = hash_file(path, f->sha256, &f->bytes, r->err);
	if (rc)
		return err_wrap(r->err, "%s:%d", r->job_path, f->line);
	map_put_str(r->by_path, f->path, f);
	note_upload(r, path, f);
	return 0;
}

/* ---- what the command line adds ---- */

static int set_label(struct json *labels, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");
	char key[LIMIT_NAME];

	if (!text[n] || n >= sizeof(key))
		return err_set(e, ERR_INVAL, "--label \"%.60s\" is not key=value", text);
	memcpy(key, text, n);
	key[n] = '\0';
	if (json_get(labels, key))
		return err_set(e, ERR_EXISTS, "--label %s is there twice", key);
	json_add_str(labels, key, text + n + 1);
	return 0;
}

static int merge_labels(const struct json *of_file, const struct option_list *over,
	struct json **ret_labels, struct err *e)
{
	struct json *labels = json_new_object();

	for (int i = 0; i < over->n; i++) {
		if (set_label(labels, over->items[i], e)) {
			json_free(labels);
			return ERR_INVAL;
		}
	}
	JSON_FOREACH (l, of_file)
		if (!json_get(labels, json_key(l)))
			json_add(labels, json_key(l), json_dup(l));
	*ret_labels = labels;
	return 0;
}

/* A copy of the job in which what the command line gave stands for what the file said. */
static int apply(const struct json *job, const struct job_overrides *over, struct json **ret_job,
	struct err *e)
{
	struct json *out, *labels = NULL;
	int rc;

	rc = merge_labels(json_get(job, "labels"), over->labels, &labels, e);
	if (rc)
		return rc;
	out = json_new_object();
	JSON_FOREACH (m, job) {
		const char *key = json_key(m);

		if (!strcmp(key, "labels") || (!strcmp(key, "commit") && *over->commit) ||
			(!strcmp(key, "branch") && *over->branch))
			continue;
		json_add(out, key, json_dup(m));
	}
	if (*over->commit)
		json_add_str(out, "commit", over->commit);
	if (*over->branch)
		json_add_str(out, "branch", over->branch);
	if (json_count(labels))
		json_add(out, "labels", labels);
	else
		json_free(labels);
	*ret_job = out;
	return 0;
}

/* What the command line added is held against the same rules, and so is our own rewriting. */
static int check_wire(const char *wire, struct err *e)
{
	struct json_doc *doc = json_parse(wire, strlen(wire), e);
	struct jobspec *spec = NULL;
	int rc = doc ? jobspec_parse(doc, 0, &spec, e) : ERR_INVAL;

	jobspec_free(spec);
	json_doc_free(doc);
	return rc;
}

static int make_wire(struct job_file *j, const struct json_doc *doc, const struct jobspec *spec,
	const struct job_overrides *over, struct err *e)
{
	struct json *plain = jobspec_wire(doc, spec), *whole = NULL;
	int rc = apply(plain, over, &whole, e);

	json_free(plain);
	if (rc)
		return rc;
	j->wire = json_print(whole, false);
	json_free(whole);
	rc = check_wire(j->wire, e);
	return rc ? err_wrap(e, "the job as it would be submitted") : 0;
}

/* ---- all of it ---- */

static int read_files(struct job_file *j, const char *path, struct jobspec *spec, struct err *e)
{
	struct reader r = {.job_path = path, .job = j, .err = e};
	int rc = set_dir(&r);

	if (rc)
		return rc;
	r.by_path = map_new();
	r.by_content = map_new();
	rc = jobspec_files(spec, read_file, &r);
	map_free(r.by_path);
	map_free(r.by_content);
	return rc;
}

int job_file_read(
	const char *path, const struct job_overrides *over, struct job_file **ret_j, struct err *e)
{
	struct job_file *j = mem_zalloc(sizeof(*j));
	struct json_doc *doc = NULL;
	struct jobspec *spec = NULL;
	char *text = NULL;
	size_t n = 0;
	int rc;

	rc = read_text(path, &text, &n, e);
	if (rc)
		goto out;
	doc = json_parse(text, n, e);
	rc = doc ? jobspec_parse(doc, JOBSPEC_PATHS, &spec, e) : ERR_PARSE;
	if (rc) {
		err_wrap(e, "the job %s", path);
		goto out;
	}
	str_copy(j->name, sizeof(j->name), spec->name);
	rc = read_files(j, path, spec, e);
	if (!rc)
		rc = make_wire(j, doc, spec, over, e);
out:
	jobspec_free(spec);
	json_doc_free(doc);
	mem_free(text);
	if (rc)
		job_file_free(j);
	else
		*ret_j = j;
	return rc;
}

void job_file_free(struct job_file *j)
{
	if (!j)
		return;
	mem_free(j->uploads);
	mem_free(j->wire);
	mem_free(j);
}

const struct job_upload *job_file_find(const struct job_file *j, const char *sha256)
{
	for (int i = 0; i < j->n_uploads; i++)
		if (!strcmp(j->uploads[i].sha256, sha256))
			return &j->uploads[i];
	return NULL;
}
