/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the phone on its way into the host: pieces are gathered into blocks, blocks are written
 * on the pool in order, and the stream is paused while enough of them wait. The file gets its name
 * last. See sync_internal.h.
 */
#include "drivers/adb/sync_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/compress.h"

#define BLOCK      ADB_PAYLOAD_MAX /* as all long buffers, so that they are used again */
#define BLOCKS_MAX 4               /* that wait or are being written */

struct block {
	TAILQ_ENTRY(block) link;
	struct adb_buf *buf;
};

TAILQ_HEAD(blocks, block);

struct sync_pull {
	struct sync_job *job;
	char dst[DRIVER_PATH_MAX], part[DRIVER_PATH_MAX + 8];
	int64_t max_bytes;
	struct adb_compress *unpack;
	bool unpacked; /* the compressed stream is complete */
	struct blocks waiting;
	struct block *open; /* being filled */
	int n_blocks;
	bool paused;

	/* The pool's while `writing`. */
	bool writing;
	struct block *block; /* NULL: the end */
	bool last;
	int fd;
	int rc;
	struct err err;
};

static void write_next(struct sync_pull *p);

static struct block *block_new(void)
{
	struct block *b = mem_alloc(sizeof(*b));

	b->buf = adb_buf_new(BLOCK);
	return b;
}

static void block_free(struct block *b)
{
	if (b)
		adb_buf_unref(b->buf);
	mem_free(b);
}

int sync_pull_begin(struct sync_job *j, const char *dst, int64_t max_bytes, struct err *e)
{
	struct sync_pull *p = mem_zalloc(sizeof(*p));

	p->job = j;
	p->fd = -1;
	p->max_bytes = max_bytes;
	TAILQ_INIT(&p->waiting);
	if (!str_copy(p->dst, sizeof(p->dst), dst)) {
		mem_free(p);
		return err_set(e, ERR_TOOBIG, "the path %.80s… is too long", dst);
	}
	snprintf(p->part, sizeof(p->part), "%s.part", p->dst);
	if (j->compress)
		p->unpack = adb_compress_new(j->compress, true);
	j->pull = p;
	return 0;
}

/* ---- on the pool ---- */

static int write_all(int fd, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t w = write(fd, data, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		data += w;
		n -= w;
	}
	return 0;
}

static int write_block(struct sync_pull *p)
{
	int rc;

	if (p->fd < 0)
		p->fd = open(p->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0)
		return err_errno(&p->err, errno, "cannot write %s", p->part);
	rc = p->block ? write_all(p->fd, p->block->buf->data, p->block->buf->len) : 0;
	if (rc)
		return err_errno(&p->err, -rc, "cannot write %s", p->part);
	if (!p->last)
		return 0;
	rc = close(p->fd);
	p->fd = -1;
	if (!rc && !rename(p->part, p->dst))
		return 0;
	err_errno(&p->err, errno, "cannot write %s", p->dst);
	unlink(p->part);
	return p->err.code;
}

static void work(void *arg)
{
	struct sync_pull *p = arg;

	p->rc = write_block(p);
}

/* ---- on the loop ---- */

static void written(void *arg)
{
	struct sync_pull *p = arg;
	struct sync_job *j = p->job;
	struct adb_sync *s = j->s;

	s->n_writes--;
	p->writing = false;
	if (p->block)
		p->n_blocks--;
	block_free(p->block);
	p->block = NULL;
	if (p->rc && !s->rc) {
		j->result.ours = true;
		sync_fail(s, p->rc, p->err.text);
	}
	if (s->rc) {
		sync_check_end(s);
		return;
	}
	if (p->last) {
		adb_compress_free(p->unpack);
		sync_job_done(j, 0, "");
		return;
	}
	if (p->paused && p->n_blocks < BLOCKS_MAX - 1) {
		p->paused = false;
		s->stream->ops->pause(s->stream, false);
	}
	write_next(p);
}

