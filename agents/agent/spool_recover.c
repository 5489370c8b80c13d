/* SPDX-License-Identifier: Apache-2.0 */
/* Reading spools, and going on with one that was left; see spool.h. */
#include "agent/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files.h"

#define META_MAX (PROTO_HEADER + 512 + PROTO_PAYLOAD_MAX)

static int open_attempt(int parent, int64_t attempt)
{
	char name[SPOOL_NAME];
	int fd;

	spool_name(name, attempt);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int parse_meta(const uint8_t *mem, size_t n, int64_t attempt, struct spool_meta *ret_m)
{
	struct proto_header h;
	struct proto_r r;

	if (n < PROTO_HEADER || proto_header_get(mem, &h) || h.type != SPOOL_TYPE_META ||
		h.len != n - PROTO_HEADER || !proto_check(mem, mem + PROTO_HEADER, h.len))
		return -EBADMSG;
	proto_r_init(&r, mem + PROTO_HEADER, h.len);
	ret_m->attempt = proto_get_i64(&r);
	ret_m->epoch = proto_get_i64(&r);
	ret_m->boot = proto_get_u64(&r);
	proto_get_text(&r, ret_m->farm, sizeof(ret_m->farm));
	proto_get_text(&r, ret_m->kernel_boot_id, sizeof(ret_m->kernel_boot_id));
	ret_m->mono_ns = proto_get_i64(&r);
	ret_m->boot_ns = proto_get_i64(&r);
	ret_m->wall_ns = proto_get_i64(&r);
	ret_m->plan = proto_get_bytes(&r, &ret_m->plan_len);
	return r.bad || ret_m->attempt != attempt ? -EBADMSG : 0;
}

int spool_load_meta(int parent, int64_t attempt, struct spool_meta *ret_m, uint8_t **ret_mem)
{
	int dir = open_attempt(parent, attempt);
	uint8_t *mem = dir < 0 ? NULL : malloc(META_MAX);
	ssize_t n = dir < 0 ? dir : mem ? files_read(dir, "meta", mem, META_MAX) : -ENOMEM;
	int rc = n < 0 ? (int)n : parse_meta(mem, n, attempt, ret_m);

	if (dir >= 0)
		close(dir);
	if (rc)
		free(mem);
	else
		*ret_mem = mem;
	return rc;
}

ssize_t spool_load_end(int parent, int64_t attempt, void *buf, size_t size)
{
	int dir = open_attempt(parent, attempt);
	struct proto_header h;
	ssize_t n;

	if (dir < 0)
		return dir;
	n = files_read(dir, "end", buf, size);
	close(dir);
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return n;
	if (n < PROTO_HEADER || proto_header_get(buf, &h) || h.type != PROTO_END ||
		(ssize_t)h.len != n - PROTO_HEADER ||
		!proto_check(buf, (uint8_t *)buf + PROTO_HEADER, h.len))
		return -EBADMSG;
	return n;
}

ssize_t spool_read_frame(int fd, int64_t off, int64_t size, uint8_t *buf, struct msg_chunk *ret_c)
{
	struct proto_header h;
	int64_t left = size - off;
	int rc;

	if (left <= 0)
		return 0;
	if (left < PROTO_HEADER)
		return -EBADMSG;
	rc = files_read_at(fd, buf, PROTO_HEADER, off);
	if (rc)
		return rc;
	if (proto_header_get(buf, &h) || h.type != PROTO_CHUNK || h.len > left - PROTO_HEADER ||
		h.len > SPOOL_FRAME_MAX - PROTO_HEADER)
		return -EBADMSG;
	rc = files_read_at(fd, buf + PROTO_HEADER, h.len, off + PROTO_HEADER);
	if (rc)
		return rc;
	if (!proto_check(buf, buf + PROTO_HEADER, h.len) ||
		msg_chunk_get(buf + PROTO_HEADER, h.len, ret_c) || ret_c->stream >= MSG_STREAMS_MAX)
		return -EBADMSG;
	return PROTO_HEADER + h.len;
}

/* Goes over the frames; stops behind the last one that is whole, ours and the next of its
 * stream. */
static int walk(struct spool *s, int64_t file_size)
{
	struct msg_chunk c;
	ssize_t n;

	while ((n = spool_read_frame(s->frames, s->size, file_size, s->buf, &c)) > 0) {
		struct spool_stream *st;

		if (c.attempt != s->attempt || c.boot != s->boot)
			break;
		st = &s->streams[c.stream];
		if (c.seq != st->last_seq + 1)
			break;
		st->last_seq++;
		st->items += c.n;
		s->size += n;
	}
	return n < 0 && n != -EBADMSG ? (int)n : 0;
}

static int reopen(struct spool *s, int parent, int64_t *ret_cut)
{
	struct stat st;
	int rc;

	s->dir = open_attempt(parent, s->attempt);
	if (s->dir < 0)
		return s->dir;
	s->frames = openat(s->dir, "frames", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	s->streams = calloc(MSG_STREAMS_MAX, sizeof(*s->streams));
	s->buf = malloc(SPOOL_FRAME_MAX);
	if (s->frames < 0 || fstat(s->frames, &st))
		return -errno;
	if (!s->streams || !s->buf)
		return -ENOMEM;
	rc = walk(s, st.st_size);
	if (rc)
		return rc;
	*ret_cut = st.st_size - s->size;
	if (*ret_cut && ftruncate(s->frames, s->size))
		return -errno;
	/* Nobody knows how much of it had reached the disk. */
	return fdatasync(s->frames) ? -errno : 0;
}

int spool_reopen(struct spool *s, int parent, const struct spool_meta *m, int64_t *ret_cut)
{
	int rc;

	*s = (struct spool){
		.attempt = m->attempt, .boot = m->boot, .dir = -1, .frames = -1, .parent = -1};
	rc = reopen(s, parent, ret_cut);
	if (rc)
		spool_close(s);
	else
		s->synced = s->size;
	return rc;
}
