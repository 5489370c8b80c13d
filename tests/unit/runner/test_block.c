/* SPDX-License-Identifier: Apache-2.0 */
/* The timed loops, over a runtime that is a table of our own functions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "runner/block.h"

#define CAPACITY 1000
#define MS       INT64_C(1000000)

/* What the fake inference does at a given run. */
static struct {
	uint32_t runs;
	uint32_t cancel_at, fail_at, slow_at;
	int64_t slow_ns;
	struct channel channel;
} fake;

static struct ort_status *fake_run(
	struct ort_session *s, const struct ort_run_options *o, const struct ort_binding *b)
{
	struct timespec t = {0, (long)fake.slow_ns};

	(void)s;
	(void)o;
	(void)b;
	fake.runs++;
	if (fake.runs == fake.slow_at)
		nanosleep(&t, NULL);
	if (fake.runs == fake.cancel_at)
		atomic_store(&fake.channel.cancelled, true);
	return fake.runs == fake.fail_at ? (struct ort_status *)&fake : NULL;
}

static const char *fake_message(const struct ort_status *st)
{
	(void)st;
	return "the node \"x\" broke";
}

static void fake_release(struct ort_status *st)
{
	(void)st;
}

static struct ort ort = {
	.RunWithBinding = fake_run,
	.GetErrorMessage = fake_message,
	.ReleaseStatus = fake_release,
};
static struct session session = {.ort = &ort};
static struct binding binding = {.session = &session};

struct bench {
	int fd;
	struct ring ring;
	struct timesrc *ts;
	struct block_run run;
};

static struct bench bench;

static int make_ring(uint32_t magic, uint64_t capacity, off_t bytes)
{
	struct ring_header h = {.magic = magic, .version = RING_VERSION, .capacity = capacity};
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	return fd;
}

static int start(void **state)
{
	struct fail f;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	bench.fd = make_ring(RING_MAGIC, CAPACITY, (off_t)ring_bytes(CAPACITY));
	bench.ts = timesrc_open(NULL);
	bench.run = (struct block_run){&bench.ring, bench.ts, &binding, &fake.channel};
	return ring_open(&bench.ring, bench.fd, &f);
}

static int stop(void **state)
{
	(void)state;
	ring_close(&bench.ring);
	close(bench.fd);
	timesrc_close(bench.ts);
	return 0;
}

static struct block_result run_block(enum phase phase, struct plan_block spec, int want_rc)
{
	struct block_result r = {0};
	struct fail f = {0};

	assert_int_equal(block_run(&bench.run, phase, &spec, &r, &f), want_rc);
	if (want_rc)
		assert_string_equal(f.text, "an inference failed: the node \"x\" broke");
	return r;
}

static void back_to_back_iterations_leave_nothing_out(void **state)
{
	struct ring_header *h = bench.ring.h;
	const struct ring_record *r = ring_records(h);
	struct block_result got;

	(void)state;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 100, 500, 0, 60000, 0}, 0);
	assert_int_equal(got.runs, 100);
	assert_int_equal(h->head, 100);
	assert_int_equal(h->n_blocks, 1);
	assert_int_equal(h->closed, 1);
	assert_int_equal(h->blocks[0].phase, PHASE_BACK2BACK);
	assert_int_equal(h->blocks[0].count, 100);
	assert_int_equal(r[0].start_ns, h->blocks[0].begin_ns);
	for (int i = 1; i < 100; i++) {
		assert_int_equal(r[i].release_ns, 0);
		assert_int_equal(r[i].start_ns, r[i - 1].end_ns);
		assert_true(r[i].end_ns >= r[i].start_ns);
	}
	assert_int_equal(h->alive_ns, r[99].start_ns);
}

static void both_minima_must_hold(void **state)
{
	struct block_result got;

	(void)state;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 10, 500, 5, 60000, 0}, 0);
	assert_true(got.wall_ns >= 5 * MS || got.runs == 500);
	assert_true(got.runs >= 10);
}

static void a_block_ends_at_its_maxima(void **state)
{
	struct block_result got;

	(void)state;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 400, 30, 0, 60000, 0}, 0);
	assert_int_equal(got.runs, 30);
	fake.slow_ns = 20 * MS;
	fake.slow_at = fake.runs + 1;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 400, 400, 0, 10, 0}, 0);
	assert_int_equal(got.runs, 1); /* longer than 10 ms: no further one starts */
}

