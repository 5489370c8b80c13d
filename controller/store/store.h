/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: control-plane rows in one SQLite file, samples in another, each with one writer thread
 * that owns the file's only writing connection. Submissions are asynchronous and complete, in the
 * order in which they were submitted, through a callback on the writer's thread (the caller posts
 * it to its loop). Nobody outside this folder includes sqlite3.h.
 *
 * Files below the data directory: control.db, samples.db, lock (one daemon at a time).
 */
#ifndef FRAMEFARM_STORE_STORE_H
#define FRAMEFARM_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/row.h"

struct err;
struct store;

#define STORE_SCHEMA_CONTROL 3
#define STORE_SCHEMA_SAMPLES 3

struct store_config {
	const char *dir;                       /* exists, is ours */
	const struct row_table *const *tables; /* the control plane's, NULL-terminated */
	int busy_ms;                           /* busy_timeout, 5000 when 0 */
	int64_t wal_limit_bytes;               /* checkpoint target, 16 MiB when 0 */
};

/*
 * Opens or creates both files, takes the lock, migrates, checks that the tables have the columns
 * that the row tables name, starts the writers. Blocks. Errors are for a person: ERR_BUSY (another
 * daemon has the directory; names its pid), ERR_VERSION (from a newer framefarm), ERR_CORRUPT,
 * ERR_PERM, ERR_NOSPACE. If the schema was raised, *ret_upgraded_from is the old version, else 0.
 */
struct store *store_open(const struct store_config *cfg, int *ret_upgraded_from, struct err *e);
/* Finishes what was submitted, checkpoints, joins the threads. NULL allowed. */
void store_close(struct store *s);

/* Reads every row of a control table, ascending by id; blocks, for start-up. row is the callee's
 * until it returns; a non-zero return stops and is returned. */
int store_load(struct store *s, const struct row_table *t, int (*fn)(void *arg, const void *row),
	void *arg, struct err *e);

/*
 * What may be submitted and not yet done, to each of the two writers. A submission never blocks,
 * so keeping within these bounds is the caller's part: it stops reading from its agents, and
 * refuses new jobs, long before. They are asserted; the limits of base/limits.h cannot reach them.
 */
#define STORE_QUEUE_TXNS    4096
#define STORE_QUEUE_BATCHES 4096
#define STORE_QUEUE_BYTES   (512 * 1024 * 1024)
#define STORE_TXN_OPS       1048576 /* of one transaction */
#define STORE_BATCH_CHUNKS  4096    /* of one batch */
#define STORE_BATCH_BYTES   (8 * 1024 * 1024)
#define STORE_CHUNK_BYTES   (256 * 1024) /* payload; a frame carries no more */

/* Pairs whose time is further from 0 (126 years of a monotonic clock) are refused as no chunk. */
#define STORE_TIME_MAX 4000000000000000000LL

/* ---- the control writer ---- */

struct store_txn;

struct store_txn *store_txn_new(void);
void store_txn_free(struct store_txn *t); /* one that was not submitted; NULL allowed */
void store_txn_put(struct store_txn *t, const struct row_table *tab, const void *row); /* copies */
void store_txn_del(struct store_txn *t, const struct row_table *tab, int64_t id);
/* A named setting (farm id, counters), in the table `meta`. */
void store_txn_meta(struct store_txn *t, const char *key, const char *value);
size_t store_txn_count(const struct store_txn *t);

/*
 * done(arg, rc, text) on the writer's thread, exactly once, in order of submission. rc 0: on the
 * disk (synchronous=FULL). ERR_IO, ERR_NOSPACE, ERR_BUSY: nothing of it is stored, the caller may
 * submit the same again (it keeps the transaction: see below). ERR_CONSTRAINT, ERR_CORRUPT: a bug
 * or a broken file. Transactions that wait together are committed together; when such a group
 * fails, each of its members fails, and so does every one submitted behind it until store_retry().
 * The transaction is borrowed until done(), then it is the caller's again.
 */
