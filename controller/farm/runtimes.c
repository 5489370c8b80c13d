/* SPDX-License-Identifier: Apache-2.0 */
/* The list of registered runtimes; see runtimes.h. */
#include "farm/runtimes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/archive.h"
#include "farm/blobs.h"

#define SCHEMA "framefarm.runtimes/1"

struct runtimes {
	struct blobs *blobs;
	char file[600];
	pthread_mutex_t lock;
	int n;
	struct ctl_runtime all[CTL_RUNTIMES_MAX];
};

/* ---- the file ---- */

struct raw_list {
	char schema[32];
	const struct json *runtimes;
};

static const struct json_field list_fields[] = {
	{"schema", JSON_WANT_TEXT, offsetof(struct raw_list, schema), 32, 1, .required = true},
	{"runtimes", JSON_WANT_ARRAY, offsetof(struct raw_list, runtimes), 0, 0, CTL_RUNTIMES_MAX,
		.required = true},
};

struct raw_runtime {
	struct ctl_runtime r;
	const struct json *libraries;
};

#define RUNTIME(f) offsetof(struct raw_runtime, r.f)

static const struct json_field runtime_fields[] = {
	{"name", JSON_WANT_NAME, RUNTIME(name), LIMIT_NAME, .required = true},
	{"sha256", JSON_WANT_TEXT, RUNTIME(sha256), LIMIT_SHA256, 1, .required = true},
	{"added_ms", JSON_WANT_INT, RUNTIME(added_ms), 0, 0, 9e15, .required = true},
	{"libraries", JSON_WANT_ARRAY, offsetof(struct raw_runtime, libraries), 0, 0,
		CTL_RUNTIME_LIBS_MAX, .required = true},
};

#define LIB(f) offsetof(struct ctl_runtime_lib, f)

static const struct json_field lib_fields[] = {
	{"abi", JSON_WANT_NAME, LIB(abi), 32, .required = true},
	{"libc", JSON_WANT_TEXT, LIB(libc), 16, .required = true},
	{"sha256", JSON_WANT_TEXT, LIB(sha256), LIMIT_SHA256, 1, .required = true},
	{"bytes", JSON_WANT_INT, LIB(bytes), 0, 0, 9e15, .required = true},
};

/* Files are named by these, and removed by them. */
static int check_sha256(const char *s, struct err *e)
{
	return str_is_sha256(s) ? 0 : err_set(e, ERR_PARSE, "\"%.64s\" is no SHA-256", s);
}

static int read_lib(const struct json_doc *d, const struct json *n, struct ctl_runtime_lib *ret_l,
	struct err *e)
{
	int rc = json_read(d, n, "a library", lib_fields, 4, ret_l, e);

	return rc ? rc : check_sha256(ret_l->sha256, e);
}

static int read_runtime(
	const struct json_doc *d, const struct json *n, struct ctl_runtime *ret_r, struct err *e)
{
	struct raw_runtime raw = {.libraries = NULL};
	int rc = json_read(d, n, "a runtime", runtime_fields, 4, &raw, e);

	if (!rc)
		rc = check_sha256(raw.r.sha256, e);
	JSON_FOREACH (it, raw.libraries) {
		if (rc)
			return rc;
		rc = read_lib(d, it, &raw.r.libs[raw.r.n_libs++], e);
	}
	if (!rc)
		*ret_r = raw.r;
	return rc;
}

static int read_list(struct runtimes *r, const struct json_doc *d, struct err *e)
{
	struct raw_list raw = {.runtimes = NULL};
	int rc = json_read(d, json_root(d), "the list", list_fields, 2, &raw, e);

	if (!rc && strcmp(raw.schema, SCHEMA))
		rc = err_set(e, ERR_VERSION, "it is %s, not " SCHEMA, raw.schema);
	JSON_FOREACH (it, raw.runtimes) {
		if (rc)
			return rc;
		rc = read_runtime(d, it, &r->all[r->n++], e);
	}
	return rc;
}

static int load(struct runtimes *r, struct err *e)
{
	int fd = open(r->file, O_RDONLY | O_CLOEXEC), rc;
	struct json_doc *d;
	ssize_t n;
	char *text;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot open %s", r->file);
	text = mem_alloc(LIMIT_JSON_BYTES);
	n = read(fd, text, LIMIT_JSON_BYTES);
	close(fd);
	d = n < 0 ? NULL : json_parse(text, (size_t)n, e);
	rc = n < 0 ? err_errno(e, errno, "cannot read it") : d ? read_list(r, d, e) : e->code;
	json_doc_free(d);
	mem_free(text);
	return rc ? err_wrap(e, "%s, the list of runtimes (move it away to start without)", r->file)
	          : 0;
}

static struct json *lib_json(const struct ctl_runtime_lib *l)
{
	struct json *o = json_new_object();