static void a_block_never_leaves_the_ring(void **state)
{
	struct block_result got;

	(void)state;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 900, 900, 0, 0, 0}, 0);
	assert_int_equal(got.runs, 900);
	got = run_block(PHASE_SUSTAINED, (struct plan_block){1, 900, 900, 0, 0, 0}, 0);
	assert_int_equal(got.runs, 100);
	assert_int_equal(bench.ring.h->blocks[1].first, 900);
	assert_int_equal(bench.ring.h->head, CAPACITY);
}

static void a_cancel_ends_a_block_with_what_there_is(void **state)
{
	struct block_result got;

	(void)state;
	fake.cancel_at = 7;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 100, 100, 0, 0, 0}, 0);
	assert_int_equal(got.runs, 7);
	assert_int_equal(bench.ring.h->closed, 1);
}

static void a_terminated_inference_is_a_cancel_not_a_failure(void **state)
{
	struct block_result got;

	(void)state;
	fake.cancel_at = fake.fail_at = 7;
	got = run_block(PHASE_BACK2BACK, (struct plan_block){1, 100, 100, 0, 0, 0}, 0);
	assert_int_equal(got.runs, 6);
}

static void a_failing_inference_ends_the_block_with_its_reason(void **state)
{
	(void)state;
	fake.fail_at = 3;
	run_block(PHASE_BACK2BACK, (struct plan_block){1, 100, 100, 0, 0, 0}, -1);
	assert_int_equal(bench.ring.h->blocks[0].count, 2);
	assert_int_equal(bench.ring.h->closed, 1);
}

static void paced_iterations_start_at_their_release_or_are_skipped(void **state)
{
	const struct ring_block *b = &bench.ring.h->blocks[0];
	const struct ring_record *r = ring_records(bench.ring.h);
	struct block_result got;
	int64_t k, last = -1, left_out = 0;

	(void)state;
	fake.slow_at = 5;
	fake.slow_ns = 7 * MS;
	got = run_block(PHASE_PACED, (struct plan_block){1, 20, 20, 0, 60000, 2 * MS}, 0);
	assert_int_equal(got.runs, 20);
	assert_int_equal(r[0].release_ns, b->begin_ns);
	for (int i = 0; i < 20; i++) {
		assert_int_equal((r[i].release_ns - b->begin_ns) % (2 * MS), 0);
		k = (r[i].release_ns - b->begin_ns) / (2 * MS);
		assert_true(k > last);
		left_out += k - last - 1;
		last = k;
		assert_true(r[i].start_ns >= r[i].release_ns);
	}
	assert_int_equal(left_out, b->skipped);
	assert_int_equal(got.skipped, b->skipped);
	assert_true(b->skipped >= 3); /* 7 ms over a period of 2 ms */
}

static void a_ring_that_is_none_is_refused(void **state)
{
	struct ring ring = {0};
	struct fail f = {0};
	int fds[3] = {make_ring(1, CAPACITY, (off_t)ring_bytes(CAPACITY)),
		make_ring(RING_MAGIC, CAPACITY + 1, (off_t)ring_bytes(CAPACITY)),
		make_ring(RING_MAGIC, 0, 100)};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ring_open(&ring, fds[i], &f), -1);
		assert_int_equal(f.outcome, OUTCOME_INTERNAL);
		assert_null(ring.h);
		close(fds[i]);
	}
	assert_int_equal(ring_open(&ring, -1, &f), -1);
}

#define STORY(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(back_to_back_iterations_leave_nothing_out),
		STORY(both_minima_must_hold),
		STORY(a_block_ends_at_its_maxima),
		STORY(a_block_never_leaves_the_ring),
		STORY(a_cancel_ends_a_block_with_what_there_is),
		STORY(a_terminated_inference_is_a_cancel_not_a_failure),
		STORY(a_failing_inference_ends_the_block_with_its_reason),
		STORY(paced_iterations_start_at_their_release_or_are_skipped),
		cmocka_unit_test(a_ring_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
