/* SPDX-License-Identifier: Apache-2.0 */
/* What a look at a part of a stream reads: as little of a long one as of a short one. Counted in reads of
 * the file by a reader that has read nothing yet. */
#include "support.h"

#include "support_vfs.h"

#define SECOND 1000000000LL
#define LONG   3000 /* chunks, whose index alone takes some ninety pages */
#define SHORT  30
#define INDEX  80 /* pages, at least */

/* The time of a chunk's first value. */
typedef int64_t clock_fn(int64_t chunk);

static int64_t even(int64_t chunk)
{
	return chunk * SECOND;
}

/* Ever slower: no place is where its share of the time would have it. */
static int64_t slower(int64_t chunk)
{
	return chunk * chunk * chunk * (SECOND / 1000) + chunk * SECOND;
}

static int64_t backwards(int64_t chunk)
{
	return (LONG - chunk) * SECOND;
}

static struct stream_id fill(struct store *s, uint32_t stream, clock_fn *clock, int chunks)
{
	struct stream_id id = {1, 1, stream, STREAM_PACED};
	struct store_batch *b = store_batch_new();

	add_decl_plain(b, id, 0);
	for (int i = 0; i < chunks; i++) {
		int64_t t[] = {clock(i), clock(i) + SECOND / 2}, v[] = {i, -i};

		add_pairs(b, id, (uint64_t)i + 2, t, v, 2);
	}
	store_all(s, b);
	return id;
}

struct sum {
	int64_t n, first, last;
};

static int add_bucket(void *arg, const struct store_bucket *b)
{
	struct sum *sum = arg;

	if (!sum->n)
		sum->first = b->first;
	sum->n += b->n;
	sum->last = b->last;
	return 0;
}

/* From the chunk's first value to behind the last of `chunks`. Returns what was read. */
static int look(struct rig *r, struct stream_id id, clock_fn *clock, int64_t chunk, int chunks)
{
	int64_t t0 = clock(chunk), t1 = clock(chunk + chunks - 1) + SECOND;
	struct store_reader *rd;
	struct sum sum = {0};
	struct err e = {0};

	rig_reopen(r);
	rd = reader(r->store);
	bad_disk_reads();
	if (store_series(rd, id.attempt, id.stream, t0, t1, 10, add_bucket, &sum, &e))
		fail_msg("%s", e.text);
	store_reader_put(rd);
	assert_int_equal(sum.n, 2 * chunks);
	assert_int_equal(sum.first, chunk);
	assert_int_equal(sum.last, -(chunk + chunks - 1));
	return bad_disk_reads();
}

static void a_part_of_a_long_stream_reads_little(void **state)
{
	static const struct {
		clock_fn *clock;
		int more; /* reads than of the short one */
	} kinds[] = {{even, 4}, {slower, 24}};
	struct rig *r = *state;

	for (uint32_t i = 0; i < 2; i++) {
		clock_fn *clock = kinds[i].clock;
		struct stream_id few = fill(r->store, 10 + i, clock, SHORT);
		struct stream_id many = fill(r->store, 20 + i, clock, LONG);

		for (int chunks = 1; chunks <= 13; chunks += 12) { /* from values; from rollups */
			int most = look(r, few, clock, SHORT / 2, chunks) + kinds[i].more;

			for (int64_t at = 0; at <= LONG - chunks; at += (LONG - chunks) / 4)
				assert_in_range(look(r, many, clock, at, chunks), 1, most);
		}
	}
}

/* No agent sends these; they are found all the same, by a look at each. */
static void a_stream_that_goes_back_in_time_is_looked_through(void **state)
{
	struct rig *r = *state;
	struct stream_id id = fill(r->store, 5, backwards, LONG);

	assert_true(look(r, id, backwards, LONG / 2, 1) > INDEX);
	assert_true(look(r, id, backwards, 0, 1) > INDEX);
}

static int on_counting_disk(void **state)
{
	bad_disk_install();
	return rig_setup(state);
}

static int off_it(void **state)
{
	int rc = rig_teardown(state);

	bad_disk_uninstall();
	return rc;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, on_counting_disk, off_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_part_of_a_long_stream_reads_little),
		TEST(a_stream_that_goes_back_in_time_is_looked_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
