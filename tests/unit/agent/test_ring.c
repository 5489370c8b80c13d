/* SPDX-License-Identifier: Apache-2.0 */
/* From the runner's ring to chunks: blocks, rings that lie, restarts in the middle, sealing. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/drain.h"
#include "agent/record.h"
#include "agent/ringfile.h"
#include "agent/spool.h"
#include "chunk.h"
#include "plan.h"

#define ATTEMPT 41

static const struct spool_meta meta = {
	.attempt = ATTEMPT,
	.epoch = 3,
	.boot = 0x1122334455667788,
	.farm = "farm-a",
	.kernel_boot_id = "boot",
	.mono_ns = 1,
	.plan = (const uint8_t *)"plan",
	.plan_len = 4,
};

static const struct plan plan = {.budget_ns = 16000000};

/* ---- the ring ---- */

#define RING_MAX 20000

struct rig {
	struct tree t;
	struct spool s;
	struct record r;
	struct drain d;
	int ring;
	struct ring_header h;
};

static void rig_init(struct rig *g)
{
	tree_init(&g->t);
	assert_int_equal(spool_create(&g->s, g->t.fd, &meta), 0);
	g->ring = ringfile_create(g->s.dir, RING_MAX);
	assert_true(g->ring >= 0);
	assert_int_equal(ringfile_read(g->ring, &g->h), 0);
	assert_int_equal(record_init(&g->r, &g->s, &plan, NULL, 0), 0);
	drain_init(&g->d, g->ring, RING_MAX, plan.budget_ns);
}

static void rig_fini(struct rig *g)
{
	record_fini(&g->r);
	spool_close(&g->s);
	close(g->ring);
	tree_fini(&g->t);
}

/* Plays the runner: what it would store in the mapped file. */
static void store_header(struct rig *g)
{
	assert_int_equal(pwrite(g->ring, &g->h, sizeof(g->h), 0), sizeof(g->h));
}

static void open_block(struct rig *g, uint16_t phase, int64_t period_ns)
{
	g->h.blocks[g->h.n_blocks] = (struct ring_block){.phase = phase,
		.period_ns = period_ns,
		.first = g->h.head,
		.begin_ns = 1000,
		.skipped = 3};
	g->h.n_blocks++;
	store_header(g);
}

static void iterate(struct rig *g, unsigned n)
{
	const struct ring_block *b = &g->h.blocks[g->h.n_blocks - 1];

	for (unsigned i = 0; i < n; i++) {
		int64_t k = g->h.head, at = 1000000 + k * 50000000;
		struct ring_record rec = {b->period_ns ? at : 0, b->period_ns ? at + 10 : at,
			at + (k % 5 ? 1000 : 17000000) + k};

		assert_int_equal(pwrite(g->ring, &rec, sizeof(rec), RING_DATA + k * sizeof(rec)),
			sizeof(rec));
		g->h.head++;
	}
	store_header(g);
}

static void close_block(struct rig *g)
{
	struct ring_block *b = &g->h.blocks[g->h.n_blocks - 1];

	b->count = g->h.head - b->first;
	g->h.closed++;
	store_header(g);
}

/* All pairs of a stream that are in the spool. */
static unsigned stored(struct spool *s, uint32_t stream, int64_t *t, int64_t *v)
{
	uint8_t buf[SPOOL_FRAME_MAX];
	struct msg_chunk c;
	int64_t off = 0;
	unsigned n = 0;
	ssize_t len;

	while ((len = spool_read_frame(s->frames, off, s->size, buf, &c)) > 0) {
		off += len;
		if (c.stream != stream || c.seq == 1)
			continue;
		assert_true(n + c.n <= RING_MAX);
		assert_int_equal(chunk_unpack(c.payload, c.len, t + n, v + n), c.n);
		n += c.n;
	}
	return n;
}

static int64_t found_t[RING_MAX], found_v[RING_MAX];

static void expect_latencies(struct spool *s, uint32_t stream, uint64_t first, unsigned n)
{
	assert_int_equal(stored(s, stream, found_t, found_v), n);
	for (unsigned i = 0; i < n; i++) {
		int64_t k = first + i;

		assert_true(found_t[i] == 1000000 + k * 50000000);
		assert_true(found_v[i] == (k % 5 ? 1000 : 17000000) + k);
	}
}

