/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures for a monitoring system, as OpenMetrics text. Base units; no ids of jobs, runs or commits
 * as labels, since each would be a series for ever. Counts of jobs are gauges: rows go when their
 * time of keeping is over.
 */
#include "api/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/handlers.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/spread.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

#define TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_CLASSIC     "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX      (2 * 1024 * 1024) /* LIMIT_DEVICES of the longest lines fit */

struct args {
	struct ctl_health health;
	struct store_stats store;
	struct ctl_backup backup;
	struct http_stats http;
	struct spread turns, turns_processor;
	bool classic;
	int64_t watchers, waiters, uploads, watchers_dropped, rate_limited;
};

/* ---- what is known on the loop thread ---- */

static void put_process(struct buf *b, const struct args *a)
{
	metric(b, "build", "info", "What this daemon was built from.", NULL);
	buf_printf(b, "framefarm_build_info{version=\"%s\"} 1\n", FRAMEFARM_VERSION);
	metric_f(b, "start_time_seconds", "gauge", "When the daemon started.", "seconds",
		a->health.started_ms / 1000.0);
	metric_i(b, "store_writable", "gauge", "1 while the store can be written.",
		a->health.store_ok);
	metric_i(b, "queued_events", "gauge", "Events that wait for a turn of the loop.",
		a->health.queued_events);
	metric_i(b, "pending_commits", "gauge", "Transactions that are not on the disk yet.",
		a->health.pending_commits);
}

static void put_farm(struct buf *b, const struct args *a)
{
	const struct farm_counts *f = &a->health.farm;

	metric_i(b, "devices", "gauge", "Devices that the farm knows.", f->devices);
	metric_i(b, "devices_ready", "gauge", "Devices that wait for work.", f->ready);
	metric_i(b, "devices_busy", "gauge", "Devices that run something.", f->busy);
	metric_i(b, "queue_depth", "gauge", "Runs that wait for a device.", f->queued_runs);
	metric_i(b, "live_jobs", "gauge", "Jobs that have not ended.", f->live_jobs);
	metric_i(b, "leases", "gauge", "Leases that have not ended.", f->leases);
	metric_i(b, "agent_sessions", "gauge", "Agents that are connected.", a->health.sessions);
	metric_i(b, "samples_ingested", "counter", "Values taken from agents.", a->health.samples);
	metric_i(b, "chunks_ingested", "counter", "Chunks taken from agents.", a->health.chunks);
	metric_i(b, "chunks_resent", "counter", "Chunks that were there already.",
		a->health.resends);
}

static void put_store(struct buf *b, const struct args *a)
{
	const struct store_stats *s = &a->store;

	metric(b, "db_commit_seconds", "summary", "Commits, and the time they took.", "seconds");
	buf_printf(
		b, "framefarm_db_commit_seconds_count{file=\"control\"} %" PRIu64 "\n", s->commits);
	buf_printf(
		b, "framefarm_db_commit_seconds_sum{file=\"control\"} %.9f\n", s->commit_ns / 1e9);
	buf_printf(
		b, "framefarm_db_commit_seconds_count{file=\"samples\"} %" PRIu64 "\n", s->batches);
	buf_printf(
		b, "framefarm_db_commit_seconds_sum{file=\"samples\"} %.9f\n", s->batch_ns / 1e9);
	metric_i(b, "db_failures", "counter", "Commits that failed.", (int64_t)s->failures);
	metric(b, "db_bytes", "gauge", "Size of the files.", "bytes");
	buf_printf(b, "framefarm_db_bytes{file=\"control\"} %" PRId64 "\n", s->control_bytes);
	buf_printf(b, "framefarm_db_bytes{file=\"samples\"} %" PRId64 "\n", s->samples_bytes);
	metric(b, "db_wal_bytes", "gauge", "Size of the write-ahead logs.", "bytes");
	buf_printf(
		b, "framefarm_db_wal_bytes{file=\"control\"} %" PRId64 "\n", s->control_wal_bytes);
	buf_printf(
		b, "framefarm_db_wal_bytes{file=\"samples\"} %" PRId64 "\n", s->samples_wal_bytes);
	metric(b, "db_wal_pinned", "gauge",
		"1 while another program's reading keeps a write-ahead log from being reset.",
		NULL);
	buf_printf(b, "framefarm_db_wal_pinned{file=\"control\"} %d\n", s->control_wal_pinned);
	buf_printf(b, "framefarm_db_wal_pinned{file=\"samples\"} %d\n", s->samples_wal_pinned);
	metric_i(b, "db_queued", "gauge", "Transactions that wait for a writer.",
		(int64_t)s->queued);
}

