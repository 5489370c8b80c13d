/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a job; see follow.h. */
#include "cmd/follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/sse.h"
#include "cmd/stop.h"

/* A stream is left after this long, so that an event lost on the way delays us and no more. */
#define STREAM_MS 60000
/* The daemon sends something every 15 s. */
#define STREAM_IDLE_MS 40000
/* A stream that breaks sooner than this is not opened again at once. */
#define STREAM_LEAST_MS 500
/* Where the daemon refuses a stream, it holds the answer back so long instead (at most 60 s). */
#define POLL_WAIT_S 15
#define RUNS_PAGE   50

/* ---- one reading ---- */

static int read_job(struct client *c, const char *id, int wait_s, int64_t timeout_ms,
	struct report **ret_r, struct err *e)
{
	char path[CLIENT_PATH_MAX], query[32] = "";
	struct json_doc *d = NULL;
	int rc;

	if (wait_s)
		snprintf(query, sizeof(query), "?wait=%ds", wait_s);
	rc = client_path(path, e, "/api/v1/jobs/%s", id);
	if (!rc) {
		strncat(path, query, sizeof(path) - strlen(path) - 1);
		rc = client_get(c, path, timeout_ms, &d, e);
	}
	if (!rc)
		rc = report_new(d, ret_r, e);
	if (rc)
		json_doc_free(d);
	return rc;
}

/* The runs that had no room in the job's own answer. */
static int read_runs(struct client *c, struct report *r, struct err *e)
{
	struct client_pages p = {
		.path = "/api/v1/runs", .filters = {{"job", r->id}}, .page = RUNS_PAGE};
	struct json_doc *d;
	int rc = 0;

	while (!rc && !report_complete(r) && (rc = client_page(c, &p, &d, e)) > 0) {
		rc = report_add(r, d, e);
		if (rc)
			json_doc_free(d);
	}
	return rc;
}

int follow_read(struct client *c, const char *id, struct report **ret_r, struct err *e)
{
	struct report *r = NULL;
	int rc = read_job(c, id, 0, 0, &r, e);

	if (!rc)
		rc = read_runs(c, r, e);
	if (rc)
		report_free(r);
	else
		*ret_r = r;
	return rc;
}

/* ---- the stream of events ---- */

struct stream {
	struct sse sse;
	struct progress *progress;
	bool refused; /* the daemon gives none just now */
	bool ended;   /* the job did */
};

static bool is_end(const struct json *ev)
{
	const char *to = json_str(json_get(ev, "to"));

	return !strcmp(json_str(json_get(ev, "topic")), "job") &&
	       (!strcmp(to, "completed") || !strcmp(to, "errored") || !strcmp(to, "cancelled") ||
		       !strcmp(to, "paused"));
}

static bool take_event(void *arg, const struct sse_event *ev)
{
	struct stream *s = arg;
	struct json_doc *d;

	/* Events were missed for good; the job itself, read anew, tells what came of it. */
	if (!strcmp(ev->name, "gap"))
		return false;
	d = json_parse(ev->data, ev->len, NULL);
	if (!d || !json_is_object(json_root(d))) {
		json_doc_free(d);
		return true;
	}
	progress_back(s->progress);
	if (!strcmp(ev->name, "progress"))
		progress_update(s->progress, json_root(d));
	else
		progress_event(s->progress, json_root(d));
	s->ended = strcmp(ev->name, "progress") && is_end(json_root(d));
	json_doc_free(d);
	return !s->ended;
}

static bool take_bytes(void *arg, const char *bytes, size_t n)
{
	struct stream *s = arg;

	return sse_feed(&s->sse, bytes, n, take_event, s);
}

/* Returns when the job ends, the stream breaks or timeout_ms are over; what it was is seen by reading
 * the job. */
