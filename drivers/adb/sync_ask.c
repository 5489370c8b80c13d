/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the sync: client: each request, as it is made; see sync.h. */
#include "drivers/adb/sync_internal.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static int job_new(struct adb_sync *s, enum sync_kind kind, const char *path, adb_sync_fn done,
	void *arg, struct sync_job **ret_j)
{
	struct sync_job *j;

	if (s->rc)
		return s->rc;
	if (s->n_jobs >= ADB_SYNC_QUEUE_MAX)
		return ERR_FULL;
	/* SEND's request has ",MODE" behind the path. */
	if (!*path || strlen(path) + 12 > ADB_SYNC_PATH_MAX)
		return ERR_TOOBIG;
	j = mem_zalloc(sizeof(*j));
	j->s = s;
	j->kind = kind;
	j->path = mem_strdup(path);
	j->done = done;
	j->arg = arg;
	j->fd = -1;
	*ret_j = j;
	return 0;
}

int adb_sync_stat(struct adb_sync *s, const char *path, adb_sync_fn done, void *arg)
{
	struct sync_job *j;
	int rc = job_new(s, SYNC_STAT, path, done, arg, &j);

	if (!rc)
		sync_job_add(j);
	return rc;
}

int adb_sync_list(struct adb_sync *s, const char *path, int max,
	void (*entry)(void *arg, const char *name, const struct adb_sync_stat *st),
	adb_sync_fn done, void *arg)
{
	struct sync_job *j;
	int rc = job_new(s, SYNC_LIST, path, done, arg, &j);

	if (rc)
		return rc;
	j->entry = entry;
	j->max_entries = max;
	sync_job_add(j);
	return 0;
}

/* Small things that are no file: kept as one, so that there is one way to send. */
static int keep_data(struct sync_job *j, const void *data, size_t n)
{
	j->fd = memfd_create("framefarm", MFD_CLOEXEC);
	if (j->fd < 0)
		return ERR_SYS;
	if (write(j->fd, data, n) == (ssize_t)n && !lseek(j->fd, 0, SEEK_SET))
		return 0;
	close(j->fd);
	return ERR_IO;
}

int adb_sync_push(struct adb_sync *s, const struct adb_sync_push *p, adb_sync_fn done, void *arg)
{
	struct sync_job *j;
	int rc = job_new(s, SYNC_PUSH, p->dst, done, arg, &j);

	if (rc)
		return rc;
	assert(!p->compress || adb_conn_has(s->conn, ADB_F_SENDRECV_V2));
	j->src = mem_strdup(p->src ? p->src : "(memory)");
	if (!p->src && (rc = keep_data(j, p->data, p->n))) {
		mem_free(j->src);
		mem_free(j->path);
		mem_free(j);
		return rc;
	}
	j->mode = S_IFREG | (p->mode & 0777);
	j->expect_bytes = p->bytes;
	j->compress = p->compress;
	if (p->sha256)
		str_copy(j->sha256, sizeof(j->sha256), p->sha256);
	sync_job_add(j);
	return 0;
}

int adb_sync_pull(struct adb_sync *s, const char *src, const char *dst, int64_t max_bytes,
	uint32_t compress, adb_sync_fn done, void *arg)
{
	struct sync_job *j;
	struct err e = {0};
	int rc = job_new(s, SYNC_PULL, src, done, arg, &j);

	if (rc)
		return rc;
	j->compress = compress;
	rc = sync_pull_begin(j, dst, max_bytes, &e);
	if (rc) {
		mem_free(j->path);
		mem_free(j);
		return rc;
	}
	sync_job_add(j);
	return 0;
}
