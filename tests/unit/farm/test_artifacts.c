/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: at most so many attempts, plain names only, nothing outside the directory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "farm/artifacts.h"

struct box {
	char dir[64], attempt[700];
	struct err e;
};

static int setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/ff-artifacts-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", b->dir);
	assert_int_equal(system(cmd), 0);
	free(b);
	return 0;
}

static void begin(struct box *b, int64_t attempt)
{
	assert_int_equal(
		artifacts_begin(b->dir, attempt, b->attempt, sizeof(b->attempt), &b->e), 0);
}

static void put(struct box *b, const char *name, int64_t bytes)
{
	char path[800];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b->attempt, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0 && !ftruncate(fd, bytes));
	close(fd);
}

static bool is_there(struct box *b, int64_t attempt)
{
	struct ctl_artifact one[1];

	return artifacts_list(b->dir, attempt, one, 1) == 1;
}

static void the_oldest_attempts_go(void **state)
{
	struct box *b = *state;

	for (int64_t a = 1; a <= ARTIFACTS_ATTEMPTS + 1; a++) {
		begin(b, a);
		put(b, "logcat.txt", 1);
		artifacts_end(b->dir, a);
	}
	assert_false(is_there(b, 1));
	assert_true(is_there(b, 2));
	assert_true(is_there(b, ARTIFACTS_ATTEMPTS + 1));
	/* Another round of one that is there takes no room. */
	begin(b, 2);
	assert_true(is_there(b, 2));
}

static void a_directory_goes_with_all_that_is_in_it(void **state)
{
	struct box *b = *state;
	char path[800], target[128];

	begin(b, 7);
	put(b, "kept", 1);
	snprintf(path, sizeof(path), "%s/deep", b->attempt);
	assert_int_equal(mkdir(path, 0700), 0);
	put(b, "deep/file", 5);
	snprintf(target, sizeof(target), "%s/outside", b->dir);
	assert_int_equal(mkdir(target, 0700), 0);
	snprintf(path, sizeof(path), "%s/deep/link", b->attempt);
	assert_int_equal(symlink(target, path), 0);
	artifacts_end(b->dir, 7);
	snprintf(path, sizeof(path), "%s/deep", b->attempt);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access(target, F_OK), 0); /* no link is followed */
	assert_true(is_there(b, 7));
}

static void the_quota_is_kept_to_the_byte(void **state)
{
	struct box *b = *state;
	struct ctl_artifact files[4];

	begin(b, 7);
	put(b, "one", ARTIFACTS_BYTES);
	artifacts_end(b->dir, 7);
	assert_int_equal(artifacts_list(b->dir, 7, files, 4), 1);
	assert_int_equal(files[0].bytes, ARTIFACTS_BYTES);
	put(b, "two", 1);
	artifacts_end(b->dir, 7);
	assert_true(artifacts_list(b->dir, 7, files, 4) <= 2);
	assert_true(files[0].bytes <= ARTIFACTS_BYTES);
}

static void only_plain_names_are_opened(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "../a7/one", "/etc/passwd", "-one", ".one", "a b", "none"};
	struct box *b = *state;
	int64_t bytes;
	int fd;

	begin(b, 7);
	put(b, "one", 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(artifacts_open(b->dir, 7, bad[i], &bytes, &b->e), ERR_NOTFOUND);
	fd = artifacts_open(b->dir, 7, "one", &bytes, &b->e);
	assert_true(fd >= 0);
	assert_int_equal(bytes, 3);
	close(fd);
	assert_int_equal(artifacts_open(b->dir, 8, "one", &bytes, &b->e), ERR_NOTFOUND);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_oldest_attempts_go),
		T(a_directory_goes_with_all_that_is_in_it),
		T(the_quota_is_kept_to_the_byte),
		T(only_plain_names_are_opened),
	};

	return cmocka_run_group_tests_name("farm_artifacts", tests, NULL, NULL);
}
