/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was acknowledged is there, however the daemon ended: a child process stores, tells of each
 * completion through a pipe, and is killed at a random moment. Then the store is opened again.
 */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/row.h"

#define KILLS      12
#define UNDER_WAY  64 /* the child keeps so many submitted */
#define CHUNK_SIZE 10

static const struct stream_id stream = {1, 99, 3, STREAM_COUNTER};

/* ---- the child ---- */

struct ack {
	char what; /* 't' transaction, 'c' chunk */
	int64_t number;
};

struct child {
	struct store *store;
	int pipe;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int under_way;
};

struct sent {
	struct child *child;
	struct ack ack;
	struct store_txn *txn;
	struct store_batch *batch;
};

static void acknowledged(void *arg, int rc, const char *text)
{
	struct sent *s = arg;

	(void)text;
	if (rc || write(s->child->pipe, &s->ack, sizeof(s->ack)) != sizeof(s->ack))
		abort();
	store_txn_free(s->txn);
	store_batch_free(s->batch);
	pthread_mutex_lock(&s->child->lock);
	s->child->under_way--;
	pthread_cond_signal(&s->child->changed);
	pthread_mutex_unlock(&s->child->lock);
	free(s);
}

static struct sent *begin(struct child *c, char what, int64_t number)
{
	struct sent *s = calloc(1, sizeof(*s));

	pthread_mutex_lock(&c->lock);
	while (c->under_way >= UNDER_WAY)
		pthread_cond_wait(&c->changed, &c->lock);
	c->under_way++;
	pthread_mutex_unlock(&c->lock);
	s->child = c;
	s->ack.what = what;
	s->ack.number = number;
	return s;
}

static void send_txn(struct child *c, int64_t id)
{
	struct sent *s = begin(c, 't', id);

	s->txn = txn_of(id);
	store_submit(c->store, s->txn, acknowledged, s);
}

static void send_chunk(struct child *c, uint64_t seq)
{
	struct sent *s = begin(c, 'c', (int64_t)seq);
	int64_t t[CHUNK_SIZE], v[CHUNK_SIZE];

	for (int i = 0; i < CHUNK_SIZE; i++) {
		t[i] = ((int64_t)seq * CHUNK_SIZE + i) * 1000000;
		v[i] = (int64_t)seq;
	}
	s->batch = store_batch_new();
	if (seq == 1)
		add_decl_plain(s->batch, stream, 0);
	else
		add_pairs(s->batch, stream, seq, t, v, CHUNK_SIZE);
	store_samples(c->store, s->batch, acknowledged, s);
}

static void run_child(struct rig *r, int fd, int64_t next_id, uint64_t next_seq)
{
	struct child c = {.pipe = fd};

	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.changed, NULL);
	rig_open(r);
	c.store = r->store;
	for (;;) {
		send_txn(&c, next_id++);
		send_chunk(&c, next_seq++);
	}
}

/* ---- the parent ---- */

struct acked {
	int64_t txn, chunk; /* the last acknowledged */
	int count;
};

static void note_ack(struct acked *a, const struct ack *ack)
{
	int64_t *last = ack->what == 't' ? &a->txn : &a->chunk;

	assert_true(ack->number > *last); /* in order */
	*last = ack->number;
	a->count++;
}

/* Lets the child work until it has acknowledged some and `extra_us` more have gone by. */
static void work_and_kill(struct rig *r, struct acked *a, int64_t next_id, uint64_t next_seq,
	int some, int64_t extra_us)
{
	struct timespec extra = {.tv_nsec = extra_us * 1000};
	struct ack ack;
	int fds[2], status, target = a->count + some;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		child_begin();
		close(fds[0]);
		run_child(r, fds[1], next_id, next_seq);
		_exit(0);
	}
	close(fds[1]);
	while (a->count < target && read(fds[0], &ack, sizeof(ack)) == sizeof(ack))
		note_ack(a, &ack);
	nanosleep(&extra, NULL); /* a random moment, not a wait for anything */
	kill(pid, SIGKILL);
	while (read(fds[0], &ack, sizeof(ack)) == sizeof(ack))
		note_ack(a, &ack);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int expect_next(void *arg, const void *row)
{
	int64_t *last = arg;

	assert_int_equal(*(const int64_t *)row, *last + 1); /* a prefix without holes */
	++*last;
	return 0;
}

static int64_t last_row(struct store *s, const struct row_table *t)
{
	int64_t last = 0;

	assert_int_equal(store_load(s, t, expect_next, &last, NULL), 0);
	return last;
}

struct found {
	struct store_stream stream;
	int64_t pairs, last_value;
};

static int note_stream(void *arg, const struct store_stream *s)
{
	((struct found *)arg)->stream = *s;
	return 0;
}

static int note_values(void *arg, const int64_t *t, const int64_t *v, int n)
{
	struct found *f = arg;

	assert_int_equal(n, CHUNK_SIZE);
	assert_int_equal(t[0], v[0] * CHUNK_SIZE * 1000000);
	assert_true(f->last_value == 0 || v[0] == f->last_value + 1);
	f->last_value = v[0];
	f->pairs += n;
	return 0;
}

/* Marks, counts and chunks were one transaction: they agree. */
static int64_t last_chunk(struct store *s)
{
	struct store_reader *rd = reader(s);
	struct found f = {.pairs = 0};

	assert_int_equal(store_streams(rd, stream.attempt, note_stream, &f, NULL), 0);
	assert_int_equal(store_values(rd, stream.attempt, stream.stream, INT64_MIN, INT64_MAX,
				 note_values, &f, NULL),
		0);
	store_reader_put(rd);
	assert_int_equal(f.stream.n_values, f.pairs);
	if (f.stream.mark > 1)
		assert_int_equal(f.stream.mark, f.last_value);
	return (int64_t)f.stream.mark;
}

static void what_was_acknowledged_survives_kill(void **state)
{
	struct rig *r = *state;
	struct rng g = {2026};
	struct acked a = {0};
	int64_t rows = 0, mark = 0;

	for (int i = 0; i < KILLS; i++) {
		work_and_kill(r, &a, rows + 1, (uint64_t)mark + 1, (int)rng_range(&g, 1, 400),
			rng_range(&g, 0, 3000));
		rig_open(r);
		rows = last_row(r->store, &job_table);
		assert_int_equal(last_row(r->store, &event_table), rows); /* both or none */
		assert_true(rows >= a.txn);
		mark = last_chunk(r->store);
		assert_true(mark >= a.chunk);
		rig_close(r);
		a.txn = rows;
		a.chunk = mark;
	}
	print_message("%d kills: %d acknowledged, %lld transactions and %lld chunks found\n", KILLS,
		a.count, (long long)rows, (long long)mark);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_acknowledged_survives_kill, rig_setup_closed, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
