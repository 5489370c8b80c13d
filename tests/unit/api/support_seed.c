/* SPDX-License-Identifier: Apache-2.0 */
/* Canned data of the API's tests: see support.h. */
#include <inttypes.h>

#include "support.h"
#include "support_samples.h"

#include "agents/msg.h"
#include "agents/plan.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"

#define PACED_HZ 60
#define PACED_N  600 /* ten seconds; the last hundred are slow */

static const char result_text[] =
	"{\"schema\": \"framefarm.result/1\", \"verdict\": \"fail\", \"exit_code\": 10,"
	" \"text\": \"FAIL because the lower bound 17.00 ms of p99 is over 16.00 ms\","
	" \"gates\": [{\"name\": \"budget\", \"verdict\": \"fail\", \"text\": \"n=600, over=100\","
	"  \"budget_ns\": 16000000, \"percentile\": 0.99, \"value_ns\": 17000000,"
	"  \"lower_ns\": 17000000, \"upper_ns\": 17000000, \"n\": 600, \"over\": 100,"
	"  \"skipped\": 3}],"
	" \"metrics\": {\"paced\": {\"n\": 600, \"p50_ns\": 9000000, \"p90_ns\": 17000000,"
	"  \"p99_ns\": 17000000, \"over\": 100, \"over_percent\": 16.7, \"longest_streak\": 100}},"
	" \"environment\": {\"thermal\": \"observed\", \"labels\": [\"charging\"]}}";

static struct rstr *text_of(const char *s)
{
	return rstr_new(s, strlen(s));
}

const char *seed_spec(const char *name)
{
	static char spec[1024];

	snprintf(spec, sizeof(spec),
		"{\"schema\": \"framefarm.job/1\", \"name\": \"%s\",\n"
		" \"model\": {\"name\": \"mobilenet\", \"variants\": [{\"name\": \"fp32\",\n"
		"  \"file\": {\"sha256\": \"%s\", \"bytes\": 1000, \"name\": \"m.onnx\"}}]},\n"
		" \"devices\": {\"select\": {\"kind\": \"local\"}}}\n",
		name, SHA_MODEL);
	return spec;
}

static void put_device(struct ctl *c)
{
	struct device_row d = {.id = 1,
		.key = "local:1",
		.driver = "local",
		.name = "bench<b>1</b>",
		.model = "Test Phone",
		.abi = "aarch64",
		.state = DEVICE_QUARANTINED,
		.link = LINK_UP,
		.need = "fan is stuck",
		.failures = 3,
		.first_seen_ms = 1700000000000};

	d.attrs = text_of("{\"cpu.cores\": \"8\"}");
	d.counters = text_of("[{\"name\": \"thermal.soc\", \"available\": true}]");
	fake_put(c, &device_table, &d);
	rstr_unref(d.attrs);
	rstr_unref(d.counters);
}

static void put_job(struct ctl *c, int64_t id, int64_t state, const char *name)
{
	struct job_row j = {.id = id,
		.state = state,
		.verdict = state == JOB_COMPLETED ? VERDICT_FAIL : VERDICT_NONE,
		.exit_code = state == JOB_COMPLETED ? 10 : -1,
		.actor = "admin",
		.branch = "main",
		.commit_id = "c0ffee",
		.n_runs = 1,
		.n_ended = state == JOB_COMPLETED,
		.submitted_ms = 1700000000000 + id * 1000};

	str_copy(j.name, sizeof(j.name), name);
	j.ended_ms = state >= JOB_COMPLETED ? j.submitted_ms + 90000 : 0;
	j.labels = text_of("{\"team\": \"vision\"}");
	j.spec = text_of(seed_spec(name));
	snprintf(j.idempotency_key, sizeof(j.idempotency_key), "seed-%" PRId64, id);
	fake_put(c, &job_table, &j);
	rstr_unref(j.labels);
	rstr_unref(j.spec);
}

static void put_run(struct ctl *c, int64_t id, int64_t job, bool judged)
{
	struct run_row r = {.id = id,
		.job = job,
		.device = 1,
		.state = judged ? RUN_COMPLETED : RUN_RUNNING,
		.verdict = judged ? VERDICT_FAIL : VERDICT_NONE,
		.exit_code = judged ? 10 : -1,
		.round = 1,
		.attempts = 1,
		.variant_name = "fp32",
		.queued_ms = 1700000000000 + id * 1000};

	r.result = judged ? text_of(result_text) : NULL;
	fake_put(c, &run_table, &r);
	rstr_unref(r.result);
}

static void put_attempt(struct ctl *c, int64_t id, int64_t run, int64_t job)
{
	struct attempt_row a = {.id = id,
		.run = run,
		.job = job,
		.device = 1,
		.round = 1,
		.state = ATTEMPT_DONE,
		.outcome = OUTCOME_OK,
		.counted = 1,
		.created_ms = 1700000001000};

	a.record = text_of("{\"os\": \"Linux\"}");
	fake_put(c, &attempt_table, &a);
	rstr_unref(a.record);
}

static void put_paced(struct ctl *c)
{
	const struct samples s = {.attempt = 1,
		.stream = 3,
		.kind = STREAM_PACED,
		.name = "paced",
		.unit = "ns",
		.budget_ns = 16000000,
		.period_ns = 1000000000 / PACED_HZ};
	int64_t t[PACED_N], v[PACED_N];

	for (int i = 0; i < PACED_N; i++) {
		t[i] = SAMPLES_BOOT_NS + 1000000000LL + i * s.period_ns;
		v[i] = i < 500 ? 9000000 + i : 17000000;
	}
	samples_put(c, &s, t, v, PACED_N);
}

static void put_counter(struct ctl *c)
{
	const struct samples s = {.attempt = 1,
		.stream = 4,
		.kind = STREAM_COUNTER,
		.name = "thermal.soc",
		.unit = "C",
		.scale = 1000};
	int64_t t[120], v[120];

	for (int i = 0; i < 120; i++) {
		t[i] = SAMPLES_BOOT_NS + i * 100000000LL;
		v[i] = 40000 + i * 5;
	}
	samples_put(c, &s, t, v, 120);
}

static void put_marks(struct ctl *c)
{
	const struct samples s = {
		.attempt = 1, .stream = STREAM_ID_MARKS, .kind = STREAM_MARKS, .name = "marks"};
	int64_t t[] = {
		SAMPLES_BOOT_NS, SAMPLES_BOOT_NS + 1000000000LL, SAMPLES_BOOT_NS + 11000000000LL};
	int64_t v[] = {PHASE_WARMUP << 16, PHASE_PACED << 16, PHASE_AFTER << 16};

	samples_put(c, &s, t, v, 3);
}

void seed_one(struct ctl *c)
{
	put_device(c);
	put_job(c, 1, JOB_COMPLETED, "seeded");
	put_run(c, 1, 1, true);
	put_attempt(c, 1, 1, 1);
	put_paced(c);
	put_counter(c);
	put_marks(c);
	samples_text(c, 1, "loading model\nready\n");
	samples_fact_int(c, 1, 1, "load.cold_ns", 123456789);
	samples_fact_text(c, 1, 2, "provider.used", "cpu");
	fake_event(c, "job", 1, 1, "", "queued");
	fake_event(c, "run", 1, 1, "running", "completed");
	fake_event(c, "job", 1, 1, "running", "completed");
	fake_event(c, "device", 1, 0, "ready", "quarantined");
}

void seed_jobs(struct ctl *c, int n)
{
	for (int i = 2; i < 2 + n; i++) {
		put_job(c, i, JOB_RUNNING, "more");
		put_run(c, i, i, false);
	}
}
