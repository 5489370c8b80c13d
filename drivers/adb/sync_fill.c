/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sync client sends: requests and the contents of files, one behind the other into one
 * buffer as long as there is room, so that a thousand small files are a few packets. Runs on the
 * pool, alone with the requests from tx.at on. See sync_internal.h.
 */
#include "drivers/adb/sync_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "drivers/adb/compress.h"

#define PIECE_MIN 4096 /* less room than this is left to the next buffer */
#define READ_MAX  (64 * 1024)

static size_t room(const struct adb_sync *s)
{
	return s->tx.buf->cap - s->tx.buf->len;
}

static uint8_t *at_end(struct adb_sync *s)
{
	return s->tx.buf->data + s->tx.buf->len;
}

static void put(struct adb_sync *s, const void *data, size_t n)
{
	memcpy(at_end(s), data, n);
	s->tx.buf->len += n;
}

static void put_request(struct adb_sync *s, uint32_t id, const char *path)
{
	adb_sync_put_request(at_end(s), id, strlen(path));
	s->tx.buf->len += ADB_SYNC_REQUEST;
	put(s, path, strlen(path));
}

static void put_u32(struct adb_sync *s, uint32_t v)
{
	uint8_t b[4] = {v, v >> 8, v >> 16, v >> 24};

	put(s, b, sizeof(b));
}

/* ---- a file ---- */

