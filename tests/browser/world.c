/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, jobs and runs of the made-up farm; see world.h. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/plan.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/upkeep.h"
#include "support_ctl.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define HOUR_MS  3600000LL

static struct rstr *text_of(const char *s)
{
	return rstr_new(s, strlen(s));
}

/* ---- devices ---- */

static const struct {
	const char *name, *model, *os, *attrs, *need;
	int state;
	bool is_virtual;
	const char *place, *detached_by;
} phones[] = {
	{"local", "AMD EPYC 7763", "Debian GNU/Linux 12 (bookworm), Linux 6.1.0",
		"{\"cpu.cores\": \"8\", \"ram_mb\": \"15990\"}", "", DEVICE_READY, false},
	{"pixel-8-1f3a", "Pixel 8", "Android 15 (AP4A.250205.002)",
		"{\"soc\": \"Tensor G3\", \"display.hz\": \"120\"}", "", DEVICE_BUSY, false},
	{"pixel-4a-77c0", "Pixel 4a", "Android 13", "{\"soc\": \"SM7150\"}", "", DEVICE_COOLING,
		false},
	{"galaxy-a14", "SM-A145R", "Android 14", "{\"soc\": \"Exynos 850\"}",
		"USB debugging is not authorised: unlock the phone and accept this computer's key",
		DEVICE_NEEDS_HUMAN, false},
	{"virtual-pixel-6", "Pixel 6 (virtual)", "Android 14", "{\"soc\": \"model\"}", "",
		DEVICE_READY, true},
	{"<img src=x onerror=alert(1)>", "\"><script>alert(2)</script>", "</td><h1>Android</h1>",
		"{\"<b>soc</b>\": \"<script>alert(3)</script>\"}",
		"battery at 4 %: <a href=javascript:alert(4)>charge it</a>", DEVICE_QUARANTINED,
		false},
	{"pixel-7-02bd", "Pixel 7", "Android 15", "{}",
		"detached by ada; `framefarm device attach pixel-7-02bd` takes it back",
		DEVICE_NEEDS_HUMAN, false, "usb 1-4.2", "ada"},
};

static void put_device(struct ctl *c, int i)
{
	struct device_row d = {.id = i + 1,
		.driver = "adb",
		.abi = "aarch64",
		.state = phones[i].state,
		.link = phones[i].state == DEVICE_NEEDS_HUMAN ? LINK_DOWN : LINK_UP,
		.is_virtual = phones[i].is_virtual,
		.failures = phones[i].state == DEVICE_QUARANTINED ? 3 : 0,
		.first_seen_ms = clock_wall_ms() - 90 * 24 * HOUR_MS,
		.last_seen_ms = clock_wall_ms() - i * 1000,
		.state_ms = clock_wall_ms() - (i + 1) * 7 * 60000};

	snprintf(d.key, sizeof(d.key), "adb:%d", i + 1);
	str_copy(d.name, sizeof(d.name), phones[i].name);
	str_copy(d.model, sizeof(d.model), phones[i].model);
	str_copy(d.os, sizeof(d.os), phones[i].os);
	str_copy(d.need, sizeof(d.need), phones[i].need);
	str_copy(d.place, sizeof(d.place), phones[i].place ? phones[i].place : "");
	str_copy(d.detached_by, sizeof(d.detached_by),
		phones[i].detached_by ? phones[i].detached_by : "");
	if (!i)
		str_copy(d.driver, sizeof(d.driver), "local");
	d.attrs = text_of(phones[i].attrs);
	d.counters = text_of("[{\"name\": \"thermal.soc\", \"unit\": \"mC\", \"available\": true,"
			     " \"source\": \"/sys/class/thermal/thermal_zone0/temp\"},"
			     " {\"name\": \"power.battery.current_now\", \"unit\": \"uA\","
			     " \"available\": false, \"error\": \"Permission denied\","
			     " \"source\": \"/sys/class/power_supply/battery/current_now\"}]");
	fake_put(c, &device_table, &d);
	rstr_unref(d.attrs);
	rstr_unref(d.counters);
}

/* ---- results ---- */

struct finding {
	int64_t device;
	const char *model, *variant;
	int verdict;     /* enum verdict */
	double p50, p99; /* ms of the paced block */
	int over;        /* of 3600 */
	double lower, upper;
};

static const char *verdict_word(int v)
{
	return v == VERDICT_PASS ? "PASS" : v == VERDICT_FAIL ? "FAIL" : "INCONCLUSIVE";
}

static struct rstr *result_of(const struct finding *o)
{
	char reason[256], *text;
	struct rstr *out;