void store_submit(struct store *s, struct store_txn *t,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/* After a failure the control writer refuses everything with ERR_IO, so that order is kept,
 * until the owner calls this and submits again, oldest first. What was submitted before the
 * call stays refused, also when its done() has yet to come: so wait for all of them first. Any
 * thread. */
void store_retry(struct store *s);

/* Reads a meta value, blocking, for start-up. "" when absent. */
int store_meta(struct store *s, const char *key, char *dst, size_t size, struct err *e);

/* ---- the sample writer ---- */

/* One stream's declaration or one chunk; see agents/msg.h for the meaning of the fields. The store
 * checks that the payload unpacks, and computes one-second rollups and the count over budget. Names
 * and texts from the agent are stored as clean UTF-8, the runner's text as it came. */
struct store_chunk {
	int64_t attempt;
	int64_t boot; /* the agent's u64, as its bits */
	uint32_t stream;
	uint64_t seq;
	uint8_t kind;
	uint32_t n;
	bool late; /* came after the lease had ended */
	const uint8_t *payload;
	uint32_t len;
};

struct store_batch;

struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *b);
void store_batch_add(struct store_batch *b, const struct store_chunk *c); /* copies the payload */
size_t store_batch_bytes(const struct store_batch *b); /* what it counts in the queue */
size_t store_batch_count(const struct store_batch *b);

/*
 * Stores the chunks and, in the same transaction, each stream's high-water mark. A chunk at or
 * below the mark is skipped (a resend); one beyond mark+1, or one that does not unpack, is refused
 * with ERR_PROTO for its stream (the rest of the batch is stored). done() as above; results of
 * single chunks are read from the batch with store_batch_mark(). The batch is borrowed until
 * done().
 */