	json_add_str(o, "abi", l->abi);
	json_add_str(o, "libc", l->libc);
	json_add_str(o, "sha256", l->sha256);
	json_add_int(o, "bytes", l->bytes);
	return o;
}

static char *list_text(const struct runtimes *r)
{
	struct json *o = json_new_object(), *list = json_new_array();
	char *text;

	json_add_str(o, "schema", SCHEMA);
	for (int i = 0; i < r->n; i++) {
		struct json *one = json_new_object(), *libs = json_new_array();

		json_add_str(one, "name", r->all[i].name);
		json_add_str(one, "sha256", r->all[i].sha256);
		json_add_int(one, "added_ms", r->all[i].added_ms);
		for (int k = 0; k < r->all[i].n_libs; k++)
			json_push(libs, lib_json(&r->all[i].libs[k]));
		json_add(one, "libraries", libs);
		json_push(list, one);
	}
	json_add(o, "runtimes", list);
	text = json_print(o, true);
	json_free(o);
	return text;
}

static int write_text(const char *path, const char *text, struct err *e)
{
	size_t n = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;

	if (fd < 0)
		return err_errno(e, errno, "cannot create %s", path);
	errno = 0;
	if (write(fd, text, n) != (ssize_t)n || fsync(fd))
		rc = err_errno(e, errno ? errno : ENOSPC, "cannot write %s", path);
	close(fd);
	return rc;
}

/* Written beside it first: a crash leaves the old list or the new one. */
static int save(const struct runtimes *r, struct err *e)
{
	char *text = list_text(r), tmp[640];
	int rc;

	snprintf(tmp, sizeof(tmp), "%s.new", r->file);
	rc = write_text(tmp, text, e);
	mem_free(text);
	if (!rc && rename(tmp, r->file))
		rc = err_errno(e, errno, "cannot write %s", r->file);
	if (rc)
		unlink(tmp);
	return rc;
}

/* ---- life ---- */

struct runtimes *runtimes_open(struct blobs *b, const char *file, struct err *e)
{
	struct runtimes *r = mem_zalloc(sizeof(*r));

	r->blobs = b;
	str_copy(r->file, sizeof(r->file), file);
	pthread_mutex_init(&r->lock, NULL);
	if (!load(r, e))
		return r;
	runtimes_close(r);
	return NULL;
}

void runtimes_close(struct runtimes *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	mem_free(r);
}

/* ---- finding; the lock is held ---- */

static bool is_called(const struct ctl_runtime *r, const char *called)
{
	size_t n = strlen(called);

	if (!strcmp(r->name, called))
		return true;
	return n >= RUNTIMES_DIGITS && n < LIMIT_SHA256 && !strncmp(r->sha256, called, n);
}

/* A name comes before the digits of another's hash. -1: there is none. */
static int find(const struct runtimes *r, const char *called)
{
	for (int i = 0; i < r->n; i++)
		if (!strcmp(r->all[i].name, called))
			return i;
	for (int i = 0; i < r->n; i++)
		if (is_called(&r->all[i], called))
			return i;
	return -1;
}

static bool is_wanted(const struct runtimes *r, const char *sha256)
{
	for (int i = 0; i < r->n; i++) {
		if (!strcmp(r->all[i].sha256, sha256))
			return true;
		for (int k = 0; k < r->all[i].n_libs; k++)
			if (!strcmp(r->all[i].libs[k].sha256, sha256))
				return true;
	}
	return false;
}

/* A library that came in a file of its own is that file. */
static void let_go_libs(struct runtimes *r, const struct ctl_runtime *gone)
{
	for (int k = 0; k < gone->n_libs; k++)
		if (!is_wanted(r, gone->libs[k].sha256) &&
			strcmp(gone->libs[k].sha256, gone->sha256))
			blobs_remove(r->blobs, gone->libs[k].sha256);
}

static void let_go(struct runtimes *r, const struct ctl_runtime *gone)
{
	let_go_libs(r, gone);
	if (!is_wanted(r, gone->sha256))
		blobs_remove(r->blobs, gone->sha256);
}

static int not_known(const char *called, struct err *e)
{
	return err_set(e, ERR_NOTFOUND,
		"no runtime is called \"%.80s\"; `framefarm runtime list` shows those that are, "
		"`framefarm runtime add` registers one",
		called);
}

/* ---- asking ---- */

int runtimes_list(struct runtimes *r, struct ctl_runtime ret[CTL_RUNTIMES_MAX])
{
	int n;

	pthread_mutex_lock(&r->lock);
	n = r->n;
	memcpy(ret, r->all, (size_t)n * sizeof(*ret));
	pthread_mutex_unlock(&r->lock);
	return n;
}