	if (o->verdict == VERDICT_INCONCLUSIVE)
		snprintf(reason, sizeof(reason),
			"p99 is between %.2f and %.2f ms, and the budget is 16.00 ms", o->lower,
			o->upper);
	else
		snprintf(reason, sizeof(reason), "the %s bound %.2f ms of p99 is %s 16.00 ms",
			o->verdict == VERDICT_PASS ? "upper" : "lower",
			o->verdict == VERDICT_PASS ? o->upper : o->lower,
			o->verdict == VERDICT_PASS ? "within" : "over");
	text = mem_printf(
		"{\"schema\": \"framefarm.result/1\", \"model\": \"%s\", \"variant\": \"%s\","
		" \"verdict\": \"%s\", \"exit_code\": %d,"
		" \"text\": \"n=3600, over=%d, tau=3.8, n_eff=947; %s because %s\","
		" \"gates\": [{\"name\": \"execution\", \"verdict\": \"pass\", \"void\": false,"
		"  \"text\": \"the runner ended by itself\"},"
		"  {\"name\": \"golden\", \"verdict\": \"pass\", \"void\": false, \"cases\": 4,"
		"  \"cosine_min\": 0.999998, \"text\": \"4 cases: cosine >= 0.999998, SQNR >= 71.3 "
		"dB\"},"
		"  {\"name\": \"budget\", \"verdict\": \"%s\", \"void\": false,"
		"  \"text\": \"n=3600, over=%d, tau=3.8, n_eff=947; %s because %s\","
		"  \"budget_ns\": 16000000, \"percentile\": 0.99, \"percentile_method\": "
		"\"nearest_rank\","
		"  \"value_ns\": %.0f, \"lower_ns\": %.0f, \"upper_ns\": %.0f, \"confidence\": "
		"0.95,"
		"  \"n\": 3600, \"over\": %d, \"skipped\": 12, \"tau\": 3.8, \"n_eff\": 947, "
		"\"rounds\": 1}],"
		" \"metrics\": {\"paced\": {\"n\": 3600, \"p50_ns\": %.0f, \"p90_ns\": %.0f,"
		"  \"p99_ns\": %.0f, \"min_ns\": %.0f, \"max_ns\": %.0f, \"mean_ns\": %.0f,"
		"  \"sd_ns\": 812345, \"cv\": 0.07, \"over\": %d, \"over_percent\": %.2f,"
		"  \"longest_streak\": %d},"
		"  \"back_to_back\": {\"n\": 2114, \"p50_ns\": %.0f, \"p90_ns\": %.0f, \"p99_ns\": "
		"%.0f,"
		"  \"min_ns\": %.0f, \"max_ns\": %.0f, \"mean_ns\": %.0f, \"sd_ns\": 412345,"
		"  \"over\": 0, \"over_percent\": 0, \"longest_streak\": 0},"
		"  \"load_cold_ns\": 84213000, \"load_warm_ns\": 61950000, \"first_ns\": 12904000,"
		"  \"rss_peak_bytes\": 73400320},"
		" \"provider\": {\"requested\": \"cpu\", \"used\": \"cpu\", \"fallback\": \"\","
		"  \"nodes\": {\"cpu\": 28}, \"runtime\": \"1.27.0\"},"
		" \"environment\": {\"thermal\": \"observed\", \"thermal_gate\": \"passed\","
		"  \"labels\": [%s]},"
		" \"rounds\": [{\"round\": 1, \"attempt\": 1, \"n\": 3600, \"p99_ns\": %.0f,"
		"  \"over\": %d}]}",
		o->model, o->variant, verdict_name(o->verdict), o->verdict == VERDICT_PASS ? 0 : 10,
		o->over, verdict_word(o->verdict), reason, verdict_name(o->verdict), o->over,
		verdict_word(o->verdict), reason, o->p99 * 1e6, o->lower * 1e6, o->upper * 1e6,
		o->over, o->p50 * 1e6, (o->p50 + o->p99) / 2 * 1e6, o->p99 * 1e6, o->p50 * 0.93e6,
		o->p99 * 1.21e6, o->p50 * 1.02e6, o->over, o->over / 36.0,
		o->over ? o->over / 2 + 1 : 0, o->p50 * 0.99e6, o->p50 * 1.03e6, o->p50 * 1.1e6,
		o->p50 * 0.93e6, o->p50 * 1.3e6, o->p50 * 1e6, o->p99 > 16 ? "\"charging\"" : "",
		o->p99 * 1e6, o->over);
	out = text_of(text);
	mem_free(text);
	return out;
}

/* ---- jobs and runs ---- */

static struct rstr *spec_of(const char *model)
{
	char spec[512];

	snprintf(spec, sizeof(spec),
		"{\"schema\": \"framefarm.job/1\", \"name\": \"nightly\", \"model\": {\"name\": "
		"\"%s\"}}",
		model);
	return text_of(spec);
}