void store_samples(struct store *s, struct store_batch *b,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/* After done(): the mark of chunk i's stream after the commit (0: its stream was refused, and
 * *ret_rc says why). */
uint64_t store_batch_mark(const struct store_batch *b, size_t i, int *ret_rc);
const struct store_chunk *store_batch_chunk(const struct store_batch *b, size_t i);
/* As store_retry(), for the sample writer, which fails and is mended on its own. */
void store_samples_retry(struct store *s);

/* ---- reading; blocks, for pool threads, never the loop thread ---- */

struct store_reader;

/*
 * Borrows one of a small bounded set of read-only connections, waiting at most wait_ms for it. NULL
 * and *e (ERR_BUSY, ERR_IO) on failure. Each call below is one snapshot and ends within
 * STORE_READ_MS (ERR_TIMEOUT), the time in fn() included: fn copies what it needs and returns; a
 * non-zero return stops and is returned. Also ERR_CORRUPT, ERR_IO, ERR_BUSY.
 */
#define STORE_READERS     4
#define STORE_READ_MS     5000
#define STORE_ROWS_MAX    10000 /* of one store_rows(); a page asks for 1 to so many */
#define STORE_BUCKETS_MAX 4096  /* of one store_series(); 1 to so many */
struct store_reader *store_reader_get(struct store *s, int wait_ms, struct err *e);
void store_reader_put(struct store_reader *r);

/* Rows of a control table: those with id > after (or < before, descending, when before is not 0)
 * and, for each of n filters, column = value. At most limit rows. */
struct store_filter {
	const char *column; /* one of the table's */
	const char *text;   /* compared as text when not NULL */
	int64_t num;
};

struct store_page {
	int64_t after, before;
	int limit;
	bool descending;
	int n_filters;
	struct store_filter filters[4];
};

int store_rows(struct store_reader *r, const struct row_table *t, const struct store_page *page,
	int (*fn)(void *arg, const void *row), void *arg, struct err *e);
int64_t store_row_count(struct store_reader *r, const struct row_table *t,
	const struct store_page *page,
	struct err *e); /* ignores the page's bounds; negative: error */

/* A stream as declared, with what is stored of it. */
struct store_stream {
	int64_t attempt, boot;
	uint32_t stream;
	uint8_t kind;
	char name[64], unit[16], source[192];
	int64_t scale, budget_ns, period_ns;
	uint64_t mark;            /* last sequence number stored */
	int64_t n_values, n_over; /* pairs; those over budget_ns */
	int64_t t_first, t_last;  /* device's monotonic ns */
	/* Wall-clock ms when its values (its text), then its rollups, were removed for their age or the
	 * quota; 0: they are there. What stands above stays true of what was measured. */
	int64_t raw_removed_ms, rollups_removed_ms;
};

int store_streams(struct store_reader *r, int64_t attempt,
	int (*fn)(void *arg, const struct store_stream *s), void *arg, struct err *e);
/* Every pair of a stream with t0 <= t < t1, in blocks of at most 1 024. ERR_REMOVED when they were
 * removed. */
int store_values(struct store_reader *r, int64_t attempt, uint32_t stream, int64_t t0, int64_t t1,
	int (*fn)(void *arg, const int64_t *t, const int64_t *v, int n), void *arg, struct err *e);
/*
 * The chart's view: [t0, t1) in at most `buckets` equal parts, in the order of time; each with
 * first, min, max, last, mean, count and count over budget. Parts of a second and more are whole
 * seconds on the device's clock and come from rollups (the two at the ends are cut at t0 and t1,
 * by the chunks); finer ones come from the chunks. min, max and counts are exact; first and last
 * are those of the stream's order. Empty buckets are left out. Where the values were removed, the parts
 * are whole seconds, from the rollups, and reach over both ends; where these went too, ERR_REMOVED.
 */
struct store_bucket {
	int64_t t0, t1;
	int64_t first, min, max, last;
	double mean;
	int64_t n, over;
};
int store_series(struct store_reader *r, int64_t attempt, uint32_t stream, int64_t t0, int64_t t1,
	int buckets, int (*fn)(void *arg, const struct store_bucket *b), void *arg, struct err *e);
/* Facts of an attempt, in the order in which they came. kind, i, f, text: as in struct fact. */
struct store_fact {
	int64_t t;
	char key[64];
	int kind;
	int64_t i;
	double f;
	char text[1024];
};
int store_facts(struct store_reader *r, int64_t attempt,
	int (*fn)(void *arg, const struct store_fact *f), void *arg, struct err *e);
/* The runner's text, from byte `offset`, at most `max` bytes, into dst. Returns bytes or
 * negative. */
int64_t store_text(struct store_reader *r, int64_t attempt, int64_t offset, char *dst, size_t max,
	struct err *e);

/* ---- what is kept whatever its age; see upkeep.h for what is not ---- */

/* A job whose data stay. Its table may be given to store_rows() and store_txn_put(). */
struct store_pin {
	int64_t id; /* the job's */
	int64_t at_ms;
	char actor[LIMIT_NAME];
	char reason[LIMIT_VALUE];
};
extern const struct row_table store_pin_table;

/* store_submit() for a thread that may block: returns what done() got, with a sentence. */
int store_commit(struct store *s, struct store_txn *t, struct err *e);

/* The greatest id of an event that was removed, 0 for none: who asks for what follows a smaller one
 * cannot be told all. Any thread; does not block. */
int64_t store_events_removed_to(struct store *s);

/* ---- a store that came out of a backup; any thread, does not block ---- */

struct store_restored {
	int64_t times; /* how often; 0: never, and the others are 0 too */
	int64_t made_ms; /* wall clock: when the backup was made that it came from the last time … */
	int64_t at_ms; /* … and when it was restored */
};
void store_get_restored(struct store *s, struct store_restored *ret_r);
/* Whether the id is one that the lost store may have given behind the backup, for something that this
 * store has never known. It is not given here either. */
bool store_is_lost(struct store *s, const struct row_table *t, int64_t id);
/* They are those of (after, to] in a table; 0 and 0 for none. */
void store_lost(struct store *s, const struct row_table *t, int64_t *ret_after, int64_t *ret_to);

/* ---- figures for /metrics; any thread ---- */

/* Latencies that were stored since the start: how many are at most bounds[i] and over bounds[i - 1];
 * behind the last bound, all the others. */
#define STORE_LATENCY_BOUNDS 14
extern const int64_t store_latency_bounds_ns[STORE_LATENCY_BOUNDS];

enum { STORE_LATENCY_PACED, STORE_LATENCY_BACK_TO_BACK, STORE_LATENCY_KINDS };

struct store_latency {
	uint64_t n[STORE_LATENCY_BOUNDS + 1];
	uint64_t sum_ns;
};

struct store_stats {
	uint64_t commits, commit_ns, failures;               /* control */
	uint64_t batches, batch_ns, chunks, values, resends; /* samples */
	int64_t control_bytes, control_wal_bytes, samples_bytes, samples_wal_bytes;
	bool control_wal_pinned, samples_wal_pinned; /* by another program that reads without end */
	bool damaged;                                /* a read has met damage since the start */
	uint64_t queued;       /* submitted to either writer and not yet done … */
	uint64_t queued_bytes; /* … in bytes */
	struct store_latency latency[STORE_LATENCY_KINDS];
};
void store_get_stats(struct store *s, struct store_stats *ret_st);

#endif
