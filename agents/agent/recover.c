/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that an earlier start left; see recover.h. */
#include "agent/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/drain.h"
#include "agent/home.h"
#include "agent/ident.h"
#include "agent/log.h"
#include "agent/pidfile.h"
#include "agent/record.h"
#include "agent/ringfile.h"
#include "agent/shelf.h"
#include "agent/spool.h"
#include "agent/text.h"
#include "plan.h"
#include "timesrc.h"

#define CAUSE "the agent was restarted while the attempt ran"

/* The last fact of each block, see drain.c; as many as there are, so many blocks have theirs. */
static unsigned count_block_facts(struct spool *s)
{
	int64_t off = 0;
	struct msg_chunk c;
	unsigned n = 0;
	ssize_t len;

	while ((len = spool_read_frame(s->frames, off, s->size, s->buf, &c)) > 0) {
		struct proto_r r;
		struct fact f;

		off += len;
		if (c.stream != STREAM_ID_FACTS || c.seq == 1)
			continue;
		proto_r_init(&r, c.payload, c.len);
		for (uint32_t i = 0; i < c.n && !fact_get(&r, &f); i++)
			n += !strncmp(f.key, "ring.", 5) && strstr(f.key, ".end_ns");
	}
	return n;
}

/* Seals what the ring holds and the frames do not. After a restart of the whole device nobody knows
 * which of the ring's pages reached the disk, and one that did not reads as zeros: then only what
 * is sealed counts. */
static void take_ring(struct spool *s, struct record *r, const struct plan *p, bool same_kernel)
{
	int fd = same_kernel ? ringfile_open(s->dir) : -1;
	struct drain d;
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size >= RING_DATA) {
		drain_init(&d, fd, (st.st_size - RING_DATA) / sizeof(struct ring_record),
			p->budget_ns);
		d.facts_known = count_block_facts(s);
		drain_all(&d, r);
		if (d.damaged)
			log_warn("event=ring-damaged attempt=%lld", (long long)s->attempt);
	}
	close(fd);
}

static int seal(
	struct spool *s, const struct spool_meta *m, const struct ident *id, struct timesrc *ts)
{
	struct plan p;
	struct record r;
	bool same_kernel = *id->kernel_boot_id && !strcmp(id->kernel_boot_id, m->kernel_boot_id);
	int rc = plan_decode(m->plan, m->plan_len, &p) ? -EBADMSG : record_init(&r, s, &p, NULL, 0);

	if (rc) {
		plan_fini(&p);
		return rc;
	}
	record_tick(&r, timesrc_mono_ns(ts));
	take_ring(s, &r, &p, same_kernel);
	record_int(&r, "agent.restarted_mono_ns", timesrc_mono_ns(ts));
	record_seal(&r);
	rc = r.rc ? r.rc : spool_sync(s);
	record_fini(&r);
	plan_fini(&p);
	return rc;
}

static void put_on_shelf(struct shelf *shelf, const struct spool_meta *m)
{
	char path[SPOOL_NAME + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%lld/frames", (long long)m->attempt);
	if (fstatat(shelf->dir, path, &st, AT_SYMLINK_NOFOLLOW))
		st.st_size = 0;
	shelf_add(shelf, m->attempt, m->boot, NULL);
	shelf_ended(shelf, m->attempt, st.st_size);
}

/* *ret_end is the end, where the disk does not take it: for put_on_shelf(). */
static int interrupt(const struct home *home, const struct spool_meta *m, const struct ident *id,
	struct timesrc *ts, uint8_t **ret_end)
{
	struct spool s;
	int64_t cut = 0;
	int rc = spool_reopen(&s, home->spool, m, &cut);

	if (rc)
		return rc;
	rc = pidfile_kill(s.dir, ts);
	if (rc)
		log_err("event=runner-undead attempt=%lld error=%d", (long long)m->attempt, -rc);
	rc = seal(&s, m, id, ts);
	if (rc)
		log_err("event=not-sealed attempt=%lld error=%d", (long long)m->attempt, -rc);
	rc = spool_end(&s, rc ? OUTCOME_STORAGE : OUTCOME_INTERRUPTED, CAUSE);
	log_warn("event=interrupted attempt=%lld bytes=%lld cut=%lld", (long long)m->attempt,
		(long long)s.size, (long long)cut);
	unlinkat(s.dir, "ring", 0);
	if (rc) {
		*ret_end = s.buf;
		s.buf = NULL;
	}
	spool_close(&s);
	return rc;
}

static void recover_one(struct shelf *shelf, const struct home *home, const struct ident *id,
	struct timesrc *ts, int64_t attempt)
{
	uint8_t end[SPOOL_FRAME_MAX], *mem, *unwritten = NULL;
	struct spool_meta m;
	int rc = spool_load_meta(home->spool, attempt, &m, &mem);

	if (rc) {
		/* Its START was never answered: the meta is written before anything else. */
		log_warn("event=spool-without-meta attempt=%lld error=%d", (long long)attempt, -rc);
		spool_remove(home->spool, attempt);
		return;
	}
	if (spool_load_end(home->spool, attempt, end, sizeof(end)) <= 0)
		rc = interrupt(home, &m, id, ts, &unwritten);
	if (rc)
		log_err("event=not-recovered attempt=%lld error=%d", (long long)attempt, -rc);
	put_on_shelf(shelf, &m);
	if (unwritten)
		shelf_keep_end(shelf, attempt, unwritten);
	free(unwritten);
	free(mem);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of the attempts whose directories are there, in order. */
static unsigned list(int dir, int64_t ids[SHELF_MAX])
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;
	struct dirent *e;

	if (!d && fd >= 0)
		close(fd);
	while (d && n < SHELF_MAX && (e = readdir(d)) != NULL)
		if (!text_int(e->d_name, &ids[n]) && ids[n] > 0)
			n++;
	if (d)
		closedir(d);
	qsort(ids, n, sizeof(ids[0]), by_number);
	return n;
}

void recover_all(
	struct shelf *shelf, const struct home *home, const struct ident *id, struct timesrc *ts)
{
	int64_t ids[SHELF_MAX];
	unsigned n = list(home->spool, ids);

	for (unsigned i = 0; i < n; i++)
		recover_one(shelf, home, id, ts, ids[i]);
}