static void put_job(struct ctl *c, int64_t id, const char *name, const char *model, int state,
	int verdict, int64_t at_ms)
{
	struct job_row j = {.id = id,
		.state = state,
		.verdict = verdict,
		.exit_code = state == JOB_RUNNING      ? -1
	                     : verdict == VERDICT_FAIL ? 10
	                                               : 0,
		.actor = "admin",
		.branch = "main",
		.n_runs = 1,
		.n_ended = state != JOB_RUNNING,
		.submitted_ms = at_ms,
		.started_ms = at_ms + 2000,
		.ended_ms = state == JOB_RUNNING ? 0 : at_ms + 95000};

	str_copy(j.name, sizeof(j.name), name);
	snprintf(j.commit_id, sizeof(j.commit_id), "%07" PRIx64, id * 2654435761u % 0xfffffff);
	j.labels = text_of("{\"team\": \"vision\"}");
	j.spec = spec_of(model);
	fake_put(c, &job_table, &j);
	rstr_unref(j.labels);
	rstr_unref(j.spec);
}

static void put_attempt(struct ctl *c, int64_t id, int64_t device, int64_t at_ms, bool counted,
	int outcome, const char *cause)
{
	struct attempt_row a = {.id = counted ? id : id - 500,
		.run = id,
		.job = id,
		.device = device,
		.round = 1,
		.state = ATTEMPT_DONE,
		.outcome = outcome,
		.failure = outcome == OUTCOME_OK ? FAILURE_NONE : FAILURE_INFRASTRUCTURE,
		.counted = counted,
		.created_ms = at_ms + 2000,
		.started_ms = at_ms + 3000,
		.ended_ms = at_ms + 94000};

	str_copy(a.cause, sizeof(a.cause), cause);
	a.record = text_of(
		"{\"model_sha256\": \"5f3c9e\", \"context\": \"shell\","
		" \"charge_class\": \"charging\", \"protections\": \"no_new_privs,rlimits\"}");
	fake_put(c, &attempt_table, &a);
	rstr_unref(a.record);
}

static void put_judged(struct ctl *c, int64_t id, const struct finding *o, int64_t at_ms)
{
	struct run_row r = {.id = id,
		.job = id,
		.device = o->device,
		.state = RUN_COMPLETED,
		.verdict = o->verdict,
		.exit_code = o->verdict == VERDICT_PASS ? 0 : 10,
		.round = 1,
		.attempts = 1,
		.queued_ms = at_ms,
		.started_ms = at_ms + 2000,
		.ended_ms = at_ms + 95000};

	put_job(c, id, "nightly", o->model, JOB_COMPLETED, o->verdict, at_ms);
	str_copy(r.variant_name, sizeof(r.variant_name), o->variant);
	r.result = result_of(o);
	fake_put(c, &run_table, &r);
	rstr_unref(r.result);
	put_attempt(c, id, o->device, at_ms, true, OUTCOME_OK, "");
}

static void put_unjudged(struct ctl *c, int64_t id, int64_t device, const char *model,
	const char *variant, int state, const char *cause, int64_t at_ms)
{
	struct run_row r = {.id = id,
		.job = id,
		.device = device,
		.state = state,
		.failure = state == RUN_ERRORED     ? FAILURE_INFRASTRUCTURE
	                   : state == RUN_CANCELLED ? FAILURE_CANCELLED
	                                            : FAILURE_NONE,
		.exit_code = state == RUN_ERRORED ? 20 : -1,
		.round = 1,
		.attempts = state != RUN_QUEUED,
		.queued_ms = at_ms,
		.started_ms = state == RUN_QUEUED ? 0 : at_ms + 2000,
		.ended_ms = state >= RUN_COMPLETED ? at_ms + 30000 : 0};

	put_job(c, id, "pr-1207", model,
		state == RUN_ERRORED     ? JOB_ERRORED
		: state == RUN_CANCELLED ? JOB_CANCELLED
					 : JOB_RUNNING,
		VERDICT_NONE, at_ms);
	str_copy(r.variant_name, sizeof(r.variant_name), variant);
	str_copy(r.cause, sizeof(r.cause), cause);
	fake_put(c, &run_table, &r);
}

static const struct finding first[] = {
	{2, "mobilenet-v2-1.0-224", "fp32", VERDICT_FAIL, 11.62, 21.84, 1214, 21.40, 22.31},
	{2, "mobilenet-v2-1.0-224", "int8", VERDICT_PASS, 7.61, 9.43, 3, 9.20, 9.88},
	{6, "mobilenet-v1-0.25-224", "fp32", VERDICT_FAIL, 15.20, 18.02, 402, 17.71, 18.40},
};