bool runtimes_known(struct runtimes *r, const char *called)
{
	bool known;

	pthread_mutex_lock(&r->lock);
	known = find(r, called) >= 0;
	pthread_mutex_unlock(&r->lock);
	return known;
}

int runtimes_find(struct runtimes *r, const char *called, const char *abi,
	struct ctl_runtime_lib *ret_l, struct err *e)
{
	char have[LIMIT_VALUE] = "";
	int i, rc = 0, k = 0;

	pthread_mutex_lock(&r->lock);
	i = find(r, called);
	if (i < 0) {
		rc = not_known(called, e);
		goto out;
	}
	while (k < r->all[i].n_libs && strcmp(r->all[i].libs[k].abi, abi)) {
		size_t n = strlen(have);

		snprintf(
			have + n, sizeof(have) - n, "%s%s", n ? ", " : "", r->all[i].libs[k++].abi);
	}
	if (k < r->all[i].n_libs)
		*ret_l = r->all[i].libs[k];
	else
		rc = err_set(e, ERR_NOTFOUND, "the runtime %s has no library for %s; it is for %s",
			r->all[i].name, abi, have);
out:
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* ---- changing ---- */

/* Whether it may be put on the list; ERR_OK and *ret_i where it is there already. */
static int check_new(
	const struct runtimes *r, const char *sha256, const char *name, int *ret_i, struct err *e)
{
	*ret_i = -1;
	for (int i = 0; i < r->n; i++) {
		bool named = !strcmp(r->all[i].name, name),
		     same = !strcmp(r->all[i].sha256, sha256);

		if (named && same)
			*ret_i = i;
		else if (named)
			return err_set(e, ERR_EXISTS,
				"another runtime is called %s; remove it first, or choose another "
				"name",
				name);
		else if (same)
			return err_set(e, ERR_EXISTS, "this file is registered as %s already",
				r->all[i].name);
	}
	if (*ret_i < 0 && r->n == CTL_RUNTIMES_MAX)
		return err_set(
			e, ERR_WRONGSTATE, "%d runtimes are registered; remove one first", r->n);
	return 0;
}

static int put(struct runtimes *r, const struct ctl_runtime *new, struct err *e)
{
	int rc;

	/* One that had the same library may have been removed meanwhile. */
	for (int k = 0; k < new->n_libs; k++)
		if (!blobs_has(r->blobs, new->libs[k].sha256, NULL))
			return err_set(e, ERR_BUSY, "a runtime was removed meanwhile; try again");
	r->all[r->n++] = *new;
	rc = save(r, e);
	if (rc)
		r->n--;
	return rc;
}

int runtimes_add(struct runtimes *r, const char *sha256, const char *name, int64_t now_ms,
	struct ctl_runtime *ret_r, struct err *e)
{
	struct ctl_runtime new = {.added_ms = now_ms};
	int i, rc;

	if (!str_is_name(name) || !str_is_sha256(sha256))
		return err_set(e, ERR_INVAL,
			"a runtime's name has 1 to %d of A-Z a-z 0-9 . _ : + @ - and begins with "
			"neither - nor .",
			LIMIT_NAME - 1);
	str_copy(new.name, sizeof(new.name), name);
	str_copy(new.sha256, sizeof(new.sha256), sha256);
	pthread_mutex_lock(&r->lock);
	rc = check_new(r, sha256, name, &i, e);
	if (!rc && i >= 0)
		*ret_r = r->all[i];
	pthread_mutex_unlock(&r->lock);
	if (rc || i >= 0)
		return rc;
	/* What it takes to unpack nobody waits for. */
	rc = archive_open(r->blobs, sha256, new.libs, &new.n_libs, e);
	if (rc)
		return rc;
	pthread_mutex_lock(&r->lock);
	rc = check_new(r, sha256, name, &i, e);
	if (!rc && i < 0)
		rc = put(r, &new, e);
	if (rc)
		let_go_libs(r, &new);
	else
		*ret_r = i < 0 ? new : r->all[i];
	pthread_mutex_unlock(&r->lock);
	return rc;
}

int runtimes_remove(struct runtimes *r, const char *called, struct err *e)
{
	struct ctl_runtime gone;
	int i, rc;

	pthread_mutex_lock(&r->lock);
	i = find(r, called);
	if (i < 0) {
		rc = not_known(called, e);
		goto out;
	}
	gone = r->all[i];
	memmove(&r->all[i], &r->all[i + 1], (size_t)(--r->n - i) * sizeof(gone));
	rc = save(r, e);
	if (rc) {
		memmove(&r->all[i + 1], &r->all[i], (size_t)(r->n++ - i) * sizeof(gone));
		r->all[i] = gone;
	} else {
		let_go(r, &gone);
	}
out:
	pthread_mutex_unlock(&r->lock);
	return rc;
}
