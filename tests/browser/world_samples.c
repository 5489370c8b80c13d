/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of one attempt: a phone of a few lines of physics (heat in and out, clocks that are
 * capped when it is hot, frames that take longer at lower clocks), so that pages have to show what
 * they will have to show.
 */
#include "world.h"

#include <math.h>

#include "agents/msg.h"
#include "agents/plan.h"
#include "base/mem.h"
#include "support_samples.h"

#define NS_PER_S   1000000000LL
#define PERIOD_NS  16666667LL
#define BUDGET_NS  16000000LL
#define COUNTER_HZ 10

/* Phases, seconds from the begin. */
enum { WARMUP_S = 3, BACK2BACK_S = 6, PACED_S = 26, AFTER_S = 86, END_S = 92 };

struct phone {
	uint64_t random;
	double heat;                 /* of the model, 0…1 */
	double die_c, skin_c, clock; /* clock: 0.4…1 */
	double now_s;
};

static double chance(struct phone *p)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (double)(p->random >> 11) / 9007199254740992.0;
}

static double load_at(double s)
{
	return s >= WARMUP_S && s < AFTER_S ? 1.0 : 0.08;
}

static void step(struct phone *p, double dt_s)
{
	double power = load_at(p->now_s) * (0.4 + 1.6 * p->heat) * p->clock;

	p->die_c += dt_s * (power * 2.2 - (p->die_c - p->skin_c) * 0.12);
	p->skin_c += dt_s * ((p->die_c - p->skin_c) * 0.02 - (p->skin_c - 26) * 0.004);
	if (p->die_c > 58 && p->clock > 0.45)
		p->clock -= 0.02;
	else if (p->die_c < 52 && p->clock < 1)
		p->clock += 0.02;
	p->now_s += dt_s;
}

static int64_t frame_ns(struct phone *p)
{
	double ms = (7.4 + 3.6 * p->heat) / p->clock * (1 + 0.02 * chance(p));

	if (chance(p) < 0.006)
		ms += 2 + 4 * chance(p);
	return (int64_t)(ms * 1e6);
}

/* ---- recording ---- */

enum { TEMP_DIE, TEMP_SKIN, CLOCK_BIG, CLOCK_LITTLE, BUSY, MEM, POWER, COUNTERS };

static const struct {
	const char *name, *unit;
	int64_t scale;
} counters[COUNTERS] = {
	{"thermal.soc", "mC", 1},
	{"thermal.skin", "mC", 1},
	{"cpu.policy4.freq", "Hz", 1},
	{"cpu.policy0.freq", "Hz", 1},
	{"cpu.busy", "%", 10},
	{"mem.available", "B", 1},
	{"power.battery.current_now", "uA", 1},
};

static int64_t reading(struct phone *p, int counter)
{
	switch (counter) {
	case TEMP_DIE:
		return (int64_t)(p->die_c * 1000) / 100 * 100;
	case TEMP_SKIN:
		return (int64_t)(p->skin_c * 1000) / 100 * 100;
	case CLOCK_BIG:
		return (int64_t)(p->clock * 27) * 104000000;
	case CLOCK_LITTLE:
		return (int64_t)((0.6 + 0.4 * p->clock) * 17) * 106000000;
	case BUSY:
		return (int64_t)(1000 * load_at(p->now_s) * (0.45 + 0.05 * chance(p)));
	case MEM:
		return 2900000000 - (int64_t)(load_at(p->now_s) * 180e6 + chance(p) * 4e6);
	}
	return -(int64_t)(load_at(p->now_s) * 900000 * (0.5 + p->heat) * p->clock);
}

struct record {
	int64_t *t, *v;
	int n;
};

static struct record record_new(int max)
{
	return (struct record){mem_alloc((size_t)max * 8), mem_alloc((size_t)max * 8), 0};
}

static void record_add(struct record *r, double s, int64_t v)
{
	r->t[r->n] = SAMPLES_BOOT_NS + (int64_t)(s * 1e9);
	r->v[r->n++] = v;
}

static void record_put(struct ctl *c, struct record *r, const struct samples *s)
{
	if (r->n)
		samples_put(c, s, r->t, r->v, r->n);
	mem_free(r->t);
	mem_free(r->v);
}

