/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the phone on its way into the host: blocks are written on the pool in order, and the
 * stream is paused while enough of them wait. A block is what one long packet brought, written from
 * where the link received it; short packets, too many pieces and what is unpacked are gathered in
 * blocks of our own. The file gets its name last. See sync_internal.h.
 */
#include "drivers/adb/sync_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/compress.h"

#define BLOCK      ADB_PAYLOAD_MAX /* as all long buffers, so that they are used again */
#define BLOCKS_MAX 4               /* that wait or are being written */
#define BURST_MAX  128             /* that one packet of a compressed file may become */
#define PIECES_MAX 64              /* of a packet: DATA of 64 KiB make 17; the rest is copied */

struct block {
	TAILQ_ENTRY(block) link;
	struct adb_buf *buf;
	bool held;    /* the packet's, not ours */
	int n_pieces; /* of the file in it, in order */
	struct iovec pieces[PIECES_MAX];
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
	bool crowded;       /* this packet has too many pieces */
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

/* Takes the reference to a packet; NULL: memory of our own, one piece that grows. */
static struct block *block_new(struct adb_buf *packet)
{
	struct block *b = mem_alloc(sizeof(*b));

	b->held = packet;
	b->n_pieces = packet ? 0 : 1;
	b->buf = packet ? packet : adb_buf_new(BLOCK);
	b->pieces[0] = (struct iovec){b->buf->data, 0};
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

static int write_all(int fd, struct iovec *iov, int n)
{
	while (n) {
		ssize_t w = writev(fd, iov, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		for (; n && (size_t)w >= iov->iov_len; n--, iov++)
			w -= (ssize_t)iov->iov_len;
		if (n) {
			iov->iov_base = (uint8_t *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
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
	rc = p->block ? write_all(p->fd, p->block->pieces, p->block->n_pieces) : 0;
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

static void open_block(struct sync_pull *p, struct adb_buf *packet)
{
	close_block(p);
	p->open = block_new(packet);
	p->n_blocks++;
}

/* The piece stays where it is. False where it must be copied. */
static bool take_held(struct sync_pull *p, const uint8_t *data, size_t n)
{
	struct adb_sync *s = p->job->s;
	struct adb_buf *packet;

	if (p->open && p->open->held) {
		p->crowded = p->open->n_pieces == PIECES_MAX;
	} else if (!p->unpack && !p->crowded) {
		packet = adb_conn_hold(s->conn, s->stream);
		if (packet)
			open_block(p, packet);
	}
	if (!p->open || !p->open->held || p->crowded)
		return false;
	p->open->pieces[p->open->n_pieces++] = (struct iovec){(void *)data, n};
	p->job->result.bytes += (int64_t)n;
	return true;
}

/* *ret_used of the data go into an open block of our own. */
static int take(struct sync_pull *p, const uint8_t *data, size_t n, size_t *ret_used)
{
	struct iovec *piece;
	size_t room, made;
	uint8_t *dst;
	int rc = 0;

	if (!p->open || p->open->held || p->open->pieces[0].iov_len == BLOCK)
		open_block(p, NULL);
	piece = p->open->pieces;
	room = BLOCK - piece->iov_len;
	dst = (uint8_t *)piece->iov_base + piece->iov_len;
	if (p->unpack) {
		rc = adb_compress_run(p->unpack, data, n, ret_used, dst, room, &made, false);
		p->unpacked |= rc == 1;
		rc = rc < 0 || (rc == 1 && *ret_used < n) ? ERR_PROTO : 0;
	} else {
		*ret_used = made = n < room ? n : room;
		memcpy(dst, data, made);
	}
	piece->iov_len += made;
	p->job->result.bytes += (int64_t)made;
	return rc;
}

/* A full block can leave output inside the decompressor: once more without input. */
static int take_copied(struct sync_pull *p, const uint8_t *data, size_t n)
{
	size_t used, before;
	int rc;

	do {
		before = p->open && !p->open->held ? p->open->pieces[0].iov_len : 0;
		rc = take(p, data, n, &used);
		data += used;
		n -= used;
		/* Pausing comes too late for what is compressed: it is in the packet already. */
		if (!rc && (p->job->result.bytes > p->max_bytes || p->n_blocks > BURST_MAX))
			rc = ERR_TOOBIG;
	} while (!rc &&
		 (n || (p->unpack && p->open->pieces[0].iov_len == BLOCK && before != BLOCK)));
	return rc;
}

bool sync_pull_data(struct sync_job *j, const uint8_t *data, size_t n)
{
	struct sync_pull *p = j->pull;
	struct adb_sync *s = j->s;
	int rc = take_held(p, data, n) ? 0 : take_copied(p, data, n);

	if (!rc && p->job->result.bytes > p->max_bytes)
		rc = ERR_TOOBIG;
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

void sync_pull_flush(struct sync_job *j)
{
	struct sync_pull *p = j->pull;

	p->crowded = false;
	if (p->open && p->open->held) {
		close_block(p);
		write_next(p);
	}
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
