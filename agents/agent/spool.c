/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a spool; see spool.h. */
#include "agent/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files.h"

#define END_MAX (PROTO_HEADER + 8 * 1024) /* 320 streams of 12 bytes, a cause, the head */

void spool_name(char dst[SPOOL_NAME], int64_t attempt)
{
	snprintf(dst, SPOOL_NAME, "%lld", (long long)attempt);
}

static int write_meta(int dir, const struct spool_meta *m)
{
	size_t cap = PROTO_HEADER + 512 + m->plan_len;
	uint8_t *mem = malloc(cap);
	struct proto_w w;
	int rc = -ENOMEM;

	if (!mem)
		return rc;
	proto_w_init(&w, mem + PROTO_HEADER, cap - PROTO_HEADER);
	proto_put_i64(&w, m->attempt);
	proto_put_i64(&w, m->epoch);
	proto_put_u64(&w, m->boot);
	proto_put_text(&w, m->farm);
	proto_put_text(&w, m->kernel_boot_id);
	proto_put_i64(&w, m->mono_ns);
	proto_put_i64(&w, m->boot_ns);
	proto_put_i64(&w, m->wall_ns);
	proto_put_bytes(&w, m->plan, m->plan_len);
	assert(!w.full);
	proto_header_put(mem, SPOOL_TYPE_META, mem + PROTO_HEADER, w.len);
	rc = files_create(dir, "meta", mem, PROTO_HEADER + w.len);
	free(mem);
	return rc;
}

/* The end must find room on a full disk, so its blocks are taken now; files_replace() writes into
 * this very file. */
static int reserve_end(int dir)
{
	static uint8_t zeros[END_MAX]; /* not const: it takes no room in the program */

	return files_create(dir, "end.tmp", zeros, sizeof(zeros));
}

static int open_new(struct spool *s, int parent, const char *name, const struct spool_meta *m)
{
	int rc;

	s->dir = files_open_dir(parent, name, 0700);
	if (s->dir < 0)
		return s->dir;
	s->frames = openat(s->dir, "frames", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	s->streams = calloc(MSG_STREAMS_MAX, sizeof(*s->streams));
	s->buf = malloc(SPOOL_FRAME_MAX);
	if (s->frames < 0)
		return -errno;
	if (!s->streams || !s->buf)
		return -ENOMEM;
	rc = reserve_end(s->dir);
	return rc ? rc : write_meta(s->dir, m);
}

int spool_create(struct spool *s, int parent, const struct spool_meta *m)
{
	char name[SPOOL_NAME];
	int rc;

	*s = (struct spool){
		.attempt = m->attempt, .boot = m->boot, .dir = -1, .frames = -1, .parent = parent};
	spool_name(name, m->attempt);
	rc = open_new(s, parent, name, m);
	if (rc) {
		spool_close(s);
		spool_remove(parent, m->attempt);
	}
	return rc;
}

void spool_close(struct spool *s)
{
	if (s->frames >= 0)
		close(s->frames);
	if (s->dir >= 0)
		close(s->dir);
	free(s->streams);
	free(s->buf);
	*s = (struct spool){.dir = -1, .frames = -1, .parent = -1};
}

int spool_remove(int parent, int64_t attempt)
{
	char name[SPOOL_NAME];

	spool_name(name, attempt);
	return files_remove_dir(parent, name);
}

/* Half a frame must not stay between two whole ones. Should this fail too, the next frame is
 * written over it, and a restart finds the rest by its checksum. */
static void cut_tail(struct spool *s)
{
	int rc = ftruncate(s->frames, s->size);

	(void)rc;
}

int spool_append(struct spool *s, struct msg_chunk *c)
{
	struct spool_stream *st = &s->streams[c->stream];
	struct proto_w w;
	int rc;

	assert(c->stream < MSG_STREAMS_MAX);
	c->attempt = s->attempt;
	c->boot = s->boot;
	c->seq = st->last_seq + 1;
	proto_w_init(&w, s->buf + PROTO_HEADER, SPOOL_FRAME_MAX - PROTO_HEADER);
	msg_chunk_put(&w, c);
	assert(!w.full);
	proto_header_put(s->buf, PROTO_CHUNK, s->buf + PROTO_HEADER, w.len);
	rc = files_write_at(s->frames, s->buf, PROTO_HEADER + w.len, s->size);
	if (rc) {
		cut_tail(s);
		return rc;
	}
	s->size += PROTO_HEADER + w.len;
	st->last_seq++;
	st->items += c->n;
	return 0;
}

/* The directory and its meta, once: frames without a meta are nothing. */
static int sync_dir(struct spool *s)
{
	int meta = openat(s->dir, "meta", O_RDONLY | O_CLOEXEC);
	int rc = meta < 0 || fsync(meta) || fsync(s->dir) || fsync(s->parent) ? -errno : 0;

	if (meta >= 0)
		close(meta);
	if (!rc)
		s->parent = -1;
	return rc;
}

int spool_sync(struct spool *s)
{
	int rc = s->parent >= 0 ? sync_dir(s) : 0;

	if (rc || s->synced == s->size)
		return rc;
	if (fdatasync(s->frames))
		return -errno;
	s->synced = s->size;
	return 0;
}

int spool_end(struct spool *s, uint16_t outcome, const char *cause)
{
	struct msg_end *m = calloc(1, sizeof(*m));
	struct proto_w w;

	if (!m)
		return -ENOMEM;
	m->attempt = s->attempt;
	m->boot = s->boot;
	m->outcome = outcome;
	snprintf(m->cause, sizeof(m->cause), "%s", cause);
	for (uint32_t i = 0; i < MSG_STREAMS_MAX; i++) {
		if (!s->streams[i].last_seq)
			continue;
		m->streams[m->n_streams].stream = i;
		m->streams[m->n_streams++].last_seq = s->streams[i].last_seq;
	}
	proto_w_init(&w, s->buf + PROTO_HEADER, END_MAX - PROTO_HEADER);
	msg_end_put(&w, m);
	free(m);
	assert(!w.full);
	proto_header_put(s->buf, PROTO_END, s->buf + PROTO_HEADER, w.len);
	unlinkat(s->dir, "runner", 0);
	return files_replace(s->dir, "end", s->buf, PROTO_HEADER + w.len);
}