static void run_stream(struct client *c, const char *id, int64_t timeout_ms, struct stream *s)
{
	char path[CLIENT_PATH_MAX], resume[SSE_NAME_MAX + 32];
	struct client_request rq = {
		.path = path,
		.headers = {"Accept: text/event-stream", resume},
		.timeout_ms = timeout_ms,
		.idle_ms = STREAM_IDLE_MS,
		.on_body = take_bytes,
		.arg = s,
		.once = true,
	};
	int64_t opened = clock_mono_ms();
	struct fetch_reply r;

	/* From the first event of the job on: what happened before we came is shown as well, and an
	 * end that fell between reading the job and opening the stream is not missed. */
	snprintf(resume, sizeof(resume), "Last-Event-ID: %s",
		s->sse.last_id[0] ? s->sse.last_id : "0");
	sse_reset(&s->sse);
	if (client_path(path, NULL, "/api/v1/jobs/%s/events", id))
		return;
	fetch_reply_init(&r);
	client_send(c, &rq, &r, NULL);
	s->refused = r.status >= 400;
	fetch_reply_fini(&r);
	if (!s->ended && clock_mono_ms() - opened < STREAM_LEAST_MS)
		stop_sleep(STREAM_LEAST_MS);
}

/* ---- waiting ---- */

static void say_outage(void *arg, const char *why)
{
	progress_outage(arg, why);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct wait {
	struct client *client;
	const char *id;
	int64_t deadline_ms;
	struct stream stream;
	struct report *report; /* of the job that ended */
	int rc;                /* why the waiting failed */
	struct err *err;
};

static enum follow_end why_not(const struct wait *w)
{
	if (stop_asked())
		return FOLLOW_STOPPED;
	return clock_mono_ms() >= w->deadline_ms ? FOLLOW_TIMEOUT : FOLLOW_FAILED;
}

/* Ended, or paused: nothing more comes of waiting. */
static bool is_over(const struct report *r)
{
	return report_ended(r) || report_paused(r);
}

/* One round: the job, and when it has not ended, its events. True when the waiting is over. */
static bool wait_round(struct wait *w, enum follow_end *ret_end)
{
	int64_t left = w->deadline_ms - clock_mono_ms();
	int wait_s = w->stream.refused ? (int)least(POLL_WAIT_S, left / 1000 + 1) : 0;
	struct report *r = NULL;

	*ret_end = FOLLOW_TIMEOUT;
	if (left <= 0)
		return true;
	client_set_retry(w->client, least(FOLLOW_OUTAGE_MS, left));
	w->rc = read_job(w->client, w->id, wait_s, least(CLIENT_TIMEOUT_MS, left), &r, w->err);
	if (!w->rc && is_over(r))
		w->rc = read_runs(w->client, r, w->err);
	if (w->rc) {
		report_free(r);
		*ret_end = why_not(w);
		return true;
	}
	progress_back(w->stream.progress);
	progress_names(w->stream.progress, r);
	if (is_over(r)) {
		w->report = r;
		*ret_end = FOLLOW_ENDED;
		return true;
	}
	report_free(r);
	left = w->deadline_ms - clock_mono_ms();
	if (left > 0)
		run_stream(w->client, w->id, least(STREAM_MS, left), &w->stream);
	return false;
}

enum follow_end follow_job(struct client *c, const char *id, int64_t deadline_ms, bool quiet,
	struct report **ret_r, int *ret_rc, struct err *e)
{
	struct wait w = {.client = c, .id = id, .deadline_ms = deadline_ms, .err = e};
	enum follow_end end = FOLLOW_FAILED;

	w.stream.progress = progress_new(quiet);
	sse_init(&w.stream.sse);
	client_on_retry(c, say_outage, w.stream.progress);
	while (!wait_round(&w, &end))
		;
	client_on_retry(c, NULL, NULL);
	progress_free(w.stream.progress);
	sse_fini(&w.stream.sse);
	*ret_r = w.report;
	*ret_rc = w.rc;
	return end;
}
