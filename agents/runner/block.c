/* SPDX-License-Identifier: Apache-2.0 */
/* The timed blocks; see block.h. */
#include "block.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "pace.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define PAGE      4096

/* ---- the ring ---- */

int ring_open(struct ring *r, int fd, struct fail *f)
{
	struct ring_header *h;
	struct stat st;
	volatile char *p;

	if (fstat(fd, &st) || st.st_size < RING_DATA)
		return fail_set(f, OUTCOME_INTERNAL, "the ring is not there");
	h = mmap(
		NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (h == MAP_FAILED)
		return fail_set(
			f, OUTCOME_INTERNAL, "the ring cannot be mapped: %s", strerror(errno));
	*r = (struct ring){h, (size_t)st.st_size};
	if (h->magic != RING_MAGIC || h->version != RING_VERSION ||
		h->capacity > (r->bytes - RING_DATA) / sizeof(struct ring_record) ||
		h->head > h->capacity || h->n_blocks > RING_BLOCKS_MAX) {
		ring_close(r);
		return fail_set(f, OUTCOME_INTERNAL, "the ring is not one of this version");
	}
	/* A first write to a page of a shared file is a fault; locked, it also stays. The lock may
	 * be refused (RLIMIT_MEMLOCK), which costs no more than a rare page-in. */
	mlock(h, r->bytes);
	p = (volatile char *)h;
	for (size_t at = RING_DATA; at < r->bytes; at += PAGE)
		p[at] = p[at];
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->h)
		munmap(r->h, r->bytes);
	r->h = NULL;
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct ring_block *open_block(
	struct ring *r, enum phase phase, int64_t period_ns, int64_t begin_ns, uint32_t *ret_index)
{
	uint32_t i = atomic_load_explicit(&r->h->n_blocks, memory_order_relaxed);
	struct ring_block *b = &r->h->blocks[i];

	memset(b, 0, sizeof(*b));
	b->phase = phase;
	b->period_ns = period_ns;
	b->first = atomic_load_explicit(&r->h->head, memory_order_relaxed);
	b->begin_ns = begin_ns;
	atomic_store_explicit(&r->h->n_blocks, i + 1, memory_order_release);
	*ret_index = i;
	return b;
}

static void close_block(struct ring *r, struct ring_block *b, int64_t end_ns, int64_t cpu)
{
	b->count = atomic_load_explicit(&r->h->head, memory_order_relaxed) - b->first;
	b->end_ns = end_ns;
	b->cpu_ns = cpu;
	atomic_fetch_add_explicit(&r->h->closed, 1, memory_order_release);
}

/* ---- the loops ---- */

struct loop {
	const struct block_run *b;
	struct ring_record *records;
	uint64_t head, max_head;
	uint64_t runs;
	uint64_t min_runs;
	int64_t min_end_ns, max_end_ns;
	struct ort_status *status; /* of the run that failed */
};

static inline bool more(const struct loop *l, int64_t now_ns)
{
	if (l->head >= l->max_head || now_ns >= l->max_end_ns || channel_cancelled(l->b->channel))
		return false;
	return l->runs < l->min_runs || now_ns < l->min_end_ns;
}

/* The sign of life: this iteration begins. */
static inline void beat(const struct loop *l, int64_t now_ns)
{
	atomic_store_explicit(&l->b->ring->h->alive_ns, now_ns, memory_order_relaxed);
}

static inline void store(struct loop *l, int64_t release_ns, int64_t start_ns, int64_t end_ns)
{
	l->records[l->head] = (struct ring_record){release_ns, start_ns, end_ns};
	l->runs++;
	atomic_store_explicit(&l->b->ring->h->head, ++l->head, memory_order_release);
}

static int64_t run_back_to_back(struct loop *l, int64_t start_ns)
{
	const struct block_run *b = l->b;
	int64_t end_ns;

	while (more(l, start_ns)) {
		beat(l, start_ns);
		l->status = binding_run(b->binding);
		end_ns = timesrc_mono_ns(b->ts);
		if (l->status)
			return end_ns;
		store(l, 0, start_ns, end_ns);
		start_ns = end_ns;
	}
	return start_ns;
}

static int64_t run_paced(struct loop *l, struct ring_block *rb)
{
	const struct block_run *b = l->b;
	int64_t release_ns = rb->begin_ns, now_ns = rb->begin_ns, start_ns, k = 0;
	uint32_t skipped = 0;

	while (more(l, release_ns)) {
		rb->skipped += skipped; /* only what lies between two iterations */
		while ((start_ns = timesrc_mono_ns(b->ts)) < release_ns)
			timesrc_sleep_until(b->ts, release_ns);
		beat(l, start_ns);
		l->status = binding_run(b->binding);
		now_ns = timesrc_mono_ns(b->ts);
		if (l->status)
			break;
		store(l, release_ns, start_ns, now_ns);
		k = pace_next(rb->begin_ns, rb->period_ns, k, now_ns, &skipped);
		release_ns = pace_release(rb->begin_ns, rb->period_ns, k);
	}
	return now_ns;
}

static void loop_init(
	struct loop *l, const struct block_run *b, const struct plan_block *spec, int64_t begin_ns)
{
	uint64_t room;

	memset(l, 0, sizeof(*l));
	l->b = b;
	l->records = ring_records(b->ring->h);
	l->head = atomic_load_explicit(&b->ring->h->head, memory_order_relaxed);
	room = b->ring->h->capacity - l->head;
	l->max_head = l->head + (spec->max_runs < room ? spec->max_runs : room);
	l->min_runs = spec->min_runs;
	l->min_end_ns = begin_ns + spec->min_ms * NS_PER_MS;
	l->max_end_ns = spec->max_ms ? begin_ns + spec->max_ms * NS_PER_MS : INT64_MAX;
}

int block_run(const struct block_run *b, enum phase phase, const struct plan_block *spec,
	struct block_result *ret_r, struct fail *f)
{
	struct block_result r = {0};
	struct ring_block *rb;
	struct loop l;
	int64_t begin_ns, cpu, end_ns;

	if (atomic_load_explicit(&b->ring->h->n_blocks, memory_order_relaxed) >= RING_BLOCKS_MAX)
		return fail_set(f, OUTCOME_INTERNAL, "the ring holds %d blocks", RING_BLOCKS_MAX);
	cpu = cpu_ns();
	begin_ns = timesrc_mono_ns(b->ts) + spec->period_ns; /* the first release is ahead */
	rb = open_block(b->ring, phase, spec->period_ns, begin_ns, &r.index);
	loop_init(&l, b, spec, begin_ns);
	end_ns = spec->period_ns ? run_paced(&l, rb) : run_back_to_back(&l, begin_ns);
	cpu = cpu_ns() - cpu;
	close_block(b->ring, rb, end_ns, cpu);
	r.runs = l.runs;
	r.skipped = rb->skipped;
	r.wall_ns = end_ns - begin_ns;
	r.cpu_ns = cpu;
	*ret_r = r;
	if (l.status && ort_check(b->binding->session->ort, l.status, f, "an inference failed") &&
		!channel_cancelled(b->channel))
		return -1;
	return 0;
}
