/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints; see checkpoint.h. */
#include "store/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "store/db.h"
#include "store/readers.h"

#define IDLE_MS      1000
#define IDLE_KEEP    4     /* up to this part of the limit an idle log is left alone */
#define STARVED      8     /* times the limit */
#define HOLD_TRY_MS  20    /* while readers are held back */
#define HOLD_MAX_MS  10000 /* then it is not our readers who are in the way */
#define HOLD_REST_MS 60000 /* behind that, until they are held back again */

static int on_commit(void *arg, sqlite3 *h, const char *schema, int frames)
{
	struct checkpoint *c = arg;

	(void)h;
	(void)schema;
	c->frames = frames;
	return SQLITE_OK;
}

int checkpoint_init(
	struct checkpoint *c, struct db *db, struct readers *readers, int64_t limit_bytes)
{
	char sql[64];
	int rc;

	memset(c, 0, sizeof(*c));
	c->db = db;
	c->readers = readers;
	c->limit_bytes = limit_bytes;
	c->gave_up_ms = INT64_MIN / 2;
	rc = db_int(db, "PRAGMA page_size", 4096, &c->page_bytes, NULL);
	if (rc)
		return rc;
	/* A log that once grew is cut when it is reset. */
	snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %lld", (long long)limit_bytes);
	rc = db_exec(db, sql, NULL);
	if (!rc)
		sqlite3_wal_hook(db->h, on_commit, c);
	return rc;
}

static int64_t log_bytes(const struct checkpoint *c)
{
	return c->frames * c->page_bytes;
}

/* What is committed stays in the log when a checkpoint fails, so this is no failure of the
 * writer's; it is logged when it begins and when it ends. */
static void note(struct checkpoint *c, int rc)
{
	struct err e;

	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED || c->failing == (rc != SQLITE_OK))
		return;
	c->failing = rc != SQLITE_OK;
	if (!c->failing) {
		log_info("event=checkpoint_recovered file=%s", c->db->path);
		return;
	}
	db_error(c->db, rc, &e, "checkpoint");
	log_warn("event=checkpoint_failed file=%s cause=\"%s\"", c->db->path, e.text);
}

static void hold(struct checkpoint *c, int64_t now_ms)
{
	if (c->holding || now_ms - c->gave_up_ms < HOLD_REST_MS)
		return;
	log_info("event=readers_held file=%s wal_bytes=%lld", c->db->path, (long long)log_bytes(c));
	c->holding = true;
	c->held_ms = now_ms;
	readers_hold(c->readers);
}

static void let_go(struct checkpoint *c)
{
	if (!c->holding)
		return;
	c->holding = false;
	readers_release(c->readers);
}

/* Puts all of the log into the file, so that it begins anew; true when that worked. RESTART keeps its blocks
 * on the disk, TRUNCATE gives them back. */
static bool empty_log(struct checkpoint *c, int mode)
{
	int frames, done;
	int rc = db_checkpoint(c->db, mode, &frames, &done);

	note(c, rc);
	if (rc)
		return false;
	c->frames = c->tried = 0;
	if (c->pinned)
		log_info("event=wal_free file=%s", c->db->path);
	c->pinned = false;
	let_go(c);
	return true;
}

static bool truncate_log(struct checkpoint *c)
{
	return empty_log(c, SQLITE_CHECKPOINT_TRUNCATE);
}

/* Once, until the log was emptied. */
static void say_pinned(struct checkpoint *c)
{
	if (!c->pinned)
		log_warn("event=wal_pinned file=%s wal_bytes=%lld cause=\"another program reads it"
			 " without end\" remedy=\"end it: `fuser -v %s` names it\"",
			c->db->path, (long long)log_bytes(c), c->db->path);
	c->pinned = true;
}

static void try_held(struct checkpoint *c, int64_t now_ms)
{
	if (truncate_log(c) || now_ms - c->held_ms < HOLD_MAX_MS)
		return;
	say_pinned(c);
	c->gave_up_ms = now_ms;
	let_go(c);
}

void checkpoint_after_commit(struct checkpoint *c, int64_t now_ms)
{
	int64_t bytes = log_bytes(c);
	int frames = 0, done = 0, rc;

	if (c->frames < c->tried)
		c->tried = 0; /* the log has begun anew */
	if (c->holding) {
		try_held(c, now_ms);
		return;
	}
	/* Readers can keep it from finishing: not again for each small commit. */
	if (bytes < c->limit_bytes || (c->frames - c->tried) * c->page_bytes < c->limit_bytes / 4)
		return;
	rc = db_checkpoint(c->db, SQLITE_CHECKPOINT_PASSIVE, &frames, &done);
	note(c, rc);
	c->tried = c->frames;
	if (bytes >= c->limit_bytes * STARVED && done < frames)
		hold(c, now_ms);
}

/* The first commit of a log that begins anew waits for the disk twice, so what is small stays. */
static bool is_due_when_idle(const struct checkpoint *c)
{
	return log_bytes(c) > c->limit_bytes / IDLE_KEEP || (c->frames && c->pinned);
}

void checkpoint_when_idle(struct checkpoint *c, int64_t now_ms)
{
	if (c->holding)
		try_held(c, now_ms);
	else if (is_due_when_idle(c))
		empty_log(c, log_bytes(c) > c->limit_bytes ? SQLITE_CHECKPOINT_TRUNCATE
							   : SQLITE_CHECKPOINT_RESTART);
}

int checkpoint_wait_ms(const struct checkpoint *c)
{
	if (c->holding)
		return HOLD_TRY_MS;
	return is_due_when_idle(c) ? IDLE_MS : -1;
}

int checkpoint_room(struct checkpoint *c, struct err *e)
{
	int64_t bytes = log_bytes(c);

	if (bytes < c->limit_bytes * CHECKPOINT_FULL || truncate_log(c))
		return 0;
	say_pinned(c);
	return err_set(e, ERR_BUSY,
		"the log of %s has grown to %lld MiB, because another program reads it without end:"
		" end that (`fuser -v %s` names it)",
		c->db->path, (long long)(bytes >> 20), c->db->path);
}

void checkpoint_fini(struct checkpoint *c)
{
	truncate_log(c);
	let_go(c);
	sqlite3_wal_hook(c->db->h, NULL, NULL);
}
