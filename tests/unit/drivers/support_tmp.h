/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory of the test's own, and small files in it. */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_TMP_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_TMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

#define TMP_PATH 400

struct tmp {
	char dir[TMP_PATH / 2];
};

void tmp_init(struct tmp *t);
void tmp_fini(struct tmp *t); /* removes everything */
/* t->dir/name; the text is one of a few that take turns. */
const char *tmp_path(const struct tmp *t, const char *name);
void tmp_write(const char *path, const void *data, size_t n);
void tmp_write_text(const char *path, const char *text);
/* The file's text, at most a few KiB; "" when there is none. One buffer. */
const char *tmp_read(const char *path);
bool tmp_exists(const char *path);
void tmp_mkdir(const char *path); /* with its parents */
void tmp_hash(const char *path, char ret_hex[LIMIT_SHA256], long long *ret_bytes);

#endif
