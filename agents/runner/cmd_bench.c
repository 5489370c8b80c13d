/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --bench LIB MODEL: warm-up, a back-to-back block in memory through the same loop that an attempt
 * uses, and its percentiles by nearest rank. One `key value` a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "block.h"
#include "memory.h"
#include "standalone.h"

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_percentiles(struct ring_header *h, uint64_t n)
{
	static const struct {
		const char *name;
		uint32_t permille;
	} ranks[] = {{"p50_ns", 500}, {"p90_ns", 900}, {"p99_ns", 990}};
	const struct ring_record *r = ring_records(h);
	int64_t *v = calloc(n, sizeof(*v));

	if (!v)
		return;
	for (uint64_t i = 0; i < n; i++)
		v[i] = r[i].end_ns - r[i].start_ns;
	qsort(v, n, sizeof(*v), by_value);
	printf("min_ns %lld\n", (long long)v[0]);
	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++)
		printf("%s %lld\n", ranks[i].name,
			(long long)v[(n * ranks[i].permille + 999) / 1000 - 1]);
	printf("max_ns %lld\n", (long long)v[n - 1]);
	free(v);
}

/* A ring like the agent's, in a file without a name. */
static int make_ring(uint64_t capacity, struct ring *ret_ring, struct fail *f)
{
	struct ring_header h = {.magic = RING_MAGIC, .version = RING_VERSION, .capacity = capacity};
	int fd = memory_file("ring"), rc;

	if (fd < 0 || ftruncate(fd, (off_t)ring_bytes(capacity)) ||
		pwrite(fd, &h, sizeof(h), 0) != sizeof(h)) {
		rc = fail_set(f, OUTCOME_MEMORY, "no memory for the ring");
	} else {
		rc = ring_open(ret_ring, fd, f);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int warm_up(struct standalone *s, struct fail *f)
{
	for (uint32_t i = 0; i < s->warmup; i++)
		if (ort_check(s->ort, binding_run(&s->binding), f, "an inference failed"))
			return -1;
	return 0;
}

static int bench(struct standalone *s, struct timesrc *ts, struct fail *f)
{
	struct plan_block spec = {.on = 1, .min_runs = s->runs, .max_runs = s->runs};
	struct channel channel = {.fd = -1};
	struct ring ring = {0};
	struct block_run run = {&ring, ts, &s->binding, &channel};
	struct block_result r;
	int rc;

	if (make_ring(s->runs, &ring, f))
		return -1;
	rc = warm_up(s, f) || block_run(&run, PHASE_BACK2BACK, &spec, &r, f) ? -1 : 0;
	if (!rc) {
		printf("runs %llu\n", (unsigned long long)r.runs);
		print_percentiles(ring.h, r.runs);
		printf("cpu_ns %lld\nwall_ns %lld\nrss_peak_bytes %lld\n", (long long)r.cpu_ns,
			(long long)r.wall_ns, (long long)memory_rss_peak_bytes());
	}
	ring_close(&ring);
	return rc;
}

int bench_main(int argc, char **argv)
{
	struct timesrc *ts = timesrc_open(NULL);
	struct standalone s;
	struct fail f = {0};
	int rc = standalone_options(&s, argc, argv, &f);

	if (!rc && s.n_args != 2)
		rc = fail_set(&f, OUTCOME_INTERNAL, "--bench needs a library and a model");
	if (!rc && !ts)
		rc = fail_set(&f, OUTCOME_MEMORY, "no memory for the clock");
	if (!rc)
		rc = standalone_open(&s, s.args[0], s.args[1], &f) || bench(&s, ts, &f);
	fflush(stdout);
	standalone_fini(&s);
	timesrc_close(ts);
	return rc ? standalone_fail(&f) : 0;
}
