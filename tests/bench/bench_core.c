/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a step of the core costs: farms of several sizes, each kept busy by devices that run and end what
 * is queued, by submissions that keep the queue at its length, cancels, unplugs, reports and deadlines. A
 * step is farm_step() with the farm_flush() behind it. The farms take turns, so that a slow moment of the
 * machine meets all of them.
 *
 *	bench_core [--short|--growth]
 *
 * --growth: other sizes, one of devices and queue growing over three decades while the other stays.
 * Prints one line for each size, and for the kinds of event that cost most.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exitcode.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "core/farm.h"

#define RUNS_PER_JOB 20
#define TURNS        20    /* of each farm */
#define STEPS        10000 /* of a farm's turn */
#define LOOK_EVERY   1000
#define OPEN_MAX     8192
#define JOBS_MAX     16384

struct size {
	int devices, runs, selectors;
};

/* The first is what the others are compared with. */
static const struct size sizes[] = {
	{10, 100, 10},
	{100, 1000, 100},
	{1000, 10000, 1000},
	{1000, 100000, 1000}, /* the target's */
	/* One grows, the other stays. */
	{10, 1000, 10},
	{1000, 1000, 1000},
	{100, 100, 100},
	{100, 10000, 100},
	{100, 100000, 100},
};

/* LIMIT_DEVICES is no higher. */
static const struct size growth[] = {
	{1, 1000, 1},
	{10, 1000, 10},
	{100, 1000, 100},
	{1000, 1000, 1000},
	{100, 100, 100},
	{100, 10000, 100},
	{100, 100000, 100},
};

#define N_SIZES  ((int)(sizeof(sizes) / sizeof(sizes[0])))
#define N_GROWTH ((int)(sizeof(growth) / sizeof(growth[0])))

struct costs {
	int32_t *ns;
	int n, cap;
};

struct bench {
	struct size size;
	uint64_t rng;
	struct farm *farm;
	struct now now;
	struct farm_out out;
	struct farm_action open[OPEN_MAX]; /* to be answered */
	int n_open;
	int64_t running[OPEN_MAX], ended[OPEN_MAX]; /* attempts */
	int n_running, n_ended;
	int64_t jobs[JOBS_MAX]; /* the newest that were taken, a ring */
	int n_jobs;
	int64_t handle; /* the newest; device number = handle % devices */
	int *no_of;     /* by handle - 1, cap_handles of them */
	int64_t *handle_of;
	int64_t key;
	int64_t queued, looked; /* runs, as they were when somebody looked; things since */
	bool measuring;
	struct costs all, kinds[FARM_EVENT_KINDS];
};

static const char *const kind_names[FARM_EVENT_KINDS] = {"boot", "deadline", "arrival",
	"unplugging", "need", "admin", "action done", "agent lost", "status", "end of an attempt",
	"attempt stored", "submission", "cancel", "retry", "reservation", "extension", "release",
	"note"};

static uint64_t next(struct bench *b)
{
	b->rng = b->rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return b->rng >> 33;
}

/* ---- a step ---- */

static void cost_add(struct costs *c, int64_t ns)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 1024;
		c->ns = mem_realloc(c->ns, c->cap, sizeof(*c->ns));
	}
	c->ns[c->n++] = ns < INT32_MAX ? ns : INT32_MAX;
}

/* What this thread used: that others were given the processor meanwhile is not the core's cost. */
static int64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void put(void *arg, const struct row_table *t, const void *row)
{
	(void)arg, (void)t, (void)row;
}

static void del(void *arg, const struct row_table *t, int64_t id)
{
	(void)arg, (void)t, (void)id;
}

static void take(struct bench *b)
{
	for (int i = 0; i < b->out.n_actions; i++) {
		const struct farm_action *a = &b->out.actions[i];

		if (a->cancel)
			continue;
		assert(b->n_open < OPEN_MAX);
		b->open[b->n_open++] = *a;
	}
	for (int i = 0; i < b->out.n_answers; i++)
		if (b->out.answers[i].token == FARM_JOB_SUBMIT && !b->out.answers[i].rc)
			b->jobs[b->n_jobs++ % JOBS_MAX] = b->out.answers[i].id;
	farm_out_clear(&b->out);
}

