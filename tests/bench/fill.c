/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what a daemon has stored after JOBS jobs that ended, through the store itself: for each a job,
 * its run, its attempt, its lease and the events of their changes. The last run has a stream of VALUES
 * paced latencies at 1 kHz, in chunks as an agent seals them, and counters at 10 Hz beside it.
 *
 *	fill DIR JOBS VALUES     DIR is empty or what fill made, and no daemon has it
 *
 * Jobs are added to those that are there; VALUES 0: no samples.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"
#include "store/store.h"

#define JOBS_PER_TXN    200
#define EVENTS_PER_JOB  8
#define CHUNKS_PER_SEND 256
#define COUNTERS        6
#define BEGIN_NS        5000000000000LL /* the device's clock when the attempt begins */
#define PERIOD_NS       1000000LL
#define COUNTER_NS      100000000LL
#define COUNTER_CHUNK   100 /* ten seconds: then a chunk is sealed */
#define FIRST_MS        1700000000000LL
#define JOB_MS          60000

static const char spec_text[] =
	"{\"schema\": \"framefarm.job/1\", \"name\": \"history\", \"model\": {\"name\": "
	"\"mobilenet\", "
	"\"variants\": [{\"name\": \"fp32\", \"file\": {\"sha256\": "
	"\"0000000000000000000000000000000000000000000000000000000000000000\", \"bytes\": 1000, "
	"\"name\": \"m.onnx\"}}]}, \"devices\": {\"select\": {\"kind\": \"local\"}}}";

static const char result_text[] =
	"{\"schema\": \"framefarm.result/1\", \"verdict\": \"pass\", \"exit_code\": 0, \"text\": "
	"\"PASS because the upper bound 9.10 ms of p99 is within 16.00 ms\", \"gates\": "
	"[{\"name\": "
	"\"budget\", \"verdict\": \"pass\", \"text\": \"n=600, over=0\", \"budget_ns\": 16000000, "
	"\"percentile\": 0.99, \"value_ns\": 9000000, \"lower_ns\": 8900000, \"upper_ns\": "
	"9100000, "
	"\"n\": 600, \"over\": 0, \"skipped\": 0}], \"metrics\": {\"paced\": {\"n\": 600, "
	"\"p50_ns\": "
	"8000000, \"p90_ns\": 8500000, \"p99_ns\": 9000000, \"over\": 0, \"over_percent\": 0, "
	"\"longest_streak\": 0}}, \"environment\": {\"thermal\": \"observed\", \"labels\": []}}";

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "fill: %s: %s\n", what, why);
	exit(1);
}

/* ---- waiting for the store ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int rc;
};

static void on_done(void *arg, int rc, const char *text)
{
	struct waiter *w = arg;

	if (rc)
		fprintf(stderr, "fill: %s\n", text);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->rc = rc;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static void send(struct store *s, struct store_batch *b)
{
	struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	int rc = 0;

	store_samples(s, b, on_done, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	for (size_t i = 0; i < store_batch_count(b) && !rc; i++)
		store_batch_mark(b, i, &rc);
	if (w.rc || rc)
		fail("samples", err_name(w.rc ? w.rc : rc));
	store_batch_free(b);
}

/* ---- jobs ---- */

struct texts {
	struct rstr *spec, *result, *empty;
};

static void put_device(struct store_txn *t)
{
	struct device_row d = {.id = 1,
		.key = "bench:1",
		.driver = "adb",
		.name = "phone-1",
		.model = "Phone",
		.abi = "aarch64",
		.state = DEVICE_ABSENT,
		.link = LINK_DOWN,
		.first_seen_ms = FIRST_MS,
		.last_seen_ms = FIRST_MS,
		.state_ms = FIRST_MS};

	store_txn_put(t, &device_table, &d);
}

