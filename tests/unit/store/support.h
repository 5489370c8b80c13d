/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a directory of its own, and ways to wait for it. Waiting has a bound: a completion
 * that does not come within SUPPORT_PATIENCE_S ends the test.
 */
#ifndef FRAMEFARM_TESTS_STORE_SUPPORT_H
#define FRAMEFARM_TESTS_STORE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "core/rows.h"
#include "agents/msg.h"
#include "store/store.h"

#define SUPPORT_PATIENCE_S 60

/* ---- directories ---- */

struct rig {
	char dir[PATH_MAX];
	struct store *store;
	int64_t wal_limit_bytes;
	int upgraded_from;
};

/* cmocka fixtures: *state is a struct rig with an open store in a new directory. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* The same without an open store. */
int rig_setup_closed(void **state);

void rig_open(struct rig *r); /* the test fails when it does not */
void rig_close(struct rig *r);
void rig_reopen(struct rig *r);
/* Opening must fail with this code and a sentence that holds this. */
void rig_open_fails(struct rig *r, int code, const char *says);
void rig_path(const struct rig *r, char dst[PATH_MAX + 64], const char *name);
/* Runs SQL on a file of the rig with a connection of its own. */
void rig_sql(const struct rig *r, const char *name, const char *sql);

void remove_tree(const char *dir);
/* First thing in a forked child: a failed assertion ends it there and then. */
void child_begin(void);

/* ---- waiting ---- */

/* A point that a thread waits at until another opens it. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);
void gate_open(struct gate *g);
void gate_wait(struct gate *g);

/* Looks again and again until it holds; the test ends when it does not come true in time. */
void wait_until(bool (*holds)(void *arg), void *arg);

/* Records completions in the order in which they come. Begin with all zeros but `want`. */
#define TALLY_MAX 8192
struct tally {
	struct gate all; /* opens with the last one wanted */
	int want;
	int n;
	int rc[TALLY_MAX];
	int who[TALLY_MAX];
	char text[ERR_TEXT_MAX]; /* of the last failure */
};

struct tally *tally_new(int want);
void tally_free(struct tally *t);
/* done() for number `who`; free with the tally. */
void tally_submit(struct tally *t, struct store *s, struct store_txn *txn, int who);
void tally_submit_batch(struct tally *t, struct store *s, struct store_batch *b, int who);
void tally_wait(struct tally *t); /* until all that were wanted have come */

/* Submits and waits; returns what done() got. text may be NULL. */
int commit(struct store *s, struct store_txn *t, char text[ERR_TEXT_MAX]);
int commit_batch(struct store *s, struct store_batch *b);

/* ---- rows ---- */

struct rstr;

void fill_job(struct job_row *j, int64_t id);
void fill_event(struct event_row *ev, int64_t id);
/* A transaction with one job and one event of the same id. */
struct store_txn *txn_of(int64_t id);
int count_rows(struct store *s, const struct row_table *t);

/* ---- samples ---- */

struct stream_id {
	int64_t attempt;
	int64_t boot;
	uint32_t stream;
	enum stream_kind kind;
};

void add_decl(struct store_batch *b, struct stream_id id, const struct msg_decl *d);
void add_decl_plain(struct store_batch *b, struct stream_id id, int64_t budget_ns);
void add_pairs(struct store_batch *b, struct stream_id id, uint64_t seq, const int64_t *t,
	const int64_t *v, int n);
void add_text(struct store_batch *b, struct stream_id id, uint64_t seq, const char *text);
void add_facts(
	struct store_batch *b, struct stream_id id, uint64_t seq, const struct fact *f, int n);
void add_raw(struct store_batch *b, struct stream_id id, uint64_t seq, uint32_t n,
	const void *payload, uint32_t len);
/* The result of chunk i: its mark, or a negative code. */
int64_t mark_of(const struct store_batch *b, size_t i);
/* Stores one batch that the test is sure of. */
void store_all(struct store *s, struct store_batch *b);

struct store_reader *reader(struct store *s);

/* A generator that gives the same series for the same seed. */
struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
int64_t rng_range(struct rng *r, int64_t low, int64_t high); /* both included */

#endif