static void step(struct bench *b, const struct farm_event *ev)
{
	int64_t began = processor_ns(), ns;

	farm_step(b->farm, ev, b->now, &b->out);
	farm_flush(b->farm, put, del, NULL);
	ns = processor_ns() - began;
	if (b->measuring) {
		cost_add(&b->all, ns);
		cost_add(&b->kinds[ev->kind], ns);
	}
	take(b);
}

/* ---- devices ---- */

static void arrive(struct bench *b, int no)
{
	b->handle++;
	if ((b->handle & (b->handle - 1)) == 0)
		b->no_of = mem_realloc(b->no_of, 2 * b->handle, sizeof(*b->no_of));
	b->no_of[b->handle] = no;
	b->handle_of[no] = b->handle;
	step(b, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
			.u.arrived = {.handle = b->handle, .driver = "fake", .where = "usb 1-1"}});
}

static void identity(const struct bench *b, int no, struct farm_identity *ret_id)
{
	static const char *const keys[] = {"abi", "android", "brand", "cores", "ram", "soc"};

	*ret_id = (struct farm_identity){.can_collect = true};
	snprintf(ret_id->key, sizeof(ret_id->key), "fake:%d", no);
	snprintf(ret_id->name, sizeof(ret_id->name), "phone-%d", no);
	snprintf(ret_id->model, sizeof(ret_id->model), "m%d", no / 10);
	for (int i = 0; i < 6; i++) {
		struct farm_attr *a = &ret_id->attrs[ret_id->n_attrs++];

		snprintf(a->key, sizeof(a->key), "%s", keys[i]);
		snprintf(a->value, sizeof(a->value), "%s-%d", keys[i], no % (i + 2));
	}
	snprintf(ret_id->attrs[ret_id->n_attrs].key, LIMIT_NAME, "shelf");
	snprintf(ret_id->attrs[ret_id->n_attrs++].value, LIMIT_VALUE, "s%d", no / 10);
	(void)b;
}

static void answer(struct bench *b, int i, int rc)
{
	struct farm_action a = b->open[i];
	struct farm_identity id;
	struct farm_agent agent = {.uuid = "uuid"};
	struct farm_judged judged = {.verdict = VERDICT_PASS, .exit_code = EXIT_PASS};
	struct farm_event ev = {
		.kind = FARM_ACTION_DONE, .u.done = {.action = a.id, .rc = rc, .text = ""}};

	b->open[i] = b->open[--b->n_open];
	if (a.kind == ACTION_IDENTIFY && !rc) {
		identity(b, b->no_of[a.handle], &id);
		ev.u.done.identity = &id;
	}
	if (a.kind == ACTION_PREPARE && !rc)
		ev.u.done.agent = &agent;
	if (a.kind == ACTION_JUDGE)
		ev.u.done.judged = &judged;
	if (a.kind == ACTION_START && !rc) {
		assert(b->n_running < OPEN_MAX);
		b->running[b->n_running++] = a.attempt;
	}
	step(b, &ev);
}

static void unplug_and_plug_in(struct bench *b)
{
	int no = next(b) % b->size.devices;
	int64_t handle = b->handle_of[no];

	for (int i = 0; i < b->n_open; i++)
		if (b->open[i].handle == handle && b->open[i].kind != ACTION_JUDGE) {
			answer(b, i, -1);
			i = -1;
		}
	step(b, &(struct farm_event){.kind = FARM_DEVICE_GONE,
			.u.gone = {.handle = handle, .text = "unplugged"}});
	arrive(b, no);
}

/* ---- jobs ---- */

static void submit_text(struct bench *b, const char *select, int variants, const char *count)
{
	char text[8192], key[32], sha[LIMIT_SHA256];
	struct farm_event ev = {.kind = FARM_JOB_SUBMIT, .token = FARM_JOB_SUBMIT, .actor = "ci"};
	int n;

	n = snprintf(text, sizeof(text),
		"{\"schema\": \"framefarm.job/1\", \"name\": \"job\", \"priority\": %d, \"model\": "
		"{\"name\": \"m\", \"variants\": [",
		(int)(next(b) % 3));
	for (int v = 0; v < variants; v++)
		n += snprintf(text + n, sizeof(text) - n,
			"%s{\"name\": \"v%d\", \"file\": {\"sha256\": \"%064d\", \"bytes\": 10, "
			"\"name\": \"m\"}}",
			v ? ", " : "", v, v);
	n += snprintf(text + n, sizeof(text) - n,
		"]}, \"devices\": {\"select\": %s, \"count\": %s}}", select, count);
	hash_bytes(text, n, sha);
	snprintf(key, sizeof(key), "key-%lld", (long long)++b->key);
	ev.u.submit.spec = rstr_new(text, n);
	ev.u.submit.spec_sha256 = sha;
	ev.u.submit.idempotency_key = key;
	step(b, &ev);
	rstr_unref(ev.u.submit.spec);
	b->queued += RUNS_PER_JOB;
}