static void put_run(struct store_txn *t, int64_t id, int64_t at_ms, const struct texts *texts)
{
	struct run_row r = {.id = id,
		.job = id,
		.device = 1,
		.state = RUN_COMPLETED,
		.verdict = VERDICT_PASS,
		.round = 1,
		.attempts = 1,
		.variant_name = "fp32",
		.result = texts->result,
		.queued_ms = at_ms,
		.started_ms = at_ms + 1000,
		.ended_ms = at_ms + JOB_MS};
	struct attempt_row a = {.id = id,
		.run = id,
		.job = id,
		.device = 1,
		.lease = id,
		.epoch = id,
		.round = 1,
		.state = ATTEMPT_DONE,
		.counted = 1,
		.record = texts->empty,
		.created_ms = at_ms,
		.started_ms = at_ms + 1000,
		.ended_ms = at_ms + JOB_MS};
	struct lease_row l = {.id = id,
		.device = 1,
		.kind = LEASE_JOB,
		.job = id,
		.state = LEASE_RELEASED,
		.ending = LEASE_RELEASED,
		.epoch = id,
		.actor = "ci",
		.asked_ms = at_ms,
		.granted_ms = at_ms,
		.ended_ms = at_ms + JOB_MS};

	store_txn_put(t, &run_table, &r);
	store_txn_put(t, &attempt_table, &a);
	store_txn_put(t, &lease_table, &l);
}

static void put_job(struct store_txn *t, int64_t id, const struct texts *texts)
{
	int64_t at_ms = FIRST_MS + id * JOB_MS;
	struct job_row j = {.id = id,
		.state = JOB_COMPLETED,
		.verdict = VERDICT_PASS,
		.actor = "ci",
		.branch = "main",
		.labels = texts->empty,
		.spec = texts->spec,
		.n_runs = 1,
		.n_ended = 1,
		.submitted_ms = at_ms,
		.started_ms = at_ms + 1000,
		.ended_ms = at_ms + JOB_MS};

	snprintf(j.name, sizeof(j.name), "model-%d", (int)(id % 50));
	snprintf(j.commit_id, sizeof(j.commit_id), "%040lld", (long long)id);
	snprintf(j.idempotency_key, sizeof(j.idempotency_key), "history-%lld", (long long)id);
	hash_bytes(spec_text, sizeof(spec_text) - 1, j.spec_sha256);
	store_txn_put(t, &job_table, &j);
	put_run(t, id, at_ms, texts);
	for (int i = 0; i < EVENTS_PER_JOB; i++) {
		struct event_row ev = {.id = id * EVENTS_PER_JOB + i,
			.at_ms = at_ms + i * 1000,
			.topic = "run",
			.subject = id,
			.job = id,
			.from_state = "queued",
			.to_state = "assigned"};

		store_txn_put(t, &event_table, &ev);
	}
}

static int last_id(void *arg, const void *row)
{
	*(int64_t *)arg = ((const struct job_row *)row)->id;
	return 0;
}

static int64_t newest_job(struct store *s)
{
	struct store_page page = {.limit = 1, .descending = true};
	struct err e = {0};
	struct store_reader *r = store_reader_get(s, 1000, &e);
	int64_t id = 0;

	if (!r || store_rows(r, &job_table, &page, last_id, &id, &e))
		fail("jobs", e.text);
	store_reader_put(r);
	return id;
}

static int64_t put_jobs(struct store *s, int jobs)
{
	struct texts texts = {rstr_new(spec_text, sizeof(spec_text) - 1),
		rstr_new(result_text, sizeof(result_text) - 1), rstr_new("{}", 2)};
	int64_t id = newest_job(s);
	struct err e = {0};

	for (int done = 0; done < jobs;) {
		struct store_txn *t = store_txn_new();

		if (!id)
			put_device(t);
		for (int i = 0; i < JOBS_PER_TXN && done < jobs; i++, done++)
			put_job(t, ++id, &texts);
		if (store_commit(s, t, &e))
			fail("jobs", e.text);
		store_txn_free(t);
	}
	rstr_unref(texts.spec);
	rstr_unref(texts.result);
	rstr_unref(texts.empty);
	return id;
}

