/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a zoom costs the store: store_series() over stretches of the run that fill.c wrote, against a
 * bare SQLite loop that finds the first of the same chunks by halving, and unpacks them, nothing more. Both begin
 * cold, the files out of the page cache and on a connection that has read nothing; they take turns.
 *
 *	zoom DIR ATTEMPT VALUES ROUNDS
 *
 * Prints for each stretch: its share of the whole, values in it, and the medians of both in us.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/rows.h"
#include "store/store.h"

#define BUCKETS    1000
#define ROUNDS_MAX 101
#define BEGIN_NS   5000000000000LL /* as fill.c has it */
#define PERIOD_NS  1000000LL

static const int shares[] = {1, 2, 10, 100, 1000, 10000};

#define SHARES ((int)(sizeof(shares) / sizeof(shares[0])))

struct stretch {
	int64_t t0, t1;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "zoom: %s: %s\n", what, why);
	exit(1);
}

/* Both wait for the disk, or for what lies under the file system, as a first look does. */
static void forget(const char *dir)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/samples.db", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path, "cannot be opened");
	fdatasync(fd);
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail(path, "stays in the page cache");
	close(fd);
}

/* ---- the store ---- */

static int count(void *arg, const struct store_bucket *b)
{
	*(int64_t *)arg += b->n;
	return 0;
}

static int64_t ours(const char *dir, int64_t attempt, struct stretch z, int64_t *ret_values)
{
	struct store_config cfg = {.dir = dir, .tables = core_tables};
	struct err e = {0};
	struct store *s = store_open(&cfg, NULL, &e);
	struct store_reader *r;
	int64_t begin;

	if (!s)
		fail(dir, e.text);
	*ret_values = 0;
	forget(dir);
	begin = clock_mono_ns();
	r = store_reader_get(s, 1000, &e);
	if (!r || store_series(
			  r, attempt, STREAM_ID_FIRST, z.t0, z.t1, BUCKETS, count, ret_values, &e))
		fail("series", e.text);
	begin = clock_mono_ns() - begin;
	store_reader_put(r);
	store_close(s);
	return begin;
}

/* ---- the bare loop ---- */

static sqlite3_stmt *prepare(sqlite3 *h, const char *sql)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(h, sql, -1, &st, NULL))
		fail(sql, sqlite3_errmsg(h));
	return st;
}

/* The first chunk that ends at t or behind it: chunks come in the order of time here. */
static int64_t first_seq(sqlite3 *h, int64_t id, int64_t mark, int64_t t)
{
	sqlite3_stmt *st = prepare(h,
		"SELECT seq, t_last FROM chunks WHERE stream = ?1 AND seq >= ?2 ORDER BY seq LIMIT "
		"1");
	int64_t low = 0, high = mark;

	sqlite3_bind_int64(st, 1, id);
	while (low < high) {
		int64_t at = low + (high - low) / 2;

		sqlite3_bind_int64(st, 2, at);
		if (sqlite3_step(st) != SQLITE_ROW || sqlite3_column_int64(st, 1) >= t)
			high = at;
		else
			low = sqlite3_column_int64(st, 0) + 1;
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return low;
}

static int64_t unpack_all(sqlite3 *h, int64_t attempt, struct stretch z)
{
	int64_t t[CHUNK_MAX], v[CHUNK_MAX], values = 0, id, mark;
	sqlite3_stmt *st =
		prepare(h, "SELECT id, mark FROM streams WHERE attempt = ?1 AND stream = ?2");

	sqlite3_bind_int64(st, 1, attempt);
	sqlite3_bind_int(st, 2, STREAM_ID_FIRST);
	if (sqlite3_step(st) != SQLITE_ROW)
		fail("streams", sqlite3_errmsg(h));
	id = sqlite3_column_int64(st, 0);
	mark = sqlite3_column_int64(st, 1);
	sqlite3_finalize(st);
	st = prepare(h,
		"SELECT iif(t_first < ?3, data, NULL) FROM chunks WHERE stream = ?1 AND seq >= ?2"
		" ORDER BY seq");
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, first_seq(h, id, mark, z.t0));
	sqlite3_bind_int64(st, 3, z.t1);
	while (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		values += chunk_unpack(
			sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), t, v);
	sqlite3_finalize(st);
	return values;
}

static int64_t bare(const char *dir, int64_t attempt, struct stretch z, int64_t *ret_values)
{
	char path[4200];
	int64_t begin;
	sqlite3 *h;

	snprintf(path, sizeof(path), "%s/samples.db", dir);
	forget(dir);
	begin = clock_mono_ns();
	if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL))
		fail(path, sqlite3_errmsg(h));
	*ret_values = unpack_all(h, attempt, z);
	begin = clock_mono_ns() - begin;
	sqlite3_close(h);
	return begin;
}

/* ---- the race ---- */

static int by_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double median_us(int64_t *ns, int n)
{
	qsort(ns, (size_t)n, sizeof(*ns), by_ns);
	return (double)ns[n / 2] / 1e3;
}

/* At another place each time: nothing of it was read before. */
static struct stretch place(int64_t values, int share, int round)
{
	int64_t whole = values * PERIOD_NS, width = whole / share, room = whole - width,
		at = room * ((round * 7 + 3) % 11) / 11;

	return (struct stretch){BEGIN_NS + at + (share > 1 ? 12345 : 0), BEGIN_NS + at + width};
}

static void race(const char *dir, int64_t attempt, int64_t values, int share, int rounds)
{
	int64_t a[ROUNDS_MAX], b[ROUNDS_MAX], n = 0, decoded = 0;

	for (int i = 0; i < rounds; i++) {
		struct stretch z = place(values, share, i);

		if (i % 2)
			b[i] = bare(dir, attempt, z, &decoded);
		a[i] = ours(dir, attempt, z, &n);
		if (!(i % 2))
			b[i] = bare(dir, attempt, z, &decoded);
		if (decoded < n || n < values / share - 2)
			fail("the two", "did not see the same values");
	}
	printf("zoom 1/%d: %lld values, %.1f us, bare loop %.1f us\n", share, (long long)n,
		median_us(a, rounds), median_us(b, rounds));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int rounds = argc == 5 ? atoi(argv[4]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: zoom DIR ATTEMPT VALUES ROUNDS\n");
		return 2;
	}
	for (int i = 0; i < SHARES; i++)
		race(argv[1], atoll(argv[2]), atoll(argv[3]), shares[i], rounds);
	return 0;
}