/* What goes because of its age, and what is kept elsewhere. */
static void put_kept(struct buf *b, const struct args *a)
{
	const struct ctl_kept *k = &a->health.kept;

	metric_i(b, "removed_rows", "counter", "Rows removed because of their age or a quota.",
		k->rows);
	metric_i(b, "removed_attempts", "counter", "Attempts whose values or rollups were removed.",
		k->attempts);
	metric(b, "removed_sample_bytes", "counter", "Bytes of samples that were removed.",
		"bytes");
	buf_printf(b, "framefarm_removed_sample_bytes_total %" PRId64 "\n", k->bytes);
	metric_i(b, "removed_files", "counter", "Uploads removed because nobody needed them.",
		k->files);
	metric_i(b, "samples_over_quota", "gauge",
		"1 while samples.db is over its quota and what is left is running or pinned.",
		k->over_quota);
	metric_i(b, "upkeep_failing", "gauge", "1 while removing what is old fails.", k->failing);
	metric_f(b, "upkeep_round_seconds", "gauge", "When the last round ended; 0: none yet.",
		"seconds", k->round_ms / 1000.0);
	metric_f(b, "store_check_seconds", "gauge",
		"When the store was last read through and found whole, since the start; 0: not "
		"yet.",
		"seconds", a->health.check.whole_ms / 1000.0);
	metric_i(b, "store_check_rows", "gauge",
		"Rows that the last reading through the store read.", a->health.check.rows);
	metric_i(b, "store_check_failed", "gauge",
		"1 when the last reading through the store met damage.", a->health.check.damaged);
	metric_i(b, "store_damaged", "gauge",
		"1 once any reading has met damage in the store, until the daemon is started anew.",
		a->store.damaged);
	metric_f(b, "backup_seconds", "gauge",
		"When the last backup was begun that was done, since the start; 0: none.",
		"seconds", a->backup.last_ms / 1000.0);
	metric_i(b, "backup_failed", "gauge", "1 when the last backup failed.",
		a->backup.state == CTL_BACKUP_FAILED);
}

