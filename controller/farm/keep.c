/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds of tidying; see keep.h. A round is a list of phases, each of which is called again while it has
 * more to do; where it stands is kept between slices, so a round goes on where a slice has ended.
 */
#include "farm/keep.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "drivers/driver.h"
#include "farm/blobs.h"
#include "farm/runtimes.h"
#include "farm/wanted.h"
#include "store/store.h"
#include "store/upkeep.h"

#define READER_WAIT_MS 5000
#define BLOB_DIRS      256
/* Free pages are used again, so they are given back only where they are much. */
#define SHRINK_FROM_BYTES (64LL * 1024 * 1024)
#define SHRINK_FROM_PART  8

enum phase {
	PHASE_RAW,
	PHASE_ROLLUPS,
	PHASE_QUOTA,
	PHASE_EVENTS,
	PHASE_AUDIT,
	PHASE_LEASES,
	PHASE_FILES,
	PHASE_SHRINK,
	PHASES
};

struct keep {
	struct ctl_env env;
	struct ctl_keep cfg;
	struct store *store;
	struct blobs *blobs;
	struct runtimes *runtimes;
	struct host_timer *timer;
	bool busy, stopping;

	/* The slice that is under way. */
	int64_t now_ms;
	int rc;
	bool more;
	struct err err;
	bool failing; /* and it was logged */

	/* Of the round; pool thread. */
	enum phase phase;
	int64_t cursor, attempt; /* 0: look for the next one */
	enum upkeep_part part;   /* of the quota's */
	int dir;
	struct wanted *wanted;
	int64_t files_at_ms; /* of the next look at the uploads */
	bool shrinking[UPKEEP_FILES];

	pthread_mutex_t lock;
	struct ctl_kept stats;
};

/* Whether what is kept so long is ever old, and from when on. */
static bool is_limited(int64_t keep_ms, int64_t now_ms, int64_t *ret_before)
{
	*ret_before = now_ms - keep_ms;
	return keep_ms > 0;
}

static void count(struct keep *k, const struct upkeep_done *d)
{
	pthread_mutex_lock(&k->lock);
	k->stats.bytes += d->bytes;
	k->stats.rows += d->rows;
	pthread_mutex_unlock(&k->lock);
}

static struct store_reader *reader(struct keep *k, struct err *e)
{
	return store_reader_get(k->store, READER_WAIT_MS, e);
}

/* ---- samples ---- */

/* A piece of the next attempt that is old enough. *ret_none: there is none. */
static int remove_next(struct keep *k, enum upkeep_part part, int64_t before_ms, bool settled,
	bool *ret_none, struct err *e)
{
	struct upkeep_done done;
	bool more = true;
	int rc = 0;

	*ret_none = false;
	if (!k->attempt) {
		struct store_reader *rd = reader(k, e);

		if (!rd)
			return e->code;
		rc = upkeep_find(rd, part, before_ms, settled, &k->cursor, &k->attempt, &more, e);
		store_reader_put(rd);
		*ret_none = !rc && !more;
	}
	if (rc || !k->attempt)
		return rc;
	rc = upkeep_remove(k->store, k->attempt, part, k->now_ms, &done, e);
	if (rc)
		return rc;
	count(k, &done);
	if (!done.more) {
		pthread_mutex_lock(&k->lock);
		k->stats.attempts++;
		pthread_mutex_unlock(&k->lock);
		log_debug("event=samples_removed attempt=a%lld part=%s", (long long)k->attempt,
			part == UPKEEP_RAW ? "values" : "rollups");
		k->attempt = 0;
	}
	return 0;
}

/* A step of a phase: *ret_over when it has no more to do. */
static int by_age(
	struct keep *k, enum upkeep_part part, int64_t keep_ms, bool *ret_over, struct err *e)
{
	int64_t before;

	*ret_over = true;
	if (!is_limited(keep_ms, k->now_ms, &before))
		return 0;
	return remove_next(k, part, before, false, ret_over, e);
}

static void set_over_quota(struct keep *k, bool over, int64_t used)
{
	bool was;

	pthread_mutex_lock(&k->lock);
	was = k->stats.over_quota;
	k->stats.over_quota = over;
	k->stats.samples_used = used;
	pthread_mutex_unlock(&k->lock);
	if (over && !was)
		log_warn("event=samples_over_quota bytes=%lld max=%lld cause=\"what is left is "
			 "running or"
			 " pinned\" remedy=\"raise samples-max, or unpin jobs\"",
			(long long)used, (long long)k->cfg.samples_max_bytes);
	else if (was && !over)
		log_info("event=samples_within_quota bytes=%lld", (long long)used);
}