/* One job in ten is for five phones of a shelf, the others are for one phone. */
static void submit(struct bench *b)
{
	char select[128];
	int no = next(b) % b->size.selectors;

	if (no % 10 == 0) {
		snprintf(select, sizeof(select), "{\"shelf\": \"s%d\"}", no / 10);
		submit_text(b, select, RUNS_PER_JOB / 5, "5");
	} else {
		snprintf(select, sizeof(select), "{\"name\": \"phone-%d\"}", no);
		submit_text(b, select, RUNS_PER_JOB, "1");
	}
}

static void cancel(struct bench *b)
{
	int64_t job = b->jobs[next(b) % (b->n_jobs < JOBS_MAX ? b->n_jobs : JOBS_MAX)];

	if (farm_job(b->farm, job))
		step(b, &(struct farm_event){.kind = FARM_JOB_CANCEL,
				.token = 1,
				.actor = "ada",
				.u.cancel = {.job = job, .reason = "no longer"}});
}

/* Counting is no step. */
static int64_t queued_runs(const struct bench *b)
{
	struct farm_counts counts;

	farm_get_counts(b->farm, &counts);
	return counts.queued_runs;
}

/* ---- life ---- */

static int64_t remove_any(struct bench *b, int64_t *list, int *n)
{
	int i = next(b) % *n;
	int64_t id = list[i];

	list[i] = list[--*n];
	return id;
}

static void end_one(struct bench *b)
{
	int64_t attempt = remove_any(b, b->running, &b->n_running);

	step(b, &(struct farm_event){.kind = FARM_AGENT_END,
			.u.end = {.attempt = attempt, .means = FARM_OUTCOME_RESULT, .cause = ""}});
	if (farm_attempt(b->farm, attempt))
		b->ended[b->n_ended++] = attempt;
}

static void report(struct bench *b)
{
	int64_t device = 1 + next(b) % b->size.devices;

	step(b, &(struct farm_event){.kind = FARM_AGENT_STATUS,
			.u.status = {
				.device = device, .thermal_known = true, .hottest_mc = 30000}});
}

static void one_thing(struct bench *b)
{
	int what = next(b) % 1000;

	b->now.mono_ms++;
	b->now.wall_ms++;
	if (b->looked++ % LOOK_EVERY == 0)
		b->queued = queued_runs(b);
	if (farm_next_deadline(b->farm) <= b->now.mono_ms)
		step(b, &(struct farm_event){.kind = FARM_TIME});
	else if (b->queued < b->size.runs)
		submit(b);
	else if (what < 2)
		cancel(b);
	else if (what < 4)
		unplug_and_plug_in(b);
	else if (what < 300)
		report(b);
	else if (b->n_ended && what < 500)
		step(b, &(struct farm_event){.kind = FARM_ATTEMPT_STORED,
				.u.stored.attempt = remove_any(b, b->ended, &b->n_ended)});
	else if (b->n_running && what < 600)
		end_one(b);
	else if (b->n_open)
		answer(b, next(b) % b->n_open, 0);
	else
		report(b);
}

static struct bench *idle(struct size size)
{
	struct bench *b = mem_zalloc(sizeof(*b));
	struct farm_config cfg;

	farm_config_default(&cfg);
	*b = (struct bench){.size = size, .rng = 1, .now = {1000, 1700000000000}};
	b->handle_of = mem_zalloc(size.devices * sizeof(*b->handle_of));
	b->farm = farm_new(&cfg);
	farm_out_init(&b->out);
	step(b, &(struct farm_event){.kind = FARM_BOOT});
	for (int no = 0; no < size.devices; no++)
		arrive(b, no);
	while (b->n_open)
		answer(b, b->n_open - 1, 0);
	return b;
}

