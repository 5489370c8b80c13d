/* SPDX-License-Identifier: Apache-2.0 */
/* See support_tmp.h. */
#include "support_tmp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"

void tmp_init(struct tmp *t)
{
	str_copy(t->dir, sizeof(t->dir), "/tmp/framefarm-test-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void tmp_fini(struct tmp *t)
{
	assert_int_equal(nftw(t->dir, remove_one, 32, FTW_DEPTH | FTW_PHYS), 0);
}

const char *tmp_path(const struct tmp *t, const char *name)
{
	static char paths[8][TMP_PATH];
	static int turn;
	char *p = paths[turn++ % 8];

	assert_true(snprintf(p, TMP_PATH, "%s/%s", t->dir, name) < TMP_PATH);
	return p;
}

void tmp_write(const char *path, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

void tmp_write_text(const char *path, const char *text)
{
	tmp_write(path, text, strlen(text));
}

const char *tmp_read(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

bool tmp_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void tmp_mkdir(const char *path)
{
	char part[TMP_PATH];

	for (size_t i = 1; path[i - 1]; i++) {
		if (path[i] && path[i] != '/')
			continue;
		assert_true(i < sizeof(part));
		memcpy(part, path, i);
		part[i] = '\0';
		assert_true(!mkdir(part, 0700) || errno == EEXIST);
	}
}

void tmp_hash(const char *path, char ret_hex[LIMIT_SHA256], long long *ret_bytes)
{
	int64_t bytes;

	assert_int_equal(hash_file(path, ret_hex, &bytes, NULL), 0);
	if (ret_bytes)
		*ret_bytes = bytes;
}