/* Values first, oldest first; then rollups. */
static int by_quota(struct keep *k, bool *ret_over, struct err *e)
{
	struct store_reader *rd = reader(k, e);
	struct upkeep_room room;
	bool none = false;
	int rc;

	*ret_over = true;
	if (!rd)
		return e->code;
	rc = upkeep_room(rd, UPKEEP_SAMPLES, &room, e);
	store_reader_put(rd);
	if (rc)
		return rc;
	if (!k->cfg.samples_max_bytes || room.bytes - room.free <= k->cfg.samples_max_bytes) {
		k->attempt = 0;
		set_over_quota(k, false, room.bytes - room.free);
		return 0;
	}
	rc = remove_next(k, k->part, INT64_MAX, true, &none, e);
	*ret_over = none && k->part == UPKEEP_ROLLUPS;
	if (none && k->part == UPKEEP_RAW) {
		k->part = UPKEEP_ROLLUPS;
		k->cursor = 0;
	}
	if (!rc && *ret_over)
		set_over_quota(k, true, room.bytes - room.free);
	return rc;
}

/* ---- rows ---- */

static int old_rows(
	struct keep *k, enum upkeep_table t, int64_t keep_ms, bool *ret_over, struct err *e)
{
	struct upkeep_done done;
	int64_t before;
	int rc;

	*ret_over = true;
	if (!is_limited(keep_ms, k->now_ms, &before))
		return 0;
	rc = upkeep_rows(k->store, t, before, &done, e);
	if (rc)
		return rc;
	count(k, &done);
	*ret_over = !done.more;
	return 0;
}

/* ---- uploads ---- */

static bool is_wanted(void *arg, const char *sha256)
{
	return wanted_has(arg, sha256);
}

static void end_files(struct keep *k)
{
	wanted_free(k->wanted);
	k->wanted = NULL;
	k->dir = 0;
}

static int old_files(struct keep *k, bool *ret_over, struct err *e)
{
	struct store_reader *rd;
	int64_t before, n = 0, bytes = 0;

	*ret_over = true;
	if (!is_limited(k->cfg.files_ms, k->now_ms, &before) || k->now_ms < k->files_at_ms)
		return 0;
	if (!k->wanted) {
		rd = reader(k, e);
		if (!rd)
			return e->code;
		k->wanted = wanted_read(rd, k->runtimes, e);
		store_reader_put(rd);
		if (!k->wanted)
			return e->code;
	}
	blobs_sweep(k->blobs, k->dir, before, is_wanted, k->wanted, &n, &bytes);
	pthread_mutex_lock(&k->lock);
	k->stats.files += n;
	k->stats.file_bytes += bytes;
	pthread_mutex_unlock(&k->lock);
	*ret_over = ++k->dir == BLOB_DIRS;
	if (*ret_over) {
		end_files(k);
		k->files_at_ms = k->now_ms + KEEP_FILES_MS;
	}
	return 0;
}

/* ---- room ---- */

static int shrink(struct keep *k, bool *ret_over, struct err *e)
{
	struct upkeep_done done = {0};
	struct upkeep_room room;
	struct store_reader *rd;
	int rc = 0;

	*ret_over = true;
	for (int f = 0; f < UPKEEP_FILES && !rc; f++) {
		rd = reader(k, e);
		if (!rd)
			return e->code;
		rc = upkeep_room(rd, f, &room, e);
		store_reader_put(rd);
		if (rc)
			return rc;
		if (room.free > SHRINK_FROM_BYTES || room.free > room.bytes / SHRINK_FROM_PART)
			k->shrinking[f] = true;
		if (!k->shrinking[f])
			continue;
		rc = upkeep_shrink(k->store, f, &done, e);
		k->shrinking[f] = !rc && done.more;
		if (k->shrinking[f])
			*ret_over = false;
	}
	return rc;
}

/* ---- a round ---- */