static struct bench *begin(struct size size)
{
	struct bench *b = idle(size);

	while (b->queued < size.runs)
		submit(b);
	/* Until the devices are spread over all that they do. */
	for (int i = 0; i < 20 * size.devices; i++)
		one_thing(b);
	b->measuring = true;
	return b;
}

static void end(struct bench *b)
{
	farm_out_fini(&b->out);
	farm_free(b->farm);
	for (int k = 0; k < FARM_EVENT_KINDS; k++)
		mem_free(b->kinds[k].ns);
	mem_free(b->all.ns);
	mem_free(b->no_of);
	mem_free(b->handle_of);
	mem_free(b);
}

/* ---- what it cost ---- */

static int by_ns(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank; sorts. */
static double us(struct costs *c, double p)
{
	int i = (int)(p * c->n + 0.999999) - 1;

	qsort(c->ns, c->n, sizeof(*c->ns), by_ns);
	return c->ns[i < 0 ? 0 : i] / 1000.0;
}

static double mean_us(const struct costs *c)
{
	double sum = 0;

	for (int i = 0; i < c->n; i++)
		sum += c->ns[i];
	return c->n ? sum / c->n / 1000 : 0;
}

/*
 * What a step costs on average when kinds of event come as often as in the farm `mix`: a small farm's own
 * mix has fewer of the dear ones. Kinds that only one of the two had are left out of both.
 */
static double mix_us(const struct bench *b, const struct bench *mix, const struct bench *other)
{
	double sum = 0;
	int n = 0;

	for (int k = 0; k < FARM_EVENT_KINDS; k++) {
		if (!b->kinds[k].n || !other->kinds[k].n)
			continue;
		sum += mix->kinds[k].n * mean_us(&b->kinds[k]);
		n += mix->kinds[k].n;
	}
	return sum / n;
}

static void tell(struct bench *b, const struct bench *least)
{
	double same = mix_us(b, b, least), bare = mix_us(least, b, b);

	printf("%d devices, %d queued runs, %d selectors: p50 %.1f us, p99 %.1f us, worst %.1f us "
	       "of %d steps; "
	       "the same mix %.2f us, %.2f us in the least farm (ratio %.2f)\n",
		b->size.devices, b->size.runs, b->size.selectors, us(&b->all, 0.5),
		us(&b->all, 0.99), us(&b->all, 1), b->all.n, same, bare, same / bare);
	for (int k = 0; k < FARM_EVENT_KINDS; k++)
		if (b->kinds[k].n)
			printf("    %-18s %7d steps, p50 %8.1f us, p99 %8.1f us, worst %8.1f us\n",
				kind_names[k], b->kinds[k].n, us(&b->kinds[k], 0.5),
				us(&b->kinds[k], 0.99), us(&b->kinds[k], 1));
}

/* One job for everything that lies on the shelves: all its slots are given out in one step. */
static void tell_job_for_all(int devices)
{
	struct bench *b = idle((struct size){devices, 0, 1});

	b->measuring = true;
	submit_text(b, "{}", 1, "\"all\"");
	assert(b->n_open == devices);
	printf("one job for all of %d idle devices: %.2f ms\n", devices,
		us(&b->kinds[FARM_JOB_SUBMIT], 1) / 1000);
	end(b);
}

int main(int argc, char **argv)
{
	struct bench *farms[N_SIZES];
	bool brief = argc > 1 && !strcmp(argv[1], "--short");
	bool grows = argc > 1 && !strcmp(argv[1], "--growth");
	int n = brief ? 2 : grows ? N_GROWTH : N_SIZES, steps = brief ? 200 : STEPS;

	for (int i = 0; i < n; i++)
		farms[i] = begin(grows ? growth[i] : sizes[i]);
	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i < n; i++)
			for (int s = 0; s < steps; s++)
				one_thing(farms[i]);
	for (int i = 0; i < n; i++)
		tell(farms[i], farms[0]);
	for (int i = 0; i < n; i++)
		end(farms[i]);
	for (int devices = 10; devices <= (brief ? 100 : 1000); devices *= 10)
		tell_job_for_all(devices);
	return 0;
}