static int open_source(struct sync_job *j, struct err *e)
{
	struct stat st;

	if (j->fd < 0)
		j->fd = open(j->src, O_RDONLY | O_CLOEXEC);
	if (j->fd < 0)
		return err_errno(e, errno, "cannot read %s", j->src);
	if (fstat(j->fd, &st) || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INVAL, "%s is no regular file", j->src);
	if (j->expect_bytes >= 0 && st.st_size != j->expect_bytes)
		return err_set(e, ERR_CORRUPT, "%s has %lld bytes instead of %lld", j->src,
			(long long)st.st_size, (long long)j->expect_bytes);
	j->mtime_s = st.st_mtim.tv_sec;
	if (*j->sha256)
		j->hash = hash_new();
	if (j->compress)
		j->pack = adb_compress_new(j->compress, false);
	return j->compress && !j->pack ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

static int read_some(struct sync_job *j, uint8_t *dst, size_t n, size_t *ret_n, struct err *e)
{
	ssize_t got;

	do
		got = read(j->fd, dst, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(e, errno, "cannot read %s", j->src);
	if (j->hash)
		hash_add(j->hash, dst, got);
	j->result.bytes += got;
	*ret_n = got;
	return 0;
}

/* At the file's end: whether it was what was promised. */
static int check_content(struct sync_job *j, struct err *e)
{
	char hex[LIMIT_SHA256];

	if (j->expect_bytes >= 0 && j->result.bytes != j->expect_bytes)
		return err_set(e, ERR_CORRUPT, "%s changed while it was read", j->src);
	if (!j->hash)
		return 0;
	hash_finish(j->hash, hex);
	j->hash = NULL;
	if (strcmp(hex, j->sha256) != 0)
		return err_set(e, ERR_CORRUPT, "%s is damaged: its SHA-256 is %s", j->src, hex);
	return 0;
}

/* One DATA straight from the file. *ret_end at the file's end. */
static int put_plain(struct adb_sync *s, struct sync_job *j, bool *ret_end)
{
	size_t n = room(s) - ADB_SYNC_REQUEST, got;
	uint8_t *head = at_end(s);
	int rc;

	if (n > ADB_SYNC_DATA_MAX)
		n = ADB_SYNC_DATA_MAX;
	rc = read_some(j, head + ADB_SYNC_REQUEST, n, &got, &s->tx.err);
	if (rc)
		return rc;
	*ret_end = !got;
	if (got) {
		adb_sync_put_request(head, ADB_SYNC_DATA, got);
		s->tx.buf->len += ADB_SYNC_REQUEST + got;
	}
	return 0;
}

/* One DATA through the compressor. */
static int put_packed(struct adb_sync *s, struct sync_job *j, bool *ret_end)
{
	size_t cap = room(s) - ADB_SYNC_REQUEST, made = 0, got, used, n;
	uint8_t *head = at_end(s), in[READ_MAX];
	int rc = 0, end = 0;

	if (cap > ADB_SYNC_DATA_MAX)
		cap = ADB_SYNC_DATA_MAX;
	while (!end && made < cap) {
		off_t before = lseek(j->fd, 0, SEEK_CUR);
		struct hash *hash = j->hash;
		int64_t bytes = j->result.bytes;

		/* Hashed and counted only as far as the compressor took it. */
		j->hash = NULL;
		rc = read_some(j, in, sizeof(in), &got, &s->tx.err);
		j->hash = hash;
		if (rc)
			return rc;
		end = adb_compress_run(j->pack, in, got, &used, head + ADB_SYNC_REQUEST + made,
			cap - made, &n, !got);
		if (end < 0)
			return err_set(&s->tx.err, ERR_SYS, "cannot compress %s", j->src);
		if (hash)
			hash_add(hash, in, used);
		j->result.bytes = bytes + used;
		made += n;
		if (used < got && lseek(j->fd, before + used, SEEK_SET) < 0)
			return err_errno(&s->tx.err, errno, "cannot read %s", j->src);
	}
	if (made) {
		adb_sync_put_request(head, ADB_SYNC_DATA, made);
		s->tx.buf->len += ADB_SYNC_REQUEST + made;
	}
	*ret_end = end == 1;
	return 0;
}

/* ---- one request, as far as there is room ---- */

static size_t request_size(const struct sync_job *j)
{
	return ADB_SYNC_REQUEST + strlen(j->path) + 12 + 12;
}

static int put_push_request(struct adb_sync *s, struct sync_job *j)
{
	char spec[ADB_SYNC_PATH_MAX + 16];
	int rc = open_source(j, &s->tx.err);

	if (rc)
		return rc;
	if (j->compress) {
		put_request(s, ADB_SYNC_SND2, j->path);
		put_u32(s, ADB_SYNC_SND2);
		put_u32(s, j->mode);
		put_u32(s, j->compress);
	} else {
		snprintf(spec, sizeof(spec), "%s,%u", j->path, j->mode);
		put_request(s, ADB_SYNC_SEND, spec);
	}
	j->stage = SYNC_CONTENT;
	return 0;
}

static int put_pull_request(struct adb_sync *s, struct sync_job *j)
{
	put_request(s, j->compress ? ADB_SYNC_RCV2 : ADB_SYNC_RECV, j->path);
	if (j->compress) {
		put_u32(s, ADB_SYNC_RCV2);
		put_u32(s, j->compress);
	}
	j->stage = SYNC_SENT;
	return 0;
}

static int put_begin(struct adb_sync *s, struct sync_job *j)
{
	bool stat2 = adb_conn_has(s->conn, ADB_F_STAT_V2), ls2 = adb_conn_has(s->conn, ADB_F_LS_V2);

	if (j->kind == SYNC_PUSH)
		return put_push_request(s, j);
	if (j->kind == SYNC_PULL)
		return put_pull_request(s, j);
	if (j->kind == SYNC_STAT)
		put_request(s, stat2 ? ADB_SYNC_LST2 : ADB_SYNC_STAT, j->path);
	else
		put_request(s, ls2 ? ADB_SYNC_LIS2 : ADB_SYNC_LIST, j->path);
	j->stage = SYNC_SENT;
	return 0;
}

static int put_content(struct adb_sync *s, struct sync_job *j)
{
	bool end = false;
	int rc = j->pack ? put_packed(s, j, &end) : put_plain(s, j, &end);

	if (!rc && end) {
		rc = check_content(j, &s->tx.err);
		j->stage = SYNC_DONE;
	}
	return rc;
}

static void put_done(struct adb_sync *s, struct sync_job *j)
{
	adb_sync_put_request(at_end(s), ADB_SYNC_DONE, (uint32_t)j->mtime_s);
	s->tx.buf->len += ADB_SYNC_REQUEST;
	sync_fill_drop(j);
	j->stage = SYNC_SENT;
}

/* Returns false when the buffer is full. */
static bool put_step(struct adb_sync *s, struct sync_job *j)
{
	switch (j->stage) {
	case SYNC_REQUEST:
		if (room(s) < request_size(j))
			return false;
		s->tx.rc = put_begin(s, j);
		return true;
	case SYNC_CONTENT:
		if (room(s) < PIECE_MIN && s->tx.buf->len)
			return false;
		s->tx.rc = put_content(s, j);
		return true;
	default:
		if (room(s) < ADB_SYNC_REQUEST)
			return false;
		put_done(s, j);
		return true;
	}
}

void sync_fill(void *arg)
{
	struct adb_sync *s = arg;

	while (s->tx.at && !s->tx.rc) {
		if (!put_step(s, s->tx.at))
			return;
		if (!s->tx.rc && s->tx.at->stage == SYNC_SENT)
			s->tx.at = TAILQ_NEXT(s->tx.at, tx_link);
	}
}

void sync_fill_drop(struct sync_job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
	hash_free(j->hash);
	j->hash = NULL;
	adb_compress_free(j->pack);
	j->pack = NULL;
}