static int step(struct keep *k, bool *ret_over, struct err *e)
{
	switch (k->phase) {
	case PHASE_RAW:
		return by_age(k, UPKEEP_RAW, k->cfg.samples_ms, ret_over, e);
	case PHASE_ROLLUPS:
		return by_age(k, UPKEEP_ROLLUPS, k->cfg.rollups_ms, ret_over, e);
	case PHASE_QUOTA:
		return by_quota(k, ret_over, e);
	case PHASE_EVENTS:
		return old_rows(k, UPKEEP_EVENTS, k->cfg.events_ms, ret_over, e);
	case PHASE_AUDIT:
		return old_rows(k, UPKEEP_AUDIT, k->cfg.audit_ms, ret_over, e);
	case PHASE_LEASES:
		return old_rows(k, UPKEEP_LEASES, k->cfg.events_ms, ret_over, e);
	case PHASE_FILES:
		return old_files(k, ret_over, e);
	case PHASE_SHRINK:
		return shrink(k, ret_over, e);
	case PHASES:
		break;
	}
	*ret_over = true;
	return 0;
}

static void begin_phase(struct keep *k, enum phase p)
{
	k->phase = p;
	k->cursor = k->attempt = 0;
	k->part = UPKEEP_RAW;
}

int keep_slice(struct keep *k, int64_t now_ms, bool *ret_more, struct err *e)
{
	int64_t until = clock_mono_ms() + KEEP_SLICE_MS;
	bool over;
	int rc = 0;

	k->now_ms = now_ms;
	*ret_more = true;
	while (!rc && clock_mono_ms() < until) {
		rc = step(k, &over, e);
		if (rc || !over)
			continue;
		begin_phase(k, k->phase + 1);
		if (k->phase == PHASES) {
			*ret_more = false;
			break;
		}
	}
	if (rc)
		*ret_more = false;
	if (!*ret_more) {
		begin_phase(k, PHASE_RAW);
		end_files(k);
	}
	pthread_mutex_lock(&k->lock);
	if (!rc && !*ret_more)
		k->stats.round_ms = now_ms;
	k->stats.failing = rc != 0;
	pthread_mutex_unlock(&k->lock);
	return rc;
}

/* ---- in the loop ---- */

static void work(void *arg)
{
	struct keep *k = arg;

	k->rc = keep_slice(k, k->now_ms, &k->more, &k->err);
}

static void due(void *arg);

static void again_in(struct keep *k, int64_t ms)
{
	struct driver_host *h = k->env.host;

	if (!k->stopping)
		k->timer = h->timer_add(h, k->env.now(k->env.ctx).mono_ms + ms, due, k);
}

static void done(void *arg)
{
	struct keep *k = arg;

	k->busy = false;
	if (k->rc && !k->failing)
		log_warn("event=upkeep_failed cause=\"%s\"", k->err.text);
	else if (!k->rc && k->failing)
		log_info("event=upkeep_recovered");
	k->failing = k->rc != 0;
	again_in(k, k->more ? KEEP_REST_MS : k->cfg.every_ms);
}

static void due(void *arg)
{
	struct keep *k = arg;
	struct driver_host *h = k->env.host;

	k->timer = NULL;
	k->now_ms = k->env.now(k->env.ctx).wall_ms;
	k->busy = true;
	if (!h->blocking(h, work, done, k))
		return;
	k->busy = false; /* the pool is full: later */
	again_in(k, k->cfg.every_ms);
}

/* ---- life ---- */

struct keep *keep_new(const struct ctl_env *env, const struct ctl_keep *cfg, struct store *store,
	struct blobs *blobs, struct runtimes *runtimes)
{
	struct keep *k = mem_zalloc(sizeof(*k));

	k->env = *env;
	k->cfg = *cfg;
	if (!k->cfg.every_ms)
		k->cfg.every_ms = KEEP_EVERY_MS;
	k->store = store;
	k->blobs = blobs;
	k->runtimes = runtimes;
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void keep_start(struct keep *k)
{
	again_in(k, k->cfg.every_ms);
}

void keep_stop(struct keep *k)
{
	struct driver_host *h = k->env.host;

	k->stopping = true;
	if (k->timer)
		h->timer_del(h, k->timer);
	k->timer = NULL;
}

bool keep_idle(const struct keep *k)
{
	return !k->busy;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	end_files(k);
	pthread_mutex_destroy(&k->lock);
	mem_free(k);
}

void keep_get_stats(struct keep *k, struct ctl_kept *ret_st)
{
	pthread_mutex_lock(&k->lock);
	*ret_st = k->stats;
	pthread_mutex_unlock(&k->lock);
}