static void the_ring_becomes_streams(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	assert_int_equal(drain_pump(&g.d, &g.r), 0); /* nothing there yet */
	open_block(&g, PHASE_BACK2BACK, 0);
	iterate(&g, 1500);
	assert_int_equal(drain_pump(&g.d, &g.r), 0);
	assert_int_equal(g.d.iterations, 1500);
	assert_int_equal(g.d.over_budget, 300);
	expect_latencies(&g.s, 3, 0, 1024); /* the rest is not a chunk yet */
	iterate(&g, 10);
	close_block(&g);
	open_block(&g, PHASE_PACED, 50000000);
	iterate(&g, 40);
	assert_int_equal(drain_pump(&g.d, &g.r), 0);
	expect_latencies(&g.s, 3, 0, 1510);
	close_block(&g);
	assert_int_equal(drain_pump(&g.d, &g.r), 0);
	expect_latencies(&g.s, 5, 1510, 40);
	assert_int_equal(stored(&g.s, 6, found_t, found_v), 40);
	assert_true(found_t[0] == 1000000 + 1510LL * 50000000 + 10);
	assert_int_equal(g.r.rc, 0);
	rig_fini(&g);
}

static void a_full_turn_is_bounded_and_comes_to_its_end(void **state)
{
	struct rig g;
	int turns = 1;

	(void)state;
	rig_init(&g);
	open_block(&g, PHASE_BACK2BACK, 0);
	iterate(&g, RING_MAX);
	close_block(&g);
	while (drain_pump(&g.d, &g.r) == 1)
		turns++;
	assert_true(turns <= RING_MAX / DRAIN_TURN + 1);
	expect_latencies(&g.s, 3, 0, RING_MAX);
	rig_fini(&g);
}

/* ---- rings that lie ---- */

static void lie_head_beyond(struct rig *g)
{
	g->h.head = RING_MAX + 1;
}

static void lie_head_back(struct rig *g)
{
	g->h.head = 3;
}

static void lie_many_blocks(struct rig *g)
{
	g->h.n_blocks = RING_BLOCKS_MAX + 1;
}

static void lie_closed(struct rig *g)
{
	g->h.closed = g->h.n_blocks + 1;
}

static void lie_count_beyond_head(struct rig *g)
{
	g->h.blocks[0].count = g->h.head + 1;
	g->h.closed = 1;
}

static void lie_count_huge(struct rig *g)
{
	g->h.blocks[0].count = UINT64_MAX;
	g->h.closed = 1;
}

static void lie_count_short(struct rig *g)
{
	g->h.blocks[0].count = 2;
	g->h.closed = 1;
}

static void lie_phase(struct rig *g)
{
	g->h.blocks[0].count = g->h.head;
	g->h.closed = 1;
	g->h.blocks[1].phase = PHASE_GOLDEN;
	g->h.blocks[1].first = g->h.head;
	g->h.n_blocks = 2;
}

static void lie_first(struct rig *g)
{
	g->h.blocks[0].count = g->h.head;
	g->h.closed = 1;
	g->h.blocks[1].phase = PHASE_PACED;
	g->h.n_blocks = 2;
}

static void lie_negative(struct rig *g)
{
	struct ring_record rec = {0, 500, 499};

	assert_int_equal(pwrite(g->ring, &rec, sizeof(rec), RING_DATA + g->h.head * sizeof(rec)),
		sizeof(rec));
	g->h.head++;
}

static void lie_short(struct rig *g)
{
	assert_int_equal(ftruncate(g->ring, RING_DATA + 12), 0);
	g->h.head += 5;
}

static void a_ring_that_lies_is_damaged_and_what_came_before_is_kept(void **state)
{
	static void (*const lies[])(struct rig * g) = {
		lie_head_beyond,
		lie_head_back,
		lie_many_blocks,
		lie_closed,
		lie_count_beyond_head,
		lie_count_huge,
		lie_count_short,
		lie_phase,
		lie_first,
		lie_negative,
		lie_short,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct rig g;

		rig_init(&g);
		open_block(&g, PHASE_BACK2BACK, 0);
		iterate(&g, 10);
		assert_int_equal(drain_pump(&g.d, &g.r), 0);
		lies[i](&g);
		store_header(&g);
		if (drain_pump(&g.d, &g.r) != -EBADMSG)
			fail_msg("lie %zu was believed", i);
		assert_true(g.d.damaged);
		assert_int_equal(drain_pump(&g.d, &g.r), -EBADMSG);
		record_seal(&g.r);
		expect_latencies(&g.s, 3, 0, 10);
		rig_fini(&g);
	}
}

/* ---- going on after a restart ---- */

/* Everything in memory is lost; the spool is opened again, as a later start of the agent does. */
static void restart(struct rig *g)
{
	int64_t cut;

	record_fini(&g->r);
	spool_close(&g->s);
	assert_int_equal(spool_reopen(&g->s, g->t.fd, &meta, &cut), 0);
	assert_int_equal(record_init(&g->r, &g->s, &plan, NULL, 0), 0);
	drain_init(&g->d, g->ring, RING_MAX, plan.budget_ns);
}