static void write_next(struct sync_pull *p)
{
	struct adb_sync *s = p->job->s;

	if (p->writing)
		return;
	p->block = TAILQ_FIRST(&p->waiting);
	if (!p->block && !p->job->answered)
		return;
	if (p->block)
		TAILQ_REMOVE(&p->waiting, p->block, link);
	p->last = p->job->answered && TAILQ_EMPTY(&p->waiting);
	p->writing = true;
	s->n_writes++;
	if (!s->host->blocking(s->host, work, written, p))
		return;
	p->writing = false;
	s->n_writes--;
	block_free(p->block);
	p->block = NULL;
	sync_fail(s, ERR_FULL, "too much work is queued");
}

static void close_block(struct sync_pull *p)
{
	if (!p->open)
		return;
	TAILQ_INSERT_TAIL(&p->waiting, p->open, link);
	p->open = NULL;
}

static uint8_t *block_room(struct sync_pull *p, size_t *ret_room)
{
	if (p->open && p->open->buf->len == BLOCK)
		close_block(p);
	if (!p->open) {
		p->open = block_new();
		p->n_blocks++;
	}
	*ret_room = BLOCK - p->open->buf->len;
	return p->open->buf->data + p->open->buf->len;
}

/* *ret_used of the data go into the open block. */
static int take(struct sync_pull *p, const uint8_t *data, size_t n, size_t *ret_used)
{
	size_t room, made;
	uint8_t *dst = block_room(p, &room);
	int rc = 0;

	if (p->unpack) {
		rc = adb_compress_run(p->unpack, data, n, ret_used, dst, room, &made, false);
		p->unpacked |= rc == 1;
		rc = rc < 0 || (rc == 1 && *ret_used < n) ? ERR_PROTO : 0;
	} else {
		*ret_used = made = n < room ? n : room;
		memcpy(dst, data, made);
	}
	p->open->buf->len += (uint32_t)made;
	p->job->result.bytes += made;
	if (!rc && p->job->result.bytes > p->max_bytes)
		rc = ERR_TOOBIG;
	return rc;
}

bool sync_pull_data(struct sync_job *j, const uint8_t *data, size_t n)
{
	struct sync_pull *p = j->pull;
	struct adb_sync *s = j->s;
	size_t used, before;
	int rc = 0;

	/* A full block can leave output inside the decompressor: once more without input. */
	do {
		before = p->open ? p->open->buf->len : 0;
		rc = take(p, data, n, &used);
		data += used;
		n -= used;
	} while (!rc && (n || (p->unpack && p->open->buf->len == BLOCK && before != BLOCK)));
	if (rc) {
		sync_fail(s, rc,
			rc == ERR_TOOBIG ? "the phone's file is larger than it may be"
					 : "the phone sent a damaged compressed file");
		return false;
	}
	if (p->n_blocks >= BLOCKS_MAX && !p->paused) {
		p->paused = true;
		s->stream->ops->pause(s->stream, true);
	}
	write_next(p);
	return !s->rc;
}

void sync_pull_finish(struct sync_job *j)
{
	struct sync_pull *p = j->pull;

	if (p->unpack && !p->unpacked) {
		sync_fail(j->s, ERR_PROTO, "the phone sent a compressed file without an end");
		return;
	}
	close_block(p);
	j->answered = true;
	if (p->paused) {
		p->paused = false;
		j->s->stream->ops->pause(j->s->stream, false);
	}
	write_next(p);
}

void sync_pull_drop(struct sync_job *j)
{
	struct sync_pull *p = j->pull;
	struct block *b;

	while ((b = TAILQ_FIRST(&p->waiting))) {
		TAILQ_REMOVE(&p->waiting, b, link);
		block_free(b);
	}
	block_free(p->open);
	block_free(p->block);
	adb_compress_free(p->unpack);
	if (p->fd >= 0) {
		close(p->fd);
		unlink(p->part);
	}
}