static void run_counters(struct ctl *c, int64_t attempt, double heat, uint64_t seed,
	struct record *back, struct record *paced, struct record *exec)
{
	struct phone p = {seed, heat, 34, 29, 1, 0};
	struct record r[COUNTERS];
	double next_back = BACK2BACK_S, next_paced = PACED_S;

	for (int i = 0; i < COUNTERS; i++)
		r[i] = record_new(END_S * COUNTER_HZ + 1);
	while (p.now_s < END_S) {
		double until = p.now_s + 1.0 / COUNTER_HZ;

		for (int i = 0; i < COUNTERS; i++)
			record_add(&r[i], p.now_s, reading(&p, i));
		for (; next_back < until && next_back < PACED_S;
			next_back += back->v[back->n - 1] / 1e9)
			record_add(back, next_back, frame_ns(&p));
		for (; next_paced < until && next_paced < AFTER_S; next_paced += PERIOD_NS / 1e9) {
			int64_t ns = frame_ns(&p);

			record_add(paced, next_paced, ns + 90000);
			record_add(exec, next_paced + 0.00009, ns);
		}
		step(&p, 1.0 / COUNTER_HZ);
	}
	for (int i = 0; i < COUNTERS; i++) {
		const struct samples s = {.attempt = attempt,
			.stream = 20 + (uint32_t)i,
			.kind = STREAM_COUNTER,
			.name = counters[i].name,
			.unit = counters[i].unit,
			.scale = counters[i].scale};

		record_put(c, &r[i], &s);
	}
}

static void put_marks(struct ctl *c, int64_t attempt)
{
	const struct samples s = {.attempt = attempt,
		.stream = STREAM_ID_MARKS,
		.kind = STREAM_MARKS,
		.name = "marks"};
	static const struct {
		double s;
		int phase;
	} marks[] = {
		{0, PHASE_BASELINE},
		{1, PHASE_LOAD_COLD},
		{1.6, PHASE_LOAD_WARM},
		{WARMUP_S, PHASE_WARMUP},
		{BACK2BACK_S, PHASE_BACK2BACK},
		{PACED_S, PHASE_PACED},
		{AFTER_S, PHASE_AFTER},
	};
	struct record r = record_new(7);

	for (int i = 0; i < 7; i++)
		record_add(&r, marks[i].s, (int64_t)marks[i].phase << 16);
	record_put(c, &r, &s);
}

void world_samples(struct ctl *c, int64_t attempt, double heat, uint64_t seed)
{
	struct samples s = {.attempt = attempt,
		.stream = 3,
		.kind = STREAM_ITER,
		.name = "back_to_back",
		.unit = "ns",
		.budget_ns = BUDGET_NS};
	struct record back = record_new(20000), paced = record_new(8000), exec = record_new(8000);

	put_marks(c, attempt);
	run_counters(c, attempt, heat, seed, &back, &paced, &exec);
	record_put(c, &back, &s);
	s = (struct samples){attempt, 4, STREAM_PACED, "paced", "ns", 1, BUDGET_NS, PERIOD_NS};
	record_put(c, &paced, &s);
	s = (struct samples){attempt, 5, STREAM_EXEC, "paced.exec", "ns", 1, 0, PERIOD_NS};
	record_put(c, &exec, &s);
	samples_text(c, attempt,
		"framefarm-runner-onnxruntime 0.1\nONNX Runtime 1.27.0\nloading model (4.3 MB)\n"
		"session ready in 84.2 ms, 28 nodes on cpu\nwarm-up: 214 runs, median 7.61 ms\n"
		"<script>alert('log')</script>\nblock back_to_back\nblock paced at 60.00 "
		"Hz\ndone\n");
	samples_fact_int(c, attempt, 1, "load.cold_ns", 84213000);
	samples_fact_int(c, attempt, 2, "load.warm_ns", 61950000);
	samples_fact_int(c, attempt, 3, "first.inference_ns", 12904000);
	samples_fact_int(c, attempt, 4, "memory.rss_peak_bytes", 73400320);
	samples_fact_text(c, attempt, 5, "provider.used", "cpu");
	samples_fact_text(c, attempt, 6, "thermal", "observed");
	samples_fact_text(c, attempt, 7, "runtime.version", "1.27.0");
}