static void after_a_restart_nothing_is_missing_or_doubled(void **state)
{
	(void)state;
	/* Whenever the restart comes: with nothing sealed, in between, just behind a chunk. */
	for (unsigned n = 0; n <= 3100; n += 155) {
		struct rig g;

		rig_init(&g);
		open_block(&g, PHASE_PACED, 50000000);
		iterate(&g, n);
		assert_int_equal(drain_pump(&g.d, &g.r), 0);
		restart(&g);
		iterate(&g, 77);
		close_block(&g);
		assert_int_equal(drain_pump(&g.d, &g.r), 0);
		record_seal(&g.r);
		expect_latencies(&g.s, 3, 0, n + 77);
		assert_int_equal(stored(&g.s, 4, found_t, found_v), n + 77);
		assert_int_equal(g.d.iterations, n + 77);
		rig_fini(&g);
	}
}

static void two_streams_of_one_block_may_have_been_sealed_unequally(void **state)
{
	struct rig g;
	struct msg_chunk c;
	uint8_t buf[SPOOL_FRAME_MAX];
	int64_t off = 0, cut_at = 0;
	ssize_t len;

	(void)state;
	rig_init(&g);
	open_block(&g, PHASE_PACED, 50000000);
	iterate(&g, 1024);
	assert_int_equal(drain_pump(&g.d, &g.r), 0);
	while ((len = spool_read_frame(g.s.frames, off, g.s.size, buf, &c)) > 0) {
		off += len;
		if (c.stream == 3 && c.seq == 2)
			cut_at = off; /* the latencies are there, the executions are not */
	}
	assert_int_equal(ftruncate(g.s.frames, cut_at), 0);
	restart(&g);
	assert_int_equal(drain_pump(&g.d, &g.r), 0);
	record_seal(&g.r);
	expect_latencies(&g.s, 3, 0, 1024);
	assert_int_equal(stored(&g.s, 4, found_t, found_v), 1024);
	rig_fini(&g);
}

/* ---- chunks ---- */

static unsigned count_chunks(struct spool *s, uint32_t stream)
{
	return s->streams[stream].last_seq;
}

static void chunks_are_sealed_by_age_and_at_the_end_of_a_phase(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	record_tick(&g.r, 1000);
	record_mark(&g.r, 1000, PHASE_BASELINE, 0);
	record_int(&g.r, "key", 5);
	record_tick(&g.r, 1000 + RECORD_AGE_NS - 1);
	assert_int_equal(g.s.size, 0);
	record_tick(&g.r, 1000 + RECORD_AGE_NS);
	assert_int_equal(count_chunks(&g.s, STREAM_ID_MARKS), 2); /* declaration and data */
	assert_int_equal(count_chunks(&g.s, STREAM_ID_FACTS), 2);
	record_text(&g.r, "x", 1);
	record_seal(&g.r);
	assert_int_equal(count_chunks(&g.s, STREAM_ID_TEXT), 2);
	record_seal(&g.r); /* nothing new, nothing written */
	assert_int_equal(count_chunks(&g.s, STREAM_ID_TEXT), 2);
	rig_fini(&g);
}

static void facts_are_bounded(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	for (int i = 0; i < RECORD_FACTS_MAX + 10; i++)
		record_int(&g.r, "again", i);
	record_seal(&g.r);
	assert_int_equal(record_facts_dropped(&g.r), 10);
	assert_int_equal(g.s.streams[STREAM_ID_FACTS].items, RECORD_FACTS_MAX);
	rig_fini(&g);
}

static void after_a_failed_write_nothing_more_is_written(void **state)
{
	struct rlimit old, small;
	struct rig g;
	int64_t size;

	(void)state;
	rig_init(&g);
	signal(SIGXFSZ, SIG_IGN);
	record_int(&g.r, "first", 1);
	record_seal(&g.r);
	size = g.s.size;
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){size + 10, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	record_int(&g.r, "second", 2);
	record_seal(&g.r);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(g.r.rc, -EFBIG);
	record_int(&g.r, "third", 3);
	record_seal(&g.r);
	assert_int_equal(
		g.s.size, size); /* else the third would stand where the second is missing */
	rig_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_becomes_streams),
		cmocka_unit_test(a_full_turn_is_bounded_and_comes_to_its_end),
		cmocka_unit_test(a_ring_that_lies_is_damaged_and_what_came_before_is_kept),
		cmocka_unit_test(after_a_restart_nothing_is_missing_or_doubled),
		cmocka_unit_test(two_streams_of_one_block_may_have_been_sealed_unequally),
		cmocka_unit_test(chunks_are_sealed_by_age_and_at_the_end_of_a_phase),
		cmocka_unit_test(facts_are_bounded),
		cmocka_unit_test(after_a_failed_write_nothing_more_is_written),
	};

	return cmocka_run_group_tests_name("agent ring", tests, NULL, NULL);
}