/* ---- samples ---- */

struct stream {
	struct store *store;
	struct store_batch *batch;
	int64_t attempt;
	uint32_t stream;
	uint8_t kind;
	uint64_t seq;
};

static void flush(struct stream *st)
{
	if (store_batch_count(st->batch))
		send(st->store, st->batch);
	else
		store_batch_free(st->batch);
	st->batch = store_batch_new();
}

static void add(struct stream *st, uint32_t n, const uint8_t *payload, size_t len)
{
	store_batch_add(st->batch, &(struct store_chunk){.attempt = st->attempt,
					   .boot = 1,
					   .stream = st->stream,
					   .seq = ++st->seq,
					   .kind = st->kind,
					   .n = n,
					   .payload = payload,
					   .len = (uint32_t)len});
	if (store_batch_count(st->batch) >= CHUNKS_PER_SEND)
		flush(st);
}

static void declare(struct stream *st, const char *name, const char *unit, int64_t budget_ns)
{
	struct msg_decl d = {
		.kind = st->kind, .scale = 1, .source = "bench", .budget_ns = budget_ns};
	uint8_t mem[512];
	struct proto_w w;

	str_copy(d.name, sizeof(d.name), name);
	str_copy(d.unit, sizeof(d.unit), unit);
	proto_w_init(&w, mem, sizeof(mem));
	msg_decl_put(&w, &d);
	assert(!w.full);
	add(st, 0, mem, w.len);
}

/* A latency that walks slowly and jitters, or a temperature that does. */
static void put_series(
	struct stream *st, int64_t values, int per_chunk, int64_t period_ns, int64_t mean)
{
	static uint8_t packed[CHUNK_BYTES_MAX];
	int64_t t[CHUNK_MAX], v[CHUNK_MAX], at = BEGIN_NS;
	uint64_t rng = 88172645463325252u + st->stream;

	for (int64_t done = 0; done < values;) {
		int n = 0;

		for (; n < per_chunk && done < values; n++, done++, at += period_ns) {
			rng ^= rng << 13;
			rng ^= rng >> 7;
			rng ^= rng << 17;
			t[n] = at;
			v[n] = mean + (int64_t)(rng >> 11) % (mean / 50) +
			       (done / 1000 % 7) * (mean / 100) + (rng % 400 == 0 ? mean : 0);
		}
		add(st, (uint32_t)n, packed, chunk_pack(packed, t, v, (uint32_t)n));
	}
	flush(st);
}

static void put_samples(struct store *s, int64_t attempt, int64_t values)
{
	struct stream st = {.store = s,
		.batch = store_batch_new(),
		.attempt = attempt,
		.stream = STREAM_ID_FIRST,
		.kind = STREAM_PACED};

	declare(&st, "paced", "ns", 1000000);
	put_series(&st, values, CHUNK_MAX, PERIOD_NS, 700000);
	for (int i = 0; i < COUNTERS; i++) {
		char name[32];

		st.stream++;
		st.kind = STREAM_COUNTER;
		st.seq = 0;
		snprintf(name, sizeof(name), "thermal.zone%d", i);
		declare(&st, name, "mC", 0);
		put_series(&st, values * PERIOD_NS / COUNTER_NS, COUNTER_CHUNK, COUNTER_NS, 40000);
	}
	store_batch_free(st.batch);
}

int main(int argc, char **argv)
{
	struct store_config cfg = {.tables = core_tables};
	struct err e = {0};
	struct store *s;
	int64_t id;

	if (argc != 4 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: fill DIR JOBS VALUES\n");
		return 2;
	}
	cfg.dir = argv[1];
	s = store_open(&cfg, NULL, &e);
	if (!s)
		fail(argv[1], e.text);
	id = put_jobs(s, atoi(argv[2]));
	if (atoll(argv[3]))
		put_samples(s, id, atoll(argv[3]));
	store_close(s);
	printf("r%lld\n", (long long)id);
	return 0;
}