static const char *const models[][2] = {
	{"mobilenet-v2-1.0-224", "fp32"},
	{"mobilenet-v2-1.0-224", "int8"},
	{"mobilenet-v1-0.25-224", "fp32"},
	{"tiny-transformer-128", "fp32"},
	{"mlp-tiny", "fp32"},
};

/* Median in ms of each model on each phone; 0: not run there. */
static const double medians[COUNT(models)][5] = {
	{6.1, 11.6, 24.9, 0, 13.0},
	{3.9, 7.6, 14.1, 0, 8.8},
	{1.2, 2.9, 5.3, 0, 3.1},
	{9.8, 14.1, 31.0, 0, 15.2},
	{0.1, 0.2, 0.4, 0, 0.2},
};

static void put_history(struct ctl *c)
{
	int64_t id = 1, now = clock_wall_ms();

	for (int day = 9; day >= 0; day--)
		for (int m = 0; m < COUNT(models); m++)
			for (int d = 0; d < 5; d++) {
				double p50 =
					medians[m][d] * (1 + 0.01 * ((day * 7 + m * 3 + d) % 5));
				double p99 = p50 * (1.1 + 0.04 * ((day + d) % 4));
				struct finding o = {d + 1, models[m][0], models[m][1], VERDICT_PASS,
					p50, p99, 0, p99 * 0.98, p99 * 1.03};

				if (!p50)
					continue;
				o.verdict = o.lower > 16   ? VERDICT_FAIL
				            : o.upper > 16 ? VERDICT_INCONCLUSIVE
				                           : VERDICT_PASS;
				o.over = o.verdict == VERDICT_PASS ? 2 : (int)(p99 * 40);
				put_judged(c, id++, &o, now - day * 24 * HOUR_MS - HOUR_MS * m);
			}
}

void world_seed(struct ctl *c)
{
	int64_t now = clock_wall_ms();

	for (int i = 0; i < COUNT(phones); i++)
		put_device(c, i);
	put_history(c);
	for (int i = 0; i < COUNT(first); i++)
		put_judged(c, WORLD_RUN_HOT + i, &first[i], now - 20 * 60000 + i * 60000);
	put_attempt(c, WORLD_RUN_HOT, 2, now - 25 * 60000, false, OUTCOME_INTERRUPTED,
		"the phone went away in the middle (cable); repeated");
	world_samples(c, WORLD_RUN_HOT, 1.0, 12345);
	world_samples(c, WORLD_RUN_COOL, 0.15, 54321);
	world_samples(c, WORLD_RUN_HOSTILE, 0.7, 777);
	put_unjudged(c, WORLD_RUN_LIVE, 2, "mobilenet-v1-0.25-224", "fp32", RUN_RUNNING, "",
		now - 60000);
	put_unjudged(c, 905, 0, "tiny-transformer-128", "fp32", RUN_QUEUED, "", now - 50000);
	put_unjudged(c, 906, 3, "tiny-transformer-128", "fp32", RUN_ERRORED,
		"the agent did not answer for 90 s and could not be started again; the cable of "
		"pixel-4a-77c0 was replugged twice",
		now - 3 * HOUR_MS);
	put_unjudged(c, 907, 2, "mlp-tiny", "fp32", RUN_CANCELLED,
		"cancelled by admin: wrong branch", now - 4 * HOUR_MS);
	for (int64_t i = WORLD_RUN_HOT; i < WORLD_RUN_LIVE; i++)
		fake_event(c, "run", i, i, "running", "completed");
}

void world_progress(struct ctl *c, int permille)
{
	const struct ctl_progress p = {.job = WORLD_RUN_LIVE,
		.run = WORLD_RUN_LIVE,
		.attempt = WORLD_RUN_LIVE,
		.device = 2,
		.phase = phase_name(PHASE_PACED),
		.permille = permille,
		.iterations = permille * 4,
		.over_budget = permille / 50,
		.thermal_known = true,
		.hottest_mc = 41000 + permille * 10};

	fake_progress(c, &p);
}

void world_finish(struct ctl *c)
{
	static const struct finding o = {
		2, "mobilenet-v1-0.25-224", "fp32", VERDICT_PASS, 2.93, 3.61, 0, 3.50, 3.80};

	put_judged(c, WORLD_RUN_LIVE, &o, clock_wall_ms() - 90000);
	fake_event(c, "run", WORLD_RUN_LIVE, WORLD_RUN_LIVE, "running", "completed");
}

void world_age(struct ctl *c, bool all)
{
	struct upkeep_done d;
	struct err e = {0};

	do
		if (upkeep_remove(ctl_store(c), WORLD_RUN_COOL, all ? UPKEEP_ROLLUPS : UPKEEP_RAW,
			    clock_wall_ms(), &d, &e))
			abort();
	while (d.more);
}
