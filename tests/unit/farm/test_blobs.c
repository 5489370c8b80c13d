/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: a file is there under its name only when its bytes are what the name says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "farm/blobs.h"
#include "support_env.h"

struct desk {
	char dir[64], files[80];
	struct env *env;
	struct ctl_env ctl_env;
	struct blobs *blobs;
	int done, rc;
	char text[LIMIT_CAUSE];
};

static void reopen(struct desk *d, int64_t quota)
{
	struct err e;

	blobs_close(d->blobs);
	d->blobs = blobs_open(&d->ctl_env, d->files, quota, &e);
	assert_non_null(d->blobs);
}

static struct desk *open_desk(int64_t quota)
{
	struct desk *d = calloc(1, sizeof(*d));

	snprintf(d->dir, sizeof(d->dir), "/tmp/ff-blobs-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->files, sizeof(d->files), "%s/files", d->dir);
	d->env = env_new();
	env_ctl(d->env, &d->ctl_env);
	reopen(d, quota);
	return d;
}

static void close_desk(struct desk *d)
{
	char cmd[128];

	blobs_close(d->blobs);
	env_free(d->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", d->dir);
	assert_int_equal(system(cmd), 0);
	free(d);
}

static void on_done(void *arg, int rc, const char *text)
{
	struct desk *d = arg;

	d->done++;
	d->rc = rc;
	snprintf(d->text, sizeof(d->text), "%s", text);
}

/* Uploads the bytes under the name; returns what became of it. */
static int upload(struct desk *d, const char *sha256, const char *bytes, int64_t announced)
{
	struct ctl_upload *u;
	struct err e = {0};
	int rc = blobs_begin(d->blobs, sha256, announced, &u, &e);

	if (!rc) {
		rc = ctl_upload_write(u, bytes, strlen(bytes), &e);
		if (rc) {
			ctl_upload_abort(u);
		} else {
			d->done = 0;
			ctl_upload_finish(u, on_done, d);
			assert_int_equal(d->done, 0);
			env_run_posts(d->env);
			assert_int_equal(d->done, 1);
			return d->rc;
		}
	}
	snprintf(d->text, sizeof(d->text), "%.255s", e.text);
	return rc;
}

static int leftovers(const struct desk *d)
{
	char path[128];
	struct dirent *de;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/tmp", d->files);
	dir = opendir(path);
	while ((de = readdir(dir)))
		n += de->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void a_file_is_there_once_its_hash_was_checked(void **state)
{
	struct desk *d = open_desk(1000);
	char sha[LIMIT_SHA256], path[256];
	int64_t bytes = 0;

	(void)state;
	hash_bytes("model", 5, sha);
	assert_false(blobs_has(d->blobs, sha, NULL));
	assert_int_equal(upload(d, sha, "model", 5), 0);
	assert_true(blobs_has(d->blobs, sha, &bytes));
	assert_int_equal(bytes, 5);
	blobs_path(d->blobs, sha, path, sizeof(path));
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(upload(d, sha, "model", 5), ERR_EXISTS);
	assert_int_equal(leftovers(d), 0);
	close_desk(d);
}

static void bytes_that_are_not_what_the_name_says_are_refused(void **state)
{
	struct desk *d = open_desk(1000);
	char sha[LIMIT_SHA256];

	(void)state;
	hash_bytes("model", 5, sha);
	assert_int_equal(upload(d, sha, "m0del", 5), ERR_CORRUPT);
	assert_non_null(strstr(d->text, sha));
	assert_int_equal(upload(d, sha, "mode", 5), ERR_CORRUPT); /* one byte is missing */
	assert_int_equal(upload(d, sha, "models", 5), ERR_TOOBIG);
	assert_int_equal(upload(d, "../../etc/passwd", "x", 1), ERR_INVAL);
	assert_int_equal(upload(d, sha, "x", LIMIT_UPLOAD_BYTES + 1), ERR_TOOBIG);
	assert_false(blobs_has(d->blobs, sha, NULL));
	assert_int_equal(leftovers(d), 0);
	assert_int_equal(blobs_bytes(d->blobs), 0);
	close_desk(d);
}

static void the_quota_counts_what_is_there_and_what_is_promised(void **state)
{
	struct desk *d = open_desk(8);
	struct ctl_upload *u;
	char sha[LIMIT_SHA256];
	struct err e;

	(void)state;
	hash_bytes("12345", 5, sha);
	assert_int_equal(blobs_begin(d->blobs, sha, 5, &u, &e), 0);
	assert_int_equal(upload(d, sha, "12345", 5), ERR_NOSPACE);
	ctl_upload_abort(u);
	assert_int_equal(upload(d, sha, "12345", 5), 0);
	reopen(d, 8); /* a restart counts again */
	hash_bytes("6789", 4, sha);
	assert_int_equal(upload(d, sha, "6789", 4), ERR_NOSPACE);
	assert_non_null(strstr(d->text, "limited"));
	close_desk(d);
}

static void a_start_removes_what_an_unfinished_upload_left(void **state)
{
	struct desk *d = open_desk(1000);
	char path[128];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/tmp/up-9", d->files);
	f = fopen(path, "w");
	fputs("half", f);
	fclose(f);
	assert_int_equal(leftovers(d), 1);
	reopen(d, 1000);
	assert_int_equal(leftovers(d), 0);
	close_desk(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_there_once_its_hash_was_checked),
		cmocka_unit_test(bytes_that_are_not_what_the_name_says_are_refused),
		cmocka_unit_test(the_quota_counts_what_is_there_and_what_is_promised),
		cmocka_unit_test(a_start_removes_what_an_unfinished_upload_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
