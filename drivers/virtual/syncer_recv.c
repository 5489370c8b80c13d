/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RECV and RCV2: a file goes out, in DATA of at most 64 KiB that are read to where they are sent
 * from, as many in a buffer as fit. Links are followed.
 */
#include "drivers/virtual/syncer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/virtual/inroot.h"

#define LEAST_ROOM 4096 /* a DATA shorter than this is not worth its place at a buffer's end */

void syncer_recv_drop(struct syncer *y)
{
	if (y->recv.fd >= 0)
		close(y->recv.fd);
	adb_compress_free(y->recv.z);
	mem_free(y->recv.in);
	memset(&y->recv, 0, sizeof(y->recv));
	y->recv.fd = -1;
}

static enum syncer_stage fail(struct syncer *y, const char *text, int errnum)
{
	syncer_fail(y, text, errnum);
	syncer_recv_drop(y);
	return SYNCER_END;
}

/* Only plain files: a device would never end. Of /proc only what all may read, also when this
 * program has more rights than the phone. */
static int open_plain(struct syncer *y)
{
	int fd = inroot_open(y->root, y->path, O_RDONLY | O_NONBLOCK, 0, false);
	struct statfs fs;
	struct stat st;
	int why = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		why = errno;
	else if (!S_ISREG(st.st_mode))
		why = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if (fs.f_type == PROC_SUPER_MAGIC && !(st.st_mode & 0004))
		why = EACCES;
	if (!why)
		return fd;
	close(fd);
	errno = why;
	return -1;
}

enum syncer_stage syncer_recv_begin(struct syncer *y, uint32_t flags)
{
	syncer_recv_drop(y);
	if (flags & (flags - 1) || flags & ~y->compress)
		return fail(y, "unsupported compression", 0);
	y->recv.fd = open_plain(y);
	if (y->recv.fd < 0)
		return fail(y, "open failed", errno);
	posix_fadvise(y->recv.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (flags) {
		y->recv.z = adb_compress_new(flags, false);
		y->recv.in = mem_alloc(SYNCER_CHUNK);
	}
	return SYNCER_RECV;
}

static enum syncer_stage done(struct syncer *y)
{
	uint8_t head[ADB_SYNC_REQUEST];

	syncer_recv_drop(y);
	adb_sync_put_request(head, ADB_SYNC_DONE, 0);
	syncer_put(y, head, sizeof(head));
	return SYNCER_REQUEST;
}

/* Where a DATA goes, and how long it may be. */
static uint8_t *data_room(struct syncer *y, size_t *ret_n)
{
	size_t left = syncer_left(y), want = ADB_SYNC_REQUEST + LEAST_ROOM;

	if (left < want)
		left = y->max;
	if (left > ADB_SYNC_REQUEST + SYNCER_CHUNK)
		left = ADB_SYNC_REQUEST + SYNCER_CHUNK;
	*ret_n = left - ADB_SYNC_REQUEST;
	return syncer_room(y, left);
}

static void data_made(struct syncer *y, uint8_t *at, size_t n)
{
	adb_sync_put_request(at, ADB_SYNC_DATA, (uint32_t)n);
	syncer_wrote(y, ADB_SYNC_REQUEST + n);
}

static ssize_t read_file(int fd, void *dst, size_t n)
{
	ssize_t got;

	do
		got = read(fd, dst, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum syncer_stage plain_more(struct syncer *y)
{
	size_t room;
	uint8_t *at = data_room(y, &room);
	ssize_t n = read_file(y->recv.fd, at + ADB_SYNC_REQUEST, room);

	if (n < 0)
		return fail(y, "read failed", errno);
	if (!n)
		return done(y);
	data_made(y, at, n);
	return SYNCER_RECV;
}

static enum syncer_stage packed_more(struct syncer *y)
{
	struct syncer_recv *r = &y->recv;
	size_t room, used = 0, made = 0;
	uint8_t *at;
	int rc;

	if (r->used == r->have && !r->eof) {
		ssize_t n = read_file(r->fd, r->in, SYNCER_CHUNK);

		if (n < 0)
			return fail(y, "read failed", errno);
		r->used = 0;
		r->have = n;
		r->eof = !n;
	}
	at = data_room(y, &room);
	rc = adb_compress_run(r->z, r->in + r->used, r->have - r->used, &used,
		at + ADB_SYNC_REQUEST, room, &made, r->eof);
	if (rc < 0)
		return fail(y, "compression failed", 0);
	r->used += used;
	if (made)
		data_made(y, at, made);
	return rc == 1 ? done(y) : SYNCER_RECV;
}

enum syncer_stage syncer_recv_more(struct syncer *y)
{
	return y->recv.z ? packed_more(y) : plain_more(y);
}
