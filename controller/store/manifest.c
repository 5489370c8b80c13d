/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup consists of; see manifest.h. */
#include "store/manifest.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/disk.h"

#define FAMILY "framefarm.backup/"
#define SCHEMA FAMILY "1"

static struct manifest_file *next_file(struct manifest *m, struct err *e)
{
	if (m->n == MANIFEST_FILES_MAX) {
		err_set(e, ERR_TOOBIG, "a backup has at most %d files", MANIFEST_FILES_MAX);
		return NULL;
	}
	if (m->n == m->cap) {
		m->cap = m->cap ? 2 * m->cap : 16;
		m->files = mem_realloc(m->files, (size_t)m->cap, sizeof(*m->files));
	}
	return memset(&m->files[m->n], 0, sizeof(*m->files));
}

int manifest_add(struct manifest *m, const char *dir, const char *path, struct err *e)
{
	struct manifest_file *f = next_file(m, e);
	char full[PATH_MAX];
	int rc;

	if (!f)
		return ERR_TOOBIG;
	if (!str_copy(f->path, sizeof(f->path), path))
		return err_set(e, ERR_TOOBIG, "the name %.60s… is too long", path);
	if ((rc = disk_path(full, dir, path, e)) || (rc = hash_file(full, f->sha256, &f->bytes, e)))
		return rc;
	m->n++;
	return 0;
}

void manifest_fini(struct manifest *m)
{
	mem_free(m->files);
	memset(m, 0, sizeof(*m));
}

/* ---- writing ---- */

/* The last line: the hash of what stands before it. */
static void seal(struct buf *b)
{
	char sha256[LIMIT_SHA256];

	hash_bytes(b->data, b->len, sha256);
	buf_printf(b, "end %s\n", sha256);
}

int manifest_write(const struct manifest *m, const char *dir, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, MANIFEST_BYTES_MAX);
	buf_printf(&b,
		SCHEMA "\nfarm_id %s\nframefarm %s\nmade_ms %" PRId64 "\ncontrol_schema %" PRId64
		       "\nsamples_schema %" PRId64 "\n",
		m->farm_id, m->framefarm, m->made_ms, m->control_schema, m->samples_schema);
	for (int i = 0; i < m->n; i++)
		buf_printf(&b, "file %s %" PRId64 " %s\n", m->files[i].sha256, m->files[i].bytes,
			m->files[i].path);
	seal(&b);
	rc = disk_write(dir, MANIFEST_NAME, b.data, b.len, e);
	buf_fini(&b);
	return rc;
}

/* ---- reading ---- */

static bool is_below(const char *path)
{
	return *path && *path != '/' && !strstr(path, "..") && !strstr(path, "//");
}

static int read_file(struct manifest *m, char *rest, struct err *e)
{
	struct manifest_file *f = next_file(m, e);
	char *bytes = strchr(rest, ' '), *path = bytes ? strchr(bytes + 1, ' ') : NULL;

	if (!f)
		return ERR_TOOBIG;
	if (!path)
		return ERR_CORRUPT;
	*bytes++ = *path++ = '\0';
	f->bytes = strtoll(bytes, NULL, 10);
	if (!str_is_sha256(rest) || !is_below(path) || !str_copy(f->path, sizeof(f->path), path))
		return ERR_CORRUPT;
	str_copy(f->sha256, sizeof(f->sha256), rest);
	m->n++;
	return 0;
}

static int read_line(struct manifest *m, char *line, struct err *e)
{
	char *value = strchr(line, ' ');

	if (!value)
		return ERR_CORRUPT;
	*value++ = '\0';
	if (!strcmp(line, "file"))
		return read_file(m, value, e);
	if (!strcmp(line, "farm_id"))
		return str_copy(m->farm_id, sizeof(m->farm_id), value) ? 0 : ERR_CORRUPT;
	if (!strcmp(line, "framefarm"))
		return str_copy(m->framefarm, sizeof(m->framefarm), value) ? 0 : ERR_CORRUPT;
	if (!strcmp(line, "made_ms"))
		m->made_ms = strtoll(value, NULL, 10);
	else if (!strcmp(line, "control_schema"))
		m->control_schema = strtoll(value, NULL, 10);
	else if (!strcmp(line, "samples_schema"))
		m->samples_schema = strtoll(value, NULL, 10);
	else
		return ERR_CORRUPT;
	return 0;
}

/* Whether the last line is there and is that of the others; cuts it off. */
static bool is_whole(struct buf *b)
{
	char sha256[LIMIT_SHA256], want[LIMIT_SHA256 + 8];
	size_t n = LIMIT_SHA256 - 1 + strlen("end \n");

	if (b->len < n)
		return false;
	hash_bytes(b->data, b->len - n, sha256);
	snprintf(want, sizeof(want), "end %s\n", sha256);
	if (memcmp(b->data + b->len - n, want, n))
		return false;
	b->len -= n;
	b->data[b->len] = '\0';
	return true;
}

static int read_text(struct manifest *m, struct buf *b, struct err *e)
{
	char *save = NULL, *line;
	int rc = 0;

	if (strncmp(buf_text(b), SCHEMA "\n", strlen(SCHEMA) + 1))
		return strncmp(buf_text(b), FAMILY, strlen(FAMILY)) ? ERR_CORRUPT : ERR_VERSION;
	if (!is_whole(b))
		return ERR_CORRUPT;
	line = strtok_r((char *)b->data, "\n", &save);
	while (!rc && (line = strtok_r(NULL, "\n", &save)))
		rc = read_line(m, line, e);
	return rc;
}

int manifest_read(struct manifest *ret_m, const char *dir, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, MANIFEST_BYTES_MAX);
	rc = disk_read(dir, MANIFEST_NAME, &b, e);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc,
			"%s has no " MANIFEST_NAME ": it is no backup, or one that was cut short",
			dir);
	else if (!rc && (rc = read_text(ret_m, &b, e)) == ERR_VERSION)
		err_set(e, rc, "%s was made by a newer framefarm: restore it with that one", dir);
	else if (rc == ERR_CORRUPT)
		err_set(e, rc,
			"the backup is damaged: %s/" MANIFEST_NAME " is not as it was written",
			dir);
	buf_fini(&b);
	return rc;
}

int manifest_check(const struct manifest *m, const char *dir, struct err *e)
{
	char full[PATH_MAX], sha256[LIMIT_SHA256];
	int64_t bytes;
	int rc;

	for (int i = 0; i < m->n; i++) {
		const struct manifest_file *f = &m->files[i];

		if ((rc = disk_path(full, dir, f->path, e)) ||
			(rc = hash_file(full, sha256, &bytes, e)))
			return err_wrap(e, "the backup is damaged");
		if (bytes != f->bytes || strcmp(sha256, f->sha256))
			return err_set(e, ERR_CORRUPT,
				"the backup is damaged: %s is not as it was written (%lld of %lld "
				"bytes,"
				" SHA-256 %.12s instead of %.12s)",
				full, (long long)bytes, (long long)f->bytes, sha256, f->sha256);
	}
	return 0;
}
