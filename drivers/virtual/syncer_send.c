/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEND and SND2: a file comes to the phone. As AOSP: missing directories are made; a file or link
 * that stands there is taken away first; the owner's rights are given to group and others too, and
 * set-uid is dropped; a link's DATA is its target.
 */
#include "drivers/virtual/syncer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/virtual/inroot.h"

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void syncer_send_drop(struct syncer *y)
{
	struct syncer_send *s = &y->send;

	if (s->fd >= 0)
		close(s->fd);
	if (s->dir >= 0)
		close(s->dir);
	adb_compress_free(s->z);
	memset(s, 0, sizeof(*s));
	s->fd = s->dir = -1;
}

/* Told at once; the DATA that is on its way is thrown away. */
static void fail(struct syncer *y, const char *text, int errnum)
{
	if (y->send.failed)
		return;
	syncer_fail(y, text, errnum);
	y->send.failed = true;
}

static uint32_t rights(uint32_t mode)
{
	uint32_t owner = mode & 0700;

	return owner | owner >> 3 | owner >> 6;
}

static void make_file(struct syncer *y)
{
	struct syncer_send *s = &y->send;
	struct stat st;

	s->dir = inroot_parent(y->root, y->path, true, s->base, sizeof(s->base));
	if (s->dir < 0) {
		fail(y, "secure_mkdirs failed", errno);
		return;
	}
	if (!fstatat(s->dir, s->base, &st, AT_SYMLINK_NOFOLLOW) &&
		(S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
		unlinkat(s->dir, s->base, 0);
	if (s->link)
		return;
	s->fd = openat(s->dir, s->base, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		rights(s->mode));
	if (s->fd < 0)
		fail(y, "couldn't create file", errno);
	else if (fchmod(s->fd, rights(s->mode)))
		fail(y, "fchmod failed", errno);
}

static bool one_bit(uint32_t flags)
{
	return flags && !(flags & (flags - 1));
}

enum syncer_stage syncer_send_begin(struct syncer *y, uint32_t mode, uint32_t flags)
{
	struct syncer_send *s = &y->send;
	uint32_t kind = flags & ~ADB_SYNC_DRY_RUN;

	syncer_send_drop(y);
	s->mode = mode;
	s->dry = flags & ADB_SYNC_DRY_RUN;
	s->link = S_ISLNK(mode);
	if (kind && (!one_bit(kind) || kind & ~y->compress))
		fail(y, "unsupported compression", 0);
	else if (kind)
		s->z = adb_compress_new(kind, true);
	if (!s->failed && !s->dry)
		make_file(y);
	return SYNCER_DATA;
}

/* ---- DATA ---- */

static void store_link(struct syncer *y, const uint8_t *data, size_t n)
{
	struct syncer_send *s = &y->send;

	if (n > sizeof(s->target) - 1 - s->target_n) {
		fail(y, "symlink target too long", 0);
		return;
	}
	memcpy(s->target + s->target_n, data, n);
	s->target_n += n;
}

static void store(struct syncer *y, const uint8_t *data, size_t n)
{
	struct syncer_send *s = &y->send;

	if (s->failed || s->dry)
		return;
	if (s->link) {
		store_link(y, data, n);
		return;
	}
	while (n) {
		ssize_t wrote = write(s->fd, data, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			fail(y, "write failed", errno);
			return;
		}
		data += wrote;
		n -= wrote;
	}
}

static void unpack(struct syncer *y, const uint8_t *data, size_t n)
{
	struct syncer_send *s = &y->send;

	if (!y->scratch)
		y->scratch = mem_alloc(SYNCER_CHUNK);
	while (!s->failed && !s->z_ended) {
		size_t used = 0, made = 0;
		int rc = adb_compress_run(
			s->z, data, n, &used, y->scratch, SYNCER_CHUNK, &made, false);

		store(y, y->scratch, made);
		data += used;
		n -= used;
		if (rc < 0)
			fail(y, "decompression failed", 0);
		s->z_ended = rc == 1;
		if (!n && made < SYNCER_CHUNK)
			break;
	}
}

static size_t take_data(struct syncer *y, const uint8_t *in, size_t n)
{
	struct syncer_send *s = &y->send;
	size_t part = s->left < n ? s->left : n;

	s->left -= (uint32_t)part;
	if (s->failed)
		return part;
	if (s->z)
		unpack(y, in, part);
	else
		store(y, in, part);
	return part;
}

/* ---- DONE ---- */

static void set_times(struct syncer *y, uint32_t mtime)
{
	struct timespec t[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	utimensat(y->send.dir, y->send.base, t, AT_SYMLINK_NOFOLLOW);
}

static void complete(struct syncer *y, uint32_t mtime)
{
	struct syncer_send *s = &y->send;

	if (s->z && !s->z_ended && !s->failed)
		fail(y, "the compressed stream is cut", 0);
	if (s->failed || s->dry)
		return;
	s->target[s->target_n] = '\0';
	if (s->link && symlinkat(s->target, s->dir, s->base)) {
		fail(y, "symlink failed", errno);
		return;
	}
	set_times(y, mtime);
}

static void done(struct syncer *y, uint32_t mtime)
{
	uint8_t okay[ADB_SYNC_REQUEST];
	bool failed;

	complete(y, mtime);
	failed = y->send.failed;
	syncer_send_drop(y);
	if (failed) {
		y->stage = SYNCER_END;
		return;
	}
	adb_sync_put_request(okay, ADB_SYNC_OKAY, 0);
	syncer_put(y, okay, sizeof(okay));
	y->stage = SYNCER_REQUEST;
}

size_t syncer_send_feed(struct syncer *y, const uint8_t *in, size_t n)
{
	size_t used;
	uint32_t id, len;

	if (y->send.left)
		return take_data(y, in, n);
	used = ADB_SYNC_REQUEST - y->have < n ? ADB_SYNC_REQUEST - y->have : n;
	memcpy(y->head + y->have, in, used);
	y->have += used;
	if (y->have < ADB_SYNC_REQUEST)
		return used;
	y->have = 0;
	id = get32(y->head);
	len = get32(y->head + 4);
	if (id == ADB_SYNC_DONE) {
		done(y, len);
	} else if (id != ADB_SYNC_DATA || len > ADB_SYNC_DATA_MAX) {
		fail(y, id == ADB_SYNC_DATA ? "oversize data message" : "invalid data message", 0);
		syncer_send_drop(y);
		y->stage = SYNCER_END; /* nothing behind it can be understood */
	} else {
		y->send.left = len;
	}
	return used;
}