/* counts: those of n_bounds, and of what is over the last. */
static void put_histogram(struct buf *b, const char *name, const char *label,
	const int64_t *bounds_ns, int n_bounds, const uint64_t *counts, uint64_t sum_ns)
{
	uint64_t n = 0;

	for (int i = 0; i < n_bounds; i++) {
		n += counts[i];
		buf_printf(b, "framefarm_%s_bucket{%s,le=\"", name, label);
		metric_number(b, (double)bounds_ns[i] / 1e9);
		buf_printf(b, "\"} %" PRIu64 "\n", n);
	}
	n += counts[n_bounds];
	buf_printf(b, "framefarm_%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, label, n);
	buf_printf(b, "framefarm_%s_count{%s} %" PRIu64 "\n", name, label, n);
	buf_printf(b, "framefarm_%s_sum{%s} %.9f\n", name, label, (double)sum_ns / 1e9);
}

static void put_block(struct buf *b, const char *label, const struct store_latency *l)
{
	put_histogram(b, "inference_latency_seconds", label, store_latency_bounds_ns,
		STORE_LATENCY_BOUNDS, l->n, l->sum_ns);
}

static void put_clock(struct buf *b, const char *label, const struct spread *s)
{
	put_histogram(
		b, "loop_turn_seconds", label, spread_bounds_ns, SPREAD_BOUNDS, s->n, s->sum_ns);
}

/* While a turn lasts nobody else is served. */
static void put_loop(struct buf *b, const struct args *a)
{
	metric(b, "loop_turn_seconds", "histogram",
		"Turns of the loop: on the clock, and what they used of the processor.", "seconds");
	put_clock(b, "clock=\"wall\"", &a->turns);
	put_clock(b, "clock=\"processor\"", &a->turns_processor);
	metric_f(b, "loop_turn_longest_seconds", "gauge", "The longest turn since the start.",
		"seconds", (double)a->turns.longest_ns / 1e9);
}

/* How many kept within 16 ms is a bucket, so a count and no estimate. */
static void put_latency(struct buf *b, const struct args *a)
{
	metric(b, "inference_latency_seconds", "histogram",
		"Latencies that devices measured and sent since the daemon started.", "seconds");
	put_block(b, "block=\"paced\"", &a->store.latency[STORE_LATENCY_PACED]);
	put_block(b, "block=\"back_to_back\"", &a->store.latency[STORE_LATENCY_BACK_TO_BACK]);
}

static void put_http(struct buf *b, const struct args *a)
{
	metric_i(b, "http_connections", "gauge", "Open connections.", a->http.connections);
	metric_i(b, "http_watchers", "gauge", "Watchers of server-sent events.", a->watchers);
	metric_i(b, "http_waiters", "gauge", "Long polls.", a->waiters);
	metric_i(b, "http_uploads", "gauge", "Uploads under way.", a->uploads);
	metric_i(b, "http_requests", "counter", "Requests begun.", (int64_t)a->http.requests);
	metric(b, "http_replies", "counter", "Replies by the first digit of their status.", NULL);
	for (int i = 2; i < 6; i++)
		buf_printf(b, "framefarm_http_replies_total{class=\"%dxx\"} %" PRIu64 "\n", i,
			a->http.by_class[i]);
	metric_i(b, "http_slow_clients", "counter", "Connections cut for being too slow.",
		(int64_t)a->http.slow);
	metric_i(b, "http_expired", "counter", "Waits of requests that reached their deadline.",
		(int64_t)a->http.expired);
	metric_i(b, "http_clients_left", "counter", "Clients that went while they waited.",
		(int64_t)a->http.left);
	metric_i(b, "http_rate_limited", "counter", "Requests refused for coming too often.",
		a->rate_limited);
	metric_i(b, "http_watchers_dropped", "counter", "Times a slow watcher was sent to replay.",
		a->watchers_dropped);
}

/* ---- what is read on a pool thread ---- */

static int put_jobs(struct buf *b, const struct task_env *env, struct err *e)
{
	metric(b, "jobs", "gauge", "Jobs in the store, by state and verdict.", NULL);
	for (int64_t s = 1; s < JOB_STATES_END; s++)
		for (int64_t v = VERDICT_NONE; v <= VERDICT_INCONCLUSIVE; v++) {
			struct store_page page = {.n_filters = 2,
				.filters = {{"state", NULL, s}, {"verdict", NULL, v}}};
			int64_t n = store_row_count(env->reader, &job_table, &page, e);

			if (n < 0)
				return (int)n;
			buf_printf(b, "framefarm_jobs{state=\"%s\",verdict=\"%s\"} %" PRId64 "\n",
				job_state_name(s), verdict_name(v), n);
		}
	return 0;
}

struct units {
	struct buf up, leased, temperature;
	struct live *live;
};

static void put_labels(struct buf *b, const char *name, const struct device_row *d)
{
	buf_printf(b, "framefarm_%s{unit=\"", name);
	metric_escape(b, d->name);
	buf_puts(b, "\",device_model=\"");
	metric_escape(b, d->model);
	buf_puts(b, d->is_virtual ? "\",virtual=\"true\"" : "\",virtual=\"false\"");
}

static int add_unit(void *arg, const void *row)
{
	const struct device_row *d = row;
	struct units *u = arg;
	struct ctl_progress p;

	if (d->state == DEVICE_RETIRED)
		return 0;
	put_labels(&u->up, "device_up", d);
	buf_printf(&u->up, "} %d\n", d->state >= DEVICE_PREPARING && d->state <= DEVICE_COOLING);
	put_labels(&u->leased, "device_leased", d);
	buf_printf(&u->leased, "} %d\n", d->state == DEVICE_LEASED || d->state == DEVICE_BUSY);
	if (live_get_device(u->live, d->id, &p) && p.thermal_known) {
		put_labels(&u->temperature, "device_temperature_celsius", d);
		buf_printf(&u->temperature, ",sensor=\"hottest\"} %.3f\n", p.hottest_mc / 1000.0);
	}
	return 0;
}

static int put_devices(struct buf *b, const struct task_env *env, struct err *e)
{
	struct store_page page = {.limit = LIMIT_DEVICES};
	struct units u = {.live = env->live};
	int rc;

	buf_init(&u.up, METRICS_MAX / 4);
	buf_init(&u.leased, METRICS_MAX / 4);
	buf_init(&u.temperature, METRICS_MAX / 4);
	rc = store_rows(env->reader, &device_table, &page, add_unit, &u, e);
	metric(b, "device_up", "gauge", "1 while the device can work or does.", NULL);
	buf_put(b, u.up.data, u.up.len);
	metric(b, "device_leased", "gauge", "1 while somebody holds the device.", NULL);
	buf_put(b, u.leased.data, u.leased.len);
	metric(b, "device_temperature_celsius", "gauge", "Hottest sensor of a busy device.",
		"celsius");
	buf_put(b, u.temperature.data, u.temperature.len);
	buf_fini(&u.up);
	buf_fini(&u.leased);
	buf_fini(&u.temperature);
	return rc;
}

static struct reply *as_asked(struct buf *b, bool classic)
{
	struct buf other;
	struct reply *p;
	size_t n = b->len;
	char *text;

	buf_init(&other, METRICS_MAX);
	if (classic) {
		metrics_to_classic(&other, buf_text(b));
		b = &other;
		n = other.len;
	}
	text = mem_alloc(n + 1);
	memcpy(text, b->data, n);
	p = reply_take(200, classic ? TYPE_CLASSIC : TYPE_OPENMETRICS, text, n);
	reply_header(p, "Vary", "Accept");
	buf_fini(&other);
	return p;
}

static struct reply *work(const struct task_env *env, void *args)
{
	struct args *a = args;
	struct err e = {0};
	struct reply *p;
	struct buf b;

	buf_init(&b, METRICS_MAX);
	put_process(&b, a);
	put_loop(&b, a);
	put_farm(&b, a);
	put_store(&b, a);
	put_kept(&b, a);
	put_latency(&b, a);
	put_http(&b, a);
	if (put_jobs(&b, env, &e) || put_devices(&b, env, &e)) {
		buf_fini(&b);
		return reply_error(&e);
	}
	buf_puts(&b, "# EOF\n");
	p = as_asked(&b, a->classic);
	buf_fini(&b);
	return p;
}

void metrics_get(struct req *r)
{
	static const struct task_kind kind = {work};
	enum metrics_format format = metrics_accepted(req_header(r, "Accept"));
	struct api *api = r->api;
	struct args *a;

	if (format == METRICS_NEITHER) {
		req_reply(r, reply_problem(406, "not-acceptable",
				     "figures come as application/openmetrics-text or as "
				     "text/plain"));
		return;
	}
	a = mem_zalloc(sizeof(*a));
	a->classic = format == METRICS_CLASSIC;

	ctl_get_health(api->ctl, &a->health);
	store_get_stats(ctl_store(api->ctl), &a->store);
	ctl_backup_get(api->ctl, &a->backup);
	http_get_stats(api->http, &a->http);
	if (api->turns) {
		a->turns = *api->turns;
		a->turns_processor = *api->turns_processor;
	}
	a->watchers = api->n_watchers;
	a->waiters = api->n_waiters;
	a->uploads = api->n_uploads;
	a->rate_limited = (int64_t)api->rate_limited;
	a->watchers_dropped = (int64_t)api->watchers_dropped;
	req_read(r, &kind, a);
}
